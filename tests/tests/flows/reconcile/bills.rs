//! A bill that is missing, broken, early, or of another kind. It proves nothing of its day and
//! holds up no other.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use steelyard_billing::{FindingKind, RechargeId};
use steelyard_local_alipay::{Fault, Method};
use steelyard_tests::{Platform, fen, reason};

use super::*;

/// A platform at half past ten on the third of May, where all of the first of May is done: ¥100.00
/// were withheld on the second, and the books expect its bill to show them.
async fn expecting() -> Platform {
    let platform = indebted().await;
    platform.run_until("2015-05-03T09:00").await;
    platform.set("2015-05-03T10:30");
    assert_eq!(unmatched(&platform).await, [10_000]);
    platform
}

/// Lets the requests for bills meet these faults, in order.
fn fail_bills(platform: &Platform, faults: impl IntoIterator<Item = Fault>) {
    for fault in faults {
        platform.stack.alipay.fail_next(Method::Bill, fault, 1);
    }
}

/// Reconciles what is due. Gives the days that failed, each with the reason.
async fn failing(platform: &Platform) -> Vec<(String, String)> {
    reconciled(platform).await;
    failures(platform).await.unwrap()
}

/// Every difference that was ever reported, and whether it is open.
async fn findings(platform: &Platform) -> Vec<(FindingKind, bool)> {
    let findings = platform.stack.tables.billing.findings().await.unwrap().readable;
    findings.iter().map(|of| (of.finding.kind, of.closed.is_none())).collect()
}

#[tokio::test]
async fn missing_bill_of_a_day_that_must_have_rows_is_an_error_each_day_until_the_bill_appears() {
    for [trades, ledger] in [
        ["BILL_NOT_EXIST", "BILL_NOT_EXIST"],
        ["NO_BILL_DATA", "NO_BILL_DATA"],
        ["TYPE_NOT_SUPPORTED", "BILL_NOT_EXIST"],
        ["BILL_NOT_EXIST", "TYPE_NOT_SUPPORTED"],
    ] {
        let platform = expecting().await;
        for day in ["03", "04", "05"] {
            platform.set(&format!("2015-05-{day}T10:30"));
            fail_bills(&platform, [refused(trades), refused(ledger)]);
            let missing =
                "there is no bill of 2015-05-02, though the books expect it to show 1 movements";
            assert_eq!(failing(&platform).await, [(DAY.to_owned(), missing.to_owned())]);
            assert_eq!(stored(&platform, DAY).await, None, "{trades} {ledger}");
            assert_eq!(unmatched(&platform).await, [10_000]);
        }
        // The days after it are done; nothing was concluded from the bill that is missing.
        assert_eq!(told(&platform, NEXT_DAY).await, all_match(0));
        assert_eq!(told(&platform, "2015-05-04").await, all_match(0));
        assert_eq!(findings(&platform).await, []);
        platform.set("2015-05-06T10:30");
        assert_eq!(reconciled(&platform).await, days(&[DAY, "2015-05-05"], &[]));
        assert_eq!(told(&platform, DAY).await, all_match(1));
        assert_eq!(unmatched(&platform).await, Vec::<i64>::new());
        assert_eq!(findings(&platform).await, []);
        check(&platform, [0, 0, 0], 10_000).await;
    }
}

#[tokio::test]
async fn missing_bill_of_a_day_on_which_money_was_only_given_back_is_an_error_too() {
    let platform = indebted().await;
    platform.run_until("2015-05-03T12:00").await;
    assert_eq!(told(&platform, DAY).await, all_match(1));
    ask_for_refund(&platform, "F1", 500).await;
    reverse(&platform, 1_000).await;
    platform.run_until("2015-05-03T13:00").await;
    assert_eq!(unmatched(&platform).await, [-500, -1_000]);
    platform.set("2015-05-04T10:30");
    fail_bills(&platform, [refused("BILL_NOT_EXIST"), refused("BILL_NOT_EXIST")]);
    let failed = failing(&platform).await;
    let [(day, why)] = &failed[..] else { panic!("{failed:?}") };
    assert_eq!(day, NEXT_DAY);
    assert!(why.ends_with("expect it to show 2 movements"), "{why}");
    platform.set("2015-05-05T10:30");
    assert_eq!(reconciled(&platform).await, days(&[NEXT_DAY, "2015-05-04"], &[]));
    assert_eq!(told(&platform, NEXT_DAY).await, all_match(2));
    assert_eq!(findings(&platform).await, []);
}

