//! What the account notes of its months is what their statements say.

use std::collections::BTreeMap;

use steelyard_pricing::{
    BillingDay, BillingMonth, Metered, Name, Percent, RatedToDate, SegmentToDate, TaxToDate, Yuan,
};

use super::statements::by_month;
use super::text::{rated, shown};
use super::to_date::{SegmentBooks, ToDate};
use super::{Audited, Breach, BreachKind, Findings, union, vouchers};
use crate::settlement::named;
use crate::{MonthProgress, Statement};

pub(super) fn audit(audited: &Audited<'_>, found: &mut Findings) -> Result<(), Breach> {
    let Audited { books, .. } = audited;
    let account = &books.account;
    let last = books.statements.iter().map(|statement| statement.statement.day).max();
    let noted = account.settled_through;
    found.check(noted == last, || {
        let stated = format!("it is settled through {}", shown(&noted));
        let actual = format!("the last statement is of {}", shown(&last));
        Breach::new(BreachKind::SettledThrough, "the account", stated, actual)
    });

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

type Rates = BTreeMap<Name, RatedToDate>;
type DaysByRate = BTreeMap<Name, BTreeMap<BillingDay, Metered>>;

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
        let to_date = ToDate::of(statements)?;
        self.same("yuan charged", progress.to_date.charged_fen, to_date.charged_fen);
        let taxes = |taxes: &BTreeMap<Percent, TaxToDate>| {
            let taxes = taxes
                .iter()
                .map(|(percent, tax)| format!("{} of {percent}% on {}", tax.tax_fen, tax.net_fen));
            taxes.collect::<Vec<_>>().join(", ")
        };
        let due = to_date.taxes_due(to_date.rounding.unwrap_or_default())?;
        self.same("taxes", taxes(&progress.to_date.taxes), taxes(&due));
        let taken_off = progress.to_date.concession_yuan;
        self.same("what a concession takes off", taken_off, to_date.concession);
        let noted = &progress.to_date.segments;
        for from in union(noted.keys(), to_date.segments.keys()) {
            match (noted.get(from), to_date.segments.get(from)) {
                (Some(noted), Some(actual)) => self.segment(*from, noted, actual)?,
                (noted, actual) => {
                    let there = |is: bool| if is { "there" } else { "not there" };
                    let what = format!("the segment from {from}");
                    self.same(&what, there(noted.is_some()), there(actual.is_some()));
                }
            }
        }
        let last = statements.iter().map(|statement| statement.statement.day).max();
        self.same("settled through", shown(&progress.settled_through), shown(&last));
        let supplements = statements.iter().map(|statement| statement.statement.supplement).max();
        self.same("supplements", progress.supplements, supplements.unwrap_or_default());
        Ok(())
    }

    fn segment(
        &mut self,
        from: BillingDay,
        noted: &SegmentToDate,
        actual: &SegmentBooks,
    ) -> Result<(), Breach> {
        for rate in union(noted.rates.keys(), actual.rates.keys()) {
            let shown = |rates: &Rates| rated(&rates.get(rate).copied().unwrap_or_default());
            self.same(
                &format!("what `{rate}` amounts to"),
                shown(&noted.rates),
                shown(&actual.rates),
            );
            let days = |days: &DaysByRate| shown_days(days.get(rate));
            self.same(&format!("the days of `{rate}`"), days(&noted.days), days(&actual.days));
        }
        let minimums = |of: &BTreeMap<Name, Yuan>| {
            let shown = of.iter().filter(|(_, yuan)| !yuan.is_zero());
            shown.map(|(rate, yuan)| format!("{yuan} of `{rate}`")).collect::<Vec<_>>().join(", ")
        };
        let (of_rates, of_actual) = (minimums(&noted.minimums), minimums(&actual.minimums));
        self.same("what makes up minimums of rates", of_rates, of_actual);
        self.same("what makes up the plan's minimum", noted.minimum_yuan, actual.minimum);
        self.same("usage without a rate", noted.unpriced, actual.unpriced);
        self.same("what the plan adds", noted.adjustment_yuan, actual.adjustment);
        let used = vouchers::shown(&actual.vouchers_used()?);
        self.same("what is used of vouchers", vouchers::shown(&noted.vouchers), used);
        let before = vouchers::shown(&actual.vouchers_before);
        self.same("what was used of vouchers", vouchers::shown(&noted.vouchers_before), before);
        let actual = actual.terms.as_ref().unwrap_or(&noted.terms);
        self.same(&format!("the terms from {from}"), named(&noted.terms), named(actual));
        Ok(())
    }

    fn same(&mut self, what: &str, noted: impl ToString, actual: impl ToString) {
        let (noted, actual) = (noted.to_string(), actual.to_string());
        let month = self.month;
        self.found.check(noted == actual, || {
            let place = format!("the account, {what} in {month}");
            let (stated, actual) =
                (format!("{noted} noted"), format!("{actual} by the statements"));
            Breach::new(BreachKind::Progress, place, stated, actual)
        });
    }
}

fn shown_days(days: Option<&BTreeMap<BillingDay, Metered>>) -> String {
    let shown = |(day, metered): (&BillingDay, &Metered)| format!("{metered} on {day}");
    days.into_iter().flatten().map(shown).collect::<Vec<_>>().join(", ")
}
