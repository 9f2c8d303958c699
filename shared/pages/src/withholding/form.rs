//! The forms of withholding: to sign, to lower limits, to end it. What was sent, and what is wrong
//! with it.

use steelyard_billing::mandate::{LimitError, MandateLimits};
use steelyard_billing::{MandateId, TermsVersion};
use steelyard_pricing::Fen;

use super::page::SigningLinks;
use super::terms::TERMS_VERSION;

/// The forms of the page: as they are shown first, or one of them again with what is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WithholdingForms {
    /// The key of each form, under which it has its effect once.
    pub keys: FormKeys,
    /// By what the offer is signed, if it was just made.
    pub links: Option<SigningLinks>,
    /// What is wrong with the form to sign.
    pub sign: SignForm,
    /// The limits as typed, with their problems; none to show those in force.
    pub limits: Option<LimitsForm>,
    /// Whether the limits were just saved.
    pub has_saved_limits: bool,
    /// What is wrong with the form to end it.
    pub end: EndForm,
}

/// The idempotency key of each form. A form whose result is not known keeps its own; every other
/// gets a new one, so that it can be sent for something else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FormKeys {
    /// The key of the form to sign.
    pub sign: String,
    /// The key of the form of limits.
    pub limits: String,
    /// Of the form to end it.
    pub end: String,
}

/// The form that sends the provider to Alipay to sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignForm {
    /// The problem of the form, if it was refused.
    pub problem: Option<SignProblem>,
}

/// What is wrong with the form to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignProblem {
    /// The terms were not agreed to.
    NotAgreed,
    /// The terms have changed since the form was shown.
    OtherTerms,
    /// The form was sent before, for another agreement.
    SentBefore,
    /// No agreement can be offered to this provider: sending the form again does not help.
    Refused,
    /// No agreement could be offered now.
    Unavailable,
}

/// The form that lowers the limits, with what was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LimitsForm {
    /// What was typed as the limit of a debit.
    pub single: String,
    /// What was typed as the limit of a day.
    pub daily: String,
    /// What is wrong with the limit of a debit.
    pub single_problem: Option<LimitProblem>,
    /// What is wrong with the limit of a day.
    pub daily_problem: Option<LimitProblem>,
    /// Why the limits were not saved, or may not have been.
    pub problem: Option<LimitsProblem>,
}

/// Why limits were not saved, or may not have been, whatever was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitsProblem {
    /// Another agreement is in force than the one that the form showed.
    Another,
    /// The form was sent before, with other limits.
    SentBefore,
    /// The agreement no longer allows it.
    Refused,
    /// No answer came.
    Unavailable,
}

/// A problem of one limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitProblem {
    /// There is none, and there has to be one.
    Missing,
    /// It is not an amount in yuan with two decimals at most.
    NotAnAmount,
    /// A limit so low that no debit fits.
    Nothing,
    /// It is above the one in force, which is this.
    Above(Fen),
}

/// The form to end it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EndForm {
    /// The problem of the form, if it was refused.
    pub problem: Option<EndProblem>,
}

/// What is wrong with the form to end it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndProblem {
    /// The box of the confirmation was not ticked.
    NotSure,
    /// Another agreement is in force than the one that the form showed.
    Another,
    /// The agreement no longer allows it.
    Refused,
    /// No answer came.
    Unavailable,
}

impl WithholdingForms {
    /// The forms as they are shown first, each with a key of its own that follows from a new one.
    #[must_use]
    pub fn empty(key: &str) -> WithholdingForms {
        WithholdingForms { keys: FormKeys::of(key), ..WithholdingForms::default() }
    }
}

impl FormKeys {
    fn of(key: &str) -> FormKeys {
        FormKeys {
            sign: format!("{key}.sign"),
            limits: format!("{key}.limits"),
            end: format!("{key}.end"),
        }
    }
}

