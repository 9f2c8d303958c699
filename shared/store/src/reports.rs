//! Usage reports. A report is the usage: one item for each provider and billing day that it names
//! is the counts and the marker by which they are counted once.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure, Update};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use steelyard_billing::{
    IdError, ProviderId, ReportCount, ReportDigest, ReportId, SourceId, Withdrawal,
};
use steelyard_pricing::{BillingDay, DayError, Usage};

use crate::item::{
    Item, bytes, check_format, from_item, number, string, text, to_item, unreadable,
};
use crate::schema::{
    COMBINED, CUMULATIVE, DAY_PREFIX, DIGEST, EXPIRES_AT_S, METERED, PK, SK, VERSION, WITHDRAWALS,
    WITHDRAWN, combined_sk, report_sk,
};
use crate::usage::UsageTable;
use crate::writes::{Writes, Written};
use crate::{CombinedAt, StoreError, batch, combined, packed, packed_parts};

/// What a report says of one provider and one billing day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedReport {
    /// The machine that reported.
    pub source: SourceId,
    /// The id that it chose, unique for the source, the provider and the day.
    pub report: ReportId,
    /// The billing day on which its calls count.
    pub day: BillingDay,
    /// The calls and amounts of each API.
    pub metered: Usage,
    /// What is the same of all days that the report names for the provider: SHA-256 of the records
    /// about it and of their days, those that were refused included. Of a cumulative report,
    /// SHA-256 of how it counts.
    pub digest: ReportDigest,
    /// When it was taken in, to the second.
    pub counted_at: Timestamp,
    /// Its withdrawal; none as long as it counts.
    pub withdrawn: Option<Withdrawal>,
    /// Where it is stored together with others; none if it has an item of its own.
    pub combined_at: Option<CombinedAt>,
}

/// What became of a report for a provider and a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// This call stored it: it counts.
    Counted,
    /// An equal report is stored; nothing changed.
    Duplicate,
    /// It was withdrawn, and does not count; nothing changed.
    Withdrawn,
    /// The source used the id before for other content, or for content of which less could be
    /// counted then; nothing changed.
    Conflict,
}

/// The outcome of a withdrawal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Withdrawn {
    /// The report counts no more.
    Now,
    /// An earlier call withdrew it, by this person.
    Before(Withdrawal),
    /// There is no such report of the provider and the day.
    NoReport,
}

/// The attributes that are as they are in the record; the others are in the keys or packed.
#[derive(Serialize, Deserialize)]
struct Plain {
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    counted_at_s: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    withdrawn: Option<Withdrawal>,
}

const COUNT: &str = "count a report";
const COMPARE: &str = "compare usage reports";
const WITHDRAW: &str = "withdraw a report";

impl UsageTable {
    /// Counts what a report says of a provider and a day, once: one conditional put. The item may
    /// be deleted from `expires_at` on.
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
                Ok(before.again(&report.digest, &report.metered))
            }
        }
    }

    /// What a source reported of a provider under an id, for those of some days that it reported,
    /// as far as it has items of its own: one request for a hundred days.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table, or an item, cannot be read.
    pub async fn reports_alone(
        &self,
        provider: &ProviderId,
        (source, report): (&SourceId, &ReportId),
        days: &[BillingDay],
    ) -> Result<Vec<CountedReport>, StoreError> {
        let key = |day: &BillingDay| (provider.to_string(), report_sk(*day, source, report));
        let keys = days.iter().map(key).collect();
        let items = batch::items(&self.client, &self.table, COMPARE, keys).await?;
        items.iter().map(|item| CountedReport::read(COMPARE, item)).collect()
    }

    /// Withdraws a report: it counts no more, and its id cannot count again.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table fails.
    pub async fn withdraw(
        &self,
        provider: &ProviderId,
        report: &CountedReport,
        withdrawal: &Withdrawal,
    ) -> Result<Withdrawn, StoreError> {
        let value = serde_dynamo::to_attribute_value(withdrawal)
            .map_err(|error| StoreError::corrupt(WITHDRAW, error))?;
        let update = Update::builder()
            .table_name(&self.table)
            .key(PK, string(provider.as_str()))
            .key(SK, string(report.sk()))
            .expression_attribute_values(":withdrawn", value)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let update = match report.combined_at {
            None => update
                // A cumulative report is written over the version that was read.
                .update_expression("SET #withdrawn = :withdrawn ADD #version :one")
                .condition_expression("attribute_exists(pk) AND attribute_not_exists(#withdrawn)")
                .expression_attribute_names("#withdrawn", WITHDRAWN)
                .expression_attribute_names("#version", VERSION)
                .expression_attribute_values(":one", number(1)),
            Some(_) => update
                .update_expression("SET #withdrawals.#report = :withdrawn")
                .condition_expression(
                    "attribute_exists(pk) AND attribute_not_exists(#withdrawals.#report)",
                )
                .expression_attribute_names("#withdrawals", WITHDRAWALS)
                .expression_attribute_names("#report", report.report.as_str()),
        };
        let update = update.build().map_err(|error| StoreError::corrupt(WITHDRAW, error))?;
        let mut writes = Writes::new(&self.table, WITHDRAW);
        writes.update(update);
        match writes.write(&self.client).await? {
            Written::All => Ok(Withdrawn::Now),
            Written::ConditionFailed(mut found) => {
                let Some(item) = found.pop().flatten().filter(|item| !item.is_empty()) else {
                    return Ok(Withdrawn::NoReport);
                };
                let stored = CountedReport::read_all(WITHDRAW, &item)?;
                let same = stored.into_iter().find(|found| found.report == report.report);
                let before = same.and_then(|same| same.withdrawn);
                Ok(before.map_or(Withdrawn::NoReport, Withdrawn::Before))
            }
        }
    }
}

