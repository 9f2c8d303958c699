//! `steelyard statement --explain`: every number that is needed to compute a charge again.

use expect_test::{Expect, expect};

use crate::platform::Platform;

/// Free to 310 calls a month, then one price each; ¥31 a month at least. SMS have no price.
fn plan(name: &str, price: &str) -> String {
    format!(
        r#"{{ "plan": "{name}", "effective_from": "2015-05-01", "minimum": "31", "rates": [
        {{ "rate": "trades", "apis": ["trades.*"], "free_per_month": 310,
          "price": {{ "model": "per_unit", "unit_price": "{price}" }} }} ] }}"#
    )
}

async fn check(platform: &Platform, day: &str, expected: Expect) {
    expected.assert_eq(&platform.does(&format!("statement shop {day} --explain")).await);
}

/// A month of two plans, whose first statement charges ten days, and whose second one has late and
/// unpriced usage too.
async fn two_plans(name: &str) -> Platform {
    let platform = Platform::open(name).await;
    platform.add_plan("old.json", &plan("old", "0.01")).await;
    platform.add_plan("new.json", &plan("new", "0.02")).await;
    platform.does("provider add shop --plan old --billed-from 2015-05").await;
    platform.does("provider assign shop --plan new --from 2015-05-11").await;
    platform.set("2015-05-05T12:00");
    let first = [("trades.get", 503), ("trades.list", 20)];
    platform.count("first", "shop", "2015-05-05", &first).await;
    platform.settle("2015-05-06").await;
    platform.set("2015-05-12T12:00");
    platform.count("second", "shop", "2015-05-12", &[("trades.get", 400), ("sms.send", 7)]).await;
    platform.count("late", "shop", "2015-05-05", &[("trades.get", 30), ("sms.send", 2)]).await;
    platform.settle("2015-05-13").await;
    platform
}

