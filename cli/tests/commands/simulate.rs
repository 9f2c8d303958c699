//! `steelyard plan simulate`: what counted usage would cost under a draft, and nothing else.

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use expect_test::{Expect, expect};
use serde_json::{Value, json};
use steelyard_local_aws::Transport;
use steelyard_local_stack::tables_to_read;
use steelyard_pricing::Plan;
use steelyard_runtime::{aws, chain};

use crate::platform::{BILLING_TABLE, Platform, USAGE_TABLE};

/// A plan that is in force from April on and charges each call beyond an allowance.
fn plan(name: &str, free: u32, price: &str) -> String {
    format!(
        r#"{{ "plan": "{name}", "effective_from": "2015-04-01", "rates": [
        {{ "rate": "calls", "apis": ["*"], "free_per_month": {free},
          "price": {{ "model": "per_unit", "unit_price": "{price}" }} }} ] }}"#
    )
}

/// A platform at the end of May 2015, on which two providers are on plan `small` and one is on
/// plan `large`; `b` has a discount of 50% from the 16th.
async fn platform(name: &str) -> Platform {
    let platform = Platform::open(name).await;
    platform.add_plan("small.json", &plan("small", 100, "0.10")).await;
    platform.add_plan("large.json", &plan("large", 1000, "0.05")).await;
    for (provider, plan) in [("a", "small"), ("b", "small"), ("c", "large")] {
        platform
            .does(&format!("provider add {provider} --plan {plan} --billed-from 2015-04"))
            .await;
    }
    platform.folder.write(
        "half.json",
        r#"{ "override": "half", "from": "2015-05-16", "discount_percent": "50" }"#,
    );
    platform.does("provider override add b half.json").await;
    platform.set("2015-05-31T23:00");
    platform.count("a-1", "a", "2015-05-02", &[("x", 150), ("y", 30)]).await;
    platform.count("a-2", "a", "2015-05-20", &[("x", 123)]).await;
    platform.count("b-1", "b", "2015-05-10", &[("x", 250)]).await;
    platform.count("b-2", "b", "2015-05-20", &[("x", 252)]).await;
    platform.count("c-1", "c", "2015-05-31", &[("x", 1500)]).await;
    platform
}

/// Simulates a draft over May; checks how the command ends, what it prints, and that it writes
/// nothing.
async fn check(platform: &Platform, draft: &str, code: i32, expected: Expect) {
    platform.folder.write("draft.json", draft);
    let before = platform.dump().await;
    let line = "plan simulate --plan draft.json --from 2015-05-01 --to 2015-05-31";
    let ran = platform.run(line).await;
    assert_eq!((ran.code, ran.err.as_str()), (code, ""), "{}", ran.out);
    expected.assert_eq(&ran.out);
    assert!(platform.dump().await == before, "something was written");
}

// By the terms in force: `a` 303 − 100 = 203 × 0.10 = 20.30; `c` 500 × 0.05 = 25.00; `b` has used
// its allowance when its discount begins: 150 × 0.10 = 15.00, and half of 252 × 0.10 = 12.60.

