//! The debit function: does what is due through Alipay. It withholds, finds out what is in doubt,
//! asks whether recharges were paid, and gives money back.
//!
//! Each message names one record of a provider. Whatever is asked of Alipay is stored before it is
//! asked, and what came of it is stored together with the journal entry; in between, it is in doubt,
//! and only a query tells.

mod breaker;
mod debit;
mod mandate;
mod recharge;
mod refund;
mod visit;

use std::sync::Arc;

use serde_json::Value;
use steelyard_alipay::SignScene;
use steelyard_billing::TaskRef;
use steelyard_runtime::{
    Clock, Environment, Error, Function, Invocation, alipay, aws, each_message,
};
use steelyard_store::BillingTable;

pub use visit::{Collector, WorkError};

/// The function.
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
    /// When a variable is missing or makes no sense, or the secret can't be read; told by name.
    pub async fn from_environment(environment: &Environment) -> Result<Debits, Error> {
        let terms = environment.debit_terms()?;
        let table = environment.required("BILLING_TABLE")?;
        let queue = environment.required("DEBIT_QUEUE_URL")?;
        let sign_scene = SignScene::parse(&environment.required("ALIPAY_SIGN_SCENE")?)?;
        let config = aws::in_lambda(environment)?;
        let alipay = alipay::client(environment, &config).await?;
        let billing = BillingTable::new(aws::dynamodb(&config), table);
        let queue = aws::queue(&config, queue);
        let clock = Clock::system();
        Ok(Debits::new(Collector { billing, alipay, queue, terms, sign_scene, clock }))
    }

    async fn message(&self, body: &str) -> Result<(), Error> {
        let visit: TaskRef = serde_json::from_str(body)?;
        Ok(self.collector.visit(&visit).await?)
    }
}

impl Function for Debits {
    async fn handle(&self, event: Value, _: Invocation) -> Result<Value, Error> {
        each_message(event, |body| async move { self.message(&body).await }).await
    }
}
