//! State machines of the core against small models of their own, and a search of all that can
//! happen to one debit. The models follow the invariants and the documents, not the code.
//! `docs/proof.md` explains them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod account;
mod alerts;
mod breaker;
#[path = "../common/mod.rs"]
mod common;
mod debit;
#[path = "../common/debits.rs"]
mod debits;
mod deposit;
mod mandate;
#[path = "../common/realm.rs"]
mod realm;
mod recharge;
mod refund;
mod search;
mod standing;
mod world;

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use steelyard_billing::{Reason, Reference};

/// 64 cases of a fixed seed, or what `PROPTEST_CASES` and `PROPTEST_RNG_SEED` ask for.
fn config() -> ProptestConfig {
    let config = ProptestConfig::default();
    let is_asked = |name: &str| std::env::vars_os().any(|(of, _)| of == name);
    let cases = if is_asked("PROPTEST_CASES") { config.cases } else { 64 };
    let rng_seed =
        if is_asked("PROPTEST_RNG_SEED") { config.rng_seed } else { RngSeed::Fixed(2014) };
    ProptestConfig { cases, rng_seed, ..config }
}

/// A second of Unix time.
fn second(of: i64) -> Timestamp {
    Timestamp::from_second(of).unwrap()
}

/// The number of the day in Shanghai, which is eight hours ahead of UTC all year round.
fn shanghai_day(second: i64) -> i64 {
    (second + 8 * HOUR).div_euclid(24 * HOUR)
}

/// The second at which a clock in Shanghai shows an hour of a day.
fn shanghai_hour(day: i64, hour: i64) -> i64 {
    (day * 24 + hour - 8) * HOUR
}

const HOUR: i64 = 3600;

/// Half past midnight of 17 May 2015 in Shanghai.
const BEGIN: i64 = 1_431_793_800;

/// The reference of a bank transfer.
fn reference() -> Reference {
    Reference::new("transfer").unwrap()
}

fn reason() -> Reason {
    Reason::new("asked by mail").unwrap()
}

#[test]
fn days_of_the_models_are_those_of_shanghai() {
    assert_eq!(second(BEGIN), common::at("2015-05-17 00:30"));
    let day = shanghai_day(BEGIN);
    assert_eq!(second(shanghai_hour(day, 10)), common::at("2015-05-17 10:00"));
    assert_eq!(shanghai_day(shanghai_hour(day + 1, 0) - 1), day);
}
