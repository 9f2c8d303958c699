//! The page of an overview.

use askama::Template;
use jiff::civil::{DateTime, Time};
use jiff::{SignedDuration, Timestamp};
use steelyard_billing::{Calendar, DeclineReason};
use steelyard_pricing::{BillingDay, Fen, Name};

use super::chart::{self, Bars, bill_path, figure, joined, listed};
use super::texts::Texts;
use super::{
    Allowance, AllowancePeriod, AllowanceUnit, ApiChange, Basis, Change, DayRow, Declined, Notice,
    Overview, RateTerms, StripPart, WithheldDays, WithholdingState,
};
use crate::forecast::{Cover, FenRange, Forecast};
use crate::frame::{Common, Frame, wall_clock};
use crate::icon::Icon;
use crate::show::{
    Change as Signed, Code, Count, Figure, Html, Plain, Price, Units, WithWeekday, WithYear,
};
use crate::strip::Strip;

/// The class of an action beside the first one.
const QUIET: &str = "btn quiet";

/// The page that shows an overview.
#[derive(Debug, Template)]
#[template(path = "overview.html")]
pub struct OverviewPage<'a> {
    frame: &'a Frame,
    c: Common,
    t: Texts,
    view: &'a Overview,
    hero: Hero,
    account: [Tile; 3],
    settled: [Html; 2],
    since: Option<[Html; 2]>,
    days: Option<Days>,
    expected: Option<Expected>,
    allowances: Vec<Beam>,
    again_on: BillingDay,
    change: Option<ChangeTable>,
    notices: Vec<Note>,
}

#[derive(Debug)]
struct Hero {
    figure: Option<Fen>,
    due: Html,
    due_more: Option<Html>,
    why: Html,
    facts: Vec<(Html, Html)>,
    strip: Option<Strip>,
    note: Option<Html>,
    actions: Vec<Action>,
}

#[derive(Debug)]
struct Action {
    href: String,
    label: Html,
    class: &'static str,
}

#[derive(Debug)]
struct Tile {
    label: Html,
    amount: Fen,
    when: Html,
}

#[derive(Debug)]
struct Days {
    axis: Html,
    field: Html,
    words: Html,
    key: Vec<(&'static str, Html)>,
    marks: Vec<(usize, Html)>,
    caption: Html,
    columns: Vec<Html>,
    rows: Vec<(Html, Vec<Html>)>,
    total: Option<(Html, Vec<Html>)>,
}

#[derive(Debug)]
struct Expected {
    range: Html,
    likely: Option<Html>,
    drawing: Html,
    how: Html,
    cover: Html,
}

#[derive(Debug)]
struct Beam {
    name: Html,
    chip: (&'static str, Icon, Html),
    drawing: Html,
    words: Html,
    facts: Vec<(Html, Html)>,
}

#[derive(Debug)]
struct ChangeTable {
    caption: Html,
    rows: Vec<(Html, Vec<Cell>)>,
    total: Vec<Cell>,
}

#[derive(Debug)]
struct Cell {
    label: Html,
    value: Html,
    was: Option<Html>,
}

#[derive(Debug)]
struct Note {
    class: &'static str,
    icon: Icon,
    heading: Html,
    text: Html,
}

impl<'a> OverviewPage<'a> {
    /// The page of a view.
    #[must_use]
    pub fn new(frame: &'a Frame, calendar: &Calendar, view: &'a Overview) -> OverviewPage<'a> {
        let writer = Writer { frame, calendar, view, t: Texts(frame.lang) };
        OverviewPage {
            frame,
            c: Common(frame.lang),
            t: writer.t,
            view,
            hero: writer.hero(),
            account: writer.account(),
            settled: writer.settled(),
            since: writer.since(),
            days: (!view.by_day.rows.is_empty()).then(|| writer.days()),
            expected: view.forecast.as_ref().map(|forecast| writer.expected(forecast)),
            allowances: view.allowances.iter().map(|allowance| writer.beam(allowance)).collect(),
            again_on: view.month.next().first_day(),
            change: view.change.as_ref().map(|change| writer.change(change)),
            notices: view.notices.iter().map(|notice| writer.notice(notice)).collect(),
        }
    }

