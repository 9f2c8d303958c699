//! Webhooks, over real HTTP: duplicates, another order, endpoints that hang, fail for a day,
//! redirect, or lead into our network. Nothing is lost, and nobody else waits.

pub(crate) mod site;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use serde_json::{Value, json};
use site::{Answer, Site};
use standardwebhooks::Webhook;
use steelyard_billing::event::{BreakerClosed, Event, EventData, Subject};
use steelyard_billing::webhook::{
    DisabledBecause, Endpoint, EndpointRef, EndpointStatus, Outcome, SigningSecret, TypePattern,
};
use steelyard_books::Endpoints;
use steelyard_runtime::{Clock, Function, Invocation};
use steelyard_store::NewEvents;
use steelyard_tests::Platform;
use steelyard_webhooks::{Reach, Scheme, Sender, Webhooks, checked_url, new_secret};

fn shop() -> Subject {
    "shop".parse().unwrap()
}

pub(crate) fn named(subject: &Subject, endpoint: &str) -> EndpointRef {
    EndpointRef { subject: subject.clone(), endpoint: endpoint.parse().unwrap() }
}

fn endpoints(platform: &Platform) -> Endpoints {
    Endpoints { events: platform.stack.events.clone() }
}

/// Adds an endpoint for all types, and gives its secret.
pub(crate) async fn add(platform: &Platform, of: &EndpointRef, url: &str) -> SigningSecret {
    add_for(platform, of, url, &BTreeSet::new()).await
}

async fn add_for(
    platform: &Platform,
    of: &EndpointRef,
    url: &str,
    types: &BTreeSet<TypePattern>,
) -> SigningSecret {
    let secret = new_secret(Scheme::Hmac).unwrap();
    let url = checked_url(url, Reach::Local).unwrap();
    let now = platform.stack.clock.now();
    endpoints(platform).add(of, &url, types, &secret, now).await.unwrap();
    secret
}

/// Stores so many events of a subject, as the events function does, and wakes its endpoints.
async fn happen(platform: &Platform, subject: &Subject, first: u64, number: u64) {
    let (now, realm) = (platform.stack.clock.now(), platform.realm().await);
    let event = |sequence: u64| Event {
        id: format!("evt_{sequence:032x}").parse().unwrap(),
        subject: subject.clone(),
        at_s: now,
        data: EventData::BreakerClosed(BreakerClosed { reason: None }),
    };
    // Ids are unique in the deployment, so those of subjects are apart.
    let apart = if *subject == shop() { 0 } else { 1_000_000 };
    let events: Vec<_> = (first..first + number).map(|number| event(apart + number)).collect();
    let expires_at = now + SignedDuration::from_hours(24 * 90);
    let new = NewEvents { subject, events: &events, standing: None, expires_at };
    platform.stack.events.add(new, &realm).await.unwrap();
    platform.stack.events.wake_endpoints(subject, now).await.unwrap();
}

async fn found(platform: &Platform, of: &EndpointRef) -> Endpoint {
    platform.stack.events.endpoint(of).await.unwrap().unwrap()
}

/// Sends what is due now, and hands it over.
async fn dispatch(platform: &Platform) {
    platform.stack.functions.dispatch.invoke(json!({})).await.unwrap();
    platform.stack.drain().await.unwrap();
}

async fn run_for(platform: &Platform, hours: i64) {
    let end = platform.stack.clock.now() + SignedDuration::from_hours(hours);
    platform.stack.run_until(end).await.unwrap();
}

/// Moves the clock without running anything.
fn wait(platform: &Platform, seconds: i64) {
    platform.stack.clock.set(platform.stack.clock.now() + SignedDuration::from_secs(seconds));
}

/// The numbers of the events that a site took, in the order in which it did.
fn taken(site: &Site) -> Vec<u64> {
    let number = |body: &Value| body["sequence"].as_str().unwrap().parse().unwrap();
    site.taken().iter().map(|delivery| number(&delivery.json())).collect()
}

fn message(of: &EndpointRef, id: &str) -> Value {
    let body = serde_json::to_string(of).unwrap();
    json!({ "messageId": id, "body": body, "attributes": {}, "eventSource": "aws:sqs" })
}

