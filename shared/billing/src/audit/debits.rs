//! A debit reserves its amount once; paid, it takes it once; given up, it releases it once.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use steelyard_pricing::{Fen, MoneyError};

use super::journal::{ended, sent};
use super::text::shown;
use super::{Audited, Books, Breach, BreachKind, Findings};
use crate::journal::{Cause, Entry, Ledger};
use crate::{
    Debit, DebitId, DebitRules, Mandate, MandateInUse, Phase, RefundRef, TradeNumber, TradeOf,
    Withheld,
};

pub(super) fn audit(audited: &Audited<'_>, found: &mut Findings) -> Result<(), Breach> {
    let Audited { books, rules, .. } = audited;
    check_stored(books, found);
    check_numbers(books, found);
    check_open(books, found);
    check_mandate(books, found);
    for debit in &books.debits {
        check_terms(debit, found);
        check_debit(debit, &books.journal, found)?;
    }
    check_last_debits(books, found);
    check_reserved(books, found)?;
    check_withheld(books, rules, found)?;
    check_overdrawn(books, found)
}

fn place(debit: DebitId) -> String {
    format!("debit {debit}")
}

/// Every debit that the journal names is stored, and none twice.
fn check_stored(books: &Books, found: &mut Findings) {
    let mut stored = BTreeSet::new();
    for Debit { debit, .. } in &books.debits {
        found.check(stored.insert(*debit), || {
            let (stated, actual) = ("its number is its own", "another debit has it");
            Breach::new(BreachKind::DebitTwice, place(*debit), stated, actual)
        });
    }
    for entry in &books.journal {
        for debit in sent(entry).into_iter().chain(ended(entry)) {
            // One that is gone is reported once.
            found.check(!stored.insert(debit), || {
                let stated = format!("journal entry {} names it", entry.record().number);
                Breach::new(BreachKind::DebitGone, place(debit), stated, "it is not stored")
            });
        }
    }
}

/// No two attempts have one number.
fn check_numbers(books: &Books, found: &mut Findings) {
    let mut sent = BTreeMap::new();
    for debit in &books.debits {
        for attempt in &debit.attempts {
            let before = sent.insert(&attempt.out_trade_no, debit.debit);
            let Some(before) = before else { continue };
            found.check(false, || {
                let stated = format!("an attempt of debit {before} has it");
                let actual = format!("another attempt, of debit {}, has it", debit.debit);
                let number = format!("the number {}", attempt.out_trade_no);
                Breach::new(BreachKind::OutTradeNo, number, stated, actual)
            });
        }
    }
}

/// The open debits are the one that the account names.
fn check_open(books: &Books, found: &mut Findings) {
    let open = books.debits.iter().filter(|debit| debit.is_open()).map(|debit| debit.debit);
    let open = open.collect::<BTreeSet<DebitId>>();
    let named = books.account.open_debit;
    found.check(open == named.into_iter().collect(), || {
        let stated = format!("its open debit is {}", shown(&named));
        let actual = format!("open debits are {}", shown(&open));
        Breach::new(BreachKind::OpenDebits, "the account", stated, actual)
    });
}

/// The mandate in use is the one that is active, as its record says; there is one at most.
fn check_mandate(books: &Books, found: &mut Findings) {
    let active = books.mandates.iter().filter_map(Mandate::in_use).collect::<Vec<_>>();
    let noted = books.provider.mandate.as_ref();
    let named = |mandate: &MandateInUse| {
        let MandateInUse { mandate, agreement_no, limit_fen, daily_limit_fen, .. } = mandate;
        let daily = daily_limit_fen.map_or(String::new(), |daily| format!(", {daily} a day"));
        format!("{mandate} ({agreement_no}, up to {limit_fen}{daily})")
    };
    let agrees = active.len() <= 1 && active.first() == noted;
    found.check(agrees, || {
        let stated = format!("its mandate in use is {}", shown(&noted.map(named)));
        let active = active.iter().map(named).collect::<Vec<_>>();
        let actual = format!("active mandates are {}", shown(&active));
        Breach::new(BreachKind::Mandate, "the provider", stated, actual)
    });
}

/// A debit has terms from when it is first sent, and is sent before it can be paid or given up.
fn check_terms(debit: &Debit, found: &mut Findings) {
    let is_sent = !debit.attempts.is_empty();
    let may_be = match debit.phase {
        Phase::Due => true,
        Phase::Withdrawn => !is_sent,
        Phase::Sending
        | Phase::InDoubt { .. }
        | Phase::Checking { .. }
        | Phase::Closing { .. }
        | Phase::Confirming { .. }
        | Phase::Held { .. }
        | Phase::Rechecking { .. }
        | Phase::Paid { .. }
        | Phase::GivenUp { .. } => is_sent,
    };
    found.check(may_be && debit.terms.is_some() == is_sent, || {
        let amount = debit.terms.as_ref().map(|terms| format!("{} yuan", terms.amount_fen));
        let attempts = debit.attempts.len();
        let stated = format!("it has {attempts} attempts and asks for {}", shown(&amount));
        let actual = format!("it is {}", debit.phase);
        Breach::new(BreachKind::DebitTerms, place(debit.debit), stated, actual)
    });
}

