//! Counting reports of one record each that are stored together: all that are new of a provider, a
//! source and a minute get one item.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::stream::{self, StreamExt};
use steelyard_billing::{Allowance, Minute};
use steelyard_report::{Refusal, UsageReport};
use steelyard_store::{Counted, CountedReport, OfMinute, StoreError};

use super::limits::{MonthSums, WhyOverfull};
use super::{
    AT_ONCE, Became, Counter, Counting, Granted, Months, counted_report, unless_unreadable,
    warn_of_conflict,
};

/// The outcome of a report, or the failure of the table: several reports may fail by one.
pub type CountingOf = Result<Counting, Arc<StoreError>>;

/// A report of a list by its place, and the minute with whose reports it is stored.
type Together<'a> = (usize, &'a UsageReport, Minute);

/// The reports of a minute by their places, and what became of each.
type CountedMinute = (OfMinute, Vec<usize>, Result<Vec<Result<Counted, Refusal>>, Arc<StoreError>>);

impl Counter {
    /// Counts what may be counted of some reports, for those providers for whom their sender may
    /// report, and gives the outcome of each, in their order. Those that are to be stored together
    /// are.
    pub async fn count_all(
        &self,
        reports: &[UsageReport],
        allowance: &Allowance,
    ) -> Vec<CountingOf> {
        let (mut together, mut alone) = (Vec::new(), Vec::new());
        for (index, report) in reports.iter().enumerate() {
            match report.combined {
                Some(minute) => together.push((index, report, minute)),
                None => alone.push((index, report)),
            }
        }
        let counting = alone.into_iter().map(|(index, report)| async move {
            (index, self.count_alone(report, allowance).await.map_err(Arc::new))
        });
        let counting = stream::iter(counting.collect::<Vec<_>>()).buffer_unordered(AT_ONCE);
        let mut counted = counting.collect::<Vec<_>>().await;
        counted.extend(self.count_together(&together, allowance).await);
        counted.sort_unstable_by_key(|(index, _)| *index);
        counted.into_iter().map(|(_, counting)| counting).collect()
    }

