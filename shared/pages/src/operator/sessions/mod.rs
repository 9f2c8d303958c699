//! The sessions in which the pages of a provider are open, which an operator ends together.

mod page;
mod texts;
