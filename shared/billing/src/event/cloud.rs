//! Events as CloudEvents, the form in which they leave.

use jiff::Timestamp;
use serde::Serialize;

use super::{Event, EventData, EventId, Subject};
use crate::Realm;

/// The version of CloudEvents.
pub const SPEC_VERSION: &str = "1.0";

/// An event in the JSON form of CloudEvents 1.0, with its extension `sequence`.
///
/// Source: the CNCF's specification of CloudEvents 1.0.2, its JSON format, and its extension for
/// sequences.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CloudEvent<'e> {
    /// The version of CloudEvents: [`SPEC_VERSION`].
    pub specversion: &'static str,
    /// The event's name; with the source it is unique everywhere.
    pub id: &'e EventId,
    /// The deployment: `/steelyard/` and its realm.
    pub source: String,
    /// The subject of the event: a provider's id, or `#platform`.
    pub subject: &'e Subject,
    /// The time at which it happened, in UTC.
    pub time: Timestamp,
    /// Its number among those of its subject, from 1 without a gap.
    pub sequence: String,
    /// That the sequence is a number.
    pub sequencetype: &'static str,
    /// The form of the data.
    pub datacontenttype: &'static str,
    /// Its type and its data.
    #[serde(flatten)]
    pub data: &'e EventData,
}

impl Event {
    /// The event as it leaves a deployment, with its number among those of its subject.
    #[must_use]
    pub fn cloud_event(&self, sequence: u64, realm: &Realm) -> CloudEvent<'_> {
        CloudEvent {
            specversion: SPEC_VERSION,
            id: &self.id,
            source: format!("/steelyard/{}", realm.as_str()),
            subject: &self.subject,
            time: self.at_s,
            sequence: sequence.to_string(),
            sequencetype: "Integer",
            datacontenttype: "application/json",
            data: &self.data,
        }
    }
}
