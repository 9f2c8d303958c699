//! What operators do by buttons of pages: they draw from deposits, return them, and hold providers
//! at stages. The actions function does each once, whatever its key is sent with again.

use std::collections::BTreeMap;

use serde_json::Value;
use steelyard_billing::{
    Action, ActionAnswer, ActionEvent, ActionId, ActionPhase, ActionResult, Actor, Books, Cause,
    Deed, DepositMovement, DepositReturned, DrawReason, Entry, Ledger, Stage,
};
use steelyard_pricing::Fen;
use steelyard_runtime::Error;
use steelyard_tests::fen;

use crate::chaos::Chaos;
use crate::operators::{What, another_operator, operator};
use crate::world::{PROVIDERS, World};

/// What the actions function answered about each action last.
#[derive(Default)]
pub(crate) struct Buttons(BTreeMap<ActionId, Action>);

/// What operators moved of a deposit: what buttons answered, or what the journal has.
#[derive(Debug, Default, PartialEq, Eq)]
struct Moved {
    /// Paid from the deposit by decision.
    drawn: i64,
    /// Paid from the deposit before it was returned.
    drawn_to_return: i64,
    /// Returned through Alipay, whatever became of it.
    asked_back: i64,
    /// Returned by bank transfers, each by its reference.
    sent_back: BTreeMap<String, i64>,
}

impl World {
    /// An operator presses a button about a provider, or about a deposit that is held.
    pub(crate) async fn press_a_button(&mut self, provider: &str) -> Result<(), Error> {
        let held = self.deposits_held().await;
        if !held.is_empty() && !self.chaos.one_in(3) {
            let provider = self.chaos.pick(&held);
            return self.move_deposit(provider);
        }
        let id = provider.parse()?;
        let deed = match self.chaos.draw(0..5) {
            0 | 1 => {
                let stage = self.chaos.pick(&[Stage::Good, Stage::Throttled, Stage::Terminated]);
                Deed::HoldStage { provider: id, stage, until: self.platform.today().next().next() }
            }
            2 | 3 => Deed::ReleaseStage { provider: id },
            _ => return self.move_deposit(provider),
        };
        self.act(provider, What::Press(deed))
    }

    fn move_deposit(&mut self, provider: &str) -> Result<(), Error> {
        let id = provider.parse()?;
        let amount_fen = self.chaos.pick(&[None, Some(fen(1)), Some(fen(4_000))]);
        let deed = match self.chaos.draw(0..5) {
            0 | 1 => Deed::DrawDeposit { provider: id, amount_fen },
            2 | 3 => Deed::ReturnDeposit { provider: id, amount_fen },
            _ => Deed::BookDepositReturn {
                provider: id,
                amount_fen: amount_fen.unwrap_or(fen(900)),
                reference: self.new_reference(),
            },
        };
        self.act(provider, What::Press(deed))
    }

    /// The providers of which a deposit is held.
    async fn deposits_held(&self) -> Vec<&'static str> {
        let mut held = Vec::new();
        for provider in PROVIDERS {
            if !self.platform.found(provider).await.account.figures.deposit().is_zero() {
                held.push(provider);
            }
        }
        held
    }

    /// A second person decides about what another pressed, if something waits for it.
    pub(crate) fn decide(&mut self, provider: &str) -> Result<(), Error> {
        let actions = self.operators.buttons.actions_of(provider);
        let waiting: Vec<ActionId> = actions
            .filter(|action| action.phase == ActionPhase::Waiting)
            .map(|action| action.id.clone())
            .collect();
        if waiting.is_empty() {
            return Ok(());
        }
        let (action, is_approved) = (self.chaos.pick(&waiting), !self.chaos.one_in(4));
        self.act(provider, What::Decide { action, is_approved })
    }

    /// Checks that the journal moves of a provider's deposit what buttons were answered, once, and
    /// nothing else of that kind.
    pub(crate) fn check_buttons(&self, provider: &str, books: &Books) -> Result<(), Error> {
        let (mut told, mut booked) = (Moved::default(), Moved::default());
        for action in self.operators.buttons.actions_of(provider) {
            if let ActionPhase::Done { result, .. } = action.phase {
                told.add_result(&action.what, result);
            }
        }
        for entry in &books.journal {
            booked.add_entry(entry)?;
        }
        if told == booked {
            return Ok(());
        }
        Err(format!("{provider}: buttons moved {told:?} of the deposit, booked are {booked:?}")
            .into())
    }
}

