//! The overview: what is withheld next, the month so far, and what is to come.

mod allowances;
mod change;
mod chart;

mod days;
mod next;
mod notices;
mod page;
mod texts;

use jiff::Timestamp;
use serde::Serialize;
use steelyard_billing::{
    CalendarError, Debit, DebitId, Mandate, ProviderId, SettlementError, Standing, Statement,
};
use steelyard_pricing::{
    BillingDay, BillingMonth, Calls, ChargeError, Fen, Metered, MoneyError, Name, QuoteError,
    TermsError, UsageError, charged_at_month_end,
};
use thiserror::Error;
use utoipa::ToSchema;

pub use allowances::{Allowance, AllowancePeriod};
pub use change::{ApiChange, Change, ChangeOf, MoreApis};
pub use days::{ByDay, DayRow, DayTotal, Mark};
pub use next::{
    AgreementRef, Declined, NextWithholding, StripEntry, StripPart, UnbilledDays, WithheldDays,
    WithholdingState,
};
pub use notices::{Basis, Notice, RateTerms};
pub use page::OverviewPage;

use crate::Records;
use crate::deposit::DepositViewError;
use crate::forecast::{FORECAST_DAYS_MAX, Forecast, ForecastError};
use crate::forecast::{SoFar, days_before};

/// What the overview is computed from, beside [`Records`].
#[derive(Clone, Copy, Debug)]
pub struct OverviewRecords<'a> {
    /// The provider's statements of [`Overview::range`], the oldest first.
    pub statements: &'a [Statement],
    /// The statements that the coming night would make now; none where what was counted cannot be
    /// read.
    pub coming: Option<&'a [Statement]>,
    /// The account's open debit; without one, the last debit that it had, if it had any.
    pub debit: Option<&'a Debit>,
    /// The mandate in use; without one, the last mandate that the account had, if it had any.
    pub mandate: Option<&'a Mandate>,
    /// The provider's standing; none if that is not known.
    pub standing: Option<&'a Standing>,
    /// When the last usage report came in, if that is known.
    pub last_report_at: Option<Timestamp>,
    /// That the account is closed.
    pub closed: Option<ClosedAccount>,
}

/// That an account is closed: it can be read, and nothing is charged or withheld.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ClosedAccount {
    /// Its last day.
    #[schema(value_type = String)]
    pub on: BillingDay,
    /// The day up to which its bills and its ledger can be read.
    #[schema(value_type = String)]
    pub kept_until: BillingDay,
}

/// What a provider has to know today: what is withheld next and why, the month so far, and what is
/// to come.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Overview {
    /// The provider whose overview it is.
    #[schema(value_type = String)]
    pub provider: ProviderId,
    /// The month to date.
    #[schema(value_type = String)]
    pub month: BillingMonth,
    /// The billing day of the view.
    #[schema(value_type = String)]
    pub today: BillingDay,
    /// The time of all figures, in seconds of Unix time.
    #[schema(value_type = i64)]
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub as_of_s: Timestamp,
    /// What holds today; none if the provider is on no plan.
    pub terms: Option<CurrentTerms>,
    /// What was paid in advance and what is owed.
    pub account: AccountFigures,
    /// The next debit, or the reason for none.
    pub next_withholding: NextWithholding,
    /// What the month's statements charge.
    pub settled: Settled,
    /// What the coming night would charge now; none where what was counted cannot be read.
    pub since: Option<Since>,
    /// What the usage so far amounts to under rates that are charged at the end of the month: it is
    /// charged with the last day. Minimums and tax that is added are not in it.
    #[schema(value_type = i64)]
    pub at_month_end_fen: Fen,
    /// The month's charges by day.
    pub by_day: ByDay,
    /// The allowances of today's terms.
    pub allowances: Vec<Allowance>,
    /// The expected charge of the month; none before seven days are settled.
    pub forecast: Option<Forecast>,
    /// The last seven settled days against the seven before; none before fourteen days are settled.
    pub change: Option<Change>,
    /// The notices of the month.
    pub notices: Vec<Notice>,
    /// That the account is closed.
    pub closed: Option<ClosedAccount>,
}

/// The terms that hold today.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CurrentTerms {
    /// The name of the plan.
    #[schema(value_type = String)]
    pub plan: Name,
    /// The day from which its version is in force.
    #[schema(value_type = String)]
    pub version: BillingDay,
    /// The overrides, and the discounts that hold today.
    #[schema(value_type = Vec<String>)]
    pub with: Vec<Name>,
}

