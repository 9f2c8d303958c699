//! A debit as pages write it.

use jiff::civil::Date;
use steelyard_billing::Calendar;

use super::texts::Texts;
use super::{DebitState, DebitView, DeclinedTry, Reason};
use crate::frame::wall_clock;
use crate::icon::Icon;
use crate::show::{Brief, Code, Count, Figure, Html, Plain};
use crate::{Frame, Lang};

/// A debit in the words of the page.
#[derive(Clone, Debug)]
pub(crate) struct DebitLine {
    pub(crate) number: u64,
    pub(crate) name: Html,
    /// Where it stands in the ledger.
    pub(crate) href: String,
    /// The days whose charge it collects; nothing before it is sent.
    pub(crate) days: Html,
    /// The days, or what it pays instead.
    pub(crate) pays: Html,
    /// The page of the day's bill, if it collects the charge of one day.
    pub(crate) bill: Option<String>,
    pub(crate) amount: Html,
    pub(crate) is_fixed: bool,
    /// When it was sent, or is.
    pub(crate) when: Html,
    pub(crate) trade_no: Option<Html>,
    pub(crate) chip: Chip,
    pub(crate) what: Html,
    pub(crate) can: Html,
    pub(crate) declines: Vec<DeclineLine>,
    pub(crate) attempts: Vec<AttemptLine>,
    pub(crate) confirmation: Option<Confirmation>,
}

/// That a bill of Alipay has shown a payment, or is to show it.
#[derive(Clone, Debug)]
pub(crate) struct Confirmation {
    /// Whether the bill is still to come.
    pub(crate) is_open: bool,
    pub(crate) what: Html,
    pub(crate) text: Html,
}

impl Confirmation {
    /// By the day of the bill that showed it; without one, of the bill that is to show it.
    pub(crate) fn of(
        lang: Lang,
        confirmed_by: Option<Date>,
        expected_on: Option<Date>,
    ) -> Option<Confirmation> {
        let t = Texts(lang);
        let confirmed = confirmed_by.map(|day| Confirmation {
            is_open: false,
            what: t.confirmed(),
            text: t.alipay_bill_of(day),
        });
        confirmed.or_else(|| {
            expected_on.map(|day| Confirmation {
                is_open: true,
                what: t.to_confirm(),
                text: t.alipay_bill_arrives(day, day.tomorrow().unwrap_or(day)),
            })
        })
    }
}

/// A state as an icon and a word.
#[derive(Clone, Debug)]
pub(crate) struct Chip {
    pub(crate) icon: Icon,
    pub(crate) tone: Tone,
    pub(crate) word: Html,
}

/// How loud a chip is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// A neutral fact.
    Plain,
    /// Settled, or on.
    Go,
    /// The reader can do something.
    Care,
}

/// A try that was declined.
#[derive(Clone, Debug)]
pub(crate) struct DeclineLine {
    pub(crate) at: Html,
    pub(crate) why: Html,
    pub(crate) code: Html,
}

/// A number under which it was sent.
#[derive(Clone, Debug)]
pub(crate) struct AttemptLine {
    pub(crate) at: Html,
    pub(crate) out_trade_no: Html,
    pub(crate) trade_no: Option<Html>,
}

impl Tone {
    /// The chip's class.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Tone::Plain => "chip",
            Tone::Go => "chip go",
            Tone::Care => "chip care",
        }
    }
}

/// An outcome, and what the reader can do about it.
struct Told {
    what: Html,
    can: Html,
}

