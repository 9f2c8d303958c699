//! Reading what was counted: new usage for settlement, days again, and reports one by one.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{AttributeValue, Update};
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use jiff::Timestamp;
use steelyard_billing::{DayCount, ProviderId, Registration};
use steelyard_pricing::{BillingDay, BillingMonth, DayError};

use crate::StoreError;
use crate::item::{Item, check_format, from_item, number, string, text, unreadable};
use crate::query::Range;
use crate::reports::CountedReport;
use crate::schema::{
    DAY_PREFIX, EXPIRES_AT_S, FORMAT, FORMAT_NAME, KEY_END, LATE_PREFIX, PK, REGISTRATION, SK,
    late_day, late_sk, reports_of,
};
use crate::unreadable::Unreadable;
use crate::usage::UsageTable;
use crate::writes::{Writes, Written};

/// The new usage of a provider, as one query found it.
#[derive(Clone, Debug, Default)]
pub struct NewUsage {
    /// The counted usage, by billing day.
    pub days: BTreeMap<BillingDay, DayCount>,
    /// How often usage of each day changed after the day was over. It is read before the reports,
    /// so that none of the changes is missing in what is counted.
    pub changes: BTreeMap<BillingDay, u64>,
    /// How the provider may be counted; none if it is not registered for counting.
    pub registration: Option<Registration>,
}

const READ: &str = "read usage reports";
const NOTE: &str = "note that usage of a day changed";

impl UsageTable {
    /// What is counted of a provider from one day through another, how often settled days changed,
    /// and its registration, strongly consistent: one request unless the reports fill more than a
    /// megabyte. Reports are summed page by page, so that many of them take no more memory than
    /// their sums.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table, or an item, cannot be read, and when a sum is more than can
    /// be rated.
    pub async fn new_usage(
        &self,
        provider: &ProviderId,
        from: BillingDay,
        through: BillingDay,
    ) -> Result<NewUsage, StoreError> {
        self.new_from(provider, reports_of(from), Some(through)).await
    }

    /// All that is counted of a provider and is stored still, likewise.
    ///
    /// # Errors
    ///
    /// As [`UsageTable::new_usage`].
    pub async fn all_counted(&self, provider: &ProviderId) -> Result<NewUsage, StoreError> {
        self.new_from(provider, DAY_PREFIX.to_owned(), None).await
    }

    async fn new_from(
        &self,
        provider: &ProviderId,
        from: String,
        through: Option<BillingDay>,
    ) -> Result<NewUsage, StoreError> {
        let pk = provider.to_string();
        let range = Range { table: &self.table, pk, from, to: REGISTRATION.to_owned() };
        let mut found = NewUsage::default();
        let mut pages = self.pages(range, Order::LastFirst);
        while let Some(items) = pages.try_next().await? {
            for item in items {
                found.add(item, through)?;
            }
        }
        Ok(found)
    }

    /// What is counted of a provider on some days, likewise.
    ///
    /// # Errors
    ///
    /// As [`UsageTable::new_usage`].
    pub async fn days(
        &self,
        provider: &ProviderId,
        from: BillingDay,
        through: BillingDay,
    ) -> Result<BTreeMap<BillingDay, DayCount>, StoreError> {
        let mut found = NewUsage::default();
        let mut reports = self.reports(provider, from, through);
        while let Some(report) = reports.try_next().await? {
            found.add_report(&report)?;
        }
        Ok(found.days)
    }

