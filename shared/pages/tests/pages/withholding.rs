//! Withholding: every state, the consent, limits that are only lowered, and the end.

use steelyard_billing::mandate::{EndReason, MandateLimits};
use steelyard_billing::{
    AgreementAnswer, AgreementEnded, GatewayCode, Mandate, MandateId, Outcome, PayAnswer,
    QueryAnswer, Reason,
};
use steelyard_pages::withholding::{
    EndForm, EndProblem, LimitProblem, LimitsForm, LimitsProblem, SignForm, SignProblem,
    SigningLinks, TERMS_VERSION, Withholding, WithholdingForms, WithholdingPage,
    WithholdingRecords, WithholdingState,
};
use steelyard_pages::{Frame, Lang, May};

use crate::look;
use crate::money::{Money, consent, fen, limits, offered, signed};
use crate::month::{Month, at};

fn view(money: &Money, mandates: &[Mandate]) -> Withholding {
    let month = Month::of_may_2015();
    let read = WithholdingRecords {
        mandates,
        debits: &money.debits,
        confirmed: Some(&money.confirmed),
        last_statement: month.statements.last(),
        offered: limits(),
    };
    Withholding::new(&money.records(), &read).unwrap()
}

/// The only place of this test that renders the page.
fn page(
    name: &str,
    lang: Lang,
    money: &Money,
    view: &Withholding,
    forms: &WithholdingForms,
) -> String {
    let frame = money.frame(lang, "withholding");
    let frame = Frame { refresh_s: view.refresh_s(), ..frame };
    look::page(name, lang, &WithholdingPage::new(&frame, &money.rules.calendar, view, forms))
}

fn without_mandate(money: Money) -> Money {
    let provider = steelyard_billing::Provider { mandate: None, ..money.provider.clone() };
    Money { provider, ..money }
}

/// An offer whose provider agreed to the terms, and is sent to Alipay.
fn agreed(number: u32) -> Mandate {
    offered(number).with_consent(Some(consent()))
}

fn suspended() -> Mandate {
    let changed = signed().after_query(AgreementAnswer::Suspended, at("2015-05-18T10:00"));
    let Outcome::Changed(suspended) = changed else { panic!("{changed:?}") };
    suspended
}

/// The mandate after a debit found the payer blocked, and the money after it.
fn blocked() -> (Money, Mandate) {
    let mut money = Money::new("2015-05-19T08:32");
    money.charge("2015-05-16", 7_293, "2015-05-17T00:30");
    money.send(7_293, "2015-05-17T10:00");
    let code = GatewayCode("ACQ.PAYMENT_REQUEST_HAS_RISK".to_owned());
    money.answer(PayAnswer::PayerBlocked(code), "2015-05-17T10:00");
    money.query(QueryAnswer::Closed, "2015-05-17T10:01");
    money.end("2015-05-17T10:01");
    let suspended = signed().suspended_by(&money.debits[0], at("2015-05-17T10:01")).unwrap();
    (without_mandate(money), suspended)
}

fn ended() -> Mandate {
    let notice = AgreementEnded {
        agreement_no: "20155245550001".to_owned(),
        external_agreement_no: None,
        ended_at: at("2015-05-18T16:20"),
    };
    let changed = signed().after_ended(&notice, at("2015-05-18T16:20"));
    let Outcome::Changed(ended) = changed else { panic!("{changed:?}") };
    ended
}

fn ending() -> Mandate {
    let reason = Reason::new("<script>").unwrap();
    signed().ending(EndReason::RevokedHere { reason }, at("2015-05-19T08:31")).unwrap()
}

fn links() -> SigningLinks {
    let long = "https://openapi.alipay.com/gateway.do?".to_owned() + &"a=b&".repeat(300);
    SigningLinks { app: "alipays://platformapi/startapp?appId=20000067&url=x".to_owned(), qr: long }
}

