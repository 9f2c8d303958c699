//! A calculation in the making: row after row, as on the tape of a pocket calculator.

use rust_decimal::Decimal;
use steelyard_billing::Statement;
use steelyard_pricing::{
    AmountOff, Continued, Conversion, Discounted, Fen, Limit, Line, MoneyError, Name, Per,
    Quantity, Rated, Rounded, Yuan,
};

use super::part::Part;
use super::{
    Calculation, CalculationRow, CalculationRule, CalculationUnit, Operator, SliceStep, Step,
};

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
pub(super) struct Tape {
    rows: Vec<(CalculationRow, Kind)>,
}
/// Whether nothing has ever been charged for the rate in the month, and a part of its allowance is
/// left.
pub(super) fn is_within_allowance(line: &Line) -> bool {
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

/// What was metered as the rate counts it, and in what: calls, or yuan where the price is a
/// percentage.
///
/// What is converted is counted with the earlier days that it goes on from, since it is rounded
/// with them.
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
    pub(super) fn money(&mut self, step: Step, amount: Decimal) {
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

    pub(super) fn fen(
        &mut self,
        step: Step,
        operator: Operator,
        amount: Fen,
        rule: CalculationRule,
    ) {
        let value = (Yuan::from(amount).decimal(), Kind::Result);
        self.push(step, operator, value, (CalculationUnit::Yuan, rule));
    }

    pub(super) fn signed_fen(&mut self, step: Step, amount: Fen) -> Result<(), MoneyError> {
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
    pub(super) fn allowance_left(&mut self, line: &Line, part: Part) {
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
    pub(super) fn quantities(&mut self, after: &Rated, part: Part) {
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
    pub(super) fn prices(&mut self, after: &Rated) -> Result<(), MoneyError> {
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
    pub(super) fn concession(&mut self, line: &Line) -> Result<(), MoneyError> {
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
    pub(super) fn minimum(&mut self, line: &Line) -> Result<(), MoneyError> {
        let after = &line.after;
        let step = if line.rate.is_some() { Step::OfRate } else { Step::OfPlan };
        self.money(step, after.base_yuan.decimal());
        self.settled(after)?;
        self.less(Step::ChargedByOthers, after.base_yuan.decimal());
        self.sum(Step::MonthToDate, line.after_yuan()?);
        Ok(())
    }

    /// What tax adds to the month.
    pub(super) fn tax(&mut self, line: &Line) -> Result<(), MoneyError> {
        let (net, tax) = (line.after.base_yuan, line.after_yuan()?);
        self.money(Step::WithoutTax, net.decimal());
        if let Some(percent) = line.tax {
            self.money(Step::Tax { percent }, tax.decimal());
        }
        self.less(Step::ChargedByLines, net.decimal());
        self.sum(Step::MonthToDate, tax);
        Ok(())
    }

    /// What a plan makes of the sum of its rates.
    pub(super) fn plan(&mut self, after: &Rated) -> Result<(), MoneyError> {
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
            if let Some(off) = amount.as_deref() {
                self.less(amount_off(discount, off)?, off_yuan.decimal());
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
    pub(super) fn difference(
        &mut self,
        statement: &Statement,
        line: &Line,
    ) -> Result<(), MoneyError> {
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
    pub(super) fn finished(self) -> Calculation {
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

fn amount_off(discount: Name, off: &AmountOff) -> Result<Step, MoneyError> {
    let AmountOff { yuan, since, earlier_yuan, used_yuan } = *off;
    let used_before = earlier_yuan.plus(used_yuan)?;
    Ok(match since {
        Some(since) => Step::Voucher { discount, given_yuan: yuan, since, used_yuan: used_before },
        None => Step::AmountOff { discount, amount_yuan: yuan, used_yuan: used_before },
    })
}
