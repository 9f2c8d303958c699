//! From a scrape to the report of what is new. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use steelyard_billing::{COUNT_MAX, Calendar, CalendarError, ProviderId};
use steelyard_pricing::{ApiName, BillingDay, Calls};
use thiserror::Error;

use super::outcome::{BadSample, CounterOutcome};
use super::sample::SampleError;
use super::scrape::{SERIES_MAX, Sample, Scrape};
use super::series::{Series, SeriesId, SeriesRule};
use super::state::{CounterState, PendingRecord, PendingReport};

/// A state with the report of what a scrape shows, if that is anything new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// The state, which must be stored before its report is sent.
    pub state: CounterState,
    /// The outcome of the series.
    pub outcome: CounterOutcome,
}

/// Why a scrape cannot be prepared.
#[derive(Debug, Error)]
pub enum PrepareError {
    /// The report before was not answered yet.
    #[error("the report before is not answered")]
    Pending,
    /// The scrape, or the rule, is of another counter.
    #[error("the state is of the counter {0}")]
    OtherMetric(String),
    /// The instant lies in no billing day.
    #[error(transparent)]
    Day(#[from] CalendarError),
}

impl CounterState {
    /// The state with the report of what is new in a scrape. The calls are of the billing day of
    /// `at`, the instant of the scrape.
    ///
    /// # Errors
    ///
    /// [`PrepareError`] when a report is on its way, or the scrape is of another counter.
    pub fn prepare(
        &self,
        scrape: Scrape,
        rule: &SeriesRule,
        at: Timestamp,
        calendar: &Calendar,
    ) -> Result<Prepared, PrepareError> {
        if self.pending.is_some() {
            return Err(PrepareError::Pending);
        }
        if [&*scrape.metric, &*rule.metric].iter().any(|metric| *metric != self.metric()) {
            return Err(PrepareError::OtherMetric(self.metric().to_owned()));
        }
        let day = calendar.day_of(at)?;
        let Scrape { samples, bad, .. } = scrape;
        let series = u64::try_from(samples.len()).unwrap_or(u64::MAX);
        let outcome = CounterOutcome { series, bad, ..CounterOutcome::default() };
        let mut preparing = Preparing { outcome, ..Preparing::new(self.clone(), SERIES_MAX) };
        if self.is_baseline_due {
            preparing.begin(samples);
        } else {
            samples.into_iter().for_each(|sample| preparing.take(&sample, rule));
        }
        Ok(preparing.end(day))
    }
}

/// A state while a scrape is compared with it.
struct Preparing {
    state: CounterState,
    outcome: CounterOutcome,
    records: BTreeMap<(ProviderId, ApiName), (u64, BTreeMap<SeriesId, u64>)>,
    /// How many series the report adds to the state.
    added: usize,
    /// How many series the state may have.
    series_max: usize,
}

impl Preparing {
    fn new(state: CounterState, series_max: usize) -> Preparing {
        let (outcome, records) = (CounterOutcome::default(), BTreeMap::new());
        Preparing { state, outcome, records, added: 0, series_max }
    }

    /// Takes the first series of a target. A target that shows none yet has not begun.
    fn begin(&mut self, samples: Vec<Sample>) {
        if samples.is_empty() {
            return;
        }
        self.outcome.baselines = self.outcome.series;
        self.state.is_baseline_due = false;
        for Sample { id, value, .. } in samples {
            match value {
                Some(value) => drop(self.state.samples.insert(id, value)),
                None => drop(self.state.unread.insert(id)),
            }
        }
    }

