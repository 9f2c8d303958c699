//! Providers and their accounts, in the registry's partitions.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use steelyard_billing::{
    Account, Entry, IdError, Movement, OutTradeNo, Provider, ProviderCode, ProviderId, RefundRef,
    Registration, Unmatched, bill_day,
};

use crate::item::{Item, check_format, from_item, keyed, string, text, to_item};
use crate::query::Range;
use crate::schema::{
    PROVIDER, SK, account_sk, code_pk, entry_sk, provider_pk, provider_sk, registry_pk,
    registry_shard,
};
use crate::unreadable::Unreadable;
use crate::usage::UsageTable;
use crate::writes::{Index, Written};
use crate::{BillingTable, StoreError, Writes};

/// A provider with its account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderAccount {
    /// The registration: plans, overrides and the mandate in use.
    pub provider: Provider,
    /// The figures, as they stand beside it in the shard.
    pub account: Account,
}

/// Some of the providers of a registry shard.
#[derive(Clone, Debug, Default)]
pub struct AccountPage {
    /// The providers that can be read, by id.
    pub accounts: Vec<ProviderAccount>,
    /// The items that cannot be read, each with the other half of its provider.
    pub unreadable: Vec<Unreadable>,
    /// Where the next page begins; none on the last page.
    pub next: Option<String>,
}

/// The result of storing something once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// This call stored it.
    New,
    /// It was stored before, exactly so.
    Before,
    /// Something else is stored under its name.
    Different,
}

/// How far Alipay's clock may be behind the one that registers a provider: the bill shows what is
/// paid after that by its own.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_hours(1);

const REGISTER: &str = "register a provider";
const LIST: &str = "list the providers of a shard";
const LOAD: &str = "read a provider and its account";

impl BillingTable {
    /// Registers a provider with an empty account, here and for counting, all or nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when a table fails.
    pub async fn register(
        &self,
        usage: &UsageTable,
        provider: &Provider,
        now: Timestamp,
    ) -> Result<Stored, StoreError> {
        let id = &provider.provider;
        let mut writes = self.writes(REGISTER);
        writes.put_new(to_item(REGISTER, registry_pk_of(id), provider_sk(id), provider)?);
        let account = Account::new(provider);
        writes.put_new(to_item(REGISTER, registry_pk_of(id), account_sk(id), &account)?);
        writes.put_new(code_item(id));
        if let Some(update) = self.naming_shard(registry_shard(id)).await? {
            writes.update(update);
            writes.first_bill(bill_day(now.saturating_sub(CLOCKS_DIFFER).unwrap_or(now)))?;
        }
        let writes = writes.and(usage.registering(id, Registration::of(provider))?);
        match writes.write(&self.client).await? {
            Written::All => Ok(Stored::New),
            Written::ConditionFailed(mut found) => match found.first_mut().and_then(Option::take) {
                Some(item) if from_item::<Provider>(REGISTER, item.clone())? == *provider => {
                    Ok(Stored::Before)
                }
                _ => Ok(Stored::Different),
            },
        }
    }

    /// Lists the providers of a registry shard with their accounts, at most `limit`, from the
    /// beginning or where the page before ended: one request a page. An item that cannot be read
    /// fails alone.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn accounts(
        &self,
        shard: u8,
        after: Option<&str>,
        limit: u16,
    ) -> Result<AccountPage, StoreError> {
        let range = Range::prefix(&self.table, registry_pk(shard), "");
        // Two items a provider; the one that sorts last is `provider`.
        let after = after.map(|id| format!("{id}#{PROVIDER}"));
        let page = range.page(&self.client, LIST, after, Some(i32::from(limit) * 2)).await?;
        let mut halves = BTreeMap::<String, Vec<Item>>::new();
        for item in page.items {
            let sk = text(LIST, &item, SK)?;
            let id = sk.rsplit_once('#').map_or(sk, |(id, _)| id).to_owned();
            halves.entry(id).or_default().push(item);
        }
        // A page can end between the two items of a provider: the next one begins before it.
        if page.next.is_some() && halves.last_key_value().is_some_and(|(_, items)| items.len() < 2)
        {
            halves.pop_last();
        }
        let next = match (page.next, halves.last_key_value()) {
            (Some(_), Some((id, _))) => Some(id.clone()),
            (Some(_), None) => return Err(StoreError::corrupt(LIST, "a page without a provider")),
            (None, _) => None,
        };
        let mut accounts = AccountPage { next, ..AccountPage::default() };
        halves.into_values().for_each(|items| accounts.add(items));
        Ok(accounts)
    }

    /// Reads a provider with its account: one request. None if it is not registered.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table, or one of the items, cannot be read.
    pub async fn account(
        &self,
        provider: &ProviderId,
    ) -> Result<Option<ProviderAccount>, StoreError> {
        let range = Range {
            table: &self.table,
            pk: registry_pk_of(provider),
            from: account_sk(provider),
            to: provider_sk(provider),
        };
        let items = range.all(&self.client, LOAD).await?;
        if items.is_empty() { Ok(None) } else { whole(LOAD, items).map(Some) }
    }

    /// The provider of the numbers with a code: one request.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn provider_of(&self, code: &ProviderCode) -> Result<Option<ProviderId>, StoreError> {
        let range = Range::one(&self.table, code_pk(code), PROVIDER.to_owned());
        let Some(item) = range.all(&self.client, LOAD).await?.pop() else { return Ok(None) };
        check_format(LOAD, &item)?;
        let provider = text(LOAD, &item, PROVIDER)?.parse();
        provider.map(Some).map_err(|error: IdError| StoreError::corrupt(LOAD, error))
    }
}

