//! Trades: what each asks for and took, what proof of its payment does, and what may be given back
//! of it.

use jiff::Timestamp;
use steelyard_billing::{
    Account, Cause, Debit, DebitId, GivenBack, OutRequestNo, OutTradeNo, Outcome, PayAnswer,
    QueryAnswer, Reason, Recharge, RechargeId, Refund, RefundPhase, RefundRef, Reversal,
    ReversalPhase, Trade, TradeOf,
};
use steelyard_pricing::Fen;

use crate::common::{at, mandate, provider, rules};
use crate::debits::sending;
use crate::realm::realm;
use crate::refunds::code;
use crate::{NOW, payment, shop};

const AMOUNT: Fen = Fen::new(1234);

fn now() -> Timestamp {
    at(NOW)
}

fn opened() -> Debit {
    Debit::open(&shop(), DebitId(7), now(), now())
}

/// Debit 7, which was sent once.
fn sent() -> Debit {
    sending(&opened(), AMOUNT, now())
}

/// Debit 7, whose first attempt was closed, and whose second was sent.
fn sent_twice() -> Debit {
    sending(&sent().after_query(QueryAnswer::Closed, now()).unwrap(), AMOUNT, now())
}

fn paid(debit: &Debit) -> Debit {
    debit.after_pay(PayAnswer::Paid(payment("T", 1234)), &rules(), now()).unwrap()
}

fn recharge() -> Recharge {
    Recharge::offer(&realm(), &shop(), RechargeId(3), AMOUNT, now()).unwrap()
}

fn attempt(debit: Debit, number: u16) -> Trade {
    Trade::attempt(debit, number).unwrap()
}

fn paid_recharge() -> Trade {
    match recharge().after_proof(&payment("T", 1234)) {
        Outcome::Changed(recharge) => Trade::Recharge(recharge),
        outcome @ (Outcome::Unchanged | Outcome::Contradicts) => unreachable!("{outcome:?}"),
    }
}

#[test]
fn an_attempt_that_was_never_sent_is_no_trade() {
    for (debit, numbers) in [(opened(), 0), (sent(), 1), (sent_twice(), 2)] {
        for number in [0, 1, 2, 3, u16::MAX] {
            let trade = Trade::attempt(debit.clone(), number);
            assert_eq!(trade.is_some(), (1..=numbers).contains(&number), "{number} of {numbers}");
        }
    }
}

#[test]
fn a_trade_says_whose_it_is_what_it_asked_for_and_what_it_took() {
    let debit_7 = |attempt| TradeOf::Debit { debit: DebitId(7), attempt };
    let recharge_3 = TradeOf::Recharge(RechargeId(3));
    let taken = Some(payment("T", 1234));
    for (trade, of, rest, payment) in [
        (attempt(sent(), 1), debit_7(1), "D7_1", None),
        (attempt(paid(&sent()), 1), debit_7(1), "D7_1", taken.clone()),
        (attempt(paid(&sent_twice()), 1), debit_7(1), "D7_1", None),
        (attempt(paid(&sent_twice()), 2), debit_7(2), "D7_2", taken.clone()),
        (Trade::Recharge(recharge()), recharge_3, "R3", None),
        (paid_recharge(), recharge_3, "R3", taken),
    ] {
        let number = format!("SYk3x9ab_8d9001d32c6a703d_{rest}");
        assert_eq!(trade.out_trade_no().map(OutTradeNo::as_str), Some(&*number));
        assert_eq!((trade.of(), trade.provider(), trade.asked()), (of, &shop(), AMOUNT));
        assert_eq!((trade.payment(), trade.is_found()), (payment, false), "{number}");
    }
}

/// What proof of a payment of so many fen does to a trade.
fn proved(trade: &Trade, trade_no: &str, fen: i64) -> String {
    match trade.after_proof(&payment(trade_no, fen), now()) {
        Outcome::Changed(paid) => {
            assert_eq!(paid.payment(), Some(payment(trade_no, fen)));
            let paid_what = match paid {
                Trade::Recharge(_) => "pays the recharge",
                Trade::Attempt { .. } if paid.is_found() => "found money",
                Trade::Attempt { .. } => "pays the debit",
            };
            paid_what.to_owned()
        }
        Outcome::Unchanged => "unchanged".to_owned(),
        Outcome::Contradicts => "contradicts".to_owned(),
    }
}

