//! A row or a record that cannot be read: it fails alone and by name, and everything else of the
//! day proceeds.

use steelyard_billing::FindingKind;
use steelyard_local_alipay::{Fault, Method};
use steelyard_store::schema::bill_part;
use steelyard_tests::{Platform, registry_pk};

use super::*;

#[tokio::test]
async fn unreadable_row_is_a_finding_and_the_other_rows_match() {
    let platform = a_day_of_all().await;
    platform.stack.alipay.fail_next(Method::Bill, Fault::BillUnreadableRow, 1);
    platform.run_until("2015-05-03T10:30").await;
    let (counts, findings) = told(&platform, DAY).await;
    assert_eq!(counts, [3, 3, 1]);
    assert_eq!(findings, [(FindingKind::Unreadable, None, None)]);
    assert_eq!(stored(&platform, DAY).await.unwrap().unreadable_rows, 1);
    let [found] = &platform.stack.tables.billing.findings().await.unwrap().readable[..] else {
        panic!("not one finding")
    };
    // What can be read of the row says which trade it is about.
    assert_eq!(found.finding.out_trade_no, platform.trade_number("a", DEBIT).await);
    // The mended bill shows what it was, and the person who looked closes the finding.
    reconcile_day(&platform, DAY).await.unwrap();
    assert_eq!(told(&platform, DAY).await.0, [4, 4, 0]);
    assert_eq!(unmatched(&platform).await, Vec::<i64>::new());
}

#[tokio::test]
async fn unreadable_rows_of_two_days_are_two_findings_however_often_their_bills_are_read() {
    let platform = indebted().await;
    platform.run_until("2015-05-03T09:00").await;
    platform.paid_recharge("a", "20.00").await;
    for day in [DAY, DAY, NEXT_DAY, NEXT_DAY] {
        platform.run_until(if day == DAY { "2015-05-03T10:29" } else { "2015-05-04T10:29" }).await;
        platform.set(if day == DAY { "2015-05-03T10:29:30" } else { "2015-05-04T10:29:30" });
        platform.stack.alipay.fail_next(Method::Bill, Fault::BillUnreadableRow, 1);
        reconcile_day(&platform, day).await.unwrap();
        assert_eq!(stored(&platform, day).await.unwrap().unreadable_rows, 1, "{day}");
    }
    let findings = platform.stack.tables.billing.findings().await.unwrap().readable;
    let unreadable = findings.iter().filter(|of| of.finding.kind == FindingKind::Unreadable);
    let first_days = unreadable.map(|of| of.first_day.to_string()).collect::<Vec<_>>();
    assert_eq!(sorted(&first_days.join("\n")), [DAY, NEXT_DAY]);
}

/// The only item of a partition whose sort key ends so.
async fn item(platform: &Platform, pk: &str, end: &str) -> Value {
    let mut items = platform.items(pk).await;
    items.retain(|item| item["sk"]["S"].as_str().unwrap().ends_with(end));
    let [item] = items.try_into().unwrap();
    item
}

/// The item as a newer version of Steelyard would store it, which this one cannot read.
fn newer(item: &Value) -> Value {
    let mut newer = item.clone();
    newer["format"] = json!({ "N": "99" });
    newer
}

#[tokio::test]
async fn unreadable_item_of_what_is_expected_fails_alone_until_a_person_skips_it() {
    let platform = a_day_of_all().await;
    let trade = platform.trade_number("a", DEBIT).await;
    let pk = format!("unmatched#{:02}", bill_part(&trade));
    let expected = item(&platform, &pk, &trade).await;
    platform.put_item(&newer(&expected)).await;
    platform.run_until("2015-05-03T10:30").await;
    // The row is found in the debit's own record.
    assert_eq!(told(&platform, DAY).await, all_match(4));
    assert_eq!(unmatched(&platform).await, Vec::<i64>::new());
    let day = platform.stack.tables.billing.unmatched().await.unwrap();
    let [unreadable] = &day.unreadable[..] else { panic!("{:?}", day.unreadable) };
    let sk = expected["sk"]["S"].as_str().unwrap();
    assert_eq!((&*unreadable.pk, &*unreadable.sk), (&*pk, sk));
    assert_eq!(unreadable.skipped, None);

    let billing = &platform.stack.tables.billing;
    billing.skip_item(&pk, sk, "the debit's record has it").await.unwrap();
    let day = platform.stack.tables.billing.unmatched().await.unwrap();
    assert_eq!(day.unreadable[0].skipped.as_deref(), Some("the debit's record has it"));
    // Mended, it is matched by the next bill that shows it.
    platform.put_item(&expected).await;
    reconcile_day(&platform, DAY).await.unwrap();
    assert_eq!(platform.items(&pk).await, Vec::<Value>::new());
}

/// Three providers whose payments only the bill shows, at half past ten on the day after.
async fn lost_payments() -> Platform {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.lose_notifications();
    platform.stack.alipay.fail_next(Method::Query, Fault::SystemErrorBeforeEffect, ALL);
    for provider in ["a", "b", "c"] {
        platform.join(provider).await;
        platform.paid_recharge(provider, "20.00").await;
    }
    platform.run_until("2015-05-02T10:29").await;
    platform.set("2015-05-02T10:30");
    platform
}

async fn prepaid(platform: &Platform) -> [i64; 3] {
    let accounts = ["a", "b", "c"].map(|provider| platform.account(provider));
    let accounts = futures::future::join_all(accounts).await;
    accounts.iter().map(|account| account[0]).collect::<Vec<_>>().try_into().unwrap()
}

#[tokio::test]
async fn row_of_a_record_that_cannot_be_read_fails_alone_and_is_booked_once_the_record_is_mended() {
    // The trade itself, or the account that it would be credited to.
    for (end, named) in [("recharge#0000000001", "provider#b"), ("b#account", "shard#")] {
        let platform = lost_payments().await;
        let pk = match named {
            "provider#b" => named.to_owned(),
            _ => registry_pk("b"),
        };
        let record = item(&platform, &pk, end).await;
        platform.put_item(&newer(&record)).await;
        assert_eq!(reconciled(&platform).await, days(&[], &["2015-05-01"]));
        let (_, why) = failures(&platform).await.unwrap().remove(0);
        assert!(why.starts_with("cannot book 1 rows of the bill of 2015-05-01"), "{why}");
        assert!(why.contains(named), "{why}");
        assert_eq!(stored(&platform, "2015-05-01").await, None, "{named}");
        platform.put_item(&record).await;
        assert_eq!(prepaid(&platform).await, [2_000, 0, 2_000], "the others are booked");
        assert_eq!(reconciled(&platform).await, days(&["2015-05-01"], &[]));
        assert_eq!(prepaid(&platform).await, [2_000, 2_000, 2_000]);
        assert_eq!(told(&platform, "2015-05-01").await.0, [3, 3, 0]);
        assert_eq!(unmatched(&platform).await, Vec::<i64>::new());
        platform.books_balance().await;
    }
}
