//! `steelyard deposit`.

use serde_json::json;

use crate::platform::Platform;

const PLAN: &str = r#"{ "plan": "p", "effective_from": "2015-05-01",
    "deposit": { "amount": "500", "due_after_days": 10, "top_up_after_days": 5 },
    "rates": [{ "rate": "calls", "apis": ["*"], "price": { "model": "per_unit", "unit_price": "0.01" } }] }"#;

/// A platform where `shop` owes ¥30.00 of 1 May, and was notified on 2 May of a deposit of ¥500.00.
async fn told(name: &str) -> Platform {
    let platform = Platform::open(name).await;
    platform.add_plan("p.json", PLAN).await;
    platform.does("provider add shop --plan p --billed-from 2015-05").await;
    platform.set("2015-05-01T12:00");
    platform.count("first", "shop", "2015-05-01", &[("x", 3_000)]).await;
    platform.settle("2015-05-02").await;
    platform
}

#[tokio::test]
async fn deposit_is_shown_recorded_once_drawn_and_returned_by_two_persons() {
    let platform = told("deposit").await;
    let show = "deposit show shop";
    assert_eq!(
        platform.does(show).await,
        "shop: ¥0.00 held, ¥500.00 wanted\n¥500.00 missing, due on 2015-05-12\n"
    );
    let record = "deposit record shop 600.00 --reference bank-1";
    assert_eq!(platform.does(record).await, "deposit of ¥600.00 of shop, bank-1: booked\n");
    assert_eq!(platform.does(record).await, "deposit of ¥600.00 of shop, bank-1: booked before\n");
    let used = platform.fails("account recharge shop 600.00 --reference bank-1").await;
    assert!(used.contains("booked under bank-1 before"), "{used}");
    assert_eq!(
        platform.does(show).await,
        "shop: ¥600.00 held, ¥500.00 wanted\n¥100.00 more than is wanted\n"
    );
    let account = platform.does("account show shop").await;
    assert!(account.contains("receivable ¥30.00") && account.contains("deposit ¥600.00"));

    let draw = "deposit draw shop 20 --request D1 --reason unpaid --by li";
    for _ in 0..2 {
        let drawn = platform.does(draw).await;
        assert!(drawn.contains("pay up to ¥20.00 of what shop owes from its deposit"), "{drawn}");
        assert!(drawn.contains("done: ¥20.00 drawn"), "{drawn}");
    }
    let account = platform.does("account show shop").await;
    assert!(account.contains("receivable ¥10.00") && account.contains("drawn from the deposit"));

    let asked =
        "deposit book-return shop 570 --reference bank-2 --request R1 --reason leaves --by li";
    let waiting = platform.does(asked).await;
    assert!(waiting.contains("waiting for the approval of a second person"), "{waiting}");
    let amounts = "amounts: ¥10.00 drawn, ¥570.00 returned, ¥0.00 left for a bank transfer";
    assert!(waiting.contains(amounts), "{waiting}");
    let listed = platform.does("actions list --waiting --json").await;
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed[0]["returns"]["returned_fen"], 57_000, "{listed}");
    let id = waiting.split([' ', ':']).nth(1).unwrap().to_owned();
    let own = platform.fails(&format!("actions approve {id} --by li")).await;
    assert!(own.contains("another person must approve it"), "{own}");
    let done = platform.does(&format!("actions approve {id} --by wang")).await;
    assert!(done.contains("done: ¥10.00 drawn, ¥570.00 returned"), "{done}");
    assert_eq!(
        platform.does(show).await,
        "shop: ¥0.00 held, ¥500.00 wanted\n¥500.00 missing, due on 2015-05-12\n"
    );
    platform.does("audit").await;
}

#[tokio::test]
async fn what_cannot_be_drawn_is_refused_and_what_is_overdue_exits_with_3() {
    let platform = told("deposit-refused").await;
    let refused = platform.run("deposit draw shop --request D1 --reason unpaid --by li").await;
    assert_eq!(refused.code, 3, "{}", refused.out);
    assert!(refused.out.contains("nothing can be drawn: ¥0.00 are held"), "{}", refused.out);
    let long = "x".repeat(65);
    for command in ["deposit record shop 1", "account recharge shop 1"] {
        let refused = platform.run(&format!("{command} --reference {long}")).await;
        let is_named = refused.err.contains("a reference has 1 to 64 characters, not 65");
        assert!(refused.code != 0 && is_named, "{}", refused.err);
    }
    let shown = platform.run("deposit show shop --json").await;
    assert_eq!(shown.code, 0);
    let state: serde_json::Value = serde_json::from_str(&shown.out).unwrap();
    let expected = json!({
        "held_fen": 0, "required_fen": 50_000, "shortfall_fen": 50_000, "excess_fen": 0,
        "due_on": "2015-05-12", "is_overdue": false, "next": null,
    });
    assert_eq!(state, expected);
    platform.set("2015-05-13T00:30");
    let overdue = platform.run("deposit show shop").await;
    assert_eq!(overdue.code, 3);
    assert!(overdue.out.contains("due on 2015-05-12: overdue"), "{}", overdue.out);
}
