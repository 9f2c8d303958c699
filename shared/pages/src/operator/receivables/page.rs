//! The page of receivables.

use steelyard_billing::Calendar;
use steelyard_pricing::Fen;

use super::texts::Texts;
use super::{Ageing, MonthRevenue, Overdue, PlanRevenue, Receivables};
use crate::frame::{Frame, wall_clock};
use crate::operator::OperatorPage;
use crate::operator::parts::{Column, Section, Table, all, empty, note, with_sub};
use crate::operator::runs::unreadable_section;
use crate::show::{Count, Figure, Html, Plain};

impl<'a> OperatorPage<'a> {
    /// Receivables by age, and the revenue of months by plan and rate.
    #[must_use]
    pub fn receivables(
        frame: &'a Frame,
        view: &Receivables,
        calendar: &Calendar,
    ) -> OperatorPage<'a> {
        let of = Page { frame, view, t: Texts(frame.lang) };
        let sections = vec![of.ageing(calendar), of.revenue()];
        let unreadable = unreadable_section(frame, &view.unreadable);
        let sections = sections.into_iter().chain(unreadable).collect();
        OperatorPage::of(frame, of.t.title(), sections)
    }
}

struct Page<'a> {
    frame: &'a Frame,
    view: &'a Receivables,
    t: Texts,
}

impl Page<'_> {
    fn plain(&self, amount: Fen) -> Html {
        Html::show(Plain(amount), self.frame.lang)
    }

    fn ageing(&self, calendar: &Calendar) -> Section {
        let t = self.t;
        let (note, body) = match &self.view.ageing {
            None => (None, empty(&t.no_ageing(), &t.no_ageing_text())),
            Some(ageing) => {
                let at = wall_clock(calendar, ageing.as_of_s);
                (Some(t.ageing_note(at)), self.ages(ageing))
            }
        };
        Section { id: "ageing", heading: t.ageing(), note, body }
    }

    fn ages(&self, ageing: &Ageing) -> Html {
        let t = self.t;
        let row = |row: &super::AgeRow| {
            let label = match row.overdue {
                Overdue::NotDue => t.not_due(),
                Overdue::ToOneWeek => t.week(),
                Overdue::ToOneMonth => t.month(),
                Overdue::ToThreeMonths => t.quarter(),
                Overdue::Older => t.older(),
                Overdue::Undated => t.undated(),
            };
            let bar = bar(row.owed.amount_fen, ageing.owed.amount_fen);
            let providers = Html::show(Count(row.owed.providers), self.frame.lang);
            vec![label, bar, providers, self.plain(row.owed.amount_fen)]
        };
        let columns = vec![
            Column::words(t.age()),
            Column::words(t.share()),
            Column::figures(t.providers()),
            Column::figures(t.owed()),
        ];
        let mut table = Table::new(t.ageing(), columns, ageing.ages.iter().map(row).collect());
        let providers = Html::show(Count(ageing.owed.providers), self.frame.lang);
        let owed = self.plain(ageing.owed.amount_fen);
        table.foot = vec![t.together(), Html::default(), providers, owed];
        let nothing = ageing.owed.amount_fen.is_zero().then(|| t.nothing_owed());
        let said = nothing.unwrap_or_else(|| t.once());
        let unread = (ageing.unreadable > 0).then(|| note(&t.unreadable(Count(ageing.unreadable))));
        all([table.html(), note(&said)].into_iter().chain(unread))
    }

    fn revenue(&self) -> Section {
        let (t, view) = (self.t, self.view);
        let body = if view.months.is_empty() {
            empty(&t.no_revenue(), &t.no_revenue_text())
        } else {
            all(view.months.iter().map(|month| self.month(month)))
        };
        let is_unsorted = !view.unsorted_fen.is_zero();
        let unsorted = is_unsorted.then(|| note(&t.unsorted(Figure(view.unsorted_fen))));
        let body = all([body].into_iter().chain(unsorted).chain([note(&t.source())]));
        let note = view.charged_through.map(|day| t.revenue_note(day));
        Section { id: "revenue", heading: t.revenue(), note, body }
    }

    fn month(&self, month: &MonthRevenue) -> Html {
        let t = self.t;
        let name = Html::show(month.month, self.frame.lang);
        let mut rows = month.plans.iter().flat_map(|plan| self.plan(plan)).collect::<Vec<_>>();
        for (label, amount) in
            [(t.adjustments(), month.adjustments_fen), (t.other(), month.other_fen)]
        {
            if !amount.is_zero() {
                rows.push(vec![label, self.plain(amount)]);
            }
        }
        let columns = vec![Column::words(t.rate()), Column::figures(t.charged())];
        let mut table = Table::new(t.caption(name.clone()), columns, rows);
        table.foot = vec![t.together(), self.plain(month.charged_fen)];
        let heading = Html(format!("<h3>{name}</h3>"));
        let rest = (!month.is_whole).then(|| note(&t.not_whole()));
        all([heading, table.html()].into_iter().chain(rest))
    }

    fn plan(&self, plan: &PlanRevenue) -> Vec<Vec<Html>> {
        let t = self.t;
        let name = Html::show(&plan.plan, self.frame.lang);
        let rates = plan.rates.iter().map(|rate| {
            let label = with_sub(&Html::show(&rate.rate, self.frame.lang), &name);
            vec![label, self.plain(rate.charged_fen)]
        });
        let on_top = (!plan.on_top_fen.is_zero())
            .then(|| vec![with_sub(&t.on_top(), &name), self.plain(plan.on_top_fen)]);
        rates.chain(on_top).collect()
    }
}

/// A bar as long as the part is of the whole.
fn bar(part: Fen, whole: Fen) -> Html {
    let basis_points = match i128::from(whole.get()) {
        0 => 0,
        whole => (i128::from(part.get()) * 10_000 / whole).clamp(0, 10_000),
    };
    let (percent, rest) = (basis_points / 100, basis_points % 100);
    Html(format!(
        "<svg class=\"phone-off\" width=\"100%\" height=\"10\" aria-hidden=\"true\"><rect class=\"b1\" width=\"{percent}.{rest:02}%\" height=\"10\"/></svg>"
    ))
}
