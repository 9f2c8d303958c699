//! The three cases of a forecast, and the charges of each.

use std::collections::BTreeMap;

use rust_decimal::RoundingStrategy;
use steelyard_pricing::{
    BillingDay, Fen, Metered, MoneyError, MonthToDate, Name, Progress, Usage, Yuan,
};

use super::ahead::MonthAhead;
use super::{ExpectedDay, FenRange, ForecastError, NEXT_CALLS};

/// Which of the days of a weekday is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Low,
    Likely,
    High,
}

impl Case {
    pub(super) fn of(self, days: &[Usage]) -> Option<&Usage> {
        match self {
            Case::Low => days.first(),
            Case::Likely => days.get(days.len() / 2),
            Case::High => days.last(),
        }
    }
}

/// The charges of one case.
#[derive(Default)]
pub(super) struct Walk {
    pub(super) nights: Vec<(BillingDay, Fen)>,
    /// The charge of the view's month, without adjustments.
    pub(super) month_fen: Fen,
    pub(super) ends: BTreeMap<(BillingDay, Option<Name>), End>,
}

/// The end of an allowance.
pub(super) struct End {
    pub(super) day: BillingDay,
    pub(super) after_yuan: Option<Yuan>,
}

impl Walk {
    pub(super) fn charged_through(&self, through: BillingDay) -> Result<Fen, MoneyError> {
        Fen::sum(self.nights.iter().filter(|(day, _)| *day <= through).map(|(_, fen)| *fen))
    }

    /// The day whose charge is more than is left of an amount.
    pub(super) fn used_up(&self, prepaid: Fen) -> Result<Option<BillingDay>, MoneyError> {
        let mut left = prepaid;
        if !left.is_positive() {
            return Ok(None);
        }
        for (day, fen) in &self.nights {
            left = left.minus(*fen)?;
            if left.is_negative() {
                return Ok(Some(*day));
            }
        }
        Ok(None)
    }

    pub(super) fn cover(
        &self,
        owed: Fen,
        prepaid: Fen,
        through: BillingDay,
    ) -> Result<Fen, MoneyError> {
        whole_yuan_up(owed.plus(self.charged_through(through)?)?.minus(prepaid)?)
    }

    /// Notes the allowances that a day used up.
    pub(super) fn note_ends(
        &mut self,
        month: &MonthAhead<'_>,
        before: &MonthToDate,
        after: &MonthToDate,
        day: BillingDay,
        case: Case,
    ) -> Result<(), ForecastError> {
        let of_day = month.segments.iter().filter(|segment| segment.holds(day));
        for segment in of_day {
            for (rate, free) in segment.allowances() {
                let is_used_up = |to_date: &MonthToDate| to_date.free_used(segment, rate) >= free;
                if !is_used_up(after) || is_used_up(before) {
                    continue;
                }
                let after_yuan = match rate.filter(|_| case == Case::Likely) {
                    Some(rate) => {
                        let more = Metered::calls(NEXT_CALLS);
                        let progress = Progress::on(day, &month.segments, after)?;
                        progress.map(|it| it.price_of_next(rate, day, more)).transpose()?
                    }
                    None => None,
                };
                let key = (segment.from(), rate.cloned());
                self.ends.entry(key).or_insert(End { day, after_yuan });
            }
        }
        Ok(())
    }
}

/// An amount rounded up to whole yuan; nothing for one that is not positive.
fn whole_yuan_up(amount: Fen) -> Result<Fen, MoneyError> {
    let yuan = Yuan::from(amount.max(Fen::ZERO)).decimal();
    Yuan::new(yuan.round_dp_with_strategy(0, RoundingStrategy::ToPositiveInfinity)).to_fen_floor()
}

/// The three cases.
pub(super) struct Cases {
    pub(super) low: Walk,
    pub(super) likely: Walk,
    pub(super) high: Walk,
}

impl Cases {
    pub(super) fn range(
        &self,
        of: impl Fn(&Walk) -> Result<Fen, MoneyError>,
    ) -> Result<FenRange, MoneyError> {
        let (low, likely_fen, high) = (of(&self.low)?, of(&self.likely)?, of(&self.high)?);
        Ok(FenRange {
            low_fen: low.min(likely_fen).min(high),
            likely_fen,
            high_fen: low.max(likely_fen).max(high),
        })
    }

    pub(super) fn day(
        &self,
        of: impl Fn(&Walk) -> Result<Option<BillingDay>, MoneyError>,
    ) -> Result<Option<ExpectedDay>, MoneyError> {
        let days = [of(&self.low)?, of(&self.likely)?, of(&self.high)?];
        let earliest = days.iter().flatten().min();
        let latest = days.iter().all(Option::is_some).then(|| days.iter().flatten().max());
        let [_, likely, _] = days;
        Ok(earliest.map(|earliest| ExpectedDay {
            earliest: *earliest,
            likely,
            latest: latest.flatten().copied(),
        }))
    }
}
