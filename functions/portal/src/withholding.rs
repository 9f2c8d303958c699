//! The page of withholding and its forms: to sign, to lower limits, and to end it.

use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use steelyard_billing::{Deed, SessionRight};
use steelyard_books::IdempotencyKey;
use steelyard_pages::withholding::{
    AgreementView, EndForm, EndProblem, LimitsForm, LimitsProblem, SignForm, SignProblem,
    Withholding, WithholdingForms, WithholdingPage, WithholdingState,
};
use steelyard_runtime::Problem;

use crate::asker::Visit;
use crate::enter::to;
use crate::offers::NotOffered;
use crate::provider::{again, new_key};
use crate::refusal::{Answer, Refusal};
use crate::{Shared, page};

/// The page of withholding.
pub(crate) async fn withholding(State(shared): State<Shared>, visit: Visit) -> Answer {
    let view = shared.withholding(&visit).await?;
    let forms = WithholdingForms::empty(&new_key()?);
    Ok(withholding_page(&shared, visit, &view, &forms, StatusCode::OK))
}

fn withholding_page(
    shared: &Shared,
    mut visit: Visit,
    view: &Withholding,
    forms: &WithholdingForms,
    status: StatusCode,
) -> Response {
    visit.frame.refresh_s = view.refresh_s().filter(|_| !visit.is_still);
    let has_links = forms.links.is_some();
    visit.frame.path = visit.frame.page("withholding");
    let page = page(&WithholdingPage::new(&visit.frame, shared.calendar(), view, forms));
    let path = format!("{}{}", visit.frame.path, if has_links { "/sign" } else { "" });
    again((status, page).into_response(), visit.frame.refresh_s, &path)
}

/// What the forms of withholding send.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct WithholdingSent {
    #[serde(default)]
    key: String,
    terms: Option<String>,
    agree: Option<String>,
    single: Option<String>,
    daily: Option<String>,
    mandate: Option<String>,
    sure: Option<String>,
}

/// Offers an agreement to be signed.
pub(crate) async fn sign(
    State(shared): State<Shared>,
    visit: Visit,
    Form(sent): Form<WithholdingSent>,
) -> Answer {
    visit.asker.may(&shared, visit.provider(), SessionRight::Mandate).await?;
    let view = shared.withholding(&visit).await?;
    let mut forms = WithholdingForms::empty(&new_key()?);
    let status = match SignForm::read(sent.terms.as_deref(), sent.agree.as_deref()) {
        // The form was sent before, and the terms changed since.
        Err(_) if shared.has_offered_mandate(&visit, &sent.key).await? => {
            return Ok(to(&format!("{}/sign", visit.frame.page("withholding"))));
        }
        Err(form) => {
            forms.sign = form;
            StatusCode::UNPROCESSABLE_ENTITY
        }
        Ok(terms_version) => {
            let consent = visit.asker.consent(&terms_version)?;
            match shared.offers.mandate(visit.provider(), Some(consent), Some(&sent.key)).await {
                Ok(_) => return Ok(to(&format!("{}/sign", visit.frame.page("withholding")))),
                Err(not_offered) => {
                    let (problem, status) = not_signed(&not_offered);
                    if problem == SignProblem::Unavailable {
                        forms.keys.sign = sent.key;
                    }
                    forms.sign = SignForm::refused(problem);
                    status
                }
            }
        }
    };
    Ok(withholding_page(&shared, visit, &view, &forms, status))
}

impl Shared {
    /// Whether an earlier request with this key got an agreement to sign. A repetition gets the
    /// same one.
    pub(crate) async fn has_offered_mandate(
        &self,
        visit: &Visit,
        key: &str,
    ) -> Result<bool, Refusal> {
        let Ok(key) = IdempotencyKey::parse(key) else { return Ok(false) };
        let offered = self.settler.books.has_offered_mandate(visit.provider(), &key).await;
        offered.map_err(Refusal::unavailable)
    }
}

/// Why no agreement is offered, and the status of the answer.
fn not_signed(not_offered: &NotOffered) -> (SignProblem, StatusCode) {
    match not_offered {
        NotOffered::Refused(refused) => {
            let problem = match refused.kind.as_str() {
                "idempotency-key-used" => SignProblem::SentBefore,
                _ => SignProblem::Refused,
            };
            (problem, StatusCode::UNPROCESSABLE_ENTITY)
        }
        NotOffered::Unavailable(refusal) => {
            refusal.log();
            (SignProblem::Unavailable, StatusCode::SERVICE_UNAVAILABLE)
        }
    }
}

/// The links by which the offered agreement is signed, until it is.
pub(crate) async fn signing(State(shared): State<Shared>, visit: Visit) -> Answer {
    visit.asker.may(&shared, visit.provider(), SessionRight::Mandate).await?;
    let view = shared.withholding(&visit).await?;
    if view.state != WithholdingState::Waiting {
        return Ok(to(&visit.frame.page("withholding")));
    }
    let mut forms = WithholdingForms::empty(&new_key()?);
    // Without a key and a consent the open offer is given again, and nothing is stored.
    let status = match shared.offers.mandate(visit.provider(), None, None).await {
        Ok(offer) => {
            forms.links = Some(offer.links(&shared.config.alipay_origin));
            StatusCode::OK
        }
        Err(not_offered) => {
            let (problem, status) = not_signed(&not_offered);
            forms.sign = SignForm::refused(problem);
            status
        }
    };
    Ok(withholding_page(&shared, visit, &view, &forms, status))
}

