//! Importing: reads a file batch by batch, and counts what each finishes.

mod days;
mod identified;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::io;
use std::sync::Arc;

use jiff::Timestamp;
use steelyard_billing::{Allowance, Calendar, CumulativeUsage, ProviderId, ReportId, SourceId};
use steelyard_import::{Batch, Batches, HourReport, Input, Record, Rule, Share, Summary, sum};
use steelyard_pricing::{BillingDay, BillingMonth, Metered, Usage, UsageError};
use steelyard_report::{FUTURE_MAX, Refusal};
use steelyard_runtime::Clock;
use steelyard_store::{Raised, StoreError, UsageTable};
use thiserror::Error;

pub use identified::{count_identified, count_post, divided_ids};

use crate::count::{Counter, Cumulative, CumulativeShares, RaisedShare};

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
    #[error(
        "cannot read on after line {line}; calls of the lines before it that are counted now: {calls}"
    )]
    Read {
        /// The last line that was read.
        line: u64,
        /// How many calls this import counted until then.
        calls: u64,
        /// The error of the system.
        #[source]
        source: io::Error,
    },
    /// The callers can't be registered as providers.
    #[error("cannot register callers as providers")]
    Register(#[source] Box<dyn Error + Send + Sync>),
    /// A report can't be counted, or only in part.
    #[error("cannot count report {report}")]
    Count {
        /// The id of the report.
        report: ReportId,
        /// The error of the store.
        #[source]
        source: Arc<StoreError>,
    },
    /// The calls of a report have no sum. Never so of a file that was read, since a line that would
    /// exceed what can be counted is a bad one.
    #[error("cannot sum report {report}")]
    Sum {
        /// The id of the report.
        report: ReportId,
        /// The count that exceeds its range.
        #[source]
        source: UsageError,
    },
}

/// In whose name a file is imported, and how its lines are read.
#[derive(Clone, Debug)]
pub struct ImportAs {
    /// The source in whose name the calls are reported: two logs need two sources.
    pub source: SourceId,
    /// What names the lines that give only a day and have no id, in this file.
    pub report: Option<ReportId>,
    /// The rule by which lines become calls.
    pub rule: Rule,
}

/// A share of an hour that is not counted as far as it has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotCountedShare {
    /// The id of the hour's report.
    pub report: ReportId,
    /// The billing day of the calls.
    pub day: BillingDay,
    /// The provider whose calls they are.
    pub provider: ProviderId,
    /// The calls of its lines, and what went through them. Some may be counted.
    pub metered: Metered,
    /// Whether the hour was counted before by other rules; it was refused otherwise.
    pub is_conflict: bool,
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
/// `progress` is called after each batch of lines is read, and again after what is finished by it
/// is counted. `register` is asked before that, with those callers that have calls which can be
/// counted now, each with the month of the first of them: callers that no earlier batch named, or
/// only with later months. The calls of a caller that is not registered then are refused.
///
/// Reading blocks the thread.
///
/// # Errors
///
/// [`ImportError`]; a line or a record that can't be counted is none, and is in the summary.
pub async fn import(
    input: Input,
    by: &ImportAs,
    counters: &Counters,
    mut progress: impl FnMut(Progress),
    register: impl AsyncFn(
        &BTreeMap<ProviderId, BillingMonth>,
    ) -> Result<(), Box<dyn Error + Send + Sync>>,
) -> Result<Summary, ImportError> {
    let mut batches = Batches::new(input, &by.rule, &counters.calendar);
    let mut importing = Importing::new(by, counters);
    while let Some(batch) = batches.next() {
        let batch = batch.map_err(|source| ImportError::Read {
            line: batches.lines(),
            calls: importing.summary.counted.metered.calls.get(),
            source,
        })?;
        let far = |lines_done, summary: &Summary| Progress {
            bytes_read: batches.input().bytes_read(),
            bytes_total: batches.input().bytes_total(),
            lines_read: batches.lines(),
            lines_done,
            refused: summary.refused_lines() + summary.refusals.count,
        };
        let lines_done = importing.summary.lines;
        importing.summary.read(&batch);
        progress(far(lines_done, &importing.summary));
        importing.count(batch, &register).await?;
        progress(far(importing.summary.lines, &importing.summary));
    }
    Ok(importing.summary)
}

