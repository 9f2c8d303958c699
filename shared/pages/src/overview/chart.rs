//! The drawings of the overview: days as bars, an allowance as a beam, a forecast as a range.
//!
//! Marks are placed in hundredths of a percent across, and in tenths of a pixel down, all whole
//! numbers.

use std::fmt::{self, Display, Formatter};

use rust_decimal::Decimal;
use steelyard_billing::StatementId;
use steelyard_pricing::{BillingDay, Fen};

use super::texts::Texts;
use super::{Allowance, DayRow, Overview};
use crate::forecast::FenRange;
use crate::frame::Common;
use crate::lang::Lang;
use crate::show::{Count, Figure, Html, Shown, Units};

/// The height of the bars' field, and the place of its lower edge, in tenths of a pixel.
const HEIGHT: i64 = 1_460;
const BASE: i64 = 1_800;

/// The gap between two parts of a bar, in tenths of a pixel.
const GAP: i64 = 15;

/// A place across a drawing, in hundredths of a percent.
#[derive(Clone, Copy)]
struct Across(i64);

/// A place down a drawing, in tenths of a pixel.
#[derive(Clone, Copy)]
struct Down(i64);

impl Display for Across {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}%", self.0 / 100, self.0 % 100)
    }
}

impl Display for Down {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0 / 10, self.0 % 10)
    }
}

/// `¥1,234.50` as plain text, for titles of marks.
pub(super) fn plain_figure(amount: Fen, lang: Lang) -> Html {
    let sign = if amount.is_negative() { "−" } else { "" };
    let plain = Shown(&crate::show::Plain(amount), lang).to_string();
    Html(format!("{sign}¥{}", plain.trim_start_matches('−')))
}

/// The bars of a month.
pub(super) struct Bars<'a> {
    view: &'a Overview,
    time: jiff::civil::Time,
    lang: Lang,
    days: i64,
    step: Fen,
}

