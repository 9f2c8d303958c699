//! Agreements in force.

use steelyard_billing::Agreement;

/// An agreement of which Alipay said no more than its number.
pub(crate) fn agreement(agreement_no: &str) -> Agreement {
    Agreement {
        agreement_no: agreement_no.to_owned(),
        external_agreement_no: None,
        single_limit_fen: None,
        signed_at: None,
        ends_at: None,
        payer_login: None,
    }
}
