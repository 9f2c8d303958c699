//! Differences between bills and the books: each is reported once, and stays open until a person
//! closes it.

use steelyard_billing::{
    Finding, FindingKind, OpenFinding, OutTradeNo, Realm, RechargeId, TradeNumber,
};
use steelyard_local_alipay::{Fault, LocalAlipay, Method};
use steelyard_tests::{Platform, fen, reason};

use super::*;

/// How often a refund is tried in a day and a half.
const TRIES: usize = 30;

/// The findings that nobody has closed.
async fn open(platform: &Platform) -> Vec<OpenFinding> {
    let mut findings = platform.stack.tables.billing.findings().await.unwrap().readable;
    findings.retain(|finding| finding.closed.is_none());
    findings
}

/// The kinds of the open findings, with what the bill and the books say.
async fn open_kinds(platform: &Platform) -> Vec<(FindingKind, Option<i64>, Option<i64>)> {
    let get = |fen: steelyard_pricing::Fen| fen.get();
    let open = open(platform).await.into_iter().map(|open| open.finding);
    open.map(|of| (of.kind, of.theirs_fen.map(get), of.ours_fen.map(get))).collect()
}

/// Reconciles on the mornings of the fourth and the fifth of May, where the next days have trades.
async fn on_the_next_days(platform: &Platform) {
    for (day, time) in [(NEXT_DAY, "2015-05-04T10:30"), ("2015-05-04", "2015-05-05T10:30")] {
        platform.paid_recharge("a", "20.00").await;
        platform.run_until(time).await;
        assert_eq!(told(platform, day).await, all_match(1), "{day}");
    }
}

#[tokio::test]
async fn other_amount_is_reported_once_and_is_not_only_ours_on_the_next_days() {
    let platform = indebted().await;
    after_the_first_day(&platform, Fault::BillOtherAmount, 1);
    platform.run_until("2015-05-03T12:00").await;
    let differs = (FindingKind::AmountDiffers, Some(10_001), Some(10_000));
    assert_eq!(told(&platform, DAY).await, ([1, 0, 1], vec![differs]));
    on_the_next_days(&platform).await;
    assert_eq!(open_kinds(&platform).await, [differs]);
    let [found] = &open(&platform).await[..] else { panic!("not one finding is open") };
    assert_eq!(found.first_day.to_string(), DAY);
    assert_eq!(found.finding.provider, Some(a()));
}

#[tokio::test]
async fn other_amount_of_a_refund_is_reported_once_beside_the_payment_that_matches() {
    let platform = indebted().await;
    platform.run_until("2015-05-02T12:00").await;
    // The refund is alone on its bill.
    platform.run_until("2015-05-03T11:00").await;
    ask_for_refund(&platform, "F1", 500).await;
    platform.run_until("2015-05-04T10:29").await;
    platform.stack.alipay.fail_next(Method::Bill, Fault::BillOtherAmount, 1);
    platform.run_until("2015-05-04T10:30").await;
    let differs = (FindingKind::AmountDiffers, Some(-499), Some(-500));
    assert_eq!(told(&platform, NEXT_DAY).await, ([1, 0, 1], vec![differs]));
    platform.paid_recharge("a", "20.00").await;
    platform.run_until("2015-05-05T10:30").await;
    assert_eq!(told(&platform, "2015-05-04").await, all_match(1));
    assert_eq!(open_kinds(&platform).await, [differs]);
}

