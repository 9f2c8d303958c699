//! Concessions: a month costs the least that it would cost with any of them left out.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::rating::Due;
use crate::run::{Counted, rate_all, sum};
use crate::tally::Tally;
use crate::{BillingDay, ChargeError, Name, Override, Plan, PlanDocument, Segment, Yuan};

/// What makes a month cheaper from a day on, and never dearer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Concession {
    /// An override of the provider that lowers a price, gives more units or takes more off.
    Override(Name),
    /// A discount of the plan that begins or ends inside the month; of a rate, or of all rates.
    Discount {
        /// The rate; none for a discount on the sum of all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rate: Option<Name>,
        /// The name that the plan gives it.
        discount: Name,
    },
    /// A version of a plan that only concedes against the version before it.
    Version {
        /// The name that the versions share.
        plan: Name,
        /// The day from which the version is in force.
        version: BillingDay,
    },
}

/// The least that a month costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lowest {
    pub(crate) yuan: Yuan,
    /// The concessions that are left out; none where the month costs the least with all of them.
    pub(crate) without: Vec<Concession>,
}

/// The most concessions of which every choice is rated; there are 2⁸ of them. Of those after them
/// the last one, the last two, or all are left out, so that there are 1,024 choices at most.
const CHOICES_MAX: usize = 8;

impl fmt::Display for Concession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Concession::Override(name) => write!(f, "override {name}"),
            Concession::Discount { rate: Some(rate), discount } => {
                write!(f, "discount {discount} of {rate}")
            }
            Concession::Discount { rate: None, discount } => write!(f, "discount {discount}"),
            Concession::Version { plan, version } => write!(f, "plan {plan} of {version}"),
        }
    }
}

/// The least that a month costs with any of its concessions left out, `all` being its price with
/// all of them.
///
/// One more concession adds prices to choose from and takes none away, so it never raises the
/// least. Of more than [`CHOICES_MAX`], one that comes after the others is left out if it raises
/// the month by itself.
pub(crate) fn lowest(parts: &[Counted<'_>], all: Yuan, due: Due) -> Result<Lowest, ChargeError> {
    let mut lowest = Lowest { yuan: all, without: Vec::new() };
    let found = concessions(parts);
    let (first, last) = found.split_at(found.len().min(CHOICES_MAX));
    let masks = 0_u32..1 << first.len();
    let count = last.len();
    let kept = BTreeSet::from([0, count.saturating_sub(2), count.saturating_sub(1), count]);
    let choices = kept.into_iter().flat_map(|kept| masks.clone().map(move |mask| (mask, kept)));
    let mut choices = choices
        .map(|(mask, kept)| {
            let is_out = |place: usize| mask & (1 << place) != 0;
            let out = first.iter().enumerate().filter(|(place, _)| is_out(*place));
            out.map(|(_, concession)| concession).chain(&last[kept..]).collect::<Vec<_>>()
        })
        .filter(|out| !out.is_empty())
        .collect::<Vec<_>>();
    // Fewer are left out first, so that of equal prices that of the most concessions stays.
    choices.sort_by_key(Vec::len);
    for out in choices {
        let Some(month) = without(parts, &out)? else { continue };
        let counted = month.iter().map(|(segment, tally)| Counted { segment, tally });
        let yuan = sum(&rate_all(&counted.collect::<Vec<_>>(), due)?)?;
        if yuan < lowest.yuan {
            lowest = Lowest { yuan, without: out.into_iter().cloned().collect() };
        }
    }
    Ok(lowest)
}

/// The concessions of the month that can raise its price, overrides first.
///
/// In a month of one segment only more free units can: they can leave all units in a dearer tier.
fn concessions(parts: &[Counted<'_>]) -> Vec<Concession> {
    let is_cut = parts.len() > 1;
    let has_overrides = parts.iter().any(|part| !part.segment.terms().overrides.is_empty());
    if !is_cut && !has_overrides {
        return Vec::new();
    }
    let rates = || parts.iter().flat_map(|part| part.segment.plan().rates());
    let may_fall = rates().any(|rate| rate.price.may_fall());
    if !is_cut && !may_fall {
        return Vec::new();
    }
    let counts = |over: &Override| is_cut || !over.free_on_top.is_zero();
    let overrides = overrides(parts).into_iter().filter(|over| counts(over));
    let overrides = overrides.map(|over| Concession::Override(over.name.clone()));
    let mut found = overrides.collect::<Vec<_>>();
    if is_cut {
        found.extend(discounts(parts));
        found.extend(before_versions(parts).into_keys());
    }
    found
}

/// The overrides that only concede wherever they apply.
fn overrides<'a>(parts: &[Counted<'a>]) -> Vec<&'a Override> {
    let mut found = Vec::<(&Override, bool)>::new();
    for part in parts {
        let terms = part.segment.terms();
        let mut plan = Cow::Borrowed(terms.plan);
        for over in &terms.overrides {
            let concedes = over.concedes_to(&plan);
            match found.iter_mut().find(|(known, _)| known.name == over.name) {
                Some((_, always)) => *always = *always && concedes,
                None => found.push((*over, concedes)),
            }
            if over.price.is_some() {
                plan = over.applied_to(&plan).map_or(plan, Cow::Owned);
            }
        }
    }
    found.into_iter().filter(|(_, always)| *always).map(|(over, _)| over).collect()
}

