//! Routes for people and other tools: funds, agreements, faults, and a look at the trades.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::Deserialize;
use steelyard_pricing::Fen;

use super::LocalAlipay;
use super::books::{BooksError, Trade};
use super::fault::{Fault, Method};

/// The most calls that one request may let fail.
const TIMES_MAX: usize = 1_000;

/// The routes under `/local`.
pub(super) fn routes() -> Router<LocalAlipay> {
    Router::new()
        .route("/local/payers/{payer}", put(put_payer))
        .route("/local/agreements/{agreement_no}", put(put_agreement))
        .route("/local/faults", post(post_fault))
        .route("/local/trades", get(get_trades))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PayerBody {
    funds_fen: Fen,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AgreementBody {
    payer: String,
    funds_fen: Fen,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultBody {
    method: Method,
    fault: Fault,
    times: usize,
}

async fn put_payer(
    State(alipay): State<LocalAlipay>,
    Path(payer): Path<String>,
    Json(body): Json<PayerBody>,
) -> Result<StatusCode, BooksError> {
    alipay.set_funds(&payer, body.funds_fen)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn put_agreement(
    State(alipay): State<LocalAlipay>,
    Path(agreement_no): Path<String>,
    Json(body): Json<AgreementBody>,
) -> Result<StatusCode, BooksError> {
    alipay.register_agreement(&agreement_no, &body.payer, body.funds_fen)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn post_fault(State(alipay): State<LocalAlipay>, Json(body): Json<FaultBody>) -> Response {
    if body.times > TIMES_MAX {
        return (StatusCode::UNPROCESSABLE_ENTITY, format!("times is more than {TIMES_MAX}"))
            .into_response();
    }
    alipay.fail_next(body.method, body.fault, body.times);
    StatusCode::NO_CONTENT.into_response()
}

async fn get_trades(State(alipay): State<LocalAlipay>) -> Result<Json<Vec<Trade>>, BooksError> {
    Ok(Json(alipay.trades()?))
}

impl IntoResponse for BooksError {
    fn into_response(self) -> Response {
        (StatusCode::INTERNAL_SERVER_ERROR, self.to_string()).into_response()
    }
}
