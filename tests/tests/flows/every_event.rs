//! Every type of event is published by the functions that make it: one story for each part of the
//! road.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::json;
use steelyard_billing::event::EventData;
use steelyard_billing::{DebitId, Ladder, RechargeId, TradeOf};
use steelyard_local_alipay::{Fault, Method};
use steelyard_tests::{Platform, agreement_no, record, report};

use crate::events::{document, told};
use crate::webhooks::site::{Answer, Site};
use crate::{adjustments, alerts, deposit, mandates, refunds, webhooks};

const BASIC: &str = "taobao.trades.sold.get";
const LADDER: &str = include_str!("../../../ladders/2014.json");
const DEBIT: TradeOf = TradeOf::Debit { debit: DebitId(1), attempt: 1 };
const RECHARGE: TradeOf = TradeOf::Recharge(RechargeId(1));

/// The types of the published events of `a` and of the platform, each once. Each event is one that
/// a reader of its type can read.
async fn types(platform: &Platform) -> BTreeSet<String> {
    let mut types = BTreeSet::new();
    for provider in [Some("a"), None] {
        for event in told(platform, provider).await {
            let _: EventData = serde_json::from_value(document(&event)).unwrap();
            types.insert(event.kind);
        }
    }
    types
}

/// The same, after a story that has to publish these types.
async fn telling(platform: Platform, expected: &[&str]) -> BTreeSet<String> {
    platform.stack.drain().await.unwrap();
    let types = types(&platform).await;
    for kind in expected {
        assert!(types.contains(*kind), "{kind} is not among {types:?}");
    }
    types
}

/// A platform on the evening of 1 May, where `a` has an agreement and these funds, and used what
/// costs ¥100.00.
async fn used(funds: i64) -> Platform {
    let platform = Platform::open_telling().await;
    platform.set("2015-05-01T20:00");
    platform.sign("a", funds).await;
    platform.count("a", BASIC, "2015-05-01", 1_500_000).await;
    platform
}

fn refused(sub_code: &str) -> Fault {
    Fault::Refused { code: "40004".to_owned(), sub_code: sub_code.to_owned() }
}

/// A day is settled, withheld and reconciled; then the gateway gives the money back.
async fn paid_and_reversed() -> BTreeSet<String> {
    let platform = used(1_000_000).await;
    platform.run_until("2015-05-03T12:00").await;
    refunds::reverse(&platform, DEBIT, 10_000).await;
    platform.run_until("2015-05-03T12:05").await;
    let kinds = [
        "price.announced",
        "mandate.active",
        "statement.settled",
        "debit.scheduled",
        "debit.paid",
        "settlement.finished",
        "reconciliation.done",
        "payment.reversed",
    ];
    telling(platform, &kinds).await
}

/// Nobody pays: the debit is declined and given up, and the standing falls.
async fn owed() -> BTreeSet<String> {
    let platform = used(0).await;
    let ladder: Ladder = serde_json::from_str(LADDER).unwrap();
    platform.books().add_ladder(&ladder, platform.today()).await.unwrap();
    platform.run_until("2015-05-08T12:00").await;
    telling(platform, &["debit.declined", "debit.given_up", "standing.changed"]).await
}

/// A request is refused for its form, so that a person has to look at the debit.
async fn held() -> BTreeSet<String> {
    let platform = used(1_000_000).await;
    platform.stack.alipay.fail_next(Method::Pay, refused("ACQ.INVALID_PARAMETER"), 1);
    platform.run_until("2015-05-02T10:05").await;
    telling(platform, &["debit.held"]).await
}

/// Our own account is blocked, so that no debit is made until it is open again.
async fn stopped() -> BTreeSet<String> {
    let platform = used(1_000_000).await;
    platform.stack.alipay.fail_next(Method::Pay, refused("ACQ.SELLER_BEEN_BLOCKED"), 1);
    platform.run_until("2015-05-02T11:00").await;
    let is_closed = platform.stack.tables.billing.breaker().await.unwrap().is_closed();
    assert!(is_closed, "a probe closed it");
    telling(platform, &["breaker.opened", "breaker.closed"]).await
}

/// Money was taken though the answers said that there is no trade: the bill shows it.
async fn found() -> BTreeSet<String> {
    let platform = used(1_000_000).await;
    platform.lose_notifications();
    let taken = Fault::RefusedAfterEffect {
        code: "40004".to_owned(),
        sub_code: "ACQ.TOTAL_FEE_EXCEED".to_owned(),
    };
    platform.stack.alipay.fail_next(Method::Pay, taken, 1);
    platform.stack.alipay.fail_next(Method::Query, refused("ACQ.TRADE_NOT_EXIST"), 2);
    platform.run_until("2015-05-03T12:00").await;
    telling(platform, &["payment.found", "reconciliation.differs"]).await
}

/// A mandate is offered, signed, suspended at the gateway, and ended by its provider.
async fn mandate() -> BTreeSet<String> {
    let platform = Platform::open_telling().await;
    platform.set("2015-05-01T20:00");
    platform.join("a").await;
    platform.count("a", BASIC, "2015-05-01", 1_500_000).await;
    let agreement = mandates::sign(&platform, "a", 1_000_000).await;
    platform.deliver().await;
    platform.stack.alipay.suspend_agreement(&agreement).unwrap();
    platform.run_until("2015-05-02T12:00").await;
    platform.stack.alipay.revoke_agreement(&agreement, platform.stack.clock.now()).unwrap();
    platform.deliver().await;
    telling(platform, &["mandate.offered", "mandate.active", "mandate.suspended", "mandate.ended"])
        .await
}

