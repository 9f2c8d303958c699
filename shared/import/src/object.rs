//! A log that stands whole as an object in a store such as S3, read segment by segment. Pure.
//!
//! A call is known by its object, by the segment of lines that it stands in, and by its minute and
//! its API: each is a count of its own, and the larger one holds. So an object that is read again
//! counts once, in whatever order and however often, and one that grew counts what is new. Lines of
//! two objects are never the same calls.
//!
//! A reader that ends between two segments goes on behind the last of them that was counted. What
//! is held of an object is what one segment counts.

use std::collections::BTreeMap;
use std::io;

use steelyard_billing::{Calendar, CumulativeUsage, Label, ObjectName, Part, ProviderId, ReportId};
use steelyard_pricing::{ApiName, BillingDay, Metered, UsageError};

use super::batch::{BadLine, Batch, IdentifiedLine, Record, Sums, line_id};
use super::formats::Columns;
use super::hours::{HourReport, HourShare};
use super::input::{Input, LineEnd};
use super::line::{Identity, Line, LineCalls};
use super::line_error::LineError;
use super::rule::Rule;

/// How many lines a segment has; the last one has fewer.
pub const SEGMENT_LINES: u64 = 100_000;

const MINUTE_S: i64 = 60;
const HOUR_S: i64 = 3_600;

/// The segments of an object, in order. After an error there are no more.
pub struct Segments<'a> {
    input: Input,
    /// What the ids of its reports begin with.
    id: String,
    rule: &'a Rule,
    calendar: &'a Calendar,
    /// The columns that a line of the object named before, if it is of CloudFront.
    columns: Columns,
    lines_max: u64,
    next: u32,
    is_over: bool,
}

/// A segment of an object, as it was read.
#[derive(Clone, Debug)]
pub struct Segment {
    /// Its number, from 0.
    pub number: u32,
    /// Its lines, and the reports that they make. Those that give only a day are among `days`.
    pub batch: Batch,
    /// The report of the lines that give only a day.
    pub days_id: ReportId,
    /// Whether it is the last.
    pub is_last: bool,
}

impl<'a> Segments<'a> {
    /// The segments of an object from one on; those before it are read and dropped.
    ///
    /// # Errors
    ///
    /// When the bytes can't be read or unpacked.
    pub fn from(
        input: Input,
        object: &ObjectName,
        first: u32,
        (rule, calendar): (&'a Rule, &'a Calendar),
    ) -> io::Result<Segments<'a>> {
        Segments::of_lines(SEGMENT_LINES, input, object, first, (rule, calendar))
    }

    fn of_lines(
        lines_max: u64,
        mut input: Input,
        object: &ObjectName,
        first: u32,
        (rule, calendar): (&'a Rule, &'a Calendar),
    ) -> io::Result<Segments<'a>> {
        let (mut line, mut columns) = (Vec::new(), Columns::default());
        for _ in 0..u64::from(first) * lines_max {
            if input.read_line(&mut line)?.is_none() {
                break;
            }
            if line.starts_with(b"#") {
                columns.take(String::from_utf8_lossy(&line).trim_ascii());
            }
        }
        let id = format!("s3-{}", object.digest());
        Ok(Segments { input, id, rule, calendar, columns, lines_max, next: first, is_over: false })
    }

    fn read(&mut self) -> io::Result<Segment> {
        let number = self.next;
        let begin = u64::from(number) * self.lines_max;
        let columns = std::mem::take(&mut self.columns);
        let mut reading = Reading { number: begin, columns, ..Reading::default() };
        let mut line = Vec::new();
        while reading.number < begin + self.lines_max {
            let Some(end) = self.input.read_line(&mut line)? else {
                self.is_over = true;
                break;
            };
            reading.add(&line, end, self.rule, self.calendar);
        }
        self.is_over |= self.input.is_at_end()?;
        self.next += 1;
        self.columns = std::mem::take(&mut reading.columns);
        let id = format!("{}-{number}", self.id);
        let days_id = format!("{id}-days").parse().expect("digits and letters are an id");
        Ok(Segment { number, batch: reading.end(&id), days_id, is_last: self.is_over })
    }
}

