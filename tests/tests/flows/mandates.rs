//! The life of a mandate, over real HTTP to the local Alipay: offered, signed, notified or not,
//! suspended, replaced and ended; and what becomes of the debits under it.

mod debits;
mod ends;
mod kills;
mod offers;
mod replaced;
mod usable;

use std::collections::BTreeMap;

use steelyard_billing::mandate::{EndReason, MandateLimits, MandatePhase, Suspension};
use steelyard_billing::{
    AgreementAnswer, DebitId, GatewayCode, GiveUpReason, Mandate, MandateId, Phase,
};
use steelyard_books::BookError;
use steelyard_local_alipay::{AgreementStatus, Fault, Method, NotificationFault};
use steelyard_local_aws::{Fault as AwsFault, Target};
use steelyard_tests::{Platform, fen, reason};

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
pub(crate) async fn sign(platform: &Platform, provider: &str, funds: i64) -> String {
    let offered = platform.offer_mandate(provider).await;
    let number = offered["external_agreement_no"].as_str().unwrap();
    let now = platform.stack.clock.now();
    platform.stack.alipay.sign_agreement(number, provider, fen(funds), now).unwrap()
}

/// The same platform on the second of May at half past midnight: the mandate is signed and
/// notified, ¥100.00 are owed, and a debit is open. Gives Alipay's number of the agreement.
async fn indebted() -> (Platform, String) {
    let platform = used().await;
    let agreement = sign(&platform, "a", 1_000_000).await;
    platform.deliver().await;
    platform.settle_at("2015-05-02T00:30").await;
    assert_eq!(platform.account("a").await, [0, 10_000, 0]);
    assert_eq!(platform.found("a").await.account.open_debit, Some(DebitId(1)));
    (platform, agreement)
}

async fn phase(platform: &Platform, number: u32) -> MandatePhase {
    platform.mandate("a", number).await.phase
}

/// Why a mandate of `a` has ended, if it has.
async fn ended(platform: &Platform, number: u32) -> Option<EndReason> {
    let MandatePhase::Ended { why, .. } = phase(platform, number).await else { return None };
    Some(why)
}

/// Charges `a` another yuan for a day, at half past midnight after it.
async fn charge(platform: &Platform, day: &str, next_day: &str) {
    platform.run_until(&format!("{day}T20:00")).await;
    platform.count("a", BASIC, day, 10_000).await;
    platform.run_until(&format!("{next_day}T00:30")).await;
}

/// A person ends a mandate of `a`.
async fn end(platform: &Platform, number: u32) -> Result<Mandate, BookError> {
    let now = platform.stack.clock.now();
    let (provider, mandate) = ("a".parse().unwrap(), MandateId(number));
    let decide = |before: &Mandate| before.ending(revoked_here(), now);
    platform.books().decide_mandate(&provider, mandate, now, decide).await
}

fn revoked_here() -> EndReason {
    EndReason::RevokedHere { reason: reason("the contract is over") }
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

/// Sends a genuine notification with these fields.
async fn tell(platform: &Platform, fields: &BTreeMap<String, String>) -> (u64, String) {
    platform.notify(&platform.stack.alipay.signed_form(fields)).await
}

fn confirmed() -> (u64, String) {
    (200, "success".to_owned())
}

fn unconfirmed() -> (u64, String) {
    (400, "failure".to_owned())
}

/// The platform of [`indebted`] at noon: the debit was sent and declined for want of funds.
async fn declined() -> (Platform, String) {
    let (platform, agreement) = indebted().await;
    platform.stack.alipay.fail_next(Method::Pay, Fault::InsufficientFunds, 1);
    platform.run_until("2015-05-02T12:00").await;
    check(&platform, [0, 10_000, 10_000], 0).await;
    (platform, agreement)
}
