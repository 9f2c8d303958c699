//! The two tables of usage and money, and all of a provider in them, read for an audit.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use futures::{StreamExt, TryStreamExt, stream};
use steelyard_billing::{
    Books, Debit, Mandate, ProviderCode, Recharge, Refund, Reversal, Unmatched,
};
use steelyard_store::schema::REGISTRY_SHARDS;
use steelyard_store::{
    AccountPage, BillingTable, ProviderAccount, RegistryEntry, RegistryShards, StoreError,
    Unreadable, UsageTable,
};

use crate::BookError;

/// How many registry shards are read at the same time.
const SHARDS_AT_ONCE: usize = 16;

/// The tables of usage and money.
#[derive(Clone, Debug)]
pub struct Tables {
    /// The usage table: reports and grants.
    pub usage: UsageTable,
    /// The billing table: all money, and every record of it.
    pub billing: BillingTable,
}

impl Tables {
    /// Makes both tables where no deployment has; those that exist are left as they are.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when DynamoDB refuses.
    pub async fn create(&self) -> Result<(), StoreError> {
        self.usage.create().await?;
        self.billing.create().await
    }

    /// Every provider with its account, by id, and what of them cannot be read, of all shards. A
    /// shard that has providers and is not named is reported: settlement passes it over.
    ///
    /// # Errors
    ///
    /// When the table can't be read.
    pub async fn registry(&self) -> Result<AccountPage, StoreError> {
        let RegistryShards { shards, unreadable } = self.billing.shards_in_use().await?;
        let others = REGISTRY_SHARDS.filter(|shard| !shards.contains(shard)).collect();
        let mut registry = self.listed(shards).await?;
        registry.unreadable.extend(unreadable);
        let passed_over = self.listed(others).await?;
        let not_named = |found: &ProviderAccount| Unreadable::not_named(&found.provider.provider);
        registry.unreadable.extend(passed_over.accounts.iter().map(not_named));
        registry.accounts.extend(passed_over.accounts);
        registry.unreadable.extend(passed_over.unreadable);
        registry.accounts.sort_by(by_id);
        Ok(registry)
    }

    /// The providers of some shards, by id.
    async fn listed(&self, shards: BTreeSet<u8>) -> Result<AccountPage, StoreError> {
        let walks = stream::iter(shards).map(|shard| self.billing.walk(shard, None));
        let mut entries = walks.flatten_unordered(SHARDS_AT_ONCE);
        let mut listed = AccountPage::default();
        while let Some(entry) = entries.try_next().await? {
            match entry {
                RegistryEntry::Account(account) => listed.accounts.push(*account),
                RegistryEntry::Unreadable(unreadable) => listed.unreadable.push(unreadable),
                RegistryEntry::End => {}
            }
        }
        listed.accounts.sort_by(by_id);
        Ok(listed)
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
    ) -> Result<Books, BookError> {
        loop {
            let books = self.read_books(found, unmatched).await?;
            let id = &books.provider.provider;
            match self.billing.account(id).await? {
                Some(now) if now.account.version == books.account.version => return Ok(books),
                Some(now) => found = now,
                None => return Err(BookError::NoProvider(id.clone())),
            }
        }
    }

    async fn read_books(
        &self,
        found: ProviderAccount,
        unmatched: &[Unmatched],
    ) -> Result<Books, BookError> {
        let ProviderAccount { provider, account } = found;
        let id = &provider.provider;
        let counted = self.usage.all_counted(id).await?;
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
            statements: self.billing.statements(id).await?,
            journal: self.billing.journal(id).await?,
            adjustments: self.billing.adjustments(id).await?,
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

fn by_id(one: &ProviderAccount, other: &ProviderAccount) -> Ordering {
    one.provider.provider.cmp(&other.provider.provider)
}
