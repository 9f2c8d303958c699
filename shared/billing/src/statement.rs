//! Statements: what one provider owes for one billing day, with lines that explain it.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use steelyard_pricing::{
    BillingDay, Calls, Fen, Line, LineCause, MoneyError, Rounding, SegmentSpan, Tax, TaxBehavior,
    TermsRef, Unpriced, Usage, UsageError, Yuan,
};
use thiserror::Error;

use crate::{AdjustmentNote, CountedDays, ProviderId, adjustment};

/// Which of a provider's statements: its billing day, and a number for those that follow the last
/// day of a month with usage that came late. `2015-05-31`, `2015-05-31+1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub struct StatementId {
    /// The billing day that is settled, or the last of the month.
    pub day: BillingDay,
    /// 0 for the day's own statement, from 1 for supplements to a month's last day.
    pub supplement: u16,
}

/// What one provider owes for one billing day. Never changed once it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// The provider that owes the charge.
    pub provider: ProviderId,
    /// The day and supplement, unique among the provider's.
    pub statement: StatementId,
    /// When it was made, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub settled_at_s: Timestamp,
    /// The parts of the month up to this day, each with the terms that rate it; one, unless the
    /// terms changed inside the month.
    pub segments: Vec<SegmentSpan>,
    /// How the charge comes about.
    pub lines: Vec<Line>,
    /// Usage that no rate covers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unpriced: Vec<Unpriced>,
    /// How many usage reports there were of the statement's own day.
    #[serde(default, skip_serializing_if = "is_default")]
    pub reports: u32,
    /// The days settled before to which the late and the void lines belong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed_days: Vec<ChangedDay>,
    /// The credit and debit notes that it books beside its usage, each a line of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adjustments: Vec<AdjustmentNote>,
    /// The exact price of the month to date, without tax that is added.
    pub rated_yuan: Yuan,
    /// How it became fen; the rule is one for the whole month.
    #[serde(default, skip_serializing_if = "is_default")]
    pub rounding: Rounding,
    /// The tax that is added to the month to date.
    #[serde(default, skip_serializing_if = "is_default")]
    pub tax_fen: Fen,
    /// What the month's statements before this one charged for usage, tax included, without
    /// adjustments.
    pub charged_before_fen: Fen,
    /// The charge of this one: the rounded price of the month to date, and its tax, less what was
    /// charged before, and the adjustments.
    pub charge_fen: Fen,
    /// What of it the prepaid balance paid.
    pub from_prepaid_fen: Fen,
    /// The number of the journal entry that books the charge; none when it charges nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<u64>,
    /// The number of the provider's last debit when it was made, 0 if there was none: the debits
    /// that collect the charge are this one or later ones.
    #[serde(default, skip_serializing_if = "is_default")]
    pub last_debit: u64,
}

/// The tax of one rate on a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatementTax {
    /// The rate, and whether prices include it.
    pub tax: Tax,
    /// The charges that it is on: with the tax where prices include it, and without it where it is
    /// added.
    pub of_fen: Fen,
    /// How much of them is tax, or how much is added to them.
    pub tax_fen: Fen,
}

/// The calls of a statement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatementCalls {
    /// New calls and calls that came late.
    pub charged: Calls,
    /// Calls that were withdrawn.
    pub withdrawn: Calls,
}

/// Usage of a day that changed after it was settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedDay {
    /// The settled day whose usage changed.
    pub day: BillingDay,
    /// The usage that was reported after the settlement.
    #[serde(default, skip_serializing_if = "Usage::is_empty")]
    pub late: Usage,
    /// The usage that was withdrawn after the settlement.
    #[serde(default, skip_serializing_if = "Usage::is_empty")]
    pub void: Usage,
    /// How many usage reports there were of it now.
    pub reports: u32,
}

/// Why a text is not the id of a statement.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is not a statement such as 2015-05-17 or 2015-05-31+1")]
pub struct StatementIdError(String);

impl Statement {
    /// What statements charge together, negative for a credit.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when the sum leaves its range.
    pub fn sum_fen(statements: &[Statement]) -> Result<Fen, MoneyError> {
        Fen::sum(statements.iter().map(|statement| statement.charge_fen))
    }

    /// What it charges for usage: the charge without the adjustments.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when it leaves its range.
    pub fn usage_fen(&self) -> Result<Fen, MoneyError> {
        self.charge_fen.minus(adjustment::sum(&self.adjustments)?)
    }

