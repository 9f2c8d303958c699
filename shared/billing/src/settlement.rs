//! Settlement: what a provider's counted usage makes due. Pure: the next statement, with the
//! account and the debit that follow from it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use steelyard_pricing::{
    BillingDay, BillingMonth, Catalog, ChargeError, DayCharge, MoneyError, MonthUsage, Name,
    Segment, Terms, TermsError, TermsRef, UsageError, charge, segments,
};
use thiserror::Error;

use crate::account::{Account, AccountError, MonthProgress, Movement};
use crate::statement::{ChangedDay, Statement, StatementId};
use crate::{
    AdjustmentNote, CalendarError, DayCount, DebitRules, MonthCharged, Provider, ProviderId,
    UsageRead, adjustment,
};

/// A number of changes that no day has: the day is read again, whatever ingest noted of it.
const UNKNOWN: u64 = u64::MAX;

/// How many days a clock may have been ahead of which each is read again; the others are read with
/// their month.
const DAYS_AHEAD_MAX: usize = 62;

/// How long after the beginning of the run that closed a month for a provider a report of the month
/// may still be counted: a run over all providers may take hours until it stores the close, and
/// ingest may know the provider from before for some minutes more. The run of the next night is
/// after it.
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

    /// Whether a month can no longer get usage.
    pub(crate) fn is_final(self, month: BillingMonth, now: Timestamp) -> bool {
        month <= self.through && now >= self.closed_at_s + COUNTING_WAIT
    }
}

/// One statement, and everything that is stored with it in one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The statement that is put, if none of its id is stored.
    pub statement: Statement,
    /// The change of the account that the statement causes.
    pub movement: Movement,
}

