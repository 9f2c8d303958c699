//! Runs over bills, in parts, and days that could not be reconciled.

use jiff::civil::Date;
use steelyard_billing::reconciliation::{BillPart, BillRun, DayFailure};

use crate::item::{from_item, number, string, text, to_item};
use crate::query::Range;
use crate::schema::{
    BILL_PART_PREFIX, BILL_RUN, DAY_FAILURE, RUN_ID, SK, VERSION, bill_part_sk, bill_run_pk,
};
use crate::writes::Index;
use crate::{BillingTable, StoreError, Writes};

const READ: &str = "read a run over a bill";

/// A run over the bill of a day, with the parts that are stored of the day. Some may be of an
/// earlier run.
#[derive(Clone, Debug)]
pub struct StoredRun {
    /// The run, with the file that it reads.
    pub run: BillRun,
    /// The parts, in their order.
    pub parts: Vec<BillPart>,
}

impl BillingTable {
    /// The latest run over the bill of a day; none if the day has ended.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table, the run or a part cannot be read.
    pub async fn bill_run(&self, day: Date) -> Result<Option<StoredRun>, StoreError> {
        let range = Range::prefix(&self.table, bill_run_pk(day), "");
        let (mut run, mut parts) = (None, Vec::new());
        for item in range.all(&self.client, READ).await? {
            let sk = text(READ, &item, SK)?;
            if sk == BILL_RUN {
                run = Some(from_item(READ, item)?);
            } else if sk.starts_with(BILL_PART_PREFIX) {
                parts.push(from_item(READ, item)?);
            }
        }
        Ok(run.map(|run| StoredRun { run, parts }))
    }

    /// Why a day could not be reconciled; none if it was, or was never tried.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table, or the item, cannot be read.
    pub async fn day_failure(&self, day: Date) -> Result<Option<DayFailure>, StoreError> {
        let range = Range::one(&self.table, bill_run_pk(day), DAY_FAILURE.to_owned());
        range.record(&self.client, READ).await
    }
}

impl Writes {
    /// Writes a run over the bill of a day, in place of the run before.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be put into DynamoDB's form.
    pub fn bill_run(&mut self, run: &BillRun) -> Result<(), StoreError> {
        let (pk, sk) = (bill_run_pk(run.day), BILL_RUN.to_owned());
        self.put_always(to_item(self.operation, pk, sk, run)?);
        Ok(())
    }

    /// Writes a part of a run over what is stored of it, or a new one.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be put into DynamoDB's form.
    pub fn bill_part(
        &mut self,
        day: Date,
        before: Option<&BillPart>,
        after: &BillPart,
    ) -> Result<(), StoreError> {
        let version = before.map_or(0, |before| before.version + 1);
        let after = BillPart { version, ..after.clone() };
        let keys = (bill_run_pk(day), bill_part_sk(after.part));
        self.change(keys, before.map(|before| (before, before.version)), &after, Index::default())
    }

    /// Deletes a run with its parts, unless another run took its place or one of the parts changed.
    pub fn end_bill_run(&mut self, stored: &StoredRun) {
        let pk = bill_run_pk(stored.run.day);
        let id = string(stored.run.id.to_string());
        self.delete_over((pk.clone(), BILL_RUN.to_owned()), RUN_ID, id);
        for part in &stored.parts {
            let keys = (pk.clone(), bill_part_sk(part.part));
            self.delete_over(keys, VERSION, number(part.version));
        }
    }

    /// Writes why a day could not be reconciled, in place of the reason before.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be put into DynamoDB's form.
    pub fn day_failure(&mut self, failure: &DayFailure) -> Result<(), StoreError> {
        let (pk, sk) = (bill_run_pk(failure.day), DAY_FAILURE.to_owned());
        self.put_always(to_item(self.operation, pk, sk, failure)?);
        Ok(())
    }

    /// Deletes the reason for which a day could not be reconciled. Doing so again changes nothing.
    pub fn no_day_failure(&mut self, day: Date) {
        self.delete(&bill_run_pk(day), DAY_FAILURE.to_owned());
    }
}
