//! What is paid in, and what a debit does when it is sent and when it ends.

use steelyard_billing::{
    Account, AccountError, Debit, DebitId, DebitTerms, Doubt, Movement, PayAnswer,
};
use steelyard_pricing::Fen;

use crate::common::{at, mandate, rules};
use crate::debits::sending;
use crate::money::{
    DebitGivenUp, DebitPaid, DebitSent, DebitWithdrawn, NOW, Recharge, account, check,
    check_movement, given_up, moved, note, paid, stand, unsent,
};

#[test]
fn a_recharge_pays_what_no_debit_is_collecting_and_the_rest_is_prepaid() {
    check(&[
        ((0, 0, 0), Recharge(300), (300, 0, 0), "bank 3.00, prepaid -3.00"),
        ((0, 500, 0), Recharge(300), (0, 200, 0), "bank 3.00, receivable -3.00"),
        ((0, 500, 0), Recharge(500), (0, 0, 0), "bank 5.00, receivable -5.00"),
        ((0, 500, 0), Recharge(600), (100, 0, 0), "bank 6.00, receivable -5.00, prepaid -1.00"),
    ]);
}

#[test]
fn money_that_arrives_while_a_debit_is_open_never_pays_what_it_collects() {
    check(&[
        ((0, 700, 700), Recharge(300), (300, 700, 700), "bank 3.00, prepaid -3.00"),
        ((0, 700, 700), Recharge(9_000), (9_000, 700, 700), "bank 90.00, prepaid -90.00"),
        ((0, 900, 700), Recharge(150), (0, 750, 700), "bank 1.50, receivable -1.50"),
        (
            (0, 900, 700),
            Recharge(300),
            (100, 700, 700),
            "bank 3.00, receivable -2.00, prepaid -1.00",
        ),
    ]);
}

#[test]
fn a_debit_reserves_its_amount_when_it_is_first_sent() {
    for (owed, sent) in [(100, 100), (700, 700), (700, 500), (700, 1)] {
        let (before, open) = unsent(owed);
        let moved = moved(&before, Some(&open), DebitSent(sent), Some(&mandate()), &rules());
        let moved = moved.unwrap();
        check_movement(&before, &moved);
        assert_eq!(stand(&moved.account.figures), (0, owed, sent));
        let amount = Fen::new(sent);
        assert_eq!(note(&moved), format!("receivable -{amount}, reserved {amount}"));
        assert_eq!(moved.account.open_debit, Some(DebitId(2)));
    }
}

#[test]
fn a_debit_is_sent_for_the_first_time_once_and_for_no_more_than_is_owed() {
    let (before, open) = unsent(700);
    let send = |account: &Account, debit: &Debit| {
        account.debit_sent(debit, None, at(NOW)).map(|moved| moved.account)
    };
    let sent = sending(&open, Fen::new(700), at(NOW));
    let after = send(&before, &sent).unwrap();
    let not_open = |debit, open| AccountError::NotTheOpenDebit { debit: DebitId(debit), open };
    assert_eq!(send(&after, &sent), Err(not_open(2, Some(DebitId(2)))), "twice");

    let unsent_refused = Err(AccountError::NotFirstSent(DebitId(2)));
    assert_eq!(send(&before, &open), unsent_refused, "it is not being sent");
    let doubt = PayAnswer::InDoubt(Doubt("x".to_owned()));
    let doubted = sent.after_pay(doubt, &rules(), at(NOW)).unwrap();
    assert_eq!(send(&before, &doubted), unsent_refused, "it was sent before");
    let nothing = sending(&open, Fen::ZERO, at(NOW));
    assert_eq!(send(&before, &nothing), unsent_refused, "it asks for nothing");

    let other = Debit { debit: DebitId(9), ..sent.clone() };
    assert_eq!(send(&before, &other), Err(not_open(9, Some(DebitId(2)))), "another debit");
    let others = Debit { provider: "other".parse().unwrap(), ..sent };
    assert_eq!(send(&before, &others), Err(not_open(2, Some(DebitId(2)))), "another provider's");
    let more = send(&before, &sending(&open, Fen::new(701), at(NOW)));
    assert!(matches!(more, Err(AccountError::Rules { .. })), "{more:?}");
}

