//! What all work needs: the books, the gateway and the time.

use jiff::Timestamp;
use steelyard_alipay::{Alipay, AmountError, PayRequestError, SignScene};
use steelyard_billing::{DebitConflict, ProviderId, RefundConflict, TaskId, TaskRef};
use steelyard_books::{BookError, Books};
use steelyard_runtime::{Clock, Queue};
use steelyard_store::{Record, StoreError};
use thiserror::Error;

use crate::Gathered;

/// Does what is due: withholds, gives back, and queries Alipay about what is open.
#[derive(Debug)]
pub struct Collector {
    /// The books that a task changes.
    pub books: Books,
    /// The client of Alipay's gateway.
    pub alipay: Alipay,
    /// The debit queue: work that is due again within a minute is sent to it at once.
    pub queue: Queue,
    /// The scene in which mandates are signed.
    pub sign_scene: SignScene,
    /// The clock, which a test can set.
    pub clock: Clock,
    /// Good answers that are to be written into the breaker: none at first.
    pub gathered: Gathered,
}

/// Why work failed. The record is as it was stored last, and the next message goes on from there.
#[derive(Debug, Error)]
pub enum WorkError {
    /// There is no such record.
    #[error("{provider} has no such record")]
    Unknown {
        /// The provider that was named.
        provider: ProviderId,
    },
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The refund cannot be requested: a defect.
    #[error("cannot request the refund")]
    Amount(#[from] AmountError),
    /// A debit is being sent without a request: a defect.
    #[error("no request is stored")]
    NoRequest,
    /// What is stored is not a request for this debit: a defect.
    #[error("the stored request is not for this debit")]
    Request(#[from] PayRequestError),
    /// The debit was not waiting for the answer: a defect.
    #[error("the debit was not waiting for it")]
    Debit(#[from] DebitConflict),
    /// The refund was not waiting for the answer: a defect.
    #[error("the refund was not waiting for it")]
    Refund(#[from] RefundConflict),
    /// The books could not be changed.
    #[error("cannot book it")]
    Books(#[from] BookError),
}

/// What is due later than this is left to the index, which dispatch reads every minute.
const QUEUE_REACH_S: u16 = 60;

impl Collector {
    /// Does what is due for a record; nothing when it is not due, or another worker is at it.
    ///
    /// # Errors
    ///
    /// [`WorkError::Unknown`] when there is no such record; otherwise the failure of the table or
    /// the rule, after which the task comes again.
    pub async fn work(&self, task: &TaskRef) -> Result<(), WorkError> {
        let TaskRef { provider, task } = task;
        match task {
            TaskId::Debit(debit) => self.work_on_debit(provider, *debit).await,
            TaskId::Recharge(recharge) => self.work_on_recharge(provider, *recharge).await,
            TaskId::Refund(number) => self.work_on_refund(provider, number).await,
            TaskId::Reversal(number) => self.work_on_reversal(provider, number).await,
            TaskId::Mandate(mandate) => self.work_on_mandate(provider, *mandate).await,
        }
    }

    pub(crate) async fn find<R: Record>(
        &self,
        provider: &ProviderId,
        id: &R::Id,
    ) -> Result<R, WorkError> {
        let unknown = || WorkError::Unknown { provider: provider.clone() };
        self.books.billing.find(provider, id).await?.ok_or_else(unknown)
    }

    /// Sends a message for work that is due again within a minute. If that fails, the index has it.
    pub(crate) async fn send_ahead(&self, task: &TaskRef, at: Option<Timestamp>) {
        let Some(at) = at else { return };
        let delay_s = u16::try_from((at.as_second() - self.clock.now().as_second()).max(0));
        let Some(delay_s) = delay_s.ok().filter(|delay_s| *delay_s <= QUEUE_REACH_S) else {
            return;
        };
        let sent = match serde_json::to_string(task) {
            Ok(body) => self.queue.send_after(body, delay_s).await.map_err(|e| e.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = sent {
            tracing::warn!(?task, error, "cannot send a message ahead; the index has the record");
        }
    }
}
