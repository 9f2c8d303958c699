//! Which rate covers an API.

use std::collections::HashMap;

use super::Rate;
use crate::{ApiName, ApiPattern};

/// The patterns of a plan's rates, ready to be asked.
#[derive(Clone, Debug, Default)]
pub(super) struct Matcher {
    exact: HashMap<ApiName, usize>,
    /// Longest first, so that the first that fits is the one that wins.
    prefixes: Vec<(String, usize)>,
}

impl Matcher {
    pub(super) fn of(rates: &[Rate]) -> Matcher {
        let mut matcher = Matcher::default();
        for (index, rate) in rates.iter().enumerate() {
            for pattern in &rate.apis {
                match pattern {
                    ApiPattern::Exact(api) => {
                        matcher.exact.insert(api.clone(), index);
                    }
                    ApiPattern::Prefix(prefix) => matcher.prefixes.push((prefix.clone(), index)),
                }
            }
        }
        matcher.prefixes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        matcher
    }

    /// The place of the rate that covers the API: an exact name wins over prefixes, a longer prefix
    /// over a shorter one.
    pub(super) fn rate_of(&self, api: &ApiName) -> Option<usize> {
        let by_prefix = || self.longest_prefix(api).map(|(_, index)| *index);
        self.exact.get(api).copied().or_else(by_prefix)
    }

    /// Whether a rate lists the API by its name.
    pub(super) fn lists(&self, api: &ApiName) -> bool {
        self.exact.contains_key(api)
    }

    /// The longest prefix that covers the API, and the place of its rate.
    pub(super) fn longest_prefix(&self, api: &ApiName) -> Option<&(String, usize)> {
        self.prefixes.iter().find(|(prefix, _)| api.as_str().starts_with(prefix))
    }
}
