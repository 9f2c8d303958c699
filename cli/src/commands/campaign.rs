//! `steelyard campaign`: one override for many providers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::json;
use steelyard_billing::{Provider, ProviderId, TermsChangeError};
use steelyard_books::{BookError, Counted, Days};
use steelyard_pricing::{BillingDay, Catalog, Fen, Name, Override, Terms};
use steelyard_runtime::{Error, chain};
use steelyard_store::{AccountPage, ProviderAccount, StoredPlans};

use super::compare::Changes;
use super::plan::stored;
use crate::document::Document;
use crate::exit::Exit;
use crate::output;
use crate::target::{PlatformArgs, System, TargetArgs};

/// Give one override to many providers, end it for all of them, and see what it cost.
///
/// The name of the override is the campaign's. A `start` that was cut off is given again in the
/// same month, and an `end` at any time: it goes on with the providers that are left.
#[derive(Debug, Subcommand)]
pub(crate) enum CampaignCommand {
    /// Give an override to every provider that all of the given rules choose. Without `--yes` it
    /// only shows what last month would have cost them: the largest changes, and with `--json` all.
    Start(StartArgs),
    /// List the overrides of all providers by name, with how many providers have each.
    List,
    /// Show what a campaign has cost so far: what the usage of its providers would have cost
    /// without it, of the months that it touches.
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
    /// The override, as a JSON document: see `steelyard provider override add --help`. It has an
    /// `until`.
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

/// Everything that a campaign is decided by, read once.
struct Known<'a> {
    system: &'a System,
    plans: Catalog,
    accounts: Vec<ProviderAccount>,
    /// False if a plan or an account cannot be read: providers may be missing.
    is_whole: bool,
}

