//! What a target exposes at an instant, in the text format 0.0.4 or in OpenMetrics. Pure.

use std::collections::HashMap;

use thiserror::Error;

use super::document::is_metric_name;
use super::outcome::BadSample;
use super::sample::{Labels, SAMPLE_BYTES_MAX, SampleError, read_sample};
use super::series::SeriesId;
use crate::excerpt::Excerpt;
use crate::reasons::Reasons;

/// The largest scrape, in bytes.
pub const BODY_BYTES_MAX: usize = 16 << 20;

/// The most series of a counter, in a scrape and in a state.
pub const SERIES_MAX: usize = 100_000;

/// How a target writes its metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposition {
    /// The text format of Prometheus, version 0.0.4. Every line ends in a line feed.
    Text,
    /// OpenMetrics text. Its last line is `# EOF`.
    OpenMetrics,
}

/// The series of one counter that a target showed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scrape {
    /// The name of the counter.
    pub metric: String,
    /// The series, in the order of their first lines.
    pub samples: Vec<Sample>,
    /// The lines that do not count: of the counter, or of no metric.
    pub bad: Reasons<BadSample>,
}

/// What a scrape says of one series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Its line, from 1.
    pub line: u64,
    /// The identity of the series.
    pub id: SeriesId,
    /// The labels with their values, unescaped.
    pub labels: Labels,
    /// Its value, unless that makes no sense. Such a series is there, and its value is not known.
    pub value: Option<u64>,
}

/// Why nothing of a scrape is taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ScrapeError {
    /// The answer has no content.
    #[error("the target shows nothing")]
    Empty,
    /// The answer is too large.
    #[error("the target shows more than {BODY_BYTES_MAX} bytes")]
    TooLarge,
    /// The last line has no end, or `# EOF` does not end OpenMetrics: what follows is missing.
    #[error("the end is missing: {0}")]
    CutOff(&'static str),
    /// The metric can fall without a reset.
    #[error("`{metric}` is a {kind}, and no counter")]
    NotACounter {
        /// The metric that the rule names.
        metric: String,
        /// What the target says it is.
        kind: Excerpt,
    },
}

impl Exposition {
    /// The format that a Content-Type names; the text format unless it names OpenMetrics.
    #[must_use]
    pub fn of(content_type: &str) -> Exposition {
        let name = content_type.split(';').next().unwrap_or_default().trim();
        match name.eq_ignore_ascii_case("application/openmetrics-text") {
            true => Exposition::OpenMetrics,
            false => Exposition::Text,
        }
    }
}

impl Scrape {
    /// Reads the series of a counter. Lines of other metrics are skipped.
    ///
    /// # Errors
    ///
    /// [`ScrapeError`] when the whole cannot be trusted. A bad line is none: it is among `bad`.
    pub fn read(body: &[u8], format: Exposition, metric: &str) -> Result<Scrape, ScrapeError> {
        Scrape::read_at_most(body, format, metric, SERIES_MAX)
    }

    fn read_at_most(
        body: &[u8],
        format: Exposition,
        metric: &str,
        series_max: usize,
    ) -> Result<Scrape, ScrapeError> {
        if body.len() > BODY_BYTES_MAX {
            return Err(ScrapeError::TooLarge);
        }
        let body = whole(body, format)?;
        let scrape = Scrape { metric: metric.to_owned(), ..Scrape::default() };
        let known = HashMap::new();
        let mut reader = Reader { metric, format, series_max, number: 0, scrape, known };
        for (index, line) in body.split(|byte| *byte == b'\n').enumerate() {
            reader.number = u64::try_from(index + 1).unwrap_or(u64::MAX);
            reader.read(line)?;
        }
        Ok(reader.scrape)
    }
}

/// The lines of a body that has its end.
fn whole(body: &[u8], format: Exposition) -> Result<&[u8], ScrapeError> {
    if body.trim_ascii().is_empty() {
        return Err(ScrapeError::Empty);
    }
    match format {
        Exposition::Text => {
            body.strip_suffix(b"\n").ok_or(ScrapeError::CutOff("the last line has no line feed"))
        }
        Exposition::OpenMetrics => {
            let lines = body.strip_suffix(b"\n").unwrap_or(body);
            let lines = lines.strip_suffix(b"\r").unwrap_or(lines);
            let lines = lines.strip_suffix(EOF);
            let lines = lines.filter(|lines| lines.is_empty() || lines.ends_with(b"\n"));
            lines.ok_or(ScrapeError::CutOff("the last line is not `# EOF`"))
        }
    }
}

