//! `steelyard plan`: price lists.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;
use steelyard_books::PlanAdded;
use steelyard_pricing::{BillingDay, Catalog, Name, Plan, QuotedUsage, plan_schema};
use steelyard_runtime::Error;
use steelyard_store::StoredPlans;

use super::diff::DiffArgs;
use super::reach;
use super::simulate::SimulateArgs;
use crate::document::Document;
use crate::exit::Exit;
use crate::output;
use crate::target::{PlatformArgs, System, TargetArgs};

/// Check, add, list and compare plans, and see what a draft would change.
#[derive(Debug, Subcommand)]
pub(crate) enum PlanCommand {
    /// Check a plan document without storing it. Each error names its line and the broken rule, and
    /// a warning names what is legal but unusual.
    Check {
        /// The plan, as a JSON document: see `steelyard plan schema`.
        file: PathBuf,
        /// Usage, as for `steelyard price`: warns about a rate under which none of it is rated, and
        /// about a percentage of amounts that it does not have.
        #[arg(long)]
        usage: Option<PathBuf>,
    },
    /// Print the JSON Schema of plan documents.
    Schema,
    Simulate(SimulateArgs),
    /// Store a version of a plan. A version that has taken effect never changes: a new price is a
    /// new version with a later `effective_from`.
    ///
    /// A version that takes effect this month or earlier reaches usage that was counted already. If
    /// providers are on its plan, it is stored only with `--yes`; without, the command shows whom
    /// it affects and by how much. A version under which a provider could not be settled, for
    /// example because of an override for a rate that it does not have, is refused.
    Add {
        /// The plan, as a JSON document: see `steelyard plan schema`.
        file: PathBuf,
        /// Store it although it reaches usage that was counted already.
        #[arg(long)]
        yes: bool,
    },
    Diff(DiffArgs),
    /// List every version of every plan.
    List,
    /// Print a version of a plan as its document, which `plan add` reads again.
    Show {
        /// The name of a stored plan.
        plan: Name,
        /// The version that is in force on this billing day; the last one unless given.
        #[arg(long)]
        on: Option<BillingDay>,
    },
}

impl PlanCommand {
    pub(crate) async fn run(
        self,
        target: &TargetArgs,
        platform: &PlatformArgs,
    ) -> Result<Exit, Error> {
        match self {
            PlanCommand::Check { file, usage } => {
                let usage = usage.as_deref().map(Document::open).transpose()?;
                let usage = usage.map(|document| document.usage()).transpose()?;
                check(target, &Document::open(&file)?, usage.as_ref())
            }
            PlanCommand::Schema => output::json(&plan_schema()).map(|()| Exit::Done),
            PlanCommand::Simulate(args) => args.run(target, platform).await,
            PlanCommand::Add { file, yes } => {
                let plan = Document::open(&file)?.plan()?;
                let system = target.system(platform).await?;
                reach::check(target, &system, &plan, yes).await?;
                add(target, &system, &plan).await
            }
            PlanCommand::Diff(args) => args.run(target).await,
            PlanCommand::List => list(target).await,
            PlanCommand::Show { plan, on } => show(target, &plan, on).await,
        }
    }
}

fn check(
    target: &TargetArgs,
    document: &Document<'_>,
    usage: Option<&QuotedUsage>,
) -> Result<Exit, Error> {
    let plan = document.plan()?;
    let mut warnings = plan.warnings();
    if let Some(usage) = usage {
        warnings.extend(plan.warnings_for(&usage.total()?));
    }
    let warnings = warnings.iter().map(|of| document.warning(of)).collect::<Vec<_>>();
    let what = "is a good plan";
    if target.json {
        let (name, from) = (plan.name(), plan.effective_from());
        output::json(
            &json!({ "plan": name, "effective_from": from, "outcome": what, "warnings": warnings }),
        )?;
        return Ok(Exit::Done);
    }
    warnings.iter().for_each(output::tell);
    say(target, &plan, what)
}

async fn add(target: &TargetArgs, system: &System, plan: &Plan) -> Result<Exit, Error> {
    match system.books()?.add_plan(plan, system.today()?).await? {
        PlanAdded::New => say(target, plan, "is stored"),
        PlanAdded::Before => say(target, plan, "was stored before"),
        PlanAdded::Replaced => say(target, plan, "is stored in place of what was to take effect"),
        PlanAdded::Different => Err(format!(
            "{} of {} is stored with other prices and has taken effect, so that it never changes: give this one a later effective_from",
            plan.name(),
            plan.effective_from()
        )
        .into()),
        PlanAdded::Backdated => Err(format!(
            "{} of {} would take effect in a month that is over, and the plan has other versions, by which it may be settled: give this one a later effective_from",
            plan.name(),
            plan.effective_from()
        )
        .into()),
    }
}

async fn list(target: &TargetArgs) -> Result<Exit, Error> {
    let StoredPlans { catalog: plans, unreadable } =
        target.tables_to_read().await?.billing.plans().await?;
    let exit = Exit::done(output::tell_unreadable(&unreadable, target.json));
    if target.json {
        output::json(&plans.iter().collect::<Vec<_>>())?;
        return Ok(exit);
    }
    let mut table = output::table(["plan", "effective from", ">rates", "description"]);
    for plan in plans.iter() {
        table.add_row([
            plan.name().to_string(),
            plan.effective_from().to_string(),
            plan.rates().len().to_string(),
            plan.document().description.clone(),
        ]);
    }
    output::print(table)?;
    Ok(exit)
}

async fn show(target: &TargetArgs, plan: &Name, on: Option<BillingDay>) -> Result<Exit, Error> {
    let plans = target.tables_to_read().await?.billing.plans().await?.catalog;
    output::json(stored(&plans, plan, on)?).map(|()| Exit::Done)
}

/// The version of a stored plan that is in force on a day; the last one unless a day is given.
///
/// # Errors
///
/// When there is none, or one of the plan's versions cannot be read: an older version in its place
/// would show prices that are not in force.
pub(super) fn stored<'a>(
    plans: &'a Catalog,
    plan: &Name,
    on: Option<BillingDay>,
) -> Result<&'a Plan, Error> {
    if let Some(from) = plans.unreadable(plan) {
        return Err(format!("the version of plan `{plan}` of {from} cannot be read").into());
    }
    let versions = plans.iter().filter(|version| version.name() == plan).collect::<Vec<_>>();
    let [first, ..] = versions.as_slice() else {
        return Err(format!("there is no plan `{plan}`").into());
    };
    let found = match on {
        Some(day) => plans.in_force(plan, day),
        None => versions.last().copied(),
    };
    found.ok_or_else(|| format!("plan `{plan}` takes effect on {}", first.effective_from()).into())
}

fn say(target: &TargetArgs, plan: &Plan, what: &str) -> Result<Exit, Error> {
    if target.json {
        output::json(
            &json!({ "plan": plan.name(), "effective_from": plan.effective_from(), "outcome": what }),
        )?;
    } else {
        output::print(format_args!("{} of {} {what}", plan.name(), plan.effective_from()))?;
    }
    Ok(Exit::Done)
}
