//! The audit: rebuilds a provider's account from its journal, and checks every invariant that
//! stored data can show.

mod breach;
mod counters;
mod debits;
mod gateway;
mod journal;
mod lines;
mod progress;
mod statements;
mod text;
mod to_date;

use std::collections::BTreeSet;

use steelyard_pricing::{ApiName, Catalog, Usage};

pub use breach::Breach;

use crate::account::Account;
use crate::journal::Entry;
use crate::{
    CountedDays, Debit, Mandate, Provider, ProviderId, Recharge, Refund, Reversal, Statement,
};

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
    /// Its mandates, in any order.
    pub mandates: Vec<Mandate>,
    /// Its recharges through Alipay, in any order.
    pub recharges: Vec<Recharge>,
    /// What was given back to it by our decision, in any order.
    pub refunds: Vec<Refund>,
    /// What Alipay gave back though we did not ask, in any order.
    pub reversals: Vec<Reversal>,
    /// What its counters say.
    pub counted: CountedDays,
    /// What the reports that were counted carried, summed.
    pub reported: CountedDays,
}

/// One part of the audit; an error is the breach that it could not go on after.
type Part = fn(&Books, &Catalog, &mut Findings) -> Result<(), Breach>;

const PARTS: [Part; 6] = [
    counters::audit,
    statements::audit,
    progress::audit,
    journal::audit,
    debits::audit,
    gateway::audit,
];

/// Every invariant that the books break; none if they are in order.
#[must_use]
pub fn audit(books: &Books, plans: &Catalog) -> Vec<Breach> {
    let mut found = Findings(Vec::new());
    check_owners(books, &mut found);
    for part in PARTS {
        if let Err(breach) = part(books, plans, &mut found) {
            found.0.push(breach);
        }
    }
    found.0
}

/// The breaches found so far.
struct Findings(Vec<Breach>);

impl Findings {
    /// Notes the breach unless the invariant holds.
    fn check(&mut self, holds: bool, breach: impl FnOnce() -> Breach) {
        if !holds {
            self.0.push(breach());
        }
    }
}

/// Nothing in the books is another provider's.
fn check_owners(books: &Books, found: &mut Findings) {
    let mut check = |owner: &ProviderId, record: &dyn Fn() -> String| {
        found.check(*owner == books.provider.provider, || Breach::Foreign {
            record: record(),
            provider: books.provider.provider.clone(),
            owner: owner.clone(),
        });
    };
    check(&books.account.provider, &|| "the account".to_owned());
    for statement in &books.statements {
        check(&statement.provider, &|| format!("statement {}", statement.statement));
    }
    for record in books.journal.iter().map(Entry::record) {
        check(&record.provider, &|| format!("journal entry {}", record.number));
    }
    for debit in &books.debits {
        check(&debit.provider, &|| format!("debit {}", debit.debit));
    }
    for mandate in &books.mandates {
        check(&mandate.provider, &|| format!("mandate {}", mandate.mandate));
    }
    for recharge in &books.recharges {
        check(&recharge.provider, &|| format!("recharge {}", recharge.recharge));
    }
    for refund in &books.refunds {
        check(&refund.provider, &|| format!("refund {}", refund.number()));
    }
    for reversal in &books.reversals {
        check(&reversal.provider, &|| format!("reversal {}", reversal.number()));
    }
}

/// What is in one or in both, each once and in order.
fn union<'a, T: Ord + 'a>(
    one: impl IntoIterator<Item = &'a T>,
    other: impl IntoIterator<Item = &'a T>,
) -> BTreeSet<&'a T> {
    one.into_iter().chain(other).collect()
}

fn apis(usage: &Usage) -> impl Iterator<Item = &ApiName> {
    usage.iter().map(|(api, _)| api)
}
