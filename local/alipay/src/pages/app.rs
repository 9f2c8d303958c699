//! The payer's Alipay app: the agreements, each of which the payer can end.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};

use super::html;
use crate::LocalAlipay;
use crate::books::{Agreement, BooksError};
use crate::control::ControlError;
use crate::notifications::time;

/// The routes of the app.
pub(super) fn routes() -> Router<LocalAlipay> {
    let agreements = "/local/payers/{payer}/agreements";
    Router::new()
        .route(agreements, get(open))
        .route(&format!("{agreements}/{{agreement_no}}/revoke"), post(revoke))
}

async fn open(
    State(alipay): State<LocalAlipay>,
    Path(payer): Path<String>,
) -> Result<Response, BooksError> {
    let agreements = agreements(&alipay, &payer)?;
    let content: String = agreements.iter().map(section).collect();
    let content = match content.as_str() {
        "" => "<p>You have signed nothing.</p>\n",
        content => content,
    };
    Ok(html::page(StatusCode::OK, "Your agreements", content))
}

fn section(agreement: &Agreement) -> String {
    let number = agreement.external_agreement_no.as_deref().unwrap_or("none");
    let limit = agreement.single_limit_fen.map_or("none".to_owned(), |limit| format!("¥{limit}"));
    let terms = html::list(&[
        ("Merchant's application", LocalAlipay::APP_ID),
        ("Merchant's number", number),
        ("Signed", &time(agreement.signed_at)),
        ("Limit of one payment", &limit),
        ("Status", agreement.status.as_str()),
    ]);
    let title = format!("<h2>Agreement {}</h2>\n", html::Text(&agreement.agreement_no));
    let form = if agreement.status.is_over() { String::new() } else { form(agreement) };
    format!("<section>\n{title}{terms}{form}</section>\n")
}

fn form(agreement: &Agreement) -> String {
    let payer: String = form_urlencoded::byte_serialize(agreement.payer.as_bytes()).collect();
    let action = format!(
        "/local/payers/{}/agreements/{}/revoke",
        payer.replace('+', "%20"),
        agreement.agreement_no
    );
    html::form(&action, &html::button("yes", &format!("Revoke {}", agreement.agreement_no)))
}

async fn revoke(
    State(alipay): State<LocalAlipay>,
    Path((payer, agreement_no)): Path<(String, String)>,
) -> Result<Response, ControlError> {
    let is_his = |agreement: &Agreement| agreement.agreement_no == agreement_no;
    if !agreements(&alipay, &payer)?.iter().any(is_his) {
        return Err(ControlError::NoAgreement { agreement_no });
    }
    alipay.revoke_agreement(&agreement_no, alipay.now())?;
    Ok(Redirect::to("../../agreements").into_response())
}

fn agreements(alipay: &LocalAlipay, payer: &str) -> Result<Vec<Agreement>, BooksError> {
    let mut agreements = alipay.agreements()?;
    agreements.retain(|agreement| agreement.payer == payer);
    Ok(agreements)
}
