//! The deposit: each movement of it balances, no charge and no debit touches it, and it goes back
//! to its payer less what is owed.

use steelyard_billing::{
    Account, AccountError, Debit, DebitId, DepositPayment, DrawReason, Movement, OutRequestNo,
    Outcome, Reason, Recharge, RechargeId, RechargePurpose, Reference, Refund,
};
use steelyard_pricing::Fen;

use crate::common::{at, mandate, provider, rules};
use crate::money::*;
use crate::realm::realm;

/// Prepaid, receivable, reserved and deposit, in fen.
type Held = (i64, i64, i64, i64);

fn holding((prepaid, receivable, reserved, deposit): Held) -> (Account, Option<Debit>) {
    let (mut account, open) = account((prepaid, receivable, reserved));
    account.figures = serde_json::from_value(serde_json::json!({
        "prepaid_fen": prepaid, "receivable_fen": receivable, "reserved_fen": reserved,
        "deposit_fen": deposit,
    }))
    .unwrap();
    (account, open)
}

fn held(account: &Account) -> Held {
    let (prepaid, receivable, reserved) = stand(&account.figures);
    (prepaid, receivable, reserved, account.figures.deposit().get())
}

fn check(rows: &[(Held, Move, Held, &str)]) {
    for (before, movement, after, expected) in rows {
        let (account, open) = holding(*before);
        let moved = moved(&account, open.as_ref(), *movement, Some(&mandate()), &rules()).unwrap();
        check_movement(&account, &moved);
        let row = format!("{before:?} {movement:?}");
        assert_eq!(held(&moved.account), *after, "{row}");
        assert_eq!(note(&moved), *expected, "{row}");
    }
}

fn refused(before: Held, movement: Move) -> AccountError {
    let (account, open) = holding(before);
    moved(&account, open.as_ref(), movement, Some(&mandate()), &rules()).unwrap_err()
}

#[test]
fn what_is_paid_into_the_deposit_pays_nothing_that_is_owed() {
    check(&[
        ((0, 0, 0, 0), DepositPaid(300), (0, 0, 0, 300), "alipay 3.00, deposit -3.00"),
        ((0, 500, 0, 100), DepositPaid(300), (0, 500, 0, 400), "alipay 3.00, deposit -3.00"),
        ((0, 900, 700, 0), DepositTransferred(300), (0, 900, 700, 300), "bank 3.00, deposit -3.00"),
        ((200, 0, 0, 0), DepositTransferred(300), (200, 0, 0, 300), "bank 3.00, deposit -3.00"),
    ]);
}

#[test]
fn no_charge_and_no_debit_touches_the_deposit() {
    check(&[
        (
            (200, 0, 0, 900),
            Charge(500),
            (0, 300, 0, 900),
            "revenue -5.00, prepaid 2.00, receivable 3.00, opens 2",
        ),
        (
            (0, 300, 0, 900),
            Charge(-500),
            (200, 0, 0, 900),
            "revenue 5.00, receivable -3.00, prepaid -2.00",
        ),
        ((0, 700, 700, 900), DebitPaid, (0, 0, 0, 900), "alipay 7.00, reserved -7.00"),
        ((0, 700, 700, 900), DebitGivenUp, (0, 700, 0, 900), "reserved -7.00, receivable 7.00"),
        (
            (0, 500, 0, 900),
            Recharge(700),
            (200, 0, 0, 900),
            "bank 7.00, receivable -5.00, prepaid -2.00",
        ),
        ((200, 0, 0, 900), RefundAsked(200), (0, 0, 0, 900), "prepaid 2.00, refunding -2.00"),
        (
            (200, 0, 0, 900),
            Reversed(500),
            (0, 300, 0, 900),
            "alipay -5.00, prepaid 2.00, receivable 3.00",
        ),
    ]);
}

