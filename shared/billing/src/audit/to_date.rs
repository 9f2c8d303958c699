//! What the statements of a month come to, as they say themselves.

use std::collections::BTreeMap;

use steelyard_pricing::{
    ApiCount, BillingDay, Fen, Line, Metered, MoneyError, Name, RatedToDate, Rounding, TermsRef,
    Usage, UsageError, Yuan,
};

use super::Breach;
use crate::Statement;

/// What the statements of a month come to.
#[derive(Default)]
pub(super) struct ToDate {
    pub(super) segments: BTreeMap<BillingDay, SegmentBooks>,
    pub(super) charged_fen: Fen,
    /// The rule by which the first statement was rounded.
    pub(super) rounding: Option<Rounding>,
}

/// What they come to in one segment.
#[derive(Clone, Default)]
pub(super) struct SegmentBooks {
    /// The terms that the first statement named.
    pub(super) terms: Option<TermsRef>,
    /// What was charged, and what was listed as unpriced.
    pub(super) usage: Usage,
    /// What was charged by rate and day, where units are free by the day.
    pub(super) days: BTreeMap<Name, BTreeMap<BillingDay, Metered>>,
    /// What each rate came to.
    pub(super) rates: BTreeMap<Name, RatedToDate>,
    /// What the plan added to the rates' sum, or took off.
    pub(super) adjustment: Yuan,
}

impl ToDate {
    /// What some statements come to.
    pub(super) fn of(statements: &[&Statement]) -> Result<ToDate, Breach> {
        let mut to_date = ToDate::default();
        for statement in statements {
            to_date.add(statement)?;
        }
        Ok(to_date)
    }

    /// Goes on to the next statement.
    pub(super) fn add(&mut self, statement: &Statement) -> Result<(), Breach> {
        for span in &statement.segments {
            self.of_segment(span.from).terms.get_or_insert_with(|| span.terms.clone());
        }
        for line in &statement.lines {
            self.of_segment(line.segment).add(line)?;
        }
        for unpriced in &statement.unpriced {
            self.of_segment(unpriced.segment).count(&unpriced.count)?;
        }
        self.charged_fen = self.charged_fen.plus(statement.charge_fen)?;
        self.rounding.get_or_insert(statement.rounding);
        Ok(())
    }

    pub(super) fn of_segment(&mut self, from: BillingDay) -> &mut SegmentBooks {
        self.segments.entry(from).or_default()
    }

    /// All usage of the month.
    pub(super) fn usage(&self) -> Result<Usage, UsageError> {
        self.segments.values().try_fold(Usage::new(), |sum, segment| sum.plus(&segment.usage))
    }

    /// What all segments come to.
    pub(super) fn yuan(&self) -> Result<Yuan, MoneyError> {
        self.segments.values().try_fold(Yuan::ZERO, |sum, segment| {
            sum.plus(segment.rates_yuan()?)?.plus(segment.adjustment)
        })
    }
}

impl SegmentBooks {
    pub(super) fn add(&mut self, line: &Line) -> Result<(), Breach> {
        for count in &line.apis {
            self.count(count)?;
        }
        match &line.rate {
            Some(rate) => {
                self.rates.insert(rate.clone(), line.after.standing());
                let days = line.after.days.iter().map(|(day, metered)| (*day, *metered));
                self.days.entry(rate.clone()).or_default().extend(days);
            }
            None => self.adjustment = line.after_yuan()?,
        }
        Ok(())
    }

    pub(super) fn count(&mut self, count: &ApiCount) -> Result<(), UsageError> {
        self.usage.add(count.api.clone(), count.gained())
    }

    /// What all its rates come to.
    pub(super) fn rates_yuan(&self) -> Result<Yuan, MoneyError> {
        Yuan::sum(self.rates.values().map(|standing| standing.yuan))
    }
}