/// Lowers the limits of the agreement.
pub(crate) async fn lower(
    State(shared): State<Shared>,
    mut visit: Visit,
    Form(sent): Form<WithholdingSent>,
) -> Answer {
    visit.asker.may(&shared, visit.provider(), SessionRight::Mandate).await?;
    let view = shared.withholding(&visit).await?;
    let agreement = in_force(&view).ok_or_else(none_in_force)?;
    let mut forms = WithholdingForms::empty(&new_key()?);
    let (single, daily) = (sent.single.unwrap_or_default(), sent.daily.unwrap_or_default());
    let is_shown = sent.mandate.as_deref() == Some(&*agreement.mandate.to_string());
    let limits = LimitsForm::read(&single, &daily, agreement.limits());
    let (form, status) = match limits {
        _ if !is_shown => (
            LimitsForm::refused(agreement.limits(), LimitsProblem::Another),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        Err(form) => (form, StatusCode::UNPROCESSABLE_ENTITY),
        Ok(limits) => {
            let (provider, mandate) = (visit.provider().clone(), agreement.mandate);
            let deed = Deed::LowerLimits { provider, mandate, limits };
            match shared.act(&mut visit, &sent.key, deed).await {
                Ok(()) => {
                    forms.has_saved_limits = true;
                    let view = shared.withholding(&visit).await?;
                    return Ok(withholding_page(&shared, visit, &view, &forms, StatusCode::OK));
                }
                Err(refusal) => {
                    let status = refusal.status();
                    let problem = match not_done(refusal)? {
                        NotDone::Unknown => {
                            forms.keys.limits = sent.key;
                            LimitsProblem::Unavailable
                        }
                        NotDone::SentBefore => LimitsProblem::SentBefore,
                        NotDone::Refused => LimitsProblem::Refused,
                    };
                    (LimitsForm::refused(limits, problem), status)
                }
            }
        }
    };
    forms.limits = Some(form);
    Ok(withholding_page(&shared, visit, &view, &forms, status))
}

/// The agreement under which debits are made, or would be.
pub(crate) fn in_force(view: &Withholding) -> Option<&AgreementView> {
    let is_in_force = matches!(view.state, WithholdingState::On | WithholdingState::Suspended);
    view.agreement.as_ref().filter(|_| is_in_force)
}

/// A form about an agreement was sent, and none is in force by now.
fn none_in_force() -> Refusal {
    Refusal::Problem(Problem::Mandate, "no agreement is in force".to_owned())
}

/// Why the form of an action is shown again.
pub(crate) enum NotDone {
    /// No answer came: the form keeps its key.
    Unknown,
    /// Its key was used for something else.
    SentBefore,
    /// The agreement does not allow it.
    Refused,
}

/// Why the form of an action that failed is shown again.
///
/// # Errors
///
/// The refusal, when the form is not to be shown.
pub(crate) fn not_done(refusal: Refusal) -> Result<NotDone, Refusal> {
    match refusal {
        Refusal::Unavailable(_) => {
            refusal.log();
            Ok(NotDone::Unknown)
        }
        Refusal::Problem(Problem::IdempotencyKeyUsed, _) => Ok(NotDone::SentBefore),
        Refusal::Problem(Problem::Mandate, _) => Ok(NotDone::Refused),
        Refusal::NotSignedIn
        | Refusal::LinkUsed
        | Refusal::NotFound
        | Refusal::NoBill
        | Refusal::NotAllowed(_)
        | Refusal::ForeignForm
        | Refusal::Unseen
        | Refusal::Malformed(_)
        | Refusal::Problem(..) => Err(refusal),
    }
}

/// Ends the agreement.
pub(crate) async fn end(
    State(shared): State<Shared>,
    mut visit: Visit,
    Form(sent): Form<WithholdingSent>,
) -> Answer {
    visit.asker.may(&shared, visit.provider(), SessionRight::Mandate).await?;
    let view = shared.withholding(&visit).await?;
    if matches!(view.state, WithholdingState::Ending | WithholdingState::Ended) {
        // The form was sent twice, or the agreement ended meanwhile: the page says how.
        return Ok(to(&visit.frame.page("withholding")));
    }
    let in_force = Some(in_force(&view).ok_or_else(none_in_force)?.mandate);
    let mut forms = WithholdingForms::empty(&new_key()?);
    let status = match EndForm::read(sent.mandate.as_deref(), sent.sure.as_deref(), in_force) {
        Err(form) => {
            forms.end = form;
            StatusCode::UNPROCESSABLE_ENTITY
        }
        Ok(mandate) => {
            let deed = Deed::EndMandate { provider: visit.provider().clone(), mandate };
            match shared.act(&mut visit, &sent.key, deed).await {
                Ok(()) => return Ok(to(&visit.frame.page("withholding"))),
                Err(refusal) => {
                    let status = refusal.status();
                    forms.end = EndForm::refused(match not_done(refusal)? {
                        NotDone::Unknown => {
                            forms.keys.end = sent.key;
                            EndProblem::Unavailable
                        }
                        NotDone::SentBefore | NotDone::Refused => EndProblem::Refused,
                    });
                    status
                }
            }
        }
    };
    Ok(withholding_page(&shared, visit, &view, &forms, status))
}
