//! What Alipay notifies: the genuine is confirmed once it is stored, and what is forged,
//! altered, old or not ours changes nothing.

mod charsets;
mod debits;
mod realms;

use std::collections::BTreeMap;

use axum::http::{HeaderMap, Method as HttpMethod};
use futures::future::join;
use serde_json::{Value, json};
use steelyard_billing::{DebitId, RechargeId, TradeOf};
use steelyard_local_alipay::{Fault, Method, NotificationFault};
use steelyard_local_aws::{Fault as AwsFault, Target};
use steelyard_local_stack::http_event;
use steelyard_notify::NOTIFY_PATH;
use steelyard_tests::{Machine, Platform, fen};

const BASIC: &str = "taobao.trades.sold.get";

/// The fields of a notification.
type Fields = BTreeMap<String, String>;

/// A platform on the first of May at eight in the evening, where `a` has paid a recharge of ¥100.00
/// that nobody knows of, and `b` was offered one of ¥250.00. The notification has still to be sent;
/// these are its fields.
async fn paid() -> (Platform, Fields) {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.join("a").await;
    platform.join("b").await;
    platform.open_recharge("b", "250.00", "page").await;
    platform.paid_recharge("a", "100.00").await;
    let fields = platform.pending_notification();
    (platform, fields)
}

/// A platform on the second of May at half past midnight, where `a` owes ¥100.00, has enough at
/// Alipay, and a debit is open.
async fn indebted() -> Platform {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.sign("a", 1_000_000).await;
    platform.count("a", BASIC, "2015-05-01", 1_500_000).await;
    platform.settle_at("2015-05-02T00:30").await;
    assert_eq!(platform.account("a").await, [0, 10_000, 0]);
    assert_eq!(platform.found("a").await.account.open_debit, Some(DebitId(1)));
    platform
}

/// Checks prepaid, receivable and reserved of `a`, and that the books balance.
async fn check(platform: &Platform, account: [i64; 3]) {
    assert_eq!(platform.account("a").await, account);
    platform.books_balance().await;
    assert_eq!(platform.stack.dead_letters().await.unwrap(), 0);
}

/// Sends a form: it is confirmed.
async fn check_confirmed(platform: &Platform, form: &str, told: &str) {
    assert_eq!(platform.notify(form).await, (200, "success".to_owned()), "{told}");
}

/// Sends a form: it is confirmed, and changes nothing.
async fn check_harmless(platform: &Platform, form: &str, told: &str) {
    let before = platform.records().await;
    check_confirmed(platform, form, told).await;
    assert_eq!(platform.records().await, before, "{told}");
}

/// Sends a form: it is refused, and changes nothing.
async fn check_refused(platform: &Platform, form: &str, told: &str) {
    let before = platform.records().await;
    assert_eq!(platform.notify(form).await, (400, "failure".to_owned()), "{told}");
    assert_eq!(platform.records().await, before, "{told}");
}

/// The fields with some that are other.
fn with(fields: &Fields, changed: &[(&str, &str)]) -> Fields {
    let changed = changed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    fields.clone().into_iter().chain(changed).collect()
}

/// The fields without the named one.
fn without(fields: &Fields, name: &str) -> Fields {
    let mut fields = fields.clone();
    assert!(fields.remove(name).is_some(), "{name}");
    fields
}

/// The form of fields that Alipay signed.
fn signed(platform: &Platform, fields: &Fields) -> String {
    platform.stack.alipay.signed_form(fields)
}

async fn debit_number(platform: &Platform, attempt: u16) -> String {
    platform.trade_number("a", TradeOf::Debit { debit: DebitId(1), attempt }).await
}

/// The event of a form that is sent as a notification.
fn event(form: &str) -> Value {
    http_event(&HttpMethod::POST, NOTIFY_PATH, &HeaderMap::new(), form.as_bytes())
}

#[tokio::test]
async fn genuine_notification_is_confirmed_by_seven_bytes_once_it_is_stored() {
    let (platform, fields) = paid().await;
    assert_eq!(platform.account("a").await, [0, 0, 0]);
    let event = event(&signed(&platform, &fields));
    let answer = platform.stack.functions.notify.invoke(event).await.unwrap();
    assert_eq!((&answer["statusCode"], &answer["body"]), (&json!(200), &json!("success")));
    assert_eq!(answer["isBase64Encoded"], json!(false));
    check(&platform, [10_000, 0, 0]).await;
}