    /// The taxes of its lines: those that prices include, and those that are added.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when a sum leaves its range.
    pub fn taxes(&self) -> Result<Vec<StatementTax>, MoneyError> {
        let mut taxes = Vec::<StatementTax>::new();
        for span in &self.segments {
            let Some(tax) = span.tax.filter(|tax| !tax.percent.is_zero()) else {
                continue;
            };
            let place = taxes.iter().position(|found| found.tax == tax);
            let place = place.unwrap_or_else(|| {
                taxes.push(StatementTax { tax, of_fen: Fen::ZERO, tax_fen: Fen::ZERO });
                taxes.len() - 1
            });
            let Some(found) = taxes.get_mut(place) else { continue };
            for line in self.lines.iter().filter(|line| line.segment == span.from) {
                let sum = match line.because {
                    LineCause::Tax => &mut found.tax_fen,
                    LineCause::Usage
                    | LineCause::Late
                    | LineCause::Void
                    | LineCause::Terms
                    | LineCause::Shifted
                    | LineCause::Minimum
                    | LineCause::Concession => &mut found.of_fen,
                };
                *sum = sum.plus(line.charge_fen)?;
            }
        }
        for found in &mut taxes {
            if found.tax.behavior == TaxBehavior::Inclusive {
                found.tax_fen = found.tax.within(found.of_fen)?;
            }
        }
        taxes.retain(|found| !found.of_fen.is_zero() || !found.tax_fen.is_zero());
        Ok(taxes)
    }

    /// What the lines and the adjustments charge together; equal to `charge_fen` in every statement
    /// ever made.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when the sum leaves its range.
    pub fn lines_fen(&self) -> Result<Fen, MoneyError> {
        let lines = Fen::sum(self.lines.iter().map(|line| line.charge_fen))?;
        lines.plus(adjustment::sum(&self.adjustments)?)
    }

    /// What the lines of one cause have of each API, and what no rate covers.
    ///
    /// # Errors
    ///
    /// [`UsageError`] when a sum is more than can be rated.
    pub fn apis_because(&self, cause: LineCause) -> Result<Usage, UsageError> {
        let mut sum = Usage::new();
        self.add_apis(cause, &mut sum)?;
        Ok(sum)
    }

    /// Adds what the lines of one cause have of each API, and what no rate covers.
    fn add_apis(&self, cause: LineCause, sum: &mut Usage) -> Result<(), UsageError> {
        let lines = self.lines.iter().filter(|line| line.because == cause).map(|line| &line.apis);
        let unpriced = self.unpriced.iter().filter(|unpriced| unpriced.because == cause);
        lines.chain(unpriced.map(|unpriced| &unpriced.apis)).try_for_each(|apis| sum.add_all(apis))
    }

    /// The calls that it charges and those that it credits, unpriced ones included.
    ///
    /// # Errors
    ///
    /// [`UsageError`] when a sum is more than can be rated.
    pub fn calls(&self) -> Result<StatementCalls, UsageError> {
        let lines = self.lines.iter().map(|line| (line.because, &line.apis));
        let unpriced = self.unpriced.iter().map(|unpriced| (unpriced.because, &unpriced.apis));
        let mut sum = StatementCalls::default();
        for (because, apis) in lines.chain(unpriced) {
            let calls = apis.total()?.calls;
            match because {
                LineCause::Void => sum.withdrawn = sum.withdrawn.plus(calls)?,
                LineCause::Usage
                | LineCause::Late
                | LineCause::Terms
                | LineCause::Shifted
                | LineCause::Minimum
                | LineCause::Concession
                | LineCause::Tax => {
                    sum.charged = sum.charged.plus(calls)?;
                }
            }
        }
        Ok(sum)
    }

    /// Adds what the statement charges to what those before it charged of each wanted day.
    fn add_to(
        &self,
        charged: &mut CountedDays,
        is_wanted: impl Fn(BillingDay) -> bool,
    ) -> Result<(), UsageError> {
        if is_wanted(self.statement.day) {
            self.add_apis(LineCause::Usage, charged.entry(self.statement.day).or_default())?;
        }
        for changed in self.changed_days.iter().filter(|changed| is_wanted(changed.day)) {
            let of_day = charged.entry(changed.day).or_default();
            *of_day = changed.after(of_day)?;
        }
        Ok(())
    }

    /// The segment that begins on a day, such as that of a line.
    #[must_use]
    pub fn span_from(&self, day: BillingDay) -> Option<&SegmentSpan> {
        self.segments.iter().find(|span| span.from == day)
    }

