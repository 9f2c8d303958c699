//! Each way in which Alipay can fail, through the real functions and over real HTTP: whatever goes
//! wrong, what Alipay took is what the journal says, and never more than was charged.

use steelyard_billing::Phase;
use steelyard_local_alipay::{Fault, Method, NotificationFault};
use steelyard_tests::{Platform, agreement_no, fen};

const BASIC: &str = "taobao.trades.sold.get";

/// A platform on the second of May at half past midnight, where `a` owes ¥100.00, has enough at
/// Alipay, and a debit is open.
pub(crate) async fn indebted() -> Platform {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.sign("a", 1_000_000).await;
    platform.count("a", BASIC, "2015-05-01", 1_500_000).await;
    platform.settle_at("2015-05-02T00:30").await;
    assert_eq!(platform.account("a").await, [0, 10_000, 0]);
    platform
}

fn refused(code: &str, sub_code: &str) -> Fault {
    Fault::Refused { code: code.to_owned(), sub_code: sub_code.to_owned() }
}

/// Lets methods fail, with notifications and without, for three days; checks that all was taken
/// once.
async fn check_paid_once(name: &str, faults: &[(Method, Fault, usize)]) {
    for is_notified in [false, true] {
        let platform = indebted().await;
        if !is_notified {
            platform.lose_notifications();
        }
        for (method, fault, times) in faults {
            platform.stack.alipay.fail_next(*method, fault.clone(), *times);
        }
        platform.run_until("2015-05-02T10:00").await;
        platform.books_hold().await;
        platform.run_until("2015-05-05T12:00").await;
        platform.books_balance().await;
        let [prepaid, receivable, reserved] = platform.account("a").await;
        assert_eq!([prepaid, receivable, reserved], [0, 0, 0], "{name}, {is_notified}");
        assert_eq!(platform.taken("a"), 10_000, "{name}, {is_notified}");
        assert_eq!(platform.stack.alipay.trades().unwrap().len(), 1, "{name}, {is_notified}");
        assert_eq!(platform.stack.dead_letters().await.unwrap(), 0, "{name}, {is_notified}");
    }
}

#[tokio::test]
async fn answers_that_are_lost_or_cannot_be_believed() {
    for (name, fault) in [
        ("connection closed before the effect", Fault::NoAnswerBeforeEffect),
        ("connection closed after the effect", Fault::NoAnswerAfterEffect),
        ("bad gateway", Fault::BadGatewayBeforeEffect),
        ("unsigned", Fault::UnsignedAnswer),
        ("another's key", Fault::WrongKey),
        ("garbage", Fault::Garbage),
        ("compressed", Fault::GzipAnswer),
        ("chunked", Fault::ChunkedAnswer),
        ("redirected", Fault::Redirect),
        ("another amount", Fault::OtherAmount),
    ] {
        check_paid_once(name, &[(Method::Pay, fault, 1)]).await;
    }
}

#[tokio::test]
async fn answers_that_say_that_nobody_knows() {
    for (name, faults) in [
        ("in process, then success", vec![(Method::Pay, Fault::InProcess, 1)]),
        ("system error, then success", vec![(Method::Pay, Fault::SystemErrorAfterEffect, 1)]),
        ("system error, and nothing", vec![(Method::Pay, Fault::SystemErrorBeforeEffect, 1)]),
        (
            "system errors to every question",
            vec![
                (Method::Pay, Fault::SystemErrorAfterEffect, 1),
                (Method::Query, Fault::SystemErrorAfterEffect, 7),
            ],
        ),
        ("a code that nobody knows", vec![(Method::Pay, refused("40004", "ACQ.NEW_CODE"), 2)]),
        (
            "no permission",
            vec![(Method::Pay, refused("40006", "isv.insufficient-isv-permissions"), 2)],
        ),
        ("called too often", vec![(Method::Pay, refused("40005", "isv.app-call-limited"), 1)]),
        ("agreement can't be asked about", vec![(Method::AgreementQuery, Fault::Garbage, 3)]),
    ] {
        check_paid_once(name, &faults).await;
    }
}

