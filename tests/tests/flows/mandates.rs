//! The life of a mandate, over real HTTP to the local Alipay: offered, signed, told of or not,
//! suspended, replaced and ended; and what becomes of the debits under it.

use std::collections::BTreeMap;

use futures::future::BoxFuture;
use steelyard_billing::mandate::{EndReason, MandateLimits, MandateOutcome, MandatePhase};
use steelyard_billing::{Debit, DebitId, GatewayCode, GivenUp, Mandate, MandateId, Reason};
use steelyard_cli::local::alipay::{AgreementStatus, Fault, Method, NotificationFault};
use steelyard_cli::local::embedded::{Fault as AwsFault, Target};
use steelyard_store::{CommitError, MandateBooked};
use steelyard_tests::{Platform, fen};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const BASIC: &str = "taobao.trades.sold.get";

/// No trade at all.
const NONE: [i64; 0] = [];

/// A platform on the first of May at eight in the evening, where `a` has used what costs ¥100.00
/// and has no mandate.
async fn used() -> Platform {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.join("a").await;
    platform.count("a", BASIC, "2015-05-01", 1_500_000).await;
    platform
}

/// Offers a mandate, which its provider signs at once, with these funds. Gives Alipay's number.
async fn sign(platform: &Platform, provider: &str, funds: i64) -> String {
    let offered = platform.offer_mandate(provider).await;
    let number = offered["external_agreement_no"].as_str().unwrap();
    let now = platform.stack.clock.now();
    platform.stack.alipay.sign_agreement(number, provider, fen(funds), now).unwrap()
}

/// The same platform on the second of May at half past midnight: the mandate is signed and told of,
/// ¥100.00 are owed, and a debit is open. Gives Alipay's number of the agreement.
async fn indebted() -> (Platform, String) {
    let platform = used().await;
    let agreement = sign(&platform, "a", 1_000_000).await;
    platform.deliver().await;
    platform.settle_at("2015-05-02T00:30").await;
    assert_eq!(platform.account("a").await, [0, 10_000, 10_000]);
    (platform, agreement)
}

async fn mandate(platform: &Platform, provider: &str, number: u32) -> Mandate {
    let (billing, provider) = (&platform.stack.tables.billing, provider.parse().unwrap());
    billing.find(&provider, &MandateId(number)).await.unwrap().unwrap()
}

async fn phase(platform: &Platform, number: u32) -> MandatePhase {
    mandate(platform, "a", number).await.phase
}

/// Why a mandate of `a` has ended, if it has.
async fn ended(platform: &Platform, number: u32) -> Option<EndReason> {
    let MandatePhase::Ended { why, .. } = phase(platform, number).await else { return None };
    Some(why)
}

/// The only debit of `a` that was opened by that journal entry.
async fn debit(platform: &Platform, number: u64) -> Debit {
    let (billing, provider) = (&platform.stack.tables.billing, "a".parse().unwrap());
    billing.find(&provider, &DebitId(number)).await.unwrap().unwrap()
}

fn given_up(why: &str) -> GivenUp {
    GivenUp::MandateDead(GatewayCode(why.to_owned()))
}

/// Charges `a` another yuan for a day, at half past midnight after it.
async fn charge(platform: &Platform, day: &str, next_day: &str) {
    platform.run_until(&format!("{day}T20:00")).await;
    platform.count("a", BASIC, day, 10_000).await;
    platform.run_until(&format!("{next_day}T00:30")).await;
}

/// A person ends a mandate of `a`. Ending what is ending already changes nothing.
async fn end(
    platform: &Platform,
    number: u32,
) -> Result<MandateBooked, steelyard_store::BookingError> {
    let now = platform.stack.clock.now();
    let decide = |before: &Mandate| {
        before.ending(revoked_here(), now).map_or(MandateOutcome::Known, MandateOutcome::Changed)
    };
    let (billing, provider) = (&platform.stack.tables.billing, "a".parse().unwrap());
    billing.change_mandate(&provider, MandateId(number), now, decide).await
}

fn revoked_here() -> EndReason {
    EndReason::RevokedHere { reason: Reason::new("the contract is over").unwrap() }
}

