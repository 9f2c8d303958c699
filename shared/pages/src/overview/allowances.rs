//! The allowances of today's terms: what is used of them, and what calls cost beyond.

use rust_decimal::Decimal;
use serde::Serialize;
use steelyard_billing::Statement;
use steelyard_pricing::{
    AllowanceUnit, Amount, BillingDay, Discounted, Fen, Line, Metered, Metric, Name, Percent, Plan,
    Progress, Rated, Segment, TaxBehavior, Yuan,
};
use utoipa::ToSchema;

use super::{OverviewError, Parts};
use crate::forecast::ExpectedDay;
use crate::forecast::{NEXT_CALLS, SoFar};

/// The free units of a rate, and how many of them are used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Allowance {
    /// The rate; none for the allowance that all rates share.
    #[schema(value_type = Option<String>)]
    pub rate: Option<Name>,
    /// The period in which the units are free.
    pub period: AllowancePeriod,
    /// The first day on which it holds.
    #[schema(value_type = String)]
    pub from: BillingDay,
    /// The kind of unit that is free.
    pub unit: AllowanceUnit,
    /// The units that are free.
    #[schema(value_type = String)]
    pub free: Decimal,
    /// The free units that are used, up to the time of the view.
    #[schema(value_type = String)]
    pub used: Decimal,
    /// The free units that are left.
    #[schema(value_type = String)]
    pub left: Decimal,
    /// The units beyond all allowances, which are charged.
    #[schema(value_type = String)]
    pub beyond: Decimal,
    /// The day on which it was used up.
    #[schema(value_type = Option<String>)]
    pub used_up_on: Option<BillingDay>,
    /// When it is expected to be used up; none if it is used up, or lasts.
    pub expected: Option<ExpectedDay>,
    /// What the next 10,000 calls cost, or the next ¥10,000 where the price is a share of amounts.
    #[schema(value_type = Option<String>)]
    pub next_yuan: Option<Yuan>,
    /// What 10,000 calls are expected to cost once it is used up.
    #[schema(value_type = Option<String>)]
    pub after_yuan: Option<Yuan>,
    /// Whether tax is added to these prices.
    pub without_tax: bool,
    /// The discounts on the price, in percent.
    #[schema(value_type = Vec<String>)]
    pub discounts: Vec<Percent>,
    /// What the month charges under the rate, the estimate since the last settled day included.
    #[schema(value_type = Option<i64>)]
    pub charged_fen: Option<Fen>,
}

/// How long an allowance holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AllowancePeriod {
    /// The month, or the part of it in which the same terms hold.
    Month,
    /// Each billing day anew.
    Day,
}

