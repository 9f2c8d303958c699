//! The page of a bill of a day.

use askama::Template;
use jiff::Timestamp;
use jiff::civil::DateTime;
use steelyard_billing::{Calendar, StatementId};
use steelyard_pricing::{BillingDay, Fen, LineCause, SegmentSpan, Yuan};

use super::labels::strip;
use super::line::{BillLine, BilledApi, LineDiscount};
use super::paid::BillPayment;
use super::report::Report;
use super::texts::Texts;
use super::trail::{TrailDebit, TrailPhase};
use super::{BillNote, BillPart, DayBill};
use crate::costs::files;
use crate::debits::{Confirmation, debit_page, entry_page};
use crate::frame::{Common, Frame, wall_clock};
use crate::icon::Icon;
use crate::lang::Lang;
use crate::show::{Code, Count, Figure, Html, Plain, Price, Signed, Units, WithYear};
use crate::strip::Strip;

/// The most reports that a line lists; the rest is summed.
const REPORTS_OF_LINE_MAX: usize = 10;

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
struct PartShown {
    id: String,
    heading: Html,
    note: Html,
    lines: Vec<LineShown>,
    sum: Html,
    charge: Fen,
}

#[derive(Debug)]
struct LineShown {
    name: Html,
    charge: Fen,
    calls: Html,
    about: Vec<Html>,
    is_open: bool,
    strip: Strip,
    reports: Vec<LineReportShown>,
    more_reports: usize,
    more_reported: u64,
    reported: i64,
    reported_by: Html,
    differs: bool,
    apis: ApisShown,
    has_reports: bool,
}

#[derive(Debug)]
struct LineReportShown {
    place: usize,
    source: String,
    report: String,
    counted_at: Html,
    calls: u64,
}

#[derive(Debug)]
struct ApisShown {
    column: Html,
    apis: Vec<BilledApi>,
    more: usize,
    more_calls: u64,
    has_amounts: bool,
}

#[derive(Debug)]
struct UnpricedShown {
    heading: Option<Html>,
    apis: ApisShown,
}

#[derive(Debug)]
struct NoteShown {
    heading: Html,
    about: Vec<Html>,
    reason: String,
    amount: Fen,
}

#[derive(Debug)]
struct LinkShown {
    is_open: bool,
    what: Html,
    text: Html,
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

    /// That the terms changed, and on which day.
    fn terms_note(self, bill: &DayBill, part: &BillPart) -> Html {
        let segment = part.lines.first().map(|line| line.segment);
        let span = bill.segments.iter().find(|span| Some(span.from) == segment);
        let day = span.and_then(SegmentSpan::cut_on);
        day.map_or_else(|| self.t.terms_note(), |day| self.t.terms_note_of(day))
    }

    fn part(
        self,
        bill: &DayBill,
        place: usize,
        part: &BillPart,
        apis_left: &mut usize,
    ) -> PartShown {
        let t = self.t;
        let days = t.list(&part.days);
        let (heading, note) = match part.because {
            LineCause::Usage => (self.show(bill.statement.day), t.open_a_line()),
            LineCause::Late => (t.late_for(days.clone()), t.late_note(days.clone())),
            LineCause::Void => (t.void_for(days.clone()), t.void_note(days.clone())),
            LineCause::Terms => (t.terms_heading(), self.terms_note(bill, part)),
            LineCause::Shifted => (t.shifted_heading(), t.shifted_note()),
            LineCause::Minimum => (t.minimum_heading(), t.minimum_note()),
            LineCause::Concession => (t.concession_heading(), t.concession_note()),
            LineCause::Tax => (t.tax_heading(), t.tax_note()),
        };
        let sum = match part.because {
            LineCause::Usage | LineCause::Late | LineCause::Void => {
                t.sum_of(days, self.show(Signed(part.calls)))
            }
            LineCause::Terms => t.sum_of_terms(),
            LineCause::Shifted => t.shifted_heading(),
            LineCause::Minimum => t.minimum_heading(),
            LineCause::Concession => t.concession_heading(),
            LineCause::Tax => t.tax_heading(),
        };
        let lines = part.lines.iter().enumerate().map(|(at, line)| {
            let is_open = place == 0 && at == 0;
            self.line(bill, part.because, line, is_open, apis_left)
        });
        let id = format!("part-{place}");
        PartShown { id, heading, note, lines: lines.collect(), sum, charge: part.charge_fen }
    }

