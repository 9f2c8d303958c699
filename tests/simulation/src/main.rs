//! `simulate`: many seeds, or one whose trace is read as a story.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use steelyard_simulation::{Canary, Mishap, Options, Outcome, simulate};

/// Simulate the functions under everything that goes wrong.
#[derive(Debug, Parser)]
struct Args {
    /// This seed alone.
    #[arg(long)]
    seed: Option<u64>,
    /// The first of several seeds.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// The number of seeds.
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// Goes on for so many minutes, whatever `--seeds` says.
    #[arg(long)]
    minutes: Option<u64>,
    /// The least number of things that happen in each.
    #[arg(long, default_value_t = 500)]
    events: u64,
    /// Prints what happens.
    #[arg(long)]
    trace: bool,
    /// Looks for fewer events, and fewer kinds of mishaps, with which the seed still fails.
    #[arg(long, requires = "seed")]
    shrink: bool,
    /// Builds a fault in, to see that it is found.
    #[arg(long)]
    canary: Option<Canary>,
    /// How many seeds run at once.
    #[arg(long, default_value_t = 2)]
    threads: u64,
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool for people")]
fn main() -> ExitCode {
    let args = Args::parse();
    if let Some(seed) = args.seed {
        return one(&args, seed);
    }
    let begin = Instant::now();
    let until = args.minutes.map(|minutes| Duration::from_secs(60 * minutes));
    let next = std::sync::atomic::AtomicU64::new(0);
    let sums = std::sync::Mutex::new(Sums::default());
    std::thread::scope(|scope| {
        for _ in 0..args.threads {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    let is_over = match until {
                        Some(until) => begin.elapsed() > until,
                        None => number >= args.seeds,
                    };
                    if is_over {
                        return;
                    }
                    let seed = args.from + number;
                    let outcome = simulate(&options(&args, seed));
                    let mut sums = sums.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    if let Some(failure) = &outcome.failure {
                        println!("seed {seed}: {failure}");
                    }
                    sums.add(&outcome);
                    if sums.seeds.is_multiple_of(1_000) {
                        eprintln!(
                            "{} seeds, {} failed, {:?}",
                            sums.seeds,
                            sums.failed,
                            begin.elapsed()
                        );
                    }
                }
            });
        }
    });
    let sums = sums.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    println!(
        "{} seeds, {} events, {} failed, {:?}",
        sums.seeds,
        sums.events,
        sums.failed,
        begin.elapsed()
    );
    for mishap in Mishap::ALL {
        println!("{:>10} {mishap:?}", sums.fired.get(&mishap).copied().unwrap_or(0));
    }
    if sums.failed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

#[derive(Default)]
struct Sums {
    seeds: u64,
    events: u64,
    failed: u64,
    fired: BTreeMap<Mishap, u64>,
}

impl Sums {
    fn add(&mut self, outcome: &Outcome) {
        self.seeds += 1;
        self.events += outcome.events;
        self.failed += u64::from(outcome.failure.is_some());
        for (mishap, times) in &outcome.fired {
            *self.fired.entry(*mishap).or_default() += times;
        }
    }
}

fn options(args: &Args, seed: u64) -> Options {
    Options { seed, events: args.events, canary: args.canary, only: None }
}

#[expect(clippy::print_stdout, reason = "a tool for people")]
fn one(args: &Args, seed: u64) -> ExitCode {
    let mut options = options(args, seed);
    let mut outcome = simulate(&options);
    if args.shrink && outcome.failure.is_some() {
        (options, outcome) = shrunk(options, outcome);
        println!("{} events, only {:?}", options.events, options.only);
    }
    if args.trace {
        outcome.trace.iter().for_each(|line| println!("{line}"));
    }
    println!("{} events, {:?}", outcome.events, outcome.fired);
    match outcome.failure {
        Some(failure) => {
            println!("{failure}");
            ExitCode::FAILURE
        }
        None => ExitCode::SUCCESS,
    }
}

/// Fewer events, then fewer kinds of mishaps, with which a seed still fails.
fn shrunk(mut options: Options, mut outcome: Outcome) -> (Options, Outcome) {
    let fails = |options: &Options| {
        let outcome = simulate(options);
        outcome.failure.is_some().then_some(outcome)
    };
    let mut step = options.events / 2;
    while step > 0 {
        let fewer = Options { events: options.events.saturating_sub(step), ..options.clone() };
        match fails(&fewer) {
            Some(found) => (options, outcome) = (fewer, found),
            None => step /= 2,
        }
    }
    let mut kept: Vec<Mishap> = outcome.fired.keys().copied().collect();
    for mishap in kept.clone() {
        let without: Vec<Mishap> = kept.iter().copied().filter(|other| *other != mishap).collect();
        let fewer = Options { only: Some(without.clone()), ..options.clone() };
        if let Some(found) = fails(&fewer) {
            (options, outcome, kept) = (fewer, found, without);
        }
    }
    (options, outcome)
}
