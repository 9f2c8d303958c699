//! What providers owe and pay: the pure rules of settlement, accounts, journal and debits.
//!
//! Every function here takes the state, an input and the time, and gives the new state and what
//! has to be stored. Nothing here reads a clock, a network or a store.

mod account;
mod audit;
mod calendar;
mod debit;
mod gateway;
mod id;
mod journal;
mod provider;
mod settlement;
mod statement;

pub use account::{Account, AccountError, Figures, MonthProgress, Movement};
pub use audit::{Books, Breach, audit};
pub use calendar::{Calendar, CalendarError};
pub use debit::{
    Debit, DebitConflict, DebitId, DebitRef, DebitTerms, GivenUp, Intervention, InterventionError,
    Phase, REASON_MAX, Resolution, Step, TRIES_MAX, WINDOW_TRIES_MAX,
};
pub use gateway::{
    Agreement, AgreementAnswer, AgreementEnded, AgreementSigned, Decline, DeclineReason, Doubt,
    ExternalAgreementNo, Notice, NumberError, OutRequestNo, OutTradeNo, PayAnswer, Payment,
    QrAnswer, QueryAnswer, RefundAnswer, RefundQueryAnswer, Refusal, Retry, TradeNotice,
    TradeState, UnsignAnswer,
};
pub use id::{IdError, ProviderId, ReportId, SourceId};
pub use journal::{Cause, Entry, EntryRecord, JournalError, Ledger, Posting};
pub use provider::{
    DEBIT_MAX, Mandate, MandateError, PlanAssignment, Provider, TermsChangeError, Unusable,
};
pub use settlement::{CountedDays, Settlement, SettlementError, next_settlement};
pub use statement::{LateDay, Statement, StatementId, StatementIdError};