/// Checks prepaid, receivable and reserved of `a` and what was taken, and that the books balance.
async fn check(platform: &Platform, account: [i64; 3], taken: i64) {
    let by_agreement = platform.stack.alipay.taken().unwrap();
    let all: i64 = by_agreement.values().map(|taken| taken.get()).sum();
    assert_eq!((platform.account("a").await, all), (account, taken));
    platform.books_balance().await;
    assert_eq!(platform.stack.dead_letters().await.unwrap(), 0);
}

/// What each trade at Alipay is of. A request that Alipay refuses for its agreement makes none.
fn trades(platform: &Platform) -> Vec<i64> {
    let trades = platform.stack.alipay.trades().unwrap();
    trades.iter().map(|trade| trade.amount_fen.get()).collect()
}

/// How the agreements stand at Alipay, in the order in which they were signed.
fn at_alipay(platform: &Platform) -> Vec<AgreementStatus> {
    let agreements = platform.stack.alipay.agreements().unwrap();
    agreements.iter().map(|agreement| agreement.status).collect()
}

fn refused(sub_code: &str) -> Fault {
    Fault::Refused { code: "40004".to_owned(), sub_code: sub_code.to_owned() }
}

/// All notifications that wait, taken away from Alipay: a test sends them itself.
fn taken_over(platform: &Platform) -> Vec<BTreeMap<String, String>> {
    let pending = platform.stack.alipay.notifications().unwrap();
    platform.stack.alipay.drop_notifications().unwrap();
    let mut all = Vec::new();
    for mut notification in pending {
        notification.parameters.insert("notify_time".to_owned(), "2015-05-01 20:30:00".to_owned());
        all.push(notification.parameters);
    }
    all
}

/// Sends the portal a genuine notification with these fields.
async fn tell(platform: &Platform, fields: &BTreeMap<String, String>) -> (u64, String) {
    platform.notify(&platform.stack.alipay.signed_form(fields)).await
}

fn confirmed() -> (u64, String) {
    (200, "success".to_owned())
}

fn unconfirmed() -> (u64, String) {
    (400, "failure".to_owned())
}

