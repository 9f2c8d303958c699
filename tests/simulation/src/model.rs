//! What must be charged, by a model of its own: from the answers to reports alone, and with nothing
//! of the pricing that is under test.

use std::collections::BTreeMap;

use jiff::civil::Date;

/// An API that the rate of basic APIs covers.
pub(crate) const BASIC: &str = "taobao.trades.sold.get";

/// An API that the rate of value-added APIs covers.
pub(crate) const VALUE_ADDED: &str = "vas.reports.get";

/// The free calls of a month: of basic APIs, and of value-added ones.
const FREE: [u64; 2] = [500_000, 100_000];

/// The price of a call beyond them, in hundredths of a fen.
const PRICE: [u64; 2] = [1, 3];

/// The calls of one report about one provider and day, by API.
pub(crate) type Calls = BTreeMap<String, u64>;

/// Names one share of a report: source, id, provider and billing day.
pub(crate) type Share = (String, String, String, Date);

/// The usage that was accepted, as sources were answered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    counted: BTreeMap<Share, Calls>,
}

impl Model {
    /// A source was answered that a share counts.
    pub(crate) fn count(&mut self, share: Share, calls: Calls) {
        self.counted.insert(share, calls);
    }

    /// A source was answered that a share counts no more.
    pub(crate) fn void(&mut self, share: &Share) {
        self.counted.remove(share);
    }

    /// The shares that count.
    pub(crate) fn shares(&self) -> impl Iterator<Item = (&Share, &Calls)> {
        self.counted.iter()
    }

    /// The calls of a provider, by day and API.
    pub(crate) fn calls(&self, provider: &str) -> BTreeMap<(Date, String), u64> {
        let mut sums = BTreeMap::new();
        for ((_, _, of, day), calls) in &self.counted {
            for (api, count) in calls.iter().filter(|_| of == provider) {
                *sums.entry((*day, api.clone())).or_default() += count;
            }
        }
        sums
    }

    /// The price of each month of a provider, in fen, by the first day of the month.
    pub(crate) fn months(&self, provider: &str) -> BTreeMap<Date, i64> {
        let mut used: BTreeMap<Date, [u64; 2]> = BTreeMap::new();
        for ((day, api), count) in self.calls(provider) {
            let rate = usize::from(api.starts_with("vas."));
            used.entry(day.first_of_month()).or_default()[rate] += count;
        }
        used.into_iter().map(|(month, used)| (month, price(used))).collect()
    }
}

/// The price of a month's calls in fen, half up.
fn price(used: [u64; 2]) -> i64 {
    let hundredths: u64 =
        (0..2).map(|rate| used[rate].saturating_sub(FREE[rate]) * PRICE[rate]).sum();
    i64::try_from((hundredths + 50) / 100).expect("a month costs less than all money")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn price_is_rounded_half_up() {
        assert_eq!(price([500_000, 100_000]), 0);
        assert_eq!((price([500_049, 0]), price([500_050, 0])), (0, 1));
        assert_eq!(price([1_500_000, 100_017]), 10_001);
    }
}
