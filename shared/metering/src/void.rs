//! Withdrawing usage reports that were wrong: they count no more, and the next settlement credits
//! what was charged for them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use steelyard_billing::{
    Calendar, CorrectionId, ProviderId, Reason, Registration, ReportId, SourceId, Withdrawal,
};
use steelyard_json::JsonError;
use steelyard_pricing::{BillingDay, BillingMonth};
use steelyard_runtime::{Clock, report_unreadable};
use steelyard_store::{Counted, CountedReport, StoreError, UsageTable, Withdrawn};
use thiserror::Error;

/// Withdraws usage reports.
#[derive(Clone, Debug)]
pub struct Voider {
    table: UsageTable,
    calendar: Calendar,
    clock: Clock,
}

/// Which report is to be withdrawn, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Void {
    /// The provider that it reports of.
    pub provider: ProviderId,
    /// The source that sent it.
    pub source: SourceId,
    /// The id that the source gave the report.
    pub report: ReportId,
    /// The billing day of it; all of its days in months that are open unless given.
    pub day: Option<BillingDay>,
    /// The reason, in the sender's words.
    pub reason: Reason,
    /// The set of corrections that it is a part of; none if it is withdrawn by itself.
    pub set: Option<CorrectionId>,
}

/// The days in which a report is looked for that names none and is in no month that is open: the
/// month that closed last is among them, and one request reads them.
const DAYS_LOOKED_BACK: usize = 93;

/// What became of a report for one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Voided {
    /// The report counts no more.
    Voided,
    /// It was withdrawn before, perhaps for another reason.
    Before,
}

/// The reason why nothing is withdrawn.
#[derive(Debug, Error)]
pub enum VoidError {
    /// There is no such report in a month that is open.
    #[error(
        "{source_id} has no report {report} about {provider} on the day, or on any day of a month that \
         is open; usage of a closed month cannot be withdrawn"
    )]
    NoReport {
        /// The source that is said to have sent it.
        source_id: SourceId,
        /// The id that was not found.
        report: ReportId,
        /// The provider that was asked about.
        provider: ProviderId,
    },
    /// The month of the day is closed.
    #[error(
        "{0} is in a month that is closed: its usage cannot be corrected any more; `steelyard adjust` \
         credits or charges the difference"
    )]
    Closed(BillingDay),
    /// The provider was not billed yet on the day.
    #[error("{day} is before {billed_from}, the first month in which the provider is billed")]
    BeforeBilling {
        /// The day that was to be corrected.
        day: BillingDay,
        /// The provider's first month.
        billed_from: BillingMonth,
    },
    /// The provider is not registered for counting.
    #[error("provider `{0}` is not registered")]
    UnknownProvider(ProviderId),
    /// The provider's registration cannot be read.
    #[error("nothing of `{0}` can be withdrawn now: its registration cannot be read")]
    Unreadable(ProviderId),
    /// Other content has the id under which a report is to count again.
    #[error("the id {0}, under which the report is to count again, was used for other content")]
    IdUsed(ReportId),
    /// The table failed.
    #[error("cannot withdraw the report")]
    Store(#[from] StoreError),
}

impl Void {
    /// Reads a request to withdraw a report.
    ///
    /// # Errors
    ///
    /// [`JsonError`] with the path of what is wrong.
    pub fn read(body: &[u8]) -> Result<Void, JsonError> {
        let mut fields = steelyard_json::parse(body)?.into_fields()?;
        let void = Void {
            provider: fields.read_required("provider")?,
            source: fields.read_required("source")?,
            report: fields.read_required("id")?,
            day: fields.read("day")?,
            reason: fields.read_required("reason")?,
            set: None,
        };
        fields.end(&["provider", "source", "id", "day", "reason"])?;
        Ok(void)
    }
}

impl Voider {
    /// Withdraws from that table.
    #[must_use]
    pub fn new(table: UsageTable, calendar: Calendar, clock: Clock) -> Voider {
        Voider { table, calendar, clock }
    }

    /// The items of a report that can be withdrawn, by day. Those that were withdrawn before are
    /// among them, also if their month has closed since.
    ///
    /// # Errors
    ///
    /// [`VoidError`] when there are none.
    pub async fn find(&self, void: &Void) -> Result<Vec<CountedReport>, VoidError> {
        match self.open(void).await {
            Err(error) => self.withdrawn_before(void, error).await,
            Ok(found) => Ok(found),
        }
    }

