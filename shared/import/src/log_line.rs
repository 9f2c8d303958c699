//! One line of a log of requests, in whatever format, as far as metering needs it. Pure.

use std::borrow::Cow;

use jiff::Timestamp;
use thiserror::Error;

use super::access_log;
use super::excerpt::Excerpt;
use super::foreign::ForeignLog;
use super::formats::{Columns, FormatError, LogFormat, cloudfront, load_balancer};

/// One line of a log of requests, as far as metering needs it. Its texts are as they are logged.
///
/// What a client can write into the line (user, request, referer, user agent) neither moves a field
/// nor spoils the line, nor makes it one of another format: else a call could hide from the bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine<'a> {
    /// The client's address or host name, or the addresses that proxies forwarded.
    pub host: &'a str,
    /// When the request came, or when it was answered: as the format has it.
    pub at: Timestamp,
    /// The request line, which may be anything that a client can send; `-` for none.
    pub request: Cow<'a, str>,
    /// The HTTP status of the answer; 000 where a server writes so, or writes none.
    pub status: u16,
    /// What only lines of its format say.
    pub fields: FormatFields<'a>,
}

/// What only lines of one format say of the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FormatFields<'a> {
    /// A line of an access log.
    AccessLog {
        /// The name that the client gave; `-` or `""` for none.
        user: &'a str,
        /// All that follows the size of the answer.
        rest: &'a str,
    },
    /// A line of a load balancer.
    LoadBalancer {
        /// All that follows the request.
        rest: &'a str,
    },
    /// A line of CloudFront. Its texts are as they were sent.
    CloudFront {
        /// The host that the client asked for.
        domain: Option<Cow<'a, str>>,
        /// The addresses that proxies before CloudFront wrote.
        forwarded: Option<Cow<'a, str>>,
    },
}

/// Why a line is not one of a log of requests.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LogLineError {
    /// The line is of a log in another format.
    #[error(transparent)]
    Foreign(#[from] ForeignLog),
    /// The line is of a log of AWS, and cannot be read.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// No request stands in quotation marks.
    #[error("no request in quotation marks: not a whole line of the Common or Combined Log Format")]
    NoRequest,
    /// What stands before the request is not host, identity, user and time.
    #[error("does not begin with host, identity, user and [time]")]
    Head,
    /// The line begins with a name and a port, which are no client's.
    #[error("begins with the virtual host `{0}` and no client; log the client's address after it")]
    NoClient(Excerpt),
    /// The time is not one.
    #[error("`{0}` is not a time such as 17/May/2015:10:05:03 +0000")]
    Time(Excerpt),
    /// The status is not a number of three digits, or nothing follows it.
    #[error("`{0}` does not begin with an HTTP status and a size")]
    Answer(Excerpt),
    /// Another line follows without a line break between.
    #[error("two lines without a line break between them: divide them, and import the file again")]
    TwoLines,
}

impl<'a> LogLine<'a> {
    /// Reads a line, which has no line break. The line alone decides its format, except for the
    /// columns that a log of CloudFront named before it.
    ///
    /// # Errors
    ///
    /// [`LogLineError`] naming what is wrong with it.
    pub fn parse(line: &'a str, columns: &Columns) -> Result<LogLine<'a>, LogLineError> {
        if cloudfront::is_line(line, columns) {
            return Ok(cloudfront::read(line, columns)?);
        }
        // No line of a load balancer is one of an access log: each word before its request is
        // machine-made.
        access_log::read(line).or_else(|error| {
            if load_balancer::is_line(line) {
                return Ok(load_balancer::read(line)?);
            }
            Err(ForeignLog::of(line).map_or(error, LogLineError::Foreign))
        })
    }

    /// The format of its log.
    #[must_use]
    pub fn format(&self) -> LogFormat {
        match self.fields {
            FormatFields::AccessLog { .. } => LogFormat::AccessLog,
            FormatFields::LoadBalancer { .. } => LogFormat::LoadBalancer,
            FormatFields::CloudFront { .. } => LogFormat::CloudFront,
        }
    }
}
