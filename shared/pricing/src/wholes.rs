//! Wholes: how often a size goes into a number, and what its rest counts for.

use std::cmp::Ordering;

use rust_decimal::Decimal;

/// What a rest that fills no whole counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// A whole, however small it is.
    Up,
    /// Nothing, however large it is.
    Down,
    /// A whole from a half on.
    HalfUp,
    /// A whole above a half; a half where that makes an even number.
    HalfEven,
}

/// How many wholes of a size are in a number that is not negative. Exact: the rest is taken off
/// first.
pub(crate) fn wholes(number: Decimal, size: Decimal, rest: Rest) -> Decimal {
    let left = number % size;
    let full = ((number - left) / size).normalize();
    let counts = match rest {
        Rest::Up => !left.is_zero(),
        Rest::Down => false,
        Rest::HalfUp => left >= size - left,
        Rest::HalfEven => match left.cmp(&(size - left)) {
            Ordering::Less => false,
            Ordering::Equal => !(full % Decimal::TWO).is_zero(),
            Ordering::Greater => true,
        },
    };
    if counts { full + Decimal::ONE } else { full }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rest_counts_as_it_is_told() {
        for (number, up, down, half_up, half_even) in [
            ("0", 0, 0, 0, 0),
            ("0.000001", 1, 0, 0, 0),
            ("49.999999", 1, 0, 0, 0),
            ("50", 1, 0, 1, 0),
            ("50.000001", 1, 0, 1, 1),
            ("100", 1, 1, 1, 1),
            ("149", 2, 1, 1, 1),
            ("150", 2, 1, 2, 2),
            ("250", 3, 2, 3, 2),
            ("350", 4, 3, 4, 4),
        ] {
            let number = Decimal::from_str_exact(number).unwrap();
            let counted = [Rest::Up, Rest::Down, Rest::HalfUp, Rest::HalfEven]
                .map(|rest| wholes(number, Decimal::ONE_HUNDRED, rest));
            assert_eq!(counted, [up, down, half_up, half_even].map(Decimal::from), "{number}");
        }
    }
}
