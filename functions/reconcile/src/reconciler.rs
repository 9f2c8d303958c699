//! Days of bills, held against the books: each is begun, worked on in parts, and ended.

mod part;

use std::collections::{BTreeSet, VecDeque};
use std::fs::File;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use steelyard_alipay::{Alipay, BillAnswer, BillError};
use steelyard_billing::reconciliation::{BillRun, BillRunId, BillTally};
use steelyard_billing::{BillFile, BillKind, Doubt, Finding, OpenFinding, Reconciliation};
use steelyard_books::{BookError, Books, DayEnd, DayError, UnreconciledDays};
use steelyard_runtime::{Clock, Error, Invocation, Queue, QueueError, chain, report_unreadable};
use steelyard_store::{Found, StoreError};
use thiserror::Error as ThisError;

use crate::rows;
use crate::{Archive, ArchiveError};

/// Holds the books against bills.
#[derive(Debug)]
pub struct Reconciler {
    books: Books,
    alipay: Alipay,
    archive: Archive,
    queue: Queue,
    clock: Clock,
}

/// What one message asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum ReconcileMessage {
    /// Days, in order: each begins when the day before it has ended.
    Days {
        /// The days of the bills, in Beijing's time.
        days: VecDeque<Date>,
    },
    /// A part of the bill of a day.
    Part {
        /// The day of the bill, in Beijing's time.
        day: Date,
        /// The run. A message of an earlier run does nothing.
        run: BillRunId,
        /// The number of the part.
        part: u8,
    },
}

