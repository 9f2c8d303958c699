//! The reconcile function: every morning, Alipay's bill of the day before is held against the books.
//!
//! What the bill has and the books held in doubt, or for dead, is booked: the last net for lost
//! answers and lost notifications. What the books have and neither the bill of its day nor the next
//! has, or what differs, is reported once, and stays open until a person closes it. A day that cannot
//! be reconciled fails alone: the days after it proceed, and the next run tries it again.

mod archive;

use jiff::civil::Date;
use serde_json::{Value, json};
use std::sync::Arc;
use steelyard_alipay::{Alipay, BillAnswer, BillError, read_bill};
use steelyard_billing::reconciliation::{BillAction, Expected};
use steelyard_billing::{
    Bill, BillFile, BillKind, BillRow, Doubt, Finding, OpenFinding, Reconciliation,
};
use steelyard_books::{BillEffect, BookError, Books, DayError, OpenDay, PlannedRows, RowsDone};
use steelyard_runtime::{
    Bucket, Clock, Environment, Error, Function, Invocation, alipay, aws, chain, report_unreadable,
};
use steelyard_store::{BillingTable, StoreError};
use thiserror::Error as ThisError;

pub use archive::{Archive, ArchiveError};

/// The function.
#[derive(Clone, Debug)]
pub struct Reconcile {
    reconciler: Arc<Reconciler>,
}

/// Holds the books against bills.
#[derive(Debug)]
pub struct Reconciler {
    books: Books,
    alipay: Alipay,
    archive: Archive,
    clock: Clock,
}

