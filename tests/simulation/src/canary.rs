//! Faults that are built in on purpose, to see that the simulation finds them.
//!
//! None of them is in the product. Each is made where the functions meet AWS or Alipay, and shows
//! there what a build with that fault would show: a condition that is missing in a request, an
//! answer that is taken for another, a record that nobody sees.

use std::fmt;
use std::str::FromStr;

/// One fault that is built in on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Canary {
    /// A report is put without looking whether it is there.
    CountedUnchecked,
    /// A payment that timed out is sent again under a new number.
    NewNumber,
    /// Settlement cuts days in UTC.
    UtcDays,
    /// Two deployments number their trades alike.
    NoRealm,
    /// An event has a random id.
    RandomEventId,
    /// A record of the stream is passed over.
    SkippedRecord,
    /// Settlement books without its conditions.
    DroppedCondition,
    /// A worker on debits stores over what another one stored.
    Unfenced,
    /// A payment that was not answered is paid again without a query.
    PaidUnasked,
    /// A payment that timed out is taken for a declined one.
    DeclinedByTimeOut,
    /// An answer to one payment is taken for the answers to all earlier ones.
    ForgottenRequest,
    /// A bill that is missing is taken for one without rows.
    MissingBillEmpty,
    /// An item that cannot be read fails the page that it is on.
    FailedPage,
    /// Usage is counted in months that are closed.
    ReopenedMonth,
}

impl Canary {
    /// Every fault of these.
    pub const ALL: [Canary; 14] = [
        Canary::CountedUnchecked,
        Canary::NewNumber,
        Canary::UtcDays,
        Canary::NoRealm,
        Canary::RandomEventId,
        Canary::SkippedRecord,
        Canary::DroppedCondition,
        Canary::Unfenced,
        Canary::PaidUnasked,
        Canary::DeclinedByTimeOut,
        Canary::ForgottenRequest,
        Canary::MissingBillEmpty,
        Canary::FailedPage,
        Canary::ReopenedMonth,
    ];
}

impl fmt::Display for Canary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl FromStr for Canary {
    type Err = String;

    fn from_str(text: &str) -> Result<Canary, String> {
        let named = |canary: &Canary| canary.to_string().eq_ignore_ascii_case(text);
        Canary::ALL.into_iter().find(named).ok_or_else(|| format!("no canary is called `{text}`"))
    }
}
