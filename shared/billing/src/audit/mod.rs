//! The audit: rebuilds a provider's account from its journal, and checks every invariant that
//! stored data can show.

mod adjustments;
mod books;
mod breach;
mod counted;
mod debits;
mod deposit;
mod due_index;
mod gateway;
mod journal;
mod lines;
mod overdue;
mod progress;
mod references;
mod statements;
mod text;
mod to_date;
mod vouchers;

use std::collections::BTreeSet;

use jiff::Timestamp;
use steelyard_pricing::{ApiName, BillingDay, Catalog, Usage};

pub use books::{Books, Filed};
pub use breach::{Breach, BreachKind};

use crate::DebitRules;

/// What the parts of the audit compare.
struct Audited<'a> {
    books: &'a Books,
    plans: &'a Catalog,
    rules: &'a DebitRules,
    now: Timestamp,
}

impl Audited<'_> {
    /// Whether reports of a day may have been deleted.
    fn has_expired(&self, day: BillingDay) -> bool {
        self.now >= self.rules.calendar.kept_until(day.month())
    }
}

/// One part of the audit; an error is the breach that it could not go on after.
type Part = fn(&Audited<'_>, &mut Findings) -> Result<(), Breach>;

const PARTS: [Part; 12] = [
    references::audit,
    counted::audit,
    statements::audit,
    progress::audit,
    vouchers::audit,
    journal::audit,
    adjustments::audit,
    debits::audit,
    gateway::audit,
    deposit::audit,
    due_index::audit,
    overdue::audit,
];

/// Every invariant that the books break; none if they are in order.
///
/// Take `now` before the books are read: what was stored since is in time.
#[must_use]
pub fn audit(books: &Books, plans: &Catalog, rules: &DebitRules, now: Timestamp) -> Vec<Breach> {
    let audited = Audited { books, plans, rules, now };
    let mut found = Findings(Vec::new());
    for part in PARTS {
        if let Err(breach) = part(&audited, &mut found) {
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
