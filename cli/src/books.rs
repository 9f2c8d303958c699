//! Everything that is stored of a provider, read for an audit.

use std::collections::BTreeMap;

use futures::StreamExt;
use futures::stream;
use jiff::Timestamp;
use steelyard_billing::{
    Books, CountedDays, Debit, Mandate, ProviderCode, Recharge, Refund, Reversal, Unmatched,
};
use steelyard_pricing::{BillingDay, UsageError};
use steelyard_runtime::Error;
use steelyard_store::schema::REGISTRY_SHARDS;
use steelyard_store::{AccountPage, CountedReport, ProviderAccount};

use crate::tables::Tables;

/// How many providers are read at a time.
const PAGE: u16 = 100;

/// How many registry shards are read at the same time.
const SHARDS_AT_ONCE: usize = 8;

impl Tables {
    /// Every provider with its account, by id, and what of them cannot be read.
    ///
    /// # Errors
    ///
    /// When the table can't be read.
    pub async fn registry(&self) -> Result<AccountPage, Error> {
        let shards = stream::iter(0..REGISTRY_SHARDS).map(|shard| self.shard(shard));
        let mut registry = AccountPage::default();
        let mut read = shards.buffer_unordered(SHARDS_AT_ONCE);
        while let Some(shard) = read.next().await {
            let shard = shard?;
            registry.accounts.extend(shard.accounts);
            registry.unreadable.extend(shard.unreadable);
        }
        registry.accounts.sort_by(|one, other| one.provider.provider.cmp(&other.provider.provider));
        Ok(registry)
    }

    async fn shard(&self, shard: u8) -> Result<AccountPage, Error> {
        let mut all = AccountPage::default();
        loop {
            let page = self.billing.accounts(shard, all.next.as_deref(), PAGE).await?;
            all.accounts.extend(page.accounts);
            all.unreadable.extend(page.unreadable);
            all.next = page.next;
            if all.next.is_none() {
                return Ok(all);
            }
        }
    }

    /// The books of a provider, as they stood at one moment: read again when the account was
    /// written meanwhile. What no bill has shown yet is given, since it is stored by day.
    ///
    /// # Errors
    ///
    /// When a table, or an item, can't be read.
    pub async fn books(
        &self,
        mut found: ProviderAccount,
        unmatched: &[Unmatched],
    ) -> Result<Books, Error> {
        loop {
            let books = self.read_books(found, unmatched).await?;
            let id = &books.provider.provider;
            match self.billing.account(id).await? {
                Some(now) if now.account.version == books.account.version => return Ok(books),
                Some(now) => found = now,
                None => return Err(format!("provider `{id}` is gone").into()),
            }
        }
    }

    async fn read_books(
        &self,
        found: ProviderAccount,
        unmatched: &[Unmatched],
    ) -> Result<Books, Error> {
        let ProviderAccount { provider, account } = found;
        let id = &provider.provider;
        let reports = self.usage.reports(id).await?;
        let reported = sum(&reports)?;
        let from = provider.billed_from.first_day();
        let last = reported.keys().next_back().copied().unwrap_or(from);
        let through = last.month().next().last_day();
        let counted = self.usage.counted(id, from, through).await?;
        let (debits, mut filed) = self.billing.all_filed::<Debit>(id).await?;
        let (mandates, of_mandates) = self.billing.all_filed::<Mandate>(id).await?;
        let (recharges, of_recharges) = self.billing.all_filed::<Recharge>(id).await?;
        let (refunds, of_refunds) = self.billing.all_filed::<Refund>(id).await?;
        let (reversals, of_reversals) = self.billing.all_filed::<Reversal>(id).await?;
        for others in [of_mandates, of_recharges, of_refunds, of_reversals] {
            filed.extend(others);
        }
        let mut owners = Vec::new();
        for agreement_no in mandates.iter().filter_map(|mandate| mandate.agreement_no.as_ref()) {
            owners.extend(self.billing.agreement_owner(agreement_no).await?);
        }
        Ok(Books {
            counted: counted.days,
            registration: counted.registration,
            reported,
            counted_at: counted_at(&reports),
            statements: self.billing.statements(id).await?,
            journal: self.billing.journal(id).await?,
            code: self.billing.provider_of(&ProviderCode::of(id)).await?,
            unmatched: unmatched.iter().filter(|of| of.provider == *id).cloned().collect(),
            owners,
            filed,
            debits,
            mandates,
            recharges,
            refunds,
            reversals,
            provider,
            account,
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

/// When the last report of each day was counted.
fn counted_at(reports: &[CountedReport]) -> BTreeMap<BillingDay, Timestamp> {
    let mut days = BTreeMap::new();
    for report in reports {
        for day in report.counted.keys() {
            let last = days.entry(*day).or_insert(report.counted_at_s);
            *last = report.counted_at_s.max(*last);
        }
    }
    days
}
