//! Exact numbers that share nothing with the ones under test.

use num_rational::BigRational;
use serde::{Deserialize, Deserializer};

/// A rational number, read from a decimal text or a whole number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Exact(pub BigRational);

impl Exact {
    pub(crate) fn zero() -> Exact {
        Exact::whole(0)
    }

    pub(crate) fn whole(number: i64) -> Exact {
        Exact(BigRational::from_integer(number.into()))
    }

    /// `-12.34` is −1234 over 100.
    pub(crate) fn read(text: &str) -> Exact {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let number = format!("{whole}{decimals}").parse().expect("a decimal number");
        let one = format!("1{}", "0".repeat(decimals.len())).parse().expect("a power of ten");
        Exact(BigRational::new(number, one))
    }

    /// A quantity as plans have it: a number, or a text.
    pub(crate) fn of(json: &serde_json::Value) -> Exact {
        json.as_str().map_or_else(|| Exact::read(&json.to_string()), Exact::read)
    }

    pub(crate) fn plus(&self, other: &Exact) -> Exact {
        Exact(&self.0 + &other.0)
    }

    pub(crate) fn minus(&self, other: &Exact) -> Exact {
        Exact(&self.0 - &other.0)
    }

    pub(crate) fn times(&self, other: &Exact) -> Exact {
        Exact(&self.0 * &other.0)
    }

    pub(crate) fn over(&self, other: &Exact) -> Exact {
        Exact(&self.0 / &other.0)
    }

    pub(crate) fn ceil(&self) -> Exact {
        Exact(self.0.ceil())
    }

    pub(crate) fn floor(&self) -> Exact {
        Exact(self.0.floor())
    }

    /// The nearest whole number, a half up.
    pub(crate) fn half_up(&self) -> Exact {
        self.plus(&Exact::half()).floor()
    }

    /// The nearest whole number, a half away from zero.
    pub(crate) fn half_away(&self) -> Exact {
        if *self < Exact::zero() {
            Exact::zero().minus(&Exact::zero().minus(self).half_up())
        } else {
            self.half_up()
        }
    }

    /// The nearest whole number, a half to the even one.
    pub(crate) fn half_even(&self) -> Exact {
        let (two, up) = (Exact::whole(2), self.half_up());
        let is_half = self.minus(&self.floor()) == Exact::half();
        let is_odd = up.over(&two).floor() != up.over(&two);
        if is_half && is_odd { up.minus(&Exact::whole(1)) } else { up }
    }

    fn half() -> Exact {
        Exact::whole(1).over(&Exact::whole(2))
    }

    pub(crate) fn sum<'a>(numbers: impl IntoIterator<Item = &'a Exact>) -> Exact {
        numbers.into_iter().fold(Exact::zero(), |sum, number| sum.plus(number))
    }
}

impl Default for Exact {
    fn default() -> Exact {
        Exact::zero()
    }
}

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Exact, D::Error> {
        serde_json::Value::deserialize(deserializer).map(|json| Exact::of(&json))
    }
}
