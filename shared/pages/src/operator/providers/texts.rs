//! The texts of the page of providers.

use jiff::civil::{DateTime, Time};

use crate::lang::texts;
use crate::show::{Count, Figure, Html};

texts! {
    pub(super) struct Texts;

    title() { en: "Providers", zh: "服务商" }
    all() { en: "All providers", zh: "全部服务商" }
    all_note(providers: Count, at: DateTime) {
        en: "Providers: {providers}, as the settlement of {at} left them.",
        zh: "共 {providers} 家，以 {at} 结算完成时为准。",
    }
    no_sums() { en: "The sums follow the first nightly settlement", zh: "首次夜间结算后显示合计" }
    no_sums_text() {
        en: "They are counted every night after 00:30, when every provider is read. The list below is of now.",
        zh: "合计于每日 00:30 后逐家读取时得出，下方列表为当前数据。",
    }
    prepaid() { en: "Prepaid", zh: "预存" }
    owed() { en: "Owed", zh: "待付" }
    collecting() { en: "Being collected", zh: "扣款中" }
    of_providers(providers: Count) { en: "Providers: {providers}", zh: "{providers} 家" }
    open_debits(debits: Count) { en: "Open debits: {debits}", zh: "{debits} 笔扣款未完成" }
    attention(given_up: Count, without: Count) {
        en: "Providers that owe what a debit could not collect: {given_up}. Providers that owe enough for a debit and have no agreement for it: {without}.",
        zh: "{given_up} 家的款项扣款未成功，{without} 家已达扣款额但没有可用协议。",
    }
    list() { en: "By debt", zh: "按待付排列" }
    list_note() { en: "Most urgent first, page by page.", zh: "逐页显示，急者在前。" }
    search_label() { en: "Part of the provider's id", zh: "服务商编号的一部分" }
    state_label() { en: "State", zh: "状态" }
    any_state() { en: "All", zh: "全部" }
    search() { en: "Search", zh: "查找" }
    prepaid_yuan() { en: "Prepaid, ¥", zh: "预存，元" }
    owed_yuan() { en: "Owed, ¥", zh: "待付，元" }
    collecting_yuan() { en: "Collecting, ¥", zh: "扣款中，元" }
    next() { en: "Next withholding", zh: "下次代扣" }
    last_bill() { en: "Last bill", zh: "最近账单" }
    no_bill() { en: "not yet", zh: "尚无" }
    no_plan() { en: "on no plan", zh: "没有价目表" }
    none() { en: "none", zh: "无" }
    due(day: Html, time: Time, amount: Figure) { en: "{day}, {time}, {amount}", zh: "{day} {time}，{amount}" }
    query(day: Html, time: Time) { en: "asking Alipay on {day}, {time}", zh: "{day} {time} 向支付宝查询" }
    held_next() { en: "held", zh: "已暂停" }
    unknown_next() { en: "a debit is open", zh: "有未完成的扣款" }
    held() { en: "debit held", zh: "扣款暂停" }
    in_doubt() { en: "in doubt", zh: "结果未知" }
    given_up() { en: "not collected", zh: "未能扣款" }
    suspended() { en: "agreement suspended", zh: "协议暂停" }
    missing() { en: "no agreement", zh: "没有协议" }
    owing() { en: "owing", zh: "待付" }
    good() { en: "good", zh: "正常" }
    closed() { en: "closed", zh: "已关闭" }
    stage_notice() { en: "overdue", zh: "逾期" }
    stage_throttled() { en: "calls limited", zh: "已限流" }
    stage_payouts_frozen() { en: "payouts frozen", zh: "已暂停付款" }
    stage_suspended() { en: "calls stopped", zh: "已停止调用" }
    stage_terminated() { en: "contract ending", zh: "合约终止中" }
    shown(shown: Count, looked_at: Count) {
        en: "{shown} of {looked_at} that were looked at",
        zh: "查看了 {looked_at} 家，显示 {shown} 家",
    }
    next_page() { en: "Next page", zh: "下一页" }
    first_page() { en: "First page", zh: "第一页" }
    nobody() { en: "No provider yet", zh: "还没有服务商" }
    nobody_text() {
        en: "A provider appears here as soon as it is registered: <code>steelyard provider add</code>.",
        zh: "登记后即显示：<code>steelyard provider add</code>。",
    }
    not_here(looked_at: Count) {
        en: "None of {looked_at} that were looked at",
        zh: "已查看 {looked_at} 家，没有符合条件的",
    }
    not_here_go_on() {
        en: "There are more: go on with the next page.",
        zh: "还有其他服务商，请查看下一页。",
    }
    not_here_end() { en: "There are no more. Search for less.", zh: "没有更多，请放宽条件。" }
}
