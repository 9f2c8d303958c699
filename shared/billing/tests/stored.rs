//! What is stored is read as it was written, and takes no room for what it does not say.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::fmt::Debug;

use common::{at, mandate, provider, rules};
use expect_test::expect;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use steelyard_billing::{
    Account, Cause, ChangedDay, DebitId, DepositMovement, DrawReason, Entry, EntryRecord,
    LastRequest, Ledger, OutRequestNo, OutTradeNo, Posting, Provider, RechargeId, Reference,
    RefundRef, Statement, StatementId, UsageRead, Withheld, next_settlement,
};
use steelyard_pricing::{Catalog, Fen, Metered, Plan};

/// Five rates, three by the call and two by tiers.
const PLAN: &str = r#"{"plan": "p", "effective_from": "2015-05-01", "rates": [
    {"rate": "basic", "apis": ["taobao.trades.sold.get"], "free_per_month": 500000,
     "price": {"model": "per_unit", "unit_price": "0.0001"}},
    {"rate": "value-added", "apis": ["taobao.item.update"], "free_per_month": 100000,
     "price": {"model": "per_unit", "unit_price": "0.0003"}},
    {"rate": "search", "apis": ["taobao.items.search"],
     "price": {"model": "per_unit", "unit_price": "0.001"}},
    {"rate": "logistics", "apis": ["taobao.logistics.trace"], "free_per_month": 10000,
     "price": {"model": "graduated", "tiers": [
        {"up_to": 100000, "unit_price": "0.0005"}, {"unit_price": "0.0002"}]}},
    {"rate": "refunds", "apis": ["taobao.refunds.receive"],
     "price": {"model": "graduated", "tiers": [
        {"up_to": 50000, "unit_price": "0.002"}, {"unit_price": "0.001"}]}}]}"#;

const APIS: [&str; 5] = [
    "taobao.trades.sold.get",
    "taobao.item.update",
    "taobao.items.search",
    "taobao.logistics.trace",
    "taobao.refunds.receive",
];

fn add(usage: &mut UsageRead, on: &str, api: &str, metered: Value) {
    let metered: Metered = serde_json::from_value(metered).unwrap();
    let count = usage.days.entry(on.parse().unwrap()).or_default();
    count.usage.add(api.parse().unwrap(), metered).unwrap();
}

/// Settles what was counted on some days, and gives the statements with the account after them.
fn settled(provider: &Provider, plan: &str, usage: &UsageRead) -> (Vec<Statement>, Account) {
    let plans: Catalog = [serde_json::from_str::<Plan>(plan).unwrap()].into_iter().collect();
    let mut account = Account::new(provider);
    let mut statements = Vec::new();
    let now = at("2015-06-01 00:30");
    while let Some(next) =
        next_settlement(provider, &account, usage, &plans, &rules(), now).unwrap()
    {
        statements.push(next.statement);
        account = next.movement.account;
    }
    (statements, account)
}

/// Two days with each API, settled.
fn of_five_lines() -> (Vec<Statement>, Account) {
    let mut days = UsageRead::default();
    for on in ["2015-05-16", "2015-05-17"] {
        for api in APIS {
            add(&mut days, on, api, 345_678.into());
        }
    }
    settled(&provider(), PLAN, &days)
}

/// The only place of this test that writes and reads.
fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(stored: &T) -> String {
    let text = serde_json::to_string(stored).unwrap();
    assert_eq!(serde_json::from_str::<T>(&text).unwrap(), *stored, "as a text");
    let value = serde_json::to_value(stored).unwrap();
    assert_eq!(serde_json::from_value::<T>(value).unwrap(), *stored, "as a value");
    text
}

