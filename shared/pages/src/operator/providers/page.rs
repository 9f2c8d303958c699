//! The page of providers.

use steelyard_billing::{Calendar, Stage};

use super::texts::Texts;
use super::{NextDebit, ProviderQuery, ProviderRow, ProviderState, ProviderSums, Providers};
use crate::frame::{Frame, wall_clock};
use crate::icon::Icon;
use crate::operator::OperatorPage;
use crate::operator::parts::{
    Chip, ChipKind, Column, Figured, Section, Table, all, empty, note, one, percent_encoded, trio,
    with_sub,
};
use crate::operator::runs::unreadable_section;
use crate::operator::texts::Shared;
use crate::show::{Count, Figure, Html, Plain};

impl ProviderState {
    /// All of them, the most urgent first.
    pub const ALL: [ProviderState; 8] = [
        ProviderState::DebitHeld,
        ProviderState::DebitInDoubt,
        ProviderState::DebitGivenUp,
        ProviderState::MandateSuspended,
        ProviderState::MandateMissing,
        ProviderState::Owing,
        ProviderState::Good,
        ProviderState::Closed,
    ];

    /// The name, as it stands in addresses.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            ProviderState::DebitHeld => "debit_held",
            ProviderState::DebitInDoubt => "debit_in_doubt",
            ProviderState::DebitGivenUp => "debit_given_up",
            ProviderState::MandateSuspended => "mandate_suspended",
            ProviderState::MandateMissing => "mandate_missing",
            ProviderState::Owing => "owing",
            ProviderState::Good => "good",
            ProviderState::Closed => "closed",
        }
    }

    fn label(self, t: Texts) -> Html {
        match self {
            ProviderState::DebitHeld => t.held(),
            ProviderState::DebitInDoubt => t.in_doubt(),
            ProviderState::DebitGivenUp => t.given_up(),
            ProviderState::MandateSuspended => t.suspended(),
            ProviderState::MandateMissing => t.missing(),
            ProviderState::Owing => t.owing(),
            ProviderState::Good => t.good(),
            ProviderState::Closed => t.closed(),
        }
    }

    fn chip(self, t: Texts) -> Chip {
        let (kind, icon) = match self {
            ProviderState::DebitHeld | ProviderState::DebitGivenUp => (ChipKind::Care, Icon::Care),
            ProviderState::DebitInDoubt => (ChipKind::Plain, Icon::Clock),
            ProviderState::MandateSuspended | ProviderState::MandateMissing => {
                (ChipKind::Plain, Icon::Dashed)
            }
            ProviderState::Owing => (ChipKind::Plain, Icon::Clock),
            ProviderState::Good => (ChipKind::Go, Icon::Check),
            ProviderState::Closed => (ChipKind::Plain, Icon::Square),
        };
        Chip { kind, icon, label: self.label(t) }
    }
}

impl<'a> OperatorPage<'a> {
    /// The list of providers, with its search, the most urgent first.
    #[must_use]
    pub fn providers(frame: &'a Frame, view: &Providers, calendar: &Calendar) -> OperatorPage<'a> {
        let of = Page { frame, view, calendar, t: Texts(frame.lang) };
        let sections = vec![of.sums(), of.list()];
        let unreadable = unreadable_section(frame, &view.unreadable);
        let sections = sections.into_iter().chain(unreadable).collect();
        OperatorPage::of(frame, of.t.title(), sections)
    }
}

struct Page<'a> {
    frame: &'a Frame,
    view: &'a Providers,
    calendar: &'a Calendar,
    t: Texts,
}

