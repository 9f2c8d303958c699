//! `steelyard mandates`: the Alipay agreements under which debits are made.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::json;
use steelyard_alipay::{AgreementKey, Alipay};
use steelyard_billing::mandate::{EndReason, MandateLimits, MandatePhase, MandateStep};
use steelyard_billing::{Agreement, Mandate, MandateId, ProviderId, Reason};
use steelyard_books::{Applied, BookError, Books};
use steelyard_pricing::Fen;
use steelyard_runtime::Error;
use steelyard_store::{AccountPage, ProviderAccount};

use super::registered;
use crate::exit::Exit;
use crate::output::{self, Times};
use crate::target::{PlatformArgs, System, TargetArgs};
use crate::values;

/// Show the mandates of providers, adopt one that was signed elsewhere, lower, end or resume one.
#[derive(Debug, Subcommand)]
pub(crate) enum MandatesCommand {
    /// List the mandates of all providers, offered and ended ones too.
    List,
    /// Adopt an agreement that a provider signed elsewhere. From now on debits are made under it,
    /// and the mandate in use until now ends.
    ///
    /// Alipay is queried first. Nothing changes unless it answers that the agreement is in force.
    /// With `--aws` the query takes the debit function's variables ALIPAY_GATEWAY, ALIPAY_APP_ID,
    /// ALIPAY_PUBLIC_KEY and ALIPAY_SECRET_ID, and the right to read that secret.
    Adopt(AdoptArgs),
    /// End a mandate: no more debits are made under it, and the agreement is ended at Alipay.
    End {
        #[command(flatten)]
        which: WhichArgs,
        /// The reason, which is kept with the mandate.
        #[arg(long)]
        reason: String,
    },
    /// Lower the limits of a mandate, for debits that are not sent yet. They can't be raised: for
    /// that a provider signs another mandate.
    Lower {
        #[command(flatten)]
        which: WhichArgs,
        #[command(flatten)]
        limits: LimitArgs,
    },
    /// Resume a suspended mandate. Alipay is queried about it before the next debit.
    Resume {
        #[command(flatten)]
        which: WhichArgs,
    },
}

/// A mandate, by its provider and number.
#[derive(Debug, Args)]
pub(crate) struct WhichArgs {
    /// The provider's id.
    provider: ProviderId,
    /// The mandate's number among the provider's.
    #[arg(value_parser = mandate_id)]
    mandate: MandateId,
}

/// An agreement that was signed elsewhere.
#[derive(Debug, Args)]
pub(crate) struct AdoptArgs {
    /// The provider's id.
    provider: ProviderId,
    /// Alipay's number of the agreement.
    #[arg(long)]
    agreement: String,
    #[command(flatten)]
    limits: LimitArgs,
}

/// What may be debited under a mandate.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct LimitArgs {
    /// The largest single debit, in yuan.
    #[arg(long, value_parser = values::amount, allow_negative_numbers = true)]
    single_limit: Fen,
    /// The largest sum of a day's debits, in yuan.
    #[arg(long, value_parser = values::amount, allow_negative_numbers = true)]
    daily_limit: Option<Fen>,
}

impl LimitArgs {
    const fn limits(self) -> MandateLimits {
        MandateLimits { single_fen: self.single_limit, daily_fen: self.daily_limit }
    }
}

fn mandate_id(text: &str) -> Result<MandateId, String> {
    values::number(text).map(MandateId)
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
                let limits = args.limits.limits();
                registered(&system.tables, &args.provider).await?;
                let (books, alipay) = (system.books()?, system.alipay().await?);
                let now = system.clock.now();
                let agreement = in_force(&alipay, &args.agreement, now).await?;
                let adopted = adopt(&books, &args.provider, &agreement, limits, now).await?;
                show(target, &adopted)
            }
            MandatesCommand::End { which, reason } => {
                let why = EndReason::RevokedHere { reason: Reason::new(&reason)? };
                which
                    .decide(target, platform, |mandate, now| mandate.ending(why.clone(), now))
                    .await
            }
            MandatesCommand::Lower { which, limits } => {
                which
                    .decide(target, platform, |mandate, _| {
                        mandate.with_lower_limits(limits.limits())
                    })
                    .await
            }
            MandatesCommand::Resume { which } => {
                which.decide(target, platform, Mandate::resumed).await
            }
        }
    }
}

impl WhichArgs {
    async fn decide<E: Into<BookError>>(
        &self,
        target: &TargetArgs,
        platform: &PlatformArgs,
        decide: impl Fn(&Mandate, Timestamp) -> Result<Mandate, E> + Send + Sync,
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

/// An agreement that Alipay confirms to be in force.
///
/// # Errors
///
/// When Alipay says that it is not, or does not answer.
pub(crate) async fn in_force(
    alipay: &Alipay,
    agreement_no: &str,
    now: Timestamp,
) -> Result<Agreement, Error> {
    let key = AgreementKey::AgreementNo(agreement_no.to_owned());
    let agreement = alipay.query_agreement(&key, now).await.in_force();
    agreement.map_err(|why| format!("agreement {agreement_no} is not adopted: {why}").into())
}

/// Adopts an agreement that was signed elsewhere and is in force. One that the provider has under
/// the same limits already is left alone.
pub(crate) async fn adopt(
    books: &Books,
    provider: &ProviderId,
    agreement: &Agreement,
    limits: MandateLimits,
    now: Timestamp,
) -> Result<Mandate, Error> {
    let mandate = match books.adopt_mandate(provider, agreement, limits, now).await? {
        Applied::Now(adopted) => return Ok(adopted),
        Applied::Before(mandate) => mandate,
        Applied::Contradicts(_) | Applied::Unknown => {
            let number = &agreement.agreement_no;
            return Err(format!("agreement {number} is another provider's").into());
        }
    };
    if mandate.limits() == limits && mandate.phase == MandatePhase::Active {
        return Ok(mandate);
    }
    Err(format!(
        "agreement {} is mandate {} of {provider} already, {}, {}",
        agreement.agreement_no,
        mandate.mandate,
        mandate.phase,
        mandate.limits()
    )
    .into())
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
    let (provider, id, state) = (&mandate.provider, mandate.mandate, &mandate.phase);
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
    output::lines([
        agreement,
        Some(mandate.phase.to_string()),
        end(mandate).map(|at| format!("until {}", times.show(at))),
        next(mandate, times),
    ])
}

/// When a signed agreement ends by itself; none if it is not limited in time, and once it ends
/// anyway.
fn end(mandate: &Mandate) -> Option<Timestamp> {
    match mandate.phase {
        MandatePhase::Active | MandatePhase::Suspended { .. } => mandate.ends_at_s,
        MandatePhase::Offered
        | MandatePhase::Ending { .. }
        | MandatePhase::ConfirmingEnd { .. }
        | MandatePhase::Ended { .. } => None,
    }
}

/// The next step that Steelyard takes for the mandate. The first debit of a day queries an active
/// one.
fn next(mandate: &Mandate, times: &Times) -> Option<String> {
    let at = mandate.due_at().filter(|_| mandate.phase != MandatePhase::Active)?;
    match mandate.next_step(at) {
        MandateStep::Wait => None,
        MandateStep::Query => Some(format!("next query at {}", times.show(at))),
        MandateStep::Unsign => Some(format!("to be ended at Alipay at {}", times.show(at))),
    }
}
