//! The month's charges by day.

use steelyard_pricing::Fen;

use super::{Days, Writer};
use crate::overview::chart::{Bars, listed};
use crate::overview::{DayRow, Mark, chart};
use crate::show::{Count, Figure, Html, Plain};

impl Writer<'_> {
    pub(super) fn days(&self) -> Days {
        let (t, lang, by_day) = (self.t, self.frame.lang, &self.view.by_day);
        let time = self.frame.as_of.time();
        let bars = Bars::new(self.view, time, lang);
        let mut key = by_day
            .series
            .iter()
            .zip(["b1", "b2"])
            .map(|(rate, class)| (class, self.rate_first(Some(rate))))
            .collect::<Vec<_>>();
        let mut columns = vec![t.day(), t.calls()];
        columns.extend(key.iter().map(|(_, name)| name.clone()));
        if by_day.has_other {
            key.push(("b3", t.other_rates()));
            columns.push(t.other_rates());
        }
        columns.push(t.charge());
        if by_day.rows.iter().any(|row| row.is_estimate) {
            key.push(("bx", t.key_estimate()));
        }
        let numbers = chart::numbered(self.view);
        let mark = |mark: &Mark| {
            let (number, _) = numbers.iter().find(|(_, day)| *day == mark.day)?;
            let rate = self.rate_first(mark.rate.as_ref());
            let text = if mark.is_expected {
                t.mark_expected(rate, mark.day)
            } else {
                t.mark_used_up(rate, mark.day)
            };
            Some((*number, text))
        };
        let settled = self.view.settled.through;
        let total = &by_day.total;
        let money = |amounts: &[Fen], other: Fen, charge: Fen| {
            let other = by_day.has_other.then_some(other);
            let all = amounts.iter().copied().chain(other).chain([charge]);
            all.map(|fen| Html::show(Plain(fen), lang)).collect::<Vec<_>>()
        };
        let row = |row: &DayRow| {
            let mut cells = vec![Html::show(row.calls, lang)];
            cells.extend(money(&row.series_fen, row.other_fen, row.charge_fen));
            (self.day_of_row(row), cells)
        };
        let mut sums = vec![Html::show(total.calls, lang)];
        sums.extend(money(&total.series_fen, total.other_fen, total.charge_fen));
        Days {
            axis: bars.axis(),
            field: bars.field(),
            words: bars.words(),
            key,
            marks: by_day.marks.iter().filter_map(mark).collect(),
            caption: settled.map_or_else(|| t.table_caption_none(), |day| t.table_caption(day)),
            columns,
            rows: by_day.rows.iter().map(row).collect(),
            total: (self.view.settled.bills > 0).then(|| (t.settled_sum(), sums)),
        }
    }

    fn day_of_row(&self, row: &DayRow) -> Html {
        let (t, lang) = (self.t, self.frame.lang);
        let sub = |text: Html| format!(" <span class=\"sub\">{text}</span>");
        let day = Html::show(row.bill, lang);
        if row.is_estimate {
            return Html(format!("{day}{}", sub(t.not_settled_row(self.frame.as_of.time()))));
        }
        let mut all = day.0;
        if !row.for_days.is_empty() {
            let days = listed(&row.for_days, lang);
            all.push_str(&sub(t.with_for(Figure(row.for_days_fen), days)));
        }
        if !row.withdrawn.is_zero() {
            all.push_str(&sub(t.less_withdrawn(Count(row.withdrawn.get()))));
        }
        Html(all)
    }
}
