//! Pages, clicked through over HTTP.

use steelyard_alipay::{AgreementOffer, SignScene};
use steelyard_billing::ExternalAgreementNo;
use steelyard_pricing::Fen;

use super::super::AgreementStatus;
use super::receiver::Receiver;
use super::recharges::{code, recharge};
use super::stage::*;

/// The address of the page of an offer.
fn sign_page(stage: &Stage, return_url: Option<&str>) -> String {
    let number = ExternalAgreementNo::parse("S1").unwrap();
    let scene = SignScene::parse("INDUSTRY|DEFAULT_AUTH").unwrap();
    let offer = AgreementOffer::new(number, scene, "商家 <script>&\"'").unwrap();
    stage.client.signing_links(&offer, return_url, now()).unwrap().page
}

fn assert_page(answer: &str, status: &str, texts: &[&str]) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    assert!(answer.contains("content-type: text/html; charset=utf-8"), "{answer}");
    assert!(answer.contains(r#"<html lang="en">"#) && answer.contains("<title>"), "{answer}");
    assert!(!answer.contains("<script"), "{answer}");
    for text in texts {
        assert!(answer.contains(text), "{text}: {answer}");
    }
}

fn assert_sent_to(answer: &str, address: &str) {
    assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
    assert!(answer.contains(&format!("location: {address}\r\n")), "{answer}");
}

#[tokio::test]
async fn payer_reads_what_he_signs_and_the_merchant_is_told() {
    let receiver = Receiver::new().await;
    let stage = Stage::notifying(&receiver.address).await;
    let page = stage.open(&sign_page(&stage, Some("https://portal.example/back?a=1"))).await;
    assert_page(
        &page,
        "200",
        &[
            "2021000000000001",
            "商家 &lt;script&gt;&amp;&quot;&#39;",
            "GENERAL_WITHHOLDING_P",
            r#"<form method="post" action="/local/offers/S1">"#,
            r#"<label for="payer">"#,
            r#"<input id="payer" name="payer""#,
            r#"<button name="answer" value="yes">Sign</button>"#,
            r#"<button name="answer" value="no" formnovalidate>Refuse</button>"#,
        ],
    );
    let refused = stage.post("/local/offers/S1", "payer=&funds=&answer=no").await;
    assert_sent_to(&refused, "https://portal.example/back?a=1");
    assert_eq!(stage.local.agreements().unwrap().len(), 1);
    let signed = stage.post("/local/offers/S1", "payer=p%2Bq&funds=88.00&answer=yes").await;
    assert_sent_to(&signed, "https://portal.example/back?a=1");
    let agreement = &stage.local.agreements().unwrap()[1];
    assert_eq!((agreement.payer.as_str(), agreement.status), ("p+q", AgreementStatus::Normal));
    assert_eq!(agreement.sign_scene.as_deref(), Some("INDUSTRY|DEFAULT_AUTH"));
    stage.local.deliver_due(now()).await.unwrap();
    let told = format!("{} signed at 2026-03-02T02:00:00Z", agreement.agreement_no);
    assert_eq!(receiver.received(), [told]);
    assert_page(&stage.open(&sign_page(&stage, None)).await, "409", &["signed before"]);
    stage.local.revoke_agreement(&agreement.agreement_no, now()).unwrap();
    assert_eq!(stage.local.notifications().unwrap(), [], "an end in the app is not told there");
}

#[tokio::test]
async fn payer_without_a_way_back_reads_how_it_went() {
    let stage = Stage::new().await;
    stage.open(&sign_page(&stage, Some("javascript:alert(1)"))).await;
    for (form, status, text) in [
        ("payer=&funds=1.00&answer=yes", "400", "Not signed"),
        ("payer=p&funds=-1.00&answer=yes", "400", "Not signed"),
        ("payer=p&funds=1.00&answer=no", "200", "You did not sign."),
        ("payer=p&funds=1.00&answer=yes", "200", "You signed agreement 20265302000000000002."),
        ("payer=p&funds=1.00&answer=yes", "409", "Signed already"),
    ] {
        assert_page(&stage.post("/local/offers/S1", form).await, status, &[text]);
    }
    let unknown = stage.post("/local/offers/S2", "payer=p&funds=1.00&answer=yes").await;
    assert_page(&unknown, "400", &["USER_AGREEMENT_NOT_EXIST"]);
}

#[tokio::test]
async fn person_pays_a_recharge_on_its_page() {
    let receiver = Receiver::new().await;
    let stage = Stage::notifying(&receiver.address).await;
    let back = "https://portal.example/back";
    let address = stage.client.recharge_page(&recharge("P1", 5_000), back, now()).unwrap();
    let page = stage.open(&address).await;
    assert_page(&page, "200", &["P1", "预充值 &lt;b&gt;", "¥50.00", "Pay</button>"]);
    assert_eq!(query_in_short(stage.query("P1").await), "pending");
    assert_sent_to(&stage.post("/local/pay/P1", "payer=&funds=&answer=no").await, back);
    for (form, text) in [
        ("payer=nobody&funds=&answer=yes", "ACQ.BUYER_BALANCE_NOT_ENOUGH"),
        ("payer=&funds=&answer=yes", "An account has a name"),
        ("payer=p&funds=much&answer=yes", "An account has a name"),
    ] {
        assert!(stage.post("/local/pay/P1", form).await.contains(text), "{form}");
    }
    let paid = stage.post("/local/pay/P1", "payer=p&funds=50.00&answer=yes").await;
    assert_sent_to(&paid, back);
    assert_eq!(query_in_short(stage.query("P1").await), "paid 50.00");
    stage.local.deliver_due(now()).await.unwrap();
    assert_eq!(receiver.received(), ["P1 Paid 50.00"]);
    assert_page(&stage.open(&address).await, "400", &["ACQ.TRADE_HAS_SUCCESS"]);
}

#[tokio::test]
async fn scanned_code_opens_the_same_page() {
    let stage = Stage::new().await;
    let address = code(&stage, &recharge("C1", 5_000)).await;
    assert_page(&stage.open(&address).await, "200", &["¥50.00", "Pay</button>"]);
    let form = format!("payer={PAYER}&funds=&answer=yes");
    assert_page(&stage.post("/local/pay/C1", &form).await, "200", &["You paid ¥50.00."]);
    assert_page(&stage.open(&address).await, "200", &["It is paid."]);
    assert_page(&stage.open("/local/pay/C2").await, "400", &["ACQ.TRADE_NOT_EXIST"]);
}

#[tokio::test]
async fn page_whose_signature_is_wrong_is_not_opened() {
    let stage = Stage::new().await;
    let sign = sign_page(&stage, None);
    let pay = stage.client.recharge_page(&recharge("P1", 5_000), "https://a.example", now());
    let pay = pay.unwrap();
    for (address, reason) in [
        (sign.replace("S1", "S2"), "isv.invalid-signature"),
        (pay.replace("50.00", "0.01"), "isv.invalid-signature"),
        (format!("{pay}&app_id=1"), "isv.invalid-parameter"),
        (pay.replace("app_id=2", "app_id=3"), "isv.invalid-app-id"),
        (pay.replace("charset=utf-8&", ""), "isv.invalid-signature"),
        ("/gateway.do".to_owned(), "isv.invalid-app-id"),
    ] {
        assert_page(&stage.open(&address).await, "400", &["Refused", reason]);
    }
    assert_eq!(stage.local.trades().unwrap(), []);
}

#[tokio::test]
async fn payer_ends_his_agreement_in_his_app() {
    let stage = Stage::new().await;
    let app = Receiver::new().await;
    stage.local.set_app_gateway(Some(&app.address)).unwrap();
    stage.local.set_single_limit(AGREEMENT, Some(Fen::new(50_000))).unwrap();
    let path = format!("/local/payers/{PAYER}/agreements");
    let revoke = format!("{path}/{AGREEMENT}/revoke");
    let form = format!(r#"<form method="post" action="{revoke}">"#);
    assert_page(&stage.open(&path).await, "200", &[AGREEMENT, "NORMAL", "¥500.00", &form]);
    assert_page(&stage.open("/local/payers/q/agreements").await, "200", &["signed nothing"]);
    let others = format!("/local/payers/q/agreements/{AGREEMENT}/revoke");
    assert!(stage.post(&others, "answer=yes").await.starts_with("HTTP/1.1 404"));
    assert_sent_to(&stage.post(&revoke, "answer=yes").await, "../../agreements");
    let page = stage.open(&path).await;
    assert_page(&page, "200", &["UNSIGN"]);
    assert!(!page.contains("<form"), "{page}");
    stage.local.deliver_due(now()).await.unwrap();
    assert_eq!(app.received(), [format!("{AGREEMENT} ended at 2026-03-02T02:00:00Z")]);
}
