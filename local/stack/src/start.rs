//! The start page of a stack at `/`: links that open the pages, and forms that set the clock.

use askama::Template;
use axum::extract::{Form, Path, Query, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, LOCATION, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, extract};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use steelyard_billing::{
    DebitRules, Person, ProviderId, SESSION_DEFAULT, SessionLink, SessionRight, Visitor,
};
use steelyard_books::Tables;
use steelyard_local_alipay::{
    Agreement, AgreementStatus, LocalAlipay, Trade, TradeKind, TradeStatus,
};
use steelyard_pages::Frame;
use steelyard_pages::ledger::Balance;
use steelyard_pages::start::{
    AgreementLine, AgreementState, NextRun, PaymentLine, PaymentState, ProviderLine, Run, Start,
    StartPage,
};
use steelyard_portal::{SECURITY_HEADERS, Spoken, lang_cookie, store_link};
use steelyard_runtime::{Error, Problem};
use steelyard_store::{EventsTable, ProviderAccount};
use tower_http::csrf::CsrfLayer;

use super::clock::LocalClock;
use super::server::problem;
use super::stack::{Scheduled, next_runs};

/// The most providers that the page lists.
const PROVIDERS_MAX: u16 = 100;

/// The longest time ahead that a run is listed.
const A_YEAR: SignedDuration = SignedDuration::from_hours(366 * 24);

/// The most agreements, and the most payments, that the page lists.
const ALIPAY_MAX: usize = 50;

/// Nothing but what the stack serves.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The parts of a stack that the start page shows and changes.
#[derive(Clone)]
pub(super) struct StartPages {
    pub(super) tables: Tables,
    pub(super) alipay: LocalAlipay,
    pub(super) clock: LocalClock,
    pub(super) rules: DebitRules,
    pub(super) events: EventsTable,
    /// The address of the stack, without a slash at its end.
    pub(super) url: String,
}

impl StartPages {
    /// The routes of the start page. AWS tools post to its path.
    pub(super) fn routes(self, aws: Router) -> Router {
        Router::new()
            .route("/", get(page).fallback_service(aws))
            .route("/local/enter/{provider}", get(enter))
            .route("/local/clock", post(set_clock).layer(CsrfLayer::new()))
            .with_state(self)
    }

    async fn view(&self) -> Result<Start, Error> {
        let now = self.clock.clock().now();
        let (agreements, mut payments) = (self.alipay.agreements()?, self.alipay.trades()?);
        payments.sort_by_key(|trade| trade.trade_id);
        let has_more_of_alipay = agreements.len().max(payments.len()) > ALIPAY_MAX;
        let mut view = Start {
            url: self.url.clone(),
            providers: Vec::new(),
            has_more_providers: false,
            unreadable: 0,
            speed: self.clock.speed(),
            runs: self.runs(now).await?,
            agreements: agreements.iter().rev().take(ALIPAY_MAX).map(agreement_line).collect(),
            payments: payments.iter().rev().take(ALIPAY_MAX).map(payment_line).collect(),
            has_more_of_alipay,
        };
        self.add_providers(&mut view, now).await?;
        Ok(view)
    }

    /// Adds providers up to the most that the page lists.
    async fn add_providers(&self, view: &mut Start, now: Timestamp) -> Result<(), Error> {
        for shard in self.tables.billing.shards_in_use().await?.shards {
            if view.providers.len() >= PROVIDERS_MAX.into() {
                view.has_more_providers = true;
                break;
            }
            let page = self.tables.billing.accounts(shard, None, PROVIDERS_MAX).await?;
            view.has_more_providers |= page.next.is_some();
            view.unreadable += u64::try_from(page.unreadable.len())?;
            for found in &page.accounts {
                view.providers.push(self.provider_line(found, now)?);
            }
        }
        view.providers.sort_by(|one, other| one.provider.cmp(&other.provider));
        Ok(())
    }

    fn provider_line(
        &self,
        found: &ProviderAccount,
        now: Timestamp,
    ) -> Result<ProviderLine, Error> {
        let today = self.rules.calendar.day_of(now)?;
        let mut plans = found.provider.plans.iter().rev();
        Ok(ProviderLine {
            provider: found.provider.provider.clone(),
            plan: plans.find(|assigned| assigned.from <= today).map(|found| found.plan.clone()),
            balance: Balance::of(&found.account.figures)?,
        })
    }

    /// The runs to come, the next one first.
    async fn runs(&self, now: Timestamp) -> Result<Vec<NextRun>, Error> {
        let scheduled =
            next_runs(&self.rules.calendar, &self.tables.billing, &self.events, now).await?;
        let mut runs: Vec<NextRun> = scheduled
            .into_iter()
            .filter_map(|(at, function)| {
                let run = match function {
                    Scheduled::Settle => Run::Settlement,
                    Scheduled::Reconcile => Run::Reconciliation,
                    Scheduled::Dispatch => Run::Dispatch,
                    // It finds something to do only where the stack was broken.
                    Scheduled::Check => return None,
                };
                Some(NextRun { at, run })
            })
            .collect();
        // One that is due is being sent.
        let notification = self.alipay.next_notification_at()?.filter(|at| *at > now);
        runs.extend(notification.map(|at| NextRun { at, run: Run::Notification }));
        // The end of an agreement in a hundred years is no run to wait for.
        runs.retain(|next| next.at.duration_since(now) < A_YEAR);
        runs.sort_by_key(|next| next.at);
        Ok(runs)
    }
}

