//! The texts of the costs' page.

use steelyard_pricing::{BillingDay, Fen};

use super::{CostsBy, CostsQueryError};
use crate::lang::texts;
use crate::show::{Count, Figure, Html, Plain, Signed};

texts! {
    /// The texts of the costs' page.
    pub(super) struct Texts;

    last_bill(day: BillingDay) { en: "Last bill {day}.", zh: "最近账单 {day}。" }
    range(from: Html, to: Html) { en: "{from} to {to}", zh: "{from}至 {to}" }
    charge_of(from: Html, to: Html) { en: "Charge, {from} to {to}", zh: "{from}至 {to}费用" }
    calls_of(from: Html, to: Html, name: &str) {
        en: "Calls of {name}, {from} to {to}", zh: "{name} 的次数，{from}至 {to}",
    }
    lead(calls: Signed) {
        en: "{calls} calls.",
        one(calls): "{calls} call.",
        zh: "{calls} 次。",
    }
    settled_only() {
        en: "Bills that are settled, each on its day. What is not settled yet is on the overview.",
        zh: "仅含已结算账单，按账单日期归集；尚未结算的部分见总览。",
    }
    choose() { en: "What to show", zh: "显示范围" }
    by() { en: "By", zh: "周期" }
    by_day() { en: "day", zh: "按日" }
    by_month() { en: "month", zh: "按月" }
    group() { en: "Grouped by", zh: "分组" }
    group_rate() { en: "rate", zh: "项目" }
    group_api() { en: "API", zh: "API" }
    group_source() { en: "source", zh: "来源" }
    only() { en: "Only", zh: "仅显示" }
    only_hint() { en: "A name of the group; all if empty", zh: "分组中的名称，留空为全部" }
    from() { en: "From", zh: "起" }
    to() { en: "To", zh: "止" }
    day_hint() { en: "2015-05-18 or 2015-05", zh: "2015-05-18 或 2015-05" }
    show() { en: "Show", zh: "显示" }
    csv() { en: "CSV", zh: "CSV" }
    focus() { en: "FOCUS 1.2", zh: "FOCUS 1.2" }
    files_note() {
        en: "The files have every line of every bill of these days.", zh: "文件包含这些日期各账单的全部明细。",
    }
    over_time() { en: "Over time", zh: "时间分布" }
    over_time_of(name: &str) { en: "{name} over time", zh: "{name} 的时间分布" }
    chart_of_charges(most: Figure, at: Html) {
        en: "Bars of the charges; the largest is {most}, {at}. The table has the same figures.",
        zh: "费用柱状图，最高 {most}（{at}），下表为相同数据。",
    }
    chart_of_calls(most: Signed, at: Html) {
        en: "Bars of the calls; the most are {most}, {at}. The table has the same figures.",
        zh: "次数柱状图，最高 {most} 次（{at}），下表为相同数据。",
    }
    bar(at: Html, charge: Figure, calls: Signed) {
        en: "{at}: {charge} for {calls} calls",
        one(calls): "{at}: {charge} for {calls} call",
        zh: "{at}：{charge}，{calls} 次",
    }
    bar_of_calls(at: Html, calls: Signed) {
        en: "{at}: {calls} calls",
        one(calls): "{at}: {calls} call",
        zh: "{at}：{calls} 次",
    }
    as_table() { en: "The same as a table", zh: "以表格显示" }
    col_day() { en: "Day", zh: "日期" }
    col_month() { en: "Month", zh: "月份" }
    col_calls() { en: "Calls", zh: "次数" }
    col_charge() { en: "Charge, ¥", zh: "费用（元）" }
    total() { en: "Total", zh: "合计" }
    rates() { en: "By rate", zh: "按项目" }
    apis() { en: "By API", zh: "按 API" }
    sources() { en: "By source", zh: "按来源" }
    rates_note() { en: "The lines of the bills, summed by rate.", zh: "各账单明细按项目合计。" }
    apis_note() {
        en: "A rate charges all its APIs together: each line of a bill is shared out to its APIs in proportion to their calls, or to their amounts where the price is a share of these.",
        zh: "同一项目的 API 合并计费：各账单明细的费用按次数分摊到 API，按金额计价的则按金额分摊。",
    }
    none_of(name: &str) {
        en: "Nothing of <code>{name}</code> is on the bills of these days.",
        zh: "这些日期的账单中没有 <code>{name}</code>。",
    }
    sources_note() {
        en: "Calls only, as reported: what a source costs is not known, since charges follow from the calls of all sources together. At most 92 days at once.",
        zh: "仅含上报次数：费用按全部来源合并计算，无法按来源拆分。一次最多显示 92 天。",
    }
    unpriced() { en: "without a price", zh: "未定价" }
    plan() { en: "all rates together", zh: "整体调整" }
    tax() { en: "tax", zh: "税费" }
    adjustments() { en: "credit and debit notes", zh: "调整" }
    more(count: Count) { en: "{count} more", zh: "另有 {count} 项" }
    more_in_csv() { en: "The CSV has the lines of all rates.", zh: "CSV 包含全部项目明细。" }
    back_to_all() { en: "Show all", zh: "显示全部" }
    empty() { en: "No bill in these days", zh: "此期间没有账单" }
    empty_text() {
        en: "The costs of a day appear here the night after, when there was usage.",
        zh: "有用量的日期，次日凌晨在此出现费用。",
    }
    refused() { en: "These costs can't be shown", zh: "无法显示" }
    nothing_changed() { en: "Nothing was changed.", zh: "没有任何变动。" }

    by_refused(text: &str) {
        en: "“{text}” is neither “day” nor “month”. Choose one of them.", zh: "“{text}”不是按日或按月，请重新选择。",
    }
    group_refused(text: &str) {
        en: "“{text}” is not “rate”, “api” or “source”. Choose one of them.",
        zh: "“{text}”不是项目、API 或来源，请重新选择。",
    }
    day_refused(text: &str) {
        en: "“{text}” is not a day or a month. Write it like 2015-05-18 or 2015-05.",
        zh: "“{text}”不是日期或月份，请按 2015-05-18 或 2015-05 填写。",
    }
    order_refused() {
        en: "The last day is before the first. Exchange them.", zh: "截止日期早于起始日期，请对调。",
    }
    months_refused() {
        en: "At most 13 months are shown at once. Choose a later first day.",
        zh: "一次最多显示 13 个月，请选择更晚的起始日期。",
    }
    source_days_refused() {
        en: "By source at most 92 days are shown at once. Choose a later first day.",
        zh: "按来源最多显示 92 天，请选择更晚的起始日期。",
    }
    days_refused() {
        en: "At most 92 days are shown day by day. Choose a later first day, or by month.",
        zh: "按日最多显示 92 天，请选择更晚的起始日期，或改为按月。",
    }
}

impl Texts {
    /// The problem, and the remedy.
    pub(super) fn error(self, error: &CostsQueryError) -> Html {
        match error {
            CostsQueryError::By(text) => self.by_refused(text),
            CostsQueryError::Group(text) => self.group_refused(text),
            CostsQueryError::Day { text, .. } => self.day_refused(text),
            CostsQueryError::Order { .. } => self.order_refused(),
            CostsQueryError::Months => self.months_refused(),
            CostsQueryError::Days => self.days_refused(),
            CostsQueryError::SourceDays => self.source_days_refused(),
        }
    }

    /// A day, or a month.
    pub(super) fn period(self, by: CostsBy, from: BillingDay) -> Html {
        match by {
            CostsBy::Day => Html::show(from, self.0),
            CostsBy::Month => Html::show(from.month(), self.0),
        }
    }

    pub(super) fn money(self, amount: &Fen) -> Html {
        Html::show(Figure(*amount), self.0)
    }

    pub(super) fn plain(self, amount: &Fen) -> Html {
        Html::show(Plain(*amount), self.0)
    }

    pub(super) fn signed(self, count: &i64) -> Html {
        Html::show(Signed(*count), self.0)
    }
}