#[tokio::test]
async fn ledger_shows_what_the_missing_bill_of_trades_does_not() {
    let platform = expecting().await;
    fail_bills(&platform, [refused("BILL_NOT_EXIST")]);
    assert_eq!(reconciled(&platform).await, days(&[DAY], &[]));
    assert_eq!(told(&platform, DAY).await, all_match(1));
    assert_eq!(stored(&platform, DAY).await.unwrap().bill.unwrap().kind, "signcustomer");
}

#[tokio::test]
async fn nothing_is_only_ours_before_the_bills_of_its_own_day_and_of_the_next_are_read() {
    let ours = (FindingKind::OursOnly, true);
    // Its own bill is not read, and the next is.
    let platform = expecting().await;
    fail_bills(&platform, [Fault::BillBroken]);
    assert_eq!(reconciled(&platform).await, days(&[], &[DAY]));
    platform.paid_recharge("a", "20.00").await;
    platform.run_until("2015-05-04T10:29").await;
    platform.set("2015-05-04T10:30");
    fail_bills(&platform, [Fault::BillBroken]);
    assert_eq!(reconciled(&platform).await, days(&[NEXT_DAY], &[DAY]));
    assert_eq!(told(&platform, NEXT_DAY).await, all_match(1));
    assert_eq!(findings(&platform).await, []);
    fail_bills(&platform, [Fault::BillRowMissing]);
    assert_eq!(reconciled(&platform).await, days(&[DAY], &[]));
    assert_eq!(findings(&platform).await, [ours], "now both are read");

    // Its own bill is read without it, and the next is not read: it is broken, or missing.
    let missing = vec![refused("BILL_NOT_EXIST"), refused("NO_BILL_DATA")];
    for faults in [vec![Fault::BillBroken], missing] {
        let platform = expecting().await;
        fail_bills(&platform, [Fault::BillRowMissing]);
        assert_eq!(reconciled(&platform).await, days(&[DAY], &[]));
        assert_eq!(told(&platform, DAY).await, ([0, 0, 1], vec![]));
        platform.paid_recharge("a", "20.00").await;
        platform.run_until("2015-05-04T10:29").await;
        for time in ["2015-05-04T10:30", "2015-05-05T10:30"] {
            platform.set(time);
            fail_bills(&platform, faults.clone());
            let [_, failed] = reconciled(&platform).await;
            assert_eq!(failed, [NEXT_DAY]);
            assert_eq!(findings(&platform).await, []);
        }
        assert_eq!(reconciled(&platform).await, days(&[NEXT_DAY], &[]));
        assert_eq!(findings(&platform).await, [ours], "now both are read");
    }
}

#[tokio::test]
async fn what_the_bill_of_its_day_does_not_show_is_expected_of_the_next_that_may_not_be_missing() {
    let platform = expecting().await;
    fail_bills(&platform, [Fault::BillRowMissing]);
    assert_eq!(reconciled(&platform).await, days(&[DAY], &[]));
    // Nothing else moves on the next day, of which there is no bill.
    for time in ["2015-05-04T10:30", "2015-05-05T10:30"] {
        platform.set(time);
        let missing =
            "there is no bill of 2015-05-03, though the books expect it to show 1 movements";
        assert_eq!(failing(&platform).await, [(NEXT_DAY.to_owned(), missing.to_owned())]);
    }
    assert_eq!((findings(&platform).await, unmatched(&platform).await), (vec![], vec![10_000]));
    // A person who skips the day lets go of what is of that day. What is left of the day before is
    // only ours, as no bill will still show it.
    skip(&platform, NEXT_DAY).await;
    platform.set("2015-05-06T10:30");
    assert_eq!(reconciled(&platform).await, days(&["2015-05-05"], &[]));
    assert_eq!(findings(&platform).await, [(FindingKind::OursOnly, true)]);
    // The right bill of its own day comes later.
    reconcile_day(&platform, DAY).await.unwrap();
    assert_eq!(told(&platform, DAY).await, all_match(1));
    assert_eq!(findings(&platform).await, [(FindingKind::OursOnly, false)]);
    assert_eq!(unmatched(&platform).await, Vec::<i64>::new());
    check(&platform, [0, 0, 0], 10_000).await;
}

