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
        MandatePhase::Ending { why: reason, ask: false } => format!("ending, {}", why(reason)),
        MandatePhase::Ending { why: reason, ask: true } => format!("ending, {}, ask", why(reason)),
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
        mandate.doubts,
        mandate.limit()
    )
}

fn row(from: &str, name: &str, mandate: &Mandate, input: &Input) -> Option<String> {
    let to = match after(mandate, input, at(NOW)) {
        After::Changed(mandate) => note(&mandate),
        After::Known => "KNOWN".to_owned(),
        After::Crossed => "CROSSED".to_owned(),
        After::Conflict => return None,
    };
    Some(format!("{from:18} | {name:21} | {to}"))
}

fn check_table(expected: Expect) {
    let mut rows = vec![format!(
        "{:18} | {:21} | to                       visit       | number checked doubts limit",
        "from", "told on 05-17 10:00"
    )];
    for (from, mandate) in every_phase() {
        rows.push(format!("{from:18} | {:21} | {}", "-", note(&mandate)));
        let inputs = every_input();
        rows.extend(inputs.iter().filter_map(|(name, input)| row(from, name, &mandate, input)));
        rows.push(format!("{from:18} | everything else       | REFUSED"));
    }
    expected.assert_eq(&rows.join("\n"));
}

#[test]
fn every_input_in_every_phase_has_one_outcome() {
    check_table(expect![[r#"
        from               | told on 05-17 10:00   | to                       visit       | number checked doubts limit
        offered            | -                     | offered                  05-17 09:59 | -      -       0 100.00
        offered            | signed                | active                   never       | number -       0 100.00
        offered            | signed, number only   | CROSSED
        offered            | signed, other number  | active                   never       | number -       0 100.00
        offered            | signed, other of ours | CROSSED
        offered            | signed, later         | active                   never       | number -       0 100.00
        offered            | ended                 | ended, by provider 09:59 never       | number -       0 100.00
        offered            | ended, number only    | CROSSED
        offered            | ended, before signed  | ended, by provider 09:58 never       | number -       0 100.00
        offered            | ended, other number   | ended, by provider 09:59 never       | number -       0 100.00
        offered            | ended, other of ours  | CROSSED
        offered            | query: in force       | active                   never       | number checked 0 50.00
        offered            | query: other number   | active                   never       | number checked 0 50.00
        offered            | query: other of ours  | CROSSED
        offered            | query: not yet        | offered                  05-17 10:01 | -      checked 0 100.00
        offered            | query: suspended      | offered                  05-17 10:01 | -      checked 0 100.00
        offered            | query: ended          | ended, by provider 10:00 never       | -      checked 0 100.00
        offered            | query: not found      | offered                  05-17 10:01 | -      checked 0 100.00
        offered            | query: in doubt       | offered                  05-17 10:01 | -      -       1 100.00
        offered            | ending                | ending, here             05-17 10:00 | -      -       0 100.00
        offered            | debit: payer blocked  | KNOWN
        offered            | debit: mandate dead   | KNOWN
        offered            | debit: of another     | KNOWN
        offered            | everything else       | REFUSED
        offered a week ago | -                     | offered                  05-10 09:59 | -      -       0 100.00
        offered a week ago | signed                | active                   never       | number -       0 100.00
        offered a week ago | signed, number only   | CROSSED
        offered a week ago | signed, other number  | active                   never       | number -       0 100.00
        offered a week ago | signed, other of ours | CROSSED
        offered a week ago | signed, later         | active                   never       | number -       0 100.00
        offered a week ago | ended                 | ended, by provider 09:59 never       | number -       0 100.00
        offered a week ago | ended, number only    | CROSSED
        offered a week ago | ended, before signed  | ended, by provider 09:58 never       | number -       0 100.00
        offered a week ago | ended, other number   | ended, by provider 09:59 never       | number -       0 100.00
        offered a week ago | ended, other of ours  | CROSSED
        offered a week ago | query: in force       | active                   never       | number checked 0 50.00
        offered a week ago | query: other number   | active                   never       | number checked 0 50.00
        offered a week ago | query: other of ours  | CROSSED
        offered a week ago | query: not yet        | ended, not signed 10:00  never       | -      checked 0 100.00
        offered a week ago | query: suspended      | offered                  05-17 16:00 | -      checked 0 100.00
        offered a week ago | query: ended          | ended, by provider 10:00 never       | -      checked 0 100.00
        offered a week ago | query: not found      | ended, not signed 10:00  never       | -      checked 0 100.00
        offered a week ago | query: in doubt       | offered                  05-17 16:00 | -      -       1 100.00
        offered a week ago | ending                | ending, here             05-17 10:00 | -      -       0 100.00
        offered a week ago | debit: payer blocked  | KNOWN
        offered a week ago | debit: mandate dead   | KNOWN
        offered a week ago | debit: of another     | KNOWN
        offered a week ago | everything else       | REFUSED
        active             | -                     | active                   never       | number -       0 100.00
        active             | signed                | KNOWN
        active             | signed, number only   | KNOWN
        active             | signed, other number  | CROSSED
        active             | signed, other of ours | CROSSED
        active             | signed, later         | KNOWN
        active             | ended                 | ended, by provider 09:59 never       | number -       0 100.00
        active             | ended, number only    | ended, by provider 09:59 never       | number -       0 100.00
        active             | ended, before signed  | CROSSED
        active             | ended, other number   | CROSSED
        active             | ended, other of ours  | CROSSED
        active             | query: in force       | active                   never       | number checked 0 50.00
        active             | query: other number   | CROSSED
        active             | query: other of ours  | CROSSED
        active             | query: not yet        | ended, by provider 10:00 never       | number checked 0 100.00
        active             | query: suspended      | suspended                05-18 10:00 | number checked 0 100.00
        active             | query: ended          | ended, by provider 10:00 never       | number checked 0 100.00
        active             | query: not found      | ended, by provider 10:00 never       | number checked 0 100.00
        active             | query: in doubt       | active                   never       | number -       1 100.00
        active             | ending                | ending, here             05-17 10:00 | number -       0 100.00
        active             | debit: payer blocked  | suspended by debit       05-17 10:00 | number -       0 100.00
        active             | debit: mandate dead   | suspended by debit       05-17 10:00 | number -       0 100.00
        active             | debit: of another     | KNOWN
        active             | everything else       | REFUSED
        active, adopted    | -                     | active                   never       | number -       0 100.00
        active, adopted    | signed                | active                   never       | number -       0 100.00
        active, adopted    | signed, number only   | active                   never       | number -       0 100.00
        active, adopted    | signed, other number  | CROSSED
        active, adopted    | signed, other of ours | active                   never       | number -       0 100.00
        active, adopted    | signed, later         | active                   never       | number -       0 100.00
        active, adopted    | ended                 | ended, by provider 09:59 never       | number -       0 100.00
        active, adopted    | ended, number only    | ended, by provider 09:59 never       | number -       0 100.00
        active, adopted    | ended, before signed  | ended, by provider 09:58 never       | number -       0 100.00
        active, adopted    | ended, other number   | CROSSED
        active, adopted    | ended, other of ours  | ended, by provider 09:59 never       | number -       0 100.00
        active, adopted    | query: in force       | active                   never       | number checked 0 50.00
        active, adopted    | query: other number   | CROSSED
        active, adopted    | query: other of ours  | active                   never       | number checked 0 50.00
        active, adopted    | query: not yet        | ended, by provider 10:00 never       | number checked 0 100.00
        active, adopted    | query: suspended      | suspended                05-18 10:00 | number checked 0 100.00
        active, adopted    | query: ended          | ended, by provider 10:00 never       | number checked 0 100.00
        active, adopted    | query: not found      | ended, by provider 10:00 never       | number checked 0 100.00
        active, adopted    | query: in doubt       | active                   never       | number -       1 100.00
        active, adopted    | ending                | ending, here             05-17 10:00 | number -       0 100.00
        active, adopted    | debit: payer blocked  | suspended by debit       05-17 10:00 | number -       0 100.00
        active, adopted    | debit: mandate dead   | suspended by debit       05-17 10:00 | number -       0 100.00
        active, adopted    | debit: of another     | KNOWN
        active, adopted    | everything else       | REFUSED
        active, checked    | -                     | active                   never       | number checked 0 50.00
        active, checked    | signed                | KNOWN
        active, checked    | signed, number only   | KNOWN
        active, checked    | signed, other number  | CROSSED
        active, checked    | signed, other of ours | CROSSED
        active, checked    | signed, later         | KNOWN
        active, checked    | ended                 | ended, by provider 09:59 never       | number checked 0 50.00
        active, checked    | ended, number only    | ended, by provider 09:59 never       | number checked 0 50.00
        active, checked    | ended, before signed  | CROSSED
        active, checked    | ended, other number   | CROSSED
        active, checked    | ended, other of ours  | CROSSED
        active, checked    | query: in force       | active                   never       | number checked 0 50.00
        active, checked    | query: other number   | CROSSED
        active, checked    | query: other of ours  | CROSSED
        active, checked    | query: not yet        | ended, by provider 10:00 never       | number checked 0 50.00
        active, checked    | query: suspended      | suspended                05-18 10:00 | number checked 0 50.00
        active, checked    | query: ended          | ended, by provider 10:00 never       | number checked 0 50.00
        active, checked    | query: not found      | ended, by provider 10:00 never       | number checked 0 50.00
        active, checked    | query: in doubt       | active                   never       | number checked 1 50.00
        active, checked    | ending                | ending, here             05-17 10:00 | number checked 0 50.00
        active, checked    | debit: payer blocked  | suspended by debit       05-17 10:00 | number checked 0 50.00
        active, checked    | debit: mandate dead   | suspended by debit       05-17 10:00 | number checked 0 50.00
        active, checked    | debit: of another     | KNOWN
        active, checked    | everything else       | REFUSED
        active, expired    | -                     | active                   05-17 10:00 | number checked 0 50.00
        active, expired    | signed                | KNOWN
        active, expired    | signed, number only   | KNOWN
        active, expired    | signed, other number  | CROSSED
        active, expired    | signed, other of ours | CROSSED
        active, expired    | signed, later         | KNOWN
        active, expired    | ended                 | ended, by provider 09:59 never       | number checked 0 50.00
        active, expired    | ended, number only    | ended, by provider 09:59 never       | number checked 0 50.00
        active, expired    | ended, before signed  | CROSSED
        active, expired    | ended, other number   | CROSSED
        active, expired    | ended, other of ours  | CROSSED
        active, expired    | query: in force       | active                   05-18 10:00 | number checked 0 50.00
        active, expired    | query: other number   | CROSSED
        active, expired    | query: other of ours  | CROSSED
        active, expired    | query: not yet        | ended, expired 10:00     never       | number checked 0 50.00
        active, expired    | query: suspended      | suspended                05-18 10:00 | number checked 0 50.00
        active, expired    | query: ended          | ended, expired 10:00     never       | number checked 0 50.00
        active, expired    | query: not found      | ended, expired 10:00     never       | number checked 0 50.00
        active, expired    | query: in doubt       | active                   05-17 10:01 | number checked 1 50.00
        active, expired    | ending                | ending, here             05-17 10:00 | number checked 0 50.00
        active, expired    | debit: payer blocked  | suspended by debit       05-17 10:00 | number checked 0 50.00
        active, expired    | debit: mandate dead   | suspended by debit       05-17 10:00 | number checked 0 50.00
        active, expired    | debit: of another     | KNOWN
        active, expired    | everything else       | REFUSED
        suspended          | -                     | suspended                05-18 10:00 | number checked 0 100.00
        suspended          | signed                | KNOWN
        suspended          | signed, number only   | KNOWN
        suspended          | signed, other number  | CROSSED
        suspended          | signed, other of ours | CROSSED
        suspended          | signed, later         | KNOWN
        suspended          | ended                 | ended, by provider 09:59 never       | number checked 0 100.00
        suspended          | ended, number only    | ended, by provider 09:59 never       | number checked 0 100.00
        suspended          | ended, before signed  | CROSSED
        suspended          | ended, other number   | CROSSED
        suspended          | ended, other of ours  | CROSSED
        suspended          | query: in force       | active                   never       | number checked 0 50.00
        suspended          | query: other number   | CROSSED
        suspended          | query: other of ours  | CROSSED
        suspended          | query: not yet        | ended, by provider 10:00 never       | number checked 0 100.00
        suspended          | query: suspended      | suspended                05-18 10:00 | number checked 0 100.00
        suspended          | query: ended          | ended, by provider 10:00 never       | number checked 0 100.00
        suspended          | query: not found      | ended, by provider 10:00 never       | number checked 0 100.00
        suspended          | query: in doubt       | suspended                05-17 10:01 | number checked 1 100.00
        suspended          | ending                | ending, here             05-17 10:00 | number checked 0 100.00
        suspended          | debit: payer blocked  | suspended by debit       05-17 10:00 | number checked 0 100.00
        suspended          | debit: mandate dead   | suspended by debit       05-17 10:00 | number checked 0 100.00
        suspended          | debit: of another     | KNOWN
        suspended          | resumed               | active                   never       | number -       0 100.00
        suspended          | everything else       | REFUSED
        suspended, expired | -                     | suspended                05-18 10:00 | number checked 0 50.00
        suspended, expired | signed                | KNOWN
        suspended, expired | signed, number only   | KNOWN
        suspended, expired | signed, other number  | CROSSED
        suspended, expired | signed, other of ours | CROSSED
        suspended, expired | signed, later         | KNOWN
        suspended, expired | ended                 | ended, by provider 09:59 never       | number checked 0 50.00
        suspended, expired | ended, number only    | ended, by provider 09:59 never       | number checked 0 50.00
        suspended, expired | ended, before signed  | CROSSED
        suspended, expired | ended, other number   | CROSSED
        suspended, expired | ended, other of ours  | CROSSED
        suspended, expired | query: in force       | active                   05-17 10:00 | number checked 0 50.00
        suspended, expired | query: other number   | CROSSED
        suspended, expired | query: other of ours  | CROSSED
        suspended, expired | query: not yet        | ended, expired 10:00     never       | number checked 0 50.00
        suspended, expired | query: suspended      | suspended                05-18 10:00 | number checked 0 50.00
        suspended, expired | query: ended          | ended, expired 10:00     never       | number checked 0 50.00
        suspended, expired | query: not found      | ended, expired 10:00     never       | number checked 0 50.00
        suspended, expired | query: in doubt       | suspended                05-17 10:01 | number checked 1 50.00
        suspended, expired | ending                | ending, here             05-17 10:00 | number checked 0 50.00
        suspended, expired | debit: payer blocked  | suspended by debit       05-17 10:00 | number checked 0 50.00
        suspended, expired | debit: mandate dead   | suspended by debit       05-17 10:00 | number checked 0 50.00
        suspended, expired | debit: of another     | KNOWN
        suspended, expired | resumed               | active                   05-17 10:00 | number -       0 50.00
        suspended, expired | everything else       | REFUSED
        suspended by debit | -                     | suspended by debit       05-17 10:00 | number -       0 100.00
        suspended by debit | signed                | KNOWN
        suspended by debit | signed, number only   | KNOWN
        suspended by debit | signed, other number  | CROSSED
        suspended by debit | signed, other of ours | CROSSED
        suspended by debit | signed, later         | KNOWN
        suspended by debit | ended                 | ended, by provider 09:59 never       | number -       0 100.00
        suspended by debit | ended, number only    | ended, by provider 09:59 never       | number -       0 100.00
        suspended by debit | ended, before signed  | CROSSED
        suspended by debit | ended, other number   | CROSSED
        suspended by debit | ended, other of ours  | CROSSED
        suspended by debit | query: in force       | suspended by debit       05-18 10:00 | number checked 0 50.00
        suspended by debit | query: other number   | CROSSED
        suspended by debit | query: other of ours  | CROSSED
        suspended by debit | query: not yet        | ended, by provider 10:00 never       | number checked 0 100.00
        suspended by debit | query: suspended      | suspended by debit       05-18 10:00 | number checked 0 100.00
        suspended by debit | query: ended          | ended, by provider 10:00 never       | number checked 0 100.00
        suspended by debit | query: not found      | ended, by provider 10:00 never       | number checked 0 100.00
        suspended by debit | query: in doubt       | suspended by debit       05-17 10:01 | number -       1 100.00
        suspended by debit | ending                | ending, here             05-17 10:00 | number -       0 100.00
        suspended by debit | debit: payer blocked  | KNOWN
        suspended by debit | debit: mandate dead   | KNOWN
        suspended by debit | debit: of another     | KNOWN
        suspended by debit | resumed               | active                   never       | number -       0 100.00
        suspended by debit | everything else       | REFUSED
        ending, unsigned   | -                     | ending, here             05-17 10:00 | -      -       0 100.00
        ending, unsigned   | signed                | ending, here             05-17 10:00 | number -       0 100.00
        ending, unsigned   | signed, number only   | CROSSED
        ending, unsigned   | signed, other number  | ending, here             05-17 10:00 | number -       0 100.00
        ending, unsigned   | signed, other of ours | CROSSED
        ending, unsigned   | signed, later         | ending, here             05-17 10:00 | number -       0 100.00
        ending, unsigned   | ended                 | ended, here 09:59        never       | number -       0 100.00
        ending, unsigned   | ended, number only    | CROSSED
        ending, unsigned   | ended, before signed  | ended, here 09:58        never       | number -       0 100.00
        ending, unsigned   | ended, other number   | ended, here 09:59        never       | number -       0 100.00
        ending, unsigned   | ended, other of ours  | CROSSED
        ending, unsigned   | query: in force       | ending, here             05-17 10:01 | number checked 1 50.00
        ending, unsigned   | query: other number   | ending, here             05-17 10:01 | number checked 1 50.00
        ending, unsigned   | query: other of ours  | CROSSED
        ending, unsigned   | query: not yet        | ended, here 10:00        never       | -      checked 0 100.00
        ending, unsigned   | query: suspended      | ending, here             05-17 10:01 | -      checked 1 100.00
        ending, unsigned   | query: ended          | ended, here 10:00        never       | -      checked 0 100.00
        ending, unsigned   | query: not found      | ended, here 10:00        never       | -      checked 0 100.00
        ending, unsigned   | query: in doubt       | ending, here             05-17 10:01 | -      -       1 100.00
        ending, unsigned   | unsign: ended         | ended, here 10:00        never       | -      -       0 100.00
        ending, unsigned   | unsign: not in force  | ending, here, ask        05-17 10:00 | -      -       0 100.00
        ending, unsigned   | unsign: in doubt      | ending, here             05-17 10:01 | -      -       1 100.00
        ending, unsigned   | debit: payer blocked  | KNOWN
        ending, unsigned   | debit: mandate dead   | KNOWN
        ending, unsigned   | debit: of another     | KNOWN
        ending, unsigned   | everything else       | REFUSED
        ending             | -                     | ending, replaced         05-17 10:00 | number -       0 100.00
        ending             | signed                | KNOWN
        ending             | signed, number only   | KNOWN
        ending             | signed, other number  | CROSSED
        ending             | signed, other of ours | CROSSED
        ending             | signed, later         | KNOWN
        ending             | ended                 | ended, replaced 09:59    never       | number -       0 100.00
        ending             | ended, number only    | ended, replaced 09:59    never       | number -       0 100.00
        ending             | ended, before signed  | CROSSED
        ending             | ended, other number   | CROSSED
        ending             | ended, other of ours  | CROSSED
        ending             | query: in force       | ending, replaced         05-17 10:01 | number checked 1 50.00
        ending             | query: other number   | CROSSED
        ending             | query: other of ours  | CROSSED
        ending             | query: not yet        | ended, replaced 10:00    never       | number checked 0 100.00
        ending             | query: suspended      | ending, replaced         05-17 10:01 | number checked 1 100.00
        ending             | query: ended          | ended, replaced 10:00    never       | number checked 0 100.00
        ending             | query: not found      | ended, replaced 10:00    never       | number checked 0 100.00
        ending             | query: in doubt       | ending, replaced         05-17 10:01 | number -       1 100.00
        ending             | unsign: ended         | ended, replaced 10:00    never       | number -       0 100.00
        ending             | unsign: not in force  | ending, replaced, ask    05-17 10:00 | number -       0 100.00
        ending             | unsign: in doubt      | ending, replaced         05-17 10:01 | number -       1 100.00
        ending             | debit: payer blocked  | KNOWN
        ending             | debit: mandate dead   | KNOWN
        ending             | debit: of another     | KNOWN
        ending             | everything else       | REFUSED
        ending, ask        | -                     | ending, replaced, ask    05-17 10:00 | number -       0 100.00
        ending, ask        | signed                | KNOWN
        ending, ask        | signed, number only   | KNOWN
        ending, ask        | signed, other number  | CROSSED
        ending, ask        | signed, other of ours | CROSSED
        ending, ask        | signed, later         | KNOWN
        ending, ask        | ended                 | ended, replaced 09:59    never       | number -       0 100.00
        ending, ask        | ended, number only    | ended, replaced 09:59    never       | number -       0 100.00
        ending, ask        | ended, before signed  | CROSSED
        ending, ask        | ended, other number   | CROSSED
        ending, ask        | ended, other of ours  | CROSSED
        ending, ask        | query: in force       | ending, replaced         05-17 10:01 | number checked 1 50.00
        ending, ask        | query: other number   | CROSSED
        ending, ask        | query: other of ours  | CROSSED
        ending, ask        | query: not yet        | ended, replaced 10:00    never       | number checked 0 100.00
        ending, ask        | query: suspended      | ending, replaced         05-17 10:01 | number checked 1 100.00
        ending, ask        | query: ended          | ended, replaced 10:00    never       | number checked 0 100.00
        ending, ask        | query: not found      | ended, replaced 10:00    never       | number checked 0 100.00
        ending, ask        | query: in doubt       | ending, replaced, ask    05-17 10:01 | number -       1 100.00
        ending, ask        | unsign: ended         | ended, replaced 10:00    never       | number -       0 100.00
        ending, ask        | unsign: not in force  | ending, replaced, ask    05-17 10:00 | number -       0 100.00
        ending, ask        | unsign: in doubt      | ending, replaced, ask    05-17 10:01 | number -       1 100.00
        ending, ask        | debit: payer blocked  | KNOWN
        ending, ask        | debit: mandate dead   | KNOWN
        ending, ask        | debit: of another     | KNOWN
        ending, ask        | everything else       | REFUSED
        ended, not signed  | -                     | ended, not signed 10:00  never       | -      checked 0 100.00
        ended, not signed  | signed                | CROSSED
        ended, not signed  | signed, number only   | CROSSED
        ended, not signed  | signed, other number  | CROSSED
        ended, not signed  | signed, other of ours | CROSSED
        ended, not signed  | signed, later         | CROSSED
        ended, not signed  | ended                 | KNOWN
        ended, not signed  | ended, number only    | CROSSED
        ended, not signed  | ended, before signed  | KNOWN
        ended, not signed  | ended, other number   | KNOWN
        ended, not signed  | ended, other of ours  | CROSSED
        ended, not signed  | query: in force       | KNOWN
        ended, not signed  | query: other number   | KNOWN
        ended, not signed  | query: other of ours  | CROSSED
        ended, not signed  | query: not yet        | KNOWN
        ended, not signed  | query: suspended      | KNOWN
        ended, not signed  | query: ended          | KNOWN
        ended, not signed  | query: not found      | KNOWN
        ended, not signed  | query: in doubt       | KNOWN
        ended, not signed  | unsign: ended         | KNOWN
        ended, not signed  | unsign: not in force  | KNOWN
        ended, not signed  | unsign: in doubt      | KNOWN
        ended, not signed  | debit: payer blocked  | KNOWN
        ended, not signed  | debit: mandate dead   | KNOWN
        ended, not signed  | debit: of another     | KNOWN
        ended, not signed  | everything else       | REFUSED
        ended, revoked     | -                     | ended, by provider 10:00 never       | number checked 0 100.00
        ended, revoked     | signed                | KNOWN
        ended, revoked     | signed, number only   | KNOWN
        ended, revoked     | signed, other number  | CROSSED
        ended, revoked     | signed, other of ours | CROSSED
        ended, revoked     | signed, later         | CROSSED
        ended, revoked     | ended                 | KNOWN
        ended, revoked     | ended, number only    | KNOWN
        ended, revoked     | ended, before signed  | CROSSED
        ended, revoked     | ended, other number   | CROSSED
        ended, revoked     | ended, other of ours  | CROSSED
        ended, revoked     | query: in force       | KNOWN
        ended, revoked     | query: other number   | CROSSED
        ended, revoked     | query: other of ours  | CROSSED
        ended, revoked     | query: not yet        | KNOWN
        ended, revoked     | query: suspended      | KNOWN
        ended, revoked     | query: ended          | KNOWN
        ended, revoked     | query: not found      | KNOWN
        ended, revoked     | query: in doubt       | KNOWN
        ended, revoked     | unsign: ended         | KNOWN
        ended, revoked     | unsign: not in force  | KNOWN
        ended, revoked     | unsign: in doubt      | KNOWN
        ended, revoked     | debit: payer blocked  | KNOWN
        ended, revoked     | debit: mandate dead   | KNOWN
        ended, revoked     | debit: of another     | KNOWN
        ended, revoked     | everything else       | REFUSED
        ended, no number   | -                     | ended, replaced 10:00    never       | -      checked 0 100.00
        ended, no number   | signed                | KNOWN
        ended, no number   | signed, number only   | CROSSED
        ended, no number   | signed, other number  | KNOWN
        ended, no number   | signed, other of ours | CROSSED
        ended, no number   | signed, later         | CROSSED
        ended, no number   | ended                 | KNOWN
        ended, no number   | ended, number only    | CROSSED
        ended, no number   | ended, before signed  | KNOWN
        ended, no number   | ended, other number   | KNOWN
        ended, no number   | ended, other of ours  | CROSSED
        ended, no number   | query: in force       | KNOWN
        ended, no number   | query: other number   | KNOWN
        ended, no number   | query: other of ours  | CROSSED
        ended, no number   | query: not yet        | KNOWN
        ended, no number   | query: suspended      | KNOWN
        ended, no number   | query: ended          | KNOWN
        ended, no number   | query: not found      | KNOWN
        ended, no number   | query: in doubt       | KNOWN
        ended, no number   | unsign: ended         | KNOWN
        ended, no number   | unsign: not in force  | KNOWN
        ended, no number   | unsign: in doubt      | KNOWN
        ended, no number   | debit: payer blocked  | KNOWN
        ended, no number   | debit: mandate dead   | KNOWN
        ended, no number   | debit: of another     | KNOWN
        ended, no number   | everything else       | REFUSED"#]]);
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
        ("ending, ask", MandateStep::Query, false),
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
    let mut steps = [0; 5];
    for (_, mandate) in every_phase() {
        steps[match mandate.phase {
            MandatePhase::Offered => 0,
            MandatePhase::Active => 1,
            MandatePhase::Suspended { .. } => 2,
            MandatePhase::Ending { .. } => 3,
            MandatePhase::Ended { .. } => 4,
        }] += 1;
    }
    assert!(steps.iter().all(|times| *times > 1), "{steps:?}");
}
