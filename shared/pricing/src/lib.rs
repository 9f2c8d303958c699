//! What usage costs under a plan: exact, explained, and pure. No I/O, no clock, no AWS.
//!
//! ```
//! use steelyard_pricing::{MonthToDate, Plan, Usage, charge};
//!
//! let plan: Plan = serde_json::from_str(r#"{
//!     "plan": "example", "effective_from": "2014-04-01",
//!     "rates": [{"rate": "basic", "apis": ["taobao.*"], "free_per_month": 500000,
//!                "price": {"model": "per_unit", "unit_price": "0.0001"}}]}"#)?;
//! let day: Usage = serde_json::from_str(r#"{"taobao.trades.sold.get": 512345}"#)?;
//! let charged = charge(&plan, &MonthToDate::default(), &Usage::new(), &day)?;
//! assert_eq!(charged.rated_yuan.to_string(), "1.2345"); // 12,345 × ¥0.0001
//! assert_eq!(charged.charge_fen.to_string(), "1.23");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod api;
mod charge;
mod day;
mod model;
mod money;
mod plan;
mod usage;

pub use api::{ApiName, ApiNameError, ApiPattern};
pub use charge::{ApiCount, ChargeError, DayCharge, Line, MonthToDate, charge, rate_month};
pub use day::{BillingDay, BillingMonth, DayError};
pub use model::{Graduated, PerUnit, PriceModel, PriceModelError, Slice, Tier};
pub use money::{Fen, MoneyError, Yuan};
pub use plan::{Catalog, Name, Plan, PlanDocument, PlanError, Rate};
pub use usage::{Calls, Usage, UsageError};
