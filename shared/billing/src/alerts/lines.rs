//! The lines that rules draw for some figures, and whether a figure has crossed its lines.

use jiff::Timestamp;
use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};
use steelyard_pricing::{AlertRules, BillingMonth, BudgetRule, Calls, Fen, Name};

use super::{ALERT_MARGIN_PERCENT, Alert, AlertFigures, AlertKind, Measure};

/// The most allowances that are watched: the state stays small, however many rates a plan has.
const ALLOWANCES_MAX: usize = 50;

/// The lines of one figure.
pub(super) struct Line<'a> {
    kind: AlertKind,
    rate: Option<&'a Name>,
    /// The figure that counts as 100 percent.
    whole: Decimal,
    percents: Vec<u16>,
    figure: Measure,
}

/// The lines of the figures that are known.
pub(super) fn lines<'a>(rules: &AlertRules, figures: &'a AlertFigures) -> Vec<Line<'a>> {
    let mut lines = Vec::new();
    if let Some((rule, budget)) = rules.budget.as_ref().zip(figures.budget(rules)) {
        lines.extend(of_budget(rule, Measure::Fen(budget), figures));
    }
    if let Some(rule) = &rules.balance {
        let below = rule.below_fen.zip(Some(figures.prepaid_fen));
        lines.extend(below.map(|(below, prepaid)| {
            Line::of(AlertKind::Balance, Measure::Fen(below), Measure::Fen(prepaid))
        }));
        lines.extend(rule.days.zip(figures.lasts_days).map(|(least, lasts)| {
            Line::of(AlertKind::BalanceDays, Measure::Days(least.into()), Measure::Days(lasts))
        }));
    }
    if !rules.allowance_percent.is_empty() {
        let given = figures.allowances.iter().filter(|given| given.free > Decimal::ZERO);
        lines.extend(given.take(ALLOWANCES_MAX).map(|given| Line {
            rate: given.rate.as_ref(),
            percents: rules.allowance_percent.clone(),
            ..Line::of(
                AlertKind::Allowance,
                Measure::of_allowance(given.unit, given.free),
                Measure::of_allowance(given.unit, given.used),
            )
        }));
    }
    let of_day = rules.unusual_day_percent.zip(figures.day.filter(|day| !day.usual.is_zero()));
    lines.extend(of_day.map(|(percent, day)| Line {
        percents: vec![percent],
        ..Line::of(AlertKind::UnusualDay, Measure::Calls(day.usual), Measure::Calls(day.calls))
    }));
    lines.extend(
        rules.cap_fen.map(|cap| {
            Line::of(AlertKind::Cap, Measure::Fen(cap), Measure::Fen(figures.month_fen))
        }),
    );
    lines
}

/// The lines of a budget.
fn of_budget<'a>(rule: &BudgetRule, budget: Measure, figures: &AlertFigures) -> Vec<Line<'a>> {
    let so_far = Line {
        percents: rule.percent.clone(),
        ..Line::of(AlertKind::Budget, budget, Measure::Fen(figures.month_fen))
    };
    let forecast = rule.forecast_percent.zip(figures.forecast_fen);
    let forecast = forecast.map(|(percent, expected)| Line {
        percents: vec![percent],
        ..Line::of(AlertKind::Forecast, budget, Measure::Fen(expected))
    });
    std::iter::once(so_far).chain(forecast).collect()
}

impl Line<'_> {
    fn of(kind: AlertKind, whole: Measure, figure: Measure) -> Self {
        Line { kind, rate: None, whole: whole.number(), percents: vec![100], figure }
    }

    /// Whether an alert is about it, in a month.
    pub(super) fn is_of(&self, alert: &Alert, month: BillingMonth) -> bool {
        alert.key() == (self.kind, self.rate, self.kind.is_of_month().then_some(month))
    }

    /// Whether the alert begins, stays or ends.
    pub(super) fn judge(
        &self,
        before: Option<&Alert>,
        figures: &AlertFigures,
        now: Timestamp,
    ) -> Option<Alert> {
        let was = before.map_or(0, Alert::level);
        let last = |percents: &[u16]| percents.last().copied().unwrap_or_default();
        let reached = self.percents_that(|percent| self.is_beyond(percent, 0));
        // Figures of an earlier day, or of a part of a day, lack what the alert was triggered by.
        let knows_enough = before.is_none_or(|alert| alert.day <= figures.through)
            && (figures.is_settled || self.kind.is_resolved_within_a_day());
        let held = self.percents_that(|percent| {
            percent <= was && self.is_beyond(percent, ALERT_MARGIN_PERCENT)
        });
        let level = last(&reached).max(if knows_enough { last(&held) } else { was });
        if level == was {
            return before.cloned();
        }
        let percent = match level > was {
            true => reached.into_iter().filter(|percent| *percent > was).collect(),
            false => vec![level],
        };
        (level > 0).then(|| Alert {
            kind: self.kind,
            rate: self.rate.cloned(),
            percent,
            line: self.line(level),
            figure: self.figure,
            day: figures.through,
            at_s: now,
        })
    }

    fn percents_that(&self, is_wanted: impl Fn(u16) -> bool) -> Vec<u16> {
        self.percents.iter().copied().filter(|percent| is_wanted(*percent)).collect()
    }

    /// Whether the figure is beyond the line of a percentage, or has not left it by more than a
    /// margin.
    fn is_beyond(&self, percent: u16, margin_percent: u16) -> bool {
        let hundred = Decimal::ONE_HUNDRED;
        let line = self.whole * Decimal::from(percent) / hundred;
        let margin = line * Decimal::from(margin_percent) / hundred;
        let figure = self.figure.number();
        if self.falls() { figure <= line + margin } else { figure >= line - margin }
    }

    /// Whether it is crossed from above.
    const fn falls(&self) -> bool {
        match self.kind {
            AlertKind::Balance | AlertKind::BalanceDays => true,
            AlertKind::Budget
            | AlertKind::Forecast
            | AlertKind::Allowance
            | AlertKind::UnusualDay
            | AlertKind::Cap => false,
        }
    }

    /// The least figure that is beyond the line of a percentage, in the figure's unit.
    fn line(&self, percent: u16) -> Measure {
        let line = self.whole * Decimal::from(percent) / Decimal::ONE_HUNDRED;
        let up = line.round_dp_with_strategy(0, RoundingStrategy::ToPositiveInfinity);
        match self.figure {
            Measure::Fen(_) => Measure::Fen(Fen::new(up.to_i64().unwrap_or(i64::MAX))),
            Measure::Units(_) => Measure::Units(line.normalize()),
            Measure::Calls(_) => Measure::Calls(Calls::new(up.to_u64().unwrap_or(u64::MAX))),
            Measure::Days(_) => Measure::Days(up.to_u32().unwrap_or(u32::MAX)),
        }
    }
}
