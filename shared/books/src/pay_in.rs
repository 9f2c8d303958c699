//! A provider pays in, or pays its deposit, by a bank transfer.

use jiff::Timestamp;
use steelyard_billing::{Account, AccountError, Movement, ProviderId, Reference};
use steelyard_pricing::Fen;
use steelyard_store::{BookedTransfer, TransferOf};

use crate::change::{Decision, change};
use crate::{BookError, Books};

/// The result of booking a bank transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaidIn {
    /// It is booked now; the account after it.
    Now(Box<Account>),
    /// It was booked before, with this amount, for this provider and purpose.
    Before(Box<Account>),
    /// Its reference was used for another transfer. Nothing changed.
    ReferenceUsed(BookedTransfer),
}

const PAY_IN: &str = "book a bank transfer";

impl Books {
    /// Books a bank transfer once by its reference, which is unique across all providers.
    ///
    /// # Errors
    ///
    /// [`BookError::ReferenceUsed`] when the reference belongs to another transfer,
    /// [`BookError::Account`] unless the amount is more than nothing.
    pub async fn pay_in(
        &self,
        provider: &ProviderId,
        amount_fen: Fen,
        reference: &Reference,
        now: Timestamp,
    ) -> Result<PaidIn, BookError> {
        self.transferred(provider, (TransferOf::Prepaid, amount_fen), reference, now).await
    }

    /// Books a bank transfer that pays the deposit, once by its reference, which is unique across
    /// all providers.
    ///
    /// # Errors
    ///
    /// [`BookError::ReferenceUsed`] when the reference belongs to another transfer,
    /// [`BookError::Account`] unless the amount is more than nothing.
    pub async fn pay_deposit(
        &self,
        provider: &ProviderId,
        amount_fen: Fen,
        reference: &Reference,
        now: Timestamp,
    ) -> Result<PaidIn, BookError> {
        self.transferred(provider, (TransferOf::Deposit, amount_fen), reference, now).await
    }

    async fn transferred(
        &self,
        provider: &ProviderId,
        (of, amount_fen): (TransferOf, Fen),
        reference: &Reference,
        now: Timestamp,
    ) -> Result<PaidIn, BookError> {
        let transfer = &BookedTransfer { provider: provider.clone(), amount_fen, of };
        let movement: fn(&Account, Fen, Reference, Timestamp) -> Result<Movement, AccountError> =
            match of {
                TransferOf::Prepaid => Account::recharge,
                TransferOf::Deposit | TransferOf::DepositReturn => Account::deposit_transferred,
            };
        change(&self.billing, PAY_IN, move |_| async move {
            let account = self.account(provider).await?.account;
            match self.billing.transfer(reference).await? {
                Some(booked) if booked == *transfer => {
                    return Ok(Decision::Keep(PaidIn::Before(Box::new(account))));
                }
                Some(booked) => return Ok(Decision::Keep(PaidIn::ReferenceUsed(booked))),
                None => {}
            }
            let movement = movement(&account, amount_fen, reference.clone(), now)?;
            let mut writes = self.billing.writes(PAY_IN);
            writes.transfer(reference, transfer);
            let after = writes.movement(&account, &movement)?;
            Ok::<_, BookError>(Decision::Save(writes, PaidIn::Now(Box::new(after))))
        })
        .await
    }
}
