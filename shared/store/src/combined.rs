//! Reports of one record each, many in one item: those that a source sent together about the calls
//! of one minute. Each of them counts once by its id, as one with an item of its own does.
//!
//! An item costs a write unit for each kilobyte, so that some twenty such reports cost one unit in
//! place of twenty. An item is never written over, except to withdraw a report: what comes later
//! gets an item of its own in the next free place of the minute. Two writers who saw the same
//! reports want the same place, and one of them reads again.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use futures::stream::{self, StreamExt, TryStreamExt};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use steelyard_billing::{Minute, ProviderId, ReportId, SourceId, Withdrawal};
use steelyard_pricing::{BillingDay, Usage};

use crate::StoreError;
use crate::cumulative::{TRIES, wait};
use crate::item::{Item, bytes, check_format, from_item, number, to_item, unreadable};
use crate::packed::{self, Names, PackError};
use crate::query::Range;
use crate::reports::{Counted, CountedReport, named};
use crate::schema::{COMBINED, EXPIRES_AT_S, MINUTE_PREFIX, combined_of, combined_sk, minute_of};
use crate::usage::UsageTable;
use crate::writes::{Writes, Written};

/// The place of an item that has several reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CombinedAt {
    /// The minute of their calls.
    pub minute: Minute,
    /// Its place among the items of the minute, from 0.
    pub place: u32,
}

/// Which reports are stored together: those of a provider, a source and a minute.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OfMinute {
    /// The provider that they are about.
    pub provider: ProviderId,
    /// The billing day on which their calls count.
    pub day: BillingDay,
    /// The machine that reported.
    pub source: SourceId,
    /// The minute of their calls.
    pub minute: Minute,
}

/// The most reports of an item. Each may be withdrawn, with a reason of 500 characters and the name
/// of a caller, which stay in the item: some 3.5 kilobytes. A larger item would cost no less, since
/// an item costs by the kilobyte.
const REPORTS_MAX: usize = 100;

/// How many days are searched for a report at the same time.
const DAYS_AT_ONCE: usize = 2;

const COUNT: &str = "count reports that are stored together";
const FIND: &str = "find a report among those that are stored together";

/// The attributes that are as they are in the record; the others are in the keys or packed.
#[derive(Serialize, Deserialize)]
struct Plain {
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    counted_at_s: Timestamp,
    withdrawals: BTreeMap<ReportId, Withdrawal>,
}

#[derive(Serialize, Deserialize)]
struct Packed {
    /// The distinct usages, as [`packed::pack_all`] packs them.
    usages: Vec<u8>,
    reports: Vec<PackedReport>,
}

#[derive(Serialize, Deserialize)]
struct PackedReport {
    id: String,
    digest: [u8; 32],
    /// Its place among the usages.
    usage: u32,
}

impl UsageTable {
    /// Counts reports of one minute, each once by its id, and gives what became of each, in their
    /// order: one read, and one put for all that are new. The items may be deleted from
    /// `expires_at` on.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table fails. Some of the reports may have been counted then, and
    /// counting all of them again is safe.
    pub async fn count_combined(
        &self,
        of: &OfMinute,
        reports: &[CountedReport],
        expires_at: Timestamp,
    ) -> Result<Vec<Counted>, StoreError> {
        let mut counted = vec![false; reports.len()];
        for attempt in 0..TRIES {
            let stored = self.combined(of).await?;
            let (mut became, new) = sort(&stored, reports);
            let places = stored.iter().filter_map(|report| Some(report.combined_at?.place));
            let mut next = places.max().map_or(0, |place| place.saturating_add(1));
            let mut is_raced = false;
            for some in new.chunks(REPORTS_MAX) {
                let of_item = some.iter().map(|index| &reports[*index]);
                if !self.put(of, next, of_item, expires_at).await? {
                    is_raced = true;
                    break;
                }
                some.iter().for_each(|index| counted[*index] = true);
                next = next.saturating_add(1);
            }
            if !is_raced {
                let by_us = became.iter_mut().zip(counted).filter(|(_, is_counted)| *is_counted);
                by_us.for_each(|(became, _)| *became = Counted::Counted);
                return Ok(became);
            }
            wait(attempt).await;
        }
        Err(StoreError::Contended { operation: COUNT })
    }

