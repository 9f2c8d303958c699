//! The totals of a month's statements, as they say themselves.

use std::collections::BTreeMap;

use steelyard_pricing::{
    BillingDay, Fen, Line, LineCause, Metered, MoneyError, Name, Percent, RatedToDate, Rounding,
    Tax, TaxToDate, TermsRef, Unpriced, Usage, UsageError, VouchersUsed, Yuan, taxes_of,
};

use super::Breach;
use crate::Statement;

/// The totals of a month's statements.
#[derive(Clone, Default)]
pub(super) struct ToDate {
    pub(super) segments: BTreeMap<BillingDay, SegmentBooks>,
    /// What is taken off their sum because of a concession.
    pub(super) concession: Yuan,
    /// How much tax the lines added, by percentage.
    pub(super) taxes: BTreeMap<Percent, Fen>,
    /// The sum that was charged for usage, without adjustments.
    pub(super) charged_fen: Fen,
    /// The rule by which the first statement was rounded.
    pub(super) rounding: Option<Rounding>,
}

/// The totals of one segment.
#[derive(Clone, Default)]
pub(super) struct SegmentBooks {
    /// The terms that the first statement named.
    pub(super) terms: Option<TermsRef>,
    /// The tax of these terms.
    pub(super) tax: Option<Tax>,
    /// The charged usage, with the part that no rate covers.
    pub(super) usage: Usage,
    /// What of it no rate covers.
    pub(super) unpriced: Metered,
    /// What was charged by rate and day, where units are free by the day.
    pub(super) days: BTreeMap<Name, BTreeMap<BillingDay, Metered>>,
    /// The last figures of each rate.
    pub(super) rates: BTreeMap<Name, RatedToDate>,
    /// What makes up the minimum of a rate.
    pub(super) minimums: BTreeMap<Name, Yuan>,
    /// What the plan took off the sum of both.
    pub(super) adjustment: Yuan,
    /// What makes up the minimum of the plan.
    pub(super) minimum: Yuan,
    /// What earlier months had used of vouchers, by the last statement.
    pub(super) vouchers_before: VouchersUsed,
    /// What each rate, and the plan, used of vouchers.
    vouchers: BTreeMap<Option<Name>, VouchersUsed>,
}

impl ToDate {
    /// The totals of some statements.
    pub(super) fn of(statements: &[&Statement]) -> Result<ToDate, Breach> {
        let mut to_date = ToDate::default();
        for statement in statements {
            to_date.add(statement)?;
        }
        Ok(to_date)
    }

    /// Goes on to the next statement.
    pub(super) fn add(&mut self, statement: &Statement) -> Result<(), Breach> {
        self.begin(statement);
        for line in &statement.lines {
            self.add_line(line)?;
        }
        for unpriced in &statement.unpriced {
            self.of_segment(unpriced.segment).add_unpriced(unpriced)?;
        }
        self.charged_fen = self.charged_fen.plus(statement.usage_fen()?)?;
        self.rounding.get_or_insert(statement.rounding);
        Ok(())
    }

    /// Notes the terms of the segments of the next statement.
    pub(super) fn begin(&mut self, statement: &Statement) {
        for span in &statement.segments {
            let books = self.of_segment(span.from);
            books.terms.get_or_insert_with(|| span.terms.clone());
            books.tax = span.tax;
            books.vouchers_before.clone_from(&span.vouchers);
        }
    }

    /// Goes on to the next line.
    pub(super) fn add_line(&mut self, line: &Line) -> Result<(), Breach> {
        match line.because {
            LineCause::Concession => self.concession = line.after_yuan()?,
            LineCause::Tax => {
                if let Some(percent) = line.tax {
                    let sum = self.taxes.entry(percent).or_default();
                    *sum = sum.plus(line.charge_fen)?;
                }
            }
            LineCause::Usage
            | LineCause::Late
            | LineCause::Void
            | LineCause::Terms
            | LineCause::Shifted
            | LineCause::Minimum => self.of_segment(line.segment).add(line)?,
        }
        Ok(())
    }

