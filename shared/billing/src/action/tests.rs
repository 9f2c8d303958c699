use serde_json::json;
use steelyard_pricing::Fen;

use super::*;
use crate::{AdjustmentId, DebitId, MandateId, Resolution};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn operator(name: &str) -> Actor {
    Actor::Operator { operator: person(name) }
}

fn provider(id: &str) -> Actor {
    Actor::Provider { provider: id.parse().unwrap(), session: "s-1".parse().unwrap() }
}

fn caller(name: &str, provider: &str) -> Actor {
    let caller = format!("arn:aws:iam::123456789012:user/{name}").parse().unwrap();
    Actor::Caller { caller, provider: provider.parse().unwrap() }
}

fn person(name: &str) -> Person {
    Person::new(name).unwrap()
}

fn end_mandate(provider: &str) -> Deed {
    Deed::EndMandate { provider: provider.parse().unwrap(), mandate: MandateId(1) }
}

fn asked(by: Actor, reason: Option<&str>, what: Deed, needs_approval: bool) -> Action {
    let reason = reason.map(|reason| Reason::new(reason).unwrap());
    let id = ActionId::of(&by, "key");
    let request = ActionRequest { by, reason, what };
    Action::new(id, &request, needs_approval, "2015-05".parse().unwrap(), NOW)
}

/// Where an action stands once it is asked for.
fn check(by: Actor, reason: Option<&str>, what: Deed, needs_approval: bool, expected: &str) {
    let told = format!("{what} by {by}");
    assert_eq!(asked(by, reason, what, needs_approval).phase.to_string(), expected, "{told}");
}

const TO_BE_DONE: &str = "asked for, and not carried out";
const WAITING: &str = "waiting for the approval of a second person";
const NO_REASON: &str = "refused: an operator's action needs a reason";
const NOT_ITS_OWN: &str = "refused: a provider may end and lower its own mandates and set its alerts, and do nothing else";

#[test]
fn provider_may_end_and_lower_its_own_mandates_alone() {
    let id = || "a".parse::<ProviderId>().unwrap();
    let limits = MandateLimits { single_fen: Fen::new(100), daily_fen: None };
    let lower = Deed::LowerLimits { provider: id(), mandate: MandateId(1), limits };
    for needs_approval in [false, true] {
        check(provider("a"), None, end_mandate("a"), needs_approval, TO_BE_DONE);
        check(provider("a"), None, lower.clone(), needs_approval, TO_BE_DONE);
        check(caller("server", "a"), None, end_mandate("a"), needs_approval, TO_BE_DONE);
        check(caller("server", "a"), None, lower.clone(), needs_approval, TO_BE_DONE);
    }
    let adjustment = || "A1".parse::<AdjustmentId>().unwrap();
    let resolution = Resolution::GiveUp;
    for others in [
        end_mandate("b"),
        Deed::ResolveDebit { provider: id(), debit: DebitId(1), resolution },
        Deed::CloseFinding { trade: "SY_1".to_owned(), request: None },
        Deed::StopDebits,
        Deed::ResumeDebits,
        Deed::ApproveAdjustment { provider: id(), adjustment: adjustment() },
        Deed::RejectAdjustment { provider: id(), adjustment: adjustment() },
        Deed::RevokeSessions { provider: id() },
    ] {
        check(provider("a"), Some("because"), others.clone(), true, NOT_ITS_OWN);
        check(caller("server", "a"), Some("because"), others.clone(), true, NOT_ITS_OWN);
        check(operator("li"), Some("because"), others, false, TO_BE_DONE);
    }
}

#[test]
fn operator_gives_a_reason_and_may_need_a_second_person() {
    check(operator("li"), None, Deed::StopDebits, false, NO_REASON);
    check(operator("li"), None, Deed::StopDebits, true, NO_REASON);
    check(operator("li"), Some("a test"), Deed::StopDebits, true, WAITING);
}

#[test]
fn another_person_approves_once() {
    let waiting = asked(operator("li"), Some("a test"), Deed::StopDebits, true);
    let own = waiting.approved(&person("LI"), NOW).unwrap_err();
    assert!(matches!(own, ActionError::OwnApproval { .. }), "{own:?}");
    let approved = waiting.approved(&person("wang"), NOW).unwrap().unwrap();
    assert!(approved.is_to_be_done());
    let done = approved.done(ActionResult::Changed, NOW);
    for after in [&approved, &done, &approved.refused("no".to_owned(), NOW)] {
        assert_eq!(after.approved(&person("zhao"), NOW), Ok(None));
        let late = after.rejected(&person("zhao"), &Reason::new("no").unwrap(), NOW);
        assert!(matches!(late, Err(ActionError::NotWaiting { .. })), "{late:?}");
    }
    let alone = asked(operator("li"), Some("a test"), Deed::StopDebits, false);
    let needless = alone.approved(&person("wang"), NOW).unwrap_err();
    assert!(matches!(needless, ActionError::NotWaiting { .. }), "{needless:?}");
}

#[test]
fn rejected_action_is_over() {
    let waiting = asked(operator("li"), Some("a test"), Deed::StopDebits, true);
    let reason = Reason::new("not now").unwrap();
    let rejected = waiting.rejected(&person("li"), &reason, NOW).unwrap().unwrap();
    assert!(!rejected.is_to_be_done());
    assert_eq!(rejected.rejected(&person("wang"), &reason, NOW), Ok(None));
    let late = rejected.approved(&person("wang"), NOW).unwrap_err();
    assert_eq!(
        late.to_string(),
        format!(
            "action {} does not wait for a decision: it is rejected by li: not now",
            waiting.id
        )
    );
}

