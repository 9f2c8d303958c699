//! What the terms of a provider want of it as a deposit: announced before it is due. Pure.
//!
//! The run of each night announces what the terms want, now and later: a higher amount is due a
//! number of days after its announcement, or after the first day on which it is wanted if that is
//! later. A lower amount holds from its first day on.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use steelyard_pricing::{BillingDay, Catalog, Deposit, Fen, MoneyError, Plan};

use crate::journal::{Entry, Ledger};
use crate::{Account, DebitRules, Movement, Provider, SettlementError, is_zero};

/// What a provider was notified of about its deposit, and what its terms say of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DepositNote {
    /// The amounts that were announced, by the first day on which each is wanted; each is higher
    /// than those before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub demands: Vec<DepositDemand>,
    /// What was drawn and is to be topped up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_up: Option<DepositTopUp>,
    /// How many days the provider has to top it up after it was drawn.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub top_up_after_days: u16,
    /// Whether the run draws from it what debits gave up.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub drawn_by_rule: bool,
}

/// An amount that the terms want to be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DepositDemand {
    /// The first day on which it is wanted.
    pub from: BillingDay,
    /// The deposit that is wanted, in fen.
    pub amount_fen: Fen,
    /// The day on which it was announced.
    pub announced_on: BillingDay,
    /// The last day on which it can be paid in time.
    pub due_on: BillingDay,
}

/// A part that was drawn from a deposit, and is to be paid again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DepositTopUp {
    /// What was drawn and not paid in again since.
    pub drawn_fen: Fen,
    /// The last day on which it can be paid in time.
    pub due_on: BillingDay,
}

/// A provider's deposit on a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DepositState {
    /// The deposit that the account holds, in fen.
    pub held_fen: Fen,
    /// The deposit that the terms demand, in fen.
    pub required_fen: Fen,
    /// The part of it that is missing, in fen.
    pub shortfall_fen: Fen,
    /// The part beyond it, in fen.
    pub excess_fen: Fen,
    /// The last day on which what is missing can be paid in time; none if nothing is.
    pub due_on: Option<BillingDay>,
    /// Whether that day is over.
    pub is_overdue: bool,
    /// The next higher amount that was announced.
    pub next: Option<DepositDemand>,
}

/// The most amounts of later days that are announced at once.
const LATER_MAX: usize = 10;

/// What the terms of a provider want as its deposit: on a day, and from each later day on which
/// that changes, as far as is known. Nothing is wanted where no deposit is named.
#[must_use]
pub fn deposits_wanted(
    provider: &Provider,
    plans: &Catalog,
    today: BillingDay,
) -> Vec<(BillingDay, Option<Deposit>)> {
    let assigned = provider.plans.iter().map(|assignment| assignment.from);
    let versions = plans.iter().map(Plan::effective_from);
    let overrides = provider.overrides.iter().flat_map(|over| [Some(over.from), over.until]);
    let mut days = assigned.chain(versions).chain(overrides.flatten()).collect::<Vec<_>>();
    days.retain(|day| *day > today);
    days.push(today);
    days.sort_unstable();
    let wanted = |day| provider.terms_on(day, plans).and_then(|terms| terms.deposit().cloned());
    let mut all = days.into_iter().map(|day| (day, wanted(day))).collect::<Vec<_>>();
    all.dedup_by(|later, earlier| later.1 == earlier.1);
    all.truncate(LATER_MAX + 1);
    all
}

/// The account after a run noted what the terms of its provider want as its deposit.
///
/// # Errors
///
/// [`SettlementError`] when the time is outside the calendar, or an amount leaves its range.
pub fn deposit_noted(
    account: Account,
    provider: &Provider,
    plans: &Catalog,
    rules: &DebitRules,
    now: Timestamp,
) -> Result<Account, SettlementError> {
    let today = rules.calendar.day_of(now)?;
    let deposit = account.deposit.announced(&deposits_wanted(provider, plans, today), today)?;
    Ok(Account { deposit, ..account })
}

/// What a run does about what is owed: it pays from the deposit what debits gave up, if the
/// deposit's terms say so, and opens a debit for what is left, if one is to be opened. None if it
/// does neither.
///
/// # Errors
///
/// [`SettlementError`] when the time is outside the calendar, or an amount leaves its range.
pub fn collecting(
    account: &Account,
    provider: &Provider,
    rules: &DebitRules,
    now: Timestamp,
) -> Result<Option<Movement>, SettlementError> {
    let (today, mandate) = (rules.calendar.day_of(now)?, provider.mandate.as_ref());
    match account.draw_given_up(today, now)? {
        Some(drawn) => Ok(Some(drawn.requesting(mandate, rules, now)?)),
        None => Ok(account.requesting(mandate, rules, now)?),
    }
}

