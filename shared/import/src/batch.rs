//! A file in batches of lines: what each line says, and what may be reported by then.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::io;

use serde::Serialize;
use sha2::{Digest, Sha256};
use steelyard_billing::{Calendar, Minute, ProviderId, ReportId, hex};
use steelyard_pricing::{Amount, ApiName, BillingDay, BillingMonth, Calls, Metered, UsageError};

use super::billable::NotBillable;
use super::edges::Edges;
use super::fingerprint::Fingerprint;
use super::formats::{Columns, cloudfront, load_balancer};
use super::hours::{Call, HourReport, Hours, LINES_KEPT_MAX};
use super::input::{Input, LineEnd};
use super::kinds::Kinds;
use super::line::{Identity, Line, LineCalls};
use super::line_error::LineError;
use super::reasons::Refused;
use super::request::Odd;
use super::rule::Rule;
use super::unmapped::UnmappedCallers;

/// How many lines are read before what is finished is reported. It changes no report.
const LINES_PER_BATCH: u64 = 10_000;

/// What some lines of a file say, and the reports that are finished by them.
///
/// Every line is one of `blank`, `odd`, `not_billable`, `unmapped`, `billable` and `bad`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The lines that say nothing.
    pub blank: u64,
    /// The lines that are no calls of an API.
    pub odd: Kinds<Odd>,
    /// The calls that their method or their status makes free.
    pub not_billable: Kinds<NotBillable>,
    /// The lines whose caller is no provider.
    pub unmapped: UnmappedCallers,
    /// The lines with calls to bill.
    pub billable: u64,
    /// The lines that can't be counted.
    pub bad: Vec<BadLine>,
    /// The calls to bill, and what went through them.
    pub metered: Metered,
    /// The hours of the log that are finished.
    pub hours: Vec<HourReport>,
    /// The lines with an id of their own, in the order of the file.
    pub identified: Vec<IdentifiedLine>,
    /// In the last batch: what lines that give only a day say in the whole file.
    pub days: Vec<Record>,
    /// In the last batch: warnings about the order of the file, and about where it may be cut.
    pub edges: Edges,
}

/// A line that can't be counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BadLine {
    /// Its number in the file, from 1.
    pub line: u64,
    /// The fault of the line.
    #[serde(serialize_with = "as_text")]
    pub why: LineError,
}

/// A line with an id of its own, as a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentifiedLine {
    /// The report's id.
    pub id: ReportId,
    /// Its only record.
    pub record: Record,
    /// The minute with whose lines it is stored in one item; none if it gets one of its own.
    pub combined: Option<Minute>,
}

/// A count of a report, serialised as a usage record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Record {
    /// The provider that the calls are billed to.
    pub provider: ProviderId,
    /// The API that was called.
    pub api: ApiName,
    /// The billing day of the calls.
    pub day: BillingDay,
    /// The number of calls.
    pub count: Calls,
    /// The amount that went through them, in yuan.
    #[serde(skip_serializing_if = "is_nothing")]
    pub amount: Amount,
    /// The first line of the file that has them, from 1.
    #[serde(skip)]
    pub line: u64,
}

/// The batches of a file, in order. After an error there are no more.
pub struct Batches<'a> {
    input: Input,
    lines: Lines<'a>,
    is_over: bool,
}

/// What the lines of a file say, line by line as they come.
pub struct Lines<'a> {
    rule: &'a Rule,
    calendar: &'a Calendar,
    number: u64,
    metered: Metered,
    hours: Hours,
    days: Sums,
    edges: Edges,
    /// Those that the file named last, if it is a log of CloudFront.
    columns: Columns,
    /// The line before, to find out whether the last one is cut off.
    before: Vec<u8>,
}

impl<'a> Batches<'a> {
    /// The batches of an input.
    #[must_use]
    pub fn new(input: Input, rule: &'a Rule, calendar: &'a Calendar) -> Batches<'a> {
        Batches { input, lines: Lines::new(rule, calendar), is_over: false }
    }

    /// The position in the input, for progress.
    #[must_use]
    pub fn input(&self) -> &Input {
        &self.input
    }

    /// How many lines were read.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.lines.number
    }

    fn read_batch(&mut self) -> io::Result<Batch> {
        let mut batch = Batch::default();
        let mut line = Vec::new();
        let end = self.lines.number + LINES_PER_BATCH;
        while self.lines.number < end {
            let Some(how) = self.input.read_line(&mut line)? else {
                self.is_over = true;
                self.lines.end(&mut batch);
                return Ok(batch);
            };
            self.lines.read(&mut line, how, &mut batch);
        }
        self.lines.finished(&mut batch);
        Ok(batch)
    }
}

