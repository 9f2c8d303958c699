//! Compares what counted usage costs each provider now with what it would cost under other terms.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use steelyard_billing::{Account, CountedDays, MonthTerms, Provider, ProviderId, SettlementError};
use steelyard_pages::csv::{self, Cell, FileError};
use steelyard_pricing::{
    BillingDay, Catalog, Fen, Metered, MoneyError, Quote, QuoteError, Terms, Usage, UsageError,
};
use steelyard_runtime::{Error, chain};
use steelyard_store::ProviderAccount;

use crate::output;
use crate::tables::Tables;

/// How many of the largest rises, and of the largest falls, people see.
const SHOWN: usize = 10;

/// Billing days whose usage is rated, the last one included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Days {
    pub(crate) from: BillingDay,
    pub(crate) to: BillingDay,
}

/// A provider with the usage of some days.
#[derive(Debug)]
pub(crate) struct Counted {
    pub(crate) provider: Provider,
    account: Account,
    days: CountedDays,
}

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

impl Days {
    /// The usage of a provider. Each month ends with its last day here, used or not, so that its minimum and its
    /// fees are due, if the provider is billed then.
    ///
    /// # Errors
    ///
    /// When the table can't be read.
    pub(crate) async fn counted(
        self,
        tables: &Tables,
        plans: &Catalog,
        found: ProviderAccount,
    ) -> Result<Counted, Error> {
        let ProviderAccount { provider, account } = found;
        let days = tables.usage.days(&provider.provider, self.from, self.to).await?;
        let days = days.into_iter().map(|(day, count)| (day, count.usage));
        let mut days = days.collect::<CountedDays>();
        for day in self.month_ends() {
            if provider.terms_on(day, plans).is_some() {
                days.entry(day).or_default();
            }
        }
        Ok(Counted { provider, account, days })
    }

    fn month_ends(self) -> impl Iterator<Item = BillingDay> {
        let months = std::iter::successors(Some(self.from.month()), |month| Some(month.next()));
        let months = months.take_while(move |month| *month <= self.to.month());
        months.map(move |month| month.last_day().min(self.to))
    }
}

impl Counted {
    /// Whether the provider used nothing and is not billed.
    pub(crate) fn is_empty(&self) -> bool {
        self.days.is_empty()
    }

    /// How many calls it made, under whatever rate.
    ///
    /// # Errors
    ///
    /// [`UsageError`] past what can be counted.
    pub(crate) fn calls(&self) -> Result<u64, UsageError> {
        let mut all = self.days.values().flat_map(Usage::iter).map(|(_, metered)| metered);
        Ok(all.try_fold(Metered::ZERO, Metered::plus)?.calls.get())
    }

    /// The terms by which the months of the usage are billed with some plans. A settled day keeps its own.
    ///
    /// # Errors
    ///
    /// [`SettlementError`] when a settled day's terms are not stored any more.
    pub(crate) fn billed<'a>(
        &'a self,
        plans: &'a Catalog,
    ) -> Result<impl Fn(BillingDay) -> Option<Terms<'a>> + 'a, SettlementError> {
        let months = self.days.keys().map(|day| day.month()).collect::<BTreeSet<_>>();
        let terms = months
            .into_iter()
            .map(|month| Ok((month, MonthTerms::of(&self.provider, &self.account, month, plans)?)));
        let terms = terms.collect::<Result<BTreeMap<_, _>, SettlementError>>()?;
        Ok(move |day: BillingDay| terms.get(&day.month())?.on(day))
    }

    /// The cost of the usage under some terms, rounded as a bill is.
    ///
    /// # Errors
    ///
    /// [`QuoteError`] when it cannot be rated by them.
    pub(crate) fn cost<'a>(
        &self,
        terms_on: impl FnMut(BillingDay) -> Option<Terms<'a>>,
    ) -> Result<Fen, QuoteError> {
        Ok(Quote::of_days(&self.days, terms_on)?.rounded)
    }
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
