//! The table inside of a bill's file: preamble, header, rows, and the line that ends them.

use encoding_rs::GBK;
use thiserror::Error;

use super::columns::normal;

/// What the line after the last row says.
const END: &str = "列表结束";

/// Why a table cannot be read. Lines are counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TableError {
    /// The header has no such column.
    #[error("there is no column {column}")]
    NoColumn {
        /// The column.
        column: &'static str,
    },
    /// The header has a column twice.
    #[error("there are two columns {column}")]
    TwoColumns {
        /// The column.
        column: &'static str,
    },
    /// A line is not GBK.
    #[error("line {line} is not GBK")]
    NotGbk {
        /// The line.
        line: usize,
    },
    /// A row has more or fewer cells than the header.
    #[error("line {line} has {cells} cells under {columns} columns")]
    Cells {
        /// The line.
        line: usize,
        /// How many cells it has.
        cells: usize,
        /// How many columns there are.
        columns: usize,
    },
    /// A cell is not what its column holds.
    #[error("line {line} has no {column} that can be read")]
    Cell {
        /// The line.
        line: usize,
        /// The column.
        column: &'static str,
    },
    /// A row follows after the end.
    #[error("line {line} is after the end of the table")]
    AfterEnd {
        /// The line.
        line: usize,
    },
    /// The table breaks off.
    #[error("the table does not end")]
    NoEnd,
}

/// A table whose header was found, with the lines below it.
pub(super) struct Table<'f> {
    columns: Vec<String>,
    /// The lines below the header, with their numbers.
    lines: Vec<(usize, &'f [u8])>,
}

/// Where one column is.
#[derive(Clone, Copy)]
pub(super) struct Column {
    name: &'static str,
    index: usize,
}

/// A row of a table.
pub(super) struct Row {
    line: usize,
    cells: Vec<String>,
}

impl<'f> Table<'f> {
    /// The table of a file whose header has a column; nothing when there is none.
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

    /// The column of a name.
    pub(super) fn column(&self, name: &'static str) -> Result<Column, TableError> {
        let mut places = (0..).zip(&self.columns).filter(|(_, column)| *column == name);
        let (index, _) = places.next().ok_or(TableError::NoColumn { column: name })?;
        match places.next() {
            Some(_) => Err(TableError::TwoColumns { column: name }),
            None => Ok(Column { name, index }),
        }
    }

    /// The rows down to the line that ends them.
    pub(super) fn rows(&self) -> Result<Vec<Row>, TableError> {
        let mut rows = Vec::new();
        let mut has_ended = false;
        for &(line, bytes) in &self.lines {
            let text = GBK
                .decode_without_bom_handling_and_without_replacement(bytes)
                .ok_or(TableError::NotGbk { line })?;
            let text = text.trim();
            if text.starts_with('#') {
                has_ended |= text.contains(END);
            } else if !text.is_empty() {
                if has_ended {
                    return Err(TableError::AfterEnd { line });
                }
                rows.push(self.row(line, text)?);
            }
        }
        if has_ended { Ok(rows) } else { Err(TableError::NoEnd) }
    }

    fn row(&self, line: usize, text: &str) -> Result<Row, TableError> {
        let cells: Vec<String> = text.split(',').map(|cell| cell.trim().to_owned()).collect();
        let (count, columns) = (cells.len(), self.columns.len());
        if count == columns {
            Ok(Row { line, cells })
        } else {
            Err(TableError::Cells { line, cells: count, columns })
        }
    }
}

impl Row {
    /// The text under a column; empty when nothing is there.
    pub(super) fn text(&self, column: Column) -> &str {
        &self.cells[column.index]
    }

    /// What is under a column.
    pub(super) fn read<T>(
        &self,
        column: Column,
        reader: impl Fn(&str) -> Option<T>,
    ) -> Result<T, TableError> {
        reader(self.text(column)).ok_or_else(|| self.unreadable(column))
    }

    /// The error that a cell cannot be read.
    pub(super) fn unreadable(&self, column: Column) -> TableError {
        TableError::Cell { line: self.line, column: column.name }
    }
}
