//! The table inside a bill's file: preamble, header, rows, and the line that ends them.

use std::io::{self, BufRead};
use std::ops::Range;

use encoding_rs::GBK;
use thiserror::Error;

use super::columns::normal;
use super::read::BillError;

/// The most bytes of a line that are read: 64 KiB. A row has about 300 bytes.
const LINE_MAX_BYTES: usize = 64 << 10;

/// Part of the line after the last row.
const END: &str = "列表结束";

/// Why a table cannot be read, so that none of its rows can be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TableError {
    /// The header lacks a column.
    #[error("there is no column {column}")]
    NoColumn {
        /// The column's name.
        column: &'static str,
    },
    /// The header has a column twice.
    #[error("there are two columns {column}")]
    TwoColumns {
        /// The column's name.
        column: &'static str,
    },
    /// The line that ends the rows is missing, so rows may be missing too.
    #[error("the table does not end")]
    NoEnd,
}

/// Why one row cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum RowError {
    #[error("the row is not GBK")]
    NotGbk,
    #[error("the row has more than {LINE_MAX_BYTES} bytes")]
    TooLong,
    #[error("the row has {cells} cells under {columns} columns")]
    Cells { cells: usize, columns: usize },
    #[error("the row has no {column} that can be read")]
    Cell { column: &'static str },
    #[error("the row is after the end of the table")]
    AfterEnd,
}

/// A table whose header was found, read line by line.
pub(super) struct Table<R> {
    columns: Vec<String>,
    lines: Lines<R>,
    has_ended: bool,
}

/// The lines of a file, one in memory at a time.
struct Lines<R> {
    file: R,
    /// The line in the buffer, from 1.
    number: usize,
    buffer: Vec<u8>,
    /// Whether the buffer has the beginning of a longer line.
    is_cut: bool,
}

/// A column of the header.
#[derive(Clone, Copy)]
pub(super) struct Column {
    name: &'static str,
    index: usize,
}

/// A line that is a row. Its cells are trusted only after [`Row::whole`].
pub(super) struct Row {
    /// The line of the file, from 1.
    pub(super) line: usize,
    text: String,
    /// Where the cells stand in the text, without white space at their ends.
    cells: Vec<Range<usize>>,
    /// What is wrong with the line itself.
    error: Option<RowError>,
}

impl<R: BufRead> Table<R> {
    /// The table whose header has a column; none when no line of the file has it.
    pub(super) fn find(file: R, column: &str) -> io::Result<Option<Table<R>>> {
        let mut lines = Lines { file, number: 0, buffer: Vec::new(), is_cut: false };
        while lines.advance()? {
            // No byte of a character in GBK is a line feed or a comma.
            let (text, _) = GBK.decode_without_bom_handling(&lines.buffer);
            let columns: Vec<String> = text.split(',').map(normal).collect();
            if columns.iter().any(|name| name == column) {
                return Ok(Some(Table { columns, lines, has_ended: false }));
            }
        }
        Ok(None)
    }

    /// The column with a name.
    pub(super) fn column(&self, name: &'static str) -> Result<Column, TableError> {
        let mut places = (0..).zip(&self.columns).filter(|(_, column)| *column == name);
        let (index, _) = places.next().ok_or(TableError::NoColumn { column: name })?;
        match places.next() {
            Some(_) => Err(TableError::TwoColumns { column: name }),
            None => Ok(Column { name, index }),
        }
    }

    /// The next row, whole or not; none at the end of the file.
    ///
    /// # Errors
    ///
    /// [`BillError::Unpack`] when the file cannot be read on.
    pub(super) fn next_row(&mut self) -> Result<Option<Row>, BillError> {
        while self.lines.advance()? {
            // A damaged byte may stand in a comment too, where it costs no row.
            let (lossy, is_damaged) = GBK.decode_without_bom_handling(&self.lines.buffer);
            let lossy = lossy.trim();
            if lossy.starts_with('#') {
                self.has_ended |= lossy.contains(END);
            } else if !lossy.is_empty() {
                return Ok(Some(self.row(lossy, is_damaged)));
            }
        }
        Ok(None)
    }

    /// Whether a line ended the rows.
    pub(super) const fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// The file behind the last line that was read.
    pub(super) fn into_file(self) -> R {
        self.lines.file
    }

    fn row(&self, lossy: &str, is_damaged: bool) -> Row {
        let cells = cells(lossy);
        let (count, columns) = (cells.len(), self.columns.len());
        let error = if self.has_ended {
            Some(RowError::AfterEnd)
        } else if self.lines.is_cut {
            Some(RowError::TooLong)
        } else if is_damaged {
            Some(RowError::NotGbk)
        } else {
            (count != columns).then_some(RowError::Cells { cells: count, columns })
        };
        Row { line: self.lines.number, text: lossy.to_owned(), cells, error }
    }
}

impl<R: BufRead> Lines<R> {
    /// Reads the next line into the buffer. Whether there was one.
    fn advance(&mut self) -> io::Result<bool> {
        self.buffer.clear();
        self.is_cut = false;
        let mut is_line = false;
        loop {
            let bytes = self.file.fill_buf()?;
            if bytes.is_empty() {
                self.number += usize::from(is_line);
                return Ok(is_line);
            }
            is_line = true;
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let part = &bytes[..end.unwrap_or(bytes.len())];
            let room = LINE_MAX_BYTES - self.buffer.len();
            self.is_cut |= part.len() > room;
            self.buffer.extend_from_slice(&part[..part.len().min(room)]);
            let used = part.len() + usize::from(end.is_some());
            self.file.consume(used);
            if end.is_some() {
                self.number += 1;
                return Ok(true);
            }
        }
    }
}

/// Where the cells of a row stand, without white space at their ends.
fn cells(text: &str) -> Vec<Range<usize>> {
    let mut start = 0;
    let cell = |cell: &str| {
        let begin = start + (cell.len() - cell.trim_start().len());
        start += cell.len() + 1;
        begin..begin + cell.trim().len()
    };
    text.split(',').map(cell).collect()
}

impl Row {
    /// Checks that the row has one cell for each column, in GBK, before the table's end.
    pub(super) fn whole(&self) -> Result<(), RowError> {
        self.error.clone().map_or(Ok(()), Err)
    }

    /// The text under a column; empty when nothing is there.
    pub(super) fn text(&self, column: Column) -> &str {
        self.cells.get(column.index).and_then(|cell| self.text.get(cell.clone())).unwrap_or("")
    }

    /// The value under a column.
    pub(super) fn read<T>(
        &self,
        column: Column,
        reader: impl Fn(&str) -> Option<T>,
    ) -> Result<T, RowError> {
        reader(self.text(column)).ok_or_else(|| column.unreadable())
    }
}

impl Column {
    /// The error that a cell of the column cannot be read.
    pub(super) fn unreadable(self) -> RowError {
        RowError::Cell { column: self.name }
    }
}
