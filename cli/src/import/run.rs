//! Importing: reads a file batch by batch, and counts what each finishes.

use std::collections::BTreeMap;
use std::error::Error;
use std::io;

use futures::stream::{self, StreamExt};
use jiff::Timestamp;
use steelyard_billing::{Calendar, ProviderId, ReportId, SourceId};
use steelyard_ingest::{
    Counter, Counts, Cumulative, CumulativeShares, FUTURE_MAX, Refusal as IngestRefusal,
    UsageReport,
};
use steelyard_json::Node;
use steelyard_pricing::{BillingDay, BillingMonth, Metered, Usage, UsageError};
use steelyard_runtime::Clock;
use steelyard_store::{Counted, Raised, StoreError, UsageTable};
use thiserror::Error;

use super::batch::{Batch, Batches, IdentifiedLine, Record};
use super::days;
use super::hours::HourReport;
use super::input::Input;
use super::rule::ImportRules;
use super::summary::{Summary, sum};

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
    /// The calls of a report have no sum. Never so of a file that was read, since a line that would
    /// exceed what can be counted is a bad one.
    #[error("cannot sum report {report}")]
    Sum {
        /// The report.
        report: ReportId,
        /// Why.
        #[source]
        source: UsageError,
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

/// Imports a file: counts its calls, each once in whatever file it stands.
///
/// `progress` is told after each batch of lines is read, and again after what is finished by it is counted.
/// `register` is asked before that, with those callers that have calls which can be counted now, each with
/// the month of the first of them: callers that no earlier batch named, or only with later months. The
/// calls of a caller that is not registered then are refused.
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
    let mut batches = Batches::new(input, rules, &counters.calendar);
    let mut summary = Summary::default();
    let mut callers = BTreeMap::new();
    while let Some(batch) = batches.next() {
        let batch = batch.map_err(|source| ImportError::Read { line: batches.lines(), source })?;
        let far = |lines_done, summary: &Summary| Progress {
            bytes_read: batches.input().bytes_read(),
            bytes_total: batches.input().bytes_total(),
            lines_read: batches.lines(),
            lines_done,
            refused: summary.refused_lines() + summary.refusals.count,
        };
        let lines_done = summary.lines;
        summary.read(&batch);
        progress(far(lines_done, &summary));
        let new = counters.new_callers(&batch, &callers);
        if !new.is_empty() {
            register(&new).await.map_err(ImportError::Register)?;
        }
        callers.extend(new);
        count_batch(batch, rules, counters, &mut summary).await?;
        progress(far(summary.lines, &summary));
    }
    Ok(summary)
}

impl Counters {
    /// A counter that knows no provider yet: one that does would not see that the first month of a
    /// provider has just moved.
    pub(super) fn counter(&self) -> Counter {
        Counter::new(self.usage.clone(), self.calendar.clone(), self.clock.clone())
    }

    /// The callers of a batch whose calls can be counted now, unless they are among the known, from
    /// the same month or an earlier one.
    fn new_callers(
        &self,
        batch: &Batch,
        known: &BTreeMap<ProviderId, BillingMonth>,
    ) -> BTreeMap<ProviderId, BillingMonth> {
        let now = self.clock.now();
        let mut callers = batch.first_months(|day| self.is_counted(day, now));
        callers.retain(|caller, month| known.get(caller).is_none_or(|known| *month < *known));
        callers
    }

    /// Whether usage of a day is taken: it has begun, and its month is open.
    fn is_counted(&self, day: BillingDay, now: Timestamp) -> bool {
        let today = self.calendar.day_of(now.saturating_add(FUTURE_MAX).unwrap_or(now));
        self.calendar.is_open(day.month(), now) && today.is_ok_and(|today| day <= today)
    }
}

/// How many lines with an id of their own are counted at the same time.
const LINES_AT_ONCE: usize = 16;

async fn count_batch(
    batch: Batch,
    rules: &ImportRules,
    counters: &Counters,
    summary: &mut Summary,
) -> Result<(), ImportError> {
    let counter = counters.counter();
    for hour in batch.hours {
        count_hour(hour, rules, &counter, summary).await?;
    }
    count_identified(batch.identified, rules, &counter, summary).await?;
    days::count(batch.days, rules, counters, summary).await
}

