//! Standing: what a provider's arrears mean for its calls. Pure: a function of what is owed, of the
//! ladder in force, of a hold and of the time, so that a payment restores at once.

mod ladder;
mod replay;
mod told;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use steelyard_pricing::{BillingDay, Fen, MoneyError, Name};
use thiserror::Error;

pub use ladder::{
    Ladder, LadderDocument, LadderError, LadderRule, LadderStep, Ladders, Restores, Stage,
    StageError,
};
pub use replay::{StageFrom, replay};
pub use told::StandingTold;

use crate::account::Unpaid;
use crate::{Alert, Calendar, CalendarError, Measure, Person, ProviderId, Reason};

/// How long a gateway may keep an answer, in seconds.
pub const STANDING_CACHE_S: u32 = 60;

/// A stage that an operator decides on, whatever the ladder says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageHold {
    /// The stage that the operator chose.
    pub stage: Stage,
    /// The end date (exclusive).
    pub until: BillingDay,
    /// Why, in the operator's words.
    pub reason: Reason,
    /// The operator who decided it.
    pub by: Person,
    /// When it was decided, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub held_at_s: Timestamp,
}

/// What a provider's arrears mean for its calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Standing {
    /// The provider that it is about.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub provider: ProviderId,
    /// How far it is in arrears.
    pub stage: Stage,
    /// Whether the gateway lets no call pass.
    pub blocked: bool,
    /// How many calls a second the gateway lets pass; none if as many as come.
    pub calls_per_second: Option<u32>,
    /// Whether the platform pays nothing out.
    pub payouts_frozen: bool,
    /// What put it at the stage.
    pub because: Because,
    /// The receivable, less the prepaid balance: money that came in while a debit was collecting
    /// pays when the debit ends.
    pub owed_fen: Fen,
    /// The day from which days are counted: that of the oldest unpaid charge, or that on which the
    /// provider began to owe where all of it has to be paid; none if nothing is owed.
    pub owed_since: Option<BillingDay>,
    /// For how many days it is overdue.
    pub overdue_days: u32,
    /// The least payment that restores a good standing today; nothing where none does, or is
    /// needed.
    pub cure_fen: Fen,
    /// The next stage by days, if nothing is paid; none after the last.
    pub next: Option<NextStage>,
    /// The ladder by which it is; none without one.
    pub ladder: Option<LadderRef>,
    /// Grows with each change of the account.
    pub version: u64,
    /// The time of the answer, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    #[cfg_attr(feature = "schema", schemars(with = "i64"))]
    pub as_of_s: Timestamp,
    /// How long it may be kept, in seconds.
    pub cache_s: u32,
}

/// Why a provider is at its stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Because {
    /// No ladder is in force.
    NoLadder,
    /// The ladder leaves the provider out.
    Exempt,
    /// No step is reached.
    NoStepReached,
    /// The oldest unpaid charge is overdue for too long.
    Overdue,
    /// Too much is owed.
    Owed,
    /// An operator decided so.
    Held {
        /// The end date (exclusive).
        until: BillingDay,
        /// Why, in the operator's words.
        reason: Reason,
    },
    /// The month costs as much as the provider's own cap. The stage, what is to be paid, and what
    /// comes next are those of the ladder all the same.
    Capped {
        /// The first day on which it is cut off no more: that of the next month.
        until: BillingDay,
        /// The most that the provider wants a month to cost, in fen.
        cap_fen: Fen,
        /// What the month cost when the crossing was noticed.
        noticed_fen: Fen,
        /// When that was, in seconds of Unix time.
        #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
        #[cfg_attr(feature = "schema", schemars(with = "i64"))]
        noticed_at_s: Timestamp,
    },
}

/// The stage that follows if nothing is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NextStage {
    /// The stage that will be reached.
    pub stage: Stage,
    /// The day on which it is reached.
    pub on: BillingDay,
}

/// By which ladder a standing is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LadderRef {
    /// What the ladder is called.
    pub ladder: Name,
    /// The day from which the version is in force.
    pub version: BillingDay,
}

