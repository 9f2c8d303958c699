//! The arrears ladder: what being in arrears leads to, step by step. It is data, versioned like
//! plans.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use steelyard_pricing::{BillingDay, Fen, Name, Yuan};
use thiserror::Error;

use crate::ProviderId;

/// How far a provider is in arrears. Each stage has the consequences of those before it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// No consequences: nothing is overdue, or not for long enough.
    #[default]
    Good,
    /// The provider gets a notice.
    Notice,
    /// The gateway lets only so many calls a second pass.
    Throttled,
    /// The platform pays nothing out.
    PayoutsFrozen,
    /// The gateway lets no call pass.
    Suspended,
    /// The platform ends the contract.
    Terminated,
}

/// The most days of a step, and of grace: ten years.
pub(super) const DAYS_MAX: u32 = 3_660;

/// A version of the arrears ladder, as people write it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LadderDocument {
    /// A name for the ladder.
    pub ladder: Name,
    /// The first day on which the version is in force.
    pub effective_from: BillingDay,
    /// Days of grace: a charge is overdue from its day on, plus so many.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[cfg_attr(feature = "schema", schemars(range(max = 3660)))]
    pub grace_days: u32,
    /// The steps, each stage once, in the order of the stages.
    pub steps: Vec<LadderStep>,
    /// What restores a good standing.
    #[serde(default, skip_serializing_if = "is_default")]
    pub restores: Restores,
    /// Providers that stay in good standing whatever they owe.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "BTreeSet<String>"))]
    pub exempt: BTreeSet<ProviderId>,
}

/// A step: when a stage is reached, by days or by an amount, whichever comes first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LadderStep {
    /// The stage that is reached.
    pub stage: Stage,
    /// It is reached when the oldest charge is overdue for so many days; 1 is the day after its
    /// charge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 3660)))]
    pub overdue_days: Option<u32>,
    /// It is reached when so many yuan are owed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owed: Option<Yuan>,
    /// How many calls a second the gateway lets pass from this stage on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub calls_per_second: Option<u32>,
}

/// What restores a good standing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Restores {
    /// Paying what is overdue: the standing is always that of what is owed.
    #[default]
    Overdue,
    /// Paying all that is owed: until then, days count from when the provider began to owe.
    All,
}

/// A version of the ladder that keeps the rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "LadderDocument", into = "LadderDocument")]
pub struct Ladder(LadderDocument);

/// Why a ladder is refused: all that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct LadderError {
    /// The path in the document, and the rule that is broken there.
    pub faults: Vec<(String, LadderRule)>,
}

/// A rule that a ladder breaks. The text says what would be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LadderRule {
    /// There is no step.
    #[error("a ladder has at least one step")]
    NoStep,
    /// A step leads to good standing.
    #[error("`good` is where no step is reached; name another stage")]
    Good,
    /// The stages are not in their order, or one stands twice.
    #[error("stages stand in their order, each once")]
    Order,
    /// Nothing says when a stage is reached.
    #[error("give overdue_days, owed, or both")]
    Never,
    /// A later stage would be reached before an earlier one.
    #[error("must be more than at the steps before")]
    NotLater,
    /// A number is zero.
    #[error("must be 1 or more")]
    Zero,
    /// More days than [`DAYS_MAX`].
    #[error("must be at most {DAYS_MAX} days")]
    TooLong,
    /// A later stage lets more calls pass than an earlier one.
    #[error("must be at most as many as at the steps before")]
    Rising,
    /// An amount that is no number of fen above zero.
    #[error("must be an amount above zero in whole fen")]
    NotFen,
    /// A stage that is about calls says nothing of them, or a stage before it does.
    #[error("`throttled` needs calls_per_second; earlier stages must not have it")]
    CallsPerSecond,
}

impl fmt::Display for LadderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (path, rule)) in self.faults.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{path}: {rule}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Stage::Good => "good",
            Stage::Notice => "notice",
            Stage::Throttled => "throttled",
            Stage::PayoutsFrozen => "payouts_frozen",
            Stage::Suspended => "suspended",
            Stage::Terminated => "terminated",
        })
    }
}

impl Stage {
    /// All of them, in their order.
    pub const ALL: [Stage; 6] = [
        Stage::Good,
        Stage::Notice,
        Stage::Throttled,
        Stage::PayoutsFrozen,
        Stage::Suspended,
        Stage::Terminated,
    ];
}

/// A text is the name of no stage.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "`{0}` is no stage; there are good, notice, throttled, payouts_frozen, suspended and terminated"
)]
pub struct StageError(String);

impl FromStr for Stage {
    type Err = StageError;

    fn from_str(text: &str) -> Result<Stage, StageError> {
        let mut stages = Stage::ALL.into_iter();
        stages.find(|stage| stage.to_string() == text).ok_or_else(|| StageError(text.to_owned()))
    }
}

