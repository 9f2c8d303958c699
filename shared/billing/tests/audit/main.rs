//! Books that were kept honestly are in order, and each way of spoiling them is found out by name.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;
mod counters;
mod debits;
mod gateway;
mod journal;
mod keeper;
mod lines;
#[path = "../common/mandates.rs"]
mod mandates;
mod progress;
mod properties;
mod statements;
mod terms;
mod variants;

use std::collections::{BTreeMap, BTreeSet};

use expect_test::expect;
use keeper::{Keeper, close_may, day, honest};
use steelyard_billing::{Breach, Cause, DebitId, Ledger, audit};
use steelyard_pricing::{Fen, Yuan};
use variants::{VARIANTS, variant};

/// One way to spoil the books, and the variants of the breaches that tell, each where it is first
/// found.
type Canary = (&'static str, fn(&mut Keeper), &'static [&'static str]);

/// The only place of this test that audits.
fn breaches(keeper: &Keeper) -> Vec<Breach> {
    audit(&keeper.books, &keeper.plans)
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
    for (name, spoil, expected) in canaries {
        let breaches = spoilt(honest, *spoil);
        let mut seen = BTreeSet::new();
        let variants = breaches.iter().map(variant).filter(|found| seen.insert(*found));
        let variants = variants.collect::<Vec<_>>();
        let texts = breaches.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(variants, *expected, "{name}: {texts:#?}");
    }
}

fn yuan(text: &str) -> Yuan {
    serde_json::from_value(text.into()).unwrap()
}

fn a_fen_more(fen: &mut Fen) {
    *fen = fen.plus(Fen::new(1)).unwrap();
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
        Cause::DebitPaid { debit, .. } => format!("debit {debit} paid"),
        Cause::DebitExhausted { debit } => format!("debit {debit} exhausted"),
        Cause::Recharged { .. } => format!("recharged {}", entry.moved(Ledger::Bank).unwrap()),
        Cause::RechargePaid { recharge, .. } => format!("recharge {recharge} paid"),
        Cause::DebitFound { debit, attempt, .. } => format!("debit {debit}, {attempt} found"),
        Cause::RefundAsked(number) => format!("refund {number} asked for"),
        Cause::RefundDone(number) => format!("refund {number} done"),
        Cause::RefundRefused(number) => format!("refund {number} refused"),
        Cause::Reversed(number) => format!("reversal {number}"),
    });
    assert_eq!(
        causes.collect::<Vec<_>>(),
        [
            "charged 12.00 for 2015-05-16",
            "debit 1 paid",
            "charged 5.03 for 2015-05-17",
            "recharged 3.00",
            "debit 3 exhausted",
            "recharged 10.00",
            "charged 0.50 for 2015-05-30",
            "charged 0.20 for 2015-05-31+1",
            "charged 20.00 for 2015-06-02",
        ]
    );
    assert_eq!(keeper.books.account.open_debit, Some(DebitId(9)));
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
fn counters_and_reports_of_a_month_that_is_done_may_have_expired() {
    let mut keeper = honest();
    close_may(&mut keeper);
    let june = day("2015-06-01");
    keeper.books.counted.retain(|day, _| *day >= june);
    assert_ne!(breaches(&keeper), [], "counters expire no earlier than their reports");
    keeper.books.reported.retain(|day, _| *day >= june);
    assert_eq!(breaches(&keeper), []);
    keeper.books.counted.clear();
    keeper.books.reported.clear();
    assert_ne!(breaches(&keeper), [], "June is not done");
}

#[test]
fn every_breach_is_found_and_reads_alone() {
    let canaries = [
        counters::CANARIES,
        lines::CANARIES,
        statements::CANARIES,
        statements::MONTH_CANARIES,
        progress::CANARIES,
        journal::CANARIES,
        journal::CAUSE_CANARIES,
        debits::CANARIES,
        terms::CANARIES,
    ];
    let mut texts = BTreeMap::new();
    let spoilt_honest =
        canaries.concat().into_iter().flat_map(|(_, spoil, _)| spoilt(honest, spoil));
    let through_alipay = gateway::CANARIES.iter();
    let spoilt_alipay =
        through_alipay.flat_map(|(_, spoil, _)| spoilt(keeper::through_alipay, *spoil));
    for breach in spoilt_honest.chain(spoilt_alipay) {
        texts.entry(variant(&breach)).or_insert_with(|| breach.to_string());
    }
    assert_eq!(texts.keys().copied().collect::<BTreeSet<_>>(), VARIANTS.into_iter().collect());
    let texts = texts.into_iter().map(|(variant, text)| format!("{variant}: {text}"));
    expect![[r#"
        Charge: statement 2015-05-31+1 charges 0.21 yuan, but 0.20 were due
        ChargedBefore: statement 2015-05-17 says 12.00 yuan were charged before, but 12.01 were
        Counted: 2015-05-16: t.a has 2600 calls in the counters and 1300 calls in the reports
        Counts: statement 2015-05-31+1: t.a goes from 1351 calls to 1371 calls, but stood at 1350 calls
        Debit: debit 1 reserved 12.00, took 12.00 by trade 20151, released 12.00, but the journal says that it took 12.00 by trade 20151, released 12.00
        DebitGone: journal entry 3 names debit 3, which is not stored
        DebitTwice: debit 9 is stored twice
        Explanation: statement 2015-05-17: the line of `basic` does not follow from its explanation
        Figures: the journal comes to 7.27 prepaid, 0.00 receivable and 0.00 reserved, but the account holds 0.00 prepaid, 12.73 receivable and 12.73 reserved
        Foreign: the account stands in the books of shop, but belongs to other
        FromPrepaid: statement 2015-06-02: 7.27 yuan were prepaid, but the journal says 0.00
        Gateway: recharge 1 took 20.00 by trade R1: 0 times by its record, 1 times by the journal
        JournalEnd: the account counts 9 journal entries, but the last one is 8
        JournalGap: journal entry 4 is missing or doubled
        LineUsage: statement 2015-05-17: the line of `extra` goes from 0 calls to 11 calls, but its APIs have 10 calls more
        Lines: statement 2015-05-17: lines of 5.04 yuan for a charge of 5.03
        LinesToDate: statement 2015-06-02 rates the month at 20 yuan, but the lines at 20.001
        Mandate: the mandate in use is none, but active is: 1 (20155245550001, up to 100.00)
        OpenDebits: the account names 9 as its open debit, but open are: 1, 9
        OutTradeNo: debits 3 and 9 both ask under the number SY_8d9001d32c6a703d9592_D3_1
        Overcharged: 2015-05: 500 calls of t.b were charged, but 0 calls were counted
        Overdrawn: 42.00 yuan were withheld, but only 37.73 were charged
        Postings: journal entry 4 is a recharge, which does not explain -3.00 yuan on Bank
        Progress: the yuan of `basic` in 2015-06: 20 in the account, but 20.001 by the statements
        Range: an amount cannot be audited: the sum of 9223372036854775807 fen and 9223372036854775807 fen is out of range
        Rated: statement 2015-05-16 rates the month at 12.001 yuan, but its usage at 12
        RatedToDate: statement 2015-05-17: the line of `basic` does not go on from the lines before it
        RechargeTwice: recharge `transfer 3` is booked by journal entry 4 and again by 6
        Rounding: statement 2015-05-17 is rounded up, but its month half_up
        Rules: journal entry 4 breaks the account's rules: prepaid -3.00, receivable 5.03 and reserved 5.03 contradict each other
        SettledThrough: the account is settled through 2015-06-03, but the last statement is of 2015-06-02
        StatementGone: the journal charges 12.00 yuan for statement 2015-05-16, which is not stored
        Taken: debit 1 asked for 12.00 yuan, but says that it took 12.01
        TermsChanged: statement 2015-05-17 rates the segment from 2015-05-01 by other terms than before
        TermsGone: statement 2015-05-16: the terms of the segment from 2015-05-01: a part of them is not stored
        Uncharged: 2015-05 is settled for good, and 1375 calls of t.a were counted, but only 1370 calls were charged
        Unjournaled: statement 2015-05-31+1 charges 0.21 yuan, but the journal says 0.20"#]].assert_eq(&texts.collect::<Vec<_>>().join("\n"));
}
