//! A change of a standing is published: by a payment at once, by time in the night, to the provider
//! and to the platform.

use std::pin::pin;
use std::time::Duration;

use axum::http::{HeaderMap, Method};
use serde_json::{Value, json};
use steelyard_billing::event::{StoredEvent, Subject};
use steelyard_billing::{Deed, Ladder, Stage};
use steelyard_books::LadderAdded;
use steelyard_local_stack::http_event;
use steelyard_runtime::{Function, Invocation};
use steelyard_tests::{Answer, DiesAfter, Machine, Platform};

use crate::events::{document, told};
use crate::standing::decide;

const BASIC: &str = "taobao.trades.sold.get";
const LADDER: &str = include_str!("../../../ladders/2014.json");
const KIND: &str = "standing.changed";

/// A provider that owes something since the night of 2 May, under the ladder that ships.
async fn owing() -> Platform {
    let platform = Platform::open_telling().await;
    platform.set("2015-05-01T20:00");
    let ladder: Ladder = serde_json::from_str(LADDER).unwrap();
    platform.books().add_ladder(&ladder, platform.today()).await.unwrap();
    platform.join("a").await;
    platform.count("a", BASIC, "2015-05-01", 1_000_000).await;
    platform.run_until("2015-05-02T01:00").await;
    platform
}

/// The published standings: the day, and the stage before and after.
async fn stages(platform: &Platform, provider: Option<&str>) -> Vec<String> {
    let events = told(platform, provider).await;
    let of = events.iter().filter(|event| event.kind == KIND).map(document);
    let stage = |event: Value| {
        let data = &event["data"];
        let (before, after) = (data["before"].as_str().unwrap(), data["stage"].as_str().unwrap());
        format!("{}: {before} to {after}", event["time"].as_str().unwrap())
    };
    of.map(stage).collect()
}

async fn changes_since(platform: &Platform, query: &str) -> Answer {
    let target = format!("/v1/standing{query}");
    let event = http_event(&Method::GET, &target, &HeaderMap::new(), b"");
    Answer::of(&platform.stack.functions.quote.invoke(event).await.unwrap())
}

#[tokio::test]
async fn each_night_tells_the_stage_that_time_brought_and_a_payment_tells_at_once() {
    let platform = owing().await;
    platform.run_until("2015-05-05T12:00").await;
    let climbed =
        ["2015-05-02T16:30:00Z: good to notice", "2015-05-04T16:30:00Z: notice to throttled"];
    assert_eq!(stages(&platform, Some("a")).await, climbed);
    let first = changes_since(&platform, "").await;
    assert_eq!(first.body["changes"].as_array().unwrap().len(), 2, "{first:?}");
    assert_eq!(first.body["changes"][1]["calls_per_second"], 10);
    let since = format!("?since={}", first.body["since"]);
    assert_eq!(changes_since(&platform, &since).await.body["changes"], json!([]));
    let owed = platform.account("a").await[1];
    platform.recharge("a", owed, "transfer-1").await;
    platform.stack.drain().await.unwrap();
    let restored = changes_since(&platform, &since).await.body;
    let [change] = restored["changes"].as_array().unwrap().as_slice() else {
        panic!("one change: {restored}")
    };
    assert_eq!((&change["stage"], &change["provider"]), (&"good".into(), &"a".into()));
    assert_eq!(change["version"], platform.found("a").await.account.version);
    // What was paid is owed again by the next day's usage, and nothing is published before that is
    // overdue.
    platform.count("a", BASIC, "2015-05-05", 1_000).await;
    platform.run_until("2015-05-06T12:00").await;
    let mut all = climbed.map(str::to_owned).to_vec();
    all.push("2015-05-05T04:00:00Z: throttled to good".to_owned());
    assert_eq!(stages(&platform, Some("a")).await, all);
    assert_eq!(stages(&platform, None).await, all, "the platform is told the same");
    // As after a restart.
    platform.stack.follow_again();
    platform.stack.drain().await.unwrap();
    assert_eq!(stages(&platform, Some("a")).await, all);
    assert_eq!(stages(&platform, None).await, all);
    platform.books_hold().await;
}

