//! The schedules of a stack: when settlement, reconciliation and dispatch run by its clock.

use jiff::civil::Time;
use jiff::tz::{TimeZone, offset};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use steelyard_billing::Calendar;
use steelyard_local_aws::LocalFunction;
use steelyard_runtime::Error;
use steelyard_store::{BillingTable, EventsTable, StoreError};

use super::Stack;
use crate::functions::Functions;

/// When settlement runs, as in the template.
const SETTLE_TIME: Time = Time::constant(0, 30, 0, 0);

/// When its end is checked, as in the template.
const CHECK_TIME: Time = Time::constant(4, 30, 0, 0);

/// When the books are compared with the bill of the previous day, in Beijing, as in the template.
const RECONCILE_TIME: Time = Time::constant(10, 30, 0, 0);

const A_DAY: SignedDuration = SignedDuration::from_hours(24);

/// A function that runs by the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheduled {
    /// Settlement of what is not settled.
    Settle,
    /// Settlement too: it looks whether the night's run has ended.
    Check,
    /// The comparison of the books with a bill.
    Reconcile,
    /// The sending of tasks that are due.
    Dispatch,
}

impl Scheduled {
    /// The event as the schedule sends it.
    #[must_use]
    pub fn event(self) -> Value {
        match self {
            Scheduled::Settle => json!({ "task": "settle" }),
            Scheduled::Check => json!({ "task": "check" }),
            Scheduled::Reconcile => json!({}),
            Scheduled::Dispatch => json!({ "task": "dispatch" }),
        }
    }
}

/// A function to invoke, and the event that it gets.
#[derive(Clone)]
pub struct DueFunction {
    /// The function that is invoked.
    pub function: LocalFunction,
    /// The event as the schedule sends it.
    pub event: Value,
}

impl Stack {
    /// Runs the schedules up to an instant: sets the clock to the time of each run, invokes its
    /// function and delivers all messages. Settlement runs at 00:30 and is looked at at 04:30,
    /// reconciliation runs at 10:30 in Beijing, and dispatch at each minute at which a task or an
    /// endpoint is due. The local Alipay sends its notifications at their times.
    ///
    /// # Errors
    ///
    /// When a function fails, or a queue can't be read or written.
    pub async fn run_until(&self, end: Timestamp) -> Result<(), Error> {
        loop {
            let now = self.clock.now();
            let run = self.next_run(now, end).await?;
            let latest = run.as_ref().map_or(end, |(at, _)| *at);
            if let Some(at) = self.next_notification(now, latest)? {
                self.clock.set(at);
                self.deliver_due(at).await?;
            } else if let Some((at, DueFunction { function, event })) = run {
                self.clock.set(at);
                function.invoke(event).await?;
            } else {
                break;
            }
            self.drain().await?;
        }
        self.clock.set(end);
        Ok(())
    }

    /// When the local Alipay sends its next notification, if that is not after `latest`.
    fn next_notification(
        &self,
        now: Timestamp,
        latest: Timestamp,
    ) -> Result<Option<Timestamp>, Error> {
        let at = self.alipay.next_notification_at()?.map(|at| at.max(now));
        Ok(at.filter(|at| *at <= latest))
    }

    /// The first scheduled run after `now`, if it is not after `end`.
    async fn next_run(
        &self,
        now: Timestamp,
        end: Timestamp,
    ) -> Result<Option<(Timestamp, DueFunction)>, Error> {
        let runs = next_runs(&self.rules.calendar, &self.tables.billing, &self.events, now).await?;
        let in_time = runs.into_iter().filter(|(at, _)| *at <= end);
        Ok(in_time.min_by_key(|(at, _)| *at).map(|(at, run)| (at, self.scheduled(run))))
    }

    fn scheduled(&self, run: Scheduled) -> DueFunction {
        let Functions { settle, dispatch, reconcile, .. } = &self.functions;
        let function = match run {
            Scheduled::Settle | Scheduled::Check => settle,
            Scheduled::Reconcile => reconcile,
            Scheduled::Dispatch => dispatch,
        };
        DueFunction { function: function.clone(), event: run.event() }
    }