#[tokio::test]
async fn deliveries_are_signed_by_the_standard_and_their_ids_and_numbers_are_those_of_the_events() {
    let platform = Platform::open_telling().await;
    // The reference implementation knows the time of this machine only.
    platform.stack.clock.set(Clock::system().now());
    let (site, of) = (Site::open(Answer::Status(204)).await, named(&shop(), "erp"));
    happen(&platform, &shop(), 1, 2).await;
    let secret = add(&platform, &of, &site.url).await;
    happen(&platform, &shop(), 3, 3).await;
    dispatch(&platform).await;
    assert_eq!(taken(&site), [3, 4, 5], "those that are stored after it was added, in order");
    let webhook = Webhook::new(secret.reveal()).unwrap();
    let stored = platform.stack.events.events_after(&shop(), 2, 10).await.unwrap().readable;
    for (delivery, event) in site.taken().iter().zip(&stored) {
        webhook.verify(&delivery.body, &delivery.headers).unwrap();
        assert_eq!(delivery.headers["webhook-id"], event.id.as_str());
        assert_eq!(delivery.body, event.document.as_bytes(), "exactly as it is stored");
        assert_eq!(delivery.headers["content-type"], "application/cloudevents+json; charset=utf-8");
    }
    // A changed body does not verify.
    let first = &site.taken()[0];
    assert!(webhook.verify(b"{}", &first.headers).is_err());
    // Another secret does not verify; while a rotation lasts, both do.
    let next = new_secret(Scheme::Hmac).unwrap();
    let now = platform.stack.clock.now();
    let until = now + SignedDuration::from_hours(24);
    endpoints(&platform).change(&of, now, |e| e.rotated(next.clone(), until)).await.unwrap();
    happen(&platform, &shop(), 6, 1).await;
    dispatch(&platform).await;
    let delivery = site.taken().pop().unwrap();
    for secret in [&secret, &next] {
        let webhook = Webhook::new(secret.reveal()).unwrap();
        webhook.verify(&delivery.body, &delivery.headers).unwrap();
    }
    let other = Webhook::new(new_secret(Scheme::Hmac).unwrap().reveal()).unwrap();
    assert!(other.verify(&delivery.body, &delivery.headers).is_err());
    // Nothing is sent again.
    run_for(&platform, 1).await;
    assert_eq!(taken(&site), [3, 4, 5, 6]);
    assert_eq!(platform.stack.events.due().next_at().await.unwrap(), None);
}

#[tokio::test]
async fn an_endpoint_that_hangs_delays_nobody_else() {
    let platform = Platform::open_telling().await;
    let (hanging, good) = (Site::open(Answer::Hang).await, Site::open(Answer::Status(200)).await);
    let other: Subject = "other".parse().unwrap();
    let (of_hanging, of_good) = (named(&shop(), "slow"), named(&other, "fast"));
    add(&platform, &of_hanging, &hanging.url).await;
    // One of the same subject is not delayed either.
    add(&platform, &named(&shop(), "fast"), &good.url).await;
    add(&platform, &of_good, &good.url).await;
    happen(&platform, &shop(), 1, 5).await;
    happen(&platform, &other, 1, 5).await;
    let begun = Instant::now();
    dispatch(&platform).await;
    let taken = good.taken();
    assert_eq!(taken.len(), 10);
    let last = taken.iter().map(|delivery| delivery.at).max().unwrap();
    assert!(last - begun < Duration::from_secs(4), "{:?}", last - begun);
    assert!(begun.elapsed() < Duration::from_secs(25), "a message is bounded in time");
    let slow = found(&platform, &of_hanging).await;
    assert_eq!(slow.last.as_ref().unwrap().outcome, Outcome::TimedOut);
    assert!(!slow.parked.is_empty());
    // It is mended: nothing was lost.
    hanging.answers(Answer::Status(200));
    run_for(&platform, 1).await;
    let numbers: BTreeSet<_> = self::taken(&hanging).into_iter().collect();
    assert_eq!(numbers, (1..=5).collect());
}

