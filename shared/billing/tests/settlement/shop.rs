//! A provider whose usage is counted and settled, under plans that change.

use std::collections::BTreeMap;

use expect_test::Expect;
use jiff::Timestamp;
use steelyard_billing::{
    Account, Books, Breach, BreachKind, Calendar, DebitRules, Ledger, MonthClose, Movement,
    Settlement, SettlementError, Statement, TermsChangeError, UsageRead, audit, next_settlement,
    nothing_due,
};
use steelyard_pricing::{BillingDay, BillingMonth, Catalog, Fen, Metered, Override, Plan, Usage};

use crate::books::{book, file, new_books};
use crate::common::{at, provider, rules};
use crate::note::note;
use crate::reading::{count, read};

/// A fen for each call of `t.*` after 100 free ones, a third of a fen for each of `vas.*`.
pub(crate) const PLAN: &str = r#"{"plan": "p", "effective_from": "2015-05-01", "rates": [
    {"rate": "basic", "apis": ["t.*"], "free_per_month": 100,
     "price": {"model": "per_unit", "unit_price": "0.01"}},
    {"rate": "extra", "apis": ["vas.*"],
     "price": {"model": "per_unit", "unit_price": "0.0033"}}]}"#;

/// The books of a provider, and the plans and rules that it is settled by.
#[derive(Clone)]
pub(crate) struct Shop {
    pub books: Books,
    /// How often usage of each day changed.
    pub changes: BTreeMap<BillingDay, u64>,
    pub plans: Catalog,
    pub rules: DebitRules,
}

/// A day of 2015: `05-17`.
pub(crate) fn day(text: &str) -> BillingDay {
    format!("2015-{text}").parse().unwrap()
}

/// A month of 2015: `05`.
pub(crate) fn month(text: &str) -> BillingMonth {
    format!("2015-{text}").parse().unwrap()
}

pub(crate) fn plans(documents: &[&str]) -> Catalog {
    documents.iter().map(|json| serde_json::from_str::<Plan>(json).unwrap()).collect()
}

impl Shop {
    pub(crate) fn new() -> Shop {
        Shop::on(&[PLAN])
    }

    /// A shop on the plan `p`, where there are these plans.
    pub(crate) fn on(documents: &[&str]) -> Shop {
        Shop {
            books: new_books(&provider()),
            changes: BTreeMap::new(),
            plans: plans(documents),
            rules: rules(),
        }
    }

    /// Configures another day on which months close.
    pub(crate) fn close_on(&mut self, close_day: i8) {
        self.rules.calendar = Calendar::new("Asia/Shanghai", close_day).unwrap();
    }

    /// The stored close of its months.
    pub(crate) fn closed(&self) -> Option<MonthClose> {
        self.books.registration.unwrap().closed
    }

    /// Stores the close that is due, as a run does before it reads the reports.
    pub(crate) fn close(&mut self, now: &str) {
        let due = MonthClose::due(&self.books.provider, self.closed(), &self.rules, at(now));
        let registration = self.books.registration.as_mut().unwrap();
        registration.closed = due.or(registration.closed);
    }

    pub(crate) fn account(&self) -> &Account {
        &self.books.account
    }

    /// Counts calls on a day of 2015.
    pub(crate) fn count(&mut self, on: &str, api: &str, calls: u64) {
        self.count_on(day(on), api, Metered::calls(calls));
    }

    /// Counts calls that an amount went through.
    pub(crate) fn count_amount(&mut self, on: &str, api: &str, calls: u64, yuan: &str) {
        let metered = serde_json::json!({"calls": calls, "amount": yuan});
        self.count_on(day(on), api, serde_json::from_value(metered).unwrap());
    }

    pub(crate) fn count_on(&mut self, day: BillingDay, api: &str, metered: Metered) {
        self.count_at(day, (api, metered), at("2015-05-01"));
    }

    pub(crate) fn count_at(&mut self, day: BillingDay, counted: (&str, Metered), at: Timestamp) {
        count(&mut self.books.counted, day, counted, at);
        *self.changes.entry(day).or_default() += 1;
    }

    /// Counts calls on a day of 2015 that is not over by the clock of ingest, so that nothing is
    /// noted.
    pub(crate) fn count_on_its_day(&mut self, on: &str, api: &str, calls: u64) {
        let counted = (api, Metered::calls(calls));
        count(&mut self.books.counted, day(on), counted, at("2015-05-01"));
    }

    /// Withdraws calls of a day of 2015 that were counted.
    pub(crate) fn withdraw(&mut self, on: &str, api: &str, calls: u64) {
        let gone = Usage::from_iter([(api.parse().unwrap(), Metered::calls(calls))]);
        self.withdraw_at(day(on), &gone, at("2015-05-01"));
    }

    pub(crate) fn withdraw_at(&mut self, day: BillingDay, gone: &Usage, at: Timestamp) {
        let count = self.books.counted.get_mut(&day).unwrap();
        count.usage = count.usage.minus(gone).unwrap();
        count.withdrawn = count.withdrawn.plus_at_most(gone);
        count.changed_at = count.changed_at.max(Some(at));
        *self.changes.entry(day).or_default() += 1;
    }

    /// Stores a version of a plan, whenever it takes effect.
    pub(crate) fn store(&mut self, document: &str) {
        self.plans.add(serde_json::from_str(document).unwrap());
    }

    pub(crate) fn assign(&mut self, plan: &str, from: &str) {
        let settled = self.books.account.settled_through;
        let plan = plan.parse().unwrap();
        self.books.provider.assign(plan, day(from), &self.plans, settled).unwrap();
    }

