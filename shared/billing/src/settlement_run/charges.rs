//! What the statements of runs charge, by month, plan and rate.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use steelyard_pricing::{BillingMonth, Fen, MoneyError, Name};

use crate::{Statement, adjustment};

/// How many rates of plans are told apart in the charges of one run, all months together. What
/// further rates charge is [`MonthCharges::other_fen`].
pub const CHARGES_MAX: usize = 100;

/// What the statements of runs charge, by the billing month of each. It sums to
/// [`RunTally::charged_fen`](crate::RunTally).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Charges(BTreeMap<BillingMonth, MonthCharges>);

/// What statements of one month charge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MonthCharges {
    /// What the rates of each plan charge, by plan and rate.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub rates: BTreeMap<Name, BTreeMap<Name, Fen>>,
    /// What each plan adds to the sum of its rates, or takes off: minimums and caps of the plan.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub plans: BTreeMap<Name, Fen>,
    /// What credit and debit notes for earlier months charge or credit.
    #[serde(skip_serializing_if = "is_nothing")]
    pub adjustments_fen: Fen,
    /// The charges that are not divided further, since the run has too many rates.
    #[serde(skip_serializing_if = "is_nothing")]
    pub other_fen: Fen,
}

impl Charges {
    /// What some statements charge.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when a sum leaves its range.
    pub fn of(statements: &[Statement]) -> Result<Charges, MoneyError> {
        let mut charges = Charges::default();
        for statement in statements {
            charges.add_statement(statement)?;
        }
        Ok(charges)
    }

    /// The months, from the oldest on.
    pub fn months(&self) -> impl Iterator<Item = (BillingMonth, &MonthCharges)> {
        self.0.iter().map(|(month, charges)| (*month, charges))
    }

    /// Whether nothing is charged.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The sum of all of them.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when it leaves its range.
    pub fn sum_fen(&self) -> Result<Fen, MoneyError> {
        self.0.values().try_fold(Fen::ZERO, |sum, month| sum.plus(month.sum_fen()?))
    }

    /// These charges with others.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when a sum leaves its range.
    pub fn plus(&self, other: &Charges) -> Result<Charges, MoneyError> {
        let mut sum = self.clone();
        for (month, charges) in &other.0 {
            for (plan, rates) in &charges.rates {
                for (rate, amount) in rates {
                    sum.add(*month, plan, Some(rate), *amount)?;
                }
            }
            for (plan, amount) in &charges.plans {
                sum.add(*month, plan, None, *amount)?;
            }
            let of_month = sum.0.entry(*month).or_default();
            of_month.adjustments_fen = of_month.adjustments_fen.plus(charges.adjustments_fen)?;
            of_month.other_fen = of_month.other_fen.plus(charges.other_fen)?;
        }
        Ok(sum)
    }

    fn add_statement(&mut self, statement: &Statement) -> Result<(), MoneyError> {
        let month = statement.statement.day.month();
        for line in statement.lines.iter().filter(|line| !line.charge_fen.is_zero()) {
            let of_line = statement.segments.iter().find(|segment| segment.from == line.segment);
            match of_line {
                Some(segment) => {
                    self.add(month, &segment.terms.plan, line.rate.as_ref(), line.charge_fen)?;
                }
                None => self.0.entry(month).or_default().add_other(line.charge_fen)?,
            }
        }
        let adjustments = adjustment::sum(&statement.adjustments)?;
        if !adjustments.is_zero() {
            let of_month = self.0.entry(month).or_default();
            of_month.adjustments_fen = of_month.adjustments_fen.plus(adjustments)?;
        }
        Ok(())
    }

    fn add(
        &mut self,
        month: BillingMonth,
        plan: &Name,
        rate: Option<&Name>,
        amount: Fen,
    ) -> Result<(), MoneyError> {
        let has_room = self.0.values().map(MonthCharges::entries).sum::<usize>() < CHARGES_MAX;
        let of_month = self.0.entry(month).or_default();
        if !has_room && !of_month.has(plan, rate) {
            return of_month.add_other(amount);
        }
        let sum = match rate {
            Some(rate) => {
                of_month.rates.entry(plan.clone()).or_default().entry(rate.clone()).or_default()
            }
            None => of_month.plans.entry(plan.clone()).or_default(),
        };
        *sum = sum.plus(amount)?;
        Ok(())
    }
}

impl MonthCharges {
    /// What the month's statements charge together.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when the sum leaves its range.
    pub fn sum_fen(&self) -> Result<Fen, MoneyError> {
        let rates = self.rates.values().flat_map(BTreeMap::values);
        let others = [self.adjustments_fen, self.other_fen];
        Fen::sum(rates.chain(self.plans.values()).copied().chain(others))
    }

    fn entries(&self) -> usize {
        self.rates.values().map(BTreeMap::len).sum::<usize>() + self.plans.len()
    }

    fn has(&self, plan: &Name, rate: Option<&Name>) -> bool {
        match rate {
            Some(rate) => self.rates.get(plan).is_some_and(|rates| rates.contains_key(rate)),
            None => self.plans.contains_key(plan),
        }
    }

    fn add_other(&mut self, amount: Fen) -> Result<(), MoneyError> {
        self.other_fen = self.other_fen.plus(amount)?;
        Ok(())
    }
}

fn is_nothing(amount: &Fen) -> bool {
    amount.is_zero()
}
