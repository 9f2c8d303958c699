//! The pages of operators, as they are asked for.

use axum::extract::{Query, State};
use serde::Deserialize;
use steelyard_pages::operator::providers::{ProviderQuery, ProviderState};
use steelyard_pages::operator::{Forms, OperatorPage};

use super::Shift;
use super::views::TrailCursor;
use crate::asker::Visit;
use crate::enter::random_text;
use crate::refusal::{Answer, Refusal};
use crate::{Shared, page};

/// What the list of providers is searched for, as the form sends it.
#[derive(Debug, Deserialize)]
pub(super) struct Search {
    #[serde(default)]
    q: String,
    #[serde(default)]
    state: String,
    after: Option<String>,
}

impl Search {
    fn query(self) -> Result<ProviderQuery, Refusal> {
        let Search { q, state, after } = self;
        let state = match &*state {
            "" => None,
            name => {
                let found = ProviderState::ALL.into_iter().find(|state| state.name() == name);
                Some(found.ok_or_else(|| Refusal::Malformed("there is no such state".to_owned()))?)
            }
        };
        Ok(ProviderQuery { q, state, after })
    }
}

/// A page of the providers that are searched for.
pub(super) async fn providers(
    State(shared): State<Shared>,
    shift: Shift,
    Query(search): Query<Search>,
) -> Answer {
    let view = shared.providers(search.query()?, shift.now).await?;
    Ok(page(&OperatorPage::providers(&shift.frame, &view, shared.calendar())))
}

/// Receivables by age, and the revenue of months.
pub(super) async fn receivables(State(shared): State<Shared>, shift: Shift) -> Answer {
    let view = shared.receivables(shift.now).await?;
    Ok(page(&OperatorPage::receivables(&shift.frame, &view, shared.calendar())))
}

/// The debits that need a person.
pub(super) async fn debits(State(shared): State<Shared>, shift: Shift) -> Answer {
    shared.debits_page(&shift, &forms()?).await
}

/// The days of reconciliation and the open findings.
pub(super) async fn reconciliation(State(shared): State<Shared>, shift: Shift) -> Answer {
    shared.reconciliation_page(&shift, &forms()?).await
}

/// The runs, the breaker and the dead letters.
pub(super) async fn runs(State(shared): State<Shared>, shift: Shift) -> Answer {
    shared.runs_page(&shift, &forms()?).await
}

/// Where the audit trail goes on.
#[derive(Debug, Deserialize)]
pub(super) struct TrailParameters {
    after: Option<String>,
}

/// The audit trail.
pub(super) async fn actions(
    State(shared): State<Shared>,
    shift: Shift,
    Query(sent): Query<TrailParameters>,
) -> Answer {
    let after = sent.after.as_deref().map(str::parse).transpose();
    let after = after.map_err(|why: &str| Refusal::Malformed(why.to_owned()))?;
    shared.actions_page(&shift, after, &forms()?).await
}

/// The form that ends the sessions of a provider.
pub(super) async fn sessions(_: State<Shared>, _: Shift, visit: Visit) -> Answer {
    sessions_page(&visit, &forms()?)
}

pub(super) fn sessions_page(visit: &Visit, forms: &Forms) -> Answer {
    Ok(page(&OperatorPage::sessions(&visit.frame, visit.provider(), forms)))
}

/// The forms of a new page.
pub(super) fn forms() -> Result<Forms, Refusal> {
    let key = random_text().map_err(Refusal::unavailable)?;
    Ok(Forms { key, ..Forms::default() })
}

/// The pages that have forms: shown alone, and again with what became of a form.
impl Shared {
    pub(super) async fn debits_page(&self, shift: &Shift, forms: &Forms) -> Answer {
        let view = self.debits_to_see(shift.now).await?;
        Ok(page(&OperatorPage::debits(&shift.frame, &view, forms, self.calendar())))
    }

    pub(super) async fn reconciliation_page(&self, shift: &Shift, forms: &Forms) -> Answer {
        let view = self.reconciled(shift.now).await?;
        Ok(page(&OperatorPage::reconciliation(&shift.frame, &view, forms, self.calendar())))
    }

    pub(super) async fn runs_page(&self, shift: &Shift, forms: &Forms) -> Answer {
        let view = self.runs(shift.now).await?;
        Ok(page(&OperatorPage::runs(&shift.frame, &view, forms, self.calendar())))
    }

    pub(super) async fn actions_page(
        &self,
        shift: &Shift,
        after: Option<TrailCursor>,
        forms: &Forms,
    ) -> Answer {
        let view = self.audit_trail(after, shift.now).await?;
        Ok(page(&OperatorPage::actions(&shift.frame, &view, forms, self.calendar())))
    }
}
