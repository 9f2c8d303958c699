//! What people see of the books: views, which are plain data computed from stored records, and the
//! pages, CSV and FOCUS that show them.
//!
//! Pure: a view is a function of records and the time, and a page is a function of its view and its
//! [`Frame`]. A rule about money stands in `steelyard-billing` or `steelyard-pricing`; a view calls it, and
//! rounds and sums nothing by a rule of its own.

#![allow(dead_code)]

mod forecast;
mod frame;
mod icon;
mod lang;
mod message;
pub mod overview;
mod records;
mod show;
mod strip;

pub use forecast::{
    AllowanceEnd, Cover, ExpectedDay, FORECAST_DAYS_MAX, FORECAST_DAYS_MIN, FenRange, Forecast,
    ForecastError,
};
pub use frame::{Frame, May, wall_clock};
pub use lang::Lang;
pub use message::{Message, MessagePage};
pub use records::Records;
pub use show::Html;

/// The style sheet of all pages.
pub const STYLE_SHEET: &str = include_str!("../assets/page.css");
