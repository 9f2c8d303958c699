//! The debit function: withholds from Alipay what is due.
//!
//! Each message names one debit. Whatever is asked of Alipay is stored before it is asked, and what
//! came of it is stored together with the journal entry; in between, the debit is in doubt, and
//! only a query tells.

mod config;
mod visit;

use std::sync::Arc;

use serde_json::Value;
use steelyard_billing::DebitRef;
use steelyard_runtime::{Clock, Environment, Error, Function, Invocation, aws, each_message};
use steelyard_store::BillingTable;

pub use visit::{Collector, VisitError};

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
        let config = aws::in_lambda(environment)?;
        let alipay =
            config::alipay(environment, &aws_sdk_secretsmanager::Client::new(&config)).await?;
        let billing = BillingTable::new(aws::dynamodb(&config), table);
        Ok(Debits::new(Collector::new(billing, alipay, terms, Clock::system())))
    }

    async fn message(&self, body: &str) -> Result<(), Error> {
        let debit: DebitRef = serde_json::from_str(body)?;
        Ok(self.collector.visit(&debit).await?)
    }
}

impl Function for Debits {
    async fn handle(&self, event: Value, _: Invocation) -> Result<Value, Error> {
        each_message(event, |body| async move { self.message(&body).await }).await
    }
}
