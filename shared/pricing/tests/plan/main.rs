//! What is wrong with a document is reported with its path, all of it at once, and for people; what
//! is right with it is found in it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../documents/mod.rs"]
mod documents;
mod forms;
mod lookups;
mod overrides;
mod rules;
mod warnings;

use std::fmt::Write;

use steelyard_pricing::{Override, Plan, PlanError};

use documents::{Changes, over, plan};

/// The plan that overrides are applied to.
fn overridden() -> Plan {
    let changes = [
        r#"rates[0].price.unit_price = "1000.00001""#,
        r#"rates[0].discounts = [{ "discount": "welcome", "percent": "5" }]"#,
    ];
    Plan::read(&plan(&changes)).unwrap()
}

fn read_and_apply(document: &str) -> Result<Plan, PlanError> {
    Override::read(document)?.applied_to(&overridden())
}

/// Each document's changes, with what is wrong below them.
fn faults(tables: &[Changes], refused: impl Fn(Changes) -> PlanError) -> String {
    let mut lines = String::new();
    for changes in tables {
        for change in *changes {
            let change = change.split_whitespace().collect::<Vec<_>>().join(" ");
            writeln!(lines, "{change}").unwrap();
        }
        for fault in refused(changes).faults {
            writeln!(lines, "    {fault}").unwrap();
        }
    }
    lines
}

fn refused_plan(changes: Changes) -> PlanError {
    Plan::read(&plan(changes)).err().unwrap_or_else(|| panic!("accepted: {changes:?}"))
}

fn refused_override(changes: Changes) -> PlanError {
    read_and_apply(&over(changes)).err().unwrap_or_else(|| panic!("accepted: {changes:?}"))
}
