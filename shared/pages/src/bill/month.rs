//! The bill of a month: its days, its lines by rate, and the days that have no bill yet.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use steelyard_billing::{ProviderId, Statement, StatementId, still_owed};
use steelyard_pricing::{BillingDay, BillingMonth, Fen, Line, LineCause, Name, Percent, Usage};
use utoipa::ToSchema;

use super::calculation::{Calculation, PartOf};
use super::{BillError, BillTax, new_calls, sum_of_calls};
use crate::records::Records;

/// The bills of a month as one: what its days charge, and how that is paid.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MonthBill {
    /// The provider that is billed.
    #[schema(value_type = String)]
    pub provider: ProviderId,
    /// The month that the bills belong to.
    #[schema(value_type = String)]
    pub month: BillingMonth,
    /// The time of the figures, in seconds of Unix time.
    #[schema(value_type = i64)]
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub as_of_s: Timestamp,
    /// The instant from which usage of the month is refused, in seconds of Unix time.
    #[schema(value_type = i64)]
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub closes_at_s: Timestamp,
    /// Whether that is over.
    pub is_closed: bool,
    /// The day of the month's last bill, or its last day where later bills exist; none without
    /// either.
    #[schema(value_type = Option<String>)]
    pub settled_through: Option<BillingDay>,
    /// The first and the last day of the month after its last bill. Such a day is not settled yet,
    /// or it had no usage.
    #[schema(value_type = Option<Vec<String>>)]
    pub unbilled: Option<(BillingDay, BillingDay)>,
    /// The bills, day by day; those that follow the month's last day after it.
    pub days: Vec<BilledDay>,
    /// The lines of all bills, by rate.
    pub rates: Vec<MonthRate>,
    /// The taxes of the charges.
    pub taxes: Vec<BillTax>,
    /// What the bills charge together, and how it is paid.
    pub total: BilledSum,
}

/// A bill of the month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct BilledDay {
    /// The day and supplement of the bill.
    #[schema(value_type = String)]
    pub statement: StatementId,
    /// The charge, and its payments.
    #[serde(flatten)]
    pub sum: BilledSum,
}

/// A charge and its payments: the charge and what was credited, less what was paid, is
/// left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct BilledSum {
    /// The calls that are new, less those that were withdrawn.
    pub calls: i64,
    /// The charge; negative for a credit.
    #[schema(value_type = i64)]
    pub charge_fen: Fen,
    /// What credits gave back to the account: for what was owed, or as prepaid.
    #[schema(value_type = i64)]
    pub credited_fen: Fen,
    /// What the prepaid balance paid at settlement.
    #[schema(value_type = i64)]
    pub from_prepaid_fen: Fen,
    /// The sum that was paid since: withheld, or recharged.
    #[schema(value_type = i64)]
    pub paid_since_fen: Fen,
    /// The part that is still owed.
    #[schema(value_type = i64)]
    pub left_fen: Fen,
}

/// The lines of a rate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MonthRate {
    /// The rate; none for what plans add to the sum of their rates or take off, for tax, for usage
    /// without a price and for notes.
    #[schema(value_type = Option<String>)]
    pub rate: Option<Name>,
    /// The kind of lines that the row sums.
    pub kind: MonthRateKind,
    /// The calls, less those that were withdrawn.
    pub calls: i64,
    /// The calls of it that came late.
    pub late_calls: i64,
    /// The calls of it that were withdrawn.
    pub void_calls: i64,
    /// The sum of the charges.
    #[schema(value_type = i64)]
    pub charge_fen: Fen,
    /// How the charge comes about: a calculation for each part of the month with terms of its own,
    /// and for each minimum. Their results sum to the charge; none of notes and of usage without a
    /// price.
    pub calculations: Vec<Calculation>,
    /// The lines of the rate bill by bill. Their calls and charges sum to those of the rate.
    pub bills: Vec<RateOfBill>,
}

