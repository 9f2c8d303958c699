//! The usage table: which providers may be counted, what was counted, and by which reports.

use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, Update};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use steelyard_billing::{CountedDays, MonthClose, ProviderId, Registration, ReportId, SourceId};
use steelyard_pricing::{Amount, ApiName, BillingDay, Calls, Metered, Usage};

use crate::StoreError;
use crate::item::{Item, from_item, number, string, text, to_item};
use crate::query::Range;
use crate::schema::{
    AMOUNT_PREFIX, API_PREFIX, EXPIRES_AT_S, PK, REGISTRATION, REPORT_PREFIX, SK, counter_day,
    counter_sk, report_sk,
};
use crate::unreadable::Unreadable;
use crate::writes::{Writes, Written};

/// The usage table.
#[derive(Clone, Debug)]
pub struct UsageTable {
    pub(crate) client: Client,
    pub(crate) table: String,
}

/// The registrations of some providers.
#[derive(Debug, Default)]
pub struct Registrations {
    /// Those that can be read.
    pub readable: BTreeMap<ProviderId, Registration>,
    /// Those that cannot be read.
    pub unreadable: Vec<Unreadable>,
}

/// What was counted of a provider, and what binds ingest, as one read found them.
#[derive(Clone, Debug)]
pub struct CountedUsage {
    /// What was counted, by billing day.
    pub days: CountedDays,
    /// How the provider may be counted; none if it is not registered for counting.
    pub registration: Option<Registration>,
}

/// What one report says of one provider: what is counted in one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportShare {
    /// The machine that reports.
    pub source: SourceId,
    /// The id that it chose.
    pub report: ReportId,
    /// Whose calls.
    pub provider: ProviderId,
    /// Tells one content from another: SHA-256, in hexadecimal, of all that the report says of the
    /// provider, refused records included.
    pub digest: String,
    /// What was metered, by billing day.
    pub days: CountedDays,
    /// When the report was taken in.
    pub counted_at: Timestamp,
    /// When the marker and the counters may be forgotten: long after the last of the days' months
    /// can still change.
    pub expires_at: Timestamp,
}

/// A report that was counted, as its marker keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountedReport {
    /// The machine that reported.
    pub source: SourceId,
    /// The id that it chose.
    pub report: ReportId,
    /// Tells one content from another.
    pub digest: String,
    /// What was metered, by billing day.
    pub counted: CountedDays,
    /// When it was taken in, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub counted_at_s: Timestamp,
}

/// What became of a share of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// It is in the counters now.
    Counted,
    /// It was in the counters before; nothing changed.
    Duplicate,
    /// The source used the id before for another content, or for one of which less could be counted
    /// then; nothing changed.
    Conflict,
}

/// The most terms that one report may have for a provider and day: each is one of an update
/// expression, which has 4 KB.
pub const TERMS_PER_DAY_MAX: usize = 300;

/// The most terms, summed over days, that one report may have for a provider: its marker keeps them
/// all, and an item has 400 KB.
pub const TERMS_PER_SHARE_MAX: usize = 2_000;

/// How many terms an API has in an update: one for its calls, and one for their amount if they have
/// any.
#[must_use]
pub fn terms(metered: Metered) -> usize {
    usize::from(!metered.calls.is_zero()) + usize::from(metered.amount != Amount::ZERO)
}

const REGISTER: &str = "register a provider for counting";
const FIND: &str = "find whether providers are registered";
const COUNT: &str = "count a report";
const READ_COUNTERS: &str = "read the counters";
const READ_REPORTS: &str = "read the counted reports";
const CLOSE: &str = "close the months of a provider";

impl UsageTable {
    /// The table of that name.
    #[must_use]
    pub fn new(client: Client, table: String) -> UsageTable {
        UsageTable { client, table }
    }