impl DebitLine {
    pub(crate) fn new(frame: &Frame, calendar: &Calendar, debit: &DebitView) -> DebitLine {
        let t = Texts(frame.lang);
        let lang = frame.lang;
        let brief = |at| Brief(wall_clock(calendar, at));
        let told = debit.told(frame, calendar);
        let when = match (debit.paid_at_s, debit.next_at_s) {
            (Some(at), _) => Html::show(brief(at), lang),
            (None, Some(at)) => t.due(brief(at)),
            (None, None) => debit
                .attempts
                .last()
                .map_or_else(Html::default, |attempt| Html::show(brief(attempt.sent_at_s), lang)),
        };
        let days = match (debit.from, debit.through) {
            (Some(from), Some(through)) if from != through => t.days(from, through),
            (Some(day), _) | (None, Some(day)) => t.day(day),
            (None, None) => Html::default(),
        };
        let pays = if !days.is_empty() {
            days.clone()
        } else if debit.is_open() {
            t.owed_then()
        } else {
            t.nothing_taken()
        };
        let one = debit.from.filter(|from| Some(*from) == debit.through);
        DebitLine {
            number: debit.debit.0,
            name: t.number(Count(debit.debit.0)),
            href: debit_page(frame, debit.debit.0),
            days,
            pays,
            bill: one.map(|day| format!("{}/{day}", frame.page("bills"))),
            amount: debit
                .amount_fen
                .map_or_else(Html::default, |amount| Html::show(Plain(amount), lang)),
            is_fixed: debit.is_fixed,
            when,
            trade_no: debit.trade_no.as_deref().map(|number| Html::show(Code(number), lang)),
            chip: debit.state.chip(frame),
            what: told.what,
            can: told.can,
            declines: debit
                .declines
                .iter()
                .map(|declined| declined.line(frame, calendar))
                .collect(),
            attempts: debit
                .attempts
                .iter()
                .map(|attempt| AttemptLine {
                    at: Html::show(wall_clock(calendar, attempt.sent_at_s), lang),
                    out_trade_no: Html::show(Code(&attempt.out_trade_no), lang),
                    trade_no: attempt.trade_no.as_deref().map(|no| Html::show(Code(no), lang)),
                })
                .collect(),
            confirmation: Confirmation::of(lang, debit.confirmed_by, debit.expected_on),
        }
    }

    pub(crate) fn all(frame: &Frame, calendar: &Calendar, debits: &[DebitView]) -> Vec<DebitLine> {
        debits.iter().map(|debit| DebitLine::new(frame, calendar, debit)).collect()
    }
}

/// Where a debit stands in the ledger: at the head of its page.
pub(crate) fn debit_page(frame: &Frame, number: u64) -> String {
    let before = number.saturating_add(1);
    format!("{}?kind=debits&before={before}#debit-{number}", frame.page("ledger"))
}

/// Where a movement stands in the ledger: at the head of its page.
pub(crate) fn entry_page(frame: &Frame, number: u64) -> String {
    let before = number.saturating_add(1);
    format!("{}?kind=all&before={before}#entry-{number}", frame.page("ledger"))
}

impl DebitState {
    pub(crate) fn chip(self, frame: &Frame) -> Chip {
        let t = Texts(frame.lang);
        let (icon, tone, word) = match self {
            DebitState::Scheduled => (Icon::Clock, Tone::Plain, t.scheduled()),
            DebitState::WithoutAgreement => (Icon::Pause, Tone::Care, t.without_agreement()),
            DebitState::Sending => (Icon::Clock, Tone::Plain, t.sending()),
            DebitState::Resending => (Icon::Clock, Tone::Plain, t.resending()),
            DebitState::Unknown => (Icon::Clock, Tone::Plain, t.unknown()),
            DebitState::Declined => (Icon::Clock, Tone::Care, t.declined()),
            DebitState::GivingUp => (Icon::Clock, Tone::Plain, t.giving_up()),
            DebitState::Held => (Icon::Clock, Tone::Plain, t.held()),
            DebitState::Paid => (Icon::Check, Tone::Go, t.paid()),
            DebitState::GivenUp => (Icon::Care, Tone::Care, t.given_up()),
            DebitState::Withdrawn => (Icon::Square, Tone::Plain, t.withdrawn()),
        };
        Chip { icon, tone, word }
    }
}