impl Page<'_> {
    fn sums(&self) -> Section {
        let t = self.t;
        let (note, body) = match &self.view.sums {
            None => (None, empty(&t.no_sums(), &t.no_sums_text())),
            Some(sums) => {
                let at = wall_clock(self.calendar, sums.as_of_s);
                (Some(t.all_note(Count(sums.providers), at)), self.trio(sums))
            }
        };
        Section { id: "sums", heading: t.all(), note, body }
    }

    fn trio(&self, sums: &ProviderSums) -> Html {
        let t = self.t;
        let figured = |label, of: super::ShareOf, when| Figured {
            label,
            figure: Html::show(Figure(of.amount_fen), self.frame.lang),
            when,
        };
        let three = trio(&[
            figured(t.prepaid(), sums.prepaid, t.of_providers(Count(sums.prepaid.providers))),
            figured(t.owed(), sums.owed, t.of_providers(Count(sums.owed.providers))),
            figured(t.collecting(), sums.collecting, t.open_debits(Count(sums.open_debits))),
        ]);
        let attention = t.attention(Count(sums.given_up), Count(sums.without_mandate));
        all([three, note(&attention)])
    }

    fn list(&self) -> Section {
        let t = self.t;
        let table = if self.view.providers.is_empty() { self.nobody() } else { self.table() };
        let body = all([self.search(), table, self.more()]);
        Section { id: "list", heading: t.list(), note: Some(t.list_note()), body }
    }

    fn nobody(&self) -> Html {
        let (t, view) = (self.t, self.view);
        let is_all = view.query == ProviderQuery::default() && view.next.is_none();
        if is_all && view.looked_at == 0 {
            return empty(&t.nobody(), &t.nobody_text());
        }
        let text = if view.next.is_some() { t.not_here_go_on() } else { t.not_here_end() };
        empty(&t.not_here(Count(view.looked_at)), &text)
    }

    fn search(&self) -> Html {
        let (t, query) = (self.t, &self.view.query);
        let option = |value: &str, label: Html, is_chosen: bool| {
            let selected = if is_chosen { " selected" } else { "" };
            format!("<option value=\"{value}\"{selected}>{label}</option>")
        };
        let first = option("", t.any_state(), query.state.is_none());
        let states = ProviderState::ALL
            .map(|state| option(state.name(), state.label(t), query.state == Some(state)));
        let (q, path) = (Html::show(&*query.q, self.frame.lang), &self.frame.path);
        Html(format!(
            "<form class=\"acts no-print\" action=\"{path}\" role=\"search\">\
             <div class=\"field\"><label for=\"q\">{}</label><input id=\"q\" name=\"q\" type=\"search\" value=\"{q}\" maxlength=\"64\"></div>\
             <div class=\"field\"><label for=\"state\">{}</label><select id=\"state\" name=\"state\">{first}{}</select></div>\
             <button class=\"btn quiet\" type=\"submit\">{}</button></form>",
            t.search_label(),
            t.state_label(),
            states.concat(),
            t.search()
        ))
    }

    fn table(&self) -> Html {
        let (t, s) = (self.t, Shared(self.frame.lang));
        let columns = vec![
            Column::words(s.provider()),
            Column::words(s.state()),
            Column::figures(t.prepaid_yuan()),
            Column::figures(t.owed_yuan()),
            Column::figures(t.collecting_yuan()),
            Column::words(t.next()),
            Column::words(t.last_bill()),
        ];
        let rows = self.view.providers.iter().map(|row| self.row(row)).collect();
        Table::new(t.list(), columns, rows).html()
    }

    fn row(&self, row: &ProviderRow) -> Vec<Html> {
        let (t, lang) = (self.t, self.frame.lang);
        let href = format!("/portal/providers/{}/overview", row.provider);
        let name = Html::link(&href, &Html::show(&row.provider, lang));
        let plan = row.plan.as_ref().map_or_else(|| t.no_plan(), |plan| Html::show(plan, lang));
        let settled = row.settled_through;
        vec![
            with_sub(&name, &plan),
            self.state(row),
            Html::show(Plain(row.prepaid_fen), lang),
            Html::show(Plain(row.owed_fen), lang),
            Html::show(Plain(row.collecting_fen), lang),
            self.next(row.next),
            settled.map_or_else(|| t.no_bill(), |day| Html::show(day, lang)),
        ]
    }

    /// The state, and the stage if it has consequences.
    fn state(&self, row: &ProviderRow) -> Html {
        let (t, state) = (self.t, row.state.chip(self.t).html());
        let stage = match row.stage {
            None | Some(Stage::Good) => return state,
            Some(Stage::Notice) => t.stage_notice(),
            Some(Stage::Throttled) => t.stage_throttled(),
            Some(Stage::PayoutsFrozen) => t.stage_payouts_frozen(),
            Some(Stage::Suspended) => t.stage_suspended(),
            Some(Stage::Terminated) => t.stage_terminated(),
        };
        with_sub(&state, &stage)
    }

    fn next(&self, next: NextDebit) -> Html {
        let t = self.t;
        match next {
            NextDebit::None => t.none(),
            NextDebit::Due { at_s, amount_fen } => {
                let at = wall_clock(self.calendar, at_s);
                let day = Html::show(at.date(), self.frame.lang);
                one(&t.due(day, at.time(), Figure(amount_fen)))
            }
            NextDebit::Query { at_s } => {
                let at = wall_clock(self.calendar, at_s);
                t.query(Html::show(at.date(), self.frame.lang), at.time())
            }
            NextDebit::Held => t.held_next(),
            NextDebit::Unknown => t.unknown_next(),
        }
    }

    fn more(&self) -> Html {
        let (t, view) = (self.t, self.view);
        let shown = Count(u64::try_from(view.providers.len()).unwrap_or(u64::MAX));
        let shown = t.shown(shown, Count(view.looked_at));
        let page = |after: Option<&str>, label: Html| Html::link(&self.href(after), &label).0;
        let next = view.next.as_deref().map(|next| page(Some(next), t.next_page()));
        let first = view.query.after.as_ref().map(|_| page(None, t.first_page()));
        let links = first.into_iter().chain(next).collect::<String>();
        Html(format!("<div class=\"acts\"><span class=\"note\">{shown}</span>{links}</div>"))
    }

    /// The address of another page of the same search.
    fn href(&self, after: Option<&str>) -> String {
        let query = &self.view.query;
        let state = query.state.map(ProviderState::name);
        let parts = [("q", Some(&*query.q)), ("state", state), ("after", after)];
        let parts = parts.into_iter().filter_map(|(name, value)| {
            let value = value.filter(|value| !value.is_empty())?;
            Some(format!("{name}={}", percent_encoded(value)))
        });
        format!("{}?{}", self.frame.path, parts.collect::<Vec<_>>().join("&"))
    }
}
