//! The billing table: providers and accounts, statements, the journal, debits.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::TransactWriteItem;
use steelyard_billing::{
    Account, Debit, Entry, IdError, Movement, Provider, ProviderCode, ProviderId, Settlement,
    Statement, StatementId, Unmatched,
};

use crate::item::{from_item, keyed, number, string, text, to_item};
use crate::query::Range;
use crate::schema::{
    ENTRY_PREFIX, PROVIDER, STATEMENT_PREFIX, account_sk, code_pk, entry_sk, provider_pk,
    provider_sk, registry_pk, registry_shard, statement_sk, transfer_sk,
};
use crate::transact::{Item, Outcome, put_new, put_version, transact};
use crate::usage::{Registration, UsageTable};
use crate::{CommitError, MandateChange, StoreError};

/// The billing table.
#[derive(Clone, Debug)]
pub struct BillingTable {
    pub(crate) client: Client,
    pub(crate) table: String,
}

/// A provider with its account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderAccount {
    /// The provider.
    pub provider: Provider,
    /// Its account.
    pub account: Account,
}

/// Some of the providers of a registry shard.
#[derive(Clone, Debug)]
pub struct AccountPage {
    /// The providers, by id.
    pub customers: Vec<ProviderAccount>,
    /// The provider to go on after; none on the last page.
    pub next: Option<ProviderId>,
}

/// What became of something that is stored once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// It is stored now.
    New,
    /// It was stored before, just so.
    Before,
    /// Something else is stored under its name.
    Different,
}

const REGISTER: &str = "register a provider";
const UPDATE_PROVIDER: &str = "update a provider";
const LIST: &str = "list the providers of a shard";
const LOAD: &str = "read a provider and its account";
const SETTLE: &str = "store a settlement";
const END_DEBIT: &str = "store the end of a debit";
const TRANSFER: &str = "store a payment from outside of Alipay";
const READ_STATEMENTS: &str = "read statements";
const READ_JOURNAL: &str = "read the journal";

impl BillingTable {
    /// The table of that name.
    #[must_use]
    pub fn new(client: Client, table: String) -> BillingTable {
        BillingTable { client, table }
    }

    /// Registers a provider with an empty account, here and for counting, all or nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when a table fails.
    pub async fn register(
        &self,
        usage: &UsageTable,
        provider: &Provider,
    ) -> Result<Stored, StoreError> {
        let id = &provider.provider;
        let account = Account::new(provider);
        let Provider { billed_from, counter_shards, .. } = *provider;
        let registration = Registration { billed_from, counter_shards };
        let writes = vec![
            put_new(&self.table, self.provider_item(REGISTER, provider)?),
            put_new(&self.table, to_item(REGISTER, registry_pk_of(id), account_sk(id), &account)?),
            put_new(&self.table, code_item(id)),
            usage.registering(id, registration)?,
        ];
        match transact(&self.client, REGISTER, writes).await? {
            Outcome::Committed => Ok(Stored::New),
            Outcome::ConditionFailed(mut found) => match found.first_mut().and_then(Option::take) {
                Some(item) if from_item::<Provider>(REGISTER, item.clone())? == *provider => {
                    Ok(Stored::Before)
                }
                _ => Ok(Stored::Different),
            },
        }
    }

    /// Replaces what is known of a provider, with a new version of its account: a settlement that
    /// was decided by what was known before is stale then, as this is after a settlement.
    ///
    /// # Errors
    ///
    /// [`CommitError::Stale`] when its account was written since it was read.
    pub async fn update_provider(
        &self,
        customer: &ProviderAccount,
        provider: &Provider,
    ) -> Result<(), CommitError> {
        let before = customer.account.version;
        let account = Account { version: before + 1, ..customer.account.clone() };
        let writes = vec![
            self.putting_provider(UPDATE_PROVIDER, provider)?,
            self.putting_account(UPDATE_PROVIDER, &account, before)?,
        ];
        match self.commit(UPDATE_PROVIDER, writes).await {
            // It may be this write that changed the account, and its answer that was lost.
            Err(CommitError::Stale) if self.is_stored(provider).await? => Ok(()),
            committed => committed,
        }
    }

    async fn is_stored(&self, provider: &Provider) -> Result<bool, StoreError> {
        let found = self.customer(&provider.provider).await?;
        Ok(found.is_some_and(|found| found.provider == *provider))
    }

