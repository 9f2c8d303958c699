//! What the road costs, as DynamoDB's meter says: requests and capacity, with the figures printed.

use rust_decimal::Decimal;
use serde_json::Value;
use steelyard_books::{Settler, WalkEnd};
use steelyard_local_aws::Usage;
use steelyard_store::schema::registry_shard;
use steelyard_tests::{Platform, neighbours, record, record_of_amount, report};

/// Five rates, a graduated one among them.
const FIVE_RATES: &str = r#"{
    "plan": "five-rates", "effective_from": "2015-01-01", "rates": [
    { "rate": "trades", "apis": ["taobao.trades.*"], "free_per_month": 1000,
      "price": { "model": "graduated", "tiers": [
        { "up_to": "10000", "unit_price": "0.0001" },
        { "up_to": "100000", "unit_price": "0.00008" },
        { "unit_price": "0.00005" }] } },
    { "rate": "items", "apis": ["taobao.item.*"], "free_per_month": 1000,
      "price": { "model": "per_unit", "unit_price": "0.0001" } },
    { "rate": "logistics", "apis": ["taobao.logistics.*"],
      "price": { "model": "per_unit", "unit_price": "0.0002" } },
    { "rate": "refunds", "apis": ["taobao.refunds.*"],
      "price": { "model": "per_unit", "unit_price": "0.0003" } },
    { "rate": "insight", "apis": ["vas.*"], "free_per_month": 500,
      "price": { "model": "per_unit", "unit_price": "0.0005" } }] }"#;

/// One API of each rate.
const APIS: [&str; 5] = [
    "taobao.trades.sold.get",
    "taobao.item.update.listing",
    "taobao.logistics.online.send",
    "taobao.refunds.receive.get",
    "vas.insight.shop.report.get",
];

fn take(platform: &Platform) -> Usage {
    platform.stack.transport.meter().take()
}

fn requests(usage: &Usage) -> u64 {
    usage.requests.values().sum()
}

fn check_write_units(told: &str, usage: &Usage, most: u32) {
    println!(
        "{told}: {} requests {:?}, {} write units, {} read units",
        requests(usage),
        usage.requests,
        usage.total.write,
        usage.total.read
    );
    assert!(usage.total.write.get() <= most.into(), "{told}: {usage:?}");
}

/// A report of one day's calls of each API by one provider.
fn five_apis(provider: &str, id: &str, day: &str, calls: u64) -> Value {
    report(id, &APIS.map(|api| record(provider, api, day, calls)))
}

/// A report of one day's calls of so many APIs, whose names have 25 letters, by each of some
/// providers.
fn wide_report(id: &str, providers: &[String], apis: u64) -> Value {
    // Names that have little in common, as a hash has it.
    let name = |n: u64| format!("{:016x}.{n:08}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let records = providers.iter().flat_map(|provider| {
        (0..apis).map(move |n| record(provider, &name(n), "2015-05-01", 1_000 + n))
    });
    report(id, &records.collect::<Vec<_>>())
}

#[tokio::test]
async fn report_of_ten_apis_costs_a_write_unit_and_one_of_a_hundred_four_at_most() {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    let providers = (0..10).map(|n| format!("provider-{n}")).collect::<Vec<_>>();
    for provider in &providers {
        platform.join(provider).await;
    }
    for (count, apis, most) in [(1, 1, 1), (1, 10, 1), (1, 100, 4), (10, 10, 10), (10, 100, 40)] {
        let sent = wide_report(&format!("r-{count}-{apis}"), &providers[..count], apis);
        take(&platform);
        for _ in 0..2 {
            assert_eq!(platform.post(&sent).await.status, 200);
            let usage = take(&platform);
            check_write_units(&format!("{apis} APIs of {count} providers"), &usage, most);
            assert_eq!(usage.requests["PutItem"], u64::try_from(count).unwrap());
        }
    }
    for (apis, most) in [(1, 1), (10, 1), (100, 4)] {
        let mut sent = wide_report(&format!("c-{apis}"), &providers[..1], apis);
        sent["cumulative"] = true.into();
        take(&platform);
        for _ in 0..2 {
            assert_eq!(platform.post(&sent).await.status, 200);
            let usage = take(&platform);
            check_write_units(&format!("{apis} APIs, cumulative"), &usage, most);
            assert_eq!(usage.requests["PutItem"], 1);
        }
        // A count that grew: the put that fails, and the one of both.
        sent["records"][0]["count"] = 5_000.into();
        assert_eq!(platform.post(&sent).await.status, 200);
        check_write_units(&format!("{apis} APIs, grown"), &take(&platform), 2 * most);
    }
    // Registrations are read once, and known from then on.
    take(&platform);
    platform.post(&wide_report("again", &providers, 1)).await;
    assert!(!take(&platform).requests.contains_key("BatchGetItem"));
}

#[tokio::test]
async fn report_with_amounts_costs_no_more() {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.join("a").await;
    let records = APIS.map(|api| record_of_amount("a", api, "2015-05-01", 1_000, "123456.789"));
    take(&platform);
    assert_eq!(platform.post(&report("r", &records)).await.status, 200);
    check_write_units("five APIs with amounts", &take(&platform), 1);
}

