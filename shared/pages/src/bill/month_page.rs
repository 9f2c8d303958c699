//! The page of a bill of a month.

use askama::Template;
use steelyard_billing::{Calendar, StatementId};
use steelyard_pricing::BillingDay;

use super::labels::strip;
use super::month::{MonthBill, MonthRate, MonthRateKind};
use super::page::{bill_href, counted};
use super::texts::Texts;
use crate::costs::files;
use crate::frame::{Common, Frame, wall_clock};
use crate::icon::Icon;
use crate::show::{Count, Html, Plain, Signed};
use crate::strip::Strip;

/// The page of a bill of a month.
#[derive(Debug, Template)]
#[template(path = "bill_month.html")]
pub struct MonthBillPage<'a> {
    frame: &'a Frame,
    c: Common,
    t: Texts,
    bill: &'a MonthBill,
    state: Html,
    is_whole: bool,
    label: Html,
    lead: Html,
    closing: Html,
    unbilled: Option<Html>,
    taxes: Vec<Html>,
    payment: Strip,
}

impl<'a> MonthBillPage<'a> {
    /// The page of a month, with times by the platform's clocks.
    #[must_use]
    pub fn new(frame: &'a Frame, calendar: &'a Calendar, bill: &'a MonthBill) -> MonthBillPage<'a> {
        let t = Texts(frame.lang);
        let calls = Html::show(Signed(bill.total.calls), frame.lang);
        let is_whole = bill.unbilled.is_none() && bill.settled_through.is_some();
        let state = match bill.settled_through {
            Some(_) if is_whole => t.month_settled(),
            Some(day) => t.month_open(day),
            None => t.month_without_bill(),
        };
        let closing = if bill.is_closed {
            t.month_closed()
        } else {
            t.month_closes(t.moment(wall_clock(calendar, bill.closes_at_s)))
        };
        let unbilled = bill.unbilled.map(|(first, last)| {
            if first == last { t.unbilled_day(first) } else { t.unbilled_days(first, last) }
        });
        MonthBillPage {
            frame,
            c: Common(frame.lang),
            t,
            bill,
            state,
            is_whole,
            label: if is_whole { t.charge_of_month() } else { t.charge_so_far() },
            lead: t.month_calls(calls, counted(bill.days.len())),
            closing,
            unbilled,
            taxes: bill.taxes.iter().map(|tax| tax.text(t)).collect(),
            payment: payment(t, bill),
        }
    }

    fn bill_href(&self, id: &StatementId) -> String {
        bill_href(self.frame, id)
    }

    fn bills_href(&self) -> String {
        format!("{}?month={}", self.frame.page("bills"), self.bill.month)
    }

    fn csv_href(&self) -> String {
        files::csv_of_days(self.frame, self.bill.month.first_day(), self.last_day())
    }

    fn focus_href(&self) -> String {
        files::focus_of_days(self.frame, self.bill.month.first_day(), self.last_day())
    }

    fn last_day(&self) -> BillingDay {
        self.bill.month.last_day()
    }

    fn name_of(&self, bill: &StatementId) -> Html {
        name_of(self.t, bill)
    }

    fn calls(&self, rate: &MonthRate) -> Html {
        self.t.calls(Signed(rate.calls))
    }

    /// The remarks about the lines of a rate.
    fn about(&self, rate: &MonthRate) -> Vec<Html> {
        let late = (rate.late_calls != 0).then(|| self.t.of_late(Signed(rate.late_calls)));
        let void = (rate.void_calls != 0).then(|| self.t.of_void(Signed(rate.void_calls)));
        [late, void].into_iter().flatten().collect()
    }

    /// How the charge of a rate comes about.
    fn strips(&self, rate: &MonthRate) -> Vec<Strip> {
        let of = |calculation| strip(calculation, self.t.the_calculation(), self.t.0);
        rate.calculations.iter().map(of).collect()
    }

    fn rate(&self, rate: &MonthRate) -> Html {
        match (&rate.rate, rate.kind) {
            (Some(rate), _) => Html::show(rate, self.t.0),
            (None, MonthRateKind::Rate | MonthRateKind::Plan) => self.t.all_rates(),
            (None, MonthRateKind::Tax) => self.t.tax_rate(),
            (None, MonthRateKind::Unpriced) => self.t.unpriced_rate(),
            (None, MonthRateKind::Notes) => self.t.notes_rate(),
        }
    }
}

/// The day of a bill; of a supplement its number.
pub(super) fn name_of(t: Texts, id: &StatementId) -> Html {
    match id.supplement {
        0 => Html::show(id.day, t.0),
        number => {
            let supplement = t.supplement(Count(number.into()));
            Html(format!("{}, {supplement}", Html::show(id.day, t.0)))
        }
    }
}

fn payment(t: Texts, bill: &MonthBill) -> Strip {
    let plain = |amount| Html::show(Plain(amount), t.0);
    let total = &bill.total;
    let strip = Strip::new(t.month_paid());
    let mut strip = strip.row("", t.month_charge(bill.month), plain(total.charge_fen));
    if total.credited_fen.is_positive() {
        strip = strip.row("+", t.month_credited(), plain(total.credited_fen));
    }
    strip
        .row("−", t.month_from_prepaid(), plain(total.from_prepaid_fen))
        .row("−", t.paid_since(), plain(total.paid_since_fen))
        .total(t.left_to_pay(), plain(total.left_fen))
}
