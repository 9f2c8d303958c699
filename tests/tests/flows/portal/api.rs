//! The routes for programs: the same figures as the pages, lists that are read once, and changes
//! that are made once.

use steelyard_billing::mandate::{ConsentBy, MandatePhase};
use steelyard_billing::{ActionPhase, Actor};

use super::programs::{By, FOREIGN, OWN, Sent, World};
use super::*;

const SERVER: By = By::Server("server");
const SERVER_ARN: &str = "arn:aws:iam::000000000000:user/server";

fn of_own(path: &str) -> String {
    format!("/v1/providers/{OWN}/{path}")
}

fn post(path: &str, key: &'static str, body: Value) -> Sent {
    Sent::new(Method::POST, of_own(path), key, body)
}

#[tokio::test]
async fn a_page_and_its_document_show_the_same_figures() {
    let world = World::open().await;
    let session = world.session(OWN, &[]).await;
    let figure = |fen: &Value| {
        let fen = fen.as_i64().unwrap();
        format!("{}.{:02}", fen / 100, fen % 100)
    };
    for (path, page, pointers) in [
        ("overview", "overview", &["/settled/charge_fen", "/next_withholding/amount_fen"][..]),
        ("costs", "costs", &["/charge_fen", "/groups/0/charge_fen"]),
        ("bills", "bills", &["/months/0/charge_fen", "/days/0/left_fen"]),
        ("bills/2015-05-17", "bills/2015-05-17", &["/charge_fen", "/parts/0/lines/0/charge_fen"]),
        ("bills/2015-05", "bills/2015-05", &["/total/charge_fen"]),
        ("ledger", "ledger", &["/entries/0/amount_fen", "/balance/owed_fen"]),
        ("recharges", "recharge", &["/recharges/0/amount_fen"]),
        ("recharges/1", "recharge/1", &["/amount_fen"]),
        ("withholding", "withholding", &["/balance/owed_fen", "/agreement/single_limit_fen"]),
    ] {
        let document = world.answer(&Sent::get(of_own(path)), &session).await;
        let page = Sent::get(format!("/portal/providers/{OWN}/{page}?lang=en"));
        let html = world.call(&page, &session).await.body.replace(',', "");
        for pointer in pointers {
            let amount = document.pointer(pointer);
            let amount = figure(amount.unwrap_or_else(|| panic!("{path}{pointer}: {document}")));
            assert!(html.contains(&amount), "{path}{pointer}: {amount}");
        }
    }
}

#[tokio::test]
async fn a_day_without_usage_says_why_it_has_no_bill() {
    let world = World::open().await;
    let session = world.session(OWN, &[]).await;
    let document = world.call(&Sent::get(of_own("bills/2015-04-01")), &session).await;
    assert_eq!(document.status, 404);
    assert!(document.body.contains("a day without usage has none"), "{}", document.body);
    let page = Sent::get(format!("/portal/providers/{OWN}/bills/2015-04-01?lang=en"));
    let page = world.call(&page, &session).await;
    assert_eq!(page.status, 404);
    assert!(page.body.contains("There is no such bill"), "{}", page.body);
}

#[tokio::test]
async fn no_server_reads_an_account_before_it_may() {
    let world = World::open().await;
    let stack = &world.platform.stack;
    stack.tables.usage.revoke(&Grantee::Caller("pages".parse().unwrap())).await.unwrap();
    assert_eq!(world.call(&Sent::get(of_own("overview")), &SERVER).await.status, 403);
    let asked = post("recharges", "cart-1", json!({ "amount": "50.00" }));
    assert_eq!(world.call(&asked, &SERVER).await.status, 403, "recharges alone are open");
    assert_eq!(world.platform.found(OWN).await.account.recharges, 1);
}

/// The numbers on all pages of a list, from the first on.
async fn walked(world: &World, by: &By, path: &str, list: &str, number: &str) -> Vec<u64> {
    let (mut numbers, mut before) = (Vec::new(), String::new());
    for _ in 0..10 {
        let page = world.answer(&Sent::get(of_own(&format!("{path}{before}"))), by).await;
        let items = page[list].as_array().unwrap().iter();
        numbers.extend(items.map(|item| item[number].as_u64().unwrap()));
        let Some(older) = page["older_before"].as_u64() else { return numbers };
        let and = if path.contains('?') { '&' } else { '?' };
        before = format!("{and}before={older}");
    }
    panic!("{path} does not end: {numbers:?}");
}

