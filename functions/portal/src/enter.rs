//! Sessions: the platform's servers ask for links, and browsers open them.

use std::collections::BTreeSet;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use steelyard_billing::{
    Person, ProviderId, Right, SESSION_DEFAULT, Session, SessionError, SessionLink, SessionRight,
    Visitor,
};
use steelyard_pages::{Message, MessagePage};
use steelyard_runtime::Problem;
use steelyard_store::{BillingTable, CommitError, ProviderAccount, session_link_id};
use thiserror::Error;
use utoipa::ToSchema;

use crate::Shared;
use crate::asker::Asker;
use crate::refusal::Refusal;
use crate::seal::SessionKeys;

/// The path where links are asked for.
pub const SESSIONS_PATH: &str = "/v1/portal-sessions";

/// A requested session: of a provider, or of an operator.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LinkRequest {
    /// The provider whose pages the link opens. An operator sees them first, or the list of all
    /// providers if it is missing; either way the operator sees every account.
    #[schema(value_type = Option<String>, example = "shop-assistant")]
    provider: Option<ProviderId>,
    /// The name of an operator, who sees every account; missing if the provider itself looks.
    #[schema(value_type = Option<String>)]
    operator: Option<Person>,
    /// The language: `en` or `zh`, also as in `zh-CN`; by the browser's preference if missing.
    locale: Option<String>,
    /// The platform's page to which the visitor returns.
    return_url: Option<String>,
    /// The rights of the session beside reading. A provider's session can have `pay`, `mandate`
    /// and `alerts`, which allows it to set budgets, alerts and the spend cap. An operator's
    /// session can have `operate`.
    #[serde(default)]
    #[schema(value_type = Vec<String>, example = json!(["pay", "mandate", "alerts"]))]
    may: BTreeSet<SessionRight>,
    /// How long the session lasts, in seconds: from 60 to 43200, 3600 if missing.
    expires_in_s: Option<u32>,
}

/// A link to a session.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LinkAnswer {
    /// The address that opens the session, once.
    url: String,
    /// Until when it opens, in seconds of Unix time.
    #[schema(value_type = i64)]
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    opens_until_s: Timestamp,
}

/// Make a link to the pages
///
/// The link opens a session in the visitor's browser, once, within a minute. It needs the right
/// `sessions` for the provider, or `operators`, for all providers, if it names an operator. Nobody
/// has these rights before they are granted.
#[utoipa::path(
    post,
    path = "/v1/portal-sessions",
    operation_id = "make_session_link",
    request_body = LinkRequest,
    responses((status = 201, description = "The link.", body = LinkAnswer))
)]
pub(crate) async fn make(
    State(shared): State<Shared>,
    request: Request,
) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let asker = Asker::of(&parts, &shared)?;
    let Asker::Caller(caller) = asker else { return Err(Refusal::NotSignedIn) };
    let body = axum::body::to_bytes(body, crate::BODY_BYTES_MAX).await;
    let body: Bytes = body.map_err(|error| Refusal::Malformed(error.to_string()))?;
    let malformed = |detail: String| Refusal::Malformed(detail);
    let asked: LinkRequest =
        steelyard_json::read(&body).map_err(|error| malformed(error.to_string()))?;
    let right = if asked.operator.is_some() { Right::Operators } else { Right::Sessions };
    shared.guard.admit(&caller, right, asked.provider.as_ref()).await?;
    let session_version = match &asked.provider {
        Some(provider) => shared.registered(provider).await?.account.session_version,
        None => 0,
    };
    let is_operators = asked.operator.is_some();
    let (visitor, looks_at) = match (asked.operator, asked.provider) {
        (Some(operator), looks_at) => (Visitor::Operator(operator), looks_at),
        (None, Some(provider)) => (Visitor::Provider(provider), None),
        (None, None) => return Err(malformed("name a `provider` or an `operator`".to_owned())),
    };
    let lang = |tag: &String| {
        let lang = steelyard_pages::Lang::of_tag(tag);
        lang.ok_or_else(|| malformed("`locale` is neither `en` nor `zh`".to_owned()))
    };
    let locale = asked.locale.as_ref().map(lang).transpose()?;
    let default_s = u32::try_from(SESSION_DEFAULT.as_secs()).unwrap_or(u32::MAX);
    let link = SessionLink {
        visitor,
        looks_at,
        may: asked.may,
        lasts_s: asked.expires_in_s.unwrap_or(default_s),
        locale: locale.map(|lang| lang.name().to_owned()),
        return_url: asked.return_url,
        made_at_s: shared.session_now(),
        session_version,
    };
    let billing = &shared.settler.books.billing;
    let url = match store_link(billing, &shared.portal_url(&parts)?, &link).await {
        Ok(url) => url,
        Err(LinkError::Asked(error)) => return Err(malformed(error.to_string())),
        Err(error) => return Err(Refusal::unavailable(error)),
    };
    tracing::info!(is_operators, %caller, "a session link is made");
    let answer = LinkAnswer { url, opens_until_s: link.valid_until() };
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

