//! Reversals.

use steelyard_billing::{Reversal, ReversalPhase};
use steelyard_pricing::Fen;

use crate::{DEBIT, NOW, at, check_stored, number, shop};

fn noticed() -> Reversal {
    Reversal::noticed(&shop(), number(DEBIT), DEBIT, at(NOW))
}

#[test]
fn a_reversal_is_booked_once() {
    let booked = noticed().booked(Fen::new(500)).unwrap();
    assert_eq!(booked.phase, ReversalPhase::Booked { amount_fen: Fen::new(500) });
    assert_eq!((booked.amount(), booked.due_at()), (Some(Fen::new(500)), None));
    assert_eq!(booked.booked(Fen::new(500)), None);
    assert_eq!(booked.booked(Fen::new(501)), None);
}

#[test]
fn a_reversal_of_unknown_amount_is_asked_about_at_once_and_then_less_and_less_often() {
    let mut reversal = noticed();
    assert_eq!(reversal.due_at(), Some(at(NOW)));
    let mut waits = Vec::new();
    let mut now = at(NOW);
    for _ in 0..8 {
        reversal = reversal.asked_in_vain(now);
        let due = reversal.due_at().unwrap();
        waits.push((due - now).get_seconds() / 60);
        now = due;
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
    assert_eq!(reversal.amount(), None);
}

#[test]
fn a_reversal_in_every_phase_is_read_as_it_was_stored() {
    check_stored(&noticed());
    check_stored(&noticed().booked(Fen::new(1)).unwrap());
}