#[tokio::test]
async fn a_list_is_walked_from_its_newest_to_its_oldest_once() {
    let world = World::open().await;
    for number in 0..60 {
        world.platform.recharge(OWN, 100, &format!("cash-{number}")).await;
    }
    for number in 2..=25 {
        if number == 15 {
            // Those before lapse, so that there is room for others.
            world.platform.run_until("2015-05-20 12:00").await;
        }
        world.platform.offer_recharge(OWN, "20.00", "page").await;
    }
    let down_from = |last: u64| (1..=last).rev().collect::<Vec<_>>();
    let entries = world.platform.found(OWN).await.account.entries;
    assert!(entries > 60);
    assert_eq!(walked(&world, &SERVER, "ledger", "entries", "number").await, down_from(entries));
    assert_eq!(walked(&world, &SERVER, "recharges", "recharges", "recharge").await, down_from(25));
    let path = "ledger?kind=recharges";
    assert_eq!(walked(&world, &SERVER, path, "recharges", "recharge").await, down_from(25));
    let bills = world.answer(&Sent::get(of_own("bills")), &SERVER).await;
    assert_eq!(bills["months"][0]["month"], "2015-05");
    assert!(bills["older_before"].is_null(), "{bills}");
    let older = world.answer(&Sent::get(of_own("bills?before=2015-05")), &SERVER).await;
    assert_eq!((&older["months"], &older["days"]), (&json!([]), &json!([])));
}

#[tokio::test]
async fn a_recharge_is_offered_once_by_its_key() {
    let world = World::open().await;
    let asked = post("recharges", "cart-1", json!({ "amount": "50.00", "way": "page" }));
    let first = world.answer(&asked, &SERVER).await;
    assert_eq!((&first["amount_fen"], &first["state"]), (&json!(5_000), &json!("open")));
    let page = first["page"].as_str().unwrap();
    assert!(page.contains("recharge%2F2") && first["code"].is_null(), "{first}");
    assert_eq!(world.answer(&asked, &SERVER).await["recharge"], first["recharge"]);
    assert_eq!(world.platform.found(OWN).await.account.recharges, 2);
    let session = world.session(OWN, &["pay"]).await;
    for (sent, status, kind) in [
        (post("recharges", "cart-1", json!({ "amount": "60.00" })), 422, "idempotency-key-used"),
        (post("recharges", "cart-2", json!({ "amount": "much" })), 422, "amount"),
        (post("recharges", "cart-2", json!({ "amount": "0.00" })), 422, "amount"),
        (post("recharges", "cart-2", json!({ "amount": 50 })), 400, "malformed-request"),
        (post("recharges", "cart-2", json!({ "amount": "1", "to": 1 })), 400, "malformed-request"),
        (post("recharges", "", json!({ "amount": "50.00" })), 400, "malformed-request"),
        (Sent { key: None, ..asked.clone() }, 400, "malformed-request"),
        (post("recharges", "k", json!({ "amount": "1".repeat(70_000) })), 413, "body-too-large"),
    ] {
        for by in [&SERVER, &session] {
            let seen = world.call(&sent, by).await;
            assert_eq!(seen.status, status, "{sent:?}: {}", seen.body);
            let problem: Value = serde_json::from_str(&seen.body).unwrap();
            assert_eq!(problem["type"], format!("tag:steelyard,2026:{kind}"), "{problem}");
        }
    }
    assert_eq!(world.platform.found(OWN).await.account.recharges, 2);
}

