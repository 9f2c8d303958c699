//! The template and the README say what the code says.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use serde_json::{Value, json};
use steelyard_cli::local::embedded::Request;
use steelyard_tests::Platform;

const TEMPLATE: &str = include_str!("../../template.yaml");
const README: &str = include_str!("../../README.md");

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

/// The names of environment variables in a text: capitals, digits and `_` up to a delimiter.
fn variables(text: &str, before: &str, after: char) -> BTreeSet<String> {
    text.lines()
        .filter_map(|line| line.trim_start().strip_prefix(before)?.split_once(after))
        .map(|(name, _)| name.to_owned())
        .filter(|name| name.contains('_'))
        .filter(|name| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
        .collect()
}

#[test]
fn readme_tells_every_variable_that_the_template_sets() {
    let set = variables(TEMPLATE, "", ':');
    let told = variables(README, "| `", '`');
    assert!(set.len() > 10, "{set:?}");
    let untold = set.difference(&told).collect::<Vec<_>>();
    assert_eq!(untold, Vec::<&String>::new(), "variables that README does not tell");
    let own = |name: &&String| !name.starts_with("AWS_");
    let unset = told.difference(&set).filter(own).collect::<Vec<_>>();
    assert_eq!(unset, Vec::<&String>::new(), "variables that the template does not set");
}
