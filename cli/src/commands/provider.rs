//! `steelyard provider`: the providers that are billed, and their terms.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;
use steelyard_billing::{PlanAssignment, Provider, ProviderId, TermsChangeError};
use steelyard_books::Tables;
use steelyard_pricing::{
    AlertRules, BillingDay, BillingMonth, Catalog, Given, Name, Override, Remainder,
};
use steelyard_runtime::Error;
use steelyard_store::{AccountPage, ProviderAccount, Stored};

use super::{history, print_mandate, registered};
use crate::document::Document;
use crate::exit::Exit;
use crate::output;
use crate::target::{PlatformArgs, System, TargetArgs};

/// Register providers, put them on plans, give them overrides.
#[derive(Debug, Subcommand)]
pub(crate) enum ProviderCommand {
    /// Register a provider, so that its usage is counted.
    Add(AddArgs),
    /// Put a provider on a plan from a day on.
    Assign {
        /// The provider's id.
        provider: ProviderId,
        /// The name of a stored plan.
        #[arg(long)]
        plan: Name,
        /// The first day: one that is not settled yet. Inside a month it cuts the month in two.
        #[arg(long)]
        from: BillingDay,
    },
    /// Add, list and end overrides: terms of one provider that differ from its plan.
    #[command(subcommand)]
    Override(OverrideCommand),
    /// List the providers with their money.
    List,
    /// Show by which plans, versions, overrides and discounts a provider is billed, day by day.
    /// Days that are settled have the terms by which they were settled; those of a closed month,
    /// the terms that are stored now: their statements have the others.
    History {
        /// The id of a registered provider.
        provider: ProviderId,
    },
    /// Show what a provider is billed by: its plans, its overrides and its mandate.
    Show {
        /// The id of a registered provider.
        provider: ProviderId,
    },
}

/// Add, list and end overrides.
#[derive(Debug, Subcommand)]
pub(crate) enum OverrideCommand {
    /// Give a provider another price, an allowance on top or a discount, for a time.
    ///
    /// An override is written as {"override": "goodwill", "from": "2015-05-16", "until":
    /// "2015-06-01", "discount_percent": "25"}. A "discount_amount" takes that many yuan off each
    /// month instead; with "discount_given": "once" that is given once, and with
    /// "discount_remainder": "carried" a month leaves the rest to the next. In place of the
    /// discount, or beside it, it has "free_on_top", or a "rate" and the "price" that this rate
    /// gets, or the "deposit" that the provider pays.
    ///
    /// One that begins or ends inside a month cuts the month. Each part costs what its calls add,
    /// so that tiers and allowances go on. A discount, an allowance or a lower price never raises
    /// the bill.
    Add {
        /// The provider's id.
        provider: ProviderId,
        /// The override, as a JSON document; it begins on a day that is not settled yet.
        file: PathBuf,
    },
    /// List a provider's overrides, ended ones too.
    List {
        /// The provider's id.
        provider: ProviderId,
    },
    /// End an override on a day, as if its document had that end.
    End {
        /// The provider's id.
        provider: ProviderId,
        /// The override's name.
        name: Name,
        /// The end date (exclusive): a day that is not settled yet.
        #[arg(long)]
        on: BillingDay,
    },
}

/// A new provider.
#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// The provider's id: 1 to 64 of letters, digits and `._:@-`.
    provider: ProviderId,
    /// Its plan from its first month on.
    #[arg(long)]
    plan: Name,
    /// The first month whose usage is counted; this month unless given. Of a provider that is
    /// registered and not settled yet, it can move back.
    #[arg(long)]
    billed_from: Option<BillingMonth>,
}