#[tokio::test]
async fn closing_a_finding_ends_its_report_and_books_nothing() {
    let platform = indebted().await;
    after_the_first_day(&platform, Fault::BillOtherAmount, 1);
    platform.run_until("2015-05-03T12:00").await;
    let books = platform.books();
    let [found] = &open(&platform).await[..] else { panic!("not one finding is open") };
    let (trade, why) = (found.finding.out_trade_no.clone(), reason("Alipay rounded it up"));
    // No other finding is closed by it.
    for (other, request) in [("SYother", None), (&*trade, Some("F1"))] {
        assert_eq!(books.close_finding(other, request, &why).await.unwrap(), None);
    }
    assert_eq!(open(&platform).await.len(), 1);
    let closed = books.close_finding(&trade, None, &why).await.unwrap().unwrap();
    assert_eq!(closed.closed, Some(why.clone()));
    assert_eq!(open(&platform).await, []);
    // The first reason stays, and the difference is not reported anew.
    let again = books.close_finding(&trade, None, &reason("another")).await.unwrap().unwrap();
    assert_eq!(again.closed, Some(why));
    on_the_next_days(&platform).await;
    assert_eq!(open(&platform).await, []);
    check(&platform, [4_000, 0, 0], 10_000).await;
}

#[tokio::test]
async fn closing_a_finding_whose_answer_is_lost_closes_it_once() {
    let platform = indebted().await;
    after_the_first_day(&platform, Fault::BillOtherAmount, 1);
    platform.run_until("2015-05-03T12:00").await;
    let [found] = &open(&platform).await[..] else { panic!("not one finding is open") };
    let (trade, why) = (found.finding.out_trade_no.clone(), reason("a person looked"));
    platform.stack.transport.faults().strike(Target::Writes, 1..=1, AwsFault::LoseAnswer);
    let closed = platform.books().close_finding(&trade, None, &why).await.unwrap().unwrap();
    assert_eq!(closed.closed, Some(why));
    assert_eq!(open(&platform).await, []);
}

#[tokio::test]
async fn unknown_trade_is_reported_once_for_each_day_that_has_one() {
    let platform = indebted().await;
    platform.stack.alipay.fail_next(Method::Bill, Fault::BillExtraRow, 3);
    platform.run_until("2015-05-03T12:00").await;
    for _ in 0..3 {
        platform.stack.alipay.fail_next(Method::Bill, Fault::BillExtraRow, 1);
        reconcile_day(&platform, DAY).await.unwrap();
    }
    let theirs = (FindingKind::TheirsOnly, Some(4_200), None);
    assert_eq!(open_kinds(&platform).await, [theirs, theirs]);
    assert_eq!(told(&platform, DAY).await, ([2, 1, 0], vec![theirs]));
}

/// A person pays ¥20.00 for a trade of the application under a number that this platform did not
/// make.
async fn pay_foreign(platform: &Platform, realm: &str) -> String {
    let of = TradeOf::Recharge(RechargeId(1));
    let number = TradeNumber::new(&Realm::parse(realm).unwrap(), &a(), of).out_trade_no();
    pay_under(platform, &number).await;
    number.to_string()
}

/// A person pays ¥20.00 under a number, on a page that another deployment made.
async fn pay_under(platform: &Platform, number: &OutTradeNo) {
    let gateway = format!("http://{}/gateway.do", platform.stack.address);
    let alipay = steelyard_alipay::Alipay::new(LocalAlipay::client_config(&gateway)).unwrap();
    let order = steelyard_alipay::Recharge::new(number.clone(), fen(2_000), "prepayment").unwrap();
    let now = platform.stack.clock.now();
    let page = alipay.recharge_page(&order, "http://127.0.0.1/done", now).unwrap();
    platform.open_page(&page).await;
    platform.pay_trade(number.as_str());
}

#[tokio::test]
async fn row_of_another_realm_is_ignored_though_it_names_a_provider_of_ours() {
    for kind in ["trade", "signcustomer"] {
        let platform = indebted().await;
        platform.run_until("2015-05-02T12:00").await;
        // The same recharge of the same provider, here and there.
        platform.paid_recharge("a", "20.00").await;
        let foreign = pay_foreign(&platform, "zzzzz0").await;
        let now = platform.stack.clock.now();
        platform.stack.alipay.reverse_trade(&foreign, fen(500), now).unwrap();
        platform.run_until("2015-05-03T10:29").await;
        let figures = platform.figures().await;
        if kind == "signcustomer" {
            platform.stack.alipay.fail_next(Method::Bill, refused("TYPE_NOT_SUPPORTED"), 1);
        }
        platform.run_until("2015-05-03T10:30").await;
        assert_eq!(told(&platform, DAY).await, all_match(2), "{kind}");
        assert_eq!(open(&platform).await, [], "{kind}");
        assert_eq!(platform.figures().await, figures, "{kind}");
    }
}

