//! What a request for costs asks for, and why it is refused.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use steelyard_pricing::{BillingDay, BillingMonth};
use thiserror::Error;
use utoipa::{IntoParams, ToSchema};

/// The most months that costs are shown of.
pub const COST_MONTHS_MAX: usize = 13;

/// The most days that costs are shown of day by day, and calls by source: those are summed from
/// reports, of which a provider may have more than a thousand a day.
pub const COST_DAYS_MAX: u64 = 92;

/// The most whole months that never have more days.
const SOURCE_MONTHS_MAX: usize = 3;

/// The parameters of a request, as they were sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CostsParameters {
    /// `day` or `month`: `day`, if missing.
    #[param(example = "day")]
    pub by: Option<String>,
    /// `rate`, `api` or `source`: `rate`, if missing. By `source` at most 92 days.
    #[param(example = "rate")]
    pub group: Option<String>,
    /// The only rate, API or source that is shown.
    #[param(example = "taobao.item.get")]
    pub only: Option<String>,
    /// The first day or month.
    #[param(example = "2015-05-01")]
    pub from: Option<String>,
    /// The last day or month.
    #[param(example = "2015-05-17")]
    pub to: Option<String>,
}

/// A checked request for costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CostsQuery {
    /// The period of a row: a day or a month.
    pub by: CostsBy,
    /// The group of a row: a rate, an API or a source.
    pub group: CostsGroup,
    /// The only name of the group that is shown.
    pub only: Option<String>,
    /// The first day.
    #[schema(value_type = String)]
    pub from: BillingDay,
    /// The last day.
    #[schema(value_type = String)]
    pub to: BillingDay,
}

/// The period by which costs are summed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CostsBy {
    /// A row for each billing day.
    #[default]
    Day,
    /// A row for each billing month.
    Month,
}

/// What costs are grouped by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CostsGroup {
    /// The rate of the plan.
    #[default]
    Rate,
    /// The API: its calls, since a rate charges its APIs together.
    Api,
    /// The machine that reported: its calls.
    Source,
}

/// Why a request for costs is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CostsQueryError {
    /// `by` is neither.
    #[error("`by` is `day` or `month`, not `{0}`")]
    By(String),
    /// `group` is none of them.
    #[error("`group` is `rate`, `api` or `source`, not `{0}`")]
    Group(String),
    /// A day cannot be read.
    #[error("`{field}` is a day such as 2015-05-18 or a month such as 2015-05, not `{text}`")]
    Day {
        /// `from` or `to`.
        field: &'static str,
        /// The text in place of the day.
        text: String,
    },
    /// The last day is before the first.
    #[error("`to` is {to}, before `from`, which is {from}: exchange them")]
    Order {
        /// The first day.
        from: BillingDay,
        /// The last day.
        to: BillingDay,
    },
    /// There are too many months.
    #[error("costs are shown of at most {COST_MONTHS_MAX} months: choose a later `from`")]
    Months,
    /// There are too many days.
    #[error(
        "costs are shown of at most {COST_DAYS_MAX} days by day: choose a later `from`, or `by=month`"
    )]
    Days,
    /// There are too many days for their reports to be summed.
    #[error("calls by source are shown of at most {COST_DAYS_MAX} days: choose a later `from`")]
    SourceDays,
}

impl CostsQueryError {
    /// The parameter at fault.
    #[must_use]
    pub fn field(&self) -> &'static str {
        match self {
            CostsQueryError::By(_) => "by",
            CostsQueryError::Group(_) => "group",
            CostsQueryError::Day { field, .. } => field,
            CostsQueryError::Order { .. } => "to",
            CostsQueryError::Months | CostsQueryError::Days | CostsQueryError::SourceDays => "from",
        }
    }
}