#[tokio::test]
async fn an_endpoint_that_fails_for_a_day_gets_everything_afterwards() {
    let platform = Platform::open_telling().await;
    let (failing, good) =
        (Site::open(Answer::Status(500)).await, Site::open(Answer::Status(200)).await);
    let of = named(&shop(), "erp");
    add(&platform, &of, &failing.url).await;
    add(&platform, &named(&shop(), "good"), &good.url).await;
    for first in [1, 11, 21] {
        happen(&platform, &shop(), first, 10).await;
        run_for(&platform, 8).await;
    }
    assert_eq!(taken(&good), (1..=30).collect::<Vec<_>>(), "the other endpoint is not delayed");
    assert!(failing.taken().is_empty());
    // It was asked a few times an hour at first, and not for every event.
    assert!(failing.asked() < 40, "{} requests", failing.asked());
    let before = found(&platform, &of).await;
    assert!(before.is_active() && before.is_down());
    failing.answers(Answer::Status(200));
    run_for(&platform, 24).await;
    let mut numbers = taken(&failing);
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=30).collect::<Vec<_>>(), "each of them, once");
    let after = found(&platform, &of).await;
    assert_eq!((after.parked.len(), after.delivered_through, after.dead), (0, 30, 0));
    assert_eq!(platform.stack.dead_letters().await.unwrap(), 0);
}

#[tokio::test]
async fn an_endpoint_that_takes_nothing_for_three_days_is_disabled_and_misses_nothing() {
    let platform = Platform::open_telling().await;
    let (site, of) = (Site::open(Answer::Status(503)).await, named(&shop(), "erp"));
    add(&platform, &of, &site.url).await;
    happen(&platform, &shop(), 1, 4).await;
    run_for(&platform, 80).await;
    let disabled = found(&platform, &of).await;
    let EndpointStatus::Disabled { because, .. } = disabled.status else { panic!("{disabled:?}") };
    assert_eq!(because, DisabledBecause::NoSuccess);
    let asked = site.asked();
    happen(&platform, &shop(), 5, 2).await;
    run_for(&platform, 24).await;
    assert_eq!(site.asked(), asked, "it is left alone");
    // An operator tests it, and enables it.
    site.answers(Answer::Status(200));
    let now = platform.stack.clock.now();
    endpoints(&platform).change(&of, now, |endpoint| endpoint.tested(now)).await.unwrap();
    dispatch(&platform).await;
    assert_eq!(found(&platform, &of).await.test.unwrap().outcome, Some(Outcome::Delivered));
    assert_eq!(site.taken()[0].json()["type"], "endpoint.test");
    site.forget();
    endpoints(&platform).change(&of, now, |endpoint| endpoint.enabled(now)).await.unwrap();
    run_for(&platform, 1).await;
    // Seven in all: between the four and the two about itself.
    let numbers: BTreeSet<_> = taken(&site).into_iter().collect();
    assert_eq!(numbers, (1..=7).collect());
    let told = crate::events::told(&platform, Some("shop")).await;
    assert_eq!(told[4].kind, "endpoint.disabled");
}

