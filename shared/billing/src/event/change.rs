//! Which events a change of a stored record is.

use jiff::Timestamp;
use steelyard_pricing::{ApiName, Fen, LineCause, Metered, MoneyError, Usage, UsageError};
use thiserror::Error;

use super::{
    AdjustmentMade, AlertChanged, BreakerClosed, BreakerOpened, DebitDeclined, DebitGivenUp,
    DebitHeld, DebitPaid, DebitScheduled, DepositMoved, DepositRequired, Event, EventData,
    MandateChanged, MandateEnded, MandateSuspended, MoneyFound, MoneyReversed, PriceAnnounced,
    PriceEffect, RechargeEnded, ReconciliationDone, RefundEnded, SettlementFinished,
    SettlementLate, StatementSettled, Subject, UnpricedApi, UsageRefused, UsageUnpriced,
};
use crate::breaker::{Breaker, BreakerState};
use crate::mandate::{MandatePhase, Suspension};
use crate::webhook::Endpoint;
use crate::{
    Account, Adjustment, AlertKind, AlertState, CalendarError, Cause, ComingVersion, Crossing,
    Debit, DebitRules, DepositDemand, DepositMovement, Entry, Ledger, Mandate, MandateInUse, Phase,
    Recharge, RechargePhase, RechargePurpose, Reconciliation, Refund, RefundPhase, RefusedReport,
    Reversal, RunEnd, SettlementRun, Statement, crossings,
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

/// What the events of a change say of an account besides the change itself.
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

/// Movements that only the journal records.
fn of_entry(entry: &Entry) -> Result<Option<Event>, EventError> {
    let record = entry.record();
    let data = match &record.cause {
        Cause::Recharged { reference } => EventData::RechargePaid(RechargeEnded {
            recharge: None,
            reference: Some(reference.clone()),
            amount_fen: entry.moved(Ledger::Bank)?,
        }),
        Cause::DebitFound { debit, attempt, trade_no } => EventData::PaymentFound(MoneyFound {
            debit: *debit,
            attempt: *attempt,
            trade_no: trade_no.clone(),
            amount_fen: entry.moved(Ledger::Alipay)?,
        }),
        Cause::Deposit(movement) => match deposit_moved(entry, movement)? {
            Some(data) => data,
            None => return Ok(None),
        },
        Cause::Charged { .. }
        | Cause::DebitSent { .. }
        | Cause::DebitPaid { .. }
        | Cause::DebitGivenUp { .. }
        | Cause::RechargePaid { .. }
        | Cause::RefundAsked(_)
        | Cause::RefundDone(_)
        | Cause::RefundRefused(_)
        | Cause::Reversed(_) => return Ok(None),
    };
    let subject = Subject::Provider(record.provider.clone());
    Ok(Some(event(subject, record.recorded_at_s, data, &[record.number.to_string()])))
}

/// The event of a movement of a deposit. A return that is asked for or refused is the event of a
/// refund, and what the gateway took back as a reversal.
fn deposit_moved(
    entry: &Entry,
    movement: &DepositMovement,
) -> Result<Option<EventData>, EventError> {
    let held_more = entry.moved(Ledger::Deposit)?.negated()?;
    let moved =
        |because, reference: Option<&crate::Reference>| -> Result<DepositMoved, MoneyError> {
            let amount_fen = if held_more.is_negative() { held_more.negated()? } else { held_more };
            Ok(DepositMoved { amount_fen, because, reference: reference.cloned() })
        };
    Ok(Some(match movement {
        DepositMovement::Paid { .. } => EventData::DepositPaid(moved(None, None)?),
        DepositMovement::Transferred { reference } => {
            EventData::DepositPaid(moved(None, Some(reference))?)
        }
        DepositMovement::Drawn { because } => EventData::DepositDrawn(moved(Some(*because), None)?),
        DepositMovement::SentBack { reference } => {
            EventData::DepositReturned(moved(None, Some(reference))?)
        }
        // The deposit went down when the return was asked for; what was given back left the
        // promise.
        DepositMovement::Returned(_) => EventData::DepositReturned(DepositMoved {
            amount_fen: entry.moved(Ledger::Refunding)?,
            because: None,
            reference: None,
        }),
        DepositMovement::ReturnAsked(_)
        | DepositMovement::ReturnRefused(_)
        | DepositMovement::Reversed(_) => return Ok(None),
    }))
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

fn of_debit(Changed { before, after }: &Changed<Debit>, now: Timestamp) -> Vec<Event> {
    // The event of its opening is made from the account.
    let Some(before) = before else { return Vec::new() };
    let subject = || Subject::Provider(after.provider.clone());
    let debit = after.debit;
    let amount_fen = after.terms.as_ref().map(|terms| terms.amount_fen);
    let mut events = Vec::new();
    let is_tried_again = after.phase == Phase::Due;
    for (number, declined) in (1_u32..).zip(&after.declines).skip(before.declines.len()) {
        let data = DebitDeclined {
            debit,
            amount_fen: amount_fen.unwrap_or(Fen::ZERO),
            reason: declined.reason,
            code: declined.code.clone(),
            declines: number,
            tried_again_at_s: is_tried_again.then_some(after.task.due_at_s),
        };
        let record = [debit.to_string(), number.to_string()];
        events.push(event(subject(), declined.at_s, EventData::DebitDeclined(data), &record));
    }
    let ended = match &after.phase {
        phase if *phase == before.phase => None,
        Phase::Paid { at_s, .. } => {
            let paid = after.payment().zip(after.terms.as_ref());
            paid.map(|(payment, terms)| {
                let data = DebitPaid {
                    debit,
                    amount_fen: payment.amount_fen,
                    from: terms.from,
                    through: terms.through,
                    mandate: terms.mandate,
                    trade_no: payment.trade_no.clone(),
                };
                event(subject(), *at_s, EventData::DebitPaid(data), &[debit.to_string()])
            })
        }
        Phase::GivenUp { why } => {
            let data = DebitGivenUp { debit, amount_fen, why: why.clone() };
            Some(event(subject(), now, EventData::DebitGivenUp(data), &[debit.to_string()]))
        }
        Phase::Held { .. } if !is_held(&before.phase) => {
            let record = [debit.to_string(), after.task.version.to_string()];
            let data = DebitHeld { debit, amount_fen };
            Some(event(subject(), now, EventData::DebitHeld(data), &record))
        }
        Phase::Due
        | Phase::Sending
        | Phase::InDoubt { .. }
        | Phase::Checking { .. }
        | Phase::Closing { .. }
        | Phase::Confirming { .. }
        | Phase::Held { .. }
        | Phase::Rechecking { .. }
        | Phase::Withdrawn => None,
    };
    events.extend(ended);
    events
}

fn is_held(phase: &Phase) -> bool {
    matches!(phase, Phase::Held { .. } | Phase::Rechecking { .. })
}

fn of_mandate(Changed { before, after }: &Changed<Mandate>, now: Timestamp) -> Option<Event> {
    if before.as_ref().is_some_and(|before| before.phase == after.phase) {
        return None;
    }
    let mandate = after.mandate;
    let changed = || MandateChanged {
        mandate,
        single_limit_fen: after.limit(),
        daily_limit_fen: after.daily_limit_fen,
    };
    let (at, data) = match &after.phase {
        MandatePhase::Offered => (after.offered_at_s, EventData::MandateOffered(changed())),
        MandatePhase::Active => {
            let signed_now =
                before.as_ref().is_none_or(|before| before.phase == MandatePhase::Offered);
            let at = after.signed_at_s.filter(|_| signed_now).unwrap_or(now);
            (at, EventData::MandateActive(changed()))
        }
        MandatePhase::Suspended { since_s, why } => {
            let debit = match why {
                Suspension::ByGateway => None,
                Suspension::ByDebit { debit, .. } => Some(*debit),
            };
            (*since_s, EventData::MandateSuspended(MandateSuspended { mandate, debit }))
        }
        MandatePhase::Ended { at_s, why } => {
            (*at_s, EventData::MandateEnded(MandateEnded { mandate, why: why.clone() }))
        }
        MandatePhase::Ending { .. } | MandatePhase::ConfirmingEnd { .. } => return None,
    };
    let record = [mandate.to_string(), after.task.version.to_string()];
    Some(event(Subject::Provider(after.provider.clone()), at, data, &record))
}

fn of_recharge(Changed { before, after }: &Changed<Recharge>, now: Timestamp) -> Option<Event> {
    if before.as_ref().is_some_and(|before| before.phase == after.phase) {
        return None;
    }
    // The journal entry makes the event of a paid deposit.
    let is_told = after.purpose == RechargePurpose::Deposit;
    if is_told && matches!(after.phase, RechargePhase::Paid { .. }) {
        return None;
    }
    let ended = RechargeEnded {
        recharge: Some(after.recharge),
        reference: None,
        amount_fen: after.amount_fen,
    };
    let data = match &after.phase {
        RechargePhase::Offered => return None,
        RechargePhase::Paid { .. } => EventData::RechargePaid(ended),
        RechargePhase::Lapsed => EventData::RechargeLapsed(ended),
    };
    // A bank transfer, which has the same type, is named by the number of its entry alone.
    let record = ["recharge".to_owned(), after.recharge.to_string()];
    Some(event(Subject::Provider(after.provider.clone()), now, data, &record))
}

fn of_refund(Changed { before, after }: &Changed<Refund>, now: Timestamp) -> Option<Event> {
    let was_refused = |before: &Refund| matches!(before.phase, RefundPhase::Refused { .. });
    let ended = |code: Option<&crate::GatewayCode>| RefundEnded {
        out_trade_no: after.out_trade_no.clone(),
        out_request_no: after.out_request_no.clone(),
        amount_fen: after.amount_fen,
        from: after.from,
        reason: after.reason.clone(),
        code: code.cloned(),
    };
    let data = match &after.phase {
        RefundPhase::Due | RefundPhase::Sending | RefundPhase::Confirming { .. } => return None,
        RefundPhase::Done if before.as_ref().is_some_and(|b| b.phase == RefundPhase::Done) => {
            return None;
        }
        RefundPhase::Done => EventData::RefundDone(ended(None)),
        // Acknowledging it changes nothing for anybody who waits.
        RefundPhase::Refused { .. } if before.as_ref().is_some_and(was_refused) => return None,
        RefundPhase::Refused { code, .. } => EventData::RefundRefused(ended(Some(code))),
    };
    let record = [after.out_trade_no.to_string(), after.out_request_no.to_string()];
    Some(event(Subject::Provider(after.provider.clone()), now, data, &record))
}

fn of_reversal(Changed { before, after }: &Changed<Reversal>, now: Timestamp) -> Option<Event> {
    let amount_fen = after.amount()?;
    if before.as_ref().is_some_and(|before| before.amount().is_some()) {
        return None;
    }
    let data = MoneyReversed {
        out_trade_no: after.out_trade_no.clone(),
        out_request_no: after.out_request_no.clone(),
        amount_fen,
    };
    let record = [after.out_trade_no.to_string(), after.out_request_no.to_string()];
    let subject = Subject::Provider(after.provider.clone());
    Some(event(subject, now, EventData::PaymentReversed(data), &record))
}

fn of_adjustment(Changed { before, after }: &Changed<Adjustment>) -> Option<Event> {
    if before.is_some() {
        return None;
    }
    let note = &after.note;
    let data = AdjustmentMade {
        adjustment: note.adjustment.clone(),
        amount_fen: note.amount_fen,
        corrects: note.of.corrects,
        reason: note.reason.clone(),
    };
    let subject = Subject::Provider(after.provider.clone());
    let record = [note.adjustment.to_string()];
    Some(event(subject, note.made_at_s, EventData::AdjustmentMade(data), &record))
}

fn of_breaker(Changed { before, after }: &Changed<Breaker>, now: Timestamp) -> Option<Event> {
    let was_closed = before.as_ref().is_none_or(Breaker::is_closed);
    let (at, data) = match &after.state {
        BreakerState::Open { since_s, why, .. } if was_closed => {
            (*since_s, EventData::BreakerOpened(BreakerOpened { why: why.clone() }))
        }
        BreakerState::Closed if !was_closed => {
            let last = before.as_ref().and_then(|before| before.resumed.as_ref());
            let resumed = after.resumed.as_ref().filter(|resumed| Some(*resumed) != last);
            let reason = resumed.map(|resumed| resumed.reason.clone());
            let at = resumed.map_or(now, |resumed| resumed.at_s);
            (at, EventData::BreakerClosed(BreakerClosed { reason }))
        }
        BreakerState::Open { .. } | BreakerState::Closed => return None,
    };
    Some(event(Subject::Platform, at, data, &[after.version.to_string()]))
}

fn of_run(Changed { before, after }: &Changed<SettlementRun>) -> Vec<Event> {
    if matches!(after.scope, crate::RunScope::Provider(_)) {
        return Vec::new();
    }
    let record = [after.number.to_string()];
    let was_late = before.as_ref().is_some_and(|before| before.late_at_s.is_some());
    let late = after.late_at_s.filter(|_| !was_late).map(|at| {
        let data = SettlementLate { run: after.number, begun_at_s: after.begun_at_s };
        event(Subject::Platform, at, EventData::SettlementLate(data), &record)
    });
    let had_ended = before.as_ref().is_some_and(|before| before.end.is_some());
    let ended = after.end.as_ref().filter(|_| !had_ended).map(|end| finished(after, end));
    late.into_iter().chain(ended).collect()
}

fn finished(after: &SettlementRun, end: &RunEnd) -> Event {
    let data = SettlementFinished {
        run: after.number,
        begun_at_s: after.begun_at_s,
        providers: end.tally.providers,
        statements: end.tally.statements,
        charged_fen: end.tally.charged_fen,
        failed: end.tally.failed,
        unreadable: end.tally.unreadable,
    };
    let record = [after.number.to_string()];
    event(Subject::Platform, end.ended_at_s, EventData::SettlementFinished(data), &record)
}

fn of_reconciliation(result: &Reconciliation) -> Event {
    let listed = u32::try_from(result.findings.len()).unwrap_or(u32::MAX);
    let data = ReconciliationDone {
        day: result.day,
        rows: result.rows,
        matched: result.matched,
        unreadable_rows: result.unreadable_rows,
        findings: listed.saturating_add(result.more_findings),
        skipped: result.skipped.clone(),
    };
    // A day may be reconciled again; that is another event.
    let record = [result.day.to_string(), result.reconciled_at_s.as_second().to_string()];
    let agrees = data.findings == 0 && data.unreadable_rows == 0;
    let data = if agrees {
        EventData::ReconciliationDone(data)
    } else {
        EventData::ReconciliationDiffers(data)
    };
    event(Subject::Platform, result.reconciled_at_s, data, &record)
}
