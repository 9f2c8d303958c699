//! The texts of the page of runs.

use jiff::civil::DateTime;
use steelyard_billing::ProviderId;

use crate::lang::texts;
use crate::show::{Code, Count, Html};

texts! {
    pub(crate) struct Texts;

    title() { en: "Runs", zh: "运行" }
    running() { en: "Debits are running", zh: "扣款正常" }
    stopped() { en: "Debits are stopped", zh: "扣款已停止" }
    not_known() { en: "Not known now", zh: "暂时未知" }
    breaker() { en: "Debits", zh: "扣款" }
    breaker_note() {
        en: "One switch over the debits of all providers. Recharges, queries and refunds go on in any case.",
        zh: "所有服务商扣款的总开关。充值、查询和退款始终继续。",
    }
    resumed(at: DateTime, reason: &str) { en: "A person let them go on at {at}: {reason}", zh: "{at} 由人工恢复：{reason}" }
    never_stopped() { en: "Each due debit is sent at its time.", zh: "到期扣款按时发出。" }
    stopped_since(at: DateTime) { en: "No debit is sent since {at}", zh: "自 {at} 起不再发出扣款" }
    own_account(code: Code<'_>) {
        en: "Alipay refuses because of the platform's own account, key or settings: {code}. Repair it. Nothing is held against a provider, and debts stay owed.",
        zh: "支付宝因平台自身账户、密钥或设置拒绝：{code}。请修复。不计入服务商，款项仍待付。",
    }
    trouble(troubled: Count, asked: Count) {
        en: "{troubled} of {asked} debits within five minutes were in doubt, or refused since our request was wrong. The log of debit shows which.",
        zh: "5 分钟内 {asked} 笔扣款中有 {troubled} 笔结果未知或请求有误，详见 debit 日志。",
    }
    by_operator(reason: &str) { en: "A person stopped them: {reason}", zh: "由人工停止：{reason}" }
    probe(at: DateTime) {
        en: "One debit is sent as a probe at {at}. A clear answer lets all go on.",
        zh: "{at} 试发一笔，得到明确答复后全部恢复。",
    }
    no_probe() { en: "Only a person lets them go on.", zh: "仅可由人工恢复。" }
    stop() { en: "Stop all debits", zh: "停止全部扣款" }
    stop_note() { en: "It holds from the next debit on. Nothing is lost: due debits wait.", zh: "自下一笔起生效。到期扣款将等待，不会丢失。" }
    resume() { en: "Let debits go on", zh: "恢复扣款" }
    resume_note() { en: "Due debits are sent within 15 minutes.", zh: "到期扣款将在 15 分钟内发出。" }
    last() { en: "Last settlements", zh: "最近结算" }
    last_note() { en: "Every night is a run, and every settlement that a person asks for.", zh: "每夜一次，人工结算另计。" }
    run() { en: "Run", zh: "次" }
    begun() { en: "Begun", zh: "开始" }
    took() { en: "Took", zh: "用时" }
    providers() { en: "Providers", zh: "服务商" }
    statements() { en: "Bills", zh: "账单" }
    charged() { en: "Charged, ¥", zh: "计费，元" }
    result() { en: "Result", zh: "结果" }
    all_settled() { en: "all settled", zh: "全部完成" }
    not_with_shard(failed: Count) { en: "{failed} tried again alone", zh: "{failed} 家单独重试" }
    unreadable(count: Count) { en: "{count} cannot be read", zh: "{count} 家无法读取" }
    under_way() { en: "under way", zh: "进行中" }
    disregarded(reason: &str) { en: "disregarded: {reason}", zh: "不计：{reason}" }
    of_provider(provider: &ProviderId) { en: "{provider} only", zh: "仅 {provider}" }
    seconds(minutes: Count, seconds: Count) { en: "{minutes} min {seconds} s", zh: "{minutes} 分 {seconds} 秒" }
    none() { en: "No settlement has run yet", zh: "尚未结算" }
    none_text() { en: "The first one begins at 00:30 by the platform's clocks.", zh: "首次结算于 00:30（平台时间）开始。" }
    behind(run: Count, ended: Count, behind: Count) {
        en: "Run {run} is under way. Shards that have ended: {ended}; that have not: {behind}",
        zh: "第 {run} 次进行中：{ended} 个分片完成，{behind} 个未完成",
    }
    behind_text(shards: Html) {
        en: "Not ended: {shards}. Each goes on by itself, from the provider at which it stopped.",
        zh: "未完成：{shards}。各分片从中断处自动继续。",
    }
    failures() { en: "Not settled with the others", zh: "未能一并结算" }
    failures_note() {
        en: "In the newest run. Each is tried again alone, five times, and again the next night. Its usage stays counted.",
        zh: "最近一次结算中的情况。各家单独重试 5 次，次夜再试。用量保留。",
    }
    no_failures() { en: "Every provider was settled", zh: "全部服务商均已结算" }
    no_failures_text() { en: "The newest run passed nobody over.", zh: "最近一次结算没有遗漏。" }
    settled_after(at: DateTime) { en: "settled at {at}", zh: "{at} 完成" }
    still_open(at: DateTime) { en: "not settled since {at}", zh: "自 {at} 未完成" }
    next() { en: "What runs next", zh: "接下来" }
    what() { en: "What", zh: "内容" }
    when() { en: "When", zh: "时间" }
    settlement() { en: "Settlement", zh: "结算" }
    debits() { en: "Debits fall due", zh: "扣款到期" }
    reconciliation() { en: "Reconciliation", zh: "对账" }
    at(at: DateTime) { en: "{at}", zh: "{at}" }
    queues() { en: "Dead letters", zh: "失败消息" }
    queues_note() { en: "Messages that failed five times. They are kept for 14 days.", zh: "失败 5 次的消息，保留 14 天。" }
    queues_none() { en: "The queues are not known here", zh: "此处未列出队列" }
    queues_none_text() {
        en: "The names of the dead-letter queues are not set for these pages.",
        zh: "本页面未设置失败消息队列的名称。",
    }
    queue() { en: "Queue", zh: "队列" }
    messages() { en: "Messages", zh: "消息" }
    oldest() { en: "Oldest", zh: "最早" }
    to_do() { en: "Once the cause is gone", zh: "原因排除后" }
    minutes_old(minutes: Count) { en: "{minutes} min", zh: "{minutes} 分钟" }
    hours_old(hours: Count) { en: "{hours} h", zh: "{hours} 小时" }
    usage_do(move_back: Code<'_>) {
        en: "Move them back; what was counted counts once: {move_back}",
        zh: "移回队列，已计用量不会重复：{move_back}",
    }
    settle_do(settle: Code<'_>) { en: "{settle}, or wait for the night; then purge", zh: "{settle}，或等待夜间结算，然后清空" }
    debit_do() { en: "Purge: the tasks come due again by themselves", zh: "清空即可，任务会自动重新到期" }
    reconcile_do(invoke: Code<'_>) {
        en: "Start it by hand, or wait for the morning; then purge: {invoke}",
        zh: "手动开始或等待次日上午，然后清空：{invoke}",
    }
    logs_do(again: Code<'_>) {
        en: "Read them again; nothing counts twice: {again} Then purge",
        zh: "重新读取，不会重复计量：{again} 然后清空",
    }
    schedule_do(settle: Code<'_>) {
        en: "{settle}, or start reconciliation by hand; then purge",
        zh: "{settle}，或手动开始对账，然后清空",
    }
    webhooks() { en: "Webhooks", zh: "事件推送" }
    webhooks_note() {
        en: "Events that an endpoint did not take for three days, while it took others. They are kept until they are sent again.",
        zh: "接收地址三天内始终未接收、而其他事件已接收的事件，保留至重新发送。",
    }
    no_letters() { en: "Every event was taken", zh: "没有未接收的事件" }
    no_letters_text() {
        en: "An event that an endpoint does not take for three days appears here.",
        zh: "接收地址三天内未接收的事件在此显示。",
    }
    endpoint() { en: "Endpoint", zh: "接收地址" }
    letters() { en: "Events", zh: "事件" }
    given_up_at() { en: "Last given up at", zh: "最近放弃于" }
    endpoint_of(provider: &ProviderId) { en: "of {provider}", zh: "{provider}" }
    of_platform() { en: "of the platform", zh: "平台" }
    numbers(numbers: &str) { en: "number {numbers}", zh: "序号 {numbers}" }
    letters_do(show: Code<'_>, replay: Code<'_>) {
        en: "See why: {show} Then send them again: {replay}",
        zh: "查看原因：{show} 然后重新发送：{replay}",
    }
    more_letters(most: Count) {
        en: "The first {most} events are shown. There may be more.",
        zh: "仅显示前 {most} 个事件，可能还有更多。",
    }
    nothing_to_do() { en: "nothing to do", zh: "无需处理" }
}
