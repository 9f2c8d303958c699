//! The actions function: carries out what people ask for on pages, and records each action in an
//! audit trail.
//!
//! Other functions invoke it; it has no route. The caller knows who asks, and says so in the event:
//! the right to invoke it is the right to act as every operator and every provider.

use serde_json::Value;
use steelyard_billing::{
    Action, ActionAnswer, ActionError, ActionEvent, ActionId, ActionProblem, ActionRequest, Actor,
    Deed, Person, Reason, chain,
};
use steelyard_books::{ActError, Books, IdempotencyKey};
use steelyard_runtime::{Clock, Environment, Error, Function, Invocation, aws};
use steelyard_store::BillingTable;

/// The actions function: it carries out what people ask for on pages.
#[derive(Clone, Debug)]
pub struct Actions {
    books: Books,
    needs_approval: bool,
    clock: Clock,
}

/// What an event asks for.
#[derive(Debug)]
enum Asked {
    Act { key: IdempotencyKey, request: ActionRequest },
    Approve { id: ActionId, by: Person },
    Reject { id: ActionId, by: Person, reason: Reason },
}

impl Actions {
    /// The function over the books. If it needs approval, an operator's action waits for a second
    /// person.
    #[must_use]
    pub fn new(books: Books, needs_approval: bool, clock: Clock) -> Actions {
        Actions { books, needs_approval, clock }
    }

    /// The function as its environment variables describe it.
    ///
    /// # Errors
    ///
    /// When a variable is missing or makes no sense; named.
    pub fn from_environment(environment: &Environment) -> Result<Actions, Error> {
        let rules = environment.debit_rules()?;
        let needs_approval = environment.parsed("ACTIONS_NEED_APPROVAL")?;
        let client = aws::dynamodb(&aws::in_lambda(environment)?);
        let billing = BillingTable::new(client, environment.required("BILLING_TABLE")?);
        Ok(Actions::new(Books::new(billing, rules), needs_approval, Clock::system()))
    }

    async fn act(&self, asked: Asked) -> Result<Action, ActError> {
        let now = self.clock.now();
        match asked {
            Asked::Act { key, request } => {
                self.books.act(&key, &request, self.needs_approval, now).await
            }
            Asked::Approve { id, by } => self.books.approve_action(&id, &by, now).await,
            Asked::Reject { id, by, reason } => {
                self.books.reject_action(&id, &by, &reason, now).await
            }
        }
    }
}

impl Asked {
    /// What an event asks for.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    fn of(event: ActionEvent) -> Result<Asked, String> {
        let ActionEvent { by, key, reason, action, approve, reject } = event;
        let reason = reason.filter(|reason| !reason.trim().is_empty());
        let reason = reason.map(|reason| Reason::new(&reason)).transpose();
        let reason = reason.map_err(|error| error.to_string())?;
        match (action, approve, reject) {
            (Some(what), None, None) => act(by, key.as_deref(), reason, what),
            (None, Some(id), None) => Ok(Asked::Approve { id, by: operator(by)? }),
            (None, None, Some(id)) => {
                let reason = reason.ok_or("a person who rejects an action gives a reason")?;
                Ok(Asked::Reject { id, by: operator(by)?, reason })
            }
            (None, None, None)
            | (Some(_), Some(_), _)
            | (Some(_), _, Some(_))
            | (_, Some(_), Some(_)) => {
                Err("an event has one of `action`, `approve` and `reject`".to_owned())
            }
        }
    }
}

fn act(by: Actor, key: Option<&str>, reason: Option<Reason>, what: Deed) -> Result<Asked, String> {
    let key = key.ok_or("an action has a `key`, under which it is done once")?;
    let key = IdempotencyKey::parse(key).map_err(|error| error.to_string())?;
    Ok(Asked::Act { key, request: ActionRequest { by, reason, what } })
}

/// The operator who decides about an action.
fn operator(by: Actor) -> Result<Person, String> {
    match by {
        Actor::Operator { operator } => Ok(operator),
        Actor::Provider { .. } | Actor::Caller { .. } => {
            Err("only an operator decides about an action".to_owned())
        }
    }
}

impl Function for Actions {
    async fn handle(&self, event: Value, _: Invocation) -> Result<Value, Error> {
        let event = serde_json::from_value(event).map_err(|error| error.to_string());
        let answer = match event.and_then(Asked::of) {
            Ok(asked) => answer(self.act(asked).await)?,
            Err(detail) => ActionAnswer::Problem(ActionProblem::Malformed { detail }),
        };
        log(&answer);
        Ok(serde_json::to_value(answer)?)
    }
}

/// The answer to what was asked. A table that fails fails the invocation.
fn answer(acted: Result<Action, ActError>) -> Result<ActionAnswer, Error> {
    let problem = match acted {
        Ok(action) => return Ok(ActionAnswer::Action(Box::new(action))),
        Err(ActError::Books(error)) => return Err(error.into()),
        Err(ActError::Action(error)) => {
            let detail = chain(&error);
            match error {
                ActionError::KeyUsed => ActionProblem::KeyUsed { detail },
                ActionError::OwnApproval { .. } => ActionProblem::OwnApproval { detail },
                ActionError::Unknown(_) | ActionError::NotWaiting { .. } => {
                    ActionProblem::Undecidable { detail }
                }
            }
        }
    };
    Ok(ActionAnswer::Problem(problem))
}

/// Names no person and no reason: both are in the record.
fn log(answer: &ActionAnswer) {
    match answer {
        ActionAnswer::Action(action) => {
            let provider = action.what.provider().map(ToString::to_string);
            tracing::info!(
                action.id = %action.id,
                action.what = %action.what,
                provider.id = provider,
                is_to_be_done = action.is_to_be_done(),
                "an action is recorded"
            );
        }
        ActionAnswer::Problem(problem) => {
            tracing::warn!(?problem, "an action is not recorded");
        }
    }
}
