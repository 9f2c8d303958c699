//! Counters that are scraped: what counts, and that it counts once wherever the shipper crashes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod stops;

use jiff::Timestamp;
use serde_json::Value;
use steelyard_billing::Calendar;
use steelyard_import::{
    Acknowledged, CounterOutcome, CounterState, Exposition, PrepareError, Scrape, SeriesRule,
    StateError,
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
        self.acknowledge_beside(refused, &[])
    }

    fn acknowledge_beside(&mut self, refused: &[usize], uncounted: &[usize]) -> (u64, u64) {
        let [refused, uncounted] =
            [refused, uncounted].map(|places| places.iter().copied().collect());
        let Acknowledged { state, waiting, given_up } =
            self.state.clone().acknowledged(&refused, &uncounted);
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
    // Refused when it is sent for the first time: nothing of it is counted, and all of it is sent
    // again.
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
    // Sent before, and known not to be counted.
    shipper.prepare(&lines(&[("b1", "t", 200, 15)]));
    shipper.state = shipper.state.clone().unanswered();
    assert_eq!(shipper.acknowledge_beside(&[0], &[0]), (6, 0));
    shipper.counts(&lines(&[("b1", "t", 200, 17)]), &["mall x.t 2015-05-17 8"]);
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
fn a_report_has_so_many_calls_at_most() {
    let mut shipper = Shipper::new(RULE, true);
    let line = |api| format!("c_total{{who=\"shop\",api=\"{api}\",code=\"200\"}} 1e9\n");
    let body = (0..150).map(line).collect::<String>();
    for (calls, deferred) in [(100, 50), (50, 0), (0, 0)] {
        let outcome = shipper.prepare(&body);
        assert_eq!(
            (outcome.calls, outcome.deferred),
            (calls * 1_000_000_000, deferred * 1_000_000_000)
        );
        shipper.acknowledge(&[]);
    }
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
