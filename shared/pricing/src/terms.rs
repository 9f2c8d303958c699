//! Terms: the plan and the overrides that hold on a day, and the parts of a month that they cut.

use std::borrow::Cow;
use std::ops::Range;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    BillingDay, BillingMonth, Deposit, Discount, Name, Override, Plan, PlanError, Quantity, Tax,
    VouchersUsed, Yuan,
};

/// By which plan and overrides something was rated: enough to find them again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TermsRef {
    /// The name of the plan, which with `version` identifies one document.
    pub plan: Name,
    /// The day from which that version of the plan is in force.
    pub version: BillingDay,
    /// The provider's overrides, in the order in which they apply.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<Name>,
}

/// What holds for a provider on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms<'a> {
    /// The version of its plan.
    pub plan: &'a Plan,
    /// Its overrides, in the order in which they apply.
    pub overrides: Vec<&'a Override>,
}

/// A part of a month in which the same terms hold.
///
/// Segments that go on from one another are a run: units continue in tiers and allowances from one
/// to the next, and what the plan gives by the month is given by the days of the run.
#[derive(Clone, Debug)]
pub struct Segment<'a> {
    span: SegmentSpan,
    terms: Terms<'a>,
    plan: Cow<'a, Plan>,
}

/// Which days a segment has, and by which terms they are rated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentSpan {
    /// The first day.
    pub from: BillingDay,
    /// The day after the last one.
    pub until: BillingDay,
    /// The first day of the run that the segment belongs to, where it goes on from earlier
    /// segments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_from: Option<BillingDay>,
    /// The day after the last one of the run, where later segments go on from the segment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_until: Option<BillingDay>,
    /// The tax on the prices of these terms, if they have any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax: Option<Tax>,
    /// What earlier months used of the vouchers that hold in the segment.
    #[serde(default, skip_serializing_if = "VouchersUsed::is_empty")]
    pub vouchers: VouchersUsed,
    /// The references to the plan's version and the overrides.
    #[serde(flatten)]
    pub terms: TermsRef,
}

/// Why the terms of a day are none.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("an override does not fit the plan in force on {day}")]
pub struct TermsError {
    /// The first billing day that has no valid terms.
    pub day: BillingDay,
    /// The rules that the plan breaks with the overrides of that day.
    #[source]
    pub source: PlanError,
}

impl SegmentSpan {
    /// The days of the run that the segment belongs to.
    #[must_use]
    pub fn run(&self) -> Range<BillingDay> {
        self.run_from.unwrap_or(self.from)..self.run_until.unwrap_or(self.until)
    }

    /// The day inside the month on which other terms cut it, so that the run has a part of what is
    /// given by the month: where the run ends, or where it begins if it ends with the month. None
    /// for a whole month.
    #[must_use]
    pub fn cut_on(&self) -> Option<BillingDay> {
        let (run, month) = (self.run(), self.from.month());
        let ends = Some(run.end).filter(|end| end.month() == month);
        ends.or_else(|| Some(run.start).filter(|start| *start != month.first_day()))
    }
}

impl<'a> Terms<'a> {
    /// A plan without overrides.
    #[must_use]
    pub fn of(plan: &'a Plan) -> Terms<'a> {
        Terms { plan, overrides: Vec::new() }
    }

    /// The deposit that is wanted: that of the last override that names one, or the plan's.
    #[must_use]
    pub fn deposit(&self) -> Option<&'a Deposit> {
        let of_override = self.overrides.iter().rev().find_map(|over| over.deposit.as_ref());
        of_override.or(self.plan.document().deposit.as_ref())
    }

    /// The names of what holds.
    #[must_use]
    pub fn reference(&self) -> TermsRef {
        TermsRef {
            plan: self.plan.name().clone(),
            version: self.plan.effective_from(),
            overrides: self.overrides.iter().map(|over| over.name.clone()).collect(),
        }
    }

