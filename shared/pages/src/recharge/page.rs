//! The pages of recharges: the form, the payment, and the return from it.

use askama::Template;
use steelyard_billing::{Calendar, RechargePurpose};
use steelyard_pricing::Fen;

use super::texts::Texts;
use super::{
    AmountProblem, RechargeForm, RechargeItem, RechargeProblem, RechargeState, RechargeTable,
    Recharging, Suggestions, Way,
};
use crate::Frame;
use crate::debits::Chip;
use crate::deposit::DepositView;
use crate::frame::{Common, wall_clock};
use crate::icon::Icon;
use crate::link::Link;
use crate::qr::Qr;
use crate::show::{Code, Count, Figure, Html};

/// The page with the form.
#[derive(Debug, Template)]
#[template(path = "recharge.html")]
pub struct RechargePage<'a> {
    frame: &'a Frame,
    c: Common,
    t: Texts,
    view: &'a Recharging,
    form: &'a RechargeForm,
    suggestions: Vec<Suggestion>,
    recharges: Option<RechargeTable>,
    path: String,
}

/// An amount that a link fills in.
#[derive(Clone, Debug)]
struct Suggestion {
    href: String,
    label: Html,
}

/// A recharge that was just offered, and by what it is paid.
#[derive(Clone, Debug)]
pub struct PayNow {
    /// The recharge that was offered.
    pub item: RechargeItem,
    /// The link or the code that the page shows.
    pub by: PayBy,
}

/// By what a recharge is paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PayBy {
    /// The address of Alipay's page.
    Page(String),
    /// The text of the code.
    Code(String),
}

/// The page that leads to the payment.
#[derive(Debug, Template)]
#[template(path = "recharge_pay.html")]
pub struct PayNowPage<'a> {
    frame: &'a Frame,
    c: Common,
    t: Texts,
    amount: Fen,
    link: Option<Link>,
    qr: Option<Qr>,
    is_code: bool,
    valid: Html,
    out_trade_no: Html,
    result: String,
}

/// The page to which a payer returns.
#[derive(Debug, Template)]
#[template(path = "recharge_result.html")]
pub struct RechargeResultPage<'a> {
    frame: &'a Frame,
    c: Common,
    t: Texts,
    item: &'a RechargeItem,
    chip: Chip,
    number: Html,
    made: Html,
    left: Html,
    out_trade_no: Html,
    trade_no: Option<Html>,
    path: String,
    here: String,
}

impl<'a> RechargePage<'a> {
    /// The page with a form: an empty one, or what was typed with what is wrong.
    #[must_use]
    pub fn new(
        frame: &'a Frame,
        calendar: &Calendar,
        view: &'a Recharging,
        form: &'a RechargeForm,
    ) -> RechargePage<'a> {
        let path = frame.page("recharge");
        let of_deposit = view.deposit.and_then(|of| of_deposit(&of, view, &path, frame));
        let others = view.suggestions.iter().flat_map(|all| suggestions(all, view, &path, frame));
        let suggestions = of_deposit.into_iter().chain(others).collect();
        RechargePage {
            frame,
            c: Common(frame.lang),
            t: Texts(frame.lang),
            view,
            form,
            suggestions,
            recharges: RechargeTable::new(frame, calendar, &view.recharges),
            path,
        }
    }

    fn amount_problem(&self) -> Option<Html> {
        let t = self.t;
        self.form.amount_problem.map(|problem| match problem {
            AmountProblem::Missing => t.amount_missing(),
            AmountProblem::NotAnAmount => t.amount_not(),
            AmountProblem::TooSmall => t.amount_small(Figure(self.view.least_fen)),
            AmountProblem::TooLarge => t.amount_large(Figure(self.view.most_fen)),
        })
    }

    fn problem(&self) -> Option<Html> {
        let t = self.t;
        self.form.problem.map(|problem| match problem {
            RechargeProblem::TooManyOpen => t.too_many(),
            RechargeProblem::SentBefore => t.sent_before(),
            RechargeProblem::Refused => t.refused(),
            RechargeProblem::NoCode => t.no_code(),
            RechargeProblem::Unavailable => t.unavailable(),
        })
    }
}

/// The missing part of the deposit, if it can be paid in.
fn of_deposit(
    deposit: &DepositView,
    view: &Recharging,
    path: &str,
    frame: &Frame,
) -> Option<Suggestion> {
    let amount = deposit.missing_fen;
    let label = Texts(frame.lang).for_deposit(Figure(amount));
    let href = format!("{path}?amount={amount}&purpose=deposit#pay-in");
    (view.least_fen..=view.most_fen).contains(&amount).then_some(Suggestion { href, label })
}

/// The amounts to choose from that can be paid in, each once.
fn suggestions(
    suggested: &Suggestions,
    view: &Recharging,
    path: &str,
    frame: &Frame,
) -> Vec<Suggestion> {
    let t = Texts(frame.lang);
    let Suggestions { seven_days_fen, to_month_end_fen, owed_fen } = *suggested;
    let all = [
        (owed_fen, t.for_owed(Figure(owed_fen))),
        (seven_days_fen, t.for_seven_days(Figure(seven_days_fen))),
        (to_month_end_fen, t.for_month(Figure(to_month_end_fen))),
    ];
    let mut taken: Vec<Fen> = Vec::new();
    let mut kept = Vec::new();
    for (amount, label) in all {
        let is_payable = (view.least_fen..=view.most_fen).contains(&amount);
        if is_payable && !taken.contains(&amount) {
            taken.push(amount);
            kept.push(Suggestion { href: format!("{path}?amount={amount}#pay-in"), label });
        }
    }
    kept
}

impl<'a> PayNowPage<'a> {
    /// The page that leads to the payment of a recharge.
    #[must_use]
    pub fn new(frame: &'a Frame, calendar: &Calendar, pay: &PayNow) -> PayNowPage<'a> {
        let t = Texts(frame.lang);
        let amount = pay.item.amount_fen;
        let (link, qr) = match &pay.by {
            PayBy::Page(page) => (Link::new(page), None),
            PayBy::Code(text) => (None, Qr::new(text, t.code_plain_title(), frame.lang)),
        };
        PayNowPage {
            frame,
            c: Common(frame.lang),
            t,
            amount,
            link,
            qr,
            is_code: matches!(pay.by, PayBy::Code(_)),
            valid: t.valid(wall_clock(calendar, pay.item.lapses_at_s)),
            out_trade_no: Html::show(Code(&pay.item.out_trade_no), frame.lang),
            result: format!("{}/{}", frame.page("recharge"), pay.item.recharge),
        }
    }
}

impl<'a> RechargeResultPage<'a> {
    /// The page of a recharge after its payment. While its result is open, the frame's `refresh_s`
    /// is [`RechargeItem::refresh_s`].
    #[must_use]
    pub fn new(
        frame: &'a Frame,
        calendar: &Calendar,
        item: &'a RechargeItem,
    ) -> RechargeResultPage<'a> {
        let t = Texts(frame.lang);
        let path = frame.page("recharge");
        let code = |number: &str| Html::show(Code(number), frame.lang);
        RechargeResultPage {
            frame,
            c: Common(frame.lang),
            t,
            item,
            chip: item.state.chip(frame),
            number: t.number(Count(u64::from(item.recharge.0))),
            made: Html::show(wall_clock(calendar, item.offered_at_s), frame.lang),
            left: t.result_left(wall_clock(calendar, item.lapses_at_s)),
            out_trade_no: code(&item.out_trade_no),
            trade_no: item.trade_no.as_deref().map(code),
            here: format!("{path}/{}", item.recharge),
            path,
        }
    }
}
