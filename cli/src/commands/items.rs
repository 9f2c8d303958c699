//! `steelyard items`: items that cannot be read, and what an operator decides about them.

use clap::Subcommand;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use serde::Serialize;
use steelyard_billing::Reason;
use steelyard_books::Tables;
use steelyard_runtime::Error;
use steelyard_store::schema::DUE_SHARDS;
use steelyard_store::{BillingTable, CommitError, EventsTable, ProviderAccount, Unreadable};

use crate::exit::Exit;
use crate::output;
use crate::target::TargetArgs;

/// List items that cannot be read, and skip one with a reason.
#[derive(Debug, Subcommand)]
pub(crate) enum ItemsCommand {
    /// List the providers, accounts, registrations, grants, plans, due tasks, expected bill rows,
    /// findings, webhook endpoints and dead letters that cannot be read, and the usage reports of
    /// months that are not settled for good. Each fails alone; everything else proceeds. Exits with
    /// 3 if one is not skipped.
    Unreadable,
    /// Skip an item that cannot be read: it raises no more alarms, and leaves the index of due
    /// tasks. Nothing more is done for it: a skipped provider is not settled, a skipped task
    /// not worked on. A plan or a usage report that is skipped is not passed over: the providers
    /// that it is about wait until it is mended. An item that can be read is refused.
    Skip {
        /// The partition key, as `unreadable` lists it.
        pk: String,
        /// The sort key, as `unreadable` lists it.
        sk: String,
        /// The item is in the usage table.
        #[arg(long, conflicts_with = "events")]
        usage: bool,
        /// The item is in the events table.
        #[arg(long)]
        events: bool,
        /// Why, for a person who looks at it later.
        #[arg(long)]
        reason: String,
    },
}

/// The tables, as they are listed.
const BILLING: &str = "billing";
const USAGE: &str = "usage";
const EVENTS: &str = "events";

/// How many providers' reports are read at the same time.
const PROVIDERS_AT_ONCE: usize = 16;

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
                let (tables, events) =
                    (target.tables_to_read().await?, target.events_to_read().await?);
                let found = unreadable(&tables, &events).await?;
                print(target, &found)
            }
            ItemsCommand::Skip { pk, sk, usage, events: is_event, reason } => {
                let reason = Reason::new(&reason)?;
                let (tables, events) = (target.tables().await?, target.events().await?);
                let table = match (usage, is_event) {
                    (true, _) => USAGE,
                    (false, true) => EVENTS,
                    (false, false) => BILLING,
                };
                let skipped = skip((&tables, &events), table, (&pk, &sk), &reason).await?;
                print(target, &[skipped])
            }
        }
    }
}

/// Skips an item, and gives it as it is listed from then on. A task that can be read would never be
/// worked on again, so only what `unreadable` lists is skipped.
async fn skip(
    (tables, events): (&Tables, &EventsTable),
    table: &str,
    (pk, sk): (&str, &str),
    reason: &Reason,
) -> Result<Found, Error> {
    let is_it = |item: &Found| (item.table, &*item.pk, &*item.sk) == (table, pk, sk);
    let found = unreadable(tables, events).await?.into_iter().find(is_it).ok_or_else(|| {
        format!("no item `{pk}` `{sk}` is listed by `steelyard items unreadable`")
    })?;
    let skipped = match table {
        USAGE => tables.usage.skip_item(pk, sk, reason.as_str()).await,
        EVENTS => events.skip_item(pk, sk, reason.as_str()).await,
        _ => tables.billing.skip_item(pk, sk, reason.as_str()).await,
    };
    skipped.map_err(|error| match error {
        CommitError::Stale => Error::from(format!("there is no item `{pk}` `{sk}`")),
        CommitError::Store(error) => error.into(),
    })?;
    Ok(Found { skipped: Some(reason.to_string()), ..found })
}

/// Everything that functions meet and cannot read.
async fn unreadable(tables: &Tables, events: &EventsTable) -> Result<Vec<Found>, Error> {
    let billing = &tables.billing;
    let registry = tables.registry().await?;
    let mut found = billing.plans().await?.unreadable;
    found.extend(billing.unmatched().await?.unreadable);
    found.extend(billing.findings().await?.unreadable);
    found.extend(registry.unreadable);
    for shard in 0..DUE_SHARDS {
        found.extend(unreadable_tasks(billing, shard).await?);
    }
    let providers = registry.accounts.iter().map(|found| found.provider.provider.clone());
    let registrations = tables.usage.registrations(&providers.collect::<Vec<_>>()).await?;
    let of_usage =
        [registrations.unreadable, unreadable_reports(tables, &registry.accounts).await?];
    let found = found.into_iter().map(|item| Found::of(BILLING, item));
    let grants = tables.usage.access().await?.unreadable;
    let of_usage = of_usage.into_iter().flatten().chain(grants);
    let of_usage = of_usage.map(|item| Found::of(USAGE, item));
    let of_events = events.unreadable_endpoints().await?;
    let of_events = of_events.into_iter().map(|item| Found::of(EVENTS, item));
    Ok(found.chain(of_usage).chain(of_events).collect())
}

/// The usage reports that settlement may still read and that cannot be read, by provider.
async fn unreadable_reports(
    tables: &Tables,
    accounts: &[ProviderAccount],
) -> Result<Vec<Unreadable>, Error> {
    let reading = stream::iter(accounts).map(|found| async {
        let (provider, open) = (&found.provider.provider, found.account.open_from);
        tables.usage.unreadable_reports(provider, open.first_day()).await
    });
    let found: Vec<_> = reading.buffered(PROVIDERS_AT_ONCE).try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}

/// The entries of a shard of the due index that cannot be read, or whose records cannot be read.
async fn unreadable_tasks(billing: &BillingTable, shard: u8) -> Result<Vec<Unreadable>, Error> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = billing.due().page(shard, Timestamp::MAX, after.as_ref(), PAGE).await?;
        found.extend(page.unreadable);
        for due in page.due {
            found.extend(billing.unreadable_task(&due.record).await?);
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
        let mut table = output::table(["table", "pk\nsk", "why"]);
        for Found { table: name, pk, sk, why, skipped } in found {
            let skipped = skipped.as_ref().map(|reason| format!("skipped: {reason}"));
            let why = output::lines([Some(why.clone()), skipped]);
            table.add_row([(*name).to_owned(), format!("{pk}\n{sk}"), why]);
        }
        output::print(table)?;
    }
    Ok(Exit::done(found.iter().all(|item| item.skipped.is_some())))
}