    /// The functions that fall due after one instant and up to another; see [`Stack::due_runs`].
    #[must_use]
    pub fn due_functions(&self, after: Timestamp, until: Timestamp) -> Vec<DueFunction> {
        self.due_runs(after, until).into_iter().map(|run| self.scheduled(run)).collect()
    }

    /// When the next scheduled run, or the next notification of the local Alipay, falls due; `end`
    /// if none does before.
    ///
    /// # Errors
    ///
    /// When a table or the books of the local Alipay can't be read.
    pub async fn next_due(&self, end: Timestamp) -> Result<Timestamp, Error> {
        let now = self.clock.now();
        let run = self.next_run(now, end).await?.map_or(end, |(at, _)| at);
        Ok(self.next_notification(now, run)?.unwrap_or(run))
    }

    /// What falls due after one instant and up to another: settlement at 00:30, reconciliation at
    /// 10:30 in Beijing, dispatch every minute. What fell due several times is returned once.
    #[must_use]
    pub fn due_runs(&self, after: Timestamp, until: Timestamp) -> Vec<Scheduled> {
        let calendar = &self.rules.calendar;
        let latest = |at: Timestamp| if at <= until { at } else { at - A_DAY };
        let due = [
            (latest(settles_at(calendar, until)), Scheduled::Settle),
            (latest(checks_at(calendar, until)), Scheduled::Check),
            (latest(reconciles_at(until)), Scheduled::Reconcile),
            (minute_of(until), Scheduled::Dispatch),
        ];
        due.into_iter().filter(|(at, _)| *at > after).map(|(_, run)| run).collect()
    }
}

/// When each function runs first after `now`. Dispatch runs every minute; this is the first in
/// which a task or an endpoint is due, if there is one.
pub(crate) async fn next_runs(
    calendar: &Calendar,
    billing: &BillingTable,
    events: &EventsTable,
    now: Timestamp,
) -> Result<Vec<(Timestamp, Scheduled)>, StoreError> {
    let next = |today: Timestamp| if today > now { today } else { after(today, A_DAY) };
    let mut runs = vec![
        (next(settles_at(calendar, now)), Scheduled::Settle),
        (next(checks_at(calendar, now)), Scheduled::Check),
        (next(reconciles_at(now)), Scheduled::Reconcile),
    ];
    let due = [billing.due().next_at().await?, events.due().next_at().await?];
    let due = due.into_iter().flatten().min();
    runs.extend(due.map(|due| (minute_from(due).max(minute_after(now)), Scheduled::Dispatch)));
    // A day has no end at the end of time.
    runs.retain(|(at, _)| *at > now);
    Ok(runs)
}

/// When settlement runs on the day of an instant.
fn settles_at(calendar: &Calendar, instant: Timestamp) -> Timestamp {
    calendar.instant(calendar.date_of(instant), SETTLE_TIME)
}

/// When the end of the settlement is checked, on the day of an instant.
fn checks_at(calendar: &Calendar, instant: Timestamp) -> Timestamp {
    calendar.instant(calendar.date_of(instant), CHECK_TIME)
}

/// When reconciliation runs on the day in Beijing of an instant.
fn reconciles_at(instant: Timestamp) -> Timestamp {
    let beijing = TimeZone::fixed(offset(8));
    let today = beijing.to_datetime(instant).date().to_datetime(RECONCILE_TIME);
    beijing.to_timestamp(today).unwrap_or(Timestamp::MAX)
}

/// The instant so much later, at most the last that a [`Timestamp`] can hold.
fn after(instant: Timestamp, duration: SignedDuration) -> Timestamp {
    instant.checked_add(duration).unwrap_or(Timestamp::MAX)
}

/// The full minute that an instant is in.
fn minute_of(instant: Timestamp) -> Timestamp {
    minute(instant.as_second().div_euclid(60))
}

/// The first full minute at or after a whole second.
fn minute_from(second: Timestamp) -> Timestamp {
    minute((second.as_second() - 1).div_euclid(60) + 1)
}

/// The first full minute after an instant.
fn minute_after(instant: Timestamp) -> Timestamp {
    minute(instant.as_second().div_euclid(60) + 1)
}

/// The full minute of that number since the epoch of Unix.
fn minute(number: i64) -> Timestamp {
    Timestamp::from_second(number * 60).unwrap_or(Timestamp::MAX)
}
