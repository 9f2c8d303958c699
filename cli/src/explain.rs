//! Explanations: every number that is needed to compute an amount again by hand.

use std::fmt::Write;

use rust_decimal::Decimal;
use steelyard_billing::{AdjustmentNote, ChangedDay, Statement, StatementTax};
use steelyard_pricing::{
    AmountOff, ApiName, Conversion, Discounted, Fen, Limit, Line, LineCause, Metered, MoneyError,
    Per, Percent, Rated, Rounded, SegmentSpan, Slice, Unpriced, Yuan,
};
use steelyard_runtime::Error;

use crate::output::counted;

/// A statement, from its segments to its charge.
///
/// # Errors
///
/// When an amount or a count leaves its range; never for a statement that was made.
pub(crate) fn statement(statement: &Statement) -> Result<String, Error> {
    let mut text = format!(
        "{} statement {}: {}\n",
        statement.provider,
        statement.statement,
        fen(statement.charge_fen)
    );
    for segment in &statement.segments {
        text += &span(segment);
    }
    for (number, of) in (1_u32..).zip(&statement.lines) {
        text += &line(&format!("line {number}: "), of)?;
    }
    for ChangedDay { day, late, void, .. } in &statement.changed_days {
        for (usage, what) in [(late, "came late"), (void, "were withdrawn")] {
            if !usage.is_empty() {
                text += &format!("  of {day} {what}: {}\n", usage.total()?);
            }
        }
    }
    text += &unpriced(&statement.unpriced);
    for StatementTax { tax, of_fen, tax_fen } in statement.taxes()? {
        text += &format!("  {tax}: {} of {}\n", fen(tax_fen), fen(of_fen));
    }
    let tax = match statement.tax_fen.is_zero() {
        true => String::new(),
        false => format!(", with {} of tax", fen(statement.tax_fen)),
    };
    text += &format!(
        "  month to date {}, rounded {}{tax}, less {} charged before = {}\n",
        yuan(statement.rated_yuan),
        statement.rounding,
        fen(statement.charged_before_fen),
        fen(statement.usage_fen()?)
    );
    if !statement.adjustments.is_empty() {
        for note in &statement.adjustments {
            text += &format!("  {}\n", adjustment(note));
        }
        text += &format!("  with the adjustments = {}\n", fen(statement.charge_fen));
    }
    Ok(text)
}

/// Lines, each with its amount.
///
/// # Errors
///
/// [`MoneyError`] when an amount leaves its range.
pub(crate) fn lines(lines: &[Line]) -> Result<String, MoneyError> {
    lines.iter().map(|of| line("", of)).collect()
}

/// An adjustment: its amount, what it refers to, and why.
pub(crate) fn adjustment(note: &AdjustmentNote) -> String {
    let AdjustmentNote { adjustment, amount_fen, of, reason, by, approval, .. } = note;
    let line = of.line.map_or_else(String::new, |line| format!(", line {line}"));
    let reports = of.reports.iter().map(|of| format!(", report {}/{}", of.source, of.report));
    let approved = approval.as_ref().map(|approval| format!(", approved by {}", approval.by));
    format!(
        "adjustment {adjustment} of statement {}{line}{}: {}\n    by {by}{}: {reason}",
        of.corrects,
        reports.collect::<String>(),
        fen(*amount_fen),
        approved.unwrap_or_default()
    )
}

/// Usage that no rate covers.
pub(crate) fn unpriced(unpriced: &[Unpriced]) -> String {
    let text = |unpriced: &Unpriced| {
        let Unpriced { segment, because, apis } = unpriced;
        let because = shown(*because);
        let text = |(api, metered): (&ApiName, Metered)| {
            format!("  UNPRICED {api}{because}, from {segment}: {metered}, no rate covers them\n")
        };
        apis.iter().map(text).collect::<String>()
    };
    unpriced.iter().map(text).collect()
}

fn span(segment: &SegmentSpan) -> String {
    let terms = &segment.terms;
    let mut text = format!(
        "  {} to {}, {} of {} days: plan {} of {}",
        segment.from,
        segment.until.previous(),
        segment.from.days_until(segment.until),
        segment.from.month().days(),
        terms.plan,
        terms.version
    );
    for over in &terms.overrides {
        text += &format!(", override {over}");
    }
    text + "\n"
}

fn shown(because: LineCause) -> &'static str {
    match because {
        LineCause::Usage => "",
        LineCause::Late => ", late",
        LineCause::Void => ", withdrawn",
        LineCause::Terms => ", since the terms of the month changed",
        LineCause::Shifted => ", since other days of the month changed",
        LineCause::Minimum => ", up to the minimum",
        LineCause::Concession => ", since a concession never raises a month",
        LineCause::Tax => "",
    }
}

