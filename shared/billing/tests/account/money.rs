//! Moves money on an account with given figures, and notes what that did.

use jiff::Timestamp;
use steelyard_billing::mandate::MandateLimits;
use steelyard_billing::{
    Account, AccountError, Debit, DebitId, DebitRules, DrawReason, Figures, GatewayCode, Ledger,
    Mandate, MandateId, MandateInUse, Movement, OutRequestNo, PayAnswer, Payment, QueryAnswer,
    Reason, RechargeId, Reference, Refund, RefundRef, StatementId, TradeNumber, TradeOf,
};
use steelyard_pricing::{BillingDay, Fen};

use crate::agreement::agreement;
use crate::common::{at, mandate, provider, rules};
use crate::debits::sending;
use crate::realm::realm;

pub(crate) const NOW: &str = "2015-05-18 00:30";

/// A movement, in fen.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Move {
    /// A charge, and the debit that it opens.
    Charge(i64),
    Recharge(i64),
    /// The open debit is sent for the first time.
    DebitSent(i64),
    DebitPaid,
    DebitGivenUp,
    DebitWithdrawn,
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
    /// A refund of found money.
    FoundAsked(i64),
    Reversed(i64),
    DepositPaid(i64),
    DepositTransferred(i64),
    /// Of the deposit, this much at most.
    DepositDrawn(i64),
    /// A rule draws what is overdue.
    DepositDrawnByRule,
    /// A refund of a payment of the deposit.
    ReturnAsked(i64),
    ReturnDone(i64),
    ReturnRefused(i64),
    DepositSentBack(i64),
    DepositReversed(i64),
}
pub(crate) use Move::*;

/// Prepaid, receivable and reserved, in fen.
pub(crate) type Stand = (i64, i64, i64);

pub(crate) fn figures(
    (prepaid, receivable, reserved): Stand,
) -> Result<Figures, serde_json::Error> {
    serde_json::from_value(serde_json::json!({
        "prepaid_fen": prepaid, "receivable_fen": receivable, "reserved_fen": reserved,
    }))
}

pub(crate) fn stand(figures: &Figures) -> Stand {
    (figures.prepaid().get(), figures.receivable().get(), figures.reserved().get())
}

/// An account with these figures, whose first debit was sent if something is reserved, and has
/// ended otherwise.
pub(crate) fn account(before: Stand) -> (Account, Option<Debit>) {
    let mut account = Account::new(&provider());
    account.figures = figures(before).unwrap();
    (account.entries, account.debits) = (1, 1);
    let (_, _, reserved) = before;
    let open = (reserved > 0).then(|| {
        let due = at("2015-05-17 10:00");
        let opened = Debit::open(&account.provider, DebitId(1), due, at("2015-05-17 00:30"));
        sending(&opened, Fen::new(reserved), due)
    });
    account.open_debit = open.as_ref().map(|debit| debit.debit);
    (account, open)
}

/// An account that owes this much, and its open debit, which was not sent yet.
pub(crate) fn unsent(owed: i64) -> (Account, Debit) {
    let (account, _) = account((0, owed, 0));
    let opened = account.requesting(Some(&mandate()), &rules(), at(NOW)).unwrap().unwrap();
    (opened.account, opened.opened.unwrap())
}

/// A mandate with these limits, in fen.
pub(crate) fn mandate_of(single: i64, daily: Option<i64>) -> Mandate {
    let limits = MandateLimits { single_fen: Fen::new(single), daily_fen: daily.map(Fen::new) };
    let (agreement, now) = (agreement(&mandate().agreement_no), at("2015-05-01 00:00"));
    Mandate::adopt(&provider().provider, MandateId(1), agreement, limits, now).unwrap()
}

/// The sent debit after it was paid.
pub(crate) fn paid(debit: &Debit, now: Timestamp) -> Debit {
    let amount_fen = debit.terms.as_ref().unwrap().amount_fen;
    let payment = Payment { trade_no: "20150517".to_owned(), amount_fen };
    debit.after_pay(PayAnswer::Paid(payment), &rules(), now).unwrap()
}

