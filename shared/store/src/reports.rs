//! Usage reports. A report is the usage: one item for each provider and billing day that it names is
//! the counts and the marker by which they are counted once.

use std::collections::BTreeMap;
use std::pin::pin;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use futures::stream::{self, Stream, TryStreamExt};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use steelyard_billing::{CountedDays, IdError, ProviderId, Registration, ReportId, SourceId};
use steelyard_pricing::{BillingDay, DayError, Usage, UsageError};

use crate::StoreError;
use crate::item::{
    Item, bytes, check_format, from_item, number, string, text, to_item, unreadable,
};
use crate::query::Range;
use crate::schema::{
    CUMULATIVE, DAY_PREFIX, DIGEST, EXPIRES_AT_S, METERED, PK, REGISTRATION, SK, report_sk,
    reports_of,
};
use crate::usage::UsageTable;
use crate::writes::{Writes, Written};
use crate::{packed, packed_parts};

/// What a report says of one provider and one billing day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedReport {
    /// The machine that reported.
    pub source: SourceId,
    /// The id that it chose, unique for the source, the provider and the day.
    pub report: ReportId,
    /// The billing day.
    pub day: BillingDay,
    /// What was metered on it.
    pub metered: Usage,
    /// What is the same of all days that the report names for the provider: SHA-256 of the records about
    /// it and of their days, those that were refused included. Of a cumulative report, SHA-256 of how it
    /// counts.
    pub digest: Digest,
    /// When it was taken in, to the second.
    pub counted_at: Timestamp,
}

/// Distinguishes what a report says of a provider from any other content.
pub type Digest = [u8; 32];

/// What was counted of a provider, and what binds ingest, as one read found them.
#[derive(Clone, Debug, Default)]
pub struct CountedUsage {
    /// What was counted, by billing day.
    pub days: CountedDays,
    /// When the last report of each day was taken in.
    pub counted_at: BTreeMap<BillingDay, Timestamp>,
    /// How the provider may be counted; none if it is not registered for counting.
    pub registration: Option<Registration>,
}

/// What became of a report for a provider and a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// It counts now.
    Counted,
    /// It counted before; nothing changed.
    Duplicate,
    /// The source used the id before for another content, or for one of which less could be counted
    /// then; nothing changed.
    Conflict,
}

/// The most APIs that one report may have for a provider and day: with the longest names and amounts
/// they fill three quarters of an item, which has 400 KB.
pub const APIS_PER_DAY_MAX: usize = 2_000;

/// The attributes that are as they are in the record; the others are in the keys or packed.
#[derive(Serialize, Deserialize)]
struct Plain {
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    counted_at_s: Timestamp,
}

const COUNT: &str = "count a report";
const READ: &str = "read usage reports";

impl UsageTable {
    /// Counts what a report says of a provider and a day, once: one conditional put. The item may be
    /// deleted from `expires_at` on.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table fails; the report may or may not have been counted then, and
    /// counting it again is safe.
    pub async fn count(
        &self,
        provider: &ProviderId,
        report: &CountedReport,
        expires_at: Timestamp,
    ) -> Result<Counted, StoreError> {
        let mut writes = Writes::new(&self.table, COUNT);
        writes.put_new(report.to_item(provider, expires_at)?);
        match writes.write(&self.client).await? {
            Written::All => Ok(Counted::Counted),
            Written::ConditionFailed(mut found) => {
                let before = found.pop().flatten();
                let before = before
                    .ok_or_else(|| StoreError::corrupt(COUNT, "no report, yet the put failed"))?;
                let before = CountedReport::read(COUNT, &before)?;
                let same = before.digest == report.digest && before.covers(&report.metered);
                Ok(if same { Counted::Duplicate } else { Counted::Conflict })
            }
        }
    }

