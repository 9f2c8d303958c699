//! Whom a version of a plan affects that reaches usage which was counted already.

use serde::Serialize;
use steelyard_pricing::{BillingDay, Catalog, Name, Plan, Terms};
use steelyard_runtime::Error;

use super::compare::{Changes, Counted, Days};
use crate::output;
use crate::target::{System, TargetArgs};

/// What a version would change of what this month costs so far, and earlier months that are not settled.
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

/// Shows whom a version affects, and refuses it if it affects anybody.
///
/// # Errors
///
/// When it changes the terms of usage that was counted already; or when a table can't be read.
pub(crate) async fn refuse_unseen(
    target: &TargetArgs,
    system: &System,
    plan: &Plan,
) -> Result<(), Error> {
    let today = system.today()?;
    let is_new = system.books()?.would_add_plan(plan, today).await?.is_stored_now();
    if !is_new || plan.effective_from().month() > today.month() {
        return Ok(());
    }
    let (name, effective_from) = (plan.name(), plan.effective_from());
    let calendar = system.rules()?.calendar;
    let first =
        calendar.kept_from(effective_from.month(), system.clock.now()).max(effective_from.month());
    let days = Days { from: first.first_day(), to: today };
    let changes = changes(target, system, plan, days).await?;
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
        "{name} of {effective_from} changes what usage costs that was counted already: \
         store it with --yes, or give it an effective_from of a later month"
    )
    .into())
}

async fn changes(
    target: &TargetArgs,
    system: &System,
    plan: &Plan,
    days: Days,
) -> Result<Changes, Error> {
    let plans = system.tables.billing.plans().await?;
    let accounts = system.tables.registry().await?;
    output::tell_unreadable(&plans.unreadable, target.json);
    output::tell_unreadable(&accounts.unreadable, target.json);
    let before = plans.catalog;
    let mut after = before.clone();
    after.add(plan.clone());
    let mut changes = Changes::default();
    for found in accounts.accounts {
        // By the terms that would hold, so that a provider whose plan had no version counts too.
        let Some(of) = days.counted(&system.tables, &after, found).await? else { continue };
        if is_affected(&of, &before, &after, days, plan.effective_from()) {
            let now = of.cost(|day| of.provider.terms_on(day, &before));
            let then = of.cost(|day| terms_then(&of, &before, &after, day));
            let costs = now.and_then(|now| Ok((now, then?)));
            changes.add(&of.provider.provider, costs)?;
        }
    }
    Ok(changes.sorted())
}

/// What holds on a day with the version: a day that is settled keeps its terms.
fn terms_then<'a>(
    of: &'a Counted,
    before: &'a Catalog,
    after: &'a Catalog,
    day: BillingDay,
) -> Option<Terms<'a>> {
    let is_settled = of.settled.is_some_and(|settled| day <= settled);
    of.provider.terms_on(day, if is_settled { before } else { after })
}

/// Whether a day, from the version's on up to the last of this month, is of another version with it.
fn is_affected(
    of: &Counted,
    before: &Catalog,
    after: &Catalog,
    days: Days,
    effective_from: BillingDay,
) -> bool {
    let first = effective_from.max(days.from);
    let mut all = std::iter::successors(Some(first), |day| Some(day.next()));
    all.by_ref().take_while(|day| *day <= days.to.month().last_day()).any(|day| {
        let then = terms_then(of, before, after, day).map(|terms| terms.plan);
        then != of.provider.terms_on(day, before).map(|terms| terms.plan)
    })
}
