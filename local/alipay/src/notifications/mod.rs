//! Notifications: what the local Alipay sends on its own, on Alipay's schedule.
//!
//! One is queued in the books in the transaction that it reports. [`LocalAlipay::deliver_due`]
//! sends what is due; the owner of the clock calls it.

mod fields;
mod form;
mod queue;
mod sending;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::LocalAlipay;
use super::books::BooksError;
use super::charset::Charset;
use super::fault::NotificationFault;

pub(super) use fields::{TradeEvent, logon_id, queue_ended, queue_signed, queue_trade, time};
pub use sending::Receiver;
pub(super) use sending::{HttpClient, add_a_fen, client};

/// A notification that waits to be sent, or to be sent again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PendingNotification {
    /// The address that gets it.
    pub address: String,
    /// All of its fields but `sign`. `notify_time` is set anew whenever it is sent.
    pub parameters: BTreeMap<String, String>,
    /// When it is sent next.
    pub due_at: Timestamp,
    /// How often it was sent.
    pub tries: u32,
    /// Whether it is held back until after the next one.
    pub is_held: bool,
    #[serde(skip)]
    notification_id: i64,
}

impl LocalAlipay {
    /// When there is next something to send: what waits, or what the close of a trade that nobody
    /// paid will cause.
    ///
    /// # Errors
    ///
    /// [`BooksError`] when SQLite refuses.
    pub fn next_notification_at(&self) -> Result<Option<Timestamp>, BooksError> {
        self.books().next_notification_at()
    }

    /// Sends every notification that is due over HTTP; see [`LocalAlipay::deliver_due_to`].
    ///
    /// # Errors
    ///
    /// [`BooksError`] when SQLite refuses.
    pub async fn deliver_due(&self, now: Timestamp) -> Result<usize, BooksError> {
        self.deliver_due_to(self.http(), now).await
    }

    /// Sends every notification that is due to a receiver. One that is not answered by `success`
    /// is sent again after 4, 10 and 10 minutes, 1, 2, 6 and 15 hours, and then given up.
    ///
    /// Returns how many were sent.
    ///
    /// # Errors
    ///
    /// [`BooksError`] when SQLite refuses.
    pub async fn deliver_due_to(
        &self,
        receiver: &impl Receiver,
        now: Timestamp,
    ) -> Result<usize, BooksError> {
        self.books().pass_time(now)?;
        let mut sent = 0;
        while let Some(notification) = self.next_due(now)? {
            sent += self.deliver(receiver, notification, now).await?;
        }
        Ok(sent)
    }

    /// The notifications that wait, in the order in which they were queued.
    ///
    /// # Errors
    ///
    /// [`BooksError`] when SQLite refuses.
    pub fn notifications(&self) -> Result<Vec<PendingNotification>, BooksError> {
        self.books().notifications()
    }

    /// Forgets the notifications that wait.
    ///
    /// # Errors
    ///
    /// [`BooksError`] when SQLite refuses.
    pub fn drop_notifications(&self) -> Result<(), BooksError> {
        self.books().drop_notifications()
    }

    /// Lets the next `times` notifications go wrong, after the faults that already wait for them.
    pub fn fail_next_notifications(&self, fault: NotificationFault, times: usize) {
        self.faults().push_notification(fault, times);
    }

    /// The address that Alipay notifies when a payer ends an agreement, and of agreements that say
    /// no address of their own; an empty text notifies nobody. It is kept in the books.
    ///
    /// # Errors
    ///
    /// [`BooksError`] when SQLite refuses.
    pub fn set_app_gateway(&self, address: Option<&str>) -> Result<(), BooksError> {
        self.books().set_app_gateway(address)
    }

    /// The body of a genuine notification with these fields.
    #[must_use]
    pub fn signed_form(&self, parameters: &BTreeMap<String, String>) -> String {
        form::signed(parameters, Charset::Utf8, &self.keys().alipay)
    }

    /// The body of a notification with these fields that another key signed.
    #[must_use]
    pub fn forged_form(&self, parameters: &BTreeMap<String, String>) -> String {
        form::signed(parameters, Charset::Utf8, &self.keys().foreign)
    }

    /// The body of a genuine notification with these fields in GBK.
    #[must_use]
    pub fn signed_form_in_gbk(&self, parameters: &BTreeMap<String, String>) -> String {
        self.signed_form_in(parameters, Charset::Gbk)
    }

    /// The body of a genuine notification with these fields and the label of a charset, in that
    /// charset.
    fn signed_form_in(&self, parameters: &BTreeMap<String, String>, charset: Charset) -> String {
        let mut parameters = parameters.clone();
        parameters.extend(charset.label().map(|label| ("charset".to_owned(), label.to_owned())));
        form::signed(&parameters, charset, &self.keys().alipay)
    }

    fn next_due(&self, now: Timestamp) -> Result<Option<PendingNotification>, BooksError> {
        self.books().next_due(now)
    }
}
