//! Proof of a payment: a notification, or a row of a bill, may come at any time and for any
//! attempt.

use steelyard_billing::{Debit, Outcome, PayAnswer, Payment, Phase, ProvedPaid};

use crate::common::at;
use crate::inputs::{
    AMOUNT, Input, NOW, after, after_all, code, every_phase, in_phase, other_trade, paid_fen,
    query_closed, sent, then,
};

/// What proof that an attempt was paid does.
fn proved(debit: &Debit, attempt: u16, payment: &Payment) -> &'static str {
    match debit.after_proof(attempt, payment, at(NOW)) {
        Outcome::Changed(ProvedPaid::Debit(paid)) => {
            assert_eq!((paid.payment(), paid.due_at()), (Some(payment), None));
            assert_eq!(paid.phase, Phase::Paid { attempt, at_s: at(NOW) });
            let others = |debit: &Debit| debit.found_payments().count();
            assert_eq!(others(&paid), others(debit));
            "pays"
        }
        Outcome::Changed(ProvedPaid::Found(found)) => {
            assert!(found.found_payments().any(|known| known == (attempt, payment)));
            assert_eq!(found.found_payments().count(), debit.found_payments().count() + 1);
            let rest = |debit: &Debit| (debit.phase.clone(), debit.task, debit.reserved());
            assert_eq!(rest(&found), rest(debit), "the debit goes on as before");
            "found"
        }
        Outcome::Unchanged => "unchanged",
        Outcome::Contradicts => "contradicts",
    }
}

#[test]
fn proof_of_a_payment_in_every_phase_pays_is_found_money_or_contradicts() {
    let (none, pays) = ("contradicts", "pays");
    let rows = [
        ("due", [none, none]),
        ("due, declined", [pays, none]),
        ("sending", [pays, none]),
        ("sending, 1 decline", [pays, none]),
        ("sending, 2 declines", [pays, none]),
        ("sending, 6 windows", [pays, none]),
        ("sending, trouble", [pays, none]),
        ("sending again", [pays, none]),
        ("in doubt", [pays, none]),
        ("in doubt twice", [pays, none]),
        ("checking", [pays, none]),
        ("closing", [pays, none]),
        ("confirming", [pays, none]),
        ("closing again", [pays, none]),
        ("mandate dead", [pays, none]),
        ("confirming, unanswered", [pays, none]),
        ("held", [pays, none]),
        ("rechecking", [pays, none]),
        ("held, rechecked", [pays, none]),
        ("paid", ["unchanged", none]),
        ("given up", ["found", none]),
        ("given up, found", ["unchanged", none]),
        ("withdrawn", [none, none]),
        // Nothing else is asked for yet, so that the closed one can pay after all.
        ("due, second", [pays, none]),
        ("sending, second", ["found", pays]),
        ("paid by the second", ["found", "unchanged"]),
        ("held, second", ["found", pays]),
    ];
    let phases: Vec<_> = every_phase().into_iter().map(|(phase, _)| phase).collect();
    assert_eq!(rows.map(|(phase, _)| phase).to_vec(), phases, "a row for every phase");
    for (name, outcomes) in rows {
        let debit = in_phase(name);
        assert_eq!([1, 2].map(|n| proved(&debit, n, &paid_fen(1234))), outcomes, "{name}");
        for attempt in [1, 2] {
            for fen in [0, 1, 1233, 1235, -1234] {
                assert_eq!(proved(&debit, attempt, &paid_fen(fen)), none, "{name} {fen}");
            }
        }
        for attempt in [0, 3, u16::MAX] {
            assert_eq!(proved(&debit, attempt, &paid_fen(1234)), none, "{name} {attempt}");
        }
    }
}

#[test]
fn proof_of_one_attempt_by_two_trades_contradicts() {
    for (name, attempt) in [("paid", 1), ("paid by the second", 2), ("given up, found", 1)] {
        assert_eq!(proved(&in_phase(name), attempt, &other_trade()), "contradicts", "{name}");
    }
}

#[test]
fn found_money_does_not_pay_the_debit_and_is_found_once() {
    let second = in_phase("sending, second");
    let found = then(&second, &[(NOW, Input::Proved(1, paid_fen(1234)))]);
    assert_eq!(found.phase, Phase::Sending, "the second attempt is still asked for");
    assert_eq!((found.payment(), found.reserved()), (None, AMOUNT));
    let again = after(&found, &Input::Proved(1, paid_fen(1234)), at(NOW)).unwrap();
    assert_eq!(again, found, "known");

    // The second, too, may turn out to be paid after it was closed: then no third is asked for.
    let closed = then(&found, &[(NOW, query_closed())]);
    let paid = then(&closed, &[(NOW, Input::Proved(2, other_trade()))]);
    assert_eq!((paid.is_open(), paid.payment()), (false, Some(&other_trade())));
    assert_eq!(paid.paid_attempt().unwrap().out_trade_no, second.attempts[1].out_trade_no);
    let found = [(1, &paid_fen(1234))];
    assert!(paid.found_payments().eq(found));
}

#[test]
fn both_attempts_of_a_debit_that_was_given_up_may_turn_out_to_be_paid() {
    let given_up = after_all(&[
        sent(NOW),
        (NOW, query_closed()),
        (NOW, Input::Sent("second")),
        (NOW, Input::Pay(PayAnswer::MandateDead(code()))),
        (NOW, query_closed()),
    ]);
    let (one, two) = (paid_fen(1234), other_trade());
    let found = then(&given_up, &[(NOW, Input::Proved(2, two.clone()))]);
    let found = then(&found, &[(NOW, Input::Proved(1, one.clone()))]);
    assert_eq!((&found.phase, found.payment()), (&given_up.phase, None));
    assert!(found.found_payments().eq([(1, &one), (2, &two)]));
}
