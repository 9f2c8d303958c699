//! What a provider used, by what it is summed by: what statements charged, and what is new since.
//!
//! Statements say what was charged of each day and API, and the coming statements, as the night
//! would make them now, what is new. So sums outlive the usage reports, and a sum of a month reads
//! no report that a statement covers. Only sums by source and by report read the reports
//! themselves.

mod sums;

use futures::TryStreamExt;
use jiff::Timestamp;
use serde::Serialize;
use steelyard_billing::{
    Account, MonthSoFar, OnTopError, ProviderId, Statement, StatementId, Withdrawal,
};
use steelyard_pricing::{Amount, BillingDay, Fen, Metered, MoneyError};
use steelyard_store::{ProviderAccount, StoreError};

use self::sums::Sums;
use crate::settle::{RunTerms, SettleError, Settler, UnnamedError};

/// What usage is summed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageBy {
    /// The name of the API, and the rate that covers it.
    Api,
    /// The rate of the plan.
    Rate,
    /// The billing day.
    Day,
    /// The machine that reported.
    Source,
    /// The report: its source and its id.
    Report,
}

/// A provider's usage on some days.
#[derive(Clone, Debug, Serialize)]
pub struct UsageSums {
    /// The provider that used the APIs.
    pub provider: ProviderId,
    /// The first day.
    pub from: BillingDay,
    /// The last day.
    pub to: BillingDay,
    /// The name by which it is summed.
    pub group_by: UsageBy,
    /// Everything that was counted before this time is in the sums.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub as_of_s: Timestamp,
    /// The day of the last statement; none without statements.
    pub settled_through: Option<BillingDay>,
    /// The first day of which all reports are still stored, where the sums are of reports and
    /// earlier days were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reports_from: Option<BillingDay>,
    /// The sums, by name.
    pub groups: Vec<UsageGroup>,
    /// What the statements of the days charged; none where the sums are of reports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charged_fen: Option<Fen>,
    /// The statements that the coming night would make if the day were over now.
    pub coming: Vec<ComingStatement>,
    /// The price of the present month's usage so far under rates that are charged at the end of the
    /// month, without minimums and tax that is added. No charge contains it yet. It is 0 if the
    /// days do not reach into the present month.
    pub at_month_end_fen: Fen,
}

/// Usage under one name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UsageGroup {
    /// The API, rate, day, source or report. `(unpriced)` is what no rate covers, `(plan)` what a
    /// plan adds to the sum of its rates, or takes off, `(tax)` tax that is added, and
    /// `(adjustments)` what credit and debit notes charge or credit.
    pub name: String,
    /// The rate that covers the API, where the sums are by API and a rate covers it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<String>,
    /// The usage that counts at this moment.
    #[serde(flatten)]
    pub counted: WrittenOut,
    /// What of it statements charged; more than is counted where a withdrawal is not credited yet.
    /// None where the sums are of reports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled: Option<WrittenOut>,
    /// The charge of the group, where the sums are by rate or by day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charge: Option<GroupCharge>,
    /// How many items of reports have a part in it, one for each report and day, where the sums are
    /// of reports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reports: Option<u64>,
    /// Why the report counts no more, where the sums are by report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<Withdrawal>,
}

/// Calls and what went through them, both always written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct WrittenOut {
    /// The number of calls that were counted.
    pub calls: u64,
    /// The amount that went through them, in yuan.
    pub amount: Amount,
}

/// What statements charge for a rate, or on a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct GroupCharge {
    /// What the statements of the days charged.
    pub charged_fen: Fen,
    /// What the coming statements of the days would charge.
    pub coming_fen: Fen,
}

/// A statement that the coming night would make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ComingStatement {
    /// The id that it would have.
    pub statement: StatementId,
    /// The charge that the statement would have, in fen.
    pub charge_fen: Fen,
}

const READ: &str = "sum what a provider used";

/// How often sums are begun anew because the account changed meanwhile.
const TRIES: u32 = 5;

/// How many days' statements are in memory at a time: one of 20,000 APIs has some megabytes.
const DAYS_AT_ONCE: usize = 7;

impl UsageBy {
    /// Whether the sums are of the reports themselves, and not of statements.
    #[must_use]
    pub fn is_of_reports(self) -> bool {
        match self {
            UsageBy::Source | UsageBy::Report => true,
            UsageBy::Api | UsageBy::Rate | UsageBy::Day => false,
        }
    }
}

impl From<Metered> for WrittenOut {
    fn from(Metered { calls, amount }: Metered) -> WrittenOut {
        WrittenOut { calls: calls.get(), amount }
    }
}

impl From<&Statement> for ComingStatement {
    fn from(statement: &Statement) -> ComingStatement {
        ComingStatement { statement: statement.statement, charge_fen: statement.charge_fen }
    }
}