fn line(number: &str, line: &Line) -> Result<String, MoneyError> {
    let name = match (&line.rate, line.because) {
        (Some(rate), _) => rate.as_str(),
        (None, LineCause::Concession) => "the whole month",
        (None, LineCause::Tax) => "tax",
        (None, _) => "all rates together",
    };
    let mut text = format!("  {number}{name}{}, from {}\n", shown(line.because), line.segment);
    for (api, metered) in line.apis.iter() {
        text += &format!("    {api}: {metered}\n");
    }
    text += &match line.because {
        LineCause::Concession => concession(line)?,
        LineCause::Minimum => minimum(line)?,
        LineCause::Tax => line.tax.map_or(Ok(String::new()), |percent| taxed(line, percent))?,
        LineCause::Usage
        | LineCause::Late
        | LineCause::Void
        | LineCause::Terms
        | LineCause::Shifted => rated(line)?,
    };
    text += &format!(
        "    {} − {} before = {}, rounded by {}: {}\n",
        yuan(line.after_yuan()?),
        yuan(line.before.yuan),
        yuan(line.exact_yuan),
        yuan(line.rounding_yuan),
        fen(line.charge_fen)
    );
    Ok(text)
}

/// The true-up to a minimum: from what there is to pay to the least that is due.
fn minimum(line: &Line) -> Result<String, MoneyError> {
    let (due, base) = (yuan(line.after.due_yuan), yuan(line.after.base_yuan));
    let held = limit(&line.after);
    let added = yuan(line.after_yuan()?);
    Ok(format!("    together {base}\n{held}    {due} − {base} = {added}\n"))
}

/// The tax of the month so far: its percentage of the charges without tax.
fn taxed(line: &Line, percent: Percent) -> Result<String, MoneyError> {
    let (net, tax) = (yuan(line.after.base_yuan), yuan(line.after_yuan()?));
    Ok(format!("    {percent}% of {net}, the month without tax, to the nearest fen: {tax}\n"))
}

/// The month's cost with all concessions, and without those that are left out.
fn concession(line: &Line) -> Result<String, MoneyError> {
    let (all, less) = (yuan(line.after.base_yuan), yuan(line.after.due_yuan));
    let without = line.without.iter().map(ToString::to_string).collect::<Vec<_>>();
    let without = match without.is_empty() {
        true => String::new(),
        false => format!(", without {} {less}", without.join(" and ")),
    };
    let off = yuan(line.after_yuan()?);
    Ok(format!("    the month with every concession {all}{without}\n    {less} − {all} = {off}\n"))
}

/// From what was metered to what is due.
fn rated(line: &Line) -> Result<String, MoneyError> {
    let Line { before, after, .. } = line;
    let mut text = String::new();
    if line.rate.is_some() {
        text += &format!("    metered: {} → {}\n", before.metered, after.metered);
        if let Some(earlier) = &after.continued {
            text += &format!("    before the segment: {}\n", earlier.metered);
        }
        text += &units(after);
        text += &allowance(line);
        if let Some(top) = after.top {
            let _ = writeln!(
                text,
                "    the tier is that of {}, which the month has",
                counted(top, "unit")
            );
        }
        text += &after.slices.iter().map(slice).collect::<String>();
        text += &continued(after)?;
    }
    let is_sum = (line.rate.is_none() || after.slices.len() > 1) && !is_continued(after);
    if is_sum {
        text += &format!("    together {}\n", yuan(after.base_yuan));
    }
    text += &after.discounts.iter().map(discount).collect::<String>();
    text += &limit(after);
    if line.rate.is_none() {
        let (due, base) = (yuan(after.due_yuan), yuan(after.base_yuan));
        text += &format!("    {due} − {base} of the rates = {}\n", yuan(line.after_yuan()?));
    }
    Ok(text)
}

fn is_continued(after: &Rated) -> bool {
    after.continued.as_ref().is_some_and(|continued| !continued.slices.is_empty())
}

/// The units of earlier segments at this segment's prices. They are not part of its charge, and are
/// taken off.
fn continued(after: &Rated) -> Result<String, MoneyError> {
    let Some(before) = after.continued.as_ref().filter(|_| is_continued(after)) else {
        return Ok(String::new());
    };
    let slices = before.slices.iter().map(slice).collect::<String>();
    let all = yuan(after.base_yuan.plus(before.base_yuan)?);
    let (of_before, added) = (yuan(before.base_yuan), yuan(after.base_yuan));
    Ok(format!(
        "    less the units before the segment:\n{slices}    together {all} − {of_before} = {added}\n"
    ))
}

fn units(after: &Rated) -> String {
    let Some(conversion) = &after.conversion else { return String::new() };
    let rounded = match conversion.round {
        Rounded::None => "",
        Rounded::Up => ", rounded up",
        Rounded::Down => ", rounded down",
        Rounded::HalfUp => ", rounded half up",
        Rounded::HalfEven => ", rounded half to even",
    };
    let Conversion { multiply, divide, .. } = conversion;
    let before = after.continued.as_ref().map_or(Decimal::ZERO, |before| before.units);
    let all = after.units + before;
    let less = match before.is_zero() {
        true => String::new(),
        false => format!(", less {before} before the segment = {}", counted(after.units, "unit")),
    };
    let all = counted(all, "unit");
    format!("    × {multiply} ÷ {divide}{rounded} = {all}{less}\n")
}

