//! Reading documents, so that every error names the path in the document.

use serde::de::DeserializeOwned;
use steelyard_json::{JsonError, Node};

use super::{Override, Plan, PlanDocument};
use crate::faults::{Fault, PlanError, Rule};

impl Plan {
    /// Reads and checks a plan document.
    ///
    /// # Errors
    ///
    /// [`PlanError`] with the path of all that is wrong: of form, or otherwise every rule that is
    /// broken. Rules are checked once the form is right. Of the fields that an object misses, the
    /// first is named.
    pub fn read(document: &str) -> Result<Plan, PlanError> {
        Plan::of_node(steelyard_json::parse(document.as_bytes())?)
    }

    /// Reads and checks a plan that is a part of another document.
    ///
    /// # Errors
    ///
    /// As [`Plan::read`].
    pub fn of_node(node: Node) -> Result<Plan, PlanError> {
        Plan::try_from(read::<PlanDocument>(node)?)
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
