//! What is stored comes back as it was, and is written only if nothing has changed meanwhile.

use serde_json::{Value, json};
use steelyard_billing::{
    Account, CountedDays, PlanAssignment, Provider, Reread, Settlement, UsageRead, charged_between,
    next_settlement,
};
use steelyard_books::PlanAdded;
use steelyard_local_aws::{Fault, Target};
use steelyard_pricing::{AlertRules, Override, Plan};
use steelyard_store::{CommitError, NewUsage, ProviderAccount};
use steelyard_tests::{Platform, record, record_of_amount, report};

const DAY: &str = "2015-05-01";

/// A price of each model, with whole and with broken quantities.
fn prices() -> [Value; 7] {
    [
        json!({ "model": "per_unit", "unit_price": "0.0001" }),
        json!({ "model": "package", "size": "2.5", "price": "0.018", "free_units": 3, "charged": "full" }),
        json!({ "model": "graduated", "flat_fee_at_zero_usage": true, "tiers": [
            { "up_to": 10, "unit_price": "0.01", "flat_fee": "1.5" }, { "unit_price": "0.005" }] }),
        json!({ "model": "volume", "tiers": [
            { "up_to": "100.5", "unit_price": "0.01" }, { "unit_price": "0.005" }] }),
        json!({ "model": "block", "policy": "top_tier", "tiers": [
            { "size": 100, "blocks": 2, "price": "1" }, { "size": 1000, "price": "5" }] }),
        json!({ "model": "percentage", "percent": "20", "free_amount": 100, "fee_per_call": "0.1" }),
        json!({ "model": "graduated_percentage", "fee_per_call": "0.01", "tiers": [
            { "up_to": 1000, "percent": "30", "flat_fee": "2" }, { "percent": "20" }] }),
    ]
}

/// A rate for each model, and all else that a plan may have.
fn plan() -> Plan {
    let rates = prices().into_iter().enumerate().map(|(n, price)| {
        let mut rate =
            json!({ "rate": format!("rate-{n}"), "apis": [format!("api{n}.*")], "price": price });
        if n == 0 {
            rate["conversion"] = json!({ "multiply": "1.5", "divide": 4 });
            rate["free_per_day"] = json!(2);
            rate["discounts"] = json!([{ "discount": "early", "percent": "12.5", "of": "list" }]);
        }
        rate
    });
    let document = json!({
        "plan": "all-models", "effective_from": "2015-01-01", "description": "每种价格模型",
        "rounding": "half_even", "free_per_month": "1.5", "minimum": "3.00", "maximum": "100000",
        "discounts": [{ "discount": "spring", "percent": "5", "until": "2015-05-20" }],
        "rates": rates.collect::<Vec<_>>(),
    });
    Plan::read(&document.to_string()).unwrap()
}

/// A provider with an override for each model's price.
fn provider() -> Provider {
    let overrides = prices().into_iter().enumerate().map(|(n, price)| {
        let document = json!({
            "override": format!("deal-{n}"), "from": "2015-05-16", "until": "2015-06-01",
            "rate": format!("rate-{n}"), "price": price, "free_on_top": "7.5", "discount_percent": "10",
        });
        Override::read(&document.to_string()).unwrap()
    });
    Provider {
        provider: "a".parse().unwrap(),
        billed_from: "2015-05".parse().unwrap(),
        plans: vec![PlanAssignment {
            from: "2015-05-01".parse().unwrap(),
            plan: "all-models".parse().unwrap(),
        }],
        overrides: overrides.collect(),
        mandate: None,
        alert_rules: AlertRules::default(),
    }
}

/// A platform at noon of the first of May with that plan and that provider.
async fn platform() -> Platform {
    let platform = Platform::open().await;
    platform.set("2015-05-01T12:00");
    let tables = &platform.stack.tables;
    let added = platform.books().add_plan(&plan(), platform.today()).await.unwrap();
    assert_eq!(added, PlanAdded::New);
    let now = platform.stack.clock.now();
    tables.billing.register(&tables.usage, &provider(), now).await.unwrap();
    platform
}

/// A report of usage under each rate.
async fn use_all(platform: &Platform, id: &str, day: &str) {
    let calls = |n: usize| record("a", &format!("api{n}.x"), day, 1_234);
    let sales = |n: usize| record_of_amount("a", &format!("api{n}.x"), day, 3, "4321.000001");
    let records = (0..7).map(calls).chain((5..7).map(sales)).chain([record("a", "free", day, 1)]);
    let answer = platform.post(&report(id, &records.collect::<Vec<_>>())).await;
    assert_eq!(answer.of_provider("a"), "counted", "{answer:?}");
}

