//! The page of withholding.

use askama::Template;
use jiff::civil::Time;
use steelyard_billing::mandate::MandateLimits;
use steelyard_billing::{Calendar, FUNDS_RETRY_DAYS};
use steelyard_pricing::Fen;

use super::form::{
    EndProblem, LimitProblem, LimitsForm, LimitsProblem, SignProblem, WithholdingForms,
};
use super::terms::Terms;
use super::texts::Texts;
use super::{AgreementView, EndedBy, LastBill, TERMS_VERSION, Withholding, WithholdingState};
use crate::Frame;
use crate::debits::{Chip, DebitLine, Tone};
use crate::frame::{Common, wall_clock};
use crate::icon::Icon;
use crate::link::Link;
use crate::qr::Qr;
use crate::show::{Code, Count, Figure, Html, Plain};
use crate::strip::Strip;

/// By what an offered agreement is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningLinks {
    /// A link that opens the Alipay app of a phone.
    pub app: String,
    /// The text of the QR code for a desktop.
    pub qr: String,
}

/// The page of withholding: its state, agreement, limits and debits.
#[derive(Debug, Template)]
#[template(path = "withholding.html")]
pub struct WithholdingPage<'a> {
    frame: &'a Frame,
    c: Common,
    t: Texts,
    view: &'a Withholding,
    forms: &'a WithholdingForms,
    limits: LimitsForm,
    chip: Chip,
    time: Time,
    told: Option<Told>,
    waits: Option<Html>,
    links: Option<Links>,
    agreement: Option<AgreementFacts>,
    strip: Option<Strip>,
    next: Option<DebitLine>,
    debits: Vec<DebitLine>,
    withheld: Html,
    terms: [Html; 7],
    path: String,
}

/// The note above everything else: why withholding has ended, or is suspended.
#[derive(Clone, Debug)]
struct Told {
    title: Html,
    text: Html,
}

/// The ways to sign.
#[derive(Clone, Debug)]
struct Links {
    app: Option<Link>,
    qr: Option<Qr>,
}

/// The facts of an agreement.
#[derive(Clone, Debug)]
struct AgreementFacts {
    number: Html,
    mandate: u32,
    since: Html,
    until: Option<Html>,
    account: Option<Html>,
    agreed: Option<Html>,
    /// What the link to the terms says: they may have changed since.
    read: Html,
    today: Html,
    alipay_limit: Option<Html>,
}

