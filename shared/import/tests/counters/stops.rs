//! A shipper that stops anywhere, and a receiver that counts each report once.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use steelyard_billing::Calendar;
use steelyard_import::{CounterState, Exposition, PendingReport, Scrape, SeriesRule};

use crate::{TARGET, at, calendar, rule};

/// Series of the world: who calls which API with which answer, at which instance of the gateway.
const SERIES: [(&str, &str, u16, u8); 7] = [
    ("shop", "a", 200, 1),
    ("shop", "a", 200, 2),
    ("shop", "b", 201, 1),
    ("mall", "a", 200, 1),
    ("mall", "b", 204, 2),
    ("mall", "b", 500, 1),
    ("#nobody", "a", 200, 1),
];

#[derive(Clone, Debug)]
enum Step {
    Calls(usize, u64),
    Reset(usize),
    ResetAll,
    Hide(usize, bool),
    Garble(usize, bool),
    Time(u32),
    Register(&'static str, bool),
    Ship { stop: Stop, is_open: bool, cut: Option<Index> },
}

/// Where the shipper, or the way to the receiver, fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    Nowhere,
    BeforeWrite,
    AfterWrite,
    RequestLost,
    AnswerLost,
    AfterSend,
    BeforeAcknowledged,
    AfterAcknowledged,
}

fn step() -> impl Strategy<Value = Step> {
    let series = 0..SERIES.len();
    let provider = prop_oneof![Just("shop"), Just("mall")];
    let stop = prop_oneof![
        8 => Just(Stop::Nowhere),
        1 => Just(Stop::BeforeWrite),
        1 => Just(Stop::AfterWrite),
        1 => Just(Stop::RequestLost),
        1 => Just(Stop::AnswerLost),
        1 => Just(Stop::AfterSend),
        1 => Just(Stop::BeforeAcknowledged),
        1 => Just(Stop::AfterAcknowledged),
    ];
    let cut = prop_oneof![4 => Just(None), 1 => any::<Index>().prop_map(Some)];
    prop_oneof![
        6 => (series.clone(), 1..1_000_u64).prop_map(|(series, calls)| Step::Calls(series, calls)),
        1 => series.clone().prop_map(Step::Reset),
        1 => Just(Step::ResetAll),
        1 => (series.clone(), any::<bool>()).prop_map(|(series, is_hidden)| Step::Hide(series, is_hidden)),
        1 => (series, any::<bool>()).prop_map(|(series, is_bad)| Step::Garble(series, is_bad)),
        1 => (1..40_000_u32).prop_map(Step::Time),
        1 => (provider, any::<bool>()).prop_map(|(who, is)| Step::Register(who, is)),
        9 => (stop, any::<bool>(), cut)
            .prop_map(|(stop, is_open, cut)| Step::Ship { stop, is_open, cut }),
    ]
}

type Key = (String, String, String);

/// The receiver: it counts each id, provider and day once.
#[derive(Default)]
struct Receiver {
    registered: BTreeSet<&'static str>,
    counted: BTreeMap<(String, String, String), Vec<(String, u64)>>,
}

impl Receiver {
    fn count(&mut self, report: &PendingReport) -> BTreeSet<usize> {
        let mut refused = BTreeSet::new();
        let mut shares = BTreeMap::<Key, Vec<(String, u64)>>::new();
        for (index, record) in report.records.iter().enumerate() {
            if self.registered.contains(record.provider.as_str()) {
                let key =
                    (report.id.to_string(), record.provider.to_string(), record.day.to_string());
                shares.entry(key).or_default().push((record.api.to_string(), record.count.get()));
            } else {
                refused.insert(index);
            }
        }
        for (key, share) in shares {
            let counted = self.counted.entry(key).or_insert_with(|| share.clone());
            assert_eq!(*counted, share, "an id has one content");
        }
        refused
    }

    fn sums(&self) -> BTreeMap<Key, u64> {
        let mut sums = BTreeMap::new();
        for ((_, provider, day), share) in &self.counted {
            for (api, calls) in share {
                *sums.entry((provider.clone(), api.clone(), day.clone())).or_default() += calls;
            }
        }
        sums
    }
}

/// What counts by the documented rules, from what the gateway showed.
#[derive(Default)]
struct Model {
    is_begun: bool,
    /// The last value of each series; none if it could not be read at the beginning.
    last: BTreeMap<usize, Option<u64>>,
    expected: BTreeMap<Key, u64>,
    /// The scrape that is on its way.
    shown: Vec<(usize, Option<u64>)>,
    day: String,
    /// How often it may have been sent.
    sends: u32,
}

