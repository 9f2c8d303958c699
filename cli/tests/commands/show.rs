//! `steelyard plan show`, `provider show` and `completions`, and errors as JSON.

use expect_test::expect;
use serde_json::{Value, json};

use crate::platform::Platform;
use crate::tool::Folder;

fn plan(effective_from: &str, price: &str) -> String {
    format!(
        r#"{{ "plan": "p", "effective_from": "{effective_from}", "rates": [
        {{ "rate": "calls", "apis": ["*"], "price": {{ "model": "per_unit", "unit_price": "{price}" }} }} ] }}"#
    )
}

/// A platform with two versions of a plan.
async fn platform(name: &str) -> Platform {
    let platform = Platform::open(name).await;
    platform.add_plan("first.json", &plan("2015-05-01", "0.01")).await;
    platform.add_plan("second.json", &plan("2015-06-01", "0.02")).await;
    platform
}

#[tokio::test]
async fn version_of_a_plan_is_shown_as_a_document_that_is_stored_already() {
    let platform = platform("plan-show").await;
    for (line, price) in [
        ("plan show p", "0.02"),
        ("plan show p --on 2015-06-01", "0.02"),
        ("plan show p --on 2015-05-31 --json", "0.01"),
    ] {
        let shown = platform.does(line).await;
        let document: Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(document["rates"][0]["price"]["unit_price"], price, "{line}");
        platform.folder.write("shown.json", &shown);
        let added = platform.does("plan add shown.json").await;
        assert!(added.ends_with("was stored before\n"), "{added}");
    }
    for (line, why) in [
        ("plan show p --on 2015-04-30", "error: plan `p` takes effect on 2015-05-01\n"),
        ("plan show other", "error: there is no plan `other`\n"),
    ] {
        assert_eq!(platform.fails(line).await, why);
    }
}

#[tokio::test]
async fn provider_is_shown_with_what_it_is_billed_by() {
    let platform = platform("provider-show").await;
    platform.does("provider add shop --plan p --billed-from 2015-05").await;
    let override_ = r#"{"override": "goodwill", "from": "2015-05-16", "discount_percent": "25"}"#;
    platform.folder.write("override.json", override_);
    platform.does("provider override add shop override.json").await;
    expect![[r#"
        shop: billed from 2015-05, no statement yet
        no mandate in use
        ┌──────┬────────────┐
        │ plan ┆ from       │
        ╞══════╪════════════╡
        │ p    ┆ 2015-05-01 │
        └──────┴────────────┘
        ┌──────────┬────────────┬───────┬─────────┐
        │ override ┆ from       ┆ until ┆ terms   │
        ╞══════════╪════════════╪═══════╪═════════╡
        │ goodwill ┆ 2015-05-16 ┆       ┆ 25% off │
        └──────────┴────────────┴───────┴─────────┘
    "#]]
    .assert_eq(&platform.does("provider show shop").await);
    let shown: Value =
        serde_json::from_str(&platform.does("provider show shop --json").await).unwrap();
    assert_eq!(shown["provider"]["overrides"][0]["override"], "goodwill");
    assert_eq!(shown["account"]["provider"], "shop");
}

#[tokio::test]
async fn error_is_json_where_json_is_asked_for() {
    let platform = platform("json-errors").await;
    let refused = platform.fails("provider show nobody --json").await;
    let error = json!({ "error": "provider `nobody` is not registered", "causes": [] });
    assert_eq!(serde_json::from_str::<Value>(&refused).unwrap(), error);
    let unreachable =
        Folder::new("json-causes").run("plan list --json --endpoint http://127.0.0.1:1");
    let error: Value = serde_json::from_str(&unreachable.err).unwrap();
    assert_eq!((unreachable.code, unreachable.out.as_str()), (1, ""));
    assert!(error["error"].as_str().unwrap().starts_with("no local stack at "), "{error}");
    assert!(!error["causes"].as_array().unwrap().is_empty(), "{error}");
}

#[test]
fn completions_name_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let script = Folder::new("completions").run(&format!("completions {shell}")).done();
        for command in ["provider", "reconcile", "completions"] {
            assert!(script.contains(command), "{shell} {command}");
        }
    }
}