/// One recharge is paid, another lapses. A part of the first is given back, and another part is
/// refused.
async fn recharged() -> BTreeSet<String> {
    let platform = Platform::open_telling().await;
    platform.set("2015-05-01T09:00");
    platform.join("a").await;
    platform.paid_recharge("a", "100.00").await;
    platform.run_until("2015-05-01T10:00").await;
    platform.offer_recharge("a", "5.00", "page").await;
    refunds::ask(&platform, RECHARGE, "F1", 2_000).await;
    platform.run_until("2015-05-01T11:00").await;
    platform.stack.alipay.fail_next(Method::Refund, refused("ACQ.TRADE_NOT_ALLOW_REFUND"), 1);
    refunds::ask(&platform, RECHARGE, "F2", 3_000).await;
    platform.run_until("2015-05-04T10:00").await;
    telling(platform, &["recharge.paid", "recharge.lapsed", "refund.done", "refund.refused"]).await
}

/// A deposit is announced, paid, drawn for what was given up, and returned.
async fn deposit() -> BTreeSet<String> {
    let platform = Platform::open_telling().await;
    platform.add_plan(&deposit::plan("2015-04-01", "500", true)).await;
    platform.set("2015-05-01T20:00");
    platform.register("a", "with-deposit").await;
    platform.adopt("a", &agreement_no("a"), 0).await;
    platform.run_until("2015-05-02T01:00").await;
    deposit::pay(&platform, "500.00").await;
    platform.count("a", BASIC, "2015-05-02", 1_500_000).await;
    platform.run_until("2015-05-07T01:00").await;
    deposit::ask_and_approve(&platform, "exit", deposit::give_back()).await;
    platform.run_until("2015-05-07T13:00").await;
    telling(platform, &["deposit.required", "deposit.paid", "deposit.drawn", "deposit.returned"])
        .await
}

/// A budget, a cap and an allowance are reached within the day; a higher budget and no cap hold
/// afterwards.
async fn watched() -> BTreeSet<String> {
    let platform = Platform::open_telling().await;
    platform.set("2015-05-10T12:00");
    platform.join("a").await;
    let rules = r#"{"budget": {"monthly": "10.00", "percent": [50]}, "cap": "20.00", "allowance_percent": [100]}"#;
    alerts::set(&platform, "a", rules).await;
    platform.count("a", BASIC, "2015-05-10", 700_000).await;
    alerts::watched(&platform, "a").await;
    let raised =
        r#"{"budget": {"monthly": "1000.00", "percent": [50]}, "allowance_percent": [100]}"#;
    alerts::set(&platform, "a", raised).await;
    platform.settle_at("2015-05-11T00:30").await;
    let kinds =
        ["alert.triggered", "alert.resolved", "allowance.reached", "cap.reached", "cap.lifted"];
    telling(platform, &kinds).await
}

/// Usage that no rate covers, usage of nobody, and a note on a closed month.
async fn corrected() -> BTreeSet<String> {
    let platform = Platform::open_telling().await;
    platform
        .add_plan(
            r#"{ "plan": "narrow", "effective_from": "2015-01-01", "rates": [{ "rate": "trades",
            "apis": ["taobao.trades.*"], "price": { "model": "per_unit", "unit_price": "0.01" } }] }"#,
        )
        .await;
    platform.set("2015-05-31T20:00");
    platform.register("a", "narrow").await;
    platform.count_as("wrong", "a", BASIC, "2015-05-31", 1_000).await;
    platform.count("a", "taobao.item.get", "2015-05-31", 40).await;
    platform.queue(&report("partly", &[record("nobody", BASIC, "2015-05-31", 5)])).await;
    platform.settle_at("2015-06-05T00:30").await;
    platform.set("2015-06-05T09:00");
    adjustments::adjust(&platform, &adjustments::request(-400)).await.unwrap();
    telling(platform, &["usage.unpriced", "usage.refused", "adjustment.made"]).await
}

/// A night that does not end, and an endpoint that is gone.
async fn operated() -> BTreeSet<String> {
    let platform = used(1_000_000).await;
    platform.set("2015-05-02T00:30");
    platform.stack.functions.settle.invoke(json!({ "task": "settle" })).await.unwrap();
    platform.set("2015-05-02T04:30");
    platform.stack.functions.settle.invoke(json!({ "task": "check" })).await.unwrap();
    let site = Site::open(Answer::Status(410)).await;
    let endpoint = webhooks::named(&"a".parse().unwrap(), "erp");
    webhooks::add(&platform, &endpoint, &site.url).await;
    platform.run_until("2015-05-02T12:00").await;
    assert!(site.asked() > 0);
    telling(platform, &["settlement.late", "endpoint.disabled"]).await
}

#[tokio::test]
async fn every_published_type_is_told_by_the_functions() {
    let mut told = BTreeSet::new();
    told.extend(paid_and_reversed().await);
    told.extend(owed().await);
    told.extend(held().await);
    told.extend(stopped().await);
    told.extend(found().await);
    told.extend(mandate().await);
    told.extend(recharged().await);
    told.extend(deposit().await);
    told.extend(watched().await);
    told.extend(corrected().await);
    told.extend(operated().await);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events");
    let published = folder.read_dir().unwrap().map(|file| file.unwrap().file_name());
    let published =
        published.filter_map(|file| Some(file.to_str()?.strip_suffix(".json")?.to_owned()));
    let published = published.filter(|kind| kind != "event.schema").collect::<BTreeSet<_>>();
    assert_eq!(told, published);
}
