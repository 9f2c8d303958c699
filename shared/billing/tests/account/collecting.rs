//! When the amount of a debit is fixed, and what follows it.

use steelyard_billing::{Cause, DebitId};

use crate::common::at;
use crate::money::mandate_of;
use crate::payer::Payer;

/// A provider that owes ¥12.34, and whose debit is not sent yet.
fn owing() -> Payer {
    let mut payer = Payer::under(mandate_of(10_000, None));
    payer.charge(1_234, "2015-05-17 00:30");
    assert_eq!((payer.stand(), &*payer.due()), ((0, 1_234, 0), "05-17 10:00"));
    payer
}

#[test]
fn a_recharge_before_a_debit_is_first_sent_lowers_its_amount() {
    let mut payer = owing();
    payer.recharge(1_000, "2015-05-17 09:00");
    assert_eq!(payer.send("2015-05-17 10:00"), Some(234));
    assert_eq!(payer.stand(), (0, 234, 234));
}

#[test]
fn a_charge_before_a_debit_is_first_sent_raises_its_amount() {
    let mut payer = owing();
    payer.charge(1_000, "2015-05-17 09:00");
    assert_eq!(payer.account.debits, 1, "the open debit collects it");
    assert_eq!(payer.send("2015-05-17 10:00"), Some(2_234));
    assert_eq!(payer.stand(), (0, 2_234, 2_234));
}

#[test]
fn nothing_changes_the_amount_of_a_debit_that_was_sent() {
    let mut payer = owing();
    assert_eq!(payer.send("2015-05-17 10:00"), Some(1_234));
    payer.recharge(1_000, "2015-05-17 11:00");
    assert_eq!(payer.stand(), (1_000, 1_234, 1_234), "it never pays what a debit collects");
    payer.charge(3_000, "2015-05-18 00:30");
    assert_eq!(payer.stand(), (0, 3_234, 1_234));
    payer.is_declined("2015-05-17 10:00:02");
    assert_eq!(payer.send("2015-05-18 10:00"), Some(1_234), "the retry asks for the same");
    payer.is_paid("2015-05-18 10:00:02");
    assert_eq!(payer.stand(), (0, 2_000, 0));
    assert_eq!(payer.send("2015-05-18 10:00:02"), Some(2_000), "the next collects the rest");
}

#[test]
fn a_debit_is_withdrawn_when_less_than_the_minimum_is_owed_when_it_is_sent() {
    for paid_in in [1_135, 1_234, 5_000] {
        let mut payer = owing();
        payer.recharge(paid_in, "2015-05-17 09:00");
        let before = payer.account.clone();
        assert_eq!(payer.send("2015-05-17 10:00"), None);
        assert_eq!((payer.open.as_ref(), payer.account.open_debit), (None, None));
        assert_eq!(payer.account.figures, before.figures, "nothing moved");
        assert_eq!((payer.account.entries, payer.account.debits), (before.entries, 1));
        // The next charge opens the next debit.
        payer.charge(6_000, "2015-05-18 00:30");
        assert_eq!(payer.account.open_debit, Some(DebitId(2)));
        assert_eq!(payer.due(), "05-18 10:00");
    }
    let mut payer = owing();
    payer.recharge(1_134, "2015-05-17 09:00");
    assert_eq!(payer.send("2015-05-17 10:00"), Some(100), "the minimum is collected");
}

#[test]
fn a_debit_that_follows_a_paid_one_is_due_on_the_same_day() {
    for (paid_at, due) in [
        // The answer came in the night, from a query: not before the time of day.
        ("2015-05-17 00:40", "05-17 10:00"),
        ("2015-05-17 10:00:05", "05-17 10:00"),
        ("2015-05-17 15:20", "05-17 15:20"),
        ("2015-05-17 23:59", "05-17 23:59"),
    ] {
        let mut payer = Payer::under(mandate_of(1_000, None));
        payer.charge(1_234, "2015-05-16 00:30");
        assert_eq!(payer.send("2015-05-16 10:00"), Some(1_000));
        payer.is_paid(paid_at);
        assert_eq!(payer.due(), due);
        let due_at = payer.open.as_ref().unwrap().task.due_at_s;
        assert!(due_at >= at(paid_at), "{paid_at}");
        assert_eq!(payer.send(paid_at), Some(234));
    }
}

#[test]
fn any_other_debit_is_due_when_debits_next_fall_due() {
    for (opened_at, due) in [
        ("2015-05-17 00:30", "05-17 10:00"),
        ("2015-05-17 10:00", "05-17 10:00"),
        ("2015-05-17 10:00:01", "05-18 10:00"),
    ] {
        let mut charged = Payer::under(mandate_of(1_000, None));
        charged.charge(1_234, opened_at);
        assert_eq!(charged.due(), due, "after a charge");

        let mut signed = Payer::under(mandate_of(1_000, None));
        signed.mandate = None;
        signed.charge(1_234, "2015-05-16 00:30");
        assert!(!signed.request(opened_at), "there is no mandate");
        signed.change_mandate(Some(mandate_of(1_000, None)), opened_at);
        assert_eq!(signed.due(), due, "after a signature");
    }
}

#[test]
fn debits_are_numbered_from_1_without_a_gap_whatever_the_number_of_entries_is() {
    let mut payer = Payer::under(mandate_of(1_000, None));
    payer.charge(2_500, "2015-05-17 00:30");
    let mut sent = Vec::new();
    for debit in 1..=3 {
        assert_eq!(payer.account.open_debit, Some(DebitId(debit)));
        sent.extend(payer.send("2015-05-17 10:00"));
        payer.is_paid("2015-05-17 10:00:05");
    }
    assert_eq!((sent, payer.stand()), (vec![1_000, 1_000, 500], (0, 0, 0)));
    let causes = payer.journal.iter().map(|entry| match &entry.record().cause {
        Cause::Charged { .. } => "charged".to_owned(),
        Cause::DebitSent { debit } => format!("sent {debit}"),
        Cause::DebitPaid { debit, .. } => format!("paid {debit}"),
        cause @ (Cause::DebitGivenUp { .. }
        | Cause::Recharged { .. }
        | Cause::RechargePaid { .. }
        | Cause::DebitFound { .. }
        | Cause::RefundAsked(_)
        | Cause::RefundDone(_)
        | Cause::RefundRefused(_)
        | Cause::Reversed(_)
        | Cause::Deposit(_)) => unreachable!("{cause:?}"),
    });
    let expected = ["charged", "sent 1", "paid 1", "sent 2", "paid 2", "sent 3", "paid 3"];
    assert_eq!(causes.collect::<Vec<_>>(), expected);
}
