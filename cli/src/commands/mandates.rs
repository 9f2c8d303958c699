//! `steelyard mandates`: the Alipay agreements under which debits are made.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::json;
use steelyard_billing::mandate::{
    EndReason, MandateConflict, MandateLimits, MandatePhase, MandateStep, Suspension,
};
use steelyard_billing::{Mandate, MandateId, ProviderId, Reason};
use steelyard_books::{Applied, Books};
use steelyard_pricing::Fen;
use steelyard_runtime::Error;
use steelyard_store::{AccountPage, ProviderAccount};

use crate::exit::Exit;
use crate::output::{self, Times};
use crate::target::{PlatformArgs, System, TargetArgs};

/// Show the mandates of providers, adopt one that was signed elsewhere, end or resume one.
#[derive(Debug, Subcommand)]
pub(crate) enum MandatesCommand {
    /// List the mandates of all providers, offered and ended ones too.
    List,
    /// Adopt an agreement that a provider signed elsewhere. From now on debits are made under it, and
    /// the mandate in use until now ends.
    Adopt(AdoptArgs),
    /// End a mandate: no more debits are made under it, and the agreement is ended at Alipay.
    End {
        #[command(flatten)]
        which: WhichArgs,
        /// The reason, which is kept with the mandate.
        #[arg(long)]
        reason: String,
    },
    /// Resume a suspended mandate. Alipay is queried about it before the next debit.
    Resume {
        #[command(flatten)]
        which: WhichArgs,
    },
}

/// Which mandate.
#[derive(Debug, Args)]
pub(crate) struct WhichArgs {
    /// The provider.
    provider: ProviderId,
    /// The mandate's number among the provider's.
    #[arg(value_parser = mandate_id)]
    mandate: MandateId,
}

/// An agreement that was signed elsewhere.
#[derive(Debug, Args)]
pub(crate) struct AdoptArgs {
    /// The provider.
    provider: ProviderId,
    /// Alipay's number of the agreement.
    #[arg(long)]
    agreement: String,
    /// The largest single debit, in yuan.
    #[arg(long)]
    single_limit: Fen,
    /// The largest sum of a day's debits, in yuan.
    #[arg(long)]
    daily_limit: Option<Fen>,
}

fn mandate_id(text: &str) -> Result<MandateId, std::num::ParseIntError> {
    text.parse().map(MandateId)
}

impl MandatesCommand {
    pub(crate) async fn run(
        self,
        target: &TargetArgs,
        platform: &PlatformArgs,
    ) -> Result<Exit, Error> {
        match self {
            MandatesCommand::List => list(target, &target.system_to_read(platform).await?).await,
            MandatesCommand::Adopt(args) => {
                let system = target.system(platform).await?;
                let limits =
                    MandateLimits { single_fen: args.single_limit, daily_fen: args.daily_limit };
                let (books, now) = (system.books()?, system.clock.now());
                let adopted = adopt(&books, &args.provider, &args.agreement, limits, now).await?;
                show(target, &adopted)
            }
            MandatesCommand::End { which, reason } => {
                let why = EndReason::RevokedHere { reason: Reason::new(&reason)? };
                which
                    .decide(target, platform, |mandate, now| mandate.ending(why.clone(), now))
                    .await
            }
            MandatesCommand::Resume { which } => {
                which.decide(target, platform, Mandate::resumed).await
            }
        }
    }
}

impl WhichArgs {
    async fn decide(
        &self,
        target: &TargetArgs,
        platform: &PlatformArgs,
        decide: impl Fn(&Mandate, Timestamp) -> Result<Mandate, MandateConflict> + Send + Sync,
    ) -> Result<Exit, Error> {
        let system = target.system(platform).await?;
        let now = system.clock.now();
        let decided = system
            .books()?
            .decide_mandate(&self.provider, self.mandate, now, |mandate| decide(mandate, now))
            .await?;
        show(target, &decided)
    }
}

