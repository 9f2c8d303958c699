//! Following a log: its lines are counted while it is written.
//!
//! No state is kept beside the log. Its hours are counted as cumulative reports, so what is read
//! again, after a restart too, changes nothing.

mod figures;
mod tail;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::error::Error as StdError;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use steelyard_billing::{ProviderId, ReportId};
use steelyard_import::{Batch, Input, LineEnd, Lines, Summary};
use steelyard_metering::{Counters, ImportAs, Importing};
use steelyard_pricing::{BillingDay, BillingMonth, Metered};
use steelyard_runtime::{Error, chain};

use self::figures::{Figures, SharedFigures};
use self::tail::{Next, Tail};
use super::pace::{CONTINUOUS, Pace, longer};
use crate::output::{self, grouped};

/// How a log is followed.
#[derive(Debug, Args)]
pub(super) struct FollowArgs {
    /// Follow the file: count its lines while it is written, and go on with the next one when it is
    /// rotated or truncated, until SIGTERM or Ctrl-C.
    ///
    /// At the start it reads FILE.1, if there is one, and FILE from its beginning: what was counted
    /// before changes nothing, so it keeps no state. Lines of JSON that give only a day, and have
    /// no id, are refused.
    #[arg(long, group = CONTINUOUS, conflicts_with = "report")]
    pub(super) follow: bool,
    /// Serve figures for Prometheus at http://ADDRESS/metrics, on a loopback address such as
    /// 127.0.0.1:9477.
    #[arg(long, requires = "follow", value_name = "ADDRESS")]
    metrics: Option<SocketAddr>,
}

/// How many lines are read before what is finished is counted.
const LINES_PER_PASS: u32 = 10_000;

/// How many shares are known to be counted as far as they have come, to bound the memory.
const KNOWN_MAX: usize = 100_000;

/// A log that is followed.
struct Follower<'a, R> {
    by: &'a ImportAs,
    counters: &'a Counters,
    importing: Importing<'a>,
    register: R,
    pace: Pace,
    /// How far each share of an open hour was counted, with the first of its lines: an hour to
    /// which the log comes back is another one.
    known: HashMap<(ReportId, BillingDay, ProviderId), (Metered, u64)>,
    figures: Figures,
    shown: SharedFigures,
    /// The reasons for which something was refused, each reported once.
    told: BTreeSet<String>,
}

/// Follows a log until a signal ends it. What is read by then is counted before it ends.
///
/// # Errors
///
/// When it cannot begin. A later failure is reported, and the step is tried again.
pub(super) async fn follow(
    path: &Path,
    args: &FollowArgs,
    pace: Pace,
    (by, counters): (&ImportAs, &Counters),
    register: impl AsyncFn(
        &BTreeMap<ProviderId, BillingMonth>,
    ) -> Result<(), Box<dyn StdError + Send + Sync>>,
) -> Result<Summary, Error> {
    let shown = SharedFigures::default();
    if let Some(address) = args.metrics {
        shown.serve(address).await?;
    }
    let follower = Follower {
        by,
        counters,
        importing: Importing::new(by, counters),
        register,
        pace,
        known: HashMap::new(),
        figures: Figures::default(),
        shown,
        told: BTreeSet::new(),
    };
    follower.run(path).await
}

