//! Settlement: what a provider's counted usage makes due. Pure: the next statement, with the
//! account and the debit that follow from it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use steelyard_pricing::{
    BillingDay, BillingMonth, Catalog, ChargeError, DayCharge, Metered, MoneyError, MonthUsage,
    Name, Segment, TermsError, TermsRef, Usage, UsageError, charge, segments,
};
use thiserror::Error;

use crate::account::{Account, AccountError, MonthProgress, Movement};
use crate::statement::{LateDay, Statement, StatementId};
use crate::{CalendarError, DebitRules, Provider, ProviderId};

/// What was counted, by billing day.
pub type CountedDays = BTreeMap<BillingDay, Usage>;

/// How long after the beginning of the run that closed a month for a provider a report of the month may
/// still be counted: a run over all providers may take hours until it stores the close, and ingest may
/// know the provider from before for some minutes more. The run of the next night is after it.
const COUNTING_WAIT: SignedDuration = SignedDuration::from_hours(12);

/// The close of a provider's months, as it is stored: from then on ingest refuses their usage,
/// whatever the configuration says.
///
/// A month is closed before its last settlement reads it, so that nothing can be counted and not
/// charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonthClose {
    /// The last closed month.
    pub through: BillingMonth,
    /// When the run began that stored the close, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub closed_at_s: Timestamp,
}

impl MonthClose {
    /// The close that is to be stored now; none if all months that are over by the calendar are
    /// closed.
    #[must_use]
    pub fn due(
        provider: &Provider,
        stored: Option<MonthClose>,
        rules: &DebitRules,
        now: Timestamp,
    ) -> Option<MonthClose> {
        let mut month = rules.calendar.day_of(now).ok()?.month();
        while month >= provider.billed_from && rules.calendar.is_open(month, now) {
            month = month.previous();
        }
        let is_news = month >= provider.billed_from && stored.is_none_or(|s| s.through < month);
        is_news.then_some(MonthClose { through: month, closed_at_s: now })
    }

