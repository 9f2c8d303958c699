//! Reading documents, so that every error names the path in the document.

use serde::de::DeserializeOwned;

use super::node::{Node, Refusal};
use super::{Override, Plan, PlanDocument};
use crate::faults::{Fault, PlanError, Rule};

impl Plan {
    /// Reads and checks a plan document.
    ///
    /// # Errors
    ///
    /// [`PlanError`] with the path of every rule that is broken; of what is wrong in form, the first.
    pub fn read(document: &str) -> Result<Plan, PlanError> {
        Plan::try_from(read::<PlanDocument>(document)?)
    }
}

impl Override {
    /// Reads an override. Whether it fits a plan is checked when it is applied.
    ///
    /// # Errors
    ///
    /// [`PlanError`] with the path of what is wrong in form.
    pub fn read(document: &str) -> Result<Override, PlanError> {
        read(document)
    }
}

fn read<T: DeserializeOwned>(document: &str) -> Result<T, PlanError> {
    of_node(node(document)?)
}

/// A document as it is written.
pub(crate) fn node(document: &str) -> Result<Node, PlanError> {
    serde_json::from_str(document).map_err(|error| not_json(&error))
}

/// What a document says.
pub(crate) fn of_node<T: DeserializeOwned>(node: Node) -> Result<T, PlanError> {
    T::deserialize(node).map_err(|Refusal { path, text }| refused(path, text))
}

/// The text is no JSON at all, or goes on after its end.
fn not_json(error: &serde_json::Error) -> PlanError {
    let text = error.to_string();
    let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
    let what = if error.is_eof() { "the document ends too early" } else { what };
    let what = if what == "trailing characters" { "something follows the document" } else { what };
    let (line, column) = (error.line(), error.column());
    refused(String::new(), format!("is not valid JSON at line {line}, column {column}: {what}"))
}

fn refused(path: String, text: String) -> PlanError {
    PlanError { faults: vec![Fault { path, rule: Rule::Form(text) }] }
}
