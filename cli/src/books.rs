//! Everything that is stored of a provider, read for an audit.

use std::collections::BTreeMap;

use steelyard_billing::{Books, CountedDays};
use steelyard_pricing::UsageError;
use steelyard_runtime::Error;
use steelyard_store::schema::REGISTRY_SHARDS;
use steelyard_store::{CountedReport, ProviderAccount};

use crate::tables::Tables;

/// How many providers are read at a time.
const PAGE: u16 = 100;

impl Tables {
    /// Every provider with its account, by id.
    ///
    /// # Errors
    ///
    /// When the table can't be read.
    pub async fn customers(&self) -> Result<Vec<ProviderAccount>, Error> {
        let mut customers = BTreeMap::new();
        for shard in 0..REGISTRY_SHARDS {
            let mut after = None;
            loop {
                let page = self.billing.customers(shard, after.as_ref(), PAGE).await?;
                customers
                    .extend(page.customers.into_iter().map(|c| (c.provider.provider.clone(), c)));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(customers.into_values().collect())
    }

    /// The books of a provider, as they stood at one moment: read again when the account was
    /// written meanwhile.
    ///
    /// # Errors
    ///
    /// When a table can't be read.
    pub async fn books(&self, mut customer: ProviderAccount) -> Result<Books, Error> {
        loop {
            let books = self.read_books(customer).await?;
            let id = &books.provider.provider;
            match self.billing.customer(id).await? {
                Some(now) if now.account.version == books.account.version => return Ok(books),
                Some(now) => customer = now,
                None => return Err(format!("provider `{id}` is gone").into()),
            }
        }
    }

    async fn read_books(&self, customer: ProviderAccount) -> Result<Books, Error> {
        let id = customer.provider.provider.clone();
        let reported = sum(&self.usage.reports(&id).await?)?;
        let from = customer.provider.billed_from.first_day();
        let last = reported.keys().next_back().copied().unwrap_or(from);
        Ok(Books {
            counted: self.usage.counted(&id, from, last.month().next().last_day()).await?,
            reported,
            statements: self.billing.statements(&id).await?,
            journal: self.billing.journal(&id).await?,
            debits: self.billing.all(&id).await?,
            mandates: self.billing.all(&id).await?,
            recharges: self.billing.all(&id).await?,
            refunds: self.billing.all(&id).await?,
            reversals: self.billing.all(&id).await?,
            provider: customer.provider,
            account: customer.account,
        })
    }
}

/// What reports carried, day by day.
fn sum(reports: &[CountedReport]) -> Result<CountedDays, UsageError> {
    let mut days = CountedDays::new();
    for report in reports {
        for (day, usage) in &report.counted {
            let sum = days.entry(*day).or_default();
            *sum = sum.plus(usage)?;
        }
    }
    Ok(days)
}