#[tokio::test]
async fn trade_that_is_finished_is_paid() {
    let (platform, fields) = paid().await;
    let finished = with(&fields, &[("trade_status", "TRADE_FINISHED")]);
    check_confirmed(&platform, &signed(&platform, &finished), "finished").await;
    check(&platform, [10_000, 0, 0]).await;
    check_harmless(&platform, &signed(&platform, &fields), "success, late").await;
}

#[tokio::test]
async fn repeated_notification_is_confirmed_and_changes_nothing() {
    let (platform, fields) = paid().await;
    let form = signed(&platform, &fields);
    check_confirmed(&platform, &form, "the first").await;
    let figures = platform.figures().await;
    for time in ["2015-05-01T20:00", "2015-05-02T20:00", "2015-05-20T20:00"] {
        platform.run_until(time).await;
        check_harmless(&platform, &form, time).await;
        // The same in other words: Alipay says when it sends it.
        let again = with(&fields, &[("notify_time", "2015-05-20 20:00:00")]);
        check_harmless(&platform, &signed(&platform, &again), time).await;
    }
    assert_eq!(platform.figures().await, figures);
    check(&platform, [10_000, 0, 0]).await;
}

#[tokio::test]
async fn notification_that_comes_twice_at_once_is_booked_once_and_confirmed_twice() {
    for behind in 0..6 {
        let (platform, fields) = paid().await;
        let form = signed(&platform, &fields);
        let machines = [Machine::new(&platform, 0), Machine::new(&platform, behind)];
        let [one, two] = machines.each_ref().map(|machine| machine.notify(&platform));
        let (one, two) = join(one.invoke(event(&form)), two.invoke(event(&form))).await;
        for answer in [one, two] {
            assert_eq!(answer.unwrap()["body"], "success", "{behind} behind");
        }
        check(&platform, [10_000, 0, 0]).await;
    }
}

#[tokio::test]
async fn old_genuine_notification_changes_nothing_after_its_trade_was_given_back() {
    for amount in [3_000, 10_000] {
        let (platform, fields) = paid().await;
        let old = signed(&platform, &fields);
        platform.deliver().await;
        let now = platform.stack.clock.now();
        let trade = &fields["out_trade_no"];
        platform.stack.alipay.reverse_trade(trade, fen(amount), now).unwrap();
        let reversal = signed(&platform, &platform.pending_notification());
        platform.run_until("2015-05-01T20:10").await;
        check(&platform, [10_000 - amount, 0, 0]).await;
        for form in [&old, &reversal, &old] {
            check_harmless(&platform, form, "after the reversal").await;
        }
        platform.run_until("2015-05-03T12:00").await;
        check(&platform, [10_000 - amount, 0, 0]).await;
    }
}

#[tokio::test]
async fn what_is_not_signed_by_alipay_is_refused() {
    let (platform, fields) = paid().await;
    let form = signed(&platform, &fields);
    let (unsigned, sign) = form.rsplit_once("&sign=").unwrap();
    let other = if sign.starts_with('A') { "B" } else { "A" };
    let altered = |from: &str, to: &str| {
        assert!(form.contains(from), "{from} is in {form}");
        form.replacen(from, to, 1)
    };
    for (told, form) in [
        ("signed by another", platform.stack.alipay.forged_form(&fields)),
        ("unsigned", unsigned.to_owned()),
        ("an empty signature", format!("{unsigned}&sign=")),
        ("another character in its signature", format!("{unsigned}&sign={other}{}", &sign[1..])),
        ("a signature that is no Base64", format!("{unsigned}&sign=%25%25")),
        ("another amount", altered("total_amount=100.00", "total_amount=100.01")),
        ("another trade", altered("_R1&", "_R2&")),
        ("another state", altered("TRADE_SUCCESS", "TRADE_CLOSED")),
        ("another way to sign", altered("sign_type=RSA2", "sign_type=RSA")),
        ("a parameter more", format!("{form}&out_biz_no=F1")),
        ("a parameter twice", format!("{form}&total_amount=100.00")),
        ("nothing", String::new()),
        ("not a form", "{}".to_owned()),
        ("not UTF-8", format!("{unsigned}&body=%FF&sign={sign}")),
    ] {
        check_refused(&platform, &form, told).await;
    }
    check_confirmed(&platform, &form, "the genuine one").await;
    check(&platform, [10_000, 0, 0]).await;
}

