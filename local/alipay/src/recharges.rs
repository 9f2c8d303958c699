//! Trades that a person pays on a page.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::books::{Books, BooksError, Trade, TradeKind, TradeStatus, find_trade};
use super::order::Order;
use super::trades::{Waiting, current_trade, take, waiting_trade};

/// The outcome of a person's payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RechargeOutcome {
    /// The money was taken.
    Paid(Box<Trade>),
    /// Nothing was taken, for the reason of this `sub_code`.
    Refused(&'static str),
}

impl Books {
    /// The trade of an order that waits for a person to pay it, made if there is none.
    pub(super) fn offer_recharge(
        &mut self,
        order: &Order,
        now: Timestamp,
    ) -> Result<Waiting, BooksError> {
        self.transact(|sqlite| waiting_trade(sqlite, order, now))
    }

    /// Pays a trade that waits for a person.
    pub(super) fn pay_recharge(
        &mut self,
        out_trade_no: &str,
        payer: &str,
        now: Timestamp,
    ) -> Result<RechargeOutcome, BooksError> {
        self.transact(|sqlite| pay(sqlite, out_trade_no, payer, now))
    }

    /// A trade that a person pays, or paid.
    pub(super) fn find_recharge(
        &mut self,
        out_trade_no: &str,
        now: Timestamp,
    ) -> Result<Option<Trade>, BooksError> {
        self.transact(|sqlite| find(sqlite, out_trade_no, now))
    }
}

fn find(
    sqlite: &Connection,
    out_trade_no: &str,
    now: Timestamp,
) -> Result<Option<Trade>, rusqlite::Error> {
    let trade = current_trade(sqlite, out_trade_no, now)?;
    Ok(trade.filter(|trade| trade.kind == TradeKind::Recharge))
}

fn pay(
    sqlite: &Connection,
    out_trade_no: &str,
    payer: &str,
    now: Timestamp,
) -> Result<RechargeOutcome, rusqlite::Error> {
    let Some(trade) = find(sqlite, out_trade_no, now)? else {
        return Ok(RechargeOutcome::Refused("ACQ.TRADE_NOT_EXIST"));
    };
    match trade.status {
        TradeStatus::WaitBuyerPay => (),
        TradeStatus::TradeSuccess | TradeStatus::InProcess | TradeStatus::Late => {
            return Ok(RechargeOutcome::Refused("ACQ.TRADE_HAS_SUCCESS"));
        }
        TradeStatus::TradeClosed => return Ok(RechargeOutcome::Refused("ACQ.TRADE_HAS_CLOSE")),
    }
    sqlite.execute("INSERT OR IGNORE INTO payers VALUES (?1, 0)", [payer])?;
    set_payer(sqlite, &trade, Some(payer))?;
    let trade = Trade { payer: Some(payer.to_owned()), ..trade };
    if !take(sqlite, &trade, now)? {
        set_payer(sqlite, &trade, None)?;
        return Ok(RechargeOutcome::Refused("ACQ.BUYER_BALANCE_NOT_ENOUGH"));
    }
    let trade = find_trade(sqlite, out_trade_no)?;
    Ok(RechargeOutcome::Paid(Box::new(trade.ok_or(rusqlite::Error::QueryReturnedNoRows)?)))
}

fn set_payer(
    sqlite: &Connection,
    trade: &Trade,
    payer: Option<&str>,
) -> Result<(), rusqlite::Error> {
    let query = "UPDATE trades SET payer = ?2 WHERE trade_id = ?1";
    sqlite.execute(query, params![trade.trade_id, payer]).map(drop)
}
