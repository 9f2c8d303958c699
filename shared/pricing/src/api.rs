//! The names of billable APIs, and the patterns by which a rate covers them.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The name of one billable API, such as `taobao.trades.sold.get`.
///
/// 1 to 128 visible ASCII characters; none of `*`, `#`, `"`, `\`, `` ` ``, `<` and `>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ApiName(Arc<str>);

/// Which APIs a rate covers: an exact name, or a prefix followed by `*`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ApiPattern {
    /// The one API of this name.
    Exact(ApiName),
    /// Every API whose name starts so; empty for every API.
    Prefix(String),
}

/// Why a text is not the name of an API or a pattern for names.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ApiNameError {
    /// The text is empty or longer than 128 characters.
    #[error("an API name has 1 to 128 characters, not {0}")]
    Length(usize),
    /// The text holds a character that a name may not have.
    #[error("an API name may not hold {0:?}")]
    Character(char),
    /// A pattern holds a `*` before its end.
    #[error("`{0}` holds a `*` that is not at its end")]
    WildcardInside(String),
}

const LENGTH_MAX: usize = 128;
/// What ends the name of several APIs: a name that is reported is ASCII.
const OTHER: &str = "…other";

impl ApiName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name under which calls are summed whose own names are too many. It begins with the
    /// prefix of the pattern that covers them, so that the pattern covers it too. Nobody can report
    /// it.
    #[must_use]
    pub fn other(prefix: &str) -> ApiName {
        ApiName(format!("{prefix}{OTHER}").into())
    }

    /// What the names begin with whose calls are summed under it; none for the name of one API.
    #[must_use]
    pub fn other_prefix(&self) -> Option<&str> {
        self.0.strip_suffix(OTHER)
    }
}

impl ApiPattern {
    /// Whether the pattern covers the API.
    #[must_use]
    pub fn covers(&self, api: &ApiName) -> bool {
        match self {
            ApiPattern::Exact(name) => name == api,
            ApiPattern::Prefix(prefix) => api.0.starts_with(prefix),
        }
    }

    /// How precise the pattern is: of two that cover an API, the greater one wins.
    ///
    /// An exact name beats every prefix, a longer prefix beats a shorter one.
    #[must_use]
    pub fn rank(&self) -> usize {
        match self {
            ApiPattern::Exact(_) => usize::MAX,
            ApiPattern::Prefix(prefix) => prefix.len(),
        }
    }
}

/// Every name that is stored is checked when it is read, thousands for a page: no search in a list.
const fn is_allowed(c: char) -> bool {
    c.is_ascii_graphic() && !matches!(c, '*' | '#' | '"' | '\\' | '`' | '<' | '>')
}

fn check_characters(text: &str) -> Result<(), ApiNameError> {
    match text.chars().find(|c| !is_allowed(*c)) {
        Some(c) => Err(ApiNameError::Character(c)),
        None => Ok(()),
    }
}

impl FromStr for ApiName {
    type Err = ApiNameError;

    fn from_str(text: &str) -> Result<ApiName, ApiNameError> {
        if text.is_empty() || text.len() > LENGTH_MAX {
            return Err(ApiNameError::Length(text.chars().count()));
        }
        check_characters(text)?;
        Ok(ApiName(text.into()))
    }
}

impl FromStr for ApiPattern {
    type Err = ApiNameError;

    fn from_str(text: &str) -> Result<ApiPattern, ApiNameError> {
        let prefix = text.strip_suffix('*');
        if prefix.unwrap_or(text).contains('*') {
            return Err(ApiNameError::WildcardInside(text.to_owned()));
        }
        let Some(prefix) = prefix else {
            return text.parse().map(ApiPattern::Exact);
        };
        if prefix.len() > LENGTH_MAX {
            return Err(ApiNameError::Length(prefix.len()));
        }
        check_characters(prefix)?;
        Ok(ApiPattern::Prefix(prefix.to_owned()))
    }
}

impl TryFrom<String> for ApiName {
    type Error = ApiNameError;

    /// Reads a name as it is stored; [`FromStr`] reads one that a source reports, which is of one
    /// API.
    fn try_from(text: String) -> Result<ApiName, ApiNameError> {
        let Some(prefix) = text.strip_suffix(OTHER) else { return text.parse() };
        check_characters(prefix)?;
        if prefix.len() > LENGTH_MAX {
            return Err(ApiNameError::Length(prefix.len()));
        }
        Ok(ApiName(text.into()))
    }
}

impl TryFrom<String> for ApiPattern {
    type Error = ApiNameError;

    fn try_from(text: String) -> Result<ApiPattern, ApiNameError> {
        text.parse()
    }
}

impl From<ApiName> for String {
    fn from(api: ApiName) -> String {
        api.as_str().to_owned()
    }
}

impl From<ApiPattern> for String {
    fn from(pattern: ApiPattern) -> String {
        pattern.to_string()
    }
}

impl Borrow<str> for ApiName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ApiName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Display for ApiPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ApiPattern::Exact(name) => name.fmt(f),
            ApiPattern::Prefix(prefix) => write!(f, "{prefix}*"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_are_refused_by_what_is_wrong_with_them() {
        for (name, why) in [
            ("", ApiNameError::Length(0)),
            ("a b", ApiNameError::Character(' ')),
            ("a#b", ApiNameError::Character('#')),
            ("a\nb", ApiNameError::Character('\n')),
            ("接口", ApiNameError::Character('接')),
            ("a*", ApiNameError::Character('*')),
        ] {
            assert_eq!(name.parse::<ApiName>(), Err(why), "{name:?}");
        }
        assert_eq!("x".repeat(129).parse::<ApiName>(), Err(ApiNameError::Length(129)));
    }

    #[test]
    fn name_of_several_apis_is_read_from_a_store_and_from_nobody_else() {
        for prefix in ["", "taobao.", &"x".repeat(128)] {
            let other = ApiName::other(prefix);
            assert_eq!(other.other_prefix(), Some(prefix));
            assert_eq!(ApiName::try_from(other.to_string()), Ok(other.clone()));
            assert!(other.as_str().parse::<ApiName>().is_err(), "{other}");
            assert!(ApiPattern::Prefix(prefix.to_owned()).covers(&other), "{other}");
        }
        for text in ["a b…other", "a…others", "…other…other", "…"] {
            assert!(ApiName::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_wildcard_stands_at_the_end_only() {
        for text in ["a*b", "*a", "**"] {
            assert_eq!(
                text.parse::<ApiPattern>(),
                Err(ApiNameError::WildcardInside(text.to_owned()))
            );
        }
        assert_eq!("*".parse(), Ok(ApiPattern::Prefix(String::new())));
    }
}