/// A person skips a day.
async fn skip(platform: &Platform, day: &str) {
    let (why, now) = (reason("Alipay has no such file"), platform.stack.clock.now());
    platform.books().skip_day(day.parse().unwrap(), why, now).await.unwrap();
}

#[tokio::test]
async fn broken_bill_holds_up_no_other_day_and_is_done_once_it_is_mended() {
    let platform = expecting().await;
    for (day, done) in [("03", &[][..]), ("04", &[NEXT_DAY]), ("05", &["2015-05-04"])] {
        platform.run_until(&format!("2015-05-{day}T10:29")).await;
        platform.set(&format!("2015-05-{day}T10:30"));
        fail_bills(&platform, [Fault::BillBroken]);
        assert_eq!(reconciled(&platform).await, days(done, &[DAY]));
        platform.paid_recharge("a", "20.00").await;
    }
    assert_eq!(told(&platform, NEXT_DAY).await, all_match(1));
    assert_eq!(told(&platform, "2015-05-04").await, all_match(1));
    platform.run_until("2015-05-06T10:29").await;
    platform.set("2015-05-06T10:30");
    assert_eq!(reconciled(&platform).await, days(&[DAY, "2015-05-05"], &[]));
    assert_eq!(told(&platform, DAY).await, all_match(1));
    assert_eq!((findings(&platform).await, unmatched(&platform).await), (vec![], vec![]));
    check(&platform, [6_000, 0, 0], 10_000).await;
}

#[tokio::test]
async fn broken_bill_is_kept_as_it_came_and_named_by_the_error() {
    let platform = expecting().await;
    fail_bills(&platform, [Fault::BillBroken]);
    let failed = failing(&platform).await;
    let [(_, why)] = &failed[..] else { panic!("{failed:?}") };
    assert!(why.starts_with("cannot read the bill of 2015-05-02: "), "{why}");
}

#[tokio::test]
async fn day_whose_bill_cannot_be_read_is_skipped_with_a_reason_and_may_still_be_done() {
    let platform = expecting().await;
    fail_bills(&platform, [Fault::BillBroken]);
    assert_eq!(reconciled(&platform).await, days(&[], &[DAY]));
    skip(&platform, DAY).await;
    for time in ["2015-05-04T10:30", "2015-05-05T10:30"] {
        platform.set(time);
        let [_, failed] = reconciled(&platform).await;
        assert_eq!(failed, Vec::<String>::new(), "it is reported no more");
    }
    let skipped = stored(&platform, DAY).await.unwrap();
    assert_eq!((skipped.skipped, skipped.bill), (Some(reason("Alipay has no such file")), None));
    // Nothing is concluded from the bill that nobody read, and no later bill has to show its rows.
    assert_eq!((findings(&platform).await, unmatched(&platform).await), (vec![], vec![]));
    reconcile_day(&platform, DAY).await.unwrap();
    assert_eq!(told(&platform, DAY).await, all_match(1));
    assert_eq!(stored(&platform, DAY).await.unwrap().skipped, None);
    assert_eq!(unmatched(&platform).await, Vec::<i64>::new());
}

/// Neither a bill of trades nor a ledger.
fn no_bill() -> [Fault; 2] {
    [refused("isp.bill_not_exist"), refused("isp.bill_not_exist")]
}

/// A platform where `a` paid ¥20.00 in advance on the first of May, and our books do not know it.
async fn paid_unseen() -> Platform {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.join("a").await;
    platform.lose_notifications();
    platform.stack.alipay.fail_next(Method::Query, Fault::SystemErrorBeforeEffect, ALL);
    platform.paid_recharge("a", "20.00").await;
    platform.run_until("2015-05-02T10:29").await;
    platform
}