fn allowance(line: &Line) -> String {
    let Line { before, after, .. } = line;
    let mut text = String::new();
    if !after.free.is_zero() {
        let by = if after.days.is_empty() { "" } else { " a day" };
        let _ = writeln!(
            text,
            "    free {}{by}: used {} → {}{}",
            after.free,
            before.free_used,
            after.free_used,
            earlier(after.continued.as_ref().map(|earlier| earlier.free_used))
        );
    }
    for (day, metered) in &after.days {
        let _ = writeln!(text, "      on {day}: {metered}");
    }
    if !after.plan_free_used.is_zero() || !before.plan_free_used.is_zero() {
        let _ = writeln!(
            text,
            "    free of the plan: used {} → {}{}",
            before.plan_free_used,
            after.plan_free_used,
            earlier(after.continued.as_ref().map(|earlier| earlier.plan_free_used))
        );
    }
    text
}

/// The part of an allowance that earlier segments used.
fn earlier(used: Option<Decimal>) -> String {
    let used = used.filter(|used| !used.is_zero());
    used.map_or_else(String::new, |used| format!(", {used} before the segment"))
}

fn slice(slice: &Slice) -> String {
    let Slice { from, to, per, count, price, flat_fee, amount } = slice;
    let priced = match per {
        Per::Unit => format!("({to} − {from}) × ¥{price}"),
        Per::Yuan => format!("({} − {}) × {price}", money(*to), money(*from)),
        Per::Package(size) => {
            format!("{from} to {to}: {} of {size} × ¥{price}", counted(count, "started package"))
        }
        Per::FullPackage(size) => {
            format!("{from} to {to}: {} of {size} × ¥{price}", counted(count, "full package"))
        }
        Per::HalfUpPackage(size) => {
            let packages = counted(count, "package");
            format!("{from} to {to}: {packages} of {size}, rounded half up, × ¥{price}")
        }
        Per::HalfEvenPackage(size) => {
            let packages = counted(count, "package");
            format!("{from} to {to}: {packages} of {size}, rounded half to even, × ¥{price}")
        }
        Per::Block(size) => {
            format!("{from} to {to}: {} of {size} × ¥{price}", counted(count, "started block"))
        }
        Per::Call => format!("{} × ¥{price}", counted(count, "call")),
    };
    let fee = if flat_fee.is_zero() { String::new() } else { format!(" + {}", yuan(*flat_fee)) };
    format!("    {priced}{fee} = {}\n", yuan(*amount))
}

fn discount(discount: &Discounted) -> String {
    let of = yuan(discount.of_yuan);
    let how = match discount.amount.as_deref() {
        None => format!("{}% of {of}", discount.percent),
        Some(AmountOff { yuan: amount, since, earlier_yuan, used_yuan }) => {
            let given = since.map_or("a month".to_owned(), |since| format!("since {since}"));
            let used = [(earlier_yuan, "by earlier months"), (used_yuan, "before")]
                .into_iter()
                .filter(|(used, _)| !used.is_zero())
                .map(|(used, by)| format!(", {} used {by}", yuan(*used)));
            format!("{} {given}{}, of {of}", yuan(*amount), used.collect::<String>())
        }
    };
    format!("    {}: {how} = −{}\n", discount.discount, yuan(discount.off_yuan))
}

fn limit(after: &Rated) -> String {
    let continued = after.continued.as_ref().filter(|before| !before.due_yuan.is_zero());
    let earlier = continued.map_or_else(String::new, |before| {
        format!(", less {} of the segments before", yuan(before.due_yuan))
    });
    let limit = match after.limit {
        Some(Limit::Maximum(most)) if continued.is_some_and(|before| before.due_yuan >= most) => {
            format!("    nothing: at most {}{earlier}\n", yuan(most))
        }
        Some(Limit::Maximum(most)) => format!("    at most {}{earlier}\n", yuan(most)),
        Some(Limit::Minimum(least)) => {
            format!("    at least {}, now that the month is over{earlier}\n", yuan(least))
        }
        None => String::new(),
    };
    let deferred = after.deferred_yuan.as_deref().copied().map(|deferred| {
        format!("    nothing now: {} so far, charged when the month is over\n", yuan(deferred))
    });
    limit + &deferred.unwrap_or_default()
}

/// `¥12.50`, `¥12.0001`, `−¥0.0001`: an exact amount, with two decimals at least. A price has the
/// digits of its plan.
pub(crate) fn yuan(amount: Yuan) -> String {
    money(amount.decimal())
}

/// An amount with its sign and currency: `¥12.00`, `−¥0.01`.
pub(crate) fn fen(amount: Fen) -> String {
    money(Yuan::from(amount).decimal())
}

fn money(yuan: Decimal) -> String {
    let sign = if yuan < Decimal::ZERO { "−" } else { "" };
    let mut digits = yuan.abs().normalize();
    if digits.scale() < 2 {
        digits.rescale(2);
    }
    format!("{sign}¥{digits}")
}
