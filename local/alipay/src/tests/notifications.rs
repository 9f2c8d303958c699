//! Notifications: of what, to where, when, and what they say.

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use steelyard_alipay::{AgreementKey, Refund};
use steelyard_billing::{OutRequestNo, OutTradeNo};
use steelyard_pricing::Fen;

use super::super::{Fault, LocalAlipay, Method};
use super::receiver::{Receiver, in_short};
use super::recharges::{code, recharge};
use super::stage::*;

async fn stage() -> (Stage, Receiver) {
    let receiver = Receiver::new().await;
    (Stage::notifying(&receiver.address).await, receiver)
}

async fn delivered(stage: &Stage, receiver: &Receiver, now: Timestamp) -> Vec<String> {
    stage.local.deliver_due(now).await.unwrap();
    receiver.received()
}

fn after(start: Timestamp, minutes: i64) -> Timestamp {
    start + SignedDuration::from_mins(minutes)
}

#[tokio::test]
async fn payment_is_told_once_it_is_made() {
    let (stage, receiver) = stage().await;
    stage.pay(&request(withholding("T1"))).await;
    assert_eq!(stage.local.next_notification_at().unwrap(), Some(now()));
    assert_eq!(delivered(&stage, &receiver, now()).await, ["T1 Paid 12.34"]);
    assert_eq!(stage.local.next_notification_at().unwrap(), None);
    assert_eq!(stage.local.deliver_due(now()).await.unwrap(), 0);
}

#[tokio::test]
async fn payment_in_process_is_told_when_it_is_made_and_a_refused_one_never() {
    let (stage, receiver) = stage().await;
    stage.local.fail_next(Method::Pay, Fault::InsufficientFunds, 1);
    stage.local.fail_next(Method::Pay, Fault::InProcess, 1);
    stage.pay(&request(withholding("T1"))).await;
    stage.pay(&request(withholding("T1"))).await;
    assert_eq!(delivered(&stage, &receiver, now()).await, [""; 0]);
    stage.query("T1").await;
    assert_eq!(delivered(&stage, &receiver, now()).await, ["T1 Paid 12.34"]);
}

#[tokio::test]
async fn late_payment_is_told_when_its_trade_is_closed_or_its_time_has_come() {
    let (stage, receiver) = stage().await;
    stage.local.fail_next(Method::Pay, Fault::LateSuccess, 2);
    stage.pay(&request(withholding("T1"))).await;
    stage.pay(&request(withholding("T2"))).await;
    stage.client.close(&OutTradeNo::parse("T1").unwrap(), now()).await.unwrap();
    assert_eq!(delivered(&stage, &receiver, now()).await, ["T1 Paid 12.34"]);
    let due_at = stage.local.next_notification_at().unwrap().unwrap();
    assert_eq!(due_at, after(now(), 60));
    assert_eq!(delivered(&stage, &receiver, due_at).await, ["T2 Paid 12.34"]);
}

#[tokio::test]
async fn trade_without_an_address_is_told_to_nobody() {
    let stage = Stage::new().await;
    stage.local.set_app_gateway(Some("http://127.0.0.1:9/app")).unwrap();
    stage.pay(&request(withholding("T1"))).await;
    stage.local.reverse_trade("T1", Fen::new(1), now()).unwrap();
    assert_eq!(stage.local.notifications().unwrap(), []);
    assert_eq!(stage.local.next_notification_at().unwrap(), None);
}

#[tokio::test]
async fn refunds_and_reversals_tell_all_that_went_back_and_the_number_of_this_one() {
    let (stage, receiver) = stage().await;
    stage.pay(&request(withholding("T1"))).await;
    stage.local.drop_notifications().unwrap();
    let (trade, number) = (OutTradeNo::parse("T1"), OutRequestNo::parse("R1"));
    let refund = Refund::new(trade.unwrap(), number.unwrap(), Fen::new(200)).unwrap();
    stage.client.refund(&refund, now()).await;
    stage.client.refund(&refund, now()).await;
    assert_eq!(delivered(&stage, &receiver, now()).await, ["T1 Paid 12.34 back 2.00 by R1"]);
    stage.local.reverse_trade("T1", Fen::new(1034), now()).unwrap();
    assert_eq!(
        delivered(&stage, &receiver, now()).await,
        ["T1 Closed 12.34 back 12.34 by REVERSAL00000002"]
    );
}

