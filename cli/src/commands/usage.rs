//! `steelyard usage`: what was counted of a provider, to the minute, what it would cost, and
//! corrections.

mod correct;
mod sets;

use clap::{Args, Subcommand, ValueEnum};
use steelyard_billing::{ProviderId, Withdrawal};
use steelyard_books::{UsageBy, UsageGroup, UsageSums, WrittenOut};
use steelyard_pricing::{Amount, BillingDay};
use steelyard_runtime::Error;

use self::correct::{ReplaceArgs, VoidArgs};
use self::sets::{CorrectArgs, CorrectionsArgs, UndoArgs};
use crate::exit::Exit;
use crate::target::{PlatformArgs, System, TargetArgs};
use crate::{explain, output};

/// Show what was counted of a provider, and correct it.
#[derive(Debug, Subcommand)]
pub(crate) enum UsageCommand {
    /// Show what was counted of a provider until now, and what of it is not settled yet.
    ///
    /// The usage that is not settled yet is rated as if the day were over now.
    Show(ShowArgs),
    /// Withdraw a usage report that was wrong.
    ///
    /// It counts no more, and its id cannot count again. What was charged for it is credited on the
    /// next statement, that of today if yesterday is settled already. The credit pays what is owed,
    /// and the rest becomes prepaid money. Usage of a month that is closed cannot be withdrawn.
    Void(VoidArgs),
    /// Withdraw a usage report, and count another one in its place.
    ///
    /// Run it again if it was interrupted: each half takes effect once.
    Replace(ReplaceArgs),
    /// Apply a file of corrections under one name, such as those of a source that was wrong for a
    /// week.
    ///
    /// Each line of the file is a report to withdraw, {"void": {"provider": "shop", "source":
    /// "gateway-1", "id": "2015-05-17T09"}}, perhaps with a "day", or a usage report to count,
    /// {"count": {...}}. All of it is checked before the first report is withdrawn, and shown by
    /// provider and day. Run it again if it was interrupted: it goes on. The same name with another
    /// file is refused.
    Correct(CorrectArgs),
    /// Undo a set of corrections: what it counted is withdrawn, and what it withdrew counts again,
    /// under other ids. Run it again if it was interrupted.
    Undo(UndoArgs),
    /// List what was refused of reports that came by the queue, where nobody reads an answer. Exits
    /// with 3 if anything was.
    Refused,
    /// List the sets of corrections, or show one. Exits with 3 if one is not complete.
    Corrections(CorrectionsArgs),
}

/// The usage to be shown, and its grouping.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The provider's id.
    provider: ProviderId,
    /// The first day; the first of this month unless given.
    #[arg(long)]
    from: Option<BillingDay>,
    /// The last day; today unless given.
    #[arg(long)]
    to: Option<BillingDay>,
    /// The name by which usage is summed.
    #[arg(long, value_enum, default_value_t = GroupBy::Api)]
    group_by: GroupBy,
}

/// What usage is summed by.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum GroupBy {
    /// The name of the API.
    Api,
    /// The rate of the plan in force on the day.
    Rate,
    /// The billing day.
    Day,
    /// The machine that reported.
    Source,
    /// The report: its source and its id.
    Report,
}

impl UsageCommand {
    pub(crate) async fn run(
        self,
        target: &TargetArgs,
        platform: &PlatformArgs,
    ) -> Result<Exit, Error> {
        match self {
            UsageCommand::Show(args) => {
                args.run(target, &target.system_to_read(platform).await?).await
            }
            UsageCommand::Void(args) => args.run(target, &target.system(platform).await?).await,
            UsageCommand::Replace(args) => args.run(target, &target.system(platform).await?).await,
            UsageCommand::Correct(args) => args.run(target, &target.system(platform).await?).await,
            UsageCommand::Undo(args) => args.run(target, &target.system(platform).await?).await,
            UsageCommand::Refused => refused(target, &target.system_to_read(platform).await?).await,
            UsageCommand::Corrections(args) => {
                args.run(target, &target.system_to_read(platform).await?).await
            }
        }
    }
}

