//! Notifications that go wrong.

use steelyard_pricing::Fen;

use super::super::NotificationFault;
use super::receiver::{Receiver, in_short};
use super::stage::*;

/// What arrives of three payments when the first notification goes wrong, and what waits then.
async fn arrives(fault: NotificationFault) -> (Vec<String>, usize) {
    let receiver = Receiver::new().await;
    let stage = Stage::notifying(&receiver.address).await;
    stage.local.fail_next_notifications(fault, 1);
    for number in ["T1", "T2", "T3"] {
        stage.pay(&request(withholding(number))).await;
    }
    stage.local.deliver_due(now()).await.unwrap();
    (receiver.received(), stage.local.notifications().unwrap().len())
}

#[tokio::test]
async fn every_fault_sends_what_its_name_says() {
    let wrong = "the signature of the notification is wrong";
    let mislabelled = "the notification is labelled GBK and is not GBK";
    for (fault, expected) in [
        (
            NotificationFault::Duplicate,
            &["T1 Paid 12.34", "T1 Paid 12.34", "T2 Paid 12.34", "T3 Paid 12.34"][..],
        ),
        (
            NotificationFault::Triplicate,
            &["T1 Paid 12.34", "T1 Paid 12.34", "T1 Paid 12.34", "T2 Paid 12.34", "T3 Paid 12.34"],
        ),
        (NotificationFault::Dropped, &["T2 Paid 12.34", "T3 Paid 12.34"]),
        (NotificationFault::Reordered, &["T2 Paid 12.34", "T1 Paid 12.34", "T3 Paid 12.34"]),
        (NotificationFault::OtherAmount, &["T1 Paid 12.35", "T2 Paid 12.34", "T3 Paid 12.34"]),
        (NotificationFault::Gbk, &["T1 Paid 12.34", "T2 Paid 12.34", "T3 Paid 12.34"]),
        (NotificationFault::Mislabelled, &[mislabelled, "T2 Paid 12.34", "T3 Paid 12.34"]),
        (NotificationFault::Forged, &[wrong, "T2 Paid 12.34", "T3 Paid 12.34"]),
        (
            NotificationFault::OtherApp,
            &["for another application", "T2 Paid 12.34", "T3 Paid 12.34"],
        ),
    ] {
        let (received, waiting) = arrives(fault).await;
        assert_eq!(received, expected, "{fault:?}");
        assert_eq!(waiting, 0, "{fault:?}");
    }
}

#[tokio::test]
async fn trade_signature_and_end_are_read_in_gbk_as_in_utf8() {
    let receiver = Receiver::new().await;
    let mut read = Vec::new();
    for fault in [None, Some(NotificationFault::Gbk)] {
        let stage = Stage::notifying(&receiver.address).await;
        stage.local.set_app_gateway(Some(&receiver.address)).unwrap();
        let number = stage.local.sign_agreement("S1", "乗客踈亅", FUNDS, now()).unwrap();
        stage.pay(&request(withholding("T1"))).await;
        stage.local.reverse_trade("T1", Fen::new(34), now()).unwrap();
        stage.local.revoke_agreement(&number, now()).unwrap();
        if let Some(fault) = fault {
            stage.local.fail_next_notifications(fault, 4);
        }
        assert_eq!(stage.local.deliver_due(now()).await.unwrap(), 4);
        let forms = receiver.forms();
        let charset = if fault.is_some() { "charset=GBK" } else { "charset=utf-8" };
        assert!(forms.iter().all(|form| form.contains(charset)), "{forms:?}");
        // 乗 in GBK and in UTF-8, and the 技 of the subject.
        let bytes = if fault.is_some() { ["%81%5C", "%BC%BC"] } else { ["%E4%B9%97", "%E6%8A%80"] };
        for character in bytes {
            assert!(forms.iter().any(|form| form.contains(character)), "{character}: {forms:?}");
        }
        read.push(forms.iter().map(|form| in_short(form)).collect::<Vec<_>>());
    }
    let [in_utf8, in_gbk] = read.try_into().unwrap();
    assert_eq!(in_gbk, in_utf8);
    assert!(in_gbk[0].ends_with("signed at 2026-03-02T02:00:00Z"), "{in_gbk:?}");
}

#[tokio::test]
async fn what_was_held_back_waits_for_the_next_one() {
    let receiver = Receiver::new().await;
    let stage = Stage::notifying(&receiver.address).await;
    stage.local.fail_next_notifications(NotificationFault::Reordered, 1);
    stage.pay(&request(withholding("T1"))).await;
    assert_eq!(stage.local.deliver_due(now()).await.unwrap(), 0);
    assert_eq!(stage.local.next_notification_at().unwrap(), None);
    assert!(stage.local.notifications().unwrap()[0].is_held);
    stage.pay(&request(withholding("T2"))).await;
    assert_eq!(stage.local.deliver_due(now()).await.unwrap(), 2);
    assert_eq!(receiver.received(), ["T2 Paid 12.34", "T1 Paid 12.34"]);
}

#[tokio::test]
async fn what_was_altered_comes_again_as_it_is_when_it_is_refused() {
    let receiver = Receiver::new().await;
    let stage = Stage::notifying(&receiver.address).await;
    stage.local.fail_next_notifications(NotificationFault::OtherAmount, 1);
    stage.pay(&request(withholding("T1"))).await;
    receiver.answer(axum::http::StatusCode::BAD_REQUEST, "fail");
    stage.local.deliver_due(now()).await.unwrap();
    let again_at = stage.local.next_notification_at().unwrap().unwrap();
    stage.local.deliver_due(again_at).await.unwrap();
    assert_eq!(receiver.received(), ["T1 Paid 12.35", "T1 Paid 12.34"]);
}
