//! Configuration from environment variables: read once, typed, and each mistake reported by name.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use jiff::civil::Time;
use steelyard_billing::{Calendar, DebitRules};
use steelyard_pricing::Fen;
use thiserror::Error;

/// The environment variables of this process, or of a test.
#[derive(Clone, Debug, Default)]
pub struct Environment(BTreeMap<String, String>);

/// Why a function can't start.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EnvironmentError {
    /// A variable is not set, or empty.
    #[error("environment variable {0} is not set")]
    Missing(&'static str),
    /// A variable is set to something that makes no sense.
    #[error("environment variable {name} is `{value}`: {why}")]
    Invalid {
        /// The name of the variable.
        name: &'static str,
        /// The text that was set.
        value: String,
        /// The reason why the value is refused.
        why: String,
    },
}

impl Environment {
    /// The variables of this process.
    #[must_use]
    pub fn of_process() -> Environment {
        Environment(std::env::vars().collect())
    }

    /// The value of a variable, if it is set and not empty.
    #[must_use]
    pub fn optional(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The names and values of the variables with a name that starts so, without the empty ones.
    pub(crate) fn starting_with(&self, prefix: &'static str) -> impl Iterator<Item = (&str, &str)> {
        let named = self.0.iter().filter(move |(name, _)| name.starts_with(prefix));
        named
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(|(_, value)| !value.is_empty())
    }

    /// The value of a variable.
    ///
    /// # Errors
    ///
    /// [`EnvironmentError::Missing`] naming it.
    pub fn required(&self, name: &'static str) -> Result<String, EnvironmentError> {
        self.optional(name).map(str::to_owned).ok_or(EnvironmentError::Missing(name))
    }

    /// The value of a variable, read as what it stands for.
    ///
    /// # Errors
    ///
    /// [`EnvironmentError`] naming the variable and what is wrong.
    pub fn parsed<T: FromStr<Err: Display>>(
        &self,
        name: &'static str,
    ) -> Result<T, EnvironmentError> {
        let value = self.required(name)?;
        value.parse().map_err(|error: T::Err| EnvironmentError::Invalid {
            name,
            why: error.to_string(),
            value,
        })
    }

    /// The platform's calendar, from `TIME_ZONE`, `MONTH_CLOSE_DAY` and `USAGE_RETENTION_DAYS`.
    ///
    /// # Errors
    ///
    /// [`EnvironmentError`] naming the variable and what is wrong.
    pub fn calendar(&self) -> Result<Calendar, EnvironmentError> {
        let time_zone = self.required("TIME_ZONE")?;
        let close_day = self.parsed("MONTH_CLOSE_DAY")?;
        let retention_days: u16 = self.parsed("USAGE_RETENTION_DAYS")?;
        let calendar =
            Calendar::new(&time_zone, close_day).map_err(|error| EnvironmentError::Invalid {
                name: if error.is_about_time_zone() { "TIME_ZONE" } else { "MONTH_CLOSE_DAY" },
                value: if error.is_about_time_zone() { time_zone } else { close_day.to_string() },
                why: error.to_string(),
            })?;
        calendar.keeping_reports(retention_days).map_err(|error| EnvironmentError::Invalid {
            name: "USAGE_RETENTION_DAYS",
            value: retention_days.to_string(),
            why: error.to_string(),
        })
    }

    /// When debits are made, from `DEBIT_TIME`, `DEBIT_WINDOW_MINUTES`, `DEBIT_MINIMUM_FEN` and the
    /// calendar; and whether adjustments need an approval, from `ADJUSTMENTS_NEED_APPROVAL`,
    /// and how many names of APIs a month lists, from `API_NAMES_MAX`.
    ///
    /// # Errors
    ///
    /// [`EnvironmentError`] naming the variable and what is wrong.
    pub fn debit_rules(&self) -> Result<DebitRules, EnvironmentError> {
        Ok(DebitRules {
            calendar: self.calendar()?,
            minimum_fen: Fen::new(self.parsed("DEBIT_MINIMUM_FEN")?),
            time_of_day: self.parsed::<Time>("DEBIT_TIME")?,
            window_minutes: self.parsed("DEBIT_WINDOW_MINUTES")?,
            adjustments_need_approval: self.parsed("ADJUSTMENTS_NEED_APPROVAL")?,
            names_max: self.parsed("API_NAMES_MAX")?,
        })
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Environment {
    fn from_iter<V: IntoIterator<Item = (&'a str, &'a str)>>(variables: V) -> Environment {
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Environment(variables.into_iter().map(owned).collect())
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(variables: [(&str, &str); N]) -> Environment {
        variables.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_variable_is_told_by_name() {
        let environment = Environment::from([("TIME_ZONE", "Asia/Shanghai"), ("EMPTY", "")]);
        assert_eq!(environment.required("EMPTY"), Err(EnvironmentError::Missing("EMPTY")));
        assert_eq!(
            environment.calendar().err(),
            Some(EnvironmentError::Missing("MONTH_CLOSE_DAY"))
        );
    }

    #[test]
    fn a_value_that_makes_no_sense_is_told_with_its_name() {
        let calendar = |zone, day, retention| {
            let environment = Environment::from([
                ("TIME_ZONE", zone),
                ("MONTH_CLOSE_DAY", day),
                ("USAGE_RETENTION_DAYS", retention),
            ]);
            environment.calendar()
        };
        for (zone, day, retention, name) in [
            ("Asia/Shangai", "5", "400", "TIME_ZONE is `Asia/Shangai`"),
            ("UTC", "29", "400", "MONTH_CLOSE_DAY is `29`"),
            ("UTC", "x", "400", "MONTH_CLOSE_DAY is `x`"),
            ("UTC", "5", "89", "USAGE_RETENTION_DAYS is `89`"),
            ("UTC", "5", "3654", "USAGE_RETENTION_DAYS is `3654`"),
            ("UTC", "5", "-1", "USAGE_RETENTION_DAYS is `-1`"),
            ("UTC", "5", "", "USAGE_RETENTION_DAYS is not set"),
        ] {
            let error = calendar(zone, day, retention).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
        assert_eq!(calendar("UTC", "5", "90").unwrap().retention_days(), 90);
    }
}
