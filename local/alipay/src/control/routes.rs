//! Routes for people and other tools: funds, agreements, trades, notifications, faults.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use steelyard_pricing::Fen;

use super::ControlError;
use crate::LocalAlipay;
use crate::books::{Agreement, BooksError, Trade};
use crate::fault::{Fault, Method, NotificationFault};
use crate::notifications::PendingNotification;

/// The most calls or notifications that one request may let fail.
const TIMES_MAX: usize = 1_000;

/// The routes under `/local` that tools use.
pub(crate) fn routes() -> Router<LocalAlipay> {
    let agreement = "/local/agreements/{agreement_no}";
    Router::new()
        .route("/local/payers/{payer}", put(put_payer))
        .route("/local/offers/{external_agreement_no}/sign", post(post_sign))
        .route("/local/agreements", get(get_agreements))
        .route(agreement, put(put_agreement))
        .route(&format!("{agreement}/{{change}}"), post(post_change))
        .route(&format!("{agreement}/single-limit"), put(put_single_limit))
        .route("/local/trades", get(get_trades))
        .route("/local/trades/{out_trade_no}/pay", post(post_pay))
        .route("/local/trades/{out_trade_no}/reverse", post(post_reverse))
        .route("/local/faults", post(post_fault))
        .route("/local/notifications", get(get_notifications).delete(delete_notifications))
        .route("/local/notification-faults", post(post_notification_fault))
        .route("/local/app-gateway", put(put_app_gateway))
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

/// A requested change of an agreement.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ChangeName {
    Revoke,
    Suspend,
    Resume,
    Defer,
    Expire,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitBody {
    single_limit_fen: Option<Fen>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PayBody {
    payer: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReverseBody {
    amount_fen: Fen,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AppGatewayBody {
    address: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NotificationFaultBody {
    fault: NotificationFault,
    times: usize,
}

#[derive(Serialize)]
struct FundedBody {
    payer: String,
    funds_fen: Fen,
}

#[derive(Serialize)]
struct SignedBody {
    agreement_no: String,
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
) -> Result<Json<FundedBody>, BooksError> {
    alipay.set_funds(&payer, body.funds_fen)?;
    Ok(Json(FundedBody { payer, funds_fen: body.funds_fen }))
}

async fn put_agreement(
    State(alipay): State<LocalAlipay>,
    Path(agreement_no): Path<String>,
    Json(body): Json<AgreementBody>,
) -> Result<Json<Agreement>, ControlError> {
    alipay.register_agreement(&agreement_no, &body.payer, body.funds_fen)?;
    Ok(Json(alipay.agreement(&agreement_no)?))
}

async fn post_sign(
    State(alipay): State<LocalAlipay>,
    Path(external_agreement_no): Path<String>,
    Json(body): Json<AgreementBody>,
) -> Result<Json<SignedBody>, ControlError> {
    let (payer, funds) = (&body.payer, body.funds_fen);
    let agreement_no = alipay.sign_agreement(&external_agreement_no, payer, funds, alipay.now())?;
    Ok(Json(SignedBody { agreement_no }))
}

async fn post_change(
    State(alipay): State<LocalAlipay>,
    Path((agreement_no, change)): Path<(String, ChangeName)>,
) -> Result<Json<Agreement>, ControlError> {
    match change {
        ChangeName::Revoke => alipay.revoke_agreement(&agreement_no, alipay.now())?,
        ChangeName::Suspend => alipay.suspend_agreement(&agreement_no)?,
        ChangeName::Resume => alipay.resume_agreement(&agreement_no)?,
        ChangeName::Defer => alipay.defer_agreement(&agreement_no)?,
        ChangeName::Expire => alipay.expire_agreement(&agreement_no)?,
    }
    Ok(Json(alipay.agreement(&agreement_no)?))
}

async fn put_single_limit(
    State(alipay): State<LocalAlipay>,
    Path(agreement_no): Path<String>,
    Json(body): Json<LimitBody>,
) -> Result<Json<Agreement>, ControlError> {
    alipay.set_single_limit(&agreement_no, body.single_limit_fen)?;
    Ok(Json(alipay.agreement(&agreement_no)?))
}

async fn get_agreements(
    State(alipay): State<LocalAlipay>,
) -> Result<Json<Vec<Agreement>>, BooksError> {
    Ok(Json(alipay.agreements()?))
}

async fn post_pay(
    State(alipay): State<LocalAlipay>,
    Path(out_trade_no): Path<String>,
    Json(body): Json<PayBody>,
) -> Result<StatusCode, ControlError> {
    alipay.pay_trade(&out_trade_no, &body.payer, alipay.now())?;
    Ok(StatusCode::NO_CONTENT)
}

async fn post_reverse(
    State(alipay): State<LocalAlipay>,
    Path(out_trade_no): Path<String>,
    Json(body): Json<ReverseBody>,
) -> Result<StatusCode, ControlError> {
    alipay.reverse_trade(&out_trade_no, body.amount_fen, alipay.now())?;
    Ok(StatusCode::NO_CONTENT)
}

async fn get_trades(State(alipay): State<LocalAlipay>) -> Result<Json<Vec<Trade>>, BooksError> {
    Ok(Json(alipay.trades()?))
}

async fn get_notifications(
    State(alipay): State<LocalAlipay>,
) -> Result<Json<Vec<PendingNotification>>, BooksError> {
    Ok(Json(alipay.notifications()?))
}

async fn delete_notifications(State(alipay): State<LocalAlipay>) -> Result<StatusCode, BooksError> {
    alipay.drop_notifications()?;
    Ok(StatusCode::NO_CONTENT)
}

async fn put_app_gateway(
    State(alipay): State<LocalAlipay>,
    Json(body): Json<AppGatewayBody>,
) -> Result<StatusCode, BooksError> {
    alipay.set_app_gateway(body.address.as_deref())?;
    Ok(StatusCode::NO_CONTENT)
}

async fn post_fault(State(alipay): State<LocalAlipay>, Json(body): Json<FaultBody>) -> Response {
    if body.times > TIMES_MAX {
        return too_often();
    }
    alipay.fail_next(body.method, body.fault, body.times);
    StatusCode::NO_CONTENT.into_response()
}

async fn post_notification_fault(
    State(alipay): State<LocalAlipay>,
    Json(body): Json<NotificationFaultBody>,
) -> Response {
    if body.times > TIMES_MAX {
        return too_often();
    }
    alipay.fail_next_notifications(body.fault, body.times);
    StatusCode::NO_CONTENT.into_response()
}

fn too_often() -> Response {
    (StatusCode::UNPROCESSABLE_ENTITY, format!("times is more than {TIMES_MAX}")).into_response()
}

impl IntoResponse for BooksError {
    fn into_response(self) -> Response {
        (StatusCode::INTERNAL_SERVER_ERROR, self.to_string()).into_response()
    }
}

impl IntoResponse for ControlError {
    fn into_response(self) -> Response {
        let status = match &self {
            ControlError::NoAgreement { .. } => StatusCode::NOT_FOUND,
            ControlError::AgreementOver { .. }
            | ControlError::SignedAlready { .. }
            | ControlError::TradeRefused { .. } => StatusCode::CONFLICT,
            ControlError::Books(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, self.to_string()).into_response()
    }
}
