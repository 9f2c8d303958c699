//! The texts of the bills' pages.

use jiff::civil::{Date, DateTime, Time};
use steelyard_billing::StatementId;
use steelyard_pricing::{Amount, BillingDay, BillingMonth, Fen, Name, Percent};

use super::page::counted;
use crate::lang::texts;
use crate::show::{Code, Count, Figure, Html, Plain, Price, Signed, Units, WithYear};

texts! {
    /// The texts of the bills' pages.
    pub(super) struct Texts;

    moment_of(date: Date, time: Time) { en: "{date}, {time}", zh: "{date} {time}" }

    bill_of(day: WithYear) { en: "Bill of {day}", zh: "{day}账单" }
    supplement_of(number: Count, day: WithYear) {
        en: "Supplement {number} to the bill of {day}", zh: "{day}账单补充 {number}",
    }
    settled_at(at: Html) { en: "Settled {at}", zh: "{at} 已结算" }
    which(id: &str, provider: &str) {
        en: "Bill {id} for {provider}.", zh: "{provider} 的账单 {id}。",
    }
    all_of(month: BillingMonth) { en: "All of {month}", zh: "{month}全部账单" }
    settled_tonight(day: BillingDay) { en: "{day} is settled tonight", zh: "{day}将于今晚结算" }
    unbilled_later(day: BillingDay) { en: "{day} has no bill", zh: "{day}没有账单" }
    neighbours() { en: "Other bills", zh: "其他账单" }
    charge_of_day() { en: "Charge of the day", zh: "当日费用" }
    charge_of_supplement() { en: "Charge of the supplement", zh: "补充费用" }
    credit_of_day() { en: "Credit of the day", zh: "当日贷记" }
    calls_of(calls: Html, day: BillingDay) {
        en: "{calls} calls of {day}.",
        one(calls): "{calls} call of {day}.",
        zh: "{day} {calls} 次。",
    }
    no_calls(day: BillingDay) { en: "No calls of {day} were reported.", zh: "{day}没有上报调用。" }
    late_calls(calls: Html, days: Html) {
        en: "{calls} calls of {days} arrived after settlement.",
        one(calls): "{calls} call of {days} arrived after settlement.",
        zh: "{days}的 {calls} 次在结算后补报。",
    }
    void_calls(calls: Html, days: Html) {
        en: "{calls} calls of {days} were withdrawn.",
        one(calls): "{calls} call of {days} was withdrawn.",
        zh: "{days}的 {calls} 次已撤回。",
    }
    and(first: Html, last: Html) { en: "{first} and {last}", zh: "{first}和 {last}" }

    how_paid() { en: "How it is paid", zh: "支付情况" }
    charge_of(day: BillingDay) { en: "Charge of {day}", zh: "{day}费用" }
    credit_of(day: BillingDay) { en: "Credit of {day}", zh: "{day}贷记" }
    prepaid_at(at: Html) { en: "From prepaid, {at}", zh: "预存余额支付，{at}" }
    alipay_at(at: Html) { en: "From Alipay, {at}", zh: "支付宝代扣，{at}" }
    paid_since() { en: "Paid since", zh: "此后已付" }
    collected_since(at: Html) { en: "Being collected since {at}", zh: "{at} 起扣款中" }
    left_to_pay() { en: "Left to pay", zh: "待付" }
    left_after() { en: "Left to pay after that", zh: "此后待付" }
    to_owed() { en: "For what was owed", zh: "抵付待付金额" }
    to_prepaid() { en: "Added to prepaid", zh: "转入预存余额" }
    left_of_credit() { en: "Left of it", zh: "剩余" }

    open_a_line() {
        en: "Open a line for its calculation and the reports behind it.",
        zh: "展开一行可查看计算过程和对应的上报。",
    }
    late_for(days: Html) { en: "Late, for {days}", zh: "补报：{days}" }
    late_note(days: Html) {
        en: "Reports for {days} came after settlement. They are charged here, at the prices of their day.",
        zh: "{days}结算后补报的用量，按当日价格在此计费。",
    }
    void_for(days: Html) { en: "Withdrawn, of {days}", zh: "撤回：{days}" }
    void_note(days: Html) {
        en: "Reports of {days} were withdrawn after settlement. What they had cost is credited here.",
        zh: "{days}结算后撤回的上报，已计费用在此退回。",
    }
    terms_heading() { en: "Changed terms", zh: "条款变更" }
    terms_note() {
        en: "The terms of the month changed after days of it were billed. These have another share of its allowances and limits, which moves their amounts.",
        zh: "本月条款在部分日期出账后变更，这些日期在本月额度与限额中的份额随之变化，金额相应调整。",
    }
    terms_note_of(day: BillingDay) {
        en: "The terms change on {day}. The days billed before have another share of the month's allowances and limits, which moves these amounts.",
        zh: "条款自 {day}起变更，已出账各日在本月额度与限额中的份额随之变化，金额相应调整。",
    }
    shifted_heading() { en: "Shifted by other days", zh: "受其他日期影响" }
    shifted_note() {
        en: "Usage of other days of the month was added or withdrawn. The units here now fall elsewhere in the allowances and tiers.",
        zh: "本月其他日期的用量有增减，此处用量在额度与阶梯中的位置随之变化。",
    }
    minimum_heading() { en: "Up to the minimum", zh: "补足保底" }
    minimum_note() {
        en: "The month is over and came to less than its minimum, so the rest is due. Usage that comes late or is withdrawn changes the rest.",
        zh: "本月已结束，费用低于保底，差额在此补足；此后用量有增减时，差额随之调整。",
    }
    concession_heading() { en: "A concession never costs more", zh: "优惠不增加费用" }
    concession_note() {
        en: "With a concession the month would cost more than without it. The difference is taken off.",
        zh: "计入优惠后本月费用反而更高，差额在此扣减。",
    }
    tax_heading() { en: "Tax", zh: "税费" }
    tax_note() {
        en: "The prices do not include tax. It is added to what the month charges, and rounded once for the month.",
        zh: "价格不含税，税费按本月累计金额计算，全月只舍入一次。",
    }
    tax_of(percent: &Percent) { en: "{percent}% tax", zh: "{percent}% 税费" }
    tax_included(percent: &Percent, tax: Figure) {
        en: "{percent}% tax of {tax} is included.", zh: "其中含 {percent}% 税费 {tax}。",
    }
    tax_added(percent: &Percent, tax: Figure) {
        en: "{percent}% tax of {tax} was added.", zh: "另加 {percent}% 税费 {tax}。",
    }
    whole_month() { en: "The whole month", zh: "整月" }
    unpriced_heading() { en: "Without a price", zh: "未定价用量" }
    unpriced_note() {
        en: "No rate of the plan covers these APIs. Nothing is charged for them here.",
        zh: "价目表中没有涵盖这些 API 的价格，此处不计费。",
    }
    unpriced_late() { en: "Late", zh: "补报" }
    unpriced_void() { en: "Withdrawn", zh: "撤回" }
    notes_heading() { en: "Credit and debit notes", zh: "调整" }
    notes_note() {
        en: "They correct bills of months that are closed.", zh: "更正已关闭月份的账单。",
    }
    credit_note(of: Html) { en: "Credit note on the bill of {of}", zh: "{of}账单的贷记调整" }
    debit_note(of: Html) { en: "Debit note on the bill of {of}", zh: "{of}账单的借记调整" }
    note_line(line: Count) { en: "line {line}", zh: "第 {line} 行" }
    note_report(source: Code<'_>, report: Code<'_>) {
        en: "report {report} of {source}", zh: "{source} 的上报 {report}",
    }
    note_made(at: Html) { en: "made {at}", zh: "{at} 作出" }

    col_line() { en: "Line", zh: "项目" }
    col_new() { en: "New calls", zh: "新增次数" }
    col_amount() { en: "Amount, ¥", zh: "金额（元）" }
    yuan_hidden() { en: "yuan ", zh: "元 " }
    new_calls(calls: Signed) {
        en: "{calls}<span class=\"hide\"> new</span> calls",
        one(calls): "{calls}<span class=\"hide\"> new</span> call",
        zh: "{calls} 次<span class=\"hide\">（新增）</span>",
    }
    withdrawn_calls(calls: Signed) {
        en: "{calls} calls<span class=\"hide\"> withdrawn</span>",
        one(calls): "{calls} call<span class=\"hide\"> withdrawn</span>",
        zh: "{calls} 次<span class=\"hide\">（撤回）</span>",
    }
    calls(calls: Signed) { en: "{calls} calls", one(calls): "{calls} call", zh: "{calls} 次" }
    all_rates() { en: "All rates together", zh: "整体调整" }
    line_for(name: &Name, days: Html) { en: "{name}, for {days}", zh: "{name}（{days}）" }
    apis(count: Count) {
        en: "{count} APIs",
        one(count): "{count} API",
        zh: "{count} 个 API",
    }
    within_free(free: Units) { en: "within the free {free}", zh: "在免费额度 {free} 之内" }
    used_up_now() { en: "allowance used up here", zh: "免费额度于此用完" }
    used_up() { en: "allowance used up", zh: "免费额度已用完" }
    in_tier(tier: Count) { en: "price {tier} of the list", zh: "第 {tier} 档价格" }
    off(name: &Name, percent: &Percent) { en: "{percent}% off ({name})", zh: "减 {percent}%（{name}）" }
    off_until(name: &Name, percent: &Percent, day: BillingDay) {
        en: "{percent}% off until {day} ({name})", zh: "减 {percent}%，至 {day}（{name}）",
    }
    amount_off(name: &Name, amount: Price) {
        en: "{amount} off a month ({name})", zh: "每月减 {amount}（{name}）",
    }
    amount_off_until(name: &Name, amount: Price, day: BillingDay) {
        en: "{amount} off a month until {day} ({name})", zh: "每月减 {amount}，至 {day}（{name}）",
    }
    voucher(name: &Name, given: Price, since: BillingDay) {
        en: "voucher of {given} since {since} ({name})", zh: "{since}起的代金券共 {given}（{name}）",
    }
    terms_from(day: BillingDay) { en: "terms from {day}", zh: "{day}起的条款" }
    through_calls(amount: Units) { en: "¥{amount} went through", zh: "流水 ¥{amount}" }

    the_calculation() { en: "The calculation", zh: "计算过程" }
    reports_behind() { en: "Reports behind this line", zh: "对应的上报" }
    no_reports() {
        en: "No report is stored that says so. Reports are kept for more than a year; a bill is kept for good.",
        zh: "没有保存对应的上报。上报保存一年以上，账单永久保存。",
    }
    col_source() { en: "Source and report", zh: "来源与上报" }
    col_counted() { en: "Counted at", zh: "计入时间" }
    col_calls() { en: "Calls", zh: "次数" }
    reports(count: Count) {
        en: "{count} reports",
        one(count): "{count} report",
        zh: "{count} 份上报",
    }
    more_reports(count: Count) {
        en: "{count} more reports",
        one(count): "{count} more report",
        zh: "另有 {count} 份上报",
    }
    reports_differ() {
        en: "The reports have changed since: a report that is sent again with more counts here by its newest state.",
        zh: "上报此后有更新：重复发送的累计上报在此按最新内容显示。",
    }
    by_api() { en: "By API", zh: "按 API" }
    col_api() { en: "API", zh: "API" }
    col_new_short() { en: "New", zh: "新增" }
    col_withdrawn() { en: "Withdrawn", zh: "撤回" }
    col_through() { en: "Amount through, ¥", zh: "流水（元）" }
    more_apis(count: Count) {
        en: "{count} more APIs",
        one(count): "{count} more API",
        zh: "另有 {count} 个 API",
    }
    sum_of(day: Html, calls: Html) {
        en: "{day}, {calls} calls",
        one(calls): "{day}, {calls} call",
        zh: "{day}，{calls} 次",
    }
    sum_of_terms() { en: "Changed terms", zh: "条款变更" }
    charge_of_bill() { en: "Charge of this bill", zh: "本账单费用" }

    adds_up() { en: "Does it add up?", zh: "核对" }
    adds_up_note() {
        en: "The month to date, rounded once, less what was charged.",
        zh: "本月累计一次舍入，减去已计费用。",
    }
    month_to(day: BillingDay) { en: "Month to date, to {day}", zh: "本月累计，截至 {day}" }
    terms_of(plan: &Name, from: WithYear) { en: "Plan {plan} of {from}", zh: "方案 {plan}（{from}版）" }
    terms_days(first: BillingDay, last: BillingDay, terms: Html) {
        en: "{first} to {last}: {terms}", zh: "{first}至 {last}：{terms}",
    }
    terms_with(terms: Html, names: Html) { en: "{terms}, with {names}", zh: "{terms}，含 {names}" }

    trail() { en: "Where the money goes", zh: "资金去向" }
    trail_note() { en: "Each step leads to the next, and back.", zh: "各步相互关联，可来回查看。" }
    trail_bill() { en: "Bill", zh: "账单" }
    trail_ledger() { en: "Ledger", zh: "资金流水" }
    trail_withholding() { en: "Withholding", zh: "代扣" }
    trail_number() { en: "Alipay's number", zh: "支付宝交易号" }
    entry(number: Count) { en: "Entry {number}", zh: "第 {number} 笔" }
    entry_moved(prepaid: Figure, owed: Figure) {
        en: "{prepaid} from prepaid, {owed} owed", zh: "预存余额支付 {prepaid}，待付 {owed}",
    }
    entry_credited(prepaid: Figure, owed: Figure) {
        en: "{owed} for what was owed, {prepaid} added to prepaid",
        zh: "抵付待付 {owed}，转入预存 {prepaid}",
    }
    no_entry() { en: "Nothing to book: the charge is ¥0.00", zh: "费用为 ¥0.00，无须记账" }
    debit(number: Count) { en: "Debit {number}", zh: "扣款 {number}" }
    debit_due(amount: Figure, at: Html) { en: "{amount}, due {at}", zh: "{amount}，{at} 扣款" }
    debit_underway(amount: Figure, at: Html) {
        en: "{amount}, being collected since {at}; not known yet",
        zh: "{amount}，{at} 起扣款中，结果未知",
    }
    debit_paid(amount: Figure, at: Html) { en: "{amount}, paid {at}", zh: "{amount}，{at} 已付" }
    debit_given_up(amount: Figure) {
        en: "{amount} was not taken; it stays owed", zh: "{amount} 未能扣款，仍待支付",
    }
    number_after(at: Html) { en: "Known after {at}", zh: "{at} 后可知" }
    number_soon() { en: "Known as soon as Alipay answers", zh: "支付宝答复后可知" }
    paid_otherwise() {
        en: "Nothing is withheld for this bill.", zh: "本账单没有代扣。",
    }
    not_withheld_yet(left: Figure) {
        en: "Nothing is withheld for this bill yet. {left} of it is owed.",
        zh: "本账单尚未代扣，仍有 {left} 待付。",
    }

    all_reports() { en: "Reports of this bill", zh: "本账单的上报" }
    all_reports_note() {
        en: "As they were counted. A report that was withdrawn says by whom, when and why.",
        zh: "按计入情况列出。已撤回的上报注明撤回人、时间和原因。",
    }
    col_day() { en: "Day", zh: "日期" }
    col_apis() { en: "APIs", zh: "API 数" }
    withdrawn(at: Html, by: &str, reason: &str) {
        en: "Withdrawn {at} by {by}: {reason}", zh: "{by} 于 {at} 撤回：{reason}",
    }
    foot_settled() {
        en: "Settled every night. Each amount can be recomputed from its bill.",
        zh: "每晚结算，每笔金额都可由账单复算。",
    }
    csv() { en: "CSV", zh: "CSV" }
    focus() { en: "FOCUS", zh: "FOCUS" }

    // The bill of a month.
    bill_of_month(month: BillingMonth) { en: "Bill of {month}", zh: "{month}账单" }
    month_open(day: BillingDay) { en: "Last bill {day}", zh: "最近账单 {day}" }
    month_settled() { en: "Every day settled", zh: "各日均已结算" }
    month_without_bill() { en: "No bill yet", zh: "尚无账单" }
    charge_of_month() { en: "Charge of the month", zh: "本月费用" }
    charge_so_far() { en: "Charge of the month so far", zh: "本月至今费用" }
    month_calls(calls: Html, bills: Count) {
        en: "Calls: {calls}. Bills: {bills}.", zh: "{bills} 份账单，{calls} 次。",
    }
    month_closes(at: Html) {
        en: "Late usage of the month is charged until {at}.", zh: "本月用量可补报至 {at}。",
    }
    month_closed() {
        en: "The month is closed: its usage can't change any more.", zh: "本月已关闭，用量不再变动。",
    }
    month_paid() { en: "How it is paid", zh: "支付情况" }
    month_charge(month: BillingMonth) { en: "Charge of {month}", zh: "{month}费用" }
    month_from_prepaid() { en: "From prepaid", zh: "预存余额支付" }
    month_credited() { en: "Credited to the account", zh: "已贷记入账" }
    days() { en: "Days", zh: "各日" }
    days_note() {
        en: "Each day has its bill. Late usage is charged on the bill of the night in which it is settled.",
        zh: "每日一份账单，补报用量计入结算当晚的账单。",
    }
    col_bill() { en: "Bill", zh: "账单" }
    col_charge() { en: "Charge, ¥", zh: "费用（元）" }
    col_prepaid() { en: "From prepaid, ¥", zh: "预存支付（元）" }
    col_paid() { en: "Withheld or paid, ¥", zh: "代扣或已付（元）" }
    col_left() { en: "Left, ¥", zh: "待付（元）" }
    total() { en: "Total", zh: "合计" }
    unbilled_days(first: BillingDay, last: BillingDay) {
        en: "{first} to {last} have no bill. The overview shows what was counted since.",
        zh: "{first}至 {last}没有账单，之后计入的用量见总览。",
    }
    unbilled_day(day: BillingDay) {
        en: "{day} has no bill. The overview shows what was counted since.",
        zh: "{day}没有账单，之后计入的用量见总览。",
    }
    days_without() {
        en: "A day without usage has no bill.", zh: "没有用量的日期不出账单。",
    }
    supplement(number: Count) { en: "supplement {number}", zh: "补充 {number}" }
    by_rate() { en: "By rate", zh: "按项目" }
    by_rate_note() {
        en: "The lines of all bills of the month, summed by rate. A line opens to its calculation and to the bills that it sums; each of these leads to its reports.",
        zh: "本月各账单的明细，按项目合计。展开可见计算过程和所合计的账单，各账单内列有对应的上报。",
    }
    col_rate() { en: "Rate", zh: "项目" }
    of_late(calls: Signed) { en: "of it {calls} late", zh: "其中补报 {calls}" }
    of_void(calls: Signed) { en: "{calls} withdrawn", zh: "撤回 {calls}" }
    unpriced_rate() { en: "Without a price", zh: "未定价" }
    notes_rate() { en: "Credit and debit notes", zh: "调整" }
    tax_rate() { en: "tax", zh: "税费" }
    no_bills_in(month: BillingMonth) {
        en: "No bill of {month} was made.", zh: "{month}没有账单。",
    }
    no_bills_text() {
        en: "The bill of a day appears here the night after, when there was usage.",
        zh: "有用量的日期，次日凌晨在此出现账单。",
    }

    // The list of bills.
    bills() { en: "Bills", zh: "账单" }
    months() { en: "Months", zh: "月份" }
    months_note() { en: "The newest first.", zh: "从新到旧。" }
    col_month() { en: "Month", zh: "月份" }
    col_bills() { en: "Bills", zh: "账单数" }
    days_of(month: BillingMonth) { en: "Bills of {month}", zh: "{month}账单" }
    one_statement() { en: "The month as one bill", zh: "本月合并账单" }
    no_bills() { en: "No bill yet", zh: "尚无账单" }
}

