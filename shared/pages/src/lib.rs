//! What people see of the books: views, which are plain data computed from stored records, and the
//! pages, CSV and FOCUS that show them.
//!
//! Pure: a view is a function of records and the time, and a page is a function of its view and its
//! [`Frame`]. A rule about money stands in `steelyard-billing` or `steelyard-pricing`; a view calls
//! it, and rounds and sums nothing by a rule of its own.

pub mod alerts;
pub mod bill;
pub mod calculator;
pub mod costs;
pub mod csv;
pub mod debits;
pub mod deposit;
pub mod focus;
pub mod forecast;
mod frame;
mod icon;
mod lang;
pub mod ledger;
mod link;
mod message;
pub mod operator;
pub mod overview;
mod qr;
pub mod recharge;
mod records;
pub mod reference;
mod show;
pub mod standing;
pub mod start;
mod strip;
pub mod withholding;

pub use frame::{Frame, May, wall_clock};
pub use lang::Lang;
pub use message::{Message, MessagePage};
pub use records::Records;
pub use show::Html;

/// The style sheet of all pages.
pub const STYLE_SHEET: &str = include_str!("../assets/page.css");
