//! `steelyard actions`: what people asked for on pages, and the decisions about it.

use clap::Subcommand;
use steelyard_billing::{Action, ActionId, Person, Reason};
use steelyard_pricing::BillingMonth;
use steelyard_runtime::Error;
use steelyard_store::ActionPage;

use crate::exit::Exit;
use crate::output::{self, Times};
use crate::target::{PlatformArgs, System, TargetArgs};

/// Show what people asked for on pages, and approve or reject an action.
#[derive(Debug, Subcommand)]
pub(crate) enum ActionsCommand {
    /// List the actions of a month, the newest first.
    List {
        /// The billing month in which they were asked for; the current one unless given.
        #[arg(long)]
        month: Option<BillingMonth>,
        /// Only those that wait for the approval of a second person.
        #[arg(long)]
        waiting: bool,
    },
    /// Show an action: who asked for it and why, and what became of it.
    Show {
        /// Its name, as `list` shows it.
        id: ActionId,
    },
    /// Approve an action that another person asked for, and carry it out. Approving it again
    /// carries on if it was not carried out, and changes nothing otherwise.
    Approve {
        /// Its name, as `list` shows it.
        id: ActionId,
        /// The name of the person who approves, who must not have asked for it.
        #[arg(long, env = "USER", default_value = "operator", value_parser = Person::new)]
        by: Person,
    },
    /// Reject an action that waits: it is never carried out. The person who asked for it may reject
    /// it, too.
    Reject {
        /// Its name, as `list` shows it.
        id: ActionId,
        /// The reason, which stays with it.
        #[arg(long, value_parser = Reason::new)]
        reason: Reason,
        /// The name of the person who rejects it.
        #[arg(long, env = "USER", default_value = "operator", value_parser = Person::new)]
        by: Person,
    },
}

/// How many actions are read at a time.
const PAGE: u16 = 100;

impl ActionsCommand {
    pub(crate) async fn run(
        self,
        target: &TargetArgs,
        platform: &PlatformArgs,
    ) -> Result<Exit, Error> {
        let is_decision =
            matches!(self, ActionsCommand::Approve { .. } | ActionsCommand::Reject { .. });
        let system = match is_decision {
            true => target.system(platform).await?,
            false => target.system_to_read(platform).await?,
        };
        let now = system.clock.now();
        let action = match self {
            ActionsCommand::List { month, waiting } => {
                let month = month.map_or_else(|| system.today().map(|day| day.month()), Ok)?;
                return list(target, &system, month, waiting).await;
            }
            ActionsCommand::Show { id } => {
                let found = system.tables.billing.action(&id).await?;
                found.ok_or_else(|| format!("there is no action {id}"))?
            }
            ActionsCommand::Approve { id, by } => {
                system.books()?.approve_action(&id, &by, now).await?
            }
            ActionsCommand::Reject { id, reason, by } => {
                system.books()?.reject_action(&id, &by, &reason, now).await?
            }
        };
        show(target, &system, &action)
    }
}

async fn list(
    target: &TargetArgs,
    system: &System,
    month: BillingMonth,
    only_waiting: bool,
) -> Result<Exit, Error> {
    let (mut actions, mut is_well, mut next) = (Vec::new(), true, None::<String>);
    loop {
        let page = system.tables.billing.actions(month, next.as_deref(), PAGE).await?;
        let ActionPage { actions: read, unreadable, next: after } = page;
        is_well &= output::tell_unreadable(&unreadable, target.json);
        actions.extend(read.into_iter().filter(|action| !only_waiting || action.is_waiting()));
        next = after;
        if next.is_none() {
            break;
        }
    }
    if target.json {
        output::json(&actions)?;
        return Ok(Exit::done(is_well));
    }
    let times = system.times()?;
    let mut table = output::table(["action\nasked at", "what", "by\nreason", "state"]);
    for action in &actions {
        let reason = action.reason.as_ref().map(ToString::to_string);
        let amounts = action.returns.map(|amounts| amounts.to_string());
        table.add_row([
            format!("{}\n{}", action.id, times.show(action.asked_at_s)),
            output::lines([Some(action.what.to_string()), amounts]),
            output::lines([Some(action.asked_by.to_string()), reason]),
            action.phase.to_string(),
        ]);
    }
    output::print(table)?;
    Ok(Exit::done(is_well))
}

/// Prints an action with its phase, as text or JSON.
pub(crate) fn show(target: &TargetArgs, system: &System, action: &Action) -> Result<Exit, Error> {
    if target.json {
        output::json(action)?;
        return Ok(Exit::Done);
    }
    print(action, &system.times()?)?;
    Ok(Exit::Done)
}

fn print(action: &Action, times: &Times) -> Result<(), Error> {
    let Action { id, what, asked_by, asked_at_s, reason, returns, approved, phase, .. } = action;
    output::print(format_args!("action {id}: {what}"))?;
    let reason = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    output::print(format_args!("    by {asked_by}{reason}"))?;
    output::print(format_args!("    asked for at {}", times.show(*asked_at_s)))?;
    if let Some(amounts) = returns {
        output::print(format_args!(
            "    amounts: {amounts}; if they change before the approval, nothing is moved"
        ))?;
    }
    if let Some(approved) = approved {
        let at = times.show(approved.at_s);
        output::print(format_args!("    approved by {} at {at}", approved.by))?;
    }
    let at = phase.ended_at().map(|at| format!(", at {}", times.show(at))).unwrap_or_default();
    output::print(format_args!("    {phase}{at}"))
}