    /// Lists the providers of a registry shard with their accounts, at most `limit`, after one of
    /// them: one request a page.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn customers(
        &self,
        shard: u8,
        after: Option<&ProviderId>,
        limit: u16,
    ) -> Result<AccountPage, StoreError> {
        let range = Range::prefix(&self.table, registry_pk(shard), "");
        // Two items a provider; the one that sorts last is `provider`.
        let page = range
            .page(&self.client, LIST, after.map(provider_sk), Some(i32::from(limit) * 2))
            .await?;
        let mut customers = Vec::new();
        let mut items = page.items.into_iter();
        while let (Some(account), Some(provider)) = (items.next(), items.next()) {
            customers.push(ProviderAccount {
                provider: from_item(LIST, provider)?,
                account: from_item(LIST, account)?,
            });
        }
        // A page can end between the two items of a provider: it goes on after the last whole one.
        let next = match (page.next, customers.last()) {
            (Some(_), Some(last)) => Some(last.provider.provider.clone()),
            (Some(_), None) => return Err(StoreError::corrupt(LIST, "a page without a provider")),
            (None, _) => None,
        };
        Ok(AccountPage { customers, next })
    }

    /// Reads a provider with its account: one request.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn customer(
        &self,
        provider: &ProviderId,
    ) -> Result<Option<ProviderAccount>, StoreError> {
        let range = Range {
            table: &self.table,
            pk: registry_pk_of(provider),
            from: account_sk(provider),
            to: provider_sk(provider),
        };
        let mut items = range.all(&self.client, LOAD).await?.into_iter();
        match (items.next(), items.next()) {
            (Some(account), Some(provider)) => Ok(Some(ProviderAccount {
                provider: from_item(LOAD, provider)?,
                account: from_item(LOAD, account)?,
            })),
            _ => Ok(None),
        }
    }

    /// Which provider the numbers with a code are of: one request.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn provider_of(&self, code: &ProviderCode) -> Result<Option<ProviderId>, StoreError> {
        let range = Range::one(&self.table, code_pk(code), PROVIDER.to_owned());
        let Some(item) = range.all(&self.client, LOAD).await?.pop() else { return Ok(None) };
        let provider = text(LOAD, &item, PROVIDER)?.parse();
        provider.map(Some).map_err(|error: IdError| StoreError::corrupt(LOAD, error))
    }

    /// Stores a settlement in one transaction: the statement, the journal entry, the account, and
    /// the debit that was opened. Gives the account as it is stored.
    ///
    /// # Errors
    ///
    /// [`CommitError::Stale`] when the account was written since `before` was read, or the
    /// statement exists.
    pub async fn commit_settlement(
        &self,
        before: &Account,
        settlement: &Settlement,
    ) -> Result<Account, CommitError> {
        let statement = &settlement.statement;
        let sk = statement_sk(statement.statement);
        let item = to_item(SETTLE, provider_pk(&statement.provider), sk, statement)?;
        let mut writes = vec![put_new(&self.table, item)];
        let account = self.moving(SETTLE, before, &settlement.movement, &mut writes)?;
        self.commit(SETTLE, writes).await?;
        Ok(account)
    }

    /// Stores the end of a debit in one transaction: the debit, the account, the journal entry, the
    /// debit that was opened next, and the mandate if it found that no debit can be made under it. Gives
    /// the debit as it is stored.
    ///
    /// # Errors
    ///
    /// [`CommitError::Stale`] when the debit or the account was written since they were read.
    pub async fn commit_debit_end(
        &self,
        before: &Debit,
        after: &Debit,
        customer: &ProviderAccount,
        movement: &Movement,
        suspended: Option<&MandateChange>,
    ) -> Result<Debit, CommitError> {
        let (put, ended) = self.putting(END_DEBIT, Some(before), after)?;
        let mut writes = vec![put];
        self.moving(END_DEBIT, &customer.account, movement, &mut writes)?;
        if let Some(entry) = &movement.entry
            && let Some(taken) = Unmatched::of(entry, &after.paid_trade_no(), None)
                .map_err(|error| StoreError::corrupt(END_DEBIT, error))?
        {
            writes.push(self.putting_unmatched(END_DEBIT, &taken)?);
        }
        if let Some(suspended) = suspended {
            let mut provider = customer.provider.clone();
            self.changing(suspended, &mut provider, &mut writes)?;
            writes.push(self.putting_provider(END_DEBIT, &provider)?);
        }
        self.commit(END_DEBIT, writes).await?;
        Ok(ended)
    }

    /// Stores a payment from outside of Alipay once by its reference, in one transaction with the
    /// account and the journal entry.
    ///
    /// # Errors
    ///
    /// [`CommitError::Stale`] when the account was written since `before` was read, or the
    /// reference was booked.
    pub async fn commit_transfer(
        &self,
        before: &Account,
        reference: &str,
        movement: &Movement,
    ) -> Result<Account, CommitError> {
        let entry =
            movement.entry.as_ref().map(|entry| entry.record().number).unwrap_or(before.entries);
        let marker = Item::from([("entry_number".to_owned(), number(entry))]);
        let pk = provider_pk(&before.provider);
        let mut writes = vec![put_new(&self.table, keyed(marker, pk, transfer_sk(reference)))];
        let account = self.moving(TRANSFER, before, movement, &mut writes)?;
        self.commit(TRANSFER, writes).await?;
        Ok(account)
    }

    /// A provider's statements, by day.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn statements(&self, provider: &ProviderId) -> Result<Vec<Statement>, StoreError> {
        self.records(READ_STATEMENTS, provider, STATEMENT_PREFIX).await
    }

    /// One statement.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn statement(
        &self,
        provider: &ProviderId,
        statement: StatementId,
    ) -> Result<Option<Statement>, StoreError> {
        let range = Range::one(&self.table, provider_pk(provider), statement_sk(statement));
        let item = range.all(&self.client, READ_STATEMENTS).await?.pop();
        item.map(|item| from_item(READ_STATEMENTS, item)).transpose()
    }

    /// A provider's journal, in order.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn journal(&self, provider: &ProviderId) -> Result<Vec<Entry>, StoreError> {
        self.records(READ_JOURNAL, provider, ENTRY_PREFIX).await
    }

    async fn records<T: serde::de::DeserializeOwned>(
        &self,
        operation: &'static str,
        provider: &ProviderId,
        prefix: &str,
    ) -> Result<Vec<T>, StoreError> {
        let range = Range::prefix(&self.table, provider_pk(provider), prefix);
        let items = range.all(&self.client, operation).await?;
        items.into_iter().map(|item| from_item(operation, item)).collect()
    }

    /// Adds the writes of a movement; gives the account as it will be stored.
    pub(crate) fn moving(
        &self,
        operation: &'static str,
        before: &Account,
        movement: &Movement,
        writes: &mut Vec<TransactWriteItem>,
    ) -> Result<Account, StoreError> {
        let account = Account { version: before.version + 1, ..movement.account.clone() };
        writes.push(self.putting_account(operation, &account, before.version)?);
        if let Some(entry) = &movement.entry {
            let sk = entry_sk(entry.record().number);
            writes.push(put_new(
                &self.table,
                to_item(operation, provider_pk(&account.provider), sk, entry)?,
            ));
        }
        if let Some(debit) = &movement.opened {
            writes.push(self.putting(operation, None, debit)?.0);
        }
        Ok(account)
    }

    pub(crate) fn putting_account(
        &self,
        operation: &'static str,
        account: &Account,
        before: u64,
    ) -> Result<TransactWriteItem, StoreError> {
        let id = &account.provider;
        let item = to_item(operation, registry_pk_of(id), account_sk(id), account)?;
        Ok(put_version(&self.table, item, Some(before)))
    }

    /// Puts a provider over what was known of it. Whoever writes a provider writes its account too,
    /// on whose version both depend.
    pub(crate) fn putting_provider(
        &self,
        operation: &'static str,
        provider: &Provider,
    ) -> Result<TransactWriteItem, StoreError> {
        let put = aws_sdk_dynamodb::types::Put::builder()
            .table_name(&self.table)
            .set_item(Some(self.provider_item(operation, provider)?))
            .condition_expression("attribute_exists(pk)")
            .build()
            .map_err(|error| StoreError::corrupt(operation, error))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    fn provider_item(
        &self,
        operation: &'static str,
        provider: &Provider,
    ) -> Result<Item, StoreError> {
        let id = &provider.provider;
        to_item(operation, registry_pk_of(id), provider_sk(id), provider)
    }

    pub(crate) async fn commit(
        &self,
        operation: &'static str,
        writes: Vec<TransactWriteItem>,
    ) -> Result<(), CommitError> {
        match transact(&self.client, operation, writes).await? {
            Outcome::Committed => Ok(()),
            Outcome::ConditionFailed(_) => Err(CommitError::Stale),
        }
    }
}

/// Which provider the numbers with its code are of. No two have the same.
fn code_item(provider: &ProviderId) -> Item {
    let of = Item::from([(PROVIDER.to_owned(), string(provider.as_str()))]);
    keyed(of, code_pk(&ProviderCode::of(provider)), PROVIDER.to_owned())
}

fn registry_pk_of(provider: &ProviderId) -> String {
    registry_pk(registry_shard(provider))
}
