//! The texts of the page of sessions.

use steelyard_billing::ProviderId;

use crate::lang::texts;

texts! {
    pub(super) struct Texts;

    title() { en: "Sessions", zh: "登录" }
    end_all() { en: "End all sessions", zh: "结束全部登录" }
    end_all_note() {
        en: "For a cookie or a link of the provider that may be in other hands.",
        zh: "服务商的 Cookie 或链接可能落入他人之手时使用。",
    }
    heading(provider: &ProviderId) {
        en: "End every session in which the pages of {provider} are open",
        zh: "结束 {provider} 页面的全部登录",
    }
    effect() {
        en: "They end at once, in every browser, and links that were not opened yet open nothing.",
        zh: "所有浏览器中的登录立即失效，尚未打开的链接也随之作废。",
    }
    after() {
        en: "The platform can give the provider a new link at once. Withholding, recharges and bills go on, and sessions of operators stay open.",
        zh: "平台可立即为服务商提供新链接。代扣、充值和账单不受影响，运营人员的登录继续有效。",
    }
}
