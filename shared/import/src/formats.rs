//! Logs of requests in other formats than access logs: those of AWS's load balancers and of
//! CloudFront. Pure.

pub(crate) mod cloudfront;
pub(crate) mod load_balancer;

use std::fmt;

use thiserror::Error;

use super::excerpt::Excerpt;

pub use cloudfront::Columns;

/// The format of a log of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// The Common or the Combined Log Format.
    AccessLog,
    /// An Application or a Classic Load Balancer of AWS.
    LoadBalancer,
    /// The standard log of CloudFront.
    CloudFront,
}

/// Why a line of a known format cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FormatError {
    /// The line ends too early.
    #[error("a line of {log} that ends before the end of its {field}")]
    Cut {
        /// The log that the line is of.
        log: LogFormat,
        /// The first field that is not whole.
        field: &'static str,
    },
    /// A field holds something else.
    #[error("a line of {log}, and `{text}` is no {field}")]
    Field {
        /// The log that the line is of.
        log: LogFormat,
        /// The name of the field.
        field: &'static str,
        /// The text in the field.
        text: Excerpt,
    },
    /// The columns of the log do not say what every call needs.
    #[error("a line of a CloudFront log whose #Fields name no {0}")]
    Column(&'static str),
}

impl FormatError {
    /// The fault, without what is particular to the line.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            FormatError::Cut { log, .. } => format!("a line of {log} that is cut off"),
            FormatError::Field { log, field, .. } => format!("no {field} in a line of {log}"),
            FormatError::Column(_) => self.to_string(),
        }
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LogFormat::AccessLog => "an access log",
            LogFormat::LoadBalancer => "a load balancer's log",
            LogFormat::CloudFront => "a CloudFront log",
        })
    }
}

/// A status of three digits. `-` is none: 000, as where a server writes so.
fn status_of(text: &str) -> Option<u16> {
    match text {
        "-" => Some(0),
        _ if text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
