//! Following a log: its lines are counted while it is written.
//!
//! No state is kept beside the log. Its hours are counted as cumulative reports, so what is read
//! again, after a restart too, changes nothing.

mod figures;
mod rotated;
mod tail;

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::error::Error as StdError;
use std::hash::{Hash, Hasher};
use std::io;
use std::net::SocketAddr;
use std::path::Path;

use clap::Args;
use serde::Serialize;
use steelyard_billing::{CumulativeUsage, ProviderId, ReportId};
use steelyard_import::{Batch, Input, LineEnd, Lines, Summary};
use steelyard_metering::{Counters, ImportAs, Importing, NotCountedShare};
use steelyard_pricing::{Amount, BillingDay, BillingMonth};
use steelyard_runtime::{Error, chain};

use self::figures::{Figures, SharedFigures};
use self::rotated::{Rotated, Unread};
use self::tail::{Next, Tail};
use super::pace::{CONTINUOUS, Pace, longer};
use super::printed;
use crate::output::{self, grouped};

/// How a log is followed.
#[derive(Debug, Args)]
pub(super) struct FollowArgs {
    /// Follow the file: count its lines while it is written, and go on with the next one when it is
    /// rotated or truncated, until SIGTERM or Ctrl-C.
    ///
    /// At the start it reads the files that the log was before it was rotated, such as FILE.1 or
    /// FILE-20150517.gz, if they were written in the last day, and FILE from its beginning: what
    /// was counted before changes nothing, so it keeps no state. Lines of JSON that give only a
    /// day, and have no id, are refused.
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

/// How many reasons of refusals are reported, for the same reason.
const TOLD_MAX: usize = 1_000;

/// The share of an hour that is a provider's.
type ShareKey = (ReportId, BillingDay, ProviderId);

/// The totals of a log that was followed.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Followed {
    /// The lines that were read.
    lines: u64,
    /// The lines that cannot be counted, for what they say or for who calls.
    refused_lines: u64,
    /// The calls that were counted.
    counted_calls: u64,
    /// The calls that are not counted: they were refused, or are in conflict. They are not tried
    /// again once their hour is over.
    not_counted_calls: u64,
}

/// A log that is followed.
struct Follower<'a, R> {
    by: &'a ImportAs,
    counters: &'a Counters,
    importing: Importing<'a>,
    register: R,
    pace: Pace,
    rotated: Rotated,
    /// How far each share of an open hour was counted, as a digest.
    known: HashMap<ShareKey, u64>,
    /// The shares of open hours that are not counted.
    not_counted: HashMap<ShareKey, NotCountedShare>,
    followed: Followed,
    figures: Figures,
    shown: SharedFigures,
    /// The messages that were reported, each once.
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
) -> Result<Followed, Error> {
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
        rotated: Rotated::of(path),
        known: HashMap::new(),
        not_counted: HashMap::new(),
        followed: Followed::default(),
        figures: Figures::default(),
        shown,
        told: BTreeSet::new(),
    };
    Ok(follower.run(path).await)
}

