//! `steelyard rule`: how lines of logs become calls.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;
use steelyard_books::RuleAdded;
use steelyard_import::{Input, Rule, RuleDocument, Trial};
use steelyard_pricing::{Name, schema_of};
use steelyard_runtime::Error;
use steelyard_store::{StoredRule, StoredRules};

use crate::commands::import::flags::RuleFlags;
use crate::commands::import::printed;
use crate::commands::import::rules::named;
use crate::document::Document;
use crate::exit::Exit;
use crate::output::{self, grouped};
use crate::target::{PlatformArgs, TargetArgs};

/// Check, try, add and show the rules by which lines of logs become calls.
///
/// `steelyard import --rule` goes by a rule, and so do the logs that gateways post to
/// `/v1/logs/RULE`. The options of `steelyard import` make the same document: `make` prints it.
#[derive(Debug, Subcommand)]
pub(crate) enum RuleCommand {
    /// Check a rule without storing it.
    Check {
        /// The rule, as a JSON document: see `steelyard rule schema`.
        file: PathBuf,
    },
    /// Show what a sample would count and refuse by a rule. Nothing is counted.
    Try {
        /// A stored rule by its name, or a file with one.
        rule: String,
        /// The sample: a log, lines of JSON, or what a gateway posts; `-` for standard input.
        file: PathBuf,
    },
    /// Store a rule under its name.
    Add {
        /// The rule, as a JSON document: see `steelyard rule schema`.
        file: PathBuf,
        /// Store it in place of another rule of its name.
        ///
        /// What was counted stays. Logs that are read again by other rules for callers count again,
        /// for other providers.
        #[arg(long)]
        replace: bool,
    },
    /// List the stored rules.
    List,
    /// Print a stored rule as its document.
    Show {
        /// The name of the rule.
        name: Name,
    },
    /// Print the rule that options make, as its document.
    Make {
        /// A name for the rule.
        name: Name,
        #[command(flatten)]
        flags: Box<RuleFlags>,
    },
    /// Print the JSON Schema of rules.
    Schema,
}

impl RuleCommand {
    pub(crate) async fn run(
        self,
        target: &TargetArgs,
        platform: &PlatformArgs,
    ) -> Result<Exit, Error> {
        match self {
            RuleCommand::Check { file } => {
                told(target, &Document::open(&file)?.rule()?, "is a good rule")
            }
            RuleCommand::Try { rule, file } => {
                let system = target.system_to_read(platform).await?;
                let rule = Rule::try_from(&named(&rule, &system.tables).await?)?;
                let input = Input::open(&file)
                    .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
                show(target, &Trial::of(input, &rule, &system.rules()?.calendar)?)
            }
            RuleCommand::Add { file, replace } => {
                add(target, platform, &Document::open(&file)?.rule()?, replace).await
            }
            RuleCommand::List => list(target).await,
            RuleCommand::Show { name } => {
                let stored = target.tables_to_read().await?.billing.rule(&name).await?;
                let stored = stored.ok_or_else(|| format!("no rule {name} is stored"))?;
                output::json(&RuleDocument::read(&stored.document)?).map(|()| Exit::Done)
            }
            RuleCommand::Make { name, flags } => {
                let document = flags.document(name);
                Rule::try_from(&document)?;
                output::json(&document).map(|()| Exit::Done)
            }
            RuleCommand::Schema => output::json(&schema_of::<RuleDocument>()).map(|()| Exit::Done),
        }
    }
}

async fn add(
    target: &TargetArgs,
    platform: &PlatformArgs,
    rule: &RuleDocument,
    replace: bool,
) -> Result<Exit, Error> {
    let stored = StoredRule { name: rule.rule.clone(), document: serde_json::to_string(rule)? };
    let system = target.system(platform).await?;
    let others = system.tables.billing.rules().await?;
    check_objects(rule, &others)?;
    check_combined(rule, &others)?;
    let books = system.books()?;
    let what = match books.add_rule(&stored, replace).await? {
        RuleAdded::New => "is stored",
        RuleAdded::Before => "was stored before",
        RuleAdded::Replaced => "is stored in place of another",
        RuleAdded::Different => {
            let name = &stored.name;
            return Err(format!(
                "another rule {name} is stored: see `steelyard rule show {name}`; --replace puts this one in its place"
            )
            .into());
        }
    };
    told(target, rule, what)
}

/// Refuses a rule that names the same objects as another does: nobody could know by which of them
/// they are read.
fn check_objects(rule: &RuleDocument, stored: &StoredRules) -> Result<(), Error> {
    for other in stored.rules.iter().filter(|other| other.name != rule.rule) {
        // `rule list` reports the rules that cannot be read.
        let Ok(document) = RuleDocument::read(&other.document) else { continue };
        if let Some(both) = rule.objects.iter().find(|objects| document.objects.contains(objects)) {
            let (name, bucket, prefix) = (&other.name, &both.bucket, &both.prefix);
            return Err(format!("rule {name} names s3://{bucket}/{prefix} too").into());
        }
    }
    Ok(())
}

/// Refuses a rule that stores lines with an id in another way than the one that it replaces: they
/// would count again when they are read again.
fn check_combined(rule: &RuleDocument, stored: &StoredRules) -> Result<(), Error> {
    let before = stored.rules.iter().find(|other| other.name == rule.rule);
    let before = before.and_then(|before| RuleDocument::read(&before.document).ok());
    if before.is_some_and(|before| before.combined != rule.combined) {
        let name = &rule.rule;
        return Err(format!(
            "`combined` of rule {name} cannot change, since lines that are read again would count \
             again: give the rule another name, and its gateways or logs another source"
        )
        .into());
    }
    Ok(())
}

/// Prints what was done with a rule.
fn told(target: &TargetArgs, rule: &RuleDocument, what: &str) -> Result<Exit, Error> {
    if target.json {
        output::json(&json!({ "rule": rule, "outcome": what }))?;
    } else {
        output::print(format_args!("{} {what}", rule.rule))?;
    }
    Ok(Exit::Done)
}

async fn list(target: &TargetArgs) -> Result<Exit, Error> {
    let StoredRules { rules, unreadable } = target.tables_to_read().await?.billing.rules().await?;
    let exit = Exit::done(output::tell_unreadable(&unreadable, target.json));
    let mut names = rules.iter().map(|rule| &rule.name);
    if target.json {
        output::json(&names.collect::<Vec<_>>())?;
        return Ok(exit);
    }
    names.try_for_each(output::print)?;
    Ok(exit)
}

/// Prints what a sample would count. Exits as an import would.
fn show(target: &TargetArgs, trial: &Trial) -> Result<Exit, Error> {
    let Trial { summary, counts } = trial;
    let exit = Exit::done(summary.is_complete());
    if target.json {
        output::json(&json!({ "lines": summary, "counts": counts }))?;
        return Ok(exit);
    }
    printed::print(summary)?;
    if !counts.is_empty() {
        let mut table = output::table(["provider", "day", "api", "calls"]);
        for record in counts {
            let calls = grouped(record.count.get());
            let day = record.day.to_string();
            table.add_row([record.provider.to_string(), day, record.api.to_string(), calls]);
        }
        output::print(table)?;
    }
    Ok(exit)
}
