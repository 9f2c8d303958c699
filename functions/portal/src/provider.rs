//! The pages of a provider, except withholding.

use axum::extract::{Form, Multipart, Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, REFRESH};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use steelyard_billing::{SessionRight, StatementId};
use steelyard_pages::bill::{BillListPage, BillsQuery, DayBillPage, MonthBillPage};
use steelyard_pages::calculator::{CalculatorPage, Outcome, Under};
use steelyard_pages::costs::{CostsPage, CostsParameters, CostsQuery};
use steelyard_pages::csv::costs_csv;
use steelyard_pages::focus::{FocusVersion, costs_focus};
use steelyard_pages::ledger::{LedgerPage, LedgerQuery};
use steelyard_pages::overview::OverviewPage;
use steelyard_pages::recharge::{
    PayNowPage, RechargeForm, RechargeItem, RechargePage, RechargeProblem, RechargeResultPage,
    Recharging, Way, purpose_named,
};
use steelyard_pricing::{BillingMonth, Fen};
use utoipa::IntoParams;

use crate::asker::Visit;
use crate::enter::{random_text, to};
use crate::offers::NotOffered;
use crate::refusal::{Answer, Refusal};
use crate::{Shared, page};

/// The first page of a provider.
pub(crate) async fn first(visit: Visit) -> Response {
    to(&visit.frame.page("overview"))
}

/// The overview of the month, at the time of the visit.
pub(crate) async fn overview(State(shared): State<Shared>, mut visit: Visit) -> Answer {
    let view = shared.overview(&visit).await?.on_page(&mut visit.frame);
    Ok(page(&OverviewPage::new(&visit.frame, shared.calendar(), &view)))
}

/// What the ledger's address asks for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LedgerParameters {
    /// `all`, `debits`, `recharges` or `refunds`: `all`, if missing.
    #[param(example = "all")]
    kind: Option<String>,
    /// The cursor: `older_before` of the answer before.
    #[param(value_type = Option<u64>, example = 2)]
    before: Option<String>,
}

impl LedgerParameters {
    pub(crate) fn query(&self) -> Result<LedgerQuery, Refusal> {
        let query = LedgerQuery::parse(self.kind.as_deref(), self.before.as_deref());
        query.map_err(|error| Refusal::Malformed(error.to_string()))
    }
}

/// A page of the ledger.
pub(crate) async fn ledger(
    State(shared): State<Shared>,
    visit: Visit,
    Query(sent): Query<LedgerParameters>,
) -> Answer {
    let view = shared.ledger(&visit, sent.query()?).await?;
    Ok(page(&LedgerPage::new(&visit.frame, shared.calendar(), &view)))
}

/// The page of bills that is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct BillsParameters {
    /// The month whose bills are listed: the newest of the list, if missing.
    #[param(value_type = Option<String>, example = "2015-05")]
    month: Option<BillingMonth>,
    /// The cursor: `older_before` of the answer before.
    #[param(value_type = Option<String>, example = "2015-06")]
    before: Option<BillingMonth>,
}

impl BillsParameters {
    pub(crate) fn query(&self) -> BillsQuery {
        BillsQuery { month: self.month, before: self.before }
    }
}

/// The list of bills.
pub(crate) async fn bills(
    State(shared): State<Shared>,
    mut visit: Visit,
    Query(sent): Query<BillsParameters>,
) -> Answer {
    let view = shared.bills(&visit, sent.query()).await?.on_page(&mut visit.frame);
    Ok(page(&BillListPage::new(&visit.frame, &view)))
}

/// Which bill a path names: that of a day, or of a month.
pub(crate) enum BillName {
    Day(StatementId),
    Month(BillingMonth),
}

impl BillName {
    pub(crate) fn of(visit: &Visit) -> Result<BillName, Refusal> {
        let name = visit.path.get("bill").ok_or(Refusal::NotFound)?;
        let month = || name.parse().map(BillName::Month);
        name.parse().map(BillName::Day).or_else(|_| month()).map_err(|_| Refusal::NotFound)
    }
}

/// The bill of a day or of a month.
pub(crate) async fn bill(State(shared): State<Shared>, mut visit: Visit) -> Answer {
    match BillName::of(&visit)? {
        BillName::Day(id) => {
            let view = shared.day_bill(&visit, id).await?.on_page(&mut visit.frame);
            Ok(page(&DayBillPage::new(&visit.frame, shared.calendar(), &view)))
        }
        BillName::Month(month) => {
            let view = shared.month_bill(&visit, month).await?.on_page(&mut visit.frame);
            Ok(page(&MonthBillPage::new(&visit.frame, shared.calendar(), &view)))
        }
    }
}

