//! Calculations that can be keyed into a pocket calculator from top to bottom.
//!
//! A row without an operator begins anew with its value; a row with one takes its value as the second
//! operand; a row with `=` shows the result. The factors of a product stand in the row's step, so that
//! every value can be computed from what is printed.

use rust_decimal::Decimal;
use serde::Serialize;
use steelyard_billing::{AdjustmentId, Statement, StatementId};
use steelyard_pricing::{
    AmountOff, BillingDay, Continued, Conversion, Discounted, Fen, Limit, Line, LineCause,
    MoneyError, Name, Per, Percent, Quantity, Rated, Rounded, Rounding, SegmentSpan, Slice, Yuan,
};
use utoipa::ToSchema;

/// A calculation, row by row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Calculation {
    /// The rows, from top to bottom.
    pub rows: Vec<CalculationRow>,
}

/// A row of a calculation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CalculationRow {
    /// What the value is.
    #[serde(flatten)]
    pub step: Step,
    /// What is done with the value.
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
    /// It is added.
    Plus,
    /// It is taken off.
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
    /// Calls.
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
    /// Without a rule.
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
        /// The allowance.
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
    /// What is beyond all allowances.
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
        /// Its name.
        #[schema(value_type = String)]
        discount: Name,
        /// Its percentage.
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
        /// Its name.
        #[schema(value_type = String)]
        discount: Name,
        /// The amount of the month.
        #[schema(value_type = String)]
        amount_yuan: Yuan,
        /// What earlier days of the month had of it, under other terms.
        #[schema(value_type = String)]
        used_yuan: Yuan,
    },
    /// What is above the most that is charged.
    AboveMaximum {
        /// The most.
        #[schema(value_type = String)]
        maximum_yuan: Yuan,
        /// What earlier days of the month were charged of it, under other terms.
        #[schema(value_type = String)]
        earlier_yuan: Yuan,
    },
    /// What is missing to the least that is charged, now that the month is over.
    UpToMinimum {
        /// The least.
        #[schema(value_type = String)]
        minimum_yuan: Yuan,
        /// What earlier days of the month were charged of it, under other terms.
        #[schema(value_type = String)]
        earlier_yuan: Yuan,
    },
    /// What is charged when the month is over, and not now.
    Deferred,
    /// The month to date.
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
    /// What the month charges to which tax is added.
    WithoutTax,
    /// What tax adds to it, to the fen.
    Tax {
        /// The rate of the tax.
        #[schema(value_type = String)]
        percent: Percent,
    },
    /// What all rates amount to.
    AllRates,
    /// What the lines of the rates charge.
    ChargedByRates,
    /// What was charged before.
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
        /// The rule.
        #[schema(value_type = String)]
        rounding: Rounding,
    },
    /// The tax that is added to the month to date.
    TaxToDate,
    /// What the bills of the month before this one charge for usage, tax included.
    EarlierBills,
    /// What is charged for usage.
    Usage,
    /// A credit or debit note.
    Note {
        /// Its name.
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
    /// The units.
    #[schema(value_type = String)]
    pub units: Decimal,
    /// How they are counted.
    pub per: SlicePer,
    /// The units in a package or a block.
    #[schema(value_type = Option<String>)]
    pub size: Option<Quantity>,
    /// How many.
    #[schema(value_type = String)]
    pub count: Decimal,
    /// The price of one; of an amount the share of a yuan.
    #[schema(value_type = String)]
    pub price_yuan: Yuan,
}

/// How units are counted.
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

/// What of a month the metered calls of a line are.
#[derive(Clone, Copy, Debug)]
struct Part {
    from: BillingDay,
    through: BillingDay,
    share: Option<ShareOfMonth>,
    own_day: Option<BillingDay>,
}

/// What a row counts: each kind is shown with decimals of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Quantity,
    Money,
    Result,
    Number,
}

/// A calculation in the making.
#[derive(Default)]
struct Tape {
    rows: Vec<(CalculationRow, Kind)>,
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
            tape.tax(statement, line)?;
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

