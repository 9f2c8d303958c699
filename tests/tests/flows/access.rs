//! A caller does what is granted to the identity that AWS has checked, whatever its request says of
//! itself.

use axum::http::{HeaderMap, Method};
use serde_json::{Value, json};
use steelyard_billing::{Grant, Grantee, Person, Right};
use steelyard_ingest::{USAGE_PATH, VOID_PATH};
use steelyard_local_stack::http_event;
use steelyard_offers::{MANDATES_PATH, RECHARGES_PATH};
use steelyard_quote::QUOTES_PATH;
use steelyard_tests::{Answer, Platform, record, report};

const API: &str = "taobao.trades.sold.get";
const DAY: &str = "2015-05-01";

/// The role of a gateway as it is registered, and as API Gateway reports a session of it.
const ROLE: &str = "arn:aws:iam::123456789012:role/service/gateway";
const SESSION: &str = "arn:aws:sts::123456789012:assumed-role/gateway/i-0abc";

async fn platform() -> Platform {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    for provider in ["isv-1", "isv-2", "other"] {
        platform.join(provider).await;
    }
    platform
}

async fn grant(platform: &Platform, to: Grantee, principal: &str, right: Right, of: &[&str]) {
    let grant = Grant {
        principals: [principal.parse().unwrap()].into(),
        rights: [right].into(),
        providers: of.iter().map(|some| some.parse().unwrap()).collect(),
        by: Person::new("lin").unwrap(),
        at_s: platform.stack.clock.now(),
    };
    platform.stack.tables.usage.grant(&to, None, &grant).await.unwrap();
    pass_minute(platform);
}

/// From now on the functions know what is granted.
fn pass_minute(platform: &Platform) {
    platform.stack.clock.set(platform.stack.clock.now() + jiff::SignedDuration::from_mins(1));
}

fn source(id: &str) -> Grantee {
    Grantee::Source(id.parse().unwrap())
}

/// An event of a request that AWS says a caller signed.
fn signed(path: &str, document: &Value, arn: &str) -> Value {
    let body = document.to_string();
    let mut event = http_event(&Method::POST, path, &HeaderMap::new(), body.as_bytes());
    event["requestContext"]["authorizer"] = json!({ "iam": { "userArn": arn } });
    event
}

async fn post(platform: &Platform, document: &Value, arn: &str) -> Answer {
    platform.request(signed(USAGE_PATH, document, arn)).await
}

#[tokio::test]
async fn without_a_source_everybody_reports_and_the_first_one_ends_that_within_a_minute() {
    let platform = platform().await;
    let by = |id: &str| report(id, &[record("isv-1", API, DAY, 1)]);
    assert_eq!(post(&platform, &by("r-1"), "arn:aws:iam::1:user/any").await.status, 200);
    assert_eq!(platform.post(&by("r-2")).await.status, 200);
    grant(&platform, source("gateway-1"), ROLE, Right::Report, &["*"]).await;
    assert_eq!(post(&platform, &by("r-3"), SESSION).await.status, 200);
    for (event, who) in [
        (signed(USAGE_PATH, &by("r-4"), "arn:aws:iam::1:user/any"), "arn:aws:iam::1:user/any"),
        // The same name in another account.
        (
            signed(USAGE_PATH, &by("r-4"), "arn:aws:sts::9:assumed-role/gateway/i-0abc"),
            "arn:aws:sts::9:assumed-role/gateway/i-0abc",
        ),
        (
            http_event(
                &Method::POST,
                USAGE_PATH,
                &HeaderMap::new(),
                by("r-4").to_string().as_bytes(),
            ),
            "a caller without an identity",
        ),
    ] {
        let answer = platform.request(event).await;
        assert_eq!(answer.status, 403, "{answer:?}");
        assert_eq!(answer.body["type"], "tag:steelyard,2026:forbidden");
        assert_eq!(answer.body["detail"], format!("{who} may not report as gateway-1"));
    }
    let invoked = platform.stack.functions.ingest.invoke(by("r-4")).await;
    assert!(invoked.unwrap_err().to_string().contains("may not report as gateway-1"));
    assert_eq!(platform.calls("isv-1").await, 3);
}

