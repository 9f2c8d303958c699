//! What the local Alipay does with a trade: make it, pay it, query it, close it. Each is one SQLite
//! transaction.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, params};

use super::books::{
    AgreementStatus, Books, BooksError, Trade, TradeStatus, find_agreement, find_trade,
    set_trade_status,
};
use super::fault::Effect;
use super::notifications::{TradeEvent, queue_trade};
use super::order::{MoneySource, Order};

/// How long after a payment that was denied its money is taken, unless the trade is closed before.
const LATE_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// The outcome of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PayOutcome {
    /// The money was taken now.
    Paid(Trade),
    /// The money is taken when the trade is next queried.
    InProcess(Trade),
    /// The money was not taken now, for the reason of this `sub_code`.
    Refused(&'static str),
}

/// The outcome of an attempt to close a trade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CloseOutcome {
    /// It was closed, as far as the gateway knows.
    Closed(Box<Trade>),
    /// It was not closed, for the reason of this `sub_code`.
    Refused(&'static str),
}

impl Books {
    /// Pays an order: makes its trade if there is none, and takes the money at most once.
    pub(super) fn pay(
        &mut self,
        order: &Order,
        effect: Effect,
        now: Timestamp,
    ) -> Result<PayOutcome, BooksError> {
        self.transact(|sqlite| {
            let trade = match waiting_trade(sqlite, order, now)? {
                Waiting::Trade(trade) => trade,
                Waiting::InProcess(trade) => return Ok(PayOutcome::InProcess(trade)),
                Waiting::Refused(sub_code) => return Ok(PayOutcome::Refused(sub_code)),
            };
            pay_waiting(sqlite, trade, effect, now)
        })
    }

    /// The trade of a number, after the money of a payment in process is taken.
    pub(super) fn query(
        &mut self,
        out_trade_no: &str,
        now: Timestamp,
    ) -> Result<Option<Trade>, BooksError> {
        self.transact(|sqlite| {
            let Some(trade) = current_trade(sqlite, out_trade_no, now)? else { return Ok(None) };
            if trade.status == TradeStatus::InProcess && !take(sqlite, &trade, now)? {
                set_trade_status(sqlite, &trade, TradeStatus::WaitBuyerPay)?;
            }
            let trade = find_trade(sqlite, out_trade_no)?;
            Ok(trade.filter(|trade| trade.status != TradeStatus::Late))
        })
    }

    /// Closes a trade that waits to be paid. A late payment is made all the same.
    pub(super) fn close(
        &mut self,
        out_trade_no: &str,
        now: Timestamp,
    ) -> Result<CloseOutcome, BooksError> {
        self.transact(|sqlite| {
            let Some(trade) = current_trade(sqlite, out_trade_no, now)? else {
                return Ok(CloseOutcome::Refused("ACQ.TRADE_NOT_EXIST"));
            };
            match trade.status {
                TradeStatus::WaitBuyerPay => {
                    set_trade_status(sqlite, &trade, TradeStatus::TradeClosed)?;
                }
                TradeStatus::Late => take_late(sqlite, &trade, now)?,
                TradeStatus::InProcess | TradeStatus::TradeSuccess | TradeStatus::TradeClosed => {
                    return Ok(CloseOutcome::Refused("ACQ.REASON_TRADE_STATUS_INVALID"));
                }
            }
            Ok(CloseOutcome::Closed(Box::new(trade)))
        })
    }

    /// Does what the time that has passed does to trades.
    pub(super) fn pass_time(&mut self, now: Timestamp) -> Result<(), BooksError> {
        self.transact(|sqlite| pass_time(sqlite, now))
    }
}

