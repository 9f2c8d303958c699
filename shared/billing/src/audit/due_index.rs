//! Every record with work due is in the due index, so that it is dispatched in time; no other is.
//! Work is due in good time, and done in good time.

use jiff::{SignedDuration, Timestamp};

use super::text::task;
use super::{Audited, Books, Breach, BreachKind, Filed, Findings};
use crate::TaskId;
use crate::task::{Backoff, Task};

/// How far in the future a record may be dispatched: a lease, and the window over which debits are
/// spread, are shorter.
const DISPATCHED_WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// How far in the future a debit is due at most: it is sent again three days after the first try.
const DEBIT_DUE_WITHIN: SignedDuration = SignedDuration::from_hours(4 * 24);

/// How far in the future a refund, a reversal or the end of a mandate is due at most, and how long
/// it may bring no progress.
const DONE_WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// How long after its due time a task may wait to be worked on.
const WORKED_ON_WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// A record that may have work.
struct Due {
    id: TaskId,
    /// When work is due; none if there is none.
    due_at: Option<Timestamp>,
    /// How far in the future that may be.
    within: Option<SignedDuration>,
    /// Since when it has brought no progress, if it should by now.
    stalled_since: Option<Timestamp>,
}

impl Due {
    fn new(id: TaskId, due_at: Option<Timestamp>) -> Due {
        Due { id, due_at, within: None, stalled_since: None }
    }

    /// Work that is done at once when nothing is in its way.
    fn at_once(self, task: Task) -> Due {
        let since = (task.retries > 0).then(|| task.stalled_since(Backoff::MINUTES));
        Due { within: Some(DONE_WITHIN), stalled_since: since, ..self }
    }
}

pub(super) fn audit(audited: &Audited<'_>, found: &mut Findings) -> Result<(), Breach> {
    let Audited { books, now, .. } = *audited;
    let tasks = tasks(books);
    for due in &tasks {
        let filed = books.filed.iter().find(|filed| filed.task == due.id);
        check_filed(&due.id, due.due_at, filed, now, found);
        if let Some(due_at) = due.due_at {
            check_in_time(due, due_at, now, found);
        }
    }
    for Filed { task: id, .. } in &books.filed {
        let is_stored = tasks.iter().any(|due| due.id == *id);
        found.check(is_stored, || in_vain(id, "there is no such record"));
    }
    Ok(())
}

fn tasks(books: &Books) -> Vec<Due> {
    let debits = books.debits.iter().map(|d| Due {
        within: Some(DEBIT_DUE_WITHIN),
        ..Due::new(TaskId::Debit(d.debit), d.due_at())
    });
    let recharges = books.recharges.iter();
    let recharges = recharges.map(|r| Due::new(TaskId::Recharge(r.recharge), r.due_at()));
    let refunds = books.refunds.iter();
    let refunds = refunds.map(|r| Due::new(TaskId::Refund(r.number()), r.due_at()).at_once(r.task));
    let reversals = books.reversals.iter();
    let reversals =
        reversals.map(|r| Due::new(TaskId::Reversal(r.number()), r.due_at()).at_once(r.task));
    let mandates = books.mandates.iter().map(|m| {
        let due = Due::new(TaskId::Mandate(m.mandate), m.due_at());
        if m.is_ending() { due.at_once(m.task) } else { due }
    });
    debits.chain(recharges).chain(refunds).chain(reversals).chain(mandates).collect()
}

fn check_in_time(due: &Due, due_at: Timestamp, now: Timestamp, found: &mut Findings) {
    let breach =
        |kind, stated, actual: &str| Breach::new(kind, task(&due.id), stated, actual.to_owned());
    let latest = due.within.map(|within| now + within);
    found.check(latest.is_none_or(|latest| due_at <= latest), || {
        breach(BreachKind::DueLate, format!("due at {due_at}"), "it is to be due earlier")
    });
    found.check(now.duration_since(due_at) <= WORKED_ON_WITHIN, || {
        breach(BreachKind::Unworked, format!("due at {due_at}"), "nothing was done about it")
    });
    let since = due.stalled_since;
    found.check(since.is_none_or(|since| now.duration_since(since) <= DONE_WITHIN), || {
        let stated = format!("without progress since {}", since.unwrap_or(now));
        breach(BreachKind::Unfinished, stated, "it is to be done within a day")
    });
}

fn check_filed(
    id: &TaskId,
    due_at: Option<Timestamp>,
    filed: Option<&Filed>,
    now: Timestamp,
    found: &mut Findings,
) {
    let (due_at, Filed { dispatch_at, is_in_its_shard, .. }) = match (due_at, filed) {
        (Some(due_at), Some(filed)) => (due_at, filed),
        (Some(due_at), None) => {
            let stated = format!("due at {due_at}");
            let actual = "it is not in the due index";
            return found
                .check(false, || Breach::new(BreachKind::Unfiled, task(id), stated, actual));
        }
        (None, Some(_)) => return found.check(false, || in_vain(id, "it has no work")),
        (None, None) => return,
    };
    found.check(*dispatch_at <= due_at.max(now) + DISPATCHED_WITHIN, || {
        let stated = format!("due at {due_at}");
        let actual = format!("the due index shows it at {dispatch_at}");
        Breach::new(BreachKind::FiledLate, task(id), stated, actual)
    });
    found.check(*is_in_its_shard, || {
        let (stated, actual) = ("in the due index", "not in its provider's shard");
        Breach::new(BreachKind::FiledElsewhere, task(id), stated, actual)
    });
}

fn in_vain(id: &TaskId, why: &str) -> Breach {
    Breach::new(BreachKind::FiledInVain, task(id), "in the due index", why)
}
