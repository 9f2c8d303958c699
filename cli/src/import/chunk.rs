//! A file as usage reports whose ids are stable, so that importing it twice counts it once.
//!
//! A file is cut into chunks of [`LINES_PER_CHUNK`] lines, bad ones included. A chunk's report is
//! named by the chunk's first line and number, and by nothing that may still change: a file that
//! has grown, or is read by other rules, reports the same id with another content, which is a
//! conflict. A name made from the content would be a new one, and count the same calls again.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::io;

use serde::Serialize;
use sha2::{Digest, Sha256};
use steelyard_billing::{Calendar, ProviderId, ReportId};
use steelyard_pricing::{Amount, ApiName, BillingDay, BillingMonth, Calls, Metered};

use super::billable::NotBillable;
use super::input::{Input, LineEnd};
use super::kinds::Kinds;
use super::line::{Line, LineCalls};
use super::line_error::LineError;
use super::reasons::Refused;
use super::request::Odd;
use super::rule::ImportRules;
use super::unmapped::UnmappedCallers;

/// How many lines make a chunk.
///
/// Reports are named by their chunk's number, so this may never change: the chunks of a file that
/// was imported before would get other names, and its calls be counted again.
pub const LINES_PER_CHUNK: u64 = 10_000;

/// What a chunk of a file says.
///
/// Every line is one of `blank`, `odd`, `not_billable`, `unmapped`, `billable`, `left` and `bad`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chunk {
    /// The lines that say nothing.
    pub blank: u64,
    /// The lines that are no calls of an API.
    pub odd: Kinds<Odd>,
    /// The calls that their method or their status makes free.
    pub not_billable: Kinds<NotBillable>,
    /// The lines whose caller is no provider.
    pub unmapped: UnmappedCallers,
    /// The lines that tell of calls to bill.
    pub billable: u64,
    /// The lines that are left for a later import, since the chunk isn't full and may grow.
    pub left: u64,
    /// The lines that can't be counted.
    pub bad: Vec<BadLine>,
    /// The calls to bill, and what went through them.
    pub metered: Metered,
    /// The same as reports: those after the first carry what exceeds the limits of one.
    pub reports: Vec<Report>,
}

/// A line that can't be counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BadLine {
    /// Its number in the file, from 1.
    pub line: u64,
    /// What is wrong with it.
    #[serde(serialize_with = "as_text")]
    pub why: LineError,
}

/// A usage report to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Its id: `digest-chunk`, or `digest-chunk-part` for the parts after the first, from 1.
    pub id: ReportId,
    /// What it counts, by provider, day and API, each once.
    pub records: Vec<Record>,
}

/// One count of a report, serialised as a usage record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Record {
    /// Whose calls.
    pub provider: ProviderId,
    /// Which API.
    pub api: ApiName,
    /// On which billing day.
    pub day: BillingDay,
    /// How many.
    pub count: Calls,
    /// What went through them, in yuan.
    #[serde(skip_serializing_if = "is_nothing")]
    pub amount: Amount,
    /// The first line of the file that tells of them, from 1.
    #[serde(skip)]
    pub line: u64,
}

/// The chunks of a file, in order. After an error there are no more.
pub struct Chunks<'a> {
    input: Input,
    rules: &'a ImportRules,
    calendar: &'a Calendar,
    apis_per_day: usize,
    number: u64,
    lines: u64,
    metered: Metered,
    is_over: bool,
}

impl<'a> Chunks<'a> {
    /// The chunks of an input, in reports of so many APIs of one provider and day at most.
    #[must_use]
    pub fn new(
        input: Input,
        rules: &'a ImportRules,
        calendar: &'a Calendar,
        apis_per_day: usize,
    ) -> Chunks<'a> {
        let metered = Metered::ZERO;
        Chunks {
            input,
            rules,
            calendar,
            apis_per_day,
            number: 0,
            lines: 0,
            metered,
            is_over: false,
        }
    }

    /// What is read.
    #[must_use]
    pub fn input(&self) -> &Input {
        &self.input
    }

    /// How many lines were read.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.lines
    }

    fn read_chunk(&mut self) -> io::Result<Option<Chunk>> {
        let mut draft = Draft::default();
        let mut line = Vec::new();
        let mut last_end = None;
        while draft.lines < LINES_PER_CHUNK {
            let Some(end) = self.input.read_line(&mut line)? else { break };
            last_end = Some(end);
            self.lines += 1;
            if draft.lines == 0 {
                draft.digest = digest(&line);
            }
            draft.lines += 1;
            self.read_line(&line, end, &mut draft);
        }
        let Some(last_end) = last_end else { return Ok(None) };
        let is_full = draft.lines == LINES_PER_CHUNK && last_end != LineEnd::File;
        let number = self.number;
        self.number += 1;
        if self.rules.growing && !is_full {
            return Ok(Some(Chunk { left: draft.lines, ..Chunk::default() }));
        }
        Ok(Some(draft.into_chunk(number, self.apis_per_day)))
    }

    fn read_line(&mut self, line: &[u8], end: LineEnd, draft: &mut Draft) {
        let read = match end {
            LineEnd::TooLong => Err(LineError::TooLong),
            LineEnd::Break | LineEnd::File => Line::read(line, self.rules, self.calendar),
        };
        let drafted = match read {
            Ok(Line::Blank) => {
                draft.chunk.blank += 1;
                Ok(())
            }
            Ok(Line::Odd(odd)) => {
                draft.chunk.odd.add(odd);
                Ok(())
            }
            Ok(Line::NotBillable(why)) => {
                draft.chunk.not_billable.add(why);
                Ok(())
            }
            Ok(Line::Unmapped { caller, calls }) => {
                draft.chunk.unmapped.add(caller, calls.get());
                Ok(())
            }
            Ok(Line::Calls(calls)) => self.add(calls, draft),
            Err(why) => Err(why),
        };
        if let Err(why) = drafted {
            draft.chunk.bad.push(BadLine { line: self.lines, why });
        }
    }

    /// Adds the calls of a line, unless those of the whole file are more than one count can hold.
    fn add(&mut self, line: LineCalls, draft: &mut Draft) -> Result<(), LineError> {
        let LineCalls { provider, api, day, metered } = line;
        self.metered = self.metered.plus(metered)?;
        // What is less than the sum of the whole file can be counted, too.
        draft.chunk.metered = draft.chunk.metered.plus(metered)?;
        draft.chunk.billable += 1;
        if metered.is_zero() {
            return Ok(());
        }
        let first = Metering { metered: Metered::ZERO, line: self.lines };
        let sum = draft.usage.entry(Key { provider, day, api }).or_insert(first);
        sum.metered = sum.metered.plus(metered)?;
        Ok(())
    }
}

