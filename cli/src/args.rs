//! The command line.

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use steelyard_runtime::Error;

use crate::commands::{
    access, account, actions, adjust, adjustments, alerts, audit, breaker, campaign, debits, demo,
    deposit, events, import, items, ladder, local, logs, mandates, plan, portal, price, provider,
    reconcile, refund, rule, runs, settle, standing, statement, usage, webhooks,
};
use crate::exit::Exit;
use crate::output;
use crate::target::{PlatformArgs, TargetArgs};

/// Meters API calls, prices them, settles every day, and withholds from Alipay what prepaid
/// balances do not cover.
///
/// Start with `steelyard demo`. Then `steelyard local` keeps the whole system running on this
/// machine, and the other commands work on it at its time. With `--aws` they work on a deployment
/// at the system's time.
///
/// Every command takes the common options. `--now` is the time at which `local` starts (the
/// system's unless given), or at which another command works (the stack's clock unless given, and
/// never later; not with `--aws`). The rules of the platform are the functions' environment
/// variables: `local` starts with its defaults, commands on a stack take its rules, and commands
/// with `--aws` need each rule that they use. `-h` lists fewer options than `--help`.
///
/// Exit codes: 0 done; 1 failed; 2 wrong command line; 3 done, but a person must look (an audit
/// found a breach, something was refused, or cannot be read). With `--json` an error is JSON too, a
/// line on standard error: `{"error": ..., "causes": [...]}`.
#[derive(Debug, Parser)]
#[command(name = "steelyard", version, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    #[command(flatten)]
    pub(crate) platform: PlatformArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands of `steelyard`, in the order of its help.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run days of usage through the whole system in this process, print the result, and audit.
    Demo(demo::DemoArgs),
    /// Keep the whole system running on this machine, its data in a folder.
    Local(local::LocalArgs),
    Import(Box<import::ImportArgs>),
    #[command(subcommand)]
    Rule(Box<rule::RuleCommand>),
    #[command(subcommand)]
    Logs(logs::LogsCommand),
    /// Charge every unsettled day up to yesterday.
    Settle(settle::SettleArgs),
    Runs(runs::RunsArgs),
    /// Show what a provider owes for its days, and why.
    Statement(statement::StatementArgs),
    #[command(subcommand)]
    Usage(usage::UsageCommand),
    /// Show a provider's money, or book a payment that it made.
    #[command(subcommand)]
    Account(account::AccountCommand),
    Adjust(adjust::AdjustArgs),
    #[command(subcommand)]
    Adjustments(adjustments::AdjustmentsCommand),
    #[command(subcommand)]
    Actions(actions::ActionsCommand),
    /// Show debits, and resolve one that waits for an operator.
    #[command(subcommand)]
    Debits(debits::DebitsCommand),
    /// Show a provider's deposit, book a payment of it, draw from it, and return it.
    #[command(subcommand)]
    Deposit(deposit::DepositCommand),
    Refund(refund::RefundArgs),
    /// Show whether debits are made, stop all debits, or resume them.
    #[command(subcommand)]
    Breaker(breaker::BreakerCommand),
    Reconcile(reconcile::ReconcileArgs),
    #[command(subcommand)]
    Events(events::EventsCommand),
    /// List items that cannot be read, and skip one with a reason.
    #[command(subcommand)]
    Items(items::ItemsCommand),
    /// Show the mandates of providers, adopt one that was signed elsewhere, lower, end or resume
    /// one.
    #[command(subcommand)]
    Mandates(mandates::MandatesCommand),
    Portal(portal::PortalArgs),
    /// Rebuild every account from its journal, and check every invariant that stored data can show.
    Audit(audit::AuditArgs),
    /// Register providers, put them on plans, give them overrides.
    #[command(subcommand)]
    Provider(provider::ProviderCommand),
    #[command(subcommand)]
    Campaign(campaign::CampaignCommand),
    #[command(subcommand)]
    Source(access::SourceCommand),
    #[command(subcommand)]
    Caller(access::CallerCommand),
    /// Check, add and list plans, and see what a draft would change.
    #[command(subcommand)]
    Plan(plan::PlanCommand),
    Price(price::PriceArgs),
    /// Check, add and show the arrears ladder: what follows when a provider does not pay.
    #[command(subcommand)]
    Ladder(ladder::LadderCommand),
    /// Show where providers stand on the arrears ladder, and hold one at a stage.
    #[command(subcommand)]
    Standing(standing::StandingCommand),
    /// Show the alerts and the spend cap of a provider, and set what it is watched by.
    #[command(subcommand)]
    Alerts(alerts::AlertsCommand),
    #[command(subcommand)]
    Webhooks(webhooks::WebhooksCommand),
    /// Print the completions of a shell, for its start-up file.
    Completions {
        /// The shell that will read them.
        shell: Shell,
    },
}

/// Prints what makes a shell complete the commands and their options.
///
/// # Errors
///
/// When standard output can't be written.
pub(crate) fn print_completions(shell: Shell) -> Result<Exit, Error> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "steelyard", &mut script);
    output::print(String::from_utf8(script)?.trim_end())?;
    Ok(Exit::Done)
}
