//! What programs read: the views that the pages show.

#![expect(unused_qualifications, reason = "the macro of utoipa names the parameters by paths")]

use axum::Json;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use steelyard_billing::RechargeId;
use steelyard_pages::alerts::Alerts;
use steelyard_pages::bill::{BillList, DayBill, MonthBill};
use steelyard_pages::costs::{Costs, CostsParameters, CostsQuery};
use steelyard_pages::ledger::Ledger;
use steelyard_pages::overview::Overview;
use steelyard_pages::recharge::{RechargeItem, Recharging};
use steelyard_pages::withholding::Withholding;
use utoipa::{IntoParams, ToSchema};

use crate::Shared;
use crate::asker::Visit;
use crate::provider::{self, BillName, BillsParameters, FileParameters, LedgerParameters};
use crate::refusal::Refusal;

type Answer<T> = Result<Json<T>, Refusal>;

/// The provider whose account is read.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "it describes a part of the path, which Visit reads")]
pub(super) struct OfProvider {
    /// The provider's id.
    #[param(example = "shop-assistant")]
    provider: String,
}

/// The overview
///
/// What is withheld next and why, the month so far, the forecast, allowances and notices.
#[utoipa::path(
    get,
    path = "/overview",
    params(OfProvider),
    responses((status = 200, description = "The overview.", body = Overview))
)]
pub(super) async fn overview(State(shared): State<Shared>, visit: Visit) -> Answer<Overview> {
    Ok(Json(shared.overview(&visit).await?.whole()?))
}

/// Costs by day or month
///
/// What bills charge, by rate or API, or what was called, by source: this month by day, or 13
/// months by month, unless `from` and `to` say otherwise. By day at most 92 days, by month at most
/// 13 months; by source, which is summed from reports, at most 92 days either way, and three months
/// by month.
#[utoipa::path(
    get,
    path = "/costs",
    params(OfProvider, CostsParameters),
    responses((status = 200, description = "The costs.", body = Costs))
)]
pub(super) async fn costs(
    State(shared): State<Shared>,
    visit: Visit,
    Query(sent): Query<CostsParameters>,
) -> Answer<Costs> {
    let today = shared.calendar().day_of(visit.now).map_err(Refusal::unavailable)?;
    let query = CostsQuery::read(&sent, today);
    let query = query.map_err(|error| Refusal::Malformed(error.to_string()))?;
    Ok(Json(shared.costs(&visit, query).await?.whole()?))
}

/// Costs as a CSV file
///
/// The lines of the bills of some days: of this month, unless `from` and `to` say otherwise.
#[utoipa::path(
    get,
    path = "/costs.csv",
    params(OfProvider, FileParameters),
    responses((status = 200, description = "The file.", content_type = "text/csv", body = String))
)]
pub(super) async fn costs_csv(
    state: State<Shared>,
    visit: Visit,
    sent: Query<FileParameters>,
) -> Result<Response, Refusal> {
    provider::csv(state, visit, sent).await
}

/// Costs as a FOCUS file
///
/// The lines of the bills of some days, by the FinOps Open Cost and Usage Specification.
#[utoipa::path(
    get,
    path = "/costs.focus.csv",
    params(OfProvider, FileParameters),
    responses((status = 200, description = "The file.", content_type = "text/csv", body = String))
)]
pub(super) async fn costs_focus(
    state: State<Shared>,
    visit: Visit,
    sent: Query<FileParameters>,
) -> Result<Response, Refusal> {
    provider::focus(state, visit, sent).await
}

/// The list of bills
///
/// Months with their totals, 13 at a time, the newest first; and the bills of one of them.
#[utoipa::path(
    get,
    path = "/bills",
    params(OfProvider, BillsParameters),
    responses((status = 200, description = "A page of the list.", body = BillList))
)]
pub(super) async fn bills(
    State(shared): State<Shared>,
    visit: Visit,
    Query(sent): Query<BillsParameters>,
) -> Answer<BillList> {
    Ok(Json(shared.bills(&visit, sent.query()).await?.whole()?))
}

