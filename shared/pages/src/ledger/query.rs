//! What of the ledger is asked for, as it stands in the address.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use thiserror::Error;
use utoipa::ToSchema;

/// The part of the ledger that is listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LedgerKind {
    /// The movements of money.
    #[default]
    All,
    /// The debits, with their attempts.
    Debits,
    /// Recharges, open and ended ones.
    Recharges,
    /// Refunds and reversals.
    Refunds,
}

/// The number before which records are asked for: those of older ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Before(pub u64);

/// A checked request for a page of the ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LedgerQuery {
    /// The part that is listed.
    pub kind: LedgerKind,
    /// Only what is older than this number of an entry, a debit or a recharge.
    pub before: Option<Before>,
}

/// Why a text asks for nothing of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LedgerQueryError {
    /// There is no such part.
    #[error("`{0}` is not `all`, `debits`, `recharges` or `refunds`")]
    Kind(String),
    /// It is not the number of a record.
    #[error("`{0}` is not a number from 1 on")]
    Before(String),
}

impl LedgerKind {
    /// All of them.
    pub const ALL: [LedgerKind; 4] =
        [LedgerKind::All, LedgerKind::Debits, LedgerKind::Recharges, LedgerKind::Refunds];

    /// The word in the address.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            LedgerKind::All => "all",
            LedgerKind::Debits => "debits",
            LedgerKind::Recharges => "recharges",
            LedgerKind::Refunds => "refunds",
        }
    }
}

impl FromStr for LedgerKind {
    type Err = LedgerQueryError;

    fn from_str(text: &str) -> Result<LedgerKind, LedgerQueryError> {
        let named = LedgerKind::ALL.into_iter().find(|kind| kind.name() == text);
        named.ok_or_else(|| LedgerQueryError::Kind(text.to_owned()))
    }
}

impl FromStr for Before {
    type Err = LedgerQueryError;

    fn from_str(text: &str) -> Result<Before, LedgerQueryError> {
        let refused = || LedgerQueryError::Before(text.to_owned());
        let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number: u64 = text.parse().map_err(|_| refused())?;
        if is_plain && number > 0 { Ok(Before(number)) } else { Err(refused()) }
    }
}

impl LedgerQuery {
    /// What the values of `kind` and `before` in an address ask for; none of them has to be there.
    ///
    /// # Errors
    ///
    /// [`LedgerQueryError`] naming the value.
    pub fn parse(
        kind: Option<&str>,
        before: Option<&str>,
    ) -> Result<LedgerQuery, LedgerQueryError> {
        Ok(LedgerQuery {
            kind: kind.map_or(Ok(LedgerKind::All), str::parse)?,
            before: before.map(str::parse).transpose()?,
        })
    }

    /// Whether a record of this number is asked for.
    #[must_use]
    pub fn wants(&self, number: u64) -> bool {
        self.before.is_none_or(|before| number < before.0)
    }
}

/// As it stands in the address after `?`.
impl fmt::Display for LedgerQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "kind={}", self.kind.name())?;
        match self.before {
            Some(before) => write!(f, "&before={}", before.0),
            None => Ok(()),
        }
    }
}
