//! The records of mandates.

use steelyard_billing::mandate::MandateLimits;
use steelyard_billing::{Mandate, Provider};

use crate::common::at;

/// The records behind a provider's mandate in use.
pub fn mandates(provider: &Provider) -> Vec<Mandate> {
    let adopted = provider.mandate.iter().map(|in_use| {
        let limits = MandateLimits { single_fen: in_use.limit_fen, daily_fen: None };
        let (number, now) = (in_use.agreement_no.clone(), at("2015-05-01 00:00"));
        Mandate::adopt(&provider.provider, in_use.mandate, number, limits, now).unwrap()
    });
    adopted.collect()
}
