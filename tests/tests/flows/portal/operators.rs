//! The pages of operators: who sees them, what they show, and what their forms do.

use steelyard_billing::breaker::BreakerState;
use steelyard_billing::{Action, Phase, RunScope};
use steelyard_local_alipay::{Fault, Method as AlipayMethod};
use steelyard_local_aws::{Fault as AwsFault, Target};

use super::*;

const PAGES: [&str; 6] =
    ["providers", "debits", "reconciliation", "runs", "receivables", "actions"];

/// A session of an operator, who sees all providers first.
pub(super) async fn operator(platform: &Platform, name: &str, may: &[&str]) -> String {
    let link = link(platform, &json!({ "operator": name, "may": may })).await;
    let entered = ask(platform, Method::GET, &link, "", "").await;
    assert_eq!(entered.location, "/portal/operator/providers");
    entered.cookie
}

async fn look(platform: &Platform, page: &str, cookie: &str) -> Seen {
    ask(platform, Method::GET, &format!("/portal/operator/{page}"), cookie, "").await
}

async fn act(platform: &Platform, page: &str, cookie: &str, form: &str) -> Seen {
    ask(platform, Method::POST, &format!("/portal/operator/{page}"), cookie, form).await
}

async fn actions(platform: &Platform) -> Vec<Action> {
    let month = "2015-05".parse().unwrap();
    platform.stack.tables.billing.actions(month, None, 100).await.unwrap().actions
}

/// A platform where the first debit of `a` is held.
async fn held() -> Platform {
    let platform = platform().await;
    let fault =
        Fault::Refused { code: "40004".to_owned(), sub_code: "ACQ.INVALID_PARAMETER".to_owned() };
    platform.stack.alipay.fail_next(AlipayMethod::Pay, fault, 1);
    platform.run_until("2015-05-18 12:00").await;
    assert!(matches!(platform.debit("a", 1).await.phase, Phase::Held { .. }));
    platform
}

#[tokio::test]
async fn every_page_of_operators_is_shown_to_them_and_to_nobody_else() {
    let platform = platform().await;
    let li = operator(&platform, "li", &["operate"]).await;
    let provider = session(&platform, "a", &["operate"]).await;
    for page in PAGES {
        let seen = look(&platform, page, &li).await;
        assert_eq!(seen.status, 200, "{page}: {}", seen.body);
        assert!(seen.body.contains("Operator li"), "{page}");
        for (cookie, status) in [("", 401), ("__Host-steelyard=x", 401), (&*provider, 404)] {
            let seen = look(&platform, page, cookie).await;
            assert_eq!(seen.status, status, "{page} {cookie}");
        }
    }
    for path in ["nothing", "providers/a"] {
        assert_eq!(look(&platform, path, &li).await.status, 404);
    }
}

#[tokio::test]
async fn pages_of_operators_open_only_for_a_server_that_was_given_them_for_all_providers() {
    let platform = Platform::open().await;
    platform.join("a").await;
    platform.join("b").await;
    let status = async |asked: &Value| ask_for_link(&platform, asked).await.status;
    let pass_minute = || {
        let clock = &platform.stack.clock;
        clock.set(clock.now() + jiff::SignedDuration::from_mins(1));
    };
    let (all, one) = (
        json!({ "operator": "eve", "may": ["operate"] }),
        json!({ "operator": "eve", "may": ["operate"], "provider": "a" }),
    );
    let of_provider = json!({ "provider": "a", "may": ["pay", "mandate"] });
    for asked in [&all, &one, &of_provider] {
        assert_eq!(status(asked).await, 403, "nothing is granted: {asked}");
    }
    grant(&platform, "desk", &[Right::Operators, Right::Sessions], "a").await;
    pass_minute();
    for asked in [&all, &one] {
        assert_eq!(status(asked).await, 403, "granted for one provider: {asked}");
    }
    assert_eq!(status(&of_provider).await, 201);
    assert_eq!(status(&json!({ "provider": "b" })).await, 403);
    grant(&platform, "hall", &[Right::Operators], "*").await;
    pass_minute();
    for asked in [&all, &one] {
        assert_eq!(status(asked).await, 201, "{asked}");
    }
    assert_eq!(status(&json!({ "provider": "b" })).await, 403, "operators is no sessions");
}

