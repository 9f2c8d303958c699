//! Withholdings: paid, queried and closed.

use steelyard_alipay::Withholding;
use steelyard_billing::{OutTradeNo, PayAnswer, QueryAnswer};
use steelyard_pricing::Fen;

use super::super::{Fault, LocalAlipay, Method, TradeStatus};
use super::stage::*;

#[tokio::test]
async fn payment_moves_the_payers_money_and_a_query_tells_the_same() {
    let stage = Stage::new().await;
    let PayAnswer::Paid(payment) = stage.pay(&request(withholding("T1"))).await else {
        panic!("not paid")
    };
    assert_eq!(payment.amount_fen, AMOUNT);
    assert_eq!(payment.trade_no, "2026030222001000000000000001");
    assert_eq!(stage.query("T1").await, QueryAnswer::Paid(payment));
    assert_eq!(stage.taken(), AMOUNT);
    let [trade] = stage.local.trades().unwrap().try_into().unwrap();
    assert_eq!((trade.status, trade.taken_at), (TradeStatus::TradeSuccess, Some(now())));
}

#[tokio::test]
async fn same_number_twice_takes_once() {
    let stage = Stage::new().await;
    let first = stage.pay(&request(withholding("T1"))).await;
    let again = stage.pay(&request(withholding("T1"))).await;
    assert_eq!(pay_in_short(first), "paid 12.34");
    assert_eq!(pay_in_short(again), "in doubt: the answer is code 40004 ACQ.TRADE_HAS_SUCCESS");
    assert_eq!(query_in_short(stage.query("T1").await), "paid 12.34");
    assert_eq!(stage.taken(), AMOUNT);
}

#[tokio::test]
async fn same_number_sent_many_times_at_once_takes_once() {
    let stage = Stage::new().await;
    let asked = request(withholding("T1"));
    let answers = futures::future::join_all((0..8).map(|_| stage.pay(&asked))).await;
    let paid = answers.iter().filter(|answer| matches!(answer, PayAnswer::Paid(_))).count();
    assert_eq!((paid, stage.taken()), (1, AMOUNT));
}

#[tokio::test]
async fn want_of_funds_is_declined_and_paid_when_the_payer_has_them() {
    let stage = Stage::new().await;
    stage.local.set_funds(PAYER, Fen::new(1233)).unwrap();
    let declined = stage.pay(&request(withholding("T1"))).await;
    assert_eq!(pay_in_short(declined), "declined ACQ.BUYER_BALANCE_NOT_ENOUGH");
    assert_eq!(query_in_short(stage.query("T1").await), "pending");
    assert_eq!(stage.taken(), Fen::ZERO);

    stage.local.set_funds(PAYER, AMOUNT).unwrap();
    assert_eq!(pay_in_short(stage.pay(&request(withholding("T1"))).await), "paid 12.34");
    assert_eq!(
        pay_in_short(stage.pay(&request(withholding("T2"))).await),
        "declined ACQ.BUYER_BALANCE_NOT_ENOUGH"
    );
    assert_eq!(stage.taken(), AMOUNT);
}

#[tokio::test]
async fn trade_that_is_not_as_it_was_or_has_no_agreement_is_refused() {
    let stage = Stage::new().await;
    stage.local.register_agreement("2", PAYER, FUNDS).unwrap();
    stage.pay(&request(withholding("T1"))).await;
    let of = |change: fn(&mut Withholding)| {
        let mut withholding = withholding("T1");
        change(&mut withholding);
        request(withholding)
    };
    let inconsistent = "own fault: code 40004 ACQ.CONTEXT_INCONSISTENT";
    for (asked, expected) in [
        (of(|w| w.amount_fen = Fen::new(1235)), inconsistent),
        (of(|w| w.subject.push('!')), inconsistent),
        (of(|w| w.agreement_no = "2".to_owned()), inconsistent),
        (
            of(|w| {
                w.agreement_no = "3".to_owned();
                w.out_trade_no = OutTradeNo::parse("T3").unwrap();
            }),
            "mandate dead: code 40004 ACQ.AGREEMENT_NOT_EXIST",
        ),
    ] {
        assert_eq!(pay_in_short(stage.pay(&asked).await), expected);
    }
    assert_eq!(query_in_short(stage.query("T3").await), "not found");
    assert_eq!(stage.taken(), AMOUNT);
}

#[tokio::test]
async fn closed_trade_takes_nothing_any_more_and_a_paid_one_is_not_closed() {
    let stage = Stage::new().await;
    let close = |number: &'static str| {
        let stage = &stage;
        async move {
            stage
                .call("alipay.trade.close", &format!(r#"{{"out_trade_no":"{number}"}}"#), |_| ())
                .await
        }
    };
    stage.local.fail_next(Method::Pay, Fault::InsufficientFunds, 1);
    stage.pay(&request(withholding("T1"))).await;
    stage.pay(&request(withholding("T2"))).await;
    for (number, expected) in [
        ("T1", r#""code":"10000""#),
        ("T1", "ACQ.REASON_TRADE_STATUS_INVALID"),
        ("T2", "ACQ.REASON_TRADE_STATUS_INVALID"),
        ("T3", "ACQ.TRADE_NOT_EXIST"),
    ] {
        let answer = close(number).await;
        assert!(answer.contains(expected), "{number}: {answer}");
    }
    assert_eq!(query_in_short(stage.query("T1").await), "closed");
    assert_eq!(
        pay_in_short(stage.pay(&request(withholding("T1"))).await),
        "in doubt: the answer is code 40004 ACQ.TRADE_HAS_CLOSE"
    );
    assert_eq!(query_in_short(stage.query("T2").await), "paid 12.34");
    assert_eq!(stage.taken(), AMOUNT);
}

#[tokio::test]
async fn trade_that_waited_seven_days_is_closed_by_the_clock_of_the_requests() {
    let stage = Stage::new().await;
    stage.local.fail_next(Method::Pay, Fault::InsufficientFunds, 1);
    stage.pay(&request(withholding("T1"))).await;
    let number = OutTradeNo::parse("T1").unwrap();
    for (later, expected) in
        [("2026-03-09T01:59:59Z", "pending"), ("2026-03-09T02:00:00Z", "closed")]
    {
        let answer = stage.client.query(&number, later.parse().unwrap()).await;
        assert_eq!(query_in_short(answer), expected, "{later}");
    }
}

#[tokio::test]
async fn restart_keeps_what_was_taken() {
    let folder =
        std::env::temp_dir().join(format!("steelyard-local-alipay-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("alipay.sqlite");
    let before = Stage::on(LocalAlipay::open(&file, clock()).unwrap()).await;
    before.pay(&request(withholding("T1"))).await;
    let after = Stage::on(LocalAlipay::open(&file, clock()).unwrap()).await;
    assert_eq!(query_in_short(after.query("T1").await), "paid 12.34");
    assert_eq!(
        pay_in_short(after.pay(&request(withholding("T1"))).await),
        "in doubt: the answer is code 40004 ACQ.TRADE_HAS_SUCCESS"
    );
    assert_eq!(after.taken(), AMOUNT);
    std::fs::remove_dir_all(&folder).unwrap();
}