#[test]
fn a_statement_of_everything_is_read_as_it_was_stored() {
    let plan = r#"{"plan": "p", "effective_from": "2015-05-01", "free_per_month": 31,
        "minimum": "100", "maximum": "150",
        "discounts": [{"discount": "loyal", "percent": "12.5"}], "rates": [
        {"rate": "basic", "apis": ["t.*"], "free_per_day": 10, "maximum": "1",
         "price": {"model": "package", "size": 7, "price": "0.25"}},
        {"rate": "tiers", "apis": ["vas.*"],
         "price": {"model": "block", "tiers": [
            {"size": 10, "blocks": 2, "price": "0.3"}, {"size": 100, "price": "0.77"}]}},
        {"rate": "sales", "apis": ["sale.*"],
         "price": {"model": "percentage", "percent": "0.6", "fee_per_call": "0.05"}}]}"#;
    let mut provider = Provider { mandate: None, ..provider() };
    let over = r#"{"override": "friend", "from": "2015-05-17", "until": "2015-05-31",
        "rate": "tiers", "free_on_top": 5, "discount_percent": "10",
        "price": {"model": "volume", "tiers": [
            {"up_to": 100, "unit_price": "0.10"}, {"unit_price": "0.01", "flat_fee": "2"}]}}"#;
    provider.overrides.push(serde_json::from_str(over).unwrap());
    let mut days = UsageRead::default();
    for on in ["2015-05-16", "2015-05-17", "2015-05-31"] {
        add(&mut days, on, "t.a", 500.into());
        add(&mut days, on, "vas.a", 150.into());
        add(&mut days, on, "nobody.knows", 1.into());
        let sales = json!({"calls": 3, "amount": "1020.5"});
        add(&mut days, on, "sale.pay", sales);
    }
    let (statements, account) = settled(&provider, plan, &days);
    for statement in &statements {
        check(statement);
    }
    check(&account);
    check(&provider);
    let last = statements.last().unwrap();
    assert_eq!((statements.len(), last.segments.len()), (3, 3), "all of it was there");
    assert!(!last.unpriced.is_empty() && last.lines.iter().any(|line| line.rate.is_none()));
}

#[test]
fn a_late_statement_and_a_supplement_are_read_as_they_were_stored() {
    let (statements, _) = of_five_lines();
    let mut late = statements[1].clone();
    late.statement = StatementId { supplement: 2, ..late.statement };
    late.lines[0].because = steelyard_pricing::LineCause::Late;
    late.lines[1].because = steelyard_pricing::LineCause::Terms;
    late.lines[2].because = steelyard_pricing::LineCause::Void;
    late.changed_days = vec![ChangedDay {
        day: "2015-05-16".parse().unwrap(),
        late: late.lines[0].apis.clone(),
        void: late.lines[2].apis.clone(),
        reports: 3,
    }];
    check(&late);
}

