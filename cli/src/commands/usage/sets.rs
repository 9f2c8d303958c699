//! `steelyard usage correct`, `undo` and `corrections`: sets of corrections under one name.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use steelyard_billing::{CorrectionId, CorrectionPhase, CorrectionSet, Person, Reason, Undo};
use steelyard_runtime::Error;

use crate::corrections::{Corrector, DayChange, Ended, ProviderChange, SetRequest};
use crate::exit::Exit;
use crate::output::Times;
use crate::target::{System, TargetArgs};
use crate::{explain, output};

/// A set of corrections to apply, with its name, author and reason.
#[derive(Debug, Args)]
pub(crate) struct CorrectArgs {
    /// The file, in JSON lines.
    file: PathBuf,
    /// The name of the set: letters, digits and `._:@-`.
    #[arg(long)]
    name: CorrectionId,
    /// Why, which is stored with each report that is withdrawn.
    #[arg(long, value_parser = Reason::new)]
    reason: Reason,
    /// The name of the person who corrects.
    #[arg(long, env = "USER", default_value = "operator", value_parser = Person::new)]
    by: Person,
    /// Show what it would change, by provider and day, and change nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Which set is undone, by whom and why.
#[derive(Debug, Args)]
pub(crate) struct UndoArgs {
    /// The name of the set.
    name: CorrectionId,
    /// The reason, which is stored with each report that is withdrawn for it.
    #[arg(long, value_parser = Reason::new)]
    reason: Reason,
    /// The name of the person who undoes it.
    #[arg(long, env = "USER", default_value = "operator", value_parser = Person::new)]
    by: Person,
}

/// The sets to be listed.
#[derive(Debug, Args)]
pub(crate) struct CorrectionsArgs {
    /// The name of one set, which is shown with all that it holds; all sets unless given.
    name: Option<CorrectionId>,
}

impl CorrectArgs {
    pub(crate) async fn run(self, target: &TargetArgs, system: &System) -> Result<Exit, Error> {
        let shown = self.file.display();
        let content = std::fs::read(&self.file).map_err(|error| format!("{shown}: {error}"))?;
        let request = SetRequest::new(self.name, &content, (self.by, self.reason))
            .map_err(|why| format!("{shown}: {why}"))?;
        let corrector = Corrector::new(system.settler()?, system.clock.clone());
        let outcome = corrector.run(&request, self.dry_run).await?;
        output::tell_unreadable(&outcome.unreadable, target.json);
        match outcome.ended {
            Some(ended) => ended.show(target, system, &outcome.changes),
            None => show_preview(target, &outcome.changes),
        }
    }
}

impl UndoArgs {
    pub(crate) async fn run(self, target: &TargetArgs, system: &System) -> Result<Exit, Error> {
        let UndoArgs { name, reason, by } = self;
        let now = system.clock.now();
        let undo = Undo { undone_by: by, undone_at_s: now, undone_because: reason };
        let corrector = Corrector::new(system.settler()?, system.clock.clone());
        corrector.undo(&name, &undo).await?.show(target, system, &[])
    }
}

impl CorrectionsArgs {
    pub(crate) async fn run(self, target: &TargetArgs, system: &System) -> Result<Exit, Error> {
        let (billing, times) = (&system.tables.billing, system.times()?);
        let Some(name) = self.name else {
            let sets = billing.corrections().await?;
            if target.json {
                output::json(&sets)?;
            } else {
                for set in &sets {
                    print_set(set, &times)?;
                }
            }
            return Ok(Exit::done(!sets.iter().any(CorrectionSet::is_incomplete)));
        };
        let set = billing.correction(&name).await?;
        let set = set.ok_or_else(|| format!("there is no correction {name}"))?;
        if target.json {
            output::json(&set)?;
        } else {
            print_set(&set, &times)?;
        }
        Ok(Exit::done(!set.is_incomplete()))
    }
}

fn show_preview(target: &TargetArgs, changes: &[ProviderChange]) -> Result<Exit, Error> {
    if target.json {
        output::json(&json!({ "set": null, "changes": changes, "failed": [] }))?;
    } else {
        print_changes(changes)?;
    }
    Ok(Exit::done(changes.iter().all(|of| of.why_not.is_none())))
}

impl Ended {
    /// Shows how the set ended, with what it changes where that was computed.
    fn show(
        &self,
        target: &TargetArgs,
        system: &System,
        changes: &[ProviderChange],
    ) -> Result<Exit, Error> {
        let Ended { set, failed } = self;
        if target.json {
            output::json(&json!({ "set": set, "changes": changes, "failed": failed }))?;
        } else {
            print_changes(changes)?;
            for why in failed {
                output::print(format_args!("NOT done: {why}"))?;
            }
            print_set(set, &system.times()?)?;
        }
        Ok(Exit::done(failed.is_empty()))
    }
}

fn print_changes(changes: &[ProviderChange]) -> Result<(), Error> {
    if changes.is_empty() {
        return Ok(());
    }
    let mut table = output::table(["provider", "day", ">withdrawn", ">counted", ">change"]);
    let shown = |change: Option<_>| change.map_or_else(|| "?".to_owned(), explain::fen);
    for ProviderChange { provider, days, change_fen, .. } in changes {
        for DayChange { day, withdrawn, counted, change_fen } in days {
            table.add_row([
                provider.to_string(),
                day.to_string(),
                withdrawn.to_string(),
                counted.to_string(),
                shown(*change_fen),
            ]);
        }
        table.add_row([provider.as_str(), "all", "", "", &shown(*change_fen)]);
    }
    output::print(table)?;
    for of in changes {
        if let Some(why) = &of.why_not {
            output::tell(format_args!(
                "what it changes for {} cannot be computed: {why}",
                of.provider
            ));
        }
    }
    Ok(())
}

fn print_set(set: &CorrectionSet, times: &Times) -> Result<(), Error> {
    let CorrectionSet { name, voids, counts, by, reason, begun_at_s, phase, .. } = set;
    let state = match phase {
        CorrectionPhase::Storing | CorrectionPhase::Applying { .. } => {
            "NOT complete: run the same command again".to_owned()
        }
        CorrectionPhase::Applied { .. } => "applied".to_owned(),
        CorrectionPhase::Undoing { .. } => {
            "being undone, NOT complete: run `usage undo` again".to_owned()
        }
        CorrectionPhase::Undone {
            undo: Undo { undone_by, undone_at_s, undone_because }, ..
        } => {
            format!("undone by {undone_by} at {}: {undone_because}", times.show(*undone_at_s))
        }
    };
    output::print(format_args!(
        "{name}: {} withdrawn, {counts} counted, by {by} at {}: {reason}\n    {state}",
        output::counted(voids, "report"),
        times.show(*begun_at_s)
    ))
}
