//! The journal makes the account what it is, and charges what the statements charge.

use std::collections::BTreeMap;

use steelyard_pricing::{Fen, MoneyError};

use super::text::{shown, sums};
use super::{Audited, Books, Breach, BreachKind, Findings};
use crate::account::{Figures, Unpaid};
use crate::chain;
use crate::journal::{Cause, DepositMovement, Entry, Ledger};
use crate::{DebitId, Reference, StatementId};

pub(super) fn audit(audited: &Audited<'_>, found: &mut Findings) -> Result<(), Breach> {
    let Audited { books, .. } = audited;
    if let Err(breach) = check_figures(books, found) {
        found.0.push(breach);
    }
    check_recharges(books, found);
    for entry in &books.journal {
        check_postings(entry, found)?;
    }
    check_charges(books, found)
}

/// The figures are the sums of the entries, and each entry is numbered once and without a gap.
fn check_figures(books: &Books, found: &mut Findings) -> Result<(), Breach> {
    let (mut rebuilt, mut unpaid, mut given_up) =
        (Figures::default(), Unpaid::default(), Fen::ZERO);
    for (expected, entry) in (1..).zip(&books.journal) {
        let number = entry.record().number;
        if number != expected {
            let stated = format!("entry {number} follows entry {}", expected - 1);
            let actual = format!("entry {expected} is to follow it");
            return Err(Breach::new(BreachKind::JournalGap, "the journal", stated, actual));
        }
        rebuilt = rebuilt.after(entry).map_err(|error| {
            let stated = format!("the account held {} before it", sums(&rebuilt));
            Breach::new(
                BreachKind::Rules,
                place(entry),
                stated,
                format!("after it {}", chain(&error)),
            )
        })?;
        unpaid = unpaid.after(entry.owed_more()?, entry.record().recorded_at_s)?;
        given_up = entry.given_up_after(given_up)?;
    }
    let (noted, stored) = (books.account.entries, books.account.figures);
    let last = books.journal.last().map_or(0, |entry| entry.record().number);
    found.check(noted == last, || {
        let (stated, actual) =
            (format!("it counts {noted} entries"), format!("the last is {last}"));
        Breach::new(BreachKind::JournalEnd, "the account", stated, actual)
    });
    found.check(rebuilt == stored, || {
        let stated = format!("it holds {}", sums(&stored));
        let actual = format!("its journal amounts to {}", sums(&rebuilt));
        Breach::new(BreachKind::Figures, "the account", stated, actual)
    });
    let noted = &books.account.unpaid;
    found.check(unpaid == *noted, || {
        let stated = format!("it notes as unpaid {}", charges(noted));
        let actual = format!("its journal leaves {}", charges(&unpaid));
        Breach::new(BreachKind::Unpaid, "the account", stated, actual)
    });
    // An account of a version that did not note it says nothing that could be wrong.
    if let Some(noted) = books.account.given_up_fen {
        found.check(given_up == noted, || {
            let stated = format!("it notes {noted} yuan that debits gave up");
            let actual = format!("its journal leaves {given_up}");
            Breach::new(BreachKind::GivenUp, "the account", stated, actual)
        });
    }
    Ok(())
}

/// The charges that are not paid, as an operator reads them.
fn charges(unpaid: &Unpaid) -> String {
    let charges = unpaid.charges().iter();
    shown(
        &charges.map(|of| format!("{} of {}", of.amount_fen, of.charged_at_s)).collect::<Vec<_>>(),
    )
}

fn check_recharges(books: &Books, found: &mut Findings) {
    let mut booked = BTreeMap::new();
    for record in books.journal.iter().map(Entry::record) {
        let Some(reference) = reference(&record.cause) else { continue };
        let second = record.number;
        let first = *booked.entry(reference).or_insert(second);
        found.check(first == second, || {
            let place = format!("the recharge `{reference}`");
            let stated = format!("journal entry {first} booked it");
            let actual = format!("entry {second} booked it again");
            Breach::new(BreachKind::RechargeTwice, place, stated, actual)
        });
    }
}

