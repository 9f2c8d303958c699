//! The alerts that stand, as they are stored, and what changed of them.

use std::fmt;

use jiff::Timestamp;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};
use steelyard_pricing::{AlertRules, AllowanceUnit, BillingDay, BillingMonth, Calls, Fen, Name};

use super::{AlertFigures, MonthCharged};

/// The alerts of a provider that stand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertState {
    /// Those that stand: each kind once, an allowance once a rate, and those of a month until it is
    /// settled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<Alert>,
    /// What the last month was charged that is charged for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub month_before: Option<MonthCharged>,
}

/// An alert that stands, as it was triggered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alert {
    /// The kind of figure that crossed its line.
    pub kind: AlertKind,
    /// The rate whose allowance it is about; none for other kinds, and for the allowance of all
    /// rates together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Name>,
    /// The percentages that were crossed at once, in rising order; 100 where a rule has no
    /// percentages.
    pub percent: Vec<u16>,
    /// The line of the last of them.
    pub line: Measure,
    /// The figure when it crossed the line.
    pub figure: Measure,
    /// The last day whose usage was in the figure.
    pub day: BillingDay,
    /// When it was noticed, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub at_s: Timestamp,
}

/// The figures that can cross a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// What the month costs so far.
    Budget,
    /// What the month is expected to cost.
    Forecast,
    /// The prepaid balance.
    Balance,
    /// How many days the prepaid balance lasts.
    BalanceDays,
    /// The use of an allowance.
    Allowance,
    /// The calls of a day.
    UnusualDay,
    /// What the month costs so far, at which the provider prefers to be cut off.
    Cap,
}

/// A figure, or a line for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// An amount of money, in fen.
    Fen(Fen),
    /// Units into which the calls of an allowance are converted.
    Units(#[cfg_attr(feature = "schema", schemars(with = "String"))] Decimal),
    /// A number of calls.
    Calls(#[cfg_attr(feature = "schema", schemars(with = "u64"))] Calls),
    /// A number of whole days.
    Days(u32),
}

/// What changed between two states: each is one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Crossing {
    /// A figure crossed a line, or several at once.
    Triggered(Alert),
    /// The alert stands no more, or at a lower percentage.
    Resolved(Alert),
}

/// What makes an alert the same as another: its kind, its rate, and its month if it is about one.
pub(super) type AlertKey<'a> = (AlertKind, Option<&'a Name>, Option<BillingMonth>);

impl AlertKind {
    /// Whether an alert is about a month: the next one begins without it.
    #[must_use]
    pub const fn is_of_month(self) -> bool {
        match self {
            AlertKind::Budget | AlertKind::Forecast | AlertKind::Allowance | AlertKind::Cap => true,
            AlertKind::Balance | AlertKind::BalanceDays | AlertKind::UnusualDay => false,
        }
    }

    /// Whether usage of a day that is not over can resolve an alert: it can withdraw what triggered
    /// it. That a day has few calls is known when it is over.
    pub(super) const fn is_resolved_within_a_day(self) -> bool {
        match self {
            AlertKind::Budget | AlertKind::Balance | AlertKind::Allowance | AlertKind::Cap => true,
            AlertKind::Forecast | AlertKind::BalanceDays | AlertKind::UnusualDay => false,
        }
    }

    /// Whether rules watch it.
    fn is_watched_by(self, rules: &AlertRules) -> bool {
        let AlertRules { budget, balance, allowance_percent, unusual_day_percent, cap_fen, .. } =
            rules;
        match self {
            AlertKind::Budget => budget.as_ref().is_some_and(|rule| !rule.percent.is_empty()),
            AlertKind::Forecast => {
                budget.as_ref().is_some_and(|rule| rule.forecast_percent.is_some())
            }
            AlertKind::Balance => balance.as_ref().is_some_and(|rule| rule.below_fen.is_some()),
            AlertKind::BalanceDays => balance.as_ref().is_some_and(|rule| rule.days.is_some()),
            AlertKind::Allowance => !allowance_percent.is_empty(),
            AlertKind::UnusualDay => unusual_day_percent.is_some(),
            AlertKind::Cap => cap_fen.is_some(),
        }
    }
}