#[tokio::test]
async fn offer_that_is_signed_is_active_by_the_notification_and_collects_what_is_charged() {
    let platform = used().await;
    let agreement = sign(&platform, "a", 1_000_000).await;
    assert_eq!(phase(&platform, 1).await, MandatePhase::Offered);
    assert_eq!(platform.customer("a").await.provider.mandate, None);
    platform.deliver().await;
    let active = mandate(&platform, "a", 1).await;
    assert_eq!(active.phase, MandatePhase::Active);
    assert_eq!(active.agreement_no.as_deref(), Some(&*agreement));
    assert_eq!(active.signed_at_s, Some(platform.instant("2015-05-01T20:00")));
    assert_eq!(active.checked_at_s, None, "nobody asked");
    assert_eq!(platform.customer("a").await.provider.mandate, active.in_use());
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
    let active = mandate(&platform, "a", 1).await;
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
    assert_eq!(platform.stack.tables.billing.next_due_at().await.unwrap(), None);
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
    let agreement = mandate(&platform, "a", 1).await.agreement_no.unwrap();
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

#[tokio::test]
async fn notices_of_signature_and_end_that_are_swapped_and_repeated_end_the_mandate() {
    for order in [&[0, 1][..], &[1, 0], &[0, 0, 1, 1, 0], &[1, 1, 0, 0, 1], &[1]] {
        let platform = used().await;
        let agreement = sign(&platform, "a", 1_000_000).await;
        platform.set("2015-05-01T20:30");
        platform.stack.alipay.revoke_agreement(&agreement, platform.stack.clock.now()).unwrap();
        let notices = taken_over(&platform);
        assert_eq!(notices.len(), 2);
        for notice in order {
            assert_eq!(tell(&platform, &notices[*notice]).await, confirmed(), "{order:?}");
        }
        let at_s = platform.instant("2015-05-01T20:30");
        let why = EndReason::RevokedByProvider;
        assert_eq!(phase(&platform, 1).await, MandatePhase::Ended { at_s, why }, "{order:?}");
        let version = mandate(&platform, "a", 1).await.version;
        for notice in &notices {
            assert_eq!(tell(&platform, notice).await, confirmed(), "{order:?}");
        }
        assert_eq!(mandate(&platform, "a", 1).await.version, version, "{order:?}");
        platform.run_until("2015-05-02T12:00").await;
        assert_eq!(trades(&platform), NONE, "{order:?}");
        check(&platform, [0, 10_000, 0], 0).await;
    }
}

#[tokio::test]
async fn notices_on_alipays_own_road_that_are_swapped_repeated_or_forged_end_the_mandate() {
    for fault in [
        NotificationFault::Reordered,
        NotificationFault::Duplicate,
        NotificationFault::Forged,
        NotificationFault::OtherApp,
    ] {
        let platform = used().await;
        let agreement = sign(&platform, "a", 1_000_000).await;
        platform.set("2015-05-01T20:00:30");
        platform.stack.alipay.revoke_agreement(&agreement, platform.stack.clock.now()).unwrap();
        platform.stack.alipay.fail_next_notifications(fault, 1);
        platform.run_until("2015-05-02T12:00").await;
        assert_eq!(ended(&platform, 1).await, Some(EndReason::RevokedByProvider), "{fault:?}");
        assert_eq!(platform.stack.alipay.notifications().unwrap(), [], "{fault:?}");
        check(&platform, [0, 10_000, 0], 0).await;
    }
}

#[tokio::test]
async fn notification_that_somebody_else_signed_changes_nothing() {
    let platform = used().await;
    sign(&platform, "a", 1_000_000).await;
    let before = mandate(&platform, "a", 1).await;
    let [signed] = &taken_over(&platform)[..] else { panic!("not one notification") };
    let forged = platform.stack.alipay.forged_form(signed);
    assert_eq!(platform.notify(&forged).await, unconfirmed());
    assert_eq!(mandate(&platform, "a", 1).await, before);
    assert_eq!(tell(&platform, signed).await, confirmed());
    assert_eq!(phase(&platform, 1).await, MandatePhase::Active);
}

#[tokio::test]
async fn mandate_that_its_provider_revokes_is_debited_no_more_and_what_is_owed_stays_owed() {
    let (platform, agreement) = indebted().await;
    platform.set("2015-05-02T08:00");
    platform.stack.alipay.revoke_agreement(&agreement, platform.stack.clock.now()).unwrap();
    platform.deliver().await;
    let at_s = platform.instant("2015-05-02T08:00");
    let why = EndReason::RevokedByProvider;
    assert_eq!(phase(&platform, 1).await, MandatePhase::Ended { at_s, why });
    assert_eq!(platform.customer("a").await.provider.mandate, None);
    check(&platform, [0, 10_000, 10_000], 0).await;

    platform.run_until("2015-05-02T12:00").await;
    check(&platform, [0, 10_000, 0], 0).await;
    assert_eq!(debit(&platform, 1).await.given_up(), Some(&given_up("the mandate has ended")));
    charge(&platform, "2015-05-02", "2015-05-03").await;
    platform.run_until("2015-05-03T12:00").await;
    check(&platform, [0, 10_100, 0], 0).await;
    assert_eq!(trades(&platform), NONE, "nothing was asked for");
    platform.recharge("a", 10_100, "transfer-1").await;
    check(&platform, [0, 0, 0], 0).await;
}

#[tokio::test]
async fn end_that_nobody_tells_of_is_found_before_the_next_debit_and_nothing_is_asked_for() {
    for is_revoked in [true, false] {
        let (platform, agreement) = indebted().await;
        platform.lose_notifications();
        platform.run_until("2015-05-02T12:00").await;
        check(&platform, [0, 0, 0], 10_000).await;
        let alipay = &platform.stack.alipay;
        if is_revoked {
            alipay.revoke_agreement(&agreement, platform.stack.clock.now()).unwrap();
        } else {
            alipay.expire_agreement(&agreement).unwrap();
        }
        charge(&platform, "2015-05-02", "2015-05-03").await;
        platform.run_until("2015-05-03T09:59").await;
        assert_eq!(phase(&platform, 1).await, MandatePhase::Active, "nobody knows yet");
        check(&platform, [0, 100, 100], 10_000).await;
        platform.run_until("2015-05-03T12:00").await;
        assert_eq!(ended(&platform, 1).await, Some(EndReason::RevokedByProvider));
        assert_eq!(trades(&platform), [10_000], "nothing more was asked for");
        charge(&platform, "2015-05-03", "2015-05-04").await;
        platform.run_until("2015-05-04T12:00").await;
        assert_eq!(trades(&platform), [10_000]);
        check(&platform, [0, 200, 0], 10_000).await;
    }
}

#[tokio::test]
async fn debit_under_a_suspended_agreement_waits_and_is_paid_on_the_day_after_it_is_resumed() {
    let (platform, agreement) = indebted().await;
    platform.stack.alipay.suspend_agreement(&agreement).unwrap();
    platform.run_until("2015-05-03T12:00").await;
    assert!(matches!(phase(&platform, 1).await, MandatePhase::Suspended { .. }));
    assert_eq!(trades(&platform), NONE, "nothing is asked for meanwhile");
    check(&platform, [0, 10_000, 10_000], 0).await;
    platform.stack.alipay.resume_agreement(&agreement).unwrap();
    platform.run_until("2015-05-04T12:00").await;
    assert_eq!(phase(&platform, 1).await, MandatePhase::Active);
    check(&platform, [0, 0, 0], 10_000).await;
    // What is charged then is collected as ever.
    charge(&platform, "2015-05-04", "2015-05-05").await;
    platform.run_until("2015-05-05T12:00").await;
    check(&platform, [0, 0, 0], 10_100).await;
}

#[tokio::test]
async fn suspended_agreement_that_is_resumed_before_the_first_debit_was_never_noticed() {
    let (platform, agreement) = indebted().await;
    platform.stack.alipay.suspend_agreement(&agreement).unwrap();
    platform.stack.alipay.resume_agreement(&agreement).unwrap();
    platform.run_until("2015-05-02T12:00").await;
    check(&platform, [0, 0, 0], 10_000).await;
}

#[tokio::test]
async fn debit_under_an_agreement_that_stays_suspended_is_given_up_after_a_week_and_still_owed() {
    let (platform, agreement) = indebted().await;
    platform.stack.alipay.suspend_agreement(&agreement).unwrap();
    platform.run_until("2015-05-08T09:59").await;
    check(&platform, [0, 10_000, 10_000], 0).await;
    platform.run_until("2015-05-08T12:00").await;
    check(&platform, [0, 10_000, 0], 0).await;
    let why = GivenUp::Window(GatewayCode("the mandate is suspended".to_owned()));
    assert_eq!(debit(&platform, 1).await.given_up(), Some(&why));
    // It is asked about on, and collects again by itself.
    platform.stack.alipay.resume_agreement(&agreement).unwrap();
    charge(&platform, "2015-05-09", "2015-05-10").await;
    assert_eq!(phase(&platform, 1).await, MandatePhase::Active);
    platform.run_until("2015-05-10T12:00").await;
    check(&platform, [0, 0, 0], 10_100).await;
}

#[tokio::test]
async fn mandate_that_is_ended_here_is_ended_at_alipay_whatever_goes_wrong() {
    for fault in [
        None,
        Some(Fault::NoAnswerBeforeEffect),
        Some(Fault::NoAnswerAfterEffect),
        Some(Fault::SystemErrorBeforeEffect),
        Some(Fault::SystemErrorAfterEffect),
        Some(Fault::UnsignedAnswer),
        Some(Fault::Garbage),
    ] {
        for is_notified in [true, false] {
            let (platform, _) = indebted().await;
            if !is_notified {
                platform.lose_notifications();
            }
            if let Some(fault) = fault.clone() {
                platform.stack.alipay.fail_next(Method::Unsign, fault, 2);
            }
            platform.set("2015-05-02T08:00");
            assert!(matches!(end(&platform, 1).await, Ok(MandateBooked::Now(_))));
            assert_eq!(platform.customer("a").await.provider.mandate, None, "at once");
            platform.run_until("2015-05-02T12:00").await;
            assert_eq!(ended(&platform, 1).await, Some(revoked_here()), "{fault:?}");
            assert_eq!(at_alipay(&platform), [AgreementStatus::Unsign], "{fault:?}");
            assert_eq!(trades(&platform), NONE, "{fault:?}");
            check(&platform, [0, 10_000, 0], 0).await;
        }
    }
}

#[tokio::test]
async fn offer_that_is_ended_here_ends_even_if_it_is_signed_in_the_same_moment() {
    for is_signed in [false, true] {
        let platform = used().await;
        let offered = platform.offer_mandate("a").await;
        end(&platform, 1).await.unwrap();
        if is_signed {
            let number = offered["external_agreement_no"].as_str().unwrap();
            let now = platform.stack.clock.now();
            platform.stack.alipay.sign_agreement(number, "a", fen(1_000_000), now).unwrap();
        }
        platform.run_until("2015-05-02T12:00").await;
        assert_eq!(ended(&platform, 1).await, Some(revoked_here()), "signed: {is_signed}");
        let expected = if is_signed { vec![AgreementStatus::Unsign] } else { Vec::new() };
        assert_eq!(at_alipay(&platform), expected);
        check(&platform, [0, 10_000, 0], 0).await;
    }
}

#[tokio::test]
async fn new_signature_replaces_the_old_one_and_the_next_charge_is_collected_under_it() {
    let (platform, old) = indebted().await;
    platform.set("2015-05-02T08:00");
    let new = sign(&platform, "a", 1_000_000).await;
    assert_ne!(new, old);
    let numbers = [1, 2].map(|number| mandate(&platform, "a", number));
    let [one, two] = futures::future::join_all(numbers).await.try_into().unwrap();
    assert_ne!(one.external_agreement_no, two.external_agreement_no);
    platform.deliver().await;
    let in_use = platform.customer("a").await.provider.mandate.unwrap();
    assert_eq!((in_use.mandate, &*in_use.agreement_no), (MandateId(2), &*new));

    platform.run_until("2015-05-02T12:00").await;
    let replaced = EndReason::Replaced { by: MandateId(2) };
    assert_eq!(ended(&platform, 1).await, Some(replaced));
    assert_eq!(at_alipay(&platform), [AgreementStatus::Unsign, AgreementStatus::Normal]);
    assert_eq!(debit(&platform, 1).await.given_up(), Some(&given_up("the mandate has ended")));
    assert_eq!(trades(&platform), NONE, "the old agreement was not used any more");
    check(&platform, [0, 10_000, 0], 0).await;

    charge(&platform, "2015-05-02", "2015-05-03").await;
    platform.run_until("2015-05-03T12:00").await;
    check(&platform, [0, 0, 0], 10_100).await;
    let taken = platform.stack.alipay.taken().unwrap();
    assert_eq!(Vec::from_iter(taken), [(new, fen(10_100))]);
}

#[tokio::test]
async fn debit_that_took_the_money_under_the_old_agreement_is_paid_though_it_was_replaced() {
    let (platform, _) = indebted().await;
    platform.lose_notifications();
    platform.stack.alipay.fail_next(Method::Pay, Fault::NoAnswerAfterEffect, 1);
    platform.stack.alipay.fail_next(Method::Query, Fault::SystemErrorBeforeEffect, 20);
    platform.dispatch_at("2015-05-02T10:00").await;
    sign(&platform, "a", 1_000_000).await;
    platform.run_until("2015-05-02T10:06").await;
    assert_eq!(phase(&platform, 2).await, MandatePhase::Active);
    assert_eq!(platform.account("a").await, [0, 10_000, 10_000], "it is in doubt");
    charge(&platform, "2015-05-02", "2015-05-03").await;
    platform.run_until("2015-05-03T12:00").await;
    assert_eq!(trades(&platform), [10_000, 100]);
    check(&platform, [0, 0, 0], 10_100).await;
}

#[tokio::test]
async fn old_agreement_that_was_suspended_does_not_come_back_over_the_new_one() {
    let (platform, old) = indebted().await;
    platform.stack.alipay.suspend_agreement(&old).unwrap();
    platform.run_until("2015-05-02T12:00").await;
    let new = sign(&platform, "a", 1_000_000).await;
    platform.deliver().await;
    platform.stack.alipay.resume_agreement(&old).unwrap();
    charge(&platform, "2015-05-03", "2015-05-04").await;
    platform.run_until("2015-05-04T12:00").await;
    let in_use = platform.customer("a").await.provider.mandate.unwrap();
    assert_eq!((in_use.mandate, in_use.agreement_no), (MandateId(2), new));
    assert_eq!(at_alipay(&platform), [AgreementStatus::Unsign, AgreementStatus::Normal]);
    platform.books_balance().await;
}

#[tokio::test]
async fn alipay_is_asked_about_a_mandate_once_a_day_however_many_debits_use_it() {
    let (platform, _) = indebted().await;
    // Each of the payments looks whether the mandate may be used.
    platform.stack.alipay.fail_next(Method::Pay, Fault::SystemErrorBeforeEffect, 3);
    platform.dispatch_at("2015-05-02T10:00").await;
    let checked = Some(platform.instant("2015-05-02T10:00"));
    assert_eq!(mandate(&platform, "a", 1).await.checked_at_s, checked);
    // Whoever asks again is told that it is over.
    platform.stack.alipay.fail_next(Method::AgreementQuery, refused("AGREEMENT_HAS_UNSIGNED"), 1);
    platform.run_until("2015-05-02T12:00").await;
    check(&platform, [0, 0, 0], 10_000).await;
    charge(&platform, "2015-05-02", "2015-05-03").await;
    platform.run_until("2015-05-03T09:59").await;
    let unasked = mandate(&platform, "a", 1).await;
    assert_eq!((unasked.phase, unasked.checked_at_s), (MandatePhase::Active, checked));
    platform.run_until("2015-05-03T12:00").await;
    assert_eq!(ended(&platform, 1).await, Some(EndReason::RevokedByProvider));
    check(&platform, [0, 100, 0], 10_000).await;
}

#[tokio::test]
async fn debits_of_one_day_under_one_mandate_ask_about_it_once() {
    let platform = used().await;
    platform.sign_up_to("b", 1_000_000, 4_000).await;
    platform.count("b", BASIC, "2015-05-01", 1_500_000).await;
    platform.settle_at("2015-05-02T00:30").await;
    platform.set("2015-05-02T10:00");
    // It is asked for in the first second; whoever asks again is told that it is over.
    platform.stack.alipay.fail_next(Method::AgreementQuery, Fault::ChunkedAnswer, 1);
    platform.stack.alipay.fail_next(Method::AgreementQuery, refused("AGREEMENT_HAS_UNSIGNED"), 1);
    platform.dispatch_at("2015-05-02T10:00").await;
    platform.run_until("2015-05-02T12:00").await;
    assert_eq!(trades(&platform), [4_000, 4_000]);
    assert_eq!(mandate(&platform, "b", 1).await.phase, MandatePhase::Active);
    platform.books_balance().await;
    platform.run_until("2015-05-03T12:00").await;
    let MandatePhase::Ended { .. } = mandate(&platform, "b", 1).await.phase else {
        panic!("nobody asked on the next day")
    };
    assert_eq!(platform.account("b").await, [0, 2_000, 0]);
    platform.books_balance().await;
}

#[tokio::test]
async fn doubt_about_an_agreement_does_not_keep_a_debit_from_being_made() {
    for fault in [Fault::NoAnswerBeforeEffect, Fault::Garbage, Fault::WrongKey] {
        let (platform, _) = indebted().await;
        platform.stack.alipay.fail_next(Method::AgreementQuery, fault, 1);
        platform.dispatch_at("2015-05-02T10:00").await;
        let doubted = mandate(&platform, "a", 1).await;
        assert_eq!((doubted.phase, doubted.checked_at_s), (MandatePhase::Active, None));
        check(&platform, [0, 0, 0], 10_000).await;
    }
}

#[tokio::test]
async fn lower_limit_of_the_agreement_is_taken_over_and_caps_the_next_debits() {
    let (platform, agreement) = indebted().await;
    platform.stack.alipay.set_single_limit(&agreement, Some(fen(4_000))).unwrap();
    platform.run_until("2015-05-02T12:00").await;
    let limited = mandate(&platform, "a", 1).await;
    assert_eq!((limited.single_limit_fen, limited.limit()), (fen(500_000), fen(4_000)));
    let in_use = platform.customer("a").await.provider.mandate.unwrap();
    assert_eq!(in_use.limit_fen, fen(4_000));
    // The debit that was open is of more than Alipay takes now, and is never split.
    check(&platform, [0, 10_000, 0], 0).await;
    assert!(matches!(debit(&platform, 1).await.given_up(), Some(GivenUp::AmountCap(_))));
    charge(&platform, "2015-05-02", "2015-05-03").await;
    check(&platform, [0, 10_100, 4_000], 0).await;
    platform.run_until("2015-05-04T12:00").await;
    assert_eq!(trades(&platform), [4_000, 4_000, 2_100]);
    check(&platform, [0, 0, 0], 10_100).await;
}

#[tokio::test]
async fn agreement_of_another_provider_is_never_taken_over() {
    let (platform, of_a) = indebted().await;
    platform.join("b").await;
    let of_b = sign(&platform, "b", 1_000_000).await;
    let before = mandate(&platform, "b", 1).await;
    let notices = taken_over(&platform);
    platform.stack.alipay.revoke_agreement(&of_b, platform.stack.clock.now()).unwrap();
    for genuine in notices.iter().chain(&taken_over(&platform)) {
        let mut crossed = genuine.clone();
        crossed.insert("agreement_no".to_owned(), of_a.clone());
        assert_eq!(tell(&platform, &crossed).await, unconfirmed(), "{crossed:?}");
        let mut nobodys = genuine.clone();
        nobodys.remove("external_agreement_no");
        nobodys.insert("agreement_no".to_owned(), "20150000000000000000".to_owned());
        assert_eq!(tell(&platform, &nobodys).await, unconfirmed(), "{nobodys:?}");
    }
    assert_eq!(mandate(&platform, "b", 1).await, before);
    assert_eq!(phase(&platform, 1).await, MandatePhase::Active);

    // An operator who mistakes the number adopts nothing.
    let customer = platform.customer("b").await;
    let limits = MandateLimits { single_fen: fen(10_000), daily_fen: None };
    let now = platform.stack.clock.now();
    let (adopted, counted) = customer.account.adopt_mandate(of_a.clone(), limits, now).unwrap();
    let billing = &platform.stack.tables.billing;
    let stale = billing.adopt_mandate(&customer, &adopted, &counted, now).await;
    assert!(matches!(stale, Err(CommitError::Stale)), "{stale:?}");
    let owner = billing.agreement_owner(&of_a).await.unwrap().unwrap();
    assert_eq!(owner.provider, "a".parse().unwrap());
    platform.run_until("2015-05-02T12:00").await;
    check(&platform, [0, 0, 0], 10_000).await;
}

/// What is killed: how a platform is prepared, and the run, which may be run again.
struct Story<'a> {
    prepare: &'a dyn Fn() -> BoxFuture<'static, Platform>,
    run: &'a dyn Fn(&Platform) -> BoxFuture<'_, ()>,
}

