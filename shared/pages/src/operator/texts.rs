//! The texts that the operators' pages share.

use crate::lang::texts;
use crate::show::Count;

texts! {
    pub(crate) struct Shared;

    recorded(name: &str) {
        en: "Every action here is recorded under <b>{name}</b>.",
        zh: "此处的每项操作都以 <b>{name}</b> 的名义留痕。",
    }
    what_to_do() { en: "What to do", zh: "处理方式" }
    reason() { en: "Reason", zh: "原因" }
    reason_hint() { en: "Required. Stays in the audit trail for good.", zh: "必填，将永久保留在操作记录中。" }
    no_reason() {
        en: "Say why in a few words. A person who looks at it later has nothing else.",
        zh: "请简要说明原因，供日后查看的人了解。",
    }
    long_reason(length: Count, most: Count) {
        en: "The reason has {length} characters. Shorten it to {most}.",
        zh: "原因共 {length} 个字符，请缩短至 {most} 个以内。",
    }
    not_allowed_now(why: &str) {
        en: "The books do not allow it now: <span lang=\"en\">{why}</span>. Nothing changed.",
        zh: "账目当前不允许此操作：<span lang=\"en\">{why}</span>。没有任何变动。",
    }
    own_approval() {
        en: "You asked for this action, so another person has to approve it. Nothing changed.",
        zh: "该操作由您提出，须由另一人批准。没有任何变动。",
    }
    unavailable() {
        en: "No answer came, so it may be done or not. Send it again as it is: it is done once.",
        zh: "未收到答复，是否已执行尚不确定。请原样重新提交，只会执行一次。",
    }
    not_done() { en: "Nothing was done yet", zh: "尚未执行" }
    not_known() { en: "The result is not known", zh: "结果未知" }
    done() { en: "Done", zh: "已完成" }
    done_text() {
        en: "It is recorded. <a href=\"/portal/operator/actions\">Actions</a>",
        zh: "已留痕。<a href=\"/portal/operator/actions\">操作记录</a>",
    }
    waiting() { en: "Recorded, and waiting for a second person", zh: "已记录，等待另一人批准" }
    waiting_text() {
        en: "Nothing changes until another person approves it. <a href=\"/portal/operator/actions\">Actions</a>",
        zh: "另一人批准之前不会有任何变动。<a href=\"/portal/operator/actions\">操作记录</a>",
    }
    as_before() { en: "It was so before", zh: "此前已是如此" }
    as_before_text() { en: "Nothing had to be changed.", zh: "无需任何变动。" }
    propose() { en: "Propose", zh: "提交" }
    second_person() {
        en: "Where the platform asks for it, a second person has to approve.",
        zh: "平台要求时，须由另一人批准。",
    }
    read_only() {
        en: "Your session may read. It shows no forms.",
        zh: "本次登录仅可查看，不显示操作表单。",
    }
    unreadable_items() { en: "Records that cannot be read", zh: "无法读取的记录" }
    unreadable_text() {
        en: "Each is left out alone; everything else is shown. <code>steelyard items unreadable</code> lists all of them.",
        zh: "仅略过这些记录，其余照常显示。<code>steelyard items unreadable</code> 可列出全部。",
    }
    not_readable() { en: "This could not be read now", zh: "暂时无法读取" }
    not_readable_text() {
        en: "The other figures on this page are complete. Open the page again in a minute.",
        zh: "本页其他数据完整，请稍后重新打开。",
    }
    record() { en: "Record", zh: "记录" }
    why() { en: "Why", zh: "原因" }
    provider() { en: "Provider", zh: "服务商" }
    state() { en: "State", zh: "状态" }
    schedule() {
        en: "Settled every day at 00:30 by the platform's clocks; reconciled at 10:30 in Beijing.",
        zh: "每日 00:30（平台时间）结算，北京时间 10:30 对账。",
    }
}
