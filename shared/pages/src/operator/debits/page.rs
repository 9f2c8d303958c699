//! The page of debits.

use jiff::Timestamp;
use jiff::civil::DateTime;
use steelyard_billing::Calendar;

use super::texts::Texts;
use super::{DebitStanding, DebitToSee, DebitWay, DebitsToSee, EarlierStep, GivenUpBecause};
use crate::frame::{Frame, wall_clock};
use crate::icon::Icon;
use crate::operator::OperatorPage;
use crate::operator::form::{About, ActionForm, FormWriter, Forms};
use crate::operator::parts::{Notice, Section, all, empty, note};
use crate::operator::runs::unreadable_section;
use crate::operator::texts::Shared;
use crate::show::{Code, Count, Figure, Html};

impl DebitWay {
    /// The name, as the field `do` of the form has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            DebitWay::Ask => "ask",
            DebitWay::Retry => "retry",
            DebitWay::GiveUp => "give_up",
        }
    }

    /// The way of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<DebitWay> {
        let mut all = [DebitWay::Ask, DebitWay::Retry, DebitWay::GiveUp].into_iter();
        all.find(|way| way.name() == name)
    }
}

impl<'a> OperatorPage<'a> {
    /// The page of debits that a person has to look at. Its forms have the fields `provider`,
    /// `debit` and `do`, which is `ask`, `retry` or `give_up`.
    #[must_use]
    pub fn debits(
        frame: &'a Frame,
        view: &DebitsToSee,
        forms: &Forms,
        calendar: &Calendar,
    ) -> OperatorPage<'a> {
        let t = Texts(frame.lang);
        let mut page = Page { frame, calendar, t, forms: FormWriter::new(frame, forms) };
        let mut groups = [Vec::new(), Vec::new(), Vec::new()];
        let [held, doubt, given_up] = &mut groups;
        for debit in &view.debits {
            let notice = page.notice(debit);
            match debit.standing {
                DebitStanding::Held { .. } => held.push(notice),
                DebitStanding::InDoubt { .. } => doubt.push(notice),
                DebitStanding::GivingUp { .. } | DebitStanding::GivenUp { .. } => {
                    given_up.push(notice);
                }
            }
        }
        let [held, doubt, given_up] = groups;
        let named = view.named_at_s.map(|at| note(&t.named_at(page.clock(at))));
        let more = view.has_more.then(|| note(&t.more()));
        let section = |id, heading, note, body| Section { id, heading, note: Some(note), body };
        let or = |found: Vec<Html>, heading: Html, text: Html| {
            if found.is_empty() { empty(&heading, &text) } else { all(found) }
        };
        let sections = [
            section("held", t.held(), t.held_note(), {
                let held = or(held, t.no_held(), t.no_held_text());
                all([held].into_iter().chain(named).chain(more))
            }),
            section("doubt", t.doubt(), t.doubt_note(), or(doubt, t.no_doubt(), t.no_doubt_text())),
            section("given-up", t.given_up(), t.given_up_note(), {
                or(given_up, t.no_given_up(), t.no_given_up_text())
            }),
        ];
        let unreadable = unreadable_section(frame, &view.unreadable);
        let sections = sections.into_iter().chain(unreadable).collect();
        OperatorPage::of(frame, t.title(), sections).with_forms(&page.forms)
    }
}

struct Page<'a> {
    frame: &'a Frame,
    calendar: &'a Calendar,
    t: Texts,
    forms: FormWriter<'a>,
}

impl Page<'_> {
    fn clock(&self, at: Timestamp) -> DateTime {
        wall_clock(self.calendar, at)
    }

    fn notice(&mut self, debit: &DebitToSee) -> Html {
        let t = self.t;
        let number = Count(debit.debit.0);
        let heading = match debit.amount_fen {
            Some(amount) => t.heading(&debit.provider, number, Figure(amount)),
            None => t.heading_without(&debit.provider, number),
        };
        let needs_care = !debit.ways.is_empty() && debit.next_s.is_none();
        let icon = if needs_care { Icon::Care } else { Icon::Clock };
        let form = self.form(debit);
        let text = Html::sentences(self.texts(debit), t.0);
        Notice { needs_care, icon, heading, text, form }.html()
    }

    fn texts(&self, debit: &DebitToSee) -> Vec<Html> {
        let t = self.t;
        let mut texts = self.why(&debit.standing);
        texts.extend(debit.days.map(|(from, through)| {
            if from == through { t.of_day(from) } else { t.of_days(from, through) }
        }));
        let since = self.clock(debit.since_s);
        texts.extend(debit.trade.as_deref().map(|trade| t.trade(Code(trade), since)));
        texts.extend(debit.next_s.map(|at| t.next_at(self.clock(at))));
        texts.extend(debit.earlier.iter().map(|step| self.earlier(step)));
        texts
    }

    fn why(&self, standing: &DebitStanding) -> Vec<Html> {
        let t = self.t;
        match standing {
            DebitStanding::Held { why, found, is_queried } => {
                let found = found.as_deref().map(|found| t.held_found(found));
                let next = if *is_queried { t.is_queried() } else { t.look() };
                [t.held_why(why)].into_iter().chain(found).chain([next]).collect()
            }
            DebitStanding::InDoubt { why: Some(why) } => vec![t.doubt_why(why)],
            DebitStanding::InDoubt { why: None } => vec![t.doubt_no_answer()],
            DebitStanding::GivingUp { why } => vec![t.giving_up(), given_up(t, why)],
            DebitStanding::GivenUp { why } => vec![given_up(t, why)],
        }
    }

    fn earlier(&self, step: &EarlierStep) -> Html {
        let (t, at, reason) = (self.t, self.clock(step.at_s), &*step.reason);
        match step.way {
            DebitWay::Ask => t.earlier_ask(at, reason),
            DebitWay::Retry => t.earlier_retry(at, reason),
            DebitWay::GiveUp => t.earlier_give_up(at, reason),
        }
    }

    fn form(&mut self, debit: &DebitToSee) -> Option<ActionForm> {
        if debit.ways.is_empty() {
            return None;
        }
        let (t, s) = (self.t, Shared(self.frame.lang));
        let choice = |way: &DebitWay| {
            let label = match way {
                DebitWay::Ask => t.ask(),
                DebitWay::Retry => t.retry(),
                DebitWay::GiveUp => t.give_up(),
            };
            (way.name(), label)
        };
        let (provider, number) = (debit.provider.to_string(), debit.debit.to_string());
        self.forms.form(About {
            form: format!("debit/{provider}/{number}"),
            hidden: vec![("provider", provider), ("debit", number)],
            choices: debit.ways.iter().map(choice).collect(),
            button: s.propose(),
            note: t.no_way_paid().then(&s.second_person(), t.0),
        })
    }
}

fn given_up(t: Texts, why: &GivenUpBecause) -> Html {
    match why {
        GivenUpBecause::Funds => t.funds(),
        GivenUpBecause::AmountCap { code } => t.amount_cap(Code(code)),
        GivenUpBecause::Window { code } => t.window(Code(code)),
        GivenUpBecause::MandateDead { code } => t.mandate_dead(Code(code)),
        GivenUpBecause::PayerBlocked { code } => t.payer_blocked(Code(code)),
        GivenUpBecause::ByOperator => t.by_operator(),
    }
}
