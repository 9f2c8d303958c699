//! What the accounts of a run's providers sum to, and how old what they owe is.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use steelyard_pricing::{BillingDay, Fen, MoneyError};

use crate::{Account, ProviderId, Request, Statement, still_owed};

/// What the accounts of a run's providers sum to, each as the run left it. Providers that could not
/// be read, or whose debt could not be requested, are in no sum.
///
/// When two workers take one shard at the same time, a provider may be in it twice. The next run
/// sums anew, so these figures are for an operator and not for the books.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccountSums {
    /// The sum of the prepaid balances.
    #[serde(skip_serializing_if = "Share::is_none")]
    pub prepaid: Share,
    /// The sum of the receivables.
    #[serde(skip_serializing_if = "Share::is_none")]
    pub owed: Share,
    /// The part of it that debits are collecting, from when they are sent on.
    #[serde(skip_serializing_if = "Share::is_none")]
    pub collecting: Share,
    /// The receivables, by the age of the statements that it is owed of. It sums to `owed`; a
    /// provider may owe in several ages.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub ages: BTreeMap<Age, Share>,
    /// How many providers have an open debit.
    #[serde(skip_serializing_if = "is_zero")]
    pub open_debits: u64,
    /// How many providers owe as much as when their last debit was given up.
    #[serde(skip_serializing_if = "is_zero")]
    pub given_up: u64,
    /// How many providers owe enough for a debit, and have no mandate under which it can be
    /// requested.
    #[serde(skip_serializing_if = "is_zero")]
    pub without_mandate: u64,
    /// The providers whose debits a person may have to look at, at most [`NAMED_MAX`]: what they
    /// owe is being collected since an earlier day, or their last debit was given up.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub named: BTreeSet<ProviderId>,
}

/// The most providers that the sums of a run name.
pub const NAMED_MAX: usize = 100;

/// A sum of money, and how many providers have a part in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// The number of providers that have a part in it.
    pub providers: u64,
    /// The sum of their parts, in fen.
    pub amount_fen: Fen,
}

/// How many days what is owed is overdue: a statement falls due on the day after its billing day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Age {
    /// It falls due on the day of the run, or later.
    NotDue,
    /// 1 to 7 days.
    #[serde(rename = "days_1_7")]
    ToOneWeek,
    /// 8 to 30 days.
    #[serde(rename = "days_8_30")]
    ToOneMonth,
    /// 31 to 90 days.
    #[serde(rename = "days_31_90")]
    ToThreeMonths,
    /// More than 90 days.
    #[serde(rename = "days_91")]
    Older,
    /// No statement is owed, as after a reversal of an old payment; or the statements could not be
    /// read.
    Undated,
}

impl Age {
    /// All of them, from the newest on.
    pub const ALL: [Age; 6] = [
        Age::NotDue,
        Age::ToOneWeek,
        Age::ToOneMonth,
        Age::ToThreeMonths,
        Age::Older,
        Age::Undated,
    ];

    /// The age of what is owed of a billing day, on the day after `yesterday`.
    #[must_use]
    pub fn of(day: BillingDay, yesterday: BillingDay) -> Age {
        match day.days_until(yesterday) {
            0 => Age::NotDue,
            1..=7 => Age::ToOneWeek,
            8..=30 => Age::ToOneMonth,
            31..=90 => Age::ToThreeMonths,
            _ => Age::Older,
        }
    }
}

impl AccountSums {
    /// The sums of one provider, given statements that it may still owe from the oldest to the
    /// newest. What is owed beyond them is [`Age::Undated`].
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when an amount leaves its range.
    pub fn of(
        account: &Account,
        request: Option<Request>,
        statements: &[Statement],
        yesterday: BillingDay,
    ) -> Result<AccountSums, MoneyError> {
        let figures = &account.figures;
        let counted = |is: Request| u64::from(request == Some(is));
        let is_named = figures.reserved().is_positive() || request == Some(Request::GivenUp);
        Ok(AccountSums {
            prepaid: Share::of_one(figures.prepaid()),
            owed: Share::of_one(figures.receivable()),
            collecting: Share::of_one(figures.reserved()),
            ages: ages(statements, figures.receivable(), yesterday)?,
            open_debits: counted(Request::Open),
            given_up: counted(Request::GivenUp),
            without_mandate: counted(Request::Impossible),
            named: is_named.then(|| account.provider.clone()).into_iter().collect(),
        })
    }

    /// Whether all that is owed has a statement behind it.
    #[must_use]
    pub fn is_dated(&self) -> bool {
        !self.ages.contains_key(&Age::Undated)
    }

    /// These sums with others.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when a sum leaves its range.
    pub fn plus(&self, other: &AccountSums) -> Result<AccountSums, MoneyError> {
        let mut ages = self.ages.clone();
        for (age, share) in &other.ages {
            let sum = ages.entry(*age).or_default();
            *sum = sum.plus(*share)?;
        }
        Ok(AccountSums {
            prepaid: self.prepaid.plus(other.prepaid)?,
            owed: self.owed.plus(other.owed)?,
            collecting: self.collecting.plus(other.collecting)?,
            ages,
            open_debits: self.open_debits + other.open_debits,
            given_up: self.given_up + other.given_up,
            without_mandate: self.without_mandate + other.without_mandate,
            named: self.named.union(&other.named).take(NAMED_MAX).cloned().collect(),
        })
    }
}

impl Share {
    /// One provider's share; nobody's, if it is nothing.
    fn of_one(amount_fen: Fen) -> Share {
        Share { providers: u64::from(!amount_fen.is_zero()), amount_fen }
    }

    fn is_none(&self) -> bool {
        *self == Share::default()
    }

    fn plus(self, other: Share) -> Result<Share, MoneyError> {
        let amount_fen = self.amount_fen.plus(other.amount_fen)?;
        Ok(Share { providers: self.providers + other.providers, amount_fen })
    }
}

/// What one provider owes, by age.
fn ages(
    statements: &[Statement],
    receivable: Fen,
    yesterday: BillingDay,
) -> Result<BTreeMap<Age, Share>, MoneyError> {
    let owed = still_owed(statements, receivable)?;
    let undated = receivable.minus(Fen::sum(owed.iter().copied())?)?;
    let dated = statements.iter().zip(owed);
    let dated = dated.map(|(of, owed)| (Age::of(of.statement.day, yesterday), owed));
    let mut ages = BTreeMap::<Age, Share>::new();
    for (age, owed) in dated.chain([(Age::Undated, undated)]) {
        if owed.is_positive() {
            let share = ages.entry(age).or_default();
            *share = Share { providers: 1, amount_fen: share.amount_fen.plus(owed)? };
        }
    }
    Ok(ages)
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}
