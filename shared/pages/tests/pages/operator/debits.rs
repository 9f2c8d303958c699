//! Debits that an operator has to look at.

use askama::Template;
use serde_json::json;
use steelyard_pages::operator::debits::{DebitWay, DebitsToSee};
use steelyard_pages::operator::{FormOutcome, FormProblem, Forms, OperatorPage, Refused};

use super::{HOSTILE, assert_shows, check, debit, forms, held, now};
use crate::month::{at, rules};

/// Renders a view with forms, in both languages.
fn check_debits(name: &str, view: &DebitsToSee, forms: &Forms) -> String {
    check(name, |frame| {
        OperatorPage::debits(frame, view, forms, &rules().calendar).render().unwrap()
    })
}

/// Debits of which two offer a form.
fn to_see() -> DebitsToSee {
    let debits = [
        debit("given-up", json!({ "phase": "given_up", "why": { "because": "funds" } })),
        debit("in-doubt", json!({ "phase": "in_doubt", "why": HOSTILE })),
        held("erp-bridge", "paid ¥1024.60 by trade 2015"),
        debit("due", json!({ "phase": "due" })),
    ];
    let named_at_s = Some(at("2015-05-19T00:32"));
    DebitsToSee { named_at_s, has_more: true, ..DebitsToSee::new(&debits, now()) }
}

#[test]
fn debits_say_why_and_offer_the_ways_that_the_rules_allow() {
    let view = to_see();
    let ways = view.debits.iter().map(|debit| (debit.provider.as_str(), debit.ways.clone()));
    assert_eq!(
        ways.collect::<Vec<_>>(),
        [
            ("erp-bridge", vec![DebitWay::Ask, DebitWay::Retry, DebitWay::GiveUp]),
            ("in-doubt", vec![DebitWay::Ask, DebitWay::GiveUp]),
            ("given-up", vec![]),
        ]
    );
    let html = check_debits("debits", &view, &forms());
    assert_shows(
        &html,
        &[
            "erp-bridge : debit 9, ¥ 1,204.60",
            "The answer contradicts the books: paid ¥1024.60 by trade 2015",
            "The payer had too little money on each day",
            "Every action here is recorded under finance-desk-2",
        ],
    );
    assert_eq!(html.matches("method=\"post\"").count(), 2);
    check_debits("debits-plain", &view, &forms());
    let none = DebitsToSee::new(&[], now());
    let html = check_debits("debits-empty", &none, &forms());
    assert_shows(&html, &["Nothing is held", "Nothing is in doubt", "No debit is given up now"]);
}

#[test]
fn form_that_was_refused_keeps_what_was_entered_and_says_the_problem() {
    let refused = |problem| Refused {
        form: "debit/erp-bridge/9".to_owned(),
        choice: Some("retry".to_owned()),
        reason: HOSTILE.to_owned(),
        problem,
        key: None,
    };
    let again = |refused| Forms { refused: Some(refused), ..forms() };
    let view = to_see();
    let html = check_debits("debits-again", &view, &again(refused(FormProblem::NoReason)));
    assert!(html.contains("value=\"retry\" checked") && html.contains("aria-invalid=\"true\""));
    assert!(html.contains("<a href=\"#why-1\" autofocus>"));
    let problems = [
        FormProblem::LongReason(501),
        FormProblem::NotAllowedNow(HOSTILE.to_owned()),
        FormProblem::OwnApproval,
        FormProblem::Unavailable,
    ];
    for problem in problems {
        check_debits("debits-refused", &view, &again(refused(problem)));
    }
    // Nobody knows whether it was done: sent again, it is the same action.
    let unknown = Refused { key: Some("sent.7".to_owned()), ..refused(FormProblem::Unavailable) };
    let html = check_debits("debits-second", &view, &again(unknown));
    assert_eq!(html.matches("name=\"key\" value=\"sent.7\"").count(), 1);
    assert_shows(&html, &["The result is not known"]);
}

#[test]
fn every_outcome_of_a_form_is_announced() {
    for outcome in [FormOutcome::Done, FormOutcome::Waiting, FormOutcome::AsBefore] {
        let forms = Forms { outcome: Some(outcome), ..forms() };
        let html = check_debits("debits-outcome", &to_see(), &forms);
        assert!(html.contains("role=\"status\""));
    }
}

#[test]
fn debits_are_listed_as_far_as_a_page_holds_them() {
    let debits = (0..100).map(|n| held(&format!("{n:03}-{}", "x".repeat(60)), HOSTILE));
    let view = DebitsToSee::new(&debits.collect::<Vec<_>>(), now());
    assert!(view.has_more);
    check_debits("debits-many", &view, &forms());
}
