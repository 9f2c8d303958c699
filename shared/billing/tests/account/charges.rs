//! What a charge does: prepaid money pays first, and the rest gets a debit where one is due.

use steelyard_billing::{DebitRules, MandateInUse};
use steelyard_pricing::Fen;

use crate::common::{mandate, rules};
use crate::money::{Charge, DebitPaid, check, check_under};

#[test]
fn a_charge_is_paid_from_what_is_prepaid_and_the_rest_gets_a_debit() {
    check(&[
        ((0, 0, 0), Charge(0), (0, 0, 0), ""),
        ((500, 0, 0), Charge(0), (500, 0, 0), ""),
        ((500, 0, 0), Charge(200), (300, 0, 0), "revenue -2.00, prepaid 2.00"),
        ((500, 0, 0), Charge(500), (0, 0, 0), "revenue -5.00, prepaid 5.00"),
        (
            (500, 0, 0),
            Charge(700),
            (0, 200, 0),
            "revenue -7.00, prepaid 5.00, receivable 2.00, opens 2",
        ),
        ((0, 0, 0), Charge(700), (0, 700, 0), "revenue -7.00, receivable 7.00, opens 2"),
    ]);
}

#[test]
fn a_debit_is_opened_when_what_is_owed_reaches_the_minimum_and_reserves_nothing_yet() {
    check(&[
        ((0, 0, 0), Charge(99), (0, 99, 0), "revenue -0.99, receivable 0.99"),
        ((0, 0, 0), Charge(100), (0, 100, 0), "revenue -1.00, receivable 1.00, opens 2"),
        ((0, 99, 0), Charge(1), (0, 100, 0), "revenue -0.01, receivable 0.01, opens 2"),
        // What is owed above the limit of one debit waits for the next.
        ((0, 0, 0), Charge(10_001), (0, 10_001, 0), "revenue -100.01, receivable 100.01, opens 2"),
    ]);
}

#[test]
fn a_mandate_that_allows_less_than_the_minimum_gets_no_debit() {
    for limit in [0, 99] {
        let mandate = MandateInUse { limit_fen: Fen::new(limit), ..mandate() };
        check_under(
            Some(&mandate),
            &rules(),
            &[((0, 0, 0), Charge(500), (0, 500, 0), "revenue -5.00, receivable 5.00")],
        );
    }
}

#[test]
fn a_provider_without_a_mandate_is_charged_by_an_entry_and_gets_no_debit() {
    let rows = [
        ((0, 0, 0), Charge(700), (0, 700, 0), "revenue -7.00, receivable 7.00"),
        ((500, 0, 0), Charge(700), (0, 200, 0), "revenue -7.00, prepaid 5.00, receivable 2.00"),
        ((0, 50, 0), Charge(-300), (250, 0, 0), "revenue 3.00, receivable -0.50, prepaid -2.50"),
        ((0, 900, 700), DebitPaid, (0, 200, 0), "alipay 7.00, reserved -7.00"),
    ];
    check_under(None, &rules(), &rows);
}

#[test]
fn a_debit_of_nothing_is_never_opened_even_without_a_minimum() {
    let rules = DebitRules { minimum_fen: Fen::ZERO, ..rules() };
    check_under(
        Some(&mandate()),
        &rules,
        &[
            ((500, 0, 0), Charge(200), (300, 0, 0), "revenue -2.00, prepaid 2.00"),
            ((0, 700, 700), DebitPaid, (0, 0, 0), "alipay 7.00, reserved -7.00"),
            ((0, 0, 0), Charge(1), (0, 1, 0), "revenue -0.01, receivable 0.01, opens 2"),
        ],
    );
}

#[test]
fn no_second_debit_is_opened_while_one_is_open() {
    check(&[
        ((0, 700, 700), Charge(500), (0, 1_200, 700), "revenue -5.00, receivable 5.00"),
        ((0, 900, 700), Charge(500), (0, 1_400, 700), "revenue -5.00, receivable 5.00"),
        ((300, 700, 700), Charge(200), (100, 700, 700), "revenue -2.00, prepaid 2.00"),
        (
            (300, 700, 700),
            Charge(500),
            (0, 900, 700),
            "revenue -5.00, prepaid 3.00, receivable 2.00",
        ),
    ]);
}

#[test]
fn a_credit_pays_what_is_owed_first_and_the_rest_is_prepaid() {
    check(&[
        ((0, 0, 0), Charge(-300), (300, 0, 0), "revenue 3.00, prepaid -3.00"),
        ((500, 0, 0), Charge(-300), (800, 0, 0), "revenue 3.00, prepaid -3.00"),
        ((0, 50, 0), Charge(-20), (0, 30, 0), "revenue 0.20, receivable -0.20"),
        ((0, 50, 0), Charge(-300), (250, 0, 0), "revenue 3.00, receivable -0.50, prepaid -2.50"),
        ((0, 700, 700), Charge(-300), (300, 700, 700), "revenue 3.00, prepaid -3.00"),
        (
            (0, 900, 700),
            Charge(-300),
            (100, 700, 700),
            "revenue 3.00, receivable -2.00, prepaid -1.00",
        ),
    ]);
}
