//! The terms of withholding, in both languages.
//!
//! A consent names the version that was shown. A change of what the terms say needs another
//! version.

use crate::lang::texts;
use crate::show::Html;

/// The version of the terms.
pub const TERMS_VERSION: &str = "2026-12";

texts! {
    /// The terms, article by article.
    pub(super) struct Terms;

    what() {
        en: "You let Alipay pay us what your prepaid balance does not cover of your API bills. It pays us only, and only what a bill charges.",
        zh: "您授权支付宝向我们支付 API 账单中预存余额不足的部分。款项只支付给我们，且只用于支付账单金额。",
    }
    when() {
        en: "Each night we make the bill of the day before. What is missing is withheld on the following day at the time that this page names. You see the amount before.",
        zh: "我们每晚生成前一日账单，不足部分于次日按本页所示时间扣款，扣款前您可以看到金额。",
    }
    limits() {
        en: "One debit, and all debits of one day, take at most the limits that this page shows when you sign. You may lower them here at any time. To raise them, you end withholding and sign again.",
        zh: "单笔扣款及每日扣款合计不超过签约时本页所示限额。您可随时在此调低；如需调高，请先终止代扣，再重新签约。",
    }
    declined() {
        en: "If Alipay declines a debit, we try again on later days as this page says, then stop. What is owed stays owed, and you can pay it by recharge.",
        zh: "如支付宝未能扣款，我们按本页所示于之后数日再试，随后停止。待付金额仍待支付，您可以通过充值支付。",
    }
    once() {
        en: "If Alipay gives no clear answer, we ask until it does, and withhold nothing else meanwhile. The same amount is never taken twice. What was taken in error is given back.",
        zh: "如支付宝没有明确答复，我们会持续查询，其间不再扣款。同一金额不会重复扣取，误扣的金额予以退还。",
    }
    end() {
        en: "You may end withholding at any time, here or in the Alipay app. It ends at once. What you owe by then stays owed; a debit that is under way is still completed.",
        zh: "您可随时在此或在支付宝 App 内终止代扣，立即生效。届时的待付金额仍待支付，已在进行中的扣款仍会完成。",
    }
    record() {
        en: "We record which version of these terms you agreed to, when, and in which session. Every debit stands in your ledger with Alipay's number.",
        zh: "我们会记录您同意的条款版本、时间及登录会话。每笔扣款均连同支付宝交易号列入您的资金流水。",
    }
}

impl Terms {
    /// Its articles, in order.
    pub(super) fn articles(self) -> [Html; 7] {
        [
            self.what(),
            self.when(),
            self.limits(),
            self.declined(),
            self.once(),
            self.end(),
            self.record(),
        ]
    }
}
