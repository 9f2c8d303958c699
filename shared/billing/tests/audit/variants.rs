//! The names of all breaches.

use steelyard_billing::Breach;

/// Names each variant once; the match is exhaustive, so that a new one has to be named here.
macro_rules! variants {
    ($count:literal: $($variant:ident)*) => {
        pub const VARIANTS: [&str; $count] = [$(stringify!($variant)),*];

        pub fn variant(breach: &Breach) -> &'static str {
            match breach {
                $(Breach::$variant { .. } => stringify!($variant),)*
            }
        }
    };
}

variants! { 37:
    Foreign Counted Overcharged Uncharged Lines Explanation
    LineUsage RatedToDate Counts ChargedBefore LinesToDate Rated
    Rounding Charge TermsGone TermsChanged Progress SettledThrough JournalGap
    JournalEnd Rules Figures Unjournaled StatementGone FromPrepaid
    Postings RechargeTwice Debit Taken DebitGone DebitTwice
    OutTradeNo OpenDebits Mandate Overdrawn Gateway Range
}
