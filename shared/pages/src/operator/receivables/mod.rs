//! The receivables: what is owed by age, and what was charged by month, plan and rate, as the
//! settlement runs summed them.

mod page;
mod texts;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use steelyard_billing::{Age, Charges, SettlementRun};
use steelyard_pricing::{BillingDay, BillingMonth, Fen, MoneyError, Name};
use utoipa::ToSchema;

use super::{ShareOf, UnreadableRecord};

/// How many days what is owed is overdue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Overdue {
    /// It falls due on the day of the run, or later.
    NotDue,
    /// 1 to 7 days.
    #[serde(rename = "days_1_7")]
    ToOneWeek,
    /// 8 to 30 days.
    #[serde(rename = "days_8_30")]
    ToOneMonth,
    /// 31 to 90 days.
    #[serde(rename = "days_31_90")]
    ToThreeMonths,
    /// More than 90 days.
    #[serde(rename = "days_91")]
    Older,
    /// No bill is owed, as after a reversal of an old payment; or the bills could not be read.
    Undated,
}

/// The receivables of one age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AgeRow {
    /// The range of days overdue.
    pub overdue: Overdue,
    /// The sum that is overdue so long, and the number of providers that owe it.
    #[serde(flatten)]
    pub owed: ShareOf,
}

/// The receivables, by age.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Ageing {
    /// The run that summed it.
    pub run: u64,
    /// When it ended, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    #[schema(value_type = i64)]
    pub as_of_s: Timestamp,
    /// Each age, from the newest on. A provider may owe in several.
    pub ages: Vec<AgeRow>,
    /// All of it, each provider once.
    pub owed: ShareOf,
    /// How many providers could not be read, and are in no figure.
    pub unreadable: u64,
}

/// What a plan charged in a month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PlanRevenue {
    /// The name of the plan.
    #[schema(value_type = String)]
    pub plan: Name,
    /// What each of its rates charged.
    pub rates: Vec<RateRevenue>,
    /// What the plan added to the sum of its rates, or took off.
    #[schema(value_type = i64)]
    pub on_top_fen: Fen,
    /// The sum of the plan's charges in the month.
    #[schema(value_type = i64)]
    pub charged_fen: Fen,
}

/// What a rate charged in a month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RateRevenue {
    /// The name of the rate.
    #[schema(value_type = String)]
    pub rate: Name,
    /// The sum of the rate's charges in the month.
    #[schema(value_type = i64)]
    pub charged_fen: Fen,
}

/// What the bills of a month charge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MonthRevenue {
    /// The month that was charged.
    #[schema(value_type = String)]
    pub month: BillingMonth,
    /// Whether all of its runs are summed here; otherwise earlier ones charged more.
    pub is_whole: bool,
    /// The charges of each plan.
    pub plans: Vec<PlanRevenue>,
    /// What credit and debit notes charged.
    #[schema(value_type = i64)]
    pub adjustments_fen: Fen,
    /// The charges that are not divided, since a run had too many rates.
    #[schema(value_type = i64)]
    pub other_fen: Fen,
    /// The sum of all charges and notes.
    #[schema(value_type = i64)]
    pub charged_fen: Fen,
}

/// The receivables, and the revenue of months.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Receivables {
    /// The time, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    #[schema(value_type = i64)]
    pub as_of_s: Timestamp,
    /// The receivables; none before the first run over all providers has ended.
    pub ageing: Option<Ageing>,
    /// The months, the newest first, [`MONTHS_MAX`] at most.
    pub months: Vec<MonthRevenue>,
    /// The last day that every summed run has settled.
    #[schema(value_type = Option<String>)]
    pub charged_through: Option<BillingDay>,
    /// What runs of an older version charged, which is told apart by nothing.
    #[schema(value_type = i64)]
    pub unsorted_fen: Fen,
    /// The records that cannot be read.
    pub unreadable: Vec<UnreadableRecord>,
}

/// How many months are listed.
pub const MONTHS_MAX: usize = 3;

