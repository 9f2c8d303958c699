//! One hour of a log while it is read.

use std::collections::{BTreeMap, HashMap};

use steelyard_billing::{CumulativeUsage, Label, Part, ProviderId};
use steelyard_pricing::{ApiName, Metered, UsageError};

use super::super::fingerprint::Fingerprint;
use super::{Call, HOUR_S, HourShare, MINUTE_S, Runs};

/// The calls of an hour by provider.
#[derive(Clone, Debug)]
pub(super) struct Hour {
    /// Its number, in hours of Unix time.
    hour: i64,
    /// How many lines of a provider are kept as they are.
    lines_kept: usize,
    providers: HashMap<ProviderId, Draft>,
    /// The place of each API among `names`.
    apis: HashMap<ApiName, u32>,
    names: Vec<ApiName>,
}

/// The calls of a provider in an hour.
#[derive(Clone, Debug)]
struct Draft {
    lines: Vec<KeptLine>,
    /// What lines metered that are no single call.
    sums: Vec<Metered>,
    /// Calls of whole minutes, by minute and API.
    counts: BTreeMap<(u8, u32), Metered>,
    /// The minutes that are counted, a bit for each.
    counted: u64,
    /// At how many lines those of whole minutes are counted.
    count_at: usize,
    metered: Metered,
    first_line: u64,
}

/// A line that is held as it is.
#[derive(Clone, Copy, Debug)]
struct KeptLine {
    print: Fingerprint,
    run: u32,
    api: u32,
    /// The place of what it metered among the sums, from 1; 0 for one call.
    sum: u32,
    minute: u8,
    is_scattered: bool,
}

/// Why a line cannot be added.
#[derive(Debug)]
pub(super) enum AddError {
    /// Its minute is counted as a whole.
    Counted,
    /// Its hour has too many calls.
    TooMany(UsageError),
}

impl Hour {
    pub(super) fn new(hour: i64, lines_kept: usize) -> Hour {
        let (providers, apis) = (HashMap::new(), HashMap::new());
        Hour { hour, lines_kept, providers, apis, names: Vec::new() }
    }

    /// How many lines are held.
    pub(super) fn held(&self) -> usize {
        self.providers.values().map(|draft| draft.lines.len()).sum()
    }

    /// Adds a line. Gives how many more are held.
    pub(super) fn add(&mut self, call: Call, runs: &Runs) -> Result<usize, AddError> {
        let api = self.api(call.api);
        let minute = call.at.as_second().rem_euclid(HOUR_S) / MINUTE_S;
        let minute = u8::try_from(minute).expect("an hour has 60 minutes");
        let draft = match self.providers.get_mut(&call.provider) {
            Some(draft) => draft,
            None => self
                .providers
                .entry(call.provider)
                .or_insert_with(|| Draft::new(call.line, self.lines_kept)),
        };
        if (draft.counted >> minute) & 1 == 1 {
            return Err(AddError::Counted);
        }
        draft.metered = draft.metered.plus(call.metered).map_err(AddError::TooMany)?;
        let sum = draft.sum(call.metered);
        let (print, run, is_scattered) = (call.print, runs.last, call.is_scattered);
        draft.lines.push(KeptLine { print, run, api, sum, minute, is_scattered });
        if draft.lines.len() > draft.count_at {
            draft.count_whole_minutes(self.hour, runs).map_err(AddError::TooMany)?;
            draft.count_at = draft.lines.len() + self.lines_kept.max(1);
        }
        Ok(1)
    }

    fn api(&mut self, api: ApiName) -> u32 {
        if let Some(place) = self.apis.get(&api) {
            return *place;
        }
        let place = u32::try_from(self.names.len()).expect("an hour has fewer lines");
        self.names.push(api.clone());
        self.apis.insert(api, place);
        place
    }

    /// The shares of its report, while the log is in the hour still. Of a busy provider it has
    /// whole minutes only: a line that is reported as one is never taken out of the report again,
    /// and what an hour's report can hold is bounded.
    pub(super) fn so_far(&self, runs: &Runs) -> BTreeMap<ProviderId, HourShare> {
        let mut open = self.clone();
        for draft in open.providers.values_mut().filter(|draft| draft.count_at > self.lines_kept) {
            // The sum of all lines is one that can be counted.
            let _ = draft.count_whole_minutes(self.hour, runs);
            draft.lines.clear();
        }
        open.close(runs).0
    }

