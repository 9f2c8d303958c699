//! An endpoint, what it is sent next, and what operators decide about it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::{
    EndpointRef, EndpointUrl, LastDelivery, Outcome, SigningSecret, SigningSecrets, TypePattern,
    wants,
};
use crate::event::Subject;
use crate::id::hex;
use crate::{EndpointName, is_zero};

/// The most events that are parked: those that failed and are tried again.
pub const PARKED_MAX: usize = 20;

/// After how many events in a row that failed an endpoint is down: until one succeeds, only what is
/// parked is tried again. An event that fails again and again counts once.
pub const DOWN_AFTER: u16 = 3;

/// Where the events of a subject are sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// The subject whose events it gets.
    pub subject: Subject,
    /// Its name among the subject's.
    pub name: EndpointName,
    /// The address that takes deliveries.
    pub url: EndpointUrl,
    /// The types that it wants; all if there are none here.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub types: BTreeSet<TypePattern>,
    /// The secrets that sign its deliveries: one, or two while the older one expires.
    pub secrets: SigningSecrets,
    /// When it was added, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub created_at_s: Timestamp,
    /// Whether it gets events.
    pub status: EndpointStatus,
    /// The number through which every event was delivered, is parked, is a dead letter, or was not
    /// wanted.
    pub delivered_through: u64,
    /// The events that failed and are tried again, at most [`PARKED_MAX`], in order of their
    /// numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parked: Vec<Parked>,
    /// How many events in a row failed. One that fails again and again counts once.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub failures: u16,
    /// When the first delivery failed that no success followed, in seconds of Unix time.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "jiff::fmt::serde::timestamp::second::optional"
    )]
    pub failing_since_s: Option<Timestamp>,
    /// How many events are dead letters.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub dead: u64,
    /// The last delivery, with its outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<LastDelivery>,
    /// The last test that an operator asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<EndpointTest>,
    /// How often the record was written, from 1. Each write is conditional on the version before.
    pub version: u64,
}

/// Whether an endpoint gets events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndpointStatus {
    /// Events are delivered.
    Active,
    /// It does not, until an operator enables it. What it misses waits.
    Disabled {
        /// Since when, in seconds of Unix time.
        #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
        since_s: Timestamp,
        /// The condition that disabled it.
        because: DisabledBecause,
    },
}

/// Why an endpoint gets no events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum DisabledBecause {
    /// No delivery succeeded for three days.
    NoSuccess,
    /// The receiver answered 410 Gone: it wants no more events.
    Gone,
}

/// An event that failed and is tried again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// The number of the event in its subject's feed.
    pub sequence: u64,
    /// How many deliveries of it failed; none yet if an operator asked for it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub failures: u16,
    /// When the first failed, or the operator asked, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub first_at_s: Timestamp,
    /// When it is tried next, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub due_at_s: Timestamp,
}

/// A delivery that an operator asked for, to see whether the endpoint answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointTest {
    /// When it was asked for, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub asked_at_s: Timestamp,
    /// How it ended; none while it is not sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
}

/// What is to be done for an endpoint next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Send the test that was asked for.
    Test,
    /// Try the event of that number again.
    Retry(u64),
    /// Send the events after that number.
    Events {
        /// The number of the last event that was delivered.
        after: u64,
    },
    /// Nothing is due now.
    Rest,
}

/// Why an event is not sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotReplayed {
    /// It was not sent yet, and will be.
    #[error("event {0} was not sent yet; it will be")]
    NotSentYet(u64),
    /// As many events as may be are to be sent again already.
    #[error("{PARKED_MAX} events are to be sent again already; try again when some are delivered")]
    Full,
}

impl Endpoint {
    /// A new endpoint, which gets the events after a number.
    #[must_use]
    pub fn new(
        EndpointRef { subject, endpoint }: EndpointRef,
        url: EndpointUrl,
        types: BTreeSet<TypePattern>,
        secret: SigningSecret,
        delivered_through: u64,
        now: Timestamp,
    ) -> Endpoint {
        Endpoint {
            subject,
            name: endpoint,
            url,
            types,
            secrets: SigningSecrets::new(secret),
            created_at_s: now,
            status: EndpointStatus::Active,
            delivered_through,
            parked: Vec::new(),
            failures: 0,
            failing_since_s: None,
            dead: 0,
            last: None,
            test: None,
            version: 1,
        }
    }

    /// The names by which a message refers to the endpoint.
    #[must_use]
    pub fn reference(&self) -> EndpointRef {
        EndpointRef { subject: self.subject.clone(), endpoint: self.name.clone() }
    }

    /// Whether it wants events of a type.
    #[must_use]
    pub fn wants(&self, kind: &str) -> bool {
        wants(&self.types, kind)
    }