impl Iterator for Segments<'_> {
    type Item = io::Result<Segment>;

    fn next(&mut self) -> Option<io::Result<Segment>> {
        if self.is_over {
            return None;
        }
        let segment = self.read();
        self.is_over |= segment.is_err();
        Some(segment)
    }
}

/// A segment while it is read.
#[derive(Default)]
struct Reading {
    batch: Batch,
    hours: BTreeMap<(i64, BillingDay), BTreeMap<ProviderId, Counts>>,
    days: Sums,
    columns: Columns,
    number: u64,
}

/// What a provider called in an hour.
#[derive(Default)]
struct Counts {
    minutes: BTreeMap<(ApiName, u32), Metered>,
    metered: Metered,
    first_line: u64,
}

impl Reading {
    fn add(&mut self, line: &[u8], end: LineEnd, rule: &Rule, calendar: &Calendar) {
        self.number += 1;
        let read = match end {
            LineEnd::TooLong => Err(LineError::TooLong),
            LineEnd::Break | LineEnd::File => Line::read(line, &mut self.columns, rule, calendar),
        };
        if let Some(calls) = self.batch.sort(self.number, read)
            && let Err(why) = self.add_calls(calls)
        {
            self.batch.bad.push(BadLine { line: self.number, why });
        }
    }

    fn add_calls(&mut self, calls: LineCalls) -> Result<(), LineError> {
        let LineCalls { provider, api, day, metered, identity } = calls;
        let all = self.batch.metered.plus(metered)?;
        if !metered.is_zero() {
            match identity {
                Identity::At(at) | Identity::Scattered(at) => {
                    let at = at.as_second();
                    let hour = self.hours.entry((at.div_euclid(HOUR_S), day)).or_default();
                    let counts = hour
                        .entry(provider)
                        .or_insert_with(|| Counts { first_line: self.number, ..Counts::default() });
                    let minute = u32::try_from(at.rem_euclid(HOUR_S) / MINUTE_S);
                    counts.add(api, minute.expect("an hour has 60 minutes"), metered)?;
                }
                Identity::Id { id, combined } => {
                    let (count, amount, line) = (metered.calls, metered.amount, self.number);
                    let record = Record { provider, api, day, count, amount, line };
                    let id = line_id(&id);
                    self.batch.identified.push(IdentifiedLine { id, record, combined });
                }
                Identity::Day => self.days.add((provider, day, api), metered, self.number)?,
            }
        }
        self.batch.metered = all;
        self.batch.billable += 1;
        Ok(())
    }

    fn end(self, id: &str) -> Batch {
        let report = |((hour, day), shares): ((i64, BillingDay), BTreeMap<ProviderId, Counts>)| {
            let shares = shares.into_iter().map(|(of, counts)| (of, counts.share())).collect();
            HourReport { id: hour_id(id, hour), day, shares }
        };
        let hours = self.hours.into_iter().map(report).collect();
        Batch { hours, days: self.days.into_records(), ..self.batch }
    }
}

impl Counts {
    fn add(&mut self, api: ApiName, minute: u32, metered: Metered) -> Result<(), UsageError> {
        let all = self.metered.plus(metered)?;
        let count = self.minutes.entry((api, minute)).or_default();
        *count = count.plus(metered)?;
        self.metered = all;
        Ok(())
    }

    fn share(self) -> HourShare {
        let mut usage = CumulativeUsage::new();
        for ((api, minute), metered) in &self.minutes {
            usage.raise(api, Part::of(Label::Number(*minute)), *metered);
        }
        HourShare { usage, metered: self.metered, line: self.first_line }
    }
}

/// `s3-…-0-2015-05-17T02Z`: the hour in UTC.
fn hour_id(id: &str, hour: i64) -> ReportId {
    let at = jiff::Timestamp::from_second(hour * HOUR_S).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let hour = at.strftime("%Y-%m-%dT%HZ");
    format!("{id}-{hour}").parse().expect("an hour is an id")
}

#[cfg(test)]
mod tests;
