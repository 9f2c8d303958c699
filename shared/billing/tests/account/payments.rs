//! What is paid in, and what a debit takes when it ends.

use steelyard_billing::{
    Account, AccountError, Debit, DebitId, GatewayCode, GivenUp, MandateInUse, Phase, StatementId,
};
use steelyard_pricing::Fen;

use crate::common::{at, mandate, terms};
use crate::money::{
    DebitExhausted, DebitPaid, NOW, Recharge, account, check, exhausted, moved, paid,
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
fn a_paid_debit_takes_its_amount_and_what_is_still_owed_gets_the_next() {
    check(&[
        ((0, 700, 700), DebitPaid, (0, 0, 0), "alipay 7.00, reserved -7.00"),
        ((300, 700, 700), DebitPaid, (300, 0, 0), "alipay 7.00, reserved -7.00"),
        ((0, 799, 700), DebitPaid, (0, 99, 0), "alipay 7.00, reserved -7.00"),
        (
            (0, 900, 700),
            DebitPaid,
            (0, 200, 200),
            "alipay 7.00, reserved -7.00, receivable -2.00, reserved 2.00, \
             opens 2 of 2.00",
        ),
        (
            (0, 25_000, 10_000),
            DebitPaid,
            (0, 15_000, 10_000),
            "alipay 100.00, reserved -100.00, receivable -100.00, reserved 100.00, \
             opens 2 of 100.00",
        ),
    ]);
}

#[test]
fn an_exhausted_debit_leaves_its_amount_owed_less_what_was_prepaid_meanwhile() {
    check(&[
        ((0, 700, 700), DebitExhausted, (0, 700, 0), "reserved -7.00, receivable 7.00"),
        ((0, 900, 700), DebitExhausted, (0, 900, 0), "reserved -7.00, receivable 7.00"),
        (
            (300, 700, 700),
            DebitExhausted,
            (0, 400, 0),
            "reserved -7.00, receivable 4.00, prepaid 3.00",
        ),
        ((700, 700, 700), DebitExhausted, (0, 0, 0), "reserved -7.00, prepaid 7.00"),
        ((900, 700, 700), DebitExhausted, (200, 0, 0), "reserved -7.00, prepaid 7.00"),
    ]);
}

#[test]
fn what_a_debit_found_dead_did_not_take_is_owed_again_and_collected_under_the_next_mandate() {
    let (before, open) = account((0, 700, 700));
    let given_up = GivenUp::MandateDead(GatewayCode("ACQ.AGREEMENT_INVALID".to_owned()));
    let dead = Debit { phase: Phase::Exhausted { given_up }, ..open.unwrap() };
    let ended = before.end_debit(&dead, None, &terms(), at(NOW)).unwrap();
    assert_eq!(ended.account.figures.unreserved(), Ok(Fen::new(700)), "it is owed again");
    assert_eq!(ended.opened, None);

    let charged = |mandate: Option<&MandateInUse>| {
        let day = "2015-05-18".parse().unwrap();
        let statement = StatementId { day, supplement: 0 };
        let charge = Fen::new(300);
        ended.account.charge(statement, charge, mandate, &terms(), at(NOW)).unwrap().opened
    };
    assert_eq!(charged(None), None);
    assert_eq!(charged(Some(&mandate())).map(|debit| debit.amount_fen), Some(Fen::new(1_000)));
}

#[test]
fn a_debit_ends_only_once_and_only_when_it_has_ended() {
    let (before, open) = account((0, 700, 700));
    let open = open.unwrap();
    let end = |account: &Account, debit: &Debit| {
        account.end_debit(debit, Some(&mandate()), &terms(), at(NOW)).map(|moved| moved.account)
    };
    assert_eq!(end(&before, &open), Err(AccountError::StillOpen(DebitId(1))));
    for ended in [paid(&open), exhausted(&open)] {
        let after = end(&before, &ended).unwrap();
        let refused = AccountError::NotTheOpenDebit { debit: DebitId(1), open: None };
        assert_eq!(end(&after, &ended), Err(refused), "twice");
    }
    let other = Debit { debit: DebitId(9), ..paid(&open) };
    let refused = AccountError::NotTheOpenDebit { debit: DebitId(9), open: Some(DebitId(1)) };
    assert_eq!(end(&before, &other), Err(refused), "another debit");
}

#[test]
fn a_debit_of_another_provider_or_amount_is_refused_though_its_number_is_the_same() {
    let (account, open) = account((0, 700, 700));
    let open = open.unwrap();
    let others = Debit { provider: "other".parse().unwrap(), ..open.clone() };
    let less = Debit { amount_fen: Fen::new(699), ..open.clone() };
    let more = Debit { amount_fen: Fen::new(701), ..open };
    for (name, debit) in [("another provider", others), ("less", less), ("more", more)] {
        for ended in [paid(&debit), exhausted(&debit)] {
            let refused = account.end_debit(&ended, Some(&mandate()), &terms(), at(NOW));
            assert!(refused.is_err(), "{name}: {refused:?}");
        }
    }
}

#[test]
fn paying_in_nothing_or_less_is_refused() {
    for fen in [0, -1, i64::MIN] {
        let (account, _) = account((0, 500, 0));
        let refused = moved(&account, None, Recharge(fen), None, &terms());
        assert_eq!(refused, Err(AccountError::NotAPayment(Fen::new(fen))));
    }
}