#[tokio::test]
async fn a_server_lowers_limits_and_ends_withholding_and_the_audit_trail_names_it() {
    let world = World::open().await;
    let limits = |key, single: &str| {
        let body = json!({ "single": single, "daily": "100.00" });
        Sent::new(Method::PUT, of_own("withholding/limits"), key, body)
    };
    for (key, single, fen) in [
        ("limits-1", "20.00", 2_000),
        ("limits-1", "20.00", 2_000),
        ("limits-2", "12.00", 1_200),
        // By the same key it is the same change, whatever is in force by now.
        ("limits-1", "20.00", 1_200),
        ("limits-1", " 20.0", 1_200),
    ] {
        let view = world.answer(&limits(key, single), &SERVER).await;
        assert_eq!(view["agreement"]["single_limit_fen"], fen, "{key} {single}");
        assert_eq!(view["agreement"]["daily_limit_fen"], 10_000);
    }
    for (key, single, told) in [
        ("limits-3", "12.01", "`single` is above the limit in force, 12.00"),
        ("limits-1", "12.00", "idempotency-key-used"),
        ("limits-1", "much", "idempotency-key-used"),
    ] {
        let seen = world.call(&limits(key, single), &SERVER).await;
        assert_eq!(seen.status, 422, "{}", seen.body);
        assert!(seen.body.contains(told), "{}", seen.body);
    }
    let other = post("withholding/end", "end-2", json!({ "mandate": 2 }));
    assert_eq!(world.call(&other, &SERVER).await.status, 422);
    let end = post("withholding/end", "end-1", json!({ "mandate": 1 }));
    for _ in 0..2 {
        assert_eq!(world.answer(&end, &SERVER).await["state"], "ending");
    }
    world.platform.run_until("2015-05-18 09:00").await;
    // By the same key it is the same end, however late it is sent again.
    let ended = world.answer(&end, &SERVER).await;
    assert_eq!(
        (&ended["state"], &ended["agreement"]["ended"]["by"]),
        (&json!("ended"), &json!("here"))
    );
    assert_eq!(world.answer(&limits("limits-1", "20.00"), &SERVER).await["state"], "ended");
    let other = post("withholding/end", "limits-1", json!({ "mandate": 1 }));
    let seen = world.call(&other, &SERVER).await;
    assert!(seen.status == 422 && seen.body.contains("idempotency-key-used"), "{}", seen.body);
    let again = post("withholding/end", "end-3", json!({ "mandate": 1 }));
    assert_eq!(world.call(&again, &SERVER).await.status, 422);

    let billing = &world.platform.stack.tables.billing;
    let trail = billing.actions("2015-05".parse().unwrap(), None, 100).await.unwrap().actions;
    let by = Actor::Caller { caller: SERVER_ARN.parse().unwrap(), provider: OWN.parse().unwrap() };
    assert!(trail.iter().all(|action| action.asked_by == by), "{trail:#?}");
    let done = trail.iter().filter(|action| matches!(action.phase, ActionPhase::Done { .. }));
    assert_eq!((done.count(), trail.len()), (3, 4));
}

#[tokio::test]
async fn an_agreement_is_offered_once_with_the_consent_of_who_sent_it() {
    let world = World::open().await;
    let offer =
        |key, version: &str| post("withholding/offers", key, json!({ "terms_version": version }));
    let first = world.answer(&offer("sign-1", "2026-12"), &SERVER).await;
    assert!(first["app"].is_string() && first["qr"].is_string(), "{first}");
    world.answer(&offer("sign-1", "2026-12"), &SERVER).await;
    let mandate = world.platform.mandate(OWN, 2).await;
    assert_eq!(mandate.phase, MandatePhase::Offered);
    let consent = mandate.consent.unwrap();
    assert_eq!(consent.by, ConsentBy::Caller { caller: SERVER_ARN.parse().unwrap() });
    assert_eq!(world.platform.found(OWN).await.account.mandates, 2);
    let session = world.session(OWN, &["mandate"]).await;
    world.answer(&offer("sign-2", "2026-12"), &session).await;
    let consent = world.platform.mandate(OWN, 2).await.consent.unwrap();
    assert!(matches!(consent.by, ConsentBy::Session { .. }), "{consent:?}");
    let seen = world.call(&offer("sign-3", "2014-01"), &SERVER).await;
    assert_eq!(seen.status, 422, "{}", seen.body);
}

#[tokio::test]
async fn a_repeated_offer_gets_its_first_answer_though_other_terms_hold_by_now() {
    let world = World::open().await;
    let offer =
        |key, version: &str| post("withholding/offers", key, json!({ "terms_version": version }));
    let first = world.answer(&offer("sign-1", "2026-12"), &SERVER).await;
    let before = world.platform.mandate(OWN, 2).await;
    assert_eq!(world.answer(&offer("sign-1", "2014-01"), &SERVER).await, first);
    assert_eq!(world.platform.mandate(OWN, 2).await, before, "the consent is that of the first");
    assert_eq!(world.platform.found(OWN).await.account.mandates, 2);
}

#[tokio::test]
async fn a_program_reads_its_own_account_by_the_claim_of_its_token() {
    let world = World::open().await;
    let read = |provider: &str| Sent::get(format!("/v1/providers/{provider}/bills/2015-05-17"));
    let bill = world.answer(&read(OWN), &By::Program(OWN)).await;
    assert_eq!((&bill["provider"], &bill["charge_fen"]), (&json!(OWN), &json!(1_200)));
    for (sent, by, status) in [
        (read(OWN), By::Program(FOREIGN), 404),
        (read(FOREIGN), By::Program(OWN), 404),
        (read(OWN), By::Program(""), 401),
        (post("recharges", "k", json!({ "amount": "50.00" })), By::Program(OWN), 403),
    ] {
        let seen = world.call(&sent, &by).await;
        assert_eq!(seen.status, status, "{sent:?} {by:?}: {}", seen.body);
    }
    // Where no claim is named, no token is worth anything.
    let mut event = http_event(&Method::GET, &read(OWN).target, &HeaderMap::new(), b"");
    let claims = json!({ "isv": OWN, "provider": OWN, "sub": OWN });
    event["requestContext"]["authorizer"] = json!({ "jwt": { "claims": claims, "scopes": null } });
    let answer = world.platform.stack.functions.portal.invoke(event).await.unwrap();
    assert_eq!(answer["statusCode"], 401);
}

