//! Moves money on an account that stands in some way, and notes what that did.

use steelyard_billing::{
    Account, AccountError, Debit, DebitId, DebitTerms, Decline, DeclineReason, Figures, Ledger,
    MandateInUse, Movement, OutRequestNo, PayAnswer, Payment, QueryAnswer, RechargeId, Refund,
    RefundRef, StatementId, TradeNumber, TradeOf,
};
use steelyard_pricing::Fen;

use crate::common::{at, mandate, provider, terms};

pub const NOW: &str = "2015-05-18 00:30";

/// A movement, in fen.
#[derive(Clone, Copy, Debug)]
pub enum Move {
    Charge(i64),
    Recharge(i64),
    DebitPaid,
    DebitExhausted,
    RechargePaid(i64),
    DebitFound(i64),
    /// A refund of a recharge.
    RefundAsked(i64),
    RefundDone(i64),
    RefundRefused(i64),
    /// A refund of a debit.
    GiftAsked(i64),
    GiftDone(i64),
    GiftRefused(i64),
    Reversed(i64),
}
pub use Move::*;

/// Prepaid, receivable and reserved, in fen.
pub type Stand = (i64, i64, i64);

pub fn figures((prepaid, receivable, reserved): Stand) -> Result<Figures, serde_json::Error> {
    serde_json::from_value(serde_json::json!({
        "prepaid_fen": prepaid, "receivable_fen": receivable, "reserved_fen": reserved,
    }))
}

pub fn stand(figures: &Figures) -> Stand {
    (figures.prepaid().get(), figures.receivable().get(), figures.reserved().get())
}

/// An account that stands so, with debit 1 open if something is reserved.
pub fn account(before: Stand) -> (Account, Option<Debit>) {
    let mut account = Account::new(&provider());
    account.figures = figures(before).unwrap();
    account.entries = 1;
    let (_, _, reserved) = before;
    let open = (reserved > 0).then(|| {
        let amount = Fen::new(reserved);
        let now = at("2015-05-17 00:30");
        Debit::open(&account.provider, DebitId(1), amount, &mandate(), &terms(), now)
    });
    account.open_debit = open.as_ref().map(|debit| debit.debit);
    (account, open)
}

pub fn paid(debit: &Debit) -> Debit {
    let payment = Payment { trade_no: "20150517".to_owned(), amount_fen: debit.amount_fen };
    let sent = debit.sending("x".to_owned(), at("2015-05-17 10:00")).unwrap();
    sent.after_pay(PayAnswer::Paid(payment), &terms(), at("2015-05-17 10:00")).unwrap()
}

pub fn exhausted(debit: &Debit) -> Debit {
    let decline = Decline {
        reason: DeclineReason::Funds,
        sub_code: "ACQ.BUYER_BALANCE_NOT_ENOUGH".to_owned(),
    };
    let declined = (0..3).fold(debit.clone(), |debit, _| {
        let due = debit.due_at_s;
        let answer = PayAnswer::Declined(decline.clone());
        debit.sending("x".to_owned(), due).unwrap().after_pay(answer, &terms(), due).unwrap()
    });
    declined.after_query(QueryAnswer::Closed, declined.due_at_s).unwrap()
}

fn statement() -> StatementId {
    "2015-05-17".parse().unwrap()
}

/// The only place of this test that moves money.
pub fn moved(
    account: &Account,
    open: Option<&Debit>,
    movement: Move,
    mandate: Option<&MandateInUse>,
    terms: &DebitTerms,
) -> Result<Movement, AccountError> {
    let now = at(NOW);
    match movement {
        Charge(fen) => account.charge(statement(), Fen::new(fen), mandate, terms, now),
        Recharge(fen) => account.recharge(Fen::new(fen), "transfer 1".to_owned(), now),
        DebitPaid => account.end_debit(&paid(open.unwrap()), mandate, terms, now),
        DebitExhausted => account.end_debit(&exhausted(open.unwrap()), mandate, terms, now),
        RechargePaid(fen) => account.recharge_paid(RechargeId(3), &payment(fen), now),
        DebitFound(fen) => account.debit_found(DebitId(1), 1, &payment(fen), now),
        RefundAsked(fen) => account.refund_asked(&refund(RECHARGE, fen), now),
        RefundDone(fen) => account.refund_done(&refund(RECHARGE, fen), now),
        RefundRefused(fen) => account.refund_refused(&refund(RECHARGE, fen), now),
        GiftAsked(fen) => account.refund_asked(&refund(DEBIT, fen), now),
        GiftDone(fen) => account.refund_done(&refund(DEBIT, fen), now),
        GiftRefused(fen) => account.refund_refused(&refund(DEBIT, fen), now),
        Reversed(fen) => account.reversed(number(DEBIT), Fen::new(fen), now),
    }
}

