//! The events function: tells what happened.
//!
//! The billing table's stream feeds it. What a changed record means is stored as events, once each, numbered by
//! whom it is about, and then put on the event bus. A record that comes again gives the same events again, which
//! are put on the bus again under the same ids.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde_json::{Value, json};
use steelyard_billing::event::{Event, Subject};
use steelyard_books::{BookError, Books};
use steelyard_runtime::{Bus, Clock, Environment, Error, Function, Invocation, aws};
use steelyard_store::{BillingTable, EventsTable, StoreError, stream_change};

/// The function.
#[derive(Clone, Debug)]
pub struct Events {
    books: Books,
    events: EventsTable,
    bus: Option<Bus>,
    keep: SignedDuration,
    clock: Clock,
}

/// Which records of a batch belong to a subject, and their events.
#[derive(Debug, Default)]
struct Told {
    /// The place of its first record in the batch.
    first: usize,
    events: Vec<Event>,
}

impl Events {
    /// The function over the books, which it only reads, and the table of events. Events are kept for `keep`, and put
    /// on the bus if there is one.
    #[must_use]
    pub fn new(
        books: Books,
        events: EventsTable,
        bus: Option<Bus>,
        keep: SignedDuration,
        clock: Clock,
    ) -> Events {
        Events { books, events, bus, keep, clock }
    }

    /// The function as its environment variables describe it.
    ///
    /// # Errors
    ///
    /// When a variable is missing or makes no sense; named, or AWS can't be reached at all.
    pub fn from_environment(environment: &Environment) -> Result<Events, Error> {
        let days: u16 = environment.parsed("EVENT_RETENTION_DAYS")?;
        let rules = environment.debit_rules()?;
        let config = aws::in_lambda(environment)?;
        let client = aws::dynamodb(&config);
        let billing = BillingTable::new(client.clone(), environment.required("BILLING_TABLE")?);
        let events = EventsTable::new(client, environment.required("EVENTS_TABLE")?);
        let bus = environment.optional("EVENT_BUS").map(|name| Bus::new(&config, name.to_owned()));
        let keep = SignedDuration::from_hours(24 * i64::from(days));
        Ok(Events::new(Books::new(billing, rules), events, bus, keep, Clock::system()))
    }

    /// Tells the events of some records of the stream. Gives the place of the first that is to come again.
    async fn tell(&self, records: &[Value]) -> Option<usize> {
        let (subjects, mut failed) = self.read(records).await;
        for (subject, told) in subjects {
            if let Err(error) = self.publish(&subject, &told.events).await {
                tracing::error!(error, %subject, "events could not be told and come again");
                failed = Some(failed.map_or(told.first, |failed| failed.min(told.first)));
            }
        }
        failed
    }

    /// The events of records, by subject, and the place of the first that could not be read for now. What comes
    /// after it is read all the same: a subject's events are told in order as long as nothing fails.
    async fn read(&self, records: &[Value]) -> (BTreeMap<Subject, Told>, Option<usize>) {
        let mut subjects = BTreeMap::<Subject, Told>::new();
        for (place, record) in records.iter().enumerate() {
            match self.events_of(record).await {
                Ok(events) => {
                    for event in events {
                        let new = || Told { first: place, events: Vec::new() };
                        subjects
                            .entry(event.subject.clone())
                            .or_insert_with(new)
                            .events
                            .push(event);
                    }
                }
                // What follows waits too, so that events are told in order.
                Err(error) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::error!(error, "a record of the stream cannot be read for now");
                    return (subjects, Some(place));
                }
            }
        }
        (subjects, None)
    }

    /// The events of a record. One that this version cannot read fails alone: it is reported, and passed over.
    async fn events_of(&self, record: &Value) -> Result<Vec<Event>, BookError> {
        let found = match stream_change(&record["dynamodb"]) {
            Ok(Some(change)) => self.books.events_of(&change, self.clock.now()).await,
            Ok(None) => return Ok(Vec::new()),
            Err(error) => Err(error.into()),
        };
        match found {
            Err(error) if error.is_of_one_record() => {
                let error: &dyn std::error::Error = &error;
                let (pk, sk) = (record_key(record, "pk"), record_key(record, "sk"));
                // The template makes a metric of it.
                tracing::error!(pk, sk, error, unreadable_items = 1, "a change is passed over");
                Ok(Vec::new())
            }
            found => found,
        }
    }

    async fn publish(&self, subject: &Subject, events: &[Event]) -> Result<(), Error> {
        let realm = self.books.realms().await?.current;
        let expires_at = self.clock.now() + self.keep;
        let stored = match self.events.add(subject, events, &realm, expires_at).await {
            Ok(stored) => stored,
            // It would fail each time, and hold up the events of all others.
            Err(error @ (StoreError::Corrupt { .. } | StoreError::Unreadable { .. })) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(%subject, error, unreadable_items = 1, "events are passed over");
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        self.events.wake_endpoints(subject, self.clock.now()).await?;
        if let Some(bus) = &self.bus {
            bus.put(&stored).await?;
        }
        Ok(())
    }
}

/// A key of the item that a record of the stream is about.
fn record_key<'r>(record: &'r Value, name: &str) -> Option<&'r str> {
    record["dynamodb"]["Keys"][name]["S"].as_str()
}

impl Function for Events {
    async fn handle(&self, event: Value, _: Invocation) -> Result<Value, Error> {
        let records = event["Records"].as_array().ok_or("the event has no records of a stream")?;
        let failed = self.tell(records).await.and_then(|place| records.get(place));
        let failures = match failed {
            None => Vec::new(),
            Some(record) => {
                let number = &record["dynamodb"]["SequenceNumber"];
                if !number.is_string() {
                    return Err("a record that failed has no sequence number".into());
                }
                vec![json!({ "itemIdentifier": number })]
            }
        };
        Ok(json!({ "batchItemFailures": failures }))
    }
}
