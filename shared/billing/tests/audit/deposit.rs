//! A deposit that differs between journal and account, and money that is taken from it
//! by what may not touch it.

use jiff::Timestamp;
use steelyard_billing::{
    Cause, DebitId, DepositMovement, DepositPayment, DrawReason, Entry, EntryRecord, GatewayCode,
    Ledger, OutRequestNo, Outcome, Payment, Posting, Reason, Recharge, RechargePurpose, Reference,
    Refund, RefundAnswer, RefundFrom, Reversal, TradeOf,
};
use steelyard_pricing::Fen;

use crate::common::{at, provider};
use crate::keeper::{Gateway, Keeper, PLAN, day, refund_number};
use crate::realm::realm;
use crate::{Canary, a_fen_more, breaches, check_on};

/// A payment of the deposit through Alipay, or another recharge.
fn pay(keeper: &mut Keeper, purpose: RechargePurpose, fen: i64, now: Timestamp) -> Recharge {
    let offered = keeper.books.account.offer_recharge(&realm(), Fen::new(fen), now);
    let (offered, counted) = offered.unwrap();
    keeper.keep(counted, now);
    let id = offered.recharge;
    let payment = Payment { trade_no: format!("R{id}"), amount_fen: Fen::new(fen) };
    let Outcome::Changed(paid) = offered.for_purpose(purpose).after_proof(&payment) else {
        panic!("it is new")
    };
    keeper.books.recharges.push(paid.clone());
    let account = &keeper.books.account;
    let movement = match purpose {
        RechargePurpose::Prepaid => account.recharge_paid(id, &payment, now),
        RechargePurpose::Deposit => account.deposit_paid(id, &payment, now),
    };
    keeper.keep(movement.unwrap(), now);
    paid
}

/// Returns the deposit through Alipay, which answers so.
fn give_back(
    keeper: &mut Keeper,
    (request, most): (&str, i64),
    payment: &Recharge,
    rest: i64,
    answer: &RefundAnswer,
    now: Timestamp,
) {
    let (request, reason) =
        (OutRequestNo::parse(request).unwrap(), Reason::new("it leaves").unwrap());
    let payment =
        DepositPayment { recharge: payment.clone(), rest_fen: Fen::new(rest), is_refused: false };
    let (account, today) = (&keeper.books.account, day("2015-06-02"));
    let most = Some(Fen::new(most));
    let returned =
        account.return_deposit(most, &[payment], (&request, &reason), today, now).unwrap();
    returned.drawn.into_iter().for_each(|drawn| keeper.keep(drawn, now));
    for (refund, movement) in returned.refunds {
        keeper.keep(movement, now);
        keeper.send_refund(&refund, answer, now);
    }
}

