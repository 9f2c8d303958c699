//! `steelyard settle`: what the schedule does every night, now.

use std::error::Error as _;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use steelyard_billing::ProviderId;
use steelyard_runtime::Error;
use steelyard_settle::Settler;
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

/// What a run came to.
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
        let tables = target.tables().await?;
        let settler =
            Settler::new(tables.usage, tables.billing, platform.terms()?, platform.clock()?);
        let outcome = match &self.provider {
            Some(provider) => one(&settler, provider).await?,
            None => all(&settler).await?,
        };
        if target.json {
            output::json(&json!({ "statements": outcome.statements, "failed": outcome.failed }))?;
        } else {
            output::print(format_args!("{} statements made", outcome.statements))?;
            for failed in &outcome.failed {
                output::print(format_args!("not settled: {failed}"))?;
            }
        }
        Ok(if outcome.failed.is_empty() { Exit::Done } else { Exit::NotAllWell })
    }
}

async fn one(settler: &Settler, provider: &ProviderId) -> Result<Outcome, Error> {
    let run = settler.begin().await?;
    let statements = settler.provider(&run, provider).await?.len();
    Ok(Outcome { statements, ..Outcome::default() })
}

async fn all(settler: &Settler) -> Result<Outcome, Error> {
    let run = settler.begin().await?;
    let style = ProgressStyle::with_template("settling {bar:30} {pos}/{len} shards, {msg}")?;
    let bar = ProgressBar::new(u64::from(REGISTRY_SHARDS)).with_style(style);
    let mut outcome = Outcome::default();
    for shard in 0..REGISTRY_SHARDS {
        let mut after = None;
        loop {
            let page = settler.page(&run, shard, after.as_ref(), PAGE).await?;
            outcome.statements += page.statements;
            outcome.failed.extend(page.failed.iter().map(|(_, error)| match error.source() {
                Some(source) => format!("{error}: {source}"),
                None => error.to_string(),
            }));
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
