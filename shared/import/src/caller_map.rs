//! Which provider a caller's calls are billed to, where a platform keeps a table of them. Pure,
//! except for opening its file.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::io;
use std::sync::Arc;

use steelyard_billing::{IdError, ProviderId};
use thiserror::Error;

use super::excerpt::Excerpt;

/// Callers and the providers that are billed for them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallerMap {
    exact: Arc<HashMap<String, ProviderId>>,
    prefixes: Arc<HashMap<String, ProviderId>>,
    /// The lengths that prefixes have.
    lengths: Arc<BTreeSet<usize>>,
}

/// Why a file is no map of callers.
#[derive(Debug, Error)]
pub enum CallerMapError {
    /// The file can't be read, or is not in UTF-8.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// The first line is another.
    #[error("does not begin with the line `{HEADER}`, but `{0}`")]
    Header(Excerpt),
    /// A line has not two fields.
    #[error("line {0} is not a caller, a comma and a provider")]
    Fields(usize),
    /// A line has no provider.
    #[error("line {line}: `{caller}` has no provider: {why}")]
    Provider {
        /// The line, from 1.
        line: usize,
        /// The caller, as far as it is shown.
        caller: Excerpt,
        /// The fault of the provider's id.
        why: IdError,
    },
    /// A line has no caller.
    #[error("line {0}: there is no caller")]
    NoCaller(usize),
    /// A caller has two lines.
    #[error("line {line}: `{caller}` is given twice")]
    Twice {
        /// The second line, from 1.
        line: usize,
        /// The caller, as far as it is shown.
        caller: Excerpt,
    },
}

/// The first line of a map.
pub const HEADER: &str = "caller,provider";

/// What begins a remark in a map.
const REMARK: char = '#';

/// Callers as people write them, each with its provider. A `*` at the end of a caller stands for
/// anything.
pub type Callers = BTreeMap<String, ProviderId>;

/// The callers in a file.
///
/// # Errors
///
/// [`CallerMapError`] naming the line that is wrong.
pub fn open_callers(path: &str) -> Result<Callers, CallerMapError> {
    read_callers(&std::fs::read_to_string(path)?)
}

/// The callers that a CSV document has: a header, and then a caller and its provider on each line.
/// Lines that begin with `#` are remarks.
///
/// # Errors
///
/// [`CallerMapError`] naming the line that is wrong.
pub fn read_callers(document: &str) -> Result<Callers, CallerMapError> {
    let document = document.strip_prefix('\u{feff}').unwrap_or(document);
    let lines = document.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    let mut lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with(REMARK));
    let header = lines.next().map_or("", |(_, header)| header);
    if header.split(',').map(str::trim).ne(HEADER.split(',')) {
        return Err(CallerMapError::Header(Excerpt::of(header)));
    }
    let mut callers = Callers::new();
    for (number, line) in lines {
        let (caller, provider) = read_line(number, line)?;
        let shown = Excerpt::of(&caller);
        if callers.insert(caller, provider).is_some() {
            return Err(CallerMapError::Twice { line: number, caller: shown });
        }
    }
    Ok(callers)
}

impl From<&Callers> for CallerMap {
    fn from(callers: &Callers) -> CallerMap {
        let (mut exact, mut prefixes) = (HashMap::new(), HashMap::new());
        for (caller, provider) in callers {
            match caller.strip_suffix('*') {
                Some(prefix) => prefixes.insert(prefix.to_owned(), provider.clone()),
                None => exact.insert(caller.clone(), provider.clone()),
            };
        }
        let lengths = prefixes.keys().map(String::len).collect();
        let (exact, prefixes, lengths) = (exact.into(), prefixes.into(), Arc::new(lengths));
        CallerMap { exact, prefixes, lengths }
    }
}

impl CallerMap {
    /// The provider of a caller: that of the whole text, otherwise that of the longest prefix.
    #[must_use]
    pub fn provider(&self, caller: &str) -> Option<&ProviderId> {
        self.exact.get(caller).or_else(|| {
            let lengths = self.lengths.range(..=caller.len()).rev();
            let mut beginnings = lengths.filter_map(|length| caller.get(..*length));
            beginnings.find_map(|beginning| self.prefixes.get(beginning))
        })
    }
}