impl<R> Follower<'_, R>
where
    R: AsyncFn(&BTreeMap<ProviderId, BillingMonth>) -> Result<(), Box<dyn StdError + Send + Sync>>,
{
    async fn run(mut self, path: &Path) -> Result<Summary, Error> {
        let mut is_over = self.import_before(path).await;
        let mut tail = Tail::new(path);
        let mut lines = Lines::new(&self.by.rule, &self.counters.calendar);
        while !is_over {
            is_over = self.pass(path, &mut tail, &mut lines).await;
            if !is_over && self.pace.wait().await {
                is_over = true;
                self.pass(path, &mut tail, &mut lines).await;
            }
        }
        Ok(self.importing.summary)
    }

    /// Reads what is new and counts it. Whether a signal ended it meanwhile.
    async fn pass(&mut self, path: &Path, tail: &mut Tail, lines: &mut Lines<'_>) -> bool {
        loop {
            let mut batch = Batch::default();
            let next = match read(tail, lines, &mut batch) {
                Ok(next) => next,
                Err(error) => {
                    output::tell(format_args!("cannot read {}: {error}", path.display()));
                    self.figures.failures += 1;
                    Next::Nothing
                }
            };
            match next {
                Next::Line(..) => lines.finished(&mut batch),
                Next::Nothing => lines.so_far(false, &mut batch),
                Next::End => lines.end(&mut batch),
            }
            self.figures.behind_bytes = tail.behind();
            if self.count(batch).await {
                return true;
            }
            match next {
                Next::Line(..) => {}
                Next::Nothing => return false,
                Next::End => {
                    self.figures.files += 1;
                    self.known.clear();
                    // A file that was truncated may have been copied with lines that were not read.
                    if self.import_before(path).await {
                        return true;
                    }
                }
            }
        }
    }

    /// Imports the file that was rotated last, which may have lines that nobody read.
    async fn import_before(&mut self, path: &Path) -> bool {
        let mut before = path.as_os_str().to_owned();
        before.push(".1");
        let before = PathBuf::from(before);
        if !before.exists() {
            return false;
        }
        let mut input = match Input::open(&before) {
            Ok(input) => input,
            Err(error) => {
                output::tell(format_args!("cannot read {}: {error}", before.display()));
                return false;
            }
        };
        let mut lines = Lines::new(&self.by.rule, &self.counters.calendar);
        let mut line = Vec::new();
        loop {
            let mut batch = Batch::default();
            let mut is_end = false;
            for _ in 0..LINES_PER_PASS {
                match input.read_line(&mut line) {
                    Ok(Some(end)) => lines.read(&mut line, end, &mut batch),
                    Ok(None) => is_end = true,
                    Err(error) => {
                        output::tell(format_args!("cannot read {}: {error}", before.display()));
                        is_end = true;
                    }
                }
                if is_end {
                    break;
                }
            }
            if is_end {
                lines.end(&mut batch);
            } else {
                lines.finished(&mut batch);
            }
            if self.count(batch).await {
                return true;
            }
            if is_end {
                self.known.clear();
                return false;
            }
        }
    }

    /// Counts a batch until that succeeds. Whether a signal ended it meanwhile.
    async fn count(&mut self, mut batch: Batch) -> bool {
        self.importing.summary.read(&batch);
        self.refuse_days(&mut batch);
        self.leave_out_known(&mut batch);
        let mut wait = self.pace.every();
        loop {
            let before = self.importing.summary.clone();
            let counted = self.importing.count(batch.clone(), &self.register).await;
            let summary = &self.importing.summary;
            let refused = summary.refusals.count - before.refusals.count;
            let conflict = summary.conflict.metered.above(before.conflict.metered);
            self.figures.refused_calls = refused;
            self.figures.conflict_calls = conflict.calls.get();
            self.forget_repetitions();
            let Err(error) = counted else {
                // What was refused is tried again as long as its hour is open.
                if refused == 0 {
                    self.remember(&batch);
                    self.figures.counted_at_s = self.counters.clock.now().as_second();
                }
                self.show();
                return false;
            };
            self.figures.failures += 1;
            self.show();
            output::tell(format_args!("{}; trying again in {wait:?}", chain(&error)));
            if self.pace.wait_for(wait).await {
                return true;
            }
            wait = longer(wait);
        }
    }

    /// An open hour is counted again in each pass: the sums of what that repeats would grow without
    /// bound.
    fn forget_repetitions(&mut self) {
        let summary = &mut self.importing.summary;
        summary.metered = Metered::ZERO;
        for tally in [&mut summary.duplicate, &mut summary.refused, &mut summary.conflict] {
            tally.metered = Metered::ZERO;
        }
    }

    /// Refuses lines that give only a day: nothing says whether those of another file are of the
    /// same calls.
    fn refuse_days(&mut self, batch: &mut Batch) {
        let why = "gives only a day, which cannot be followed: give the lines an `id` or `at`";
        for record in std::mem::take(&mut batch.days) {
            self.importing.summary.refuse(record, why.to_owned());
        }
    }

    fn leave_out_known(&self, batch: &mut Batch) {
        for hour in &mut batch.hours {
            let (id, day) = (hour.id.clone(), hour.day);
            hour.shares.retain(|provider, share| {
                let known = self.known.get(&(id.clone(), day, provider.clone()));
                known != Some(&(share.metered, share.line))
            });
        }
        batch.hours.retain(|hour| !hour.shares.is_empty());
    }

    fn remember(&mut self, batch: &Batch) {
        if self.known.len() > KNOWN_MAX {
            self.known.clear();
        }
        for hour in &batch.hours {
            for (provider, share) in &hour.shares {
                let key = (hour.id.clone(), hour.day, provider.clone());
                self.known.insert(key, (share.metered, share.line));
            }
        }
    }

    fn show(&mut self) {
        let summary = &self.importing.summary;
        self.figures.lines = summary.lines;
        self.figures.refused_lines = summary.refused_lines();
        self.figures.counted_calls = summary.counted.metered.calls.get();
        self.shown.set(self.figures);
        let bad = summary.bad.reasons.iter().map(|reason| {
            let example =
                reason.examples.first().map(|bad| format!("line {}: {}", bad.line, bad.why));
            (reason.reason.to_string(), example.unwrap_or_default())
        });
        let refused = summary
            .refusals
            .reasons
            .iter()
            .map(|reason| (reason.reason.to_string(), reason.reason.to_string()));
        let unmapped = (summary.unmapped.lines > 0).then(|| {
            ("unmapped".to_owned(), "calls of callers that are no provider: see --map".to_owned())
        });
        for (reason, said) in bad.chain(refused).chain(unmapped).collect::<Vec<_>>() {
            if self.told.insert(reason) {
                output::tell(format_args!("refused: {said}"));
            }
        }
    }
}

/// Reads lines, up to so many, and says what ended them: a line if there are more.
fn read(tail: &mut Tail, lines: &mut Lines<'_>, batch: &mut Batch) -> io::Result<Next> {
    let mut last = Next::Nothing;
    for _ in 0..LINES_PER_PASS {
        last = tail.next()?;
        match &mut last {
            Next::Line(line, end) => {
                let (mut line, end): (Vec<u8>, LineEnd) = (std::mem::take(line), *end);
                lines.read(&mut line, end, batch);
            }
            Next::End | Next::Nothing => break,
        }
    }
    Ok(last)
}

/// Prints what became of a log that was followed.
///
/// # Errors
///
/// When standard output can't be written.
pub(super) fn print(summary: &Summary) -> Result<(), Error> {
    let [lines, calls, refused] = [
        (summary.lines, "line"),
        (summary.counted.metered.calls.get(), "call"),
        (summary.refused_lines(), "line"),
    ]
    .map(|(number, what)| output::counted(grouped(number), what));
    output::print(format_args!("{lines} read, {calls} counted, {refused} refused"))
}