impl DeclinedTry {
    pub(crate) fn line(&self, frame: &Frame, calendar: &Calendar) -> DeclineLine {
        let t = Texts(frame.lang);
        DeclineLine {
            at: Html::show(wall_clock(calendar, self.at_s), frame.lang),
            why: self.reason.what(frame),
            code: t.code(Code(&self.code)),
        }
    }
}

impl Reason {
    /// The sentence about the decline.
    pub(crate) fn what(self, frame: &Frame) -> Html {
        let t = Texts(frame.lang);
        match self {
            Reason::Funds => t.funds(),
            Reason::AmountCap => t.amount_cap(),
            Reason::Window => t.window(),
            Reason::MandateDead => t.mandate_dead(),
            Reason::PayerBlocked => t.payer_blocked(),
            Reason::ByOperator => t.by_operator(),
        }
    }

    /// What the reader can do; after the last try, if the debit was given up.
    pub(crate) fn can(self, is_over: bool, frame: &Frame) -> Html {
        let t = Texts(frame.lang);
        match self {
            Reason::Funds if is_over => t.funds_over_can(),
            Reason::Funds => t.funds_can(),
            Reason::AmountCap => t.amount_cap_can(),
            Reason::Window if is_over => t.funds_over_can(),
            Reason::Window => t.window_can(),
            Reason::MandateDead => t.mandate_dead_can(),
            Reason::PayerBlocked => t.payer_blocked_can(),
            Reason::ByOperator => t.by_operator_can(),
        }
    }
}

impl DebitView {
    fn told(&self, frame: &Frame, calendar: &Calendar) -> Told {
        let t = Texts(frame.lang);
        let clock = |at| wall_clock(calendar, at);
        let next = self.next_at_s.map(clock);
        let told = |what, can| Told { what, can };
        match self.state {
            DebitState::WithoutAgreement => {
                if self.is_fixed {
                    return told(t.not_sent_without_agreement(), t.without_agreement_later());
                }
                let what = next.map_or_else(Html::default, |at| t.without_agreement_what(at));
                told(what, t.mandate_dead_can())
            }
            DebitState::Scheduled if self.amount_fen.is_none() => {
                told(next.map_or_else(Html::default, |at| t.nothing_yet(at)), t.nothing_to_do())
            }
            DebitState::Scheduled => {
                told(next.map_or_else(Html::default, |at| t.scheduled_what(at)), t.scheduled_can())
            }
            DebitState::Sending => told(t.sending_what(), t.unknown_can()),
            DebitState::Resending => {
                told(next.map_or_else(Html::default, |at| t.resending_what(at)), t.nothing_to_do())
            }
            DebitState::Unknown => told(t.unknown_what(), t.unknown_can()),
            DebitState::Declined => {
                let last = self.declines.last().map(|declined| declined.reason);
                let what = last.map_or_else(Html::default, |reason| reason.what(frame));
                let next = next.map_or_else(Html::default, |at| t.declined_next(at));
                let can = last.map_or_else(Html::default, |reason| reason.can(false, frame));
                told(what.then(&next, frame.lang), can)
            }
            DebitState::GivingUp => {
                let why = self.given_up.map_or_else(Html::default, |why| why.what(frame));
                told(why.then(&t.giving_up_what(), frame.lang), t.giving_up_can())
            }
            DebitState::Held => told(t.held_what(), t.unknown_can()),
            DebitState::Paid => {
                let at = self.paid_at_s.map(clock);
                told(at.map_or_else(|| t.paid(), |at| t.paid_what(at)), t.nothing_to_do())
            }
            DebitState::GivenUp => {
                let why = self.given_up.map_or_else(Html::default, |why| why.what(frame));
                let owed = self.amount_fen.map(|amount| t.given_up_can(Figure(amount)));
                let can = self.given_up.map_or_else(Html::default, |why| why.can(true, frame));
                told(why, owed.unwrap_or_default().then(&can, frame.lang))
            }
            DebitState::Withdrawn => told(t.withdrawn_what(), t.withdrawn_can()),
        }
    }
}
