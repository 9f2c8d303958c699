//! The journal makes the account what it is, and charges what the statements charge.

use std::collections::BTreeMap;

use steelyard_pricing::{Catalog, Fen, MoneyError};

use super::text::chain;
use super::{Books, Breach, Findings};
use crate::account::Figures;
use crate::journal::{Cause, Entry, Ledger};
use crate::{DebitId, StatementId};

pub(super) fn audit(books: &Books, _: &Catalog, found: &mut Findings) -> Result<(), Breach> {
    if let Err(breach) = check_figures(books, found) {
        found.0.push(breach);
    }
    check_recharges(books, found);
    for entry in &books.journal {
        check_postings(entry, found)?;
    }
    check_charges(books, found)
}

/// The figures are those that the entries come to, each numbered once and without a gap.
fn check_figures(books: &Books, found: &mut Findings) -> Result<(), Breach> {
    let mut rebuilt = Figures::default();
    for (expected, entry) in (1..).zip(&books.journal) {
        if entry.record().number != expected {
            return Err(Breach::JournalGap { expected });
        }
        rebuilt = rebuilt
            .after(entry)
            .map_err(|error| Breach::Rules { entry: expected, why: chain(&error) })?;
    }
    let (noted, stored) = (books.account.entries, books.account.figures);
    let last = books.journal.last().map_or(0, |entry| entry.record().number);
    found.check(noted == last, || Breach::JournalEnd { noted, last });
    found.check(rebuilt == stored, || Breach::Figures { rebuilt, stored });
    Ok(())
}

fn check_recharges(books: &Books, found: &mut Findings) {
    let mut booked = BTreeMap::new();
    for record in books.journal.iter().map(Entry::record) {
        let Cause::Recharged { reference } = &record.cause else { continue };
        let second = record.number;
        let first = *booked.entry(reference).or_insert(second);
        found.check(first == second, || Breach::RechargeTwice {
            reference: reference.clone(),
            first,
            second,
        });
    }
}

/// An entry moves money only as its cause does: money comes in, goes out or is earned on the ledgers
/// that the cause is about, and is reserved or released only for a debit.
fn check_postings(entry: &Entry, found: &mut Findings) -> Result<(), Breach> {
    let (cause, about) = about(&entry.record().cause);
    let mut check = |ledger: Ledger, posted: Fen, holds: bool| {
        let number = entry.record().number;
        found.check(holds, || Breach::Postings { entry: number, cause, ledger, posted });
    };
    for ledger in
        [Ledger::Revenue, Ledger::Bank, Ledger::Alipay, Ledger::Refunding, Ledger::Goodwill]
    {
        let posted = entry.moved(ledger)?;
        let rule = about.iter().find(|(about, _)| *about == ledger).map_or(Sign::Zero, |of| of.1);
        check(ledger, posted, rule.allows(posted));
    }
    let (reserved, released) = (reserved(entry)?, released(entry)?);
    let ends_debit = ended(entry).is_some();
    check(Ledger::Reserved, reserved, reserved.is_positive() == entry.record().opened.is_some());
    check(Ledger::Reserved, released.negated()?, released.is_positive() == ends_debit);
    Ok(())
}

/// What a posting may be.
#[derive(Clone, Copy)]
enum Sign {
    Positive,
    Negative,
    NotZero,
    NotNegative,
    NotPositive,
    Zero,
}

impl Sign {
    fn allows(self, posted: Fen) -> bool {
        match self {
            Sign::Positive => posted.is_positive(),
            Sign::Negative => posted.is_negative(),
            Sign::NotZero => !posted.is_zero(),
            Sign::NotNegative => !posted.is_negative(),
            Sign::NotPositive => !posted.is_positive(),
            Sign::Zero => posted.is_zero(),
        }
    }
}

