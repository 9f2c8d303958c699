//! Counters that a gateway exposes for Prometheus, as usage. Pure.
//!
//! A [`Scrape`] is what the target showed at an instant. A [`SeriesRule`] says whose calls a series
//! counts, and of which API. A [`CounterState`] is kept between scrapes: it knows what was counted,
//! and the one report that is on its way. It is written before a report is sent, and again when it
//! is answered, so each call counts once, wherever the process crashes.

mod document;
mod outcome;
mod prepare;
mod sample;
mod scrape;
mod series;
mod state;
mod value;

pub use document::{CounterRule, LabelFilter};
pub use outcome::{BadSample, CounterOutcome};
pub use prepare::{PrepareError, Prepared};
pub use sample::{LABEL_BYTES_MAX, LABELS_MAX, SAMPLE_BYTES_MAX, SampleError};
pub use scrape::{BODY_BYTES_MAX, Exposition, SERIES_MAX, Sample, Scrape, ScrapeError};
pub use series::{SeriesId, SeriesRule};
pub use state::{
    Acknowledged, CounterState, HeldReport, PendingRecord, PendingReport, STATE_VERSION, StateError,
};
pub use value::{COUNTER_MAX, ValueError};
