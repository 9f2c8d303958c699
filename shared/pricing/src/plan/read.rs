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
        let partial = match node.with_first("model").read_in_parts::<PlanDocument>() {
            Ok(document) => return Plan::try_from(document),
            Err(partial) => partial,
        };
        let broken = partial.read.as_ref().and_then(|left| check::document(left).err());
        let broken = broken.into_iter().flat_map(|error| error.faults);
        // What is left has other conversions and tiers than what was meant.
        let broken = broken.filter(|fault| !fault.rule.is_of_amounts());
        // What lost a part may break a rule for want of it.
        let broken = broken.filter_map(|fault| {
            let path = partial.written(&fault.path)?;
            Some(Fault { path, ..fault })
        });
        let of_form = partial.wrong.iter().cloned().map(Fault::of_form);
        Err(PlanError { faults: of_form.chain(broken).collect() })
    }
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
