//! What is owed is requested, whatever led to that state: a mandate that becomes usable, money that
//! was given back, or a state that an older version left behind.

use serde_json::json;
use steelyard_billing::mandate::MandatePhase;
use steelyard_billing::{DebitId, Phase};
use steelyard_local_alipay::{Fault, Method};
use steelyard_store::schema::registry_shard;
use steelyard_tests::{Machine, Platform, agreement_no, fen, registry_pk};

const BASIC: &str = "taobao.trades.sold.get";

/// A platform on the second of May at noon, where `a` owes ¥100.00, has no mandate, and calls
/// nothing from then on.
async fn owing() -> Platform {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.join("a").await;
    platform.count("a", BASIC, "2015-05-01", 1_500_000).await;
    platform.run_until("2015-05-02T12:00").await;
    check(&platform, [0, 10_000, 0], 0).await;
    assert_eq!(platform.debits("a").await, []);
    platform
}

/// Checks prepaid, receivable and reserved of `a`, what Alipay took under all its agreements, and
/// that the books balance.
async fn check(platform: &Platform, account: [i64; 3], taken: i64) {
    let by_agreement = platform.stack.alipay.taken().unwrap();
    let sum: i64 = by_agreement.values().map(|taken| taken.get()).sum();
    assert_eq!((platform.account("a").await, sum), (account, taken));
    platform.books_balance().await;
    assert_eq!(platform.stack.dead_letters().await.unwrap(), 0);
}

/// Checks that all is withheld on the third of May at ten, and not before.
async fn check_withheld_the_next_day(platform: &Platform) {
    platform.run_until("2015-05-03T09:59").await;
    check(platform, [0, 10_000, 0], 0).await;
    platform.run_until("2015-05-03T10:01").await;
    check(platform, [0, 0, 0], 10_000).await;
    assert_eq!(platform.statements("a").await.len(), 1, "nothing was charged meanwhile");
}

#[tokio::test]
async fn debt_is_withheld_the_day_after_a_mandate_is_adopted() {
    let platform = owing().await;
    platform.adopt("a", &agreement_no("a"), 1_000_000).await;
    assert_eq!(platform.found("a").await.account.open_debit, Some(DebitId(1)));
    check_withheld_the_next_day(&platform).await;
}

#[tokio::test]
async fn debt_is_withheld_the_day_after_a_mandate_is_signed() {
    for is_notified in [true, false] {
        let platform = owing().await;
        if !is_notified {
            platform.lose_notifications();
        }
        let offered = platform.offer_mandate("a").await;
        let number = offered["external_agreement_no"].as_str().unwrap();
        let now = platform.stack.clock.now();
        platform.stack.alipay.sign_agreement(number, "a", fen(1_000_000), now).unwrap();
        check_withheld_the_next_day(&platform).await;
    }
}

#[tokio::test]
async fn debt_is_withheld_the_day_after_a_suspended_mandate_is_resumed_by_a_person() {
    for sub_code in ["ACQ.AGREEMENT_INVALID", "ACQ.BUYER_ENABLE_STATUS_FORBID"] {
        let platform = Platform::open().await;
        platform.set("2015-04-30T20:00");
        platform.sign("a", 1_000_000).await;
        platform.count("a", BASIC, "2015-04-30", 1_500_000).await;
        let refused = Fault::Refused { code: "40004".to_owned(), sub_code: sub_code.to_owned() };
        platform.stack.alipay.fail_next(Method::Pay, refused, 1);
        platform.run_until("2015-05-02T12:00").await;
        assert!(matches!(platform.mandate("a", 1).await.phase, MandatePhase::Suspended { .. }));
        check(&platform, [0, 10_000, 0], 0).await;
        platform.resume("a", 1).await;
        check_withheld_the_next_day(&platform).await;
    }
}