/// Why a day could not be reconciled. What was booked stays booked; doing it again is safe.
#[derive(Debug, ThisError)]
pub enum ReconcileError {
    /// The bill of the day is not complete yet.
    #[error("the bill of {0} is not complete yet")]
    TooEarly(Date),
    /// The day is too old to be tried by each run.
    #[error("{0} has not been reconciled for more than 31 days: reconcile it by hand, or skip it")]
    Missed(Date),
    /// The bill could not be fetched.
    #[error("cannot get the bill of {day}: {}", doubt.0)]
    NoBill {
        /// The day of the bill, in Beijing's time.
        day: Date,
        /// The doubt in which the request ended.
        doubt: Doubt,
    },
    /// The bill cannot be read.
    #[error("cannot read the bill of {day}")]
    Unreadable {
        /// The day of the bill, in Beijing's time.
        day: Date,
        /// The place of the fault, and its cause.
        #[source]
        source: BillError,
    },
    /// The raw file could not be kept or read.
    #[error("cannot keep the bill")]
    Archive(#[from] ArchiveError),
    /// The parts of the bill could not be sent.
    #[error("cannot send the parts of the bill")]
    Send(#[from] QueueError),
    /// There is no bill, though the books expect one; or the books could not be read or changed.
    #[error(transparent)]
    Day(#[from] DayError),
}

impl From<BookError> for ReconcileError {
    fn from(error: BookError) -> ReconcileError {
        ReconcileError::Day(error.into())
    }
}

impl From<StoreError> for ReconcileError {
    fn from(error: StoreError) -> ReconcileError {
        BookError::from(error).into()
    }
}

/// How far days are once they have begun.
#[derive(Debug, Default)]
pub struct DaysBegun {
    /// The days that are reconciled, since no bill has rows of them.
    pub done: Vec<Reconciliation>,
    /// The day whose bill is worked on in parts. The days after it follow.
    pub begun: Option<Date>,
    /// The days that failed, and why.
    pub failed: Vec<(Date, ReconcileError)>,
}

/// The state of a day after its first step.
enum Begun {
    /// It is done: its bill has no rows, or there is none.
    Done(Box<Reconciliation>),
    /// Its parts are in the queue.
    Parts,
}

/// What must be left of the time to begin a day, or to work on more rows. A step that is slow all
/// the same is cut off, and its message comes again.
const TIME_FOR_A_DAY: Duration = Duration::from_secs(600);
const TIME_FOR_A_CHUNK: Duration = Duration::from_secs(120);

impl Reconciler {
    /// A reconciler over the books, a gateway, an archive and its own queue.
    #[must_use]
    pub fn new(
        books: Books,
        alipay: Alipay,
        archive: Archive,
        queue: Queue,
        clock: Clock,
    ) -> Reconciler {
        Reconciler { books, alipay, archive, queue, clock }
    }

    /// Reconciles every unreconciled day whose bill is complete, 31 days back at most.
    ///
    /// # Errors
    ///
    /// When it is not known which days there are, or how a day ended cannot be stored.
    pub async fn all(&self, invocation: Invocation) -> Result<DaysBegun, Error> {
        let now = self.clock.now();
        let UnreconciledDays { due, missed } = self.books.unreconciled_days(now).await?;
        let mut days = self.days(due.into(), invocation).await?;
        for day in missed {
            let error = ReconcileError::Missed(day);
            report_failure(day, &error.to_string());
            self.books.fail_day(day, error.to_string(), self.clock.now()).await?;
            days.failed.push((day, error));
        }
        self.report_open().await?;
        let late = self.late(invocation, now).await?;
        if !late.is_empty() {
            self.send(&[ReconcileMessage::Days { days: late }]).await?;
        }
        Ok(days)
    }

    /// The days that were reconciled without a bill before this run, and have one now.
    async fn late(
        &self,
        invocation: Invocation,
        now: Timestamp,
    ) -> Result<VecDeque<Date>, BookError> {
        let Found { readable: days, unreadable } = self.books.days_without_bill(now).await?;
        report_unreadable(&unreadable);
        let mut late = VecDeque::new();
        for day in days {
            if invocation.time_left() < TIME_FOR_A_CHUNK {
                break;
            }
            match self.has_bill(day, now).await {
                Ok(true) => {
                    tracing::warn!(%day, "a bill came after its day was reconciled without one");
                    late.push_back(day);
                }
                Ok(false) => {}
                // The day is reconciled, and the next run asks again.
                Err(doubt) => tracing::warn!(%day, doubt = doubt.0, "is there a late bill?"),
            }
        }
        Ok(late)
    }

    /// True when an earlier day that was reconciled without a bill has one now, or may have one
    /// because Alipay does not answer or the time is nearly up.
    async fn may_come_late(
        &self,
        before: Date,
        invocation: Invocation,
        now: Timestamp,
    ) -> Result<bool, BookError> {
        let days = self.books.days_without_bill(now).await?.readable;
        for day in days.into_iter().filter(|day| *day < before) {
            let has_time = invocation.time_left() >= TIME_FOR_A_CHUNK;
            if !has_time || self.has_bill(day, now).await.unwrap_or(true) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether Alipay has a bill of trades, or of the ledger, for a day.
    async fn has_bill(&self, day: Date, now: Timestamp) -> Result<bool, Doubt> {
        Ok(self.alipay.has_bill(BillKind::Trade, day, now).await?
            || self.alipay.has_bill(BillKind::Ledger, day, now).await?)
    }

    /// Reconciles a day, as a person asks for.
    ///
    /// # Errors
    ///
    /// [`ReconcileError`] naming the cause when the day cannot begin.
    pub async fn day(&self, day: Date) -> Result<DaysBegun, Error> {
        let mut days = DaysBegun::default();
        match self.begin(day, &VecDeque::new()).await {
            Ok(Begun::Done(result)) => days.done.push(*result),
            Ok(Begun::Parts) => days.begun = Some(day),
            Err(error) => return Err(error.into()),
        }
        Ok(days)
    }

    /// Handles a message.
    ///
    /// # Errors
    ///
    /// When the message has to come again.
    pub async fn message(
        &self,
        message: ReconcileMessage,
        invocation: Invocation,
    ) -> Result<(), Error> {
        match message {
            ReconcileMessage::Days { days } => self.go_on(days, invocation).await,
            ReconcileMessage::Part { day, run, part } => {
                self.part(day, run, part, invocation).await
            }
        }
    }

    /// Begins days in order until the parts of one are in the queue. Each day that fails is stored
    /// with its reason, and the days after it proceed.
    async fn days(
        &self,
        mut days: VecDeque<Date>,
        invocation: Invocation,
    ) -> Result<DaysBegun, Error> {
        let mut begun = DaysBegun::default();
        let mut is_first = true;
        while let Some(day) = days.pop_front() {
            if !is_first && invocation.time_left() < TIME_FOR_A_DAY {
                days.push_front(day);
                self.send(&[ReconcileMessage::Days { days }]).await?;
                begun.begun = Some(day);
                return Ok(begun);
            }
            is_first = false;
            match self.begin(day, &days).await {
                Ok(Begun::Done(result)) => begun.done.push(*result),
                Ok(Begun::Parts) => {
                    begun.begun = Some(day);
                    return Ok(begun);
                }
                Err(ReconcileError::TooEarly(day)) => {
                    tracing::info!(%day, "the bill is not complete yet");
                }
                Err(error) => {
                    report_failure(day, &chain(&error));
                    self.books.fail_day(day, chain(&error), self.clock.now()).await?;
                    begun.failed.push((day, error));
                }
            }
        }
        Ok(begun)
    }

    /// Begins the days that follow one that has ended; what is open is published after the last.
    async fn go_on(&self, days: VecDeque<Date>, invocation: Invocation) -> Result<(), Error> {
        if self.days(days, invocation).await?.begun.is_none() {
            self.report_open().await?;
        }
        Ok(())
    }

    /// Begins a day: its bill is fetched, kept, and read to its end; then its parts are sent.
    async fn begin(&self, day: Date, then: &VecDeque<Date>) -> Result<Begun, ReconcileError> {
        let Some((bill, kind, zip)) = self.bill(day).await? else {
            self.books.check_without_bill(day).await?;
            return self.without_rows(day, None).await;
        };
        let parts = rows::parts(kind, zip).await;
        let parts = parts.map_err(|source| ReconcileError::Unreadable { day, source })?;
        if parts.is_empty() {
            return self.without_rows(day, Some(bill)).await;
        }
        let mut then: BTreeSet<Date> = then.iter().copied().collect();
        // The days that wait for the run whose place this one takes must not wait for ever.
        let replaced = self.books.billing.bill_run(day).await?;
        then.extend(replaced.into_iter().flat_map(|replaced| replaced.run.then));
        let run = BillRun::new(day, bill, parts, then.into_iter().collect(), self.clock.now());
        self.books.begin_bill_run(&run).await?;
        let part = |part| ReconcileMessage::Part { day, run: run.id.clone(), part };
        self.send(&run.parts.iter().copied().map(part).collect::<Vec<_>>()).await?;
        tracing::info!(%day, parts = run.parts.len(), "the bill is in the queue");
        Ok(Begun::Parts)
    }

    async fn without_rows(
        &self,
        day: Date,
        bill: Option<BillFile>,
    ) -> Result<Begun, ReconcileError> {
        let now = self.clock.now();
        match self.books.finish_day(day, bill, BillTally::default(), now).await? {
            DayEnd::Reconciled { result, new, unreadable } => {
                report_unreadable(&unreadable);
                report_day(&result);
                report_findings(day, &new);
                Ok(Begun::Done(result))
            }
            DayEnd::Failed(failure) => {
                Err(ReconcileError::NoBill { day, doubt: Doubt(failure.why) })
            }
        }
    }

    /// The raw file of the bill of a day, once it is kept: that of trades, or the ledger where the
    /// account gets no other. None if the gateway says of each kind that there is none.
    async fn bill(&self, day: Date) -> Result<Option<(BillFile, BillKind, File)>, ReconcileError> {
        let mut is_supported = false;
        for kind in [BillKind::Trade, BillKind::Ledger] {
            let mut zip = tempfile::NamedTempFile::new().map_err(ArchiveError::Temporary)?;
            match self.alipay.bill(kind, day, self.clock.now(), &mut zip).await {
                BillAnswer::Fetched => {
                    let file = self.archive.keep(kind, day, zip.path()).await?;
                    let zip = zip.reopen().map_err(ArchiveError::Temporary)?;
                    return Ok(Some((file, kind, zip)));
                }
                BillAnswer::NoTrades => is_supported = true,
                BillAnswer::TooEarly => return Err(ReconcileError::TooEarly(day)),
                BillAnswer::NotSupported(_) => {}
                BillAnswer::InDoubt(doubt) => return Err(ReconcileError::NoBill { day, doubt }),
            }
        }
        if is_supported {
            return Ok(None);
        }
        let doubt = Doubt("the account gets no bill of any kind".to_owned());
        Err(ReconcileError::NoBill { day, doubt })
    }

    /// Ends the day of a run if all of its parts have ended, and begins the days after it.
    async fn end(&self, day: Date, id: &BillRunId, invocation: Invocation) -> Result<(), Error> {
        let Some((stored, end)) = self.books.end_day(day, id, self.clock.now()).await? else {
            return Ok(());
        };
        match &end {
            DayEnd::Reconciled { result, new, unreadable } => {
                report_unreadable(unreadable);
                report_day(result);
                report_findings(day, new);
            }
            DayEnd::Failed(failure) => report_failure(day, &failure.why),
        }
        let days: VecDeque<Date> = stored.run.then.iter().copied().collect();
        if days.is_empty() {
            self.report_open().await?;
        } else if invocation.time_left() < TIME_FOR_A_DAY {
            self.send(&[ReconcileMessage::Days { days }]).await?;
        } else {
            self.go_on(days, invocation).await?;
        }
        Ok(self.books.end_bill_run(&stored.run).await?)
    }

    async fn send(&self, messages: &[ReconcileMessage]) -> Result<(), QueueError> {
        let bodies = messages.iter().map(|message| {
            serde_json::to_string(message).expect("a message has only texts and numbers")
        });
        self.queue.send(&bodies.collect::<Vec<_>>()).await
    }

    /// Publishes what stays open, every day for as long as it does.
    async fn report_open(&self) -> Result<(), Error> {
        let findings = self.books.billing.findings().await?;
        report_unreadable(&findings.unreadable);
        let is_open = |finding: &&OpenFinding| finding.closed.is_none();
        let open_findings = findings.readable.iter().filter(is_open).count();
        if open_findings > 0 {
            // The template makes a metric of it.
            tracing::error!(open_findings, "differences between bills and the books are open");
        }
        Ok(())
    }
}

fn report_day(result: &Reconciliation) {
    let Reconciliation { day, rows, matched, waiting, .. } = result;
    tracing::info!(%day, rows, matched, waiting, "reconciled");
}

fn report_failure(day: Date, why: &str) {
    tracing::error!(
        %day,
        error = why,
        // The template makes a metric of it.
        unreconciled_days = 1,
        "a day could not be reconciled; the days after it proceed"
    );
}

/// Reports what did not simply agree; the template makes a metric of the differences.
fn report_findings(day: Date, findings: &[Finding]) {
    for finding in findings {
        tracing::warn!(
            %day,
            kind = ?finding.kind,
            out_trade_no = finding.out_trade_no,
            theirs_fen = finding.theirs_fen.map(|fen| fen.get()),
            ours_fen = finding.ours_fen.map(|fen| fen.get()),
            "the bill and the books did not simply agree"
        );
    }
    let differences = findings.iter().filter(|finding| finding.kind.is_difference()).count();
    if differences > 0 {
        tracing::error!(%day, reconciliation_differences = differences, "the bill and the books differ");
    }
}
