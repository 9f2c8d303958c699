//! What the portal asks of the other functions for a visitor.

use steelyard_billing::{
    ActionAnswer, ActionEvent, ActionPhase, ActionProblem, Actor, Deed, Visitor,
};
use steelyard_pages::recharge::Way;
use steelyard_pricing::Fen;
use steelyard_runtime::Problem;

use crate::Shared;
use crate::asker::{Asker, Visit};
use crate::offers::{NotOffered, OfferedRecharge};
use crate::refusal::Refusal;

impl Shared {
    /// Offers a recharge whose payer returns to its page here.
    pub(crate) async fn offer_recharge(
        &self,
        visit: &Visit,
        amount: Fen,
        way: Way,
        key: &str,
    ) -> Result<OfferedRecharge, NotOffered> {
        let provider = visit.provider();
        let return_to = format!("{}/portal/providers/{provider}/recharge", visit.portal_url);
        self.offers.recharge(provider, amount, way, key, &return_to).await
    }

    /// Has an action of a provider carried out, once by its key.
    pub(crate) async fn act(&self, asker: &Asker, key: &str, deed: Deed) -> Result<(), Refusal> {
        let Asker::Session(session) = asker else { return Err(Refusal::NotAllowed("act")) };
        let Visitor::Provider(provider) = &session.visitor else {
            return Err(Refusal::NotAllowed("act for a provider"));
        };
        let by = Actor::Provider { provider: provider.clone(), session: session.id.clone() };
        let event = ActionEvent {
            by,
            key: Some(key.to_owned()),
            reason: None,
            action: Some(deed),
            approve: None,
            reject: None,
        };
        match self.asked_of_actions(&event).await? {
            ActionAnswer::Action(action) => match action.phase {
                ActionPhase::Done { .. } => Ok(()),
                ActionPhase::Refused { why, .. } => Err(Refusal::Problem(Problem::Mandate, why)),
                ActionPhase::Asked | ActionPhase::Waiting | ActionPhase::Rejected { .. } => {
                    Err(Refusal::unavailable("the action is not done yet"))
                }
            },
            ActionAnswer::Problem(ActionProblem::KeyUsed { detail }) => {
                Err(Refusal::Problem(Problem::IdempotencyKeyUsed, detail))
            }
            ActionAnswer::Problem(
                ActionProblem::Malformed { detail }
                | ActionProblem::OwnApproval { detail }
                | ActionProblem::Undecidable { detail },
            ) => Err(Refusal::Malformed(detail)),
        }
    }

    /// What the actions function answers.
    pub(crate) async fn asked_of_actions(
        &self,
        event: &ActionEvent,
    ) -> Result<ActionAnswer, Refusal> {
        let event = serde_json::to_value(event).map_err(Refusal::unavailable)?;
        let answer = self.actions.invoke(&event).await.map_err(Refusal::unavailable)?;
        serde_json::from_value(answer).map_err(Refusal::unavailable)
    }
}
