//! Reversals.

use expect_test::expect;
use steelyard_billing::{Outcome, Reversal, ReversalPhase};
use steelyard_pricing::Fen;

use crate::common::at;
use crate::{DEBIT, NOW, number, shop, stored};

fn noticed() -> Reversal {
    Reversal::noticed(&shop(), number(DEBIT), DEBIT, at(NOW))
}

fn booked(fen: i64) -> Reversal {
    Reversal { phase: ReversalPhase::Booked { amount_fen: Fen::new(fen) }, ..noticed() }
}

#[test]
fn a_reversal_is_booked_once_and_with_one_amount() {
    for (reversal, fen, outcome) in [
        (noticed(), 500, Outcome::Changed(booked(500))),
        (booked(500), 500, Outcome::Unchanged),
        (booked(500), 499, Outcome::Contradicts),
        (booked(500), 501, Outcome::Contradicts),
    ] {
        assert_eq!(reversal.after_proof(Fen::new(fen)), outcome, "{:?} {fen}", reversal.phase);
    }
    assert_eq!((noticed().amount(), noticed().due_at()), (None, Some(at(NOW))));
    assert_eq!((booked(500).amount(), booked(500).due_at()), (Some(Fen::new(500)), None));
    assert_eq!(noticed().number(), number(DEBIT));
}

#[test]
fn a_reversal_of_unknown_amount_is_queried_at_once_and_then_less_and_less_often() {
    let mut reversal = noticed();
    assert_eq!(reversal.due_at(), Some(at(NOW)));
    let mut waits = Vec::new();
    let mut now = at(NOW);
    for _ in 0..8 {
        reversal = reversal.unconfirmed(now);
        let due = reversal.due_at().unwrap();
        waits.push((due - now).get_seconds() / 60);
        now = due;
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
    assert_eq!(reversal.amount(), None);
}

#[test]
fn a_reversal_in_every_phase_is_read_as_it_was_stored() {
    let queried = noticed().unconfirmed(at(NOW));
    let texts = [noticed(), queried, booked(1)].map(|reversal| stored(&reversal));
    expect![[r#"
        {"provider":"shop","out_trade_no":"SYk3x9ab_8d9001d32c6a703d_D7_1","out_request_no":"F1","of":{"debit":{"debit":7,"attempt":1}},"version":0,"due_at_s":1431828000,"noticed_at_s":1431828000,"phase":"noticed"}
        {"provider":"shop","out_trade_no":"SYk3x9ab_8d9001d32c6a703d_D7_1","out_request_no":"F1","of":{"debit":{"debit":7,"attempt":1}},"version":0,"due_at_s":1431828060,"retries":1,"noticed_at_s":1431828000,"phase":"noticed"}
        {"provider":"shop","out_trade_no":"SYk3x9ab_8d9001d32c6a703d_D7_1","out_request_no":"F1","of":{"debit":{"debit":7,"attempt":1}},"version":0,"due_at_s":1431828000,"noticed_at_s":1431828000,"phase":"booked","amount_fen":1}"#]]
    .assert_eq(&texts.join("\n"));
}