impl Shared {
    async fn registered(&self, provider: &ProviderId) -> Result<ProviderAccount, Refusal> {
        let found = self.settler.books.billing.account(provider).await;
        let unknown =
            || Refusal::Problem(Problem::NoProvider, format!("there is no provider `{provider}`"));
        found.map_err(Refusal::unavailable)?.ok_or_else(unknown)
    }
}

/// Stores a link to a session, and gives its address.
///
/// # Errors
///
/// [`LinkError`] when no such session is possible, or the table fails.
pub async fn store_link(
    billing: &BillingTable,
    portal_url: &str,
    link: &SessionLink,
) -> Result<String, LinkError> {
    let link = link.clone().checked()?;
    let token = random_text()?;
    billing.make_session_link(&session_link_id(&token), &link).await?;
    Ok(format!("{portal_url}/portal/enter/{token}"))
}

/// Why there is no link.
#[derive(Debug, Error)]
pub enum LinkError {
    /// No such session is possible.
    #[error(transparent)]
    Asked(#[from] SessionError),
    /// The system gives no random bytes.
    #[error("cannot make a token")]
    Random(#[from] getrandom::Error),
    /// The link cannot be stored.
    #[error("cannot store the link")]
    Store(#[from] CommitError),
}

/// Opens a link: the browser gets the session's cookie, and goes to the first page.
pub(crate) async fn enter(
    State(shared): State<Shared>,
    Path(token): Path<String>,
) -> Result<Response, Refusal> {
    let id = session_link_id(&token);
    let opener = random_text().map_err(Refusal::unavailable)?;
    let link = shared.settler.books.billing.open_session_link(&id, &opener).await;
    let link = link.map_err(Refusal::unavailable)?.ok_or(Refusal::LinkUsed)?;
    let lasts_s = i64::from(link.lasts_s);
    let first_page = match (&link.visitor, &link.looks_at) {
        (Visitor::Provider(provider), _) | (Visitor::Operator(_), Some(provider)) => {
            format!("/portal/providers/{provider}/overview")
        }
        (Visitor::Operator(_), None) => "/portal/operator/providers".to_owned(),
    };
    let name = id.chars().take(16).collect::<String>().parse().map_err(Refusal::unavailable)?;
    let session: Session = link.open(name, shared.session_now()).ok_or(Refusal::LinkUsed)?;
    let lang = session.locale.clone();
    let sealed = shared.keys.seal(&session, lasts_s);
    let cookie = sealed.ok_or_else(|| Refusal::unavailable("the session cannot be sealed"))?;
    tracing::info!(session.id = %session.id, "a session is opened");
    let mut response = to(&first_page);
    let cookie = HeaderValue::from_str(&cookie).map_err(Refusal::unavailable)?;
    response.headers_mut().append(SET_COOKIE, cookie);
    if let Some(lang) = lang.and_then(|name| steelyard_pages::Lang::named(&name)) {
        response.headers_mut().append(SET_COOKIE, crate::lang_cookie(lang));
    }
    Ok(response)
}

/// Ends the session in this browser. A copy of its cookie opens the pages until the session ends or
/// is revoked.
pub(crate) async fn leave() -> Result<Response, Refusal> {
    let mut response = to("/portal/left");
    let cookie = HeaderValue::from_str(&SessionKeys::forget()).map_err(Refusal::unavailable)?;
    response.headers_mut().append(SET_COOKIE, cookie);
    Ok(response)
}

/// The page after the end of a session in this browser.
pub(crate) async fn left(State(shared): State<Shared>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    crate::page(&MessagePage::new(&crate::asker::frame(&parts, &shared), Message::SignedOut))
}

/// Sends the browser to another page of ours, by GET.
pub(crate) fn to(page: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(page) = HeaderValue::from_str(page) {
        response.headers_mut().insert(LOCATION, page);
    }
    response
}

/// 256 random bits, as they stand in an address.
pub(crate) fn random_text() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}
