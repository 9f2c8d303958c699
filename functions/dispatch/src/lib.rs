//! The dispatch function: sends records whose work is due to the queue of the debit function.
//!
//! Each record is leased before it is sent. A message that is lost, or a run that crashes between the
//! two, only delays the work until the lease is over; a record that is sent twice has nothing due.
//!
//! A run sends no more than the debit function works off in a minute, less what still waits in the
//! queue. So no message waits until its lease is over, even if the debit function is much slower.

mod run;

use std::num::NonZeroU16;

use jiff::SignedDuration;
use serde_json::{Value, json};
use steelyard_runtime::{Clock, Environment, Error, Function, Invocation, Queue, aws};
use steelyard_store::BillingTable;

use run::Run;

/// The function.
#[derive(Clone, Debug)]
pub struct Dispatch {
    billing: BillingTable,
    queue: Queue,
    pace: Pace,
    clock: Clock,
}

/// How fast records are sent, and when one is sent again.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How long a message may take until it is thought lost. Longer than a minute of work may wait in
    /// the queue.
    pub lease: SignedDuration,
    /// How many debits the debit function works off in a second, all its instances together.
    pub debits_per_second: NonZeroU16,
}

/// Dispatch runs once in so many seconds.
const RUN_EVERY_S: usize = 60;

impl Pace {
    /// The most messages that may wait in the queue after a run: what is worked off until the next.
    fn waiting_max(self) -> usize {
        usize::from(self.debits_per_second.get()) * RUN_EVERY_S
    }
}

impl Dispatch {
    /// The function over a table and the debit queue.
    #[must_use]
    pub fn new(billing: BillingTable, queue: Queue, pace: Pace, clock: Clock) -> Dispatch {
        Dispatch { billing, queue, pace, clock }
    }

    /// The function as its environment variables describe it.
    ///
    /// # Errors
    ///
    /// When a variable is missing or makes no sense; named, or AWS can't be reached at all.
    pub fn from_environment(environment: &Environment) -> Result<Dispatch, Error> {
        let lease_s: u32 = environment.parsed("DEBIT_LEASE_S")?;
        let pace = Pace {
            lease: SignedDuration::from_secs(i64::from(lease_s)),
            debits_per_second: environment.parsed("DEBITS_PER_SECOND")?,
        };
        let config = aws::in_lambda(environment)?;
        let client = aws::dynamodb(&config);
        let billing = BillingTable::new(client, environment.required("BILLING_TABLE")?);
        let queue = aws::queue(&config, environment.required("DEBIT_QUEUE_URL")?);
        Ok(Dispatch::new(billing, queue, pace, Clock::system()))
    }
}

impl Function for Dispatch {
    async fn handle(&self, _: Value, invocation: Invocation) -> Result<Value, Error> {
        let waiting = self.queue.waiting().await?;
        let budget = self.pace.waiting_max().saturating_sub(waiting);
        let mut run = Run::new(self, budget, invocation);
        let (sent, failed) = run.shards().await;
        if run.is_spent() {
            tracing::info!(
                waiting,
                sent = sent.messages,
                "what else is due waits for the next run"
            );
        }
        match failed {
            None => Ok(json!({ "sent": sent.messages, "unreadable": sent.unreadable })),
            Some(error) => Err(error),
        }
    }
}
