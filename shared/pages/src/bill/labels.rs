//! The words of a calculation's rows.

use rust_decimal::Decimal;
use steelyard_pricing::{BillingDay, Name, Percent, Rounding, Yuan};

use super::calculation::{
    Calculation, CalculationRow, CalculationRule, CalculationUnit, Operator, ShareOfMonth,
    SlicePer, SliceStep, Step,
};
use crate::lang::{Lang, texts};
use crate::show::{Count, Html, Price, Units};
use crate::strip::{Strip, StripKind, StripRow};

texts! {
    /// The words of calculations.
    struct Labels;

    calls_to(day: BillingDay) { en: "Calls this month, to {day}", zh: "截至 {day}的本月次数" }
    calls_from_to(from: BillingDay, day: BillingDay) {
        en: "Calls from {from} to {day}", zh: "{from}至 {day}的次数",
    }
    amount_to(day: BillingDay) { en: "Amount this month, to {day}", zh: "截至 {day}的本月金额" }
    amount_from_to(from: BillingDay, day: BillingDay) {
        en: "Amount from {from} to {day}", zh: "{from}至 {day}的金额",
    }
    multiplied() { en: "units for each", zh: "每次折合单位" }
    divided() { en: "for one unit", zh: "每单位次数" }
    converted() { en: "units", zh: "单位数" }
    converted_up() { en: "units, rounded up", zh: "单位数，向上取整" }
    converted_down() { en: "units, rounded down", zh: "单位数，向下取整" }
    converted_half_up() { en: "units, rounded half up", zh: "单位数，四舍五入" }
    converted_half_even() { en: "units, rounded half to even", zh: "单位数，四舍六入五成双" }
    free() { en: "free allowance", zh: "免费额度" }
    free_of_days(days: Count, of: Count) {
        en: "free allowance, {days} of {of} days", zh: "免费额度，{of} 日中的 {days}日",
    }
    free_by_day(allowance: Units) {
        en: "free on its days, up to {allowance} each", zh: "各日免费，每日至多 {allowance}",
    }
    plan_free() { en: "free by the plan's shared allowance", zh: "方案共享免费额度" }
    to_be_charged() { en: "to be charged", zh: "计费用量" }
    earlier_converted() { en: "units of earlier days", zh: "此前各日的单位数" }
    earlier_units() { en: "charged for earlier days of the month", zh: "本月此前各日的计费用量" }
    units_in_tiers() { en: "together, as the prices count them", zh: "合计（按此计算价格）" }
    earlier_price() { en: "the earlier days at these prices", zh: "此前各日按此价格" }
    added() { en: "what these days add", zh: "本时段新增" }
    with_concessions() { en: "Month to date, with every concession", zh: "计入全部优惠的本月累计" }
    without_concessions(names: &str) {
        en: "what the month costs less without {names}", zh: "不计 {names} 时本月少计",
    }
    charged_by_lines() { en: "charged by the other lines", zh: "其他行已计费" }
    concession_to_date() { en: "taken off because of concessions, exact", zh: "优惠扣减，精确值" }
    still_free() { en: "still free", zh: "剩余免费" }
    nothing() { en: "nothing beyond the allowance", zh: "未超出免费额度" }
    up(units: Units, size: Units, count: Units) {
        en: "{units} ÷ {size}, rounded up: {count}", zh: "{units} ÷ {size}，向上取整：{count}",
    }
    down(units: Units, size: Units, count: Units) {
        en: "{units} ÷ {size}, rounded down: {count}", zh: "{units} ÷ {size}，向下取整：{count}",
    }
    nearest_up(units: Units, size: Units, count: Units) {
        en: "{units} ÷ {size}, rounded half up: {count}", zh: "{units} ÷ {size}，四舍五入：{count}",
    }
    nearest_even(units: Units, size: Units, count: Units) {
        en: "{units} ÷ {size}, rounded half to even: {count}",
        zh: "{units} ÷ {size}，四舍六入五成双：{count}",
    }
    per_call(count: Units, price: Price) {
        en: "for each call: {count} × {price}", zh: "每次：{count} × {price}",
    }
    flat_fee() { en: "fee for entering the tier", zh: "进入该阶梯的固定费用" }
    together() { en: "together", zh: "合计" }
    discount(name: &Name, percent: &Percent) { en: "{name}, {percent}%", zh: "{name}，{percent}%" }
    discount_of(name: &Name, percent: &Percent, of: Price) {
        en: "{name}, {percent}% of {of}", zh: "{name}，{of} 的 {percent}%",
    }
    discount_rest(name: &Name, percent: &Percent, of: Price) {
        en: "{name}, {percent}% of {of}, no more than is left",
        zh: "{name}，{of} 的 {percent}%，至多扣完",
    }
    amount_off(name: &Name, amount: Price) {
        en: "{name}, up to {amount} a month", zh: "{name}，每月至多 {amount}",
    }
    amount_off_after(name: &Name, amount: Price, used: Price) {
        en: "{name}, up to {amount} a month, with {used} for earlier days",
        zh: "{name}，每月至多 {amount}（此前各日已减 {used}）",
    }
    voucher(name: &Name, given: Price, since: BillingDay) {
        en: "{name}, up to {given} since {since}", zh: "{name}，{since}起共 {given}",
    }
    voucher_after(name: &Name, given: Price, since: BillingDay, used: Price) {
        en: "{name}, up to {given} since {since}, of which {used} were used before",
        zh: "{name}，{since}起共 {given}（此前已用 {used}）",
    }
    above_maximum_after(most: Price, earlier: Price) {
        en: "above the cap of {most}, with {earlier} for earlier days",
        zh: "超出封顶 {most} 的部分（此前各日已计 {earlier}）",
    }
    up_to_minimum_after(least: Price, earlier: Price) {
        en: "up to the minimum of {least}, with {earlier} for earlier days",
        zh: "月末补足保底 {least}（此前各日已计 {earlier}）",
    }
    above_maximum(most: Price) { en: "above the cap of {most}", zh: "超出封顶 {most} 的部分" }
    up_to_minimum(least: Price) {
        en: "up to the minimum of {least}, as the month is over", zh: "月末补足保底 {least}",
    }
    deferred() { en: "charged when the month is over", zh: "月末一并收取" }
    month_to_date() { en: "month to date", zh: "本月累计" }
    of_rate() { en: "the rate, month to date", zh: "该项本月累计" }
    of_plan() { en: "all rates after discounts, month to date", zh: "各项折后本月累计合计" }
    without_tax() { en: "the month without tax", zh: "本月累计不含税金额" }
    tax(percent: &Percent) {
        en: "{percent}% tax, to the nearest fen", zh: "{percent}% 税费，四舍五入到分",
    }
    tax_to_date() { en: "tax of the month", zh: "本月税费" }
    charged_by_others() { en: "charged by other lines", zh: "其他各行已计" }
    minimum_to_date(rate: &Name) { en: "minimum of {rate}, exact", zh: "{rate} 补足保底，精确值" }
    plan_minimum_to_date() { en: "minimum of the month, exact", zh: "整月补足保底，精确值" }
    all_rates() { en: "All rates, month to date", zh: "各项本月累计合计" }
    charged_by_rates() { en: "charged by the rates' own lines", zh: "各项已单独计费" }
    charged_before() { en: "charged before", zh: "此前已计" }
    charged_before_day(day: BillingDay) { en: "charged before {day}", zh: "{day}之前已计" }
    exact() { en: "exact", zh: "精确值" }
    rounding() { en: "rounding", zh: "舍入" }
    line() { en: "this line", zh: "本行" }
    rate_to_date(rate: &Name) { en: "{rate}, exact", zh: "{rate}，精确值" }
    rate_to_date_from(rate: &Name, day: BillingDay) {
        en: "{rate} from {day}, exact", zh: "{day}起 {rate}，精确值",
    }
    plan_to_date() { en: "on all rates together, exact", zh: "整体调整，精确值" }
    half_up() { en: "together, rounded half up", zh: "合计，四舍五入" }
    half_even() { en: "together, rounded half to even", zh: "合计，四舍六入五成双" }
    up_to_fen() { en: "together, rounded up", zh: "合计，向上取整" }
    down_to_fen() { en: "together, rounded down", zh: "合计，向下取整" }
    earlier_bills() { en: "charged by earlier bills of the month", zh: "本月此前账单已计" }
    usage() { en: "charge for usage", zh: "用量费用" }
    note(of: &str) { en: "note on the bill of {of}", zh: "{of} 账单的调整" }
    charge() { en: "charge of this bill", zh: "本账单费用" }
    calls() { en: "calls", zh: "次" }
    units() { en: "units", zh: "单位" }
    yuan() { en: "¥", zh: "元" }
}

