//! Operators: what they do at a console, whose process ends and stands still as those of functions
//! do. An operator who sees no answer does the same again.

mod checks;
mod console;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use steelyard_billing::mandate::MandatePhase;
use steelyard_billing::{
    ActionId, AdjustmentId, DebitId, Deed, Mandate, MandateId, OutRequestNo, Person, Phase,
    ProviderId, Recharge, Reference, RefundRef, Resolution, StatementId,
};
use steelyard_pricing::{BillingDay, Fen, Name, Override};
use steelyard_runtime::Error;
use steelyard_tests::{PLAN, fen, reference};

use crate::buttons::{self, Buttons};
use crate::chaos::Chaos;
use crate::machines::Which;
use crate::model::{FLAT, half_price};
use crate::pending::Pending;
use crate::world::{PROVIDERS, World};

pub(crate) use console::Console;

/// Something that an operator does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Act {
    provider: ProviderId,
    what: What,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum What {
    /// Books a bank transfer.
    Transfer { reference: Reference, amount: Fen },
    /// Gives money of a recharge back.
    GiveBack { number: RefundRef, amount: Fen },
    /// Decides about a debit.
    Resolve { debit: DebitId, resolution: Resolution },
    /// Makes a credit or debit note for a statement.
    Adjust { note: AdjustmentId, corrects: StatementId, amount: Fen },
    /// Approves such a note as a second person.
    Approve { note: AdjustmentId },
    /// Takes such a note back.
    Reject { note: AdjustmentId },
    /// Puts the provider on a plan.
    Assign { plan: Name, from: BillingDay },
    /// Halves the price of calls under the flat plan, for some days.
    Halve(Box<Override>),
    /// Sets what a month may cost.
    Cap { amount: Option<Fen> },
    /// Lowers what one debit may take.
    Lower { mandate: MandateId, amount: Fen },
    /// Ends a mandate for a reason, as a person of the platform may.
    End { mandate: MandateId },
    /// Uses a suspended mandate again.
    Resume { mandate: MandateId },
    /// Books a bank transfer that pays the deposit.
    PayDeposit { reference: Reference, amount: Fen },
    /// Presses a button of a page.
    Press(Deed),
    /// Decides as a second person about what another pressed.
    Decide { action: ActionId, is_approved: bool },
}

/// The acts of operators, done and to be done.
#[derive(Default)]
pub(crate) struct Operators {
    acts: Pending<Act>,
    /// The places of the acts that were answered as done.
    done: BTreeSet<usize>,
    pub(crate) buttons: Buttons,
}

impl World {
    /// An operator does something, or does again what had no answer.
    pub(crate) async fn operators_act(&mut self, provider: &str) -> Result<(), Error> {
        let waiting = self.operators.acts.waiting();
        if !waiting.is_empty() && self.chaos.one_in(3) {
            let place = self.chaos.pick(&waiting);
            self.send_act(place);
            return Ok(());
        }
        match self.chaos.draw(0..20) {
            0 => self.transfer(provider)?,
            1 | 2 => self.give_back(&PROVIDERS).await?,
            3 | 4 => {
                let all = [Resolution::Ask, Resolution::Retry, Resolution::GiveUp];
                self.resolve_debits(provider, self.chaos.pick(&all)).await?;
            }
            5..=7 => self.adjust(provider).await?,
            8 if self.chaos.one_in(2) => self.halve(provider)?,
            8 => self.assign(provider)?,
            9 => self.cap(provider)?,
            10 | 11 => self.change_mandate(provider).await?,
            12 | 13 => self.pay_deposit(provider)?,
            14 | 15 => self.decide(provider)?,
            _ => self.press_a_button(provider).await?,
        }
        Ok(())
    }

    /// An operator books a bank transfer.
    pub(crate) fn transfer(&mut self, provider: &str) -> Result<(), Error> {
        let reference = self.new_reference();
        let amount = fen(self.chaos.pick(&[1, 5_000, 30_000]));
        self.act(provider, What::Transfer { reference, amount })
    }

    /// An operator gives money of a recharge of one of these providers back.
    pub(crate) async fn give_back(&mut self, providers: &[&str]) -> Result<(), Error> {
        let mut paid = Vec::new();
        for provider in providers {
            let id: ProviderId = provider.parse()?;
            let recharges: Vec<Recharge> = self.platform.stack.tables.billing.all(&id).await?;
            paid.extend(recharges.into_iter().filter(|of| of.payment().is_some()));
        }
        if paid.is_empty() {
            return Ok(());
        }
        self.references += 1;
        let Recharge { provider, out_trade_no, amount_fen, .. } = self.chaos.pick(&paid);
        let out_request_no = OutRequestNo::parse(&format!("back{}", self.references))?;
        let number = RefundRef { out_trade_no, out_request_no };
        let amount = amount_fen.min(fen(100));
        self.act(provider.as_str(), What::GiveBack { number, amount })
    }

