//! Cumulative reports: an item that only grows. A write merges what is reported into what is
//! stored, so that sending it again, late or in another order changes nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use steelyard_billing::{
    APIS_PER_DAY_MAX, CumulativeUsage, PARTS_BYTES_MAX, ProviderId, ReportDigest, ReportId,
    SourceId, TooLarge,
};
use steelyard_pricing::{BillingDay, Metered, UsageError};

use crate::item::{Item, bytes, check_format, from_item, number, string, text, unreadable};
use crate::packed_parts;
use crate::reports::CountedReport;
use crate::schema::{
    COUNTED_AT_S, CUMULATIVE, DIGEST, EXPIRES_AT_S, PK, SK, VERSION, WITHDRAWN, report_sk,
};
use crate::usage::UsageTable;
use crate::writes::{Writes, Written};
use crate::{StoreError, batch};

/// What a cumulative report says of one provider and one billing day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CumulativeReport {
    /// The machine that reports.
    pub source: SourceId,
    /// The id that it chose, unique for the source, the provider and the day.
    pub report: ReportId,
    /// The billing day on which its calls count.
    pub day: BillingDay,
    /// How far each count has come.
    pub usage: CumulativeUsage,
    /// SHA-256 of how the source counts: counts of another basis are not compared.
    pub basis: ReportDigest,
    /// When it was taken in, to the second.
    pub counted_at: Timestamp,
}

/// What became of a cumulative report for a provider and a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Raised {
    /// So much is new by it, and counts now.
    Counted(Metered),
    /// It says nothing that is not counted already; no count changed.
    Duplicate,
    /// It says nothing that was not counted until the report was withdrawn; nothing changed.
    Withdrawn,
    /// The source used the id before for a report that is not cumulative, or that counts in another
    /// way, or the report was withdrawn and more is new; nothing changed.
    Conflict,
    /// With what is stored it is too large; nothing changed.
    TooLarge(TooLarge),
}

/// How often a merge is tried again because another was faster, waiting longer each time.
pub(crate) const TRIES: u32 = 20;

const RAISE: &str = "count a cumulative report";
const FIND: &str = "find what was reported cumulatively";

impl UsageTable {
    /// Counts what is new in a cumulative report: one conditional put where nothing is stored yet,
    /// and otherwise a second one of what both say. The item may be deleted from `expires_at` on.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table fails; the report may or may not have been counted then, and
    /// counting it again is safe.
    pub async fn raise(
        &self,
        provider: &ProviderId,
        report: &CumulativeReport,
        expires_at: Timestamp,
    ) -> Result<Raised, StoreError> {
        let mut before: Option<Stored> = None;
        for attempt in 0..TRIES {
            let merged = match Merged::of(before.take(), report)? {
                Ok(merged) => merged,
                Err(settled) => return Ok(settled),
            };
            let mut writes = Writes::new(&self.table, RAISE);
            let item = merged.to_item(provider, report, expires_at);
            match merged.version {
                0 => writes.put_new(item),
                version => writes.put_over(item, VERSION, number(version)),
            }
            match writes.write(&self.client).await? {
                Written::All if merged.gained.is_zero() && merged.version > 0 => {
                    return Ok(Raised::Duplicate);
                }
                Written::All => return Ok(Raised::Counted(merged.gained)),
                Written::ConditionFailed(mut found) => {
                    let found = found.pop().flatten().filter(|item| !item.is_empty());
                    before = found.map(Stored::read).transpose()?;
                }
            }
            wait(attempt).await;
        }
        Err(StoreError::Contended { operation: RAISE })
    }

    /// The answer of [`UsageTable::raise`] to a report of a month that is closed: none if anything
    /// of it would be new. One with too many APIs may be counted in reports that continue it.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table, or an item, cannot be read.
    pub async fn raised_before(
        &self,
        provider: &ProviderId,
        report: &CumulativeReport,
    ) -> Result<Option<Raised>, StoreError> {
        let sk = report_sk(report.day, &report.source, &report.report);
        let keys = vec![(provider.to_string(), sk)];
        let found = batch::items(&self.client, &self.table, FIND, keys).await?.pop();
        let Some(found) = found else { return Ok(None) };
        let settled = Merged::of(Some(Stored::read(found)?), report)?.err();
        let is_new = |settled: &Raised| matches!(settled, Raised::TooLarge(why) if *why != TooLarge::TooManyApis);
        Ok(settled.filter(|settled| !is_new(settled)))
    }