/// Adopts an agreement that was signed elsewhere. One that the provider has already is left alone.
pub(crate) async fn adopt(
    books: &Books,
    provider: &ProviderId,
    agreement: &str,
    limits: MandateLimits,
    now: Timestamp,
) -> Result<Mandate, Error> {
    match books.adopt_mandate(provider, agreement, limits, now).await? {
        Applied::Now(mandate) | Applied::Before(mandate) => Ok(mandate),
        Applied::Contradicts(_) | Applied::Unknown => {
            Err(format!("agreement {agreement} is another provider's").into())
        }
    }
}

async fn list(target: &TargetArgs, system: &System) -> Result<Exit, Error> {
    let AccountPage { accounts, unreadable, .. } = system.tables.registry().await?;
    let exit = Exit::done(output::tell_unreadable(&unreadable, target.json));
    let mut mandates = Vec::new();
    for ProviderAccount { provider, .. } in accounts {
        mandates.extend(system.tables.billing.all::<Mandate>(&provider.provider).await?);
    }
    if target.json {
        output::json(&mandates)?;
        return Ok(exit);
    }
    let mut table = output::table(["provider", ">mandate", ">limit", "state"]);
    let times = system.times()?;
    for mandate in &mandates {
        table.add_row(row(mandate, &times));
    }
    output::print(table)?;
    Ok(exit)
}

fn show(target: &TargetArgs, mandate: &Mandate) -> Result<Exit, Error> {
    if target.json {
        output::json(&json!(mandate))?;
        return Ok(Exit::Done);
    }
    let number = mandate.agreement_no.as_deref().unwrap_or("not signed");
    let (provider, id, state) = (&mandate.provider, mandate.mandate, state(mandate));
    output::print(format_args!("mandate {id} of {provider}, agreement {number}: {state}"))?;
    Ok(Exit::Done)
}

fn row(mandate: &Mandate, times: &Times) -> [String; 4] {
    [
        mandate.provider.to_string(),
        mandate.mandate.to_string(),
        mandate.limit().to_string(),
        standing(mandate, times),
    ]
}

/// Its agreement, its state, and what happens next, a line each.
fn standing(mandate: &Mandate, times: &Times) -> String {
    let agreement = mandate.agreement_no.as_ref().map(|number| format!("agreement {number}"));
    let lines = [agreement, Some(state(mandate)), next(mandate, times)];
    output::lines(lines)
}

fn state(mandate: &Mandate) -> String {
    match &mandate.phase {
        MandatePhase::Offered => "offered".to_owned(),
        MandatePhase::Active => "active".to_owned(),
        MandatePhase::Suspended { why: Suspension::ByGateway, .. } => {
            "suspended at Alipay".to_owned()
        }
        MandatePhase::Suspended { why: Suspension::ByDebit { debit, given_up }, .. } => {
            format!("suspended, debit {debit}: {given_up}")
        }
        MandatePhase::Ending { why } | MandatePhase::ConfirmingEnd { why } => {
            format!("ending, {}", reason(why))
        }
        MandatePhase::Ended { why, .. } => format!("ended, {}", reason(why)),
    }
}

fn reason(why: &EndReason) -> String {
    match why {
        EndReason::RevokedByProvider => "revoked by the provider".to_owned(),
        EndReason::RevokedHere { reason } => format!("revoked here: {reason}"),
        EndReason::Expired => "expired".to_owned(),
        EndReason::Replaced { by } => format!("replaced by mandate {by}"),
        EndReason::NotSigned => "never signed".to_owned(),
    }
}

fn next(mandate: &Mandate, times: &Times) -> Option<String> {
    let at = mandate.due_at()?;
    match mandate.next_step(at) {
        MandateStep::Wait => None,
        MandateStep::Query => Some(format!("next query at {}", times.show(at))),
        MandateStep::Unsign => Some(format!("to be ended at Alipay at {}", times.show(at))),
    }
}
