//! Calculations that can be keyed into a pocket calculator from top to bottom.
//!
//! A row without an operator begins anew with its value; a row with one takes its value as the
//! second operand; a row with `=` shows the result. The factors of a product stand in the row's
//! step, so that every value can be computed from what is printed.

mod part;
mod tape;

use rust_decimal::Decimal;
use serde::Serialize;
use steelyard_billing::{AdjustmentId, Statement, StatementId};
use steelyard_pricing::{
    BillingDay, Fen, Line, LineCause, MoneyError, Name, Per, Percent, Quantity, RatedToDate,
    Rounding, Slice, Yuan,
};
use utoipa::ToSchema;

use part::{Part, rated_to_date};

pub(super) use part::PartOf;
use tape::{Tape, is_within_allowance};

/// A calculation, row by row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Calculation {
    /// The rows, from top to bottom.
    pub rows: Vec<CalculationRow>,
}

/// A row of a calculation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CalculationRow {
    /// The meaning of the value.
    #[serde(flatten)]
    pub step: Step,
    /// The operation that applies the value to the result so far.
    pub operator: Operator,
    /// The value, with the decimals that are shown.
    #[schema(value_type = String)]
    pub value: Decimal,
    /// What the value is of.
    pub unit: CalculationUnit,
    /// How the row is ruled.
    pub rule: CalculationRule,
}

/// What is done with the value of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    /// The calculation begins anew with the value.
    Begin,
    /// The value is added to the result so far.
    Plus,
    /// The value is subtracted from the result so far.
    Minus,
    /// The result so far is multiplied by it.
    Times,
    /// The result so far is divided by it.
    DividedBy,
    /// It is the result so far, rounded where the step says so.
    Equals,
}

/// What the value of a row is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CalculationUnit {
    /// A number of calls.
    Calls,
    /// Units that calls or amounts were converted to.
    Units,
    /// Yuan that went through calls, or money that is charged.
    Yuan,
    /// A plain number.
    Number,
}

/// How a row is ruled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CalculationRule {
    /// A row of a sum, without a rule.
    Term,
    /// Without a rule, after a gap.
    Gap,
    /// A rule above: an intermediate result.
    Sum,
    /// A rule above and a double one below: the result.
    Total,
}

