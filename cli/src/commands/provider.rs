//! `steelyard provider`: who is billed, and how.

use clap::{Args, Subcommand};
use serde_json::json;
use steelyard_billing::{Mandate, PlanAssignment, Provider, ProviderId};
use steelyard_pricing::{BillingDay, BillingMonth, Fen, Name};
use steelyard_runtime::Error;
use steelyard_store::{CommitError, Stored};

use super::customer;
use crate::exit::Exit;
use crate::output;
use crate::tables::Tables;
use crate::target::{PlatformArgs, TargetArgs};

/// Register providers, put them on plans, note their mandates.
#[derive(Debug, Subcommand)]
pub(crate) enum ProviderCommand {
    /// Register a provider: from then on its usage is counted.
    Add(AddArgs),
    /// Put a provider on a plan from the first of a month on.
    Assign {
        /// The provider.
        provider: ProviderId,
        /// The plan.
        #[arg(long)]
        plan: Name,
        /// The first day: the first of a month that has not been charged.
        #[arg(long)]
        from: BillingDay,
    },
    /// Note the withholding agreement that a provider signed; debits are made under it.
    Mandate {
        /// The provider.
        provider: ProviderId,
        #[command(flatten)]
        mandate: MandateArgs,
    },
    /// List the providers with their money.
    List,
}

/// A new provider.
#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// The provider's id: 1 to 64 of letters, digits and `._:@-`.
    provider: ProviderId,
    /// The plan that it is on from its first month.
    #[arg(long)]
    plan: Name,
    /// The first month whose usage is counted; this month unless given.
    #[arg(long)]
    billed_from: Option<BillingMonth>,
    /// How many counter items its sources are spread over; more for one whose sources together
    /// report more than some fifty times a second.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=99))]
    counter_shards: u8,
}

/// A withholding agreement.
#[derive(Debug, Args)]
pub(crate) struct MandateArgs {
    /// Alipay's number of the agreement.
    #[arg(long)]
    agreement: String,
    /// The most that one debit may take, in yuan.
    #[arg(long)]
    single_limit: Fen,
}

impl ProviderCommand {
    pub(crate) async fn run(
        self,
        target: &TargetArgs,
        platform: &PlatformArgs,
    ) -> Result<Exit, Error> {
        let tables = target.tables().await?;
        match self {
            ProviderCommand::Add(args) => {
                let billed_from = match args.billed_from {
                    Some(month) => month,
                    None => platform.terms()?.calendar.day_of(platform.clock()?.now())?.month(),
                };
                let provider =
                    new_provider(args.provider, args.plan, billed_from, args.counter_shards);
                add(target, &tables, &provider).await
            }
            ProviderCommand::Assign { provider, plan, from } => {
                require_plan(&tables, &plan, from).await?;
                update(target, &tables, &provider, |customer, charged| {
                    Ok(customer.assign(plan.clone(), from, charged)?)
                })
                .await
            }
            ProviderCommand::Mandate { provider, mandate } => {
                let MandateArgs { agreement, single_limit } = mandate;
                update(target, &tables, &provider, |customer, _| {
                    customer.mandate = Some(Mandate::new(agreement.clone(), single_limit)?);
                    Ok(())
                })
                .await
            }
            ProviderCommand::List => list(target, &tables).await,
        }
    }
}

/// A provider that is on one plan from its first month, without a mandate.
pub(crate) fn new_provider(
    provider: ProviderId,
    plan: Name,
    billed_from: BillingMonth,
    counter_shards: u8,
) -> Provider {
    let plans = vec![PlanAssignment { from: billed_from.first_day(), plan }];
    Provider { provider, billed_from, plans, mandate: None, counter_shards }
}

/// A plan must be in force on the day on which a provider comes on it.
pub(crate) async fn require_plan(
    tables: &Tables,
    plan: &Name,
    from: BillingDay,
) -> Result<(), Error> {
    match tables.billing.plans().await?.in_force(plan, from) {
        Some(_) => Ok(()),
        None => Err(format!(
            "plan `{plan}` is not in force on {from}; add it with `steelyard plan add`"
        )
        .into()),
    }
}

async fn add(target: &TargetArgs, tables: &Tables, provider: &Provider) -> Result<Exit, Error> {
    for assignment in &provider.plans {
        require_plan(tables, &assignment.plan, assignment.from).await?;
    }
    match tables.billing.register(&tables.usage, provider).await? {
        Stored::New => say(target, provider, "is registered"),
        Stored::Before => say(target, provider, "was registered before"),
        Stored::Different => {
            Err(format!("provider `{}` is registered otherwise", provider.provider).into())
        }
    }
}

/// Changes a provider; tries again when its account is written meanwhile.
async fn update(
    target: &TargetArgs,
    tables: &Tables,
    provider: &ProviderId,
    change: impl Fn(&mut Provider, Option<BillingMonth>) -> Result<(), Error>,
) -> Result<Exit, Error> {
    loop {
        let found = customer(tables, provider).await?;
        let mut changed = found.provider.clone();
        change(&mut changed, found.account.settled_through.map(BillingDay::month))?;
        match tables.billing.update_provider(&found, &changed).await {
            Ok(()) => return say(target, &changed, "is updated"),
            Err(CommitError::Stale) => {}
            Err(CommitError::Store(error)) => return Err(error.into()),
        }
    }
}

async fn list(target: &TargetArgs, tables: &Tables) -> Result<Exit, Error> {
    let customers = tables.customers().await?;
    if target.json {
        let all = customers
            .iter()
            .map(|customer| json!({ "provider": customer.provider, "account": customer.account }))
            .collect::<Vec<_>>();
        output::json(&all)?;
        return Ok(Exit::Done);
    }
    let mut table = output::table([
        "provider",
        "plan",
        "mandate",
        ">prepaid",
        ">receivable",
        ">reserved",
        "settled through",
    ]);
    for customer in &customers {
        let plan = customer.provider.plans.last().map(|assignment| assignment.plan.to_string());
        let figures = customer.account.figures;
        table.add_row([
            customer.provider.provider.to_string(),
            plan.unwrap_or_default(),
            customer.provider.mandate.as_ref().map(|m| m.agreement_no.clone()).unwrap_or_default(),
            figures.prepaid().to_string(),
            figures.receivable().to_string(),
            figures.reserved().to_string(),
            customer.account.settled_through.map(|day| day.to_string()).unwrap_or_default(),
        ]);
    }
    println!("{table}");
    Ok(Exit::Done)
}

fn say(target: &TargetArgs, provider: &Provider, what: &str) -> Result<Exit, Error> {
    if target.json {
        output::json(&json!({ "provider": provider, "outcome": what }))?;
    } else {
        println!("{} {what}", provider.provider);
    }
    Ok(Exit::Done)
}
