//! Where a debit stands, and why one is given up.

use std::fmt;

use serde::{Deserialize, Serialize};
use steelyard_pricing::Fen;

use crate::GatewayCode;

/// Where a debit stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum Phase {
    /// To be asked for when it falls due: never asked yet, or declined, or proved not to have
    /// arrived.
    Due,
    /// Stored, and about to be asked or just asked. Found so later, it is in doubt.
    Sending,
    /// Asked, and nobody knows. Only a query resolves it.
    InDoubt {
        /// Why nobody knows.
        why: String,
    },
    /// Not tried any more; the gateway is asked whether the attempt is really unpaid.
    Exhausting {
        /// Whether the gateway was asked to close it before.
        close_sent: bool,
        /// Why it is given up.
        #[serde(default, skip_serializing_if = "GivenUp::is_for_funds")]
        given_up: GivenUp,
    },
    /// Not tried any more and unpaid; to be closed at the gateway.
    Closing {
        /// Why it is given up.
        #[serde(default, skip_serializing_if = "GivenUp::is_for_funds")]
        given_up: GivenUp,
    },
    /// What it came to contradicts what is recorded. Nothing is done to it until a person resolves
    /// it; what it reserved stays reserved.
    Held {
        /// What contradicts what.
        why: String,
        /// Whether a person wants the gateway asked what became of it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        ask: bool,
        /// What the gateway said when a person last had it asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        found: Option<String>,
    },
    /// The money was taken.
    Paid {
        /// The gateway's number of the trade.
        trade_no: String,
        /// What it took: what was asked for.
        taken_fen: Fen,
    },
    /// Given up; proved that nothing was taken.
    Exhausted {
        /// Why it was given up.
        #[serde(default, skip_serializing_if = "GivenUp::is_for_funds")]
        given_up: GivenUp,
    },
}

/// Why a debit is given up.
///
/// A debit that was stored before there was more than one reason is given up for want of funds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "because", content = "code", rename_all = "snake_case")]
pub enum GivenUp {
    /// The payer had too little on each of the days on which it was tried.
    #[default]
    Funds,
    /// The amount is above a limit of the product or the agreement, and would be again.
    AmountCap(GatewayCode),
    /// The gateway allowed it on none of the days on which it was tried.
    Window(GatewayCode),
    /// The agreement or its payer is not there any more.
    MandateDead(GatewayCode),
    /// The payer's account is blocked or at risk.
    PayerBlocked(GatewayCode),
}

/// What to do with a debit now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing: it is not due, or held, or it has ended.
    Wait,
    /// Store [`crate::Debit::sending`], then ask for the money.
    Pay,
    /// Ask what became of the attempt.
    Query,
    /// Close the attempt.
    Close,
}

impl GivenUp {
    /// Whether no other debit under the same mandate can do better.
    #[must_use]
    pub const fn ends_mandate(&self) -> bool {
        match self {
            GivenUp::MandateDead(_) | GivenUp::PayerBlocked(_) => true,
            GivenUp::Funds | GivenUp::AmountCap(_) | GivenUp::Window(_) => false,
        }
    }

    const fn is_for_funds(&self) -> bool {
        match self {
            GivenUp::Funds => true,
            GivenUp::AmountCap(_)
            | GivenUp::Window(_)
            | GivenUp::MandateDead(_)
            | GivenUp::PayerBlocked(_) => false,
        }
    }
}

impl fmt::Display for GivenUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (why, code) = match self {
            GivenUp::Funds => return f.write_str("too little money on each day"),
            GivenUp::AmountCap(code) => ("the amount is above a limit", code),
            GivenUp::Window(code) => ("too many debits or too soon, on each day", code),
            GivenUp::MandateDead(code) => ("the mandate is dead", code),
            GivenUp::PayerBlocked(code) => ("the payer is blocked", code),
        };
        write!(f, "{why}: {}", code.0)
    }
}
