//! How long to wait before asking again.

use jiff::SignedDuration;

/// How long until the next try after so many: `first`, then twice as long each time, `most` at most.
pub(crate) fn growing(first: SignedDuration, tries: u16, most: SignedDuration) -> SignedDuration {
    (first * (1_i32 << tries.min(10))).min(most)
}

/// A minute, then twice as long each time, an hour at most.
pub(crate) fn minutes_to_an_hour(tries: u16) -> SignedDuration {
    growing(SignedDuration::from_mins(1), tries, SignedDuration::from_hours(1))
}
