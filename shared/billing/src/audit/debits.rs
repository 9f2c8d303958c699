//! A debit reserves its amount once; paid, it takes it once; given up, it releases it once.

use std::collections::{BTreeMap, BTreeSet};

use steelyard_pricing::{Catalog, Fen, MoneyError};

use super::journal::{ended, released, reserved};
use super::{Books, Breach, Findings};
use crate::journal::{Cause, Entry, Ledger};
use crate::{Debit, DebitId, Mandate, MandateInUse, RefundRef, TradeNumber, TradeOf};

pub(super) fn audit(books: &Books, _: &Catalog, found: &mut Findings) -> Result<(), Breach> {
    check_stored(books, found);
    check_numbers(books, found);
    check_open(books, found);
    check_mandate(books, found);
    for debit in &books.debits {
        check_debit(debit, &books.journal, found)?;
    }
    check_withheld(books, found)
}

/// Every debit that the journal names is stored, and none twice.
fn check_stored(books: &Books, found: &mut Findings) {
    let mut stored = BTreeSet::new();
    for Debit { debit, .. } in &books.debits {
        found.check(stored.insert(*debit), || Breach::DebitTwice { debit: *debit });
    }
    for entry in &books.journal {
        for debit in entry.record().opened.into_iter().chain(ended(entry)) {
            // One that is gone is told of once.
            found.check(!stored.insert(debit), || Breach::DebitGone {
                debit,
                entry: entry.record().number,
            });
        }
    }
}

/// No two debits ask under one number.
fn check_numbers(books: &Books, found: &mut Findings) {
    let mut asked = BTreeMap::new();
    for debit in &books.debits {
        let first = *asked.entry(&debit.out_trade_no).or_insert(debit.debit);
        found.check(first == debit.debit, || Breach::OutTradeNo {
            out_trade_no: debit.out_trade_no.clone(),
            first,
            second: debit.debit,
        });
    }
}

/// The open debits are the one that the account names.
fn check_open(books: &Books, found: &mut Findings) {
    let open = books.debits.iter().filter(|debit| debit.is_open()).map(|debit| debit.debit);
    let open = open.collect::<BTreeSet<DebitId>>();
    let named = books.account.open_debit;
    found.check(open == named.into_iter().collect(), || Breach::OpenDebits {
        named,
        open: open.into_iter().collect(),
    });
}

/// The mandate in use is the one that is active, as its record says; there is one at most.
fn check_mandate(books: &Books, found: &mut Findings) {
    let active = books.mandates.iter().filter_map(Mandate::in_use).collect::<Vec<_>>();
    let noted = books.provider.mandate.as_ref();
    let shown = |mandate: &MandateInUse| {
        let MandateInUse { mandate, agreement_no, limit_fen } = mandate;
        format!("{mandate} ({agreement_no}, up to {limit_fen})")
    };
    let agrees = active.len() <= 1 && active.first() == noted;
    found.check(agrees, || Breach::Mandate {
        noted: noted.map_or("none".to_owned(), shown),
        actual: match active.iter().map(shown).collect::<Vec<_>>() {
            none if none.is_empty() => "none".to_owned(),
            some => some.join(", "),
        },
    });
}

/// The journal says of a debit what it says of itself.
fn check_debit(debit: &Debit, journal: &[Entry], found: &mut Findings) -> Result<(), Breach> {
    let (id, asked) = (debit.debit, debit.amount_fen);
    let taken = debit.payment().map_or(asked, |payment| payment.amount_fen);
    found.check(taken == asked, || Breach::Taken { debit: id, asked, taken });
    let due = told_by_debit(debit).join(", ");
    let said = told_by_journal(id, journal)?;
    let journal = if said.is_empty() { "did nothing".to_owned() } else { said.join(", ") };
    found.check(journal == due, || Breach::Debit { debit: id, due, journal });
    Ok(())
}

fn told_by_debit(debit: &Debit) -> Vec<String> {
    let amount = debit.amount_fen;
    let mut told = vec![format!("reserved {amount}")];
    if let Some(payment) = debit.payment() {
        told.push(took(payment.amount_fen, &payment.trade_no));
    }
    if !debit.is_open() {
        told.push(format!("released {amount}"));
    }
    told
}

fn told_by_journal(debit: DebitId, journal: &[Entry]) -> Result<Vec<String>, MoneyError> {
    let mut told = Vec::new();
    for entry in journal {
        if entry.record().opened == Some(debit) {
            told.push(format!("reserved {}", reserved(entry)?));
        }
        if ended(entry) == Some(debit) {
            if let Cause::DebitPaid { trade_no, .. } = &entry.record().cause {
                told.push(took(entry.moved(Ledger::Alipay)?, trade_no));
            }
            told.push(format!("released {}", released(entry)?));
        }
    }
    Ok(told)
}

fn took(amount: Fen, trade_no: &str) -> String {
    format!("took {amount} by trade {trade_no}")
}

/// No more was withheld than was charged. Found money is not part of it: it was credited.
fn check_withheld(books: &Books, found: &mut Findings) -> Result<(), Breach> {
    let withheld = Fen::sum(books.journal.iter().map(withheld).collect::<Result<Vec<_>, _>>()?)?;
    // What was charged and credited later may have been withheld before.
    let charges = books.statements.iter().map(|statement| statement.charge_fen.max(Fen::ZERO));
    let charged = Fen::sum(charges)?;
    found.check(withheld <= charged, || Breach::Overdrawn { withheld, charged });
    Ok(())
}

/// What an entry withheld: taken by a debit, less what Alipay gave back of a debit without our
/// asking, which is owed again.
fn withheld(entry: &Entry) -> Result<Fen, MoneyError> {
    let of_debit = |number: &RefundRef| {
        let trade = TradeNumber::parse(number.out_trade_no.as_str());
        trade.is_some_and(|trade| matches!(trade.of, TradeOf::Debit { .. }))
    };
    match &entry.record().cause {
        Cause::DebitPaid { .. } => entry.moved(Ledger::Alipay),
        Cause::Reversed(number) if of_debit(number) => entry.moved(Ledger::Alipay),
        Cause::Reversed(_)
        | Cause::Charged { .. }
        | Cause::Recharged { .. }
        | Cause::RechargePaid { .. }
        | Cause::DebitFound { .. }
        | Cause::DebitExhausted { .. }
        | Cause::RefundAsked(_)
        | Cause::RefundDone(_)
        | Cause::RefundRefused(_) => Ok(Fen::ZERO),
    }
}
