//! The texts of the page of receivables.

use jiff::civil::DateTime;
use steelyard_pricing::BillingDay;

use crate::lang::texts;
use crate::show::{Count, Figure, Html};

texts! {
    pub(super) struct Texts;

    title() { en: "Receivables", zh: "应收" }
    ageing() { en: "Ageing of receivables", zh: "应收账龄" }
    ageing_note(at: DateTime) {
        en: "By the billing day of what is owed: the oldest is paid first, and a bill falls due on the day after its own. As the settlement of {at} left it.",
        zh: "按待付账单日划分，先付最早的账单，账单于次日到期。以 {at} 结算完成时为准。",
    }
    no_ageing() { en: "The ages follow the first nightly settlement", zh: "首次夜间结算后显示账龄" }
    no_ageing_text() {
        en: "Every night after 00:30 the settlement reads every provider, and sums what each owes by age.",
        zh: "每日 00:30 后，结算逐家读取并按账龄合计待付款项。",
    }
    age() { en: "Overdue", zh: "逾到期日" }
    providers() { en: "Providers", zh: "服务商" }
    share() { en: "Share", zh: "占比" }
    owed() { en: "Owed, ¥", zh: "待付，元" }
    not_due() { en: "Not due yet", zh: "未到期" }
    week() { en: "1 to 7 days", zh: "1 至 7 天" }
    month() { en: "8 to 30 days", zh: "8 至 30 天" }
    quarter() { en: "31 to 90 days", zh: "31 至 90 天" }
    older() { en: "More than 90 days", zh: "90 天以上" }
    undated() { en: "Without a bill", zh: "无对应账单" }
    together() { en: "Together", zh: "合计" }
    once() { en: "A provider that owes of two ages is in both rows, and once in the sum.", zh: "跨两个账龄的服务商在两行各计一次，合计只计一次。" }
    unreadable(count: Count) {
        en: "{count} providers could not be read and are in no figure.",
        one(count): "{count} provider could not be read and is in no figure.",
        zh: "{count} 家无法读取，未计入。",
    }
    nothing_owed() { en: "No provider owes anything.", zh: "没有待付款项。" }
    revenue() { en: "Revenue", zh: "收入" }
    revenue_note(day: BillingDay) {
        en: "By the month of the bills, as settled through {day}. Tax that plans add is in it.",
        zh: "按账单月份，已结算至 {day}，含方案另计的税费。",
    }
    no_revenue() { en: "Nothing was charged yet", zh: "尚未计费" }
    no_revenue_text() {
        en: "What bills charge appears here after the night that made them, by month, plan and rate.",
        zh: "账单生成的当夜之后，按月份、价目表和费率显示。",
    }
    rate() { en: "Plan and rate", zh: "价目表与费率" }
    charged() { en: "Charged, ¥", zh: "计费，元" }
    on_top() { en: "minimum, cap, discount or tax of the plan", zh: "保底、封顶、整单折扣或税费" }
    adjustments() { en: "Credit and debit notes", zh: "贷记与借记调整" }
    other() { en: "Other rates", zh: "其他费率" }
    caption(month: Html) { en: "Revenue of {month}, yuan", zh: "{month}收入，元" }
    not_whole() { en: "Earlier runs charged more of this month: they are not read here.", zh: "本月更早的结算未在此读取，实际更多。" }
    unsorted(amount: Figure) {
        en: "Runs of an earlier version charged {amount}, which is told apart by nothing.",
        zh: "早期版本的结算计费 {amount}，未分项。",
    }
    source() {
        en: "Counted by the settlement runs. When a run is cut off, what it charged since it last saved is missing here, and never in the books: the journal is exact.",
        zh: "由结算运行计数。运行中断时，最近一次保存之后的计费不计入此处，但账目完整：以分录为准。",
    }
}