const EOF: &[u8] = b"# EOF";

/// A scrape while it is read.
struct Reader<'a> {
    metric: &'a str,
    format: Exposition,
    series_max: usize,
    number: u64,
    scrape: Scrape,
    /// The place of each series in the scrape.
    known: HashMap<SeriesId, usize>,
}

impl Reader<'_> {
    fn read(&mut self, line: &[u8]) -> Result<(), ScrapeError> {
        let line = line.strip_suffix(b"\r").unwrap_or(line).trim_ascii_start();
        if line.is_empty() {
            return Ok(());
        }
        if line.starts_with(b"#") {
            return self.read_comment(line);
        }
        if let Err(why) = self.read_line(line) {
            self.refuse(self.number, why);
        }
        Ok(())
    }

    /// `# TYPE` of the counter, or of its family in OpenMetrics, and anything else after a `#`.
    fn read_comment(&self, line: &[u8]) -> Result<(), ScrapeError> {
        if line == EOF && self.format == Exposition::OpenMetrics {
            return Err(ScrapeError::CutOff("lines follow `# EOF`"));
        }
        let Ok(line) = str::from_utf8(line) else { return Ok(()) };
        let mut words = line.split_ascii_whitespace();
        let (Some("#"), Some("TYPE"), Some(family), Some(kind)) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Ok(());
        };
        let is_of_metric = family == self.metric
            || self.metric.strip_suffix("_total").is_some_and(|metric| metric == family);
        if is_of_metric && !matches!(kind, "counter" | "untyped" | "unknown") {
            let (metric, kind) = (self.metric.to_owned(), Excerpt::of(kind));
            return Err(ScrapeError::NotACounter { metric, kind });
        }
        Ok(())
    }

    fn read_line(&mut self, line: &[u8]) -> Result<(), SampleError> {
        let end = line.iter().position(|byte| matches!(byte, b'{' | b' ' | b'\t'));
        let (name, rest) = line.split_at_checked(end.unwrap_or(line.len())).unwrap_or((line, b""));
        if name != self.metric.as_bytes() {
            let is_other = str::from_utf8(name).is_ok_and(is_metric_name);
            let begin = line.get(..name.len().min(SAMPLE_BYTES_MAX)).unwrap_or_default();
            let shown = || Excerpt::of(&String::from_utf8_lossy(begin));
            return if is_other { Ok(()) } else { Err(SampleError::NoMetric(shown())) };
        }
        if line.len() > SAMPLE_BYTES_MAX {
            return Err(SampleError::TooLong);
        }
        let rest = str::from_utf8(rest).map_err(|_| SampleError::Encoding)?;
        let (mut labels, value) = read_sample(rest, self.format)?;
        labels.retain(|_, value| !value.is_empty());
        self.add(labels, value)
    }

    fn add(&mut self, labels: Labels, value: Result<u64, SampleError>) -> Result<(), SampleError> {
        let id = SeriesId::of(&labels);
        if let Some(first) = self.known.get(&id) {
            let first = self.scrape.samples.get_mut(*first);
            // Neither of the two lines is known to be right. The first is refused once.
            if let Some(line) = first.and_then(|first| first.value.take().map(|_| first.line)) {
                self.refuse(line, SampleError::Twice);
            }
            return Err(SampleError::Twice);
        }
        if self.known.len() >= self.series_max {
            return Err(SampleError::TooManySeries);
        }
        self.known.insert(id.clone(), self.scrape.samples.len());
        let sample = Sample { line: self.number, id, labels, value: value.as_ref().ok().copied() };
        self.scrape.samples.push(sample);
        value.map(|_| ())
    }

    fn refuse(&mut self, line: u64, why: SampleError) {
        self.scrape.bad.push(BadSample { line, why });
    }
}

#[cfg(test)]
mod tests;
