//! The names of all kinds of breaches.

use steelyard_billing::{Breach, BreachKind};

/// Names each kind once; the match is exhaustive, so that a new one has to be named here.
macro_rules! kinds {
    ($count:literal: $($kind:ident)*) => {
        pub(crate) const VARIANTS: [&str; $count] = [$(stringify!($kind)),*];

        pub(crate) fn variant(breach: &Breach) -> &'static str {
            match breach.kind {
                $(BreachKind::$kind => stringify!($kind),)*
            }
        }
    };
}

kinds! { 70:
    Foreign Overcharged Uncharged ReportsGone Overdue Unclosed OpenFrom Lines Explanation
    LineUsage RatedToDate ChangedDays ChargedBefore LinesToDate Rated Rounding Tax Unpaid GivenUp Vouchers Charge TermsGone
    TermsChanged Progress SettledThrough JournalGap JournalEnd Rules Figures Unjournaled ChargedBy
    LastDebit
    StatementGone FromPrepaid Adjustment AdjustmentGone Approval Unbooked Postings RechargeTwice Debit Taken DebitGone DebitTwice
    DebitTerms OutTradeNo OurNumber LastNumber OpenDebits Reserved Withheld Overdrawn
    Unrequested Held InDoubt Mandate Gateway Deposit Unmatched Registration Code Owner Unfiled
    FiledInVain FiledLate FiledElsewhere Unworked DueLate Unfinished Range
}
