//! What the ledger says.

use steelyard_billing::StatementId;

use crate::lang::texts;
use crate::show::{Code, Count, Figure, Html};

texts! {
    pub(crate) struct Texts;

    title() { en: "Ledger", zh: "资金流水" }
    foot() {
        en: "Each movement stands here once and is never changed. The balances add up from top to bottom.",
        zh: "每笔变动只记一次，永不更改，余额逐笔相符。",
    }
    balance() { en: "Balance", zh: "余额" }
    balance_note() { en: "Prepaid pays first. What is being collected is a part of what is owed.", zh: "预存余额优先支付；扣款中的金额属于待付金额。" }
    prepaid() { en: "Prepaid balance", zh: "预存余额" }
    owed() { en: "Owed", zh: "待付" }
    collecting() { en: "Being collected", zh: "扣款中" }
    prepaid_when() { en: "pays the next bills", zh: "用于支付之后的账单" }
    owed_nothing() { en: "all bills are paid", zh: "账单均已付清" }
    owed_when() { en: "payable by recharge, or by withholding where it is on", zh: "可充值支付；已开通代扣的由代扣支付" }
    owed_payable(payable: Figure) {
        en: "of it {payable} payable by recharge, or by withholding where it is on",
        zh: "其中 {payable} 可充值支付；已开通代扣的由代扣支付",
    }
    collecting_when() { en: "of what is owed; don't pay it again", zh: "属于待付金额，请不要重复付款" }
    kinds() { en: "Parts of the ledger", zh: "流水分类" }
    all() { en: "All movements", zh: "全部变动" }
    debits() { en: "Debits", zh: "扣款" }
    recharges() { en: "Recharges", zh: "充值" }
    refunds() { en: "Refunds", zh: "退款" }
    newest() { en: "Newest first.", zh: "最新在前。" }
    entries_note() { en: "Newest first. Each row shows the balance after it.", zh: "最新在前，每行显示变动后的余额。" }
    debits_note() { en: "Newest first: what was asked of Alipay, and what came of it.", zh: "最新在前：向支付宝发起的扣款及其结果。" }
    refunds_note() { en: "Money that went back, newest first.", zh: "退回的款项，最新在前。" }
    older() { en: "Older", zh: "更早" }
    newest_again() { en: "Back to the newest", zh: "回到最新" }
    col_what() { en: "Movement", zh: "变动" }
    col_time() { en: "Time", zh: "时间" }
    col_change() { en: "Change,&nbsp;¥", zh: "变动，¥" }
    col_prepaid() { en: "Prepaid,&nbsp;¥", zh: "预存，¥" }
    col_owed() { en: "Owed,&nbsp;¥", zh: "待付，¥" }
    col_collecting() { en: "Of it collecting,&nbsp;¥", zh: "其中扣款中，¥" }
    col_amount() { en: "¥", zh: "¥" }
    col_state() { en: "State", zh: "状态" }
    col_of() { en: "Given back of", zh: "退自" }
    no_entries() { en: "No money has moved yet", zh: "尚无资金变动" }
    no_entries_text() {
        en: "The first bill, recharge or withholding appears here as soon as it is booked. Bills are made every night.",
        zh: "首笔账单、充值或代扣入账后显示在这里，账单每晚生成。",
    }
    no_debits() { en: "Nothing was withheld yet", zh: "尚无扣款" }
    no_debits_text() {
        en: "With withholding on, what your prepaid balance does not cover is withheld the next day and appears here.",
        zh: "开通代扣后，预存余额不足的部分于次日扣款，并显示在这里。",
    }
    no_recharges() { en: "No recharge through Alipay yet", zh: "尚无支付宝充值" }
    no_recharges_text() {
        en: "A recharge appears here as soon as it is offered, and says when it was paid. Money that was paid in by bank transfer is among all movements.",
        zh: "充值发起后显示在这里，并标明付款情况。银行转账的款项列在全部流水中。",
    }
    no_refunds() { en: "Nothing was given back", zh: "尚无退款" }
    no_refunds_text() { en: "Refunds of the platform, and money that Alipay gave back, appear here.", zh: "平台的退款及支付宝退回的款项会显示在这里。" }

    charged(bill: StatementId) { en: "Bill of {bill}", zh: "{bill}账单" }
    credited(bill: StatementId) { en: "Credit of the bill of {bill}", zh: "{bill}账单的贷记" }
    debit_sent(debit: Html) { en: "Being collected by {debit}", zh: "由{debit}扣款中" }
    debit_paid(debit: Html) { en: "Withheld by Alipay, {debit}", zh: "支付宝代扣，{debit}" }
    debit_given_up(debit: Html) { en: "Not withheld, {debit}: owed again", zh: "未扣款，{debit}：恢复为待付" }
    declined(debit: Html) { en: "Declined by Alipay, {debit}", zh: "支付宝未能扣款，{debit}" }
    recharged() { en: "Paid in by bank transfer", zh: "银行转账入账" }
    recharge_paid(number: Count) { en: "Recharge no. {number}", zh: "第 {number} 笔充值" }
    debit_heading(number: Count) { en: "Debit no. {number}", zh: "第 {number} 笔扣款" }
    debit_found(debit: Html) {
        en: "Payment that came to light late, {debit}: credited",
        zh: "后来查明的付款，{debit}：已入账",
    }
    refund_asked() { en: "Refund, set aside until Alipay has paid it", zh: "退款，支付宝付出前先行预留" }
    refund_done() { en: "Refund paid by Alipay", zh: "退款已由支付宝付出" }
    refund_refused() { en: "Refund that Alipay refused: back where it was", zh: "支付宝未予退款：已恢复" }
    reversed() { en: "Taken back by Alipay or a bank: owed again", zh: "被支付宝或银行退回：恢复为待付" }
    deposit_held(held: Figure) { en: "Your deposit: {held}. It pays no bill.", zh: "您的保证金：{held}，不用于支付账单。" }
    deposit_paid() { en: "Deposit paid through Alipay", zh: "通过支付宝缴纳保证金" }
    deposit_transferred() { en: "Deposit paid by bank transfer", zh: "银行转账缴纳保证金" }
    deposit_drawn() { en: "Paid from the deposit", zh: "以保证金抵扣欠款" }
    deposit_to_return() {
        en: "Return of the deposit, set aside until Alipay has paid it",
        zh: "退还保证金，支付宝付出前先行预留",
    }
    deposit_returned() { en: "Deposit returned by Alipay", zh: "保证金已由支付宝退还" }
    deposit_not_returned() {
        en: "Return of the deposit that Alipay refused: held as before",
        zh: "支付宝未予退还保证金：已恢复",
    }
    deposit_sent_back() { en: "Deposit returned by bank transfer", zh: "银行转账退还保证金" }
    deposit_reversed() {
        en: "Payment of the deposit taken back by Alipay or a bank",
        zh: "保证金付款被支付宝或银行退回",
    }
    debit_no(number: Count) { en: "debit no. {number}", zh: "第 {number} 笔扣款" }
    recharge_no(number: Count) { en: "recharge no. {number}", zh: "第 {number} 笔充值" }
    gift() { en: "a gift of the platform: your bills stay as they are", zh: "平台赠予，账单不变" }
    of_prepaid() { en: "from the prepaid balance", zh: "自预存余额" }
    of_deposit() { en: "from the deposit", zh: "自保证金" }
    reversal() { en: "by Alipay or a bank, not by the platform", zh: "由支付宝或银行退回，并非平台发起" }
    reference(reference: Code<'_>) { en: "reference {reference}", zh: "凭证号 {reference}" }
    trade(number: Code<'_>) { en: "Alipay's number {number}", zh: "支付宝交易号 {number}" }
    moved(amount: Figure) { en: "{amount} moved", zh: "金额 {amount}" }
    happened() { en: "How it stands", zh: "情况" }
    you_can() { en: "What you can do", zh: "您可以" }
    our_number() { en: "Sent under", zh: "发送编号" }
    collects() { en: "Collects", zh: "收取" }
    attempt(number: Html) { en: "sent under {number}", zh: "发送，编号 {number}" }
    attempt_paid(number: Html) { en: "paid, Alipay's number {number}", zh: "已付款，支付宝交易号 {number}" }
    calculated() { en: "as of now; fixed when it is sent", zh: "按当前计算，发出时确定" }

    under_way() { en: "under way", zh: "进行中" }
    done() { en: "given back", zh: "已退回" }
    refused() { en: "refused by Alipay", zh: "支付宝未予退款" }
    not_known() { en: "not known yet", zh: "尚未确认" }
}