#[tokio::test]
async fn an_operator_finds_providers_by_name_and_state() {
    let platform = platform().await;
    let li = operator(&platform, "li", &[]).await;
    for (search, found) in [
        ("", &["a", "b"][..]),
        ("?q=b&state=", &["b"]),
        ("?q=&state=owing", &["a"]),
        ("?state=good", &["b"]),
        ("?state=debit_held", &[]),
    ] {
        let seen = look(&platform, &format!("providers{search}"), &li).await;
        for provider in ["a", "b"] {
            let link = format!("\"/portal/providers/{provider}/overview\"");
            assert_eq!(seen.body.contains(&link), found.contains(&provider), "{search} {provider}");
        }
    }
    for search in ["?state=x", "?after=x"] {
        let seen = look(&platform, &format!("providers{search}"), &li).await;
        assert_eq!(seen.status, 400, "{search}");
    }
}

#[tokio::test]
async fn the_list_of_providers_goes_on_where_it_ended() {
    let platform = platform().await;
    for number in 0..120 {
        platform.join(&format!("shop{number:03}")).await;
    }
    let li = operator(&platform, "li", &[]).await;
    let (mut seen, mut at) = (Vec::new(), "providers".to_owned());
    loop {
        let page = look(&platform, &at, &li).await;
        let links = page.body.split("\"/portal/providers/").skip(1);
        seen.extend(links.map(|rest| rest.split('/').next().unwrap().to_owned()));
        let Some((_, next)) = page.body.split_once("?after=") else { break };
        at = format!("providers?after={}", next.split('"').next().unwrap());
    }
    let all = seen.iter().collect::<std::collections::BTreeSet<_>>();
    assert_eq!((seen.len(), all.len()), (122, 122));
}

#[tokio::test]
async fn an_operator_resolves_a_held_debit_once_under_its_name() {
    let platform = held().await;
    let li = operator(&platform, "li", &["operate"]).await;
    let seen = look(&platform, "debits", &li).await;
    assert!(seen.body.contains("name=\"debit\" value=\"1\""), "{}", seen.body);
    let form = "key=k.1&form=debit%2Fa%2F1&provider=a&debit=1&do=give_up";
    let seen = act(&platform, "debits", &li, form).await;
    assert_eq!(seen.status, 422, "without a reason");
    for _ in 0..2 {
        let form = format!("{form}&reason=wrong+number");
        let seen = act(&platform, "debits", &li, &form).await;
        assert_eq!(seen.status, 200, "{}", seen.body);
    }
    platform.run_until("2015-05-18 14:00").await;
    assert!(matches!(platform.debit("a", 1).await.phase, Phase::GivenUp { .. }));
    let actions = actions(&platform).await;
    let [action] = &actions[..] else { panic!("{actions:?}") };
    assert_eq!(action.asked_by.to_string(), "li");
    // The session has ended meanwhile.
    let li = operator(&platform, "li", &["operate"]).await;
    let trail = look(&platform, "actions", &li).await;
    assert!(trail.body.contains("wrong number"), "{}", trail.body);
    let late = format!("{form}&reason=again").replace("k.1", "k.2");
    assert_eq!(act(&platform, "debits", &li, &late).await.status, 409);
    platform.books_balance().await;
}

#[tokio::test]
async fn a_form_whose_answer_got_lost_is_sent_again_under_its_key() {
    let platform = held().await;
    let li = operator(&platform, "li", &["operate"]).await;
    // The action is recorded, and the function that carries it out receives nothing of it.
    let faults = platform.stack.transport.faults();
    faults.strike(Target::Naming("resolve_debit"), 1..=20, AwsFault::LoseAnswer);
    let form = "key=k.1&form=debit%2Fa%2F1&provider=a&debit=1&do=give_up&reason=wrong";
    let seen = act(&platform, "debits", &li, form).await;
    faults.restore();
    assert_eq!(seen.status, 503, "{}", seen.body);
    assert!(seen.body.contains("The result is not known"), "{}", seen.body);
    assert!(seen.body.contains("name=\"key\" value=\"k.1\""), "{}", seen.body);
    assert_eq!(act(&platform, "debits", &li, form).await.status, 200);
    assert_eq!(actions(&platform).await.len(), 1);
}

