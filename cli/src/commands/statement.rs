//! `steelyard statement`: what a provider owes for its days, and why.

use clap::Args;
use steelyard_billing::{ProviderId, Statement, StatementId, still_owed};
use steelyard_pricing::{Fen, LineCause, UsageError};
use steelyard_runtime::Error;
use steelyard_store::ProviderAccount;

use super::registered;
use crate::exit::Exit;
use crate::target::TargetArgs;
use crate::{explain, output};

/// Show what a provider owes for its days, and why.
#[derive(Debug, Args)]
pub(crate) struct StatementArgs {
    /// The provider's id.
    provider: ProviderId,
    /// Which statement: a day such as `2015-05-17`, or a supplement such as `2015-05-31+1`. All
    /// unless given.
    statement: Option<StatementId>,
    /// Show each line so that it can be recomputed with a pocket calculator.
    #[arg(long)]
    explain: bool,
}

impl StatementArgs {
    pub(crate) async fn run(self, target: &TargetArgs) -> Result<Exit, Error> {
        let tables = target.tables_to_read().await?;
        let ProviderAccount { account, .. } = registered(&tables, &self.provider).await?;
        let all = tables.billing.statements(&self.provider).await?;
        let owed = still_owed(&all, account.figures.receivable())?;
        let is_asked = |of: &Statement| self.statement.is_none_or(|id| of.statement == id);
        let (statements, owed): (Vec<_>, Vec<_>) =
            all.into_iter().zip(owed).filter(|(statement, _)| is_asked(statement)).unzip();
        if let Some(id) = self.statement.filter(|_| statements.is_empty()) {
            return Err(format!("{} has no statement {id}", self.provider).into());
        }
        if target.json {
            output::json(&statements)?;
        } else if statements.is_empty() {
            output::print(format_args!("{} has no statement yet", self.provider))?;
        } else if self.explain {
            for statement in &statements {
                output::print(explain::statement(statement)?)?;
            }
        } else {
            print_table(&statements, &owed)?;
        }
        Ok(Exit::Done)
    }
}

/// The calls that a statement charges or lists as unpriced, less those that were withdrawn.
pub(crate) fn new_calls(statement: &Statement) -> Result<i128, UsageError> {
    let calls = |cause| {
        let apis = statement.apis_because(cause)?;
        Ok::<_, UsageError>(i128::from(apis.total()?.calls.get()))
    };
    Ok(calls(LineCause::Usage)? + calls(LineCause::Late)? - calls(LineCause::Void)?)
}

/// Prints statements, and what is still owed of each.
fn print_table(statements: &[Statement], owed: &[Fen]) -> Result<(), Error> {
    let mut table = output::table([
        "statement",
        ">new calls",
        ">unpriced\nAPIs",
        ">charge",
        ">from\nprepaid",
        ">still owed",
    ]);
    for (statement, owed) in statements.iter().zip(owed) {
        table.add_row([
            statement.statement.to_string(),
            output::grouped(new_calls(statement)?),
            statement
                .unpriced
                .iter()
                .map(|unpriced| unpriced.apis.apis())
                .sum::<usize>()
                .to_string(),
            statement.charge_fen.to_string(),
            statement.from_prepaid_fen.to_string(),
            owed.to_string(),
        ]);
    }
    output::print(table)?;
    for statement in statements {
        for note in &statement.adjustments {
            let note = explain::adjustment(note);
            output::print(format_args!("statement {} has {note}", statement.statement))?;
        }
    }
    Ok(())
}
