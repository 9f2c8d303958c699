//! The events function: it publishes events.
//!
//! The billing table's stream feeds it. What a changed record means is stored as events, once each,
//! numbered by whom it is about, and then put on the event bus. A record that comes again gives the
//! same events again, which are put on the bus again under the same ids.
//!
//! A changed account may mean another standing. The table of events has the one that was reported
//! last.

mod batch;

use batch::{Batch, Told};

use jiff::SignedDuration;
use serde_json::{Value, json};
use steelyard_billing::Account;
use steelyard_billing::event::{StandingChanged, StoredEvent, Subject};
use steelyard_books::{BookError, Books, Settler};
use steelyard_runtime::{
    Bus, Clock, Environment, Error, Function, Invocation, NoStanding, Standings, aws,
};
use steelyard_store::{
    BillingTable, EventsTable, NewEvents, StoreError, UsageTable, stream_change,
};

/// The events function, over the stream of the billing table.
#[derive(Clone, Debug)]
pub struct Events {
    settler: Settler,
    standings: Standings,
    events: EventsTable,
    bus: Option<Bus>,
    keep: SignedDuration,
    clock: Clock,
}

impl Events {
    /// The function over the books and the usage, which it only reads, and the table of events.
    /// Events are kept for `keep`, and put on the bus if there is one.
    #[must_use]
    pub fn new(
        settler: Settler,
        events: EventsTable,
        bus: Option<Bus>,
        keep: SignedDuration,
        clock: Clock,
    ) -> Events {
        let Books { billing, rules, .. } = &settler.books;
        let standings = Standings::new(billing.clone(), rules.calendar.clone());
        Events { settler, standings, events, bus, keep, clock }
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
        let usage = UsageTable::new(client.clone(), environment.required("USAGE_TABLE")?);
        let events = EventsTable::new(client, environment.required("EVENTS_TABLE")?);
        let bus = environment.optional("EVENT_BUS").map(|name| Bus::new(&config, name.to_owned()));
        let keep = SignedDuration::from_hours(24 * i64::from(days));
        let settler = Settler { books: Books::new(billing, rules), usage };
        Ok(Events::new(settler, events, bus, keep, Clock::system()))
    }

    /// Publishes the events of some records of the stream. Gives the place of the first that is to
    /// come again.
    async fn tell(&self, records: &[Value]) -> Option<usize> {
        let (mut batch, mut failed) = self.read(records).await;
        // The platform comes last: it gets some of the providers' events.
        while let Some((subject, told)) = batch.take_first() {
            match self.publish(&subject, &told).await {
                Ok(stored) => batch.add_for_platform(told.first, &stored),
                Err(error) => {
                    tracing::error!(error, %subject, "events could not be told and come again");
                    failed = Some(failed.map_or(told.first, |failed| failed.min(told.first)));
                }
            }
        }
        failed
    }

    /// The events of records, and the place of the first that could not be read for now. What
    /// follows it waits too, so that events are published in order.
    async fn read(&self, records: &[Value]) -> (Batch, Option<usize>) {
        let mut batch = Batch::default();
        for (place, record) in records.iter().enumerate() {
            if let Err(error) = self.read_one(place, record, &mut batch).await {
                let error: &dyn std::error::Error = &error;
                tracing::error!(error, "a record of the stream cannot be read for now");
                return (batch, Some(place));
            }
        }
        (batch, None)
    }

    /// Adds the events of a record. One that this version cannot read fails alone: it is reported,
    /// and passed over.
    async fn read_one(
        &self,
        place: usize,
        record: &Value,
        batch: &mut Batch,
    ) -> Result<(), BookError> {
        let read = async {
            let Some(change) = stream_change(&record["dynamodb"])? else { return Ok(()) };
            for event in self.settler.events_of(&change, self.clock.now()).await? {
                batch.add(place, event);
            }
            match change.account() {
                Some(account) => self.follow(place, account, batch).await,
                None => Ok(()),
            }
        };
        match read.await {
            Err(error) if error.is_of_one_record() => {
                let error: &dyn std::error::Error = &error;
                let (pk, sk) = (record_key(record, "pk"), record_key(record, "sk"));
                // The template makes a metric of it.
                tracing::error!(pk, sk, error, unreadable_items = 1, "a change is passed over");
                Ok(())
            }
            read => read,
        }
    }

    /// Adds that the provider of a changed account has another standing than the reported one, if
    /// it has.
    async fn follow(
        &self,
        place: usize,
        account: &Account,
        batch: &mut Batch,
    ) -> Result<(), BookError> {
        let subject = Subject::Provider(account.provider.clone());
        let told = match batch.standing(&subject) {
            Some(told) => told,
            None => self.events.standing_told(&subject).await?,
        };
        let standing = match self.standings.of(account, self.clock.now()).await {
            Ok(standing) => standing,
            Err(NoStanding::Store(error)) => return Err(error.into()),
            // The night looks at it again.
            Err(NoStanding::Standing(error)) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(%subject, error, unreadable_items = 1, "a standing is not followed");
                return Ok(());
            }
        };
        if account.version > told.version {
            batch.follow(place, subject, told, standing);
            return Ok(());
        }
        // The record came before. Its event is published again.
        let id = StandingChanged::id(&account.provider, account.version);
        if self.events.find_event(&id).await?.is_some() {
            let before = told.stage;
            batch.add(place, StandingChanged { before, standing }.event());
        }
        Ok(())
    }

    /// Stores and publishes the events of a subject. Gives them as they are stored.
    async fn publish(&self, subject: &Subject, told: &Told) -> Result<Vec<StoredEvent>, Error> {
        let realm = self.settler.books.realms().await?.current;
        let new = NewEvents {
            subject,
            events: &told.events,
            standing: told.standing,
            expires_at: self.clock.now() + self.keep,
        };
        let stored = match self.events.add(new, &realm).await {
            Ok(stored) => stored,
            // It would fail each time, and hold up the events of all others.
            Err(error @ (StoreError::Corrupt { .. } | StoreError::Unreadable { .. })) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(%subject, error, unreadable_items = 1, "events are passed over");
                return Ok(Vec::new());
            }
            Err(error) => return Err(error.into()),
        };
        self.events.wake_endpoints(subject, self.clock.now()).await?;
        if let Some(bus) = &self.bus {
            bus.put(&stored).await?;
        }
        Ok(stored)
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
