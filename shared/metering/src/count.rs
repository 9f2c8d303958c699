//! Counting a report: one put for each provider and billing day that it names.

mod combined;
mod cumulative;
mod limits;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use futures::stream::{self, StreamExt, TryStreamExt};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use steelyard_billing::{
    Allowance, Calendar, ProviderId, RefusedReport, Registration, ReportId, SourceId,
};
use steelyard_pricing::BillingDay;
use steelyard_report::{Accepted, Counts, Refusal, Refused, Share, UsageReport};
use steelyard_runtime::{Clock, Guard, report_unreadable};
use steelyard_store::{Counted, CountedReport, Registrations, StoreError, UsageTable};

pub use self::combined::CountingOf;
pub(crate) use self::cumulative::{CONTINUED_MAX, continued_id};
pub use self::cumulative::{Cumulative, CumulativeShares, RaisedShare, Raising};
use crate::Voider;

/// Counts usage reports.
#[derive(Clone, Debug)]
pub struct Counter {
    table: UsageTable,
    calendar: Calendar,
    clock: Clock,
    known: Arc<Mutex<Known>>,
}

/// The outcome of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Counting {
    /// The outcome of each provider and billing day.
    pub providers: CountedShares,
    /// The records that were refused, by their place in the report.
    pub refused: Vec<RefusedRecord>,
    /// Whether nothing was counted, since the source may report for none of the providers.
    #[serde(skip)]
    pub is_forbidden: bool,
    /// Whether something was refused with which nothing is wrong: it can be counted when an
    /// operator has repaired what is stored.
    #[serde(skip)]
    pub is_to_be_sent_again: bool,
}

/// The outcomes of a report, by provider and billing day.
pub type CountedShares = BTreeMap<ProviderId, BTreeMap<BillingDay, Counted>>;

/// The outcomes of a report, those days included of which nothing counts.
type Became = BTreeMap<ProviderId, BTreeMap<BillingDay, Result<Counted, Refusal>>>;

/// A record that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RefusedRecord {
    /// Its place in the report, from 0.
    pub index: usize,
    /// The rule that refuses it, as a text.
    pub reason: String,
}

/// Registrations that were read, so that a busy source costs no read. One that is changed or new
/// is seen after [`KNOWN_FOR`], who is absent at once.
#[derive(Debug, Default)]
struct Known {
    registrations: BTreeMap<ProviderId, Registration>,
    since: Option<Timestamp>,
}

const KNOWN_FOR: SignedDuration = SignedDuration::from_mins(5);

/// How many providers of a report, and how many days of one, are counted at the same time.
const AT_ONCE: usize = 16;

impl Counter {
    /// Counts into that table.
    #[must_use]
    pub fn new(table: UsageTable, calendar: Calendar, clock: Clock) -> Counter {
        Counter { table, calendar, clock, known: Arc::default() }
    }

    /// What withdraws the reports that it counted.
    #[must_use]
    pub fn voider(&self) -> Voider {
        Voider::new(self.table.clone(), self.calendar.clone(), self.clock.clone())
    }

    /// The guard of what counts by it, by the same table and clock.
    #[must_use]
    pub fn guard(&self) -> Guard {
        Guard::new(self.table.clone(), self.clock.clone())
    }

    /// The time by its clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The calendar by which it counts.
    #[must_use]
    pub fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    /// Counts what may be counted of a report, for any provider.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table fails. Some providers may have been counted then; sending the
    /// same report again counts the others.
    pub async fn count(&self, report: &UsageReport) -> Result<Counting, Arc<StoreError>> {
        self.count_allowed(report, &Allowance::All).await
    }

    /// Counts what may be counted of a report, for those providers for whom its sender may report.
    ///
    /// # Errors
    ///
    /// As [`Counter::count`].
    pub async fn count_allowed(
        &self,
        report: &UsageReport,
        allowance: &Allowance,
    ) -> Result<Counting, Arc<StoreError>> {
        let counted = self.count_all(&[report], allowance).await.pop();
        counted.expect("each report has an outcome")
    }