impl ProviderCommand {
    pub(crate) async fn run(
        self,
        target: &TargetArgs,
        platform: &PlatformArgs,
    ) -> Result<Exit, Error> {
        let system = target.system(platform).await?;
        let tables = &system.tables;
        match self {
            ProviderCommand::Add(args) => {
                let billed_from = match args.billed_from {
                    Some(month) => month,
                    None => system.today()?.month(),
                };
                let provider = new_provider(args.provider, args.plan, billed_from);
                add(target, &system, &provider).await
            }
            ProviderCommand::Assign { provider, plan, from } => {
                require_plan(target, tables, &plan, from).await?;
                let plans = plans(target, tables).await?;
                update(target, &system, &provider, |changed, settled| {
                    changed.assign(plan.clone(), from, &plans, settled)
                })
                .await
            }
            ProviderCommand::Override(OverrideCommand::Add { provider, file }) => {
                let over = Document::open(&file)?.over()?;
                let plans = plans(target, tables).await?;
                update(target, &system, &provider, |changed, settled| {
                    changed.add_override(over.clone(), &plans, settled)
                })
                .await
            }
            ProviderCommand::Override(OverrideCommand::List { provider }) => {
                list_overrides(target, &registered(tables, &provider).await?.provider)
            }
            ProviderCommand::Override(OverrideCommand::End { provider, name, on }) => {
                let plans = plans(target, tables).await?;
                update(target, &system, &provider, |changed, settled| {
                    changed.end_override(&name, on, &plans, settled)
                })
                .await
            }
            ProviderCommand::List => list(target, tables).await,
            ProviderCommand::History { provider } => {
                let plans = plans(target, tables).await?;
                let found = registered(tables, &provider).await?;
                let periods = history::history(&found, &plans)?;
                if target.json {
                    output::json(&periods)?
                } else {
                    history::print(&periods)?
                }
                Ok(Exit::Done)
            }
            ProviderCommand::Show { provider } => {
                show(target, &registered(tables, &provider).await?)
            }
        }
    }
}

/// A provider with one plan from its first month on, and no mandate.
pub(crate) fn new_provider(
    provider: ProviderId,
    plan: Name,
    billed_from: BillingMonth,
) -> Provider {
    let plans = vec![PlanAssignment { from: billed_from.first_day(), plan }];
    let overrides = Vec::new();
    Provider {
        provider,
        billed_from,
        plans,
        overrides,
        mandate: None,
        alert_rules: AlertRules::default(),
    }
}

/// The stored plans. One that cannot be read is named, and stops nothing that does not need it.
async fn plans(target: &TargetArgs, tables: &Tables) -> Result<Catalog, Error> {
    let plans = tables.billing.plans().await?;
    output::tell_unreadable(&plans.unreadable, target.json);
    Ok(plans.catalog)
}

/// Refuses a plan that is not in force on the day on which its assignment begins.
pub(crate) async fn require_plan(
    target: &TargetArgs,
    tables: &Tables,
    plan: &Name,
    from: BillingDay,
) -> Result<(), Error> {
    match plans(target, tables).await?.in_force(plan, from) {
        Some(_) => Ok(()),
        None => Err(format!(
            "plan `{plan}` is not in force on {from}; add it with `steelyard plan add`"
        )
        .into()),
    }
}

/// The result of registering a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Registered {
    /// This command registered it.
    New,
    /// It was registered before, by the same terms.
    Before,
    /// It was registered for a later month. Nothing of it was settled, so it is billed from the
    /// earlier one now.
    Earlier,
    /// It is registered otherwise. Nothing changed.
    Otherwise,
}

/// Registers a provider. One that is registered from a later month, and by the same terms
/// otherwise, is billed from the earlier month.
pub(crate) async fn register(system: &System, provider: &Provider) -> Result<Registered, Error> {
    let tables = &system.tables;
    match tables.billing.register(&tables.usage, provider, system.clock.now()).await? {
        Stored::New => return Ok(Registered::New),
        Stored::Before => return Ok(Registered::Before),
        Stored::Different => {}
    }
    let (id, month) = (&provider.provider, provider.billed_from);
    let Some(ProviderAccount { provider: mut found, account }) = tables.billing.account(id).await?
    else {
        return Ok(Registered::Otherwise);
    };
    found.mandate = None;
    if found == *provider {
        return Ok(Registered::Before);
    }
    if found.bill_from(month, account.settled_through).is_err() || found != *provider {
        return Ok(Registered::Otherwise);
    }
    system.books()?.bill_from(&tables.usage, id, month).await?;
    Ok(Registered::Earlier)
}

async fn add(target: &TargetArgs, system: &System, provider: &Provider) -> Result<Exit, Error> {
    for assignment in &provider.plans {
        require_plan(target, &system.tables, &assignment.plan, assignment.from).await?;
    }
    match register(system, provider).await? {
        Registered::New => say(target, provider, "is registered"),
        Registered::Before => say(target, provider, "was registered before"),
        Registered::Earlier => {
            say(target, provider, &format!("is billed from {} on now", provider.billed_from))
        }
        Registered::Otherwise => {
            Err(format!("provider `{}` is registered otherwise", provider.provider).into())
        }
    }
}

