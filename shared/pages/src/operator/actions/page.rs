//! The page of the audit trail.

use jiff::Timestamp;
use jiff::civil::DateTime;
use steelyard_billing::{Calendar, Stage};

use super::texts::Texts;
use super::{ActionKind, ActionRow, ActionStanding, AskedBy, AuditTrail, ReturnAmounts};
use crate::frame::{Frame, wall_clock};
use crate::icon::Icon;
use crate::operator::OperatorPage;
use crate::operator::debits::DebitWay;
use crate::operator::form::{About, FormWriter, Forms};
use crate::operator::parts::{
    Chip, ChipKind, Column, Notice, Section, Table, all, empty, percent_encoded, with_sub,
};
use crate::operator::runs::unreadable_section;
use crate::show::{Code, Count, Figure, Html, WithYear};

impl<'a> OperatorPage<'a> {
    /// The page of the audit trail. Its forms have the fields `action` and `do`, which is `approve`
    /// or `reject`.
    #[must_use]
    pub fn actions(
        frame: &'a Frame,
        view: &AuditTrail,
        forms: &Forms,
        calendar: &Calendar,
    ) -> OperatorPage<'a> {
        let mut forms = FormWriter::new(frame, forms);
        let of = Page { frame, view, calendar, t: Texts(frame.lang) };
        let sections = vec![of.waiting(&mut forms), of.trail()];
        let unreadable = unreadable_section(frame, &view.unreadable);
        let sections = sections.into_iter().chain(unreadable).collect();
        OperatorPage::of(frame, of.t.title(), sections).with_forms(&forms)
    }
}

struct Page<'a> {
    frame: &'a Frame,
    view: &'a AuditTrail,
    calendar: &'a Calendar,
    t: Texts,
}

