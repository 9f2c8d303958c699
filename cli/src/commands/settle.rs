//! `steelyard settle`: the nightly settlement, run now.

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use serde_json::json;
use steelyard_billing::{ProviderId, RunScope};
use steelyard_books::Settler;
use steelyard_pricing::BillingMonth;
use steelyard_runtime::{Error, chain};
use steelyard_store::Unreadable;

use crate::exit::Exit;
use crate::output;
use crate::target::{PlatformArgs, System, TargetArgs};

/// Charge every unsettled day up to yesterday, for every provider. Running it again changes
/// nothing.
#[derive(Debug, Args)]
pub(crate) struct SettleArgs {
    /// Only this provider.
    #[arg(long)]
    provider: Option<ProviderId>,
}

/// The result of a run.
#[derive(Default)]
struct Outcome {
    statements: usize,
    failed: Vec<String>,
    /// The providers whose usage may have expired, each with the first month.
    lapsed: Vec<(ProviderId, BillingMonth)>,
}

impl SettleArgs {
    pub(crate) async fn run(
        self,
        target: &TargetArgs,
        platform: &PlatformArgs,
    ) -> Result<Exit, Error> {
        let system = target.system(platform).await?;
        let (settler, now) = (system.settler_to_store()?, system.clock.now());
        let outcome = match &self.provider {
            Some(provider) => {
                let statements = settler.run_of(provider, now).await?.len();
                Outcome { statements, ..Outcome::default() }
            }
            None => all(&system, &settler, now).await?,
        };
        if target.json {
            let Outcome { statements, failed, lapsed } = &outcome;
            output::json(&json!({ "statements": statements, "failed": failed, "lapsed": lapsed }))?;
        } else {
            output::print(format_args!("{} statements made", outcome.statements))?;
            for failed in &outcome.failed {
                output::print(format_args!("not settled: {failed}"))?;
            }
            for (provider, month) in &outcome.lapsed {
                output::print(format_args!(
                    "{provider}: reports of {month} and later may have expired unsettled"
                ))?;
            }
        }
        Ok(Exit::done(outcome.failed.is_empty()))
    }
}

async fn all(system: &System, settler: &Settler, now: Timestamp) -> Result<Outcome, Error> {
    let (run, unreadable) = settler.begin_run(now).await?;
    let terms = settler.terms(now).await?;
    let RunScope::Shards(shards) = &run.scope else { return Err("not a run over shards".into()) };
    let style = ProgressStyle::with_template("settling {bar:30} {pos}/{len} shards, {msg}")?;
    let bar = ProgressBar::new(u64::try_from(shards.len())?).with_style(style);
    let mut outcome = Outcome::default();
    outcome.failed.extend(unreadable.iter().map(named));
    for shard in shards {
        let Some(mut walk) = settler.walk(&terms, run.number, *shard, || true).await? else {
            continue;
        };
        loop {
            let page = walk.page().await?;
            outcome.statements += page.statements.len();
            outcome.failed.extend(page.failed.iter().map(|(_, error)| chain(error)));
            outcome.failed.extend(page.unreadable.iter().map(named));
            outcome.lapsed.extend(page.lapsed.iter().cloned());
            bar.set_message(format!("{} statements", outcome.statements));
            walk.save(&page).await?;
            if page.end.is_some() {
                break;
            }
        }
        bar.inc(1);
    }
    settler.end_run(run.number, system.clock.now()).await?;
    bar.finish_and_clear();
    Ok(outcome)
}

fn named(Unreadable { sk, why, .. }: &Unreadable) -> String {
    format!("`{sk}` cannot be read: {why}")
}
