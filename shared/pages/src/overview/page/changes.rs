//! The last week against the week before.

use super::{Cell, ChangeTable, Writer};
use crate::overview::{ApiChange, Change, ChangeOf, chart};
use crate::show::{Change as Signed, Code, Count, Html, Plain, Units};

impl Writer<'_> {
    pub(super) fn change(&self, change: &Change) -> ChangeTable {
        let t = self.t;
        let span = |from, through| chart::span(from, through, self.frame.lang);
        let now = span(change.from, change.through);
        let before = span(change.before_from, change.before_through);
        let name = |row: &ApiChange| match (&row.api, row.more) {
            (Some(api), _) => Html::show(Code(api.as_str()), self.frame.lang),
            (None, Some(more)) => t.more_apis(Count(more.apis)),
            (None, None) => t.of_no_api(),
        };
        ChangeTable {
            caption: t.against_caption(now, before),
            rows: change.rows.iter().map(|row| (name(row), self.cells(&row.of))).collect(),
            total: self.cells(&change.total),
        }
    }

    fn cells(&self, of: &ChangeOf) -> Vec<Cell> {
        let (t, lang) = (self.t, self.frame.lang);
        let calls = |calls: i64| Html::show(Units(calls.into()), lang);
        let plain = |fen| Html::show(Plain(fen), lang);
        let signed = |label, fen| Cell { label, value: Html::show(Signed(fen), lang), was: None };
        vec![
            Cell {
                label: t.calls(),
                value: calls(of.calls),
                was: Some(t.was(calls(of.calls_before))),
            },
            Cell {
                label: t.charge(),
                value: plain(of.charge_fen),
                was: Some(t.was(plain(of.charge_before_fen))),
            },
            signed(t.change(), of.change_fen),
            signed(t.by_volume(), of.by_volume_fen),
            signed(t.by_price(), of.by_price_fen),
        ]
    }
}