impl UsageSums {
    /// What the coming statements would charge together.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when the sum leaves its range.
    pub fn coming_fen(&self) -> Result<Fen, MoneyError> {
        Fen::sum(self.coming.iter().map(|coming| coming.charge_fen))
    }
}

impl Settler {
    /// What a provider used from one day through another, as it was charged and is counted now.
    ///
    /// # Errors
    ///
    /// [`SettleError`] naming the provider and the cause.
    pub async fn usage_sums(
        &self,
        terms: &RunTerms,
        provider: &ProviderId,
        days: (BillingDay, BillingDay),
        by: UsageBy,
    ) -> Result<UsageSums, SettleError> {
        let summed = self.summed(terms, provider, days, by).await;
        summed.map_err(|error| error.of(provider))
    }

    async fn summed(
        &self,
        terms: &RunTerms,
        id: &ProviderId,
        (from, to): (BillingDay, BillingDay),
        by: UsageBy,
    ) -> Result<UsageSums, UnnamedError> {
        for _ in 0..TRIES {
            let (found, after, coming) = self.previewed_account(terms, id).await?;
            let at_month_end_fen = self.at_month_end(terms, &found, after, (from, to))?;
            let mut sums = Sums::new(&found.provider, terms.plans(), (from, to), by);
            if by.is_of_reports() {
                let mut reports = self.usage.reports(id, from, to);
                while let Some(report) = reports.try_next().await? {
                    sums.add_report(&report)?;
                }
            } else {
                self.add_statements(&mut sums, &found).await?;
                for statement in &coming {
                    sums.add_coming(statement)?;
                }
            }
            // What was charged while the statements were read would be missing, or be there twice.
            if self.read(id).await?.account.version == found.account.version {
                return Ok(UsageSums {
                    provider: id.clone(),
                    from,
                    to,
                    group_by: by,
                    as_of_s: terms.now,
                    settled_through: found.account.settled_through,
                    reports_from: self.reports_from(from, by, terms.now),
                    charged_fen: sums.charged_fen(),
                    groups: sums.listed(),
                    coming: coming.iter().map(ComingStatement::from).collect(),
                    at_month_end_fen,
                });
            }
        }
        Err(StoreError::Contended { operation: READ }.into())
    }

    /// The price of usage that is charged only at the end of the present month; nothing if the days
    /// do not reach into it.
    fn at_month_end(
        &self,
        terms: &RunTerms,
        found: &ProviderAccount,
        after: Account,
        (from, to): (BillingDay, BillingDay),
    ) -> Result<Fen, UnnamedError> {
        let calendar = &self.books.rules.calendar;
        let present = calendar.day_of(terms.now)?.month();
        if !(from.month()..=to.month()).contains(&present) {
            return Ok(Fen::ZERO);
        }
        let known = (terms.plans(), calendar);
        let (provider, account) = (found.provider.clone(), &found.account);
        match MonthSoFar::new(provider, account, after, known, terms.now) {
            Ok(month) => Ok(month.figures().at_month_end_fen),
            Err(OnTopError::Settlement(error)) => Err(error.into()),
            // The month is not billed, or charged to its end. The others come of quotes alone.
            Err(
                OnTopError::NotBilledYet(_)
                | OnTopError::Settled(_)
                | OnTopError::NoPlan(_)
                | OnTopError::Quote(_),
            ) => Ok(Fen::ZERO),
        }
    }

    /// Adds the statements that charge the days: those of the days, and those after them that
    /// change one, which are of the same month.
    async fn add_statements(
        &self,
        sums: &mut Sums<'_>,
        found: &ProviderAccount,
    ) -> Result<(), UnnamedError> {
        let Some(settled) = found.account.settled_through else { return Ok(()) };
        let id = &found.provider.provider;
        let (from, to) = sums.days();
        let end = to.month().last_day().min(settled);
        let mut days = std::iter::successors(Some(from), |day| Some(day.next()))
            .take_while(|day| *day <= end)
            .peekable();
        while let Some(first) = days.peek().copied() {
            let last = days.by_ref().take(DAYS_AT_ONCE).last().unwrap_or(first);
            for statement in self.books.billing.statements_between(id, first, last).await? {
                sums.add_statement(&statement)?;
            }
        }
        Ok(())
    }

    /// The first day of which all reports are stored, if an earlier one was asked for.
    fn reports_from(&self, from: BillingDay, by: UsageBy, now: Timestamp) -> Option<BillingDay> {
        let kept_from = self.books.rules.calendar.kept_from(from.month(), now);
        (by.is_of_reports() && kept_from > from.month()).then(|| kept_from.first_day())
    }
}