/// A calculation as a strip.
pub(crate) fn strip(calculation: &Calculation, caption: Html, lang: Lang) -> Strip {
    let mixed = calculation.rows.iter().any(|row| row.unit != CalculationUnit::Yuan);
    let rows = calculation.rows.iter().map(|row| strip_row(row, mixed, lang));
    Strip { caption, rows: rows.collect() }
}

fn strip_row(row: &CalculationRow, mixed: bool, lang: Lang) -> StripRow {
    let l = Labels(lang);
    let operator = match row.operator {
        Operator::Begin => "",
        Operator::Plus => "+",
        Operator::Minus => "−",
        Operator::Times => "×",
        Operator::DividedBy => "÷",
        Operator::Equals => "=",
    };
    let unit = match row.unit {
        CalculationUnit::Number => Html::default(),
        CalculationUnit::Calls => l.calls(),
        CalculationUnit::Units => l.units(),
        CalculationUnit::Yuan if mixed => l.yuan(),
        CalculationUnit::Yuan => Html::default(),
    };
    let kind = match row.rule {
        CalculationRule::Term => StripKind::Term,
        CalculationRule::Gap => StripKind::Gap,
        CalculationRule::Sum => StripKind::Sum,
        CalculationRule::Total => StripKind::Total,
    };
    let (label, value) = (label(row, l), Html::show(Units(row.value), lang));
    StripRow { label, operator, value, unit, kind }
}

