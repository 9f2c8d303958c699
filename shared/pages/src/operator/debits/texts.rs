//! The texts of the page of debits.

use jiff::civil::DateTime;
use steelyard_billing::ProviderId;
use steelyard_pricing::BillingDay;

use crate::lang::texts;
use crate::show::{Code, Count, Figure};

texts! {
    pub(super) struct Texts;

    title() { en: "Debits", zh: "扣款" }
    held() { en: "Held", zh: "已暂停" }
    held_note() {
        en: "The amount stays reserved, and no other debit of the provider is made until a person says how to go on.",
        zh: "金额保留，在有人决定如何继续之前，该服务商不会有其他扣款。",
    }
    doubt() { en: "In doubt", zh: "结果未知" }
    doubt_note() {
        en: "Alipay is asked again by itself, every hour at least. Nothing has to be done.",
        zh: "系统至少每小时向支付宝查询一次，无需处理。",
    }
    given_up() { en: "Not collected", zh: "未能扣款" }
    given_up_note() {
        en: "Proved unpaid. The amount is owed again, and asked for after the next charge, payment or change of the agreement.",
        zh: "已确认未扣款。金额转为待付，下次计费、付款或协议变更后再次发起。",
    }
    no_held() { en: "Nothing is held", zh: "没有暂停的扣款" }
    no_held_text() {
        en: "A debit is held when Alipay's answer contradicts the books. It then waits here for a person.",
        zh: "支付宝的答复与账目不符时，扣款会暂停，并在此等待处理。",
    }
    no_doubt() { en: "Nothing is in doubt", zh: "没有结果未知的扣款" }
    no_doubt_text() { en: "Every debit that was sent has an answer.", zh: "已发出的扣款都有结果。" }
    no_given_up() { en: "No debit is given up now", zh: "目前没有放弃的扣款" }
    no_given_up_text() {
        en: "What debits could not collect was paid since, or is asked for by another debit.",
        zh: "未能扣取的金额此后已付清，或已由另一笔扣款收取。",
    }
    heading(provider: &ProviderId, debit: Count, amount: Figure) {
        en: "<a href=\"/portal/providers/{provider}/withholding\">{provider}</a>: debit {debit}, {amount}",
        zh: "<a href=\"/portal/providers/{provider}/withholding\">{provider}</a>：第 {debit} 笔扣款，{amount}",
    }
    heading_without(provider: &ProviderId, debit: Count) {
        en: "<a href=\"/portal/providers/{provider}/withholding\">{provider}</a>: debit {debit}",
        zh: "<a href=\"/portal/providers/{provider}/withholding\">{provider}</a>：第 {debit} 笔扣款",
    }
    of_day(day: BillingDay) { en: "For the bill of {day}.", zh: "对应 {day}账单。" }
    of_days(from: BillingDay, through: BillingDay) {
        en: "For the bills of {from} to {through}.",
        zh: "对应 {from}至 {through}账单。",
    }
    trade(number: Code<'_>, since: DateTime) {
        en: "Trade {number}; it stands so since {since}.",
        zh: "交易号 {number}，自 {since} 起。",
    }
    held_why(why: &str) {
        en: "The answer contradicts the books: <span lang=\"en\">{why}</span>. Nothing is booked by it.",
        zh: "答复与账目不符：<span lang=\"en\">{why}</span>。未据此入账。",
    }
    held_found(found: &str) {
        en: "When it was last queried, Alipay answered: <span lang=\"en\">{found}</span>.",
        zh: "最近一次查询，支付宝答复：<span lang=\"en\">{found}</span>。",
    }
    is_queried() { en: "Alipay is being queried now, since a person asked for it.", zh: "已有人要求查询，正在查询支付宝。" }
    look() {
        en: "Look the trade up in Alipay's merchant portal before you choose.",
        zh: "选择之前，请先在支付宝商家后台查看该交易。",
    }
    doubt_why(why: &str) {
        en: "There is no clear answer: <span lang=\"en\">{why}</span>. It may have been paid; it is not sent again before Alipay tells.",
        zh: "没有明确答复：<span lang=\"en\">{why}</span>。可能已扣款，在支付宝答复之前不会再次发起。",
    }
    doubt_no_answer() {
        en: "It was being sent and no answer was recorded. Alipay is queried before anything else.",
        zh: "发出后未记录到答复，将先向支付宝查询。",
    }
    giving_up() { en: "It is given up once Alipay proves that nothing was taken.", zh: "支付宝确认未扣款后放弃。" }
    funds() { en: "The payer had too little money on each day on which it was tried.", zh: "每次尝试时付款方余额均不足。" }
    amount_cap(code: Code<'_>) { en: "The amount is above a limit of the agreement or the product ({code}). Have the limit raised, or ask for a recharge.", zh: "金额超过协议或产品限额（{code}）。请提高限额，或请服务商充值。" }
    window(code: Code<'_>) { en: "Alipay allowed it on none of the days on which it was tried ({code}).", zh: "尝试的各日支付宝均不允许扣款（{code}）。" }
    mandate_dead(code: Code<'_>) { en: "The agreement no longer exists ({code}). Ask the provider to sign again, or to recharge.", zh: "协议已不存在（{code}）。请服务商重新签约或充值。" }
    payer_blocked(code: Code<'_>) { en: "The payer's account is blocked ({code}). Ask the provider to recharge in another way.", zh: "付款账户受限（{code}）。请服务商以其他方式充值。" }
    by_operator() { en: "A person gave it up.", zh: "由人工放弃。" }
    next_at(at: DateTime) { en: "Next step at {at}.", zh: "下一步：{at}。" }
    earlier_ask(at: DateTime, reason: &str) { en: "{at}: queried by a person: {reason}", zh: "{at}：人工查询：{reason}" }
    earlier_retry(at: DateTime, reason: &str) { en: "{at}: sent again by a person: {reason}", zh: "{at}：人工重新发起：{reason}" }
    earlier_give_up(at: DateTime, reason: &str) { en: "{at}: given up by a person: {reason}", zh: "{at}：人工放弃：{reason}" }
    ask() { en: "<b>Ask Alipay again</b>, and go on by its answer", zh: "<b>再次查询支付宝</b>，按答复继续" }
    retry() {
        en: "<b>Ask, and send it again</b> if Alipay proves that it is unpaid",
        zh: "<b>查询并重新发起</b>，前提是支付宝确认未扣款",
    }
    give_up() {
        en: "<b>Close this trade at Alipay</b> and give it up once it is proved unpaid; the amount is owed again",
        zh: "<b>在支付宝关闭该交易</b>，确认未扣款后放弃，金额转为待付",
    }
    no_way_paid() {
        en: "No way says that it is paid: only Alipay can.",
        zh: "任何方式都不能认定已付款，只有支付宝可以。",
    }
    named_at(at: DateTime) {
        en: "Looked for among the debits that the settlement of {at} named, each as it is now.",
        zh: "在 {at} 结算列出的扣款中查找，逐笔显示当前状态。",
    }
    more() {
        en: "More providers have such debits than are listed here: <code>steelyard debits list</code> shows all.",
        zh: "另有服务商有此类扣款未在此列出：<code>steelyard debits list</code> 可列出全部。",
    }
}
