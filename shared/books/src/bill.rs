//! Rows of a bill: planned against the books, and carried out one by one.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use jiff::civil::Date;
use steelyard_billing::reconciliation::{
    BillAction, Expected, KnownTrades, Numbers, RowFailure, plan, row_finding,
};
use steelyard_billing::{
    BillKind, BillRow, Finding, FindingKind, GivenBack, OutTradeNo, Payment, ProviderId,
    QueryAnswer, RefundRef, RowKind, Trade, TradeNumber, Unmatched,
};
use steelyard_pricing::Fen;

use crate::trade::Applied;
use crate::{BookError, Books, DayError};

/// The effect of a row of a bill on the books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BillEffect {
    /// None: it is about no trade of ours.
    Ignored,
    /// The books have the same money under the same numbers.
    Agrees(Numbers),
    /// It was booked, since the books did not have it. A person need not look.
    Found(Numbers, Finding),
    /// It differs from the books. A person must look.
    Differs(Finding),
    /// The trade has to be queried first: [`Books::apply_queried`] goes on.
    Query(OutTradeNo),
    /// Money of the trade was given back whose payment is not booked. It differs, unless a bill
    /// that came late is still to be read.
    Unpaid(OutTradeNo, Finding),
}

/// The rows of a bill, as they are planned.
#[derive(Debug)]
pub struct PlannedRows {
    /// What is to be done about each row, payments before what was given back of them.
    pub planned: Vec<(BillRow, BillAction)>,
    /// The trades whose rows cannot be planned, and why.
    pub failed: BTreeMap<OutTradeNo, BookError>,
}

/// The result of some rows of a bill.
#[derive(Clone, Debug, Default)]
pub struct RowsDone {
    /// How many rows are about trades of ours.
    pub rows: u32,
    /// How many of them agree with the books, or were booked.
    pub matched: u32,
    /// The rows that agree or were booked and that were not expected: their numbers, and the
    /// amounts. What the books expect by them since is shown, too.
    pub confirmed: BTreeMap<Numbers, Fen>,
    /// What did not simply agree.
    pub findings: Vec<Finding>,
    /// The rows that could not be booked.
    pub failed_rows: u32,
    /// The first of them.
    pub failure: Option<RowFailure>,
}

impl RowsDone {
    /// Adds the effect of a row.
    pub fn add(&mut self, row: &BillRow, effect: BillEffect) {
        match effect {
            BillEffect::Ignored | BillEffect::Query(_) => return,
            BillEffect::Unpaid(_, finding) => self.findings.push(finding),
            BillEffect::Agrees(numbers) => {
                self.matched += 1;
                self.confirmed.insert(numbers, row.amount_fen);
            }
            BillEffect::Found(numbers, finding) => {
                self.matched += 1;
                self.confirmed.insert(numbers, row.amount_fen);
                self.findings.push(finding);
            }
            BillEffect::Differs(finding) => self.findings.push(finding),
        }
        self.rows += 1;
    }

    /// Adds rows that agree and that were expected.
    pub fn add_shown(&mut self, rows: usize) {
        let rows = count(rows);
        self.matched = self.matched.saturating_add(rows);
        self.rows = self.rows.saturating_add(rows);
    }

    /// Adds a row that could not be booked.
    pub fn fail(&mut self, trade: String, why: String) {
        self.failed_rows = self.failed_rows.saturating_add(1);
        self.failure.get_or_insert(RowFailure { trade, why });
    }
}

/// How many requests are sent to the table at once.
pub(crate) const AT_ONCE: usize = 16;

const SHOWN: &str = "note that a bill showed something";