#[tokio::test]
async fn caller_burns_no_id_of_a_source_that_is_not_its_own_and_withdraws_nothing_of_it() {
    let platform = platform().await;
    grant(&platform, source("gateway-1"), ROLE, Right::Report, &["*"]).await;
    grant(&platform, source("gateway-2"), "AROAOTHER", Right::Report, &["*"]).await;
    let forged = report("hour-1", &[record("isv-1", API, DAY, 9)]);
    let other = "arn:aws:iam::123456789012:user/gateway-2";
    assert_eq!(post(&platform, &forged, other).await.status, 403);
    let own = report("hour-1", &[record("isv-1", API, DAY, 5)]);
    assert_eq!(post(&platform, &own, SESSION).await.of_day("isv-1", DAY), "counted");
    let void = json!({
        "provider": "isv-1", "source": "gateway-1", "id": "hour-1", "reason": "not mine"
    });
    let voided = |arn: &str| platform.request(signed(VOID_PATH, &void, arn));
    assert_eq!(voided(other).await.status, 403);
    assert_eq!(platform.calls("isv-1").await, 5);
    assert_eq!(voided(SESSION).await.status, 200);
    assert_eq!(platform.calls("isv-1").await, 0);
}

#[tokio::test]
async fn source_reports_for_its_providers_and_is_not_told_which_others_there_are() {
    let platform = platform().await;
    grant(&platform, source("gateway-1"), ROLE, Right::Report, &["isv-*"]).await;
    let mixed = report("mixed", &[record("isv-1", API, DAY, 3), record("other", API, DAY, 4)]);
    let answer = post(&platform, &mixed, SESSION).await;
    assert_eq!((answer.status, answer.of_day("isv-1", DAY)), (422, "counted"));
    let why = "source gateway-1 may not report for provider `other`";
    assert_eq!(answer.body["refused"], json!([{ "index": 1, "reason": why }]));
    for unknown in ["other", "nobody"] {
        let foreign = report("foreign", &[record(unknown, API, DAY, 4)]);
        let answer = post(&platform, &foreign, SESSION).await;
        assert_eq!(
            (answer.status, &answer.body["type"]),
            (403, &json!("tag:steelyard,2026:forbidden"))
        );
        let why = format!("source gateway-1 may not report for provider `{unknown}`");
        assert_eq!(answer.body["refused"][0]["reason"], why);
        let void = json!({
            "provider": unknown, "source": "gateway-1", "id": "foreign", "reason": "a try"
        });
        assert_eq!(platform.request(signed(VOID_PATH, &void, SESSION)).await.status, 403);
    }
    assert_eq!((platform.calls("isv-1").await, platform.calls("other").await), (3, 0));
}

#[tokio::test]
async fn message_counts_for_the_sender_that_the_queue_tells() {
    let platform = platform().await;
    grant(&platform, source("gateway-1"), "AROAGATEWAY", Right::Report, &["*"]).await;
    let message = |id: &str, sender: &str| {
        json!({
            "messageId": id, "eventSource": "aws:sqs", "attributes": { "SenderId": sender },
            "body": report(id, &[record("isv-1", API, DAY, 2)]).to_string(),
        })
    };
    let batch = json!({ "Records": [
        message("m-1", "AROAGATEWAY:i-0abc"), message("m-2", "AROAELSE:i-0abc"), message("m-3", ""),
    ] });
    let answer = platform.stack.functions.ingest.invoke(batch).await.unwrap();
    let failed = answer["batchItemFailures"].as_array().unwrap();
    let failed = failed.iter().map(|failure| failure["itemIdentifier"].clone());
    assert_eq!(failed.collect::<Vec<_>>(), ["m-2", "m-3"]);
    assert_eq!(platform.calls("isv-1").await, 2);
}