    /// Whether a report of some days of a provider conflicts with what the source sent before under the
    /// same id: one request for a hundred days.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table, or an item, cannot be read.
    pub async fn conflicts(
        &self,
        provider: &ProviderId,
        (source, report): (&SourceId, &ReportId),
        days: &[BillingDay],
        digest: &Digest,
    ) -> Result<bool, StoreError> {
        let key = |day: &BillingDay| {
            let sk = report_sk(*day, source, report);
            Item::from([(PK.to_owned(), string(provider.as_str())), (SK.to_owned(), string(sk))])
        };
        for item in self.items(READ, days.iter().map(key).collect()).await? {
            if CountedReport::read(READ, &item)?.digest != *digest {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What was counted of a provider on one day through another, and its registration, strongly
    /// consistent: one request unless the reports fill more than a megabyte. They are summed page by
    /// page, so that a month of many reports takes no more memory than its sums.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table, or an item, cannot be read, and when a sum is too large.
    pub async fn counted(
        &self,
        provider: &ProviderId,
        from: BillingDay,
        through: BillingDay,
    ) -> Result<CountedUsage, StoreError> {
        self.sum(provider, reports_of(from), |day| day <= through).await
    }

    /// All that was counted of a provider and is stored still, and its registration, summed likewise.
    ///
    /// # Errors
    ///
    /// As [`UsageTable::counted`].
    pub async fn all_counted(&self, provider: &ProviderId) -> Result<CountedUsage, StoreError> {
        self.sum(provider, DAY_PREFIX.to_owned(), |_| true).await
    }

    async fn sum(
        &self,
        provider: &ProviderId,
        from: String,
        is_wanted: impl Fn(BillingDay) -> bool,
    ) -> Result<CountedUsage, StoreError> {
        let mut counted = CountedUsage::default();
        let mut pages = pin!(self.pages(provider, from));
        while let Some(Page { reports, registration }) = pages.try_next().await? {
            counted.registration = counted.registration.or(registration);
            reports
                .into_iter()
                .filter(|report| is_wanted(report.day))
                .try_for_each(|report| counted.add(&report))
                .map_err(|error| StoreError::corrupt(READ, error))?;
        }
        Ok(counted)
    }

    /// The reports of a provider for one day through another, by day, source and id.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table, or an item, cannot be read.
    pub async fn reports(
        &self,
        provider: &ProviderId,
        from: BillingDay,
        through: BillingDay,
    ) -> Result<Vec<CountedReport>, StoreError> {
        let pages: Vec<Page> = self.pages(provider, reports_of(from)).try_collect().await?;
        let reports = pages.into_iter().flat_map(|page| page.reports);
        Ok(reports.filter(|report| report.day <= through).collect())
    }

    /// The reports from a sort key on, and the registration, which sorts right after them.
    fn pages(
        &self,
        provider: &ProviderId,
        from: String,
    ) -> impl Stream<Item = Result<Page, StoreError>> {
        let (pk, to) = (provider.to_string(), REGISTRATION.to_owned());
        let range = Range { table: &self.table, pk, from, to };
        stream::try_unfold(Some((range, None)), move |state| async move {
            let Some((range, after)) = state else { return Ok(None) };
            let found = range.page(&self.client, READ, after, None).await?;
            let next = found.next.map(|next| (range, Some(next)));
            Ok(Some((Page::of(found.items)?, next)))
        })
    }
}

impl CountedUsage {
    fn add(&mut self, report: &CountedReport) -> Result<(), UsageError> {
        let day = self.days.entry(report.day).or_default();
        for (api, metered) in report.metered.iter() {
            day.add(api.clone(), metered)?;
        }
        let last = self.counted_at.entry(report.day).or_insert(report.counted_at);
        *last = report.counted_at.max(*last);
        Ok(())
    }
}

/// Some reports, and the registration if it is among what was read.
#[derive(Default)]
struct Page {
    reports: Vec<CountedReport>,
    registration: Option<Registration>,
}

impl Page {
    fn of(items: Vec<Item>) -> Result<Page, StoreError> {
        let mut page = Page::default();
        for item in items {
            if text(READ, &item, SK)? == REGISTRATION {
                page.registration = Some(from_item(READ, item)?);
            } else {
                page.reports.push(CountedReport::read(READ, &item)?);
            }
        }
        Ok(page)
    }
}

impl CountedReport {
    /// Whether everything of `metered` counts by it. A record that was refused as lying in the future,
    /// and does not any more, does not.
    fn covers(&self, metered: &Usage) -> bool {
        metered.iter().all(|(api, metered)| self.metered.of(api).covers(metered))
    }

    fn to_item(&self, provider: &ProviderId, expires_at: Timestamp) -> Result<Item, StoreError> {
        let plain = Plain { counted_at_s: self.counted_at };
        let sk = report_sk(self.day, &self.source, &self.report);
        let mut item = to_item(COUNT, provider.to_string(), sk, &plain)?;
        let metered = packed::pack(&self.metered);
        let metered = metered.map_err(|error| StoreError::corrupt(COUNT, error))?;
        item.insert(DIGEST.to_owned(), AttributeValue::B(Blob::new(self.digest.as_slice())));
        item.insert(METERED.to_owned(), AttributeValue::B(Blob::new(metered)));
        item.insert(EXPIRES_AT_S.to_owned(), number(expires_at.as_second()));
        Ok(item)
    }

    /// Reads a report of either kind: what counts of a cumulative one is what its parts amount to.
    pub(crate) fn read(operation: &'static str, item: &Item) -> Result<CountedReport, StoreError> {
        check_format(operation, item)?;
        let corrupt = unreadable(operation, item);
        let sk = text(operation, item, SK)?;
        let parts = sk.strip_prefix(DAY_PREFIX).map(|key| key.splitn(3, '#').collect::<Vec<_>>());
        let Some([day, source, report]) = parts.as_deref() else {
            return Err(corrupt("its key is not that of a report".to_owned()));
        };
        let day = day.parse().map_err(|error: DayError| corrupt(error.to_string()))?;
        let source = source.parse().map_err(|error: IdError| corrupt(error.to_string()))?;
        let report = report.parse().map_err(|error: IdError| corrupt(error.to_string()))?;
        let digest = bytes(operation, item, DIGEST)?.try_into();
        let digest = digest.map_err(|_| corrupt(format!("`{DIGEST}` has not 32 bytes")))?;
        let metered = if item.contains_key(CUMULATIVE) {
            let parts = packed_parts::unpack(bytes(operation, item, CUMULATIVE)?);
            let parts = parts.map_err(|error| corrupt(error.to_string()))?;
            parts.usage().map_err(|error| corrupt(error.to_string()))?
        } else {
            packed::unpack(bytes(operation, item, METERED)?)
                .map_err(|error| corrupt(error.to_string()))?
        };
        let Plain { counted_at_s } = from_item(operation, item.clone())?;
        Ok(CountedReport { source, report, day, metered, digest, counted_at: counted_at_s })
    }
}