#[test]
fn a_draw_pays_what_is_owed_and_no_debit_is_collecting_as_far_as_the_deposit_reaches() {
    check(&[
        ((0, 500, 0, 900), DepositDrawn(9_999), (0, 0, 0, 400), "deposit 5.00, receivable -5.00"),
        ((0, 500, 0, 900), DepositDrawn(200), (0, 300, 0, 700), "deposit 2.00, receivable -2.00"),
        ((0, 500, 0, 300), DepositDrawn(9_999), (0, 200, 0, 0), "deposit 3.00, receivable -3.00"),
        (
            (0, 900, 700, 900),
            DepositDrawn(9_999),
            (0, 700, 700, 700),
            "deposit 2.00, receivable -2.00",
        ),
        (
            (50, 700, 700, 900),
            DebitGivenUp,
            (0, 650, 0, 900),
            "reserved -7.00, receivable 6.50, prepaid 0.50",
        ),
    ]);
    for before in [(0, 500, 0, 0), (300, 0, 0, 900), (0, 700, 700, 900)] {
        let (deposit, owed) = (before.3, before.1 - before.2);
        let nothing = AccountError::NothingToDraw { held: Fen::new(deposit), owed: Fen::new(owed) };
        assert_eq!(refused(before, DepositDrawn(9_999)), nothing, "{before:?}");
    }
    let no_amount = AccountError::NotAPayment(Fen::ZERO);
    assert_eq!(refused((0, 500, 0, 900), DepositDrawn(0)), no_amount);
}

/// An account whose debit of 7.00 was given up, and that holds a deposit.
fn after_giving_up(deposit: i64) -> Account {
    let (account, open) = holding((0, 700, 700, deposit));
    moved(&account, open.as_ref(), DebitGivenUp, Some(&mandate()), &rules()).unwrap().account
}

fn by_rule(account: &Account) -> String {
    let drawn = moved(account, None, DepositDrawnByRule, Some(&mandate()), &rules()).unwrap();
    note(&drawn)
}

#[test]
fn the_rule_draws_what_debits_gave_up_and_nothing_else_that_is_owed() {
    let mut account = after_giving_up(900);
    assert_eq!(by_rule(&account), "", "the terms leave it to a person");
    account.deposit.drawn_by_rule = true;
    assert_eq!(by_rule(&account), "deposit 7.00, receivable -7.00");
    let more = moved(&account, None, Charge(100), None, &rules()).unwrap().account;
    assert_eq!(by_rule(&more), "deposit 7.00, receivable -7.00", "a later charge was not given up");
    let part = moved(&account, None, Recharge(300), None, &rules()).unwrap().account;
    assert_eq!(by_rule(&part), "deposit 4.00, receivable -4.00", "a payment pays the oldest first");
    let drawn = moved(&more, None, DepositDrawnByRule, None, &rules()).unwrap().account;
    assert_eq!(held(&drawn), (0, 100, 0, 200));
    assert_eq!(by_rule(&drawn), "", "once");

    let mut little = after_giving_up(300);
    little.deposit.drawn_by_rule = true;
    assert_eq!(by_rule(&little), "deposit 3.00, receivable -3.00");

    // It is requested again: a debit that was not sent reserves nothing, and one that was sent
    // reserves it.
    let opened = more.requesting(Some(&mandate()), &rules(), at(NOW)).unwrap().unwrap();
    assert_eq!(by_rule(&opened.account), "deposit 7.00, receivable -7.00");
    let open = opened.opened.unwrap();
    let sent = moved(&opened.account, Some(&open), DebitSent(750), Some(&mandate()), &rules());
    let sent = sent.unwrap().account;
    assert_eq!((held(&sent), sent.given_up_fen), ((0, 800, 750, 900), Some(Fen::ZERO)));
    assert_eq!(by_rule(&sent), "");
}

#[test]
fn the_rule_draws_nothing_while_it_is_not_known_what_debits_gave_up() {
    let mut account = after_giving_up(900);
    account.deposit.drawn_by_rule = true;
    account.given_up_fen = None;
    assert_eq!(by_rule(&account), "");
    let after = |account: &Account, movement, open: Option<&Debit>| {
        moved(account, open, movement, None, &rules()).unwrap().account
    };
    // A person may draw, and what is still owed may have been given up.
    let part = after(&account, DepositDrawn(300), None);
    assert_eq!((held(&part), part.given_up_fen), ((0, 400, 0, 600), None));
    // Once nothing is owed nothing was given up, and from then on it is known.
    let paid = after(&part, Recharge(400), None);
    assert_eq!((held(&paid), paid.given_up_fen), ((0, 0, 0, 600), Some(Fen::ZERO)));
}

