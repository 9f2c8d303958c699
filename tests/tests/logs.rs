//! What is logged, at debug level too: no key, no signature, no raw request, no person's name.
//!
//! A process of its own: what one thread logs depends on what all threads of a process ask for.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;
use std::sync::{Arc, Mutex};

use steelyard_billing::{Account, OutRequestNo, OutTradeNo, Refund, RefundRef, TradeNumber};
use steelyard_cli::local::alipay::{Fault, LocalAlipay, Method};
use steelyard_tests::{Platform, fen};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

const BASIC: &str = "taobao.trades.sold.get";
/// A person, as Alipay knows him.
const PAYER: &str = "张三丰 13800138000";

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Kept {
    type Writer = Kept;

    fn make_writer(&self) -> Kept {
        self.clone()
    }
}

/// A mandate is signed, a day is withheld in spite of lost answers and a forged notification, a
/// recharge is paid and refunded, a payment is reversed, the mandate is revoked, and two days are
/// reconciled.
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
    platform.run_until("2015-05-02T12:00").await;
    assert_eq!(platform.account("a").await, [0, 0, 0]);

    let recharge = platform.offer_recharge("a", "20.00", "code").await;
    let trade = OutTradeNo::parse(recharge["out_trade_no"].as_str().unwrap()).unwrap();
    alipay.pay_trade(trade.as_str(), PAYER, platform.stack.clock.now()).unwrap();
    let forged = alipay.forged_form(&platform.pending_notification());
    assert_eq!(platform.notify(&forged).await.0, 400);
    platform.deliver().await;
    refund(&platform, trade, 500).await;
    platform.run_until("2015-05-02T13:00").await;
    let debit = alipay.trades().unwrap().remove(0).out_trade_no;
    alipay.reverse_trade(&debit, fen(300), platform.stack.clock.now()).unwrap();
    alipay.revoke_agreement(&agreement, platform.stack.clock.now()).unwrap();
    platform.run_until("2015-05-04T12:00").await;
    platform.books_balance().await;
}

async fn refund(platform: &Platform, trade: OutTradeNo, amount: i64) {
    let account: Account = platform.customer("a").await.account;
    let of = TradeNumber::parse(trade.as_str()).unwrap().of;
    let number =
        RefundRef { out_trade_no: trade, out_request_no: OutRequestNo::parse("F1").unwrap() };
    let now = platform.stack.clock.now();
    let refund = Refund::ask(&account.provider, number, of, fen(amount), "by mail", now);
    let movement = account.refund_asked(&refund, now).unwrap();
    let billing = &platform.stack.tables.billing;
    billing.store_moving(None, &refund, &account, &movement, None).await.unwrap();
}

/// The longest run of the characters of Base64 in a line: a key or a signature has hundreds.
fn longest_base64(line: &str) -> usize {
    let runs = line.split(|c: char| !c.is_ascii_alphanumeric() && !"+/=".contains(c));
    runs.map(str::len).max().unwrap_or(0)
}

#[tokio::test]
async fn no_secret_and_no_person_is_logged_at_debug_level() {
    let kept = Kept::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::DEBUG)
        .with_ansi(false)
        .with_writer(kept.clone())
        .finish();
    {
        let _guard = tracing::subscriber::set_default(subscriber);
        live_through().await;
    }
    let logged = String::from_utf8(std::mem::take(&mut *kept.0.lock().unwrap())).unwrap();
    for told in ["debit stored", "mandate stored", "a recharge is offered", "reconciled", "refused"]
    {
        assert!(logged.contains(told), "{told} is not logged: is anything kept?");
    }
    assert!(logged.contains("DEBUG"), "what is logged at debug level is not kept");
    let config = LocalAlipay::client_config("http://127.0.0.1:1/gateway.do");
    let key = config.app_private_key.lines().nth(1).unwrap_or(&config.app_private_key);
    let secrets = [key, "biz_content", "sign=", "\"sign\"", "sign_type", "PRIVATE KEY"];
    let persons = ["张三丰", "13800138000", "%E5%BC%A0"];
    for forbidden in secrets.into_iter().chain(persons) {
        let line = logged.lines().find(|line| line.contains(forbidden));
        assert_eq!(line, None, "{forbidden} is logged");
    }
    let long = logged.lines().find(|line| longest_base64(line) > 100);
    assert_eq!(long, None, "a key or a signature is logged");
}
