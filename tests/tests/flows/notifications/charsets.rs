//! Notifications in GBK: they are verified by their bytes and read by their label.

use super::*;

/// The fields with a subject in Chinese, of which one character has a `\\` as its second byte in
/// GBK.
fn in_chinese(fields: &Fields) -> Fields {
    with(fields, &[("subject", "API 服务预付款：乗亅踈"), ("buyer_logon_id", "张***@example.com")])
}

#[tokio::test]
async fn notification_in_gbk_is_booked_once() {
    let (platform, fields) = paid().await;
    let form = platform.stack.alipay.signed_form_in_gbk(&in_chinese(&fields));
    assert!(form.contains("charset=GBK"), "{form}");
    check_confirmed(&platform, &form, "GBK").await;
    check(&platform, [10_000, 0, 0]).await;
    check_harmless(&platform, &form, "again").await;
    check_harmless(&platform, &signed(&platform, &in_chinese(&fields)), "in UTF-8").await;
}

#[tokio::test]
async fn notification_that_alipay_itself_sends_in_gbk_is_booked() {
    let (platform, _) = paid().await;
    platform.stack.alipay.fail_next(Method::Query, Fault::NoAnswerBeforeEffect, 100);
    platform.stack.alipay.fail_next_notifications(NotificationFault::Gbk, 1);
    platform.deliver().await;
    assert_eq!(platform.stack.alipay.notifications().unwrap(), [], "it is confirmed");
    check(&platform, [10_000, 0, 0]).await;
}

#[tokio::test]
async fn signature_of_a_mandate_that_is_notified_in_gbk_makes_it_active() {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.join("a").await;
    let offered = platform.offer_mandate("a").await;
    let number = offered["external_agreement_no"].as_str().unwrap();
    let now = platform.stack.clock.now();
    platform.stack.alipay.sign_agreement(number, "张三丰", fen(1_000), now).unwrap();
    platform.stack.alipay.fail_next_notifications(NotificationFault::Gbk, 1);
    platform.deliver().await;
    assert!(platform.found("a").await.provider.mandate.is_some());
}

#[tokio::test]
async fn notification_in_gbk_that_was_altered_is_refused() {
    let (platform, fields) = paid().await;
    let form = platform.stack.alipay.signed_form_in_gbk(&in_chinese(&fields));
    let altered = |from: &str, to: &str| {
        assert!(form.contains(from), "{from} is in {form}");
        form.replacen(from, to, 1)
    };
    // 服 is %B7%FE in GBK.
    for (told, form) in [
        ("another amount", altered("total_amount=100.00", "total_amount=100.01")),
        ("another trade", altered("_R1&", "_R2&")),
        ("another character", altered("%B7%FE", "%B7%FD")),
        ("the character in UTF-8", altered("%B7%FE", "%E6%9C%8D")),
        ("another label", altered("charset=GBK", "charset=utf-8")),
        ("no label", altered("charset=GBK&", "")),
    ] {
        check_refused(&platform, &form, told).await;
    }
    check_confirmed(&platform, &form, "the genuine one").await;
    check(&platform, [10_000, 0, 0]).await;
}

#[tokio::test]
async fn genuine_notification_under_the_wrong_label_is_refused_and_booked_when_it_comes_again() {
    let (platform, _) = paid().await;
    let fields = platform.pending_notification();
    let chinese = in_chinese(&fields);
    // Its bytes are UTF-8, and also GBK of other characters.
    let mislabelled = signed(&platform, &with(&chinese, &[("charset", "GBK")]));
    check_refused(&platform, &mislabelled, "UTF-8 that says GBK").await;
    check_confirmed(&platform, &signed(&platform, &chinese), "under its own label").await;
    check(&platform, [10_000, 0, 0]).await;
}

#[tokio::test]
async fn charset_that_is_spelt_otherwise_is_understood() {
    for charset in ["UTF-8", "utf-8", "UTF8", "GBK", "gbk", "GB2312", "gb18030"] {
        // What has only ASCII is the same in each of them.
        let (platform, fields) = paid().await;
        let form = signed(&platform, &with(&fields, &[("charset", charset)]));
        check_confirmed(&platform, &form, charset).await;
        check(&platform, [10_000, 0, 0]).await;
    }
}

#[tokio::test]
async fn charset_that_is_not_read_is_refused() {
    let (platform, fields) = paid().await;
    for charset in ["utf-16", "Big5", "iso-8859-1", "utf-8,GBK"] {
        let form = signed(&platform, &with(&fields, &[("charset", charset)]));
        check_refused(&platform, &form, charset).await;
    }
    assert_eq!(platform.account("a").await, [0, 0, 0]);
}
