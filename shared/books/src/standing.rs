//! Standing: the ladder that determines it, and the stages that operators decide on.

use jiff::Timestamp;
use steelyard_billing::{Account, Ladder, ProviderId, StageHold};
use steelyard_pricing::BillingDay;
use steelyard_store::StoredLadder;

use crate::change::{Decision, change};
use crate::{BookError, Books};

/// The result of adding a version of the arrears ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LadderAdded {
    /// This call stored the version.
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
    /// Stores a version of the arrears ladder. One that has taken effect never changes; one that
    /// takes effect after `today`, and one that cannot be read, may be replaced.
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

    /// Holds a provider at a stage, or lets the ladder decide again: an action of an operator. The
    /// same decision again keeps the time of the first.
    pub(crate) async fn holding(
        &self,
        provider: &ProviderId,
        hold: Option<&StageHold>,
    ) -> Result<Decision<()>, BookError> {
        let account = self.account(provider).await?.account;
        let timeless =
            |hold: &StageHold| StageHold { held_at_s: Timestamp::UNIX_EPOCH, ..hold.clone() };
        if account.stage_hold.as_ref().map(timeless) == hold.map(timeless) {
            return Ok(Decision::Keep(()));
        }
        let held = Account { stage_hold: hold.cloned(), ..account.clone() };
        let mut writes = self.billing.writes(HOLD);
        writes.account(&account, &held)?;
        Ok(Decision::Save(writes, ()))
    }
}
