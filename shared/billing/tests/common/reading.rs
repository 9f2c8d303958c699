//! Reading usage for a settlement, as the store is read.

use std::collections::BTreeMap;

use jiff::Timestamp;
use steelyard_billing::{
    Account, Books, CountedDays, DayCount, DebitRules, ReportCount, Reread, UsageRead,
    charged_between,
};
use steelyard_pricing::{BillingDay, Metered, Usage};

/// Counts a report of one API.
pub(crate) fn count(
    days: &mut BTreeMap<BillingDay, DayCount>,
    day: BillingDay,
    (api, metered): (&str, Metered),
    changed_at: Timestamp,
) {
    let metered = Usage::from_iter([(api.parse().unwrap(), metered)]);
    let report = ReportCount { metered: &metered, is_withdrawn: false, changed_at };
    days.entry(day).or_default().add(report).unwrap();
}

/// What a settlement reads of these books, whose usage changed so often on each day.
pub(crate) fn read(
    books: &Books,
    changes: &BTreeMap<BillingDay, u64>,
    rules: &DebitRules,
    now: Timestamp,
) -> UsageRead {
    let account: &Account = &books.account;
    let registration = books.registration;
    let closed = registration.and_then(|registration| registration.closed);
    let Reread { ranges, whole_through } =
        Reread::of(account, changes, closed, &rules.calendar, now);
    let through = rules.calendar.yesterday(now).unwrap();
    let new = account.unsettled_from();
    let new = books.counted.range(new..=through.max(new));
    let mut days = new.map(|(day, count)| (*day, count.clone())).collect::<BTreeMap<_, _>>();
    let mut rated = CountedDays::new();
    for (first, last) in ranges {
        let until = last.month().last_day();
        let statements = books.statements.iter();
        let statements = statements
            .filter(|of| first <= of.statement.day && of.statement.day <= until)
            .cloned()
            .collect::<Vec<_>>();
        rated.extend(charged_between(&statements, first, last).unwrap());
        let again = books.counted.range(first..=last);
        days.extend(again.map(|(day, count)| (*day, count.clone())));
    }
    let changes = changes.clone();
    UsageRead { days, rated, changes, whole_through, registration, ..UsageRead::default() }
}