    /// The items of a report that were withdrawn while their month was open. The operator may have
    /// had no answer, and would make a credit note besides if this was an error.
    async fn withdrawn_before(
        &self,
        void: &Void,
        error: VoidError,
    ) -> Result<Vec<CountedReport>, VoidError> {
        if !matches!(error, VoidError::Closed(_) | VoidError::NoReport { .. }) {
            return Err(error);
        }
        let days = match void.day {
            Some(day) => vec![day],
            None => self.days_back(self.clock.now()).take(DAYS_LOOKED_BACK).collect(),
        };
        let id = (&void.source, &void.report);
        let mut withdrawn = self.table.reports_named(&void.provider, id, &days).await?;
        withdrawn.retain(|report| report.withdrawn.is_some());
        withdrawn.sort_by_key(|report| report.day);
        if withdrawn.is_empty() { Err(error) } else { Ok(withdrawn) }
    }

    /// The items of a report in months that are open, by day.
    async fn open(&self, void: &Void) -> Result<Vec<CountedReport>, VoidError> {
        let Void { provider, source, report, .. } = void;
        let registration = self.registration(provider).await?;
        let days = self.open_days(void.day, &registration, self.clock.now())?;
        let mut reports = self.table.reports_named(provider, (source, report), &days).await?;
        if reports.is_empty() {
            return Err(VoidError::NoReport {
                source_id: source.clone(),
                report: report.clone(),
                provider: provider.clone(),
            });
        }
        reports.sort_by_key(|report| report.day);
        Ok(reports)
    }

    /// Checks that usage of all those days of a provider can be withdrawn and counted now.
    ///
    /// # Errors
    ///
    /// [`VoidError`] when the month of a day is closed or was not billed yet, or the registration
    /// is not there or unreadable.
    pub async fn check_correctable(
        &self,
        provider: &ProviderId,
        days: &[BillingDay],
    ) -> Result<(), VoidError> {
        let (registration, now) = (self.registration(provider).await?, self.clock.now());
        let Registration { billed_from, .. } = registration;
        for day in days.iter().copied() {
            self.open_days(Some(day), &registration, now)?;
            if day.month() < billed_from {
                return Err(VoidError::BeforeBilling { day, billed_from });
            }
        }
        Ok(())
    }

    async fn registration(&self, provider: &ProviderId) -> Result<Registration, VoidError> {
        let found = self.table.registrations(std::slice::from_ref(provider)).await?;
        if !found.unreadable.is_empty() {
            report_unreadable(&found.unreadable);
            return Err(VoidError::Unreadable(provider.clone()));
        }
        let registration = found.readable.get(provider).copied();
        registration.ok_or_else(|| VoidError::UnknownProvider(provider.clone()))
    }

    /// Withdraws a report. Doing it again changes nothing.
    ///
    /// A month is read whole some hours after its close was stored, so that a withdrawal that
    /// passes the close is credited all the same.
    ///
    /// # Errors
    ///
    /// [`VoidError`] when there is no such report, or the table fails; some days may have been
    /// withdrawn then, and withdrawing again withdraws the others.
    pub async fn void(
        &self,
        void: &Void,
        by: &str,
    ) -> Result<BTreeMap<BillingDay, Voided>, VoidError> {
        let at_s = self.clock.now();
        let (reason, set) = (void.reason.clone(), void.set.clone());
        let withdrawal = Withdrawal { at_s, by: by.to_owned(), reason, set };
        let mut voided = BTreeMap::new();
        let found = match self.open(void).await {
            Ok(found) => found,
            Err(error) => {
                let before = self.withdrawn_before(void, error).await?;
                return Ok(before.into_iter().map(|of| (of.day, Voided::Before)).collect());
            }
        };
        for found in found {
            let (provider, day) = (&void.provider, found.day);
            let became = match self.table.withdraw(provider, &found, &withdrawal).await? {
                Withdrawn::Now => Voided::Voided,
                Withdrawn::Before(_) => Voided::Before,
                // Reports expire, but not in a month that is open.
                Withdrawn::NoReport => continue,
            };
            // One that was withdrawn before may have crashed before it was noted.
            self.note(provider, day).await?;
            tracing::info!(
                provider.id = %provider, source.id = %void.source, report.id = %void.report,
                %day, by, reason = %void.reason, ?became, "a report is withdrawn"
            );
            voided.insert(day, became);
        }
        Ok(voided)
    }

