//! The commands, one a file.

pub(crate) mod access;
pub(crate) mod account;
pub(crate) mod actions;
pub(crate) mod adjust;
pub(crate) mod adjustments;
pub(crate) mod alerts;
pub(crate) mod audit;
pub(crate) mod breaker;
pub(crate) mod campaign;
mod compare;
pub(crate) mod debits;
pub(crate) mod demo;
pub(crate) mod deposit;
mod diff;
mod effect;
pub(crate) mod events;
mod history;
pub(crate) mod import;
pub(crate) mod items;
pub(crate) mod ladder;
pub(crate) mod local;
pub(crate) mod logs;
pub(crate) mod mandates;
pub(crate) mod plan;
pub(crate) mod portal;
pub(crate) mod price;
pub(crate) mod provider;
mod reach;
pub(crate) mod reconcile;
pub(crate) mod refund;
pub(crate) mod rule;
pub(crate) mod runs;
pub(crate) mod settle;
pub(crate) mod simulate;
pub(crate) mod standing;
pub(crate) mod statement;
pub(crate) mod usage;
pub(crate) mod webhooks;

use steelyard_billing::{MandateInUse, ProviderId};
use steelyard_books::Tables;
use steelyard_runtime::Error;
use steelyard_store::ProviderAccount;

use crate::output;

/// A provider that must be registered, with its account.
pub(crate) async fn registered(
    tables: &Tables,
    provider: &ProviderId,
) -> Result<ProviderAccount, Error> {
    let found = tables.billing.account(provider).await?;
    found.ok_or_else(|| format!("provider `{provider}` is not registered").into())
}

/// Prints the mandate under which a provider's debits are made, in one line.
pub(crate) fn print_mandate(in_use: &MandateInUse) -> Result<(), Error> {
    let MandateInUse { mandate, agreement_no, limit_fen, .. } = in_use;
    output::print(format_args!("mandate {mandate}, {agreement_no}, up to ¥{limit_fen} a debit"))
}
