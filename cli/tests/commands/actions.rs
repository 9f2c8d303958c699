//! `steelyard actions`: what people asked for on pages, and the decisions about it.

use serde_json::{Value, json};

use crate::platform::Platform;

const PLAN: &str = r#"{ "plan": "p", "effective_from": "2015-05-01", "rates": [
    { "rate": "calls", "apis": ["*"], "price": { "model": "per_unit", "unit_price": "0.01" } } ] }"#;

/// A platform with a provider, where an operator's action needs an approval.
async fn platform(name: &str) -> Platform {
    let platform = Platform::open_by(name, true).await;
    platform.add_plan("p.json", PLAN).await;
    platform.does("provider add shop --plan p --billed-from 2015-05").await;
    platform
}

/// What `li` asks for on a page, under a key; gives its name.
async fn ask(platform: &Platform, key: &str) -> String {
    let event = json!({
        "by": { "operator": "li" }, "key": key, "reason": "a key was lost",
        "action": { "kind": "revoke_sessions", "provider": "shop" },
    });
    let answer = platform.stack.functions.actions.invoke(event).await.unwrap();
    answer["action"]["id"].as_str().unwrap().to_owned()
}

async fn json_of(platform: &Platform, line: &str) -> Value {
    serde_json::from_str(&platform.does(&format!("{line} --json")).await).unwrap()
}

#[tokio::test]
async fn action_is_shown_and_carried_out_once_a_second_person_approves_it() {
    let platform = platform("actions-approve").await;
    let id = ask(&platform, "k").await;
    let asked = format!(
        "action {id}: revoke the sessions of shop\n    by li: a key was lost\n    asked for at \
         2015-05-01T00:00:00+08:00\n"
    );
    let waits = "    waiting for the approval of a second person\n";
    assert_eq!(platform.does(&format!("actions show {id}")).await, format!("{asked}{waits}"));
    let listed = platform.does("actions list").await;
    assert!(listed.contains(&id) && listed.contains("li"), "{listed}");
    let own = platform.fails(&format!("actions approve {id} --by li")).await;
    let expected = format!("error: li asked for action {id}: another person must approve it\n");
    assert_eq!(own, expected);
    platform.set("2015-05-02T09:00");
    let done = "    approved by wang at 2015-05-02T09:00:00+08:00\n    done, at \
                2015-05-02T09:00:00+08:00\n";
    for _ in 0..2 {
        let approved = platform.does(&format!("actions approve {id} --by wang")).await;
        assert_eq!(approved, format!("{asked}{done}"));
    }
    let shop = "shop".parse().unwrap();
    let found = platform.stack.tables.billing.account(&shop).await.unwrap().unwrap();
    assert_eq!(found.account.session_version, 1);
    let shown = json_of(&platform, &format!("actions show {id}")).await;
    assert_eq!(shown["result"], json!({ "outcome": "sessions_revoked", "session_version": 1 }));
    assert_eq!(json_of(&platform, "actions list --waiting").await, json!([]));
    assert_eq!(json_of(&platform, "actions list --month 2015-04").await, json!([]));
    assert_eq!(json_of(&platform, "actions list --month 2015-05").await, json!([shown]));
}

#[tokio::test]
async fn rejected_action_stays_rejected() {
    let platform = platform("actions-reject").await;
    let id = ask(&platform, "k").await;
    let reject = format!("actions reject {id} --by wang --reason needless");
    let rejected = platform.does(&reject).await;
    let end = "    rejected by wang: needless, at 2015-05-01T00:00:00+08:00\n";
    assert!(rejected.ends_with(end), "{rejected}");
    let late = platform.fails(&format!("actions approve {id} --by zhao")).await;
    let expected = format!(
        "error: action {id} does not wait for a decision: it is rejected by wang: needless\n"
    );
    assert_eq!(late, expected);
    let unknown = platform.fails("actions show 00").await;
    assert_eq!(unknown, "error: there is no action 00\n");
}
