//! What people see of the books: views, which are plain data computed from stored records, and the
//! pages, CSV and FOCUS that show them.
//!
//! Pure: a view is a function of records and the time, and a page is a function of its view and its
//! [`Frame`]. A rule about money stands in `steelyard-billing` or `steelyard-pricing`; a view calls it, and
//! rounds and sums nothing by a rule of its own.

#![allow(dead_code)]

mod forecast;
mod debits;
mod calculator;
mod bill;
mod costs;
mod frame;
mod icon;
mod lang;
mod ledger;
mod link;
mod message;
pub mod overview;
mod qr;
mod recharge;
pub mod operator;
mod records;
mod show;
mod strip;
mod withholding;

pub use forecast::{
    AllowanceEnd, Cover, ExpectedDay, FORECAST_DAYS_MAX, FORECAST_DAYS_MIN, FenRange, Forecast,
    ForecastError,
};
pub use debits::{AttemptView, DebitState, DebitView, DeclinedTry, Reason};
pub use calculator::{
    AddedApi, AddedLine, CalculatorError, CalculatorPage, CalculatorView, CallList, LIST_BYTES_MAX,
    LIST_LINES_MAX, LineError, LineFault, ListedCalls, MonthView, NotPriced, NumberFault, Outcome,
    PlanView, Priced, Step, SummedLines, TermsView, Under, UnpricedApi, parse_list,
pub use bill::{
    BillError, BillLine, BillNote, BillPart, BillPayment, BillRecords, BilledApi, BilledDebit,
    Calculation, CalculationRow, CalculationRule, CalculationUnit, Collecting, DayBill,
    DayBillPage, LineDiscount, LineReport, Operator, Report, ReportWithdrawn, ShareOfMonth,
    SlicePer, SliceStep, Step, Trail, TrailDebit, TrailEntry, TrailPhase, UnpricedUsage,
};
pub use frame::{Frame, May, wall_clock};
pub use lang::Lang;
pub use ledger::{
    Balance, Before, GivenBackState, LEDGER_PAGE, Ledger, LedgerEntry, LedgerError, LedgerKind,
    LedgerPage, LedgerQuery, LedgerQueryError, LedgerRecords, RefundView, ReversalView,
};
pub use message::{Message, MessagePage};
pub use recharge::{
    AmountProblem, NoSuchWay, PayBy, PayNow, PayNowPage, REFRESH_S, RechargeForm, RechargeItem,
    RechargePage, RechargeProblem, RechargeRequest, RechargeResultPage, RechargeState, Recharging,
    Suggestions, Way,
};
pub use records::Records;
pub use show::Html;
pub use withholding::{
    AgreementView, ConsentView, DEBITS_SHOWN, EndForm, EndProblem, EndedBy, EndedView, LastBill,
    LimitProblem, LimitsForm, OfferView, SignForm, SignProblem, SigningLinks, SuspendedView,
    TERMS_VERSION, Withholding, WithholdingForms, WithholdingPage, WithholdingRecords,
    WithholdingState,
};

/// The style sheet of all pages.
pub const STYLE_SHEET: &str = include_str!("../assets/page.css");