    /// The plan as it is on a day, to price any days by: with the overrides, and with those of the
    /// discounts that hold then, for good.
    ///
    /// # Errors
    ///
    /// [`TermsError`] when an override does not fit the plan.
    pub fn as_on(&self, day: BillingDay) -> Result<Plan, TermsError> {
        let segment = Segment::new(day, day.next(), self)?;
        let mut document = segment.plan().document().clone();
        let of_rates = document.rates.iter_mut().map(|rate| &mut rate.discounts);
        for discounts in of_rates.chain([&mut document.discounts]) {
            discounts.retain(|discount| discount.holds_on(day));
            for discount in discounts {
                // A voucher is known by its first day.
                discount.from = discount.from.filter(|_| discount.is_voucher());
                discount.until = None;
            }
        }
        Plan::try_from(document).map_err(|source| TermsError { day, source })
    }

    /// Whether both days of a month belong to one segment.
    fn go_on(&self, day: BillingDay, other: &Terms<'_>, other_day: BillingDay) -> bool {
        // Days mostly have the very same plan, which needs no comparing.
        let same_plan = std::ptr::eq(self.plan, other.plan) || self.plan == other.plan;
        let is_same = |discount: &Discount| discount.holds_on(day) == discount.holds_on(other_day);
        same_plan && self.overrides == other.overrides && self.plan.discounts().all(is_same)
    }
}

impl Plan {
    /// All discounts, those of the plan first.
    fn discounts(&self) -> impl Iterator<Item = &Discount> {
        let document = self.document();
        let of_rates = document.rates.iter().flat_map(|rate| &rate.discounts);
        document.discounts.iter().chain(of_rates)
    }

    /// The discounts that hold on a day.
    pub(crate) fn discounts_on(&self, day: BillingDay) -> impl Iterator<Item = &Discount> {
        self.discounts().filter(move |discount| discount.holds_on(day))
    }
}

/// The parts of a month, cut where terms change; days without terms are in none.
///
/// # Errors
///
/// [`TermsError`] when an override does not fit its plan.
pub fn segments<'a>(
    month: BillingMonth,
    mut terms_on: impl FnMut(BillingDay) -> Option<Terms<'a>>,
) -> Result<Vec<Segment<'a>>, TermsError> {
    let mut parts: Vec<(BillingDay, BillingDay, Terms<'a>)> = Vec::new();
    let mut day = month.first_day();
    while day <= month.last_day() {
        if let Some(terms) = terms_on(day) {
            match parts
                .last_mut()
                .filter(|(from, until, before)| *until == day && before.go_on(*from, &terms, day))
            {
                Some((_, until, _)) => *until = day.next(),
                None => parts.push((day, day.next(), terms)),
            }
        }
        day = day.next();
    }
    let parts = parts.into_iter().map(|(from, until, terms)| Segment::new(from, until, &terms));
    let mut parts = parts.collect::<Result<Vec<_>, _>>()?;
    join_runs(&mut parts);
    Ok(parts)
}

