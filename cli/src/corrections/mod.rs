//! Sets of corrections: a file of reports that were wrong, previewed, applied under one name, and
//! undone.
//!
//! The content of a set is stored before its first report is withdrawn. So the same command goes on
//! with a set that was stopped half-way, and undoing needs no file. A withdrawn report names the
//! set. Undoing withdraws the reports that the set counted, and counts those that it withdrew,
//! under ids that follow from the set.

mod file;
mod preview;
mod run;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use futures::stream::{self, StreamExt};
use steelyard_billing::{
    CorrectionError, CorrectionId, CorrectionPhase, CorrectionSet, Person, Reason, ReportRef, Undo,
    Withdrawal, chain,
};
use steelyard_books::Settler;
use steelyard_metering::{Counter, Void, VoidError, Voider};
use steelyard_report::UsageReport;
use steelyard_runtime::{Clock, Error};
use steelyard_store::CountedReport;

pub use self::file::{CorrectionFile, FILE_BYTES_MAX, RightReport, WrongReport};
pub use self::preview::{DayChange, ProviderChange};
pub use self::run::{Outcome, SetRequest};

/// How many reports are withdrawn or counted at the same time.
const AT_ONCE: usize = 16;

/// Applies sets of corrections, and undoes them.
pub struct Corrector {
    settler: Settler,
    counter: Counter,
    voider: Voider,
    clock: Clock,
}

/// A file of corrections as it is stored, with the reports to withdraw, each by its day.
pub struct Found {
    /// The file with a line for each day.
    file: CorrectionFile,
    /// The same as it is written.
    content: Vec<u8>,
    /// The reports to withdraw, as they are stored.
    reports: BTreeMap<WrongReport, CountedReport>,
}

/// The outcome of a set, part by part.
#[derive(Debug)]
pub struct Ended {
    /// The set as it is stored now.
    pub set: CorrectionSet,
    /// The corrections that failed, each with its reason. The same command tries them again.
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

    /// Finds the reports that a file withdraws, each by its day, and checks those that it counts.
    ///
    /// # Errors
    ///
    /// When a report is not there, in a month that is closed or withdrawn by something else, or
    /// what is to be counted cannot be.
    pub async fn find(&self, request: &SetRequest) -> Result<Found, Error> {
        let SetRequest { name, reason, file, .. } = request;
        let wanted = file.void.iter().map(|wrong| async move {
            let void = void(wrong, reason, Some(name));
            let found = self.voider.find(&void).await;
            let found = found.map_err(|error| format!("{wrong}: {}", chain(&error)))?;
            Ok::<_, Error>(
                found
                    .into_iter()
                    .map(|report| (WrongReport { day: Some(report.day), ..wrong.clone() }, report)),
            )
        });
        // Collected first: a future that borrows from an iterator would not be general enough.
        let wanted = wanted.collect::<Vec<_>>();
        let found = stream::iter(wanted).buffered(AT_ONCE).collect::<Vec<_>>().await;
        // A report that is named with a day and without one is withdrawn once.
        let mut reports = BTreeMap::new();
        for of in found {
            reports.extend(of?);
        }
        for (wrong, report) in &reports {
            if let Some(before) = &report.withdrawn {
                check_withdrawn_by(name, wrong, before)?;
            }
        }
        let void = reports.keys().cloned().collect();
        let file = CorrectionFile { void, count: file.count.clone() };
        let content = file.written()?;
        // It is longer than what was given, and has to be readable when the set goes on.
        CorrectionFile::read(&content)
            .map_err(|why| format!("with a line for each day of a report: {why}"))?;
        for right in &file.count {
            self.check_countable(&right.report).await?;
        }
        Ok(Found { file, content, reports })
    }

    /// Checks that all of a report could be counted now, under an id that was not used: undoing the
    /// set withdraws what it counted, and nothing else.
    async fn check_countable(&self, report: &UsageReport) -> Result<(), Error> {
        let named = format!("report {}/{}", report.source, report.id);
        let accepted = report.accept(&self.settler.books.rules.calendar, self.clock.now());
        if let Some(refused) = accepted.refused.first() {
            return Err(format!("{named}: record {}: {}", refused.index, refused.why).into());
        }
        for (provider, share) in &accepted.shares {
            let days = share.records.keys().copied().collect::<Vec<_>>();
            let checking = self.voider.check_correctable(provider, &days).await;
            checking.map_err(|error| format!("{named}: {}", chain(&error)))?;
            let id = (&report.source, &report.id);
            if !self.settler.usage.reports_named(provider, id, &days).await?.is_empty() {
                return Err(format!(
                    "{named} was counted or withdrawn before: leave it out, or give it another id"
                )
                .into());
            }
        }
        Ok(())
    }

    /// Applies a set, or goes on with it: `found` is what it holds, unless that is stored already.
    async fn apply(&self, set: &CorrectionSet, found: &Found) -> Result<Ended, Error> {
        let books = &self.settler.books;
        let mut stored = books.begin_correction(set).await?;
        if stored.phase == CorrectionPhase::Storing {
            let parts = books.billing.store_correction(&set.name, &found.content).await?;
            stored = books.correction_stored(&set.name, parts).await?;
        }
        self.resume(stored).await
    }