/// Runs a story without a kill, then once for each of its writes with the power cut before it, and
/// once with the power cut after it: each time it goes on to the same end. Tells that end.
async fn check_killed(told: &str, story: Story<'_>) -> String {
    let platform = (story.prepare)().await;
    platform.stack.transport.meter().take();
    (story.run)(&platform).await;
    let writes = platform.stack.transport.meter().take().writes();
    let expected = end_of(&platform).await;
    for write in 1..=writes {
        for fault in [AwsFault::CutBefore, AwsFault::CutAfter] {
            let platform = (story.prepare)().await;
            platform.stack.transport.faults().strike(Target::Writes, write..=write, fault);
            (story.run)(&platform).await;
            let told = format!("{told}, {fault:?} write {write} of {writes}");
            assert_eq!(end_of(&platform).await, expected, "{told}");
        }
    }
    expected
}

/// The figures, and how the mandates stand here and at Alipay.
async fn end_of(platform: &Platform) -> String {
    platform.books_balance().await;
    let mut text = platform.figures().await;
    let mandates: Vec<Mandate> =
        platform.stack.tables.billing.all(&"a".parse().unwrap()).await.unwrap();
    for mandate in mandates {
        let standing = if let MandatePhase::Ended { why, .. } = mandate.phase {
            format!("ended, {why:?}")
        } else {
            format!("{:?}", mandate.phase)
        };
        text += &format!("mandate {}: {standing}\n", mandate.mandate);
    }
    text + &format!("at Alipay: {:?}\n", at_alipay(platform))
}