/// Why a provider cannot be settled. Its usage stays counted, and is charged once the cause is
/// mended.
#[derive(Debug, Error)]
pub enum SettlementError {
    /// The terms by which settled days were charged are no longer stored.
    #[error("{provider} was charged in {month} by {}, of which a part is gone", named(.terms))]
    TermsGone {
        /// The provider that cannot be settled.
        provider: ProviderId,
        /// The month that was charged.
        month: BillingMonth,
        /// The reference that leads to nothing.
        terms: TermsRef,
    },
    /// A version of a plan that the provider is on cannot be read. It may be in force.
    #[error("{provider} is on plan {plan}, whose version of {version} cannot be read")]
    PlanUnreadable {
        /// The provider that cannot be settled.
        provider: ProviderId,
        /// The name of the unreadable plan.
        plan: Name,
        /// The day from which the version takes effect.
        version: BillingDay,
    },
    /// Less is counted of a day than was charged, and no report of it was withdrawn.
    #[error("{0} has less usage than was charged, and it was not withdrawn")]
    Shrunk(BillingDay),
    /// An override does not fit the plan that is in force.
    #[error("cannot tell the terms")]
    Terms(#[from] TermsError),
    /// The day has more supplements than can be numbered.
    #[error("{0} has too many supplements")]
    Supplements(BillingDay),
    /// The charge cannot be computed.
    #[error("cannot rate the month")]
    Charge(#[from] ChargeError),
    /// The statements contradict each other: they withdraw more than they charged.
    #[error("cannot tell what was charged of the day")]
    Charged(#[from] UsageError),
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
    changed: Vec<ChangedDay>,
    own: Option<(BillingDay, &'a DayCount)>,
    adjustments: Vec<AdjustmentNote>,
    closed: bool,
}

/// The provider's next statement, or none when all usage up to yesterday has been charged.
///
/// Months and days in order: a day is settled once. Usage that comes for a settled day, or is
/// withdrawn of one, is charged by the next statement of its month, as lines that say so: that of
/// the next day with usage, or of yesterday; and when the whole month is settled, by a supplement
/// to its last day. What is due without usage, such as a minimum, is charged with the month's last
/// day. The adjustments that wait are booked by the next statement of yesterday's month; where no
/// usage makes one, by that of yesterday.
///
/// Take `now` before the usage is read: what was counted before it must be in `usage`, except for
/// settled days whose changes the account has noted.
///
/// # Errors
///
/// [`SettlementError`] naming the provider and the cause.
pub fn next_settlement(
    provider: &Provider,
    account: &Account,
    usage: &UsageRead,
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
    let adjustments = account.adjustments_due(rules);
    let mut month = account.open_from;
    while month <= through.month() {
        if let Some(due) = due_in(account, month, (usage, &adjustments), through)? {
            let segments = segments_of(provider, account, month, plans)?;
            if is_worth_rating(account, month, &due, &segments) {
                let before = account.months.get(&month).cloned().unwrap_or_default();
                let charged = charge(&segments, &before.to_date, &due.usage())?;
                if is_worth_a_statement(&due, &charged) {
                    let parts = Parts { provider, account, before, due, charged };
                    return parts.settle(usage, rules, now).map(Some);
                }
            }
        }
        month = month.next();
    }
    Ok(None)
}

/// The account of a provider without a next statement, with what was found noted in it: settled
/// days that were read again have nothing new, and months that were read whole after they were
/// closed are charged for good. The account itself where there is no news.
///
/// # Errors
///
/// [`SettlementError`] when the time is outside the calendar, or an amount leaves its range.
pub fn nothing_due(
    account: &Account,
    usage: &UsageRead,
    rules: &DebitRules,
    now: Timestamp,
) -> Result<Account, SettlementError> {
    let mut after = account.clone();
    let Some(settled) = account.settled_through else {
        forget(&mut after, usage)?;
        return Ok(after);
    };
    let is_charged = |day: BillingDay| {
        let change = usage.rated.get(&day).map(|rated| usage.change(day, rated));
        day <= settled && change.is_none_or(|(late, void)| late.is_empty() && void.is_empty())
    };
    for day in usage.changes.keys().chain(usage.rated.keys()) {
        if *day >= account.open_from.first_day() && is_charged(*day) {
            after.note_changes(*day, usage.changes.get(day).copied());
        }
    }
    // A clock that was ahead settled days that were not over: what was added to them on their day
    // is not noted, so they are read again.
    let through = rules.calendar.yesterday(now)?;
    let ahead = std::iter::successors(Some(through.next()), |day| Some(day.next()));
    for day in ahead.take_while(|day| *day <= settled).take(DAYS_AHEAD_MAX) {
        after.note_changes(day, Some(UNKNOWN));
    }
    if usage.rated.keys().all(|day| is_charged(*day)) {
        forget(&mut after, usage)?;
    }
    Ok(after)
}

/// Drops the months of which nothing more can be charged.
fn forget(account: &mut Account, usage: &UsageRead) -> Result<(), MoneyError> {
    let Some(whole) = usage.whole_through else { return Ok(()) };
    let waits = |(day, count): (&BillingDay, &DayCount)| {
        account.settled_through.is_none_or(|settled| *day > settled) && !count.usage.is_empty()
    };
    if usage.days.range(..=whole.last_day()).any(waits) {
        return Ok(());
    }
    let open_from = account.open_from.max(whole.next());
    account.vouchers = account.vouchers_used_before(open_from)?;
    let last = account.months.range(..open_from).next_back();
    let charged =
        last.map(|(month, of)| MonthCharged { month: *month, charged_fen: of.to_date.charged_fen });
    account.alerts.month_before = charged.or(account.alerts.month_before);
    account.open_from = open_from;
    account.months.retain(|month, _| *month >= open_from);
    Ok(())
}

pub(crate) fn check_readable(provider: &Provider, plans: &Catalog) -> Result<(), SettlementError> {
    for assignment in &provider.plans {
        if let Some(version) = plans.unreadable(&assignment.plan) {
            let (provider, plan) = (provider.provider.clone(), assignment.plan.clone());
            return Err(SettlementError::PlanUnreadable { provider, plan, version });
        }
    }
    Ok(())
}

/// What of one month is to be charged next.
fn due_in<'a>(
    account: &Account,
    month: BillingMonth,
    (usage, adjustments): (&'a UsageRead, &[AdjustmentNote]),
    through: BillingDay,
) -> Result<Option<Due<'a>>, SettlementError> {
    let last = month.last_day().min(through);
    let settled = account.settled_through.filter(|day| *day >= month.first_day());
    let is_settled = |day: BillingDay| settled.is_some_and(|settled| day <= settled);

    let progress = account.months.get(&month);
    let used_before = account.vouchers_used_before(month)?;
    let is_outdated = progress.is_some_and(|of| of.to_date.is_outdated_by(&used_before));
    let changed = changed_days(usage, month)?;
    let mut days = usage.days.range(month.first_day()..=last);
    let own = days.find(|(day, count)| !is_settled(**day) && !count.usage.is_empty());
    let own = own.map(|(day, count)| (*day, count));
    // An earlier month has no statement for an adjustment alone.
    let adjustments = if month == through.month() { adjustments } else { &[] };
    let has_news = !changed.is_empty() || !adjustments.is_empty();
    let id = match own {
        Some((day, _)) => StatementId { day, supplement: 0 },
        None if !is_settled(last) && (has_news || last == month.last_day()) => {
            StatementId { day: last, supplement: 0 }
        }
        None if (has_news || is_outdated) && last == month.last_day() => {
            supplement(progress, last)?
        }
        // Nothing new; or yesterday is settled and the month goes on: the next run charges it.
        None => return Ok(None),
    };
    let (adjustments, closed) = (adjustments.to_vec(), is_settled(month.last_day()));
    Ok(Some(Due { id, changed, own, adjustments, closed }))
}

/// The settled days of a month whose usage changed since it was charged.
fn changed_days(
    usage: &UsageRead,
    month: BillingMonth,
) -> Result<Vec<ChangedDay>, SettlementError> {
    let mut changed = Vec::new();
    for (day, rated) in usage.rated.range(month.first_day()..=month.last_day()) {
        let (late, void) = usage.change(*day, rated);
        let count = usage.days.get(day);
        // What is missing without having been withdrawn is a contradiction and not a credit.
        if !void.is_empty() && count.is_none_or(|count| !count.withdrawn.covers(&void)) {
            return Err(SettlementError::Shrunk(*day));
        }
        if !late.is_empty() || !void.is_empty() {
            let reports = count.map_or(0, |count| count.reports);
            changed.push(ChangedDay { day: *day, late, void, reports });
        }
    }
    Ok(changed)
}

fn supplement(
    progress: Option<&MonthProgress>,
    day: BillingDay,
) -> Result<StatementId, SettlementError> {
    let before = progress.map_or(0, |progress| progress.supplements);
    let supplement = before.checked_add(1).ok_or(SettlementError::Supplements(day))?;
    Ok(StatementId { day, supplement })
}

/// The parts of a month by which the next settlement charges it: settled days keep the terms by
/// which they were settled, and later days have those that are known now.
///
/// # Errors
///
/// [`SettlementError`] when terms are gone, cannot be read, or do not fit together.
pub fn month_segments<'a>(
    provider: &'a Provider,
    account: &Account,
    month: BillingMonth,
    plans: &'a Catalog,
) -> Result<Vec<Segment<'a>>, SettlementError> {
    check_readable(provider, plans)?;
    segments_of(provider, account, month, plans)
}

/// The parts of the month, each with its own terms.
pub(crate) fn segments_of<'a>(
    provider: &'a Provider,
    account: &Account,
    month: BillingMonth,
    plans: &'a Catalog,
) -> Result<Vec<Segment<'a>>, SettlementError> {
    let terms = MonthTerms::of(provider, account, month, plans)?;
    let used = account.vouchers_used_before(month)?;
    let segments = segments(month, |day| terms.on(day))?.into_iter();
    let after = |segment: Segment<'a>| {
        let earlier = provider.months_before(segment.from(), &used);
        segment.after_months(earlier)
    };
    Ok(segments.map(after).collect())
}

