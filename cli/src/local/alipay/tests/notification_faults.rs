//! Notifications that go wrong.

use super::super::NotificationFault;
use super::receiver::Receiver;
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
    for (fault, expected) in [
        (
            NotificationFault::Duplicate,
            &["T1 Paid 12.34", "T1 Paid 12.34", "T2 Paid 12.34", "T3 Paid 12.34"][..],
        ),
        (NotificationFault::Dropped, &["T2 Paid 12.34", "T3 Paid 12.34"]),
        (NotificationFault::Reordered, &["T2 Paid 12.34", "T1 Paid 12.34", "T3 Paid 12.34"]),
        (NotificationFault::OtherAmount, &["T1 Paid 12.35", "T2 Paid 12.34", "T3 Paid 12.34"]),
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
