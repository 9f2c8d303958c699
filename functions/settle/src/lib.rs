//! The settle function: charges every unsettled day.
//!
//! A schedule starts it, and it begins a run: a message to its own queue for each shard of the
//! registry that has providers. A message settles the providers of its shard, and goes on in a new
//! message before the time is up. The run ends with its last shard. Running it twice changes
//! nothing.
//!
//! A second schedule looks at the night in the morning: it begins a run if none began, and notes
//! one that is late.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use steelyard_billing::{DebitRules, ProviderId, RunEnd, RunScope, Statement};
use steelyard_books::{Books, Census, NightRun, RunTerms, SettlePage, Settler, WalkEnd};
use steelyard_pricing::{BillingMonth, LineCause};
use steelyard_runtime::{
    Clock, Environment, Error, Function, Invocation, Queue, aws, each_message, is_batch,
    report_unreadable,
};
use steelyard_store::{BillingTable, UsageTable};

/// The settle function: it runs the shards of a settlement.
#[derive(Clone, Debug)]
pub struct Settle {
    settler: Settler,
    queue: Queue,
    clock: Clock,
}

/// What one message asks for, as a part of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum SettleMessage {
    /// The providers of a registry shard, from where the run stands in it.
    Shard {
        /// The number of the run, from 1.
        run: u64,
        /// The shard of the registry.
        shard: u8,
    },
    /// One provider that could not be settled with its shard: tried alone, and a dead letter when
    /// it fails again and again.
    Provider {
        /// The number of the run.
        run: u64,
        /// The provider to be settled alone.
        provider: ProviderId,
    },
}

/// The task by which the second schedule invokes the function.
const CHECK: &str = "check";

/// What must be left of the time to begin another provider. One that is slow all the same is cut
/// off, and its message comes again.
const TIME_FOR_A_PROVIDER: Duration = Duration::from_secs(30);

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

    /// Begins a run, unless the clock was set back since the last one, and sends a message for each
    /// of its shards.
    async fn fan_out(&self) -> Result<Value, Error> {
        let (run, unreadable) = self.settler.begin_run(self.clock.now()).await?;
        report_unreadable(unreadable.as_slice());
        let RunScope::Shards(shards) = &run.scope else {
            return Err("not a run over shards".into());
        };
        let shard = |shard: &u8| SettleMessage::Shard { run: run.number, shard: *shard };
        let messages = shards.iter().map(shard).collect::<Vec<_>>();
        self.send(&messages).await?;
        if messages.is_empty() {
            // No shard ends it: there are no providers yet.
            self.end(run.number).await?;
        }
        Ok(json!({ "run": run.number, "shards": messages.len() }))
    }

    /// Looks at the night's run. One that never began begins now.
    async fn check(&self) -> Result<Value, Error> {
        match self.settler.check_night(self.clock.now()).await? {
            NightRun::Missing => {
                tracing::error!("no settlement run began tonight; one begins now");
                self.fan_out().await
            }
            NightRun::Late(run) => {
                tracing::error!(run = run.number, "the night's settlement run has not ended");
                Ok(json!({ "run": run.number, "late": true }))
            }
            NightRun::NotYet => Ok(json!({})),
            NightRun::Ended(run) => Ok(json!({ "run": run.number, "late": false })),
        }
    }

    async fn send(&self, messages: &[SettleMessage]) -> Result<(), Error> {
        let bodies = messages.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
        Ok(self.queue.send(&bodies).await?)
    }

    async fn message(&self, body: &str, invocation: Invocation) -> Result<(), Error> {
        let message = steelyard_json::read(body.as_bytes())?;
        let terms = self.settler.terms(self.clock.now()).await?;
        report_unreadable(&terms.unreadable);
        match message {
            SettleMessage::Shard { run, shard } => self.shard(&terms, run, shard, invocation).await,
            SettleMessage::Provider { run, provider } => {
                let statements = self.settler.settle_alone(&terms, run, &provider).await?;
                statements.iter().for_each(log);
                Ok(())
            }
        }
    }

    /// Settles a shard; goes on in a new message when the time is nearly up.
    async fn shard(
        &self,
        terms: &RunTerms,
        run: u64,
        shard: u8,
        invocation: Invocation,
    ) -> Result<(), Error> {
        let may_begin = || invocation.time_left() >= TIME_FOR_A_PROVIDER;
        if let Some(mut walk) = self.settler.walk(terms, run, shard, may_begin).await? {
            let end = loop {
                let page = walk.page().await?;
                page.statements.iter().for_each(log);
                report_unreadable(&page.unreadable);
                report_census(&page.census);
                report_lapsed(&page.lapsed);
                self.try_alone(run, &page).await?;
                walk.save(&page).await?;
                if let Some(end) = page.end {
                    break end;
                }
            };
            match end {
                WalkEnd::Complete => {}
                WalkEnd::Stopped => {
                    return self.send(&[SettleMessage::Shard { run, shard }]).await;
                }
            }
        }
        self.end(run).await
    }

    /// Ends a run if all of its shards have ended.
    async fn end(&self, run: u64) -> Result<(), Error> {
        if let Some(end) = self.settler.end_run(run, self.clock.now()).await? {
            log_end(run, &end);
        }
        Ok(())
    }

    /// Sends each provider that failed a message of its own, so that it holds up no other.
    async fn try_alone(&self, run: u64, page: &SettlePage) -> Result<(), Error> {
        let mut messages = Vec::new();
        for (provider, error) in &page.failed {
            let error: &(dyn std::error::Error + 'static) = error;
            tracing::error!(provider.id = %provider, error, "provider not settled");
            messages.push(SettleMessage::Provider { run, provider: provider.clone() });
        }
        self.send(&messages).await
    }
}

