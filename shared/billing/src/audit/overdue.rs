//! What time should have brought: usage is charged, months are closed, debits are requested and
//! resolved, and bills show what moved.

use jiff::civil::Time;
use jiff::{SignedDuration, Span, Timestamp};
use steelyard_pricing::Usage;

use super::counted::named;
use super::text::sums;
use super::{Audited, Books, Breach, BreachKind, Findings};
use crate::task::Backoff;
use crate::{Debit, MonthClose, Phase, Request, bill_day};

/// Settlement runs daily; this leaves it half a day to be late.
const SETTLED_WITHIN: SignedDuration = SignedDuration::from_hours(36);

/// How long after its close by the calendar a month may stay open.
const CLOSED_WITHIN: SignedDuration = SignedDuration::from_hours(3 * 24);

/// How long a debit may be held or in doubt.
const RESOLVED_WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// How many days after it was booked money is on a bill. A day's bill is there on the next morning,
/// and what moved around midnight may be on the bill after it.
const MATCHED_WITHIN_DAYS: i32 = 4;

pub(super) fn audit(audited: &Audited<'_>, found: &mut Findings) -> Result<(), Breach> {
    check_closed(audited, found);
    check_unmatched(audited, found);
    for debit in &audited.books.debits {
        check_resolved(audited, debit, found);
    }
    check_requested(audited, found)?;
    check_settled(audited, found)
}

/// A month is closed some days after its close by the calendar at the latest, and settled for good
/// only after that.
fn check_closed(audited: &Audited<'_>, found: &mut Findings) {
    let Audited { books: Books { provider, account, registration, .. }, rules, now, .. } = audited;
    let closed = registration.and_then(|registration| registration.closed);
    let shown = closed.map_or("no month is closed".to_owned(), |closed| {
        format!("months through {} are closed", closed.through)
    });
    let due = MonthClose::due(provider, closed, rules, *now - CLOSED_WITHIN);
    if let Some(MonthClose { through, .. }) = due {
        let closes_at = rules.calendar.wall_time(rules.calendar.closes_at(through));
        let actual = format!("{through} closed at {closes_at}");
        let unclosed = || Breach::new(BreachKind::Unclosed, "the registration", &*shown, actual);
        found.check(false, unclosed);
    }
    let done = account.open_from.previous();
    let is_closed = closed.is_some_and(|closed| closed.through >= done);
    found.check(is_closed || done < provider.billed_from, || {
        let stated = format!("{done} is settled for good");
        Breach::new(BreachKind::OpenFrom, "the account", stated, &*shown)
    });
}

fn check_unmatched(Audited { books, now, .. }: &Audited<'_>, found: &mut Findings) {
    let oldest = bill_day(*now).saturating_sub(Span::new().days(MATCHED_WITHIN_DAYS));
    for item in &books.unmatched {
        found.check(item.booked_on >= oldest, || {
            let place = format!("the bill item of {}", item.out_trade_no);
            let stated = format!("{} yuan were booked on {}", item.amount_fen, item.booked_on);
            Breach::new(BreachKind::Unmatched, place, stated, "no bill has shown them")
        });
    }
}

fn check_resolved(Audited { rules, now, .. }: &Audited<'_>, debit: &Debit, found: &mut Findings) {
    let Some((kind, state, since)) = unresolved(debit) else { return };
    found.check(now.duration_since(since) <= RESOLVED_WITHIN, || {
        let since = rules.calendar.wall_time(since);
        let (place, stated) = (format!("debit {}", debit.debit), format!("{state} since {since}"));
        Breach::new(kind, place, stated, "it is to be resolved within a day")
    });
}

/// Since when a debit has been held or in doubt; none if it is neither.
///
/// An hourly query without a result is no progress, and a person's intervention is.
fn unresolved(debit: &Debit) -> Option<(BreachKind, &'static str, Timestamp)> {
    let sent = debit.last_attempt().map_or(debit.opened_at_s, |attempt| attempt.sent_at_s);
    let heard = debit.history.exchanges.last().map_or(sent, |exchange| exchange.at_s);
    let acted = debit.history.interventions.last().map_or(sent, |intervention| intervention.at_s);
    let held = |since| Some((BreachKind::Held, "held", since));
    let in_doubt = |since| Some((BreachKind::InDoubt, "in doubt", since));
    match debit.phase {
        Phase::Held { .. } => held(heard),
        Phase::Rechecking { .. } => held(acted),
        Phase::Sending | Phase::InDoubt { .. } => in_doubt(sent.max(acted)),
        Phase::Checking { .. } | Phase::Closing { .. } | Phase::Confirming { .. } => {
            // It may be given up days after it was last sent.
            let since = debit.task.stalled_since(Backoff::DEBIT_QUERY);
            in_doubt(sent.max(acted).max(since))
        }
        Phase::Due | Phase::Paid { .. } | Phase::GivenUp { .. } | Phase::Withdrawn => None,
    }
}

/// A debt has an open debit, where one is possible. Between two runs it may wait for the next.
fn check_requested(audited: &Audited<'_>, found: &mut Findings) -> Result<(), Breach> {
    let Audited { books: Books { provider, account, journal, .. }, rules, now, .. } = audited;
    let is_to_be = account.request(provider.mandate.as_ref(), rules)? == Request::Due;
    let Some(last) = journal.last().map(|entry| entry.record().recorded_at_s) else {
        return Ok(());
    };
    found.check(!is_to_be || now.duration_since(last) <= SETTLED_WITHIN, || {
        let stated = format!("it holds {}", sums(&account.figures));
        let last = rules.calendar.wall_time(last);
        let actual = format!("no debit has requested what is owed since {last}");
        Breach::new(BreachKind::Unrequested, "the account", stated, actual)
    });
    Ok(())
}

/// Usage of a day that is over is charged by one of the next runs, and credited when it was
/// withdrawn.
fn check_settled(audited: &Audited<'_>, found: &mut Findings) -> Result<(), Breach> {
    let Audited { books, now, rules, .. } = audited;
    let rated = books.rated_days()?;
    let none = Usage::new();
    let from = books.account.open_from.max(books.provider.billed_from).first_day();
    for (day, count) in books.counted.range(from..) {
        let end = rules.calendar.instant(day.next().date(), Time::midnight());
        let settled_by = count.changed_at.map_or(end, |changed| changed.max(end)) + SETTLED_WITHIN;
        let rated = rated.get(day).unwrap_or(&none);
        let is_settled = *rated == named(&count.usage, rated) || *now <= settled_by;
        let (counted, rated) = (count.usage.total()?, rated.total()?);
        found.check(is_settled, || {
            let settled_by = rules.calendar.wall_time(settled_by);
            let actual = format!("{counted} were counted, to be charged by {settled_by}");
            let stated = format!("{rated} are charged");
            Breach::new(BreachKind::Overdue, format!("usage of {day}"), stated, actual)
        });
    }
    Ok(())
}
