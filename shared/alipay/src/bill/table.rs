//! The table inside a bill's file: preamble, header, rows, and the line that ends them.

use encoding_rs::GBK;
use thiserror::Error;

use super::columns::normal;

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
    #[error("the row has {cells} cells under {columns} columns")]
    Cells { cells: usize, columns: usize },
    #[error("the row has no {column} that can be read")]
    Cell { column: &'static str },
    #[error("the row is after the end of the table")]
    AfterEnd,
}

/// A table whose header was found, with the lines below it.
pub(super) struct Table<'f> {
    columns: Vec<String>,
    /// The lines below the header, with their numbers.
    lines: Vec<(usize, &'f [u8])>,
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
    cells: Vec<String>,
    /// What is wrong with the line itself.
    error: Option<RowError>,
}

impl<'f> Table<'f> {
    /// The table whose header has a column; none when no line of the file has it.
    pub(super) fn find(file: &'f [u8], column: &str) -> Option<Table<'f>> {
        let mut lines = (1..).zip(file.split(|byte| *byte == b'\n'));
        let columns = lines.find_map(|(_, line)| {
            // No byte of a character in GBK is a line feed or a comma.
            let (text, _) = GBK.decode_without_bom_handling(line);
            let names: Vec<String> = text.split(',').map(normal).collect();
            names.iter().any(|name| name == column).then_some(names)
        })?;
        Some(Table { columns, lines: lines.collect() })
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

    /// The rows, whole or not.
    ///
    /// # Errors
    ///
    /// [`TableError::NoEnd`] when no line ends them.
    pub(super) fn rows(&self) -> Result<Vec<Row>, TableError> {
        let mut rows = Vec::new();
        let mut has_ended = false;
        for &(line, bytes) in &self.lines {
            // A damaged byte may stand in a comment too, where it costs no row.
            let (lossy, _) = GBK.decode_without_bom_handling(bytes);
            let lossy = lossy.trim();
            if lossy.starts_with('#') {
                has_ended |= lossy.contains(END);
            } else if !lossy.is_empty() {
                rows.push(self.row(line, bytes, lossy, has_ended));
            }
        }
        if has_ended { Ok(rows) } else { Err(TableError::NoEnd) }
    }

    fn row(&self, line: usize, bytes: &[u8], lossy: &str, has_ended: bool) -> Row {
        let cells: Vec<String> = lossy.split(',').map(|cell| cell.trim().to_owned()).collect();
        let (count, columns) = (cells.len(), self.columns.len());
        let is_gbk = GBK.decode_without_bom_handling_and_without_replacement(bytes).is_some();
        let error = match (has_ended, is_gbk) {
            (true, _) => Some(RowError::AfterEnd),
            (false, false) => Some(RowError::NotGbk),
            (false, true) if count != columns => Some(RowError::Cells { cells: count, columns }),
            (false, true) => None,
        };
        Row { line, cells, error }
    }
}

impl Row {
    /// Checks that the row has one cell for each column, in GBK, before the table's end.
    pub(super) fn whole(&self) -> Result<(), RowError> {
        self.error.clone().map_or(Ok(()), Err)
    }

    /// The text under a column; empty when nothing is there.
    pub(super) fn text(&self, column: Column) -> &str {
        self.cells.get(column.index).map_or("", String::as_str)
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