#[tokio::test]
async fn trade_that_nobody_paid_is_told_when_its_time_is_over_without_anybody_asking() {
    let (stage, receiver) = stage().await;
    code(&stage, &recharge("C1", 5_000)).await;
    let over_at = after(now(), 120);
    assert_eq!(stage.local.next_notification_at().unwrap(), Some(over_at));
    assert_eq!(delivered(&stage, &receiver, after(now(), 119)).await, [""; 0]);
    assert_eq!(delivered(&stage, &receiver, over_at).await, ["C1 Closed 50.00"]);
    assert_eq!(query_in_short(stage.query("C1").await), "closed");
}

#[tokio::test]
async fn recharge_is_told_when_a_person_pays_it() {
    let (stage, receiver) = stage().await;
    code(&stage, &recharge("C1", 5_000)).await;
    stage.local.pay_trade("C1", PAYER, now()).unwrap();
    assert_eq!(delivered(&stage, &receiver, now()).await, ["C1 Paid 50.00"]);
}

#[tokio::test]
async fn signature_and_end_are_told_where_alipay_tells_them() {
    let (stage, receiver) = stage().await;
    let app = Receiver::new().await;
    let number = |serial| format!("20265302{serial:012}");
    stage.local.revoke_agreement(AGREEMENT, now()).unwrap();
    assert_eq!(stage.local.notifications().unwrap(), [], "without an address, nobody is told");
    stage.local.set_app_gateway(Some(&app.address)).unwrap();
    for offer in ["S1", "S2", "S3"] {
        stage.local.sign_agreement(offer, "p", FUNDS, now()).unwrap();
    }
    stage.client.end_agreement(&AgreementKey::AgreementNo(number(2)), now()).await;
    stage.local.revoke_agreement(&number(3), now()).unwrap();
    stage.local.expire_agreement(&number(4)).unwrap();
    let at = "2026-03-02T02:00:00Z";
    stage.local.deliver_due(now()).await.unwrap();
    assert_eq!(receiver.received(), [format!("{} ended at {at}", number(2))]);
    let signed = [2, 3, 4].map(|serial| format!("{} signed at {at}", number(serial)));
    let ended = [format!("{} ended at {at}", number(3))];
    assert_eq!(app.received(), [signed.as_slice(), &ended].concat());
}

#[tokio::test]
async fn what_is_not_confirmed_comes_again_on_alipays_schedule_and_is_given_up_after_a_day() {
    let (stage, receiver) = stage().await;
    stage.pay(&request(withholding("T1"))).await;
    let mut at = now();
    let mut numbers = Vec::new();
    for (minutes, status, body) in [
        (4, StatusCode::OK, "success "),
        (10, StatusCode::OK, ""),
        (10, StatusCode::CREATED, "success"),
        (60, StatusCode::INTERNAL_SERVER_ERROR, "success"),
        (120, StatusCode::FOUND, "success"),
        (360, StatusCode::OK, "SUCCESS"),
        (900, StatusCode::OK, "fail"),
    ] {
        receiver.answer(status, body);
        assert_eq!(stage.local.deliver_due(at).await.unwrap(), 1);
        let [form] = receiver.forms().try_into().unwrap();
        numbers
            .push(form.split('&').find(|pair| pair.starts_with("notify_id=")).unwrap().to_owned());
        at = after(at, minutes);
        assert_eq!(stage.local.next_notification_at().unwrap(), Some(at));
        assert_eq!(stage.local.deliver_due(after(at, -1)).await.unwrap(), 0);
    }
    numbers.dedup();
    assert_eq!(numbers, ["notify_id=2026030200222000000000000000000001"]);
    assert_eq!(stage.local.deliver_due(at).await.unwrap(), 1);
    assert_eq!(stage.local.next_notification_at().unwrap(), None);
}