/// The lines of a rate on one bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RateOfBill {
    /// The day and supplement of the bill.
    #[schema(value_type = String)]
    pub statement: StatementId,
    /// The calls, less those that were withdrawn.
    pub calls: i64,
    /// The sum of the charges.
    #[schema(value_type = i64)]
    pub charge_fen: Fen,
}

/// What lines are summed in a row of a month's bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MonthRateKind {
    /// The lines of a rate.
    Rate,
    /// What plans add to the sum of their rates, or take off.
    Plan,
    /// Tax that is added.
    Tax,
    /// Usage that no rate covers.
    Unpriced,
    /// Credit and debit notes.
    Notes,
}

impl MonthBill {
    /// The bill of a month. Give the statements from its first day on, all later ones that may
    /// still be owed among them, from the oldest to the newest; those of the month with what they
    /// say of each API.
    ///
    /// # Errors
    ///
    /// [`BillError`] when an amount or a count leaves its range.
    pub fn new(
        records: Records<'_>,
        month: BillingMonth,
        statements: &[Statement],
    ) -> Result<MonthBill, BillError> {
        let calendar = records.calendar();
        let days = billed_days(statements, records.account.figures.receivable())?;
        let days = days.into_iter().filter(|day| day.statement.day.month() == month);
        let days = days.collect::<Vec<_>>();
        let of_month = statements.iter().filter(|of| of.statement.day.month() == month);
        let settled = records.account.settled_through.map(|day| day.min(month.last_day()));
        let settled = settled.filter(|day| *day >= month.first_day());
        let first = settled.map_or(month.first_day(), BillingDay::next);
        let last = calendar.day_of(records.now)?.min(month.last_day());
        let is_ahead = records.account.settled_through.is_some_and(|day| day >= month.last_day());
        let is_closed = !calendar.is_open(month, records.now);
        // The account leaves a month that was read whole after its close: no bill is to come then.
        let is_left = is_closed && !records.account.months.contains_key(&month);
        Ok(MonthBill {
            provider: records.provider.provider.clone(),
            month,
            as_of_s: records.now,
            closes_at_s: calendar.closes_at(month),
            is_closed,
            settled_through: settled,
            unbilled: (!is_ahead && !is_left && first <= last).then_some((first, last)),
            taxes: BillTax::of(of_month.clone())?,
            rates: rates(of_month)?,
            total: BilledSum::of(days.iter().map(|day| day.sum))?,
            days,
        })
    }
}

impl BilledSum {
    /// The sum of some.
    pub(super) fn of(
        sums: impl Iterator<Item = BilledSum> + Clone,
    ) -> Result<BilledSum, BillError> {
        Ok(BilledSum {
            calls: sum_of_calls(sums.clone().map(|sum| sum.calls))?,
            charge_fen: Fen::sum(sums.clone().map(|sum| sum.charge_fen))?,
            credited_fen: Fen::sum(sums.clone().map(|sum| sum.credited_fen))?,
            from_prepaid_fen: Fen::sum(sums.clone().map(|sum| sum.from_prepaid_fen))?,
            paid_since_fen: Fen::sum(sums.clone().map(|sum| sum.paid_since_fen))?,
            left_fen: Fen::sum(sums.map(|sum| sum.left_fen))?,
        })
    }
}

/// Statements with what was paid of each, given all that may be owed, from the oldest to the
/// newest.
pub(super) fn billed_days(
    statements: &[Statement],
    receivable: Fen,
) -> Result<Vec<BilledDay>, BillError> {
    let owed = still_owed(statements, receivable)?;
    let day = |(statement, left): (&Statement, Fen)| {
        let due = statement.charge_fen.max(Fen::ZERO).minus(statement.from_prepaid_fen)?;
        let sum = BilledSum {
            calls: new_calls(statement)?,
            charge_fen: statement.charge_fen,
            credited_fen: statement.charge_fen.negated()?.max(Fen::ZERO),
            from_prepaid_fen: statement.from_prepaid_fen,
            paid_since_fen: due.minus(left)?,
            left_fen: left,
        };
        Ok(BilledDay { statement: statement.statement, sum })
    };
    statements.iter().zip(owed).map(day).collect()
}

