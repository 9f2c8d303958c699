//! The providers that a version of a plan affects: those that could not be settled with it, and
//! those whose counted usage it reaches.

use serde::Serialize;
use steelyard_books::{Counted, Days, Tables};
use steelyard_pricing::{BillingDay, Catalog, Fen, Name, Plan};
use steelyard_runtime::{Error, chain};
use steelyard_store::ProviderAccount;

use super::compare::Changes;
use crate::output;
use crate::target::{System, TargetArgs};

/// The changes that a version makes to the cost of this month so far, and of earlier months that
/// are not settled.
#[derive(Debug, Serialize)]
struct Reach<'a> {
    plan: &'a Name,
    effective_from: BillingDay,
    /// The first day whose usage is rated.
    from: BillingDay,
    /// The last one: today.
    to: BillingDay,
    #[serde(flatten)]
    changes: Changes,
}

/// Refuses a version under which a provider could no longer be settled; and, unless it is meant,
/// one that changes what usage costs which was counted already. Shows whom it affects.
///
/// # Errors
///
/// When it is refused, or a table can't be read.
pub(crate) async fn check(
    target: &TargetArgs,
    system: &System,
    plan: &Plan,
    is_meant: bool,
) -> Result<(), Error> {
    let today = system.today()?;
    if !system.books()?.would_add_plan(plan, today).await?.is_stored_now() {
        return Ok(());
    }
    let plans = system.tables.billing.plans().await?;
    let accounts = system.tables.registry().await?;
    output::tell_unreadable(&plans.unreadable, target.json);
    output::tell_unreadable(&accounts.unreadable, target.json);
    let mut after = plans.catalog.clone();
    after.add(plan.clone());
    let versions = Versions { before: plans.catalog, after, effective_from: plan.effective_from() };
    versions.check_fit(&accounts.accounts)?;
    if is_meant || plan.effective_from().month() > today.month() {
        return Ok(());
    }
    let (name, effective_from) = (plan.name(), plan.effective_from());
    let calendar = system.rules()?.calendar;
    let kept_from = calendar.kept_from(effective_from.month(), system.clock.now());
    let days = Days { from: kept_from.max(effective_from.month()).first_day(), to: today };
    let changes = versions.changes(&system.tables, accounts.accounts, days).await?;
    if changes.is_empty() {
        return Ok(());
    }
    let reach = Reach { plan: name, effective_from, from: days.from, to: days.to, changes };
    if target.json {
        output::json(&reach)?;
    } else {
        reach.changes.print("then")?;
        output::print(format_args!(
            "Amounts are yuan, for the usage of {} to {today}, as if the month ended today.\n\
             Nothing was written.",
            reach.from
        ))?;
        reach.changes.print_failed()?;
    }
    Err(format!(
        "{name} of {effective_from} holds in a month of which usage is counted already: \
         store it with --yes, or give it an effective_from of a later month"
    )
    .into())
}

/// The stored plans, without a version and with it.
struct Versions {
    before: Catalog,
    after: Catalog,
    effective_from: BillingDay,
}

impl Versions {
    /// Refuses the version if the terms of a provider that fit without it do not fit with it.
    fn check_fit(&self, accounts: &[ProviderAccount]) -> Result<(), Error> {
        let mut misfits = Vec::new();
        for ProviderAccount { provider, account } in accounts {
            let unsettled = account.settled_through.map(BillingDay::next);
            let first = unsettled.unwrap_or(provider.billed_from.first_day());
            let first = first.max(self.effective_from);
            let fits = |plans| provider.check_terms(first, plans);
            if let (Ok(()), Err(error)) = (fits(&self.before), fits(&self.after)) {
                misfits.push(format!("\n{}: {}", provider.provider, chain(&error)));
            }
        }
        if misfits.is_empty() {
            return Ok(());
        }
        Err(format!(
            "providers could not be settled with this version; change it, or end their overrides before {}:{}",
            self.effective_from,
            misfits.concat()
        )
        .into())
    }

    async fn changes(
        &self,
        tables: &Tables,
        accounts: Vec<ProviderAccount>,
        days: Days,
    ) -> Result<Changes, Error> {
        let mut changes = Changes::default();
        for found in accounts {
            // By the terms that would hold, so that a provider whose plan had no version counts
            // too.
            let of = days.counted(&tables.usage, &self.after, found).await?;
            if let Some(costs) = self.costs(&of, days).transpose() {
                changes.add(&of.provider.provider, costs)?;
            }
        }
        Ok(changes.sorted())
    }

    /// The cost of a provider's usage, without the version and with it. None if the version changes
    /// the plan of no day up to the end of this month.
    fn costs(&self, of: &Counted, days: Days) -> Result<Option<(Fen, Fen)>, Error> {
        let (now, then) = (of.billed(&self.before)?, of.billed(&self.after)?);
        let first = self.effective_from.max(days.from);
        let mut all = std::iter::successors(Some(first), |day| Some(day.next()))
            .take_while(|day| *day <= days.to.month().last_day());
        if all.all(|day| now(day).map(|of| of.plan) == then(day).map(|of| of.plan)) {
            return Ok(None);
        }
        Ok(Some((of.cost(now)?, of.cost(then)?)))
    }
}
