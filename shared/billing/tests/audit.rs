//! Books that were kept honestly are in order, and each way of spoiling them is found out by name.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{at, provider, terms};
use jiff::Timestamp;
use proptest::prelude::*;
use steelyard_billing::{
    Account, Books, Breach, Cause, CountedDays, Debit, DebitId, Decline, Entry, EntryRecord,
    Figures, Ledger, MonthProgress, Movement, PayAnswer, Payment, Phase, QueryAnswer, StatementId,
    Step, audit, next_settlement,
};
use steelyard_pricing::{BillingDay, BillingMonth, Calls, Catalog, Fen, Plan, Usage};

/// A fen for each call of `t.*` after 100 free ones, a third of a fen for each of `vas.*`.
const PLAN: &str = r#"{"plan": "p", "effective_from": "2015-05-01", "rates": [
    {"rate": "basic", "apis": ["t.*"], "free_per_month": 100,
     "price": {"model": "per_unit", "unit_price": "0.01"}},
    {"rate": "extra", "apis": ["vas.*"],
     "price": {"model": "per_unit", "unit_price": "0.0033"}}]}"#;

fn plans() -> Catalog {
    [serde_json::from_str::<Plan>(PLAN).unwrap()].into_iter().collect()
}

fn add(days: &mut CountedDays, day: BillingDay, api: &str, calls: u64) {
    days.entry(day).or_default().add(api.parse().unwrap(), Calls::new(calls)).unwrap();
}

/// Keeps the books of one provider by the rules.
struct Keeper {
    books: Books,
    plans: Catalog,
}

impl Keeper {
    fn new() -> Keeper {
        let provider = provider();
        let books = Books {
            account: Account::new(&provider),
            provider,
            statements: Vec::new(),
            journal: Vec::new(),
            debits: Vec::new(),
            counted: CountedDays::new(),
            reported: CountedDays::new(),
        };
        Keeper { books, plans: plans() }
    }

    fn report(&mut self, day: BillingDay, api: &str, calls: u64) {
        add(&mut self.books.reported, day, api, calls);
        add(&mut self.books.counted, day, api, calls);
    }

    fn keep(&mut self, movement: Movement) {
        self.books.account = movement.account;
        self.books.journal.extend(movement.entry);
        self.books.debits.extend(movement.opened);
    }

    fn settle(&mut self, now: Timestamp) {
        let terms = terms();
        loop {
            let Books { provider, account, counted, .. } = &self.books;
            let next = next_settlement(provider, account, counted, &self.plans, &terms, now);
            let Some(settlement) = next.unwrap() else { break };
            self.books.statements.push(settlement.statement);
            self.keep(settlement.movement);
        }
    }

    fn recharge(&mut self, fen: i64, now: Timestamp) {
        let reference = format!("transfer {}", self.books.account.entries);
        self.keep(self.books.account.recharge(Fen::new(fen), reference, now).unwrap());
    }

    /// Asks for the open debit once, if it is due.
    fn collect(&mut self, pays: bool, now: Timestamp) {
        let open = self.books.debits.iter().position(|debit| debit.next_step(now) == Step::Pay);
        let Some(open) = open else { return };
        let debit = asked(&self.books.debits[open], pays, now);
        self.books.debits[open] = debit.clone();
        if !debit.is_open() {
            let mandate = self.books.provider.mandate.as_ref();
            self.keep(self.books.account.end_debit(&debit, mandate, &terms(), now).unwrap());
        }
    }
}

/// A debit that was asked for once; declined for the last time, it is proved unpaid at once.
fn asked(debit: &Debit, pays: bool, now: Timestamp) -> Debit {
    let answer = if pays {
        let trade_no = format!("2015{}", debit.debit);
        PayAnswer::Paid(Payment { trade_no, amount_fen: debit.amount_fen })
    } else {
        PayAnswer::Declined(Decline { sub_code: "ACQ.BUYER_BALANCE_NOT_ENOUGH".to_owned() })
    };
    let debit = debit.sending("x".to_owned(), now).after_pay(answer, &terms(), now).unwrap();
    match debit.phase {
        Phase::Exhausting => debit.after_query(QueryAnswer::Closed, now).unwrap(),
        Phase::Due
        | Phase::Sending
        | Phase::InDoubt { .. }
        | Phase::Closing
        | Phase::Paid { .. }
        | Phase::Exhausted => debit,
    }
}

fn day(text: &str) -> BillingDay {
    text.parse().unwrap()
}

