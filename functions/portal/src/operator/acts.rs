//! The forms of operators: each is an action under the operator's name, or a decision about one.

use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::Deserialize;
use steelyard_billing::{
    ActionAnswer, ActionEvent, ActionPhase, ActionProblem, ActionResult, Actor, DebitId, Deed,
    Reason,
};
use steelyard_pages::operator::debits::DebitWay;
use steelyard_pages::operator::{FormOutcome, FormProblem, Forms, Refused};

use super::Shift;
use super::pages::{forms, sessions_page};
use crate::Shared;
use crate::asker::Visit;
use crate::refusal::{Answer, Refusal};

/// What a form sends beside its own fields.
#[derive(Debug, Deserialize)]
pub(super) struct Sent<T> {
    key: String,
    form: String,
    #[serde(rename = "do")]
    choice: Option<String>,
    #[serde(default)]
    reason: String,
    #[serde(flatten)]
    of: T,
}

/// The debit of a form.
#[derive(Debug, Deserialize)]
pub(super) struct OfDebit {
    provider: String,
    debit: String,
}

/// The finding of a form.
#[derive(Debug, Deserialize)]
pub(super) struct OfFinding {
    trade: String,
    request: Option<String>,
}

/// A request to open or close the breaker.
#[derive(Debug, Deserialize)]
pub(super) struct OfBreaker {
    breaker: String,
}

/// The fields of a form about what its path names: none.
#[derive(Debug, Deserialize)]
pub(super) struct Nothing {}

/// The action that is decided about.
#[derive(Debug, Deserialize)]
pub(super) struct OfAction {
    action: String,
}

/// What is asked of the actions function.
enum Asked {
    Act(Deed),
    Approve(String),
    Reject(String),
}

/// Resolves a debit.
pub(super) async fn debits(
    State(shared): State<Shared>,
    shift: Shift,
    Form(sent): Form<Sent<OfDebit>>,
) -> Answer {
    let way = sent.choice.as_deref().and_then(DebitWay::named).ok_or_else(unknown)?;
    let deed = Deed::ResolveDebit {
        provider: sent.of.provider.parse().map_err(|_| unknown())?,
        debit: DebitId(sent.of.debit.parse().map_err(|_| unknown())?),
        resolution: way.into(),
    };
    let (status, forms) = shared.sent(&shift, &sent, Asked::Act(deed)).await?;
    shown(status, &forms, shared.debits_page(&shift, &forms).await)
}

/// Closes a finding.
pub(super) async fn reconciliation(
    State(shared): State<Shared>,
    shift: Shift,
    Form(sent): Form<Sent<OfFinding>>,
) -> Answer {
    let OfFinding { trade, request } = &sent.of;
    let deed = Deed::CloseFinding { trade: trade.clone(), request: request.clone() };
    let (status, forms) = shared.sent(&shift, &sent, Asked::Act(deed)).await?;
    shown(status, &forms, shared.reconciliation_page(&shift, &forms).await)
}

/// Stops debits, or lets them go on.
pub(super) async fn runs(
    State(shared): State<Shared>,
    shift: Shift,
    Form(sent): Form<Sent<OfBreaker>>,
) -> Answer {
    let deed = match &*sent.of.breaker {
        "stop" => Deed::StopDebits,
        "resume" => Deed::ResumeDebits,
        _ => return Err(unknown()),
    };
    let (status, forms) = shared.sent(&shift, &sent, Asked::Act(deed)).await?;
    shown(status, &forms, shared.runs_page(&shift, &forms).await)
}

/// Approves or rejects an action.
pub(super) async fn actions(
    State(shared): State<Shared>,
    shift: Shift,
    Form(sent): Form<Sent<OfAction>>,
) -> Answer {
    let asked = match sent.choice.as_deref() {
        Some("approve") => Asked::Approve(sent.of.action.clone()),
        Some("reject") => Asked::Reject(sent.of.action.clone()),
        Some(_) | None => return Err(unknown()),
    };
    let (status, forms) = shared.sent(&shift, &sent, asked).await?;
    shown(status, &forms, shared.actions_page(&shift, None, &forms).await)
}

/// Ends the sessions of a provider.
pub(super) async fn sessions(
    State(shared): State<Shared>,
    shift: Shift,
    visit: Visit,
    Form(sent): Form<Sent<Nothing>>,
) -> Answer {
    let deed = Deed::RevokeSessions { provider: visit.provider().clone() };
    let (status, forms) = shared.sent(&shift, &sent, Asked::Act(deed)).await?;
    shown(status, &forms, sessions_page(&visit, &forms))
}