fn log(statement: &Statement) {
    tracing::info!(
        provider.id = %statement.provider,
        statement = %statement.statement,
        amount_fen = statement.charge_fen.get(),
        reports = statement.reports,
        changed_days = statement.changed_days.len(),
        "settled"
    );
    let is_new = |because: LineCause| because != LineCause::Void;
    let lines = statement.lines.iter().filter(|line| is_new(line.because));
    let others = lines.flat_map(|line| line.apis.iter());
    for (api, metered) in others.filter(|(api, _)| api.other_prefix().is_some()) {
        tracing::warn!(
            provider.id = %statement.provider,
            %api,
            // The template makes a metric of it.
            unlisted_calls = metered.calls.get(),
            "the month has too many names of APIs: the calls of this name are summed with others"
        );
    }
    let new = statement.unpriced.iter().filter(|unpriced| is_new(unpriced.because));
    for (api, metered) in new.flat_map(|unpriced| unpriced.apis.iter()) {
        tracing::warn!(
            provider.id = %statement.provider,
            %api,
            // The template makes a metric of it.
            unpriced_calls = metered.calls.get(),
            "no rate covers these calls"
        );
    }
}

/// Publishes that a run ended. The template makes a metric of it, and an alarm of its absence.
fn log_end(run: u64, RunEnd { tally, .. }: &RunEnd) {
    tracing::info!(
        ended_settlements = 1,
        run,
        providers = tally.providers,
        statements = tally.statements,
        charged_fen = tally.charged_fen.get(),
        failed = tally.failed,
        unreadable = tally.unreadable,
        "settlement run ended"
    );
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

/// Names the providers whose usage may have expired before settlement read it.
fn report_lapsed(lapsed: &[(ProviderId, BillingMonth)]) {
    for (provider, month) in lapsed {
        tracing::error!(
            provider.id = %provider,
            %month,
            // The template makes a metric of it.
            lapsed_usage = 1,
            "reports of this month and the next ones may have expired before they were settled"
        );
    }
}

impl Function for Settle {
    async fn handle(&self, event: Value, invocation: Invocation) -> Result<Value, Error> {
        if is_batch(&event) {
            return each_message(event, |message| async move {
                self.message(&message.body, invocation).await
            })
            .await;
        }
        if event["task"] == CHECK { self.check().await } else { self.fan_out().await }
    }
}