/// No caller has a line break, so a line is a record.
fn read_line(line: usize, text: &str) -> Result<(String, ProviderId), CallerMapError> {
    let reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .trim(csv::Trim::All)
        .buffer_capacity(text.len())
        .from_reader(text.as_bytes());
    let Some(Ok(record)) = reader.into_records().next() else {
        return Err(CallerMapError::Fields(line));
    };
    let mut fields = record.iter();
    let (Some(caller), Some(provider), None) = (fields.next(), fields.next(), fields.next()) else {
        return Err(CallerMapError::Fields(line));
    };
    if caller.is_empty() {
        return Err(CallerMapError::NoCaller(line));
    }
    let provider = provider.parse().map_err(|why| CallerMapError::Provider {
        line,
        caller: Excerpt::of(caller),
        why,
    })?;
    Ok((caller.to_owned(), provider))
}

/// A caller as a line of a map whose provider is still to be written.
pub struct Unmapped<'a>(pub &'a str);

impl fmt::Display for Unmapped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Of a caller that ends with `*`, the star is a prefix; that covers the caller, too.
        let is_plain = |c: char| !matches!(c, ',' | '"' | '#') && !c.is_whitespace();
        if self.0.chars().all(is_plain) {
            write!(f, "{},", self.0)
        } else {
            write!(f, "\"{}\",", self.0.replace('"', "\"\""))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str = "\u{feff}caller,provider\r\n\
        # Keys of the shop.\r\n\
        1021,shop\r\n\
        10*,tens\r\n\
        102*,hundred-and-twos\r\n\
        \"CN=a, O=b\" , bank\r\n\
        arn:aws:iam::1234:role/*,role\r\n\
        arn:aws:iam::1234:role/admin,admin\r\n";

    fn find(map: &str, caller: &str) -> Option<String> {
        CallerMap::from(&read_callers(map).unwrap()).provider(caller).map(ToString::to_string)
    }

    #[test]
    fn longest_match_wins() {
        for (caller, provider) in [
            ("1021", Some("shop")),
            ("10210", Some("hundred-and-twos")),
            ("102", Some("hundred-and-twos")),
            ("1099", Some("tens")),
            ("10", Some("tens")),
            ("1", None),
            ("", None),
            ("CN=a, O=b", Some("bank")),
            ("arn:aws:iam::1234:role/reader", Some("role")),
            ("arn:aws:iam::1234:role/admin", Some("admin")),
            ("arn:aws:iam::1234:role/administrator", Some("role")),
            ("arn:aws:iam::1235:role/admin", None),
            ("1商", None),
            ("10商", Some("tens")),
        ] {
            assert_eq!(find(MAP, caller).as_deref(), provider, "{caller}");
        }
        assert_eq!(find("caller,provider\n*,others\na,b", "x").as_deref(), Some("others"));
        assert_eq!(find("caller,provider", "x"), None);
    }

    #[test]
    fn maps_that_are_none_are_refused_by_line() {
        for (map, why) in [
            ("", "does not begin with the line `caller,provider`, but ``"),
            ("a,b", "does not begin with the line `caller,provider`, but `a,b`"),
            (
                "caller,provider\n\n# x\na,\n",
                "line 4: `a` has no provider: an id of this kind has 1 to 64 characters, not 0",
            ),
            ("caller,provider\na,b/c", "line 2: `a` has no provider: an id may not hold '/'"),
            ("caller,provider\na,b,c", "line 2 is not a caller, a comma and a provider"),
            ("caller,provider\na", "line 2 is not a caller, a comma and a provider"),
            ("caller,provider\n,b", "line 2: there is no caller"),
            ("caller,provider\na,b\na,c", "line 3: `a` is given twice"),
            ("caller,provider\na*,b\na*,b", "line 3: `a*` is given twice"),
        ] {
            let error = read_callers(map).unwrap_err();
            assert_eq!(error.to_string(), why, "{map}");
        }
        assert!(open_callers("/none").is_err());
    }

    #[test]
    fn unmapped_caller_is_a_line_that_only_lacks_its_provider() {
        for caller in ["arn:aws:iam::1:role/x", "CN=a, O=b", "say \"a\"", "#a", "a b", "商"] {
            let map = format!("{HEADER}\n{}p\n", Unmapped(caller));
            assert_eq!(find(&map, caller).as_deref(), Some("p"), "{map}");
        }
    }
}
