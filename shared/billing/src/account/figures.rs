//! What a provider has paid in advance and what it owes, as the sums of its journal entries.

use serde::{Deserialize, Serialize};
use steelyard_pricing::{Fen, MoneyError};

use super::AccountError;
use crate::is_zero;
use crate::journal::{Entry, Ledger};

/// What a provider has paid in advance, what it owes, and its deposit.
///
/// Guarantees `prepaid ≥ 0`, `0 ≤ reserved ≤ receivable`, `deposit ≥ 0`, and that nobody has
/// prepaid money and an unreserved receivable at the same time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "FiguresRecord", into = "FiguresRecord")]
pub struct Figures(FiguresRecord);

/// The figures as they are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FiguresRecord {
    prepaid_fen: Fen,
    receivable_fen: Fen,
    reserved_fen: Fen,
    /// Absent from accounts that hold none.
    #[serde(default, skip_serializing_if = "is_zero")]
    deposit_fen: Fen,
}

impl Figures {
    /// Money paid in advance and not used.
    #[must_use]
    pub const fn prepaid(&self) -> Fen {
        self.0.prepaid_fen
    }

    /// Money owed and not paid.
    #[must_use]
    pub const fn receivable(&self) -> Fen {
        self.0.receivable_fen
    }

    /// The part of the receivable that an open debit is collecting.
    #[must_use]
    pub const fn reserved(&self) -> Fen {
        self.0.reserved_fen
    }

    /// Money held as the provider's deposit.
    #[must_use]
    pub const fn deposit(&self) -> Fen {
        self.0.deposit_fen
    }

    /// The part of the receivable that no debit is collecting.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] never in practice: it lies between nothing and the receivable.
    pub fn unreserved(&self) -> Result<Fen, MoneyError> {
        self.0.receivable_fen.minus(self.0.reserved_fen)
    }

    /// The figures after an entry.
    ///
    /// # Errors
    ///
    /// [`AccountError::Rules`] or [`AccountError::NegativeDeposit`] when the entry would break
    /// them.
    pub fn after(&self, entry: &Entry) -> Result<Figures, AccountError> {
        let reserved_fen = self.reserved().plus(entry.moved(Ledger::Reserved)?)?;
        let unreserved = self.unreserved()?.plus(entry.moved(Ledger::Receivable)?)?;
        Figures::try_from(FiguresRecord {
            prepaid_fen: self.prepaid().minus(entry.moved(Ledger::Prepaid)?)?,
            receivable_fen: unreserved.plus(reserved_fen)?,
            reserved_fen,
            deposit_fen: self.deposit().minus(entry.moved(Ledger::Deposit)?)?,
        })
    }

    /// The figures before an entry, of those after it.
    ///
    /// # Errors
    ///
    /// [`AccountError::Rules`] or [`AccountError::NegativeDeposit`] when they would break the
    /// rules: the entry did not lead to these.
    pub fn before(&self, entry: &Entry) -> Result<Figures, AccountError> {
        let reserved_fen = self.reserved().minus(entry.moved(Ledger::Reserved)?)?;
        let unreserved = self.unreserved()?.minus(entry.moved(Ledger::Receivable)?)?;
        Figures::try_from(FiguresRecord {
            prepaid_fen: self.prepaid().plus(entry.moved(Ledger::Prepaid)?)?,
            receivable_fen: unreserved.plus(reserved_fen)?,
            reserved_fen,
            deposit_fen: self.deposit().plus(entry.moved(Ledger::Deposit)?)?,
        })
    }
}

impl TryFrom<FiguresRecord> for Figures {
    type Error = AccountError;

    fn try_from(record: FiguresRecord) -> Result<Figures, AccountError> {
        let FiguresRecord { prepaid_fen, receivable_fen, reserved_fen, deposit_fen } = record;
        if deposit_fen.is_negative() {
            return Err(AccountError::NegativeDeposit(deposit_fen));
        }
        let negative = prepaid_fen.is_negative() || reserved_fen.is_negative();
        let holds_both = prepaid_fen.is_positive() && receivable_fen > reserved_fen;
        if negative || reserved_fen > receivable_fen || holds_both {
            return Err(AccountError::Rules {
                prepaid: prepaid_fen,
                receivable: receivable_fen,
                reserved: reserved_fen,
            });
        }
        Ok(Figures(record))
    }
}

impl From<Figures> for FiguresRecord {
    fn from(figures: Figures) -> FiguresRecord {
        figures.0
    }
}