    async fn count_alone(
        &self,
        report: &UsageReport,
        allowance: &Allowance,
    ) -> Result<Counting, StoreError> {
        let now = self.clock.now();
        let mut accepted = Granted::of(report, allowance, &self.calendar, now);
        let registered = self.registered(accepted.providers().cloned().collect(), now).await?;
        let months = Months { calendar: &self.calendar, registered: &registered, now };
        accepted.refuse(|provider, day| months.unbilled(provider, day));
        let became = match &report.counts {
            Counts::New => self.count_new(report, &mut accepted, &months).await?,
            Counts::Cumulative(basis) => {
                let report =
                    Cumulative { source: &report.source, id: &report.id, basis: basis.as_ref() };
                self.count_cumulative(report, &mut accepted.accepted, &months).await?
            }
        };
        Ok(accepted.counting(became))
    }

    async fn count_new(
        &self,
        report: &UsageReport,
        granted: &mut Granted,
        months: &Months<'_>,
    ) -> Result<Became, StoreError> {
        self.refuse_overfull(report, granted, months).await?;
        let counting = granted.accepted.shares.iter().map(|(provider, share)| async move {
            let became = self.count_share(report, provider, share, months).await;
            let became = unless_unreadable(became)?.unwrap_or_else(|why| {
                share.records.keys().map(|day| (*day, Err(why.clone()))).collect()
            });
            Ok::<_, StoreError>((provider.clone(), became))
        });
        // Collected first: a future that borrows from an iterator would not be general enough.
        let counting = counting.collect::<Vec<_>>();
        let counted = stream::iter(counting).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await;
        counted.into_iter().collect()
    }

    /// Counts the days of a share. Where one of them conflicts, none is counted: those that the
    /// other content does not name would count records that it has on another day.
    ///
    /// A day of a closed month is answered as before if it was counted. The source may not have
    /// received the first answer, and a refusal would lead it to ask for a second charge.
    async fn count_share(
        &self,
        report: &UsageReport,
        provider: &ProviderId,
        share: &Share,
        months: &Months<'_>,
    ) -> Result<BTreeMap<BillingDay, Result<Counted, Refusal>>, StoreError> {
        let days = share.records.keys().map(|day| (*day, months.closed(provider, *day)));
        let days = days.collect::<BTreeMap<_, _>>();
        let id = (&report.source, &report.id);
        // A single day that is open needs no look: its put finds out.
        let is_looked_for = days.len() > 1 || days.values().any(Option::is_some);
        let before = if is_looked_for {
            let days = days.keys().copied().collect::<Vec<_>>();
            self.table.reports_alone(provider, id, &days).await?
        } else {
            Vec::new()
        };
        let became: BTreeMap<_, _> = if before.iter().any(|of| of.digest != share.digest) {
            days.into_keys().map(|day| (day, Ok(Counted::Conflict))).collect()
        } else {
            let before = &before;
            let counting = days.into_iter().map(|(day, why)| async move {
                let became = match why {
                    None => Ok(self.count_day(report, provider, share, day, months.now).await?),
                    Some(why) => {
                        let before = before.iter().find(|before| before.day == day).ok_or(why);
                        before.map(|before| before.again(&share.digest, &share.metered(day)))
                    }
                };
                Ok::<_, StoreError>((day, became))
            });
            let counting = stream::iter(counting.collect::<Vec<_>>());
            counting.buffer_unordered(AT_ONCE).try_collect().await?
        };
        if became.values().any(|became| *became == Ok(Counted::Conflict)) {
            warn_of_conflict(provider, id);
        }
        Ok(became)
    }

    async fn count_day(
        &self,
        report: &UsageReport,
        provider: &ProviderId,
        share: &Share,
        day: BillingDay,
        now: Timestamp,
    ) -> Result<Counted, StoreError> {
        let counted = counted_report(report, share, day, now);
        let expires_at = self.calendar.kept_until(day.month());
        let became = self.table.count(provider, &counted, expires_at).await?;
        if matches!(became, Counted::Counted | Counted::Duplicate) {
            self.note(provider, day).await?;
        }
        Ok(became)
    }

