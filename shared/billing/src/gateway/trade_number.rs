//! The numbers of our trades, and what they tell of a trade: whose it is and what it is for.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{OutTradeNo, ProviderCode};
use crate::{DebitId, ProviderId, RechargeId};

/// What a trade of ours is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TradeOf {
    /// One attempt of a debit.
    Debit {
        /// The debit.
        debit: DebitId,
        /// The attempt, from 1.
        attempt: u16,
    },
    /// A recharge.
    Recharge(RechargeId),
}

/// A trade of ours, as its number tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TradeNumber {
    /// Whose trade it is.
    pub provider: ProviderCode,
    /// What it is for.
    pub of: TradeOf,
}

impl TradeNumber {
    /// The trade of a provider.
    #[must_use]
    pub fn new(provider: &ProviderId, of: TradeOf) -> TradeNumber {
        TradeNumber { provider: ProviderCode::of(provider), of }
    }

    /// Reads the number of a trade of ours, written as we write it; none of a number that is not ours.
    #[must_use]
    pub fn parse(text: &str) -> Option<TradeNumber> {
        let (code, of) = text.strip_prefix("SY_")?.split_once('_')?;
        let of = match of.split_at_checked(1)? {
            ("D", rest) => {
                let (debit, attempt) = rest.split_once('_')?;
                TradeOf::Debit {
                    debit: DebitId(debit.parse().ok()?),
                    attempt: attempt.parse().ok()?,
                }
            }
            ("R", rest) => TradeOf::Recharge(RechargeId(rest.parse().ok()?)),
            (_, _) => return None,
        };
        let number = TradeNumber { provider: ProviderCode::parse(code).ok()?, of };
        // `+1` and `01` are numbers too, but none that we write.
        (number.to_string() == text).then_some(number)
    }

    /// The number by which the gateway knows the trade.
    #[must_use]
    pub fn out_trade_no(&self) -> OutTradeNo {
        OutTradeNo(self.to_string())
    }
}

impl fmt::Display for TradeNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.of {
            TradeOf::Debit { debit, attempt } => {
                write!(f, "SY_{}_D{debit}_{attempt}", self.provider)
            }
            TradeOf::Recharge(recharge) => write!(f, "SY_{}_R{recharge}", self.provider),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn trades() -> impl Strategy<Value = TradeOf> {
        prop_oneof![
            (any::<u64>(), any::<u16>())
                .prop_map(|(debit, attempt)| TradeOf::Debit { debit: DebitId(debit), attempt }),
            any::<u32>().prop_map(|recharge| TradeOf::Recharge(RechargeId(recharge))),
        ]
    }

    proptest! {
        #[test]
        fn the_number_of_a_trade_tells_whose_it_is_and_what_it_is_for(
            provider in "[A-Za-z0-9._:@-]{1,64}", of in trades(),
        ) {
            let number = TradeNumber::new(&provider.parse().unwrap(), of);
            let text = number.out_trade_no();
            prop_assert!(OutTradeNo::parse(text.as_str()).is_ok(), "{}", text);
            prop_assert_eq!(TradeNumber::parse(text.as_str()), Some(number));
        }
    }

    #[test]
    fn a_number_that_we_did_not_write_is_not_ours() {
        let code = ProviderCode::of(&"shop".parse().unwrap());
        let number = |rest: &str| format!("SY_{code}_{rest}");
        assert!(TradeNumber::parse(&number("D7_1")).is_some());
        for text in [
            String::new(),
            "SY_".to_owned(),
            "D20260301_PRV000123_1".to_owned(),
            number(""),
            number("X7"),
            number("D7"),
            number("D07_1"),
            number("D7_+1"),
            number("D7_1_1"),
            number("D7_65536"),
            number("R"),
            number("R-1"),
            number("R4294967296"),
            number("数"),
            "SY_shop_D7_1".to_owned(),
            number("D7_1").to_uppercase(),
        ] {
            assert_eq!(TradeNumber::parse(&text), None, "{text}");
        }
    }
}