/// The journal says of a debit what it says of itself.
fn check_debit(debit: &Debit, journal: &[Entry], found: &mut Findings) -> Result<(), Breach> {
    let id = debit.debit;
    let asked = debit.terms.as_ref().map_or(Fen::ZERO, |terms| terms.amount_fen);
    let taken = debit.payment().map_or(asked, |payment| payment.amount_fen);
    found.check(taken == asked, || {
        let (stated, actual) = (format!("it took {taken} yuan"), format!("it asked for {asked}"));
        Breach::new(BreachKind::Taken, place(id), stated, actual)
    });
    let stated = listed(&told_by_debit(debit));
    let journal = listed(&told_by_journal(id, journal)?);
    found.check(journal == stated, || {
        let (stated, actual) = (format!("it {stated}"), format!("by the journal it {journal}"));
        Breach::new(BreachKind::Debit, place(id), stated, actual)
    });
    Ok(())
}

/// What collects a statement is the last debit that it names, or a later one. A supplement is of a
/// day whose own statement may have been collected before.
fn check_last_debits(books: &Books, found: &mut Findings) {
    let numbers = books.debits.iter().map(|debit| debit.debit.0);
    let highest = numbers.fold(books.account.debits, u64::max);
    for statement in &books.statements {
        let (id, last) = (statement.statement, statement.last_debit);
        let collects = |debit: &&Debit| {
            id.supplement == 0
                && debit.debit.0 < last
                && debit.terms.as_ref().is_some_and(|terms| terms.covers(id.day))
        };
        let collected = books.debits.iter().find(collects).map(|debit| debit.debit);
        found.check(collected.is_none() && last <= highest, || {
            let stated = format!("it was made when debit {last} was the last");
            let actual =
                format!("there are {highest}, and its first debit is {}", shown(&collected));
            Breach::new(BreachKind::LastDebit, format!("statement {id}"), stated, actual)
        });
    }
}

fn listed(told: &[String]) -> String {
    if told.is_empty() { "did nothing".to_owned() } else { told.join(", ") }
}

fn told_by_debit(debit: &Debit) -> Vec<String> {
    let Some(terms) = &debit.terms else { return Vec::new() };
    let mut told = vec![format!("reserved {}", terms.amount_fen)];
    if let Some(payment) = debit.payment() {
        told.push(took(payment.amount_fen, &payment.trade_no, debit.paid_at()));
    }
    if !debit.is_open() {
        told.push(format!("released {}", terms.amount_fen));
    }
    told
}

fn told_by_journal(debit: DebitId, journal: &[Entry]) -> Result<Vec<String>, MoneyError> {
    let mut told = Vec::new();
    for entry in journal {
        if sent(entry) == Some(debit) {
            told.push(format!("reserved {}", entry.moved(Ledger::Reserved)?));
        }
        if ended(entry) == Some(debit) {
            if let Cause::DebitPaid { trade_no, .. } = &entry.record().cause {
                let at = Some(entry.record().recorded_at_s);
                told.push(took(entry.moved(Ledger::Alipay)?, trade_no, at));
            }
            told.push(format!("released {}", entry.moved(Ledger::Reserved)?.negated()?));
        }
    }
    Ok(told)
}

fn took(amount: Fen, trade_no: &str, at: Option<Timestamp>) -> String {
    format!("took {amount} by trade {trade_no} at {}", shown(&at))
}

/// What is reserved is what open debits collect.
fn check_reserved(books: &Books, found: &mut Findings) -> Result<(), Breach> {
    let stated = books.account.figures.reserved();
    let actual = Fen::sum(books.debits.iter().map(Debit::reserved))?;
    found.check(stated == actual, || {
        let (stated, actual) =
            (format!("{stated} yuan are reserved"), format!("debits collect {actual}"));
        Breach::new(BreachKind::Reserved, "the account", stated, actual)
    });
    Ok(())
}

/// The sum that limits a day's debits is that of the last day on which one was sent that was paid.
fn check_withheld(books: &Books, rules: &DebitRules, found: &mut Findings) -> Result<(), Breach> {
    let mut actual: Option<Withheld> = None;
    for debit in &books.debits {
        let (Some(attempt), Some(terms)) = (debit.paid_attempt(), &debit.terms) else { continue };
        let (on, amount_fen) = (rules.today(attempt.sent_at_s), terms.amount_fen);
        let sum = match actual {
            Some(last) if last.on > on => continue,
            Some(last) if last.on == on => last.taken_fen,
            Some(_) | None => Fen::ZERO,
        };
        actual = Some(Withheld { on, taken_fen: sum.plus(amount_fen)? });
    }
    found.check(books.account.withheld == actual, || {
        let named = |Withheld { on, taken_fen }| format!("{taken_fen} yuan withheld on {on}");
        let stated = format!("it notes {}", shown(&books.account.withheld.map(named)));
        let actual = format!("the debits say {}", shown(&actual.map(named)));
        Breach::new(BreachKind::Withheld, "the account", stated, actual)
    });
    Ok(())
}

/// No more was withheld than was charged. Found money is not part of it: it was credited.
fn check_overdrawn(books: &Books, found: &mut Findings) -> Result<(), Breach> {
    let withheld = Fen::sum(books.journal.iter().map(withheld).collect::<Result<Vec<_>, _>>()?)?;
    // What was charged and credited later may have been withheld before.
    let charges = books.statements.iter().map(|statement| statement.charge_fen.max(Fen::ZERO));
    let charged = Fen::sum(charges)?;
    found.check(withheld <= charged, || {
        let (stated, actual) = (format!("{withheld} yuan withheld"), format!("{charged} charged"));
        Breach::new(BreachKind::Overdrawn, "all debits", stated, actual)
    });
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
        | Cause::DebitSent { .. }
        | Cause::DebitGivenUp { .. }
        | Cause::RefundAsked(_)
        | Cause::RefundDone(_)
        | Cause::RefundRefused(_)
        | Cause::Deposit(_) => Ok(Fen::ZERO),
    }
}
