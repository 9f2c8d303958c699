//! Items that cannot be read: each fails alone and by name, and everybody else is settled,
//! dispatched and debited. An operator who skips it ends the alarm.

use serde_json::{Value, json};
use steelyard_billing::SettlementError;
use steelyard_books::SettleError;
use steelyard_store::schema::DUE_SHARDS;
use steelyard_store::{StoreError, Unreadable};
use steelyard_tests::{Machine, Platform, neighbours};

const BASIC: &str = "taobao.trades.sold.get";

/// Why an item of a newer format cannot be read.
const NEWER: &str = "it is of a newer format than this version of Steelyard knows";

/// A platform on the evening of the first of May, where each of three neighbours signed, and used
/// what costs ¥100.00.
async fn used() -> (Platform, [String; 3]) {
    let platform = Platform::open().await;
    platform.set("2015-05-01T20:00");
    let names: Vec<String> = neighbours("n").take(3).collect();
    let names: [String; 3] = names.try_into().unwrap();
    for name in &names {
        platform.sign(name, 1_000_000).await;
        platform.count(name, BASIC, "2015-05-01", 1_500_000).await;
    }
    (platform, names)
}

/// The item of a partition whose sort key is this.
async fn item(platform: &Platform, pk: &str, sk: &str) -> Value {
    let items = platform.items(pk).await;
    items.into_iter().find(|item| item["sk"]["S"] == sk).unwrap()
}

/// The item with an attribute in place of what it had.
fn with(item: &Value, name: &str, value: Value) -> Value {
    let mut changed = item.clone();
    changed[name] = value;
    changed
}

/// Checks that the first and the third provider were charged, requested and paid, once.
async fn check_others_paid(platform: &Platform, names: &[String; 3]) {
    for name in [&names[0], &names[2]] {
        assert_eq!((platform.account(name).await, platform.taken(name)), ([0, 0, 0], 10_000));
        assert_eq!(platform.charges(name).await, [("2015-05-01".to_owned(), 10_000)]);
    }
}

/// What settlement says of the shard of the neighbours: the items that cannot be read, and the
/// providers that failed.
async fn settled(platform: &Platform) -> (Vec<Unreadable>, Vec<SettleError>) {
    let settler = Machine::new(platform, 0).settler(platform);
    let terms = settler.terms(platform.stack.clock.now()).await.unwrap();
    let (run, _) = settler.begin_run(platform.stack.clock.now()).await.unwrap();
    let mut walk = settler.walk(&terms, run.number, 7, || true).await.unwrap().unwrap();
    let page = walk.page().await.unwrap();
    let failed = page.failed.into_iter().map(|(_, error)| error).collect();
    (terms.unreadable.iter().cloned().chain(page.unreadable).collect(), failed)
}

/// Loses the item that names the shards with providers, so that dispatch looks into all.
async fn lose_named_shards(platform: &Platform) {
    let registry = json!({ "pk": { "S": "registry" }, "sk": { "S": "registry" } });
    platform.delete_item(&registry).await;
}

/// An operator skips an item.
async fn skip(platform: &Platform, pk: &str, sk: &str) {
    platform.stack.tables.billing.skip_item(pk, sk, "written by hand").await.unwrap();
}

async fn dispatch(platform: &Platform) -> Value {
    platform.stack.functions.dispatch.invoke(json!({})).await.unwrap()
}

