//! The ingest function: counts usage reports, each once, and withdraws those that were wrong.
//!
//! Three ways in: an HTTP API, a queue, and a direct invoke with the report as the event. The API
//! takes reports, CloudEvents, and the logs of gateways.

mod http;

pub use http::{LOGS_PATH, POST_BYTES_MAX, USAGE_PATH, VOID_PATH};

use serde_json::Value;
use steelyard_billing::Caller;
use steelyard_metering::{Counter, Counting, StoredRules, Voider};
use steelyard_report::UsageReport;
use steelyard_runtime::{
    Clock, Environment, Error, Function, Guard, Invocation, Message, NotAdmitted, aws,
    each_message, is_batch,
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
    Store(#[from] StoreError),
}

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

    /// A message has nobody to answer to: whatever was not counted makes it fail, so that it ends
    /// in the dead-letter queue and not in silence. What was counted stays so.
    async fn message(&self, message: Message) -> Result<(), Error> {
        let report = steelyard_report::of_message(message.body.as_bytes())?;
        let counting = self.count(&report, &message.sender).await?;
        if counting.is_complete() {
            return Ok(());
        }
        if !counting.is_forbidden {
            self.counter.note_refused(&report, &counting).await?;
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
        let UsageReport { source, id, .. } = report;
        let allowance = self.guard.reporting(caller, source).await?;
        let counting = self.counter.count_allowed(report, &allowance).await?;
        let refused = counting.refused.len();
        tracing::info!(%caller, source.id = %source, report.id = %id, refused, "a report came");
        Ok(counting)
    }
}

impl Function for Ingest {
    async fn handle(&self, event: Value, _: Invocation) -> Result<Value, Error> {
        if is_batch(&event) {
            return each_message(event, |body| self.message(body)).await;
        }
        if event["requestContext"]["http"].is_object() {
            let answer = self.answer(serde_json::from_value(event)?).await;
            return Ok(serde_json::to_value(answer)?);
        }
        self.direct(event).await
    }
}
