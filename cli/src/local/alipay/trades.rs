//! What the local Alipay does with a trade: pay it, query it, close it. Each is one SQLite transaction.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::books::{Books, BooksError, Trade, TradeStatus, find_trade};
use super::fault::Effect;
use super::order::Order;

/// What a payment comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PayOutcome {
    /// The money was taken now.
    Paid(Trade),
    /// The money is taken when the trade is next queried.
    InProcess(Trade),
    /// The money was not taken now, for the reason of this `sub_code`.
    Refused(&'static str),
}

/// What an attempt to close a trade comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CloseOutcome {
    /// Nothing can be taken under its number any more.
    Closed(Trade),
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
        let transaction = self.sqlite.transaction()?;
        close_expired(&transaction, now)?;
        let outcome = pay(&transaction, order, effect, now)?;
        transaction.commit()?;
        Ok(outcome)
    }

    /// The trade of a number, after the money of a payment in process is taken.
    pub(super) fn query(
        &mut self,
        out_trade_no: &str,
        now: Timestamp,
    ) -> Result<Option<Trade>, BooksError> {
        let transaction = self.sqlite.transaction()?;
        close_expired(&transaction, now)?;
        if let Some(trade) = find_trade(&transaction, out_trade_no)?
            && trade.status == TradeStatus::InProcess
            && !take(&transaction, &trade, now)?
        {
            set_status(&transaction, &trade, TradeStatus::WaitBuyerPay)?;
        }
        let trade = find_trade(&transaction, out_trade_no)?;
        transaction.commit()?;
        Ok(trade)
    }

    /// Closes a trade that waits to be paid.
    pub(super) fn close(
        &mut self,
        out_trade_no: &str,
        now: Timestamp,
    ) -> Result<CloseOutcome, BooksError> {
        let transaction = self.sqlite.transaction()?;
        close_expired(&transaction, now)?;
        let Some(trade) = find_trade(&transaction, out_trade_no)? else {
            return Ok(CloseOutcome::Refused("ACQ.TRADE_NOT_EXIST"));
        };
        match trade.status {
            TradeStatus::WaitBuyerPay => {
                set_status(&transaction, &trade, TradeStatus::TradeClosed)?
            }
            TradeStatus::InProcess | TradeStatus::TradeSuccess | TradeStatus::TradeClosed => {
                return Ok(CloseOutcome::Refused("ACQ.REASON_TRADE_STATUS_INVALID"));
            }
        }
        transaction.commit()?;
        Ok(CloseOutcome::Closed(trade))
    }
}

fn pay(
    sqlite: &Connection,
    order: &Order,
    effect: Effect,
    now: Timestamp,
) -> Result<PayOutcome, rusqlite::Error> {
    let trade = match find_trade(sqlite, &order.out_trade_no)? {
        Some(trade) if !is_of(&trade, order) => {
            return Ok(PayOutcome::Refused("ACQ.CONTEXT_INCONSISTENT"));
        }
        Some(trade) => trade,
        None if !has_agreement(sqlite, &order.agreement_no)? => {
            return Ok(PayOutcome::Refused("ACQ.AGREEMENT_NOT_EXIST"));
        }
        None => create(sqlite, order, now)?,
    };
    match trade.status {
        TradeStatus::TradeSuccess => Ok(PayOutcome::Refused("ACQ.TRADE_HAS_SUCCESS")),
        TradeStatus::TradeClosed => Ok(PayOutcome::Refused("ACQ.TRADE_HAS_CLOSE")),
        TradeStatus::InProcess => Ok(PayOutcome::InProcess(trade)),
        TradeStatus::WaitBuyerPay => pay_waiting(sqlite, trade, effect, now),
    }
}

fn pay_waiting(
    sqlite: &Connection,
    trade: Trade,
    effect: Effect,
    now: Timestamp,
) -> Result<PayOutcome, rusqlite::Error> {
    if effect == Effect::Deferred {
        set_status(sqlite, &trade, TradeStatus::InProcess)?;
        return Ok(PayOutcome::InProcess(trade));
    }
    if effect == Effect::ShortOfFunds || !take(sqlite, &trade, now)? {
        return Ok(PayOutcome::Refused("ACQ.BUYER_BALANCE_NOT_ENOUGH"));
    }
    Ok(PayOutcome::Paid(Trade { status: TradeStatus::TradeSuccess, taken_at: Some(now), ..trade }))
}

/// Whether a trade has the parameters of an order with its number.
fn is_of(trade: &Trade, order: &Order) -> bool {
    trade.amount_fen == order.amount_fen
        && trade.subject == order.subject
        && trade.agreement_no == order.agreement_no
}

fn has_agreement(sqlite: &Connection, agreement_no: &str) -> Result<bool, rusqlite::Error> {
    let found: Option<i64> = sqlite
        .query_row("SELECT 1 FROM agreements WHERE agreement_no = ?1", [agreement_no], |row| {
            row.get(0)
        })
        .optional()?;
    Ok(found.is_some())
}

fn create(sqlite: &Connection, order: &Order, now: Timestamp) -> Result<Trade, rusqlite::Error> {
    sqlite.execute(
        "INSERT INTO trades (out_trade_no, agreement_no, amount_fen, subject, status, created_at_s, expires_at_s)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            order.out_trade_no,
            order.agreement_no,
            order.amount_fen.get(),
            order.subject,
            TradeStatus::WaitBuyerPay.as_str(),
            now.as_second(),
            now.as_second() + order.timeout.as_secs(),
        ],
    )?;
    find_trade(sqlite, &order.out_trade_no)?.ok_or(rusqlite::Error::QueryReturnedNoRows)
}

/// Moves a trade's money out of its payer's funds; false when he has too little.
fn take(sqlite: &Connection, trade: &Trade, now: Timestamp) -> Result<bool, rusqlite::Error> {
    let payers_with_enough = sqlite.execute(
        "UPDATE payers SET funds_fen = funds_fen - ?2
         WHERE payer = (SELECT payer FROM agreements WHERE agreement_no = ?1) AND funds_fen >= ?2",
        params![trade.agreement_no, trade.amount_fen.get()],
    )?;
    if payers_with_enough == 0 {
        return Ok(false);
    }
    sqlite.execute(
        "INSERT INTO takings (trade_id, agreement_no, amount_fen, taken_at_s) VALUES (?1, ?2, ?3, ?4)",
        params![trade.trade_id, trade.agreement_no, trade.amount_fen.get(), now.as_second()],
    )?;
    set_status(sqlite, trade, TradeStatus::TradeSuccess)?;
    Ok(true)
}

fn set_status(
    sqlite: &Connection,
    trade: &Trade,
    status: TradeStatus,
) -> Result<(), rusqlite::Error> {
    sqlite.execute(
        "UPDATE trades SET status = ?2 WHERE trade_id = ?1",
        params![trade.trade_id, status.as_str()],
    )?;
    Ok(())
}

/// Closes the trades that waited longer than their `timeout_express`.
fn close_expired(sqlite: &Connection, now: Timestamp) -> Result<(), rusqlite::Error> {
    sqlite.execute(
        "UPDATE trades SET status = ?1 WHERE status = ?2 AND expires_at_s <= ?3",
        params![
            TradeStatus::TradeClosed.as_str(),
            TradeStatus::WaitBuyerPay.as_str(),
            now.as_second()
        ],
    )?;
    Ok(())
}
