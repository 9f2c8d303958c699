//! One agreement as people see it.

use jiff::Timestamp;
use serde::Serialize;
use steelyard_billing::mandate::{Consent, EndReason, MandatePhase, Suspension};
use steelyard_billing::{DebitId, Mandate, MandateId};
use steelyard_pricing::Fen;
use utoipa::ToSchema;

use crate::debits::Reason;

/// An agreement that is in force, or was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AgreementView {
    /// Which mandate of the provider, from 1.
    #[schema(value_type = u32)]
    pub mandate: MandateId,
    /// Alipay's number of the agreement.
    pub agreement_no: Option<String>,
    /// When it was signed or adopted, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    #[schema(value_type = i64)]
    pub since_s: Timestamp,
    /// When it ends by itself, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::optional")]
    #[schema(value_type = Option<i64>)]
    pub ends_at_s: Option<Timestamp>,
    /// The login of the Alipay account that pays, with letters left out by Alipay, as far as it was
    /// reported.
    pub payer_login: Option<String>,
    /// The most that one debit may take.
    #[schema(value_type = i64)]
    pub single_limit_fen: Fen,
    /// The most that the debits of a day may take.
    #[schema(value_type = Option<i64>)]
    pub daily_limit_fen: Option<Fen>,
    /// The most that one debit may take, as Alipay last said.
    #[schema(value_type = Option<i64>)]
    pub alipay_limit_fen: Option<Fen>,
    /// What the provider agreed to before it signed.
    pub consent: Option<ConsentView>,
    /// Why no debits are made for now.
    pub suspended: Option<SuspendedView>,
    /// The time and cause of its end; none while it is in force.
    pub ended: Option<EndedView>,
}

/// The provider's consent to an agreement, before Alipay's page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ConsentView {
    /// The version of the terms.
    pub terms_version: String,
    /// When it was given, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    #[schema(value_type = i64)]
    pub at_s: Timestamp,
}

/// Why no debits are made for now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SuspendedView {
    /// Since when, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    #[schema(value_type = i64)]
    pub since_s: Timestamp,
    /// Whether Alipay says so; otherwise a debit found it out.
    pub is_by_alipay: bool,
    /// The debit that found it out.
    #[schema(value_type = Option<u64>)]
    pub debit: Option<DebitId>,
    /// Why that debit was given up.
    pub reason: Option<Reason>,
}

/// The end of an agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct EndedView {
    /// When, as far as is known, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    #[schema(value_type = i64)]
    pub at_s: Timestamp,
    /// The party or the event that ended it.
    pub by: EndedBy,
}

/// The party or the event that ended an agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndedBy {
    /// The provider ended it at Alipay.
    AtAlipay,
    /// It was ended here, on these pages or by the platform.
    Here,
    /// Its time was over.
    Time,
    /// The provider signed another.
    Another,
    /// The offer lapsed without a signature.
    NotSigned,
}

impl AgreementView {
    pub(super) fn new(mandate: &Mandate) -> AgreementView {
        AgreementView {
            mandate: mandate.mandate,
            agreement_no: mandate.agreement_no.clone(),
            since_s: mandate.signed_at_s.unwrap_or(mandate.offered_at_s),
            ends_at_s: mandate.ends_at_s,
            payer_login: mandate.payer_login.clone(),
            single_limit_fen: mandate.single_limit_fen,
            daily_limit_fen: mandate.daily_limit_fen,
            alipay_limit_fen: mandate.gateway_limit_fen,
            consent: mandate.consent.as_ref().map(ConsentView::new),
            suspended: SuspendedView::of(&mandate.phase),
            ended: EndedView::of(&mandate.phase),
        }
    }
}

impl ConsentView {
    pub(super) fn new(consent: &Consent) -> ConsentView {
        ConsentView { terms_version: consent.terms_version.to_string(), at_s: consent.at_s }
    }
}

impl SuspendedView {
    fn of(phase: &MandatePhase) -> Option<SuspendedView> {
        let MandatePhase::Suspended { since_s, why } = phase else { return None };
        let (debit, reason) = match why {
            Suspension::ByGateway => (None, None),
            Suspension::ByDebit { debit, given_up } => (Some(*debit), Some(Reason::from(given_up))),
        };
        Some(SuspendedView { since_s: *since_s, is_by_alipay: debit.is_none(), debit, reason })
    }
}

impl EndedView {
    fn of(phase: &MandatePhase) -> Option<EndedView> {
        let MandatePhase::Ended { at_s, why } = phase else { return None };
        let by = match why {
            EndReason::RevokedByProvider => EndedBy::AtAlipay,
            EndReason::RevokedHereByProvider | EndReason::RevokedHere { .. } => EndedBy::Here,
            EndReason::Expired => EndedBy::Time,
            EndReason::Replaced { .. } => EndedBy::Another,
            EndReason::NotSigned => EndedBy::NotSigned,
        };
        Some(EndedView { at_s: *at_s, by })
    }
}
