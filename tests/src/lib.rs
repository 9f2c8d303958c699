//! Flows through the whole system.
