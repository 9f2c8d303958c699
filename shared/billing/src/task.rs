//! Tasks: stored records with work due at a time, and how long to wait before the next try.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{DebitId, MandateId, ProviderId, RechargeId, RefundRef};

/// What all records with work due have in common: a debit, a recharge, a refund, a reversal, a
/// mandate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// How often the record was written, from 0. Each write is conditional on the version before.
    pub version: u64,
    /// No work is done before this, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub due_at_s: Timestamp,
    /// How many tries in a row brought no progress. It sets the wait before the next one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub retries: u16,
}

impl Task {
    /// The task of a new record.
    #[must_use]
    pub(crate) const fn new(due_at_s: Timestamp) -> Task {
        Task { version: 0, due_at_s, retries: 0 }
    }

    /// After progress: the count of tries starts again.
    #[must_use]
    pub(crate) const fn progressed(self, due_at_s: Timestamp) -> Task {
        Task { due_at_s, retries: 0, ..self }
    }

    /// At another time, without counting a try.
    #[must_use]
    pub(crate) const fn moved(self, due_at_s: Timestamp) -> Task {
        Task { due_at_s, ..self }
    }

    /// After a try that brought no progress: due again after the next wait.
    #[must_use]
    pub(crate) fn backed_off(self, backoff: Backoff, now: Timestamp) -> Task {
        let retries = self.retries.saturating_add(1);
        Task { due_at_s: now + backoff.wait(self.retries), retries, ..self }
    }

    /// The latest time at which the tries in a row without progress can have begun.
    #[must_use]
    pub(crate) fn stalled_since(self, backoff: Backoff) -> Timestamp {
        let waits = (0..self.retries).map(|retries| backoff.wait(retries));
        waits.fold(self.due_at_s, |since, wait| since.checked_sub(wait).unwrap_or(Timestamp::MIN))
    }
}

fn is_zero(retries: &u16) -> bool {
    *retries == 0
}

/// The waits between tries, in seconds: the first after the first try, and the last one for ever.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff(&'static [u32]);

impl Backoff {
    /// Queries for a debit in doubt: 1, 3, 10, 30 and 60 s, then hourly, until the gateway answers,
    /// the bill of the day shows the payment, or a person resolves it.
    pub(crate) const DEBIT_QUERY: Backoff = Backoff(&[1, 3, 10, 30, 60, 3600]);
    /// Queries for a recharge: a notification usually arrives before the first.
    pub(crate) const RECHARGE_QUERY: Backoff = Backoff(&[60, 180, 600, 1800, 3600]);
    /// Queries for an offered mandate: 1, 3, 10, 30 and 60 minutes after the offer, then every six
    /// hours. Most providers sign at once or never.
    pub(crate) const OFFER_QUERY: Backoff = Backoff(&[60, 120, 420, 1200, 1800, 21_600]);
    /// A minute, then twice as long each time, an hour at most.
    pub(crate) const MINUTES: Backoff = Backoff(&[60, 120, 240, 480, 960, 1920, 3600]);
    /// Probes of an open breaker: 15 minutes, then twice as long each time, four hours at most.
    pub(crate) const PROBE: Backoff = Backoff(&[900, 1800, 3600, 7200, 14_400]);

    /// Deliveries of an event to an endpoint that fails: 5 s, 5 and 30 minutes, 2, 5, 10, 14, 20
    /// and 24 hours. The last try is three days after the first.
    pub(crate) const DELIVERY: Backoff =
        Backoff(&[5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]);

    /// The wait after so many earlier tries.
    pub(crate) fn wait(self, retries: u16) -> SignedDuration {
        let wait = self.0.get(usize::from(retries)).or(self.0.last());
        SignedDuration::from_secs(wait.copied().map_or(0, i64::from))
    }
}

/// One task of a provider: the content of a message to the debit function.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskRef {
    /// The provider whose record it is.
    pub provider: ProviderId,
    /// The record, by its kind and number.
    pub task: TaskId,
}

/// The record of a task, among its provider's.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskId {
    /// A debit, until it has ended.
    Debit(DebitId),
    /// A recharge, until it is paid or lapses.
    Recharge(RechargeId),
    /// A refund that an operator asked for.
    Refund(RefundRef),
    /// Money that the gateway gave back without our request.
    Reversal(RefundRef),
    /// A mandate, which is queried or ended when its time has come.
    Mandate(MandateId),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_wait_of_a_backoff_lasts_for_ever() {
        let waits = |retries| Backoff::DEBIT_QUERY.wait(retries).as_secs();
        assert_eq!([0, 1, 4, 5, 6, u16::MAX].map(waits), [1, 3, 60, 3600, 3600, 3600]);
    }

    #[test]
    fn progress_starts_the_waits_again() {
        let now = Timestamp::UNIX_EPOCH;
        let task =
            Task::new(now).backed_off(Backoff::MINUTES, now).backed_off(Backoff::MINUTES, now);
        assert_eq!((task.retries, task.due_at_s.as_second()), (2, 120));
        let task = task.progressed(now).backed_off(Backoff::MINUTES, now);
        assert_eq!((task.retries, task.due_at_s.as_second()), (1, 60));
    }

    #[test]
    fn tries_without_progress_began_no_later_than_their_waits_allow() {
        let began = Timestamp::UNIX_EPOCH;
        for late_s in [0, 30] {
            let mut task = Task::new(began);
            for _ in 0..10 {
                let since = task.stalled_since(Backoff::DEBIT_QUERY);
                let lateness = i64::from(task.retries) * late_s;
                assert_eq!(since.as_second(), lateness, "{} tries, each late", task.retries);
                let now = task.due_at_s + SignedDuration::from_secs(late_s);
                task = task.backed_off(Backoff::DEBIT_QUERY, now);
            }
        }
    }

    #[test]
    fn a_message_names_the_provider_and_the_record() {
        let number = RefundRef {
            out_trade_no: "SY_1_R1".to_owned().try_into().unwrap(),
            out_request_no: "F1".to_owned().try_into().unwrap(),
        };
        let numbers = r#"{"out_trade_no":"SY_1_R1","out_request_no":"F1"}"#;
        for (task, json) in [
            (TaskId::Debit(DebitId(7)), r#""debit":7"#.to_owned()),
            (TaskId::Recharge(RechargeId(7)), r#""recharge":7"#.to_owned()),
            (TaskId::Refund(number.clone()), format!(r#""refund":{numbers}"#)),
            (TaskId::Reversal(number), format!(r#""reversal":{numbers}"#)),
            (TaskId::Mandate(MandateId(7)), r#""mandate":7"#.to_owned()),
        ] {
            let task = TaskRef { provider: "shop".parse().unwrap(), task };
            let text = format!(r#"{{"provider":"shop","task":{{{json}}}}}"#);
            assert_eq!(serde_json::to_string(&task).unwrap(), text);
            assert_eq!(steelyard_json::read::<TaskRef>(text.as_bytes()).unwrap(), task);
        }
        for text in [
            r#"{"provider":"shop"}"#,
            r#"{"provider":"shop","task":{}}"#,
            r#"{"provider":"shop","task":{"debit":7,"recharge":7}}"#,
            r#"{"provider":"shop","task":{"debit":7},"more":1}"#,
        ] {
            assert!(steelyard_json::read::<TaskRef>(text.as_bytes()).is_err(), "{text}");
        }
    }
}
