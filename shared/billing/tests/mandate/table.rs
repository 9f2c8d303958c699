//! Every phase by every input.

use expect_test::{Expect, expect};
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

fn check_table(expected: Expect) {
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
    expected.assert_eq(&rows.join("\n"));
}

#[test]
fn every_input_in_every_phase_has_one_outcome() {
    check_table(expect![[r#"
        from                 | input on 05-17 10:00  | to                       due         | number checked retries limit
        offered              | -                     | offered                  05-17 09:59 | -      -       1 100.00
        offered              | signed                | active                   never       | number -       0 100.00
        offered              | signed, number only   | CONTRADICTS
        offered              | signed, other number  | active                   never       | number -       0 100.00
        offered              | signed, other of ours | CONTRADICTS
        offered              | signed, later         | active                   never       | number -       0 100.00
        offered              | ended                 | ended, by provider 09:59 never       | number -       0 100.00
        offered              | ended, number only    | CONTRADICTS
        offered              | ended, before signed  | ended, by provider 09:58 never       | number -       0 100.00
        offered              | ended, other number   | ended, by provider 09:59 never       | number -       0 100.00
        offered              | ended, other of ours  | CONTRADICTS
        offered              | query: in force       | active                   never       | number checked 0 50.00
        offered              | query: other number   | active                   never       | number checked 0 50.00
        offered              | query: other of ours  | CONTRADICTS
        offered              | query: not yet        | offered                  05-17 10:02 | -      checked 2 100.00
        offered              | query: suspended      | offered                  05-17 10:02 | -      checked 2 100.00
        offered              | query: ended          | ended, by provider 10:00 never       | -      checked 0 100.00
        offered              | query: not found      | offered                  05-17 10:02 | -      checked 2 100.00
        offered              | query: in doubt       | offered                  05-17 10:02 | -      -       2 100.00
        offered              | ending                | ending, here             05-17 10:00 | -      -       0 100.00
        offered              | debit: payer blocked  | UNCHANGED
        offered              | debit: mandate dead   | UNCHANGED
        offered              | debit: of another     | UNCHANGED
        offered              | everything else       | REFUSED
        offered a week ago   | -                     | offered                  05-10 09:59 | -      -       1 100.00
        offered a week ago   | signed                | active                   never       | number -       0 100.00
        offered a week ago   | signed, number only   | CONTRADICTS
        offered a week ago   | signed, other number  | active                   never       | number -       0 100.00
        offered a week ago   | signed, other of ours | CONTRADICTS
        offered a week ago   | signed, later         | active                   never       | number -       0 100.00
        offered a week ago   | ended                 | ended, by provider 09:59 never       | number -       0 100.00
        offered a week ago   | ended, number only    | CONTRADICTS
        offered a week ago   | ended, before signed  | ended, by provider 09:58 never       | number -       0 100.00
        offered a week ago   | ended, other number   | ended, by provider 09:59 never       | number -       0 100.00
        offered a week ago   | ended, other of ours  | CONTRADICTS
        offered a week ago   | query: in force       | active                   never       | number checked 0 50.00
        offered a week ago   | query: other number   | active                   never       | number checked 0 50.00
        offered a week ago   | query: other of ours  | CONTRADICTS
        offered a week ago   | query: not yet        | ended, not signed 10:00  never       | -      checked 0 100.00
        offered a week ago   | query: suspended      | offered                  05-17 10:02 | -      checked 2 100.00
        offered a week ago   | query: ended          | ended, by provider 10:00 never       | -      checked 0 100.00
        offered a week ago   | query: not found      | ended, not signed 10:00  never       | -      checked 0 100.00
        offered a week ago   | query: in doubt       | offered                  05-17 10:02 | -      -       2 100.00
        offered a week ago   | ending                | ending, here             05-17 10:00 | -      -       0 100.00
        offered a week ago   | debit: payer blocked  | UNCHANGED
        offered a week ago   | debit: mandate dead   | UNCHANGED
        offered a week ago   | debit: of another     | UNCHANGED
        offered a week ago   | everything else       | REFUSED
        active               | -                     | active                   never       | number -       0 100.00
        active               | signed                | UNCHANGED
        active               | signed, number only   | UNCHANGED
        active               | signed, other number  | CONTRADICTS
        active               | signed, other of ours | CONTRADICTS
        active               | signed, later         | UNCHANGED
        active               | ended                 | ended, by provider 09:59 never       | number -       0 100.00
        active               | ended, number only    | ended, by provider 09:59 never       | number -       0 100.00
        active               | ended, before signed  | CONTRADICTS
        active               | ended, other number   | CONTRADICTS
        active               | ended, other of ours  | CONTRADICTS
        active               | query: in force       | active                   never       | number checked 0 50.00
        active               | query: other number   | CONTRADICTS
        active               | query: other of ours  | CONTRADICTS
        active               | query: not yet        | suspended                05-18 10:00 | number checked 0 100.00
        active               | query: suspended      | suspended                05-18 10:00 | number checked 0 100.00
        active               | query: ended          | ended, by provider 10:00 never       | number checked 0 100.00
        active               | query: not found      | ended, by provider 10:00 never       | number checked 0 100.00
        active               | query: in doubt       | active                   never       | number -       1 100.00
        active               | ending                | ending, here             05-17 10:00 | number -       0 100.00
        active               | debit: payer blocked  | suspended by debit       05-17 10:00 | number -       0 100.00
        active               | debit: mandate dead   | suspended by debit       05-17 10:00 | number -       0 100.00
        active               | debit: of another     | UNCHANGED
        active               | everything else       | REFUSED
        active, adopted      | -                     | active                   never       | number -       0 100.00
        active, adopted      | signed                | active                   never       | number -       0 100.00
        active, adopted      | signed, number only   | active                   never       | number -       0 100.00
        active, adopted      | signed, other number  | CONTRADICTS
        active, adopted      | signed, other of ours | active                   never       | number -       0 100.00
        active, adopted      | signed, later         | active                   never       | number -       0 100.00
        active, adopted      | ended                 | ended, by provider 09:59 never       | number -       0 100.00
        active, adopted      | ended, number only    | ended, by provider 09:59 never       | number -       0 100.00
        active, adopted      | ended, before signed  | ended, by provider 09:58 never       | number -       0 100.00
        active, adopted      | ended, other number   | CONTRADICTS
        active, adopted      | ended, other of ours  | ended, by provider 09:59 never       | number -       0 100.00
        active, adopted      | query: in force       | active                   never       | number checked 0 50.00
        active, adopted      | query: other number   | CONTRADICTS
        active, adopted      | query: other of ours  | active                   never       | number checked 0 50.00
        active, adopted      | query: not yet        | suspended                05-18 10:00 | number checked 0 100.00
        active, adopted      | query: suspended      | suspended                05-18 10:00 | number checked 0 100.00
        active, adopted      | query: ended          | ended, by provider 10:00 never       | number checked 0 100.00
        active, adopted      | query: not found      | ended, by provider 10:00 never       | number checked 0 100.00
        active, adopted      | query: in doubt       | active                   never       | number -       1 100.00
        active, adopted      | ending                | ending, here             05-17 10:00 | number -       0 100.00
        active, adopted      | debit: payer blocked  | suspended by debit       05-17 10:00 | number -       0 100.00
        active, adopted      | debit: mandate dead   | suspended by debit       05-17 10:00 | number -       0 100.00
        active, adopted      | debit: of another     | UNCHANGED
        active, adopted      | everything else       | REFUSED
        active, checked      | -                     | active                   never       | number checked 0 50.00
        active, checked      | signed                | UNCHANGED
        active, checked      | signed, number only   | UNCHANGED
        active, checked      | signed, other number  | CONTRADICTS
        active, checked      | signed, other of ours | CONTRADICTS
        active, checked      | signed, later         | UNCHANGED
        active, checked      | ended                 | ended, by provider 09:59 never       | number checked 0 50.00
        active, checked      | ended, number only    | ended, by provider 09:59 never       | number checked 0 50.00
        active, checked      | ended, before signed  | CONTRADICTS
        active, checked      | ended, other number   | CONTRADICTS
        active, checked      | ended, other of ours  | CONTRADICTS
        active, checked      | query: in force       | active                   never       | number checked 0 50.00
        active, checked      | query: other number   | CONTRADICTS
        active, checked      | query: other of ours  | CONTRADICTS
        active, checked      | query: not yet        | suspended                05-18 10:00 | number checked 0 50.00
        active, checked      | query: suspended      | suspended                05-18 10:00 | number checked 0 50.00
        active, checked      | query: ended          | ended, by provider 10:00 never       | number checked 0 50.00
        active, checked      | query: not found      | ended, by provider 10:00 never       | number checked 0 50.00
        active, checked      | query: in doubt       | active                   never       | number checked 1 50.00
        active, checked      | ending                | ending, here             05-17 10:00 | number checked 0 50.00
        active, checked      | debit: payer blocked  | suspended by debit       05-17 10:00 | number checked 0 50.00
        active, checked      | debit: mandate dead   | suspended by debit       05-17 10:00 | number checked 0 50.00
        active, checked      | debit: of another     | UNCHANGED
        active, checked      | everything else       | REFUSED
        active, expired      | -                     | active                   05-17 10:00 | number checked 0 50.00
        active, expired      | signed                | UNCHANGED
        active, expired      | signed, number only   | UNCHANGED
        active, expired      | signed, other number  | CONTRADICTS
        active, expired      | signed, other of ours | CONTRADICTS
        active, expired      | signed, later         | UNCHANGED
        active, expired      | ended                 | ended, by provider 09:59 never       | number checked 0 50.00
        active, expired      | ended, number only    | ended, by provider 09:59 never       | number checked 0 50.00
        active, expired      | ended, before signed  | CONTRADICTS
        active, expired      | ended, other number   | CONTRADICTS
        active, expired      | ended, other of ours  | CONTRADICTS
        active, expired      | query: in force       | active                   05-18 10:00 | number checked 0 50.00
        active, expired      | query: other number   | CONTRADICTS
        active, expired      | query: other of ours  | CONTRADICTS
        active, expired      | query: not yet        | suspended                05-18 10:00 | number checked 0 50.00
        active, expired      | query: suspended      | suspended                05-18 10:00 | number checked 0 50.00
        active, expired      | query: ended          | ended, expired 10:00     never       | number checked 0 50.00
        active, expired      | query: not found      | ended, expired 10:00     never       | number checked 0 50.00
        active, expired      | query: in doubt       | active                   05-17 10:01 | number checked 1 50.00
        active, expired      | ending                | ending, here             05-17 10:00 | number checked 0 50.00
        active, expired      | debit: payer blocked  | suspended by debit       05-17 10:00 | number checked 0 50.00
        active, expired      | debit: mandate dead   | suspended by debit       05-17 10:00 | number checked 0 50.00
        active, expired      | debit: of another     | UNCHANGED
        active, expired      | everything else       | REFUSED
        suspended            | -                     | suspended                05-18 10:00 | number checked 0 100.00
        suspended            | signed                | UNCHANGED
        suspended            | signed, number only   | UNCHANGED
        suspended            | signed, other number  | CONTRADICTS
        suspended            | signed, other of ours | CONTRADICTS
        suspended            | signed, later         | UNCHANGED
        suspended            | ended                 | ended, by provider 09:59 never       | number checked 0 100.00
        suspended            | ended, number only    | ended, by provider 09:59 never       | number checked 0 100.00
        suspended            | ended, before signed  | CONTRADICTS
        suspended            | ended, other number   | CONTRADICTS
        suspended            | ended, other of ours  | CONTRADICTS
        suspended            | query: in force       | active                   never       | number checked 0 50.00
        suspended            | query: other number   | CONTRADICTS
        suspended            | query: other of ours  | CONTRADICTS
        suspended            | query: not yet        | suspended                05-18 10:00 | number checked 0 100.00
        suspended            | query: suspended      | suspended                05-18 10:00 | number checked 0 100.00
        suspended            | query: ended          | ended, by provider 10:00 never       | number checked 0 100.00
        suspended            | query: not found      | ended, by provider 10:00 never       | number checked 0 100.00
        suspended            | query: in doubt       | suspended                05-17 10:01 | number checked 1 100.00
        suspended            | ending                | ending, here             05-17 10:00 | number checked 0 100.00
        suspended            | debit: payer blocked  | suspended by debit       05-17 10:00 | number checked 0 100.00
        suspended            | debit: mandate dead   | suspended by debit       05-17 10:00 | number checked 0 100.00
        suspended            | debit: of another     | UNCHANGED
        suspended            | resumed               | active                   never       | number -       0 100.00
        suspended            | everything else       | REFUSED
        suspended, expired   | -                     | suspended                05-18 10:00 | number checked 0 50.00
        suspended, expired   | signed                | UNCHANGED
        suspended, expired   | signed, number only   | UNCHANGED
        suspended, expired   | signed, other number  | CONTRADICTS
        suspended, expired   | signed, other of ours | CONTRADICTS
        suspended, expired   | signed, later         | UNCHANGED
        suspended, expired   | ended                 | ended, by provider 09:59 never       | number checked 0 50.00
        suspended, expired   | ended, number only    | ended, by provider 09:59 never       | number checked 0 50.00
        suspended, expired   | ended, before signed  | CONTRADICTS
        suspended, expired   | ended, other number   | CONTRADICTS
        suspended, expired   | ended, other of ours  | CONTRADICTS
        suspended, expired   | query: in force       | active                   05-17 10:00 | number checked 0 50.00
        suspended, expired   | query: other number   | CONTRADICTS
        suspended, expired   | query: other of ours  | CONTRADICTS
        suspended, expired   | query: not yet        | suspended                05-18 10:00 | number checked 0 50.00
        suspended, expired   | query: suspended      | suspended                05-18 10:00 | number checked 0 50.00
        suspended, expired   | query: ended          | ended, expired 10:00     never       | number checked 0 50.00
        suspended, expired   | query: not found      | ended, expired 10:00     never       | number checked 0 50.00
        suspended, expired   | query: in doubt       | suspended                05-17 10:01 | number checked 1 50.00
        suspended, expired   | ending                | ending, here             05-17 10:00 | number checked 0 50.00
        suspended, expired   | debit: payer blocked  | suspended by debit       05-17 10:00 | number checked 0 50.00
        suspended, expired   | debit: mandate dead   | suspended by debit       05-17 10:00 | number checked 0 50.00
        suspended, expired   | debit: of another     | UNCHANGED
        suspended, expired   | resumed               | active                   05-17 10:00 | number -       0 50.00
        suspended, expired   | everything else       | REFUSED
        suspended by debit   | -                     | suspended by debit       05-17 10:00 | number -       0 100.00
        suspended by debit   | signed                | UNCHANGED
        suspended by debit   | signed, number only   | UNCHANGED
        suspended by debit   | signed, other number  | CONTRADICTS
        suspended by debit   | signed, other of ours | CONTRADICTS
        suspended by debit   | signed, later         | UNCHANGED
        suspended by debit   | ended                 | ended, by provider 09:59 never       | number -       0 100.00
        suspended by debit   | ended, number only    | ended, by provider 09:59 never       | number -       0 100.00
        suspended by debit   | ended, before signed  | CONTRADICTS
        suspended by debit   | ended, other number   | CONTRADICTS
        suspended by debit   | ended, other of ours  | CONTRADICTS
        suspended by debit   | query: in force       | suspended by debit       05-18 10:00 | number checked 0 50.00
        suspended by debit   | query: other number   | CONTRADICTS
        suspended by debit   | query: other of ours  | CONTRADICTS
        suspended by debit   | query: not yet        | suspended by debit       05-18 10:00 | number checked 0 100.00
        suspended by debit   | query: suspended      | suspended by debit       05-18 10:00 | number checked 0 100.00
        suspended by debit   | query: ended          | ended, by provider 10:00 never       | number checked 0 100.00
        suspended by debit   | query: not found      | ended, by provider 10:00 never       | number checked 0 100.00
        suspended by debit   | query: in doubt       | suspended by debit       05-17 10:01 | number -       1 100.00
        suspended by debit   | ending                | ending, here             05-17 10:00 | number -       0 100.00
        suspended by debit   | debit: payer blocked  | UNCHANGED
        suspended by debit   | debit: mandate dead   | UNCHANGED
        suspended by debit   | debit: of another     | UNCHANGED
        suspended by debit   | resumed               | active                   never       | number -       0 100.00
        suspended by debit   | everything else       | REFUSED
        ending, unsigned     | -                     | ending, here             05-17 10:00 | -      -       0 100.00
        ending, unsigned     | signed                | ending, here             05-17 10:00 | number -       0 100.00
        ending, unsigned     | signed, number only   | CONTRADICTS
        ending, unsigned     | signed, other number  | ending, here             05-17 10:00 | number -       0 100.00
        ending, unsigned     | signed, other of ours | CONTRADICTS
        ending, unsigned     | signed, later         | ending, here             05-17 10:00 | number -       0 100.00
        ending, unsigned     | ended                 | ended, here 09:59        never       | number -       0 100.00
        ending, unsigned     | ended, number only    | CONTRADICTS
        ending, unsigned     | ended, before signed  | ended, here 09:58        never       | number -       0 100.00
        ending, unsigned     | ended, other number   | ended, here 09:59        never       | number -       0 100.00
        ending, unsigned     | ended, other of ours  | CONTRADICTS
        ending, unsigned     | query: in force       | ending, here             05-17 10:01 | number checked 1 50.00
        ending, unsigned     | query: other number   | ending, here             05-17 10:01 | number checked 1 50.00
        ending, unsigned     | query: other of ours  | CONTRADICTS
        ending, unsigned     | query: not yet        | ended, here 10:00        never       | -      checked 0 100.00
        ending, unsigned     | query: suspended      | ending, here             05-17 10:01 | -      checked 1 100.00
        ending, unsigned     | query: ended          | ended, here 10:00        never       | -      checked 0 100.00
        ending, unsigned     | query: not found      | ended, here 10:00        never       | -      checked 0 100.00
        ending, unsigned     | query: in doubt       | ending, here             05-17 10:01 | -      -       1 100.00
        ending, unsigned     | unsign: ended         | ended, here 10:00        never       | -      -       0 100.00
        ending, unsigned     | unsign: not in force  | confirming, here         05-17 10:00 | -      -       0 100.00
        ending, unsigned     | unsign: in doubt      | ending, here             05-17 10:01 | -      -       1 100.00
        ending, unsigned     | debit: payer blocked  | UNCHANGED
        ending, unsigned     | debit: mandate dead   | UNCHANGED
        ending, unsigned     | debit: of another     | UNCHANGED
        ending, unsigned     | everything else       | REFUSED
        ending               | -                     | ending, replaced         05-17 10:00 | number -       0 100.00
        ending               | signed                | UNCHANGED
        ending               | signed, number only   | UNCHANGED
        ending               | signed, other number  | CONTRADICTS
        ending               | signed, other of ours | CONTRADICTS
        ending               | signed, later         | UNCHANGED
        ending               | ended                 | ended, replaced 09:59    never       | number -       0 100.00
        ending               | ended, number only    | ended, replaced 09:59    never       | number -       0 100.00
        ending               | ended, before signed  | CONTRADICTS
        ending               | ended, other number   | CONTRADICTS
        ending               | ended, other of ours  | CONTRADICTS
        ending               | query: in force       | ending, replaced         05-17 10:01 | number checked 1 50.00
        ending               | query: other number   | CONTRADICTS
        ending               | query: other of ours  | CONTRADICTS
        ending               | query: not yet        | ended, replaced 10:00    never       | number checked 0 100.00
        ending               | query: suspended      | ending, replaced         05-17 10:01 | number checked 1 100.00
        ending               | query: ended          | ended, replaced 10:00    never       | number checked 0 100.00
        ending               | query: not found      | ended, replaced 10:00    never       | number checked 0 100.00
        ending               | query: in doubt       | ending, replaced         05-17 10:01 | number -       1 100.00
        ending               | unsign: ended         | ended, replaced 10:00    never       | number -       0 100.00
        ending               | unsign: not in force  | confirming, replaced     05-17 10:00 | number -       0 100.00
        ending               | unsign: in doubt      | ending, replaced         05-17 10:01 | number -       1 100.00
        ending               | debit: payer blocked  | UNCHANGED
        ending               | debit: mandate dead   | UNCHANGED
        ending               | debit: of another     | UNCHANGED
        ending               | everything else       | REFUSED
        confirming end       | -                     | confirming, replaced     05-17 10:00 | number -       0 100.00
        confirming end       | signed                | UNCHANGED
        confirming end       | signed, number only   | UNCHANGED
        confirming end       | signed, other number  | CONTRADICTS
        confirming end       | signed, other of ours | CONTRADICTS
        confirming end       | signed, later         | UNCHANGED
        confirming end       | ended                 | ended, replaced 09:59    never       | number -       0 100.00
        confirming end       | ended, number only    | ended, replaced 09:59    never       | number -       0 100.00
        confirming end       | ended, before signed  | CONTRADICTS
        confirming end       | ended, other number   | CONTRADICTS
        confirming end       | ended, other of ours  | CONTRADICTS
        confirming end       | query: in force       | ending, replaced         05-17 10:01 | number checked 1 50.00
        confirming end       | query: other number   | CONTRADICTS
        confirming end       | query: other of ours  | CONTRADICTS
        confirming end       | query: not yet        | ended, replaced 10:00    never       | number checked 0 100.00
        confirming end       | query: suspended      | ending, replaced         05-17 10:01 | number checked 1 100.00
        confirming end       | query: ended          | ended, replaced 10:00    never       | number checked 0 100.00
        confirming end       | query: not found      | ended, replaced 10:00    never       | number checked 0 100.00
        confirming end       | query: in doubt       | confirming, replaced     05-17 10:01 | number -       1 100.00
        confirming end       | unsign: ended         | ended, replaced 10:00    never       | number -       0 100.00
        confirming end       | unsign: not in force  | confirming, replaced     05-17 10:00 | number -       0 100.00
        confirming end       | unsign: in doubt      | confirming, replaced     05-17 10:01 | number -       1 100.00
        confirming end       | debit: payer blocked  | UNCHANGED
        confirming end       | debit: mandate dead   | UNCHANGED
        confirming end       | debit: of another     | UNCHANGED
        confirming end       | everything else       | REFUSED
        confirming, unsigned | -                     | confirming, here         05-17 10:00 | -      -       0 100.00
        confirming, unsigned | signed                | ending, here             05-17 10:00 | number -       0 100.00
        confirming, unsigned | signed, number only   | CONTRADICTS
        confirming, unsigned | signed, other number  | ending, here             05-17 10:00 | number -       0 100.00
        confirming, unsigned | signed, other of ours | CONTRADICTS
        confirming, unsigned | signed, later         | ending, here             05-17 10:00 | number -       0 100.00
        confirming, unsigned | ended                 | ended, here 09:59        never       | number -       0 100.00
        confirming, unsigned | ended, number only    | CONTRADICTS
        confirming, unsigned | ended, before signed  | ended, here 09:58        never       | number -       0 100.00
        confirming, unsigned | ended, other number   | ended, here 09:59        never       | number -       0 100.00
        confirming, unsigned | ended, other of ours  | CONTRADICTS
        confirming, unsigned | query: in force       | ending, here             05-17 10:01 | number checked 1 50.00
        confirming, unsigned | query: other number   | ending, here             05-17 10:01 | number checked 1 50.00
        confirming, unsigned | query: other of ours  | CONTRADICTS
        confirming, unsigned | query: not yet        | ended, here 10:00        never       | -      checked 0 100.00
        confirming, unsigned | query: suspended      | ending, here             05-17 10:01 | -      checked 1 100.00
        confirming, unsigned | query: ended          | ended, here 10:00        never       | -      checked 0 100.00
        confirming, unsigned | query: not found      | ended, here 10:00        never       | -      checked 0 100.00
        confirming, unsigned | query: in doubt       | confirming, here         05-17 10:01 | -      -       1 100.00
        confirming, unsigned | unsign: ended         | ended, here 10:00        never       | -      -       0 100.00
        confirming, unsigned | unsign: not in force  | confirming, here         05-17 10:00 | -      -       0 100.00
        confirming, unsigned | unsign: in doubt      | confirming, here         05-17 10:01 | -      -       1 100.00
        confirming, unsigned | debit: payer blocked  | UNCHANGED
        confirming, unsigned | debit: mandate dead   | UNCHANGED
        confirming, unsigned | debit: of another     | UNCHANGED
        confirming, unsigned | everything else       | REFUSED
        ended, not signed    | -                     | ended, not signed 10:00  never       | -      checked 0 100.00
        ended, not signed    | signed                | CONTRADICTS
        ended, not signed    | signed, number only   | CONTRADICTS
        ended, not signed    | signed, other number  | CONTRADICTS
        ended, not signed    | signed, other of ours | CONTRADICTS
        ended, not signed    | signed, later         | CONTRADICTS
        ended, not signed    | ended                 | UNCHANGED
        ended, not signed    | ended, number only    | CONTRADICTS
        ended, not signed    | ended, before signed  | UNCHANGED
        ended, not signed    | ended, other number   | UNCHANGED
        ended, not signed    | ended, other of ours  | CONTRADICTS
        ended, not signed    | query: in force       | UNCHANGED
        ended, not signed    | query: other number   | UNCHANGED
        ended, not signed    | query: other of ours  | CONTRADICTS
        ended, not signed    | query: not yet        | UNCHANGED
        ended, not signed    | query: suspended      | UNCHANGED
        ended, not signed    | query: ended          | UNCHANGED
        ended, not signed    | query: not found      | UNCHANGED
        ended, not signed    | query: in doubt       | UNCHANGED
        ended, not signed    | unsign: ended         | UNCHANGED
        ended, not signed    | unsign: not in force  | UNCHANGED
        ended, not signed    | unsign: in doubt      | UNCHANGED
        ended, not signed    | debit: payer blocked  | UNCHANGED
        ended, not signed    | debit: mandate dead   | UNCHANGED
        ended, not signed    | debit: of another     | UNCHANGED
        ended, not signed    | everything else       | REFUSED
        ended, revoked       | -                     | ended, by provider 10:00 never       | number checked 0 100.00
        ended, revoked       | signed                | UNCHANGED
        ended, revoked       | signed, number only   | UNCHANGED
        ended, revoked       | signed, other number  | CONTRADICTS
        ended, revoked       | signed, other of ours | CONTRADICTS
        ended, revoked       | signed, later         | CONTRADICTS
        ended, revoked       | ended                 | UNCHANGED
        ended, revoked       | ended, number only    | UNCHANGED
        ended, revoked       | ended, before signed  | CONTRADICTS
        ended, revoked       | ended, other number   | CONTRADICTS
        ended, revoked       | ended, other of ours  | CONTRADICTS
        ended, revoked       | query: in force       | UNCHANGED
        ended, revoked       | query: other number   | CONTRADICTS
        ended, revoked       | query: other of ours  | CONTRADICTS
        ended, revoked       | query: not yet        | UNCHANGED
        ended, revoked       | query: suspended      | UNCHANGED
        ended, revoked       | query: ended          | UNCHANGED
        ended, revoked       | query: not found      | UNCHANGED
        ended, revoked       | query: in doubt       | UNCHANGED
        ended, revoked       | unsign: ended         | UNCHANGED
        ended, revoked       | unsign: not in force  | UNCHANGED
        ended, revoked       | unsign: in doubt      | UNCHANGED
        ended, revoked       | debit: payer blocked  | UNCHANGED
        ended, revoked       | debit: mandate dead   | UNCHANGED
        ended, revoked       | debit: of another     | UNCHANGED
        ended, revoked       | everything else       | REFUSED
        ended, no number     | -                     | ended, replaced 10:00    never       | -      checked 0 100.00
        ended, no number     | signed                | UNCHANGED
        ended, no number     | signed, number only   | CONTRADICTS
        ended, no number     | signed, other number  | UNCHANGED
        ended, no number     | signed, other of ours | CONTRADICTS
        ended, no number     | signed, later         | CONTRADICTS
        ended, no number     | ended                 | UNCHANGED
        ended, no number     | ended, number only    | CONTRADICTS
        ended, no number     | ended, before signed  | UNCHANGED
        ended, no number     | ended, other number   | UNCHANGED
        ended, no number     | ended, other of ours  | CONTRADICTS
        ended, no number     | query: in force       | UNCHANGED
        ended, no number     | query: other number   | UNCHANGED
        ended, no number     | query: other of ours  | CONTRADICTS
        ended, no number     | query: not yet        | UNCHANGED
        ended, no number     | query: suspended      | UNCHANGED
        ended, no number     | query: ended          | UNCHANGED
        ended, no number     | query: not found      | UNCHANGED
        ended, no number     | query: in doubt       | UNCHANGED
        ended, no number     | unsign: ended         | UNCHANGED
        ended, no number     | unsign: not in force  | UNCHANGED
        ended, no number     | unsign: in doubt      | UNCHANGED
        ended, no number     | debit: payer blocked  | UNCHANGED
        ended, no number     | debit: mandate dead   | UNCHANGED
        ended, no number     | debit: of another     | UNCHANGED
        ended, no number     | everything else       | REFUSED"#]]);
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
