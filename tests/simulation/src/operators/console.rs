//! The console of a machine, at which operators run commands.

use jiff::Timestamp;
use serde_json::{Value, json};
use steelyard_billing::mandate::{EndReason, MandateLimits};
use steelyard_billing::{
    AdjustmentOf, AdjustmentRequest, Mandate, Provider, ProviderId, Reference, TermsChangeError,
};
use steelyard_books::{BookError, Books, PaidIn, RefundAsked, Tables};
use steelyard_pricing::{AlertRules, BillingDay, Catalog};
use steelyard_runtime::{Clock, Error, Function, Invocation};
use steelyard_tests::reason;

use super::{Act, What, another_operator, operator};

/// The environment of an operator's command.
pub(crate) struct Console {
    pub(crate) books: Books,
    pub(crate) tables: Tables,
    pub(crate) clock: Clock,
}

impl Function for Console {
    async fn handle(&self, event: Value, _: Invocation) -> Result<Value, Error> {
        match self.act(serde_json::from_value(event)?).await {
            Ok(None) => Ok(json!({ "done": true })),
            Ok(Some(refused)) => Ok(json!({ "refused": refused })),
            Err(refused) if refused.is_of_one_record() => {
                Ok(json!({ "refused": refused.to_string() }))
            }
            Err(failed) => Err(failed.into()),
        }
    }
}

impl Console {
    /// Does it; why it is refused, if it is.
    async fn act(&self, Act { provider, what }: Act) -> Result<Option<String>, BookError> {
        let (books, now, id) = (&self.books, self.clock.now(), &provider);
        let why = || reason("a look at it");
        match what {
            What::Transfer { reference, amount } => {
                paid_in(books.pay_in(id, amount, &reference, now).await?, reference)?;
            }
            What::GiveBack { number, amount } => {
                match books.ask_refund(id, &number, amount, &why(), now).await? {
                    RefundAsked::Stands(_) => {}
                    refused => return Ok(Some(format!("{refused:?}"))),
                }
            }
            What::Resolve { debit, resolution } => {
                books.resolve_debit(id, debit, resolution, &why(), now).await?;
            }
            What::Adjust { note, corrects, amount } => {
                let of = AdjustmentOf { corrects, line: None, reports: Vec::new() };
                let (id_of_note, by) = (Some(note), operator());
                let request =
                    AdjustmentRequest { id: id_of_note, amount_fen: amount, of, reason: why(), by };
                books.adjust(&self.tables.usage, id, &request, now).await?;
            }
            What::Approve { note } => {
                books.approve_adjustment(id, &note, &another_operator(), now).await?;
            }
            What::Reject { note } => {
                books.reject_adjustment(id, &note, (&operator(), &why()), now).await?;
            }
            What::Assign { plan, from } => {
                let assign = |of: &mut Provider, plans: &Catalog, settled| {
                    of.assign(plan.clone(), from, plans, settled)
                };
                self.change_terms(id, assign).await?;
            }
            What::Halve(over) => {
                let halve = |of: &mut Provider, plans: &Catalog, settled| {
                    // An operator who does it again finds it done.
                    if of.overrides.contains(&*over) {
                        return Ok(());
                    }
                    of.add_override((*over).clone(), plans, settled)
                };
                self.change_terms(id, halve).await?;
            }
            What::Cap { amount } => {
                let rules = AlertRules { cap_fen: amount, ..AlertRules::default() };
                books.set_alerts(id, &rules).await?;
            }
            What::Lower { .. } | What::End { .. } | What::Resume { .. } => {
                self.change_mandate(id, what, now).await?;
            }
            What::PayDeposit { reference, amount } => {
                paid_in(books.pay_deposit(id, amount, &reference, now).await?, reference)?;
            }
            What::Press(_) | What::Decide { .. } => {
                return Ok(Some("there is no button at a console".to_owned()));
            }
        }
        Ok(None)
    }

    async fn change_terms(
        &self,
        id: &ProviderId,
        change: impl Fn(&mut Provider, &Catalog, Option<BillingDay>) -> Result<(), TermsChangeError>
        + Send
        + Sync,
    ) -> Result<(), BookError> {
        let plans = self.tables.billing.plans().await?.catalog;
        let changed = |of: &mut Provider, settled| change(of, &plans, settled);
        self.books.change_provider(id, changed).await.map(drop)
    }

    async fn change_mandate(
        &self,
        id: &ProviderId,
        what: What,
        now: Timestamp,
    ) -> Result<(), BookError> {
        match what {
            What::Lower { mandate, amount } => {
                let limits = MandateLimits { single_fen: amount, daily_fen: None };
                self.books.lower_limits(id, mandate, limits, now).await.map(drop)
            }
            What::End { mandate } => {
                let why = EndReason::RevokedHere { reason: reason("a look at it") };
                let end = |of: &Mandate| of.ending(why.clone(), now);
                self.books.decide_mandate(id, mandate, now, end).await.map(drop)
            }
            What::Resume { mandate } => {
                let resume = |of: &Mandate| of.resumed(now);
                self.books.decide_mandate(id, mandate, now, resume).await.map(drop)
            }
            _ => Ok(()),
        }
    }
}

/// # Errors
///
/// When the reference belongs to another transfer.
fn paid_in(paid: PaidIn, reference: Reference) -> Result<(), BookError> {
    match paid {
        PaidIn::Now(_) | PaidIn::Before(_) => Ok(()),
        PaidIn::ReferenceUsed(_) => Err(BookError::ReferenceUsed(reference)),
    }
}
