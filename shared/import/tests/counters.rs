//! Counters that are scraped: what counts, and that it counts once wherever the shipper crashes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;
use steelyard_billing::Calendar;
use steelyard_import::{
    Acknowledged, CounterOutcome, CounterState, Exposition, PendingReport, PrepareError, Scrape,
    SeriesRule, StateError,
};

const TARGET: &str = "http://gateway.example:9542/metrics";
const RULE: &str = r#"{ "rule": "r", "metric": "c_total", "provider": "who", "api": "api", "api_prefix": "x.",
    "status": { "label": "code", "bills": "2xx" } }"#;

fn calendar() -> Calendar {
    Calendar::new("Asia/Shanghai", 5).unwrap()
}

fn rule() -> SeriesRule {
    SeriesRule::read(RULE).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn scrape(body: &str) -> Scrape {
    Scrape::read(body.as_bytes(), Exposition::Text, "c_total").unwrap()
}

/// A shipper of which nothing fails.
struct Shipper {
    rule: SeriesRule,
    state: CounterState,
    now: Timestamp,
}

impl Shipper {
    fn new(rule: &str, from_zero: bool) -> Shipper {
        let (rule, now) = (SeriesRule::read(rule).unwrap(), at("2015-05-17T09:00:00+08:00"));
        Shipper { state: CounterState::begin(TARGET, &rule, now, from_zero), rule, now }
    }

    fn prepare(&mut self, body: &str) -> CounterOutcome {
        let prepared = self.state.prepare(scrape(body), &self.rule, self.now, &calendar());
        let prepared = prepared.unwrap();
        self.state = prepared.state;
        prepared.outcome
    }

    fn acknowledge(&mut self, refused: &[usize]) -> (u64, u64) {
        let refused = refused.iter().copied().collect();
        let Acknowledged { state, waiting, given_up } = self.state.clone().acknowledged(&refused);
        self.state = state;
        (waiting, given_up)
    }

    fn told(&self) -> Vec<String> {
        let records = self.state.pending().into_iter().flat_map(|pending| &pending.records);
        let records = records.map(|r| format!("{} {} {} {}", r.provider, r.api, r.day, r.count));
        records.collect()
    }

    /// What a scrape adds, all of which is counted.
    fn counts(&mut self, body: &str, records: &[&str]) -> CounterOutcome {
        let outcome = self.prepare(body);
        assert_eq!(self.told(), records, "{body}");
        self.acknowledge(&[]);
        outcome
    }
}

fn lines(series: &[(&str, &str, u16, u64)]) -> String {
    let line = |(who, api, code, value): &(&str, &str, u16, u64)| {
        format!("c_total{{who=\"{who}\",api=\"{api}\",code=\"{code}\"}} {value}\n")
    };
    series.iter().map(line).collect::<String>() + "other 1\n"
}

#[test]
fn the_first_series_are_a_baseline_and_later_ones_count_whole() {
    let mut shipper = Shipper::new(RULE, false);
    // A target that shows no series yet has not begun.
    assert_eq!(shipper.counts("other 1\n", &[]).baselines, 0);
    let outcome = shipper.counts(&lines(&[("shop", "a", 200, 90), ("shop", "a", 500, 7)]), &[]);
    assert_eq!((outcome.baselines, outcome.new), (2, 0));
    shipper.now = at("2015-05-17T23:59:59.999+08:00");
    let series = [("shop", "a", 200, 100), ("shop", "a", 500, 9), ("shop", "b", 204, 4)];
    let outcome =
        shipper.counts(&lines(&series), &["shop x.a 2015-05-17 10", "shop x.b 2015-05-17 4"]);
    assert_eq!((outcome.baselines, outcome.new, outcome.not_billable), (0, 1, 1));
    shipper.counts(&lines(&series), &[]);
    // Gone, and back with more. The day is that of the scrape.
    shipper.counts(&lines(&[("shop", "b", 204, 4)]), &[]);
    shipper.now = at("2015-05-18T00:00:00+08:00");
    shipper.counts(&lines(&[("shop", "a", 200, 101)]), &["shop x.a 2015-05-18 1"]);
    // Fallen, to zero too, so begun anew.
    let outcome = shipper.counts(
        &lines(&[("shop", "a", 200, 40), ("shop", "b", 204, 0)]),
        &["shop x.a 2015-05-18 40"],
    );
    assert_eq!(outcome.resets, 2);
    shipper.counts(&lines(&[("shop", "b", 204, 5)]), &["shop x.b 2015-05-18 5"]);
}

#[test]
fn series_of_one_provider_and_api_add_up() {
    let mut shipper = Shipper::new(RULE, true);
    let series = [("shop", "a", 200, 1), ("shop", "a", 201, 2), ("mall", "a", 200, 4)];
    let both = ["mall x.a 2015-05-17 4", "shop x.a 2015-05-17 3"];
    assert_eq!(shipper.counts(&lines(&series), &both).calls, 7);
    let named = r#""api_name": "all", "from_zero": true"#;
    let rule = RULE.replace(r#""api": "api", "api_prefix": "x.""#, named);
    let all = ["mall all 2015-05-17 4", "shop all 2015-05-17 3"];
    Shipper::new(&rule, false).counts(&lines(&series), &all);
}

#[test]
fn a_value_that_cannot_be_read_is_neither_a_reset_nor_a_beginning() {
    let mut shipper = Shipper::new(RULE, false);
    let line = |api: &str, value: &str| {
        format!("c_total{{who=\"shop\",api=\"{api}\",code=\"200\"}} {value}\n")
    };
    shipper.counts(&(line("a", "50") + &line("b", "NaN")), &[]);
    // The other was there: what it shows first is its baseline.
    let outcome = shipper.counts(&(line("a", "-1") + &line("b", "70")), &[]);
    assert_eq!((outcome.baselines, outcome.bad.count), (1, 1));
    let both = ["shop x.a 2015-05-17 1", "shop x.b 2015-05-17 2"];
    shipper.counts(&(line("a", "51") + &line("b", "72")), &both);
    // Two lines for one series: neither is believed.
    let outcome = shipper.counts(&(line("a", "1") + &line("a", "90")), &[]);
    assert_eq!((outcome.resets, outcome.bad.count), (0, 2));
    shipper.counts(&line("a", "53"), &["shop x.a 2015-05-17 2"]);
}

#[test]
fn calls_that_cannot_be_counted_wait_in_the_counter() {
    let mapped = |callers: &str| {
        RULE.replace("\"api\":", &format!("\"callers\": {{ {callers} }}, \"api\":"))
    };
    let mut shipper = Shipper::new(&mapped(r#""a*": "shop""#), true);
    let outcome = shipper
        .counts(&lines(&[("a1", "t", 200, 3), ("b1", "t", 200, 5)]), &["shop x.t 2015-05-17 3"]);
    assert_eq!(outcome.unmapped.shown().0, [("b1", 5)]);
    shipper.rule = SeriesRule::read(&mapped(r#""a*": "shop", "b1": "mall""#)).unwrap();
    // Refused when it is sent for the first time: nothing of it is counted, and all of it is sent again.
    shipper.prepare(&lines(&[("b1", "t", 200, 6)]));
    let id = shipper.state.pending().unwrap().id.clone();
    assert_eq!(shipper.acknowledge(&[0]), (6, 0));
    shipper.prepare(&lines(&[("b1", "t", 200, 8)]));
    assert_eq!(shipper.told(), ["mall x.t 2015-05-17 8"]);
    assert_ne!(shipper.state.pending().unwrap().id, id);
    // Sent before, perhaps: what is refused now may have been counted.
    shipper.state = shipper.state.clone().unanswered();
    assert_eq!(shipper.acknowledge(&[0]), (0, 8));
    shipper.counts(&lines(&[("b1", "t", 200, 9)]), &["mall x.t 2015-05-17 1"]);
}

#[test]
fn a_caller_that_waits_counts_from_zero_after_a_reset() {
    let mut shipper = Shipper::new(RULE, true);
    shipper.counts(&lines(&[("shop", "t", 200, 100)]), &["shop x.t 2015-05-17 100"]);
    let outcome = shipper.prepare(&lines(&[("shop", "t", 200, 20)]));
    assert_eq!((outcome.resets, shipper.acknowledge(&[0])), (1, (20, 0)));
    let outcome = shipper.counts(&lines(&[("shop", "t", 200, 150)]), &["shop x.t 2015-05-17 150"]);
    assert_eq!(outcome.resets, 0);
}

#[test]
fn a_label_that_the_rule_reads_must_be_there() {
    let mut shipper = Shipper::new(RULE, true);
    let outcome = shipper.counts(
        "c_total{who=\"shop\",api=\"a\"} 1\nc_total{api=\"a\",code=\"200\"} 2\nc_total{who=\"shop\",code=\"200\"} 3\n\
         c_total{who=\"shop\",api=\"a\",code=\"2xx\"} 4\nc_total{who=\"sh\\nop\",api=\"a\",code=\"200\"} 5\n\
         c_total{who=\"shop\",api=\"a b\",code=\"200\"} 6\n",
        &[],
    );
    let reasons = outcome.bad.reasons.iter().map(|reason| &*reason.reason).collect::<Vec<_>>();
    assert_eq!(
        reasons,
        [
            "no label `code`",
            "no label `who`",
            "no label `api`",
            "no HTTP status in label `code`",
            "not a caller",
            "no name for an API",
        ]
    );
}

#[test]
fn a_filter_of_labels_chooses_series() {
    let rule = r#"{ "rule": "r", "metric": "c_total", "provider": "who", "api_name": "n",
        "only": { "code": ["200", "201"], "zone": ["", "eu"] }, "methods": { "label": "m", "bills": "GET" } }"#;
    let mut shipper = Shipper::new(rule, true);
    let outcome = shipper.counts(
        "c_total{who=\"shop\",code=\"200\",m=\"GET\"} 1\nc_total{who=\"shop\",code=\"201\",zone=\"eu\",m=\"GET\"} 2\n\
         c_total{who=\"shop\",code=\"204\",m=\"GET\"} 4\nc_total{who=\"shop\",code=\"200\",zone=\"us\"} 8\n\
         c_total{who=\"shop\",code=\"200\",m=\"POST\"} 16\n",
        &["shop n 2015-05-17 3"],
    );
    assert_eq!(outcome.not_billable, 3);
}

#[test]
fn a_record_has_so_many_calls_at_most_and_the_next_report_has_the_rest() {
    let mut shipper = Shipper::new(RULE, true);
    let body = lines(&[("shop", "a", 200, 1_500_000_000), ("shop", "a", 201, 700_000_000)]);
    for (calls, deferred) in
        [(1_000_000_000, 1_200_000_000), (1_000_000_000, 200_000_000), (200_000_000, 0)]
    {
        let outcome = shipper.counts(&body, &[&*format!("shop x.a 2015-05-17 {calls}")]);
        assert_eq!(outcome.deferred, deferred);
    }
    shipper.counts(&body, &[]);
}

#[test]
fn a_state_is_read_as_it_was_written_and_others_are_refused() {
    let mut shipper = Shipper::new(RULE, true);
    shipper.prepare(&lines(&[("shop", "a", 200, 3)]));
    let written = shipper.state.written();
    let read = CounterState::read(&written, TARGET, &shipper.rule).unwrap();
    assert_eq!(read.written(), written);
    assert_eq!(read.pending().map(|p| &p.records), shipper.state.pending().map(|p| &p.records));
    let prepared = read.prepare(scrape("other 1\n"), &shipper.rule, shipper.now, &calendar());
    assert!(matches!(prepared, Err(PrepareError::Pending)));
    let changed = |field: &str, value: Value| {
        let mut state = serde_json::from_slice::<Value>(&written).unwrap();
        state.as_object_mut().unwrap().insert(field.to_owned(), value);
        CounterState::read(state.to_string().as_bytes(), TARGET, &shipper.rule).unwrap_err()
    };
    assert_eq!(changed("version", 2.into()), StateError::Version(2));
    assert!(matches!(changed("version", "1".into()), StateError::Form(_)));
    assert!(matches!(changed("more", 1.into()), StateError::Form(_)));
    assert!(matches!(changed("metric", "d".into()), StateError::Other { .. }));
    assert!(matches!(changed("target", "x".into()), StateError::Other { .. }));
    for cut in [0, 1, written.len() / 2, written.len() - 1] {
        let read = CounterState::read(&written[..cut], TARGET, &shipper.rule);
        assert!(matches!(read, Err(StateError::Form(_))), "{cut}");
    }
}

#[test]
fn reports_of_a_state_that_begins_anew_have_other_ids() {
    let ids = ["2015-05-17T01:00:00Z", "2015-05-17T01:00:00.000001Z"].map(|began| {
        let state = CounterState::begin(TARGET, &rule(), at(began), true);
        let series = scrape(&lines(&[("shop", "a", 200, 3)]));
        let prepared = state.prepare(series, &rule(), at(began), &calendar()).unwrap();
        prepared.state.pending().unwrap().id.to_string()
    });
    assert_eq!(
        ids,
        [
            "counter-1c4f026f4be3e062-1431824400000000-1",
            "counter-1c4f026f4be3e062-1431824400000001-1"
        ]
    );
}

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

    /// Takes the answer. `is_counted` says whether the receiver has the report's share of a provider.
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
            if is_refused(who) && self.sends == 1 {
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
        let state = state.acknowledged(&refused).state;
        self.disk = Some(state.written());
        let is_registered = |who: &str| self.receiver.registered.contains(who);
        let (id, day) = (report.id.to_string(), report.records[0].day.to_string());
        let is_counted = |who: &str| {
            self.receiver.counted.contains_key(&(id.clone(), who.to_owned(), day.clone()))
        };
        self.model.answered(|who| !is_registered(who), is_counted);
        self.memory = (stop != Stop::AfterAcknowledged).then_some(state);
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
        // Two passes without a failure: one for the report on its way, one for what is shown now.
        for _ in 0..2 {
            world.go(Step::Ship { stop: Stop::Nowhere, is_open: true, cut: None });
        }
        prop_assert_eq!(world.receiver.sums(), world.model.expected);
    }
}
