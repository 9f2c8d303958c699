//! `steelyard plan simulate`: what real usage would cost under other plans.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use steelyard_billing::ProviderId;
use steelyard_books::{Counted, Days};
use steelyard_pages::csv::{self, Cell, FileError};
use steelyard_pricing::{BillingDay, Catalog, Fen, MoneyError, Name, Plan, QuoteError, Terms};
use steelyard_runtime::{Error, chain};
use steelyard_store::{AccountPage, StoredPlans};

use super::compare::Changes;
use super::plan::stored;
use crate::document::Document;
use crate::exit::Exit;
use crate::output;
use crate::target::{PlatformArgs, TargetArgs};

/// Rate stored usage again under other plans, and show what would change for whom. Writes nothing.
///
/// A draft (`--plan`) takes the place of the stored plan of its name, on every day whenever it
/// takes effect; a draft of another name takes the place of every plan. With `--plans` each
/// provider is rated under each of some stored plans, and the cheapest is shown with what it would
/// have saved. Overrides hold under all of them.
///
/// Everything is rated from the usage of the given days alone, so that it compares even where a
/// month is cut. A provider without usage counts too, since it may owe a minimum. Days whose usage
/// reports can have expired are refused.
#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    /// The draft, as a JSON document.
    #[arg(long, required_unless_present = "plans")]
    plan: Option<PathBuf>,
    /// Names of stored plans: `basic,standard,large`.
    #[arg(long, value_delimiter = ',', conflicts_with = "plan")]
    plans: Vec<Name>,
    /// The first billing day whose usage is rated.
    #[arg(long)]
    from: BillingDay,
    /// The last one.
    #[arg(long)]
    to: BillingDay,
    /// Also write a row for every provider to this file, as CSV.
    #[arg(long)]
    csv: Option<PathBuf>,
}

/// The changes that a draft would make.
#[derive(Debug, Serialize)]
struct Simulation {
    /// The stored plan whose place the draft takes; none if it takes the place of every plan.
    replaces: Option<Name>,
    #[serde(flatten)]
    changes: Changes,
}

/// Each provider's cheapest plan of some, the one that would have saved most first.
#[derive(Debug, Serialize)]
struct Choices {
    plans: Vec<Name>,
    providers: Vec<Choice>,
    now_fen: Fen,
    saved_fen: Fen,
    /// The providers whose usage can't be rated, each with the reason.
    failed: Vec<String>,
}

/// What a provider's usage costs now, and under each of the plans.
#[derive(Debug, Serialize)]
struct Choice {
    provider: ProviderId,
    now_fen: Fen,
    plans_fen: BTreeMap<Name, Fen>,
    /// The plan under which it costs the least; none if that is not less than now.
    cheapest: Option<Name>,
    saved_fen: Fen,
}

impl SimulateArgs {
    pub(crate) async fn run(
        self,
        target: &TargetArgs,
        platform: &PlatformArgs,
    ) -> Result<Exit, Error> {
        if self.to < self.from {
            return Err(format!("--to {} is before --from {}", self.to, self.from).into());
        }
        let draft = self.plan.as_deref().map(draft).transpose()?;
        let system = target.system_to_read(platform).await?;
        let kept_from = system.rules()?.calendar.kept_from(self.from.month(), system.clock.now());
        if kept_from > self.from.month() {
            let (from, kept_from) = (self.from, kept_from.first_day());
            return Err(format!(
                "reports of days before {kept_from} have expired, and --from is {from}"
            )
            .into());
        }
        let tables = system.tables;
        let StoredPlans { catalog, unreadable } = tables.billing.plans().await?;
        self.check_plans(&catalog)?;
        let AccountPage { accounts, unreadable: mut others, .. } = tables.registry().await?;
        others.extend(unreadable);
        let is_well = output::tell_unreadable(&others, target.json);
        let days = Days { from: self.from, to: self.to };
        let mut counted = Vec::new();
        for found in accounts {
            counted.push(days.counted(&tables.usage, &catalog, found).await?);
        }
        counted.retain(|of| !of.is_empty());
        let is_rated = match draft {
            Some(draft) => {
                let simulation = Simulation::of(&counted, &catalog, &draft)?;
                self.show(target, &simulation, Simulation::print, |of| of.changes.csv())?;
                simulation.changes.is_well()
            }
            None => {
                let choices = Choices::of(&counted, &catalog, &self.plans)?;
                self.show(target, &choices, Choices::print, Choices::csv)?;
                choices.failed.is_empty()
            }
        };
        Ok(Exit::done(is_well && is_rated))
    }

    fn check_plans(&self, catalog: &Catalog) -> Result<(), Error> {
        for plan in &self.plans {
            stored(catalog, plan, Some(self.from))?;
        }
        Ok(())
    }

    fn show<T: Serialize>(
        &self,
        target: &TargetArgs,
        result: &T,
        print: impl Fn(&T) -> Result<(), Error>,
        csv: impl Fn(&T) -> Result<Vec<u8>, FileError>,
    ) -> Result<(), Error> {
        if let Some(file) = &self.csv {
            std::fs::write(file, csv(result)?)
                .map_err(|error| format!("cannot write {}: {error}", file.display()))?;
        }
        if target.json { output::json(result) } else { print(result) }
    }
}

fn draft(file: &Path) -> Result<Plan, Error> {
    Document::open(file)?.plan()
}

