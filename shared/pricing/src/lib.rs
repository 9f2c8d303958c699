//! What usage costs under a plan: exact, explained, and pure. No I/O, no clock, no AWS.
//!
//! ```
//! use steelyard_pricing::{Plan, Quote, Terms, Usage};
//!
//! let plan = Plan::read(r#"{
//!     "plan": "example", "effective_from": "2014-04-01",
//!     "rates": [{"rate": "basic", "apis": ["taobao.*"], "free_per_month": 500000,
//!                "price": {"model": "per_unit", "unit_price": "0.0001"}}]}"#)?;
//! let usage: Usage = serde_json::from_str(r#"{"taobao.trades.sold.get": 512345}"#)?;
//! let quote = Quote::of_month("2014-04".parse()?, &usage, |_| Some(Terms::of(&plan)))?;
//! assert_eq!(quote.exact.to_string(), "1.2345"); // 12,345 × ¥0.0001
//! assert_eq!(quote.rounded.to_string(), "1.23");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod api;
mod ceiling;
mod charge;
mod concession;
mod condense;
mod day;
mod exact;
mod faults;
mod fine;
mod meter;
mod model;
mod money;
mod name;
mod on_top;
mod part;
mod percent;
mod plan;
mod progress;
mod quantity;
mod quote;
mod rating;
mod reduction;
mod rounding;
mod run;
#[cfg(feature = "schema")]
mod schema;
mod share;
mod tally;
mod tax;
mod terms;
mod usage;
mod voucher;
mod wholes;

pub use api::{ApiName, ApiNameError, ApiPattern};
pub use charge::{
    ChargeError, DayCharge, Line, LineCause, MonthToDate, MonthUsage, SegmentToDate, SegmentUsage,
    Unpriced, charge, rate_month,
};
pub use concession::Concession;
pub use condense::Condenser;
pub use day::{BillingDay, BillingMonth, DayError};
pub use faults::{Fault, PlanError, Rule};
pub use meter::{Amount, AmountError, Calls};
pub use model::{
    Billable, Block, BlockPolicy, BlockTier, Graduated, GraduatedPercentage, Metric, Package,
    Packages, Per, PerUnit, Percentage, PercentageTier, PriceModel, Slice, Tier, Volume,
};
pub use money::{Fen, MoneyError, Rounding, Yuan};
pub use name::{Name, NameError};
pub use on_top::{ChargeOnTop, LineOnTop, charge_on_top, charged_at_month_end};
pub use percent::Percent;
pub use plan::{
    ALERT_DAYS_MAX, ALERT_PERCENT_MAX, ALERT_PERCENTS_MAX, AlertRules, AlertTopic, AllowanceUnit,
    AllowanceUsed, BalanceRule, BudgetRule, Catalog, Charged, Conversion, Deposit, Discount,
    DiscountOf, Given, OnChange, Override, Plan, PlanDocument, Rate, Remainder, Rounded, Warning,
};
pub use progress::Progress;
pub use quantity::Quantity;
pub use quote::{MonthsBefore, Quote, QuoteError, QuotedDay, QuotedUsage};
pub use rating::{Continued, Limit, Rated, RatedToDate};
pub use reduction::{AmountOff, Discounted};
#[cfg(feature = "schema")]
pub use schema::{override_schema, plan_schema, schema_of};
pub use share::share;
pub use tax::{Tax, TaxBehavior, TaxToDate, taxes_of};
pub use terms::{Segment, SegmentSpan, Terms, TermsError, TermsRef, segments};
pub use usage::{Metered, Usage, UsageError};
pub use voucher::{EarlierMonths, Voucher, VoucherUse, VouchersUsed};
