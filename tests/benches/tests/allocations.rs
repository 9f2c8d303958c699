//! Rating allocates for the lines it explains, and not for what it counts.

use allocation_counter::measure;
use steelyard_benches::Month;

/// How often charging the month's last day allocates.
fn allocations(month: &Month) -> u64 {
    let segments = month.segments();
    measure(|| drop(month.settle_last_day(&segments))).count_total
}

#[test]
fn a_thousand_times_the_calls_need_no_more_allocations() {
    assert_eq!(allocations(&Month::new(31, 1)), allocations(&Month::new(31, 1_000)));
}

#[test]
fn twice_the_days_with_half_the_calls_each_need_no_more_allocations() {
    assert_eq!(allocations(&Month::new(15, 2)), allocations(&Month::new(30, 1)));
}

#[test]
fn a_quote_of_a_thousand_times_the_calls_needs_no_more_allocations() {
    let of_quote = |calls_times| {
        let month = Month::new(2, calls_times);
        measure(|| drop(month.quote())).count_total
    };
    assert_eq!(of_quote(100), of_quote(100_000));
}
