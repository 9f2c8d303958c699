//! The summary of an import, for people.

use std::fmt::Display;

use steelyard_import::{Edges, HEADER, Kinds, Reason, Refused, Summary, Unmapped, UnmappedCallers};
use steelyard_pricing::{Amount, Metered};
use steelyard_runtime::Error;

use crate::output::{self, counted, grouped};

/// Prints what became of each line and each call.
///
/// # Errors
///
/// When standard output can't be written.
pub(crate) fn print(summary: &Summary) -> Result<(), Error> {
    print_lines(summary)?;
    print_calls(summary)?;
    print_refused_lines(summary)?;
    print_conflicts(summary)?;
    print_refused_calls(summary)?;
    print_unmapped(&summary.unmapped)
}

/// Warns on standard error about calls that the import may have missed or counted twice.
pub(crate) fn warn(summary: &Summary, window_s: u32) {
    if summary.edges.has_equal_lines() {
        output::tell(
            "warning: the first or the last second of the file has equal lines: if the log was cut between \
             two of them, they count once for both pieces; cut logs where nothing is called",
        );
    }
    doubts(&summary.edges, window_s).iter().for_each(output::tell);
}

/// The warnings about lines of a file that may be missed, or counted twice.
pub(crate) fn doubts(edges: &Edges, window_s: u32) -> Vec<String> {
    let mut doubts = Vec::new();
    if edges.repeated > 0 {
        doubts.push(format!(
            "note: lines that repeat those before them, in their order: {}; each of their calls counts once, as of \
             a file that was joined of pieces that overlap",
            grouped(edges.repeated)
        ));
    }
    if edges.perhaps_repeated > 0 {
        doubts.push(format!(
            "warning: lines that may repeat those before them: {}; they are counted; if the file was joined of \
             pieces that overlap, give each piece to an import of its own",
            grouped(edges.perhaps_repeated)
        ));
    }
    let steps_back = edges.steps_back;
    if steps_back > 0 {
        doubts.push(format!(
            "warning: {} times a line is more than {window_s} seconds older than one before it: if the log is \
             out of order, and not joined, import it and those before it again with a longer --window",
            grouped(steps_back)
        ));
    }
    doubts
}

/// Of what every line is one, what there is.
fn print_lines(summary: &Summary) -> Result<(), Error> {
    let lines = [
        (summary.billable, "billable"),
        (summary.not_billable.count, "not billable"),
        (summary.odd.count, "odd"),
        (summary.blank, "blank"),
        (summary.unmapped.lines, "of unknown callers"),
        (summary.bad.count, "refused"),
    ];
    let lines = lines.into_iter().filter(|(lines, _)| *lines > 0);
    let lines = lines.map(|(lines, what)| format!("{} {what}", grouped(lines)));
    let lines = lines.collect::<Vec<_>>().join(", ");
    let end = if lines.is_empty() { lines } else { format!(": {lines}") };
    output::print(format_args!("{}{end}", counted(grouped(summary.lines), "line")))?;
    print_kinds("not billable", &summary.not_billable)?;
    print_kinds("odd", &summary.odd)
}

/// The kinds with the most lines first.
fn print_kinds<K: Ord + Display>(what: &str, kinds: &Kinds<K>) -> Result<(), Error> {
    let mut counts = kinds.kinds.iter().collect::<Vec<_>>();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    for (kind, count) in counts {
        output::print(format_args!("  {what}: {} {kind}", grouped(*count)))?;
    }
    Ok(())
}

fn print_calls(summary: &Summary) -> Result<(), Error> {
    let tallies = [
        ("counted", &summary.counted),
        ("counted before", &summary.duplicate),
        ("WITHDRAWN: they were counted before, and count no more", &summary.withdrawn),
        ("CONFLICT", &summary.conflict),
        ("REFUSED", &summary.refused),
    ];
    for (what, tally) in tallies {
        if !tally.providers.is_empty() {
            let providers = counted(tally.providers.len(), "provider");
            output::print(format_args!("{} of {providers} {what}", shown(tally.metered)))?;
        }
    }
    Ok(())
}

fn print_refused_lines(summary: &Summary) -> Result<(), Error> {
    for reason in &summary.bad.reasons {
        print_reason("line", reason, |bad| format!("line {}: {}", bad.line, bad.why))?;
    }
    print_others("line", summary.bad.others)
}

fn print_refused_calls(summary: &Summary) -> Result<(), Error> {
    for reason in &summary.refusals.reasons {
        print_reason("call", reason, |refusal| {
            let metered = shown(refusal.metered);
            let (provider, api, day) = (&refusal.provider, &refusal.api, refusal.day);
            format!("line {}: {metered} of {provider} to {api} on {day}", refusal.line)
        })?;
    }
    print_others("call", summary.refusals.others)
}

fn print_reason<T: Refused>(
    what: &str,
    reason: &Reason<T>,
    example: impl Fn(&T) -> String,
) -> Result<(), Error> {
    let refused = counted(grouped(reason.count), what);
    output::print(format_args!("refused {refused}: {}", reason.reason))?;
    for refused in &reason.examples {
        output::print(format_args!("  {}", example(refused)))?;
    }
    Ok(())
}

fn print_others(what: &str, others: u64) -> Result<(), Error> {
    if others > 0 {
        output::print(format_args!(
            "refused {} for other reasons",
            counted(grouped(others), what)
        ))?;
    }
    Ok(())
}

fn print_conflicts(summary: &Summary) -> Result<(), Error> {
    for conflict in &summary.conflicts.first {
        output::print(format_args!(
            "conflict of {} in report {}: imported before by other rules for the names of APIs, another \
             line has the id, or the report was withdrawn; nothing of it was counted",
            conflict.provider, conflict.report
        ))?;
    }
    Ok(())
}

/// Callers that are no providers, as lines that an editor can complete into a map.
fn print_unmapped(unmapped: &UnmappedCallers) -> Result<(), Error> {
    if unmapped.lines == 0 {
        return Ok(());
    }
    output::print("callers that are no provider; write their providers behind them, for --map:")?;
    output::print(HEADER)?;
    let (callers, others) = unmapped.shown();
    for (caller, calls) in callers {
        output::print(format_args!("# {}", counted(grouped(calls), "call")))?;
        output::print(Unmapped(caller))?;
    }
    if others > 0 {
        output::print(format_args!("# {} of other callers", counted(grouped(others), "call")))?;
    }
    Ok(())
}

/// `12,345 calls`, and what went through them where anything did.
fn shown(metered: Metered) -> String {
    let calls = counted(grouped(metered.calls.get()), "call");
    if metered.amount == Amount::ZERO {
        calls
    } else {
        format!("{calls} (¥{})", metered.amount.shown())
    }
}
