//! Condensed usage: what is priced alike is one, so that days of many APIs are rated fast.

use std::collections::{BTreeMap, HashMap};

use crate::{ApiName, Plan, Segment, Usage, UsageError};

/// Sums APIs that the same rates cover under the name of the first of them.
///
/// A rate prices the sum of its APIs, so condensed usage costs what the usage costs.
#[derive(Debug)]
pub struct Condenser<'a> {
    plans: Vec<&'a Plan>,
    names: HashMap<ApiName, ApiName>,
    first: BTreeMap<Vec<Option<usize>>, ApiName>,
}

impl<'a> Condenser<'a> {
    /// A condenser of usage that some segments rate.
    pub fn new(segments: impl IntoIterator<Item = &'a Segment<'a>>) -> Condenser<'a> {
        let plans = segments.into_iter().map(Segment::plan).collect();
        Condenser { plans, names: HashMap::new(), first: BTreeMap::new() }
    }

    /// The usage with one name for all APIs of the same rates.
    ///
    /// # Errors
    ///
    /// [`UsageError`] when a sum is more than can be rated.
    pub fn condense(&mut self, usage: &Usage) -> Result<Usage, UsageError> {
        let mut condensed = Usage::new();
        for (api, metered) in usage.iter() {
            condensed.add(self.name(api), metered)?;
        }
        Ok(condensed)
    }

    fn name(&mut self, api: &ApiName) -> ApiName {
        if let Some(name) = self.names.get(api) {
            return name.clone();
        }
        let rates = self.plans.iter().map(|plan| plan.rate_index(api)).collect::<Vec<_>>();
        let name = self.first.entry(rates).or_insert_with(|| api.clone()).clone();
        self.names.insert(api.clone(), name.clone());
        name
    }
}
