//! The operator's tool and the local stack.

pub mod local;
mod tables;

pub use tables::Tables;
