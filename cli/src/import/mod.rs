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
mod address;
mod billable;
mod caller;
mod caller_map;
mod chunk;
mod escape;
mod excerpt;
mod fields;
mod foreign;
mod input;
mod kinds;
mod line;
mod line_error;
mod packing;
mod path;
mod reasons;
mod request;
mod rule;
mod run;
mod summary;
mod unmapped;

pub use access_log::{LogLine, LogLineError};
pub use address::ForwardedError;
pub use billable::{BillableTextError, MethodRule, NotBillable, StatusRule};
pub use caller::{CALLER_BYTES_MAX, CallerError, CallerRule, CallerTextError};
pub use caller_map::{CallerMap, CallerMapError};
pub(crate) use caller_map::{HEADER, Unmapped};
pub use chunk::{BadLine, Chunk, Chunks, LINES_PER_CHUNK, Record, Report};
pub use excerpt::Excerpt;
pub use fields::{FieldError, FieldMap, FieldMapError};
pub use foreign::ForeignLog;
pub use input::{Input, LINE_BYTES_MAX, LineEnd};
pub use kinds::Kinds;
pub use line::{Line, LineCalls};
pub use line_error::LineError;
pub use path::Path;
pub use reasons::{EXAMPLES_MAX, REASONS_MAX, Reason, Reasons, Refused};
pub use request::{Odd, Request};
pub use rule::{ApiRule, ImportRules, NameError, ROOT_API, RulesError};
pub use run::{Counters, ImportError, Progress, import};
pub use summary::{Conflict, Refusal, SHOWN_MAX, Shown, Summary, Tally};
pub use unmapped::{CALLERS_SHOWN_MAX, UnmappedCallers};

#[cfg(test)]
mod tests;
