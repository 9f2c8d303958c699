//! What an answer of an endpoint changes.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{DisabledBecause, Endpoint, EndpointStatus, LastDelivery, Outcome, Parked};
use crate::EndpointName;
use crate::task::Backoff;

/// How long an event is tried, and an endpoint without success is kept: three days.
const TRIED_FOR: SignedDuration = SignedDuration::from_hours(72);

/// An endpoint after an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The endpoint after the answer was counted.
    pub endpoint: Endpoint,
    /// The event, if it is given up.
    pub dead: Option<DeadLetter>,
}

/// An event that an endpoint did not take for three days, while it took others. Operators can
/// replay it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The endpoint that did not take it.
    pub endpoint: EndpointName,
    /// The number of the event in its subject's feed.
    pub sequence: u64,
    /// How many deliveries of it failed.
    pub failures: u16,
    /// When the first failed, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub first_at_s: Timestamp,
    /// When it was given up, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub given_up_at_s: Timestamp,
    /// How the last delivery ended.
    pub outcome: Outcome,
}

impl Endpoint {
    /// The endpoint after the delivery of an event, which is the next one after its cursor or a
    /// parked one. For any other nothing changes.
    #[must_use]
    pub fn answered(mut self, sequence: u64, outcome: &Outcome, now: Timestamp) -> Answered {
        let parked = self.parked.iter().position(|parked| parked.sequence == sequence);
        if parked.is_none() && sequence <= self.delivered_through {
            return Answered { endpoint: self, dead: None };
        }
        self.last = Some(LastDelivery { sequence, at_s: now, outcome: outcome.clone() });
        match outcome {
            Outcome::Delivered => {
                let was_down = self.is_down();
                self.failures = 0;
                self.failing_since_s = None;
                self.done(parked, sequence);
                if was_down {
                    // It is back: what waits for a later try need not wait.
                    self.parked.iter_mut().for_each(|parked| parked.due_at_s = now);
                }
                Answered { endpoint: self, dead: None }
            }
            Outcome::Gone => {
                // The event stays where it is: it is the first to be sent if the endpoint comes
                // back.
                self.disable(DisabledBecause::Gone, now);
                Answered { endpoint: self, dead: None }
            }
            Outcome::Status(_)
            | Outcome::TimedOut
            | Outcome::NotAllowed(_)
            | Outcome::Unreachable(_) => self.failed(parked, sequence, outcome, now),
        }
    }

    /// The endpoint after an event that it does not want.
    #[must_use]
    pub fn passed(self, sequence: u64) -> Endpoint {
        Endpoint { delivered_through: self.delivered_through.max(sequence), ..self }
    }

    /// The endpoint without a parked event that is stored no longer.
    #[must_use]
    pub fn without(mut self, sequence: u64) -> Endpoint {
        self.parked.retain(|parked| parked.sequence != sequence);
        self
    }

    /// Takes an event off the parking, or moves the cursor past it; gives its history.
    fn done(&mut self, parked: Option<usize>, sequence: u64) -> Option<Parked> {
        match parked {
            Some(at) => Some(self.parked.remove(at)),
            None => {
                self.delivered_through = sequence;
                None
            }
        }
    }

    fn failed(
        mut self,
        parked: Option<usize>,
        sequence: u64,
        outcome: &Outcome,
        now: Timestamp,
    ) -> Answered {
        let since = *self.failing_since_s.get_or_insert(now);
        // Before its first failure, an event that an operator replayed has only waited.
        let before = self.done(parked, sequence).filter(|before| before.failures > 0);
        if before.is_none() {
            self.failures = self.failures.saturating_add(1);
        }
        let first_at_s = before.as_ref().map_or(now, |before| before.first_at_s);
        let failures = before.map_or(0, |before| before.failures).saturating_add(1);
        if is_over(since, now) {
            self.disable(DisabledBecause::NoSuccess, now);
        } else if is_over(first_at_s, now) {
            self.dead = self.dead.saturating_add(1);
            let dead = DeadLetter {
                endpoint: self.name.clone(),
                sequence,
                failures,
                first_at_s,
                given_up_at_s: now,
                outcome: outcome.clone(),
            };
            return Answered { endpoint: self, dead: Some(dead) };
        }
        let next = now + Backoff::DELIVERY.wait(failures - 1);
        let last = first_at_s + TRIED_FOR;
        let due_at_s = if now < last { next.min(last) } else { next };
        self.park(Parked { sequence, failures, first_at_s, due_at_s });
        Answered { endpoint: self, dead: None }
    }

    fn disable(&mut self, because: DisabledBecause, now: Timestamp) {
        self.status = EndpointStatus::Disabled { since_s: now, because };
    }
}

/// Whether three days are over.
fn is_over(since: Timestamp, now: Timestamp) -> bool {
    now.duration_since(since) >= TRIED_FOR
}
