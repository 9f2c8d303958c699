//! The breaker, runs over all providers, and reconciled days.

use jiff::Timestamp;

use super::{Changed, event};
use crate::breaker::{Breaker, BreakerState};
use crate::event::{
    BreakerClosed, BreakerOpened, Event, EventData, ReconciliationDone, SettlementFinished,
    SettlementLate, Subject,
};
use crate::{Reconciliation, RunEnd, RunScope, SettlementRun};

pub(super) fn of_breaker(
    Changed { before, after }: &Changed<Breaker>,
    now: Timestamp,
) -> Option<Event> {
    let was_closed = before.as_ref().is_none_or(Breaker::is_closed);
    let (at, data) = match &after.state {
        BreakerState::Open { since_s, why, .. } if was_closed => {
            (*since_s, EventData::BreakerOpened(BreakerOpened { why: why.clone() }))
        }
        BreakerState::Closed if !was_closed => {
            let last = before.as_ref().and_then(|before| before.resumed.as_ref());
            let resumed = after.resumed.as_ref().filter(|resumed| Some(*resumed) != last);
            let reason = resumed.map(|resumed| resumed.reason.clone());
            let at = resumed.map_or(now, |resumed| resumed.at_s);
            (at, EventData::BreakerClosed(BreakerClosed { reason }))
        }
        BreakerState::Open { .. } | BreakerState::Closed => return None,
    };
    Some(event(Subject::Platform, at, data, &[after.version.to_string()]))
}

pub(super) fn of_run(Changed { before, after }: &Changed<SettlementRun>) -> Vec<Event> {
    if matches!(after.scope, RunScope::Provider(_)) {
        return Vec::new();
    }
    let record = [after.number.to_string()];
    let was_late = before.as_ref().is_some_and(|before| before.late_at_s.is_some());
    let late = after.late_at_s.filter(|_| !was_late).map(|at| {
        let data = SettlementLate { run: after.number, begun_at_s: after.begun_at_s };
        event(Subject::Platform, at, EventData::SettlementLate(data), &record)
    });
    let had_ended = before.as_ref().is_some_and(|before| before.end.is_some());
    let ended = after.end.as_ref().filter(|_| !had_ended).map(|end| finished(after, end));
    late.into_iter().chain(ended).collect()
}

fn finished(after: &SettlementRun, end: &RunEnd) -> Event {
    let data = SettlementFinished {
        run: after.number,
        begun_at_s: after.begun_at_s,
        providers: end.tally.providers,
        statements: end.tally.statements,
        charged_fen: end.tally.charged_fen,
        failed: end.tally.failed,
        unreadable: end.tally.unreadable,
    };
    let record = [after.number.to_string()];
    event(Subject::Platform, end.ended_at_s, EventData::SettlementFinished(data), &record)
}

pub(super) fn of_reconciliation(result: &Reconciliation) -> Event {
    let listed = u32::try_from(result.findings.len()).unwrap_or(u32::MAX);
    let data = ReconciliationDone {
        day: result.day,
        rows: result.rows,
        matched: result.matched,
        unreadable_rows: result.unreadable_rows,
        findings: listed.saturating_add(result.more_findings),
        skipped: result.skipped.clone(),
    };
    // A day may be reconciled again; that is another event.
    let record = [result.day.to_string(), result.reconciled_at_s.as_second().to_string()];
    let agrees = data.findings == 0 && data.unreadable_rows == 0;
    let data = if agrees {
        EventData::ReconciliationDone(data)
    } else {
        EventData::ReconciliationDiffers(data)
    };
    event(Subject::Platform, result.reconciled_at_s, data, &record)
}