/// The clock of the machine that registered the first provider was a month ahead.
#[tokio::test]
async fn registration_by_a_clock_that_is_ahead_holds_up_no_bill() {
    let platform = Platform::open().await;
    platform.set("2015-06-03T20:00");
    platform.join("a").await;
    for (time, day) in [("2015-05-02T10:30", "2015-05-01"), ("2015-05-03T10:30", DAY)] {
        platform.set(time);
        assert_eq!(reconciled(&platform).await, days(&[day], &[]));
    }
}

#[tokio::test]
async fn first_day_of_all_that_fails_is_tried_again_though_the_books_expect_nothing_of_it() {
    // Only the bill of the first of May has the payment.
    for faults in [vec![Fault::BillBroken], vec![Fault::Garbage]] {
        let platform = paid_unseen().await;
        for (time, done) in [
            ("2015-05-02T10:30", &[][..]),
            ("2015-05-03T10:30", &[DAY]),
            ("2015-05-04T10:30", &[NEXT_DAY]),
        ] {
            platform.set(time);
            fail_bills(&platform, faults.clone());
            assert_eq!(reconciled(&platform).await, days(done, &["2015-05-01"]));
        }
        assert_eq!(platform.account("a").await, [0, 0, 0]);
        assert_eq!(reconciled(&platform).await, days(&["2015-05-01"], &[]));
        let found = one_found(FindingKind::FoundPayment, 2_000);
        assert_eq!(told(&platform, "2015-05-01").await, found);
        assert_eq!(platform.account("a").await, [2_000, 0, 0]);
    }
}

/// The books did not know of the payment, so that the day passed for one without trades.
#[tokio::test]
async fn bill_that_comes_after_its_day_was_reconciled_without_one_is_read() {
    let platform = paid_unseen().await;
    platform.set("2015-05-02T10:30");
    fail_bills(&platform, no_bill());
    assert_eq!(reconciled(&platform).await, days(&["2015-05-01"], &[]));
    // The next day has none either, and a late bill that cannot be had is no failure.
    platform.set("2015-05-03T10:30");
    let broken = [Fault::SystemErrorBeforeEffect];
    fail_bills(&platform, no_bill().into_iter().chain(broken));
    assert_eq!(reconciled(&platform).await, days(&[DAY], &[]));
    assert_eq!(platform.account("a").await, [0, 0, 0]);
    platform.set("2015-05-04T10:30");
    assert_eq!(reconciled(&platform).await, days(&[NEXT_DAY], &[]));
    let found = one_found(FindingKind::FoundPayment, 2_000);
    assert_eq!(told(&platform, "2015-05-01").await, found);
    assert_eq!(platform.account("a").await, [2_000, 0, 0]);
    platform.books_balance().await;
}

/// The payment, and that a part of it was given back a day later, are on two bills.
#[tokio::test]
async fn money_that_was_given_back_waits_for_the_bill_of_its_payment() {
    let first = "2015-05-01";
    for (is_late, faults) in [(true, no_bill().to_vec()), (false, vec![Fault::BillBroken])] {
        let platform = paid_unseen().await;
        platform.set("2015-05-02T10:30");
        fail_bills(&platform, faults);
        let [done, failed] = if is_late { [&[first][..], &[]] } else { [&[][..], &[first]] };
        assert_eq!(reconciled(&platform).await, days(done, failed));
        let recharge = platform.trade_number("a", TradeOf::Recharge(RechargeId(1))).await;
        let now = platform.stack.clock.now();
        platform.stack.alipay.reverse_trade(&recharge, fen(500), now).unwrap();

        platform.set("2015-05-03T10:30");
        if !is_late {
            fail_bills(&platform, [Fault::BillBroken]);
        }
        let failed = if is_late { vec![DAY] } else { vec![first, DAY] };
        assert_eq!(reconciled(&platform).await, days(&[], &failed));
        let (_, why) = failures(&platform).await.unwrap().pop().unwrap();
        assert!(why.contains("an earlier bill that may show it is still to be read"), "{why}");
        platform.set("2015-05-04T10:30");
        assert_eq!(reconciled(&platform).await[1], Vec::<String>::new());
        assert_eq!(told(&platform, first).await, one_found(FindingKind::FoundPayment, 2_000));
        assert_eq!(told(&platform, DAY).await, one_found(FindingKind::FoundReversal, -500));
        assert_eq!((findings(&platform).await, unmatched(&platform).await), (vec![], vec![]));
        assert_eq!(platform.account("a").await, [1_500, 0, 0]);
        platform.books_balance().await;
    }
}