#[test]
fn what_was_drawn_is_to_be_topped_up_until_the_deposit_is_whole() {
    let mut account = holding((0, 500, 0, 900)).0;
    account.deposit = serde_json::from_value(serde_json::json!({
        "demands": [{"from": "2015-05-01", "amount_fen": 900, "announced_on": "2015-05-01", "due_on": "2015-05-11"}],
        "top_up_after_days": 10,
    }))
    .unwrap();
    let state = |account: &Account| {
        let state = account.deposit.state(account.figures.deposit(), today()).unwrap();
        let due = state.due_on.map(|day| day.to_string()).unwrap_or_default();
        (state.shortfall_fen.get(), due, state.is_overdue)
    };
    assert_eq!(state(&account), (0, String::new(), false));
    let drawn = moved(&account, None, DepositDrawn(500), None, &rules()).unwrap().account;
    assert_eq!(state(&drawn), (500, "2015-05-28".to_owned(), false));
    let part = moved(&drawn, None, DepositPaid(499), None, &rules()).unwrap().account;
    assert_eq!(state(&part), (1, "2015-05-28".to_owned(), false));
    let whole = moved(&part, None, DepositPaid(1), None, &rules()).unwrap().account;
    assert_eq!((state(&whole), whole.deposit.top_up), ((0, String::new(), false), None));
    // What is missing beyond what was drawn is due as it was.
    let reversed = moved(&drawn, None, DepositReversed(100), None, &rules()).unwrap().account;
    assert_eq!(state(&reversed), (600, "2015-05-11".to_owned(), true));
}

#[test]
fn what_is_paid_in_tops_up_what_was_drawn_though_more_is_wanted_later() {
    let mut account = holding((0, 500, 0, 900)).0;
    account.deposit = serde_json::from_value(serde_json::json!({
        "demands": [
            {"from": "2015-05-01", "amount_fen": 900, "announced_on": "2015-05-01", "due_on": "2015-05-11"},
            {"from": "2015-05-20", "amount_fen": 1500, "announced_on": "2015-05-01", "due_on": "2015-05-23"},
        ],
        "top_up_after_days": 10,
    }))
    .unwrap();
    let drawn = moved(&account, None, DepositDrawn(500), None, &rules()).unwrap().account;
    let part = moved(&drawn, None, DepositPaid(200), None, &rules()).unwrap().account;
    assert_eq!(part.deposit.top_up.map(|top_up| top_up.drawn_fen), Some(Fen::new(300)));
    // Money of a return that Alipay refused was not drawn.
    let asked = moved(&part, None, ReturnAsked(100), None, &rules()).unwrap().account;
    let refused = moved(&asked, None, ReturnRefused(100), None, &rules()).unwrap().account;
    assert_eq!(refused.deposit.top_up, part.deposit.top_up);
    let whole = moved(&part, None, DepositPaid(300), None, &rules()).unwrap().account;
    assert_eq!(whole.deposit.top_up, None);
    // What is drawn then does not put off what was wanted more.
    let owing = moved(&whole, None, Charge(100), None, &rules()).unwrap().account;
    let drawn = moved(&owing, None, DepositDrawn(100), None, &rules()).unwrap().account;
    let later = "2015-05-21".parse().unwrap();
    let state = drawn.deposit.state(drawn.figures.deposit(), later).unwrap();
    assert_eq!(state.due_on, Some("2015-05-23".parse().unwrap()));
}

#[test]
fn a_return_is_set_aside_until_alipay_has_made_it() {
    check(&[
        ((200, 0, 0, 900), ReturnAsked(900), (200, 0, 0, 0), "deposit 9.00, refunding -9.00"),
        ((0, 0, 0, 0), ReturnDone(900), (0, 0, 0, 0), "refunding 9.00, alipay -9.00"),
        // It is a deposit as before: it pays nothing that was charged meanwhile.
        ((0, 100, 0, 0), ReturnRefused(900), (0, 100, 0, 900), "refunding 9.00, deposit -9.00"),
        ((0, 0, 0, 900), DepositSentBack(300), (0, 0, 0, 600), "deposit 3.00, bank -3.00"),
    ]);
    let too_much = refused((5_000, 0, 0, 900), ReturnAsked(901));
    assert_eq!(too_much, AccountError::NegativeDeposit(Fen::new(-1)));
    let used = AccountError::Used { amount: Fen::new(300), prepaid: Fen::new(200) };
    assert_eq!(refused((200, 0, 0, 900), RefundAsked(300)), used);
}

