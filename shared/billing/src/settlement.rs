//! Settlement: what a provider's counted usage makes due. Pure: the next statement, with the
//! account and the debit that follow from it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use steelyard_pricing::{
    BillingDay, BillingMonth, Calls, Catalog, ChargeError, MonthToDate, Plan, Usage, UsageError,
    charge,
};
use thiserror::Error;

use crate::account::{Account, AccountError, MonthProgress, Movement};
use crate::statement::{LateDay, Statement, StatementId};
use crate::{CalendarError, DebitTerms, Provider, ProviderId};

/// The calls that were counted, by billing day.
pub type CountedDays = BTreeMap<BillingDay, Usage>;

/// A report taken in just before its month closed is in the counters this long after at the latest.
const COUNTING_WAIT: SignedDuration = SignedDuration::from_mins(15);

/// One statement, and everything that is stored with it in one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The statement.
    pub statement: Statement,
    /// What it does to the account.
    pub movement: Movement,
}

/// Why a provider cannot be settled. Its usage stays counted, and is charged once the cause is
/// mended.
#[derive(Debug, Error)]
pub enum SettlementError {
    /// The provider is on no plan that is in force in the month.
    #[error("{provider} is on no plan in {month}")]
    NoPlan {
        /// The provider.
        provider: ProviderId,
        /// The month.
        month: BillingMonth,
    },
    /// The version of the plan under which the month was charged is not stored any more.
    #[error("{provider} was charged in {month} under {plan}, which is gone")]
    PlanGone {
        /// The provider.
        provider: ProviderId,
        /// The month.
        month: BillingMonth,
        /// The plan and its version.
        plan: String,
    },
    /// The day has more supplements than can be numbered.
    #[error("{0} has too many supplements")]
    Supplements(BillingDay),
    /// The charge cannot be computed.
    #[error("cannot rate the month")]
    Charge(#[from] ChargeError),
    /// Counts contradict what was rated.
    #[error("the counters contradict what was rated before")]
    Count(#[from] UsageError),
    /// The money cannot move so.
    #[error("cannot charge the account")]
    Account(#[from] AccountError),
    /// The time is outside the calendar.
    #[error("cannot tell the day")]
    Calendar(#[from] CalendarError),
}

/// What of a month is to be charged by its next statement.
struct Due {
    id: StatementId,
    late: Usage,
    late_days: Vec<LateDay>,
    own: Usage,
}

/// The provider's next statement, or none when all usage up to yesterday has been charged.
///
/// Months and days in order: a day is settled once. Usage that comes for a settled day is charged
/// by the next statement of its month, as lines that say so: that of the next day with usage, or of
/// yesterday; and when the whole month is settled, by a supplement to its last day.
///
/// Take `now` before the counters are read: what was counted before it must be in `counted`.
///
/// # Errors
///
/// [`SettlementError`] naming the provider and the cause.
pub fn next_settlement(
    provider: &Provider,
    account: &Account,
    counted: &CountedDays,
    plans: &Catalog,
    terms: &DebitTerms,
    now: Timestamp,
) -> Result<Option<Settlement>, SettlementError> {
    let through = terms.calendar.yesterday(now)?;
    if account.settled_through.is_some_and(|settled| through < settled) {
        // The clock is behind a settlement that was made: whatever there is waits until it is not.
        return Ok(None);
    }
    let mut month = account.open_from;
    while month <= through.month() {
        if let Some(due) = due_in(account, month, counted, through)? {
            return settle(provider, account, month, due, plans, terms, now).map(Some);
        }
        month = month.next();
    }
    Ok(None)
}

/// What of one month is to be charged next.
fn due_in(
    account: &Account,
    month: BillingMonth,
    counted: &CountedDays,
    through: BillingDay,
) -> Result<Option<Due>, SettlementError> {
    let progress = account.months.get(&month);
    let settled = account.settled_through.filter(|day| *day >= month.first_day());
    let last = month.last_day().min(through);
    let is_settled = |day: BillingDay| settled.is_some_and(|settled| day <= settled);

    let mut settled_usage = Usage::new();
    let mut late_days = Vec::new();
    let mut own = None;
    for (day, usage) in counted.range(month.first_day()..=last) {
        if is_settled(*day) {
            settled_usage = settled_usage.plus(usage)?;
            let calls = usage.calls()?.above(rated_calls(progress, *day));
            if !calls.is_zero() {
                late_days.push(LateDay { day: *day, calls });
            }
        } else if !usage.is_empty() && own.is_none() {
            own = Some((*day, usage.clone()));
        }
    }
    let late = match progress {
        Some(progress) => settled_usage.since(&progress.to_date.rated)?,
        None => settled_usage,
    };
    let (id, own) = match own {
        Some((day, usage)) => (StatementId { day, supplement: 0 }, usage),
        None if late.is_empty() => return Ok(None),
        None if !is_settled(last) => (StatementId { day: last, supplement: 0 }, Usage::new()),
        None if last == month.last_day() => (supplement(progress, last)?, Usage::new()),
        // Yesterday is settled and the month goes on: the next run charges it.
        None => return Ok(None),
    };
    Ok(Some(Due { id, late, late_days, own }))
}

fn rated_calls(progress: Option<&MonthProgress>, day: BillingDay) -> Calls {
    progress.and_then(|progress| progress.days.get(&day)).copied().unwrap_or(Calls::ZERO)
}

fn supplement(
    progress: Option<&MonthProgress>,
    day: BillingDay,
) -> Result<StatementId, SettlementError> {
    let before = progress.map_or(0, |progress| progress.supplements);
    let supplement = before.checked_add(1).ok_or(SettlementError::Supplements(day))?;
    Ok(StatementId { day, supplement })
}

fn settle(
    provider: &Provider,
    account: &Account,
    month: BillingMonth,
    due: Due,
    plans: &Catalog,
    terms: &DebitTerms,
    now: Timestamp,
) -> Result<Settlement, SettlementError> {
    let plan = plan_of(provider, account, month, plans)?;
    let before =
        account.months.get(&month).map(|progress| progress.to_date.clone()).unwrap_or_default();
    let charged = charge(plan, &before, &due.late, &due.own)?;
    let mut movement =
        account.charge(due.id, charged.charge_fen, provider.mandate.as_ref(), terms, now)?;
    let statement = Statement {
        provider: provider.provider.clone(),
        statement: due.id,
        settled_at_s: now,
        plan: plan.name().clone(),
        plan_version: plan.effective_from(),
        lines: charged.lines,
        unpriced: charged.unpriced,
        late_days: due.late_days.clone(),
        rated_yuan: charged.rated_yuan,
        charged_before_fen: before.charged_fen,
        charge_fen: charged.charge_fen,
        from_prepaid_fen: account.from_prepaid(charged.charge_fen),
    };
    advance(&mut movement.account, plan, month, due, charged.month)?;
    forget_closed_months(&mut movement.account, terms, now);
    Ok(Settlement { statement, movement })
}

/// The plan that rates the month; a month that has been charged keeps its plan.
fn plan_of<'a>(
    provider: &Provider,
    account: &Account,
    month: BillingMonth,
    plans: &'a Catalog,
) -> Result<&'a Plan, SettlementError> {
    let id = || provider.provider.clone();
    match account.months.get(&month) {
        Some(charged) => plans.version(&charged.plan, charged.plan_version).ok_or_else(|| {
            let plan = format!("{} of {}", charged.plan, charged.plan_version);
            SettlementError::PlanGone { provider: id(), month, plan }
        }),
        None => provider
            .plan_of(month, plans)
            .ok_or_else(|| SettlementError::NoPlan { provider: id(), month }),
    }
}

/// Notes in the account what the statement settled.
fn advance(
    account: &mut Account,
    plan: &Plan,
    month: BillingMonth,
    due: Due,
    to_date: MonthToDate,
) -> Result<(), UsageError> {
    let progress = account.months.entry(month).or_insert_with(|| MonthProgress {
        plan: plan.name().clone(),
        plan_version: plan.effective_from(),
        to_date: MonthToDate::default(),
        days: BTreeMap::new(),
        supplements: 0,
    });
    progress.to_date = to_date;
    for late in &due.late_days {
        let rated = rated_calls(Some(progress), late.day);
        progress.days.insert(late.day, rated.plus(late.calls)?);
    }
    if !due.own.is_empty() {
        progress.days.insert(due.id.day, due.own.calls()?);
    }
    progress.supplements = progress.supplements.max(due.id.supplement);
    account.settled_through = account.settled_through.max(Some(due.id.day));
    Ok(())
}

/// Drops what is known of months in which nothing can change any more: closed for usage, and all
/// of it charged.
fn forget_closed_months(account: &mut Account, terms: &DebitTerms, now: Timestamp) {
    let settled = account.settled_through.map(BillingDay::month);
    let over = |month: BillingMonth| {
        settled.is_some_and(|settled| month < settled)
            && now >= terms.calendar.closes_at(month) + COUNTING_WAIT
    };
    while over(account.open_from) {
        account.open_from = account.open_from.next();
    }
    let open_from = account.open_from;
    account.months.retain(|month, _| *month >= open_from);
}
