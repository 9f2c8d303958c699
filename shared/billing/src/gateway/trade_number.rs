//! The numbers of our trades. Each encodes the provider and the purpose of its trade.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{OutTradeNo, ProviderCode, Realm};
use crate::{DebitId, ProviderId, RechargeId};

/// What a trade of ours is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TradeOf {
    /// One attempt of a debit.
    Debit {
        /// The number of the debit among its provider's, from 1.
        debit: DebitId,
        /// The attempt, from 1.
        attempt: u16,
    },
    /// The number of the recharge among its provider's, from 1.
    Recharge(RechargeId),
}

/// The parts of the number of a trade of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TradeNumber {
    /// The deployment that made it.
    pub realm: Realm,
    /// The provider whose trade it is.
    pub provider: ProviderCode,
    /// The purpose of the trade.
    pub of: TradeOf,
}

impl TradeNumber {
    /// The trade of a provider.
    #[must_use]
    pub fn new(realm: &Realm, provider: &ProviderId, of: TradeOf) -> TradeNumber {
        TradeNumber { realm: realm.clone(), provider: ProviderCode::of(provider), of }
    }

    /// Reads the number of a trade; none if it was not written by Steelyard. The realm may be
    /// another deployment's: the record of a trade has the whole number.
    #[must_use]
    pub fn parse(text: &str) -> Option<TradeNumber> {
        let (realm, rest) = text.strip_prefix("SY")?.split_once('_')?;
        let (code, of) = rest.split_once('_')?;
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
        let realm = Realm::parse(realm).ok()?;
        let number = TradeNumber { realm, provider: ProviderCode::parse(code).ok()?, of };
        // Another form of the same number, such as `+1` or `01`, is not ours.
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
        let TradeNumber { realm, provider, of } = self;
        match of {
            TradeOf::Debit { debit, attempt } => {
                write!(f, "SY{realm}_{provider}_D{debit}_{attempt}")
            }
            TradeOf::Recharge(recharge) => write!(f, "SY{realm}_{provider}_R{recharge}"),
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
            realm in "[0-9a-z]{6}", provider in "[A-Za-z0-9._:@-]{1,64}", of in trades(),
        ) {
            let realm = Realm::parse(&realm).unwrap();
            let number = TradeNumber::new(&realm, &provider.parse().unwrap(), of);
            let text = number.out_trade_no();
            prop_assert!(OutTradeNo::parse(text.as_str()).is_ok(), "{}", text);
            prop_assert_eq!(TradeNumber::parse(text.as_str()), Some(number));
        }
    }

    #[test]
    fn a_number_that_we_did_not_write_is_not_ours() {
        let code = ProviderCode::of(&"shop".parse().unwrap());
        let number = |rest: &str| format!("SYk3x9ab_{code}_{rest}");
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
            "SYk3x9ab_shop_D7_1".to_owned(),
            format!("SY_{code}_D7_1"),
            format!("SYk3x9a_{code}_D7_1"),
            number("D7_1").to_uppercase(),
        ] {
            assert_eq!(TradeNumber::parse(&text), None, "{text}");
        }
    }
}