#[test]
fn a_reversal_takes_from_the_deposit_and_what_was_drawn_before_is_owed_again() {
    check(&[
        ((200, 0, 0, 900), DepositReversed(900), (200, 0, 0, 0), "alipay -9.00, deposit 9.00"),
        (
            (0, 0, 0, 400),
            DepositReversed(900),
            (0, 500, 0, 0),
            "alipay -9.00, deposit 4.00, receivable 5.00",
        ),
        (
            (200, 0, 0, 400),
            DepositReversed(900),
            (0, 300, 0, 0),
            "alipay -9.00, deposit 4.00, prepaid 2.00, receivable 3.00",
        ),
        ((0, 700, 700, 0), DepositReversed(100), (0, 800, 700, 0), "alipay -1.00, receivable 1.00"),
    ]);
}

#[test]
fn nothing_moves_for_an_amount_that_is_not_more_than_nothing() {
    for movement in [
        DepositPaid(0),
        DepositTransferred(-1),
        DepositDrawn(-1),
        ReturnAsked(0),
        DepositSentBack(0),
        DepositReversed(-5),
    ] {
        let refused = refused((0, 500, 0, 900), movement);
        assert!(matches!(refused, AccountError::NotAPayment(_)), "{movement:?}");
    }
}

/// A payment of the deposit by that recharge, of which so much can be given back.
fn payment(recharge: u32, rest: i64, is_refused: bool) -> DepositPayment {
    let offered = Recharge::offer(
        &realm(),
        &provider().provider,
        RechargeId(recharge),
        Fen::new(10_000),
        at(NOW),
    );
    let recharge = offered.unwrap().for_purpose(RechargePurpose::Deposit);
    DepositPayment { recharge, rest_fen: Fen::new(rest), is_refused }
}

fn by_mail() -> (OutRequestNo, Reason) {
    (OutRequestNo::parse("E1").unwrap(), Reason::new("left the platform").unwrap())
}

/// What a return does, as text.
fn returned(
    before: Held,
    most: Option<i64>,
    payments: &[DepositPayment],
) -> Result<String, AccountError> {
    let (account, _) = holding(before);
    let (request, reason) = by_mail();
    let most = most.map(Fen::new);
    let returned = account.return_deposit(most, payments, (&request, &reason), today(), at(NOW))?;
    let mut last = account;
    let mut notes = Vec::new();
    let refunds = returned.refunds.iter().map(|(refund, movement)| (Some(refund), movement));
    for (refund, movement) in returned.drawn.iter().map(|drawn| (None, drawn)).chain(refunds) {
        check_movement(&last, movement);
        last = movement.account.clone();
        let of = refund.map_or(String::new(), |of: &Refund| {
            format!("{}: ", of.out_trade_no.as_str().rsplit('_').next().unwrap())
        });
        notes.push(format!("{of}{}", note(movement)));
    }
    notes.push(format!("{} by transfer, {:?}", returned.by_transfer_fen, held(&last)));
    Ok(notes.join("; "))
}

#[test]
fn a_deposit_is_returned_to_its_payers_less_what_is_owed_the_newest_payment_first() {
    let two = [payment(3, 500, false), payment(7, 400, false)];
    for (before, most, payments, expected) in [
        (
            (50, 0, 0, 900),
            None,
            &two[..],
            "R7: deposit 4.00, refunding -4.00; R3: deposit 5.00, refunding -5.00; 0.00 by transfer, (50, 0, 0, 0)",
        ),
        (
            (0, 200, 0, 900),
            None,
            &two,
            "deposit 2.00, receivable -2.00; R7: deposit 4.00, refunding -4.00; \
             R3: deposit 3.00, refunding -3.00; 0.00 by transfer, (0, 0, 0, 0)",
        ),
        // A part, such as what a new plan no longer wants.
        (
            (0, 0, 0, 900),
            Some(450),
            &two,
            "R7: deposit 4.00, refunding -4.00; R3: deposit 0.50, refunding -0.50; 0.00 by transfer, (0, 0, 0, 450)",
        ),
        // What was paid by a bank transfer, and what Alipay refused, is left for a transfer.
        (
            (0, 0, 0, 1_000),
            None,
            &two,
            "R7: deposit 4.00, refunding -4.00; R3: deposit 5.00, refunding -5.00; 1.00 by transfer, (0, 0, 0, 100)",
        ),
        (
            (0, 0, 0, 900),
            None,
            &[payment(3, 500, false), payment(7, 400, true)],
            "R3: deposit 5.00, refunding -5.00; 4.00 by transfer, (0, 0, 0, 400)",
        ),
        // Drawn money is not returned, though its trade could be refunded.
        (
            (0, 0, 0, 100),
            None,
            &two,
            "R7: deposit 1.00, refunding -1.00; 0.00 by transfer, (0, 0, 0, 0)",
        ),
    ] {
        assert_eq!(returned(before, most, payments).unwrap(), expected, "{before:?}");
    }
}

