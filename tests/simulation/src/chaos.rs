//! What goes wrong, and the trace of all that happens.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fastrand::Rng;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};

use crate::canary::Canary;
use crate::cut::{Cut, Cuts};
use crate::machines::Which;
use crate::mishap::Mishap;
use crate::transition::Transition;

/// Draws what goes wrong, and notes what happens. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Chaos(Arc<Mutex<State>>);

struct State {
    rng: Rng,
    is_on: bool,
    /// How often each mishap happens, of a million chances. One that is missing never does.
    rates: BTreeMap<Mishap, u32>,
    fired: BTreeMap<Mishap, u64>,
    /// How many requests of each machine are still refused because AWS is busy.
    bursts: BTreeMap<usize, u32>,
    /// What arrives after its sender gave it up, with the time at which it does.
    late: Vec<(Timestamp, BoxFuture<'static, ()>)>,
    events: u64,
    trace: Vec<String>,
    /// The numbers of payments whose last request was neither answered nor asked about.
    unanswered: BTreeSet<String>,
    /// The numbers of payments that arrive late, each with how many do.
    on_their_way: BTreeMap<String, usize>,
    /// How often Alipay declined a payment, by its number.
    declined: BTreeMap<String, usize>,
    /// The days whose bills lacked a row, or had one that cannot be read.
    rows_lost: BTreeSet<String>,
    /// Whether the clock of a machine is wrong.
    is_skewed: bool,
    /// What no handler may do, such as a panic.
    defects: Vec<String>,
    canary: Option<Canary>,
    cuts: Cuts,
    transitions: BTreeMap<Transition, u64>,
    /// How often operators were answered that something is done, by its kind.
    acts: BTreeMap<&'static str, u64>,
}

/// The most that a mishap of requests to AWS happens, of a million chances: one in ten.
const RATE_MAX: u32 = 100_000;

/// The same of all others, which have fewer chances: one in three.
const RARE_RATE_MAX: u32 = 333_333;

impl Chaos {
    /// Of a seed. Each mishap happens at a rate of its own, and every second never. In a third of
    /// the seeds AWS is well, so that money moves, and Alipay goes wrong the more often.
    pub(crate) fn new(seed: u64, canary: Option<Canary>) -> Chaos {
        let mut rng = Rng::with_seed(seed);
        let mut rates = BTreeMap::new();
        let is_aws_well = rng.u32(0..3) == 0;
        for mishap in Mishap::ALL {
            if rng.bool() && !(is_aws_well && mishap.is_of_aws()) {
                let most = if mishap.is_of_aws() { RATE_MAX } else { RARE_RATE_MAX };
                // Rates of every order: a mishap that is rare leaves time for what it leads to.
                let order = rng.u32(0..6);
                let order = if is_aws_well || mishap.has_few_chances() { 0 } else { order };
                rates.insert(mishap, rng.u32(0..=most >> order));
            }
        }
        Chaos(Arc::new(Mutex::new(State {
            rng,
            is_on: false,
            rates,
            fired: BTreeMap::new(),
            bursts: BTreeMap::new(),
            late: Vec::new(),
            events: 0,
            trace: Vec::new(),
            unanswered: BTreeSet::new(),
            on_their_way: BTreeMap::new(),
            declined: BTreeMap::new(),
            rows_lost: BTreeSet::new(),
            is_skewed: false,
            defects: Vec::new(),
            canary,
            cuts: Cuts::default(),
            transitions: BTreeMap::new(),
            acts: BTreeMap::new(),
        })))
    }

    /// Lets things go wrong from now on, or no longer.
    pub(crate) fn turn(&self, is_on: bool) {
        self.state().is_on = is_on;
    }

    /// Forgets the rates: nothing goes wrong but what a caller asks for.
    pub(crate) fn keep_only(&self, kept: &[Mishap]) {
        self.state().rates.retain(|mishap, _| kept.contains(mishap));
    }

