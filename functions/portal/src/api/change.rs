//! What programs change: offers of recharges and agreements, lower limits, and the end of
//! withholding.

#![expect(unused_qualifications, reason = "the macro of utoipa names the parameters by paths")]

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use steelyard_billing::mandate::MandateLimits;
use steelyard_billing::{ActionError, Deed, MandateId, Recharge, RechargePurpose, SessionRight};
use steelyard_books::IdempotencyKey;
use steelyard_pages::alerts::Alerts;
use steelyard_pages::recharge::{PayBy, PayNow, RechargeForm, RechargeItem, Way};
use steelyard_pages::withholding::{
    LimitProblem, LimitsForm, SignForm, TERMS_VERSION, Withholding, WithholdingState,
};
use steelyard_pricing::{AlertRules, Fen};
use steelyard_runtime::Problem;
use utoipa::{IntoParams, ToSchema};

use super::read::OfProvider;
use crate::Shared;
use crate::asker::Visit;
use crate::offers::OfferedMandate;
use crate::refusal::Refusal;
use crate::withholding::in_force;

/// The largest request, in bytes.
const BODY_BYTES_MAX: usize = 65_536;

/// By what a request that is sent again has its effect once.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it describes a header, which `key` reads")]
struct Once {
    /// A text that the program chooses, 1 to 255 characters: the same for every repetition of a
    /// request.
    #[param(rename = "Idempotency-Key", example = "cart-1")]
    idempotency_key: String,
}

/// The `Idempotency-Key` of a request.
fn key(headers: &HeaderMap) -> Result<String, Refusal> {
    let malformed = |detail: String| Refusal::Malformed(detail);
    let sent = headers.get("idempotency-key");
    let sent = sent.ok_or_else(|| malformed("the header `Idempotency-Key` is missing".into()))?;
    let text = sent.to_str().map_err(|error| malformed(error.to_string()))?;
    IdempotencyKey::parse(text).map_err(|error| malformed(error.to_string()))?;
    Ok(text.to_owned())
}

/// The document of a request.
async fn document<T: DeserializeOwned>(body: Body) -> Result<T, Refusal> {
    let too_large = |_| {
        let detail = format!("the body has more than {BODY_BYTES_MAX} bytes, which are the most");
        Refusal::Problem(Problem::BodyTooLarge, detail)
    };
    let body = to_bytes(body, BODY_BYTES_MAX).await.map_err(too_large)?;
    steelyard_json::read(&body).map_err(|error| Refusal::Malformed(error.to_string()))
}

/// A recharge that is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RechargeAsked {
    /// The amount in yuan.
    #[schema(example = "50.00")]
    amount: String,
    /// By what it is paid: a `page` for a browser, if missing.
    #[serde(default)]
    way: Way,
    /// The figure that it increases: `prepaid`, if missing, for what is owed and then the prepaid
    /// balance; or `deposit`.
    #[serde(default)]
    #[schema(value_type = String, example = "prepaid")]
    purpose: RechargePurpose,
}

/// A recharge that can be paid: by its page or its code.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RechargeOffered {
    /// The recharge, still open.
    #[serde(flatten)]
    recharge: RechargeItem,
    /// The address of the page.
    page: Option<String>,
    /// The text of the QR code.
    code: Option<String>,
}

impl From<PayNow> for RechargeOffered {
    fn from(PayNow { item, by }: PayNow) -> RechargeOffered {
        let (page, code) = match by {
            PayBy::Page(page) => (Some(page), None),
            PayBy::Code(code) => (None, Some(code)),
        };
        RechargeOffered { recharge: item, page, code }
    }
}

