//! `steelyard adjustments`: credit and debit notes, and the decisions about them.

use clap::Subcommand;
use serde::Serialize;
use steelyard_billing::{
    Adjustment, AdjustmentId, AdjustmentNote, AdjustmentPhase, DebitRules, Person, ProviderId,
    Reason,
};
use steelyard_runtime::Error;

use super::registered;
use crate::exit::Exit;
use crate::output::Times;
use crate::target::{PlatformArgs, System, TargetArgs};
use crate::{explain, output};

/// Show credit and debit notes, and approve or reject one.
#[derive(Debug, Subcommand)]
pub(crate) enum AdjustmentsCommand {
    /// List the adjustments that wait for a statement, of all providers; or all of one provider,
    /// with those that are booked or rejected.
    List {
        /// The provider whose adjustments are listed, those that are booked or rejected too.
        #[arg(long)]
        provider: Option<ProviderId>,
    },
    /// Show an adjustment: what it refers to, its reason, and what became of it.
    Show {
        /// The provider that it credits or charges.
        provider: ProviderId,
        /// Its name, as `list` shows it.
        id: AdjustmentId,
    },
    /// Approve an adjustment that another person made. Approving it again changes nothing.
    Approve {
        /// The provider that it credits or charges.
        provider: ProviderId,
        /// Its name, as `list` shows it.
        id: AdjustmentId,
        /// The name of the person who approves, who must not be its author.
        #[arg(long, env = "USER", default_value = "operator", value_parser = Person::new)]
        by: Person,
    },
    /// Reject an adjustment that waits: no statement books it. Its author may reject it, too.
    Reject {
        /// The provider that it would have credited or charged.
        provider: ProviderId,
        /// Its name, as `list` shows it.
        id: AdjustmentId,
        /// The reason, which stays with it.
        #[arg(long, value_parser = Reason::new)]
        reason: Reason,
        /// The name of the person who rejects it.
        #[arg(long, env = "USER", default_value = "operator", value_parser = Person::new)]
        by: Person,
    },
}

/// An adjustment, and whether a second person has to approve it before a statement books it.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    #[serde(flatten)]
    adjustment: Adjustment,
    pub(crate) needs_approval: bool,
}

impl Shown {
    pub(crate) fn of(adjustment: Adjustment, rules: &DebitRules) -> Shown {
        let needs_approval = adjustment.is_waiting() && !adjustment.note.may_be_booked(rules);
        Shown { adjustment, needs_approval }
    }
}

impl AdjustmentsCommand {
    pub(crate) async fn run(
        self,
        target: &TargetArgs,
        platform: &PlatformArgs,
    ) -> Result<Exit, Error> {
        let is_decision =
            matches!(self, AdjustmentsCommand::Approve { .. } | AdjustmentsCommand::Reject { .. });
        let system = match is_decision {
            true => target.system(platform).await?,
            false => target.system_to_read(platform).await?,
        };
        let (books, now) = (system.books()?, system.clock.now());
        let one = match self {
            AdjustmentsCommand::List { provider } => {
                return list(target, &system, provider.as_ref()).await;
            }
            AdjustmentsCommand::Show { provider, id } => {
                let found = system.tables.billing.adjustment(&provider, &id).await?;
                found.ok_or_else(|| format!("{provider} has no adjustment {id}"))?
            }
            AdjustmentsCommand::Approve { provider, id, by } => {
                books.approve_adjustment(&provider, &id, &by, now).await?
            }
            AdjustmentsCommand::Reject { provider, id, reason, by } => {
                books.reject_adjustment(&provider, &id, (&by, &reason), now).await?
            }
        };
        let shown = Shown::of(one, &books.rules);
        if target.json {
            output::json(&shown)?;
        } else {
            print_one(&shown, &system.times()?)?;
        }
        Ok(Exit::Done)
    }
}

async fn list(
    target: &TargetArgs,
    system: &System,
    provider: Option<&ProviderId>,
) -> Result<Exit, Error> {
    let (rules, times) = (system.rules()?, system.times()?);
    let mut is_well = true;
    let adjustments = match provider {
        Some(provider) => {
            registered(&system.tables, provider).await?;
            system.tables.billing.adjustments(provider).await?
        }
        None => {
            let registry = system.tables.registry().await?;
            is_well = output::tell_unreadable(&registry.unreadable, target.json);
            registry.accounts.into_iter().flat_map(|found| waiting(&found.account)).collect()
        }
    };
    let shown = adjustments.into_iter().map(|of| Shown::of(of, &rules)).collect::<Vec<_>>();
    if target.json {
        output::json(&shown)?;
        return Ok(Exit::done(is_well));
    }
    let mut table = output::table(["provider\nadjustment", ">amount", "by\nreason", "state"]);
    for of in &shown {
        let Adjustment { provider, note, .. } = &of.adjustment;
        table.add_row([
            format!("{provider}\n{}", note.adjustment),
            explain::fen(note.amount_fen),
            format!("{}\n{}", note.by, note.reason),
            state(of, &times),
        ]);
    }
    output::print(table)?;
    Ok(Exit::done(is_well))
}

/// The adjustments that wait on an account.
fn waiting(account: &steelyard_billing::Account) -> Vec<Adjustment> {
    let (provider, notes) = (&account.provider, account.adjustments.iter());
    let adjustment = |note: &AdjustmentNote| Adjustment {
        provider: provider.clone(),
        note: note.clone(),
        phase: AdjustmentPhase::Waiting,
    };
    notes.map(adjustment).collect()
}

/// Prints an adjustment, with what it refers to and what became of it.
pub(crate) fn print_one(of: &Shown, times: &Times) -> Result<(), Error> {
    let Adjustment { provider, note, .. } = &of.adjustment;
    output::print(format_args!("{provider}, {}", explain::adjustment(note)))?;
    output::print(format_args!("    made at {}", times.show(note.made_at_s)))?;
    output::print(format_args!("    {}", state(of, times)))
}

fn state(of: &Shown, times: &Times) -> String {
    match &of.adjustment.phase {
        AdjustmentPhase::Waiting if of.needs_approval => {
            "waits for the approval of a second person".to_owned()
        }
        AdjustmentPhase::Waiting => "waits for the next statement".to_owned(),
        AdjustmentPhase::Booked { booked_on } => format!("booked on statement {booked_on}"),
        AdjustmentPhase::Rejected { rejected_by, rejected_at_s, rejected_because } => {
            let at = times.show(*rejected_at_s);
            format!("rejected by {rejected_by} at {at}: {rejected_because}")
        }
    }
}
