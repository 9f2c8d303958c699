//! The notify function: books what Alipay notifies.
//!
//! `POST /alipay/notify` is the only route without credentials: Alipay has none of AWS. So the
//! function is separate from the others. It holds Alipay's public key and no private key, and may
//! write only what a notification changes. The signature of a notification is its only proof.

use aws_lambda_events::event::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use serde_json::Value;
use std::sync::Arc;
use steelyard_alipay::NotificationReader;
use steelyard_billing::Notice;
use steelyard_books::{Books, Noted, NoticeError};
use steelyard_runtime::web::{self, BodyError};
use steelyard_runtime::{Clock, Environment, Error, Function, Invocation, aws, chain};
use steelyard_store::BillingTable;

/// The path to which Alipay posts notifications.
pub const NOTIFY_PATH: &str = "/alipay/notify";

/// The most bytes of a notification: 64 KiB. A real one has two to three KiB.
pub const NOTIFICATION_MAX_BYTES: usize = 64 * 1024;

/// The notify function: it books Alipay's notifications.
#[derive(Clone, Debug)]
pub struct Notify {
    books: Books,
    reader: Arc<NotificationReader>,
    /// The number of our account at Alipay.
    seller_id: String,
    clock: Clock,
}

impl Notify {
    /// The function over the books. `seller_id` is the number of our account at Alipay.
    #[must_use]
    pub fn new(
        books: Books,
        reader: NotificationReader,
        seller_id: String,
        clock: Clock,
    ) -> Notify {
        Notify { books, reader: Arc::new(reader), seller_id, clock }
    }

    /// The function as its environment variables describe it.
    ///
    /// # Errors
    ///
    /// When a variable is missing or invalid; the error names it.
    pub fn from_environment(environment: &Environment) -> Result<Notify, Error> {
        let rules = environment.debit_rules()?;
        let table = environment.required("BILLING_TABLE")?;
        let seller_id = environment.required("ALIPAY_SELLER_ID")?;
        let app_id = environment.required("ALIPAY_APP_ID")?;
        let reader = NotificationReader::new(app_id, &environment.required("ALIPAY_PUBLIC_KEY")?)?;
        let config = aws::in_lambda(environment)?;
        let books = Books::new(BillingTable::new(aws::dynamodb(&config), table), rules);
        Ok(Notify::new(books, reader, seller_id, Clock::system()))
    }

    /// Answers `success` after the notification is stored. Alipay repeats it after any other
    /// answer.
    async fn answer(&self, request: ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
        if let Some(refusal) = web::refusal(&request, NOTIFY_PATH) {
            return refusal;
        }
        let form = match web::body(request, NOTIFICATION_MAX_BYTES) {
            Ok(form) => form,
            Err(error @ BodyError::TooLarge { .. }) => return refused(413, "size", &chain(&error)),
            Err(error) => return refused(400, "the encoding", &chain(&error)),
        };
        match self.reader.read(&form) {
            Ok(notification) => self.apply(notification.notice()).await,
            Err(error) => refused(400, "the signature", &chain(&error)),
        }
    }

    async fn apply(&self, notice: &Notice) -> ApiGatewayV2httpResponse {
        match self.books.apply_notice(notice, &self.seller_id, self.clock.now()).await {
            Ok(Noted::Booked) => {
                tracing::info!(kind = kind(notice), "a notification is booked");
                web::text_answer(200, "success")
            }
            Ok(Noted::Nothing) => {
                tracing::info!(
                    // The template makes a metric of it.
                    repeated_notifications = 1,
                    "a notification says nothing new"
                );
                web::text_answer(200, "success")
            }
            Err(NoticeError::Books(error)) => {
                tracing::error!(error = chain(&error), "a notification could not be stored");
                web::text_answer(503, "failure")
            }
            Err(error) => {
                if let NoticeError::Contradicts = error {
                    tracing::error!(
                        // The template makes a metric of it.
                        contradictions = 1,
                        "a notification contradicts the books"
                    );
                }
                refused(400, "the books", &chain(&error))
            }
        }
    }
}

fn kind(notice: &Notice) -> &str {
    match notice {
        Notice::Trade(_) => "trade",
        Notice::AgreementSigned(_) => "agreement signed",
        Notice::AgreementEnded(_) => "agreement ended",
        Notice::Other { kind } => kind,
    }
}

/// The answer to a notification that is refused. Alipay sends it again a few times.
fn refused(status: u16, by: &str, error: &str) -> ApiGatewayV2httpResponse {
    // The template makes a metric of it.
    tracing::warn!(by, error, refused_notifications = 1, "a notification is refused");
    web::text_answer(status, "failure")
}

impl Function for Notify {
    async fn handle(&self, event: Value, _: Invocation) -> Result<Value, Error> {
        let answer = self.answer(serde_json::from_value(event)?).await;
        Ok(serde_json::to_value(answer)?)
    }
}
