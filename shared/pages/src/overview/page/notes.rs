//! What is good to know.

use steelyard_pricing::Fen;

use super::{Note, Writer};
use crate::icon::Icon;
use crate::overview::chart::{bill_path, joined, listed};
use crate::overview::{Basis, Declined, Notice, RateTerms};
use crate::show::{Count, Figure, Html, Price, Units};

impl Writer<'_> {
    pub(super) fn notice(&self, notice: &Notice) -> Note {
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