/// The reference of a bank transfer: no two have the same.
fn reference(cause: &Cause) -> Option<&Reference> {
    match cause {
        Cause::Recharged { reference }
        | Cause::Deposit(
            DepositMovement::Transferred { reference } | DepositMovement::SentBack { reference },
        ) => Some(reference),
        Cause::Charged { .. }
        | Cause::DebitSent { .. }
        | Cause::DebitPaid { .. }
        | Cause::DebitGivenUp { .. }
        | Cause::RechargePaid { .. }
        | Cause::DebitFound { .. }
        | Cause::RefundAsked(_)
        | Cause::RefundDone(_)
        | Cause::RefundRefused(_)
        | Cause::Reversed(_)
        | Cause::Deposit(
            DepositMovement::Paid { .. }
            | DepositMovement::Drawn { .. }
            | DepositMovement::ReturnAsked(_)
            | DepositMovement::Returned(_)
            | DepositMovement::ReturnRefused(_)
            | DepositMovement::Reversed(_),
        ) => None,
    }
}

fn place(entry: &Entry) -> String {
    format!("journal entry {}", entry.record().number)
}

/// An entry moves money only as its cause does: money comes in, goes out or is earned on the
/// ledgers that the cause is about, and is reserved or released only for a debit.
fn check_postings(entry: &Entry, found: &mut Findings) -> Result<(), Breach> {
    let (cause, about) = about(&entry.record().cause);
    let mut check = |ledger: Ledger, posted: Fen, holds: bool| {
        found.check(holds, || {
            let actual = format!("it posts {posted} yuan on {ledger:?}");
            Breach::new(BreachKind::Postings, place(entry), format!("it is {cause}"), actual)
        });
    };
    for ledger in [
        Ledger::Revenue,
        Ledger::Bank,
        Ledger::Alipay,
        Ledger::Refunding,
        Ledger::Goodwill,
        Ledger::Reserved,
        Ledger::Deposit,
    ] {
        let posted = entry.moved(ledger)?;
        let rule = about.iter().find(|(about, _)| *about == ledger).map_or(Sign::Zero, |of| of.1);
        check(ledger, posted, rule.allows(posted));
    }
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
        Cause::DebitSent { .. } => ("a sent debit", &[(Ledger::Reserved, Sign::Positive)]),
        Cause::DebitPaid { .. } => (
            "a paid debit",
            &[(Ledger::Alipay, Sign::Positive), (Ledger::Reserved, Sign::Negative)],
        ),
        Cause::DebitFound { .. } => ("found money", &[(Ledger::Alipay, Sign::Positive)]),
        Cause::DebitGivenUp { .. } => {
            ("a debit that was given up", &[(Ledger::Reserved, Sign::Negative)])
        }
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
        Cause::Deposit(movement) => about_deposit(movement),
    }
}

fn about_deposit(movement: &DepositMovement) -> (&'static str, &'static [(Ledger, Sign)]) {
    match movement {
        DepositMovement::Paid { .. } => (
            "a payment of the deposit through Alipay",
            &[(Ledger::Alipay, Sign::Positive), (Ledger::Deposit, Sign::Negative)],
        ),
        DepositMovement::Transferred { .. } => (
            "a payment of the deposit",
            &[(Ledger::Bank, Sign::Positive), (Ledger::Deposit, Sign::Negative)],
        ),
        DepositMovement::Drawn { .. } => {
            ("a draw from the deposit", &[(Ledger::Deposit, Sign::Positive)])
        }
        DepositMovement::ReturnAsked(_) => (
            "a return of the deposit that is asked for",
            &[(Ledger::Refunding, Sign::Negative), (Ledger::Deposit, Sign::Positive)],
        ),
        DepositMovement::Returned(_) => (
            "a return of the deposit",
            &[(Ledger::Refunding, Sign::Positive), (Ledger::Alipay, Sign::Negative)],
        ),
        DepositMovement::ReturnRefused(_) => (
            "a refused return of the deposit",
            &[(Ledger::Refunding, Sign::Positive), (Ledger::Deposit, Sign::Negative)],
        ),
        DepositMovement::SentBack { .. } => (
            "a return of the deposit by a bank transfer",
            &[(Ledger::Bank, Sign::Negative), (Ledger::Deposit, Sign::Positive)],
        ),
        DepositMovement::Reversed(_) => (
            "a reversal of a payment of the deposit",
            &[(Ledger::Alipay, Sign::Negative), (Ledger::Deposit, Sign::NotNegative)],
        ),
    }
}

