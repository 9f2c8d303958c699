//! `steelyard campaign`: one override for many providers.

use expect_test::expect;
use serde_json::Value;

use crate::platform::Platform;

const PLAN: &str = r#"{ "plan": "small", "effective_from": "2015-04-01", "rates": [
    { "rate": "calls", "apis": ["*"], "price": { "model": "per_unit", "unit_price": "0.10" } } ] }"#;

const SPRING: &str = r#"{ "override": "spring", "from": "2015-05-11", "until": "2015-05-21",
    "discount_percent": "50" }"#;

/// A platform on the 10th of May 2015, on which `a` made 100 calls in April, `b` 1,000 and `c`
/// none; `c` is on another plan.
async fn platform(name: &str) -> Platform {
    let platform = Platform::open(name).await;
    platform.add_plan("small.json", PLAN).await;
    platform.add_plan("other.json", &PLAN.replace("small", "other")).await;
    for (provider, plan) in [("a", "small"), ("b", "small"), ("c", "other")] {
        platform
            .does(&format!("provider add {provider} --plan {plan} --billed-from 2015-04"))
            .await;
    }
    platform.folder.write("spring.json", SPRING);
    platform.set("2015-04-20T12:00");
    platform.count("a", "a", "2015-04-20", &[("x", 100)]).await;
    platform.count("b", "b", "2015-04-20", &[("x", 1000)]).await;
    platform.set("2015-05-10T12:00");
    platform
}