impl Books {
    /// What is to be done about rows of a bill, given what is expected. A row whose trade cannot be
    /// read fails alone.
    ///
    /// # Errors
    ///
    /// [`BookError`] when the table fails.
    pub async fn plan_rows(
        &self,
        kind: BillKind,
        rows: &[BillRow],
        expected: &Expected,
    ) -> Result<PlannedRows, BookError> {
        let realms = self.realms().await?;
        let (mut known, mut failed) = (KnownTrades::default(), BTreeMap::new());
        let mut numbers = expected.unexpected(kind, rows);
        // Another deployment's numbers are in no record of ours.
        numbers.retain(|number| {
            let number = TradeNumber::parse(number.as_str());
            number.is_some_and(|number| realms.has(&number.realm))
        });
        let refunded = refunded_by_ledger(kind, rows);
        let mut reading = futures::stream::iter(numbers)
            .map(|number| {
                let is_refunded = refunded.contains(number.as_str());
                async move {
                    let known = self.known(&number, is_refunded).await;
                    (number, known)
                }
            })
            .buffer_unordered(AT_ONCE);
        while let Some((number, read)) = reading.next().await {
            match read {
                Ok(Some(trade)) => drop(known.0.insert(number, trade)),
                Ok(None) => {}
                Err(error) if error.is_of_one_record() => drop(failed.insert(number, error)),
                Err(error) => return Err(error),
            }
        }
        let is_planned = |row: &&BillRow| {
            let number = row.out_trade_no.as_deref();
            failed.keys().all(|failed| Some(failed.as_str()) != number)
        };
        let rows = rows.iter().filter(is_planned).cloned().collect::<Vec<_>>();
        let planned = plan(kind, &rows, expected, &known, |realm| realms.has(realm))?;
        Ok(PlannedRows { planned, failed })
    }

    /// A trade, with all that was given back of its provider's trades if that decides anything.
    async fn known(
        &self,
        number: &OutTradeNo,
        is_refunded: bool,
    ) -> Result<Option<(Trade, GivenBack)>, BookError> {
        let Some(trade) = self.trade(number.as_str()).await? else { return Ok(None) };
        let given_back = match is_refunded {
            true => self.given_back(trade.provider()).await?,
            false => GivenBack::default(),
        };
        Ok(Some((trade, given_back)))
    }

    /// Notes that a bill showed what the books expected, many at once. What was reported as missing
    /// is missing no more.
    ///
    /// # Errors
    ///
    /// [`BookError`] when the table fails; some may be noted.
    pub async fn shown_by_bill(
        &self,
        unmatched: Vec<Unmatched>,
        now: Timestamp,
    ) -> Result<(), BookError> {
        self.close_missing(&unmatched, now).await?;
        self.shown_all(unmatched).await
    }

    /// Notes that what the books expected is expected no more, many at once.
    ///
    /// # Errors
    ///
    /// [`BookError`] when the table cannot be written; some may be noted.
    pub async fn shown_all(&self, unmatched: Vec<Unmatched>) -> Result<(), BookError> {
        futures::stream::iter(unmatched)
            .map(|unmatched| async move { self.shown(&unmatched).await })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }

    /// Carries out what is to be done about a row of the bill of a day.
    ///
    /// # Errors
    ///
    /// [`DayError`] naming the cause; doing it again is safe.
    pub async fn apply_row(
        &self,
        day: Date,
        row: &BillRow,
        action: BillAction,
        now: Timestamp,
    ) -> Result<BillEffect, DayError> {
        match action {
            BillAction::Ignore => Ok(BillEffect::Ignored),
            BillAction::Agrees(numbers) => Ok(BillEffect::Agrees(numbers)),
            BillAction::Report(finding) => Ok(BillEffect::Differs(finding)),
            BillAction::QueryPayment { trade, .. } => Ok(BillEffect::Query(trade)),
            BillAction::Shown(unmatched) => {
                let numbers = unmatched.numbers();
                self.shown(&unmatched).await?;
                Ok(BillEffect::Agrees(numbers))
            }
            BillAction::BookPayment { trade, payment } => {
                Ok(self.apply_payment(row, trade, &payment, now).await?)
            }
            BillAction::BookGivenBack { number, amount } => {
                self.apply_given_back(day, row, number, amount, now).await
            }
        }
    }