    /// Puts an item, unless another has taken its place.
    async fn put(
        &self,
        of: &OfMinute,
        place: u32,
        reports: impl Iterator<Item = &CountedReport>,
        expires_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let at = CombinedAt { minute: of.minute, place };
        let mut writes = Writes::new(&self.table, COUNT);
        writes.put_new(to_combined_item(of, at, reports, expires_at)?);
        Ok(matches!(writes.write(&self.client).await?, Written::All))
    }

    /// The reports of a minute that are stored together, strongly consistent.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table, or an item, cannot be read.
    pub async fn combined(&self, of: &OfMinute) -> Result<Vec<CountedReport>, StoreError> {
        let prefix = minute_of(of.day, &of.source, of.minute);
        let range = Range::prefix(&self.table, of.provider.to_string(), &prefix);
        read_items(COUNT, &range.all(&self.client, COUNT).await?)
    }

    /// What a source reported of a provider under an id, for those of some days that it reported.
    /// All that is stored together of these days is read.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table, or an item, cannot be read.
    pub async fn reports_named(
        &self,
        provider: &ProviderId,
        (source, report): (&SourceId, &ReportId),
        days: &[BillingDay],
    ) -> Result<Vec<CountedReport>, StoreError> {
        let mut found = self.reports_alone(provider, (source, report), days).await?;
        let searching = days.iter().map(|day| self.search(provider, (source, report), *day));
        // Collected first: a future that borrows from an iterator would not be general enough.
        let searching = stream::iter(searching.collect::<Vec<_>>()).buffered(DAYS_AT_ONCE);
        let mut unreadable = None;
        for searched in searching.try_collect::<Vec<_>>().await? {
            found.extend(searched.found);
            unreadable = unreadable.or(searched.unreadable);
        }
        // One that was found is none of an item that cannot be read.
        unreadable.filter(|_| found.is_empty()).map_or(Ok(found), Err)
    }

    /// The reports of a day under an id that are stored with others, page by page.
    async fn search(
        &self,
        provider: &ProviderId,
        (source, report): (&SourceId, &ReportId),
        day: BillingDay,
    ) -> Result<Searched, StoreError> {
        let prefix = combined_of(day, source);
        let range = Range::prefix(&self.table, provider.to_string(), &prefix);
        let (mut searched, mut after) = (Searched::default(), None);
        loop {
            let page = range.page(&self.client, FIND, after, None).await?;
            for item in &page.items {
                match read_those(FIND, item, |id| id == report.as_str()) {
                    Ok(found) => searched.found.extend(found),
                    Err(error) => searched.unreadable = Some(error),
                }
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(searched),
            }
        }
    }
}

/// The reports of a name that a search found.
#[derive(Default)]
struct Searched {
    found: Vec<CountedReport>,
    /// Why an item cannot be read that may have it.
    unreadable: Option<StoreError>,
}

/// What becomes of reports beside those that are stored, and the places of those that are new.
/// Of two with one id the first is new.
fn sort(stored: &[CountedReport], reports: &[CountedReport]) -> (Vec<Counted>, Vec<usize>) {
    let mut known = stored.iter().map(|report| (&report.report, report)).collect::<HashMap<_, _>>();
    let mut new = Vec::new();
    let became =
        reports.iter().enumerate().map(|(index, report)| match known.get(&report.report) {
            Some(before) => before.again(&report.digest, &report.metered),
            None => {
                known.insert(&report.report, report);
                new.push(index);
                Counted::Counted
            }
        });
    (became.collect(), new)
}

fn to_combined_item<'a>(
    of: &OfMinute,
    at: CombinedAt,
    reports: impl Iterator<Item = &'a CountedReport>,
    expires_at: Timestamp,
) -> Result<Item, StoreError> {
    let corrupt = |error: PackError| StoreError::corrupt(COUNT, error);
    let reports = reports.collect::<Vec<_>>();
    let counted_at_s = reports.iter().map(|report| report.counted_at).max();
    let counted_at_s = counted_at_s.ok_or_else(|| StoreError::corrupt(COUNT, "no reports"))?;
    let plain = Plain { counted_at_s, withdrawals: BTreeMap::new() };
    let sk = combined_sk(of.day, &of.source, at);
    let mut item = to_item(COUNT, of.provider.to_string(), sk, &plain)?;
    let packed = pack(&reports).map_err(corrupt)?;
    item.insert(COMBINED.to_owned(), AttributeValue::B(Blob::new(packed)));
    item.insert(EXPIRES_AT_S.to_owned(), number(expires_at.as_second()));
    Ok(item)
}

