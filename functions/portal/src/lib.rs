//! The portal function: the pages on which providers see their bills and operators the platform,
//! and the same as JSON.
//!
//! It reads both tables and writes links of sessions only. It holds no key of Alipay: what makes an
//! offer or changes a record is asked of other functions.

mod actions;
mod alerts;
mod api;
mod asker;
mod enter;
mod offers;
mod operator;
mod provider;
mod refusal;
mod seal;
mod views;
mod withholding;

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use aws_lambda_events::event::apigw::ApiGatewayV2httpResponse;
use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::HeaderValue;
use axum::http::header::Entry;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY, SET_COOKIE,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::request::Parts;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use lambda_http::request::{LambdaRequest, RequestContext};
use serde_json::Value;
use steelyard_billing::mandate::MandateLimits;
use steelyard_billing::{Calendar, Session, Unmatched, Visitor};
use steelyard_books::{Books, RunTerms, SettleError, Settler};
use steelyard_pages::debits::Confirmed;
use steelyard_pages::{Lang, MessagePage, STYLE_SHEET};
use steelyard_pricing::Fen;
use steelyard_runtime::{
    Callee, Clock, Environment, Error, Function, Guard, Invocation, Known, Queue, Standings, aws,
};
use steelyard_store::{BillingTable, EventsTable, ProviderAccount, StoreError, UsageTable};
use tower::ServiceExt;
use tower_http::csrf::{CsrfLayer, ProtectionError};

use asker::{Framed, LANG_COOKIE};
use offers::OfferMaker;
use refusal::Refusal;

pub use asker::Spoken;
pub use enter::{LinkError, SESSIONS_PATH, store_link};
pub use seal::{SessionKeys, SessionKeysError};
pub use steelyard_pages::operator::runs::DeadLetterQueue;

/// The largest request, in bytes.
pub const BODY_BYTES_MAX: usize = 1_048_576;

/// For how long the plans that were read are used.
const PLANS_KNOWN_FOR: SignedDuration = SignedDuration::from_mins(1);

/// For how long the results of reconciliation that were read are used. They are written once a day.
const RECONCILED_KNOWN_FOR: SignedDuration = SignedDuration::from_mins(10);

/// How many days of reconciliation are read: those of the payments for two months of bills.
const RECONCILED_DAYS: u16 = 62;

/// The latest days that were reconciled or skipped.
#[derive(Clone, Debug)]
struct Reconciled {
    /// Whether bill and books agreed wholly, by day.
    days: BTreeMap<Date, bool>,
    /// Whether the result of every day could be read. One that could not is missing.
    is_complete: bool,
}

/// The variables with the addresses of the dead-letter queues.
const DEAD_LETTERS: [(DeadLetterQueue, &str); 6] = [
    (DeadLetterQueue::Usage, "USAGE_DEAD_LETTERS"),
    (DeadLetterQueue::Settle, "SETTLE_DEAD_LETTERS"),
    (DeadLetterQueue::Debit, "DEBIT_DEAD_LETTERS"),
    (DeadLetterQueue::Reconcile, "RECONCILE_DEAD_LETTERS"),
    (DeadLetterQueue::Logs, "LOGS_DEAD_LETTERS"),
    (DeadLetterQueue::Schedule, "SCHEDULE_DEAD_LETTERS"),
];

/// What the portal has to know beside its tables.
#[derive(Clone, Debug)]
pub struct PortalConfig {
    /// The address of the pages, without a slash at its end; none if it is that of the API that a
    /// request came by.
    pub portal_url: Option<String>,
    /// The origin of Alipay's pages, to which forms may lead.
    pub alipay_origin: String,
    /// How the platform calls itself: the issuer of FOCUS files.
    pub platform_name: String,
    /// The limits under which mandates are offered.
    pub offered: MandateLimits,
    /// The claim of a token that names the provider, where providers' own programs have tokens.
    pub provider_claim: Option<String>,
    /// The clock by which links and sessions end. That of the books may be moved, and run faster
    /// than people read.
    pub session_clock: Clock,
}

/// What the portal reaches beside its tables: the functions that it invokes, and the queues that it
/// counts.
#[derive(Clone, Debug)]
pub struct Reached {
    /// The function that makes offers.
    pub offers: Callee,
    /// Carries out what people ask for on pages.
    pub actions: Callee,
    /// The dead-letter queues whose messages a page counts.
    pub dead_letters: Vec<(DeadLetterQueue, Queue)>,
    /// The table with the dead letters of webhooks.
    pub events: EventsTable,
}