/// Values, for templates: those pass fields by reference.
impl Texts {
    pub(super) fn money(self, amount: &Fen) -> Html {
        Html::show(Figure(*amount), self.0)
    }

    pub(super) fn plain(self, amount: &Fen) -> Html {
        Html::show(Plain(*amount), self.0)
    }

    pub(super) fn count(self, count: &u64) -> Html {
        Html::show(Count(*count), self.0)
    }

    pub(super) fn size(self, count: &usize) -> Html {
        Html::show(counted(*count), self.0)
    }

    pub(super) fn signed(self, count: &i64) -> Html {
        Html::show(Signed(*count), self.0)
    }

    pub(super) fn amount(self, amount: &Amount) -> Html {
        Html::show(Units(amount.shown()), self.0)
    }

    pub(super) fn number_of_more_apis(self, count: &usize) -> Html {
        self.more_apis(counted(*count))
    }

    pub(super) fn number_of_more_reports(self, count: &usize) -> Html {
        self.more_reports(counted(*count))
    }

    pub(super) fn id(self, id: &StatementId) -> Html {
        Html::show(*id, self.0)
    }
}

impl Texts {
    /// A time without its year: 19 May, 00:30.
    pub(super) fn moment(self, at: DateTime) -> Html {
        self.moment_of(at.date(), at.time())
    }

    /// Days, one after the other.
    pub(super) fn list(self, days: &[BillingDay]) -> Html {
        let shown = days.iter().map(|day| Html::show(*day, self.0)).collect::<Vec<_>>();
        match shown.as_slice() {
            [] => Html::default(),
            [only] => only.clone(),
            [first @ .., last] => {
                let separator = match self.0 {
                    crate::lang::Lang::En => ", ",
                    crate::lang::Lang::Zh => "、",
                };
                let first = first.iter().map(ToString::to_string).collect::<Vec<_>>();
                self.and(Html(first.join(separator)), last.clone())
            }
        }
    }
}
