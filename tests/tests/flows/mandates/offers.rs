//! Offers: signed and notified or not, asked for again, and lapsed.

use std::collections::BTreeSet;

use axum::http::{HeaderMap, Method as HttpMethod};
use futures::future::join;
use serde_json::{Value, json};
use steelyard_billing::mandate::ConsentBy;
use steelyard_local_stack::http_event;
use steelyard_offers::MANDATES_PATH;
use steelyard_tests::Machine;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

#[tokio::test]
async fn offer_that_is_signed_is_active_by_the_notification_and_collects_what_is_charged() {
    let platform = used().await;
    let agreement = sign(&platform, "a", 1_000_000).await;
    assert_eq!(phase(&platform, 1).await, MandatePhase::Offered);
    assert_eq!(platform.found("a").await.provider.mandate, None);
    platform.deliver().await;
    let active = platform.mandate("a", 1).await;
    assert_eq!(active.phase, MandatePhase::Active);
    assert_eq!(active.agreement_no.as_deref(), Some(&*agreement));
    assert_eq!(active.signed_at_s, Some(platform.instant("2015-05-01T20:00")));
    assert_eq!(active.checked_at_s, None, "nobody asked");
    assert_eq!(platform.found("a").await.provider.mandate, active.in_use());
    platform.run_until("2015-05-02T12:00").await;
    check(&platform, [0, 0, 0], 10_000).await;
}

#[tokio::test]
async fn offer_whose_notification_is_lost_is_active_by_a_query_within_a_minute() {
    let platform = used().await;
    platform.lose_notifications();
    let agreement = sign(&platform, "a", 1_000_000).await;
    platform.run_until("2015-05-01T20:00:59").await;
    assert_eq!(phase(&platform, 1).await, MandatePhase::Offered);
    platform.run_until("2015-05-01T20:01").await;
    let active = platform.mandate("a", 1).await;
    assert_eq!(active.phase, MandatePhase::Active);
    assert_eq!(active.agreement_no, Some(agreement));
    assert_eq!(active.checked_at_s, Some(platform.instant("2015-05-01T20:01")));
    platform.run_until("2015-05-02T12:00").await;
    check(&platform, [0, 0, 0], 10_000).await;
}

#[tokio::test]
async fn offer_is_found_signed_whatever_goes_wrong_with_its_queries() {
    for fault in [
        Fault::NoAnswerBeforeEffect,
        Fault::NoAnswerAfterEffect,
        Fault::SystemErrorBeforeEffect,
        Fault::UnsignedAnswer,
        Fault::WrongKey,
        Fault::Garbage,
        Fault::BadGatewayBeforeEffect,
    ] {
        let platform = used().await;
        platform.lose_notifications();
        platform.stack.alipay.fail_next(Method::AgreementQuery, fault.clone(), 2);
        sign(&platform, "a", 1_000_000).await;
        platform.run_until("2015-05-01T20:09").await;
        assert_eq!(phase(&platform, 1).await, MandatePhase::Offered, "{fault:?}");
        platform.run_until("2015-05-01T20:10").await;
        assert_eq!(phase(&platform, 1).await, MandatePhase::Active, "{fault:?}");
        platform.run_until("2015-05-02T12:00").await;
        check(&platform, [0, 0, 0], 10_000).await;
    }
}

#[tokio::test]
async fn offer_that_nobody_signs_lapses_after_a_week_and_then_nothing_is_done_about_it() {
    let platform = used().await;
    platform.offer_mandate("a").await;
    platform.run_until("2015-05-08T19:59").await;
    assert_eq!(phase(&platform, 1).await, MandatePhase::Offered);
    platform.run_until("2015-05-08T20:00").await;
    assert_eq!(ended(&platform, 1).await, Some(EndReason::NotSigned));
    assert_eq!(platform.stack.tables.billing.due().next_at().await.unwrap(), None);
    check(&platform, [0, 10_000, 0], 0).await;
}