#[test]
fn every_state_is_a_page_in_both_languages() {
    let (blocked_money, blocked) = blocked();
    let with = Money::of_may();
    let without = || without_mandate(Money::of_may());
    let states = [
        ("off", without(), vec![], WithholdingState::Off),
        ("offered", without(), vec![offered(1)], WithholdingState::Waiting),
        ("waiting", without(), vec![agreed(1)], WithholdingState::Waiting),
        ("on", with, vec![signed()], WithholdingState::On),
        ("suspended", without(), vec![suspended()], WithholdingState::Suspended),
        ("blocked", blocked_money, vec![blocked], WithholdingState::Suspended),
        ("ending", without(), vec![ending()], WithholdingState::Ending),
        ("ended", without(), vec![ended()], WithholdingState::Ended),
        ("again", without(), vec![ended(), agreed(2)], WithholdingState::Waiting),
    ];
    for (name, money, mandates, state) in states {
        let view = view(&money, &mandates);
        assert_eq!(view.state, state, "{name}");
        for lang in Lang::ALL {
            let forms = WithholdingForms::empty("k-1");
            let html = page(&format!("withholding-{name}"), lang, &money, &view, &forms);
            let posts = html.matches("method=\"post\"").count();
            let wanted = match state {
                WithholdingState::On => 2,
                WithholdingState::Suspended if name == "blocked" => 3,
                WithholdingState::Suspended => 2,
                WithholdingState::Waiting if name == "offered" => 1,
                WithholdingState::Waiting | WithholdingState::Ending => 0,
                WithholdingState::Off | WithholdingState::Ended => 1,
            };
            assert_eq!(posts, wanted, "{name}");
            let refreshes = html.contains("?still=1");
            assert!(!(refreshes && posts > 0), "{name}: what is filled in would be lost");
            assert!(!html.contains(" checked"), "consent is never ticked before");
            let read_only = Frame { may: May::default(), ..money.frame(lang, "withholding") };
            let page = WithholdingPage::new(&read_only, &money.rules.calendar, &view, &forms);
            let html = look::page(&format!("withholding-{name}-read-only"), lang, &page);
            assert!(!html.contains("<form") && !html.contains("<button"), "{name}");
        }
    }
}

#[test]
fn an_agreement_shows_what_was_withheld_by_which_limits_and_to_which_terms_one_agreed() {
    let money = Money::of_may();
    let view = view(&money, &[signed()]);
    assert_eq!((view.withheld_fen, view.largest_fen), (fen(7_293), Some(fen(7_293))));
    let agreement = view.agreement.as_ref().unwrap();
    assert_eq!(agreement.consent.as_ref().unwrap().terms_version, TERMS_VERSION);
    assert_eq!(agreement.since_s, at("2015-05-01T09:26"));
    assert_eq!(view.next.as_ref().unwrap().amount_fen, Some(fen(12_602)));
    let html = page("withholding-on", Lang::En, &money, &view, &WithholdingForms::empty("k"));
    for shown in ["20155245550001", "500.00", "1,000.00", "126.02", "1 May 2015, 09:26", "72.93"] {
        assert!(html.contains(shown), "{shown}");
    }
}

#[test]
fn what_withholding_would_have_paid_of_the_last_bill_is_computed() {
    let money = without_mandate(Money::of_may());
    let view = view(&money, &[]);
    let bill = view.last_bill.unwrap();
    assert_eq!(bill.rest_fen.plus(bill.from_prepaid_fen).unwrap(), bill.charge_fen);
    let html = page("withholding-off", Lang::En, &money, &view, &WithholdingForms::empty("k"));
    assert!(
        html.contains(&format!("value=\"{TERMS_VERSION}\"")) && html.contains("Had it been on")
    );
}

