//! Reading what web servers, gateways and other systems have logged, as usage.
//!
//! A file is an access log in the Common or the Combined Log Format, a log of AWS's load balancers
//! or of CloudFront, or has a usage record in JSON on each line, or all of them; packed by gzip or
//! zstd, or plain. A [`Rule`] says how its lines become calls. A line counts once for its source,
//! in whatever file it stands and however often that is read: its content decides, and not its
//! place. See [`Hours`] for lines with an instant, which are most. No line is dropped in silence:
//! [`Summary`] accounts for each line and each call.
//!
//! What can't be told apart: equal lines of one second between which a log was cut; and the same
//! calls by another rule for callers, which bills other providers.
//!
//! Counters that a gateway exposes are another way: see [`CounterState`].
//!
//! Nothing here counts: its callers count [`Batches`], and note the outcome in a [`Summary`].

mod access_log;
mod address;
mod batch;
mod billable;
mod caller;
mod caller_map;
mod counters;
mod document;
mod edges;
mod escape;
mod excerpt;
mod fields;
mod fingerprint;
mod foreign;
mod formats;
mod hours;
mod input;
mod kinds;
mod line;
mod line_error;
mod log_line;
mod object;
mod packing;
mod path;
mod post;
mod reasons;
mod request;
mod rule;
mod summary;
mod trial;
mod unmapped;
mod written;

pub use address::ForwardedError;
pub use batch::{BadLine, Batch, Batches, IdentifiedLine, Lines, Record};
pub use billable::{BillableTextError, MethodRule, NotBillable, StatusRule};
pub use caller::{CALLER_BYTES_MAX, CallerError, CallerRule, CallerTextError};
pub use caller_map::{
    CallerMap, CallerMapError, Callers, HEADER, Unmapped, open_callers, read_callers,
};
pub use counters::{
    Acknowledged, BODY_BYTES_MAX, BadSample, COUNTER_MAX, CounterOutcome, CounterRule,
    CounterState, Exposition, HeldReport, LABEL_BYTES_MAX, LABELS_MAX, LabelFilter, PendingRecord,
    PendingReport, PrepareError, Prepared, SAMPLE_BYTES_MAX, SERIES_MAX, STATE_VERSION, Sample,
    SampleError, Scrape, ScrapeError, SeriesId, SeriesRule, StateError, ValueError,
};
pub use document::{
    Objects, RULE_BYTES_MAX, RuleDocument, RuleError, RuleFault, WINDOW_S, WINDOW_S_MAX,
};
pub use edges::Edges;
pub use excerpt::Excerpt;
pub use fields::{FieldError, FieldMap, FieldMapError, FieldNames};
pub use fingerprint::Fingerprint;
pub use foreign::ForeignLog;
pub use formats::{Columns, FormatError, LogFormat};
pub use hours::{Call, HourReport, HourShare, Hours, LINES_KEPT_MAX};
pub use input::{Input, LINE_BYTES_MAX, LineEnd};
pub use kinds::Kinds;
pub use line::{Identity, Line, LineCalls};
pub use line_error::{ID_BYTES_MAX, LineError};
pub use log_line::{FormatFields, LogLine, LogLineError};
pub use object::{SEGMENT_LINES, Segment, Segments};
pub use path::Path;
pub use post::{POST_ENTRIES_MAX, PostError};
pub use reasons::{EXAMPLES_MAX, REASONS_MAX, Reason, Reasons, Refused};
pub use request::{Odd, Request};
pub use rule::{ApiRule, NameError, ROOT_API, Rule};
pub use summary::{Conflict, Refusal, SHOWN_MAX, Share, Shown, Summary, Tally, sum};
pub use trial::{Trial, TrialError};
pub use unmapped::{CALLERS_SHOWN_MAX, UnmappedCallers};
