//! Actions as people read them.

use std::fmt;

use super::{ActionPhase, ActionResult, Actor, Deed, DepositReturned};
use crate::Resolution;

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Actor::Operator { operator } => operator.fmt(f),
            Actor::Provider { provider, session } => {
                write!(f, "provider {provider} in session {session}")
            }
            Actor::Caller { caller, provider } => write!(f, "{caller} for provider {provider}"),
        }
    }
}

/// The change as a sentence for people.
impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Deed::EndMandate { provider, mandate } => {
                write!(f, "end mandate {mandate} of {provider}")
            }
            Deed::LowerLimits { provider, mandate, limits } => {
                write!(f, "lower the limits of mandate {mandate} of {provider} to {limits}")
            }
            Deed::ResolveDebit { provider, debit, resolution } => {
                let how = match resolution {
                    Resolution::Ask => "query",
                    Resolution::Retry => "retry",
                    Resolution::GiveUp => "give up",
                };
                write!(f, "{how} debit {debit} of {provider}")
            }
            Deed::CloseFinding { trade, request: None } => {
                write!(f, "close the finding about trade {trade}")
            }
            Deed::CloseFinding { trade, request: Some(request) } => {
                write!(f, "close the finding about refund {request} of trade {trade}")
            }
            Deed::StopDebits => f.write_str("stop all debits"),
            Deed::ResumeDebits => f.write_str("resume debits"),
            Deed::ApproveAdjustment { provider, adjustment } => {
                write!(f, "approve adjustment {adjustment} of {provider}")
            }
            Deed::RejectAdjustment { provider, adjustment } => {
                write!(f, "reject adjustment {adjustment} of {provider}")
            }
            Deed::SetAlerts { provider, .. } => write!(f, "set the alerts of {provider}"),
            Deed::RevokeSessions { provider } => write!(f, "revoke the sessions of {provider}"),
            Deed::DrawDeposit { provider, amount_fen: None } => {
                write!(f, "pay what {provider} owes from its deposit")
            }
            Deed::DrawDeposit { provider, amount_fen: Some(most) } => {
                write!(f, "pay up to ¥{most} of what {provider} owes from its deposit")
            }
            Deed::ReturnDeposit { provider, amount_fen: None } => {
                write!(f, "return the deposit of {provider}, less what is owed")
            }
            Deed::ReturnDeposit { provider, amount_fen: Some(most) } => {
                write!(f, "return up to ¥{most} of the deposit of {provider}, less what is owed")
            }
            Deed::BookDepositReturn { provider, amount_fen, reference } => {
                write!(
                    f,
                    "book that ¥{amount_fen} of the deposit of {provider} were returned by {reference}"
                )
            }
            Deed::HoldStage { provider, stage, until } => {
                write!(f, "hold {provider} at {stage} until {until}")
            }
            Deed::ReleaseStage { provider } => {
                write!(f, "let the arrears ladder decide about {provider} again")
            }
        }
    }
}

impl fmt::Display for DepositReturned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DepositReturned { drawn_fen, returned_fen, by_transfer_fen } = self;
        write!(f, "¥{drawn_fen} drawn, ¥{returned_fen} returned, ")?;
        write!(f, "¥{by_transfer_fen} left for a bank transfer")
    }
}

/// The state as people see it, and why.
impl fmt::Display for ActionPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ActionPhase::Asked => f.write_str("asked for, and not carried out"),
            ActionPhase::Waiting => f.write_str("waiting for the approval of a second person"),
            ActionPhase::Done { result: ActionResult::AsBefore, .. } => {
                f.write_str("done: it was so before")
            }
            ActionPhase::Done { result: ActionResult::LimitsLowered { was }, .. } => {
                write!(f, "done: the limits were {was}")
            }
            ActionPhase::Done { result: ActionResult::DepositDrawn { amount_fen }, .. } => {
                write!(f, "done: ¥{amount_fen} drawn")
            }
            ActionPhase::Done { result: ActionResult::DepositReturned(returned), .. } => {
                write!(f, "done: {returned}")
            }
            ActionPhase::Done {
                result: ActionResult::Changed | ActionResult::SessionsRevoked { .. },
                ..
            } => f.write_str("done"),
            ActionPhase::Refused { why, .. } => write!(f, "refused: {why}"),
            ActionPhase::Rejected { rejected_by, rejected_because, .. } => {
                write!(f, "rejected by {rejected_by}: {rejected_because}")
            }
        }
    }
}