#[tokio::test]
async fn the_document_and_its_page_are_open_to_anybody() {
    let world = World::open().await;
    let document = world.answer(&Sent::get("/v1/openapi.json"), &By::Nobody).await;
    let committed: Value =
        serde_json::from_str(include_str!("../../../../docs/openapi.json")).unwrap();
    assert_eq!(document, committed);
    assert_eq!(document["openapi"], "3.1.0");
    for lang in ["en", "zh"] {
        let list = reference(&world, "/portal/reference", lang).await;
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let route = format!("{} {path}", method.to_uppercase());
                assert!(list.contains(&route), "{lang}: {route}");
                let id = operation["operationId"].as_str().unwrap();
                let page = reference(&world, &format!("/portal/reference/{id}"), lang).await;
                assert!(page.contains(&route), "{lang}: {route}");
            }
        }
        for (name, _) in document["components"]["schemas"].as_object().unwrap() {
            let page = reference(&world, &format!("/portal/reference/schema-{name}"), lang).await;
            assert!(page.contains(&format!("<code>{name}</code>")), "{lang}: {name}");
        }
        let another = Sent::get("/portal/reference/another");
        assert_eq!(world.call(&another, &By::Nobody).await.status, 404);
    }
}

/// A page of the reference, which leads nowhere else and is small.
async fn reference(world: &World, path: &str, lang: &str) -> String {
    let seen = world.call(&Sent::get(format!("{path}?lang={lang}")), &By::Nobody).await;
    assert_eq!(seen.status, 200, "{path}");
    let body = seen.body.replace("http://127.0.0.1", "");
    for forbidden in ["<script", "style=\"", "http://", "https://", "src="] {
        assert!(!body.contains(forbidden), "{path} {lang}: {forbidden}");
    }
    let style = world.call(&Sent::get("/portal/page.css"), &By::Nobody).await.body;
    assert!(body.len() + style.len() < 100_000, "{path} {lang}: {} bytes", body.len());
    seen.body
}

#[tokio::test]
async fn alerts_are_set_by_those_who_may_and_recorded() {
    let world = World::open().await;
    let set = |key, body| Sent::new(Method::PUT, of_own("alerts"), key, body);
    let rules = json!({ "budget": { "monthly": "50.00", "percent": [50, 80] }, "cap": "9000.00" });
    let (reads, may) = (world.session(OWN, &[]).await, world.session(OWN, &["alerts"]).await);
    assert_eq!(world.call(&set("a-1", rules.clone()), &reads).await.status, 403);
    let before = world.answer(&Sent::get(of_own("alerts")), &reads).await;
    assert_eq!((&before["own"], &before["cap"]), (&json!({}), &Value::Null));
    for by in [&may, &SERVER] {
        let view = world.answer(&set("a-1", rules.clone()), by).await;
        assert_eq!((&view["own"], &view["rules"]), (&rules, &rules));
        assert_eq!(view["budget_fen"], 5_000);
        assert_eq!(view["cap"]["is_capped"], false);
    }
    for (key, body, status, told) in [
        ("a-1", json!({}), 422, "idempotency-key-used"),
        ("a-2", json!({ "budget": {} }), 400, "budget: watches nothing"),
        ("a-2", json!({ "cap": 5 }), 400, "malformed-request"),
        ("a-2", json!({ "caps": "5" }), 400, "caps: is not a field here"),
        (
            "a-2",
            json!({ "budget": { "percent": [50], "daily": "5" } }),
            400,
            "budget.daily: is not a field here",
        ),
    ] {
        let seen = world.call(&set(key, body), &may).await;
        assert!(seen.status == status && seen.body.contains(told), "{}", seen.body);
    }
    let others = Sent::new(Method::PUT, format!("/v1/providers/{FOREIGN}/alerts"), "a-3", rules);
    assert_eq!(world.call(&others, &may).await.status, 404);
    world.platform.settle_at("2015-05-19T00:30").await;
    let after = world.answer(&Sent::get(of_own("alerts")), &SERVER).await;
    assert!(after["month_fen"].as_i64() > Some(0), "{after}");
    let billing = &world.platform.stack.tables.billing;
    let trail = billing.actions("2015-05".parse().unwrap(), None, 100).await.unwrap().actions;
    assert_eq!(trail.len(), 2, "the session and the server, each once: {trail:#?}");
}
