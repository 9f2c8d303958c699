//! Books that were kept honestly are in order, and each way of spoiling them is found out by name.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod adjustments;
#[path = "../common/agreement.rs"]
mod agreement;
mod books;
#[path = "../common/mod.rs"]
mod common;
mod counted;
mod debits;
mod deposit;
mod due_index;
mod extras;
mod gateway;
mod journal;
mod keeper;
mod lines;
#[path = "../common/mandates.rs"]
mod mandates;
mod overdue;
mod progress;
mod properties;
#[path = "../common/reading.rs"]
mod reading;
#[path = "../common/realm.rs"]
mod realm;
mod references;
mod statements;
mod terms;
mod variants;

use std::collections::{BTreeMap, BTreeSet};

use common::{at, rules};
use expect_test::expect_file;
use keeper::{Keeper, close_may, day, honest};
use steelyard_billing::{Breach, Cause, DebitId, Ledger, audit};
use steelyard_pricing::{Fen, Yuan};
use variants::{VARIANTS, variant};

/// One way to spoil the books, and the variants of the breaches that report it, each where it is
/// first found.
type Canary = (&'static str, fn(&mut Keeper), &'static [&'static str]);

/// The only place of this test that audits.
fn breaches(keeper: &Keeper) -> Vec<Breach> {
    audit(&keeper.books, &keeper.plans, &rules(), keeper.now)
}

fn spoilt(honest: fn() -> Keeper, spoil: fn(&mut Keeper)) -> Vec<Breach> {
    let mut keeper = honest();
    spoil(&mut keeper);
    breaches(&keeper)
}

fn check(canaries: &[Canary]) {
    check_on(honest, canaries);
}

fn check_on(honest: fn() -> Keeper, canaries: &[Canary]) {
    let mut wrong = Vec::new();
    for (name, spoil, expected) in canaries {
        let breaches = spoilt(honest, *spoil);
        let (found, texts) = (variants_of(&breaches), breaches.iter().map(ToString::to_string));
        if found != *expected {
            wrong.push(format!("{name}: {found:?} {:#?}", texts.collect::<Vec<_>>()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The kinds of some breaches, each where it is first found.
fn variants_of(breaches: &[Breach]) -> Vec<&'static str> {
    let mut seen = BTreeSet::new();
    breaches.iter().map(variant).filter(|found| seen.insert(*found)).collect()
}

fn yuan(text: &str) -> Yuan {
    serde_json::from_value(text.into()).unwrap()
}

fn a_fen_more(fen: &mut Fen) {
    *fen = fen.plus(Fen::new(1)).unwrap();
}

fn a_fen_less(fen: &mut Fen) {
    *fen = fen.minus(Fen::new(1)).unwrap();
}

#[test]
fn honest_books_are_in_order_and_hold_every_kind_of_movement() {
    let mut keeper = honest();
    assert_eq!(breaches(&keeper), []);
    let causes = keeper.books.journal.iter().map(|entry| match &entry.record().cause {
        Cause::Charged { statement } => {
            let revenue = entry.moved(Ledger::Revenue).unwrap().negated().unwrap();
            format!("charged {revenue} for {statement}")
        }
        Cause::DebitSent { debit } => {
            format!("debit {debit} sent for {}", entry.moved(Ledger::Reserved).unwrap())
        }
        Cause::DebitPaid { debit, .. } => format!("debit {debit} paid"),
        Cause::DebitGivenUp { debit } => format!("debit {debit} given up"),
        Cause::Recharged { .. } => format!("recharged {}", entry.moved(Ledger::Bank).unwrap()),
        Cause::RechargePaid { recharge, .. } => format!("recharge {recharge} paid"),
        Cause::DebitFound { debit, attempt, .. } => format!("debit {debit}, {attempt} found"),
        Cause::RefundAsked(number) => format!("refund {number} asked for"),
        Cause::RefundDone(number) => format!("refund {number} done"),
        Cause::RefundRefused(number) => format!("refund {number} refused"),
        Cause::Reversed(number) => format!("reversal {number}"),
        Cause::Deposit(movement) => format!("deposit {movement:?}"),
    });
    assert_eq!(
        causes.collect::<Vec<_>>(),
        [
            "charged 12.00 for 2015-05-16",
            "debit 1 sent for 12.00",
            "debit 1 paid",
            "charged 5.03 for 2015-05-17",
            "debit 2 sent for 5.03",
            "recharged 3.00",
            "debit 2 given up",
            "recharged 10.00",
            "charged 0.50 for 2015-05-30",
            "charged 0.20 for 2015-05-31+1",
            "charged 20.00 for 2015-06-02",
            "debit 3 sent for 12.73",
        ]
    );
    assert_eq!(keeper.books.account.open_debit, Some(DebitId(3)));
    close_may(&mut keeper);
    assert_eq!(keeper.books.account.open_from.to_string(), "2015-06");
    assert_eq!(breaches(&keeper), []);
}

#[test]
fn usage_from_before_the_provider_was_billed_is_no_breach() {
    let mut keeper = honest();
    keeper.report(day("2015-04-30"), "t.a", 1_000);
    assert_eq!(breaches(&keeper), []);
}

#[test]
fn reports_of_a_month_that_is_done_may_have_expired() {
    let mut keeper = honest();
    close_may(&mut keeper);
    let june = day("2015-06-01");
    let gone = |keeper: &Keeper| {
        let found = variants_of(&breaches(keeper));
        found.into_iter().any(|variant| ["Overcharged", "ReportsGone"].contains(&variant))
    };
    // DynamoDB deletes them one after the other.
    keeper.books.counted.remove(&day("2015-05-16"));
    keeper.now = at("2016-07-31 23:59:59");
    assert!(gone(&keeper), "they are to be there still");
    keeper.now = at("2016-08-01 00:00");
    assert!(!gone(&keeper));
    keeper.books.counted.retain(|day, _| *day >= june);
    assert!(!gone(&keeper));
    keeper.books.counted.clear();
    assert!(gone(&keeper), "those of June are to be there still");
}

#[test]
fn every_breach_is_found_and_reads_alone() {
    let of = |honest: fn() -> Keeper, canaries: &[&[Canary]]| -> Vec<Breach> {
        canaries.concat().into_iter().flat_map(|(_, spoil, _)| spoilt(honest, spoil)).collect()
    };
    let of_debits = [
        counted::CANARIES,
        lines::CANARIES,
        statements::CANARIES,
        statements::MONTH_CANARIES,
        progress::CANARIES,
        journal::CANARIES,
        journal::CAUSE_CANARIES,
        debits::CANARIES,
        debits::TERMS_CANARIES,
        debits::MANDATE_CANARIES,
        terms::CANARIES,
        overdue::CANARIES,
    ];
    let through_alipay =
        [gateway::CANARIES, references::CANARIES, references::NUMBER_CANARIES, due_index::CANARIES];
    let breaches = [
        of(honest, &of_debits),
        of(keeper::through_alipay, &through_alipay),
        of(adjustments::adjusted, &[adjustments::CANARIES]),
        of(extras::taxed, &[extras::CANARIES]),
        of(deposit::deposited, &[deposit::CANARIES]),
    ];
    let mut texts = BTreeMap::new();
    for breach in breaches.iter().flatten() {
        texts.entry(variant(breach)).or_insert_with(|| breach.to_string());
    }
    assert_eq!(texts.keys().copied().collect::<BTreeSet<_>>(), VARIANTS.into_iter().collect());
    let texts = texts.into_iter().map(|(variant, text)| format!("{variant}: {text}\n"));
    expect_file!["breaches.txt"].assert_eq(&texts.collect::<String>());
}
