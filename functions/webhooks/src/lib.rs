//! The webhooks function: delivers stored events to endpoints, signed by Standard Webhooks 1.0.
//!
//! Each message names one endpoint. It gets what is due for it, in a bounded time, and the rest
//! with a later message, so that an endpoint which hangs delays no other. After each delivery the
//! endpoint's record is saved; if that fails, the event is delivered again, under the same id.

mod addresses;
mod delivery;
mod sender;
mod signing;

use serde_json::Value;
use steelyard_billing::webhook::EndpointRef;
use steelyard_books::Endpoints;
use steelyard_runtime::{Clock, Environment, Error, Function, Invocation, aws, each_message};
use steelyard_store::EventsTable;

pub use addresses::{Forbidden, Reach, checked_url};
pub use sender::{ANSWER_MAX, Lookup, Sender};
pub use signing::{Scheme, SigningError, new_secret, public_key, signature};

/// The webhooks function: it delivers events to endpoints.
#[derive(Clone, Debug)]
pub struct Webhooks {
    endpoints: Endpoints,
    sender: Sender,
    clock: Clock,
}

impl Webhooks {
    /// The function over the events table.
    #[must_use]
    pub fn new(events: EventsTable, sender: Sender, clock: Clock) -> Webhooks {
        Webhooks { endpoints: Endpoints { events }, sender, clock }
    }

    /// The function as its environment variables describe it.
    ///
    /// # Errors
    ///
    /// When a variable is missing or makes no sense, or TLS cannot be set up; named.
    pub fn from_environment(environment: &Environment) -> Result<Webhooks, Error> {
        let config = aws::in_lambda(environment)?;
        let table = environment.required("EVENTS_TABLE")?;
        let events = EventsTable::new(aws::dynamodb(&config), table);
        Ok(Webhooks::new(events, Sender::new(Reach::Public)?, Clock::system()))
    }

    async fn message(&self, body: &str) -> Result<(), Error> {
        let of: EndpointRef = steelyard_json::read(body.as_bytes())?;
        Ok(self.deliver(&of).await?)
    }
}

impl Function for Webhooks {
    async fn handle(&self, event: Value, _: Invocation) -> Result<Value, Error> {
        each_message(event, |message| async move { self.message(&message.body).await }).await
    }
}
