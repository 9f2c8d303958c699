//! The work of one message: what is due for one endpoint.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use steelyard_billing::event::StoredEvent;
use steelyard_billing::webhook::{Answered, Endpoint, EndpointRef, Outcome, Work};
use steelyard_runtime::report_unreadable;
use steelyard_store::StoreError;
use thiserror::Error;
use tokio::time::Instant;

use crate::sender::Message;
use crate::{SigningError, Webhooks};

/// How long a message may work before it leaves the rest to the next: two endpoints that hang, and
/// their five seconds, fit into one invocation many times.
const TIME_MAX: Duration = Duration::from_secs(10);

/// The most deliveries of a message.
const DELIVERIES_MAX: u16 = 100;

/// How many events are read at once.
const PAGE: u16 = 25;

/// Why a message failed. The endpoint is as it was stored last, and the message comes again.
#[derive(Debug, Error)]
pub(crate) enum WorkError {
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A secret of the endpoint cannot sign: a defect.
    #[error("cannot sign for the endpoint")]
    Signing(#[from] SigningError),
}

/// What is left of what a message may do.
struct Budget {
    until: Instant,
    deliveries: u16,
}

impl Budget {
    fn is_spent(&self) -> bool {
        self.deliveries == 0 || Instant::now() >= self.until
    }
}

/// An endpoint with changes that are not saved yet.
struct Working {
    stored: Endpoint,
    endpoint: Endpoint,
}

impl Working {
    fn of(stored: Endpoint) -> Working {
        Working { endpoint: stored.clone(), stored }
    }
}

impl Webhooks {
    /// Delivers what is due for an endpoint, in a bounded time. It ends without an error when
    /// another worker or an operator changed the record: each of them leaves it in the index of due
    /// records.
    pub(crate) async fn deliver(&self, of: &EndpointRef) -> Result<(), WorkError> {
        let Some(stored) = self.endpoints.events.endpoint(of).await? else { return Ok(()) };
        let mut working = Some(Working::of(stored));
        let mut budget = Budget { until: Instant::now() + TIME_MAX, deliveries: DELIVERIES_MAX };
        while let Some(now) = working {
            working = self.step(now, &mut budget).await?;
        }
        Ok(())
    }

    /// Does what is next; none when the message is done.
    async fn step(
        &self,
        working: Working,
        budget: &mut Budget,
    ) -> Result<Option<Working>, WorkError> {
        let work = working.endpoint.next(self.clock.now());
        if budget.is_spent() && work != Work::Rest {
            return self.rest(working, true).await.map(|_| None);
        }
        match work {
            Work::Test => self.test(working).await,
            Work::Retry(sequence) => self.retry(working, sequence, budget).await,
            Work::Events { after } => self.events(working, after, budget).await,
            Work::Rest => self.rest(working, false).await.map(|_| None),
        }
    }

    async fn test(&self, working: Working) -> Result<Option<Working>, WorkError> {
        let Working { stored, endpoint } = working;
        let Some(id) = endpoint.test_id() else { return Ok(None) };
        let now = self.clock.now();
        let body = json!({
            "specversion": "1.0",
            "id": id,
            "source": "/steelyard",
            "subject": endpoint.subject,
            "time": now,
            "type": "endpoint.test",
            "datacontenttype": "application/json",
            "data": { "endpoint": endpoint.name },
        });
        let message = Message { id: &id, body: &body.to_string() };
        let outcome = self.sender.send(&endpoint, message, now).await?;
        tracing::info!(subject = %endpoint.subject, endpoint = %endpoint.name, %outcome, "an endpoint is tested");
        let answered = Answered { endpoint: endpoint.test_answered(outcome), dead: None };
        self.save(&stored, &answered).await
    }

    async fn retry(
        &self,
        working: Working,
        sequence: u64,
        budget: &mut Budget,
    ) -> Result<Option<Working>, WorkError> {
        let Working { stored, endpoint } = working;
        match self.endpoints.events.event(&endpoint.subject, sequence).await? {
            Some(event) => self.deliver_event(Working { stored, endpoint }, &event, budget).await,
            None => {
                tracing::error!(
                    subject = %endpoint.subject,
                    endpoint = %endpoint.name,
                    sequence,
                    // The template makes a metric of it.
                    dead_events = 1,
                    "an event is stored no longer, and cannot be delivered"
                );
                let answered = Answered { endpoint: endpoint.without(sequence), dead: None };
                self.save(&stored, &answered).await
            }
        }
    }