    /// What is stored of cumulative reports under one id, for those of some providers and days that
    /// have one: one request for a hundred.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table, or an item, cannot be read.
    pub async fn cumulative(
        &self,
        (source, report): (&SourceId, &ReportId),
        of: &[(ProviderId, BillingDay)],
    ) -> Result<BTreeMap<(ProviderId, BillingDay), CumulativeUsage>, StoreError> {
        let key = |(provider, day): &(ProviderId, BillingDay)| {
            (provider.to_string(), report_sk(*day, source, report))
        };
        let keys = of.iter().map(key).collect();
        let mut found = BTreeMap::new();
        for item in batch::items(&self.client, &self.table, FIND, keys).await? {
            let day = CountedReport::read(FIND, &item)?.day;
            let provider = text(FIND, &item, PK)?.parse();
            let provider = provider
                .map_err(|error: steelyard_billing::IdError| StoreError::corrupt(FIND, error))?;
            if let Some((usage, _)) = Stored::read(item)?.cumulative {
                found.insert((provider, day), usage);
            }
        }
        Ok(found)
    }
}

/// 1 ms, then twice as long each time, a quarter of a second at most.
pub(crate) async fn wait(attempt: u32) {
    // The first failure only says that there is something to merge with.
    if attempt > 0 {
        let pause = Duration::from_millis(1 << attempt.min(8));
        tokio::time::sleep(pause).await;
    }
}

/// A report as it is stored.
struct Stored {
    /// All attributes, those that this version does not know included.
    item: Item,
    /// None of a report that is not cumulative.
    cumulative: Option<(CumulativeUsage, u64)>,
    basis: Vec<u8>,
}

impl Stored {
    fn read(item: Item) -> Result<Stored, StoreError> {
        check_format(RAISE, &item)?;
        let basis = bytes(RAISE, &item, DIGEST)?.to_vec();
        let cumulative = if item.contains_key(CUMULATIVE) {
            let usage = packed_parts::unpack(bytes(RAISE, &item, CUMULATIVE)?);
            let usage = usage.map_err(|error| unreadable(RAISE, &item)(error.to_string()))?;
            let Version { version } = from_item(RAISE, item.clone())?;
            Some((usage, version))
        } else {
            None
        };
        Ok(Stored { item, cumulative, basis })
    }
}

#[derive(serde::Deserialize)]
struct Version {
    version: u64,
}

/// The merged report that is to be stored.
struct Merged {
    /// The attributes that are stored, those that this version does not know included.
    item: Item,
    /// How often the stored item was written; never if there is none.
    version: u64,
    parts: Vec<u8>,
    gained: Metered,
}

impl Merged {
    /// What is stored and what is reported together, or what becomes of the report without a write.
    fn of(
        before: Option<Stored>,
        report: &CumulativeReport,
    ) -> Result<Result<Merged, Raised>, StoreError> {
        let (item, known) = match before {
            None => (Item::new(), None),
            Some(Stored { item, cumulative, basis }) => match cumulative {
                Some(known) if basis == report.basis => (item, Some(known)),
                Some(_) | None => return Ok(Err(Raised::Conflict)),
            },
        };
        let is_new = known.is_none();
        let (known, version) = known.unwrap_or_default();
        let mut merged = known.clone();
        merged.merge(report.usage.clone());
        match (item.contains_key(WITHDRAWN), merged == known && !is_new) {
            (true, true) => return Ok(Err(Raised::Withdrawn)),
            (true, false) => return Ok(Err(Raised::Conflict)),
            (false, true) => return Ok(Err(Raised::Duplicate)),
            (false, false) => {}
        }
        let gained = match gained(&known, &merged) {
            Ok(gained) => gained,
            Err(error) => return Ok(Err(Raised::TooLarge(error.into()))),
        };
        let parts = packed_parts::pack(&merged);
        let parts = parts.map_err(|error| StoreError::corrupt(RAISE, error))?;
        if merged.apis() > APIS_PER_DAY_MAX {
            return Ok(Err(Raised::TooLarge(TooLarge::TooManyApis)));
        }
        if parts.len() > PARTS_BYTES_MAX {
            return Ok(Err(Raised::TooLarge(TooLarge::TooManyParts(parts.len()))));
        }
        Ok(Ok(Merged { item, version, parts, gained }))
    }

    fn to_item(
        &self,
        provider: &ProviderId,
        report: &CumulativeReport,
        expires_at: Timestamp,
    ) -> Item {
        let sk = report_sk(report.day, &report.source, &report.report);
        let binary = |bytes: &[u8]| AttributeValue::B(Blob::new(bytes));
        let mut item = self.item.clone();
        item.extend([
            (PK.to_owned(), string(provider.as_str())),
            (SK.to_owned(), string(sk)),
            (DIGEST.to_owned(), binary(&report.basis)),
            (CUMULATIVE.to_owned(), binary(&self.parts)),
            (VERSION.to_owned(), number(self.version.saturating_add(1))),
            (COUNTED_AT_S.to_owned(), number(report.counted_at.as_second())),
            (EXPIRES_AT_S.to_owned(), number(expires_at.as_second())),
        ]);
        item
    }
}

/// What counts now and did not before.
fn gained(before: &CumulativeUsage, after: &CumulativeUsage) -> Result<Metered, UsageError> {
    Ok(after.usage()?.total()?.above(before.usage()?.total()?))
}
