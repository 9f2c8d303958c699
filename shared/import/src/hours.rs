//! The calls of a log by hour, as reports that can be merged whatever piece of the log they are
//! made of.
//!
//! An hour of a provider is one cumulative report. Its parts are the minutes. A line is reported as
//! a fingerprint in its minute, so that the same line counts once in whatever piece it stands, and
//! pieces add up. Where an hour of a provider has more than [`LINES_KEPT_MAX`] lines, a minute that
//! lies whole inside of the file is reported as a count instead. A minute that may be cut stays in
//! lines.
//!
//! A log is written in the order of its instants, except for a window. The file may be cut at its
//! beginning and end, and wherever it steps back, or leaps ahead, by more than the window: each
//! stretch between is a run, and is treated as a file of its own. Within the window of a run's
//! beginning and end, and of nothing else, lines may be missing. A run also begins where lines
//! repeat others in their order, and one of them is older than a line before: pieces that overlap
//! were joined. Logs that are written in several files at a time are scattered: of them every line
//! is reported as a fingerprint.

mod hour;
mod repeats;

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use steelyard_billing::{CumulativeUsage, ProviderId, ReportId};
use steelyard_pricing::{ApiName, BillingDay, Metered};

use self::hour::Hour;
use self::repeats::Repeats;
use super::fingerprint::Fingerprint;
use super::line_error::LineError;

/// How many lines of a provider in an hour are reported line by line: some 32 KB.
pub const LINES_KEPT_MAX: usize = 4_096;

/// How many lines are held before those of finished runs are reported, to bound the memory.
const LINES_HELD_MAX: usize = 2_000_000;

const MINUTE_S: i64 = 60;
const HOUR_S: i64 = 3_600;

/// An hour of a log, as a cumulative report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HourReport {
    /// Its id, such as `log-2015-05-17T02Z`: the hour in UTC.
    pub id: ReportId,
    /// The billing day: an hour in which a day begins has two reports.
    pub day: BillingDay,
    /// The hour's lines by provider.
    pub shares: BTreeMap<ProviderId, HourShare>,
}

/// What an hour of a log says of one provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HourShare {
    /// How far its counts have come.
    pub usage: CumulativeUsage,
    /// The calls of the lines, and what went through them: those of a line that is repeated in an
    /// overlap, each time.
    pub metered: Metered,
    /// The first of the lines in the file, from 1.
    pub line: u64,
}

/// One line, as far as it is counted.
#[derive(Clone, Debug)]
pub struct Call {
    /// The provider that the call is billed to.
    pub provider: ProviderId,
    /// The API that was called.
    pub api: ApiName,
    /// The billing day of the call.
    pub day: BillingDay,
    /// When the call was made, as the log has it.
    pub at: Timestamp,
    /// How many, and what went through them.
    pub metered: Metered,
    /// The content of the line.
    pub print: Fingerprint,
    /// Whether other files may have more lines of its minute, wherever in this file it stands: the
    /// minute is never reported as a count.
    pub is_scattered: bool,
    /// Its number in the file, from 1.
    pub line: u64,
}

/// The hours of a file that are not reported yet.
#[derive(Debug)]
pub struct Hours {
    window_s: i64,
    lines_kept: usize,
    open: BTreeMap<(i64, BillingDay), Hour>,
    runs: Runs,
    repeats: Repeats,
    /// The minutes that were reported as counts, a bit for each, of hours that are done.
    counted: HashMap<i64, HashMap<ProviderId, u64>>,
    held: usize,
    steps_back: u64,
}

/// The stretches of a file without a step back or a leap ahead.
#[derive(Clone, Debug, Default)]
struct Runs {
    /// Between which seconds, both exclusive, no line of a run can be missing, by its number.
    inside: BTreeMap<u32, (i64, i64)>,
    /// The number of the last run that began. One that was taken back is a part of the run before.
    last: u32,
    newest: Option<i64>,
}

impl Hours {
    /// The hours of a log that is in order except for a window. Up to so many lines of a provider
    /// in an hour are reported line by line.
    #[must_use]
    pub fn new(window_s: u32, lines_kept: usize) -> Hours {
        Hours {
            window_s: window_s.into(),
            lines_kept,
            open: BTreeMap::new(),
            runs: Runs::default(),
            repeats: Repeats::default(),
            counted: HashMap::new(),
            held: 0,
            steps_back: 0,
        }
    }

    /// Adds a line.
    ///
    /// # Errors
    ///
    /// [`LineError`] when its minute was counted before as a whole, or the hour has too many calls.
    pub fn add(&mut self, call: Call) -> Result<(), LineError> {
        let at = call.at.as_second();
        self.step_to(at, call.is_scattered);
        let seen = self.repeats.add(call.at, call.print, self.window_s);
        self.take_back_if(seen.are_new);
        if seen.may_repeat {
            self.runs.repeat(at, self.window_s);
        }
        let (hour, minute) = (at.div_euclid(HOUR_S), at.rem_euclid(HOUR_S) / MINUTE_S);
        let was_counted = self.counted.get(&hour).and_then(|of| of.get(&call.provider));
        if was_counted.is_some_and(|minutes| (minutes >> minute) & 1 == 1) {
            return Err(LineError::OutOfOrder { window_s: self.window_s });
        }
        let open = self.open.entry((hour, call.day));
        let open = open.or_insert_with(|| Hour::new(hour, self.lines_kept));
        self.held += open.add(call, &self.runs).map_err(|error| match error {
            hour::AddError::Counted => LineError::OutOfOrder { window_s: self.window_s },
            hour::AddError::TooMany(error) => LineError::TooMuch(error),
        })?;
        Ok(())
    }

