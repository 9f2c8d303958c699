//! `steelyard breaker`: shows, opens and closes the breaker of all debits.

use clap::Subcommand;
use serde_json::json;
use steelyard_billing::Reason;
use steelyard_billing::breaker::{Breaker, BreakerState, Trip};
use steelyard_runtime::Error;

use crate::exit::Exit;
use crate::output::{self, Times};
use crate::target::{PlatformArgs, System, TargetArgs};

/// Show whether debits are made, stop all debits, or resume them.
#[derive(Debug, Subcommand)]
pub(crate) enum BreakerCommand {
    /// Show whether debits are made, and why not. Exits with 3 while they are not.
    Show,
    /// Stop all debits until an operator resumes them.
    Stop {
        /// The reason, which is kept with the breaker.
        #[arg(long)]
        reason: String,
    },
    /// Resume debits that the breaker or an operator stopped.
    Resume {
        /// The reason, which is kept with the breaker.
        #[arg(long)]
        reason: String,
    },
}

impl BreakerCommand {
    pub(crate) async fn run(
        self,
        target: &TargetArgs,
        platform: &PlatformArgs,
    ) -> Result<Exit, Error> {
        match self {
            BreakerCommand::Show => {
                let system = target.system_to_read(platform).await?;
                let breaker = system.tables.billing.breaker().await?;
                show(target, &system, &breaker)?;
                Ok(Exit::done(breaker.state == BreakerState::Closed))
            }
            BreakerCommand::Stop { reason } => {
                let reason = Reason::new(&reason)?;
                let system = target.system(platform).await?;
                let now = system.clock.now();
                let stop = |breaker: &Breaker| breaker.stopped(reason.clone(), now);
                show(target, &system, &system.books()?.decide_breaker(stop).await?)
            }
            BreakerCommand::Resume { reason } => {
                let reason = Reason::new(&reason)?;
                let system = target.system(platform).await?;
                let now = system.clock.now();
                let resume = |breaker: &Breaker| breaker.resumed(reason.clone(), now);
                show(target, &system, &system.books()?.decide_breaker(resume).await?)
            }
        }
    }
}

fn show(target: &TargetArgs, system: &System, breaker: &Breaker) -> Result<Exit, Error> {
    if target.json {
        output::json(&json!(breaker))?;
    } else {
        output::print(told(breaker, &system.times()?))?;
    }
    Ok(Exit::Done)
}

/// How debits that were stopped, and are not tried again, go on.
const RESUMED_BY: &str =
    "a person lets them go on: `steelyard breaker resume`, or the operators' page of runs";

fn told(breaker: &Breaker, times: &Times) -> String {
    match (&breaker.state, &breaker.resumed) {
        (BreakerState::Closed, None) => "debits are made".to_owned(),
        (BreakerState::Closed, Some(resumed)) => {
            let (at, reason) = (times.show(resumed.at_s), &resumed.reason);
            format!("debits are made; last resumed at {at}: {reason}")
        }
        (BreakerState::Open { since_s, why, probe_at_s, .. }, _) => {
            let next = match probe_at_s {
                Some(at) => format!("one is tried at {}", times.show(*at)),
                None => RESUMED_BY.to_owned(),
            };
            let since = times.show(*since_s);
            format!("no debit is made since {since}: {}; {next}", trip(why))
        }
    }
}

fn trip(why: &Trip) -> String {
    match why {
        Trip::OwnAccount(code) => format!("our own account at Alipay is in trouble: {}", code.0),
        Trip::TooMuchTrouble { asked, troubled } => {
            format!(
                "{troubled} of {asked} debits were in doubt or refused as wrong within five minutes"
            )
        }
        Trip::ByOperator { reason } => format!("stopped by a person: {reason}"),
    }
}
