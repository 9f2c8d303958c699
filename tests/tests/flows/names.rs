//! A client that invents names of APIs makes nobody unbillable: beyond so many of a month, calls
//! are summed under one name, at the same price.

use std::collections::BTreeMap;

use serde_json::json;
use steelyard_billing::Statement;
use steelyard_books::Settler;
use steelyard_ingest::VOID_PATH;
use steelyard_tests::{Machine, Platform, record, report};

/// Two wildcards, one of them inside the other, and an API that is listed.
const PLAN: &str = r#"{ "plan": "wild", "effective_from": "2015-05-01", "rates": [
    { "rate": "files", "apis": ["files.*", "files.head"],
      "price": { "model": "per_unit", "unit_price": "0.01" } },
    { "rate": "images", "apis": ["files.img.*"],
      "price": { "model": "per_unit", "unit_price": "0.03" } } ] }"#;

async fn platform() -> Platform {
    let platform = Platform::open().await;
    platform.add_plan(PLAN).await;
    platform.set("2015-05-01T20:00");
    platform.register("a", "wild").await;
    platform
}

/// The settler of a platform that lists so many names.
fn settler(platform: &Platform, names_max: u32) -> Settler {
    let mut settler = Machine::new(platform, 0).settler(platform);
    settler.books.rules.names_max = names_max.try_into().unwrap();
    settler
}

async fn settle(platform: &Platform, settler: &Settler, time: &str) -> Vec<Statement> {
    platform.set(time);
    let terms = settler.terms(platform.stack.clock.now()).await.unwrap();
    settler.provider(&terms, &"a".parse().unwrap()).await.unwrap()
}

/// What each line lists: its rate and cause, the number of names, and the calls under `…other`
/// names.
fn listed(statement: &Statement) -> Vec<(String, usize, BTreeMap<String, u64>)> {
    let lines = statement.lines.iter().map(|line| {
        let others = line.apis.iter().filter(|(api, _)| api.other_prefix().is_some());
        let others = others.map(|(api, metered)| (api.to_string(), metered.calls.get()));
        let rate = line.rate.as_ref().map(ToString::to_string).unwrap_or_default();
        (rate, line.apis.apis(), others.collect())
    });
    lines.collect()
}

fn others<const N: usize>(calls: [(&str, u64); N]) -> BTreeMap<String, u64> {
    calls.map(|(name, calls)| (name.to_owned(), calls)).into()
}

/// Counts one call each of APIs that are named by numbers.
async fn invent(
    platform: &Platform,
    id: &str,
    day: &str,
    prefix: &str,
    numbers: std::ops::Range<u32>,
) {
    let records = numbers.map(|n| record("a", &format!("{prefix}{n:06}"), day, 1));
    let records = records.collect::<Vec<_>>();
    for (part, records) in records.chunks(2_000).enumerate() {
        let answer = platform.post(&report(&format!("{id}-{part}"), records)).await;
        assert_eq!(answer.of_day("a", day), "counted");
    }
}

#[tokio::test]
async fn names_beyond_the_limit_are_summed_at_their_rates_price_and_listed_ones_never_are() {
    let platform = platform().await;
    let settler = settler(&platform, 10);
    invent(&platform, "names", "2015-05-01", "files.", 0..8).await;
    invent(&platform, "images", "2015-05-01", "files.img.", 0..5).await;
    invent(&platform, "free", "2015-05-01", "free.", 0..3).await;
    let known = report("known", &[record("a", "files.head", "2015-05-01", 50)]);
    platform.post(&known).await;
    let [statement] = settle(&platform, &settler, "2015-05-02T00:30").await.try_into().unwrap();
    // In the order of names: eight files; then of the images two.
    let lines = [
        ("files".to_owned(), 9, others([])),
        ("images".to_owned(), 3, others([("files.img.…other", 3)])),
    ];
    assert_eq!(listed(&statement), lines);
    assert_eq!(json!(statement.unpriced[0].apis), json!({ "…other": 3 }));
    assert_eq!(statement.charge_fen.get(), (8 + 50) + 5 * 3);
    // The next day knows the same names, and no others.
    invent(&platform, "again", "2015-05-02", "files.", 6..10).await;
    platform.post(&report("known", &[record("a", "files.head", "2015-05-02", 1)])).await;
    let [statement] = settle(&platform, &settler, "2015-05-03T00:30").await.try_into().unwrap();
    assert_eq!(listed(&statement), [("files".to_owned(), 4, others([("files.…other", 2)]))]);
    platform.books_balance().await;
    // A new month begins anew.
    platform.set("2015-06-01T20:00");
    invent(&platform, "june", "2015-06-01", "files.", 100..110).await;
    let statements = settle(&platform, &settler, "2015-06-02T00:30").await;
    assert_eq!(listed(statements.last().unwrap()), [("files".to_owned(), 10, others([]))]);
    platform.books_balance().await;
}

