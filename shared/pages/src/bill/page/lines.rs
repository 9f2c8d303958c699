//! The parts and lines of a bill.

use steelyard_pricing::{Fen, LineCause, SegmentSpan, Yuan};

use super::{Writer, counted};
use crate::bill::labels::strip;
use crate::bill::line::{BillLine, BilledApi, LineDiscount};
use crate::bill::{BillPart, DayBill};
use crate::show::{Html, Price, Signed, Units};
use crate::strip::Strip;

/// The most reports that a line lists; the rest is summed.
const REPORTS_OF_LINE_MAX: usize = 10;

#[derive(Debug)]
pub(super) struct PartShown {
    pub(super) id: String,
    pub(super) heading: Html,
    pub(super) note: Html,
    pub(super) lines: Vec<LineShown>,
    pub(super) sum: Html,
    pub(super) charge: Fen,
}

#[derive(Debug)]
pub(super) struct LineShown {
    pub(super) name: Html,
    pub(super) charge: Fen,
    pub(super) calls: Html,
    pub(super) about: Vec<Html>,
    pub(super) is_open: bool,
    pub(super) strip: Strip,
    pub(super) reports: Vec<LineReportShown>,
    pub(super) more_reports: usize,
    pub(super) more_reported: u64,
    pub(super) reported: i64,
    pub(super) reported_by: Html,
    pub(super) differs: bool,
    pub(super) apis: ApisShown,
    pub(super) has_reports: bool,
}

#[derive(Debug)]
pub(super) struct LineReportShown {
    pub(super) place: usize,
    pub(super) source: String,
    pub(super) report: String,
    pub(super) counted_at: Html,
    pub(super) calls: u64,
}

#[derive(Debug)]
pub(super) struct ApisShown {
    pub(super) column: Html,
    pub(super) apis: Vec<BilledApi>,
    pub(super) more: usize,
    pub(super) more_calls: u64,
    pub(super) has_amounts: bool,
}

#[derive(Debug)]
pub(super) struct UnpricedShown {
    pub(super) heading: Option<Html>,
    pub(super) apis: ApisShown,
}

impl Writer<'_> {
    /// That the terms changed, and on which day.
    fn terms_note(self, bill: &DayBill, part: &BillPart) -> Html {
        let segment = part.lines.first().map(|line| line.segment);
        let span = bill.segments.iter().find(|span| Some(span.from) == segment);
        let day = span.and_then(SegmentSpan::cut_on);
        day.map_or_else(|| self.t.terms_note(), |day| self.t.terms_note_of(day))
    }

    pub(super) fn part(
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

    pub(super) fn apis(self, apis: &[BilledApi], because: LineCause, most: usize) -> ApisShown {
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
}