    /// Whether it gets events.
    #[must_use]
    pub fn is_active(&self) -> bool {
        match self.status {
            EndpointStatus::Active => true,
            EndpointStatus::Disabled { .. } => false,
        }
    }

    /// Whether only what is parked is tried, until a delivery succeeds: several failed in a row, or
    /// no more can be parked. Without a parked event nothing could succeed, so it is not down.
    #[must_use]
    pub fn is_down(&self) -> bool {
        let is_failing = self.failures >= DOWN_AFTER && !self.parked.is_empty();
        is_failing || self.parked.len() >= PARKED_MAX
    }

    /// Whether new events are sent to it.
    #[must_use]
    pub fn takes_events(&self) -> bool {
        self.is_active() && !self.is_down()
    }

    /// What is to be done for it now.
    #[must_use]
    pub fn next(&self, now: Timestamp) -> Work {
        if self.waiting_test().is_some() {
            return Work::Test;
        }
        let due = self.parked.iter().min_by_key(|parked| parked.due_at_s);
        match due.filter(|parked| self.is_active() && parked.due_at_s <= now) {
            Some(parked) => Work::Retry(parked.sequence),
            None if self.takes_events() => Work::Events { after: self.delivered_through },
            None => Work::Rest,
        }
    }

    /// When it has work; none if only a new event or an operator makes some. `more` says whether
    /// events may be stored that it has not got.
    #[must_use]
    pub fn due_at(&self, more: bool, now: Timestamp) -> Option<Timestamp> {
        if self.waiting_test().is_some() || (more && self.takes_events()) {
            return Some(now);
        }
        let due = self.parked.iter().map(|parked| parked.due_at_s).min();
        due.filter(|_| self.is_active())
    }

    /// When the test that is not sent yet was asked for.
    fn waiting_test(&self) -> Option<Timestamp> {
        let test = self.test.as_ref().filter(|test| test.outcome.is_none())?;
        Some(test.asked_at_s)
    }

    /// The id of the test's delivery: the same test has the same, as an event has.
    #[must_use]
    pub fn test_id(&self) -> Option<String> {
        let asked_at = self.test.as_ref()?.asked_at_s;
        let of = format!("{} {} {}", self.subject, self.name, asked_at.as_second());
        Some(format!("test_{}", hex(&Sha256::digest(of), 16)))
    }

    /// The same with a test to be sent.
    #[must_use]
    pub fn tested(self, now: Timestamp) -> Endpoint {
        Endpoint { test: Some(EndpointTest { asked_at_s: now, outcome: None }), ..self }
    }

    /// The same after its test was sent. What a test finds changes nothing else.
    #[must_use]
    pub fn test_answered(self, outcome: Outcome) -> Endpoint {
        let test = self.test.map(|test| EndpointTest { outcome: Some(outcome), ..test });
        Endpoint { test, ..self }
    }

    /// The same with another secret; the one in use signs too until a time.
    #[must_use]
    pub fn rotated(self, next: SigningSecret, until: Timestamp) -> Endpoint {
        Endpoint { secrets: self.secrets.rotated(next, until), ..self }
    }

    /// The same as an operator enables it: what is parked is due now and has its three days again,
    /// and the events that it missed follow.
    #[must_use]
    pub fn enabled(mut self, now: Timestamp) -> Endpoint {
        for parked in &mut self.parked {
            *parked = Parked { failures: 0, first_at_s: now, due_at_s: now, ..*parked };
        }
        Endpoint { status: EndpointStatus::Active, failures: 0, failing_since_s: None, ..self }
    }

    /// The same where every event from a number on is sent again, or for the first time.
    #[must_use]
    pub fn replayed_from(mut self, sequence: u64) -> Endpoint {
        let through = self.delivered_through.min(sequence.saturating_sub(1));
        self.parked.retain(|parked| parked.sequence <= through);
        Endpoint { delivered_through: through, ..self }
    }

    /// The same where one event is sent again, also one that failed before or is a dead letter.
    ///
    /// # Errors
    ///
    /// [`NotReplayed`] when it is to be sent anyway, or too many are.
    pub fn replayed(mut self, sequence: u64, now: Timestamp) -> Result<Endpoint, NotReplayed> {
        if sequence > self.delivered_through {
            return Err(NotReplayed::NotSentYet(sequence));
        }
        self.parked.retain(|parked| parked.sequence != sequence);
        if self.parked.len() >= PARKED_MAX {
            return Err(NotReplayed::Full);
        }
        self.park(Parked { sequence, failures: 0, first_at_s: now, due_at_s: now });
        Ok(self)
    }

    /// Parks an event, in order.
    pub(super) fn park(&mut self, parked: Parked) {
        let at = self.parked.partition_point(|other| other.sequence < parked.sequence);
        self.parked.insert(at, parked);
    }
}
