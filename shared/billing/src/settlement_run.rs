//! Settlement runs: which providers a run settles, how far it is, and its result.

mod charges;
mod sums;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use steelyard_pricing::{Fen, MoneyError};

pub use charges::{CHARGES_MAX, Charges, MonthCharges};
pub use sums::{AccountSums, Age, NAMED_MAX, Share};

use crate::{ProviderId, Reason, Statement};

/// A settlement run: every night one over all providers, and one whenever an operator asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettlementRun {
    /// How often it was written. Each write is conditional on the version before.
    pub version: u64,
    /// Counts the runs of a deployment, from 1.
    pub number: u64,
    /// When it began, in seconds of Unix time. No run begins before the one before it, unless that
    /// one is disregarded.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub begun_at_s: Timestamp,
    /// The providers that it settles: those of its shards, or one.
    pub scope: RunScope,
    /// How it ended; none while it is under way, and if it never ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<RunEnd>,
    /// When it was found to be late: it had not ended by the morning. In seconds of Unix time.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "jiff::fmt::serde::timestamp::second::optional"
    )]
    pub late_at_s: Option<Timestamp>,
    /// Why an operator disregards it: it began by a wrong clock, and binds the clock of no later
    /// run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disregarded: Option<Reason>,
}

/// Which providers a run settles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunScope {
    /// The providers of these shards of the registry: all shards that have any.
    Shards(BTreeSet<u8>),
    /// A single provider, by an operator.
    Provider(ProviderId),
}

/// The end of a run, with its counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEnd {
    /// When its last shard ended, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub ended_at_s: Timestamp,
    /// The result of all its shards.
    pub tally: RunTally,
    /// What its statements charge, and what the accounts of its providers sum to.
    #[serde(flatten)]
    pub figures: RunFigures,
}

/// A shard of a run, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunShard {
    /// How often it was written. Each write is conditional on the version before.
    pub version: u64,
    /// The shard of the registry.
    pub shard: u8,
    /// The provider up to which all are done, by id; none before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<String>,
    /// Whether all providers of the shard are done.
    pub has_ended: bool,
    /// The result so far.
    pub tally: RunTally,
    /// What its statements charge so far, and what the accounts of its providers sum to.
    #[serde(flatten)]
    pub figures: RunFigures,
}

/// What the statements of a run charge, and what the accounts of its providers sum to: for pages,
/// which cannot read every provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFigures {
    /// The charges by month, plan and rate.
    #[serde(default, skip_serializing_if = "Charges::is_empty")]
    pub charges: Charges,
    /// What the accounts sum to; none of a run over a single provider, and of one that an older
    /// version made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts: Option<AccountSums>,
}

/// The result of a run, or of a part of one.
///
/// A statement is in the result of the run that made it. When a worker crashes, the statements that
/// it made since its shard was last written are in no result: the next worker finds them made. The
/// statements themselves are complete, so these figures are for an operator and not for the books.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunTally {
    /// How many providers were looked at, those that could not be settled included.
    pub providers: u64,
    /// How many statements were made.
    pub statements: u64,
    /// The sum of what they charge; credits are negative.
    pub charged_fen: Fen,
    /// How many providers could not be settled with their shard. Each is tried again alone.
    pub failed: u64,
    /// How many providers cannot be read.
    pub unreadable: u64,
}

/// A provider that could not be settled with its shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFailure {
    /// The provider that failed.
    pub provider: ProviderId,
    /// Why, with the whole chain of causes.
    pub why: String,
    /// When it failed last, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub failed_at_s: Timestamp,
    /// When the same run settled it after all, in seconds of Unix time.
    #[serde(
        default,
        with = "jiff::fmt::serde::timestamp::second::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub settled_at_s: Option<Timestamp>,
}

impl SettlementRun {
    /// A run that begins now, after the run of that number; 0 if it is the first.
    #[must_use]
    pub fn after(latest: u64, scope: RunScope, now: Timestamp) -> SettlementRun {
        SettlementRun {
            version: 0,
            number: latest + 1,
            begun_at_s: now,
            scope,
            end: None,
            late_at_s: None,
            disregarded: None,
        }
    }

