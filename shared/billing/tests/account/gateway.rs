//! What moves through Alipay beside the open debit.

use steelyard_billing::AccountError;
use steelyard_pricing::Fen;

use crate::common::{mandate, terms};
use crate::money::*;

#[test]
fn a_recharge_through_alipay_and_found_money_pay_what_is_owed_and_the_rest_is_prepaid() {
    let movements: [fn(i64) -> Move; 2] = [RechargePaid, DebitFound];
    for movement in movements {
        check(&[
            ((0, 0, 0), movement(300), (300, 0, 0), "alipay 3.00, prepaid -3.00"),
            ((0, 500, 0), movement(300), (0, 200, 0), "alipay 3.00, receivable -3.00"),
            (
                (0, 900, 700),
                movement(300),
                (100, 700, 700),
                "alipay 3.00, receivable -2.00, prepaid -1.00",
            ),
        ]);
    }
}

#[test]
fn a_refund_of_a_recharge_is_taken_from_what_is_prepaid_and_set_aside_until_it_is_done() {
    check(&[
        ((300, 0, 0), RefundAsked(300), (0, 0, 0), "prepaid 3.00, refunding -3.00"),
        ((300, 700, 700), RefundAsked(200), (100, 700, 700), "prepaid 2.00, refunding -2.00"),
        ((0, 0, 0), RefundDone(300), (0, 0, 0), "refunding 3.00, alipay -3.00"),
        ((0, 0, 0), RefundRefused(300), (300, 0, 0), "refunding 3.00, prepaid -3.00"),
        // What was charged meanwhile is paid from it.
        (
            (0, 100, 0),
            RefundRefused(300),
            (200, 0, 0),
            "refunding 3.00, receivable -1.00, prepaid -2.00",
        ),
    ]);
}

#[test]
fn a_refund_of_a_debit_is_a_gift_that_leaves_the_account_as_it_is() {
    check(&[
        ((300, 0, 0), GiftAsked(500), (300, 0, 0), "goodwill 5.00, refunding -5.00"),
        ((0, 900, 700), GiftDone(500), (0, 900, 700), "refunding 5.00, alipay -5.00"),
        ((0, 900, 700), GiftRefused(500), (0, 900, 700), "refunding 5.00, goodwill -5.00"),
    ]);
}

#[test]
fn what_alipay_gives_back_without_our_asking_is_owed_again() {
    check(&[
        ((0, 0, 0), Reversed(500), (0, 500, 0), "alipay -5.00, receivable 5.00"),
        ((0, 900, 700), Reversed(500), (0, 1_400, 700), "alipay -5.00, receivable 5.00"),
        ((600, 0, 0), Reversed(500), (100, 0, 0), "alipay -5.00, prepaid 5.00"),
        ((200, 0, 0), Reversed(500), (0, 300, 0), "alipay -5.00, prepaid 2.00, receivable 3.00"),
    ]);
}

#[test]
fn no_more_is_given_back_of_a_recharge_than_is_prepaid() {
    let (account, _) = account((299, 0, 0));
    let refused = moved(&account, None, RefundAsked(300), Some(&mandate()), &terms());
    let used = AccountError::Used { amount: Fen::new(300), prepaid: Fen::new(299) };
    assert_eq!(refused, Err(used));
}

#[test]
fn nothing_moves_for_an_amount_that_is_not_more_than_nothing() {
    for movement in [RechargePaid(0), DebitFound(-1), RefundAsked(0), GiftAsked(-1), Reversed(0)] {
        let (account, _) = account((0, 500, 0));
        let refused = moved(&account, None, movement, Some(&mandate()), &terms());
        assert!(matches!(refused, Err(AccountError::NotAPayment(_))), "{movement:?}");
    }
}
