//! The start page as it is written.

use askama::Template;
use jiff::Timestamp;
use jiff::civil::DateTime;
use steelyard_billing::{Calendar, ProviderId};
use steelyard_pricing::{BillingDay, Fen};

use super::texts::Texts;
use super::{AgreementLine, AgreementState, NextRun, PaymentLine, PaymentState, Run, Start};
use crate::debits::{Chip, Tone};
use crate::frame::{Common, Frame, wall_clock};
use crate::icon::Icon;
use crate::show::{Code, Count, Figure, Html, Plain};

/// The start page of a local stack.
#[derive(Debug, Template)]
#[template(path = "start.html")]
pub struct StartPage<'a> {
    frame: &'a Frame,
    c: Common,
    t: Texts,
    calendar: &'a Calendar,
    view: &'a Start,
}

impl<'a> StartPage<'a> {
    /// The page of what a stack holds.
    #[must_use]
    pub fn new(frame: &'a Frame, calendar: &'a Calendar, view: &'a Start) -> StartPage<'a> {
        StartPage { frame, c: Common(frame.lang), t: Texts(frame.lang), calendar, view }
    }

    fn plain(&self, amount: &Fen) -> Html {
        Html::show(Plain(*amount), self.frame.lang)
    }

    fn code(&self, text: &str) -> Html {
        Html::show(Code(text), self.frame.lang)
    }

    /// With the year: the clock of a stack may be moved by years.
    fn time(&self, at: &Timestamp) -> Html {
        Html::show(self.wall_clock(at), self.frame.lang)
    }

    fn wall_clock(&self, at: &Timestamp) -> DateTime {
        wall_clock(self.calendar, *at)
    }

    fn enter(&self, provider: &ProviderId) -> String {
        format!("/local/enter/{provider}")
    }

    fn add_provider(&self) -> Option<Html> {
        let today = BillingDay::new(self.frame.as_of.date()).ok()?;
        Some(self.t.add_provider_from(today.month()))
    }

    fn speed(&self) -> Html {
        match self.view.speed {
            0 => self.t.stands_still(),
            1 => self.t.runs_with_time(),
            speed => self.t.runs_faster(Count(speed.into())),
        }
    }

    /// What runs, and what it does.
    fn run(&self, next: &NextRun) -> (Html, Html) {
        match next.run {
            Run::Settlement => (self.t.settlement(), self.t.settlement_text()),
            Run::Dispatch => (self.t.dispatch(), self.t.dispatch_text()),
            Run::Notification => (self.t.notification(), self.t.notification_text()),
            Run::Reconciliation => (self.t.reconciliation(), self.t.reconciliation_text()),
        }
    }

    fn payer_page(&self, payer: &str) -> String {
        let mut page = String::from("/local/payers/");
        for byte in payer.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                page.push(char::from(byte));
            } else {
                page.push_str(&format!("%{byte:02X}"));
            }
        }
        page + "/agreements"
    }

    fn agreement_chip(&self, agreement: &AgreementLine) -> Chip {
        let (icon, tone, word) = match agreement.state {
            AgreementState::InForce => (Icon::Check, Tone::Go, self.t.in_force()),
            AgreementState::Deferred => (Icon::Clock, Tone::Plain, self.t.deferred()),
            AgreementState::Suspended => (Icon::Pause, Tone::Plain, self.t.suspended()),
            AgreementState::Ended => (Icon::Square, Tone::Plain, self.t.ended()),
        };
        Chip { icon, tone, word }
    }

    fn payment_chip(&self, payment: &PaymentLine) -> Chip {
        let (icon, tone, word) = match payment.state {
            PaymentState::Waiting => (Icon::Dashed, Tone::Plain, self.t.waiting()),
            PaymentState::UnderWay => (Icon::Clock, Tone::Plain, self.t.under_way()),
            PaymentState::Paid => (Icon::Check, Tone::Go, self.t.paid()),
            PaymentState::Closed => (Icon::Square, Tone::Plain, self.t.closed()),
        };
        Chip { icon, tone, word }
    }
}
