//! The figures that are watched, as an account and its month have them.

use serde::{Deserialize, Serialize};
use steelyard_pricing::{
    AlertRules, AllowanceUsed, BillingDay, BillingMonth, Calls, Catalog, Fen, MonthToDate,
    Progress, Segment, Usage, UsageError, charged_at_month_end,
};

use crate::settlement::segments_of;
use crate::{Account, CountedDays, Provider, SettlementError};

/// How many days of the terms of today are settled before their average shows what days ahead may
/// cost.
const PACE_DAYS_MIN: u32 = 7;

/// A month before that was charged less than this, ¥10.00, is no budget.
const BUDGET_LEAST: Fen = Fen::new(1_000);

/// How many weeks a day is compared with, and how many of them there must be.
const WEEKS: usize = 4;
const WEEKS_MIN: usize = 2;

/// The figures of a provider, as far as its rules need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertFigures {
    /// The last day whose usage is in the figures.
    pub through: BillingDay,
    /// Whether that day is over, and settled.
    pub is_settled: bool,
    /// What the month before was charged; none if that is not known.
    pub month_before_fen: Option<Fen>,
    /// What the usage of the month costs so far, with what is charged at its end. Credit and debit
    /// notes are not in it.
    pub month_fen: Fen,
    /// What the month costs if its days go on as they were on average; none while that is not
    /// known.
    pub forecast_fen: Option<Fen>,
    /// The prepaid balance, less what the usage so far costs.
    pub prepaid_fen: Fen,
    /// For how many days that lasts; none while that is not known, or if it is never used.
    pub lasts_days: Option<u32>,
    /// The allowances of today's terms.
    pub allowances: Vec<AllowanceUsed>,
    /// The calls of the day, where they can be compared.
    pub day: Option<DayCalls>,
}

/// The calls of a day, beside those that the same weekday usually has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayCalls {
    /// Those of the day.
    pub calls: Calls,
    /// The middle of those of the same weekday in the four weeks before.
    pub usual: Calls,
}

/// What a month was charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MonthCharged {
    /// The billing month that was charged.
    pub month: BillingMonth,
    /// The sum that its statements charged for usage, in fen.
    pub charged_fen: Fen,
}

/// A month, as far as it is rated.
struct Month<'a> {
    segments: Vec<Segment<'a>>,
    to_date: MonthToDate,
    through: BillingDay,
}

impl AlertFigures {
    /// Those of an account of which everything through a day is settled.
    ///
    /// # Errors
    ///
    /// [`SettlementError`] when the month cannot be rated.
    pub fn settled(
        provider: &Provider,
        account: &Account,
        (plans, rules): (&Catalog, &AlertRules),
        through: BillingDay,
    ) -> Result<AlertFigures, SettlementError> {
        let (mut figures, month) = so_far(provider, account, (plans, rules), through)?;
        let watches_forecast =
            rules.budget.as_ref().is_some_and(|rule| rule.forecast_percent.is_some());
        let watches_days = rules.balance.as_ref().is_some_and(|rule| rule.days.is_some());
        figures.is_settled = true;
        if watches_forecast || watches_days {
            let ahead = month.ahead()?;
            let forecast = ahead.map(|ahead| figures.month_fen.plus(ahead)).transpose()?;
            figures.forecast_fen = forecast;
            figures.lasts_days = lasts(&figures, ahead);
        }
        Ok(figures)
    }

    /// Those of an account as the coming night would leave it, with usage of a day that is not
    /// over. What days are expected to cost is known when they are over.
    ///
    /// # Errors
    ///
    /// [`SettlementError`] when the month cannot be rated.
    pub fn live(
        provider: &Provider,
        account: &Account,
        (plans, rules): (&Catalog, &AlertRules),
        today: BillingDay,
    ) -> Result<AlertFigures, SettlementError> {
        Ok(so_far(provider, account, (plans, rules), today)?.0)
    }
}

impl AlertFigures {
    /// The budget of the month by some rules: the amount that they give, or what the month before
    /// was charged; none if that is less than ¥10.00.
    #[must_use]
    pub fn budget(&self, rules: &AlertRules) -> Option<Fen> {
        let given = rules.budget.as_ref()?.monthly_fen;
        given.or(self.month_before_fen.filter(|before| *before >= BUDGET_LEAST))
    }
}

