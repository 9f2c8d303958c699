//! What a piece of evidence means for the record that it is about.

/// The effect on a record of something that became known: a verified notification, the answer to a
/// query, a row of a bill, or a person's decision.
///
/// Evidence arrives late, twice and out of order, so each record decides for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<T> {
    /// The record changes to this.
    Changed(T),
    /// The record says so already, or the evidence is older than what it says: nothing changes.
    Unchanged,
    /// The evidence contradicts the record, for example by another amount or another number.
    /// Nothing changes, and a person must look.
    Contradicts,
}

impl<T> Outcome<T> {
    /// The same outcome with another record.
    #[must_use]
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Outcome<U> {
        match self {
            Outcome::Changed(record) => Outcome::Changed(change(record)),
            Outcome::Unchanged => Outcome::Unchanged,
            Outcome::Contradicts => Outcome::Contradicts,
        }
    }
}
