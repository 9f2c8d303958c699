//! The texts of the reference.

use crate::lang::texts;
use crate::show::Html;

texts! {
    pub(super) struct Texts;

    title() { en: "API reference", zh: "API 参考" }
    about() { en: "About", zh: "说明" }
    version(version: &str) { en: "Version {version}", zh: "版本 {version}" }
    source(link: Html) {
        en: "This page shows the OpenAPI document {link}.",
        zh: "本页内容来自 OpenAPI 文档 {link}，说明文字为英文。",
    }
    schemes() { en: "Callers", zh: "调用方" }
    schemes_note() { en: "How a request says whose it is.", zh: "请求如何表明身份。" }
    routes() { en: "Routes", zh: "接口" }
    route() { en: "Route", zh: "接口" }
    anybody() { en: "Open to anybody.", zh: "无需身份。" }
    callers(callers: Html) { en: "Open to: {callers}.", zh: "调用方：{callers}。" }
    parameters() { en: "Parameters", zh: "参数" }
    body(kind: Html) { en: "The body is {kind}.", zh: "请求体为 {kind}。" }
    answers() { en: "Answers", zh: "应答" }
    fields() { en: "Fields", zh: "字段" }
    name() { en: "Name", zh: "名称" }
    sent_as() { en: "Sent as", zh: "位置" }
    place() { en: "In", zh: "位置" }
    needed() { en: "Needed", zh: "必填" }
    required() { en: "yes", zh: "是" }
    optional() { en: "no", zh: "否" }
    meaning() { en: "Meaning", zh: "含义" }
    example() { en: "Example", zh: "示例" }
    status() { en: "Status", zh: "状态码" }
    form() { en: "Form", zh: "类型" }
    list_of(kind: Html) { en: "list of {kind}", zh: "{kind} 的列表" }
    map_of(kind: Html) { en: "{kind} by name", zh: "按名称的 {kind}" }
    or() { en: " or ", zh: " 或 " }
    and() { en: " and ", zh: " 与 " }
    and_all_of() { en: "and the fields of", zh: "以及以下字段" }
    anything() { en: "anything", zh: "任意" }
}
