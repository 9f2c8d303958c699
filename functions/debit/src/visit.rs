//! What every visit needs: the books, the gateway, the rules and the time.

use jiff::Timestamp;
use steelyard_alipay::{Alipay, AmountError, PayRequestError, SignScene, WithholdingError};
use steelyard_billing::{
    CalendarError, DebitConflict, DebitTerms, ProviderId, RefundConflict, TaskId, TaskRef,
};
use steelyard_runtime::{Clock, Queue};
use steelyard_store::{BillingTable, BookingError, CommitError, Record, StoreError};
use thiserror::Error;

/// Visits what is due: withholds, recharges and gives back through Alipay, and finds out what is in
/// doubt.
#[derive(Debug)]
pub struct Collector {
    /// The books.
    pub billing: BillingTable,
    /// The gateway.
    pub alipay: Alipay,
    /// The debit queue: what is due again within a minute is sent to it at once.
    pub queue: Queue,
    /// When debits are made.
    pub terms: DebitTerms,
    /// The scene in which mandates are signed.
    pub sign_scene: SignScene,
    /// The time.
    pub clock: Clock,
}

/// Why a visit failed. What was visited is as it was stored last, and the next visit goes on from
/// there.
#[derive(Debug, Error)]
pub enum WorkError {
    /// There is no such record.
    #[error("{provider} has no such record")]
    Unknown {
        /// The provider.
        provider: ProviderId,
    },
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The request cannot be made: a defect, or a mandate with a number that is none.
    #[error("cannot make the request")]
    Withholding(#[from] WithholdingError),
    /// The refund cannot be asked for: a defect.
    #[error("cannot ask for the refund")]
    Refund(#[from] AmountError),
    /// A debit is being sent without a request: a defect.
    #[error("no request is stored")]
    NoRequest,
    /// What is stored is not a request for this debit.
    #[error("the stored request is not for this debit")]
    Request(#[from] PayRequestError),
    /// The debit was not waiting for what came: a defect.
    #[error("the debit was not waiting for it")]
    Conflict(#[from] DebitConflict),
    /// The refund was not waiting for what came: a defect.
    #[error("the refund was not waiting for it")]
    RefundConflict(#[from] RefundConflict),
    /// What came to light cannot be booked.
    #[error("cannot book it")]
    Booking(#[from] BookingError),
    /// The time is outside the calendar.
    #[error("cannot tell the day")]
    Calendar(#[from] CalendarError),
    /// Others kept writing the account.
    #[error("the account keeps changing")]
    Contended,
}

/// What is due later than this is left to the index, and the function that reads it every minute.
const QUEUE_REACH_S: u16 = 60;

impl Collector {
    /// Does what is due; nothing when it is not due, or another visit is at it.
    ///
    /// # Errors
    ///
    /// [`WorkError`] naming the cause.
    pub async fn visit(&self, visit: &TaskRef) -> Result<(), WorkError> {
        let TaskRef { provider, to } = visit;
        match to {
            TaskId::Debit(debit) => self.visit_debit(provider, *debit).await,
            TaskId::Recharge(recharge) => self.visit_recharge(provider, *recharge).await,
            TaskId::Refund(number) => self.visit_refund(provider, number).await,
            TaskId::Reversal(number) => self.visit_reversal(provider, number).await,
            TaskId::Mandate(mandate) => self.visit_mandate(provider, *mandate).await,
        }
    }

    pub(crate) async fn find<R: Record>(
        &self,
        provider: &ProviderId,
        id: &R::Id,
    ) -> Result<R, WorkError> {
        let unknown = || WorkError::Unknown { provider: provider.clone() };
        self.billing.find(provider, id).await?.ok_or_else(unknown)
    }

    /// Stores a step that moves no money. None when another visit was faster.
    pub(crate) async fn store<R: Record>(
        &self,
        visit: &TaskRef,
        before: &R,
        after: R,
    ) -> Result<Option<R>, WorkError> {
        match self.billing.store(Some(before), &after).await {
            Ok(stored) => Ok(Some(stored)),
            Err(CommitError::Stale) => {
                tracing::warn!(?visit, "another visit was faster");
                Ok(None)
            }
            Err(CommitError::Store(error)) => Err(error.into()),
        }
    }

    /// Sends a visit that is due again within a minute. If that fails, the index brings it later.
    pub(crate) async fn come_again(&self, visit: &TaskRef, at: Option<Timestamp>) {
        let Some(at) = at else { return };
        let delay_s = u16::try_from((at.as_second() - self.clock.now().as_second()).max(0));
        let Some(delay_s) = delay_s.ok().filter(|delay_s| *delay_s <= QUEUE_REACH_S) else {
            return;
        };
        let sent = match serde_json::to_string(visit) {
            Ok(body) => self.queue.send_after(body, delay_s).await.map_err(|e| e.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = sent {
            tracing::warn!(?visit, error, "cannot send a visit ahead; the index brings it later");
        }
    }
}
