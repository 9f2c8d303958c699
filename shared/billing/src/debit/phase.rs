//! The phase of a debit, and why one is given up.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::GatewayCode;

/// The phase of a debit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum Phase {
    /// To be sent at its due time: never sent yet, declined, or proved not to have arrived.
    Due,
    /// Stored, and about to be sent or just sent. A debit found in this phase later is in doubt.
    Sending,
    /// Sent, and the result is unknown. Only a query resolves it.
    InDoubt {
        /// Why the result is unknown.
        why: String,
    },
    /// No longer sent. A query comes before the close, since an earlier request may have taken
    /// the money.
    Checking {
        /// Why it is given up.
        why: GiveUpReason,
    },
    /// No longer sent, and to be closed at the gateway.
    Closing {
        /// Why it is given up.
        why: GiveUpReason,
    },
    /// The gateway received the close. A query has to confirm that nothing was taken.
    Confirming {
        /// Why it is given up.
        why: GiveUpReason,
    },
    /// The gateway's answer contradicts what is recorded. Nothing happens to it until a person
    /// resolves it, and what it reserved stays reserved.
    Held {
        /// The contradiction, as a sentence for the person.
        why: String,
        /// The gateway's answer when a person last had it queried.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        found: Option<String>,
    },
    /// Held, and to be queried because a person asked for it.
    Rechecking {
        /// The contradiction, as a sentence for the person.
        why: String,
        /// The gateway's answer when a person last had it queried.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        found: Option<String>,
    },
    /// The money was taken.
    Paid {
        /// The attempt that took it, from 1.
        attempt: u16,
        /// When that was booked, in seconds of Unix time.
        #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
        at_s: Timestamp,
    },
    /// Given up; it is proved that nothing was taken.
    GivenUp {
        /// Why it was given up.
        why: GiveUpReason,
    },
    /// Ended before it was sent: nothing was owed by then, or no mandate was left to collect it.
    Withdrawn,
}

/// Why a debit is given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "because", content = "code", rename_all = "snake_case")]
pub enum GiveUpReason {
    /// The payer had too little on each of the days on which it was tried.
    Funds,
    /// The amount is above a limit of the product or the agreement, and would be again.
    AmountCap(GatewayCode),
    /// The gateway allowed it on none of the days on which it was tried.
    Window(GatewayCode),
    /// The agreement or its payer no longer exists.
    MandateDead(GatewayCode),
    /// The payer's account is blocked or at risk.
    PayerBlocked(GatewayCode),
    /// A person gave it up.
    ByOperator,
}

/// The next step of a debit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing: it is not due, or it has ended.
    Wait,
    /// Store [`crate::Debit::sending`], then send the request.
    Pay,
    /// Query the attempt.
    Query,
    /// Close the attempt.
    Close,
    /// Report that a person must resolve it. Once a day, for as long as it is held.
    Report,
}

impl GiveUpReason {
    /// Whether no other debit under the same mandate can do better.
    #[must_use]
    pub const fn ends_mandate(&self) -> bool {
        match self {
            GiveUpReason::MandateDead(_) | GiveUpReason::PayerBlocked(_) => true,
            GiveUpReason::Funds
            | GiveUpReason::AmountCap(_)
            | GiveUpReason::Window(_)
            | GiveUpReason::ByOperator => false,
        }
    }
}

/// The state as people see it.
impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Phase::Due => "due",
            Phase::Sending => "sending",
            Phase::InDoubt { .. } => "in doubt",
            Phase::Checking { .. } | Phase::Closing { .. } | Phase::Confirming { .. } => {
                "giving up"
            }
            Phase::Held { .. } | Phase::Rechecking { .. } => "held",
            Phase::Paid { .. } => "paid",
            Phase::GivenUp { .. } => "given up",
            Phase::Withdrawn => "withdrawn",
        })
    }
}

impl fmt::Display for GiveUpReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (why, code) = match self {
            GiveUpReason::Funds => return f.write_str("too little money on each day"),
            GiveUpReason::ByOperator => return f.write_str("given up by a person"),
            GiveUpReason::AmountCap(code) => ("the amount is above a limit", code),
            GiveUpReason::Window(code) => ("not allowed on any of the days", code),
            GiveUpReason::MandateDead(code) => ("the mandate is dead", code),
            GiveUpReason::PayerBlocked(code) => ("the payer is blocked", code),
        };
        write!(f, "{why}: {}", code.0)
    }
}
