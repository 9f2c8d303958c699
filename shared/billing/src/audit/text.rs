//! Facts and errors as texts that an operator can read.

use std::error::Error;
use std::fmt::Display;

use steelyard_pricing::{ChargeError, MoneyError, UsageError};

use super::Breach;
use crate::account::Figures;

impl From<MoneyError> for Breach {
    fn from(error: MoneyError) -> Breach {
        Breach::Range(chain(&error))
    }
}

impl From<UsageError> for Breach {
    fn from(error: UsageError) -> Breach {
        Breach::Range(chain(&error))
    }
}

impl From<ChargeError> for Breach {
    fn from(error: ChargeError) -> Breach {
        Breach::Range(chain(&error))
    }
}

/// An error with its causes.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

/// What there is, separated by commas.
pub(super) fn shown<'a, T: Display + 'a>(things: impl IntoIterator<Item = &'a T>) -> String {
    let things = things.into_iter().map(ToString::to_string).collect::<Vec<_>>();
    if things.is_empty() { "none".to_owned() } else { things.join(", ") }
}

/// An account's figures, in yuan.
pub(super) fn sums(figures: &Figures) -> String {
    let (prepaid, receivable) = (figures.prepaid(), figures.receivable());
    format!("{prepaid} prepaid, {receivable} receivable and {} reserved", figures.reserved())
}
