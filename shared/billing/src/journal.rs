//! The journal: immutable, balanced records of money movements. The account follows from it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use steelyard_pricing::{Fen, MoneyError};
use thiserror::Error;

use crate::{DebitId, ProviderId, RechargeId, Reference, RefundRef, StatementId};

/// A ledger of a provider's money.
///
/// A positive posting debits the ledger and a negative one credits it, so that an entry's postings
/// sum to zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ledger {
    /// Paid in advance and not used: we owe it, so it is credited when it grows.
    Prepaid,
    /// Owed by the provider, and not being collected.
    Receivable,
    /// Owed by the provider, and being collected by the open debit.
    Reserved,
    /// Money earned by charges: the platform's income.
    Revenue,
    /// Taken by Alipay for us, and not given back.
    Alipay,
    /// Promised back to the provider, and not given back yet: we owe it, so it is credited when it
    /// grows.
    Refunding,
    /// Given back of what was charged, by our own decision.
    Goodwill,
    /// Received by other ways, such as a bank transfer.
    Bank,
    /// Held as the provider's deposit: we owe it, so it is credited when it grows. No charge and no
    /// debit touches it.
    Deposit,
}

/// An amount on one ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posting {
    /// The ledger whose sum it changes.
    pub ledger: Ledger,
    /// Positive to debit, negative to credit; never zero.
    pub amount_fen: Fen,
}

/// The cause of a movement of money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "snake_case")]
pub enum Cause {
    /// A statement charged it.
    Charged {
        /// The statement that charged it.
        statement: StatementId,
    },
    /// A debit was first sent: its amount is reserved.
    DebitSent {
        /// The debit that reserves the amount.
        debit: DebitId,
    },
    /// A debit took it.
    DebitPaid {
        /// The debit that took the money.
        debit: DebitId,
        /// The gateway's number of the trade.
        trade_no: String,
    },
    /// A sent debit was given up: its amount is owed as before.
    DebitGivenUp {
        /// The debit that released the amount.
        debit: DebitId,
    },
    /// The provider paid in advance.
    Recharged {
        /// The payer's or the operator's reference; each counts once.
        reference: Reference,
    },
    /// The provider paid in advance through Alipay.
    RechargePaid {
        /// The recharge that was paid.
        recharge: RechargeId,
        /// The gateway's number of the trade.
        trade_no: String,
    },
    /// A payment came to light for an attempt of a debit that was thought dead.
    DebitFound {
        /// The debit that had ended otherwise.
        debit: DebitId,
        /// The attempt that was paid, from 1.
        attempt: u16,
        /// The gateway's number of the trade.
        trade_no: String,
    },
    /// An operator decided to give money back; it is not given back yet.
    RefundAsked(RefundRef),
    /// The gateway gave it back.
    RefundDone(RefundRef),
    /// The gateway refused to give it back.
    RefundRefused(RefundRef),
    /// The gateway gave money back that we did not ask it to give back.
    Reversed(RefundRef),
    /// Money of the deposit moved.
    Deposit(DepositMovement),
}

/// Why money of a provider's deposit moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "movement", rename_all = "snake_case")]
pub enum DepositMovement {
    /// The provider paid it through Alipay.
    Paid {
        /// The recharge by which it was paid.
        recharge: RechargeId,
        /// The gateway's number of the trade.
        trade_no: String,
    },
    /// The provider paid it by a bank transfer.
    Transferred {
        /// The payer's or the operator's reference; each counts once.
        reference: Reference,
    },
    /// It paid what the provider owed.
    Drawn {
        /// The rule or the person that drew it.
        because: DrawReason,
    },
    /// It is to be returned through Alipay; it is not returned yet.
    ReturnAsked(RefundRef),
    /// The gateway returned it.
    Returned(RefundRef),
    /// The gateway refused to return it: it is held as before.
    ReturnRefused(RefundRef),
    /// It was returned by a bank transfer.
    SentBack {
        /// The operator's reference; each counts once.
        reference: Reference,
    },
    /// The gateway gave a payment of it back that we did not ask it to give back.
    Reversed(RefundRef),
}

/// Why a deposit is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum DrawReason {
    /// By rule: a debit for the debt was given up.
    GivenUp,
    /// A person decided it.
    Decided,
    /// The deposit was to be returned, and what was owed was paid from it first.
    Returning,
}

/// One immutable, balanced record of a money movement of one provider.
///
/// Guarantees that its postings sum to zero.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "EntryRecord", into = "EntryRecord")]
pub struct Entry(EntryRecord);