    fn time(&self) -> Time {
        self.frame.as_of.time()
    }

    /// The month without its year.
    fn month_name(&self) -> Html {
        month_name(self.view, self.t)
    }

    fn terms(&self) -> Option<Html> {
        let terms = self.view.terms.as_ref()?;
        let on = self.t.on_plan(self.view.provider.as_str(), terms.plan.as_str());
        let with = terms.with.iter().map(|name| Html::show(name.clone(), self.frame.lang));
        let with = joined(with, &self.t.comma());
        let more = if terms.with.is_empty() { Html::default() } else { self.t.on_plan_with(with) };
        Some(Html(format!("{on}{more}{}", self.t.full_stop())))
    }
}

fn month_name(view: &Overview, t: Texts) -> Html {
    let month = Html::show(view.month, t.0);
    let parts = month.0.split(' ').collect::<Vec<_>>();
    Html(match (t.0, parts.as_slice()) {
        (crate::Lang::En, [name, ..]) => (*name).to_owned(),
        (crate::Lang::Zh, [_, _, number, name]) => format!("{number} {name}"),
        _ => month.0,
    })
}

/// Writes the parts of a page.
struct Writer<'a> {
    frame: &'a Frame,
    calendar: &'a Calendar,
    view: &'a Overview,
    t: Texts,
}