    /// The reports of a provider for one day through another, by day, source and id.
    pub fn reports(
        &self,
        provider: &ProviderId,
        from: BillingDay,
        through: BillingDay,
    ) -> BoxStream<'_, Result<CountedReport, StoreError>> {
        let (from, to) = (reports_of(from), format!("{}{KEY_END}", reports_of(through)));
        let range = Range { table: &self.table, pk: provider.to_string(), from, to };
        let read = |items: Vec<Item>| {
            let reports =
                items.into_iter().flat_map(|item| match CountedReport::read_all(READ, &item) {
                    Ok(reports) => reports.into_iter().map(Ok).collect(),
                    Err(error) => vec![Err(error)],
                });
            stream::iter(reports.collect::<Vec<_>>())
        };
        self.pages(range, Order::FirstFirst).map_ok(read).try_flatten().boxed()
    }

    fn pages<'a>(
        &'a self,
        range: Range<'a>,
        order: Order,
    ) -> BoxStream<'a, Result<Vec<Item>, StoreError>> {
        let pages = stream::try_unfold(Some((range, None)), move |state| async move {
            let Some((range, after)) = state else { return Ok(None) };
            let page = match order {
                Order::FirstFirst => range.page(&self.client, READ, after, None).await?,
                Order::LastFirst => range.page_back(&self.client, READ, after, None).await?,
            };
            let next = page.next.map(|next| (range, Some(next)));
            Ok(Some((page.items, next)))
        });
        pages.boxed()
    }

    /// The reports of a provider from one day on that cannot be read, and the notes of changed days
    /// likewise. Each stops the settlement of the provider.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn unreadable_reports(
        &self,
        provider: &ProviderId,
        from: BillingDay,
    ) -> Result<Vec<Unreadable>, StoreError> {
        let (from, to) = (reports_of(from), format!("{LATE_PREFIX}{KEY_END}"));
        let range = Range { table: &self.table, pk: provider.to_string(), from, to };
        let mut found = Vec::new();
        let mut pages = self.pages(range, Order::FirstFirst);
        while let Some(items) = pages.try_next().await? {
            let unreadable = |item: &Item| {
                let read = NewUsage::default().add(item.clone(), None);
                read.err().map(|error| Unreadable::new(item, &error))
            };
            found.extend(items.iter().filter_map(unreadable));
        }
        Ok(found)
    }

    /// Notes that usage of a day changed after the day was over, so that settlement reads the day
    /// again. Noted twice, it is read once for nothing. The note may be deleted from `expires_at`
    /// on.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be written.
    pub async fn note_change(
        &self,
        provider: &ProviderId,
        day: BillingDay,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let update = Update::builder()
            .table_name(&self.table)
            .key(PK, string(provider.as_str()))
            .key(SK, string(late_sk(day.month())))
            .update_expression("SET #format = :format, #expires = :expires ADD #day :one")
            .expression_attribute_names("#format", FORMAT_NAME)
            .expression_attribute_names("#expires", EXPIRES_AT_S)
            .expression_attribute_names("#day", late_day(day))
            .expression_attribute_values(":format", number(FORMAT))
            .expression_attribute_values(":expires", number(expires_at.as_second()))
            .expression_attribute_values(":one", number(1))
            .build()
            .map_err(|error| StoreError::corrupt(NOTE, error))?;
        let mut writes = Writes::new(&self.table, NOTE);
        writes.update(update);
        match writes.write(&self.client).await? {
            Written::All => Ok(()),
            Written::ConditionFailed(_) => Err(StoreError::corrupt(NOTE, "it has no condition")),
        }
    }
}

/// In which order the items of a partition are read.
#[derive(Clone, Copy)]
enum Order {
    FirstFirst,
    LastFirst,
}

impl NewUsage {
    fn add(&mut self, item: Item, through: Option<BillingDay>) -> Result<(), StoreError> {
        let sk = text(READ, &item, SK)?;
        if sk == REGISTRATION {
            self.registration = Some(from_item(READ, item)?);
        } else if sk.starts_with(LATE_PREFIX) {
            self.changes.extend(changes(&item)?);
        } else {
            for report in CountedReport::read_all(READ, &item)? {
                if through.is_none_or(|last| report.day <= last) {
                    self.add_report(&report)?;
                }
            }
        }
        Ok(())
    }

    fn add_report(&mut self, report: &CountedReport) -> Result<(), StoreError> {
        let added = self.days.entry(report.day).or_default().add(report.count());
        added.map_err(|error| StoreError::corrupt(READ, error))
    }
}

/// The changes of a month's days.
fn changes(item: &Item) -> Result<BTreeMap<BillingDay, u64>, StoreError> {
    check_format(READ, item)?;
    let corrupt = unreadable(READ, item);
    let month = text(READ, item, SK)?.strip_prefix(LATE_PREFIX).unwrap_or_default();
    let month: BillingMonth =
        month.parse().map_err(|error: DayError| corrupt(error.to_string()))?;
    let mut changes = BTreeMap::new();
    let mut day = month.first_day();
    while day.month() == month {
        match item.get(&late_day(day)) {
            None => {}
            Some(AttributeValue::N(times)) => {
                let times = times.parse().map_err(|_| corrupt(format!("{times} is no count")))?;
                changes.insert(day, times);
            }
            Some(_) => return Err(corrupt(format!("the changes of {day} are no number"))),
        }
        day = day.next();
    }
    Ok(changes)
}
