//! The operator's tool and the local stack.
