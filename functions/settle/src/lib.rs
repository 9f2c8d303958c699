//! The settle function: charges every unsettled day.
//!
//! A schedule starts it, and it sends a message for each registry shard to its own queue; each
//! message settles the providers of a shard, page by page, and goes on in a new message before the
//! time is up. Running it twice changes nothing.

mod settle;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use steelyard_billing::{DebitTerms, ProviderId};
use steelyard_runtime::{
    Clock, Environment, Error, Function, Invocation, Queue, aws, each_message, is_batch,
};
use steelyard_store::schema::REGISTRY_SHARDS;
use steelyard_store::{BillingTable, UsageTable};

pub use settle::{Page, Run, SettleError, Settler};

/// The function.
#[derive(Clone, Debug)]
pub struct Settle {
    settler: Settler,
    queue: Queue,
}

/// What one message asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SettleMessage {
    /// The providers of a registry shard, from its beginning or after one of them.
    Shard {
        /// The registry shard.
        shard: u8,
        /// The provider that was settled last.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<ProviderId>,
    },
    /// One provider that could not be settled with its shard: tried alone, and a dead letter when it
    /// fails again and again.
    Provider {
        /// The provider.
        provider: ProviderId,
    },
}

/// How many providers are read and settled between two looks at the time.
const PAGE: u16 = 100;

/// What must be left of the time to begin another page. A page that is slow all the same is cut
/// off, and its message comes again.
const TIME_FOR_A_PAGE: Duration = Duration::from_secs(30);

impl Settle {
    /// The function over a settler and its queue.
    #[must_use]
    pub fn new(settler: Settler, queue: Queue) -> Settle {
        Settle { settler, queue }
    }

    /// The function as its environment variables describe it.
    ///
    /// # Errors
    ///
    /// When a variable is missing or makes no sense, told by name, or AWS can't be reached at all.
    pub fn from_environment(environment: &Environment) -> Result<Settle, Error> {
        let terms: DebitTerms = environment.debit_terms()?;
        let config = aws::in_lambda(environment)?;
        let client = aws::dynamodb(&config);
        let usage = UsageTable::new(client.clone(), environment.required("USAGE_TABLE")?);
        let billing = BillingTable::new(client, environment.required("BILLING_TABLE")?);
        let queue = aws::queue(&config, environment.required("SETTLE_QUEUE_URL")?);
        Ok(Settle::new(Settler::new(usage, billing, terms, Clock::system()), queue))
    }

    async fn fan_out(&self) -> Result<Value, Error> {
        let messages = (0..REGISTRY_SHARDS)
            .map(|shard| SettleMessage::Shard { shard, after: None })
            .collect::<Vec<_>>();
        self.send(&messages).await?;
        Ok(json!({ "shards": messages.len() }))
    }

    async fn send(&self, messages: &[SettleMessage]) -> Result<(), Error> {
        let bodies = messages.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
        Ok(self.queue.send(&bodies).await?)
    }

    async fn message(&self, body: &str, invocation: Invocation) -> Result<(), Error> {
        let run = self.settler.begin().await?;
        match serde_json::from_str(body)? {
            SettleMessage::Shard { shard, after } => {
                self.shard(&run, shard, after, invocation).await
            }
            SettleMessage::Provider { provider } => {
                self.settler.provider(&run, &provider).await?;
                Ok(())
            }
        }
    }

    /// Settles a shard page by page; goes on in a new message when the time is nearly up.
    async fn shard(
        &self,
        run: &Run,
        shard: u8,
        mut after: Option<ProviderId>,
        invocation: Invocation,
    ) -> Result<(), Error> {
        loop {
            let page = self.settler.page(run, shard, after.as_ref(), PAGE).await?;
            self.try_alone(&page).await?;
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
            if invocation.time_left() < TIME_FOR_A_PAGE {
                return self.send(&[SettleMessage::Shard { shard, after }]).await;
            }
        }
    }

    /// Sends each provider that failed a message of its own, so that it holds up no other.
    async fn try_alone(&self, page: &Page) -> Result<(), Error> {
        let mut messages = Vec::new();
        for (provider, error) in &page.failed {
            let error: &(dyn std::error::Error + 'static) = error;
            tracing::error!(provider.id = %provider, error, "provider not settled");
            messages.push(SettleMessage::Provider { provider: provider.clone() });
        }
        self.send(&messages).await
    }
}

impl Function for Settle {
    async fn handle(&self, event: Value, invocation: Invocation) -> Result<Value, Error> {
        if is_batch(&event) {
            return each_message(
                event,
                |body| async move { self.message(&body, invocation).await },
            )
            .await;
        }
        self.fan_out().await
    }
}
