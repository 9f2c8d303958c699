//! The template and the README say what the code says.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use steelyard_cli::local::embedded::Request;
use steelyard_runtime::Environment;
use steelyard_tests::Platform;

const TEMPLATE: &str = include_str!("../../../template.yaml");
const README: &str = include_str!("../../../README.md");

/// A table as the store makes it.
async fn described(platform: &Platform, table: &str) -> Value {
    let asked = json!({ "TableName": table }).to_string();
    let answer = platform
        .stack
        .embedded
        .handle(Request::new("DynamoDB_20120810.DescribeTable", asked))
        .await;
    serde_json::from_slice::<Value>(&answer.body).unwrap()["Table"].clone()
}

#[tokio::test]
async fn template_makes_the_tables_that_the_store_makes() {
    let platform = Platform::open().await;
    for table in ["steelyard-usage", "steelyard-billing"] {
        let table = described(&platform, table).await;
        for attribute in table["AttributeDefinitions"].as_array().unwrap() {
            let name = attribute["AttributeName"].as_str().unwrap();
            let kind = attribute["AttributeType"].as_str().unwrap();
            let written = format!("AttributeName: {name}, AttributeType: {kind}");
            assert!(TEMPLATE.contains(&written), "{written}");
        }
        for index in table["GlobalSecondaryIndexes"].as_array().into_iter().flatten() {
            let name = index["IndexName"].as_str().unwrap();
            assert!(TEMPLATE.contains(&format!("IndexName: {name}")), "{name}");
        }
    }
}

/// The part of the template that describes a function, up to the next resource.
fn section(function: &str) -> &'static str {
    let name = format!("\n  {}{}Function:\n", function[..1].to_uppercase(), &function[1..]);
    let start = TEMPLATE.find(&name).unwrap() + name.len();
    let rest = &TEMPLATE[start..];
    let is_next = |(at, _): &(usize, &str)| !rest[at + 3..].starts_with(' ');
    rest.match_indices("\n  ").find(is_next).map_or(rest, |(end, _)| &rest[..end])
}

/// The variables that the template sets for a function.
fn set(function: &str) -> BTreeSet<String> {
    let lines = section(function).lines().filter_map(|line| line.strip_prefix("          "));
    lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, _)| name.to_owned())
        .filter(|name| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
        .collect()
}

/// The variables that README's table tells of a function, besides Lambda's own.
fn told(function: &str) -> BTreeSet<String> {
    let rows = README.lines().filter_map(|line| line.strip_prefix("| `"));
    let rows = rows.filter_map(|row| row.split_once("` | "));
    rows.filter(|(name, _)| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
        .filter(|(_, rest)| {
            rest.split(" |").next().unwrap().split(", ").any(|told| told == function)
        })
        .map(|(name, _)| name.to_owned())
        .collect()
}

#[test]
fn template_sets_for_each_function_the_variables_that_readme_tells() {
    for function in [
        "ingest",
        "settle",
        "dispatch",
        "debit",
        "offers",
        "portal",
        "actions",
        "notify",
        "reconcile",
        "quote",
    ] {
        assert!(set(function).len() > 1, "{function}");
        assert_eq!(set(function), told(function), "{function}");
    }
}

#[test]
fn variables_of_the_template_are_enough_to_read_the_rules() {
    for function in
        ["settle", "debit", "offers", "portal", "actions", "notify", "reconcile", "quote"]
    {
        let values = [
            ("TIME_ZONE", "UTC"),
            ("MONTH_CLOSE_DAY", "5"),
            ("USAGE_RETENTION_DAYS", "400"),
            ("DEBIT_TIME", "10:00"),
            ("DEBIT_WINDOW_MINUTES", "60"),
            ("DEBIT_MINIMUM_FEN", "1"),
            ("ADJUSTMENTS_NEED_APPROVAL", "true"),
            ("API_NAMES_MAX", "2000"),
        ];
        let is_set =
            |name: &str| if set(function).contains(name) { "" } else { "UNSET_" }.to_owned() + name;
        let values = values.map(|(name, value)| (is_set(name), value));
        let values = values.each_ref().map(|(name, value)| (name.as_str(), *value));
        Environment::from(values).debit_rules().unwrap();
    }
}

/// The sources of everything that logs.
const LOGGING: [&str; 9] = [
    include_str!("../../../functions/settle/src/lib.rs"),
    include_str!("../../../functions/debit/src/breaker.rs"),
    include_str!("../../../functions/debit/src/debit.rs"),
    include_str!("../../../functions/debit/src/mandate.rs"),
    include_str!("../../../functions/debit/src/recharge.rs"),
    include_str!("../../../functions/debit/src/refund.rs"),
    include_str!("../../../functions/notify/src/lib.rs"),
    include_str!("../../../functions/reconcile/src/reconciler.rs"),
    include_str!("../../../shared/runtime/src/unreadable.rs"),
];

/// The fields that metrics are made of, by the template.
fn measured() -> BTreeSet<&'static str> {
    let patterns = TEMPLATE.split("FilterPattern: '{ $.").skip(1);
    patterns.map(|rest| rest.split(' ').next().unwrap()).collect()
}

#[test]
fn fields_that_metrics_are_made_of_are_logged() {
    assert!(measured().len() > 15, "{:?}", measured());
    for field in measured() {
        let is_logged = LOGGING.iter().any(|source| {
            source.contains(&format!(" {field} = "))
                || source.contains(&format!(" {field},"))
                || source.contains(&format!("({field},"))
        });
        assert!(is_logged, "{field}");
    }
}

#[test]
fn fields_that_are_logged_for_a_metric_are_made_one_by_the_template() {
    let mut fields = BTreeSet::new();
    for source in LOGGING {
        for rest in source.split("// The template makes a metric of it.").skip(1) {
            // The first field that is given a value, or the first field.
            let logged = rest.split(';').next().unwrap();
            let field = match logged.split_once(" = ") {
                Some((before, _)) => before.rsplit([' ', '(']).next(),
                None => logged.split(['(', ',']).nth(1),
            };
            fields.insert(field.unwrap());
        }
    }
    assert!(fields.len() > 10, "{fields:?}");
    let measured = measured();
    let missing: Vec<_> = fields.iter().filter(|field| !measured.contains(**field)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