/// What was paid in advance and what is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AccountFigures {
    /// Paid in advance and not used.
    #[schema(value_type = i64)]
    pub prepaid_fen: Fen,
    /// When the last statement that prepaid money paid in part used it up, in seconds of Unix time;
    /// none while there is prepaid money, and where no statement of the view shows it.
    #[schema(value_type = Option<i64>)]
    #[serde(with = "jiff::fmt::serde::timestamp::second::optional")]
    pub prepaid_used_up_at_s: Option<Timestamp>,
    /// Owed and not paid, what is being collected included.
    #[schema(value_type = i64)]
    pub owed_fen: Fen,
    /// The days whose charges are owed, as far as statements of the view show.
    pub owed_for: Option<WithheldDays>,
    /// What of it a debit is collecting.
    #[schema(value_type = i64)]
    pub collecting_fen: Fen,
}

/// What the month's statements charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Settled {
    /// The last settled day of the month; none before the first.
    #[schema(value_type = Option<String>)]
    pub through: Option<BillingDay>,
    /// How many statements there are.
    pub bills: u64,
    /// The calls that they charge, less those that they credit.
    #[schema(value_type = u64)]
    pub calls: Calls,
    /// The charge, final.
    #[schema(value_type = i64)]
    pub charge_fen: Fen,
}

/// What the coming night would charge now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Since {
    /// The calls that it would charge.
    #[schema(value_type = u64)]
    pub calls: Calls,
    /// The calls that it would credit.
    #[schema(value_type = u64)]
    pub withdrawn: Calls,
    /// The charge, an estimate.
    #[schema(value_type = i64)]
    pub charge_fen: Fen,
    /// When the last report came in, in seconds of Unix time, if that is known.
    #[schema(value_type = Option<i64>)]
    #[serde(with = "jiff::fmt::serde::timestamp::second::optional")]
    pub last_report_at_s: Option<Timestamp>,
}

