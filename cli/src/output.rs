//! What a command prints: a table for people, or JSON for programs.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::json;
use steelyard_billing::{CalendarError, WallTime};
use steelyard_runtime::Error;
use steelyard_store::Unreadable;

/// Prints a text, and ends the line.
///
/// A reader that went away, as `head -1` does, has what it wanted: the command goes on, and ends as
/// it would have.
///
/// # Errors
///
/// When standard output can't be written for another reason, such as a full disk.
pub(crate) fn print(text: impl Display) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(format!("cannot write to standard output: {error}").into())
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Prints a value as JSON.
///
/// # Errors
///
/// As [`print`].
pub(crate) fn json(value: &impl Serialize) -> Result<(), Error> {
    print(serde_json::to_string_pretty(value)?)
}

/// Opens an address in the browser, when a person is at the terminal. Where no browser opens, it
/// prints the address, for the person to open.
///
/// # Errors
///
/// As [`print`].
pub(crate) fn open_in_browser(url: &str) -> Result<(), Error> {
    if !io::stdout().is_terminal() {
        return Ok(());
    }
    not_opened(url, open::that_detached(url)).map_or(Ok(()), print)
}

/// The message when no browser could be opened.
fn not_opened(url: &str, opened: io::Result<()>) -> Option<String> {
    let error = opened.err()?;
    tracing::info!(%error, "cannot open a browser");
    Some(format!("No browser could be opened. Open this address in one: {url}"))
}

/// Prints a text on standard error. A failure to write it is ignored: there is no other place for
/// it.
pub(crate) fn tell(text: impl Display) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Says on standard error what is wrong and why: lines for people, or a line of JSON.
pub(crate) fn error(error: &(dyn std::error::Error + 'static), as_json: bool) {
    if as_json {
        let causes: Vec<String> = causes(error).map(ToString::to_string).collect();
        return tell(json!({ "error": error.to_string(), "causes": causes }));
    }
    tell(format_args!("error: {error}"));
    causes(error).for_each(|cause| tell(format_args!("  because: {cause}")));
}

/// The cause of an error, the cause of that, and so on.
fn causes<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |cause| cause.source())
}

/// Names items that cannot be read as errors; false if a person must look, since one is not
/// skipped.
pub(crate) fn tell_unreadable(items: &[Unreadable], as_json: bool) -> bool {
    for Unreadable { pk, sk, why, .. } in items {
        error(&*Error::from(format!("`{pk}` `{sk}` cannot be read: {why}")), as_json);
    }
    items.iter().all(|item| item.skipped.is_some())
}

/// The width of a table where no terminal has one.
const WIDTH: u16 = 80;

/// A table with these columns, as wide as the terminal at most. Those whose name begins with `>`
/// hold numbers, and those with `=` names. Neither is ever wrapped, so that a name can be copied.
pub(crate) fn table<'a>(columns: impl AsRef<[&'a str]>) -> Table {
    let columns = columns.as_ref();
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    if table.width().is_none() {
        table.set_width(WIDTH);
    }
    table.set_header(columns.iter().map(|column| column.trim_start_matches(['>', '='])));
    for (index, column) in columns.iter().enumerate() {
        let is_number = column.starts_with('>');
        let Some(cells) = table.column_mut(index) else { continue };
        if is_number {
            cells.set_cell_alignment(CellAlignment::Right);
        }
        if is_number || column.starts_with('=') {
            cells.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    table
}

/// A number and what it counts: `1 day`, `2 days`.
pub(crate) fn counted(number: impl ToString, what: &str) -> String {
    let number = number.to_string();
    let plural = if number == "1" { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// A cell of several lines: those that there are.
pub(crate) fn lines<const N: usize>(lines: [Option<String>; N]) -> String {
    lines.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

/// How people read instants: by the clocks of the platform's time zone. JSON has seconds of Unix
/// time.
pub(crate) struct Times(TimeZone);

impl Times {
    /// Those of a time zone of the IANA database.
    ///
    /// # Errors
    ///
    /// [`CalendarError::TimeZone`] when the database does not have it.
    pub(crate) fn in_zone(name: &str) -> Result<Times, CalendarError> {
        TimeZone::get(name).map(Times).map_err(|_| CalendarError::TimeZone(name.to_owned()))
    }

    /// `2015-05-17T10:00:00+08:00`, which `--now` takes too.
    pub(crate) fn show(&self, instant: Timestamp) -> WallTime {
        WallTime::in_zone(instant, &self.0)
    }
}

/// A number in groups of three digits: `1,234,567`.
pub(crate) fn grouped(number: impl Into<i128>) -> String {
    let number = number.into();
    let sign = if number < 0 { "−" } else { "" };
    let number = number.unsigned_abs();
    let digits = number.to_string();
    let mut grouped = sign.to_owned();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_browser_the_address_is_given_to_a_person() {
        assert_eq!(not_opened("http://h/", Ok(())), None);
        let missing = io::Error::new(io::ErrorKind::NotFound, "no launcher");
        let told = not_opened("http://h/", Err(missing)).unwrap();
        assert_eq!(told, "No browser could be opened. Open this address in one: http://h/");
    }

    #[test]
    fn names_and_numbers_stay_whole_where_a_table_is_too_wide() {
        let (name, number) = ("n".repeat(64), "1".repeat(20));
        let mut table = table(["=provider", "reason", ">calls"]);
        table.add_row([&*name, "words that are wrapped since there is no room for them", &number]);
        let shown = table.to_string();
        assert!(shown.contains(&name) && shown.contains(&number), "{shown}");
        assert!(shown.contains("┆ provider ") || shown.contains("│ provider "), "{shown}");
    }
}
