//! Settlement: days add up to the month, whatever comes late, twice or at the same time.

use futures::future::join;
use serde_json::json;
use steelyard_books::PaidIn;
use steelyard_pricing::LineCause;
use steelyard_tests::{Machine, Platform, fen, neighbours, record, reference, report};

const BASIC: &str = "taobao.trades.sold.get";
const VALUE_ADDED: &str = "vas.insight.get";

/// A platform at noon of the first of May with providers `a` and `b`.
async fn platform() -> Platform {
    let platform = Platform::open().await;
    platform.set("2015-05-01T12:00");
    platform.join("a").await;
    platform.join("b").await;
    platform
}

/// Checks what each of a provider's statements charges, in fen, and that the books balance.
async fn check(platform: &Platform, provider: &str, expected: &[(&str, i64)]) {
    let expected = expected.iter().map(|(id, charge)| ((*id).to_owned(), *charge));
    assert_eq!(platform.charges(provider).await, expected.collect::<Vec<_>>());
    platform.books_balance().await;
}

#[tokio::test]
async fn days_add_up_to_the_month() {
    let platform = platform().await;
    // An eighth of a fen more each day than whole fen: rounding each day would lose it.
    for day in 1..=31_u32 {
        let date = format!("2015-05-{day:02}");
        platform.set(&format!("{date}T20:00"));
        let (basic, value_added) = if day == 1 { (500_000, 100_000) } else { (125, 41) };
        platform.count("a", BASIC, &date, basic).await;
        platform.count("a", VALUE_ADDED, &date, value_added).await;
        platform.run_until(&platform_day(day + 1)).await;
    }
    let statements = platform.statements("a").await;
    assert_eq!(statements.len(), 31);
    assert_eq!(statements[0].charge_fen, fen(0));
    // 30 × 125 × ¥0.0001 + 30 × 41 × ¥0.0003 = ¥0.744.
    assert_eq!(statements[30].rated_yuan.to_string(), "0.744");
    let charged: i64 = statements.iter().map(|statement| statement.charge_fen.get()).sum();
    assert_eq!(charged, 74);
    assert_eq!(platform.account("a").await, [0, 74, 0]);
    assert_eq!(platform.charges("b").await, []);
    platform.books_balance().await;
}

/// One o'clock on a day counted from the first of May.
fn platform_day(day: u32) -> String {
    if day <= 31 { format!("2015-05-{day:02}T01:00") } else { "2015-06-01T01:00".to_owned() }
}

#[tokio::test]
async fn every_unsettled_day_up_to_yesterday_is_settled_at_once() {
    let platform = platform().await;
    platform.set("2015-05-04T12:00");
    for (day, calls) in [("2015-05-01", 600_000), ("2015-05-02", 50_000), ("2015-05-04", 7_000_000)]
    {
        platform.count("a", BASIC, day, calls).await;
    }
    platform.settle().await;
    check(&platform, "a", &[("2015-05-01", 1_000), ("2015-05-02", 500)]).await;
    platform.settle_at("2015-05-05T00:30").await;
    check(&platform, "a", &[("2015-05-01", 1_000), ("2015-05-02", 500), ("2015-05-04", 70_000)])
        .await;
}

#[tokio::test]
async fn settling_twice_changes_nothing() {
    let platform = platform().await;
    platform.count("a", BASIC, "2015-05-01", 1_500_000).await;
    platform.count("b", VALUE_ADDED, "2015-05-01", 200_000).await;
    platform.settle_at("2015-05-02T00:30").await;
    let once = platform.records().await;
    platform.settle().await;
    platform.settle_at("2015-05-02T23:59").await;
    assert_eq!(platform.records().await, once);
    check(&platform, "a", &[("2015-05-01", 10_000)]).await;
    check(&platform, "b", &[("2015-05-01", 3_000)]).await;
}