/// Offer a recharge
///
/// Answers with a page or a code by which the provider pays. It lapses if nobody pays it.
#[utoipa::path(
    post,
    path = "/recharges",
    params(OfProvider, Once),
    request_body = RechargeAsked,
    responses((status = 201, description = "The recharge.", body = RechargeOffered))
)]
pub(super) async fn offer_recharge(
    State(shared): State<Shared>,
    visit: Visit,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<RechargeOffered>), Refusal> {
    visit.asker.may(&shared, visit.provider(), SessionRight::Pay).await?;
    let (key, asked) = (key(&headers)?, document::<RechargeAsked>(body).await?);
    let RechargeAsked { amount, way, purpose } = asked;
    let request = RechargeForm::read(key, &amount, way, purpose).map_err(|_| {
        let (least, most) = (Recharge::MIN, Recharge::MAX);
        let detail = format!("`amount` is yuan with at most two decimals, from {least} to {most}");
        Refusal::Problem(Problem::Amount, detail)
    })?;
    let offered = shared.offer_recharge(&visit, &request).await;
    let pay = offered.map_err(|not_offered| not_offered.refusal())?;
    Ok((StatusCode::CREATED, Json(pay.into())))
}

/// An agreement that is asked for, with the provider's consent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MandateAsked {
    /// The version of the terms that the provider read and agreed to: `terms_version` of
    /// withholding.
    #[schema(example = "2026-12")]
    terms_version: String,
}

/// Offer an agreement to sign
///
/// The provider signs it in the Alipay app. The consent is recorded with the time and with who sent
/// it: the session, or the server that showed the terms to the provider.
#[utoipa::path(
    post,
    path = "/withholding/offers",
    params(OfProvider, Once),
    request_body = MandateAsked,
    responses((status = 201, description = "The links to sign by.", body = OfferedMandate))
)]
pub(super) async fn offer_mandate(
    State(shared): State<Shared>,
    visit: Visit,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<OfferedMandate>), Refusal> {
    visit.asker.may(&shared, visit.provider(), SessionRight::Mandate).await?;
    let (key, asked) = (key(&headers)?, document::<MandateAsked>(body).await?);
    let consent = match SignForm::read(Some(&asked.terms_version), Some("yes")) {
        Ok(agreed) => Some(visit.asker.consent(&agreed)?),
        // The terms may have changed since the first request, whose consent is recorded.
        Err(_) if shared.has_offered_mandate(&visit, &key).await? => None,
        Err(_) => return Err(mandate_problem(&format!("the terms are {TERMS_VERSION}"))),
    };
    let offered = shared.offers.mandate(visit.provider(), consent, Some(&key)).await;
    let offered = offered.map_err(|not_offered| not_offered.refusal())?;
    Ok((StatusCode::CREATED, Json(offered)))
}

/// Limits that are asked for, none of them higher than before.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitsAsked {
    /// The most that one debit may take, in yuan.
    #[schema(example = "12.00")]
    single: String,
    /// The most that the debits of a day may take, in yuan. It has to be there if a day is limited
    /// already.
    #[schema(example = "100.00")]
    daily: Option<String>,
}

