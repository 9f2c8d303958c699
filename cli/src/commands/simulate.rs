//! `steelyard plan simulate`: what real usage would cost under a draft plan.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use steelyard_billing::{CountedDays, Provider, ProviderId};
use steelyard_pricing::{
    BillingDay, Catalog, Fen, MoneyError, Name, Plan, Quote, QuoteError, Terms,
};
use steelyard_runtime::{Error, chain};
use steelyard_store::{ProviderAccount, StoredPlans};

use crate::document::Document;
use crate::exit::Exit;
use crate::output;
use crate::tables::Tables;
use crate::target::{PlatformArgs, TargetArgs};

/// Rate stored usage again under a draft plan, and show what would change for whom. Writes nothing.
///
/// The draft takes the place of the stored plan of its name, on every day whenever it takes effect;
/// a draft of another name takes the place of every plan. Overrides hold for it too. Both sides are
/// rated from the usage of the given days alone, so that they compare even where a month is cut.
/// Providers without usage on those days are left out. Days whose usage reports can have expired are
/// refused.
#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    /// The draft, as a JSON document.
    #[arg(long)]
    plan: PathBuf,
    /// The first billing day whose usage is rated.
    #[arg(long)]
    from: BillingDay,
    /// The last one.
    #[arg(long)]
    to: BillingDay,
}

/// What would change.
#[derive(Debug, Default, Serialize)]
struct Simulation {
    /// The stored plan whose place the draft takes; none if it takes the place of every plan.
    replaces: Option<Name>,
    providers: Vec<Change>,
    sum: Sums,
    /// The providers whose usage can't be rated, each with the reason.
    failed: Vec<String>,
}

/// What would change for one provider.
#[derive(Debug, Serialize)]
struct Change {
    provider: ProviderId,
    #[serde(flatten)]
    sums: Sums,
}

/// What usage costs by the terms in force and by the draft, in fen.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Sums {
    now_fen: Fen,
    draft_fen: Fen,
    change_fen: Fen,
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
        let draft = Document::open(&self.plan)?.plan()?;
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
        let mut registry = tables.registry().await?;
        registry.unreadable.extend(unreadable);
        let is_well = output::tell_unreadable(&registry.unreadable, target.json);
        let accounts = registry.accounts;
        let simulation = self.simulate(&tables, &catalog, accounts, &draft).await?;
        if target.json {
            output::json(&simulation)?;
        } else {
            simulation.print()?;
        }
        Ok(Exit::done(is_well && simulation.failed.is_empty()))
    }

    async fn simulate(
        &self,
        tables: &Tables,
        plans: &Catalog,
        accounts: Vec<ProviderAccount>,
        draft: &Plan,
    ) -> Result<Simulation, Error> {
        let replaces = plans.has(draft.name()).then(|| draft.name().clone());
        let mut simulation = Simulation { replaces, ..Simulation::default() };
        for ProviderAccount { provider, .. } in accounts {
            let days = tables.usage.days(&provider.provider, self.from, self.to).await?;
            let counted: CountedDays =
                days.into_iter().map(|(day, count)| (day, count.usage)).collect();
            if counted.is_empty() {
                continue;
            }
            match change(&provider, &counted, plans, draft) {
                Ok(sums) => simulation.add(provider.provider, sums)?,
                Err(error) => {
                    simulation.failed.push(format!("{}: {}", provider.provider, chain(&error)))
                }
            }
        }
        Ok(simulation)
    }
}

/// What the usage of a provider costs by its terms, and by the draft.
fn change(
    provider: &Provider,
    counted: &CountedDays,
    plans: &Catalog,
    draft: &Plan,
) -> Result<Sums, QuoteError> {
    let is_new = !plans.has(draft.name());
    let drafted = |day: BillingDay| {
        let terms = provider.terms_on(day, plans);
        let replaced = terms.as_ref().is_some_and(|terms| terms.plan.name() == draft.name());
        if !is_new && !replaced {
            return terms;
        }
        let overrides = terms.map(|terms| terms.overrides).unwrap_or_default();
        Some(Terms { plan: draft, overrides })
    };
    let now = Quote::of_days(counted, |day| provider.terms_on(day, plans))?.rounded;
    let drafted = Quote::of_days(counted, drafted)?.rounded;
    let change = drafted.minus(now).map_err(steelyard_pricing::ChargeError::from)?;
    Ok(Sums { now_fen: now, draft_fen: drafted, change_fen: change })
}

impl Sums {
    fn plus(self, other: Sums) -> Result<Sums, MoneyError> {
        Ok(Sums {
            now_fen: self.now_fen.plus(other.now_fen)?,
            draft_fen: self.draft_fen.plus(other.draft_fen)?,
            change_fen: self.change_fen.plus(other.change_fen)?,
        })
    }
}

impl Simulation {
    fn add(&mut self, provider: ProviderId, sums: Sums) -> Result<(), MoneyError> {
        self.sum = self.sum.plus(sums)?;
        self.providers.push(Change { provider, sums });
        Ok(())
    }

    fn print(&self) -> Result<(), Error> {
        let mut table = output::table(["provider", ">now", ">draft", ">change"]);
        for change in &self.providers {
            table.add_row(row(change.provider.as_str(), change.sums));
        }
        table.add_row(row("all", self.sum));
        output::print(table)?;
        output::print("Amounts are yuan. Nothing was written.")?;
        output::print(match &self.replaces {
            None => "The draft takes the place of every plan.".to_owned(),
            Some(plan) => format!(
                "The draft takes the place of the stored plan `{plan}`.\n\
                 Providers on other plans do not change. A draft of a name that is not stored\n\
                 takes the place of every plan."
            ),
        })?;
        for failed in &self.failed {
            output::print(format_args!("not rated: {failed}"))?;
        }
        Ok(())
    }
}

fn row(name: &str, sums: Sums) -> [String; 4] {
    let sign = if sums.change_fen.is_positive() { "+" } else { "" };
    [
        name.to_owned(),
        sums.now_fen.to_string(),
        sums.draft_fen.to_string(),
        format!("{sign}{}", sums.change_fen),
    ]
}