#[tokio::test]
async fn two_settlers_at_the_same_time_charge_once() {
    for behind in 0..12 {
        let platform = platform().await;
        platform.set("2015-05-03T12:00");
        platform.sign("c", 1_000_000).await;
        for provider in ["a", "c"] {
            platform.count(provider, BASIC, "2015-05-01", 1_500_000).await;
            platform.count(provider, BASIC, "2015-05-02", 1_000_000).await;
        }
        let machines = [Machine::new(&platform, 0), Machine::new(&platform, behind)];
        let [one, two] = machines.each_ref().map(|machine| settle_all(machine, &platform));
        let (one, two) = join(one, two).await;
        assert_eq!(one + two, 4, "{behind} requests behind");
        for provider in ["a", "c"] {
            check(&platform, provider, &[("2015-05-01", 10_000), ("2015-05-02", 10_000)]).await;
        }
        assert_eq!(platform.account("c").await, [0, 20_000, 0]);
        assert_eq!(platform.debits("c").await.len(), 1, "{behind} requests behind");
    }
}

/// Settles the two providers one after the other; returns the number of statements.
async fn settle_all(machine: &Machine, platform: &Platform) -> usize {
    let settler = machine.settler(platform);
    let terms = settler.terms(platform.stack.clock.now()).await.unwrap();
    let mut statements = 0;
    for provider in ["a", "c"] {
        statements += settler.provider(&terms, &provider.parse().unwrap()).await.unwrap().len();
    }
    statements
}

#[tokio::test]
async fn settlement_that_stalls_and_goes_on_later_loses_nothing_and_charges_once() {
    // It reads the plans, the account and the reports, and stores two statements: a free one, for
    // which no money moves, and one of ¥100.00.
    for request in 1..=5 {
        for others_settle in [false, true] {
            let platform = platform().await;
            platform.set("2015-05-02T12:00");
            platform.count("a", BASIC, "2015-05-01", 500_000).await;
            platform.count("a", BASIC, "2015-05-02", 1_000_000).await;
            platform.set("2015-05-03T00:30");
            let slow = Machine::stalling(&platform, request);
            let settler = slow.settler(&platform);
            let now = platform.stack.clock.now();
            let settling = tokio::spawn(async move {
                let terms = settler.terms(now).await.unwrap();
                settler.provider(&terms, &"a".parse().unwrap()).await.unwrap().len()
            });
            slow.stalled().await;
            platform.recharge("a", 12_000, "transfer-1").await;
            if others_settle {
                platform.settle().await;
            }
            platform.recharge("a", 3_000, "transfer-2").await;
            slow.wake();
            let expected = match (others_settle, request) {
                (false, _) => 2,
                (true, 5) => 1,
                (true, _) => 0,
            };
            assert_eq!(settling.await.unwrap(), expected, "stalled before request {request}");
            assert_eq!(platform.account("a").await, [5_000, 0, 0]);
            check(&platform, "a", &[("2015-05-01", 0), ("2015-05-02", 10_000)]).await;
        }
    }
}

#[tokio::test]
async fn settling_and_paying_in_at_the_same_time_keep_both() {
    for behind in 0..8 {
        let platform = platform().await;
        platform.count("a", BASIC, "2015-05-01", 1_500_000).await;
        platform.set("2015-05-02T00:30");
        let machine = Machine::new(&platform, behind);
        let settler = machine.settler(&platform);
        let provider = "a".parse().unwrap();
        let settling = async {
            let terms = settler.terms(platform.stack.clock.now()).await.unwrap();
            settler.provider(&terms, &provider).await.unwrap();
        };
        let payer = Machine::new(&platform, 3);
        join(settling, pay_in(&payer, &platform)).await;
        assert_eq!(platform.account("a").await, [2_000, 0, 0], "{behind} requests behind");
        check(&platform, "a", &[("2015-05-01", 10_000)]).await;
    }
}