    /// The shares of its report, and the minutes that are counted of each provider that has some.
    pub(super) fn close(
        self,
        runs: &Runs,
    ) -> (BTreeMap<ProviderId, HourShare>, Vec<(ProviderId, u64)>) {
        let Hour { hour, lines_kept, providers, names, .. } = self;
        let mut counted = Vec::new();
        let close = |(provider, mut draft): (ProviderId, Draft)| {
            if draft.count_at > lines_kept {
                // The sum of all lines is one that can be counted.
                let _ = draft.count_whole_minutes(hour, runs);
            }
            if draft.counted != 0 {
                counted.push((provider.clone(), draft.counted));
            }
            let (metered, line) = (draft.metered, draft.first_line);
            (provider, HourShare { usage: draft.into_usage(&names, runs), metered, line })
        };
        let shares = providers.into_iter().map(close).collect();
        (shares, counted)
    }
}

impl Draft {
    fn new(first_line: u64, count_at: usize) -> Draft {
        Draft {
            lines: Vec::new(),
            sums: Vec::new(),
            counts: BTreeMap::new(),
            counted: 0,
            count_at,
            metered: Metered::ZERO,
            first_line,
        }
    }

    fn sum(&mut self, metered: Metered) -> u32 {
        if metered == Metered::calls(1) {
            return 0;
        }
        self.sums.push(metered);
        u32::try_from(self.sums.len()).expect("an hour has fewer lines")
    }

    fn metered(&self, line: &KeptLine) -> Metered {
        let place = usize::try_from(line.sum).ok().and_then(|sum| sum.checked_sub(1));
        place.and_then(|place| self.sums.get(place)).copied().unwrap_or(Metered::calls(1))
    }

    /// Counts the minutes of which no line of a run can be missing. What other runs say of such a
    /// minute may be the same lines again, or lines that came late: of each content, the most that
    /// one run has counts.
    fn count_whole_minutes(&mut self, hour: i64, runs: &Runs) -> Result<(), UsageError> {
        let first_s = |line: &KeptLine| hour * HOUR_S + i64::from(line.minute) * MINUTE_S;
        let (mut whole, mut scattered) = (0_u64, 0_u64);
        for line in &self.lines {
            if line.is_scattered {
                scattered |= 1 << line.minute;
            } else if (whole >> line.minute) & 1 == 0 && runs.has_whole(line.run, first_s(line)) {
                whole |= 1 << line.minute;
            }
        }
        let whole = whole & !scattered;
        let lines = std::mem::take(&mut self.lines);
        let (mut whole, cut): (Vec<_>, Vec<_>) =
            lines.into_iter().partition(|line| (whole >> line.minute) & 1 == 1);
        self.lines = cut;
        let mut before = None;
        for (line, times) in with_times(&mut whole, runs) {
            self.counted |= 1 << line.minute;
            // Sorted by content and times: the same in another run comes right after.
            let content = Some((line.print, times, line.minute, line.api));
            if before == content {
                continue;
            }
            before = content;
            let metered = self.metered(&line);
            let count = self.counts.entry((line.minute, line.api)).or_default();
            *count = count.plus(metered)?;
        }
        Ok(())
    }

    fn into_usage(mut self, names: &[ApiName], runs: &Runs) -> CumulativeUsage {
        let mut usage = CumulativeUsage::new();
        let api = |place: u32| usize::try_from(place).ok().and_then(|place| names.get(place));
        for ((minute, place), metered) in &self.counts {
            if let Some(api) = api(*place) {
                usage.raise(api, Part::of(Label::Number(u32::from(*minute))), *metered);
            }
        }
        let mut lines = std::mem::take(&mut self.lines);
        for (line, times) in with_times(&mut lines, runs) {
            let sub = Label::Print(line.print.repeated(times).0);
            let part = Part::sub(Label::Number(u32::from(line.minute)), sub);
            if let Some(api) = api(line.api) {
                usage.raise(api, part, self.metered(&line));
            }
        }
        usage
    }
}

/// Lines by content, each with how many of the same content its run has before it; those of several
/// runs one after another.
fn with_times(lines: &mut [KeptLine], runs: &Runs) -> Vec<(KeptLine, u64)> {
    for line in lines.iter_mut() {
        line.run = runs.run_of(line.run);
    }
    lines.sort_unstable_by_key(|line| (line.print, line.minute, line.api, line.run));
    let (mut before, mut times) = (None, 0_u64);
    let timed = lines.iter().map(|line| {
        let content = Some((line.print, line.run));
        times = if before == content { times + 1 } else { 0 };
        before = content;
        (*line, times)
    });
    let mut timed = timed.collect::<Vec<_>>();
    timed.sort_unstable_by_key(|(line, times)| (line.print, line.minute, line.api, *times));
    timed
}
