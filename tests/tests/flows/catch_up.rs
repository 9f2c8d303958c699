//! Collection that fell behind catches up: the next debit takes what is owed when it is sent, and
//! further ones follow on the same day, as far as the mandate's limits go.

use std::collections::{BTreeMap, BTreeSet};

use steelyard_billing::Phase;
use steelyard_local_alipay::TradeStatus;
use steelyard_tests::{Platform, fen};

const BASIC: &str = "taobao.trades.sold.get";

/// A platform on the evening of the first of May, where `a` signed, with these funds, and used what
/// costs ¥100.00.
async fn used(funds: i64) -> Platform {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.sign("a", funds).await;
    platform.count("a", BASIC, "2015-05-01", 1_500_000).await;
    platform
}

/// Checks prepaid, receivable and reserved of `a` and what was taken from it, and that the books
/// balance.
async fn check(platform: &Platform, account: [i64; 3], taken: i64) {
    assert_eq!((platform.account("a").await, platform.taken("a")), (account, taken));
    platform.books_balance().await;
}

/// The trades that took money, in the order of their debits: the amount, and the days that the
/// subject names. Checks that no two subjects are the same.
fn paid(platform: &Platform) -> Vec<(i64, String)> {
    let trades = platform.stack.alipay.trades().unwrap();
    let subjects: BTreeSet<_> = trades.iter().map(|trade| &trade.subject).collect();
    assert_eq!(subjects.len(), trades.len(), "{subjects:?}");
    let mut paid = BTreeMap::new();
    for trade in trades.iter().filter(|trade| trade.status == TradeStatus::TradeSuccess) {
        let named = trade.subject.strip_prefix("API service fee ").unwrap();
        let (days, debit) = named.split_once(", no. ").unwrap();
        let debit: u64 = debit.parse().unwrap();
        paid.insert(debit, (trade.amount_fen.get(), days.to_owned()));
    }
    paid.into_values().collect()
}

fn expected(trades: &[(i64, &str)]) -> Vec<(i64, String)> {
    trades.iter().map(|(amount, days)| (*amount, (*days).to_owned())).collect()
}

#[tokio::test]
async fn charge_of_the_night_after_a_decline_is_withheld_on_the_day_of_the_retry() {
    let platform = used(9_999).await;
    platform.run_until("2015-05-02T20:00").await;
    check(&platform, [0, 10_000, 10_000], 0).await;
    platform.count("a", BASIC, "2015-05-02", 500_000).await;
    platform.stack.alipay.set_funds("a", fen(1_000_000)).unwrap();
    platform.run_until("2015-05-03T10:05").await;
    check(&platform, [0, 0, 0], 15_000).await;
    // The amount of the declined debit is fixed; the rest follows at once.
    assert_eq!(paid(&platform), expected(&[(10_000, "2015-05-01"), (5_000, "2015-05-02")]));
}

#[tokio::test]
async fn charges_of_all_nights_up_to_the_last_retry_are_withheld_on_its_day() {
    let platform = used(0).await;
    for (day, calls) in [("2015-05-02", 100_000), ("2015-05-03", 200_000), ("2015-05-04", 300_000)]
    {
        platform.run_until(&format!("{day}T20:00")).await;
        platform.count("a", BASIC, day, calls).await;
    }
    platform.stack.alipay.set_funds("a", fen(1_000_000)).unwrap();
    platform.run_until("2015-05-05T10:05").await;
    check(&platform, [0, 0, 0], 16_000).await;
    let days = [(10_000, "2015-05-01"), (6_000, "2015-05-02 to 2015-05-04")];
    assert_eq!(paid(&platform), expected(&days));
}

#[tokio::test]
async fn debit_that_was_not_sent_for_a_day_takes_the_charge_of_the_later_night_too() {
    for misses_settlement in [false, true] {
        let platform = used(1_000_000).await;
        if misses_settlement {
            platform.set("2015-05-02T00:31");
        } else {
            platform.settle_at("2015-05-02T00:30").await;
        }
        // Dispatch does not run on the second of May.
        platform.set("2015-05-02T20:00");
        platform.count("a", BASIC, "2015-05-02", 500_000).await;
        platform.settle_at("2015-05-03T00:30").await;
        check(&platform, [0, 15_000, 0], 0).await;
        platform.run_until("2015-05-03T10:05").await;
        check(&platform, [0, 0, 0], 15_000).await;
        assert_eq!(paid(&platform), expected(&[(15_000, "2015-05-01 to 2015-05-02")]));
        assert_eq!(platform.debits("a").await.len(), 1, "{misses_settlement}");
    }
}