    /// Whether the run settles a shard of the registry.
    #[must_use]
    pub fn has_shard(&self, shard: u8) -> bool {
        match &self.scope {
            RunScope::Shards(shards) => shards.contains(&shard),
            RunScope::Provider(_) => false,
        }
    }

    /// When settlement last began, of the latest runs from the newest on: the clock of the next run
    /// may not be before that. None if all of them are disregarded.
    #[must_use]
    pub fn last_begun(latest: &[SettlementRun]) -> Option<Timestamp> {
        latest.iter().find(|run| run.disregarded.is_none()).map(|run| run.begun_at_s)
    }

    /// How the run ends now, by those of its shards that are stored; none while one of them has not
    /// ended, and for a run over a single provider.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when the sum of the charges is too large.
    pub fn end_by(
        &self,
        stored: &[RunShard],
        now: Timestamp,
    ) -> Result<Option<RunEnd>, MoneyError> {
        let RunScope::Shards(shards) = &self.scope else { return Ok(None) };
        let ended = stored.iter().filter(|shard| shard.has_ended).map(|shard| shard.shard);
        if !shards.is_subset(&ended.collect()) {
            return Ok(None);
        }
        RunEnd::of(stored, now).map(Some)
    }
}

impl RunEnd {
    /// The end of a run over these shards.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when a sum is too large.
    pub fn of(shards: &[RunShard], ended_at_s: Timestamp) -> Result<RunEnd, MoneyError> {
        let (tally, figures) = (RunTally::sum(shards)?, RunFigures::sum(shards)?);
        Ok(RunEnd { ended_at_s, tally, figures })
    }
}

impl RunShard {
    /// A shard before its first provider.
    #[must_use]
    pub fn new(shard: u8) -> RunShard {
        let (tally, figures) = (RunTally::default(), RunFigures::default());
        RunShard { version: 0, shard, done: None, has_ended: false, tally, figures }
    }

    /// The shard after another page, up to `done`. Where another worker is further, the shard stays
    /// as far as that, and that worker has summed the accounts.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when a sum is too large.
    pub fn after(
        &self,
        tally: RunTally,
        figures: &RunFigures,
        done: Option<&str>,
        has_ended: bool,
    ) -> Result<RunShard, MoneyError> {
        let is_further = self.done.as_deref() < done;
        let accounts = figures.accounts.as_ref().filter(|_| is_further);
        Ok(RunShard {
            done: self.done.as_deref().max(done).map(str::to_owned),
            has_ended: self.has_ended || has_ended,
            tally: self.tally.plus(tally)?,
            figures: self.figures.plus(&figures.charges, accounts)?,
            ..*self
        })
    }

    /// The shard with statements of a provider that was settled alone, after its shard.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when a sum is too large.
    pub fn with_statements(&self, statements: &[Statement]) -> Result<RunShard, MoneyError> {
        Ok(RunShard {
            tally: self.tally.with_statements(statements)?,
            figures: self.figures.plus(&Charges::of(statements)?, None)?,
            ..self.clone()
        })
    }
}

impl RunFigures {
    /// The figures of shards together.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when a sum is too large.
    pub fn sum(shards: &[RunShard]) -> Result<RunFigures, MoneyError> {
        shards.iter().try_fold(RunFigures::default(), |sum, shard| {
            sum.plus(&shard.figures.charges, shard.figures.accounts.as_ref())
        })
    }

    fn plus(
        &self,
        charges: &Charges,
        accounts: Option<&AccountSums>,
    ) -> Result<RunFigures, MoneyError> {
        let accounts = match (&self.accounts, accounts) {
            (Some(these), Some(others)) => Some(these.plus(others)?),
            (these, others) => these.as_ref().or(others).cloned(),
        };
        Ok(RunFigures { charges: self.charges.plus(charges)?, accounts })
    }
}

