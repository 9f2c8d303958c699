//! Histories of a shop: what is used, what changes, and when settlement runs.

use proptest::prelude::*;
use steelyard_pricing::BillingDay;

use crate::shop::day;

/// Plans of every price model, with caps, discounts, conversions and allowances of all kinds; each
/// has a rate `basic` that prices calls.
pub(crate) const BODIES: [&str; 7] = [
    r#""rates": [
        {"rate": "basic", "apis": ["t.*"], "free_per_month": 100,
         "price": {"model": "per_unit", "unit_price": "0.01"}},
        {"rate": "extra", "apis": ["vas.*"],
         "price": {"model": "per_unit", "unit_price": "0.0033"}}]"#,
    r#""minimum": "5", "maximum": "20", "rates": [
        {"rate": "basic", "apis": ["t.*"], "free_per_month": 31,
         "price": {"model": "volume", "tiers": [
            {"up_to": 100, "unit_price": "0.10"},
            {"unit_price": "0.013", "flat_fee": "0.5"}]}}]"#,
    r#""rates": [
        {"rate": "basic", "apis": ["t.*"], "free_per_day": 10,
         "discounts": [{"discount": "spring", "percent": "20",
                        "from": "2015-05-20", "until": "2015-06-03"}],
         "price": {"model": "graduated", "flat_fee_at_zero_usage": true, "tiers": [
            {"up_to": "50.5", "unit_price": "0.013", "flat_fee": "1.005"},
            {"unit_price": "0.0007", "flat_fee": "0.3"}]}},
        {"rate": "sales", "apis": ["sale.*"],
         "price": {"model": "percentage", "percent": "0.6", "free_amount": "100",
                   "fee_per_call": "0.005"}}]"#,
    r#""conversion": {"divide": 3, "round": "up"}, "free_per_month": 40,
       "discounts": [{"discount": "loyal", "percent": "12.5"},
                     {"discount": "list", "percent": "5", "of": "list"},
                     {"discount": "gift", "amount": "0.75", "remainder": "carried",
                      "from": "2015-05-01"}],
       "rates": [
        {"rate": "basic", "apis": ["t.*"], "maximum": "3",
         "price": {"model": "package", "size": 7, "price": "0.25"}},
        {"rate": "extra", "apis": ["vas.*"], "minimum": "1.24",
         "price": {"model": "package", "size": 10, "price": "0.1", "charged": "full"}}]"#,
    r#""free_per_day": 20, "rates": [
        {"rate": "basic", "apis": ["t.*"],
         "price": {"model": "block", "tiers": [
            {"size": 10, "blocks": 5, "price": "0.3"}, {"size": 100, "price": "0.77"}]}},
        {"rate": "extra", "apis": ["vas.*", "sale.*"], "free_per_day": 3,
         "price": {"model": "block", "policy": "top_tier", "tiers": [
            {"size": 10, "blocks": 5, "price": "0.3"}, {"size": 25, "price": "0.4"}]}}]"#,
    r#""free_per_month": 50, "maximum": "9.99", "rates": [
        {"rate": "basic", "apis": ["t.*", "vas.b"], "conversion": {"divide": 8},
         "price": {"model": "graduated", "tiers": [
            {"up_to": 10, "unit_price": "0.02"}, {"unit_price": "0.013"}]}},
        {"rate": "sales", "apis": ["sale.*"], "free_per_month": 200, "minimum": "0.5",
         "price": {"model": "graduated_percentage", "fee_per_call": "0.001", "tiers": [
            {"up_to": 1000, "percent": "0.6", "flat_fee": "0.1"}, {"percent": "0.25"}]}}]"#,
    r#""rates": [
        {"rate": "basic", "apis": ["*"], "price": {"model": "per_unit", "unit_price": "0"}}]"#,
];

/// What a version of a plan says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Body {
    pub rounding: &'static str,
    pub rates: &'static str,
}

/// Changes that an override may make.
const CHANGES: [&str; 8] = [
    r#""rate": "basic", "price": {"model": "per_unit", "unit_price": "0.02"}"#,
    r#""rate": "basic", "price": {"model": "volume", "tiers": [
        {"up_to": 60, "unit_price": "0.05"}, {"unit_price": "0.01"}]}"#,
    r#""rate": "basic", "free_on_top": 37"#,
    r#""free_on_top": 31"#,
    r#""rate": "basic", "discount_percent": "15""#,
    r#""discount_percent": "33.3""#,
    r#""rate": "basic", "discount_amount": "1.5", "discount_remainder": "carried""#,
    r#""discount_amount": "20", "discount_given": "once", "discount_remainder": "carried""#,
];