#[tokio::test]
async fn a_campaign_is_shown_first_and_given_once() {
    let platform = platform("campaign").await;
    let before = platform.dump().await;
    let start = "campaign start spring.json --plan small";
    expect![[r#"
        ┌──────────┬────────┬─────────┬────────┐
        │ provider ┆    now ┆ with it ┆ change │
        ╞══════════╪════════╪═════════╪════════╡
        │ a        ┆  10.00 ┆    5.00 ┆  -5.00 │
        │ b        ┆ 100.00 ┆   50.00 ┆ -50.00 │
        │ all      ┆ 110.00 ┆   55.00 ┆ -55.00 │
        └──────────┴────────┴─────────┴────────┘
        2 would have it, 0 have it. Amounts are yuan, for 2015-04.
        Nothing was written. Give --yes to give it to them.
    "#]]
    .assert_eq(&platform.does(start).await);
    assert!(platform.dump().await == before, "something was written");
    let yes = format!("{start} --yes");
    expect![[r#"
        a: override `spring` is given
        b: override `spring` is given
        2 done, 0 as before, 0 failed
    "#]]
    .assert_eq(&platform.does(&yes).await);
    let given = platform.dump().await;
    expect![[r#"
        a: as it was
        b: as it was
        0 done, 2 as before, 0 failed
    "#]]
    .assert_eq(&platform.does(&yes).await);
    assert!(platform.dump().await == given, "a second command wrote something");
    expect![[r#"
        ┌──────────┬────────────┬────────────┬───────────┐
        │ override ┆ from       ┆ until      ┆ providers │
        ╞══════════╪════════════╪════════════╪═══════════╡
        │ spring   ┆ 2015-05-11 ┆ 2015-05-21 ┆         2 │
        └──────────┴────────────┴────────────┴───────────┘
    "#]]
    .assert_eq(&platform.does("campaign list").await);
}

#[tokio::test]
async fn a_campaign_says_what_it_cost_and_is_ended_as_one() {
    let platform = platform("campaign-end").await;
    platform.does("campaign start spring.json --plan small --yes").await;
    platform.set("2015-05-14T12:00");
    for provider in ["a", "c"] {
        platform.count("may", provider, "2015-05-12", &[("x", 60)]).await;
        platform.count("more", provider, "2015-05-14", &[("x", 40)]).await;
    }
    platform.settle("2015-05-14").await;
    // 60 and 40 calls at half of 0.10, of `a` alone.
    expect![[r#"
        ┌──────────┬──────┬─────────┬────────┐
        │ provider ┆  now ┆ without ┆ change │
        ╞══════════╪══════╪═════════╪════════╡
        │ a        ┆ 5.00 ┆   10.00 ┆  +5.00 │
        │ b        ┆ 0.00 ┆    0.00 ┆   0.00 │
        │ all      ┆ 5.00 ┆   10.00 ┆  +5.00 │
        └──────────┴──────┴─────────┴────────┘
        Amounts are yuan, of whole months up to today. The change is what the campaign cost.
    "#]]
    .assert_eq(&platform.does("campaign cost spring").await);

    let end = "campaign end spring --on 2015-05-15";
    let before = platform.dump().await;
    expect![[r#"
        a: override `spring` would end
        b: override `spring` would end
        Nothing was written. Give --yes to end it.
    "#]]
    .assert_eq(&platform.does(end).await);
    assert!(platform.dump().await == before, "something was written");
    expect![[r#"
        a: override `spring` ends
        b: override `spring` ends
        2 done, 0 as before, 0 failed
    "#]]
    .assert_eq(&platform.does(&format!("{end} --yes")).await);
    let shown: Value = serde_json::from_str(&platform.does("campaign list --json").await).unwrap();
    assert_eq!(shown[0]["until"], "2015-05-15");
    // A settled day keeps its terms, and each provider says so.
    let late = platform.run("campaign end spring --on 2015-05-12 --yes").await;
    assert_eq!(late.code, 3, "{late:?}");
    expect![[r#"
        b: override `spring` ends
        not done: a: 2015-05-12 is settled already; change the terms from a later day
        1 done, 0 as before, 1 failed
    "#]]
    .assert_eq(&late.out);

    // A provider that cannot have it is in no sum of the preview.
    platform.folder.write("late.json", &SPRING.replace("spring", "late").replace("-11", "-12"));
    let preview = platform.run("campaign start late.json --plan small --json").await;
    let shown: Value = serde_json::from_str(&preview.out).unwrap();
    assert_eq!(preview.code, 3, "{preview:?}");
    let compared = shown["changes"]["providers"].as_array().unwrap();
    let compared = compared.iter().map(|of| of["provider"].as_str()).collect::<Vec<_>>();
    assert_eq!(compared, [Some("b")], "{shown}");
    assert_eq!(shown["would"]["done"], serde_json::json!(["b"]), "{shown}");
    assert_eq!(shown["changes"]["sum"]["now_fen"], 10_000, "{shown}");
}

#[tokio::test]
async fn the_rules_of_a_campaign_choose_together() {
    let platform = platform("campaign-rules").await;
    for (rules, chosen) in [
        ("--calls-below 101", vec!["a", "c"]),
        ("--calls-below 100", vec!["c"]),
        ("--plan small --calls-below 101", vec!["a"]),
        ("--providers b,c", vec!["b", "c"]),
        ("--plan other", vec!["c"]),
    ] {
        let line = format!("campaign start spring.json {rules} --json");
        let shown: Value = serde_json::from_str(&platform.does(&line).await).unwrap();
        let mut found = shown["changes"]["providers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|of| of["provider"].as_str().unwrap())
            .collect::<Vec<_>>();
        found.sort_unstable();
        assert_eq!(found, chosen, "{rules}");
    }
    let said = platform.fails("campaign start spring.json --plan small --providers a,c").await;
    assert_eq!(said, "error: not registered, or not chosen by the other rules: `c`\n");
    let said = platform.run("campaign start spring.json").await;
    assert_eq!(said.code, 2, "{said:?}");
    platform.folder.write("forever.json", &SPRING.replace(r#""until": "2015-05-21","#, ""));
    let said = platform.fails("campaign start forever.json --plan small").await;
    assert_eq!(said, "error: forever.json: a campaign has an `until`\n");
}

#[tokio::test]
async fn a_campaign_and_another_override_of_its_name_do_not_meet() {
    let platform = platform("campaign-taken").await;
    platform.folder.write("own.json", &SPRING.replace("50", "10"));
    platform.does("provider override add a own.json").await;
    let taken =
        "error: provider `a` has another override `spring`: give the campaign another name\n";
    for yes in ["", "--yes"] {
        let line = format!("campaign start spring.json --plan small {yes}");
        assert_eq!(platform.fails(&line).await, taken);
    }
    platform.does("campaign start spring.json --providers b,c --yes").await;
    for line in ["campaign end spring --on 2015-05-15 --yes", "campaign cost spring"] {
        let said = platform.fails(line).await;
        assert!(said.contains("`a` and `b` have different overrides `spring`"), "{said}");
    }
    assert_eq!(
        platform.fails("campaign start spring.json --plan none").await,
        "error: there is no plan `none`\n"
    );
    assert_eq!(
        platform.fails("campaign start spring.json --calls-below 0").await,
        "error: the rules choose no provider\n"
    );
}

#[tokio::test]
async fn a_preview_shows_what_an_amount_would_have_taken_off_in_its_first_month() {
    let platform = platform("campaign-amount").await;
    let fields =
        r#""discount_amount": "30", "discount_given": "once", "discount_remainder": "carried""#;
    let voucher = SPRING.replace(r#""discount_percent": "50""#, fields);
    platform.folder.write("voucher.json", &voucher);
    expect![[r#"
        ┌──────────┬────────┬─────────┬────────┐
        │ provider ┆    now ┆ with it ┆ change │
        ╞══════════╪════════╪═════════╪════════╡
        │ a        ┆  10.00 ┆    0.00 ┆ -10.00 │
        │ b        ┆ 100.00 ┆   70.00 ┆ -30.00 │
        │ all      ┆ 110.00 ┆   70.00 ┆ -40.00 │
        └──────────┴────────┴─────────┴────────┘
        2 would have it, 0 have it. Amounts are yuan, for 2015-04.
        Nothing was written. Give --yes to give it to them.
    "#]]
    .assert_eq(&platform.does("campaign start voucher.json --plan small").await);
}
