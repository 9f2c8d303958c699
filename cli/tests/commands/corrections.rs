//! `steelyard usage correct`, `undo` and `corrections`: a file of corrections under one name.

use serde_json::{Value, json};

use crate::platform::Platform;

/// A fen for each call.
const PLAN: &str = r#"{ "plan": "p", "effective_from": "2015-05-01", "rates": [
    { "rate": "trades", "apis": ["t.*"], "price": { "model": "per_unit", "unit_price": "0.01" } } ] }"#;

/// A platform on the evening of 3 May, where two days of `shop` are settled; and a file that
/// withdraws both, and counts less on the second.
async fn platform(name: &str) -> Platform {
    let platform = Platform::open(name).await;
    platform.add_plan("plan.json", PLAN).await;
    platform.does("provider add shop --plan p --billed-from 2015-05").await;
    for (day, calls) in [(1, 150), (2, 250)] {
        platform.set(&format!("2015-05-0{day}T20:00"));
        let on = format!("2015-05-0{day}");
        platform.count(&format!("r-{day}"), "shop", &on, &[("t.get", calls)]).await;
    }
    platform.settle("2015-05-03").await;
    platform.set("2015-05-03T20:00");
    platform.folder.write("wrong.jsonl", &file(100));
    platform
}

fn file(count: u64) -> String {
    let void =
        |id: &str| json!({ "void": { "provider": "shop", "source": "gateway-1", "id": id } });
    let right = json!({ "count": { "source": "gateway-1", "id": "right", "records": [
        { "provider": "shop", "api": "t.get", "day": "2015-05-02", "count": count }] } });
    format!("{}\n{}\n\n{right}\n", void("r-1"), void("r-2"))
}

const CORRECT: &str = "usage correct wrong.jsonl --name doubled --reason twice --by li";

async fn json_of(platform: &Platform, line: &str) -> Value {
    serde_json::from_str(&platform.does(&format!("{line} --json")).await).unwrap()
}

async fn charged(platform: &Platform) -> i64 {
    let statements = json_of(platform, "statement shop").await;
    statements.as_array().unwrap().iter().map(|of| of["charge_fen"].as_i64().unwrap()).sum()
}

#[tokio::test]
async fn set_is_shown_by_provider_and_day_applied_once_and_undone() {
    let platform = platform("correct").await;
    let shown = json_of(&platform, &format!("{CORRECT} --dry-run")).await;
    let changes = json!([{
        "provider": "shop",
        "days": [
            { "day": "2015-05-01", "withdrawn": 150, "counted": 0, "change_fen": -150 },
            { "day": "2015-05-02", "withdrawn": 250, "counted": 100, "change_fen": -150 },
        ],
        "change_fen": -300,
    }]);
    assert_eq!(shown, json!({ "set": null, "changes": changes, "failed": [] }));
    let table = platform.does(&format!("{CORRECT} --dry-run")).await;
    assert!(table.contains("−¥1.50") && table.contains("−¥3.00"), "{table}");
    assert_eq!(json_of(&platform, "usage corrections").await, json!([]));
    let applied = json_of(&platform, CORRECT).await;
    assert_eq!((&applied["changes"], &applied["set"]["phase"]), (&changes, &json!("applied")));
    let state =
        "doubled: 2 reports withdrawn, 1 counted, by li at 2015-05-03T20:00:00+08:00: twice\n";
    for line in
        [CORRECT, &format!("{CORRECT} --dry-run"), "usage corrections", "usage corrections doubled"]
    {
        assert_eq!(platform.does(line).await, format!("{state}    applied\n"), "{line}");
    }
    let withdrawn = json_of(&platform, "usage show shop --group-by report").await;
    assert_eq!(withdrawn["groups"][0]["withdrawn"]["set"], "doubled", "{withdrawn}");
    platform.settle("2015-05-04").await;
    assert_eq!(charged(&platform).await, 100);
    platform.does("audit").await;
    for _ in 0..2 {
        let undone = platform.does("usage undo doubled --reason right --by wang").await;
        let end = "    undone by wang at 2015-05-04T00:30:00+08:00: right\n";
        assert_eq!(undone, format!("{state}{end}"));
    }
    platform.settle("2015-05-05").await;
    assert_eq!(charged(&platform).await, 400);
    platform.does("audit").await;
    assert!(platform.fails(CORRECT).await.contains("undone by wang: right"));
}

#[tokio::test]
async fn other_content_and_what_makes_no_sense_is_refused() {
    let platform = platform("correct-refused").await;
    platform.does(CORRECT).await;
    platform.folder.write("wrong.jsonl", &file(99));
    assert!(platform.fails(CORRECT).await.contains("was begun with another content"));
    platform.folder.write("broken.jsonl", "{\"void\": {}}\n");
    for (line, expected) in [
        ("usage correct broken.jsonl --name x --reason x", "broken.jsonl: line 1: void.provider"),
        ("usage correct none.jsonl --name x --reason x", "none.jsonl"),
        ("usage undo nothing --reason x", "there is no correction nothing"),
        ("usage corrections nothing", "there is no correction nothing"),
    ] {
        let refused = platform.fails(line).await;
        assert!(refused.contains(expected), "{line}: {refused}");
    }
}
