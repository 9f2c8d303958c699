//! Rules of imports: storing them by name.

use steelyard_store::StoredRule;

use crate::change::{Decision, change};
use crate::{BookError, Books};

/// The result of adding a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleAdded {
    /// This call stored the rule.
    New,
    /// It was stored before, exactly so.
    Before,
    /// It is stored now, in place of another.
    Replaced,
    /// Another one has its name.
    Different,
}

const ADD: &str = "store a rule of imports";

impl Books {
    /// Stores a rule of imports. Another one of its name stays, unless it is to be replaced.
    ///
    /// # Errors
    ///
    /// [`BookError::Store`] when the table fails.
    pub async fn add_rule(&self, rule: &StoredRule, replace: bool) -> Result<RuleAdded, BookError> {
        change(&self.billing, ADD, move |_| async move {
            let found = self.billing.rule(&rule.name).await?;
            let added = match &found {
                Some(stored) if stored == rule => return Ok(Decision::Keep(RuleAdded::Before)),
                Some(_) if !replace => return Ok(Decision::Keep(RuleAdded::Different)),
                Some(_) => RuleAdded::Replaced,
                None => RuleAdded::New,
            };
            let mut writes = self.billing.writes(ADD);
            writes.rule(found.as_ref(), rule);
            Ok::<_, BookError>(Decision::Save(writes, added))
        })
        .await
    }
}
