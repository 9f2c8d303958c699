//! `steelyard mandates`: the agreements by which providers let us withhold.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::json;
use steelyard_billing::mandate::{
    EndReason, MandateLimits, MandateOutcome, MandatePhase, MandateStep, Suspension,
};
use steelyard_billing::{Mandate, MandateId, ProviderId, Reason};
use steelyard_pricing::Fen;
use steelyard_runtime::Error;
use steelyard_store::{CommitError, MandateBooked, ProviderAccount};

use super::customer;
use crate::exit::Exit;
use crate::output;
use crate::tables::Tables;
use crate::target::{PlatformArgs, TargetArgs};

/// Show the mandates of providers, adopt one that was signed elsewhere, end or resume one.
#[derive(Debug, Subcommand)]
pub(crate) enum MandatesCommand {
    /// List the mandates of all providers, offered and ended ones too.
    List,
    /// Note an agreement that a provider signed elsewhere: debits are made under it from now on, in
    /// place of the one that was used.
    Adopt(AdoptArgs),
    /// End a mandate: no debit is made under it any more, and Alipay is asked to end the agreement.
    End {
        #[command(flatten)]
        which: WhichArgs,
        /// Why, for whoever looks at it later.
        #[arg(long)]
        reason: String,
    },
    /// Let debits be made again under a mandate that is suspended. Alipay is asked about it before
    /// the next one.
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
    /// The most that one debit may take, in yuan.
    #[arg(long)]
    single_limit: Fen,
    /// The most that a day's debits may take, in yuan.
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
        let now = platform.clock()?.now();
        match self {
            MandatesCommand::List => list(target, &target.tables_to_read().await?).await,
            MandatesCommand::Adopt(args) => {
                let tables = target.tables().await?;
                let limits =
                    MandateLimits { single_fen: args.single_limit, daily_fen: args.daily_limit };
                let adopted = adopt(&tables, &args.provider, &args.agreement, limits, now).await?;
                show(target, &adopted)
            }
            MandatesCommand::End { which, reason } => {
                let why = EndReason::RevokedHere { reason: Reason::new(&reason)? };
                change(target, &which, now, |mandate| mandate.ending(why.clone(), now)).await
            }
            MandatesCommand::Resume { which } => {
                change(target, &which, now, |mandate| mandate.resumed(now)).await
            }
        }
    }
}

/// Adopts an agreement that was signed elsewhere. One that the provider has already is left alone.
pub(crate) async fn adopt(
    tables: &Tables,
    provider: &ProviderId,
    agreement: &str,
    limits: MandateLimits,
    now: Timestamp,
) -> Result<Mandate, Error> {
    loop {
        if let Some(owner) = tables.billing.agreement_owner(agreement).await? {
            if owner.provider != *provider {
                return Err(format!("agreement {agreement} is another provider's").into());
            }
            return find(tables, provider, owner.mandate).await;
        }
        let found: ProviderAccount = customer(tables, provider).await?;
        let (adopted, counted) = found.account.adopt_mandate(agreement.to_owned(), limits, now)?;
        match tables.billing.adopt_mandate(&found, &adopted, &counted, now).await {
            Ok(()) => return Ok(adopted),
            Err(CommitError::Stale) => {}
            Err(CommitError::Store(error)) => return Err(error.into()),
        }
    }
}

async fn find(
    tables: &Tables,
    provider: &ProviderId,
    mandate: MandateId,
) -> Result<Mandate, Error> {
    let found: Option<Mandate> = tables.billing.find(provider, &mandate).await?;
    found.ok_or_else(|| format!("provider `{provider}` has no mandate {mandate}").into())
}

async fn change<E: std::error::Error + Send + Sync + 'static>(
    target: &TargetArgs,
    WhichArgs { provider, mandate }: &WhichArgs,
    now: Timestamp,
    change: impl Fn(&Mandate) -> Result<Mandate, E> + Send + Sync,
) -> Result<Exit, Error> {
    let tables = target.tables().await?;
    // What does not fit is told before anything is tried.
    change(&find(&tables, provider, *mandate).await?)?;
    let decide =
        |before: &Mandate| change(before).map_or(MandateOutcome::Known, MandateOutcome::Changed);
    match tables.billing.change_mandate(provider, *mandate, now, decide).await? {
        MandateBooked::Now(stored) | MandateBooked::Before(stored) => show(target, &stored),
        MandateBooked::Crossed(_) | MandateBooked::Unknown => {
            Err(format!("mandate {mandate} of `{provider}` can't be changed so").into())
        }
    }
}

async fn list(target: &TargetArgs, tables: &Tables) -> Result<Exit, Error> {
    let mut mandates = Vec::new();
    for customer in tables.customers().await? {
        mandates.extend(tables.billing.all::<Mandate>(&customer.provider.provider).await?);
    }
    if target.json {
        output::json(&mandates)?;
        return Ok(Exit::Done);
    }
    let mut table = output::table([
        "provider",
        ">mandate",
        "agreement",
        "state",
        ">limit",
        "offered at",
        "checked at",
        "next",
    ]);
    for mandate in &mandates {
        table.add_row(row(mandate));
    }
    output::print(table)?;
    Ok(Exit::Done)
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

fn row(mandate: &Mandate) -> [String; 8] {
    [
        mandate.provider.to_string(),
        mandate.mandate.to_string(),
        mandate.agreement_no.clone().unwrap_or_default(),
        state(mandate),
        mandate.limit().to_string(),
        mandate.offered_at_s.to_string(),
        mandate.checked_at_s.map(|at| at.to_string()).unwrap_or_default(),
        next(mandate),
    ]
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
        MandatePhase::Ending { why, .. } => format!("ending, {}", reason(why)),
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

fn next(mandate: &Mandate) -> String {
    let Some(at) = mandate.due_at() else { return String::new() };
    match mandate.next_step(at) {
        MandateStep::Wait => String::new(),
        MandateStep::Query => format!("asked about at {at}"),
        MandateStep::Unsign => format!("ended at Alipay at {at}"),
    }
}
