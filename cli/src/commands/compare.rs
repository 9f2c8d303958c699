//! Compares what counted usage costs each provider now with what it would cost under other terms.

use std::collections::BTreeSet;

use serde::Serialize;
use steelyard_billing::ProviderId;
use steelyard_pages::csv::{self, Cell, FileError};
use steelyard_pricing::{Fen, MoneyError};
use steelyard_runtime::{Error, chain};

use crate::output;

/// How many of the largest rises, and of the largest falls, people see.
const SHOWN: usize = 10;

/// The cost of usage now and under a draft, in fen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Sums {
    now_fen: Fen,
    draft_fen: Fen,
    change_fen: Fen,
}

/// The change for one provider.
#[derive(Debug, Serialize)]
struct Change {
    provider: ProviderId,
    #[serde(flatten)]
    sums: Sums,
}

/// The changes for all providers, the largest rise first.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Changes {
    providers: Vec<Change>,
    sum: Sums,
    /// The providers whose usage can't be rated, each with the reason.
    failed: Vec<String>,
}

impl Sums {
    fn of(now_fen: Fen, draft_fen: Fen) -> Result<Sums, MoneyError> {
        Ok(Sums { now_fen, draft_fen, change_fen: draft_fen.minus(now_fen)? })
    }

    fn plus(self, other: Sums) -> Result<Sums, MoneyError> {
        Sums::of(self.now_fen.plus(other.now_fen)?, self.draft_fen.plus(other.draft_fen)?)
    }

    fn row(self, name: &str) -> [String; 4] {
        let sign = if self.change_fen.is_positive() { "+" } else { "" };
        let change = format!("{sign}{}", self.change_fen);
        [name.to_owned(), self.now_fen.to_string(), self.draft_fen.to_string(), change]
    }
}

impl Changes {
    /// Adds what a provider's usage costs now and by a draft, or why it cannot be rated.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when a sum leaves the range of amounts.
    pub(crate) fn add(
        &mut self,
        provider: &ProviderId,
        costs: Result<(Fen, Fen), Error>,
    ) -> Result<(), MoneyError> {
        match costs {
            Ok((now, draft)) => {
                let sums = Sums::of(now, draft)?;
                self.sum = self.sum.plus(sums)?;
                self.providers.push(Change { provider: provider.clone(), sums });
            }
            Err(error) => self.failed.push(format!("{provider}: {}", chain(&*error))),
        }
        Ok(())
    }

    /// All changes, in order.
    #[must_use]
    pub(crate) fn sorted(mut self) -> Changes {
        // Providers whose change is the same stay in the order of their ids.
        self.providers.sort_by_key(|change| std::cmp::Reverse(change.sums.change_fen));
        self
    }

    /// The changes for those that nothing keeps from them.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when a sum leaves the range of amounts.
    pub(crate) fn without(mut self, refused: &BTreeSet<ProviderId>) -> Result<Changes, MoneyError> {
        self.providers.retain(|change| !refused.contains(&change.provider));
        let mut sums = self.providers.iter().map(|change| change.sums);
        self.sum = sums.try_fold(Sums::default(), Sums::plus)?;
        Ok(self)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.providers.is_empty() && self.failed.is_empty()
    }

    pub(crate) fn is_well(&self) -> bool {
        self.failed.is_empty()
    }

    /// Prints the largest changes and the sum of all.
    ///
    /// # Errors
    ///
    /// When standard output can't be written, or a sum leaves the range of amounts.
    pub(crate) fn print(&self, draft: &str) -> Result<(), Error> {
        let mut table = output::table(["=provider", ">now", &format!(">{draft}"), ">change"]);
        let hidden = SHOWN..self.providers.len().saturating_sub(SHOWN).max(SHOWN);
        let mut others = Sums::default();
        for (place, change) in self.providers.iter().enumerate() {
            if hidden.contains(&place) {
                others = others.plus(change.sums)?;
            } else {
                table.add_row(change.sums.row(change.provider.as_str()));
            }
            if place + 1 == hidden.end && !hidden.is_empty() {
                table.add_row(others.row(&format!("… {} others", hidden.len())));
            }
        }
        table.add_row(self.sum.row("all"));
        output::print(table)
    }

    /// Prints who cannot be rated.
    ///
    /// # Errors
    ///
    /// When standard output can't be written.
    pub(crate) fn print_failed(&self) -> Result<(), Error> {
        self.failed.iter().try_for_each(|failed| output::print(format_args!("not rated: {failed}")))
    }

    /// Every change as a file for spreadsheets, amounts in yuan.
    ///
    /// # Errors
    ///
    /// [`FileError`] when the rows can't be written, which memory always allows.
    pub(crate) fn csv(&self) -> Result<Vec<u8>, FileError> {
        let rows = self.providers.iter().map(|Change { provider, sums }| {
            let amounts = [sums.now_fen, sums.draft_fen, sums.change_fen];
            let [now, draft, change] = amounts.map(|fen| Cell::Plain(fen.to_string()));
            [Cell::Text(provider.to_string()), now, draft, change]
        });
        csv::for_spreadsheets(&["provider", "now_yuan", "draft_yuan", "change_yuan"], rows)
    }
}
