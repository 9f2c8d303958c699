//! Shares: whole fen divided in proportion, to the fen.

use crate::{ApiName, Fen, Line, Metered, Per};

/// An amount divided in proportion to weights, in their order; none where all weights are nothing.
///
/// The shares sum to the amount. Each is its exact share cut to whole fen, and those with the
/// largest remainders have a fen more; of equal remainders the first.
#[must_use]
pub fn share(amount: Fen, weights: &[u64]) -> Option<Vec<Fen>> {
    let all = weights.iter().map(|weight| u128::from(*weight)).sum::<u128>();
    if all == 0 {
        return None;
    }
    let whole = u128::from(amount.get().unsigned_abs());
    // 2^63 fen times 2^64 is within the range of 2^128.
    let exact = weights.iter().map(|weight| whole * u128::from(*weight));
    let (mut parts, rests): (Vec<_>, Vec<_>) = exact.map(|e| (e / all, e % all)).unzip();
    let left = usize::try_from(whole - parts.iter().sum::<u128>()).ok()?;
    let mut places = (0..parts.len()).collect::<Vec<_>>();
    places.sort_by_key(|place| std::cmp::Reverse(rests.get(*place)));
    for place in places.into_iter().take(left) {
        parts.get_mut(place).into_iter().for_each(|part| *part += 1);
    }
    let sign = i128::from(amount.get().signum());
    let signed = |part| i64::try_from(sign * i128::try_from(part).ok()?).ok();
    parts.into_iter().map(|part| signed(part).map(Fen::new)).collect()
}

impl Line {
    /// The new usage of each API of the line, and its part of the line's charge: in proportion to
    /// its amounts where the price is a share of them, to its calls otherwise. The parts sum to the
    /// line's charge.
    ///
    /// Empty for a line without usage, such as a minimum or a discount of the whole plan: its
    /// charge belongs to no API.
    #[must_use]
    pub fn charge_by_api(&self) -> Vec<(&ApiName, Metered, Fen)> {
        let parts = self.apis.iter().map(|(_, metered)| metered).collect::<Vec<_>>();
        let Some(shares) = self.shared_out(self.charge_fen, &parts) else { return Vec::new() };
        self.apis.iter().zip(shares).map(|((api, metered), fen)| (api, metered, fen)).collect()
    }

    /// An amount of the line divided among parts of its usage, in proportion as among its APIs;
    /// none where all of them are nothing.
    #[must_use]
    pub fn shared_out(&self, amount: Fen, parts: &[Metered]) -> Option<Vec<Fen>> {
        let of = |weight: fn(&Metered) -> u64| {
            share(amount, &parts.iter().map(weight).collect::<Vec<_>>())
        };
        let by_calls = || of(|metered| metered.calls.get());
        let by_amounts = || of(|metered| metered.amount.millionths());
        if self.after.slices.iter().any(|slice| slice.per == Per::Yuan) {
            by_amounts().or_else(by_calls)
        } else {
            by_calls().or_else(by_amounts)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_remainders_have_a_fen_more() {
        for (amount, weights, shares) in [
            (100, vec![1, 1, 1], vec![34, 33, 33]),
            (-100, vec![1, 1, 1], vec![-34, -33, -33]),
            (10, vec![5, 3, 0], vec![6, 4, 0]),
            (0, vec![7, 9], vec![0, 0]),
            (i64::MIN, vec![u64::MAX], vec![i64::MIN]),
        ] {
            let shared = share(Fen::new(amount), &weights);
            let shares = shares.into_iter().map(Fen::new).collect::<Vec<_>>();
            assert_eq!(shared, Some(shares), "{amount} {weights:?}");
        }
        assert_eq!(share(Fen::new(5), &[0, 0]), None);
        assert_eq!(share(Fen::new(5), &[]), None);
    }
}
