//! Counting reports of one record each that are stored together: all that are new of a provider, a
//! source and a minute get one item.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use futures::stream::{self, StreamExt};
use jiff::Timestamp;
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

/// The reports of a minute, and the outcome of each in their order.
struct CountedMinute {
    of: OfMinute,
    /// The places of the reports among those that came.
    places: Vec<usize>,
    outcomes: Result<Vec<Result<Counted, Refusal>>, Arc<StoreError>>,
}

impl Counter {
    /// Counts what may be counted of some reports, for those providers for whom their sender may
    /// report, and gives the outcome of each, in their order. Those that are to be stored together
    /// are.
    pub async fn count_all(
        &self,
        reports: &[&UsageReport],
        allowance: &Allowance,
    ) -> Vec<CountingOf> {
        let (mut together, mut alone) = (Vec::new(), Vec::new());
        for (index, report) in reports.iter().copied().enumerate() {
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
        let mut failed = BTreeMap::new();
        for (place, (granted, (_, report, _))) in granted.iter_mut().zip(reports).enumerate() {
            granted.refuse(|provider, day| months.unbilled(provider, day));
            if let Err(error) = self.refuse_overfull(report, granted, &months).await {
                failed.insert(place, Arc::new(error));
            }
        }
        let good =
            (0..).zip(&granted).zip(reports).filter(|((place, _), _)| !failed.contains_key(place));
        let minutes = by_minute(good, now).into_iter();
        let counting = minutes.map(|(of, reports)| self.count_minute(of, reports, &months));
        let counting = stream::iter(counting.collect::<Vec<_>>()).buffer_unordered(AT_ONCE);
        let minutes = self.noted(counting.collect().await, &months).await;
        let mut outcomes = granted.iter().map(|_| Ok(Became::new())).collect::<Vec<_>>();
        failed.into_iter().for_each(|(place, error)| outcomes[place] = Err(error));
        minutes.into_iter().for_each(|minute| minute.spread(&mut outcomes));
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
        let changed = minutes.iter().filter(|minute| {
            let is_open = months.closed(&minute.of.provider, minute.of.day).is_none();
            is_open && minute.counts()
        });
        let day_of = |minute: &CountedMinute| (minute.of.provider.clone(), minute.of.day);
        for of in changed.map(day_of).collect::<BTreeSet<_>>() {
            let Err(error) = self.note(&of.0, of.1).await else { continue };
            let error = Arc::new(error);
            for minute in minutes.iter_mut().filter(|minute| day_of(minute) == of) {
                minute.outcomes = Err(Arc::clone(&error));
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

    async fn count_minute(
        &self,
        of: OfMinute,
        reports: Vec<(usize, CountedReport)>,
        months: &Months<'_>,
    ) -> CountedMinute {
        let (places, reports): (Vec<_>, Vec<_>) = reports.into_iter().unzip();
        let outcomes = unless_unreadable(self.count_reports(&of, &reports, months).await);
        let refused = |why: Refusal| places.iter().map(|_| Err(why.clone())).collect();
        let outcomes = outcomes.map_err(Arc::new);
        let outcomes = outcomes.map(|outcomes| outcomes.unwrap_or_else(refused));
        CountedMinute { of, places, outcomes }
    }

    /// Counts the reports of one minute. One of a closed month is answered as before.
    async fn count_reports(
        &self,
        of: &OfMinute,
        reports: &[CountedReport],
        months: &Months<'_>,
    ) -> Result<Vec<Result<Counted, Refusal>>, StoreError> {
        let outcomes = if let Some(why) = months.closed(&of.provider, of.day) {
            let stored = self.table.combined(of).await?;
            let stored = stored.iter().map(|before| (&before.report, before));
            let stored = stored.collect::<HashMap<_, _>>();
            let again = |report: &CountedReport| {
                let before = stored.get(&report.report).ok_or_else(|| why.clone())?;
                Ok(before.again(&report.digest, &report.metered))
            };
            reports.iter().map(again).collect::<Vec<_>>()
        } else {
            let expires_at = self.calendar.kept_until(of.day.month());
            let counted = self.table.count_combined(of, reports, expires_at).await?;
            counted.into_iter().map(Ok).collect()
        };
        for (report, outcome) in reports.iter().zip(&outcomes) {
            if *outcome == Ok(Counted::Conflict) {
                warn_of_conflict(&of.provider, (&of.source, &report.report));
            }
        }
        Ok(outcomes)
    }
}

/// What reports say of each minute, with their places.
fn by_minute<'a>(
    reports: impl Iterator<Item = ((usize, &'a Granted), &'a Together<'a>)>,
    now: Timestamp,
) -> BTreeMap<OfMinute, Vec<(usize, CountedReport)>> {
    let mut minutes = BTreeMap::<_, Vec<_>>::new();
    for ((place, granted), (_, report, minute)) in reports {
        for (provider, share) in &granted.accepted.shares {
            for day in share.records.keys().copied() {
                let (provider, source) = (provider.clone(), report.source.clone());
                let of = OfMinute { provider, day, source, minute: *minute };
                let counted = counted_report(report, share, day, now);
                minutes.entry(of).or_default().push((place, counted));
            }
        }
    }
    minutes
}

impl CountedMinute {
    /// True if a report of it counts, now or since before.
    fn counts(&self) -> bool {
        let counts = |outcome: &Result<Counted, Refusal>| {
            matches!(outcome, Ok(Counted::Counted | Counted::Duplicate))
        };
        self.outcomes.as_ref().is_ok_and(|outcomes| outcomes.iter().any(counts))
    }

    /// Adds its outcomes to those of the reports that came.
    fn spread(self, all: &mut [Result<Became, Arc<StoreError>>]) {
        let OfMinute { provider, day, .. } = self.of;
        match self.outcomes {
            Ok(outcomes) => {
                for (place, outcome) in self.places.into_iter().zip(outcomes) {
                    if let Ok(days) = &mut all[place] {
                        days.entry(provider.clone()).or_default().insert(day, outcome);
                    }
                }
            }
            Err(error) => {
                self.places.into_iter().for_each(|place| all[place] = Err(Arc::clone(&error)));
            }
        }
    }
}