    /// The terms of the statement's own day.
    #[must_use]
    pub fn terms(&self) -> Option<&TermsRef> {
        self.segments.last().map(|segment| &segment.terms)
    }
}

impl ChangedDay {
    /// The usage of the day that is rated now, given that of before.
    pub(crate) fn after(&self, rated: &Usage) -> Result<Usage, UsageError> {
        rated.plus(&self.late)?.minus(&self.void)
    }
}

/// What statements charge of each day that they name, late and withdrawn usage included. Give all
/// statements of each month.
///
/// # Errors
///
/// [`UsageError`] when a sum is more than can be rated, or less was charged than was withdrawn.
pub fn charged_days(statements: &[Statement]) -> Result<CountedDays, UsageError> {
    folded(statements, |_| true)
}

/// What statements charge of each day from one through another, empty for a day without charges.
/// Give all statements from the first day to the end of the month of the last one: a later
/// statement may change a day.
///
/// # Errors
///
/// As [`charged_days`].
pub fn charged_between(
    statements: &[Statement],
    first: BillingDay,
    last: BillingDay,
) -> Result<CountedDays, UsageError> {
    let mut charged = folded(statements, |day| first <= day && day <= last)?;
    let days = std::iter::successors(Some(first), |day| Some(day.next()));
    for day in days.take_while(|day| *day <= last) {
        charged.entry(day).or_default();
    }
    Ok(charged)
}

fn folded(
    statements: &[Statement],
    is_wanted: impl Fn(BillingDay) -> bool,
) -> Result<CountedDays, UsageError> {
    let mut statements = statements.iter().collect::<Vec<_>>();
    statements.sort_by_key(|statement| statement.statement);
    let mut charged = CountedDays::new();
    for statement in statements {
        statement.add_to(&mut charged, &is_wanted)?;
    }
    Ok(charged)
}

/// What is still owed of each of a provider's statements, given all of them from the oldest to the
/// newest, and what is owed in all: money pays the oldest first, so what is owed is of the newest.
///
/// # Errors
///
/// [`MoneyError`] when an amount leaves its range.
pub fn still_owed(statements: &[Statement], receivable: Fen) -> Result<Vec<Fen>, MoneyError> {
    let mut rest = receivable;
    let mut owed = Vec::with_capacity(statements.len());
    for statement in statements.iter().rev() {
        let charged = statement.charge_fen.minus(statement.from_prepaid_fen)?.max(Fen::ZERO);
        let of_this = charged.min(rest);
        rest = rest.minus(of_this)?;
        owed.push(of_this);
    }
    owed.reverse();
    Ok(owed)
}

/// The first and the last billing day whose charges an amount collects, given all statements that
/// may still be owed from the oldest to the newest, and what is owed in all. None when no statement
/// is owed, as after a reversal of an old payment.
///
/// # Errors
///
/// [`MoneyError`] when an amount leaves its range.
pub fn days_collected(
    statements: &[Statement],
    receivable: Fen,
    amount: Fen,
) -> Result<Option<(BillingDay, BillingDay)>, MoneyError> {
    let owed = still_owed(statements, receivable)?;
    let mut rest = amount;
    let mut days = None;
    for (statement, owed) in statements.iter().zip(owed) {
        if owed.is_positive() && rest.is_positive() {
            let day = statement.statement.day;
            let (first, last) = days.unwrap_or((day, day));
            days = Some((day.min(first), day.max(last)));
            rest = rest.minus(owed)?;
        }
    }
    Ok(days)
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl fmt::Display for StatementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.supplement {
            0 => self.day.fmt(f),
            number => f.pad(&format!("{}+{number}", self.day)),
        }
    }
}

impl FromStr for StatementId {
    type Err = StatementIdError;

    fn from_str(text: &str) -> Result<StatementId, StatementIdError> {
        let refused = || StatementIdError(text.to_owned());
        let (day, supplement) = match text.split_once('+') {
            None => (text, 0),
            Some((day, number)) => {
                (day, number.parse().ok().filter(|number| *number > 0).ok_or_else(refused)?)
            }
        };
        Ok(StatementId { day: day.parse().map_err(|_| refused())?, supplement })
    }
}

impl TryFrom<String> for StatementId {
    type Error = StatementIdError;

    fn try_from(text: String) -> Result<StatementId, StatementIdError> {
        text.parse()
    }
}

impl From<StatementId> for String {
    fn from(id: StatementId) -> String {
        id.to_string()
    }
}