#[test]
fn an_offer_shows_the_link_for_a_phone_and_the_code_for_a_desktop_and_looks_again() {
    let money = without_mandate(Money::of_may());
    let view = view(&money, &[agreed(1)]);
    let forms = WithholdingForms { links: Some(links()), ..WithholdingForms::empty("k") };
    for lang in Lang::ALL {
        let html = page("withholding-links", lang, &money, &view, &forms);
        assert!(html.contains(
            "alipays://platformapi/startapp?appId=20000067&#38;url=x\" rel=\"noreferrer\""
        ));
        assert!(html.contains("<svg role=\"img\"") && html.contains("class=\"qr large\""));
        assert!(html.contains("/withholding/sign?still=1"));
        assert!(!html.contains("<form"), "what was posted is not to be posted again");
    }
}

#[test]
fn one_signs_only_the_terms_that_were_shown_and_only_by_ticking() {
    assert_eq!(SignForm::read(Some(TERMS_VERSION), Some("yes")).unwrap().as_str(), TERMS_VERSION);
    for (terms, agree, problem) in [
        (Some(TERMS_VERSION), None, SignProblem::NotAgreed),
        (Some("2026-10"), Some("yes"), SignProblem::OtherTerms),
        (None, Some("yes"), SignProblem::OtherTerms),
    ] {
        assert_eq!(SignForm::read(terms, agree).unwrap_err().problem, Some(problem));
    }
    let money = without_mandate(Money::of_may());
    for sign in [
        SignForm { problem: Some(SignProblem::NotAgreed) },
        SignForm { problem: Some(SignProblem::OtherTerms) },
        SignForm::refused(SignProblem::SentBefore),
        SignForm::refused(SignProblem::Refused),
        SignForm::refused(SignProblem::Unavailable),
    ] {
        let forms = WithholdingForms { sign, ..WithholdingForms::empty("k") };
        let html = page("withholding-not-agreed", Lang::En, &money, &view(&money, &[]), &forms);
        assert!(html.contains("aria-invalid=\"true\"") && html.contains("autofocus"));
    }
}

#[test]
fn limits_are_read_and_refused_field_by_field() {
    let read = |single: &str, daily: &str| LimitsForm::read(single, daily, limits());
    let lower = MandateLimits { single_fen: fen(30_000), daily_fen: Some(fen(100_000)) };
    assert_eq!(read("300", "1000.00"), Ok(lower));
    let form = read("600.00", "x\"").unwrap_err();
    assert_eq!(form.single_problem, Some(LimitProblem::Above(fen(50_000))));
    assert_eq!(form.daily_problem, Some(LimitProblem::NotAnAmount));
    assert_eq!(read("", "").unwrap_err().single_problem, Some(LimitProblem::Missing));
    assert_eq!(read("5", "").unwrap_err().daily_problem, Some(LimitProblem::Missing));
    assert_eq!(read("0", "5").unwrap_err().single_problem, Some(LimitProblem::Nothing));
    let without = MandateLimits { daily_fen: None, ..limits() };
    assert!(LimitsForm::read("5", "", without).is_ok());

    let money = Money::of_may();
    for lang in Lang::ALL {
        for (name, limits) in [
            ("limits-error", form.clone()),
            ("limits-missing", read("", "0").unwrap_err()),
            ("limits-unavailable", LimitsForm::refused(lower, LimitsProblem::Unavailable)),
            ("limits-sent-before", LimitsForm::refused(lower, LimitsProblem::SentBefore)),
            ("limits-another", LimitsForm::refused(lower, LimitsProblem::Another)),
            ("limits-changed", LimitsForm::refused(lower, LimitsProblem::Refused)),
        ] {
            let forms = WithholdingForms { limits: Some(limits), ..WithholdingForms::empty("k") };
            let name = format!("withholding-{name}");
            let html = page(&name, lang, &money, &view(&money, &[signed()]), &forms);
            assert_eq!(html.matches("autofocus").count(), 1, "{name}");
            if name.ends_with("limits-error") {
                assert!(html.contains(
                    "value=\"600.00\" aria-invalid=\"true\" aria-describedby=\"sh ser\""
                ));
                assert!(html.contains("value=\"x&#34;\""), "{html}");
            }
        }
        let forms = WithholdingForms { has_saved_limits: true, ..WithholdingForms::empty("k") };
        page("withholding-saved", lang, &money, &view(&money, &[signed()]), &forms);
    }
}