    /// The registrations of providers. One that is absent is not registered; one that cannot be read
    /// fails alone.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn registrations(
        &self,
        providers: &[ProviderId],
    ) -> Result<Registrations, StoreError> {
        let mut found = Registrations::default();
        for hundred in providers.chunks(100) {
            let mut keys = hundred.iter().map(registration_key).collect::<Vec<_>>();
            while !keys.is_empty() {
                let (items, unread) = self.batch_get(keys).await?;
                for item in items {
                    let provider = text(FIND, &item, PK)?.parse().map_err(
                        |error: steelyard_billing::IdError| StoreError::corrupt(FIND, error),
                    )?;
                    match from_item(FIND, item.clone()) {
                        Ok(registration) => {
                            found.readable.insert(provider, registration);
                        }
                        Err(error) => found.unreadable.push(Unreadable::new(&item, &error)),
                    }
                }
                keys = unread;
            }
        }
        Ok(found)
    }

    async fn batch_get(&self, keys: Vec<Item>) -> Result<(Vec<Item>, Vec<Item>), StoreError> {
        let wanted =
            KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
        let answer = self
            .client
            .batch_get_item()
            .request_items(&self.table, wanted.map_err(|error| StoreError::corrupt(FIND, error))?)
            .send()
            .await
            .map_err(|error| StoreError::aws(FIND, error))?;
        let items = answer.responses.unwrap_or_default().remove(&self.table).unwrap_or_default();
        let unread = answer
            .unprocessed_keys
            .unwrap_or_default()
            .remove(&self.table)
            .map(|unread| unread.keys)
            .unwrap_or_default();
        Ok((items, unread))
    }

    /// The write that registers a provider for counting, part of the transaction that makes it.
    pub(crate) fn registering(
        &self,
        provider: &ProviderId,
        registration: Registration,
    ) -> Result<Writes, StoreError> {
        let mut writes = Writes::new(&self.table, REGISTER);
        let pk = provider.to_string();
        writes.put_new(to_item(REGISTER, pk, REGISTRATION.to_owned(), &registration)?);
        Ok(writes)
    }

    /// Closes months of a provider: from now on ingest refuses their usage. Closing them again, or
    /// earlier ones, changes nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be written.
    pub async fn close(&self, provider: &ProviderId, close: MonthClose) -> Result<(), StoreError> {
        let closed = serde_dynamo::to_attribute_value(close)
            .map_err(|error| StoreError::corrupt(CLOSE, error))?;
        let update = Update::builder()
            .table_name(&self.table)
            .key(PK, string(provider.as_str()))
            .key(SK, string(REGISTRATION))
            .update_expression("SET #closed = :closed")
            .condition_expression(
                "attribute_exists(pk) AND (attribute_not_exists(#closed) OR #closed.#through < :through)",
            )
            .expression_attribute_names("#closed", "closed")
            .expression_attribute_names("#through", "through")
            .expression_attribute_values(":closed", closed)
            .expression_attribute_values(":through", string(close.through.to_string()))
            .build()
            .map_err(|error| StoreError::corrupt(CLOSE, error))?;
        let mut writes = Writes::new(&self.table, CLOSE);
        writes.update(update);
        match writes.write(&self.client).await? {
            Written::All | Written::ConditionFailed(_) => Ok(()),
        }
    }

    /// Counts what a report says of a provider, in one transaction with the marker by which it is
    /// counted once.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table fails; the share may or may not have been counted then, and
    /// counting it again is safe.
    pub async fn count(
        &self,
        share: &ReportShare,
        registration: Registration,
    ) -> Result<Counted, StoreError> {
        let mut writes = Writes::new(&self.table, COUNT);
        writes.put_new(marker(share)?);
        for (day, usage) in &share.days {
            writes.update(self.adding(share, *day, usage, registration)?);
        }
        match writes.write(&self.client).await? {
            Written::All => Ok(Counted::Counted),
            Written::ConditionFailed(mut items) => {
                let marker = items.first_mut().and_then(Option::take);
                let marker =
                    marker.ok_or_else(|| StoreError::corrupt(COUNT, "no marker, yet it failed"))?;
                let before: CountedReport = from_item(COUNT, marker)?;
                let same = before.digest == share.digest && before.holds(share);
                Ok(if same { Counted::Duplicate } else { Counted::Conflict })
            }
        }
    }

    /// One update that adds all that was metered on a day. It has no condition of its own: the
    /// marker's condition holds for the whole transaction.
    fn adding(
        &self,
        share: &ReportShare,
        day: BillingDay,
        usage: &Usage,
        registration: Registration,
    ) -> Result<Update, StoreError> {
        let mut names = HashMap::from([("#e".to_owned(), EXPIRES_AT_S.to_owned())]);
        let mut values = HashMap::from([(":e".to_owned(), number(share.expires_at.as_second()))]);
        let mut terms = Vec::new();
        for (index, (name, more)) in usage.iter().flat_map(attributes).enumerate() {
            names.insert(format!("#{index}"), name);
            values.insert(format!(":{index}"), more);
            terms.push(format!("#{index} :{index}"));
        }
        let sk = counter_sk(day, &share.source, registration.counter_shards);
        Update::builder()
            .table_name(&self.table)
            .key(PK, string(share.provider.as_str()))
            .key(SK, string(sk))
            .update_expression(format!("SET #e = :e ADD {}", terms.join(",")))
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values))
            .build()
            .map_err(|error| StoreError::corrupt(COUNT, error))
    }

    /// What was counted from one day through another, and the provider's registration, strongly
    /// consistent: one request unless they fill more than a megabyte.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn counted(
        &self,
        provider: &ProviderId,
        from: BillingDay,
        through: BillingDay,
    ) -> Result<CountedUsage, StoreError> {
        // The registration sorts right after the counters.
        let range = Range {
            table: &self.table,
            pk: provider.to_string(),
            from: counter_day(from),
            to: REGISTRATION.to_owned(),
        };
        let mut counted = CountedUsage { days: CountedDays::new(), registration: None };
        for item in range.all(&self.client, READ_COUNTERS).await? {
            if text(READ_COUNTERS, &item, SK)? == REGISTRATION {
                counted.registration = Some(from_item(READ_COUNTERS, item)?);
                continue;
            }
            let day = counter_of(&item)?;
            if day <= through {
                add_counter(counted.days.entry(day).or_default(), &item)?;
            }
        }
        Ok(counted)
    }

    /// The reports that were counted for a provider.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn reports(&self, provider: &ProviderId) -> Result<Vec<CountedReport>, StoreError> {
        let range = Range::prefix(&self.table, provider.to_string(), REPORT_PREFIX);
        let items = range.all(&self.client, READ_REPORTS).await?;
        items.into_iter().map(|item| from_item(READ_REPORTS, item)).collect()
    }
}

