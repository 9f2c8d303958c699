//! What every page has around its content: the head with its links, the language, and the time of
//! its figures.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use steelyard_billing::{Calendar, ProviderId};
use steelyard_pricing::BillingDay;

use crate::lang::{Lang, texts};
use crate::show::{Count, Html, WithYear};

/// What a page knows beside its own content.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The language that it is written in.
    pub lang: Lang,
    /// The time of its figures, by the platform's clocks.
    pub as_of: DateTime,
    /// The platform's time zone as people call it: `Asia/Shanghai (UTC+8)`.
    pub zone: String,
    /// The page's own address without a query.
    pub path: String,
    /// The provider whose page it is.
    pub provider: Option<ProviderId>,
    /// The operator's name, if an operator is looking.
    pub operator: Option<String>,
    /// When the session ends, by the platform's clocks.
    pub signed_in_until: Option<DateTime>,
    /// The platform's page to which the provider returns.
    pub return_url: Option<String>,
    /// What the session may do.
    pub may: May,
    /// After how many seconds the page loads itself again, while a result is open. Its answer has
    /// to say so by a header, `Refresh`; the page says it to its reader, with a link that stops it.
    pub refresh_s: Option<u16>,
    /// The days of bills that cannot be read, and are missing in the page's figures.
    pub missing_bills: Vec<BillingDay>,
}

/// What a session may do beside reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct May {
    /// Recharge the account.
    pub pay: bool,
    /// Sign, limit and end the withholding agreement.
    pub mandate: bool,
    /// Set budgets, alerts and the spend cap.
    pub alerts: bool,
    /// Carry out an operator's actions.
    pub operate: bool,
}

/// A link in the head of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) href: String,
    pub(crate) label: Html,
    pub(crate) is_current: bool,
}

/// The pages that each provider has, by the last part of their address.
const PROVIDER_PAGES: [&str; 8] =
    ["overview", "costs", "bills", "calculator", "ledger", "recharge", "withholding", "alerts"];

/// The page of a provider that operators have beside its own.
const SESSIONS_PAGE: &str = "sessions";

/// The pages that operators have.
const OPERATOR_PAGES: [&str; 6] =
    ["providers", "debits", "reconciliation", "runs", "receivables", "actions"];

texts! {
    /// The texts that several pages share.
    pub(crate) struct Common;

    operators() { en: "Steelyard, operators", zh: "Steelyard 运营" }
    brand() { en: "API bill and recharge", zh: "API 账单与充值" }
    skip() { en: "Skip to the page", zh: "跳到正文" }
    pages() { en: "Pages", zh: "页面" }
    operator(name: &str) { en: "Operator {name}", zh: "运营 {name}" }
    overview() { en: "Overview", zh: "总览" }
    costs() { en: "Costs", zh: "费用" }
    bills() { en: "Bills", zh: "账单" }
    calculator() { en: "Calculator", zh: "计价器" }
    ledger() { en: "Ledger", zh: "资金流水" }
    recharge() { en: "Recharge", zh: "充值" }
    withholding() { en: "Withholding", zh: "代扣" }
    alerts() { en: "Alerts", zh: "提醒" }
    providers() { en: "Providers", zh: "服务商" }
    debits() { en: "Debits", zh: "扣款" }
    reconciliation() { en: "Reconciliation", zh: "对账" }
    runs() { en: "Runs", zh: "运行" }
    receivables() { en: "Receivables", zh: "应收" }
    actions() { en: "Actions", zh: "操作" }
    sessions() { en: "Sessions", zh: "登录" }
    gap() { en: " ", zh: "" }
    colon() { en: ": ", zh: "：" }
    comma() { en: ", ", zh: "，" }
    semicolon() { en: "; ", zh: "；" }
    stop() { en: ". ", zh: "。" }
    as_of(at: DateTime) { en: "As of {at}.", zh: "截至 {at}。" }
    zone(zone: &str) {
        en: "Days are in {zone}. Amounts are in yuan.",
        zh: "日期按 {zone} 划分，金额单位为元。",
    }
    signed_in_until(until: DateTime) {
        en: "You are signed in until {until}.",
        zh: "本次登录有效至 {until}。",
    }
    sign_out() { en: "Sign out", zh: "退出登录" }
    sign_out_note() { en: "In this browser.", zh: "仅限此浏览器。" }
    back_to_platform() { en: "Back to the platform", zh: "返回平台" }
    missing(count: Count) {
        en: "{count} of the records can't be read and are missing here. The operators were told.",
        zh: "有 {count} 条记录暂时无法读取，未在此显示。运营人员已收到告警。",
    }
    missing_bills(days: Html) {
        en: "Bills that can't be read: {days}. Their charges are missing on this page, and what is owed for them may stand beside other bills. The operators were told.",
        zh: "{days}的账单暂时无法读取，其费用未计入本页，其待付金额可能显示在其他账单中。运营人员已收到告警。",
    }
    calls() { en: "calls", zh: "次" }
    stay_still() { en: "Stop that", zh: "停止刷新" }
}

