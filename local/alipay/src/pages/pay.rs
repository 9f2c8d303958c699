//! The page on which a person pays a recharge: `alipay.trade.page.pay`, and what a scanned code of
//! `alipay.trade.precreate` opens.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Form, Router};
use serde::Deserialize;
use steelyard_pricing::Fen;

use super::{Wish, done, html, refused};
use crate::LocalAlipay;
use crate::books::{BooksError, Trade, TradeStatus};
use crate::order::Order;
use crate::recharges::RechargeOutcome;
use crate::request::PageRequest;
use crate::trades::Waiting;

/// The route of the page, to which its form is posted too.
pub(super) fn routes() -> Router<LocalAlipay> {
    Router::new().route("/local/pay/{out_trade_no}", get(open_code).post(answer))
}

#[derive(Deserialize)]
struct PayForm {
    answer: Wish,
    payer: String,
    /// The payer's funds from now on, in yuan; unchanged when it is empty.
    funds: String,
}

/// The page of an order, whose trade waits from now on.
pub(super) fn open(alipay: &LocalAlipay, request: PageRequest) -> Response {
    let Some(order) = Order::page(&request.biz_content) else {
        return refused("ACQ.INVALID_PARAMETER");
    };
    let order = Order { notify_url: request.notify_url, return_url: request.return_url, ..order };
    let waiting = alipay.books().offer_recharge(&order, alipay.now());
    match waiting {
        Ok(Waiting::Trade(trade) | Waiting::InProcess(trade)) => page(&trade),
        Ok(Waiting::Refused(sub_code)) => refused(sub_code),
        Err(error) => error.into_response(),
    }
}

async fn open_code(
    State(alipay): State<LocalAlipay>,
    Path(out_trade_no): Path<String>,
) -> Result<Response, BooksError> {
    let trade = alipay.books().find_recharge(&out_trade_no, alipay.now())?;
    Ok(trade.map_or_else(|| refused("ACQ.TRADE_NOT_EXIST"), |trade| page(&trade)))
}

fn page(trade: &Trade) -> Response {
    let amount = format!("¥{}", trade.amount_fen);
    let terms =
        html::list(&[("Order", &trade.out_trade_no), ("For", &trade.subject), ("Amount", &amount)]);
    let form = match trade.status {
        TradeStatus::WaitBuyerPay => form(trade),
        TradeStatus::TradeSuccess | TradeStatus::InProcess | TradeStatus::Late => {
            "<p>It is paid.</p>\n".to_owned()
        }
        TradeStatus::TradeClosed => "<p>It can be paid no more.</p>\n".to_owned(),
    };
    html::page(StatusCode::OK, "Pay", &format!("{terms}{form}"))
}

fn form(trade: &Trade) -> String {
    let fields = [
        html::field("payer", "Your Alipay account", "", true),
        html::field("funds", "Your funds in yuan, if they change", "", false),
        html::button("yes", "Pay"),
        html::button("no", "Cancel"),
    ];
    html::form(&format!("/local/pay/{}", trade.out_trade_no), &fields.concat())
}

async fn answer(
    State(alipay): State<LocalAlipay>,
    Path(out_trade_no): Path<String>,
    Form(form): Form<PayForm>,
) -> Result<Response, BooksError> {
    let Some(trade) = alipay.books().find_recharge(&out_trade_no, alipay.now())? else {
        return Ok(refused("ACQ.TRADE_NOT_EXIST"));
    };
    match form.answer {
        Wish::Yes => pay(&alipay, &trade, &form),
        Wish::No => Ok(done(trade.return_url.as_deref(), "Cancelled", "You did not pay.")),
    }
}

fn pay(alipay: &LocalAlipay, trade: &Trade, form: &PayForm) -> Result<Response, BooksError> {
    let funds: Option<Fen> = form.funds.parse().ok().filter(|funds: &Fen| !funds.is_negative());
    if form.payer.is_empty() || (funds.is_none() && !form.funds.is_empty()) {
        let text = "An account has a name, and funds such as 1000.00.";
        return Ok(html::message(StatusCode::BAD_REQUEST, "Not paid", text));
    }
    if let Some(funds) = funds {
        alipay.set_funds(&form.payer, funds)?;
    }
    let outcome = alipay.books().pay_recharge(&trade.out_trade_no, &form.payer, alipay.now())?;
    Ok(match outcome {
        RechargeOutcome::Paid(trade) => {
            let text = format!("You paid ¥{}.", trade.amount_fen);
            done(trade.return_url.as_deref(), "Paid", &text)
        }
        RechargeOutcome::Refused(sub_code) => {
            let text = format!("Nothing was paid: {sub_code}.");
            html::message(StatusCode::CONFLICT, "Not paid", &text)
        }
    })
}
