//! How many instructions rating a month takes: the number is the same from run to run, so that it
//! guards against growth on any machine of one kind.
//!
//! To raise a limit on purpose, run `cargo bench -p steelyard-benches --bench instructions`, and
//! write down the number it prints; say in the commit what the instructions are spent on.

#![expect(
    missing_docs,
    unused_qualifications,
    reason = "the macros make what they do not document"
)]

use std::hint::black_box;

use gungraun::{
    Callgrind, EventKind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main,
};
use steelyard_benches::Month;
use steelyard_pricing::{DayCharge, Quote};

/// What a day's charge took when it was last measured.
const CHARGE: u64 = 230_081;

/// What a quote took when it was last measured.
const QUOTE: u64 = 208_285;

/// A measurement and two hundredths of it, which new compilers and processors may need.
const fn limit(measured: u64) -> u64 {
    measured + measured / 50
}

fn guarded(measured: u64) -> LibraryBenchmarkConfig {
    let mut config = LibraryBenchmarkConfig::default();
    config.tool(Callgrind::default().hard_limits([(EventKind::Ir, limit(measured))]));
    config
}

#[library_benchmark(config = guarded(CHARGE))]
#[bench::month(Month::new(31, 1))]
fn charge(month: Month) -> (Month, DayCharge) {
    let charged = black_box(&month).settle_last_day(&month.segments());
    (month, charged)
}

#[library_benchmark(config = guarded(QUOTE))]
#[bench::month(Month::new(1, 31))]
fn quote(month: Month) -> (Month, Quote) {
    let quote = black_box(&month).quote();
    (month, quote)
}

library_benchmark_group!(name = month, benchmarks = [charge, quote]);
main!(library_benchmark_groups = month);