    /// Goes on with a row whose trade was queried.
    ///
    /// # Errors
    ///
    /// [`DayError::InDoubt`] when the query brought no answer, otherwise the cause; doing it again
    /// is safe.
    pub async fn apply_queried(
        &self,
        row: &BillRow,
        trade: OutTradeNo,
        answer: QueryAnswer,
        now: Timestamp,
    ) -> Result<BillEffect, DayError> {
        match answer {
            QueryAnswer::Paid(payment) if payment.amount_fen == row.amount_fen => {
                Ok(self.apply_payment(row, trade, &payment, now).await?)
            }
            QueryAnswer::InDoubt(doubt) => Err(DayError::InDoubt { trade, doubt }),
            QueryAnswer::Paid(_)
            | QueryAnswer::Pending
            | QueryAnswer::Closed
            | QueryAnswer::NotFound => Ok(differs(row, FindingKind::TheirsOnly, None)),
        }
    }

    async fn apply_payment(
        &self,
        row: &BillRow,
        trade: OutTradeNo,
        payment: &Payment,
        now: Timestamp,
    ) -> Result<BillEffect, BookError> {
        let applied = self.book_payment(&trade, payment, now).await?;
        Ok(effect(row, (trade, None), FindingKind::FoundPayment, applied))
    }

    async fn apply_given_back(
        &self,
        day: Date,
        row: &BillRow,
        number: RefundRef,
        amount: Fen,
        now: Timestamp,
    ) -> Result<BillEffect, DayError> {
        let applied = self.book_given_back(&number, amount, now).await?;
        if applied == Applied::Unknown {
            let trade = number.out_trade_no;
            return match self.bills_done(day).await?.is_whole_until(day) {
                true => {
                    let finding = row_finding(row, FindingKind::TheirsOnly, None, None);
                    Ok(BillEffect::Unpaid(trade, finding))
                }
                false => Err(DayError::Unpaid { trade }),
            };
        }
        let numbers = (number.out_trade_no, Some(number.out_request_no));
        Ok(effect(row, numbers, FindingKind::FoundReversal, applied))
    }

    /// Notes that a bill showed something. Doing so again changes nothing.
    ///
    /// # Errors
    ///
    /// [`BookError`] when the table cannot be written.
    pub async fn shown(&self, unmatched: &Unmatched) -> Result<(), BookError> {
        crate::change::change(&self.billing, SHOWN, move |_| async move {
            let mut writes = self.billing.writes(SHOWN);
            writes.shown(unmatched);
            Ok::<_, BookError>(crate::Decision::Save(writes, ()))
        })
        .await
    }
}

/// The trades that a ledger shows to be refunded: it has no numbers of refunds, so that those of
/// the books decide which one a row is about.
fn refunded_by_ledger(kind: BillKind, rows: &[BillRow]) -> BTreeSet<&str> {
    match kind {
        BillKind::Trade => BTreeSet::new(),
        BillKind::Ledger => rows
            .iter()
            .filter(|row| row.kind == RowKind::Refund)
            .filter_map(|row| row.out_trade_no.as_deref())
            .collect(),
    }
}

/// A count as it is stored.
pub(crate) fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn effect(
    row: &BillRow,
    numbers: Numbers,
    found: FindingKind,
    applied: Applied<ProviderId>,
) -> BillEffect {
    match applied {
        Applied::Now(provider) => {
            BillEffect::Found(numbers, row_finding(row, found, Some(provider), None))
        }
        Applied::Before(_) => BillEffect::Agrees(numbers),
        Applied::Contradicts(provider) => differs(row, FindingKind::AmountDiffers, Some(provider)),
        Applied::Unknown => differs(row, FindingKind::TheirsOnly, None),
    }
}

fn differs(row: &BillRow, kind: FindingKind, provider: Option<ProviderId>) -> BillEffect {
    BillEffect::Differs(row_finding(row, kind, provider, None))
}
