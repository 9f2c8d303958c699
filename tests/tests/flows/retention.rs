//! Usage reports are kept as long as the deployment says. A month's reports expire together, and
//! its figures outlive them.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use steelyard_billing::{BreachKind, audit};
use steelyard_pricing::BillingMonth;
use steelyard_tests::{Platform, record, report};

const BASIC: &str = "taobao.trades.sold.get";

/// A platform that keeps reports for so many days, where `a` has reports of several kinds of May,
/// one of which came in June, and one of June. May is settled and closed.
async fn platform(retention_days: u16) -> Platform {
    let platform = Platform::open_keeping(retention_days).await;
    platform.join("a").await;
    platform.set("2015-05-01T20:00");
    platform.count("a", BASIC, "2015-05-01", 600_000).await;
    let mut counter = report("counter", &[record("a", BASIC, "2015-05-01", 100_000)]);
    counter["cumulative"] = json!(true);
    assert_eq!(platform.post(&counter).await.of_provider("a"), "counted");
    platform.settle_at("2015-06-01T00:30").await;
    platform.set("2015-06-04T20:00");
    platform.count("a", BASIC, "2015-05-31", 50_000).await;
    platform.count("a", BASIC, "2015-06-04", 10).await;
    for night in ["2015-06-05T00:30", "2015-06-06T00:30", "2015-06-07T00:30"] {
        platform.settle_at(night).await;
    }
    platform.books_balance().await;
    platform
}

/// The stored reports of a month.
async fn reports(platform: &Platform, month: &str) -> Vec<Value> {
    let items = platform.scan("steelyard-usage").await;
    let prefix = format!("day#{month}");
    items
        .into_iter()
        .filter(|item| item["sk"]["S"].as_str().unwrap().starts_with(&prefix))
        .collect()
}

/// The instants at which the reports of a month expire.
async fn expiries(platform: &Platform, month: &str) -> BTreeSet<i64> {
    let reports = reports(platform, month).await;
    let expiry = |item: &Value| item["expires_at_s"]["N"].as_str().unwrap().parse().unwrap();
    reports.iter().map(expiry).collect()
}

/// What the audit finds of `a`.
async fn breaches(platform: &Platform) -> Vec<BreachKind> {
    let tables = &platform.stack.tables;
    let plans = tables.billing.plans().await.unwrap().catalog;
    let books = tables.books(platform.found("a").await, &[]).await.unwrap();
    let found = audit(&books, &plans, &platform.stack.rules, platform.stack.clock.now());
    found.into_iter().map(|breach| breach.kind).collect()
}

#[tokio::test]
async fn reports_of_a_month_expire_together_after_the_retention_of_the_deployment() {
    for (days, may, june) in [
        (90, "2015-09-26T00:00", "2015-10-26T00:00"),
        (400, "2016-08-01T00:00", "2016-08-31T00:00"),
    ] {
        let platform = platform(days).await;
        assert_eq!(reports(&platform, "2015-05").await.len(), 3);
        for (month, expires_at) in [("2015-05", may), ("2015-06", june)] {
            let expected = BTreeSet::from([platform.instant(expires_at).as_second()]);
            assert_eq!(expiries(&platform, month).await, expected, "{month} by {days}");
        }
    }
}

#[tokio::test]
async fn figures_of_a_month_outlive_its_reports_and_the_audit_knows_that_they_expired() {
    for (days, before, after) in [
        (90, "2015-09-25T23:59", "2015-09-26T00:01"),
        (400, "2016-07-31T23:59", "2016-08-01T00:01"),
    ] {
        let platform = platform(days).await;
        platform.settle_at(before).await;
        let charges = platform.charges("a").await;
        assert_eq!(charges.iter().map(|(_, fen)| fen).sum::<i64>(), 2_500, "{charges:?}");
        for report in reports(&platform, "2015-05").await {
            platform.delete_item_from("steelyard-usage", &report).await;
        }
        let gone = breaches(&platform).await;
        assert!(gone.contains(&BreachKind::ReportsGone), "{days}: {gone:?}");
        platform.set(after);
        assert_eq!(breaches(&platform).await, [], "{days}");
        platform.settle().await;
        assert_eq!(platform.charges("a").await, charges, "{days}");
        platform.books_balance().await;
    }
}

#[tokio::test]
async fn report_that_is_deleted_days_after_it_expired_changes_nothing() {
    let platform = platform(90).await;
    platform.settle_at("2015-09-26T00:30").await;
    let (reports, charges) = (reports(&platform, "2015-05").await, platform.charges("a").await);
    // DynamoDB deletes them one by one, within days.
    for report in reports {
        platform.delete_item_from("steelyard-usage", &report).await;
        assert_eq!(breaches(&platform).await, []);
    }
    platform.settle_at("2015-09-27T00:30").await;
    assert_eq!(platform.charges("a").await, charges);
    let month: BillingMonth = "2015-09".parse().unwrap();
    assert!(platform.found("a").await.account.open_from >= month.previous());
    platform.books_balance().await;
}

#[tokio::test]
async fn notes_of_changes_that_expired_stop_no_provider_of_an_open_month() {
    let platform = platform(90).await;
    // A late report of June is noted as a change, and a statement notes that it charged it.
    platform.count("a", BASIC, "2015-06-04", 600_000).await;
    platform.settle_at("2015-06-08T00:30").await;
    let charges = platform.charges("a").await;
    // Nothing runs until the note has expired, and then the reports.
    platform.set("2015-11-01T00:30");
    let now = platform.stack.clock.now().as_second();
    for item in platform.scan("steelyard-usage").await {
        let expires_at = item["expires_at_s"]["N"].as_str().map(|at| at.parse::<i64>().unwrap());
        if expires_at.is_some_and(|at| at <= now) {
            platform.delete_item_from("steelyard-usage", &item).await;
        }
    }
    assert_eq!(reports(&platform, "2015-06").await, Vec::<Value>::new());
    for night in ["2015-11-01T00:30", "2015-11-02T00:30"] {
        platform.settle_at(night).await;
    }
    assert_eq!(platform.charges("a").await, charges);
    let month: BillingMonth = "2015-10".parse().unwrap();
    assert_eq!(platform.found("a").await.account.open_from, month);
    platform.books_balance().await;
}
