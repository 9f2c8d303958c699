//! The page of alerts: the form, and what stands.

use askama::Template;
use steelyard_billing::{AlertKind, Calendar, Measure};
use steelyard_pricing::AlertTopic;

use super::form::{AlertField, AlertsForm, AlertsProblem, FieldProblem};
use super::texts::Texts;
use super::{AlertItem, Alerts};
use crate::Frame;
use crate::frame::{Common, wall_clock};
use crate::icon::Icon;
use crate::show::{Count, Figure, Html, Units};

/// The page of budgets, alerts and the spend cap, with its form.
#[derive(Debug, Template)]
#[template(path = "alerts.html")]
pub struct AlertsPage<'a> {
    frame: &'a Frame,
    c: Common,
    t: Texts,
    view: &'a Alerts,
    form: &'a AlertsForm,
    path: String,
    fields: Vec<Field>,
    standing: Vec<Line>,
}

/// A field of the form as it is shown.
#[derive(Clone, Debug)]
struct Field {
    name: &'static str,
    label: Html,
    hint: Html,
    value: String,
    error: Option<Html>,
    kind: FieldKind,
}

/// The kind of text in a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FieldKind {
    Yuan,
    Number,
    Percents,
}

impl FieldKind {
    /// The keyboard of a phone that has all that is needed: percentages are listed with commas.
    fn input_mode(self) -> &'static str {
        match self {
            FieldKind::Yuan => "decimal",
            FieldKind::Number => "numeric",
            FieldKind::Percents => "text",
        }
    }
}

/// An alert that stands, as a line of text.
#[derive(Clone, Debug)]
struct Line {
    what: Html,
    text: Html,
}

impl<'a> AlertsPage<'a> {
    /// The page with a form: what is set, or what was typed with what is wrong.
    #[must_use]
    pub fn new(
        frame: &'a Frame,
        calendar: &Calendar,
        view: &'a Alerts,
        form: &'a AlertsForm,
    ) -> AlertsPage<'a> {
        let t = Texts(frame.lang);
        AlertsPage {
            frame,
            c: Common(frame.lang),
            t,
            view,
            form,
            path: frame.page("alerts"),
            fields: fields(t, form),
            standing: view.alerts.iter().map(|alert| line(t, frame, calendar, alert)).collect(),
        }
    }

    /// What the month has cost, beside its budget and its cap.
    fn so_far(&self) -> Html {
        let (t, month) = (self.t, Figure(self.view.month_fen));
        match self.view.budget_fen {
            Some(budget) => t.so_far_of(month, Figure(budget)),
            None => t.so_far(month),
        }
    }

    fn capped(&self) -> Option<Html> {
        let cap = self.view.cap.as_ref()?;
        let (amount, passed) = (Figure(cap.cap_fen), Figure(cap.passed_fen));
        Some(if cap.is_capped { self.t.is_capped(amount, passed) } else { self.t.cap_of(amount) })
    }

    fn problem(&self) -> Option<Html> {
        let t = self.t;
        self.form.problem.map(|problem| match problem {
            AlertsProblem::SentBefore => t.sent_before(),
            AlertsProblem::Refused => t.refused(),
            AlertsProblem::Unavailable => t.unavailable(),
        })
    }

    /// The fields that were refused: the place, the name, and the remedy of each.
    fn wrong(&self) -> Vec<(&'static str, Html, Html)> {
        let of = |field: &Field| Some((field.name, field.label.clone(), field.error.clone()?));
        let off = self.off_error().map(|error| ("off-budget", self.t.off(), error));
        self.fields.iter().filter_map(of).chain(off).collect()
    }

    fn off_error(&self) -> Option<Html> {
        self.form.problems.get(&AlertField::Off).map(|problem| error(self.t, *problem))
    }

    /// The topics that can be left unwatched, with its name in the form, and whether it is.
    fn topics(&self) -> [(&'static str, Html, bool); 4] {
        let t = self.t;
        let is_off = |topic| self.form.typed.off.contains(&topic);
        [
            ("budget", t.topic_budget(), is_off(AlertTopic::Budget)),
            ("balance", t.topic_balance(), is_off(AlertTopic::Balance)),
            ("allowance", t.topic_allowance(), is_off(AlertTopic::Allowance)),
            ("unusual_day", t.topic_unusual_day(), is_off(AlertTopic::UnusualDay)),
        ]
    }
}

fn fields(t: Texts, form: &AlertsForm) -> Vec<Field> {
    let typed = &form.typed;
    let field = |field: AlertField, label: Html, hint: Html, value: &str| Field {
        name: field.name(),
        label,
        hint,
        value: value.to_owned(),
        error: form.problems.get(&field).map(|problem| error(t, *problem)),
        kind: match field {
            AlertField::Monthly | AlertField::Below | AlertField::Cap => FieldKind::Yuan,
            AlertField::Forecast | AlertField::Days | AlertField::Unusual => FieldKind::Number,
            AlertField::Percent | AlertField::Allowance | AlertField::Off => FieldKind::Percents,
        },
    };
    vec![
        field(AlertField::Monthly, t.monthly(), t.monthly_hint(), &typed.monthly),
        field(AlertField::Percent, t.percent(), t.percent_hint(), &typed.percent),
        field(AlertField::Forecast, t.forecast(), t.forecast_hint(), &typed.forecast),
        field(AlertField::Below, t.below(), t.below_hint(), &typed.below),
        field(AlertField::Days, t.days(), t.days_hint(), &typed.days),
        field(AlertField::Allowance, t.allowance(), t.allowance_hint(), &typed.allowance),
        field(AlertField::Unusual, t.unusual(), t.unusual_hint(), &typed.unusual),
        field(AlertField::Cap, t.cap(), t.cap_hint(), &typed.cap),
    ]
}

fn error(t: Texts, problem: FieldProblem) -> Html {
    match problem {
        FieldProblem::Amount => t.bad_amount(),
        FieldProblem::Number => t.bad_number(),
        FieldProblem::Percents => t.bad_percents(),
        FieldProblem::Missing => t.missing(),
        FieldProblem::OffAndSet => t.off_and_set(),
    }
}

fn line(t: Texts, frame: &Frame, calendar: &Calendar, alert: &AlertItem) -> Line {
    let AlertItem { kind, rate, percent, line, figure, day, at_s } = alert;
    let percent = Count((*percent).into());
    let what = match kind {
        AlertKind::Budget => t.is_budget(percent),
        AlertKind::Forecast => t.is_forecast(percent),
        AlertKind::Balance => t.is_balance(),
        AlertKind::BalanceDays => t.is_balance_days(),
        AlertKind::Allowance => match rate {
            Some(rate) => t.is_allowance_of(percent, rate.clone()),
            None => t.is_allowance(percent),
        },
        AlertKind::UnusualDay => t.is_unusual_day(*day),
        AlertKind::Cap => t.is_cap(),
    };
    let show = |measure: Measure| match measure {
        Measure::Fen(fen) => t.yuan(Figure(fen)),
        Measure::Units(units) => t.units(Units(units)),
        Measure::Calls(calls) => t.calls(Count(calls.get())),
        Measure::Days(days) => t.of_days(Count(days.into())),
    };
    let at = Html::show(wall_clock(calendar, *at_s), frame.lang);
    Line { what, text: t.since(show(*figure), show(*line), at) }
}