impl<'a> WithholdingPage<'a> {
    /// The page with its forms: as they are shown first, or one of them again with what is wrong.
    #[must_use]
    pub fn new(
        frame: &'a Frame,
        calendar: &Calendar,
        view: &'a Withholding,
        forms: &'a WithholdingForms,
    ) -> WithholdingPage<'a> {
        let t = Texts(frame.lang);
        let time = wall_clock(calendar, view.next_due_s).time();
        let in_force = view.agreement.as_ref().map(AgreementView::limits);
        let limits = forms.limits.clone().or(in_force.map(LimitsForm::of)).unwrap_or_default();
        WithholdingPage {
            frame,
            c: Common(frame.lang),
            t,
            view,
            forms,
            limits,
            chip: chip(t, calendar, view),
            time,
            told: told(frame, calendar, view),
            waits: view
                .offer
                .as_ref()
                .map(|offer| t.continue_text(wall_clock(calendar, offer.lapses_at_s))),
            links: forms.links.as_ref().map(|links| Links {
                app: Link::new(&links.app),
                qr: Qr::new(&links.qr, t.qr_title(), frame.lang),
            }),
            agreement: view
                .agreement
                .as_ref()
                .map(|agreement| AgreementFacts::new(frame, calendar, view, agreement)),
            strip: view
                .last_bill
                .as_ref()
                .filter(|bill| bill.charge_fen.is_positive())
                .map(|bill| strip(t, time, bill)),
            next: view.next.as_ref().map(|next| DebitLine::new(frame, calendar, next)),
            debits: DebitLine::all(frame, calendar, &view.debits),
            withheld: Html::show(Plain(view.withheld_fen), frame.lang),
            terms: Terms(frame.lang).articles(),
            path: frame.page("withholding"),
        }
    }

    fn can_sign(&self) -> bool {
        self.view.can_sign
    }

    /// Whether debits are made, or are paused: limits can be lowered, and it can be ended.
    fn is_signed(&self) -> bool {
        match self.view.state {
            WithholdingState::On | WithholdingState::Suspended => true,
            WithholdingState::Off
            | WithholdingState::Waiting
            | WithholdingState::Ending
            | WithholdingState::Ended => false,
        }
    }

    fn version(&self) -> Html {
        Html::show(TERMS_VERSION, self.frame.lang)
    }

    fn consent_text(&self) -> Html {
        let provider = self.frame.provider.as_ref();
        let name = provider.map_or_else(Html::default, |id| Html::show(id, self.frame.lang));
        self.t.consent(name, self.version())
    }

    fn sign_problem(&self) -> Option<Html> {
        let t = self.t;
        self.forms.sign.problem.map(|problem| match problem {
            SignProblem::NotAgreed => t.not_agreed(),
            SignProblem::OtherTerms => t.other_terms(),
            SignProblem::SentBefore => t.sign_sent_before(),
            SignProblem::Refused => t.sign_refused(),
            SignProblem::Unavailable => t.sign_unavailable(),
        })
    }

    fn end_problem(&self) -> Option<Html> {
        let t = self.t;
        self.forms.end.problem.map(|problem| match problem {
            EndProblem::NotSure => t.end_not_sure(),
            EndProblem::Another => t.end_another(),
            EndProblem::Refused => t.agreement_changed(),
            EndProblem::Unavailable => t.end_unavailable(),
        })
    }

    fn limits_problem(&self) -> Option<Html> {
        let t = self.t;
        self.limits.problem.map(|problem| match problem {
            LimitsProblem::Another => t.limits_another(),
            LimitsProblem::SentBefore => t.limits_sent_before(),
            LimitsProblem::Refused => t.agreement_changed(),
            LimitsProblem::Unavailable => t.limits_unavailable(),
        })
    }

    fn limit_problem(&self, problem: Option<LimitProblem>) -> Option<Html> {
        let t = self.t;
        problem.map(|problem| match problem {
            LimitProblem::Missing => t.limit_missing(),
            LimitProblem::NotAnAmount => t.limit_not(),
            LimitProblem::Nothing => t.limit_nothing(),
            LimitProblem::Above(most) => t.limit_above(Figure(most)),
        })
    }

    fn single_problem(&self) -> Option<Html> {
        self.limit_problem(self.limits.single_problem)
    }

    fn daily_problem(&self) -> Option<Html> {
        self.limit_problem(self.limits.daily_problem)
    }

    fn single_hint(&self) -> Html {
        let single = self.view.agreement.as_ref().map_or(Fen::ZERO, |a| a.single_limit_fen);
        match self.view.largest_fen {
            Some(largest) => self.t.single_hint_largest(Figure(single), Figure(largest)),
            None => self.t.single_hint(Figure(single)),
        }
    }

    fn daily_hint(&self) -> Html {
        match self.view.agreement.as_ref().and_then(|agreement| agreement.daily_limit_fen) {
            Some(daily) => self.t.daily_hint(Figure(daily)),
            None => self.t.daily_hint_none(),
        }
    }

    fn at_most(&self) -> Html {
        let single = Figure(self.view.offered_single_limit_fen);
        match self.view.offered_daily_limit_fen {
            Some(daily) => self.t.at_most_both(single, Figure(daily)),
            None => self.t.at_most_single(single),
        }
    }

    fn if_declined(&self) -> Html {
        let [first, last] = FUNDS_RETRY_DAYS.map(|days| Count(u64::from(days.unsigned_abs())));
        self.t.if_declined_text(first, last)
    }
}

impl AgreementView {
    /// The limits in force.
    #[must_use]
    pub fn limits(&self) -> MandateLimits {
        MandateLimits { single_fen: self.single_limit_fen, daily_fen: self.daily_limit_fen }
    }
}

