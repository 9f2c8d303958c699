//! The breaker stops all debits when none can succeed, or when too many are in doubt or refused as
//! wrong. Pure: the breaker after each answer, and after what a person did.
//!
//! An answer that speaks against debits is written at once. Good answers are gathered by each
//! machine ([`GoodAnswers`]) and merged in growing steps, so that no item is written by every
//! debit.

mod good;

pub use good::GoodAnswers;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::task::Backoff;
use crate::{DebitId, GatewayCode, PayAnswer, ProviderId, Reason};

/// How many minutes back answers are remembered, the current one included: long enough to see a
/// trend among few debits, short enough to forget a trouble that is over.
pub const WINDOW_MINUTES: i64 = 5;

/// The fewest answers among which a share of trouble means anything: two lost answers of three
/// happen on any day.
pub const ASKED_MIN: u32 = 10;

/// How long a probe may be on its way before it is forgotten. Longer than a call can take: the
/// client gives up after ten seconds.
const PROBE_WAIT: SignedDuration = SignedDuration::from_secs(60);

/// A circuit breaker over the debits of all providers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaker {
    /// How often the breaker was written; each write is conditional on the one before.
    pub version: u64,
    /// Whether debits are made.
    #[serde(flatten)]
    pub state: BreakerState,
    /// The counts of the last minutes, in their order; none while it is open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub minutes: Vec<Minute>,
    /// The probe that is on its way. Only one is at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probing: Option<Probe>,
    /// When and why a person last closed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumed: Option<Resumption>,
}

/// Whether debits are made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "breaker", rename_all = "snake_case")]
pub enum BreakerState {
    /// Debits are sent.
    #[default]
    Closed,
    /// No debit is sent, except a probe now and then.
    Open {
        /// Since when, in seconds of Unix time.
        #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
        since_s: Timestamp,
        /// The trouble that opened it.
        why: Trip,
        /// When the next probe may be made, in seconds of Unix time; never when only a person
        /// closes it.
        #[serde(
            default,
            skip_serializing_if = "Option::is_none",
            with = "jiff::fmt::serde::timestamp::second::optional"
        )]
        probe_at_s: Option<Timestamp>,
        /// The probes that failed since it opened; each failure delays the next one.
        probes: u16,
    },
}

/// Why the breaker is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Trip {
    /// Our own account at the gateway is in trouble, as this code says: nobody's debit can succeed.
    OwnAccount(GatewayCode),
    /// Of the debits asked for within [`WINDOW_MINUTES`], half or more were in trouble: in doubt,
    /// or refused since our request was wrong.
    TooMuchTrouble {
        /// How many were asked for.
        asked: u32,
        /// How many of them were in trouble.
        troubled: u32,
    },
    /// A person stopped all debits. No probe is made: only a person closes it.
    ByOperator {
        /// Why, in the person's words.
        reason: Reason,
    },
}

/// What the answers of one minute were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Minute {
    /// The minute of Unix time.
    pub minute: i64,
    /// How many debits were asked for.
    pub asked: u32,
    /// How many of them were in doubt, or refused since our request was wrong.
    pub troubled: u32,
}

/// A debit that is sent to see whether debits can be made again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// The provider of the debit.
    pub provider: ProviderId,
    /// The debit that may be sent.
    pub debit: DebitId,
    /// When it is forgotten, if it had no answer, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub until_s: Timestamp,
}

/// A person closed the breaker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumption {
    /// When, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub at_s: Timestamp,
    /// Why, in the person's words.
    pub reason: Reason,
    /// The trouble that had opened it.
    pub was: Trip,
}

/// What an answer says of the debits of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearing<'a> {
    /// They can succeed: Alipay decided about the payer.
    Good,
    /// In doubt, or our request was wrong. Too many of these stop all debits.
    Trouble,
    /// None can succeed, as this code of our own account says.
    OwnAccount(&'a GatewayCode),
    /// Nothing: Alipay refused to look at it for now.
    Nothing,
}

/// Whether a debit may be asked for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// The breaker is closed: send it.
    Go,
    /// It may, as the only one: store [`Breaker::probing`] first.
    Probe,
    /// The breaker is open: the debit waits.
    Stop,
}

