//! `steelyard account`: a provider's money.

use clap::Subcommand;
use serde_json::json;
use steelyard_billing::{Cause, DepositMovement, DrawReason, Entry, ProviderId, Reference};
use steelyard_books::{Books, PaidIn};
use steelyard_pricing::Fen;
use steelyard_runtime::Error;
use steelyard_store::{BookedTransfer, ProviderAccount};

use super::{print_mandate, registered};
use crate::exit::Exit;
use crate::output;
use crate::target::{PlatformArgs, System, TargetArgs};
use crate::values;

/// Show a provider's money, or book a payment that it made.
#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Show what a provider has paid in advance and what it owes, with the journal behind it.
    Show {
        /// The provider's id.
        provider: ProviderId,
    },
    /// Book a payment from outside of Alipay, once by its reference. It pays the receivable that no
    /// debit is collecting, and the rest becomes prepaid balance.
    Recharge {
        /// The provider's id.
        provider: ProviderId,
        /// The amount, in yuan.
        #[arg(value_parser = values::amount, allow_negative_numbers = true)]
        amount: Fen,
        /// The name of the payment, such as the bank's number of the transfer.
        #[arg(long, value_parser = Reference::new)]
        reference: Reference,
    },
}

impl AccountCommand {
    pub(crate) async fn run(
        self,
        target: &TargetArgs,
        platform: &PlatformArgs,
    ) -> Result<Exit, Error> {
        match self {
            AccountCommand::Show { provider } => {
                show(target, &target.system_to_read(platform).await?, &provider).await
            }
            AccountCommand::Recharge { provider, amount, reference } => {
                let system = target.system(platform).await?;
                let (books, now) = (system.books()?, system.clock.now());
                let booked = recharge(&books, &provider, amount, &reference, now).await?;
                let what = if booked { "booked" } else { "booked before" };
                if target.json {
                    output::json(
                        &json!({ "provider": provider, "reference": reference, "outcome": what }),
                    )?;
                } else {
                    output::print(format_args!("¥{amount} of {provider}, {reference}: {what}"))?;
                }
                Ok(Exit::Done)
            }
        }
    }
}

/// Books a bank transfer once by its reference; false when it was booked before, an error when the
/// reference was used for another transfer.
pub(crate) async fn recharge(
    books: &Books,
    provider: &ProviderId,
    amount: Fen,
    reference: &Reference,
    now: jiff::Timestamp,
) -> Result<bool, Error> {
    match books.pay_in(provider, amount, reference, now).await? {
        PaidIn::Now(_) => Ok(true),
        PaidIn::Before(_) => Ok(false),
        PaidIn::ReferenceUsed(BookedTransfer { provider, amount_fen, .. }) => Err(format!(
            "¥{amount_fen} of `{provider}` were booked under {reference} before; another payment needs another reference"
        )
        .into()),
    }
}

async fn show(target: &TargetArgs, system: &System, provider: &ProviderId) -> Result<Exit, Error> {
    let tables = &system.tables;
    let ProviderAccount { provider: of, account } = registered(tables, provider).await?;
    let journal = tables.billing.journal(provider).await?;
    if target.json {
        output::json(&json!({ "account": account, "mandate": of.mandate, "journal": journal }))?;
        return Ok(Exit::Done);
    }
    let (figures, times) = (account.figures, system.times()?);
    output::print(format_args!(
        "{provider}: prepaid ¥{}, receivable ¥{}",
        figures.prepaid(),
        figures.receivable()
    ))?;
    output::print(format_args!("¥{} of the receivable is being collected", figures.reserved()))?;
    if !figures.deposit().is_zero() {
        output::print(format_args!("deposit ¥{}", figures.deposit()))?;
    }
    if let Some(in_use) = &of.mandate {
        print_mandate(in_use)?;
    }
    let mut table =
        output::table([">entry", "recorded at\ncause", "postings\n(+ debit, − credit)"]);
    for entry in &journal {
        let record = entry.record();
        table.add_row([
            record.number.to_string(),
            format!("{}\n{}", times.show(record.recorded_at_s), cause(&record.cause)),
            postings(entry),
        ]);
    }
    output::print(table)?;
    Ok(Exit::Done)
}

fn cause(cause: &Cause) -> String {
    match cause {
        Cause::Charged { statement } => format!("statement {statement}"),
        Cause::DebitSent { debit } => format!("debit {debit} sent"),
        Cause::DebitPaid { debit, trade_no } => format!("debit {debit} paid, trade {trade_no}"),
        Cause::DebitGivenUp { debit } => format!("debit {debit} given up"),
        Cause::Recharged { reference } => format!("recharge {reference}"),
        Cause::RechargePaid { recharge, trade_no } => {
            format!("recharge {recharge} paid, trade {trade_no}")
        }
        Cause::DebitFound { debit, attempt, trade_no } => {
            format!("attempt {attempt} of debit {debit} found paid, trade {trade_no}")
        }
        Cause::RefundAsked(number) => format!("refund {number} asked for"),
        Cause::RefundDone(number) => format!("refund {number} done"),
        Cause::RefundRefused(number) => format!("refund {number} refused"),
        Cause::Reversed(number) => format!("given back by Alipay, {number}"),
        Cause::Deposit(movement) => deposit(movement),
    }
}

fn deposit(movement: &DepositMovement) -> String {
    match movement {
        DepositMovement::Paid { recharge, trade_no } => {
            format!("deposit paid by recharge {recharge}, trade {trade_no}")
        }
        DepositMovement::Transferred { reference } => format!("deposit paid, {reference}"),
        DepositMovement::Drawn { because } => {
            let why = match because {
                DrawReason::GivenUp => "by rule",
                DrawReason::Decided => "by an operator",
                DrawReason::Returning => "before it is returned",
            };
            format!("drawn from the deposit {why}")
        }
        DepositMovement::ReturnAsked(number) => format!("return {number} of the deposit asked for"),
        DepositMovement::Returned(number) => format!("return {number} of the deposit done"),
        DepositMovement::ReturnRefused(number) => {
            format!("return {number} of the deposit refused")
        }
        DepositMovement::SentBack { reference } => format!("deposit returned, {reference}"),
        DepositMovement::Reversed(number) => {
            format!("payment of the deposit given back by Alipay, {number}")
        }
    }
}

/// The postings, a line each.
fn postings(entry: &Entry) -> String {
    let postings = entry.record().postings.iter();
    postings
        .map(|posting| {
            let sign = if posting.amount_fen.is_negative() { "" } else { "+" };
            format!("{:?} {sign}{}", posting.ledger, posting.amount_fen)
        })
        .collect::<Vec<_>>()
        .join("\n")
}
