//! Runs over the bill of a day, in parts. A run is stored with each part and how far it is, so that
//! it goes on from there whatever crashes, and ends when all parts have.

use jiff::Timestamp;
use jiff::civil::Date;
use steelyard_billing::reconciliation::{
    BillCursor, BillPart, BillRun, BillRunId, BillTally, DayFailure,
};
use steelyard_billing::{BillFile, Finding, FindingKind, Reconciliation, UnreadableRow};
use steelyard_store::schema::{BILL_PARTS, bill_part};
use steelyard_store::{StoredRun, Unreadable};

use crate::bill::{RowsDone, count};
use crate::change::{Decision, change};
use crate::finding::Reported;
use crate::{BookError, Books};

const BEGIN: &str = "begin a run over a bill";
const TRY: &str = "try a part of a bill";
const SAVE: &str = "save a part of a bill";
const END: &str = "end a run over a bill";
const STORE: &str = "store a reconciliation";
const FAIL: &str = "note that a day failed";

/// What is to be done about a part of a bill.
#[derive(Debug)]
pub enum PartStep {
    /// Nothing: the run has ended, or another took its place.
    Superseded,
    /// Nothing about the part, which has ended. The run may end by it.
    Ended,
    /// Its rows behind the cursor.
    Work(Box<BillRun>, Box<BillPart>),
}

/// The outcome of a day, when its last part is done.
#[derive(Debug)]
pub enum DayEnd {
    /// The day is reconciled, and its result is stored.
    Reconciled {
        /// The counts and the findings, those of earlier runs included.
        result: Box<Reconciliation>,
        /// What of it was not reported before.
        new: Vec<Finding>,
        /// What the books expected and cannot be read.
        unreadable: Vec<Unreadable>,
    },
    /// Rows of the bill could not be booked, so that the day is to be tried again.
    Failed(DayFailure),
}

impl Books {
    /// Begins a run over the bill of a day. Its parts are those that have rows.
    ///
    /// # Errors
    ///
    /// [`BookError`] when the table cannot be written.
    pub async fn begin_bill_run(&self, run: &BillRun) -> Result<(), BookError> {
        change(&self.billing, BEGIN, move |_| async move {
            let mut writes = self.billing.writes(BEGIN);
            writes.bill_run(run)?;
            Ok::<_, BookError>(Decision::Save(writes, ()))
        })
        .await
    }

    /// What is to be done about a part of a bill. A part that gets no further however often it is
    /// tried is given up.
    ///
    /// # Errors
    ///
    /// [`BookError`] when the table fails.
    pub async fn try_part(
        &self,
        day: Date,
        id: &BillRunId,
        part: u8,
    ) -> Result<PartStep, BookError> {
        change(&self.billing, TRY, move |_| async move {
            let Some(StoredRun { run, parts }) = self.run(day, id).await? else {
                return Ok(Decision::Keep(PartStep::Superseded));
            };
            let before = parts.into_iter().find(|of| of.part == part);
            let of_run = before.clone().filter(|before| before.run == *id);
            if of_run.as_ref().is_some_and(|part| part.has_ended) {
                return Ok(Decision::Keep(PartStep::Ended));
            }
            let tried = of_run.unwrap_or_else(|| BillPart::new(id.clone(), part)).tried();
            let mut writes = self.billing.writes(TRY);
            writes.bill_part(day, before.as_ref(), &tried)?;
            let version = before.map_or(0, |before| before.version + 1);
            let step = match tried.has_ended {
                true => PartStep::Ended,
                false => PartStep::Work(Box::new(run), Box::new(BillPart { version, ..tried })),
            };
            Ok::<_, BookError>(Decision::Save(writes, step))
        })
        .await
    }

