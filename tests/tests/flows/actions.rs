//! What people ask for on pages: recorded first, carried out once, refused where it is not theirs,
//! and approved by a second person where the platform wants that.

mod approved;
mod deeds;
mod limits;

use futures::future::{BoxFuture, join};
use serde_json::{Value, json};
use steelyard_billing::{Action, ActionAnswer, ActionPhase, ActionProblem, ActionResult};
use steelyard_local_aws::{Fault, LocalFunction, Target};
use steelyard_tests::{Machine, Platform, fen};

const BASIC: &str = "taobao.trades.sold.get";

/// What an operator asks for, under a key.
fn by_operator(key: &str, action: Value) -> Value {
    json!({ "by": { "operator": "li" }, "key": key, "reason": "a test", "action": action })
}

/// A request by a visitor of a provider's pages, under a key.
fn by_provider(provider: &str, key: &str, action: Value) -> Value {
    json!({ "by": { "provider": provider, "session": "s-1" }, "key": key, "action": action })
}

fn end_mandate(provider: &str) -> Value {
    json!({ "kind": "end_mandate", "provider": provider, "mandate": 1 })
}

async fn invoke(function: &LocalFunction, event: &Value) -> ActionAnswer {
    serde_json::from_value(function.invoke(event.clone()).await.unwrap()).unwrap()
}

/// The action that an event asks for, as it is recorded.
async fn act(platform: &Platform, event: &Value) -> Action {
    recorded(invoke(&platform.stack.functions.actions, event).await)
}

fn recorded(answer: ActionAnswer) -> Action {
    match answer {
        ActionAnswer::Action(action) => *action,
        ActionAnswer::Problem(problem) => panic!("{problem:?}"),
    }
}

fn problem(answer: ActionAnswer) -> ActionProblem {
    match answer {
        ActionAnswer::Problem(problem) => problem,
        ActionAnswer::Action(action) => panic!("{action:?}"),
    }
}

fn result(action: &Action) -> ActionResult {
    let ActionPhase::Done { result, .. } = &action.phase else { panic!("{}", action.phase) };
    *result
}

/// Everything that an action can change, to the version. The realm is random, and left out.
async fn state(platform: &Platform) -> String {
    let billing = &platform.stack.tables.billing;
    let breaker = billing.breaker().await.unwrap();
    let findings = billing.findings().await.unwrap().readable;
    let adjustments = billing.adjustments(&"a".parse().unwrap()).await.unwrap();
    let state = format!("{}{breaker:#?}{findings:#?}{adjustments:#?}", platform.records().await);
    without_realm(platform, &state).await
}

/// An action as it is recorded, without the realm.
async fn shown(platform: &Platform, action: &Action) -> String {
    without_realm(platform, &format!("{action:#?}")).await
}

async fn without_realm(platform: &Platform, text: &str) -> String {
    match platform.stack.tables.billing.realms().await.unwrap() {
        Some(realms) => text.replace(&realms.current.to_string(), "REALM"),
        None => text.to_owned(),
    }
}

/// The actions of a month, the newest first.
async fn trail(platform: &Platform, month: &str) -> Vec<Action> {
    let page = platform.stack.tables.billing.actions(month.parse().unwrap(), None, 100).await;
    page.unwrap().actions
}

/// Where each action of May stands, the newest first.
async fn trail_of_may(platform: &Platform) -> Vec<String> {
    trail(platform, "2015-05").await.iter().map(|action| action.phase.to_string()).collect()
}

/// A platform on the second of May at nine, where `a` and `b` have mandates, and `a` owes ¥100.00
/// that a debit is to collect.
async fn indebted() -> Platform {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.sign("a", 1_000_000).await;
    platform.sign("b", 1_000_000).await;
    platform.count("a", BASIC, "2015-05-01", 1_500_000).await;
    platform.settle_at("2015-05-02T00:30").await;
    platform.set("2015-05-02T09:00");
    platform
}

/// An action, and how a platform is prepared for it.
struct Story<'a> {
    prepare: &'a dyn Fn() -> BoxFuture<'static, Platform>,
    event: &'a dyn Fn(&Platform) -> BoxFuture<'_, Value>,
}

