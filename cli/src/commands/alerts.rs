//! `steelyard alerts`: what a provider is watched by, and which alerts stand.

use std::path::PathBuf;

use clap::Subcommand;
use steelyard_billing::ProviderId;
use steelyard_books::WatchedNow;
use steelyard_pages::alerts::Alerts;
use steelyard_pricing::{AlertRules, schema_of};
use steelyard_runtime::Error;

use super::registered;
use crate::document::Document;
use crate::exit::Exit;
use crate::output;
use crate::target::{PlatformArgs, System, TargetArgs};

/// Show the alerts and the spend cap of a provider, and set what it is watched by.
#[derive(Debug, Subcommand)]
pub(crate) enum AlertsCommand {
    /// Show what a provider is watched by, how far its month is, and which alerts stand.
    Show {
        /// The provider's id.
        provider: ProviderId,
    },
    /// Set what a provider is watched by, in place of what it set before.
    Set {
        /// The provider's id.
        provider: ProviderId,
        /// The rules, as a JSON document: see `steelyard alerts schema`.
        file: PathBuf,
    },
    /// Forget what a provider set, its spend cap included: it is watched as its plan has it.
    Clear {
        /// The provider's id.
        provider: ProviderId,
    },
    /// Print the JSON Schema of the rules.
    Schema,
}

impl AlertsCommand {
    pub(crate) async fn run(
        self,
        target: &TargetArgs,
        platform: &PlatformArgs,
    ) -> Result<Exit, Error> {
        match self {
            AlertsCommand::Show { provider } => {
                show(target, &target.system_to_read(platform).await?, &provider).await
            }
            AlertsCommand::Set { provider, file } => {
                let rules = Document::open(&file)?.alert_rules()?;
                set(target, &target.system(platform).await?, &provider, &rules).await
            }
            AlertsCommand::Clear { provider } => {
                let rules = AlertRules::default();
                set(target, &target.system(platform).await?, &provider, &rules).await
            }
            AlertsCommand::Schema => output::json(&schema_of::<AlertRules>()).map(|()| Exit::Done),
        }
    }
}

/// Sets the rules, and evaluates them at once.
async fn set(
    target: &TargetArgs,
    system: &System,
    provider: &ProviderId,
    rules: &AlertRules,
) -> Result<Exit, Error> {
    let settler = system.settler()?;
    settler.books.set_alerts(provider, rules).await?;
    let terms = settler.terms(system.clock.now()).await?;
    settler.watch(&terms, provider).await?;
    show(target, system, provider).await
}

async fn show(target: &TargetArgs, system: &System, provider: &ProviderId) -> Result<Exit, Error> {
    let (settler, now, times) = (system.settler()?, system.clock.now(), system.times()?);
    let terms = settler.terms(now).await?;
    let found = registered(&system.tables, provider).await?;
    let WatchedNow { found, rules, figures } = settler.watched_now(&terms, found).await?;
    let view = Alerts::of((&found.provider, &found.account), &rules, &figures, now)?;
    if target.json {
        output::json(&view)?;
        return Ok(Exit::Done);
    }
    let budget =
        view.budget_fen.map_or("no budget".to_owned(), |budget| format!("budget ¥{budget}"));
    output::print(format_args!("{}: ¥{} so far, {budget}", view.month, view.month_fen))?;
    output::print(format_args!("watched by {}", serde_json::to_string(&view.rules)?))?;
    if let Some(cap) = &view.cap {
        let standing = match cap.noticed_at_s {
            Some(at) => format!(
                "reached: noticed at {}, and ¥{} passed beyond it",
                times.show(at),
                cap.passed_fen
            ),
            None => "not reached".to_owned(),
        };
        output::print(format_args!("cap ¥{}: {standing}", cap.cap_fen))?;
    }
    if view.alerts.is_empty() {
        output::print("no alert stands")?;
        return Ok(Exit::Done);
    }
    let mut table = output::table(["alert", "rate", ">percent", ">line", ">figure", "since"]);
    for alert in &view.alerts {
        table.add_row([
            alert.kind.to_string(),
            alert.rate.as_ref().map(ToString::to_string).unwrap_or_default(),
            alert.percent.to_string(),
            alert.line.to_string(),
            alert.figure.to_string(),
            times.show(alert.at_s).to_string(),
        ]);
    }
    output::print(table)?;
    Ok(Exit::Done)
}