impl AgreementFacts {
    fn new(
        frame: &Frame,
        calendar: &Calendar,
        view: &Withholding,
        agreement: &AgreementView,
    ) -> AgreementFacts {
        let t = Texts(frame.lang);
        let clock = |at| wall_clock(calendar, at);
        let shown = |at| Html::show(clock(at), frame.lang);
        let today = Figure(view.today_fen);
        AgreementFacts {
            number: agreement
                .agreement_no
                .as_deref()
                .map_or_else(Html::default, |number| Html::show(Code(number), frame.lang)),
            mandate: agreement.mandate.0,
            since: shown(agreement.since_s),
            account: agreement.payer_login.as_deref().map(|login| t.account_of(login)),
            // Alipay dates the end of an agreement without a period to February 2115.
            until: agreement
                .ends_at_s
                .map(clock)
                .filter(|end| end.year() < 2115)
                .map(|end| Html::show(end, frame.lang)),
            agreed: agreement
                .consent
                .as_ref()
                .map(|consent| t.agreed_text(clock(consent.at_s), Code(&consent.terms_version))),
            read: match &agreement.consent {
                Some(consent) if consent.terms_version == TERMS_VERSION => t.read_terms(),
                Some(_) | None => t.read_current_terms(Code(TERMS_VERSION)),
            },
            today: match agreement.daily_limit_fen {
                Some(limit) => t.today_of(today, Figure(limit)),
                None => Html::show(today, frame.lang),
            },
            alipay_limit: agreement
                .alipay_limit_fen
                .map(|limit| t.alipay_limit_text(Figure(limit))),
        }
    }
}

fn chip(t: Texts, calendar: &Calendar, view: &Withholding) -> Chip {
    let (icon, tone, word) = match view.state {
        WithholdingState::Off => (Icon::Dashed, Tone::Plain, t.off()),
        WithholdingState::Waiting => (Icon::Clock, Tone::Plain, t.waiting()),
        WithholdingState::On => {
            let since = view.agreement.as_ref().map(|a| t.on(wall_clock(calendar, a.since_s)));
            (Icon::Check, Tone::Go, since.unwrap_or_else(|| t.is_on()))
        }
        WithholdingState::Suspended => (Icon::Pause, Tone::Care, t.suspended()),
        WithholdingState::Ending => (Icon::Clock, Tone::Plain, t.ending()),
        WithholdingState::Ended => (Icon::Square, Tone::Plain, t.ended()),
    };
    Chip { icon, tone, word }
}

/// The note on why withholding has ended, or is suspended.
fn told(frame: &Frame, calendar: &Calendar, view: &Withholding) -> Option<Told> {
    let t = Texts(frame.lang);
    // What a recharge would pay: a debit that is open holds the rest.
    let owed = view.balance.payable_fen;
    let agreement = view.agreement.as_ref()?;
    if view.state == WithholdingState::Ending {
        return Some(Told { title: t.ending_title(), text: t.ending_text(Figure(owed)) });
    }
    if let Some(suspended) = &agreement.suspended {
        let since = t.since_at(wall_clock(calendar, suspended.since_s));
        let (title, text) = match (suspended.debit, suspended.reason) {
            (Some(debit), Some(reason)) => {
                let debit = t.debit_no(Count(debit.0));
                let text = t.suspended_debit_text(debit, reason.what(frame), Figure(owed));
                (t.suspended_debit(), text)
            }
            _ => (t.suspended_alipay(), t.suspended_alipay_text(Figure(owed))),
        };
        return Some(Told { title, text: since.then(&text, frame.lang) });
    }
    let ended = agreement.ended?;
    let by = match ended.by {
        EndedBy::AtAlipay => t.ended_alipay(),
        EndedBy::Here => t.ended_here(),
        EndedBy::Time => t.ended_time(),
        EndedBy::Another => t.ended_another(),
        EndedBy::NotSigned => t.ended_not_signed(),
    };
    let rest = if owed.is_zero() { t.nothing_owed() } else { t.still_owed(Figure(owed)) };
    let title = t.ended_at(wall_clock(calendar, ended.at_s));
    Some(Told { title, text: by.then(&rest, frame.lang) })
}

/// What withholding would have paid of the last bill.
fn strip(t: Texts, time: Time, bill: &LastBill) -> Strip {
    let plain = |amount: Fen| Html::show(Plain(amount), t.0);
    Strip::new(t.had_it())
        .row("", t.bill(bill.statement), plain(bill.charge_fen))
        .row("−", t.prepaid(), plain(bill.from_prepaid_fen))
        .total(t.withheld_at(time), plain(bill.rest_fen))
}