/// The providers by result.
#[derive(Debug, Default, Serialize)]
struct Done {
    done: Vec<ProviderId>,
    /// Those that an earlier command changed.
    before: Vec<ProviderId>,
    /// Those that cannot be changed, each with the reason.
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
        let (chosen, changes) = self.choose(&args.rule, over, days).await?;
        let is_another = |other: &Override| other.name == over.name && other != over;
        if let Some(found) = chosen.iter().find(|of| of.provider.overrides.iter().any(is_another)) {
            return Err(format!(
                "provider `{}` has another override `{}`: give the campaign another name",
                found.provider.provider, over.name
            )
            .into());
        }
        let (mut done, mut refused) = (Done::default(), BTreeSet::new());
        for found in chosen {
            if found.provider.overrides.contains(over) {
                done.before.push(found.provider.provider.clone());
                continue;
            }
            let give = |changed: &mut Provider, settled| {
                changed.add_override(over.clone(), &self.plans, settled)
            };
            if !self.carry_out(found, args.yes, give, &mut done).await? {
                refused.insert(found.provider.provider.clone());
            }
        }
        if args.yes {
            return done.show(target, &format!("override `{}` is given", over.name));
        }
        let changes = changes.without(&refused)?;
        if target.json {
            output::json(&json!({ "changes": changes, "would": done }))?;
        } else {
            changes.print("with it")?;
            changes.print_failed()?;
            done.print_refused()?;
            let (would, before) = (done.done.len(), done.before.len());
            output::print(format_args!(
                "{would} would have it, {before} have it. Amounts are yuan, for {last_month}.\n\
                 Nothing was written. Give --yes to give it to them."
            ))?;
        }
        Ok(Exit::done(changes.is_well() && done.failed.is_empty()))
    }

    /// The providers that a rule chooses, and what days would have cost them with the override.
    async fn choose(
        &self,
        rule: &Rule,
        over: &Override,
        days: Days,
    ) -> Result<(Vec<&ProviderAccount>, Changes), Error> {
        if let Some(plan) = &rule.plan {
            stored(&self.plans, plan, Some(over.from))?;
        }
        // As if the campaign had started with the month that is shown: an amount counts months from
        // its start.
        let then = Override { from: days.from, until: None, ..over.clone() };
        let (mut chosen, mut changes) = (Vec::new(), Changes::default());
        for found in &self.accounts {
            if !rule.names(&found.provider, over.from, &self.plans) {
                continue;
            }
            let counted =
                days.counted(&self.system.tables.usage, &self.plans, found.clone()).await?;
            let calls = counted.calls()?;
            if rule.calls_below.is_some_and(|below| calls >= below) {
                continue;
            }
            let terms = |day| found.provider.terms_on(day, &self.plans);
            let with = |day| {
                let Terms { plan, mut overrides } = terms(day)?;
                overrides.retain(|other| other.name != over.name);
                overrides.push(&then);
                Some(Terms { plan, overrides })
            };
            let costs = counted.cost(terms).and_then(|now| Ok((now, counted.cost(with)?)));
            changes.add(&found.provider.provider, costs.map_err(Error::from))?;
            chosen.push(found);
        }
        let is_chosen =
            |named: &&ProviderId| chosen.iter().any(|found| found.provider.provider == **named);
        let missing = rule.providers.iter().filter(|named| !is_chosen(named));
        let missing = missing.map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
        if !missing.is_empty() {
            return Err(
                format!("not registered, or not chosen by the other rules: {missing}").into()
            );
        }
        if chosen.is_empty() {
            return Err("the rules choose no provider".into());
        }
        Ok((chosen, changes.sorted()))
    }

    /// Changes the terms of a provider; where it is not meant, only looks whether they could be
    /// changed. Gives whether they were, or could be.
    async fn carry_out(
        &self,
        found: &ProviderAccount,
        is_meant: bool,
        change: impl Fn(&mut Provider, Option<BillingDay>) -> Result<(), TermsChangeError> + Send + Sync,
        done: &mut Done,
    ) -> Result<bool, Error> {
        let provider = found.provider.provider.clone();
        let changed = if is_meant {
            self.system.books()?.change_provider(&provider, change).await.map(drop)
        } else {
            let settled = found.account.settled_through;
            change(&mut found.provider.clone(), settled).map_err(BookError::from)
        };
        let is_done = changed.is_ok();
        match changed {
            Ok(()) => done.done.push(provider),
            Err(error) => done.failed.push(format!("{provider}: {}", chain(&error))),
        }
        Ok(is_done)
    }

    fn list(&self, target: &TargetArgs) -> Result<Exit, Error> {
        let mut by_name = BTreeMap::<(&Name, BillingDay, Option<BillingDay>), usize>::new();
        for over in self.accounts.iter().flat_map(|found| &found.provider.overrides) {
            *by_name.entry((&over.name, over.from, over.until)).or_default() += 1;
        }
        if target.json {
            let rows = by_name.iter().map(|((name, from, until), providers)| {
                json!({ "override": name, "from": from, "until": until, "providers": providers })
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
    ///
    /// # Errors
    ///
    /// When none has it, or some have another one of the name.
    fn having<'k>(
        &'k self,
        name: &'k Name,
    ) -> Result<Vec<(&'k ProviderAccount, &'k Override)>, Error> {
        let having = self.accounts.iter().filter_map(|found| {
            let mut overrides = found.provider.overrides.iter();
            overrides.find(|over| over.name == *name).map(|over| (found, over))
        });
        let having = having.collect::<Vec<_>>();
        let Some((first, campaign)) = having.first() else {
            return Err(format!("no provider has an override `{name}`").into());
        };
        let is_another =
            |over: &Override| Override { until: campaign.until, ..over.clone() } != **campaign;
        if let Some((other, _)) = having.iter().find(|(_, over)| is_another(over)) {
            return Err(format!(
                "`{}` and `{}` have different overrides `{name}`: end the one that is not of the \
                 campaign with `steelyard provider override end`",
                first.provider.provider, other.provider.provider
            )
            .into());
        }
        Ok(having)
    }

    async fn cost(&self, target: &TargetArgs, name: &Name) -> Result<Exit, Error> {
        let (calendar, now) = (self.system.rules()?.calendar, self.system.clock.now());
        let today = self.system.today()?;
        let mut changes = Changes::default();
        for (found, over) in self.having(name)? {
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
            let of = days.counted(&self.system.tables.usage, &self.plans, found.clone()).await?;
            changes.add(&found.provider.provider, self.costs_without(name, &of))?;
        }
        let changes = changes.sorted();
        if target.json {
            output::json(&changes)?;
        } else {
            changes.print("without")?;
            output::print(
                "Amounts are yuan, of whole months up to today. The change is what the campaign cost.",
            )?;
            changes.print_failed()?;
        }
        Ok(Exit::done(changes.is_well()))
    }

    /// The cost of a provider's usage, with the override and without it.
    fn costs_without(&self, name: &Name, of: &Counted) -> Result<(Fen, Fen), Error> {
        let with = of.billed(&self.plans)?;
        let without = |day| {
            let Terms { plan, mut overrides } = with(day)?;
            overrides.retain(|over| over.name != *name);
            Some(Terms { plan, overrides })
        };
        Ok((of.cost(&with)?, of.cost(without)?))
    }

    async fn end(
        &self,
        target: &TargetArgs,
        name: &Name,
        on: BillingDay,
        is_meant: bool,
    ) -> Result<Exit, Error> {
        let mut done = Done::default();
        for (found, over) in self.having(name)? {
            if over.until.is_some_and(|until| until <= on) {
                done.before.push(found.provider.provider.clone());
                continue;
            }
            let end = |changed: &mut Provider, settled| {
                changed.end_override(name, on, &self.plans, settled)
            };
            self.carry_out(found, is_meant, end, &mut done).await?;
        }
        if is_meant || target.json {
            return done.show(target, &format!("override `{name}` ends"));
        }
        done.print(&format!("override `{name}` would end"))?;
        output::print("Nothing was written. Give --yes to end it.")?;
        Ok(Exit::done(done.failed.is_empty()))
    }
}

impl Rule {
    /// Whether the list and the plan of the rule choose a provider; its calls are not looked at.
    fn names(&self, provider: &Provider, from: BillingDay, plans: &Catalog) -> bool {
        let is_on = |plan: &Name| {
            provider.terms_on(from, plans).is_some_and(|terms| terms.plan.name() == plan)
        };
        (self.providers.is_empty() || self.providers.contains(&provider.provider))
            && self.plan.as_ref().is_none_or(is_on)
    }
}

impl Done {
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
        self.print_refused()
    }

    fn print_refused(&self) -> Result<(), Error> {
        self.failed.iter().try_for_each(|failed| output::print(format_args!("not done: {failed}")))
    }
}
