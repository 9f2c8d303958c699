//! What is good to know.

use steelyard_billing::{AlertKind, Measure};
use steelyard_pricing::{BillingDay, Fen};

use super::{Note, Writer};
use crate::alerts::AlertItem;
use crate::deposit::DepositView;
use crate::icon::Icon;
use crate::overview::chart::{bill_path, joined, listed};
use crate::overview::{Basis, Declined, Notice, RateTerms};
use crate::show::{Count, Figure, Html, Price, Units};

impl Writer<'_> {
    pub(super) fn notice(&self, notice: &Notice) -> Note {
        let (t, lang) = (self.t, self.frame.lang);
        let bills = self.frame.page("bills");
        let see_lines = |bill| Html::link(&bill_path(&bills, bill), &t.see_lines());
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
            Notice::Standing(standing) => self.standing(standing),
            Notice::Alert(alert) => self.alert(alert),
            Notice::PriceChange { from, rates, basis, before_fen, after_fen, change_fen } => {
                let what = self.what_changes(rates);
                let effect = self.effect(*basis, (*before_fen, *after_fen, *change_fen));
                let link = Html::link(&self.frame.page("calculator"), &t.compare());
                let text = self.sentences([what, effect, t.no_action(), link]);
                plain(Icon::Tag, t.new_prices(*from), text)
            }
            Notice::TermsChange { from, charge_fen } => self.terms_change(*from, *charge_fen),
            Notice::Deposit(deposit) => self.deposit(deposit),
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

    fn terms_change(&self, from: Option<BillingDay>, charge: Fen) -> Note {
        let t = self.t;
        let heading = from.map_or_else(|| t.moved(), |from| t.moved_from(from));
        let unsigned = Figure(charge.abs());
        let text =
            if charge.is_negative() { t.moved_less(unsigned) } else { t.moved_more(unsigned) };
        Note { class: "", icon: Icon::Tag, heading, text }
    }

    fn deposit(&self, deposit: &DepositView) -> Note {
        let t = self.t;
        let missing = Figure(deposit.missing_fen);
        let due = deposit.due_on.map(|due_on| match deposit.is_overdue {
            true => t.deposit_overdue(missing, due_on),
            false => t.deposit_due(missing, due_on),
        });
        let next = deposit
            .next
            .map(|next| t.deposit_to_come(next.from, Figure(next.amount_fen), next.due_on));
        let pay = deposit.due_on.filter(|_| self.frame.may.pay).map(|_| {
            let path = self.frame.page("recharge");
            let amount = deposit.missing_fen;
            let href = format!("{path}?amount={amount}&purpose=deposit#pay-in");
            Html::link(&href, &t.pay_deposit())
        });
        let all = [due, next, Some(t.deposit_use()), pay];
        let heading = t.deposit(Figure(deposit.held_fen), Figure(deposit.required_fen));
        let text = self.sentences(all.into_iter().flatten());
        let (class, icon) =
            if deposit.is_overdue { (" care", Icon::Care) } else { ("", Icon::Info) };
        Note { class, icon, heading, text }
    }

    fn alert(&self, alert: &AlertItem) -> Note {
        let AlertItem { kind, rate, percent, line, figure, day, at_s } = alert;
        let (t, percent) = (self.t, Count((*percent).into()));
        let (figure, line) = (self.measure(*figure), self.measure(*line));
        let heading = match kind {
            AlertKind::Budget => t.alert_budget(percent),
            AlertKind::Forecast => t.alert_forecast(percent),
            AlertKind::Balance => t.alert_balance(),
            AlertKind::BalanceDays => t.alert_balance_days(),
            AlertKind::Allowance => t.alert_allowance(percent, self.rate(rate.as_ref())),
            AlertKind::UnusualDay => t.alert_unusual_day(*day),
            AlertKind::Cap => t.alert_cap(),
        };
        let since = t.alert_text(figure, line, self.at(*at_s));
        let text = match kind {
            AlertKind::Cap => self.sentences([t.alert_cap_text(), since]),
            AlertKind::Budget
            | AlertKind::Forecast
            | AlertKind::Balance
            | AlertKind::BalanceDays
            | AlertKind::Allowance
            | AlertKind::UnusualDay => since,
        };
        Note { class: " care", icon: Icon::Care, heading, text }
    }

    fn measure(&self, measure: Measure) -> Html {
        let lang = self.frame.lang;
        match measure {
            Measure::Fen(fen) => Html::show(Figure(fen), lang),
            Measure::Units(units) => self.t.alert_units(Units(units)),
            Measure::Calls(calls) => self.t.alert_calls(Count(calls.get())),
            Measure::Days(days) => self.t.alert_days(Count(days.into())),
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
        let unsigned = Figure(change.abs());
        let effect = match change.get().signum() {
            -1 => t.effect_less(unsigned),
            1 => t.effect_more(unsigned),
            _ => t.effect_same(),
        };
        Html(format!("{fact}{effect}"))
    }
}
