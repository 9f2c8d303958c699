//! What a line of a file says: a call of an access log, or a record in JSON. Pure.

use jiff::Timestamp;
use serde::Deserialize;
use steelyard_billing::{Calendar, ProviderId};
use steelyard_pricing::{Amount, ApiName, BillingDay, Calls, Metered, UsageError};
use thiserror::Error;

use super::access_log::{Excerpt, LogLine, LogLineError};
use super::input::LINE_BYTES_MAX;
use super::rule::{ImportRules, NameError};

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// Nothing.
    Blank,
    /// A call whose status makes it free.
    NotBillable,
    /// Calls to bill.
    Calls(LineCalls),
}

/// The calls that one line tells of: one in an access log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineCalls {
    /// Whose calls.
    pub provider: ProviderId,
    /// Which API.
    pub api: ApiName,
    /// On which billing day.
    pub day: BillingDay,
    /// How many, and in a record what went through them.
    pub metered: Metered,
}

/// Why a line can't be counted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LineError {
    /// The line is too long.
    #[error("has {LINE_BYTES_MAX} bytes or more")]
    TooLong,
    /// The line is not one of an access log.
    #[error(transparent)]
    LogLine(#[from] LogLineError),
    /// The line names no provider or no API.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The line begins as JSON, and is not a record.
    #[error(
        "not a record such as {{\"provider\":\"isv1\",\"api\":\"trades\",\"day\":\"2015-05-17\",\"count\":3}}: {0}"
    )]
    Record(Excerpt),
    /// The record says neither when the calls were made, nor on which day; or both.
    #[error("give either `at` or `day`")]
    When,
    /// The instant lies in no billing day.
    #[error("{0} is outside the billing calendar")]
    OutsideCalendar(Timestamp),
    /// There are no calls for the amount to go through.
    #[error("amount {0} without calls: the count is 0")]
    AmountWithoutCalls(Amount),
    /// The calls are too many, or their amount too large.
    #[error(transparent)]
    TooMuch(#[from] UsageError),
}

/// A usage record, one to a line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonRecord {
    provider: ProviderId,
    api: ApiName,
    at: Option<Timestamp>,
    day: Option<BillingDay>,
    #[serde(default = "one")]
    count: Calls,
    #[serde(default)]
    amount: Amount,
}

fn one() -> Calls {
    Calls::new(1)
}

impl Line {
    /// Reads a line, which has no line break. One that begins with `{` is JSON: no host does.
    ///
    /// # Errors
    ///
    /// [`LineError`] naming what is wrong with it.
    pub fn read(line: &[u8], rules: &ImportRules, calendar: &Calendar) -> Result<Line, LineError> {
        // Bytes that are not UTF-8 become characters that no name may hold.
        let line = String::from_utf8_lossy(line);
        if line.trim_ascii().is_empty() {
            return Ok(Line::Blank);
        }
        if line.trim_ascii_start().starts_with('{') {
            return read_record(&line, calendar).map(Line::Calls);
        }
        let line = LogLine::parse(&line)?;
        if !rules.is_billable(line.status) {
            return Ok(Line::NotBillable);
        }
        let (provider, api) = rules.names(&line)?;
        let day = day_of(line.at, calendar)?;
        Ok(Line::Calls(LineCalls { provider, api, day, metered: Metered::calls(1) }))
    }
}

fn read_record(line: &str, calendar: &Calendar) -> Result<LineCalls, LineError> {
    let record: JsonRecord = steelyard_json::read(line.as_bytes()).map_err(|error| {
        let why = error.to_string();
        // Its line is always the first; that in the file is reported beside it.
        LineError::Record(Excerpt::of(&why.replace(" at line 1, column ", " at column ")))
    })?;
    let JsonRecord { provider, api, at, day, count, amount } = record;
    let day = match (at, day) {
        (Some(at), None) => day_of(at, calendar)?,
        (None, Some(day)) => day,
        (Some(_), Some(_)) | (None, None) => return Err(LineError::When),
    };
    if count.is_zero() && amount != Amount::ZERO {
        return Err(LineError::AmountWithoutCalls(amount));
    }
    // Refuses a count that is too large by itself.
    let metered = Metered::ZERO.plus(Metered { calls: count, amount })?;
    Ok(LineCalls { provider, api, day, metered })
}

