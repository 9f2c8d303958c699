//! Each action, by its effect.

use steelyard_billing::breaker::BreakerState;
use steelyard_billing::mandate::{EndReason, MandatePhase};
use steelyard_billing::{AdjustmentPhase, Phase};
use steelyard_local_alipay::{AgreementStatus, Fault as AlipayFault, Method};
use steelyard_tests::reason;

use super::*;
use crate::adjustments::{adjust, after_may, request};

/// An event that does not depend on the platform.
fn event(event: Value) -> impl Fn(&Platform) -> BoxFuture<'_, Value> {
    move |_| Box::pin(std::future::ready(event.clone()))
}

#[tokio::test]
async fn provider_ends_its_mandate() {
    let story = Story {
        prepare: &|| Box::pin(indebted()),
        event: &event(by_provider("a", "k", end_mandate("a"))),
    };
    let platform = story.check_done_once(ActionResult::Changed).await;
    let why = EndReason::RevokedHereByProvider;
    assert_eq!(platform.mandate("a", 1).await.phase, MandatePhase::Ending { why });
    assert_eq!(platform.found("a").await.provider.mandate, None);
    platform.run_until("2015-05-02T12:00").await;
    let agreements = platform.stack.alipay.agreements().unwrap();
    let statuses = agreements.iter().map(|agreement| agreement.status).collect::<Vec<_>>();
    assert_eq!(statuses, [AgreementStatus::Unsign, AgreementStatus::Normal]);
    assert_eq!((platform.account("a").await, platform.taken("a")), ([0, 10_000, 0], 0));
    platform.books_balance().await;
}

#[tokio::test]
async fn operator_ends_a_mandate_with_a_reason() {
    let story = Story {
        prepare: &|| Box::pin(indebted()),
        event: &event(by_operator("k", end_mandate("a"))),
    };
    let platform = story.check_done_once(ActionResult::Changed).await;
    let why = EndReason::RevokedHere { reason: reason("a test") };
    assert_eq!(platform.mandate("a", 1).await.phase, MandatePhase::Ending { why });
    // Under another key it is another action, for which it is too late.
    let late = act(&platform, &by_operator("k2", end_mandate("a"))).await;
    let expected = "refused: the mandate does not allow it: mandate 1 is ending, revoked here: a \
                    test, which does not allow this";
    assert_eq!(late.phase.to_string(), expected);
}

/// A platform where the first debit of `a` is held.
async fn held() -> Platform {
    let platform = indebted().await;
    let fault = AlipayFault::Refused {
        code: "40004".to_owned(),
        sub_code: "ACQ.INVALID_PARAMETER".to_owned(),
    };
    platform.stack.alipay.fail_next(Method::Pay, fault, 1);
    platform.dispatch_at("2015-05-02T10:00").await;
    assert!(matches!(platform.debit("a", 1).await.phase, Phase::Held { .. }));
    platform
}

#[tokio::test]
async fn held_debit_is_resolved() {
    for (resolution, expected) in [("ask", "held"), ("retry", "paid"), ("give_up", "given up")] {
        let action = json!({ "kind": "resolve_debit", "provider": "a", "debit": 1, "resolution": resolution });
        let story =
            Story { prepare: &|| Box::pin(held()), event: &event(by_operator("k", action)) };
        let platform = story.check_done_once(ActionResult::Changed).await;
        let interventions = platform.debit("a", 1).await.history.interventions;
        assert_eq!(interventions.len(), 1, "{resolution}");
        assert_eq!(interventions[0].reason, reason("a test"));
        platform.run_until("2015-05-02T12:00").await;
        let phase = platform.debit("a", 1).await.phase.to_string();
        assert!(phase.starts_with(expected), "{resolution}: {phase}");
        platform.books_balance().await;
    }
}

/// A platform with a finding: a bill shows another amount than the books.
async fn found() -> Platform {
    let platform = indebted().await;
    platform.run_until("2015-05-02T20:00").await;
    platform.stack.alipay.fail_next(Method::Bill, AlipayFault::BillOtherAmount, 1);
    platform.run_until("2015-05-03T12:00").await;
    platform
}

/// Closes the one finding.
fn close(platform: &Platform) -> BoxFuture<'_, Value> {
    Box::pin(async {
        let findings = platform.stack.tables.billing.findings().await.unwrap().readable;
        let [found] = &findings[..] else { panic!("not one finding") };
        let trade = &found.finding.out_trade_no;
        by_operator("k", json!({ "kind": "close_finding", "trade": trade }))
    })
}

