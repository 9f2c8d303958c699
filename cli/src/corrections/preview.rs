//! The effect of a set, by provider and day.

use std::collections::BTreeMap;

use serde::Serialize;
use steelyard_billing::{ProviderId, chain};
use steelyard_books::{Correction, RunTerms};
use steelyard_pricing::{BillingDay, Fen, Metered, Usage};
use steelyard_runtime::Error;

use super::{Corrector, Found, WrongReport};

/// What a set changes for one provider.
#[derive(Clone, Debug, Serialize)]
pub struct ProviderChange {
    /// The provider whose statements change.
    pub provider: ProviderId,
    /// The changes of each day.
    pub days: Vec<DayChange>,
    /// The change of the charge in fen, negative for a credit; none where that cannot be computed.
    pub change_fen: Option<Fen>,
    /// Why it cannot be computed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_not: Option<String>,
}

/// What a set changes on one day.
#[derive(Clone, Debug, Serialize)]
pub struct DayChange {
    /// The billing day of the usage.
    pub day: BillingDay,
    /// The usage that is withdrawn.
    pub withdrawn: Metered,
    /// The usage that counts instead.
    pub counted: Metered,
    /// The change of the coming statements, after the changes of the days before; `None` where it
    /// cannot be computed.
    pub change_fen: Option<Fen>,
}

impl Corrector {
    /// What a set would change. Each provider is read once.
    ///
    /// # Errors
    ///
    /// When a table cannot be read, or a sum is more than can be rated.
    pub async fn preview(
        &self,
        terms: &RunTerms,
        found: &Found,
    ) -> Result<Vec<ProviderChange>, Error> {
        let mut changes = Vec::new();
        for (provider, days) in self.by_day(found) {
            changes.push(self.preview_of(terms, provider, days).await?);
        }
        Ok(changes)
    }

    async fn preview_of(
        &self,
        terms: &RunTerms,
        provider: ProviderId,
        by_day: BTreeMap<BillingDay, Correction>,
    ) -> Result<ProviderChange, Error> {
        let corrections = by_day.values().cloned().collect::<Vec<_>>();
        let effects = self.settler.effects(terms, &provider, &corrections).await;
        let (changes_fen, why_not) = match effects {
            Ok(effects) => (Some(effects.changes_fen), None),
            Err(error) => (None, Some(chain(&error))),
        };
        let mut days = Vec::new();
        for (place, (day, correction)) in by_day.iter().enumerate() {
            let change_fen = changes_fen.as_ref().and_then(|changes| changes.get(place)).copied();
            let (withdrawn, counted) = (total(&correction.void)?, total(&correction.count)?);
            days.push(DayChange { day: *day, withdrawn, counted, change_fen });
        }
        let change_fen = changes_fen.map(Fen::sum).transpose()?;
        Ok(ProviderChange { provider, days, change_fen, why_not })
    }

    /// The corrections of each provider, by day.
    fn by_day(&self, found: &Found) -> BTreeMap<ProviderId, BTreeMap<BillingDay, Correction>> {
        let mut all: BTreeMap<ProviderId, BTreeMap<BillingDay, Correction>> = BTreeMap::new();
        for (WrongReport { provider, .. }, report) in &found.reports {
            let of_day = all.entry(provider.clone()).or_default().entry(report.day).or_default();
            // The same set may have withdrawn it before.
            if report.withdrawn.is_none() {
                of_day.void.push((report.day, report.metered.clone()));
            }
        }
        let (calendar, now) = (&self.settler.books.rules.calendar, self.clock.now());
        for right in &found.file.count {
            for (provider, share) in right.report.accept(calendar, now).shares {
                let of_provider = all.entry(provider).or_default();
                for (day, usage) in share.days {
                    of_provider.entry(day).or_default().count.push((day, usage));
                }
            }
        }
        all
    }
}

fn total(usages: &[(BillingDay, Usage)]) -> Result<Metered, Error> {
    let mut sum = Metered::ZERO;
    for (_, usage) in usages {
        sum = sum.plus(usage.total()?)?;
    }
    Ok(sum)
}