impl Iterator for Chunks<'_> {
    type Item = io::Result<Chunk>;

    fn next(&mut self) -> Option<io::Result<Chunk>> {
        if self.is_over {
            return None;
        }
        let chunk = self.read_chunk().transpose();
        self.is_over = !matches!(chunk, Some(Ok(_)));
        chunk
    }
}

impl Record {
    /// Its calls, and what went through them.
    #[must_use]
    pub fn metered(&self) -> Metered {
        Metered { calls: self.count, amount: self.amount }
    }
}

impl Refused for BadLine {
    fn reason(&self) -> Cow<'static, str> {
        self.why.reason()
    }

    fn size(&self) -> u64 {
        1
    }
}

impl Chunk {
    /// The providers whose calls of such days it tells of, each with the first of their months.
    #[must_use]
    pub fn first_months(
        &self,
        is_counted: impl Fn(BillingDay) -> bool,
    ) -> BTreeMap<ProviderId, BillingMonth> {
        let records = self.reports.iter().flat_map(|report| &report.records);
        let mut months = BTreeMap::new();
        for record in records.filter(|record| is_counted(record.day)) {
            let month = months.entry(record.provider.clone()).or_insert(record.day.month());
            *month = record.day.month().min(*month);
        }
        months
    }

    /// How many lines it has.
    #[must_use]
    pub fn lines(&self) -> u64 {
        let bad = self.bad.iter().map(|_| 1).sum::<u64>();
        let free = self.odd.count + self.not_billable.count + self.unmapped.lines;
        self.blank + free + self.billable + self.left + bad
    }
}

/// A chunk while it is read.
#[derive(Default)]
struct Draft {
    digest: String,
    lines: u64,
    usage: HashMap<Key, Metering>,
    chunk: Chunk,
}

/// What calls are summed by, in the order of reports.
#[derive(PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Key {
    provider: ProviderId,
    day: BillingDay,
    api: ApiName,
}

/// Calls that were summed, and the first line that tells of them.
struct Metering {
    metered: Metered,
    line: u64,
}

impl Draft {
    fn into_chunk(self, number: u64, apis_per_day: usize) -> Chunk {
        let parts = split(self.usage, apis_per_day).into_iter().enumerate();
        let reports = parts.map(|(part, records)| {
            let id = match part {
                0 => format!("{}-{number}", self.digest),
                part => format!("{}-{number}-{part}", self.digest),
            };
            Report { id: id.parse().expect("digits and hyphens are an id"), records }
        });
        Chunk { reports: reports.collect(), ..self.chunk }
    }
}

/// The counts as the records of as many reports as the limit asks for: mostly one, or none.
fn split(usage: HashMap<Key, Metering>, apis_per_day: usize) -> Vec<Vec<Record>> {
    let mut usage = usage.into_iter().collect::<Vec<_>>();
    usage.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
    let mut parts: Vec<Vec<Record>> = Vec::new();
    let mut of_day = None;
    for (Key { provider, day, api }, Metering { metered, line }) in usage {
        let place = match of_day.take() {
            Some((known, on, place)) if known == provider && on == day => place + 1,
            Some(_) | None => 0,
        };
        of_day = Some((provider.clone(), day, place));
        let part = place / apis_per_day;
        if parts.len() <= part {
            parts.resize_with(part + 1, Vec::new);
        }
        let Metered { calls: count, amount } = metered;
        parts[part].push(Record { provider, api, day, count, amount, line });
    }
    parts
}

pub(super) fn is_nothing(amount: &Amount) -> bool {
    *amount == Amount::ZERO
}

/// The first half of the SHA-256 of a line, in hexadecimal.
fn digest(line: &[u8]) -> String {
    Sha256::digest(line).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn as_text<S: serde::Serializer>(why: &LineError, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(why)
}

#[cfg(test)]
mod tests;
