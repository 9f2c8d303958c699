//! The page of alerts and its form.

use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use steelyard_billing::{Deed, SessionRight};
use steelyard_pages::alerts::{AlertsForm, AlertsPage, AlertsProblem, AlertsTyped};
use steelyard_pricing::AlertTopic;

use crate::asker::Visit;
use crate::provider::new_key;
use crate::refusal::{Answer, Refusal};
use crate::withholding::{NotDone, not_done};
use crate::{Shared, page};

/// The page of alerts.
pub(crate) async fn alerts(State(shared): State<Shared>, visit: Visit) -> Answer {
    let form = AlertsForm::of(new_key()?, &visit.account.provider.alert_rules);
    alerts_page(&shared, visit, &form, StatusCode::OK).await
}

async fn alerts_page(
    shared: &Shared,
    mut visit: Visit,
    form: &AlertsForm,
    status: StatusCode,
) -> Answer {
    visit.frame.path = visit.frame.page("alerts");
    let view = shared.alerts(&visit).await?;
    let page: Response = page(&AlertsPage::new(&visit.frame, shared.calendar(), &view, form));
    Ok((status, page).into_response())
}

/// The fields that the form sends.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AlertsSent {
    key: String,
    monthly: String,
    percent: String,
    forecast: String,
    below: String,
    days: String,
    allowance: String,
    unusual: String,
    cap: String,
    off_budget: Option<String>,
    off_balance: Option<String>,
    off_allowance: Option<String>,
    off_unusual_day: Option<String>,
}

impl AlertsSent {
    /// The typed texts, and the form's key.
    fn typed(self) -> (AlertsTyped, String) {
        let off = [
            (self.off_budget, AlertTopic::Budget),
            (self.off_balance, AlertTopic::Balance),
            (self.off_allowance, AlertTopic::Allowance),
            (self.off_unusual_day, AlertTopic::UnusualDay),
        ];
        let off = off.into_iter().filter(|(ticked, _)| ticked.is_some());
        let typed = AlertsTyped {
            monthly: self.monthly,
            percent: self.percent,
            forecast: self.forecast,
            below: self.below,
            days: self.days,
            allowance: self.allowance,
            unusual: self.unusual,
            cap: self.cap,
            off: off.map(|(_, topic)| topic).collect(),
        };
        (typed, self.key)
    }
}

/// Sets alerts and the spend cap.
pub(crate) async fn set(
    State(shared): State<Shared>,
    mut visit: Visit,
    Form(sent): Form<AlertsSent>,
) -> Answer {
    visit.asker.may(&shared, visit.provider(), SessionRight::Alerts).await?;
    let (typed, key) = sent.typed();
    let rules = match AlertsForm::read(key.clone(), typed) {
        Ok(rules) => rules,
        Err(form) => {
            return alerts_page(&shared, visit, &form, StatusCode::UNPROCESSABLE_ENTITY).await;
        }
    };
    let provider = visit.provider().clone();
    let deed = Deed::SetAlerts { provider, rules: Box::new(rules.clone()) };
    let (form, status) = match shared.act(&mut visit, &key, deed).await {
        Ok(()) => {
            let form = AlertsForm::of(new_key()?, &visit.account.provider.alert_rules);
            (AlertsForm { has_saved: true, ..form }, StatusCode::OK)
        }
        Err(refusal) => {
            let status = refusal.status();
            let (key, problem) = not_saved(refusal, key)?;
            (AlertsForm::refused(key, &rules, problem), status)
        }
    };
    alerts_page(&shared, visit, &form, status).await
}

/// Why the form is shown again, and by which key: one whose result is not known keeps its own.
fn not_saved(refusal: Refusal, key: String) -> Result<(String, AlertsProblem), Refusal> {
    Ok(match not_done(refusal)? {
        NotDone::Unknown => (key, AlertsProblem::Unavailable),
        NotDone::SentBefore => (new_key()?, AlertsProblem::SentBefore),
        NotDone::Refused => (new_key()?, AlertsProblem::Refused),
    })
}