/// Lets the schedules run until a time, whatever dies; the power is back at the next run.
async fn go_on(platform: &Platform, time: &str) {
    let end = platform.instant(time);
    while platform.stack.run_until(end).await.is_err() {
        platform.stack.transport.faults().restore();
    }
    platform.stack.transport.faults().restore();
}

#[tokio::test]
async fn killed_signature_comes_to_the_same_end() {
    for is_notified in [true, false] {
        let prepare = move || -> BoxFuture<'static, Platform> {
            Box::pin(async move {
                let platform = used().await;
                sign(&platform, "a", 1_000_000).await;
                if !is_notified {
                    platform.lose_notifications();
                }
                platform
            })
        };
        let story = Story {
            prepare: &prepare,
            run: &|platform| Box::pin(go_on(platform, "2015-05-03T12:00")),
        };
        let end = check_killed("signature", story).await;
        assert!(
            end.contains("prepaid 0.00, receivable 0.00, reserved 0.00, taken 100.00"),
            "{end}"
        );
        assert!(end.contains("mandate 1: Active"), "{end}");
    }
}

#[tokio::test]
async fn killed_end_comes_to_the_same_end() {
    let story = Story {
        prepare: &|| Box::pin(async { indebted().await.0 }),
        run: &|platform| {
            Box::pin(async {
                // The operator who saw an error tries again.
                while end(platform, 1).await.is_err() {
                    platform.stack.transport.faults().restore();
                }
                go_on(platform, "2015-05-02T12:00").await;
            })
        },
    };
    let end = check_killed("end", story).await;
    assert!(end.contains("receivable 100.00, reserved 0.00, taken 0.00"), "{end}");
    assert!(end.contains("mandate 1: ended, RevokedHere"), "{end}");
    assert!(end.contains("at Alipay: [Unsign]"), "{end}");
}

