//! What is logged, at debug level too: no key, no signature, no raw request, no person's name; and
//! each day what waits for a person.
//!
//! A process of its own: there is one subscriber, which must be there before anything is logged.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::cell::RefCell;
use std::io::Write;
use std::sync::Once;

use serde_json::json;
use steelyard_billing::{OutRequestNo, OutTradeNo, RefundRef};
use steelyard_books::RefundAsked;
use steelyard_local_alipay::{Fault, LocalAlipay, Method, NotificationFault};
use steelyard_tests::{Platform, agreement_no, fen, reason};
use tracing::level_filters::LevelFilter;

const BASIC: &str = "taobao.trades.sold.get";
/// A person, as Alipay knows them.
const PAYER: &str = "张三丰 13800138000";

thread_local! {
    /// The logs of this thread: a test and all that it awaits run on one.
    static LOGGED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Keeps what is logged, by thread.
struct Kept;

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOGGED.with_borrow_mut(|logged| logged.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A mandate is signed, a day is withheld in spite of lost answers and a forged notification, a
/// recharge is paid and refunded, a payment is reversed, the mandate is revoked, and days are
/// reconciled. Some of it is reported in GBK; a refund is refused, and bills are broken.
async fn live_through() {
    let platform = Platform::open().await;
    let alipay = &platform.stack.alipay;
    platform.set("2015-05-01T20:00");
    platform.join("a").await;
    let offered = platform.offer_mandate("a").await;
    let number = offered["external_agreement_no"].as_str().unwrap();
    let now = platform.stack.clock.now();
    let agreement = alipay.sign_agreement(number, PAYER, fen(1_000_000), now).unwrap();
    platform.count("a", BASIC, "2015-05-01", 1_500_000).await;
    for fault in
        [Fault::Garbage, Fault::UnsignedAnswer, Fault::WrongKey, Fault::NoAnswerAfterEffect]
    {
        alipay.fail_next(Method::Query, fault, 1);
    }
    alipay.fail_next(Method::Pay, Fault::WrongKey, 1);
    alipay.fail_next(Method::AgreementQuery, Fault::GbkAnswer, 1);
    alipay.fail_next(Method::AgreementQuery, Fault::MislabelledAnswer, 1);
    alipay.fail_next_notifications(NotificationFault::Gbk, 1);
    platform.run_until("2015-05-02T12:00").await;
    assert_eq!(platform.account("a").await, [0, 0, 0]);

    let recharge = platform.offer_recharge("a", "20.00", "code").await;
    let trade = OutTradeNo::parse(recharge["out_trade_no"].as_str().unwrap()).unwrap();
    alipay.pay_trade(trade.as_str(), PAYER, platform.stack.clock.now()).unwrap();
    let forged = alipay.forged_form(&platform.pending_notification());
    assert_eq!(platform.notify(&forged).await.0, 400);
    alipay.fail_next_notifications(NotificationFault::Mislabelled, 1);
    platform.deliver().await;
    let genuine = platform.pending_notification();
    assert_eq!(platform.notify(&alipay.signed_form_in_gbk(&genuine)).await.0, 200);
    alipay.fail_next(Method::Refund, refused("ACQ.TRADE_NOT_ALLOW_REFUND"), 1);
    refund(&platform, trade.clone(), "F0", 100).await;
    platform.run_until("2015-05-02T12:30").await;
    refund(&platform, trade, "F1", 500).await;
    platform.run_until("2015-05-02T13:00").await;
    let debit = alipay.trades().unwrap().remove(0).out_trade_no;
    alipay.reverse_trade(&debit, fen(300), platform.stack.clock.now()).unwrap();
    alipay.revoke_agreement(&agreement, platform.stack.clock.now()).unwrap();
    platform.run_until("2015-05-03T10:29").await;
    alipay.fail_next(Method::Bill, Fault::BillBroken, 1);
    platform.run_until("2015-05-03T12:00").await;
    for fault in [Fault::BillUnreadableRow, Fault::BillOtherAmount] {
        alipay.fail_next(Method::Bill, fault, 1);
        let day = json!({ "day": "2015-05-02" });
        platform.stack.functions.reconcile.invoke(day).await.unwrap();
    }
    platform.run_until("2015-05-05T12:00").await;
    platform.books_balance().await;
}

async fn refund(platform: &Platform, trade: OutTradeNo, request: &str, amount: i64) {
    let number =
        RefundRef { out_trade_no: trade, out_request_no: OutRequestNo::parse(request).unwrap() };
    let (provider, why) = ("a".parse().unwrap(), reason("by mail"));
    let now = platform.stack.clock.now();
    let asked = platform.books().ask_refund(&provider, &number, fen(amount), &why, now).await;
    assert!(matches!(asked.unwrap(), RefundAsked::Stands(_)));
}

/// The longest run of the characters of Base64 in a line: a key or a signature has hundreds.
fn longest_base64(line: &str) -> usize {
    let runs = line.split(|c: char| !c.is_ascii_alphanumeric() && !"+/=".contains(c));
    runs.map(str::len).max().unwrap_or(0)
}

/// Runs a story. Gives what is logged meanwhile, at debug level too.
async fn logged(story: impl Future<Output = ()>) -> String {
    static KEEPING: Once = Once::new();
    KEEPING.call_once(|| {
        tracing_subscriber::fmt()
            .with_max_level(LevelFilter::DEBUG)
            .with_ansi(false)
            .with_writer(|| Kept)
            .init();
    });
    LOGGED.take();
    story.await;
    String::from_utf8(LOGGED.take()).unwrap()
}

#[tokio::test]
async fn no_secret_and_no_person_is_logged_at_debug_level() {
    let logged = logged(live_through()).await;
    for told in [
        "debit stored",
        "mandate stored",
        "a recharge is offered",
        "reconciled",
        "refused",
        "a refund is refused",
        "a day could not be reconciled",
        "the bill and the books differ",
    ] {
        assert!(logged.contains(told), "{told} is not logged: is anything kept?");
    }
    assert!(logged.contains("DEBUG"), "what is logged at debug level is not kept");
    let config = LocalAlipay::client_config("http://127.0.0.1:1/gateway.do");
    let key = config.app_private_key.lines().nth(1).unwrap_or(&config.app_private_key);
    let secrets = [key, "biz_content", "sign=", "\"sign\"", "sign_type", "PRIVATE KEY"];
    // In UTF-8 and in GBK.
    let persons = ["张三丰", "13800138000", "%E5%BC%A0", "%D5%C5", "寮犱笁"];
    for forbidden in secrets.into_iter().chain(persons) {
        let line = logged.lines().find(|line| line.contains(forbidden));
        assert_eq!(line, None, "{forbidden} is logged");
    }
    let long = logged.lines().find(|line| longest_base64(line) > 100);
    assert_eq!(long, None, "a key or a signature is logged");
}

/// How often a field with a value is logged until a time: what the template makes a metric of.
async fn counts<const N: usize>(platform: &Platform, time: &str, fields: [&str; N]) -> [usize; N] {
    let logged = logged(platform.run_until(time)).await;
    fields.map(|field| logged.lines().filter(|line| line.contains(field)).count())
}

fn refused(sub_code: &str) -> Fault {
    Fault::Refused { code: "40004".to_owned(), sub_code: sub_code.to_owned() }
}

#[tokio::test]
async fn what_waits_for_a_person_is_logged_each_day_until_a_person_decides() {
    let platform = Platform::open().await;
    let alipay = &platform.stack.alipay;
    platform.set("2015-05-01T20:00");
    platform.sign("a", 1_000_000).await;
    platform.count("a", BASIC, "2015-05-01", 1_500_000).await;
    platform.run_until("2015-05-02T12:00").await;
    let trade = OutTradeNo::parse(&alipay.trades().unwrap()[0].out_trade_no).unwrap();
    alipay.fail_next(Method::Refund, refused("ACQ.TRADE_NOT_ALLOW_REFUND"), 1);
    refund(&platform, trade.clone(), "F1", 500).await;
    let fields = ["unreconciled_days=1", "open_findings=1", "refused_refunds=1"];
    let [days, findings, refunds] = counts(&platform, "2015-05-02T13:00", fields).await;
    assert_eq!((days, findings), (0, 0));
    assert!(refunds >= 1, "it is logged at once");

    // The bill of the second of May is missing twice, then names another amount.
    for fault in [refused("BILL_NOT_EXIST"), refused("BILL_NOT_EXIST")] {
        alipay.fail_next(Method::Bill, fault, 1);
    }
    assert_eq!(counts(&platform, "2015-05-03T13:00", fields).await, [1, 0, 1]);
    alipay.fail_next(Method::Bill, Fault::Garbage, 1);
    assert_eq!(counts(&platform, "2015-05-04T13:00", fields).await, [1, 0, 1]);
    alipay.fail_next(Method::Bill, Fault::BillOtherAmount, 1);
    assert_eq!(counts(&platform, "2015-05-05T13:00", fields).await, [0, 1, 1]);
    assert_eq!(counts(&platform, "2015-05-06T13:00", fields).await, [0, 1, 1]);

    let (books, why) = (platform.books(), reason("a person looked"));
    books.close_finding(trade.as_str(), None, &why).await.unwrap().unwrap();
    assert_eq!(counts(&platform, "2015-05-07T13:00", fields).await, [0, 0, 1]);
    let number =
        RefundRef { out_trade_no: trade, out_request_no: OutRequestNo::parse("F1").unwrap() };
    books.acknowledge_refund(&"a".parse().unwrap(), &number, &why).await.unwrap();
    assert_eq!(counts(&platform, "2015-05-08T13:00", fields).await, [0, 0, 0]);
}

#[tokio::test]
async fn usage_that_may_have_expired_before_it_was_settled_is_reported_by_provider() {
    let platform = Platform::open_keeping(90).await;
    platform.set("2015-05-01T20:00");
    platform.join("a").await;
    platform.count("a", BASIC, "2015-05-01", 1_500_000).await;
    let lapsed = ["lapsed_usage=1"];
    assert_eq!(counts(&platform, "2015-05-02T12:00", lapsed).await, [0]);
    // Nothing runs until 90 days after the latest close of May, 28 June. April was open, too.
    platform.set("2015-09-27T12:00");
    let logged = logged(platform.run_until("2015-09-28T09:00")).await;
    let named = logged.lines().filter(|line| line.contains("lapsed_usage=1")).collect::<Vec<_>>();
    let [named] = named.as_slice() else { panic!("{named:?}") };
    assert!(named.contains("provider.id=a month=2015-04"), "{named}");
    platform.run_until("2015-10-05T09:00").await;
    assert_eq!(counts(&platform, "2015-10-06T09:00", lapsed).await, [0]);
}

#[tokio::test]
async fn debt_that_cannot_be_collected_is_counted_when_it_is_given_up_and_then_every_night() {
    let platform = Platform::open().await;
    let alipay = &platform.stack.alipay;
    platform.set("2015-05-01T20:00");
    platform.sign("a", 1_000_000).await;
    platform.count("a", BASIC, "2015-05-01", 1_500_000).await;
    alipay.fail_next(Method::Pay, refused("ACQ.TOTAL_FEE_EXCEED"), 1);
    let fields = ["given_up_debits=1", "given_up_providers=1", "owing_without_mandate=1"];
    assert_eq!(counts(&platform, "2015-05-02T12:00", fields).await, [1, 0, 0]);
    assert_eq!(counts(&platform, "2015-05-03T09:00", fields).await, [0, 1, 0]);
    assert_eq!(counts(&platform, "2015-05-04T09:00", fields).await, [0, 1, 0]);
    let (agreement, now) = (agreement_no("a"), platform.stack.clock.now());
    alipay.revoke_agreement(&agreement, now).unwrap();
    platform.run_until("2015-05-04T10:00").await;
    assert_eq!(counts(&platform, "2015-05-05T09:00", fields).await, [0, 0, 1]);
    assert_eq!(counts(&platform, "2015-05-06T09:00", fields).await, [0, 0, 1]);
}

#[tokio::test]
async fn debit_that_the_daily_limit_holds_back_is_counted_each_day() {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.join("a").await;
    platform.adopt_within("a", 1_000_000, [10_000, 4_000]).await;
    platform.count("a", BASIC, "2015-05-01", 1_500_000).await;
    let capped = ["capped_debits=1"];
    assert_eq!(counts(&platform, "2015-05-02T12:00", capped).await, [1]);
    assert_eq!(counts(&platform, "2015-05-03T12:00", capped).await, [1]);
    assert_eq!(counts(&platform, "2015-05-04T12:00", capped).await, [0]);
    assert_eq!(platform.account("a").await, [0, 0, 0]);
}