/// The debit that the entry reserved an amount for.
pub(super) fn sent(entry: &Entry) -> Option<DebitId> {
    match &entry.record().cause {
        Cause::DebitSent { debit } => Some(*debit),
        Cause::DebitPaid { .. }
        | Cause::DebitGivenUp { .. }
        | Cause::Charged { .. }
        | Cause::Recharged { .. }
        | Cause::RechargePaid { .. }
        | Cause::DebitFound { .. }
        | Cause::RefundAsked(_)
        | Cause::RefundDone(_)
        | Cause::RefundRefused(_)
        | Cause::Reversed(_)
        | Cause::Deposit(_) => None,
    }
}

/// The debit that the entry ended.
pub(super) fn ended(entry: &Entry) -> Option<DebitId> {
    match &entry.record().cause {
        Cause::DebitPaid { debit, .. } | Cause::DebitGivenUp { debit } => Some(*debit),
        Cause::DebitSent { .. }
        | Cause::Charged { .. }
        | Cause::Recharged { .. }
        | Cause::RechargePaid { .. }
        | Cause::DebitFound { .. }
        | Cause::RefundAsked(_)
        | Cause::RefundDone(_)
        | Cause::RefundRefused(_)
        | Cause::Reversed(_)
        | Cause::Deposit(_) => None,
    }
}

/// What the journal says of a statement.
#[derive(Clone, Copy, Default)]
struct Charged {
    entry: Option<u64>,
    charge: Fen,
    from_prepaid: Fen,
}

fn check_charges(books: &Books, found: &mut Findings) -> Result<(), Breach> {
    let mut journal = charged(&books.journal)?;
    for statement in &books.statements {
        let id = statement.statement;
        let said = journal.remove(&id).unwrap_or_default();
        let mut check = |kind, what: &str, stated: Fen, journal: Fen| {
            found.check(stated == journal, || {
                let stated = format!("{stated} yuan {what}");
                let actual = format!("{journal} by the journal");
                Breach::new(kind, format!("statement {id}"), stated, actual)
            });
        };
        check(BreachKind::Unjournaled, "charged", statement.charge_fen, said.charge);
        let prepaid = statement.from_prepaid_fen;
        check(BreachKind::FromPrepaid, "were prepaid", prepaid, said.from_prepaid);
        let is_missing = said.entry.is_none() && !statement.charge_fen.is_zero();
        found.check(is_missing || statement.entry == said.entry, || {
            let stated = format!("it is booked by entry {}", shown(&statement.entry));
            let actual = format!("the journal charges it by entry {}", shown(&said.entry));
            Breach::new(BreachKind::ChargedBy, format!("statement {id}"), stated, actual)
        });
    }
    for (statement, Charged { charge, .. }) in journal {
        let stated = format!("the journal charges {charge} yuan for it");
        let place = format!("statement {statement}");
        let gone = || Breach::new(BreachKind::StatementGone, place, stated, "it is not stored");
        found.check(false, gone);
    }
    Ok(())
}

fn charged(journal: &[Entry]) -> Result<BTreeMap<StatementId, Charged>, MoneyError> {
    let mut statements: BTreeMap<StatementId, Charged> = BTreeMap::new();
    for entry in journal {
        let Cause::Charged { statement } = entry.record().cause else { continue };
        let sum = statements.entry(statement).or_default();
        sum.entry = Some(entry.record().number);
        sum.charge = sum.charge.minus(entry.moved(Ledger::Revenue)?)?;
        // A credit adds to what is prepaid; that is not paid from it.
        let from_prepaid = entry.moved(Ledger::Prepaid)?.max(Fen::ZERO);
        sum.from_prepaid = sum.from_prepaid.plus(from_prepaid)?;
    }
    Ok(statements)
}
