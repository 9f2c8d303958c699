//! The records of mandates.

use steelyard_billing::mandate::MandateLimits;
use steelyard_billing::{Mandate, Provider};

use crate::agreement::agreement;
use crate::common::at;

/// The records behind a provider's mandate in use.
pub(crate) fn mandates(provider: &Provider) -> Vec<Mandate> {
    let adopted = provider.mandate.iter().map(|in_use| {
        let limits = MandateLimits { single_fen: in_use.limit_fen, daily_fen: None };
        let (agreement, now) = (agreement(&in_use.agreement_no), at("2015-05-01 00:00"));
        Mandate::adopt(&provider.provider, in_use.mandate, agreement, limits, now).unwrap()
    });
    adopted.collect()
}
