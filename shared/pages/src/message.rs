//! Pages that say one thing: that a link is used up, that there is nothing here, that figures
//! cannot be read.

use askama::Template;

use crate::frame::{Common, Frame};
use crate::icon::Icon;
use crate::lang::texts;
use crate::show::Html;

/// The content of a page without records: a problem, or a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// The link was used before, or its minute is over.
    LinkUsed,
    /// There is no session, or it ended.
    NotSignedIn,
    /// The visitor signed out.
    SignedOut,
    /// Nothing is at this address for this session.
    NotFound,
    /// The provider has no such bill.
    NoBill,
    /// The address or the form cannot be read.
    Malformed,
    /// The agreement no longer allows this.
    AgreementChanged,
    /// The form was sent before, for something else.
    SentBefore,
    /// The session may read, and not do this.
    NotAllowed,
    /// The form came from another site.
    ForeignForm,
    /// The form was carried out, and its page cannot be read now.
    Unseen,
    /// The figures cannot be read now.
    Unavailable,
}

texts! {
    struct Texts;

    link_used() { en: "This link was used", zh: "链接已使用" }
    link_used_text() {
        en: "A link opens these pages once, within a minute. Open them from the platform again.",
        zh: "每个链接只能使用一次，一分钟内有效。请从平台重新打开。",
    }
    not_signed_in() { en: "You are not signed in", zh: "尚未登录" }
    not_signed_in_text() {
        en: "Your session has ended, or this address was opened without one. Open these pages from the platform. Nothing you entered was lost on our side: nothing was changed.",
        zh: "登录已结束，或尚未登录。请从平台打开本页面。账户没有任何变动。",
    }
    signed_out() { en: "You have signed out", zh: "您已退出登录" }
    signed_out_text() {
        en: "This browser does not open these pages any more. To come back, open them from the platform.",
        zh: "此浏览器已不能再打开这些页面。如需返回，请从平台重新打开。",
    }
    not_found() { en: "Nothing is here", zh: "没有此页面" }
    not_found_text() {
        en: "The address is not one of your pages.",
        zh: "该地址不是您的页面。",
    }
    no_bill() { en: "There is no such bill", zh: "没有此账单" }
    no_bill_text() {
        en: "A day is settled in the night after it, and a day without usage has no bill. The list of bills shows all that there are.",
        zh: "每日用量于次日凌晨结算，没有用量的日期不出账单。全部账单见账单列表。",
    }
    malformed() { en: "This can't be read", zh: "无法识别" }
    malformed_text() {
        en: "Something in the address or the form has another form than this page sends. Nothing was changed. Go back and choose again.",
        zh: "地址或表单中的内容与本页面的格式不符，账户没有任何变动。请返回后重新选择。",
    }
    agreement_changed() { en: "The agreement has changed", zh: "协议已有变化" }
    agreement_changed_text() {
        en: "It does not allow this step any more. Nothing was changed. Go back, load the page again, and look how withholding stands.",
        zh: "协议当前不允许此操作，账户没有任何变动。请返回并重新加载页面，查看代扣状态。",
    }
    sent_before() { en: "This form was sent before", zh: "此表单已提交过" }
    sent_before_text() {
        en: "It asked for something else then, which was carried out or refused. Nothing was changed now. Go back, load the page again, and look what is there.",
        zh: "此前提交的内容与本次不同，且已处理；本次账户没有任何变动。请返回并重新加载页面后查看。",
    }
    not_allowed() { en: "You can read this account", zh: "您可以查看此账户" }
    not_allowed_text() {
        en: "Your session does not allow this step. Nothing was changed. Open these pages from the platform with the right to do it.",
        zh: "本次登录没有此操作的权限，账户没有任何变动。请从平台以相应权限打开本页面。",
    }
    foreign_form() { en: "This step did not come from our pages", zh: "该操作并非来自本页面" }
    foreign_form_text() {
        en: "Another site sent it, so it was not carried out. Open the page here and do it again.",
        zh: "该操作由其他网站发起，未被执行。请在本页面重新操作。",
    }
    unseen() { en: "Your action is recorded", zh: "操作已记录" }
    unseen_text() {
        en: "It was carried out, or waits for a second person, and the page that shows it can't be read right now. The list of actions tells how it stands. Do not send it again.",
        zh: "操作已执行，或正等待第二人批准，但暂时无法读取相应页面。请在操作记录中查看结果，无需重复提交。",
    }
    unavailable() { en: "The figures can't be read right now", zh: "暂时无法读取数据" }
    unavailable_text() {
        en: "Nothing is lost, and nothing is charged twice. Load this page again in a minute.",
        zh: "数据没有丢失，也不会重复扣费。请一分钟后重新加载本页面。",
    }
}

/// The page of a message.
#[derive(Debug, Template)]
#[template(path = "message.html")]
pub struct MessagePage<'a> {
    frame: &'a Frame,
    c: Common,
    icon: Icon,
    heading: Html,
    text: Html,
    /// A page that leads on, with its name.
    link: Option<(String, Html)>,
}

impl<'a> MessagePage<'a> {
    /// The page that says a message.
    #[must_use]
    pub fn new(frame: &'a Frame, message: Message) -> MessagePage<'a> {
        let t = Texts(frame.lang);
        let (icon, heading, text) = match message {
            Message::LinkUsed => (Icon::Square, t.link_used(), t.link_used_text()),
            Message::NotSignedIn => (Icon::Square, t.not_signed_in(), t.not_signed_in_text()),
            Message::SignedOut => (Icon::Check, t.signed_out(), t.signed_out_text()),
            Message::NotFound => (Icon::Dashed, t.not_found(), t.not_found_text()),
            Message::NoBill => (Icon::Dashed, t.no_bill(), t.no_bill_text()),
            Message::Malformed => (Icon::Info, t.malformed(), t.malformed_text()),
            Message::AgreementChanged => {
                (Icon::Info, t.agreement_changed(), t.agreement_changed_text())
            }
            Message::SentBefore => (Icon::Info, t.sent_before(), t.sent_before_text()),
            Message::NotAllowed => (Icon::Info, t.not_allowed(), t.not_allowed_text()),
            Message::ForeignForm => (Icon::Care, t.foreign_form(), t.foreign_form_text()),
            Message::Unseen => (Icon::Care, t.unseen(), t.unseen_text()),
            Message::Unavailable => (Icon::Care, t.unavailable(), t.unavailable_text()),
        };
        let c = Common(frame.lang);
        let link = (message == Message::NoBill).then(|| (frame.page("bills"), c.bills()));
        MessagePage { frame, c, icon, heading, text, link }
    }
}
