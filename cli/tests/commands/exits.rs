//! How commands end, and what programs read of them, as `steelyard help` says.

use jiff::Timestamp;
use serde_json::{Map, Value};
use steelyard_pricing::Fen;

use crate::platform::Platform;
use crate::tables::{PLAN, PROVIDER, platform};
use crate::tool::{Folder, Ran};

/// Commands on the platform of the tables, in this order, and the codes with which they end.
const DONE: &[(&str, i32)] = &[
    ("demo", 0),
    ("plan schema", 0),
    ("plan check plan.json", 0),
    ("plan add later.json", 0),
    ("plan show jushita-2014", 0),
    ("price --plan plan.json --usage usage.json", 0),
    ("provider add new --plan jushita-2014 --billed-from 2015-05", 0),
    ("provider assign new --plan jushita-2014 --from 2015-05-20", 0),
    ("provider list", 0),
    ("provider show {}", 0),
    ("provider override list {}", 0),
    ("provider override end {} spring-goodwill --on 2015-05-21", 0),
    ("statement {}", 0),
    ("statement {} 2015-05-01 --explain", 0),
    ("account show {}", 0),
    ("account recharge new 1.00 --reference transfer", 0),
    ("debits list", 0),
    ("debits show {} 2", 0),
    ("debits resolve {} 2 --ask --reason looked-into", 0),
    ("debits resolve --all-held --ask --reason looked-into", 0),
    ("mandates list", 0),
    ("mandates adopt new --agreement 20156 --single-limit 5.00", 0),
    ("mandates end new 1 --reason asked", 0),
    ("breaker show", 0),
    ("breaker stop --reason maintenance", 0),
    ("breaker show", 3),
    ("breaker resume --reason done", 0),
    ("reconcile --day 2015-05-01", 0),
    ("reconcile", 3),
    ("reconcile findings", 3),
    ("reconcile close UNKNOWN20150502 --reason looked-into", 0),
    ("reconcile findings", 0),
    ("reconcile skip 2015-04-29 --reason lost", 0),
    ("import good.jsonl", 0),
    ("import bad.jsonl", 3),
    ("settle", 0),
    ("settle --provider {}", 0),
    ("usage show {}", 0),
    ("usage show {} --group-by rate", 0),
    ("runs", 0),
    ("runs show", 0),
    ("runs show 1", 0),
    ("runs disregard 1 --reason clock", 0),
    // A plan cannot be read, until it is skipped.
    ("audit", 3),
    ("plan list", 3),
    ("plan simulate --plan plan.json --from 2015-05-01 --to 2015-05-31", 3),
    ("items unreadable", 3),
    ("items skip plans other#2015-05-01 --reason looked-into", 0),
    ("items unreadable", 0),
    ("plan list", 0),
    ("plan simulate --plan plan.json --from 2015-05-01 --to 2015-05-31", 0),
];

/// Command lines that fail.
const FAILED: &[&str] = &[
    "plan check none.json",
    "plan add bad.jsonl",
    "plan show none",
    "plan simulate --plan plan.json --from 2015-05-02 --to 2015-05-01",
    "price --plan plan.json --usage none.json",
    "provider add other --plan none",
    "provider assign nobody --plan jushita-2014 --from 2015-06-01",
    "provider show nobody",
    "provider override list nobody",
    "provider override end {} none --on 2015-06-01",
    "statement nobody",
    "statement {} 2015-04-01",
    "account show nobody",
    "account recharge nobody 1.00 --reference other",
    "debits show {} 9",
    "debits resolve {} 1 --ask --reason looked-into",
    "mandates adopt nobody --agreement 20157 --single-limit 5.00",
    "mandates end {} 9 --reason asked",
    "mandates resume {} 9",
    "refund {} 1.00 --trade X1 --request F1 --reason asked",
    "reconcile --day 2015-04-01",
    "reconcile close none --reason looked-into",
    "items skip plans none --reason looked-into",
    "import none.log",
    "settle --provider nobody",
    "runs show 99",
    "usage show nobody",
    "usage show {} --from 2015-05-02 --to 2015-05-01",
    "runs disregard 99 --reason clock",
    "audit --provider nobody",
    "audit --now 2015-05-03T12:00:01",
];

