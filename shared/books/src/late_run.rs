//! The morning's look at the night: did a settlement run begin, and has it ended?

use jiff::Timestamp;
use steelyard_billing::{RunScope, SettlementRun};
use steelyard_store::RUNS_REGARDED;

use crate::Settler;
use crate::change::{Decision, change};
use crate::settle_run::RunError;

/// The state of the night's settlement run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NightRun {
    /// None ever began: the deployment is new.
    NotYet,
    /// None began today.
    Missing,
    /// The run ended in time or late, with its counts.
    Ended(SettlementRun),
    /// The run is still under way. It is marked as late, and an event reports it.
    Late(SettlementRun),
}

const NOTE: &str = "note that a settlement run is late";

impl Settler {
    /// Looks at the latest run over all providers that began on the day of `now`, and notes it if
    /// that has not ended.
    ///
    /// # Errors
    ///
    /// [`RunError`] when the runs cannot be read or written.
    pub async fn check_night(&self, now: Timestamp) -> Result<NightRun, RunError> {
        let (billing, calendar) = (&self.books.billing, &self.books.rules.calendar);
        let today = calendar.date_of(now);
        change(billing, NOTE, move |_| async move {
            let latest = billing.latest_runs(RUNS_REGARDED).await?.readable;
            let is_nights = |run: &SettlementRun| {
                let is_of_all = matches!(run.scope, RunScope::Shards(_));
                is_of_all && calendar.date_of(run.begun_at_s) == today
            };
            let is_new = latest.is_empty();
            let Some(run) = latest.into_iter().find(is_nights) else {
                let none = if is_new { NightRun::NotYet } else { NightRun::Missing };
                return Ok(Decision::Keep(none));
            };
            if run.end.is_some() {
                return Ok(Decision::Keep(NightRun::Ended(run)));
            }
            if run.late_at_s.is_some() {
                return Ok(Decision::Keep(NightRun::Late(run)));
            }
            let late = SettlementRun { late_at_s: Some(now), ..run.clone() };
            let mut writes = billing.writes(NOTE);
            writes.settlement_run(Some(&run), &late)?;
            Ok::<_, RunError>(Decision::Save(writes, NightRun::Late(late)))
        })
        .await
    }
}
