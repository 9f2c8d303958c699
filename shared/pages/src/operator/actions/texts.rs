//! The texts of the audit trail.

use jiff::civil::DateTime;
use steelyard_billing::ProviderId;

use crate::lang::texts;
use crate::show::{Code, Count, Figure, Html, WithYear};

texts! {
    pub(super) struct Texts;

    title() { en: "Actions", zh: "操作" }
    waiting() { en: "Waiting for a second person", zh: "等待另一人批准" }
    waiting_note() {
        en: "Nothing changes until another person than the one who asked approves.",
        zh: "须由提出者以外的人批准，此前不会有任何变动。",
    }
    no_waiting() { en: "Nothing waits", zh: "没有待批准的操作" }
    no_waiting_text() {
        en: "Actions that need a second person appear here as soon as they are asked for.",
        zh: "需要另一人批准的操作一经提出即在此显示。",
    }
    trail() { en: "Audit trail", zh: "操作记录" }
    trail_note() { en: "The newest first. Nothing is ever deleted.", zh: "新者在前，永久保留。" }
    no_trail() { en: "Nobody has acted yet", zh: "尚无操作" }
    no_trail_text() {
        en: "Everything that a person does on these pages is recorded here, before it is done.",
        zh: "在这些页面上的每项操作都会先在此留痕，再执行。",
    }
    asked(by: Html, at: DateTime) { en: "Asked for by {by} at {at}.", zh: "{by} 于 {at} 提出。" }
    because(reason: &str) { en: "Reason: {reason}", zh: "原因：{reason}" }
    own() {
        en: "You asked for it, so another person has to approve it. You may reject it.",
        zh: "由您提出，须由另一人批准；您可以驳回。",
    }
    approve() { en: "<b>Approve</b>: it is carried out at once", zh: "<b>批准</b>，立即执行" }
    reject() { en: "<b>Reject</b>: nothing changes", zh: "<b>驳回</b>，不作变动" }
    decide() { en: "Decide", zh: "提交" }
    decide_note() { en: "A decision is final.", zh: "决定后不可更改。" }
    when() { en: "Asked for", zh: "提出时间" }
    what() { en: "What", zh: "内容" }
    who() { en: "Who", zh: "操作人" }
    why() { en: "Reason", zh: "原因" }
    result() { en: "Result", zh: "结果" }
    at(at: DateTime) { en: "{at}", zh: "{at}" }
    operator(name: &str) { en: "{name}", zh: "{name}" }
    of_provider(provider: &ProviderId, session: Code<'_>) {
        en: "provider {provider}, session {session}",
        zh: "服务商 {provider}，会话 {session}",
    }
    for_provider(provider: &ProviderId, caller: Code<'_>) {
        en: "{caller} for provider {provider}",
        zh: "{caller}，代服务商 {provider}",
    }
    approved_by(name: &str) { en: "approved by {name}", zh: "由 {name} 批准" }
    no_reason() { en: "–", zh: "–" }
    end_mandate(provider: &ProviderId, mandate: Count) {
        en: "End agreement {mandate} of {provider}",
        zh: "终止 {provider} 的第 {mandate} 份协议",
    }
    lower(provider: &ProviderId, mandate: Count, single: Figure) {
        en: "Lower the limits of agreement {mandate} of {provider} to {single} a debit",
        zh: "将 {provider} 第 {mandate} 份协议的单笔限额降至 {single}",
    }
    lower_daily(provider: &ProviderId, mandate: Count, single: Figure, daily: Figure) {
        en: "Lower the limits of agreement {mandate} of {provider} to {single} a debit and {daily} a day",
        zh: "将 {provider} 第 {mandate} 份协议的限额降至单笔 {single}、每日 {daily}",
    }
    ask(provider: &ProviderId, debit: Count) {
        en: "Ask Alipay about debit {debit} of {provider}",
        zh: "查询 {provider} 的第 {debit} 笔扣款",
    }
    retry(provider: &ProviderId, debit: Count) {
        en: "Ask about debit {debit} of {provider}, and send it again if it is unpaid",
        zh: "查询 {provider} 的第 {debit} 笔扣款，未付则重新发起",
    }
    give_up(provider: &ProviderId, debit: Count) {
        en: "Close debit {debit} of {provider} at Alipay and give it up",
        zh: "在支付宝关闭并放弃 {provider} 的第 {debit} 笔扣款",
    }
    close_finding(trade: Code<'_>) { en: "Close the finding about trade {trade}", zh: "关闭交易 {trade} 的差异" }
    close_refund(trade: Code<'_>, request: Code<'_>) {
        en: "Close the finding about refund {request} of trade {trade}",
        zh: "关闭交易 {trade} 退款 {request} 的差异",
    }
    stop() { en: "Stop all debits", zh: "停止全部扣款" }
    resume() { en: "Let debits go on", zh: "恢复扣款" }
    approve_adjustment(provider: &ProviderId, adjustment: Code<'_>) {
        en: "Approve adjustment {adjustment} of {provider}",
        zh: "批准 {provider} 的调整 {adjustment}",
    }
    reject_adjustment(provider: &ProviderId, adjustment: Code<'_>) {
        en: "Reject adjustment {adjustment} of {provider}",
        zh: "驳回 {provider} 的调整 {adjustment}",
    }
    set_alerts(provider: &ProviderId) { en: "Set the alerts of {provider}", zh: "设置 {provider} 的提醒" }
    revoke(provider: &ProviderId) { en: "End all sessions of {provider}", zh: "结束 {provider} 的全部登录" }
    draw(provider: &ProviderId) {
        en: "Pay what {provider} owes from its deposit",
        zh: "以保证金抵扣 {provider} 的欠款",
    }
    draw_most(provider: &ProviderId, most: Figure) {
        en: "Pay up to {most} of what {provider} owes from its deposit",
        zh: "以保证金抵扣 {provider} 的欠款，最多 {most}",
    }
    return_deposit(provider: &ProviderId) {
        en: "Return the deposit of {provider}, less what is owed",
        zh: "退还 {provider} 的保证金（扣除欠款后）",
    }
    return_most(provider: &ProviderId, most: Figure) {
        en: "Return up to {most} of the deposit of {provider}, less what is owed",
        zh: "退还 {provider} 的保证金（扣除欠款后），最多 {most}",
    }
    book_return(provider: &ProviderId, amount: Figure, reference: Code<'_>) {
        en: "Book the return of {amount} of the deposit of {provider} by transfer {reference}",
        zh: "登记已通过转账 {reference} 退还 {provider} 的保证金 {amount}",
    }
    amounts(returned: Figure, drawn: Figure, by_transfer: Figure) {
        en: "{returned} are returned, {drawn} pay what is owed, and {by_transfer} are left for a bank transfer. If these amounts change before the approval, nothing is moved.",
        zh: "退还 {returned}，抵扣欠款 {drawn}，余 {by_transfer} 须经转账退还。批准前金额如有变动，则不作任何处理。",
    }
    hold(provider: &ProviderId, stage: Html, until: WithYear) {
        en: "Hold {provider} at the stage “{stage}” until {until}",
        zh: "将 {provider} 的欠费阶段定为“{stage}”，至 {until}",
    }
    release(provider: &ProviderId) {
        en: "Let the arrears ladder decide about {provider} again",
        zh: "恢复按欠费规则处理 {provider}",
    }
    stage_good() { en: "good", zh: "正常" }
    stage_notice() { en: "notice", zh: "提醒" }
    stage_throttled() { en: "throttled", zh: "限流" }
    stage_payouts_frozen() { en: "payouts frozen", zh: "暂停结算" }
    stage_suspended() { en: "suspended", zh: "停止调用" }
    stage_terminated() { en: "terminated", zh: "终止合作" }
    is_asked() { en: "recorded, not carried out yet", zh: "已记录，尚未执行" }
    is_waiting() { en: "waiting", zh: "待批准" }
    is_done() { en: "done", zh: "已完成" }
    is_as_before() { en: "done: it was so before", zh: "已完成：此前已是如此" }
    is_refused() { en: "not allowed", zh: "不允许" }
    is_rejected() { en: "rejected", zh: "已驳回" }
    refused_why(why: &str, at: DateTime) {
        en: "<span lang=\"en\">{why}</span>, {at}. Nothing changed.",
        zh: "<span lang=\"en\">{why}</span>，{at}。没有变动。",
    }
    rejected_why(by: &str, reason: &str, at: DateTime) {
        en: "by {by} at {at}: {reason}",
        zh: "{by} 于 {at}：{reason}",
    }
    next_page() { en: "Earlier actions", zh: "更早的操作" }
}