/// Something that happens on a day.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// Usage is counted for a day that may be some days ago.
    Counts { age: u8, api: &'static str, calls: u64, amount: u32 },
    /// Usage of an API on a day that may be some days ago is withdrawn.
    Withdraws { age: u8, api: &'static str },
    /// The provider is put on a plan.
    Assigns { plan: &'static str, from: Place },
    /// A version of a plan is stored.
    Stores { plan: &'static str, body: Body, from: Place },
    /// The provider is given an override.
    Gives { change: &'static str, from: Place, until: Option<Place> },
    /// An override is ended, the first or the last.
    Ends { first: bool, until: Place },
    /// Another day is configured on which months close.
    Closes { on: i8 },
}

/// A day, as it is seen from another: so many days before or after, or a border of the month.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    Days(i8),
    FirstOfMonth,
    LastOfMonth,
    FirstOfNextMonth,
}

/// The events of a day, and whether settlement runs in its evening and in the night after it.
#[derive(Clone, Debug)]
pub(crate) struct Lived {
    pub events: Vec<Event>,
    pub settles_in_the_evening: bool,
    pub settles_in_the_night: bool,
}

impl Place {
    pub(crate) fn seen_from(self, today: BillingDay) -> BillingDay {
        match self {
            Place::Days(days) if days < 0 => (days..0).fold(today, |day, _| day.previous()),
            Place::Days(days) => (0..days).fold(today, |day, _| day.next()),
            Place::FirstOfMonth => today.month().first_day(),
            Place::LastOfMonth => today.month().last_day(),
            Place::FirstOfNextMonth => today.month().next().first_day(),
        }
    }
}

/// A version of a plan, written down.
pub(crate) fn document(plan: &str, from: BillingDay, body: Body) -> String {
    let Body { rounding, rates } = body;
    format!(
        r#"{{"plan": "{plan}", "effective_from": "{from}", "rounding": "{rounding}", {rates}}}"#
    )
}

/// An override, written down.
pub(crate) fn given(
    name: usize,
    from: BillingDay,
    until: Option<BillingDay>,
    change: &str,
) -> String {
    let until = until.map(|until| format!(r#""until": "{until}", "#)).unwrap_or_default();
    format!(r#"{{"override": "o{name}", "from": "{from}", {until}{change}}}"#)
}

/// The first day of every history: late enough in May for its end to come soon.
pub(crate) fn first_day() -> BillingDay {
    day("05-12")
}

/// What is lived through from 12 May to 10 July.
pub(crate) fn histories() -> impl Strategy<Value = Vec<Lived>> {
    prop::collection::vec(lived(), 60)
}

fn lived() -> impl Strategy<Value = Lived> {
    let events = prop_oneof![
        2 => Just(Vec::new()),
        5 => prop::collection::vec(counts(), 1..4),
        3 => prop::collection::vec(event(), 1..4),
    ];
    let (evening, night) = (prop::bool::weighted(0.1), prop::bool::weighted(0.7));
    (events, evening, night).prop_map(|(events, evening, night)| Lived {
        events,
        settles_in_the_evening: evening,
        settles_in_the_night: night,
    })
}

fn event() -> impl Strategy<Value = Event> {
    let plan = prop::sample::select(vec!["p", "q"]);
    let change = prop::sample::select(CHANGES.to_vec());
    prop_oneof![
        4 => counts(),
        2 => withdraws(),
        2 => (plan.clone(), place()).prop_map(|(plan, from)| Event::Assigns { plan, from }),
        1 => (plan, bodies(), place()).prop_map(|(plan, body, from)| Event::Stores { plan, body, from }),
        2 => (change, place(), prop::option::of(place()))
            .prop_map(|(change, from, until)| Event::Gives { change, from, until }),
        1 => (any::<bool>(), place()).prop_map(|(first, until)| Event::Ends { first, until }),
        1 => (1_i8..=28).prop_map(|on| Event::Closes { on }),
    ]
}

/// A plan's body with any rule of rounding.
pub(crate) fn bodies() -> impl Strategy<Value = Body> {
    let rounding = prop::sample::select(vec!["half_up", "half_even", "up", "down"]);
    (rounding, prop::sample::select(BODIES.to_vec()))
        .prop_map(|(rounding, rates)| Body { rounding, rates })
}

fn counts() -> impl Strategy<Value = Event> {
    let age = prop_oneof![4 => Just(0_u8), 2 => 1_u8..4, 1 => 0_u8..36];
    let apis = vec!["t.a", "t.a", "t.b", "vas.a", "vas.b", "sale.pay", "nobody.knows"];
    let calls = prop_oneof![Just(0_u64), 1_u64..5, 1_u64..100, 50_u64..300];
    let amount = prop_oneof![Just(0_u32), 1_u32..100, 1_u32..200_000];
    (age, prop::sample::select(apis), calls, amount)
        .prop_map(|(age, api, calls, amount)| Event::Counts { age, api, calls, amount })
}

fn withdraws() -> impl Strategy<Value = Event> {
    let apis = prop::sample::select(vec!["t.a", "t.b", "vas.a", "sale.pay", "nobody.knows"]);
    (0_u8..20, apis).prop_map(|(age, api)| Event::Withdraws { age, api })
}

fn place() -> impl Strategy<Value = Place> {
    prop_oneof![
        6 => (-3_i8..12).prop_map(Place::Days),
        1 => (-20_i8..35).prop_map(Place::Days),
        1 => Just(Place::FirstOfMonth),
        1 => Just(Place::LastOfMonth),
        1 => Just(Place::FirstOfNextMonth),
    ]
}
