//! Requests to the functions that make offers and carry out actions for a visitor.

use steelyard_billing::{
    ActionAnswer, ActionEvent, ActionId, ActionPhase, ActionProblem, Deed, Recharge,
};
use steelyard_pages::recharge::{PayNow, RechargeItem, RechargeRequest};
use steelyard_runtime::Problem;

use crate::Shared;
use crate::asker::Visit;
use crate::offers::NotOffered;
use crate::refusal::Refusal;

impl Shared {
    /// Offers a recharge whose payer returns to its page here.
    pub(crate) async fn offer_recharge(
        &self,
        visit: &Visit,
        asked: &RechargeRequest,
    ) -> Result<PayNow, NotOffered> {
        let provider = visit.provider();
        let return_to = format!("{}/portal/providers/{provider}/recharge", visit.portal_url);
        let RechargeRequest { key, amount_fen, way, purpose } = asked;
        let what = (*purpose, *amount_fen);
        let offered = self.offers.recharge(provider, what, *way, key, &return_to).await?;
        let unavailable = |what: &'static str| NotOffered::Unavailable(Refusal::unavailable(what));
        let found = self.settler.books.billing.find::<Recharge>(provider, &offered.recharge).await;
        let found = found.map_err(|error| NotOffered::Unavailable(Refusal::unavailable(error)))?;
        let found = found.ok_or_else(|| unavailable("the recharge that was offered is missing"))?;
        let by = offered.pay_by();
        let by = by.ok_or_else(|| unavailable("the offer has neither a page nor a code"))?;
        Ok(PayNow { item: RechargeItem::new(&found), by })
    }

    /// Has an action of a provider carried out, once by its key, and reads what it changed.
    pub(crate) async fn act(
        &self,
        visit: &mut Visit,
        key: &str,
        deed: Deed,
    ) -> Result<(), Refusal> {
        let event = ActionEvent {
            by: visit.asker.actor(visit.provider())?,
            key: Some(key.to_owned()),
            reason: None,
            action: Some(deed),
            approve: None,
            reject: None,
        };
        match self.asked_of_actions(&event).await? {
            ActionAnswer::Action(action) => match action.phase {
                ActionPhase::Done { .. } => {
                    let changed = self.settler.books.billing.account(visit.provider()).await;
                    let changed = changed.map_err(Refusal::unavailable)?;
                    visit.account = changed.ok_or(Refusal::NotFound)?;
                    Ok(())
                }
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

    /// The action that the same asker requested before under a key; none if none is recorded.
    pub(crate) async fn asked_before(
        &self,
        visit: &Visit,
        key: &str,
    ) -> Result<Option<Deed>, Refusal> {
        let id = ActionId::of(&visit.asker.actor(visit.provider())?, key);
        let recorded = self.settler.books.billing.action(&id).await;
        Ok(recorded.map_err(Refusal::unavailable)?.map(|action| action.what))
    }

    /// Invokes the actions function, and gives its answer.
    pub(crate) async fn asked_of_actions(
        &self,
        event: &ActionEvent,
    ) -> Result<ActionAnswer, Refusal> {
        let event = serde_json::to_value(event).map_err(Refusal::unavailable)?;
        let answer = self.actions.invoke(&event).await.map_err(Refusal::unavailable)?;
        serde_json::from_value(answer).map_err(Refusal::unavailable)
    }
}