/// Command lines that are wrong.
const WRONG: &[&str] = &[
    "",
    "none",
    "statement",
    "settle --none",
    "runs --limit 0",
    "debits resolve {} 1 --reason x",
    "debits list --state none",
    "breaker stop",
    "account recharge {} much --reference r",
];

async fn ready(name: &str) -> Platform {
    let platform = platform(name).await;
    let later = PLAN.replace("2015-05-01", "2015-06-01");
    for (file, text) in [
        ("later.json", later.as_str()),
        ("usage.json", r#"{ "taobao.trades.sold.detail": 620000 }"#),
        (
            "good.jsonl",
            r#"{ "provider": "new", "api": "taobao.a", "day": "2015-05-03", "count": 5 }"#,
        ),
        ("bad.jsonl", "nothing\n"),
    ] {
        platform.folder.write(file, text);
    }
    let funds = Fen::new(1_000);
    platform.stack.alipay.register_agreement("20156", "payer", funds).unwrap();
    platform
}

async fn run(platform: &Platform, line: &str, options: &str) -> Ran {
    platform.run(&format!("{} {options}", line.replace("{}", PROVIDER))).await
}

/// The members of JSON errors, a line each.
fn errors(err: &str) -> Vec<Map<String, Value>> {
    err.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

/// Checks that every instant is a number, in a member whose name ends in `_s`.
fn check_instants(line: &str, value: &Value) {
    match value {
        Value::Object(members) => members.values().for_each(|member| check_instants(line, member)),
        Value::Array(items) => items.iter().for_each(|item| check_instants(line, item)),
        Value::String(text) => assert!(text.parse::<Timestamp>().is_err(), "{line}: {text}"),
        Value::Null | Value::Bool(_) | Value::Number(_) => (),
    }
}

#[tokio::test]
async fn command_ends_with_the_code_that_help_names_and_prints_json_where_it_is_asked_for() {
    let (texts, documents) = (ready("exits-text").await, ready("exits-json").await);
    for (line, code) in DONE {
        let ran = run(&texts, line, "--log off").await;
        assert_eq!(ran.code, *code, "{line}: {ran:?}");
        let ran = run(&documents, line, "--log off --json").await;
        assert_eq!(ran.code, *code, "{line} --json: {ran:?}");
        check_instants(line, &serde_json::from_str(&ran.out).expect(line));
        for error in errors(&ran.err) {
            assert!(
                error["error"].as_str().unwrap().contains("cannot be read"),
                "{line}: {error:?}"
            );
        }
    }
}

#[tokio::test]
async fn error_is_one_line_of_json_where_json_is_asked_for() {
    let platform = ready("exits-failed").await;
    platform.does("items skip plans other#2015-05-01 --reason looked-into").await;
    for line in FAILED {
        let ran = run(&platform, line, "--log off").await;
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{line}: {ran:?}");
        assert!(ran.err.contains("error: "), "{line}: {}", ran.err);
        let ran = run(&platform, line, "--log off --json").await;
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{line} --json: {ran:?}");
        let errors = errors(&ran.err);
        let last = errors.last().expect(line);
        assert!(last["error"].is_string() && last["causes"].is_array(), "{line}: {errors:?}");
    }
}

#[test]
fn wrong_command_line_is_told_apart_and_told_as_json() {
    let folder = Folder::new("exits-wrong");
    for line in WRONG {
        let line = line.replace("{}", PROVIDER);
        let ran = folder.run(&line);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{line}: {ran:?}");
        let ran = folder.run(&format!("{line} --json"));
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{line} --json: {ran:?}");
        assert_eq!(errors(&ran.err).len(), 1, "{line}: {}", ran.err);
    }
    for line in ["help", "--help", "--version", "settle --json --help"] {
        folder.run(line).done();
    }
}
