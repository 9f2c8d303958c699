//! The page of the reconciliation.

use steelyard_billing::Calendar;

use super::texts::Texts;
use super::{Contradiction, DayResult, FindingToClose, Reconciled, ReconciledDay};
use crate::frame::{Frame, wall_clock};
use crate::icon::Icon;
use crate::operator::OperatorPage;
use crate::operator::form::{About, FormWriter, Forms};
use crate::operator::parts::{Chip, ChipKind, Column, Notice, Section, Table, all, empty, note};
use crate::operator::runs::unreadable_section;
use crate::operator::texts::Shared;
use crate::show::{Code, Count, Figure, Html};

impl<'a> OperatorPage<'a> {
    /// The page of the reconciliation. Its forms have the fields `trade` and, for a refund,
    /// `request`.
    #[must_use]
    pub fn reconciliation(
        frame: &'a Frame,
        view: &Reconciled,
        forms: &Forms,
        calendar: &Calendar,
    ) -> OperatorPage<'a> {
        let (t, s) = (Texts(frame.lang), Shared(frame.lang));
        let mut forms = FormWriter::new(frame, forms);
        let open = match &view.findings {
            None => empty(&s.not_readable(), &s.not_readable_text()),
            Some(findings) if findings.is_empty() => empty(&t.none_open(), &t.none_open_text()),
            Some(findings) => all(findings.iter().map(|finding| notice(t, finding, &mut forms))),
        };
        let more = (view.more_findings > 0).then(|| note(&t.more(Count(view.more_findings))));
        let open = all([open].into_iter().chain(more));
        let days = if view.days.is_empty() {
            empty(&t.no_days(), &t.no_days_text())
        } else {
            table(frame, &view.days, calendar)
        };
        let section = |id, heading, note, body| Section { id, heading, note: Some(note), body };
        let sections = [
            section("open", t.open(), t.open_note(), open),
            section("days", t.days(), t.days_note(), days),
        ];
        let unreadable = unreadable_section(frame, &view.unreadable);
        let sections = sections.into_iter().chain(unreadable).collect();
        OperatorPage::of(frame, t.title(), sections).with_forms(&forms)
    }
}

fn notice(t: Texts, finding: &FindingToClose, forms: &mut FormWriter<'_>) -> Html {
    let trade = Code(&finding.trade);
    let (heading, needs_care) = match finding.kind {
        Contradiction::AmountDiffers => (t.amount_differs(trade), true),
        Contradiction::TheirsOnly => (t.theirs_only(trade), true),
        Contradiction::OursOnly => (t.ours_only(trade), true),
        Contradiction::Unreadable => (t.unreadable_row(trade), true),
        Contradiction::Booked => (t.booked(trade), false),
    };
    let amounts = match (finding.ours_fen, finding.theirs_fen) {
        (Some(ours), Some(theirs)) => t.both(Figure(ours), Figure(theirs)),
        (Some(ours), None) => t.ours(Figure(ours)),
        (None, Some(theirs)) => t.theirs(Figure(theirs)),
        (None, None) => t.neither(),
    };
    let mut texts = vec![amounts];
    texts.extend(finding.provider.as_ref().map(|provider| t.of_provider(provider)));
    texts.extend(finding.request.as_deref().map(|request| t.of_request(Code(request))));
    texts.push(t.since(finding.first_day));
    let request = finding.request.clone();
    let form = forms.form(About {
        form: format!("finding/{}/{}", finding.trade, request.as_deref().unwrap_or_default()),
        hidden: [("trade", Some(finding.trade.clone())), ("request", request)]
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect(),
        choices: Vec::new(),
        button: t.close(),
        note: t.close_note(),
    });
    let icon = if needs_care { Icon::Care } else { Icon::Info };
    let text = Html::sentences(texts, t.0);
    Notice { needs_care, icon, heading, text, form }.html()
}

fn table(frame: &Frame, days: &[ReconciledDay], calendar: &Calendar) -> Html {
    let t = Texts(frame.lang);
    let columns = vec![
        Column::words(t.day()),
        Column::words(t.result()),
        Column::figures(t.rows()),
        Column::figures(t.waiting()),
        Column::words(t.when()),
    ];
    let row = |day: &ReconciledDay| {
        vec![
            Html::show(day.day, frame.lang),
            result(t, day),
            t.rows_of(Count(day.matched.into()), Count(day.rows.into())),
            Html::show(Count(day.waiting.into()), frame.lang),
            t.at(wall_clock(calendar, day.at_s)),
        ]
    };
    Table::new(t.days(), columns, days.iter().map(row).collect()).html()
}

fn result(t: Texts, day: &ReconciledDay) -> Html {
    let (kind, icon, label, more) = match &day.result {
        DayResult::Agrees => {
            let found = (day.found > 0).then(|| t.agrees_found(Count(day.found)));
            (ChipKind::Go, Icon::Check, t.agrees(), found)
        }
        DayResult::Differs { findings } => {
            (ChipKind::Plain, Icon::Info, t.differs(Count(*findings)), None)
        }
        DayResult::NothingMoved => (ChipKind::Go, Icon::Check, t.nothing(), None),
        DayResult::Skipped { reason } => {
            (ChipKind::Plain, Icon::Square, t.skipped(), Some(t.skipped_why(reason)))
        }
        DayResult::Failed { why } => {
            (ChipKind::Care, Icon::Clock, t.failed(), Some(t.failed_why(why)))
        }
    };
    let chip = Chip { kind, icon, label }.html();
    let more = more.map(|more| Html(format!("<p class=\"note\">{more}</p>")));
    // One cell, so that on a phone its label stands beside all of it.
    Html(format!("<div>{}</div>", all([chip].into_iter().chain(more))))
}
