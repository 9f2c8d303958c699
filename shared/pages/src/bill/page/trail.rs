//! The road of the money: from the bill to the ledger, the debits and Alipay's own bill.

use super::Writer;
use crate::bill::DayBill;
use crate::bill::trail::{TrailDebit, TrailPhase};
use crate::debits::{Confirmation, debit_page, entry_page};
use crate::frame::Common;
use crate::show::{Code, Count, Figure, Html};

#[derive(Debug)]
pub(super) struct LinkShown {
    pub(super) is_open: bool,
    pub(super) what: Html,
    pub(super) text: Html,
}

impl Writer<'_> {
    /// The road of the money.
    pub(super) fn links(self, bill: &DayBill) -> Vec<LinkShown> {
        let t = self.t;
        let figure = self.show(Figure(bill.charge_fen));
        let settled = self.moment(bill.settled_at_s);
        let comma = Common(self.lang).comma();
        let text = Html(format!("<b>{}</b>{comma}{figure}{comma}{settled}", bill.statement));
        let mut links = vec![LinkShown { is_open: false, what: t.trail_bill(), text }];
        links.push(LinkShown { is_open: false, what: t.trail_ledger(), text: self.entry(bill) });
        for debit in &bill.trail.debits {
            links.extend(self.debit(debit));
        }
        if bill.trail.debits.is_empty() {
            let left = bill.payment.left_fen;
            let text = match left.is_positive() {
                true => t.not_withheld_yet(Figure(left)),
                false => t.paid_otherwise(),
            };
            let what = t.trail_withholding();
            links.push(LinkShown { is_open: bill.payment.left_fen.is_positive(), what, text });
        }
        links
    }

    fn entry(self, bill: &DayBill) -> Html {
        let t = self.t;
        let Some(entry) = &bill.trail.entry else { return t.no_entry() };
        let moved = if bill.charge_fen.is_negative() {
            t.entry_credited(Figure(bill.payment.to_prepaid_fen), Figure(bill.payment.to_owed_fen))
        } else {
            t.entry_moved(Figure(entry.from_prepaid_fen), Figure(entry.owed_fen))
        };
        let link = Html::link(&entry_page(self.frame, entry.number), &t.entry(Count(entry.number)));
        Html(format!("{link}{}{moved}", Common(self.lang).colon()))
    }

    fn debit(self, debit: &TrailDebit) -> Vec<LinkShown> {
        let t = self.t;
        let amount = Figure(debit.amount_fen);
        let at = self.moment(debit.at_s);
        let text = match debit.phase {
            TrailPhase::Due => t.debit_due(amount, at.clone()),
            TrailPhase::Underway => t.debit_underway(amount, at.clone()),
            TrailPhase::Paid => t.debit_paid(amount, at.clone()),
            TrailPhase::GivenUp => t.debit_given_up(amount),
        };
        let href = debit_page(self.frame, debit.debit.0);
        let link = Html::link(&href, &t.debit(Count(debit.debit.0)));
        let text = Html(format!("{link}{}{text}", Common(self.lang).colon()));
        let is_open = matches!(debit.phase, TrailPhase::Due | TrailPhase::Underway);
        let mut links = vec![LinkShown { is_open, what: t.trail_withholding(), text }];
        if debit.phase == TrailPhase::GivenUp {
            return links;
        }
        let (is_open, text) = match (&debit.trade_no, debit.phase) {
            (Some(number), _) => (false, self.show(Code(number))),
            (None, TrailPhase::Due) => (true, t.number_after(at)),
            (None, TrailPhase::Underway | TrailPhase::Paid | TrailPhase::GivenUp) => {
                (true, t.number_soon())
            }
        };
        links.push(LinkShown { is_open, what: t.trail_number(), text });
        let confirmation = Confirmation::of(self.lang, debit.confirmed_by, debit.expected_on);
        links.extend(confirmation.map(|Confirmation { is_open, what, text }| LinkShown {
            is_open,
            what,
            text,
        }));
        links
    }
}
