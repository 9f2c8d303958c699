//! A recharge as pages write it.

use askama::Template;
use askama::filters::HtmlSafe;
use steelyard_billing::{Calendar, RechargePurpose};

use super::texts::Texts;
use super::{RechargeItem, RechargeState};
use crate::Frame;
use crate::debits::{Chip, Tone};
use crate::frame::wall_clock;
use crate::icon::Icon;
use crate::show::{Code, Count, Html, Plain};

/// A table of recharges, the newest first.
#[derive(Clone, Debug, Template)]
#[template(path = "recharges.html")]
pub(crate) struct RechargeTable {
    t: Texts,
    recharges: Vec<RechargeLine>,
}

/// A recharge in the words of the page.
#[derive(Clone, Debug)]
struct RechargeLine {
    name: Html,
    href: String,
    at: Html,
    amount: Html,
    /// Alipay's number, or ours while it is not paid.
    number: Html,
    chip: Chip,
}

impl HtmlSafe for RechargeTable {}

impl RechargeTable {
    pub(crate) fn new(
        frame: &Frame,
        calendar: &Calendar,
        items: &[RechargeItem],
    ) -> Option<RechargeTable> {
        let line = |item| RechargeLine::new(frame, calendar, item);
        let recharges = items.iter().map(line).collect();
        (!items.is_empty()).then_some(RechargeTable { t: Texts(frame.lang), recharges })
    }
}

impl RechargeLine {
    fn new(frame: &Frame, calendar: &Calendar, item: &RechargeItem) -> RechargeLine {
        let t = Texts(frame.lang);
        let number = item.trade_no.as_deref().unwrap_or(&item.out_trade_no);
        RechargeLine {
            name: match item.purpose {
                RechargePurpose::Prepaid => t.number(Count(u64::from(item.recharge.0))),
                RechargePurpose::Deposit => t.deposit_no(Count(u64::from(item.recharge.0))),
            },
            href: format!("{}/{}", frame.page("recharge"), item.recharge),
            at: Html::show(wall_clock(calendar, item.offered_at_s), frame.lang),
            amount: Html::show(Plain(item.amount_fen), frame.lang),
            number: Html::show(Code(number), frame.lang),
            chip: item.state.chip(frame),
        }
    }
}

impl RechargeState {
    pub(crate) fn chip(self, frame: &Frame) -> Chip {
        let t = Texts(frame.lang);
        let (icon, tone, word) = match self {
            RechargeState::Open => (Icon::Clock, Tone::Plain, t.open()),
            RechargeState::Paid => (Icon::Check, Tone::Go, t.paid()),
            RechargeState::Lapsed => (Icon::Square, Tone::Plain, t.lapsed()),
        };
        Chip { icon, tone, word }
    }
}
