//! Which events a change of a stored record is.
//!
//! This file has the changes, and the events of statements and accounts.

mod payments;
mod platform;

use jiff::Timestamp;
use steelyard_pricing::{ApiName, Fen, LineCause, Metered, MoneyError, Usage, UsageError};
use thiserror::Error;

use self::payments::{
    of_adjustment, of_debit, of_entry, of_mandate, of_recharge, of_refund, of_reversal,
};
use self::platform::{of_breaker, of_reconciliation, of_run};
use super::{
    AlertChanged, DebitScheduled, DepositRequired, Event, EventData, PriceAnnounced, PriceEffect,
    StatementSettled, Subject, UnpricedApi, UsageRefused, UsageUnpriced,
};
use crate::breaker::Breaker;
use crate::webhook::Endpoint;
use crate::{
    Account, Adjustment, AlertKind, AlertState, CalendarError, ComingVersion, Crossing, Debit,
    DebitRules, DepositDemand, Entry, Mandate, MandateInUse, Recharge, Reconciliation, Refund,
    RefusedReport, Reversal, SettlementRun, Statement, crossings,
};

/// A stored record that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed<R> {
    /// The record before; none if it is new.
    pub before: Option<R>,
    /// The record after.
    pub after: R,
}

/// A change that may be an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// An account was written, with its former figures.
    Account(Box<Changed<Account>>),
    /// A new statement.
    Statement(Box<Statement>),
    /// A new journal entry.
    Entry(Entry),
    /// A debit was written, with its former phase.
    Debit(Box<Changed<Debit>>),
    /// A mandate was written, with its former phase.
    Mandate(Box<Changed<Mandate>>),
    /// A recharge was written, with its former phase.
    Recharge(Changed<Recharge>),
    /// A refund was written, with its former phase.
    Refund(Box<Changed<Refund>>),
    /// A reversal was written, with its former phase.
    Reversal(Changed<Reversal>),
    /// A credit or debit note.
    Adjustment(Box<Changed<Adjustment>>),
    /// The breaker opened, closed or counted.
    Breaker(Changed<Breaker>),
    /// A settlement run began or ended.
    Run(Changed<SettlementRun>),
    /// The result of reconciling a day.
    Reconciliation(Reconciliation),
    /// A version of a plan was stored.
    Plan(ComingVersion),
    /// An endpoint of a webhook.
    Endpoint(Box<Changed<Endpoint>>),
    /// Something was refused of a queued report. The key finds it.
    Refused(String),
}

/// The facts about an account that events carry besides the change itself.
#[derive(Clone, Copy, Debug)]
pub struct Collecting<'a> {
    /// The account after the change.
    pub account: &'a Account,
    /// The provider's mandate in use.
    pub mandate: Option<&'a MandateInUse>,
    /// The rules for debits, and the calendar that turns times into days.
    pub rules: &'a DebitRules,
}

