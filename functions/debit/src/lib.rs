//! The debit function.