/// The portal function: the pages and the API of accounts.
#[derive(Clone, Debug)]
pub struct Portal {
    router: Router,
}

/// The state that every route shares.
#[derive(Clone, Debug)]
pub(crate) struct Shared(Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    settler: Settler,
    standings: Standings,
    clock: Clock,
    guard: Guard,
    keys: SessionKeys,
    offers: OfferMaker,
    actions: Callee,
    dead_letters: Vec<(DeadLetterQueue, Queue)>,
    events: EventsTable,
    config: PortalConfig,
    plans: Known<RunTerms>,
    /// The results of the latest days.
    reconciled: Known<Reconciled>,
}

impl std::ops::Deref for Shared {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Shared {
    /// The plans, read at most once a minute, and the time.
    pub(crate) async fn terms(&self, now: Timestamp) -> Result<RunTerms, SettleError> {
        Ok(self.plans.get(now, self.settler.terms(now)).await?.at(now))
    }

    /// Which of some payments Alipay's bills have shown, with the day of the bill.
    ///
    /// A day whose bill and our books agreed wholly shows every payment of it, and one that was not
    /// reconciled yet none. The results of the latest days are read once in ten minutes for all
    /// providers, and only the payments of other days are looked for one by one.
    pub(crate) async fn confirmed(
        &self,
        now: Timestamp,
        paid: &[Unmatched],
    ) -> Result<Confirmed, StoreError> {
        if paid.is_empty() {
            return Ok(Confirmed::new());
        }
        let Reconciled { days, is_complete } =
            self.reconciled.get(now, self.read_reconciled()).await?;
        let oldest = days.keys().next();
        let (mut confirmed, mut unsure) = (Confirmed::new(), Vec::new());
        for paid in paid {
            match days.get(&paid.booked_on) {
                Some(true) => {
                    confirmed.insert(paid.out_trade_no.clone(), paid.booked_on);
                }
                None if is_complete && oldest.is_none_or(|oldest| paid.booked_on > *oldest) => {}
                Some(false) | None => unsure.push(paid.clone()),
            }
        }
        if !unsure.is_empty() {
            confirmed.extend(self.settler.books.billing.shown(&unsure).await?);
        }
        Ok(confirmed)
    }

    async fn read_reconciled(&self) -> Result<Reconciled, StoreError> {
        let latest = self.settler.books.billing.latest_reconciliations(RECONCILED_DAYS).await?;
        Ok(Reconciled {
            days: latest.readable.iter().map(|day| (day.day, day.is_whole())).collect(),
            is_complete: latest.unreadable.is_empty(),
        })
    }

    /// The address of the pages, as a request came by it.
    pub(crate) fn portal_url(&self, parts: &Parts) -> Result<String, Refusal> {
        if let Some(url) = &self.config.portal_url {
            return Ok(url.clone());
        }
        let domain = match parts.extensions.get() {
            Some(RequestContext::ApiGatewayV2(context)) => context.domain_name.as_deref(),
            Some(_) | None => None,
        };
        let domain = domain.filter(|domain| !domain.is_empty());
        let domain = domain.ok_or_else(|| Refusal::unavailable("the request names no domain"))?;
        Ok(format!("https://{domain}"))
    }

    /// The platform's calendar.
    pub(crate) fn calendar(&self) -> &Calendar {
        &self.settler.books.rules.calendar
    }

    /// The time of links and sessions.
    pub(crate) fn session_now(&self) -> Timestamp {
        self.config.session_clock.now()
    }

    /// Whether the provider's sessions were revoked since this one was opened.
    pub(crate) fn is_revoked(&self, session: &Session, account: &ProviderAccount) -> bool {
        match session.visitor {
            Visitor::Provider(_) => session.session_version != account.account.session_version,
            Visitor::Operator(_) => false,
        }
    }
}

impl Portal {
    /// The function over tables of which it writes the links of sessions only.
    #[must_use]
    pub fn new(
        settler: Settler,
        clock: Clock,
        keys: SessionKeys,
        reached: Reached,
        config: PortalConfig,
    ) -> Portal {
        let guard = Guard::new(settler.usage.clone(), clock.clone());
        let Books { billing, rules, .. } = &settler.books;
        let standings = Standings::new(billing.clone(), rules.calendar.clone());
        let Reached { offers, actions, dead_letters, events } = reached;
        let offers = OfferMaker(offers);
        let shared = Shared(Arc::new(Inner {
            settler,
            standings,
            clock,
            guard,
            keys,
            offers,
            actions,
            dead_letters,
            events,
            config,
            plans: Known::new(PLANS_KNOWN_FOR),
            reconciled: Known::new(RECONCILED_KNOWN_FOR),
        }));
        Portal { router: routes(&shared) }
    }

