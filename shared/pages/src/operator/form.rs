//! The forms by which operators act. Each has a reason and a key, so that sending it twice acts
//! once.

use askama::Template;
use askama::filters::HtmlSafe;
use steelyard_billing::REASON_MAX;

use super::texts::Shared;
use crate::frame::Frame;
use crate::icon::Icon;
use crate::show::{Count, Html};

/// What the forms of a page need beside its view.
#[derive(Clone, Debug, Default)]
pub struct Forms {
    /// What the `Idempotency-Key`s of this page begin with: random, and new for each page that is
    /// sent.
    pub key: String,
    /// What was sent before and not carried out.
    pub refused: Option<Refused>,
    /// What became of the form that was sent before.
    pub outcome: Option<FormOutcome>,
}

/// A form that was sent, and not carried out: it is shown again as it was filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The form, as its hidden field `form` names it.
    pub form: String,
    /// The choice, by the value of the field `do`.
    pub choice: Option<String>,
    /// The reason that was given.
    pub reason: String,
    /// Why it was not carried out.
    pub problem: FormProblem,
    /// The key under which it may have been carried out: sent again under it, it is carried out
    /// once. None if nothing was done.
    pub key: Option<String>,
}

/// Why a form was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FormProblem {
    /// The field of the reason is empty.
    NoReason,
    /// Its reason has so many characters, which is too many.
    LongReason(u64),
    /// The record changed meanwhile, and no longer allows it: why, as the books say it.
    NotAllowedNow(String),
    /// The person who asked for an action may not approve it.
    OwnApproval,
    /// No answer came: nobody knows whether it was carried out.
    Unavailable,
}

/// The outcome of a form that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormOutcome {
    /// The action was carried out.
    Done,
    /// It is recorded, and waits for the approval of a second person.
    Waiting,
    /// It was so before: nothing changed.
    AsBefore,
}

/// A form with a reason.
#[derive(Clone, Debug, Template)]
#[template(path = "operator/form.html")]
pub(crate) struct ActionForm {
    action: String,
    key: String,
    form: String,
    hidden: Vec<(&'static str, String)>,
    legend: Html,
    choices: Vec<Choice>,
    number: usize,
    reason: String,
    reason_label: Html,
    reason_hint: Html,
    reason_max: usize,
    problem: Option<Html>,
    button: Html,
    note: Html,
}

/// One of the ways between which a form lets a person choose.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub(crate) value: &'static str,
    pub(crate) label: Html,
    pub(crate) is_checked: bool,
}

/// What one form is about.
pub(crate) struct About {
    /// What names it among the forms of its page.
    pub(crate) form: String,
    pub(crate) hidden: Vec<(&'static str, String)>,
    /// The ways to choose from; the first is checked.
    pub(crate) choices: Vec<(&'static str, Html)>,
    pub(crate) button: Html,
    pub(crate) note: Html,
}

impl HtmlSafe for ActionForm {}

/// The forms of one page, as they are laid out.
pub(crate) struct FormWriter<'a> {
    frame: &'a Frame,
    forms: &'a Forms,
    made: usize,
    /// The number of the field that has to be mended.
    refused_at: Option<usize>,
}

impl<'a> FormWriter<'a> {
    pub(crate) fn new(frame: &'a Frame, forms: &'a Forms) -> FormWriter<'a> {
        FormWriter { frame, forms, made: 0, refused_at: None }
    }

    /// A form; none in a session that may only read.
    pub(crate) fn form(&mut self, about: About) -> Option<ActionForm> {
        if !self.frame.may.operate {
            return None;
        }
        self.made += 1;
        let t = Shared(self.frame.lang);
        let refused = self.forms.refused.as_ref().filter(|refused| refused.form == about.form);
        if refused.is_some() {
            self.refused_at = Some(self.made);
        }
        let chosen = refused.and_then(|refused| refused.choice.as_deref());
        let first = about.choices.first().map(|(value, _)| *value);
        let is_offered = about.choices.iter().any(|(value, _)| Some(*value) == chosen);
        let checked = if is_offered { chosen } else { first };
        let choice = |(value, label)| Choice { value, label, is_checked: checked == Some(value) };
        Some(ActionForm {
            action: self.frame.path.clone(),
            key: refused
                .and_then(|refused| refused.key.clone())
                .unwrap_or_else(|| format!("{}.{}", self.forms.key, self.made)),
            form: about.form,
            hidden: about.hidden,
            legend: t.what_to_do(),
            choices: about.choices.into_iter().map(choice).collect(),
            number: self.made,
            reason: refused.map(|refused| refused.reason.clone()).unwrap_or_default(),
            reason_label: t.reason(),
            reason_hint: t.reason_hint(),
            reason_max: REASON_MAX,
            problem: refused.map(|refused| refused.problem.text(t)),
            button: about.button,
            note: about.note,
        })
    }

    /// What stands above the page once a form was sent.
    pub(crate) fn summary(&self) -> Option<Html> {
        let t = Shared(self.frame.lang);
        if let Some(refused) = &self.forms.refused {
            let problem = refused.problem.text(t);
            let is_known = refused.problem != FormProblem::Unavailable;
            let heading = if is_known { t.not_done() } else { t.not_known() };
            let link = match self.refused_at {
                Some(number) => {
                    Html(format!("<a href=\"#why-{number}\" autofocus>{}</a>", t.reason()))
                }
                // The record went meanwhile, and its form with it.
                None => Html::default(),
            };
            let text = problem.then(&link, self.frame.lang);
            return Some(Html(format!(
                "<div class=\"box care stack\" role=\"group\" aria-labelledby=\"refused\"><h2 id=\"refused\">{}</h2><p class=\"soft\">{text}</p></div>",
                heading
            )));
        }
        let (heading, text) = match self.forms.outcome? {
            FormOutcome::Done => (t.done(), t.done_text()),
            FormOutcome::Waiting => (t.waiting(), t.waiting_text()),
            FormOutcome::AsBefore => (t.as_before(), t.as_before_text()),
        };
        Some(Html(format!(
            "<div class=\"box stack\" role=\"status\"><h2>{heading}</h2><p class=\"soft\">{text}</p></div>"
        )))
    }
}

impl FormProblem {
    fn text(&self, t: Shared) -> Html {
        match self {
            FormProblem::NoReason => t.no_reason(),
            FormProblem::LongReason(length) => t.long_reason(Count(*length), max()),
            FormProblem::NotAllowedNow(why) => t.not_allowed_now(why),
            FormProblem::OwnApproval => t.own_approval(),
            FormProblem::Unavailable => t.unavailable(),
        }
    }
}

/// The most characters of a reason.
fn max() -> Count {
    Count(u64::try_from(REASON_MAX).unwrap_or(u64::MAX))
}