impl Parts<'_> {
    pub(super) fn allowances(&self, so_far: &SoFar<'_>) -> Result<Vec<Allowance>, OverviewError> {
        let Some(segment) = so_far.segments.iter().find(|segment| segment.holds(self.today)) else {
            return Ok(Vec::new());
        };
        let progress = Progress::on(self.today, &so_far.segments, &so_far.to_date)?;
        let Some(progress) = progress else { return Ok(Vec::new()) };
        let rated = progress.rated()?;
        let mut allowances = Vec::new();
        for (rate, rated) in segment.plan().rates().iter().zip(&rated) {
            if rated.free.is_zero() {
                continue;
            }
            let unit = segment.plan().document().unit_of(Some(&rate.rate));
            let more = match rate.price.metric() {
                Metric::Calls => Metered::calls(NEXT_CALLS),
                Metric::Amount => Metered { amount: Amount::yuan(10_000), ..Metered::ZERO },
            };
            let allowance = Allowance {
                unit,
                next_yuan: Some(progress.price_of_next(&rate.rate, self.today, more)?),
                discounts: percents(&rated.discounts),
                charged_fen: Some(self.charged(&rate.rate)?),
                beyond: rated.reached(),
                ..self.allowance(segment, Some(&rate.rate), (rated.free, used(rated)))
            };
            if rate.free_per_day.is_zero() {
                allowances.push(allowance);
            } else if unit == AllowanceUnit::Calls {
                allowances.push(self.of_day(allowance, so_far));
            }
        }
        let shared = segment.allowances().find(|(rate, _)| rate.is_none());
        if let Some((_, free)) = shared {
            let used = so_far.to_date.free_used(segment, None).min(free);
            allowances.push(self.allowance(segment, None, (free, used)));
        }
        Ok(allowances)
    }

    fn allowance(
        &self,
        segment: &Segment<'_>,
        rate: Option<&Name>,
        (free, used): (Decimal, Decimal),
    ) -> Allowance {
        let left = free - used;
        let used_up_on = if left.is_zero() { self.used_up_on(segment, rate, free) } else { None };
        let ends = self.forecast.into_iter().flat_map(|forecast| &forecast.allowances);
        let mut ends =
            ends.filter(|end| end.segment == segment.from() && end.rate.as_ref() == rate);
        let end = ends.next().filter(|_| !left.is_zero());
        Allowance {
            rate: rate.cloned(),
            period: AllowancePeriod::Month,
            from: segment.from(),
            unit: segment.plan().document().unit_of(rate),
            free,
            used,
            left,
            beyond: Decimal::ZERO,
            used_up_on,
            expected: end.map(|end| end.expected),
            next_yuan: None,
            after_yuan: end.and_then(|end| end.after_yuan),
            without_tax: adds_tax(segment.plan()),
            discounts: Vec::new(),
            charged_fen: None,
        }
    }

    /// An allowance that begins again each day: what is used of it today.
    fn of_day(&self, allowance: Allowance, so_far: &SoFar<'_>) -> Allowance {
        let free = allowance.free;
        let segment = so_far.to_date.segments.get(&allowance.from);
        let days = segment.zip(allowance.rate.as_ref()).and_then(|(s, rate)| s.days.get(rate));
        let today = days.and_then(|days| days.get(&self.today)).copied().unwrap_or_default();
        let calls = Decimal::from(today.calls.get());
        let used = calls.min(free);
        Allowance {
            period: AllowancePeriod::Day,
            used,
            left: free - used,
            beyond: calls - used,
            used_up_on: None,
            expected: None,
            after_yuan: None,
            ..allowance
        }
    }

    /// The first day from which on the month's bills show the allowance used up.
    fn used_up_on(
        &self,
        segment: &Segment<'_>,
        rate: Option<&Name>,
        free: Decimal,
    ) -> Option<BillingDay> {
        let mut since = None;
        let mut shared = std::collections::BTreeMap::new();
        let run = segment.span().run();
        for bill in self.of_month().chain(self.coming_of_month()) {
            let of_run = |line: &&Line| run.contains(&line.segment) && !line.adjusts();
            for line in bill.lines.iter().filter(of_run) {
                let used = match (rate, &line.rate) {
                    (Some(rate), Some(of)) if of == rate => used(&line.after),
                    (None, Some(of)) => {
                        shared.insert((line.segment, of), line.after.plan_free_used);
                        shared.values().sum()
                    }
                    (Some(_) | None, _) => continue,
                };
                let is_used_up = used >= free;
                since = if is_used_up { since.or(Some(day_of(bill))) } else { None };
            }
        }
        since
    }

    fn charged(&self, rate: &Name) -> Result<Fen, OverviewError> {
        let bills = self.of_month().chain(self.coming_of_month());
        let lines = bills.flat_map(|bill| &bill.lines).filter(|line| is_of(line, rate));
        Ok(Fen::sum(lines.map(|line| line.charge_fen))?)
    }
}

/// What was used of an allowance by the month, in the segments before too.
fn used(rated: &Rated) -> Decimal {
    let before = rated.continued.as_ref().map_or(Decimal::ZERO, |before| before.free_used);
    (before + rated.free_used).min(rated.free.max(rated.free_used))
}

fn day_of(bill: &Statement) -> BillingDay {
    bill.statement.day
}

pub(super) fn is_of(line: &Line, rate: &Name) -> bool {
    line.rate.as_ref() == Some(rate)
}

/// The percentages that are taken off each unit.
fn percents(discounts: &[Discounted]) -> Vec<Percent> {
    let percents = discounts.iter().filter(|taken| taken.amount.is_none());
    percents.map(|taken| taken.percent).collect()
}

fn adds_tax(plan: &Plan) -> bool {
    let tax = plan.document().tax.filter(|tax| !tax.percent.is_zero());
    tax.is_some_and(|tax| tax.behavior == TaxBehavior::Exclusive)
}
