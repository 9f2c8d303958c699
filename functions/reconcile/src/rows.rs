//! The rows of a bill, read from its file with a few of them in memory.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::ops::ControlFlow;

use steelyard_alipay::{BillError, BillLine, read_bill_lines};
use steelyard_billing::reconciliation::BillCursor;
use steelyard_billing::{BillKind, BillRow, RowKind, UnreadableRow};
use steelyard_books::part_of;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};

/// How many rows are worked on together.
const CHUNK: usize = 250;

/// Some rows of a part of a bill, in their order.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    /// The rows that can be read.
    pub(crate) rows: Vec<BillRow>,
    /// The rows that cannot be read.
    pub(crate) unreadable: Vec<UnreadableRow>,
    /// The last of them.
    pub(crate) through: BillCursor,
}

/// The parts of a bill that have rows. The whole bill is read, so that all of it can be read again.
///
/// # Errors
///
/// [`BillError`] when it cannot be read.
pub(crate) async fn parts(kind: BillKind, zip: File) -> Result<BTreeSet<u8>, BillError> {
    let reading = spawn_blocking(move || {
        let mut parts = BTreeSet::new();
        read_bill_lines(kind, zip, |line, row| {
            parts.insert(part(cursor(line, &row).line, &row));
            ControlFlow::Continue(())
        })?;
        Ok(parts)
    });
    reading.await.map_err(io::Error::other)?
}

/// Reads the rows of a part of a bill behind a cursor, chunk by chunk: two chunks wait at most, so
/// that reading goes no faster than the work. Nothing is read on once the receiver is dropped.
pub(crate) fn chunks(
    kind: BillKind,
    zip: File,
    number: u8,
    after: BillCursor,
) -> (mpsc::Receiver<Chunk>, JoinHandle<Result<(), BillError>>) {
    let (sender, receiver) = mpsc::channel(2);
    let reading = spawn_blocking(move || {
        for is_refund in [false, true] {
            if after.is_refund && !is_refund {
                continue;
            }
            let mut chunk = Chunk::default();
            let mut is_wanted = true;
            read_bill_lines(kind, &zip, |line, row| {
                let cursor = cursor(line, &row);
                let is_mine = cursor.is_refund == is_refund
                    && cursor > after
                    && part(cursor.line, &row) == number;
                if !is_mine {
                    return ControlFlow::Continue(());
                }
                chunk.add(row, cursor);
                if chunk.rows.len() + chunk.unreadable.len() < CHUNK {
                    return ControlFlow::Continue(());
                }
                is_wanted = sender.blocking_send(std::mem::take(&mut chunk)).is_ok();
                if is_wanted { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })?;
            let has_more = !chunk.rows.is_empty() || !chunk.unreadable.is_empty();
            if !is_wanted || (has_more && sender.blocking_send(chunk).is_err()) {
                return Ok(());
            }
        }
        Ok(())
    });
    (receiver, reading)
}

impl Chunk {
    fn add(&mut self, line: BillLine, cursor: BillCursor) {
        match line {
            BillLine::Row(row) => self.rows.push(row),
            BillLine::Unreadable(row) => self.unreadable.push(row),
        }
        self.through = cursor;
    }
}

fn cursor(line: usize, row: &BillLine) -> BillCursor {
    let is_refund = matches!(row, BillLine::Row(row) if row.kind == RowKind::Refund);
    BillCursor { is_refund, line: u64::try_from(line).unwrap_or(u64::MAX) }
}

fn part(line: u64, row: &BillLine) -> u8 {
    match row {
        BillLine::Row(row) => part_of(row.out_trade_no.as_deref(), Some(&row.trade_no), line),
        BillLine::Unreadable(row) => {
            part_of(row.out_trade_no.as_deref(), row.trade_no.as_deref(), line)
        }
    }
}
