//! Lines of the standard logs of CloudFront: columns between tabs. Pure.
//!
//! Source: AWS, "Standard logging reference" of CloudFront: two lines at the beginning of a file,
//! `#Version` and `#Fields`, of which the second names the columns. Values are encoded once for the
//! log: control characters, spaces, `%`, `#`, quotation marks, backslashes and all that is not
//! ASCII. So a client that sends `%20` is logged as `%2520`, and no value holds a tab.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use percent_encoding::percent_decode_str;

use super::super::excerpt::Excerpt;
use super::super::log_line::{FormatFields, LogLine};
use super::{FormatError, LogFormat, status_of};

/// The column of the path.
pub(crate) const STEM: &str = "cs-uri-stem";

/// The columns in their documented order, for lines without `#Fields` before them.
const DOCUMENTED: &str = "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status \
    cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header \
    cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type \
    cs-protocol-version fle-status fle-encrypted-fields c-port time-to-first-byte \
    x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start sc-range-end";

/// Which columns the lines of a log of CloudFront have: those of the last `#Fields` line, or the
/// documented ones before it. A reader of a file keeps them from line to line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    naming: Naming,
    count: usize,
    date: Column,
    time: Column,
    epoch_ms: Column,
    host: Column,
    method: Column,
    stem: Column,
    query: Column,
    status: Column,
    domain: Column,
    forwarded: Column,
}

/// The origin of the names of columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Naming {
    /// The documentation of CloudFront.
    Documented,
    /// A `#Fields` line of CloudFront.
    ByLog,
    /// A `#Fields` line that may be of any log: lines after it are not CloudFront's.
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Column {
    name: &'static str,
    place: Option<usize>,
}

impl Columns {
    /// Takes in a remark: `#Version: 1.0`, or `#Fields` with columns that only CloudFront has.
    /// False for any other line.
    pub(crate) fn take(&mut self, line: &str) -> bool {
        let Some(names) = line.strip_prefix("#Fields:") else { return line == "#Version: 1.0" };
        let is_mark = |name: &str| {
            name.starts_with("x-edge-") || matches!(name, "x-host-header" | "timestamp(ms)")
        };
        let is_cloudfront = names.split_ascii_whitespace().any(is_mark);
        let naming = if is_cloudfront { Naming::ByLog } else { Naming::Unknown };
        *self = Columns::named(names, naming);
        is_cloudfront
    }

    fn named(names: &str, naming: Naming) -> Columns {
        let names = names.split_ascii_whitespace().collect::<Vec<_>>();
        let column = |name: &'static str| {
            let place = names.iter().position(|found| *found == name);
            Column { name, place }
        };
        Columns {
            naming,
            count: names.len(),
            date: column("date"),
            time: column("time"),
            epoch_ms: column("timestamp(ms)"),
            host: column("c-ip"),
            method: column("cs-method"),
            stem: column(STEM),
            query: column("cs-uri-query"),
            status: column("sc-status"),
            domain: column("x-host-header"),
            forwarded: column("x-forwarded-for"),
        }
    }
}

impl Default for Columns {
    /// The documented columns.
    fn default() -> Columns {
        Columns::named(DOCUMENTED, Naming::Documented)
    }
}

/// Whether a line is one of CloudFront: the first blank in it is a tab, and its log named columns
/// or it begins with a date and a time. No other log has such lines.
pub(crate) fn is_line(line: &str, columns: &Columns) -> bool {
    tabs(line.as_bytes()) > 0
        && match columns.naming {
            Naming::ByLog => true,
            Naming::Documented => begins_with_date_and_time(line),
            Naming::Unknown => false,
        }
}

/// The tabs of a line in which the first blank is one; 0 for a line of any other log.
pub(crate) fn tabs(line: &[u8]) -> usize {
    let is_tab = |byte: &&u8| **byte == b'\t';
    let is_columns =
        line.iter().find(|byte| byte.is_ascii_whitespace()).is_some_and(|b| is_tab(&b));
    if is_columns { line.iter().filter(is_tab).count() } else { 0 }
}

fn begins_with_date_and_time(line: &str) -> bool {
    let mut values = line.split('\t');
    values.next().is_some_and(|date| date.parse::<Date>().is_ok())
        && values.next().is_some_and(|time| time.parse::<Time>().is_ok())
}