impl Breaker {
    /// Whether debits are made.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.state == BreakerState::Closed
    }

    /// Whether a debit may be asked for now.
    #[must_use]
    pub fn permit(&self, now: Timestamp) -> Permit {
        let probe_at_s = match &self.state {
            BreakerState::Closed => return Permit::Go,
            BreakerState::Open { probe_at_s, .. } => *probe_at_s,
        };
        let is_due = probe_at_s.is_some_and(|probe_at| probe_at <= now);
        let is_probing = self.probing.as_ref().is_some_and(|probe| now < probe.until_s);
        if is_due && !is_probing { Permit::Probe } else { Permit::Stop }
    }

    /// The breaker just before a debit is sent as a probe: to be stored first. None unless a probe
    /// is what it permits.
    #[must_use]
    pub fn probing(
        &self,
        provider: &ProviderId,
        debit: DebitId,
        now: Timestamp,
    ) -> Option<Breaker> {
        match self.permit(now) {
            Permit::Probe => {
                let provider = provider.clone();
                let probe = Probe { provider, debit, until_s: now + PROBE_WAIT };
                Some(Breaker { probing: Some(probe), ..self.clone() })
            }
            Permit::Go | Permit::Stop => None,
        }
    }

    /// The breaker after the answer to a debit, and after the good answers that the machine
    /// gathered before it.
    ///
    /// While it is open, only a probe's answer counts, since others were sent before it opened; and
    /// not even that once a person stopped all debits.
    #[must_use]
    pub fn after(
        &self,
        answer: &PayAnswer,
        good: &[Minute],
        is_probe: bool,
        now: Timestamp,
    ) -> Breaker {
        match &self.state {
            BreakerState::Closed => self.closed_after(answer, good, now),
            BreakerState::Open { since_s, why, probe_at_s: Some(_), probes } if is_probe => {
                self.after_probe(answer, *since_s, why, *probes, now)
            }
            BreakerState::Open { .. } => self.clone(),
        }
    }

    /// The breaker after good answers that a machine gathered. While it is open they count no more.
    #[must_use]
    pub fn after_good(&self, good: &[Minute], now: Timestamp) -> Breaker {
        match &self.state {
            BreakerState::Closed => self.assessed(self.with_minutes(good, now), now),
            BreakerState::Open { .. } => self.clone(),
        }
    }

    /// The breaker after a person closed it. What was answered before counts no more. One that is
    /// closed stays as it is.
    #[must_use]
    pub fn resumed(&self, reason: Reason, now: Timestamp) -> Breaker {
        match &self.state {
            BreakerState::Closed => self.clone(),
            BreakerState::Open { why, .. } => {
                let resumed = Resumption { at_s: now, reason, was: why.clone() };
                Breaker { resumed: Some(resumed), ..self.with(BreakerState::Closed) }
            }
        }
    }

    /// The breaker after a person stopped all debits.
    #[must_use]
    pub fn stopped(&self, reason: Reason, now: Timestamp) -> Breaker {
        let why = Trip::ByOperator { reason };
        self.with(BreakerState::Open { since_s: now, why, probe_at_s: None, probes: 0 })
    }

    fn closed_after(&self, answer: &PayAnswer, good: &[Minute], now: Timestamp) -> Breaker {
        let troubled = match Bearing::of(answer) {
            Bearing::OwnAccount(code) => {
                return self.tripped(Trip::OwnAccount(code.clone()), now);
            }
            Bearing::Trouble => 1,
            Bearing::Good => 0,
            Bearing::Nothing => return self.after_good(good, now),
        };
        let this = Minute { minute: minute_of(now), asked: 1, troubled };
        self.assessed(self.with_minutes(&[good, &[this]].concat(), now), now)
    }

    /// The minutes with those of a machine. Those from before a person closed the breaker are left
    /// out.
    fn with_minutes(&self, others: &[Minute], now: Timestamp) -> Vec<Minute> {
        let resumed = self.resumed.as_ref().map(|resumed| minute_of(resumed.at_s));
        let counts = |other: &&Minute| resumed.is_none_or(|resumed| other.minute >= resumed);
        others.iter().filter(counts).fold(recent(&self.minutes, now), |minutes, other| {
            // A machine may have gathered for longer than the window.
            recent(&added(minutes, *other), now)
        })
    }

    /// The breaker with these minutes, open if they show too much trouble.
    fn assessed(&self, minutes: Vec<Minute>, now: Timestamp) -> Breaker {
        match too_much_trouble(&minutes) {
            Some(trip) => self.tripped(trip, now),
            None => Breaker { minutes, ..self.clone() },
        }
    }

    /// An answer about the payer says that debits can succeed; otherwise the next probe waits
    /// longer.
    fn after_probe(
        &self,
        answer: &PayAnswer,
        since_s: Timestamp,
        why: &Trip,
        probes: u16,
        now: Timestamp,
    ) -> Breaker {
        let why = match Bearing::of(answer) {
            Bearing::Good => return self.with(BreakerState::Closed),
            Bearing::OwnAccount(code) => Trip::OwnAccount(code.clone()),
            Bearing::Trouble | Bearing::Nothing => why.clone(),
        };
        let probes = probes.saturating_add(1);
        let probe_at_s = Some(now + Backoff::PROBE.wait(probes));
        self.with(BreakerState::Open { since_s, why, probe_at_s, probes })
    }

    fn tripped(&self, why: Trip, now: Timestamp) -> Breaker {
        let probe_at_s = Some(now + Backoff::PROBE.wait(0));
        self.with(BreakerState::Open { since_s: now, why, probe_at_s, probes: 0 })
    }

    /// What was answered and asked before a change of the state counts no more after it.
    fn with(&self, state: BreakerState) -> Breaker {
        Breaker { state, minutes: Vec::new(), probing: None, ..self.clone() }
    }
}

