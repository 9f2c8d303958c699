//! The progress line of an import, on a terminal.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{HumanBytes, ProgressBar, ProgressState, ProgressStyle};
use steelyard_import::Input;
use steelyard_metering::Progress;
use steelyard_runtime::Error;

use crate::output::{counted, grouped};

/// A line on standard error, if that is a terminal, from the beginning to the end of an import.
pub(super) struct ProgressLine {
    bar: ProgressBar,
    lines: Arc<AtomicU64>,
}

/// The interval at which the line is drawn, also while the import waits.
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
                "{spinner} {elapsed} {bar:20} {bytes}/{total_bytes}, {rate}, {msg}, {eta} left",
            ),
            None => (ProgressBar::new_spinner(), "{spinner} {elapsed} {bytes}, {rate}, {msg}"),
        };
        let lines = Arc::new(AtomicU64::new(0));
        let read = Arc::clone(&lines);
        // The line is a text in memory: writing to it cannot fail.
        let write_rate = move |state: &ProgressState, out: &mut dyn Write| {
            let _ = out.write_str(&rate(read.load(Ordering::Relaxed), state.elapsed()));
        };
        let style = ProgressStyle::with_template(template)?.with_key("rate", write_rate);
        let bar = bar.with_style(style).with_message(refusals(0));
        bar.enable_steady_tick(TICK);
        Ok(ProgressLine { bar, lines })
    }

    /// Shows how far the import is.
    pub(super) fn show(&self, far: Progress) {
        self.lines.store(far.lines_read, Ordering::Relaxed);
        self.bar.set_position(far.bytes_read);
        self.bar.set_message(refusals(far.refused));
        tracing::debug!(read = %HumanBytes(far.bytes_read), lines = far.lines_done, "importing");
    }

    /// Takes the line away.
    pub(super) fn end(self) {
        self.bar.finish_and_clear();
    }
}

/// `20,000 lines, 41,000/s`.
fn rate(lines: u64, elapsed: Duration) -> String {
    let milliseconds = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).max(1);
    let rate = lines.saturating_mul(1_000) / milliseconds;
    format!("{}, {}/s", counted(grouped(lines), "line"), grouped(rate))
}

fn refusals(refused: u64) -> String {
    format!("{} refused", grouped(refused))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_is_that_of_all_lines_since_the_beginning() {
        for (lines, milliseconds, said) in [
            (0, 0, "0 lines, 0/s"),
            (20_000, 500, "20,000 lines, 40,000/s"),
            (20_000, 20_000, "20,000 lines, 1,000/s"),
            (u64::MAX, 1_000_000, "18,446,744,073,709,551,615 lines, 18,446,744,073,709/s"),
        ] {
            assert_eq!(rate(lines, Duration::from_millis(milliseconds)), said);
        }
    }
}
