//! One seed, from the beginning of its world to rest.

use std::collections::BTreeMap;

use steelyard_runtime::Error;

use crate::canary::Canary;
use crate::chaos::Chaos;
use crate::mishap::Mishap;
use crate::panics;
use crate::world::World;

/// How many things happen between two looks at the books.
const LOOK_EVERY: u64 = 200;

/// The input of a simulation.
#[derive(Clone, Debug)]
pub struct Options {
    /// The seed, which decides everything.
    pub seed: u64,
    /// The least number of things that happen before rest.
    pub events: u64,
    /// The fault that is built in on purpose, if there is one.
    pub canary: Option<Canary>,
    /// The mishaps that may happen; all of those that the seed draws, if there is none.
    pub only: Option<Vec<Mishap>>,
}

/// The result of a simulation.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How many things happened: writes, calls of Alipay, deliveries, acts of people, moves of the
    /// clock, and whatever went wrong. What is only read is not counted.
    pub events: u64,
    /// How often each mishap happened.
    pub fired: BTreeMap<Mishap, u64>,
    /// A line for each thing that happened or was read.
    pub trace: Vec<String>,
    /// The invariant that did not hold, if one did not.
    pub failure: Option<String>,
}

/// Simulates a seed.
///
/// The runtime has one thread, no sockets, and a clock that goes on only when nothing can run.
#[must_use]
pub fn simulate(options: &Options) -> Outcome {
    // The SDK draws its tokens, and how long it waits before it tries again, from this.
    fastrand::seed(options.seed);
    let chaos = Chaos::new(options.seed, options.canary);
    if let Some(only) = &options.only {
        chaos.keep_only(only);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without sockets needs nothing");
    let ended = panics::caught(|| runtime.block_on(live(options, &chaos)));
    let failure = match ended {
        Ok(ended) => ended.err().map(|error| error.to_string()),
        Err(panic) => Some(panic),
    };
    let events = chaos.events();
    let (fired, trace) = chaos.story();
    Outcome { events, fired, trace, failure }
}

async fn live(options: &Options, chaos: &Chaos) -> Result<(), Error> {
    let mut world = World::begin(options.seed, chaos.clone()).await?;
    chaos.turn(true);
    let mut look_at = LOOK_EVERY;
    while chaos.events() < options.events {
        world.step().await?;
        world.check_on_their_way().await?;
        if chaos.events() >= look_at {
            look_at = chaos.events() + LOOK_EVERY;
            world.check_running().await?;
        }
    }
    world.come_to_rest().await?;
    world.check_rest().await
}