impl Writes {
    /// Writes an account over the one before, and gives it as it will be stored.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be put into DynamoDB's form.
    pub fn account(&mut self, before: &Account, after: &Account) -> Result<Account, StoreError> {
        let account = Account { version: before.version + 1, ..after.clone() };
        let key = (registry_pk_of(&account.provider), account_sk(&account.provider));
        self.change(key, Some((before, before.version)), &account, Index::default())?;
        Ok(account)
    }

    /// Writes the account after a movement, its journal entry and the debit that it opened. Gives
    /// the account as it will be stored.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when something cannot be put into DynamoDB's form.
    pub fn movement(
        &mut self,
        before: &Account,
        movement: &Movement,
    ) -> Result<Account, StoreError> {
        self.movements(before, std::slice::from_ref(movement))
    }

    /// Writes the account after several movements, each of the account after the one before, with
    /// their journal entries and the debits that they opened. Gives the account as it will be
    /// stored.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when something cannot be put into DynamoDB's form.
    pub fn movements(
        &mut self,
        before: &Account,
        movements: &[Movement],
    ) -> Result<Account, StoreError> {
        let after = movements.last().map_or(before, |last| &last.account);
        let account = self.account(before, after)?;
        for entry in movements.iter().filter_map(|movement| movement.entry.as_ref()) {
            self.entry(entry)?;
        }
        for debit in movements.iter().filter_map(|movement| movement.opened.as_ref()) {
            self.record(None, debit)?;
        }
        Ok(account)
    }

    /// Writes a movement through Alipay, with what the bill has to show of it.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when something cannot be put into DynamoDB's form.
    pub fn movement_of(
        &mut self,
        before: &Account,
        movement: &Movement,
        trade: &OutTradeNo,
        refund: Option<&RefundRef>,
    ) -> Result<Account, StoreError> {
        let account = self.movement(before, movement)?;
        if let Some(entry) = &movement.entry {
            let request = refund.map(|refund| &refund.out_request_no);
            let shown = Unmatched::of(entry, trade, request)
                .map_err(|error| StoreError::corrupt(self.operation, error))?;
            if let Some(shown) = shown {
                self.unmatched(&shown)?;
            }
        }
        Ok(account)
    }

    fn entry(&mut self, entry: &Entry) -> Result<(), StoreError> {
        let record = entry.record();
        let (pk, sk) = (provider_pk(&record.provider), entry_sk(record.number));
        self.put_new(to_item(self.operation, pk, sk, entry)?);
        Ok(())
    }

    /// Writes a provider over what was known of it. Its account is written in the same transaction,
    /// and both depend on the account's version.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be put into DynamoDB's form.
    pub fn provider(&mut self, before: &Provider, after: &Provider) -> Result<(), StoreError> {
        if before == after {
            return Ok(());
        }
        let key = (registry_pk_of(&after.provider), provider_sk(&after.provider));
        self.change_beside(key, before, after)
    }
}

impl AccountPage {
    fn add(&mut self, items: Vec<Item>) {
        match whole(LIST, items.clone()) {
            Ok(account) => self.accounts.push(account),
            Err(error) => {
                // Where one half cannot be read, the reason stands with that half.
                let half = items.iter().find(|item| is_named(item, &error)).or(items.first());
                self.unreadable.extend(half.map(|item| Unreadable::new(item, &error)));
            }
        }
    }
}

fn is_named(item: &Item, error: &StoreError) -> bool {
    let StoreError::Unreadable { sk, .. } = error else { return false };
    text(LIST, item, SK).is_ok_and(|own| own == sk)
}

/// A provider of its two items.
fn whole(operation: &'static str, items: Vec<Item>) -> Result<ProviderAccount, StoreError> {
    let mut items = items.into_iter();
    match (items.next(), items.next()) {
        (Some(account), Some(provider)) => Ok(ProviderAccount {
            account: from_item(operation, account)?,
            provider: from_item(operation, provider)?,
        }),
        (Some(half), None) => {
            let sk = text(operation, &half, SK)?;
            Err(StoreError::corrupt(operation, format!("`{sk}` has no other half")))
        }
        (None, _) => Err(StoreError::corrupt(operation, "no item")),
    }
}

/// The provider of the numbers with its code. No two have the same.
fn code_item(provider: &ProviderId) -> Item {
    let of = Item::from([(PROVIDER.to_owned(), string(provider.as_str()))]);
    keyed(of, code_pk(&ProviderCode::of(provider)), PROVIDER.to_owned())
}

fn registry_pk_of(provider: &ProviderId) -> String {
    registry_pk(registry_shard(provider))
}
