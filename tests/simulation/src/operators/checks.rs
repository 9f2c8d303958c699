//! What operators were answered, compared with the books.

use steelyard_billing::{
    AdjustmentId, Books, Cause, DepositMovement, Entry, PlanAssignment, Provider,
};
use steelyard_pricing::{Fen, Override};
use steelyard_runtime::Error;

use super::What;
use crate::world::World;

impl World {
    /// Checks that the books have every act that was answered as done, and no plan, no override and
    /// no note that nobody asked for.
    pub(crate) async fn check_acts(&self, provider: &str) -> Result<(), Error> {
        let found = self.platform.found(provider).await;
        let provided = found.provider.clone();
        let books = self.platform.stack.tables.books(found, &[]).await?;
        let is_done = |what: &&What| self.is_done(what, &provided, &books);
        if let Some(undone) = self.operators.done_for(provider).find(|what| !is_done(what)) {
            return Err(format!("{provider}: {undone:?} is said to be done").into());
        }
        let asked = || self.operators.asked_for(provider);
        let is_asked = |of: &&PlanAssignment| {
            asked().any(|what| matches!(what, What::Assign { plan, from } if (&plan, &from) == (&of.plan, &of.from)))
        };
        if let Some(unasked) = provided.plans.iter().skip(1).find(|of| !is_asked(of)) {
            return Err(format!("{provider}: nobody asked for {unasked:?}").into());
        }
        let is_asked =
            |of: &&Override| asked().any(|what| matches!(what, What::Halve(over) if *over == **of));
        if let Some(unasked) = provided.overrides.iter().find(|of| !is_asked(of)) {
            return Err(format!("{provider}: nobody asked for {unasked:?}").into());
        }
        self.check_buttons(provider, &books)?;
        self.check_notes(provider, &books)
    }

    /// Whether the books have an act, as far as it cannot have been undone since.
    fn is_done(&self, what: &What, provided: &Provider, books: &Books) -> bool {
        let asked = || self.operators.asked_for(provided.provider.as_str());
        let mandate = |number| books.mandates.iter().find(|of| of.mandate == number);
        match what {
            What::Transfer { reference, amount } => {
                let transferred = |cause: &Cause| matches!(cause, Cause::Recharged { reference: of } if of == reference);
                is_booked(&books.journal, transferred, *amount)
            }
            What::GiveBack { number, .. } => books.refunds.iter().any(|of| of.number() == *number),
            // Another one from the same day on may have come after it.
            What::Assign { from, .. } => provided.plans.iter().any(|of| of.from == *from),
            What::Halve(over) => provided.overrides.contains(over),
            What::Lower { mandate: number, amount } => {
                mandate(*number).is_some_and(|of| of.single_limit_fen <= *amount)
            }
            What::End { mandate: number } => {
                mandate(*number).is_some_and(|of| of.in_use().is_none())
            }
            What::Cap { .. } => {
                let cap = provided.alert_rules.cap_fen;
                asked().any(|what| matches!(what, What::Cap { amount } if amount == cap))
            }
            What::Resolve { .. } | What::Adjust { .. } | What::Approve { .. } => true,
            What::Reject { .. } | What::Resume { .. } => true,
            What::PayDeposit { reference, amount } => {
                let deposited = |cause: &Cause| matches!(cause, Cause::Deposit(DepositMovement::Transferred { reference: of }) if of == reference);
                is_booked(&books.journal, deposited, *amount)
            }
            // What buttons move is compared with the journal.
            What::Press(_) | What::Decide { .. } => true,
        }
    }

    /// The credit and debit notes that statements book are those that were made, once.
    fn check_notes(&self, provider: &str, books: &Books) -> Result<(), Error> {
        let mut booked: Vec<(AdjustmentId, Fen)> = Vec::new();
        for note in books.statements.iter().flat_map(|of| &of.adjustments) {
            booked.push((note.adjustment.clone(), note.amount_fen));
        }
        booked.sort();
        let made = self.operators.notes_of(provider);
        if booked != made {
            return Err(
                format!("{provider}: notes {booked:?} are booked, and {made:?} made").into()
            );
        }
        Ok(())
    }
}

/// Whether a journal has this amount for this cause, once.
fn is_booked(journal: &[Entry], is_cause: impl Fn(&Cause) -> bool, amount: Fen) -> bool {
    let entries = journal.iter().map(Entry::record).filter(|entry| is_cause(&entry.cause));
    let amounts: Vec<bool> = entries
        .map(|entry| entry.postings.iter().any(|posting| posting.amount_fen == amount))
        .collect();
    amounts == [true]
}
