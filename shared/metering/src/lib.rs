//! Counting usage, each report once, in the usage table: what a function or a command that takes
//! usage calls.
//!
//! [`Counter`] counts reports, [`Voider`] withdraws them, and [`import`] counts what was logged, by
//! a rule that an operator wrote or that [`StoredRules`] finds. What a report says, and how lines
//! of a log become calls, is decided in the pure crates below. The right to report is checked by
//! the callers of this crate.

mod count;
mod import;
mod rules;
mod void;

pub use count::{
    CountedShares, Counter, Counting, CountingOf, Cumulative, CumulativeShares, RaisedShare,
    Raising, RefusedRecord,
};
pub use import::{
    Counters, ImportAs, ImportError, Importing, NotCountedShare, Progress, count_identified,
    count_post, divided_ids, import,
};
pub use rules::{NoRule, StoredRules};
pub use void::{Void, VoidError, Voided, Voider};