    /// How the charge of a statement comes about: the month to date, rounded once, less what was charged.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when an amount leaves its range; never for a statement that was made.
    pub fn of_charge(statement: &Statement) -> Result<Calculation, MoneyError> {
        let mut tape = Tape::default();
        let parts = rated_to_date(statement)?;
        for (part, yuan) in parts {
            let step = match part {
                PartOf::Rate(segment, rate) => Step::RatedToDate { segment, rate: Some(rate) },
                PartOf::Plan(segment) => Step::RatedToDate { segment, rate: None },
                PartOf::Minimum(segment, rate) => Step::MinimumToDate { segment, rate },
                PartOf::Concession => Step::ConcessionToDate,
            };
            tape.money(step, yuan.decimal());
        }
        if tape.rows.is_empty() {
            tape.money(Step::MonthToDate, statement.rated_yuan.decimal());
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

impl Part {
    fn of(statement: &Statement, line: &Line) -> Part {
        let day = statement.statement.day;
        let is_own = line.because == LineCause::Usage;
        // Late and withdrawn usage is rated before the statement's own day, but for supplements.
        let has_own = statement.statement.supplement == 0;
        let last = if is_own || !has_own { day } else { day.previous() };
        let span = statement.span_from(line.segment);
        let last_of_span = span.map_or(last, |span| span.until.previous());
        let goes_on = line.after.continued.is_some() && line.after.conversion.is_some();
        let first = span.filter(|_| goes_on).map_or(line.segment, |span| span.run().start);
        Part {
            from: first,
            through: last.min(last_of_span).max(line.segment),
            share: span.and_then(share_of_month),
            own_day: is_own.then_some(day),
        }
    }
}

fn share_of_month(span: &SegmentSpan) -> Option<ShareOfMonth> {
    let run = span.run();
    let (days, of) = (run.start.days_until(run.end), span.from.month().days());
    (days < of).then_some(ShareOfMonth { days, of })
}

/// What an amount of the month to date is of, by the first day of the terms.
#[derive(Clone, Debug, PartialEq, Eq)]
enum PartOf {
    Rate(BillingDay, Name),
    Plan(BillingDay),
    Minimum(BillingDay, Option<Name>),
    Concession,
}

impl PartOf {
    fn of(line: &Line) -> PartOf {
        match (line.because, &line.rate) {
            (LineCause::Concession, _) => PartOf::Concession,
            (LineCause::Minimum, rate) => PartOf::Minimum(line.segment, rate.clone()),
            (_, Some(rate)) => PartOf::Rate(line.segment, rate.clone()),
            (_, None) => PartOf::Plan(line.segment),
        }
    }

    /// Segment by segment: rates, each with its minimum, then the plan.
    fn order(&self) -> (bool, Option<BillingDay>, bool, Option<&Name>, bool) {
        match self {
            PartOf::Rate(segment, rate) => (false, Some(*segment), false, Some(rate), false),
            PartOf::Minimum(segment, rate) => {
                (false, Some(*segment), rate.is_none(), rate.as_ref(), true)
            }
            PartOf::Plan(segment) => (false, Some(*segment), true, None, false),
            PartOf::Concession => (true, None, false, None, false),
        }
    }
}

/// The latest exact amount of each rate of the month, if the statement's lines name all of it.
fn rated_to_date(statement: &Statement) -> Result<Vec<(PartOf, Yuan)>, MoneyError> {
    let mut parts: Vec<(PartOf, Yuan)> = Vec::new();
    for line in statement.lines.iter().filter(|line| line.because != LineCause::Tax) {
        let now = line.after_yuan()?;
        let key = PartOf::of(line);
        match parts.iter_mut().find(|part| part.0 == key) {
            Some(part) => part.1 = now,
            None => parts.push((key, now)),
        }
    }
    parts.sort_by(|(one, _), (other, _)| one.order().cmp(&other.order()));
    let all = Yuan::sum(parts.iter().map(|(_, yuan)| *yuan))?;
    Ok(if all == statement.rated_yuan { parts } else { Vec::new() })
}

/// Whether nothing has ever been charged for the rate in the month, and a part of its allowance is left.
fn is_within_allowance(line: &Line) -> bool {
    let Line { before, after, .. } = line;
    let costs_nothing = before.yuan.is_zero()
        && after.base_yuan.is_zero()
        && after.due_yuan.is_zero()
        && line.charge_fen.is_zero()
        && line.rounding_yuan.is_zero();
    let by_month = after.days.is_empty() && after.units <= after.free && !after.free.is_zero();
    let is_plain =
        after.conversion.is_none() && after.plan_free_used.is_zero() && after.continued.is_none();
    costs_nothing && by_month && is_plain && after.slices.is_empty() && after.limit.is_none()
}

/// What was metered as the rate counts it, and in what: calls, or yuan where the price is a percentage.
///
/// What is converted is counted with the earlier days that it goes on from, since it is rounded with them.
fn metered(after: &Rated) -> (Decimal, CalculationUnit) {
    let before = after.continued.as_ref().filter(|_| after.conversion.is_some());
    let none = Continued::default();
    let before = before.map_or(&none, |before| before);
    let calls =
        Decimal::from(before.metered.calls.get()) + Decimal::from(after.metered.calls.get());
    let units = after.conversion.as_ref().map_or(calls, |conversion| conversion.units(calls));
    let is_of_amount = after.slices.iter().any(|slice| slice.per == Per::Yuan);
    if !is_of_amount && units == after.units + before.units {
        (calls, CalculationUnit::Calls)
    } else {
        (before.metered.amount.get() + after.metered.amount.get(), CalculationUnit::Yuan)
    }
}

impl Tape {
    fn push(
        &mut self,
        step: Step,
        operator: Operator,
        (value, kind): (Decimal, Kind),
        (unit, rule): (CalculationUnit, CalculationRule),
    ) {
        let row = CalculationRow { step, operator, value: value.normalize(), unit, rule };
        self.rows.push((row, kind));
    }

    fn quantity(&mut self, step: Step, operator: Operator, value: Decimal, unit: CalculationUnit) {
        let rule = match operator {
            Operator::Equals => CalculationRule::Sum,
            Operator::Begin
            | Operator::Plus
            | Operator::Minus
            | Operator::Times
            | Operator::DividedBy => CalculationRule::Term,
        };
        self.push(step, operator, (value, Kind::Quantity), (unit, rule));
    }

    /// An amount that is added, or taken off if it is negative; the first of the money begins.
    fn money(&mut self, step: Step, amount: Decimal) {
        let is_first = !self.rows.iter().any(|(_, kind)| *kind == Kind::Money);
        let is_below_others = is_first && !self.rows.is_empty();
        let (operator, value) = match (is_first, amount.is_sign_negative()) {
            (true, _) => (Operator::Begin, amount),
            (false, true) => (Operator::Minus, -amount),
            (false, false) => (Operator::Plus, amount),
        };
        let rule = if is_below_others { CalculationRule::Gap } else { CalculationRule::Term };
        self.push(step, operator, (value, Kind::Money), (CalculationUnit::Yuan, rule));
    }

    /// An amount that is taken off, or added if it is negative.
    fn less(&mut self, step: Step, amount: Decimal) {
        let (operator, value) = if amount.is_sign_negative() {
            (Operator::Plus, -amount)
        } else {
            (Operator::Minus, amount)
        };
        let ruled = (CalculationUnit::Yuan, CalculationRule::Term);
        self.push(step, operator, (value, Kind::Money), ruled);
    }

    fn sum(&mut self, step: Step, amount: Yuan) {
        let ruled = (CalculationUnit::Yuan, CalculationRule::Sum);
        self.push(step, Operator::Equals, (amount.decimal(), Kind::Money), ruled);
    }

    fn fen(&mut self, step: Step, operator: Operator, amount: Fen, rule: CalculationRule) {
        let value = (Yuan::from(amount).decimal(), Kind::Result);
        self.push(step, operator, value, (CalculationUnit::Yuan, rule));
    }

    fn signed_fen(&mut self, step: Step, amount: Fen) -> Result<(), MoneyError> {
        let (operator, amount) = if amount.is_positive() {
            (Operator::Plus, amount)
        } else {
            (Operator::Minus, amount.negated()?)
        };
        self.fen(step, operator, amount, CalculationRule::Term);
        Ok(())
    }

    /// How many rows of money there are.
    fn terms(&self) -> usize {
        self.rows.iter().filter(|(_, kind)| *kind == Kind::Money).count()
    }

    /// A line within its allowance: what is left of it.
    fn allowance_left(&mut self, line: &Line, part: Part) {
        let Rated { units, free, .. } = line.after;
        let (_, unit) = metered(&line.after);
        let Part { from, through, share, .. } = part;
        self.quantity(Step::Allowance { of_days: share }, Operator::Begin, free, unit);
        self.quantity(Step::Metered { from, through }, Operator::Minus, units, unit);
        self.quantity(Step::StillFree, Operator::Equals, free - units, unit);
        // What is left of the allowance is not what the amount follows from.
        self.fen(Step::Line, Operator::Begin, Fen::ZERO, CalculationRule::Total);
    }

    /// From what was metered to what is to be charged.
    fn quantities(&mut self, after: &Rated, part: Part) {
        let Part { from, through, share, .. } = part;
        let (metered, unit) = metered(after);
        self.quantity(Step::Metered { from, through }, Operator::Begin, metered, unit);
        let unit = self.conversion(after, unit);
        let allowance = after.free;
        let free = if after.days.is_empty() {
            Step::Free { allowance, of_days: share }
        } else {
            Step::FreeByDay { allowance }
        };
        for (step, used) in [(free, after.free_used), (Step::PlanFree, after.plan_free_used)] {
            if !used.is_zero() {
                self.quantity(step, Operator::Minus, used, unit);
            }
        }
        let used = after.free_used + after.plan_free_used;
        if !used.is_zero() {
            self.quantity(Step::ToBeCharged, Operator::Equals, after.units - used, unit);
        }
        let earlier = after.continued.as_ref().map_or(Decimal::ZERO, |before| before.beyond());
        if !earlier.is_zero() {
            self.quantity(Step::EarlierUnits, Operator::Plus, earlier, unit);
            self.quantity(Step::UnitsInTiers, Operator::Equals, after.reached(), unit);
        }
    }

    fn conversion(&mut self, after: &Rated, unit: CalculationUnit) -> CalculationUnit {
        let Some(Conversion { multiply, divide, round }) = &after.conversion else { return unit };
        let number = (CalculationUnit::Number, CalculationRule::Term);
        for (step, operator, factor) in [
            (Step::Multiplied, Operator::Times, multiply),
            (Step::Divided, Operator::DividedBy, divide),
        ] {
            if *factor != Quantity::ONE {
                self.push(step, operator, (factor.get(), Kind::Number), number);
            }
        }
        let step = match round {
            Rounded::None => Step::Converted,
            Rounded::Up => Step::ConvertedUp,
            Rounded::Down => Step::ConvertedDown,
            Rounded::HalfUp => Step::ConvertedHalfUp,
            Rounded::HalfEven => Step::ConvertedHalfEven,
        };
        let before = after.continued.as_ref().map_or(Decimal::ZERO, |before| before.units);
        self.quantity(step, Operator::Equals, after.units + before, CalculationUnit::Units);
        if !before.is_zero() {
            self.quantity(Step::EarlierConverted, Operator::Minus, before, CalculationUnit::Units);
            self.quantity(Step::Converted, Operator::Equals, after.units, CalculationUnit::Units);
        }
        CalculationUnit::Units
    }

    /// From what is to be charged to the month to date of a rate.
    fn prices(&mut self, after: &Rated) -> Result<(), MoneyError> {
        for slice in &after.slices {
            let fee = slice.flat_fee;
            let priced = slice.amount.minus(fee)?;
            if !slice.count.is_zero() || fee.is_zero() {
                self.money(Step::Slice(SliceStep::of(slice)), priced.decimal());
            }
            if !fee.is_zero() {
                self.money(Step::FlatFee, fee.decimal());
            }
        }
        if after.slices.is_empty() {
            self.money(Step::Nothing, Decimal::ZERO);
        }
        if let Some(before) = after.continued.as_ref().filter(|before| !before.slices.is_empty()) {
            self.less(Step::EarlierPrice, before.base_yuan.decimal());
            self.sum(Step::Added, after.base_yuan);
        }
        self.settled(after)
    }

    /// What a concession takes off the month.
    fn concession(&mut self, line: &Line) -> Result<(), MoneyError> {
        let Rated { base_yuan, due_yuan, .. } = line.after;
        self.money(Step::WithConcessions, base_yuan.decimal());
        if !line.without.is_empty() {
            let without = line.without.iter().map(ToString::to_string).collect();
            let off = base_yuan.minus(due_yuan)?;
            self.less(Step::WithoutConcessions { without }, off.decimal());
        }
        self.less(Step::ChargedByLines, base_yuan.decimal());
        self.sum(Step::MonthToDate, due_yuan.minus(base_yuan)?);
        Ok(())
    }

    /// What makes up a minimum.
    fn minimum(&mut self, line: &Line) -> Result<(), MoneyError> {
        let after = &line.after;
        let step = if line.rate.is_some() { Step::OfRate } else { Step::OfPlan };
        self.money(step, after.base_yuan.decimal());
        self.settled(after)?;
        self.less(Step::ChargedByOthers, after.base_yuan.decimal());
        self.sum(Step::MonthToDate, line.after_yuan()?);
        Ok(())
    }

    /// What tax adds to the month.
    fn tax(&mut self, statement: &Statement, line: &Line) -> Result<(), MoneyError> {
        let (net, tax) = (line.after.base_yuan, line.after_yuan()?);
        self.money(Step::WithoutTax, net.decimal());
        let percent = statement.span_from(line.segment).and_then(|span| span.tax);
        let percent = percent.map_or(Percent::default(), |tax| tax.percent);
        self.money(Step::Tax { percent }, tax.decimal());
        self.less(Step::ChargedByLines, net.decimal());
        self.sum(Step::MonthToDate, tax);
        Ok(())
    }

    /// What a plan makes of the sum of its rates.
    fn plan(&mut self, after: &Rated) -> Result<(), MoneyError> {
        self.money(Step::AllRates, after.base_yuan.decimal());
        self.settled(after)?;
        self.less(Step::ChargedByRates, after.base_yuan.decimal());
        self.sum(Step::MonthToDate, after.due_yuan.minus(after.base_yuan)?);
        Ok(())
    }

    /// Discounts and limits.
    fn settled(&mut self, after: &Rated) -> Result<(), MoneyError> {
        let is_summed = self.rows.last().is_some_and(|(row, _)| row.step == Step::Added);
        if self.terms() > 1 && !after.discounts.is_empty() && !is_summed {
            self.sum(Step::Together, after.base_yuan);
        }
        let mut left = after.base_yuan;
        for discounted in &after.discounts {
            let Discounted { discount, percent, amount, of_yuan, off_yuan } = discounted.clone();
            if let Some(AmountOff { yuan: amount_yuan, used_yuan }) = amount.as_deref().copied() {
                let step = Step::AmountOff { discount, amount_yuan, used_yuan };
                self.less(step, off_yuan.decimal());
                left = left.minus(off_yuan)?;
                continue;
            }
            let whole = of_yuan.percent(percent)?;
            let step = Step::Discount {
                discount,
                percent,
                of_yuan,
                is_of_result: of_yuan == left,
                is_all_that_is_left: off_yuan < whole,
            };
            self.less(step, off_yuan.decimal());
            left = left.minus(off_yuan)?;
        }
        let continued = after.continued.as_ref();
        let earlier_yuan = continued.map_or(Yuan::ZERO, |continued| continued.due_yuan);
        match after.limit {
            Some(Limit::Maximum(maximum_yuan)) => {
                let above = left.minus(after.due_at_month_end())?;
                self.less(Step::AboveMaximum { maximum_yuan, earlier_yuan }, above.decimal());
            }
            Some(Limit::Minimum(minimum_yuan)) => {
                let missing = after.due_yuan.minus(left)?;
                self.money(Step::UpToMinimum { minimum_yuan, earlier_yuan }, missing.decimal());
            }
            None => {}
        }
        if let Some(deferred) = &after.deferred_yuan {
            self.less(Step::Deferred, deferred.decimal());
        }
        Ok(())
    }

    /// From the month to date to the amount of the line.
    fn difference(&mut self, statement: &Statement, line: &Line) -> Result<(), MoneyError> {
        let (before, rounding) = (line.before.yuan, line.rounding_yuan);
        if !line.adjusts() && self.terms() > 1 {
            self.sum(Step::MonthToDate, line.after_yuan()?);
        }
        if !before.is_zero() {
            let day = Part::of(statement, line).own_day;
            self.less(Step::ChargedBefore { day }, before.decimal());
        }
        if !rounding.is_zero() {
            if !before.is_zero() {
                self.sum(Step::Exact, line.exact_yuan);
            }
            self.money(Step::Rounding, rounding.decimal());
        }
        self.fen(Step::Line, Operator::Equals, line.charge_fen, CalculationRule::Total);
        Ok(())
    }

    /// The rows, those of one kind with the same number of decimals.
    fn finished(self) -> Calculation {
        let scale = |of: Kind, least: u32| {
            let rows = self.rows.iter().filter(|(_, kind)| *kind == of);
            rows.map(|(row, _)| row.value.scale()).max().unwrap_or(0).max(least)
        };
        let (quantity, money) = (scale(Kind::Quantity, 0), scale(Kind::Money, 2));
        let rows = self.rows.into_iter().map(|(mut row, kind)| {
            match kind {
                Kind::Quantity => row.value.rescale(quantity),
                Kind::Money => row.value.rescale(money),
                Kind::Result => row.value.rescale(2),
                Kind::Number => {}
            }
            row
        });
        Calculation { rows: rows.collect() }
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
