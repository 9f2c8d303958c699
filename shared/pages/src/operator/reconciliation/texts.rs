//! The texts of the page of the reconciliation.

use jiff::civil::{Date, DateTime};
use steelyard_billing::ProviderId;

use crate::lang::texts;
use crate::show::{Code, Count, Figure};

texts! {
    pub(super) struct Texts;

    title() { en: "Reconciliation", zh: "对账" }
    open() { en: "Open findings", zh: "待核对差异" }
    open_note() {
        en: "Where Alipay's bill and the books do not agree. Closing one books nothing.",
        zh: "支付宝账单与账目不一致之处。关闭差异不会入账。",
    }
    none_open() { en: "No finding is open", zh: "没有待核对差异" }
    none_open_text() {
        en: "Every difference that a bill showed was looked at.",
        zh: "账单显示的差异均已核对。",
    }
    amount_differs(trade: Code<'_>) { en: "Trade {trade}: the amounts differ", zh: "交易 {trade}：金额不一致" }
    theirs_only(trade: Code<'_>) { en: "Trade {trade}: only the bill has it", zh: "交易 {trade}：仅账单有" }
    ours_only(trade: Code<'_>) { en: "Trade {trade}: only the books have it", zh: "交易 {trade}：仅账目有" }
    unreadable_row(trade: Code<'_>) { en: "Row {trade}: it cannot be read", zh: "行 {trade}：无法读取" }
    booked(trade: Code<'_>) { en: "Trade {trade}: booked by the bill", zh: "交易 {trade}：已按账单入账" }
    both(ours: Figure, theirs: Figure) {
        en: "Our books say {ours}. Alipay's bill says {theirs}.",
        zh: "账目为 {ours}，支付宝账单为 {theirs}。",
    }
    ours(ours: Figure) {
        en: "Our books say {ours}. Neither the bill of its day nor the next one shows it.",
        zh: "账目为 {ours}，当日及次日账单均未显示。",
    }
    theirs(theirs: Figure) {
        en: "Alipay's bill says {theirs}. The books have no such movement.",
        zh: "支付宝账单为 {theirs}，账目没有此笔。",
    }
    neither() {
        en: "The row is damaged; it may be money that moved. The raw file is kept.",
        zh: "该行已损坏，可能涉及资金变动。原始文件已保存。",
    }
    since(day: Date) { en: "First shown by the bill of {day}.", zh: "首见于 {day}账单。" }
    of_provider(provider: &ProviderId) {
        en: "Provider <a href=\"/portal/providers/{provider}/ledger\">{provider}</a>.",
        zh: "服务商 <a href=\"/portal/providers/{provider}/ledger\">{provider}</a>。",
    }
    of_request(number: Code<'_>) { en: "Refund or line {number}.", zh: "退款或行 {number}。" }
    more(count: Count) {
        en: "More than are listed here: {count}. <code>steelyard reconcile findings</code> shows all.",
        zh: "另有 {count} 处未列出，<code>steelyard reconcile findings</code> 可列出全部。",
    }
    close() { en: "Close it", zh: "关闭" }
    close_note() {
        en: "If money has to be booked, book it first. Another difference of the trade opens it again.",
        zh: "如需入账，请先入账。该交易再有差异时会重新打开。",
    }
    days() { en: "Days", zh: "各日" }
    days_note() {
        en: "By Alipay's bills, whose days are Beijing's. The newest first.",
        zh: "按支付宝账单日（北京时间），新者在前。",
    }
    no_days() { en: "No day was reconciled yet", zh: "尚未对账" }
    no_days_text() {
        en: "The first bill is read at 10:30 in Beijing on the day after the first payment.",
        zh: "首笔付款次日北京时间 10:30 读取首份账单。",
    }
    day() { en: "Day", zh: "日期" }
    result() { en: "Result", zh: "结果" }
    rows() { en: "Agree", zh: "一致" }
    waiting() { en: "Wait for the next bill", zh: "待次日账单" }
    when() { en: "Reconciled", zh: "对账时间" }
    rows_of(matched: Count, rows: Count) { en: "{matched} of {rows}", zh: "{matched} / {rows}" }
    agrees() { en: "agrees", zh: "一致" }
    agrees_found(found: Count) {
        en: "booked by the bill: {found}",
        zh: "其中 {found} 笔按账单入账",
    }
    differs(findings: Count) { en: "differences: {findings}", zh: "{findings} 处差异" }
    nothing() { en: "nothing moved", zh: "无资金变动" }
    skipped() { en: "skipped", zh: "已跳过" }
    skipped_why(reason: &str) { en: "{reason}", zh: "{reason}" }
    failed() { en: "not done yet", zh: "尚未完成" }
    failed_why(why: &str) {
        en: "<span lang=\"en\">{why}</span>. The next run tries again. If the bill cannot be had: <code>steelyard reconcile skip</code>",
        zh: "<span lang=\"en\">{why}</span>。下次运行重试。确实无法取得账单时：<code>steelyard reconcile skip</code>",
    }
    at(at: DateTime) { en: "{at}", zh: "{at}" }
}
