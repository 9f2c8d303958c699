//! Reports that were wrong are withdrawn: what was charged for them is credited once, by name.

use axum::http::{HeaderMap, Method};
use serde_json::{Value, json};
use steelyard_ingest::VOID_PATH;
use steelyard_local_alipay::{Fault as AlipayFault, Method as AlipayMethod};
use steelyard_local_aws::{Fault, Target};
use steelyard_local_stack::http_event;
use steelyard_pricing::LineCause;
use steelyard_tests::{Answer, Platform, record, report};

const BASIC: &str = "taobao.trades.sold.get";

/// A platform where `a` reported 600,000 calls on the first of May, ¥10.00 above what is free.
async fn platform() -> Platform {
    used(Platform::open().await).await
}

async fn used(platform: Platform) -> Platform {
    platform.set("2015-05-01T20:00");
    platform.sign("a", 1_000_000).await;
    platform.count_as("wrong", "a", BASIC, "2015-05-01", 600_000).await;
    platform
}

fn wrong() -> Value {
    json!({
        "provider": "a", "source": "gateway-1", "id": "wrong", "reason": "the gateway counted twice"
    })
}

async fn void(platform: &Platform, request: &Value) -> Answer {
    let body = request.to_string();
    platform.request(http_event(&Method::POST, VOID_PATH, &HeaderMap::new(), body.as_bytes())).await
}

/// Withdraws the report, and checks what that became.
async fn check_void(platform: &Platform, became: &str) {
    let answer = void(platform, &wrong()).await;
    assert_eq!(answer.body, json!({ "days": { "2015-05-01": became } }), "{answer:?}");
}

#[tokio::test]
async fn report_of_a_paid_day_is_credited_to_the_prepaid_balance_on_a_line_of_its_own() {
    let platform = platform().await;
    platform.run_until("2015-05-02T12:00").await;
    platform.check_money("a", &[("2015-05-01", 1_000)], [0, 0, 0], 1_000).await;
    check_void(&platform, "voided").await;
    check_void(&platform, "before").await;
    platform.run_until("2015-05-03T01:00").await;
    platform
        .check_money("a", &[("2015-05-01", 1_000), ("2015-05-02", -1_000)], [1_000, 0, 0], 1_000)
        .await;
    let statement = platform.statements("a").await.pop().unwrap();
    let [line] = statement.lines.as_slice() else { panic!("{:?}", statement.lines) };
    assert_eq!((line.because, json!(line.apis)), (LineCause::Void, json!({ BASIC: 600_000 })));
    // The balance pays what comes.
    platform.count("a", BASIC, "2015-05-03", 700_000).await;
    platform.run_until("2015-05-04T12:00").await;
    assert_eq!((platform.account("a").await, platform.taken("a")), ([0, 0, 0], 2_000));
    platform.books_balance().await;
}

#[tokio::test]
async fn report_of_a_day_whose_debit_is_in_doubt_is_credited_and_the_debit_still_takes_its_amount()
{
    let platform = platform().await;
    platform.stack.alipay.fail_next(AlipayMethod::Pay, AlipayFault::InProcess, 1);
    platform.lose_notifications();
    platform.run_until("2015-05-02T10:00").await;
    platform.stack.functions.dispatch.invoke(json!({})).await.unwrap();
    platform.stack.drain().await.unwrap();
    assert_eq!(platform.account("a").await, [0, 1_000, 1_000], "the debit is in doubt");
    check_void(&platform, "voided").await;
    platform.settle_at("2015-05-03T00:30").await;
    platform.books_hold().await;
    platform.run_until("2015-05-03T12:00").await;
    platform
        .check_money("a", &[("2015-05-01", 1_000), ("2015-05-02", -1_000)], [1_000, 0, 0], 1_000)
        .await;
}

/// The day that is read again is another one than that which the statement credited.
#[tokio::test]
async fn late_report_after_a_credit_is_charged_and_stops_nobody() {
    let platform = platform().await;
    platform.run_until("2015-05-02T12:00").await;
    check_void(&platform, "voided").await;
    platform.count("a", BASIC, "2015-05-02", 510_000).await;
    platform.run_until("2015-05-03T12:00").await;
    platform.count("a", BASIC, "2015-05-02", 20_000).await;
    platform.run_until("2015-06-06T12:00").await;
    let charges = [("2015-05-01", 1_000), ("2015-05-02", -900), ("2015-05-03", 200)];
    platform.check_money("a", &charges, [700, 0, 0], 1_000).await;
    assert_eq!(platform.found("a").await.account.open_from.to_string(), "2015-06");
}

