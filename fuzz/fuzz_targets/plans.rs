//! No text makes the reader of plans panic. A plan that it takes reads back unchanged from what it
//! writes, and a quote by it adds up.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use steelyard_pricing::{
    Amount, BillingDay, Calls, Fen, Metered, Override, Plan, Quote, Terms, Usage, Yuan,
};

/// The days that are priced, each with calls and an amount.
const DAYS: [(&str, u64, u32); 3] =
    [("2015-05-01", 1, 0), ("2015-05-02", 1_000_001, 3), ("2015-06-30", 700, 0)];

fuzz_target!(|data: &[u8]| {
    let Ok(text) = str::from_utf8(data) else { return };
    if let Ok(given) = Override::read(text) {
        let written = serde_json::to_string(&given).expect("an override has a JSON");
        assert_eq!(Override::read(&written), Ok(given));
    }
    let Ok(plan) = Plan::read(text) else { return };
    let written = serde_json::to_string(&plan).expect("a plan has a JSON");
    assert_eq!(Plan::read(&written), Ok(plan.clone()));
    let usage = |(day, calls, yuan): (&str, _, _)| {
        (day.parse::<BillingDay>().expect("a day"), usage(&plan, Calls::new(calls), yuan))
    };
    let days = BTreeMap::from_iter(DAYS.map(usage));
    let Ok(quote) = Quote::of_days(&days, |_| Some(Terms::of(&plan))) else { return };
    let rounded = Fen::sum(quote.days.iter().map(|day| day.rounded));
    assert_eq!(rounded, Ok(quote.rounded), "{written}");
    let exact = Yuan::sum(quote.days.iter().map(|day| day.exact));
    assert_eq!(exact, Ok(quote.exact), "{written}");
});

/// Calls of the first API that each rate lists, and of one that no rate may list.
fn usage(plan: &Plan, calls: Calls, yuan: u32) -> Usage {
    let listed = plan.rates().iter().filter_map(|rate| rate.apis.first());
    let names = listed.map(|pattern| pattern.to_string().replace('*', "x"));
    let mut usage = Usage::new();
    for name in names.chain(["other".to_owned()]) {
        let Ok(api) = name.parse() else { continue };
        // The same API twice is more of it.
        usage.add(api, Metered { calls, amount: Amount::yuan(yuan) }).expect("few calls");
    }
    usage
}
