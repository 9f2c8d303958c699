//! Where a file says again what it said: a log that was joined of pieces that overlap.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use jiff::Timestamp;

use super::super::fingerprint::Fingerprint;

/// How many different lines, in the order in which they stood before, make a repetition. A client
/// may make a few calls in the same order twice, and a server may write them out of order.
const LINES_THAT_PROVE: usize = 16;

/// How many different seconds these lines have at least, for the same reason.
const SECONDS_THAT_PROVE: usize = 3;

/// How many different lines are doubtful, where none of them is older than a line before.
const LINES_THAT_DOUBT: usize = 4;

/// How many lines are remembered: some 40 MB.
const LINES_MAX: usize = 500_000;

/// How many earlier lines of the same content are compared with what follows.
const PLACES_MAX: usize = 1_024;

/// The last lines of a file, and whether those that follow repeat them.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    lines: VecDeque<Recent>,
    /// How many lines came before the first of them.
    gone: usize,
    /// The last place of each content.
    last: HashMap<Fingerprint, usize>,
    newest: Option<Timestamp>,
    stretch: Option<Stretch>,
    /// How many lines were found to be repetitions.
    proved: u64,
    /// How many lines may be.
    doubtful: u64,
}

/// A line that is remembered.
#[derive(Debug)]
struct Recent {
    at: Timestamp,
    print: Fingerprint,
    /// The place of the last line before it of the same content.
    before: Option<usize>,
}

/// Lines in a row that stood in the same order before.
#[derive(Debug)]
struct Stretch {
    /// The place of its first line.
    begin: usize,
    /// The places of the lines before it with which the last line was compared.
    places: Vec<usize>,
    /// The newest instant before it.
    newest: Option<Timestamp>,
    /// True when one of its lines is older than that.
    is_back: bool,
    /// Its different lines and seconds, until they prove something.
    different: HashSet<Fingerprint>,
    seconds: BTreeSet<i64>,
    lines: u64,
}

/// The effect of a line on the pending stretch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// True when the stretch turned out to be new calls.
    pub(super) are_new: bool,
    /// True when the line begins a stretch.
    pub(super) may_repeat: bool,
}

impl Repeats {
    /// Forgets the lines so far, since the file goes on elsewhere. Returns true if the pending
    /// stretch turned out to be new calls.
    pub(super) fn forget(&mut self) -> bool {
        let are_new = self.end();
        let (proved, doubtful) = (self.proved, self.doubtful);
        *self = Repeats { proved, doubtful, ..Repeats::default() };
        are_new
    }

    /// Adds a line, where lines can be out of order by so many seconds.
    pub(super) fn add(&mut self, at: Timestamp, print: Fingerprint, window_s: i64) -> Seen {
        let mut seen = Seen::default();
        if !self.follows(print) {
            seen.are_new = self.end();
            let places = self.places(print);
            if !places.is_empty() {
                let begin = self.gone + self.lines.len();
                self.stretch = Some(Stretch::new(begin, places, self.newest));
                seen.may_repeat = true;
            }
        }
        if let Some(stretch) = &mut self.stretch {
            stretch.add(at, print);
        }
        self.remember(at, print, window_s);
        seen
    }

    /// Decides about the pending stretch. Returns true if it turned out to be new calls.
    pub(super) fn end(&mut self) -> bool {
        let Some(stretch) = self.stretch.take() else { return false };
        let Stretch { is_back, lines, .. } = stretch;
        let is_proof = stretch.is_proof();
        if is_back && is_proof {
            self.proved += lines;
        } else if is_back || stretch.different.len() >= LINES_THAT_DOUBT {
            self.doubtful += lines;
        }
        !(is_back && is_proof)
    }

    /// How many lines were found to be repetitions, and how many may be.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.proved, self.doubtful)
    }

    /// True when the line continues the pending stretch.
    fn follows(&mut self, print: Fingerprint) -> bool {
        let Some(stretch) = &mut self.stretch else { return false };
        let (lines, gone, begin) = (&self.lines, self.gone, stretch.begin);
        stretch.places.retain_mut(|place| {
            *place += 1;
            let line = place.checked_sub(gone).and_then(|at| lines.get(at));
            *place < begin && line.is_some_and(|line| line.print == print)
        });
        !stretch.places.is_empty()
    }

    /// The places of lines with this content, the last ones first.
    fn places(&self, print: Fingerprint) -> Vec<usize> {
        let before = |place: &usize| {
            let line = place.checked_sub(self.gone).and_then(|at| self.lines.get(at));
            line.and_then(|line| line.before)
        };
        let places = std::iter::successors(self.last.get(&print).copied(), before);
        places.take_while(|place| *place >= self.gone).take(PLACES_MAX).collect()
    }

    fn remember(&mut self, at: Timestamp, print: Fingerprint, window_s: i64) {
        let place = self.gone + self.lines.len();
        let before = self.last.insert(print, place);
        self.lines.push_back(Recent { at, print, before });
        let newest = self.newest.map_or(at, |newest| newest.max(at));
        self.newest = Some(newest);
        let is_past = |line: &Recent| line.at.as_second() < newest.as_second() - window_s;
        while self.lines.len() > LINES_MAX || self.lines.front().is_some_and(is_past) {
            let Some(line) = self.lines.pop_front() else { break };
            if self.last.get(&line.print) == Some(&self.gone) {
                self.last.remove(&line.print);
            }
            self.gone += 1;
        }
    }
}

impl Stretch {
    fn new(begin: usize, places: Vec<usize>, newest: Option<Timestamp>) -> Stretch {
        let (different, seconds) = (HashSet::new(), BTreeSet::new());
        Stretch { begin, places, newest, is_back: false, different, seconds, lines: 0 }
    }

    fn add(&mut self, at: Timestamp, print: Fingerprint) {
        self.lines += 1;
        self.is_back |= self.newest.is_some_and(|newest| at < newest);
        if !self.is_proof() {
            self.different.insert(print);
            self.seconds.insert(at.as_second());
        }
    }

    fn is_proof(&self) -> bool {
        self.different.len() >= LINES_THAT_PROVE && self.seconds.len() >= SECONDS_THAT_PROVE
    }
}