#[test]
fn only_the_agreement_that_was_shown_is_ended_and_only_by_ticking() {
    let in_force = Some(MandateId(1));
    assert_eq!(EndForm::read(Some("1"), Some("yes"), in_force), Ok(MandateId(1)));
    for (mandate, sure, in_force, problem) in [
        (Some("1"), None, in_force, EndProblem::NotSure),
        (Some("2"), Some("yes"), in_force, EndProblem::Another),
        (Some("x"), Some("yes"), in_force, EndProblem::Another),
        (None, Some("yes"), in_force, EndProblem::Another),
        (Some("1"), Some("yes"), None, EndProblem::Another),
    ] {
        let form = EndForm::read(mandate, sure, in_force).unwrap_err();
        assert_eq!(form.problem, Some(problem), "{mandate:?}");
    }
    let mut money = Money::of_may();
    money.send(12_602, "2015-05-19T10:00");
    for problem in
        [EndProblem::NotSure, EndProblem::Another, EndProblem::Refused, EndProblem::Unavailable]
    {
        let end = EndForm::refused(problem);
        let forms = WithholdingForms { end, ..WithholdingForms::empty("k") };
        let html = page("withholding-end", Lang::En, &money, &view(&money, &[signed()]), &forms);
        assert!(html.contains("That debit still completes") && html.contains("autofocus"));
    }
}

#[test]
fn each_form_has_a_key_of_its_own() {
    let (blocked_money, blocked) = blocked();
    let view = view(&blocked_money, &[blocked]);
    let forms = WithholdingForms::empty("k-1");
    let html = page("withholding-keys", Lang::En, &blocked_money, &view, &forms);
    for key in ["k-1.sign", "k-1.limits", "k-1.end"] {
        let field = format!("name=\"key\" value=\"{key}\"");
        assert_eq!(html.matches(&field).count(), 1, "{key}");
    }
}

#[test]
fn an_offer_whose_links_cannot_be_had_says_so() {
    let money = without_mandate(Money::of_may());
    let view = view(&money, &[agreed(1)]);
    let sign = SignForm::refused(SignProblem::Unavailable);
    let forms = WithholdingForms { sign, ..WithholdingForms::empty("k") };
    for (lang, said) in [(Lang::En, "could not be prepared"), (Lang::Zh, "暂时无法发起签约")]
    {
        let html = page("withholding-no-links", lang, &money, &view, &forms);
        assert!(html.contains(said) && !html.contains("method=\"post\""));
    }
}

#[test]
fn an_agreement_that_was_ended_here_is_not_called_ended_at_alipay() {
    let money = without_mandate(Money::of_may());
    let notice = AgreementEnded {
        agreement_no: "20155245550001".to_owned(),
        external_agreement_no: None,
        ended_at: at("2015-05-18T16:20"),
    };
    for (why, said) in [
        (EndReason::RevokedHereByProvider, "on these pages"),
        (EndReason::RevokedByProvider, "in the Alipay app"),
    ] {
        let ending = signed().ending(why, at("2015-05-18T16:00")).unwrap();
        let changed = ending.after_ended(&notice, at("2015-05-18T16:20"));
        let Outcome::Changed(ended) = changed else { panic!("{changed:?}") };
        let view = view(&money, &[ended]);
        assert_eq!(view.state, WithholdingState::Ended);
        let forms = WithholdingForms::empty("k");
        let html = page("withholding-ended-here", Lang::En, &money, &view, &forms);
        let [here, elsewhere] = ["ended here, on these pages", "You ended it in the Alipay app."];
        assert_eq!(
            (html.contains(here), html.contains(elsewhere)),
            (said == "on these pages", said == "in the Alipay app"),
        );
    }
}
