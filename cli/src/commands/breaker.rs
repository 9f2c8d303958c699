//! `steelyard breaker`: whether debits are made at all.

use clap::Subcommand;
use serde_json::json;
use steelyard_billing::Reason;
use steelyard_billing::breaker::{Breaker, BreakerState, Trip};
use steelyard_runtime::Error;
use steelyard_store::CommitError;

use crate::exit::Exit;
use crate::output;
use crate::target::{PlatformArgs, TargetArgs};

/// Show whether debits are made, stop all of them, or let them go on.
#[derive(Debug, Subcommand)]
pub(crate) enum BreakerCommand {
    /// Show whether debits are made, and why not.
    Show,
    /// Stop all debits, until a person lets them go on.
    Stop {
        /// Why, for whoever looks at it later.
        #[arg(long)]
        reason: String,
    },
    /// Let debits go on.
    Resume {
        /// Why, for whoever looks at it later.
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
        let now = platform.clock()?.now();
        let breaker = match self {
            BreakerCommand::Show => target.tables_to_read().await?.billing.breaker().await?,
            BreakerCommand::Stop { reason } => {
                let reason = Reason::new(&reason)?;
                change(target, |breaker| breaker.stopped(reason.clone(), now)).await?
            }
            BreakerCommand::Resume { reason } => {
                let reason = Reason::new(&reason)?;
                change(target, |breaker| breaker.resumed(reason.clone(), now)).await?
            }
        };
        show(target, &breaker)
    }
}

/// Changes the breaker, which the debit function may be writing at the same time.
async fn change(
    target: &TargetArgs,
    change: impl Fn(&Breaker) -> Breaker,
) -> Result<Breaker, Error> {
    let billing = target.tables().await?.billing;
    loop {
        let before = billing.breaker().await?;
        let after = change(&before);
        if after == before {
            return Ok(after);
        }
        match billing.store_breaker(&before, &after).await {
            Ok(()) => return Ok(after),
            Err(CommitError::Stale) => {}
            Err(CommitError::Store(error)) => return Err(error.into()),
        }
    }
}

/// Shows it; exits with 3 while it is open.
fn show(target: &TargetArgs, breaker: &Breaker) -> Result<Exit, Error> {
    let is_closed = breaker.state == BreakerState::Closed;
    if target.json {
        output::json(&json!(breaker))?;
    } else {
        output::print(told(breaker))?;
    }
    Ok(if is_closed { Exit::Done } else { Exit::NotAllWell })
}

fn told(breaker: &Breaker) -> String {
    match (&breaker.state, &breaker.resumed) {
        (BreakerState::Closed, None) => "debits are made".to_owned(),
        (BreakerState::Closed, Some(resumed)) => {
            let (at, reason) = (resumed.at_s, &resumed.reason);
            format!("debits are made; last resumed at {at}: {reason}")
        }
        (BreakerState::Open { since_s, why, probe_at_s, .. }, _) => {
            let next = match probe_at_s {
                Some(at) => format!("one is tried at {at}"),
                None => "only `steelyard breaker resume` lets them go on".to_owned(),
            };
            format!("no debit is made since {since_s}: {}; {next}", trip(why))
        }
    }
}

fn trip(why: &Trip) -> String {
    match why {
        Trip::OwnAccount(code) => format!("our own account at Alipay is in trouble: {}", code.0),
        Trip::TooManyInDoubt { asked, doubted } => {
            format!("{doubted} of {asked} debits were in doubt within five minutes")
        }
        Trip::ByOperator { reason } => format!("stopped by a person: {reason}"),
    }
}
