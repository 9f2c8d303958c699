//! The debit function: does what is due through Alipay. It withholds, queries what is in doubt and
//! what was offered, and gives money back.
//!
//! Each message names one record of a provider. A request is stored before it is sent, and its
//! result is stored together with the journal entry. In between it is in doubt, and only a query
//! resolves that. The messages of a batch are handled one after another, so that none is sent after
//! the first trouble of our own account.

mod breaker;
mod debit;
mod mandate;
mod recharge;
mod refund;
mod work;

use std::sync::Arc;

use serde_json::Value;
use steelyard_alipay::SignScene;
use steelyard_billing::TaskRef;
use steelyard_books::Books;
use steelyard_runtime::{
    Clock, Environment, Error, Function, Invocation, alipay, aws, each_message_in_turn,
};
use steelyard_store::BillingTable;

pub use breaker::Gathered;
pub use work::{Collector, WorkError};

/// The debit function: it works off a batch of tasks, one after another.
#[derive(Clone, Debug)]
pub struct Debits {
    collector: Arc<Collector>,
}

impl Debits {
    /// The function over a collector.
    #[must_use]
    pub fn new(collector: Collector) -> Debits {
        Debits { collector: Arc::new(collector) }
    }

    /// The function as its environment variables and its secret describe it.
    ///
    /// # Errors
    ///
    /// When a variable is missing or makes no sense, or the secret can't be read; named.
    pub async fn from_environment(environment: &Environment) -> Result<Debits, Error> {
        let rules = environment.debit_rules()?;
        let table = environment.required("BILLING_TABLE")?;
        let queue = environment.required("DEBIT_QUEUE_URL")?;
        let sign_scene = SignScene::parse(&environment.required("ALIPAY_SIGN_SCENE")?)?;
        let config = aws::in_lambda(environment)?;
        let alipay = alipay::client(environment, &config).await?;
        let books = Books::new(BillingTable::new(aws::dynamodb(&config), table), rules);
        let queue = aws::queue(&config, queue);
        let clock = Clock::system();
        Ok(Debits::new(Collector {
            books,
            alipay,
            queue,
            sign_scene,
            clock,
            gathered: Gathered::default(),
        }))
    }

    async fn message(&self, body: &str) -> Result<(), Error> {
        let task: TaskRef = steelyard_json::read(body.as_bytes())?;
        Ok(self.collector.work(&task).await?)
    }
}

impl Function for Debits {
    async fn handle(&self, event: Value, _: Invocation) -> Result<Value, Error> {
        each_message_in_turn(event, |message| async move { self.message(&message.body).await })
            .await
    }
}