/// The sent debit after it was given up.
pub(crate) fn given_up(debit: &Debit, now: Timestamp) -> Debit {
    let dead = PayAnswer::MandateDead(GatewayCode("ACQ.AGREEMENT_INVALID".to_owned()));
    let checking = debit.after_pay(dead, &rules(), now).unwrap();
    checking.after_query(QueryAnswer::Closed, now).unwrap()
}

pub(crate) fn statement() -> StatementId {
    "2015-05-17".parse().unwrap()
}

/// The only place of these tests that moves money.
pub(crate) fn moved(
    account: &Account,
    open: Option<&Debit>,
    movement: Move,
    mandate: Option<&MandateInUse>,
    rules: &DebitRules,
) -> Result<Movement, AccountError> {
    let now = at(NOW);
    let ended = |debit: &Debit| account.end_debit(debit, mandate, rules, now);
    match movement {
        Charge(fen) => {
            let charged = account.charge(statement(), Fen::new(fen), now)?;
            Ok(charged.requesting(mandate, rules, now)?)
        }
        Recharge(fen) => {
            account.recharge(Fen::new(fen), Reference::new("transfer 1").unwrap(), now)
        }
        DebitSent(fen) => {
            account.debit_sent(&sending(open.unwrap(), Fen::new(fen), now), mandate, now)
        }
        DebitPaid => ended(&paid(open.unwrap(), now)),
        DebitGivenUp => ended(&given_up(open.unwrap(), now)),
        DebitWithdrawn => ended(&open.unwrap().withdrawn().unwrap()),
        RechargePaid(fen) => account.recharge_paid(RechargeId(3), &payment(fen), now),
        DebitFound(fen) => account.debit_found(DebitId(1), 1, &payment(fen), now),
        RefundAsked(fen) => account.refund_asked(&refund(RECHARGE, fen), now),
        RefundDone(fen) => account.refund_done(&refund(RECHARGE, fen), now),
        RefundRefused(fen) => account.refund_refused(&refund(RECHARGE, fen), now),
        GiftAsked(fen) => account.refund_asked(&refund(DEBIT, fen), now),
        GiftDone(fen) => account.refund_done(&refund(DEBIT, fen), now),
        GiftRefused(fen) => account.refund_refused(&refund(DEBIT, fen), now),
        FoundAsked(fen) => account.refund_asked(&refund(DEBIT, fen).of_found_money(), now),
        Reversed(fen) => account.reversed(number(DEBIT), Fen::new(fen), now),
        DepositPaid(fen) => account.deposit_paid(RechargeId(3), &payment(fen), now),
        DepositTransferred(fen) => {
            account.deposit_transferred(Fen::new(fen), Reference::new("transfer 2").unwrap(), now)
        }
        DepositDrawn(fen) => {
            account.draw_deposit(Some(Fen::new(fen)), DrawReason::Decided, today(), now)
        }
        DepositDrawnByRule => {
            let drawn = account.draw_given_up(today(), now)?;
            Ok(drawn.unwrap_or(Movement { account: account.clone(), entry: None, opened: None }))
        }
        ReturnAsked(fen) => account.refund_asked(&refund(RECHARGE, fen).of_deposit(), now),
        ReturnDone(fen) => account.refund_done(&refund(RECHARGE, fen).of_deposit(), now),
        ReturnRefused(fen) => account.refund_refused(&refund(RECHARGE, fen).of_deposit(), now),
        DepositSentBack(fen) => {
            let reference = Reference::new("transfer 3").unwrap();
            let sent = account.deposit_sent_back(Fen::new(fen), reference, &[], today(), now)?;
            let [sent] = <[Movement; 1]>::try_from(sent).expect("nothing was owed");
            Ok(sent)
        }
        DepositReversed(fen) => account.deposit_reversed(number(RECHARGE), Fen::new(fen), now),
    }
}

