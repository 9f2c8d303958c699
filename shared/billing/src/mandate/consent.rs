//! What a provider agreed to on a page, before it was sent to Alipay to sign.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Mandate, MandatePhase};
use crate::{Principal, SessionId, TermsVersion};

/// A provider's consent to the terms of withholding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// The version of the terms that were shown.
    pub terms_version: TermsVersion,
    /// When it was given, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub at_s: Timestamp,
    /// The session or the server through which it was given.
    #[serde(flatten)]
    pub by: ConsentBy,
}

/// The session or the server through which a consent was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ConsentBy {
    /// A visitor of the provider's pages.
    Session {
        /// The session in which they were opened.
        session: SessionId,
    },
    /// One of the platform's servers, which showed the terms to the provider.
    Caller {
        /// The identity that AWS checked.
        caller: Principal,
    },
}

impl Mandate {
    /// The offer with a consent to it.
    #[must_use]
    pub fn with_consent(self, consent: Option<Consent>) -> Mandate {
        Mandate { consent, ..self }
    }

    /// An offer that is open, with another consent to it. None if it is no longer an offer, or if
    /// the same session or server agreed to the same terms before: the first time counts.
    #[must_use]
    pub fn consented(&self, consent: &Consent) -> Option<Mandate> {
        let is_offered = match self.phase {
            MandatePhase::Offered => true,
            MandatePhase::Active
            | MandatePhase::Suspended { .. }
            | MandatePhase::Ending { .. }
            | MandatePhase::ConfirmingEnd { .. }
            | MandatePhase::Ended { .. } => false,
        };
        let is_known = self.consent.as_ref().is_some_and(|known| {
            known.terms_version == consent.terms_version && known.by == consent.by
        });
        (is_offered && !is_known).then(|| self.clone().with_consent(Some(consent.clone())))
    }
}