const RECHARGE: TradeOf = TradeOf::Recharge(RechargeId(3));
const DEBIT: TradeOf = TradeOf::Debit { debit: DebitId(1), attempt: 1 };

fn payment(fen: i64) -> Payment {
    Payment { trade_no: "20150517".to_owned(), amount_fen: Fen::new(fen) }
}

fn number(of: TradeOf) -> RefundRef {
    RefundRef {
        out_trade_no: TradeNumber::new(&provider().provider, of).out_trade_no(),
        out_request_no: OutRequestNo::parse("F1").unwrap(),
    }
}

fn refund(of: TradeOf, fen: i64) -> Refund {
    Refund::ask(&provider().provider, number(of), of, Fen::new(fen), "asked by mail", at(NOW))
}

fn ledger(ledger: Ledger) -> &'static str {
    match ledger {
        Ledger::Prepaid => "prepaid",
        Ledger::Receivable => "receivable",
        Ledger::Reserved => "reserved",
        Ledger::Revenue => "revenue",
        Ledger::Alipay => "alipay",
        Ledger::Bank => "bank",
        Ledger::Refunding => "refunding",
        Ledger::Goodwill => "goodwill",
    }
}

/// The postings of a movement in their order, and the debit that it opened.
pub fn note(movement: &Movement) -> String {
    let postings = movement.entry.iter().flat_map(|entry| &entry.record().postings);
    let mut notes = postings
        .map(|posting| format!("{} {}", ledger(posting.ledger), posting.amount_fen))
        .collect::<Vec<_>>();
    notes.extend(
        movement
            .opened
            .iter()
            .map(|debit| format!("opens {} of {}", debit.debit, debit.amount_fen)),
    );
    notes.join(", ")
}

/// What holds after every movement.
pub fn check_movement(before: &Account, movement: &Movement) {
    let Movement { account, entry, opened } = movement;
    assert!(figures(stand(&account.figures)).is_ok(), "the rules hold: {account:?}");
    let moved_by_entry = entry.as_ref().map_or(Ok(before.figures), |entry| {
        assert_eq!(entry.record().number, before.entries + 1);
        assert_eq!(entry.record().provider, before.provider);
        assert_eq!(entry.record().opened, opened.as_ref().map(|debit| debit.debit));
        let postings = &entry.record().postings;
        assert!(postings.iter().all(|posting| !posting.amount_fen.is_zero()), "{postings:?}");
        let sum = Fen::sum(postings.iter().map(|posting| posting.amount_fen)).unwrap();
        assert_eq!(sum, Fen::ZERO, "the entry balances");
        before.figures.after(entry)
    });
    assert_eq!(moved_by_entry, Ok(account.figures), "the journal explains the figures");
    assert_eq!(account.entries - before.entries, u64::from(entry.is_some()));
    assert_eq!(account.open_debit.is_some(), account.figures.reserved().is_positive());
}

pub fn check(rows: &[(Stand, Move, Stand, &str)]) {
    check_under(&mandate(), &terms(), rows);
}

pub fn check_under(
    mandate: &MandateInUse,
    terms: &DebitTerms,
    rows: &[(Stand, Move, Stand, &str)],
) {
    for (before, movement, after, expected) in rows {
        let (account, open) = account(*before);
        let moved = moved(&account, open.as_ref(), *movement, Some(mandate), terms).unwrap();
        check_movement(&account, &moved);
        let row = format!("{before:?} {movement:?}");
        assert_eq!(stand(&moved.account.figures), *after, "{row}");
        assert_eq!(note(&moved), *expected, "{row}");
    }
}
