//! The functions of Steelyard under everything that goes wrong, decided by one seed.
//!
//! The handlers are the real ones, over the real store and the real AWS SDK; DynamoDB and SQS are
//! embedded, and Alipay is the local one, which has a truth of its own. A seed decides what sources
//! report, what people do, how time passes, which requests are lost, late or refused, and where a
//! process ends. Afterwards everything in flight ends, and every invariant is checked. The same
//! seed gives the same trace, so that any failure can be read again as a story.
//!
//! What the product does is not here, and nothing here is in the product.

#![expect(clippy::wildcard_enum_match_arm, reason = "most mishaps concern one place only")]

mod age;
mod alipay;
mod aws;
mod buttons;
mod canary;
mod chaos;
mod cut;
mod life;
mod machines;
mod mishap;
mod model;
mod operators;
mod others;
mod panics;
mod pending;
mod people;
mod record;
mod rest;
mod run;
mod sources;
mod story;
mod transition;
mod world;

pub use canary::Canary;
pub use cut::{Cut, When, pairs_of_cuts, single_cuts};
pub use machines::Which;
pub use mishap::Mishap;
pub use record::Exchange;
pub use run::{Options, Outcome, each, simulate};
pub use transition::Transition;
