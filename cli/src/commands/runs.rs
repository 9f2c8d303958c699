//! `steelyard runs`: the settlement runs, and what each has settled so far.

use clap::{Args, Subcommand};
use futures::{StreamExt, TryStreamExt, stream};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use steelyard_billing::{Reason, RunFailure, RunScope, RunShard, RunTally, SettlementRun};
use steelyard_runtime::Error;
use steelyard_store::{BillingTable, Found, Unreadable};

use crate::exit::Exit;
use crate::output;
use crate::target::{PlatformArgs, System, TargetArgs};
use crate::values;

/// List the latest settlement runs, or show one with the providers that it could not settle.
///
/// Every night is a run, and every `steelyard settle`. Exits with 3 if the run that is shown, or
/// the latest of those that are listed, has not ended or found something that cannot be read; and
/// if a provider of the run that is shown is not settled.
#[derive(Debug, Args)]
pub(crate) struct RunsArgs {
    /// How many runs to list, 500 at most.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=500))]
    limit: u16,
    #[command(subcommand)]
    command: Option<RunsCommand>,
}

/// Show one run, or disregard it.
#[derive(Debug, Subcommand)]
pub(crate) enum RunsCommand {
    /// Show a run, the latest one unless another is named.
    Show {
        /// The number of the run, as the list has it.
        #[arg(value_parser = values::number::<u64>)]
        run: Option<u64>,
    },
    /// Disregard a run that began by a wrong clock: the next run may begin before it.
    Disregard {
        /// The number of the run, as the list has it.
        #[arg(value_parser = values::number::<u64>)]
        run: u64,
        /// Why, for a person who looks at it later.
        #[arg(long)]
        reason: String,
    },
}

/// A run as it is shown.
#[derive(Debug, Serialize)]
struct ShownRun {
    #[serde(flatten, serialize_with = "without_shards")]
    run: SettlementRun,
    /// How many shards of the registry it settles.
    shards: usize,
    /// How many of them have ended.
    shards_ended: usize,
    /// The shards that have not ended.
    shards_open: Vec<u8>,
    /// The result so far.
    so_far: RunTally,
    /// The shards with providers that could not be settled.
    failed_shards: Vec<u8>,
}

/// Writes a run without its scope: for a run over all shards it gives their number, for a run of
/// one provider the provider.
fn without_shards<S: Serializer>(run: &SettlementRun, serializer: S) -> Result<S::Ok, S::Error> {
    let SettlementRun { version, number, begun_at_s, scope, end, late_at_s, disregarded } = run;
    let mut members = serializer.serialize_map(None)?;
    members.serialize_entry("version", version)?;
    members.serialize_entry("number", number)?;
    members.serialize_entry("begun_at_s", &begun_at_s.as_second())?;
    if let RunScope::Provider(provider) = scope {
        members.serialize_entry("provider", provider)?;
    }
    if let Some(end) = end {
        members.serialize_entry("end", end)?;
    }
    if let Some(at) = late_at_s {
        members.serialize_entry("late_at_s", &at.as_second())?;
    }
    if let Some(reason) = disregarded {
        members.serialize_entry("disregarded", reason)?;
    }
    members.end()
}

/// How many shards are read at the same time.
const AT_ONCE: usize = 8;

impl RunsArgs {
    pub(crate) async fn run(
        self,
        target: &TargetArgs,
        platform: &PlatformArgs,
    ) -> Result<Exit, Error> {
        match self.command {
            None => list(target, &target.system_to_read(platform).await?, self.limit).await,
            Some(RunsCommand::Show { run }) => {
                show(target, &target.system_to_read(platform).await?, run).await
            }
            Some(RunsCommand::Disregard { run, reason }) => {
                let reason = Reason::new(&reason)?;
                let system = target.system(platform).await?;
                let settler = system.settler()?;
                let run = settler.disregard_run(run, &reason).await?.ok_or_else(no_run(run))?;
                let run = shown(&system.tables.billing, run).await?;
                print_all(target, &system, &[run])?;
                Ok(Exit::Done)
            }
        }
    }
}

async fn list(target: &TargetArgs, system: &System, limit: u16) -> Result<Exit, Error> {
    let billing = &system.tables.billing;
    let latest = billing.latest_runs(limit).await?;
    let is_readable = output::tell_unreadable(&latest.unreadable, target.json);
    let runs = stream::iter(latest.readable).map(|run| shown(billing, run)).buffered(AT_ONCE);
    let runs: Vec<ShownRun> = runs.try_collect().await?;
    print_all(target, system, &runs)?;
    Ok(runs.first().map_or(Exit::Done, |latest| exit(latest, !is_readable)))
}