    /// Whether nothing can be counted for a month any more.
    fn is_final(self, month: BillingMonth, now: Timestamp) -> bool {
        month <= self.through && now >= self.closed_at_s + COUNTING_WAIT
    }
}

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
    /// The terms by which settled days were charged are not stored any more.
    #[error("{provider} was charged in {month} by {}, of which a part is gone", named(.terms))]
    TermsGone {
        /// The provider.
        provider: ProviderId,
        /// The month.
        month: BillingMonth,
        /// The terms.
        terms: TermsRef,
    },
    /// A version of a plan that the provider is on cannot be read. It may be in force.
    #[error("{provider} is on plan {plan}, whose version of {version} cannot be read")]
    PlanUnreadable {
        /// The provider.
        provider: ProviderId,
        /// The plan.
        plan: Name,
        /// The day from which the version takes effect.
        version: BillingDay,
    },
    /// Less is counted for a day than was rated.
    #[error("{day} has {now}, less than the {before} that were rated")]
    Shrunk {
        /// The day.
        day: BillingDay,
        /// What was rated.
        before: Metered,
        /// What is counted now.
        now: Metered,
    },
    /// An override does not fit the plan that is in force.
    #[error("cannot tell the terms")]
    Terms(#[from] TermsError),
    /// The day has more supplements than can be numbered.
    #[error("{0} has too many supplements")]
    Supplements(BillingDay),
    /// The charge cannot be computed.
    #[error("cannot rate the month")]
    Charge(#[from] ChargeError),
    /// Counts contradict what was rated.
    #[error("the reports contradict what was rated before")]
    Count(#[from] UsageError),
    /// The account does not allow the charge.
    #[error("cannot charge the account")]
    Account(#[from] AccountError),
    /// An amount leaves its range.
    #[error("cannot compute what is to be collected")]
    Money(#[from] MoneyError),
    /// The time is outside the calendar.
    #[error("cannot tell the day")]
    Calendar(#[from] CalendarError),
}

/// What of a month is to be charged by its next statement.
struct Due<'a> {
    id: StatementId,
    late_days: Vec<LateDay>,
    usage: MonthUsage<'a>,
}

/// The provider's next statement, or none when all usage up to yesterday has been charged.
///
/// Months and days in order: a day is settled once. Usage that comes for a settled day is charged
/// by the next statement of its month, as lines that say so: that of the next day with usage, or of
/// yesterday; and when the whole month is settled, by a supplement to its last day. What is due
/// without usage, such as a minimum, is charged with the month's last day.
///
/// Take `now` before the reports and `closed` are read: what was counted before it must be in
/// `counted`.
///
/// # Errors
///
/// [`SettlementError`] naming the provider and the cause.
pub fn next_settlement(
    provider: &Provider,
    account: &Account,
    counted: &CountedDays,
    closed: Option<MonthClose>,
    plans: &Catalog,
    rules: &DebitRules,
    now: Timestamp,
) -> Result<Option<Settlement>, SettlementError> {
    check_readable(provider, plans)?;
    let through = rules.calendar.yesterday(now)?;
    if account.settled_through.is_some_and(|settled| through < settled) {
        // The clock is behind a settlement that was made: whatever there is waits until it is not.
        return Ok(None);
    }
    let mut month = account.open_from;
    while month <= through.month() {
        if is_forgotten(account, month, counted, rules, now) {
            month = month.next();
            continue;
        }
        if let Some(due) = due_in(account, month, counted, through)? {
            let segments = segments_of(provider, account, month, plans)?;
            if is_worth_rating(account, month, &due, &segments) {
                let before = account.months.get(&month).cloned().unwrap_or_default();
                let charged = charge(&segments, &before.to_date, &due.usage)?;
                if is_worth_a_statement(&due, &charged) {
                    let parts = Parts { provider, account, before, due, charged };
                    return parts.settle(closed, rules, now).map(Some);
                }
            }
        }
        month = month.next();
    }
    Ok(None)
}

fn check_readable(provider: &Provider, plans: &Catalog) -> Result<(), SettlementError> {
    for assignment in &provider.plans {
        if let Some(version) = plans.unreadable(&assignment.plan) {
            let (provider, plan) = (provider.provider.clone(), assignment.plan.clone());
            return Err(SettlementError::PlanUnreadable { provider, plan, version });
        }
    }
    Ok(())
}

/// Whether the reports of a month that was rated have expired: all that can be charged of it was.
/// Reports that are gone before they can have expired are an error.
fn is_forgotten(
    account: &Account,
    month: BillingMonth,
    counted: &CountedDays,
    rules: &DebitRules,
    now: Timestamp,
) -> bool {
    let can_have_expired = now >= rules.calendar.kept_until(month);
    let mut counted = counted.range(month.first_day()..=month.last_day());
    can_have_expired && account.months.contains_key(&month) && counted.next().is_none()
}

/// What of one month is to be charged next.
fn due_in<'a>(
    account: &Account,
    month: BillingMonth,
    counted: &'a CountedDays,
    through: BillingDay,
) -> Result<Option<Due<'a>>, SettlementError> {
    let progress = account.months.get(&month);
    let settled = account.settled_through.filter(|day| *day >= month.first_day());
    let last = month.last_day().min(through);
    let is_settled = |day: BillingDay| settled.is_some_and(|settled| day <= settled);

    let mut usage = MonthUsage { closed: is_settled(month.last_day()), ..MonthUsage::default() };
    let mut late_days = Vec::new();
    for (day, of_day) in counted.range(month.first_day()..=last) {
        if is_settled(*day) {
            usage.settled.push((*day, of_day));
            late_days.extend(late_day(progress, *day, of_day)?);
        } else if !of_day.is_empty() && usage.own.is_empty() {
            usage.own.push((*day, of_day));
        }
    }
    check_grown(month, progress, counted)?;
    usage.late = late_days.iter().map(|late| late.day).collect();
    let id = match usage.own.first() {
        Some((day, _)) => StatementId { day: *day, supplement: 0 },
        None if !is_settled(last) && (!late_days.is_empty() || last == month.last_day()) => {
            StatementId { day: last, supplement: 0 }
        }
        None if !late_days.is_empty() && last == month.last_day() => supplement(progress, last)?,
        // Nothing new; or yesterday is settled and the month goes on: the next run charges it.
        None => return Ok(None),
    };
    usage.day = Some(id.day);
    usage.closing = id.day == month.last_day();
    Ok(Some(Due { id, late_days, usage }))
}

/// What was counted for a day since it was settled, if anything was.
fn late_day(
    progress: Option<&MonthProgress>,
    day: BillingDay,
    usage: &Usage,
) -> Result<Option<LateDay>, SettlementError> {
    let metered = usage.total()?.above(rated_on(progress, day));
    Ok((!metered.is_zero()).then_some(LateDay { day, metered }))
}

/// Counts only ever grow: a day that has less than was rated contradicts what was charged.
fn check_grown(
    month: BillingMonth,
    progress: Option<&MonthProgress>,
    counted: &CountedDays,
) -> Result<(), SettlementError> {
    let rated = progress.iter().flat_map(|progress| &progress.days);
    for (day, before) in rated.filter_map(|(number, before)| Some((month.day(*number)?, *before))) {
        let now = counted.get(&day).map_or(Ok(Metered::ZERO), Usage::total)?;
        if !now.covers(before) {
            return Err(SettlementError::Shrunk { day, before, now });
        }
    }
    Ok(())
}

fn rated_on(progress: Option<&MonthProgress>, day: BillingDay) -> Metered {
    progress
        .and_then(|progress| progress.days.get(&day.day_of_month()))
        .copied()
        .unwrap_or(Metered::ZERO)
}

fn supplement(
    progress: Option<&MonthProgress>,
    day: BillingDay,
) -> Result<StatementId, SettlementError> {
    let before = progress.map_or(0, |progress| progress.supplements);
    let supplement = before.checked_add(1).ok_or(SettlementError::Supplements(day))?;
    Ok(StatementId { day, supplement })
}

/// The parts of the month. A day that was settled keeps the terms it was settled by, whatever was
/// stored since; the days after the month's last statement have not been rated by any.
fn segments_of<'a>(
    provider: &'a Provider,
    account: &Account,
    month: BillingMonth,
    plans: &'a Catalog,
) -> Result<Vec<Segment<'a>>, SettlementError> {
    let progress = account.months.get(&month);
    let mut kept = BTreeMap::new();
    for (from, segment) in progress.iter().flat_map(|progress| &progress.to_date.segments) {
        let terms = provider.terms(&segment.terms, plans);
        let gone = || SettlementError::TermsGone {
            provider: provider.provider.clone(),
            month,
            terms: segment.terms.clone(),
        };
        kept.insert(*from, terms.ok_or_else(gone)?);
    }
    let settled = progress.and_then(|progress| progress.settled_through);
    let kept_on = |day: BillingDay| {
        let is_settled = settled.is_some_and(|settled| day <= settled);
        kept.range(..=day).next_back().filter(|_| is_settled).map(|(_, terms)| terms.clone())
    };
    let terms_on = |day: BillingDay| {
        // A day without terms has none of the days before it either.
        let now = provider.terms_on(day, plans)?;
        Some(kept_on(day).unwrap_or(now))
    };
    Ok(segments(month, terms_on)?)
}

