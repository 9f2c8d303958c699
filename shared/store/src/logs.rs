//! What was read of logs in S3, in the usage table, until it expires.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use steelyard_billing::{LogReading, ObjectName};

use crate::item::{number, to_item};
use crate::query::Range;
use crate::schema::{EXPIRES_AT_S, LOGS_PREFIX};
use crate::writes::{Writes, Written};
use crate::{Found, StoreError, UsageTable};

const NOTE: &str = "note what was read of a log";
const READ: &str = "read what was read of logs";

/// For how long a reading is noted. Reading an object again after that counts nothing twice: its
/// reports say so.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24 * 100);

impl UsageTable {
    /// Notes a reading, over what was noted of it before. False if a later pass noted it: that one
    /// stands.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table fails.
    pub async fn note_log(&self, reading: &LogReading) -> Result<bool, StoreError> {
        let pk = logs_pk(logs_day(reading.stored_at_s));
        let sk = log_sk(&reading.object, reading.from_segment);
        let mut item = to_item(NOTE, pk, sk, reading)?;
        let expires_at: Timestamp = reading.noted_at_s + KEPT_FOR;
        item.insert(EXPIRES_AT_S.to_owned(), number(expires_at.as_second()));
        let mut writes = Writes::new(&self.table, NOTE);
        writes.put_unless_larger(item, ("pass", number(reading.pass)));
        match writes.write(&self.client).await? {
            Written::All => Ok(true),
            Written::ConditionFailed(_) => Ok(false),
        }
    }

    /// The reading of an object that began at a segment; none if none is noted.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table, or the reading, cannot be read.
    pub async fn log_reading(
        &self,
        object: &ObjectName,
        stored_at: Timestamp,
        from_segment: u32,
    ) -> Result<Option<LogReading>, StoreError> {
        let pk = logs_pk(logs_day(stored_at));
        let range = Range::one(&self.table, pk, log_sk(object, from_segment));
        range.record(&self.client, READ).await
    }

    /// The readings of objects that S3 got on a day of UTC, those of one object after one another.
    /// One that cannot be read fails alone.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn log_readings(&self, day: Date) -> Result<Found<LogReading>, StoreError> {
        let range = Range::prefix(&self.table, logs_pk(day), "");
        Ok(Found::of(READ, range.all(&self.client, READ).await?))
    }

    /// The readings of an object that S3 got on a day of UTC.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn readings_of_log(
        &self,
        object: &ObjectName,
        day: Date,
    ) -> Result<Found<LogReading>, StoreError> {
        let prefix = format!("{}#", object.digest());
        let range = Range::prefix(&self.table, logs_pk(day), &prefix);
        Ok(Found::of(READ, range.all(&self.client, READ).await?))
    }
}

/// The day of UTC under which the readings of an object are noted, by when S3 got it.
fn logs_day(stored_at: Timestamp) -> Date {
    stored_at.to_zoned(TimeZone::UTC).date()
}

fn logs_pk(day: Date) -> String {
    format!("{LOGS_PREFIX}{day}")
}

fn log_sk(object: &ObjectName, from_segment: u32) -> String {
    format!("{}#{from_segment:010}", object.digest())
}
