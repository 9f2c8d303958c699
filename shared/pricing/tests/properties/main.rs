//! What holds for every plan, every month, and every order in which usage arrives.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod books;
mod concession;
mod exact;
mod explain;
mod months;
mod plans;
mod wild;

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Value;
use steelyard_pricing::{
    Amount, BillingDay, Calls, Condenser, DayCharge, Fen, Line, LineCause, Metered, MonthToDate,
    MonthUsage, Progress, RatedToDate, Segment, TaxToDate, Terms, Usage, Yuan, charge, segments,
};

use crate::books::settle;
use crate::exact::Exact;
use crate::months::{APIS, any_month};
use crate::wild::wild_plan;

/// What the document of the segment's plan says of a line's rate, with what it inherits.
fn rate_document(segments: &[Segment<'_>], line: &explain::Line) -> Option<Value> {
    let name = line.rate.as_ref()?;
    let segment = segments.iter().find(|s| s.from().to_string() == line.segment).unwrap();
    let plan = serde_json::to_value(segment.plan()).unwrap();
    let rates = plan["rates"].as_array().unwrap();
    let mut rate = rates.iter().find(|rate| rate["rate"] == **name).unwrap().clone();
    if rate["conversion"].is_null() {
        rate["conversion"] = plan["conversion"].clone();
    }
    if rate["free_per_day"].is_null() {
        rate["free_per_day"] = plan["free_per_day"].clone();
    }
    Some(rate)
}

fn explains_itself(segments: &[Segment<'_>], charged: &DayCharge) {
    for line in &charged.lines {
        let json = serde_json::to_string(line).unwrap();
        let read = serde_json::from_str::<explain::Line>(&json).unwrap();
        explain::explain(&read, rate_document(segments, &read).as_ref());
        if line.because == LineCause::Usage {
            continues(segments, charged, line, &read);
        }
    }
    let minimums = charged.lines.iter().filter(|line| line.because == LineCause::Minimum);
    let last = minimums.map(|line| ((line.segment, &line.rate), line)).collect::<BTreeMap<_, _>>();
    last.values().for_each(|line| makes_up(charged, line));
}

/// The last true-up of a rate, or of the plan, begins with what there is to pay, and is noted.
fn makes_up(charged: &DayCharge, line: &Line) {
    let exact = |yuan: &Yuan| Exact::read(&yuan.to_string());
    let segment = charged.month.segments.get(&line.segment).unwrap();
    let rates = segment.rates.values().map(|rated| &rated.yuan);
    let of_plan = rates.chain(segment.minimums.values()).chain([&segment.adjustment_yuan]);
    let (due, noted) = match &line.rate {
        Some(rate) => (
            segment.rates.get(rate).map(|rated| exact(&rated.yuan)).unwrap_or_default(),
            segment.minimums.get(rate).map(exact).unwrap_or_default(),
        ),
        None => {
            let all = of_plan.map(exact).collect::<Vec<_>>();
            (Exact::sum(&all), exact(&segment.minimum_yuan))
        }
    };
    assert_eq!(exact(&line.after_yuan().unwrap()), noted);
    if line.after.limit.is_some() {
        assert_eq!(exact(&line.after.base_yuan), due, "{line:?}");
    }
}

/// A line goes on from all that the earlier segments of its run had under rates of its name.
fn continues(segments: &[Segment<'_>], charged: &DayCharge, line: &Line, read: &explain::Line) {
    let (Some(rate), Some((calls, amount, due))) = (&line.rate, read.continued()) else { return };
    let span = segments.iter().find(|segment| segment.from() == line.segment).unwrap().span();
    let earlier = charged.month.segments.range(span.run().start..line.segment);
    let rated = earlier.filter_map(|(_, segment)| segment.rates.get(rate)).collect::<Vec<_>>();
    // Units of another kind are left out, with those before them.
    let holds = (0..rated.len()).any(|first| {
        let rated = rated.iter().skip(first);
        let sum = |of: &dyn Fn(&RatedToDate) -> String| {
            Exact::sum(&rated.clone().map(|rated| Exact::read(&of(rated))).collect::<Vec<_>>())
        };
        sum(&|rated| rated.metered.calls.to_string()) == calls
            && sum(&|rated| rated.metered.amount.get().to_string()) == amount
            && sum(&|rated| rated.yuan.to_string()) == due
    });
    assert!(holds, "{line:?} after {rated:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_line_is_shared_out_to_its_apis_to_the_fen(month in any_month()) {
        for run in settle(&month) {
            for line in &run.charged.lines {
                let shares = line.charge_by_api();
                prop_assert_eq!(shares.len(), line.apis.apis());
                let sum = Fen::sum(shares.iter().map(|(_, _, fen)| *fen)).unwrap();
                prop_assert_eq!(sum, if shares.is_empty() { Fen::ZERO } else { line.charge_fen });
                let sign = line.charge_fen.get().signum();
                prop_assert!(shares.iter().all(|(_, _, fen)| fen.get() * sign >= 0));
            }
        }
    }

    #[test]
    fn condensed_usage_costs_the_same(month in any_month()) {
        let day = month.day(28);
        let (segments, days) = (month.segments(28), month.arrived(0));
        let mut condenser = Condenser::new(&segments);
        let condensed = days.iter().map(|(day, usage)| (*day, condenser.condense(usage).unwrap()));
        let condensed = condensed.collect::<BTreeMap<_, _>>();
        let cost = |days: &BTreeMap<BillingDay, Usage>| {
            let own = days.iter().filter(|(of, _)| **of <= day).map(|(day, usage)| (*day, usage));
            let usage = MonthUsage {
                own: own.collect(), day: Some(day), closing: true, ..MonthUsage::default()
            };
            charge(&segments, &MonthToDate::default(), &usage).unwrap().rated_yuan
        };
        prop_assert_eq!(cost(&condensed), cost(&days));
        prop_assert!(condensed.values().all(|usage| usage.apis() <= APIS.len()));
    }

    #[test]
    fn the_next_calls_cost_what_the_month_comes_to_with_them(month in any_month(), calls in 0_u64..20_000) {
        // The price of the next calls counts what is charged at the end of the month; a settlement
        // does not.
        prop_assume!(!month.defers());
        let runs = settle(&month);
        let run = runs.first().unwrap();
        for segment in &run.segments {
            let progress = Progress::on(segment.from(), &run.segments, &run.charged.month);
            let progress = progress.unwrap().unwrap();
            let (day, more) = (segment.from(), Metered::calls(calls));
            for api in APIS {
                let api = api.parse().unwrap();
                let Some(rate) = segment.plan().rate_of(&api) else { continue };
                let own = Usage::from_iter([(api, more)]);
                let last = run.charged.month.segments.keys().next_back().copied();
                let begun = Some(last.map_or(day, |last| last.max(day)));
                let with = |own: Vec<(BillingDay, &Usage)>| {
                    let usage = MonthUsage { own, day: begun, ..MonthUsage::default() };
                    charge(&run.segments, &run.charged.month, &usage).unwrap().rated_yuan
                };
                let difference = with(vec![(day, &own)]).minus(with(Vec::new())).unwrap();
                prop_assert_eq!(progress.price_of_next(&rate.rate, day, more).unwrap(), difference);
            }
        }
    }

    #[test]
    fn days_add_up_to_the_month_rated_once(month in any_month()) {
        let mut sum = Fen::ZERO;
        for run in settle(&month) {
            sum = sum.plus(run.charged.charge_fen).unwrap();
            prop_assert_eq!(Some(run.charged.rated_yuan), run.rated_once());
            let rounded = run.charged.rated_yuan.to_fen_rounded(run.charged.rounding).unwrap();
            prop_assert_eq!(sum, rounded.plus(run.charged.tax_fen).unwrap());
            prop_assert_eq!(sum, run.charged.month.charged_fen);
        }
    }

    #[test]
    fn each_tax_is_its_percentage_of_its_share_of_what_is_charged_without_tax(month in any_month()) {
        for run in settle(&month) {
            let charged = &run.charged;
            let mut parts = BTreeMap::<String, Exact>::new();
            for segment in &run.segments {
                let Some(rated) = charged.month.segments.get(&segment.from()) else { continue };
                let tax = &serde_json::to_value(segment.plan()).unwrap()["tax"];
                let is_added = tax["behavior"] == "exclusive" && tax["percent"] != "0";
                let percent = tax["percent"].as_str().filter(|_| is_added).unwrap_or_default();
                let rates = rated.rates.values().map(|rated| &rated.yuan);
                let all = rates.chain(rated.minimums.values());
                let all = all.chain([&rated.adjustment_yuan, &rated.minimum_yuan]);
                let all = all.map(|yuan| Exact::read(&yuan.to_string())).collect::<Vec<_>>();
                let part = parts.entry(percent.to_owned()).or_default();
                *part = part.plus(&Exact::sum(&all));
            }
            let all = Exact::sum(&parts.values().cloned().collect::<Vec<_>>());
            let net = Exact::whole(charged.month.charged_fen.minus(charged.tax_fen).unwrap().get());
            let mut sum = Exact::zero();
            for (percent, part) in parts.iter().filter(|(percent, _)| !percent.is_empty()) {
                let percent = serde_json::from_value(percent.clone().into()).unwrap();
                let TaxToDate { net_fen, tax_fen } =
                    charged.month.taxes.get(&percent).copied().unwrap_or_default();
                let (net_fen, tax) = (Exact::whole(net_fen.get()), Exact::whole(tax_fen.get()));
                let hundredth = Exact::read(&percent.to_string()).over(&Exact::whole(100));
                prop_assert_eq!(net_fen.times(&hundredth).half_away(), tax.clone());
                if all != Exact::zero() {
                    let off = net.times(part).over(&all).minus(&net_fen);
                    prop_assert!(Exact::whole(-1) <= off && off <= Exact::whole(1), "{off:?}");
                }
                sum = sum.plus(&tax);
            }
            prop_assert_eq!(sum, Exact::whole(charged.tax_fen.get()));
        }
    }

    #[test]
    fn a_second_run_charges_nothing(month in any_month()) {
        for run in settle(&month) {
            let again = run.again();
            prop_assert_eq!((again.charge_fen, again.lines), (Fen::ZERO, Vec::new()));
            prop_assert_eq!(again.month, run.charged.month);
        }
    }

    #[test]
    fn lines_add_up_and_round_by_a_fen_at_most(month in any_month()) {
        for run in settle(&month) {
            let charged = &run.charged;
            let sum = Fen::sum(charged.lines.iter().map(|line| line.charge_fen)).unwrap();
            prop_assert_eq!(sum, charged.charge_fen);
            for line in &charged.lines {
                let rounding = line.rounding_yuan.decimal().abs();
                prop_assert!(rounding <= rust_decimal::Decimal::new(1, 2), "{:?}", line);
            }
        }
    }

    #[test]
    fn every_line_can_be_computed_again_from_what_it_says(month in any_month()) {
        for run in settle(&month) {
            explains_itself(&run.segments, &run.charged);
        }
    }
    #[test]
    fn no_more_is_free_than_the_plan_gives(month in any_month()) {
        for run in settle(&month) {
            for segment in &run.segments {
                let Some(to_date) = run.charged.month.segments.get(&segment.from()) else { continue };
                free_within(segment, &serde_json::to_value(to_date).unwrap());
            }
        }
    }

    #[test]
    fn no_segment_of_a_month_gives_anything_back(month in any_month()) {
        for run in settle(&month) {
            for line in &run.charged.lines {
                let is_of_month = matches!(line.because, LineCause::Concession | LineCause::Tax);
                prop_assert!(line.after.due_yuan >= Yuan::ZERO || is_of_month, "{:?}", line);
            }
            prop_assert!(run.charged.rated_yuan >= Yuan::ZERO);
        }
    }

    /// Under the terms by which a month ends. More usage under earlier terms can move what follows
    /// into a cheaper tier, or use up a maximum.
    #[test]
    fn more_usage_never_costs_less_but_by_volume_and_top_tier(
        month in any_month(), api in prop::sample::select(APIS.to_vec()),
        calls in prop_oneof![1_u64..10, 1_u64..100_000_000], amount in 0_u32..1_000_000,
    ) {
        prop_assume!(!month.may_fall());
        let runs = settle(&month);
        let more = Metered { calls: Calls::new(calls), amount: Amount::new(amount.into()).unwrap() };
        let last = runs.last().unwrap();
        let grown = last.with(last.begun().next_back().unwrap().from(), api, more);
        prop_assume!(grown.rated_once().is_some());
        prop_assert!(last.rated_once() <= grown.rated_once());
    }

    #[test]
    fn whatever_can_be_counted_is_priced_exactly_by_every_plan_that_is_accepted(plan in wild_plan()) {
        let Some(plan) = plan else { return Ok(()) };
        for (a, b, calls, amount) in [
            (1, 0, Calls::MAX.get(), "1000000000000"),
            (0, 1, Calls::MAX.get(), "999999999999.999999"),
            (1, 1, Calls::MAX.get() / 2, "333333333333.333333"),
            (1, 1, 1, "0.000001"),
            (0, 0, 0, "0"),
        ] {
            let amount = Amount::new(rust_decimal::Decimal::from_str_exact(amount).unwrap()).unwrap();
            let metered = Metered { calls: Calls::new(calls), amount };
            let usage = [("a", a), ("b", b)].into_iter().filter(|(_, used)| *used == 1);
            let usage = usage.map(|(api, _)| (api.parse().unwrap(), metered)).collect();
            price_exactly(std::slice::from_ref(&plan), &usage);
        }
    }

    #[test]
    fn whatever_can_be_counted_is_priced_exactly_in_a_month_of_several_versions(
        plans in prop::collection::vec(wild_plan(), 6),
    ) {
        let plans = plans.into_iter().flatten().collect::<Vec<_>>();
        prop_assume!(!plans.is_empty());
        for (calls, amount) in [(Calls::MAX.get(), "999999999999.999999"), (7, "0.000007")] {
            let amount = rust_decimal::Decimal::from_str_exact(amount).unwrap();
            let (share, places) = (calls / 13, rust_decimal::Decimal::from(13));
            let amount = Amount::new((amount / places).trunc_with_scale(6)).unwrap();
            let metered = Metered { calls: Calls::new(share.max(1)), amount };
            let usage = ["a", "b"].map(|api| (api.parse().unwrap(), metered));
            price_exactly(&plans, &usage.into_iter().collect());
        }
    }
}

/// Charges a month that ends, with the usage on a day of each of the plans, which hold for five
/// days each: the last to the end of the month.
fn price_exactly(plans: &[steelyard_pricing::Plan], usage: &Usage) {
    let last = "2014-04-30".parse::<BillingDay>().unwrap();
    let first = last.month().first_day();
    let terms_on = |day| {
        let place = usize::try_from(first.days_until(day) / 5).unwrap().min(plans.len() - 1);
        Some(Terms { plan: &plans[place], overrides: Vec::new() })
    };
    let segments = segments(last.month(), terms_on).unwrap();
    let days = segments.iter().map(Segment::from);
    let own = days.map(|day| (day, usage)).collect();
    let usage = MonthUsage { own, closing: true, ..MonthUsage::default() };
    let charged = charge(&segments, &MonthToDate::default(), &usage).unwrap();
    explains_itself(&segments, &charged);
}

/// What is written of a segment uses no more free units than its plan's document gives.
fn free_within(segment: &Segment<'_>, to_date: &Value) {
    let plan = serde_json::to_value(segment.plan()).unwrap();
    let span = segment.span();
    let days = |from: BillingDay, until| Exact::whole(from.days_until(until).try_into().unwrap());
    let of_run = days(span.run().start, span.run().end);
    let days = days(span.from, span.until);
    let of_month = of_run.over(&Exact::whole(segment.from().month().days().try_into().unwrap()));
    let given = |fields: &Value| match (fields.get("free_per_month"), fields.get("free_per_day")) {
        (Some(units), _) => Exact::of(units).times(&of_month).ceil(),
        (None, Some(units)) => Exact::of(units).times(&days),
        (None, None) => Exact::zero(),
    };
    let used = |rate: &Value, name: &str| rate.get(name).map_or_else(Exact::zero, Exact::of);
    let standings = serde_json::from_value::<BTreeMap<String, Value>>(to_date["rates"].clone());
    let mut of_plan = Exact::zero();
    for (name, standing) in standings.unwrap() {
        let rates = plan["rates"].as_array().unwrap();
        let rate = rates.iter().find(|rate| rate["rate"] == *name).unwrap();
        let (free, shared) = (used(&standing, "free_used"), used(&standing, "plan_free_used"));
        assert!(Exact::zero() <= free && free <= given(rate), "{name}: {free:?}");
        assert!(Exact::zero() <= shared, "{name}: {shared:?}");
        of_plan = of_plan.plus(&shared);
    }
    assert!(of_plan <= given(&plan), "of the plan's own: {of_plan:?}");
}