/// Lower the limits
///
/// They hold for debits that are not sent yet.
#[utoipa::path(
    put,
    path = "/withholding/limits",
    params(OfProvider, Once),
    request_body = LimitsAsked,
    responses((status = 200, description = "How withholding stands now.", body = Withholding))
)]
pub(super) async fn lower_limits(
    State(shared): State<Shared>,
    mut visit: Visit,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Withholding>, Refusal> {
    visit.asker.may(&shared, visit.provider(), SessionRight::Mandate).await?;
    let (key, asked) = (key(&headers)?, document::<LimitsAsked>(body).await?);
    let (mandate, limits) = match shared.asked_before(&visit, &key).await? {
        // A repetition gets the recorded answer, even if other limits are in force by now.
        Some(Deed::LowerLimits { mandate, limits, .. }) if asked.is(limits) => (mandate, limits),
        Some(_) => return Err(key_used()),
        None => {
            let view = shared.withholding(&visit).await?;
            let agreement = in_force(&view);
            let agreement = agreement.ok_or_else(|| mandate_problem("no agreement is in force"))?;
            let daily = asked.daily.as_deref().unwrap_or_default();
            let limits = LimitsForm::read(&asked.single, daily, agreement.limits());
            let limits = limits.map_err(|form| mandate_problem(&refused_limits(&form)))?;
            (agreement.mandate, limits)
        }
    };
    let provider = visit.provider().clone();
    shared.act(&mut visit, &key, Deed::LowerLimits { provider, mandate, limits }).await?;
    Ok(Json(shared.withholding(&visit).await?))
}

impl LimitsAsked {
    /// Whether the request is for these limits.
    fn is(&self, limits: MandateLimits) -> bool {
        let daily = self.daily.as_deref().map(str::trim).filter(|daily| !daily.is_empty());
        let daily = daily.map(str::parse::<Fen>).transpose();
        self.single.trim().parse() == Ok(limits.single_fen) && daily == Ok(limits.daily_fen)
    }
}

/// Set alerts and the spend cap
///
/// The document replaces what the provider set before; what it leaves out is as the plan has it. A
/// cap that is lifted, or raised above what was used, cuts the provider off no more from then on.
/// Other rules are evaluated with the next report, and in the night.
#[utoipa::path(
    put,
    path = "/alerts",
    params(OfProvider, Once),
    request_body = AlertRules,
    responses((status = 200, description = "How the provider is watched now.", body = Alerts))
)]
pub(super) async fn set_alerts(
    State(shared): State<Shared>,
    mut visit: Visit,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Alerts>, Refusal> {
    visit.asker.may(&shared, visit.provider(), SessionRight::Alerts).await?;
    let (key, rules) = (key(&headers)?, document::<AlertRules>(body).await?);
    rules.checked().map_err(|error| Refusal::Malformed(error.to_string()))?;
    let deed = Deed::SetAlerts { provider: visit.provider().clone(), rules: Box::new(rules) };
    shared.act(&mut visit, &key, deed).await?;
    Ok(Json(shared.alerts(&visit).await?))
}

/// The agreement that is to be ended.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EndAsked {
    /// Its number: `agreement.mandate` of withholding.
    #[schema(value_type = u32, example = 1)]
    mandate: MandateId,
}

/// End withholding
///
/// Ends the agreement here and at Alipay. What is owed stays owed.
#[utoipa::path(
    post,
    path = "/withholding/end",
    params(OfProvider, Once),
    request_body = EndAsked,
    responses((status = 200, description = "How withholding stands now.", body = Withholding))
)]
pub(super) async fn end_withholding(
    State(shared): State<Shared>,
    mut visit: Visit,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Withholding>, Refusal> {
    visit.asker.may(&shared, visit.provider(), SessionRight::Mandate).await?;
    let (key, asked) = (key(&headers)?, document::<EndAsked>(body).await?);
    let mandate = asked.mandate;
    match shared.asked_before(&visit, &key).await? {
        // A repetition gets the recorded answer, even if another agreement is in force by now.
        Some(Deed::EndMandate { mandate: before, .. }) if before == mandate => {}
        Some(_) => return Err(key_used()),
        None => {
            let view = shared.withholding(&visit).await?;
            if view.agreement.as_ref().is_none_or(|agreement| agreement.mandate != mandate) {
                return Err(mandate_problem(&format!("agreement {mandate} is not in force")));
            }
            if view.state == WithholdingState::Ending {
                return Ok(Json(view));
            }
        }
    }
    let provider = visit.provider().clone();
    shared.act(&mut visit, &key, Deed::EndMandate { provider, mandate }).await?;
    Ok(Json(shared.withholding(&visit).await?))
}

fn key_used() -> Refusal {
    Refusal::Problem(Problem::IdempotencyKeyUsed, ActionError::KeyUsed.to_string())
}

fn mandate_problem(detail: &str) -> Refusal {
    Refusal::Problem(Problem::Mandate, detail.to_owned())
}

/// Says what is wrong with each field of the limits.
fn refused_limits(form: &LimitsForm) -> String {
    let fields = [("single", form.single_problem), ("daily", form.daily_problem)];
    let texts = fields.into_iter().filter_map(|(field, problem)| {
        Some(match problem? {
            LimitProblem::Missing => format!("`{field}` is missing, and has to be there"),
            LimitProblem::NotAnAmount => format!("`{field}` is not an amount in yuan"),
            LimitProblem::Nothing => format!("`{field}` allows no debit: end withholding"),
            LimitProblem::Above(most) => format!("`{field}` is above the limit in force, {most}"),
        })
    });
    texts.collect::<Vec<_>>().join("; ")
}
