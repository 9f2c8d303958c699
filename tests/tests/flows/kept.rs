//! Attributes that a newer version added are kept by this one, whatever it writes.

use serde_json::{Value, json};
use steelyard_billing::PlanAssignment;
use steelyard_books::PlanAdded;
use steelyard_local_alipay::{Fault, Method};
use steelyard_pricing::Plan;
use steelyard_tests::{PLAN, Platform, fen, reason};

const BASIC: &str = "taobao.trades.sold.get";

/// Adds the attributes of a newer version to every item of the billing table that can be written
/// again. Gives how many there are.
async fn plant(platform: &Platform) -> usize {
    let mut planted = 0;
    for mut item in platform.all_items().await {
        let sk = item["sk"]["S"].as_str().unwrap().to_owned();
        if is_written_once(&sk) {
            continue;
        }
        item["future_counter"] = json!({ "N": "42" });
        item["future_map"] = json!({ "M": { "of": { "S": sk } } });
        platform.put_item(&item).await;
        planted += 1;
    }
    planted
}

/// Items that are never written again, or written anew as a whole: statements, journal entries,
/// owners and runs that have ended.
fn is_written_once(sk: &str) -> bool {
    ["statement#", "entry#", "owner", "transfer", "key#", "settlement#", "shard#"]
        .iter()
        .any(|kind| sk.starts_with(kind))
        || sk.contains("#SY")
        || sk.starts_with("2015-")
}

/// Checks that every item that was planted has the attributes still.
async fn check_kept(platform: &Platform, planted: &[(String, String)]) {
    let items = platform.all_items().await;
    for (pk, sk) in planted {
        let is_it = |item: &&Value| item["pk"]["S"] == *pk && item["sk"]["S"] == *sk;
        let item = items.iter().find(is_it).unwrap_or_else(|| panic!("{pk} {sk} is gone"));
        assert_eq!(item["future_counter"]["N"], "42", "{pk} {sk}");
        assert_eq!(item["future_map"]["M"]["of"]["S"], *sk, "{pk} {sk}");
    }
}

/// The keys of the items that have the attributes.
async fn planted(platform: &Platform) -> Vec<(String, String)> {
    let text = |item: &Value, name: &str| item[name]["S"].as_str().unwrap().to_owned();
    let items = platform.all_items().await;
    let has = items.iter().filter(|item| item.get("future_counter").is_some());
    has.map(|item| (text(item, "pk"), text(item, "sk"))).collect()
}

#[tokio::test]
async fn attributes_of_a_newer_version_outlast_settlement_debits_and_recharges() {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.sign("a", 0).await;
    platform.count("a", BASIC, "2015-05-01", 1_500_000).await;
    platform.run_until("2015-05-02T09:00").await;
    let number = platform.open_recharge("a", "5.00", "page").await;
    let books = platform.books();
    let now = platform.stack.clock.now();
    books.decide_breaker(|breaker| breaker.stopped(reason("a test"), now)).await.unwrap();
    assert!(plant(&platform).await >= 8);
    let planted = planted(&platform).await;
    for sk in [
        "a#account",
        "a#provider",
        "debit#0000000001",
        "mandate#0000000001",
        "recharge#0000000001",
        "breaker",
        "realm",
        "registry",
        "jushita-2014#2014-04-01",
    ] {
        assert!(planted.iter().any(|(_, planted)| planted == sk), "{sk} of {planted:?}");
    }

    let versions = versions(&platform).await;
    books.decide_breaker(|breaker| breaker.resumed(reason("a test"), now)).await.unwrap();
    // The debit is declined, in doubt, and paid; a day is settled; a recharge is paid; the
    // provider's terms change, and its mandate is suspended and resumed.
    platform.pay_trade(&number);
    platform.run_until("2015-05-02T12:00").await;
    check_kept(&platform, &planted).await;
    platform.stack.alipay.set_funds("a", fen(1_000_000)).unwrap();
    platform.stack.alipay.fail_next(Method::Pay, Fault::SystemErrorAfterEffect, 1);
    platform.count("a", BASIC, "2015-05-02", 500_000).await;
    platform.run_until("2015-05-03T12:00").await;
    check_kept(&platform, &planted).await;
    let june = PlanAssignment { from: "2015-06-01".parse().unwrap(), plan: PLAN.parse().unwrap() };
    platform.change("a", |provider| provider.plans.push(june.clone())).await;
    platform.count("a", BASIC, "2015-05-03", 500_000).await;
    let invalid =
        Fault::Refused { code: "40004".to_owned(), sub_code: "ACQ.AGREEMENT_INVALID".to_owned() };
    platform.stack.alipay.fail_next(Method::Pay, invalid, 1);
    platform.run_until("2015-05-04T12:00").await;
    platform.resume("a", 1).await;
    platform.run_until("2015-05-05T12:00").await;
    check_kept(&platform, &planted).await;
    assert_eq!(platform.account("a").await, [0, 0, 0]);
    platform.books_balance().await;
    for (sk, before) in &versions {
        let after = self::versions(&platform).await;
        let after = after.iter().find(|(found, _)| found == sk).unwrap().1;
        assert!(after > *before, "{sk} was written meanwhile");
    }
}

#[tokio::test]
async fn attributes_of_a_newer_version_outlast_a_replaced_plan_and_a_restored_realm() {
    let platform = Platform::open().await;
    let document = |price: &str| {
        json!({
            "plan": "later", "effective_from": "2015-05-03", "rates": [{ "rate": "all", "apis": ["*"],
            "price": { "model": "per_unit", "unit_price": price } }],
        })
    };
    platform.add_plan(&document("0.01").to_string()).await;
    platform.realm().await;
    plant(&platform).await;
    let planted = planted(&platform).await;
    let replaced = Plan::read(&document("0.02").to_string()).unwrap();
    let added = platform.books().add_plan(&replaced, platform.today()).await.unwrap();
    assert_eq!(added, PlanAdded::Replaced);
    let mut realm = platform.items("realm").await.pop().unwrap();
    let before = realm["realm"].clone();
    realm["table"] = json!({ "S": "the-original" });
    platform.put_item(&realm).await;
    assert_ne!(platform.realm().await.as_str(), before["S"]);
    check_kept(&platform, &planted).await;
}

/// The versions of the items that have one and are written again, by sort key.
async fn versions(platform: &Platform) -> Vec<(String, u64)> {
    let items = platform.all_items().await;
    let version = |item: &Value| {
        let (sk, version) = (item["sk"]["S"].as_str().unwrap(), item["version"]["N"].as_str()?);
        (!is_written_once(sk)).then(|| (sk.to_owned(), version.parse().unwrap()))
    };
    items.iter().filter_map(version).collect()
}