async fn update(
    target: &TargetArgs,
    system: &System,
    provider: &ProviderId,
    change: impl Fn(&mut Provider, Option<BillingDay>) -> Result<(), TermsChangeError> + Send + Sync,
) -> Result<Exit, Error> {
    let changed = system.books()?.change_provider(provider, change).await?;
    say(target, &changed, "is updated")
}

async fn list(target: &TargetArgs, tables: &Tables) -> Result<Exit, Error> {
    let AccountPage { accounts, unreadable, .. } = tables.registry().await?;
    let exit = Exit::done(output::tell_unreadable(&unreadable, target.json));
    if target.json {
        let all = accounts
            .iter()
            .map(|found| json!({ "provider": found.provider, "account": found.account }))
            .collect::<Vec<_>>();
        output::json(&all)?;
        return Ok(exit);
    }
    let mut table =
        output::table(["=provider", ">prepaid", ">receivable", ">reserved", "=last\nstatement"]);
    for found in &accounts {
        let figures = found.account.figures;
        table.add_row([
            found.provider.provider.to_string(),
            figures.prepaid().to_string(),
            figures.receivable().to_string(),
            figures.reserved().to_string(),
            found.account.settled_through.map(|day| day.to_string()).unwrap_or_default(),
        ]);
    }
    output::print(table)?;
    Ok(exit)
}

fn show(target: &TargetArgs, found: &ProviderAccount) -> Result<Exit, Error> {
    let ProviderAccount { provider, account } = found;
    if target.json {
        output::json(&json!({ "provider": provider, "account": account }))?;
        return Ok(Exit::Done);
    }
    let (id, from) = (&provider.provider, provider.billed_from);
    let settled = account.settled_through.map(|day| format!("last statement {day}"));
    let settled = settled.unwrap_or_else(|| "no statement yet".to_owned());
    output::print(format_args!("{id}: billed from {from}, {settled}"))?;
    match &provider.mandate {
        Some(in_use) => print_mandate(in_use)?,
        None => output::print("no mandate in use")?,
    }
    let mut plans = output::table(["plan", "from"]);
    for PlanAssignment { from, plan } in &provider.plans {
        plans.add_row([plan.to_string(), from.to_string()]);
    }
    output::print(plans)?;
    if provider.overrides.is_empty() { Ok(Exit::Done) } else { list_overrides(target, provider) }
}

fn list_overrides(target: &TargetArgs, provider: &Provider) -> Result<Exit, Error> {
    if target.json {
        output::json(&provider.overrides)?;
        return Ok(Exit::Done);
    }
    let mut table = output::table(["override", "from", "until", "terms"]);
    for over in &provider.overrides {
        table.add_row([
            over.name.to_string(),
            over.from.to_string(),
            over.until.map(|day| day.to_string()).unwrap_or_default(),
            terms(over)?,
        ]);
    }
    output::print(table)?;
    Ok(Exit::Done)
}

/// The changes that an override makes, one on each line.
fn terms(over: &Override) -> Result<String, Error> {
    let price = over.price.as_ref().map(serde_json::to_string).transpose()?;
    let lines = [
        over.rate.as_ref().map(|rate| format!("of rate {rate}")),
        price.map(|price| format!("price {price}")),
        (!over.free_on_top.is_zero()).then(|| format!("{} free on top", over.free_on_top)),
        over.discount_percent.map(|percent| format!("{percent}% off")),
        over.discount_amount.map(|amount| {
            let given = match over.discount_given {
                Given::Monthly => "a month",
                Given::Once => "once",
            };
            let rest = match over.discount_remainder {
                Remainder::Dropped => "",
                Remainder::Carried => ", the rest carried",
            };
            format!("¥{amount} {given} off{rest}")
        }),
        over.deposit.as_ref().map(|deposit| format!("deposit ¥{}", deposit.amount)),
    ];
    Ok(output::lines(lines))
}

fn say(target: &TargetArgs, provider: &Provider, what: &str) -> Result<Exit, Error> {
    if target.json {
        output::json(&json!({ "provider": provider, "outcome": what }))?;
    } else {
        output::print(format_args!("{} {what}", provider.provider))?;
    }
    Ok(Exit::Done)
}