/// Books in which a deposit was paid, drawn and returned in every way: 30.00 through Alipay and
/// 10.00 by a transfer; 12.00 were charged, requested, given up and drawn by rule; 5.00 and 1.00
/// were drawn by a person and before a return; 4.00 were returned through Alipay, 2.00 refused, and
/// 3.00 returned by a transfer; Alipay took 20.00 back, of which 5.00 were drawn before. Another
/// recharge is prepaid.
pub(crate) fn deposited() -> Keeper {
    let mut keeper = Keeper::new(&[PLAN], provider().mandate);
    keeper.books.account.deposit.drawn_by_rule = true;
    let payment = pay(&mut keeper, RechargePurpose::Deposit, 3_000, at("2015-05-16 09:00"));
    let transferred = keeper.books.account.deposit_transferred(
        Fen::new(1_000),
        Reference::new("transfer 1").unwrap(),
        at("2015-05-16 10:00"),
    );
    keeper.keep(transferred.unwrap(), at("2015-05-16 10:00"));
    keeper.report(day("2015-05-16"), "t.a", 1_300);
    keeper.settle(at("2015-05-17 00:30"));
    for date in ["2015-05-17", "2015-05-18", "2015-05-20"] {
        keeper.collect(Gateway::Declines, at(&format!("{date} 10:00")));
    }
    let now = at("2015-05-21 00:30");
    let drawn = keeper.books.account.draw_given_up(day("2015-05-21"), now).unwrap().unwrap();
    keeper.keep(drawn, now);
    keeper.end_mandate(at("2015-05-21 01:00"));
    for (on, calls, way) in
        [("2015-05-21", 500, DrawReason::Decided), ("2015-05-22", 100, DrawReason::Returning)]
    {
        keeper.report(day(on), "t.a", calls);
        keeper.settle(at(&format!("{} 00:30", day(on).next())));
        if way == DrawReason::Decided {
            let now = at("2015-05-22 09:00");
            let drawn = keeper.books.account.draw_deposit(None, way, day("2015-05-22"), now);
            keeper.keep(drawn.unwrap(), now);
        }
    }
    let done = RefundAnswer::Refunded { total_fen: Fen::new(400) };
    give_back(&mut keeper, ("E1", 400), &payment, 3_000, &done, at("2015-06-02 09:00"));
    let refused = RefundAnswer::Refused(GatewayCode("ACQ.TRADE_HAS_FINISHED".to_owned()));
    give_back(&mut keeper, ("E2", 200), &payment, 2_600, &refused, at("2015-06-02 10:00"));
    let now = at("2015-06-02 11:00");
    let sent = keeper.books.account.deposit_sent_back(
        Fen::new(300),
        Reference::new("transfer 2").unwrap(),
        &[],
        day("2015-06-02"),
        now,
    );
    sent.unwrap().into_iter().for_each(|sent| keeper.keep(sent, now));
    pay(&mut keeper, RechargePurpose::Prepaid, 500, at("2015-06-02 12:00"));
    let now = at("2015-06-02 13:00");
    let of = TradeOf::Recharge(payment.recharge);
    let number = refund_number(&keeper.books.provider.provider, of, "B1");
    let noticed = Reversal::noticed(&keeper.books.provider.provider, number.clone(), of, now);
    let Outcome::Changed(booked) = noticed.after_proof(Fen::new(2_000)) else {
        panic!("it is new")
    };
    keeper.books.reversals.push(booked);
    let reversed = keeper.books.account.deposit_reversed(number, Fen::new(2_000), now);
    keeper.keep(reversed.unwrap(), now);
    keeper
}

fn deposit_movement(entry: &Entry) -> Option<&DepositMovement> {
    let Cause::Deposit(movement) = &entry.record().cause else { return None };
    Some(movement)
}

/// Changes the record of the first entry that moves the deposit so.
fn entry(keeper: &mut Keeper, is_it: fn(&DepositMovement) -> bool, change: fn(&mut EntryRecord)) {
    let is_it = |entry: &&mut Entry| deposit_movement(entry).is_some_and(is_it);
    let found = keeper.books.journal.iter_mut().find(is_it).unwrap();
    let mut record = found.record().clone();
    change(&mut record);
    *found = record.try_into().unwrap();
}

fn is_drawn(movement: &DepositMovement) -> bool {
    matches!(movement, DepositMovement::Drawn { .. })
}

fn is_transferred(movement: &DepositMovement) -> bool {
    matches!(movement, DepositMovement::Transferred { .. })
}

/// The first posting on a ledger.
fn posting(record: &mut EntryRecord, ledger: Ledger) -> &mut Posting {
    record.postings.iter_mut().find(|posting| posting.ledger == ledger).unwrap()
}

