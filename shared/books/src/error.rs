//! Why a use case fails.

use steelyard_alipay::{PayRequestError, WithholdingError};
use steelyard_billing::event::EventError;
use steelyard_billing::mandate::{LimitsError, MandateConflict, MandateError};
use steelyard_billing::{
    AccountError, AdjustmentError, CalendarError, CorrectionError, DebitConflict, MandateId,
    NotAllowed, NothingToResolve, NumberError, ProviderId, RechargeAmountError, Reference,
    RefundConflict, ReturnChanged, TermsChangeError,
};
use steelyard_pricing::{BillingDay, MoneyError, PlanError};
use steelyard_store::StoreError;
use thiserror::Error;

/// Why the books could not be changed. Nothing changed, and doing it again is safe.
#[derive(Debug, Error)]
pub enum BookError {
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The provider is not registered.
    #[error("provider `{0}` is not registered")]
    NoProvider(ProviderId),
    /// The provider has no such record.
    #[error("provider `{provider}` has no {record}")]
    NoRecord {
        /// The provider that was named.
        provider: ProviderId,
        /// The kind and number of the missing record.
        record: String,
    },
    /// The account does not allow it; a person must look.
    #[error("it contradicts the account")]
    Account(#[from] AccountError),
    /// The adjustment is refused.
    #[error(transparent)]
    Adjustment(#[from] AdjustmentError),
    /// The set of corrections is refused.
    #[error(transparent)]
    Correction(#[from] CorrectionError),
    /// What a provider is to be watched by makes no sense.
    #[error(transparent)]
    Alerts(#[from] PlanError),
    /// An amount leaves its range.
    #[error("cannot compute the amounts")]
    Money(#[from] MoneyError),
    /// The debit was not waiting for it: a defect.
    #[error("the debit does not allow it")]
    Debit(#[from] DebitConflict),
    /// The debit needs no person.
    #[error(transparent)]
    NothingToResolve(#[from] NothingToResolve),
    /// The refund was not waiting for it.
    #[error("the refund does not allow it")]
    Refund(#[from] RefundConflict),
    /// The mandate was not waiting for it.
    #[error("the mandate does not allow it")]
    Mandate(#[from] MandateConflict),
    /// The mandate makes no sense.
    #[error("the mandate makes no sense")]
    MandateTerms(#[from] MandateError),
    /// The limits of the mandate are not lowered so.
    #[error(transparent)]
    Limits(#[from] LimitsError),
    /// The action is not allowed.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// The reference was used for another transfer.
    #[error("another transfer was booked under {0} before; this one needs another reference")]
    ReferenceUsed(Reference),
    /// A return of a deposit would move other amounts than were shown when it was asked for.
    #[error(transparent)]
    ReturnChanged(#[from] ReturnChanged),
    /// A provider is held at a stage until a day that has begun.
    #[error("{0} is no later than today, so that nothing would be held")]
    HoldIsOver(BillingDay),
    /// No number for a refund can be made: a defect.
    #[error("cannot number the refund")]
    Number(#[from] NumberError),
    /// No finding is about the trade or the refund.
    #[error("there is no finding about {0}")]
    NoFinding(String),
    /// The agreement to adopt is of an offer, which a query or a notification makes active.
    #[error("the agreement is of the offer of mandate {mandate}, which becomes active by itself")]
    Offered {
        /// The offered mandate.
        mandate: MandateId,
    },
    /// Alipay takes no such amount.
    #[error(transparent)]
    RechargeAmount(#[from] RechargeAmountError),
    /// The provider's terms cannot be changed so.
    #[error(transparent)]
    Terms(#[from] TermsChangeError),
    /// The request for a debit cannot be made: a defect, or an agreement number that is none.
    #[error("cannot make the request")]
    Withholding(#[from] WithholdingError),
    /// The stored request is not for the debit: a defect.
    #[error("the stored request is not for this debit")]
    Request(#[from] PayRequestError),
    /// The time is outside the calendar.
    #[error("cannot tell the day")]
    Calendar(#[from] CalendarError),
    /// The event of the change cannot be computed.
    #[error("cannot tell what happened")]
    Event(#[from] EventError),
}

impl BookError {
    /// Whether it is about the records that the use case is about, so that others of their kind
    /// proceed. Otherwise the table failed.
    #[must_use]
    pub const fn is_of_one_record(&self) -> bool {
        match self {
            BookError::Store(StoreError::Aws { .. } | StoreError::Contended { .. }) => false,
            BookError::Store(StoreError::Unreadable { .. } | StoreError::Corrupt { .. })
            | BookError::NoProvider(_)
            | BookError::NoRecord { .. }
            | BookError::Account(_)
            | BookError::Adjustment(_)
            | BookError::Correction(_)
            | BookError::Alerts(_)
            | BookError::Money(_)
            | BookError::Debit(_)
            | BookError::NothingToResolve(_)
            | BookError::Refund(_)
            | BookError::Mandate(_)
            | BookError::MandateTerms(_)
            | BookError::Limits(_)
            | BookError::NotAllowed(_)
            | BookError::ReferenceUsed(_)
            | BookError::ReturnChanged(_)
            | BookError::HoldIsOver(_)
            | BookError::Number(_)
            | BookError::NoFinding(_)
            | BookError::Offered { .. }
            | BookError::RechargeAmount(_)
            | BookError::Terms(_)
            | BookError::Withholding(_)
            | BookError::Request(_)
            | BookError::Calendar(_)
            | BookError::Event(_) => true,
        }
    }
}
