//! `steelyard ladder`: what being in arrears leads to.

use std::path::PathBuf;

use clap::Subcommand;
use serde::Serialize;
use serde_json::json;
use steelyard_billing::{
    Ladder, LadderDocument, LadderStep, ProviderId, StageFrom, StandingError, replay,
};
use steelyard_books::LadderAdded;
use steelyard_pricing::{BillingDay, schema_of};
use steelyard_runtime::{Error, chain};
use steelyard_store::{AccountPage, StoredLadders};

use crate::document::Document;
use crate::exit::Exit;
use crate::output;
use crate::target::{PlatformArgs, System, TargetArgs};

/// Check, add and show the arrears ladder: what follows when a provider does not pay.
#[derive(Debug, Subcommand)]
pub(crate) enum LadderCommand {
    /// Check a ladder without storing it, and show who would have stood where under it, by the
    /// journal of each provider.
    Check {
        /// The ladder, as a JSON document: see `steelyard ladder schema`.
        file: PathBuf,
        /// Check the document alone, without a deployment.
        #[arg(long)]
        no_replay: bool,
    },
    /// Print the JSON Schema of ladders.
    Schema,
    /// Store a version of the ladder. A version that has taken effect never changes.
    Add {
        /// The ladder, as a JSON document: see `steelyard ladder schema`.
        file: PathBuf,
    },
    /// List the versions.
    List,
    /// Print the version that is in force, as its document.
    Show {
        /// The billing day; today unless given.
        #[arg(long)]
        on: Option<BillingDay>,
    },
}

impl LadderCommand {
    pub(crate) async fn run(
        self,
        target: &TargetArgs,
        platform: &PlatformArgs,
    ) -> Result<Exit, Error> {
        match self {
            LadderCommand::Check { file, no_replay } => {
                let ladder = Document::open(&file)?.ladder()?;
                if no_replay {
                    return told(target, &ladder, "is a good ladder");
                }
                check(target, &target.system_to_read(platform).await?, &ladder).await
            }
            LadderCommand::Schema => {
                output::json(&schema_of::<LadderDocument>()).map(|()| Exit::Done)
            }
            LadderCommand::Add { file } => {
                let ladder = Document::open(&file)?.ladder()?;
                add(target, &target.system(platform).await?, &ladder).await
            }
            LadderCommand::List => list(target).await,
            LadderCommand::Show { on } => {
                let system = target.system_to_read(platform).await?;
                let on = on.map_or_else(|| system.today(), Ok)?;
                let StoredLadders { ladders, .. } = system.tables.billing.ladders().await?;
                let none = || format!("no arrears ladder is in force on {on}");
                let in_force = ladders.in_force(on).map_err(StandingError::Unreadable)?;
                output::json(in_force.ok_or_else(none)?)?;
                Ok(Exit::Done)
            }
        }
    }
}

/// A stage at which a provider would have been.
#[derive(Serialize)]
struct Stood<'a> {
    provider: &'a ProviderId,
    #[serde(flatten)]
    from: StageFrom,
}

async fn check(target: &TargetArgs, system: &System, ladder: &Ladder) -> Result<Exit, Error> {
    let (calendar, now) = (system.rules()?.calendar, system.clock.now());
    let AccountPage { accounts, unreadable, .. } = system.tables.registry().await?;
    let is_well = output::tell_unreadable(&unreadable, target.json);
    let (mut stood, mut failed) = (Vec::new(), Vec::new());
    for provider in accounts.iter().map(|found| &found.provider.provider) {
        let stages = async {
            let journal = system.tables.billing.journal(provider).await?;
            Ok::<_, Error>(replay(&journal, ladder, &calendar, now)?)
        };
        match stages.await {
            Ok(stages) => stood.extend(stages.into_iter().map(|from| Stood { provider, from })),
            Err(error) => failed.push(format!("{provider}: {}", chain(&*error))),
        }
    }
    let exit = Exit::done(is_well && failed.is_empty());
    if target.json {
        output::json(&json!({ "ladder": ladder, "stood": stood, "failed": failed }))?;
        return Ok(exit);
    }
    say(ladder, "is a good ladder")?;
    failed.iter().try_for_each(|of| output::print(format_args!("cannot be replayed: {of}")))?;
    if stood.is_empty() {
        output::print("no provider would have left a good standing")?;
        return Ok(exit);
    }
    let times = system.times()?;
    let mut table = output::table(["provider", "from", "stage"]);
    for Stood { provider, from: StageFrom { stage, from } } in stood {
        table.add_row([provider.to_string(), times.show(from).to_string(), stage.to_string()]);
    }
    output::print(table)?;
    Ok(exit)
}

async fn add(target: &TargetArgs, system: &System, ladder: &Ladder) -> Result<Exit, Error> {
    let what = match system.books()?.add_ladder(ladder, system.today()?).await? {
        LadderAdded::New => "is stored",
        LadderAdded::Before => "was stored before",
        LadderAdded::Replaced => "is stored in place of another",
        LadderAdded::Different => {
            let from = ladder.document().effective_from;
            return Err(format!(
                "another ladder of {from} is stored and has taken effect, so that it never changes: give this one a later effective_from"
            )
            .into());
        }
    };
    told(target, ladder, what)
}

/// Prints what was done with a ladder.
fn told(target: &TargetArgs, ladder: &Ladder, what: &str) -> Result<Exit, Error> {
    if target.json {
        output::json(&json!({ "ladder": ladder, "outcome": what }))?;
    } else {
        say(ladder, what)?;
    }
    Ok(Exit::Done)
}

fn say(ladder: &Ladder, what: &str) -> Result<(), Error> {
    let LadderDocument { ladder, effective_from, .. } = ladder.document();
    output::print(format_args!("{ladder} of {effective_from} {what}"))
}

async fn list(target: &TargetArgs) -> Result<Exit, Error> {
    let StoredLadders { ladders, unreadable } =
        target.tables_to_read().await?.billing.ladders().await?;
    let exit = Exit::done(output::tell_unreadable(&unreadable, target.json));
    if target.json {
        output::json(&ladders.iter().collect::<Vec<_>>())?;
        return Ok(exit);
    }
    let mut table = output::table(["ladder", "effective from", "steps"]);
    for LadderDocument { ladder, effective_from, steps, .. } in ladders.iter().map(Ladder::document)
    {
        let steps = steps.iter().map(step).collect::<Vec<_>>().join("\n");
        table.add_row([ladder.to_string(), effective_from.to_string(), steps]);
    }
    output::print(table)?;
    Ok(exit)
}

fn step(step: &LadderStep) -> String {
    let LadderStep { stage, overdue_days, owed, calls_per_second } = step;
    let days = overdue_days.map(|days| format!("overdue for {}", output::counted(days, "day")));
    let owed = owed.map(|owed| format!("¥{owed} owed"));
    let calls = calls_per_second
        .map_or(String::new(), |calls| format!(", {} a second", output::counted(calls, "call")));
    let when = days.into_iter().chain(owed).collect::<Vec<_>>().join(" or ");
    format!("{stage}: {when}{calls}")
}
