//! `steelyard account`: a provider's money.

use clap::Subcommand;
use serde_json::json;
use steelyard_billing::{Cause, Entry, Ledger, MandateInUse, ProviderId, TradeNumber, TradeOf};
use steelyard_pricing::Fen;
use steelyard_runtime::Error;
use steelyard_store::{CommitError, ProviderAccount};

use super::customer;
use crate::exit::Exit;
use crate::output;
use crate::tables::Tables;
use crate::target::{PlatformArgs, TargetArgs};

/// Show a provider's money, or book a payment that it made.
#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Show what a provider has paid in advance and what it owes, with the journal behind it.
    Show {
        /// The provider.
        provider: ProviderId,
    },
    /// Book money that a provider paid in, once by its reference: it pays what is owed and not being
    /// collected, and the rest is prepaid.
    Recharge {
        /// The provider.
        provider: ProviderId,
        /// How much, in yuan.
        amount: Fen,
        /// What names the payment, such as the bank's number of the transfer.
        #[arg(long)]
        reference: String,
    },
}

impl AccountCommand {
    pub(crate) async fn run(
        self,
        target: &TargetArgs,
        platform: &PlatformArgs,
    ) -> Result<Exit, Error> {
        let tables = target.tables().await?;
        match self {
            AccountCommand::Show { provider } => show(target, &tables, &provider).await,
            AccountCommand::Recharge { provider, amount, reference } => {
                let now = platform.clock()?.now();
                let booked = recharge(&tables, &provider, amount, &reference, now).await?;
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

/// Books a recharge once by its reference; false when it was booked before, an error when it was
/// booked with another amount.
pub(crate) async fn recharge(
    tables: &Tables,
    provider: &ProviderId,
    amount: Fen,
    reference: &str,
    now: jiff::Timestamp,
) -> Result<bool, Error> {
    loop {
        let ProviderAccount { account, .. } = customer(tables, provider).await?;
        let movement = account.recharge(amount, reference.to_owned(), now)?;
        match tables.billing.commit_transfer(&account, reference, &movement).await {
            Ok(_) => return Ok(true),
            Err(CommitError::Stale) => {
                if let Some(booked) = booked(tables, provider, reference).await? {
                    return if booked == amount {
                        Ok(false)
                    } else {
                        Err(other_amount(reference, booked))
                    };
                }
            }
            Err(CommitError::Store(error)) => return Err(error.into()),
        }
    }
}

/// What was booked under a reference before.
async fn booked(
    tables: &Tables,
    provider: &ProviderId,
    reference: &str,
) -> Result<Option<Fen>, Error> {
    for entry in tables.billing.journal(provider).await? {
        if let Cause::Recharged { reference: booked } = &entry.record().cause
            && booked == reference
        {
            return Ok(Some(entry.moved(Ledger::Bank)?));
        }
    }
    Ok(None)
}

fn other_amount(reference: &str, booked: Fen) -> Error {
    format!(
        "¥{booked} were booked under {reference} before; another payment needs another reference"
    )
    .into()
}

async fn show(target: &TargetArgs, tables: &Tables, provider: &ProviderId) -> Result<Exit, Error> {
    let ProviderAccount { provider: of, account } = customer(tables, provider).await?;
    let journal = tables.billing.journal(provider).await?;
    if target.json {
        output::json(&json!({ "account": account, "mandate": of.mandate, "journal": journal }))?;
        return Ok(Exit::Done);
    }
    let figures = account.figures;
    output::print(format_args!(
        "{provider}: prepaid ¥{}, receivable ¥{}, of which ¥{} are being collected",
        figures.prepaid(),
        figures.receivable(),
        figures.reserved()
    ))?;
    if let Some(in_use) = &of.mandate {
        let MandateInUse { mandate, agreement_no, limit_fen } = in_use;
        output::print(format_args!(
            "mandate {mandate}, {agreement_no}, up to ¥{limit_fen} a debit"
        ))?;
    }
    let mut table =
        output::table([">entry", "recorded at", "cause", "postings (+ debit, − credit)"]);
    for entry in &journal {
        let record = entry.record();
        table.add_row([
            record.number.to_string(),
            record.recorded_at_s.to_string(),
            cause(provider, &record.cause),
            postings(entry),
        ]);
    }
    output::print(table)?;
    Ok(Exit::Done)
}

fn cause(provider: &ProviderId, cause: &Cause) -> String {
    match cause {
        Cause::Charged { statement } => format!("statement {statement}"),
        Cause::DebitPaid { debit, trade_no } => format!("debit {debit} paid, trade {trade_no}"),
        Cause::DebitExhausted { debit } => format!("debit {debit} exhausted"),
        Cause::Recharged { reference } => format!("recharge {reference}"),
        Cause::RechargePaid { recharge, trade_no } => {
            let ours = TradeNumber::new(provider, TradeOf::Recharge(*recharge));
            format!("recharge {recharge} paid, {ours}, trade {trade_no}")
        }
        Cause::DebitFound { debit, attempt, trade_no } => {
            format!("attempt {attempt} of debit {debit} found paid, trade {trade_no}")
        }
        Cause::RefundAsked(number) => format!("refund {number} asked for"),
        Cause::RefundDone(number) => format!("refund {number} done"),
        Cause::RefundRefused(number) => format!("refund {number} refused"),
        Cause::Reversed(number) => format!("given back by Alipay, {number}"),
    }
}

fn postings(entry: &Entry) -> String {
    let postings = entry.record().postings.iter();
    postings
        .map(|posting| {
            let sign = if posting.amount_fen.is_negative() { "" } else { "+" };
            format!("{:?} {sign}{}", posting.ledger, posting.amount_fen)
        })
        .collect::<Vec<_>>()
        .join(", ")
}