fn marker(share: &ReportShare) -> Result<Item, StoreError> {
    let report = CountedReport {
        source: share.source.clone(),
        report: share.report.clone(),
        digest: share.digest.clone(),
        counted: share.days.clone(),
        counted_at_s: share.counted_at,
    };
    let sk = report_sk(&share.source, &share.report);
    let mut item = to_item(COUNT, share.provider.to_string(), sk, &report)?;
    item.insert(EXPIRES_AT_S.to_owned(), number(share.expires_at.as_second()));
    Ok(item)
}

impl CountedReport {
    /// Whether everything is in the counters that would be counted now. A record that was refused as
    /// lying in the future, and does not any more, is not.
    fn holds(&self, share: &ReportShare) -> bool {
        share.days.iter().all(|(day, usage)| {
            let counted = self.counted.get(day);
            let holds = |(api, metered)| counted.is_some_and(|usage| usage.of(api).covers(metered));
            usage.iter().all(holds)
        })
    }
}

fn registration_key(provider: &ProviderId) -> Item {
    HashMap::from([
        (PK.to_owned(), string(provider.as_str())),
        (SK.to_owned(), string(REGISTRATION)),
    ])
}

/// The day of a counter: `counter#2015-05-17#00`.
fn counter_of(item: &Item) -> Result<BillingDay, StoreError> {
    let sk = text(READ_COUNTERS, item, SK)?;
    let day = sk.split('#').nth(1).unwrap_or(sk);
    day.parse()
        .map_err(|error: steelyard_pricing::DayError| StoreError::corrupt(READ_COUNTERS, error))
}

/// What an API adds to a counter, by the names of the attributes: a number for each of its terms.
fn attributes(
    (api, metered): (&ApiName, Metered),
) -> impl Iterator<Item = (String, AttributeValue)> {
    let Metered { calls, amount } = metered;
    let calls = (!calls.is_zero()).then(|| (format!("{API_PREFIX}{api}"), number(calls)));
    let amount =
        (amount != Amount::ZERO).then(|| (format!("{AMOUNT_PREFIX}{api}"), number(amount)));
    calls.into_iter().chain(amount)
}

fn add_counter(usage: &mut Usage, item: &Item) -> Result<(), StoreError> {
    for (name, value) in item {
        let (api, metered) = if let Some(api) = name.strip_prefix(API_PREFIX) {
            (api, exact(value).map(Metered::calls))
        } else if let Some(api) = name.strip_prefix(AMOUNT_PREFIX) {
            (api, exact(value).map(|amount| Metered { calls: Calls::ZERO, amount }))
        } else {
            continue;
        };
        let (Ok(api), Some(metered)) = (api.parse(), metered) else {
            return Err(StoreError::corrupt(READ_COUNTERS, format!("`{name}` is not a count")));
        };
        usage.add(api, metered).map_err(|error| StoreError::corrupt(READ_COUNTERS, error))?;
    }
    Ok(())
}

/// A number as DynamoDB gives it: as a text, so that no digit is lost.
fn exact<T: FromStr>(value: &AttributeValue) -> Option<T> {
    value.as_n().ok()?.parse().ok()
}
