//! `steelyard usage`: what was counted of a provider, to the minute, what it would cost, and corrections.

mod correct;
mod sets;

use std::collections::BTreeMap;

use clap::{Args, Subcommand, ValueEnum};
use futures::TryStreamExt;
use serde::Serialize;
use steelyard_billing::{Provider, ProviderId, Statement, Withdrawal};
use steelyard_pricing::{Amount, ApiName, BillingDay, Catalog, Fen, Metered, UsageError};
use steelyard_runtime::Error;
use steelyard_store::CountedReport;

use self::correct::{ReplaceArgs, VoidArgs};
use self::sets::{CorrectArgs, CorrectionsArgs, UndoArgs};
use super::registered;
use crate::exit::Exit;
use crate::output;
use crate::target::{PlatformArgs, System, TargetArgs};

/// Show what was counted of a provider, and correct it.
#[derive(Debug, Subcommand)]
pub(crate) enum UsageCommand {
    /// Show what was counted of a provider until now, and what of it is not settled yet.
    ///
    /// The usage that is not settled yet is rated as if the day were over now.
    Show(ShowArgs),
    /// Withdraw a usage report that was wrong.
    ///
    /// It counts no more, and its id cannot count again. What was charged for it is credited on the next
    /// statement, that of today if yesterday is settled already. The credit pays what is owed, and the rest
    /// becomes prepaid money. Usage of a month that is closed cannot be withdrawn.
    Void(VoidArgs),
    /// Withdraw a usage report, and count another one in its place.
    ///
    /// Run it again if it was interrupted: each half takes effect once.
    Replace(ReplaceArgs),
    /// Apply a file of corrections under one name, such as those of a source that was wrong for a week.
    ///
    /// Each line of the file is a report to withdraw, {"void": {"provider": "shop", "source": "gateway-1",
    /// "id": "2015-05-17T09"}}, perhaps with a "day", or a usage report to count, {"count": {...}}. All of
    /// it is checked before the first report is withdrawn, and shown by provider and day. Run it again if
    /// it was interrupted: it goes on. The same name with another file is refused.
    Correct(CorrectArgs),
    /// Undo a set of corrections: what it counted is withdrawn, and what it withdrew counts again, under
    /// other ids. Run it again if it was interrupted.
    Undo(UndoArgs),
    /// List the sets of corrections, or show one. Exits with 3 if one is not complete.
    Corrections(CorrectionsArgs),
}

/// What to show.
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
    /// What to sum by.
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

/// Usage under one name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Group {
    name: String,
    #[serde(flatten)]
    metered: WrittenOut,
    /// How many items of reports have a part in it: one for each report and day.
    reports: u64,
    /// Why the report counts no more, where reports are shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    withdrawn: Option<Withdrawal>,
}

/// Calls and what went through them, both always written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
struct WrittenOut {
    calls: u64,
    amount: Amount,
}

/// What the coming night would charge of what is counted now.
#[derive(Debug, Serialize)]
struct Coming {
    statement: String,
    charge_fen: Fen,
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
            UsageCommand::Corrections(args) => {
                args.run(target, &target.system_to_read(platform).await?).await
            }
        }
    }
}

impl ShowArgs {
    async fn run(self, target: &TargetArgs, system: &System) -> Result<Exit, Error> {
        let found = registered(&system.tables, &self.provider).await?;
        let today = system.today()?;
        let (from, to) =
            (self.from.unwrap_or_else(|| today.month().first_day()), self.to.unwrap_or(today));
        if to < from {
            return Err(format!("--to {to} is before --from {from}").into());
        }
        let settler = system.settler()?;
        let terms = settler.terms(system.clock.now()).await?;
        // One that the provider is on is an error of the preview.
        output::tell_unreadable(&terms.unreadable, target.json);
        let mut reports = system.tables.usage.reports(&self.provider, from, to);
        let mut groups = Groups::default();
        while let Some(report) = reports.try_next().await? {
            groups.add(&report, self.group_by, &found.provider, terms.plans())?;
        }
        let groups = groups.listed();
        let coming = settler.preview(&terms, &self.provider).await?;
        if target.json {
            let coming = coming.iter().map(Coming::of).collect::<Vec<_>>();
            output::json(&serde_json::json!({
                "provider": self.provider, "from": from, "to": to, "usage": groups,
                "settled_through": found.account.settled_through, "coming": coming,
            }))?;
        } else {
            print(&groups)?;
            print_coming(found.account.settled_through, &coming)?;
        }
        Ok(Exit::Done)
    }
}

