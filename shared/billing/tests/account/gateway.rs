//! What moves through Alipay beside the open debit.

use steelyard_billing::mandate::MandateLimits;
use steelyard_billing::{Account, AccountError, ExternalAgreementNo, MandateId, RechargeId};
use steelyard_pricing::Fen;

use crate::agreement::agreement;
use crate::common::{at, mandate, provider, rules};
use crate::money::*;
use crate::realm::realm;

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
fn a_refund_of_a_recharge_or_of_found_money_is_taken_from_what_is_prepaid_until_it_is_done() {
    check(&[
        ((300, 0, 0), RefundAsked(300), (0, 0, 0), "prepaid 3.00, refunding -3.00"),
        ((300, 0, 0), FoundAsked(300), (0, 0, 0), "prepaid 3.00, refunding -3.00"),
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
fn no_more_is_given_back_of_a_recharge_or_of_found_money_than_is_prepaid() {
    for movement in [RefundAsked(300), FoundAsked(300)] {
        let (account, _) = account((299, 0, 0));
        let refused = moved(&account, None, movement, Some(&mandate()), &rules());
        let used = AccountError::Used { amount: Fen::new(300), prepaid: Fen::new(299) };
        assert_eq!(refused, Err(used), "{movement:?}");
    }
}

#[test]
fn nothing_moves_for_an_amount_that_is_not_more_than_nothing() {
    for movement in
        [RechargePaid(0), DebitFound(-1), RefundAsked(0), FoundAsked(0), GiftAsked(-1), Reversed(0)]
    {
        let (account, _) = account((0, 500, 0));
        let refused = moved(&account, None, movement, Some(&mandate()), &rules());
        assert!(matches!(refused, Err(AccountError::NotAPayment(_))), "{movement:?}");
    }
}

#[test]
fn recharges_and_mandates_are_numbered_by_the_account_and_move_nothing() {
    let mut account = Account::new(&provider());
    let limits = MandateLimits { single_fen: Fen::new(10_000), daily_fen: None };
    for number in 1..=3 {
        let (recharge, moved) = account.offer_recharge(&realm(), Fen::new(100), at(NOW)).unwrap();
        assert_eq!(recharge.recharge, RechargeId(number));
        let name = format!("SYk3x9ab_8d9001d32c6a703d_R{number}");
        assert_eq!(recharge.out_trade_no.as_str(), name);
        check_movement(&account, &moved);
        assert_eq!((moved.account.recharges, note(&moved)), (number, String::new()));

        let before = moved.account;
        let (mandate, moved) = before.offer_mandate(&realm(), limits, at(NOW)).unwrap();
        let external = mandate.external_agreement_no.as_ref().map(ExternalAgreementNo::as_str);
        let id = 2 * number - 1;
        assert_eq!(external, Some(&*format!("SYk3x9ab8d9001d32c6a703dM{id}")));
        check_movement(&before, &moved);
        assert_eq!((mandate.mandate, moved.account.mandates), (MandateId(id), id));

        let signed_elsewhere = agreement("20155245550001");
        let (adopted, after) =
            moved.account.adopt_mandate(signed_elsewhere, limits, at(NOW)).unwrap();
        assert_eq!((adopted.mandate, after.mandates), (MandateId(2 * number), 2 * number));
        account = after;
    }
    assert_eq!((account.entries, account.debits), (0, 0));
}
