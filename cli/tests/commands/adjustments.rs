//! `steelyard adjust` and `adjustments`: credit and debit notes for closed months.

use serde_json::{Value, json};

use crate::platform::Platform;

/// A fen for each call.
const PLAN: &str = r#"{ "plan": "p", "effective_from": "2015-05-01", "rates": [
    { "rate": "trades", "apis": ["t.*"], "price": { "model": "per_unit", "unit_price": "0.01" } } ] }"#;

const NOTE: &str = "--statement 2015-05-31 --line 1 --report gateway-1/first --reason twice";

/// A platform in June, where `shop` was charged ¥1.50 for the last day of May.
async fn platform(name: &str, needs_approval: bool) -> Platform {
    let platform = Platform::open_by(name, needs_approval).await;
    platform.add_plan("plan.json", PLAN).await;
    platform.does("provider add shop --plan p --billed-from 2015-05").await;
    platform.set("2015-05-31T20:00");
    platform.count("first", "shop", "2015-05-31", &[("t.get", 150)]).await;
    platform.settle("2015-06-01").await;
    platform.settle("2015-06-06").await;
    platform.set("2015-06-06T20:00");
    platform
}

async fn json_of(platform: &Platform, line: &str) -> Value {
    serde_json::from_str(&platform.does(&format!("{line} --json")).await).unwrap()
}

#[tokio::test]
async fn credit_note_is_shown_before_it_is_made_and_stands_on_the_next_statement() {
    let platform = platform("adjust", false).await;
    let line = format!("adjust shop --amount=-0.40 {NOTE} --by li");
    let note = "shop, adjustment A3a2bd0f8a0d6b6b5 of statement 2015-05-31, line 1, report \
                gateway-1/first: −¥0.40\n    by li: twice\n    made at 2015-06-06T20:00:00+08:00\n    \
                waits for the next statement\n";
    let shown = platform.does(&format!("{line} --dry-run")).await;
    let id = shown.split(' ').nth(4).unwrap().to_owned();
    let note = note.replace("A3a2bd0f8a0d6b6b5", &id);
    let effect = "the coming statements of shop charge −¥0.40 in place of ¥0.00: −¥0.40\n";
    assert_eq!(shown, format!("to be made\n{note}{effect}"));
    assert_eq!(json_of(&platform, "adjustments list").await, json!([]), "nothing was made");
    assert_eq!(platform.does(&line).await, format!("made\n{note}"));
    assert_eq!(platform.does(&line).await, format!("made before\n{note}"));
    let coming = platform.does("usage show shop").await;
    assert!(
        coming.ends_with("what is counted since would cost −¥0.40\n  2015-06-06 −¥0.40\n"),
        "{coming}"
    );
    assert!(platform.does("adjustments list").await.contains("waits for the next statement"));
    platform.settle("2015-06-07").await;
    let explained = platform.does("statement shop 2015-06-06 --explain").await;
    let end = format!(
        "  month to date ¥0.00, rounded half_up, less ¥0.00 charged before = ¥0.00\n  adjustment {id} of \
         statement 2015-05-31, line 1, report gateway-1/first: −¥0.40\n    by li: twice\n  with the \
         adjustments = −¥0.40\n"
    );
    assert!(explained.trim_end().ends_with(end.trim_end()), "{explained}");
    assert!(platform.does("statement shop").await.contains("statement 2015-06-06 has adjustment"));
    assert_eq!(json_of(&platform, "adjustments list").await, json!([]), "none waits");
    let all = json_of(&platform, "adjustments list --provider shop").await;
    assert_eq!(
        (&all[0]["booking"], &all[0]["booked_on"]),
        (&json!("booked"), &json!("2015-06-06"))
    );
    assert_eq!(json_of(&platform, &line).await["outcome"], "made before");
    platform.does("audit").await;
}

