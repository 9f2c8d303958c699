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
use expect_test::expect;
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
    let canaries = [
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
    let mut texts = BTreeMap::new();
    let spoilt_honest =
        canaries.concat().into_iter().flat_map(|(_, spoil, _)| spoilt(honest, spoil));
    let through_alipay =
        [gateway::CANARIES, references::CANARIES, references::NUMBER_CANARIES, due_index::CANARIES];
    let spoilt_alipay = through_alipay
        .concat()
        .into_iter()
        .flat_map(|(_, spoil, _)| spoilt(keeper::through_alipay, spoil));
    let spoilt_adjusted = adjustments::CANARIES
        .iter()
        .flat_map(|(_, spoil, _)| spoilt(adjustments::adjusted, *spoil));
    let spoilt_taxed =
        extras::CANARIES.iter().flat_map(|(_, spoil, _)| spoilt(extras::taxed, *spoil));
    let spoilt_deposit =
        deposit::CANARIES.iter().flat_map(|(_, spoil, _)| spoilt(deposit::deposited, *spoil));
    let spoilt = spoilt_honest.chain(spoilt_alipay).chain(spoilt_adjusted).chain(spoilt_taxed);
    let spoilt = spoilt.chain(spoilt_deposit);
    for breach in spoilt {
        texts.entry(variant(&breach)).or_insert_with(|| breach.to_string());
    }
    assert_eq!(texts.keys().copied().collect::<BTreeSet<_>>(), VARIANTS.into_iter().collect());
    let texts = texts.into_iter().map(|(variant, text)| format!("{variant}: {text}"));
    expect![[r#"
        Adjustment: adjustment c: it is to stand on statement 2015-06-10 with -1.01 yuan, but it stands on statement 2015-06-10 with -1.00 yuan otherwise
        AdjustmentGone: statement 2015-06-10: it has adjustment c of -1.00 yuan, but it is not stored
        Approval: adjustment d: Wang approved it, but Wang made it
        ChangedDays: statement 2015-05-31+1: its days list 1 APIs as Late, but its lines have other counts, of 1 APIs
        Charge: statement 2015-05-31+1: it charges 0.21 yuan for usage, but 0.20 were due
        ChargedBefore: statement 2015-05-17: 12.00 yuan were charged before it, but those before charge 12.01
        ChargedBy: statement 2015-05-30: it is booked by entry 1, but the journal charges it by entry 9
        Code: the code 8d9001d32c6a703d: it names none, but it is the code of shop
        Debit: debit 3: it reserved 12.73, but by the journal it did nothing
        DebitGone: debit 2: journal entry 5 names it, but it is not stored
        DebitTerms: debit 3: it has 1 attempts and asks for none, but it is in doubt
        DebitTwice: debit 3: its number is its own, but another debit has it
        Deposit: the account: a deposit of 0.01 yuan is held, but 40.00 were paid in, 18.00 drawn and 22.00 returned
        DueLate: debit 3: due at 2026-06-03T02:00:00Z, but it is to be due earlier
        Explanation: statement 2015-05-17, the line of `basic`: it charges 5.01 yuan, but its explanation does not give that amount
        Figures: the account: it holds 0.00 prepaid, 12.73 receivable and 12.73 reserved, but its journal amounts to 0.00 prepaid, 12.73 receivable and 0.00 reserved
        FiledElsewhere: debit 3: in the due index, but not in its provider's shard
        FiledInVain: debit 3: in the due index, but it has no work
        FiledLate: debit 3: due at 2015-06-03T02:00:01Z, but the due index shows it at 2015-06-04T05:00:01Z
        Foreign: the account: it is stored with shop, but it belongs to other
        FromPrepaid: statement 2015-06-02: 7.27 yuan were prepaid, but 0.00 by the journal
        Gateway: attempt 1 of debit 1 took 12.00 by trade 20151: 1 times by its record, but 0 times by the journal
        GivenUp: the account: it notes 0.01 yuan that debits gave up, but its journal leaves 0.00
        Held: debit 3: held since 2015-06-03T11:00:00+08:00, but it is to be resolved within a day
        InDoubt: debit 3: in doubt since 2015-06-03T10:00:00+08:00, but it is to be resolved within a day
        JournalEnd: the account: it counts 12 entries, but the last is 11
        JournalGap: the journal: entry 7 follows entry 5, but entry 6 is to follow it
        LastDebit: statement 2015-05-16: it was made when debit 2 was the last, but there are 3, and its first debit is 1
        LastNumber: the account: it counts 3 debits, but the last is 2
        LineUsage: statement 2015-05-17, the line of `extra`: it goes from 0 calls to 11 calls, but its APIs have 10 calls
        Lines: statement 2015-05-17: it charges 5.03 yuan, but its lines 5.04
        LinesToDate: statement 2015-06-02: it rates the month at 20 yuan, but the lines so far at 20.001
        Mandate: the provider: its mandate in use is none, but active mandates are 1 (20155245550001, up to 100.00)
        OpenDebits: the account: its open debit is 3, but open debits are 1, 3
        OpenFrom: the account: 2015-05 is settled for good, but no month is closed
        OurNumber: attempt 1 of debit 3: its number is SYk3x9ab_8d9001d32c6a703d_D2_1, but that is not the number of this record
        OutTradeNo: the number SYk3x9ab_8d9001d32c6a703d_D3_1: an attempt of debit 3 has it, but another attempt, of debit 3, has it
        Overcharged: t.b on 2015-05-17: 500 calls charged, but 0 calls counted
        Overdrawn: all debits: 42.00 yuan withheld, but 37.73 charged
        Overdue: usage of 2015-05-16: 1300 calls are charged, but 2600 calls were counted, to be charged by 2015-05-18T12:00:00+08:00
        Owner: agreement 20155245550001: its owner is mandate 1 of shop, but mandate 2 of shop has its number
        Postings: journal entry 6: it is a recharge, but it posts -3.00 yuan on Bank
        Progress: the account, what `extra` amounts to in 2015-05: 0.033 yuan for 10 calls, with 0 free units used and 0 of the plan noted, but 0.033 yuan for 11 calls, with 0 free units used and 0 of the plan by the statements
        Range: the audit: every amount can be computed, but the sum of 9223372036854775807 fen and 9223372036854775807 fen is out of range
        Rated: statement 2015-05-16: it rates the month at 12.001 yuan, but its usage costs 12
        RatedToDate: statement 2015-05-17, the line of `basic`: it continues 12.001 yuan for 1300 calls, with 100 free units used and 0 of the plan, but the lines before it amount to 12 yuan for 1300 calls, with 100 free units used and 0 of the plan
        RechargeTwice: the recharge `transfer 5`: journal entry 6 booked it, but entry 8 booked it again
        Registration: the registration: there is none, but the provider is billed from 2015-05
        ReportsGone: statement 2015-05-17: it charges 2 reports of 2015-05-17, but 0 are stored
        Reserved: the account: 0.00 yuan are reserved, but debits collect 12.73
        Rounding: statement 2015-05-17: it is rounded up, but its month half_up
        Rules: journal entry 11: the account held 7.28 prepaid, 0.00 receivable and 0.00 reserved before it, but after it prepaid 0.01, receivable 12.73 and reserved 0.00 contradict each other
        SettledThrough: the account: it is settled through 2015-06-03, but the last statement is of 2015-06-02
        StatementGone: statement 2015-05-16: the journal charges 12.00 yuan for it, but it is not stored
        Taken: debit 1: it took 12.01 yuan, but it asked for 12.00
        Tax: statement 2015-05-31: the tax of 6% is 1.80 yuan so far, but on 31.00 it is 1.86
        TermsChanged: statement 2015-05-17: it rates the segment from 2015-05-01 by plan q of 2015-05-01, but before it was rated by plan p of 2015-05-01
        TermsGone: statement 2015-05-16: it rates the segment from 2015-05-01 by plan p of 2015-05-01, but a part of these terms is not stored, or cannot be read
        Unbooked: adjustment d: it waits since 2015-06-11T13:00:00+08:00, but the next statement was to book it
        Uncharged: t.a on 2015-05-30: 50 calls charged and settled for good, but 55 calls counted
        Unclosed: the registration: no month is closed, but 2015-05 closed at 2015-06-05T00:00:00+08:00
        Unfiled: debit 1: due at 2015-05-17T02:01:00Z, but it is not in the due index
        Unfinished: refund F2 of SYk3x9ab_8d9001d32c6a703d_D1_1: without progress since 2015-06-01T16:57:00Z, but it is to be done within a day
        Unjournaled: statement 2015-05-31+1: 0.21 yuan charged, but 0.20 by the journal
        Unmatched: the bill item of SYk3x9ab_8d9001d32c6a703d_D1_1: -12.00 yuan were booked on 2015-06-01, but no bill has shown them
        Unpaid: the account: it notes as unpaid 12.73 of 2015-06-02T16:30:00Z, but its journal leaves none
        Unrequested: the account: it holds 0.00 prepaid, 12.00 receivable and 0.00 reserved, but no debit has requested what is owed since 2015-06-03T13:00:00+08:00
        Unworked: debit 1: due at 2015-05-17T02:01:00Z, but nothing was done about it
        Vouchers: the account: months that are settled for good used 0.01 yuan of gift since 2015-05-01, but their statements nothing
        Withheld: the account: it notes 12.00 yuan withheld on 2015-05-17, but the debits say 5.03 yuan withheld on 2015-05-21"#]].assert_eq(&texts.collect::<Vec<_>>().join("\n"));
}
