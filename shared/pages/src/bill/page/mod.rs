//! The page of a bill of a day.
//!
//! This file has the page, its head, its payment and its notes. Parts and lines, and the road of
//! the money, have files of their own.

mod lines;
mod trail;

use askama::Template;
use jiff::Timestamp;
use jiff::civil::DateTime;
use steelyard_billing::{Calendar, StatementId};
use steelyard_pricing::{BillingDay, Fen, LineCause, SegmentSpan};

use self::lines::{PartShown, UnpricedShown};
use self::trail::LinkShown;
use super::labels::strip;
use super::paid::BillPayment;
use super::report::Report;
use super::texts::Texts;
use super::trail::TrailDebit;
use super::{BillNote, DayBill};
use crate::costs::files;
use crate::frame::{Common, Frame, wall_clock};
use crate::icon::Icon;
use crate::lang::Lang;
use crate::show::{Code, Count, Html, Plain, Signed, WithYear};
use crate::strip::Strip;

/// The most reports that the bill lists.
const REPORTS_MAX: usize = 50;

/// The most APIs that the lines of a bill list together; the rest of each is summed.
const APIS_MAX: usize = 120;

/// The page of a bill of a day.
#[derive(Debug, Template)]
#[template(path = "bill_day.html")]
pub struct DayBillPage<'a> {
    frame: &'a Frame,
    c: Common,
    t: Texts,
    bill: &'a DayBill,
    heading: Html,
    settled: Html,
    lead: Vec<Html>,
    label: Html,
    payment: Strip,
    parts: Vec<PartShown>,
    notes: Vec<NoteShown>,
    unpriced: Vec<UnpricedShown>,
    check: Strip,
    terms: Vec<Html>,
    links: Vec<LinkShown>,
    reports: Vec<ReportShown>,
    more_reports: usize,
}

#[derive(Debug)]
struct NoteShown {
    heading: Html,
    about: Vec<Html>,
    reason: String,
    amount: Fen,
}

#[derive(Debug)]
struct ReportShown {
    place: usize,
    source: String,
    report: String,
    day: Html,
    counted_at: Html,
    apis: usize,
    calls: u64,
    withdrawn: Option<Html>,
}

/// What pages of bills need to write times.
#[derive(Clone, Copy)]
struct Writer<'a> {
    frame: &'a Frame,
    calendar: &'a Calendar,
    t: Texts,
    lang: Lang,
}

impl<'a> DayBillPage<'a> {
    /// The page of a bill, with times by the platform's clocks.
    #[must_use]
    pub fn new(frame: &'a Frame, calendar: &'a Calendar, bill: &'a DayBill) -> DayBillPage<'a> {
        let t = Texts(frame.lang);
        let w = Writer { frame, calendar, t, lang: frame.lang };
        let mut left = APIS_MAX;
        let parts = bill.parts.iter().enumerate();
        let parts = parts.map(|(place, part)| w.part(bill, place, part, &mut left)).collect();
        let unpriced = bill.unpriced.iter().map(|unpriced| {
            let heading = match unpriced.because {
                LineCause::Usage
                | LineCause::Terms
                | LineCause::Shifted
                | LineCause::Minimum
                | LineCause::Concession
                | LineCause::Tax => None,
                LineCause::Late => Some(t.unpriced_late()),
                LineCause::Void => Some(t.unpriced_void()),
            };
            UnpricedShown { heading, apis: w.apis(&unpriced.apis, unpriced.because, 50) }
        });
        let reports = bill.reports.iter().enumerate().take(REPORTS_MAX);
        DayBillPage {
            frame,
            c: Common(frame.lang),
            t,
            bill,
            heading: w.heading(bill.statement),
            settled: t.settled_at(w.moment(bill.settled_at_s)),
            lead: w.lead(bill),
            label: w.label(bill),
            payment: w.payment(bill, &bill.payment),
            parts,
            notes: bill.notes.iter().map(|note| w.note(note)).collect(),
            unpriced: unpriced.collect(),
            check: strip(&bill.calculation, t.month_to(bill.statement.day), frame.lang),
            terms: bill.segments.iter().map(|span| w.terms(bill, span)).collect(),
            links: w.links(bill),
            reports: reports.map(|(place, report)| w.report(place, report)).collect(),
            more_reports: bill.reports.len().saturating_sub(REPORTS_MAX),
        }
    }

    fn bill_href(&self, id: &StatementId) -> String {
        bill_href(self.frame, id)
    }

    fn month_href(&self) -> String {
        format!("{}/{}", self.frame.page("bills"), self.bill.month())
    }

    fn csv_href(&self) -> String {
        files::csv_of_days(self.frame, self.bill.statement.day, self.bill.statement.day)
    }

    fn focus_href(&self) -> String {
        files::focus_of_days(self.frame, self.bill.statement.day, self.bill.statement.day)
    }

    fn provider(&self) -> String {
        self.bill.provider.to_string()
    }

    fn is_tonight(&self, day: &BillingDay) -> bool {
        day.date() == self.frame.as_of.date()
    }
}

/// The address of a bill.
pub(super) fn bill_href(frame: &Frame, id: &StatementId) -> String {
    format!("{}/{id}", frame.page("bills"))
}

impl Writer<'_> {
    fn moment(self, at: Timestamp) -> Html {
        self.t.moment(self.clock(at))
    }

    fn clock(self, at: Timestamp) -> DateTime {
        wall_clock(self.calendar, at)
    }

    fn show(self, value: impl crate::show::Show) -> Html {
        Html::show(value, self.lang)
    }