impl DepositNote {
    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == DepositNote::default()
    }

    /// The note after the run of a day announced what [`deposits_wanted`] says. What was announced
    /// keeps its due day.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when an amount leaves its range.
    pub fn announced(
        &self,
        wanted: &[(BillingDay, Option<Deposit>)],
        today: BillingDay,
    ) -> Result<DepositNote, MoneyError> {
        let now = wanted.first().and_then(|(_, deposit)| deposit.as_ref());
        let amount_now = amount(now)?;
        let mut demands = self.begun(amount_now, today);
        for (day, deposit) in wanted {
            let (amount_fen, days) = (amount(deposit.as_ref())?, days_of(deposit.as_ref()));
            let highest = demands.last().map_or(Fen::ZERO, |demand| demand.amount_fen);
            if amount_fen <= highest {
                continue;
            }
            let is_it = |of: &&DepositDemand| of.from == *day && of.amount_fen == amount_fen;
            let due_on = after(*day.max(&today), days);
            let new = DepositDemand { from: *day, amount_fen, announced_on: today, due_on };
            demands.push(self.demands.iter().find(is_it).copied().unwrap_or(new));
        }
        Ok(DepositNote {
            demands,
            top_up: self.top_up.filter(|_| amount_now.is_positive()),
            top_up_after_days: now.map_or(0, Deposit::top_up_days),
            drawn_by_rule: now.is_some_and(|deposit| deposit.drawn_by_rule),
        })
    }

    /// The announced amounts that are wanted by now, none higher than what is wanted now.
    fn begun(&self, most: Fen, today: BillingDay) -> Vec<DepositDemand> {
        let mut begun = Vec::<DepositDemand>::new();
        for demand in self.demands.iter().filter(|demand| demand.from <= today) {
            let amount_fen = demand.amount_fen.min(most);
            if begun.last().map_or(Fen::ZERO, |last| last.amount_fen) < amount_fen {
                begun.push(DepositDemand { amount_fen, ..*demand });
            }
        }
        begun
    }

    /// The note after money of the deposit moved: what is paid in tops up what was drawn, and once
    /// the deposit is whole, nothing is to be topped up.
    pub(crate) fn after(&self, entry: &Entry, held: Fen) -> Result<DepositNote, MoneyError> {
        let came_in = entry.moved(Ledger::Deposit)?.negated()?.max(Fen::ZERO);
        let highest = self.demands.iter().map(|demand| demand.amount_fen).max();
        let is_whole = came_in.is_positive() && highest.is_none_or(|highest| held >= highest);
        // A return that Alipay refused brings back what was not drawn.
        let paid = if entry.record().cause.pays_deposit() { came_in } else { Fen::ZERO };
        let left = |top_up: DepositTopUp| top_up.without(paid);
        let top_up = self.top_up.filter(|_| !is_whole).map(left).transpose()?.flatten();
        Ok(DepositNote { top_up, ..self.clone() })
    }

    /// The note after the deposit was drawn.
    pub(crate) fn drawn(&self, amount: Fen, today: BillingDay) -> Result<DepositNote, MoneyError> {
        let before = self.top_up.map_or(Fen::ZERO, |top_up| top_up.drawn_fen);
        let due_on = after(today, self.top_up_after_days);
        let top_up = Some(DepositTopUp { drawn_fen: before.plus(amount)?, due_on });
        Ok(DepositNote { top_up, ..self.clone() })
    }

    /// The deposit on a day, of which so much is held.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when an amount leaves its range.
    pub fn state(&self, held_fen: Fen, today: BillingDay) -> Result<DepositState, MoneyError> {
        let begun = self.demands.iter().filter(|demand| demand.from <= today);
        let required_fen = begun.clone().map(|of| of.amount_fen).max().unwrap_or_default();
        let shortfall_fen = required_fen.minus(held_fen)?.max(Fen::ZERO);
        let drawn = self.top_up.map_or(Fen::ZERO, |top_up| top_up.drawn_fen);
        let before_draws = held_fen.plus(drawn)?;
        // What was missing before the draws keeps its day, and what was drawn has its own: the
        // earlier counts.
        let missing = begun.clone().find(|of| of.amount_fen > before_draws).map(|of| of.due_on);
        let drawn_from = begun.clone().find(|of| of.amount_fen > held_fen).zip(self.top_up);
        let drawn = drawn_from.map(|(of, top_up)| top_up.due_on.max(of.due_on));
        let due_on = missing.into_iter().chain(drawn).min();
        Ok(DepositState {
            held_fen,
            required_fen,
            shortfall_fen,
            excess_fen: held_fen.minus(required_fen)?.max(Fen::ZERO),
            due_on,
            is_overdue: due_on.is_some_and(|due_on| due_on < today),
            next: self.demands.iter().find(|demand| demand.from > today).copied(),
        })
    }
}

impl DepositTopUp {
    /// What is left to top up after so much was paid in; none if nothing is.
    fn without(self, paid: Fen) -> Result<Option<DepositTopUp>, MoneyError> {
        let drawn_fen = self.drawn_fen.minus(paid)?;
        Ok(drawn_fen.is_positive().then_some(DepositTopUp { drawn_fen, ..self }))
    }
}

fn amount(deposit: Option<&Deposit>) -> Result<Fen, MoneyError> {
    deposit.map_or(Ok(Fen::ZERO), |deposit| deposit.amount.to_fen_floor())
}

fn days_of(deposit: Option<&Deposit>) -> u16 {
    deposit.map_or(0, |deposit| deposit.due_after_days)
}

fn after(day: BillingDay, days: u16) -> BillingDay {
    (0..days).fold(day, |day, _| day.next())
}