/// The costs of some days.
pub(crate) async fn costs(
    State(shared): State<Shared>,
    mut visit: Visit,
    Query(sent): Query<CostsParameters>,
) -> Answer {
    let today = shared.calendar().day_of(visit.now).map_err(Refusal::unavailable)?;
    match CostsQuery::read(&sent, today) {
        Ok(query) => {
            let view = shared.costs(&visit, query).await?.on_page(&mut visit.frame);
            Ok(page(&CostsPage::new(&visit.frame, &view)))
        }
        Err(error) => {
            let again = page(&CostsPage::refused(&visit.frame, sent, &error));
            Ok((StatusCode::UNPROCESSABLE_ENTITY, again).into_response())
        }
    }
}

/// The days of a file, and the version of its form.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct FileParameters {
    /// The first day or month.
    #[param(example = "2015-05-01")]
    from: Option<String>,
    /// The last day or month.
    #[param(example = "2015-05-17")]
    to: Option<String>,
    /// The version of FOCUS: `1.2`, or `1.0`. Other files have none.
    #[param(example = "1.2")]
    version: Option<String>,
}

impl FileParameters {
    async fn costs(
        &self,
        shared: &Shared,
        visit: &Visit,
    ) -> Result<(String, steelyard_pages::costs::Costs), Refusal> {
        let sent = CostsParameters {
            from: self.from.clone(),
            to: self.to.clone(),
            ..CostsParameters::default()
        };
        let today = shared.calendar().day_of(visit.now).map_err(Refusal::unavailable)?;
        let query = CostsQuery::of_file(&sent, today);
        let query = query.map_err(|error| Refusal::Malformed(error.to_string()))?;
        let name = format!("{}-{}-{}", visit.provider(), query.from, query.to);
        Ok((name, shared.costs(visit, query).await?.whole()?))
    }
}

/// The costs of some days as a CSV file.
pub(crate) async fn csv(
    State(shared): State<Shared>,
    visit: Visit,
    Query(sent): Query<FileParameters>,
) -> Answer {
    let (name, costs) = sent.costs(&shared, &visit).await?;
    let bytes = costs_csv(&costs).map_err(Refusal::unavailable)?;
    file(&format!("{name}.csv"), bytes)
}

/// The costs of some days as a FOCUS file.
pub(crate) async fn focus(
    State(shared): State<Shared>,
    visit: Visit,
    Query(sent): Query<FileParameters>,
) -> Answer {
    let version = sent.version.as_deref().map(str::parse::<FocusVersion>).transpose();
    let version = version.map_err(|error| Refusal::Malformed(error.to_string()))?;
    let (name, costs) = sent.costs(&shared, &visit).await?;
    let bytes = costs_focus(
        &costs,
        shared.calendar(),
        &shared.config.platform_name,
        version.unwrap_or_default(),
    );
    file(&format!("{name}.focus.csv"), bytes.map_err(Refusal::unavailable)?)
}

fn file(name: &str, bytes: Vec<u8>) -> Answer {
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    headers.insert(CONTENT_DISPOSITION, disposition.map_err(Refusal::unavailable)?);
    Ok(response)
}

/// The calculator as it is opened.
pub(crate) async fn calculator(State(shared): State<Shared>, visit: Visit) -> Answer {
    calculated(&shared, &visit, "", Under::All).await
}

/// The calculator with a list.
pub(crate) async fn calculate(
    State(shared): State<Shared>,
    visit: Visit,
    mut sent: Multipart,
) -> Answer {
    let malformed =
        |error: axum::extract::multipart::MultipartError| Refusal::Malformed(error.body_text());
    let (mut list, mut uploaded, mut under) = (String::new(), String::new(), Under::All);
    while let Some(field) = sent.next_field().await.map_err(malformed)? {
        let name = field.name().unwrap_or_default().to_owned();
        // One that is too long is refused by the list, with its remedy.
        let text = field.text().await.map_err(malformed)?;
        match name.as_str() {
            "list" => list = text,
            "file" => uploaded = text,
            "plan" => under = Under::chosen(&text),
            _ => {}
        }
    }
    let typed = if uploaded.trim().is_empty() { list } else { uploaded };
    calculated(&shared, &visit, &typed, under).await
}