/// The journal of three weeks:
///
/// 1. charged 12.00 for 16 May, opening debit 1; 2. debit 1 paid;
/// 3. charged 5.03 for 17 May, opening debit 3; 4. recharged 3.00 meanwhile; 5. debit 3 exhausted;
/// 6. recharged 10.00; 7. charged 0.50 for 30 May;
/// 8. charged 0.20 by the supplement 2015-05-31+1; 9. charged 20.00 for 2 June, opening debit 9.
///
/// 31 May was charged nothing.
fn honest() -> Keeper {
    let mut keeper = Keeper::new();
    keeper.report(day("2015-05-16"), "t.a", 1_300);
    keeper.settle(at("2015-05-17 00:30"));
    keeper.collect(true, at("2015-05-17 10:00"));
    keeper.report(day("2015-05-17"), "t.b", 500);
    keeper.report(day("2015-05-17"), "vas.a", 10);
    keeper.settle(at("2015-05-18 00:30"));
    keeper.collect(false, at("2015-05-18 10:00"));
    keeper.recharge(300, at("2015-05-18 15:00"));
    keeper.collect(false, at("2015-05-19 10:00"));
    keeper.collect(false, at("2015-05-20 10:00"));
    keeper.recharge(1_000, at("2015-05-20 15:00"));
    keeper.report(day("2015-05-30"), "t.a", 50);
    keeper.report(day("2015-05-31"), "nobody.knows", 7);
    keeper.settle(at("2015-06-01 00:30"));
    keeper.report(day("2015-06-01"), "t.a", 100);
    keeper.settle(at("2015-06-02 00:30"));
    keeper.report(day("2015-05-20"), "t.a", 20);
    keeper.report(day("2015-06-02"), "t.a", 2_000);
    keeper.settle(at("2015-06-03 00:30"));
    keeper
}

/// The only place of this file that audits.
fn breaches(keeper: &Keeper) -> Vec<Breach> {
    audit(&keeper.books, &keeper.plans)
}

#[test]
fn honest_books_are_in_order_and_hold_every_kind_of_movement() {
    let keeper = honest();
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
}