#[tokio::test]
async fn statements_of_two_segments_with_late_and_unpriced_usage() {
    let platform = two_plans("explain").await;
    // 310 × 10 ∕ 31 = 100 are free: 423 × 0.01.
    check(
        &platform,
        "2015-05-05",
        expect![[r#"
            shop statement 2015-05-05: ¥4.23
              2015-05-01 to 2015-05-10, 10 of 31 days: plan old of 2015-05-01
              line 1: trades, from 2015-05-01
                trades.get: 503 calls
                trades.list: 20 calls
                metered: 0 calls → 523 calls
                free 100: used 0 → 100
                (423 − 0) × ¥0.01 = ¥4.23
                ¥4.23 − ¥0.00 before = ¥4.23, rounded by ¥0.00: ¥4.23
              month to date ¥4.23, rounded half_up, less ¥0.00 charged before = ¥4.23

        "#]],
    )
    .await;
    // 30 × 0.01 came late. 310 × 21 ∕ 31 = 210 are free: 190 × 0.02.
    check(
        &platform,
        "2015-05-12",
        expect![[r#"
            shop statement 2015-05-12: ¥4.10
              2015-05-01 to 2015-05-10, 10 of 31 days: plan old of 2015-05-01
              2015-05-11 to 2015-05-31, 21 of 31 days: plan new of 2015-05-01
              line 1: trades, late, from 2015-05-01
                trades.get: 30 calls
                metered: 523 calls → 553 calls
                free 100: used 100 → 100
                (453 − 0) × ¥0.01 = ¥4.53
                ¥4.53 − ¥4.23 before = ¥0.30, rounded by ¥0.00: ¥0.30
              line 2: trades, from 2015-05-11
                trades.get: 400 calls
                metered: 0 calls → 400 calls
                free 210: used 0 → 210
                (190 − 0) × ¥0.02 = ¥3.80
                ¥3.80 − ¥0.00 before = ¥3.80, rounded by ¥0.00: ¥3.80
              of 2015-05-05 came late: 32 calls
              UNPRICED sms.send, late, from 2015-05-01: 2 calls, no rate covers them
              UNPRICED sms.send, from 2015-05-11: 7 calls, no rate covers them
              month to date ¥8.33, rounded half_up, less ¥4.23 charged before = ¥4.10

        "#]],
    )
    .await;
}

#[tokio::test]
async fn minimum_of_a_month_is_charged_by_segment_at_its_end() {
    let platform = two_plans("explain-minimum").await;
    platform.settle("2015-06-01").await;
    // 31 × 10 ∕ 31 = 10 less 4.53, and 31 × 21 ∕ 31 = 21 less 3.80: 31.00 together.
    check(
        &platform,
        "2015-05-31",
        expect![[r#"
            shop statement 2015-05-31: ¥22.67
              2015-05-01 to 2015-05-10, 10 of 31 days: plan old of 2015-05-01
              2015-05-11 to 2015-05-31, 21 of 31 days: plan new of 2015-05-01
              line 1: all rates together, up to the minimum, from 2015-05-01
                together ¥4.53
                at least ¥10.00, now that the month is over
                ¥10.00 − ¥4.53 = ¥5.47
                ¥5.47 − ¥0.00 before = ¥5.47, rounded by ¥0.00: ¥5.47
              line 2: all rates together, up to the minimum, from 2015-05-11
                together ¥3.80
                at least ¥21.00, now that the month is over
                ¥21.00 − ¥3.80 = ¥17.20
                ¥17.20 − ¥0.00 before = ¥17.20, rounded by ¥0.00: ¥17.20
              month to date ¥31.00, rounded half_up, less ¥8.33 charged before = ¥22.67

        "#]],
    )
    .await;
    assert!(platform.does("audit").await.contains("audit passed"));
}

#[tokio::test]
async fn all_statements_are_explained_one_after_the_other() {
    let platform = Platform::open("explain-all").await;
    let packages = r#"{ "plan": "packages", "effective_from": "2015-05-01", "rates": [
      { "rate": "calls", "apis": ["*"], "price": { "model": "volume", "tiers": [
        { "up_to": 100, "unit_price": "0.0105" }, { "unit_price": "0.005" } ] } } ] }"#;
    platform.add_plan("packages.json", packages).await;
    platform.does("provider add shop --plan packages --billed-from 2015-05").await;
    for (id, day, next, calls) in
        [("first", "2015-05-05", "2015-05-06", 99), ("second", "2015-05-06", "2015-05-07", 2)]
    {
        platform.set(&format!("{day}T12:00"));
        platform.count(id, "shop", day, &[("x", calls)]).await;
        platform.settle(next).await;
    }
    // 99 × 0.0105 = 1.0395; 101 × 0.005 = 0.505, a credit.
    check(
        &platform,
        "",
        expect![[r#"
            shop statement 2015-05-05: ¥1.04
              2015-05-01 to 2015-05-31, 31 of 31 days: plan packages of 2015-05-01
              line 1: calls, from 2015-05-01
                x: 99 calls
                metered: 0 calls → 99 calls
                (99 − 0) × ¥0.0105 = ¥1.0395
                ¥1.0395 − ¥0.00 before = ¥1.0395, rounded by ¥0.0005: ¥1.04
              month to date ¥1.0395, rounded half_up, less ¥0.00 charged before = ¥1.04

            shop statement 2015-05-06: −¥0.53
              2015-05-01 to 2015-05-31, 31 of 31 days: plan packages of 2015-05-01
              line 1: calls, from 2015-05-01
                x: 2 calls
                metered: 99 calls → 101 calls
                (101 − 0) × ¥0.005 = ¥0.505
                ¥0.505 − ¥1.0395 before = −¥0.5345, rounded by ¥0.0045: −¥0.53
              month to date ¥0.505, rounded half_up, less ¥1.04 charged before = −¥0.53

        "#]],
    )
    .await;
}