/// An entry as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryRecord {
    /// The provider whose money moved.
    pub provider: ProviderId,
    /// The entry's number among the provider's, from 1 without a gap.
    pub number: u64,
    /// When it was recorded, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub recorded_at_s: Timestamp,
    /// The cause of the movement.
    #[serde(flatten)]
    pub cause: Cause,
    /// The postings, which sum to zero.
    pub postings: Vec<Posting>,
}

/// Why an entry is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum JournalError {
    /// The postings do not sum to zero.
    #[error("the postings of entry {number} sum to {sum} and not to zero")]
    Unbalanced {
        /// The entry's number.
        number: u64,
        /// The sum of the postings, in fen.
        sum: Fen,
    },
    /// An amount leaves its range.
    #[error("cannot sum the postings")]
    Money(#[from] MoneyError),
}

impl Cause {
    /// The debit that it is of, if it is of one.
    #[must_use]
    pub fn debit(&self) -> Option<DebitId> {
        match self {
            Cause::DebitSent { debit, .. }
            | Cause::DebitPaid { debit, .. }
            | Cause::DebitGivenUp { debit, .. }
            | Cause::DebitFound { debit, .. } => Some(*debit),
            Cause::Charged { .. }
            | Cause::Recharged { .. }
            | Cause::RechargePaid { .. }
            | Cause::RefundAsked(_)
            | Cause::RefundDone(_)
            | Cause::RefundRefused(_)
            | Cause::Reversed(_)
            | Cause::Deposit(_) => None,
        }
    }

    /// Whether the provider paid its deposit in.
    pub(crate) fn pays_deposit(&self) -> bool {
        match self {
            Cause::Deposit(DepositMovement::Paid { .. } | DepositMovement::Transferred { .. }) => {
                true
            }
            Cause::Deposit(
                DepositMovement::Drawn { .. }
                | DepositMovement::ReturnAsked(_)
                | DepositMovement::Returned(_)
                | DepositMovement::ReturnRefused(_)
                | DepositMovement::SentBack { .. }
                | DepositMovement::Reversed(_),
            )
            | Cause::Charged { .. }
            | Cause::DebitSent { .. }
            | Cause::DebitPaid { .. }
            | Cause::DebitGivenUp { .. }
            | Cause::Recharged { .. }
            | Cause::RechargePaid { .. }
            | Cause::DebitFound { .. }
            | Cause::RefundAsked(_)
            | Cause::RefundDone(_)
            | Cause::RefundRefused(_)
            | Cause::Reversed(_) => false,
        }
    }
}

impl Entry {
    /// The record of the entry: its number, time, cause and postings.
    #[must_use]
    pub fn record(&self) -> &EntryRecord {
        &self.0
    }

    /// The sum of the postings on one ledger.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when it leaves its range.
    pub fn moved(&self, ledger: Ledger) -> Result<Fen, MoneyError> {
        Fen::sum(
            self.0
                .postings
                .iter()
                .filter(|posting| posting.ledger == ledger)
                .map(|posting| posting.amount_fen),
        )
    }

    /// How much more is owed after it; negative if less is.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when it leaves its range.
    pub fn owed_more(&self) -> Result<Fen, MoneyError> {
        self.moved(Ledger::Receivable)?.plus(self.moved(Ledger::Reserved)?)
    }

    /// What debits gave up of what is owed after it, if that was `before` before it. Whatever pays
    /// or requests what is owed takes the oldest first, which debits gave up.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when it leaves its range.
    pub(crate) fn given_up_after(&self, before: Fen) -> Result<Fen, MoneyError> {
        let owed = self.moved(Ledger::Receivable)?;
        match self.0.cause {
            Cause::DebitGivenUp { .. } => before.plus(owed),
            Cause::Charged { .. }
            | Cause::DebitSent { .. }
            | Cause::DebitPaid { .. }
            | Cause::Recharged { .. }
            | Cause::RechargePaid { .. }
            | Cause::DebitFound { .. }
            | Cause::RefundAsked(_)
            | Cause::RefundDone(_)
            | Cause::RefundRefused(_)
            | Cause::Reversed(_)
            | Cause::Deposit(_) => Ok(before.plus(owed.min(Fen::ZERO))?.max(Fen::ZERO)),
        }
    }
}

impl TryFrom<EntryRecord> for Entry {
    type Error = JournalError;

    fn try_from(record: EntryRecord) -> Result<Entry, JournalError> {
        let sum = Fen::sum(record.postings.iter().map(|posting| posting.amount_fen))?;
        if !sum.is_zero() {
            return Err(JournalError::Unbalanced { number: record.number, sum });
        }
        Ok(Entry(record))
    }
}

impl From<Entry> for EntryRecord {
    fn from(entry: Entry) -> EntryRecord {
        entry.0
    }
}