impl CountedReport {
    /// The answer to a report that is sent again under its id, with this digest and this usage of
    /// the day.
    #[must_use]
    pub fn again(&self, digest: &ReportDigest, metered: &Usage) -> Counted {
        match self.withdrawn {
            _ if self.digest != *digest || !self.covers(metered) => Counted::Conflict,
            Some(_) => Counted::Withdrawn,
            None => Counted::Duplicate,
        }
    }

    /// Whether everything of `metered` counts by it. A record that was refused as lying in the
    /// future, and no longer lies there, is not covered.
    fn covers(&self, metered: &Usage) -> bool {
        metered.iter().all(|(api, metered)| self.metered.of(api).covers(metered))
    }

    fn sk(&self) -> String {
        match self.combined_at {
            None => report_sk(self.day, &self.source, &self.report),
            Some(at) => combined_sk(self.day, &self.source, at),
        }
    }

    fn to_item(&self, provider: &ProviderId, expires_at: Timestamp) -> Result<Item, StoreError> {
        let plain = Plain { counted_at_s: self.counted_at, withdrawn: self.withdrawn.clone() };
        let sk = report_sk(self.day, &self.source, &self.report);
        let mut item = to_item(COUNT, provider.to_string(), sk, &plain)?;
        let metered = packed::pack(&self.metered);
        let metered = metered.map_err(|error| StoreError::corrupt(COUNT, error))?;
        item.insert(DIGEST.to_owned(), AttributeValue::B(Blob::new(self.digest.as_slice())));
        item.insert(METERED.to_owned(), AttributeValue::B(Blob::new(metered)));
        item.insert(EXPIRES_AT_S.to_owned(), number(expires_at.as_second()));
        Ok(item)
    }

    /// The count that it adds to its day.
    pub(crate) fn count(&self) -> ReportCount<'_> {
        let withdrawn_at = self.withdrawn.as_ref().map(|withdrawal| withdrawal.at_s);
        ReportCount {
            metered: &self.metered,
            is_withdrawn: self.withdrawn.is_some(),
            changed_at: withdrawn_at.unwrap_or(self.counted_at),
        }
    }

    /// Reads the reports of an item: the one that it is, or those that are stored together in it.
    pub(crate) fn read_all(
        operation: &'static str,
        item: &Item,
    ) -> Result<Vec<CountedReport>, StoreError> {
        if item.contains_key(COMBINED) {
            combined::read(operation, item)
        } else {
            Ok(vec![CountedReport::read(operation, item)?])
        }
    }

    /// Reads a report that has an item of its own: what counts of a cumulative one is what its
    /// parts amount to.
    pub(crate) fn read(operation: &'static str, item: &Item) -> Result<CountedReport, StoreError> {
        check_format(operation, item)?;
        let corrupt = unreadable(operation, item);
        let (day, source, report) = named(operation, item)?;
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
        let Plain { counted_at_s: counted_at, withdrawn } = from_item(operation, item.clone())?;
        let combined_at = None;
        Ok(CountedReport {
            source,
            report,
            day,
            metered,
            digest,
            counted_at,
            withdrawn,
            combined_at,
        })
    }
}

/// The day and the source that the key of an item names, and what follows them.
pub(crate) fn named<'a>(
    operation: &'static str,
    item: &'a Item,
) -> Result<(BillingDay, SourceId, &'a str), StoreError> {
    let corrupt = unreadable(operation, item);
    let parts = text(operation, item, SK)?.strip_prefix(DAY_PREFIX);
    let parts = parts.map(|key| key.splitn(3, '#').collect::<Vec<_>>());
    let Some([day, source, rest]) = parts.as_deref() else {
        return Err(corrupt("its key is not that of a report".to_owned()));
    };
    let day = day.parse().map_err(|error: DayError| corrupt(error.to_string()))?;
    let source = source.parse().map_err(|error: IdError| corrupt(error.to_string()))?;
    Ok((day, source, *rest))
}
