//! Why a line of a file can't be counted, with its particulars and without.

use std::borrow::Cow;

use steelyard_billing::WallTime;
use steelyard_billing::{AMOUNT_MAX, COUNT_MAX};
use steelyard_pricing::{Amount, Metered, UsageError};
use thiserror::Error;

use super::address::ForwardedError;
use super::caller::CallerError;
use super::excerpt::Excerpt;
use super::fields::FieldError;
use super::input::LINE_BYTES_MAX;
use super::log_line::LogLineError;
use super::rule::NameError;

/// The most bytes of a line's own id.
pub const ID_BYTES_MAX: usize = 512;

/// Why a line can't be counted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LineError {
    /// The line is too long.
    #[error("has {LINE_BYTES_MAX} bytes or more")]
    TooLong,
    /// The line is not one of an access log.
    #[error(transparent)]
    LogLine(#[from] LogLineError),
    /// The line names no provider or no API.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The line begins as JSON, and is not a record.
    #[error(
        "not a record such as {{\"provider\":\"isv1\",\"api\":\"trades\",\"day\":\"2015-05-17\",\"count\":3}}: {0}"
    )]
    Record(Excerpt),
    /// The line begins as JSON, and is none.
    #[error("{0}")]
    Json(Excerpt),
    /// A field of an exported line is absent or wrong.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// The record says neither when the calls were made, nor on which day; or both.
    #[error("give either `at` or `day`")]
    When,
    /// The line's own id is none.
    #[error(
        "id: must be a text of 1 to {ID_BYTES_MAX} bytes, or a whole number that is read exactly"
    )]
    Id,
    /// The line is out of order, and the other calls of its minute are counted as a whole.
    #[error(
        "more than {window_s} seconds older than a line before it, and its minute is counted: give a log that is out of order a longer --window, and import the pieces of a joined log each on its own"
    )]
    OutOfOrder {
        /// By how much lines may be out of order.
        window_s: i64,
    },
    /// The line is the last one, has no line break and may lack what follows.
    #[error(
        "the last line, which has no line break and may be cut off: import the file again when it is written, or when a line break ends it"
    )]
    Unfinished,
    /// The instant lies in no billing day.
    #[error("{0} is outside the billing calendar")]
    OutsideCalendar(WallTime),
    /// There are no calls for the amount to go through.
    #[error("amount {0} without calls: the count is 0")]
    AmountWithoutCalls(Amount),
    /// The calls are more than one line may have, or their amount is.
    #[error("{0} are more than one line may have: {COUNT_MAX} calls and ¥{AMOUNT_MAX}")]
    TooMuchOfALine(Metered),
    /// The calls of the file are too many, or their amount too large.
    #[error(transparent)]
    TooMuch(#[from] UsageError),
}

impl LineError {
    /// The fault, without what is particular to the line.
    #[must_use]
    pub fn reason(&self) -> Cow<'static, str> {
        match self {
            LineError::TooLong => "too long".into(),
            LineError::LogLine(error) => log_line_reason(error),
            LineError::Name(error) => name_reason(error),
            LineError::Record(_) => "not a record in JSON".into(),
            LineError::Json(_) => "not JSON".into(),
            LineError::Field(error) => format!("no value in field `{}`", error.field).into(),
            LineError::When => "neither `at` nor `day`, or both".into(),
            LineError::Id => "not an id".into(),
            LineError::OutOfOrder { .. } => "out of order".into(),
            LineError::Unfinished => "cut off".into(),
            LineError::OutsideCalendar(_) => "outside the billing calendar".into(),
            LineError::AmountWithoutCalls(_) => "an amount without calls".into(),
            LineError::TooMuchOfALine(_) => "too many calls in a line".into(),
            LineError::TooMuch(_) => "too many calls".into(),
        }
    }
}

fn log_line_reason(error: &LogLineError) -> Cow<'static, str> {
    match error {
        LogLineError::Foreign(log) => log.to_string().into(),
        LogLineError::Format(error) => error.reason().into(),
        LogLineError::NoRequest => "not a whole line of an access log".into(),
        LogLineError::Head => "not host, identity, user and [time] at the beginning".into(),
        LogLineError::NoClient(_) => "a virtual host without a client".into(),
        LogLineError::Time(_) => "not a time".into(),
        LogLineError::Answer(_) => "no status and size after the request".into(),
        LogLineError::TwoLines => "two lines without a line break between them".into(),
    }
}

fn name_reason(error: &NameError) -> Cow<'static, str> {
    match error {
        NameError::Caller(CallerError::Absent(_)) => "no caller".into(),
        NameError::Caller(error @ CallerError::NotLogged { .. }) => error.to_string().into(),
        NameError::Caller(CallerError::Several(_)) => "several callers".into(),
        NameError::Caller(CallerError::AddressList(_)) => {
            "a list of addresses; choose one by --trusted-hops".into()
        }
        NameError::Caller(CallerError::Forwarded(ForwardedError::TooFew { .. })) => {
            "fewer addresses than trusted proxies".into()
        }
        NameError::Caller(CallerError::Forwarded(ForwardedError::NotAnAddress(_))) => {
            "not an IP address where a trusted proxy writes one".into()
        }
        NameError::Caller(CallerError::Text(_)) => {
            "a caller that is too long or holds control characters".into()
        }
        NameError::Request(_) => "answered as a call, but no method and target".into(),
        NameError::NoPath(_) => "no path in the request".into(),
        NameError::Api(_) => "no name for an API".into(),
    }
}
