//! Commands with `--aws` at the endpoints that the AWS tools know.

use crate::platform::{BILLING_TABLE, Platform, USAGE_TABLE};
use crate::tool::Ran;

/// Runs `plan list --aws` with these variables; `{stack}` is the endpoint of the stack.
async fn list_plans(platform: &Platform, variables: &[(&str, &str)]) -> Ran {
    let mut command = platform.folder.command(&format!(
        "plan list --json --aws --usage-table {USAGE_TABLE} --billing-table {BILLING_TABLE}"
    ));
    for (name, value) in [
        ("AWS_REGION", "cn-north-1"),
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_CONFIG_FILE", "empty"),
        ("AWS_SHARED_CREDENTIALS_FILE", "empty"),
    ] {
        command.env(name, value);
    }
    let stack = format!("http://{}", platform.stack.address);
    for (name, value) in variables {
        command.env(name, value.replace("{stack}", &stack));
    }
    // The stack is served meanwhile, by this thread.
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
    Ran::of(output.unwrap())
}

#[tokio::test]
async fn aws_is_reached_at_the_endpoint_that_the_variables_name() {
    let platform = Platform::open("endpoints").await;
    platform.folder.write("empty", "");
    // Nothing answers at port 1.
    let nowhere = "http://127.0.0.1:1";
    for variables in [
        &[("AWS_ENDPOINT_URL", "{stack}")][..],
        &[("AWS_ENDPOINT_URL_DYNAMODB", "{stack}")],
        &[("AWS_ENDPOINT_URL", nowhere), ("AWS_ENDPOINT_URL_DYNAMODB", "{stack}")],
        &[("AWS_ENDPOINT_URL", "{stack}"), ("AWS_ENDPOINT_URL_SQS", nowhere)],
    ] {
        assert_eq!(list_plans(&platform, variables).await.done(), "[]\n", "{variables:?}");
    }
    let elsewhere = [("AWS_ENDPOINT_URL", "{stack}"), ("AWS_ENDPOINT_URL_DYNAMODB", nowhere)];
    assert_eq!(list_plans(&platform, &elsewhere).await.code, 1);
}
