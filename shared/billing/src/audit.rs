//! The audit: rebuilds a provider's account from its journal, and checks every invariant that
//! stored data can show.

use std::collections::BTreeMap;

use steelyard_pricing::{
    ApiName, BillingDay, BillingMonth, Calls, Catalog, ChargeError, Fen, MoneyError, Usage,
    UsageError, rate_month,
};
use thiserror::Error;

use crate::account::{Account, AccountError, Figures};
use crate::journal::{Cause, Entry, Ledger};
use crate::{CountedDays, Debit, DebitId, Provider, Statement, StatementId};

/// Everything that is stored of one provider.
#[derive(Clone, Debug)]
pub struct Books {
    /// The provider.
    pub provider: Provider,
    /// Its account.
    pub account: Account,
    /// Its statements, in any order.
    pub statements: Vec<Statement>,
    /// Its journal entries, in the order of their numbers.
    pub journal: Vec<Entry>,
    /// Its debits, in any order.
    pub debits: Vec<Debit>,
    /// What its counters say.
    pub counted: CountedDays,
    /// What the reports that were counted carried, summed.
    pub reported: CountedDays,
}

/// An invariant that stored data breaks.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Breach {
    /// The counters and the reports behind them differ.
    #[error("{day}: {api} has {counted} calls in the counters and {reported} in the reports")]
    Counted {
        /// The day.
        day: BillingDay,
        /// The API.
        api: ApiName,
        /// What the counters say.
        counted: Calls,
        /// What the reports sum to.
        reported: Calls,
    },
    /// A statement's lines do not sum to its charge.
    #[error("statement {statement}: lines of {lines} yuan for a charge of {charge}")]
    Lines {
        /// The statement.
        statement: StatementId,
        /// What the lines sum to.
        lines: Fen,
        /// What is charged.
        charge: Fen,
    },
    /// A line does not follow from its slices and its rounding.
    #[error("statement {statement}: line `{rate}` does not follow from its slices")]
    Slices {
        /// The statement.
        statement: StatementId,
        /// The rate of the line.
        rate: String,
    },
    /// A statement does not continue the month where the one before it ended.
    #[error("statement {statement}: {what} continues from {stated}, but stood at {actual}")]
    Chain {
        /// The statement.
        statement: StatementId,
        /// What does not continue.
        what: String,
        /// What the statement says it was before.
        stated: String,
        /// What it was.
        actual: String,
    },
    /// A month's statements do not sum to the rounded price of its counts.
    #[error("{month}: charged {charged} yuan, but its calls come to {rated}")]
    Month {
        /// The month.
        month: BillingMonth,
        /// The sum of the statements.
        charged: Fen,
        /// The rounded price.
        rated: Fen,
    },
    /// A plan that a statement names is gone.
    #[error("statement {statement} was made under a plan that is not stored")]
    PlanGone {
        /// The statement.
        statement: StatementId,
    },
    /// More calls were charged than were counted.
    #[error("{month}: {rated} calls of {api} were charged, but {counted} were counted")]
    Overcharged {
        /// The month.
        month: BillingMonth,
        /// The API.
        api: ApiName,
        /// What was charged.
        rated: Calls,
        /// What was counted.
        counted: Calls,
    },
    /// The journal has a gap, or an entry twice.
    #[error("journal entry {expected} is missing or doubled")]
    JournalGap {
        /// The number that should stand there.
        expected: u64,
    },
    /// The account's figures do not follow from its journal.
    #[error("the journal makes the account {rebuilt:?}, but it is {stored:?}")]
    Figures {
        /// What the journal comes to.
        rebuilt: Figures,
        /// What is stored.
        stored: Figures,
    },
    /// A statement and the journal do not agree on what was charged.
    #[error("statement {statement} charges {charge} yuan, but the journal says {journal}")]
    Unjournaled {
        /// The statement.
        statement: StatementId,
        /// What the statement charges.
        charge: Fen,
        /// What the journal says.
        journal: Fen,
    },
    /// A debit and the journal do not agree on what it reserved, took or released.
    #[error("debit {debit} of {amount} yuan: the journal says that it {what}")]
    Debit {
        /// The debit.
        debit: DebitId,
        /// Its amount.
        amount: Fen,
        /// What the journal says instead of what is due.
        what: String,
    },
    /// The open debits are not the one that the account names.
    #[error("the account names {named:?} as its open debit, but {open:?} are open")]
    OpenDebits {
        /// What the account says.
        named: Option<DebitId>,
        /// The debits that are open.
        open: Vec<DebitId>,
    },
    /// More was withheld than was charged.
    #[error("{withheld} yuan were withheld, but only {charged} were charged")]
    Overdrawn {
        /// What was withheld.
        withheld: Fen,
        /// What was charged.
        charged: Fen,
    },
    /// A sum cannot be computed.
    #[error("a sum leaves its range: {0}")]
    Range(String),
}

