//! Alerts: what a provider's figures have crossed of the lines that its rules draw. Pure: the same
//! figures give the same state, and a state that has them already gives no news.

mod figures;
mod lines;
mod state;

pub use figures::{AlertFigures, DayCalls, MonthCharged};
pub use state::{Alert, AlertKind, AlertState, Crossing, Measure, crossings};

use jiff::Timestamp;
use steelyard_pricing::{AlertRules, BillingDay, BillingMonth, BudgetRule, Catalog, Fen, Plan};

use crate::{Account, Provider, SettlementError};
use lines::lines;

/// An alert is resolved when its figure is on the other side of its line by so many percent of the
/// line.
pub const ALERT_MARGIN_PERCENT: u16 = 5;

/// The alerts after an evaluation of some figures.
///
/// A figure that equals its line has crossed it. Several lines of one rule that are crossed at once
/// are one alert. An alert stands until its figure has left its line by [`ALERT_MARGIN_PERCENT`],
/// its rule is gone, or its month is settled. Figures that know less than those by which an alert
/// was triggered resolve nothing: so a night that settles up to yesterday leaves what was triggered
/// by the usage of today.
#[must_use]
pub fn evaluate(
    rules: &AlertRules,
    figures: &AlertFigures,
    state: &AlertState,
    now: Timestamp,
) -> AlertState {
    let month = figures.through.month();
    let lines = lines(rules, figures);
    let judged = lines.iter().filter_map(|line| {
        let before = state.alerts.iter().find(|alert| line.is_of(alert, month));
        line.judge(before, figures, now)
    });
    let is_judged = |alert: &Alert| lines.iter().any(|line| line.is_of(alert, month));
    let kept = state.alerts.iter().filter(|alert| !is_judged(alert));
    let kept = kept.filter(|alert| alert.stands_without_figure(rules, figures)).cloned();
    let mut alerts = judged.chain(kept).collect::<Vec<_>>();
    alerts.sort_by(|a, b| a.key().cmp(&b.key()));
    AlertState { alerts, month_before: state.month_before }
}

impl Provider {
    /// The rules by which the provider is watched on a day: its own, and for what they leave out
    /// those of its plan.
    #[must_use]
    pub fn alert_rules_on(&self, day: BillingDay, plans: &Catalog) -> AlertRules {
        let none = AlertRules::default();
        let of_plan = |plan: &Plan| self.alert_rules.over(&plan.document().alerts);
        let terms = self.terms_on(day, plans);
        terms.map_or_else(|| self.alert_rules.over(&none), |terms| of_plan(terms.plan))
    }
}

impl Account {
    /// The account with the alerts of its settled figures, once everything through a day is
    /// settled.
    ///
    /// # Errors
    ///
    /// [`SettlementError`] when the month cannot be rated.
    pub fn watched(
        &self,
        provider: &Provider,
        plans: &Catalog,
        (through, day): (BillingDay, Option<DayCalls>),
        now: Timestamp,
    ) -> Result<Account, SettlementError> {
        let rules = provider.alert_rules_on(through, plans);
        let figures = AlertFigures::settled(provider, self, (plans, &rules), through)?;
        let alerts = evaluate(&rules, &AlertFigures { day, ..figures }, &self.alerts, now);
        Ok(Account { alerts, ..self.clone() })
    }

    /// Whether usage that is not settled can cross a line of the rules in a month, or resolve an
    /// alert that stands.
    #[must_use]
    pub fn needs_usage(&self, rules: &AlertRules, month: BillingMonth) -> bool {
        let AlertRules { budget, balance, allowance_percent, unusual_day_percent, cap_fen, .. } =
            rules;
        let has_budget = |rule: &BudgetRule| {
            let is_known = rule.monthly_fen.is_some() || self.charged_before(month).is_some();
            is_known && !rule.percent.is_empty()
        };
        !self.alerts.alerts.is_empty()
            || budget.as_ref().is_some_and(has_budget)
            || balance.as_ref().is_some_and(|rule| rule.below_fen.is_some())
            || !allowance_percent.is_empty()
            || unusual_day_percent.is_some()
            || cap_fen.is_some()
    }

    /// The alert by which the provider is cut off in a month.
    #[must_use]
    pub fn capped_in(&self, month: BillingMonth) -> Option<&Alert> {
        let of_month = |alert: &&Alert| alert.kind == AlertKind::Cap && alert.day.month() == month;
        self.alerts.alerts.iter().find(of_month)
    }

    /// What the month before was charged; none if nothing was, or it is no longer known.
    #[must_use]
    pub fn charged_before(&self, month: BillingMonth) -> Option<Fen> {
        let before = month.previous();
        let open = self.months.get(&before).map(|progress| progress.to_date.charged_fen);
        let closed = self.alerts.month_before.filter(|charged| charged.month == before);
        open.or(closed.map(|charged| charged.charged_fen))
    }
}
