//! `steelyard source` and `steelyard caller`, and what a request that is signed may do then.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};
use steelyard_local_aws::Request;

use crate::platform::{Platform, USAGE_TABLE};

const PLAN: &str = r#"{ "plan": "p", "effective_from": "2015-05-01", "rates": [
    { "rate": "calls", "apis": ["*"], "price": { "model": "per_unit", "unit_price": "0.01" } } ] }"#;

async fn platform(name: &str) -> Platform {
    let platform = Platform::open(name).await;
    platform.add_plan("p.json", PLAN).await;
    platform.does("provider add shop --plan p --billed-from 2015-05").await;
    platform.set("2015-05-01T20:00");
    platform
}

/// Posts a document, signed with a name, which a local stack believes; gives the answer's first
/// line.
async fn post(platform: &Platform, path: &str, headers: &str, document: &Value) -> String {
    let (address, body) = (platform.stack.address, document.to_string());
    let text = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let asked = move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.lines().next().unwrap().to_owned()
    };
    tokio::task::spawn_blocking(asked).await.unwrap()
}

fn signed(by: &str) -> String {
    format!(
        "authorization: AWS4-HMAC-SHA256 Credential={by}/20150501/local/execute-api/aws4_request\r\n"
    )
}

fn report(id: &str) -> Value {
    json!({ "source": "gateway-1", "id": id, "records": [
        { "provider": "shop", "api": "t.get", "day": "2015-05-01", "count": 5 } ] })
}

#[tokio::test]
async fn source_reports_over_http_and_by_the_queue_and_nobody_else_does() {
    let platform = platform("access-source").await;
    let audited = platform.does("audit").await;
    assert!(audited.contains("WARNING no source is registered"), "{audited}");
    let added = "source add gateway-1 --principal gw --provider * --by lin";
    let ran = platform.run(added).await;
    assert!(ran.code == 0 && ran.err.contains("until now every caller"), "{ran:?}");
    platform.does(&format!("{added} --json")).await;
    platform.set("2015-05-01T20:02");
    for (headers, status) in [
        (signed("gw"), "HTTP/1.1 200 OK"),
        (signed("other"), "HTTP/1.1 403 Forbidden"),
        (String::new(), "HTTP/1.1 403 Forbidden"),
    ] {
        assert_eq!(post(&platform, "/v1/usage", &headers, &report("http")).await, status);
    }
    for (id, by) in [("queue-1", "gw"), ("queue-2", "other")] {
        let message = json!({
            "QueueUrl": "http://sqs.local/000000000000/steelyard-usage",
            "MessageBody": report(id).to_string(),
        });
        let headers = format!("x-amz-target: AmazonSQS.SendMessage\r\n{}", signed(by));
        assert_eq!(post(&platform, "/", &headers, &message).await, "HTTP/1.1 200 OK");
    }
    platform.stack.drain().await.unwrap();
    let shown: Value =
        serde_json::from_str(&platform.does("usage show shop --json --group-by report").await)
            .unwrap();
    let names = shown["groups"].as_array().unwrap().iter().map(|group| group["name"].clone());
    assert_eq!(names.collect::<Vec<_>>(), ["gateway-1 http", "gateway-1 queue-1"]);
    assert!(!platform.does("audit").await.contains("WARNING"));
}

#[tokio::test]
async fn pages_of_operators_are_given_for_all_providers_or_not_at_all() {
    let platform = platform("access-operators").await;
    let add = "caller add desk --may operators --principal server2";
    for providers in ["--provider shop", "--provider shop*", "--provider shop --provider a*"] {
        let refused = platform.fails(&format!("{add} {providers}")).await;
        assert!(refused.contains("--provider '*'"), "{refused}");
    }
    assert_eq!(platform.does("caller list --json").await, "[]\n");
    let ran = platform.run(&format!("{add} --provider *")).await;
    assert!(ran.code == 0 && !ran.err.contains("until now every caller"), "{ran:?}");
    platform.does("caller remove desk").await;
}

#[tokio::test]
async fn grant_is_replaced_on_purpose_and_the_last_one_of_a_right_is_removed_on_purpose() {
    let platform = platform("access-change").await;
    platform.run("caller add server --may quotes --may recharges --principal a --provider *").await;
    platform.does("caller add other --may quotes --principal b --provider isv-*").await;
    let refused = platform.fails("caller add other --may quotes --principal c --provider *").await;
    assert!(refused.contains("--replace"), "{refused}");
    platform.does("caller add other --may quotes --principal c --provider * --replace").await;
    let listed: Value = serde_json::from_str(&platform.does("caller list --json").await).unwrap();
    let listed = listed.as_array().unwrap().iter().map(|of| json!([of["name"], of["principals"]]));
    assert_eq!(listed.collect::<Vec<_>>(), [json!(["other", ["c"]]), json!(["server", ["a"]])]);
    assert!(platform.does("caller list").await.contains("recharges"));
    let narrowed = "caller add server --may quotes --principal a --provider * --replace";
    let refused = platform.fails(narrowed).await;
    assert!(refused.contains("every caller has the right `recharges`"), "{refused}");
    let refused = platform.fails("caller remove server").await;
    assert!(refused.contains("every caller has the right `recharges`"), "{refused}");
    platform.does("caller remove server --open").await;
    platform.fails("caller remove server --open").await;
    let mut broken = json!({ "pk": { "S": "#access" }, "sk": { "S": "caller#broken" } });
    broken["rights"] = json!({ "S": "all" });
    let put = json!({ "TableName": USAGE_TABLE, "Item": broken }).to_string();
    let put = Request::new("DynamoDB_20120810.PutItem", put);
    assert_eq!(platform.stack.embedded.handle(put).await.status, 200);
    assert_eq!(platform.run("caller remove broken").await.code, 1);
    assert_eq!(platform.run("caller remove broken --open").await.code, 3);
    assert_eq!(platform.run("caller list").await.code, 0);
    platform.fails("source remove server").await;
    assert_eq!(platform.does("source list --json").await, "[]\n");
}