fn agreement_line(agreement: &Agreement) -> AgreementLine {
    AgreementLine {
        agreement_no: agreement.agreement_no.clone(),
        payer: agreement.payer.clone(),
        signed_at: agreement.signed_at,
        single_limit_fen: agreement.single_limit_fen,
        state: match agreement.status {
            AgreementStatus::Normal => AgreementState::InForce,
            AgreementStatus::Temp => AgreementState::Deferred,
            AgreementStatus::Stop => AgreementState::Suspended,
            AgreementStatus::Unsign | AgreementStatus::Expired => AgreementState::Ended,
        },
    }
}

fn payment_line(trade: &Trade) -> PaymentLine {
    PaymentLine {
        out_trade_no: trade.out_trade_no.clone(),
        is_recharge: trade.kind == TradeKind::Recharge,
        payer: trade.payer.clone(),
        at: trade.taken_at.unwrap_or(trade.created_at),
        amount_fen: trade.amount_fen,
        refunded_fen: trade.refunded_fen,
        state: match trade.status {
            TradeStatus::WaitBuyerPay => PaymentState::Waiting,
            TradeStatus::InProcess | TradeStatus::Late => PaymentState::UnderWay,
            TradeStatus::TradeSuccess => PaymentState::Paid,
            TradeStatus::TradeClosed => PaymentState::Closed,
        },
    }
}

async fn page(State(start): State<StartPages>, request: extract::Request) -> Response {
    let (parts, _) = request.into_parts();
    match rendered(&start, &parts).await {
        Ok(html) => with_headers(Html(html).into_response(), &parts),
        Err(error) => failed(&error),
    }
}

async fn rendered(start: &StartPages, parts: &Parts) -> Result<String, Error> {
    let calendar = &start.rules.calendar;
    let Spoken(lang) = Spoken::of(parts);
    let frame = Frame::new(lang, parts.uri.path(), calendar, start.clock.clock().now());
    Ok(StartPage::new(&frame, calendar, &start.view().await?).render()?)
}

fn with_headers(mut response: Response, parts: &Parts) -> Response {
    let headers = response.headers_mut();
    for (name, value) in SECURITY_HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    if let Some(lang) = Spoken::asked(parts) {
        headers.append(SET_COOKIE, lang_cookie(lang));
    }
    response
}

/// The visitor of the pages: an operator of that name, otherwise the provider.
#[derive(Deserialize)]
struct As {
    operator: Option<String>,
}

/// Makes a link to the pages of a provider, and opens it.
async fn enter(
    State(start): State<StartPages>,
    Path(provider): Path<String>,
    Query(opener): Query<As>,
) -> Response {
    let unknown = || problem(Problem::NoProvider, &format!("there is no provider `{provider}`"));
    let Ok(provider) = provider.parse::<ProviderId>() else { return unknown() };
    let operator = match opener.operator.as_deref().map(Person::new).transpose() {
        Ok(operator) => operator,
        Err(error) => return problem(Problem::MalformedRequest, &error.to_string()),
    };
    match link(&start, provider.clone(), operator).await {
        Ok(Some(url)) => to(&url),
        Ok(None) => unknown(),
        Err(error) => failed(&error),
    }
}

/// The address of a link; none if there is no such provider.
async fn link(
    start: &StartPages,
    provider: ProviderId,
    operator: Option<Person>,
) -> Result<Option<String>, Error> {
    let billing = &start.tables.billing;
    let Some(found) = billing.account(&provider).await? else { return Ok(None) };
    let (visitor, looks_at) = match operator {
        Some(operator) => (Visitor::Operator(operator), Some(provider)),
        None => (Visitor::Provider(provider), None),
    };
    let link = SessionLink {
        visitor,
        looks_at,
        may: SessionRight::ALL.into(),
        lasts_s: u32::try_from(SESSION_DEFAULT.as_secs())?,
        locale: None,
        return_url: None,
        made_at_s: start.clock.session_clock().now(),
        session_version: found.account.session_version,
    };
    Ok(Some(store_link(billing, &start.url, &link).await?))
}

/// The form that sets the clock: a time, a speed, or both.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockForm {
    now: Option<Timestamp>,
    speed: Option<u32>,
}

/// Moves the clock forward, so that what falls due until then runs now, and runs on at a speed.
async fn set_clock(State(start): State<StartPages>, Form(form): Form<ClockForm>) -> Response {
    if form.now.is_none() && form.speed.is_none() {
        return problem(Problem::MalformedRequest, "give `now`, `speed` or both");
    }
    if let Some(now) = form.now {
        if let Err(error) = start.rules.calendar.day_of(now) {
            return problem(Problem::MalformedRequest, &format!("`now`: {error}"));
        }
        if !start.clock.move_to(now) {
            let detail = format!("the clock is past {now}, and goes forward only");
            return problem(Problem::MalformedRequest, &detail);
        }
    }
    if let Some(speed) = form.speed {
        start.clock.run_at(speed);
    }
    to("/")
}

/// Sends the browser to another page, by GET.
fn to(page: &str) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, page)]).into_response()
}

fn failed(error: &Error) -> Response {
    tracing::error!(error, "the start page cannot be served");
    problem(Problem::Unavailable, "the records of the stack cannot be read")
}