#[expect(clippy::too_many_lines, reason = "a flat table: one arm a step, in the order of a bill")]
fn label(row: &CalculationRow, l: Labels) -> Html {
    match &row.step {
        Step::Metered { from, through } => metered(row.unit, *from, *through, l),
        Step::Multiplied => l.multiplied(),
        Step::Divided => l.divided(),
        Step::Converted => l.converted(),
        Step::ConvertedUp => l.converted_up(),
        Step::ConvertedDown => l.converted_down(),
        Step::ConvertedHalfUp => l.converted_half_up(),
        Step::ConvertedHalfEven => l.converted_half_even(),
        Step::Free { of_days, .. } | Step::Allowance { of_days } => match of_days {
            Some(ShareOfMonth { days, of }) => l.free_of_days(Count(*days), Count(*of)),
            None => l.free(),
        },
        Step::FreeByDay { allowance } => l.free_by_day(Units(*allowance)),
        Step::PlanFree => l.plan_free(),
        Step::ToBeCharged => l.to_be_charged(),
        Step::EarlierConverted => l.earlier_converted(),
        Step::EarlierUnits => l.earlier_units(),
        Step::UnitsInTiers => l.units_in_tiers(),
        Step::EarlierPrice => l.earlier_price(),
        Step::Added => l.added(),
        Step::WithConcessions => l.with_concessions(),
        Step::WithoutConcessions { without } => l.without_concessions(&without.join(", ")),
        Step::ChargedByLines => l.charged_by_lines(),
        Step::ConcessionToDate => l.concession_to_date(),
        Step::StillFree => l.still_free(),
        Step::Nothing => l.nothing(),
        Step::Slice(slice) => slice_label(slice, l),
        Step::FlatFee => l.flat_fee(),
        Step::Together => l.together(),
        Step::Discount { discount, percent, of_yuan, is_of_result, is_all_that_is_left } => {
            let of = Price(*of_yuan);
            match (is_all_that_is_left, is_of_result) {
                (true, _) => l.discount_rest(discount, percent, of),
                (false, true) => l.discount(discount, percent),
                (false, false) => l.discount_of(discount, percent, of),
            }
        }
        Step::AmountOff { discount, amount_yuan, used_yuan } if used_yuan.is_zero() => {
            l.amount_off(discount, Price(*amount_yuan))
        }
        Step::AmountOff { discount, amount_yuan, used_yuan } => {
            l.amount_off_after(discount, Price(*amount_yuan), Price(*used_yuan))
        }
        Step::Voucher { discount, given_yuan, since, used_yuan } if used_yuan.is_zero() => {
            l.voucher(discount, Price(*given_yuan), *since)
        }
        Step::Voucher { discount, given_yuan, since, used_yuan } => {
            l.voucher_after(discount, Price(*given_yuan), *since, Price(*used_yuan))
        }
        Step::AboveMaximum { maximum_yuan, earlier_yuan } if earlier_yuan.is_zero() => {
            l.above_maximum(Price(*maximum_yuan))
        }
        Step::AboveMaximum { maximum_yuan, earlier_yuan } => {
            l.above_maximum_after(Price(*maximum_yuan), Price(*earlier_yuan))
        }
        Step::UpToMinimum { minimum_yuan, earlier_yuan } if earlier_yuan.is_zero() => {
            l.up_to_minimum(Price(*minimum_yuan))
        }
        Step::UpToMinimum { minimum_yuan, earlier_yuan } => {
            l.up_to_minimum_after(Price(*minimum_yuan), Price(*earlier_yuan))
        }
        Step::Deferred => l.deferred(),
        Step::MonthToDate => l.month_to_date(),
        Step::OfRate => l.of_rate(),
        Step::OfPlan => l.of_plan(),
        Step::ChargedByOthers => l.charged_by_others(),
        Step::WithoutTax => l.without_tax(),
        Step::Tax { percent } => l.tax(percent),
        Step::TaxToDate => l.tax_to_date(),
        Step::MinimumToDate { rate: Some(rate), .. } => l.minimum_to_date(rate),
        Step::MinimumToDate { rate: None, .. } => l.plan_minimum_to_date(),
        Step::AllRates => l.all_rates(),
        Step::ChargedByRates => l.charged_by_rates(),
        Step::ChargedBefore { day: Some(day) } => l.charged_before_day(*day),
        Step::ChargedBefore { day: None } => l.charged_before(),
        Step::Exact => l.exact(),
        Step::Rounding => l.rounding(),
        Step::Line => l.line(),
        Step::RatedToDate { segment, rate: Some(rate) } => match is_first(*segment) {
            true => l.rate_to_date(rate),
            false => l.rate_to_date_from(rate, *segment),
        },
        Step::RatedToDate { rate: None, .. } => l.plan_to_date(),
        Step::Rounded { rounding } => match rounding {
            Rounding::HalfUp => l.half_up(),
            Rounding::HalfEven => l.half_even(),
            Rounding::Up => l.up_to_fen(),
            Rounding::Down => l.down_to_fen(),
        },
        Step::EarlierBills => l.earlier_bills(),
        Step::Usage => l.usage(),
        Step::Note { corrects, .. } => l.note(&corrects.to_string()),
        Step::Charge => l.charge(),
    }
}