/// Every invariant that the books break; none if they are in order.
#[must_use]
pub fn audit(books: &Books, plans: &Catalog) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let parts: [fn(&Books, &Catalog, &mut Vec<Breach>) -> Result<(), Breach>; 4] =
        [audit_counters, audit_statements, audit_journal, audit_debits];
    for part in parts {
        if let Err(breach) = part(books, plans, &mut breaches) {
            breaches.push(breach);
        }
    }
    breaches
}

impl From<MoneyError> for Breach {
    fn from(error: MoneyError) -> Breach {
        Breach::Range(error.to_string())
    }
}

impl From<UsageError> for Breach {
    fn from(error: UsageError) -> Breach {
        Breach::Range(error.to_string())
    }
}

impl From<ChargeError> for Breach {
    fn from(error: ChargeError) -> Breach {
        Breach::Range(error.to_string())
    }
}

impl From<AccountError> for Breach {
    fn from(error: AccountError) -> Breach {
        Breach::Range(error.to_string())
    }
}

fn audit_counters(books: &Books, _: &Catalog, breaches: &mut Vec<Breach>) -> Result<(), Breach> {
    let empty = Usage::new();
    for day in union(books.counted.keys(), books.reported.keys()) {
        let counted = books.counted.get(&day).unwrap_or(&empty);
        let reported = books.reported.get(&day).unwrap_or(&empty);
        for api in union(counted.iter().map(|(api, _)| api), reported.iter().map(|(api, _)| api)) {
            let (counted, reported) = (counted.of(&api), reported.of(&api));
            if counted != reported {
                breaches.push(Breach::Counted { day, api, counted, reported });
            }
        }
    }
    Ok(())
}

fn union<'a, T: Ord + Clone + 'a>(
    a: impl Iterator<Item = &'a T>,
    b: impl Iterator<Item = &'a T>,
) -> Vec<T> {
    a.chain(b).cloned().collect::<std::collections::BTreeSet<T>>().into_iter().collect()
}

fn audit_statements(
    books: &Books,
    plans: &Catalog,
    breaches: &mut Vec<Breach>,
) -> Result<(), Breach> {
    let mut months: BTreeMap<BillingMonth, Vec<&Statement>> = BTreeMap::new();
    for statement in &books.statements {
        months.entry(statement.statement.day.month()).or_default().push(statement);
    }
    for (month, mut statements) in months {
        statements.sort_by_key(|statement| statement.statement);
        audit_month(books, plans, month, &statements, breaches)?;
    }
    Ok(())
}

fn audit_month(
    books: &Books,
    plans: &Catalog,
    month: BillingMonth,
    statements: &[&Statement],
    breaches: &mut Vec<Breach>,
) -> Result<(), Breach> {
    let mut charged = Fen::ZERO;
    let mut rated = Usage::new();
    for statement in statements {
        audit_lines(statement, breaches)?;
        if statement.charged_before_fen != charged {
            breaches.push(Breach::Chain {
                statement: statement.statement,
                what: "the charge".to_owned(),
                stated: statement.charged_before_fen.to_string(),
                actual: charged.to_string(),
            });
        }
        charged = charged.plus(statement.charge_fen)?;
        rated = continue_counts(statement, rated, breaches)?;
    }
    for (api, calls) in rated.iter() {
        let counted = counted_in(books, month, api)?;
        if calls > counted {
            breaches.push(Breach::Overcharged { month, api: api.clone(), rated: calls, counted });
        }
    }
    let Some(last) = statements.last() else { return Ok(()) };
    let plan = plans
        .in_force(&last.plan, last.plan_version)
        .filter(|plan| plan.effective_from() == last.plan_version)
        .ok_or(Breach::PlanGone { statement: last.statement })?;
    let price = rate_month(plan, &rated)?.to_fen_half_up()?;
    let noted = books.account.months.get(&month).map(|progress| progress.to_date.charged_fen);
    if price != charged || noted.is_some_and(|noted| noted != charged) {
        breaches.push(Breach::Month { month, charged, rated: price });
    }
    Ok(())
}

fn audit_lines(statement: &Statement, breaches: &mut Vec<Breach>) -> Result<(), Breach> {
    let lines = statement.lines_fen()?;
    if lines != statement.charge_fen {
        breaches.push(Breach::Lines {
            statement: statement.statement,
            lines,
            charge: statement.charge_fen,
        });
    }
    for line in &statement.lines {
        let mut exact = steelyard_pricing::Yuan::ZERO;
        for slice in &line.slices {
            let units = slice.to - slice.from;
            exact = exact.plus(slice.unit_price.times(units)?.plus(slice.flat_fee)?)?;
        }
        if exact != line.exact_yuan || exact.plus(line.rounding_yuan)? != line.charge_fen.into() {
            breaches.push(Breach::Slices {
                statement: statement.statement,
                rate: line.rate.to_string(),
            });
        }
    }
    Ok(())
}

/// The month's counts with those of one more statement.
fn continue_counts(
    statement: &Statement,
    mut rated: Usage,
    breaches: &mut Vec<Breach>,
) -> Result<Usage, Breach> {
    let counts = statement.lines.iter().flat_map(|line| &line.apis).chain(&statement.unpriced);
    for count in counts {
        if count.before != rated.of(&count.api) {
            breaches.push(Breach::Chain {
                statement: statement.statement,
                what: count.api.to_string(),
                stated: count.before.to_string(),
                actual: rated.of(&count.api).to_string(),
            });
        }
        rated.add(count.api.clone(), count.new_calls())?;
    }
    Ok(rated)
}

