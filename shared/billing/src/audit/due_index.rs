//! Every record with work due is in the due index, so that it is dispatched in time; no other is.

use jiff::{SignedDuration, Timestamp};

use super::text::task;
use super::{Audited, Books, Breach, BreachKind, Filed, Findings};
use crate::TaskId;

/// How far in the future a record may be dispatched: a lease, and the window over which debits are
/// spread, are shorter.
const DISPATCHED_WITHIN: SignedDuration = SignedDuration::from_hours(24);

pub(super) fn audit(audited: &Audited<'_>, found: &mut Findings) -> Result<(), Breach> {
    let Audited { books, now, .. } = *audited;
    let tasks = tasks(books);
    for (id, due_at) in &tasks {
        let filed = books.filed.iter().find(|filed| filed.task == *id);
        check_task(id, *due_at, filed, now, found);
    }
    for Filed { task: id, .. } in &books.filed {
        let is_stored = tasks.iter().any(|(stored, _)| stored == id);
        found.check(is_stored, || in_vain(id, "there is no such record"));
    }
    Ok(())
}

/// Every record that may have work, with the time at which it is due; none if it has none.
fn tasks(books: &Books) -> Vec<(TaskId, Option<Timestamp>)> {
    let debits = books.debits.iter().map(|d| (TaskId::Debit(d.debit), d.due_at()));
    let recharges = books.recharges.iter().map(|r| (TaskId::Recharge(r.recharge), r.due_at()));
    let refunds = books.refunds.iter().map(|r| (TaskId::Refund(r.number()), r.due_at()));
    let reversals = books.reversals.iter().map(|r| (TaskId::Reversal(r.number()), r.due_at()));
    let mandates = books.mandates.iter().map(|m| (TaskId::Mandate(m.mandate), m.due_at()));
    debits.chain(recharges).chain(refunds).chain(reversals).chain(mandates).collect()
}

fn check_task(
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
