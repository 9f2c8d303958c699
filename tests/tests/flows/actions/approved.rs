//! Two persons: what an operator asks for waits until another operator approves it.

use super::*;

/// A platform, and its actions function by the rule of two persons.
async fn two_persons() -> (Platform, LocalFunction) {
    let platform = indebted().await;
    let function = Machine::new(&platform, 0).actions(&platform, true);
    (platform, function)
}

fn approve(action: &Action, by: &str) -> Value {
    json!({ "by": { "operator": by }, "approve": action.id })
}

fn reject(action: &Action, by: &str) -> Value {
    json!({ "by": { "operator": by }, "reject": action.id, "reason": "not now" })
}

#[tokio::test]
async fn operators_action_waits_until_another_operator_approves_it() {
    let (platform, function) = two_persons().await;
    let before = state(&platform).await;
    let asked = by_operator("k", end_mandate("a"));
    let waiting = recorded(invoke(&function, &asked).await);
    assert!(waiting.is_waiting());
    assert_eq!(recorded(invoke(&function, &asked).await), waiting);
    let own = problem(invoke(&function, &approve(&waiting, "LI")).await);
    assert!(matches!(own, ActionProblem::OwnApproval { .. }), "{own:?}");
    assert_eq!(state(&platform).await, before);

    let done = recorded(invoke(&function, &approve(&waiting, "wang")).await);
    assert_eq!(result(&done), ActionResult::Changed);
    assert_eq!(done.approved.as_ref().unwrap().by.as_str(), "wang");
    let after = state(&platform).await;
    for again in [approve(&waiting, "wang"), approve(&waiting, "zhao"), asked] {
        assert_eq!(recorded(invoke(&function, &again).await), done);
    }
    let late = problem(invoke(&function, &reject(&waiting, "zhao")).await);
    assert!(matches!(late, ActionProblem::Undecidable { .. }), "{late:?}");
    assert_eq!(state(&platform).await, after);
}

#[tokio::test]
async fn rejected_action_is_never_carried_out() {
    let (platform, function) = two_persons().await;
    let before = state(&platform).await;
    let asked = by_operator("k", end_mandate("a"));
    let waiting = recorded(invoke(&function, &asked).await);
    let rejected = recorded(invoke(&function, &reject(&waiting, "li")).await);
    assert_eq!(rejected.phase.to_string(), "rejected by li: not now");
    for again in [reject(&waiting, "wang"), asked] {
        assert_eq!(recorded(invoke(&function, &again).await), rejected);
    }
    let late = problem(invoke(&function, &approve(&waiting, "wang")).await);
    assert!(matches!(late, ActionProblem::Undecidable { .. }), "{late:?}");
    let unknown = json!({ "by": { "operator": "wang" }, "approve": "0000" });
    let unknown = problem(invoke(&function, &unknown).await);
    assert!(matches!(unknown, ActionProblem::Undecidable { .. }), "{unknown:?}");
    assert_eq!(state(&platform).await, before);
}

#[tokio::test]
async fn providers_action_waits_for_nobody() {
    let (_platform, function) = two_persons().await;
    let done = recorded(invoke(&function, &by_provider("a", "k", end_mandate("a"))).await);
    assert_eq!(result(&done), ActionResult::Changed);
}

#[tokio::test]
async fn approval_that_dies_is_carried_on_by_either_of_the_two() {
    for write in 1..=2 {
        for fault in [Fault::CutBefore, Fault::CutAfter] {
            for is_approved_again in [true, false] {
                let platform = indebted().await;
                let before = state(&platform).await;
                let waiting = Machine::new(&platform, 0).actions(&platform, true);
                let asked = by_operator("k", json!({ "kind": "revoke_sessions", "provider": "a" }));
                let waiting = recorded(invoke(&waiting, &asked).await);
                let approve = approve(&waiting, "wang");
                platform.stack.transport.faults().strike(Target::Writes, write..=write, fault);
                let function = &platform.stack.functions.actions;
                function.invoke(approve.clone()).await.unwrap_err();
                platform.stack.transport.faults().restore();
                let told = format!("{fault:?} write {write}");
                if (write, fault) != (2, Fault::CutAfter) {
                    assert_eq!(state(&platform).await, before, "{told}");
                }
                if (write, fault) == (1, Fault::CutBefore) || is_approved_again {
                    act(&platform, &approve).await;
                } else {
                    act(&platform, &asked).await;
                }
                let [done] = &trail(&platform, "2015-05").await[..] else { panic!("{told}") };
                let revoked = ActionResult::SessionsRevoked { session_version: 1 };
                assert_eq!(result(done), revoked, "{told}");
                assert_eq!(platform.found("a").await.account.session_version, 1, "{told}");
            }
        }
    }
}