#[tokio::test]
async fn one_event_that_is_never_taken_holds_up_no_other_and_becomes_a_dead_letter() {
    let platform = Platform::open_telling().await;
    let (site, of) = (Site::open(Answer::RefusesOne(2)).await, named(&shop(), "erp"));
    add(&platform, &of, &site.url).await;
    for first in 1..=8 {
        happen(&platform, &shop(), first, 1).await;
        run_for(&platform, 11).await;
    }
    assert_eq!(taken(&site), [1, 3, 4, 5, 6, 7, 8]);
    let letters = platform.stack.events.dead_letters(&of, 0).await.unwrap().readable;
    let [letter] = &*letters else { panic!("{letters:?}") };
    assert_eq!((letter.sequence, &letter.outcome), (2, &Outcome::Status(400)));
    assert_eq!(found(&platform, &of).await.dead, 1);
    // The pages of operators read the dead letters of all endpoints, and nothing else of the table.
    let of_pages = platform.events_as("portal");
    let listed = of_pages.all_dead_letters(10).await.unwrap().readable;
    let listed = listed.iter().map(|letter| (letter.endpoint(), letter.letter.sequence));
    assert_eq!(listed.collect::<Vec<_>>(), [(of.clone(), 2)]);
    of_pages.endpoints(&of.subject).await.unwrap_err();
    of_pages.all_endpoints().await.unwrap_err();
    assert_eq!(platform.take_refused().len(), 2, "its secrets and its events are closed to them");
    // An operator sends it again when the endpoint is mended.
    site.answers(Answer::Status(200));
    let now = platform.stack.clock.now();
    endpoints(&platform).replay(&of, 2, now).await.unwrap();
    dispatch(&platform).await;
    assert_eq!(taken(&site).last(), Some(&2));
    let letters = platform.stack.events.dead_letters(&of, 0).await.unwrap();
    assert!(letters.readable.is_empty());
    assert!(of_pages.all_dead_letters(10).await.unwrap().readable.is_empty());
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_410_ends_the_deliveries() {
    let platform = Platform::open_telling().await;
    let elsewhere = Site::open(Answer::Status(200)).await;
    let site = Site::open(Answer::Redirect(elsewhere.url.clone())).await;
    let of = named(&shop(), "erp");
    add(&platform, &of, &site.url).await;
    let other = Site::open(Answer::Status(204)).await;
    let types = BTreeSet::from(["endpoint.*".parse().unwrap()]);
    add_for(&platform, &named(&shop(), "other"), &other.url, &types).await;
    happen(&platform, &shop(), 1, 1).await;
    dispatch(&platform).await;
    assert_eq!(elsewhere.asked(), 0);
    let endpoint = found(&platform, &of).await;
    assert_eq!(endpoint.last.unwrap().outcome, Outcome::Status(302));
    assert_eq!(endpoint.parked.len(), 1);
    site.answers(Answer::Status(410));
    wait(&platform, 60);
    dispatch(&platform).await;
    let endpoint = found(&platform, &of).await;
    let EndpointStatus::Disabled { because, .. } = endpoint.status else { panic!("{endpoint:?}") };
    assert_eq!((because, endpoint.parked.len()), (DisabledBecause::Gone, 1));
    // The other endpoint and the platform are notified.
    dispatch(&platform).await;
    let [told] = &other.taken()[..] else { panic!("one delivery") };
    assert_eq!(told.json()["type"], "endpoint.disabled");
    assert_eq!(told.json()["data"]["endpoint"], "erp");
    let own = crate::events::kinds(&platform, None).await;
    assert_eq!(own.iter().filter(|kind| *kind == "endpoint.disabled").count(), 1, "{own:?}");
}

#[tokio::test]
async fn an_answer_without_end_is_not_read() {
    let platform = Platform::open_telling().await;
    let (site, of) = (Site::open(Answer::Endless).await, named(&shop(), "erp"));
    add(&platform, &of, &site.url).await;
    happen(&platform, &shop(), 1, 3).await;
    let begun = Instant::now();
    dispatch(&platform).await;
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    assert_eq!(taken(&site), [1, 2, 3]);
    assert_eq!(found(&platform, &of).await.delivered_through, 3);
}

#[tokio::test]
async fn a_name_that_leads_into_our_network_is_not_connected_to() {
    let platform = Platform::open_telling().await;
    // What the name leads to would answer.
    let site = Site::open(Answer::Status(200)).await;
    let of = named(&shop(), "erp");
    for (addresses, why) in [
        (&["169.254.169.254"][..], "169.254.169.254 is not public: link-local"),
        (&["127.0.0.1"], "127.0.0.1 is not public: loopback"),
        // One of several is enough.
        (&["1.1.1.1", "10.0.0.7"], "10.0.0.7 is not public: private"),
        (&["::ffff:169.254.169.254"], "::ffff:169.254.169.254 is not public: link-local"),
    ] {
        let port = site.port;
        let found_addresses: Vec<_> = addresses
            .iter()
            .map(|address| std::net::SocketAddr::new(address.parse().unwrap(), port))
            .collect();
        let lookup: steelyard_webhooks::Lookup = Arc::new(move |name| {
            assert_eq!(name, "rebound.example");
            let found = found_addresses.clone();
            Box::pin(async move { Ok(found) })
        });
        let sender = Sender::looking_up(Reach::Public, lookup).unwrap();
        let (events, clock) = (platform.stack.events.clone(), platform.stack.clock.clone());
        let webhooks = Webhooks::new(events, sender, Clock::from_fn(move || clock.now()));
        let url = format!("https://rebound.example:{port}/hook");
        add(&platform, &of, &url).await;
        happen(&platform, &shop(), 1, 1).await;
        let now = platform.stack.clock.now();
        endpoints(&platform).change(&of, now, |endpoint| endpoint.replayed_from(1)).await.unwrap();
        let event = json!({ "Records": [message(&of, "m1")] });
        let invocation = Invocation::lasting(Duration::from_secs(60));
        let answer = webhooks.handle(event, invocation).await.unwrap();
        assert_eq!(answer, json!({ "batchItemFailures": [] }));
        let endpoint = found(&platform, &of).await;
        assert_eq!(endpoint.last.unwrap().outcome, Outcome::NotAllowed(why.to_owned()));
        assert_eq!(endpoint.parked.len(), 1, "it is tried again, and nothing is lost");
        endpoints(&platform).remove(&of).await.unwrap();
    }
    assert_eq!(site.asked(), 0);
}

#[tokio::test]
async fn a_message_that_comes_twice_delivers_once_and_a_bad_one_fails_alone() {
    let platform = Platform::open_telling().await;
    let (site, of) = (Site::open(Answer::Status(200)).await, named(&shop(), "erp"));
    let types = BTreeSet::from(["breaker.*".parse().unwrap()]);
    add_for(&platform, &of, &site.url, &types).await;
    let unwanted = named(&shop(), "debits");
    let types = BTreeSet::from(["debit.paid".parse().unwrap()]);
    add_for(&platform, &unwanted, &site.url, &types).await;
    happen(&platform, &shop(), 1, 30).await;
    let bad =
        json!({ "messageId": "bad", "body": "{}", "attributes": {}, "eventSource": "aws:sqs" });
    let gone = message(&named(&shop(), "gone"), "gone");
    let records = [message(&of, "m1"), bad, gone, message(&unwanted, "m2")];
    let webhooks = &platform.stack.functions.webhooks;
    for _ in 0..2 {
        let answer = webhooks.invoke(json!({ "Records": records })).await.unwrap();
        assert_eq!(answer, json!({ "batchItemFailures": [{ "itemIdentifier": "bad" }] }));
    }
    assert_eq!(taken(&site), (1..=30).collect::<Vec<_>>());
    assert_eq!(found(&platform, &unwanted).await.delivered_through, 30, "it wants none of them");
    // Both rest until something happens.
    assert_eq!(platform.stack.events.due().next_at().await.unwrap(), None);
}

#[tokio::test]
async fn a_delivery_that_could_not_be_noted_is_made_again_under_its_id() {
    use steelyard_local_aws::{Fault, Target};
    let platform = Platform::open_telling().await;
    let (site, of) = (Site::open(Answer::Status(200)).await, named(&shop(), "erp"));
    add(&platform, &of, &site.url).await;
    happen(&platform, &shop(), 1, 1).await;
    let faults = platform.stack.transport.faults();
    faults.strike(Target::Operation("UpdateItem"), 1..=1, Fault::CutBefore);
    let records = json!({ "Records": [message(&of, "m1")] });
    let webhooks = &platform.stack.functions.webhooks;
    let answer = webhooks.invoke(records.clone()).await.unwrap();
    assert_eq!(answer["batchItemFailures"][0]["itemIdentifier"], "m1");
    faults.restore();
    webhooks.invoke(records).await.unwrap();
    let ids: BTreeSet<_> =
        site.taken().iter().map(|delivery| delivery.headers["webhook-id"].clone()).collect();
    assert_eq!((site.taken().len(), ids.len()), (2, 1));
    assert_eq!(found(&platform, &of).await.delivered_through, 1);
}

#[tokio::test]
async fn events_are_sent_again_from_a_number_on() {
    let platform = Platform::open_telling().await;
    let (site, of) = (Site::open(Answer::Status(200)).await, named(&shop(), "erp"));
    add(&platform, &of, &site.url).await;
    happen(&platform, &shop(), 1, 5).await;
    dispatch(&platform).await;
    let now = platform.stack.clock.now();
    endpoints(&platform).change(&of, now, |endpoint| endpoint.replayed_from(4)).await.unwrap();
    dispatch(&platform).await;
    assert_eq!(taken(&site), [1, 2, 3, 4, 5, 4, 5]);
}

#[tokio::test]
async fn what_happens_to_a_provider_reaches_its_endpoint() {
    let platform = Platform::open_telling().await;
    platform.set("2015-05-01T20:00");
    platform.sign("shop", 1_000_000).await;
    let (site, of) = (Site::open(Answer::Status(200)).await, named(&shop(), "erp"));
    platform.stack.drain().await.unwrap();
    add(&platform, &of, &site.url).await;
    platform.count("shop", "taobao.trades.sold.get", "2015-05-01", 1_000_000).await;
    platform.run_until("2015-05-02T12:00").await;
    let kinds: Vec<_> =
        site.taken().iter().map(|delivery| delivery.json()["type"].clone()).collect();
    assert_eq!(kinds, ["statement.settled", "debit.scheduled", "debit.paid"]);
}
