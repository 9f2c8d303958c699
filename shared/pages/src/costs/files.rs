//! The addresses of the files that a range of days can be had as.

use steelyard_pricing::BillingDay;

use crate::frame::Frame;

/// The address of the CSV of some days.
pub(crate) fn csv_of_days(frame: &Frame, from: BillingDay, to: BillingDay) -> String {
    format!("{}.csv?from={from}&to={to}", frame.page("costs"))
}

/// The address of the FOCUS file of some days.
pub(crate) fn focus_of_days(frame: &Frame, from: BillingDay, to: BillingDay) -> String {
    format!("{}.focus.csv?from={from}&to={to}&version=1.2", frame.page("costs"))
}