/// An import under way.
#[derive(Debug)]
pub struct Importing<'a> {
    /// The counts of the lines that were read.
    pub summary: Summary,
    by: &'a ImportAs,
    counters: &'a Counters,
    callers: BTreeMap<ProviderId, BillingMonth>,
}

impl<'a> Importing<'a> {
    /// An import that has read nothing.
    #[must_use]
    pub fn new(by: &'a ImportAs, counters: &'a Counters) -> Importing<'a> {
        Importing { summary: Summary::default(), by, counters, callers: BTreeMap::new() }
    }

    /// The source in whose name it counts.
    #[must_use]
    pub fn source(&self) -> &SourceId {
        &self.by.source
    }

    /// Registers the new callers of a batch, as [`import`] does, and counts it. Gives the shares of
    /// its hours that are not counted.
    ///
    /// # Errors
    ///
    /// [`ImportError`]; counting the batch again counts the rest.
    pub async fn count(
        &mut self,
        batch: Batch,
        register: impl AsyncFn(
            &BTreeMap<ProviderId, BillingMonth>,
        ) -> Result<(), Box<dyn Error + Send + Sync>>,
    ) -> Result<Vec<NotCountedShare>, ImportError> {
        self.register(&batch, register).await?;
        count_batch(batch, self.by, self.counters, &mut self.summary).await
    }

    /// Registers the new callers of records, as [`import`] does, and counts the records as one
    /// report that counts once. Gives the places of those that were refused.
    ///
    /// # Errors
    ///
    /// [`ImportError`]; counting the same records under the same id again counts the rest.
    pub async fn count_report(
        &mut self,
        id: &ReportId,
        records: Vec<Record>,
        register: impl AsyncFn(
            &BTreeMap<ProviderId, BillingMonth>,
        ) -> Result<(), Box<dyn Error + Send + Sync>>,
    ) -> Result<BTreeSet<usize>, ImportError> {
        let batch = Batch { days: records, ..Batch::default() };
        self.register(&batch, register).await?;
        let to = (&self.counters.counter(), &Allowance::All);
        count_post(batch.days, (&self.by.source, id.clone()), to, &mut self.summary).await
    }

    async fn register(
        &mut self,
        batch: &Batch,
        register: impl AsyncFn(
            &BTreeMap<ProviderId, BillingMonth>,
        ) -> Result<(), Box<dyn Error + Send + Sync>>,
    ) -> Result<(), ImportError> {
        let new = self.counters.new_callers(batch, &self.callers);
        if !new.is_empty() {
            register(&new).await.map_err(ImportError::Register)?;
        }
        self.callers.extend(new);
        Ok(())
    }
}

