//! `steelyard standing`: what providers' arrears mean for their calls.

use clap::Subcommand;
use serde_json::json;
use steelyard_billing::{
    Account, ActionPhase, ActionRequest, Actor, Because, Deed, Person, ProviderId, Reason, Stage,
    StageHold, Standing,
};
use steelyard_books::IdempotencyKey;
use steelyard_pricing::BillingDay;
use steelyard_runtime::{Error, chain};
use steelyard_store::{AccountPage, ProviderAccount, StoredLadders};

use super::registered;
use crate::exit::Exit;
use crate::output;
use crate::target::{PlatformArgs, System, TargetArgs};

/// Show where providers stand on the arrears ladder, and hold one at a stage.
#[derive(Debug, Subcommand)]
pub(crate) enum StandingCommand {
    /// List the providers that are not in good standing, are held at a stage, or are cut off by
    /// their own cap.
    List {
        /// List those in good standing too.
        #[arg(long)]
        all: bool,
    },
    /// Show where a provider stands, why, and what restores a good standing.
    Show {
        /// The provider's id.
        provider: ProviderId,
    },
    /// Hold a provider at a stage until a day. The ladder does not apply to it until then.
    Hold {
        /// The provider's id.
        provider: ProviderId,
        /// The stage: good, notice, throttled, payouts_frozen, suspended or terminated.
        #[arg(long)]
        stage: Stage,
        /// The first day on which the ladder decides again.
        #[arg(long)]
        until: BillingDay,
        /// Why. Gateways get this text.
        #[arg(long, value_parser = Reason::new)]
        reason: Reason,
        /// The name of the person who decides it.
        #[arg(long, env = "USER", default_value = "operator", value_parser = Person::new)]
        by: Person,
    },
    /// Let the ladder decide again about a provider that is held at a stage.
    Release {
        /// The provider's id.
        provider: ProviderId,
        /// The reason, which is kept with the action.
        #[arg(long, value_parser = Reason::new)]
        reason: Reason,
        /// The name of the person who decides it.
        #[arg(long, env = "USER", default_value = "operator", value_parser = Person::new)]
        by: Person,
    },
}

impl StandingCommand {
    pub(crate) async fn run(
        self,
        target: &TargetArgs,
        platform: &PlatformArgs,
    ) -> Result<Exit, Error> {
        match self {
            StandingCommand::List { all } => {
                list(target, &target.system_to_read(platform).await?, all).await
            }
            StandingCommand::Show { provider } => {
                show(target, &target.system_to_read(platform).await?, &provider).await
            }
            StandingCommand::Hold { provider, stage, until, reason, by } => {
                let system = target.system(platform).await?;
                let held_at_s = system.clock.now();
                let (why, who) = (reason.clone(), by.clone());
                let hold = StageHold { stage, until, reason: why, by: who, held_at_s };
                check_hold(&system, &provider, hold).await?;
                let what = Deed::HoldStage { provider: provider.clone(), stage, until };
                decide(&system, &provider, what, reason, by).await?;
                show(target, &system, &provider).await
            }
            StandingCommand::Release { provider, reason, by } => {
                let system = target.system(platform).await?;
                let what = Deed::ReleaseStage { provider: provider.clone() };
                decide(&system, &provider, what, reason, by).await?;
                show(target, &system, &provider).await
            }
        }
    }
}

/// Refuses a hold at a stage of which no ladder says how many calls pass.
async fn check_hold(system: &System, provider: &ProviderId, hold: StageHold) -> Result<(), Error> {
    let (calendar, now) = (system.rules()?.calendar, system.clock.now());
    let StoredLadders { ladders, .. } = system.tables.billing.ladders().await?;
    let account = registered(&system.tables, provider).await?.account;
    let held = Account { stage_hold: Some(hold), ..account };
    let standing = held.standing(&ladders, &calendar, now)?;
    if standing.stage == Stage::Throttled && standing.calls_per_second.is_none() {
        return Err("no ladder in force says how many calls a second pass at `throttled`: add one with calls_per_second".into());
    }
    Ok(())
}

/// Carries out a decision of an operator, which is recorded as an action.
async fn decide(
    system: &System,
    provider: &ProviderId,
    what: Deed,
    reason: Reason,
    by: Person,
) -> Result<(), Error> {
    let (account, now) = (registered(&system.tables, provider).await?.account, system.clock.now());
    // Each decision is an action of its own, whenever it is made and whatever came before.
    let key = IdempotencyKey::parse(&format!("{what}, after {}, at {now}", account.version))?;
    let by = Actor::Operator { operator: by };
    let request = ActionRequest { by, reason: Some(reason), what };
    let action = system.books()?.act(&key, &request, false, now).await?;
    match action.phase {
        ActionPhase::Refused { why, .. } => Err(why.into()),
        ActionPhase::Asked
        | ActionPhase::Waiting
        | ActionPhase::Done { .. }
        | ActionPhase::Rejected { .. } => Ok(()),
    }
}