#[tokio::test]
async fn report_that_is_withdrawn_before_its_day_is_settled_is_never_charged() {
    let platform = platform().await;
    check_void(&platform, "voided").await;
    platform.run_until("2015-05-02T12:00").await;
    platform.check_money("a", &[], [0, 0, 0], 0).await;
}

#[tokio::test]
async fn id_of_a_withdrawn_report_never_counts_again() {
    let platform = platform().await;
    check_void(&platform, "voided").await;
    let same = report("wrong", &[record("a", BASIC, "2015-05-01", 600_000)]);
    let answer = platform.post(&same).await;
    assert_eq!((answer.status, answer.of_day("a", "2015-05-01")), (200, "withdrawn"));
    let other = report("wrong", &[record("a", BASIC, "2015-05-01", 600_001)]);
    assert_eq!(platform.post(&other).await.of_provider("a"), "conflict");
    platform.count("a", BASIC, "2015-05-01", 510_000).await;
    platform.run_until("2015-05-02T12:00").await;
    platform.check_money("a", &[("2015-05-01", 100)], [0, 0, 0], 100).await;
}

#[tokio::test]
async fn withdrawal_that_makes_no_sense_is_refused_by_name() {
    let platform = platform().await;
    platform.run_until("2015-05-02T12:00").await;
    let with = |name: &str, value: Value| {
        let mut request = wrong();
        request[name] = value;
        request
    };
    for (request, status, kind) in [
        (with("provider", json!("nobody")), 404, "no-provider"),
        (with("source", json!("gateway-2")), 404, "no-report"),
        (with("id", json!("right")), 404, "no-report"),
        (with("day", json!("2015-05-02")), 404, "no-report"),
        (with("day", json!("2015-03-31")), 409, "month-closed"),
        (with("reason", json!("  ")), 400, "malformed-request"),
        (with("reason", Value::Null), 400, "malformed-request"),
        (with("by", json!("the pope")), 400, "malformed-request"),
        (json!([]), 400, "malformed-request"),
    ] {
        let answer = void(&platform, &request).await;
        let of_kind = format!("tag:steelyard,2026:{kind}");
        assert_eq!((answer.status, &answer.body["type"]), (status, &json!(of_kind)), "{request}");
    }
    platform.run_until("2015-06-06T12:00").await;
    assert_eq!(void(&platform, &wrong()).await.status, 404, "May is closed");
    platform.check_money("a", &[("2015-05-01", 1_000)], [0, 0, 0], 1_000).await;
}

/// An operator who had no answer would make a credit note besides, if this was an error.
#[tokio::test]
async fn withdrawal_is_answered_again_after_its_month_closed() {
    let platform = platform().await;
    platform.run_until("2015-06-04T12:00").await;
    check_void(&platform, "voided").await;
    platform.run_until("2015-06-06T12:00").await;
    check_void(&platform, "before").await;
    for (day, status) in [("2015-05-01", 200), ("2015-05-02", 409)] {
        let mut request = wrong();
        request["day"] = json!(day);
        assert_eq!(void(&platform, &request).await.status, status, "{day}");
    }
    platform.run_until("2015-06-08T12:00").await;
    assert_eq!((platform.account("a").await, platform.taken("a")), ([1_000, 0, 0], 1_000));
    platform.books_balance().await;
}

/// Withdraws the report while requests get lost, which may fail, and once more.
async fn void_through(platform: &Platform, fault: Fault, operation: &'static str, times: u64) {
    platform.stack.transport.faults().strike(Target::Operation(operation), 1..=times, fault);
    let first = void(platform, &wrong()).await.status;
    assert!(first == 200 || first == 503, "{first}");
    platform.stack.transport.faults().restore();
    assert_eq!(void(platform, &wrong()).await.status, 200);
}

#[tokio::test]
async fn withdrawal_whose_answers_get_lost_is_credited_once() {
    for fault in [Fault::LoseAnswer, Fault::LoseRequest, Fault::Throttle] {
        for times in [1, 2, 3, 30] {
            let platform = platform().await;
            platform.run_until("2015-05-02T12:00").await;
            void_through(&platform, fault, "UpdateItem", times).await;
            platform.run_until("2015-05-04T01:00").await;
            let charges = [("2015-05-01", 1_000), ("2015-05-02", -1_000)];
            platform.check_money("a", &charges, [1_000, 0, 0], 1_000).await;
        }
    }
}

