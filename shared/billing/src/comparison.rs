//! Comparisons: what statements charge by API, and why two periods differ.

use std::collections::BTreeMap;

use steelyard_pricing::{ApiName, Fen, LineCause, MoneyError, Usage};

use crate::Statement;

/// What statements charge of one API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ApiCharge {
    /// The calls that they charge, less those that they credit.
    pub calls: i64,
    /// The sum that the statements charge for it, in fen.
    pub charge_fen: Fen,
}

/// By how much a charge changed, and why.
///
/// The effect of volume is what the change of calls would have cost at the price that a call had
/// before, rounded to the fen, half a fen away from zero: `(calls now − calls before) × charge
/// before ÷ calls before`. The effect of price is the rest. Both sum to the change exactly. Without
/// calls before there is no price to compare with: the change is all of volume then, and all of
/// price where the calls did not change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChargeChange {
    /// The charge now less the charge before.
    pub change_fen: Fen,
    /// What of it more or fewer calls explain.
    pub by_volume_fen: Fen,
    /// What of it the price of a call explains.
    pub by_price_fen: Fen,
}

/// What statements charge of each API, and under no name what is of no API: minimums, discounts and
/// limits of a plan as a whole, and adjustments. The charges sum to those of the statements.
///
/// A line's charge is shared out to its APIs by
/// [`Line::charge_by_api`](steelyard_pricing::Line::charge_by_api).
///
/// # Errors
///
/// [`MoneyError`] when a sum leaves its range.
pub fn charge_by_api<'a>(
    statements: impl IntoIterator<Item = &'a Statement>,
) -> Result<BTreeMap<Option<ApiName>, ApiCharge>, MoneyError> {
    let mut sums = BTreeMap::<Option<ApiName>, ApiCharge>::new();
    for statement in statements {
        let mut rest = statement.charge_fen;
        for line in &statement.lines {
            count(&mut sums, &line.apis, line.because);
            for (api, fen) in line.charge_by_api() {
                if let Some(sum) = sums.get_mut(&Some(api.clone())) {
                    sum.charge_fen = sum.charge_fen.plus(fen)?;
                    rest = rest.minus(fen)?;
                }
            }
        }
        for unpriced in &statement.unpriced {
            count(&mut sums, &unpriced.apis, unpriced.because);
        }
        if !rest.is_zero() {
            let of_none = sums.entry(None).or_default();
            of_none.charge_fen = of_none.charge_fen.plus(rest)?;
        }
    }
    Ok(sums)
}

fn count(sums: &mut BTreeMap<Option<ApiName>, ApiCharge>, apis: &Usage, because: LineCause) {
    for (api, metered) in apis.iter() {
        let sum = sums.entry(Some(api.clone())).or_default();
        // A month has 10¹¹ calls at most, so no sum of ours is near the limits.
        let calls = i64::try_from(metered.calls.get()).unwrap_or(i64::MAX);
        sum.calls = match because {
            LineCause::Void => sum.calls.saturating_sub(calls),
            LineCause::Usage
            | LineCause::Late
            | LineCause::Terms
            | LineCause::Shifted
            | LineCause::Minimum
            | LineCause::Concession
            | LineCause::Tax => sum.calls.saturating_add(calls),
        };
    }
}

impl ChargeChange {
    /// The change from what was charged before to what is charged now.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when a difference leaves its range.
    pub fn between(before: ApiCharge, now: ApiCharge) -> Result<ChargeChange, MoneyError> {
        let change_fen = now.charge_fen.minus(before.charge_fen)?;
        let more_calls = i128::from(now.calls) - i128::from(before.calls);
        let by_volume_fen = if more_calls == 0 {
            Fen::ZERO
        } else if before.calls <= 0 {
            change_fen
        } else {
            let product = more_calls * i128::from(before.charge_fen.get());
            // No larger than 64 bits in any month that can be counted; all of the change otherwise.
            i64::try_from(divided(product, i128::from(before.calls))).map_or(change_fen, Fen::new)
        };
        let by_price_fen = change_fen.minus(by_volume_fen)?;
        Ok(ChargeChange { change_fen, by_volume_fen, by_price_fen })
    }

    /// Both changes together.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when a sum leaves its range.
    pub fn plus(self, other: ChargeChange) -> Result<ChargeChange, MoneyError> {
        Ok(ChargeChange {
            change_fen: self.change_fen.plus(other.change_fen)?,
            by_volume_fen: self.by_volume_fen.plus(other.by_volume_fen)?,
            by_price_fen: self.by_price_fen.plus(other.by_price_fen)?,
        })
    }
}

impl ApiCharge {
    /// Both together.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when the sum leaves its range.
    pub fn plus(self, other: ApiCharge) -> Result<ApiCharge, MoneyError> {
        Ok(ApiCharge {
            calls: self.calls.saturating_add(other.calls),
            charge_fen: self.charge_fen.plus(other.charge_fen)?,
        })
    }
}

/// A quotient by a positive number, half away from zero.
fn divided(number: i128, by: i128) -> i128 {
    let half_up = (number.abs() * 2 + by) / (by * 2);
    number.signum() * half_up
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn charge(calls: i64, fen: i64) -> ApiCharge {
        ApiCharge { calls, charge_fen: Fen::new(fen) }
    }

    #[test]
    fn a_change_is_of_volume_at_the_price_before_and_the_rest_of_price() {
        for (before, now, volume, price) in [
            ((2_688_150, 15_257), (2_756_260, 27_034), 387, 11_390),
            ((100, 1_000), (150, 1_500), 500, 0),
            ((100, 1_000), (0, 0), -1_000, 0),
            ((0, 0), (100, 1_000), 1_000, 0),
            ((100, 0), (200, 700), 0, 700),
            ((0, 0), (0, 500), 0, 500),
            ((2, 1), (3, 1), 1, -1),
        ] {
            let change = ChargeChange::between(charge(before.0, before.1), charge(now.0, now.1));
            let change = change.unwrap();
            let parts = (change.by_volume_fen.get(), change.by_price_fen.get());
            assert_eq!(parts, (volume, price), "{before:?} {now:?}");
        }
    }

    proptest! {
        #[test]
        fn volume_and_price_sum_to_the_change(
            before in (-1_000_i64..100_000_000_000, -1_000_000_i64..1_000_000_000_000),
            now in (-1_000_i64..100_000_000_000, -1_000_000_i64..1_000_000_000_000),
        ) {
            let (before, now) = (charge(before.0, before.1), charge(now.0, now.1));
            let change = ChargeChange::between(before, now).unwrap();
            let parts = change.by_volume_fen.plus(change.by_price_fen).unwrap();
            prop_assert_eq!(parts, change.change_fen);
            prop_assert_eq!(before.charge_fen.plus(parts).unwrap(), now.charge_fen);
        }
    }
}