    /// Ends processes at these requests.
    pub(crate) fn plan(&self, cuts: &[Cut]) {
        self.state().cuts.planned = cuts.to_vec();
    }

    /// How the process of a function ends at the request that it makes now, if that is planned.
    pub(crate) fn cut(&self, function: Which) -> Option<Mishap> {
        let mut state = self.state();
        let mishap = if state.is_on { state.cuts.at(function)? } else { return None };
        *state.fired.entry(mishap).or_default() += 1;
        Some(mishap)
    }

    /// Notes that the phase of a record changed.
    pub(crate) fn note_transition(&self, transition: Transition) {
        *self.state().transitions.entry(transition).or_default() += 1;
    }

    /// How often each phase changed to each.
    pub(crate) fn transitions(&self) -> BTreeMap<Transition, u64> {
        self.state().transitions.clone()
    }

    /// Notes that an operator was answered that something is done.
    pub(crate) fn note_act(&self, kind: &'static str) {
        *self.state().acts.entry(kind).or_default() += 1;
    }

    /// How often each kind of act was done.
    pub(crate) fn acts(&self) -> BTreeMap<&'static str, u64> {
        self.state().acts.clone()
    }

    /// How many requests each function made.
    pub(crate) fn requests(&self) -> BTreeMap<Which, u64> {
        self.state().cuts.requests.clone()
    }

    /// The first of these mishaps that happens now.
    pub(crate) fn strikes(&self, mishaps: &[Mishap]) -> Option<Mishap> {
        let mut state = self.state();
        if !state.is_on {
            return None;
        }
        let State { rng, rates, .. } = &mut *state;
        let happens =
            |mishap: &&Mishap| rates.get(mishap).is_some_and(|rate| rng.u32(0..1_000_000) < *rate);
        let mishap = mishaps.iter().find(happens).copied()?;
        *state.fired.entry(mishap).or_default() += 1;
        Some(mishap)
    }

    /// Whether AWS is still too busy for a machine.
    pub(crate) fn is_busy_for(&self, machine: usize) -> bool {
        let mut state = self.state();
        let is_on = state.is_on;
        let left = state.bursts.entry(machine).or_default();
        let is_busy = is_on && *left > 0;
        *left = left.saturating_sub(1);
        is_busy
    }

    /// AWS is too busy for the next requests of a machine.
    pub(crate) fn is_busy_from_now(&self, machine: usize) {
        let mut state = self.state();
        let requests = state.rng.u32(0..14);
        state.bursts.insert(machine, requests);
    }

    /// A number from a range, drawn by the seed.
    pub(crate) fn draw(&self, range: std::ops::Range<u64>) -> u64 {
        self.state().rng.u64(range)
    }

    /// A duration of whole seconds from a range, drawn by the seed.
    pub(crate) fn draw_seconds(&self, range: std::ops::Range<i64>) -> SignedDuration {
        SignedDuration::from_secs(self.state().rng.i64(range))
    }

    /// Whether something happens that happens once in so many times.
    pub(crate) fn one_in(&self, times: u64) -> bool {
        self.draw(0..times) == 0
    }

    /// A value that is drawn from several.
    pub(crate) fn pick<T: Clone>(&self, of: &[T]) -> T {
        let place = self.state().rng.usize(0..of.len());
        of[place].clone()
    }

    /// The same values in another order.
    pub(crate) fn shuffled<T: Clone>(&self, of: &[T]) -> Vec<T> {
        let mut shuffled = of.to_vec();
        self.state().rng.shuffle(&mut shuffled);
        shuffled
    }

    /// Lets something arrive so much later.
    pub(crate) fn arrives(
        &self,
        now: Timestamp,
        after: SignedDuration,
        what: impl Future<Output = ()> + Send + 'static,
    ) {
        self.state().late.push((now + after, Box::pin(what)));
    }

