//! What is withheld next.

use steelyard_billing::DeclineReason;
use steelyard_pricing::Fen;

use super::{Action, Hero, QUIET, Writer};
use crate::overview::chart::{bill_path, span};
use crate::overview::{Notice, StripPart, WithheldDays, WithholdingState};
use crate::show::{Figure, Html, Plain};
use crate::strip::Strip;

impl Writer<'_> {
    pub(super) fn hero(&self) -> Hero {
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
            | WithholdingState::Unbilled
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
                (self.nothing_today(), None, self.sentences(why.into_iter().flatten()))
            }
            WithholdingState::NothingOwed => (self.nothing_today(), None, self.nothing_owed()),
            WithholdingState::Unbilled => (t.unbilled(), None, self.unbilled_why()),
            WithholdingState::BelowMinimum => {
                (self.nothing_today(), None, t.below_minimum(owed, minimum))
            }
            WithholdingState::NoAgreement => {
                (t.no_agreement(), None, self.and_collecting(t.no_agreement_why()))
            }
            WithholdingState::Suspended if self.is_suspended_by_alipay() => {
                (t.suspended(), None, self.and_collecting(t.suspended_why()))
            }
            WithholdingState::Suspended => {
                (t.suspended(), None, self.and_collecting(t.suspended_by_debit_why()))
            }
            WithholdingState::LimitTooSmall => {
                let limit = next.agreement.as_ref().map_or(Fen::ZERO, |agreement| {
                    let daily = agreement.daily_limit_fen.unwrap_or(agreement.single_limit_fen);
                    agreement.single_limit_fen.min(daily)
                });
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
            WithholdingState::UnderWay if account.collecting_fen.is_zero() => {
                (t.about_to_begin(), None, t.about_to_begin_why())
            }
            WithholdingState::UnderWay => (t.under_way(since), None, t.under_way_why()),
            WithholdingState::InDoubt => (t.in_doubt(), None, t.in_doubt_why()),
            WithholdingState::GivenUp => (t.given_up(), None, t.given_up_why()),
            WithholdingState::Closed => (t.nothing_today(), None, t.nothing_owed()),
        }
    }

    fn nothing_today(&self) -> Html {
        match self.view.next_withholding.withheld_today_fen.is_positive() {
            true => self.t.nothing_more_today(),
            false => self.t.nothing_today(),
        }
    }

    fn unbilled_why(&self) -> Html {
        let Some(unbilled) = self.view.next_withholding.unbilled else { return Html::default() };
        match unbilled.charge_fen {
            Some(charge) => {
                let days = span(unbilled.from, unbilled.through, self.frame.lang);
                self.t.unbilled_why(days, Figure(charge))
            }
            None => self.t.unbilled_unread(unbilled.from),
        }
    }

    fn nothing_owed(&self) -> Html {
        match self.view.next_withholding.agreement {
            Some(_) => self.t.nothing_owed(),
            None => self.t.nothing_owed_without(),
        }
    }

    /// What a debit that is not sent again holds back from a recharge.
    fn and_collecting(&self, why: Html) -> Html {
        let held = self.view.account.collecting_fen;
        if held.is_zero() {
            return why;
        }
        self.sentences([why, self.t.held_by_debit(Figure(held))])
    }

    fn is_suspended_by_alipay(&self) -> bool {
        let is_by_alipay =
            |notice: &Notice| matches!(notice, Notice::AgreementSuspended { by_alipay: true, .. });
        self.view.notices.iter().any(is_by_alipay)
    }

    pub(super) fn reason(&self, reason: DeclineReason) -> Html {
        match reason {
            DeclineReason::Funds => self.t.declined_funds(),
            DeclineReason::AmountCap => self.t.declined_cap(),
            DeclineReason::Window => self.t.declined_window(),
        }
    }

    fn due_why(&self) -> Html {
        let (t, next) = (self.t, &self.view.next_withholding);
        let calls = match next.days {
            Some(days) if days.and_earlier => t.for_calls_and_earlier(self.span(days)),
            Some(days) => t.for_calls(self.span(days)),
            None => t.for_earlier_calls(),
        };
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
        self.sentences([Some(calls), Some(pays), rest].into_iter().flatten())
    }

    fn facts(&self) -> Vec<(Html, Html)> {
        let (t, next) = (self.t, &self.view.next_withholding);
        if !next.amount_fen.is_positive() {
            return Vec::new();
        }
        let mut facts = Vec::new();
        if let Some(agreement) = &next.agreement {
            let account = match &agreement.payer_login {
                Some(login) => t.alipay_account_of(login),
                None => t.alipay_account(),
            };
            facts.push((t.paid_from(), account));
        }
        let bills = next.days.map_or_else(|| t.earlier_bills(), |days| self.bills(days));
        let is_left = next.strip.iter().any(|entry| entry.part == StripPart::Left);
        let part = if is_left { t.in_part() } else { t.in_full() };
        facts.push((t.covers(), Html(format!("{bills}{part}"))));
        if let Some(agreement) = &next.agreement {
            let href = self.frame.page("withholding");
            let link = Html::link(&href, &t.your_agreement(&agreement.ends_in));
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
        if days.and_earlier {
            Html::link(&base, &self.t.bills_of_and_earlier(self.span(days)))
        } else if days.from == days.through {
            let bill = steelyard_billing::StatementId { day: days.from, supplement: 0 };
            Html::link(&bill_path(&base, bill), &self.t.bill_of(bill))
        } else {
            Html::link(&base, &self.t.bills_of(self.span(days)))
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
            let value = Html::show(Plain(entry.amount_fen.abs()), lang);
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
        let at = self.clock(next.at_s.filter(|_| is_open)?);
        let owed = Figure(next.unreserved_fen);
        let is_today = Writer::day_of(at) == Some(self.view.today);
        Some(if is_today && next.unbilled.is_none() {
            self.t.fixed_at(at.time(), owed)
        } else {
            self.t.fixed_after_bill(at.time(), owed)
        })
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
        if next.can_sign && may.mandate && !is_on_its_way {
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
}
