//! Importing: reads a file chunk by chunk, and counts each.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::io;

use jiff::Timestamp;
use steelyard_billing::{Calendar, ProviderId, ReportId, SourceId};
use steelyard_ingest::{Counter, Counting, FUTURE_MAX, RECORDS_MAX, UsageReport};
use steelyard_json::Node;
use steelyard_pricing::{BillingDay, BillingMonth, Metered};
use steelyard_runtime::Clock;
use steelyard_store::{APIS_PER_DAY_MAX, Counted, StoreError, UsageTable};
use thiserror::Error;

use super::chunk::{Chunk, Chunks, LINES_PER_CHUNK, Report};
use super::input::Input;
use super::rule::ImportRules;
use super::summary::{Summary, sum};

// A line makes one record at most, so a chunk fits in a report.
#[expect(
    clippy::as_conversions,
    reason = "a constant can't call `try_from`; this one loses nothing"
)]
const _: () = assert!(LINES_PER_CHUNK <= RECORDS_MAX as u64);

/// How far an import is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// How many bytes of the file were read, compressed as they are.
    pub bytes_read: u64,
    /// How many bytes the file has, if that is known.
    pub bytes_total: Option<u64>,
    /// How many lines were read.
    pub lines_read: u64,
    /// How many of these are done with: counted, or known not to be.
    pub lines_done: u64,
    /// How many lines were refused for what they say, and how many calls by the counter.
    pub refused: u64,
}