impl Story<'_> {
    /// Asks twice, then once for each of the two writes with the power cut before it and after it,
    /// and then twice at once from two machines: each time the action is done once. Gives the
    /// platform.
    async fn check_done_once(&self, expected: ActionResult) -> Platform {
        let platform = (self.prepare)().await;
        let event = (self.event)(&platform).await;
        platform.stack.transport.meter().take();
        let done = act(&platform, &event).await;
        assert_eq!(platform.stack.transport.meter().take().writes(), 2, "recorded, then done");
        assert_eq!(result(&done), expected);
        let after = state(&platform).await;
        assert_eq!(act(&platform, &event).await, done);
        assert_eq!(state(&platform).await, after);
        let month = done.asked_in.to_string();
        let done = shown(&platform, &done).await;
        for write in 1..=2 {
            for fault in [Fault::CutBefore, Fault::CutAfter] {
                let told = format!("{fault:?} write {write} of {event}");
                self.check_killed((write, fault), &month, (&done, &after), &told).await;
            }
        }
        self.check_lost(&done, &after).await;
        for behind in 0..3 {
            self.check_at_once(behind, (&done, &after)).await;
        }
        platform
    }

    async fn check_killed(
        &self,
        (write, fault): (u64, Fault),
        month: &str,
        (done, after): (&str, &str),
        told: &str,
    ) {
        let platform = (self.prepare)().await;
        let event = (self.event)(&platform).await;
        let before = state(&platform).await;
        platform.stack.transport.faults().strike(Target::Writes, write..=write, fault);
        platform.stack.functions.actions.invoke(event.clone()).await.unwrap_err();
        platform.stack.transport.faults().restore();
        // An action that crashed between the two is there for everybody to see, and has changed
        // nothing.
        let trail = trail(&platform, month).await;
        match (write, fault) {
            (1, Fault::CutBefore) => assert_eq!(trail, [], "{told}"),
            (2, Fault::CutAfter) => {
                let [stored] = &trail[..] else { panic!("{told}: {trail:?}") };
                assert_eq!(shown(&platform, stored).await, done, "{told}");
            }
            _ => {
                let [asked] = &trail[..] else { panic!("{told}: {trail:?}") };
                assert_eq!(asked.phase, ActionPhase::Asked, "{told}");
                assert_eq!(state(&platform).await, before, "{told}");
            }
        }
        let again = act(&platform, &event).await;
        assert_eq!(shown(&platform, &again).await, done, "{told}");
        assert_eq!(state(&platform).await, after, "{told}");
        platform.books_balance().await;
    }

    /// The answers of both writes are lost.
    async fn check_lost(&self, done: &str, after: &str) {
        let platform = (self.prepare)().await;
        let event = (self.event)(&platform).await;
        for write in [1, 3] {
            platform.stack.transport.faults().strike(
                Target::Writes,
                write..=write,
                Fault::LoseAnswer,
            );
        }
        let acted = act(&platform, &event).await;
        assert_eq!(shown(&platform, &acted).await, done);
        assert_eq!(state(&platform).await, after);
    }

    async fn check_at_once(&self, behind: usize, (done, after): (&str, &str)) {
        let platform = (self.prepare)().await;
        let event = (self.event)(&platform).await;
        let machines = [Machine::new(&platform, 0), Machine::new(&platform, behind)];
        let [one, two] = machines.each_ref().map(|machine| machine.actions(&platform, false));
        let (one, two) = join(invoke(&one, &event), invoke(&two, &event)).await;
        for answer in [one, two] {
            let answer = shown(&platform, &recorded(answer)).await;
            assert_eq!(answer, done, "{behind} behind");
        }
        assert_eq!(state(&platform).await, after, "{behind} behind");
    }
}

#[tokio::test]
async fn foreign_provider_and_what_is_an_operators_are_refused_and_recorded() {
    let platform = indebted().await;
    let before = state(&platform).await;
    for (number, action) in [
        end_mandate("a"),
        json!({ "kind": "lower_limits", "provider": "a", "mandate": 1,
            "limits": { "single_fen": 100 } }),
        json!({ "kind": "revoke_sessions", "provider": "b" }),
        json!({ "kind": "resolve_debit", "provider": "b", "debit": 1, "resolution": "give_up" }),
        json!({ "kind": "stop_debits" }),
    ]
    .into_iter()
    .enumerate()
    {
        let refused = act(&platform, &by_provider("b", &format!("k{number}"), action)).await;
        let why = "refused: a provider may end and lower its own mandates and set its alerts, \
                   and do nothing else";
        assert_eq!(refused.phase.to_string(), why);
        assert_eq!(trail(&platform, "2015-05").await.len(), number + 1);
    }
    let no_reason = json!({ "by": { "operator": "li" }, "key": "k", "reason": " ",
        "action": { "kind": "stop_debits" } });
    let refused = act(&platform, &no_reason).await;
    assert_eq!(refused.phase.to_string(), "refused: an operator's action needs a reason");
    assert_eq!(state(&platform).await, before);
}