/// What an order finds under its number.
pub(super) enum Waiting {
    /// A trade that waits to be paid.
    Trade(Trade),
    /// One whose money is being taken.
    InProcess(Trade),
    /// None that can be paid, for the reason of this `sub_code`.
    Refused(&'static str),
}

/// The trade of an order, made if there is none.
pub(super) fn waiting_trade(
    sqlite: &Connection,
    order: &Order,
    now: Timestamp,
) -> Result<Waiting, rusqlite::Error> {
    let found = current_trade(sqlite, &order.out_trade_no, now)?;
    if let Some(trade) = &found {
        if !is_of(trade, order) {
            return Ok(Waiting::Refused("ACQ.CONTEXT_INCONSISTENT"));
        }
        match trade.status {
            TradeStatus::TradeSuccess => return Ok(Waiting::Refused("ACQ.TRADE_HAS_SUCCESS")),
            TradeStatus::TradeClosed => return Ok(Waiting::Refused("ACQ.TRADE_HAS_CLOSE")),
            TradeStatus::InProcess => return Ok(Waiting::InProcess(trade.clone())),
            TradeStatus::WaitBuyerPay | TradeStatus::Late => (),
        }
    }
    if let Some(sub_code) = agreement_refusal(sqlite, order)? {
        return Ok(Waiting::Refused(sub_code));
    }
    Ok(Waiting::Trade(match found {
        Some(trade) => trade,
        None => create(sqlite, order, now)?,
    }))
}

/// The trade of a number as time has left it.
pub(super) fn current_trade(
    sqlite: &Connection,
    out_trade_no: &str,
    now: Timestamp,
) -> Result<Option<Trade>, rusqlite::Error> {
    pass_time(sqlite, now)?;
    find_trade(sqlite, out_trade_no)
}

/// Moves a trade's money out of its payer's funds; false when they are too little.
pub(super) fn take(
    sqlite: &Connection,
    trade: &Trade,
    now: Timestamp,
) -> Result<bool, rusqlite::Error> {
    let payers_with_enough = sqlite.execute(
        "UPDATE payers SET funds_fen = funds_fen - ?2 WHERE payer = ?1 AND funds_fen >= ?2",
        params![trade.payer, trade.amount_fen.get()],
    )?;
    if payers_with_enough == 0 {
        return Ok(false);
    }
    sqlite.execute(
        "INSERT INTO takings (trade_id, agreement_no, amount_fen, taken_at_s) VALUES (?1, ?2, ?3, ?4)",
        params![trade.trade_id, trade.agreement_no, trade.amount_fen.get(), now.as_second()],
    )?;
    set_trade_status(sqlite, trade, TradeStatus::TradeSuccess)?;
    queue_trade(sqlite, &trade.out_trade_no, &TradeEvent::Paid, now)?;
    Ok(true)
}

fn pay_waiting(
    sqlite: &Connection,
    trade: Trade,
    effect: Effect,
    now: Timestamp,
) -> Result<PayOutcome, rusqlite::Error> {
    let is_taken = match effect {
        Effect::Deferred => {
            set_trade_status(sqlite, &trade, TradeStatus::InProcess)?;
            return Ok(PayOutcome::InProcess(trade));
        }
        Effect::Late => {
            set_late(sqlite, &trade, now)?;
            return Ok(PayOutcome::Refused("ACQ.SYSTEM_ERROR"));
        }
        Effect::ShortOfFunds | Effect::Nothing => false,
        Effect::Usual => take(sqlite, &trade, now)?,
    };
    if is_taken {
        let status = TradeStatus::TradeSuccess;
        return Ok(PayOutcome::Paid(Trade { status, taken_at: Some(now), ..trade }));
    }
    set_trade_status(sqlite, &trade, TradeStatus::WaitBuyerPay)?;
    Ok(PayOutcome::Refused("ACQ.BUYER_BALANCE_NOT_ENOUGH"))
}

/// Whether a trade has the parameters of an order with its number.
fn is_of(trade: &Trade, order: &Order) -> bool {
    trade.amount_fen == order.amount_fen
        && trade.subject == order.subject
        && trade.kind == order.kind()
        && trade.agreement_no.as_deref() == order.agreement_no()
}

/// Why an order's agreement does not let it be paid.
fn agreement_refusal(
    sqlite: &Connection,
    order: &Order,
) -> Result<Option<&'static str>, rusqlite::Error> {
    let MoneySource::Agreement(agreement_no) = &order.source else { return Ok(None) };
    let Some(agreement) = find_agreement(sqlite, agreement_no)? else {
        return Ok(Some("ACQ.AGREEMENT_NOT_EXIST"));
    };
    let is_above_limit = agreement.single_limit_fen.is_some_and(|limit| order.amount_fen > limit);
    Ok(match agreement.status {
        AgreementStatus::Unsign | AgreementStatus::Expired => Some("ACQ.AGREEMENT_INVALID"),
        AgreementStatus::Stop | AgreementStatus::Temp => Some("ACQ.AGREEMENT_STATUS_NOT_NORMAL"),
        AgreementStatus::Normal if is_above_limit => Some("ACQ.PRODUCT_AMOUNT_LIMIT_ERROR"),
        AgreementStatus::Normal => None,
    })
}

