//! `steelyard settle`: the nightly settlement, run now.

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use steelyard_billing::ProviderId;
use steelyard_books::{SettleRun, Settler};
use steelyard_runtime::{Error, chain};
use steelyard_store::Unreadable;
use steelyard_store::schema::REGISTRY_SHARDS;

use crate::exit::Exit;
use crate::output;
use crate::target::{PlatformArgs, TargetArgs};

/// Charge every unsettled day up to yesterday, for every provider. Running it again changes
/// nothing.
#[derive(Debug, Args)]
pub(crate) struct SettleArgs {
    /// Only this provider.
    #[arg(long)]
    provider: Option<ProviderId>,
}

/// How many providers are settled between two steps of the progress bar.
const PAGE: u16 = 100;

/// The result of a run.
#[derive(Default)]
struct Outcome {
    statements: usize,
    failed: Vec<String>,
}

impl SettleArgs {
    pub(crate) async fn run(
        self,
        target: &TargetArgs,
        platform: &PlatformArgs,
    ) -> Result<Exit, Error> {
        let system = target.system(platform).await?;
        let settler = Settler { books: system.books()?, usage: system.tables.usage };
        let now = system.clock.now();
        settler.note_run(now).await?;
        let run = settler.begin(now).await?;
        let outcome = match &self.provider {
            Some(provider) => one(&settler, &run, provider).await?,
            None => all(&settler, &run).await?,
        };
        if target.json {
            output::json(&json!({ "statements": outcome.statements, "failed": outcome.failed }))?;
        } else {
            output::print(format_args!("{} statements made", outcome.statements))?;
            for failed in &outcome.failed {
                output::print(format_args!("not settled: {failed}"))?;
            }
        }
        Ok(Exit::done(outcome.failed.is_empty()))
    }
}

async fn one(settler: &Settler, run: &SettleRun, provider: &ProviderId) -> Result<Outcome, Error> {
    let statements = settler.provider(run, provider).await?.len();
    Ok(Outcome { statements, ..Outcome::default() })
}

async fn all(settler: &Settler, run: &SettleRun) -> Result<Outcome, Error> {
    let style = ProgressStyle::with_template("settling {bar:30} {pos}/{len} shards, {msg}")?;
    let bar = ProgressBar::new(u64::from(REGISTRY_SHARDS)).with_style(style);
    let mut outcome = Outcome::default();
    for shard in 0..REGISTRY_SHARDS {
        let mut after = None;
        loop {
            let page = settler.page(run, shard, after.as_deref(), PAGE).await?;
            outcome.statements += page.statements.len();
            outcome.failed.extend(page.failed.iter().map(|(_, error)| chain(error)));
            outcome.failed.extend(
                page.unreadable
                    .iter()
                    .map(|Unreadable { sk, why, .. }| format!("`{sk}` cannot be read: {why}")),
            );
            bar.set_message(format!("{} statements", outcome.statements));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(outcome)
}
