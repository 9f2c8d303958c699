//! The log of a function: a line of JSON for each event, from the level that Lambda is configured
//! for.

use tracing::level_filters::LevelFilter;

use crate::Environment;

/// Begins to log on standard output.
///
/// `AWS_LAMBDA_LOG_LEVEL` is set by Lambda from the function's logging configuration; without it,
/// or with a level that is none, `INFO` is logged.
pub(crate) fn begin(environment: &Environment) {
    let level = environment.optional("AWS_LAMBDA_LOG_LEVEL").and_then(|level| level.parse().ok());
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_max_level(level.unwrap_or(LevelFilter::INFO))
        .init();
}
