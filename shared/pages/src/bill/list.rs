//! The list of bills: months with their totals, and the days of one of them.

use jiff::Timestamp;
use serde::Serialize;
use steelyard_billing::{CalendarError, ProviderId, Statement};
use steelyard_pricing::BillingMonth;
use utoipa::ToSchema;

use super::BillError;
use super::month::{BilledDay, BilledSum, billed_days};
use crate::records::Records;

/// The bills of a provider.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct BillList {
    /// The provider that is billed.
    #[schema(value_type = String)]
    pub provider: ProviderId,
    /// The time of the figures, in seconds of Unix time.
    #[schema(value_type = i64)]
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub as_of_s: Timestamp,
    /// The months that have bills, the newest first.
    pub months: Vec<ListedMonth>,
    /// The month whose bills are listed; none without bills.
    #[schema(value_type = Option<String>)]
    pub month: Option<BillingMonth>,
    /// Its bills, the newest first.
    pub days: Vec<BilledDay>,
    /// Before which month older ones are looked for; none if there are none.
    #[schema(value_type = Option<String>)]
    pub older_before: Option<BillingMonth>,
}

/// How many months a list has.
const MONTHS_LISTED: usize = 13;

/// The request for a page of the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BillsQuery {
    /// The month whose bills are listed; the newest of the list, if none.
    pub month: Option<BillingMonth>,
    /// Only months before this one.
    pub before: Option<BillingMonth>,
}

/// A month with bills.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ListedMonth {
    /// The month that has bills.
    #[schema(value_type = String)]
    pub month: BillingMonth,
    /// How many bills it has.
    pub bills: u64,
    /// The sum of their charges, and its payments.
    #[serde(flatten)]
    pub sum: BilledSum,
}

impl BillsQuery {
    /// The first month of the list.
    ///
    /// # Errors
    ///
    /// [`CalendarError`] when the time is outside the calendar.
    pub fn first(self, records: &Records<'_>) -> Result<BillingMonth, CalendarError> {
        let present = records.today()?.month();
        let newest = self.before.map_or(present, |before| before.previous().min(present));
        Ok((1..MONTHS_LISTED).fold(newest, |month, _| month.previous()))
    }
}

impl BillList {
    /// The list, with the bills of the chosen month, or of the newest. Give the statements from the
    /// first day of [`BillsQuery::first`] up to the newest, from the oldest on.
    ///
    /// # Errors
    ///
    /// [`BillError`] when an amount or a count leaves its range.
    pub fn new(
        records: Records<'_>,
        query: BillsQuery,
        statements: &[Statement],
    ) -> Result<BillList, BillError> {
        let first = query.first(&records)?;
        let mut days = billed_days(statements, records.account.figures.receivable())?;
        days.retain(|day| query.before.is_none_or(|before| month_of(day) < before));
        days.reverse();
        let mut months = Vec::<ListedMonth>::new();
        for of_month in days.chunk_by(|one, other| month_of(one) == month_of(other)) {
            let Some(first) = of_month.first() else { continue };
            months.push(ListedMonth {
                month: month_of(first),
                bills: u64::try_from(of_month.len()).unwrap_or(u64::MAX),
                sum: BilledSum::of(of_month.iter().map(|day| day.sum))?,
            });
        }
        let month = query.month.or_else(|| months.first().map(|newest| newest.month));
        days.retain(|day| Some(month_of(day)) == month);
        let provider = records.provider.provider.clone();
        let older_before = (records.provider.billed_from < first).then_some(first);
        Ok(BillList { provider, as_of_s: records.now, months, month, days, older_before })
    }
}

fn month_of(day: &BilledDay) -> BillingMonth {
    day.statement.day.month()
}
