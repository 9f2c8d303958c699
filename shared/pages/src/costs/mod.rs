//! Costs: by day and by month, by rate, by API and by source.

mod chart;
pub(crate) mod files;
mod page;
mod query;
mod rows;
mod texts;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use steelyard_billing::{CalendarError, ProviderId, SourceId, Statement};
use steelyard_pricing::{ApiName, BillingDay, Fen, LineCause, MoneyError, Name, UsageError};
use thiserror::Error;
use utoipa::ToSchema;

use crate::records::Records;

pub use page::CostsPage;
pub use query::{
    COST_DAYS_MAX, COST_MONTHS_MAX, CostsBy, CostsGroup, CostsParameters, CostsQuery,
    CostsQueryError,
};
pub use rows::{ChargeKind, ChargeRow, PricedUnits};

/// What statements charge from one day through another, summed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Costs {
    /// The provider that is charged.
    #[schema(value_type = String)]
    pub provider: ProviderId,
    /// The time of the figures, in seconds of Unix time.
    #[schema(value_type = i64)]
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub as_of_s: Timestamp,
    /// The day of the last bill; none before one is.
    #[schema(value_type = Option<String>)]
    pub settled_through: Option<BillingDay>,
    /// The checked request that the view answers.
    pub query: CostsQuery,
    /// What the bills of the days charge, all groups together.
    #[schema(value_type = i64)]
    pub charge_fen: Fen,
    /// The calls of the days' bills, or of the one group that is shown.
    pub calls: i64,
    /// The days or months, from the first to the last, of all groups or of the one that is shown.
    pub periods: Vec<CostPeriod>,
    /// The groups, the largest first.
    pub groups: Vec<CostGroup>,
    /// The lines of the bills.
    pub rows: Vec<ChargeRow>,
}

/// The costs of a day or a month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CostPeriod {
    /// The first day.
    #[schema(value_type = String)]
    pub from: BillingDay,
    /// The last day.
    #[schema(value_type = String)]
    pub to: BillingDay,
    /// Whether the period has a bill. A day without usage has none.
    pub is_billed: bool,
    /// The calls of the period, less those that were withdrawn.
    pub calls: i64,
    /// The charge; none where one source is shown, of which no charge is known.
    #[schema(value_type = Option<i64>)]
    pub charge_fen: Option<Fen>,
}

/// The costs of a rate or an API, or the calls of a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CostGroup {
    /// The rate, API or source. `(unpriced)` is what no rate covers; `(plan)` what a plan adds to
    /// the sum of its rates or takes off, and by API also what rates charge without calls, such as
    /// a minimum; `(tax)` tax that is added, and `(adjustments)` what credit and debit notes do.
    pub name: String,
    /// The calls of the group, less those that were withdrawn.
    pub calls: i64,
    /// The charge; none of a source. That of a line is shared out to its APIs in proportion to
    /// their calls, or to their amounts where the price is a share of these.
    #[schema(value_type = Option<i64>)]
    pub charge_fen: Option<Fen>,
}

/// The calls that a source reported of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceCalls {
    /// The source that sent the reports.
    pub source: SourceId,
    /// The billing day on which the calls count.
    pub day: BillingDay,
    /// The calls of its reports that count.
    pub calls: u64,
}

