//! `steelyard reconcile`: the results of holding the books against Alipay's bills.

use clap::{Args, Subcommand};
use jiff::civil::Date;
use serde_json::json;
use steelyard_billing::{Finding, FindingKind, OpenFinding, Reason, Reconciliation};
use steelyard_runtime::Error;

use crate::exit::Exit;
use crate::output::{self, Times};
use crate::target::{PlatformArgs, System, TargetArgs};
use crate::values;

/// Show the result of a day's reconciliation, list open findings, close one, or skip a day.
///
/// The reconcile function holds the books against the bill of the day before, every morning at half
/// past ten in Beijing, and makes up for days that were missed. Exits with 3 if a person must look.
#[derive(Debug, Args)]
pub(crate) struct ReconcileArgs {
    /// The day in Beijing; the last one that was reconciled unless given.
    #[arg(long, value_parser = values::date)]
    day: Option<Date>,
    #[command(subcommand)]
    command: Option<ReconcileCommand>,
}

/// What to do about findings and days.
#[derive(Debug, Subcommand)]
pub(crate) enum ReconcileCommand {
    /// List the differences between bills and the books that nobody has closed.
    Findings {
        /// List closed ones too.
        #[arg(long)]
        all: bool,
    },
    /// Close a finding: it raises no more alarms. Nothing is booked.
    Close {
        /// The number of the trade, as `findings` lists it.
        trade: String,
        /// The number of the refund, if the finding has one.
        #[arg(long)]
        request: Option<String>,
        /// Why, for a person who looks at it later.
        #[arg(long)]
        reason: String,
    },
    /// Skip a day whose bill cannot be fetched or read. What only its bill would show is not
    /// booked.
    Skip {
        /// The day in Beijing.
        #[arg(value_parser = values::date)]
        day: Date,
        /// Why, for a person who looks at it later.
        #[arg(long)]
        reason: String,
    },
}

impl ReconcileArgs {
    pub(crate) async fn run(
        self,
        target: &TargetArgs,
        platform: &PlatformArgs,
    ) -> Result<Exit, Error> {
        match self.command {
            None => show(target, &target.system_to_read(platform).await?, self.day).await,
            Some(ReconcileCommand::Findings { all }) => list(target, all).await,
            Some(ReconcileCommand::Close { trade, request, reason }) => {
                let reason = Reason::new(&reason)?;
                let books = target.system(platform).await?.books()?;
                let closed = books.close_finding(&trade, request.as_deref(), &reason).await?;
                let closed = closed.ok_or_else(|| format!("there is no finding about {trade}"))?;
                print_findings(target, &[closed])?;
                Ok(Exit::Done)
            }
            Some(ReconcileCommand::Skip { day, reason }) => {
                let reason = Reason::new(&reason)?;
                let system = target.system(platform).await?;
                let skipped = system.books()?.skip_day(day, reason, system.clock.now()).await?;
                if target.json {
                    output::json(&json!(skipped))?
                } else {
                    print(&skipped, &system.times()?)?
                }
                Ok(Exit::Done)
            }
        }
    }
}

async fn show(target: &TargetArgs, system: &System, day: Option<Date>) -> Result<Exit, Error> {
    let billing = &system.tables.billing;
    let day = match day {
        Some(day) => day,
        None => billing.last_reconciled().await?.ok_or("no day was reconciled yet")?,
    };
    let Some(found) = billing.reconciliation(day).await? else {
        let why = match billing.day_failure(day).await? {
            Some(failure) => {
                let times = system.times()?;
                format!(": at {}, {}", times.show(failure.failed_at_s), failure.why)
            }
            None => String::new(),
        };
        return Err(format!("{day} was not reconciled yet{why}").into());
    };
    if target.json {
        output::json(&json!(found))?;
    } else {
        print(&found, &system.times()?)?;
    }
    Ok(Exit::done(found.differences() == 0 && found.more_findings == 0))
}

async fn list(target: &TargetArgs, all: bool) -> Result<Exit, Error> {
    let found = target.tables_to_read().await?.billing.findings().await?;
    let is_well = output::tell_unreadable(&found.unreadable, target.json);
    let mut findings = found.readable;
    findings.retain(|finding| all || finding.closed.is_none());
    print_findings(target, &findings)?;
    Ok(Exit::done(is_well && findings.iter().all(|finding| finding.closed.is_some())))
}

fn print_findings(target: &TargetArgs, findings: &[OpenFinding]) -> Result<(), Error> {
    if target.json {
        output::json(&findings)
    } else {
        let mut table = output::table(["since\nbill of", "finding", ">theirs", ">ours"]);
        for OpenFinding { finding, first_day, closed, .. } in findings {
            let [found, theirs, ours] = row(finding);
            let closed = closed.as_ref().map(|reason| format!("closed: {reason}"));
            let found = output::lines([Some(found), closed]);
            table.add_row([first_day.to_string(), found, theirs, ours]);
        }
        output::print(table)
    }
}

fn print(of: &Reconciliation, times: &Times) -> Result<(), Error> {
    let Reconciliation { day, rows, matched, waiting, reconciled_at_s, .. } = of;
    output::print(format_args!(
        "{day}: {matched} of {rows} rows match, {waiting} of ours wait for the next bill"
    ))?;
    output::print(format_args!("reconciled at {}", times.show(*reconciled_at_s)))?;
    if let Some(reason) = &of.skipped {
        return output::print(format_args!("skipped: {reason}"));
    }
    match &of.bill {
        // The key has the SHA-256 of the file.
        Some(bill) => output::print(format_args!("bill: {}", bill.key))?,
        None => output::print(
            "bill: none, Alipay had none of that day; each run asks again for a month",
        )?,
    }
    if of.findings.is_empty() {
        return output::print("nothing to tell");
    }
    let mut table = output::table(["finding", ">theirs", ">ours"]);
    for finding in &of.findings {
        table.add_row(row(finding));
    }
    output::print(table)?;
    if of.more_findings > 0 {
        output::print(format_args!("and {} more, in the log", of.more_findings))?;
    }
    Ok(())
}

/// The cells of a finding: what differs, whose it is, and both amounts.
fn row(finding: &Finding) -> [String; 3] {
    let yuan =
        |fen: Option<steelyard_pricing::Fen>| fen.map(|fen| fen.to_string()).unwrap_or_default();
    let lines = [
        Some(kind(finding.kind).to_owned()),
        Some(format!("trade {}", finding.out_trade_no)),
        finding.out_request_no.as_ref().map(|number| format!("refund {number}")),
        finding.provider.as_ref().map(|provider| format!("provider {provider}")),
    ];
    let found = output::lines(lines);
    [found, yuan(finding.theirs_fen), yuan(finding.ours_fen)]
}

const fn kind(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::FoundPayment => "payment found, booked",
        FindingKind::FoundReversal => "given back, booked",
        FindingKind::AmountDiffers => "AMOUNT DIFFERS",
        FindingKind::TheirsOnly => "THEIRS ONLY",
        FindingKind::OursOnly => "OURS ONLY",
        FindingKind::Unreadable => "UNREADABLE ROW",
    }
}
