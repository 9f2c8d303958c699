//! The last week against the week before, by API.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use serde::Serialize;
use steelyard_billing::{ApiCharge, ChargeChange, charge_by_api};
use steelyard_pricing::{ApiName, BillingDay, Fen, MoneyError};
use utoipa::ToSchema;

use super::{OverviewError, Parts};
use crate::forecast::days_before;

/// How many APIs have a row of their own.
const APIS_MAX: usize = 7;

const WEEK: i32 = 7;

/// What the calls of seven days cost against those of the seven days before, as far as they are
/// settled.
///
/// Calls that came late, or were withdrawn, count on the day of the calls; what is of no API on the
/// day of its bill. Each row is split as [`ChargeChange`] says, and the sums are those of the rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Change {
    /// The first of the seven days.
    #[schema(value_type = String)]
    pub from: BillingDay,
    /// The last of them.
    #[schema(value_type = String)]
    pub through: BillingDay,
    /// The first of the seven days before.
    #[schema(value_type = String)]
    pub before_from: BillingDay,
    /// The last of them.
    #[schema(value_type = String)]
    pub before_through: BillingDay,
    /// The rows, the largest change first.
    pub rows: Vec<ApiChange>,
    /// All rows together.
    pub total: ChangeOf,
}

/// The change of one API, or of the smallest ones together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ApiChange {
    /// The API; none in the rows that are of no API, or of several.
    #[schema(value_type = Option<String>)]
    pub api: Option<ApiName>,
    /// How many APIs the row sums, if it is of several.
    pub more: Option<MoreApis>,
    /// The figures of both weeks, and their difference.
    #[serde(flatten)]
    pub of: ChangeOf,
}

/// The APIs with the smallest changes, together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MoreApis {
    /// The number of APIs.
    pub apis: u64,
}

/// Calls and charges before and now, and why they changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChangeOf {
    /// The calls of the last seven days, less those credited.
    pub calls: i64,
    /// The calls of the seven days before.
    pub calls_before: i64,
    /// The charge of the last seven days.
    #[schema(value_type = i64)]
    pub charge_fen: Fen,
    /// The charge of the seven days before.
    #[schema(value_type = i64)]
    pub charge_before_fen: Fen,
    /// The change of the charge.
    #[schema(value_type = i64)]
    pub change_fen: Fen,
    /// What of it more or fewer calls explain.
    #[schema(value_type = i64)]
    pub by_volume_fen: Fen,
    /// What of it the price of a call explains.
    #[schema(value_type = i64)]
    pub by_price_fen: Fen,
}

impl Parts<'_> {
    pub(super) fn change(&self) -> Result<Option<Change>, OverviewError> {
        let first = self.more.statements.iter().map(|statement| statement.statement.day).min();
        let Some((first, through)) = first.zip(self.through) else { return Ok(None) };
        let from = days_before(through, WEEK - 1);
        let (before_from, before_through) = (days_before(from, WEEK), from.previous());
        if first > before_from {
            return Ok(None);
        }
        let of = |from: BillingDay, through| charge_by_api(self.more.statements, &(from..=through));
        let (before, now) = (of(before_from, before_through)?, of(from, through)?);
        let keys = before.keys().chain(now.keys()).collect::<BTreeSet<_>>();
        let mut rows = Vec::new();
        for key in keys {
            let charge = |sums: &std::collections::BTreeMap<_, ApiCharge>| {
                sums.get(key).copied().unwrap_or_default()
            };
            let of = ChangeOf::between(charge(&before), charge(&now))?;
            rows.push(ApiChange { api: key.clone(), more: None, of });
        }
        let total = sum(rows.iter().map(|row| row.of))?;
        let rows = joined(rows)?;
        Ok(Some(Change { from, through, before_from, before_through, rows, total }))
    }
}

/// The rows with the largest changes, the others as one; what is of no API stays apart.
fn joined(mut rows: Vec<ApiChange>) -> Result<Vec<ApiChange>, MoneyError> {
    rows.sort_by_key(|row| {
        let size = |fen: Fen| fen.get().unsigned_abs();
        Reverse((row.api.is_none(), size(row.of.change_fen), size(row.of.charge_fen)))
    });
    let of_none = rows.iter().filter(|row| row.api.is_none()).count();
    let most = of_none + APIS_MAX;
    // A row for a single API that is left says no less than the API itself.
    if rows.len() > most + 1 {
        let small = rows.split_off(most);
        let apis = u64::try_from(small.len()).unwrap_or(u64::MAX);
        let of = sum(small.into_iter().map(|row| row.of))?;
        rows.push(ApiChange { api: None, more: Some(MoreApis { apis }), of });
    }
    // Largest change first: what is of no API takes its place among the others, the sum of the rest
    // the last.
    rows.sort_by_key(|row| Reverse((row.more.is_none(), row.of.change_fen.get().unsigned_abs())));
    Ok(rows)
}

fn sum(rows: impl Iterator<Item = ChangeOf>) -> Result<ChangeOf, MoneyError> {
    let mut rows = rows;
    rows.try_fold(ChangeOf::default(), ChangeOf::plus)
}

impl ChangeOf {
    fn between(before: ApiCharge, now: ApiCharge) -> Result<ChangeOf, MoneyError> {
        let change = ChargeChange::between(before, now)?;
        Ok(ChangeOf {
            calls: now.calls,
            calls_before: before.calls,
            charge_fen: now.charge_fen,
            charge_before_fen: before.charge_fen,
            change_fen: change.change_fen,
            by_volume_fen: change.by_volume_fen,
            by_price_fen: change.by_price_fen,
        })
    }

    fn plus(self, other: ChangeOf) -> Result<ChangeOf, MoneyError> {
        Ok(ChangeOf {
            calls: self.calls.saturating_add(other.calls),
            calls_before: self.calls_before.saturating_add(other.calls_before),
            charge_fen: self.charge_fen.plus(other.charge_fen)?,
            charge_before_fen: self.charge_before_fen.plus(other.charge_before_fen)?,
            change_fen: self.change_fen.plus(other.change_fen)?,
            by_volume_fen: self.by_volume_fen.plus(other.by_volume_fen)?,
            by_price_fen: self.by_price_fen.plus(other.by_price_fen)?,
        })
    }
}
