//! Which requests are billed: by their method, and by what was answered. Pure.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use thiserror::Error;

use super::excerpt::Excerpt;

/// The HTTP statuses of billable calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusRule(Vec<RangeInclusive<u16>>);

/// The HTTP methods of billable calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MethodRule {
    /// Every method, OPTIONS too.
    All,
    /// These and no other.
    Only(BTreeSet<String>),
    /// Any other than these.
    AllBut(BTreeSet<String>),
}

/// Why a request is not billed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NotBillable {
    /// The rule for methods leaves it out.
    Method,
    /// The rule for statuses leaves out this status of its answer.
    Status(u16),
}

/// Why a text is no rule for what is billed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BillableTextError {
    /// The text names no status.
    #[error("`{0}` is neither a status such as 404 nor a class such as 2xx; or give `all`")]
    Status(Excerpt),
    /// The text names no method.
    #[error("`{0}` is not a method such as GET; or give `all`, or `not:` and methods")]
    Method(Excerpt),
}

impl StatusRule {
    /// Whether calls with that answer are billed.
    #[must_use]
    pub fn bills(&self, status: u16) -> bool {
        self.0.iter().any(|statuses| statuses.contains(&status))
    }
}

impl MethodRule {
    /// Whether calls by that method are billed. Methods have a case.
    #[must_use]
    pub fn bills(&self, method: &str) -> bool {
        match self {
            MethodRule::All => true,
            MethodRule::Only(methods) => methods.contains(method),
            MethodRule::AllBut(methods) => !methods.contains(method),
        }
    }
}

impl Default for StatusRule {
    /// The answers that gave the caller what it asked for: 200 to 299.
    fn default() -> StatusRule {
        StatusRule(vec![200..=299])
    }
}

impl Default for MethodRule {
    /// A browser asks by OPTIONS whether it may make a call, before it makes it.
    fn default() -> MethodRule {
        MethodRule::AllBut(BTreeSet::from(["OPTIONS".to_owned()]))
    }
}

impl FromStr for StatusRule {
    type Err = BillableTextError;

    fn from_str(text: &str) -> Result<StatusRule, BillableTextError> {
        if text == "all" {
            return Ok(StatusRule(vec![0..=999]));
        }
        text.split(',').map(statuses).collect::<Result<_, _>>().map(StatusRule)
    }
}

/// `404` or `2xx`.
fn statuses(text: &str) -> Result<RangeInclusive<u16>, BillableTextError> {
    let refused = || BillableTextError::Status(Excerpt::of(text));
    let digits = text.strip_suffix("xx").unwrap_or(text);
    let number = digits.parse::<u16>().map_err(|_| refused())?;
    match (digits.len() == text.len(), number) {
        (true, 100..=999) => Ok(number..=number),
        (false, 1..=9) => Ok(number * 100..=number * 100 + 99),
        (true | false, _) => Err(refused()),
    }
}

impl FromStr for MethodRule {
    type Err = BillableTextError;

    fn from_str(text: &str) -> Result<MethodRule, BillableTextError> {
        match text.strip_prefix("not:") {
            None if text == "all" => Ok(MethodRule::All),
            None => methods(text).map(MethodRule::Only),
            Some(text) => methods(text).map(MethodRule::AllBut),
        }
    }
}

/// Methods parted by commas, such as `GET,POST`.
fn methods(text: &str) -> Result<BTreeSet<String>, BillableTextError> {
    let method = |method: &str| {
        let is_letter = |byte: u8| byte.is_ascii_uppercase() || matches!(byte, b'-' | b'_');
        if method.is_empty() || !method.bytes().all(is_letter) {
            return Err(BillableTextError::Method(Excerpt::of(method)));
        }
        Ok(method.to_owned())
    };
    text.split(',').map(method).collect()
}

impl fmt::Display for StatusRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, statuses) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            match (*statuses.start(), *statuses.end()) {
                (0, _) => write!(f, "{comma}all")?,
                (first, last) if first == last => write!(f, "{comma}{first}")?,
                (first, _) => write!(f, "{comma}{}xx", first / 100)?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for MethodRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, methods) = match self {
            MethodRule::All => return f.write_str("all"),
            MethodRule::Only(methods) => ("", methods),
            MethodRule::AllBut(methods) => ("not:", methods),
        };
        write!(f, "{word}{}", methods.iter().map(String::as_str).collect::<Vec<_>>().join(","))
    }
}

impl fmt::Display for NotBillable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotBillable::Method => f.write_str("by method"),
            NotBillable::Status(status) => write!(f, "with status {status:03}"),
        }
    }
}

impl Serialize for NotBillable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            NotBillable::Method => serializer.serialize_str("method"),
            NotBillable::Status(status) => serializer.collect_str(&format_args!("{status:03}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_billed_by_rule() {
        for (rule, billed, not) in [
            ("2xx", vec![200, 204, 207, 299], vec![0, 101, 199, 301, 304, 408, 499, 500]),
            ("2xx,3xx", vec![200, 299, 304, 399], vec![0, 101, 199, 400, 404, 500]),
            ("2xx,101,499", vec![101, 200, 499], vec![100, 304, 403, 408]),
            ("all", vec![0, 200, 404, 999], vec![]),
        ] {
            let statuses = rule.parse::<StatusRule>().unwrap();
            assert_eq!(statuses.to_string(), rule);
            assert!(billed.iter().all(|status| statuses.bills(*status)), "{rule}");
            assert!(!not.iter().any(|status| statuses.bills(*status)), "{rule}");
        }
        for rule in ["", "2xx,", "20xx", "0xx", "20", "+20", "2XX", "xx"] {
            assert!(rule.parse::<StatusRule>().is_err(), "{rule}");
        }
        assert_eq!(StatusRule::default().to_string(), "2xx");
    }

    #[test]
    fn methods_are_billed_by_rule() {
        for (rule, billed, not) in [
            ("not:OPTIONS", vec!["GET", "HEAD", "get", "PROPFIND"], vec!["OPTIONS"]),
            ("not:HEAD,OPTIONS", vec!["GET"], vec!["HEAD", "OPTIONS"]),
            ("GET,POST", vec!["GET", "POST"], vec!["get", "OPTIONS"]),
            ("all", vec!["GET", "OPTIONS"], vec![]),
        ] {
            let methods = rule.parse::<MethodRule>().unwrap();
            assert_eq!(methods.to_string(), rule);
            assert!(billed.iter().all(|method| methods.bills(method)), "{rule}");
            assert!(!not.iter().any(|method| methods.bills(method)), "{rule}");
        }
        for rule in ["", "GET,", "not:", "get", "GET POST", "not:GET,"] {
            assert!(rule.parse::<MethodRule>().is_err(), "{rule}");
        }
        assert_eq!(MethodRule::default().to_string(), "not:OPTIONS");
    }
}
