//! The settle function: charges every unsettled day.
//!
//! A schedule starts it, and it sends a message for each registry shard to its own queue; each
//! message settles the providers of a shard, page by page, and goes on in a new message before the
//! time is up. Running it twice changes nothing.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use steelyard_billing::{DebitRules, ProviderId, Statement};
use steelyard_books::{Books, Census, SettlePage, SettleRun, Settler};
use steelyard_runtime::{
    Clock, Environment, Error, Function, Invocation, Queue, aws, each_message, is_batch,
    report_unreadable,
};
use steelyard_store::schema::REGISTRY_SHARDS;
use steelyard_store::{BillingTable, UsageTable};

/// The function.
#[derive(Clone, Debug)]
pub struct Settle {
    settler: Settler,
    queue: Queue,
    clock: Clock,
}

/// What one message asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum SettleMessage {
    /// The providers of a registry shard, from its beginning or after one of them.
    Shard {
        /// The registry shard.
        shard: u8,
        /// Where the page before ended.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<String>,
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
    pub fn new(settler: Settler, queue: Queue, clock: Clock) -> Settle {
        Settle { settler, queue, clock }
    }

    /// The function as its environment variables describe it.
    ///
    /// # Errors
    ///
    /// When a variable is missing or makes no sense; named, or AWS can't be reached at all.
    pub fn from_environment(environment: &Environment) -> Result<Settle, Error> {
        let rules: DebitRules = environment.debit_rules()?;
        let config = aws::in_lambda(environment)?;
        let client = aws::dynamodb(&config);
        let usage = UsageTable::new(client.clone(), environment.required("USAGE_TABLE")?);
        let billing = BillingTable::new(client, environment.required("BILLING_TABLE")?);
        let queue = aws::queue(&config, environment.required("SETTLE_QUEUE_URL")?);
        let settler = Settler { books: Books::new(billing, rules), usage };
        Ok(Settle::new(settler, queue, Clock::system()))
    }

    /// Sends a message for each registry shard, unless the clock was set back since the last run.
    async fn fan_out(&self) -> Result<Value, Error> {
        self.settler.note_run(self.clock.now()).await?;
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
        let message = steelyard_json::read(body.as_bytes())?;
        let run = self.settler.begin(self.clock.now()).await?;
        report_unreadable(&run.unreadable);
        match message {
            SettleMessage::Shard { shard, after } => {
                self.shard(&run, shard, after, invocation).await
            }
            SettleMessage::Provider { provider } => {
                let statements = self.settler.provider(&run, &provider).await?;
                statements.iter().for_each(log);
                Ok(())
            }
        }
    }

    /// Settles a shard page by page; goes on in a new message when the time is nearly up.
    async fn shard(
        &self,
        run: &SettleRun,
        shard: u8,
        mut after: Option<String>,
        invocation: Invocation,
    ) -> Result<(), Error> {
        loop {
            let page = self.settler.page(run, shard, after.as_deref(), PAGE).await?;
            page.statements.iter().for_each(log);
            report_unreadable(&page.unreadable);
            report_census(&page.census);
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
    async fn try_alone(&self, page: &SettlePage) -> Result<(), Error> {
        let mut messages = Vec::new();
        for (provider, error) in &page.failed {
            let error: &(dyn std::error::Error + 'static) = error;
            tracing::error!(provider.id = %provider, error, "provider not settled");
            messages.push(SettleMessage::Provider { provider: provider.clone() });
        }
        self.send(&messages).await
    }
}

fn log(statement: &Statement) {
    tracing::info!(
        provider.id = %statement.provider,
        statement = %statement.statement,
        amount_fen = statement.charge_fen.get(),
        late_days = statement.late_days.len(),
        unpriced_apis = statement.unpriced.len(),
        "settled"
    );
    for unpriced in &statement.unpriced {
        tracing::warn!(
            provider.id = %statement.provider,
            api = %unpriced.count.api,
            // The template makes a metric of it.
            unpriced_calls = unpriced.count.gained().calls.get(),
            "no rate covers these calls"
        );
    }
}

/// Publishes how many providers of a page are in states that an operator must know of. The template
/// makes metrics of the counts, which sum over the night's pages.
fn report_census(census: &Census) {
    let Census { given_up, impossible, open_debits } = *census;
    if *census != Census::default() {
        tracing::info!(
            given_up_providers = given_up,
            owing_without_mandate = impossible,
            open_debits,
            "census of a page of providers"
        );
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