/// Pays ¥120.00 in.
async fn pay_in(machine: &Machine, platform: &Platform) {
    let (books, provider) = (machine.books(platform), "a".parse().unwrap());
    let now = platform.stack.clock.now();
    let paid = books.pay_in(&provider, fen(12_000), &reference("transfer-1"), now).await.unwrap();
    assert!(matches!(paid, PaidIn::Now(_)), "{paid:?}");
}

#[tokio::test]
async fn late_usage_is_charged_by_the_next_run_as_late_lines() {
    let platform = platform().await;
    platform.count("a", BASIC, "2015-05-01", 500_000).await;
    platform.settle_at("2015-05-02T00:30").await;
    platform.set("2015-05-02T12:00");
    platform.count("a", BASIC, "2015-05-01", 30_000).await;
    platform.settle_at("2015-05-02T13:00").await;
    check(&platform, "a", &[("2015-05-01", 0)]).await;
    platform.count("a", BASIC, "2015-05-02", 20_000).await;
    platform.settle_at("2015-05-03T00:30").await;
    check(&platform, "a", &[("2015-05-01", 0), ("2015-05-02", 500)]).await;
    let statement = platform.statements("a").await.pop().unwrap();
    let lines =
        statement.lines.iter().map(|line| (line.because == LineCause::Late, line.charge_fen.get()));
    assert_eq!(lines.collect::<Vec<_>>(), [(true, 300), (false, 200)]);
    let changed = statement.changed_days.iter();
    let late = changed.map(|changed| (changed.day.to_string(), json!(changed.late)));
    assert_eq!(late.collect::<Vec<_>>(), [("2015-05-01".to_owned(), json!({ BASIC: 30_000 }))]);
}

#[tokio::test]
async fn late_usage_without_usage_of_its_own_day_is_charged_for_yesterday() {
    let platform = platform().await;
    platform.count("a", BASIC, "2015-05-01", 600_000).await;
    platform.settle_at("2015-05-02T00:30").await;
    platform.count("a", BASIC, "2015-05-01", 100_000).await;
    platform.settle_at("2015-05-04T00:30").await;
    check(&platform, "a", &[("2015-05-01", 1_000), ("2015-05-03", 1_000)]).await;
}

#[tokio::test]
async fn usage_that_comes_after_the_month_ended_is_a_supplement_until_it_closes() {
    let platform = platform().await;
    platform.set("2015-06-01T00:10");
    platform.count("a", BASIC, "2015-05-31", 600_000).await;
    platform.settle_at("2015-06-01T00:30").await;
    platform.set("2015-06-01T12:00");
    platform.count("a", BASIC, "2015-05-20", 10_000).await;
    platform.count("a", BASIC, "2015-06-01", 600_000).await;
    platform.settle_at("2015-06-02T00:30").await;
    platform.set("2015-06-04T23:59:59");
    platform.count("a", BASIC, "2015-05-31", 1_000).await;
    platform.settle_at("2015-06-05T00:30").await;
    let expected =
        [("2015-05-31", 1_000), ("2015-05-31+1", 100), ("2015-05-31+2", 10), ("2015-06-01", 1_000)];
    check(&platform, "a", &expected).await;
    // The month is closed: its progress is forgotten by the next statement, and never charged
    // again.
    let answer = platform.post(&report("late", &[record("a", BASIC, "2015-05-31", 1_000)])).await;
    assert_eq!(answer.status, 422);
    platform.count("a", BASIC, "2015-06-05", 10_000).await;
    platform.settle_at("2015-06-06T00:30").await;
    assert_eq!(platform.found("a").await.account.open_from.to_string(), "2015-06");
    check(&platform, "a", &[&expected[..], &[("2015-06-05", 100)]].concat()).await;
}

#[tokio::test]
async fn month_without_a_statement_is_charged_when_its_first_usage_is_late() {
    let platform = platform().await;
    platform.set("2015-06-02T00:10");
    platform.count("a", BASIC, "2015-06-01", 600_000).await;
    platform.settle_at("2015-06-02T00:30").await;
    platform.count("a", BASIC, "2015-05-07", 700_000).await;
    platform.settle_at("2015-06-03T00:30").await;
    check(&platform, "a", &[("2015-05-31+1", 2_000), ("2015-06-01", 1_000)]).await;
}

