//! The stages that providers would have had: a ladder applied to a past journal.

use jiff::Timestamp;
use jiff::civil::Time;
use serde::Serialize;
use steelyard_pricing::{BillingDay, Fen};

use super::{Arrears, Ladder, Stage, StandingError};
use crate::Calendar;
use crate::account::Unpaid;
use crate::journal::{Entry, Ledger};

/// From when on a provider would have been at a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct StageFrom {
    /// The stage that the ladder gives.
    pub stage: Stage,
    /// From when on, in seconds of Unix time.
    #[serde(rename = "from_s", with = "jiff::fmt::serde::timestamp::second::required")]
    pub from: Timestamp,
}

/// What a journal says, with the stage that the ladder gives after it.
struct Replay<'a> {
    ladder: &'a Ladder,
    calendar: &'a Calendar,
    unpaid: Unpaid,
    prepaid: Fen,
    /// The day at whose beginning the stage is judged next.
    next: Option<BillingDay>,
    stages: Vec<StageFrom>,
}

/// The stages at which a provider would have been under a ladder from its first entry up to a time,
/// by what its journal says: each change, the first one away from a good standing. The ladder is
/// taken to be in force on all days.
///
/// # Errors
///
/// [`StandingError`] when a time is outside the calendar, or an amount leaves its range.
pub fn replay(
    journal: &[Entry],
    ladder: &Ladder,
    calendar: &Calendar,
    until: Timestamp,
) -> Result<Vec<StageFrom>, StandingError> {
    let mut replay = Replay {
        ladder,
        calendar,
        unpaid: Unpaid::default(),
        prepaid: Fen::ZERO,
        next: None,
        stages: Vec::new(),
    };
    let exempt = &ladder.document().exempt;
    if journal.first().is_some_and(|entry| exempt.contains(&entry.record().provider)) {
        return Ok(replay.stages);
    }
    for entry in journal.iter().filter(|entry| entry.record().recorded_at_s < until) {
        let at = entry.record().recorded_at_s;
        replay.pass_midnights(at)?;
        replay.unpaid = replay.unpaid.after(entry.owed_more()?, at)?;
        replay.prepaid = replay.prepaid.minus(entry.moved(Ledger::Prepaid)?)?;
        replay.note(at)?;
    }
    replay.pass_midnights(until)?;
    Ok(replay.stages)
}

impl Replay<'_> {
    /// Notes the stage at each midnight up to a time. While nothing is owed, none changes it.
    fn pass_midnights(&mut self, until: Timestamp) -> Result<(), StandingError> {
        let after = self.calendar.day_of(until)?.next();
        let mut day = self.next.filter(|_| !self.unpaid.is_empty()).unwrap_or(after);
        while self.midnight(day) < until {
            self.note(self.midnight(day))?;
            day = day.next();
        }
        self.next = Some(day);
        Ok(())
    }

    fn midnight(&self, day: BillingDay) -> Timestamp {
        self.calendar.instant(day.date(), Time::midnight())
    }

    fn note(&mut self, at: Timestamp) -> Result<(), StandingError> {
        let unpaid = self.unpaid.less(self.prepaid)?;
        let arrears = Arrears {
            ladder: self.ladder.document(),
            unpaid: &unpaid,
            calendar: self.calendar,
            today: self.calendar.day_of(at)?,
        };
        let stage = arrears.reached()?.map_or(Stage::Good, |(step, _)| step.stage);
        if stage != self.stages.last().map_or(Stage::Good, |last| last.stage) {
            self.stages.push(StageFrom { stage, from: at });
        }
        Ok(())
    }
}