    /// Goes on with a set whose content is stored, as long as nobody undoes it.
    async fn resume(&self, set: CorrectionSet) -> Result<Ended, Error> {
        let CorrectionPhase::Applying { parts } = set.phase else {
            return Ok(Ended { set, failed: Vec::new() });
        };
        let file = self.content(&set.name, parts).await?;
        let CorrectionSet { name, reason, by, .. } = &set;
        let withdrawn = |wrong| self.withdrawn_for(wrong, (name, reason, by));
        let mut failed = Vec::new();
        for wrong in file.void.chunks(AT_ONCE) {
            self.check_not_undone(name).await?;
            failed.extend(self.each(wrong.iter().map(withdrawn)).await);
        }
        for right in file.count.chunks(AT_ONCE) {
            self.check_not_undone(name).await?;
            failed.extend(self.each(right.iter().map(|right| self.counted(right))).await);
        }
        if failed.is_empty() {
            let set = self.settler.books.correction_applied(&set.name).await?;
            return Ok(Ended { set, failed });
        }
        Ok(Ended { set, failed })
    }

    /// Checks that nobody undoes a set that is being applied.
    async fn check_not_undone(&self, name: &CorrectionId) -> Result<(), Error> {
        let stored = self.settler.books.billing.correction(name).await?;
        let stored = stored.ok_or_else(|| CorrectionError::Unknown(name.clone()))?;
        Ok(stored.check_not_undone()?)
    }

    /// Undoes a set, or goes on with that. Undoing one that is undone changes nothing, unless it
    /// was still being applied then.
    ///
    /// # Errors
    ///
    /// When there is none of that name, or a table fails. What was undone before stays, and undoing
    /// it again goes on.
    pub async fn undo(&self, name: &CorrectionId, undo: &Undo) -> Result<Ended, Error> {
        let set = self.settler.books.undo_correction(name, undo).await?;
        let (CorrectionPhase::Undoing { parts, undo } | CorrectionPhase::Undone { parts, undo }) =
            &set.phase
        else {
            return Ok(Ended { set, failed: Vec::new() });
        };
        let file = self.content(name, *parts).await?;
        let calendar = &self.settler.books.rules.calendar;
        let mut counted = BTreeSet::new();
        for right in &file.count {
            counted.extend(right.days(calendar)?);
        }
        let withdrawn = |right| self.uncounted(right, name, undo);
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
        // A set that was undone before it was stored may have left some parts.
        if parts == 0 {
            return Ok(CorrectionFile::default());
        }
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
        let withdrawn = self.voider.void(&void, by.as_str()).await;
        withdrawn.map(drop).map_err(|error| format!("{wrong}: {}", chain(&error)))
    }

    /// Withdraws for a set that is undone what it counted of a day, if it had counted it.
    async fn uncounted(
        &self,
        right: &WrongReport,
        set: &CorrectionId,
        undo: &Undo,
    ) -> Result<(), String> {
        let void = void(right, &undo.undone_because, Some(set));
        let named = |error: &VoidError| format!("{right}: {}", chain(error));
        match self.voider.void(&void, undo.undone_by.as_str()).await {
            Ok(_) | Err(VoidError::NoReport { .. } | VoidError::UnknownProvider(_)) => Ok(()),
            Err(error @ VoidError::Closed(_)) => {
                let stays = self.voider.may_count(&void).await.map_err(|error| named(&error))?;
                if stays { Err(named(&error)) } else { Ok(()) }
            }
            Err(error) => Err(named(&error)),
        }
    }

    async fn counted(&self, right: &RightReport) -> Result<(), String> {
        let report = &right.report;
        let named = |why: String| format!("report {}/{}: {why}", report.source, report.id);
        let counting = self.counter.count(report).await.map_err(|error| named(chain(&error)))?;
        if counting.has_conflict() {
            return Err(named("its id was used for other content".to_owned()));
        }
        match counting.refused.first() {
            Some(refused) => Err(named(format!("record {}: {}", refused.index, refused.reason))),
            None => Ok(()),
        }
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

/// Refuses a report that something else than the set withdrew: the set would change nothing of it.
fn check_withdrawn_by(
    set: &CorrectionId,
    wrong: &WrongReport,
    before: &Withdrawal,
) -> Result<(), Error> {
    let Withdrawal { by, reason, set: of, .. } = before;
    match of {
        Some(of) if of == set => Ok(()),
        Some(of) => {
            Err(format!("{wrong} was withdrawn before by correction {of}, {by}: {reason}").into())
        }
        None => Err(format!("{wrong} was withdrawn before by {by}: {reason}").into()),
    }
}

/// The request to withdraw a report, for a set if one is named.
fn void(wrong: &WrongReport, reason: &Reason, set: Option<&CorrectionId>) -> Void {
    let WrongReport { provider, report: ReportRef { source, report }, day } = wrong.clone();
    Void { provider, source, report, day, reason: reason.clone(), set: set.cloned() }
}