async fn refused(target: &TargetArgs, system: &System) -> Result<Exit, Error> {
    let found = system.tables.usage.refused_reports().await?;
    let is_well = output::tell_unreadable(&found.unreadable, target.json);
    let is_empty = found.readable.is_empty();
    if target.json {
        output::json(&found.readable)?;
    } else if is_empty {
        output::print("nothing was refused")?;
    } else {
        let mut table = output::table([
            "=source",
            "=report",
            "=first refused",
            ">records",
            ">conflicts",
            "=why",
        ]);
        let calendar = system.rules()?.calendar;
        for of in &found.readable {
            table.add_row([
                of.source.to_string(),
                of.report.to_string(),
                calendar.wall_time(of.refused_at_s).to_string(),
                of.records.to_string(),
                of.conflicts.to_string(),
                of.reasons.join("; "),
            ]);
        }
        output::print(table)?;
    }
    Ok(Exit::done(is_well && is_empty))
}

impl ShowArgs {
    async fn run(self, target: &TargetArgs, system: &System) -> Result<Exit, Error> {
        let today = system.today()?;
        let (from, to) =
            (self.from.unwrap_or_else(|| today.month().first_day()), self.to.unwrap_or(today));
        if to < from {
            return Err(format!("--to {to} is before --from {from}").into());
        }
        let settler = system.settler()?;
        let terms = settler.terms(system.clock.now()).await?;
        // One that the provider is on is an error of the sums.
        output::tell_unreadable(&terms.unreadable, target.json);
        let by = self.group_by.into();
        let sums = settler.usage_sums(&terms, &self.provider, (from, to), by).await?;
        if target.json {
            output::json(&sums)?;
            return Ok(Exit::Done);
        }
        print(&sums)?;
        if let Some(first) = sums.reports_from {
            output::tell(format_args!("reports of days before {first} have expired"));
        }
        print_coming(&sums)?;
        Ok(Exit::Done)
    }
}

impl From<GroupBy> for UsageBy {
    fn from(by: GroupBy) -> UsageBy {
        match by {
            GroupBy::Api => UsageBy::Api,
            GroupBy::Rate => UsageBy::Rate,
            GroupBy::Day => UsageBy::Day,
            GroupBy::Source => UsageBy::Source,
            GroupBy::Report => UsageBy::Report,
        }
    }
}

const CALLS: &str = ">calls";
const AMOUNT: &str = ">yuan\nthrough";

fn print(sums: &UsageSums) -> Result<(), Error> {
    let mut table = match sums.group_by {
        UsageBy::Api => output::table(["of", "rate", CALLS, AMOUNT, ">not yet\ncharged"]),
        UsageBy::Rate | UsageBy::Day => {
            output::table(["of", CALLS, AMOUNT, ">charged", ">would be\ncharged"])
        }
        UsageBy::Source | UsageBy::Report => output::table(["of", CALLS, AMOUNT, ">reports"]),
    };
    for group in &sums.groups {
        table.add_row(row(group, sums.group_by));
    }
    output::print(table)
}

/// The cells of a group, in the order of the columns.
fn row(group: &UsageGroup, by: UsageBy) -> Vec<String> {
    let name = match &group.withdrawn {
        None => group.name.clone(),
        Some(Withdrawal { by, reason, .. }) => {
            format!("{}, WITHDRAWN by {by}: {reason}", group.name)
        }
    };
    let mut cells = vec![name];
    if by == UsageBy::Api {
        cells.push(group.rate.clone().unwrap_or_else(|| "(unpriced)".to_owned()));
    }
    let WrittenOut { calls, amount } = group.counted;
    let amount = if amount == Amount::ZERO { String::new() } else { amount.shown().to_string() };
    cells.extend([output::grouped(calls), amount]);
    if let (UsageBy::Api, Some(settled)) = (by, group.settled) {
        cells.push(output::grouped(i128::from(calls) - i128::from(settled.calls)));
    }
    if let Some(charge) = group.charge {
        cells.extend([explain::fen(charge.charged_fen), explain::fen(charge.coming_fen)]);
    }
    cells.extend(group.reports.map(output::grouped));
    cells
}

fn print_coming(sums: &UsageSums) -> Result<(), Error> {
    let settled = sums
        .settled_through
        .map_or("no statement yet".to_owned(), |day| format!("last statement {day}"));
    let sum = sums.coming_fen()?;
    output::print(format_args!(
        "{settled}; what is counted since would cost {}",
        explain::fen(sum)
    ))?;
    for coming in &sums.coming {
        output::print(format_args!("  {} {}", coming.statement, explain::fen(coming.charge_fen)))?;
    }
    if !sums.at_month_end_fen.is_zero() {
        output::print(format_args!(
            "under rates that are charged at the end of the month, its usage so far amounts to {}",
            explain::fen(sums.at_month_end_fen)
        ))?;
    }
    Ok(())
}
