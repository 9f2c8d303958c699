//! Reading documents, so that every error names the path in the document.

use serde::de::DeserializeOwned;
use steelyard_json::{JsonError, Node};

use super::{Override, Plan, PlanDocument, check};
use crate::faults::{Fault, PlanError, Rule};

impl Plan {
    /// Reads and checks a plan document.
    ///
    /// # Errors
    ///
    /// [`PlanError`] with the path of all that is wrong: in form, and every rule that what has its
    /// form breaks. Whether amounts can be exact is checked once the form is right. Of the fields
    /// that an object misses, the first is named.
    pub fn read(document: &str) -> Result<Plan, PlanError> {
        Plan::of_node(steelyard_json::parse(document.as_bytes())?)
    }

    /// Reads and checks a plan that is a part of another document.
    ///
    /// # Errors
    ///
    /// As [`Plan::read`].
    pub fn of_node(node: Node) -> Result<Plan, PlanError> {
        let mut node = node.with_first("model");
        let mut wrong = Vec::new();
        let broken = loop {
            let partial = match node.clone().read_in_parts::<PlanDocument>() {
                Ok(document) if wrong.is_empty() => return Plan::try_from(document),
                Ok(document) => break broken(&document, |path| Some(path.to_owned())),
                Err(partial) => partial,
            };
            let new = partial.wrong.iter().filter(|error| !wrong.contains(*error)).cloned();
            wrong.extend(new.collect::<Vec<_>>());
            if let Some(left) = &partial.read {
                break broken(left, |path| partial.written(path));
            }
            // A plan without a name or a day breaks other rules all the same.
            if !named(&mut node, &wrong) {
                break Vec::new();
            }
        };
        let of_form = wrong.into_iter().map(Fault::of_form);
        Err(PlanError { faults: of_form.chain(broken).collect() })
    }
}

/// The rules that are broken by what has its form in a document, each with its path as it was
/// written; those of what lost a part are left out, since it may break them for want of the part.
fn broken(left: &PlanDocument, written: impl Fn(&str) -> Option<String>) -> Vec<Fault> {
    let faults = check::document(left).err().into_iter().flat_map(|error| error.faults);
    // What is left has other conversions and tiers than what was meant.
    let faults = faults.filter(|fault| !fault.rule.is_of_amounts());
    let faults = faults.filter_map(|fault| Some(Fault { path: written(&fault.path)?, ..fault }));
    faults.collect()
}

/// Puts some name and some day in the place of those that are wrong or missing. Whether there was
/// one.
fn named(node: &mut Node, wrong: &[JsonError]) -> bool {
    let Node::Object(fields) = node else { return false };
    let mut is_new = false;
    for (field, some) in [("plan", "some"), ("effective_from", "2000-01-01")] {
        let some = Node::Text(some.to_owned());
        let is_wrong = wrong.iter().any(|error| error.path == field);
        if is_wrong && !fields.iter().any(|(name, value)| name == field && *value == some) {
            fields.retain(|(name, _)| name != field);
            fields.push((field.to_owned(), some));
            is_new = true;
        }
    }
    is_new
}

impl Override {
    /// Reads an override. Whether it fits a plan is checked when it is applied.
    ///
    /// # Errors
    ///
    /// [`PlanError`] with the path of all that is wrong in form.
    pub fn read(document: &str) -> Result<Override, PlanError> {
        read(steelyard_json::parse(document.as_bytes())?)
    }
}

/// A price is read by its model, which may stand behind the other fields.
pub(super) fn read<T: DeserializeOwned>(node: Node) -> Result<T, PlanError> {
    node.with_first("model").read_all().map_err(|errors| {
        let faults = errors.into_iter().map(Fault::of_form).collect();
        PlanError { faults }
    })
}

impl Fault {
    fn of_form(JsonError { path, text }: JsonError) -> Fault {
        Fault { path, rule: Rule::Form(text) }
    }
}

impl From<JsonError> for PlanError {
    fn from(error: JsonError) -> PlanError {
        PlanError { faults: vec![Fault::of_form(error)] }
    }
}
