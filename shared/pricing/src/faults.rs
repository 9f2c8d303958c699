//! What is wrong with a plan: the path in the document, and the rule that is broken there.

use std::fmt;

use rust_decimal::Decimal;
use thiserror::Error;

use crate::{ApiPattern, Name, Quantity, Yuan};

/// Why a plan or an override is refused: everything that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanError {
    /// The faults: at least one.
    pub faults: Vec<Fault>,
}

/// One thing that is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where, such as `rates[2].price.tiers[1].up_to`; empty for the document as a whole.
    pub path: String,
    /// Which rule is broken, and what would be right.
    pub rule: Rule,
}

/// A rule that a document breaks. The text says what would be right.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Rule {
    /// The field is missing, unknown, or not what it should be.
    #[error("{0}")]
    Form(String),
    /// The plan has no rate.
    #[error("a plan has at least one rate")]
    NoRate,
    /// The rate covers no API.
    #[error("a rate covers at least one API; `*` covers all")]
    CoversNothing,
    /// Two things have one name.
    #[error("`{name}` is the name of another one already; give each its own")]
    SameName {
        /// The name that two of them have.
        name: Name,
    },
    /// The same pattern stands twice, so that nothing decides which rate applies.
    #[error("`{pattern}` is covered by `{first}` already; leave it to one of them")]
    Overlap {
        /// The pattern that two rates name.
        pattern: ApiPattern,
        /// The rate that names it first.
        first: Name,
    },
    /// A price is below zero.
    #[error("{0} is negative; a price is nothing or more")]
    NegativePrice(Yuan),
    /// A price has too many decimals.
    #[error("{0} has more than ten decimals; a price has ten at the most")]
    TooPrecise(Yuan),
    /// There is no tier.
    #[error("there is no tier; give at least the last one, without an end")]
    NoTier,
    /// A tier ends where the one before it ended, or earlier.
    #[error("must be above {start}, where the tier before ends")]
    TierOrder {
        /// Where the tier before ends.
        start: Quantity,
    },
    /// A tier other than the last has no end.
    #[error("is missing; every tier but the last says where it ends")]
    OpenTier,
    /// The last tier has an end.
    #[error("must be left out in the last tier, which has no end")]
    ClosedTier,
    /// A package or a block has no size.
    #[error("must be above 0")]
    NoSize,
    /// The number of blocks in a tier is not a whole one.
    #[error("must be a whole number above 0")]
    PartialBlocks,
    /// The number of free calls is not a whole one.
    #[error("must be a whole number")]
    PartialCalls,
    /// A conversion by nothing, or by too much.
    #[error("must be above 0 and at most {CONVERSION_MAX}")]
    Factor,
    /// A division that has no exact result.
    #[error("dividing by {0} has no exact result; tell how to `round`")]
    Inexact(Quantity),
    /// The allowance is given by month and by day at once.
    #[error("there is a free_per_month too; give one of them")]
    TwoAllowances,
    /// The allowance of a rate by month meets one of the plan by day.
    #[error("the plan has a free_per_day, which leaves no place for one by month in a rate")]
    MonthInDay,
    /// An allowance by day meets a conversion that rounds.
    #[error(
        "an allowance by day needs a conversion that does not round: days would be rounded each"
    )]
    RoundedDays,
    /// The maximum is below the minimum.
    #[error("must be at least the minimum, {0}")]
    MaximumBelowMinimum(Yuan),
    /// A cap is finer than a fen.
    #[error("{0} is finer than a fen; must have at most two decimals")]
    CapTooPrecise(Yuan),
    /// A discount has neither a percentage nor an amount, or both.
    #[error("a discount has a percent or an amount, and not both")]
    PercentOrAmount,
    /// A fixed amount has an `of`, which is for percentages.
    #[error("is about percentages; leave it out beside an amount")]
    OfAmount,
    /// A discount without a fixed amount says how it is given.
    #[error("is about amounts; leave it out without one")]
    WithoutAmount,
    /// A voucher does not say from when on it is given.
    #[error("an amount that is given once or carried needs the day from which it is given")]
    VoucherWithoutFrom,
    /// A validity ends before it begins.
    #[error("must be after the day from which it holds")]
    NeverValid,
    /// Amounts would need more digits than can be computed exactly.
    #[error(
        "all that can be counted comes to {worst} yuan with {decimals} decimals; amounts are exact to \
         2.5·10^14 yuan with {most} decimals here; lower the price, or give it, its tiers and its \
         discounts fewer decimals"
    )]
    TooManyDigits {
        /// The highest amount, in whole yuan.
        worst: Decimal,
        /// The decimals that the worst amount needs.
        decimals: u32,
        /// The decimals that are exact: fewer before discounts than after them.
        most: u32,
    },
    /// Units would need more digits than can be computed exactly.
    #[error(
        "all that can be counted comes to more digits of units than the 28 that are exact; multiply \
         or divide by less, or by a number with fewer decimals"
    )]
    TooManyUnits,
    /// A cap is larger than any month's price.
    #[error("must be at most {CAP_MAX}")]
    CapTooLarge,
    /// A rule of alerts that has no line.
    #[error("watches nothing; give a line, or leave it out")]
    WatchesNothing,
    /// A percentage of a rule of alerts that is out of its range.
    #[error("must be a percentage from {least} to {most}")]
    AlertPercent {
        /// The smallest percentage of this kind of rule.
        least: u16,
        /// The largest percentage of this kind of rule.
        most: u16,
    },
    /// The percentages of a rule of alerts are not in their order, or one stands twice.
    #[error("must be above the percentage before")]
    PercentOrder,
    /// A rule of alerts has too many percentages.
    #[error("must be at most {} percentages", crate::ALERT_PERCENTS_MAX)]
    TooManyPercents,
    /// An amount of a rule of alerts that is nothing, or too much.
    #[error("must be an amount above zero, at most {CAP_MAX}")]
    AlertAmount,
    /// A number of days of a rule of alerts that is out of its range.
    #[error("must be from 1 to {} days", crate::ALERT_DAYS_MAX)]
    AlertDays,
    /// Something is both set and off.
    #[error("`{0}` is off and set; leave one of them out")]
    OffAndSet(crate::AlertTopic),
    /// A plan has a cap.
    #[error("is what a provider chooses; a plan has none")]
    CapOfPlan,
    /// An override names a rate that the plan doesn't have.
    #[error("the plan has no rate `{0}`; name one that it has")]
    NoSuchRate(Name),
    /// An override of a price doesn't say of which rate.
    #[error("must be given, since prices belong to rates")]
    PriceWithoutRate,
    /// An override changes nothing.
    #[error("changes nothing; give a price, free_on_top, a discount or a deposit")]
    ChangesNothing,
    /// A number of days is too high.
    #[error("must be at most {most}")]
    TooManyDays {
        /// The most days.
        most: u16,
    },
    /// An override of a deposit names a rate.
    #[error("is of the plan as a whole; leave the rate out beside it")]
    DepositOfRate,
}