#[tokio::test]
async fn day_that_is_missed_for_more_than_a_month_is_reported_by_each_run_until_a_person_decides() {
    let platform = expecting().await;
    let missed = "2015-05-02 has not been reconciled for more than 31 days: reconcile it by hand, or skip it";
    for (time, why) in [
        ("2015-06-02T10:30", "cannot read the bill of 2015-05-02"),
        ("2015-06-03T10:30", missed),
        ("2015-06-04T10:30", missed),
    ] {
        platform.set(time);
        fail_bills(&platform, [Fault::BillBroken]);
        reconcile(&platform).await.unwrap();
        let failure = platform.stack.tables.billing.day_failure(DAY.parse().unwrap()).await;
        let failure = failure.unwrap().unwrap();
        assert_eq!(failure.failed_at_s, platform.instant(time));
        assert!(failure.why.starts_with(why), "{time}: {}", failure.why);
    }
    reconcile_day(&platform, DAY).await.unwrap();
    platform.stack.drain().await.unwrap();
    assert_eq!(
        platform.stack.tables.billing.day_failure(DAY.parse().unwrap()).await.unwrap(),
        None
    );
    assert_eq!(unmatched(&platform).await, Vec::<i64>::new());
}

/// A new folder for one test's data.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    folder
}

#[tokio::test]
async fn day_without_trades_has_no_bill_and_no_rows() {
    let platform = indebted().await;
    platform.run_until("2015-05-02T12:00").await;
    assert_eq!(told(&platform, "2015-05-01").await, all_match(0));
    assert_eq!(stored(&platform, "2015-05-01").await.unwrap().bill, None);
}

#[tokio::test]
async fn bill_that_cannot_be_had_is_an_error_stores_nothing_and_is_made_up_by_the_next_run() {
    let unsupported = refused("TYPE_NOT_SUPPORTED");
    for (fault, times) in [
        (Fault::NoAnswerBeforeEffect, 1),
        (Fault::NoAnswerAfterEffect, 1),
        (Fault::SystemErrorBeforeEffect, 1),
        (Fault::UnsignedAnswer, 1),
        (Fault::WrongKey, 1),
        (Fault::Garbage, 1),
        (Fault::BadGatewayBeforeEffect, 1),
        (refused("INVAILID_ARGUMENTS"), 1),
        (unsupported, 2),
    ] {
        let platform = indebted().await;
        platform.dispatch_at("2015-05-02T10:00").await;
        let figures = platform.figures().await;
        platform.set("2015-05-03T10:30");
        after_the_first_day(&platform, fault.clone(), times);
        assert_eq!(reconciled(&platform).await, days(&["2015-05-01"], &[DAY]), "{fault:?}");
        assert_eq!(stored(&platform, DAY).await, None, "{fault:?}");
        assert_eq!(unmatched(&platform).await, [10_000], "{fault:?}");
        // The next run is that of the next morning: the first day was never reconciled.
        platform.run_until("2015-05-04T12:00").await;
        assert_eq!(told(&platform, DAY).await, all_match(1), "{fault:?}");
        assert_eq!(told(&platform, NEXT_DAY).await, all_match(0), "{fault:?}");
        assert_eq!(platform.figures().await.lines().next(), figures.lines().next());
        check(&platform, [0, 0, 0], 10_000).await;
    }
}

