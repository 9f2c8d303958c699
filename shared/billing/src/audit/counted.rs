//! What was counted is charged once.

use std::cmp::Reverse;

use steelyard_pricing::{ApiName, BillingDay, Usage};

use super::{Audited, Breach, BreachKind, Findings, apis, union};
use crate::DayCount;

/// Nothing is charged that was not counted; and in months that the account has done with, nothing
/// was counted that is not charged, or was withdrawn and is charged still.
///
/// Statements outlive reports: of a month whose reports can have expired nothing can be said.
pub(super) fn audit(audited: &Audited<'_>, found: &mut Findings) -> Result<(), Breach> {
    let Audited { books, .. } = audited;
    let rated = books.rated_days()?;
    let done = books.provider.billed_from..books.account.open_from;
    let none = (DayCount::default(), Usage::new());
    for day in union(books.counted.keys(), rated.keys()) {
        let is_done = done.contains(&day.month());
        if audited.has_expired(*day) {
            continue;
        }
        let counted = books.counted.get(day).unwrap_or(&none.0);
        let rated = rated.get(day).unwrap_or(&none.1);
        let (usage, withdrawn) = (named(&counted.usage, rated), named(&counted.withdrawn, rated));
        check_day(*day, (&usage, &withdrawn), rated, is_done, found);
    }
    check_reports(audited, found);
    Ok(())
}

/// Usage by the names under which it is charged: a name that no statement lists on the day is
/// summed under the longest beginning of names that is charged.
pub(super) fn named(usage: &Usage, rated: &Usage) -> Usage {
    let others = apis(rated).filter_map(|api| Some((api.other_prefix()?, api)));
    let mut others = others.collect::<Vec<_>>();
    if others.is_empty() {
        return usage.clone();
    }
    others.sort_by_key(|(prefix, _)| Reverse(prefix.len()));
    let other = |api: &ApiName| {
        let begins = |(prefix, _): &&(&str, &ApiName)| api.as_str().starts_with(prefix);
        others.iter().find(begins).map(|(_, other)| (*other).clone())
    };
    usage.renamed(|api| {
        let is_listed = !rated.of(api).is_zero();
        if is_listed { api.clone() } else { other(api).unwrap_or_else(|| api.clone()) }
    })
}

fn check_day(
    day: BillingDay,
    (usage, withdrawn): (&Usage, &Usage),
    rated: &Usage,
    is_done: bool,
    found: &mut Findings,
) {
    // What was withdrawn is credited by the next statement of the month.
    let missing = rated.above(usage);
    for api in union(apis(usage), apis(rated)) {
        let (is, rated) = (usage.of(api), rated.of(api));
        let breach = |kind, settled: &str| {
            let stated = format!("{rated} charged{settled}");
            Breach::new(kind, format!("{api} on {day}"), stated, format!("{is} counted"))
        };
        let waits = !is_done && withdrawn.of(api).covers(missing.of(api));
        found.check(is.covers(rated) || waits, || breach(BreachKind::Overcharged, ""));
        let is_charged = rated.covers(is) || !is_done;
        found.check(is_charged, || breach(BreachKind::Uncharged, " and settled for good"));
    }
}

/// The reports that a statement summed are there still, unless those of their month have expired.
fn check_reports(audited: &Audited<'_>, found: &mut Findings) {
    let books = audited.books;
    for statement in &books.statements {
        let own = (statement.statement.day, statement.reports);
        let own = (statement.statement.supplement == 0).then_some(own);
        let changed = statement.changed_days.iter().map(|changed| (changed.day, changed.reports));
        for (day, noted) in own.into_iter().chain(changed) {
            if audited.has_expired(day) {
                continue;
            }
            let stored = books.counted.get(&day).map_or(0, |count| count.reports);
            found.check(stored >= noted, || {
                let place = format!("statement {}", statement.statement);
                let stated = format!("it charges {noted} reports of {day}");
                Breach::new(BreachKind::ReportsGone, place, stated, format!("{stored} are stored"))
            });
        }
    }
}
