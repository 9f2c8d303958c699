//! Reconciled days, and findings.

use askama::Template;
use serde_json::{Value, json};
use steelyard_billing::reconciliation::DayFailure;
use steelyard_billing::{OpenFinding, Reason, Reconciliation};
use steelyard_pages::operator::OperatorPage;
use steelyard_pages::operator::reconciliation::{DayResult, Reconciled};

use super::{HOSTILE, assert_shows, check, forms, now};
use crate::month::{at, rules};

fn check_reconciliation(name: &str, view: &Reconciled) -> String {
    check(name, |frame| {
        OperatorPage::reconciliation(frame, view, &forms(), &rules().calendar).render().unwrap()
    })
}

fn reconciliation(day: &str, findings: Value) -> Reconciliation {
    serde_json::from_value(json!({
        "day": day, "rows": 212, "matched": 212, "findings": findings, "waiting": 3,
        "bill": { "kind": "trade", "key": "bills/x.zip", "sha256": "00" },
        "reconciled_at_s": at("2015-05-18T10:31").as_second(),
    }))
    .unwrap()
}

/// A finding of each kind, and one that was closed.
fn findings(differs: &Value) -> Vec<OpenFinding> {
    let open = |version: u64, more: Value| -> OpenFinding {
        let mut finding = json!({ "version": version, "first_day": "2015-05-15" });
        finding.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(finding).unwrap()
    };
    vec![
        open(0, differs.clone()),
        open(0, json!({ "kind": "ours_only", "out_trade_no": "T3", "ours_fen": 7 })),
        open(
            0,
            json!({ "kind": "theirs_only", "out_trade_no": "T4", "out_request_no": "R", "theirs_fen": -7 }),
        ),
        open(0, json!({ "kind": "unreadable", "out_trade_no": "T5", "out_request_no": "17" })),
        open(1, json!({ "kind": "ours_only", "out_trade_no": "closed", "closed": "looked at" })),
    ]
}

#[test]
fn reconciliation_shows_days_and_what_both_sides_say() {
    let differs = json!({ "kind": "amount_differs", "out_trade_no": HOSTILE, "provider": "erp-bridge",
        "ours_fen": 120_460, "theirs_fen": 102_460 });
    let found = json!({ "kind": "found_payment", "out_trade_no": "T2", "theirs_fen": 5 });
    let days = [
        reconciliation("2015-05-15", json!([&differs])),
        reconciliation("2015-05-17", json!([found])),
        Reconciliation::skipped(
            "2015-05-14".parse().unwrap(),
            Reason::new("no bill").unwrap(),
            2,
            now(),
        ),
    ];
    let failure = DayFailure {
        day: "2015-05-18".parse().unwrap(),
        why: "no bill yet".to_owned(),
        failed_at_s: now(),
    };
    let view = Reconciled::new(&days, &[failure], Some(&findings(&differs)), now());
    let results = view.days.iter().map(|day| (day.day.to_string(), day.result.clone()));
    assert_eq!(
        results.collect::<Vec<_>>(),
        [
            ("2015-05-18".to_owned(), DayResult::Failed { why: "no bill yet".to_owned() }),
            ("2015-05-17".to_owned(), DayResult::Agrees),
            ("2015-05-15".to_owned(), DayResult::Differs { findings: 1 }),
            ("2015-05-14".to_owned(), DayResult::Skipped { reason: "no bill".to_owned() }),
        ]
    );
    assert_eq!(view.findings.as_ref().unwrap().len(), 4);
    let html = check_reconciliation("reconciliation", &view);
    assert_shows(
        &html,
        &[
            "Our books say ¥ 1,204.60 . Alipay's bill says ¥ 1,024.60",
            "212 of 212",
            "booked by the bill: 1",
            "not done yet",
        ],
    );
    let unread = Reconciled::new(&[], &[], None, now());
    let html = check_reconciliation("reconciliation-unread", &unread);
    assert_shows(&html, &["This could not be read now", "No day was reconciled yet"]);
    let none = Reconciled::new(&[], &[], Some(&[]), now());
    let html = check_reconciliation("reconciliation-empty", &none);
    assert_shows(&html, &["No finding is open"]);
}

#[test]
fn findings_are_listed_as_far_as_a_page_holds_them() {
    let finding = |n: usize| -> OpenFinding {
        serde_json::from_value(
            json!({ "version": 0, "kind": "ours_only", "first_day": "2015-05-15",
            "out_trade_no": format!("{n:03}{}", "X".repeat(61)), "ours_fen": 7 }),
        )
        .unwrap()
    };
    let findings = (0..100).map(finding).collect::<Vec<_>>();
    let view = Reconciled::new(&[], &[], Some(&findings), now());
    assert_eq!((view.findings.as_ref().unwrap().len(), view.more_findings), (40, 60));
    let html = check_reconciliation("reconciliation-many", &view);
    assert_shows(&html, &["More than are listed here: 60"]);
}