    /// The function as its environment variables and its secret describe it.
    ///
    /// # Errors
    ///
    /// When a variable is missing or makes no sense, or the secret can't be read; named.
    pub async fn from_environment(environment: &Environment) -> Result<Portal, Error> {
        let rules = environment.debit_rules()?;
        let (usage, billing) =
            (environment.required("USAGE_TABLE")?, environment.required("BILLING_TABLE")?);
        let config = PortalConfig {
            portal_url: None,
            alipay_origin: origin(&environment.required("ALIPAY_GATEWAY")?),
            platform_name: environment.required("PLATFORM_NAME")?,
            offered: MandateLimits {
                single_fen: Fen::new(environment.parsed("SINGLE_LIMIT_FEN")?),
                daily_fen: match environment.optional("DAILY_LIMIT_FEN") {
                    Some(_) => Some(Fen::new(environment.parsed("DAILY_LIMIT_FEN")?)),
                    None => None,
                },
            },
            provider_claim: environment.optional("PROVIDER_CLAIM").map(str::to_owned),
            session_clock: Clock::system(),
        };
        let secret_id = environment.required("PORTAL_SECRET_ID")?;
        let aws = aws::in_lambda(environment)?;
        let secrets = aws_sdk_secretsmanager::Client::new(&aws);
        let secret = secrets.get_secret_value().secret_id(&secret_id).send().await?;
        let text =
            secret.secret_string().ok_or_else(|| format!("secret {secret_id} is not a text"))?;
        let keys =
            SessionKeys::read(text).map_err(|error| format!("secret {secret_id}: {error}"))?;
        let client = aws::dynamodb(&aws);
        let books = Books::new(BillingTable::new(client.clone(), billing), rules);
        let events = EventsTable::new(client.clone(), environment.required("EVENTS_TABLE")?);
        let settler = Settler { books, usage: UsageTable::new(client, usage) };
        let mut dead_letters = Vec::new();
        for (queue, variable) in DEAD_LETTERS {
            dead_letters.push((queue, aws::queue(&aws, environment.required(variable)?)));
        }
        let reached = Reached {
            offers: Callee::new(&aws, environment.required("OFFERS_FUNCTION")?),
            actions: Callee::new(&aws, environment.required("ACTIONS_FUNCTION")?),
            dead_letters,
            events,
        };
        Ok(Portal::new(settler, Clock::system(), keys, reached, config))
    }
}

/// The scheme and the host of an address.
fn origin(address: &str) -> String {
    address.split('/').take(3).collect::<Vec<_>>().join("/")
}

fn routes(shared: &Shared) -> Router {
    Router::new()
        .merge(Router::from(api::routes()))
        .route("/portal/enter/{token}", get(enter::enter))
        .route("/portal/leave", post(enter::leave))
        .route("/portal/left", get(enter::left))
        .route("/portal/page.css", get(style_sheet))
        .route("/portal/reference", get(api::reference))
        .route("/portal/reference/{id}", get(api::reference_of))
        .nest("/portal/providers/{provider}", provider_pages())
        .nest("/portal/operator", operator::pages())
        .fallback(async || Refusal::NotFound)
        .method_not_allowed_fallback(async || Refusal::NotFound)
        .layer(CsrfLayer::new())
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(shared.clone(), answered))
        .with_state(shared.clone())
}

fn provider_pages() -> Router<Shared> {
    Router::new()
        .route("/", get(provider::first))
        .route("/overview", get(provider::overview))
        .route("/costs", get(provider::costs))
        .route("/costs.csv", get(provider::csv))
        .route("/costs.focus.csv", get(provider::focus))
        .route("/bills", get(provider::bills))
        .route("/bills/{bill}", get(provider::bill))
        .route("/calculator", get(provider::calculator).post(provider::calculate))
        .route("/ledger", get(provider::ledger))
        .route("/recharge", get(provider::recharge).post(provider::pay_in))
        .route("/recharge/{recharge}", get(provider::recharge_result))
        .route("/alerts", get(alerts::alerts).post(alerts::set))
        .route("/withholding", get(withholding::withholding))
        .route("/withholding/sign", get(withholding::signing).post(withholding::sign))
        .route("/withholding/limits", post(withholding::lower))
        .route("/withholding/end", post(withholding::end))
        .route("/sessions", operator::sessions_page())
}