#[tokio::test]
async fn late_and_withdrawn_usage_of_names_that_are_not_listed_changes_their_sum() {
    let platform = platform().await;
    let settler = settler(&platform, 3);
    invent(&platform, "first", "2015-05-01", "files.", 0..6).await;
    settle(&platform, &settler, "2015-05-02T00:30").await;
    invent(&platform, "late", "2015-05-01", "files.", 2..8).await;
    let [statement] = settle(&platform, &settler, "2015-05-03T00:30").await.try_into().unwrap();
    assert_eq!(listed(&statement), [("files".to_owned(), 2, others([("files.…other", 5)]))]);
    platform.books_balance().await;
    let void = json!({
        "provider": "a", "source": "gateway-1", "id": "first-0", "reason": "the names are invented"
    });
    let event = steelyard_local_stack::http_event(
        &axum::http::Method::POST,
        VOID_PATH,
        &axum::http::HeaderMap::new(),
        void.to_string().as_bytes(),
    );
    assert_eq!(platform.request(event).await.status, 200);
    let [statement] = settle(&platform, &settler, "2015-05-04T00:30").await.try_into().unwrap();
    assert_eq!(listed(&statement), [("files".to_owned(), 4, others([("files.…other", 3)]))]);
    assert_eq!(statement.charge_fen.get(), -6);
    // A platform that lists more from now on lists none of this month besides.
    let settler = self::settler(&platform, 1_000);
    invent(&platform, "more", "2015-05-04", "files.", 3..6).await;
    let [statement] = settle(&platform, &settler, "2015-05-05T00:30").await.try_into().unwrap();
    assert_eq!(listed(&statement), [("files".to_owned(), 1, others([("files.…other", 3)]))]);
    // The month is read whole once more after its close.
    settle(&platform, &settler, "2015-06-05T00:30").await;
    settle(&platform, &settler, "2015-06-06T00:30").await;
    assert_eq!(platform.found("a").await.account.open_from.to_string(), "2015-06");
    platform.books_balance().await;
}

#[tokio::test]
async fn hundred_and_forty_thousand_invented_names_are_settled_with_the_others() {
    let platform = platform().await;
    for hour in 0..10 {
        let numbers = hour * 14_000..(hour + 1) * 14_000;
        invent(&platform, &format!("hour-{hour}"), "2015-05-01", "files.", numbers).await;
    }
    platform.settle_at("2015-05-02T00:30").await;
    let [statement] = platform.statements("a").await.try_into().unwrap();
    let [(rate, names, others)] = listed(&statement).try_into().unwrap();
    // Three bytes of a hash take a few of the others for listed ones.
    assert!(rate == "files" && (2_001..2_040).contains(&names), "{names} names");
    let of_listed = statement.lines[0].apis.iter().filter(|(api, _)| api.other_prefix().is_none());
    let of_listed: u64 = of_listed.map(|(_, metered)| metered.calls.get()).sum();
    assert_eq!(others["files.…other"] + of_listed, 140_000);
    assert_eq!(statement.charge_fen.get(), 140_000);
    platform.books_balance().await;
}
