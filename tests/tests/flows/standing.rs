//! Gateways get the standing of a provider: by what it owes, for how long, and by the ladder in
//! force.

use axum::http::{HeaderMap, Method};
use serde_json::Value;
use steelyard_billing::{Action, ActionRequest, Actor, Deed, Ladder, Person, Right, Stage};
use steelyard_books::IdempotencyKey;
use steelyard_local_stack::http_event;
use steelyard_tests::{Answer, Platform, agreement_no, reason};

const BASIC: &str = "taobao.trades.sold.get";
const LADDER: &str = include_str!("../../../ladders/2014.json");

fn ladder() -> Ladder {
    serde_json::from_str(LADDER).unwrap()
}

/// A provider that owes ¥50 since the night of 2 May, under the ladder that ships.
async fn owing() -> Platform {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.books().add_ladder(&ladder(), platform.today()).await.unwrap();
    platform.join("a").await;
    platform.count("a", BASIC, "2015-05-01", 1_000_000).await;
    platform.settle_at("2015-05-02T00:30").await;
    platform
}

async fn ask(platform: &Platform, target: &str, method: Method) -> Answer {
    let event = http_event(&method, target, &HeaderMap::new(), b"");
    Answer::of(&platform.stack.functions.quote.invoke(event).await.unwrap())
}

