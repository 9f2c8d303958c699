//! The phases of records, and how they change.

use std::fmt;

use serde_json::Value;

/// A change of the phase of a record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Transition {
    /// The kind of the record, such as `debit`.
    pub kind: String,
    /// The phase before; none of a new record.
    pub from: Option<String>,
    /// The phase after.
    pub to: String,
}

impl Transition {
    /// The change that a record of the billing table's stream shows, if it is one of a phase.
    pub(crate) fn of(record: &Value) -> Option<Transition> {
        let change = &record["dynamodb"];
        let phase = |image: &str| change[image]["phase"]["S"].as_str().map(str::to_owned);
        let kind = change["Keys"]["sk"]["S"].as_str()?.split('#').next()?.to_owned();
        let (from, to) = (phase("OldImage"), phase("NewImage")?);
        (from.as_ref() != Some(&to)).then_some(Transition { kind, from, to })
    }
}

impl fmt::Display for Transition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Transition { kind, from, to } = self;
        write!(f, "{kind}: {} -> {to}", from.as_deref().unwrap_or("none"))
    }
}
