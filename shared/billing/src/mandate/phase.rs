//! Where a mandate stands, why it is suspended, and why it ends.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{DebitId, GiveUpReason, MandateId, Reason};

/// The phase of a mandate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum MandatePhase {
    /// Offered to the provider, and not known to be signed.
    Offered,
    /// Signed: debits can be made under it.
    Active,
    /// Signed, and no debit is made under it for now.
    Suspended {
        /// Since when, in seconds of Unix time.
        #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
        since_s: Timestamp,
        /// The cause, by which it may be resumed.
        why: Suspension,
    },
    /// To be ended at the gateway, by us. No further debit is made under it.
    Ending {
        /// The reason that the end will have.
        why: EndReason,
    },
    /// The gateway answered that there is nothing to end. A query has to confirm it.
    ConfirmingEnd {
        /// The reason that the end will have.
        why: EndReason,
    },
    /// Over for good. A provider that wants to be debited again signs a new one.
    Ended {
        /// Since when, as far as is known, in seconds of Unix time.
        #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
        at_s: Timestamp,
        /// The reason for the end.
        why: EndReason,
    },
}

/// Why no debit is made under a mandate for now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Suspension {
    /// The gateway says so. When it says that the agreement is in force again, it is.
    #[serde(rename = "gateway")]
    ByGateway,
    /// A debit found the payer blocked, or the agreement dead though the gateway says that it is
    /// in force. A person resumes it.
    #[serde(rename = "debit")]
    ByDebit {
        /// The debit that found it out.
        debit: DebitId,
        /// Why that debit was given up.
        given_up: GiveUpReason,
    },
}

/// The reason for a mandate's end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "because", rename_all = "snake_case")]
pub enum EndReason {
    /// The provider ended it at the gateway, as payers may at any time.
    RevokedByProvider,
    /// The provider ended it here: on its pages, or by one of the platform's servers. The action
    /// names the session or the server.
    RevokedHereByProvider,
    /// A person of the platform ended it.
    RevokedHere {
        /// Why, in the person's words.
        reason: Reason,
    },
    /// The time for which it was signed was over.
    Expired,
    /// The provider signed another.
    Replaced {
        /// The mandate that took its place.
        by: MandateId,
    },
    /// The offer lapsed without a signature.
    NotSigned,
}

/// What to do about a mandate now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MandateStep {
    /// Nothing is due now.
    Wait,
    /// Ask the gateway how it stands.
    Query,
    /// Ask the gateway to end it.
    Unsign,
}

/// The state as people see it, and why.
impl fmt::Display for MandatePhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MandatePhase::Offered => f.write_str("offered"),
            MandatePhase::Active => f.write_str("active"),
            MandatePhase::Suspended { why: Suspension::ByGateway, .. } => {
                f.write_str("suspended at Alipay")
            }
            MandatePhase::Suspended { why: Suspension::ByDebit { debit, given_up }, .. } => {
                write!(f, "suspended, debit {debit}: {given_up}")
            }
            MandatePhase::Ending { why } | MandatePhase::ConfirmingEnd { why } => {
                write!(f, "ending, {why}")
            }
            MandatePhase::Ended { why, .. } => write!(f, "ended, {why}"),
        }
    }
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EndReason::RevokedByProvider => f.write_str("revoked by the provider"),
            EndReason::RevokedHereByProvider => f.write_str("revoked here by the provider"),
            EndReason::RevokedHere { reason } => write!(f, "revoked here: {reason}"),
            EndReason::Expired => f.write_str("expired"),
            EndReason::Replaced { by } => write!(f, "replaced by mandate {by}"),
            EndReason::NotSigned => f.write_str("never signed"),
        }
    }
}
