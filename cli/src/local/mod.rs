//! The local stack: everything that Steelyard needs, in one process.

pub mod alipay;
mod catcher;
mod clock;
mod door;
pub mod embedded;
mod functions;
mod lambda;
mod listen;
mod objects;
mod server;
mod stack;
mod start;
mod status;
mod stream;

pub use clock::LocalClock;
pub use functions::Functions;
pub(crate) use functions::LOGS_QUEUE_URL;
pub use lambda::{EventSource, LocalFunction, NamedFunctions};
pub use objects::LocalObjects;
pub use server::http_event;
pub use stack::{ALIPAY_SECRET, PORT, Stack, StackOptions};
pub(crate) use status::StackStatus;