#[tokio::test]
async fn what_the_records_do_not_allow_is_refused_and_recorded() {
    let platform = indebted().await;
    let before = state(&platform).await;
    for (key, action, why) in [
        (
            "1",
            json!({ "kind": "end_mandate", "provider": "a", "mandate": 7 }),
            "refused: provider `a` has no mandate 7",
        ),
        (
            "2",
            json!({ "kind": "end_mandate", "provider": "c", "mandate": 1 }),
            "refused: provider `c` has no mandate 1",
        ),
        (
            "3",
            json!({ "kind": "resolve_debit", "provider": "a", "debit": 1, "resolution": "ask" }),
            "refused: debit 1 is neither held nor in doubt",
        ),
        (
            "4",
            json!({ "kind": "close_finding", "trade": "SY_1" }),
            "refused: there is no finding about SY_1",
        ),
        (
            "5",
            json!({ "kind": "approve_adjustment", "provider": "a", "adjustment": "A1" }),
            "refused: provider `a` has no adjustment A1",
        ),
        (
            "6",
            json!({ "kind": "revoke_sessions", "provider": "c" }),
            "refused: provider `c` is not registered",
        ),
    ] {
        let refused = act(&platform, &by_operator(key, action.clone())).await;
        assert_eq!(refused.phase.to_string(), why);
        // It stays refused, whatever would be allowed later.
        assert_eq!(act(&platform, &by_operator(key, action)).await, refused);
    }
    assert_eq!(state(&platform).await, before);
    assert_eq!(trail(&platform, "2015-05").await.len(), 6);
}

#[tokio::test]
async fn key_is_for_one_action_of_one_person() {
    let platform = indebted().await;
    let stop = json!({ "kind": "stop_debits" });
    let done = act(&platform, &by_operator("k", stop.clone())).await;
    let other = by_operator("k", json!({ "kind": "resume_debits" }));
    let refused = problem(invoke(&platform.stack.functions.actions, &other).await);
    assert!(matches!(refused, ActionProblem::KeyUsed { .. }), "{refused:?}");
    // The key of another person is another key.
    let mut others = by_operator("k", stop);
    others["by"]["operator"] = json!("wang");
    assert_ne!(act(&platform, &others).await.id, done.id);
    assert_eq!(trail_of_may(&platform).await, ["done: it was so before", "done"]);
}

#[tokio::test]
async fn event_that_cannot_be_read_is_answered_and_not_recorded() {
    let platform = indebted().await;
    let stop = json!({ "kind": "stop_debits" });
    let with = |name: &str, value: Value| {
        let mut event = by_operator("k", stop.clone());
        event[name] = value;
        event
    };
    for (event, why) in [
        (json!({}), "missing field `by`"),
        (json!([]), "invalid length 0"),
        (with("by", json!({ "provider": "a" })), "did not match"),
        (with("key", Value::Null), "an action has a `key`"),
        (with("key", json!("")), "an Idempotency-Key has 1 to 255 characters"),
        (with("reason", json!("x".repeat(501))), "a reason has 1 to 500 characters, not 501"),
        (with("action", json!({ "kind": "pay" })), "unknown variant `pay`"),
        (with("action", Value::Null), "one of `action`, `approve` and `reject`"),
        (with("approve", json!("x")), "one of `action`, `approve` and `reject`"),
        (with("other", json!(1)), "unknown field `other`"),
        (
            json!({ "by": { "provider": "a", "session": "s" }, "approve": "x" }),
            "only an operator decides",
        ),
        (json!({ "by": { "operator": "li" }, "reject": "x" }), "gives a reason"),
    ] {
        let refused = problem(invoke(&platform.stack.functions.actions, &event).await);
        let ActionProblem::Malformed { detail } = refused else { panic!("{refused:?}") };
        assert!(detail.contains(why), "{detail}: {why}");
    }
    assert_eq!(trail(&platform, "2015-05").await, []);
}

#[tokio::test]
async fn trail_lists_the_newest_first_by_month_in_pages() {
    let platform = indebted().await;
    let stop = || json!({ "kind": "stop_debits" });
    for (time, key) in
        [("2015-05-02T09:00", "1"), ("2015-05-31T23:59", "2"), ("2015-06-01T00:00", "3")]
    {
        platform.set(time);
        act(&platform, &by_operator(key, stop())).await;
    }
    let times =
        |actions: &[Action]| actions.iter().map(|action| action.asked_at_s).collect::<Vec<_>>();
    let [first, second, third] = ["2015-05-02T09:00", "2015-05-31T23:59", "2015-06-01T00:00"]
        .map(|time| platform.instant(time));
    assert_eq!(times(&trail(&platform, "2015-06").await), [third]);
    assert_eq!(times(&trail(&platform, "2015-05").await), [second, first]);
    let billing = &platform.stack.tables.billing;
    let month = "2015-05".parse().unwrap();
    let page = billing.actions(month, None, 1).await.unwrap();
    assert_eq!(times(&page.actions), [second]);
    let page = billing.actions(month, page.next.as_deref(), 1).await.unwrap();
    assert_eq!(times(&page.actions), [first]);
}

#[tokio::test]
async fn action_is_asked_for_through_lambda() {
    let platform = indebted().await;
    let callee = platform.callee_as("local", "steelyard-actions");
    let answer = callee.invoke(&by_provider("a", "k", end_mandate("a"))).await.unwrap();
    let action = recorded(serde_json::from_value(answer).unwrap());
    assert_eq!(result(&action), ActionResult::Changed);
    assert_eq!(fen(0), fen(platform.taken("a")));
}