#[tokio::test]
async fn the_audit_trail_leads_on_to_actions_of_years_ago() {
    let platform = platform().await;
    let li = operator(&platform, "li", &["operate"]).await;
    let form = "key=k1&form=breaker&breaker=stop&reason=of+the+first+year";
    assert_eq!(act(&platform, "runs", &li, form).await.status, 200);
    platform.set("2016-05-20 08:00");
    let li = operator(&platform, "li", &["operate"]).await;
    let form = "key=k2&form=breaker&breaker=resume&reason=of+the+second+year";
    assert_eq!(act(&platform, "runs", &li, form).await.status, 200);
    platform.set("2016-06-20 08:00");
    let li = operator(&platform, "li", &["operate"]).await;
    let first = look(&platform, "actions", &li).await;
    assert!(first.body.contains("of the second year") && !first.body.contains("of the first year"));
    let (_, next) = first.body.split_once("?after=").unwrap();
    let next = format!("actions?after={}", next.split('"').next().unwrap());
    assert!(look(&platform, &next, &li).await.body.contains("of the first year"));
}

#[tokio::test]
async fn an_operator_who_may_only_read_sees_no_form_and_changes_nothing() {
    let platform = held().await;
    let li = operator(&platform, "li", &["read", "pay", "mandate"]).await;
    for (page, form) in [
        ("debits", "key=k&form=f&provider=a&debit=1&do=give_up&reason=r"),
        ("runs", "key=k&form=f&breaker=stop&reason=r"),
        ("reconciliation", "key=k&form=f&trade=t&reason=r"),
        ("actions", "key=k&form=f&action=x&do=approve&reason=r"),
    ] {
        let forms = look(&platform, page, &li).await.body.matches("method=\"post\"").count();
        assert_eq!(forms, 1, "{page}: only the one that ends the session");
        assert_eq!(act(&platform, page, &li, form).await.status, 403, "{page}");
    }
    let path = "/portal/providers/a/sessions";
    let seen = ask(&platform, Method::GET, path, &li, "").await;
    assert_eq!(seen.body.matches("method=\"post\"").count(), 1);
    let form = "key=k&form=sessions&reason=r";
    assert_eq!(ask(&platform, Method::POST, path, &li, form).await.status, 403);
    assert_eq!(actions(&platform).await, []);
}

#[tokio::test]
async fn an_operator_stops_debits_and_lets_them_go_on() {
    let platform = platform().await;
    let li = operator(&platform, "li", &["operate"]).await;
    let breaker = async || platform.stack.tables.billing.breaker().await.unwrap().state;
    let form = "key=k1&form=breaker&breaker=stop&reason=bank+holiday";
    assert_eq!(act(&platform, "runs", &li, form).await.status, 200);
    assert!(matches!(breaker().await, BreakerState::Open { .. }));
    assert!(look(&platform, "runs", &li).await.body.contains("bank holiday"));
    let form = "key=k2&form=breaker&breaker=resume&reason=over";
    assert_eq!(act(&platform, "runs", &li, form).await.status, 200);
    assert!(matches!(breaker().await, BreakerState::Closed));
    let form = "key=k3&form=breaker&breaker=burn&reason=over";
    assert_eq!(act(&platform, "runs", &li, form).await.status, 400);
}

#[tokio::test]
async fn an_operator_ends_the_sessions_of_a_provider_once_and_with_a_reason() {
    let platform = platform().await;
    let li = operator(&platform, "li", &["operate"]).await;
    let (open, others) = (session(&platform, "a", &[]).await, session(&platform, "b", &[]).await);
    let unopened = link(&platform, &json!({ "provider": "a" })).await;
    let overview = async |provider: &str, cookie: &str| {
        let path = format!("/portal/providers/{provider}/overview");
        ask(&platform, Method::GET, &path, cookie, "").await
    };
    let path = "/portal/providers/a/sessions";
    for (lang, told) in [("en", "End all sessions"), ("zh", "结束全部登录")] {
        let seen = ask(&platform, Method::GET, &format!("{path}?lang={lang}"), &li, "").await;
        assert_eq!(seen.status, 200, "{}", seen.body);
        assert!(seen.body.contains(told) && seen.body.contains("name=\"reason\""), "{}", seen.body);
    }
    assert!(overview("a", &li).await.body.contains(path), "nothing leads to the form");
    assert!(!overview("a", &open).await.body.contains(path));
    for (cookie, status) in [(&*open, 404), (&*others, 404), ("", 401)] {
        assert_eq!(ask(&platform, Method::GET, path, cookie, "").await.status, status);
        let sent = ask(&platform, Method::POST, path, cookie, "key=k&form=sessions&reason=r").await;
        assert_eq!(sent.status, status, "{}", sent.body);
    }
    let seen = ask(&platform, Method::POST, path, &li, "key=k&form=sessions&reason=").await;
    assert_eq!(seen.status, 422, "without a reason");
    assert_eq!(overview("a", &open).await.status, 200);
    for _ in 0..2 {
        let form = "key=k&form=sessions&reason=a+phone+was+lost";
        let seen = ask(&platform, Method::POST, path, &li, form).await;
        assert!(seen.status == 200 && seen.body.contains("Done"), "{}", seen.body);
    }
    assert_eq!(overview("a", &open).await.status, 401);
    let opened = ask(&platform, Method::GET, &unopened, "", "").await;
    assert_eq!(overview("a", &opened.cookie).await.status, 401);
    assert_eq!(overview("b", &others).await.status, 200);
    assert_eq!(overview("a", &li).await.status, 200);
    assert_eq!(platform.found("a").await.account.session_version, 1);
    let trail = look(&platform, "actions", &li).await;
    assert!(trail.body.contains("a phone was lost"), "{}", trail.body);
    assert_eq!(actions(&platform).await.len(), 1);
}

