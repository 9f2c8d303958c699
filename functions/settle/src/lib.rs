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

/// What one message asks for: a registry shard, from its beginning or after a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShardMessage {
    /// The registry shard.
    pub shard: u8,
    /// The provider that was settled last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<ProviderId>,
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
            .map(|shard| serde_json::to_string(&ShardMessage { shard, after: None }))
            .collect::<Result<Vec<_>, _>>()?;
        self.queue.send(&messages).await?;
        Ok(json!({ "shards": messages.len() }))
    }

    async fn shard(&self, body: &str, invocation: Invocation) -> Result<(), Error> {
        let ShardMessage { shard, mut after } = serde_json::from_str(body)?;
        let run = self.settler.begin().await?;
        let mut failed = 0;
        loop {
            let page = self.settler.page(&run, shard, after.as_ref(), PAGE).await?;
            for error in &page.failed {
                let error: &(dyn std::error::Error + 'static) = error;
                tracing::error!(error, "provider not settled");
            }
            failed += page.failed.len();
            after = page.next;
            if after.is_none() {
                break;
            }
            if invocation.time_left() < TIME_FOR_A_PAGE {
                self.queue.send(&[serde_json::to_string(&ShardMessage { shard, after })?]).await?;
                break;
            }
        }
        match failed {
            0 => Ok(()),
            _ => Err(format!("{failed} providers of shard {shard} could not be settled").into()),
        }
    }
}

impl Function for Settle {
    async fn handle(&self, event: Value, invocation: Invocation) -> Result<Value, Error> {
        if is_batch(&event) {
            return each_message(event, |body| async move { self.shard(&body, invocation).await })
                .await;
        }
        self.fan_out().await
    }
}
