//! Statements and the journal: written once, never changed.

use steelyard_billing::{
    Account, Entry, ProviderId, Reference, Settlement, Statement, StatementId,
};
use steelyard_pricing::{BillingDay, Fen, MoneyError};

use crate::item::{Item, check_format, from_item, keyed, number, string, text};
use crate::query::Range;
use crate::schema::{
    ENTRY_PREFIX, KEY_END, PROVIDER, STATEMENT_PREFIX, TRANSFER, entry_sk, provider_pk,
    statement_sk, transfer_pk,
};
use crate::statement_detail::{
    READ_STATEMENTS, found_of, is_detail, statement_items, statements_of, without_detail,
};
use crate::{BillingTable, Found, StoreError, Writes};

const READ_JOURNAL: &str = "read the journal";
const READ_TRANSFER: &str = "read a bank transfer";

/// How many statements are read at a time to find those that are still owed. A debit usually
/// collects one day.
const BACK_PAGE: i32 = 5;

/// A bank transfer that was booked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookedTransfer {
    /// The provider that paid.
    pub provider: ProviderId,
    /// The amount of the transfer, in fen.
    pub amount_fen: Fen,
    /// The account's figure that it changed.
    pub of: TransferOf,
}

/// The account's figure that a bank transfer changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferOf {
    /// It paid the receivable; the rest became prepaid balance.
    Prepaid,
    /// The deposit was paid by it.
    Deposit,
    /// It returned deposit to the provider.
    DepositReturn,
}

impl TransferOf {
    /// The word that is stored; none for what is most often paid.
    const fn word(self) -> Option<&'static str> {
        match self {
            TransferOf::Prepaid => None,
            TransferOf::Deposit => Some("deposit"),
            TransferOf::DepositReturn => Some("deposit_return"),
        }
    }
}

