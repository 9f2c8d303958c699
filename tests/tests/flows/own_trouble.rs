//! Faults of the whole platform, such as a wrong key or clock: Alipay refuses every request, and no
//! provider is held responsible. Nothing ends and nothing is held, however many debits are due.

use futures::future::join_all;
use serde_json::{Value, json};
use steelyard_alipay::AlipayConfig;
use steelyard_billing::breaker::{BreakerState, Trip};
use steelyard_billing::mandate::MandatePhase;
use steelyard_billing::{Asked, Debit, GatewayCode, Phase};
use steelyard_local_alipay::{Fault, LocalAlipay, Method};
use steelyard_local_aws::LocalFunction;
use steelyard_tests::{Machine, Platform, reason, record, report};

const BASIC: &str = "taobao.trades.sold.get";

/// A private key that is not our application's.
const OTHER_KEY: &str = include_str!("../../../local/alipay/src/keys/alipay-private.pem");

/// A platform on the second of May at ten, where each of so many providers owes ¥100.00, has enough
/// at Alipay, and its debit is due. Gives their names.
async fn due(providers: usize) -> (Platform, Vec<String>) {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    let names: Vec<String> = (1..=providers).map(|number| format!("p{number}")).collect();
    for name in &names {
        platform.sign(name, 1_000_000).await;
    }
    let used = names.iter().map(|name| record(name, BASIC, "2015-05-01", 1_500_000));
    let answer = platform.post(&report("all", &used.collect::<Vec<_>>())).await;
    assert_eq!(answer.status, 200);
    platform.settle_at("2015-05-02T00:30").await;
    platform.set("2015-05-02T10:00");
    (platform, names)
}

/// Checks that no debit ended or is held, that no try counts against any, that each mandate is in
/// use, that this many requests for money left, and that no more mandates were asked about.
async fn check_waiting(platform: &Platform, names: &[String], requests: usize) {
    let (mut sent, mut asked) = (0, 0);
    for name in names {
        let debit = platform.debit(name, 1).await;
        assert_eq!((&debit.phase, debit.declines.len()), (&Phase::Due, 0), "{name}");
        assert_eq!(platform.account(name).await, [0, 10_000, debit.reserved().get()], "{name}");
        let mandate = platform.mandate(name, 1).await;
        assert_eq!(mandate.phase, MandatePhase::Active, "{name}");
        asked += usize::from(mandate.task.version > 0);
        sent += requests_of(&debit);
    }
    assert_eq!(sent, requests, "requests for money");
    assert!(asked <= requests, "{asked} mandates were asked about for {requests} requests");
    assert_eq!(platform.stack.alipay.trades().unwrap(), [], "nothing is at Alipay");
    assert_eq!(platform.stack.dead_letters().await.unwrap(), 0);
    platform.books_balance().await;
}

/// How many requests for the debit's money were answered.
fn requests_of(debit: &Debit) -> usize {
    debit.history.exchanges.iter().filter(|exchange| exchange.asked == Asked::Pay).count()
}

/// Checks that the breaker is open for a code of ours.
async fn check_open(platform: &Platform, code: &str) {
    let breaker = platform.stack.tables.billing.breaker().await.unwrap();
    let BreakerState::Open { why, probe_at_s, .. } = breaker.state else {
        panic!("debits are made")
    };
    assert_eq!(why, Trip::OwnAccount(GatewayCode(code.to_owned())));
    assert!(probe_at_s.is_some(), "a probe shows when it is over");
}

/// A person mends the fault and resumes debits: each is paid within half an hour, by one trade.
async fn check_paid_after_resumption(platform: &Platform, names: &[String], until: &str) {
    let (why, now) = (reason("the key is mended"), platform.stack.clock.now());
    let books = platform.books();
    let breaker = books.decide_breaker(|breaker| breaker.resumed(why.clone(), now)).await.unwrap();
    assert!(breaker.is_closed());
    platform.run_until(until).await;
    for name in names {
        assert_eq!((platform.account(name).await, platform.taken(name)), ([0, 0, 0], 10_000));
    }
    assert_eq!(platform.stack.alipay.trades().unwrap().len(), names.len());
    platform.books_balance().await;
}

/// The debit function whose client signs with a key that Alipay does not know.
fn with_other_key(machine: &Machine, platform: &Platform) -> LocalFunction {
    let gateway = format!("http://{}/gateway.do", platform.stack.address);
    let right = LocalAlipay::client_config(&gateway);
    let wrong = AlipayConfig { app_private_key: OTHER_KEY.to_owned(), ..right };
    machine.debit_by(wrong, platform)
}

