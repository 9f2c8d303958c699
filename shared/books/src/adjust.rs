//! Adjustments: credit and debit notes for closed months, which the next statement books.

use jiff::Timestamp;
use steelyard_billing::{
    Adjustment, AdjustmentError, AdjustmentId, AdjustmentOf, AdjustmentRequest, Person, ProviderId,
    Reason, ReportRef, Statement,
};
use steelyard_pricing::{BillingDay, BillingMonth};
use steelyard_store::UsageTable;

use crate::change::{Decision, change};
use crate::{BookError, Books};

/// The result of asking for an adjustment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Adjusted {
    /// It is made now, and waits for the next statement.
    Now(Adjustment),
    /// It was made before, perhaps by another person, and waits or is booked.
    Before(Adjustment),
}

const ADJUST: &str = "store an adjustment";

impl Books {
    /// The adjustment that is asked for, as it would be made or was made before. Nothing is stored.
    ///
    /// # Errors
    ///
    /// [`BookError::Adjustment`] where it is refused.
    pub async fn adjustment_asked(
        &self,
        usage: &UsageTable,
        provider: &ProviderId,
        request: &AdjustmentRequest,
        now: Timestamp,
    ) -> Result<Adjusted, BookError> {
        if let Some(known) = self.billing.adjustment(provider, &request.id()).await? {
            known.check_repeated(request)?;
            return Ok(Adjusted::Before(known));
        }
        let adjustment = Adjustment::new(provider, request, now)?;
        self.account(provider).await?.account.with_adjustment(&adjustment.note)?;
        self.check_reference(usage, provider, &request.of, now).await?;
        Ok(Adjusted::Now(adjustment))
    }

    /// Makes an adjustment, once by its name. It waits on the account for the next statement.
    ///
    /// # Errors
    ///
    /// [`BookError::Adjustment`] where it is refused.
    pub async fn adjust(
        &self,
        usage: &UsageTable,
        provider: &ProviderId,
        request: &AdjustmentRequest,
        now: Timestamp,
    ) -> Result<Adjusted, BookError> {
        change(&self.billing, ADJUST, move |_| async move {
            // The account is read first: a concurrent request for the same adjustment writes it
            // too.
            let account = self.account(provider).await?.account;
            let asked = self.adjustment_asked(usage, provider, request, now).await?;
            let Adjusted::Now(adjustment) = &asked else { return Ok(Decision::Keep(asked)) };
            let mut writes = self.billing.writes(ADJUST);
            writes.new_adjustment(adjustment)?;
            writes.account(&account, &account.with_adjustment(&adjustment.note)?)?;
            Ok::<_, BookError>(Decision::Save(writes, asked))
        })
        .await
    }

    /// Approves an adjustment as a second person. Approving it again changes nothing.
    ///
    /// # Errors
    ///
    /// [`BookError::Adjustment`] when its author approves, or it was rejected.
    pub async fn approve_adjustment(
        &self,
        provider: &ProviderId,
        id: &AdjustmentId,
        by: &Person,
        now: Timestamp,
    ) -> Result<Adjustment, BookError> {
        self.change_adjustment(provider, id, |before| before.approved(by, now)).await
    }

    /// Rejects an adjustment that waits: it is never booked. Rejecting it again changes nothing.
    ///
    /// # Errors
    ///
    /// [`BookError::Adjustment`] when it is booked.
    pub async fn reject_adjustment(
        &self,
        provider: &ProviderId,
        id: &AdjustmentId,
        (by, reason): (&Person, &Reason),
        now: Timestamp,
    ) -> Result<Adjustment, BookError> {
        self.change_adjustment(provider, id, |before| before.rejected(by, reason, now)).await
    }

    async fn change_adjustment(
        &self,
        provider: &ProviderId,
        id: &AdjustmentId,
        decide: impl Fn(&Adjustment) -> Result<Option<Adjustment>, AdjustmentError>,
    ) -> Result<Adjustment, BookError> {
        let decide = &decide;
        change(&self.billing, ADJUST, move |_| self.changing_adjustment(provider, id, decide)).await
    }

    /// What a person's decision about an adjustment writes: nothing if it changes nothing.
    pub(crate) async fn changing_adjustment(
        &self,
        provider: &ProviderId,
        id: &AdjustmentId,
        decide: impl Fn(&Adjustment) -> Result<Option<Adjustment>, AdjustmentError>,
    ) -> Result<Decision<Adjustment>, BookError> {
        let account = self.account(provider).await?.account;
        let found = self.billing.adjustment(provider, id).await?;
        let none = || BookError::NoRecord {
            provider: provider.clone(),
            record: format!("adjustment {id}"),
        };
        let before = found.ok_or_else(none)?;
        let Some(after) = decide(&before)? else { return Ok(Decision::Keep(before)) };
        let mut writes = self.billing.writes(ADJUST);
        writes.adjustment(&before, &after)?;
        let noted = if after.is_waiting() {
            account.with_adjustment(&after.note)?
        } else {
            account.without_adjustment(id)
        };
        writes.account(&account, &noted)?;
        Ok(Decision::Save(writes, after))
    }

    /// Checks that what an adjustment corrects is there, in a month of which usage can't be
    /// corrected itself any more.
    async fn check_reference(
        &self,
        usage: &UsageTable,
        provider: &ProviderId,
        of: &AdjustmentOf,
        now: Timestamp,
    ) -> Result<(), BookError> {
        let month = of.corrects.day.month();
        let registrations = usage.registrations(std::slice::from_ref(provider)).await?;
        let closed = registrations.readable.get(provider).and_then(|known| known.closed);
        let is_closed = closed.is_some_and(|closed| month <= closed.through);
        if self.rules.calendar.is_open(month, now) && !is_closed {
            return Err(AdjustmentError::Open(month).into());
        }
        let statement = self.billing.statement(provider, of.corrects).await?;
        let statement = statement.ok_or(AdjustmentError::NoStatement(of.corrects))?;
        check_line(&statement, of.line)?;
        // Reports of a month that is long over are deleted.
        if now < self.rules.calendar.kept_until(month) {
            for report in &of.reports {
                check_report(usage, provider, report, month).await?;
            }
        }
        Ok(())
    }
}

fn check_line(statement: &Statement, line: Option<u16>) -> Result<(), AdjustmentError> {
    let Some(line) = line else { return Ok(()) };
    let lines = statement.lines.len();
    if (1..=lines).contains(&usize::from(line)) {
        return Ok(());
    }
    Err(AdjustmentError::NoLine { statement: statement.statement, line, lines })
}

async fn check_report(
    usage: &UsageTable,
    provider: &ProviderId,
    ReportRef { source, report }: &ReportRef,
    month: BillingMonth,
) -> Result<(), BookError> {
    let days = std::iter::successors(Some(month.first_day()), |day| Some(day.next()));
    let days = days.take_while(|day| *day <= month.last_day()).collect::<Vec<BillingDay>>();
    if usage.reports_named(provider, (source, report), &days).await?.is_empty() {
        let (source_id, report) = (source.clone(), report.clone());
        return Err(AdjustmentError::NoReport { month, source_id, report }.into());
    }
    Ok(())
}