#[tokio::test]
async fn late_report_whose_note_is_lost_is_charged_when_it_is_sent_again_or_when_the_month_closes()
{
    for is_sent_again in [true, false] {
        let platform = platform().await;
        platform.run_until("2015-05-02T12:00").await;
        let late = report("late", &[record("a", BASIC, "2015-05-01", 20_000)]);
        let note = Target::Operation("UpdateItem");
        platform.stack.transport.faults().strike(note, 1..=30, Fault::LoseRequest);
        assert_eq!(platform.post(&late).await.status, 503, "counted, and not noted");
        platform.stack.transport.faults().restore();
        if is_sent_again {
            assert_eq!(platform.post(&late).await.of_provider("a"), "duplicate");
        }
        platform.run_until("2015-05-03T12:00").await;
        let noted = is_sent_again.then_some(("2015-05-02".to_owned(), 200));
        assert_eq!(platform.charges("a").await.get(1), noted.as_ref());
        platform.run_until("2015-06-06T12:00").await;
        let last = if is_sent_again { "2015-05-02" } else { "2015-05-31" };
        platform.check_money("a", &[("2015-05-01", 1_000), (last, 200)], [0, 0, 0], 1_200).await;
        let open_from = platform.found("a").await.account.open_from;
        assert_eq!(open_from.to_string(), "2015-06", "May is charged for good");
    }
}

/// The most calls of a month are 10¹¹, and of a record 10⁹.
#[tokio::test]
async fn count_that_would_push_a_month_past_what_can_be_rated_is_refused() {
    let platform = platform().await;
    let billions = |from: u64, count: u64| {
        let api = |n| record("a", &format!("api{n}.get"), "2015-05-01", 1_000_000_000);
        (from..from + count).map(api).collect::<Vec<_>>()
    };
    let first = report("first", &billions(0, 60));
    assert_eq!(platform.post(&first).await.of_provider("a"), "counted");
    let second = report("second", &billions(60, 40));
    let answer = platform.post(&second).await;
    assert_eq!((answer.status, answer.of_provider("a")), (422, "nothing"));
    assert_eq!(answer.body["refused"].as_array().unwrap().len(), 40);
    assert_eq!(platform.post(&first).await.of_provider("a"), "duplicate");
    let mut cumulative = report("cumulative", &billions(60, 40));
    cumulative["cumulative"] = json!(true);
    let answer = platform.post(&cumulative).await;
    assert_eq!((answer.status, answer.of_provider("a")), (422, "nothing"), "{answer:?}");
    let third = report("third", &billions(60, 39));
    assert_eq!(platform.post(&third).await.of_provider("a"), "counted");
    platform.run_until("2015-05-02T01:00").await;
    assert_eq!(platform.charges("a").await.len(), 1);
    platform.books_balance().await;
}

#[tokio::test]
async fn twenty_thousand_apis_in_a_month_are_settled_explained_and_audited() {
    let platform = used(Platform::open_listing(20_000).await).await;
    let name = |n: u64| format!("taobao.{:016x}.get", n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    for part in 0..10 {
        let records = (0..2_000).map(|n| record("a", &name(part * 2_000 + n), "2015-05-01", 100));
        let sent = report(&format!("part-{part}"), &records.collect::<Vec<_>>());
        assert_eq!(platform.post(&sent).await.status, 200);
    }
    platform.run_until("2015-05-02T12:00").await;
    // 600,000 and 2,000,000 calls, of which 500,000 are free.
    platform.check_money("a", &[("2015-05-01", 21_000)], [0, 0, 0], 21_000).await;
    let statement = platform.statements("a").await.pop().unwrap();
    // The API of the first report is listed by the plan.
    assert_eq!(statement.lines[0].apis.apis(), 20_001);
    assert_eq!(statement.reports, 11);
    let (billing, provider) = (&platform.stack.tables.billing, "a".parse().unwrap());
    let one = billing.statement(&provider, statement.statement).await.unwrap();
    assert_eq!(one, Some(statement));
    // The account has grown by three bytes for each name.
    let mut account = platform.found("a").await.account;
    let names = account.months.values_mut().map(|month| std::mem::take(&mut month.names));
    let names = names.map(|names| json!(names).as_array().unwrap().len()).collect::<Vec<_>>();
    assert!(json!(account).to_string().len() < 1_000, "{account:?}");
    assert!((59_900..=60_009).contains(&names[0]), "{names:?}");
    platform.count("a", &name(7), "2015-05-02", 100).await;
    platform.run_until("2015-05-03T12:00").await;
    check_void(&platform, "voided").await;
    platform.run_until("2015-05-04T12:00").await;
    assert_eq!(platform.charges("a").await.pop(), Some(("2015-05-03".to_owned(), -6_000)));
    platform.books_balance().await;
    assert_eq!(platform.taken("a"), 21_001);
}
