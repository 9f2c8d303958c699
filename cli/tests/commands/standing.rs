//! The arrears ladder, and where providers stand on it.

use expect_test::expect;

use crate::platform::Platform;

const LADDER: &str = include_str!("../../../ladders/2014.json");

const PLAN: &str = r#"{ "plan": "p", "effective_from": "2015-05-01", "rates": [
    { "rate": "basic", "apis": ["*"], "price": { "model": "per_unit", "unit_price": "0.01" } } ] }"#;

/// Two providers that were charged on 2 May: one owes ¥20, the other paid.
async fn platform(name: &str) -> Platform {
    let platform = Platform::open(name).await;
    platform.add_plan("plan.json", PLAN).await;
    for provider in ["shop", "tool"] {
        platform.register(provider, "p", "2015-05-01").await;
    }
    platform.set("2015-05-01T23:00");
    for provider in ["shop", "tool"] {
        platform.count(provider, provider, "2015-05-01", &[("a.get", 2_000)]).await;
    }
    platform.run_until("2015-05-02T12:00").await;
    platform.does("account recharge tool 20 --reference transfer-1").await;
    platform.folder.write("ladder.json", LADDER);
    platform
}

#[tokio::test]
async fn a_ladder_is_checked_against_history_and_stored() {
    let platform = platform("ladder").await;
    platform.set("2015-05-09T12:00");
    let checked = platform.does("ladder check ladder.json").await;
    expect![[r#"
        2014 of 2014-04-01 is a good ladder
        ┌──────────┬───────────────────────────┬────────────────┐
        │ provider ┆ from                      ┆ stage          │
        ╞══════════╪═══════════════════════════╪════════════════╡
        │ shop     ┆ 2015-05-03T00:00:00+08:00 ┆ notice         │
        │ shop     ┆ 2015-05-05T00:00:00+08:00 ┆ throttled      │
        │ shop     ┆ 2015-05-07T00:00:00+08:00 ┆ payouts_frozen │
        │ shop     ┆ 2015-05-09T00:00:00+08:00 ┆ suspended      │
        └──────────┴───────────────────────────┴────────────────┘
    "#]]
    .assert_eq(&checked);
    assert_eq!(platform.does("standing list").await, "every provider is in good standing\n");
    let hold = "standing hold shop --stage throttled --by lin --reason too-fast --until 2015-05-11";
    expect![[r#"
        error: no ladder in force says how many calls a second pass at `throttled`: add one with calls_per_second
    "#]]
    .assert_eq(&platform.fails(hold).await);
    for outcome in ["is stored", "was stored before"] {
        assert_eq!(
            platform.does("ladder add ladder.json").await,
            format!("2014 of 2014-04-01 {outcome}\n")
        );
    }
    expect![[r#"
        ┌────────┬────────────────┬──────────────────────────────────────────────────┐
        │ ladder ┆ effective from ┆ steps                                            │
        ╞════════╪════════════════╪══════════════════════════════════════════════════╡
        │ 2014   ┆ 2014-04-01     ┆ notice: overdue for 1 day                        │
        │        ┆                ┆ throttled: overdue for 3 days, 10 calls a second │
        │        ┆                ┆ payouts_frozen: overdue for 5 days               │
        │        ┆                ┆ suspended: overdue for 7 days                    │
        │        ┆                ┆ terminated: overdue for 60 days                  │
        └────────┴────────────────┴──────────────────────────────────────────────────┘
    "#]]
    .assert_eq(&platform.does("ladder list").await);
    platform.folder.write("shown.json", &platform.does("ladder show").await);
    assert_eq!(
        platform.does("ladder add shown.json").await,
        "2014 of 2014-04-01 was stored before\n"
    );
    platform
        .folder
        .write("ladder.json", &LADDER.replace("\"overdue_days\": 5", "\"overdue_days\": 2"));
    expect![[r#"
        error: ladder.json is refused:
        ladder.json:7: steps[2].overdue_days: must be more than at the steps before
    "#]]
    .assert_eq(&platform.fails("ladder add ladder.json").await);
    platform
        .folder
        .write("ladder.json", &LADDER.replace("\"overdue_days\": 5", "\"overdue_days\": 6"));
    expect![[r#"
        error: another ladder of 2014-04-01 is stored and has taken effect, so that it never changes: give this one a later effective_from
    "#]].assert_eq(&platform.fails("ladder add ladder.json").await);
    let schema = platform.does("ladder schema").await;
    assert!(schema.contains("\"title\": \"LadderDocument\""), "{schema:.300}");
}

#[tokio::test]
async fn an_operator_sees_who_is_in_arrears_and_why() {
    let platform = platform("standing").await;
    platform.does("ladder add ladder.json").await;
    platform.set("2015-05-09T12:00");
    expect![[r#"
        ┌──────────┬───────────┬───────┬──────────────┬────────┬───────────────────────┐
        │ provider ┆ stage     ┆  owed ┆ overdue days ┆ to pay ┆ why                   │
        ╞══════════╪═══════════╪═══════╪══════════════╪════════╪═══════════════════════╡
        │ shop     ┆ suspended ┆ 20.00 ┆            7 ┆  20.00 ┆ its oldest charge is  │
        │          ┆           ┆       ┆              ┆        ┆ overdue for 7 days    │
        └──────────┴───────────┴───────┴──────────────┴────────┴───────────────────────┘
    "#]]
    .assert_eq(&platform.does("standing list").await);
    expect![[r#"
        shop: suspended, since its oldest charge is overdue for 7 days
        no call passes, nothing is paid out
        ¥20.00 restore a good standing at once, by a recharge or a transfer
        if nothing is paid: terminated on 2015-07-01
    "#]]
    .assert_eq(&platform.does("standing show shop").await);
    platform.fails("standing show nobody").await;
}

#[tokio::test]
async fn an_operator_holds_a_provider_at_a_stage_and_releases_it() {
    let platform = platform("standing-hold").await;
    platform.does("ladder add ladder.json").await;
    platform.set("2015-05-09T12:00");
    let hold = "standing hold shop --stage notice --by lin --reason pays-on-Monday --until";
    expect![[r#"
        error: 2015-05-09 is no later than today, so that nothing would be held
    "#]]
    .assert_eq(&platform.fails(&format!("{hold} 2015-05-09")).await);
    expect![[r#"
        shop: notice, since an operator decided so: pays-on-Monday
        all calls pass, payouts go on
        held by lin until 2015-05-11: pays-on-Monday
    "#]]
    .assert_eq(&platform.does(&format!("{hold} 2015-05-11")).await);
    expect![[r#"
        ┌──────────┬────────┬───────┬──────────────┬────────┬──────────────────────────┐
        │ provider ┆ stage  ┆  owed ┆ overdue days ┆ to pay ┆ why                      │
        ╞══════════╪════════╪═══════╪══════════════╪════════╪══════════════════════════╡
        │ shop     ┆ notice ┆ 20.00 ┆            7 ┆   0.00 ┆ an operator decided so:  │
        │          ┆        ┆       ┆              ┆        ┆ pays-on-Monday           │
        │ tool     ┆ good   ┆  0.00 ┆            0 ┆   0.00 ┆ no step of the ladder is │
        │          ┆        ┆       ┆              ┆        ┆ reached                  │
        └──────────┴────────┴───────┴──────────────┴────────┴──────────────────────────┘
    "#]]
    .assert_eq(&platform.does("standing list --all").await);
    expect![[r#"
        shop: suspended, since its oldest charge is overdue for 7 days
        no call passes, nothing is paid out
        ¥20.00 restore a good standing at once, by a recharge or a transfer
        if nothing is paid: terminated on 2015-07-01
    "#]]
    .assert_eq(&platform.does("standing release shop --by lin --reason it-waits").await);
    let trail = platform.does("actions list --json").await;
    let trail: serde_json::Value = serde_json::from_str(&trail).unwrap();
    let of = |kind: &str| {
        let found = trail
            .as_array()
            .unwrap()
            .iter()
            .find(|of| of["what"]["kind"] == kind && of["phase"] == "done");
        found.map(|of| format!("{}: {}", of["asked_by"]["operator"], of["reason"]))
    };
    assert_eq!(of("hold_stage").unwrap(), r#""lin": "pays-on-Monday""#, "{trail}");
    assert_eq!(of("release_stage").unwrap(), r#""lin": "it-waits""#, "{trail}");
    platform.does("account recharge shop 20 --reference transfer-2").await;
    expect![[r#"
        shop: good, since no step of the ladder is reached
        all calls pass, payouts go on
    "#]]
    .assert_eq(&platform.does("standing show shop").await);
}
