//! What recharges, found payments, refunds and reversals say of themselves is what the journal says
//! of them: each moved its money once.

use std::collections::BTreeMap;

use steelyard_pricing::{Fen, MoneyError};

use super::{Audited, Books, Breach, BreachKind, Findings};
use crate::journal::{Cause, Entry, Ledger};
use crate::{RefundPhase, RefundRef, ReversalPhase};

pub(super) fn audit(audited: &Audited<'_>, found: &mut Findings) -> Result<(), Breach> {
    let Audited { books, .. } = audited;
    let mut told: BTreeMap<String, Told> = BTreeMap::new();
    for what in told_by_records(books) {
        told.entry(what).or_default().by_records += 1;
    }
    for entry in &books.journal {
        if let Some(what) = told_by_entry(entry)? {
            told.entry(what).or_default().by_journal += 1;
        }
    }
    for (what, Told { by_records, by_journal }) in told {
        let is_once = by_records == 1 && by_journal == 1;
        found.check(is_once, || {
            let stated = format!("{by_records} times by its record");
            let actual = format!("{by_journal} times by the journal");
            Breach::new(BreachKind::Gateway, what, stated, actual)
        });
    }
    Ok(())
}

/// How often something is told.
#[derive(Clone, Copy, Default)]
struct Told {
    by_records: usize,
    by_journal: usize,
}

fn told_by_records(books: &Books) -> Vec<String> {
    let mut told = Vec::new();
    for recharge in &books.recharges {
        if let Some(payment) = recharge.payment() {
            told.push(recharged(recharge.recharge, payment.amount_fen, &payment.trade_no));
        }
    }
    for debit in &books.debits {
        for (attempt, payment) in debit.found_payments() {
            let amount = payment.amount_fen;
            told.push(found_paid(debit.debit, attempt, amount, &payment.trade_no));
        }
    }
    for refund in &books.refunds {
        let (number, amount) = (refund.number(), refund.amount_fen);
        told.push(refunded("asked for", &number, amount));
        match refund.phase {
            RefundPhase::Done => told.push(refunded("done", &number, amount)),
            RefundPhase::Refused { .. } => told.push(refunded("refused", &number, amount)),
            RefundPhase::Due | RefundPhase::Sending | RefundPhase::Confirming { .. } => {}
        }
    }
    for reversal in &books.reversals {
        match reversal.phase {
            ReversalPhase::Booked { amount_fen } => {
                told.push(refunded("found", &reversal.number(), amount_fen));
            }
            ReversalPhase::Noticed => {}
        }
    }
    told
}

fn told_by_entry(entry: &Entry) -> Result<Option<String>, MoneyError> {
    let alipay = entry.moved(Ledger::Alipay)?;
    let set_aside = entry.moved(Ledger::Refunding)?;
    Ok(match &entry.record().cause {
        Cause::RechargePaid { recharge, trade_no } => Some(recharged(*recharge, alipay, trade_no)),
        Cause::DebitFound { debit, attempt, trade_no } => {
            Some(found_paid(*debit, *attempt, alipay, trade_no))
        }
        Cause::RefundAsked(number) => Some(refunded("asked for", number, set_aside.negated()?)),
        Cause::RefundDone(number) => Some(refunded("done", number, alipay.negated()?)),
        Cause::RefundRefused(number) => Some(refunded("refused", number, set_aside)),
        Cause::Reversed(number) => Some(refunded("found", number, alipay.negated()?)),
        Cause::Charged { .. }
        | Cause::Recharged { .. }
        | Cause::DebitSent { .. }
        | Cause::DebitPaid { .. }
        | Cause::DebitGivenUp { .. } => None,
    })
}

fn recharged(recharge: crate::RechargeId, amount: Fen, trade_no: &str) -> String {
    format!("recharge {recharge} took {amount} by trade {trade_no}")
}

fn found_paid(debit: crate::DebitId, attempt: u16, amount: Fen, trade_no: &str) -> String {
    format!("attempt {attempt} of debit {debit} took {amount} by trade {trade_no}")
}

fn refunded(how: &str, number: &RefundRef, amount: Fen) -> String {
    format!("giving back {amount} by {number} was {how}")
}