/// Notes in each segment the days of its run.
fn join_runs(segments: &mut [Segment<'_>]) {
    let mut first = 0;
    while let Some(rest) = segments.get_mut(first..).filter(|rest| !rest.is_empty()) {
        let goes_on = |pair: &&[Segment<'_>]| match pair {
            [before, after] => after.goes_on_from(before),
            _ => false,
        };
        let length = 1 + rest.windows(2).take_while(goes_on).count();
        let run = rest.get_mut(..length).unwrap_or_default();
        let ends = run.first().map(Segment::from).zip(run.last().map(|last| last.span.until));
        for (SegmentSpan { from, until, run_from, run_until, .. }, (first, last)) in
            run.iter_mut().map(|segment| &mut segment.span).zip(ends.iter().cycle())
        {
            *run_from = Some(*first).filter(|first| first < from);
            *run_until = Some(*last).filter(|last| last > until);
        }
        first += length;
    }
}

impl<'a> Segment<'a> {
    /// The days from one up to another under some terms: a run of its own.
    ///
    /// # Errors
    ///
    /// [`TermsError`] when an override does not fit its plan.
    pub fn new(
        from: BillingDay,
        until: BillingDay,
        terms: &Terms<'a>,
    ) -> Result<Segment<'a>, TermsError> {
        let mut plan = Cow::Borrowed(terms.plan);
        for over in &terms.overrides {
            let applied = over.applied_to(&plan);
            plan = Cow::Owned(applied.map_err(|source| TermsError { day: from, source })?);
        }
        let span = SegmentSpan {
            from,
            until,
            run_from: None,
            run_until: None,
            tax: plan.document().tax,
            vouchers: VouchersUsed::default(),
            terms: terms.reference(),
        };
        Ok(Segment { span, terms: terms.clone(), plan })
    }

    /// The segment of a span, under the terms that it names.
    ///
    /// # Errors
    ///
    /// [`TermsError`] when an override does not fit its plan.
    pub fn of_span(span: &SegmentSpan, terms: &Terms<'a>) -> Result<Segment<'a>, TermsError> {
        let segment = Segment::new(span.from, span.until, terms)?;
        Ok(Segment { span: span.clone(), ..segment })
    }

    /// The same days of the same run, rated by another plan.
    pub(crate) fn under(&self, plan: Cow<'a, Plan>) -> Segment<'a> {
        Segment { plan, ..self.clone() }
    }

    /// The days up to the end of another segment of the run.
    pub(crate) fn extended_to(mut self, other: &Segment<'_>) -> Segment<'a> {
        self.span.until = other.span.until;
        self
    }

    /// The terms before overrides are applied.
    pub(crate) fn terms(&self) -> &Terms<'a> {
        &self.terms
    }

    /// Whether units go on from a segment to this one.
    fn goes_on_from(&self, before: &Segment<'_>) -> bool {
        self.span.from == before.span.until && self.terms.plan.continues(before.terms.plan)
    }

    /// Whether both are of one run.
    pub(crate) fn is_in_run_of(&self, other: &Segment<'_>) -> bool {
        self.span.run().start == other.span.run().start
    }

    /// The days, and the names of the terms.
    #[must_use]
    pub fn span(&self) -> &SegmentSpan {
        &self.span
    }

    /// The plan with the overrides applied.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    pub(crate) fn set_vouchers(&mut self, vouchers: VouchersUsed) {
        self.span.vouchers = vouchers;
    }

    /// The first day.
    #[must_use]
    pub fn from(&self) -> BillingDay {
        self.span.from
    }

    /// Whether the day is in the segment.
    #[must_use]
    pub fn holds(&self, day: BillingDay) -> bool {
        (self.span.from..self.span.until).contains(&day)
    }

    /// What is free by the month in the segment's run: of each rate that has an allowance, and
    /// under no name of all rates together.
    pub fn allowances(&self) -> impl Iterator<Item = (Option<&Name>, Decimal)> {
        let document = self.plan.document();
        let of_rates = document.rates.iter().map(|rate| (Some(&rate.rate), rate.free_per_month));
        let all = of_rates.chain([(None, document.free_per_month)]);
        let given = all.filter(|(_, free)| !free.is_zero());
        given.map(|(rate, free)| (rate, self.share_of(free)))
    }

    /// Those of the discounts that hold in the segment.
    pub(crate) fn discounts<'d>(
        &self,
        discounts: &'d [Discount],
    ) -> impl Iterator<Item = &'d Discount> {
        let day = self.span.from;
        discounts.iter().filter(move |discount| discount.holds_on(day))
    }

    /// The run's part of an allowance by the month: a started unit is given in full.
    pub(crate) fn share_of(&self, allowance: Quantity) -> Decimal {
        self.by_days(allowance.get(), |exact| exact.ceil())
    }

    /// The run's part of the least or the most that a month costs, down to the fen: in the
    /// provider's favour.
    pub(crate) fn share_of_cap(&self, cap: Yuan) -> Yuan {
        Yuan::new(self.by_days(cap.decimal(), |exact| {
            exact.round_dp_with_strategy(2, RoundingStrategy::ToZero)
        }))
    }

    /// The run's part of an amount that is taken off a month, up to the fen: in the provider's
    /// favour.
    pub(crate) fn share_of_amount_off(&self, amount: Yuan) -> Yuan {
        Yuan::new(self.by_days(amount.decimal(), |exact| {
            exact.round_dp_with_strategy(2, RoundingStrategy::AwayFromZero)
        }))
    }

    /// A monthly figure by days; as it is where the run is the whole month.
    fn by_days(&self, monthly: Decimal, rounded: impl Fn(Decimal) -> Decimal) -> Decimal {
        let run = self.span.run();
        let days = Decimal::from(run.start.days_until(run.end));
        let all = Decimal::from(self.span.from.month().days());
        if days == all { monthly } else { rounded(monthly * days / all) }
    }
}