#[tokio::test]
async fn signature_on_the_page_is_told_to_the_offers_address_and_a_revocation_in_the_app_is_not() {
    let platform = used().await;
    platform.stack.alipay.set_app_gateway(None).unwrap();
    let offered = platform.offer_mandate("a").await;
    platform.open_page(offered["page"].as_str().unwrap()).await;
    let number = offered["external_agreement_no"].as_str().unwrap();
    let form = "payer=a&funds=10000.00&answer=yes";
    let answer = post(&platform, &format!("/local/offers/{number}"), form).await;
    assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
    platform.deliver().await;
    assert_eq!(phase(&platform, 1).await, MandatePhase::Active);

    platform.settle_at("2015-05-02T00:30").await;
    let agreement = platform.mandate("a", 1).await.agreement_no.unwrap();
    platform.stack.alipay.revoke_agreement(&agreement, platform.stack.clock.now()).unwrap();
    assert_eq!(platform.stack.alipay.notifications().unwrap(), []);
    platform.run_until("2015-05-02T09:59").await;
    assert_eq!(phase(&platform, 1).await, MandatePhase::Active);
    platform.run_until("2015-05-02T12:00").await;
    assert_eq!(ended(&platform, 1).await, Some(EndReason::RevokedByProvider));
    assert_eq!(trades(&platform), NONE);
    check(&platform, [0, 10_000, 0], 0).await;
}

