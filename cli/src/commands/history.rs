//! `steelyard provider history`: by which terms a provider is billed, from its first day on.

use std::collections::BTreeSet;

use serde::Serialize;
use steelyard_billing::{MonthTerms, Provider, SettlementError};
use steelyard_pricing::{BillingDay, Catalog, Name, Plan, Terms};
use steelyard_runtime::Error;
use steelyard_store::ProviderAccount;

use crate::output;

/// Days with the same terms.
#[derive(Debug, Serialize)]
pub(crate) struct Period<'a> {
    /// The first day.
    from: BillingDay,
    /// The first day of the next; none of the last.
    until: Option<BillingDay>,
    plan: Option<&'a Name>,
    /// The day from which the version of the plan is in force.
    version: Option<BillingDay>,
    overrides: Vec<&'a Name>,
    /// The discounts of the plan that hold, of a rate or of all.
    discounts: Vec<&'a Name>,
    /// The last of its days that is settled. The terms of a settled day never change.
    settled_through: Option<BillingDay>,
}

/// The terms of a provider, as far as they are known, in the order of the days.
///
/// # Errors
///
/// [`SettlementError`] when a settled day's terms are no longer stored.
pub(crate) fn history<'a>(
    found: &'a ProviderAccount,
    plans: &'a Catalog,
) -> Result<Vec<Period<'a>>, SettlementError> {
    let ProviderAccount { provider, account } = found;
    let of_month = |month| MonthTerms::of(provider, account, month, plans);
    let mut days = changes(provider, plans);
    for month in account.months.keys() {
        days.extend(of_month(*month)?.changes().collect::<Vec<_>>());
    }
    let mut periods = Vec::<Period<'_>>::new();
    for from in days {
        let terms = of_month(from.month())?.on(from);
        let period = Period::of(from, terms);
        match periods.last_mut() {
            Some(last) if last.has_terms_of(&period) => {}
            last => {
                if let Some(last) = last {
                    last.until = Some(from);
                }
                periods.push(period);
            }
        }
    }
    for period in &mut periods {
        let settled = account.settled_through.filter(|settled| period.from <= *settled);
        let last = period.until.map(BillingDay::previous);
        period.settled_through = settled.map(|day| last.map_or(day, |last| day.min(last)));
    }
    Ok(periods)
}

/// The days on which something may change: an assignment, a version, an override or a discount.
fn changes(provider: &Provider, plans: &Catalog) -> BTreeSet<BillingDay> {
    let first = provider.billed_from.first_day();
    let assigned = provider.plans.iter().map(|assignment| assignment.from);
    let overrides = provider.overrides.iter().flat_map(|over| [Some(over.from), over.until]);
    let is_of_provider =
        |plan: &&Plan| provider.plans.iter().any(|assignment| assignment.plan == *plan.name());
    let versions = plans.iter().filter(is_of_provider).collect::<Vec<_>>();
    let discounts = versions.iter().flat_map(|plan| {
        let document = plan.document();
        let of_rates = document.rates.iter().flat_map(|rate| &rate.discounts);
        document.discounts.iter().chain(of_rates).flat_map(|of| [of.from, of.until])
    });
    let days = assigned.chain(versions.iter().map(|plan| plan.effective_from()));
    let days = days.chain(overrides.chain(discounts).flatten());
    days.filter(|day| *day > first).chain([first]).collect()
}

impl<'a> Period<'a> {
    fn of(from: BillingDay, terms: Option<Terms<'a>>) -> Period<'a> {
        let (plan, overrides) = match terms {
            Some(terms) => (Some(terms.plan), terms.overrides),
            None => (None, Vec::new()),
        };
        let discounts = plan.into_iter().flat_map(|plan| {
            let of_rates = plan.rates().iter().flat_map(|rate| &rate.discounts);
            plan.document().discounts.iter().chain(of_rates).filter(|of| of.holds_on(from))
        });
        Period {
            from,
            until: None,
            plan: plan.map(Plan::name),
            version: plan.map(Plan::effective_from),
            overrides: overrides.into_iter().map(|over| &over.name).collect(),
            discounts: discounts.map(|of| &of.discount).collect(),
            settled_through: None,
        }
    }

    fn has_terms_of(&self, other: &Period<'_>) -> bool {
        (self.plan, self.version, &self.overrides, &self.discounts)
            == (other.plan, other.version, &other.overrides, &other.discounts)
    }
}

/// Prints periods as a table.
///
/// # Errors
///
/// When standard output can't be written.
pub(crate) fn print(periods: &[Period<'_>]) -> Result<(), Error> {
    let mut table = output::table(["from", "until", "plan", "overrides, discounts", "settled to"]);
    for period in periods {
        let plan = period.plan.zip(period.version);
        let others = period.overrides.iter().chain(&period.discounts);
        table.add_row([
            period.from.to_string(),
            period.until.map(|day| day.to_string()).unwrap_or_default(),
            plan.map_or("none".to_owned(), |(plan, version)| format!("{plan} of {version}")),
            others.map(ToString::to_string).collect::<Vec<_>>().join("\n"),
            period.settled_through.map(|day| day.to_string()).unwrap_or_default(),
        ]);
    }
    output::print(table)
}
