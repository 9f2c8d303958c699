//! Movements through Alipay beside the debits that the journal lacks, or has otherwise.

use steelyard_billing::{RechargePhase, RefundPhase, ReversalPhase};
use steelyard_pricing::Fen;

use crate::debits::debit;
use crate::keeper::{honest, through_alipay};
use crate::{Canary, a_fen_more, breaches, check_on};

pub(crate) const CANARIES: &[Canary] = &[
    (
        "a recharge is of a fen more",
        |keeper| a_fen_more(&mut keeper.books.recharges[0].amount_fen),
        &["Gateway"],
    ),
    (
        "a recharge that was paid lapsed",
        |keeper| keeper.books.recharges[0].phase = RechargePhase::Lapsed,
        &["Gateway"],
    ),
    (
        "a recharge is stored twice",
        |keeper| keeper.books.recharges.extend(keeper.books.recharges.clone()),
        &["Gateway"],
    ),
    (
        "found money is not in the debit",
        |keeper| debit(keeper, 2).attempts[0].payment = None,
        &["Gateway"],
    ),
    (
        "a refund that was done is in doubt",
        |keeper| keeper.books.refunds[0].phase = RefundPhase::Sending,
        &["Gateway", "Unfiled"],
    ),
    (
        "a refund that was refused is done",
        |keeper| keeper.books.refunds[1].phase = RefundPhase::Done,
        &["Gateway", "FiledInVain"],
    ),
    ("a refund is gone", |keeper| keeper.books.refunds.truncate(2), &["Gateway", "FiledInVain"]),
    (
        "a reversal is of another amount",
        |keeper| {
            keeper.books.reversals[0].phase = ReversalPhase::Booked { amount_fen: Fen::new(1) };
        },
        &["Gateway"],
    ),
    (
        "a recharge is another provider's",
        |keeper| keeper.books.recharges[0].provider = "other".parse().unwrap(),
        &["Foreign"],
    ),
    (
        "a refund is another provider's",
        |keeper| keeper.books.refunds[0].provider = "other".parse().unwrap(),
        &["Foreign"],
    ),
    (
        "a reversal is another provider's",
        |keeper| keeper.books.reversals[0].provider = "other".parse().unwrap(),
        &["Foreign"],
    ),
];

#[test]
fn books_with_every_movement_through_alipay_are_in_order() {
    let keeper = through_alipay();
    assert_eq!(breaches(&keeper), []);
    assert_eq!(keeper.books.journal.len(), honest().books.journal.len() + 8);
}

#[test]
fn what_moved_through_alipay_is_told_once_by_its_record_and_once_by_the_journal() {
    check_on(through_alipay, CANARIES);
}