impl Coming {
    fn of(statement: &Statement) -> Coming {
        Coming { statement: statement.statement.to_string(), charge_fen: statement.charge_fen }
    }
}

/// The usage of reports, summed by name.
#[derive(Default)]
struct Groups(BTreeMap<(String, IsWithdrawn), Sum>);

/// Whether the reports of a group were withdrawn. Withdrawn reports form groups of their own.
type IsWithdrawn = bool;

/// The sums over the reports of a group.
#[derive(Default)]
struct Sum {
    metered: Metered,
    reports: u64,
    withdrawn: Option<Withdrawal>,
}

impl Groups {
    /// Adds a report. One that was withdrawn counts nothing, and is shown where reports are.
    fn add(
        &mut self,
        report: &CountedReport,
        by: GroupBy,
        provider: &Provider,
        plans: &Catalog,
    ) -> Result<(), UsageError> {
        if report.withdrawn.is_some() && !matches!(by, GroupBy::Report) {
            return Ok(());
        }
        let mut of_report: BTreeMap<String, Metered> = BTreeMap::new();
        for (api, metered) in report.metered.iter() {
            let sum = of_report.entry(by.name(report, api, provider, plans)).or_default();
            *sum = sum.plus(metered)?;
        }
        for (name, metered) in of_report {
            let sum = self.0.entry((name, report.withdrawn.is_some())).or_default();
            sum.metered = sum.metered.plus(metered)?;
            sum.reports += 1;
            sum.withdrawn.clone_from(&report.withdrawn);
        }
        Ok(())
    }

    fn listed(self) -> Vec<Group> {
        let group = |((name, _), sum): ((String, IsWithdrawn), Sum)| {
            let Sum { metered, reports, withdrawn } = sum;
            let metered = WrittenOut { calls: metered.calls.get(), amount: metered.amount };
            Group { name, metered, reports, withdrawn }
        };
        self.0.into_iter().map(group).collect()
    }
}

impl GroupBy {
    fn name(
        self,
        report: &CountedReport,
        api: &ApiName,
        provider: &Provider,
        plans: &Catalog,
    ) -> String {
        match self {
            GroupBy::Api => api.to_string(),
            GroupBy::Day => report.day.to_string(),
            GroupBy::Source => report.source.to_string(),
            GroupBy::Report => format!("{} {}", report.source, report.report),
            GroupBy::Rate => {
                let terms = provider.terms_on(report.day, plans);
                let rate = terms.as_ref().and_then(|terms| terms.plan.rate_of(api));
                rate.map_or_else(|| "(unpriced)".to_owned(), |rate| rate.rate.to_string())
            }
        }
    }
}

fn print(groups: &[Group]) -> Result<(), Error> {
    let mut table = output::table(["of", ">calls", ">yuan through them", ">reports"]);
    for Group { name, metered: WrittenOut { calls, amount }, reports, withdrawn } in groups {
        let amount =
            if *amount == Amount::ZERO { String::new() } else { amount.shown().to_string() };
        let name = match withdrawn {
            None => name.clone(),
            Some(Withdrawal { by, reason, .. }) => {
                format!("{name}, WITHDRAWN by {by}: {reason}")
            }
        };
        table.add_row([name, output::grouped(*calls), amount, output::grouped(*reports)]);
    }
    output::print(table)
}

fn print_coming(settled: Option<BillingDay>, coming: &[Statement]) -> Result<(), Error> {
    let settled =
        settled.map_or("no statement yet".to_owned(), |day| format!("last statement {day}"));
    let sum = coming.iter().try_fold(Fen::ZERO, |sum, statement| sum.plus(statement.charge_fen))?;
    output::print(format_args!("{settled}; what is counted since would cost ¥{sum}"))?;
    for statement in coming {
        output::print(format_args!("  {} ¥{}", statement.statement, statement.charge_fen))?;
    }
    Ok(())
}
