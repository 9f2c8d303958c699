//! Good answers on their way into the breaker.

use jiff::Timestamp;

use super::{Breaker, Minute, added, asked, minute_of, recent, too_much_trouble};

/// The good answers of one machine that the stored breaker does not have.
///
/// They are merged when there are [`GoodAnswers::STEP`] of them and as many as were merged in the
/// same minute before: 5, 5, 10, 20, 40 and so on. So 1,000 good answers in a minute cost 8 writes.
/// Of each minute the breaker has at least half of a machine's good answers, except four.
///
/// What that does to the rule: the share of trouble that the breaker sees is never less than the
/// true one, and at most twice as much. So it opens when half are in trouble, at the latest with
/// the tenth debit in trouble, since the ten that it needs are those that it has. It may open when
/// a third are (among few, four more good answers of each machine may be missing).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GoodAnswers {
    minutes: Vec<Minute>,
    /// The minute of the latest merge, and how many answers of that minute were merged.
    merged: (i64, u32),
}

impl GoodAnswers {
    /// The fewest good answers that are merged for their own sake.
    pub const STEP: u32 = 5;

    /// Counts a good answer in the minute of `now`, and drops minutes that are too old.
    pub fn count(&mut self, now: Timestamp) {
        let this = Minute { minute: minute_of(now), asked: 1, troubled: 0 };
        self.minutes = added(recent(&self.minutes, now), this);
    }

    /// Whether they are to be merged now: they are many, or they would open the breaker as it was
    /// read last, which had too few answers to mean anything.
    #[must_use]
    pub fn are_due(&self, read: &Breaker, now: Timestamp) -> bool {
        let is_many = asked(&self.minutes) >= self.merged_in(minute_of(now)).max(GoodAnswers::STEP);
        is_many || too_much_trouble(&read.with_minutes(&self.minutes, now)).is_some()
    }

    /// Takes them out, to be merged by [`Breaker::after`] or [`Breaker::after_good`].
    pub fn take(&mut self, now: Timestamp) -> Vec<Minute> {
        let minute = minute_of(now);
        let taken = std::mem::take(&mut self.minutes);
        let merged = self.merged_in(minute).saturating_add(in_minute(&taken, minute));
        self.merged = (minute, merged);
        taken
    }

    /// Puts back what could not be merged.
    pub fn put_back(&mut self, taken: Vec<Minute>) {
        let (minute, merged) = self.merged;
        self.merged = (minute, merged.saturating_sub(in_minute(&taken, minute)));
        self.minutes = taken.into_iter().fold(std::mem::take(&mut self.minutes), added);
    }

    fn merged_in(&self, minute: i64) -> u32 {
        if self.merged.0 == minute { self.merged.1 } else { 0 }
    }
}

/// How many of the answers are of one minute.
fn in_minute(minutes: &[Minute], minute: i64) -> u32 {
    minutes.iter().find(|other| other.minute == minute).map_or(0, |other| other.asked)
}
