//! The texts of the overview.

use jiff::civil::Time;
use steelyard_billing::StatementId;
use steelyard_pricing::{BillingDay, BillingMonth};

use crate::lang::texts;
use crate::show::{Count, Figure, Html, Price, Units, WithWeekday, WithYear};

texts! {
    pub(super) struct Texts;

    title(month: BillingMonth) { en: "Overview, {month}", zh: "总览，{month}" }
    comma() { en: ", ", zh: "、" }
    at(day: BillingDay, time: Time) { en: "{day}, {time}", zh: "{day} {time}" }
    days(from: BillingDay, through: BillingDay) { en: "{from} to {through}", zh: "{from}至 {through}" }

    days_of_month(from: BillingDay, first: Count, through: BillingDay, last: Count) {
        en: "{first} to {through}",
        zh: "{from}至 {last} 日",
    }

    // The next withholding.
    next() { en: "Next withholding", zh: "下一次代扣" }
    today_at(time: Time) { en: "Today at {time}", zh: "今天 {time}" }
    tomorrow_at(time: Time) { en: "Tomorrow at {time}", zh: "明天 {time}" }
    on_at(day: BillingDay, time: Time) { en: "{day} at {time}", zh: "{day} {time}" }
    when_today(time: Time) { en: "today at {time}", zh: "今天 {time}" }
    when_tomorrow(time: Time) { en: "tomorrow at {time}", zh: "明天 {time}" }
    when_on(day: BillingDay, time: Time) { en: "on {day} at {time}", zh: "{day} {time}" }
    weekday_in(day: WithWeekday, left: Html) { en: "{day}, in {left}", zh: "{day}，{left}后" }
    left_days(days: Count, hours: Count) { en: "{days} d {hours} h", zh: "{days} 天 {hours} 小时" }
    left_hours(hours: Count, minutes: Count) { en: "{hours} h {minutes} min", zh: "{hours} 小时 {minutes} 分" }
    left_minutes(minutes: Count) { en: "{minutes} min", zh: "{minutes} 分钟" }
    for_calls_and_earlier(days: Html) {
        en: "For your calls of {days}, and of earlier days.",
        zh: "用于支付 {days}及更早的调用费用。",
    }
    for_earlier_calls() { en: "For your calls of earlier days.", zh: "用于支付更早的调用费用。" }
    for_calls(days: Html) { en: "For your calls of {days}.", zh: "用于支付 {days}的调用费用。" }
    prepaid_paid(paid: Figure) {
        en: "Your prepaid balance paid the first {paid}; Alipay pays the rest.",
        zh: "预存余额已先支付 {paid}，其余由支付宝支付。",
    }
    alipay_pays() { en: "Alipay pays it.", zh: "由支付宝支付。" }
    rest_follows(rest: Figure, limit: Figure) {
        en: "Your agreement allows {limit} a debit, so {rest} follows in further debits.",
        zh: "协议单笔上限为 {limit}，其余 {rest} 随后分次代扣。",
    }
    rest_later(rest: Figure) {
        en: "{rest} more is owed, and follows in a later debit.",
        zh: "另有 {rest} 待付，随后代扣。",
    }
    nothing_today() { en: "Nothing is withheld today", zh: "今天不会代扣" }
    nothing_more_today() { en: "Nothing more is withheld today", zh: "今天不会再代扣" }
    prepaid_covers(prepaid: Figure) {
        en: "Your prepaid balance of {prepaid} pays for your calls each night.",
        zh: "预存余额 {prepaid} 每晚支付当天的调用费用。",
    }
    prepaid_until(day: BillingDay) {
        en: "At your usual pace it lasts until about {day}.",
        zh: "按平常用量，约可用到 {day}。",
    }
    nothing_owed() {
        en: "All bills are paid. Calls are billed each night, and withheld the next day.",
        zh: "账单均已付清。调用费用每晚结算，次日代扣。",
    }
    nothing_owed_without() {
        en: "All bills are paid. Calls are billed each night.",
        zh: "账单均已付清。调用费用每晚结算。",
    }
    unbilled() { en: "Known once your next bill is made", zh: "下一份账单出具后可知" }
    unbilled_why(days: Html, charge: Figure) {
        en: "Your calls of {days} are not billed yet. They cost {charge} so far; what your prepaid balance does not pay of them is withheld.",
        zh: "{days}的调用尚未结算，目前预估 {charge}；预存余额不足以支付的部分将代扣。",
    }
    below_minimum(owed: Figure, minimum: Figure) {
        en: "{owed} is owed. Amounts below {minimum} wait for the next bill.",
        zh: "待付 {owed}。不足 {minimum} 的金额并入下一份账单。",
    }
    no_agreement() { en: "Not withheld: no agreement is signed", zh: "不会代扣：尚未签署代扣协议" }
    no_agreement_why() {
        en: "This amount is owed. Pay it by a recharge, or sign an agreement, and it is withheld from your Alipay account.",
        zh: "此金额待付。您可以充值支付，也可以签署代扣协议，由支付宝账户支付。",
    }
    suspended() { en: "Not withheld: your agreement is suspended", zh: "不会代扣：代扣协议已暂停" }
    suspended_why() {
        en: "This amount is owed. It is withheld once the agreement is in force again. A recharge pays it now.",
        zh: "此金额待付，协议恢复后代扣。您也可以现在充值支付。",
    }
    suspended_by_debit_why() {
        en: "This amount is owed. A recharge pays it now. Sign a new agreement to be withheld from again, or ask the platform to go on with this one.",
        zh: "此金额待付，您可以现在充值支付。如需继续代扣，请重新签约，或联系平台恢复当前协议。",
    }
    held_by_debit(held: Figure) {
        en: "{held} of it is held by a debit that is not sent without an agreement. Once that has ended, a recharge pays it, too.",
        zh: "其中 {held} 由一笔扣款占用，没有协议时不会发起；该笔扣款终止后，充值也可支付这部分。",
    }
    limit_too_small() { en: "Not withheld: your agreement's limit is too low", zh: "不会代扣：代扣协议限额过低" }
    limit_too_small_why(limit: Figure, minimum: Figure) {
        en: "Your agreement allows {limit} a debit; the smallest debit is {minimum}. A recharge pays what is owed.",
        zh: "协议单笔上限为 {limit}，低于最小扣款金额 {minimum}。您可以充值支付。",
    }
    declined_why(when: Html, reason: Html) {
        en: "Alipay declined on {when}: {reason}. It is tried again at the time above.",
        zh: "支付宝于 {when} 未能扣款：{reason}。将在上述时间再试。",
    }
    declined_funds() { en: "too little money in the account", zh: "账户余额不足" }
    declined_cap() { en: "the amount is above a limit", zh: "金额超过限额" }
    declined_window() { en: "not allowed at that time", zh: "当时不允许扣款" }
    declined_note() {
        en: "The amount stays the same, and a recharge does not pay it: it pays what else is owed, and the rest is kept as prepaid balance.",
        zh: "扣款金额不变，充值不会用于此金额：先支付其他待付金额，其余存为预存余额。",
    }
    under_way(time: Time) { en: "Being collected since {time}", zh: "{time} 起扣款中" }
    under_way_why() {
        en: "The result is usually known within a minute. A recharge does not change this debit.",
        zh: "通常一分钟内可知结果。现在充值不影响这笔扣款。",
    }
    about_to_begin() { en: "Due now", zh: "即将扣款" }
    about_to_begin_why() {
        en: "It is sent to Alipay within minutes, and its amount is fixed then.",
        zh: "数分钟内发送给支付宝，届时确定金额。",
    }
    in_doubt() { en: "Sent, result not known yet", zh: "已发起，结果未知" }
    in_doubt_why() {
        en: "Alipay has not told us the result. Don't pay again; it is booked as soon as it does, and nothing is taken twice.",
        zh: "支付宝尚未告知结果，请不要重复付款。收到结果后自动入账，不会重复扣款。",
    }
    given_up() { en: "Not withheld any more", zh: "不再代扣" }
    given_up_why() {
        en: "Alipay declined on every try, so we stopped. This amount is owed. A recharge pays it; otherwise it is requested again with your next bill.",
        zh: "支付宝多次未能扣款，已停止代扣。此金额待付，您可以充值支付，否则将随下一份账单再次代扣。",
    }
    paid_from() { en: "From", zh: "付款账户" }
    alipay_account_of(login: &str) { en: "Alipay account {login}", zh: "支付宝账户 {login}" }
    alipay_account() {
        en: "Your Alipay account, by the agreement",
        zh: "您签署协议的支付宝账户",
    }
    covers() { en: "Covers", zh: "对应账单" }
    bill_of(bill: StatementId) { en: "Bill of {bill}", zh: "{bill}账单" }
    bills_of(days: Html) { en: "Bills of {days}", zh: "{days}账单" }
    bills_of_and_earlier(days: Html) {
        en: "Earlier bills, and those of {days}",
        zh: "更早的账单及{days}账单",
    }
    earlier_bills() { en: "Earlier bills", zh: "更早的账单" }
    in_full() { en: ", in full", zh: "，全额" }
    in_part() { en: ", in part", zh: "，部分" }
    under() { en: "Under", zh: "依据" }
    your_agreement(ends_in: &str) {
        en: "Your withholding agreement (…{ends_in})",
        zh: "您签署的代扣协议（尾号 {ends_in}）",
    }
    up_to(limit: Figure) { en: ", up to {limit} a debit", zh: "，单笔上限 {limit}" }
    up_to_daily(limit: Figure, daily: Figure) {
        en: ", up to {limit} a debit and {daily} a day",
        zh: "，单笔上限 {limit}，每日上限 {daily}",
    }
    order() { en: "Order", zh: "支付顺序" }
    order_text() {
        en: "Prepaid balance first, then Alipay; the oldest bill first",
        zh: "先用预存余额，再由支付宝支付；先付较早的账单",
    }
    strip() { en: "How the amount is made up", zh: "金额如何得出" }
    strip_older() { en: "Owed of earlier bills", zh: "更早账单的待付金额" }
    strip_prepaid_at(time: Time) { en: "Taken from prepaid, {time}", zh: "{time} 从预存余额支付" }
    strip_prepaid() { en: "Taken from prepaid", zh: "从预存余额支付" }
    strip_paid() { en: "Paid or credited since", zh: "此后已付或已抵" }
    strip_left() { en: "Left for later debits", zh: "留待之后的扣款" }
    strip_total() { en: "To be withheld", zh: "待代扣" }
    strip_total_under_way() { en: "Being withheld", zh: "代扣中" }
    unbilled_unread(from: BillingDay) {
        en: "What was counted from {from} on can't be read right now. It is billed all the same, and what your prepaid balance does not pay of it is withheld.",
        zh: "暂时无法读取 {from}以来的用量，账单照常出具；预存余额不足以支付的部分将代扣。",
    }
    fixed_at(time: Time, owed: Figure) {
        en: "The amount is fixed at {time}. A recharge that arrives before then is used first: with {owed} or more, nothing is withheld.",
        zh: "金额在 {time} 确定。此前到账的充值会先用于支付：充值不少于 {owed}，就不会代扣。",
    }
    fixed_after_bill(time: Time, owed: Figure) {
        en: "The amount is fixed at {time}, after your next bill is added. A recharge that arrives before then is used first: with {owed} or more, nothing of what is owed now is withheld.",
        zh: "金额在 {time} 确定，届时已加上下一份账单。此前到账的充值会先用于支付：充值不少于 {owed}，目前的待付金额就不会代扣。",
    }
    recharge() { en: "Recharge", zh: "充值" }
    see_bill() { en: "See the bill", zh: "查看账单" }
    see_bills() { en: "See the bills", zh: "查看账单" }
    see_withholding() { en: "See the agreement", zh: "查看代扣协议" }
    sign() { en: "Sign an agreement", zh: "签署代扣协议" }

    // The account.
    account() { en: "Your account", zh: "您的账户" }
    booked_to(time: Time) { en: "Booked to {time}.", zh: "入账截至 {time}。" }
    prepaid() { en: "Prepaid", zh: "预存余额" }
    owed() { en: "Owed", zh: "待付" }
    collecting() { en: "Being collected", zh: "扣款中" }
    used_up_at(when: Html) { en: "used up on {when}", zh: "{when} 用完" }
    lasts_to(day: BillingDay) { en: "lasts to about {day}", zh: "约可用到 {day}" }
    lasts_beyond(day: BillingDay) { en: "lasts beyond {day}", zh: "可用到 {day}以后" }
    paid_in_advance() { en: "pays your bills first", zh: "优先用于支付账单" }
    nothing_prepaid() { en: "nothing is paid in advance", zh: "没有预存" }
    owed_for(days: Html) { en: "for {days}", zh: "{days}的费用" }
    owed_for_and_earlier(days: Html) { en: "for {days} and earlier days", zh: "{days}及更早的费用" }
    owed_older() { en: "of earlier bills", zh: "更早的账单" }
    all_paid() { en: "all bills are paid", zh: "账单均已付清" }
    begins(when: Html) { en: "begins {when}", zh: "{when} 开始" }
    again(when: Html) { en: "of what is owed; next try {when}", zh: "属于待付金额；{when} 再试" }
    part_of_owed() { en: "of what is owed", zh: "属于待付金额" }
    begins_now() { en: "begins now", zh: "即将开始" }
    none_under_way() { en: "no debit is under way", zh: "没有进行中的扣款" }

    // The month so far.
    so_far() { en: "This month so far", zh: "本月至今" }
    two_figures() {
        en: "Two figures, kept apart: one is billed, one is counted.",
        zh: "两个数字分开列出：一个已出账，一个仅为统计。",
    }
    settled_to(day: BillingDay) { en: "Settled to {day}", zh: "已结算至 {day}" }
    not_settled() { en: "Settled", zh: "已结算" }
    no_bill_yet() { en: "This month has no bill yet.", zh: "本月尚无账单。" }
    bill_final(calls: Count) {
        en: "1 bill for {calls} calls. This amount is final.",
        one(calls): "1 bill for {calls} call. This amount is final.",
        zh: "1 份日账单，共 {calls} 次调用。金额已确定。",
    }
    bills_final(bills: Count, calls: Count) {
        en: "{bills} bills for {calls} calls. These amounts are final.",
        one(calls): "{bills} bills for {calls} call. These amounts are final.",
        zh: "{bills} 份日账单，共 {calls} 次调用。金额已确定。",
    }
    at_month_end(amount: Figure) {
        en: "A further {amount} so far is charged when the month is over",
        zh: "另有 {amount} 于月末一并收取",
    }
    since(time: Time) { en: "Since then, estimated at {time}", zh: "此后至 {time}，预估" }
    since_calls(calls: Count) {
        en: "{calls} calls so far",
        one(calls): "{calls} call so far",
        zh: "目前 {calls} 次调用",
    }
    since_withdrawn(calls: Count) { en: ", {calls} withdrawn", zh: "，撤回 {calls} 次" }
    last_report(when: Html) { en: ", last report {when}", zh: "，最近一次上报 {when}" }
    full_stop() { en: ".", zh: "。" }
    settled_tonight() { en: "Settled tonight.", zh: "今晚结算。" }
    no_calls_yet() { en: "No calls are counted yet.", zh: "尚未统计到调用。" }
    unreadable_chip() { en: "Not available", zh: "暂时无法读取" }
    unreadable() {
        en: "The figures since the last settlement can't be read right now",
        zh: "上次结算以后的数字暂时无法读取",
    }
    unreadable_why() {
        en: "What is settled is complete and shown. Nothing is lost, and nothing is charged twice. Load this page again in a minute.",
        zh: "已结算的部分完整显示。数据没有丢失，也不会重复计费。请一分钟后重新打开本页。",
    }
    empty_chip() { en: "No calls yet", zh: "暂无调用" }
    empty() { en: "Nothing to bill", zh: "没有需要支付的费用" }
    empty_why(provider: &str) {
        en: "We have counted no calls of {provider} this month. The first appear here within a minute of the gateway's report.",
        zh: "本月还没有统计到 {provider} 的调用。网关上报后一分钟内会显示在这里。",
    }
    price_list() { en: "Your price list", zh: "您的价目表" }
    closed_chip() { en: "Closed", zh: "已关闭" }
    closed(day: WithYear) { en: "Account closed on {day}", zh: "账户已于 {day}关闭" }
    closed_why(until: WithYear) {
        en: "Bills and the ledger stay here to read and print until {until}. Nothing is charged or withheld any more.",
        zh: "账单和资金流水可在此查看、打印，保留至 {until}。不再计费，也不再代扣。",
    }

    // By day.
    by_day() { en: "By day", zh: "每日费用" }
    by_day_more() { en: "13 months, by API", zh: "近 13 个月，按 API" }
    chart_title(month: BillingMonth) { en: "Charge by day, {month}", zh: "{month}每日费用" }
    chart_bars(bills: Count) { en: "A bar for each bill: {bills}.", zh: "每份账单一根柱，共 {bills} 根。" }
    chart_highest(bill: StatementId, charge: Html) {
        en: "The highest is {bill} with {charge}.",
        zh: "最高的是 {bill}，{charge}。",
    }
    chart_late(charge: Html, days: Html) { en: "Of it {charge} are for {days}.", zh: "其中 {charge} 属于 {days}。" }
    chart_estimate(bill: StatementId, charge: Html, time: Time) {
        en: "On {bill} an outline shows {charge}, the estimate at {time}.",
        zh: "{bill}的虚线框为 {time} 的预估 {charge}。",
    }
    chart_table() { en: "The table below holds every figure.", zh: "全部数字见下方表格。" }
    bar(bill: StatementId, charge: Html, calls: Count) {
        en: "{bill}: {charge} for {calls} calls",
        one(calls): "{bill}: {charge} for {calls} call",
        zh: "{bill}：{charge}，{calls} 次调用",
    }
    bar_estimate(bill: StatementId, time: Time, charge: Html, calls: Count) {
        en: "{bill}, estimate at {time}: {charge} for {calls} calls",
        one(calls): "{bill}, estimate at {time}: {charge} for {calls} call",
        zh: "{bill}，{time} 预估：{charge}，{calls} 次调用",
    }
    other_rates() { en: "Other", zh: "其他" }
    key_estimate() { en: "So far, an estimate", zh: "目前，预估" }
    mark_used_up(rate: Html, day: BillingDay) {
        en: "{rate} allowance used up, {day}",
        zh: "{day}，{rate} 额度用完",
    }
    mark_expected(rate: Html, day: BillingDay) {
        en: "{rate} allowance used up, expected {day}",
        zh: "预计 {day}，{rate} 额度用完",
    }
    as_table() { en: "The same as a table", zh: "以表格查看" }
    table_label() { en: "Charge by day, table", zh: "每日费用表格" }
    table_caption(day: BillingDay) {
        en: "Charge by day, settled to {day}",
        zh: "每日费用，已结算至 {day}",
    }
    table_caption_none() { en: "Charge by day", zh: "每日费用" }
    day() { en: "Day", zh: "日期" }
    calls() { en: "Calls", zh: "调用次数" }
    charge() { en: "Charge, ¥", zh: "费用（元）" }
    with_for(charge: Figure, days: Html) { en: "with {charge} for {days}", zh: "含 {days}的 {charge}" }
    less_withdrawn(calls: Count) { en: "less {calls} withdrawn", zh: "撤回 {calls} 次" }
    settled_sum() { en: "Settled", zh: "已结算" }
    not_settled_row(time: Time) { en: "estimate at {time}", zh: "{time} 预估" }

    // The forecast.
    expected_for(month: Html) { en: "Expected for all of {month}", zh: "{month}全月预计" }
    expected_note(time: Time) {
        en: "As of {time}, by the price list that bills.",
        zh: "截至 {time}，按实际计费的价目计算。",
    }
    expected_range(low: Figure, high: Figure) { en: "{low} to {high}", zh: "{low} 至 {high}" }
    expected_one(likely: Figure) { en: "about {likely}", zh: "约 {likely}" }
    most_likely(likely: Figure) { en: "most likely {likely}", zh: "最可能为 {likely}" }
    range_so_far() { en: "so far", zh: "目前" }
    how_expected() {
        en: "The same weekdays of the last four weeks, priced by your plan: allowances, tiers and discounts count.",
        zh: "依据最近四周相同星期几的用量，按您的价目计算，免费额度、阶梯和折扣都已计入。",
    }
    tomorrow(amount: Html) {
        en: "Your prepaid balance is empty, so what today costs is withheld from tomorrow on: {amount}.",
        zh: "预存余额已用完，因此今天的费用自明天起代扣：{amount}。",
    }
    tomorrow_prepaid(amount: Html) {
        en: "Of what today costs, this is withheld from tomorrow on, beyond your prepaid balance: {amount}.",
        zh: "今天的费用中，预存余额之外的部分自明天起代扣：{amount}。",
    }
    tomorrow_nothing() {
        en: "Your prepaid balance pays today's calls, so nothing is withheld tomorrow.",
        zh: "预存余额足够支付今天的费用，明天不会代扣。",
    }
    runs_out(earliest: BillingDay) {
        en: "It is used up on {earliest} at the earliest.",
        zh: "最早在 {earliest}用完。",
    }
    runs_out_between(days: Html) {
        en: "It is used up on one of the days {days}.",
        zh: "预计在 {days}之间用完。",
    }
    runs_out_on(day: BillingDay) { en: "It is used up on about {day}.", zh: "预计 {day}用完。" }
    cover(week: Figure, rest: Figure, month: Html) {
        en: "To pay in advance: {week} covers about 7 days, {rest} the rest of {month}.",
        zh: "也可以提前充值：{week} 约够 7 天，{rest} 约够到 {month}底。",
    }
    cover_owed(owed: Figure) {
        en: "Both contain the {owed} that is owed, which a recharge pays first.",
        zh: "两者都含待付的 {owed}，充值会先用于支付。",
    }
    cover_none() {
        en: "Your prepaid balance covers the rest of the month.",
        zh: "预存余额足够支付到月底。",
    }
    go_recharge() { en: "Recharge", zh: "去充值" }
    too_early() {
        en: "It is too early to tell. A forecast needs 7 settled days, one of each weekday.",
        zh: "目前还无法预计，需要 7 个已结算的日期，每个星期几各一天。",
    }

    // Allowances.
    allowances() { en: "Free allowances", zh: "免费额度" }
    begin_again(day: BillingDay, time: Time) {
        en: "As of {time}. They begin again on {day}.",
        zh: "截至 {time}。{day}重新计算。",
    }
    all_rates() { en: "All rates together", zh: "全部类别合计" }
    used_up_on(day: BillingDay) { en: "used up {day}", zh: "{day}用完" }
    used_up() { en: "used up", zh: "已用完" }
    used_up_today() { en: "used up for today", zh: "今天已用完" }
    lasts_to_about(day: BillingDay) { en: "lasts to about {day}", zh: "约可用至 {day}" }
    may_end(day: BillingDay) { en: "may end from {day}", zh: "最早 {day}用完" }
    lasts() { en: "lasts this month", zh: "本月够用" }
    each_day() { en: "each day anew", zh: "每天重新计算" }
    unused() { en: "not used yet", zh: "尚未使用" }
    not_known() { en: "in use", zh: "使用中" }
    all_used(free: Html, beyond: Html) {
        en: "All {free} are used; {beyond} more are charged",
        one(beyond): "All {free} are used; {beyond} more is charged",
        zh: "免费的 {free}已全部用完，另有 {beyond}计费",
    }
    less_discounts(percents: Html) { en: ", less your {percents}", zh: "，已减 {percents}" }
    some_used(used: Html, free: Html, left: Html) {
        en: "{used} of {free} used; {left} left.",
        zh: "免费的 {free}已用 {used}，还剩 {left}。",
    }
    pace_days(days: Html) {
        en: "At your usual pace they last until {days}.",
        zh: "按平常用量，可用到 {days}。",
    }
    pace_day(day: BillingDay) {
        en: "At your usual pace they last until {day}.",
        zh: "按平常用量，可用到 {day}。",
    }
    pace_earliest(day: BillingDay) {
        en: "On busy days they last until {day}; otherwise to the end of the month.",
        zh: "用量较大时可用到 {day}，否则可用到月底。",
    }
    pace_lasts() {
        en: "At your usual pace they last to the end of the month.",
        zh: "按平常用量，可用到月底。",
    }
    free_calls(count: Units) {
        en: "{count} free calls",
        one(count): "{count} free call",
        zh: "{count} 次",
    }
    calls_of(count: Units) {
        en: "{count} calls",
        one(count): "{count} call",
        zh: "{count} 次",
    }
    free_yuan(count: Units) { en: "¥{count} free of charge", zh: "¥{count} 金额" }
    yuan_of(count: Units) { en: "¥{count}", zh: "¥{count}" }
    free_units(count: Units) {
        en: "{count} free units",
        one(count): "{count} free unit",
        zh: "{count} 单位",
    }
    units_of(count: Units) {
        en: "{count} units",
        one(count): "{count} unit",
        zh: "{count} 单位",
    }
    number(count: Units) { en: "{count}", zh: "{count}" }
    next_calls() { en: "Next 10,000 calls", zh: "再调用 1 万次" }
    without_tax(price: Price) { en: "{price} without tax", zh: "{price}（不含税）" }
    next_amount() { en: "Next ¥10,000", zh: "再有 ¥10,000 金额" }
    after_day(day: BillingDay) { en: "After {day}", zh: "{day}以后" }
    charged_month() { en: "Charged this month", zh: "本月费用" }

    // Against last week.
    against() { en: "Against last week", zh: "与上周对比" }
    against_note() {
        en: "Settled days only. Volume: more or fewer calls, at last week's price of a call. Price: the rest, such as an allowance that ended.",
        zh: "仅含已结算的日期。用量：调用次数的增减，按上周每次调用的费用计算。单价：其余变化，例如免费额度用完。",
    }
    against_caption(now: Html, before: Html) {
        en: "{now} against {before}, largest change first",
        zh: "{now}对比 {before}，变化大的在前",
    }
    api() { en: "API", zh: "API" }
    change() { en: "Change, ¥", zh: "变化（元）" }
    by_volume() { en: "by volume", zh: "因用量" }
    by_price() { en: "by price", zh: "因单价" }
    was(value: Html) { en: "was {value}", zh: "上周 {value}" }
    more_apis(apis: Count) { en: "{apis} other APIs", zh: "其他 {apis} 个 API" }
    of_no_api() { en: "Not of one API: minimums, discounts of the plan, tax, adjustments", zh: "不属于单个 API：保底、整单折扣、税费、调整" }
    together() { en: "Together", zh: "合计" }

    // Good to know.
    notices() { en: "Good to know", zh: "提示" }
    deposit(held: Figure, required: Figure) {
        en: "Deposit: {held} held, {required} required",
        zh: "保证金：已缴 {held}，应缴 {required}",
    }
    deposit_due(missing: Figure, day: BillingDay) {
        en: "{missing} is missing. Pay it by {day}.",
        zh: "尚缺 {missing}，请于{day}前（含当日）缴纳。",
    }
    deposit_overdue(missing: Figure, day: BillingDay) {
        en: "{missing} is missing. It was due on {day}.",
        zh: "尚缺 {missing}，应于{day}前（含当日）缴纳，已逾期。",
    }
    deposit_to_come(from: BillingDay, amount: Figure, due: BillingDay) {
        en: "From {from} on, {amount} is required. Pay it by {due}.",
        zh: "自{from}起应缴 {amount}，请于{due}前（含当日）缴纳。",
    }
    deposit_use() {
        en: "Your deposit pays no bill. What could not be withheld may be paid from it, and it is returned when you leave, less what you owe.",
        zh: "保证金不用于支付账单。代扣未成的欠款可由保证金抵扣；退出时扣除欠款后退还。",
    }
    pay_deposit() { en: "Pay the deposit", zh: "缴纳保证金" }
    new_prices(day: BillingDay) { en: "New prices from {day}", zh: "{day}起执行新价格" }
    new_price(rate: Html, after: Price, before: Price) {
        en: "{rate} calls cost {after} instead of {before}.",
        zh: "{rate} 单价由 {before} 调整为 {after}。",
    }
    new_terms(rates: Html) { en: "The terms of {rates} change.", zh: "{rates} 的计价方式有变。" }
    new_plan_terms() { en: "The terms of your plan as a whole change.", zh: "整单的计价方式有变。" }
    effect_month(month: BillingMonth, after: Figure, before: Figure) {
        en: "Your {month} under the new prices: {after} instead of {before}",
        zh: "按新价格，您 {month}的费用为 {after}，原为 {before}",
    }
    effect_to_date(day: BillingDay, after: Figure, before: Figure) {
        en: "Your calls of this month to {day} under the new prices: {after} instead of {before}",
        zh: "按新价格，您本月至 {day}的费用为 {after}，原为 {before}",
    }
    effect_less(change: Figure) { en: ", which is {change} less.", zh: "，减少 {change}。" }
    effect_more(change: Figure) { en: ", which is {change} more.", zh: "，增加 {change}。" }
    effect_same() { en: ", which is the same.", zh: "，没有变化。" }
    no_action() { en: "You need not do anything.", zh: "您无需操作。" }
    compare() { en: "Calculate with calls of your own", zh: "用您的调用清单计算" }
    moved() {
        en: "Your terms of this month have changed, and with them what is settled",
        zh: "本月条款已变更，影响已结算的费用",
    }
    moved_from(from: BillingDay) {
        en: "Your terms change on {from}, and with them what is settled",
        zh: "条款自 {from}起变更，影响已结算的费用",
    }
    moved_more(charge: Figure) {
        en: "The settled days have another share of the month's free calls and limits: {charge} more is charged with your next bill.",
        zh: "已结算各日在本月额度与限额中的份额随之变化，下一份账单将补收 {charge}。",
    }
    moved_less(charge: Figure) {
        en: "The settled days have another share of the month's free calls and limits: {charge} is credited with your next bill.",
        zh: "已结算各日在本月额度与限额中的份额随之变化，下一份账单将退回 {charge}。",
    }
    late(days: Html) { en: "Calls of {days} arrived later", zh: "{days}有用量补报" }
    late_text(calls: Count, bill: StatementId, charge: Figure) {
        en: "{calls} calls came in after that day was settled. They are on the bill of {bill}, on lines that name their day: {charge}.",
        one(calls): "{calls} call came in after that day was settled. It is on the bill of {bill}, on a line that names its day: {charge}.",
        zh: "{calls} 次调用在当天结算后上报。这些调用列在 {bill}账单中，并注明所属日期：{charge}。",
    }
    see_lines() { en: "See the lines", zh: "查看明细" }
    withdrawn(days: Html) { en: "Calls of {days} were withdrawn", zh: "{days}有用量撤回" }
    withdrawn_text(calls: Count, bill: StatementId, charge: Figure) {
        en: "{calls} calls that had been reported were withdrawn. The bill of {bill} credits them: {charge}. You need not do anything.",
        one(calls): "{calls} call that had been reported was withdrawn. The bill of {bill} credits it: {charge}. You need not do anything.",
        zh: "已上报的 {calls} 次调用被撤回。{bill}账单已相应抵减：{charge}。您无需操作。",
    }
    credited(corrects: StatementId) { en: "Credit for the bill of {corrects}", zh: "{corrects}账单的抵减" }
    debited(corrects: StatementId) { en: "Charge for the bill of {corrects}", zh: "{corrects}账单的补收" }
    adjusted_text(bill: StatementId, amount: Figure, reason: &str) {
        en: "The bill of {bill} has {amount} for it: {reason}",
        zh: "{bill}账单列有 {amount}：{reason}",
    }
    cheaper(rate: Html) { en: "{rate} calls entered a cheaper tier", zh: "{rate} 进入更低的阶梯价" }
    cheaper_text(day: BillingDay, beyond: Units, rate: Html, now: Price, before: Price) {
        en: "Since {day} you are past {beyond} {rate} calls. Each further 10,000 cost {now} instead of {before}.",
        zh: "{day}起，您本月的 {rate} 调用超过 {beyond} 次。此后每 1 万次 {now}，原为 {before}。",
    }
    alert_budget(percent: Count) {
        en: "The month has reached {percent}% of its budget",
        zh: "本月费用已达预算的 {percent}%",
    }
    alert_forecast(percent: Count) {
        en: "The month is expected to reach {percent}% of its budget",
        zh: "本月费用预计达预算的 {percent}%",
    }
    alert_balance() { en: "Your prepaid balance is low", zh: "预存余额不足" }
    alert_balance_days() { en: "Your prepaid balance runs low", zh: "预存余额即将用完" }
    alert_allowance(percent: Count, rate: Html) {
        en: "{percent}% of the allowance is used: {rate}",
        zh: "免费额度已用 {percent}%：{rate}",
    }
    alert_unusual_day(day: BillingDay) { en: "{day} has unusually many calls", zh: "{day}的调用量异常" }
    alert_cap() { en: "Your calls are cut off: the month has reached your cap", zh: "本月费用已达您设的上限，调用已停止" }
    alert_cap_text() {
        en: "They go on with the next month, or once the cap is raised or lifted.",
        zh: "下月起，或提高、取消上限后恢复。",
    }
    alert_text(figure: Html, line: Html, at: Html) {
        en: "{figure} at {at}; the alert is at {line}.",
        zh: "{at} 为 {figure}，提醒线为 {line}。",
    }
    alert_units(units: Units) {
        en: "{units} units",
        one(units): "{units} unit",
        zh: "{units} 单位",
    }
    alert_calls(calls: Count) {
        en: "{calls} calls",
        one(calls): "{calls} call",
        zh: "{calls} 次调用",
    }
    alert_days(days: Count) {
        en: "{days} days",
        one(days): "{days} day",
        zh: "{days} 天",
    }
    stage_good() { en: "Everything is in order", zh: "一切正常" }
    stage_notice() { en: "You have overdue charges", zh: "您有逾期未付的费用" }
    stage_throttled() { en: "Your calls are limited", zh: "您的调用已被限流" }
    calls_limited(calls: Count) { en: "Your calls are limited to {calls} a second", zh: "您的调用已限流为每秒 {calls} 次" }
    stage_payouts_frozen() { en: "Payouts to you are frozen", zh: "已暂停向您付款" }
    stage_suspended() { en: "Your calls are stopped", zh: "您的调用已停止" }
    stage_terminated() { en: "Your contract is being ended", zh: "合约正在终止" }
    overdue_since(day: BillingDay) { en: "Charges of {day} and later are not paid.", zh: "{day} 起的费用尚未支付。" }
    stage_held(until: BillingDay, reason: &str) {
        en: "The platform decided so until {until}: {reason}.",
        zh: "平台决定在 {until} 之前如此：{reason}。",
    }
    stage_cure(amount: Figure) {
        en: "A payment of {amount} restores your standing at once.",
        zh: "支付 {amount} 后立即恢复。",
    }
    stage_next(on: BillingDay, stage: Html) { en: "Next, on {on}: {stage}.", zh: "{on} 起：{stage}。" }
    pay_to_restore() { en: "Pay now", zh: "立即支付" }
    agreement_suspended() { en: "Your withholding agreement is suspended", zh: "代扣协议已暂停" }
    suspended_alipay(when: Html, owed: Figure) {
        en: "Alipay has suspended it since {when}. Nothing is withheld; {owed} is owed. Put it in force again in Alipay, or recharge.",
        zh: "支付宝自 {when} 起暂停了该协议。期间不会代扣，待付 {owed}。请在支付宝中恢复，或充值支付。",
    }
    suspended_debit(when: Html, owed: Figure) {
        en: "Since {when} we know from a debit that your Alipay account can't be debited. Nothing is withheld; {owed} is owed. Mend it in Alipay, or recharge; then tell us.",
        zh: "自 {when} 起，扣款结果表明您的支付宝账户无法代扣。期间不会代扣，待付 {owed}。请在支付宝中处理，或充值支付，然后告知我们。",
    }
    debit_declined() { en: "Alipay could not withhold", zh: "支付宝未能扣款" }
    debit_declined_text(amount: Figure, when: Html, reason: Html) {
        en: "{amount} was not withheld on {when}: {reason}.",
        zh: "{when} 未能代扣 {amount}：{reason}。",
    }
    debit_next(when: Html) {
        en: "Next try {when}. Have enough money in the account by then.",
        zh: "{when} 再试，请确保届时余额充足。",
    }
    debit_stopped() {
        en: "We stopped trying. You can recharge instead.",
        zh: "已停止代扣，您可以充值支付。",
    }
    foot() {
        en: "Settled every night. Each amount can be recomputed from its bill.",
        zh: "每晚结算。每一笔金额都可以按账单重新算出。",
    }
    on_plan(provider: &str, plan: &str) { en: "{provider} on plan {plan}", zh: "{provider}，价目 {plan}" }
    on_plan_with(with: Html) { en: " with {with}", zh: "，优惠 {with}" }
}