fn day_of(at: Timestamp, calendar: &Calendar) -> Result<BillingDay, LineError> {
    calendar.day_of(at).map_err(|_| LineError::OutsideCalendar(at))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(line: &[u8]) -> Result<Line, LineError> {
        Line::read(line, &ImportRules::default(), &Calendar::new("Asia/Shanghai", 5).unwrap())
    }

    /// What a line says, in short.
    fn check(line: &[u8], said: &str) {
        let found = match read(line) {
            Ok(Line::Blank) => "blank".to_owned(),
            Ok(Line::NotBillable) => "not billable".to_owned(),
            Ok(Line::Calls(calls)) => {
                let LineCalls { provider, api, day, metered } = calls;
                format!("{provider} {api} {day} {metered}")
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(found, said, "{}", line.escape_ascii());
    }

    #[test]
    fn log_lines_become_calls_of_the_platforms_day() {
        for (line, said) in [
            (
                &br#"1.2.3.4 - - [17/May/2015:15:59:59 +0000] "GET /a/b HTTP/1.1" 200 5"#[..],
                "1.2.3.4 a 2015-05-17 1 calls",
            ),
            (
                br#"1.2.3.4 - - [17/May/2015:16:00:00 +0000] "GET /a/b HTTP/1.1" 304 -"#,
                "1.2.3.4 a 2015-05-18 1 calls",
            ),
            (
                br#"1.2.3.4 - - [17/May/2015:16:00:00 +0000] "GET /a/b HTTP/1.1" 404 -"#,
                "not billable",
            ),
            // A request that is none is no bad line as long as nobody would be billed for it.
            (br#"1.2.3.4 - - [17/May/2015:16:00:00 +0000] "-" 408 -"#, "not billable"),
            (
                br#"1.2.3.4 - - [17/May/2015:16:00:00 +0000] "-" 200 -"#,
                "the request `-` is not a method and a target",
            ),
            (
                b"\xff\xfe - - [17/May/2015:16:00:00 +0000] \"GET / HTTP/1.1\" 200 5",
                "provider: an id may not hold '\u{fffd}'",
            ),
            (
                b"1.2.3.4 - - [17/May/2015:16:00:00 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"\xff\"",
                "1.2.3.4 / 2015-05-18 1 calls",
            ),
            (
                br#"1.2.3.4 - - [17/May/1915:16:00:00 +0000] "GET / HTTP/1.1" 200 5"#,
                "1915-05-17T16:00:00Z is outside the billing calendar",
            ),
            (b" \t\r", "blank"),
        ] {
            check(line, said);
        }
    }

    #[test]
    fn json_lines_are_records_with_their_own_count() {
        const EXAMPLE: &str = r#"not a record such as {"provider":"isv1","api":"trades","day":"2015-05-17","count":3}: "#;
        for (line, said) in [
            (
                r#"{"provider":"a","api":"x.y","day":"2015-05-17","count":7}"#,
                "a x.y 2015-05-17 7 calls",
            ),
            (
                r#" {"api":"x","at":"2015-05-17T16:00:00Z","provider":"a"} "#,
                "a x 2015-05-18 1 calls",
            ),
            (
                r#"{"provider":"a","api":"x","day":"2015-05-17","count":0}"#,
                "a x 2015-05-17 0 calls",
            ),
            (
                r#"{"provider":"a","api":"x","day":"2015-05-17","count":3,"amount":"120.50"}"#,
                "a x 2015-05-17 3 calls of ¥120.5",
            ),
            (
                r#"{"provider":"a","api":"x","day":"2015-05-17","amount":"0.000001"}"#,
                "a x 2015-05-17 1 calls of ¥0.000001",
            ),
            (
                r#"{"provider":"a","api":"x","day":"2015-05-17","count":0,"amount":"5"}"#,
                "amount 5 without calls: the count is 0",
            ),
            (r#"{"provider":"a","api":"x"}"#, "give either `at` or `day`"),
            (
                r#"{"provider":"a","api":"x","day":"2015-05-17","at":"2015-05-17T16:00:00Z"}"#,
                "give either `at` or `day`",
            ),
            (
                r#"{"provider":"a","api":"x","day":"2015-05-17","count":1000000000001}"#,
                "0 and 1000000000001 calls are too many to count",
            ),
        ] {
            check(line.as_bytes(), said);
        }
        for (line, why) in [
            ("{", "is not valid JSON at column 1: the document ends too early"),
            (r#"{"provider":"a#"}"#, "provider: an id may not hold '#'"),
            (
                r#"{"provider":"a","api":"x","day":"2015-5-17"}"#,
                "day: `2015-5-17` is not a day such as 2015-05-17",
            ),
            (
                r#"{"provider":"a","api":"x","day":"2015-05-17","count":-1}"#,
                "count: is the number -1; must be u64",
            ),
            (
                r#"{"provider":"a","api":"x","day":"2015-05-17","count":1.5}"#,
                "count: is the number 1.5; must be u64",
            ),
            (
                r#"{"provider":"a","api":"x","day":"2015-05-17","amount":5}"#,
                r#"amount: is the number 5; must be an amount from 0 to 10^12 yuan as a text with at most six decimals such as "120.50""#,
            ),
            (
                r#"{"provider":"a","api":"x","day":"2015-05-17","count":1,"count":2}"#,
                "count: is given twice; give it once",
            ),
            (
                r#"{"provider":"a","api":"x","day":"2015-05-17"} {}"#,
                "is not valid JSON at column 47: something follows the document",
            ),
        ] {
            check(line.as_bytes(), &format!("{EXAMPLE}{why}"));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(
            all in any::<Vec<u8>>(),
            request in any::<Vec<u8>>(),
            cut in 0_usize..200,
        ) {
            let mut near = b"1.2.3.4 - - [17/May/2015:10:05:03 +0000] \"GET /".to_vec();
            near.extend(&request);
            near.extend(b" HTTP/1.1\" 200 5 \"-\" \"Agent\"");
            near.truncate(cut);
            let _ = (read(&all), read(&near), read(&[b"{", &all[..]].concat()));
        }
    }
}