#[test]
fn a_return_is_refused_by_name() {
    let paid = [payment(3, 900, false)];
    let nothing =
        |held, owed| AccountError::NothingToReturn { held: Fen::new(held), owed: Fen::new(owed) };
    let collecting = AccountError::Collecting { debit: DebitId(1), amount: Fen::new(700) };
    for (before, most, payments, expected) in [
        ((0, 700, 700, 900), None, &paid[..], collecting.clone()),
        ((0, 900, 0, 900), None, &paid, nothing(900, 900)),
        ((100, 0, 0, 0), None, &paid, nothing(0, 0)),
        ((0, 100, 0, 900), None, &[], AccountError::ByTransfer(Fen::new(800))),
        ((0, 0, 0, 900), Some(0), &paid, AccountError::NotAPayment(Fen::ZERO)),
    ] {
        assert_eq!(returned(before, most, payments), Err(expected), "{before:?} {most:?}");
    }
    assert_eq!(refused((0, 700, 700, 900), DepositSentBack(1)), collecting);
}

#[test]
fn a_transfer_returns_what_alipay_cannot_after_what_is_owed() {
    let send = |before: Held, fen: i64, payments: &[DepositPayment]| {
        let (account, _) = holding(before);
        let reference = Reference::new("transfer 9").unwrap();
        let sent =
            account.deposit_sent_back(Fen::new(fen), reference, payments, today(), at(NOW))?;
        let notes = sent.iter().map(note).collect::<Vec<_>>();
        Ok::<_, AccountError>((notes.join("; "), held(&sent.last().unwrap().account)))
    };
    let paid = [payment(3, 500, false), payment(4, 100, true)];
    let (notes, after) = send((0, 200, 0, 900), 200, &paid).unwrap();
    assert_eq!(notes, "deposit 2.00, receivable -2.00; deposit 2.00, bank -2.00");
    assert_eq!(after, (0, 0, 0, 500));
    let over = AccountError::NotByTransfer { amount: Fen::new(201), most: Fen::new(200) };
    assert_eq!(send((0, 200, 0, 900), 201, &paid).unwrap_err(), over);
    let none = AccountError::NotByTransfer { amount: Fen::new(1), most: Fen::ZERO };
    assert_eq!(send((0, 0, 0, 300), 1, &paid).unwrap_err(), none);
}

#[test]
fn a_draw_says_why() {
    let causes = [DrawReason::GivenUp, DrawReason::Decided, DrawReason::Returning].map(|because| {
        let (account, _) = holding((0, 500, 0, 900));
        let Movement { entry, .. } = account.draw_deposit(None, because, today(), at(NOW)).unwrap();
        serde_json::to_value(entry.unwrap()).unwrap()["because"].clone()
    });
    assert_eq!(causes, ["given_up", "decided", "returning"]);
}

#[test]
fn a_recharge_of_the_deposit_is_proved_like_any_other() {
    let recharge = payment(3, 0, false).recharge;
    let paid =
        steelyard_billing::Payment { trade_no: "T".to_owned(), amount_fen: Fen::new(10_000) };
    let trade = steelyard_billing::Trade::Recharge(recharge.clone());
    let Outcome::Changed(proved) = trade.after_proof(&paid, at(NOW)) else { panic!("it is new") };
    let account = Account::new(&provider());
    let movement = proved.paid(&paid, &account, None, &rules(), at(NOW)).unwrap();
    assert_eq!((held(&movement.account), proved.is_of_deposit()), ((0, 0, 0, 10_000), true));
    // One that lapsed and is paid late is a deposit all the same.
    let lapsed = recharge.after_query(&steelyard_billing::QueryAnswer::Closed, at(NOW));
    assert_eq!(lapsed.phase, steelyard_billing::RechargePhase::Lapsed);
    let Outcome::Changed(late) = lapsed.after_proof(&paid) else { panic!("it is new") };
    assert_eq!(late.purpose, RechargePurpose::Deposit);
}