/// The terms of the days of a month. A day that was settled keeps the terms it was settled by,
/// whatever was stored since; the days after the month's last statement have not been rated by any.
/// Of a month that is closed, what is stored now is all that is known here.
#[derive(Clone, Debug)]
pub struct MonthTerms<'a> {
    provider: &'a Provider,
    plans: &'a Catalog,
    kept: BTreeMap<BillingDay, Terms<'a>>,
    settled: Option<BillingDay>,
}

impl<'a> MonthTerms<'a> {
    /// Those of a provider.
    ///
    /// # Errors
    ///
    /// [`SettlementError::TermsGone`] when a settled day's terms are no longer stored.
    pub fn of(
        provider: &'a Provider,
        account: &Account,
        month: BillingMonth,
        plans: &'a Catalog,
    ) -> Result<MonthTerms<'a>, SettlementError> {
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
        Ok(MonthTerms { provider, plans, kept, settled })
    }

    /// What holds on a day of the month; nothing while the provider is on no plan.
    #[must_use]
    pub fn on(&self, day: BillingDay) -> Option<Terms<'a>> {
        // A day without terms has none of the days before it either.
        let now = self.provider.terms_on(day, self.plans)?;
        let is_settled = self.settled.is_some_and(|settled| day <= settled);
        let kept = self.kept.range(..=day).next_back().filter(|_| is_settled);
        Some(kept.map_or(now, |(_, terms)| terms.clone()))
    }

    /// The days on which settled terms begin, and the first day that is not settled.
    pub fn changes(&self) -> impl Iterator<Item = BillingDay> + '_ {
        self.kept.keys().copied().chain(self.settled.map(BillingDay::next))
    }
}

