//! Sets of corrections: a file of reports that were wrong, previewed, applied under one name, and undone.
//!
//! What a set holds is stored before the first report is withdrawn, so the same command goes on with a set
//! that was stopped half-way, and undoing needs no file. A report that a set withdraws says so. Undoing
//! withdraws what the set counted, and counts what the set withdrew under ids that follow from the set.

mod file;
mod preview;

use std::future::Future;

use futures::stream::{self, StreamExt};
use steelyard_billing::{
    CorrectionId, CorrectionPhase, CorrectionSet, Person, ProviderId, Reason, ReportRef, Undo,
    chain,
};
use steelyard_books::Settler;
use steelyard_ingest::{Counter, UsageReport, Void, VoidError, Voider};
use steelyard_runtime::{Clock, Error};
use steelyard_store::CountedReport;

pub use self::file::{CorrectionFile, FILE_BYTES_MAX, RightReport, WrongReport};
pub use self::preview::{DayChange, ProviderChange};

/// How many reports are withdrawn or counted at the same time.
const AT_ONCE: usize = 16;

/// Applies sets of corrections, and undoes them.
pub struct Corrector {
    settler: Settler,
    counter: Counter,
    voider: Voider,
    clock: Clock,
}

/// What a file corrects, as it is stored: each report to withdraw by its day.
pub struct Found {
    /// The file with a line for each day.
    pub file: CorrectionFile,
    /// What the reports to withdraw are, each with its provider.
    reports: Vec<(ProviderId, CountedReport)>,
}

/// How a set ended.
#[derive(Debug)]
pub struct Ended {
    /// The set as it is stored now.
    pub set: CorrectionSet,
    /// What could not be done, each with its reason. The same command tries it again.
    pub failed: Vec<String>,
}

impl Corrector {
    /// Corrects what was counted into the settler's table.
    #[must_use]
    pub fn new(settler: Settler, clock: Clock) -> Corrector {
        let calendar = settler.books.rules.calendar.clone();
        let counter = Counter::new(settler.usage.clone(), calendar, clock.clone());
        let voider = counter.voider();
        Corrector { settler, counter, voider, clock }
    }

    /// The reports that a file withdraws, each by its day.
    ///
    /// # Errors
    ///
    /// When one is not there or in a month that is closed, or what is to be counted cannot be.
    pub async fn find(&self, file: &CorrectionFile, reason: &Reason) -> Result<Found, Error> {
        let wanted = file.void.iter().map(|wrong| async move {
            let void = void(wrong, reason, None);
            let found = self.voider.find(&void).await;
            let found = found.map_err(|error| format!("{wrong}: {}", chain(&error)))?;
            Ok::<_, Error>(found.into_iter().map(|report| (wrong.provider.clone(), report)))
        });
        // Collected first: a future that borrows from an iterator would not be general enough.
        let wanted = wanted.collect::<Vec<_>>();
        let found = stream::iter(wanted).buffered(AT_ONCE).collect::<Vec<_>>().await;
        let mut reports = Vec::new();
        for of in found {
            reports.extend(of?);
        }
        for right in &file.count {
            self.check_countable(&right.report).await?;
        }
        let by_day = |(provider, report): &(ProviderId, CountedReport)| WrongReport {
            provider: provider.clone(),
            report: ReportRef { source: report.source.clone(), report: report.report.clone() },
            day: Some(report.day),
        };
        let void = reports.iter().map(by_day).collect();
        Ok(Found { file: CorrectionFile { void, count: file.count.clone() }, reports })
    }

    /// Checks that all of a report could be counted now, under an id that was not used otherwise.
    async fn check_countable(&self, report: &UsageReport) -> Result<(), Error> {
        let named = format!("report {}/{}", report.source, report.id);
        let accepted = report.accept(&self.settler.books.rules.calendar, self.clock.now());
        if let Some(refused) = accepted.refused.first() {
            return Err(format!("{named}: record {}: {}", refused.index, refused.why).into());
        }
        for (provider, share) in &accepted.shares {
            let days = share.records.keys().copied().collect::<Vec<_>>();
            let id = (&report.source, &report.id);
            let known = self.settler.usage.reports_named(provider, id, &days).await?;
            let is_other =
                |known: &CountedReport| known.withdrawn.is_some() || known.digest != share.digest;
            if known.iter().any(is_other) {
                return Err(format!(
                    "{named} was withdrawn, or has other content: give it another id"
                )
                .into());
            }
        }
        Ok(())
    }

    /// Applies a set, or goes on with it: `found` is what it holds, unless that is stored already.
    ///
    /// # Errors
    ///
    /// When its name stands for another content, it was undone, or a table fails. What was applied before
    /// stays, and applying it again goes on.
    pub async fn apply(&self, set: &CorrectionSet, found: &Found) -> Result<Ended, Error> {
        let books = &self.settler.books;
        let mut stored = books.begin_correction(set).await?;
        if stored.phase == CorrectionPhase::Storing {
            let content = found.file.written()?;
            let parts = books.billing.store_correction(&set.name, &content).await?;
            stored = books.correction_stored(&set.name, parts).await?;
        }
        self.resume(stored).await
    }

