//! What the page of withholding says.

use jiff::civil::{DateTime, Time};
use steelyard_billing::StatementId;

use crate::lang::texts;
use crate::show::{Code, Count, Figure, Html};

texts! {
    pub(crate) struct Texts;

    title() { en: "Withholding", zh: "代扣" }
    foot() {
        en: "Settled every night. Each amount can be recomputed from its bill.",
        zh: "每晚结算，每笔金额均可由账单复算。",
    }
    off() { en: "Off: not signed", zh: "未开通" }
    waiting() { en: "Waiting for your signature", zh: "等待签约" }
    on(since: DateTime) { en: "On since {since}", zh: "自 {since} 起开通" }
    suspended() { en: "Paused", zh: "已暂停" }
    ending() { en: "Being ended", zh: "正在终止" }
    ended() { en: "Ended", zh: "已终止" }

    ask() {
        en: "Let Alipay pay what your prepaid balance does not cover",
        zh: "预存余额不足的部分，由支付宝代扣",
    }
    ask_again() { en: "Sign a new agreement", zh: "重新签约" }
    step1() { en: "Your prepaid balance pays first.", zh: "先用预存余额支付。" }
    step1_text() {
        en: "Every night we settle the day before and take its charge from what you recharged.",
        zh: "我们每晚结算前一日，从您的充值中扣除费用。",
    }
    step2() { en: "We show you what is missing.", zh: "不足部分提前显示。" }
    step2_text() {
        en: "The overview names the amount, the bills and the time before anything is withheld.",
        zh: "扣款之前，总览会列明金额、账单和时间。",
    }
    step3(time: Time) {
        en: "At {time} Alipay pays the rest, to us only.",
        zh: "{time} 由支付宝支付其余部分，只付给我们。",
    }
    step3_text() {
        en: "Never more than is owed, and never more than your limits. A recharge that arrives before comes off first.",
        zh: "不超过待付金额，也不超过您的限额；在此之前到账的充值会先抵扣。",
    }
    owed_already() { en: "Owed already", zh: "现有待付" }
    owed_already_text(owed: Figure) {
        en: "{owed} of earlier bills is withheld first, when debits next fall due, unless you pay it before.",
        zh: "此前账单的 {owed} 自下一次扣款起最先代扣，您也可以提前支付。",
    }
    at_most() { en: "At most", zh: "限额" }
    at_most_both(single: Figure, daily: Figure) {
        en: "{single} a debit, {daily} a day. You may lower both at any time, here.",
        zh: "单笔 {single}，每日 {daily}，您可随时在此调低。",
    }
    at_most_single(single: Figure) {
        en: "{single} a debit. You may lower it, and set a limit for each day, at any time, here.",
        zh: "单笔 {single}，您可随时在此调低，并设定每日限额。",
    }
    if_declined() { en: "If Alipay declines", zh: "未能扣款时" }
    if_declined_text(first: Count, last: Count) {
        en: "For want of money we try again {first} and {last} days later, then stop and show it here. Nothing else is taken meanwhile.",
        zh: "如余额不足，我们在 {first} 天后和 {last} 天后再试，随后停止并在此显示，其间不扣取其他金额。",
    }
    if_no_answer() { en: "If we get no answer", zh: "没有答复时" }
    if_no_answer_text() {
        en: "We ask Alipay until it is certain. The same amount is never taken twice.",
        zh: "我们会一直查询到有确定结果，同一金额不会重复扣取。",
    }
    to_end() { en: "To end it", zh: "终止" }
    to_end_text() {
        en: "Here or in the Alipay app, in one step. It ends at once. What you owe by then stays owed, and you can pay it by recharge.",
        zh: "在此或在支付宝 App 内一步完成，立即生效。届时的待付金额仍待支付，您可以充值支付。",
    }
    without() { en: "Without it", zh: "不开通时" }
    without_text() {
        en: "You recharge in advance. What the balance does not cover stays owed until you recharge.",
        zh: "请提前充值；余额不足的部分将保持待付，直至您充值。",
    }
    had_it() { en: "Had it been on for the last bill", zh: "如上一账单已开通代扣" }
    bill(bill: StatementId) { en: "Bill of {bill}", zh: "{bill}账单" }
    prepaid() { en: "Prepaid balance", zh: "预存余额" }
    withheld_at(time: Time) { en: "Withheld at {time}", zh: "{time} 代扣" }
    consent(provider: Html, version: Html) {
        en: "I have read the <a href=\"#terms\">terms of withholding</a>, version {version}, and agree for {provider}.",
        zh: "本人已阅读<a href=\"#terms\">代扣条款</a>（版本 {version}），并代表 {provider} 同意。",
    }
    button() { en: "Withhold with Alipay", zh: "支付宝代扣" }
    button_note() {
        en: "Next, Alipay asks you to confirm with your payment password. Nothing is taken by signing. We record the version, the time and this session as your consent.",
        zh: "接下来请在支付宝用支付密码确认，签约不会扣款。我们会记录条款版本、时间和本次登录，作为您的同意。",
    }
    read_only() {
        en: "Your session may read this page. To sign, limit or end withholding, open it from the platform with the right to do so.",
        zh: "本次登录仅可查看。如需签约、调整限额或终止代扣，请从平台以相应权限打开本页面。",
    }
    sign_error() { en: "Nothing was signed", zh: "尚未签约" }
    not_agreed() {
        en: "Read the terms and tick the box to go on.",
        zh: "请阅读条款并勾选后继续。",
    }
    other_terms() {
        en: "The terms have changed since this page was loaded. Read them again, then tick the box.",
        zh: "本页加载之后条款已更新，请重新阅读并勾选。",
    }
    sign_sent_before() {
        en: "This form was sent before, and made an offer of its own. Nothing new was signed. Tick the box and press the button again.",
        zh: "此表单已提交过，并已发起签约，未另行签约。请重新勾选并点击按钮。",
    }
    sign_refused() {
        en: "No agreement can be offered for this account, so nothing was signed, and nothing is taken. Pressing the button again does not help: ask the platform.",
        zh: "此账户目前不能签约，尚未签约，也不会扣款。再次点击按钮无效，请联系平台。",
    }
    sign_unavailable() {
        en: "The agreement could not be prepared right now. Nothing was signed, and nothing is taken. Press the button again in a minute.",
        zh: "暂时无法发起签约。尚未签约，也不会扣款，请一分钟后再试。",
    }

    continue_title() { en: "Continue in the Alipay app", zh: "请在支付宝 App 中继续" }
    continue_text(until: DateTime) {
        en: "Nothing is on until you confirm there. This offer is valid until {until}.",
        zh: "在支付宝确认之前不会开通。此次签约邀请有效至 {until}。",
    }
    on_phone() { en: "On this phone", zh: "在本手机上" }
    open_app() { en: "Open the Alipay app", zh: "打开支付宝 App" }
    on_desktop() { en: "At a desktop", zh: "在电脑上" }
    scan() { en: "Scan with the Alipay app.", zh: "用支付宝扫一扫。" }
    qr_title() { en: "QR code of the signing page", zh: "签约二维码" }
    refresh(seconds: Count) { en: "This page looks again in {seconds} seconds.", zh: "本页 {seconds} 秒后自动刷新。" }
    links_again() { en: "Show the link and the code", zh: "显示链接和二维码" }
    look_again() { en: "Look again now", zh: "立即刷新" }

    is_on() { en: "Withholding is on", zh: "代扣已开通" }
    is_on_text(time: Time) {
        en: "Each day at {time}, Alipay pays what your prepaid balance did not cover of the day before.",
        zh: "每天 {time}，支付宝支付前一日预存余额不足的部分。",
    }
    agreement() { en: "Agreement", zh: "代扣协议" }
    agreed() { en: "Agreed", zh: "同意" }
    agreed_text(at: DateTime, version: Code<'_>) {
        en: "{at}, terms version {version}",
        zh: "{at}，条款版本 {version}",
    }
    read_terms() { en: "read them", zh: "查看" }
    read_current_terms(version: Code<'_>) {
        en: "today's terms are version {version}",
        zh: "现行条款版本 {version}",
    }
    elsewhere() { en: "signed outside of these pages", zh: "未经本页面签署" }
    since() { en: "Signed", zh: "签约" }
    account() { en: "Paid from", zh: "付款账户" }
    account_of(login: &str) { en: "Alipay account {login}", zh: "支付宝账户 {login}" }
    until() { en: "Ends by itself", zh: "到期" }
    today() { en: "Today so far", zh: "今日已扣" }
    today_of(taken: Figure, limit: Figure) { en: "{taken} of {limit}", zh: "{taken}，限额 {limit}" }
    alipay_limit() { en: "Alipay allows", zh: "支付宝限额" }
    alipay_limit_text(limit: Figure) { en: "{limit} a debit", zh: "单笔 {limit}" }
    next() { en: "Next", zh: "下一笔" }
    next_requested(time: Time) {
        en: "What is owed is withheld when debits next fall due, at {time}.",
        zh: "待付金额将于下一次扣款时间 {time} 起代扣。",
    }
    next_none() { en: "Nothing is to be withheld now.", zh: "当前没有待扣款项。" }

    suspended_alipay() { en: "Alipay has paused the agreement", zh: "支付宝已暂停代扣协议" }
    suspended_alipay_text(owed: Figure) {
        en: "Nothing is withheld while it is paused; {owed} stays owed. Open the agreement in the Alipay app to see why, or recharge. It goes on by itself as soon as Alipay allows it.",
        zh: "暂停期间不会扣款，{owed} 仍待支付。请在支付宝 App 中查看协议了解原因，或充值。支付宝恢复后自动继续。",
    }
    suspended_debit() { en: "Withholding is paused", zh: "代扣已暂停" }
    suspended_debit_text(debit: Html, why: Html, owed: Figure) {
        en: "Alipay refused {debit}. {why} Nothing is withheld meanwhile; {owed} stays owed. You can sign a new agreement, recharge, or ask the platform to go on.",
        zh: "支付宝拒绝了{debit}。{why}其间不会扣款，{owed} 仍待支付。您可以重新签约、充值，或联系平台恢复。",
    }
    debit_no(number: Count) { en: "debit no. {number}", zh: "第 {number} 笔扣款" }
    since_at(at: DateTime) { en: "Since {at}.", zh: "自 {at} 起。" }

    ending_title() { en: "Withholding is being ended", zh: "代扣正在终止" }
    ending_text(owed: Figure) {
        en: "We asked Alipay to end it and wait for the confirmation. No new debit is made. {owed} stays owed.",
        zh: "我们已请求支付宝终止，正在等待确认。不会发起新的扣款，{owed} 仍待支付。",
    }
    ended_at(at: DateTime) { en: "Withholding ended on {at}", zh: "代扣已于 {at} 终止" }
    ended_alipay() { en: "You ended it in the Alipay app.", zh: "您在支付宝 App 中终止了代扣。" }
    ended_here() { en: "It was ended here, on these pages or by the platform.", zh: "在本页面或由平台终止。" }
    ended_time() { en: "The time for which it was signed was over.", zh: "签约期限已满。" }
    ended_another() { en: "You signed another agreement.", zh: "您签署了另一份协议。" }
    ended_not_signed() { en: "It was never signed.", zh: "未曾签署。" }
    still_owed(owed: Figure) { en: "{owed} is owed.", zh: "{owed} 待付。" }
    nothing_owed() { en: "Nothing is owed.", zh: "没有待付金额。" }
    recharge() { en: "Recharge", zh: "充值" }

    limits() { en: "Your limits", zh: "您的限额" }
    limits_note() {
        en: "You may lower them here. To raise them, end withholding, then sign again.",
        zh: "您可在此调低限额；如需调高，请先终止代扣，再重新签约。",
    }
    single() { en: "At most a debit", zh: "单笔限额" }
    single_hint(now: Figure) { en: "In force: {now}.", zh: "当前：{now}。" }
    single_hint_largest(now: Figure, largest: Figure) {
        en: "In force: {now}. The largest debit shown below was {largest}.",
        zh: "当前：{now}。下方所列最大一笔为 {largest}。",
    }
    daily() { en: "At most a day", zh: "每日限额" }
    daily_hint(now: Figure) {
        en: "In force: {now}. What is above your limit stays owed and follows the next day.",
        zh: "当前：{now}。超出部分保持待付，次日继续扣款。",
    }
    daily_hint_none() {
        en: "None is in force. You may set one: what is above it stays owed and follows the next day.",
        zh: "当前未设限额。您可以设定；超出部分保持待付，次日继续扣款。",
    }
    save() { en: "Save limits", zh: "保存限额" }
    save_note() {
        en: "Holds from the next debit on, also today's. A debit that was already sent to Alipay keeps its amount, also when it is tried again.",
        zh: "自下一笔扣款起生效，包括今日。已提交支付宝的扣款金额不变，再试时亦同。",
    }
    saved() { en: "Your limits are saved.", zh: "限额已保存。" }
    limits_error() { en: "The limits need another look", zh: "请再核对限额" }
    limits_unavailable() {
        en: "No answer came, so the limits may be saved or not. Press the button again in a minute: they are saved once.",
        zh: "未收到答复，限额是否已保存尚不确定。请一分钟后再次点击，只会保存一次。",
    }
    limits_another() {
        en: "Another agreement is in force than the one that was shown. Nothing was changed. Look at its limits, then save.",
        zh: "当前生效的协议与之前显示的不同，未作更改。请核对其限额后再保存。",
    }
    limits_sent_before() {
        en: "This form was sent before with other limits. Look at the limits in force, then save again.",
        zh: "此表单已以其他限额提交过。请核对当前限额后再次保存。",
    }
    agreement_changed() {
        en: "The agreement has changed since this page was loaded, so nothing was changed now. Look at it, then choose again.",
        zh: "本页加载之后协议已有变化，本次未作更改。请核对后重新选择。",
    }
    limit_missing() { en: "Enter an amount. A limit in force can't be taken away.", zh: "请输入金额。已设的限额不能取消。" }
    limit_not() { en: "Enter digits, and at most two after the point, such as 300.00.", zh: "请输入数字，小数点后最多两位，例如 300.00。" }
    limit_nothing() {
        en: "Enter 0.01 or more. To be debited no more, end withholding below.",
        zh: "请输入 0.01 或以上。如不再需要扣款，请在下方终止代扣。",
    }
    limit_above(most: Figure) {
        en: "Enter {most} or less. For more, end withholding, then sign again.",
        zh: "请输入 {most} 或以下；如需更高限额，请先终止代扣，再重新签约。",
    }

    debits() { en: "Withheld so far", zh: "扣款记录" }
    debits_note() { en: "Newest first.", zh: "最新在前。" }
    all_debits() { en: "All debits, with their attempts", zh: "全部扣款及明细" }
    no_debits() { en: "Nothing was withheld yet", zh: "尚无扣款" }
    no_debits_text() {
        en: "The first debit appears here the night before it is made.",
        zh: "首笔扣款会在扣款前一晚显示在这里。",
    }
    col_debit() { en: "Debit", zh: "扣款" }
    col_for() { en: "For", zh: "账单" }
    col_when() { en: "Withheld", zh: "扣款时间" }
    col_amount() { en: "¥", zh: "¥" }
    col_number() { en: "Alipay's number", zh: "支付宝交易号" }
    col_state() { en: "State", zh: "状态" }
    total() { en: "Withheld, of those shown", zh: "以上已扣合计" }

    end() { en: "End withholding", zh: "终止代扣" }
    end_text() { en: "It ends at once, at Alipay and here. Then:", zh: "支付宝与本页面同时立即终止。之后：" }
    end_owed(owed: Figure) { en: "{owed} stays owed.", zh: "{owed} 仍待支付。" }
    end_owed_text() {
        en: "It is not withheld. You can pay it by recharge.",
        zh: "不会代扣，您可以充值支付。",
    }
    end_nothing() { en: "Nothing is owed now.", zh: "当前没有待付金额。" }
    end_nothing_text() { en: "Later bills stay owed until you recharge.", zh: "之后的账单将保持待付，直至您充值。" }
    end_collecting(amount: Figure) { en: "{amount} is being collected now.", zh: "{amount} 正在扣款。" }
    end_collecting_text() {
        en: "That debit still completes: it is paid, or it is owed again.",
        zh: "这笔扣款仍会完成：已付款，或恢复为待付。",
    }
    end_history() { en: "Your bills and this history stay.", zh: "账单和扣款记录均会保留。" }
    end_history_text() { en: "You can sign again whenever you like.", zh: "您可随时重新签约。" }
    end_sure(number: Html) { en: "End the agreement {number} now", zh: "立即终止代扣协议 {number}" }
    end_button() { en: "End withholding", zh: "终止代扣" }
    end_error() { en: "Withholding has not been ended", zh: "代扣尚未终止" }
    end_not_sure() { en: "Tick the box to end it.", zh: "请勾选后终止。" }
    end_another() {
        en: "Another agreement is in force than the one that was shown. Look at it, then end it.",
        zh: "当前生效的协议与之前显示的不同，请核对后再终止。",
    }
    end_unavailable() {
        en: "No answer came, so the agreement may be ended or not. Press the button again in a minute, or end it in the Alipay app.",
        zh: "未收到答复，协议是否已终止尚不确定。请一分钟后再次点击，或在支付宝 App 中终止。",
    }
    terms() { en: "Terms of withholding", zh: "代扣条款" }
    terms_version(version: Html) { en: "Version {version}.", zh: "版本 {version}。" }
}