#[tokio::test]
async fn what_alipay_signed_and_is_not_of_our_trade_is_refused() {
    let (platform, fields) = paid().await;
    let of_b = platform.trade_number("b", TradeOf::Recharge(RechargeId(1))).await;
    let unknown = platform.trade_number("a", TradeOf::Recharge(RechargeId(2))).await;
    let of_nobody = platform.trade_number("nobody", TradeOf::Recharge(RechargeId(1))).await;
    let debit = debit_number(&platform, 1).await;
    let other_writing = fields["out_trade_no"].replace("_R1", "_R01");
    for (name, value) in [
        ("charset", "Big5"),
        ("charset", "utf-16"),
        ("sign_type", "RSA"),
        ("app_id", "2021000000000002"),
        ("seller_id", "2088000000000002"),
        ("total_amount", "100.01"),
        ("total_amount", "99.99"),
        ("total_amount", "250.00"),
        ("total_amount", "10000"),
        ("total_amount", "-100.00"),
        ("total_amount", "0.00"),
        ("total_amount", "1e2"),
        ("total_amount", "100.001"),
        ("out_trade_no", of_b.as_str()),
        ("out_trade_no", unknown.as_str()),
        ("out_trade_no", of_nobody.as_str()),
        ("out_trade_no", debit.as_str()),
        ("out_trade_no", other_writing.as_str()),
        ("out_trade_no", "20150501123"),
        ("trade_status", "TRADE_PAID"),
        ("trade_status", "trade_success"),
        ("gmt_refund", "yesterday"),
        ("refund_fee", "much"),
    ] {
        let told = format!("{name} {value}");
        let form = signed(&platform, &with(&fields, &[(name, value)]));
        check_refused(&platform, &form, &told).await;
    }
    for name in ["app_id", "seller_id", "out_trade_no", "trade_no", "total_amount", "trade_status"]
    {
        check_refused(&platform, &signed(&platform, &without(&fields, name)), name).await;
        let form = signed(&platform, &with(&fields, &[(name, "")]));
        check_refused(&platform, &form, &format!("{name} empty")).await;
    }
    check_confirmed(&platform, &signed(&platform, &fields), "the genuine one").await;
    check(&platform, [10_000, 0, 0]).await;
    assert_eq!(platform.account("b").await, [0, 0, 0]);
    // Another trade that says it paid the same recharge contradicts what is booked.
    let other_trade = with(&fields, &[("trade_no", "2015050122001999999999999999")]);
    check_refused(&platform, &signed(&platform, &other_trade), "another trade_no").await;
}

#[tokio::test]
async fn what_proves_no_payment_is_confirmed_and_changes_nothing() {
    let (platform, fields) = paid().await;
    // Before the payment is known, and after it.
    for known in [false, true] {
        for (told, changed) in [
            ("not paid yet", &[("trade_status", "WAIT_BUYER_PAY")][..]),
            ("closed unpaid", &[("trade_status", "TRADE_CLOSED")]),
            (
                "closed unpaid, nothing given back",
                &[("trade_status", "TRADE_CLOSED"), ("refund_fee", "0.00")],
            ),
            ("of another kind", &[("notify_type", "open_app_auth_notify")]),
            ("of no kind", &[("notify_type", "")]),
        ] {
            let form = signed(&platform, &with(&fields, changed));
            check_harmless(&platform, &form, &format!("{told}, known: {known}")).await;
        }
        check_confirmed(&platform, &signed(&platform, &fields), "the genuine one").await;
        check(&platform, [10_000, 0, 0]).await;
    }
}