impl SignForm {
    /// The version of the terms that were agreed to, by the values of `terms` (the version that was
    /// shown) and `agree` (there if the box is ticked).
    ///
    /// # Errors
    ///
    /// The form with what is wrong, to be shown again.
    pub fn read(terms: Option<&str>, agree: Option<&str>) -> Result<TermsVersion, SignForm> {
        let refused = |problem| SignForm { problem: Some(problem) };
        let shown = terms.filter(|shown| *shown == TERMS_VERSION);
        let version = shown.and_then(|shown| shown.parse().ok());
        let version = version.ok_or(refused(SignProblem::OtherTerms))?;
        agree.map(|_| version).ok_or(refused(SignProblem::NotAgreed))
    }

    /// The form again, since no agreement was offered.
    #[must_use]
    pub fn refused(problem: SignProblem) -> SignForm {
        SignForm { problem: Some(problem) }
    }
}

impl LimitsForm {
    /// The limits in force as they stand in the form.
    #[must_use]
    pub fn of(limits: MandateLimits) -> LimitsForm {
        LimitsForm {
            single: limits.single_fen.to_string(),
            daily: limits.daily_fen.map(|daily| daily.to_string()).unwrap_or_default(),
            ..LimitsForm::default()
        }
    }

    /// The limits that are wanted, by what was typed and the limits in force.
    ///
    /// # Errors
    ///
    /// The form with what is wrong, to be shown again.
    pub fn read(
        single: &str,
        daily: &str,
        in_force: MandateLimits,
    ) -> Result<MandateLimits, LimitsForm> {
        let wanted_single = amount(single)
            .and_then(|typed| typed.ok_or(LimitProblem::Missing))
            .and_then(|wanted| in_force.lower_single(wanted).map_err(LimitProblem::from));
        let wanted_daily = amount(daily)
            .and_then(|wanted| in_force.lower_daily(wanted).map_err(LimitProblem::from));
        match (wanted_single, wanted_daily) {
            (Ok(single_fen), Ok(daily_fen)) => Ok(MandateLimits { single_fen, daily_fen }),
            (single_result, daily_result) => Err(LimitsForm {
                single: single.to_owned(),
                daily: daily.to_owned(),
                single_problem: single_result.err(),
                daily_problem: daily_result.err(),
                problem: None,
            }),
        }
    }

    /// The form of limits that were not saved, or may not have been.
    #[must_use]
    pub fn refused(wanted: MandateLimits, problem: LimitsProblem) -> LimitsForm {
        LimitsForm { problem: Some(problem), ..LimitsForm::of(wanted) }
    }

    pub(super) fn has_problem(&self) -> bool {
        self.single_problem.is_some() || self.daily_problem.is_some()
    }
}

/// A typed amount; none if nothing was typed.
fn amount(text: &str) -> Result<Option<Fen>, LimitProblem> {
    match text.trim() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| LimitProblem::NotAnAmount),
    }
}

impl From<LimitError> for LimitProblem {
    fn from(error: LimitError) -> LimitProblem {
        match error {
            LimitError::Nothing(_) => LimitProblem::Nothing,
            LimitError::Above { most, .. } => LimitProblem::Above(most),
            LimitError::TakenAway { .. } => LimitProblem::Missing,
        }
    }
}

impl EndForm {
    /// The mandate to be ended, by the values of `mandate` (the number that was shown) and `sure`
    /// (there if the box is ticked), and the mandate that can be ended now.
    ///
    /// # Errors
    ///
    /// The form with what is wrong, to be shown again.
    pub fn read(
        mandate: Option<&str>,
        sure: Option<&str>,
        in_force: Option<MandateId>,
    ) -> Result<MandateId, EndForm> {
        let refused = |problem| EndForm { problem: Some(problem) };
        let shown = mandate.and_then(|shown| shown.parse().ok()).map(MandateId);
        let shown = shown.filter(|shown| Some(*shown) == in_force);
        let mandate = shown.ok_or(refused(EndProblem::Another))?;
        sure.map(|_| mandate).ok_or(refused(EndProblem::NotSure))
    }

    /// The form again, since the agreement was not ended, or may not have been.
    #[must_use]
    pub fn refused(problem: EndProblem) -> EndForm {
        EndForm { problem: Some(problem) }
    }
}