#[tokio::test]
async fn an_operator_sees_every_account_and_neither_pays_nor_signs() {
    let platform = platform().await;
    let asked = json!({ "provider": "a", "operator": "li", "may": ["pay", "mandate"] });
    let entered = ask(&platform, Method::GET, &link(&platform, &asked).await, "", "").await;
    for provider in ["a", "b"] {
        let path = format!("/portal/providers/{provider}/overview");
        let seen = ask(&platform, Method::GET, &path, &entered.cookie, "").await;
        assert_eq!(seen.status, 200, "{provider}");
    }
    let path = "/portal/providers/a/recharge";
    let form = "key=cart-1&amount=50.00&way=page";
    let seen = ask(&platform, Method::POST, path, &entered.cookie, form).await;
    assert_eq!(seen.status, 403);
    assert_eq!(platform.found("a").await.account.recharges, 0);
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_named_and_takes_no_page_from_operators() {
    let platform = platform().await;
    let li = operator(&platform, "li", &["operate"]).await;
    let run = platform.stack.tables.billing.latest_runs(1).await.unwrap().readable.remove(0);
    let RunScope::Shards(shards) = &run.scope else { panic!("{run:?}") };
    let shard = shards.iter().next().unwrap();
    let items = platform.items(&format!("run#{:010}", run.number)).await;
    for mut item in items.into_iter().filter(|item| item["sk"]["S"] == format!("shard#{shard:03}"))
    {
        item["tally"]["M"]["failed"]["N"] = "1".into();
        platform.put_item(&item).await;
    }
    for (pk, sk) in [
        (format!("run#{:010}#{shard:03}", run.number), "failed#a"),
        ("reconciliation#2015-05-17".to_owned(), "failure"),
    ] {
        let item = json!({ "pk": { "S": pk }, "sk": { "S": sk }, "format": { "N": "99" } });
        platform.put_item(&item).await;
    }
    let first = json!({
        "pk": { "S": "runs" }, "sk": { "S": "reconciliation" }, "format": { "N": "1" },
        "first_bill": { "S": "2015-05-17" },
    });
    platform.put_item(&first).await;
    for (page, named) in [("runs", "failed#a"), ("reconciliation", "failure")] {
        let seen = look(&platform, page, &li).await;
        assert_eq!(seen.status, 200, "{page}");
        assert!(seen.body.contains(named), "{page}: {}", seen.body);
    }
}

#[tokio::test]
async fn what_an_operator_did_is_told_even_if_the_page_cannot_be_shown() {
    let platform = platform().await;
    let li = operator(&platform, "li", &["operate"]).await;
    let faults = platform.stack.transport.faults();
    faults.strike(Target::Naming("settlement#"), 1..=u64::MAX, AwsFault::LoseRequest);
    let form = "key=k&form=breaker&breaker=stop&reason=Alipay+is+down";
    let seen = act(&platform, "runs", &li, form).await;
    assert_eq!(seen.status, 503);
    assert!(seen.body.contains("Your action is recorded"), "{}", seen.body);
    let breaker = platform.stack.tables.billing.breaker().await.unwrap();
    assert!(matches!(breaker.state, BreakerState::Open { .. }), "{breaker:?}");
}
