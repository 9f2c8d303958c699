//! The page on which a payer signs an agreement: `alipay.user.agreement.page.sign`.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Form, Router};
use serde::Deserialize;
use steelyard_pricing::Fen;

use super::{Wish, done, html, refused};
use crate::LocalAlipay;
use crate::books::Offer;
use crate::content::OfferContent;
use crate::control::ControlError;
use crate::request::PageRequest;

/// The route to which the page's form is posted.
pub(super) fn routes() -> Router<LocalAlipay> {
    Router::new().route("/local/offers/{external_agreement_no}", post(answer))
}

#[derive(Deserialize)]
struct SignForm {
    answer: Wish,
    payer: String,
    funds: String,
}

/// The page of an offer, which is known from now on.
pub(super) fn open(alipay: &LocalAlipay, request: PageRequest) -> Response {
    let Some(content) = OfferContent::parse(&request.biz_content) else {
        return refused("INVALID_PARAMETER");
    };
    let offer = Offer {
        external_agreement_no: content.external_agreement_no.to_string(),
        sign_scene: content.sign_scene,
        personal_product_code: content.personal_product_code,
        external_logon_id: content.external_logon_id,
        notify_url: request.notify_url,
        return_url: request.return_url,
    };
    let is_open = alipay.books().offer(&offer);
    match is_open {
        Ok(true) => page(&offer),
        Ok(false) => signed_already(),
        Err(error) => error.into_response(),
    }
}

fn page(offer: &Offer) -> Response {
    let terms = html::list(&[
        ("Merchant's application", LocalAlipay::APP_ID),
        ("Your name at the merchant", &offer.external_logon_id),
        ("Product", &offer.personal_product_code),
        ("Scene", &offer.sign_scene),
        ("Merchant's number", &offer.external_agreement_no),
    ]);
    let fields = [
        html::field("payer", "Your Alipay account", "", true),
        html::field("funds", "Your funds in yuan", "1000.00", true),
        html::button("yes", "Sign"),
        html::button("no", "Refuse"),
    ];
    let form =
        html::form(&format!("/local/offers/{}", offer.external_agreement_no), &fields.concat());
    let intro = "<p>The merchant may take money from you without asking each time.</p>\n";
    html::page(StatusCode::OK, "Sign a withholding agreement", &format!("{intro}{terms}{form}"))
}

async fn answer(
    State(alipay): State<LocalAlipay>,
    Path(external_agreement_no): Path<String>,
    Form(form): Form<SignForm>,
) -> Response {
    let offer = alipay.books().find_offer(&external_agreement_no);
    let offer = match offer {
        Ok(Some(offer)) => offer,
        Ok(None) => return refused("USER_AGREEMENT_NOT_EXIST"),
        Err(error) => return error.into_response(),
    };
    match form.answer {
        Wish::Yes => sign(&alipay, &offer, &form),
        Wish::No => done(offer.return_url.as_deref(), "Refused", "You did not sign."),
    }
}

fn sign(alipay: &LocalAlipay, offer: &Offer, form: &SignForm) -> Response {
    let funds: Option<Fen> = form.funds.parse().ok().filter(|funds: &Fen| !funds.is_negative());
    let (Some(funds), false) = (funds, form.payer.is_empty()) else {
        let text = "An account has a name, and funds such as 1000.00.";
        return html::message(StatusCode::BAD_REQUEST, "Not signed", text);
    };
    let number = &offer.external_agreement_no;
    match alipay.sign_agreement(number, &form.payer, funds, alipay.now()) {
        Ok(agreement_no) => {
            let text = format!("You signed agreement {agreement_no}.");
            done(offer.return_url.as_deref(), "Signed", &text)
        }
        Err(ControlError::SignedAlready { .. }) => signed_already(),
        Err(error) => error.into_response(),
    }
}

fn signed_already() -> Response {
    html::message(StatusCode::CONFLICT, "Signed already", "This agreement was signed before.")
}