fn counted_in(books: &Books, month: BillingMonth, api: &ApiName) -> Result<Calls, UsageError> {
    books
        .counted
        .range(month.first_day()..=month.last_day())
        .try_fold(Calls::ZERO, |sum, (_, usage)| sum.plus(usage.of(api)))
}

fn audit_journal(books: &Books, _: &Catalog, breaches: &mut Vec<Breach>) -> Result<(), Breach> {
    let mut figures = Figures::default();
    for (expected, entry) in (1..).zip(&books.journal) {
        if entry.record().number != expected {
            return Err(Breach::JournalGap { expected });
        }
        figures = figures.after(entry)?;
    }
    let last = books.journal.last().map_or(0, |entry| entry.record().number);
    if last != books.account.entries {
        breaches.push(Breach::JournalGap { expected: last.max(books.account.entries) });
    }
    if figures != books.account.figures {
        breaches.push(Breach::Figures { rebuilt: figures, stored: books.account.figures });
    }
    audit_charges(books, breaches)
}

fn audit_charges(books: &Books, breaches: &mut Vec<Breach>) -> Result<(), Breach> {
    let mut journaled: BTreeMap<StatementId, Fen> = BTreeMap::new();
    for entry in &books.journal {
        if let Cause::Charged { statement } = entry.record().cause {
            let revenue = entry.moved(Ledger::Revenue)?.negated()?;
            let sum = journaled.get(&statement).copied().unwrap_or(Fen::ZERO).plus(revenue)?;
            journaled.insert(statement, sum);
        }
    }
    for statement in &books.statements {
        let journal = journaled.remove(&statement.statement).unwrap_or(Fen::ZERO);
        if journal != statement.charge_fen {
            breaches.push(Breach::Unjournaled {
                statement: statement.statement,
                charge: statement.charge_fen,
                journal,
            });
        }
    }
    for (statement, journal) in journaled {
        breaches.push(Breach::Unjournaled { statement, charge: Fen::ZERO, journal });
    }
    Ok(())
}

fn audit_debits(books: &Books, _: &Catalog, breaches: &mut Vec<Breach>) -> Result<(), Breach> {
    for debit in &books.debits {
        audit_debit(books, debit, breaches)?;
    }
    let open = books
        .debits
        .iter()
        .filter(|debit| debit.is_open())
        .map(|debit| debit.debit)
        .collect::<Vec<_>>();
    let named = books.account.open_debit;
    if open != named.into_iter().collect::<Vec<_>>() {
        breaches.push(Breach::OpenDebits { named, open });
    }
    let withheld = books
        .journal
        .iter()
        .try_fold(Fen::ZERO, |sum, entry| sum.plus(entry.moved(Ledger::Alipay)?))?;
    let charges = books.statements.iter().map(|statement| statement.charge_fen.max(Fen::ZERO));
    let charged = Fen::sum(charges)?;
    if withheld > charged {
        breaches.push(Breach::Overdrawn { withheld, charged });
    }
    Ok(())
}

/// A debit reserves its amount once; paid, it takes it once; exhausted, it releases it once.
fn audit_debit(books: &Books, debit: &Debit, breaches: &mut Vec<Breach>) -> Result<(), Breach> {
    let mut found = Vec::new();
    for entry in &books.journal {
        let record = entry.record();
        if record.opened == Some(debit.debit) {
            found.push(format!("reserved {}", reserved_for_opening(entry)?));
        }
        match &record.cause {
            Cause::DebitPaid { debit: ended, .. } if *ended == debit.debit => {
                found.push(format!("took {}", entry.moved(Ledger::Alipay)?));
            }
            Cause::DebitExhausted { debit: ended } if *ended == debit.debit => {
                found.push(format!("released {}", entry.moved(Ledger::Reserved)?.negated()?));
            }
            Cause::Charged { .. }
            | Cause::Recharged { .. }
            | Cause::DebitPaid { .. }
            | Cause::DebitExhausted { .. } => {}
        }
    }
    let amount = debit.amount_fen;
    let mut due = vec![format!("reserved {amount}")];
    match (debit.is_open(), debit.payment()) {
        (true, _) => {}
        (false, Some(payment)) => due.push(format!("took {}", payment.amount_fen)),
        (false, None) => due.push(format!("released {amount}")),
    }
    if found != due {
        breaches.push(Breach::Debit { debit: debit.debit, amount, what: found.join(", ") });
    }
    Ok(())
}

/// What an entry reserved for the debit that it opened; what it released for another doesn't count.
fn reserved_for_opening(entry: &Entry) -> Result<Fen, MoneyError> {
    let postings = entry.record().postings.iter();
    Fen::sum(
        postings
            .filter(|posting| {
                posting.ledger == Ledger::Reserved && posting.amount_fen.is_positive()
            })
            .map(|posting| posting.amount_fen),
    )
}
