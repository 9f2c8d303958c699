//! The local stack: everything that Steelyard needs, in one process.

pub mod alipay;
mod clock;
pub mod embedded;
mod lambda;
mod server;
mod stack;

pub use clock::LocalClock;
pub use lambda::{EventSource, LocalFunction};
pub use server::http_event;
pub use stack::{ALIPAY_SECRET, Functions, PORT, Stack, StackOptions};
