//! Statements as a person would note them.

use steelyard_billing::{AdjustmentNote, ChangedDay, Statement};
use steelyard_pricing::{
    AmountOff, BillingDay, Limit, Line, LineCause, Metered, SegmentSpan, Unpriced,
};

/// A statement: its charge, its segments where there are several, its lines, and what was unpriced
/// or late.
pub(crate) fn note(statement: &Statement) -> String {
    let mut notes = vec![format!("{}: {}", statement.statement, statement.charge_fen)];
    let is_cut = statement.segments.len() > 1;
    notes.extend(statement.segments.iter().filter(|_| is_cut).map(segment));
    notes.extend(
        statement.lines.iter().map(|line| format!("{}{}", part(line.segment, is_cut), of(line))),
    );
    for Unpriced { segment, because, apis } in &statement.unpriced {
        let place = format!("{}{}", part(*segment, is_cut), cause(*because));
        let listed = apis.iter().map(|(api, new)| format!("{place}unpriced {api} {}", shown(new)));
        notes.extend(listed);
    }
    for ChangedDay { day, late, void, .. } in &statement.changed_days {
        for (usage, what) in [(late, "came late"), (void, "were withdrawn")] {
            let total = usage.total().unwrap();
            let is_any = !usage.is_empty();
            notes.extend(is_any.then(|| format!("{} {what} of {day}", shown(total))));
        }
    }
    notes.extend(statement.adjustments.iter().map(adjustment));
    notes.join("\n    ")
}

fn adjustment(note: &AdjustmentNote) -> String {
    let AdjustmentNote { adjustment, amount_fen, of, reason, by, approval, .. } = note;
    let approved = approval.as_ref().map(|approval| format!(", approved by {}", approval.by));
    let approved = approved.unwrap_or_default();
    format!("adjustment {adjustment} of {} by {by}{approved}: {reason} = {amount_fen}", of.corrects)
}

fn segment(span: &SegmentSpan) -> String {
    let overrides = span.terms.overrides.iter().map(|name| format!(" with {name}"));
    let (terms, overrides) = (&span.terms, overrides.collect::<String>());
    format!("{} until {}: {} of {}{overrides}", span.from, span.until, terms.plan, terms.version)
}

/// The first day of the month that a line's segment begins on, where it matters.
fn part(segment: BillingDay, is_cut: bool) -> String {
    if is_cut { format!("[{}] ", segment.day_of_month()) } else { String::new() }
}

fn cause(because: LineCause) -> &'static str {
    match because {
        LineCause::Usage => "",
        LineCause::Late => "late ",
        LineCause::Void => "void ",
        LineCause::Terms => "terms ",
        LineCause::Shifted => "shifted ",
        LineCause::Minimum => "minimum ",
        LineCause::Concession => "concession ",
        LineCause::Tax => "tax ",
    }
}

fn of(line: &Line) -> String {
    let mut notes = vec![cause(line.because).trim_end().to_owned()];
    match &line.rate {
        Some(rate) if line.because == LineCause::Minimum => notes.push(rate.to_string()),
        Some(rate) => {
            let (before, after) = (line.before.metered, line.after.metered);
            notes.extend([rate.to_string(), steps(before, after)]);
        }
        None => notes.push("the plan".to_owned()),
    }
    let rated = &line.after;
    if !rated.free_used.is_zero() {
        notes.push(format!("({} of {} free)", rated.free_used, rated.free));
    }
    if !rated.plan_free_used.is_zero() {
        notes.push(format!("({} free by the plan)", rated.plan_free_used));
    }
    notes.extend(rated.discounts.iter().map(|taken| match taken.amount.as_deref() {
        None => format!("-{}%", taken.percent),
        Some(AmountOff { yuan, since: Some(since), earlier_yuan, used_yuan }) => {
            let (off, used) = (taken.off_yuan, earlier_yuan.plus(*used_yuan).unwrap());
            format!("-{off} of {yuan} since {since} after {used}")
        }
        Some(AmountOff { yuan, since: None, used_yuan, .. }) => {
            format!("-{} of {yuan} after {used_yuan}", taken.off_yuan)
        }
    }));
    notes.extend(rated.limit.map(|limit| match limit {
        Limit::Maximum(most) => format!("at most {most}"),
        Limit::Minimum(least) => format!("at least {least}"),
    }));
    notes.extend(rated.deferred_yuan.as_ref().map(|deferred| format!("{deferred} at the end")));
    notes.retain(|note| !note.is_empty());
    format!("{} = {}", notes.join(" "), line.charge_fen)
}

fn steps(before: Metered, after: Metered) -> String {
    format!("{} to {}", shown(before), shown(after))
}

/// The calls, and the amount if there is any.
fn shown(metered: Metered) -> String {
    let told = metered.to_string();
    told.replace(" calls", "").replace(" call", "")
}