fn is_first(day: BillingDay) -> bool {
    day == day.month().first_day()
}

fn metered(unit: CalculationUnit, from: BillingDay, through: BillingDay, l: Labels) -> Html {
    match (unit, is_first(from)) {
        (CalculationUnit::Yuan, true) => l.amount_to(through),
        (CalculationUnit::Yuan, false) => l.amount_from_to(from, through),
        (CalculationUnit::Calls | CalculationUnit::Units | CalculationUnit::Number, true) => {
            l.calls_to(through)
        }
        (CalculationUnit::Calls | CalculationUnit::Units | CalculationUnit::Number, false) => {
            l.calls_from_to(from, through)
        }
    }
}

/// `8,000,000 × ¥0.0001`, `8,528,858 ÷ 100, rounded up: 85,289 × ¥0.01`, `¥1,200.50 × 0.6%`.
fn slice_label(slice: &SliceStep, l: Labels) -> Html {
    let SliceStep { units, per, size, count, price_yuan } = slice;
    let lang = l.0;
    let price = Html::show(Price(*price_yuan), lang);
    let size = Units(size.map_or(Decimal::ONE, |size| size.get()));
    let (units, count) = (Units(*units), Units(*count));
    match per {
        SlicePer::Unit => times(Html::show(count, lang), price),
        SlicePer::StartedPackage | SlicePer::StartedBlock => times(l.up(units, size, count), price),
        SlicePer::FullPackage => times(l.down(units, size, count), price),
        SlicePer::HalfUpPackage => times(l.nearest_up(units, size, count), price),
        SlicePer::HalfEvenPackage => times(l.nearest_even(units, size, count), price),
        SlicePer::Yuan => {
            let amount = Html::show(Price(Yuan::new(slice.count)), lang);
            let percent = (price_yuan.decimal() * Decimal::ONE_HUNDRED).normalize();
            times(amount, Html(format!("{}%", Html::show(Units(percent), lang))))
        }
        SlicePer::Call => l.per_call(count, Price(*price_yuan)),
    }
}

fn times(count: Html, price: Html) -> Html {
    Html(format!("{count} × {price}"))
}