/// A bill: of a day, or of a month.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum Bill {
    /// The bill of a day.
    Day(Box<DayBill>),
    /// The bills of a month as one.
    Month(Box<MonthBill>),
}

/// The name of a bill in a path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "it describes a part of the path, which Visit reads")]
pub(super) struct OfBill {
    /// A day, such as `2015-05-17`, a further bill of a month's last day, such as `2015-05-31+1`,
    /// or a month, such as `2015-05`.
    #[param(example = "2015-05-17")]
    bill: String,
}

/// A bill
///
/// What it charges and how that is computed, line by line, and how it is paid.
#[utoipa::path(
    get,
    path = "/bills/{bill}",
    params(OfProvider, OfBill),
    responses((status = 200, description = "The bill of the day or the month.", body = Bill))
)]
pub(super) async fn bill(State(shared): State<Shared>, visit: Visit) -> Answer<Bill> {
    Ok(Json(match BillName::of(&visit)? {
        BillName::Day(id) => Bill::Day(Box::new(shared.day_bill(&visit, id).await?.whole()?)),
        BillName::Month(month) => {
            Bill::Month(Box::new(shared.month_bill(&visit, month).await?.whole()?))
        }
    }))
}

/// The ledger
///
/// Movements of money with the balance after each, or the debits, recharges or refunds behind them,
/// 50 at a time, the newest first. All refunds are on one page.
#[utoipa::path(
    get,
    path = "/ledger",
    params(OfProvider, LedgerParameters),
    responses((status = 200, description = "A page of the ledger.", body = Ledger))
)]
pub(super) async fn ledger(
    State(shared): State<Shared>,
    visit: Visit,
    Query(sent): Query<LedgerParameters>,
) -> Answer<Ledger> {
    Ok(Json(shared.ledger(&visit, sent.query()?).await?))
}

/// The page of recharges that is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct RechargesParameters {
    /// The cursor: `older_before` of the answer before.
    #[param(example = 2)]
    before: Option<u32>,
}

/// The list of recharges
///
/// Recharges, 20 at a time, the newest first; the balance, and amounts that one may pay in.
#[utoipa::path(
    get,
    path = "/recharges",
    params(OfProvider, RechargesParameters),
    responses((status = 200, description = "A page of the list.", body = Recharging))
)]
pub(super) async fn recharges(
    State(shared): State<Shared>,
    visit: Visit,
    Query(sent): Query<RechargesParameters>,
) -> Answer<Recharging> {
    Ok(Json(shared.recharging(&visit, sent.before.map(RechargeId)).await?))
}

/// The number of a recharge in a path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "it describes a part of the path, which Visit reads")]
pub(super) struct OfRecharge {
    /// Its number among the provider's recharges, from 1.
    #[param(example = 1)]
    recharge: u32,
}

/// A recharge
///
/// Ask again while its state is `open` to know whether it was paid.
#[utoipa::path(
    get,
    path = "/recharges/{recharge}",
    params(OfProvider, OfRecharge),
    responses((status = 200, description = "The recharge.", body = RechargeItem))
)]
pub(super) async fn recharge(State(shared): State<Shared>, visit: Visit) -> Answer<RechargeItem> {
    Ok(Json(RechargeItem::new(&shared.recharge(&visit).await?)))
}

/// Alerts and the spend cap
///
/// What the provider is watched by, how far its month is, and which alerts stand.
#[utoipa::path(
    get,
    path = "/alerts",
    params(OfProvider),
    responses((status = 200, description = "How the provider is watched.", body = Alerts))
)]
pub(super) async fn alerts(State(shared): State<Shared>, visit: Visit) -> Answer<Alerts> {
    Ok(Json(shared.alerts(&visit).await?))
}

/// Withholding
///
/// The agreement or the offer of one, its limits, the debits, and what falls due when.
#[utoipa::path(
    get,
    path = "/withholding",
    params(OfProvider),
    responses((status = 200, description = "How withholding stands.", body = Withholding))
)]
pub(super) async fn withholding(State(shared): State<Shared>, visit: Visit) -> Answer<Withholding> {
    Ok(Json(shared.withholding(&visit).await?))
}