#[tokio::test]
async fn killed_replacement_comes_to_the_same_end() {
    let story = Story {
        prepare: &|| {
            Box::pin(async {
                let (platform, _) = indebted().await;
                sign(&platform, "a", 1_000_000).await;
                platform
            })
        },
        run: &|platform| Box::pin(go_on(platform, "2015-05-02T12:00")),
    };
    let end = check_killed("replacement", story).await;
    assert!(end.contains("receivable 100.00, reserved 0.00, taken 0.00"), "{end}");
    assert!(end.contains("mandate 1: ended, Replaced { by: MandateId(2) }"), "{end}");
    assert!(end.contains("mandate 2: Active"), "{end}");
    assert!(end.contains("at Alipay: [Unsign, Normal]"), "{end}");
}

#[tokio::test]
async fn a_signature_that_comes_to_light_late_does_not_take_the_place_of_a_newer_one() {
    let platform = used().await;
    platform.lose_notifications();
    let alipay = &platform.stack.alipay;
    // The first is signed, and nobody hears of it: its notice is lost, its queries get no answer.
    let older = sign(&platform, "a", 1_000_000).await;
    alipay.fail_next(Method::AgreementQuery, Fault::BadGatewayBeforeEffect, 3);
    platform.run_until("2015-05-01T20:10").await;
    assert_eq!(phase(&platform, 1).await, MandatePhase::Offered);
    let newer = sign(&platform, "a", 1_000_000).await;
    platform.run_until("2015-05-01T20:12").await;
    assert_eq!(phase(&platform, 2).await, MandatePhase::Active);
    platform.run_until("2015-05-01T23:00").await;
    assert_eq!(ended(&platform, 1).await, Some(EndReason::Replaced { by: MandateId(2) }));
    assert_eq!(phase(&platform, 2).await, MandatePhase::Active);
    let status = |number: &str| {
        let all = alipay.agreements().unwrap();
        all.into_iter().find(|of| of.agreement_no == number).unwrap().status
    };
    assert_eq!(
        (status(&older), status(&newer)),
        (AgreementStatus::Unsign, AgreementStatus::Normal)
    );
    platform.run_until("2015-05-02T12:00").await;
    assert_eq!(platform.account("a").await, [0, 0, 0]);
    platform.books_balance().await;
}