#[tokio::test]
async fn quotes_recharges_and_mandates_are_for_callers_with_the_right_and_for_their_providers() {
    let platform = platform().await;
    let quote = &platform.stack.functions.quote;
    let offers = &platform.stack.functions.offers;
    let server = Grantee::Caller("platform".parse().unwrap());
    let calculator = Grantee::Caller("calculator".parse().unwrap());
    let usage = json!({ "usage": { API: 1 } });
    for (path, function, asked, right, done) in [
        (QUOTES_PATH, quote, usage, Right::Quotes, 200),
        (RECHARGES_PATH, offers, json!({ "amount": "5.00" }), Right::Recharges, 201),
        (MANDATES_PATH, offers, json!({}), Right::Mandates, 201),
    ] {
        let ask = async |provider: &str, arn: &str| {
            let mut asked = asked.clone();
            asked["provider"] = json!(provider);
            let event = signed(path, &asked, arn);
            Answer::of(&function.invoke(event).await.unwrap())
        };
        assert_eq!(ask("isv-1", "arn:aws:iam::1:user/any").await.status, done, "{path} is open");
        let to = if right == Right::Quotes { &calculator } else { &server };
        platform.stack.tables.usage.revoke(to).await.unwrap();
        grant(&platform, to.clone(), ROLE, right, &["isv-*"]).await;
        assert_eq!(ask("isv-2", SESSION).await.status, done, "{path}");
        for (provider, arn) in
            [("isv-1", "arn:aws:iam::1:user/any"), ("other", SESSION), ("nobody", SESSION)]
        {
            let before = platform.all_items().await.len();
            let answer = ask(provider, arn).await;
            assert_eq!(answer.status, 403, "{path} {provider} {arn}: {answer:?}");
            let why = format!("{arn} may not ask for {right} for {provider}");
            assert_eq!(answer.body["detail"], why);
            assert_eq!(platform.all_items().await.len(), before);
        }
    }
    let plan = json!({ "plan": steelyard_tests::PLAN, "usage": { API: 1 } });
    for (arn, status) in [(SESSION, 200), ("arn:aws:iam::1:user/any", 403)] {
        let answer = quote.invoke(signed(QUOTES_PATH, &plan, arn)).await.unwrap();
        assert_eq!(Answer::of(&answer).status, status, "{arn}");
    }
}

#[tokio::test]
async fn what_a_provider_used_is_for_callers_with_the_right_and_for_their_providers() {
    let platform = platform().await;
    let ask = async |target: &str, arn: &str| {
        let mut event = http_event(&Method::GET, target, &HeaderMap::new(), b"");
        event["requestContext"]["authorizer"] = json!({ "iam": { "userArn": arn } });
        Answer::of(&platform.stack.functions.quote.invoke(event).await.unwrap())
    };
    let any = "arn:aws:iam::1:user/any";
    assert_eq!(ask("/v1/usage/other", any).await.status, 200, "it is open");
    let caller = Grantee::Caller("pages".parse().unwrap());
    grant(&platform, caller, ROLE, Right::Usage, &["isv-*"]).await;
    for target in ["/v1/usage/isv-1", "/v1/usage/isv%2D1", "/v1/usage/isv-2?group_by=source"] {
        assert_eq!(ask(target, SESSION).await.status, 200, "{target}");
        assert_eq!(ask(target, any).await.status, 403, "{target}");
    }
    // A provider that is not there is not distinguished from one of others.
    for target in
        ["/v1/usage/other", "/v1/usage/nobody", "/v1/usage/o%74her", "/v1/usage/other?to=x"]
    {
        let answer = ask(target, SESSION).await;
        assert_eq!((answer.status, &answer.body["status"]), (403, &json!(403)), "{target}");
    }
    assert_eq!(ask("/v1/usage/isv-9", SESSION).await.status, 404);
}

#[tokio::test]
async fn grant_that_cannot_be_read_gives_nothing_and_opens_nothing() {
    let platform = platform().await;
    grant(&platform, source("gateway-1"), ROLE, Right::Report, &["*"]).await;
    let mut broken = json!({ "pk": { "S": "#access" }, "sk": { "S": "source#gateway-1" } });
    broken["principals"] = json!({ "S": "everybody" });
    platform.put_item_into("steelyard-usage", &broken).await;
    pass_minute(&platform);
    let by = report("r", &[record("isv-1", API, DAY, 1)]);
    assert_eq!(post(&platform, &by, SESSION).await.status, 403);
    let asked = json!({ "provider": "isv-1", "usage": { API: 1 } });
    let quoted = platform.stack.functions.quote.invoke(signed(QUOTES_PATH, &asked, SESSION)).await;
    assert_eq!(Answer::of(&quoted.unwrap()).status, 200, "rights of callers are still open");
}