#[test]
fn a_new_account_and_a_provider_without_more_say_nothing_more() {
    let provider = Provider { mandate: None, ..provider() };
    expect![[
        r#"{"provider":"shop","billed_from":"2015-05","plans":[{"from":"2015-05-01","plan":"p"}]}"#
    ]]
    .assert_eq(&check(&provider));
    expect![[r#"{"provider":"shop","version":0,"entries":0,"figures":{"prepaid_fen":0,"receivable_fen":0,"reserved_fen":0},"given_up_fen":0,"open_from":"2015-05","months":{}}"#]].assert_eq(&check(&Account::new(&provider)));
    let signed = Provider { mandate: Some(mandate()), ..provider };
    expect![[r#"{"provider":"shop","billed_from":"2015-05","plans":[{"from":"2015-05-01","plan":"p"}],"mandate":{"mandate":1,"agreement_no":"20155245550001","limit_fen":10000}}"#]].assert_eq(&check(&signed));
}

#[test]
fn a_statement_of_five_lines_is_small_and_holds_no_defaults() {
    let (statements, _) = of_five_lines();
    let text = check(&statements[1]);
    let left_out = [
        "because",
        "plan_free_used",
        "days",
        "discounts",
        "limit",
        "per",
        "flat_fee",
        "overrides",
        "unpriced",
        "changed_days",
    ];
    for field in left_out {
        assert!(!text.contains(&format!("\"{field}\"")), "{field} in {text}");
    }
    for default in ["null", "[]", "{}"] {
        assert!(!text.contains(default), "{default} in {text}");
    }
    assert_eq!(statements[1].lines.len(), 5);
    assert!(text.len() <= 2_700, "{} bytes: {text}", text.len());
}

#[test]
fn an_account_says_what_its_debits_took_and_how_the_last_was_given_up() {
    let used = Account {
        version: 12,
        entries: 9,
        open_debit: Some(DebitId(4)),
        withheld: Some(Withheld { on: "2015-05-17".parse().unwrap(), taken_fen: Fen::new(1_234) }),
        last_request: Some(LastRequest { entries: 8, mandate: Some(mandate()) }),
        debits: 4,
        recharges: 2,
        mandates: 1,
        ..Account::new(&provider())
    };
    expect![[r#"{"provider":"shop","version":12,"entries":9,"figures":{"prepaid_fen":0,"receivable_fen":0,"reserved_fen":0},"open_debit":4,"withheld":{"on":"2015-05-17","taken_fen":1234},"last_request":{"entries":8,"mandate":{"mandate":1,"agreement_no":"20155245550001","limit_fen":10000}},"debits":4,"recharges":2,"mandates":1,"given_up_fen":0,"open_from":"2015-05","months":{}}"#]].assert_eq(&check(&used));
    let without_mandate =
        Account { last_request: Some(LastRequest { entries: 8, mandate: None }), ..used };
    assert!(check(&without_mandate).contains(r#""last_request":{"entries":8}"#));
}

/// An account in which every attribute that holds records has some.
fn full_account() -> Value {
    let (_, account) = of_five_lines();
    let mut account = serde_json::to_value(account).unwrap();
    let more = json!({
        "figures": { "prepaid_fen": 0, "receivable_fen": 900, "reserved_fen": 0, "deposit_fen": 500 },
        "withheld": { "on": "2015-05-17", "taken_fen": 1_234 },
        "last_request": { "entries": 1, "mandate": serde_json::to_value(mandate()).unwrap() },
        "unpaid": {
            "since_s": 1_431_880_200, "charges": [{ "charged_at_s": 1_431_880_200, "amount_fen": 900 }],
        },
        "given_up_fen": 900,
        "deposit": {
            "demands": [{
                "from": "2015-05-01", "amount_fen": 500, "announced_on": "2015-05-01",
                "due_on": "2015-05-11",
            }],
            "top_up": { "drawn_fen": 100, "due_on": "2015-05-11" },
            "top_up_after_days": 5,
        },
        "alerts": {
            "alerts": [{
                "kind": "cap", "percent": [100], "line": { "fen": 500 }, "figure": { "fen": 900 },
                "day": "2015-05-17", "at_s": 1_431_880_200,
            }],
            "month_before": { "month": "2015-04", "charged_fen": 700 },
        },
    });
    account.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    account
}

/// The paths of the records inside of the attributes of a value, as JSON pointers.
fn records(at: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            found.push(at.to_owned());
            fields.iter().for_each(|(name, value)| records(&format!("{at}/{name}"), value, found));
        }
        Value::Array(all) => {
            let all = all.iter().enumerate();
            all.for_each(|(index, value)| records(&format!("{at}/{index}"), value, found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn money_inside_of_an_attribute_that_is_not_known_is_refused_and_not_dropped() {
    let whole = full_account();
    check(&serde_json::from_value::<Account>(whole.clone()).unwrap());
    let mut paths = Vec::new();
    records("", &whole, &mut paths);
    // Attributes stay as they are. What is rated has its own rules, and no field of money alone.
    paths.retain(|path| !path.is_empty() && !path.starts_with("/months/2015-05/segments"));
    let kept = paths.into_iter().filter(|path| {
        let mut newer = whole.clone();
        newer.pointer_mut(path).unwrap()["escrow_fen"] = json!(7_700);
        serde_json::from_value::<Account>(newer).is_ok()
    });
    assert_eq!(kept.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn an_account_that_does_not_note_what_debits_gave_up_is_read_as_one_of_which_it_is_not_known() {
    let mut older = full_account();
    older.as_object_mut().unwrap().remove("given_up_fen");
    let account: Account = serde_json::from_value(older).unwrap();
    assert_eq!(account.given_up_fen, None);
    assert!(
        !check(&account).contains("given_up_fen"),
        "what is not known is not stored as nothing"
    );
}

fn every_cause() -> Vec<Cause> {
    let (debit, trade_no) = (DebitId(4), "T".to_owned());
    let number = RefundRef {
        out_trade_no: OutTradeNo::parse("SYk3x9ab_8d9001d32c6a703d_R3").unwrap(),
        out_request_no: OutRequestNo::parse("F1").unwrap(),
    };
    vec![
        Cause::Charged { statement: "2015-05-31+1".parse().unwrap() },
        Cause::DebitSent { debit },
        Cause::DebitPaid { debit, trade_no: trade_no.clone() },
        Cause::DebitGivenUp { debit },
        Cause::Recharged { reference: Reference::new("transfer 1").unwrap() },
        Cause::RechargePaid { recharge: RechargeId(3), trade_no: trade_no.clone() },
        Cause::DebitFound { debit, attempt: 1, trade_no },
        Cause::RefundAsked(number.clone()),
        Cause::RefundDone(number.clone()),
        Cause::RefundRefused(number.clone()),
        Cause::Reversed(number.clone()),
        Cause::Deposit(DepositMovement::Paid { recharge: RechargeId(3), trade_no: "T".to_owned() }),
        Cause::Deposit(DepositMovement::Transferred {
            reference: Reference::new("transfer 1").unwrap(),
        }),
        Cause::Deposit(DepositMovement::Drawn { because: DrawReason::GivenUp }),
        Cause::Deposit(DepositMovement::ReturnAsked(number.clone())),
        Cause::Deposit(DepositMovement::Returned(number.clone())),
        Cause::Deposit(DepositMovement::ReturnRefused(number.clone())),
        Cause::Deposit(DepositMovement::SentBack {
            reference: Reference::new("transfer 2").unwrap(),
        }),
        Cause::Deposit(DepositMovement::Reversed(number)),
    ]
}

#[test]
fn an_entry_of_every_cause_is_read_as_it_was_stored() {
    let entries = every_cause().into_iter().map(|cause| {
        let posting = |ledger, fen| Posting { ledger, amount_fen: Fen::new(fen) };
        let record = EntryRecord {
            provider: provider().provider,
            number: 9,
            recorded_at_s: at("2015-05-18 00:30"),
            cause,
            postings: vec![posting(Ledger::Receivable, -700), posting(Ledger::Reserved, 700)],
        };
        check(&Entry::try_from(record).unwrap())
    });
    expect![[r#"
        {"provider":"shop","number":9,"recorded_at_s":1431880200,"cause":"charged","statement":"2015-05-31+1","postings":[{"ledger":"receivable","amount_fen":-700},{"ledger":"reserved","amount_fen":700}]}
        {"provider":"shop","number":9,"recorded_at_s":1431880200,"cause":"debit_sent","debit":4,"postings":[{"ledger":"receivable","amount_fen":-700},{"ledger":"reserved","amount_fen":700}]}
        {"provider":"shop","number":9,"recorded_at_s":1431880200,"cause":"debit_paid","debit":4,"trade_no":"T","postings":[{"ledger":"receivable","amount_fen":-700},{"ledger":"reserved","amount_fen":700}]}
        {"provider":"shop","number":9,"recorded_at_s":1431880200,"cause":"debit_given_up","debit":4,"postings":[{"ledger":"receivable","amount_fen":-700},{"ledger":"reserved","amount_fen":700}]}
        {"provider":"shop","number":9,"recorded_at_s":1431880200,"cause":"recharged","reference":"transfer 1","postings":[{"ledger":"receivable","amount_fen":-700},{"ledger":"reserved","amount_fen":700}]}
        {"provider":"shop","number":9,"recorded_at_s":1431880200,"cause":"recharge_paid","recharge":3,"trade_no":"T","postings":[{"ledger":"receivable","amount_fen":-700},{"ledger":"reserved","amount_fen":700}]}
        {"provider":"shop","number":9,"recorded_at_s":1431880200,"cause":"debit_found","debit":4,"attempt":1,"trade_no":"T","postings":[{"ledger":"receivable","amount_fen":-700},{"ledger":"reserved","amount_fen":700}]}
        {"provider":"shop","number":9,"recorded_at_s":1431880200,"cause":"refund_asked","out_trade_no":"SYk3x9ab_8d9001d32c6a703d_R3","out_request_no":"F1","postings":[{"ledger":"receivable","amount_fen":-700},{"ledger":"reserved","amount_fen":700}]}
        {"provider":"shop","number":9,"recorded_at_s":1431880200,"cause":"refund_done","out_trade_no":"SYk3x9ab_8d9001d32c6a703d_R3","out_request_no":"F1","postings":[{"ledger":"receivable","amount_fen":-700},{"ledger":"reserved","amount_fen":700}]}
        {"provider":"shop","number":9,"recorded_at_s":1431880200,"cause":"refund_refused","out_trade_no":"SYk3x9ab_8d9001d32c6a703d_R3","out_request_no":"F1","postings":[{"ledger":"receivable","amount_fen":-700},{"ledger":"reserved","amount_fen":700}]}
        {"provider":"shop","number":9,"recorded_at_s":1431880200,"cause":"reversed","out_trade_no":"SYk3x9ab_8d9001d32c6a703d_R3","out_request_no":"F1","postings":[{"ledger":"receivable","amount_fen":-700},{"ledger":"reserved","amount_fen":700}]}
        {"provider":"shop","number":9,"recorded_at_s":1431880200,"cause":"deposit","movement":"paid","recharge":3,"trade_no":"T","postings":[{"ledger":"receivable","amount_fen":-700},{"ledger":"reserved","amount_fen":700}]}
        {"provider":"shop","number":9,"recorded_at_s":1431880200,"cause":"deposit","movement":"transferred","reference":"transfer 1","postings":[{"ledger":"receivable","amount_fen":-700},{"ledger":"reserved","amount_fen":700}]}
        {"provider":"shop","number":9,"recorded_at_s":1431880200,"cause":"deposit","movement":"drawn","because":"given_up","postings":[{"ledger":"receivable","amount_fen":-700},{"ledger":"reserved","amount_fen":700}]}
        {"provider":"shop","number":9,"recorded_at_s":1431880200,"cause":"deposit","movement":"return_asked","out_trade_no":"SYk3x9ab_8d9001d32c6a703d_R3","out_request_no":"F1","postings":[{"ledger":"receivable","amount_fen":-700},{"ledger":"reserved","amount_fen":700}]}
        {"provider":"shop","number":9,"recorded_at_s":1431880200,"cause":"deposit","movement":"returned","out_trade_no":"SYk3x9ab_8d9001d32c6a703d_R3","out_request_no":"F1","postings":[{"ledger":"receivable","amount_fen":-700},{"ledger":"reserved","amount_fen":700}]}
        {"provider":"shop","number":9,"recorded_at_s":1431880200,"cause":"deposit","movement":"return_refused","out_trade_no":"SYk3x9ab_8d9001d32c6a703d_R3","out_request_no":"F1","postings":[{"ledger":"receivable","amount_fen":-700},{"ledger":"reserved","amount_fen":700}]}
        {"provider":"shop","number":9,"recorded_at_s":1431880200,"cause":"deposit","movement":"sent_back","reference":"transfer 2","postings":[{"ledger":"receivable","amount_fen":-700},{"ledger":"reserved","amount_fen":700}]}
        {"provider":"shop","number":9,"recorded_at_s":1431880200,"cause":"deposit","movement":"reversed","out_trade_no":"SYk3x9ab_8d9001d32c6a703d_R3","out_request_no":"F1","postings":[{"ledger":"receivable","amount_fen":-700},{"ledger":"reserved","amount_fen":700}]}"#]].assert_eq(&entries.collect::<Vec<_>>().join("\n"));
}