#[tokio::test]
async fn unknown_records_on_the_index_of_due_records_delay_nobody_until_they_are_skipped() {
    let (platform, names) = used().await;
    platform.settle_at("2015-05-02T00:30").await;
    let due_at = platform.instant("2015-05-01T12:00").as_second();
    lose_named_shards(&platform).await;
    // More than fill a page of the index, in each of its shards, before all that is due.
    let mut planted = Vec::new();
    for shard in 0..DUE_SHARDS {
        for number in 0..if shard == 0 { 150 } else { 1 } {
            let (pk, sk) = (format!("provider#{}", names[1]), format!("gift#{shard}#{number:04}"));
            let item = json!({
                "pk": { "S": pk }, "sk": { "S": sk },
                "due_shard": { "S": format!("due#{shard:02}") },
                "dispatch_at_s": { "N": due_at.to_string() },
            });
            platform.put_item(&item).await;
            planted.push((pk, sk));
        }
    }
    let next = platform.stack.tables.billing.due().next_at().await.unwrap();
    assert_eq!(next, Some(platform.instant("2015-05-02T10:00")), "only known records are due");
    platform.set("2015-05-02T10:00");
    assert_eq!(dispatch(&platform).await, json!({ "sent": 3, "unreadable": planted.len() }));
    platform.stack.drain().await.unwrap();
    check_others_paid(&platform, &names).await;
    assert_eq!(platform.account(&names[1]).await, [0, 0, 0], "its own debit is readable");
    for (pk, sk) in &planted {
        skip(&platform, pk, sk).await;
    }
    assert_eq!(dispatch(&platform).await, json!({ "sent": 0, "unreadable": 0 }));
    platform.books_balance().await;
}

#[tokio::test]
async fn item_on_the_index_that_is_of_no_provider_is_named_and_skipped() {
    let (platform, names) = used().await;
    platform.settle_at("2015-05-02T00:30").await;
    let due_at = platform.instant("2015-05-01T12:00").as_second();
    lose_named_shards(&platform).await;
    let planted = [
        ("campaign#1", "debit#0000000001", json!({ "N": due_at.to_string() })),
        ("provider#no such id", "debit#0000000001", json!({ "N": due_at.to_string() })),
        ("provider#a", "debit#1", json!({ "N": due_at.to_string() })),
        ("provider#a", "refund#x", json!({ "N": due_at.to_string() })),
        // Far outside the years of the clock.
        ("provider#a", "debit#0000000009", json!({ "N": "-99999999999999999" })),
    ];
    for (pk, sk, due_at) in &planted {
        let item = json!({
            "pk": { "S": pk }, "sk": { "S": sk },
            "due_shard": { "S": "due#02" }, "dispatch_at_s": due_at,
        });
        platform.put_item(&item).await;
    }
    let now = platform.instant("2015-05-02T10:00");
    let page = platform.stack.tables.billing.due().page(2, now, None, 100).await.unwrap();
    let mut named: Vec<_> =
        page.unreadable.iter().map(|item| (item.pk.as_str(), item.sk.as_str())).collect();
    named.sort_unstable();
    let mut expected = planted.each_ref().map(|(pk, sk, _)| (*pk, *sk));
    expected.sort_unstable();
    assert_eq!(named, expected);
    platform.set("2015-05-02T10:00");
    assert_eq!(dispatch(&platform).await, json!({ "sent": 3, "unreadable": 5 }));
    platform.stack.drain().await.unwrap();
    check_others_paid(&platform, &names).await;
    for (pk, sk, _) in &planted {
        skip(&platform, pk, sk).await;
    }
    assert_eq!(dispatch(&platform).await, json!({ "sent": 0, "unreadable": 0 }));
}

/// Figures with money that this version does not know: a write would drop it.
fn figures_with_more() -> Value {
    let money = |fen: &str| json!({ "N": fen });
    json!({ "figures": { "M": {
        "prepaid_fen": money("0"), "receivable_fen": money("0"), "reserved_fen": money("0"),
        "escrow_fen": money("700"),
    } } })
}

