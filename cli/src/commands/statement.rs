//! `steelyard statement`: what a provider owes for its days, and why.

use clap::Args;
use steelyard_billing::{ProviderId, Statement, StatementId};
use steelyard_pricing::{ApiCount, Calls, Line, Slice, UsageError};
use steelyard_runtime::Error;

use super::customer;
use crate::exit::Exit;
use crate::output;
use crate::target::TargetArgs;

/// Show what a provider owes for its days, and why.
#[derive(Debug, Args)]
pub(crate) struct StatementArgs {
    /// The provider.
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
        let tables = target.tables().await?;
        customer(&tables, &self.provider).await?;
        let billing = tables.billing;
        let statements = match self.statement {
            None => billing.statements(&self.provider).await?,
            Some(id) => match billing.statement(&self.provider, id).await? {
                Some(statement) => vec![statement],
                None => return Err(format!("{} has no statement {id}", self.provider).into()),
            },
        };
        if target.json {
            output::json(&statements)?;
        } else if self.explain {
            for statement in &statements {
                println!("{}", explanation(statement)?);
            }
        } else {
            print_table(&statements)?;
        }
        Ok(Exit::Done)
    }
}

/// All calls that a statement charges or lists as unpriced.
pub(crate) fn new_calls(statement: &Statement) -> Result<Calls, UsageError> {
    let counts = statement.lines.iter().flat_map(|line| &line.apis).chain(&statement.unpriced);
    counts.map(ApiCount::new_calls).try_fold(Calls::ZERO, Calls::plus)
}

fn print_table(statements: &[Statement]) -> Result<(), Error> {
    let mut table = output::table([
        "statement",
        "plan",
        ">new calls",
        ">unpriced APIs",
        ">charge",
        ">from prepaid",
    ]);
    for statement in statements {
        table.add_row([
            statement.statement.to_string(),
            statement.plan.to_string(),
            output::grouped(new_calls(statement)?.get()),
            statement.unpriced.len().to_string(),
            statement.charge_fen.to_string(),
            statement.from_prepaid_fen.to_string(),
        ]);
    }
    println!("{table}");
    Ok(())
}

/// A statement with every number that is needed to recompute it.
fn explanation(statement: &Statement) -> Result<String, Error> {
    let mut text = format!(
        "{} statement {}: ¥{} under plan {} of {}\n",
        statement.provider,
        statement.statement,
        statement.charge_fen,
        statement.plan,
        statement.plan_version
    );
    for line in &statement.lines {
        text += &line_explanation(line)?;
    }
    for late in &statement.late_days {
        text += &format!("  {} calls of {} came late\n", late.calls, late.day);
    }
    for count in &statement.unpriced {
        text += &format!(
            "  UNPRICED {}: {} calls, no rate covers them\n",
            count.api,
            count.new_calls()
        );
    }
    text += &format!(
        "  month to date ¥{}, rounded less ¥{} charged before = ¥{}\n",
        statement.rated_yuan, statement.charged_before_fen, statement.charge_fen
    );
    Ok(text)
}

fn line_explanation(line: &Line) -> Result<String, Error> {
    let late = if line.late { ", late" } else { "" };
    let mut text = format!(
        "  {}{late}: calls {} → {}, allowance {} → {} of {}\n",
        line.rate,
        line.calls_before,
        line.calls_after,
        line.allowance_before(),
        line.allowance_after(),
        line.free_per_month
    );
    for count in &line.apis {
        text += &format!("    {}: {} → {}\n", count.api, count.before, count.after);
    }
    for slice in &line.slices {
        text += &slice_explanation(slice);
    }
    text += &format!(
        "    = ¥{}, rounded by {} to ¥{}\n",
        line.exact_yuan, line.rounding_yuan, line.charge_fen
    );
    Ok(text)
}

fn slice_explanation(slice: &Slice) -> String {
    let fee = if slice.flat_fee == steelyard_pricing::Yuan::ZERO {
        String::new()
    } else {
        format!(" + ¥{}", slice.flat_fee)
    };
    format!(
        "    ({} − {}) × ¥{}{fee} = ¥{}\n",
        slice.to, slice.from, slice.unit_price, slice.amount
    )
}