async fn count_hour(
    hour: HourReport,
    rules: &ImportRules,
    counter: &Counter,
    summary: &mut Summary,
) -> Result<(), ImportError> {
    let HourReport { id, day, shares } = hour;
    let basis = rules.basis();
    let report = Cumulative { source: &rules.source, id: &id, basis: Some(&basis) };
    let mut metered = BTreeMap::new();
    let mut usage = CumulativeShares::new();
    for (provider, share) in shares {
        let of_apis = share.usage.usage();
        let of_apis = of_apis.map_err(|source| ImportError::Sum { report: id.clone(), source })?;
        usage.insert((provider.clone(), day), share.usage);
        metered.insert(provider, (share.metered, share.line, of_apis));
    }
    let raising = counter.raise(report, usage).await;
    let raising = raising.map_err(|source| ImportError::Count { report: id.clone(), source })?;
    summary.reports += 1;
    for ((provider, day), raised) in raising {
        let Some((metered, line, usage)) = metered.remove(&provider) else { continue };
        summary.raised(Share { report: &id, provider, day, metered, line, usage }, raised);
    }
    Ok(())
}

/// Counts lines with an id of their own, each as a report that counts once.
async fn count_identified(
    lines: Vec<IdentifiedLine>,
    rules: &ImportRules,
    counter: &Counter,
    summary: &mut Summary,
) -> Result<(), ImportError> {
    let counting = lines.into_iter().map(|line| async move {
        let counting = counter.count(&line.to_report(&rules.source)).await;
        (line, counting)
    });
    let counting = stream::iter(counting.collect::<Vec<_>>()).buffered(LINES_AT_ONCE);
    for (line, counting) in counting.collect::<Vec<_>>().await {
        let IdentifiedLine { id, record } = line;
        let counting =
            counting.map_err(|source| ImportError::Count { report: id.clone(), source })?;
        summary.reports += 1;
        let metered = record.metered();
        for counted in counting.providers.values().flat_map(BTreeMap::values) {
            match counted {
                Counted::Counted => summary.counted.add(&record.provider, metered),
                Counted::Duplicate => summary.duplicate.add(&record.provider, metered),
                Counted::Withdrawn => summary.withdrawn.add(&record.provider, metered),
                Counted::Conflict => summary.conflict(&id, &record.provider, metered),
            }
        }
        for refused in counting.refused {
            summary.refuse(record.clone(), refused.reason);
        }
    }
    Ok(())
}

impl IdentifiedLine {
    fn to_report(&self, source: &SourceId) -> UsageReport {
        let record = serde_json::to_value(&self.record).expect("a record has a JSON");
        UsageReport {
            source: source.clone(),
            id: self.id.clone(),
            counts: Counts::New,
            records: vec![Node::from(record)],
        }
    }
}

/// What a file says of a provider and day under one report.
pub(super) struct Share<'a> {
    pub report: &'a ReportId,
    pub provider: ProviderId,
    pub day: BillingDay,
    /// The calls of its lines, and what went through them.
    pub metered: Metered,
    /// The first of the lines.
    pub line: u64,
    /// The calls that count, by API.
    pub usage: Usage,
}

impl Summary {
    /// Takes in what became of a share of a cumulative report.
    pub(super) fn raised(&mut self, share: Share<'_>, raised: Result<Raised, IngestRefusal>) {
        let metered = share.metered;
        match raised {
            Ok(Raised::Counted(gained)) => {
                // More than that only if others reported at the same time.
                let gained = Metered {
                    calls: gained.calls.min(metered.calls),
                    amount: gained.amount.min(metered.amount),
                };
                self.count(&share.provider, gained, metered);
            }
            Ok(Raised::Duplicate) => self.count(&share.provider, Metered::ZERO, metered),
            Ok(Raised::Withdrawn) => self.withdrawn.add(&share.provider, metered),
            Ok(Raised::Conflict) => self.conflict(share.report, &share.provider, metered),
            Ok(Raised::TooLarge(why)) => self.refuse_share(share, &why.to_string()),
            Err(why) => self.refuse_share(share, &why.to_string()),
        }
    }

    fn count(&mut self, provider: &ProviderId, gained: Metered, metered: Metered) {
        let before = metered.above(gained);
        for (tally, metered) in [(&mut self.counted, gained), (&mut self.duplicate, before)] {
            if !metered.is_zero() {
                tally.add(provider, metered);
            }
        }
    }

    /// Refuses a share, by API. Lines that say the same again are refused with them.
    pub(super) fn refuse_share(&mut self, share: Share<'_>, reason: &str) {
        let Share { provider, day, metered, line, usage, .. } = share;
        let total = usage.iter().fold(Metered::ZERO, |all, (_, metered)| sum(all, metered));
        let mut again = metered.above(total);
        for (api, metered) in usage.iter() {
            let Metered { calls: count, amount } = sum(metered, again);
            again = Metered::ZERO;
            let (provider, api) = (provider.clone(), api.clone());
            let record = Record { provider, api, day, count, amount, line };
            self.refuse(record, reason.to_owned());
        }
    }
}
