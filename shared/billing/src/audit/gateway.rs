//! What recharges, found payments, refunds and reversals say of themselves is what the journal says
//! of them: each moved its money once.

use std::collections::BTreeMap;

use steelyard_pricing::{Fen, MoneyError};

use super::{Audited, Books, Breach, BreachKind, Findings};
use crate::journal::{Cause, DepositMovement, Entry, Ledger};
use crate::{RechargePurpose, RefundFrom, RefundPhase, RefundRef, ReversalPhase};

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

/// The number of records that name something.
#[derive(Clone, Copy, Default)]
struct Told {
    by_records: usize,
    by_journal: usize,
}

fn told_by_records(books: &Books) -> Vec<String> {
    let mut told = Vec::new();
    for recharge in &books.recharges {
        if let Some(payment) = recharge.payment() {
            let (amount, trade_no) = (payment.amount_fen, &payment.trade_no);
            told.push(match recharge.purpose {
                RechargePurpose::Prepaid => recharged(recharge.recharge, amount, trade_no),
                RechargePurpose::Deposit => deposited(recharge.recharge, amount, trade_no),
            });
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
        let refunded = match refund.from {
            RefundFrom::Prepaid | RefundFrom::Goodwill => refunded,
            RefundFrom::Deposit => returned,
        };
        told.push(refunded("asked for", &number, amount));
        match refund.phase {
            RefundPhase::Done => told.push(refunded("done", &number, amount)),
            RefundPhase::Refused { .. } => told.push(refunded("refused", &number, amount)),
            RefundPhase::Due | RefundPhase::Sending | RefundPhase::Confirming { .. } => {}
        }
    }
    for reversal in &books.reversals {
        let number = reversal.number();
        let is_of_deposit =
            books.recharges.iter().any(|of| of.pays_deposit_by(&number.out_trade_no));
        let refunded = if is_of_deposit { returned } else { refunded };
        match reversal.phase {
            ReversalPhase::Booked { amount_fen } => {
                told.push(refunded("found", &number, amount_fen));
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
        Cause::Deposit(movement) => match movement {
            DepositMovement::Paid { recharge, trade_no } => {
                Some(deposited(*recharge, alipay, trade_no))
            }
            DepositMovement::ReturnAsked(number) => {
                Some(returned("asked for", number, set_aside.negated()?))
            }
            DepositMovement::Returned(number) => Some(returned("done", number, alipay.negated()?)),
            DepositMovement::ReturnRefused(number) => Some(returned("refused", number, set_aside)),
            DepositMovement::Reversed(number) => Some(returned("found", number, alipay.negated()?)),
            DepositMovement::Transferred { .. }
            | DepositMovement::Drawn { .. }
            | DepositMovement::SentBack { .. } => None,
        },
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

fn deposited(recharge: crate::RechargeId, amount: Fen, trade_no: &str) -> String {
    format!("recharge {recharge} took {amount} of the deposit by trade {trade_no}")
}

fn found_paid(debit: crate::DebitId, attempt: u16, amount: Fen, trade_no: &str) -> String {
    format!("attempt {attempt} of debit {debit} took {amount} by trade {trade_no}")
}

fn refunded(how: &str, number: &RefundRef, amount: Fen) -> String {
    format!("giving back {amount} by {number} was {how}")
}

fn returned(how: &str, number: &RefundRef, amount: Fen) -> String {
    format!("returning {amount} of the deposit by {number} was {how}")
}