/// Why a standing cannot be computed.
#[derive(Debug, Error)]
pub enum StandingError {
    /// The time is outside the calendar.
    #[error("cannot tell the day")]
    Calendar(#[from] CalendarError),
    /// An amount leaves its range.
    #[error("cannot compute what is to be paid")]
    Money(#[from] MoneyError),
    /// The account contradicts itself: nobody knows how old its debt is.
    #[error("{unpaid} yuan are noted as unpaid, and {receivable} are owed")]
    Contradiction {
        /// What is noted by the time of each charge, in yuan.
        unpaid: Fen,
        /// The figure of the account, in fen.
        receivable: Fen,
    },
    /// The version of the ladder that is in force cannot be read.
    #[error("the arrears ladder of {0} is in force and cannot be read")]
    Unreadable(BillingDay),
}

/// The receivable of a provider, as the ladder sees it on a day.
struct Arrears<'a> {
    ladder: &'a LadderDocument,
    unpaid: &'a Unpaid,
    calendar: &'a Calendar,
    today: BillingDay,
}

impl Arrears<'_> {
    fn owed(&self) -> Result<Fen, MoneyError> {
        self.unpaid.sum()
    }

    /// For how many days a charge of a time is overdue.
    fn overdue_days(&self, charged_at: Timestamp) -> Result<u32, CalendarError> {
        let due = self.calendar.day_of(charged_at)?;
        let days = u32::try_from(due.days_until(self.today)).unwrap_or(u32::MAX);
        Ok(days.saturating_sub(self.ladder.grace_days))
    }

    /// From when on days count.
    fn counts_from(&self) -> Option<Timestamp> {
        match self.ladder.restores {
            Restores::Overdue => self.unpaid.charges().first().map(|first| first.charged_at_s),
            Restores::All => self.unpaid.since(),
        }
    }

    /// The last step that is reached, and whether by days.
    fn reached(&self) -> Result<Option<(&LadderStep, bool)>, StandingError> {
        let Some(from) = self.counts_from() else { return Ok(None) };
        let (days, owed) = (self.overdue_days(from)?, self.owed()?);
        let by_days = |step: &LadderStep| step.overdue_days.is_some_and(|least| least <= days);
        let by_owed = |step: &LadderStep| step.owed_fen().is_some_and(|least| least <= owed);
        let mut steps = self.ladder.steps.iter().rev();
        let step = steps.find(|step| by_days(step) || by_owed(step));
        Ok(step.map(|step| (step, by_days(step))))
    }

    /// The least payment after which no step is reached, if one is.
    fn cure(&self) -> Result<Fen, StandingError> {
        let owed = self.owed()?;
        let least = self.ladder.steps.iter().filter_map(|step| step.overdue_days).min();
        let mut cure = match self.ladder.restores {
            // An earlier step may be reached by days where the last one is by the amount.
            Restores::All if self.is_overdue_for(least)? => return Ok(owed),
            Restores::All => Fen::ZERO,
            Restores::Overdue => self.overdue_for(least)?,
        };
        if let Some(least) = self.ladder.steps.iter().filter_map(LadderStep::owed_fen).min() {
            cure = cure.max(owed.minus(least)?.plus(Fen::new(1))?);
        }
        Ok(cure)
    }

    /// Whether days count for so many; never without a number.
    fn is_overdue_for(&self, least: Option<u32>) -> Result<bool, StandingError> {
        let Some((from, least)) = self.counts_from().zip(least) else { return Ok(false) };
        Ok(self.overdue_days(from)? >= least)
    }

    /// What is overdue for so many days; nothing without a number.
    fn overdue_for(&self, least: Option<u32>) -> Result<Fen, StandingError> {
        let mut overdue = Fen::ZERO;
        for charge in self.unpaid.charges() {
            let days = self.overdue_days(charge.charged_at_s)?;
            if least.is_some_and(|least| days >= least) {
                overdue = overdue.plus(charge.amount_fen)?;
            }
        }
        Ok(overdue)
    }

    /// The next stage by days after a stage.
    fn next(&self, stage: Stage) -> Result<Option<NextStage>, StandingError> {
        let Some(from) = self.counts_from() else { return Ok(None) };
        let due = self.calendar.day_of(from)?;
        let later = self.ladder.steps.iter().filter(|step| step.stage > stage);
        let Some((next, days)) = later.filter_map(|step| Some((step, step.overdue_days?))).next()
        else {
            return Ok(None);
        };
        let days = days.saturating_add(self.ladder.grace_days);
        let on = (0..days).fold(due, |day, _| day.next());
        Ok(Some(NextStage { stage: next.stage, on }))
    }
}