/// Why costs cannot be shown.
#[derive(Debug, Error)]
pub enum CostsError {
    /// An amount leaves its range.
    #[error("cannot sum the charges")]
    Money(#[from] MoneyError),
    /// A count leaves its range.
    #[error("cannot sum the calls")]
    Usage(#[from] UsageError),
    /// More calls than a number can hold.
    #[error("{0} calls are too many to show")]
    Calls(i128),
    /// The time is outside the calendar.
    #[error("cannot tell the day")]
    Calendar(#[from] CalendarError),
}

/// What is counted of one group on one day.
struct Part {
    day: BillingDay,
    name: String,
    calls: i64,
    charge: Option<Fen>,
}

const UNPRICED: &str = "(unpriced)";
const PLAN: &str = "(plan)";
const TAX: &str = "(tax)";
const ADJUSTMENTS: &str = "(adjustments)";

impl Costs {
    /// The costs of some days. Give the statements of [`CostsQuery::read_from`] through the last
    /// day, in order and with what they say of each API; and the sources' calls where they are
    /// asked for.
    ///
    /// # Errors
    ///
    /// [`CostsError`] when a sum leaves its range.
    pub fn new(
        records: Records<'_>,
        query: CostsQuery,
        statements: &[Statement],
        sources: &[SourceCalls],
    ) -> Result<Costs, CostsError> {
        let rows = rows::rows(statements, (query.from, query.to))?;
        let charge_fen = Fen::sum(rows.iter().map(|row| row.charge_fen))?;
        let parts = match query.group {
            CostsGroup::Rate => rows.iter().map(Part::of_row).collect(),
            CostsGroup::Api => parts_by_api(statements, &query)?,
            CostsGroup::Source => parts_by_source(sources, &query)?,
        };
        let mut groups = groups(&parts)?;
        let is_shown = |name: &str| query.only.as_deref().is_none_or(|only| only == name);
        let parts = parts.into_iter().filter(|part| is_shown(&part.name)).collect::<Vec<_>>();
        groups.retain(|group| is_shown(&group.name));
        let calls = sum(parts.iter().map(|part| part.calls))?;
        // Without a choice the charges of a day are those of its bills, whatever groups them.
        let charged = match (query.group, &query.only) {
            (CostsGroup::Source, None) => {
                rows.iter().map(Part::of_row).map(|part| Part { calls: 0, ..part }).collect()
            }
            (CostsGroup::Rate | CostsGroup::Api, _) | (_, Some(_)) => Vec::new(),
        };
        // Days to come have no costs to show.
        let last = records.calendar().day_of(records.now)?.min(query.to);
        let periods = periods(&query, last, (&parts, &charged), statements)?;
        Ok(Costs {
            provider: records.provider.provider.clone(),
            as_of_s: records.now,
            settled_through: records.account.settled_through,
            query,
            charge_fen,
            calls,
            periods,
            groups,
            rows,
        })
    }
}

impl Part {
    fn of_row(row: &ChargeRow) -> Part {
        let name = match row.kind {
            ChargeKind::Unpriced => UNPRICED,
            ChargeKind::CreditNote | ChargeKind::DebitNote => ADJUSTMENTS,
            ChargeKind::Tax => TAX,
            ChargeKind::Usage
            | ChargeKind::Late
            | ChargeKind::Void
            | ChargeKind::Terms
            | ChargeKind::Shifted
            | ChargeKind::Minimum
            | ChargeKind::Concession
            | ChargeKind::Plan => row.rate.as_ref().map_or(PLAN, Name::as_str),
        };
        Part {
            day: row.statement.day,
            name: name.to_owned(),
            calls: row.calls,
            charge: Some(row.charge_fen),
        }
    }
}

/// The parts by API: the charge of each line is divided among its APIs.
fn parts_by_api(statements: &[Statement], query: &CostsQuery) -> Result<Vec<Part>, CostsError> {
    let mut parts = Vec::new();
    let is_in = |day: BillingDay| query.from <= day && day <= query.to;
    for statement in statements.iter().filter(|of| is_in(of.statement.day)) {
        let day = statement.statement.day;
        let of_api = |api: &ApiName, calls, because, charge| {
            let sign = if because == LineCause::Void { -1 } else { 1 };
            let calls = counted(calls)? * sign;
            Ok::<_, CostsError>(Part { day, name: api.to_string(), calls, charge: Some(charge) })
        };
        let of_none = |name: &str, charge: Fen| {
            let part = Part { day, name: name.to_owned(), calls: 0, charge: Some(charge) };
            (!charge.is_zero()).then_some(part)
        };
        for line in &statement.lines {
            let mut rest = line.charge_fen;
            for (api, metered, charge) in line.charge_by_api() {
                parts.push(of_api(api, metered.calls.get(), line.because, charge)?);
                rest = rest.minus(charge)?;
            }
            let is_tax = line.because == LineCause::Tax;
            parts.extend(of_none(if is_tax { TAX } else { PLAN }, rest));
        }
        for of in &statement.unpriced {
            for (api, metered) in of.apis.iter() {
                parts.push(of_api(api, metered.calls.get(), of.because, Fen::ZERO)?);
            }
        }
        for note in &statement.adjustments {
            parts.extend(of_none(ADJUSTMENTS, note.amount_fen));
        }
    }
    Ok(parts)
}

fn parts_by_source(sources: &[SourceCalls], query: &CostsQuery) -> Result<Vec<Part>, CostsError> {
    let is_in = |of: &&SourceCalls| query.from <= of.day && of.day <= query.to;
    let part = |of: &SourceCalls| {
        let calls = counted(of.calls)?;
        Ok(Part { day: of.day, name: of.source.to_string(), calls, charge: None })
    };
    sources.iter().filter(is_in).map(part).collect()
}

fn counted(calls: u64) -> Result<i64, CostsError> {
    i64::try_from(calls).map_err(|_| CostsError::Calls(calls.into()))
}

fn sum(calls: impl Iterator<Item = i64>) -> Result<i64, CostsError> {
    let sum = calls.map(i128::from).sum::<i128>();
    i64::try_from(sum).map_err(|_| CostsError::Calls(sum))
}

/// The sum of charges, where there is one.
fn charges(parts: &[&Part]) -> Result<Option<Fen>, MoneyError> {
    let known = parts.iter().filter_map(|part| part.charge).collect::<Vec<_>>();
    if known.is_empty() && !parts.is_empty() { Ok(None) } else { Fen::sum(known).map(Some) }
}

fn groups(parts: &[Part]) -> Result<Vec<CostGroup>, CostsError> {
    let mut by_name = BTreeMap::<&str, Vec<&Part>>::new();
    for part in parts {
        by_name.entry(&part.name).or_default().push(part);
    }
    let mut groups = Vec::new();
    for (name, parts) in by_name {
        let calls = sum(parts.iter().map(|part| part.calls))?;
        groups.push(CostGroup { name: name.to_owned(), calls, charge_fen: charges(&parts)? });
    }
    groups.sort_by(|one, other| {
        (other.charge_fen, other.calls)
            .cmp(&(one.charge_fen, one.calls))
            .then(one.name.cmp(&other.name))
    });
    Ok(groups)
}

fn periods(
    query: &CostsQuery,
    last: BillingDay,
    (parts, charged): (&[Part], &[Part]),
    statements: &[Statement],
) -> Result<Vec<CostPeriod>, CostsError> {
    let mut periods = Vec::new();
    let mut from = query.from;
    while from <= last {
        let to = match query.by {
            CostsBy::Day => from,
            CostsBy::Month => from.month().last_day(),
        };
        let has = |day: BillingDay| from <= day && day <= to;
        let is_in = |part: &&Part| has(part.day);
        let is_billed = statements.iter().any(|bill| has(bill.statement.day));
        let own = parts.iter().filter(is_in);
        let calls = sum(own.clone().map(|part| part.calls))?;
        let all = own.chain(charged.iter().filter(is_in)).collect::<Vec<_>>();
        let is_of_calls = query.group == CostsGroup::Source && query.only.is_some();
        let charge_fen = if is_of_calls { None } else { Some(charges(&all)?.unwrap_or(Fen::ZERO)) };
        periods.push(CostPeriod { from, to, is_billed, calls, charge_fen });
        from = to.next();
    }
    Ok(periods)
}