impl Simulation {
    fn of(counted: &[Counted], plans: &Catalog, draft: &Plan) -> Result<Simulation, MoneyError> {
        let mut changes = Changes::default();
        for of in counted {
            changes
                .add(&of.provider.provider, of.costs_under(plans, draft).map_err(Error::from))?;
        }
        let replaces = plans.has(draft.name()).then(|| draft.name().clone());
        Ok(Simulation { replaces, changes: changes.sorted() })
    }

    fn print(&self) -> Result<(), Error> {
        self.changes.print("draft")?;
        output::print("Amounts are yuan. Nothing was written.")?;
        output::print(match &self.replaces {
            None => "The draft takes the place of every plan.".to_owned(),
            Some(plan) => format!(
                "The draft takes the place of the stored plan `{plan}`.\n\
                 Providers on other plans do not change. A draft of a name that is not stored\n\
                 takes the place of every plan."
            ),
        })?;
        self.changes.print_failed()
    }
}

impl Choices {
    fn of(counted: &[Counted], catalog: &Catalog, plans: &[Name]) -> Result<Choices, MoneyError> {
        let (mut providers, mut failed) = (Vec::new(), Vec::new());
        for of in counted {
            match Choice::of(of, catalog, plans) {
                Ok(choice) => providers.push(choice),
                Err(error) => failed.push(format!("{}: {}", of.provider.provider, chain(&error))),
            }
        }
        // Providers that would have saved the same stay in the order of their ids.
        providers.sort_by_key(|choice| std::cmp::Reverse(choice.saved_fen));
        let now_fen = Fen::sum(providers.iter().map(|choice| choice.now_fen))?;
        let saved_fen = Fen::sum(providers.iter().map(|choice| choice.saved_fen))?;
        Ok(Choices { plans: plans.to_vec(), providers, now_fen, saved_fen, failed })
    }

    fn print(&self) -> Result<(), Error> {
        let plans = self.plans.iter().map(|plan| format!(">{plan}")).collect::<Vec<_>>();
        let mut columns = vec!["=provider", ">now"];
        columns.extend(plans.iter().map(String::as_str));
        columns.extend(["=cheapest", ">saved"]);
        let mut table = output::table(columns);
        for choice in &self.providers {
            table.add_row(choice.cells(&self.plans));
        }
        let mut sum = vec!["all".to_owned(), self.now_fen.to_string()];
        sum.resize(self.plans.len() + 3, String::new());
        sum.push(self.saved_fen.to_string());
        table.add_row(sum);
        output::print(table)?;
        output::print("Amounts are yuan. Nothing was written.")?;
        self.failed.iter().try_for_each(|failed| output::print(format_args!("not rated: {failed}")))
    }

    fn csv(&self) -> Result<Vec<u8>, FileError> {
        let rows = self.providers.iter().flat_map(|choice| {
            choice.plans_fen.iter().map(move |(plan, cost)| {
                let is_cheapest = choice.cheapest.as_ref() == Some(plan);
                [
                    Cell::Text(choice.provider.to_string()),
                    Cell::Plain(choice.now_fen.to_string()),
                    Cell::Text(plan.to_string()),
                    Cell::Plain(cost.to_string()),
                    Cell::Plain(is_cheapest.to_string()),
                ]
            })
        });
        csv::for_spreadsheets(&["provider", "now_yuan", "plan", "plan_yuan", "cheapest"], rows)
    }
}

impl Choice {
    fn of(of: &Counted, catalog: &Catalog, plans: &[Name]) -> Result<Choice, ChoiceError> {
        let now_fen = of.cost(|day| of.provider.terms_on(day, catalog))?;
        let mut plans_fen = BTreeMap::new();
        for name in plans {
            let under = |day: BillingDay| {
                let overrides = of.provider.terms_on(day, catalog)?.overrides;
                Some(Terms { plan: catalog.in_force(name, day)?, overrides })
            };
            let cost = of.cost(under);
            let cost = cost.map_err(|source| ChoiceError::Under { plan: name.clone(), source })?;
            plans_fen.insert(name.clone(), cost);
        }
        let cheapest = plans_fen.iter().min_by_key(|(_, cost)| **cost);
        let cheapest = cheapest.filter(|(_, cost)| **cost < now_fen);
        let saved_fen = now_fen.minus(cheapest.map_or(now_fen, |(_, cost)| *cost))?;
        let cheapest = cheapest.map(|(plan, _)| plan.clone());
        let provider = of.provider.provider.clone();
        Ok(Choice { provider, now_fen, plans_fen, cheapest, saved_fen })
    }

    fn cells(&self, plans: &[Name]) -> Vec<String> {
        let costs = plans.iter().map(|plan| self.plans_fen.get(plan).map(Fen::to_string));
        let mut cells = vec![self.provider.to_string(), self.now_fen.to_string()];
        cells.extend(costs.map(Option::unwrap_or_default));
        cells.push(self.cheapest.as_ref().map_or("as it is".to_owned(), Name::to_string));
        cells.push(self.saved_fen.to_string());
        cells
    }
}

/// Why a provider's usage cannot be rated under all plans.
#[derive(Debug, thiserror::Error)]
enum ChoiceError {
    #[error("by its terms")]
    Now(#[from] QuoteError),
    #[error("under `{plan}`")]
    Under { plan: Name, source: QuoteError },
    #[error("cannot compute what is saved")]
    Money(#[from] MoneyError),
}