/// Why an import stopped. What was counted until then stays counted, and importing the file again
/// counts the rest.
#[derive(Debug, Error)]
pub enum ImportError {
    /// The file can't be read or unpacked.
    #[error("cannot read on after line {line}")]
    Read {
        /// The last line that was read.
        line: u64,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The callers can't be registered as providers.
    #[error("cannot register callers as providers")]
    Register(#[source] Box<dyn Error + Send + Sync>),
    /// A report can't be counted, or only in part.
    #[error("cannot count report {report}")]
    Count {
        /// The report.
        report: ReportId,
        /// What the store says.
        #[source]
        source: StoreError,
    },
}

/// Where an import counts, at what time, and by which calendar.
#[derive(Clone, Debug)]
pub struct Counters {
    /// The table of the reports.
    pub usage: UsageTable,
    /// The platform's calendar.
    pub calendar: Calendar,
    /// The clock that says which months are open.
    pub clock: Clock,
}

/// Imports a file: counts its calls, each once however often the file is imported.
///
/// `progress` is told after each chunk is read and again after it is counted.
/// `register` is asked before a chunk is counted, with those of its callers that have calls which
/// can be counted now, each with the month of the first of them: callers that no earlier chunk named, or
/// only with later months. The calls of a caller that is not registered then are refused.
///
/// Reading blocks the thread.
///
/// # Errors
///
/// [`ImportError`]; a line or a record that can't be counted is none, and is in the summary.
pub async fn import(
    input: Input,
    rules: &ImportRules,
    counters: &Counters,
    mut progress: impl FnMut(Progress),
    register: impl AsyncFn(
        &BTreeMap<ProviderId, BillingMonth>,
    ) -> Result<(), Box<dyn Error + Send + Sync>>,
) -> Result<Summary, ImportError> {
    let mut chunks = Chunks::new(input, rules, &counters.calendar, APIS_PER_DAY_MAX);
    let mut summary = Summary::default();
    let mut callers = BTreeMap::new();
    while let Some(chunk) = chunks.next() {
        let chunk = chunk.map_err(|source| ImportError::Read { line: chunks.lines(), source })?;
        let far = |lines_done, summary: &Summary| Progress {
            bytes_read: chunks.input().bytes_read(),
            bytes_total: chunks.input().bytes_total(),
            lines_read: chunks.lines(),
            lines_done,
            refused: summary.refused_lines() + summary.refusals.count,
        };
        let lines_done = summary.lines;
        summary.read(&chunk);
        progress(far(lines_done, &summary));
        let new = counters.new_callers(&chunk, &callers);
        if !new.is_empty() {
            register(&new).await.map_err(ImportError::Register)?;
        }
        callers.extend(new);
        count_chunk(chunk, &rules.source, &counters.counter(), &mut summary).await?;
        progress(far(summary.lines, &summary));
    }
    Ok(summary)
}

impl Counters {
    /// A counter that knows no provider yet: one that does would not see that the first month of a
    /// provider has just moved.
    fn counter(&self) -> Counter {
        Counter::new(self.usage.clone(), self.calendar.clone(), self.clock.clone())
    }

    /// The callers of a chunk whose calls can be counted now, unless they are among the known, from
    /// the same month or an earlier one.
    fn new_callers(
        &self,
        chunk: &Chunk,
        known: &BTreeMap<ProviderId, BillingMonth>,
    ) -> BTreeMap<ProviderId, BillingMonth> {
        let now = self.clock.now();
        let mut callers = chunk.first_months(|day| self.is_counted(day, now));
        callers.retain(|caller, month| known.get(caller).is_none_or(|known| *month < *known));
        callers
    }

    /// Whether usage of a day is taken: it has begun, and its month is open.
    fn is_counted(&self, day: BillingDay, now: Timestamp) -> bool {
        let today = self.calendar.day_of(now.saturating_add(FUTURE_MAX).unwrap_or(now));
        self.calendar.is_open(day.month(), now) && today.is_ok_and(|today| day <= today)
    }
}

/// Counts the reports of a chunk, in order. Once one conflicts for a provider, the chunk's later
/// ones are not counted for it: its calls may have been parted differently before.
async fn count_chunk(
    chunk: Chunk,
    source: &SourceId,
    counter: &Counter,
    summary: &mut Summary,
) -> Result<(), ImportError> {
    let mut conflicting = BTreeSet::new();
    for report in chunk.reports {
        let Report { id, records } = report;
        let (stopped, records) =
            records.into_iter().partition(|record| conflicting.contains(&record.provider));
        let stopped = Report { id: id.clone(), records: stopped };
        for ((provider, _), metered) in stopped.metered(&BTreeSet::new()) {
            summary.conflict(&id, &provider, metered);
        }
        let report = Report { id, records };
        let counting = counter.count(&report.to_usage_report(source)).await;
        let counting =
            counting.map_err(|source| ImportError::Count { report: report.id.clone(), source })?;
        conflicting.extend(summary.count(report, counting));
    }
    Ok(())
}

impl Report {
    fn to_usage_report(&self, source: &SourceId) -> UsageReport {
        let node = |record| Node::from(serde_json::to_value(record).expect("a record has a JSON"));
        UsageReport {
            source: source.clone(),
            id: self.id.clone(),
            records: self.records.iter().map(node).collect(),
        }
    }

    /// What it meters of each provider on each day, without the records that were refused.
    fn metered(&self, refused: &BTreeSet<usize>) -> BTreeMap<(ProviderId, BillingDay), Metered> {
        let mut metered = BTreeMap::new();
        for (_, record) in self.records.iter().enumerate().filter(|(i, _)| !refused.contains(i)) {
            let of_day = metered.entry((record.provider.clone(), record.day)).or_default();
            *of_day = sum(*of_day, record.metered());
        }
        metered
    }
}

impl Summary {
    /// Takes in what became of a report. Gives the providers for whom it conflicts.
    fn count(&mut self, report: Report, counting: Counting) -> BTreeSet<ProviderId> {
        self.reports += 1;
        let refused = counting.refused.iter().map(|refused| refused.index).collect();
        let mut conflicting = BTreeSet::new();
        for ((provider, day), metered) in report.metered(&refused) {
            let counted = counting.providers.get(&provider).and_then(|days| days.get(&day));
            match counted.expect("the counter answers for all whom it did not refuse") {
                Counted::Counted => self.counted.add(&provider, metered),
                Counted::Duplicate => self.duplicate.add(&provider, metered),
                Counted::Conflict => {
                    self.conflict(&report.id, &provider, metered);
                    conflicting.insert(provider);
                }
            }
        }
        for refused in counting.refused {
            self.refuse(report.records[refused.index].clone(), refused.reason);
        }
        conflicting
    }
}