#[tokio::test]
async fn row_of_a_former_realm_that_is_in_no_record_is_a_difference() {
    // The table is a copy of one of this realm, which made this recharge after it was copied.
    let platform = Platform::open().await;
    let copied = json!({
        "pk": { "S": "realm" }, "sk": { "S": "realm" }, "format": { "N": "1" },
        "realm": { "S": "zzzzz0" }, "table": { "S": "steelyard-billing-original" },
    });
    platform.put_item(&copied).await;
    assert_ne!(platform.realm().await.as_str(), "zzzzz0", "new numbers are of a new realm");
    owing(&platform, &["a"]).await;
    platform.run_until("2015-05-02T12:00").await;
    pay_foreign(&platform, "zzzzz0").await;
    pay_foreign(&platform, "zzzzz1").await;
    platform.run_until("2015-05-03T10:30").await;
    let theirs = (FindingKind::TheirsOnly, Some(2_000), None);
    assert_eq!(told(&platform, DAY).await, ([2, 1, 0], vec![theirs]));
    assert_eq!(open_kinds(&platform).await, [theirs]);
    assert_eq!(platform.account("a").await, [0, 0, 0], "nothing is booked by it");
}

#[tokio::test]
async fn row_of_our_own_realm_that_is_in_no_record_is_a_difference() {
    let platform = indebted().await;
    platform.run_until("2015-05-02T12:00").await;
    let realm = platform.realm().await;
    for provider in ["a", "nobody"] {
        let of = TradeOf::Recharge(RechargeId(77));
        let number = TradeNumber::new(&realm, &provider.parse().unwrap(), of).out_trade_no();
        pay_under(&platform, &number).await;
    }
    platform.run_until("2015-05-03T10:30").await;
    let theirs = (FindingKind::TheirsOnly, Some(2_000), None);
    assert_eq!(told(&platform, DAY).await, ([3, 1, 0], vec![theirs, theirs]));
    assert_eq!(platform.account("a").await, [0, 0, 0], "nothing is booked by it");
}

#[tokio::test]
async fn other_amount_on_the_bill_is_found_and_nothing_is_booked_by_it() {
    // Of what is paid, and of what is in doubt.
    let platform = indebted().await;
    after_the_first_day(&platform, Fault::BillOtherAmount, 1);
    platform.run_until("2015-05-03T10:29").await;
    let figures = platform.figures().await;
    platform.run_until("2015-05-03T12:00").await;
    let differs = (FindingKind::AmountDiffers, Some(10_001), Some(10_000));
    assert_eq!(told(&platform, DAY).await, ([1, 0, 1], vec![differs]));
    assert_eq!(platform.figures().await, figures);
    // The right bill comes later. What was reported stays reported.
    reconcile_day(&platform, DAY).await.unwrap();
    assert_eq!(told(&platform, DAY).await, ([1, 1, 0], vec![differs]));
    check(&platform, [0, 0, 0], 10_000).await;

    let platform = in_doubt().await;
    after_the_first_day(&platform, Fault::BillOtherAmount, 1);
    platform.run_until("2015-05-03T12:00").await;
    assert_eq!(told(&platform, DAY).await, ([1, 0, 0], vec![differs]));
    assert!(
        matches!(platform.debit("a", 1).await.phase, Phase::InDoubt { .. }),
        "it stays in doubt"
    );
    assert_eq!(platform.account("a").await, [0, 10_000, 10_000]);
    platform.books_hold().await;
    reconcile_day(&platform, DAY).await.unwrap();
    let found = (FindingKind::FoundPayment, Some(10_000), None);
    assert_eq!(told(&platform, DAY).await, ([1, 1, 0], vec![differs, found]));
    check(&platform, [0, 0, 0], 10_000).await;
}

