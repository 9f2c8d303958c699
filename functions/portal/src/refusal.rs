//! Why a request is not answered, as problem details for programs and as a page for people.

use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use steelyard_pages::Message;
use steelyard_runtime::{Error, NotAdmitted, Problem, chain, web};

/// The result of a route.
pub(crate) type Answer = Result<Response, Refusal>;

/// Why a request is not answered.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// There is no open session, and no caller that IAM or a token names.
    NotSignedIn,
    /// A session's link was opened before, or too late.
    LinkUsed,
    /// Nothing is here for this asker.
    NotFound,
    /// The provider has no such bill.
    NoBill,
    /// The asker may read, and not do this.
    NotAllowed(&'static str),
    /// The form was sent by another site.
    ForeignForm,
    /// The request is not in its form.
    Malformed(String),
    /// Another function refused, with a kind of problem of its own.
    Problem(Problem, String),
    /// The form was carried out, and its page cannot be shown.
    Unseen,
    /// Something failed that may work in a minute.
    Unavailable(Error),
}

impl Refusal {
    pub(crate) fn unavailable(error: impl Into<Error>) -> Refusal {
        Refusal::Unavailable(error.into())
    }

    /// The message of the page that shows the refusal.
    pub(crate) fn message(&self) -> Message {
        match self {
            Refusal::NotSignedIn => Message::NotSignedIn,
            Refusal::LinkUsed => Message::LinkUsed,
            Refusal::NotFound | Refusal::Problem(Problem::NotFound | Problem::NoProvider, _) => {
                Message::NotFound
            }
            Refusal::NoBill => Message::NoBill,
            Refusal::Problem(Problem::Forbidden, _) => Message::NotAllowed,
            Refusal::Problem(Problem::Mandate, _) => Message::AgreementChanged,
            Refusal::Problem(Problem::IdempotencyKeyUsed, _) => Message::SentBefore,
            // The others are of routes for programs, or of a request in another form.
            Refusal::Malformed(_) | Refusal::Problem(..) => Message::Malformed,
            Refusal::NotAllowed(_) => Message::NotAllowed,
            Refusal::ForeignForm => Message::ForeignForm,
            Refusal::Unseen => Message::Unseen,
            Refusal::Unavailable(_) => Message::Unavailable,
        }
    }

    fn problem(&self) -> (Problem, String) {
        match self {
            Refusal::NotSignedIn => {
                (Problem::NotSignedIn, "sign the request, or open a session".into())
            }
            Refusal::LinkUsed => (Problem::LinkUsed, "a link works once, within a minute".into()),
            Refusal::NotFound => (Problem::NotFound, "nothing is here for this caller".into()),
            Refusal::NoBill => {
                (Problem::NotFound, "there is no such bill: a day without usage has none".into())
            }
            Refusal::NotAllowed(what) => {
                (Problem::Forbidden, format!("this session or caller may not {what}"))
            }
            Refusal::ForeignForm => (Problem::Forbidden, "another site sent this".into()),
            Refusal::Malformed(detail) => (Problem::MalformedRequest, detail.clone()),
            Refusal::Problem(problem, detail) => (*problem, detail.clone()),
            Refusal::Unseen => {
                (Problem::Unavailable, "it is carried out, and cannot be shown".into())
            }
            Refusal::Unavailable(_) => (Problem::Unavailable, "ask again in a minute".into()),
        }
    }

    /// The status of the answer.
    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.problem().0.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Problem details (RFC 9457).
    pub(crate) fn as_problem(&self) -> Response {
        let (problem, detail) = self.problem();
        let body = web::problem_body(problem, &detail, json!({})).to_string();
        let headers = [(CONTENT_TYPE, "application/problem+json")];
        let mut response = (self.status(), headers, body).into_response();
        if let Refusal::Unavailable(_) = self {
            response.headers_mut().insert(RETRY_AFTER, web::RETRY_AFTER_S);
        }
        response
    }

    pub(crate) fn log(&self) {
        if let Refusal::Unavailable(error) = self {
            tracing::error!(error = chain(&**error), "cannot answer");
        }
    }
}

/// The layer around all routes writes the answer: it knows whether a page or a program asked.
impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        self.log();
        let mut response = self.status().into_response();
        response.extensions_mut().insert(std::sync::Arc::new(self));
        response
    }
}

impl From<NotAdmitted> for Refusal {
    fn from(error: NotAdmitted) -> Refusal {
        match error {
            NotAdmitted::Denied(denied) => Refusal::Problem(Problem::Forbidden, denied.to_string()),
            NotAdmitted::Store(error) => Refusal::unavailable(error),
        }
    }
}