/// One way to spoil the books, and the breaches that tell, by their variants: several of one kind
/// in a row are one.
type Canary = (&'static str, fn(&mut Keeper), &'static [&'static str]);

fn check(canaries: &[Canary]) {
    for (name, spoil, expected) in canaries {
        let mut keeper = honest();
        spoil(&mut keeper);
        let breaches = breaches(&keeper);
        let mut variants = breaches.iter().map(variant).collect::<Vec<_>>();
        variants.dedup();
        assert_eq!(variants, *expected, "{name}: {breaches:#?}");
    }
}

fn variant(breach: &Breach) -> String {
    let text = format!("{breach:?}");
    text.split([' ', '(']).next().unwrap().to_owned()
}

fn a_fen_more(fen: &mut Fen) {
    *fen = fen.plus(Fen::new(1)).unwrap();
}

/// Rewrites an entry, which stays balanced.
fn rewrite(keeper: &mut Keeper, number: usize, change: impl FnOnce(&mut EntryRecord)) {
    let entry = &mut keeper.books.journal[number - 1];
    let mut record = EntryRecord::from(entry.clone());
    change(&mut record);
    *entry = Entry::try_from(record).unwrap();
}

fn debit(keeper: &mut Keeper, id: u64) -> &mut Debit {
    keeper.books.debits.iter_mut().find(|debit| debit.debit == DebitId(id)).unwrap()
}

fn statement_id(text: &str) -> StatementId {
    text.parse().unwrap()
}

fn may(keeper: &mut Keeper) -> &mut MonthProgress {
    let may: BillingMonth = "2015-05".parse().unwrap();
    keeper.books.account.months.get_mut(&may).unwrap()
}

fn without_a_call(usage: &Usage) -> Usage {
    let fewer = |(api, calls): (&_, Calls)| (ToString::to_string(api), calls.get() - 1);
    let fewer = usage.iter().map(fewer).collect::<std::collections::BTreeMap<_, _>>();
    serde_json::from_value(serde_json::to_value(fewer).unwrap()).unwrap()
}

#[test]
fn calls_that_were_not_counted_once_are_found() {
    check(&[
        (
            "a report is counted twice",
            |keeper| add(&mut keeper.books.counted, day("2015-05-16"), "t.a", 1_300),
            &["Counted"],
        ),
        (
            "a report is not counted",
            |keeper| add(&mut keeper.books.reported, day("2015-06-02"), "t.new", 1),
            &["Counted"],
        ),
        (
            "a day's counters are lost",
            |keeper| drop(keeper.books.counted.remove(&day("2015-05-17"))),
            &["Counted", "Overcharged"],
        ),
        (
            "calls are charged that nobody reported",
            |keeper| {
                for days in [&mut keeper.books.counted, &mut keeper.books.reported] {
                    let usage = days.get_mut(&day("2015-06-02")).unwrap();
                    *usage = without_a_call(usage);
                }
            },
            &["Overcharged"],
        ),
    ]);
}

#[test]
fn statements_that_do_not_add_up_are_found() {
    check(&[
        (
            "a line charges a fen more",
            |keeper| a_fen_more(&mut keeper.books.statements[1].lines[0].charge_fen),
            &["Lines", "Slices"],
        ),
        (
            "a fen goes from one line to another",
            |keeper| {
                let lines = &mut keeper.books.statements[1].lines;
                a_fen_more(&mut lines[0].charge_fen);
                lines[1].charge_fen = lines[1].charge_fen.minus(Fen::new(1)).unwrap();
            },
            &["Slices"],
        ),
        (
            "a slice has another price",
            |keeper| {
                let slice = &mut keeper.books.statements[0].lines[0].slices[0];
                slice.unit_price = serde_json::from_str(r#""0.02""#).unwrap();
            },
            &["Slices"],
        ),
        (
            "a line's exact price is another",
            |keeper| {
                let line = &mut keeper.books.statements[0].lines[0];
                line.exact_yuan = line.rounding_yuan;
            },
            &["Slices"],
        ),
        (
            "a line loses its slices",
            |keeper| keeper.books.statements[0].lines[0].slices.clear(),
            &["Slices"],
        ),
        (
            "a statement charges a fen more",
            |keeper| a_fen_more(&mut keeper.books.statements[0].charge_fen),
            &["Lines", "Chain", "Month", "Unjournaled"],
        ),
    ]);
}

#[test]
fn statements_that_do_not_add_up_to_the_month_are_found() {
    check(&[
        (
            "a statement begins at another charge",
            |keeper| a_fen_more(&mut keeper.books.statements[1].charged_before_fen),
            &["Chain"],
        ),
        (
            "a statement begins at another count",
            |keeper| {
                let count = &mut keeper.books.statements[5].lines[0].apis[0];
                (count.before, count.after) = (
                    count.before.plus(Calls::new(1)).unwrap(),
                    count.after.plus(Calls::new(1)).unwrap(),
                );
            },
            &["Chain"],
        ),
        (
            "an unpriced count begins elsewhere",
            |keeper| {
                let count = &mut keeper.books.statements[3].unpriced[0];
                (count.before, count.after) = (Calls::new(1), Calls::new(8));
            },
            &["Chain"],
        ),
        (
            "a statement is lost",
            |keeper| drop(keeper.books.statements.remove(0)),
            &["Chain", "Month", "Unjournaled"],
        ),
        (
            "a statement is stored twice under another number",
            |keeper| {
                let mut twin = keeper.books.statements[1].clone();
                twin.statement = statement_id("2015-05-18");
                keeper.books.statements.push(twin);
            },
            &["Chain", "Overcharged", "Month", "Unjournaled"],
        ),
        (
            "the account notes another charge",
            |keeper| a_fen_more(&mut may(keeper).to_date.charged_fen),
            &["Month"],
        ),
        (
            "the plan was changed under the month",
            |keeper| {
                let dearer = PLAN.replace(r#""0.01""#, r#""0.02""#);
                keeper.plans.add(serde_json::from_str(&dearer).unwrap());
            },
            &["Month"],
        ),
        ("the plan is gone", |keeper| keeper.plans = Catalog::default(), &["PlanGone"]),
        (
            "the plan's version is gone",
            |keeper| {
                let last = keeper.books.statements.last_mut().unwrap();
                last.plan_version = day("2015-06-01");
            },
            &["PlanGone"],
        ),
    ]);
}

#[test]
fn a_journal_that_was_changed_is_found() {
    check(&[
        ("an entry is lost", |keeper| drop(keeper.books.journal.remove(3)), &["JournalGap"]),
        (
            "the first is lost",
            |keeper| drop(keeper.books.journal.remove(0)),
            &["JournalGap", "Debit"],
        ),
        (
            "the last is lost",
            |keeper| drop(keeper.books.journal.pop()),
            &["JournalGap", "Figures", "Unjournaled", "Debit"],
        ),
        (
            "an entry stands twice",
            |keeper| {
                let entry = keeper.books.journal[3].clone();
                keeper.books.journal.insert(3, entry);
            },
            &["JournalGap"],
        ),
        ("two entries are swapped", |keeper| keeper.books.journal.swap(3, 5), &["JournalGap"]),
        (
            "the account knows of one entry more",
            |keeper| keeper.books.account.entries += 1,
            &["JournalGap"],
        ),
        (
            "the account owes a fen more",
            |keeper| {
                let mut figures = serde_json::to_value(keeper.books.account.figures).unwrap();
                let fen = figures["receivable_fen"].as_i64().unwrap();
                figures["receivable_fen"] = (fen + 1).into();
                keeper.books.account.figures = serde_json::from_value(figures).unwrap();
            },
            &["Figures"],
        ),
        (
            "the account is empty",
            |keeper| keeper.books.account.figures = Figures::default(),
            &["Figures"],
        ),
        (
            "a recharge is a fen more",
            |keeper| {
                rewrite(keeper, 6, |record| {
                    a_fen_more(&mut record.postings[0].amount_fen);
                    let prepaid = &mut record.postings.last_mut().unwrap().amount_fen;
                    *prepaid = prepaid.minus(Fen::new(1)).unwrap();
                });
            },
            &["Figures"],
        ),
        (
            "a recharge is turned around",
            |keeper| {
                rewrite(keeper, 4, |record| {
                    for posting in &mut record.postings {
                        posting.amount_fen = posting.amount_fen.negated().unwrap();
                    }
                });
            },
            &["Range"],
        ),
        (
            "a charge is for another statement",
            |keeper| {
                rewrite(keeper, 1, |record| {
                    record.cause = Cause::Charged { statement: statement_id("2015-05-18") };
                });
            },
            &["Unjournaled"],
        ),
        (
            "a charge is no charge",
            |keeper| {
                let cause = Cause::Recharged { reference: "x".to_owned() };
                rewrite(keeper, 7, |record| record.cause = cause);
            },
            &["Unjournaled"],
        ),
    ]);
}

#[test]
fn debits_that_the_journal_does_not_explain_are_found() {
    check(&[
        (
            "a debit asks for a fen more",
            |keeper| a_fen_more(&mut debit(keeper, 9).amount_fen),
            &["Debit"],
        ),
        (
            "the gateway took a fen more than the journal says",
            |keeper| {
                let amount_fen = Fen::new(1_201);
                debit(keeper, 1).phase = Phase::Paid { trade_no: "20151".to_owned(), amount_fen };
            },
            &["Debit"],
        ),
        (
            "an exhausted debit was paid after all",
            |keeper| debit(keeper, 3).phase = debit(keeper, 1).phase.clone(),
            &["Debit"],
        ),
        (
            "a paid debit is not in the journal",
            |keeper| {
                let cause = Cause::Recharged { reference: "x".to_owned() };
                rewrite(keeper, 2, |record| record.cause = cause);
            },
            &["Debit"],
        ),
        (
            "the end of a debit is told of another",
            |keeper| {
                rewrite(keeper, 5, |record| {
                    record.cause = Cause::DebitExhausted { debit: DebitId(1) };
                });
            },
            &["Debit"],
        ),
        (
            "a debit is not opened by its entry",
            |keeper| rewrite(keeper, 9, |record| record.opened = None),
            &["Debit"],
        ),
        (
            "an ended debit is open again",
            |keeper| debit(keeper, 1).phase = Phase::Due,
            &["Debit", "OpenDebits"],
        ),
        (
            "an open debit is doubled",
            |keeper| {
                let twin = debit(keeper, 9).clone();
                keeper.books.debits.push(twin);
            },
            &["OpenDebits"],
        ),
        ("an open debit is lost", |keeper| drop(keeper.books.debits.pop()), &["OpenDebits"]),
        (
            "the account forgets its open debit",
            |keeper| keeper.books.account.open_debit = None,
            &["OpenDebits"],
        ),
        (
            "the account names an ended debit as open",
            |keeper| keeper.books.account.open_debit = Some(DebitId(1)),
            &["OpenDebits"],
        ),
        (
            "more is withheld than was charged",
            |keeper| {
                keeper.recharge(3_000, at("2015-06-03 15:00"));
                rewrite(keeper, 10, |record| record.postings[0].ledger = Ledger::Alipay);
            },
            &["Overdrawn"],
        ),
    ]);
}

/// What happens on a day: calls, how old some of them are, a recharge, and whether a debit is paid.
fn history() -> impl Strategy<Value = Vec<(u64, u8, i64, bool)>> {
    let calls = prop_oneof![Just(0_u64), 1_u64..200, 1_u64..15_000];
    let recharge = prop_oneof![4 => Just(0_i64), 1 => 1_i64..5_000];
    prop::collection::vec((calls, 0_u8..10, recharge, any::<bool>()), 1..50)
}

proptest! {
    #[test]
    fn books_that_were_kept_by_the_rules_are_always_in_order(history in history()) {
        let mut keeper = Keeper::new();
        let mut today = day("2015-05-12");
        for (calls, age, recharge, pays) in history {
            keeper.collect(pays, at(&format!("{today} 10:00")));
            if recharge > 0 {
                keeper.recharge(recharge, at(&format!("{today} 11:00")));
            }
            let old = (0..age).fold(today, |day, _| day.previous());
            if calls > 0 && terms().calendar.is_open(old.month(), at(&format!("{today} 12:00"))) {
                keeper.report(old, "t.a", calls);
                keeper.report(today, "vas.a", calls / 2);
            }
            today = today.next();
            keeper.settle(at(&format!("{today} 00:30")));
            prop_assert_eq!(breaches(&keeper), []);
        }
    }
}
