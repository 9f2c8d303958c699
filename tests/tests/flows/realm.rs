//! The realm in every number: no two deployments on one application of Alipay ever use the same
//! number, whatever else they have in common.

use axum::http::{HeaderMap, Method};
use serde_json::json;
use steelyard_billing::RechargePurpose::Prepaid;
use steelyard_billing::mandate::MandateLimits;
use steelyard_billing::{
    DebitId, Payment, PlanAssignment, Provider, Recharge, RechargeId, Trade, TradeOf,
};
use steelyard_books::{Applied, Books, Tables};
use steelyard_local_stack::http_event;
use steelyard_notify::NOTIFY_PATH;
use steelyard_store::Stored;
use steelyard_tests::{Machine, PLAN, Platform, agreement_no, fen, in_force, record, report};

const BASIC: &str = "taobao.trades.sold.get";

/// A platform on the evening of the first of May, where `a` signed and used what costs ¥100.00, and
/// another deployment on the same Alipay where the same provider did the same.
async fn two_deployments() -> (Platform, Machine) {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.sign("a", 1_000_000).await;
    platform.count("a", BASIC, "2015-05-01", 1_500_000).await;
    let other = Machine::deployed_as(&platform, "other").await;
    let provider = provider();
    let now = platform.stack.clock.now();
    let stored = other.tables.billing.register(&other.tables.usage, &provider, now).await.unwrap();
    assert_eq!(stored, Stored::New);
    let books = other.books(&platform);
    let plan = steelyard_pricing::Plan::read(include_str!("../../../plans/jushita-2014.json"));
    books.add_plan(&plan.unwrap(), platform.today()).await.unwrap();
    let limits = MandateLimits { single_fen: fen(500_000), daily_fen: None };
    let (id, agreement) = (&provider.provider, agreement_no("a"));
    books.adopt_mandate(id, &in_force(&agreement), limits, now).await.unwrap();
    let used = report("r", &[record("a", BASIC, "2015-05-01", 1_500_000)]);
    other.ingest(&platform).invoke(used).await.unwrap();
    (platform, other)
}

fn provider() -> Provider {
    Provider {
        provider: "a".parse().unwrap(),
        billed_from: "2015-04".parse().unwrap(),
        plans: vec![PlanAssignment {
            from: "2015-04-01".parse().unwrap(),
            plan: PLAN.parse().unwrap(),
        }],
        overrides: Vec::new(),
        mandate: None,
        alert_rules: Default::default(),
    }
}

/// Settles `a` in the other deployment, now.
async fn settle(platform: &Platform, other: &Machine) {
    let settler = other.settler(platform);
    let terms = settler.terms(platform.stack.clock.now()).await.unwrap();
    assert_eq!(settler.provider(&terms, &"a".parse().unwrap()).await.unwrap().len(), 1);
}

/// What the other deployment's account of `a` shows.
async fn account(tables: &Tables) -> [i64; 3] {
    let found = tables.billing.account(&"a".parse().unwrap()).await.unwrap().unwrap();
    let figures = found.account.figures;
    [figures.prepaid().get(), figures.receivable().get(), figures.reserved().get()]
}

/// The debit of `a` in the other deployment is worked on, now.
async fn work(platform: &Platform, other: &Machine) {
    let task = serde_json::from_value(json!({ "provider": "a", "task": { "debit": 1 } })).unwrap();
    other.collector(platform).work(&task).await.unwrap();
}

#[tokio::test]
async fn same_debit_of_two_deployments_is_two_trades_and_each_books_its_own() {
    let (platform, other) = two_deployments().await;
    platform.settle_at("2015-05-02T00:30").await;
    settle(&platform, &other).await;
    platform.run_until("2015-05-02T10:00").await;
    assert_eq!(platform.account("a").await, [0, 0, 0]);
    assert_eq!(account(&other.tables).await, [0, 10_000, 0], "the other has not sent its debit");
    work(&platform, &other).await;
    assert_eq!(account(&other.tables).await, [0, 0, 0]);
    assert_eq!(platform.account("a").await, [0, 0, 0]);
    assert_eq!(platform.taken("a"), 20_000);
    let own = platform.trade_number("a", FIRST).await;
    let trades = platform.stack.alipay.trades().unwrap();
    let (ours, theirs): (Vec<_>, Vec<_>) =
        trades.iter().partition(|trade| trade.out_trade_no == own);
    assert_eq!((ours.len(), theirs.len()), (1, 1), "{trades:?}");
    let known = platform.books().trade(&theirs[0].out_trade_no).await.unwrap();
    assert_eq!(known, None, "the other's trade is not ours");
}

const FIRST: TradeOf = TradeOf::Debit { debit: DebitId(1), attempt: 1 };