    /// Notes that usage of a day came after the day was over. A duplicate is noted too, since it
    /// may be of a put whose note was lost; noted too often, a day is read for nothing.
    async fn note(&self, provider: &ProviderId, day: BillingDay) -> Result<(), StoreError> {
        // The time after the put: a day may have ended since the request came.
        if day.date() >= self.calendar.date_of(self.clock.now()) {
            return Ok(());
        }
        let kept_until = self.calendar.changes_kept_until(day.month());
        self.table.note_change(provider, day, kept_until).await
    }

    /// The registrations of those providers that have one.
    async fn registered(
        &self,
        wanted: BTreeSet<ProviderId>,
        now: Timestamp,
    ) -> Result<Registrations, StoreError> {
        let known = self.known(&wanted, now);
        let unknown = wanted.into_iter().filter(|id| !known.contains_key(id)).collect::<Vec<_>>();
        let mut found = self.table.registrations(&unknown).await?;
        self.remember(&found.readable, now);
        report_unreadable(&found.unreadable);
        found.readable.extend(known);
        Ok(found)
    }

    fn known(
        &self,
        wanted: &BTreeSet<ProviderId>,
        now: Timestamp,
    ) -> BTreeMap<ProviderId, Registration> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.since.is_none_or(|since| now < since || now >= since + KNOWN_FOR) {
            *known = Known { registrations: BTreeMap::new(), since: Some(now) };
        }
        let of = |id: &ProviderId| known.registrations.get(id).map(|found| (id.clone(), *found));
        wanted.iter().filter_map(of).collect()
    }

    fn remember(&self, read: &BTreeMap<ProviderId, Registration>, now: Timestamp) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.since.get_or_insert(now);
        known
            .registrations
            .extend(read.iter().map(|(id, registration)| (id.clone(), *registration)));
    }
}

/// What a share of a report says of a day, as it is stored.
fn counted_report(
    report: &UsageReport,
    share: &Share,
    day: BillingDay,
    counted_at: Timestamp,
) -> CountedReport {
    CountedReport {
        source: report.source.clone(),
        report: report.id.clone(),
        day,
        metered: share.metered(day),
        digest: share.digest,
        counted_at,
        withdrawn: None,
        combined_at: None,
    }
}

/// The outcome of counting. An item that has what was counted before and cannot be read refuses
/// what would go into it, and nothing else.
fn unless_unreadable<T>(counted: Result<T, StoreError>) -> Result<Result<T, Refusal>, StoreError> {
    let error = match counted {
        Ok(counted) => return Ok(Ok(counted)),
        Err(error) => error,
    };
    let item = error.of_item()?;
    let why = Refusal::UnreadableReport { pk: item.pk.clone(), sk: item.sk.clone() };
    report_unreadable(&[item]);
    Ok(Err(why))
}

fn warn_of_conflict(provider: &ProviderId, (source, report): (&SourceId, &ReportId)) {
    tracing::warn!(
        provider.id = %provider, source.id = %source, report.id = %report,
        "a report came again with other content"
    );
}

/// What may be counted of a report, and whether its sender may report for none of its providers.
struct Granted {
    accepted: Accepted,
    is_forbidden: bool,
}

impl Granted {
    fn of(
        report: &UsageReport,
        allowance: &Allowance,
        calendar: &Calendar,
        now: Timestamp,
    ) -> Granted {
        let mut accepted = report.accept(calendar, now);
        accepted.refuse(|provider, _| {
            (!allowance.covers(provider)).then(|| Refusal::NotGranted {
                source_id: report.source.clone(),
                provider: provider.clone(),
            })
        });
        let is_not_granted = |refused: &Refused| matches!(refused.why, Refusal::NotGranted { .. });
        let is_forbidden =
            accepted.shares.is_empty() && accepted.refused.iter().any(is_not_granted);
        Granted { accepted, is_forbidden }
    }

    fn providers(&self) -> impl Iterator<Item = &ProviderId> {
        self.accepted.shares.keys()
    }

    fn refuse(&mut self, why: impl Fn(&ProviderId, BillingDay) -> Option<Refusal>) {
        self.accepted.refuse(why);
    }