/// The client gives up after ten seconds of real time.
#[tokio::test]
async fn an_answer_that_never_comes_is_a_doubt() {
    let platform = indebted().await;
    platform.lose_notifications();
    platform.stack.alipay.fail_next(Method::Pay, Fault::HangAfterEffect, 1);
    platform.run_until("2015-05-02T10:00").await;
    assert_eq!((platform.account("a").await, platform.taken("a")), ([0, 10_000, 10_000], 10_000));
    platform.run_until("2015-05-02T12:00").await;
    assert_eq!(platform.account("a").await, [0, 0, 0]);
    platform.books_balance().await;
}

#[tokio::test]
async fn late_success_after_the_close_is_found_and_credited() {
    for is_notified in [false, true] {
        let platform = indebted().await;
        if !is_notified {
            platform.lose_notifications();
        }
        let alipay = &platform.stack.alipay;
        // Two tries without money; on the third Alipay takes it after all, when the trade is
        // closed.
        alipay.set_funds("a", fen(0)).unwrap();
        platform.run_until("2015-05-04T23:00").await;
        alipay.fail_next(Method::Pay, Fault::LateSuccess, 1);
        alipay.set_funds("a", fen(1_000_000)).unwrap();
        platform.run_until("2015-05-08T12:00").await;
        platform.books_balance().await;
        let [prepaid, receivable, reserved] = platform.account("a").await;
        let taken = platform.taken("a");
        assert_eq!(
            prepaid - receivable,
            taken - 10_000,
            "{is_notified}: what is too much is credited"
        );
        assert_eq!((taken, reserved), (10_000, 0), "{is_notified}");
    }
}

#[tokio::test]
async fn notifications_that_come_twice_late_or_in_another_order_change_nothing() {
    for fault in [
        NotificationFault::Duplicate,
        NotificationFault::Reordered,
        NotificationFault::OtherAmount,
        NotificationFault::Forged,
        NotificationFault::OtherApp,
    ] {
        let platform = indebted().await;
        platform.stack.alipay.fail_next_notifications(fault, 2);
        platform.stack.alipay.fail_next(Method::Pay, Fault::NoAnswerAfterEffect, 1);
        platform.run_until("2015-05-02T10:00").await;
        platform.books_hold().await;
        platform.run_until("2015-05-04T12:00").await;
        assert_eq!(
            (platform.account("a").await, platform.taken("a")),
            ([0, 0, 0], 10_000),
            "{fault:?}"
        );
        platform.books_balance().await;
    }
}

#[tokio::test]
async fn debit_whose_agreement_ends_before_it_is_first_sent_is_withdrawn() {
    for is_notified in [false, true] {
        let platform = indebted().await;
        if !is_notified {
            platform.lose_notifications();
        }
        let now = platform.instant("2015-05-02T09:59");
        platform.set("2015-05-02T09:59");
        platform.stack.alipay.revoke_agreement(&agreement_no("a"), now).unwrap();
        platform.run_until("2015-05-02T12:00").await;
        assert_eq!((platform.account("a").await, platform.taken("a")), ([0, 10_000, 0], 0));
        assert_eq!(platform.debit("a", 1).await.phase, Phase::Withdrawn, "{is_notified}");
        assert_eq!(platform.debits("a").await.len(), 1, "{is_notified}");
        assert_eq!(platform.stack.alipay.trades().unwrap(), [], "{is_notified}");
        platform.books_balance().await;
    }
}

#[tokio::test]
async fn close_that_nobody_heard_is_no_proof_that_nothing_is_taken_later() {
    let platform = indebted().await;
    platform.lose_notifications();
    let alipay = &platform.stack.alipay;
    alipay.fail_next(Method::Pay, Fault::LateSuccess, 1);
    alipay.fail_next(Method::Pay, refused("40004", "ACQ.AGREEMENT_INVALID"), 1);
    alipay.fail_next(Method::Close, Fault::NoAnswerBeforeEffect, 2);
    platform.run_until("2015-05-05T12:00").await;
    assert_eq!((platform.account("a").await, platform.taken("a")), ([0, 0, 0], 10_000));
    let debits = platform.debits("a").await;
    let [debit] = &debits[..] else { panic!("{debits:?}") };
    assert!(debit.payment().is_some() && debit.found_payments().next().is_none(), "{debit:?}");
    platform.books_balance().await;
}