/// What the value of a row is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// What was metered from one day through another under the rate.
    Metered {
        /// The first day: that of the month, or of the part of it in which the terms hold.
        #[schema(value_type = String)]
        from: BillingDay,
        /// The last day.
        #[schema(value_type = String)]
        through: BillingDay,
    },
    /// What each call or yuan is multiplied by.
    Multiplied,
    /// What the product is divided by.
    Divided,
    /// The units that were metered, exact.
    Converted,
    /// The units, rounded up to a whole one.
    ConvertedUp,
    /// The units, rounded down to a whole one.
    ConvertedDown,
    /// The units, rounded to the nearest whole one, half a unit up.
    ConvertedHalfUp,
    /// The units, rounded to the nearest whole one, half a unit to the even one.
    ConvertedHalfEven,
    /// The units of earlier days of the month.
    EarlierConverted,
    /// What was used of the free allowance.
    Free {
        /// The free units of the period, the used ones included.
        #[schema(value_type = String)]
        allowance: Decimal,
        /// The days that the allowance is for, where the terms hold for a part of the month.
        of_days: Option<ShareOfMonth>,
    },
    /// What was used of the allowance that each day has, over all days.
    FreeByDay {
        /// The allowance of a day.
        #[schema(value_type = String)]
        allowance: Decimal,
    },
    /// What was used of the allowance that all rates of the plan share.
    PlanFree,
    /// The units beyond all allowances.
    ToBeCharged,
    /// What earlier days of the month had beyond all allowances.
    EarlierUnits,
    /// The units of the month beyond all allowances, which the tiers count.
    UnitsInTiers,
    /// What the units of the earlier days cost at these prices.
    EarlierPrice,
    /// What the units of these days add.
    Added,
    /// The whole free allowance.
    Allowance {
        /// The days that it is for, where the terms hold for a part of the month.
        of_days: Option<ShareOfMonth>,
    },
    /// What is left of the free allowance.
    StillFree,
    /// Nothing is beyond the allowances.
    Nothing,
    /// Units at one price.
    Slice(SliceStep),
    /// What was due for entering a tier.
    FlatFee,
    /// The sum before discounts.
    Together,
    /// What a discount took off.
    Discount {
        /// The name that the plan gives the discount.
        #[schema(value_type = String)]
        discount: Name,
        /// The percentage that it takes off.
        #[schema(value_type = String)]
        percent: Percent,
        /// What the percentage is of.
        #[schema(value_type = String)]
        of_yuan: Yuan,
        /// Whether that is the result of the rows above.
        is_of_result: bool,
        /// Whether it would be more than was left.
        is_all_that_is_left: bool,
    },
    /// A fixed amount that is taken off, no more than is left.
    AmountOff {
        /// The name of the discount.
        #[schema(value_type = String)]
        discount: Name,
        /// The amount of the month.
        #[schema(value_type = String)]
        amount_yuan: Yuan,
        /// What earlier days of the month had of it, under other terms.
        #[schema(value_type = String)]
        used_yuan: Yuan,
    },
    /// A voucher that is taken off, no more than is left.
    Voucher {
        /// The name of the discount.
        #[schema(value_type = String)]
        discount: Name,
        /// How much was given so far.
        #[schema(value_type = String)]
        given_yuan: Yuan,
        /// The day from which it is given.
        #[schema(value_type = String)]
        since: BillingDay,
        /// What earlier months, and earlier days of the month under other terms, had of it.
        #[schema(value_type = String)]
        used_yuan: Yuan,
    },
    /// What is above the most that is charged.
    AboveMaximum {
        /// The maximum of the rate or the plan.
        #[schema(value_type = String)]
        maximum_yuan: Yuan,
        /// What earlier days of the month were charged of it, under other terms.
        #[schema(value_type = String)]
        earlier_yuan: Yuan,
    },
    /// What is missing to the least that is charged, now that the month is over.
    UpToMinimum {
        /// The minimum of the rate or the plan.
        #[schema(value_type = String)]
        minimum_yuan: Yuan,
        /// What earlier days of the month were charged of it, under other terms.
        #[schema(value_type = String)]
        earlier_yuan: Yuan,
    },
    /// What is charged when the month is over, and not now.
    Deferred,
    /// The amount of the month to date.
    MonthToDate,
    /// What the month amounts to with every concession.
    WithConcessions,
    /// What is taken off it down to what it amounts to without some.
    WithoutConcessions {
        /// Those that are left out.
        #[schema(value_type = Vec<String>)]
        without: Vec<String>,
    },
    /// What the other lines of the month charge.
    ChargedByLines,
    /// What the rate amounts to without its minimum.
    OfRate,
    /// What all rates amount to, less discounts of the plan, without the plan's minimum.
    OfPlan,
    /// What the other lines of the rate, or of the month, charge.
    ChargedByOthers,
    /// The charges of the month without tax.
    WithoutTax,
    /// The tax on them, to the nearest fen.
    Tax {
        /// The percentage of the tax.
        #[schema(value_type = String)]
        percent: Percent,
    },
    /// What all rates amount to.
    AllRates,
    /// What the lines of the rates charge.
    ChargedByRates,
    /// The amount that earlier bills of the month charged.
    ChargedBefore {
        /// Before the usage of this day; none where the line is of other days.
        #[schema(value_type = Option<String>)]
        day: Option<BillingDay>,
    },
    /// The unrounded amount.
    Exact,
    /// What rounding adds or takes off.
    Rounding,
    /// The amount of the line.
    Line,
    /// The exact month to date of one rate, or of the plan.
    RatedToDate {
        /// The first day of the terms.
        #[schema(value_type = String)]
        segment: BillingDay,
        /// The rate; none for what the plan adds or takes off.
        #[schema(value_type = Option<String>)]
        rate: Option<Name>,
    },
    /// What makes up a minimum.
    MinimumToDate {
        /// The first day of the terms.
        #[schema(value_type = String)]
        segment: BillingDay,
        /// The rate; none for the minimum of the plan.
        #[schema(value_type = Option<String>)]
        rate: Option<Name>,
    },
    /// What is taken off the month because of a concession.
    ConcessionToDate,
    /// The month to date, rounded to fen.
    Rounded {
        /// The rule of rounding that the month keeps.
        #[schema(value_type = String)]
        rounding: Rounding,
    },
    /// The tax that is added to the month to date.
    TaxToDate,
    /// What the bills of the month before this one charge for usage, tax included.
    EarlierBills,
    /// The charge for usage.
    Usage,
    /// A credit or debit note.
    Note {
        /// The id of the note.
        #[schema(value_type = String)]
        adjustment: AdjustmentId,
        /// The bill that it corrects.
        #[schema(value_type = String)]
        corrects: StatementId,
    },
    /// The charge of the bill.
    Charge,
}

/// Units at one price: the count is what is counted of the units, and the value is count × price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SliceStep {
    /// The units that this price applies to.
    #[schema(value_type = String)]
    pub units: Decimal,
    /// The kind of unit that the price is for.
    pub per: SlicePer,
    /// The units in a package or a block.
    #[schema(value_type = Option<String>)]
    pub size: Option<Quantity>,
    /// The number of priced units, packages or blocks.
    #[schema(value_type = String)]
    pub count: Decimal,
    /// The price of one; of an amount the share of a yuan.
    #[schema(value_type = String)]
    pub price_yuan: Yuan,
}

/// The kind of unit that a price is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SlicePer {
    /// One by one.
    Unit,
    /// By the package; a started one counts.
    StartedPackage,
    /// By the package; a full one counts.
    FullPackage,
    /// By the package; the last one counts from its half on.
    HalfUpPackage,
    /// By the package; the last one counts above its half, and at its half where that makes an even
    /// number.
    HalfEvenPackage,
    /// By the block; a started one counts.
    StartedBlock,
    /// By the yuan that went through calls.
    Yuan,
    /// By the call, beside an amount.
    Call,
}