/// The discounts with a first or a last day that hold in a segment.
fn discounts(parts: &[Counted<'_>]) -> BTreeSet<Concession> {
    let mut found = BTreeSet::new();
    for part in parts {
        let document = part.segment.terms().plan.document();
        let of_plan = document.discounts.iter().map(|discount| (None, discount));
        let of_rates = document
            .rates
            .iter()
            .flat_map(|rate| rate.discounts.iter().map(|discount| (Some(&rate.rate), discount)));
        for (rate, discount) in of_plan.chain(of_rates) {
            let is_dated = discount.from.is_some() || discount.until.is_some();
            if is_dated && discount.holds_on(part.segment.from()) {
                let (rate, discount) = (rate.cloned(), discount.discount.clone());
                found.insert(Concession::Discount { rate, discount });
            }
        }
    }
    found
}

/// The plan before each version that only concedes.
fn before_versions<'a>(parts: &[Counted<'a>]) -> BTreeMap<Concession, &'a Plan> {
    let mut before = BTreeMap::new();
    for pair in parts.windows(2) {
        let [first, second] = pair else { continue };
        let (old, new) = (first.segment.terms().plan, second.segment.terms().plan);
        let is_version = old.name() == new.name() && old.effective_from() < new.effective_from();
        if is_version && new.document().concedes_to(old.document()) {
            before.insert(version(new), old);
        }
    }
    before
}

fn version(plan: &Plan) -> Concession {
    Concession::Version { plan: plan.name().clone(), version: plan.effective_from() }
}

/// The month without some concessions, cut where terms still change; none where the rest does not
/// fit.
fn without<'a>(
    parts: &[Counted<'a>],
    out: &[&Concession],
) -> Result<Option<Vec<(Segment<'a>, Tally)>>, ChargeError> {
    let before = before_versions(parts);
    let mut month = Vec::<(Segment<'a>, Tally)>::new();
    let mut last: Option<Rest<'a>> = None;
    for part in parts {
        let Some(rest) = Rest::of(part.segment, out, &before) else { return Ok(None) };
        let goes_on = last.as_ref().is_some_and(|last| rest.goes_on(last));
        match month.pop() {
            Some((segment, mut tally)) if goes_on && segment.is_in_run_of(part.segment) => {
                tally.absorb(part.tally)?;
                month.push((segment.extended_to(part.segment), tally));
            }
            before => {
                month.extend(before);
                let Some(plan) = rest.plan() else { return Ok(None) };
                month.push((part.segment.under(plan), part.tally.clone()));
            }
        }
        last = Some(rest);
    }
    Ok(Some(month))
}

/// What is left of a segment's terms.
struct Rest<'a> {
    plan: Cow<'a, Plan>,
    overrides: Vec<&'a Override>,
    day: BillingDay,
}

impl<'a> Rest<'a> {
    fn of(
        segment: &Segment<'a>,
        out: &[&Concession],
        before: &BTreeMap<Concession, &'a Plan>,
    ) -> Option<Rest<'a>> {
        let terms = segment.terms();
        let mut plan = terms.plan;
        let mut discounts = BTreeSet::new();
        let mut overrides = terms.overrides.clone();
        for concession in out {
            match concession {
                Concession::Override(name) => overrides.retain(|over| over.name != *name),
                Concession::Discount { rate, discount } => {
                    discounts.insert((rate.as_ref(), discount));
                }
                Concession::Version { .. } => {}
            }
        }
        // From the last version on back to one that is not left out.
        while let Some(concession) = out.iter().find(|out| ***out == version(plan)) {
            plan = before.get(*concession)?;
        }
        let plan = if discounts.is_empty() {
            Cow::Borrowed(plan)
        } else {
            Cow::Owned(Plan::try_from(undiscounted(plan, &discounts)).ok()?)
        };
        Some(Rest { plan, overrides, day: segment.from() })
    }

    fn goes_on(&self, last: &Rest<'_>) -> bool {
        self.plan == last.plan
            && self.overrides == last.overrides
            && self.plan.discounts_on(self.day).eq(last.plan.discounts_on(last.day))
    }

    /// The plan with the overrides that are left.
    fn plan(&self) -> Option<Cow<'a, Plan>> {
        let applied =
            |plan: Cow<'a, Plan>, over: &&Override| over.applied_to(&plan).ok().map(Cow::Owned);
        self.overrides.iter().try_fold(self.plan.clone(), applied)
    }
}

fn undiscounted(plan: &Plan, out: &BTreeSet<(Option<&Name>, &Name)>) -> PlanDocument {
    let mut document = plan.document().clone();
    document.discounts.retain(|discount| !out.contains(&(None, &discount.discount)));
    for rate in &mut document.rates {
        let name = rate.rate.clone();
        rate.discounts.retain(|discount| !out.contains(&(Some(&name), &discount.discount)));
    }
    document
}

impl Override {
    /// Whether it only concedes against a plan: its price, if it has one, never costs more.
    fn concedes_to(&self, plan: &Plan) -> bool {
        let Some(price) = &self.price else { return true };
        let mut rates = plan.rates().iter().filter(|rate| Some(&rate.rate) == self.rate.as_ref());
        rates.all(|rate| price.is_at_most(&rate.price))
    }
}