    /// Takes what arrives until then, in the order in which it arrives.
    pub(crate) fn arrived(&self, until: Timestamp) -> Vec<(Timestamp, BoxFuture<'static, ()>)> {
        let mut state = self.state();
        let (mut due, later): (Vec<_>, _) =
            std::mem::take(&mut state.late).into_iter().partition(|(at, _)| *at <= until);
        state.late = later;
        due.sort_by_key(|(at, _)| *at);
        due
    }

    /// Notes what was read, which changes nothing.
    pub(crate) fn note_read(&self, what: fmt::Arguments<'_>) {
        self.state().trace.push(what.to_string());
    }

    /// Notes one thing that happened.
    pub(crate) fn note(&self, what: fmt::Arguments<'_>) {
        let mut state = self.state();
        state.events += 1;
        state.trace.push(what.to_string());
    }

    /// Notes that a payment is sent, and not answered yet.
    pub(crate) fn note_unanswered(&self, number: &str) {
        self.state().unanswered.insert(number.to_owned());
    }

    /// Notes that a payment was answered, or asked about with an answer.
    pub(crate) fn note_answered(&self, number: &str) {
        self.state().unanswered.remove(number);
    }

    /// Whether the last payment under that number still has neither an answer nor a query with one.
    pub(crate) fn is_unanswered(&self, number: &str) -> bool {
        self.state().unanswered.contains(number)
    }

    /// Notes that a payment arrives later.
    pub(crate) fn note_on_its_way(&self, number: &str) {
        *self.state().on_their_way.entry(number.to_owned()).or_default() += 1;
    }

    /// Notes that a payment arrived.
    pub(crate) fn note_arrived(&self, number: &str) {
        if let Entry::Occupied(mut left) = self.state().on_their_way.entry(number.to_owned()) {
            *left.get_mut() -= 1;
            if *left.get() == 0 {
                left.remove();
            }
        }
    }

    /// The numbers of payments that arrive later.
    pub(crate) fn on_their_way(&self) -> Vec<String> {
        self.state().on_their_way.keys().cloned().collect()
    }

    /// Notes that Alipay declined a payment.
    pub(crate) fn note_declined(&self, number: &str) {
        *self.state().declined.entry(number.to_owned()).or_default() += 1;
    }

    /// How often Alipay declined a payment.
    pub(crate) fn declined(&self, number: &str) -> usize {
        self.state().declined.get(number).copied().unwrap_or(0)
    }

    /// Notes that the bill of a day lacks a row, or has one that cannot be read.
    pub(crate) fn note_row_lost(&self, day: &str) {
        self.state().rows_lost.insert(day.to_owned());
    }

    /// The days whose bills lacked a row, or had one that cannot be read.
    pub(crate) fn rows_lost(&self) -> BTreeSet<String> {
        self.state().rows_lost.clone()
    }

    /// Notes that the clock of a machine is wrong.
    pub(crate) fn note_skewed(&self) {
        self.state().is_skewed = true;
    }

    /// Whether the clock of a machine is wrong.
    pub(crate) fn is_skewed(&self) -> bool {
        self.state().is_skewed
    }

    /// Notes what must never happen.
    pub(crate) fn note_defect(&self, what: impl fmt::Display) {
        self.state().defects.push(what.to_string());
    }

    /// The fault that was built in on purpose, if this is it.
    pub(crate) fn has(&self, canary: Canary) -> bool {
        self.state().canary == Some(canary)
    }

    /// The events so far that must never happen.
    pub(crate) fn defects(&self) -> Vec<String> {
        self.state().defects.clone()
    }

    /// The number of things that happened.
    pub(crate) fn events(&self) -> u64 {
        self.state().events
    }

    /// How often each mishap happened, and the trace.
    pub(crate) fn story(&self) -> (BTreeMap<Mishap, u64>, Vec<String>) {
        let mut state = self.state();
        (state.fired.clone(), std::mem::take(&mut state.trace))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Chaos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chaos").finish_non_exhaustive()
    }
}