/// A part of a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ShareOfMonth {
    /// The days of the part.
    pub days: u64,
    /// The days of the month.
    pub of: u64,
}
impl Calculation {
    /// How the amount of a line of a statement comes about.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when an amount leaves its range; never for a statement that was made.
    pub fn of_line(statement: &Statement, line: &Line) -> Result<Calculation, MoneyError> {
        let mut tape = Tape::default();
        if line.because == LineCause::Concession {
            tape.concession(line)?;
        } else if line.because == LineCause::Minimum {
            tape.minimum(line)?;
        } else if line.because == LineCause::Tax {
            tape.tax(line)?;
        } else if line.rate.is_none() {
            tape.plan(&line.after)?;
        } else {
            let part = Part::of(statement, line);
            if is_within_allowance(line) {
                tape.allowance_left(line, part);
                return Ok(tape.finished());
            }
            tape.quantities(&line.after, part);
            tape.prices(&line.after)?;
        }
        tape.difference(statement, line)?;
        Ok(tape.finished())
    }

    /// How what a month charges of one part comes about, given the last statement with a line of
    /// it, that line, and the sum of the charges of all its lines: as if one line charged it.
    pub(super) fn of_month(
        statement: &Statement,
        last: &Line,
        charge_fen: Fen,
    ) -> Result<Calculation, MoneyError> {
        let exact_yuan = last.after_yuan()?;
        let because = if last.adjusts() { last.because } else { LineCause::Usage };
        let all = Line {
            because,
            before: RatedToDate::default(),
            exact_yuan,
            rounding_yuan: Yuan::from(charge_fen).minus(exact_yuan)?,
            charge_fen,
            ..last.clone()
        };
        Calculation::of_line(statement, &all)
    }

    /// How the charge of a statement comes about: the month to date, rounded once, less what was
    /// charged.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when an amount leaves its range; never for a statement that was made.
    pub fn of_charge(statement: &Statement) -> Result<Calculation, MoneyError> {
        let mut tape = Tape::default();
        let parts = rated_to_date(statement)?;
        if parts.is_empty() {
            tape.money(Step::MonthToDate, statement.rated_yuan.decimal());
        }
        for (part, yuan) in parts {
            let step = match part {
                PartOf::Rate(segment, rate) => Step::RatedToDate { segment, rate: Some(rate) },
                PartOf::Plan(segment) => Step::RatedToDate { segment, rate: None },
                PartOf::Minimum(segment, rate) => Step::MinimumToDate { segment, rate },
                PartOf::Concession => Step::ConcessionToDate,
            };
            tape.money(step, yuan.decimal());
        }
        let rounding = statement.rounding;
        let rounded = statement.rated_yuan.to_fen_rounded(rounding)?;
        tape.fen(Step::Rounded { rounding }, Operator::Equals, rounded, CalculationRule::Sum);
        if !statement.tax_fen.is_zero() {
            tape.signed_fen(Step::TaxToDate, statement.tax_fen)?;
        }
        tape.signed_fen(Step::EarlierBills, statement.charged_before_fen.negated()?)?;
        if !statement.adjustments.is_empty() {
            let usage = statement.usage_fen()?;
            tape.fen(Step::Usage, Operator::Equals, usage, CalculationRule::Sum);
            for note in &statement.adjustments {
                let (adjustment, corrects) = (note.adjustment.clone(), note.of.corrects);
                tape.signed_fen(Step::Note { adjustment, corrects }, note.amount_fen)?;
            }
        }
        let charge = statement.charge_fen;
        tape.fen(Step::Charge, Operator::Equals, charge, CalculationRule::Total);
        Ok(tape.finished())
    }

    /// The value of the last row.
    #[must_use]
    pub fn result(&self) -> Option<Decimal> {
        self.rows.last().map(|row| row.value)
    }
}
impl SliceStep {
    pub(crate) fn of(slice: &Slice) -> SliceStep {
        let (per, size) = match slice.per {
            Per::Unit => (SlicePer::Unit, None),
            Per::Package(size) => (SlicePer::StartedPackage, Some(size)),
            Per::FullPackage(size) => (SlicePer::FullPackage, Some(size)),
            Per::HalfUpPackage(size) => (SlicePer::HalfUpPackage, Some(size)),
            Per::HalfEvenPackage(size) => (SlicePer::HalfEvenPackage, Some(size)),
            Per::Block(size) => (SlicePer::StartedBlock, Some(size)),
            Per::Yuan => (SlicePer::Yuan, None),
            Per::Call => (SlicePer::Call, None),
        };
        let units = (slice.to - slice.from).normalize();
        SliceStep { units, per, size, count: slice.count.normalize(), price_yuan: slice.price }
    }
}
