//! `steelyard deposit`: a provider's deposit.

use clap::Subcommand;
use serde_json::json;
use steelyard_billing::{
    Action, ActionPhase, ActionRequest, Actor, Deed, DepositState, Person, ProviderId, Reason,
    Reference,
};
use steelyard_books::{IdempotencyKey, PaidIn};
use steelyard_pricing::Fen;
use steelyard_runtime::Error;
use steelyard_store::BookedTransfer;

use super::{actions, registered};
use crate::exit::Exit;
use crate::output;
use crate::target::{PlatformArgs, System, TargetArgs};
use crate::values;

/// Show a provider's deposit, book a payment of it, draw from it, and return it.
#[derive(Debug, Subcommand)]
pub(crate) enum DepositCommand {
    /// Show what is held, what the terms want, and what is due. Exits with 3 while a payment is
    /// overdue.
    Show {
        /// The provider's id.
        provider: ProviderId,
    },
    /// Book a payment of the deposit from outside of Alipay, once by its reference. It pays nothing
    /// that is owed.
    Record {
        /// The provider's id.
        provider: ProviderId,
        /// The amount, in yuan.
        #[arg(value_parser = values::amount, allow_negative_numbers = true)]
        amount: Fen,
        /// The name of the payment, such as the bank's number of the transfer.
        #[arg(long, value_parser = Reference::new)]
        reference: Reference,
    },
    /// Pay what the provider owes and no debit is collecting from its deposit. What is drawn is to
    /// be topped up.
    Draw {
        /// The provider's id.
        provider: ProviderId,
        /// The most to be drawn, in yuan; as much as is owed unless given.
        #[arg(value_parser = values::amount, allow_negative_numbers = true)]
        amount: Option<Fen>,
        #[command(flatten)]
        asked: Asked,
    },
    /// Ask for the return of the deposit through Alipay, less what is owed. Another person approves
    /// it by `actions approve`; then what is owed is drawn, and the refunds are made. Refused while
    /// a debit that was sent has not ended.
    Return {
        /// The provider's id.
        provider: ProviderId,
        /// The most to be returned, in yuan; all of it unless given.
        #[arg(value_parser = values::amount, allow_negative_numbers = true)]
        amount: Option<Fen>,
        #[command(flatten)]
        asked: Asked,
    },
    /// Ask for the booking of a bank transfer that returns deposit: what was paid by a transfer, or
    /// what Alipay refused to give back. Another person approves it by `actions approve`. Make the
    /// transfer only then: if the provider owes more by that time, the action is refused.
    BookReturn {
        /// The provider's id.
        provider: ProviderId,
        /// The amount of the transfer, in yuan.
        #[arg(value_parser = values::amount, allow_negative_numbers = true)]
        amount: Fen,
        /// The name of the transfer, such as the bank's number.
        #[arg(long, value_parser = Reference::new)]
        reference: Reference,
        #[command(flatten)]
        asked: Asked,
    },
}

/// An action that a command asks for: its author, reason and name.
#[derive(Debug, clap::Args)]
pub(crate) struct Asked {
    /// The name of the request, by which it is done once: the same command again shows what became
    /// of it.
    #[arg(long)]
    request: String,
    /// The reason, which is kept with the action.
    #[arg(long, value_parser = Reason::new)]
    reason: Reason,
    /// The name of the person who asks.
    #[arg(long, env = "USER", default_value = "operator", value_parser = Person::new)]
    by: Person,
}

impl DepositCommand {
    pub(crate) async fn run(
        self,
        target: &TargetArgs,
        platform: &PlatformArgs,
    ) -> Result<Exit, Error> {
        let (deed, asked) = match self {
            DepositCommand::Show { provider } => {
                return show(target, &target.system_to_read(platform).await?, &provider).await;
            }
            DepositCommand::Record { provider, amount, reference } => {
                let system = target.system(platform).await?;
                return record(target, &system, &provider, amount, &reference).await;
            }
            DepositCommand::Draw { provider, amount, asked } => {
                (Deed::DrawDeposit { provider, amount_fen: amount }, asked)
            }
            DepositCommand::Return { provider, amount, asked } => {
                (Deed::ReturnDeposit { provider, amount_fen: amount }, asked)
            }
            DepositCommand::BookReturn { provider, amount: amount_fen, reference, asked } => {
                (Deed::BookDepositReturn { provider, amount_fen, reference }, asked)
            }
        };
        let system = target.system(platform).await?;
        let action = asked.act(&system, deed).await?;
        actions::show(target, &system, &action)?;
        Ok(Exit::done(!matches!(action.phase, ActionPhase::Refused { .. })))
    }
}

impl Asked {
    async fn act(self, system: &System, what: Deed) -> Result<Action, Error> {
        let Asked { request, reason, by } = self;
        let key = IdempotencyKey::parse(&request)?;
        let by = Actor::Operator { operator: by };
        let request = ActionRequest { by, reason: Some(reason), what };
        Ok(system.books()?.act(&key, &request, false, system.clock.now()).await?)
    }
}

async fn record(
    target: &TargetArgs,
    system: &System,
    provider: &ProviderId,
    amount: Fen,
    reference: &Reference,
) -> Result<Exit, Error> {
    let now = system.clock.now();
    let what = match system.books()?.pay_deposit(provider, amount, reference, now).await? {
        PaidIn::Now(_) => "booked",
        PaidIn::Before(_) => "booked before",
        PaidIn::ReferenceUsed(BookedTransfer { provider, amount_fen, .. }) => {
            return Err(format!(
                "¥{amount_fen} of `{provider}` were booked under {reference} before; another payment needs another reference"
            )
            .into());
        }
    };
    if target.json {
        let told = json!({ "provider": provider, "reference": reference, "outcome": what });
        output::json(&told)?;
    } else {
        output::print(format_args!("deposit of ¥{amount} of {provider}, {reference}: {what}"))?;
    }
    Ok(Exit::Done)
}

async fn show(target: &TargetArgs, system: &System, provider: &ProviderId) -> Result<Exit, Error> {
    let account = registered(&system.tables, provider).await?.account;
    let today = system.rules()?.calendar.day_of(system.clock.now())?;
    let state = account.deposit.state(account.figures.deposit(), today)?;
    if target.json {
        output::json(&state)?;
    } else {
        output::print(told(provider, &state))?;
    }
    Ok(Exit::done(!state.is_overdue))
}

fn told(provider: &ProviderId, state: &DepositState) -> String {
    let DepositState { held_fen, required_fen, shortfall_fen, excess_fen, .. } = state;
    let mut lines = vec![format!("{provider}: ¥{held_fen} held, ¥{required_fen} wanted")];
    if let Some(due_on) = state.due_on {
        let overdue = if state.is_overdue { ": overdue" } else { "" };
        lines.push(format!("¥{shortfall_fen} missing, due on {due_on}{overdue}"));
    }
    if excess_fen.is_positive() {
        lines.push(format!("¥{excess_fen} more than is wanted"));
    }
    if let Some(next) = &state.next {
        let (amount, from) = (next.amount_fen, next.from);
        lines.push(format!("¥{amount} wanted from {from} on, due on {}", next.due_on));
    }
    lines.join("\n")
}
