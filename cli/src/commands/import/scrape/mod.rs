//! Scraping counters: what they gained since the last scrape is counted.
//!
//! The state of a target is kept in a file. It is written before a report is sent, and again when
//! the report was answered: see [`CounterState`].

mod fetch;
mod state_file;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error as StdError;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use steelyard_billing::ProviderId;
use steelyard_import::{
    Acknowledged, CounterOutcome, CounterState, PendingReport, Prepared, Record, SeriesRule,
    Summary,
};
use steelyard_metering::{Counters, ImportAs, Importing, divided_ids};
use steelyard_pricing::BillingMonth;
use steelyard_runtime::{Error, chain};

use self::fetch::Target;
use self::state_file::StateFile;
use super::pace::{CONTINUOUS, PaceArgs, longer};
use crate::document::Document;
use crate::output::{self, grouped};

/// The options by which counters are scraped.
#[derive(Debug, Args)]
pub(super) struct ScrapeArgs {
    /// Scrape counters in the text format of Prometheus or OpenMetrics, and count what they gained,
    /// until SIGTERM or Ctrl-C.
    ///
    /// What the first scrape shows is the beginning and counts nothing. Calls count on the billing
    /// day of the scrape that shows them. A refused record is sent again with the next report.
    #[arg(long, group = CONTINUOUS, value_name = "URL", requires_all = ["counters", "state"], conflicts_with_all = [
        "file", "report", "rule", "caller", "trusted_hops", "map", "provider_prefix", "api", "segments",
        "ignore_case", "api_prefix", "status", "methods", "fields", "combined", "window",
    ])]
    scrape: Option<Target>,
    /// The rule for the counter, as a JSON document.
    #[arg(long, requires = "scrape", value_name = "FILE")]
    counters: Option<PathBuf>,
    /// Where to keep how far the counter was counted: a file for each target and counter.
    ///
    /// If the file is lost, the next scrape is a beginning. Never put an earlier copy in its place:
    /// calls would count twice.
    #[arg(long, requires = "scrape", value_name = "FILE")]
    state: Option<PathBuf>,
    /// Scrape once, and end.
    #[arg(long, requires = "scrape")]
    once: bool,
    /// The counter was at zero when metering began: what the first scrape shows counts.
    ///
    /// For a first start only: if the state is lost, all that the counter shows counts again.
    #[arg(long, requires = "scrape")]
    from_zero: bool,
}

/// Counters that are ready to be scraped.
pub(super) struct Scraping {
    target: Target,
    rule: SeriesRule,
    file: StateFile,
    stored: Option<CounterState>,
    once: bool,
    from_zero: bool,
}

/// The totals of a scraper.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Scraped {
    /// The scrapes that were taken.
    scrapes: u64,
    /// The calls that were counted, also by a report that was sent before.
    counted: u64,
    /// The calls of the last scrape that were refused, or not answered, and are reported next.
    waiting: u64,
    /// The calls that were refused and may have been counted before. They are not sent again.
    given_up: u64,
    /// The calls of reports that conflict, or were withdrawn.
    conflict: u64,
    /// The series that began anew.
    resets: u64,
    /// The outcome of the last scrape.
    last: CounterOutcome,
}

impl Scraped {
    /// Whether every call is counted, and no line was bad or of an unknown caller.
    pub(super) fn is_complete(&self) -> bool {
        let CounterOutcome { bad, unmapped, .. } = &self.last;
        let refused = [bad.count, unmapped.lines, self.waiting, self.given_up, self.conflict];
        refused.iter().all(|refused| *refused == 0)
    }
}

impl ScrapeArgs {
    /// Reads the rule and the state.
    ///
    /// # Errors
    ///
    /// When one of them makes no sense, or another process uses the state.
    pub(super) fn open(&self) -> Result<Scraping, Error> {
        let (Some(target), Some(counters), Some(state)) =
            (&self.scrape, &self.counters, &self.state)
        else {
            return Err("give --scrape, --counters and --state".into());
        };
        let rule = Document::open(counters)?.counter_rule()?;
        let file = StateFile::open(state)?;
        let stored = file.read()?.map(|text| CounterState::read(&text, &target.to_string(), &rule));
        let stored = stored.transpose().map_err(|error| format!("{}: {error}", state.display()))?;
        let (once, from_zero) = (self.once, self.from_zero);
        Ok(Scraping { target: target.clone(), rule, file, stored, once, from_zero })
    }
}