impl crate::Account {
    /// The stage that an operator decided on for a day.
    #[must_use]
    pub fn hold_on(&self, day: BillingDay) -> Option<&StageHold> {
        self.stage_hold.as_ref().filter(|hold| day < hold.until)
    }

    /// Where the provider stands at a time.
    ///
    /// # Errors
    ///
    /// [`StandingError`] when the ladder in force cannot be read, the account contradicts itself,
    /// the time is outside the calendar, or an amount leaves its range.
    pub fn standing(
        &self,
        ladders: &Ladders,
        calendar: &Calendar,
        now: Timestamp,
    ) -> Result<Standing, StandingError> {
        let today = calendar.day_of(now)?;
        let ladder = ladders.in_force(today).map_err(StandingError::Unreadable)?;
        let ladder = ladder.map(Ladder::document);
        let (noted, receivable) = (self.unpaid.sum()?, self.figures.receivable());
        if noted != receivable {
            return Err(StandingError::Contradiction { unpaid: noted, receivable });
        }
        let unpaid = self.unpaid.less(self.figures.prepaid())?;
        let first = unpaid.charges().first().map(|first| calendar.day_of(first.charged_at_s));
        let mut standing = Standing {
            provider: self.provider.clone(),
            stage: Stage::Good,
            blocked: false,
            calls_per_second: None,
            payouts_frozen: false,
            because: Because::NoLadder,
            owed_fen: unpaid.sum()?,
            owed_since: first.transpose()?,
            overdue_days: 0,
            cure_fen: Fen::ZERO,
            next: None,
            ladder: None,
            version: self.version,
            as_of_s: now,
            cache_s: STANDING_CACHE_S,
        };
        if let Some(ladder) = ladder {
            Arrears { ladder, unpaid: &unpaid, calendar, today }.tell(&mut standing)?;
        }
        if let Some(StageHold { stage, until, reason, .. }) = self.hold_on(today) {
            standing.stage = *stage;
            standing.because = Because::Held { until: *until, reason: reason.clone() };
            (standing.cure_fen, standing.next) = (Fen::ZERO, None);
        }
        standing.calls_per_second = ladder.and_then(|ladder| throttle(ladder, standing.stage));
        standing.payouts_frozen = standing.stage >= Stage::PayoutsFrozen;
        standing.blocked = standing.stage >= Stage::Suspended;
        if !standing.blocked
            && let Some(because) = self.capped(today)
        {
            (standing.blocked, standing.because) = (true, because);
        }
        Ok(standing)
    }

    /// Why the provider is cut off by its own wish, if it is.
    fn capped(&self, today: BillingDay) -> Option<Because> {
        let Alert { line, figure, at_s, .. } = self.capped_in(today.month())?;
        let (Measure::Fen(cap_fen), Measure::Fen(noticed_fen)) = (*line, *figure) else {
            return None;
        };
        let until = today.month().next().first_day();
        Some(Because::Capped { until, cap_fen, noticed_fen, noticed_at_s: *at_s })
    }
}

impl Arrears<'_> {
    /// Sets the stage that the ladder gives.
    fn tell(&self, standing: &mut Standing) -> Result<(), StandingError> {
        let LadderDocument { ladder, effective_from, exempt, .. } = self.ladder;
        standing.ladder = Some(LadderRef { ladder: ladder.clone(), version: *effective_from });
        if let Some(from) = self.counts_from() {
            standing.overdue_days = self.overdue_days(from)?;
            standing.owed_since = Some(self.calendar.day_of(from)?);
        }
        if exempt.contains(&standing.provider) {
            standing.because = Because::Exempt;
            return Ok(());
        }
        standing.because = Because::NoStepReached;
        if let Some((step, by_days)) = self.reached()? {
            standing.stage = step.stage;
            standing.because = if by_days { Because::Overdue } else { Because::Owed };
            standing.cure_fen = self.cure()?;
        }
        standing.next = self.next(standing.stage)?;
        Ok(())
    }
}

/// How many calls a second pass at a stage.
fn throttle(ladder: &LadderDocument, stage: Stage) -> Option<u32> {
    let reached = ladder.steps.iter().filter(|step| step.stage <= stage);
    reached.filter_map(|step| step.calls_per_second).next_back()
}
