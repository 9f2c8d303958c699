//! The watch function: evaluates the alerts of providers whose usage was just counted.
//!
//! The stream of the usage table invokes it with the keys of what was written in the last minutes.
//! It evaluates each provider of a batch once, however many reports it sent. The night evaluates
//! all providers anyway: what fails here is only noticed later.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::{FutureExt, StreamExt, stream};
use serde::Deserialize;
use serde_json::{Value, json};
use steelyard_billing::{Alert, Crossing, ProviderId};
use steelyard_books::{Books, RunTerms, SettleError, Settler};
use steelyard_runtime::{Clock, Environment, Error, Function, Invocation, aws};
use steelyard_store::{BillingTable, StoreError, UsageTable};

/// How many providers are evaluated at a time.
const AT_ONCE: usize = 8;

/// No provider is begun when less is left of an invocation: the rest of the batch comes again.
const TIME_TO_END: Duration = Duration::from_secs(20);

/// The watch function: it evaluates alerts of providers with new usage.
#[derive(Clone, Debug)]
pub struct Watch {
    settler: Settler,
    clock: Clock,
}

/// What the stream of a table reports: the keys of items, in the order in which they were written.
#[derive(Debug, Deserialize)]
struct StreamEvent {
    #[serde(rename = "Records")]
    records: Vec<StreamRecord>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StreamRecord {
    /// `INSERT`, `MODIFY` or `REMOVE`.
    event_name: String,
    dynamodb: Change,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Change {
    keys: Keys,
    sequence_number: String,
}

#[derive(Debug, Deserialize)]
struct Keys {
    pk: Key,
    sk: Key,
}

#[derive(Debug, Deserialize)]
struct Key {
    #[serde(rename = "S")]
    text: String,
}

/// A provider to evaluate, and the first record of the batch that is about it.
struct Reported {
    provider: ProviderId,
    sequence_number: String,
}

impl Watch {
    /// The function over the tables.
    #[must_use]
    pub fn new(settler: Settler, clock: Clock) -> Watch {
        Watch { settler, clock }
    }

    /// The function as its environment variables describe it.
    ///
    /// # Errors
    ///
    /// When a variable is missing or makes no sense; named.
    pub fn from_environment(environment: &Environment) -> Result<Watch, Error> {
        let rules = environment.debit_rules()?;
        let client = aws::dynamodb(&aws::in_lambda(environment)?);
        let billing = BillingTable::new(client.clone(), environment.required("BILLING_TABLE")?);
        let usage = UsageTable::new(client, environment.required("USAGE_TABLE")?);
        let settler = Settler { books: Books::new(billing, rules), usage };
        Ok(Watch::new(settler, Clock::system()))
    }

    /// Evaluates providers; gives the first record from which the batch has to come again, if one
    /// has.
    async fn evaluate(
        &self,
        reported: Vec<Reported>,
        invocation: Invocation,
    ) -> Result<Option<String>, Error> {
        let terms = &self.settler.terms(self.clock.now()).await?;
        let evaluated =
            stream::iter(reported).map(|Reported { provider, sequence_number }| async move {
                if invocation.time_left() < TIME_TO_END {
                    return Some(sequence_number);
                }
                let news = self.bounded(terms, &provider).await;
                let comes_again = report(&provider, news);
                comes_again.then_some(sequence_number)
            });
        // In the order of the batch, so that the first is the one from which it comes again.
        let failed = evaluated.buffered(AT_ONCE).filter_map(std::future::ready);
        Ok(failed.collect::<Vec<_>>().await.into_iter().next())
    }
}

impl Watch {
    /// Evaluates a provider so that it holds up no other: one that is slow, or panics, fails alone.
    async fn bounded(
        &self,
        terms: &RunTerms,
        provider: &ProviderId,
    ) -> Result<Vec<Crossing>, SettleError> {
        // Boxed, since the compiler computes no layout of futures that are nested so deeply.
        let watching = AssertUnwindSafe(self.settler.watch(terms, provider).boxed()).catch_unwind();
        match tokio::time::timeout(terms.provider_timeout, watching).await {
            Ok(Ok(news)) => news,
            Ok(Err(_)) => Err(SettleError::Panicked(provider.clone())),
            Err(_) => Err(SettleError::Slow(provider.clone())),
        }
    }
}

/// The providers of a batch, each once, in the order in which they come first. What expires was not
/// used.
fn reported(records: Vec<StreamRecord>) -> Vec<Reported> {
    let mut reported = Vec::<Reported>::new();
    let mut known = std::collections::BTreeSet::new();
    for StreamRecord { event_name, dynamodb: Change { keys, sequence_number } } in records {
        let of = UsageTable::provider_of_report(&keys.pk.text, &keys.sk.text);
        let Some(provider) = of.filter(|_| event_name != "REMOVE") else { continue };
        if known.insert(provider.to_string()) {
            reported.push(Reported { provider, sequence_number });
        }
    }
    reported
}

/// Logs what an evaluation changed, or why it failed; whether it may succeed when it is repeated.
fn report(provider: &ProviderId, news: Result<Vec<Crossing>, SettleError>) -> bool {
    let error = match news {
        Ok(news) => {
            for crossing in &news {
                let (is_triggered, Alert { kind, line, figure, .. }) = match crossing {
                    Crossing::Triggered(alert) => (true, alert),
                    Crossing::Resolved(alert) => (false, alert),
                };
                tracing::info!(
                    provider.id = %provider,
                    alert = %kind,
                    is_triggered,
                    %line,
                    %figure,
                    "an alert changed"
                );
            }
            return false;
        }
        Err(error) => error,
    };
    let comes_again = match &error {
        SettleError::Store { source, .. } | SettleError::Begin(source) => match source {
            StoreError::Aws { .. } | StoreError::Contended { .. } => true,
            StoreError::Corrupt { .. } | StoreError::Unreadable { .. } => false,
        },
        SettleError::Rules { .. }
        | SettleError::Unknown(_)
        | SettleError::Slow(_)
        | SettleError::Panicked(_) => false,
    };
    let error: &dyn std::error::Error = &error;
    tracing::error!(
        provider.id = %provider,
        error,
        comes_again,
        "cannot evaluate the alerts of a provider; the night tries again"
    );
    comes_again
}

impl Function for Watch {
    async fn handle(&self, event: Value, invocation: Invocation) -> Result<Value, Error> {
        let StreamEvent { records } = serde_json::from_value(event)?;
        let reported = reported(records);
        let again = match reported.is_empty() {
            true => None,
            false => self.evaluate(reported, invocation).await?,
        };
        let failures = again.into_iter().map(|number| json!({ "itemIdentifier": number }));
        Ok(json!({ "batchItemFailures": failures.collect::<Vec<_>>() }))
    }
}
