//! What is done by an action.

use serde::{Deserialize, Serialize};
use steelyard_pricing::{AlertRules, BillingDay, Fen};

use crate::mandate::MandateLimits;
use crate::{AdjustmentId, DebitId, MandateId, ProviderId, Reference, Resolution, Stage};

/// What is done by an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Deed {
    /// A mandate is ended, here and at Alipay.
    EndMandate {
        /// Whose.
        provider: ProviderId,
        /// Which.
        mandate: MandateId,
    },
    /// The limits of a mandate are lowered for debits that are not sent yet.
    LowerLimits {
        /// Whose.
        provider: ProviderId,
        /// Which.
        mandate: MandateId,
        /// The limits from now on: none may be higher than before.
        limits: MandateLimits,
    },
    /// A debit that is held or in doubt is resolved.
    ResolveDebit {
        /// Whose.
        provider: ProviderId,
        /// Which.
        debit: DebitId,
        /// How.
        resolution: Resolution,
    },
    /// A finding of a reconciliation is closed.
    CloseFinding {
        /// The number of the trade.
        trade: String,
        /// The number of the refund, if the finding has one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request: Option<String>,
    },
    /// The breaker is opened: no debit is sent.
    StopDebits,
    /// The breaker is closed: debits are sent again.
    ResumeDebits,
    /// An adjustment that another person made is approved.
    ApproveAdjustment {
        /// Whose.
        provider: ProviderId,
        /// Which.
        adjustment: AdjustmentId,
    },
    /// An adjustment that waits is rejected.
    RejectAdjustment {
        /// Whose.
        provider: ProviderId,
        /// Which.
        adjustment: AdjustmentId,
    },
    /// What a provider is watched by is set.
    SetAlerts {
        /// Whose.
        provider: ProviderId,
        /// All that it sets.
        rules: Box<AlertRules>,
    },
    /// The sessions in which a provider's pages are open end.
    RevokeSessions {
        /// Whose.
        provider: ProviderId,
    },
    /// What a provider owes and no debit is collecting is paid from its deposit.
    DrawDeposit {
        /// Whose.
        provider: ProviderId,
        /// The most that is drawn; as much as is owed unless given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        amount_fen: Option<Fen>,
    },
    /// The deposit is returned through Alipay, less what is owed.
    ReturnDeposit {
        /// Whose.
        provider: ProviderId,
        /// The most that is returned; all of it unless given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        amount_fen: Option<Fen>,
    },
    /// Deposit was returned by a bank transfer, and is booked.
    BookDepositReturn {
        /// Whose.
        provider: ProviderId,
        /// The amount of the transfer.
        amount_fen: Fen,
        /// The name of the transfer, which no other has.
        reference: Reference,
    },
    /// A provider is held at a stage, whatever the arrears ladder says.
    HoldStage {
        /// Whose.
        provider: ProviderId,
        /// The stage.
        stage: Stage,
        /// The first day on which the ladder decides again.
        until: BillingDay,
    },
    /// The arrears ladder decides again about a provider that is held at a stage.
    ReleaseStage {
        /// Whose.
        provider: ProviderId,
    },
}

impl Deed {
    /// The provider whose records it is about, if it is about one's.
    #[must_use]
    pub const fn provider(&self) -> Option<&ProviderId> {
        match self {
            Deed::EndMandate { provider, .. }
            | Deed::LowerLimits { provider, .. }
            | Deed::ResolveDebit { provider, .. }
            | Deed::ApproveAdjustment { provider, .. }
            | Deed::RejectAdjustment { provider, .. }
            | Deed::SetAlerts { provider, .. }
            | Deed::RevokeSessions { provider }
            | Deed::DrawDeposit { provider, .. }
            | Deed::ReturnDeposit { provider, .. }
            | Deed::BookDepositReturn { provider, .. }
            | Deed::HoldStage { provider, .. }
            | Deed::ReleaseStage { provider } => Some(provider),
            Deed::CloseFinding { .. } | Deed::StopDebits | Deed::ResumeDebits => None,
        }
    }

    /// Whether a provider may ask for it.
    pub(super) fn is_allowed_to(&self, asking: &ProviderId) -> bool {
        match self {
            Deed::EndMandate { provider, .. }
            | Deed::LowerLimits { provider, .. }
            | Deed::SetAlerts { provider, .. } => provider == asking,
            Deed::ResolveDebit { .. }
            | Deed::CloseFinding { .. }
            | Deed::StopDebits
            | Deed::ResumeDebits
            | Deed::ApproveAdjustment { .. }
            | Deed::RejectAdjustment { .. }
            | Deed::RevokeSessions { .. }
            | Deed::DrawDeposit { .. }
            | Deed::ReturnDeposit { .. }
            | Deed::BookDepositReturn { .. }
            | Deed::HoldStage { .. }
            | Deed::ReleaseStage { .. } => false,
        }
    }

    /// Whether a second person approves it whatever the platform's rules say: it pays money out.
    #[must_use]
    pub const fn pays_out(&self) -> bool {
        match self {
            Deed::ReturnDeposit { .. } | Deed::BookDepositReturn { .. } => true,
            Deed::EndMandate { .. }
            | Deed::LowerLimits { .. }
            | Deed::ResolveDebit { .. }
            | Deed::CloseFinding { .. }
            | Deed::StopDebits
            | Deed::ResumeDebits
            | Deed::ApproveAdjustment { .. }
            | Deed::RejectAdjustment { .. }
            | Deed::RevokeSessions { .. }
            | Deed::SetAlerts { .. }
            | Deed::DrawDeposit { .. }
            | Deed::HoldStage { .. }
            | Deed::ReleaseStage { .. } => false,
        }
    }
}
