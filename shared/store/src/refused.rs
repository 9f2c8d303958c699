//! What was refused of queued usage reports, in the usage table, until it expires.

use jiff::{SignedDuration, Timestamp};
use steelyard_billing::{RefusedReport, ReportId, SourceId};

use crate::item::{Item, number, to_item};
use crate::query::Range;
use crate::schema::{EXPIRES_AT_S, REFUSED};
use crate::writes::{Writes, Written};
use crate::{Found, StoreError, UsageTable};

const NOTE: &str = "note a refused report";
const READ: &str = "read refused reports";

/// For how long a refused report is noted: longer than its message stays in the dead-letter queue.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24 * 35);

impl UsageTable {
    /// Notes what was refused of a report. A report that was noted before keeps its first note.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table fails.
    pub async fn note_refused(&self, refused: &RefusedReport) -> Result<(), StoreError> {
        let sk = refused_sk(&refused.source, &refused.report);
        let mut item = to_item(NOTE, REFUSED.to_owned(), sk, refused)?;
        let expires_at: Timestamp = refused.refused_at_s + KEPT_FOR;
        item.insert(EXPIRES_AT_S.to_owned(), number(expires_at.as_second()));
        let mut writes = Writes::new(&self.table, NOTE);
        writes.put_new(item);
        match writes.write(&self.client).await? {
            Written::All | Written::ConditionFailed(_) => Ok(()),
        }
    }

    /// What was refused of queued reports, by source and report. One that cannot be read fails
    /// alone.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn refused_reports(&self) -> Result<Found<RefusedReport>, StoreError> {
        let range = Range::prefix(&self.table, REFUSED.to_owned(), "");
        let items: Vec<Item> = range.all(&self.client, READ).await?;
        Ok(Found::of(READ, items))
    }

    /// What was refused of the report of a sort key; none if it is no longer noted.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn refused_report(&self, key: &str) -> Result<Option<RefusedReport>, StoreError> {
        let range = Range::one(&self.table, REFUSED.to_owned(), key.to_owned());
        range.record(&self.client, READ).await
    }
}

fn refused_sk(source: &SourceId, report: &ReportId) -> String {
    format!("{source}#{report}")
}