    fn step_to(&mut self, at: i64, is_scattered: bool) {
        let window_s = self.window_s;
        match self.runs.newest {
            Some(newest) if at < newest - window_s => {
                // Scattered lines need no order.
                self.steps_back += u64::from(!is_scattered);
                self.begin(at);
            }
            Some(newest) if at <= newest + window_s => self.runs.goes_on(at, window_s),
            Some(_) | None => self.begin(at),
        }
    }

    fn begin(&mut self, at: i64) {
        let are_new = self.repeats.forget();
        self.take_back_if(are_new);
        self.runs.begin(at, self.window_s);
    }

    /// Takes the last lines, which may have repeated others, for lines of the run before them.
    fn take_back_if(&mut self, are_new: bool) {
        if are_new {
            self.runs.take_back(self.window_s);
        }
    }

    /// How often the file stepped back by more than the window.
    #[must_use]
    pub fn steps_back(&self) -> u64 {
        self.steps_back
    }

    /// How many lines were taken for repetitions of lines before them, and how many may be
    /// repetitions but are counted.
    #[must_use]
    pub fn repeated(&self) -> (u64, u64) {
        self.repeats.counts()
    }

    /// Decides about the last lines, when the file is read to its end.
    pub fn read_to_the_end(&mut self) {
        let are_new = self.repeats.end();
        self.take_back_if(are_new);
    }

    /// The hours to which the log will not come back, unless it steps back.
    #[must_use]
    pub fn finished(&mut self) -> Vec<HourReport> {
        let Some(newest) = self.runs.newest else { return Vec::new() };
        let is_pressed = self.held > LINES_HELD_MAX;
        let (oldest, window_s) = (newest - self.window_s, self.window_s);
        let is_done = |hour: i64| {
            // The run can still reach an hour that lies ahead, where an earlier run was.
            let is_past = (hour + 1) * HOUR_S <= oldest;
            is_past || (is_pressed && hour * HOUR_S > newest + window_s)
        };
        let done = self.open.keys().filter(|(hour, _)| is_done(*hour)).copied().collect::<Vec<_>>();
        done.into_iter().filter_map(|key| self.close(key)).collect()
    }

    /// Whether an hour, by the id of its report, is not reported for good.
    #[must_use]
    pub fn is_open(&self, report: &ReportId) -> bool {
        self.open.keys().any(|(hour, _)| hour_id(*hour) == *report)
    }

    /// All that are left, at the end of the file.
    #[must_use]
    pub fn end(mut self) -> Vec<HourReport> {
        let keys = self.open.keys().copied().collect::<Vec<_>>();
        keys.into_iter().filter_map(|key| self.close(key)).collect()
    }

    /// How far all that are left have come. It changes nothing. Unless all of it is wanted, a busy
    /// provider has whole minutes only: the last two minutes follow when they are past.
    #[must_use]
    pub fn so_far(&self, is_all: bool) -> Vec<HourReport> {
        let report = |((hour, day), open): (&(i64, BillingDay), &Hour)| {
            let shares =
                if is_all { open.clone().close(&self.runs).0 } else { open.so_far(&self.runs) };
            HourReport { id: hour_id(*hour), day: *day, shares }
        };
        self.open.iter().map(report).collect()
    }

    fn close(&mut self, key: (i64, BillingDay)) -> Option<HourReport> {
        let hour = self.open.remove(&key)?;
        self.held = self.held.saturating_sub(hour.held());
        let (shares, counted) = hour.close(&self.runs);
        if !counted.is_empty() {
            let of_hour = self.counted.entry(key.0).or_default();
            for (provider, minutes) in counted {
                *of_hour.entry(provider).or_default() |= minutes;
            }
        }
        Some(HourReport { id: hour_id(key.0), day: key.1, shares })
    }
}

impl Runs {
    fn begin(&mut self, at: i64, window_s: i64) {
        self.last = self.last.saturating_add(1);
        self.inside.insert(self.last, (at + window_s, at - window_s));
        self.newest = Some(at);
    }

    /// Begins a run with lines that may repeat others. The newest line is still the newest.
    fn repeat(&mut self, at: i64, window_s: i64) {
        let newest = self.newest;
        self.begin(at, window_s);
        self.newest = newest;
    }

    /// Makes the run that began last a part of the one before it.
    fn take_back(&mut self, window_s: i64) {
        self.inside.remove(&self.last);
        self.reaches_the_newest(window_s);
    }

    fn goes_on(&mut self, at: i64, window_s: i64) {
        let newest = self.newest.map_or(at, |newest| newest.max(at));
        self.newest = Some(newest);
        self.reaches_the_newest(window_s);
    }

    fn reaches_the_newest(&mut self, window_s: i64) {
        if let (Some((_, (_, to))), Some(newest)) =
            (self.inside.iter_mut().next_back(), self.newest)
        {
            *to = newest - window_s;
        }
    }

    /// The number of the run that a line of this number is of.
    fn run_of(&self, number: u32) -> u32 {
        self.inside.range(..=number).next_back().map_or(number, |(run, _)| *run)
    }

    /// Whether no line of a minute, by its first second, can be missing in the run of a line.
    fn has_whole(&self, number: u32, minute_s: i64) -> bool {
        let inside = self.inside.range(..=number).next_back();
        inside.is_some_and(|(_, (from, to))| *from < minute_s && minute_s + MINUTE_S - 1 < *to)
    }
}

/// `log-2015-05-17T02Z`.
fn hour_id(hour: i64) -> ReportId {
    let at = Timestamp::from_second(hour * HOUR_S).unwrap_or(Timestamp::UNIX_EPOCH);
    at.strftime("log-%Y-%m-%dT%HZ").to_string().parse().expect("an hour is an id")
}

#[cfg(test)]
mod tests;