impl<R> Follower<'_, R>
where
    R: AsyncFn(&BTreeMap<ProviderId, BillingMonth>) -> Result<(), Box<dyn StdError + Send + Sync>>,
{
    async fn run(mut self, path: &Path) -> Followed {
        let mut tail = Tail::new(path);
        // Opened before the others are read: it may be rotated meanwhile.
        if let Err(error) = tail.open() {
            self.failed(path, &error);
        }
        let older = self.rotated.older();
        if older > 0 {
            self.tell(format!(
                "note: rotated files that were not written in the last day are not read: {older}; import them if \
                 they have lines that nobody counted"
            ));
        }
        let mut lines = Lines::new(&self.by.rule, &self.counters.calendar);
        let mut is_over = self.import_rotated(&tail, &lines).await;
        while !is_over {
            is_over = self.pass(path, &mut tail, &mut lines, false).await
                || self.import_rotated(&tail, &lines).await;
            if !is_over && self.pace.wait().await {
                is_over = true;
                self.pass(path, &mut tail, &mut lines, true).await;
            }
        }
        let lost = self.not_counted.values().map(|share| share.metered.calls.get()).sum::<u64>();
        self.followed.not_counted_calls += lost;
        self.followed
    }

    /// Reads what is new and counts it. Whether a signal ended it meanwhile. The last pass leaves
    /// nothing for the next one.
    async fn pass(
        &mut self,
        path: &Path,
        tail: &mut Tail,
        lines: &mut Lines<'_>,
        is_last: bool,
    ) -> bool {
        loop {
            let mut batch = Batch::default();
            let before = tail.place();
            let next = read(tail, lines, &mut batch);
            match &next {
                Ok(Next::Line(..)) => lines.finished(&mut batch),
                Ok(Next::Nothing) | Err(_) => lines.so_far(is_last, &mut batch),
                Ok(Next::End) => lines.end(&mut batch),
            }
            self.figures.behind_bytes = tail.behind();
            match &next {
                Err(error) => self.failed(path, error),
                Ok(_) if tail.place().is_none() && before.is_none() => {
                    self.tell(format!("there is no file {} yet", path.display()));
                }
                Ok(_) => self.figures.counted_at_s = self.counters.clock.now().as_second(),
            }
            if self.count(batch, &[lines]).await {
                return true;
            }
            match next {
                Ok(Next::Line(..)) => {}
                Ok(Next::Nothing) | Err(_) => return false,
                Ok(Next::End) => {
                    self.figures.files += 1;
                    before.into_iter().for_each(|place| self.rotated.followed(place));
                    self.known.clear();
                }
            }
            if !is_last && self.pace.is_over().await {
                return true;
            }
        }
    }

    /// Imports the files that the log was, as far as nobody read them.
    async fn import_rotated(&mut self, tail: &Tail, followed: &Lines<'_>) -> bool {
        let unread = match self.rotated.unread(tail.place().map(|(identity, _)| identity)) {
            Ok(unread) => unread,
            Err(error) => {
                self.figures.failures += 1;
                self.tell(format!("cannot look for rotated files: {error}"));
                return false;
            }
        };
        for file in unread {
            if self.import_file(&file, followed).await {
                return true;
            }
        }
        false
    }

    /// Imports a file. One that cannot be read to its end is tried again when it has changed.
    async fn import_file(&mut self, file: &Unread, followed: &Lines<'_>) -> bool {
        let mut input = match Input::open(&file.path) {
            Ok(input) => input,
            Err(error) => {
                self.failed(&file.path, &error);
                return false;
            }
        };
        let mut lines = Lines::new(&self.by.rule, &self.counters.calendar);
        let mut line = Vec::new();
        loop {
            let mut batch = Batch::default();
            let mut end = None;
            for _ in 0..LINES_PER_PASS {
                match input.read_line(&mut line) {
                    Ok(Some(how)) => lines.read(&mut line, how, &mut batch),
                    Ok(None) => end = Some(Ok(())),
                    Err(error) => end = Some(Err(error)),
                }
                if end.is_some() {
                    break;
                }
            }
            if end.is_some() {
                lines.end(&mut batch);
            } else {
                lines.finished(&mut batch);
            }
            if self.count(batch, &[followed, &lines]).await
                || end.is_none() && self.pace.is_over().await
            {
                return true;
            }
            match end {
                None => {}
                Some(Ok(())) => {
                    self.rotated.read(file);
                    self.known.clear();
                    return false;
                }
                Some(Err(error)) => {
                    // It is tried again once it is written again.
                    self.rotated.read(file);
                    self.failed(&file.path, &error);
                    return false;
                }
            }
        }
    }

    /// Counts a batch until that succeeds, while the hours of those lines are open. Whether a
    /// signal ended it meanwhile.
    async fn count(&mut self, mut batch: Batch, open: &[&Lines<'_>]) -> bool {
        self.read(&batch);
        self.refuse_days(&mut batch);
        self.leave_out_known(&mut batch);
        let mut wait = self.pace.every();
        loop {
            self.importing.summary = Summary::default();
            let counted = self.importing.count(batch.clone(), &self.register).await;
            let summary = std::mem::take(&mut self.importing.summary);
            self.followed.counted_calls += summary.counted.metered.calls.get();
            match counted {
                Ok(not_counted) => {
                    self.remember(&batch, not_counted, &summary, open);
                    self.show();
                    return false;
                }
                Err(error) => {
                    self.figures.failures += 1;
                    self.show();
                    output::tell(format_args!("{}; trying again in {wait:?}", chain(&error)));
                }
            }
            if self.pace.wait_for(wait).await {
                return true;
            }
            wait = longer(wait);
        }
    }

    /// Notes what the lines of a batch say.
    fn read(&mut self, batch: &Batch) {
        let mut summary = Summary::default();
        summary.read(batch);
        self.followed.lines += summary.lines;
        self.followed.refused_lines += summary.refused_lines();
        for reason in &summary.bad.reasons {
            let said = match reason.examples.first() {
                Some(bad) => format!("line {}: {}", bad.line, bad.why),
                None => reason.reason.to_string(),
            };
            self.tell_of(&reason.reason, said);
        }
        if summary.unmapped.lines > 0 {
            self.tell("refused: calls of callers that are no provider: see --map".to_owned());
        }
        for warning in printed::doubts(&summary.edges, self.by.rule.window) {
            self.tell(warning);
        }
    }

    /// Refuses lines that give only a day: nothing says whether those of another file are of the
    /// same calls.
    fn refuse_days(&mut self, batch: &mut Batch) {
        let days = std::mem::take(&mut batch.days);
        if !days.is_empty() {
            let calls = days.iter().map(|record| record.count.get()).sum::<u64>();
            self.followed.not_counted_calls += calls;
            self.figures.lost_calls += calls;
            let why = "gives only a day, which cannot be followed: give the lines an `id` or `at`";
            self.tell_of(why, why.to_owned());
        }
    }

    fn leave_out_known(&self, batch: &mut Batch) {
        for hour in &mut batch.hours {
            let (id, day) = (hour.id.clone(), hour.day);
            hour.shares.retain(|provider, share| {
                let known = self.known.get(&(id.clone(), day, provider.clone()));
                known != Some(&digest(&share.usage))
            });
        }
        batch.hours.retain(|hour| !hour.shares.is_empty());
    }

    /// Notes what became of a batch: what was counted, or is in conflict, is left out until there
    /// is more of it. What was refused is tried again as long as its hour is open.
    fn remember(
        &mut self,
        batch: &Batch,
        not_counted: Vec<NotCountedShare>,
        summary: &Summary,
        open: &[&Lines<'_>],
    ) {
        if self.known.len() > KNOWN_MAX {
            self.known.clear();
        }
        let mut refused_shares = 0;
        let shares = not_counted.into_iter().map(|share| {
            let key = (share.report.clone(), share.day, share.provider.clone());
            (key, share)
        });
        let mut not_counted = shares.collect::<HashMap<_, _>>();
        for hour in &batch.hours {
            for (provider, share) in &hour.shares {
                let key = (hour.id.clone(), hour.day, provider.clone());
                let of_share = not_counted.remove(&key);
                let is_refused = of_share.as_ref().is_some_and(|share| !share.is_conflict);
                if is_refused {
                    refused_shares += share.metered.calls.get();
                    self.known.remove(&key);
                } else {
                    self.known.insert(key.clone(), digest(&share.usage));
                }
                match of_share {
                    Some(of_share) => drop(self.not_counted.insert(key, of_share)),
                    None => drop(self.not_counted.remove(&key)),
                }
            }
        }
        // Lines with an id come once.
        let refused = summary.refused.metered.calls.get();
        let identified =
            if batch.identified.is_empty() { 0 } else { refused.saturating_sub(refused_shares) };
        self.followed.not_counted_calls += identified;
        self.figures.lost_calls += identified;
        for reason in &summary.refusals.reasons {
            self.tell_of(&reason.reason, reason.reason.to_string());
        }
        for conflict in &summary.conflicts.first {
            let (report, provider) = (&conflict.report, &conflict.provider);
            self.tell(format!(
                "conflict: {report} of {provider} was counted before by other rules, or with other content"
            ));
        }
        self.lose(|key| !open.iter().any(|lines| lines.is_open(&key.0)));
    }

    /// Notes that shares that are not counted are not tried again.
    fn lose(&mut self, is_over: impl Fn(&ShareKey) -> bool) {
        let over = self.not_counted.extract_if(|key, _| is_over(key));
        let lost = over.map(|(_, share)| share.metered.calls.get()).sum::<u64>();
        self.followed.not_counted_calls += lost;
        self.figures.lost_calls += lost;
    }

    fn failed(&mut self, path: &Path, error: &io::Error) {
        self.figures.failures += 1;
        self.tell(format!("cannot read {}: {error}", path.display()));
    }

    fn tell_of(&mut self, reason: &str, said: String) {
        if self.told.len() < TOLD_MAX && self.told.insert(reason.to_owned()) {
            output::tell(format_args!("refused: {said}"));
        }
    }

    fn tell(&mut self, said: String) {
        if self.told.len() < TOLD_MAX && self.told.insert(said.clone()) {
            output::tell(said);
        }
    }

    fn show(&mut self) {
        let calls = |is_conflict: bool| {
            let shares = self.not_counted.values().filter(|share| share.is_conflict == is_conflict);
            shares.map(|share| share.metered.calls.get()).sum::<u64>()
        };
        self.figures.refused_calls = calls(false);
        self.figures.conflict_calls = calls(true);
        self.figures.lines = self.followed.lines;
        self.figures.refused_lines = self.followed.refused_lines;
        self.figures.counted_calls = self.followed.counted_calls;
        self.shown.set(self.figures);
    }
}

impl Followed {
    /// True if every call is counted and no line was refused.
    pub(super) fn is_complete(&self) -> bool {
        self.refused_lines == 0 && self.not_counted_calls == 0
    }
}

/// A digest of a share, which changes whenever a count in it does.
fn digest(usage: &CumulativeUsage) -> u64 {
    let mut hasher = DefaultHasher::new();
    for (api, part, sub, metered) in usage.iter() {
        (api.as_str(), part, sub, metered.calls.get()).hash(&mut hasher);
        if metered.amount != Amount::ZERO {
            metered.amount.to_string().hash(&mut hasher);
        }
    }
    hasher.finish()
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
pub(super) fn print(followed: &Followed) -> Result<(), Error> {
    let Followed { lines, refused_lines, counted_calls, not_counted_calls } = *followed;
    let [lines, counted, refused, not_counted] = [
        (lines, "line"),
        (counted_calls, "call"),
        (refused_lines, "line"),
        (not_counted_calls, "call"),
    ]
    .map(|(number, what)| output::counted(grouped(number), what));
    let all = format!("{lines} read, {counted} counted, {refused} refused");
    if not_counted_calls == 0 {
        return output::print(all);
    }
    output::print(format_args!("{all}, {not_counted} not counted"))
}