    /// An operator resolves the debits of a provider that are held or in doubt.
    pub(crate) async fn resolve_debits(
        &mut self,
        provider: &str,
        resolution: Resolution,
    ) -> Result<(), Error> {
        for debit in self.platform.debits(provider).await {
            if matches!(debit.phase, Phase::Held { .. } | Phase::InDoubt { .. }) {
                self.act(provider, What::Resolve { debit: debit.debit, resolution })?;
            }
        }
        Ok(())
    }

    /// An operator makes a credit or debit note for a statement of a month before, or approves the
    /// last one or takes it back.
    async fn adjust(&mut self, provider: &str) -> Result<(), Error> {
        let noted = self.operators.acts.all().into_iter().rev().find_map(|act| match act.what {
            What::Adjust { note, .. } if act.provider.as_str() == provider => Some(note),
            _ => None,
        });
        match (noted, self.chaos.draw(0..4)) {
            (Some(note), 0) => return self.act(provider, What::Reject { note }),
            (Some(note), 1) => return self.act(provider, What::Approve { note }),
            _ => {}
        }
        let month = self.platform.today().month();
        let mut before = self.platform.statements(provider).await;
        before.retain(|statement| statement.statement.day.month() < month);
        if before.is_empty() {
            return Ok(());
        }
        self.references += 1;
        let note = format!("note-{}", self.references).parse()?;
        let corrects = self.chaos.pick(&before).statement;
        let amount = fen(self.chaos.pick(&[-7_000, -1, 1, 30_000]));
        self.act(provider, What::Adjust { note, corrects, amount })
    }

    /// An operator puts a provider on a plan, from a day on that is settled or is not.
    pub(crate) fn assign(&mut self, provider: &str) -> Result<(), Error> {
        let plan = self.chaos.pick(&[PLAN, FLAT]).to_owned().try_into()?;
        let from = self.some_days_after(self.platform.today());
        self.act(provider, What::Assign { plan, from })
    }

    /// An operator halves the price of calls under the flat plan, for some days.
    fn halve(&mut self, provider: &str) -> Result<(), Error> {
        self.references += 1;
        let from = self.some_days_after(self.platform.today());
        let until = self.some_days_after(from.next());
        let over = half_price(&format!("half-{}", self.references), from, until)?;
        self.act(provider, What::Halve(Box::new(over)))
    }

    fn some_days_after(&self, day: BillingDay) -> BillingDay {
        let days = self.chaos.draw(0..4);
        (0..days).fold(day, |day, _| day.next())
    }

    /// An operator says what a month may cost.
    pub(crate) fn cap(&mut self, provider: &str) -> Result<(), Error> {
        let amount = self.chaos.pick(&[None, Some(1), Some(20_000)]).map(Fen::new);
        self.act(provider, What::Cap { amount })
    }

    /// An operator lowers the limit of the last mandate, ends it, or uses it again if it is
    /// suspended.
    async fn change_mandate(&mut self, provider: &str) -> Result<(), Error> {
        let mandates: Vec<Mandate> =
            self.platform.stack.tables.billing.all(&provider.parse()?).await?;
        let Some(of) = mandates.last() else { return Ok(()) };
        let mandate = of.mandate;
        let is_suspended = matches!(of.phase, MandatePhase::Suspended { .. });
        let what = match self.chaos.draw(0..4) {
            0..=2 if is_suspended => What::Resume { mandate },
            0..=2 => What::Lower { mandate, amount: fen(self.chaos.pick(&[8_000, 40_000])) },
            _ => What::End { mandate },
        };
        self.act(provider, what)
    }

    /// An operator books a bank transfer that pays the deposit.
    pub(crate) fn pay_deposit(&mut self, provider: &str) -> Result<(), Error> {
        let reference = self.new_reference();
        let amount = fen(self.chaos.pick(&[1, 5_000, 30_000]));
        self.act(provider, What::PayDeposit { reference, amount })
    }

    /// The name of a bank transfer that no other has.
    pub(crate) fn new_reference(&mut self) -> Reference {
        self.references += 1;
        reference(&format!("bank-{}", self.references))
    }

    pub(crate) fn act(&mut self, provider: &str, what: What) -> Result<(), Error> {
        let place = self.operators.acts.add(Act { provider: provider.parse()?, what });
        self.send_act(place);
        Ok(())
    }

