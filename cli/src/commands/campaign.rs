//! `steelyard campaign`: one override for many providers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::Serialize;
use steelyard_billing::{Provider, ProviderId};
use steelyard_books::BookError;
use steelyard_pricing::{BillingDay, Catalog, Fen, Name, Override, Terms};
use steelyard_runtime::{Error, chain};
use steelyard_store::{AccountPage, ProviderAccount, StoredPlans};

use super::compare::{Changes, Days};
use crate::document::Document;
use crate::exit::Exit;
use crate::output;
use crate::target::{PlatformArgs, System, TargetArgs};

/// Give one override to many providers, end it for all of them, and see what it cost.
///
/// The name of the override is the campaign's. A command that was cut off is given again: it goes on with
/// the providers that are left.
#[derive(Debug, Subcommand)]
pub(crate) enum CampaignCommand {
    /// Give an override to every provider that all of the given rules choose. Without `--yes` it only shows
    /// them, with what last month would have cost them.
    Start(StartArgs),
    /// List the overrides of all providers by name, with how many providers have each.
    List,
    /// Show what a campaign has cost so far: what the usage of its providers would have cost without it, of the
    /// months that it touches.
    Cost {
        /// The name of the override.
        name: Name,
    },
    /// End a campaign for every provider that has it. Without `--yes` it only shows them.
    End {
        /// The name of the override.
        name: Name,
        /// The end date (exclusive): a day that is not settled yet.
        #[arg(long)]
        on: BillingDay,
        /// End it; without, nothing is changed.
        #[arg(long)]
        yes: bool,
    },
}

/// A campaign that begins.
#[derive(Debug, Args)]
pub(crate) struct StartArgs {
    /// The override, as a JSON document: see `steelyard provider override add --help`. It has an `until`.
    file: PathBuf,
    #[command(flatten)]
    rule: Rule,
    /// Give it to them; without, nothing is changed.
    #[arg(long)]
    yes: bool,
}

/// Which providers a campaign is for.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct Rule {
    /// Those that are on this plan on the first day of the override.
    #[arg(long)]
    plan: Option<Name>,
    /// Those that are listed: `shop,stall`.
    #[arg(long, value_delimiter = ',')]
    providers: Vec<ProviderId>,
    /// Those with fewer calls than this last month.
    #[arg(long)]
    calls_below: Option<u64>,
}

/// What is known of all providers.
struct Known<'a> {
    system: &'a System,
    plans: Catalog,
    accounts: Vec<ProviderAccount>,
    /// Whether everything could be read.
    is_whole: bool,
}

/// What was done for each provider.
#[derive(Debug, Default, Serialize)]
struct Done {
    done: Vec<ProviderId>,
    /// Those for which it was done before.
    before: Vec<ProviderId>,
    /// Those for which it could not be done, each with the reason.
    failed: Vec<String>,
}

impl CampaignCommand {
    pub(crate) async fn run(
        self,
        target: &TargetArgs,
        platform: &PlatformArgs,
    ) -> Result<Exit, Error> {
        let system = target.system(platform).await?;
        let known = Known::of(&system, target).await?;
        let exit = match self {
            CampaignCommand::Start(args) => known.start(target, &args).await,
            CampaignCommand::List => known.list(target),
            CampaignCommand::Cost { name } => known.cost(target, &name).await,
            CampaignCommand::End { name, on, yes } => known.end(target, &name, on, yes).await,
        }?;
        Ok(if known.is_whole { exit } else { Exit::NotAllWell })
    }
}

/// The override of a campaign: it ends.
fn campaign(file: &Path) -> Result<Override, Error> {
    let over = Document::open(file)?.over()?;
    if over.until.is_none() {
        return Err(format!("{}: a campaign has an `until`", file.display()).into());
    }
    Ok(over)
}