#[tokio::test]
async fn finding_is_closed() {
    let story = Story { prepare: &|| Box::pin(found()), event: &close };
    let platform = story.check_done_once(ActionResult::Changed).await;
    let findings = platform.stack.tables.billing.findings().await.unwrap().readable;
    assert_eq!(findings[0].closed, Some(reason("a test")));
    // Under another key it finds nothing to do.
    let mut again = close(&platform).await;
    again["key"] = json!("k2");
    assert_eq!(result(&act(&platform, &again).await), ActionResult::AsBefore);
}

#[tokio::test]
async fn debits_are_stopped_and_resumed() {
    let stop = by_operator("k", json!({ "kind": "stop_debits" }));
    let story = Story { prepare: &|| Box::pin(indebted()), event: &event(stop) };
    let platform = story.check_done_once(ActionResult::Changed).await;
    platform.run_until("2015-05-02T12:00").await;
    assert_eq!(platform.taken("a"), 0);

    let stopped = || -> BoxFuture<'static, Platform> {
        Box::pin(async {
            let platform = indebted().await;
            let now = platform.stack.clock.now();
            let books = platform.books();
            books.decide_breaker(|before| before.stopped(reason("a test"), now)).await.unwrap();
            platform
        })
    };
    let resume = by_operator("k", json!({ "kind": "resume_debits" }));
    let story = Story { prepare: &stopped, event: &event(resume) };
    let platform = story.check_done_once(ActionResult::Changed).await;
    let breaker = platform.stack.tables.billing.breaker().await.unwrap();
    assert_eq!(breaker.state, BreakerState::Closed);
    platform.run_until("2015-05-02T12:00").await;
    assert_eq!(platform.taken("a"), 10_000);
    let again = by_operator("k2", json!({ "kind": "resume_debits" }));
    assert_eq!(result(&act(&platform, &again).await), ActionResult::AsBefore);
}

/// A platform where an adjustment waits that `wang` made.
async fn adjusted() -> Platform {
    let platform = after_may().await;
    let by = steelyard_billing::Person::new("wang").unwrap();
    let id = Some("A1".parse().unwrap());
    let request = steelyard_billing::AdjustmentRequest { id, by, ..request(-400) };
    adjust(&platform, &request).await.unwrap();
    platform
}

#[tokio::test]
async fn adjustment_is_approved_or_rejected() {
    for kind in ["approve_adjustment", "reject_adjustment"] {
        let action = json!({ "kind": kind, "provider": "a", "adjustment": "A1" });
        let story =
            Story { prepare: &|| Box::pin(adjusted()), event: &event(by_operator("k", action)) };
        let platform = story.check_done_once(ActionResult::Changed).await;
        let (a, id) = ("a".parse().unwrap(), "A1".parse().unwrap());
        let adjustment = platform.stack.tables.billing.adjustment(&a, &id).await.unwrap().unwrap();
        match &adjustment.phase {
            AdjustmentPhase::Waiting => {
                assert_eq!(kind, "approve_adjustment");
                assert_eq!(adjustment.note.approval.unwrap().by.as_str(), "li");
            }
            AdjustmentPhase::Rejected { rejected_because, .. } => {
                assert_eq!(kind, "reject_adjustment");
                assert_eq!(*rejected_because, reason("a test"));
            }
            AdjustmentPhase::Booked { .. } => panic!("{adjustment:?}"),
        }
    }
    // The author is no second person.
    let platform = adjusted().await;
    let mut own = by_operator(
        "k",
        json!({ "kind": "approve_adjustment", "provider": "a", "adjustment": "A1" }),
    );
    own["by"]["operator"] = json!("wang");
    let refused = act(&platform, &own).await;
    assert_eq!(
        refused.phase.to_string(),
        "refused: wang made adjustment A1: another person must approve it"
    );
}

#[tokio::test]
async fn sessions_of_a_provider_are_revoked() {
    let revoke = by_operator("k", json!({ "kind": "revoke_sessions", "provider": "a" }));
    let story = Story { prepare: &|| Box::pin(indebted()), event: &event(revoke) };
    let revoked = ActionResult::SessionsRevoked { session_version: 1 };
    let platform = story.check_done_once(revoked).await;
    let version = async |provider| platform.found(provider).await.account.session_version;
    assert_eq!((version("a").await, version("b").await), (1, 0));
    platform.run_until("2015-05-02T12:00").await;
    assert_eq!((version("a").await, platform.taken("a")), (1, 10_000));
    platform.books_balance().await;
}