#[tokio::test]
async fn charge_above_the_single_limit_is_withheld_on_its_day_every_day() {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.sign_up_to("a", 1_000_000, 1_000).await;
    // The first 500,000 calls are free; 250,000 cost ¥25.00.
    platform.count("a", BASIC, "2015-05-01", 500_000).await;
    let days = ["2015-05-01", "2015-05-02", "2015-05-03", "2015-05-04"];
    let mut all = Vec::new();
    for (number, day) in (1..).zip(days) {
        platform.run_until(&format!("{day}T20:00")).await;
        platform.count("a", BASIC, day, 250_000).await;
        let next_morning = format!("2015-05-{:02}T10:05", number + 1);
        platform.run_until(&next_morning).await;
        check(&platform, [0, 0, 0], 2_500 * number).await;
        all.extend([(1_000, day), (1_000, day), (500, day)]);
    }
    assert_eq!(paid(&platform), expected(&all));
}

#[tokio::test]
async fn daily_limit_holds_a_debit_back_and_the_next_days_catch_up() {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.join("a").await;
    platform.adopt_within("a", 1_000_000, [1_000, 2_500]).await;
    // ¥70.00.
    platform.count("a", BASIC, "2015-05-01", 1_200_000).await;
    for (noon, owed) in
        [("2015-05-02T12:00", 4_500), ("2015-05-03T12:00", 2_000), ("2015-05-04T12:00", 0)]
    {
        platform.run_until(noon).await;
        check(&platform, [0, owed, 0], 7_000 - owed).await;
        let held_back = platform.debits("a").await.pop().unwrap();
        if owed > 0 {
            assert_eq!((&held_back.phase, held_back.terms), (&Phase::Due, None), "{noon}");
        }
    }
    let day = "2015-05-01";
    let amounts = [1_000, 1_000, 500, 1_000, 1_000, 500, 1_000, 1_000];
    assert_eq!(paid(&platform), expected(&amounts.map(|amount| (amount, day))));
    // The second debit of the last day was the last: nothing waits.
    platform.run_until("2015-05-06T12:00").await;
    check(&platform, [0, 0, 0], 7_000).await;
}

#[tokio::test]
async fn money_that_is_paid_in_while_a_daily_limit_holds_a_debit_back_is_not_withheld_again() {
    for (paid_in, prepaid, withdrawn) in [(4_500, 0, true), (6_000, 1_500, true), (1_500, 0, false)]
    {
        let platform = Platform::open().await;
        platform.set("2015-05-01T20:00");
        platform.join("a").await;
        platform.adopt_within("a", 1_000_000, [2_500, 2_500]).await;
        platform.count("a", BASIC, "2015-05-01", 1_200_000).await;
        platform.run_until("2015-05-02T12:00").await;
        check(&platform, [0, 4_500, 0], 2_500).await;
        platform.recharge("a", paid_in, "transfer-1").await;
        platform.run_until("2015-05-06T12:00").await;
        check(&platform, [prepaid, 0, 0], 7_000 - (paid_in - prepaid)).await;
        let last = platform.debits("a").await.pop().unwrap();
        assert_eq!(last.phase == Phase::Withdrawn, withdrawn, "{paid_in}");
    }
}

#[tokio::test]
async fn debit_declined_on_one_day_counts_for_the_limit_of_the_day_on_which_it_is_paid() {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.join("a").await;
    platform.adopt_within("a", 0, [2_000, 3_000]).await;
    platform.count("a", BASIC, "2015-05-01", 1_200_000).await;
    platform.run_until("2015-05-02T12:00").await;
    check(&platform, [0, 7_000, 2_000], 0).await;
    platform.stack.alipay.set_funds("a", fen(1_000_000)).unwrap();
    platform.run_until("2015-05-03T12:00").await;
    check(&platform, [0, 4_000, 0], 3_000).await;
    platform.run_until("2015-05-04T12:00").await;
    check(&platform, [0, 1_000, 0], 6_000).await;
    platform.run_until("2015-05-05T12:00").await;
    check(&platform, [0, 0, 0], 7_000).await;
}
