//! After a debit was given up, what is owed is requested again once anything has changed.

use steelyard_billing::{DebitId, LastRequest, Mandate, MandateId};
use steelyard_pricing::Fen;

use crate::money::mandate_of;
use crate::payer::Payer;

/// A provider whose first debit, of ¥12.34, was given up.
fn gave_up() -> Payer {
    let mut payer = Payer::under(mandate_of(10_000, None));
    payer.charge(1_234, "2015-05-17 00:30");
    assert_eq!(payer.send("2015-05-17 10:00"), Some(1_234));
    payer.is_given_up("2015-05-17 10:05");
    assert_eq!((payer.stand(), payer.account.open_debit), ((0, 1_234, 0), None));
    payer
}

fn signed_again() -> Mandate {
    let agreement_no = Some("20155245559999".to_owned());
    Mandate { mandate: MandateId(2), agreement_no, ..mandate_of(10_000, None) }
}

#[test]
fn what_was_given_up_is_not_requested_again_while_nothing_changes() {
    let mut payer = gave_up();
    let (entries, mandate) = (payer.account.entries, payer.in_use());
    assert_eq!(payer.account.last_request, Some(LastRequest { entries, mandate }));
    for now in ["2015-05-17 10:06", "2015-05-18 00:30", "2015-06-18 00:30"] {
        assert!(!payer.request(now), "{now}");
    }
    // A statement of nothing moves nothing.
    payer.charge(0, "2015-05-18 00:30");
    payer.change_mandate(Some(mandate_of(10_000, None)), "2015-05-18 00:30");
    assert_eq!((payer.account.open_debit, payer.account.debits), (None, 1));
    assert!(payer.account.last_request.is_some());
}

#[test]
fn a_charge_requests_what_was_given_up_together_with_what_is_new() {
    let mut payer = gave_up();
    payer.charge(100, "2015-05-18 00:30");
    assert_eq!((payer.account.open_debit, &*payer.due()), (Some(DebitId(2)), "05-18 10:00"));
    assert_eq!(payer.send("2015-05-18 10:00"), Some(1_334));
    payer.is_paid("2015-05-18 10:00:02");
    assert_eq!((payer.account.last_request.as_ref(), payer.stand()), (None, (0, 0, 0)));
}

#[test]
fn a_payment_lets_the_next_run_request_what_is_left() {
    let mut payer = gave_up();
    payer.recharge(200, "2015-05-17 12:00");
    assert!(payer.request("2015-05-17 12:01"));
    assert_eq!(payer.send("2015-05-18 10:00"), Some(1_034));

    let mut payer = gave_up();
    payer.recharge(1_135, "2015-05-17 12:00");
    assert!(!payer.request("2015-05-17 12:01"), "less than the minimum is left");
}

#[test]
fn another_mandate_requests_what_was_given_up() {
    for mandate in [signed_again(), mandate_of(5_000, None), mandate_of(10_000, Some(5_000))] {
        let mut payer = gave_up();
        payer.change_mandate(Some(mandate.clone()), "2015-05-17 12:00");
        assert_eq!((payer.account.open_debit, &*payer.due()), (Some(DebitId(2)), "05-18 10:00"));
        assert_eq!(payer.send("2015-05-18 10:00"), Some(1_234));

        // The next run requests it as well, if the change was not reported.
        let mut payer = gave_up();
        payer.mandate = Some(mandate);
        assert!(payer.request("2015-05-18 00:30"));
    }
}

#[test]
fn the_same_mandate_after_it_was_suspended_and_resumed_requests_what_was_given_up() {
    let mut payer = gave_up();
    payer.change_mandate(None, "2015-05-17 10:05");
    assert_eq!((payer.account.open_debit, payer.account.last_request.as_ref()), (None, None));
    assert!(!payer.request("2015-05-18 00:30"), "no mandate is in use");
    payer.change_mandate(Some(mandate_of(10_000, None)), "2015-05-18 12:00");
    assert_eq!((payer.account.open_debit, &*payer.due()), (Some(DebitId(2)), "05-19 10:00"));
}

#[test]
fn a_mandate_that_allows_less_than_the_minimum_requests_nothing() {
    let mut payer = gave_up();
    payer.change_mandate(Some(mandate_of(99, None)), "2015-05-17 12:00");
    assert_eq!(payer.account.open_debit, None);
    payer.change_mandate(Some(mandate_of(100, None)), "2015-05-17 12:00");
    assert_eq!(payer.account.open_debit, Some(DebitId(2)));
}

#[test]
fn a_debit_given_up_again_waits_for_another_change() {
    let mut payer = gave_up();
    payer.charge(100, "2015-05-18 00:30");
    assert_eq!(payer.send("2015-05-18 10:00"), Some(1_334));
    payer.is_given_up("2015-05-18 10:05");
    assert!(!payer.request("2015-05-19 00:30"));
    payer.charge(100, "2015-05-19 00:30");
    assert_eq!(payer.account.open_debit, Some(DebitId(3)));
    assert_eq!(payer.account.figures.unreserved(), Ok(Fen::new(1_434)));
}

#[test]
fn a_charge_while_a_debit_was_open_requests_everything_after_it_was_given_up() {
    let mut payer = Payer::under(mandate_of(10_000, None));
    payer.charge(1_234, "2015-05-17 00:30");
    assert_eq!(payer.send("2015-05-17 10:00"), Some(1_234));
    payer.charge(1_000, "2015-05-18 00:30");
    payer.is_given_up("2015-05-18 10:00");
    assert_eq!(payer.stand(), (0, 2_234, 0));
    assert!(payer.request("2015-05-19 00:30"));
    assert_eq!(payer.send("2015-05-19 10:00"), Some(2_234));
    payer.is_given_up("2015-05-19 10:05");
    assert!(!payer.request("2015-05-20 00:30"), "nothing has changed since it was sent");
}

#[test]
fn another_mandate_while_a_debit_was_open_requests_it_again_after_it_was_given_up() {
    let mut payer = Payer::under(mandate_of(10_000, None));
    payer.charge(1_234, "2015-05-17 00:30");
    assert_eq!(payer.send("2015-05-17 10:00"), Some(1_234));
    payer.change_mandate(Some(signed_again()), "2015-05-17 12:00");
    payer.is_given_up("2015-05-18 10:00");
    assert!(payer.request("2015-05-19 00:30"));
    assert_eq!(payer.send("2015-05-19 10:00"), Some(1_234));
}

#[test]
fn what_a_limit_kept_back_is_not_requested_again_while_nothing_changes() {
    let mut payer = Payer::under(mandate_of(1_000, None));
    payer.charge(1_234, "2015-05-17 00:30");
    assert_eq!(payer.send("2015-05-17 10:00"), Some(1_000));
    payer.is_given_up("2015-05-20 10:00");
    assert!(!payer.request("2015-05-21 00:30"));
}