    pub(crate) fn give(&mut self, over: &str) {
        self.try_give(over).unwrap();
    }

    pub(crate) fn try_give(&mut self, over: &str) -> Result<(), TermsChangeError> {
        let over: Override = serde_json::from_str(over).unwrap();
        let Books { provider, account, .. } = &mut self.books;
        provider.add_override(over, &self.plans, account.settled_through)
    }

    pub(crate) fn end(&mut self, over: &str, until: &str) {
        let settled = self.books.account.settled_through;
        let name = over.parse().unwrap();
        self.books.provider.end_override(&name, day(until), &self.plans, settled).unwrap();
    }

    /// The only place of this test that settles.
    pub(crate) fn next(&self, now: &str) -> Result<Option<Settlement>, SettlementError> {
        let Books { provider, account, .. } = &self.books;
        let usage = self.read(now)?;
        next_settlement(provider, account, &usage, &self.plans, &self.rules, at(now))
    }

    fn read(&self, now: &str) -> Result<UsageRead, SettlementError> {
        let Books { provider, account, .. } = &self.books;
        let usage = read(&self.books, &self.changes, &self.rules, at(now));
        usage.bounded(provider, account, &self.plans, self.rules.names_max, at(now))
    }

    /// What a run stores that has no statement to make.
    pub(crate) fn note_nothing_due(&mut self, now: &str) {
        let usage = self.read(now).unwrap();
        let noted = nothing_due(&self.books.account, &usage, &self.rules, at(now));
        self.books.account = noted.unwrap();
    }

    /// The only place of this test that audits. Nobody works on debits here.
    pub(crate) fn audit(&mut self, now: &str) -> Vec<Breach> {
        file(&mut self.books);
        let mut found = audit(&self.books, &self.plans, &self.rules, at(now));
        found.retain(|breach| breach.kind != BreachKind::Unworked);
        found
    }

    /// Closes what is to be closed, settles until nothing is left, and gives the statements made.
    pub(crate) fn settle(&mut self, now: &str) -> Vec<Statement> {
        self.close(now);
        let known = self.books.statements.len();
        while let Some(settlement) = self.next(now).unwrap() {
            self.check_settlement(&settlement);
            self.keep(settlement);
            assert!(self.books.statements.len() < known + 200, "settlement never ends");
        }
        self.note_nothing_due(now);
        self.books.statements[known..].to_vec()
    }

    pub(crate) fn keep(&mut self, settlement: Settlement) {
        let Movement { account, entry, opened } = settlement.movement;
        self.books.account = account;
        self.books.journal.extend(entry);
        self.books.debits.extend(opened);
        book(&mut self.books, &settlement.statement);
        self.books.statements.push(settlement.statement);
    }

    /// Settles; the second run gives nothing, and the books are in order.
    pub(crate) fn check(&mut self, now: &str, expected: Expect) {
        let statements = self.settle(now);
        expected.assert_eq(&statements.iter().map(note).collect::<Vec<_>>().join("\n"));
        assert_eq!(self.settle(now), [], "a second run gives nothing");
        assert_eq!(self.audit(now), []);
    }

    /// That nothing can be settled, and how what an operator reads begins.
    pub(crate) fn check_refused(&self, now: &str, expected: &str) {
        let refused = self.next(now).unwrap_err();
        let mut text = refused.to_string();
        let mut cause = std::error::Error::source(&refused);
        while let Some(error) = cause {
            text.push_str(&format!(": {error}"));
            cause = error.source();
        }
        assert!(text.starts_with(expected), "{text}");
    }

    pub(crate) fn charged_in(&self, month: BillingMonth) -> Fen {
        let statements = self.statements_of(month).map(|statement| statement.charge_fen);
        Fen::sum(statements).unwrap()
    }

    pub(crate) fn statements_of(&self, month: BillingMonth) -> impl Iterator<Item = &Statement> {
        self.books.statements.iter().filter(move |s| s.statement.day.month() == month)
    }

    /// The counts of a month's days, as they are now.
    pub(crate) fn days_of(&self, month: BillingMonth) -> Vec<(BillingDay, &Usage)> {
        let days = self.books.counted.range(month.first_day()..=month.last_day());
        days.map(|(day, count)| (*day, &count.usage)).collect()
    }

    /// What holds of every settlement.
    pub(crate) fn check_settlement(&self, settlement: &Settlement) {
        let Settlement { statement, movement } = settlement;
        let before = &self.books.account;
        assert_eq!(statement.lines_fen(), Ok(statement.charge_fen), "lines add up");
        let rated = statement.rated_yuan.to_fen_rounded(statement.rounding).unwrap();
        let charged = statement.charged_before_fen.plus(statement.usage_fen().unwrap());
        assert_eq!(charged, Ok(rated), "days add up to the month to date");
        let earned = movement
            .entry
            .as_ref()
            .map_or(Fen::ZERO, |entry| entry.moved(Ledger::Revenue).unwrap().negated().unwrap());
        assert_eq!(earned, statement.charge_fen, "the journal says what the statement says");
        assert_eq!(movement.entry.is_some(), !statement.charge_fen.is_zero());
        if movement.entry.is_none() {
            assert_eq!(movement.account.figures, before.figures, "no money moved");
            assert_eq!(movement.account.entries, before.entries);
        }
        let prepaid = before.figures.prepaid().minus(movement.account.figures.prepaid()).unwrap();
        assert_eq!(prepaid.max(Fen::ZERO), statement.from_prepaid_fen);
        assert!(movement.account.settled_through >= before.settled_through, "days in order");
    }
}
