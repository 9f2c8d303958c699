//! What the account notes of its months is what their statements say.

use steelyard_pricing::{BillingMonth, Calls, Catalog, MonthToDate};

use super::statements::{by_month, plan_name, to_date};
use super::{Books, Breach, Findings, apis, union};
use crate::{MonthProgress, Statement};

pub(super) fn audit(books: &Books, _: &Catalog, found: &mut Findings) -> Result<(), Breach> {
    let account = &books.account;
    let last = books.statements.iter().map(|statement| statement.statement.day).max();
    let noted = account.settled_through;
    found.check(noted == last, || Breach::SettledThrough { noted, last });

    let months = by_month(&books.statements);
    let open = months.range(account.open_from..).map(|(month, _)| month);
    for month in union(account.months.keys(), open) {
        let statements = months.get(month).map_or(&[][..], |statements| statements.as_slice());
        let mut check = Check { month: *month, found };
        match account.months.get(month) {
            Some(progress) => check.progress(progress, statements)?,
            None => check.same(
                "what was settled",
                "nothing",
                format!("{} statements", statements.len()),
            ),
        }
    }
    Ok(())
}

/// The check of one month.
struct Check<'a> {
    month: BillingMonth,
    found: &'a mut Findings,
}

impl Check<'_> {
    fn progress(
        &mut self,
        progress: &MonthProgress,
        statements: &[&Statement],
    ) -> Result<(), Breach> {
        let MonthToDate { rated, charged_fen } = to_date(statements)?;
        self.same("yuan charged", progress.to_date.charged_fen, charged_fen);
        for api in union(apis(&progress.to_date.rated), apis(&rated)) {
            self.same(&format!("calls of {api}"), progress.to_date.rated.of(api), rated.of(api));
        }
        let days = progress.days.values().try_fold(Calls::ZERO, |sum, calls| sum.plus(*calls))?;
        self.same("the calls of all days", days, rated.calls()?);
        let supplements = statements.iter().map(|statement| statement.statement.supplement).max();
        self.same("supplements", progress.supplements, supplements.unwrap_or_default());
        if let Some(statement) = statements.last() {
            let noted = format!("plan {} of {}", progress.plan, progress.plan_version);
            self.same("the plan", noted, plan_name(statement));
        }
        Ok(())
    }

    fn same(&mut self, what: &str, noted: impl ToString, actual: impl ToString) {
        let (noted, actual) = (noted.to_string(), actual.to_string());
        let (month, holds) = (self.month, noted == actual);
        let what = what.to_owned();
        self.found.check(holds, || Breach::Progress { month, what, noted, actual });
    }
}
