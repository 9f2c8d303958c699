//! `steelyard price`: what usage would cost.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use steelyard_pricing::{
    BillingMonth, Fen, Line, LineCause, MoneyError, Quote, Tax, TaxBehavior, Terms, Yuan,
};
use steelyard_runtime::{Error, chain};

use crate::document::Document;
use crate::exit::Exit;
use crate::explain::{fen, yuan};
use crate::target::TargetArgs;
use crate::{explain, output};

/// Compute what usage would cost under a plan, with an explanation. Nothing is read but the files.
///
/// Every step is always shown, as `steelyard statement --explain` shows those of a statement: there
/// is no option for it.
///
/// Usage is written as the counts of a month by API, {"trades.get": 620000}, or as those of days,
/// {"2015-05-17": {"trades.get": 20000}}. An API with an amount is written {"calls": 3, "amount":
/// "120.50"}. Where units are free by the day, the price depends on the days, and they are needed.
#[derive(Debug, Args)]
pub(crate) struct PriceArgs {
    /// The plan, as a JSON document: see `steelyard plan schema`. It holds on every day, whenever
    /// it takes effect.
    #[arg(long)]
    plan: PathBuf,
    /// The usage, as a JSON document: counts by API for a whole month, or counts by API by day.
    #[arg(long)]
    usage: PathBuf,
    /// The month of counts that have no days; that in which the plan takes effect unless given.
    #[arg(long)]
    month: Option<BillingMonth>,
}

impl PriceArgs {
    pub(crate) fn run(self, target: &TargetArgs) -> Result<Exit, Error> {
        let plan = Document::open(&self.plan)?.plan()?;
        let usage = Document::open(&self.usage)?.usage()?;
        let month = self.month.unwrap_or_else(|| plan.effective_from().month());
        let quote = Quote::of(&usage, month, |_| Some(Terms::of(&plan)))
            .map_err(|error| format!("{}: {}", self.usage.display(), chain(&error)))?;
        let tax = plan.document().tax.filter(|tax| tax.behavior == TaxBehavior::Inclusive);
        let included_tax_fen = tax.map(|tax| included(tax, &quote)).transpose()?;
        if target.json {
            output::json(&Priced { quote, included_tax_fen })?;
            return Ok(Exit::Done);
        }
        let mut text = text(&quote)?;
        if let Some((tax, of_it)) = tax.zip(included_tax_fen) {
            text += &format!("\n{tax}: {} of it", fen(of_it));
        }
        output::print(text)?;
        Ok(Exit::Done)
    }
}

/// A quote with the tax that its prices include, if they include one.
#[derive(Debug, Serialize)]
struct Priced {
    #[serde(flatten)]
    quote: Quote,
    #[serde(skip_serializing_if = "Option::is_none")]
    included_tax_fen: Option<Fen>,
}

/// How much of a quote is tax: of each day that has one, as each has a statement of its own.
fn included(tax: Tax, quote: &Quote) -> Result<Fen, MoneyError> {
    if quote.days.is_empty() {
        return tax.within(quote.rounded);
    }
    quote.days.iter().try_fold(Fen::ZERO, |sum, day| sum.plus(tax.within(day.rounded)?))
}

fn text(quote: &Quote) -> Result<String, Error> {
    let mut text = String::new();
    if quote.days.is_empty() {
        text += &explain::lines(&quote.lines)?;
    }
    for day in &quote.days {
        text += &format!("{}: {}\n", day.day, amount(day.rounded, day.exact, &day.lines));
        text += &explain::lines(&day.lines)?;
    }
    text += &explain::unpriced(&quote.unpriced);
    Ok(text + &amount(quote.rounded, quote.exact, &quote.lines))
}

/// The charge with tax, and the exact price without tax that is added.
fn amount(rounded: Fen, exact: Yuan, lines: &[Line]) -> String {
    let has_tax = lines.iter().any(|line| line.because == LineCause::Tax);
    let without = if has_tax { " without tax" } else { "" };
    format!("{}, exactly {}{without}", fen(rounded), yuan(exact))
}
