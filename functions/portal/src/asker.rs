//! The asker of a request, and its rights: a session's visitor, a caller that IAM names, or a
//! provider's own program with a token.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use axum::extract::{FromRequestParts, Path};
use axum::http::header::{ACCEPT_LANGUAGE, COOKIE};
use axum::http::request::Parts;
use cookie::Cookie;
use lambda_http::RequestExt;
use lambda_http::request::RequestContext;
use serde_json::{Value, json};
use steelyard_billing::{
    Actor, Caller, Principal, ProviderId, Right, Session, SessionRight, TermsVersion, Visitor,
};
use steelyard_pages::{Frame, Lang, May, Records, wall_clock};
use steelyard_store::ProviderAccount;

use crate::Shared;
use crate::refusal::Refusal;

/// The cookie that remembers the language.
pub(crate) const LANG_COOKIE: &str = "steelyard-lang";

/// The asker of a request, with its identity checked.
#[derive(Clone, Debug)]
pub(crate) enum Asker {
    /// A person, by a session.
    Session(Session),
    /// One of the platform's servers, which IAM names.
    Caller(Caller),
    /// A provider's own program: the token names the provider.
    Program(ProviderId),
}

/// A request about one provider by an asker who may read its account.
#[derive(Debug)]
pub(crate) struct Visit {
    pub(crate) asker: Asker,
    pub(crate) account: ProviderAccount,
    /// The names in the path.
    pub(crate) path: BTreeMap<String, String>,
    pub(crate) frame: Frame,
    /// The address of the pages.
    pub(crate) portal_url: String,
    /// Whether a page that awaits a result is not to load itself again.
    pub(crate) is_still: bool,
    pub(crate) now: jiff::Timestamp,
}

/// The frame of the page that is asked for, once its session is known: a refusal is shown in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Framed(Arc<OnceLock<Frame>>);

impl Framed {
    /// Notes the frame for a refusal.
    pub(crate) fn note(parts: &Parts, frame: &Frame) {
        if let Some(Framed(framed)) = parts.extensions.get::<Framed>() {
            framed.get_or_init(|| frame.clone());
        }
    }

    /// The frame, if the session is known.
    pub(crate) fn get(&self) -> Option<&Frame> {
        self.0.get()
    }
}

/// The language of an answer.
#[derive(Clone, Copy, Debug)]
pub struct Spoken(pub Lang);

impl Asker {
    /// The asker: IAM's word counts first, then a token's, which the gateway has checked, then a
    /// session's.
    pub(crate) fn of(parts: &Parts, shared: &Shared) -> Result<Asker, Refusal> {
        if let Some(RequestContext::ApiGatewayV2(context)) = parts.extensions.get() {
            let authorizer = context.authorizer.as_ref();
            if let Some(iam) = authorizer.and_then(|authorizer| authorizer.iam.as_ref()) {
                let identities = [&iam.user_arn, &iam.user_id];
                let identities = identities.into_iter().flatten().map(String::as_str);
                return Ok(Asker::Caller(Caller::from_identities(identities)));
            }
            if let Some(jwt) = authorizer.and_then(|authorizer| authorizer.jwt.as_ref()) {
                let claim = shared.config.provider_claim.as_ref();
                let provider = claim.and_then(|claim| jwt.claims.get(claim));
                let provider = provider.and_then(|provider| provider.parse().ok());
                return provider.map(Asker::Program).ok_or(Refusal::NotSignedIn);
            }
        }
        Asker::session(parts, shared).map(Asker::Session)
    }

    /// The open session of a request. Whether it was revoked, the stored version says.
    fn session(parts: &Parts, shared: &Shared) -> Result<Session, Refusal> {
        let session = header(parts, COOKIE.as_str()).and_then(|header| shared.keys.open(header));
        let session = session.ok_or(Refusal::NotSignedIn)?;
        if session.is_open(shared.session_now()) { Ok(session) } else { Err(Refusal::NotSignedIn) }
    }

    /// Whether the asker may do something beside reading.
    pub(crate) async fn may(
        &self,
        shared: &Shared,
        provider: &ProviderId,
        right: SessionRight,
    ) -> Result<(), Refusal> {
        match self {
            Asker::Session(session) if is_of_provider(session) && session.lets(right) => Ok(()),
            Asker::Session(_) => Err(Refusal::NotAllowed(right.name())),
            Asker::Program(_) => Err(Refusal::NotAllowed(right.name())),
            Asker::Caller(caller) => {
                let right = match right {
                    SessionRight::Read | SessionRight::Alerts => Right::Accounts,
                    SessionRight::Pay => Right::Recharges,
                    SessionRight::Mandate => Right::Mandates,
                    SessionRight::Operate => Right::Operators,
                };
                Ok(shared.guard.admit(caller, right, Some(provider)).await?)
            }
        }
    }
}

impl Asker {
    /// How the audit trail names it where it acts for a provider.
    pub(crate) fn actor(&self, provider: &ProviderId) -> Result<Actor, Refusal> {
        let provider = provider.clone();
        match self {
            Asker::Session(session) if is_of_provider(session) => {
                Ok(Actor::Provider { provider, session: session.id.clone() })
            }
            Asker::Caller(caller) => Ok(Actor::Caller { caller: principal(caller)?, provider }),
            Asker::Session(_) | Asker::Program(_) => Err(Refusal::NotAllowed("act for a provider")),
        }
    }