    /// Counts reports that are stored together.
    pub(super) async fn count_together(
        &self,
        reports: &[Together<'_>],
        allowance: &Allowance,
    ) -> Vec<(usize, CountingOf)> {
        match self.count_by_minute(reports, allowance).await {
            Ok(counted) => counted,
            Err(error) => {
                let error = Arc::new(error);
                reports.iter().map(|(index, _, _)| (*index, Err(Arc::clone(&error)))).collect()
            }
        }
    }

    async fn count_by_minute(
        &self,
        reports: &[Together<'_>],
        allowance: &Allowance,
    ) -> Result<Vec<(usize, CountingOf)>, StoreError> {
        let now = self.clock.now();
        let granted = reports
            .iter()
            .map(|(_, report, _)| Granted::of(report, allowance, &self.calendar, now));
        let mut granted = granted.collect::<Vec<_>>();
        let providers = granted.iter().flat_map(Granted::providers).cloned().collect();
        let registered = self.registered(providers, now).await?;
        let months = Months { calendar: &self.calendar, registered: &registered, now };
        let mut minutes = BTreeMap::<OfMinute, Vec<(usize, CountedReport)>>::new();
        let mut failed = BTreeMap::new();
        for (place, (granted, (_, report, minute))) in granted.iter_mut().zip(reports).enumerate() {
            granted.refuse(|provider, day| months.unbilled(provider, day));
            if let Err(error) = self.refuse_overfull(report, granted, &months).await {
                failed.insert(place, Arc::new(error));
                continue;
            }
            for (provider, share) in &granted.accepted.shares {
                for day in share.records.keys().copied() {
                    let (provider, source) = (provider.clone(), report.source.clone());
                    let of = OfMinute { provider, day, source, minute: *minute };
                    let counted = counted_report(report, share, day, now);
                    minutes.entry(of).or_default().push((place, counted));
                }
            }
        }
        let counting = minutes.into_iter().map(|(of, reports)| {
            let months = &months;
            async move {
                let (places, reports): (Vec<_>, Vec<_>) = reports.into_iter().unzip();
                let became = unless_unreadable(self.count_minute(&of, &reports, months).await);
                let became = became.map_err(Arc::new).map(|became| {
                    became.unwrap_or_else(|why| places.iter().map(|_| Err(why.clone())).collect())
                });
                (of, places, became)
            }
        });
        let counting = stream::iter(counting.collect::<Vec<_>>()).buffer_unordered(AT_ONCE);
        let counted = counting.collect::<Vec<_>>().await;
        let counted = self.noted(counted, &months).await;
        let mut outcomes = granted.iter().map(|_| Ok(Became::new())).collect::<Vec<_>>();
        failed.into_iter().for_each(|(place, error)| outcomes[place] = Err(error));
        for (of, places, became) in counted {
            match became {
                Ok(became) => {
                    for (place, became) in places.into_iter().zip(became) {
                        if let Ok(days) = &mut outcomes[place] {
                            days.entry(of.provider.clone()).or_default().insert(of.day, became);
                        }
                    }
                }
                Err(error) => {
                    places.into_iter().for_each(|place| outcomes[place] = Err(Arc::clone(&error)));
                }
            }
        }
        let counted = granted.into_iter().zip(outcomes).zip(reports);
        let counted = counted.map(|((granted, became), (index, _, _))| {
            (*index, became.map(|became| granted.counting(became)))
        });
        Ok(counted.collect())
    }

    /// The same minutes, after usage of days that are over is noted, once for each provider and
    /// day. What cannot be noted has to be counted again.
    async fn noted(
        &self,
        mut minutes: Vec<CountedMinute>,
        months: &Months<'_>,
    ) -> Vec<CountedMinute> {
        let counts = |became: &Result<Counted, Refusal>| {
            matches!(became, Ok(Counted::Counted | Counted::Duplicate))
        };
        let days = minutes.iter().filter(|(of, _, became)| {
            let is_open = months.closed(&of.provider, of.day).is_none();
            is_open && became.as_ref().is_ok_and(|became| became.iter().any(counts))
        });
        let days = days.map(|(of, ..)| (of.provider.clone(), of.day)).collect::<BTreeSet<_>>();
        for (provider, day) in days {
            let Err(error) = self.note(&provider, day).await else { continue };
            let error = Arc::new(error);
            for (of, _, became) in &mut minutes {
                if of.provider == provider && of.day == day {
                    *became = Err(Arc::clone(&error));
                }
            }
        }
        minutes
    }

    /// Refuses what would push a month past what can be rated. A report of the usual size costs no
    /// read.
    pub(super) async fn refuse_overfull(
        &self,
        report: &UsageReport,
        granted: &mut Granted,
        months: &Months<'_>,
    ) -> Result<(), StoreError> {
        let mut sums = MonthSums::default();
        for (provider, share) in &granted.accepted.shares {
            let open =
                share.days.iter().filter(|(day, _)| months.closed(provider, **day).is_none());
            open.for_each(|(day, usage)| sums.add(provider, *day, usage));
        }
        let overfull = self.overfull((&report.source, &report.id), sums).await?;
        granted.refuse(|provider, day| {
            overfull.why(provider, day).map(|why| match why {
                WhyOverfull::TooMuch(why) => Refusal::TooMuch(why),
                WhyOverfull::Unreadable(why) => why,
            })
        });
        Ok(())
    }

    /// Counts the reports of one minute. One of a closed month is answered as before.
    async fn count_minute(
        &self,
        of: &OfMinute,
        reports: &[CountedReport],
        months: &Months<'_>,
    ) -> Result<Vec<Result<Counted, Refusal>>, StoreError> {
        let became = if let Some(why) = months.closed(&of.provider, of.day) {
            let stored = self.table.combined(of).await?;
            let again = |report: &CountedReport| {
                let before = stored.iter().find(|before| before.report == report.report);
                let before = before.ok_or_else(|| why.clone())?;
                Ok(before.again(&report.digest, &report.metered))
            };
            reports.iter().map(again).collect::<Vec<_>>()
        } else {
            let expires_at = self.calendar.kept_until(of.day.month());
            let counted = self.table.count_combined(of, reports, expires_at).await?;
            counted.into_iter().map(Ok).collect()
        };
        for (report, became) in reports.iter().zip(&became) {
            if *became == Ok(Counted::Conflict) {
                warn_of_conflict(&of.provider, (&of.source, &report.report));
            }
        }
        Ok(became)
    }
}