    /// Saves how far a part is, after some rows up to one. What the rows confirm is expected no
    /// more, and each difference is reported once. Returns what of it was not reported before, or
    /// none if another worker has the part.
    ///
    /// # Errors
    ///
    /// [`BookError`] when the table fails; doing the rows again is safe.
    pub async fn save_part(
        &self,
        day: Date,
        before: &BillPart,
        rows: RowsDone,
        unreadable: &[UnreadableRow],
        (done, has_ended): (BillCursor, bool),
    ) -> Result<Option<Vec<Finding>>, BookError> {
        self.show_confirmed(before.part, &rows).await?;
        let mut findings = rows.findings;
        findings.extend(unreadable.iter().map(|row| unreadable_row(day, row)));
        let Reported { of_the_day, new } = self.report(findings, day).await?;
        let mut tally = BillTally {
            rows: rows.rows,
            matched: rows.matched,
            unreadable_rows: count(unreadable.len()),
            failed_rows: rows.failed_rows,
            failure: rows.failure,
            ..BillTally::default()
        };
        tally.find(of_the_day);
        let after = &before.clone().after(tally, done, has_ended);
        let is_saved = change(&self.billing, SAVE, move |_| async move {
            let stored = self.run(day, &before.run).await?;
            let mut parts = stored.map(|stored| stored.parts).unwrap_or_default().into_iter();
            let stored = parts.find(|of| of.part == before.part);
            if stored.as_ref().is_some_and(|stored| {
                *after == BillPart { version: before.version, ..stored.clone() }
            }) {
                return Ok(Decision::Keep(true));
            }
            if stored.as_ref() != Some(before) {
                return Ok(Decision::Keep(false));
            }
            let mut writes = self.billing.writes(SAVE);
            writes.bill_part(day, Some(before), after)?;
            Ok::<_, BookError>(Decision::Save(writes, true))
        })
        .await?;
        Ok(is_saved.then_some(new))
    }

    /// Ends the day of a run whose parts have all ended. None if one has not, or another run took
    /// its place. The run stays until [`Books::end_bill_run`], so that the day ends again if
    /// something crashes before that; the result is the same.
    ///
    /// # Errors
    ///
    /// [`BookError`] when the table fails.
    pub async fn end_day(
        &self,
        day: Date,
        id: &BillRunId,
        now: Timestamp,
    ) -> Result<Option<(StoredRun, DayEnd)>, BookError> {
        let Some(stored) = self.run(day, id).await? else { return Ok(None) };
        if !stored.run.has_ended(&stored.parts) {
            return Ok(None);
        }
        let tally = stored.run.tally(&stored.parts);
        let end = match &tally.failure {
            None => self.finish_day(day, Some(stored.run.bill.clone()), tally, now).await?,
            Some(first) => {
                let why = format!(
                    "cannot book {} rows of the bill of {day}; the first is of trade `{}`: {}",
                    tally.failed_rows, first.trade, first.why
                );
                DayEnd::Failed(self.fail_day(day, why, now).await?)
            }
        };
        Ok(Some((stored, end)))
    }

    /// Deletes a run whose day has ended.
    ///
    /// # Errors
    ///
    /// [`BookError`] when the table fails.
    pub async fn end_bill_run(&self, run: &BillRun) -> Result<(), BookError> {
        change(&self.billing, END, move |_| async move {
            let Some(stored) = self.run(run.day, &run.id).await? else {
                return Ok(Decision::Keep(()));
            };
            let mut writes = self.billing.writes(END);
            writes.end_bill_run(&stored);
            Ok::<_, BookError>(Decision::Save(writes, ()))
        })
        .await
    }

    /// Stores why a day could not be reconciled.
    ///
    /// # Errors
    ///
    /// [`BookError`] when the table cannot be written.
    pub async fn fail_day(
        &self,
        day: Date,
        why: String,
        now: Timestamp,
    ) -> Result<DayFailure, BookError> {
        let failure = &DayFailure { day, why, failed_at_s: now };
        change(&self.billing, FAIL, move |_| async move {
            let mut writes = self.billing.writes(FAIL);
            writes.day_failure(failure)?;
            Ok::<_, BookError>(Decision::Save(writes, failure.clone()))
        })
        .await
    }