#[tokio::test]
async fn trade_of_which_nobody_here_knows_is_found_and_nothing_is_booked_by_it() {
    let platform = indebted().await;
    platform.stack.alipay.fail_next(Method::Bill, Fault::BillExtraRow, 3);
    let theirs = (FindingKind::TheirsOnly, Some(4_200), None);
    platform.run_until("2015-05-02T12:00").await;
    assert_eq!(told(&platform, "2015-05-01").await, ([1, 0, 0], vec![theirs]));
    platform.run_until("2015-05-03T12:00").await;
    assert_eq!(told(&platform, DAY).await, ([2, 1, 0], vec![theirs]));
    check(&platform, [0, 0, 0], 10_000).await;
    // With the ledger, too.
    let platform = indebted().await;
    platform.run_until("2015-05-03T09:00").await;
    platform.stack.alipay.fail_next(Method::Bill, refused("TYPE_NOT_SUPPORTED"), 1);
    platform.stack.alipay.fail_next(Method::Bill, Fault::BillExtraRow, 1);
    platform.run_until("2015-05-03T12:00").await;
    assert_eq!(told(&platform, DAY).await, ([2, 1, 0], vec![theirs]));
    check(&platform, [0, 0, 0], 10_000).await;
}

#[tokio::test]
async fn what_only_our_books_have_waits_for_a_day_is_told_once_and_matches_when_a_bill_shows_it() {
    let platform = indebted().await;
    platform.run_until("2015-05-03T09:00").await;
    platform.stack.alipay.fail_next(Method::Bill, Fault::BillRowMissing, 1);
    platform.run_until("2015-05-03T12:00").await;
    assert_eq!(told(&platform, DAY).await, ([0, 0, 1], vec![]), "midnight may have cut it off");
    // The next day has a bill, of something else.
    platform.paid_recharge("a", "20.00").await;
    platform.run_until("2015-05-04T12:00").await;
    let ours = (FindingKind::OursOnly, None, Some(10_000));
    assert_eq!(told(&platform, NEXT_DAY).await, ([1, 1, 0], vec![ours]));
    reconcile_day(&platform, NEXT_DAY).await.unwrap();
    assert_eq!(told(&platform, NEXT_DAY).await, ([1, 1, 0], vec![ours]));
    platform.run_until("2015-05-05T12:00").await;
    assert_eq!(told(&platform, "2015-05-04").await, all_match(0), "it was told before");
    assert_eq!(unmatched(&platform).await, [10_000], "it still waits");

    assert_eq!(open(&platform).await.len(), 1);

    reconcile_day(&platform, DAY).await.unwrap();
    assert_eq!(told(&platform, DAY).await, all_match(1));
    assert_eq!(unmatched(&platform).await, Vec::<i64>::new());
    assert_eq!(open(&platform).await, [], "it is missing no more");
    reconcile_day(&platform, NEXT_DAY).await.unwrap();
    assert_eq!(told(&platform, NEXT_DAY).await, ([1, 1, 0], vec![ours]), "it stays told");
    check(&platform, [2_000, 0, 0], 10_000).await;
}

