//! How long rating a month takes, explanation included: under 100 µs for a day's charge.

use criterion::{Criterion, criterion_group, criterion_main};
use steelyard_benches::Month;

fn month(criterion: &mut Criterion) {
    let month = Month::new(31, 1);
    let segments = month.segments();
    let mut group = criterion.benchmark_group("month");
    group.bench_function("charge", |bench| bench.iter(|| month.settle_last_day(&segments)));
    group.bench_function("quote", |bench| bench.iter(|| month.quote()));
    group.finish();
}

criterion_group!(benches, month);
criterion_main!(benches);
