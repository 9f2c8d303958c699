//! Tax on the prices of a plan: included in them, or added to what a month charges.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::part::line;
use crate::{
    ChargeError, Fen, Line, LineCause, MoneyError, Percent, Rated, RatedToDate, SegmentSpan, Yuan,
};

/// The tax on a plan's prices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Tax {
    /// Its rate: 6 for 6% of the price without tax.
    pub percent: Percent,
    /// Whether the prices include it.
    pub behavior: TaxBehavior,
}

/// Whether prices include their tax.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum TaxBehavior {
    /// They do: statements show how much of their amount is tax.
    Inclusive,
    /// They do not: it is added, as a line of its own.
    Exclusive,
}

/// The tax of one percentage that was added to a month so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaxToDate {
    /// The share of what was charged without tax that it is on.
    pub net_fen: Fen,
    /// How much tax was added.
    pub tax_fen: Fen,
}

impl Tax {
    /// The tax on an amount without tax, to the nearest fen, half a fen away from zero.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when it leaves the range of [`Fen`].
    pub fn on(self, net: Fen) -> Result<Fen, MoneyError> {
        let (percent, all) = self.parts();
        part(net, percent, all)
    }

    /// How much of an amount that includes the tax is tax, to the nearest fen, half a fen away from
    /// zero.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when it leaves the range of [`Fen`].
    pub fn within(self, gross: Fen) -> Result<Fen, MoneyError> {
        let (percent, all) = self.parts();
        part(gross, percent, all + percent)
    }

    /// The percentage and 100% as whole numbers of one unit: at most 10^12 with ten decimals.
    fn parts(self) -> (i128, i128) {
        let percent = self.percent.get();
        (percent.mantissa(), 100 * 10_i128.pow(percent.scale()))
    }

    /// Whether it is added to what is charged: prices do not include it, and it is not 0%.
    #[must_use]
    pub fn is_added(self) -> bool {
        self.behavior == TaxBehavior::Exclusive && !self.percent.is_zero()
    }
}

impl fmt::Display for Tax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = match self.behavior {
            TaxBehavior::Inclusive => "included",
            TaxBehavior::Exclusive => "added",
        };
        write!(f, "tax of {}%, {how}", self.percent)
    }
}

impl TaxToDate {
    /// The step from the charges without the tax to those with it.
    pub(crate) fn rated(self) -> Result<Rated, MoneyError> {
        let base_yuan = Yuan::from(self.net_fen);
        let due_yuan = base_yuan.plus(self.tax_fen.into())?;
        Ok(Rated { base_yuan, due_yuan, ..Rated::default() })
    }
}

/// `amount × part / all`, half a fen away from zero. The product has at most 32 digits.
fn part(amount: Fen, part: i128, all: i128) -> Result<Fen, MoneyError> {
    let doubled = 2 * i128::from(amount.get()) * part;
    let rounded = (doubled + all * doubled.signum()) / (2 * all);
    let fen = i64::try_from(rounded).map(Fen::new);
    fen.map_err(|_| MoneyError::TooManyYuan(Yuan::from(amount).decimal()))
}

/// The taxes that are added to a month, by their percentages, given its charge without them
/// and the amount of each of its parts.
///
/// A tax is on the share of the charge that the parts with its percentage have. So it follows from
/// the month alone, whatever the order in which the month was charged.
///
/// # Errors
///
/// [`MoneyError`] when an amount leaves its range.
pub fn taxes_of(
    net: Fen,
    parts: impl IntoIterator<Item = (Option<Tax>, Yuan)>,
) -> Result<BTreeMap<Percent, TaxToDate>, MoneyError> {
    let mut sums = BTreeMap::<Option<Percent>, Yuan>::new();
    for (tax, yuan) in parts {
        let added = tax.filter(|tax| tax.is_added()).map(|tax| tax.percent);
        let sum = sums.entry(added).or_default();
        *sum = sum.plus(yuan)?;
    }
    let weights = sums.values().copied().collect::<Vec<_>>();
    let shares = net.shared_out(&weights)?;
    let mut taxes = BTreeMap::new();
    for (percent, net_fen) in sums.into_keys().zip(shares) {
        if let Some(percent) = percent.filter(|_| !net_fen.is_zero()) {
            let tax_fen = Tax { percent, behavior: TaxBehavior::Exclusive }.on(net_fen)?;
            taxes.insert(percent, TaxToDate { net_fen, tax_fen });
        }
    }
    Ok(taxes)
}

/// A line for each tax that changed, in the last segment with its percentage.
///
/// # Errors
///
/// [`ChargeError::Unexplained`] when a tax changed and no segment has it.
pub(crate) fn lines(
    segments: &[SegmentSpan],
    before: &BTreeMap<Percent, TaxToDate>,
    now: &BTreeMap<Percent, TaxToDate>,
) -> Result<Vec<Line>, ChargeError> {
    let mut lines = Vec::new();
    for percent in before.keys().chain(now.keys()).collect::<BTreeSet<_>>() {
        let of = |taxes: &BTreeMap<Percent, TaxToDate>| taxes.get(percent).copied();
        let (before, now) = (of(before).unwrap_or_default(), of(now).unwrap_or_default());
        let has_tax = |span: &&SegmentSpan| {
            span.tax.is_some_and(|tax| tax.is_added() && tax.percent == *percent)
        };
        let charge_fen = now.tax_fen.minus(before.tax_fen)?;
        if charge_fen.is_zero() {
            continue;
        }
        let span = segments.iter().rev().find(has_tax);
        let span = span.ok_or(ChargeError::Unexplained(charge_fen))?;
        let before = RatedToDate { yuan: before.tax_fen.into(), ..RatedToDate::default() };
        let line = line(span.from, LineCause::Tax, before, now.rated()?, now.tax_fen.into())?;
        lines.push(Line { tax: Some(*percent), charge_fen, ..line });
    }
    Ok(lines)
}

/// The tax of a month: its taxes at all percentages.
pub(crate) fn sum(taxes: &BTreeMap<Percent, TaxToDate>) -> Result<Fen, MoneyError> {
    Fen::sum(taxes.values().map(|tax| tax.tax_fen))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tax(percent: &str) -> Tax {
        let percent = Percent::new(percent.parse().unwrap()).unwrap();
        Tax { percent, behavior: TaxBehavior::Exclusive }
    }

    #[test]
    fn tax_is_of_the_price_without_it_to_the_nearest_fen() {
        for (percent, net, added, within) in [
            ("6", 10_000, 600, 566),
            ("6", 10_600, 636, 600),
            ("6", 8, 0, 0),
            ("6", 9, 1, 1),
            ("6", 25, 2, 1),
            ("6", -25, -2, -1),
            ("0", 12_345, 0, 0),
            ("100", 5, 5, 3),
            ("0.5", 100, 1, 0),
            ("12.3456789012", i64::MAX / 4, 284_671_973_883_290_186, 253_389_339_641_303_742),
        ] {
            let (tax, net) = (tax(percent), Fen::new(net));
            let found = (tax.on(net).unwrap().get(), tax.within(net).unwrap().get());
            assert_eq!(found, (added, within), "{percent}% of {net}");
        }
        assert!(tax("100").on(Fen::new(i64::MAX)).is_ok());
    }
}