const HELD: &str = "a report that may have been sent before is refused in part, and nothing of that part is counted: \
                    its calls wait for six minutes, until nothing of it can be on its way";

/// A scraper that runs.
struct Scraper<'a, R> {
    target: Target,
    rule: SeriesRule,
    file: StateFile,
    state: CounterState,
    importing: Importing<'a>,
    counters: &'a Counters,
    register: R,
    scraped: Scraped,
    /// The reasons for which something was refused, each reported once.
    told: BTreeSet<String>,
}

/// Scrapes a target once, or until a signal ends it.
///
/// # Errors
///
/// When it cannot begin, or the only scrape fails. A later failure is reported and tried again.
pub(super) async fn scrape(
    scraping: Scraping,
    pace: &PaceArgs,
    (by, counters): (&ImportAs, &Counters),
    register: impl AsyncFn(
        &BTreeMap<ProviderId, BillingMonth>,
    ) -> Result<(), Box<dyn StdError + Send + Sync>>,
) -> Result<Scraped, Error> {
    let Scraping { target, rule, file, stored, once, from_zero } = scraping;
    let begin = || CounterState::begin(&target.to_string(), &rule, counters.clock.now(), from_zero);
    let state = stored.unwrap_or_else(begin);
    let importing = Importing::new(by, counters);
    let (scraped, told) = (Scraped::default(), BTreeSet::new());
    let mut scraper =
        Scraper { target, rule, file, state, importing, counters, register, scraped, told };
    if once {
        scraper.pass().await?;
        return Ok(scraper.scraped);
    }
    let mut pace = pace.pace()?;
    let mut after_failure = pace.every();
    loop {
        let mut wait = pace.every();
        match scraper.pass().await {
            Ok(()) => after_failure = wait,
            Err(error) => {
                wait = after_failure;
                after_failure = longer(wait);
                output::tell(format_args!("{}; trying again in {wait:?}", chain(&*error)));
            }
        }
        if pace.wait_for(wait).await {
            return Ok(scraper.end().await);
        }
    }
}

