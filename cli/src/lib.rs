//! The operator's tool and the local stack.

#![warn(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "`println!` panics when the reader is gone: print by `output`"
)]

mod args;
mod commands;
pub mod corrections;
mod document;
mod exit;
mod explain;

mod output;
mod target;
mod values;

pub use args::Cli;
pub use commands::audit::{AuditReport, audit_all};
pub use exit::Exit;

use std::io::IsTerminal;

use args::Command;
use clap::Parser;
use steelyard_runtime::Error;

/// Reads the command line of this process.
///
/// # Errors
///
/// How to end, after help was printed or what is wrong was said.
pub fn parse() -> Result<Cli, Exit> {
    Cli::try_parse().map_err(|error| {
        if !error.use_stderr() {
            // A reader that went away has what it wanted.
            let _ = error.print();
            return Exit::Done;
        }
        // What could not be read can't say whether JSON is asked for.
        if std::env::args_os().any(|arg| arg == "--json") {
            let text = error.to_string();
            output::error(&*Error::from(text.trim_start_matches("error: ").trim_end()), true);
        } else {
            let _ = error.print();
        }
        Exit::WrongCommandLine
    })
}

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
            output::error(&*error, as_json);
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
        Command::Logs(command) => command.run(&target, &platform).await,
        Command::Rule(command) => command.run(&target, &platform).await,
        Command::Import(args) => args.run(&target, &platform).await,
        Command::Settle(args) => args.run(&target, &platform).await,
        Command::Runs(args) => args.run(&target, &platform).await,
        Command::Usage(command) => command.run(&target, &platform).await,
        Command::Statement(args) => args.run(&target).await,
        Command::Portal(args) => args.run(&target, &platform).await,
        Command::Account(command) => command.run(&target, &platform).await,
        Command::Adjust(args) => args.run(&target, &platform).await,
        Command::Adjustments(command) => command.run(&target, &platform).await,
        Command::Actions(command) => command.run(&target, &platform).await,
        Command::Debits(command) => command.run(&target, &platform).await,
        Command::Deposit(command) => command.run(&target, &platform).await,
        Command::Refund(args) => args.run(&target, &platform).await,
        Command::Breaker(command) => command.run(&target, &platform).await,
        Command::Events(command) => command.run(&target, &platform).await,
        Command::Ladder(command) => command.run(&target, &platform).await,
        Command::Alerts(command) => command.run(&target, &platform).await,
        Command::Standing(command) => command.run(&target, &platform).await,
        Command::Webhooks(command) => command.run(&target, &platform).await,
        Command::Reconcile(args) => args.run(&target, &platform).await,
        Command::Items(command) => command.run(&target).await,
        Command::Mandates(command) => command.run(&target, &platform).await,
        Command::Audit(args) => args.run(&target, &platform).await,
        Command::Source(command) => command.run(&target, &platform).await,
        Command::Caller(command) => command.run(&target, &platform).await,
        Command::Provider(command) => command.run(&target, &platform).await,
        Command::Campaign(command) => command.run(&target, &platform).await,
        Command::Plan(command) => command.run(&target, &platform).await,
        Command::Price(args) => args.run(&target),
        Command::Completions { shell } => args::print_completions(shell),
    }
}
