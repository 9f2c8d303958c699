//! The bills of days and months, with the reports, the journal entry and the debits behind them.

use std::collections::BTreeSet;

use futures::TryStreamExt;
use steelyard_billing::{Debit, DebitId, Entry, Statement, StatementId, still_owed};
use steelyard_pages::bill::{
    BillList, BillRecords, BilledDebit, BillsQuery, DayBill, MonthBill, Report, ReportWithdrawn,
};
use steelyard_pages::debits::Shown;
use steelyard_pricing::{BillingDay, BillingMonth, MoneyError};
use steelyard_store::CountedReport;

use super::{Bills, Viewed};
use crate::Shared;
use crate::asker::Visit;
use crate::refusal::Refusal;

/// How many debits are read at once to find those that collect a bill. Those of a recent bill are
/// among the first.
const TRAIL_DEBITS: u64 = 30;

impl Shared {
    /// The bill of a day, by the statement's id in the path.
    pub(crate) async fn day_bill(
        &self,
        visit: &Visit,
        id: StatementId,
    ) -> Result<Viewed<DayBill>, Refusal> {
        let month = id.day.month();
        let last = visit.account.account.settled_through.unwrap_or(id.day).max(month.last_day());
        let Bills { statements, missing } =
            self.bills_between(visit, month.first_day(), last).await?;
        let statement = statements.iter().find(|statement| statement.statement == id);
        let statement = match statement {
            Some(statement) => statement,
            None if missing.contains(&id.day) => {
                return Err(Refusal::unavailable(format!("the bill of {id} cannot be read")));
            }
            None => return Err(Refusal::NoBill),
        };
        let is_owed = is_owed(visit, &statements, id).map_err(Refusal::unavailable)?;
        let (reports, trail) = tokio::join!(
            self.reports_behind(visit, statement),
            self.trail(visit, statement, is_owed)
        );
        let (reports, (entry, debits)) = (reports?, trail?);
        let confirmed = self.confirmed_of(visit, &debits).await;
        let debits = debits.iter().map(|debit| {
            let shown = Shown::of(debit, confirmed.as_ref());
            BilledDebit { debit, shown }
        });
        let debits = debits.collect::<Vec<_>>();
        let terms = self.terms(visit.now).await.map_err(Refusal::unavailable)?;
        let of = BillRecords {
            statement,
            statements: &statements,
            reports: &reports,
            entry: entry.as_ref(),
            debits: &debits,
        };
        let view = DayBill::new(visit.records(self, terms.plans()), of);
        Ok(Viewed { view: view.map_err(Refusal::unavailable)?, missing })
    }

    /// The usage reports of a statement's day and of the days that it changes.
    async fn reports_behind(
        &self,
        visit: &Visit,
        statement: &Statement,
    ) -> Result<Vec<Report>, Refusal> {
        let mut reports = Vec::new();
        let changed = statement.changed_days.iter().map(|changed| changed.day);
        for (first, last) in neighbours(changed.chain([statement.statement.day])) {
            let read = self.settler.usage.reports(visit.provider(), first, last);
            let read = read.try_collect::<Vec<_>>().await.map_err(Refusal::unavailable)?;
            reports.extend(read.into_iter().map(shown));
        }
        Ok(reports)
    }

    /// The journal entry that charged a statement, and the debits that collect it.
    async fn trail(
        &self,
        visit: &Visit,
        statement: &Statement,
        is_owed: bool,
    ) -> Result<(Option<Entry>, Vec<Debit>), Refusal> {
        let (billing, provider) = (&self.settler.books.billing, visit.provider());
        let (id, last) = (statement.statement, visit.account.account.debits);
        let (mut entry, mut debits) = (None, Vec::new());
        let mut first = statement.last_debit.max(1);
        loop {
            let through = last.min(first.saturating_add(TRAIL_DEBITS - 1));
            let wanted = statement.entry.filter(|_| entry.is_none());
            let read = billing.entry_and_debits(provider, wanted, first..=through).await;
            let (found, mut some) = read.map_err(Refusal::unavailable)?;
            entry = entry.or(found);
            // Debits collect the oldest days first.
            let terms = some.last().and_then(|debit| debit.terms.as_ref());
            let is_over = through >= last || terms.is_some_and(|terms| terms.from > id.day);
            let open = visit.account.account.open_debit;
            some.retain(|debit| collects(debit, id, is_owed, open));
            debits.extend(some);
            if is_over {
                return Ok((entry, debits));
            }
            first = through.saturating_add(1);
        }
    }

    /// The bill of a month.
    pub(crate) async fn month_bill(
        &self,
        visit: &Visit,
        month: BillingMonth,
    ) -> Result<Viewed<MonthBill>, Refusal> {
        let settled = visit.account.account.settled_through;
        let last = settled.map_or(month.last_day(), |day| day.max(month.last_day()));
        let Bills { statements, missing } =
            self.bills_between(visit, month.first_day(), last).await?;
        let terms = self.terms(visit.now).await.map_err(Refusal::unavailable)?;
        let view = MonthBill::new(visit.records(self, terms.plans()), month, &statements);
        Ok(Viewed { view: view.map_err(Refusal::unavailable)?, missing })
    }

    /// The months of which there are bills.
    pub(crate) async fn bills(
        &self,
        visit: &Visit,
        query: BillsQuery,
    ) -> Result<Viewed<BillList>, Refusal> {
        let terms = self.terms(visit.now).await.map_err(Refusal::unavailable)?;
        let records = visit.records(self, terms.plans());
        let today = records.today().map_err(Refusal::unavailable)?;
        let first = query.first(&records).map_err(Refusal::unavailable)?.first_day();
        let Bills { statements, missing } = self.bills_between(visit, first, today).await?;
        let view = BillList::new(records, query, &statements).map_err(Refusal::unavailable)?;
        Ok(Viewed { view, missing })
    }
}

/// Ranges of neighbouring days, so that each is read by one request.
fn neighbours(days: impl Iterator<Item = BillingDay>) -> Vec<(BillingDay, BillingDay)> {
    let days = days.collect::<BTreeSet<_>>();
    let mut ranges = Vec::<(BillingDay, BillingDay)>::new();
    for day in days {
        match ranges.last_mut() {
            Some((_, last)) if last.next() == day => *last = day,
            Some(_) | None => ranges.push((day, day)),
        }
    }
    ranges
}

/// Whether a part of a statement is still owed.
fn is_owed(visit: &Visit, statements: &[Statement], id: StatementId) -> Result<bool, MoneyError> {
    let owed = still_owed(statements, visit.account.account.figures.receivable())?;
    let mut owed = statements.iter().zip(owed);
    Ok(owed.any(|(statement, owed)| statement.statement == id && owed.is_positive()))
}

/// Whether a debit collects a bill or may collect it. The open debit pays the oldest bills first,
/// even if other payments arrived after it was sent.
fn collects(debit: &Debit, id: StatementId, is_owed: bool, open: Option<DebitId>) -> bool {
    let is_open = open == Some(debit.debit);
    let covers = debit.terms.as_ref().is_some_and(|terms| terms.covers(id.day));
    covers || is_owed && (is_open || debit.terms.is_none())
}

fn shown(report: CountedReport) -> Report {
    Report {
        day: report.day,
        source: report.source,
        report: report.report,
        counted_at_s: report.counted_at,
        metered: report.metered,
        withdrawn: report.withdrawn.map(|withdrawal| ReportWithdrawn {
            at_s: withdrawal.at_s,
            by: withdrawal.by,
            reason: withdrawal.reason.to_string(),
        }),
    }
}
