//! The settlements of a month, one after the other.

use std::collections::BTreeMap;

use steelyard_pricing::{
    BillingDay, ChargeError, DayCharge, Metered, MonthToDate, MonthUsage, Name, Segment,
    SegmentUsage, Usage, Yuan, charge, rate_month,
};

use crate::months::{Month, SUPPLEMENTS};

/// One settlement, with what it saw.
pub(crate) struct Run<'a> {
    pub segments: Vec<Segment<'a>>,
    pub charged: DayCharge,
    day: BillingDay,
    is_closed: bool,
    days: BTreeMap<BillingDay, Usage>,
}

/// Every settlement of the month.
pub(crate) fn settle(month: &Month) -> Vec<Run<'_>> {
    let mut runs = Vec::<Run<'_>>::new();
    let mut before = MonthToDate::default();
    let mut rated = BTreeMap::<BillingDay, Usage>::new();
    let mut settled_until = 0;
    for run in 0..month.runs.len() + SUPPLEMENTS {
        let until = month.runs.get(run).or(month.runs.last()).copied().expect("a run");
        let days = month.arrived(run);
        let is_settled = |day: &BillingDay| Month::number(*day) <= settled_until;
        let own = days.iter().map(|(day, usage)| (*day, usage)).filter(|(day, _)| !is_settled(day));
        let (late, void) = (gained(&rated, &days), gained(&days, &rated));
        let closed = settled_until == until;
        let closing = Some(&until) == month.runs.last();
        let usage = MonthUsage {
            late: of_settled(&late, is_settled),
            void: of_settled(&void, is_settled),
            own: own.collect(),
            day: Some(month.day(until)),
            closed,
            closing,
        };
        let segments = month.segments(until);
        let charged = charge(&segments, &before, &usage).expect("a charge");
        before = charged.month.clone();
        rated.clone_from(&days);
        settled_until = until;
        runs.push(Run { segments, charged, day: month.day(until), is_closed: closing, days });
    }
    runs
}

/// What the second has above the first.
fn gained(
    before: &BTreeMap<BillingDay, Usage>,
    after: &BTreeMap<BillingDay, Usage>,
) -> BTreeMap<BillingDay, Usage> {
    let none = Usage::new();
    let above =
        |(day, usage): (&BillingDay, &Usage)| (*day, usage.above(before.get(day).unwrap_or(&none)));
    after.iter().map(above).collect()
}

fn of_settled(
    days: &BTreeMap<BillingDay, Usage>,
    is_settled: impl Fn(&BillingDay) -> bool,
) -> Vec<(BillingDay, &Usage)> {
    days.iter().map(|(day, usage)| (*day, usage)).filter(|(day, _)| is_settled(day)).collect()
}

impl Run<'_> {
    /// The same settlement once more.
    pub(crate) fn again(&self) -> DayCharge {
        let usage = MonthUsage {
            day: Some(self.day),
            closed: self.is_closed,
            closing: self.is_closed,
            ..MonthUsage::default()
        };
        charge(&self.segments, &self.charged.month, &usage).expect("a charge")
    }

    /// The price of all the usage, rated once; none if that has too many digits.
    pub(crate) fn rated_once(&self) -> Option<Yuan> {
        let parts = self.begun().map(|segment| {
            let (total, days) = self.of_segment(segment);
            SegmentUsage { segment, total, days }
        });
        match rate_month(&parts.collect::<Vec<_>>(), self.is_closed) {
            Ok(yuan) => Some(yuan),
            Err(ChargeError::Money(_)) => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// The segments that have begun.
    pub(crate) fn begun(&self) -> impl DoubleEndedIterator<Item = &Segment<'_>> {
        self.segments.iter().filter(|segment| segment.from() <= self.day)
    }

    /// The same with more usage on a day.
    pub(crate) fn with(&self, day: BillingDay, api: &str, more: Metered) -> Run<'_> {
        let mut days = self.days.clone();
        days.entry(day).or_default().add(api.parse().expect("an API"), more).expect("a count");
        Run { segments: self.segments.clone(), charged: self.charged.clone(), days, ..*self }
    }

    fn of_segment(
        &self,
        segment: &Segment<'_>,
    ) -> (Usage, BTreeMap<Name, BTreeMap<BillingDay, Metered>>) {
        let mut total = Usage::new();
        let mut by_rate = BTreeMap::<Name, BTreeMap<BillingDay, Metered>>::new();
        for (day, usage) in self.days.iter().filter(|(day, _)| segment.holds(**day)) {
            total = total.plus(usage).expect("a sum");
            for (api, metered) in usage.iter() {
                let Some(rate) = segment.plan().rate_of(api) else { continue };
                let of_day = by_rate.entry(rate.rate.clone()).or_default().entry(*day).or_default();
                *of_day = of_day.plus(metered).expect("a sum");
            }
        }
        (total, by_rate)
    }
}
