//! `steelyard items`: items that cannot be read, and what an operator decides about them.

use clap::Subcommand;
use jiff::Timestamp;
use serde::Serialize;
use steelyard_billing::Reason;
use steelyard_runtime::Error;
use steelyard_store::schema::DUE_SHARDS;
use steelyard_store::{BillingTable, CommitError, Unreadable};

use crate::exit::Exit;
use crate::output;
use crate::tables::Tables;
use crate::target::TargetArgs;

/// List items that cannot be read, and skip one with a reason.
#[derive(Debug, Subcommand)]
pub(crate) enum ItemsCommand {
    /// List the providers, accounts, registrations, plans, due tasks, expected bill rows and findings
    /// that cannot be read. Each fails alone and raises an alarm; everything else proceeds. Exits with
    /// 3 if one is not skipped.
    Unreadable,
    /// Skip an item that cannot be read: it raises no more alarms, and leaves the index of due tasks.
    /// What it stands for stays undone.
    Skip {
        /// The partition key, as `unreadable` lists it.
        pk: String,
        /// The sort key, as `unreadable` lists it.
        sk: String,
        /// The item is in the usage table.
        #[arg(long)]
        usage: bool,
        /// Why, for a person who looks at it later.
        #[arg(long)]
        reason: String,
    },
}

/// How many tasks are read at a time.
const PAGE: i32 = 100;

/// An item that cannot be read, and its table.
#[derive(Serialize)]
struct Found {
    table: &'static str,
    pk: String,
    sk: String,
    why: String,
    skipped: Option<String>,
}

impl ItemsCommand {
    pub(crate) async fn run(self, target: &TargetArgs) -> Result<Exit, Error> {
        match self {
            ItemsCommand::Unreadable => {
                let found = unreadable(&target.tables_to_read().await?).await?;
                print(target, &found)
            }
            ItemsCommand::Skip { pk, sk, usage, reason } => {
                let (reason, tables) = (Reason::new(&reason)?, target.tables().await?);
                let skipped = if usage {
                    tables.usage.skip_item(&pk, &sk, reason.as_str()).await
                } else {
                    tables.billing.skip_item(&pk, &sk, reason.as_str()).await
                };
                match skipped {
                    Ok(()) => output::print(format_args!("`{pk}` `{sk}` is skipped: {reason}"))?,
                    Err(CommitError::Stale) => {
                        return Err(format!("there is no item `{pk}` `{sk}`").into());
                    }
                    Err(CommitError::Store(error)) => return Err(error.into()),
                }
                Ok(Exit::Done)
            }
        }
    }
}

/// Everything that functions meet and cannot read.
async fn unreadable(tables: &Tables) -> Result<Vec<Found>, Error> {
    let billing = &tables.billing;
    let registry = tables.registry().await?;
    let mut found = billing.plans().await?.unreadable;
    found.extend(billing.unmatched().await?.unreadable);
    found.extend(billing.findings().await?.unreadable);
    found.extend(registry.unreadable);
    for shard in 0..DUE_SHARDS {
        found.extend(unreadable_tasks(billing, shard).await?);
    }
    let providers = registry.accounts.into_iter().map(|found| found.provider.provider);
    let registrations = tables.usage.registrations(&providers.collect::<Vec<_>>()).await?;
    let found = found.into_iter().map(|item| Found::of("billing", item));
    let registrations = registrations.unreadable.into_iter().map(|item| Found::of("usage", item));
    Ok(found.chain(registrations).collect())
}

/// The entries of a shard of the due index that cannot be read, or whose records cannot be read.
async fn unreadable_tasks(billing: &BillingTable, shard: u8) -> Result<Vec<Unreadable>, Error> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = billing.due_tasks(shard, Timestamp::MAX, after.as_ref(), PAGE).await?;
        found.extend(page.unreadable);
        for due in page.tasks {
            found.extend(billing.unreadable_task(&due.task).await?);
        }
        after = page.next;
        if after.is_none() {
            return Ok(found);
        }
    }
}

impl Found {
    fn of(table: &'static str, item: Unreadable) -> Found {
        let Unreadable { pk, sk, why, skipped } = item;
        Found { table, pk, sk, why, skipped }
    }
}

fn print(target: &TargetArgs, found: &[Found]) -> Result<Exit, Error> {
    if target.json {
        output::json(&found)?;
    } else {
        let mut table = output::table(["table", "pk", "sk", "why", "skipped"]);
        for Found { table: name, pk, sk, why, skipped } in found {
            table.add_row([name, &**pk, sk, why, skipped.as_deref().unwrap_or_default()]);
        }
        output::print(table)?;
    }
    let is_well = found.iter().all(|item| item.skipped.is_some());
    Ok(if is_well { Exit::Done } else { Exit::NotAllWell })
}