impl<'a> Lines<'a> {
    /// The lines of a file of which none is read.
    #[must_use]
    pub fn new(rule: &'a Rule, calendar: &'a Calendar) -> Lines<'a> {
        Lines {
            rule,
            calendar,
            number: 0,
            metered: Metered::ZERO,
            hours: Hours::new(rule.window, LINES_KEPT_MAX),
            days: Sums::default(),
            edges: Edges::default(),
            columns: Columns::default(),
            before: Vec::new(),
        }
    }

    /// Reads the next line, which has no line break, and takes it. What is left in `line` is to be
    /// written over.
    pub fn read(&mut self, line: &mut Vec<u8>, end: LineEnd, batch: &mut Batch) {
        self.number += 1;
        let read = match end {
            LineEnd::TooLong => Err(LineError::TooLong),
            LineEnd::File if is_cut_off(line, &self.before) => Err(LineError::Unfinished),
            LineEnd::Break | LineEnd::File => {
                Line::read(line, &mut self.columns, self.rule, self.calendar)
            }
        };
        let number = self.number;
        if let Some(calls) = batch.sort(number, read)
            && let Err(why) = self.add(calls, line, batch)
        {
            batch.bad.push(BadLine { line: number, why });
        }
        std::mem::swap(&mut self.before, line);
    }

    /// Adds to a batch what is finished.
    pub fn finished(&mut self, batch: &mut Batch) {
        batch.hours = self.hours.finished();
    }

    /// Adds to a batch what is finished, and besides how far all that is not has come: counting the
    /// same again later changes nothing. Unless all of it is wanted, the last two minutes of a busy
    /// provider are left out.
    pub fn so_far(&mut self, is_all: bool, batch: &mut Batch) {
        self.finished(batch);
        batch.hours.extend(self.hours.so_far(is_all));
    }

    /// Whether lines of an hour, by the id of its report, are still to be reported.
    #[must_use]
    pub fn is_open(&self, report: &ReportId) -> bool {
        self.hours.is_open(report)
    }

    /// Adds all that is left to the last batch. After it the file begins anew.
    pub fn end(&mut self, batch: &mut Batch) {
        let mut lines = std::mem::replace(self, Lines::new(self.rule, self.calendar));
        self.number = lines.number;
        lines.hours.read_to_the_end();
        lines.edges.steps_back = lines.hours.steps_back();
        (lines.edges.repeated, lines.edges.perhaps_repeated) = lines.hours.repeated();
        batch.hours = lines.hours.end();
        batch.edges = lines.edges;
        batch.days = lines.days.into_records();
    }

    /// Adds the calls of a line, unless those of the whole file are more than one count can hold.
    fn add(&mut self, calls: LineCalls, line: &[u8], batch: &mut Batch) -> Result<(), LineError> {
        let metered = calls.metered;
        // What is less than the sum of the whole file can be counted, too.
        let all = self.metered.plus(metered)?;
        if !metered.is_zero() {
            self.add_calls(calls, line, batch)?;
        }
        self.metered = all;
        batch.metered = batch.metered.plus(metered)?;
        batch.billable += 1;
        Ok(())
    }

    fn add_calls(
        &mut self,
        calls: LineCalls,
        line: &[u8],
        batch: &mut Batch,
    ) -> Result<(), LineError> {
        let LineCalls { provider, api, day, metered, identity } = calls;
        match identity {
            Identity::At(at) | Identity::Scattered(at) => {
                let (print, line) = (Fingerprint::of(line), self.number);
                let is_scattered = matches!(identity, Identity::Scattered(_));
                let call = Call { provider, api, day, at, metered, print, is_scattered, line };
                self.hours.add(call)?;
                self.edges.add(at.as_second(), print);
            }
            Identity::Id { id, combined } => {
                let Metered { calls: count, amount } = metered;
                let record = Record { provider, api, day, count, amount, line: self.number };
                batch.identified.push(IdentifiedLine { id: line_id(&id), record, combined });
            }
            Identity::Day => {
                self.days.add((provider, day, api), metered, self.number)?;
            }
        }
        Ok(())
    }
}

/// The metered usage by provider, day and API, each with the first of its lines.
#[derive(Clone, Debug, Default)]
pub(super) struct Sums(HashMap<(ProviderId, BillingDay, ApiName), (Metered, u64)>);

impl Sums {
    /// Adds the calls of a line.
    pub(super) fn add(
        &mut self,
        key: (ProviderId, BillingDay, ApiName),
        metered: Metered,
        line: u64,
    ) -> Result<(), UsageError> {
        let (sum, first) = self.0.entry(key).or_insert((Metered::ZERO, line));
        *sum = sum.plus(metered)?;
        *first = line.min(*first);
        Ok(())
    }

    /// The sums in the order of providers, days and APIs.
    pub(super) fn into_records(self) -> Vec<Record> {
        let record = |((provider, day, api), (metered, line))| {
            let Metered { calls: count, amount } = metered;
            Record { provider, api, day, count, amount, line }
        };
        let mut records = self.0.into_iter().map(record).collect::<Vec<_>>();
        records.sort_unstable_by(|left, right| left.key().cmp(&right.key()));
        records
    }
}

