//! Views and pages over a month that was settled by the code that bills.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bill;
mod calculator;
mod costs;
mod ledger;
mod look;
mod money;
mod month;
mod operator;
mod overview;
mod recharge;
mod reference;
mod start;
mod strips;
mod withholding;

use askama::Template;
use month::Month;
use steelyard_pages::{Frame, Lang, Message, MessagePage};
use steelyard_pricing::Fen;

#[test]
fn the_month_of_the_tests_is_billed_night_by_night() {
    let month = Month::of_may_2015();
    assert_eq!(month.statements.len(), 36);
    assert_eq!(month.coming.len(), 1);
    let late = &month.statements.last().unwrap().changed_days;
    assert_eq!(late.len(), 1);
    assert!(month.statements.last().unwrap().charge_fen > Fen::ZERO);
}

#[test]
fn every_message_is_a_page_in_both_languages() {
    let month = Month::of_may_2015();
    for message in [
        Message::LinkUsed,
        Message::NotSignedIn,
        Message::SignedOut,
        Message::NotFound,
        Message::NoBill,
        Message::Malformed,
        Message::AgreementChanged,
        Message::SentBefore,
        Message::NotAllowed,
        Message::ForeignForm,
        Message::Unseen,
        Message::Unavailable,
    ] {
        for lang in Lang::ALL {
            let frame = month.frame(lang, "overview");
            let name = format!("message-{message:?}").to_lowercase();
            look::page(&name, lang, &MessagePage::new(&frame, message));
        }
    }
}

#[test]
fn every_page_of_a_session_has_a_button_that_ends_it() {
    let month = Month::of_may_2015();
    for lang in Lang::ALL {
        let frame = month.frame(lang, "overview");
        let button = "action=\"/portal/leave\" method=\"post\"";
        let html = MessagePage::new(&frame, Message::NotFound).render().unwrap();
        assert!(!html.contains(button), "nobody is signed in");
        let of_session = Frame { signed_in_until: Some(frame.as_of), ..frame };
        let html = MessagePage::new(&of_session, Message::NotFound).render().unwrap();
        assert_eq!(html.matches(button).count(), 1);
        look::check("session", lang, &html);
    }
}
