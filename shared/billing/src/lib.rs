//! What providers owe and pay: the pure rules of settlement, accounts, journal and debits.
//!
//! Every function here takes the state, an input and the time, and gives the new state and what
//! has to be stored. Nothing here reads a clock, a network or a store.

mod account;
mod audit;
pub mod breaker;
mod calendar;
mod debit;
mod gateway;
mod id;
mod journal;
mod learned;
pub mod mandate;
mod patience;
mod provider;
mod reason;
mod recharge;
mod reconciliation;
mod refund;
mod reversal;
mod settlement;
mod statement;
mod visit;

pub use account::{Account, AccountError, Figures, MonthProgress, Movement};
pub use audit::{Books, Breach, audit};
pub use calendar::{Calendar, CalendarError};
pub use debit::{
    Asked, Debit, DebitConflict, DebitId, DebitTerms, Exchange, FoundPayment, GivenUp,
    Intervention, InterventionError, Phase, Proved, REASON_MAX, Resolution, Step, TRIES_MAX,
    WINDOW_TRIES_MAX,
};
pub use gateway::{
    Agreement, AgreementAnswer, AgreementEnded, AgreementSigned, Bill, BillKind, BillRow, Decline,
    DeclineReason, Doubt, ExternalAgreementNo, GatewayCode, Notice, NumberError, OutRequestNo,
    OutTradeNo, PayAnswer, Payment, ProviderCode, QrAnswer, QueryAnswer, RefundAnswer,
    RefundQueryAnswer, Retry, RowKind, TradeNotice, TradeNumber, TradeOf, TradeState,
    UnreadableRow, UnsignAnswer,
};
pub use id::{IdError, ProviderId, ReportId, SourceId};
pub use journal::{Cause, Entry, EntryRecord, JournalError, Ledger, Posting};
pub use learned::Learned;
pub use mandate::{Mandate, MandateId};
pub use provider::{DEBIT_MAX, MandateInUse, PlanAssignment, Provider, TermsChangeError};
pub use reason::{Reason, ReasonError};
pub use recharge::{Recharge, RechargeAmountError, RechargeId, RechargePhase};
pub use reconciliation::{BillFile, Finding, FindingKind, Reconciliation, Unmatched, bill_day};
pub use refund::{Refund, RefundConflict, RefundFrom, RefundPhase, RefundRef, RefundStep};
pub use reversal::{Reversal, ReversalPhase};
pub use settlement::{CountedDays, Settlement, SettlementError, next_settlement};
pub use statement::{LateDay, Statement, StatementId, StatementIdError, still_owed};
pub use visit::{TaskId, TaskRef};