#[tokio::test]
async fn account_or_provider_that_cannot_be_read_is_named_and_the_others_are_settled_and_debited() {
    for (half, broken) in [
        ("account", json!({ "figures": { "S": "none" } })),
        ("account", json!({ "format": { "N": "99" } })),
        ("account", figures_with_more()),
        ("account", json!({ "open_from": { "S": "2015-13" } })),
        ("provider", json!({ "plans": { "S": "all" } })),
        ("provider", json!({ "format": { "N": "65535" } })),
        ("provider", json!({ "format": { "S": "new" } })),
    ] {
        let (platform, names) = used().await;
        let (pk, sk) = ("shard#007", format!("{}#{half}", names[1]));
        let whole = item(&platform, pk, &sk).await;
        let (name, value) = broken.as_object().unwrap().iter().next().unwrap();
        platform.put_item(&with(&whole, name, value.clone())).await;
        platform.settle_at("2015-05-02T00:30").await;
        platform.run_until("2015-05-02T10:30").await;
        check_others_paid(&platform, &names).await;
        assert_eq!(platform.stack.dead_letters().await.unwrap(), 0, "{sk} {broken}");

        let (unreadable, failed) = settled(&platform).await;
        let [found] = &unreadable[..] else { panic!("{unreadable:?}") };
        assert_eq!((found.pk.as_str(), &found.sk, &found.skipped), (pk, &sk, &None));
        assert!(name != "format" || found.why == NEWER, "{}", found.why);
        assert!(failed.is_empty(), "{failed:?}");
        skip(&platform, pk, &sk).await;
        let (unreadable, _) = settled(&platform).await;
        assert_eq!(unreadable[0].skipped.as_deref(), Some("written by hand"));

        // Mended, it is settled and paid: nothing was lost.
        platform.put_item(&whole).await;
        platform.run_until("2015-05-04T12:00").await;
        assert_eq!(platform.account(&names[1]).await, [0, 0, 0], "{sk} {broken}");
        assert_eq!(platform.taken(&names[1]), 10_000, "{sk} {broken}");
        platform.books_balance().await;
    }
}

#[tokio::test]
async fn provider_of_which_one_item_is_gone_is_named_and_the_others_are_settled_and_debited() {
    for (gone, left) in [("account", "provider"), ("provider", "account")] {
        let (platform, names) = used().await;
        let whole = item(&platform, "shard#007", &format!("{}#{gone}", names[1])).await;
        platform.delete_item(&whole).await;
        platform.settle_at("2015-05-02T00:30").await;
        platform.run_until("2015-05-02T10:30").await;
        check_others_paid(&platform, &names).await;
        let (unreadable, failed) = settled(&platform).await;
        assert_eq!((unreadable.len(), failed.len()), (1, 0));
        assert_eq!(unreadable[0].sk, format!("{}#{left}", names[1]));
        assert!(unreadable[0].why.contains("has no other half"), "{}", unreadable[0].why);
    }
}

