//! What the pages of recharges say.

use jiff::civil::DateTime;

use crate::lang::texts;
use crate::show::{Count, Figure, Html};

texts! {
    pub(crate) struct Texts;

    title() { en: "Recharge", zh: "充值" }
    foot() {
        en: "A recharge counts once, by Alipay's own number. Nothing is taken without your payment at Alipay.",
        zh: "每笔充值按支付宝交易号只入账一次。未经您在支付宝付款，不会扣取任何金额。",
    }
    heading() { en: "Pay in through Alipay", zh: "通过支付宝充值" }
    what_first() { en: "How a recharge is used", zh: "充值如何使用" }
    what_first_note() { en: "In this order, as soon as Alipay tells us.", zh: "收到支付宝通知后，按此顺序使用。" }
    first_owed() { en: "What is owed comes first.", zh: "先支付待付金额。" }
    first_owed_text(owed: Figure) {
        en: "{owed} is owed now and not being collected.",
        zh: "当前待付且未在扣款中的金额为 {owed}。",
    }
    then_prepaid() { en: "The rest is prepaid.", zh: "其余计入预存余额。" }
    then_prepaid_text(prepaid: Figure) {
        en: "It pays the next bills before anything is withheld. Prepaid now: {prepaid}.",
        zh: "在代扣之前优先支付之后的账单。当前预存余额：{prepaid}。",
    }
    collecting_stays() { en: "What is being collected stays with its debit.", zh: "扣款中的金额仍由该笔扣款收取。" }
    collecting_text(collecting: Figure) {
        en: "{collecting} is being collected now. Don't pay it again: a recharge does not touch it.",
        zh: "{collecting} 正在扣款，请不要重复付款，充值不影响这部分。",
    }
    collecting_none() {
        en: "Nothing is being collected now.",
        zh: "当前没有扣款中的金额。",
    }
    suggested() { en: "Suggested", zh: "建议金额" }
    suggested_hint() { en: "Each link fills in the amount.", zh: "点击后填入金额。" }
    for_deposit(amount: Figure) { en: "{amount} completes your deposit", zh: "{amount} 补足保证金" }
    for_owed(amount: Figure) { en: "{amount} pays what is owed", zh: "{amount} 支付当前待付" }
    for_seven_days(amount: Figure) { en: "{amount} lasts for about 7 days", zh: "{amount} 约可用 7 天" }
    for_month(amount: Figure) {
        en: "{amount} lasts to the end of the month, as far as can be expected",
        zh: "{amount} 预计可用至月底",
    }
    no_forecast() {
        en: "There is no forecast yet. It needs a few days of usage.",
        zh: "暂无预估，需要数天的用量。",
    }
    amount() { en: "Amount", zh: "金额" }
    amount_hint(least: Figure, most: Figure) {
        en: "In yuan, from {least} to {most}.",
        zh: "单位为元，{least} 至 {most}。",
    }
    purpose() { en: "What it pays", zh: "付款用途" }
    purpose_prepaid() { en: "What is owed, and then the prepaid balance", zh: "先付待付金额，其余计入预存余额" }
    purpose_deposit(held: Figure, required: Figure) {
        en: "The deposit: {held} of {required} are held",
        zh: "保证金：已缴 {held}，应缴 {required}",
    }
    deposit_no(number: Count) { en: "No. {number}, deposit", zh: "第 {number} 笔，保证金" }
    way() { en: "How you pay", zh: "付款方式" }
    way_page() { en: "Alipay's page, in this browser", zh: "支付宝网页，在此浏览器中付款" }
    way_code() { en: "A code that you scan with the Alipay app", zh: "二维码，用支付宝扫一扫付款" }
    go_on() { en: "Go on to payment", zh: "前往付款" }
    go_on_note() {
        en: "Nothing is taken yet. You confirm the amount at Alipay.",
        zh: "此时不会扣款，请在支付宝确认金额。",
    }
    read_only() {
        en: "Your session may read this page. To recharge, open it from the platform with the right to pay.",
        zh: "本次登录仅可查看。如需充值，请从平台以付款权限打开本页面。",
    }
    error_title() { en: "The amount needs another look", zh: "请再核对金额" }
    amount_missing() { en: "Enter an amount, such as 100.00.", zh: "请输入金额，例如 100.00。" }
    amount_not() {
        en: "Enter digits, and at most two after the point, such as 1000.00.",
        zh: "请输入数字，小数点后最多两位，例如 1000.00。",
    }
    amount_small(least: Figure) { en: "Enter {least} or more.", zh: "请输入 {least} 或以上。" }
    amount_large(most: Figure) {
        en: "Enter {most} or less. You can recharge more than once.",
        zh: "请输入 {most} 或以下，可分多次充值。",
    }
    problem_title() { en: "This recharge was not made", zh: "未能发起充值" }
    too_many() {
        en: "Too many recharges are open. Pay one of those below, or wait until one lapses; each does a day after it was made. Nothing was taken.",
        zh: "未付款的充值过多。请支付下方任一笔，或等待其失效（发起一天后）。未扣取任何金额。",
    }
    sent_before() {
        en: "This form was sent before with another amount or purpose. Look below whether that recharge is there, then send the form again.",
        zh: "此表单已以其他金额或用途提交过。请先查看下方是否已有该笔充值，再重新提交。",
    }
    refused() {
        en: "This recharge was refused, so nothing is to be paid. Send the form again. If it is refused again, ask the platform.",
        zh: "此次充值未被受理，无需付款。请重新提交；如仍未受理，请联系平台。",
    }
    no_code() {
        en: "Alipay gave no code. Nothing was taken. Choose Alipay's page, or try again in a minute.",
        zh: "支付宝未返回二维码，未扣取任何金额。请选择支付宝网页，或一分钟后再试。",
    }
    unavailable() {
        en: "It could not be made right now. Nothing was taken. Send the form again: the same form is never booked twice.",
        zh: "暂时无法发起，未扣取任何金额。请重新提交，同一表单不会重复入账。",
    }
    history() { en: "Your recharges", zh: "充值记录" }
    history_note() { en: "Newest first.", zh: "最新在前。" }
    none() { en: "No recharge through Alipay yet", zh: "尚无支付宝充值" }
    none_text() {
        en: "A recharge appears here as soon as you go on to payment, and says when it was paid. Money that was paid in by bank transfer is in the ledger.",
        zh: "前往付款后，充值会显示在这里，并标明付款情况。银行转账的款项列在资金流水中。",
    }
    more() { en: "All recharges", zh: "全部充值" }
    number(number: Count) { en: "No. {number}", zh: "第 {number} 笔" }
    col_recharge() { en: "Recharge", zh: "充值" }
    col_time() { en: "Made", zh: "发起时间" }
    col_amount() { en: "¥", zh: "¥" }
    col_number() { en: "Number", zh: "交易号" }
    col_state() { en: "State", zh: "状态" }
    open() { en: "not paid yet", zh: "未付款" }
    paid() { en: "paid", zh: "已付款" }
    lapsed() { en: "lapsed", zh: "已失效" }

    pay_title(amount: Figure) { en: "Pay {amount}", zh: "支付 {amount}" }
    pay_title_text() { en: "Pay", zh: "付款" }
    pay_by_page() { en: "Pay on Alipay's page", zh: "前往支付宝网页付款" }
    pay_by_page_note() {
        en: "The link opens Alipay. You confirm there, with your payment password.",
        zh: "链接将打开支付宝，请在支付宝用支付密码确认。",
    }
    open_alipay() { en: "Open Alipay", zh: "打开支付宝" }
    pay_by_code() { en: "Scan with the Alipay app", zh: "用支付宝扫一扫" }
    code_plain_title() { en: "QR code of this payment", zh: "付款二维码" }
    pay_by_code_note() {
        en: "Whoever scans it can pay this recharge. It is yours alone: don't share it.",
        zh: "任何人扫码均可支付此笔充值，请勿转发。",
    }
    code_too_long() {
        en: "The code cannot be shown here. Go back and choose Alipay's page; nothing was taken.",
        zh: "此处无法显示二维码。请返回选择支付宝网页，未扣取任何金额。",
    }
    valid(until: DateTime) {
        en: "Open until {until}. Once its page or its code is shown, you have two hours.",
        zh: "有效至 {until}。付款页面或二维码显示后，请于两小时内付款。",
    }
    then_title() { en: "After you have paid", zh: "付款之后" }
    then_text() {
        en: "Go on here. The next page says whether the payment has arrived, and looks again by itself.",
        zh: "请继续下一步。下一页会显示款项是否到账，并自动刷新。",
    }
    then_go() { en: "I have paid: see whether it arrived", zh: "我已付款，查看是否到账" }
    not_now() { en: "If you do not pay, nothing is taken, and this recharge lapses.", zh: "如不付款，不会扣取任何金额，此笔充值自动失效。" }
    our_number() { en: "Our number", zh: "商户订单号" }
    alipay_number() { en: "Alipay's number", zh: "支付宝交易号" }
    made() { en: "Made", zh: "发起时间" }

    result_title(number: Html) { en: "Recharge, {number}", zh: "充值，{number}" }
    result_unknown(amount: Figure) { en: "{amount}: not known yet", zh: "{amount}：结果未知" }
    result_unknown_text() {
        en: "Don't pay again. Alipay has not told us of a payment yet. It is booked as soon as Alipay does, also if you close this page.",
        zh: "请不要重复付款。支付宝尚未告知付款结果，收到后自动入账，您可以关闭本页。",
    }
    result_refresh(seconds: Count) { en: "This page looks again in {seconds} seconds.", zh: "本页 {seconds} 秒后自动刷新。" }
    result_left(until: DateTime) {
        en: "If you left Alipay without paying, nothing was taken. You have two hours from when its page or its code was shown; it lapses on {until} at the latest.",
        zh: "如果您未付款便离开了支付宝，则未扣取任何金额。付款页面或二维码显示后请于两小时内付款，最迟 {until} 失效。",
    }
    result_paid(amount: Figure) { en: "{amount} has arrived", zh: "{amount} 已到账" }
    result_paid_text() {
        en: "It paid what was owed first; the rest is your prepaid balance.",
        zh: "已先支付待付金额，其余计入预存余额。",
    }
    result_deposit_text() {
        en: "It is held as your deposit. It pays no bill.",
        zh: "已计入保证金，不用于支付账单。",
    }
    result_lapsed(amount: Figure) { en: "{amount} was not paid", zh: "{amount} 未付款" }
    result_lapsed_text() {
        en: "This recharge has lapsed, and nothing was taken. Should a payment come to light later, it is booked all the same. To pay in now, make another.",
        zh: "此笔充值已失效，未扣取任何金额。如之后查明有付款，仍会入账。如需充值，请重新发起。",
    }
    see_ledger() { en: "See it in the ledger", zh: "在资金流水中查看" }
    another() { en: "Another recharge", zh: "再次充值" }
    waiting() { en: "Waiting for Alipay", zh: "等待支付宝通知" }
    look_again() { en: "Look again now", zh: "立即刷新" }
}