impl Moved {
    fn add_result(&mut self, deed: &Deed, result: ActionResult) {
        match (deed, result) {
            (_, ActionResult::DepositDrawn { amount_fen }) => self.drawn += amount_fen.get(),
            (
                Deed::BookDepositReturn { reference, .. },
                ActionResult::DepositReturned(DepositReturned { drawn_fen, returned_fen, .. }),
            ) => {
                self.drawn_to_return += drawn_fen.get();
                self.sent_back.insert(reference.to_string(), returned_fen.get());
            }
            (_, ActionResult::DepositReturned(DepositReturned { drawn_fen, returned_fen, .. })) => {
                self.drawn_to_return += drawn_fen.get();
                self.asked_back += returned_fen.get();
            }
            _ => {}
        }
    }

    fn add_entry(&mut self, entry: &Entry) -> Result<(), Error> {
        let Cause::Deposit(movement) = &entry.record().cause else { return Ok(()) };
        let moved: Fen = entry.moved(Ledger::Deposit)?;
        match movement {
            DepositMovement::Drawn { because: DrawReason::Decided } => self.drawn += moved.get(),
            DepositMovement::Drawn { because: DrawReason::Returning } => {
                self.drawn_to_return += moved.get();
            }
            DepositMovement::ReturnAsked(_) => self.asked_back += moved.get(),
            DepositMovement::SentBack { reference } => {
                *self.sent_back.entry(reference.to_string()).or_default() += moved.get();
            }
            DepositMovement::Drawn { because: DrawReason::GivenUp }
            | DepositMovement::Paid { .. }
            | DepositMovement::Transferred { .. }
            | DepositMovement::Returned(_)
            | DepositMovement::ReturnRefused(_)
            | DepositMovement::Reversed(_) => {}
        }
        Ok(())
    }
}

impl Buttons {
    /// Notes an answer; whether it says that the action is done.
    pub(crate) fn note(&mut self, action: Action, chaos: &Chaos) -> bool {
        let is_done = |of: &Action| matches!(of.phase, ActionPhase::Done { .. });
        let is_now_done = is_done(&action);
        match self.0.get(&action.id) {
            // What is done is done once; an older answer may come after a newer one.
            Some(before) if is_done(before) => {
                if is_now_done && *before != action {
                    chaos.note_defect(format_args!("{before:?}, then {action:?}"));
                }
            }
            Some(_) | None => drop(self.0.insert(action.id.clone(), action)),
        }
        is_now_done
    }

    /// What was asked for about a provider.
    fn actions_of(&self, provider: &str) -> impl Iterator<Item = &Action> {
        let is_of =
            move |of: &&Action| of.what.provider().is_some_and(|of| of.as_str() == provider);
        self.0.values().filter(is_of)
    }
}

/// The event by which a person presses a button, or decides about it; none of what is done at a
/// console. The key is that of the first time.
pub(crate) fn event(what: &What, place: usize) -> Option<ActionEvent> {
    let none = ActionEvent {
        by: Actor::Operator { operator: operator() },
        key: None,
        reason: Some("a look at it".to_owned()),
        action: None,
        approve: None,
        reject: None,
    };
    Some(match what {
        What::Press(deed) => {
            ActionEvent { key: Some(format!("act-{place}")), action: Some(deed.clone()), ..none }
        }
        What::Decide { action, is_approved } => ActionEvent {
            by: Actor::Operator { operator: another_operator() },
            approve: is_approved.then(|| action.clone()),
            reject: (!is_approved).then(|| action.clone()),
            ..none
        },
        _ => return None,
    })
}

/// The action that an answer shows, if it is one of the actions function.
pub(crate) fn action_of(answer: &Value) -> Option<Action> {
    match serde_json::from_value(answer.clone()).ok()? {
        ActionAnswer::Action(action) => Some(*action),
        ActionAnswer::Problem(_) => None,
    }
}