#[tokio::test]
async fn note_that_needs_an_approval_waits_for_a_second_person() {
    let platform = platform("adjust-approval", true).await;
    let line = format!("adjust shop --amount=5 {NOTE} --by li --id n-1");
    let shown = platform.does(&format!("{line} --dry-run")).await;
    let effect = "    waits for the approval of a second person\nif a second person approves it:\nthe \
                  coming statements of shop charge ¥5.00 in place of ¥0.00: ¥5.00\n";
    assert!(shown.ends_with(effect), "{shown}");
    let shown = json_of(&platform, &format!("{line} --dry-run")).await;
    let effects = (&shown["effect"], &shown["effect_if_approved"]["change_fen"]);
    assert_eq!(effects, (&Value::Null, &json!(500)));
    let made = json_of(&platform, &line).await;
    assert_eq!(made["adjustment"]["needs_approval"], true, "{made}");
    let other_rule = format!("{line} --adjustments-need-approval false");
    assert!(platform.fails(&other_rule).await.contains("it can't be false"));
    platform.settle("2015-06-07").await;
    assert_eq!(json_of(&platform, "statement shop").await.as_array().unwrap().len(), 1);
    let own = platform.fails("adjustments approve shop n-1 --by Li").await;
    assert!(own.contains("li made adjustment n-1: another person must approve it"), "{own}");
    for _ in 0..2 {
        let approved = json_of(&platform, "adjustments approve shop n-1 --by wang").await;
        assert_eq!(
            (&approved["approval"]["by"], &approved["needs_approval"]),
            (&json!("wang"), &json!(false))
        );
    }
    platform.settle("2015-06-08").await;
    let statement = json_of(&platform, "statement shop 2015-06-07").await;
    assert_eq!(
        (&statement[0]["charge_fen"], &statement[0]["adjustments"][0]["by"]),
        (&json!(500), &json!("li"))
    );
    let booked = platform.fails("adjustments reject shop n-1 --reason late --by wang").await;
    assert!(booked.contains("adjustment n-1 is booked on statement 2015-06-07"), "{booked}");
    platform.does("audit").await;
}

#[tokio::test]
async fn note_is_rejected_with_a_reason_and_what_makes_no_sense_is_refused() {
    let platform = platform("adjust-refused", false).await;
    platform.does(&format!("adjust shop --amount=-1 {NOTE} --id n-1")).await;
    let rejected = platform.does("adjustments reject shop n-1 --reason wrong --by wang").await;
    assert!(
        rejected.contains("rejected by wang at 2015-06-06T20:00:00+08:00: wrong"),
        "{rejected}"
    );
    let rejected = json_of(&platform, "adjustments show shop n-1").await;
    assert_eq!(rejected["booking"], "rejected");
    for option in ["", "--dry-run"] {
        let again = format!("adjust shop --amount=-1 {NOTE} --id n-1 {option}");
        let refused = platform.fails(&again).await;
        let expected = "the same adjustment, n-1, was rejected by wang: wrong; to make it all the same, \
                        give it another name by --id";
        assert!(refused.contains(expected), "{refused}");
    }
    let renamed = json_of(&platform, &format!("adjust shop --amount=-1 {NOTE} --id n-3")).await;
    assert_eq!(renamed["outcome"], "made");
    for (line, expected) in [
        ("adjust shop --amount=-1 --statement 2015-06-05 --reason x", "usage void"),
        ("adjust shop --amount=-1 --statement 2015-05-30 --reason x", "no statement 2015-05-30"),
        ("adjust nobody --amount=-1 --statement 2015-05-31 --reason x", "not registered"),
        ("adjust shop --amount=-2 --statement 2015-05-31 --reason x --id n-1", "made before"),
        ("adjustments approve shop n-1 --by li", "was rejected by wang"),
        ("adjustments show shop n-2", "has no adjustment n-2"),
        ("adjustments list --provider nobody", "not registered"),
    ] {
        let refused = platform.fails(line).await;
        assert!(refused.contains(expected), "{line}: {refused}");
    }
    for wrong in ["--amount=0", "--amount=0.001", "--amount=-1 --report x"] {
        let line = format!("adjust shop {wrong} --statement 2015-05-31 --reason x");
        assert_eq!(platform.run(&line).await.code, 2, "{line}");
    }
}