    /// Whether a report of that day may still be charged, whether or not its month is open: it
    /// counts, or it may have expired.
    ///
    /// # Errors
    ///
    /// [`VoidError::Store`] when the table cannot be read.
    pub async fn may_count(&self, void: &Void) -> Result<bool, VoidError> {
        let Some(day) = void.day else { return Ok(true) };
        let id = (&void.source, &void.report);
        let found = self.table.reports_named(&void.provider, id, &[day]).await?;
        let may_have_expired = self.calendar.kept_until(day.month()) <= self.clock.now();
        let counts = found.iter().any(|report| report.withdrawn.is_none());
        Ok(counts || (found.is_empty() && may_have_expired))
    }

    /// Counts again what a set of corrections withdrew of a day, under another id, since that of a
    /// withdrawn report never counts again. What another withdrew stays withdrawn. Doing it again
    /// changes nothing.
    ///
    /// # Errors
    ///
    /// [`VoidError`] when the month of the day is closed, the report is not there, or the table
    /// fails.
    pub async fn restore(
        &self,
        void: &Void,
        day: BillingDay,
        id: &ReportId,
    ) -> Result<(), VoidError> {
        let provider = &void.provider;
        let of = |report: &ReportId| {
            let (report, source) = (report.clone(), void.source.clone());
            async move { self.table.reports_named(provider, (&source, &report), &[day]).await }
        };
        if of(&void.report).await?.iter().any(|found| !is_by_set(found, void)) {
            return Ok(());
        }
        // One that is not there is an error: it may have expired.
        let withdrawn = self.open(&Void { day: Some(day), ..void.clone() }).await?;
        for (number, withdrawn) in withdrawn.into_iter().enumerate() {
            let counted_at = self.clock.now();
            // Reports of several minutes may have one id.
            let again =
                if number == 0 { Some(id.clone()) } else { format!("{id}.{number}").parse().ok() };
            let again = CountedReport {
                report: again.ok_or_else(|| VoidError::IdUsed(id.clone()))?,
                counted_at,
                withdrawn: None,
                combined_at: None,
                ..withdrawn
            };
            let expires_at = self.calendar.kept_until(day.month());
            match self.table.count(provider, &again, expires_at).await? {
                // Another who restores it may be faster, and one who withdraws it then.
                Counted::Counted | Counted::Duplicate | Counted::Withdrawn => {}
                Counted::Conflict => return Err(VoidError::IdUsed(id.clone())),
            }
        }
        tracing::info!(
            provider.id = %provider, source.id = %void.source, report.id = %void.report, %day,
            again = %id, "a report that was withdrawn counts again"
        );
        self.note(provider, day).await
    }

    async fn note(&self, provider: &ProviderId, day: BillingDay) -> Result<(), VoidError> {
        let kept_until = self.calendar.changes_kept_until(day.month());
        Ok(self.table.note_change(provider, day, kept_until).await?)
    }

    /// The days of which a report can be withdrawn now.
    fn open_days(
        &self,
        day: Option<BillingDay>,
        registration: &Registration,
        now: Timestamp,
    ) -> Result<Vec<BillingDay>, VoidError> {
        let is_open = |day: BillingDay| {
            let month = day.month();
            let is_closed = registration.closed.is_some_and(|closed| month <= closed.through);
            self.calendar.is_open(month, now) && !is_closed
        };
        if let Some(day) = day {
            return if is_open(day) { Ok(vec![day]) } else { Err(VoidError::Closed(day)) };
        }
        Ok(self.days_back(now).take_while(|day| is_open(*day)).collect())
    }

    /// The days that may have usage, the latest first. Usage may lie some minutes in the future,
    /// and so on the next day.
    fn days_back(&self, now: Timestamp) -> impl Iterator<Item = BillingDay> {
        let latest = self.calendar.day_of(now).ok().map(BillingDay::next);
        std::iter::successors(latest, |day| Some(day.previous()))
    }
}

/// Whether the set that a request is a part of withdrew a report.
fn is_by_set(report: &CountedReport, void: &Void) -> bool {
    let set = report.withdrawn.as_ref().and_then(|withdrawal| withdrawal.set.as_ref());
    set.is_some() && set == void.set.as_ref()
}
