//! The command line.

use clap::{Parser, Subcommand};

use crate::commands::{
    account, audit, breaker, debits, demo, import, local, mandates, plan, price, provider,
    reconcile, refund, settle, statement,
};
use crate::target::{PlatformArgs, TargetArgs};

/// Meters API calls, prices them, settles every day, and withholds from Alipay what prepaid
/// balances do not cover.
///
/// Start with `steelyard demo`. Then `steelyard local` keeps the whole system running on this
/// machine, and the other commands work on it; with `--aws` they work on a deployed one.
///
/// Exit codes: 0 done; 1 failed; 2 wrong command line; 3 done, but not all is well (an audit found
/// a breach, something was refused).
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

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run days of usage through the whole system in this process, print what came of it, and audit.
    Demo(demo::DemoArgs),
    /// Keep the whole system running on this machine, its data in a folder.
    Local(local::LocalArgs),
    Import(import::ImportArgs),
    /// Charge every unsettled day up to yesterday.
    Settle(settle::SettleArgs),
    /// Show what a provider owes for its days, and why.
    Statement(statement::StatementArgs),
    /// Show a provider's money, or book a payment that it made.
    #[command(subcommand)]
    Account(account::AccountCommand),
    /// Show what is being withheld, and let a debit go on that waits for a person.
    #[command(subcommand)]
    Debits(debits::DebitsCommand),
    Refund(refund::RefundArgs),
    /// Show whether debits are made, stop all of them, or let them go on.
    #[command(subcommand)]
    Breaker(breaker::BreakerCommand),
    Reconcile(reconcile::ReconcileArgs),
    /// Show the mandates of providers, adopt one that was signed elsewhere, end or resume one.
    #[command(subcommand)]
    Mandates(mandates::MandatesCommand),
    /// Rebuild every account from its journal, and check every invariant that stored data can show.
    Audit(audit::AuditArgs),
    /// Register providers, put them on plans, give them overrides.
    #[command(subcommand)]
    Provider(provider::ProviderCommand),
    /// Check, add and list plans, and see what a draft would change.
    #[command(subcommand)]
    Plan(plan::PlanCommand),
    Price(price::PriceArgs),
}