impl CostsQuery {
    /// Reads the parameters of a page. Unless they say otherwise it shows this month by day, or 13
    /// months by month, or three months by month and source.
    ///
    /// # Errors
    ///
    /// [`CostsQueryError`] naming the parameter and the remedy.
    pub fn read(sent: &CostsParameters, today: BillingDay) -> Result<CostsQuery, CostsQueryError> {
        let by = given(&sent.by).map(CostsBy::from_str).transpose()?.unwrap_or_default();
        let group = given(&sent.group).map(CostsGroup::from_str).transpose()?.unwrap_or_default();
        let first = match (by, group) {
            (CostsBy::Day, _) => today.month(),
            (CostsBy::Month, CostsGroup::Source) => {
                months_back(today.month(), SOURCE_MONTHS_MAX - 1)
            }
            (CostsBy::Month, CostsGroup::Rate | CostsGroup::Api) => {
                months_back(today.month(), COST_MONTHS_MAX - 1)
            }
        };
        let (from, to) = days(sent, (first.first_day(), today))?;
        let (from, to) = match by {
            CostsBy::Day => (from, to),
            CostsBy::Month => (from.month().first_day(), to.month().last_day()),
        };
        if from.days_until(to) >= COST_DAYS_MAX {
            match (group, by) {
                (CostsGroup::Source, _) => return Err(CostsQueryError::SourceDays),
                (_, CostsBy::Day) => return Err(CostsQueryError::Days),
                (CostsGroup::Rate | CostsGroup::Api, CostsBy::Month) => {}
            }
        }
        let only = given(&sent.only).map(str::to_owned);
        Ok(CostsQuery { by, group, only, from, to })
    }

    /// Reads the parameters of a file, which has the rows of every day; this month unless they say
    /// otherwise.
    ///
    /// # Errors
    ///
    /// [`CostsQueryError`] naming the parameter and the remedy.
    pub fn of_file(
        sent: &CostsParameters,
        today: BillingDay,
    ) -> Result<CostsQuery, CostsQueryError> {
        let (from, to) = days(sent, (today.month().first_day(), today))?;
        let (by, group) = (CostsBy::Day, CostsGroup::Rate);
        Ok(CostsQuery { by, group, only: None, from, to })
    }

    /// The first day whose statements are read: the prices of a day follow from the days before it
    /// in its month.
    #[must_use]
    pub fn read_from(&self) -> BillingDay {
        self.from.month().first_day()
    }
}

fn given(parameter: &Option<String>) -> Option<&str> {
    parameter.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

fn days(
    sent: &CostsParameters,
    (first, last): (BillingDay, BillingDay),
) -> Result<(BillingDay, BillingDay), CostsQueryError> {
    let day = |field: &'static str, text: &str| {
        let refused = || CostsQueryError::Day { field, text: text.to_owned() };
        let month = text.parse::<BillingMonth>().ok();
        let of_month = month.map(|month| match field {
            "from" => month.first_day(),
            _ => month.last_day(),
        });
        of_month.or_else(|| text.parse().ok()).ok_or_else(refused)
    };
    let to = given(&sent.to).map(|text| day("to", text)).transpose()?;
    let from = given(&sent.from).map(|text| day("from", text)).transpose()?;
    let to = to.unwrap_or_else(|| from.map_or(last, |from| last.max(from)));
    let from = from.unwrap_or_else(|| first.min(to.month().first_day()));
    if to < from {
        return Err(CostsQueryError::Order { from, to });
    }
    if months_back(to.month(), COST_MONTHS_MAX - 1) > from.month() {
        return Err(CostsQueryError::Months);
    }
    Ok((from, to))
}

fn months_back(month: BillingMonth, months: usize) -> BillingMonth {
    (0..months).fold(month, |month, _| month.previous())
}

impl FromStr for CostsBy {
    type Err = CostsQueryError;

    fn from_str(text: &str) -> Result<CostsBy, CostsQueryError> {
        match text {
            "day" => Ok(CostsBy::Day),
            "month" => Ok(CostsBy::Month),
            _ => Err(CostsQueryError::By(text.to_owned())),
        }
    }
}

impl FromStr for CostsGroup {
    type Err = CostsQueryError;

    fn from_str(text: &str) -> Result<CostsGroup, CostsQueryError> {
        match text {
            "rate" => Ok(CostsGroup::Rate),
            "api" => Ok(CostsGroup::Api),
            "source" => Ok(CostsGroup::Source),
            _ => Err(CostsQueryError::Group(text.to_owned())),
        }
    }
}

impl fmt::Display for CostsBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CostsBy::Day => "day",
            CostsBy::Month => "month",
        })
    }
}

impl fmt::Display for CostsGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CostsGroup::Rate => "rate",
            CostsGroup::Api => "api",
            CostsGroup::Source => "source",
        })
    }
}