impl Rule {
    /// Whether it is about the largest amounts.
    pub(crate) const fn is_of_amounts(&self) -> bool {
        matches!(self, Rule::TooManyDigits { .. } | Rule::TooManyUnits)
    }
}

/// The most that a conversion multiplies or divides by.
pub(crate) const CONVERSION_MAX: u32 = 1_000_000_000;

/// The largest minimum or maximum: ¥10¹².
pub(crate) const CAP_MAX: u64 = 1_000_000_000_000;

/// Collects faults while a document is walked.
pub(crate) struct Faults {
    path: Vec<Step>,
    found: Vec<Fault>,
}

/// A step of a path: into a field, or into an element of a list.
#[derive(Clone, Copy)]
pub(crate) enum Step {
    Field(&'static str),
    Index(usize),
}

impl From<&'static str> for Step {
    fn from(field: &'static str) -> Step {
        Step::Field(field)
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Step {
        Step::Index(index)
    }
}

impl Faults {
    pub(crate) const fn new() -> Faults {
        Faults { path: Vec::new(), found: Vec::new() }
    }

    /// Walks one step into the document.
    pub(crate) fn at(&mut self, step: impl Into<Step>, check: impl FnOnce(&mut Faults)) {
        self.path.push(step.into());
        check(self);
        self.path.pop();
    }

    /// Notes the rule as broken here, unless it holds.
    pub(crate) fn unless(&mut self, holds: bool, rule: impl FnOnce() -> Rule) {
        if !holds {
            self.note(rule());
        }
    }

    pub(crate) fn note(&mut self, rule: Rule) {
        self.found.push(Fault { path: self.path_text(), rule });
    }

    /// How many were found so far.
    pub(crate) fn count(&self) -> usize {
        self.found.len()
    }

    pub(crate) fn none(self) -> Result<(), PlanError> {
        if self.found.is_empty() { Ok(()) } else { Err(PlanError { faults: self.found }) }
    }

    fn path_text(&self) -> String {
        self.path.iter().fold(String::new(), |path, step| match step {
            Step::Field(field) if path.is_empty() => (*field).to_owned(),
            Step::Field(field) => format!("{path}.{field}"),
            Step::Index(index) => format!("{path}[{index}]"),
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            self.rule.fmt(f)
        } else {
            write!(f, "{}: {}", self.path, self.rule)
        }
    }
}

impl PlanError {
    /// The same faults, as they are seen from a document in which this one is a field.
    #[must_use]
    pub fn inside(mut self, field: &str) -> PlanError {
        for fault in &mut self.faults {
            let joint = if fault.path.is_empty() { "" } else { "." };
            fault.path = format!("{field}{joint}{}", fault.path);
        }
        self
    }
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for PlanError {}