#[test]
fn a_paid_debit_takes_its_amount_and_what_is_still_owed_gets_the_next() {
    check(&[
        ((0, 700, 700), DebitPaid, (0, 0, 0), "alipay 7.00, reserved -7.00"),
        ((300, 700, 700), DebitPaid, (300, 0, 0), "alipay 7.00, reserved -7.00"),
        ((0, 799, 700), DebitPaid, (0, 99, 0), "alipay 7.00, reserved -7.00"),
        ((0, 800, 700), DebitPaid, (0, 100, 0), "alipay 7.00, reserved -7.00, opens 2"),
        (
            (0, 25_000, 10_000),
            DebitPaid,
            (0, 15_000, 0),
            "alipay 100.00, reserved -100.00, opens 2",
        ),
    ]);
}

#[test]
fn a_debit_that_is_given_up_leaves_its_amount_owed_less_what_was_prepaid_meanwhile() {
    check(&[
        ((0, 700, 700), DebitGivenUp, (0, 700, 0), "reserved -7.00, receivable 7.00"),
        ((0, 900, 700), DebitGivenUp, (0, 900, 0), "reserved -7.00, receivable 7.00"),
        (
            (300, 700, 700),
            DebitGivenUp,
            (0, 400, 0),
            "reserved -7.00, receivable 4.00, prepaid 3.00",
        ),
        ((700, 700, 700), DebitGivenUp, (0, 0, 0), "reserved -7.00, prepaid 7.00"),
        ((900, 700, 700), DebitGivenUp, (200, 0, 0), "reserved -7.00, prepaid 7.00"),
    ]);
}

#[test]
fn a_withdrawn_debit_moves_nothing() {
    let (before, open) = unsent(700);
    let moved = moved(&before, Some(&open), DebitWithdrawn, Some(&mandate()), &rules()).unwrap();
    check_movement(&before, &moved);
    assert_eq!(note(&moved), "");
    assert_eq!(moved.account, Account { open_debit: None, ..before });
}

#[test]
fn a_debit_ends_only_once_and_only_when_it_has_ended() {
    let (before, open) = account((0, 700, 700));
    let open = open.unwrap();
    let end = |account: &Account, debit: &Debit| {
        account.end_debit(debit, Some(&mandate()), &rules(), at(NOW)).map(|moved| moved.account)
    };
    assert_eq!(end(&before, &open), Err(AccountError::StillOpen(DebitId(1))));
    for ended in [paid(&open, at(NOW)), given_up(&open, at(NOW))] {
        let after = end(&before, &ended).unwrap();
        let refused = AccountError::NotTheOpenDebit { debit: DebitId(1), open: None };
        assert_eq!(end(&after, &ended), Err(refused), "twice");
    }
    let other = Debit { debit: DebitId(9), ..paid(&open, at(NOW)) };
    let refused = AccountError::NotTheOpenDebit { debit: DebitId(9), open: Some(DebitId(1)) };
    assert_eq!(end(&before, &other), Err(refused), "another debit");

    let (before, open) = unsent(700);
    assert_eq!(end(&before, &open), Err(AccountError::StillOpen(DebitId(2))));
    let after = end(&before, &open.withdrawn().unwrap()).unwrap();
    let refused = AccountError::NotTheOpenDebit { debit: DebitId(2), open: None };
    assert_eq!(end(&after, &open.withdrawn().unwrap()), Err(refused), "twice");
}

#[test]
fn a_debit_of_another_provider_or_amount_is_refused_though_its_number_is_the_same() {
    let (account, open) = account((0, 700, 700));
    let open = open.unwrap();
    let others = Debit { provider: "other".parse().unwrap(), ..open.clone() };
    let of_amount = |fen| {
        let terms = open.terms.clone().map(|t| DebitTerms { amount_fen: Fen::new(fen), ..t });
        Debit { terms, ..open.clone() }
    };
    for (name, debit) in
        [("another provider", others), ("less", of_amount(699)), ("more", of_amount(701))]
    {
        for ended in [paid(&debit, at(NOW)), given_up(&debit, at(NOW))] {
            let refused: Result<Movement, _> =
                account.end_debit(&ended, Some(&mandate()), &rules(), at(NOW));
            let not_open =
                AccountError::NotTheOpenDebit { debit: DebitId(1), open: Some(DebitId(1)) };
            assert_eq!(refused, Err(not_open), "{name}");
        }
    }
}

#[test]
fn paying_in_nothing_or_less_is_refused() {
    for fen in [0, -1, i64::MIN] {
        let (account, _) = account((0, 500, 0));
        let refused = moved(&account, None, Recharge(fen), None, &rules());
        assert_eq!(refused, Err(AccountError::NotAPayment(Fen::new(fen))));
    }
}