impl<'a> Known<'a> {
    async fn of(system: &'a System, target: &TargetArgs) -> Result<Known<'a>, Error> {
        let StoredPlans { catalog, mut unreadable } = system.tables.billing.plans().await?;
        let AccountPage { accounts, unreadable: others, .. } = system.tables.registry().await?;
        unreadable.extend(others);
        let is_whole = output::tell_unreadable(&unreadable, target.json);
        Ok(Known { system, plans: catalog, accounts, is_whole })
    }

    async fn start(&self, target: &TargetArgs, args: &StartArgs) -> Result<Exit, Error> {
        let over = &campaign(&args.file)?;
        let last_month = self.system.today()?.month().previous();
        let days = Days { from: last_month.first_day(), to: last_month.last_day() };
        let (mut chosen, mut changes) = (Vec::new(), Changes::default());
        for found in &self.accounts {
            let provider = &found.provider;
            if !args.rule.names(provider, over.from, &self.plans) {
                continue;
            }
            let counted = days.counted(&self.system.tables, &self.plans, found.clone()).await?;
            let calls = counted.as_ref().map_or(Ok(0), |counted| counted.calls())?;
            if args.rule.calls_below.is_some_and(|below| calls >= below) {
                continue;
            }
            let costs = counted.map_or(Ok((Fen::ZERO, Fen::ZERO)), |of| {
                let terms = |day| of.provider.terms_on(day, &self.plans);
                let with = |day| {
                    let Terms { plan, mut overrides } = terms(day)?;
                    overrides.push(over);
                    Some(Terms { plan, overrides })
                };
                Ok((of.cost(terms)?, of.cost(with)?))
            });
            changes.add(&provider.provider, costs)?;
            chosen.push(provider.provider.clone());
        }
        if args.rule.providers.iter().any(|named| !chosen.contains(named)) {
            let missing = args.rule.providers.iter().filter(|named| !chosen.contains(named));
            let missing = missing.map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
            return Err(
                format!("not registered, or not chosen by the other rules: {missing}").into()
            );
        }
        if !args.yes {
            let what = format!(
                "{} would have it. Amounts are yuan, for {last_month}.\n\
                 Nothing was written. Give --yes to give it to them.",
                chosen.len()
            );
            return preview(target, &changes.sorted(), "with it", &what);
        }
        let books = self.system.books()?;
        let mut done = Done::default();
        for provider in chosen {
            let has_it = |found: &ProviderAccount| {
                found.provider.provider == provider && found.provider.overrides.contains(over)
            };
            if self.accounts.iter().any(has_it) {
                done.before.push(provider);
                continue;
            }
            let given = books.change_provider(&provider, |changed, settled| {
                changed.add_override(over.clone(), &self.plans, settled)
            });
            let given = given.await;
            done.note(provider, given);
        }
        done.show(target, &format!("override `{}` is given", over.name))
    }

    fn list(&self, target: &TargetArgs) -> Result<Exit, Error> {
        let mut by_name = BTreeMap::<(&Name, BillingDay, Option<BillingDay>), usize>::new();
        for over in self.accounts.iter().flat_map(|found| &found.provider.overrides) {
            *by_name.entry((&over.name, over.from, over.until)).or_default() += 1;
        }
        if target.json {
            let rows = by_name.iter().map(|((name, from, until), providers)| {
                serde_json::json!({ "override": name, "from": from, "until": until, "providers": providers })
            });
            output::json(&rows.collect::<Vec<_>>())?;
            return Ok(Exit::Done);
        }
        let mut table = output::table(["override", "from", "until", ">providers"]);
        for ((name, from, until), providers) in by_name {
            let until = until.map(|day| day.to_string()).unwrap_or_default();
            table.add_row([name.to_string(), from.to_string(), until, providers.to_string()]);
        }
        output::print(table)?;
        Ok(Exit::Done)
    }

    /// The providers that have the override, each with it.
    fn having<'k>(
        &'k self,
        name: &'k Name,
    ) -> impl Iterator<Item = (&'k ProviderAccount, &'k Override)> {
        self.accounts.iter().filter_map(move |found| {
            let mut overrides = found.provider.overrides.iter();
            overrides.find(|over| over.name == *name).map(|over| (found, over))
        })
    }