impl<R> Scraper<'_, R>
where
    R: AsyncFn(&BTreeMap<ProviderId, BillingMonth>) -> Result<(), Box<dyn StdError + Send + Sync>>,
{
    /// Sends the report that is on its way, and then what a new scrape shows.
    async fn pass(&mut self) -> Result<(), Error> {
        self.send().await?;
        let scrape = self.target.scrape(&self.rule.metric).await?;
        let now = self.counters.clock.now();
        let prepared = self.state.prepare(scrape, &self.rule, now, &self.counters.calendar)?;
        let Prepared { state, outcome } = prepared;
        if state != self.state {
            self.file.write(&state.written())?;
            self.state = state;
        }
        self.scraped.scrapes += 1;
        self.scraped.resets += outcome.resets;
        self.scraped.waiting = 0;
        self.scraped.last = outcome;
        let sent = self.send().await;
        self.tell();
        sent
    }

    /// Counts what the counters show by now. What fails is done by the next scraper of the state.
    async fn end(mut self) -> Scraped {
        if let Err(error) = self.pass().await {
            output::tell(chain(&*error));
        }
        let pending = self.state.pending().into_iter().flat_map(|pending| &pending.records);
        let waiting = pending
            .fold(self.scraped.waiting, |calls, record| calls.saturating_add(record.count.get()));
        Scraped { waiting, ..self.scraped }
    }

    async fn send(&mut self) -> Result<(), Error> {
        let Some(pending) = self.state.pending().cloned() else { return Ok(()) };
        if let Some(held) = pending.held() {
            if !held.is_over(self.counters.clock.now()) {
                return Err(HELD.into());
            }
            let uncounted = self.uncounted(&pending, &held.refused).await?;
            return self.acknowledge(self.state.clone(), &held.refused, &uncounted);
        }
        let records = pending.records.iter().map(Record::from).collect::<Vec<_>>();
        // From here on the report may have been sent, even if the call fails.
        let unanswered = self.state.clone().unanswered();
        let sent = std::mem::replace(&mut self.state, unanswered);
        let refused = self.importing.count_report(&pending.id, records, &self.register).await?;
        if pending.was_sent() && !self.uncounted(&pending, &refused).await?.is_empty() {
            self.state = sent.unanswered().holding(refused, self.counters.clock.now());
            self.file.write(&self.state.written())?;
            self.take_summary();
            return Err(HELD.into());
        }
        self.acknowledge(sent, &refused, &BTreeSet::new())?;
        self.take_summary();
        Ok(())
    }

    fn acknowledge(
        &mut self,
        state: CounterState,
        refused: &BTreeSet<usize>,
        uncounted: &BTreeSet<usize>,
    ) -> Result<(), Error> {
        let Acknowledged { state, waiting, given_up } = state.acknowledged(refused, uncounted);
        self.file.write(&state.written())?;
        self.state = state;
        self.scraped.waiting = waiting;
        self.scraped.given_up += given_up;
        Ok(())
    }

    /// The refused records of a report whose provider and day it has nothing of in the table.
    async fn uncounted(
        &self,
        report: &PendingReport,
        refused: &BTreeSet<usize>,
    ) -> Result<BTreeSet<usize>, Error> {
        let (usage, source) = (&self.counters.usage, self.importing.source());
        let share = |place: &usize| {
            let record = &report.records[*place];
            (record.provider.clone(), record.day)
        };
        let mut counted = BTreeSet::new();
        for (provider, day) in refused.iter().map(share).collect::<BTreeSet<_>>() {
            for id in divided_ids(&report.id) {
                if !usage.reports_alone(&provider, (source, &id), &[day]).await?.is_empty() {
                    counted.insert((provider.clone(), day));
                }
            }
        }
        Ok(refused.iter().copied().filter(|place| !counted.contains(&share(place))).collect())
    }

    /// Adds what became of a report, which begins with no sums of its own: those have a bound.
    fn take_summary(&mut self) {
        let summary = std::mem::take(&mut self.importing.summary);
        let calls = [&summary.counted, &summary.duplicate, &summary.withdrawn, &summary.conflict];
        let [counted, duplicate, withdrawn, conflict] =
            calls.map(|tally| tally.metered.calls.get());
        self.scraped.counted = self.scraped.counted.saturating_add(counted + duplicate);
        self.scraped.conflict = self.scraped.conflict.saturating_add(withdrawn + conflict);
        for reason in refusals(&summary) {
            self.tell_once(&reason, &reason);
        }
        for conflict in &summary.conflicts.first {
            let (provider, report) = (&conflict.provider, &conflict.report);
            output::tell(format_args!(
                "conflict of {provider} in report {report}: another process, or a copy of the state, reported \
                 under this id, or it was withdrawn; nothing of it was counted"
            ));
        }
    }

    fn tell(&mut self) {
        let CounterOutcome { resets, bad, unmapped, .. } = &self.scraped.last;
        if *resets > 0 {
            output::tell(format_args!("{} series began anew", grouped(*resets)));
        }
        let bad = bad.reasons.iter().map(|reason| {
            let example = reason.examples.first();
            let example = example.map(|bad| format!("line {}: {}", bad.line, bad.why));
            (reason.reason.to_string(), example.unwrap_or_default())
        });
        let unmapped = (unmapped.lines > 0).then(|| {
            let said = "calls of callers that are no provider: see `callers` of the rule";
            ("unmapped".to_owned(), said.to_owned())
        });
        for (reason, said) in bad.chain(unmapped).collect::<Vec<_>>() {
            self.tell_once(&reason, &said);
        }
    }

    fn tell_once(&mut self, reason: &str, said: &str) {
        if self.told.insert(reason.to_owned()) {
            output::tell(format_args!("refused: {said}"));
        }
    }
}

fn refusals(summary: &Summary) -> Vec<String> {
    summary.refusals.reasons.iter().map(|reason| reason.reason.to_string()).collect()
}

/// Prints what a scraper did.
///
/// # Errors
///
/// When standard output can't be written.
pub(super) fn print(scraped: &Scraped) -> Result<(), Error> {
    let Scraped { scrapes, counted, waiting, given_up, conflict, last, .. } = scraped;
    let [scrapes, calls] = [(*scrapes, "scrape"), (*counted, "call")]
        .map(|(number, what)| output::counted(grouped(number), what));
    let series = grouped(last.series);
    output::print(format_args!("{scrapes} of {series} series, {calls} counted"))?;
    let refused = [
        ("series that begin here, so that nothing of what they show counts", last.baselines),
        ("refused lines", last.bad.count),
        ("series of unknown callers, which wait", last.unmapped.lines),
        ("calls that wait for the next report", *waiting),
        ("calls REFUSED when they were sent again; they are not sent any more", *given_up),
        ("calls in CONFLICT", *conflict),
    ];
    for (what, number) in refused.into_iter().filter(|(_, number)| *number > 0) {
        output::print(format_args!("{what}: {}", grouped(number)))?;
    }
    Ok(())
}
