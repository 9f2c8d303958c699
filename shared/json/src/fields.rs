//! The fields of an object, taken one by one.

use std::collections::HashSet;

use serde::de::DeserializeOwned;

use crate::{JsonError, Node};

/// The fields of an object that are left. Each was given once.
///
/// For objects of which a part is read later, or in another way; others are read into a type.
#[derive(Debug)]
pub struct Fields(Vec<(String, Node)>);

impl Fields {
    pub(crate) fn new(fields: Vec<(String, Node)>) -> Result<Fields, JsonError> {
        let mut seen = HashSet::new();
        match fields.iter().find(|(field, _)| !seen.insert(field)) {
            Some((field, _)) => Err(JsonError::twice(field)),
            None => Ok(Fields(fields)),
        }
    }

    /// Takes a field as it is written, if it is given.
    pub fn take(&mut self, name: &str) -> Option<Node> {
        let at = self.0.iter().position(|(field, _)| field == name)?;
        Some(self.0.swap_remove(at).1)
    }

    /// Takes a field as it is written.
    ///
    /// # Errors
    ///
    /// When it is missing.
    pub fn require(&mut self, name: &str) -> Result<Node, JsonError> {
        self.take(name).ok_or_else(|| JsonError::missing(name))
    }

    /// Takes and reads a field, if it is given.
    ///
    /// # Errors
    ///
    /// When it does not have the form of its type.
    pub fn read<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>, JsonError> {
        let read = |node: Node| node.read().map_err(|error| error.inside(name));
        self.take(name).map(read).transpose()
    }

    /// Takes and reads a field.
    ///
    /// # Errors
    ///
    /// When it is missing, or does not have the form of its type.
    pub fn read_required<T: DeserializeOwned>(&mut self, name: &str) -> Result<T, JsonError> {
        self.require(name)?.read().map_err(|error| error.inside(name))
    }

    /// Refuses what is left; `known` are the fields that there are.
    ///
    /// # Errors
    ///
    /// When a field is left.
    pub fn end(self, known: &[&str]) -> Result<(), JsonError> {
        match self.0.first() {
            Some((field, _)) => Err(JsonError::unknown(field, known)),
            None => Ok(()),
        }
    }
}
