//! Alerts and the spend cap of a provider: what is set, what stands, and how far the month is.

mod form;
mod page;
mod texts;

pub use form::{AlertField, AlertsForm, AlertsProblem, AlertsTyped, FieldProblem};
pub use page::AlertsPage;

use jiff::Timestamp;
use serde::Serialize;
use steelyard_billing::{Account, Alert, AlertFigures, AlertKind, Measure, Provider};
use steelyard_pricing::{AlertRules, BillingDay, BillingMonth, Fen, MoneyError, Name};
use utoipa::ToSchema;

/// What a provider is watched by, and how it stands now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Alerts {
    /// The month whose budget, cap and allowances are watched.
    #[schema(value_type = String)]
    pub month: BillingMonth,
    /// Everything that was counted before this time is in the figures, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    #[schema(value_type = i64)]
    pub as_of_s: Timestamp,
    /// The rules that the provider set.
    pub own: AlertRules,
    /// What holds: what the provider left out is as its plan has it.
    pub rules: AlertRules,
    /// What the month costs so far, for usage.
    #[schema(value_type = i64)]
    pub month_fen: Fen,
    /// The budget of the month; none if nothing says one.
    #[schema(value_type = Option<i64>)]
    pub budget_fen: Option<Fen>,
    /// The prepaid balance, less what the usage so far costs.
    #[schema(value_type = i64)]
    pub prepaid_fen: Fen,
    /// The spend cap; none unless the provider set one.
    pub cap: Option<Cap>,
    /// The alerts that stand.
    pub alerts: Vec<AlertItem>,
}

/// The spend cap of a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Cap {
    /// The most that the month may cost before the provider is cut off.
    #[schema(value_type = i64)]
    pub cap_fen: Fen,
    /// Whether the provider is cut off by it.
    pub is_capped: bool,
    /// When the crossing was noticed, in seconds of Unix time.
    #[serde(
        skip_serializing_if = "Option::is_none",
        with = "jiff::fmt::serde::timestamp::second::optional"
    )]
    #[schema(value_type = Option<i64>)]
    pub noticed_at_s: Option<Timestamp>,
    /// What passed beyond the cap so far.
    #[schema(value_type = i64)]
    pub passed_fen: Fen,
}

/// An alert that stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AlertItem {
    /// What crossed its line: `budget`, `forecast`, `balance`, `balance_days`, `allowance`,
    /// `unusual_day` or `cap`.
    #[schema(value_type = String)]
    pub kind: AlertKind,
    /// The rate whose allowance it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub rate: Option<Name>,
    /// The percentage at which it stands; 100 where there is none.
    pub percent: u16,
    /// The line, as `fen`, `units`, `calls` or `days`.
    #[schema(value_type = Object)]
    pub line: Measure,
    /// What the figure was, in the same unit.
    #[schema(value_type = Object)]
    pub figure: Measure,
    /// The last day whose usage was in the figure.
    #[schema(value_type = String)]
    pub day: BillingDay,
    /// When it was noticed, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    #[schema(value_type = i64)]
    pub at_s: Timestamp,
}

impl Alerts {
    /// The view of a provider's figures at a time.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when an amount leaves its range.
    pub fn of(
        (provider, account): (&Provider, &Account),
        rules: &AlertRules,
        figures: &AlertFigures,
        now: Timestamp,
    ) -> Result<Alerts, MoneyError> {
        let month = figures.through.month();
        let capped = account.capped_in(month);
        let cap = rules.cap_fen.map(|cap_fen| {
            Ok::<_, MoneyError>(Cap {
                cap_fen,
                is_capped: capped.is_some(),
                noticed_at_s: capped.map(|alert| alert.at_s),
                passed_fen: figures.month_fen.minus(cap_fen)?.max(Fen::ZERO),
            })
        });
        Ok(Alerts {
            month,
            as_of_s: now,
            own: provider.alert_rules.clone(),
            rules: rules.clone(),
            month_fen: figures.month_fen,
            budget_fen: figures.budget(rules),
            prepaid_fen: figures.prepaid_fen,
            cap: cap.transpose()?,
            alerts: items(account, month),
        })
    }
}

/// The alerts of an account that stand and are not of an earlier month.
#[must_use]
pub fn items(account: &Account, month: BillingMonth) -> Vec<AlertItem> {
    let stands = |alert: &&Alert| !alert.kind.is_of_month() || alert.day.month() == month;
    let item = |alert: &Alert| AlertItem {
        kind: alert.kind,
        rate: alert.rate.clone(),
        percent: alert.level(),
        line: alert.line,
        figure: alert.figure,
        day: alert.day,
        at_s: alert.at_s,
    };
    account.alerts.alerts.iter().filter(stands).map(item).collect()
}
