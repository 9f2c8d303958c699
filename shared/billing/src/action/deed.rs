//! What is done by an action.

use serde::{Deserialize, Serialize};
use steelyard_pricing::{AlertRules, BillingDay, Fen};

use crate::mandate::MandateLimits;
use crate::{AdjustmentId, DebitId, MandateId, ProviderId, Reference, Resolution, Stage};

/// The change that an action makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Deed {
    /// A mandate is ended, here and at Alipay.
    EndMandate {
        /// The provider that signed the mandate.
        provider: ProviderId,
        /// The number of the mandate among the provider's.
        mandate: MandateId,
    },
    /// The limits of a mandate are lowered for debits that are not sent yet.
    LowerLimits {
        /// The provider that signed the mandate.
        provider: ProviderId,
        /// The mandate whose limits are lowered.
        mandate: MandateId,
        /// The limits from now on: none may be higher than before.
        limits: MandateLimits,
    },
    /// A debit that is held or in doubt is resolved.
    ResolveDebit {
        /// The provider that owes the debit.
        provider: ProviderId,
        /// The debit, which must be held or in doubt.
        debit: DebitId,
        /// The operator's decision.
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
        /// The provider whose next statement books it.
        provider: ProviderId,
        /// The adjustment, which must wait for approval.
        adjustment: AdjustmentId,
    },
    /// An adjustment that waits is rejected.
    RejectAdjustment {
        /// The provider whose statement would have booked it.
        provider: ProviderId,
        /// The adjustment, which must wait for approval.
        adjustment: AdjustmentId,
    },
    /// What a provider is watched by is set.
    SetAlerts {
        /// The provider that is watched.
        provider: ProviderId,
        /// All that it sets.
        rules: Box<AlertRules>,
    },
    /// The sessions in which a provider's pages are open end.
    RevokeSessions {
        /// The provider whose sessions end.
        provider: ProviderId,
    },
    /// What a provider owes and no debit is collecting is paid from its deposit.
    DrawDeposit {
        /// The provider whose deposit is drawn.
        provider: ProviderId,
        /// The most that is drawn; as much as is owed unless given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        amount_fen: Option<Fen>,
    },
    /// The deposit is returned through Alipay, less what is owed.
    ReturnDeposit {
        /// The provider that gets its deposit back.
        provider: ProviderId,
        /// The most that is returned; all of it unless given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        amount_fen: Option<Fen>,
    },
    /// Deposit was returned by a bank transfer, and is booked.
    BookDepositReturn {
        /// The provider that got the transfer.
        provider: ProviderId,
        /// The amount of the transfer.
        amount_fen: Fen,
        /// The name of the transfer, which no other has.
        reference: Reference,
    },
    /// A provider is held at a stage, whatever the arrears ladder says.
    HoldStage {
        /// The provider that is held at the stage.
        provider: ProviderId,
        /// The stage at which it is held.
        stage: Stage,
        /// The first day on which the ladder decides again.
        until: BillingDay,
    },
    /// The arrears ladder decides again about a provider that is held at a stage.
    ReleaseStage {
        /// The provider that is released.
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