impl Iterator for Batches<'_> {
    type Item = io::Result<Batch>;

    fn next(&mut self) -> Option<io::Result<Batch>> {
        if self.is_over {
            return None;
        }
        let batch = self.read_batch();
        self.is_over |= batch.is_err();
        Some(batch)
    }
}

/// Whether the last line of a log, which has no line break, may be still being written: its last
/// field has no quotation mark that ends it, it has fewer of them or fewer columns than the line
/// before it, or there is no line to compare it with. A cut number or name is one, too, and would
/// count again once it is whole.
fn is_cut_off(line: &[u8], before: &[u8]) -> bool {
    let is_log = |line: &[u8]| !line.trim_ascii_start().starts_with(b"{");
    let is_blank = line.trim_ascii().is_empty() || line.starts_with(b"#");
    let has_fewer = || {
        quotation_marks(line) < quotation_marks(before)
            || cloudfront::tabs(line) < cloudfront::tabs(before)
            || is_balancer(line) && is_balancer(before) && ends_earlier(line, before)
    };
    let is_ended = line.trim_ascii_end().ends_with(b"\"");
    is_log(line) && !is_blank && (!is_ended || before.is_empty() || is_log(before) && has_fewer())
}

fn is_balancer(line: &[u8]) -> bool {
    load_balancer::is_line(String::from_utf8_lossy(line).trim_ascii())
}

/// Whether fewer words follow the last quotation mark of a line than that of the line before it.
fn ends_earlier(line: &[u8], before: &[u8]) -> bool {
    let words = |line: &[u8]| {
        let end = line.iter().rposition(|byte| *byte == b'"').map_or(0, |quote| quote + 1);
        line[end..].split(|byte| *byte == b' ').filter(|word| !word.is_empty()).count()
    };
    words(line) < words(before)
}

/// The quotation marks from the request on, without those that a backslash escapes.
fn quotation_marks(line: &[u8]) -> usize {
    // Before the request of a load balancer's line there are none.
    let request = if is_balancer(line) { b" \"".as_slice() } else { b"] \"" };
    let begin = line.windows(request.len()).position(|found| found == request);
    let mut is_escaped = false;
    let is_mark = |byte: &&u8| -> bool {
        let is_mark = **byte == b'"' && !is_escaped;
        is_escaped = **byte == b'\\' && !is_escaped;
        is_mark
    };
    line.iter().skip(begin.unwrap_or(line.len())).filter(is_mark).count()
}

/// The id of the report of a line that has that id.
pub(super) fn line_id(id: &str) -> ReportId {
    format!("line-{id}").parse().unwrap_or_else(|_| {
        let digest = hex(&Sha256::digest(id), 32);
        format!("hash-{digest}").parse().expect("a digest is an id")
    })
}

impl Record {
    /// Its calls, and what went through them.
    #[must_use]
    pub fn metered(&self) -> Metered {
        Metered { calls: self.count, amount: self.amount }
    }

    fn key(&self) -> (&ProviderId, BillingDay, &ApiName) {
        (&self.provider, self.day, &self.api)
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

impl Batch {
    /// Sorts a line in. Gives the calls to bill, if it has some.
    pub(super) fn sort(&mut self, number: u64, read: Result<Line, LineError>) -> Option<LineCalls> {
        match read {
            Ok(Line::Blank) => self.blank += 1,
            Ok(Line::Odd(odd)) => self.odd.add(odd),
            Ok(Line::NotBillable(why)) => self.not_billable.add(why),
            Ok(Line::Unmapped { caller, calls }) => self.unmapped.add(caller, calls.get()),
            Ok(Line::Calls(calls)) => return Some(calls),
            Err(why) => self.bad.push(BadLine { line: number, why }),
        }
        None
    }

    /// The providers whose calls of such days it reports, each with the first of their months.
    #[must_use]
    pub fn first_months(
        &self,
        is_counted: impl Fn(BillingDay) -> bool,
    ) -> BTreeMap<ProviderId, BillingMonth> {
        let hours = self.hours.iter();
        let hours = hours.flat_map(|hour| hour.shares.keys().map(move |of| (of, hour.day)));
        let lines = self.identified.iter().map(|line| &line.record).chain(&self.days);
        let days = hours.chain(lines.map(|record| (&record.provider, record.day)));
        let mut months = BTreeMap::new();
        for (provider, day) in days.filter(|(_, day)| is_counted(*day)) {
            let month = months.entry(provider.clone()).or_insert(day.month());
            *month = day.month().min(*month);
        }
        months
    }

    /// How many lines it has.
    #[must_use]
    pub fn lines(&self) -> u64 {
        let bad = self.bad.iter().map(|_| 1).sum::<u64>();
        let free = self.odd.count + self.not_billable.count + self.unmapped.lines;
        self.blank + free + self.billable + bad
    }
}

pub(super) fn is_nothing(amount: &Amount) -> bool {
    *amount == Amount::ZERO
}

fn as_text<S: serde::Serializer>(why: &LineError, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(why)
}

#[cfg(test)]
mod tests;