impl Model {
    fn take(&mut self, shown: Vec<(usize, Option<u64>)>, day: String) {
        (self.day, self.sends) = (day, 0);
        self.shown.clear();
        if self.is_begun {
            self.shown = shown;
        } else if !shown.is_empty() {
            self.is_begun = true;
            self.last = shown.into_iter().collect();
        }
    }

    /// Takes the answer. `is_counted` says whether the receiver has the report's share of a
    /// provider.
    fn answered(&mut self, is_refused: impl Fn(&str) -> bool, is_counted: impl Fn(&str) -> bool) {
        for (series, value) in std::mem::take(&mut self.shown) {
            let (who, api, code, _) = SERIES[series];
            let Some(value) = value else { continue };
            if !(200..300).contains(&code) || who == "#nobody" {
                continue;
            }
            let last = match self.last.get(&series) {
                Some(None) => {
                    self.last.insert(series, Some(value));
                    continue;
                }
                Some(Some(last)) => *last,
                None => 0,
            };
            let from = if value < last { 0 } else { last };
            if is_refused(who) && (self.sends == 1 || !is_counted(who)) {
                if from < last {
                    self.last.insert(series, Some(0));
                }
                continue;
            }
            self.last.insert(series, Some(value));
            if value > from && is_counted(who) {
                let key = (who.to_owned(), format!("x.{api}"), self.day.clone());
                *self.expected.entry(key).or_default() += value - from;
            }
        }
    }
}

struct World {
    rule: SeriesRule,
    calendar: Calendar,
    values: [Option<u64>; SERIES.len()],
    hidden: BTreeSet<usize>,
    garbled: BTreeSet<usize>,
    now: Timestamp,
    from_zero: bool,
    receiver: Receiver,
    disk: Option<Vec<u8>>,
    memory: Option<CounterState>,
    model: Model,
}

impl World {
    fn new(from_zero: bool) -> World {
        let receiver = Receiver { registered: ["shop", "mall"].into(), ..Receiver::default() };
        World {
            rule: rule(),
            calendar: calendar(),
            values: [None; SERIES.len()],
            hidden: BTreeSet::new(),
            garbled: BTreeSet::new(),
            now: at("2015-05-17T09:00:00+08:00"),
            from_zero,
            receiver,
            disk: None,
            memory: None,
            model: Model { is_begun: from_zero, ..Model::default() },
        }
    }

    fn go(&mut self, step: Step) {
        match step {
            Step::Calls(series, calls) => *self.values[series].get_or_insert(0) += calls,
            Step::Reset(series) => self.values[series] = self.values[series].map(|_| 0),
            Step::ResetAll => self.values = [None; SERIES.len()],
            Step::Hide(series, true) => drop(self.hidden.insert(series)),
            Step::Hide(series, false) => drop(self.hidden.remove(&series)),
            Step::Garble(series, true) => drop(self.garbled.insert(series)),
            Step::Garble(series, false) => drop(self.garbled.remove(&series)),
            Step::Time(seconds) => self.now += SignedDuration::from_secs(seconds.into()),
            Step::Register(who, true) => drop(self.receiver.registered.insert(who)),
            Step::Register(who, false) => drop(self.receiver.registered.remove(who)),
            Step::Ship { stop, is_open, cut } => self.ship(stop, is_open, cut),
        }
        self.now += SignedDuration::from_secs(1);
    }

    fn ship(&mut self, stop: Stop, is_open: bool, cut: Option<Index>) {
        let state = self.memory.take().unwrap_or_else(|| match &self.disk {
            Some(disk) => CounterState::read(disk, TARGET, &self.rule).unwrap(),
            None => CounterState::begin(TARGET, &self.rule, self.now, self.from_zero),
        });
        if state.pending().is_some() {
            return self.send(state, stop);
        }
        let (body, shown) = self.shown(is_open, cut);
        let format = if is_open { Exposition::OpenMetrics } else { Exposition::Text };
        let Ok(scrape) = Scrape::read(body.as_bytes(), format, "c_total") else {
            assert!(cut.is_some(), "only a scrape that is cut is refused");
            self.memory = Some(state);
            return;
        };
        let prepared = state.prepare(scrape, &self.rule, self.now, &self.calendar).unwrap();
        if stop == Stop::BeforeWrite {
            return;
        }
        self.disk = Some(prepared.state.written());
        self.model.take(shown, self.calendar.day_of(self.now).unwrap().to_string());
        if prepared.state.pending().is_none() {
            // There is nothing to refuse.
            self.model.answered(|_| false, |_| true);
        }
        if stop == Stop::AfterWrite {
            // Another process does not know that the report was never sent.
            self.model.sends = 1;
            return;
        }
        self.send(prepared.state, stop);
    }