#[tokio::test]
async fn debt_is_withheld_the_day_after_alipay_resumes_an_agreement() {
    let platform = Platform::open().await;
    platform.set("2015-04-30T20:00");
    platform.sign("a", 1_000_000).await;
    platform.count("a", BASIC, "2015-04-30", 1_500_000).await;
    platform.stack.alipay.suspend_agreement(&agreement_no("a")).unwrap();
    platform.run_until("2015-05-02T12:00").await;
    assert!(matches!(platform.mandate("a", 1).await.phase, MandatePhase::Suspended { .. }));
    assert_eq!(platform.debit("a", 1).await.phase, Phase::Withdrawn);
    check(&platform, [0, 10_000, 0], 0).await;
    platform.stack.alipay.resume_agreement(&agreement_no("a")).unwrap();
    check_withheld_the_next_day(&platform).await;
}

#[tokio::test]
async fn debt_of_a_withdrawn_or_given_up_debit_is_withheld_the_day_after_another_mandate() {
    for is_sent in [false, true] {
        let platform = Platform::open().await;
        platform.set("2015-04-30T20:00");
        platform.sign("a", 1_000_000).await;
        platform.count("a", BASIC, "2015-04-30", 1_500_000).await;
        if is_sent {
            platform.stack.alipay.fail_next(Method::Pay, Fault::InsufficientFunds, 1);
        }
        platform.run_until(if is_sent { "2015-05-01T20:00" } else { "2015-05-01T09:00" }).await;
        let now = platform.stack.clock.now();
        platform.stack.alipay.revoke_agreement(&agreement_no("a"), now).unwrap();
        platform.run_until("2015-05-02T12:00").await;
        let before = platform.debit("a", 1).await;
        assert_eq!(before.given_up().is_some(), is_sent);
        check(&platform, [0, 10_000, 0], 0).await;
        platform.adopt("a", "2015another", 1_000_000).await;
        check_withheld_the_next_day(&platform).await;
        assert_eq!(platform.debits("a").await.len(), 2);
    }
}

#[tokio::test]
async fn debt_that_a_reversal_opens_again_is_withheld_without_a_new_charge() {
    for amount in [10_000, 3_000] {
        let platform = owing().await;
        platform.adopt("a", &agreement_no("a"), 1_000_000).await;
        check_withheld_the_next_day(&platform).await;
        let trades = platform.stack.alipay.trades().unwrap();
        platform.set("2015-05-03T20:00");
        let now = platform.stack.clock.now();
        platform.stack.alipay.reverse_trade(&trades[0].out_trade_no, fen(amount), now).unwrap();
        platform.run_until("2015-05-03T23:00").await;
        check(&platform, [0, amount, 0], 10_000 - amount).await;
        platform.run_until("2015-05-04T10:01").await;
        check(&platform, [0, 0, 0], 10_000).await;
        assert_eq!(platform.debits("a").await.len(), 2);
        assert_eq!(platform.statements("a").await.len(), 1);
    }
}

#[tokio::test]
async fn debt_without_an_open_debit_under_a_usable_mandate_gets_one_at_night() {
    // An older version opened no debit when a mandate came into use, and left these states behind.
    for left in ["never a debit", "a debit that was paid"] {
        let platform = owing().await;
        platform.adopt("a", &agreement_no("a"), 1_000_000).await;
        let (debits, night, noon) = match left {
            "never a debit" => (0, "2015-05-03T00:30", "2015-05-03T12:00"),
            _ => {
                platform.run_until("2015-05-03T10:30").await;
                platform.count("a", BASIC, "2015-05-03", 500_000).await;
                platform.run_until("2015-05-04T00:30").await;
                (1, "2015-05-05T00:30", "2015-05-05T12:00")
            }
        };
        let owed = platform.account("a").await[1];
        forget_open_debit(&platform, debits).await;
        assert_eq!(platform.found("a").await.account.open_debit, None, "{left}");
        platform.run_until(night).await;
        assert_eq!(
            platform.found("a").await.account.open_debit,
            Some(DebitId(debits + 1)),
            "{left}"
        );
        platform.run_until(noon).await;
        let taken = if debits == 0 { owed } else { owed + 10_000 };
        check(&platform, [0, 0, 0], taken).await;
    }
}

/// Takes the open debit of `a` away, as if it had never been opened; so many were before it.
async fn forget_open_debit(platform: &Platform, debits: u64) {
    let open = platform.found("a").await.account.open_debit.unwrap();
    let record = json!({
        "pk": { "S": "provider#a" }, "sk": { "S": format!("debit#{:010}", open.0) },
    });
    platform.delete_item(&record).await;
    for mut item in platform.items(&registry_pk("a")).await {
        if item["sk"]["S"] == "a#account" {
            item.as_object_mut().unwrap().remove("open_debit");
            item["debits"] = json!({ "N": debits.to_string() });
            platform.put_item(&item).await;
        }
    }
}

