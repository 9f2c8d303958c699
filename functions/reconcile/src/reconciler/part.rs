//! A part of a bill: its rows are planned and carried out, some at a time.

use jiff::civil::Date;
use steelyard_billing::reconciliation::{BillAction, BillPart, BillRun, BillRunId, Expected};
use steelyard_billing::{BillKind, BillRow};
use steelyard_books::{BillEffect, DayError, PartStep, PlannedRows, RowsDone};
use steelyard_runtime::{Error, Invocation, chain};

use super::{ReconcileMessage, Reconciler, TIME_FOR_A_CHUNK, report_findings};
use crate::rows::{self, Chunk};

impl Reconciler {
    /// Works on a part of a bill; goes on in a new message when the time is nearly up. The last
    /// part to end ends the day.
    pub(super) async fn part(
        &self,
        day: Date,
        id: BillRunId,
        number: u8,
        invocation: Invocation,
    ) -> Result<(), Error> {
        let has_ended = match self.books.try_part(day, &id, number).await? {
            PartStep::Superseded => return Ok(()),
            PartStep::Ended => true,
            PartStep::Work(run, part) => match self.work(&run, &part, invocation).await? {
                Some(has_ended) => has_ended,
                None => return Ok(()),
            },
        };
        if has_ended {
            return self.end(day, &id, invocation).await;
        }
        Ok(self.send(&[ReconcileMessage::Part { day, run: id, part: number }]).await?)
    }

    /// Works on the rows of a part until all are done or the time is nearly up, and saves how far
    /// it is. Whether the part has ended; none if another worker has it.
    async fn work(
        &self,
        run: &BillRun,
        part: &BillPart,
        invocation: Invocation,
    ) -> Result<Option<bool>, Error> {
        let kind = BillKind::named(&run.bill.kind).ok_or("the kind of the bill is unknown")?;
        let zip = self.archive.open(&run.bill).await?;
        let unmatched = self.books.billing.unmatched_of(part.part).await?.unmatched;
        let mut expected = Expected::new(unmatched);
        let (mut chunks, reading) = rows::chunks(kind, zip, part.part, part.done);
        let (mut done, mut unreadable) = (RowsDone::default(), Vec::new());
        let (mut through, mut is_cut) = (part.done, false);
        while let Some(chunk) = chunks.recv().await {
            through = chunk.through;
            self.chunk((run.day, kind), &chunk, &mut expected, &mut done, invocation).await?;
            unreadable.extend(chunk.unreadable);
            is_cut = invocation.time_left() < TIME_FOR_A_CHUNK;
            if is_cut {
                break;
            }
        }
        drop(chunks);
        reading.await??;
        let has_ended = !is_cut;
        let day = run.day;
        let saved =
            self.books.save_part(day, part, done, &unreadable, (through, has_ended)).await?;
        Ok(saved.map(|new| {
            report_findings(day, &new);
            has_ended
        }))
    }

    /// Plans and carries out some rows. A row that fails does not stop the others.
    async fn chunk(
        &self,
        (day, kind): (Date, BillKind),
        chunk: &Chunk,
        expected: &mut Expected,
        done: &mut RowsDone,
        invocation: Invocation,
    ) -> Result<(), DayError> {
        let planned = self.books.plan_rows(kind, &chunk.rows, expected).await?;
        let PlannedRows { planned, failed } = planned;
        for (trade, error) in failed {
            report_row(trade.as_str(), &error);
            done.fail(trade.to_string(), chain(&error));
        }
        let mut shown = Vec::new();
        for (row, action) in planned {
            if let BillAction::Shown(unmatched) = action {
                shown.push(unmatched);
                continue;
            }
            match self.row(day, &row, action, invocation).await {
                Ok(effect) => done.add(&row, effect),
                Err(error) if error.is_of_one_record() => {
                    let trade = row.out_trade_no.unwrap_or(row.trade_no);
                    report_row(&trade, &error);
                    done.fail(trade, chain(&error));
                }
                Err(error) => return Err(error),
            }
        }
        done.add_shown(shown.len());
        expected.remove(&shown);
        self.books.shown_by_bill(shown, self.clock.now()).await?;
        Ok(())
    }

    /// Carries out what is to be done about a row.
    async fn row(
        &self,
        day: Date,
        row: &BillRow,
        action: BillAction,
        invocation: Invocation,
    ) -> Result<BillEffect, DayError> {
        let now = self.clock.now();
        match self.books.apply_row(day, row, action, now).await? {
            BillEffect::Query(trade) => {
                let answer = self.alipay.query(&trade, now).await;
                self.books.apply_queried(row, trade, answer, self.clock.now()).await
            }
            BillEffect::Unpaid(trade, finding) => {
                match self.may_come_late(day, invocation, now).await? {
                    true => Err(DayError::Unpaid { trade }),
                    false => Ok(BillEffect::Differs(finding)),
                }
            }
            effect @ (BillEffect::Ignored
            | BillEffect::Agrees(_)
            | BillEffect::Found(..)
            | BillEffect::Differs(_)) => Ok(effect),
        }
    }
}

fn report_row(trade: &str, error: &(dyn std::error::Error + 'static)) {
    tracing::error!(trade, error = chain(error), "a row of the bill cannot be booked");
}