impl BillingTable {
    /// A provider's statements, by day.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn statements(&self, provider: &ProviderId) -> Result<Vec<Statement>, StoreError> {
        let range = Range::prefix(&self.table, provider_pk(provider), STATEMENT_PREFIX);
        statements_of(range.all(&self.client, READ_STATEMENTS).await?)
    }

    /// A provider's statements for one day through another, supplements included, by day.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn statements_between(
        &self,
        provider: &ProviderId,
        from: BillingDay,
        through: BillingDay,
    ) -> Result<Vec<Statement>, StoreError> {
        statements_of(self.items_between(provider, from, through).await?)
    }

    /// The same, but each statement that cannot be read fails alone.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn found_between(
        &self,
        provider: &ProviderId,
        from: BillingDay,
        through: BillingDay,
    ) -> Result<Found<Statement>, StoreError> {
        found_of(self.items_between(provider, from, through).await?)
    }

    async fn items_between(
        &self,
        provider: &ProviderId,
        from: BillingDay,
        through: BillingDay,
    ) -> Result<Vec<Item>, StoreError> {
        let sk = |day| statement_sk(StatementId { day, supplement: 0 });
        let range = Range {
            table: &self.table,
            pk: provider_pk(provider),
            from: sk(from),
            to: format!("{}{KEY_END}", sk(through)),
        };
        range.all(&self.client, READ_STATEMENTS).await
    }

    /// A provider's newest statements that sum to what it owes, by day: all that may still be owed.
    /// What they say of each API is not read.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn statements_owed(
        &self,
        provider: &ProviderId,
        receivable: Fen,
    ) -> Result<Vec<Statement>, StoreError> {
        let range = Range::prefix(&self.table, provider_pk(provider), STATEMENT_PREFIX);
        let corrupt = |error: MoneyError| StoreError::corrupt(READ_STATEMENTS, error);
        let (mut found, mut rest, mut after) = (Vec::new(), receivable, None);
        loop {
            let page =
                range.page_back(&self.client, READ_STATEMENTS, after, Some(BACK_PAGE)).await?;
            for item in page.items {
                if is_detail(&item)? {
                    continue;
                }
                let statement = without_detail(item)?;
                let owed = statement.charge_fen.minus(statement.from_prepaid_fen);
                rest = rest.minus(owed.map_err(corrupt)?.max(Fen::ZERO)).map_err(corrupt)?;
                found.push(statement);
                if !rest.is_positive() {
                    break;
                }
            }
            after = page.next;
            if after.is_none() || !rest.is_positive() {
                found.sort_by_key(|statement| statement.statement);
                return Ok(found);
            }
        }
    }

    /// One statement; none if it was not made.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn statement(
        &self,
        provider: &ProviderId,
        statement: StatementId,
    ) -> Result<Option<Statement>, StoreError> {
        let sk = statement_sk(statement);
        let to = format!("{sk}#{KEY_END}");
        let range = Range { table: &self.table, pk: provider_pk(provider), from: sk, to };
        Ok(statements_of(range.all(&self.client, READ_STATEMENTS).await?)?.pop())
    }

    /// A provider's journal, in order.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn journal(&self, provider: &ProviderId) -> Result<Vec<Entry>, StoreError> {
        let range = Range::prefix(&self.table, provider_pk(provider), ENTRY_PREFIX);
        let items = range.all(&self.client, READ_JOURNAL).await?;
        items.into_iter().map(|item| from_item(READ_JOURNAL, item)).collect()
    }

    /// The newest journal entries of a provider, the newest first, older than the one of a number
    /// if that is given: one request unless they fill more than a megabyte.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table, or an entry, cannot be read.
    pub async fn newest_entries(
        &self,
        provider: &ProviderId,
        before: Option<u64>,
        limit: u16,
    ) -> Result<Vec<Entry>, StoreError> {
        let range = Range::prefix(&self.table, provider_pk(provider), ENTRY_PREFIX);
        let before = before.map(entry_sk);
        let items = range.newest(&self.client, READ_JOURNAL, before, limit).await?;
        items.into_iter().map(|item| from_item(READ_JOURNAL, item)).collect()
    }

    /// The bank transfer that was booked under a reference, of whatever provider; none if none was.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn transfer(
        &self,
        reference: &Reference,
    ) -> Result<Option<BookedTransfer>, StoreError> {
        let range = Range::one(&self.table, transfer_pk(reference), TRANSFER.to_owned());
        let Some(item) = range.all(&self.client, READ_TRANSFER).await?.pop() else {
            return Ok(None);
        };
        check_format(READ_TRANSFER, &item)?;
        let corrupt = |what: &str| StoreError::corrupt(READ_TRANSFER, what.to_owned());
        let provider = text(READ_TRANSFER, &item, PROVIDER)?.parse();
        let amount = item.get(AMOUNT).and_then(|amount| amount.as_n().ok());
        let amount = amount.and_then(|amount| amount.parse().ok());
        Ok(Some(BookedTransfer {
            provider: provider.map_err(|_| corrupt("no provider"))?,
            amount_fen: Fen::new(amount.ok_or_else(|| corrupt("no amount"))?),
            of: transfer_of(&item).ok_or_else(|| corrupt("it paid nothing that is known"))?,
        }))
    }
}

/// The amount of a bank transfer.
const AMOUNT: &str = "amount_fen";

/// What a bank transfer paid.
const OF: &str = "paid_of";

/// What a stored transfer paid; none if that is nothing that is known.
fn transfer_of(item: &Item) -> Option<TransferOf> {
    let all = [TransferOf::Prepaid, TransferOf::Deposit, TransferOf::DepositReturn];
    let word = match item.get(OF) {
        Some(word) => Some(word.as_s().ok()?.as_str()),
        None => None,
    };
    all.into_iter().find(|of| of.word() == word)
}

impl Writes {
    /// Writes a settlement: the statement, the account, the journal entry, the debit that was
    /// opened, and that the adjustments on the statement are booked. Gives the account as it will
    /// be stored.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when something cannot be put into DynamoDB's form.
    pub fn settlement(
        &mut self,
        before: &Account,
        settlement: &Settlement,
    ) -> Result<Account, StoreError> {
        let statement = &settlement.statement;
        for item in statement_items(self.operation, statement)? {
            self.put_new(item);
        }
        self.booked(statement)?;
        self.movement(before, &settlement.movement)
    }

    /// Writes that a bank transfer was booked. Its reference is used once, whatever the provider.
    pub fn transfer(&mut self, reference: &Reference, transfer: &BookedTransfer) {
        let mut marker = Item::from([
            (PROVIDER.to_owned(), string(transfer.provider.as_str())),
            (AMOUNT.to_owned(), number(transfer.amount_fen.get())),
        ]);
        marker.extend(transfer.of.word().map(|word| (OF.to_owned(), string(word))));
        self.put_new(keyed(marker, transfer_pk(reference), TRANSFER.to_owned()));
    }
}