/// Whether there can be anything to charge: usage, or something that is due without.
fn is_worth_rating(
    account: &Account,
    month: BillingMonth,
    due: &Due<'_>,
    segments: &[Segment<'_>],
) -> bool {
    due.has_news()
        || account.months.contains_key(&month)
        || segments.iter().any(|segment| segment.plan().is_due_without_usage())
}

/// A month that ends without anything new or due has no statement for its last day.
fn is_worth_a_statement(due: &Due<'_>, charged: &DayCharge) -> bool {
    due.has_news() || !charged.lines.is_empty()
}

impl Due<'_> {
    fn has_news(&self) -> bool {
        self.own.is_some() || !self.changed.is_empty() || !self.adjustments.is_empty()
    }

    fn usage(&self) -> MonthUsage<'_> {
        MonthUsage {
            late: self.changed.iter().map(|changed| (changed.day, &changed.late)).collect(),
            void: self.changed.iter().map(|changed| (changed.day, &changed.void)).collect(),
            own: self.own.iter().map(|(day, count)| (*day, &count.usage)).collect(),
            day: Some(self.id.day),
            closed: self.closed,
            closing: self.id.day == self.id.day.month().last_day(),
        }
    }
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
        usage: &UsageRead,
        rules: &DebitRules,
        now: Timestamp,
    ) -> Result<Settlement, SettlementError> {
        let Parts { provider, account, before, due, charged } = self;
        let adjustments = due.adjustments;
        let charge = charged.charge_fen.plus(adjustment::sum(&adjustments)?)?;
        let charging = account.charge(due.id, charge, now)?;
        let mut movement = charging.requesting(provider.mandate.as_ref(), rules, now)?;
        let statement = Statement {
            provider: provider.provider.clone(),
            statement: due.id,
            settled_at_s: now,
            segments: charged.segments,
            lines: charged.lines,
            unpriced: charged.unpriced,
            reports: due.own.map_or(0, |(_, count)| count.reports),
            changed_days: due.changed,
            adjustments,
            rated_yuan: charged.rated_yuan,
            rounding: charged.rounding,
            tax_fen: charged.tax_fen,
            charged_before_fen: before.to_date.charged_fen,
            charge_fen: charge,
            from_prepaid_fen: account.from_prepaid(charge),
            entry: movement.entry.as_ref().map(|entry| entry.record().number),
            last_debit: movement.account.debits,
        };
        movement.account.adjustments.retain(|note| !statement.adjustments.contains(note));
        let progress = MonthProgress { to_date: charged.month, ..before };
        advance(&mut movement.account, progress, due.id, usage);
        Ok(Settlement { statement, movement })
    }
}

/// Notes in the account what the statement settled.
fn advance(account: &mut Account, mut progress: MonthProgress, id: StatementId, usage: &UsageRead) {
    let month = id.day.month();
    progress.supplements = progress.supplements.max(id.supplement);
    progress.settled_through = Some(id.day);
    if let Some(names) = usage.names.get(&month) {
        progress.names = names.clone();
    }
    account.months.insert(month, progress);
    account.settled_through = account.settled_through.max(Some(id.day));
    let days = month.first_day()..=id.day;
    let rated = usage.rated.range(days.clone()).map(|(day, _)| day);
    for day in usage.changes.range(days).map(|(day, _)| day).chain(rated) {
        account.note_changes(*day, usage.changes.get(day).copied());
    }
}

/// The terms as an operator calls them.
pub(crate) fn named(terms: &TermsRef) -> String {
    let overrides = terms.overrides.iter().map(|name| format!(" with {name}"));
    format!("plan {} of {}{}", terms.plan, terms.version, overrides.collect::<String>())
}