fn unknown() -> Refusal {
    Refusal::Malformed("the form asks for nothing that there is".to_owned())
}

/// The page after a form. When it cannot be read, the answer says at least that the form was
/// carried out.
fn shown(status: StatusCode, forms: &Forms, page: Answer) -> Answer {
    match page {
        Ok(page) => Ok((status, page).into_response()),
        Err(refusal) if forms.outcome.is_some() => {
            refusal.log();
            Err(Refusal::Unseen)
        }
        Err(refusal) => Err(refusal),
    }
}

impl Shared {
    /// Has a form carried out, and gives the forms of the page on which its outcome is shown.
    async fn sent<T>(
        &self,
        shift: &Shift,
        sent: &Sent<T>,
        asked: Asked,
    ) -> Result<(StatusCode, Forms), Refusal> {
        if !shift.frame.may.operate {
            return Err(Refusal::NotAllowed("operate"));
        }
        let problem = match Reason::new(&sent.reason) {
            Ok(_) => match self.asked(shift, sent, asked).await {
                Ok(outcome) => {
                    return Ok((StatusCode::OK, Forms { outcome: Some(outcome), ..forms()? }));
                }
                Err(problem) => problem,
            },
            Err(error) if error.length == 0 => FormProblem::NoReason,
            Err(error) => FormProblem::LongReason(u64::try_from(error.length).unwrap_or(u64::MAX)),
        };
        let status = match &problem {
            FormProblem::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            FormProblem::NotAllowedNow(_) => StatusCode::CONFLICT,
            FormProblem::OwnApproval => StatusCode::FORBIDDEN,
            FormProblem::NoReason | FormProblem::LongReason(_) => StatusCode::UNPROCESSABLE_ENTITY,
        };
        let is_known = problem != FormProblem::Unavailable;
        let refused = Refused {
            key: (!is_known).then(|| sent.key.clone()),
            form: sent.form.clone(),
            choice: sent.choice.clone(),
            reason: sent.reason.clone(),
            problem,
        };
        Ok((status, Forms { refused: Some(refused), ..forms()? }))
    }

    async fn asked<T>(
        &self,
        shift: &Shift,
        sent: &Sent<T>,
        asked: Asked,
    ) -> Result<FormOutcome, FormProblem> {
        let by = Actor::Operator { operator: shift.operator.clone() };
        let reason = Some(sent.reason.clone());
        let mut event =
            ActionEvent { by, key: None, reason, action: None, approve: None, reject: None };
        let named = |id: String| {
            id.parse().map_err(|_| FormProblem::NotAllowedNow("there is no such action".into()))
        };
        match asked {
            Asked::Act(deed) => {
                event.key = Some(sent.key.clone());
                event.action = Some(deed);
            }
            Asked::Approve(id) => event.approve = Some(named(id)?),
            Asked::Reject(id) => event.reject = Some(named(id)?),
        }
        let is_rejection = event.reject.is_some();
        let unavailable = |refusal: Refusal| {
            refusal.log();
            FormProblem::Unavailable
        };
        let answer = self.asked_of_actions(&event).await.map_err(unavailable)?;
        let action = match answer {
            ActionAnswer::Action(action) => action,
            ActionAnswer::Problem(ActionProblem::OwnApproval { .. }) => {
                return Err(FormProblem::OwnApproval);
            }
            ActionAnswer::Problem(
                ActionProblem::KeyUsed { detail }
                | ActionProblem::Malformed { detail }
                | ActionProblem::Undecidable { detail },
            ) => return Err(FormProblem::NotAllowedNow(detail)),
        };
        match action.phase {
            ActionPhase::Done { result: ActionResult::AsBefore, .. } => Ok(FormOutcome::AsBefore),
            ActionPhase::Done { .. } => Ok(FormOutcome::Done),
            ActionPhase::Waiting => Ok(FormOutcome::Waiting),
            ActionPhase::Rejected { .. } if is_rejection => Ok(FormOutcome::Done),
            ActionPhase::Rejected { rejected_because, .. } => {
                Err(FormProblem::NotAllowedNow(format!("it was rejected: {rejected_because}")))
            }
            ActionPhase::Refused { why, .. } => Err(FormProblem::NotAllowedNow(why)),
            ActionPhase::Asked => Err(FormProblem::Unavailable),
        }
    }
}