/// Whether there can be anything to charge: usage, or something that is due without.
fn is_worth_rating(
    account: &Account,
    month: BillingMonth,
    due: &Due<'_>,
    segments: &[Segment<'_>],
) -> bool {
    !due.usage.own.is_empty()
        || !due.late_days.is_empty()
        || account.months.contains_key(&month)
        || segments.iter().any(|segment| segment.plan().is_due_without_usage())
}

/// A month that ends without anything new or due has no statement for its last day.
fn is_worth_a_statement(due: &Due<'_>, charged: &DayCharge) -> bool {
    let has_usage = !due.usage.own.is_empty() || !due.late_days.is_empty();
    has_usage || !charged.lines.is_empty()
}

/// What a settlement is made of.
struct Parts<'a> {
    provider: &'a Provider,
    account: &'a Account,
    before: MonthProgress,
    due: Due<'a>,
    charged: DayCharge,
}

impl Parts<'_> {
    fn settle(
        self,
        closed: Option<MonthClose>,
        rules: &DebitRules,
        now: Timestamp,
    ) -> Result<Settlement, SettlementError> {
        let Parts { provider, account, before, due, charged } = self;
        let charge = charged.charge_fen;
        let charging = account.charge(due.id, charge, now)?;
        let mut movement = charging.requesting(provider.mandate.as_ref(), rules, now)?;
        let statement = Statement {
            provider: provider.provider.clone(),
            statement: due.id,
            settled_at_s: now,
            segments: charged.segments,
            lines: charged.lines,
            unpriced: charged.unpriced,
            late_days: due.late_days.clone(),
            rated_yuan: charged.rated_yuan,
            rounding: charged.rounding,
            charged_before_fen: before.to_date.charged_fen,
            charge_fen: charge,
            from_prepaid_fen: account.from_prepaid(charge),
        };
        let progress = MonthProgress { to_date: charged.month, ..before };
        advance(&mut movement.account, progress, &due)?;
        forget_closed_months(&mut movement.account, closed, now);
        Ok(Settlement { statement, movement })
    }
}

/// Notes in the account what the statement settled.
fn advance(
    account: &mut Account,
    mut progress: MonthProgress,
    due: &Due<'_>,
) -> Result<(), UsageError> {
    for late in &due.late_days {
        let rated = rated_on(Some(&progress), late.day);
        progress.days.insert(late.day.day_of_month(), rated.plus(late.metered)?);
    }
    for (day, usage) in &due.usage.own {
        progress.days.insert(day.day_of_month(), usage.total()?);
    }
    progress.supplements = progress.supplements.max(due.id.supplement);
    progress.settled_through = Some(due.id.day);
    account.months.insert(due.id.day.month(), progress);
    account.settled_through = account.settled_through.max(Some(due.id.day));
    Ok(())
}

/// Drops what is known of months in which nothing can change any more: closed for usage, and all
/// of it charged.
fn forget_closed_months(account: &mut Account, closed: Option<MonthClose>, now: Timestamp) {
    let settled = account.settled_through.map(BillingDay::month);
    let over = |month: BillingMonth| {
        settled.is_some_and(|settled| month < settled)
            && closed.is_some_and(|closed| closed.is_final(month, now))
    };
    while over(account.open_from) {
        account.open_from = account.open_from.next();
    }
    let open_from = account.open_from;
    account.months.retain(|month, _| *month >= open_from);
}

/// The terms as an operator calls them.
pub(crate) fn named(terms: &TermsRef) -> String {
    let overrides = terms.overrides.iter().map(|name| format!(" with {name}"));
    format!("plan {} of {}{}", terms.plan, terms.version, overrides.collect::<String>())
}