    fn send_act(&mut self, place: usize) {
        let act = self.operators.acts.at(place).clone();
        self.chaos.note(format_args!("an operator of {}: {:?}", act.provider, act.what));
        let (machines, answers) = (self.machines.clone(), self.operators.acts.answers());
        let chaos = self.chaos.clone();
        self.run(async move {
            let (which, event) = match buttons::event(&act.what, place) {
                Some(event) => (Which::Actions, serde_json::to_value(event)?),
                None => (Which::Operator, serde_json::to_value(act)?),
            };
            if let Ok(answer) = machines.invoke(which, event).await {
                chaos.note_read(format_args!("the operator is told {answer}"));
                answers.add(place, answer);
            }
            Ok(())
        });
    }

    /// Does again what had no answer, once nothing goes wrong any longer.
    pub(crate) async fn act_again(&mut self) -> Result<(), Error> {
        for place in self.operators.acts.waiting() {
            self.send_act(place);
        }
        self.until_idle().await?;
        match self.operators.acts.waiting().first() {
            Some(place) => {
                Err(format!("nobody answers {:?}", self.operators.acts.at(*place)).into())
            }
            None => Ok(()),
        }
    }

    /// A second person approves all credit and debit notes.
    pub(crate) async fn approve_notes(&mut self) -> Result<(), Error> {
        for provider in PROVIDERS {
            for (note, _) in self.operators.notes_of(provider) {
                self.act(provider, What::Approve { note })?;
            }
        }
        self.until_idle().await
    }
}

impl Operators {
    /// Takes the answers that came, and keeps the acts that they call done.
    pub(crate) fn take_answers(&mut self, chaos: &Chaos) {
        for (place, answer) in self.acts.answers().take() {
            self.acts.close(place);
            let is_done = match buttons::action_of(&answer) {
                Some(action) => self.buttons.note(action, chaos),
                None => answer["done"] == true,
            };
            if is_done && self.done.insert(place) {
                chaos.note_act(self.acts.at(place).what.kind());
            }
        }
    }

    /// All acts that were asked for a provider, done or not.
    fn asked_for(&self, provider: &str) -> impl Iterator<Item = What> {
        let of = move |act: &Act| act.provider.as_str() == provider;
        self.acts.all().into_iter().filter(of).map(|act| act.what)
    }

    /// The acts for a provider that were answered as done.
    fn done_for(&self, provider: &str) -> impl Iterator<Item = &What> {
        let acts = self.done.iter().map(|place| self.acts.at(*place));
        acts.filter(move |act| act.provider.as_str() == provider).map(|act| &act.what)
    }

    /// The credit and debit notes that were made for a provider and not taken back, by name.
    fn notes_of(&self, provider: &str) -> Vec<(AdjustmentId, Fen)> {
        let rejected: Vec<&AdjustmentId> = self
            .done_for(provider)
            .filter_map(|what| if let What::Reject { note } = what { Some(note) } else { None })
            .collect();
        let mut notes = BTreeMap::new();
        for what in self.done_for(provider) {
            if let What::Adjust { note, amount, .. } = what {
                notes.insert(note.clone(), *amount);
            }
        }
        // To take one back is final, whenever its maker sees the answer.
        notes.retain(|note, _| !rejected.contains(&note));
        notes.into_iter().collect()
    }
}

impl What {
    const fn kind(&self) -> &'static str {
        match self {
            What::Transfer { .. } => "transfer",
            What::GiveBack { .. } => "give back",
            What::Resolve { .. } => "resolve",
            What::Adjust { .. } => "adjust",
            What::Approve { .. } => "approve",
            What::Reject { .. } => "reject",
            What::Assign { .. } => "assign",
            What::Halve(_) => "halve",
            What::Cap { .. } => "cap",
            What::Lower { .. } => "lower",
            What::End { .. } => "end",
            What::Resume { .. } => "resume",
            What::PayDeposit { .. } => "pay a deposit",
            What::Press(Deed::DrawDeposit { .. }) => "draw from a deposit",
            What::Press(Deed::BookDepositReturn { .. }) => "book a returned deposit",
            What::Press(Deed::HoldStage { .. }) => "hold a stage",
            What::Press(Deed::ReleaseStage { .. }) => "release a stage",
            What::Press(_) => "press another button",
            What::Decide { is_approved: true, .. } => "approve an action",
            What::Decide { is_approved: false, .. } => "reject an action",
        }
    }
}

pub(crate) fn operator() -> Person {
    Person::new("an operator").expect("a name")
}

/// The second person, who approves what the first one asks for.
pub(crate) fn another_operator() -> Person {
    Person::new("another operator").expect("a name")
}