#[test]
fn key_is_of_the_person_who_uses_it_and_stands_for_one_action() {
    let id = |by: Actor, key| ActionId::of(&by, key);
    assert_eq!(id(operator("Li"), "k"), id(operator("li"), "k"));
    let other_session =
        Actor::Provider { provider: "a".parse().unwrap(), session: "s-2".parse().unwrap() };
    assert_eq!(id(provider("a"), "k"), id(other_session, "k"));
    let all = [
        id(operator("a"), "k"),
        id(provider("a"), "k"),
        id(provider("b"), "k"),
        id(caller("server", "a"), "k"),
        id(caller("other", "a"), "k"),
        id(caller("server", "b"), "k"),
        id(operator("a"), "k2"),
        id(operator("a\nb"), "k"),
        id(operator("a"), "b\nk"),
    ];
    let distinct = all.iter().collect::<std::collections::HashSet<_>>();
    assert_eq!(distinct.len(), all.len());
    let action = asked(provider("a"), None, end_mandate("a"), false);
    let again = |reason: Option<&str>, what| ActionRequest {
        by: provider("a"),
        reason: reason.map(|reason| Reason::new(reason).unwrap()),
        what,
    };
    assert_eq!(action.check_repeated(&again(None, end_mandate("a"))), Ok(()));
    let others = [again(Some("because"), end_mandate("a")), again(None, end_mandate("b"))];
    for other in others {
        assert_eq!(action.check_repeated(&other), Err(ActionError::KeyUsed));
    }
}

#[test]
fn event_names_one_who_asks() {
    let read = |by| serde_json::from_value::<Actor>(by).ok();
    assert_eq!(read(json!({ "operator": "li" })), Some(operator("li")));
    assert_eq!(read(json!({ "provider": "a", "session": "s-1" })), Some(provider("a")));
    let server = "arn:aws:iam::123456789012:user/server";
    let asking = json!({ "caller": server, "provider": "a" });
    assert_eq!(read(asking), Some(caller("server", "a")));
    for none in [
        json!({ "provider": "a" }),
        json!({ "caller": server }),
        json!({ "caller": "", "provider": "a" }),
        json!({ "caller": server, "provider": "a", "session": "s-1" }),
        json!({ "operator": "li", "provider": "a", "session": "s-1" }),
        json!({ "operator": " " }),
        json!({}),
    ] {
        assert_eq!(read(none.clone()), None, "{none}");
    }
}

#[test]
fn stored_form_is_this() {
    let limits = MandateLimits { single_fen: Fen::new(100), daily_fen: Some(Fen::new(200)) };
    let lower = Deed::LowerLimits { provider: "a".parse().unwrap(), mandate: MandateId(1), limits };
    let action = asked(provider("a"), None, lower, false);
    let was = MandateLimits { single_fen: Fen::new(300), daily_fen: None };
    let done = action.done(ActionResult::LimitsLowered { was }, NOW);
    let stored = json!({
        "id": done.id.as_str(),
        "version": 0,
        "asked_in": "2015-05",
        "asked_at_s": 0,
        "asked_by": { "provider": "a", "session": "s-1" },
        "what": {
            "kind": "lower_limits", "provider": "a", "mandate": 1,
            "limits": { "single_fen": 100, "daily_fen": 200 },
        },
        "phase": "done",
        "done_at_s": 0,
        "result": { "outcome": "limits_lowered", "was": { "single_fen": 300 } },
    });
    assert_eq!(serde_json::to_value(&done).unwrap(), stored);
    assert_eq!(serde_json::from_value::<Action>(stored).unwrap(), done);
}

#[test]
fn return_of_a_deposit_moves_the_amounts_that_were_shown_when_it_was_asked_for_and_no_others() {
    let amounts = |[drawn, returned, by_transfer]: [i64; 3]| DepositReturned {
        drawn_fen: Fen::new(drawn),
        returned_fen: Fen::new(returned),
        by_transfer_fen: Fen::new(by_transfer),
    };
    let give_back = Deed::ReturnDeposit { provider: "a".parse().unwrap(), amount_fen: None };
    let action = asked(operator("li"), Some("it leaves"), give_back, false);
    assert_eq!(action.phase.to_string(), WAITING);
    let shown = action.returning(amounts([100, 400, 0]));
    let result = |of| ActionResult::DepositReturned(amounts(of));
    assert_eq!(shown.check_as_shown(&result([100, 400, 0])), Ok(()));
    assert_eq!(shown.check_as_shown(&ActionResult::AsBefore), Ok(()));
    for other in [[200, 300, 0], [100, 300, 100], [100, 500, 0]] {
        assert!(shown.check_as_shown(&result(other)).is_err(), "{other:?}");
        assert!(action.check_as_shown(&result(other)).is_err(), "{other:?}: none were shown");
    }
    let changed = shown.check_as_shown(&result([200, 300, 0])).unwrap_err().to_string();
    let told = "¥1.00 drawn, ¥4.00 returned, ¥0.00 left for a bank transfer, \
        and now ¥2.00 drawn, ¥3.00 returned";
    assert!(changed.contains(told), "{changed}");
    let stored = serde_json::to_value(&shown).unwrap();
    assert_eq!(stored["returns"]["returned_fen"], 400);
    assert_eq!(serde_json::from_value::<Action>(stored).unwrap(), shown);
}
