//! `steelyard items`: what cannot be read is listed, and nothing else is skipped.

use serde_json::{Value, json};
use steelyard_local_aws::Request;

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

#[tokio::test]
async fn usage_report_that_cannot_be_read_is_listed_and_stops_its_provider_alone_until_it_is_mended()
 {
    let platform = Platform::open("items-reports").await;
    platform.add_plan("p.json", PLAN).await;
    for shop in ["shop", "other"] {
        platform.does(&format!("provider add {shop} --plan p --billed-from 2015-05")).await;
    }
    platform.set("2015-05-01T20:00");
    for (id, shop) in [("first", "shop"), ("second", "shop"), ("third", "other")] {
        platform.count(id, shop, "2015-05-01", &[("x", 100)]).await;
    }
    assert_eq!(platform.does("items unreadable --json").await, "[]\n");
    let sk = "day#2015-05-01#gateway-1#second";
    platform.make_unreadable("shop", sk).await;
    let ran = platform.run("items unreadable --json").await;
    let listed: Value = serde_json::from_str(&ran.out).unwrap();
    let [found] = listed.as_array().unwrap().as_slice() else { panic!("{listed}") };
    assert_eq!((ran.code, &found["table"], &found["pk"]), (3, &json!("usage"), &json!("shop")));
    assert_eq!((&found["sk"], &found["skipped"]), (&json!(sk), &Value::Null));
    assert!(found["why"].as_str().unwrap().contains("a newer format"), "{found}");

    // The night names the provider, and settles the other.
    platform.set("2015-05-02T20:00");
    let settled = platform.run("settle").await;
    assert_eq!(settled.code, 3, "{}", settled.err);
    for part in ["cannot settle shop", sk, "a newer format"] {
        assert!(settled.out.contains(part), "`{part}` in: {}", settled.out);
    }
    let audited = platform.run("audit").await;
    let line = audited.out.lines().find(|line| line.starts_with("UNREADABLE ")).unwrap();
    for part in ["provider `shop`", sk, "a newer format"] {
        assert!(line.contains(part), "`{part}` in: {line}");
    }
    let charged = |shop: &'static str| {
        let platform = &platform;
        async move {
            let text = platform.does(&format!("statement {shop} --json")).await;
            let statements: Value = serde_json::from_str(&text).unwrap();
            let charges = statements.as_array().unwrap().iter();
            charges.map(|of| of["charge_fen"].as_i64().unwrap()).sum::<i64>()
        }
    };
    assert_eq!((charged("shop").await, charged("other").await), (0, 100));

    // A report counts until it is withdrawn by name: skipping it does not pass it over.
    platform.does(&format!("items skip shop {sk} --usage --reason looked-into")).await;
    let listed: Value =
        serde_json::from_str(&platform.does("items unreadable --json").await).unwrap();
    assert_eq!(listed[0]["skipped"], "looked-into");
    assert_ne!(platform.run("settle").await.code, 0);
    assert_eq!(charged("shop").await, 0);

    platform.set_format("shop", sk, 1).await;
    assert_eq!(platform.does("items unreadable --json").await, "[]\n");
    platform.does("settle").await;
    assert_eq!(charged("shop").await, 200);
    platform.does("audit").await;
}

#[tokio::test]
async fn webhook_endpoint_that_cannot_be_read_is_listed_and_skipped() {
    let platform = Platform::open("items-endpoints").await;
    platform.set("2015-05-01T12:00");
    let catcher = format!("http://{}/catcher", platform.stack.address);
    for name in ["erp", "desk"] {
        platform.does(&format!("webhooks add {name} {catcher} --provider shop")).await;
    }
    assert_eq!(platform.does("items unreadable --json").await, "[]\n");
    let text = |text: &str| json!({ "S": text });
    let newer = json!({
        "pk": text("provider#shop"), "sk": text("endpoint#erp"), "format": { "N": "99" },
    });
    let put = json!({ "TableName": "steelyard-events", "Item": newer }).to_string();
    let request = Request::new("DynamoDB_20120810.PutItem", put);
    assert_eq!(platform.stack.embedded.handle(request).await.status, 200);
    let ran = platform.run("items unreadable --json").await;
    let listed: Value = serde_json::from_str(&ran.out).unwrap();
    let [found] = listed.as_array().unwrap().as_slice() else { panic!("{listed}") };
    let name = (&found["table"], &found["pk"], &found["sk"]);
    assert_eq!(name, (&json!("events"), &json!("provider#shop"), &json!("endpoint#erp")));
    assert_eq!((ran.code, &found["skipped"]), (3, &Value::Null));
    let skip = "items skip provider#shop endpoint#erp --reason looked-into";
    let refused = platform.fails(skip).await;
    assert!(refused.contains("is listed by `steelyard items unreadable`"), "{refused}");
    platform.does(&format!("{skip} --events")).await;
    let listed: Value =
        serde_json::from_str(&platform.does("items unreadable --json").await).unwrap();
    assert_eq!(listed[0]["skipped"], "looked-into");
}
