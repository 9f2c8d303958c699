//! Counting a cumulative report: each provider and billing day on its own, since none of them can
//! be counted twice by another.

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use steelyard_billing::{Basis, CumulativeUsage, ProviderId, ReportId, SourceId};
use steelyard_pricing::BillingDay;
use steelyard_store::{Counted, CumulativeReport, Raised, StoreError};

use super::limits::MonthSums;
use super::{AT_ONCE, CountedShares, Counter, unbilled, warn_of_conflict};
use crate::report::{Accepted, FUTURE_MAX, Refusal};

/// What names a cumulative report, and how it counts.
#[derive(Clone, Copy, Debug)]
pub struct Cumulative<'a> {
    /// The machine that reports.
    pub source: &'a SourceId,
    /// The id that it chose.
    pub id: &'a ReportId,
    /// How it counts: a report that counts in another way conflicts.
    pub basis: Option<&'a Basis>,
}

/// How far the counts of a cumulative report have come, by provider and billing day.
pub type CumulativeShares = BTreeMap<(ProviderId, BillingDay), CumulativeUsage>;

/// What became of each share of a cumulative report.
pub type Raising = BTreeMap<(ProviderId, BillingDay), Result<Raised, Refusal>>;

impl Counter {
    /// Counts what may be counted of a cumulative report that is no JSON.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table fails. Some shares may have been counted then; sending them
    /// again counts the others.
    pub async fn raise(
        &self,
        report: Cumulative<'_>,
        shares: CumulativeShares,
    ) -> Result<Raising, StoreError> {
        let now = self.clock.now();
        let providers = shares.keys().map(|(provider, _)| provider.clone()).collect();
        let registered = self.registered(providers, now).await?;
        let (mut became, mut taken) = (Raising::new(), CumulativeShares::new());
        for (key, usage) in shares {
            let (provider, day) = (&key.0, key.1);
            let why = self
                .not_taken(day, now)
                .or_else(|| unbilled(provider, day, &registered, &self.calendar));
            match why {
                Some(why) => drop(became.insert(key, Err(why))),
                None => drop(taken.insert(key, usage)),
            }
        }
        let raised = self.raise_shares(report, taken, now).await?;
        became.extend(raised.into_iter().map(|(key, raised)| (key, Ok(raised))));
        Ok(became)
    }

    /// Why usage of a day is not taken now: it has not begun, or its month is closed.
    fn not_taken(&self, day: BillingDay, now: Timestamp) -> Option<Refusal> {
        let month = day.month();
        if day.date() > self.calendar.date_of(now + FUTURE_MAX) {
            return Some(Refusal::Future(day.to_string()));
        }
        let closed_at = self.calendar.wall_time(self.calendar.closes_at(month));
        (!self.calendar.is_open(month, now)).then_some(Refusal::Late { day, month, closed_at })
    }

    /// Counts the shares of a report in JSON. The records of those that are refused join the
    /// others.
    pub(super) async fn count_cumulative(
        &self,
        report: Cumulative<'_>,
        accepted: &mut Accepted,
        now: Timestamp,
    ) -> Result<CountedShares, StoreError> {
        let mut shares = CumulativeShares::new();
        for (provider, share) in &mut accepted.shares {
            let of_day = |(day, usage)| ((provider.clone(), day), usage);
            shares.extend(std::mem::take(&mut share.cumulative).into_iter().map(of_day));
        }
        let mut counted = CountedShares::new();
        let mut refused = BTreeMap::new();
        for ((provider, day), became) in self.raise_shares(report, shares, now).await? {
            let became = match became {
                Raised::Counted(_) => Counted::Counted,
                Raised::Duplicate => Counted::Duplicate,
                Raised::Withdrawn => Counted::Withdrawn,
                Raised::Conflict => Counted::Conflict,
                Raised::TooLarge(why) => {
                    refused.insert((provider, day), Refusal::TooLarge(why));
                    continue;
                }
            };
            counted.entry(provider).or_default().insert(day, became);
        }
        accepted.refuse(|provider, day| refused.get(&(provider.clone(), day)).cloned());
        Ok(counted)
    }

    async fn raise_shares(
        &self,
        report: Cumulative<'_>,
        shares: CumulativeShares,
        now: Timestamp,
    ) -> Result<Vec<((ProviderId, BillingDay), Raised)>, StoreError> {
        let mut months = MonthSums::default();
        for ((provider, day), usage) in &shares {
            match usage.usage() {
                Ok(usage) => months.add(provider, *day, &usage),
                Err(why) => months.fail(provider, *day, why),
            }
        }
        let overfull = &self.overfull((report.source, report.id), months).await?;
        let raising = shares.into_iter().map(|((provider, day), usage)| async move {
            let raised = match overfull.why(&provider, day) {
                Some(why) => Raised::TooLarge(why.into()),
                None => self.raise_share(report, &provider, day, usage, now).await?,
            };
            Ok::<_, StoreError>(((provider, day), raised))
        });
        // Every share is tried, whatever becomes of the others.
        let raising = stream::iter(raising.collect::<Vec<_>>()).buffer_unordered(AT_ONCE);
        raising.collect::<Vec<_>>().await.into_iter().collect()
    }

    async fn raise_share(
        &self,
        report: Cumulative<'_>,
        provider: &ProviderId,
        day: BillingDay,
        usage: CumulativeUsage,
        now: Timestamp,
    ) -> Result<Raised, StoreError> {
        let stored = CumulativeReport {
            source: report.source.clone(),
            report: report.id.clone(),
            day,
            usage,
            basis: digest(report.basis),
            counted_at: now,
        };
        let expires_at = self.calendar.kept_until(day.month());
        let raised = self.table.raise(provider, &stored, expires_at).await?;
        match raised {
            Raised::Conflict => warn_of_conflict(provider, (report.source, report.id)),
            Raised::Counted(_) | Raised::Duplicate => self.note(provider, day).await?,
            Raised::Withdrawn | Raised::TooLarge(_) => {}
        }
        Ok(raised)
    }
}

/// Differs from the digest of every report that is not cumulative: the records of one are JSON.
fn digest(basis: Option<&Basis>) -> steelyard_store::Digest {
    let basis = basis.map_or("", Basis::as_str);
    Sha256::digest(format!("cumulative\n{basis}")).into()
}
