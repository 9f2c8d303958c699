//! Pages for a person with a browser: signing an agreement, paying, and the payer's Alipay app.

mod app;
mod html;
mod pay;
mod sign;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::LocalAlipay;
use super::request::{Page, PageRequest};

/// The routes of the pages beside the gateway's.
pub(super) fn routes() -> Router<LocalAlipay> {
    sign::routes().merge(pay::routes()).merge(app::routes())
}

/// What the reader of a page wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Wish {
    Yes,
    No,
}

/// The page of a signed address of the gateway.
pub(super) async fn open(State(alipay): State<LocalAlipay>, RawQuery(query): RawQuery) -> Response {
    let request = match PageRequest::read(query.as_deref().unwrap_or(""), &alipay.keys().app) {
        Ok(request) => request,
        Err(reason) => return refused(reason.sub_code()),
    };
    match request.page {
        Page::Sign => sign::open(&alipay, request),
        Page::Pay => pay::open(&alipay, request),
    }
}

/// The page that says that another one is not shown.
fn refused(sub_code: &str) -> Response {
    let text = format!("Alipay does not open this page: {sub_code}.");
    html::message(StatusCode::BAD_REQUEST, "Refused", &text)
}

/// Where a reader goes who is done: back to the merchant, or to a page that says how it went.
fn done(return_url: Option<&str>, title: &str, text: &str) -> Response {
    let is_address =
        |url: &&str| ["http://", "https://"].iter().any(|scheme| url.starts_with(scheme));
    match return_url.filter(is_address) {
        Some(return_url) => Redirect::to(return_url).into_response(),
        None => html::message(StatusCode::OK, title, text),
    }
}