async fn style_sheet() -> Response {
    let headers =
        [(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "public, max-age=3600")];
    (headers, STYLE_SHEET).into_response()
}

/// Writes refusals as a page or as problem details, and sets the headers of every answer.
async fn answered(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let framed = Framed::default();
    let is_page = parts.uri.path().starts_with("/portal/");
    if is_page {
        parts.extensions.insert(framed.clone());
    }
    let (asked_lang, frame) = (Spoken::asked(&parts), asker::frame(&parts, &shared));
    let mut response = next.run(Request::from_parts(parts, body)).await;
    if let Some(refusal) = refusal_of(&mut response) {
        response = if is_page {
            let frame = framed.get().unwrap_or(&frame);
            let page = page(&MessagePage::new(frame, refusal.message()));
            (refusal.status(), page).into_response()
        } else {
            refusal.as_problem()
        };
    }
    let headers = response.headers_mut();
    if let Some(lang) = asked_lang {
        headers.append(SET_COOKIE, lang_cookie(lang));
    }
    for (name, value) in SECURITY_HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if let Ok(policy) =
        HeaderValue::from_str(&content_security_policy(&shared.config.alipay_origin))
    {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Why a request was refused: by a route, by the layer against forged forms, or by axum, which
/// could not read a query or a form.
fn refusal_of(response: &mut Response) -> Option<Arc<Refusal>> {
    if let Some(refusal) = response.extensions_mut().remove::<Arc<Refusal>>() {
        return Some(refusal);
    }
    if response.extensions().get::<ProtectionError>().is_some() {
        return Some(Arc::new(Refusal::ForeignForm));
    }
    let is_unreadable = response.status().is_client_error();
    let detail = || "a parameter or a field of the form cannot be read".to_owned();
    let has_a_page = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == HTML);
    (is_unreadable && !has_a_page).then(|| Arc::new(Refusal::Malformed(detail())))
}

/// The type of a page, as axum writes it.
const HTML: &str = "text/html; charset=utf-8";

/// The headers of every answer beside its content security policy.
pub const SECURITY_HEADERS: [(HeaderName, &str); 5] = [
    (CACHE_CONTROL, "no-store"),
    (REFERRER_POLICY, "no-referrer"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Nothing but what is served here; a form may lead on to Alipay.
fn content_security_policy(alipay_origin: &str) -> String {
    format!(
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self' {alipay_origin}; \
         base-uri 'none'; frame-ancestors 'none'"
    )
}

/// The cookie that remembers the language for a year.
#[must_use]
pub fn lang_cookie(lang: Lang) -> HeaderValue {
    let name = match lang {
        Lang::En => "steelyard-lang=en; Path=/; Max-Age=31536000; SameSite=Lax; Secure; HttpOnly",
        Lang::Zh => "steelyard-lang=zh; Path=/; Max-Age=31536000; SameSite=Lax; Secure; HttpOnly",
    };
    debug_assert!(name.starts_with(LANG_COOKIE));
    HeaderValue::from_static(name)
}

/// A rendered page as a response.
pub(crate) fn page(template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => Refusal::unavailable(error).into_response(),
    }
}

impl Function for Portal {
    async fn handle(&self, event: Value, _: Invocation) -> Result<Value, Error> {
        let request: LambdaRequest = serde_json::from_value(event)?;
        let request = lambda_http::Request::from(request).map(Body::new);
        let Ok(response) = self.router.clone().oneshot(request).await;
        let answer = api_gateway_answer(response).await?;
        Ok(serde_json::to_value(answer)?)
    }
}

/// An answer as API Gateway wants it: cookies apart, and what is no text in base64.
async fn api_gateway_answer(response: Response) -> Result<ApiGatewayV2httpResponse, Error> {
    let (mut parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await?;
    let mut answer = ApiGatewayV2httpResponse::default();
    answer.status_code = parts.status.as_u16().into();
    if let Entry::Occupied(cookies) = parts.headers.entry(SET_COOKIE) {
        let (_, cookies) = cookies.remove_entry_mult();
        answer.cookies =
            cookies.map(|c| c.to_str().map(str::to_owned)).collect::<Result<_, _>>()?;
    }
    answer.headers = parts.headers;
    let (body, is_base64_encoded) = match String::from_utf8(body.into()) {
        Ok(text) => (text, false),
        Err(error) => (BASE64_STANDARD.encode(error.into_bytes()), true),
    };
    answer.body = Some(body.into());
    answer.is_base64_encoded = is_base64_encoded;
    Ok(answer)
}