/// The provider's next settlement, decided and not stored.
async fn decided(platform: &Platform, found: &ProviderAccount) -> Option<Settlement> {
    let plans = platform.stack.tables.billing.plans().await.unwrap().catalog;
    let (rules, now) = (&platform.stack.rules, platform.stack.clock.now());
    let (provider, account) = (&found.provider, &found.account);
    let (from, through) = (account.unsettled_from(), rules.calendar.yesterday(now).unwrap());
    let tables = &platform.stack.tables;
    let read = tables.usage.new_usage(&account.provider, from, through).await.unwrap();
    let NewUsage { mut days, changes, registration } = read;
    let reread = Reread::of(account, &changes, None, &rules.calendar, now);
    let mut rated = CountedDays::new();
    for (first, last) in reread.ranges {
        days.extend(tables.usage.days(&account.provider, first, last).await.unwrap());
        let until = last.month().last_day();
        let statements = tables.billing.statements_between(&account.provider, first, until);
        rated.extend(charged_between(&statements.await.unwrap(), first, last).unwrap());
    }
    let usage = UsageRead { days, rated, changes, registration, ..UsageRead::default() };
    next_settlement(provider, account, &usage, &plans, rules, now).unwrap()
}

/// Stores a settlement that was decided on an account as it was read.
async fn store(
    platform: &Platform,
    before: &Account,
    settlement: &Settlement,
) -> Result<Account, CommitError> {
    let billing = &platform.stack.tables.billing;
    let mut writes = billing.writes("store a settlement");
    let after = writes.settlement(before, settlement)?;
    billing.commit(writes).await.map(|()| after)
}

/// Stores terms that were decided on a provider as it was read.
async fn store_terms(
    platform: &Platform,
    before: &ProviderAccount,
    after: &Provider,
) -> Result<(), CommitError> {
    let billing = &platform.stack.tables.billing;
    let mut writes = billing.writes("store terms");
    writes.account(&before.account, &before.account)?;
    writes.provider(&before.provider, after)?;
    billing.commit(writes).await
}

#[tokio::test]
async fn plan_and_provider_with_every_price_model_come_back_as_they_were() {
    let platform = platform().await;
    let plans = platform.stack.tables.billing.plans().await.unwrap().catalog;
    let stored = plans.iter().find(|stored| stored.name().as_str() == "all-models");
    assert_eq!(stored, Some(&plan()));
    let found = platform.found("a").await;
    assert_eq!((&found.provider, found.account), (&provider(), Account::new(&provider())));
}

#[tokio::test]
async fn statement_and_account_of_a_month_in_segments_come_back_as_they_were() {
    let platform = platform().await;
    let mut settled = 0;
    for (id, day, night) in [
        ("own", DAY, "2015-05-02T00:30"),
        ("late", DAY, "2015-05-03T00:30"),
        ("second-segment", "2015-05-17", "2015-05-18T00:30"),
        ("closing", "2015-05-31", "2015-06-01T00:30"),
        ("supplement", "2015-05-20", "2015-06-02T00:30"),
        ("next-month", "2015-06-01", "2015-06-02T01:30"),
    ] {
        platform.set(night);
        use_all(&platform, id, day).await;
        let found = platform.found("a").await;
        while let Some(settlement) = decided(&platform, &platform.found("a").await).await {
            let before = platform.found("a").await.account;
            let billing = &platform.stack.tables.billing;
            let account = store(&platform, &before, &settlement).await.unwrap();
            settled += 1;
            assert_eq!(platform.found("a").await.account, account, "{id}");
            assert_eq!(platform.statements("a").await.len(), settled, "{id}");
            let id = settlement.statement.statement;
            let stored = billing.statement(&settlement.statement.provider, id).await.unwrap();
            assert_eq!(stored, Some(settlement.statement), "{id}");
        }
        assert_ne!(found.account, platform.found("a").await.account, "{id}");
    }
    assert_eq!(settled, 6);
    platform.books_balance().await;
}

/// Stores a version of a plan that takes effect on a day, at a time of Beijing.
async fn check_plan(platform: &Platform, from: &str, price: &str, at: &str, stored: PlanAdded) {
    platform.set(at);
    let document = json!({
        "plan": "p", "effective_from": from, "rates": [{ "rate": "all", "apis": ["*"],
        "price": { "model": "per_unit", "unit_price": price } }],
    });
    let plan = Plan::read(&document.to_string()).unwrap();
    let added = platform.books().add_plan(&plan, platform.today()).await.unwrap();
    assert_eq!(added, stored, "{price} from {from} at {at}");
    if !matches!(stored, PlanAdded::Different | PlanAdded::Backdated) {
        let plans = platform.stack.tables.billing.plans().await.unwrap().catalog;
        assert_eq!(plans.version(plan.name(), plan.effective_from()), Some(&plan));
    }
}

