//! What was counted is charged once.

use std::collections::BTreeMap;

use steelyard_pricing::{BillingMonth, Usage, UsageError};

use super::statements::by_month;
use super::to_date::ToDate;
use super::{Audited, Breach, BreachKind, Findings, apis, union};
use crate::{CountedDays, Statement};

/// Nothing is charged that was not counted; and in months that the account has done with, nothing
/// was counted that is not charged.
///
/// Statements outlive reports: of a month that is done and has none, nothing can be said.
pub(super) fn audit(audited: &Audited<'_>, found: &mut Findings) -> Result<(), Breach> {
    let Audited { books, .. } = audited;
    let counted = counted_by_month(&books.counted)?;
    let charged = charged_by_month(&books.statements)?;
    let done = books.provider.billed_from..books.account.open_from;
    let none = Usage::new();
    let is_expired = |month: BillingMonth| {
        let days = month.first_day()..=month.last_day();
        done.contains(&month) && books.counted.range(days).next().is_none()
    };
    for month in union(counted.keys(), charged.keys()).into_iter().filter(|m| !is_expired(**m)) {
        let counted = counted.get(month).unwrap_or(&none);
        let charged = charged.get(month).unwrap_or(&none);
        for api in union(apis(counted), apis(charged)) {
            let (month, counted, charged) = (*month, counted.of(api), charged.of(api));
            let breach = |kind, settled: &str| {
                let place = format!("{api} in {month}");
                let stated = format!("{charged} charged{settled}");
                Breach::new(kind, place, stated, format!("{counted} counted"))
            };
            found.check(counted.covers(charged), || breach(BreachKind::Overcharged, ""));
            let is_charged = charged.covers(counted) || !done.contains(&month);
            found.check(is_charged, || breach(BreachKind::Uncharged, " and settled for good"));
        }
    }
    Ok(())
}

fn counted_by_month(days: &CountedDays) -> Result<BTreeMap<BillingMonth, Usage>, UsageError> {
    let mut months: BTreeMap<BillingMonth, Usage> = BTreeMap::new();
    for (day, usage) in days {
        let month = months.entry(day.month()).or_default();
        *month = month.plus(usage)?;
    }
    Ok(months)
}

fn charged_by_month(statements: &[Statement]) -> Result<BTreeMap<BillingMonth, Usage>, Breach> {
    by_month(statements)
        .into_iter()
        .map(|(month, statements)| Ok((month, ToDate::of(&statements)?.usage()?)))
        .collect()
}