#[tokio::test]
async fn plan_that_cannot_be_read_stops_the_providers_on_it_by_name_and_no_other() {
    for broken in [
        json!({ "document": { "S": "{" } }),
        json!({ "document": { "S": r#"{ "plan": "dear", "effective_from": "2015-01-01", "rates": 1 }"# } }),
        json!({ "document": { "N": "1" } }),
        json!({ "format": { "N": "99" } }),
    ] {
        let (platform, names) = used().await;
        platform.add_plan(DEAR).await;
        platform.register("dear", "dear").await;
        platform.count("dear", BASIC, "2015-05-01", 100).await;
        let whole = item(&platform, "plans", "dear#2015-01-01").await;
        let (name, value) = broken.as_object().unwrap().iter().next().unwrap();
        platform.put_item(&with(&whole, name, value.clone())).await;
        platform.settle_at("2015-05-02T00:30").await;
        platform.run_until("2015-05-02T10:30").await;
        check_others_paid(&platform, &names).await;
        assert_eq!(platform.charges(&names[1]).await.len(), 1);
        assert_eq!(platform.charges("dear").await, []);

        let settler = Machine::new(&platform, 0).settler(&platform);
        let terms = settler.terms(platform.stack.clock.now()).await.unwrap();
        let [found] = &terms.unreadable[..] else { panic!("{:?}", terms.unreadable) };
        assert_eq!((found.pk.as_str(), found.sk.as_str()), ("plans", "dear#2015-01-01"));
        let failed = settler.provider(&terms, &"dear".parse().unwrap()).await;
        let Err(SettleError::Rules {
            source: SettlementError::PlanUnreadable { plan, version, .. },
            ..
        }) = failed
        else {
            panic!("{broken}: {failed:?}")
        };
        assert_eq!((plan.as_str(), version.to_string().as_str()), ("dear", "2015-01-01"));
        skip(&platform, "plans", "dear#2015-01-01").await;
        let terms = settler.terms(platform.stack.clock.now()).await.unwrap();
        assert!(terms.unreadable[0].skipped.is_some());
        // A plan that may be in force is never passed over: the provider waits for it.
        assert!(settler.provider(&terms, &"dear".parse().unwrap()).await.is_err());

        platform.put_item(&whole).await;
        platform.run_until("2015-05-03T01:01").await;
        assert_eq!(platform.charges("dear").await, [("2015-05-01".to_owned(), 100)], "{broken}");
        platform.books_balance().await;
    }
}

/// A fen a call.
const DEAR: &str = r#"{ "plan": "dear", "effective_from": "2015-01-01", "rates": [
    { "rate": "all", "apis": ["*"], "price": { "model": "per_unit", "unit_price": "0.01" } }] }"#;

#[tokio::test]
async fn debit_that_cannot_be_read_fails_alone_and_is_skipped_off_the_index() {
    for broken in [json!({ "format": { "N": "99" } }), json!({ "phase": { "S": "smoking" } })] {
        let (platform, names) = used().await;
        platform.settle_at("2015-05-02T00:30").await;
        let (pk, sk) = (format!("provider#{}", names[1]), "debit#0000000001");
        let whole = item(&platform, &pk, sk).await;
        let (name, value) = broken.as_object().unwrap().iter().next().unwrap();
        platform.put_item(&with(&whole, name, value.clone())).await;
        platform.set("2015-05-02T10:00");
        let messages: Vec<_> = names.iter().map(message).collect();
        let answer = platform.stack.functions.debit.invoke(json!({ "Records": messages })).await;
        let failed = json!([{ "itemIdentifier": names[1] }]);
        assert_eq!(answer.unwrap()["batchItemFailures"], failed, "{broken}");
        check_others_paid(&platform, &names).await;
        let billing = &platform.stack.tables.billing;
        let read = billing.all::<steelyard_billing::Debit>(&names[1].parse().unwrap()).await;
        let Err(StoreError::Unreadable { pk: of, sk: at, .. }) = read else { panic!("{read:?}") };
        assert_eq!((of.as_str(), at.as_str()), (pk.as_str(), sk));

        assert_eq!(dispatch(&platform).await["sent"], 1, "it comes due until it is skipped");
        skip(&platform, &pk, sk).await;
        platform.set("2015-05-02T11:00");
        assert_eq!(dispatch(&platform).await, json!({ "sent": 0, "unreadable": 0 }));
        assert_eq!(platform.taken(&names[1]), 0);
        platform.put_item(&whole).await;
        platform.run_until("2015-05-02T12:00").await;
        assert_eq!(platform.account(&names[1]).await, [0, 0, 0], "mended, it is paid");
        platform.books_balance().await;
    }
}

/// A message that names the first debit of a provider.
fn message(provider: &String) -> Value {
    let body = json!({ "provider": provider, "task": { "debit": 1 } }).to_string();
    json!({ "messageId": provider, "eventSource": "aws:sqs", "body": body })
}

#[tokio::test]
async fn mandate_or_statement_that_cannot_be_read_keeps_only_its_own_provider_from_being_debited() {
    for sk in ["mandate#0000000001", "statement#2015-05-01"] {
        let (platform, names) = used().await;
        platform.settle_at("2015-05-02T00:30").await;
        let pk = format!("provider#{}", names[1]);
        let whole = item(&platform, &pk, sk).await;
        platform.put_item(&with(&whole, "format", json!({ "N": "99" }))).await;
        platform.run_until("2015-05-02T12:00").await;
        check_others_paid(&platform, &names).await;
        let account = (platform.account(&names[1]).await, platform.taken(&names[1]));
        assert_eq!(account, ([0, 10_000, 0], 0), "{sk}");
        platform.put_item(&whole).await;
        platform.run_until("2015-05-03T12:00").await;
        let account = (platform.account(&names[1]).await, platform.taken(&names[1]));
        assert_eq!(account, ([0, 0, 0], 10_000), "{sk}");
        platform.books_balance().await;
    }
}

#[tokio::test]
async fn skipping_an_item_that_is_not_there_is_refused() {
    let platform = Platform::open().await;
    let skipped = platform.stack.tables.billing.skip_item("plans", "none#2015-01-01", "why").await;
    assert!(matches!(skipped, Err(steelyard_store::CommitError::Stale)), "{skipped:?}");
    assert_eq!(platform.items("plans").await.len(), 2);
}
