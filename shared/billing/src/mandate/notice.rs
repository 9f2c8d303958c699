//! What a mandate makes of notices, which come late, twice, and out of order.

use jiff::Timestamp;

use super::{EndReason, Mandate, MandatePhase};
use crate::{AgreementEnded, AgreementSigned, Outcome};

impl Mandate {
    /// The mandate after the notice that it was signed.
    ///
    /// A signature only ever makes an offer active: one that is suspended stays so, one that is to
    /// be ended still is, and one that has ended stays ended, since the notice of its end may
    /// have overtaken this one. One that was signed only after it had ended for us is crossed.
    #[must_use]
    pub fn after_signed(&self, notice: &AgreementSigned, now: Timestamp) -> Outcome<Mandate> {
        if self.is_other(&notice.agreement_no, notice.external_agreement_no.as_deref()) {
            return Outcome::Contradicts;
        }
        let signed = self.noting_signature(notice);
        match &self.phase {
            MandatePhase::Offered => Outcome::Changed(signed.progressed(MandatePhase::Active, now)),
            MandatePhase::Ending { why } | MandatePhase::ConfirmingEnd { why }
                if self.agreement_no.is_none() =>
            {
                Outcome::Changed(signed.moved(MandatePhase::Ending { why: why.clone() }, now))
            }
            MandatePhase::Active
            | MandatePhase::Suspended { .. }
            | MandatePhase::Ending { .. }
            | MandatePhase::ConfirmingEnd { .. } => {
                if signed == *self {
                    Outcome::Unchanged
                } else {
                    Outcome::Changed(signed)
                }
            }
            MandatePhase::Ended { at_s, why } => signed_before_end(notice, *at_s, why),
        }
    }

    /// The mandate after the notice that it was ended.
    ///
    /// The notice may overtake the one of the signature: an offer has ended, too.
    #[must_use]
    pub fn after_ended(&self, notice: &AgreementEnded, now: Timestamp) -> Outcome<Mandate> {
        let AgreementEnded { agreement_no, external_agreement_no, ended_at } = notice;
        let is_before_signature = self.signed_at_s.is_some_and(|signed_at| *ended_at < signed_at);
        if self.is_other(agreement_no, external_agreement_no.as_deref()) || is_before_signature {
            return Outcome::Contradicts;
        }
        let why = match &self.phase {
            MandatePhase::Offered | MandatePhase::Active | MandatePhase::Suspended { .. } => {
                EndReason::RevokedByProvider
            }
            MandatePhase::Ending { why } | MandatePhase::ConfirmingEnd { why } => why.clone(),
            MandatePhase::Ended { .. } => return Outcome::Unchanged,
        };
        let numbered = Mandate { agreement_no: Some(agreement_no.clone()), ..self.clone() };
        Outcome::Changed(numbered.ended(why, *ended_at, now))
    }

    /// Whether an agreement of these numbers is another: one of them differs from what is recorded,
    /// or nothing recorded shows that it is this one.
    pub(super) fn is_other(&self, agreement_no: &str, external: Option<&str>) -> bool {
        let ours = self.external_agreement_no.as_ref().map(|number| number.as_str());
        let is_other_external = match (ours, external) {
            (Some(ours), Some(external)) => ours != external,
            (Some(_) | None, None) | (None, Some(_)) => false,
        };
        match &self.agreement_no {
            Some(recorded) => recorded != agreement_no || is_other_external,
            None => external.is_none() || ours.is_none() || is_other_external,
        }
    }

    /// Recorded values stay: a query may have returned better values since.
    fn noting_signature(&self, notice: &AgreementSigned) -> Mandate {
        Mandate {
            agreement_no: Some(notice.agreement_no.clone()),
            signed_at_s: self.signed_at_s.or(Some(notice.signed_at)),
            ends_at_s: self.ends_at_s.or(notice.ends_at),
            payer_login: self.payer_login.clone().or_else(|| notice.payer_login.clone()),
            ..self.clone()
        }
    }
}

/// A signature of a mandate that has ended is late, unless it was made after the end: then an
/// agreement is in force that nobody here expects.
fn signed_before_end(
    notice: &AgreementSigned,
    at_s: Timestamp,
    why: &EndReason,
) -> Outcome<Mandate> {
    let was_signed = match why {
        EndReason::RevokedByProvider
        | EndReason::RevokedHereByProvider
        | EndReason::RevokedHere { .. }
        | EndReason::Expired
        | EndReason::Replaced { .. } => notice.signed_at <= at_s,
        EndReason::NotSigned => false,
    };
    if was_signed { Outcome::Unchanged } else { Outcome::Contradicts }
}
