//! Books that were kept honestly are in order, and each way of spoiling them is found out by name.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;
mod counters;
mod debits;
mod journal;
mod keeper;
mod progress;
mod statements;

use std::collections::{BTreeMap, BTreeSet};

use common::{at, mandate, terms};
use expect_test::expect;
use keeper::{Gateway, JUNE, Keeper, PLAN, close_may, day, honest, is_credit};
use proptest::prelude::*;
use steelyard_billing::{Breach, Cause, DebitId, Ledger, Mandate, audit};
use steelyard_pricing::Fen;

/// One way to spoil the books, and the variants of the breaches that tell, each where it is first
/// found.
type Canary = (&'static str, fn(&mut Keeper), &'static [&'static str]);

/// The only place of this test that audits.
fn breaches(keeper: &Keeper) -> Vec<Breach> {
    audit(&keeper.books, &keeper.plans)
}

fn variant(breach: &Breach) -> String {
    let text = format!("{breach:?}");
    text.split([' ', '(']).next().unwrap().to_owned()
}

fn spoilt(spoil: fn(&mut Keeper)) -> Vec<Breach> {
    let mut keeper = honest();
    spoil(&mut keeper);
    breaches(&keeper)
}

fn check(canaries: &[Canary]) {
    for (name, spoil, expected) in canaries {
        let breaches = spoilt(*spoil);
        let mut seen = BTreeSet::new();
        let variants = breaches.iter().map(variant).filter(|found| seen.insert(found.clone()));
        let variants = variants.collect::<Vec<_>>();
        let texts = breaches.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(variants, *expected, "{name}: {texts:#?}");
    }
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
fn every_breach_reads_alone() {
    let canaries = [
        counters::CANARIES,
        statements::CANARIES,
        statements::MONTH_CANARIES,
        progress::CANARIES,
        journal::CANARIES,
        journal::CAUSE_CANARIES,
        debits::CANARIES,
    ];
    let mut texts = BTreeMap::new();
    for breach in canaries.concat().iter().flat_map(|(_, spoil, _)| spoilt(*spoil)) {
        texts.entry(variant(&breach)).or_insert_with(|| breach.to_string());
    }
    let texts = texts.into_iter().map(|(variant, text)| format!("{variant}: {text}"));
    expect![[r#"
        Charge: statement 2015-05-31+1 charges 0.21 yuan, but 0.20 were due
        ChargedBefore: statement 2015-05-17 says 12.00 yuan were charged before, but 12.01 were
        Counted: 2015-05-16: t.a has 2600 calls in the counters and 1300 in the reports
        Counts: statement 2015-05-31+1: t.a goes from 1351 to 1371, but stood at 1350
        Debit: debit 1 reserved 12.00, took 12.00 by trade 20151, released 12.00, but the journal says that it took 12.00 by trade 20151, released 12.00
        DebitGone: journal entry 3 names debit 3, which is not stored
        DebitTwice: debit 9 is stored twice
        Figures: the journal comes to 7.27 prepaid, 0.00 receivable and 0.00 reserved, but the account holds 0.00 prepaid, 12.73 receivable and 12.73 reserved
        Foreign: the account stands in the books of shop, but belongs to other
        FromPrepaid: statement 2015-06-02: 7.27 yuan were prepaid, but the journal says 0.00
        JournalEnd: the account counts 9 journal entries, but the last one is 8
        JournalGap: journal entry 4 is missing or doubled
        LineCalls: statement 2015-05-17: line `extra` goes from 0 to 11 calls, but its APIs have 10 new ones
        Lines: statement 2015-05-17: lines of 5.04 yuan for a charge of 5.03
        OpenDebits: the account names 9 as its open debit, but open are: 1, 9
        OutTradeNo: debits 3 and 9 both ask under the number SY_8d9001d32c6a703d95921a77115050f3_3_1
        Overcharged: 2015-05: 500 calls of t.b were charged, but 0 were counted
        Overdrawn: 42.00 yuan were withheld, but only 37.73 were charged
        PlanGone: statement 2015-05-16 was made under plan p of 2015-05-01, which is not stored
        PlanMixed: statement 2015-05-17 was made under plan q of 2015-05-01, but the month's first under plan p of 2015-05-01
        Postings: journal entry 4 is a recharge, which does not explain -3.00 yuan on Bank
        Progress: yuan charged in 2015-05: 17.73 in the account, but 17.74 by the statements
        Range: an amount cannot be audited: the sum of 9223372036854775807 fen and 9223372036854775807 fen is out of range
        Rated: statement 2015-05-16 rates the month at 12.001 yuan, but its calls at 12
        RechargeTwice: recharge `transfer 3` is booked by journal entry 4 and again by 6
        Rules: journal entry 4 breaks the account's rules: prepaid -3.00, receivable 5.03 and reserved 5.03 contradict each other
        SettledThrough: the account is settled through 2015-06-03, but the last statement is of 2015-06-02
        Slices: statement 2015-05-17: line `basic` does not follow from its slices
        StatementGone: the journal charges 12.00 yuan for statement 2015-05-16, which is not stored
        Taken: debit 1 asked for 12.00 yuan, but says that it took 12.01
        Uncharged: 2015-05 is settled for good, and 1375 calls of t.a were counted, but only 1370 were charged
        Unjournaled: statement 2015-05-31+1 charges 0.21 yuan, but the journal says 0.20"#]].assert_eq(&texts.collect::<Vec<_>>().join("\n"));
}

/// What happens on a day: calls, how old some of them are, a recharge, a credit, how the gateway
/// answers, and whether settlement runs in the night after it.
#[derive(Clone, Debug)]
struct Day {
    calls: u64,
    age: u8,
    recharge: i64,
    credit: i64,
    gateway: Gateway,
    settles: bool,
}

fn days() -> impl Strategy<Value = Vec<Day>> {
    let calls = prop_oneof![Just(0_u64), 1_u64..200, 1_u64..15_000];
    let recharge = prop_oneof![4 => Just(0_i64), 1 => 1_i64..5_000];
    let credit = prop_oneof![6 => Just(0_i64), 1 => 1_i64..5_000];
    let gateway = prop_oneof![
        3 => Just(Gateway::Pays),
        4 => Just(Gateway::Declines),
        1 => Just(Gateway::IsSilent),
        1 => Just(Gateway::FindsNothing),
        1 => Just(Gateway::IsPending),
    ];
    let settles = prop::bool::weighted(0.8);
    let day = (calls, 0_u8..10, recharge, credit, gateway, settles).prop_map(
        |(calls, age, recharge, credit, gateway, settles)| Day {
            calls,
            age,
            recharge,
            credit,
            gateway,
            settles,
        },
    );
    prop::collection::vec(day, 1..60)
}

fn live_through(keeper: &mut Keeper, today: steelyard_pricing::BillingDay, events: &Day) {
    let clock = |time: &str| at(&format!("{today} {time}"));
    keeper.collect(events.gateway, clock("10:00"));
    if events.recharge > 0 {
        keeper.recharge(events.recharge, clock("11:00"));
    }
    if events.credit > 0 {
        keeper.credit(events.credit, clock("11:30"));
    }
    let old = (0..events.age).fold(today, |day, _| day.previous());
    if events.calls > 0 && terms().calendar.is_open(old.month(), clock("12:00")) {
        keeper.report(old, "t.a", events.calls);
        keeper.report(old, "nobody.knows", events.calls % 7);
        keeper.report(today, "vas.a", events.calls / 2);
    }
}

proptest! {
    #[test]
    fn books_that_were_kept_by_the_rules_are_always_in_order(
        days in days(), limit in prop::option::weighted(0.8, 0_i64..20_000),
    ) {
        let mandate =
            limit.map(|limit| Mandate { single_limit_fen: Fen::new(limit), ..mandate() });
        let mut keeper = Keeper::new(&[PLAN, JUNE], mandate);
        let mut today = day("2015-05-12");
        for events in days {
            live_through(&mut keeper, today, &events);
            today = today.next();
            if events.settles {
                keeper.settle(at(&format!("{today} 00:30")));
            }
            let credits = keeper.books.statements.iter().filter(|statement| is_credit(statement));
            let credits = credits.map(|credit| credit.statement).collect::<Vec<_>>();
            let unexplained = breaches(&keeper).into_iter().filter(|breach| {
                !matches!(breach, Breach::Rated { statement, .. } if credits.contains(statement))
            });
            prop_assert_eq!(unexplained.collect::<Vec<_>>(), []);
        }
    }
}
