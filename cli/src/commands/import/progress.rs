//! What a terminal shows while an import runs.

use std::time::Duration;

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use steelyard_runtime::Error;

use crate::import::{Input, Progress};
use crate::output::grouped;

/// A line on standard error, if that is a terminal, from the beginning to the end of an import.
pub(super) struct ProgressLine(ProgressBar);

/// How often the line is drawn, whatever the import does meanwhile.
const TICK: Duration = Duration::from_millis(200);

impl ProgressLine {
    /// Begins to show how far the import of that input is.
    ///
    /// # Errors
    ///
    /// When the template of the line is wrong: a defect.
    pub(super) fn begin(input: &Input) -> Result<ProgressLine, Error> {
        let (bar, template) = match input.bytes_total() {
            Some(bytes) => (
                ProgressBar::new(bytes),
                "{spinner} {elapsed} {bar:20} {bytes}/{total_bytes}, {msg}, {eta} left",
            ),
            None => (ProgressBar::new_spinner(), "{spinner} {elapsed} {bytes}, {msg}"),
        };
        let bar = bar.with_style(ProgressStyle::with_template(template)?);
        bar.set_message(message(0, Duration::ZERO, 0));
        bar.enable_steady_tick(TICK);
        Ok(ProgressLine(bar))
    }

    /// Shows how far the import is.
    pub(super) fn show(&self, far: Progress) {
        let ProgressLine(bar) = self;
        bar.set_position(far.bytes_read);
        bar.set_message(message(far.lines_read, bar.elapsed(), far.lines_refused));
        tracing::debug!(read = %HumanBytes(far.bytes_read), lines = far.lines_done, "importing");
    }

    /// Takes the line away.
    pub(super) fn end(self) {
        self.0.finish_and_clear();
    }
}

/// `20,000 lines, 41,000/s, 3 refused`.
fn message(lines: u64, elapsed: Duration, refused: u64) -> String {
    let milliseconds = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).max(1);
    let rate = lines.saturating_mul(1_000) / milliseconds;
    format!("{} lines, {}/s, {} refused", grouped(lines), grouped(rate), grouped(refused))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_has_lines_their_rate_and_refusals() {
        for (lines, milliseconds, refused, said) in [
            (0, 0, 0, "0 lines, 0/s, 0 refused"),
            (20_000, 500, 3, "20,000 lines, 40,000/s, 3 refused"),
            (
                u64::MAX,
                1_000_000,
                0,
                "18,446,744,073,709,551,615 lines, 18,446,744,073,709/s, 0 refused",
            ),
        ] {
            assert_eq!(message(lines, Duration::from_millis(milliseconds), refused), said);
        }
    }
}
