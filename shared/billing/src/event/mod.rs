//! Events: what happened to a provider's money, or to the platform's runs, that receivers may wait
//! for. Pure: each follows from a stored record before and after a change, so that the same change
//! gives the same event again.

mod change;
mod cloud;
mod data;
mod standing;

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

pub use change::{Change, Changed, Collecting, EventError};
pub use cloud::{CloudEvent, SPEC_VERSION};
pub use data::{
    AdjustmentMade, AlertChanged, BreakerClosed, BreakerOpened, DebitDeclined, DebitGivenUp,
    DebitHeld, DebitPaid, DebitScheduled, DepositMoved, DepositRequired, EndpointDisabled,
    EventData, MandateChanged, MandateEnded, MandateSuspended, MoneyFound, MoneyReversed,
    PriceAnnounced, PriceEffect, RechargeEnded, ReconciliationDone, RefundEnded,
    SettlementFinished, SettlementLate, StandingChanged, StatementSettled, UnpricedApi,
    UsageRefused, UsageUnpriced,
};

use crate::{IdError, ProviderId, hex};

/// A change that endpoints and the bus get, once, under an id that its record makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its name: the same change of the same record has the same.
    pub id: EventId,
    /// The subject in whose feed it stands.
    pub subject: Subject,
    /// When it happened, as far as the record says, and otherwise when it was noticed, in seconds
    /// of Unix time.
    pub at_s: Timestamp,
    /// The type and the content.
    pub data: EventData,
}

/// An event as it is stored and as it leaves: what it says never changes, whatever later versions
/// would say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredEvent {
    /// The id, which the record makes.
    pub id: EventId,
    /// The subject in whose feed it stands.
    pub subject: Subject,
    /// Counts the events of the subject, from 1 without a gap.
    pub sequence: u64,
    /// Its type, such as `statement.settled`.
    pub kind: String,
    /// When it happened, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub at_s: Timestamp,
    /// The event as a [`CloudEvent`], in JSON.
    pub document: String,
}

/// The subject of an event: a provider, or the platform itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub enum Subject {
    /// A provider, whose endpoints get the event.
    Provider(ProviderId),
    /// The platform: what its operators wait for.
    Platform,
}

/// The name of an event: `evt_` and 32 hexadecimal digits.
///
/// It is a digest of the record and of what happened to it, so that an event which is sent again is
/// recognised. It holds no full stop, which separates it from the rest in what a webhook's
/// signature is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub struct EventId(String);

/// The text is no name of an event.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is not an event's id: `evt_` and 32 hexadecimal digits")]
pub struct EventIdError(String);

/// The text of the subject that is the platform. No provider has such an id.
const PLATFORM: &str = "#platform";

impl Subject {
    /// The provider, if it is one.
    #[must_use]
    pub fn provider(&self) -> Option<&ProviderId> {
        match self {
            Subject::Provider(provider) => Some(provider),
            Subject::Platform => None,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Provider(provider) => provider.fmt(f),
            Subject::Platform => f.pad(PLATFORM),
        }
    }
}

impl FromStr for Subject {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Subject, IdError> {
        match text {
            PLATFORM => Ok(Subject::Platform),
            provider => provider.parse().map(Subject::Provider),
        }
    }
}

impl TryFrom<String> for Subject {
    type Error = IdError;

    fn try_from(text: String) -> Result<Subject, IdError> {
        text.parse()
    }
}

impl From<Subject> for String {
    fn from(subject: Subject) -> String {
        subject.to_string()
    }
}

impl Event {
    /// The event of a record, which its type and `record` name among those of its subject.
    pub(crate) fn of_record(
        subject: Subject,
        at_s: Timestamp,
        data: EventData,
        record: &[String],
    ) -> Event {
        Event { id: EventId::of(data.kind(), &subject, record), subject, at_s, data }
    }
}

impl EventId {
    const PREFIX: &'static str = "evt_";
    const DIGITS: usize = 32;

    /// The name of what happened to a record.
    fn of(kind: &str, subject: &Subject, record: &[String]) -> EventId {
        let mut digest = Sha256::new();
        // Each part ends with a byte that no part holds.
        for part in
            [kind, &subject.to_string()].into_iter().chain(record.iter().map(String::as_str))
        {
            digest.update(part.as_bytes());
            digest.update([0]);
        }
        EventId(format!("{}{}", Self::PREFIX, hex(&digest.finalize(), Self::DIGITS / 2)))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EventId {
    type Err = EventIdError;

    fn from_str(text: &str) -> Result<EventId, EventIdError> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        match text.strip_prefix(Self::PREFIX) {
            Some(digits) if digits.len() == Self::DIGITS && digits.bytes().all(is_digit) => {
                Ok(EventId(text.to_owned()))
            }
            Some(_) | None => Err(EventIdError(text.to_owned())),
        }
    }
}

impl TryFrom<String> for EventId {
    type Error = EventIdError;

    fn try_from(text: String) -> Result<EventId, EventIdError> {
        text.parse()
    }
}

impl From<EventId> for String {
    fn from(id: EventId) -> String {
        id.0
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