impl Frame {
    /// The frame of a page without a session, whose figures are of `now`.
    #[must_use]
    pub fn new(lang: Lang, path: impl Into<String>, calendar: &Calendar, now: Timestamp) -> Frame {
        Frame {
            lang,
            as_of: wall_clock(calendar, now),
            zone: zone_name(calendar, now),
            path: path.into(),
            provider: None,
            operator: None,
            signed_in_until: None,
            return_url: None,
            may: May::default(),
            refresh_s: None,
            missing_bills: Vec::new(),
        }
    }

    /// The days of the bills that cannot be read.
    pub(crate) fn missing_days(&self) -> Html {
        let days = self.missing_bills.iter().map(|day| Html::show(WithYear(*day), self.lang).0);
        let between = match self.lang {
            Lang::En => ", ",
            Lang::Zh => "、",
        };
        Html(days.collect::<Vec<_>>().join(between))
    }

    /// The first page of the session.
    pub(crate) fn home(&self) -> String {
        match &self.provider {
            Some(provider) => page_of(provider, "overview"),
            None if self.operator.is_some() => "/portal/operator/providers".to_owned(),
            None => self.path.clone(),
        }
    }

    /// A colon in the language of the page.
    pub(crate) fn colon(&self) -> Html {
        Common(self.lang).colon()
    }

    /// What the pages of the session are called.
    pub(crate) fn brand(&self) -> Html {
        match (&self.provider, &self.operator) {
            (None, Some(_)) => Common(self.lang).operators(),
            (Some(_), _) | (None, None) => Common(self.lang).brand(),
        }
    }

    pub(crate) fn in_other_language(&self) -> String {
        format!("{}?lang={}", self.path, self.lang.other().name())
    }

    /// The address of another page of the same provider.
    #[must_use]
    pub fn page(&self, name: &str) -> String {
        match &self.provider {
            Some(provider) => page_of(provider, name),
            None => self.path.clone(),
        }
    }

    /// The links to the pages of the session.
    pub(crate) fn links(&self) -> Vec<Link> {
        let link = |base: &str, name: &&str| {
            let href = format!("{base}/{name}");
            let is_current = self.path == href || self.path.starts_with(&format!("{href}/"));
            Link { href, label: self.label(name), is_current }
        };
        match (&self.provider, &self.operator) {
            (Some(provider), operator) => {
                let base = format!("/portal/providers/{provider}");
                let pages = PROVIDER_PAGES.iter().map(|name| link(&base, name));
                // An operator came from the list of all.
                let list = operator.as_ref().map(|_| link("/portal/operator", &"providers"));
                let sessions = operator.as_ref().map(|_| link(&base, &SESSIONS_PAGE));
                list.into_iter().chain(pages).chain(sessions).collect()
            }
            (None, Some(_)) => {
                OPERATOR_PAGES.iter().map(|name| link("/portal/operator", name)).collect()
            }
            (None, None) => Vec::new(),
        }
    }

    fn label(&self, page: &str) -> Html {
        let c = Common(self.lang);
        match page {
            "overview" => c.overview(),
            "costs" => c.costs(),
            "bills" => c.bills(),
            "calculator" => c.calculator(),
            "ledger" => c.ledger(),
            "recharge" => c.recharge(),
            "withholding" => c.withholding(),
            "alerts" => c.alerts(),
            "providers" => c.providers(),
            "debits" => c.debits(),
            "reconciliation" => c.reconciliation(),
            "runs" => c.runs(),
            "receivables" => c.receivables(),
            SESSIONS_PAGE => c.sessions(),
            _ => c.actions(),
        }
    }
}

fn page_of(provider: &ProviderId, name: &str) -> String {
    format!("/portal/providers/{provider}/{name}")
}

/// What the platform's clocks show.
#[must_use]
pub fn wall_clock(calendar: &Calendar, at: Timestamp) -> DateTime {
    time_zone(calendar).to_datetime(at)
}

fn time_zone(calendar: &Calendar) -> TimeZone {
    TimeZone::get(calendar.time_zone()).unwrap_or(TimeZone::UTC)
}

/// The time zone with its offset now: `Asia/Shanghai (UTC+8)`.
fn zone_name(calendar: &Calendar, now: Timestamp) -> String {
    let minutes = time_zone(calendar).to_offset(now).seconds() / 60;
    let sign = if minutes < 0 { '−' } else { '+' };
    let (hours, rest) = (minutes.abs() / 60, minutes.abs() % 60);
    let rest = if rest == 0 { String::new() } else { format!(":{rest:02}") };
    format!("{} (UTC{sign}{hours}{rest})", calendar.time_zone())
}