impl Writer<'_> {
    fn clock(&self, at: Timestamp) -> DateTime {
        wall_clock(self.calendar, at)
    }

    fn day_of(at: DateTime) -> Option<BillingDay> {
        BillingDay::new(at.date()).ok()
    }

    /// A time with its day, without the year.
    fn at(&self, at: Timestamp) -> Html {
        let at = self.clock(at);
        match Writer::day_of(at) {
            Some(day) => self.t.at(day, at.time()),
            None => Html::show(at, self.frame.lang),
        }
    }

    /// A time to come, in the middle of a sentence.
    fn when(&self, at: Timestamp) -> Html {
        let at = self.clock(at);
        match Writer::day_of(at) {
            Some(day) if day == self.view.today => self.t.when_today(at.time()),
            Some(day) if day == self.view.today.next() => self.t.when_tomorrow(at.time()),
            Some(day) => self.t.when_on(day, at.time()),
            None => Html::show(at, self.frame.lang),
        }
    }

    /// A time to come, as a heading, and the weekday with how long it is until then.
    fn due(&self, at: Timestamp) -> (Html, Option<Html>) {
        let clock = self.clock(at);
        let Some(day) = Writer::day_of(clock) else {
            return (Html::show(clock, self.frame.lang), None);
        };
        let time = clock.time();
        let due = if day == self.view.today {
            self.t.today_at(time)
        } else if day == self.view.today.next() {
            self.t.tomorrow_at(time)
        } else {
            self.t.on_at(day, time)
        };
        let left = self.left(at.duration_since(self.view.as_of_s));
        (due, Some(self.t.weekday_in(WithWeekday(day.date()), left)))
    }

    fn left(&self, left: SignedDuration) -> Html {
        let minutes = left.as_mins().max(0).unsigned_abs();
        let (hours, days) = (minutes / 60, minutes / 60 / 24);
        match (days, hours) {
            (0, 0) => self.t.left_minutes(Count(minutes)),
            (0, _) => self.t.left_hours(Count(hours), Count(minutes % 60)),
            _ => self.t.left_days(Count(days), Count(hours % 24)),
        }
    }

    fn span(&self, days: WithheldDays) -> Html {
        chart::span(days.from, days.through, self.frame.lang)
    }

    fn sentences(&self, sentences: impl IntoIterator<Item = Html>) -> Html {
        joined(sentences, &self.t.sentence_gap())
    }

    fn link(href: &str, label: &Html) -> Html {
        let href = Html::show(href, crate::Lang::En);
        Html(format!("<a href=\"{href}\">{label}</a>"))
    }

    fn hero(&self) -> Hero {
        let next = &self.view.next_withholding;
        let (due, due_more, why) = self.state();
        let figure = match next.state {
            WithholdingState::Due
            | WithholdingState::Declined
            | WithholdingState::UnderWay
            | WithholdingState::InDoubt => Some(next.amount_fen),
            WithholdingState::NoAgreement
            | WithholdingState::Suspended
            | WithholdingState::LimitTooSmall
            | WithholdingState::GivenUp => Some(self.view.account.owed_fen),
            WithholdingState::PrepaidCovers
            | WithholdingState::NothingOwed
            | WithholdingState::BelowMinimum
            | WithholdingState::Closed => None,
        };
        Hero {
            figure,
            due,
            due_more,
            why,
            facts: self.facts(),
            strip: self.strip(),
            note: self.note(),
            actions: self.actions(),
        }
    }

    /// When something is withheld, or that nothing is; more of the time; and why.
    fn state(&self) -> (Html, Option<Html>, Html) {
        let (t, next, account) = (self.t, &self.view.next_withholding, &self.view.account);
        let (owed, minimum) = (Figure(next.unreserved_fen), Figure(next.minimum_fen));
        let since = self.clock(next.since_s.or(next.at_s).unwrap_or(self.view.as_of_s)).time();
        match next.state {
            WithholdingState::PrepaidCovers => {
                let ends = self.view.forecast.as_ref().and_then(|f| f.prepaid_ends?.likely);
                let covers = t.prepaid_covers(Figure(account.prepaid_fen));
                let why = [Some(covers), ends.map(|day| t.prepaid_until(day))];
                (t.nothing_today(), None, self.sentences(why.into_iter().flatten()))
            }
            WithholdingState::NothingOwed => (t.nothing_today(), None, t.nothing_owed()),
            WithholdingState::BelowMinimum => {
                (t.nothing_today(), None, t.below_minimum(owed, minimum))
            }
            WithholdingState::NoAgreement => (t.no_agreement(), None, t.no_agreement_why()),
            WithholdingState::Suspended => (t.suspended(), None, t.suspended_why()),
            WithholdingState::LimitTooSmall => {
                let limit = next.agreement.as_ref().map_or(Fen::ZERO, |a| a.single_limit_fen);
                (t.limit_too_small(), None, t.limit_too_small_why(Figure(limit), minimum))
            }
            WithholdingState::Due => {
                let (due, more) = next.at_s.map_or((t.next(), None), |at| self.due(at));
                (due, more, self.due_why())
            }
            WithholdingState::Declined => {
                let (due, more) = next.at_s.map_or((t.next(), None), |at| self.due(at));
                let why = next.declined.map(|declined| {
                    t.declined_why(self.at(declined.at_s), self.reason(declined.reason))
                });
                (due, more, why.unwrap_or_default())
            }
            WithholdingState::UnderWay => (t.under_way(since), None, t.under_way_why()),
            WithholdingState::InDoubt => (t.in_doubt(), None, t.in_doubt_why()),
            WithholdingState::GivenUp => (t.given_up(), None, t.given_up_why()),
            WithholdingState::Closed => (t.nothing_today(), None, t.nothing_owed()),
        }
    }

    fn reason(&self, reason: DeclineReason) -> Html {
        match reason {
            DeclineReason::Funds => self.t.declined_funds(),
            DeclineReason::AmountCap => self.t.declined_cap(),
            DeclineReason::Window => self.t.declined_window(),
        }
    }

    fn due_why(&self) -> Html {
        let (t, next) = (self.t, &self.view.next_withholding);
        let calls = next.days.map(|days| t.for_calls(self.span(days)));
        let prepaid = next.strip.iter().find(|e| matches!(e.part, StripPart::Prepaid { .. }));
        let paid = prepaid.and_then(|entry| entry.amount_fen.negated().ok());
        let pays = paid.map_or_else(|| t.alipay_pays(), |paid| t.prepaid_paid(Figure(paid)));
        let limit = next.agreement.as_ref().map(|agreement| agreement.single_limit_fen);
        let rest = limit.filter(|_| next.rest_fen.is_positive()).map(|limit| {
            if next.amount_fen < limit {
                t.rest_later(Figure(next.rest_fen))
            } else {
                t.rest_follows(Figure(next.rest_fen), Figure(limit))
            }
        });
        self.sentences([calls, Some(pays), rest].into_iter().flatten())
    }

    fn facts(&self) -> Vec<(Html, Html)> {
        let (t, next) = (self.t, &self.view.next_withholding);
        if !next.amount_fen.is_positive() {
            return Vec::new();
        }
        let mut facts = Vec::new();
        if next.agreement.is_some() {
            facts.push((t.paid_from(), t.alipay_account()));
        }
        if let Some(days) = next.days {
            let part = if next.rest_fen.is_positive() { t.in_part() } else { t.in_full() };
            facts.push((t.covers(), Html(format!("{}{part}", self.bills(days)))));
        }
        if let Some(agreement) = &next.agreement {
            let href = self.frame.page("withholding");
            let link = Writer::link(&href, &t.your_agreement(&agreement.ends_in));
            let single = Figure(agreement.single_limit_fen);
            let limits = match agreement.daily_limit_fen {
                Some(daily) => t.up_to_daily(single, Figure(daily)),
                None => t.up_to(single),
            };
            facts.push((t.under(), Html(format!("{link}{limits}"))));
        }
        facts.push((t.order(), t.order_text()));
        facts
    }

    /// The bills of some days, with a link.
    fn bills(&self, days: WithheldDays) -> Html {
        let base = self.frame.page("bills");
        if days.from == days.through {
            let bill = steelyard_billing::StatementId { day: days.from, supplement: 0 };
            Writer::link(&bill_path(&base, bill), &self.t.bill_of(bill))
        } else {
            Writer::link(&base, &self.t.bills_of(self.span(days)))
        }
    }

    fn strip(&self) -> Option<Strip> {
        let (t, lang) = (self.t, self.frame.lang);
        let next = &self.view.next_withholding;
        let mut strip = Strip::new(t.strip());
        let mut is_first = true;
        for entry in &next.strip {
            let label = match entry.part {
                StripPart::Older => t.strip_older(),
                StripPart::Bill { bill } => t.bill_of(bill),
                StripPart::Prepaid { at_s: Some(at) } => t.strip_prepaid_at(self.clock(at).time()),
                StripPart::Prepaid { at_s: None } => t.strip_prepaid(),
                StripPart::Paid => t.strip_paid(),
                StripPart::Left => t.strip_left(),
                StripPart::Amount if next.at_s.is_some() => t.strip_total(),
                StripPart::Amount => t.strip_total_under_way(),
            };
            let unsigned = entry.amount_fen.max(entry.amount_fen.negated().unwrap_or_default());
            let value = Html::show(Plain(unsigned), lang);
            strip = match (entry.part, entry.amount_fen.is_negative()) {
                (StripPart::Amount, _) => strip.total(label, value),
                (_, true) => strip.row("−", label, value),
                (_, false) => strip.row(if is_first { "" } else { "+" }, label, value),
            };
            is_first = false;
        }
        (!next.strip.is_empty()).then_some(strip)
    }

    fn note(&self) -> Option<Html> {
        let next = &self.view.next_withholding;
        if next.state == WithholdingState::Declined {
            return Some(self.t.declined_note());
        }
        let is_open = next.state == WithholdingState::Due && next.since_s.is_none();
        let at = next.at_s.filter(|_| is_open).map(|at| self.clock(at).time())?;
        Some(self.t.fixed_at(at, Figure(next.unreserved_fen)))
    }

    fn actions(&self) -> Vec<Action> {
        let (t, next, may) = (self.t, &self.view.next_withholding, self.frame.may);
        let action = |page: &str, label: Html, class: &'static str| Action {
            href: self.frame.page(page),
            label,
            class,
        };
        let mut actions = Vec::new();
        if next.state == WithholdingState::Closed {
            return actions;
        }
        // While money is being taken, nobody is invited to pay it another way.
        let is_on_its_way =
            matches!(next.state, WithholdingState::UnderWay | WithholdingState::InDoubt);
        if may.pay && !is_on_its_way {
            actions.push(action("recharge", t.recharge(), "btn"));
        }
        if next.state == WithholdingState::NoAgreement && may.mandate {
            actions.push(action("withholding", t.sign(), QUIET));
        }
        match next.days {
            Some(days) if days.from == days.through => {
                let bill = steelyard_billing::StatementId { day: days.from, supplement: 0 };
                let href = bill_path(&self.frame.page("bills"), bill);
                actions.push(Action { href, label: t.see_bill(), class: QUIET });
            }
            Some(_) => actions.push(action("bills", t.see_bills(), QUIET)),
            None if next.agreement.is_some() => {
                actions.push(action("withholding", t.see_withholding(), QUIET));
            }
            None => {}
        }
        actions
    }

    fn account(&self) -> [Tile; 3] {
        let (t, account) = (self.t, &self.view.account);
        let ends = self.view.forecast.as_ref().map(|forecast| forecast.prepaid_ends);
        let month_end = self.view.month.last_day();
        let prepaid = match (account.prepaid_fen.is_positive(), account.prepaid_used_up_at_s) {
            (true, _) => match ends {
                Some(Some(ends)) => {
                    ends.likely.map_or(t.lasts_beyond(month_end), |d| t.lasts_to(d))
                }
                Some(None) => t.lasts_beyond(month_end),
                None => t.paid_in_advance(),
            },
            (false, Some(at)) => t.used_up_at(self.at(at)),
            (false, None) => t.nothing_prepaid(),
        };
        let owed = match account.owed_for {
            _ if !account.owed_fen.is_positive() => t.all_paid(),
            Some(days) => t.owed_for(self.span(days)),
            None => t.owed_older(),
        };
        let next = &self.view.next_withholding;
        let collecting = match (account.collecting_fen.is_positive(), next.at_s) {
            (true, Some(at)) => t.again(self.when(at)),
            (true, None) => t.part_of_owed(),
            (false, Some(at)) => t.begins(self.when(at)),
            (false, None) => t.none_under_way(),
        };
        [
            Tile { label: t.prepaid(), amount: account.prepaid_fen, when: prepaid },
            Tile { label: t.owed(), amount: account.owed_fen, when: owed },
            Tile { label: t.collecting(), amount: account.collecting_fen, when: collecting },
        ]
    }

    fn settled(&self) -> [Html; 2] {
        let (t, settled) = (self.t, &self.view.settled);
        let calls = Count(settled.calls.get());
        let label = settled.through.map_or_else(|| t.not_settled(), |day| t.settled_to(day));
        let text = match settled.bills {
            0 => t.no_bill_yet(),
            1 => t.bill_final(calls),
            bills => t.bills_final(Count(bills), calls),
        };
        [label, text]
    }

    fn since(&self) -> Option<[Html; 2]> {
        let (t, since) = (self.t, self.view.since.as_ref()?);
        let label = t.since(self.frame.as_of.time());
        if since.calls.is_zero() && since.charge_fen.is_zero() {
            return Some([label, t.no_calls_yet()]);
        }
        let withdrawn = Some(since.withdrawn).filter(|withdrawn| !withdrawn.is_zero());
        let withdrawn = withdrawn.map(|withdrawn| t.since_withdrawn(Count(withdrawn.get())));
        let withdrawn = withdrawn.unwrap_or_default();
        let report = since.last_report_at_s.map(|at| t.last_report(self.report_time(at)));
        let text = Html(format!(
            "{}{withdrawn}{}{}{}{}",
            t.since_calls(Count(since.calls.get())),
            report.unwrap_or_default(),
            t.full_stop(),
            t.sentence_gap(),
            t.settled_tonight(),
        ));
        Some([label, text])
    }

    /// The time of a report, with its day unless it is today.
    fn report_time(&self, at: Timestamp) -> Html {
        let clock = self.clock(at);
        if Writer::day_of(clock) == Some(self.view.today) {
            Html::show(clock.time(), self.frame.lang)
        } else {
            self.at(at)
        }
    }

    fn rate(&self, rate: Option<&Name>) -> Html {
        rate.map_or_else(|| self.t.all_rates(), |rate| Html::show(rate.clone(), self.frame.lang))
    }

    /// A rate's name where a sentence or a heading begins.
    fn rate_first(&self, rate: Option<&Name>) -> Html {
        let name = self.rate(rate);
        let mut letters = name.0.chars();
        match letters.next() {
            Some(first) if self.frame.lang == crate::Lang::En => {
                Html(format!("{}{}", first.to_ascii_uppercase(), letters.as_str()))
            }
            Some(_) | None => name,
        }
    }

    fn days(&self) -> Days {
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
        let mark = |mark: &super::Mark| {
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

    fn expected(&self, forecast: &Forecast) -> Expected {
        let (t, lang) = (self.t, self.frame.lang);
        let FenRange { low_fen, likely_fen, high_fen } = forecast.month_total;
        let is_one = low_fen == high_fen;
        let range = if is_one {
            t.expected_one(Figure(likely_fen))
        } else {
            t.expected_range(Figure(low_fen), Figure(high_fen))
        };
        let how = [Some(t.how_expected()), self.tomorrow(forecast), self.runs_out(forecast)];
        Expected {
            range,
            likely: (!is_one).then(|| t.most_likely(Figure(likely_fen))),
            drawing: chart::range(forecast.so_far_fen, forecast.month_total, lang),
            how: self.sentences(how.into_iter().flatten()),
            cover: self.cover(&forecast.cover),
        }
    }

    /// What tomorrow withholds, where an agreement is in use.
    fn tomorrow(&self, forecast: &Forecast) -> Option<Html> {
        self.view.next_withholding.agreement.as_ref()?;
        let FenRange { low_fen, high_fen, .. } = forecast.tomorrow;
        let (low, high) = (Figure(low_fen), Figure(high_fen));
        Some(if self.view.account.prepaid_fen.is_zero() {
            self.t.tomorrow(low, high)
        } else if high_fen.is_positive() {
            self.t.tomorrow_prepaid(low, high)
        } else {
            self.t.tomorrow_nothing()
        })
    }

    fn runs_out(&self, forecast: &Forecast) -> Option<Html> {
        let ends = forecast.prepaid_ends?;
        Some(match ends.latest {
            None => self.t.runs_out(ends.earliest),
            Some(latest) if latest == ends.earliest => self.t.runs_out_on(latest),
            Some(latest) => {
                self.t.runs_out_between(chart::span(ends.earliest, latest, self.frame.lang))
            }
        })
    }

    fn cover(&self, cover: &Cover) -> Html {
        let t = self.t;
        if !cover.month_fen.is_positive() && !cover.week_fen.is_positive() {
            return t.cover_none();
        }
        let month = month_name(self.view, t);
        let mut sentences = vec![t.cover(Figure(cover.week_fen), Figure(cover.month_fen), month)];
        if cover.owed_fen.is_positive() {
            sentences.push(t.cover_owed(Figure(cover.owed_fen)));
        }
        if self.frame.may.pay {
            sentences.push(Writer::link(&self.frame.page("recharge"), &t.go_recharge()));
        }
        self.sentences(sentences)
    }

    fn beam(&self, allowance: &Allowance) -> Beam {
        let (t, lang) = (self.t, self.frame.lang);
        let mut facts = Vec::new();
        let price = |yuan| Html::show(Price(yuan), lang);
        if let Some(next) = allowance.next_yuan {
            let label = match allowance.unit {
                AllowanceUnit::Yuan => t.next_amount(),
                AllowanceUnit::Calls | AllowanceUnit::Units => t.next_calls(),
            };
            facts.push((label, price(next)));
        }
        let likely = allowance.expected.and_then(|expected| expected.likely);
        if let Some((day, after)) = likely.zip(allowance.after_yuan) {
            facts.push((t.after_day(day), price(after)));
        }
        if let Some(charged) = allowance.charged_fen {
            facts.push((t.charged_month(), figure(charged, lang)));
        }
        Beam {
            name: self.rate_first(allowance.rate.as_ref()),
            chip: self.chip(allowance),
            drawing: chart::beam(allowance),
            words: self.used(allowance),
            facts,
        }
    }

    fn chip(&self, allowance: &Allowance) -> (&'static str, Icon, Html) {
        let t = self.t;
        let is_used_up = allowance.left.is_zero();
        match (allowance.period, allowance.used_up_on, allowance.expected) {
            (AllowancePeriod::Day, _, _) if is_used_up => ("", Icon::Check, t.used_up_today()),
            (AllowancePeriod::Day, _, _) => (" go", Icon::Clock, t.each_day()),
            (_, Some(day), _) => ("", Icon::Check, t.used_up_on(day)),
            (_, None, _) if is_used_up => ("", Icon::Check, t.used_up()),
            (_, None, Some(expected)) => {
                let text = expected.likely.map(|day| t.lasts_to_about(day));
                (" go", Icon::Clock, text.unwrap_or_else(|| t.may_end(expected.earliest)))
            }
            (_, None, None) if allowance.used.is_zero() => ("", Icon::Dashed, t.unused()),
            (_, None, None) if self.view.forecast.is_some() => (" go", Icon::Clock, t.lasts()),
            (_, None, None) => (" go", Icon::Clock, t.not_known()),
        }
    }

    /// What is used of an allowance, in words that hold every figure of its beam.
    fn used(&self, allowance: &Allowance) -> Html {
        let (t, lang) = (self.t, self.frame.lang);
        let number = |units| t.number(Units(units));
        let free = match allowance.unit {
            AllowanceUnit::Calls => t.free_calls(Units(allowance.free)),
            AllowanceUnit::Yuan => t.free_yuan(Units(allowance.free)),
            AllowanceUnit::Units => t.free_units(Units(allowance.free)),
        };
        let of = |units| match allowance.unit {
            AllowanceUnit::Calls if lang == crate::Lang::Zh => t.calls_of(Units(units)),
            AllowanceUnit::Yuan => t.yuan_of(Units(units)),
            AllowanceUnit::Units => t.units_of(Units(units)),
            AllowanceUnit::Calls => number(units),
        };
        if allowance.left.is_zero() {
            let percents = allowance.discounts.iter().map(|percent| Html(format!("{percent}%")));
            let less = t.less_discounts(joined(percents, &t.comma()));
            let less = if allowance.discounts.is_empty() { Html::default() } else { less };
            let used = t.all_used(free, of(allowance.beyond));
            return Html(format!("{used}{less}{}", t.full_stop()));
        }
        let used = t.some_used(of(allowance.used), free, of(allowance.left));
        let is_forecast =
            self.view.forecast.is_some() && allowance.period == AllowancePeriod::Month;
        let pace = match allowance.expected.map(|expected| (expected.earliest, expected.latest)) {
            Some((earliest, Some(latest))) if earliest == latest => Some(t.pace_day(latest)),
            Some((earliest, Some(latest))) => {
                Some(t.pace_days(chart::span(earliest, latest, lang)))
            }
            Some((earliest, None)) => Some(t.pace_earliest(earliest)),
            None if is_forecast => Some(t.pace_lasts()),
            None => None,
        };
        self.sentences([Some(used), pace].into_iter().flatten())
    }

    fn change(&self, change: &Change) -> ChangeTable {
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

    fn cells(&self, of: &super::ChangeOf) -> Vec<Cell> {
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

    fn notice(&self, notice: &Notice) -> Note {
        let (t, lang) = (self.t, self.frame.lang);
        let bills = self.frame.page("bills");
        let see_lines = |bill| Writer::link(&bill_path(&bills, bill), &t.see_lines());
        let plain = |icon, heading, text| Note { class: "", icon, heading, text };
        match notice {
            Notice::AgreementSuspended { since_s, by_alipay, owed_fen } => {
                let (when, owed) = (self.at(*since_s), Figure(*owed_fen));
                let text = if *by_alipay {
                    t.suspended_alipay(when, owed)
                } else {
                    t.suspended_debit(when, owed)
                };
                let heading = t.agreement_suspended();
                Note { class: " care", icon: Icon::Care, heading, text }
            }
            Notice::DebitDeclined { at_s, reason, amount_fen, next_at_s } => {
                let Declined { at_s, reason } = Declined { at_s: *at_s, reason: *reason };
                let fact =
                    t.debit_declined_text(Figure(*amount_fen), self.at(at_s), self.reason(reason));
                let next =
                    next_at_s.map_or_else(|| t.debit_stopped(), |at| t.debit_next(self.when(at)));
                let text = self.sentences([fact, next]);
                Note { class: " care", icon: Icon::Care, heading: t.debit_declined(), text }
            }
            Notice::PriceChange { from, rates, basis, before_fen, after_fen, change_fen } => {
                let what = self.what_changes(rates);
                let effect = self.effect(*basis, (*before_fen, *after_fen, *change_fen));
                let link = Writer::link(&self.frame.page("calculator"), &t.compare());
                let text = self.sentences([what, effect, t.no_action(), link]);
                plain(Icon::Tag, t.new_prices(*from), text)
            }
            Notice::LateUsage { bill, days, calls, charge_fen } => {
                let text = t.late_text(Count(calls.get()), *bill, Figure(*charge_fen));
                let text = self.sentences([text, see_lines(*bill)]);
                plain(Icon::History, t.late(listed(days, lang)), text)
            }
            Notice::Withdrawn { bill, days, calls, charge_fen } => {
                let text = t.withdrawn_text(Count(calls.get()), *bill, Figure(*charge_fen));
                let text = self.sentences([text, see_lines(*bill)]);
                plain(Icon::History, t.withdrawn(listed(days, lang)), text)
            }
            Notice::Adjusted { bill, corrects, amount_fen, reason, .. } => {
                let is_credit = amount_fen.is_negative();
                let heading = if is_credit { t.credited(*corrects) } else { t.debited(*corrects) };
                let text = t.adjusted_text(*bill, Figure(*amount_fen), reason);
                plain(Icon::Info, heading, self.sentences([text, see_lines(*bill)]))
            }
            Notice::CheaperTier { rate, since, beyond, now_yuan, before_yuan } => {
                let (name, first) = (self.rate(Some(rate)), self.rate_first(Some(rate)));
                let (now, before) = (Price(*now_yuan), Price(*before_yuan));
                let text = t.cheaper_text(*since, Units(*beyond), name, now, before);
                plain(Icon::Info, t.cheaper(first), text)
            }
        }
    }

    fn what_changes(&self, rates: &[RateTerms]) -> Html {
        let t = self.t;
        if rates.is_empty() {
            return t.new_plan_terms();
        }
        let priced = rates.iter().filter_map(|of| {
            let (before, after) = of.before_yuan.zip(of.after_yuan)?;
            let rate = self.rate_first(Some(&of.rate));
            Some(t.new_price(rate, Price(after), Price(before)))
        });
        let others = rates.iter().filter(|of| of.before_yuan.is_none());
        let others = others.map(|of| self.rate(Some(&of.rate))).collect::<Vec<_>>();
        let terms = (!others.is_empty()).then(|| t.new_terms(joined(others, &t.comma())));
        self.sentences(priced.chain(terms))
    }

    fn effect(&self, basis: Basis, (before, after, change): (Fen, Fen, Fen)) -> Html {
        let t = self.t;
        let (figure, was) = (Figure(after), Figure(before));
        let fact = match basis {
            Basis::Month { month } => t.effect_month(month, figure, was),
            Basis::MonthToDate { through } => t.effect_to_date(through, figure, was),
        };
        let unsigned = Figure(change.max(change.negated().unwrap_or_default()));
        let effect = match change.get().signum() {
            -1 => t.effect_less(unsigned),
            1 => t.effect_more(unsigned),
            _ => t.effect_same(),
        };
        Html(format!("{fact}{effect}"))
    }
}