/// Why the overview cannot be computed.
#[derive(Debug, Error)]
pub enum OverviewError {
    /// The account has an open debit that was not given.
    #[error("debit {0} is open, and was not read")]
    DebitMissing(DebitId),
    /// The terms of the month are not known.
    #[error("cannot tell by which terms the month is charged")]
    Settlement(#[from] SettlementError),
    /// The terms of a later day do not fit together.
    #[error("cannot tell the terms that are to come")]
    Terms(#[from] TermsError),
    /// The month cannot be forecast.
    #[error("cannot tell what the month is expected to come to")]
    Forecast(#[from] ForecastError),
    /// A price cannot be computed.
    #[error("cannot compute a price")]
    Charge(#[from] ChargeError),
    /// Usage cannot be priced by other terms.
    #[error("cannot price the usage by other terms")]
    Quote(#[from] QuoteError),
    /// Usage cannot be summed.
    #[error("cannot sum the usage")]
    Usage(#[from] UsageError),
    /// The deposit cannot be computed.
    #[error("cannot tell the deposit")]
    Deposit(#[from] DepositViewError),
    /// An amount leaves its range.
    #[error("cannot sum the amounts")]
    Money(#[from] MoneyError),
    /// The time is outside the calendar.
    #[error("cannot tell the day")]
    Calendar(#[from] CalendarError),
}

/// The records of an overview with what all of its parts need.
#[derive(Clone, Copy)]
struct Parts<'a> {
    records: &'a Records<'a>,
    more: &'a OverviewRecords<'a>,
    today: BillingDay,
    /// The last settled day.
    through: Option<BillingDay>,
    forecast: Option<&'a Forecast>,
}

impl Overview {
    /// The first and the last day whose statements an overview needs: those of the whole last month
    /// too where prices change, since their effect on it is shown.
    ///
    /// # Errors
    ///
    /// [`CalendarError`] when the time is outside the calendar.
    pub fn range(records: &Records<'_>) -> Result<(BillingDay, BillingDay), CalendarError> {
        let today = records.today()?;
        let first = today.month().first_day().min(days_before(today, FORECAST_DAYS_MAX));
        let changes = !notices::days_of_change(records, today).is_empty();
        let last_month = today.month().previous().first_day();
        Ok((if changes { first.min(last_month) } else { first }, today))
    }

    /// The overview of a provider.
    ///
    /// # Errors
    ///
    /// [`OverviewError`] with the part that cannot be computed; the other parts are not shown then.
    pub fn new(
        records: &Records<'_>,
        more: &OverviewRecords<'_>,
    ) -> Result<Overview, OverviewError> {
        let today = records.today()?;
        let forecast = match more.closed {
            Some(_) => None,
            None => Forecast::of(records, more.statements, more.coming)?,
        };
        let through = records.settled_through(more.coming)?;
        let parts = Parts { records, more, today, through, forecast: forecast.as_ref() };
        let so_far = SoFar::of(records, more.coming.unwrap_or_default())?;
        let allowances = parts.allowances(&so_far)?;
        Ok(Overview {
            provider: records.provider.provider.clone(),
            month: today.month(),
            today,
            as_of_s: records.now,
            terms: parts.terms(),
            account: parts.account()?,
            next_withholding: parts.next_withholding()?,
            settled: parts.settled()?,
            since: more.coming.map(|coming| parts.since(coming)).transpose()?,
            at_month_end_fen: parts.at_month_end(&so_far)?,
            by_day: parts.by_day(&allowances)?,
            notices: parts.notices(&so_far)?,
            change: parts.change()?,
            allowances,
            forecast,
            closed: more.closed,
        })
    }

    /// Whether nothing was counted in the month, and nothing is owed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_day.rows.is_empty() && self.account.owed_fen.is_zero()
    }
}

impl<'a> Parts<'a> {
    /// The statements of the month.
    fn of_month(&self) -> impl Iterator<Item = &'a Statement> + use<'a> {
        let month = self.today.month();
        self.more.statements.iter().filter(move |s| s.statement.day.month() == month)
    }

    /// What the night would make of the month.
    fn coming_of_month(&self) -> impl Iterator<Item = &'a Statement> + use<'a> {
        let month = self.today.month();
        let coming = self.more.coming.unwrap_or_default();
        coming.iter().filter(move |s| s.statement.day.month() == month)
    }

    fn terms(&self) -> Option<CurrentTerms> {
        let terms = self.records.provider.terms_on(self.today, self.records.plans)?;
        let document = terms.plan.document();
        let of_rates = document.rates.iter().flat_map(|rate| &rate.discounts);
        let discounts = document.discounts.iter().chain(of_rates);
        let discounts = discounts.filter(|d| d.holds_on(self.today)).map(|d| d.discount.clone());
        let overrides = terms.overrides.iter().map(|over| over.name.clone());
        let mut with = overrides.chain(discounts).collect::<Vec<_>>();
        with.dedup();
        Some(CurrentTerms {
            plan: terms.plan.name().clone(),
            version: terms.plan.effective_from(),
            with,
        })
    }

    fn account(&self) -> Result<AccountFigures, OverviewError> {
        let figures = self.records.account.figures;
        let used = self.more.statements.iter().rev().find(|s| s.from_prepaid_fen.is_positive());
        let used_up = used.filter(|s| s.from_prepaid_fen < s.charge_fen).map(|s| s.settled_at_s);
        Ok(AccountFigures {
            prepaid_fen: figures.prepaid(),
            prepaid_used_up_at_s: used_up.filter(|_| figures.prepaid().is_zero()),
            owed_fen: figures.receivable(),
            owed_for: self.days_of(figures.receivable())?,
            collecting_fen: figures.reserved(),
        })
    }

    fn settled(&self) -> Result<Settled, OverviewError> {
        let bills = self.of_month().collect::<Vec<_>>();
        Ok(Settled {
            through: self.through.filter(|day| day.month() == self.today.month()),
            bills: u64::try_from(bills.len()).unwrap_or(u64::MAX),
            calls: net_calls(bills.iter().copied())?,
            charge_fen: Fen::sum(bills.iter().map(|bill| bill.charge_fen))?,
        })
    }

    fn at_month_end(&self, so_far: &SoFar<'_>) -> Result<Fen, ChargeError> {
        if self.today == self.today.month().last_day() && self.more.coming.is_some() {
            // The coming night charges it.
            return Ok(Fen::ZERO);
        }
        charged_at_month_end(&so_far.segments, &so_far.to_date)
    }

    fn since(&self, coming: &[Statement]) -> Result<Since, OverviewError> {
        let (calls, withdrawn) = calls_of(coming)?;
        Ok(Since {
            calls: calls.calls,
            withdrawn: withdrawn.calls,
            charge_fen: Statement::sum_fen(coming)?,
            last_report_at_s: self.more.last_report_at,
        })
    }
}

/// The calls that statements charge, less those that they credit.
///
/// # Errors
///
/// [`UsageError::Below`] when more is credited than charged, which a whole month never does.
fn net_calls<'a>(statements: impl IntoIterator<Item = &'a Statement>) -> Result<Calls, UsageError> {
    let (charged, credited) = calls_of(statements)?;
    Ok(charged.minus(credited)?.calls)
}

/// The calls that statements charge, and those that they credit.
fn calls_of<'a>(
    statements: impl IntoIterator<Item = &'a Statement>,
) -> Result<(Metered, Metered), UsageError> {
    let (mut charged, mut credited) = (Calls::ZERO, Calls::ZERO);
    for statement in statements {
        let calls = statement.calls()?;
        charged = charged.plus(calls.charged)?;
        credited = credited.plus(calls.withdrawn)?;
    }
    let calls = |calls| Metered { calls, ..Metered::ZERO };
    Ok((calls(charged), calls(credited)))
}