#[tokio::test]
async fn a_hold_is_told_when_it_begins_and_when_it_is_over() {
    let platform = owing().await;
    platform.set("2015-05-02T09:00");
    let hold = Deed::HoldStage {
        provider: "a".parse().unwrap(),
        stage: Stage::Suspended,
        until: "2015-05-03".parse().unwrap(),
    };
    platform.recharge("a", platform.account("a").await[1], "transfer-1").await;
    decide(&platform, "hold", hold).await;
    platform.stack.drain().await.unwrap();
    let held = "2015-05-02T01:00:00Z: good to suspended".to_owned();
    assert_eq!(stages(&platform, Some("a")).await, std::slice::from_ref(&held));
    platform.run_until("2015-05-05T12:00").await;
    let over = "2015-05-02T16:30:00Z: suspended to good".to_owned();
    assert_eq!(stages(&platform, Some("a")).await, [held, over]);
    let account = platform.found("a").await.account;
    assert_eq!(account.stage_hold, None, "a hold that is over is removed");
    let noted = account.standing_noted_on.map(|day| day.to_string());
    assert_eq!(noted.as_deref(), Some("2015-05-03"), "nothing is noted while time changes nothing");
}

#[tokio::test]
async fn a_ladder_that_cannot_be_read_holds_up_no_other_event() {
    let platform = owing().await;
    let item = json!({
        "pk": { "S": "ladders" }, "sk": { "S": "2015-05-02" }, "format": { "N": "1" },
        "document": { "S": "broken" },
    });
    platform.put_item(&item).await;
    platform.run_until("2015-05-04T12:00").await;
    assert_eq!(stages(&platform, Some("a")).await, Vec::<String>::new());
    platform.recharge("a", 1, "transfer-1").await;
    platform.stack.drain().await.unwrap();
    assert_eq!(told(&platform, Some("a")).await.last().unwrap().kind, "recharge.paid");
    let mended: Ladder = serde_json::from_str(&LADDER.replace("2014-04-01", "2015-05-02")).unwrap();
    let added = platform.books().add_ladder(&mended, platform.today()).await.unwrap();
    assert_eq!(added, LadderAdded::Replaced, "one that cannot be read may be replaced");
    platform.run_until("2015-05-06T12:00").await;
    let repaired = ["2015-05-04T16:30:00Z: good to throttled"];
    assert_eq!(stages(&platform, Some("a")).await, repaired, "the night looks at it again");
}

#[tokio::test]
async fn a_function_that_dies_at_any_await_point_tells_each_change_once() {
    let platform = owing().await;
    platform.run_until("2015-05-03T12:00").await;
    let event = json!({ "Records": platform.stack.stream_records().await.unwrap() });
    let subjects = [Subject::Provider("a".parse().unwrap()), Subject::Platform];
    let lasting = Invocation::lasting(Duration::from_secs(60));
    let mut expected = None;
    // The first run does not crash.
    for polls in std::iter::once(usize::MAX).chain(0..) {
        let machine = Machine::new(&platform, 0);
        let (function, table) = machine.events(&platform, &format!("standing-{polls}")).await;
        let mut run = pin!(function.handle(event.clone(), lasting));
        let has_died = DiesAfter { run: run.as_mut(), polls }.await.is_none();
        let again = function.handle(event.clone(), lasting).await.unwrap();
        assert_eq!(again, json!({ "batchItemFailures": [] }));
        let name = |event: StoredEvent| (event.sequence, event.id, event.kind);
        let mut names = Vec::new();
        for subject in &subjects {
            let events = table.events_after(subject, 0, 1000).await.unwrap().readable;
            names.extend(events.into_iter().map(name));
        }
        let told = names.iter().filter(|(_, _, kind)| kind == KIND).count();
        assert_eq!(told, subjects.len(), "dead after {polls} polls: {names:?}");
        let expected = expected.get_or_insert_with(|| names.clone());
        assert_eq!(&names, expected, "dead after {polls} polls");
        if !has_died && polls != usize::MAX {
            assert!(polls > 10, "{polls} await points: was the whole run under test?");
            return;
        }
    }
}