#[tokio::test]
async fn version_of_a_plan_may_be_replaced_until_it_takes_effect() {
    let platform = Platform::open().await;
    for (from, price, at, stored) in [
        ("2015-05-03", "0.01", "2015-05-01T12:00", PlanAdded::New),
        ("2015-05-03", "0.01", "2015-05-01T12:00", PlanAdded::Before),
        ("2015-05-03", "0.02", "2015-05-01T12:00", PlanAdded::Replaced),
        ("2015-05-03", "0.02", "2015-05-01T12:00", PlanAdded::Before),
        ("2015-05-03", "0.01", "2015-05-02T23:59:59", PlanAdded::Replaced),
        ("2015-05-03", "0.02", "2015-05-03T00:00", PlanAdded::Different),
        ("2015-05-03", "0.01", "2015-05-03T00:00", PlanAdded::Before),
        ("2015-05-04", "0.02", "2015-05-03T00:00", PlanAdded::New),
        ("2014-04-01", "0.03", "2015-05-03T00:00", PlanAdded::Backdated),
        ("2015-05-01", "0.03", "2015-05-03T00:00", PlanAdded::New),
        ("2015-05-01", "0.03", "2015-06-01T00:00", PlanAdded::Before),
        ("2015-05-02", "0.03", "2015-06-01T00:00", PlanAdded::Backdated),
    ] {
        check_plan(&platform, from, price, at, stored).await;
    }
    let plans = platform.stack.tables.billing.plans().await.unwrap().catalog;
    let versions = plans.iter().filter(|plan| plan.name().as_str() == "p");
    let prices = versions.map(|plan| json!(plan)["rates"][0]["price"]["unit_price"].clone());
    assert_eq!(prices.collect::<Vec<_>>(), ["0.03", "0.01", "0.02"]);
}

/// The answer of this request is lost, and the next one finds another transaction going on: from
/// then on it is a write of its own, which can't know that the first was done.
fn lose_answer_of(platform: &Platform, operation: &'static str, write: u64) {
    let (faults, writes) = (platform.stack.transport.faults(), Target::Operation(operation));
    faults.restore();
    faults.strike(writes, write..=write, Fault::LoseAnswer);
    faults.strike(writes, write + 1..=write + 1, Fault::Conflict);
}

#[tokio::test]
async fn version_whose_answer_is_lost_is_stored_once_also_in_place_of_another() {
    let platform = Platform::open().await;
    for (price, operation) in [("0.01", "PutItem"), ("0.02", "UpdateItem")] {
        lose_answer_of(&platform, operation, 1);
        check_plan(&platform, "2015-05-03", price, "2015-05-01T12:00", PlanAdded::Before).await;
    }
}

/// The provider with its overrides taken away.
fn plain(found: &ProviderAccount) -> Provider {
    Provider { overrides: Vec::new(), ..found.provider.clone() }
}

#[tokio::test]
async fn change_of_terms_is_stale_when_a_settlement_was_stored_since_they_were_read() {
    let platform = platform().await;
    use_all(&platform, "r", DAY).await;
    let read = platform.found("a").await;
    platform.settle_at("2015-05-02T00:30").await;
    let settled = platform.found("a").await;
    assert_ne!(settled.account.settled_through, read.account.settled_through);
    let changed = store_terms(&platform, &read, &plain(&read)).await;
    assert!(matches!(changed, Err(CommitError::Stale)), "{changed:?}");
    assert_eq!(platform.found("a").await, settled);
}

#[tokio::test]
async fn settlement_is_stale_when_terms_were_changed_since_they_were_read() {
    let platform = platform().await;
    use_all(&platform, "r", DAY).await;
    platform.set("2015-05-02T00:30");
    let read = platform.found("a").await;
    let settlement = decided(&platform, &read).await.unwrap();
    store_terms(&platform, &read, &plain(&read)).await.unwrap();
    let settled = store(&platform, &read.account, &settlement).await;
    assert!(matches!(settled, Err(CommitError::Stale)), "{settled:?}");
    assert_eq!(platform.statements("a").await, []);
    let changed = platform.found("a").await;
    assert_eq!((changed.provider, changed.account.version), (plain(&read), 1));
}

#[tokio::test]
async fn change_of_terms_whose_answer_is_lost_is_stored_once() {
    let platform = platform().await;
    let read = platform.found("a").await;
    lose_answer_of(&platform, "TransactWriteItems", 1);
    platform.change("a", |provider| provider.overrides.clear()).await;
    let changed = platform.found("a").await;
    assert_eq!((changed.provider, changed.account.version), (plain(&read), 1));
}
