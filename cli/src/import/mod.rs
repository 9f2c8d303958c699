//! Importing files: metering what a web server or another system has logged, as usage reports.
//!
//! A file is an access log in the Common or the Combined Log Format, or has a usage record in JSON
//! on each line, or both; packed by gzip or zstd, or plain. Importing it again counts nothing again: see
//! [`Chunks`] for how its reports are named. No line is dropped in silence: [`Summary`] accounts
//! for each line and each call.
//!
//! What can't be told apart: the beginning of a file must stay as it was. A log that lost its first
//! lines, or another rule for callers, which bills other providers, makes other reports, and counts
//! the calls again.

mod access_log;
mod chunk;
mod input;
mod line;
mod packing;
mod rule;
mod run;
mod summary;

pub use access_log::{Excerpt, LogLine, LogLineError, Request};
pub use chunk::{BadLine, Chunk, Chunks, LINES_PER_CHUNK, Record, Report};
pub use input::{Input, LINE_BYTES_MAX, LineEnd};
pub use line::{Line, LineCalls, LineError};
pub use rule::{ApiRule, CallerRule, ImportRules, NameError, ROOT_API, RuleTextError, StatusRule};
pub use run::{ImportError, Progress, import};
pub use summary::{Conflict, Refusal, SHOWN_MAX, Shown, Summary, Tally};

#[cfg(test)]
mod tests;