pub(crate) const CANARIES: &[Canary] = &[
    (
        "the account holds a fen more than its journal",
        |keeper| {
            let mut figures = serde_json::to_value(keeper.books.account.figures).unwrap();
            figures["deposit_fen"] = 1.into();
            keeper.books.account.figures = serde_json::from_value(figures).unwrap();
        },
        &["Figures", "Deposit"],
    ),
    (
        "a charge took from the deposit",
        |keeper| {
            let is_charge = |of: &&mut Entry| matches!(of.record().cause, Cause::Charged { .. });
            let charge = keeper.books.journal.iter_mut().find(is_charge).unwrap();
            let mut record = charge.record().clone();
            posting(&mut record, Ledger::Receivable).ledger = Ledger::Deposit;
            *charge = record.try_into().unwrap();
        },
        &["Rules", "Postings"],
    ),
    (
        "a draw paid nothing that was owed",
        |keeper| {
            entry(keeper, is_drawn, |record| {
                posting(record, Ledger::Receivable).ledger = Ledger::Prepaid;
            });
        },
        &["Rules", "Deposit"],
    ),
    (
        "a transfer was booked twice",
        |keeper| {
            entry(
                keeper,
                |of| matches!(of, DepositMovement::SentBack { .. }),
                |record| {
                    let reference = Reference::new("transfer 1").unwrap();
                    record.cause = Cause::Deposit(DepositMovement::SentBack { reference });
                },
            );
        },
        &["RechargeTwice"],
    ),
    (
        "a transfer paid the prepaid balance",
        |keeper| {
            entry(keeper, is_transferred, |record| {
                posting(record, Ledger::Deposit).ledger = Ledger::Prepaid;
            });
        },
        &["Rules", "Postings"],
    ),
    (
        "a payment of the deposit was meant for the prepaid balance",
        |keeper| keeper.books.recharges[0].purpose = RechargePurpose::Prepaid,
        &["Gateway", "Deposit"],
    ),
    (
        "a payment of the deposit is of a fen more",
        |keeper| a_fen_more(&mut keeper.books.recharges[0].amount_fen),
        &["Gateway"],
    ),
    (
        "a return was taken from the prepaid balance",
        |keeper| keeper.books.refunds[0].from = RefundFrom::Prepaid,
        &["Gateway", "Deposit"],
    ),
    (
        "a prepaid recharge is returned from the deposit",
        |keeper| {
            let mut refund: Refund = keeper.books.refunds[0].clone();
            refund.out_trade_no = keeper.books.recharges[1].out_trade_no.clone();
            keeper.books.refunds[0] = refund;
        },
        &["Gateway", "Deposit"],
    ),
    (
        "what debits gave up is noted though it is paid",
        |keeper| a_fen_more(keeper.books.account.given_up_fen.as_mut().unwrap()),
        &["GivenUp"],
    ),
];

#[test]
fn books_with_every_movement_of_a_deposit_are_in_order() {
    let keeper = deposited();
    assert_eq!(breaches(&keeper), []);
    let movements = keeper.books.journal.iter().filter_map(|entry| {
        let movement = deposit_movement(entry)?;
        let held = entry.moved(Ledger::Deposit).unwrap().negated().unwrap();
        let text = serde_json::to_value(movement).unwrap();
        Some(format!("{} {held}", text["movement"].as_str().unwrap()))
    });
    assert_eq!(
        movements.collect::<Vec<_>>(),
        [
            "paid 30.00",
            "transferred 10.00",
            "drawn -12.00",
            "drawn -5.00",
            "drawn -1.00",
            "return_asked -4.00",
            "returned 0.00",
            "return_asked -2.00",
            "return_refused 2.00",
            "sent_back -3.00",
            "reversed -15.00",
        ]
    );
    assert_eq!(keeper.books.account.figures.deposit(), Fen::ZERO);
    assert_eq!(keeper.books.account.open_debit.unwrap_or(DebitId(0)), DebitId(0));
}

#[test]
fn an_account_that_does_not_note_what_debits_gave_up_contradicts_no_journal() {
    let mut keeper = deposited();
    keeper.books.account.given_up_fen = None;
    assert_eq!(breaches(&keeper), []);
}

#[test]
fn a_deposit_is_what_was_paid_in_less_what_was_drawn_and_returned() {
    check_on(deposited, CANARIES);
}