impl Receivables {
    /// What the latest settlement runs summed, given from the newest on: those of three months, so
    /// that these are whole.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when a sum leaves its range.
    pub fn new(
        runs: &[SettlementRun],
        calendar: &steelyard_billing::Calendar,
        now: Timestamp,
    ) -> Result<Receivables, MoneyError> {
        let ends = || runs.iter().filter_map(|run| run.end.as_ref());
        let none = Charges::default();
        let charges = ends().try_fold(none, |sum, end| sum.plus(&end.figures.charges))?;
        let charged = Fen::sum(ends().map(|end| end.tally.charged_fen))?;
        let oldest = runs.last().filter(|run| run.number > 1);
        let oldest = oldest.and_then(|run| calendar.day_of(run.begun_at_s).ok());
        let is_whole = |month: BillingMonth| oldest.is_none_or(|day| day <= month.first_day());
        let mut months = charges
            .months()
            .map(|(month, charges)| MonthRevenue::of(month, is_whole(month), charges))
            .collect::<Result<Vec<_>, _>>()?;
        months.reverse();
        months.truncate(MONTHS_MAX);
        let newest = runs.iter().find(|run| run.end.is_some());
        Ok(Receivables {
            as_of_s: now,
            ageing: runs.iter().find_map(Ageing::of),
            months,
            charged_through: newest.and_then(|run| calendar.yesterday(run.begun_at_s).ok()),
            unsorted_fen: charged.minus(charges.sum_fen()?)?,
            unreadable: Vec::new(),
        })
    }
}

impl Ageing {
    fn of(run: &SettlementRun) -> Option<Ageing> {
        let end = run.end.as_ref()?;
        let sums = end.figures.accounts.as_ref()?;
        let row = |age: Age| {
            let owed = sums.ages.get(&age).copied().unwrap_or_default().into();
            AgeRow { overdue: age.into(), owed }
        };
        // What nobody can date is not listed where all is dated.
        let is_listed = |age: &Age| *age != Age::Undated || !sums.is_dated();
        Some(Ageing {
            run: run.number,
            as_of_s: end.ended_at_s,
            ages: Age::ALL.into_iter().filter(is_listed).map(row).collect(),
            owed: sums.owed.into(),
            unreadable: end.tally.unreadable,
        })
    }
}

impl From<Age> for Overdue {
    fn from(age: Age) -> Overdue {
        match age {
            Age::NotDue => Overdue::NotDue,
            Age::ToOneWeek => Overdue::ToOneWeek,
            Age::ToOneMonth => Overdue::ToOneMonth,
            Age::ToThreeMonths => Overdue::ToThreeMonths,
            Age::Older => Overdue::Older,
            Age::Undated => Overdue::Undated,
        }
    }
}

impl MonthRevenue {
    fn of(
        month: BillingMonth,
        is_whole: bool,
        charges: &steelyard_billing::MonthCharges,
    ) -> Result<MonthRevenue, MoneyError> {
        let mut plans: BTreeMap<&Name, Vec<RateRevenue>> = BTreeMap::new();
        for (plan, rates) in &charges.rates {
            let rate = |(rate, amount): (&Name, &Fen)| RateRevenue {
                rate: rate.clone(),
                charged_fen: *amount,
            };
            plans.insert(plan, rates.iter().map(rate).collect());
        }
        for plan in charges.plans.keys() {
            plans.entry(plan).or_default();
        }
        let plans = plans.into_iter().map(|(plan, rates)| {
            let on_top_fen = charges.plans.get(plan).copied().unwrap_or_default();
            let of_rates = Fen::sum(rates.iter().map(|rate| rate.charged_fen))?;
            let charged_fen = of_rates.plus(on_top_fen)?;
            Ok(PlanRevenue { plan: plan.clone(), rates, on_top_fen, charged_fen })
        });
        Ok(MonthRevenue {
            month,
            is_whole,
            plans: plans.collect::<Result<_, MoneyError>>()?,
            adjustments_fen: charges.adjustments_fen,
            other_fen: charges.other_fen,
            charged_fen: charges.sum_fen()?,
        })
    }
}
