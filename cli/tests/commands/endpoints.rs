//! Commands with `--aws` at the endpoints that the AWS tools know.

use crate::platform::{BILLING_TABLE, Platform, USAGE_TABLE};
use crate::tool::Ran;

/// Runs a command with `--aws` and these variables; `{stack}` is the endpoint of the stack.
pub(crate) async fn run(platform: &Platform, line: &str, variables: &[(&str, &str)]) -> Ran {
    let mut command = platform.folder.command(&format!(
        "{line} --aws --usage-table {USAGE_TABLE} --billing-table {BILLING_TABLE}"
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
    let line = "plan list --json";
    // Nothing answers at port 1.
    let nowhere = "http://127.0.0.1:1";
    for variables in [
        &[("AWS_ENDPOINT_URL", "{stack}")][..],
        &[("AWS_ENDPOINT_URL_DYNAMODB", "{stack}")],
        &[("AWS_ENDPOINT_URL", nowhere), ("AWS_ENDPOINT_URL_DYNAMODB", "{stack}")],
        &[("AWS_ENDPOINT_URL", "{stack}"), ("AWS_ENDPOINT_URL_SQS", nowhere)],
    ] {
        assert_eq!(run(&platform, line, variables).await.done(), "[]\n", "{variables:?}");
    }
    let elsewhere = [("AWS_ENDPOINT_URL", "{stack}"), ("AWS_ENDPOINT_URL_DYNAMODB", nowhere)];
    assert_eq!(run(&platform, line, &elsewhere).await.code, 1);
}

#[tokio::test]
async fn instants_of_a_deployment_are_shown_in_the_time_zone_that_is_given() {
    let platform = Platform::open("endpoints-zone").await;
    platform.folder.write("empty", "");
    platform.does("breaker stop --reason maintenance").await;
    platform.does("breaker resume --reason done").await;
    let stack = [("AWS_ENDPOINT_URL", "{stack}")];
    let shown = run(&platform, "breaker show --time-zone Europe/Paris", &stack).await.done();
    assert_eq!(shown, "debits are made; last resumed at 2015-04-30T18:00:00+02:00: done\n");
    let refused = run(&platform, "breaker show", &stack).await;
    assert_eq!((refused.code, refused.out.as_str()), (1, ""));
    assert!(refused.err.contains("give --time-zone as the deployment has it"), "{}", refused.err);
    // JSON has seconds of Unix time, which no time zone changes.
    let shown = run(&platform, "breaker show --json", &stack).await.done();
    assert!(shown.contains("\"at_s\": 1430409600"), "{shown}");
}
