//! The week against the week before: late usage counts on the day of its calls.

use std::collections::BTreeMap;

use steelyard_billing::{Statement, charge_by_api};
use steelyard_pricing::{Amount, BillingDay, Metered, Usage};

use super::{fen, records, view};
use crate::month::{Month, at, calls_of, day};

#[test]
fn calls_that_came_late_count_in_the_week_of_the_calls() {
    // Late calls of 17 May are on the bill of 18 May, of the week after.
    let mut month = Month::until("2015-04-13", "2015-05-25T08:32");
    month.account.open_debit = None;
    let change = view(&month, &records(&month)).change.unwrap();
    assert_eq!((change.before_through, change.from), (day("2015-05-17"), day("2015-05-18")));
    for row in change.rows.iter().filter(|row| row.api.is_some()) {
        let api = row.api.as_ref().unwrap();
        let calls = |first: &str, last: &str| {
            let (first, last) = (day(first), day(last));
            let days = std::iter::successors(Some(first), |of| Some(of.next()));
            let days = days.take_while(|of| *of <= last);
            days.map(|of| calls_of(of).of(api).calls.get()).sum::<u64>()
        };
        let counted = (calls("2015-05-11", "2015-05-17"), calls("2015-05-18", "2015-05-24"));
        let told = [row.of.calls_before, row.of.calls].map(|calls| u64::try_from(calls).unwrap());
        assert_eq!((told[0], told[1]), counted, "{api}");
    }
    let bills = Statement::sum_fen(&month.between("2015-05-11", "2015-05-24")).unwrap();
    assert_eq!(change.total.charge_fen.plus(change.total.charge_before_fen), Ok(bills));
}

#[test]
fn late_usage_of_two_days_is_divided_as_its_price_is() {
    let plan = r#"{"plan": "open-2015", "effective_from": "2015-01-01", "rates": [
        {"rate": "all", "apis": ["*"], "price": {"model": "percentage", "percent": "1"}}]}"#;
    let mut month = Month::under(plan, "2015-05-01", "2015-05-01T08:32");
    let used = |calls: u64, yuan: u32| {
        let metered = Metered { amount: Amount::yuan(yuan), ..Metered::calls(calls) };
        Usage::from_iter([("pay".parse().unwrap(), metered)])
    };
    let days = ["2015-05-01", "2015-05-02", "2015-05-03"].map(day);
    let mut made = Vec::new();
    for (of, night) in days.into_iter().zip(["2015-05-02", "2015-05-03", "2015-05-04"]) {
        let read = BTreeMap::from([(of, used(1, 100))]);
        made.extend(month.night(&read, at(&format!("{night}T00:30"))));
        month.statements.clone_from(&made);
    }
    // More of the first two days arrives: one call of ¥1,000, and 999 of ¥1 together.
    let late = BTreeMap::from([
        (days[0], used(2, 1_100)),
        (days[1], used(1_000, 101)),
        (day("2015-05-04"), used(1, 100)),
    ]);
    made.extend(month.night(&late, at("2015-05-05T00:30")));
    let of = |day: BillingDay| {
        let sums = charge_by_api(&made, &(day..=day)).unwrap();
        let charge = sums[&Some("pay".parse().unwrap())];
        (charge.calls, charge.charge_fen)
    };
    assert_eq!(of(days[0]), (2, fen("11.00")));
    assert_eq!(of(days[1]), (1_000, fen("1.01")));
    assert_eq!(of(day("2015-05-04")), (1, fen("1.00")));
}
