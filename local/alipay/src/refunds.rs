//! Money that goes back: refunds that the merchant asks for, and reversals that nobody asks for.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use steelyard_pricing::Fen;

use super::books::{Books, BooksError, Trade, TradeStatus, find_trade, instant, set_trade_status};
use super::content::{RefundKey, RefundOrder};
use super::notifications::{TradeEvent, queue_trade};
use super::trades::current_trade;

/// Money that went back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refund {
    pub(super) out_request_no: String,
    pub(super) amount_fen: Fen,
    pub(super) refunded_at: Timestamp,
}

/// The outcome of a refund. The trade is as it is afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RefundOutcome {
    /// The money went back now.
    Refunded(Trade, Refund),
    /// The money went back before.
    Repeated(Trade, Refund),
    /// Nothing went back, for the reason of this `sub_code`.
    Refused(&'static str),
}

/// A stored refund, or the reason why none is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RefundFound {
    /// The refund was made, of this trade.
    Refund(Box<Trade>, Refund),
    /// The trade has none of its number.
    None,
    /// There is no such trade.
    NoTrade,
}

impl Books {
    /// Gives money back, at most once for each number.
    pub(super) fn refund(
        &mut self,
        order: &RefundOrder,
        now: Timestamp,
    ) -> Result<RefundOutcome, BooksError> {
        self.transact(|sqlite| refund(sqlite, order, now))
    }

    /// Gives money back of which the merchant knows nothing, under a number of another.
    pub(super) fn reverse(
        &mut self,
        out_trade_no: &str,
        amount_fen: Fen,
        now: Timestamp,
    ) -> Result<RefundOutcome, BooksError> {
        self.transact(|sqlite| {
            let count: i64 =
                sqlite.query_row("SELECT COUNT(*) FROM refunds", [], |row| row.get(0))?;
            let order = RefundOrder {
                out_trade_no: out_trade_no.to_owned(),
                out_request_no: Some(format!("REVERSAL{:08}", count + 1)),
                amount_fen,
            };
            refund(sqlite, &order, now)
        })
    }

    /// Finds a refund by its number.
    pub(super) fn find_refund(
        &mut self,
        key: &RefundKey,
        now: Timestamp,
    ) -> Result<RefundFound, BooksError> {
        self.transact(|sqlite| {
            let trade = current_trade(sqlite, key.out_trade_no.as_str(), now)?;
            let Some(trade) = trade.filter(is_known) else { return Ok(RefundFound::NoTrade) };
            let refund = find(sqlite, &trade, key.out_request_no.as_str())?;
            Ok(refund
                .map_or(RefundFound::None, |refund| RefundFound::Refund(Box::new(trade), refund)))
        })
    }
}

fn refund(
    sqlite: &Connection,
    order: &RefundOrder,
    now: Timestamp,
) -> Result<RefundOutcome, rusqlite::Error> {
    let trade = current_trade(sqlite, &order.out_trade_no, now)?;
    let Some(trade) = trade.filter(is_known) else {
        return Ok(RefundOutcome::Refused("ACQ.TRADE_NOT_EXIST"));
    };
    let out_request_no = order.out_request_no.as_deref().unwrap_or(&order.out_trade_no);
    if let Some(refund) = find(sqlite, &trade, out_request_no)? {
        return Ok(if refund.amount_fen == order.amount_fen {
            RefundOutcome::Repeated(trade, refund)
        } else {
            RefundOutcome::Refused("ACQ.DISCORDANT_REPEAT_REQUEST")
        });
    }
    if let Some(sub_code) = refusal(&trade, order) {
        return Ok(RefundOutcome::Refused(sub_code));
    }
    let refund = Refund {
        out_request_no: out_request_no.to_owned(),
        amount_fen: order.amount_fen,
        refunded_at: now,
    };
    give_back(sqlite, &trade, &refund)?;
    let trade = find_trade(sqlite, &order.out_trade_no)?;
    Ok(RefundOutcome::Refunded(trade.ok_or(rusqlite::Error::QueryReturnedNoRows)?, refund))
}

/// Why a refund of a new number is not made.
fn refusal(trade: &Trade, order: &RefundOrder) -> Option<&'static str> {
    match trade.status {
        TradeStatus::TradeClosed => return Some("ACQ.TRADE_HAS_CLOSE"),
        TradeStatus::WaitBuyerPay | TradeStatus::InProcess | TradeStatus::Late => {
            return Some("ACQ.TRADE_STATUS_ERROR");
        }
        TradeStatus::TradeSuccess => (),
    }
    let is_whole = order.amount_fen == trade.amount_fen;
    if order.out_request_no.is_none() && !is_whole {
        return Some("ACQ.INVALID_PARAMETER");
    }
    let total = trade.refunded_fen.plus(order.amount_fen);
    let is_covered = total.is_ok_and(|total| total <= trade.amount_fen);
    (!is_covered).then_some("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL")
}

/// Moves money back into its payer's funds. A trade of which nothing is left is closed.
fn give_back(sqlite: &Connection, trade: &Trade, refund: &Refund) -> Result<(), rusqlite::Error> {
    sqlite.execute(
        "INSERT INTO refunds VALUES (?1, ?2, ?3, ?4)",
        params![
            trade.trade_id,
            refund.out_request_no,
            refund.amount_fen.get(),
            refund.refunded_at.as_second()
        ],
    )?;
    sqlite.execute(
        "UPDATE payers SET funds_fen = funds_fen + ?2 WHERE payer = ?1",
        params![trade.payer, refund.amount_fen.get()],
    )?;
    let total = trade.refunded_fen.plus(refund.amount_fen);
    if total.is_ok_and(|total| total == trade.amount_fen) {
        set_trade_status(sqlite, trade, TradeStatus::TradeClosed)?;
    }
    let event = TradeEvent::Refunded(refund.clone());
    queue_trade(sqlite, &trade.out_trade_no, &event, refund.refunded_at)
}

fn is_known(trade: &Trade) -> bool {
    trade.status != TradeStatus::Late
}

fn find(
    sqlite: &Connection,
    trade: &Trade,
    out_request_no: &str,
) -> Result<Option<Refund>, rusqlite::Error> {
    let query = "SELECT amount_fen, refunded_at_s FROM refunds
                 WHERE trade_id = ?1 AND out_request_no = ?2";
    sqlite
        .query_row(query, params![trade.trade_id, out_request_no], |row| {
            Ok(Refund {
                out_request_no: out_request_no.to_owned(),
                amount_fen: Fen::new(row.get(0)?),
                refunded_at: instant(row.get(1)?)?,
            })
        })
        .optional()
}
