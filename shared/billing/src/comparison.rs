//! Comparisons: what statements charge by API, and why two periods differ.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use steelyard_pricing::{
    ApiName, BillingDay, Fen, LineCause, Metered, MoneyError, Unpriced, Usage,
};

use crate::{ChangedDay, Statement};

/// The calls of one API, and the charge for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ApiCharge {
    /// The calls, less those that were withdrawn.
    pub calls: i64,
    /// The charge for them, in fen.
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

/// The calls of some days and their charges, by API. The statements are those of these days and the
/// later ones that change them. Charges that belong to no API are summed under no name: minimums,
/// discounts and limits of a plan as a whole, and adjustments of the days' statements.
///
/// A line's charge is shared out to its APIs by
/// [`Line::charge_by_api`](steelyard_pricing::Line::charge_by_api). Usage that came late, or that
/// was withdrawn, counts on the day of its calls; a line of several such days is divided among them
/// in the same proportion.
///
/// # Errors
///
/// [`MoneyError`] when a sum leaves its range.
pub fn charge_by_api<'a>(
    statements: impl IntoIterator<Item = &'a Statement>,
    days: &RangeInclusive<BillingDay>,
) -> Result<BTreeMap<Option<ApiName>, ApiCharge>, MoneyError> {
    let mut sums = BTreeMap::<Option<ApiName>, ApiCharge>::new();
    for statement in statements {
        let mut of_none = statement.charge_fen;
        let mut parts = Vec::new();
        for line in &statement.lines {
            for (api, metered, fen) in line.charge_by_api() {
                of_none = of_none.minus(fen)?;
                let changed = changed(statement, line.because, line.segment, api);
                let of_days = changed.iter().map(|(_, metered)| *metered).collect::<Vec<_>>();
                let shares = line.shared_out(fen, &of_days);
                let whole = || vec![(statement.statement.day, metered, fen)];
                let by_day = |shares: Vec<Fen>| {
                    let of_day = |((day, metered), fen)| (day, metered, fen);
                    changed.into_iter().zip(shares).map(of_day).collect()
                };
                for (day, metered, fen) in shares.map_or_else(whole, by_day) {
                    parts.push((day, api, ApiCharge::of(metered, line.because, fen)));
                }
            }
        }
        for Unpriced { because, segment, apis } in &statement.unpriced {
            for (api, metered) in apis.iter() {
                let mut of_days = changed(statement, *because, *segment, api);
                if of_days.is_empty() {
                    of_days.push((statement.statement.day, metered));
                }
                let charge = |metered| ApiCharge::of(metered, *because, Fen::ZERO);
                parts.extend(of_days.into_iter().map(|(day, of)| (day, api, charge(of))));
            }
        }
        for (_, api, charge) in parts.into_iter().filter(|(day, ..)| days.contains(day)) {
            let sum = sums.entry(Some(api.clone())).or_default();
            *sum = sum.plus(charge)?;
        }
        if !of_none.is_zero() && days.contains(&statement.statement.day) {
            let sum = sums.entry(None).or_default();
            sum.charge_fen = sum.charge_fen.plus(of_none)?;
        }
    }
    Ok(sums)
}

/// The usage of an API on the days settled before to which a line of a cause belongs; none if it is
/// of the statement's own day.
fn changed(
    statement: &Statement,
    because: LineCause,
    segment: BillingDay,
    api: &ApiName,
) -> Vec<(BillingDay, Metered)> {
    let of: fn(&ChangedDay) -> &Usage = match because {
        LineCause::Late => |changed| &changed.late,
        LineCause::Void => |changed| &changed.void,
        LineCause::Usage
        | LineCause::Terms
        | LineCause::Shifted
        | LineCause::Minimum
        | LineCause::Concession
        | LineCause::Tax => return Vec::new(),
    };
    let span = statement.span_from(segment);
    let is_in = |day| span.is_none_or(|span| (span.from..span.until).contains(&day));
    let changed = statement.changed_days.iter().filter(|changed| is_in(changed.day));
    let changed = changed.map(|changed| (changed.day, of(changed).of(api)));
    changed.filter(|(_, metered)| !metered.is_zero()).collect()
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
    fn of(metered: Metered, because: LineCause, charge_fen: Fen) -> ApiCharge {
        // A month has 10¹¹ calls at most.
        let calls = i64::try_from(metered.calls.get()).unwrap_or(i64::MAX);
        let is_withdrawn = because == LineCause::Void;
        ApiCharge { calls: if is_withdrawn { -calls } else { calls }, charge_fen }
    }

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
