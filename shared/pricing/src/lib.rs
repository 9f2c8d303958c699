//! What usage costs under a plan: exact, explained, and pure. No I/O, no clock, no AWS.

mod money;

pub use money::{Fen, MoneyError, Yuan};