    fn send(&mut self, state: CounterState, stop: Stop) {
        let Some(report) = state.pending().cloned() else {
            self.memory = Some(state);
            return;
        };
        if let Some(held) = report.held().cloned() {
            return self.end_hold(state, &report, &held.refused, held.is_over(self.now));
        }
        self.model.sends += 1;
        if stop == Stop::RequestLost {
            self.memory = Some(state.unanswered());
            return;
        }
        let refused = self.receiver.count(&report);
        match stop {
            Stop::AnswerLost => {
                self.memory = Some(state.unanswered());
                return;
            }
            Stop::AfterSend | Stop::BeforeAcknowledged => return,
            Stop::Nowhere
            | Stop::BeforeWrite
            | Stop::AfterWrite
            | Stop::RequestLost
            | Stop::AfterAcknowledged => {}
        }
        if report.was_sent() && !self.uncounted(&report, &refused).is_empty() {
            let state = state.unanswered().holding(refused, self.now);
            self.disk = Some(state.written());
            self.memory = (stop != Stop::AfterAcknowledged).then_some(state);
            return;
        }
        let state = self.acknowledge(state, &report, &refused);
        self.memory = (stop != Stop::AfterAcknowledged).then_some(state);
    }

    fn end_hold(
        &mut self,
        state: CounterState,
        report: &PendingReport,
        refused: &BTreeSet<usize>,
        is_over: bool,
    ) {
        let state = if is_over { self.acknowledge(state, report, refused) } else { state };
        self.memory = Some(state);
    }

    /// The refused records of which the receiver has nothing.
    fn uncounted(&self, report: &PendingReport, refused: &BTreeSet<usize>) -> BTreeSet<usize> {
        let is_counted = |place: &usize| {
            let record = &report.records[*place];
            let key = (report.id.to_string(), record.provider.to_string(), record.day.to_string());
            self.receiver.counted.contains_key(&key)
        };
        refused.iter().copied().filter(|place| !is_counted(place)).collect()
    }

    fn acknowledge(
        &mut self,
        state: CounterState,
        report: &PendingReport,
        refused: &BTreeSet<usize>,
    ) -> CounterState {
        let uncounted = self.uncounted(report, refused);
        let state = state.acknowledged(refused, &uncounted).state;
        self.disk = Some(state.written());
        let refused = refused.iter().map(|place| report.records[*place].provider.to_string());
        let refused = refused.collect::<BTreeSet<_>>();
        let (id, day) = (report.id.to_string(), report.records[0].day.to_string());
        let is_counted = |who: &str| {
            self.receiver.counted.contains_key(&(id.clone(), who.to_owned(), day.clone()))
        };
        self.model.answered(|who| refused.contains(who), is_counted);
        state
    }

    /// What the gateway shows, as a text and as the series of its whole lines.
    fn shown(&self, is_open: bool, cut: Option<Index>) -> (String, Vec<(usize, Option<u64>)>) {
        let (mut body, mut ends) = ("# TYPE other gauge\nother 1\n".to_owned(), Vec::new());
        for (series, value) in self.values.iter().enumerate() {
            let Some(value) = value.filter(|_| !self.hidden.contains(&series)) else { continue };
            let (who, api, code, at) = SERIES[series];
            let is_bad = self.garbled.contains(&series);
            let text = if is_bad { "NaN".to_owned() } else { value.to_string() };
            body += &format!(
                "c_total{{who=\"{who}\",api=\"{api}\",code=\"{code}\",at=\"{at}\"}} {text}\n"
            );
            ends.push((body.len(), series, (!is_bad).then_some(value)));
        }
        if is_open {
            body += "# EOF\n";
        }
        let end = cut.map_or(body.len(), |cut| cut.index(body.len()));
        body.truncate(end);
        let whole = ends.into_iter().filter(|(at, ..)| *at <= end);
        (body, whole.map(|(_, series, value)| (series, value)).collect())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn each_call_that_can_be_counted_counts_once_wherever_the_shipper_stops(
        from_zero: bool,
        steps in vec(step(), 1..80),
    ) {
        let mut world = World::new(from_zero);
        for step in steps {
            world.go(step);
        }
        // Passes without a failure: for the report on its way, for one that is held, and for what
        // is shown now.
        for _ in 0..3 {
            world.go(Step::Time(400));
            world.go(Step::Ship { stop: Stop::Nowhere, is_open: true, cut: None });
        }
        prop_assert_eq!(world.receiver.sums(), world.model.expected);
    }
}
