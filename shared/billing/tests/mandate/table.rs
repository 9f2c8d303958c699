//! Every phase by every input.

use expect_test::expect_file;
use jiff::SignedDuration;
use steelyard_billing::mandate::{EndReason, Mandate, MandatePhase, MandateStep, Suspension};

use crate::clock;
use crate::common::at;
use crate::inputs::{After, Input, NOW, after, every_input, every_phase};

fn phase(mandate: &Mandate) -> String {
    let why = |why: &EndReason| match why {
        EndReason::RevokedByProvider => "by provider",
        EndReason::RevokedHereByProvider => "here by provider",
        EndReason::RevokedHere { .. } => "here",
        EndReason::Expired => "expired",
        EndReason::Replaced { .. } => "replaced",
        EndReason::NotSigned => "not signed",
    };
    match &mandate.phase {
        MandatePhase::Offered => "offered".to_owned(),
        MandatePhase::Active => "active".to_owned(),
        MandatePhase::Suspended { why: Suspension::ByGateway, .. } => "suspended".to_owned(),
        MandatePhase::Suspended { why: Suspension::ByDebit { .. }, .. } => {
            "suspended by debit".to_owned()
        }
        MandatePhase::Ending { why: reason } => format!("ending, {}", why(reason)),
        MandatePhase::ConfirmingEnd { why: reason } => format!("confirming, {}", why(reason)),
        MandatePhase::Ended { why: reason, at_s } => {
            format!("ended, {} {}", why(reason), &clock(*at_s)[6..])
        }
    }
}

/// A mandate as a row of a table.
fn note(mandate: &Mandate) -> String {
    let number = mandate.agreement_no.as_ref().map_or("-     ", |_| "number");
    let checked = if mandate.checked_at_s == Some(at(NOW)) { "checked" } else { "-      " };
    format!(
        "{:24} {} | {number} {checked} {} {}",
        phase(mandate),
        mandate.due_at().map_or("never      ".to_owned(), clock),
        mandate.task.retries,
        mandate.limit()
    )
}

fn row(from: &str, name: &str, mandate: &Mandate, input: &Input) -> Option<String> {
    let to = match after(mandate, input, at(NOW)) {
        After::Changed(mandate) => note(&mandate),
        After::Unchanged => "UNCHANGED".to_owned(),
        After::Contradicts => "CONTRADICTS".to_owned(),
        After::Conflict => return None,
    };
    Some(format!("{from:20} | {name:21} | {to}"))
}

#[test]
fn every_input_in_every_phase_has_one_outcome() {
    let mut rows = vec![format!(
        "{:20} | {:21} | to                       due         | number checked retries limit",
        "from", "input on 05-17 10:00"
    )];
    for (from, mandate) in every_phase() {
        rows.push(format!("{from:20} | {:21} | {}", "-", note(&mandate)));
        let inputs = every_input();
        rows.extend(inputs.iter().filter_map(|(name, input)| row(from, name, &mandate, input)));
        rows.push(format!("{from:20} | everything else       | REFUSED"));
    }
    expect_file!["table.txt"].assert_eq(&(rows.join("\n") + "\n"));
}

#[test]
fn a_mandate_waits_until_it_is_due_and_then_has_one_next_step() {
    for (name, step, usable) in [
        ("offered", MandateStep::Query, false),
        ("offered a week ago", MandateStep::Query, false),
        ("active", MandateStep::Wait, true),
        ("active, adopted", MandateStep::Wait, true),
        ("active, checked", MandateStep::Wait, true),
        ("active, expired", MandateStep::Query, false),
        ("suspended", MandateStep::Query, false),
        ("suspended, expired", MandateStep::Query, false),
        ("suspended by debit", MandateStep::Query, false),
        ("ending, unsigned", MandateStep::Unsign, false),
        ("ending", MandateStep::Unsign, false),
        ("confirming end", MandateStep::Query, false),
        ("confirming, unsigned", MandateStep::Query, false),
        ("ended, not signed", MandateStep::Wait, false),
        ("ended, revoked", MandateStep::Wait, false),
        ("ended, no number", MandateStep::Wait, false),
    ] {
        let (_, mandate) = every_phase().into_iter().find(|(phase, _)| *phase == name).unwrap();
        let due = mandate.due_at().unwrap_or(at(NOW));
        let second = SignedDuration::from_secs(1);
        assert_eq!(mandate.next_step(due - second), MandateStep::Wait, "{name}, early");
        assert_eq!(mandate.next_step(due), step, "{name}, due");
        assert_eq!(mandate.next_step(at("2016-01-01 00:00")), step, "{name}, long due");
        assert_eq!(mandate.due_at().is_some(), step != MandateStep::Wait, "{name}");
        assert_eq!(mandate.is_usable(at(NOW)), usable, "{name}");
    }
}

#[test]
fn the_table_has_every_phase() {
    let mut steps = [0; 6];
    for (_, mandate) in every_phase() {
        steps[match mandate.phase {
            MandatePhase::Offered => 0,
            MandatePhase::Active => 1,
            MandatePhase::Suspended { .. } => 2,
            MandatePhase::Ending { .. } => 3,
            MandatePhase::ConfirmingEnd { .. } => 4,
            MandatePhase::Ended { .. } => 5,
        }] += 1;
    }
    assert!(steps.iter().all(|times| *times > 1), "{steps:?}");
}
