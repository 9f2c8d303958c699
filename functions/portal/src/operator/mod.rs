//! The pages of operators: every provider, what waits for a person, and the sessions of a provider.

mod acts;
mod pages;
mod views;

use axum::Router;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::routing::{MethodRouter, get};
use jiff::Timestamp;
use steelyard_billing::{Person, Visitor};
use steelyard_pages::Frame;

use crate::Shared;
use crate::asker::{Asker, Framed, of_session};
use crate::enter::to;
use crate::refusal::Refusal;

/// A request of an operator.
#[derive(Debug)]
pub(crate) struct Shift {
    pub(crate) operator: Person,
    pub(crate) frame: Frame,
    pub(crate) now: Timestamp,
}

/// The pages below `/portal/operator`.
pub(crate) fn pages() -> Router<Shared> {
    Router::new()
        .route("/", get(async |_: Shift| to("/portal/operator/providers")))
        .route("/providers", get(pages::providers))
        .route("/debits", get(pages::debits).post(acts::debits))
        .route("/reconciliation", get(pages::reconciliation).post(acts::reconciliation))
        .route("/runs", get(pages::runs).post(acts::runs))
        .route("/receivables", get(pages::receivables))
        .route("/actions", get(pages::actions).post(acts::actions))
}

/// The page of a provider that only operators have.
pub(crate) fn sessions_page() -> MethodRouter<Shared> {
    get(pages::sessions).post(acts::sessions)
}

impl FromRequestParts<Shared> for Shift {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Shift, Refusal> {
        let Asker::Session(session) = Asker::of(parts, shared)? else {
            return Err(Refusal::NotFound);
        };
        let Visitor::Operator(operator) = &session.visitor else { return Err(Refusal::NotFound) };
        let (operator, mut frame) = (operator.clone(), crate::asker::frame(parts, shared));
        of_session(&mut frame, &session, shared);
        Framed::note(parts, &frame);
        Ok(Shift { operator, frame, now: shared.clock.now() })
    }
}
