//! The page of an overview.

mod ahead;
mod beams;
mod changes;
mod days;
mod figures;
mod hero;
mod notes;
mod standing;

use askama::Template;
use jiff::civil::{DateTime, Time};
use jiff::{SignedDuration, Timestamp};
use steelyard_billing::Calendar;
use steelyard_pricing::{BillingDay, Fen};

use crate::frame::{Common, Frame, wall_clock};
use crate::icon::Icon;
use crate::overview::chart::joined;
use crate::overview::texts::Texts;
use crate::overview::{Overview, WithheldDays, chart};
use crate::show::{Count, Figure, Html, Plain, WithWeekday, WithYear};
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
        joined(sentences, &Common(self.frame.lang).gap())
    }
}
