//! The texts of the page of alerts.

use steelyard_pricing::{BillingDay, Name};

use crate::lang::texts;
use crate::show::{Count, Figure, Html, Units};

texts! {
    pub(super) struct Texts;

    title() { en: "Alerts", zh: "提醒" }
    standing() { en: "The month so far", zh: "本月情况" }
    so_far(month: Figure) { en: "The month has cost {month} so far.", zh: "本月至今费用 {month}。" }
    so_far_of(month: Figure, budget: Figure) {
        en: "The month has cost {month} so far, of a budget of {budget}.",
        zh: "本月至今费用 {month}，预算 {budget}。",
    }
    cap_of(cap: Figure) { en: "Your calls are cut off at {cap}.", zh: "费用达到 {cap} 时停止调用。" }
    is_capped(cap: Figure, passed: Figure) {
        en: "Your calls are cut off: the month has reached your cap of {cap}, and {passed} passed beyond it.",
        zh: "本月费用已达您设的上限 {cap}，调用已停止；超出部分 {passed}。",
    }
    none() { en: "No alert stands.", zh: "目前没有提醒。" }
    is_budget(percent: Count) { en: "{percent}% of the budget", zh: "达预算的 {percent}%" }
    is_forecast(percent: Count) { en: "{percent}% of the budget expected", zh: "预计达预算的 {percent}%" }
    is_balance() { en: "Low prepaid balance", zh: "预存余额不足" }
    is_balance_days() { en: "The prepaid balance lasts for a few days", zh: "预存余额仅够几天" }
    is_allowance(percent: Count) { en: "{percent}% of the allowance", zh: "免费额度已用 {percent}%" }
    is_allowance_of(percent: Count, rate: Name) {
        en: "{percent}% of the allowance of {rate}",
        zh: "{rate} 的免费额度已用 {percent}%",
    }
    is_unusual_day(day: BillingDay) { en: "Unusually many calls on {day}", zh: "{day}调用量异常" }
    is_cap() { en: "Spend cap", zh: "费用上限" }
    since(figure: Html, line: Html, at: Html) {
        en: "{figure} at {at}; the line is {line}",
        zh: "{at} 为 {figure}，提醒线为 {line}",
    }
    yuan(figure: Figure) { en: "{figure}", zh: "{figure}" }
    units(units: Units) {
        en: "{units} units",
        one(units): "{units} unit",
        zh: "{units} 单位",
    }
    calls(calls: Count) {
        en: "{calls} calls",
        one(calls): "{calls} call",
        zh: "{calls} 次调用",
    }
    of_days(days: Count) {
        en: "{days} days",
        one(days): "{days} day",
        zh: "{days} 天",
    }
    heading() { en: "What you are alerted to", zh: "提醒设置" }
    note() {
        en: "An empty field is as your plan has it.",
        zh: "留空则按方案的设置。",
    }
    read_only() { en: "This session may not set alerts.", zh: "本次登录不能设置提醒。" }
    saved() { en: "It is saved. It holds from the next usage on.", zh: "已保存，自下一次用量起生效。" }
    error_title() { en: "It is not saved", zh: "未保存" }
    sent_before() {
        en: "This form was sent before, with something else. Look at what is set, and send it again.",
        zh: "该表单已提交过，内容不同。请查看当前设置后重新提交。",
    }
    refused() { en: "It is refused. Nothing changed.", zh: "未被接受，没有变动。" }
    unavailable() {
        en: "No answer came. Send it again: it has its effect once.",
        zh: "暂无结果。请再次提交，不会重复生效。",
    }
    monthly() { en: "Budget of a month", zh: "每月预算" }
    monthly_hint() { en: "Without one, what the month before cost.", zh: "不填则为上月费用。" }
    percent() { en: "Alert at these percentages of it", zh: "达到预算的百分比时提醒" }
    percent_hint() { en: "Such as 50, 80, 100.", zh: "例如 50, 80, 100。" }
    forecast() { en: "Alert when so many percent are expected", zh: "预计达到预算的百分比时提醒" }
    forecast_hint() { en: "Such as 110.", zh: "例如 110。" }
    below() { en: "Alert when so much is prepaid, or less", zh: "预存余额不多于此数时提醒" }
    below_hint() { en: "Such as 100.00.", zh: "例如 100.00。" }
    days() { en: "Alert when it lasts for so many days, or fewer", zh: "预存余额可用天数不多于此数时提醒" }
    days_hint() { en: "1 to 366.", zh: "1 至 366。" }
    allowance() { en: "Alert at these percentages of an allowance", zh: "免费额度用到百分比时提醒" }
    allowance_hint() { en: "Such as 80, 100.", zh: "例如 80, 100。" }
    unusual() { en: "Alert when a day has so many percent of its usual calls", zh: "某日调用量达到平日的百分比时提醒" }
    unusual_hint() { en: "101 to 1000, compared with the same weekday.", zh: "101 至 1000，与同一星期几相比。" }
    cap() { en: "Cut my calls off when the month costs so much", zh: "本月费用达到此数时停止调用" }
    cap_hint() {
        en: "Calls of the last minutes may pass it, and are charged.",
        zh: "最后几分钟的调用可能超出，仍会计费。",
    }
    off() { en: "Do not alert me to", zh: "不提醒" }
    topic_budget() { en: "the budget", zh: "预算" }
    topic_balance() { en: "the prepaid balance", zh: "预存余额" }
    topic_allowance() { en: "allowances", zh: "免费额度" }
    topic_unusual_day() { en: "unusual days", zh: "异常用量" }
    save() { en: "Save", zh: "保存" }
    bad_amount() {
        en: "Enter an amount above zero, with two decimals at most.",
        zh: "请输入大于零的金额，最多两位小数。",
    }
    bad_number() { en: "Enter a whole number within the range.", zh: "请输入范围内的整数。" }
    bad_percents() {
        en: "Enter whole percentages in rising order, at most ten.",
        zh: "请按从小到大输入整数百分比，最多十个。",
    }
    missing() { en: "Enter when to alert, or leave all of it empty.", zh: "请输入提醒条件，或全部留空。" }
    off_and_set() { en: "Something that is set above is not to be alerted.", zh: "上方已设置的项目被选为不提醒。" }
    foot() {
        en: "Alerts are evaluated within five minutes of your usage, and each night.",
        zh: "用量上报后五分钟内及每晚检查提醒。",
    }
}