#[tokio::test]
async fn fifty_debits_under_a_wrong_key_send_one_request_and_its_probes_and_are_paid_later() {
    let (mut platform, names) = due(50).await;
    let right = platform.stack.functions.debit.clone();
    platform.stack.functions.debit = with_other_key(&Machine::new(&platform, 0), &platform);
    platform.dispatch_at("2015-05-02T10:00").await;
    check_waiting(&platform, &names, 1).await;
    check_open(&platform, "code 40002 isv.invalid-signature").await;
    // Two probes, a quarter of an hour later and half an hour after it.
    platform.run_until("2015-05-02T11:00").await;
    check_waiting(&platform, &names, 3).await;
    check_open(&platform, "code 40002 isv.invalid-signature").await;
    platform.stack.functions.debit = right;
    check_paid_after_resumption(&platform, &names, "2015-05-02T11:30").await;
}

#[tokio::test]
async fn debits_that_alipay_refuses_for_any_reason_of_ours_wait_behind_one_request() {
    for (code, sub_code) in [
        ("40001", "isv.missing-signature"),
        ("40001", "isv.missing-timestamp"),
        ("40001", "isv.missing-app-id"),
        ("40002", "isv.invalid-signature"),
        ("40002", "isv.invalid-timestamp"),
        ("40002", "isv.invalid-app-id"),
        ("40002", "app-cert-expired"),
        ("40003", "isv.insufficient-user-permissions"),
        ("40006", "isv.insufficient-isv-permissions"),
        ("20001", "aop.invalid-auth-token"),
    ] {
        let (platform, names) = due(7).await;
        let fault = Fault::Refused { code: code.to_owned(), sub_code: sub_code.to_owned() };
        platform.stack.alipay.fail_next(Method::Pay, fault, 1);
        platform.dispatch_at("2015-05-02T10:00").await;
        check_waiting(&platform, &names, 1).await;
        check_open(&platform, &format!("code {code} {sub_code}")).await;
        check_paid_after_resumption(&platform, &names, "2015-05-02T10:30").await;
    }
}

#[tokio::test]
async fn batches_on_several_machines_send_one_request_each_at_most() {
    for behind in [0, 3] {
        let (platform, names) = due(20).await;
        let machines: Vec<_> =
            (0..4).map(|number| Machine::new(&platform, number * behind)).collect();
        let batches = machines.iter().zip(names.chunks(5)).map(|(machine, names)| {
            let function = with_other_key(machine, &platform);
            async move { function.invoke(batch(names)).await.unwrap() }
        });
        for answer in join_all(batches).await {
            assert_eq!(answer["batchItemFailures"], json!([]));
        }
        let mut sent = 0;
        for name in &names {
            sent += requests_of(&platform.debit(name, 1).await);
        }
        assert!((1..=machines.len()).contains(&sent), "{sent} requests of 4 machines");
        check_waiting(&platform, &names, sent).await;
        check_open(&platform, "code 40002 isv.invalid-signature").await;
        check_paid_after_resumption(&platform, &names, "2015-05-02T10:30").await;
    }
}

/// A batch of messages that name the one debit of each provider.
fn batch(providers: &[String]) -> Value {
    let record = |provider: &String| {
        let body = json!({ "provider": provider, "task": { "debit": 1 } }).to_string();
        json!({ "messageId": provider, "eventSource": "aws:sqs", "body": body })
    };
    json!({ "Records": providers.iter().map(record).collect::<Vec<_>>() })
}

#[tokio::test]
async fn refusal_for_our_trouble_ends_no_debit_that_is_being_given_up_or_in_doubt() {
    let (platform, names) = due(1).await;
    platform.lose_notifications();
    let alipay = &platform.stack.alipay;
    let ours =
        |sub_code: &str| Fault::Refused { code: "40002".to_owned(), sub_code: sub_code.to_owned() };
    // The money is taken and the answer lost; then the key is wrong for every query.
    alipay.fail_next(Method::Pay, Fault::NoAnswerAfterEffect, 1);
    alipay.fail_next(Method::Query, ours("isv.invalid-signature"), 6);
    platform.run_until("2015-05-02T10:05").await;
    platform.books_hold().await;
    assert_eq!((platform.account("p1").await, platform.taken("p1")), ([0, 10_000, 10_000], 10_000));
    assert!(matches!(platform.debit("p1", 1).await.phase, Phase::InDoubt { .. }));
    platform.run_until("2015-05-02T15:00").await;
    assert_eq!(platform.account(&names[0]).await, [0, 0, 0]);
    platform.books_balance().await;
}