impl<'a> Bearing<'a> {
    /// The weight of an answer for the breaker.
    #[must_use]
    pub fn of(answer: &'a PayAnswer) -> Bearing<'a> {
        match answer {
            PayAnswer::OwnAccount(code) => Bearing::OwnAccount(code),
            PayAnswer::InDoubt(_) | PayAnswer::OwnFault(_) => Bearing::Trouble,
            PayAnswer::Throttled(_) => Bearing::Nothing,
            PayAnswer::Paid(_)
            | PayAnswer::Declined(_)
            | PayAnswer::MandateDead(_)
            | PayAnswer::PayerBlocked(_) => Bearing::Good,
        }
    }
}

/// The minute of Unix time.
fn minute_of(now: Timestamp) -> i64 {
    now.as_second().div_euclid(60)
}

/// The minutes that are not over.
fn recent(minutes: &[Minute], now: Timestamp) -> Vec<Minute> {
    // A clock that runs ahead has written of minutes to come; they are not kept for long.
    let is_recent = |other: &Minute| (other.minute - minute_of(now)).abs() < WINDOW_MINUTES;
    minutes.iter().copied().filter(is_recent).collect()
}

/// The minutes in their order with the answers of one more.
fn added(mut minutes: Vec<Minute>, other: Minute) -> Vec<Minute> {
    let at = minutes.partition_point(|minute| minute.minute < other.minute);
    match minutes.get_mut(at) {
        Some(this) if this.minute == other.minute => {
            this.asked = this.asked.saturating_add(other.asked);
            this.troubled = this.troubled.saturating_add(other.troubled);
        }
        Some(_) | None => minutes.insert(at, other),
    }
    minutes
}

/// How many debits were asked for in these minutes.
fn asked(minutes: &[Minute]) -> u32 {
    minutes.iter().map(|minute| minute.asked).fold(0, u32::saturating_add)
}

/// Why the breaker opens, if half of enough answers are trouble.
fn too_much_trouble(minutes: &[Minute]) -> Option<Trip> {
    let troubled = minutes.iter().map(|minute| minute.troubled).fold(0, u32::saturating_add);
    let asked = asked(minutes);
    let is_too_much = asked >= ASKED_MIN && troubled >= asked.div_ceil(2);
    is_too_much.then_some(Trip::TooMuchTrouble { asked, troubled })
}
