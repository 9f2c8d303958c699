//! Tax: what a plan's prices say of it, and what it comes to.

use std::collections::BTreeMap;
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
    /// They do: statements tell what of their amount is tax.
    Inclusive,
    /// They do not: it is added, as a line of its own.
    Exclusive,
}

/// What one tax rate adds to a month so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaxToDate {
    /// What was charged without it.
    pub net_fen: Fen,
    /// What it added.
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

    /// What of an amount with tax is tax, to the nearest fen, half a fen away from zero.
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

    fn is_added(self) -> bool {
        self.behavior == TaxBehavior::Exclusive && self.percent != Percent::default()
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
    /// From what was charged without the tax to what is with it.
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

/// Adds the taxes of what lines charge to those of the month before, by their rates, and notes a line for
/// each that changed. The tax of a month is that of all its net charges of the rate, rounded once.
pub(crate) fn add(
    segments: &[SegmentSpan],
    lines: &mut Vec<Line>,
    taxes: &mut BTreeMap<Percent, TaxToDate>,
) -> Result<(), ChargeError> {
    let mut added = BTreeMap::new();
    for span in segments {
        if let Some(tax) = span.tax.filter(|tax| tax.is_added()) {
            let of_segment = lines.iter().filter(|line| line.segment == span.from);
            let net = Fen::sum(of_segment.map(|line| line.charge_fen))?;
            let (sum, last) = added.entry(tax.percent).or_insert((Fen::ZERO, (tax, span.from)));
            (*sum, *last) = (sum.plus(net)?, (tax, span.from));
        }
    }
    for (percent, (net, (tax, segment))) in added {
        let before = taxes.get(&percent).copied().unwrap_or_default();
        let net_fen = before.net_fen.plus(net)?;
        let now = TaxToDate { net_fen, tax_fen: tax.on(net_fen)? };
        if now != before {
            taxes.insert(percent, now);
        }
        if now.tax_fen != before.tax_fen {
            let charge_fen = now.tax_fen.minus(before.tax_fen)?;
            let before = RatedToDate { yuan: before.tax_fen.into(), ..RatedToDate::default() };
            let line = line(segment, LineCause::Tax, before, now.rated()?, now.tax_fen.into())?;
            lines.push(Line { charge_fen, ..line });
        }
    }
    Ok(())
}

/// What taxes add together.
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
