//! A night of many providers, counted: each has a report, a statement, a debit that is paid and a
//! row of the bill. What names a provider costs the same however many there are.

use expect_test::expect_file;
use steelyard_tests::{Platform, tables};

async fn check(providers: usize) {
    Platform::open().await.night(providers).await.check();
}

#[tokio::test]
async fn night_of_100_providers_costs_the_coefficients() {
    check(100).await;
}

#[tokio::test]
async fn night_of_1_000_providers_costs_the_coefficients() {
    check(1_000).await;
}

/// Minutes in a build that is not optimised: the example `night` is the faster way by hand.
#[tokio::test]
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
