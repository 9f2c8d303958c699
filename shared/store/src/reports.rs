//! Usage reports. A report is the usage: one item for each provider and billing day that it names is
//! the counts and the marker by which they are counted once.

use std::pin::pin;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use futures::stream::{self, Stream, TryStreamExt};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use steelyard_billing::{CountedDays, IdError, ProviderId, Registration, ReportId, SourceId};
use steelyard_pricing::{BillingDay, DayError, Usage};

use crate::StoreError;
use crate::item::{Item, check_format, from_item, number, text, to_item, unreadable};
use crate::packed;
use crate::query::Range;
use crate::schema::{
    DAY_PREFIX, DIGEST, EXPIRES_AT_S, METERED, REGISTRATION, SK, report_sk, reports_of,
};
use crate::usage::UsageTable;
use crate::writes::{Writes, Written};

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
    /// What is the same of all days that the report names for the provider.
    pub share: ShareMark,
    /// When it was taken in, to the second.
    pub counted_at: Timestamp,
}

/// Tells all that a report says of a provider from anything else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShareMark {
    /// SHA-256 of the records about the provider, those that were refused included.
    pub digest: [u8; 32],
    /// The billing days that they name.
    pub days: Vec<BillingDay>,
}

/// What was counted of a provider, and what binds ingest, as one read found them.
#[derive(Clone, Debug)]
pub struct CountedUsage {
    /// What was counted, by billing day.
    pub days: CountedDays,
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
    /// The billing days of the share, if there are others than this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    share_days: Vec<BillingDay>,
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
                let before =
                    CountedReport::read(COUNT, &found.pop().flatten().unwrap_or_default())?;
                let same = before.share == report.share && before.covers(&report.metered);
                Ok(if same { Counted::Duplicate } else { Counted::Conflict })
            }
        }
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
        let mut counted = CountedUsage { days: CountedDays::new(), registration: None };
        let mut pages = pin!(self.pages(provider, reports_of(from)));
        while let Some(Page { reports, registration }) = pages.try_next().await? {
            counted.registration = counted.registration.or(registration);
            for report in reports.into_iter().filter(|report| report.day <= through) {
                let day = counted.days.entry(report.day).or_default();
                for (api, metered) in report.metered.iter() {
                    let sum = day.add(api.clone(), metered);
                    sum.map_err(|error| StoreError::corrupt(READ, error))?;
                }
            }
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

    /// All reports of a provider that are stored, and its registration.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table, or an item, cannot be read.
    pub async fn all_reports(
        &self,
        provider: &ProviderId,
    ) -> Result<(Vec<CountedReport>, Option<Registration>), StoreError> {
        let pages: Vec<Page> = self.pages(provider, DAY_PREFIX.to_owned()).try_collect().await?;
        let registration = pages.iter().find_map(|page| page.registration);
        Ok((pages.into_iter().flat_map(|page| page.reports).collect(), registration))
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
        let ShareMark { digest, days } = &self.share;
        let share_days = if *days == [self.day] { Vec::new() } else { days.clone() };
        let plain = Plain { share_days, counted_at_s: self.counted_at };
        let sk = report_sk(self.day, &self.source, &self.report);
        let mut item = to_item(COUNT, provider.to_string(), sk, &plain)?;
        let metered = packed::pack(&self.metered);
        let metered = metered.map_err(|error| StoreError::corrupt(COUNT, error))?;
        item.insert(DIGEST.to_owned(), AttributeValue::B(Blob::new(digest.as_slice())));
        item.insert(METERED.to_owned(), AttributeValue::B(Blob::new(metered)));
        item.insert(EXPIRES_AT_S.to_owned(), number(expires_at.as_second()));
        Ok(item)
    }

    fn read(operation: &'static str, item: &Item) -> Result<CountedReport, StoreError> {
        check_format(operation, item)?;
        let corrupt = unreadable(operation, item);
        let key = text(operation, item, SK)?.strip_prefix(DAY_PREFIX).unwrap_or_default();
        let mut parts = key.splitn(3, '#');
        let mut part = || parts.next().unwrap_or_default();
        let day = part().parse().map_err(|error: DayError| corrupt(error.to_string()))?;
        let source = part().parse().map_err(|error: IdError| corrupt(error.to_string()))?;
        let report = part().parse().map_err(|error: IdError| corrupt(error.to_string()))?;
        let bytes = |name: &str| match item.get(name) {
            Some(AttributeValue::B(bytes)) => Ok(bytes.as_ref()),
            _ => Err(corrupt(format!("`{name}` is not binary"))),
        };
        let digest = bytes(DIGEST)?.try_into();
        let digest = digest.map_err(|_| corrupt(format!("`{DIGEST}` has not 32 bytes")))?;
        let metered =
            packed::unpack(bytes(METERED)?).map_err(|error| corrupt(error.to_string()))?;
        let Plain { share_days, counted_at_s } = from_item(operation, item.clone())?;
        let days = if share_days.is_empty() { vec![day] } else { share_days };
        let share = ShareMark { digest, days };
        Ok(CountedReport { source, report, day, metered, share, counted_at: counted_at_s })
    }
}
