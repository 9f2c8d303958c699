//! `steelyard plan`: price lists.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;
use steelyard_pricing::Plan;
use steelyard_runtime::Error;
use steelyard_store::Stored;

use crate::exit::Exit;
use crate::output;
use crate::target::TargetArgs;

/// Check, add and list plans.
#[derive(Debug, Subcommand)]
pub(crate) enum PlanCommand {
    /// Check a plan document without storing it.
    Check {
        /// The plan, as a JSON document.
        file: PathBuf,
    },
    /// Store a version of a plan. A stored version never changes: a new price is a new version with
    /// a later `effective_from`.
    Add {
        /// The plan, as a JSON document.
        file: PathBuf,
    },
    /// List every version of every plan.
    List,
}

impl PlanCommand {
    pub(crate) async fn run(self, target: &TargetArgs) -> Result<Exit, Error> {
        match self {
            PlanCommand::Check { file } => {
                let plan = read(&file)?;
                say(target, &plan, "is a good plan")
            }
            PlanCommand::Add { file } => add(target, &read(&file)?).await,
            PlanCommand::List => list(target).await,
        }
    }
}

/// Reads and checks a plan; the error names the file, the line and the rule that is broken.
pub(crate) fn read(file: &Path) -> Result<Plan, Error> {
    let document =
        std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    serde_json::from_str(&document).map_err(|error| format!("{}: {error}", file.display()).into())
}

async fn add(target: &TargetArgs, plan: &Plan) -> Result<Exit, Error> {
    match target.tables().await?.billing.add_plan(plan).await? {
        Stored::New => say(target, plan, "is stored"),
        Stored::Before => say(target, plan, "was stored before"),
        Stored::Different => Err(format!(
            "{} of {} is stored with other prices, and a stored version never changes: give it a later effective_from",
            plan.name(),
            plan.effective_from()
        )
        .into()),
    }
}

async fn list(target: &TargetArgs) -> Result<Exit, Error> {
    let plans = target.tables().await?.billing.plans().await?;
    if target.json {
        output::json(&plans.iter().collect::<Vec<_>>())?;
        return Ok(Exit::Done);
    }
    let mut table = output::table(["plan", "effective from", ">rates", "description"]);
    for plan in plans.iter() {
        table.add_row([
            plan.name().to_string(),
            plan.effective_from().to_string(),
            plan.rates().len().to_string(),
            plan.description().to_owned(),
        ]);
    }
    println!("{table}");
    Ok(Exit::Done)
}

fn say(target: &TargetArgs, plan: &Plan, what: &str) -> Result<Exit, Error> {
    if target.json {
        output::json(
            &json!({ "plan": plan.name(), "effective_from": plan.effective_from(), "outcome": what }),
        )?;
    } else {
        println!("{} of {} {what}", plan.name(), plan.effective_from());
    }
    Ok(Exit::Done)
}