#[tokio::test]
async fn payment_of_which_nothing_was_given_back_is_no_reversal() {
    let (platform, fields) = paid().await;
    let form = signed(&platform, &with(&fields, &[("refund_fee", "0.00")]));
    check_confirmed(&platform, &form, "paid").await;
    check(&platform, [10_000, 0, 0]).await;
    // No reversal is left to be asked about.
    platform.run_until("2015-05-01T20:01").await;
    assert!(!platform.records().await.contains("Reversal {"));
}

#[tokio::test]
async fn amount_of_another_order_of_ours_credits_neither() {
    let (platform, fields) = paid().await;
    platform.deliver().await;
    let of_b = platform.trade_number("b", TradeOf::Recharge(RechargeId(1))).await;
    let changed = [("out_trade_no", of_b.as_str()), ("notify_id", "1")];
    check_refused(&platform, &signed(&platform, &with(&fields, &changed)), "of b").await;
    assert_eq!(platform.account("b").await, [0, 0, 0]);
    check(&platform, [10_000, 0, 0]).await;
}

#[tokio::test]
async fn notification_in_base64_is_accepted() {
    let (platform, fields) = paid().await;
    let form = signed(&platform, &fields);
    let before = platform.records().await;
    for (told, body) in [
        ("not Base64", form.clone()),
        ("cut off", base64(form.as_bytes())[..101].to_owned()),
        ("forged", base64(platform.stack.alipay.forged_form(&fields).as_bytes())),
        ("Base64 of Base64", base64(base64(form.as_bytes()).as_bytes())),
    ] {
        let answer = platform.notify_base64(&body).await;
        assert_eq!(answer, (400, "failure".to_owned()), "{told}");
        assert_eq!(platform.records().await, before, "{told}");
    }
    let answer = platform.notify_base64(&base64(form.as_bytes())).await;
    assert_eq!(answer, (200, "success".to_owned()));
    check(&platform, [10_000, 0, 0]).await;
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let of_three = |three: &[u8]| {
        let [first, second, third] = [0, 1, 2].map(|i| u32::from(*three.get(i).unwrap_or(&0)));
        let bits = (first << 16) | (second << 8) | third;
        let digits = [18, 12, 6, 0].map(|shift| usize::try_from((bits >> shift) & 0x3f).unwrap());
        let digits = digits.into_iter().take(three.len() + 1).map(|i| char::from(DIGITS[i]));
        digits.chain("==".chars()).take(4).collect::<String>()
    };
    bytes.chunks(3).map(of_three).collect()
}

#[tokio::test]
async fn notification_of_more_than_64_kib_is_refused_before_it_is_read() {
    let (platform, fields) = paid().await;
    let form = signed(&platform, &fields);
    // Separators without fields: the same notification, by as many bytes as are wanted.
    let padded = |bytes: usize| form.clone() + &"&".repeat(bytes - form.len());
    let (longest, too_long) = (padded(64 * 1024), padded(64 * 1024 + 1));
    let before = platform.records().await;
    let refused = (413, "failure".to_owned());
    assert_eq!(platform.notify(&too_long).await, refused);
    assert_eq!(platform.notify_base64(&base64(too_long.as_bytes())).await, refused);
    // Far too long, and not Base64 at all: its length is checked first.
    assert_eq!(platform.notify_base64(&"?".repeat(1024 * 1024)).await, refused);
    assert_eq!(platform.records().await, before);
    let taken = (200, "success".to_owned());
    assert_eq!(platform.notify_base64(&base64(longest.as_bytes())).await, taken);
    assert_eq!(platform.notify(&longest).await, taken);
    check(&platform, [10_000, 0, 0]).await;
}

#[tokio::test]
async fn notification_by_get_is_refused() {
    let (platform, fields) = paid().await;
    let form = signed(&platform, &fields);
    let event = http_event(&HttpMethod::GET, NOTIFY_PATH, &HeaderMap::new(), form.as_bytes());
    let answer = platform.stack.functions.notify.invoke(event).await.unwrap();
    assert_eq!(answer["statusCode"], 405);
    assert_eq!(platform.account("a").await, [0, 0, 0]);
}