async fn show(target: &TargetArgs, system: &System, number: Option<u64>) -> Result<Exit, Error> {
    let billing = &system.tables.billing;
    let found = match number {
        Some(number) => billing.settlement_run(number).await?.ok_or_else(no_run(number))?,
        None => billing.latest_runs(1).await?.readable.pop().ok_or("no settlement has run yet")?,
    };
    let run = shown(billing, found).await?;
    let (failures, unreadable) = failures(billing, &run).await?;
    let is_readable = output::tell_unreadable(&unreadable, target.json);
    if target.json {
        output::json(&serde_json::json!({ "run": run, "failures": failures }))?;
    } else {
        print(system, std::slice::from_ref(&run))?;
        print_failures(system, &failures)?;
    }
    let has_unsettled = failures.iter().any(|failure| failure.settled_at_s.is_none());
    Ok(exit(&run, has_unsettled || !is_readable))
}

fn no_run(number: u64) -> impl Fn() -> Error {
    move || format!("there is no run {number}").into()
}

fn exit(run: &ShownRun, has_unsettled: bool) -> Exit {
    let is_well = run.run.end.is_some() && !has_unsettled && run.so_far.unreadable == 0;
    if is_well { Exit::Done } else { Exit::NotAllWell }
}

async fn shown(billing: &BillingTable, run: SettlementRun) -> Result<ShownRun, Error> {
    let stored = billing.run_shards(run.number).await?;
    let so_far = match &run.end {
        Some(end) => end.tally,
        None => RunTally::sum(&stored)?,
    };
    let ended = |shard: u8| stored.iter().any(|of: &RunShard| of.shard == shard && of.has_ended);
    let (shards, shards_open) = match &run.scope {
        RunScope::Shards(shards) => {
            (shards.len(), shards.iter().copied().filter(|shard| !ended(*shard)).collect())
        }
        RunScope::Provider(_) => (0, Vec::new()),
    };
    let shards_ended = shards - shards_open.len();
    let failed = stored.iter().filter(|shard| shard.tally.failed > 0);
    let failed_shards = failed.map(|shard| shard.shard).collect();
    Ok(ShownRun { run, shards, shards_ended, shards_open, so_far, failed_shards })
}

/// The providers that a run could not settle with their shards, by shard and id, and those that
/// cannot be read.
async fn failures(
    billing: &BillingTable,
    run: &ShownRun,
) -> Result<(Vec<RunFailure>, Vec<Unreadable>), Error> {
    let number = run.run.number;
    let failures = stream::iter(run.failed_shards.clone())
        .map(|shard| billing.run_failures(number, shard))
        .buffered(AT_ONCE);
    let failures: Vec<Found<RunFailure>> = failures.try_collect().await?;
    let (readable, unreadable): (Vec<_>, Vec<_>) =
        failures.into_iter().map(|found| (found.readable, found.unreadable)).unzip();
    Ok((readable.concat(), unreadable.concat()))
}

fn print_all(target: &TargetArgs, system: &System, runs: &[ShownRun]) -> Result<(), Error> {
    if target.json { output::json(&runs) } else { print(system, runs) }
}

fn print(system: &System, runs: &[ShownRun]) -> Result<(), Error> {
    let times = system.times()?;
    let columns = [">run", "begun\nended\nsettled", ">providers\nstatements", ">yuan", ">failed"];
    let mut table = output::table(columns);
    for ShownRun { run, shards, shards_ended, so_far, .. } in runs {
        let ended = match &run.end {
            Some(end) => times.show(end.ended_at_s).to_string(),
            None => "not ended".to_owned(),
        };
        let scope = match &run.scope {
            RunScope::Shards(_) => format!("{shards_ended} of {shards} shards"),
            RunScope::Provider(provider) => provider.to_string(),
        };
        table.add_row([
            run.number.to_string(),
            output::lines([
                Some(times.show(run.begun_at_s).to_string()),
                Some(ended),
                Some(scope),
                run.disregarded.as_ref().map(|reason| format!("disregarded: {reason}")),
            ]),
            format!(
                "{}\n{}",
                output::grouped(so_far.providers),
                output::grouped(so_far.statements)
            ),
            so_far.charged_fen.to_string(),
            output::grouped(so_far.failed + so_far.unreadable),
        ]);
    }
    output::print(table)
}

fn print_failures(system: &System, failures: &[RunFailure]) -> Result<(), Error> {
    let times = system.times()?;
    for RunFailure { provider, why, failed_at_s, settled_at_s } in failures {
        output::print(format_args!(
            "{provider} was not settled at {}: {why}",
            times.show(*failed_at_s)
        ))?;
        if let Some(at) = settled_at_s {
            output::print(format_args!("  settled after all at {}", times.show(*at)))?;
        }
    }
    Ok(())
}