#[test]
fn proof_pays_a_debit_a_recharge_or_is_found_money() {
    for (trade, outcomes) in [
        (attempt(sent(), 1), ["pays the debit", "pays the debit", "contradicts"]),
        (attempt(sent_twice(), 1), ["found money", "found money", "contradicts"]),
        (attempt(sent_twice(), 2), ["pays the debit", "pays the debit", "contradicts"]),
        (attempt(paid(&sent()), 1), ["unchanged", "contradicts", "contradicts"]),
        (attempt(paid(&sent_twice()), 1), ["found money", "found money", "contradicts"]),
        (Trade::Recharge(recharge()), ["pays the recharge", "pays the recharge", "contradicts"]),
        (paid_recharge(), ["unchanged", "contradicts", "contradicts"]),
    ] {
        let proofs = [("T", 1234), ("U", 1234), ("T", 1235)];
        let found = proofs.map(|(trade_no, fen)| proved(&trade, trade_no, fen));
        assert_eq!(found, outcomes, "{trade:?}");
    }
}

/// An account that owes what its open debit 1 collects, and that debit.
fn account() -> (Account, Debit) {
    let (provider, day) = (provider(), "2015-05-17".parse().unwrap());
    let charge = Account::new(&provider).charge(day, AMOUNT, now()).unwrap();
    let mandate = provider.mandate.as_ref();
    let moved = charge.requesting(mandate, &rules(), now()).unwrap();
    let debit = sending(&moved.opened.unwrap(), AMOUNT, now());
    (moved.account.debit_sent(&debit, mandate, now()).unwrap().account, debit)
}

#[test]
fn the_payment_of_a_trade_moves_its_money_in_the_account() {
    let (account, debit) = account();
    let twice = sending(&debit.after_query(QueryAnswer::Closed, now()).unwrap(), AMOUNT, now());
    let (debit, trade_no) = (debit.debit, "T".to_owned());
    for (trade, cause) in [
        (attempt(twice.clone(), 2), Cause::DebitPaid { debit, trade_no: trade_no.clone() }),
        (attempt(twice, 1), Cause::DebitFound { debit, attempt: 1, trade_no: trade_no.clone() }),
        (Trade::Recharge(recharge()), Cause::RechargePaid { recharge: RechargeId(3), trade_no }),
    ] {
        let payment = payment("T", 1234);
        let Outcome::Changed(paid) = trade.after_proof(&payment, now()) else {
            unreachable!("{trade:?}")
        };
        let moved = paid.paid(&payment, &account, Some(&mandate()), &rules(), now()).unwrap();
        assert_eq!(moved.entry.unwrap().record().cause, cause);
        let still_open = !matches!(cause, Cause::DebitPaid { .. });
        assert_eq!(moved.account.open_debit.is_some(), still_open, "{cause:?}");
    }
}

fn request(trade: &Trade, request: &str) -> RefundRef {
    RefundRef {
        out_trade_no: trade.out_trade_no().unwrap().clone(),
        out_request_no: OutRequestNo::parse(request).unwrap(),
    }
}

fn refund(trade: &Trade, fen: i64, phase: RefundPhase) -> Refund {
    let (number, reason) = (request(trade, "F1"), Reason::new("by mail").unwrap());
    Refund { phase, ..Refund::ask(&shop(), number, trade.of(), Fen::new(fen), reason, now()) }
}

fn reversal(trade: &Trade, booked_fen: Option<i64>) -> Reversal {
    let noticed = Reversal::noticed(&shop(), request(trade, "B1"), trade.of(), now());
    match booked_fen.map(Fen::new) {
        Some(amount_fen) => Reversal { phase: ReversalPhase::Booked { amount_fen }, ..noticed },
        None => noticed,
    }
}

fn every_refund_phase() -> [(RefundPhase, bool); 6] {
    let acknowledged = Reason::new("he was told").ok();
    [
        (RefundPhase::Due, true),
        (RefundPhase::Sending, true),
        (RefundPhase::Confirming { code: code() }, true),
        (RefundPhase::Done, true),
        (RefundPhase::Refused { code: code(), acknowledged: None }, false),
        (RefundPhase::Refused { code: code(), acknowledged }, false),
    ]
}

