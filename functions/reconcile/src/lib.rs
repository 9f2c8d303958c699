//! The reconcile function: every morning, Alipay's bill of the day before is held against the
//! books.
//!
//! What the bill has and the books held in doubt, or for dead, is booked: the last net for lost
//! answers and lost notifications. What the books have and neither the bill of its day nor the next
//! has, or what differs, is reported once, and stays open until a person closes it. A day that
//! cannot be reconciled fails alone: the days after it proceed, and the next run tries it again.
//!
//! A schedule starts it. It fetches and keeps the bill of a day and sends a message for each part
//! of it to its own queue; each message works on the rows of a part, with a few of them in memory,
//! and goes on in a new message before the time is up. The last part ends the day and begins the
//! next.

mod archive;
mod reconciler;
mod rows;

use std::sync::Arc;

use serde_json::{Value, json};
use steelyard_books::Books;
use steelyard_runtime::{
    Buckets, Clock, Environment, Error, Function, Invocation, alipay, aws, chain, each_message,
    is_batch,
};
use steelyard_store::BillingTable;

pub use archive::{Archive, ArchiveError};
pub use reconciler::{DaysBegun, ReconcileError, ReconcileMessage, Reconciler};

/// The reconcile function: it compares the books with Alipay's bills.
#[derive(Clone, Debug)]
pub struct Reconcile {
    reconciler: Arc<Reconciler>,
}

impl Reconcile {
    /// The function over a reconciler.
    #[must_use]
    pub fn new(reconciler: Reconciler) -> Reconcile {
        Reconcile { reconciler: Arc::new(reconciler) }
    }

    /// The function as its environment variables and its secret describe it.
    ///
    /// # Errors
    ///
    /// When a variable is missing or makes no sense, or the secret can't be read; named.
    pub async fn from_environment(environment: &Environment) -> Result<Reconcile, Error> {
        let rules = environment.debit_rules()?;
        let table = environment.required("BILLING_TABLE")?;
        let bills = environment.required("BILL_BUCKET")?;
        let config = aws::in_lambda(environment)?;
        let queue = aws::queue(&config, environment.required("RECONCILE_QUEUE_URL")?);
        let alipay = alipay::client(environment, &config).await?;
        let books = Books::new(BillingTable::new(aws::dynamodb(&config), table), rules);
        let bills = Buckets::in_lambda(environment, &config)?.named(bills)?;
        let archive = Archive::Bucket(Box::new(bills));
        let clock = Clock::system();
        Ok(Reconcile::new(Reconciler::new(books, alipay, archive, queue, clock)))
    }
}

impl Function for Reconcile {
    /// Works on parts of bills, or begins what is due, or the day that the event names:
    /// `{"day": "2026-03-01"}`.
    async fn handle(&self, event: Value, invocation: Invocation) -> Result<Value, Error> {
        if is_batch(&event) {
            return each_message(event, |message| async move {
                let message = steelyard_json::read(message.body.as_bytes())?;
                self.reconciler.message(message, invocation).await
            })
            .await;
        }
        let days = match event["day"].as_str() {
            Some(day) => self.reconciler.day(day.parse()?).await?,
            None => self.reconciler.all(invocation).await?,
        };
        let failed =
            days.failed.iter().map(|(day, error)| json!({ "day": day, "error": chain(error) }));
        Ok(json!({
            "days": days.done,
            "begun": days.begun,
            "failed": failed.collect::<Vec<_>>(),
        }))
    }
}
