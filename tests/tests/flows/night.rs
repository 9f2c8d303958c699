//! A night of many providers, counted: each has a report, a statement, a debit that is paid and a row of the
//! bill. What names a provider costs the same however many there are.

use expect_test::expect_file;
use rust_decimal::Decimal;
use steelyard_tests::{COEFFICIENTS, Cost, Platform, Step, tables};

/// By what share a measured figure may differ from its coefficient: requests and write units of two nights
/// differ by a hundredth at most. Each write to the breaker is read first, and few debits have as many of
/// them as some hundreds.
const TOLERANCE: Decimal = Decimal::from_parts(5, 0, 0, false, 3);
const TOLERANCE_OF_READS: Decimal = Decimal::from_parts(10, 0, 0, false, 3);

/// The largest share of a night's write units that a partition key may take.
const HOTTEST: Decimal = Decimal::from_parts(2, 0, 0, false, 2);

/// The largest share of the write units that serve many providers, of those that serve one.
const SHARED: Decimal = Decimal::from_parts(2, 0, 0, false, 2);

/// The providers from which on the shares are checked: among few, each has a large share itself.
const MANY: usize = 1_000;

async fn check(providers: usize) {
    let night = Platform::open().await.night(providers).await;
    night.print();
    let steps = night.steps.iter().map(|step| step.name).collect::<Vec<_>>();
    assert_eq!(steps, COEFFICIENTS.map(|coefficient| coefficient.step));
    for (step, expected) in night.steps.iter().zip(COEFFICIENTS) {
        let Cost { requests, writes, reads } = step.own().of_each(providers);
        for (what, found, expected, tolerance) in [
            ("requests", requests, expected.requests, TOLERANCE),
            ("write units", writes, expected.writes, TOLERANCE),
            ("read units", reads, expected.reads, TOLERANCE_OF_READS),
        ] {
            let told = format!("{} of {providers}: {found} {what}, not {expected}", step.name);
            assert!((found - expected).abs() <= expected * tolerance, "{told}");
        }
    }
    if providers >= MANY {
        assert!(night.hottest().share <= HOTTEST, "{:?}", night.hottest());
        let writes = |of: fn(&Step) -> Cost| -> Decimal {
            night.steps.iter().map(|step| of(step).writes).sum()
        };
        assert!(writes(Step::shared) <= writes(Step::own) * SHARED, "{night:?}");
    }
}

#[tokio::test]
async fn night_of_100_providers_costs_the_coefficients() {
    check(100).await;
}

#[tokio::test]
async fn night_of_1_000_providers_costs_the_coefficients() {
    check(1_000).await;
}

#[tokio::test]
#[ignore = "it takes more than ten minutes of processor time in a debug build"]
async fn night_of_10_000_providers_costs_the_coefficients() {
    check(10_000).await;
}

/// The page has the tables that follow from the coefficients. `UPDATE_EXPECT=1` writes them anew.
#[test]
fn page_about_scale_has_the_figures_that_follow_from_the_coefficients() {
    const BEGIN: &str = "<!-- The tables begin: tests/src/scale.rs computes them. -->\n";
    const END: &str = "<!-- The tables end. -->\n";
    let page = include_str!("../../../docs/scale.md");
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let expected = format!("{before}{BEGIN}\n{}\n{END}{after}", tables());
    expect_file!["../../../docs/scale.md"].assert_eq(&expected);
}