    /// The consent that it gives, or that a provider gave to it.
    pub(crate) fn consent(&self, terms_version: &TermsVersion) -> Result<Value, Refusal> {
        match self {
            Asker::Session(session) => {
                Ok(json!({ "terms_version": terms_version, "session": session.id }))
            }
            Asker::Caller(caller) => {
                Ok(json!({ "terms_version": terms_version, "caller": principal(caller)? }))
            }
            Asker::Program(_) => Err(Refusal::NotAllowed(SessionRight::Mandate.name())),
        }
    }
}

/// The identity of a caller; there is none if AWS names none that a record can hold.
fn principal(caller: &Caller) -> Result<Principal, Refusal> {
    caller.principal().cloned().ok_or(Refusal::NotSignedIn)
}

impl Visit {
    pub(crate) fn provider(&self) -> &ProviderId {
        &self.account.provider.provider
    }

    /// The records that every view begins with.
    pub(crate) fn records<'a>(
        &'a self,
        shared: &'a Shared,
        plans: &'a steelyard_pricing::Catalog,
    ) -> Records<'a> {
        Records {
            provider: &self.account.provider,
            account: &self.account.account,
            plans,
            rules: &shared.settler.books.rules,
            now: self.now,
        }
    }

    async fn checked(
        asker: &Asker,
        provider: &ProviderId,
        shared: &Shared,
    ) -> Result<ProviderAccount, Refusal> {
        match asker {
            Asker::Session(Session { visitor: Visitor::Provider(own), .. })
            | Asker::Program(own)
                if own != provider =>
            {
                return Err(Refusal::NotFound);
            }
            Asker::Session(_) | Asker::Program(_) => {}
            Asker::Caller(caller) => {
                shared.guard.admit(caller, Right::Accounts, Some(provider)).await?;
            }
        }
        let found = shared.settler.books.billing.account(provider).await;
        let account = found.map_err(Refusal::unavailable)?.ok_or(Refusal::NotFound)?;
        match asker {
            Asker::Session(session) if shared.is_revoked(session, &account) => {
                Err(Refusal::NotSignedIn)
            }
            Asker::Session(_) | Asker::Caller(_) | Asker::Program(_) => Ok(account),
        }
    }
}

impl FromRequestParts<Shared> for Visit {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Visit, Refusal> {
        let asker = Asker::of(parts, shared)?;
        let path = Path::<BTreeMap<String, String>>::from_request_parts(parts, shared).await;
        let Path(path) = path.map_err(|_| Refusal::NotFound)?;
        let provider = path.get("provider").and_then(|provider| provider.parse().ok());
        let provider: ProviderId = provider.ok_or(Refusal::NotFound)?;
        let account = Visit::checked(&asker, &provider, shared).await?;
        let mut frame = frame(parts, shared);
        frame.provider = Some(provider);
        if let Asker::Session(session) = &asker {
            of_session(&mut frame, session, shared);
        }
        Framed::note(parts, &frame);
        let portal_url = shared.portal_url(parts)?;
        let is_still = parts.uri.query().is_some_and(|query| query.contains("still=1"));
        Ok(Visit { asker, account, path, frame, portal_url, is_still, now: shared.clock.now() })
    }
}

/// The frame of a page for anybody.
pub(crate) fn frame(parts: &Parts, shared: &Shared) -> Frame {
    let Spoken(lang) = Spoken::of(parts);
    let calendar = &shared.settler.books.rules.calendar;
    // The path of `parts.uri` lacks what routers above have matched.
    Frame::new(lang, parts.raw_http_path(), calendar, shared.clock.now())
}

fn is_of_provider(session: &Session) -> bool {
    match session.visitor {
        Visitor::Provider(_) => true,
        Visitor::Operator(_) => false,
    }
}

/// What the frame of a page says of its session.
pub(crate) fn of_session(frame: &mut Frame, session: &Session, shared: &Shared) {
    let calendar = &shared.settler.books.rules.calendar;
    // By the clock of the page's other times, which may not be that of sessions.
    let left = session.ends_at_s.duration_since(shared.session_now());
    frame.signed_in_until = Some(wall_clock(calendar, shared.clock.now() + left));
    frame.return_url.clone_from(&session.return_url);
    // What a provider signs or pays, an operator does not do for it.
    let lets = |right| is_of_provider(session) && session.lets(right);
    frame.may = May {
        pay: lets(SessionRight::Pay),
        mandate: lets(SessionRight::Mandate),
        alerts: lets(SessionRight::Alerts),
        operate: !is_of_provider(session) && session.lets(SessionRight::Operate),
    };
    if let Visitor::Operator(person) = &session.visitor {
        frame.operator = Some(person.to_string());
    }
}

impl Spoken {
    /// The language that the address asks for; or that the browser remembers, or
    /// prefers.
    #[must_use]
    pub fn of(parts: &Parts) -> Spoken {
        let asked = Spoken::asked(parts);
        let remembered = || {
            let cookies = Cookie::split_parse(header(parts, COOKIE.as_str())?.to_owned());
            let found = cookies.flatten().find(|cookie| cookie.name() == LANG_COOKIE)?;
            Lang::named(found.value())
        };
        let preferred = || Lang::accepted(header(parts, ACCEPT_LANGUAGE.as_str()).unwrap_or(""));
        Spoken(asked.or_else(remembered).unwrap_or_else(preferred))
    }

    /// The language that the address asks for.
    #[must_use]
    pub fn asked(parts: &Parts) -> Option<Lang> {
        let query = parts.uri.query()?;
        query.split('&').find_map(|pair| Lang::named(pair.strip_prefix("lang=")?))
    }
}

fn header<'a>(parts: &'a Parts, name: &str) -> Option<&'a str> {
    parts.headers.get(name)?.to_str().ok()
}