impl Alert {
    /// The percentage at which it stands.
    #[must_use]
    pub fn level(&self) -> u16 {
        self.percent.last().copied().unwrap_or_default()
    }

    pub(super) fn key(&self) -> AlertKey<'_> {
        let month = self.kind.is_of_month().then(|| self.day.month());
        (self.kind, self.rate.as_ref(), month)
    }

    /// Whether it stands although nothing is known now of what it is about.
    pub(super) fn stands_without_figure(&self, rules: &AlertRules, figures: &AlertFigures) -> bool {
        let (of, month) = (self.day.month(), figures.through.month());
        if self.kind.is_of_month() && of != month {
            // The night settles the days in order: what comes of an earlier month is known then.
            return of > month || !figures.is_settled;
        }
        let is_always_known = self.kind.is_resolved_within_a_day();
        !is_always_known && self.kind.is_watched_by(rules)
    }
}

impl AlertState {
    /// Whether nothing is stored of it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == AlertState::default()
    }

    /// The state once a provider changed its rules: a cap that is lifted, or above what was used
    /// when it was noticed, cuts nobody off from then on. The next evaluation judges the others.
    #[must_use]
    pub fn under(&self, rules: &AlertRules) -> AlertState {
        let is_over = |figure: &Measure| {
            rules.cap_fen.is_some_and(|cap| figure.number() >= Measure::Fen(cap).number())
        };
        let stands = |alert: &&Alert| alert.kind != AlertKind::Cap || is_over(&alert.figure);
        let alerts = self.alerts.iter().filter(stands).cloned().collect();
        AlertState { alerts, month_before: self.month_before }
    }
}

/// What changed from one state to another, one for each message.
#[must_use]
pub fn crossings(before: &AlertState, after: &AlertState) -> Vec<Crossing> {
    let find = |state: &AlertState, alert: &Alert| {
        state.alerts.iter().find(|other| other.key() == alert.key()).map(Alert::level)
    };
    let is_resolved = |alert: &&Alert| find(after, alert).is_none_or(|now| now < alert.level());
    let is_triggered = |alert: &&Alert| find(before, alert).is_none_or(|was| was < alert.level());
    let resolved = before.alerts.iter().filter(is_resolved).cloned().map(Crossing::Resolved);
    let triggered = after.alerts.iter().filter(is_triggered).cloned().map(Crossing::Triggered);
    resolved.chain(triggered).collect()
}

impl Measure {
    /// Units of an allowance. A started call or fen is a whole one.
    pub(super) fn of_allowance(unit: AllowanceUnit, units: Decimal) -> Measure {
        match unit {
            AllowanceUnit::Calls => {
                Measure::Calls(Calls::new(units.ceil().to_u64().unwrap_or(u64::MAX)))
            }
            AllowanceUnit::Yuan => {
                let fen = (units * Decimal::ONE_HUNDRED).ceil().to_i64();
                Measure::Fen(Fen::new(fen.unwrap_or(i64::MAX)))
            }
            AllowanceUnit::Units => Measure::Units(units.normalize()),
        }
    }

    /// The number, whatever is measured.
    #[must_use]
    pub fn number(self) -> Decimal {
        match self {
            Measure::Fen(fen) => fen.get().into(),
            Measure::Units(units) => units,
            Measure::Calls(calls) => calls.get().into(),
            Measure::Days(days) => days.into(),
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Measure::Fen(fen) => write!(f, "¥{fen}"),
            Measure::Units(units) => write!(f, "{} units", units.normalize()),
            Measure::Calls(calls) => write!(f, "{calls} calls"),
            Measure::Days(days) => write!(f, "{days} days"),
        }
    }
}

impl fmt::Display for AlertKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            AlertKind::Budget => "budget",
            AlertKind::Forecast => "forecast",
            AlertKind::Balance => "balance",
            AlertKind::BalanceDays => "balance_days",
            AlertKind::Allowance => "allowance",
            AlertKind::UnusualDay => "unusual_day",
            AlertKind::Cap => "cap",
        })
    }
}
