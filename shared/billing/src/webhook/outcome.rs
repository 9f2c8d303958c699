//! How a delivery ended.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How one request to an endpoint ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It answered with a status of 200 to 299.
    Delivered,
    /// It answered 410 Gone: it wants no more events.
    Gone,
    /// It answered with another status. One of 300 to 399 is a redirect, which is not followed.
    Status(u16),
    /// It did not answer in time.
    TimedOut,
    /// Its address is not one to which events may be sent.
    NotAllowed(String),
    /// It could not be reached, or broke off.
    Unreachable(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Delivered => f.write_str("delivered"),
            Outcome::Gone => f.write_str("410 Gone"),
            Outcome::Status(status @ 300..=399) => {
                write!(f, "status {status}: redirects are not followed")
            }
            Outcome::Status(status) => write!(f, "status {status}"),
            Outcome::TimedOut => f.write_str("no answer in time"),
            Outcome::NotAllowed(why) | Outcome::Unreachable(why) => f.write_str(why),
        }
    }
}

/// What was sent to an endpoint last, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastDelivery {
    /// The number of the event.
    pub sequence: u64,
    /// When, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub at_s: Timestamp,
    /// The outcome, by which the next delivery is timed.
    pub outcome: Outcome,
}