    async fn cost(&self, target: &TargetArgs, name: &Name) -> Result<Exit, Error> {
        let (calendar, now) = (self.system.rules()?.calendar, self.system.clock.now());
        let today = self.system.today()?;
        let mut changes = Changes::default();
        for (found, over) in self.having(name) {
            let last = over.until.map_or(today, BillingDay::previous);
            let days = Days {
                from: over.from.month().first_day(),
                to: today.min(last.month().last_day()),
            };
            if days.to < days.from {
                changes.add(&found.provider.provider, Ok((Fen::ZERO, Fen::ZERO)))?;
                continue;
            }
            let kept_from = calendar.kept_from(days.from.month(), now).first_day();
            if days.from < kept_from {
                return Err(format!(
                    "reports of days before {kept_from} have expired, and `{name}` began on {}",
                    over.from
                )
                .into());
            }
            let counted = days.counted(&self.system.tables, &self.plans, found.clone()).await?;
            let costs = counted.map_or(Ok((Fen::ZERO, Fen::ZERO)), |of| {
                let with = |day| of.provider.terms_on(day, &self.plans);
                let without = |day| {
                    let Terms { plan, mut overrides } = with(day)?;
                    overrides.retain(|over| over.name != *name);
                    Some(Terms { plan, overrides })
                };
                Ok((of.cost(with)?, of.cost(without)?))
            });
            changes.add(&found.provider.provider, costs)?;
        }
        if changes.is_empty() {
            return Err(format!("no provider has an override `{name}`").into());
        }
        let changes = changes.sorted();
        let exit = Exit::done(changes.is_well());
        let what =
            "Amounts are yuan, of whole months up to today. The change is what the campaign cost.";
        preview(target, &changes, "without", what)?;
        Ok(exit)
    }

    async fn end(
        &self,
        target: &TargetArgs,
        name: &Name,
        on: BillingDay,
        is_meant: bool,
    ) -> Result<Exit, Error> {
        let having = self.having(name).collect::<Vec<_>>();
        if having.is_empty() {
            return Err(format!("no provider has an override `{name}`").into());
        }
        let (mut done, books) = (Done::default(), self.system.books()?);
        for (found, over) in having {
            let provider = found.provider.provider.clone();
            if over.until.is_some_and(|until| until <= on) {
                done.before.push(provider);
            } else if is_meant {
                let ended = books.change_provider(&provider, |changed, settled| {
                    changed.end_override(name, on, &self.plans, settled)
                });
                let ended = ended.await;
                done.note(provider, ended);
            } else {
                done.done.push(provider);
            }
        }
        if is_meant || target.json {
            return done.show(target, &format!("override `{name}` ends"));
        }
        done.print(&format!("override `{name}` would end"))?;
        output::print("Nothing was written. Give --yes to end it.")?;
        Ok(Exit::Done)
    }
}

impl Rule {
    /// Whether a provider is one of those that are listed, and on the plan.
    fn names(&self, provider: &Provider, from: BillingDay, plans: &Catalog) -> bool {
        let is_on = |plan: &Name| {
            provider.terms_on(from, plans).is_some_and(|terms| terms.plan.name() == plan)
        };
        (self.providers.is_empty() || self.providers.contains(&provider.provider))
            && self.plan.as_ref().is_none_or(is_on)
    }
}

impl Done {
    fn note(&mut self, provider: ProviderId, result: Result<Provider, BookError>) {
        match result {
            Ok(_) => self.done.push(provider),
            Err(error) => self.failed.push(format!("{provider}: {}", chain(&error))),
        }
    }

    fn show(&self, target: &TargetArgs, what: &str) -> Result<Exit, Error> {
        let exit = Exit::done(self.failed.is_empty());
        if target.json {
            output::json(self)?;
            return Ok(exit);
        }
        self.print(what)?;
        let (done, before, failed) = (self.done.len(), self.before.len(), self.failed.len());
        output::print(format_args!("{done} done, {before} as before, {failed} failed"))?;
        Ok(exit)
    }

    fn print(&self, what: &str) -> Result<(), Error> {
        self.done
            .iter()
            .try_for_each(|provider| output::print(format_args!("{provider}: {what}")))?;
        let before = |provider| output::print(format_args!("{provider}: as it was"));
        self.before.iter().try_for_each(before)?;
        self.failed.iter().try_for_each(|failed| output::print(format_args!("not done: {failed}")))
    }
}

fn preview(target: &TargetArgs, changes: &Changes, draft: &str, what: &str) -> Result<Exit, Error> {
    if target.json {
        output::json(changes)?;
        return Ok(Exit::Done);
    }
    changes.print(draft)?;
    output::print(what)?;
    changes.print_failed()?;
    Ok(Exit::Done)
}
