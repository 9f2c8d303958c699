//! What the actions function is invoked with, and what it answers.

use serde::{Deserialize, Serialize};

use super::{Action, Actor, Deed};
use crate::ActionId;

/// An action to be done, or a decision about one that waits: one of `action`, `approve` and
/// `reject`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionEvent {
    /// The author of the request.
    pub by: Actor,
    /// The `Idempotency-Key` of an action: 1 to 255 characters. Decisions need none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Why. An empty text is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The change that is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Deed>,
    /// The action that a second person approves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approve: Option<ActionId>,
    /// The action that a person rejects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reject: Option<ActionId>,
}

/// The answer to an [`ActionEvent`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionAnswer {
    /// The action as it is recorded: done, refused, waiting or rejected.
    Action(Box<Action>),
    /// Nothing is recorded or decided.
    Problem(ActionProblem),
}

/// Why nothing is recorded or decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ActionProblem {
    /// The event is not one that can be read.
    Malformed {
        /// The fault in the event, as a sentence.
        detail: String,
    },
    /// The key was used before, for another action.
    KeyUsed {
        /// The same in words.
        detail: String,
    },
    /// The person asked for the action, and may not approve it.
    OwnApproval {
        /// The same in words.
        detail: String,
    },
    /// A person may not decide so about the action.
    Undecidable {
        /// The rule that forbids it, as a sentence for the person.
        detail: String,
    },
}
