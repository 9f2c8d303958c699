//! Counting a cumulative report: each provider and billing day on its own, since none of them can
//! be counted twice by another.

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt};
use sha2::{Digest, Sha256};
use steelyard_billing::{
    APIS_PER_DAY_MAX, Basis, CumulativeUsage, ProviderId, ReportDigest, ReportId, SourceId,
    TooLarge,
};
use steelyard_import::sum;
use steelyard_pricing::{BillingDay, Metered};
use steelyard_report::{Accepted, FUTURE_MAX, Refusal};
use steelyard_store::{Counted, CumulativeReport, Raised, StoreError};

use super::limits::{MonthSums, WhyOverfull};
use super::{AT_ONCE, Became, Counter, Months, unless_unreadable, warn_of_conflict};

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

/// The outcome of each share of a cumulative report.
pub type Raising = BTreeMap<(ProviderId, BillingDay), Result<RaisedShare, Refusal>>;

/// The outcome of a share that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RaisedShare {
    /// The outcome of what could be stored.
    pub raised: Raised,
    /// What the reports have no room for, and is not counted: APIs that are too many, or lines of
    /// minutes that are not whole.
    pub refused: CumulativeUsage,
}

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
        let months = Months { calendar: &self.calendar, registered: &registered, now };
        let (mut became, mut taken) = (Raising::new(), CumulativeShares::new());
        for (key, usage) in shares {
            let (provider, day) = (&key.0, key.1);
            let is_future = day.date() > self.calendar.date_of(now + FUTURE_MAX);
            let why = is_future.then(|| Refusal::Future(day.to_string()));
            match why.or_else(|| months.unbilled(provider, day)) {
                Some(why) => drop(became.insert(key, Err(why))),
                None => drop(taken.insert(key, usage)),
            }
        }
        became.extend(self.raise_shares(report, taken, &months, Apis::Continued).await?);
        Ok(became)
    }

    /// Counts the shares of a report in JSON.
    pub(super) async fn count_cumulative(
        &self,
        report: Cumulative<'_>,
        accepted: &mut Accepted,
        months: &Months<'_>,
    ) -> Result<Became, StoreError> {
        let mut shares = CumulativeShares::new();
        for (provider, share) in &mut accepted.shares {
            let of_day = |(day, usage)| ((provider.clone(), day), usage);
            shares.extend(std::mem::take(&mut share.cumulative).into_iter().map(of_day));
        }
        let mut all = Became::new();
        for ((provider, day), raised) in
            self.raise_shares(report, shares, months, Apis::Refused).await?
        {
            let became = raised.and_then(|share| match share.raised {
                Raised::Counted(_) => Ok(Counted::Counted),
                Raised::Duplicate => Ok(Counted::Duplicate),
                Raised::Withdrawn => Ok(Counted::Withdrawn),
                Raised::Conflict => Ok(Counted::Conflict),
                Raised::TooLarge(why) => Err(Refusal::TooLarge(why)),
            });
            all.entry(provider).or_default().insert(day, became);
        }
        Ok(all)
    }

    async fn raise_shares(
        &self,
        report: Cumulative<'_>,
        shares: CumulativeShares,
        months: &Months<'_>,
        apis: Apis,
    ) -> Result<Raising, StoreError> {
        let mut sums = MonthSums::default();
        let is_open = |(provider, day): &(ProviderId, _)| months.closed(provider, *day).is_none();
        for ((provider, day), usage) in shares.iter().filter(|(key, _)| is_open(key)) {
            match usage.usage() {
                Ok(usage) => sums.add(provider, *day, &usage),
                Err(why) => sums.fail(provider, *day, why),
            }
        }
        let overfull = &self.overfull((report.source, report.id), sums).await?;
        let raising = shares.into_iter().map(|((provider, day), usage)| async move {
            let raised = match overfull.why(&provider, day) {
                Some(WhyOverfull::TooMuch(why)) => Ok(Raised::TooLarge(why.into()).into()),
                Some(WhyOverfull::Unreadable(why)) => Err(why),
                None => {
                    let share = (&provider, day, usage);
                    let raised = match apis {
                        Apis::Refused => {
                            let raised = self.raise_share(report, share, months).await;
                            raised.map(|raised| raised.map(RaisedShare::from))
                        }
                        Apis::Continued => self.raise_continued(report, share, months).await,
                    };
                    unless_unreadable(raised)?.unwrap_or_else(Err)
                }
            };
            Ok::<_, StoreError>(((provider, day), raised))
        });
        // Every share is tried, whatever becomes of the others.
        let raising = stream::iter(raising.collect::<Vec<_>>()).buffer_unordered(AT_ONCE);
        raising.collect::<Vec<_>>().await.into_iter().collect()
    }

    /// Counts a share of what others logged, where a caller chooses how many APIs it names: those
    /// that one report cannot hold are in reports that continue it.
    ///
    /// An API is in the first of them that had room for it. One that is full stays so, so that each
    /// API is in one of them, in whatever order pieces of a log come.
    async fn raise_continued(
        &self,
        report: Cumulative<'_>,
        (provider, day, usage): (&ProviderId, BillingDay, CumulativeUsage),
        months: &Months<'_>,
    ) -> Result<Result<RaisedShare, Refusal>, StoreError> {
        let (mut rest, mut gained, mut races) = (usage, Metered::ZERO, 0);
        let mut number = 0;
        while number <= CONTINUED_MAX {
            let Some(id) = continued_id(report.id, number) else { break };
            let report = Cumulative { id: &id, ..report };
            let whole = self.raise_share(report, (provider, day, rest.clone()), months).await?;
            match whole {
                Ok(Raised::TooLarge(TooLarge::TooManyApis)) => {}
                Ok(Raised::TooLarge(TooLarge::TooManyParts(_))) => {
                    // The minutes that are counted whole take little room.
                    let (counts, refused) = rest.divide();
                    if counts.apis() == 0 {
                        return Ok(whole.map(|raised| with_gained(raised, gained).into()));
                    }
                    let raised = self.raise_share(report, (provider, day, counts), months).await?;
                    return Ok(raised.map(|raised| {
                        let raised = with_gained(raised, gained);
                        RaisedShare { raised, refused }
                    }));
                }
                other => return Ok(other.map(|raised| with_gained(raised, gained).into())),
            }
            let key = (provider.clone(), day);
            let known = self.table.cumulative((report.source, &id), std::slice::from_ref(&key));
            let known = known.await?.remove(&key).unwrap_or_default();
            let (fitting, others) = rest.clone().split(&known, APIS_PER_DAY_MAX);
            if fitting.apis() > 0 {
                match self.raise_share(report, (provider, day, fitting), months).await? {
                    Ok(Raised::Counted(more)) => gained = sum(gained, more),
                    Ok(Raised::Duplicate) => {}
                    // Others added APIs meanwhile.
                    Ok(Raised::TooLarge(TooLarge::TooManyApis)) if races < RACES_MAX => {
                        races += 1;
                        continue;
                    }
                    other => return Ok(other.map(|raised| with_gained(raised, gained).into())),
                }
            }
            rest = others;
            number += 1;
        }
        Ok(Ok(RaisedShare { raised: with_gained(Raised::Duplicate, gained), refused: rest }))
    }

    /// Counts a share. One of a closed month is answered as before if all of it was counted.
    async fn raise_share(
        &self,
        report: Cumulative<'_>,
        (provider, day, usage): (&ProviderId, BillingDay, CumulativeUsage),
        months: &Months<'_>,
    ) -> Result<Result<Raised, Refusal>, StoreError> {
        let stored = CumulativeReport {
            source: report.source.clone(),
            report: report.id.clone(),
            day,
            usage,
            basis: digest(report.basis),
            counted_at: months.now,
        };
        if let Some(why) = months.closed(provider, day) {
            let before = self.table.raised_before(provider, &stored).await?;
            if before == Some(Raised::Conflict) {
                warn_of_conflict(provider, (report.source, report.id));
            }
            return Ok(before.ok_or(why));
        }
        let expires_at = self.calendar.kept_until(day.month());
        let raised = self.table.raise(provider, &stored, expires_at).await?;
        match raised {
            Raised::Conflict => warn_of_conflict(provider, (report.source, report.id)),
            Raised::Counted(_) | Raised::Duplicate => self.note(provider, day).await?,
            Raised::Withdrawn | Raised::TooLarge(_) => {}
        }
        Ok(Ok(raised))
    }
}