#[tokio::test]
async fn bill_of_a_day_that_is_not_complete_waits_and_stores_nothing() {
    let platform = indebted().await;
    platform.dispatch_at("2015-05-02T10:00").await;
    platform.set("2015-05-03T09:59:59");
    for day in [DAY, NEXT_DAY, "2015-06-01"] {
        assert!(reconcile_day(&platform, day).await.is_err(), "{day}");
        assert_eq!(stored(&platform, day).await, None, "{day}");
    }
    assert_eq!(reconciled(&platform).await, days(&["2015-05-01"], &[]));
    assert!(reconcile_day(&platform, "yesterday").await.is_err());
    platform.set("2015-05-03T10:00");
    assert_eq!(reconciled(&platform).await, days(&[DAY], &[]));
    assert_eq!(told(&platform, DAY).await, all_match(1));
    check(&platform, [0, 0, 0], 10_000).await;
}

#[tokio::test]
async fn days_that_were_missed_are_made_up_in_their_order_up_to_a_month_back() {
    let platform = in_doubt().await;
    platform.run_until("2015-05-02T12:00").await;
    platform.set("2015-05-06T10:30");
    let missed = [DAY, NEXT_DAY, "2015-05-04", "2015-05-05"];
    assert_eq!(reconciled(&platform).await, days(&missed, &[]));
    assert_eq!(told(&platform, DAY).await, one_found(FindingKind::FoundPayment, 10_000));
    assert_eq!(told(&platform, NEXT_DAY).await, all_match(0));
    check(&platform, [0, 0, 0], 10_000).await;

    platform.set("2015-07-01T10:30");
    let [done, failed] = reconciled(&platform).await;
    assert_eq!((done.len(), &*done[0], &*done[30]), (31, "2015-05-31", "2015-06-30"));
    assert_eq!(failed, Vec::<String>::new());
}

#[tokio::test]
async fn day_that_cannot_be_had_holds_up_no_other_and_is_tried_again_by_each_run() {
    let platform = indebted().await;
    platform.run_until("2015-05-02T12:00").await;
    for time in ["2015-05-05T10:30", "2015-05-05T11:30"] {
        platform.set(time);
        platform.stack.alipay.fail_next(Method::Bill, Fault::Garbage, 1);
        let others: &[&str] = if time.ends_with("10:30") { &[NEXT_DAY, "2015-05-04"] } else { &[] };
        assert_eq!(reconciled(&platform).await, days(others, &[DAY]));
        assert_eq!(stored(&platform, DAY).await, None);
        assert_eq!(told(&platform, NEXT_DAY).await, all_match(0));
        assert_eq!(told(&platform, "2015-05-04").await, all_match(0));
    }
    assert_eq!(reconciled(&platform).await, days(&[DAY], &[]));
    assert_eq!(told(&platform, DAY).await, all_match(1));
    check(&platform, [0, 0, 0], 10_000).await;
}

#[tokio::test]
async fn raw_file_is_kept_under_its_hash_before_it_is_read() {
    let folder = folder("bills");
    let platform = Platform::open_in(&folder).await;
    owing(&platform, &["a"]).await;
    platform.run_until("2015-05-03T12:00").await;
    let bill = stored(&platform, DAY).await.unwrap().bill.unwrap();
    let zip = std::fs::read(folder.join(&bill.key)).unwrap();
    let sha256: String = Sha256::digest(&zip).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(bill.sha256, sha256);
    assert_eq!((&*bill.kind, &*bill.key), ("trade", &*format!("bills/{DAY}/trade-{sha256}.zip")));
    let rows = steelyard_alipay::read_bill(steelyard_billing::BillKind::Trade, &zip).unwrap().rows;
    assert_eq!(rows.iter().map(|row| row.amount_fen).collect::<Vec<_>>(), [fen(10_000)]);

    // Another bill of the same day is kept beside it.
    platform.stack.alipay.fail_next(Method::Bill, Fault::BillExtraRow, 1);
    reconcile_day(&platform, DAY).await.unwrap();
    let other = stored(&platform, DAY).await.unwrap().bill.unwrap();
    assert_ne!(other.key, bill.key);
    assert_eq!(std::fs::read(folder.join(&bill.key)).unwrap(), zip);
    assert!(folder.join(&other.key).is_file());
    platform.books_balance().await;
}
