//! The reconcile function: every morning, Alipay's bill of the day before is held against the books.
//!
//! What the bill has and the books held in doubt, or for dead, is booked: the last net for lost
//! answers and lost notifications. What the books have and neither the bill of its day nor the next
//! has, or what differs, is told, and a person must look. A day may be reconciled again at any time.

mod archive;
mod matching;

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Value, json};
use std::sync::Arc;
use steelyard_alipay::{Alipay, BillAnswer, BillError, read_bill};
use steelyard_billing::{
    Bill, BillFile, BillKind, BillRow, DebitTerms, Doubt, Finding, FindingKind, Reconciliation,
    RowKind, Unmatched, bill_day,
};
use steelyard_pricing::MoneyError;
use steelyard_runtime::{
    Bucket, Clock, Environment, Error, Function, Invocation, alipay, aws, chain,
};
use steelyard_store::{BillingTable, BookingError, StoreError};
use thiserror::Error as ThisError;

use matching::Matched;

pub use archive::{Archive, ArchiveError};

/// The function.
#[derive(Clone, Debug)]
pub struct Reconcile {
    reconciler: Arc<Reconciler>,
}

/// Holds the books against bills.
#[derive(Debug)]
pub struct Reconciler {
    billing: BillingTable,
    alipay: Alipay,
    archive: Archive,
    terms: DebitTerms,
    clock: Clock,
}