/// A provider of five rates whose days up to the one before the last are settled, and each day's
/// debit is paid.
async fn month_under_way(days: u32) -> Platform {
    let platform = Platform::open().await;
    platform.add_plan(FIVE_RATES).await;
    platform.register("a", "five-rates").await;
    platform.adopt("a", "20159", 1_000_000_000).await;
    for day in 1..=days {
        let date = format!("2015-05-{day:02}");
        platform.run_until(&format!("{date}T20:00")).await;
        let sent = five_apis("a", &format!("r-{day}"), &date, 12_345);
        assert_eq!(platform.post(&sent).await.status, 200);
    }
    platform.set(&format!("2015-05-{:02}T00:30", days + 1));
    platform
}

#[tokio::test]
async fn day_of_five_lines_with_a_debit_is_settled_for_eleven_write_units_by_three_requests() {
    for days in [1, 10, 20, 30] {
        let platform = month_under_way(days).await;
        let before = settle_costs(&platform).await;
        let statement = platform.statements("a").await.pop().unwrap();
        assert_eq!(statement.lines.len(), 5);
        assert!(statement.lines.iter().all(|line| !line.after.slices.is_empty()));
        assert!(platform.found("a").await.account.open_debit.is_some());
        let again = settle_costs(&platform).await;
        // The providers of the shard, the reports, the transaction; or the statement of which the
        // debt is.
        assert_eq!((requests(&before), requests(&again)), (3, 3));
        check_write_units(&format!("settlement after {days} days"), &before, 11);
        assert_eq!(again.writes(), 0);
        platform.books_balance().await;
    }
}

/// What it costs to list the shard of `a` and to settle it.
async fn settle_costs(platform: &Platform) -> Usage {
    let settler = Settler { books: platform.books(), usage: platform.stack.tables.usage.clone() };
    let now = platform.stack.clock.now();
    let (run, _) = settler.begin_run(now).await.unwrap();
    let terms = settler.terms(now).await.unwrap();
    let shard = registry_shard(&"a".parse().unwrap());
    let mut walk = settler.walk(&terms, run.number, shard, || true).await.unwrap().unwrap();
    take(platform);
    assert_eq!(walk.page().await.unwrap().end, Some(WalkEnd::Complete));
    take(platform)
}

#[tokio::test]
async fn shard_of_a_run_costs_seven_requests_and_a_write_unit_besides_its_providers() {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    for id in ["a", "b"] {
        platform.join(id).await;
    }
    platform.stack.functions.settle.invoke(serde_json::json!({})).await.unwrap();
    let [a, b] = ["a", "b"].map(|id| registry_shard(&id.parse().unwrap()));
    // The plans, the run, its shard, the providers; the reports of one; the shard again; all
    // shards, and whether the run ends.
    let first = shard_costs(&platform, 1, a).await;
    assert_eq!((requests(&first), first.writes()), (1 + 7, 1));
    check_write_units("a shard of a provider without usage", &first, 1);
    // The end of the run besides.
    let last = shard_costs(&platform, 1, b).await;
    assert_eq!((requests(&last), last.writes()), (1 + 8, 2));
    check_write_units("the last shard", &last, 2);
}

async fn shard_costs(platform: &Platform, run: u64, shard: u8) -> Usage {
    let body = serde_json::json!({ "run": run, "shard": shard }).to_string();
    let event = serde_json::json!({
        "Records": [{ "messageId": "1", "eventSource": "aws:sqs", "body": body }]
    });
    take(platform);
    let answer = platform.stack.functions.settle.invoke(event).await.unwrap();
    assert_eq!(answer["batchItemFailures"], serde_json::json!([]));
    take(platform)
}

#[tokio::test]
async fn day_within_the_allowance_is_settled_for_four_write_units() {
    let platform = Platform::open().await;
    platform.add_plan(FIVE_RATES).await;
    platform.register("a", "five-rates").await;
    platform.adopt("a", "20159", 1_000_000_000).await;
    for (day, next) in [("2015-05-01", "2015-05-02"), ("2015-05-02", "2015-05-03")] {
        platform.set(&format!("{day}T20:00"));
        let free = APIS[..2].iter().map(|api| record("a", api, day, 10));
        let sent = report(&format!("r-{day}"), &free.collect::<Vec<_>>());
        assert_eq!(platform.post(&sent).await.status, 200);
        platform.set(&format!("{next}T00:30"));
        let costs = settle_costs(&platform).await;
        assert_eq!(platform.charges("a").await.pop(), Some((day.to_owned(), 0)));
        check_write_units(&format!("settlement of {day}, free"), &costs, 4);
        // A night without usage writes nothing at all.
        assert_eq!(settle_costs(&platform).await.writes(), 0);
    }
    platform.books_balance().await;
}