fn pack(reports: &[&CountedReport]) -> Result<Vec<u8>, PackError> {
    let mut usages = Vec::<&Usage>::new();
    let mut packed = Vec::with_capacity(reports.len());
    for report in reports {
        let known = usages.iter().position(|usage| **usage == report.metered);
        let usage = known.unwrap_or_else(|| {
            usages.push(&report.metered);
            usages.len() - 1
        });
        let usage = u32::try_from(usage).map_err(|error| PackError::Content(error.to_string()))?;
        let id = report.report.to_string();
        packed.push(PackedReport { id, digest: report.digest, usage });
    }
    let usages = packed::pack_all(usages.into_iter())?;
    Ok(postcard::to_allocvec(&Packed { usages, reports: packed })?)
}

fn unpack(
    bytes: &[u8],
    is_wanted: impl Fn(&str) -> bool,
) -> Result<Vec<(ReportId, [u8; 32], Usage)>, PackError> {
    let (Packed { usages, reports }, rest) = postcard::take_from_bytes(bytes)?;
    if !rest.is_empty() {
        return Err(PackError::Content(format!("{} bytes after its end", rest.len())));
    }
    let usages = packed::unpack_all(&usages, &mut Names::default())?;
    let report = |PackedReport { id, digest, usage }| {
        let usage = usize::try_from(usage).ok().and_then(|usage| usages.get(usage)).cloned();
        let usage = usage.ok_or_else(|| PackError::Content(format!("no usage of `{id}`")))?;
        let id = id.parse().map_err(|_| PackError::Content(format!("the id `{id}`")))?;
        Ok((id, digest, usage))
    };
    reports.into_iter().filter(|report| is_wanted(&report.id)).map(report).collect()
}

fn read_items(operation: &'static str, items: &[Item]) -> Result<Vec<CountedReport>, StoreError> {
    let reports = items.iter().map(|item| read(operation, item));
    Ok(reports.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// The reports of an item that has several.
pub(crate) fn read(operation: &'static str, item: &Item) -> Result<Vec<CountedReport>, StoreError> {
    read_those(operation, item, |_| true)
}

/// Those of them that are wanted by their ids.
fn read_those(
    operation: &'static str,
    item: &Item,
    is_wanted: impl Fn(&str) -> bool,
) -> Result<Vec<CountedReport>, StoreError> {
    check_format(operation, item)?;
    let corrupt = unreadable(operation, item);
    let (day, source, rest) = named(operation, item)?;
    let combined_at = combined_at(rest);
    let combined_at = combined_at.ok_or_else(|| corrupt("its key names no minute".to_owned()))?;
    let reports = unpack(bytes(operation, item, COMBINED)?, &is_wanted);
    let reports = reports.map_err(|error| corrupt(error.to_string()))?;
    let Plain { counted_at_s, mut withdrawals } = from_item(operation, item.clone())?;
    let report = |(report, digest, metered)| CountedReport {
        source: source.clone(),
        day,
        metered,
        digest,
        counted_at: counted_at_s,
        withdrawn: withdrawals.remove(&report),
        combined_at: Some(combined_at),
        report,
    };
    let reports = reports.into_iter().map(report).collect();
    match withdrawals.keys().find(|id| is_wanted(id.as_str())) {
        None => Ok(reports),
        Some(id) => Err(corrupt(format!("it withdraws `{id}`, which it does not have"))),
    }
}

/// What the end of a key says, such as `~08:05#00000`.
fn combined_at(text: &str) -> Option<CombinedAt> {
    let (minute, place) = text.strip_prefix(MINUTE_PREFIX)?.split_once('#')?;
    Some(CombinedAt { minute: minute.parse().ok()?, place: place.parse().ok()? })
}