/// What the stack answers to a form, as a browser sends it.
async fn post(platform: &Platform, path: &str, form: &str) -> String {
    let address = platform.stack.address;
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
        form.len(),
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// The event of a request for a mandate with an `Idempotency-Key`.
fn keyed(provider: &str, key: &str) -> Value {
    steelyard_tests::keyed(MANDATES_PATH, &json!({ "provider": provider }), key)
}

/// The number of the mandate that is offered in answer to an event.
async fn offer(platform: &Platform, event: Value) -> String {
    let (status, offered) = platform.ask_by(event).await;
    assert_eq!(status, 201, "{offered}");
    offered["external_agreement_no"].as_str().unwrap().to_owned()
}

async fn mandates(platform: &Platform, provider: &str) -> Vec<Mandate> {
    platform.stack.tables.billing.all(&provider.parse().unwrap()).await.unwrap()
}

#[tokio::test]
async fn fifty_requests_at_once_leave_one_open_offer_which_all_are_given() {
    let platform = used().await;
    let asked = (0..50).map(|_| platform.offer_mandate("a"));
    let offers = futures::future::join_all(asked).await;
    let numbers: BTreeSet<_> =
        offers.iter().map(|offered| offered["external_agreement_no"].to_string()).collect();
    assert_eq!(numbers.len(), 1, "{numbers:?}");
    assert_eq!(mandates(&platform, "a").await.len(), 1);
}

#[tokio::test]
async fn requests_of_two_machines_at_once_leave_one_open_offer() {
    for behind in 0..6 {
        let platform = used().await;
        let machines = [Machine::new(&platform, 0), Machine::new(&platform, behind)];
        let [one, two] = machines.each_ref().map(|machine| machine.offers(&platform));
        let (one, two) = join(one.invoke(keyed("a", "k-1")), two.invoke(keyed("a", "k-2"))).await;
        let numbers = [one, two].map(|answer| {
            let answer = answer.unwrap();
            assert_eq!(answer["statusCode"], 201, "{behind} behind: {answer}");
            let offered: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
            offered["external_agreement_no"].clone()
        });
        assert_eq!(numbers[0], numbers[1], "{behind} behind");
        assert_eq!(mandates(&platform, "a").await.len(), 1, "{behind} behind");
    }
}

#[tokio::test]
async fn open_offer_is_given_again_until_it_is_signed_or_lapses() {
    let platform = used().await;
    let number = async |platform: &Platform| {
        platform.offer_mandate("a").await["external_agreement_no"].as_str().unwrap().to_owned()
    };
    let first = number(&platform).await;
    platform.run_until("2015-05-05T20:00").await;
    assert_eq!(number(&platform).await, first);
    platform.run_until("2015-05-08T20:00").await;
    let second = number(&platform).await;
    assert_ne!(second, first, "the first has lapsed");
    let now = platform.stack.clock.now();
    platform.stack.alipay.sign_agreement(&second, "a", fen(1_000_000), now).unwrap();
    platform.deliver().await;
    assert_ne!(number(&platform).await, second, "the second is signed");
    assert_eq!(mandates(&platform, "a").await.len(), 3);
}

#[tokio::test]
async fn key_of_a_mandate_gives_the_same_one_and_does_not_collide_with_another_providers() {
    let platform = used().await;
    platform.join("b").await;
    let of_a = offer(&platform, keyed("a", "k-1")).await;
    let of_b = offer(&platform, keyed("b", "k-1")).await;
    assert_ne!(of_a, of_b);
    for key in ["k-1", "k-2"] {
        assert_eq!(offer(&platform, keyed("a", key)).await, of_a, "{key}");
    }
    platform.run_until("2015-05-08T20:00").await;
    assert_eq!(ended(&platform, 1).await, Some(EndReason::NotSigned));
    // A request that comes again is the same request, and a new one is offered a new mandate.
    for key in ["k-1", "k-2"] {
        assert_eq!(offer(&platform, keyed("a", key)).await, of_a, "{key}");
    }
    assert_ne!(offer(&platform, keyed("a", "k-3")).await, of_a);
    assert_eq!(mandates(&platform, "a").await.len(), 2);
}

#[tokio::test]
async fn offer_whose_answer_is_lost_is_given_again() {
    for (fault, key) in [
        (AwsFault::CutBefore, None),
        (AwsFault::CutAfter, None),
        (AwsFault::CutBefore, Some("k-1")),
        (AwsFault::CutAfter, Some("k-1")),
    ] {
        let platform = used().await;
        platform.realm().await;
        let event = || match key {
            Some(key) => keyed("a", key),
            None => {
                let asked = json!({ "provider": "a" }).to_string();
                http_event(&HttpMethod::POST, MANDATES_PATH, &HeaderMap::new(), asked.as_bytes())
            }
        };
        platform.stack.transport.faults().strike(Target::Writes, 1..=1, fault);
        let (status, _) = platform.ask_by(event()).await;
        assert_eq!(status, 503, "{fault:?} {key:?}");
        platform.stack.transport.faults().restore();
        let number = offer(&platform, event()).await;
        assert!(number.ends_with("M1"), "{fault:?} {key:?}: {number}");
        assert_eq!(mandates(&platform, "a").await.len(), 1, "{fault:?} {key:?}");
    }
}

#[tokio::test]
async fn consent_is_kept_with_the_offer_that_it_was_given_to_until_it_is_signed_and_after() {
    let platform = used().await;
    let agreed = |session: &str, terms: &str| json!({ "provider": "a", "consent": { "terms_version": terms, "session": session } });
    let kept = async |platform: &Platform| {
        let consent = platform.mandate("a", 1).await.consent.unwrap();
        let ConsentBy::Session { session } = consent.by else { panic!("{consent:?}") };
        (consent.terms_version.to_string(), session.to_string(), consent.at_s)
    };
    let (evening, later) =
        (platform.instant("2015-05-01T20:00"), platform.instant("2015-05-01T20:05"));
    // An offer that nobody agreed to on a page is open already.
    let open = platform.offer_mandate("a").await;
    assert_eq!(platform.mandate("a", 1).await.consent, None);
    let (status, offered) = platform.ask(MANDATES_PATH, &agreed("s-1", "2026-11")).await;
    assert_eq!((status, &offered["external_agreement_no"]), (201, &open["external_agreement_no"]));
    assert_eq!(kept(&platform).await, ("2026-11".to_owned(), "s-1".to_owned(), evening));
    platform.run_until("2015-05-01T20:05").await;
    platform.ask(MANDATES_PATH, &agreed("s-1", "2026-11")).await;
    assert_eq!(kept(&platform).await.2, evening, "the same again: the first time counts");
    platform.offer_mandate("a").await;
    assert_eq!(kept(&platform).await.2, evening, "no other consent");
    platform.ask(MANDATES_PATH, &agreed("s-1", "2026-12")).await;
    let newest = ("2026-12".to_owned(), "s-1".to_owned(), later);
    assert_eq!(kept(&platform).await, newest);
    sign(&platform, "a", 1_000_000).await;
    platform.deliver().await;
    assert_eq!(phase(&platform, 1).await, MandatePhase::Active);
    assert_eq!(kept(&platform).await, newest);
    assert_eq!(mandates(&platform, "a").await.len(), 1);
    platform.run_until("2015-05-02T12:00").await;
    check(&platform, [0, 0, 0], 10_000).await;
}

#[tokio::test]
async fn consent_that_is_not_one_is_refused() {
    let platform = used().await;
    for consent in [
        json!({ "terms_version": "", "session": "s-1" }),
        json!({ "terms_version": "2026-11", "session": "x".repeat(65) }),
        json!({ "terms_version": "2026-11" }),
        json!({ "terms_version": "2026-11", "caller": "arn:aws:iam::000000000000:user/other" }),
        json!({ "terms_version": "2026-11", "session": "s-1", "caller": "arn:aws:iam::000000000000:user/other" }),
        json!({ "terms_version": "2026-11", "session": "s-1", "at_s": 1 }),
        json!(true),
    ] {
        let asked = json!({ "provider": "a", "consent": consent });
        let (status, problem) = platform.ask(MANDATES_PATH, &asked).await;
        assert_eq!(status, 400, "{asked}: {problem}");
    }
    assert_eq!(mandates(&platform, "a").await, []);
}