/// The answer to a gateway at a time.
async fn told(platform: &Platform, time: &str) -> Value {
    platform.set(time);
    let answer = ask(platform, "/v1/standing/a", Method::GET).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

async fn stage(platform: &Platform, time: &str) -> String {
    told(platform, time).await["stage"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_debt_climbs_the_ladder_and_a_transfer_restores_at_once() {
    let platform = owing().await;
    let owed = platform.account("a").await[1];
    assert!(owed > 0);
    for (time, expected) in [
        ("2015-05-02T12:00", "good"),
        ("2015-05-02T23:59", "good"),
        ("2015-05-03T00:00", "notice"),
        ("2015-05-05T00:00", "throttled"),
        ("2015-05-07T00:00", "payouts_frozen"),
        ("2015-05-09T00:00", "suspended"),
    ] {
        assert_eq!(stage(&platform, time).await, expected, "{time}");
    }
    let suspended = told(&platform, "2015-05-09T00:01").await;
    assert_eq!(suspended["blocked"], true);
    assert_eq!(suspended["because"]["kind"], "overdue");
    assert_eq!(suspended["cure_fen"], owed);
    assert_eq!(suspended["next"]["stage"], "terminated");
    platform.recharge("a", owed - 1, "transfer-1").await;
    let less = told(&platform, "2015-05-09T00:02").await;
    assert_eq!((&less["stage"], &less["cure_fen"]), (&"suspended".into(), &1.into()));
    platform.recharge("a", 1, "transfer-2").await;
    let paid = told(&platform, "2015-05-09T00:03").await;
    assert_eq!((&paid["stage"], &paid["owed_fen"]), (&"good".into(), &0.into()));
    assert!(paid["version"].as_u64() > suspended["version"].as_u64());
    platform.books_hold().await;
}

#[tokio::test]
async fn a_debit_restores_a_good_standing() {
    let platform = owing().await;
    assert_eq!(stage(&platform, "2015-05-05T09:00").await, "throttled");
    platform.adopt("a", &agreement_no("a"), 1_000_000).await;
    platform.run_until("2015-05-06T12:00").await;
    assert_eq!(platform.account("a").await[1], 0, "the debit is paid");
    assert_eq!(stage(&platform, "2015-05-06T12:00").await, "good");
}

#[tokio::test]
async fn an_answer_costs_one_read_while_the_ladder_is_known() {
    let platform = owing().await;
    told(&platform, "2015-05-05T09:00").await;
    platform.stack.transport.meter().take();
    told(&platform, "2015-05-05T09:00:30").await;
    let usage = platform.stack.transport.meter().take();
    assert_eq!(usage.requests.values().sum::<u64>(), 1, "{usage:?}");
    assert_eq!(usage.writes(), 0);
}

/// What `lin` decides, under a key.
pub(crate) async fn decide(platform: &Platform, key: &str, what: Deed) -> Action {
    let (key, now) = (IdempotencyKey::parse(key).unwrap(), platform.stack.clock.now());
    let by = Actor::Operator { operator: Person::new("lin").unwrap() };
    let request = ActionRequest { by, reason: Some(reason("it pays on Monday")), what };
    platform.books_as("actions").act(&key, &request, false, now).await.unwrap()
}

#[tokio::test]
async fn an_operator_holds_a_stage_until_a_day_and_lets_the_ladder_decide_again() {
    let platform = owing().await;
    platform.set("2015-05-09T09:00");
    let hold = |until: &str| Deed::HoldStage {
        provider: "a".parse().unwrap(),
        stage: Stage::Notice,
        until: until.parse().unwrap(),
    };
    let over = decide(&platform, "over", hold("2015-05-09")).await;
    assert!(over.phase.to_string().contains("no later than today"), "{}", over.phase);
    let done = decide(&platform, "hold", hold("2015-05-11")).await;
    assert_eq!(done.phase.to_string(), "done");
    let twice = decide(&platform, "twice", hold("2015-05-11")).await;
    assert_eq!(twice.phase.to_string(), "done: it was so before");
    let held = told(&platform, "2015-05-10T23:59").await;
    assert_eq!((&held["stage"], &held["blocked"]), (&"notice".into(), &false.into()));
    assert_eq!(held["because"]["reason"], "it pays on Monday");
    assert!(!held.to_string().contains("lin"), "nobody is told who decided it");
    assert_eq!(stage(&platform, "2015-05-11T00:00").await, "suspended");
    platform.set("2015-05-09T09:00");
    let release = Deed::ReleaseStage { provider: "a".parse().unwrap() };
    let released = decide(&platform, "release", release).await;
    assert_eq!(released.phase.to_string(), "done");
    assert_eq!(stage(&platform, "2015-05-10T12:00").await, "suspended");
    // The person, the decision and the reason stay in the audit trail.
    let month = platform.today().month();
    let trail = platform.stack.tables.billing.actions(month, None, 10).await.unwrap().actions;
    let mut told = trail
        .iter()
        .map(|action| format!("{} {}", action.asked_by, action.what))
        .collect::<Vec<_>>();
    told.sort();
    assert_eq!(
        told,
        [
            "lin hold a at notice until 2015-05-09",
            "lin hold a at notice until 2015-05-11",
            "lin hold a at notice until 2015-05-11",
            "lin let the arrears ladder decide about a again",
        ]
    );
    assert!(trail.iter().all(|of| of.reason == Some(reason("it pays on Monday"))));
    platform.books_hold().await;
}

#[tokio::test]
async fn a_ladder_that_has_taken_effect_never_changes() {
    let platform = owing().await;
    let books = platform.books();
    let with = |text: &str, other: &str| {
        serde_json::from_str::<Ladder>(&LADDER.replace(text, other)).unwrap()
    };
    use steelyard_books::LadderAdded::{Before, Different, New, Replaced};
    let later = with("2014-04-01", "2015-06-01");
    let milder = with("2014-04-01", "2015-06-01\", \"grace_days\": 3, \"restores\": \"all");
    for (ladder, expected) in [
        (ladder(), Before),
        (with("\"overdue_days\": 7", "\"overdue_days\": 8"), Different),
        (later.clone(), New),
        (milder.clone(), Replaced),
        (milder, Before),
    ] {
        assert_eq!(books.add_ladder(&ladder, platform.today()).await.unwrap(), expected);
    }
    platform.set("2015-06-01T00:00");
    assert_eq!(books.add_ladder(&later, platform.today()).await.unwrap(), Different);
}

#[tokio::test]
async fn who_asks_for_what_is_not_there_or_not_granted_is_refused() {
    let platform = owing().await;
    for (target, method, status) in [
        ("/v1/standing/nobody", Method::GET, 404),
        ("/v1/standing/a%23b", Method::GET, 400),
        ("/v1/standing/a", Method::POST, 405),
        ("/v1/standing/a/b", Method::GET, 404),
    ] {
        assert_eq!(ask(&platform, target, method).await.status, status, "{target}");
    }
    let grant = serde_json::json!({
        "principals": ["arn:aws:iam::1:user/gateway"], "rights": [Right::Standing],
        "providers": ["*"], "by": "lin", "at_s": platform.stack.clock.now().as_second(),
    });
    let to = steelyard_billing::Grantee::Caller("gateway".parse().unwrap());
    let grant = serde_json::from_value(grant).unwrap();
    platform.stack.tables.usage.grant(&to, None, &grant).await.unwrap();
    platform.stack.clock.set(platform.stack.clock.now() + jiff::SignedDuration::from_mins(2));
    assert_eq!(ask(&platform, "/v1/standing/a", Method::GET).await.status, 403);
    let mut event = http_event(&Method::GET, "/v1/standing/a", &HeaderMap::new(), b"");
    event["requestContext"]["authorizer"] =
        serde_json::json!({ "iam": { "userArn": "arn:aws:iam::1:user/gateway" } });
    let answer = platform.stack.functions.quote.invoke(event).await.unwrap();
    assert_eq!(Answer::of(&answer).status, 200);
}