fn create(sqlite: &Connection, order: &Order, now: Timestamp) -> Result<Trade, rusqlite::Error> {
    sqlite.execute(
        "INSERT INTO trades (out_trade_no, kind, agreement_no, payer, amount_fen, subject, status,
             notify_url, return_url, created_at_s, expires_at_s)
         VALUES (?1, ?2, ?3, (SELECT payer FROM agreements WHERE agreement_no = ?3), ?4, ?5, ?6,
             ?7, ?8, ?9, ?10)",
        params![
            order.out_trade_no,
            order.kind().as_str(),
            order.agreement_no(),
            order.amount_fen.get(),
            order.subject,
            TradeStatus::WaitBuyerPay.as_str(),
            order.notify_url,
            order.return_url,
            now.as_second(),
            now.as_second() + order.timeout.as_secs(),
        ],
    )?;
    find_trade(sqlite, &order.out_trade_no)?.ok_or(rusqlite::Error::QueryReturnedNoRows)
}

/// Takes the money of a late payment; without enough of it the trade is closed.
fn take_late(sqlite: &Connection, trade: &Trade, now: Timestamp) -> Result<(), rusqlite::Error> {
    if !take(sqlite, trade, now)? {
        set_trade_status(sqlite, trade, TradeStatus::TradeClosed)?;
    }
    Ok(())
}

fn set_late(sqlite: &Connection, trade: &Trade, now: Timestamp) -> Result<(), rusqlite::Error> {
    set_trade_status(sqlite, trade, TradeStatus::Late)?;
    sqlite.execute(
        "UPDATE trades SET late_until_s = ?2 WHERE trade_id = ?1",
        params![trade.trade_id, now.as_second() + LATE_AFTER.as_secs()],
    )?;
    Ok(())
}

/// Makes the late payments whose time has come, and closes the trades that waited longer than their
/// `timeout_express`.
fn pass_time(sqlite: &Connection, now: Timestamp) -> Result<(), rusqlite::Error> {
    for trade in trades_until(sqlite, "late_until_s", TradeStatus::Late, now)? {
        take_late(sqlite, &trade, now)?;
    }
    for trade in trades_until(sqlite, "expires_at_s", TradeStatus::WaitBuyerPay, now)? {
        set_trade_status(sqlite, &trade, TradeStatus::TradeClosed)?;
        queue_trade(sqlite, &trade.out_trade_no, &TradeEvent::Closed, now)?;
    }
    Ok(())
}

/// The trades of a status whose time in a column has come.
fn trades_until(
    sqlite: &Connection,
    column: &'static str,
    status: TradeStatus,
    now: Timestamp,
) -> Result<Vec<Trade>, rusqlite::Error> {
    let mut statement = sqlite.prepare(&format!(
        "SELECT out_trade_no FROM trades WHERE status = ?1 AND {column} <= ?2 ORDER BY trade_id"
    ))?;
    let numbers: Vec<String> = statement
        .query_map(params![status.as_str(), now.as_second()], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let found = numbers.iter().map(|number| find_trade(sqlite, number));
    Ok(found.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}