#[tokio::test]
async fn recharge_of_one_deployment_is_not_credited_by_a_trade_of_the_other() {
    let (platform, other) = two_deployments().await;
    let (books, now) = (other.books(&platform), platform.stack.clock.now());
    let id = "a".parse().unwrap();
    let theirs =
        books.offer_recharge(&id, Prepaid, fen(500), None, now).await.unwrap().into_inner();
    // The same provider, the same number of a recharge, the same amount.
    let own = platform.paid_recharge("a", "5.00").await;
    assert_ne!(own, theirs.out_trade_no.as_str());
    let form = platform.stack.alipay.signed_form(&platform.pending_notification());
    platform.deliver().await;
    assert_eq!(platform.account("a").await, [500, 0, 0]);

    let paid: Recharge =
        platform.stack.tables.billing.find(&id, &RechargeId(1)).await.unwrap().unwrap();
    let payment: Payment = paid.payment().unwrap();
    let booked = books.book_payment(&paid.out_trade_no, &payment, now).await.unwrap();
    assert_eq!(booked, Applied::Unknown);
    let event = http_event(&Method::POST, NOTIFY_PATH, &HeaderMap::new(), form.as_bytes());
    other.notify(&platform).invoke(event).await.unwrap();
    assert_eq!(account(&other.tables).await, [0, 0, 0], "a notification of the other's trade");
    // Its own query finds that its own recharge is not paid.
    platform.set("2015-05-01T20:05");
    let task =
        serde_json::from_value(json!({ "provider": "a", "task": { "recharge": 1 } })).unwrap();
    other.collector(&platform).work(&task).await.unwrap();
    assert_eq!(account(&other.tables).await, [0, 0, 0]);
}

/// Copies the billing table into one of another name, as a restored backup is.
async fn restore(platform: &Platform, from: &str, name: &str) -> Machine {
    let restored = Machine::deployed_as(platform, name).await;
    for item in platform.scan(from).await {
        platform.put_item_into(&format!("{name}-billing"), &item).await;
    }
    restored
}

#[tokio::test]
async fn restored_copy_of_a_table_gets_a_new_realm_and_knows_the_numbers_of_the_former_one() {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.sign("a", 0).await;
    platform.count("a", BASIC, "2015-05-01", 1_500_000).await;
    platform.run_until("2015-05-02T10:00").await;
    let first = platform.books().realms().await.unwrap();
    assert_eq!((platform.realm().await, &first.former[..]), (first.current.clone(), &[][..]));
    let number = platform.trade_number("a", FIRST).await;

    let restored = restore(&platform, "steelyard-billing", "restored").await;
    let second = restored.books(&platform).realms().await.unwrap();
    assert_ne!(second.current, first.current);
    assert_eq!(second.former, std::slice::from_ref(&first.current));
    assert_eq!(restored.books(&platform).realms().await.unwrap(), second, "it is made once");
    assert!(second.has(&first.current) && !first.has(&second.current));
    let found = restored.books(&platform).trade(&number).await.unwrap();
    assert!(matches!(found, Some(Trade::Attempt { number: 1, .. })), "{found:?}");

    let again = restore(&platform, "restored-billing", "again").await;
    let third = again.books(&platform).realms().await.unwrap();
    assert_eq!(third.former, [first.current.clone(), second.current.clone()]);
    assert!(!third.former.contains(&third.current));
    assert_eq!(platform.books().realms().await.unwrap(), first, "the original keeps its own");
}

#[tokio::test]
async fn debits_of_a_restored_copy_and_of_the_original_never_share_a_number() {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    platform.sign("a", 1_000_000).await;
    platform.count("a", BASIC, "2015-05-01", 1_500_000).await;
    platform.settle_at("2015-05-02T00:30").await;
    let restored = restore(&platform, "steelyard-billing", "restored").await;
    platform.run_until("2015-05-02T10:00").await;
    work(&platform, &restored).await;
    let trades = platform.stack.alipay.trades().unwrap();
    assert_eq!(trades.len(), 2);
    assert_ne!(trades[0].out_trade_no, trades[1].out_trade_no);
    // A recharge that both offer next has two numbers as well.
    let (books, now) = (restored.books(&platform), platform.stack.clock.now());
    let id = "a".parse().unwrap();
    let copy = books.offer_recharge(&id, Prepaid, fen(500), None, now).await.unwrap();
    let own = platform.open_recharge("a", "5.00", "code").await;
    assert_ne!(copy.into_inner().out_trade_no.as_str(), own);
}

#[tokio::test]
async fn many_that_open_a_realm_at_once_agree_on_one() {
    let platform = Platform::open().await;
    let machines = [0, 0, 1, 2, 3].map(|behind| Machine::new(&platform, behind));
    let books: Vec<Books> = machines.iter().map(|machine| machine.books(&platform)).collect();
    let realms = futures::future::join_all(books.iter().map(Books::realms)).await;
    let realms: Vec<_> = realms.into_iter().map(|realms| realms.unwrap().current).collect();
    assert!(realms.iter().all(|realm| *realm == realms[0]), "{realms:?}");
}