/// Why a day could not be reconciled. What was booked stays booked; doing it again is safe.
#[derive(Debug, ThisError)]
pub enum ReconcileError {
    /// The bill of the day is not complete yet.
    #[error("the bill of {0} is not complete yet")]
    TooEarly(Date),
    /// The bill could not be had.
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
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What came to light cannot be booked.
    #[error("cannot book what the bill shows")]
    Booking(#[from] BookingError),
    /// An amount leaves its range.
    #[error("cannot compute what the bill shows")]
    Money(#[from] MoneyError),
}

/// How many days back a run goes at most; Alipay keeps bills longer, and a person can ask for them.
const DAYS_MAX: i32 = 31;

impl Reconciler {
    /// A reconciler over a table, a gateway and an archive.
    #[must_use]
    pub fn new(
        billing: BillingTable,
        alipay: Alipay,
        archive: Archive,
        terms: DebitTerms,
        clock: Clock,
    ) -> Reconciler {
        Reconciler { billing, alipay, archive, terms, clock }
    }

    /// Reconciles every day up to yesterday that was not; tells what each came to.
    ///
    /// # Errors
    ///
    /// [`ReconcileError`] for the first day that could not be; those before it are done.
    pub async fn all(&self) -> Result<Vec<Reconciliation>, ReconcileError> {
        let today = bill_day(self.clock.now());
        let oldest = today.saturating_sub(jiff::Span::new().days(DAYS_MAX));
        let known = self.billing.reconciled_since(oldest).await?;
        let mut day = match known.first() {
            Some(first) => *first,
            None => self.first_day(today).await?.max(oldest),
        };
        let mut done = Vec::new();
        while day < today {
            if !known.contains(&day) {
                done.push(self.day(day).await?);
            }
            day = day.tomorrow().unwrap_or(Date::MAX);
        }
        Ok(done)
    }

    /// Where to begin if nothing was reconciled lately: the day after the last that ever was, or else
    /// the day before the first on which something was booked, whose bill may have it; yesterday at
    /// the latest.
    async fn first_day(&self, today: Date) -> Result<Date, StoreError> {
        let yesterday = today.yesterday().unwrap_or(Date::MIN);
        if let Some(last) = self.billing.reconciled_before(Date::MAX).await? {
            return Ok(last.tomorrow().unwrap_or(Date::MAX));
        }
        let booked = self.billing.unmatched(today).await?.into_iter().next();
        let before = booked.and_then(|booked| booked.booked_on.yesterday().ok());
        Ok(before.map_or(yesterday, |before| before.min(yesterday)))
    }

    /// Reconciles a day of Alipay's bills. What the bill made us book when it was reconciled before
    /// stays among the findings.
    ///
    /// # Errors
    ///
    /// [`ReconcileError`] naming the cause.
    pub async fn day(&self, day: Date) -> Result<Reconciliation, ReconcileError> {
        let (bill, kind, rows) = self.bill(day).await?;
        let mut matching = self.matching(kind).await?;
        // What was given back was paid before: the order of the rows does not say so.
        let (refunds, others): (Vec<_>, Vec<_>) =
            rows.iter().partition(|row| row.kind == RowKind::Refund);
        for row in others.into_iter().chain(refunds) {
            matching.row(row).await?;
        }
        let Matched { rows, matched, mut findings, left } = matching.finish().await?;
        let waiting = left.iter().filter(|unmatched| unmatched.booked_on == day).count();
        // What an earlier day has told is not told again; it still waits to be matched.
        let told_before = self.billing.reconciled_before(day).await?;
        let overdue = left.iter().filter(|unmatched| {
            let booked_on = unmatched.booked_on;
            booked_on < day && told_before.is_none_or(|told| booked_on >= told)
        });
        findings.extend(overdue.map(ours_only));
        tell(day, &findings);
        if let Some(before) = self.billing.reconciliation(day).await? {
            let found = before.findings.into_iter().filter(|found| !found.kind.is_difference());
            findings.extend(found);
        }
        let reconciliation = self.result(day, bill, rows, matched, findings, waiting);
        self.billing.store_reconciliation(&reconciliation).await?;
        tracing::info!(%day, rows, matched, waiting, "reconciled");
        Ok(reconciliation)
    }

    fn result(
        &self,
        day: Date,
        bill: Option<BillFile>,
        rows: u32,
        matched: u32,
        mut findings: Vec<Finding>,
        waiting: usize,
    ) -> Reconciliation {
        // What a person must see comes first, should there be too many.
        findings.sort_by_key(|finding| !finding.kind.is_difference());
        let more = findings.len().saturating_sub(Reconciliation::FINDINGS_MAX);
        findings.truncate(Reconciliation::FINDINGS_MAX);
        Reconciliation {
            day,
            bill,
            rows,
            matched,
            findings,
            more_findings: count(more),
            waiting: count(waiting),
            reconciled_at_s: self.clock.now(),
        }
    }

    /// The rows of a day's bill, its raw file kept first: that of trades, or the ledger where the
    /// account gets no other.
    async fn bill(
        &self,
        day: Date,
    ) -> Result<(Option<BillFile>, BillKind, Vec<BillRow>), ReconcileError> {
        for kind in [BillKind::Trade, BillKind::Ledger] {
            let zip = match self.alipay.bill(kind, day, self.clock.now()).await {
                BillAnswer::Zip(zip) => zip,
                BillAnswer::NoTrades => return Ok((None, kind, Vec::new())),
                BillAnswer::TooEarly => return Err(ReconcileError::TooEarly(day)),
                BillAnswer::NotSupported(_) => continue,
                BillAnswer::InDoubt(doubt) => return Err(ReconcileError::NoBill { day, doubt }),
            };
            let file = self.archive.keep(kind, day, &zip).await?;
            let bill = read_bill(kind, &zip)
                .map_err(|source| ReconcileError::Unreadable { day, source })?;
            log_unreadable(day, &bill);
            return Ok((Some(file), kind, bill.rows));
        }
        let doubt = Doubt("the account gets no bill of any kind".to_owned());
        Err(ReconcileError::NoBill { day, doubt })
    }
}

/// Reports the rows of a bill that cannot be read. The others are reconciled.
fn log_unreadable(day: Date, bill: &Bill) {
    for row in &bill.unreadable {
        tracing::warn!(
            %day,
            line = row.line,
            reason = row.reason,
            out_trade_no = row.out_trade_no,
            trade_no = row.trade_no,
            "a row of the bill cannot be read"
        );
    }
    let unreadable_rows = bill.unreadable.len();
    if unreadable_rows > 0 {
        tracing::error!(%day, unreadable_rows, "the bill has rows that cannot be read");
    }
}

/// A count as it is stored.
fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn ours_only(unmatched: &Unmatched) -> Finding {
    Finding {
        kind: FindingKind::OursOnly,
        out_trade_no: unmatched.out_trade_no.to_string(),
        out_request_no: unmatched.out_request_no.as_ref().map(ToString::to_string),
        provider: Some(unmatched.provider.clone()),
        theirs_fen: None,
        ours_fen: Some(unmatched.amount_fen),
    }
}

/// Tells what did not simply agree; the template makes a metric of the differences.
fn tell(day: Date, findings: &[Finding]) {
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
    /// When a variable is missing or makes no sense, or the secret can't be read; told by name.
    pub async fn from_environment(environment: &Environment) -> Result<Reconcile, Error> {
        let terms = environment.debit_terms()?;
        let table = environment.required("BILLING_TABLE")?;
        let bills = environment.required("BILL_BUCKET")?;
        let config = aws::in_lambda(environment)?;
        let alipay = alipay::client(environment, &config).await?;
        let billing = BillingTable::new(aws::dynamodb(&config), table);
        let archive = Archive::Bucket(Box::new(Bucket::in_lambda(environment, &config, bills)?));
        let clock = Clock::system();
        Ok(Reconcile::new(Reconciler::new(billing, alipay, archive, terms, clock)))
    }
}

impl Function for Reconcile {
    /// Reconciles what is due, or the day that the event names: `{"day": "2026-03-01"}`.
    async fn handle(&self, event: Value, _: Invocation) -> Result<Value, Error> {
        let days = match event["day"].as_str() {
            Some(day) => vec![self.reconciler.day(day.parse()?).await?],
            None => self.reconciler.all().await.inspect_err(|error| {
                tracing::error!(error = chain(error), "a day could not be reconciled");
            })?,
        };
        Ok(json!({ "days": days }))
    }
}

impl Reconciler {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