async fn list(target: &TargetArgs, system: &System, all: bool) -> Result<Exit, Error> {
    let (calendar, now) = (system.rules()?.calendar, system.clock.now());
    let StoredLadders { ladders, .. } = system.tables.billing.ladders().await?;
    let AccountPage { accounts, unreadable, .. } = system.tables.registry().await?;
    let is_well = output::tell_unreadable(&unreadable, target.json);
    let (mut standings, mut failed) = (Vec::new(), Vec::new());
    for ProviderAccount { account, .. } in &accounts {
        match account.standing(&ladders, &calendar, now) {
            Ok(standing) => standings.push(standing),
            Err(error) => failed.push(format!("{}: {}", account.provider, chain(&error))),
        }
    }
    let exit = Exit::done(is_well && failed.is_empty());
    let is_held = |standing: &Standing| matches!(standing.because, Because::Held { .. });
    standings.retain(|standing| {
        all || standing.stage != Stage::Good || standing.blocked || is_held(standing)
    });
    standings.sort_by(|one, other| {
        other.stage.cmp(&one.stage).then_with(|| one.provider.as_str().cmp(other.provider.as_str()))
    });
    if target.json {
        output::json(&json!({ "standings": standings, "failed": failed }))?;
        return Ok(exit);
    }
    failed.iter().try_for_each(|of| output::print(format_args!("cannot be told: {of}")))?;
    if standings.is_empty() {
        output::print(if failed.is_empty() {
            "every provider is in good standing"
        } else {
            "every other provider is in good standing"
        })?;
        return Ok(exit);
    }
    let mut table =
        output::table(["provider", "stage", ">owed", ">overdue days", ">to pay", "why"]);
    for standing in &standings {
        table.add_row([
            standing.provider.to_string(),
            standing.stage.to_string(),
            standing.owed_fen.to_string(),
            standing.overdue_days.to_string(),
            standing.cure_fen.to_string(),
            because(standing),
        ]);
    }
    output::print(table)?;
    Ok(exit)
}

async fn show(target: &TargetArgs, system: &System, provider: &ProviderId) -> Result<Exit, Error> {
    let (calendar, now) = (system.rules()?.calendar, system.clock.now());
    let StoredLadders { ladders, .. } = system.tables.billing.ladders().await?;
    let account = registered(&system.tables, provider).await?.account;
    let standing = account.standing(&ladders, &calendar, now)?;
    if target.json {
        output::json(&json!({ "standing": standing, "hold": account.hold_on(system.today()?) }))?;
        return Ok(Exit::Done);
    }
    output::print(format_args!("{provider}: {}, since {}", standing.stage, because(&standing)))?;
    output::print(format_args!("{}", consequences(&standing)))?;
    if standing.cure_fen.is_positive() {
        output::print(format_args!(
            "¥{} restore a good standing at once, by a recharge or a transfer",
            standing.cure_fen
        ))?;
    }
    if let Some(next) = standing.next {
        output::print(format_args!("if nothing is paid: {} on {}", next.stage, next.on))?;
    }
    if let Some(hold) = account.hold_on(system.today()?) {
        output::print(format_args!("held by {} until {}: {}", hold.by, hold.until, hold.reason))?;
    }
    Ok(Exit::Done)
}

fn because(standing: &Standing) -> String {
    match &standing.because {
        Because::NoLadder => "no arrears ladder is in force".to_owned(),
        Because::Exempt => "the ladder leaves it out".to_owned(),
        Because::NoStepReached => "no step of the ladder is reached".to_owned(),
        Because::Overdue => {
            format!(
                "its oldest charge is overdue for {}",
                output::counted(standing.overdue_days, "day")
            )
        }
        Because::Owed => format!("it owes ¥{}", standing.owed_fen),
        Because::Capped { cap_fen, until, .. } => {
            format!("its month costs as much as its own cap, ¥{cap_fen}; until {until}")
        }
        Because::Held { reason, .. } => format!("an operator decided so: {reason}"),
    }
}

fn consequences(standing: &Standing) -> String {
    let calls = match (standing.blocked, standing.calls_per_second) {
        (true, _) => "no call passes".to_owned(),
        (false, Some(1)) => "1 call a second passes".to_owned(),
        (false, Some(calls)) => format!("{calls} calls a second pass"),
        (false, None) => "all calls pass".to_owned(),
    };
    let payouts = if standing.payouts_frozen { "nothing is paid out" } else { "payouts go on" };
    format!("{calls}, {payouts}")
}