/// What a cause is, and what it posts on which ledger beside the account's own.
fn about(cause: &Cause) -> (&'static str, &'static [(Ledger, Sign)]) {
    match cause {
        Cause::Charged { .. } => ("a charge", &[(Ledger::Revenue, Sign::NotZero)]),
        Cause::Recharged { .. } => ("a recharge", &[(Ledger::Bank, Sign::Positive)]),
        Cause::RechargePaid { .. } => {
            ("a recharge through Alipay", &[(Ledger::Alipay, Sign::Positive)])
        }
        Cause::DebitPaid { .. } => ("a paid debit", &[(Ledger::Alipay, Sign::Positive)]),
        Cause::DebitFound { .. } => ("found money", &[(Ledger::Alipay, Sign::Positive)]),
        Cause::DebitExhausted { .. } => ("a debit that was given up", &[]),
        Cause::RefundAsked(_) => (
            "a refund that is asked for",
            &[(Ledger::Refunding, Sign::Negative), (Ledger::Goodwill, Sign::NotNegative)],
        ),
        Cause::RefundDone(_) => {
            ("a refund", &[(Ledger::Refunding, Sign::Positive), (Ledger::Alipay, Sign::Negative)])
        }
        Cause::RefundRefused(_) => (
            "a refused refund",
            &[(Ledger::Refunding, Sign::Positive), (Ledger::Goodwill, Sign::NotPositive)],
        ),
        Cause::Reversed(_) => ("a reversal", &[(Ledger::Alipay, Sign::Negative)]),
    }
}

/// The debit that the entry ended.
pub(super) fn ended(entry: &Entry) -> Option<DebitId> {
    match &entry.record().cause {
        Cause::DebitPaid { debit, .. } | Cause::DebitExhausted { debit } => Some(*debit),
        Cause::Charged { .. }
        | Cause::Recharged { .. }
        | Cause::RechargePaid { .. }
        | Cause::DebitFound { .. }
        | Cause::RefundAsked(_)
        | Cause::RefundDone(_)
        | Cause::RefundRefused(_)
        | Cause::Reversed(_) => None,
    }
}

/// What the entry reserved for the debit that it opened.
pub(super) fn reserved(entry: &Entry) -> Result<Fen, MoneyError> {
    let amounts = on_reserved(entry).filter(|amount| amount.is_positive());
    Fen::sum(amounts)
}

/// What the entry released of the debit that it ended.
pub(super) fn released(entry: &Entry) -> Result<Fen, MoneyError> {
    let amounts = on_reserved(entry).filter(|amount| amount.is_negative());
    Fen::sum(amounts)?.negated()
}

fn on_reserved(entry: &Entry) -> impl Iterator<Item = Fen> {
    let postings = entry.record().postings.iter();
    postings.filter(|posting| posting.ledger == Ledger::Reserved).map(|posting| posting.amount_fen)
}

/// What the journal says of a statement.
#[derive(Clone, Copy, Default)]
struct Charged {
    charge: Fen,
    from_prepaid: Fen,
}

fn check_charges(books: &Books, found: &mut Findings) -> Result<(), Breach> {
    let mut journal = charged(&books.journal)?;
    for statement in &books.statements {
        let id = statement.statement;
        let said = journal.remove(&id).unwrap_or_default();
        found.check(said.charge == statement.charge_fen, || Breach::Unjournaled {
            statement: id,
            charge: statement.charge_fen,
            journal: said.charge,
        });
        let stated = statement.from_prepaid_fen;
        found.check(said.from_prepaid == stated, || Breach::FromPrepaid {
            statement: id,
            stated,
            journal: said.from_prepaid,
        });
    }
    for (statement, Charged { charge, .. }) in journal {
        found.check(false, || Breach::StatementGone { statement, charge });
    }
    Ok(())
}

fn charged(journal: &[Entry]) -> Result<BTreeMap<StatementId, Charged>, MoneyError> {
    let mut statements: BTreeMap<StatementId, Charged> = BTreeMap::new();
    for entry in journal {
        let Cause::Charged { statement } = entry.record().cause else { continue };
        let sum = statements.entry(statement).or_default();
        sum.charge = sum.charge.minus(entry.moved(Ledger::Revenue)?)?;
        // A credit adds to what is prepaid; that is not paid from it.
        let from_prepaid = entry.moved(Ledger::Prepaid)?.max(Fen::ZERO);
        sum.from_prepaid = sum.from_prepaid.plus(from_prepaid)?;
    }
    Ok(statements)
}
