//! The ingest function: counts usage reports, each once, and withdraws those that were wrong.
//!
//! Three ways in: an HTTP API, a queue, and a direct invoke with the report as the event. The API
//! takes reports, CloudEvents, and the logs of gateways.

mod http;

pub use http::{LOGS_PATH, POST_BYTES_MAX, USAGE_PATH, VOID_PATH};

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::join_all;
use futures::stream::{self, StreamExt};
use serde_json::Value;
use steelyard_billing::{Allowance, Caller, SourceId};
use steelyard_metering::{Counter, Counting, StoredRules, Voider};
use steelyard_report::UsageReport;
use steelyard_runtime::{
    Clock, Environment, Error, Function, Guard, Invocation, Message, NotAdmitted, aws, chain,
    each_group, is_batch,
};
use steelyard_store::{BillingTable, StoreError, UsageTable};

/// The ingest function: it counts usage reports, events and posted logs.
#[derive(Clone, Debug)]
pub struct Ingest {
    counter: Counter,
    voider: Voider,
    guard: Guard,
    rules: StoredRules,
}

/// Why a report could not be counted, or not all of it.
#[derive(Debug, thiserror::Error)]
enum CountError {
    /// Its sender may not report as the source.
    #[error(transparent)]
    NotAdmitted(#[from] NotAdmitted),
    /// The table failed. Some of the report may have been counted then.
    #[error(transparent)]
    Store(#[from] Arc<StoreError>),
}

/// How many sources of a batch are counted at the same time.
const SOURCES_AT_ONCE: usize = 4;

impl Ingest {
    /// The function that counts by `counter`, and withdraws what that counted. It reads logs by the
    /// rules that are stored in `billing`.
    #[must_use]
    pub fn new(counter: Counter, billing: BillingTable) -> Ingest {
        let (voider, guard) = (counter.voider(), counter.guard());
        Ingest { counter, voider, guard, rules: StoredRules::new(billing) }
    }

    /// The function as its environment variables describe it.
    ///
    /// # Errors
    ///
    /// When a variable is missing or makes no sense; named, or AWS can't be reached at all.
    pub fn from_environment(environment: &Environment) -> Result<Ingest, Error> {
        let table = environment.required("USAGE_TABLE")?;
        let billing = environment.required("BILLING_TABLE")?;
        let calendar = environment.calendar()?;
        let client = aws::dynamodb(&aws::in_lambda(environment)?);
        let billing = BillingTable::new(client.clone(), billing);
        let usage = UsageTable::new(client, table);
        Ok(Ingest::new(Counter::new(usage, calendar, Clock::system()), billing))
    }

    /// Counts messages of one sender and one source which are stored together, or a single message.
    async fn messages(&self, messages: Vec<Arc<Queued>>) -> Vec<Result<(), Error>> {
        let Some(Queued { sender, .. }) = messages.first().map(|first| &**first) else {
            return Vec::new();
        };
        let reports = messages.iter().map(|message| message.report.as_ref());
        let reports = match reports.collect::<Result<Vec<_>, &String>>() {
            Ok(reports) => reports,
            // Only a message that is alone may be unreadable.
            Err(why) => return messages.iter().map(|_| Err(why.clone().into())).collect(),
        };
        let counted = self.count_all(&reports, sender).await;
        let ending = reports.iter().zip(counted).map(|(report, counted)| self.end(report, counted));
        join_all(ending).await
    }

    /// A message has nobody to answer to: whatever was not counted makes it fail, so that it ends
    /// in the dead-letter queue and not in silence. What was counted stays so.
    async fn end(
        &self,
        report: &UsageReport,
        counting: Result<Counting, CountError>,
    ) -> Result<(), Error> {
        let counting = counting?;
        if counting.is_complete() {
            return Ok(());
        }
        if !counting.is_forbidden {
            self.counter.note_refused(report, &counting).await?;
        }
        Err(format!(
            "report {} of {}: not all was counted: {}",
            report.id,
            report.source,
            serde_json::json!(counting)
        )
        .into())
    }

    /// The event of a direct invocation does not name its caller.
    async fn direct(&self, event: Value) -> Result<Value, Error> {
        let report = UsageReport::read(event.to_string().as_bytes())?;
        Ok(serde_json::to_value(self.count(&report, &Caller::default()).await?)?)
    }

    /// Counts what a caller may report.
    async fn count(&self, report: &UsageReport, caller: &Caller) -> Result<Counting, CountError> {
        let counted = self.count_all(&[report], caller).await.pop();
        counted.expect("each report has an outcome")
    }

    /// Counts what a caller may report of some reports, and gives the outcome of each, in their
    /// order.
    async fn count_all(
        &self,
        reports: &[&UsageReport],
        caller: &Caller,
    ) -> Vec<Result<Counting, CountError>> {
        let mut of_sources = BTreeMap::<&SourceId, (Allowance, Vec<usize>)>::new();
        let mut outcomes = BTreeMap::new();
        for (index, report) in reports.iter().copied().enumerate() {
            if let Some((_, of_source)) = of_sources.get_mut(&report.source) {
                of_source.push(index);
                continue;
            }
            match self.guard.reporting(caller, &report.source).await {
                Ok(allowance) => drop(of_sources.insert(&report.source, (allowance, vec![index]))),
                Err(error) => drop(outcomes.insert(index, Err(error.into()))),
            }
        }
        let counting = of_sources.into_iter().map(|(source, (allowance, indices))| async move {
            let of_source = indices.iter().map(|index| reports[*index]).collect::<Vec<_>>();
            let counted = self.counter.count_all(&of_source, &allowance).await;
            let good = counted.iter().flatten();
            let refused = good.map(|counting| counting.refused.len()).sum::<usize>();
            let (count, first) = (indices.len(), of_source.first().map(|report| &report.id));
            let first = first.map(tracing::field::display);
            tracing::info!(
                %caller, source.id = %source, report.id = first, reports = count, refused,
                "reports came"
            );
            indices.into_iter().zip(counted)
        });
        let counting = stream::iter(counting.collect::<Vec<_>>()).buffer_unordered(SOURCES_AT_ONCE);
        for of_source in counting.collect::<Vec<_>>().await {
            outcomes.extend(of_source.map(|(index, counted)| (index, counted.map_err(Into::into))));
        }
        outcomes.into_values().collect()
    }
}

/// A message of the queue, as it was read.
struct Queued {
    /// The report, or the fault of the message.
    report: Result<UsageReport, String>,
    sender: Caller,
}

impl Queued {
    fn read(message: Message) -> Queued {
        let report = steelyard_report::of_message(message.body.as_bytes());
        Queued { report: report.map_err(|error| chain(&error)), sender: message.sender }
    }

    /// Those with which it is stored together, if it is: they have one sender and one source.
    fn group(&self) -> Option<(Caller, SourceId)> {
        let report = self.report.as_ref().ok().filter(|report| report.combined.is_some())?;
        Some((self.sender.clone(), report.source.clone()))
    }
}

impl Function for Ingest {
    async fn handle(&self, event: Value, _: Invocation) -> Result<Value, Error> {
        if is_batch(&event) {
            let count = |messages| self.messages(messages);
            return each_group(event, Queued::read, Queued::group, count).await;
        }
        if event["requestContext"]["http"].is_object() {
            let answer = self.answer(serde_json::from_value(event)?).await;
            return Ok(serde_json::to_value(answer)?);
        }
        self.direct(event).await
    }
}