    fn heading(self, id: StatementId) -> Html {
        match id.supplement {
            0 => self.t.bill_of(WithYear(id.day)),
            number => self.t.supplement_of(Count(number.into()), WithYear(id.day)),
        }
    }

    fn label(self, bill: &DayBill) -> Html {
        if bill.charge_fen.is_negative() {
            self.t.credit_of_day()
        } else if bill.statement.supplement > 0 {
            self.t.charge_of_supplement()
        } else {
            self.t.charge_of_day()
        }
    }

    /// What the calls of the bill are, cause by cause.
    fn lead(self, bill: &DayBill) -> Vec<Html> {
        let t = self.t;
        let mut lead = Vec::new();
        let is_own =
            bill.parts.iter().any(|part| part.because == LineCause::Usage && part.calls > 0);
        if bill.statement.supplement == 0 && !is_own {
            lead.push(t.no_calls(bill.statement.day));
        }
        for part in &bill.parts {
            let calls = self.show(Signed(part.calls.saturating_abs()));
            match part.because {
                LineCause::Usage if part.calls > 0 => {
                    lead.push(t.calls_of(calls, bill.statement.day));
                }
                LineCause::Late => lead.push(t.late_calls(calls, t.list(&part.days))),
                LineCause::Void => lead.push(t.void_calls(calls, t.list(&part.days))),
                LineCause::Usage
                | LineCause::Terms
                | LineCause::Shifted
                | LineCause::Minimum
                | LineCause::Concession
                | LineCause::Tax => {}
            }
        }
        lead.extend(bill.taxes.iter().map(|tax| tax.text(t)));
        lead
    }

    fn payment(self, bill: &DayBill, payment: &BillPayment) -> Strip {
        let t = self.t;
        let day = bill.statement.day;
        let plain = |amount| self.show(Plain(amount));
        let strip = Strip::new(t.how_paid());
        if payment.charge_fen.is_negative() {
            return strip
                .row("", t.credit_of(day), plain(payment.credit_fen))
                .row("−", t.to_owed(), plain(payment.to_owed_fen))
                .row("−", t.to_prepaid(), plain(payment.to_prepaid_fen))
                .total(t.left_of_credit(), plain(Fen::ZERO));
        }
        let mut strip = strip.row("", t.charge_of(day), plain(payment.charge_fen));
        if payment.from_prepaid_fen.is_positive() {
            let label = t.prepaid_at(self.moment(bill.settled_at_s));
            strip = strip.row("−", label, plain(payment.from_prepaid_fen));
        }
        let by = |debit: &&TrailDebit| Some(debit.debit) == payment.withheld_by;
        if payment.paid_otherwise_fen.is_positive() {
            strip = strip.row("−", t.paid_since(), plain(payment.paid_otherwise_fen));
        }
        let debit = bill.trail.debits.iter().find(by);
        if let Some((debit, withheld)) = debit.zip(payment.withheld_fen) {
            let label = t.alipay_at(self.moment(debit.at_s));
            strip = strip.row("−", label, plain(withheld));
        }
        let Some(collecting) = &payment.collecting else {
            return strip.total(t.left_to_pay(), plain(payment.left_fen));
        };
        let at = self.moment(collecting.at_s);
        let label = if collecting.is_sent { t.collected_since(at) } else { t.alipay_at(at) };
        strip
            .row("−", label, plain(collecting.amount_fen))
            .total(t.left_after(), plain(payment.left_fen))
    }

    fn note(self, note: &BillNote) -> NoteShown {
        let t = self.t;
        let of = match note.corrects.supplement {
            0 => self.show(WithYear(note.corrects.day)),
            _ => self.show(note.corrects),
        };
        let heading =
            if note.amount_fen.is_negative() { t.credit_note(of) } else { t.debit_note(of) };
        let mut about = vec![self.show(Code(&note.adjustment.to_string()))];
        about.extend(note.line.map(|line| t.note_line(Count(line.into()))));
        for of in &note.reports {
            let (source, report) = (of.source.to_string(), of.report.to_string());
            about.push(t.note_report(Code(&source), Code(&report)));
        }
        about.push(t.note_made(self.moment(note.made_at_s)));
        NoteShown { heading, about, reason: note.reason.clone(), amount: note.amount_fen }
    }

    fn terms(self, bill: &DayBill, span: &SegmentSpan) -> Html {
        let t = self.t;
        let mut terms = t.terms_of(&span.terms.plan, WithYear(span.terms.version));
        if !span.terms.overrides.is_empty() {
            let names = span.terms.overrides.iter().map(ToString::to_string).collect::<Vec<_>>();
            terms = t.terms_with(terms, Html(names.join(", ")));
        }
        if bill.segments.len() == 1 {
            return terms;
        }
        t.terms_days(span.from, span.until.previous(), terms)
    }

    fn report(self, place: usize, report: &Report) -> ReportShown {
        let withdrawn = report.withdrawn.as_ref();
        let calls = report.metered.iter().map(|(_, metered)| metered.calls.get()).sum();
        ReportShown {
            place,
            source: report.source.to_string(),
            report: report.report.to_string(),
            day: self.show(report.day),
            counted_at: self.moment(report.counted_at_s),
            apis: report.metered.apis(),
            calls,
            withdrawn: withdrawn
                .map(|gone| self.t.withdrawn(self.moment(gone.at_s), &gone.by, &gone.reason)),
        }
    }
}

/// A number of things.
pub(super) fn counted(count: usize) -> Count {
    Count(u64::try_from(count).unwrap_or(u64::MAX))
}