/// What becomes of the APIs that a report cannot hold.
#[derive(Clone, Copy)]
enum Apis {
    /// The share is refused: its source can divide it.
    Refused,
    /// They are in reports that continue it.
    Continued,
}

/// How many reports may continue one: 20,000 APIs of a provider in an hour of a log.
pub(crate) const CONTINUED_MAX: usize = 9;

/// How often a report is read again because others added APIs to it.
const RACES_MAX: u8 = 5;

/// The id of the report that continues another one, by its number; 0 is that one. None if it would
/// be too long.
pub(crate) fn continued_id(id: &ReportId, number: usize) -> Option<ReportId> {
    if number == 0 { Some(id.clone()) } else { format!("{id}.{number}").parse().ok() }
}

impl From<Raised> for RaisedShare {
    fn from(raised: Raised) -> RaisedShare {
        RaisedShare { raised, refused: CumulativeUsage::new() }
    }
}

/// An outcome with what the reports before gained.
fn with_gained(raised: Raised, gained: Metered) -> Raised {
    match raised {
        Raised::Counted(more) => Raised::Counted(sum(gained, more)),
        Raised::Duplicate if !gained.is_zero() => Raised::Counted(gained),
        Raised::Duplicate | Raised::Withdrawn | Raised::Conflict | Raised::TooLarge(_) => raised,
    }
}

/// Differs from the digest of every report that is not cumulative: the records of one are JSON.
fn digest(basis: Option<&Basis>) -> ReportDigest {
    let basis = basis.map_or("", Basis::as_str);
    Sha256::digest(format!("cumulative\n{basis}")).into()
}