#[tokio::test]
async fn debt_below_the_minimum_is_requested_once_it_reaches_it() {
    let mut platform = Platform::open().await;
    platform.stack.rules.minimum_fen = fen(1_000);
    platform.set("2015-05-01T20:00");
    platform.sign("a", 1_000_000).await;
    let settler = Machine::new(&platform, 0).settler(&platform);
    for (day, night, calls, is_open) in [
        ("2015-05-01", "2015-05-02T00:30", 599_900, false),
        ("2015-05-02", "2015-05-03T00:30", 100, true),
    ] {
        platform.count("a", BASIC, day, calls).await;
        platform.set(night);
        let terms = settler.terms(platform.stack.clock.now()).await.unwrap();
        settler.provider(&terms, &"a".parse().unwrap()).await.unwrap();
        assert_eq!(platform.found("a").await.account.open_debit.is_some(), is_open, "{night}");
    }
    platform.run_until("2015-05-03T12:00").await;
    check(&platform, [0, 0, 0], 1_000).await;
}

/// Makes items with such a part of their key unreadable, by a format that nobody here knows.
async fn make_unreadable(platform: &Platform, table: &str, (part, value): (&str, &str)) {
    let items = platform.scan(table).await;
    let items: Vec<_> = items.into_iter().filter(|item| item[part]["S"] == value).collect();
    assert!(!items.is_empty(), "{value}");
    for mut item in items {
        item["format"] = json!({ "N": "99" });
        platform.put_item_into(table, &item).await;
    }
}

#[tokio::test]
async fn debt_of_a_provider_that_cannot_be_settled_is_withheld_all_the_same() {
    for (table, key) in
        [("steelyard-billing", ("pk", "plans")), ("steelyard-usage", ("sk", "registration"))]
    {
        let platform = owing().await;
        platform.adopt("a", &agreement_no("a"), 1_000_000).await;
        platform.run_until("2015-05-03T20:00").await;
        check(&platform, [0, 0, 0], 10_000).await;
        let (trades, now) = (platform.stack.alipay.trades().unwrap(), platform.stack.clock.now());
        platform.stack.alipay.reverse_trade(&trades[0].out_trade_no, fen(10_000), now).unwrap();
        platform.run_until("2015-05-03T21:00").await;
        assert_eq!(platform.account("a").await, [0, 10_000, 0]);
        make_unreadable(&platform, table, key).await;
        platform.run_until("2015-05-04T12:00").await;
        assert_eq!(platform.account("a").await, [0, 0, 0], "{key:?}");
    }
}

#[tokio::test]
async fn provider_that_owes_enough_and_cannot_be_debited_is_counted_each_night() {
    // No mandate; and one whose limit is below the least debit.
    for limit in [None, Some(900)] {
        let mut platform = Platform::open().await;
        platform.stack.rules.minimum_fen = fen(1_000);
        platform.set("2015-05-01T20:00");
        match limit {
            None => platform.join("a").await,
            Some(limit) => platform.sign_up_to("a", 1_000_000, limit).await,
        }
        platform.count("a", BASIC, "2015-05-01", 1_500_000).await;
        let settler = Machine::new(&platform, 0).settler(&platform);
        let mut nights = Vec::new();
        for night in ["2015-05-02T00:30", "2015-05-03T00:30"] {
            platform.set(night);
            let terms = settler.terms(platform.stack.clock.now()).await.unwrap();
            let (run, _) = settler.begin_run(platform.stack.clock.now()).await.unwrap();
            let shard = registry_shard(&"a".parse().unwrap());
            let mut walk = settler.walk(&terms, run.number, shard, || true).await.unwrap().unwrap();
            nights.push(walk.page().await.unwrap().census.impossible);
        }
        assert_eq!(platform.account("a").await, [0, 10_000, 0]);
        assert_eq!(nights, [1, 1], "{limit:?}");
    }
}