    /// Delivers the events after a number, a page of them.
    async fn events(
        &self,
        working: Working,
        after: u64,
        budget: &mut Budget,
    ) -> Result<Option<Working>, WorkError> {
        let subject = working.endpoint.subject.clone();
        let found = self.endpoints.events.events_after(&subject, after, PAGE).await?;
        report_unreadable(&found.unreadable);
        if found.readable.is_empty() {
            return self.caught_up(working).await;
        }
        let mut working = working;
        for event in found.readable {
            if !working.endpoint.wants(&event.kind) {
                working.endpoint = working.endpoint.passed(event.sequence);
                continue;
            }
            if !working.endpoint.takes_events() || budget.is_spent() {
                break;
            }
            match self.deliver_event(working, &event, budget).await? {
                Some(next) => working = next,
                None => return Ok(None),
            }
        }
        Ok(Some(working))
    }

    /// Rests, and looks again: an event that was stored before the endpoint rested has not woken
    /// it.
    async fn caught_up(&self, working: Working) -> Result<Option<Working>, WorkError> {
        let Some(rested) = self.rest(working, false).await? else { return Ok(None) };
        let after = rested.endpoint.delivered_through;
        let found = self.endpoints.events.events_after(&rested.endpoint.subject, after, 1).await?;
        Ok((!found.readable.is_empty()).then_some(rested))
    }

    /// Delivers an event, and saves what became of it. None when the record was changed by another.
    async fn deliver_event(
        &self,
        Working { stored, endpoint }: Working,
        event: &StoredEvent,
        budget: &mut Budget,
    ) -> Result<Option<Working>, WorkError> {
        budget.deliveries = budget.deliveries.saturating_sub(1);
        let message = Message { id: event.id.as_str(), body: &event.document };
        let outcome = self.sender.send(&endpoint, message, self.clock.now()).await?;
        let answered = endpoint.answered(event.sequence, &outcome, self.clock.now());
        let saved = self.save(&stored, &answered).await?;
        if saved.is_some() {
            log(&stored, event, &outcome, &answered);
        }
        Ok(saved)
    }

    async fn save(
        &self,
        stored: &Endpoint,
        answered: &Answered,
    ) -> Result<Option<Working>, WorkError> {
        let due_at = answered.endpoint.due_at(true, self.clock.now());
        let saved = self.endpoints.save(stored, answered, self.in_a_while(due_at)).await?;
        Ok(saved.map(Working::of))
    }

    /// While a message works on an endpoint, dispatch sends no other: it comes due again when this
    /// one is surely over.
    fn in_a_while(&self, due_at: Option<Timestamp>) -> Option<Timestamp> {
        let over = self.clock.now() + 2 * TIME_MAX;
        due_at.map(|due_at| due_at.max(over))
    }

    /// Saves the endpoint as a message leaves it. None when the record was changed by another.
    async fn rest(&self, working: Working, more: bool) -> Result<Option<Working>, WorkError> {
        let Working { stored, endpoint } = working;
        let due_at = endpoint.due_at(more, self.clock.now());
        let answered = Answered { endpoint, dead: None };
        Ok(self.endpoints.save(&stored, &answered, due_at).await?.map(Working::of))
    }
}

/// Logs what a person has to know. Neither the address nor an answer is logged.
fn log(before: &Endpoint, event: &StoredEvent, outcome: &Outcome, answered: &Answered) {
    let Endpoint { subject, name, .. } = before;
    let (id, sequence) = (event.id.as_str(), event.sequence);
    match outcome {
        Outcome::Delivered => {
            tracing::info!(%subject, endpoint = %name, event.id = id, sequence, "an event is delivered");
        }
        Outcome::Gone
        | Outcome::Status(_)
        | Outcome::TimedOut
        | Outcome::NotAllowed(_)
        | Outcome::Unreachable(_) => {
            tracing::warn!(%subject, endpoint = %name, event.id = id, sequence, %outcome, "an event is not delivered");
        }
    }
    if answered.dead.is_some() {
        tracing::error!(
            %subject,
            endpoint = %name,
            event.id = id,
            sequence,
            // The template makes a metric of it.
            dead_events = 1,
            "an endpoint did not take an event for three days: it is a dead letter"
        );
    }
    if before.is_active() && !answered.endpoint.is_active() {
        tracing::error!(
            %subject,
            endpoint = %name,
            %outcome,
            // The template makes a metric of it.
            disabled_endpoints = 1,
            "an endpoint is disabled: it gets no events until an operator enables it"
        );
    }
}
