//! What would push a month past what can be rated is refused: settlement could not charge the month.

use std::collections::BTreeSet;

use futures::TryStreamExt;
use steelyard_billing::ProviderId;
use steelyard_pricing::{Amount, BillingMonth, Calls, Metered, UsageError};
use steelyard_store::StoreError;

use super::Counter;
use crate::report::{Accepted, Refusal, Share, UsageReport};

/// A report with as many calls of one provider is compared with what its month has: a ten thousandth of
/// what a month may have. Smaller reports cost no read; ten thousand of them in a month are under the
/// limit.
const LARGE: Metered = Metered { calls: Calls::new(10_000_000), amount: Amount::yuan(100_000_000) };

impl Counter {
    /// Refuses the records of each month that would have more than can be rated.
    pub(super) async fn refuse_too_much(
        &self,
        report: &UsageReport,
        accepted: &mut Accepted,
    ) -> Result<(), StoreError> {
        let mut too_much = Vec::new();
        for (provider, share) in accepted.shares.iter().filter(|(_, share)| is_large(share)) {
            let months = share.records.keys().map(|day| day.month()).collect::<BTreeSet<_>>();
            for month in months {
                if let Err(why) = self.with_others(report, provider, share, month).await? {
                    too_much.push((provider.clone(), month, why));
                }
            }
        }
        accepted.refuse(|provider, day| {
            let mut found = too_much.iter();
            let found = found.find(|(of, month, _)| of == provider && *month == day.month());
            found.map(|(.., why)| Refusal::TooMuch(why.clone()))
        });
        Ok(())
    }

    /// What a month has with a report: an error if it is more than can be rated. What is stored of the
    /// report itself does not count, so that sending it again is answered as before.
    async fn with_others(
        &self,
        report: &UsageReport,
        provider: &ProviderId,
        share: &Share,
        month: BillingMonth,
    ) -> Result<Result<Metered, UsageError>, StoreError> {
        let days = month.first_day()..=month.last_day();
        let own = share.days.range(days.clone()).map(|(_, usage)| usage.total());
        let cumulative = share.cumulative.range(days).map(|(_, usage)| usage.usage()?.total());
        let mut sum =
            own.chain(cumulative).try_fold(Metered::ZERO, |sum, of_day| sum.plus(of_day?));
        let mut others = self.table.reports(provider, month.first_day(), month.last_day());
        while let (Ok(so_far), Some(other)) = (&sum, others.try_next().await?) {
            let is_own = other.source == report.source && other.report == report.id;
            if !is_own && other.withdrawn.is_none() {
                sum = other.metered.total().and_then(|metered| so_far.plus(metered));
            }
        }
        Ok(sum)
    }
}

fn is_large(share: &Share) -> bool {
    share.total.calls >= LARGE.calls || share.total.amount >= LARGE.amount
}