/// Why a day could not be reconciled. What was booked stays booked; doing it again is safe.
#[derive(Debug, ThisError)]
pub enum ReconcileError {
    /// The bill of the day is not complete yet.
    #[error("the bill of {0} is not complete yet")]
    TooEarly(Date),
    /// The bill could not be fetched.
    #[error("cannot get the bill of {day}: {}", doubt.0)]
    NoBill {
        /// The day.
        day: Date,
        /// Why.
        doubt: Doubt,
    },
    /// The bill cannot be read.
    #[error("cannot read the bill of {day}")]
    Unreadable {
        /// The day.
        day: Date,
        /// Where and why.
        #[source]
        source: BillError,
    },
    /// The raw file could not be kept.
    #[error("cannot keep the bill")]
    Archive(#[from] ArchiveError),
    /// Rows of the bill could not be booked; those after them were.
    #[error("cannot book {failed} rows of the bill of {day}; the first is of trade `{trade}`")]
    Rows {
        /// The day.
        day: Date,
        /// How many rows.
        failed: usize,
        /// The trade of the first.
        trade: String,
        /// Why the first could not be booked.
        #[source]
        source: DayError,
    },
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

/// What came of the days of a run.
#[derive(Debug, Default)]
pub struct DaysDone {
    /// The days that were reconciled.
    pub done: Vec<Reconciliation>,
    /// The days that could not be, and why.
    pub failed: Vec<(Date, ReconcileError)>,
}

impl Reconciler {
    /// A reconciler over the books, a gateway and an archive.
    #[must_use]
    pub fn new(books: Books, alipay: Alipay, archive: Archive, clock: Clock) -> Reconciler {
        Reconciler { books, alipay, archive, clock }
    }

    /// Reconciles every unreconciled day whose bill is complete, 31 days back at most. A day that
    /// fails does not stop the others.
    ///
    /// # Errors
    ///
    /// [`ReconcileError`] when it is not known which days there are.
    pub async fn all(&self) -> Result<DaysDone, ReconcileError> {
        let mut days = DaysDone::default();
        for day in self.books.unreconciled_days(self.clock.now()).await? {
            match self.day(day).await {
                Ok(done) => days.done.push(done),
                Err(ReconcileError::TooEarly(day)) => {
                    tracing::info!(%day, "the bill is not complete yet");
                }
                Err(error) => days.failed.push((day, error)),
            }
        }
        self.report_open(&days).await?;
        Ok(days)
    }

    /// Reconciles a day of Alipay's bills.
    ///
    /// # Errors
    ///
    /// [`ReconcileError`] naming the cause.
    pub async fn day(&self, day: Date) -> Result<Reconciliation, ReconcileError> {
        let OpenDay { expected, unreadable } = self.books.open_day().await?;
        report_unreadable(&unreadable);
        let (file, kind, bill) = match self.bill(day).await? {
            Some((file, kind, bill)) => (Some(file), kind, bill),
            None => {
                self.books.check_without_bill(day).await?;
                (None, BillKind::Trade, Bill::default())
            }
        };
        let done = self.rows(day, kind, &bill.rows, &expected).await?;
        let now = self.clock.now();
        let result = self.books.finish_day(day, file, done, &bill.unreadable, now).await?;
        let Reconciliation { rows, matched, waiting, .. } = result;
        tracing::info!(%day, rows, matched, waiting, "reconciled");
        report_findings(day, &result.findings);
        Ok(result)
    }

    /// Plans and carries out the rows of a bill. A row that fails does not stop the others.
    async fn rows(
        &self,
        day: Date,
        kind: BillKind,
        rows: &[BillRow],
        expected: &Expected,
    ) -> Result<RowsDone, ReconcileError> {
        let PlannedRows { planned, failed } = self.books.plan_rows(kind, rows, expected).await?;
        let mut done = RowsDone::default();
        let mut failed: Vec<(String, DayError)> =
            failed.into_iter().map(|(trade, error)| (trade.to_string(), error.into())).collect();
        for (row, action) in planned {
            match self.row(&row, action).await {
                Ok(effect) => done.add(&row, effect),
                Err(error) if error.is_of_one_record() => {
                    failed.push((row.out_trade_no.unwrap_or(row.trade_no), error));
                }
                Err(error) => return Err(error.into()),
            }
        }
        for (trade, error) in &failed {
            tracing::error!(%day, trade, error = chain(error), "a row of the bill cannot be booked");
        }
        let count = failed.len();
        match failed.into_iter().next() {
            None => Ok(done),
            Some((trade, source)) => {
                Err(ReconcileError::Rows { day, failed: count, trade, source })
            }
        }
    }

    /// Carries out what is to be done about a row.
    async fn row(&self, row: &BillRow, action: BillAction) -> Result<BillEffect, DayError> {
        let effect = self.books.apply_row(row, action, self.clock.now()).await?;
        let BillEffect::Query(trade) = effect else { return Ok(effect) };
        let answer = self.alipay.query(&trade, self.clock.now()).await;
        self.books.apply_queried(row, trade, answer, self.clock.now()).await
    }

    /// The bill of a day, its raw file kept first: that of trades, or the ledger where the account
    /// gets no other. None if the gateway says of each kind that there is none.
    async fn bill(&self, day: Date) -> Result<Option<(BillFile, BillKind, Bill)>, ReconcileError> {
        let mut is_supported = false;
        for kind in [BillKind::Trade, BillKind::Ledger] {
            let zip = match self.alipay.bill(kind, day, self.clock.now()).await {
                BillAnswer::Zip(zip) => zip,
                BillAnswer::NoTrades => {
                    is_supported = true;
                    continue;
                }
                BillAnswer::TooEarly => return Err(ReconcileError::TooEarly(day)),
                BillAnswer::NotSupported(_) => continue,
                BillAnswer::InDoubt(doubt) => return Err(ReconcileError::NoBill { day, doubt }),
            };
            let file = self.archive.keep(kind, day, &zip).await?;
            let bill = read_bill(kind, &zip)
                .map_err(|source| ReconcileError::Unreadable { day, source })?;
            return Ok(Some((file, kind, bill)));
        }
        if is_supported {
            return Ok(None);
        }
        let doubt = Doubt("the account gets no bill of any kind".to_owned());
        Err(ReconcileError::NoBill { day, doubt })
    }

    /// Publishes what stays open, every day for as long as it does.
    async fn report_open(&self, days: &DaysDone) -> Result<(), ReconcileError> {
        for (day, error) in &days.failed {
            tracing::error!(
                %day,
                error = chain(error),
                // The template makes a metric of it.
                unreconciled_days = 1,
                "a day could not be reconciled; the days after it proceed"
            );
        }
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

impl Reconcile {
    /// The function over a reconciler.
    #[must_use]
    pub fn new(reconciler: Reconciler) -> Reconcile {
        Reconcile { reconciler: Arc::new(reconciler) }
    }

    /// The function as its environment variables and its secret describe it.
    ///
    /// # Errors
    ///
    /// When a variable is missing or makes no sense, or the secret can't be read; named.
    pub async fn from_environment(environment: &Environment) -> Result<Reconcile, Error> {
        let rules = environment.debit_rules()?;
        let table = environment.required("BILLING_TABLE")?;
        let bills = environment.required("BILL_BUCKET")?;
        let config = aws::in_lambda(environment)?;
        let alipay = alipay::client(environment, &config).await?;
        let books = Books::new(BillingTable::new(aws::dynamodb(&config), table), rules);
        let archive = Archive::Bucket(Box::new(Bucket::in_lambda(environment, &config, bills)?));
        let clock = Clock::system();
        Ok(Reconcile::new(Reconciler::new(books, alipay, archive, clock)))
    }
}

impl Function for Reconcile {
    /// Reconciles what is due, or the day that the event names: `{"day": "2026-03-01"}`.
    async fn handle(&self, event: Value, _: Invocation) -> Result<Value, Error> {
        let days = match event["day"].as_str() {
            Some(day) => DaysDone {
                done: vec![self.reconciler.day(day.parse()?).await?],
                failed: Vec::new(),
            },
            None => self.reconciler.all().await?,
        };
        let failed =
            days.failed.iter().map(|(day, error)| json!({ "day": day, "error": chain(error) }));
        Ok(json!({ "days": days.done, "failed": failed.collect::<Vec<_>>() }))
    }
}