#[tokio::test]
async fn draft_of_a_new_name_takes_the_place_of_every_plan_and_overrides_hold() {
    let platform = platform("simulate-new").await;
    // 303 × 0.20 = 60.60; 250 × 0.20 + half of 252 × 0.20 = 50 + 25.20; 1,500 × 0.20 = 300.
    check(
        &platform,
        &plan("draft", 0, "0.20"),
        0,
        expect![[r#"
            ┌──────────┬───────┬────────┬─────────┐
            │ provider ┆   now ┆  draft ┆  change │
            ╞══════════╪═══════╪════════╪═════════╡
            │ c        ┆ 25.00 ┆ 300.00 ┆ +275.00 │
            │ b        ┆ 27.60 ┆  75.20 ┆  +47.60 │
            │ a        ┆ 20.30 ┆  60.60 ┆  +40.30 │
            │ all      ┆ 72.90 ┆ 435.80 ┆ +362.90 │
            └──────────┴───────┴────────┴─────────┘
            Amounts are yuan. Nothing was written.
            The draft takes the place of every plan.
        "#]],
    )
    .await;
}

#[tokio::test]
async fn draft_of_a_stored_name_takes_the_place_of_that_plan() {
    let platform = platform("simulate-stored").await;
    // 203 × 0.08 = 16.24; 150 × 0.08 + half of 252 × 0.08 = 12 + 10.08. Whenever it takes effect.
    let draft = plan("small", 100, "0.08").replace("2015-04-01", "2016-01-01");
    check(
        &platform,
        &draft,
        0,
        expect![[r#"
            ┌──────────┬───────┬───────┬────────┐
            │ provider ┆   now ┆ draft ┆ change │
            ╞══════════╪═══════╪═══════╪════════╡
            │ c        ┆ 25.00 ┆ 25.00 ┆   0.00 │
            │ a        ┆ 20.30 ┆ 16.24 ┆  -4.06 │
            │ b        ┆ 27.60 ┆ 22.08 ┆  -5.52 │
            │ all      ┆ 72.90 ┆ 63.32 ┆  -9.58 │
            └──────────┴───────┴───────┴────────┘
            Amounts are yuan. Nothing was written.
            The draft takes the place of the stored plan `small`.
            Providers on other plans do not change. A draft of a name that is not stored
            takes the place of every plan.
        "#]],
    )
    .await;
}

#[tokio::test]
async fn simulation_in_json_has_these_members() {
    let platform = platform("simulate-json").await;
    platform.folder.write("draft.json", &plan("draft", 0, "0.20"));
    let line = "plan simulate --plan draft.json --from 2015-05-01 --to 2015-05-15 --json";
    let simulated: Value = serde_json::from_str(&platform.does(line).await).unwrap();
    // Of the fifteen days alone: 80 × 0.10 and 180 × 0.20; 150 × 0.10 and 250 × 0.20.
    let expected = json!({
        "providers": [
            { "provider": "b", "now_fen": 1500, "draft_fen": 5000, "change_fen": 3500 },
            { "provider": "a", "now_fen": 800, "draft_fen": 3600, "change_fen": 2800 },
            { "provider": "c", "now_fen": 0, "draft_fen": 0, "change_fen": 0 },
        ],
        "replaces": null,
        "sum": { "now_fen": 2300, "draft_fen": 8600, "change_fen": 6300 },
        "failed": [],
    });
    assert_eq!(simulated, expected);
}

#[tokio::test]
async fn provider_that_cannot_be_rated_is_listed_beside_the_others() {
    let platform = platform("simulate-failed").await;
    platform.register("planless", "plan-to-come", "2015-05-01").await;
    platform.count("p", "planless", "2015-05-07", &[("x", 5)]).await;
    check(&platform, &plan("small", 100, "0.08"), 3, expect![[r#"
        ┌──────────┬───────┬───────┬────────┐
        │ provider ┆   now ┆ draft ┆ change │
        ╞══════════╪═══════╪═══════╪════════╡
        │ c        ┆ 25.00 ┆ 25.00 ┆   0.00 │
        │ a        ┆ 20.30 ┆ 16.24 ┆  -4.06 │
        │ b        ┆ 27.60 ┆ 22.08 ┆  -5.52 │
        │ all      ┆ 72.90 ┆ 63.32 ┆  -9.58 │
        └──────────┴───────┴───────┴────────┘
        Amounts are yuan. Nothing was written.
        The draft takes the place of the stored plan `small`.
        Providers on other plans do not change. A draft of a name that is not stored
        takes the place of every plan.
        not rated: planless: cannot compute the price: 2015-05-07 has usage, but no plan was in force
    "#]]).await;
}

#[tokio::test]
async fn draft_of_a_stored_name_leaves_those_alone_who_are_on_no_plan_yet() {
    let platform = platform("simulate-late").await;
    platform.register("late", "large", "2015-05-11").await;
    platform.count("l", "late", "2015-05-12", &[("x", 1000)]).await;
    // The month has 21 days for `late`: 678 are free. 322 × 0.05 = 16.10, before and after. The
    // minimum applies to the sum of both parts of the month of `b`.
    let draft = plan("small", 100, "0.08").replace(r#""rates""#, r#""minimum": "31", "rates""#);
    check(
        &platform,
        &draft,
        0,
        expect![[r#"
        ┌──────────┬───────┬────────┬────────┐
        │ provider ┆   now ┆  draft ┆ change │
        ╞══════════╪═══════╪════════╪════════╡
        │ a        ┆ 20.30 ┆  31.00 ┆ +10.70 │
        │ b        ┆ 27.60 ┆  31.00 ┆  +3.40 │
        │ c        ┆ 25.00 ┆  25.00 ┆   0.00 │
        │ late     ┆ 16.10 ┆  16.10 ┆   0.00 │
        │ all      ┆ 89.00 ┆ 103.10 ┆ +14.10 │
        └──────────┴───────┴────────┴────────┘
        Amounts are yuan. Nothing was written.
        The draft takes the place of the stored plan `small`.
        Providers on other plans do not change. A draft of a name that is not stored
        takes the place of every plan.
    "#]],
    )
    .await;
}

#[tokio::test]
async fn days_in_the_wrong_order_are_refused() {
    let platform = Platform::open("simulate-order").await;
    platform.folder.write("draft.json", &plan("draft", 0, "0.20"));
    let line = "plan simulate --plan draft.json --from 2015-05-31 --to 2015-05-01";
    let said = platform.fails(line).await;
    assert_eq!(said, "error: --to 2015-05-01 is before --from 2015-05-31\n");
}

#[tokio::test]
async fn tables_to_read_refuse_to_write_before_anything_is_sent() {
    let platform = platform("simulate-read-only").await;
    let transport = Transport::new(platform.stack.embedded.clone());
    transport.meter().start();
    let http_client = SharedHttpClient::new(transport.clone());
    let config = aws::local(Some(http_client), "http://127.0.0.1:1").unwrap();
    let tables = tables_to_read(&config, USAGE_TABLE, BILLING_TABLE);
    assert_eq!(tables.registry().await.unwrap().accounts.len(), 3);
    assert!(transport.meter().take().requests.contains_key("Query"));

    let draft = Plan::read(&plan("draft", 0, "0.20")).unwrap();
    let mut writes = tables.billing.writes("store a plan");
    writes.plan(None, &draft).unwrap();
    let refused = tables.billing.commit(writes).await.unwrap_err();
    let said = chain(&refused);
    assert!(said.contains("PutItem would write"), "{said}");
    tables.create().await.unwrap_err();
    assert_eq!(transport.meter().take().requests, [].into());
}

/// A provider that used nothing pays the minimum of the draft, and both ends of a long list are
/// shown.
#[tokio::test]
async fn providers_without_usage_count_and_the_largest_changes_are_listed() {
    let platform = platform("simulate-idle").await;
    for number in 1..=25 {
        let provider = format!("idle-{number:02}");
        platform.does(&format!("provider add {provider} --plan small --billed-from 2015-05")).await;
    }
    let draft = plan("small", 100, "0.08").replace(r#""rates""#, r#""minimum": "18", "rates""#);
    check(
        &platform,
        &draft,
        0,
        expect![[r#"
        ┌────────────┬───────┬────────┬─────────┐
        │ provider   ┆   now ┆  draft ┆  change │
        ╞════════════╪═══════╪════════╪═════════╡
        │ idle-01    ┆  0.00 ┆  18.00 ┆  +18.00 │
        │ idle-02    ┆  0.00 ┆  18.00 ┆  +18.00 │
        │ idle-03    ┆  0.00 ┆  18.00 ┆  +18.00 │
        │ idle-04    ┆  0.00 ┆  18.00 ┆  +18.00 │
        │ idle-05    ┆  0.00 ┆  18.00 ┆  +18.00 │
        │ idle-06    ┆  0.00 ┆  18.00 ┆  +18.00 │
        │ idle-07    ┆  0.00 ┆  18.00 ┆  +18.00 │
        │ idle-08    ┆  0.00 ┆  18.00 ┆  +18.00 │
        │ idle-09    ┆  0.00 ┆  18.00 ┆  +18.00 │
        │ idle-10    ┆  0.00 ┆  18.00 ┆  +18.00 │
        │ … 8 others ┆  0.00 ┆ 144.00 ┆ +144.00 │
        │ idle-19    ┆  0.00 ┆  18.00 ┆  +18.00 │
        │ idle-20    ┆  0.00 ┆  18.00 ┆  +18.00 │
        │ idle-21    ┆  0.00 ┆  18.00 ┆  +18.00 │
        │ idle-22    ┆  0.00 ┆  18.00 ┆  +18.00 │
        │ idle-23    ┆  0.00 ┆  18.00 ┆  +18.00 │
        │ idle-24    ┆  0.00 ┆  18.00 ┆  +18.00 │
        │ idle-25    ┆  0.00 ┆  18.00 ┆  +18.00 │
        │ c          ┆ 25.00 ┆  25.00 ┆    0.00 │
        │ a          ┆ 20.30 ┆  18.00 ┆   -2.30 │
        │ b          ┆ 27.60 ┆  22.08 ┆   -5.52 │
        │ all        ┆ 72.90 ┆ 515.08 ┆ +442.18 │
        └────────────┴───────┴────────┴─────────┘
        Amounts are yuan. Nothing was written.
        The draft takes the place of the stored plan `small`.
        Providers on other plans do not change. A draft of a name that is not stored
        takes the place of every plan.
    "#]],
    )
    .await;
    let line = "plan simulate --plan draft.json --from 2015-05-01 --to 2015-05-31 --csv all.csv";
    platform.does(line).await;
    let csv = std::fs::read_to_string(platform.folder.path().join("all.csv")).unwrap();
    assert_eq!(csv.lines().count(), 29);
    expect![[r#"
        ﻿provider,now_yuan,draft_yuan,change_yuan
        idle-01,0.00,18.00,18.00"#]]
    .assert_eq(&csv.lines().take(2).collect::<Vec<_>>().join("\n"));
}

#[tokio::test]
async fn names_stay_whole_however_long_they_are() {
    let platform = platform("simulate-names").await;
    let (provider, cheap) = ("shop".repeat(15), "a-plan-of-a-rather-long-name".to_owned());
    platform.add_plan("cheap.json", &plan(&cheap, 1000, "0.01")).await;
    platform.does(&format!("provider add {provider} --plan small --billed-from 2015-05")).await;
    platform.count("l-1", &provider, "2015-05-10", &[("x", 250)]).await;
    platform.folder.write("draft.json", &plan("draft", 0, "0.01"));
    let days = "--from 2015-05-01 --to 2015-05-31";
    for (line, whole) in [
        (format!("plan simulate --plans small,{cheap} {days}"), &[&provider, &cheap][..]),
        (format!("plan simulate --plan draft.json {days}"), &[&provider]),
        ("provider list".to_owned(), &[&provider]),
    ] {
        let shown = platform.does(&line).await;
        for name in whole {
            assert!(
                shown.contains(&format!("│ {name} ")) || shown.contains(&format!("┆ {name} ")),
                "{name}: {shown}"
            );
        }
    }
}

#[tokio::test]
async fn the_cheapest_of_some_plans_is_shown_with_what_it_would_have_saved() {
    let platform = platform("simulate-plans").await;
    platform.add_plan("flat.json", &plan("flat", 0, "0.055")).await;
    let before = platform.dump().await;
    let line = "plan simulate --plans small,large,flat --from 2015-05-01 --to 2015-05-31";
    // Under `large` 303 and 502 calls are free, and 500 of 1,500 cost 0.05. Under `flat` `a` pays
    // 16.67, `b` 13.75 and half of 13.86, `c` 82.50. Under `small` `c` pays 140.
    expect![[r#"
        ┌──────────┬───────┬────────┬───────┬───────┬──────────┬───────┐
        │ provider ┆   now ┆  small ┆ large ┆  flat ┆ cheapest ┆ saved │
        ╞══════════╪═══════╪════════╪═══════╪═══════╪══════════╪═══════╡
        │ b        ┆ 27.60 ┆  27.60 ┆  0.00 ┆ 20.68 ┆ large    ┆ 27.60 │
        │ a        ┆ 20.30 ┆  20.30 ┆  0.00 ┆ 16.67 ┆ large    ┆ 20.30 │
        │ c        ┆ 25.00 ┆ 140.00 ┆ 25.00 ┆ 82.50 ┆ as it is ┆  0.00 │
        │ all      ┆ 72.90 ┆        ┆       ┆       ┆          ┆ 47.90 │
        └──────────┴───────┴────────┴───────┴───────┴──────────┴───────┘
        Amounts are yuan. Nothing was written.
    "#]]
    .assert_eq(&platform.does(line).await);
    assert!(platform.dump().await == before, "something was written");
    let choices: Value =
        serde_json::from_str(&platform.does(&format!("{line} --json")).await).unwrap();
    let expected = json!({
        "provider": "c", "now_fen": 2500, "cheapest": null, "saved_fen": 0,
        "plans_fen": { "small": 14000, "large": 2500, "flat": 8250 },
    });
    assert_eq!(choices["providers"][2], expected);
    let said = platform.fails(&line.replace("flat", "none")).await;
    assert_eq!(said, "error: there is no plan `none`\n");
}

/// ¥20 once, of which the rest is carried: April used 12, so that 8 are left for May.
#[tokio::test]
async fn what_earlier_months_used_of_a_voucher_is_gone() {
    let platform = Platform::open("simulate-voucher").await;
    let plan = |minimum: &str| {
        json!({ "plan": "small", "effective_from": "2015-04-01", "minimum": minimum, "rates": [
            { "rate": "calls", "apis": ["*"], "price": { "model": "per_unit", "unit_price": "0.01" },
              "discounts": [{ "discount": "hello", "amount": "20", "given": "once",
                              "remainder": "carried", "from": "2015-04-01" }] }] })
        .to_string()
    };
    platform.add_plan("small.json", &plan("0")).await;
    platform.does("provider add a --plan small --billed-from 2015-04").await;
    platform.set("2015-04-20T12:00");
    platform.count("a-1", "a", "2015-04-20", &[("x", 1200)]).await;
    platform.settle("2015-05-01").await;
    platform.set("2015-05-03T12:00");
    platform.count("a-2", "a", "2015-05-03", &[("x", 2000)]).await;
    platform.settle("2015-05-04").await;
    let statements: Value =
        serde_json::from_str(&platform.does("statement a 2015-05-03 --json").await).unwrap();
    platform.folder.write("draft.json", &plan("15"));
    for (from, costs) in [
        // By its statement, and with the minimum.
        ("2015-05-01", [1_200, 1_500]),
        // Of both months: 12 of the voucher in the first, 8 in the second.
        ("2015-04-01", [1_200, 3_000]),
    ] {
        let line = format!("plan simulate --plan draft.json --from {from} --to 2015-05-31 --json");
        let shown: Value = serde_json::from_str(&platform.does(&line).await).unwrap();
        let sum = &shown["sum"];
        assert_eq!([&sum["now_fen"], &sum["draft_fen"]], costs, "{from}: {shown} {statements}");
    }
}
