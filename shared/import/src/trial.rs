//! What a sample would count by a rule. Pure.

use std::io::{self, Read};

use steelyard_billing::Calendar;
use steelyard_pricing::{Metered, UsageError};
use thiserror::Error;

use super::batch::{Batch, Batches, Record, Sums};
use super::input::Input;
use super::rule::Rule;
use super::summary::Summary;

/// What a rule makes of a sample.
#[derive(Clone, Debug, Default)]
pub struct Trial {
    /// What its lines say; nothing is counted.
    pub summary: Summary,
    /// The counts that an import would report.
    pub counts: Vec<Record>,
}

/// The largest post that is tried, in bytes.
const POST_BYTES_MAX: u64 = 64 << 20;

/// Why a sample cannot be tried.
#[derive(Debug, Error)]
pub enum TrialError {
    /// The file can't be read or unpacked.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// Its calls have no sum.
    #[error(transparent)]
    Sum(#[from] UsageError),
}

impl Trial {
    /// Reads a file by a rule, as an import would, or as a post if it begins as an array.
    ///
    /// # Errors
    ///
    /// [`TrialError`] when the file can't be read.
    pub fn of(mut input: Input, rule: &Rule, calendar: &Calendar) -> Result<Trial, TrialError> {
        let (mut trial, mut sums) = (Trial::default(), Sums::default());
        if input.first()? == Some(b'[') {
            let mut body = Vec::new();
            input.rest().take(POST_BYTES_MAX).read_to_end(&mut body)?;
            let batch = Batch::of_post(&body, rule, calendar).map_err(io::Error::other)?;
            trial.add(&batch, &mut sums)?;
        } else {
            for batch in Batches::new(input, rule, calendar) {
                trial.add(&batch?, &mut sums)?;
            }
        }
        trial.counts = sums.into_records();
        Ok(trial)
    }

    fn add(&mut self, batch: &Batch, sums: &mut Sums) -> Result<(), UsageError> {
        self.summary.read(batch);
        for hour in &batch.hours {
            for (provider, share) in &hour.shares {
                for (api, metered) in share.usage.usage()?.iter() {
                    sums.add((provider.clone(), hour.day, api.clone()), metered, share.line)?;
                }
            }
        }
        for record in batch.identified.iter().map(|line| &line.record).chain(&batch.days) {
            let Record { provider, api, day, count, amount, line } = record.clone();
            sums.add((provider, day, api), Metered { calls: count, amount }, line)?;
        }
        Ok(())
    }
}
