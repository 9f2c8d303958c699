//! The figures of a follower, for Prometheus.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use steelyard_runtime::Error;
use tokio::net::TcpListener;

/// What a follower did since it began.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Figures {
    pub lines: u64,
    pub refused_lines: u64,
    pub counted_calls: u64,
    /// The calls that were refused and are tried again.
    pub refused_calls: u64,
    pub conflict_calls: u64,
    /// The calls that were refused, or in conflict, until their hour was over.
    pub lost_calls: u64,
    pub files: u64,
    pub failures: u64,
    pub behind_bytes: u64,
    /// When all that was read was counted, in Unix time; 0 before that.
    pub counted_at_s: i64,
}

/// Figures that are shown while they change.
#[derive(Clone, Debug, Default)]
pub(super) struct SharedFigures(Arc<Mutex<Figures>>);

impl SharedFigures {
    pub(super) fn set(&self, figures: Figures) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = figures;
    }

    fn text(&self) -> String {
        let figures = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        figures.text()
    }

    /// Serves them at `/metrics`, on an address that only this machine reaches.
    ///
    /// # Errors
    ///
    /// When the address is not loopback, or is taken.
    pub(super) async fn serve(&self, address: SocketAddr) -> Result<(), Error> {
        if !address.ip().is_loopback() {
            return Err(format!("--metrics {address}: only loopback addresses are served").into());
        }
        let listener = TcpListener::bind(address).await;
        let listener = listener.map_err(|error| format!("--metrics {address}: {error}"))?;
        let figures = self.clone();
        let answer = async move || ([(CONTENT_TYPE, "text/plain; version=0.0.4")], figures.text());
        let routes = Router::new().route("/metrics", get(answer));
        tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, routes).await {
                tracing::warn!(%error, "the metrics are not served any more");
            }
        });
        Ok(())
    }
}

impl Figures {
    /// The text exposition format of Prometheus, version 0.0.4.
    fn text(&self) -> String {
        let counted_at = u64::try_from(self.counted_at_s).unwrap_or(0);
        let figures = [
            ("lines_total", "counter", "Lines that were read.", self.lines),
            ("refused_lines_total", "counter", "Lines that cannot be counted.", self.refused_lines),
            ("counted_calls_total", "counter", "Calls that were counted.", self.counted_calls),
            (
                "refused_calls",
                "gauge",
                "Calls of open hours that are refused, and are tried again.",
                self.refused_calls,
            ),
            (
                "conflict_calls",
                "gauge",
                "Calls of open hours that are in conflict.",
                self.conflict_calls,
            ),
            (
                "lost_calls_total",
                "counter",
                "Calls that were not counted by the end of their hour, and are not tried again.",
                self.lost_calls,
            ),
            ("files_total", "counter", "Files that were read to their end.", self.files),
            ("failures_total", "counter", "Passes that failed.", self.failures),
            ("behind_bytes", "gauge", "Bytes that are not read yet.", self.behind_bytes),
            ("counted_at_seconds", "gauge", "When the file was last read to its end.", counted_at),
        ];
        let line = |(name, kind, help, value): (&str, &str, &str, u64)| {
            let name = format!("steelyard_follow_{name}");
            format!("# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n")
        };
        figures.map(line).concat()
    }
}