#[tokio::test]
async fn notification_that_cannot_be_stored_is_not_confirmed_and_booked_when_it_comes_again() {
    for (fault, target, ordinals) in [
        (AwsFault::CutBefore, Target::Writes, 1..=1),
        (AwsFault::CutAfter, Target::Writes, 1..=1),
        (AwsFault::CutBefore, Target::Any, 1..=1),
        (AwsFault::CutBefore, Target::Any, 2..=2),
        (AwsFault::CutBefore, Target::Any, 3..=3),
        (AwsFault::LoseRequest, Target::Writes, 1..=20),
        (AwsFault::LoseAnswer, Target::Writes, 1..=20),
        (AwsFault::Throttle, Target::Writes, 1..=100),
    ] {
        let told = format!("{fault:?} of {target:?} {ordinals:?}");
        let (platform, fields) = paid().await;
        // Only notifications arrive.
        platform.stack.alipay.fail_next(Method::Query, Fault::NoAnswerBeforeEffect, 100);
        let before = platform.records().await;
        platform.stack.transport.faults().strike(target, ordinals, fault);
        let answer = platform.notify(&signed(&platform, &fields)).await;
        assert_eq!(answer, (503, "failure".to_owned()), "{told}");
        platform.stack.transport.faults().restore();
        let is_stored = matches!(fault, AwsFault::CutAfter | AwsFault::LoseAnswer);
        assert_eq!(platform.records().await != before, is_stored, "{told}");
        check_confirmed(&platform, &signed(&platform, &fields), &told).await;
        check(&platform, [10_000, 0, 0]).await;
        check_harmless(&platform, &signed(&platform, &fields), &told).await;
    }
}

#[tokio::test]
async fn alipay_itself_sends_again_what_was_not_confirmed() {
    let (platform, _) = paid().await;
    platform.stack.alipay.fail_next(Method::Query, Fault::NoAnswerBeforeEffect, 100);
    for time in ["20:00", "20:04", "20:14"] {
        platform.set(&format!("2015-05-01T{time}"));
        platform.stack.transport.faults().strike(Target::Writes, 1..=1, AwsFault::CutBefore);
        platform.deliver().await;
        platform.stack.transport.faults().restore();
        assert_eq!(platform.account("a").await, [0, 0, 0], "{time}");
        assert_eq!(platform.stack.alipay.notifications().unwrap().len(), 1, "{time}");
    }
    platform.run_until("2015-05-01T20:24").await;
    assert_eq!(platform.stack.alipay.notifications().unwrap(), []);
    check(&platform, [10_000, 0, 0]).await;
}

#[tokio::test]
async fn write_that_others_were_faster_than_is_decided_again_and_confirmed() {
    for (fault, ordinals) in
        [(AwsFault::LoseAnswer, 1..=1), (AwsFault::Conflict, 1..=3), (AwsFault::Throttle, 1..=1)]
    {
        let (platform, fields) = paid().await;
        platform.stack.transport.faults().strike(Target::Writes, ordinals, fault);
        check_confirmed(&platform, &signed(&platform, &fields), &format!("{fault:?}")).await;
        platform.stack.transport.faults().restore();
        check(&platform, [10_000, 0, 0]).await;
    }
}

#[tokio::test]
async fn notification_that_goes_wrong_on_its_way_is_booked_once_when_it_comes_right() {
    for fault in
        [NotificationFault::Forged, NotificationFault::OtherApp, NotificationFault::OtherAmount]
    {
        let (platform, _) = paid().await;
        platform.stack.alipay.fail_next(Method::Query, Fault::NoAnswerBeforeEffect, 100);
        platform.stack.alipay.fail_next_notifications(fault, 2);
        platform.run_until("2015-05-01T20:13").await;
        assert_eq!(platform.account("a").await, [0, 0, 0], "{fault:?}");
        platform.run_until("2015-05-01T20:14").await;
        check(&platform, [10_000, 0, 0]).await;
    }
}

/// The platform at ten o'clock, after the debit was asked for and met this fault; the notification
/// of what was taken has still to be sent.
async fn debited(fault: Fault) -> (Platform, Fields) {
    let platform = indebted().await;
    platform.stack.alipay.fail_next(Method::Pay, fault, 1);
    platform.dispatch_at("2015-05-02T10:00").await;
    assert_eq!(platform.account("a").await, [0, 10_000, 10_000]);
    let fields = platform.pending_notification();
    (platform, fields)
}