/// Lines of one rate in the making.
#[derive(Default)]
struct Sum<'a> {
    late: i64,
    void: i64,
    bills: BTreeMap<StatementId, (i64, Fen)>,
    parts: Vec<MonthPart<'a>>,
}

/// A part of the month: its last line, and what all its lines charge.
struct MonthPart<'a> {
    of: (PartOf, Option<Percent>),
    last: (&'a Statement, &'a Line),
    charge_fen: Fen,
}

impl<'a> Sum<'a> {
    /// Counts a line towards its part of the month.
    fn count(&mut self, statement: &'a Statement, line: &'a Line) -> Result<(), BillError> {
        let (of, last) = ((PartOf::of(line), line.tax), (statement, line));
        match self.parts.iter_mut().find(|part| part.of == of) {
            Some(part) => {
                part.last = last;
                part.charge_fen = part.charge_fen.plus(line.charge_fen)?;
            }
            None => self.parts.push(MonthPart { of, last, charge_fen: line.charge_fen }),
        }
        Ok(())
    }

    fn add(
        &mut self,
        bill: StatementId,
        because: LineCause,
        usage: &Usage,
        charge: Fen,
    ) -> Result<(), BillError> {
        let calls = usage.total()?.calls.get();
        let calls = i64::try_from(calls).map_err(|_| BillError::Calls(calls.into()))?;
        let adds = match because {
            LineCause::Usage
            | LineCause::Terms
            | LineCause::Shifted
            | LineCause::Minimum
            | LineCause::Concession
            | LineCause::Tax => calls,
            LineCause::Late => {
                self.late = sum_of_calls([self.late, calls].into_iter())?;
                calls
            }
            LineCause::Void => {
                self.void = sum_of_calls([self.void, calls].into_iter())?;
                -calls
            }
        };
        let of_bill = self.bills.entry(bill).or_default();
        of_bill.0 = sum_of_calls([of_bill.0, adds].into_iter())?;
        of_bill.1 = of_bill.1.plus(charge)?;
        Ok(())
    }
}

fn rates<'a>(statements: impl Iterator<Item = &'a Statement>) -> Result<Vec<MonthRate>, BillError> {
    let mut sums = BTreeMap::<(MonthRateKind, Option<Name>), Sum<'a>>::new();
    for statement in statements {
        for line in &statement.lines {
            let kind = match &line.rate {
                Some(_) => MonthRateKind::Rate,
                None if line.because == LineCause::Tax => MonthRateKind::Tax,
                None => MonthRateKind::Plan,
            };
            let sum = sums.entry((kind, line.rate.clone())).or_default();
            sum.add(statement.statement, line.because, &line.apis, line.charge_fen)?;
            sum.count(statement, line)?;
        }
        for of in &statement.unpriced {
            let sum = sums.entry((MonthRateKind::Unpriced, None)).or_default();
            sum.add(statement.statement, of.because, &of.apis, Fen::ZERO)?;
        }
        for note in &statement.adjustments {
            let sum = sums.entry((MonthRateKind::Notes, None)).or_default();
            sum.add(statement.statement, LineCause::Usage, &Usage::new(), note.amount_fen)?;
        }
    }
    let rate = |((kind, rate), sum): ((MonthRateKind, Option<Name>), Sum<'a>)| {
        let calculated = |part: &MonthPart<'a>| {
            let (statement, last) = part.last;
            Calculation::of_month(statement, last, part.charge_fen)
        };
        Ok(MonthRate {
            calculations: sum.parts.iter().map(calculated).collect::<Result<_, _>>()?,
            rate,
            kind,
            calls: sum_of_calls(sum.bills.values().map(|(calls, _)| *calls))?,
            late_calls: sum.late,
            void_calls: sum.void,
            charge_fen: Fen::sum(sum.bills.values().map(|(_, charge)| *charge))?,
            bills: sum
                .bills
                .into_iter()
                .map(|(statement, (calls, charge_fen))| RateOfBill { statement, calls, charge_fen })
                .collect(),
        })
    };
    sums.into_iter().map(rate).collect()
}
