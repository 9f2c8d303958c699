//! One seed, from the beginning of its world to rest.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use steelyard_runtime::Error;

use crate::canary::Canary;
use crate::chaos::Chaos;
use crate::cut::Cut;
use crate::machines::Which;
use crate::mishap::Mishap;
use crate::panics;
use crate::record::{Exchange, Record};
use crate::transition::Transition;
use crate::world::World;

/// How many things happen between two looks at the books.
const LOOK_EVERY: u64 = 200;

/// In how many seeds months pass.
const AGE_ONE_IN: u64 = 12;

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
    /// The requests at which processes end in a short life without any other chance; none for a
    /// life that the seed decides.
    pub cuts: Option<Vec<Cut>>,
    /// Whether the exchanges with DynamoDB are kept.
    pub records: bool,
}

/// The result of a simulation.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How many things happened: writes, calls of Alipay, deliveries, acts of people, moves of the
    /// clock, and whatever went wrong. What is only read is not counted.
    pub events: u64,
    /// How often each mishap happened.
    pub fired: BTreeMap<Mishap, u64>,
    /// How many requests each function made before rest.
    pub requests: BTreeMap<Which, u64>,
    /// How often operators were answered that something is done, by its kind.
    pub acts: BTreeMap<&'static str, u64>,
    /// A line for each thing that happened or was read.
    pub trace: Vec<String>,
    /// How often the phase of a record changed to another, as the stream of the table shows.
    pub transitions: BTreeMap<Transition, u64>,
    /// The exchanges with DynamoDB, if they are kept.
    pub exchanges: Vec<Exchange>,
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
    if let Some(cuts) = &options.cuts {
        chaos.keep_only(&[]);
        chaos.plan(cuts);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without sockets needs nothing");
    let record = OnceLock::new();
    let ended = panics::caught(|| runtime.block_on(live(options, &chaos, &record)));
    let failure = match ended {
        Ok(ended) => ended.err().map(|error| error.to_string()),
        Err(panic) => Some(panic),
    };
    let (events, requests, transitions) = (chaos.events(), chaos.requests(), chaos.transitions());
    let acts = chaos.acts();
    let exchanges = record.get().map(Record::take).unwrap_or_default();
    let (fired, trace) = chaos.story();
    Outcome { events, fired, requests, acts, trace, transitions, exchanges, failure }
}

async fn live(options: &Options, chaos: &Chaos, record: &OnceLock<Record>) -> Result<(), Error> {
    let mut world = World::begin(chaos.clone()).await?;
    if options.records {
        let begun = Record::begin(&world.platform.stack.embedded).await?;
        record.get_or_init(|| begun);
    }
    chaos.turn(true);
    if options.cuts.is_some() {
        world.live_shortly().await?;
        world.check_running().await?;
    } else {
        live_by_chance(options, chaos, &mut world).await?;
    }
    world.come_to_rest().await?;
    if let Some(record) = record.get() {
        record.look(&world.platform.stack.embedded).await?;
    }
    world.check_rest().await
}

async fn live_by_chance(options: &Options, chaos: &Chaos, world: &mut World) -> Result<(), Error> {
    let mut look_at = LOOK_EVERY;
    let mut grows_old_at = chaos.one_in(AGE_ONE_IN).then_some(options.events / 2);
    while chaos.events() < options.events {
        if grows_old_at.take_if(|at| *at <= chaos.events()).is_some() {
            world.grow_old().await?;
        }
        world.step().await?;
        world.check_on_their_way().await?;
        if chaos.events() >= look_at {
            look_at = chaos.events() + LOOK_EVERY;
            world.check_running().await?;
        }
    }
    Ok(())
}

/// Does some work for each number from 0 on, on so many threads, while `is_wanted` says so.
pub fn each(threads: usize, is_wanted: impl Fn(u64) -> bool + Sync, work: impl Fn(u64) + Sync) {
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if !is_wanted(number) {
                        return;
                    }
                    work(number);
                }
            });
        }
    });
}
