//! Money that moves, or is to move: the journal, debits, mandates, recharges, refunds, reversals
//! and notes.

use jiff::Timestamp;
use steelyard_pricing::{Fen, MoneyError};

use super::{Changed, EventError, event};
use crate::event::{
    AdjustmentMade, DebitDeclined, DebitGivenUp, DebitHeld, DebitPaid, DepositMoved, Event,
    EventData, MandateChanged, MandateEnded, MandateSuspended, MoneyFound, MoneyReversed,
    RechargeEnded, RefundEnded, Subject,
};
use crate::mandate::{MandatePhase, Suspension};
use crate::{
    Adjustment, Cause, Debit, DepositMovement, Entry, GatewayCode, Ledger, Mandate, Phase,
    Recharge, RechargePhase, RechargePurpose, Reference, Refund, RefundPhase, Reversal,
};

/// Movements that only the journal records.
pub(super) fn of_entry(entry: &Entry) -> Result<Option<Event>, EventError> {
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
    let moved = |because, reference: Option<&Reference>| -> Result<DepositMoved, MoneyError> {
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

pub(super) fn of_debit(Changed { before, after }: &Changed<Debit>, now: Timestamp) -> Vec<Event> {
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

pub(super) fn of_mandate(
    Changed { before, after }: &Changed<Mandate>,
    now: Timestamp,
) -> Option<Event> {
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

pub(super) fn of_recharge(
    Changed { before, after }: &Changed<Recharge>,
    now: Timestamp,
) -> Option<Event> {
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

pub(super) fn of_refund(
    Changed { before, after }: &Changed<Refund>,
    now: Timestamp,
) -> Option<Event> {
    let was_refused = |before: &Refund| matches!(before.phase, RefundPhase::Refused { .. });
    let ended = |code: Option<&GatewayCode>| RefundEnded {
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

pub(super) fn of_reversal(
    Changed { before, after }: &Changed<Reversal>,
    now: Timestamp,
) -> Option<Event> {
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

pub(super) fn of_adjustment(Changed { before, after }: &Changed<Adjustment>) -> Option<Event> {
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
