//! The queue of notifications in the books.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};
use steelyard_alipay::beijing_time;

use super::PendingNotification;
use crate::books::{Books, BooksError, TradeStatus, instant};

/// How long after each try the next one comes. Source: Alipay's guide to notifications.
const RETRY_AFTER: [SignedDuration; 7] = [
    SignedDuration::from_mins(4),
    SignedDuration::from_mins(10),
    SignedDuration::from_mins(10),
    SignedDuration::from_hours(1),
    SignedDuration::from_hours(2),
    SignedDuration::from_hours(6),
    SignedDuration::from_hours(15),
];

/// The order in which notifications are sent.
const IN_ORDER: &str = "ORDER BY due_at_s, notification_id";

impl Books {
    /// See [`LocalAlipay::next_notification_at`](super::LocalAlipay::next_notification_at).
    pub(super) fn next_notification_at(&mut self) -> Result<Option<Timestamp>, BooksError> {
        self.transact(|sqlite| {
            let next: Option<i64> = sqlite.query_row(
                "SELECT MIN(at_s) FROM (
                     SELECT due_at_s AS at_s FROM notifications WHERE NOT is_held
                     UNION ALL SELECT expires_at_s FROM trades
                         WHERE status = ?1 AND notify_url IS NOT NULL
                     UNION ALL SELECT late_until_s FROM trades
                         WHERE status = ?2 AND notify_url IS NOT NULL)",
                [TradeStatus::WaitBuyerPay.as_str(), TradeStatus::Late.as_str()],
                |row| row.get(0),
            )?;
            next.map(instant).transpose()
        })
    }

    /// The notification that is sent next, if it is due.
    pub(super) fn next_due(
        &mut self,
        now: Timestamp,
    ) -> Result<Option<PendingNotification>, BooksError> {
        self.transact(|sqlite| {
            let query = format!(
                "SELECT * FROM notifications WHERE NOT is_held AND due_at_s <= ?1 {IN_ORDER} LIMIT 1"
            );
            sqlite.query_row(&query, [now.as_second()], read).optional()
        })
    }

    /// The notifications that wait.
    pub(super) fn notifications(&mut self) -> Result<Vec<PendingNotification>, BooksError> {
        self.transact(|sqlite| {
            let mut statement =
                sqlite.prepare("SELECT * FROM notifications ORDER BY notification_id")?;
            statement.query_map([], read)?.collect()
        })
    }

    /// Forgets the notifications that wait.
    pub(super) fn drop_notifications(&mut self) -> Result<(), BooksError> {
        self.transact(|sqlite| sqlite.execute("DELETE FROM notifications", []).map(drop))
    }

    /// Forgets a notification that is confirmed, lost or given up.
    pub(super) fn forget(&mut self, sent: &PendingNotification) -> Result<(), BooksError> {
        self.transact(|sqlite| {
            let query = "DELETE FROM notifications WHERE notification_id = ?1";
            sqlite.execute(query, [sent.notification_id]).map(drop)
        })
    }

    /// Lets a notification that was not confirmed be sent again, or gives it up.
    pub(super) fn retry(
        &mut self,
        sent: &PendingNotification,
        now: Timestamp,
    ) -> Result<(), BooksError> {
        let retry_after = usize::try_from(sent.tries).ok().and_then(|n| RETRY_AFTER.get(n));
        let Some(retry_after) = retry_after else { return self.forget(sent) };
        self.transact(|sqlite| {
            sqlite.execute(
                "UPDATE notifications SET tries = tries + 1, due_at_s = ?2 WHERE notification_id = ?1",
                params![sent.notification_id, now.as_second() + retry_after.as_secs()],
            )
        })?;
        Ok(())
    }

    /// Holds a notification back until another one is sent.
    pub(super) fn hold(&mut self, held: &PendingNotification) -> Result<(), BooksError> {
        self.transact(|sqlite| {
            let query = "UPDATE notifications SET is_held = 1 WHERE notification_id = ?1";
            sqlite.execute(query, [held.notification_id]).map(drop)
        })
    }

    /// Lets go of what was held back.
    pub(super) fn release(&mut self) -> Result<(), BooksError> {
        self.transact(|sqlite| sqlite.execute("UPDATE notifications SET is_held = 0", []).map(drop))
    }

    /// Sets the application's own address.
    pub(super) fn set_app_gateway(&mut self, address: Option<&str>) -> Result<(), BooksError> {
        self.transact(|sqlite| {
            sqlite.execute("DELETE FROM app_gateway", [])?;
            if let Some(address) = address {
                sqlite.execute("INSERT INTO app_gateway VALUES (?1)", [address])?;
            }
            Ok(())
        })
    }
}

/// The application's own address.
pub(super) fn app_gateway(sqlite: &Connection) -> Result<Option<String>, rusqlite::Error> {
    sqlite.query_row("SELECT address FROM app_gateway", [], |row| row.get(0)).optional()
}

/// Queues a notification, to be sent at once; nothing when there is no address for it.
pub(super) fn queue(
    sqlite: &Connection,
    address: Option<String>,
    parameters: &BTreeMap<String, String>,
    now: Timestamp,
) -> Result<(), rusqlite::Error> {
    let Some(address) = address else { return Ok(()) };
    let parameters = serde_json::to_string(parameters).expect("a map of texts has a JSON");
    sqlite.execute(
        "INSERT INTO notifications (address, parameters, queued_at_s, due_at_s) VALUES (?1, ?2, ?3, ?3)",
        params![address, parameters, now.as_second()],
    )?;
    Ok(())
}

fn read(row: &Row<'_>) -> Result<PendingNotification, rusqlite::Error> {
    let notification_id: i64 = row.get("notification_id")?;
    let text: String = row.get("parameters")?;
    let mut parameters: BTreeMap<String, String> =
        serde_json::from_str(&text).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error))
        })?;
    let notify_id = notify_id(notification_id, instant(row.get("queued_at_s")?)?);
    parameters.insert("notify_id".to_owned(), notify_id);
    Ok(PendingNotification {
        address: row.get("address")?,
        parameters,
        due_at: instant(row.get("due_at_s")?)?,
        tries: row.get("tries")?,
        is_held: row.get("is_held")?,
        notification_id,
    })
}

/// 34 digits, as Alipay's: the Beijing day, five that are the same for all, and a serial number.
fn notify_id(notification_id: i64, queued_at: Timestamp) -> String {
    format!("{}00222{notification_id:021}", beijing_time(queued_at).strftime("%Y%m%d"))
}