/// The day of [`NOW`].
pub(crate) fn today() -> BillingDay {
    "2015-05-18".parse().unwrap()
}

const RECHARGE: TradeOf = TradeOf::Recharge(RechargeId(3));
const DEBIT: TradeOf = TradeOf::Debit { debit: DebitId(1), attempt: 1 };

fn payment(fen: i64) -> Payment {
    Payment { trade_no: "20150517".to_owned(), amount_fen: Fen::new(fen) }
}

fn number(of: TradeOf) -> RefundRef {
    RefundRef {
        out_trade_no: TradeNumber::new(&realm(), &provider().provider, of).out_trade_no(),
        out_request_no: OutRequestNo::parse("F1").unwrap(),
    }
}

fn refund(of: TradeOf, fen: i64) -> Refund {
    let reason = Reason::new("asked by mail").unwrap();
    Refund::ask(&provider().provider, number(of), of, Fen::new(fen), reason, at(NOW))
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
        Ledger::Deposit => "deposit",
    }
}

/// The postings of a movement in their order, and the debit that it opened.
pub(crate) fn note(movement: &Movement) -> String {
    let postings = movement.entry.iter().flat_map(|entry| &entry.record().postings);
    let mut notes = postings
        .map(|posting| format!("{} {}", ledger(posting.ledger), posting.amount_fen))
        .collect::<Vec<_>>();
    notes.extend(movement.opened.iter().map(|debit| format!("opens {}", debit.debit)));
    notes.join(", ")
}

/// What holds after every movement.
pub(crate) fn check_movement(before: &Account, movement: &Movement) {
    let Movement { account, entry, opened } = movement;
    assert!(figures(stand(&account.figures)).is_ok(), "the rules hold: {account:?}");
    assert!(!account.figures.deposit().is_negative(), "{account:?}");
    let unreserved = account.figures.unreserved().unwrap();
    assert!((Fen::ZERO..=unreserved).contains(&account.given_up_fen.unwrap()), "{account:?}");
    let moved_by_entry = entry.as_ref().map_or(Ok(before.figures), |entry| {
        assert_eq!(entry.record().number, before.entries + 1);
        assert_eq!(entry.record().provider, before.provider);
        let postings = &entry.record().postings;
        assert!(postings.iter().all(|posting| !posting.amount_fen.is_zero()), "{postings:?}");
        let sum = Fen::sum(postings.iter().map(|posting| posting.amount_fen)).unwrap();
        assert_eq!(sum, Fen::ZERO, "the entry balances");
        before.figures.after(entry)
    });
    assert_eq!(moved_by_entry, Ok(account.figures), "the journal explains the figures");
    assert_eq!(account.entries - before.entries, u64::from(entry.is_some()));
    assert!(account.open_debit.is_some() || account.figures.reserved().is_zero());
    assert_eq!(account.debits - before.debits, u64::from(opened.is_some()));
    if let Some(debit) = opened {
        assert_eq!((debit.debit, account.open_debit), (DebitId(account.debits), Some(debit.debit)));
        assert_eq!((&debit.provider, debit.reserved()), (&account.provider, Fen::ZERO));
        assert_eq!(account.figures.reserved(), Fen::ZERO, "an intent reserves nothing");
    }
}

pub(crate) fn check(rows: &[(Stand, Move, Stand, &str)]) {
    check_under(Some(&mandate()), &rules(), rows);
}

pub(crate) fn check_under(
    mandate: Option<&MandateInUse>,
    rules: &DebitRules,
    rows: &[(Stand, Move, Stand, &str)],
) {
    for (before, movement, after, expected) in rows {
        let (account, open) = account(*before);
        let moved = moved(&account, open.as_ref(), *movement, mandate, rules).unwrap();
        check_movement(&account, &moved);
        let row = format!("{before:?} {movement:?}");
        assert_eq!(stand(&moved.account.figures), *after, "{row}");
        assert_eq!(note(&moved), *expected, "{row}");
    }
}
