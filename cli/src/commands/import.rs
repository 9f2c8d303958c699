//! `steelyard import`: meters a web access log.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;
use futures::{StreamExt, TryStreamExt};
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use steelyard_billing::ProviderId;
use steelyard_ingest::Counter;
use steelyard_pricing::{Amount, BillingMonth, Metered, Name};
use steelyard_runtime::Error;
use steelyard_store::Stored;

use super::provider::{new_provider, require_plan};
use crate::exit::Exit;
use crate::import::{ImportRules, Input, Progress, Summary, import};
use crate::output::{self, grouped};
use crate::tables::Tables;
use crate::target::{PlatformArgs, TargetArgs};

/// Meter a web access log, or JSON lines, as usage reports; the same file twice counts once.
///
/// Takes the Common and the Combined Log Format, and lines of JSON such as
/// {"provider":"shop","api":"trades.get","day":"2015-05-17","count":12}, to which an
/// "amount":"120.50" may be added; gzip or plain. By default
/// the host of a line is the provider, the first segment of the path the API, and successful calls
/// (2xx and 3xx) count. Lines that can't be read are counted and shown. Usage of a month that is
/// closed at the time of the import is refused.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The file; `-` for standard input.
    file: PathBuf,
    /// Register callers that are not known as providers on this plan.
    #[arg(long, value_name = "PLAN")]
    register: Option<Name>,
    /// The first billing month of callers that are registered; the current month unless given.
    #[arg(long, requires = "register")]
    billed_from: Option<BillingMonth>,
    #[command(flatten)]
    rules: ImportRules,
}

/// How many callers are registered concurrently.
const AT_ONCE: usize = 16;

impl ImportArgs {
    pub(crate) async fn run(
        self,
        target: &TargetArgs,
        platform: &PlatformArgs,
    ) -> Result<Exit, Error> {
        let input =
            Input::open(&self.file).map_err(|error| format!("{}: {error}", self.file.display()))?;
        let system = target.system(platform).await?;
        let billed_from = match self.billed_from {
            Some(month) => month,
            None => system.today()?.month(),
        };
        let (calendar, tables) = (system.rules()?.calendar, system.tables);
        if let Some(plan) = &self.register {
            require_plan(target, &tables, plan, billed_from.first_day()).await?;
        }
        let counter = Counter::new(tables.usage.clone(), calendar.clone(), system.clock);
        let bar = progress_bar(&input)?;
        let register = async |callers: &BTreeSet<ProviderId>| match &self.register {
            Some(plan) => register(&tables, callers, plan, billed_from).await,
            None => Ok(()),
        };
        let summary =
            import(input, &self.rules, &calendar, &counter, |far| show(&bar, far), register)
                .await?;
        bar.finish_and_clear();
        if target.json {
            output::json(&summary)?;
        } else {
            print(&summary)?;
        }
        Ok(Exit::done(summary.is_complete()))
    }
}

/// Registers the callers that are not registered yet.
async fn register(
    tables: &Tables,
    callers: &BTreeSet<ProviderId>,
    plan: &Name,
    billed_from: BillingMonth,
) -> Result<(), Error> {
    let registering = callers
        .iter()
        .map(|caller| async move {
            let provider = new_provider(caller.clone(), plan.clone(), billed_from);
            tables.billing.register(&tables.usage, &provider).await
        })
        .collect::<Vec<_>>();
    let registered: Vec<Stored> =
        futures::stream::iter(registering).buffer_unordered(AT_ONCE).try_collect().await?;
    let new = registered.iter().filter(|stored| **stored == Stored::New).count();
    tracing::info!(new, callers = callers.len(), "registered callers");
    Ok(())
}

fn progress_bar(input: &Input) -> Result<ProgressBar, Error> {
    let bar = match input.bytes_total() {
        Some(bytes) => ProgressBar::new(bytes).with_style(ProgressStyle::with_template(
            "importing {bar:30} {bytes}/{total_bytes}, {msg} lines, {eta} left",
        )?),
        None => ProgressBar::new_spinner(),
    };
    Ok(bar)
}

fn show(bar: &ProgressBar, far: Progress) {
    bar.set_position(far.bytes_read);
    bar.set_message(grouped(far.lines_done));
    tracing::debug!(read = %HumanBytes(far.bytes_read), lines = far.lines_done, "importing");
}

fn print(summary: &Summary) -> Result<(), Error> {
    output::print(format_args!(
        "{} lines: {} billable, {} not billable by their status, {} blank, {} left, {} bad",
        grouped(summary.lines),
        grouped(summary.billable),
        grouped(summary.not_billable),
        grouped(summary.blank),
        grouped(summary.left),
        grouped(summary.bad.count)
    ))?;
    let tallies = [
        ("counted", &summary.counted),
        ("counted before", &summary.duplicate),
        ("CONFLICT", &summary.conflict),
        ("REFUSED", &summary.refused),
    ];
    for (what, tally) in tallies {
        if !tally.providers.is_empty() {
            let providers = tally.providers.len();
            output::print(format_args!(
                "{} of {providers} providers {what}",
                shown(tally.metered)
            ))?;
        }
    }
    for bad in &summary.bad.first {
        output::print(format_args!("bad line {}: {}", bad.line, bad.why))?;
    }
    for conflict in &summary.conflicts.first {
        output::print(format_args!(
            "conflict of {} in report {}: the same lines were imported before, by other rules or before \
             the file had grown",
            conflict.provider, conflict.report
        ))?;
    }
    for refusal in &summary.refusals.first {
        output::print(format_args!(
            "refused {} of {} on {}: {}",
            shown(refusal.metered),
            refusal.provider,
            refusal.day,
            refusal.reason
        ))?;
    }
    Ok(())
}

/// `12,345 calls`, and what went through them where anything did.
fn shown(metered: Metered) -> String {
    let calls = grouped(metered.calls.get());
    if metered.amount == Amount::ZERO {
        format!("{calls} calls")
    } else {
        format!("{calls} calls (¥{})", metered.amount)
    }
}
