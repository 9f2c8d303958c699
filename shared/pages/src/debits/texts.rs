//! What pages say about debits.

use jiff::civil::{Date, DateTime};
use steelyard_pricing::BillingDay;

use crate::lang::texts;
use crate::show::{Brief, Code, Count, Figure};

texts! {
    pub(crate) struct Texts;

    number(number: Count) { en: "No. {number}", zh: "第 {number} 笔" }
    day(day: BillingDay) { en: "{day}", zh: "{day}" }
    days(from: BillingDay, through: BillingDay) {
        en: "{from} to {through}",
        zh: "{from}至 {through}",
    }
    owed_then() { en: "what is owed then", zh: "届时的待付金额" }
    nothing_taken() { en: "nothing", zh: "无" }
    due(at: Brief) { en: "due {at}", zh: "{at} 扣款" }

    scheduled() { en: "scheduled", zh: "待扣款" }
    scheduled_what(at: DateTime) {
        en: "It is withheld on {at}.",
        zh: "将于 {at} 扣款。",
    }
    nothing_yet(at: DateTime) {
        en: "By what is owed, and what the agreement allows, there is nothing to withhold now. If that is still so on {at}, nothing is withheld.",
        zh: "按当前待付金额和协议限额，没有可扣款项。如到 {at} 仍然如此，则不扣款。",
    }
    without_agreement() { en: "no agreement", zh: "没有协议" }
    without_agreement_what(at: DateTime) {
        en: "No agreement is in force. If that is still so on {at}, the debit ends then, and nothing is taken for it.",
        zh: "当前没有生效的代扣协议。如到 {at} 仍然如此，这笔扣款即告终止，不会扣取任何金额。",
    }
    not_sent_without_agreement() {
        en: "No agreement is in force, so it is not sent: it is put off from day to day, or ends.",
        zh: "当前没有生效的代扣协议，因此不会发起：逐日推迟，或者终止。",
    }
    without_agreement_later() {
        en: "Once it has ended, you can pay the amount by a recharge; before that, a recharge does not reach it.",
        zh: "终止后您可以充值支付该金额，在此之前的充值不会用于这笔扣款。",
    }
    scheduled_can() {
        en: "A recharge that arrives before then comes off first.",
        zh: "在此之前到账的充值会先抵扣。",
    }
    sending() { en: "being sent", zh: "发送中" }
    sending_what() { en: "We are sending it to Alipay now.", zh: "正在发送给支付宝。" }
    resending() { en: "sent again", zh: "将重发" }
    resending_what(at: DateTime) {
        en: "Alipay has taken nothing for it yet. We send it again on {at}.",
        zh: "支付宝尚未为此扣款，我们将于 {at} 重新发送。",
    }
    unknown() { en: "not known yet", zh: "结果未知" }
    unknown_what() {
        en: "Alipay has not said whether it paid. We ask until it is certain, and the same amount is never taken twice.",
        zh: "支付宝尚未告知是否已付款。我们会一直查询到有确定结果，同一金额不会重复扣取。",
    }
    unknown_can() {
        en: "Don't pay it again. You need not do anything.",
        zh: "请不要重复付款，您无需任何操作。",
    }
    declined() { en: "declined, tried again", zh: "未能扣款，将再试" }
    declined_next(at: DateTime) { en: "The next try is on {at}.", zh: "下次扣款时间为 {at}。" }
    giving_up() { en: "being stopped", zh: "正在停止" }
    giving_up_what() {
        en: "We stop this debit, and make sure at Alipay that nothing more is taken for it.",
        zh: "我们正在停止这笔扣款，并向支付宝确认不会再扣取。",
    }
    giving_up_can() {
        en: "Wait with a payment of your own until it says here that nothing was taken.",
        zh: "请等到此处显示未扣取后再自行付款。",
    }
    held() { en: "being looked into", zh: "人工核实中" }
    held_what() {
        en: "Alipay's answer and our books do not agree. A person of the platform is looking into it, and takes nothing more until it is clear.",
        zh: "支付宝的答复与我们的账目不一致，平台人员正在核实，查清之前不会再扣取。",
    }
    paid() { en: "paid", zh: "已付款" }
    paid_what(at: DateTime) { en: "Alipay paid it. It was sent on {at}.", zh: "支付宝已付款，发送时间为 {at}。" }
    nothing_to_do() { en: "You need not do anything.", zh: "您无需任何操作。" }
    given_up() { en: "not withheld", zh: "未扣款" }
    given_up_can(amount: Figure) {
        en: "Nothing was taken, and {amount} is owed again.",
        zh: "未扣取任何金额，{amount} 恢复为待付。",
    }
    withdrawn() { en: "not needed", zh: "无需扣款" }
    withdrawn_what() {
        en: "It was never sent: nothing was owed any more, or no agreement was left to collect it.",
        zh: "从未发送：已无待付金额，或已没有可用的代扣协议。",
    }

    funds() {
        en: "The Alipay account did not hold the amount, or reached a limit of its own.",
        zh: "支付宝账户余额不足，或已达到该账户自身的限额。",
    }
    funds_can() {
        en: "Put money into the Alipay account before the next try. A recharge does not pay this debit.",
        zh: "请在下次扣款前向支付宝账户转入资金，充值不会用于这笔扣款。",
    }
    funds_over_can() {
        en: "You can recharge. The next bill asks for it again.",
        zh: "您可以充值；下一次账单会再次发起扣款。",
    }
    amount_cap() {
        en: "The amount is above what Alipay or the agreement allows for one debit.",
        zh: "金额超过支付宝或代扣协议允许的单笔限额。",
    }
    withdrawn_can() {
        en: "If something is owed, the overview shows it, and a recharge pays it.",
        zh: "如有待付金额，总览会显示，您可以充值支付。",
    }
    amount_cap_can() {
        en: "You can recharge the amount, or sign an agreement with a higher limit.",
        zh: "您可以充值该金额，或签署限额更高的代扣协议。",
    }
    window() {
        en: "Alipay allowed no debit at that time: too many, too soon, or outside its hours.",
        zh: "支付宝当时不允许扣款：次数过多、间隔过短，或不在允许的时间内。",
    }
    window_can() {
        en: "You need not do anything: we try again on the next day.",
        zh: "您无需任何操作，我们次日再试。",
    }
    mandate_dead() {
        en: "The agreement, or the Alipay account that signed it, no longer exists at Alipay.",
        zh: "代扣协议或签约的支付宝账户在支付宝已不存在。",
    }
    mandate_dead_can() {
        en: "You can sign a new agreement, or recharge.",
        zh: "您可以重新签署代扣协议，或充值。",
    }
    payer_blocked() {
        en: "Alipay has blocked the account that pays, or sees a risk in it.",
        zh: "支付宝已限制付款账户，或认为其存在风险。",
    }
    payer_blocked_can() {
        en: "Ask Alipay about the account. Until it is free, you can recharge from another account.",
        zh: "请向支付宝咨询该账户。在此之前，您可以用其他账户充值。",
    }
    by_operator() { en: "The platform stopped this debit.", zh: "平台停止了这笔扣款。" }
    by_operator_can() {
        en: "You can recharge. Ask the platform if you do not know why.",
        zh: "您可以充值；如不清楚原因，请联系平台。",
    }
    confirmed() { en: "Confirmed by Alipay's bill", zh: "支付宝账单已核对" }
    to_confirm() { en: "To be confirmed by Alipay's bill", zh: "待支付宝账单核对" }
    alipay_bill_of(day: Date) { en: "Bill of {day}", zh: "{day}账单" }
    alipay_bill_arrives(day: Date, next: Date) {
        en: "Bill of {day}, which arrives on {next} at 10:30 in Beijing",
        zh: "{day}账单，{next} 10:30（北京时间）到达",
    }
    code(code: Code<'_>) { en: "Alipay's code: {code}", zh: "支付宝代码：{code}" }
}