#[test]
fn what_is_refundable_is_what_was_taken_less_refunds_that_count_and_reversals() {
    let refundable = |trade: &Trade, refunds: Vec<Refund>, reversals: Vec<Reversal>| {
        trade.refundable(&GivenBack { refunds, reversals }).unwrap().get()
    };
    for trade in [attempt(paid(&sent()), 1), paid_recharge()] {
        for (phase, counts) in every_refund_phase() {
            let refund = refund(&trade, 1000, phase);
            assert_eq!(refund.counts(), counts, "{:?}", refund.phase);
            let left = if counts { 234 } else { 1234 };
            assert_eq!(refundable(&trade, vec![refund.clone()], vec![]), left, "{refund:?}");
            // What a bank charged back can't be given back as well.
            let reversed = vec![reversal(&trade, Some(200))];
            assert_eq!(refundable(&trade, vec![refund.clone()], reversed.clone()), left - 200);
            assert_eq!(refundable(&trade, vec![], reversed), 1034);
        }
        let noticed = vec![reversal(&trade, None)];
        assert_eq!(refundable(&trade, vec![], noticed), 1234, "of unknown amount");
        let all = refund(&trade, 1234, RefundPhase::Done);
        assert_eq!(refundable(&trade, vec![all], vec![]), 0);
        let two = [600, 634].map(|fen| refund(&trade, fen, RefundPhase::Done));
        assert_eq!(refundable(&trade, two.into(), vec![]), 0);
    }
}

#[test]
fn what_was_given_back_of_one_trade_stays_refundable_of_another() {
    let (first, second) = (attempt(paid(&sent()), 1), attempt(paid(&sent_twice()), 2));
    let given_back = GivenBack {
        refunds: vec![refund(&first, 1000, RefundPhase::Done)],
        reversals: vec![reversal(&first, Some(100))],
    };
    let left = [&first, &second, &paid_recharge()].map(|trade| trade.refundable(&given_back));
    assert_eq!(left, [134, 1234, 1234].map(|fen| Ok(Fen::new(fen))));
}

#[test]
fn nothing_is_refundable_of_a_trade_that_took_nothing() {
    for trade in [attempt(sent(), 1), attempt(paid(&sent_twice()), 1), Trade::Recharge(recharge())]
    {
        assert_eq!(trade.refundable(&GivenBack::default()), Ok(Fen::ZERO), "{trade:?}");
    }
}

#[test]
fn found_money_is_refundable_once() {
    let Outcome::Changed(found) = attempt(sent_twice(), 1).after_proof(&payment("T", 1234), now())
    else {
        unreachable!("the first attempt is closed")
    };
    assert_eq!(found.refundable(&GivenBack::default()), Ok(AMOUNT));
    let all = vec![refund(&found, 1234, RefundPhase::Due)];
    let given_back = GivenBack { refunds: all, reversals: Vec::new() };
    assert_eq!(found.refundable(&given_back), Ok(Fen::ZERO));
}

#[test]
fn an_amount_names_the_refund_or_the_reversal_that_gave_it_back() {
    let (trade, other) = (attempt(paid(&sent()), 1), paid_recharge());
    let given_back = GivenBack {
        refunds: vec![
            refund(&other, 500, RefundPhase::Done),
            refund(&trade, 500, RefundPhase::Done),
            refund(&trade, 300, RefundPhase::Sending),
        ],
        reversals: vec![reversal(&trade, Some(200)), reversal(&trade, None)],
    };
    for (fen, expected) in [(500, Some("F1")), (300, None), (200, Some("B1")), (1, None)] {
        let number = trade.out_trade_no().unwrap();
        let found = given_back.requests_of(number, Fen::new(fen)).next();
        assert_eq!(found, expected.map(|expected| request(&trade, expected)), "{fen}");
    }
    let of_other = given_back.requests_of(other.out_trade_no().unwrap(), Fen::new(500)).next();
    assert_eq!(of_other, Some(request(&other, "F1")));
}
