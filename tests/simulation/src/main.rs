//! `simulate`: many seeds, one whose trace is read as a story, or a short life that is cut at each
//! request.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::Parser;
use serde_json::json;
use steelyard_simulation::{
    Canary, Cut, Exchange, Mishap, Options, Outcome, Transition, each, pairs_of_cuts, simulate,
    single_cuts,
};

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
    /// Writes the exchanges of the seed with DynamoDB into this file, a JSON line for each.
    #[arg(long, requires = "seed")]
    record: Option<PathBuf>,
    /// How many run at once.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// In place of seeds, a short life for each request of each function, whose process ends before
    /// it, and one whose process ends after it.
    #[arg(long)]
    cuts: bool,
    /// The process that goes on ends too, at each of so many requests after the first.
    #[arg(long, requires = "cuts")]
    pairs_within: Option<u64>,
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool for people")]
fn main() -> ExitCode {
    let args = Args::parse();
    if let Some(seed) = args.seed {
        return one(&args, seed);
    }
    let runs = Runs::of(&args);
    let begin = Instant::now();
    let until = args.minutes.map(|minutes| Duration::from_secs(60 * minutes));
    let is_wanted = |number| match until {
        Some(until) => begin.elapsed() <= until && runs.get(number).is_some(),
        None => number < runs.most,
    };
    let sums = Mutex::new(Sums::default());
    each(args.threads, is_wanted, |number| {
        let Some((told, options)) = runs.get(number) else { return };
        let outcome = simulate(&options);
        let mut sums = sums.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(failure) = &outcome.failure {
            println!("{told}: {failure}");
        }
        sums.add(&outcome);
        if sums.runs.is_multiple_of(1_000) {
            eprintln!("{} runs, {} failed, {:?}", sums.runs, sums.failed, begin.elapsed());
        }
    });
    let sums = sums.into_inner().unwrap_or_else(PoisonError::into_inner);
    let Sums { runs, events, failed, fired, acts, transitions } = &sums;
    println!("{runs} runs, {events} events, {failed} failed, {:?}", begin.elapsed());
    for mishap in Mishap::ALL {
        println!("{:>10} {mishap:?}", fired.get(&mishap).copied().unwrap_or(0));
    }
    for (act, times) in acts {
        println!("{times:>10} operator: {act}");
    }
    for (transition, times) in transitions {
        println!("{times:>10} {transition}");
    }
    if *failed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Everything to simulate: seeds, or a short life that is cut.
struct Runs {
    from: u64,
    most: u64,
    events: u64,
    canary: Option<Canary>,
    cuts: Option<Vec<Vec<Cut>>>,
}

impl Runs {
    fn of(args: &Args) -> Runs {
        let cuts = args.cuts.then(|| {
            let whole = Options { cuts: Some(Vec::new()), ..options(args, 0) };
            let requests = simulate(&whole).requests;
            match args.pairs_within {
                Some(within) => pairs_of_cuts(&requests, within),
                None => single_cuts(&requests),
            }
        });
        let most =
            cuts.as_ref().map_or(args.seeds, |cuts| cuts.len().try_into().unwrap_or(u64::MAX));
        Runs { from: args.from, most, events: args.events, canary: args.canary, cuts }
    }

    /// The run of a number, with its name; none after the last one.
    fn get(&self, number: u64) -> Option<(String, Options)> {
        let Runs { from, events, canary, .. } = *self;
        let options = Options { seed: 0, events, canary, only: None, cuts: None, records: false };
        let number = from + number;
        let Some(cuts) = &self.cuts else {
            return Some((format!("seed {number}"), Options { seed: number, ..options }));
        };
        let cuts = cuts.get(usize::try_from(number).ok()?)?;
        Some((format!("{cuts:?}"), Options { cuts: Some(cuts.clone()), ..options }))
    }
}

#[derive(Default)]
struct Sums {
    runs: u64,
    events: u64,
    failed: u64,
    fired: BTreeMap<Mishap, u64>,
    acts: BTreeMap<&'static str, u64>,
    transitions: BTreeMap<Transition, u64>,
}

impl Sums {
    fn add(&mut self, outcome: &Outcome) {
        self.runs += 1;
        self.events += outcome.events;
        self.failed += u64::from(outcome.failure.is_some());
        for (mishap, times) in &outcome.fired {
            *self.fired.entry(*mishap).or_default() += times;
        }
        for (act, times) in &outcome.acts {
            *self.acts.entry(act).or_default() += times;
        }
        for (transition, times) in &outcome.transitions {
            *self.transitions.entry(transition.clone()).or_default() += times;
        }
    }
}

fn options(args: &Args, seed: u64) -> Options {
    Options {
        seed,
        events: args.events,
        canary: args.canary,
        only: None,
        cuts: None,
        records: false,
    }
}

#[expect(clippy::print_stdout, reason = "a tool for people")]
fn one(args: &Args, seed: u64) -> ExitCode {
    let mut options = Options { records: args.record.is_some(), ..options(args, seed) };
    let mut outcome = simulate(&options);
    if args.shrink && outcome.failure.is_some() {
        (options, outcome) = shrunk(options, outcome);
        println!("{} events, only {:?}", options.events, options.only);
    }
    if let Some(path) = &args.record
        && let Err(error) = write(path, &outcome.exchanges)
    {
        println!("{}: {error}", path.display());
        return ExitCode::FAILURE;
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

fn write(path: &Path, exchanges: &[Exchange]) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for Exchange { operation, asked, status, answered } in exchanges {
        let line = json!({
            "operation": operation, "asked": asked, "status": status, "answered": answered,
        });
        writeln!(file, "{line}")?;
    }
    file.flush()
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