/// Why an event cannot be made.
#[derive(Debug, Error)]
pub enum EventError {
    /// An amount leaves its range.
    #[error("cannot sum amounts")]
    Money(#[from] MoneyError),
    /// A count leaves its range.
    #[error("cannot sum usage")]
    Usage(#[from] UsageError),
    /// A time is outside the calendar.
    #[error("cannot tell the day")]
    Calendar(#[from] CalendarError),
}

impl Change {
    /// The debit that the change opened. Its event says what is owed, which only the account has.
    #[must_use]
    pub fn opened(&self) -> Option<&Debit> {
        let Change::Debit(changed) = self else { return None };
        changed.before.is_none().then_some(&changed.after)
    }

    /// The account that changed. Its standing may have changed too, which only the ladder in force
    /// says.
    #[must_use]
    pub fn account(&self) -> Option<&Account> {
        let Change::Account(changed) = self else { return None };
        Some(&changed.after)
    }

    /// The coming versions of its plan that were not announced to the provider of the account
    /// before. Their events say what they would have changed, which only its usage shows.
    #[must_use]
    pub fn announced(&self) -> Vec<&ComingVersion> {
        let Change::Account(changed) = self else { return Vec::new() };
        let told = changed.before.as_ref().map_or(&[][..], |before| &before.coming);
        changed.after.coming.iter().filter(|coming| !told.contains(coming)).collect()
    }

    /// The events that the change is. `now` is the time of those whose record has none.
    ///
    /// # Errors
    ///
    /// [`EventError`] when an amount leaves its range.
    pub fn events(&self, now: Timestamp) -> Result<Vec<Event>, EventError> {
        Ok(match self {
            Change::Account(changed) => of_account(changed, now),
            Change::Statement(statement) => of_statement(statement)?,
            Change::Entry(entry) => of_entry(entry)?.into_iter().collect(),
            Change::Debit(changed) => of_debit(changed, now),
            Change::Mandate(changed) => of_mandate(changed, now).into_iter().collect(),
            Change::Recharge(changed) => of_recharge(changed, now).into_iter().collect(),
            Change::Refund(changed) => of_refund(changed, now).into_iter().collect(),
            Change::Reversal(changed) => of_reversal(changed, now).into_iter().collect(),
            Change::Adjustment(changed) => of_adjustment(changed).into_iter().collect(),
            Change::Breaker(changed) => of_breaker(changed, now).into_iter().collect(),
            Change::Run(changed) => of_run(changed),
            Change::Reconciliation(result) => vec![of_reconciliation(result)],
            Change::Endpoint(changed) => match &changed.before {
                Some(before) => changed.after.notices(before),
                None => Vec::new(),
            },
            // The report has the details.
            Change::Refused(_) => Vec::new(),
            Change::Plan(version) => {
                vec![Event::price_announced(Subject::Platform, version, None, now)]
            }
        })
    }
}

impl Collecting<'_> {
    /// That a debit was opened: what it will ask for when it is due, as far as is known now.
    ///
    /// # Errors
    ///
    /// [`EventError`] when an amount leaves its range.
    pub fn scheduled(&self, debit: &Debit) -> Result<Event, EventError> {
        let owed_fen = self.account.figures.unreserved()?;
        let due_at = debit.task.due_at_s;
        let expected = match self.mandate {
            Some(mandate) => self.account.expected(mandate, self.rules, due_at)?,
            None => None,
        };
        let oldest = self.account.unpaid.charges().first();
        let owed_since =
            oldest.map(|charge| self.rules.calendar.day_of(charge.charged_at_s)).transpose()?;
        let data = DebitScheduled {
            debit: debit.debit,
            due_at_s: expected.map_or(due_at, |expected| expected.at_s),
            expected_fen: expected.map_or(Fen::ZERO, |expected| expected.amount_fen),
            owed_fen,
            owed_since,
            mandate: self.mandate.map(|mandate| mandate.mandate),
        };
        let subject = Subject::Provider(debit.provider.clone());
        let record = [debit.debit.to_string()];
        Ok(event(subject, debit.opened_at_s, EventData::DebitScheduled(data), &record))
    }
}

impl Event {
    /// That something was refused of a queued report.
    #[must_use]
    pub fn usage_refused(of: &RefusedReport) -> Event {
        let data = UsageRefused {
            source: of.source.clone(),
            report: of.report.clone(),
            records: of.records,
            conflicts: of.conflicts,
            reasons: of.reasons.clone(),
        };
        let record = [of.source.to_string(), of.report.to_string()];
        event(Subject::Platform, of.refused_at_s, EventData::UsageRefused(data), &record)
    }

    /// That a version of a plan takes effect later.
    #[must_use]
    pub fn price_announced(
        subject: Subject,
        version: &ComingVersion,
        effect: Option<PriceEffect>,
        now: Timestamp,
    ) -> Event {
        let ComingVersion { from, plan, digest } = version;
        let data = PriceAnnounced { plan: plan.clone(), effective_from: *from, effect };
        let record = [plan.to_string(), from.to_string(), digest.clone()];
        event(subject, now, EventData::PriceAnnounced(data), &record)
    }
}

fn event(subject: Subject, at_s: Timestamp, data: EventData, record: &[String]) -> Event {
    Event::of_record(subject, at_s, data, record)
}

fn of_statement(statement: &Statement) -> Result<Vec<Event>, EventError> {
    let data = StatementSettled {
        statement: statement.statement,
        day: statement.statement.day,
        charge_fen: statement.charge_fen,
        from_prepaid_fen: statement.from_prepaid_fen,
        month_fen: statement.charged_before_fen.plus(statement.usage_fen()?)?,
    };
    let subject = Subject::Provider(statement.provider.clone());
    let record = [statement.statement.to_string()];
    let at = statement.settled_at_s;
    let mut events = vec![event(subject.clone(), at, EventData::StatementSettled(data), &record)];
    let mut unpriced = Usage::new();
    for new in statement.unpriced.iter().filter(|unpriced| unpriced.because != LineCause::Void) {
        unpriced.add_all(&new.apis)?;
    }
    if !unpriced.is_empty() {
        let api = |(api, metered): (&ApiName, Metered)| UnpricedApi {
            api: api.clone(),
            calls: metered.calls.get(),
        };
        let data = UsageUnpriced {
            statement: statement.statement,
            apis: unpriced.iter().take(UsageUnpriced::APIS_MAX).map(api).collect(),
            count: u32::try_from(unpriced.iter().count()).unwrap_or(u32::MAX),
        };
        events.push(event(subject, at, EventData::UsageUnpriced(data), &record));
    }
    Ok(events)
}

/// The alerts that the account's figures triggered or resolved, and the deposit that was announced.
fn of_account(Changed { before, after }: &Changed<Account>, now: Timestamp) -> Vec<Event> {
    let subject = || Subject::Provider(after.provider.clone());
    let none = AlertState::default();
    let alerts = before.as_ref().map_or(&none, |before| &before.alerts);
    let mut events = Vec::new();
    for crossing in crossings(alerts, &after.alerts) {
        let (alert, is_triggered) = match &crossing {
            Crossing::Triggered(alert) => (alert, true),
            Crossing::Resolved(alert) => (alert, false),
        };
        let changed = AlertChanged {
            kind: alert.kind,
            rate: alert.rate.clone(),
            percent: alert.percent.clone(),
            line: alert.line,
            figure: alert.figure,
            day: alert.day,
        };
        let data = match (alert.kind, is_triggered) {
            (AlertKind::Cap, true) => EventData::CapReached(changed),
            (AlertKind::Cap, false) => EventData::CapLifted(changed),
            (AlertKind::Allowance, true) => EventData::AllowanceReached(changed),
            (_, true) => EventData::AlertTriggered(changed),
            (_, false) => EventData::AlertResolved(changed),
        };
        let rate = alert.rate.as_ref().map(ToString::to_string).unwrap_or_default();
        let of = [after.version.to_string(), alert.kind.to_string(), rate, alert.day.to_string()];
        let at = if is_triggered { alert.at_s } else { now };
        events.push(event(subject(), at, data, &of));
    }
    let told = before.as_ref().map_or(&[][..], |before| &before.deposit.demands);
    // One that is lowered asks for nothing more.
    let is_known = |demand: &DepositDemand| {
        let is_it = |known: &&DepositDemand| {
            (known.from, known.announced_on) == (demand.from, demand.announced_on)
        };
        told.iter().filter(is_it).any(|known| known.amount_fen >= demand.amount_fen)
    };
    for demand in after.deposit.demands.iter().filter(|demand| !is_known(demand)) {
        let data = DepositRequired {
            amount_fen: demand.amount_fen,
            from: demand.from,
            due_on: demand.due_on,
        };
        let of = [demand.from.to_string(), demand.amount_fen.get().to_string()];
        let record = [of, [demand.announced_on.to_string(), demand.due_on.to_string()]].concat();
        events.push(event(subject(), now, EventData::DepositRequired(data), &record));
    }
    events
}
