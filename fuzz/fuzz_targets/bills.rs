//! No bytes make the reader of bills panic, it leaves out no row of a bill that it reads, and a
//! bill written from the rows reads back unchanged.
#![no_main]

use std::io::{Cursor, Write};

use encoding_rs::GBK;
use jiff::{RoundMode, TimestampRound, Unit};
use libfuzzer_sys::fuzz_target;
use steelyard_alipay::{read_bill, write_bill};
use steelyard_billing::{BillKind, BillRow};
use steelyard_fuzz::choice;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

fuzz_target!(|data: &[u8]| {
    let Some((choice, data)) = choice(data, 4) else { return };
    let kind = if choice % 2 == 0 { BillKind::Trade } else { BillKind::Ledger };
    if choice < 2 {
        let rows = check(kind, &zip_of(data));
        assert!(rows.is_none_or(|rows| rows == rows_of(kind, data)), "a row was left out");
    } else {
        check(kind, data);
    }
});

/// How many rows a file has: lines below its header that say something and are no comment.
fn rows_of(kind: BillKind, file: &[u8]) -> usize {
    let column = match kind {
        BillKind::Trade => "支付宝交易号",
        BillKind::Ledger => "账务流水号",
    };
    let text = |line: &[u8]| GBK.decode_without_bom_handling(line).0.trim().to_owned();
    file.split(|byte| *byte == b'\n')
        .map(text)
        .skip_while(|line| !line.split(',').any(|cell| cell.trim() == column))
        .skip(1)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .count()
}

/// A zip with one file of this content.
fn zip_of(content: &[u8]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    zip.start_file("details.csv", stored).expect("a file can be added");
    zip.write_all(content).expect("memory can be written");
    zip.finish().expect("memory can be written").into_inner()
}

/// The number of rows of a bill, readable or not, if its table can be read.
fn check(kind: BillKind, zip: &[u8]) -> Option<usize> {
    let bill = read_bill(kind, zip).ok()?;
    let rows = bill.rows;
    // Some characters are read out of GBK and not written in it.
    if let Ok(written) = write_bill(kind, &rows) {
        let read = read_bill(kind, &written).expect("what was written is read");
        assert_eq!(read.unreadable, []);
        assert_eq!(read.rows, rows.iter().cloned().map(in_whole_seconds).collect::<Vec<_>>());
    }
    Some(rows.len() + bill.unreadable.len())
}

/// A row as it is written: a bill's times have no fractions.
fn in_whole_seconds(row: BillRow) -> BillRow {
    let floor = TimestampRound::new().smallest(Unit::Second).mode(RoundMode::Floor);
    let finished_at = row.finished_at.round(floor).expect("a second of the calendar");
    BillRow { finished_at, ..row }
}