    fn line(
        self,
        bill: &DayBill,
        because: LineCause,
        line: &BillLine,
        is_open: bool,
        apis_left: &mut usize,
    ) -> LineShown {
        let t = self.t;
        let shown = line.reports.iter().take(REPORTS_OF_LINE_MAX).filter_map(|of| {
            let report = bill.reports.get(of.report)?;
            Some(LineReportShown {
                place: of.report,
                source: report.source.to_string(),
                report: report.report.to_string(),
                counted_at: self.moment(report.counted_at_s),
                calls: of.calls,
            })
        });
        let apis = self.apis(&line.apis, because, (*apis_left).max(5));
        *apis_left = apis_left.saturating_sub(apis.apis.len());
        let rest = line.reports.iter().skip(REPORTS_OF_LINE_MAX);
        let is_void = because == LineCause::Void;
        LineShown {
            name: self.name(because, line),
            charge: line.charge_fen,
            calls: if is_void {
                t.withdrawn_calls(Signed(line.calls))
            } else {
                t.new_calls(Signed(line.calls))
            },
            about: self.about(bill, line),
            is_open,
            strip: strip(&line.calculation, t.the_calculation(), self.lang),
            reports: shown.collect(),
            more_reports: line.reports.len().saturating_sub(REPORTS_OF_LINE_MAX),
            more_reported: rest.map(|report| report.calls).sum(),
            reported: line.reported_calls,
            reported_by: self.t.reports(counted(line.reports.len())),
            differs: !line.reports.is_empty() && line.reported_calls != line.calls,
            apis,
            has_reports: !line.apis.is_empty(),
        }
    }

    fn name(self, because: LineCause, line: &BillLine) -> Html {
        if because == LineCause::Concession {
            return self.t.whole_month();
        }
        if let Some(percent) = &line.tax {
            return self.t.tax_of(percent);
        }
        let Some(rate) = &line.rate else { return self.t.all_rates() };
        match because {
            LineCause::Usage
            | LineCause::Terms
            | LineCause::Shifted
            | LineCause::Minimum
            | LineCause::Concession
            | LineCause::Tax => self.show(rate),
            LineCause::Late | LineCause::Void => self.t.line_for(rate, self.t.list(&line.days)),
        }
    }

    /// The remarks about a line.
    fn about(self, bill: &DayBill, line: &BillLine) -> Vec<Html> {
        let t = self.t;
        let mut about = Vec::new();
        if !line.apis.is_empty() {
            about.push(t.apis(counted(line.apis.len())));
        }
        if bill.segments.len() > 1 {
            about.push(t.terms_from(line.segment));
        }
        if !line.amount.get().is_zero() {
            about.push(t.through_calls(Units(line.amount.shown())));
        }
        if !line.free.is_zero() {
            about.push(if line.free_used < line.free {
                t.within_free(Units(line.free))
            } else if line.free_used_before < line.free {
                t.used_up_now()
            } else {
                t.used_up()
            });
        }
        if let Some(tier) = line.tier.filter(|tier| *tier > 1) {
            about.push(t.in_tier(counted(tier)));
        }
        about.extend(line.discounts.iter().map(|discount| self.discount(discount)));
        about
    }

    fn discount(self, discount: &LineDiscount) -> Html {
        let LineDiscount { discount, percent, amount_yuan, since, until } = discount;
        let (t, amount) = (self.t, Price(amount_yuan.unwrap_or(Yuan::ZERO)));
        if let Some(since) = since {
            return t.voucher(discount, amount, *since);
        }
        match (percent, until) {
            (Some(percent), Some(until)) => t.off_until(discount, percent, until.previous()),
            (Some(percent), None) => t.off(discount, percent),
            (None, Some(until)) => t.amount_off_until(discount, amount, until.previous()),
            (None, None) => t.amount_off(discount, amount),
        }
    }

    fn apis(self, apis: &[BilledApi], because: LineCause, most: usize) -> ApisShown {
        let rest = apis.iter().skip(most);
        ApisShown {
            column: match because {
                LineCause::Void => self.t.col_withdrawn(),
                LineCause::Usage
                | LineCause::Late
                | LineCause::Terms
                | LineCause::Shifted
                | LineCause::Minimum
                | LineCause::Concession
                | LineCause::Tax => self.t.col_new_short(),
            },
            apis: apis.iter().take(most).cloned().collect(),
            more: apis.len().saturating_sub(most),
            more_calls: rest.map(|api| api.calls).sum(),
            has_amounts: apis.iter().any(|api| !api.amount.get().is_zero()),
        }
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

    /// The road of the money.
    fn links(self, bill: &DayBill) -> Vec<LinkShown> {
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