#[tokio::test]
async fn other_difference_of_a_trade_whose_finding_was_closed_is_reported_again() {
    let platform = indebted().await;
    platform.run_until("2015-05-02T12:00").await;
    let number = platform.trade_number("a", DEBIT).await;
    let theirs = |amount| Finding {
        kind: FindingKind::AmountDiffers,
        out_trade_no: number.clone(),
        out_request_no: None,
        provider: None,
        theirs_fen: Some(fen(amount)),
        ours_fen: Some(fen(10_000)),
    };
    let books = platform.books();
    let report = async |amount, day: &str| {
        books.report_finding(&theirs(amount), day.parse().unwrap()).await.unwrap().1
    };
    assert!(report(10_001, DAY).await, "it is new");
    books.close_finding(&number, None, &reason("rounded up")).await.unwrap().unwrap();
    assert!(!report(10_001, NEXT_DAY).await, "a person has decided");
    assert!(report(20_000, NEXT_DAY).await, "it is another");
    assert!(!report(20_000, NEXT_DAY).await, "it is open");
    let findings = platform.stack.tables.billing.findings().await.unwrap().readable;
    let open = findings.iter().map(|of| (of.finding.theirs_fen, of.closed.is_none()));
    assert_eq!(open.collect::<Vec<_>>(), [(Some(fen(20_000)), true)]);
}

#[tokio::test]
async fn finding_is_closed_once_the_books_have_what_its_row_showed() {
    // The ledger does not say which refund it shows.
    for is_ledger in [false, true] {
        let platform = indebted().await;
        platform.run_until("2015-05-02T12:00").await;
        // A refund of the whole payment does not reach Alipay, which then reverses the payment. The
        // books cannot have both.
        platform.stack.alipay.fail_next(Method::Refund, Fault::SystemErrorBeforeEffect, TRIES);
        ask_for_refund(&platform, "F1", 10_000).await;
        reverse(&platform, 10_000).await;
        platform.run_until("2015-05-03T10:29").await;
        if is_ledger {
            platform.stack.alipay.fail_next(Method::Bill, refused("TYPE_NOT_SUPPORTED"), 1);
        }
        platform.run_until("2015-05-03T10:30").await;
        let kind = if is_ledger { FindingKind::TheirsOnly } else { FindingKind::AmountDiffers };
        assert_eq!(open_kinds(&platform).await, [(kind, Some(-10_000), None)]);
        assert_eq!(unmatched(&platform).await, Vec::<i64>::new(), "ledger: {is_ledger}");

        // The refund is refused, so that the reversal can be booked.
        platform.run_until("2015-05-04T09:59").await;
        assert_eq!(unmatched(&platform).await, [-10_000], "ledger: {is_ledger}");
        platform.run_until("2015-05-06T10:30").await;
        assert_eq!(unmatched(&platform).await, Vec::<i64>::new(), "ledger: {is_ledger}");
        let findings = platform.stack.tables.billing.findings().await.unwrap().readable;
        let why = findings.iter().map(|of| of.closed.as_ref().map(|why| why.as_str()));
        let why = why.collect::<Vec<_>>();
        assert_eq!(why, [Some("the books have the money since")], "ledger: {is_ledger}");
        platform.books_balance().await;
    }
}

#[tokio::test]
async fn what_a_bill_shows_otherwise_takes_the_place_of_the_report_that_none_shows_it() {
    let platform = indebted().await;
    platform.run_until("2015-05-03T09:00").await;
    platform.stack.alipay.fail_next(Method::Bill, Fault::BillRowMissing, 1);
    platform.run_until("2015-05-03T12:00").await;
    platform.paid_recharge("a", "20.00").await;
    platform.run_until("2015-05-04T12:00").await;
    assert_eq!(open_kinds(&platform).await, [(FindingKind::OursOnly, None, Some(10_000))]);
    platform.stack.alipay.fail_next(Method::Bill, Fault::BillOtherAmount, 1);
    reconcile_day(&platform, DAY).await.unwrap();
    let differs = (FindingKind::AmountDiffers, Some(10_001), Some(10_000));
    assert_eq!(open_kinds(&platform).await, [differs]);
    // The right row agrees, and a person still has to look at the other.
    reconcile_day(&platform, DAY).await.unwrap();
    assert_eq!(unmatched(&platform).await, Vec::<i64>::new());
    assert_eq!(open_kinds(&platform).await, [differs]);
}
