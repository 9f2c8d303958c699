//! Webhook endpoints, and the catcher of the local stack.

use serde_json::Value;

use crate::clock::http_get;
use crate::platform::Platform;

async fn json_of(platform: &Platform, line: &str) -> Value {
    serde_json::from_str(&platform.does(&format!("{line} --json")).await).unwrap()
}

#[tokio::test]
async fn an_endpoint_is_added_tested_rotated_and_removed() {
    let platform = Platform::open("webhooks").await;
    platform.set("2015-05-01T12:00");
    let catcher = format!("http://{}/catcher", platform.stack.address);
    let added = platform.does(&format!("webhooks add ops {catcher} --type breaker.*")).await;
    let secret = added.lines().last().unwrap().to_owned();
    assert!(secret.starts_with("whsec_"), "{added}");
    platform.does("webhooks test ops").await;
    platform.run_until("2015-05-01T12:05").await;

    let shown = json_of(&platform, "webhooks show ops").await;
    assert_eq!(shown["test"]["outcome"], "delivered");
    assert_eq!((&shown["status"], &shown["types"][0]), (&"active".into(), &"breaker.*".into()));
    assert!(!shown.to_string().contains(&secret), "a secret is shown once");
    let (_, deliveries) = http_get(platform.stack.address, "/catcher/deliveries").await;
    let deliveries: Value = serde_json::from_str(&deliveries).unwrap();
    let delivery = &deliveries[0];
    let body: Value = serde_json::from_str(delivery["body"].as_str().unwrap()).unwrap();
    assert_eq!(body["type"], "endpoint.test");
    let headers = delivery["headers"].as_array().unwrap();
    let names: Vec<_> = headers.iter().map(|header| header[0].as_str().unwrap()).collect();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }

    let rotated = platform.does("webhooks rotate ops --scheme ed25519").await;
    assert!(rotated.lines().last().unwrap().starts_with("whpk_"), "{rotated}");
    let listed = json_of(&platform, "webhooks list").await;
    assert_eq!(listed[0]["both_secrets_until"], "2015-05-02T04:05:00Z");
    platform.does("webhooks remove ops").await;
    assert_eq!(json_of(&platform, "webhooks list").await, Value::Array(Vec::new()));
}

#[tokio::test]
async fn mistakes_are_named() {
    let platform = Platform::open("webhooks-mistakes").await;
    platform.set("2015-05-01T12:00");
    let catcher = format!("http://{}/catcher", platform.stack.address);
    platform.does(&format!("webhooks add erp {catcher} --provider shop")).await;
    for (line, why) in [
        (
            format!("webhooks add erp {catcher} --provider shop"),
            "shop has an endpoint `erp` already",
        ),
        (
            "webhooks add meta http://169.254.169.254/".to_owned(),
            "169.254.169.254 is not public: link-local",
        ),
        (
            "webhooks add meta ftp://shop.example/".to_owned(),
            "`ftp://shop.example/` is not an address of an endpoint",
        ),
        ("webhooks show erp".to_owned(), "#platform has no endpoint `erp`"),
        (
            "webhooks replay erp --provider shop --since 2015-05-01T00:00:00Z".to_owned(),
            "nothing happened since 2015-05-01T00:00:00Z",
        ),
    ] {
        let said = platform.fails(&line).await;
        assert!(said.contains(why), "{line}: {said}");
    }
}