    /// The taxes of the month so far, by the terms of its segments and the rule that rounds it.
    pub(super) fn taxes_due(
        &self,
        rounding: Rounding,
    ) -> Result<BTreeMap<Percent, TaxToDate>, MoneyError> {
        let parts = self.segments.values().map(|segment| Ok((segment.tax, segment.yuan()?)));
        let parts = parts.collect::<Result<Vec<_>, MoneyError>>()?;
        taxes_of(self.yuan()?.to_fen_rounded(rounding)?, parts)
    }

    pub(super) fn of_segment(&mut self, from: BillingDay) -> &mut SegmentBooks {
        self.segments.entry(from).or_default()
    }

    /// What the month used of vouchers.
    pub(super) fn vouchers_used(&self) -> Result<VouchersUsed, MoneyError> {
        let mut segments = self.segments.values();
        segments.try_fold(VouchersUsed::default(), |sum, books| sum.plus(&books.vouchers_used()?))
    }

    /// The sum of all segments, less what is taken off because of a concession.
    pub(super) fn yuan(&self) -> Result<Yuan, MoneyError> {
        self.of_segments()?.plus(self.concession)
    }

    /// The sum of all segments.
    pub(super) fn of_segments(&self) -> Result<Yuan, MoneyError> {
        self.segments.values().try_fold(Yuan::ZERO, |sum, segment| sum.plus(segment.yuan()?))
    }
}

impl SegmentBooks {
    pub(super) fn add(&mut self, line: &Line) -> Result<(), Breach> {
        self.count(line.because, &line.apis)?;
        let is_minimum = line.because == LineCause::Minimum;
        match &line.rate {
            Some(rate) if is_minimum => {
                self.minimums.insert(rate.clone(), line.after_yuan()?);
            }
            None if is_minimum => self.minimum = line.after_yuan()?,
            Some(rate) => {
                self.note_vouchers(line);
                self.rates.insert(rate.clone(), line.after.to_date());
                let days = line.after.days.iter().map(|(day, metered)| (*day, *metered));
                let days = days.collect::<BTreeMap<_, _>>();
                if !days.is_empty() {
                    self.days.entry(rate.clone()).or_default().extend(days);
                }
            }
            None => {
                self.note_vouchers(line);
                self.adjustment = line.after_yuan()?;
            }
        }
        Ok(())
    }

    fn note_vouchers(&mut self, line: &Line) {
        let used = line.after.vouchers_used(line.rate.as_ref());
        self.vouchers.insert(line.rate.clone(), used);
    }

    /// What the segment used of vouchers.
    pub(super) fn vouchers_used(&self) -> Result<VouchersUsed, MoneyError> {
        let mut used = self.vouchers.values();
        used.try_fold(VouchersUsed::default(), |sum, used| sum.plus(used))
    }

    pub(super) fn add_unpriced(&mut self, unpriced: &Unpriced) -> Result<(), UsageError> {
        self.count(unpriced.because, &unpriced.apis)?;
        let metered = unpriced.apis.total()?;
        self.unpriced = match unpriced.because {
            LineCause::Void => self.unpriced.minus(metered)?,
            LineCause::Usage
            | LineCause::Late
            | LineCause::Terms
            | LineCause::Shifted
            | LineCause::Minimum
            | LineCause::Concession
            | LineCause::Tax => self.unpriced.plus(metered)?,
        };
        Ok(())
    }

    fn count(&mut self, because: LineCause, apis: &Usage) -> Result<(), UsageError> {
        self.usage = match because {
            LineCause::Void => self.usage.minus(apis)?,
            LineCause::Usage
            | LineCause::Late
            | LineCause::Terms
            | LineCause::Shifted
            | LineCause::Minimum
            | LineCause::Concession
            | LineCause::Tax => self.usage.plus(apis)?,
        };
        Ok(())
    }

    /// The price of the segment: its rates, their minimums, and what the plan adds or takes off.
    fn yuan(&self) -> Result<Yuan, MoneyError> {
        self.rates_yuan()?.plus(self.adjustment)?.plus(self.minimum)
    }

    /// The sum of all its rates, with what makes up their minimums.
    pub(super) fn rates_yuan(&self) -> Result<Yuan, MoneyError> {
        let rates = self.rates.values().map(|rated| rated.yuan);
        Yuan::sum(rates.chain(self.minimums.values().copied()))
    }
}
