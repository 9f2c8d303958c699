//! The texts of the start page.

use jiff::civil::DateTime;
use steelyard_pricing::BillingMonth;

use crate::lang::texts;
use crate::show::{Count, Figure};

texts! {
    pub(crate) struct Texts;

    title() { en: "Steelyard on this machine", zh: "本机上的 Steelyard" }
    lead() {
        en: "The whole system runs in one process here. Its Alipay is a local one, so no real money moves.",
        zh: "整个系统运行在本机的一个进程中。支付宝为本地模拟，不会动用真实资金。",
    }
    providers() { en: "Providers", zh: "服务商" }
    providers_note() {
        en: "A name opens the pages of a provider, as the provider sees them. An operator sees the same, and neither pays nor signs.",
        zh: "点击名称，以服务商身份打开其页面。运营人员看到的内容相同，但不付款、不签约。",
    }
    provider() { en: "Provider", zh: "服务商" }
    plan() { en: "Plan", zh: "价目表" }
    no_plan() { en: "none yet", zh: "暂无" }
    prepaid() { en: "Prepaid, ¥", zh: "预存，元" }
    owed() { en: "Owed, ¥", zh: "待付，元" }
    collecting() { en: "Being collected, ¥", zh: "扣款中，元" }
    as_operator() { en: "As an operator", zh: "以运营身份" }
    open_as_operator(provider: &str) {
        en: "<span class=\"hide\">{provider}: </span>Open",
        zh: "<span class=\"hide\">{provider}：</span>打开",
    }
    more_providers() {
        en: "More are registered. <code>steelyard provider list</code> lists all, and <code>steelyard portal PROVIDER</code> opens the pages of one.",
        zh: "还有更多服务商：<code>steelyard provider list</code> 列出全部，<code>steelyard portal PROVIDER</code> 打开其中一个的页面。",
    }
    unreadable(number: Count) {
        en: "Records that cannot be read: {number}. <code>steelyard items unreadable</code> lists them.",
        zh: "无法读取的记录：{number} 条。<code>steelyard items unreadable</code> 可列出。",
    }
    no_providers() { en: "No provider yet", zh: "尚无服务商" }
    no_providers_text() {
        en: "Add a plan and a provider in a second terminal, then load this page again:",
        zh: "请在另一个终端中添加价目表和服务商，然后重新加载本页面：",
    }
    add_provider(month: &str) {
        en: "steelyard provider add shop-assistant --plan jushita-2014 --billed-from {month}",
        zh: "steelyard provider add shop-assistant --plan jushita-2014 --billed-from {month}",
    }
    or_demo() {
        en: "<code>steelyard demo --open</code> shows a system with some days of usage.",
        zh: "<code>steelyard demo --open</code> 可查看已有数天用量的系统。",
    }
    clock() { en: "The clock", zh: "时钟" }
    clock_note() {
        en: "The whole system follows it, but for how long you are signed in.",
        zh: "整个系统按此时钟运行，登录时长除外。",
    }
    shows(at: DateTime) { en: "It shows {at}.", zh: "当前为 {at}。" }
    stands_still() { en: "It stands still until you move it.", zh: "时钟静止，由您拨动。" }
    runs_with_time() { en: "It runs as time does.", zh: "与实际时间同速。" }
    runs_faster(speed: Count) {
        en: "It runs {speed} times as fast as time.",
        zh: "以实际时间的 {speed} 倍运行。",
    }
    slow_down() { en: "Run as fast as time", zh: "按实际时间运行" }
    slow_note() {
        en: "A link to pay a recharge is open for two hours of this clock. Slow the clock down before you pay.",
        zh: "充值付款链接在此时钟走过两小时后失效，付款前请先放慢时钟。",
    }
    runs_next() { en: "What runs next", zh: "接下来运行" }
    what() { en: "What", zh: "内容" }
    when() { en: "When", zh: "时间" }
    settlement() { en: "Settlement", zh: "结算" }
    settlement_text() { en: "charges every day that is over", zh: "计收已结束各日的费用" }
    dispatch() { en: "Debits and other tasks", zh: "扣款及其他任务" }
    dispatch_text() { en: "that are due", zh: "处理到期的任务" }
    notification() { en: "A notification", zh: "通知" }
    notification_text() { en: "of the local Alipay", zh: "由本地支付宝发出" }
    reconciliation() { en: "Reconciliation", zh: "对账" }
    reconciliation_text() {
        en: "compares the books with Alipay's bill of the day before",
        zh: "将账目与支付宝前一日账单核对",
    }
    move_there(at: DateTime) {
        en: "Move the clock to {at}",
        zh: "将时钟拨到 {at}",
    }
    move_note() {
        en: "What falls due then runs at once. Load this page again to see what came of it.",
        zh: "届时到期的内容立即运行。重新加载本页面可查看结果。",
    }
    agreements() { en: "Agreements", zh: "代扣协议" }
    alipay_note() {
        en: "At the local Alipay. A payer's page is the Alipay app: there the payer can end an agreement.",
        zh: "来自本地支付宝。付款人页面相当于支付宝应用，付款人可在其中解约。",
    }
    no_agreements() { en: "No agreement yet", zh: "尚无协议" }
    no_agreements_text() {
        en: "A provider signs one on its withholding page.",
        zh: "服务商可在其代扣页面签约。",
    }
    number() { en: "Number", zh: "编号" }
    payer() { en: "Payer", zh: "付款人" }
    signed() { en: "Signed", zh: "签约时间" }
    limit() { en: "Alipay's limit", zh: "支付宝限额" }
    no_limit() { en: "none", zh: "无" }
    limit_of(limit: Figure) { en: "{limit} a payment", zh: "单笔 {limit}" }
    state() { en: "State", zh: "状态" }
    in_force() { en: "In force", zh: "生效" }
    deferred() { en: "Not in force yet", zh: "尚未生效" }
    suspended() { en: "Suspended", zh: "已暂停" }
    ended() { en: "Ended", zh: "已终止" }
    payments() { en: "Payments", zh: "付款" }
    no_payments() { en: "No payment yet", zh: "尚无付款" }
    no_payments_text() {
        en: "Recharges appear here once their page at Alipay is opened, debits once they are sent.",
        zh: "充值在打开支付宝页面后显示，扣款在发出后显示。",
    }
    our_number() { en: "Our number", zh: "商户订单号" }
    kind() { en: "Kind", zh: "类型" }
    recharge() { en: "Recharge", zh: "充值" }
    debit() { en: "Debit", zh: "扣款" }
    at() { en: "Time", zh: "时间" }
    amount() { en: "Amount, ¥", zh: "金额，元" }
    refunded(amount: Figure) { en: "{amount} given back", zh: "已退 {amount}" }
    waiting() { en: "Not paid", zh: "未付款" }
    pay() { en: "Pay", zh: "付款" }
    under_way() { en: "Under way", zh: "处理中" }
    paid() { en: "Paid", zh: "已付款" }
    closed() { en: "Closed", zh: "已关闭" }
    more_of_alipay() {
        en: "These are the latest. <code>/local/agreements</code> and <code>/local/trades</code> list all.",
        zh: "仅显示最近的记录。<code>/local/agreements</code> 和 <code>/local/trades</code> 列出全部。",
    }
    programs() { en: "For programs", zh: "供程序使用" }
    programs_note() {
        en: "The stack checks no credentials.",
        zh: "本机系统不校验凭证。",
    }
    usage_api() { en: "Report usage", zh: "上报用量" }
    live_usage() { en: "Read live usage", zh: "读取实时用量" }
    quote_api() { en: "Quote usage", zh: "用量计价" }
    offers_api() { en: "Offer recharges and agreements", zh: "发起充值与签约" }
    aws_tools() { en: "AWS tools", zh: "AWS 工具" }
    foot() {
        en: "<code>steelyard help</code> lists the commands. They work on this system, at its time.",
        zh: "<code>steelyard help</code> 列出全部命令。命令作用于本系统，并采用其时间。",
    }
}

impl Texts {
    /// The command that adds a provider from this month on.
    pub(crate) fn add_provider_from(self, month: BillingMonth) -> crate::show::Html {
        self.add_provider(&month.to_string())
    }
}