impl Page<'_> {
    fn clock(&self, at: Timestamp) -> DateTime {
        wall_clock(self.calendar, at)
    }

    fn waiting(&self, forms: &mut FormWriter<'_>) -> Section {
        let t = self.t;
        let body = if self.view.waiting.is_empty() {
            empty(&t.no_waiting(), &t.no_waiting_text())
        } else {
            all(self.view.waiting.iter().map(|action| self.notice(action, forms)))
        };
        Section { id: "waiting", heading: t.waiting(), note: Some(t.waiting_note()), body }
    }

    fn notice(&self, action: &ActionRow, forms: &mut FormWriter<'_>) -> Html {
        let t = self.t;
        let is_own = self.is_own(&action.asked_by);
        let mut texts = vec![t.asked(self.who(&action.asked_by), self.clock(action.asked_at_s))];
        texts.extend(action.reason.as_deref().map(|reason| t.because(reason)));
        texts.extend(action.returns.as_ref().map(|amounts| self.amounts(amounts)));
        texts.extend(is_own.then(|| t.own()));
        let approve = (!is_own).then(|| ("approve", t.approve()));
        let form = forms.form(About {
            form: format!("action/{}", action.id),
            hidden: vec![("action", action.id.clone())],
            choices: approve.into_iter().chain([("reject", t.reject())]).collect(),
            button: t.decide(),
            note: t.decide_note(),
        });
        let heading = self.what(&action.what);
        let text = Html::sentences(texts, t.0);
        Notice { needs_care: !is_own, icon: Icon::Clock, heading, text, form }.html()
    }

    /// What a return of a deposit moves.
    fn amounts(&self, amounts: &ReturnAmounts) -> Html {
        let ReturnAmounts { drawn_fen, returned_fen, by_transfer_fen } = amounts;
        self.t.amounts(Figure(*returned_fen), Figure(*drawn_fen), Figure(*by_transfer_fen))
    }

    /// Whether the person who looks asked for it. The rule itself is the books'.
    fn is_own(&self, by: &AskedBy) -> bool {
        match (by, &self.frame.operator) {
            (AskedBy::Operator { operator }, Some(looking)) => {
                operator.to_lowercase() == looking.to_lowercase()
            }
            (AskedBy::Operator { .. }, None)
            | (AskedBy::Provider { .. } | AskedBy::Caller { .. }, _) => false,
        }
    }

    fn trail(&self) -> Section {
        let t = self.t;
        let body = if self.view.actions.is_empty() {
            empty(&t.no_trail(), &t.no_trail_text())
        } else {
            let columns = [t.what(), t.when(), t.who(), t.why(), t.result()];
            let columns = columns.map(Column::words).to_vec();
            let rows = self.view.actions.iter().map(|action| self.row(action)).collect();
            all([Table::new(t.trail(), columns, rows).html()].into_iter().chain(self.more()))
        };
        Section { id: "trail", heading: t.trail(), note: Some(t.trail_note()), body }
    }

    fn more(&self) -> Option<Html> {
        let next = self.view.next.as_deref()?;
        let href = format!("{}?after={}", self.frame.path, percent_encoded(next));
        Some(Html(format!("<p class=\"acts\">{}</p>", Html::link(&href, &self.t.next_page()))))
    }

    fn row(&self, action: &ActionRow) -> Vec<Html> {
        let t = self.t;
        let who = self.who(&action.asked_by);
        let who = match action.approved_by.as_deref() {
            Some(by) => with_sub(&who, &t.approved_by(by)),
            None => who,
        };
        let reason = action.reason.as_deref();
        vec![
            self.what(&action.what),
            t.at(self.clock(action.asked_at_s)),
            who,
            reason.map_or_else(|| t.no_reason(), |reason| Html::show(reason, self.frame.lang)),
            self.result(&action.standing),
        ]
    }

    fn result(&self, standing: &ActionStanding) -> Html {
        let t = self.t;
        let (kind, icon, label, more) = match standing {
            ActionStanding::Asked => (ChipKind::Plain, Icon::Clock, t.is_asked(), None),
            ActionStanding::Waiting => (ChipKind::Plain, Icon::Clock, t.is_waiting(), None),
            ActionStanding::Done { at_s, was_so_before } => {
                let label = if *was_so_before { t.is_as_before() } else { t.is_done() };
                (ChipKind::Go, Icon::Check, label, Some(t.at(self.clock(*at_s))))
            }
            ActionStanding::Refused { at_s, why } => {
                let why = t.refused_why(why, self.clock(*at_s));
                (ChipKind::Plain, Icon::Square, t.is_refused(), Some(why))
            }
            ActionStanding::Rejected { at_s, by, reason } => {
                let why = t.rejected_why(by, reason, self.clock(*at_s));
                (ChipKind::Plain, Icon::Square, t.is_rejected(), Some(why))
            }
        };
        let chip = Chip { kind, icon, label }.html();
        let more = more.map(|more| Html(format!("<p class=\"note\">{more}</p>")));
        Html(format!("<div>{}</div>", all([chip].into_iter().chain(more))))
    }

    fn who(&self, by: &AskedBy) -> Html {
        match by {
            AskedBy::Operator { operator } => self.t.operator(operator),
            AskedBy::Provider { provider, session } => self.t.of_provider(provider, Code(session)),
            AskedBy::Caller { caller, provider } => self.t.for_provider(provider, Code(caller)),
        }
    }

    fn what(&self, what: &ActionKind) -> Html {
        let t = self.t;
        match what {
            ActionKind::EndMandate { provider, mandate } => {
                t.end_mandate(provider, Count(mandate.0.into()))
            }
            ActionKind::LowerLimits { provider, mandate, single_fen, daily_fen } => {
                let (mandate, single) = (Count(mandate.0.into()), Figure(*single_fen));
                match daily_fen {
                    Some(daily) => t.lower_daily(provider, mandate, single, Figure(*daily)),
                    None => t.lower(provider, mandate, single),
                }
            }
            ActionKind::ResolveDebit { provider, debit, way } => {
                let debit = Count(debit.0);
                match way {
                    DebitWay::Ask => t.ask(provider, debit),
                    DebitWay::Retry => t.retry(provider, debit),
                    DebitWay::GiveUp => t.give_up(provider, debit),
                }
            }
            ActionKind::CloseFinding { trade, request: None } => t.close_finding(Code(trade)),
            ActionKind::CloseFinding { trade, request: Some(request) } => {
                t.close_refund(Code(trade), Code(request))
            }
            ActionKind::StopDebits => t.stop(),
            ActionKind::ResumeDebits => t.resume(),
            ActionKind::ApproveAdjustment { provider, adjustment } => {
                t.approve_adjustment(provider, Code(adjustment))
            }
            ActionKind::RejectAdjustment { provider, adjustment } => {
                t.reject_adjustment(provider, Code(adjustment))
            }
            ActionKind::SetAlerts { provider } => t.set_alerts(provider),
            ActionKind::RevokeSessions { provider } => t.revoke(provider),
            ActionKind::DrawDeposit { provider, amount_fen: None } => t.draw(provider),
            ActionKind::DrawDeposit { provider, amount_fen: Some(most) } => {
                t.draw_most(provider, Figure(*most))
            }
            ActionKind::ReturnDeposit { provider, amount_fen: None } => t.return_deposit(provider),
            ActionKind::ReturnDeposit { provider, amount_fen: Some(most) } => {
                t.return_most(provider, Figure(*most))
            }
            ActionKind::BookDepositReturn { provider, amount_fen, reference } => {
                t.book_return(provider, Figure(*amount_fen), Code(reference))
            }
            ActionKind::HoldStage { provider, stage, until } => {
                t.hold(provider, self.stage(*stage), WithYear(*until))
            }
            ActionKind::ReleaseStage { provider } => t.release(provider),
        }
    }

    fn stage(&self, stage: Stage) -> Html {
        let t = self.t;
        match stage {
            Stage::Good => t.stage_good(),
            Stage::Notice => t.stage_notice(),
            Stage::Throttled => t.stage_throttled(),
            Stage::PayoutsFrozen => t.stage_payouts_frozen(),
            Stage::Suspended => t.stage_suspended(),
            Stage::Terminated => t.stage_terminated(),
        }
    }
}
