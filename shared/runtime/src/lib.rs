//! What the shell of every function needs: configuration, clock, AWS clients, queues, batches.

#[cfg(feature = "alipay")]
pub mod alipay;
pub mod aws;
mod batch;
#[cfg(feature = "bucket")]
mod bucket;
#[cfg(feature = "bus")]
mod bus;
#[cfg(feature = "callee")]
mod callee;
mod clock;
mod endpoints;
mod environment;
mod function;
mod guard;
mod http;
mod known;
mod log;
mod problem;
mod queue;
mod standings;
mod unreadable;
pub mod web;

pub use batch::{Message, each_group, each_message, each_message_in_turn, is_batch};
#[cfg(feature = "bucket")]
pub use bucket::{Bucket, BucketError, Buckets, Stored};
#[cfg(feature = "bus")]
pub use bus::{Bus, BusError};
#[cfg(feature = "callee")]
pub use callee::{Callee, InvokeError};
pub use clock::Clock;
pub use environment::{Environment, EnvironmentError};
pub use function::{Error, Function, Invocation, run};
pub use guard::{Guard, KNOWN_FOR, NotAdmitted};
pub use http::tls;
pub use known::Known;
pub use problem::Problem;
pub use queue::{Queue, QueueError};
pub use standings::{NoStanding, Standings};
pub use steelyard_billing::chain;
pub use unreadable::report_unreadable;