impl Default for ImportAs {
    /// As `import`, by the rule that says nothing.
    fn default() -> ImportAs {
        let source = "import".parse().expect("letters are an id");
        ImportAs { source, report: None, rule: Rule::default() }
    }
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

const TOO_MUCH_OF_AN_HOUR: &str = "more of one provider in an hour of a log than is counted: more than 20,000 APIs, or \
                                   more than some 43,000 lines in minutes at whose edge the log is cut; give each \
                                   log a source of its own, or rotate it where little is called";

async fn count_batch(
    batch: Batch,
    by: &ImportAs,
    counters: &Counters,
    summary: &mut Summary,
) -> Result<Vec<NotCountedShare>, ImportError> {
    let (counter, mut not_counted) = (counters.counter(), Vec::new());
    for hour in batch.hours {
        not_counted.extend(count_hour(hour, by, &counter, summary).await?);
    }
    let all = (&counter, &Allowance::All);
    count_identified(batch.identified, &by.source, all, summary).await?;
    days::count(batch.days, by, counters, summary).await?;
    Ok(not_counted)
}

async fn count_hour(
    hour: HourReport,
    by: &ImportAs,
    counter: &Counter,
    summary: &mut Summary,
) -> Result<Vec<NotCountedShare>, ImportError> {
    let HourReport { id, day, shares } = hour;
    let basis = by.rule.basis();
    let report = Cumulative { source: &by.source, id: &id, basis: Some(&basis) };
    let mut metered = BTreeMap::new();
    let mut usage = CumulativeShares::new();
    for (provider, share) in shares {
        let of_apis = share.usage.usage();
        let of_apis = of_apis.map_err(|source| ImportError::Sum { report: id.clone(), source })?;
        usage.insert((provider.clone(), day), share.usage);
        metered.insert(provider, (share.metered, share.line, of_apis));
    }
    let raising = counter.raise(report, usage).await;
    let raising = raising
        .map_err(|source| ImportError::Count { report: id.clone(), source: Arc::new(source) })?;
    summary.reports += 1;
    let mut not_counted = Vec::new();
    for ((provider, day), raised) in raising {
        let Some((metered, line, usage)) = metered.remove(&provider) else { continue };
        not_counted.extend(not_counted_of(&raised, metered).map(|(metered, is_conflict)| {
            let (report, provider) = (id.clone(), provider.clone());
            NotCountedShare { report, day, provider, metered, is_conflict }
        }));
        tell(summary, Share { report: &id, provider, day, metered, line, usage }, raised);
    }
    Ok(not_counted)
}

/// What is not counted of a share that has so much, and whether that is because it conflicts.
fn not_counted_of(
    raised: &Result<RaisedShare, Refusal>,
    metered: Metered,
) -> Option<(Metered, bool)> {
    match raised {
        Ok(RaisedShare { raised: Raised::Conflict, .. }) => Some((metered, true)),
        Ok(RaisedShare { raised: Raised::TooLarge(_), .. }) | Err(_) => Some((metered, false)),
        Ok(RaisedShare { refused, .. }) if refused.apis() > 0 => {
            Some((all(&usage_of(refused)), false))
        }
        Ok(RaisedShare { .. }) => None,
    }
}

/// The calls of a part of a share, by API.
fn usage_of(part: &CumulativeUsage) -> Usage {
    part.usage().expect("the share that it is a part of has a sum")
}

fn all(usage: &Usage) -> Metered {
    usage.iter().fold(Metered::ZERO, |all, (_, metered)| sum(all, metered))
}

/// Adds to a summary the outcome of a share of a cumulative report.
pub(super) fn tell(summary: &mut Summary, share: Share<'_>, raised: Result<RaisedShare, Refusal>) {
    let RaisedShare { raised, refused } = match raised {
        Ok(raised) => raised,
        Err(why) => return summary.refuse_share(share, &why.to_string()),
    };
    let share = without_refused(summary, share, &refused);
    match raised {
        Raised::Counted(gained) => summary.count(&share, gained),
        Raised::Duplicate => summary.count(&share, Metered::ZERO),
        Raised::Withdrawn => summary.withdrawn.add(&share.provider, share.metered),
        Raised::Conflict => summary.conflict(share.report, &share.provider, share.metered),
        Raised::TooLarge(why) => summary.refuse_share(share, &why.to_string()),
    }
}

/// Refuses what the reports have no room for, and gives the rest of the share.
fn without_refused<'a>(
    summary: &mut Summary,
    share: Share<'a>,
    refused: &CumulativeUsage,
) -> Share<'a> {
    if refused.apis() == 0 {
        return share;
    }
    let usage = usage_of(refused);
    let metered = all(&usage);
    summary.refuse_share(Share { metered, usage, ..share.clone() }, TOO_MUCH_OF_AN_HOUR);
    Share { metered: share.metered.above(metered), ..share }
}