impl RunTally {
    /// The result of shards together.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when the sum of the charges is too large.
    pub fn sum(shards: &[RunShard]) -> Result<RunTally, MoneyError> {
        shards.iter().try_fold(RunTally::default(), |sum, shard| sum.plus(shard.tally))
    }

    /// The result with another.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when the sum of the charges is too large.
    pub fn plus(self, other: RunTally) -> Result<RunTally, MoneyError> {
        let RunTally { providers, statements, charged_fen, failed, unreadable } = other;
        Ok(RunTally {
            providers: self.providers + providers,
            statements: self.statements + statements,
            charged_fen: self.charged_fen.plus(charged_fen)?,
            failed: self.failed + failed,
            unreadable: self.unreadable + unreadable,
        })
    }

    /// The result with some statements.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when the sum of the charges is too large.
    pub fn with_statements(mut self, statements: &[Statement]) -> Result<RunTally, MoneyError> {
        for statement in statements {
            self.statements += 1;
            self.charged_fen = self.charged_fen.plus(statement.charge_fen)?;
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(statements: u64, charged_fen: i64) -> RunTally {
        RunTally {
            providers: 2,
            statements,
            charged_fen: Fen::new(charged_fen),
            ..RunTally::default()
        }
    }

    #[test]
    fn run_ends_when_the_last_of_its_shards_has() {
        let now = Timestamp::UNIX_EPOCH;
        let shards = RunScope::Shards([3, 200].into());
        let run = SettlementRun::after(0, shards, now);
        let three =
            RunShard::new(3).after(tally(2, 50), &RunFigures::default(), Some("b"), true).unwrap();
        let half = RunShard::new(200)
            .after(tally(1, -7), &RunFigures::default(), Some("m"), false)
            .unwrap();
        let whole = half.after(RunTally::default(), &RunFigures::default(), None, true).unwrap();
        assert_eq!(run.end_by(&[], now).unwrap(), None);
        assert_eq!(run.end_by(&[three.clone(), half], now).unwrap(), None);
        let tally = RunTally { providers: 4, ..tally(3, 43) };
        let end = Some(RunEnd { ended_at_s: now, tally, figures: RunFigures::default() });
        assert_eq!(run.end_by(&[three, whole], now).unwrap(), end);
    }

    #[test]
    fn shard_never_goes_back() {
        let owed = Share { providers: 1, amount_fen: Fen::new(5) };
        let accounts = Some(AccountSums { owed, ..AccountSums::default() });
        let figures = RunFigures { accounts: accounts.clone(), ..RunFigures::default() };
        let ahead = RunShard::new(3).after(tally(1, 1), &figures, Some("m"), true).unwrap();
        let behind = ahead.after(tally(1, 1), &figures, Some("c"), false).unwrap();
        assert_eq!((behind.done.as_deref(), behind.has_ended), (Some("m"), true));
        assert_eq!(behind.tally.statements, 2);
        assert_eq!(behind.figures.accounts, accounts, "each account is summed once");
    }

    #[test]
    fn runs_are_numbered() {
        let all = || RunScope::Shards(BTreeSet::new());
        let first = SettlementRun::after(0, all(), Timestamp::UNIX_EPOCH);
        let second = SettlementRun::after(first.number, all(), Timestamp::UNIX_EPOCH);
        assert_eq!((first.number, second.number), (1, 2));
    }

    #[test]
    fn disregarded_run_binds_no_clock() {
        let all = || RunScope::Shards(BTreeSet::new());
        let second = |second| Timestamp::from_second(second).unwrap();
        let first = SettlementRun::after(0, all(), second(1_000));
        let ahead = SettlementRun::after(1, all(), second(9_000));
        assert_eq!(SettlementRun::last_begun(&[ahead.clone(), first.clone()]), Some(second(9_000)));
        let disregarded = Some(Reason::new("a clock in 2042").unwrap());
        let ahead = SettlementRun { disregarded, ..ahead };
        assert_eq!(SettlementRun::last_begun(&[ahead.clone(), first]), Some(second(1_000)));
        assert_eq!(SettlementRun::last_begun(&[ahead]), None);
    }
}
