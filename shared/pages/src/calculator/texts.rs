//! The texts of the calculator.

use jiff::civil::DateTime;
use steelyard_pricing::{ApiName, BillingDay, BillingMonth, Name, Percent};

use crate::lang::texts;
use crate::show::{Change, Code, Count, Figure, Html, Price, Units};

texts! {
    pub(super) struct Texts;

    title() { en: "Call-list calculator", zh: "计价器" }
    on_top_as_of(at: DateTime) {
        en: "On top of your month as of {at}.",
        zh: "以截至 {at} 的本月用量为基础。",
    }
    not_charged() {
        en: "Priced by the code that bills. Nothing here is charged or stored.",
        zh: "按账单同一套程序计价，不扣费，不保存。",
    }
    your_calls() { en: "Your calls", zh: "调用清单" }
    your_calls_note() {
        en: "One API and its number of calls a line, as for a CSV file.",
        zh: "每行一个 API 及其调用次数，与 CSV 文件相同。",
    }
    list() { en: "Call list", zh: "清单" }
    for_example(line: Code<'_>) { en: "For example {line}. ", zh: "例如 {line}。" }
    amounts_hint(line: Code<'_>) {
        en: "Where the price is a share of an amount, give it third, in yuan: {line}",
        zh: "按金额比例计价的 API，第三项写金额（元）：{line}",
    }
    file() { en: "Or a CSV file", zh: "或上传 CSV 文件" }
    file_hint() {
        en: "Up to 2,000 lines, read once and not kept. It takes the place of the list.",
        zh: "最多 2,000 行，仅读取一次，不保存。上传后以文件内容代替清单。",
    }
    under() { en: "Price under", zh: "计价方案" }
    under_all() { en: "Your terms and every plan on offer", zh: "您的方案及全部可选方案" }
    under_own(terms: &Html) { en: "Your terms: {terms}", zh: "您的方案：{terms}" }
    calculate() { en: "Calculate", zh: "计算" }
    again() { en: "Start again", zh: "重新开始" }
    with_overrides(plan: &Name, overrides: &str) {
        en: "{plan} with {overrides}",
        zh: "{plan}（含 {overrides}）",
    }

    result() { en: "Result", zh: "结果" }
    empty() { en: "The result appears here", zh: "结果显示在此处" }
    empty_text() {
        en: "What these calls cost alone, and on top of this month so far, line by line, as soon as you calculate a list.",
        zh: "计算清单后，此处逐行显示其单独费用，以及在本月用量之上增加的费用。",
    }

    refused(count: Count) {
        en: "{count} lines can't be read",
        one(count): "One line can't be read",
        zh: "有 {count} 行无法读取",
    }
    refused_text() {
        en: "Nothing was calculated. Your list is still there: correct it and calculate again.",
        zh: "尚未计算。清单已保留，请修改后重新计算。",
    }
    to_list() { en: "To the list", zh: "前往清单" }
    more_lines(count: Count) {
        en: "And {count} more lines.",
        one(count): "And {count} more line.",
        zh: "另有 {count} 行。",
    }

    at_line(line: Count) { en: "Line {line}: ", zh: "第 {line} 行：" }
    nothing() {
        en: "there is no line with calls. Write an API and its number of calls.",
        zh: "没有调用记录。请写入 API 及其调用次数。",
    }
    too_long() {
        en: "a list has at most 2,000 lines and 128 KB. Split it, or sum the lines of each API.",
        zh: "清单最多 2,000 行、128 KB。请拆分，或按 API 合并。",
    }
    quote() {
        en: "a quotation mark is not closed. Close it, or write the line without.",
        zh: "引号未闭合。请补全或去掉引号。",
    }
    api_empty() { en: "the API is missing. Write its name first.", zh: "缺少 API。请先写 API 名称。" }
    api_long() { en: "no API has a name of more than 128 characters.", zh: "API 名称不超过 128 个字符。" }
    api_character(api: Code<'_>, character: Code<'_>) {
        en: "{api} is no API: a name has no {character}. Write it as it is reported.",
        zh: "{api} 不是 API：名称中没有 {character}。请按上报的名称填写。",
    }
    no_count(api: Code<'_>) {
        en: "{api} has no number of calls. Write it after the API.",
        zh: "{api} 缺少调用次数。请写在 API 之后。",
    }
    not_a_number(count: Code<'_>) {
        en: "{count} is no number of calls. Write it in digits: 1450000.",
        zh: "{count} 不是调用次数。请只写数字：1450000。",
    }
    spreadsheet(count: Code<'_>) {
        en: "{count} is a formula, or a number that a spreadsheet has shortened. Write all its digits: 1450000.",
        zh: "{count} 是公式，或被表格软件缩写的数字。请写出全部数字：1450000。",
    }
    negative(count: Code<'_>) {
        en: "{count} is less than nothing. Write how many calls there are.",
        zh: "{count} 小于零。请写实际次数。",
    }
    fraction(count: Code<'_>) {
        en: "{count} is not a whole number. Calls are counted whole.",
        zh: "{count} 不是整数。调用次数须为整数。",
    }
    count_large(count: Code<'_>) {
        en: "{count} is more than the 100,000,000,000 calls that a month counts.",
        zh: "{count} 超过每月可计的 100,000,000,000 次。",
    }
    amount(amount: Code<'_>) {
        en: "{amount} is no amount in yuan. Write it with at most six decimals: 120.50.",
        zh: "{amount} 不是金额（元）。最多六位小数：120.50。",
    }
    fields(count: Count) {
        en: "{count} entries. Write an API, its number of calls and at most an amount; numbers without separators.",
        zh: "有 {count} 项。请只写 API、次数及金额，数字不加分隔符。",
    }
    ambiguous(count: Code<'_>, amount: Code<'_>, whole: Code<'_>, yuan: Code<'_>) {
        en: "{count} and {amount} can be one number or two. Write {whole} for so many calls, or {yuan} for the amount.",
        zh: "{count} 与 {amount} 可能是一个数，也可能是两个。若为次数请写 {whole}，若为金额请写 {yuan}。",
    }
    too_many() {
        en: "with this line the list has more than a month counts. Check the numbers.",
        zh: "加上此行后超过每月可计的上限。请核对数字。",
    }
    line_unpriced(api: &ApiName) {
        en: "no rate of your plan covers <code>{api}</code>. The result leaves it out: it costs nothing.",
        zh: "您的方案未对 <code>{api}</code> 定价，结果不含此项，费用为零。",
    }
    meant(api: &ApiName) {
        en: "Did you mean <code>{api}</code>?",
        zh: "是否指 <code>{api}</code>？",
    }
    summed(api: &ApiName, lines: &str) {
        en: "<code>{api}</code> stands in lines {lines}; they were summed.",
        zh: "<code>{api}</code> 出现于第 {lines} 行，已合并计算。",
    }

    not_priced() { en: "This list can't be priced now", zh: "此清单暂时无法计价" }
    nothing_lost() {
        en: "Your list is still there, and what is counted and billed is as it was.",
        zh: "清单已保留，已计量和已出账的内容不受影响。",
    }
    not_billed_yet(month: BillingMonth) {
        en: "Your calls are counted from {month} on. You can calculate from then on.",
        zh: "您的调用自 {month}起计量，届时可使用计价器。",
    }
    no_plan() {
        en: "No price list is in force for you today. The platform has to assign one.",
        zh: "您今天没有生效的价目表，需由平台设置。",
    }
    settled_today() {
        en: "Today has its bill already. Calculate again tomorrow.",
        zh: "今天已出账，请明天再计算。",
    }
    rules() {
        en: "With it the month has more than can be counted, or a price list can't be read. Check the numbers; if they are right, tell the platform.",
        zh: "加上此清单后超过每月可计的上限，或价目表无法读取。请核对数字；如无误，请联系平台。",
    }

    on_top() { en: "These calls, on top of this month so far", zh: "在本月用量之上，这些调用的费用" }
    calls_under_your_terms(calls: &Html) {
        en: "{calls} calls under your terms",
        one(calls): "{calls} call under your terms",
        zh: "{calls} 次，按您的方案",
    }
    alone(amount: Figure) {
        en: "Alone, in a month of their own: {amount}",
        zh: "单独一个月：{amount}",
    }
    more_than_alone(rates: &Html) {
        en: "More than alone, because this month's free calls are used, all or in part, for {rates}.",
        zh: "高于单独费用，因为本月 {rates} 的免费额度已用完或部分用去。",
    }
    more_than_alone_tiers() {
        en: "More than alone, because of the tiers and limits that this month has reached.",
        zh: "高于单独费用，因为本月已达到的阶梯和限额不同。",
    }
    less_than_alone() {
        en: "Less than alone, because this month has reached cheaper tiers, or has paid already what is due once a month.",
        zh: "低于单独费用，因为本月已进入更低的阶梯价，或已支付每月一次的费用。",
    }
    same_as_alone() { en: "The same as alone.", zh: "与单独费用相同。" }
    month_with() { en: "The month with these calls", zh: "本月合计" }
    settled_to(day: BillingDay) { en: "Settled to {day}", zh: "已结算至 {day}" }
    nothing_settled() { en: "Settled", zh: "已结算" }
    since_then(at: jiff::civil::Time) {
        en: "Since then, estimated at {at}",
        zh: "此后预估，截至 {at}",
    }
    so_far() { en: "So far", zh: "目前合计" }
    these_calls() { en: "These calls", zh: "这些调用" }
    with_these() { en: "With these calls", zh: "加上这些调用" }

    line_by_line() { en: "Line by line", zh: "逐行明细" }
    line_by_line_note() {
        en: "What each line adds to the month so far.",
        zh: "每一行在本月用量之上增加的费用。",
    }
    line() { en: "Line", zh: "项目" }
    calls_head() { en: "Calls", zh: "次数" }
    amount_head() { en: "Amount, ¥", zh: "金额（元）" }
    yuan() { en: "yuan", zh: "元" }
    tax() { en: "Tax", zh: "税费" }
    whole_month() { en: "The whole month", zh: "整月" }
    all_rates() { en: "All rates together", zh: "全部费率合计" }
    calculation() { en: "The calculation", zh: "计算过程" }
    before() { en: "Calls before", zh: "此前次数" }
    these() { en: "These calls", zh: "这些调用" }
    after() { en: "Calls after", zh: "此后次数" }
    more_apis(count: Count) { en: "and {count} more", zh: "另有 {count} 个" }
    passes_free(units: Units) { en: "passes the free {units}", zh: "超过免费的 {units}" }
    passes_tier(units: Units) { en: "passes the tier to {units}", zh: "超过 {units} 的阶梯" }
    step_units() { en: "Units", zh: "用量" }
    step_free() { en: "still free", zh: "免费部分" }
    step_charged() { en: "to be charged", zh: "计费部分" }
    step_slice(count: Units, price: Price) { en: "{count} × {price}", zh: "{count} × {price}" }
    step_share(count: Units, price: Units) { en: "¥{count} × {price}", zh: "¥{count} × {price}" }
    step_packages(count: Units, size: Units, price: Price) {
        en: "{count} packages of {size} × {price}",
        one(count): "{count} package of {size} × {price}",
        zh: "{count} 包（每包 {size}）× {price}",
    }
    step_full_packages(count: Units, size: Units, price: Price) {
        en: "{count} full packages of {size} × {price}",
        one(count): "{count} full package of {size} × {price}",
        zh: "{count} 整包（每包 {size}）× {price}",
    }
    step_nearest_packages(count: Units, size: Units, price: Price) {
        en: "{count} packages of {size}, to the nearest, × {price}",
        one(count): "{count} package of {size}, to the nearest, × {price}",
        zh: "{count} 包（每包 {size}，取最近整数）× {price}",
    }
    step_blocks(count: Units, size: Units, price: Price) {
        en: "{count} blocks of {size} × {price}",
        zh: "{count} 块（每块 {size}）× {price}",
    }
    step_calls(count: Units, price: Price) {
        en: "{count} calls × {price}",
        one(count): "{count} call × {price}",
        zh: "{count} 次 × {price}",
    }
    step_flat_fee() { en: "for entering the tier", zh: "进入阶梯的固定费用" }
    step_discount(discount: &Name, percent: Percent) {
        en: "{discount}, {percent}%",
        zh: "{discount}，{percent}%",
    }
    step_amount_off(discount: &Name) { en: "{discount}", zh: "{discount}" }
    step_month_with() { en: "the month with these calls", zh: "本月含这些调用" }
    step_month_before() { en: "the month so far", zh: "本月目前" }
    step_rounding() { en: "rounding", zh: "舍入" }
    step_total() { en: "this line", zh: "本行" }
    unit_calls() { en: "calls", zh: "次" }
    no_lines() {
        en: "Nothing in this list has a price under your terms.",
        zh: "按您的方案，此清单中没有需计价的项目。",
    }

    under_each() { en: "Under each plan", zh: "各方案对比" }
    under_each_note(day: BillingDay) {
        en: "A plan holds for whole months: a change would begin on {day}.",
        zh: "方案按整月生效，变更将自 {day}起。",
    }
    under_each_caption(month: BillingMonth) {
        en: "These calls alone, and a {month} that ended with them",
        zh: "这些调用单独的费用，以及 {month}以此结束时的费用",
    }
    plan_head() { en: "Plan", zh: "方案" }
    alone_head() { en: "Alone, ¥", zh: "单独（元）" }
    so_far_head() { en: "Month so far, ¥", zh: "本月目前（元）" }
    month_head() { en: "Month with these calls, ¥", zh: "本月含这些调用（元）" }
    against_head() { en: "Against yours, ¥", zh: "与您的方案相比（元）" }
    your_terms() { en: "your terms", zh: "您的方案" }
    cheapest() { en: "cheapest", zh: "最低" }
    your_terms_cheapest() {
        en: "The month with this list costs least under your terms.",
        zh: "本月加上此清单，您的方案费用最低。",
    }
    other_cheapest(plan: &Name, less: Figure) {
        en: "The month with this list costs least under {plan}: {less} less than under your terms.",
        zh: "本月加上此清单，{plan} 费用最低，比您的方案少 {less}。",
    }
    due_at_end(amount: Change) {
        en: "Under your terms {amount} yuan more fall due at the end of the month, such as a minimum, or a rate that is charged then; the months here include that.",
        zh: "按您的方案，月末另计 {amount} 元（例如保底费用或月末收取的费用），此处各月金额已包含。",
    }
    as_if_today() {
        en: "The calls are taken to be made today. Other plans are priced as they are offered today, without your own discounts.",
        zh: "假定这些调用发生在今天。其他方案按今天的价目表计算，不含您的专属优惠。",
    }
    foot() {
        en: "Settled every day at 00:30. Each amount can be recomputed from its bill.",
        zh: "每天 00:30 结算。每笔金额均可由账单复算。",
    }
}