    fn take(&mut self, sample: &Sample, rule: &SeriesRule) {
        let Some(value) = sample.value else { return };
        let Some(counted) = self.counted(&sample.id, value) else { return };
        match rule.series(&sample.labels) {
            Ok(Series::NotBillable) => {
                self.outcome.not_billable += 1;
                if self.has_room(sample) {
                    self.state.samples.insert(sample.id.clone(), value);
                }
            }
            Ok(Series::Unmapped(caller)) => {
                if value > counted {
                    self.outcome.unmapped.add(caller, value - counted);
                }
            }
            Ok(Series::Calls(provider, api)) => {
                if self.has_room(sample) {
                    self.count(&sample.id, (provider, api), counted, value);
                }
            }
            Err(why) => self.outcome.bad.push(BadSample { line: sample.line, why }),
        }
    }

    /// How far a series was counted, from 0 if its value fell; none if it begins here.
    fn counted(&mut self, id: &SeriesId, value: u64) -> Option<u64> {
        if self.state.unread.remove(id) {
            self.outcome.baselines += 1;
            self.state.samples.insert(id.clone(), value);
            return None;
        }
        let Some(counted) = self.state.samples.get_mut(id) else { return Some(0) };
        if value >= *counted {
            return Some(*counted);
        }
        // Nothing of the new value is counted, also if that has to wait.
        self.outcome.resets += 1;
        *counted = 0;
        Some(0)
    }

    /// Whether the state has the series, or room for it.
    fn has_room(&mut self, sample: &Sample) -> bool {
        if self.state.samples.contains_key(&sample.id) {
            return true;
        }
        let known = self.state.samples.len() + self.state.unread.len();
        let has_room = known + self.added < self.series_max;
        if has_room {
            self.outcome.new += 1;
        } else {
            let (line, why) = (sample.line, SampleError::TooManySeries);
            self.outcome.bad.push(BadSample { line, why });
        }
        has_room
    }

    /// Adds what is new of a series to its record, as far as a record goes.
    fn count(&mut self, id: &SeriesId, of: (ProviderId, ApiName), counted: u64, value: u64) {
        let new = value - counted;
        if new == 0 {
            // A series at zero is known from here on.
            self.state.samples.insert(id.clone(), value);
            return;
        }
        let (count, samples) = self.records.entry(of).or_default();
        let room = Calls::MAX.get() - self.outcome.calls;
        let taken = new.min(COUNT_MAX.get() - *count).min(room);
        self.outcome.deferred = self.outcome.deferred.saturating_add(new - taken);
        if taken == 0 {
            return;
        }
        *count += taken;
        self.outcome.calls += taken;
        if !self.state.samples.contains_key(id) {
            self.added += 1;
        }
        samples.insert(id.clone(), counted + taken);
    }

    fn end(mut self, day: BillingDay) -> Prepared {
        let record = |((provider, api), (count, samples))| {
            let count = Calls::new(count);
            PendingRecord { provider, api, day, count, samples }
        };
        let records = self.records.into_iter().map(record).collect::<Vec<_>>();
        if !records.is_empty() {
            let id = self.state.next_id();
            self.state.pending = Some(PendingReport::new(id, records));
        }
        Prepared { state: self.state, outcome: self.outcome }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counters::Exposition;

    #[test]
    fn a_state_has_so_many_series_at_most() {
        let rule = r#"{ "rule": "r", "metric": "c_total", "provider": "who", "api": "api" }"#;
        let rule = SeriesRule::read(rule).unwrap();
        let state = CounterState::begin("x", &rule, Timestamp::UNIX_EPOCH, true);
        let mut preparing = Preparing::new(state, 3);
        let line = |api| format!("c_total{{who=\"shop\",api=\"{api}\"}} {api}\n");
        let body = (0..9).map(line).collect::<String>();
        let scrape = Scrape::read(body.as_bytes(), Exposition::Text, "c_total").unwrap();
        scrape.samples.iter().for_each(|sample| preparing.take(sample, &rule));
        let Preparing { outcome, records, .. } = preparing;
        assert_eq!((outcome.new, outcome.bad.count, records.len()), (3, 6, 2));
        assert_eq!(outcome.bad.reasons[0].reason, "too many series");
    }
}