#[tokio::test]
async fn provider_without_new_usage_gets_no_statement() {
    let platform = platform().await;
    platform.count("a", BASIC, "2015-05-01", 600_000).await;
    for day in ["2015-05-02", "2015-05-03", "2015-05-04"] {
        platform.settle_at(&format!("{day}T00:30")).await;
    }
    check(&platform, "a", &[("2015-05-01", 1_000)]).await;
    check(&platform, "b", &[]).await;
    assert_eq!(platform.found("b").await.account.version, 0);
}

#[tokio::test]
async fn usage_that_no_rate_covers_is_on_the_statement_and_costs_nothing() {
    let platform = platform().await;
    platform.add_plan(r#"{ "plan": "narrow", "effective_from": "2015-01-01", "rates": [
        { "rate": "trades", "apis": ["taobao.trades.*"], "price": { "model": "per_unit", "unit_price": "0.01" } }] }"#).await;
    platform.register("narrow", "narrow").await;
    platform.count("narrow", BASIC, "2015-05-01", 100).await;
    platform.count("narrow", "taobao.item.get", "2015-05-01", 40).await;
    platform.settle_at("2015-05-02T00:30").await;
    check(&platform, "narrow", &[("2015-05-01", 100)]).await;
    let statement = platform.statements("narrow").await.pop().unwrap();
    let unpriced = statement.unpriced.iter().map(|unpriced| json!(unpriced.apis));
    assert_eq!(unpriced.collect::<Vec<_>>(), [json!({ "taobao.item.get": 40 })]);
}

#[tokio::test]
async fn provider_that_cannot_be_settled_stops_no_other_and_is_settled_when_it_can_be() {
    let platform = platform().await;
    let shard: Vec<String> = neighbours("planless").take(3).collect();
    let [first, planless, last] = [&shard[0], &shard[1], &shard[2]];
    platform.join(first).await;
    platform.register(planless, "plan-to-come").await;
    platform.join(last).await;
    for provider in &shard {
        platform.count(provider, BASIC, "2015-05-01", 600_000).await;
    }
    platform.settle_at("2015-05-02T00:30").await;
    for (provider, charges) in [(first, 1), (planless, 0), (last, 1)] {
        assert_eq!(platform.charges(provider).await.len(), charges, "{provider}");
    }
    // Its message comes again when the queue's visibility timeout is over, and finds the plan.
    platform.add_plan(r#"{ "plan": "plan-to-come", "effective_from": "2015-01-01", "rates": [
        { "rate": "all", "apis": ["*"], "price": { "model": "per_unit", "unit_price": "0.0001" } }] }"#).await;
    platform.stack.drain().await.unwrap();
    assert_eq!(platform.charges(planless).await, []);
    platform.set("2015-05-02T01:01");
    platform.stack.drain().await.unwrap();
    check(&platform, planless, &[("2015-05-01", 6_000)]).await;
    for provider in [first, last] {
        check(&platform, provider, &[("2015-05-01", 1_000)]).await;
    }
    assert_eq!(platform.stack.dead_letters().await.unwrap(), 0);
}

#[tokio::test]
async fn provider_that_can_never_be_settled_ends_as_one_dead_letter_a_run() {
    let platform = platform().await;
    platform.register("planless", "plan-to-come").await;
    platform.count("planless", BASIC, "2015-05-01", 600_000).await;
    platform.settle_at("2015-05-02T00:30").await;
    for time in ["01:01", "01:32", "02:03", "02:34", "03:05"] {
        assert_eq!(platform.stack.dead_letters().await.unwrap(), 0, "{time}");
        platform.set(&format!("2015-05-02T{time}"));
        platform.stack.drain().await.unwrap();
    }
    assert_eq!(platform.stack.dead_letters().await.unwrap(), 1);
    check(&platform, "planless", &[]).await;
}
