//! The settle function.