impl LadderStep {
    /// The amount by which it is reached.
    pub(crate) fn owed_fen(&self) -> Option<Fen> {
        self.owed.and_then(|owed| owed.to_fen_floor().ok())
    }
}

impl Ladder {
    /// The checked document, as it was written.
    #[must_use]
    pub fn document(&self) -> &LadderDocument {
        &self.0
    }
}

impl TryFrom<LadderDocument> for Ladder {
    type Error = LadderError;

    fn try_from(document: LadderDocument) -> Result<Ladder, LadderError> {
        let mut faults = Vec::new();
        if document.steps.is_empty() {
            faults.push(("steps".to_owned(), LadderRule::NoStep));
        }
        if document.grace_days > DAYS_MAX {
            faults.push(("grace_days".to_owned(), LadderRule::TooLong));
        }
        for (index, step) in document.steps.iter().enumerate() {
            let before = document.steps.get(..index).unwrap_or_default();
            let broken = broken(step, before).into_iter();
            faults.extend(broken.map(|(field, rule)| (format!("steps[{index}].{field}"), rule)));
        }
        if faults.is_empty() { Ok(Ladder(document)) } else { Err(LadderError { faults }) }
    }
}

impl From<Ladder> for LadderDocument {
    fn from(ladder: Ladder) -> LadderDocument {
        ladder.0
    }
}

/// The rules that a step breaks, by its fields.
fn broken(step: &LadderStep, before: &[LadderStep]) -> Vec<(&'static str, LadderRule)> {
    let LadderStep { stage, overdue_days, owed, calls_per_second } = step;
    let is_fen = |owed: &Yuan| {
        owed.to_fen_floor().is_ok_and(|fen| fen.is_positive() && Yuan::from(fen) == *owed)
    };
    let mut checked = vec![
        ("stage", LadderRule::Good, *stage != Stage::Good),
        ("stage", LadderRule::Order, before.iter().all(|earlier| earlier.stage < *stage)),
        ("overdue_days", LadderRule::Never, overdue_days.is_some() || owed.is_some()),
        ("overdue_days", LadderRule::Zero, *overdue_days != Some(0)),
        ("overdue_days", LadderRule::TooLong, overdue_days.is_none_or(|days| days <= DAYS_MAX)),
        ("owed", LadderRule::NotFen, owed.as_ref().is_none_or(is_fen)),
        ("calls_per_second", LadderRule::Zero, *calls_per_second != Some(0)),
    ];
    let is_later = before.iter().all(|earlier| {
        earlier.overdue_days.zip(*overdue_days).is_none_or(|(earlier, days)| earlier < days)
    });
    let is_more = before
        .iter()
        .all(|earlier| earlier.owed.zip(*owed).is_none_or(|(earlier, owed)| earlier < owed));
    let falls = before.iter().all(|earlier| {
        earlier
            .calls_per_second
            .zip(*calls_per_second)
            .is_none_or(|(earlier, calls)| earlier >= calls)
    });
    let says = calls_per_second.is_some();
    let fits = if *stage == Stage::Throttled { says } else { *stage > Stage::Throttled || !says };
    checked.extend([
        ("overdue_days", LadderRule::NotLater, is_later),
        ("owed", LadderRule::NotLater, is_more),
        ("calls_per_second", LadderRule::CallsPerSecond, fits),
        ("calls_per_second", LadderRule::Rising, falls),
    ]);
    let broken = checked.into_iter().filter(|(_, _, holds)| !holds);
    broken.map(|(field, rule, _)| (field, rule)).collect()
}

/// The versions of the ladder, by the day from which each is in force; none for one that cannot be
/// read.
#[derive(Clone, Debug, Default)]
pub struct Ladders(BTreeMap<BillingDay, Option<Ladder>>);

impl Ladders {
    /// The version in force on a day; none before the first.
    ///
    /// # Errors
    ///
    /// The day of the version in force, if it cannot be read.
    pub fn in_force(&self, day: BillingDay) -> Result<Option<&Ladder>, BillingDay> {
        let last = self.0.range(..=day).next_back();
        last.map(|(from, ladder)| ladder.as_ref().ok_or(*from)).transpose()
    }

    /// Notes that there is a version that cannot be read.
    pub fn add_unreadable(&mut self, effective_from: BillingDay) {
        self.0.insert(effective_from, None);
    }

    /// The versions that can be read, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Ladder> {
        self.0.values().flatten()
    }
}

impl FromIterator<Ladder> for Ladders {
    fn from_iter<I: IntoIterator<Item = Ladder>>(ladders: I) -> Ladders {
        let by_day = |ladder: Ladder| (ladder.0.effective_from, Some(ladder));
        Ladders(ladders.into_iter().map(by_day).collect())
    }
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
