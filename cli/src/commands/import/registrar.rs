//! Registering callers as providers while their calls are imported.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, TryStreamExt};
use steelyard_billing::ProviderId;
use steelyard_pricing::{BillingMonth, Name};
use steelyard_runtime::Error;

use crate::commands::provider::{Registered, new_provider, register, require_plan};
use crate::target::{System, TargetArgs};

/// How many callers are registered concurrently.
const AT_ONCE: usize = 16;

/// Registers callers as providers on a plan.
pub(super) struct Registrar<'a> {
    target: &'a TargetArgs,
    system: &'a System,
    plan: &'a Name,
    billed_from: Option<BillingMonth>,
}

impl<'a> Registrar<'a> {
    /// Registers on that plan, from that month on if it is given.
    ///
    /// # Errors
    ///
    /// When the plan is not in force: nothing has been counted by then.
    pub(super) async fn begin(
        target: &'a TargetArgs,
        system: &'a System,
        plan: &'a Name,
        billed_from: Option<BillingMonth>,
    ) -> Result<Registrar<'a>, Error> {
        let month = match billed_from {
            Some(month) => month,
            None => system.today()?.month(),
        };
        require_plan(target, &system.tables, plan, month.first_day()).await?;
        Ok(Registrar { target, system, plan, billed_from })
    }

    /// Registers the callers that are not registered yet, each from the month of its first call on.
    ///
    /// # Errors
    ///
    /// When the plan is not in force in such a month, or the tables fail.
    pub(super) async fn register(
        &self,
        callers: &BTreeMap<ProviderId, BillingMonth>,
    ) -> Result<(), Error> {
        let month_of = |first: BillingMonth| self.billed_from.unwrap_or(first);
        for month in callers.values().map(|first| month_of(*first)).collect::<BTreeSet<_>>() {
            require_plan(self.target, &self.system.tables, self.plan, month.first_day()).await?;
        }
        let registering = callers
            .iter()
            .map(|(caller, first)| {
                let month = month_of(*first);
                let provider = new_provider(caller.clone(), self.plan.clone(), month);
                async move { register(self.system, &provider).await }
            })
            .collect::<Vec<_>>();
        let registered: Vec<Registered> =
            futures::stream::iter(registering).buffer_unordered(AT_ONCE).try_collect().await?;
        let count = |what| registered.iter().filter(|one| **one == what).count();
        let (new, earlier) = (count(Registered::New), count(Registered::Earlier));
        tracing::info!(new, earlier, callers = callers.len(), "registered callers");
        Ok(())
    }
}
