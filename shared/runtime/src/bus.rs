//! An event bus of EventBridge, by its name.

use aws_config::SdkConfig;
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::primitives::DateTime;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use steelyard_billing::event::StoredEvent;
use thiserror::Error;

/// A bus to put events on.
#[derive(Clone, Debug)]
pub struct Bus {
    client: Client,
    name: String,
}

/// Why events could not be put on a bus. Some of them may have been.
#[derive(Debug, Error)]
pub enum BusError {
    /// EventBridge could not be asked, or refused.
    #[error("cannot put events on the bus {bus}")]
    Aws {
        /// The name or ARN of the bus.
        bus: String,
        /// The error of the SDK, with its causes.
        #[source]
        source: Box<aws_sdk_eventbridge::Error>,
    },
    /// EventBridge refused single events.
    #[error("the bus {bus} refused {refused} of {sent} events: {why}")]
    Refused {
        /// The name or ARN of the bus.
        bus: String,
        /// The number of refused events.
        refused: usize,
        /// How many were sent together.
        sent: usize,
        /// Why it refused the first of them.
        why: String,
    },
}

/// The most events that EventBridge takes at once.
const BATCH_MAX: usize = 10;

/// What the events on the bus name as their source. Rules match it.
const SOURCE: &str = "steelyard";

impl Bus {
    /// The bus of that name.
    #[must_use]
    pub fn new(config: &SdkConfig, name: String) -> Bus {
        Bus { client: Client::new(config), name }
    }

    /// Puts events on the bus, ten at a time, in their order: each with its type as `detail-type`,
    /// and the whole CloudEvent as `detail`.
    ///
    /// # Errors
    ///
    /// [`BusError`] for the first ten that were not all taken; none after them is put.
    pub async fn put(&self, events: &[StoredEvent]) -> Result<(), BusError> {
        for ten in events.chunks(BATCH_MAX) {
            self.put_batch(ten).await?;
        }
        Ok(())
    }

    async fn put_batch(&self, events: &[StoredEvent]) -> Result<(), BusError> {
        let entry = |event: &StoredEvent| {
            PutEventsRequestEntry::builder()
                .event_bus_name(&self.name)
                .source(SOURCE)
                .detail_type(&event.kind)
                .detail(&event.document)
                .resources(event.subject.to_string())
                .time(DateTime::from_secs(event.at_s.as_second()))
                .build()
        };
        let request =
            self.client.put_events().set_entries(Some(events.iter().map(entry).collect()));
        let answer = request.send().await.map_err(|error| BusError::Aws {
            bus: self.name.clone(),
            source: Box::new(error.into()),
        })?;
        let entries = answer.entries.unwrap_or_default();
        let mut refused = entries.iter().filter(|entry| entry.error_code.is_some());
        let Some(first) = refused.next() else { return Ok(()) };
        Err(BusError::Refused {
            bus: self.name.clone(),
            refused: refused.count() + 1,
            sent: events.len(),
            why: first.error_message.clone().or(first.error_code.clone()).unwrap_or_default(),
        })
    }
}