async fn calculated(shared: &Shared, visit: &Visit, typed: &str, under: Under) -> Answer {
    let view = shared.calculated(visit, typed, under).await?;
    let status = match view.outcome {
        Outcome::Refused { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        Outcome::Nothing | Outcome::NotPriced { .. } | Outcome::Priced(_) => StatusCode::OK,
    };
    Ok((status, page(&CalculatorPage::new(&view, &visit.frame, typed))).into_response())
}

/// An amount that was chosen from the suggestions.
#[derive(Debug, Deserialize)]
pub(crate) struct AmountParameters {
    amount: Option<String>,
    purpose: Option<String>,
}

/// The form of a recharge.
pub(crate) async fn recharge(
    State(shared): State<Shared>,
    visit: Visit,
    Query(sent): Query<AmountParameters>,
) -> Answer {
    let amount = sent.amount.and_then(|amount| amount.parse::<Fen>().ok());
    let purpose = purpose_named(&sent.purpose.unwrap_or_default());
    let form = RechargeForm::empty(new_key()?, amount).for_purpose(purpose);
    let view = shared.recharging(&visit, None).await?;
    Ok(recharge_page(&shared, &visit, &view, &form))
}

fn recharge_page(
    shared: &Shared,
    visit: &Visit,
    view: &Recharging,
    form: &RechargeForm,
) -> Response {
    page(&RechargePage::new(&visit.frame, shared.calendar(), view, form))
}

/// What the form of a recharge sends.
#[derive(Debug, Deserialize)]
pub(crate) struct RechargeSent {
    #[serde(default)]
    key: String,
    #[serde(default)]
    amount: String,
    #[serde(default)]
    way: String,
    #[serde(default)]
    purpose: String,
}

/// Offers a recharge, and leads to its payment.
pub(crate) async fn pay_in(
    State(shared): State<Shared>,
    visit: Visit,
    Form(sent): Form<RechargeSent>,
) -> Answer {
    visit.asker.may(&shared, visit.provider(), SessionRight::Pay).await?;
    let way = sent.way.parse().unwrap_or(Way::Page);
    let (form, status) =
        match RechargeForm::read(sent.key, &sent.amount, way, purpose_named(&sent.purpose)) {
            Err(form) => (form, StatusCode::UNPROCESSABLE_ENTITY),
            Ok(request) => {
                let offered = shared.offer_recharge(&visit, &request).await;
                match offered {
                    Ok(pay) => {
                        return Ok(page(&PayNowPage::new(&visit.frame, shared.calendar(), &pay)));
                    }
                    Err(not_offered) => {
                        let (problem, status) = match not_offered {
                            NotOffered::Refused(refused) => {
                                (recharge_problem(&refused.kind), StatusCode::UNPROCESSABLE_ENTITY)
                            }
                            NotOffered::Unavailable(refusal) => {
                                refusal.log();
                                (RechargeProblem::Unavailable, StatusCode::SERVICE_UNAVAILABLE)
                            }
                        };
                        (request.refused(problem, new_key()?), status)
                    }
                }
            }
        };
    let view = shared.recharging(&visit, None).await?;
    Ok((status, recharge_page(&shared, &visit, &view, &form)).into_response())
}

fn recharge_problem(kind: &str) -> RechargeProblem {
    match kind {
        "too-many-open" => RechargeProblem::TooManyOpen,
        "idempotency-key-used" => RechargeProblem::SentBefore,
        "no-code" => RechargeProblem::NoCode,
        _ => RechargeProblem::Refused,
    }
}

/// A key under which a form has its effect once.
pub(crate) fn new_key() -> Result<String, Refusal> {
    random_text().map_err(Refusal::unavailable)
}

/// How a recharge stands: where Alipay sends the browser back, and where the result is awaited.
pub(crate) async fn recharge_result(State(shared): State<Shared>, mut visit: Visit) -> Answer {
    let item = RechargeItem::new(&shared.recharge(&visit).await?);
    visit.frame.refresh_s = item.refresh_s().filter(|_| !visit.is_still);
    let page = page(&RechargeResultPage::new(&visit.frame, shared.calendar(), &item));
    Ok(again(page, visit.frame.refresh_s, &visit.frame.path))
}

/// A page that the browser loads again after some seconds, from an address that can be loaded.
///
/// A header says it. As a `meta` element it would be an error to every checker of accessibility,
/// whatever link the page has to stop it.
pub(crate) fn again(mut page: Response, after_s: Option<u16>, path: &str) -> Response {
    let value = after_s.map(|seconds| HeaderValue::from_str(&format!("{seconds}; url={path}")));
    if let Some(Ok(value)) = value {
        page.headers_mut().insert(REFRESH, value);
    }
    page
}