    /// Goes on with a set whose content is stored.
    ///
    /// # Errors
    ///
    /// As [`Corrector::apply`].
    pub async fn resume(&self, set: CorrectionSet) -> Result<Ended, Error> {
        let CorrectionPhase::Applying { parts } = set.phase else {
            return Ok(Ended { set, failed: Vec::new() });
        };
        let file = self.content(&set.name, parts).await?;
        let CorrectionSet { name, reason, by, .. } = &set;
        let withdrawn = |wrong| self.withdrawn_for(wrong, (name, reason, by));
        let mut failed = self.each(file.void.iter().map(withdrawn)).await;
        failed.extend(self.each(file.count.iter().map(|right| self.counted(&right.report))).await);
        if failed.is_empty() {
            let set = self.settler.books.correction_applied(&set.name).await?;
            return Ok(Ended { set, failed });
        }
        Ok(Ended { set, failed })
    }

    /// Undoes a set, or goes on with that. One that is undone stays as it is.
    ///
    /// # Errors
    ///
    /// When there is none of that name, or a table fails. What was undone before stays, and undoing it
    /// again goes on.
    pub async fn undo(&self, name: &CorrectionId, undo: &Undo) -> Result<Ended, Error> {
        let set = self.settler.books.undo_correction(name, undo).await?;
        let CorrectionPhase::Undoing { parts, undo } = &set.phase else {
            return Ok(Ended { set, failed: Vec::new() });
        };
        let file = self.content(name, *parts).await?;
        let counted = file.count.iter().flat_map(|right| self.counted_by(&right.report));
        let counted = counted.collect::<Vec<_>>();
        let withdrawn =
            |right| self.withdrawn_for(right, (name, &undo.undone_because, &undo.undone_by));
        let mut failed = self.each(counted.iter().map(withdrawn)).await;
        let restored = self.each(file.void.iter().map(|wrong| self.restored(&set, wrong))).await;
        failed.extend(restored);
        if failed.is_empty() {
            let set = self.settler.books.correction_undone(name).await?;
            return Ok(Ended { set, failed });
        }
        Ok(Ended { set, failed })
    }

    async fn content(&self, name: &CorrectionId, parts: u16) -> Result<CorrectionFile, Error> {
        let content = self.settler.books.billing.correction_content(name, parts).await?;
        CorrectionFile::read(&content)
    }

    /// Does all of some things, some at the same time; gives why those failed that did.
    async fn each<F: Future<Output = Result<(), String>>>(
        &self,
        things: impl Iterator<Item = F>,
    ) -> Vec<String> {
        let done = stream::iter(things.collect::<Vec<_>>()).buffered(AT_ONCE);
        done.filter_map(async |done| done.err()).collect().await
    }

    /// Withdraws a report of a day for a set, unless the set did so before.
    async fn withdrawn_for(
        &self,
        wrong: &WrongReport,
        (set, reason, by): (&CorrectionId, &Reason, &Person),
    ) -> Result<(), String> {
        let void = void(wrong, reason, Some(set));
        let named = |error: &VoidError| format!("{wrong}: {}", chain(error));
        match self.voider.void(&void, by.as_str()).await {
            Ok(_) => Ok(()),
            Err(error @ (VoidError::Closed(_) | VoidError::NoReport { .. })) => {
                let done = self.voider.is_withdrawn(&void).await.map_err(|error| named(&error))?;
                if done { Ok(()) } else { Err(named(&error)) }
            }
            Err(error) => Err(named(&error)),
        }
    }

    async fn counted(&self, report: &UsageReport) -> Result<(), String> {
        let named = |why: String| format!("report {}/{}: {why}", report.source, report.id);
        let counting = self.counter.count(report).await.map_err(|error| named(chain(&error)))?;
        if let Some(refused) = counting.refused.first() {
            return Err(named(format!("record {}: {}", refused.index, refused.reason)));
        }
        let conflicts = counting.has_conflict();
        if conflicts { Err(named("its id was used for other content".to_owned())) } else { Ok(()) }
    }

    /// What a report counted, by provider and day.
    fn counted_by(&self, report: &UsageReport) -> Vec<WrongReport> {
        let accepted = report.accept(&self.settler.books.rules.calendar, self.clock.now());
        let of = ReportRef { source: report.source.clone(), report: report.id.clone() };
        let days = accepted.shares.into_iter().flat_map(|(provider, share)| {
            share.records.into_keys().map(move |day| (provider.clone(), day))
        });
        days.map(|(provider, day)| WrongReport { provider, report: of.clone(), day: Some(day) })
            .collect()
    }

    /// Counts again what the set withdrew, once.
    async fn restored(&self, set: &CorrectionSet, wrong: &WrongReport) -> Result<(), String> {
        let named = |why: String| format!("{wrong}: {why}");
        let day = wrong.day.ok_or_else(|| named("it has no day".to_owned()))?;
        let void = void(wrong, &set.reason, Some(&set.name));
        let id = set.restored_id(&wrong.report, day);
        let restored = self.voider.restore(&void, day, &id).await;
        restored.map_err(|error| named(chain(&error)))
    }
}

/// The request to withdraw a report, for a set if one is named.
fn void(wrong: &WrongReport, reason: &Reason, set: Option<&CorrectionId>) -> Void {
    let WrongReport { provider, report: ReportRef { source, report }, day } = wrong.clone();
    Void { provider, source, report, day, reason: reason.clone(), set: set.cloned() }
}
