//! What a proof of a payment means for the record that it is about.

/// What becomes of a record when it is proved that its trade was paid: by a verified notification,
/// the answer to a query, or the bill of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Learned<T> {
    /// It is recorded already: a repetition changes nothing.
    Known,
    /// It was not known: the record after it.
    New(T),
    /// It contradicts what is recorded, as by another amount or another trade. Nothing changes; a
    /// person must look.
    Contradicts,
}
