//! Standing: the ladder that tells it, and the stages that operators decide on.

use steelyard_billing::{Account, Ladder, ProviderId, StageHold};
use steelyard_pricing::BillingDay;
use steelyard_store::StoredLadder;

use crate::change::{Decision, change};
use crate::{BookError, Books};

/// The result of adding a version of the arrears ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LadderAdded {
    /// It is stored now.
    New,
    /// It was stored before, exactly so.
    Before,
    /// It is stored now, in place of another that had not taken effect, or could not be read.
    Replaced,
    /// Another one is stored for its day, and has taken effect.
    Different,
}

const ADD: &str = "store the arrears ladder";
const HOLD: &str = "hold a stage";

impl Books {
    /// Stores a version of the arrears ladder. One that has taken effect never changes; one that takes effect
    /// after `today`, and one that cannot be read, may be replaced.
    ///
    /// # Errors
    ///
    /// [`BookError::Store`] when the table fails.
    pub async fn add_ladder(
        &self,
        ladder: &Ladder,
        today: BillingDay,
    ) -> Result<LadderAdded, BookError> {
        change(&self.billing, ADD, move |_| async move {
            let found = self.billing.ladder(ladder.document().effective_from).await?;
            let added = match &found {
                Some(StoredLadder { ladder: Some(stored), .. }) if stored == ladder => {
                    return Ok(Decision::Keep(LadderAdded::Before));
                }
                Some(StoredLadder { ladder: Some(_), .. })
                    if ladder.document().effective_from <= today =>
                {
                    return Ok(Decision::Keep(LadderAdded::Different));
                }
                Some(_) => LadderAdded::Replaced,
                None => LadderAdded::New,
            };
            let mut writes = self.billing.writes(ADD);
            writes.ladder(found.as_ref(), ladder)?;
            Ok::<_, BookError>(Decision::Save(writes, added))
        })
        .await
    }

    /// Holds a provider at a stage, or lets the ladder decide again. Gives the account after it.
    ///
    /// # Errors
    ///
    /// [`BookError`] naming the cause.
    pub async fn hold_stage(
        &self,
        provider: &ProviderId,
        hold: Option<&StageHold>,
    ) -> Result<Account, BookError> {
        change(&self.billing, HOLD, move |_| async move {
            let account = self.account(provider).await?.account;
            let held = Account { stage_hold: hold.cloned(), ..account.clone() };
            if held == account {
                return Ok(Decision::Keep(account));
            }
            let mut writes = self.billing.writes(HOLD);
            let after = writes.account(&account, &held)?;
            Ok::<_, BookError>(Decision::Save(writes, after))
        })
        .await
    }
}