    /// The answer to the report, given what became of its days.
    fn counting(mut self, became: Became) -> Counting {
        self.refuse(|provider, day| became.get(provider)?.get(&day)?.as_ref().err().cloned());
        let counted = |days: BTreeMap<_, Result<_, _>>| {
            let days = days.into_iter().filter_map(|(day, became)| Some((day, became.ok()?)));
            days.collect::<BTreeMap<_, _>>()
        };
        let providers = became.into_iter().map(|(provider, days)| (provider, counted(days)));
        let providers = providers.filter(|(_, days)| !days.is_empty()).collect();
        let refused = self.accepted.refused.iter();
        let is_to_be_sent_again = refused.clone().any(|refused| {
            matches!(refused.why, Refusal::UnreadableProvider(_) | Refusal::UnreadableReport { .. })
        });
        let refused =
            refused.map(|r| RefusedRecord { index: r.index, reason: r.why.to_string() }).collect();
        let is_forbidden = self.is_forbidden;
        Counting { providers, refused, is_forbidden, is_to_be_sent_again }
    }
}

/// Which months of the providers of a report may be counted.
struct Months<'a> {
    calendar: &'a Calendar,
    registered: &'a Registrations,
    now: Timestamp,
}

impl Months<'_> {
    /// Why usage of a provider on a day cannot be billed: nobody registered it, or it was not
    /// billed yet.
    fn unbilled(&self, provider: &ProviderId, day: BillingDay) -> Option<Refusal> {
        let Registrations { readable, unreadable } = self.registered;
        let why = match readable.get(provider) {
            None if unreadable.iter().any(|item| item.pk == provider.as_str()) => {
                return Some(Refusal::UnreadableProvider(provider.clone()));
            }
            None => Refusal::UnknownProvider(provider.clone()),
            Some(Registration { billed_from, .. }) if day.month() < *billed_from => {
                Refusal::BeforeBilling { day, billed_from: *billed_from }
            }
            Some(_) => return None,
        };
        // To register the provider, or to bill it from an earlier month, would be of no use.
        Some(self.closed(provider, day).unwrap_or(why))
    }

    /// Why usage of a provider on a day is no longer accepted.
    fn closed(&self, provider: &ProviderId, day: BillingDay) -> Option<Refusal> {
        let (calendar, month) = (self.calendar, day.month());
        let closed_at = if calendar.is_open(month, self.now) {
            // The stored close binds, whatever the configuration says now: settlement reads the
            // month a last time after it.
            let closed = self.registered.readable.get(provider)?.closed?;
            (month <= closed.through).then_some(closed.closed_at_s)?
        } else {
            calendar.closes_at(month)
        };
        Some(Refusal::Late { day, month, closed_at: calendar.wall_time(closed_at) })
    }
}

impl Counter {
    /// Notes what was refused of a report that nobody gets an answer to.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table fails; noting it again is the same note.
    pub async fn note_refused(
        &self,
        report: &UsageReport,
        counting: &Counting,
    ) -> Result<(), StoreError> {
        // A reason may quote what the report says.
        let bounded = |reason: &str| reason.chars().take(RefusedReport::REASON_MAX).collect();
        let reasons = counting.refused.iter().map(|refused| bounded(&refused.reason));
        let reasons = reasons.collect::<BTreeSet<String>>().into_iter();
        let note = RefusedReport {
            source: report.source.clone(),
            report: report.id.clone(),
            refused_at_s: self.clock.now(),
            records: u32::try_from(counting.refused.len()).unwrap_or(u32::MAX),
            conflicts: counting.conflicts(),
            reasons: reasons.take(RefusedReport::REASONS_MAX).collect(),
        };
        self.table.note_refused(&note).await
    }
}

impl Counting {
    /// Whether everything that the report says counts.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.refused.is_empty() && !self.has_conflict()
    }

    /// Whether something of the report was not counted because its id was used before.
    #[must_use]
    pub fn has_conflict(&self) -> bool {
        self.conflicts() > 0
    }

    /// For how many providers and days that is so.
    fn conflicts(&self) -> u32 {
        let counted = self.providers.values().flat_map(BTreeMap::values);
        let conflicts = counted.filter(|became| **became == Counted::Conflict).count();
        u32::try_from(conflicts).unwrap_or(u32::MAX)
    }
}
