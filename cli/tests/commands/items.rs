//! `steelyard items`: what cannot be read is listed, and nothing else is skipped.

use serde_json::{Value, json};

use crate::platform::Platform;

const PLAN: &str = r#"{ "plan": "p", "effective_from": "2015-05-01", "rates": [
    { "rate": "calls", "apis": ["*"], "price": { "model": "per_unit", "unit_price": "0.01" } } ] }"#;

#[tokio::test]
async fn item_that_can_be_read_is_not_skipped_and_one_that_cannot_is_until_it_raises_no_alarm() {
    let platform = Platform::open("items").await;
    platform.add_plan("p.json", PLAN).await;
    assert_eq!(platform.does("items unreadable --json").await, "[]\n");
    let before = platform.dump().await;
    for skip in ["plans p#2015-05-01", "plans none#2015-05-01", "plans p#2015-05-01 --usage"] {
        let refused = platform.fails(&format!("items skip {skip} --reason looked-into")).await;
        assert!(refused.contains("is listed by `steelyard items unreadable`"), "{refused}");
    }
    assert_eq!(platform.dump().await, before);

    platform.make_unreadable("plans", "p#2015-05-01").await;
    let refused = platform.run("plan show p").await;
    assert_eq!((refused.code, refused.out.as_str()), (1, ""), "{}", refused.err);
    let why = "error: the version of plan `p` of 2015-05-01 cannot be read\n";
    assert!(refused.err.ends_with(why), "{}", refused.err);
    let ran = platform.run("items unreadable --json").await;
    let listed: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        (ran.code, &listed[0]["sk"], &listed[0]["skipped"]),
        (3, &json!("p#2015-05-01"), &Value::Null)
    );
    platform.does("items skip plans p#2015-05-01 --reason looked-into").await;
    let listed: Value =
        serde_json::from_str(&platform.does("items unreadable --json").await).unwrap();
    assert_eq!(listed[0]["skipped"], "looked-into");
}
