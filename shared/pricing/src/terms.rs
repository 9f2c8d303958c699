//! Terms: the plan and the overrides that hold on a day, and the parts of a month that they cut.

use std::borrow::Cow;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{BillingDay, BillingMonth, Discount, Name, Override, Plan, PlanError, Quantity, Yuan};

/// By which plan and overrides something was rated: enough to find them again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TermsRef {
    /// The plan.
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
/// Tiers start again in each, and what the plan gives by the month is given by the part's days.
#[derive(Clone, Debug)]
pub struct Segment<'a> {
    span: SegmentSpan,
    plan: Cow<'a, Plan>,
}

/// Which days a segment has, and by which terms they are rated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentSpan {
    /// The first day.
    pub from: BillingDay,
    /// The day after the last one.
    pub until: BillingDay,
    /// The terms.
    #[serde(flatten)]
    pub terms: TermsRef,
}

/// Why the terms of a day are none.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("an override does not fit the plan in force on {day}")]
pub struct TermsError {
    /// The day.
    pub day: BillingDay,
    /// Why not.
    #[source]
    pub source: PlanError,
}

impl<'a> Terms<'a> {
    /// A plan without overrides.
    #[must_use]
    pub fn of(plan: &'a Plan) -> Terms<'a> {
        Terms { plan, overrides: Vec::new() }
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
                (discount.from, discount.until) = (None, None);
            }
        }
        Plan::try_from(document).map_err(|source| TermsError { day, source })
    }

    /// Whether both days of a month belong to one segment.
    fn go_on(&self, day: BillingDay, other: &Terms<'_>, other_day: BillingDay) -> bool {
        // Days mostly have the very same plan, which needs no comparing.
        let same_plan = std::ptr::eq(self.plan, other.plan) || self.plan == other.plan;
        same_plan
            && self.overrides == other.overrides
            && self.discounts_on(day).eq(other.discounts_on(other_day))
    }

    fn discounts_on(&self, day: BillingDay) -> impl Iterator<Item = &Discount> {
        let document = self.plan.document();
        let of_rates = document.rates.iter().flat_map(|rate| &rate.discounts);
        document.discounts.iter().chain(of_rates).filter(move |discount| discount.holds_on(day))
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
    parts.into_iter().map(|(from, until, terms)| Segment::new(from, until, &terms)).collect()
}

impl<'a> Segment<'a> {
    /// The days from one up to another under some terms.
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
        Ok(Segment { span: SegmentSpan { from, until, terms: terms.reference() }, plan })
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

    /// What is free by the month in the segment: of each rate that has an allowance, and under no name of
    /// all rates together.
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

    /// The segment's part of an allowance by the month: a started unit is given in full.
    pub(crate) fn share_of(&self, allowance: Quantity) -> Decimal {
        self.by_days(allowance.get(), |exact| exact.ceil())
    }

    /// The segment's part of the least or the most that a month costs, down to the fen: in the
    /// provider's favour.
    pub(crate) fn share_of_cap(&self, cap: Yuan) -> Yuan {
        Yuan::new(self.by_days(cap.decimal(), |exact| {
            exact.round_dp_with_strategy(2, RoundingStrategy::ToZero)
        }))
    }

    /// A monthly figure by days; as it is where the segment is the whole month.
    fn by_days(&self, monthly: Decimal, rounded: impl Fn(Decimal) -> Decimal) -> Decimal {
        let days = Decimal::from(self.span.from.days_until(self.span.until));
        let all = Decimal::from(self.span.from.month().days());
        if days == all { monthly } else { rounded(monthly * days / all) }
    }
}
