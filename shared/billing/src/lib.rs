//! What providers owe and pay: the pure rules of settlement, accounts, journal and debits.
//!
//! Every function here takes the state, an input and the time, and gives the new state and what
//! has to be stored. Nothing here reads a clock, a network or a store.

mod access;
mod account;
mod action;
mod adjustment;
mod alerts;
mod audit;
pub mod breaker;
mod calendar;
mod coming;
mod comparison;
mod correction;
mod counted;
mod cumulative;
mod debit;
mod deposit;
mod error_chain;
pub mod event;
mod gateway;
mod id;
mod in_flight;
mod journal;
mod logs;
pub mod mandate;
mod minute;
mod names;
mod on_top;
mod outcome;
mod person;
mod portal_session;
mod provider;
mod reason;
mod recharge;
pub mod reconciliation;
mod reference;
mod refund;
mod refused;
mod registration;
mod reversal;
mod settlement;
mod settlement_run;
mod standing;
mod statement;
mod task;
mod trade;
pub mod webhook;

pub use access::{
    Access, Allowance, Caller, Denied, Grant, Grantee, Principal, PrincipalError, ProviderPattern,
    Right, RightError,
};
pub use account::{
    Account, AccountError, Collectable, DepositPayment, DepositReturn, Expected, Figures,
    LastRequest, MonthProgress, Movement, Request, Unpaid, UnpaidCharge, Withheld,
};
pub use action::{
    Action, ActionAnswer, ActionError, ActionEvent, ActionPhase, ActionProblem, ActionRequest,
    ActionResult, Actor, Deed, DepositReturned, NotAllowed, ReturnChanged,
};
pub use adjustment::{
    ADJUSTMENT_MAX, Adjustment, AdjustmentError, AdjustmentNote, AdjustmentOf, AdjustmentPhase,
    AdjustmentRequest, Approval, REPORTS_MAX, ReportRef, WAITING_MAX,
};
pub use alerts::{
    ALERT_MARGIN_PERCENT, Alert, AlertFigures, AlertKind, AlertState, Crossing, DayCalls, Measure,
    MonthCharged, crossings, evaluate,
};
pub use audit::{Books, Breach, BreachKind, Filed, audit};
pub use calendar::{
    Calendar, CalendarError, RETENTION_DAYS, RETENTION_DAYS_MAX, RETENTION_DAYS_MIN, WallTime,
};
pub use coming::{ComingVersion, coming_versions};
pub use comparison::{ApiCharge, ChargeChange, charge_by_api};
pub use correction::{CorrectionError, CorrectionPhase, CorrectionSet, Undo};
pub use counted::{
    AMOUNT_MAX, APIS_PER_DAY_MAX, COUNT_MAX, CountedDays, DayCount, ReportCount, ReportDigest,
    Reread, UsageRead, Withdrawal,
};
pub use cumulative::{CumulativeUsage, Label, LabelText, PARTS_BYTES_MAX, Part, TooLarge};
pub use debit::{
    Asked, Attempt, Debit, DebitConflict, DebitRules, DebitTerms, Declined, Exchange,
    FUNDS_RETRY_DAYS, GiveUpReason, History, Intervention, NothingToResolve, Phase, ProvedPaid,
    Resolution, Step, WINDOW_TRIES_MAX,
};
pub use deposit::{
    DepositDemand, DepositNote, DepositState, DepositTopUp, collecting, deposit_noted,
    deposits_wanted,
};
pub use error_chain::chain;
pub use gateway::{
    Agreement, AgreementAnswer, AgreementEnded, AgreementSigned, Bill, BillKind, BillRow, Decline,
    DeclineReason, Doubt, ExternalAgreementNo, GatewayCode, Notice, NumberError, OutRequestNo,
    OutTradeNo, PayAnswer, Payment, ProviderCode, QrAnswer, QueryAnswer, Realm, RefundAnswer,
    RefundQueryAnswer, Retry, RowKind, TradeNotice, TradeNumber, TradeOf, TradeState,
    UnreadableRow, UnsignAnswer,
};
pub use id::{
    ActionId, AdjustmentId, Basis, CallerName, CorrectionId, DebitId, EndpointName, IdError,
    MandateId, ProviderId, RechargeId, ReportId, SessionId, SourceId, TermsVersion, hex,
};
pub use in_flight::Unanswered;
pub use journal::{
    Cause, DepositMovement, DrawReason, Entry, EntryRecord, JournalError, Ledger, Posting,
};
pub use logs::{
    LogOutcome, LogReading, LogsMessage, NotCounted, ObjectName, ObjectNameError, ReadingState,
    UnknownCaller,
};
pub use mandate::Mandate;
pub use minute::{Minute, MinuteError};
pub use names::{ListedNames, NamesMax, NamesMaxError};
pub use on_top::{MonthFigures, MonthSoFar, MonthUnderPlan, OnTopError, QuoteOnTop};
pub use outcome::Outcome;
pub use person::{PERSON_MAX, Person, PersonError};
pub use portal_session::{
    LINK_VALID_FOR, SESSION_DEFAULT, SESSION_MAX, Session, SessionError, SessionLink, SessionRight,
    SessionRightError, Visitor,
};
pub use provider::{DEBIT_MAX, MandateInUse, PlanAssignment, Provider, TermsChangeError};
pub use reason::{REASON_MAX, Reason, ReasonError};
pub use recharge::{Recharge, RechargeAmountError, RechargePhase, RechargePurpose};
pub use reconciliation::{
    BillFile, BillsDone, Finding, FindingKind, OpenFinding, Reconciliation, Unmatched, bill_day,
};
pub use reference::{REFERENCE_MAX, Reference, ReferenceError};
pub use refund::{Refund, RefundConflict, RefundFrom, RefundPhase, RefundRef, RefundStep};
pub use refused::RefusedReport;
pub use registration::{AgreementOwner, Registration};
pub use reversal::{Reversal, ReversalPhase};
pub use settlement::{
    MonthClose, MonthTerms, Settlement, SettlementError, month_segments, next_settlement,
    nothing_due,
};
pub use settlement_run::{
    AccountSums, Age, CHARGES_MAX, Charges, MonthCharges, NAMED_MAX, RunEnd, RunFailure,
    RunFigures, RunScope, RunShard, RunTally, SettlementRun, Share,
};
pub use standing::{
    Because, Ladder, LadderDocument, LadderError, LadderRef, LadderRule, LadderStep, Ladders,
    NextStage, Restores, STANDING_CACHE_S, Stage, StageError, StageFrom, StageHold, Standing,
    StandingError, StandingTold, replay,
};
pub use statement::{
    ChangedDay, Statement, StatementCalls, StatementId, StatementIdError, StatementTax,
    charged_between, charged_days, days_collected, still_owed,
};
pub use task::{Task, TaskId, TaskRef};
pub use trade::{GivenBack, Trade};

/// Whether a number is zero, which is not stored.
fn is_zero<N: Default + PartialEq>(number: &N) -> bool {
    *number == N::default()
}
