//! `steelyard reconcile`: what holding the books against Alipay's bill of a day came to.

use clap::Args;
use jiff::civil::Date;
use serde_json::json;
use steelyard_billing::{Finding, FindingKind, Reconciliation};
use steelyard_runtime::Error;

use crate::exit::Exit;
use crate::output;
use crate::target::TargetArgs;

/// Show what holding the books against Alipay's bill of a day came to.
///
/// The reconcile function does it every morning at half past ten in Beijing for the day before, and
/// makes up for days that were missed. Exits with 3 if a person must look.
#[derive(Debug, Args)]
pub(crate) struct ReconcileArgs {
    /// The day in Beijing; the last one that was reconciled unless given.
    #[arg(long)]
    day: Option<Date>,
}

impl ReconcileArgs {
    pub(crate) async fn run(self, target: &TargetArgs) -> Result<Exit, Error> {
        let billing = target.tables_to_read().await?.billing;
        let day = match self.day {
            Some(day) => day,
            None => {
                billing.reconciled_before(Date::MAX).await?.ok_or("no day was reconciled yet")?
            }
        };
        let found = billing.reconciliation(day).await?;
        let found = found.ok_or_else(|| format!("{day} was not reconciled yet"))?;
        if target.json {
            output::json(&json!(found))?;
        } else {
            print(&found)?;
        }
        let is_well = found.differences() == 0 && found.more_findings == 0;
        Ok(if is_well { Exit::Done } else { Exit::NotAllWell })
    }
}

fn print(of: &Reconciliation) -> Result<(), Error> {
    let Reconciliation { day, rows, matched, waiting, reconciled_at_s, .. } = of;
    output::print(format_args!(
        "{day}: {matched} of {rows} rows match, {waiting} of ours wait for the next bill; reconciled at {reconciled_at_s}"
    ))?;
    match &of.bill {
        Some(bill) => {
            output::print(format_args!("bill: {}, SHA-256 {}", bill.key, bill.sha256))?;
        }
        None => output::print("bill: none, nothing was moved on that day")?,
    }
    if of.findings.is_empty() {
        return output::print("nothing to tell");
    }
    let mut table = output::table(["finding", "trade", "refund", "provider", ">theirs", ">ours"]);
    for finding in &of.findings {
        table.add_row(row(finding));
    }
    output::print(table)?;
    if of.more_findings > 0 {
        output::print(format_args!("and {} more, in the log", of.more_findings))?;
    }
    Ok(())
}

fn row(finding: &Finding) -> [String; 6] {
    let yuan =
        |fen: Option<steelyard_pricing::Fen>| fen.map(|fen| fen.to_string()).unwrap_or_default();
    [
        kind(finding.kind).to_owned(),
        finding.out_trade_no.clone(),
        finding.out_request_no.clone().unwrap_or_default(),
        finding.provider.as_ref().map(ToString::to_string).unwrap_or_default(),
        yuan(finding.theirs_fen),
        yuan(finding.ours_fen),
    ]
}

const fn kind(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::FoundPayment => "payment found, booked",
        FindingKind::FoundReversal => "given back, booked",
        FindingKind::AmountDiffers => "AMOUNT DIFFERS",
        FindingKind::TheirsOnly => "THEIRS ONLY",
        FindingKind::OursOnly => "OURS ONLY",
    }
}