    /// Stores the result of a day's bill. What is overdue is reported, once. The result has what
    /// was found by earlier runs over the day, too.
    ///
    /// # Errors
    ///
    /// [`BookError`] when the table fails; doing it again is safe.
    pub async fn finish_day(
        &self,
        day: Date,
        bill: Option<BillFile>,
        mut tally: BillTally,
        now: Timestamp,
    ) -> Result<DayEnd, BookError> {
        let done = self.bills_done(day).await?;
        let (mut waiting, mut new, mut unreadable) = (0_u32, Vec::new(), Vec::new());
        for part in 0..BILL_PARTS {
            let left = self.billing.unmatched_between(part, Date::ZERO, day).await?;
            unreadable.extend(left.unreadable);
            let of_the_day = left.unmatched.iter().filter(|of| of.booked_on == day).count();
            waiting = waiting.saturating_add(count(of_the_day));
            let overdue = left.unmatched.into_iter().filter(|of| of.is_overdue(&done)).collect();
            let missing = self.never_shown(part, overdue).await?;
            let reported = self.report(missing, day).await?;
            tally.find(reported.of_the_day);
            new.extend(reported.new);
        }
        if let Some(before) = self.billing.reconciliation(day).await? {
            tally.find(before.findings);
        }
        let result = Reconciliation {
            day,
            bill,
            rows: tally.rows,
            matched: tally.matched,
            unreadable_rows: tally.unreadable_rows,
            findings: tally.findings,
            more_findings: tally.more_findings,
            waiting,
            reconciled_at_s: now,
            skipped: None,
        };
        self.store_day(&result).await?;
        Ok(DayEnd::Reconciled { result: Box::new(result), new, unreadable })
    }

    /// Stores the result of a day: it has failed no more.
    pub(crate) async fn store_day(&self, result: &Reconciliation) -> Result<(), BookError> {
        change(&self.billing, STORE, move |_| async move {
            let mut writes = self.billing.writes(STORE);
            writes.reconciliation(result)?;
            writes.no_day_failure(result.day);
            Ok::<_, BookError>(Decision::Save(writes, ()))
        })
        .await
    }

    /// A run over the bill of a day, unless it has ended or another took its place.
    async fn run(&self, day: Date, id: &BillRunId) -> Result<Option<StoredRun>, BookError> {
        let stored = self.billing.bill_run(day).await?;
        Ok(stored.filter(|stored| stored.run.id == *id))
    }

    /// Notes that the bill showed what the books expect by the numbers of its rows: some of it was
    /// booked since the part was first looked at, by a row or by something else.
    async fn show_confirmed(&self, part: u8, rows: &RowsDone) -> Result<(), BookError> {
        if rows.confirmed.is_empty() {
            return Ok(());
        }
        let mut unmatched = self.billing.unmatched_of(part).await?.unmatched;
        unmatched.retain(|of| rows.confirmed.get(&of.numbers()) == Some(&of.amount_fen));
        self.shown_all(unmatched).await
    }
}

/// The part of a bill that a row belongs to, by its numbers or, if it has none, by its line.
#[must_use]
pub fn part_of(out_trade_no: Option<&str>, trade_no: Option<&str>, line: u64) -> u8 {
    match out_trade_no.or(trade_no) {
        Some(number) => bill_part(number),
        None => bill_part(&line.to_string()),
    }
}

/// A row that cannot be read, as a finding: under what stands in its cells, and its line, since two
/// rows may have the same numbers or none.
fn unreadable_row(day: Date, row: &UnreadableRow) -> Finding {
    let number = row.out_trade_no.as_ref().or(row.trade_no.as_ref());
    Finding {
        kind: FindingKind::Unreadable,
        out_trade_no: number.cloned().unwrap_or_else(|| "unreadable".to_owned()),
        out_request_no: Some(format!("line {} of {day}", row.line)),
        provider: None,
        theirs_fen: None,
        ours_fen: None,
    }
}