fn so_far<'a>(
    provider: &'a Provider,
    account: &Account,
    (plans, rules): (&'a Catalog, &AlertRules),
    through: BillingDay,
) -> Result<(AlertFigures, Month<'a>), SettlementError> {
    let of = through.month();
    let segments = segments_of(provider, account, of, plans)?;
    let to_date = account.months.get(&of).map(|progress| progress.to_date.clone());
    let month = Month { segments, to_date: to_date.unwrap_or_default(), through };
    let charged = month.to_date.charged_fen;
    let allowances = match rules.allowance_percent.is_empty() {
        true => Vec::new(),
        false => month.allowances()?,
    };
    let figures = AlertFigures {
        through,
        is_settled: false,
        month_before_fen: account.charged_before(of),
        month_fen: charged.plus(charged_at_month_end(&month.segments, &month.to_date)?)?,
        forecast_fen: None,
        prepaid_fen: account.figures.prepaid(),
        lasts_days: None,
        allowances,
        day: None,
    };
    Ok((figures, month))
}

/// For how many days the prepaid balance lasts: at the pace of the month; or of the month before,
/// as long as that of this one is not known, and on its last day.
fn lasts(figures: &AlertFigures, ahead: Option<Fen>) -> Option<u32> {
    let left = days_left(figures.through);
    let paced = ahead.filter(|_| left > 0).map(|ahead| (ahead, left));
    let before = figures.through.month().previous().last_day();
    let earlier = || {
        figures
            .month_before_fen
            .map(|charged| (charged, u32::from(before.day_of_month().unsigned_abs())))
    };
    let (cost, days) = paced.or_else(earlier)?;
    let cost = u64::try_from(cost.get()).ok().filter(|cost| *cost > 0)?;
    let prepaid = u64::try_from(figures.prepaid_fen.get()).ok()?;
    let lasts = u128::from(prepaid) * u128::from(days) / u128::from(cost);
    Some(u32::try_from(lasts).unwrap_or(u32::MAX))
}

/// The days of the month after a day.
fn days_left(day: BillingDay) -> u32 {
    let last = day.month().last_day().day_of_month();
    (last - day.day_of_month()).unsigned_abs().into()
}

impl Month<'_> {
    fn progress(&self) -> Result<Option<Progress<'_>>, SettlementError> {
        Ok(Progress::on(self.through, &self.segments, &self.to_date)?)
    }

    fn allowances(&self) -> Result<Vec<AllowanceUsed>, SettlementError> {
        let progress = self.progress()?;
        Ok(progress.map(|progress| progress.allowances(&self.to_date)).unwrap_or_default())
    }

    /// What the rest of the month costs if it goes on by today's terms as they were used so far.
    fn ahead(&self) -> Result<Option<Fen>, SettlementError> {
        let Some(progress) = self.progress()? else { return Ok(None) };
        let Some(from) = progress.segment().map(Segment::from) else { return Ok(None) };
        let days = u32::try_from(from.days_until(self.through.next())).unwrap_or_default();
        if days < PACE_DAYS_MIN {
            return Ok(None);
        }
        let ahead = progress.price_of_days(self.through.next(), days_left(self.through), days)?;
        let rounding = self.to_date.rounding.unwrap_or_default();
        Ok(Some(ahead.to_fen_rounded(rounding)?))
    }
}

impl DayCalls {
    /// Those of a day, beside the days before it whose usage `days` has. None if there are
    /// too few of the same weekday.
    ///
    /// # Errors
    ///
    /// [`UsageError`] when calls cannot be summed.
    pub fn of(
        day: BillingDay,
        usage: &Usage,
        days: &CountedDays,
    ) -> Result<Option<DayCalls>, UsageError> {
        let week_before = |day: &BillingDay| Some((0..7).fold(*day, |day, _| day.previous()));
        let weeks = std::iter::successors(week_before(&day), week_before).take(WEEKS);
        let calls = weeks.filter_map(|day| days.get(&day)).map(|usage| Ok(usage.total()?.calls));
        let mut calls = calls.collect::<Result<Vec<_>, UsageError>>()?;
        calls.sort_unstable();
        let usual = calls.get(calls.len() / 2).copied().filter(|_| calls.len() >= WEEKS_MIN);
        let of_day = usage.total()?.calls;
        Ok(usual.map(|usual| DayCalls { calls: of_day, usual }))
    }
}
