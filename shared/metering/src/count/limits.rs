//! What would push a month past what can be rated is refused: settlement could not charge the
//! month.

use std::collections::BTreeMap;

use futures::TryStreamExt;
use steelyard_billing::{ProviderId, ReportId, SourceId};
use steelyard_pricing::{Amount, BillingDay, BillingMonth, Calls, Metered, Usage, UsageError};
use steelyard_report::Refusal;
use steelyard_store::StoreError;

use super::{Counter, unless_unreadable};

/// A report with as many calls of a provider's month, or as large an amount, is compared with what
/// the month has: a ten thousandth of what it may have. Smaller reports cost no read, and ten
/// thousand of them in a month stay under the limit.
const LARGE: Metered = Metered { calls: Calls::new(10_000_000), amount: Amount::yuan(100_000_000) };

/// What a report has of each month of its providers.
#[derive(Debug, Default)]
pub(super) struct MonthSums(BTreeMap<(ProviderId, BillingMonth), Result<Metered, UsageError>>);

/// The months that would have more than can be rated, each with the reason.
#[derive(Debug, Default)]
pub(super) struct Overfull(BTreeMap<(ProviderId, BillingMonth), WhyOverfull>);

/// Why a month takes no more of a report.
#[derive(Clone, Debug)]
pub(super) enum WhyOverfull {
    /// The month would have more than can be rated.
    TooMuch(UsageError),
    /// A stored report of the month cannot be read.
    Unreadable(Refusal),
}

impl MonthSums {
    /// Adds what the report has of a day.
    pub(super) fn add(&mut self, provider: &ProviderId, day: BillingDay, usage: &Usage) {
        let sum = self.0.entry((provider.clone(), day.month())).or_insert(Ok(Metered::ZERO));
        *sum = sum.clone().and_then(|sum| sum.plus(usage.total()?));
    }

    /// Notes that what the report has of a day cannot be summed.
    pub(super) fn fail(&mut self, provider: &ProviderId, day: BillingDay, why: UsageError) {
        self.0.insert((provider.clone(), day.month()), Err(why));
    }
}

impl Overfull {
    /// Why usage of a day is not taken.
    pub(super) fn why(&self, provider: &ProviderId, day: BillingDay) -> Option<WhyOverfull> {
        self.0.get(&(provider.clone(), day.month())).cloned()
    }
}

impl Counter {
    /// The months that would have more than can be rated with a report.
    pub(super) async fn overfull(
        &self,
        id: (&SourceId, &ReportId),
        months: MonthSums,
    ) -> Result<Overfull, StoreError> {
        let mut overfull = Overfull::default();
        for ((provider, month), sum) in months.0 {
            let with_others = match sum {
                Ok(sum) if is_large(sum) => {
                    unless_unreadable(self.with_others(id, &provider, month, sum).await)?
                }
                sum => Ok(sum),
            };
            let why = match with_others {
                Ok(Ok(_)) => continue,
                Ok(Err(why)) => WhyOverfull::TooMuch(why),
                Err(why) => WhyOverfull::Unreadable(why),
            };
            overfull.0.insert((provider, month), why);
        }
        Ok(overfull)
    }

    /// What a month has with a report: an error if it is more than can be rated. What is stored of
    /// the report itself does not count, so that sending it again is answered as before.
    async fn with_others(
        &self,
        (source, id): (&SourceId, &ReportId),
        provider: &ProviderId,
        month: BillingMonth,
        own: Metered,
    ) -> Result<Result<Metered, UsageError>, StoreError> {
        let mut sum = Ok(own);
        let mut others = self.table.reports(provider, month.first_day(), month.last_day());
        while let (Ok(so_far), Some(other)) = (&sum, others.try_next().await?) {
            let is_own = other.source == *source && other.report == *id;
            if !is_own && other.withdrawn.is_none() {
                sum = other.metered.total().and_then(|metered| so_far.plus(metered));
            }
        }
        Ok(sum)
    }
}

fn is_large(sum: Metered) -> bool {
    sum.calls >= LARGE.calls || sum.amount >= LARGE.amount
}