#[tokio::test]
async fn receiver_that_is_away_is_told_later() {
    let stage = Stage::notifying("http://127.0.0.1:9/notify").await;
    stage.pay(&request(withholding("T1"))).await;
    stage.local.deliver_due(now()).await.unwrap();
    let [pending] = stage.local.notifications().unwrap().try_into().unwrap();
    assert_eq!((pending.due_at, pending.tries), (after(now(), 4), 1));
    assert_eq!(pending.address, "http://127.0.0.1:9/notify");
}

#[tokio::test]
async fn notification_has_the_fields_that_alipay_sends() {
    let (stage, _) = stage().await;
    stage.local.set_app_gateway(Some("http://127.0.0.1:9/app")).unwrap();
    stage.pay(&request(withholding("T1"))).await;
    let number = stage.local.sign_agreement("S1", PAYER, FUNDS, now()).unwrap();
    stage.local.revoke_agreement(&number, now()).unwrap();
    let pending = stage.local.notifications().unwrap();
    let names = |index: usize| {
        Vec::from_iter(pending[index].parameters.keys().map(String::as_str)).join(" ")
    };
    assert_eq!(
        names(0),
        "agreement_no app_id auth_app_id buyer_id buyer_logon_id buyer_pay_amount charset \
         fund_bill_list gmt_create gmt_payment invoice_amount notify_id notify_type out_trade_no \
         point_amount receipt_amount seller_email seller_id sign_type subject total_amount \
         trade_no trade_status version"
    );
    assert_eq!(
        names(1),
        "agreement_no alipay_logon_id alipay_user_id app_id auth_app_id charset \
         external_agreement_no invalid_time login_token notify_id notify_type \
         personal_product_code sign_time sign_type status valid_time version"
    );
    assert_eq!(
        names(2),
        "agreement_no alipay_logon_id alipay_user_id app_id auth_app_id charset \
         external_agreement_no notify_id notify_type personal_product_code sign_type status \
         unsign_time version"
    );
    assert_eq!(pending[0].parameters["gmt_payment"], "2026-03-02 10:00:00");
    assert_eq!(pending[1].parameters["login_token"], "");
}

#[tokio::test]
async fn genuine_form_of_other_fields_can_be_had_and_a_forged_one() {
    let (stage, _) = stage().await;
    stage.pay(&request(withholding("T1"))).await;
    let [pending] = stage.local.notifications().unwrap().try_into().unwrap();
    let mut parameters = pending.parameters;
    parameters.insert("out_trade_no".to_owned(), "T2".to_owned());
    assert_eq!(in_short(&stage.local.signed_form(&parameters)), "T2 Paid 12.34");
    assert_eq!(
        in_short(&stage.local.forged_form(&parameters)),
        "the signature of the notification is wrong"
    );
    parameters.insert("app_id".to_owned(), "1".to_owned());
    assert_eq!(in_short(&stage.local.signed_form(&parameters)), "for another application");
}

#[tokio::test]
async fn queue_outlives_the_process() {
    let folder =
        std::env::temp_dir().join(format!("steelyard-local-notify-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("alipay.sqlite");
    let receiver = Receiver::new().await;
    let before = LocalAlipay::open(&file, clock()).unwrap();
    before.set_app_gateway(Some(&receiver.address)).unwrap();
    let number = before.sign_agreement("S1", PAYER, FUNDS, now()).unwrap();
    drop(before);
    let after = LocalAlipay::open(&file, clock()).unwrap();
    assert_eq!(after.deliver_due(now()).await.unwrap(), 1);
    assert_eq!(receiver.received(), [format!("{number} signed at 2026-03-02T02:00:00Z")]);
    std::fs::remove_dir_all(&folder).unwrap();
}