/// What each of 28 nights costs a provider that calls ten of its hundred APIs a day, each so often.
async fn nights_of_a_hundred_apis(platform: &Platform, calls: u64) -> Vec<Usage> {
    // Two names in five are of rates without an allowance, and each day has two of each rate.
    let groups = ["taobao.trades", "taobao.item", "taobao.logistics", "taobao.refunds", "vas"];
    let name = |n: u64| {
        let (group, n) = (groups[usize::try_from(n % 5).unwrap()], n / 5);
        format!("{group}.{:.<1$}{n:02}", "called", 22 - group.len())
    };
    let mut nights = Vec::new();
    for day in 1..=28_u64 {
        let date = format!("2015-05-{day:02}");
        platform.run_until(&format!("{date}T20:00")).await;
        let records = (0..10).map(|n| record("a", &name((day * 10 + n) % 100), &date, calls));
        let sent = report(&format!("r-{day}"), &records.collect::<Vec<_>>());
        assert_eq!(platform.post(&sent).await.status, 200);
        platform.set(&format!("2015-05-{:02}T00:30", day + 1));
        nights.push(settle_costs(platform).await);
    }
    let (second, last) = (&nights[1], &nights[27]);
    assert_eq!(requests(second), requests(last));
    let [before, after] = [second, last].map(|night| night.total.read.get());
    assert!(after - before < before / Decimal::TEN, "{before} and {after} read units");
    nights
}

/// In the night of the fourth April is closed, and in that of the fifth it is read whole and left.
fn of_the_close(day: u32) -> u32 {
    u32::from([4, 5].contains(&day))
}

#[tokio::test]
async fn night_of_a_provider_of_a_hundred_apis_costs_the_same_on_day_2_and_on_day_28() {
    let platform = Platform::open().await;
    platform.set("2015-05-01T12:00");
    platform.join("a").await;
    let nights = nights_of_a_hundred_apis(&platform, 700).await;
    for (day, costs) in (1..).zip(&nights) {
        check_write_units(&format!("night of day {day}"), costs, 4 + of_the_close(day));
    }
    platform.books_balance().await;
}

#[tokio::test]
async fn night_of_a_provider_of_a_hundred_apis_costs_eleven_write_units_with_a_debit() {
    let platform = Platform::open().await;
    platform.set("2015-05-01T12:00");
    platform.add_plan(FIVE_RATES).await;
    platform.register("a", "five-rates").await;
    platform.adopt("a", "20159", 1_000_000_000).await;
    let nights = nights_of_a_hundred_apis(&platform, 12_345).await;
    for (day, costs) in (1..).zip(&nights) {
        let most = 11 + of_the_close(day);
        check_write_units(&format!("night of day {day}, charged"), costs, most);
    }
    assert!(platform.found("a").await.account.open_debit.is_some());
    platform.books_balance().await;
}

/// What it costs to send and to end the debit that is due at ten on a day: at dispatch, and at
/// work.
async fn debit_costs(platform: &Platform, day: &str) -> [Usage; 2] {
    platform.run_until(&format!("{day}T09:59")).await;
    platform.set(&format!("{day}T10:00"));
    take(platform);
    platform.stack.functions.dispatch.invoke(serde_json::json!({})).await.unwrap();
    let dispatched = take(platform);
    platform.stack.drain().await.unwrap();
    [dispatched, take(platform)]
}

#[tokio::test]
async fn debit_is_dispatched_sent_and_ended_for_twenty_one_write_units() {
    let platform = month_under_way(2).await;
    platform.settle().await;
    let [dispatched, worked] = debit_costs(&platform, "2015-05-03").await;
    assert_eq!(platform.account("a").await, [0, 0, 0]);
    check_write_units("dispatch of a debit", &dispatched, 3);
    check_write_units("a debit that is sent and paid", &worked, 18);
    assert_eq!(requests(&worked), 12);
    // The first sending and the end. The mandate's check is a single write; the breaker is not
    // written.
    assert_eq!(worked.requests["TransactWriteItems"], 2);

    // One that is declined is sent again without a transaction, and given up with one.
    platform.run_until("2015-05-03T20:00").await;
    assert_eq!(platform.post(&five_apis("a", "more", "2015-05-03", 12_345)).await.status, 200);
    platform.stack.alipay.set_funds("a", steelyard_tests::fen(0)).unwrap();
    for (day, most) in [("2015-05-04", 12), ("2015-05-05", 7), ("2015-05-07", 20)] {
        let [dispatched, worked] = debit_costs(&platform, day).await;
        check_write_units(&format!("dispatch on {day}"), &dispatched, 3);
        check_write_units(&format!("a debit that is declined on {day}"), &worked, most);
    }
    assert!(platform.debit("a", 3).await.given_up().is_some());
    platform.books_balance().await;
}

#[tokio::test]
async fn provider_with_nothing_new_costs_one_request_a_run() {
    let mut costs = Vec::new();
    for providers in [10, 11, 40] {
        let platform = Platform::open().await;
        platform.set("2015-05-01T20:00");
        for idle in neighbours("idle").take(providers) {
            platform.join(&idle).await;
        }
        take(&platform);
        platform.settle_at("2015-05-02T00:30").await;
        let usage = take(&platform);
        println!("{providers} idle providers: {} requests", requests(&usage));
        costs.push(requests(&usage));
    }
    assert_eq!([costs[1] - costs[0], costs[2] - costs[0]], [1, 30]);
}