impl<'a> Bars<'a> {
    pub(super) fn new(view: &'a Overview, time: jiff::civil::Time, lang: Lang) -> Bars<'a> {
        let highest = view.by_day.rows.iter().map(|row| row.charge_fen).max().unwrap_or_default();
        let days = i64::try_from(view.month.days()).unwrap_or(31);
        Bars { view, time, lang, days, step: step(highest) }
    }

    /// The labels of the amounts, left of the bars.
    pub(super) fn axis(&self) -> Html {
        Html::of(|f| {
            for line in 0..=4 {
                let fen = Fen::new(self.step.get() * line);
                let label = steelyard_pricing::Yuan::from(fen).decimal().normalize();
                let y = Down(BASE - HEIGHT / 4 * line + 40);
                let label = Shown(&Units(label), self.lang);
                write!(f, "<text x=\"24\" y=\"{y}\" text-anchor=\"end\">{label}</text>")?;
            }
            f.write_str("<text x=\"24\" y=\"14\" text-anchor=\"end\">¥</text>")
        })
    }

    /// The bars, their marks, and the days below.
    pub(super) fn field(&self) -> Html {
        Html::of(|f| {
            for line in 0..=4 {
                let class = if line == 0 { "base" } else { "grid" };
                let y = Down(BASE - HEIGHT / 4 * line);
                write!(f, "<line class=\"{class}\" x1=\"0\" x2=\"100%\" y1=\"{y}\" y2=\"{y}\"/>")?;
            }
            self.view.by_day.rows.iter().try_for_each(|row| self.bar(row, f))?;
            self.marks(f)?;
            let last = self.days;
            for number in [1, 5, 10, 15, 20, 25, last] {
                let x = self.middle(number);
                write!(f, "<text x=\"{x}\" y=\"197\" text-anchor=\"middle\">{number}</text>")?;
            }
            Ok(())
        })
    }

    fn bar(&self, row: &DayRow, f: &mut Formatter<'_>) -> fmt::Result {
        let t = Texts(self.lang);
        let charge = plain_figure(row.charge_fen, self.lang);
        let calls = Count(row.calls.get());
        let title = if row.is_estimate {
            t.bar_estimate(row.bill, self.time, charge, calls)
        } else {
            t.bar(row.bill, charge, calls)
        };
        let day = i64::from(row.bill.day.day_of_month());
        // A bar is 68 hundredths of its day's place, with 16 on each side.
        let x = Across(((day - 1) * 10_000 + 1_600) / self.days);
        let width = Across(6_800 / self.days);
        write!(f, "<g><title>{title}</title>")?;
        let mut rect = |class: &str, top: i64, height: i64| {
            let (y, height) = (Down(top), Down(height));
            write!(
                f,
                "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>"
            )
        };
        let whole = self.height(row.charge_fen);
        if row.is_estimate {
            rect("bx", BASE - whole.max(10), whole.max(10))?;
        } else if whole < 10 {
            rect("b1", BASE - 10, 10)?;
        } else {
            let parts = self.parts(row);
            let several = parts.len() > 1;
            for (place, (class, bottom, height)) in parts.into_iter().enumerate() {
                let gap = if several && place > 0 && height > 2 * GAP { GAP } else { 0 };
                rect(class, BASE - bottom - height, height - gap)?;
            }
        }
        f.write_str("</g>")
    }

    /// The parts of a bar from the bottom: its class, where it begins, and its height. A credit
    /// shortens the bar from its top.
    fn parts(&self, row: &DayRow) -> Vec<(&'static str, i64, i64)> {
        let amounts = row.series_fen.iter().copied().zip(["b1", "b2"]);
        let amounts = amounts.chain([(row.other_fen, "b3")]);
        let whole = self.height(row.charge_fen);
        let mut bottom = 0;
        let mut parts = Vec::new();
        for (amount, class) in amounts {
            let height = self.height(amount).min(whole - bottom);
            if height > 0 {
                parts.push((class, bottom, height));
                bottom += height;
            }
        }
        // What rounding left over belongs to the topmost part.
        if let Some((_, from, height)) = parts.last_mut() {
            *height = whole - *from;
        }
        parts
    }

    fn height(&self, amount: Fen) -> i64 {
        let top = i128::from(self.step.get().max(1)) * 4;
        let height = i128::from(amount.get().max(0)) * i128::from(HEIGHT) / top;
        i64::try_from(height).unwrap_or(HEIGHT)
    }

    fn middle(&self, day: i64) -> Across {
        Across((2 * day - 1) * 5_000 / self.days)
    }

    fn marks(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (number, day) in numbered(self.view) {
            let x = self.middle(i64::from(day.day_of_month()));
            write!(f, "<line class=\"mark\" x1=\"{x}\" x2=\"{x}\" y1=\"18\" y2=\"180\"/>")?;
            write!(f, "<circle class=\"dot\" cx=\"{x}\" cy=\"10\" r=\"7.5\"/>")?;
            write!(
                f,
                "<text class=\"dotn\" x=\"{x}\" y=\"13.6\" text-anchor=\"middle\">{number}</text>"
            )?;
        }
        Ok(())
    }

    /// The drawing in words.
    pub(super) fn words(&self) -> Html {
        let (t, by_day) = (Texts(self.lang), &self.view.by_day);
        let gap = Common(self.lang).gap();
        let settled = || by_day.rows.iter().filter(|row| !row.is_estimate);
        let mut words = vec![t.chart_bars(Count(self.view.settled.bills))];
        if let Some(highest) = settled().max_by_key(|row| (row.charge_fen, row.bill)) {
            words.push(t.chart_highest(highest.bill, plain_figure(highest.charge_fen, self.lang)));
            if !highest.for_days.is_empty() {
                let charge = plain_figure(highest.for_days_fen, self.lang);
                words.push(t.chart_late(charge, listed(&highest.for_days, self.lang)));
            }
        }
        for row in by_day.rows.iter().filter(|row| row.is_estimate) {
            let charge = plain_figure(row.charge_fen, self.lang);
            words.push(t.chart_estimate(row.bill, charge, self.time));
        }
        words.push(t.chart_table());
        joined(words, &gap)
    }
}

/// The days of marks with their numbers, each day once.
pub(super) fn numbered(view: &Overview) -> Vec<(usize, BillingDay)> {
    let mut days = view.by_day.marks.iter().map(|mark| mark.day).collect::<Vec<_>>();
    days.retain(|day| day.month() == view.month);
    days.dedup();
    days.into_iter().enumerate().map(|(place, day)| (place + 1, day)).collect()
}

/// Texts one after the other.
pub(super) fn joined(texts: impl IntoIterator<Item = Html>, between: &Html) -> Html {
    let mut all = String::new();
    for (place, text) in texts.into_iter().enumerate() {
        if place > 0 {
            all.push_str(&between.0);
        }
        all.push_str(&text.0);
    }
    Html(all)
}

/// The days from one through another: 12 to 18 May.
pub(super) fn span(from: BillingDay, through: BillingDay, lang: Lang) -> Html {
    let t = Texts(lang);
    if from == through {
        return Html::show(from, lang);
    }
    let number = |day: BillingDay| Count(u64::from(day.day_of_month().unsigned_abs()));
    if from.month() == through.month() {
        t.days_of_month(from, number(from), through, number(through))
    } else {
        t.days(from, through)
    }
}

/// Days as a list.
pub(super) fn listed(days: &[BillingDay], lang: Lang) -> Html {
    let t = Texts(lang);
    match days {
        [first, .., last]
            if first.days_until(*last) + 1 == u64::try_from(days.len()).unwrap_or(0) =>
        {
            span(*first, *last, lang)
        }
        _ => joined(days.iter().map(|day| Html::show(*day, lang)), &t.comma()),
    }
}

/// The smallest of 1, 2, 5, 10, 20, … fen of which four are as much as an amount.
fn step(highest: Fen) -> Fen {
    let mut step: i64 = 1;
    let mut by = [2, 5, 10].into_iter().cycle();
    let mut decade: i64 = 1;
    while step.saturating_mul(4) < highest.get() && step < i64::MAX / 100 {
        match by.next() {
            Some(10) => {
                decade *= 10;
                step = decade;
            }
            Some(of) => step = decade * of,
            None => break,
        }
    }
    Fen::new(step)
}

/// The beam of an allowance.
pub(super) fn beam(allowance: &Allowance) -> Html {
    let used = allowance.used * Decimal::from(10_000) / allowance.free.max(Decimal::ONE);
    let used = Across(i64::try_from(used.trunc()).unwrap_or_default().clamp(0, 10_000));
    let used = if used.0 == 10_000 { "100%".to_owned() } else { used.to_string() };
    Html::of(|f| {
        for tick in ["25%", "50%", "75%"] {
            write!(f, "<line class=\"tick\" x1=\"{tick}\" x2=\"{tick}\" y1=\"5\" y2=\"14\"/>")?;
        }
        f.write_str("<rect class=\"arm\" y=\"8\" width=\"100%\" height=\"3\"/>")?;
        write!(f, "<rect class=\"used\" y=\"7\" width=\"{used}\" height=\"5\"/>")?;
        if allowance.expected.is_some() {
            write!(f, "<line class=\"late\" x1=\"{used}\" x2=\"100%\" y1=\"9.5\" y2=\"9.5\"/>")?;
        }
        f.write_str("<line class=\"tick\" x1=\"100%\" x2=\"100%\" y1=\"3\" y2=\"16\"/>")?;
        write!(
            f,
            "<svg x=\"{used}\" y=\"0\" overflow=\"visible\"><line class=\"cord\" x1=\"0\" x2=\"0\" y1=\"4\" \
             y2=\"18\"/><path class=\"poise\" d=\"M-3.5 17h7l2.5 10h-12z\"/></svg>"
        )
    })
}

/// The range of a forecast on one arm.
pub(super) fn range(so_far: Fen, range: FenRange, lang: Lang) -> Html {
    let end = end_of_arm(range.high_fen.max(so_far));
    let place = |amount: Fen| {
        let place = i128::from(amount.get().max(0)) * 10_000 / i128::from(end.get().max(1));
        Across(i64::try_from(place).unwrap_or(10_000).min(10_000))
    };
    let (low, likely, high) =
        (place(range.low_fen), place(range.likely_fen), place(range.high_fen));
    let now = place(so_far);
    Html::of(|f| {
        f.write_str("<rect class=\"arm\" y=\"14\" width=\"100%\" height=\"6\"/>")?;
        write!(f, "<rect class=\"now\" y=\"14\" width=\"{now}\" height=\"6\"/>")?;
        let width = Across((high.0 - low.0).max(20));
        write!(f, "<rect class=\"span\" x=\"{low}\" y=\"11\" width=\"{width}\" height=\"12\"/>")?;
        write!(f, "<line class=\"mid\" x1=\"{likely}\" x2=\"{likely}\" y1=\"8\" y2=\"26\"/>")?;
        f.write_str("<text x=\"0\" y=\"40\">¥0</text>")?;
        if (1_200..8_500).contains(&now.0) {
            let label = Texts(lang).range_so_far();
            write!(f, "<text x=\"{now}\" y=\"40\" text-anchor=\"middle\">{label}</text>")?;
        }
        let end = steelyard_pricing::Yuan::from(end).decimal().normalize();
        let end = Shown(&Units(end), lang);
        write!(f, "<text x=\"100%\" y=\"40\" text-anchor=\"end\">¥{end}</text>")
    })
}

/// A round amount that is not below another: 1 to 10 times a power of ten.
fn end_of_arm(amount: Fen) -> Fen {
    let mut decade: i64 = 100;
    while decade.saturating_mul(10) < amount.get() && decade < i64::MAX / 100 {
        decade *= 10;
    }
    let ends = [1, 2, 3, 4, 5, 6, 8, 10].into_iter().map(|of| Fen::new(decade * of));
    ends.into_iter().find(|end| *end >= amount).unwrap_or(amount)
}

/// A bill's address below that of the bills.
pub(super) fn bill_path(base: &str, bill: StatementId) -> String {
    format!("{base}/{}", bill.to_string().replace('+', "%2B"))
}

/// An amount as a figure.
pub(super) fn figure(amount: Fen, lang: Lang) -> Html {
    Html::show(Figure(amount), lang)
}