/// Reads a line of which [`is_line`] holds.
///
/// # Errors
///
/// [`FormatError`] naming the column that is wrong, absent or not whole.
pub(crate) fn read<'a>(line: &'a str, columns: &Columns) -> Result<LogLine<'a>, FormatError> {
    let row = Row { values: line.split('\t').collect(), columns };
    if columns.naming == Naming::ByLog && row.values.len() < columns.count {
        return Err(FormatError::Cut { log: LogFormat::CloudFront, field: "last column" });
    }
    let status = row.required(columns.status)?;
    let decoded = |value: &'a str| percent_decode_str(value).decode_utf8_lossy();
    Ok(LogLine {
        host: row.optional(columns.host)?.unwrap_or("-"),
        at: row.at()?,
        request: row.request()?,
        status: status_of(status).ok_or_else(|| wrong(columns.status.name, status))?,
        fields: FormatFields::CloudFront {
            domain: row.optional(columns.domain)?.map(decoded),
            forwarded: row.optional(columns.forwarded)?.map(decoded),
        },
    })
}

/// The values of a line.
struct Row<'a, 'c> {
    values: Vec<&'a str>,
    columns: &'c Columns,
}

impl<'a> Row<'a, '_> {
    fn required(&self, column: Column) -> Result<&'a str, FormatError> {
        let Column { name, place } = column;
        let place = place.ok_or(FormatError::Column(name))?;
        self.whole(name, place)?.ok_or(FormatError::Cut { log: LogFormat::CloudFront, field: name })
    }

    /// None for `-`, and for a column that the log does not have.
    fn optional(&self, column: Column) -> Result<Option<&'a str>, FormatError> {
        let Some(place) = column.place else { return Ok(None) };
        Ok(self.whole(column.name, place)?.filter(|value| !matches!(*value, "" | "-")))
    }

    /// A value that is certainly whole: a tab follows it, or it is in the last column.
    fn whole(&self, field: &'static str, place: usize) -> Result<Option<&'a str>, FormatError> {
        let next = place + 1;
        if next == self.values.len() && next < self.columns.count {
            return Err(FormatError::Cut { log: LogFormat::CloudFront, field });
        }
        Ok(self.values.get(place).copied())
    }

    fn at(&self) -> Result<Timestamp, FormatError> {
        let Columns { date, time, epoch_ms, .. } = self.columns;
        if date.place.is_none() && epoch_ms.place.is_some() {
            let text = self.required(*epoch_ms)?;
            let at = text.parse().ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
            return at.ok_or_else(|| wrong(epoch_ms.name, text));
        }
        let text = format!("{}T{}Z", self.required(*date)?, self.required(*time)?);
        text.parse().map_err(|_| wrong("date and time", &text))
    }

    /// The request line as the client sent it, except the protocol; `-` for none.
    fn request(&self) -> Result<Cow<'a, str>, FormatError> {
        let method = self.required(self.columns.method)?;
        let target = sent_path(self.required(self.columns.stem)?);
        let query = self.optional(self.columns.query)?;
        if method == "-" {
            return Ok(Cow::Borrowed("-"));
        }
        if method.contains(' ') {
            return Err(wrong(self.columns.method.name, method));
        }
        let query = query.map(|query| format!("?{}", sent(query))).unwrap_or_default();
        Ok(Cow::Owned(format!("{method} {target}{query} HTTP/1.1")))
    }
}

/// A path as the client sent it. It has no query: a `?` in it is a character.
pub(crate) fn sent_path(stem: &str) -> String {
    sent(stem).replace('?', "%3F")
}

/// A part of a URL as the client sent it: the encoding of the log is undone, once. What other
/// characters than `%` and `#` are encoded in a URL makes no difference to it.
fn sent(value: &str) -> String {
    let pieces = value.split("%25").map(|piece| piece.replace("%23", "#").replace('\\', "%5C"));
    pieces.collect::<Vec<_>>().join("%")
}

fn wrong(field: &'static str, text: &str) -> FormatError {
    FormatError::Field { log: LogFormat::CloudFront, field, text: Excerpt::of(text) }
}

#[cfg(test)]
mod tests;
