//! The routes by which people and tools make things happen.

use super::receiver::Receiver;
use super::recharges::{code, recharge};
use super::stage::*;

/// Sends a request to each line, and checks the status of its answer.
async fn check(stage: &Stage, cases: &[(&str, &str, &str)]) {
    for (line, body, status) in cases {
        let answer = stage.send(line, body).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{line} {body}: {answer}");
    }
}

#[tokio::test]
async fn control_routes_set_the_stage_and_show_the_trades() {
    let stage = Stage::new().await;
    check(
        &stage,
        &[
        ("PUT /local/agreements/77", r#"{"payer":"p","funds_fen":5000}"#, "200"),
        ("PUT /local/payers/p", r#"{"funds_fen":-1}"#, "500"),
        ("PUT /local/payers/p", r#"{"funds":1}"#, "422"),
        (
            "POST /local/faults",
            r#"{"method":"alipay.trade.pay","fault":"in_process","times":1}"#,
            "204",
        ),
        (
            "POST /local/faults",
            r#"{"method":"alipay.trade.query","fault":{"refused":{"code":"20000","sub_code":"isp.unknow-error"}},"times":1}"#,
            "204",
        ),
        (
            "POST /local/faults",
            r#"{"method":"alipay.trade.pay","fault":"garbage","times":1001}"#,
            "422",
        ),
    ]).await;
    let signed = stage.send("PUT /local/agreements/78", r#"{"payer":"q","funds_fen":5000}"#).await;
    let what = r#"{"agreement_no":"78","external_agreement_no":null,"payer":"q","status":"NORMAL""#;
    assert!(signed.contains(what), "{signed}");
    let funded = stage.send("PUT /local/payers/p", r#"{"funds_fen":2000}"#).await;
    assert!(funded.ends_with(r#"{"payer":"p","funds_fen":2000}"#), "{funded}");
    let mut asked = withholding("T1");
    asked.agreement_no = "77".to_owned();
    assert_eq!(
        pay_in_short(stage.pay(&request(asked)).await),
        "in doubt: the answer is code 10003"
    );
    assert_eq!(
        query_in_short(stage.query("T1").await),
        "in doubt: the answer is code 20000 isp.unknow-error"
    );
    let trades = stage.send("GET /local/trades", "").await;
    assert!(trades.contains(r#""agreement_no":"77","amount_fen":1234"#), "{trades}");
    assert!(trades.contains(r#""status":"IN_PROCESS","taken_at":null"#), "{trades}");
}

#[tokio::test]
async fn agreements_are_signed_and_changed_by_routes() {
    let stage = Stage::new().await;
    let signed =
        stage.send("POST /local/offers/S1/sign", r#"{"payer":"p","funds_fen":5000}"#).await;
    assert!(signed.ends_with(r#"{"agreement_no":"20265302000000000002"}"#), "{signed}");
    let agreement = "/local/agreements/20265302000000000002";
    let post = |change: &str| format!("POST {agreement}/{change}");
    let suspended = stage.send(&post("suspend"), "").await;
    assert!(suspended.contains(r#""status":"STOP""#), "{suspended}");
    check(
        &stage,
        &[
            ("POST /local/offers/S1/sign", r#"{"payer":"p","funds_fen":5000}"#, "409"),
            (&post("suspend"), "", "200"),
            (&post("resume"), "", "200"),
            (&post("defer"), "", "200"),
            (&post("forget"), "", "400"),
            (&format!("PUT {agreement}/single-limit"), r#"{"single_limit_fen":100}"#, "200"),
            (&format!("PUT {agreement}/single-limit"), r#"{"single_limit_fen":0}"#, "500"),
            (&post("revoke"), "", "200"),
            (&post("expire"), "", "409"),
            ("POST /local/agreements/1/expire", "", "404"),
        ],
    )
    .await;
    let agreements = stage.send("GET /local/agreements", "").await;
    assert!(agreements.contains(r#""status":"UNSIGN","single_limit_fen":100"#), "{agreements}");
}

#[tokio::test]
async fn trades_are_paid_and_reversed_by_routes_and_their_notifications_seen_and_dropped() {
    let receiver = Receiver::new().await;
    let stage = Stage::notifying(&receiver.address).await;
    code(&stage, &recharge("C1", 5_000)).await;
    let pay = format!(r#"{{"payer":"{PAYER}"}}"#);
    check(
        &stage,
        &[
            ("POST /local/trades/C2/pay", &pay, "409"),
            ("POST /local/trades/C1/pay", &pay, "204"),
            ("POST /local/trades/C1/reverse", r#"{"amount_fen":5001}"#, "409"),
            ("POST /local/trades/C1/reverse", r#"{"amount_fen":5000}"#, "204"),
            ("PUT /local/app-gateway", &format!(r#"{{"address":"{}"}}"#, receiver.address), "204"),
            (&format!("POST /local/agreements/{AGREEMENT}/revoke"), "", "200"),
            ("POST /local/notification-faults", r#"{"fault":"dropped","times":1}"#, "204"),
            ("POST /local/notification-faults", r#"{"fault":"forged","times":1001}"#, "422"),
        ],
    )
    .await;
    let pending = stage.send("GET /local/notifications", "").await;
    assert_eq!(pending.matches(r#""is_held":false"#).count(), 3, "{pending}");
    stage.local.deliver_due(now()).await.unwrap();
    assert_eq!(
        receiver.received(),
        [
            "C1 Closed 50.00 back 50.00 by REVERSAL00000001".to_owned(),
            format!("{AGREEMENT} ended at 2026-03-02T02:00:00Z")
        ]
    );
    stage.local.sign_agreement("S1", PAYER, FUNDS, now()).unwrap();
    check(&stage, &[("DELETE /local/notifications", "", "204")]).await;
    assert_eq!(stage.local.notifications().unwrap(), []);
}
