//! The operator's tool and the local stack.

#![warn(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "`println!` panics when the reader is gone: print by `output`"
)]

mod args;
mod books;
mod commands;
mod document;
mod exit;
mod explain;
pub mod import;
pub mod local;
mod output;
mod tables;
mod target;

pub use args::Cli;
pub use commands::audit::{AuditReport, audit_all};
pub use exit::Exit;
pub use tables::Tables;

use std::io::IsTerminal;

use args::Command;
use serde_json::json;
use steelyard_runtime::Error;

/// Runs the command. An error goes to standard error.
pub async fn run(cli: Cli) -> Exit {
    tracing_subscriber::fmt()
        .with_max_level(cli.target.log)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    let as_json = cli.target.json;
    match command(cli).await {
        Ok(exit) => exit,
        Err(error) => {
            if as_json {
                tell_json(error.as_ref())
            } else {
                tell(error.as_ref())
            }
            Exit::Failed
        }
    }
}

async fn command(cli: Cli) -> Result<Exit, Error> {
    let Cli { target, platform, command } = cli;
    let platform = platform.of(&target)?;
    match command {
        Command::Demo(args) => args.run(&target).await,
        Command::Local(args) => args.run(&target, &platform).await,
        Command::Import(args) => args.run(&target, &platform).await,
        Command::Settle(args) => args.run(&target, &platform).await,
        Command::Statement(args) => args.run(&target).await,
        Command::Account(command) => command.run(&target, &platform).await,
        Command::Debits(command) => command.run(&target, &platform).await,
        Command::Refund(args) => args.run(&target, &platform).await,
        Command::Breaker(command) => command.run(&target, &platform).await,
        Command::Reconcile(args) => args.run(&target, &platform).await,
        Command::Items(command) => command.run(&target).await,
        Command::Mandates(command) => command.run(&target, &platform).await,
        Command::Audit(args) => args.run(&target, &platform).await,
        Command::Provider(command) => command.run(&target, &platform).await,
        Command::Plan(command) => command.run(&target, &platform).await,
        Command::Price(args) => args.run(&target),
        Command::Completions { shell } => args::print_completions(shell),
    }
}

/// Prints an error with its causes.
fn tell(error: &(dyn std::error::Error + 'static)) {
    output::tell(format_args!("error: {error}"));
    causes(error).for_each(|cause| output::tell(format_args!("  because: {cause}")));
}

/// Prints an error with its causes as one line of JSON.
fn tell_json(error: &(dyn std::error::Error + 'static)) {
    let causes: Vec<String> = causes(error).map(ToString::to_string).collect();
    output::tell(json!({ "error": error.to_string(), "causes": causes }));
}

/// The cause of an error, the cause of that, and so on.
fn causes<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |cause| cause.source())
}
