//! What is owed, by when it was charged: whatever is paid pays the oldest first.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use steelyard_pricing::{Fen, MoneyError};

/// What a provider owes, by when it was charged. It sums to the receivable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unpaid {
    /// When the provider began to owe, in seconds of Unix time; none while it owes nothing.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "jiff::fmt::serde::timestamp::second::optional"
    )]
    since_s: Option<Timestamp>,
    /// The charges that are not paid, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    charges: Vec<UnpaidCharge>,
}

/// What is not paid of a charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnpaidCharge {
    /// When it was charged, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub charged_at_s: Timestamp,
    /// What of it is not paid.
    pub amount_fen: Fen,
}

/// How many charges are told apart. Younger ones are taken together, as if all of them were the
/// youngest.
const CHARGES_MAX: usize = 100;

impl Unpaid {
    /// Whether nothing is owed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.charges.is_empty()
    }

    /// When the provider began to owe; none while it owes nothing.
    #[must_use]
    pub fn since(&self) -> Option<Timestamp> {
        self.since_s
    }

    /// The charges, the oldest first.
    #[must_use]
    pub fn charges(&self) -> &[UnpaidCharge] {
        &self.charges
    }

    /// What is owed.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when it leaves its range.
    pub fn sum(&self) -> Result<Fen, MoneyError> {
        Fen::sum(self.charges.iter().map(|charge| charge.amount_fen))
    }

    /// What is left of it when something pays.
    pub(crate) fn less(&self, amount: Fen) -> Result<Unpaid, MoneyError> {
        let mut after = self.clone();
        after.pay(amount)?;
        Ok(after)
    }

    /// After more was charged, or something was paid, if `change` is negative.
    pub(crate) fn after(&self, change: Fen, now: Timestamp) -> Result<Unpaid, MoneyError> {
        if !change.is_positive() {
            return self.less(change.negated()?);
        }
        let mut after = self.clone();
        after.charge(change, now)?;
        Ok(after)
    }

    fn charge(&mut self, amount_fen: Fen, now: Timestamp) -> Result<(), MoneyError> {
        // As it is stored, so that what is read is compared with the same.
        let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
        // A clock that went back does not make a charge older than those before it.
        let now = self.charges.last().map_or(now, |last| now.max(last.charged_at_s));
        self.since_s.get_or_insert(now);
        let is_full = self.charges.len() >= CHARGES_MAX;
        match self.charges.last_mut().filter(|last| is_full || last.charged_at_s == now) {
            Some(last) => {
                last.amount_fen = last.amount_fen.plus(amount_fen)?;
                last.charged_at_s = now;
            }
            None => self.charges.push(UnpaidCharge { charged_at_s: now, amount_fen }),
        }
        Ok(())
    }

    fn pay(&mut self, amount: Fen) -> Result<(), MoneyError> {
        let mut left = amount;
        for charge in &mut self.charges {
            let paid = left.min(charge.amount_fen);
            charge.amount_fen = charge.amount_fen.minus(paid)?;
            left = left.minus(paid)?;
        }
        self.charges.retain(|charge| !charge.amount_fen.is_zero());
        if self.charges.is_empty() {
            self.since_s = None;
        }
        Ok(())
    }
}
