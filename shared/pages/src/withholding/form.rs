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
    /// The forms' idempotency key.
    pub key: String,
    /// By what the offer is signed, if it was just made.
    pub links: Option<SigningLinks>,
    /// What is wrong with the form to sign.
    pub sign: SignForm,
    /// What was typed as limits, with what is wrong; none to show those in force.
    pub limits: Option<LimitsForm>,
    /// Whether the limits were just saved.
    pub has_saved_limits: bool,
    /// What is wrong with the form to end it.
    pub end: EndForm,
}

/// The form to sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignForm {
    /// What is wrong with it.
    pub problem: Option<SignProblem>,
}

/// What is wrong with the form to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignProblem {
    /// The terms were not agreed to.
    NotAgreed,
    /// The terms have changed since the form was shown.
    OtherTerms,
    /// No agreement could be offered now.
    Unavailable,
}

/// The form of limits.
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
    /// Whether the limits could not be saved now.
    pub is_unavailable: bool,
}

/// What is wrong with a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitProblem {
    /// There is none, and there has to be one.
    Missing,
    /// It is not an amount in yuan with two decimals at most.
    NotAnAmount,
    /// It allows no debit.
    Nothing,
    /// It is above the one in force, which is this.
    Above(Fen),
}

/// The form to end it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EndForm {
    /// What is wrong with it.
    pub problem: Option<EndProblem>,
}

/// What is wrong with the form to end it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndProblem {
    /// It was not confirmed.
    NotSure,
    /// Another agreement is in force than the one that the form showed.
    Another,
    /// It could not be ended now.
    Unavailable,
}

impl WithholdingForms {
    /// The forms as they are shown first.
    #[must_use]
    pub fn empty(key: impl Into<String>) -> WithholdingForms {
        WithholdingForms { key: key.into(), ..WithholdingForms::default() }
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

    /// The form again, since no agreement could be offered.
    #[must_use]
    pub fn unavailable() -> SignForm {
        SignForm { problem: Some(SignProblem::Unavailable) }
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
                is_unavailable: false,
            }),
        }
    }

    /// The form of limits that could not be saved now.
    #[must_use]
    pub fn unavailable(wanted: MandateLimits) -> LimitsForm {
        LimitsForm { is_unavailable: true, ..LimitsForm::of(wanted) }
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
    /// The mandate to be ended, by the values of `mandate` (the number that was shown) and `sure` (there
    /// if the box is ticked), and the mandate that can be ended now.
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

    /// The form again, since it could not be ended now.
    #[must_use]
    pub fn unavailable() -> EndForm {
        EndForm { problem: Some(EndProblem::Unavailable) }
    }
}
