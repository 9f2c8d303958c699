//! Rules for counters, as documents.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use expect_test::{Expect, expect, expect_file};
use serde_json::{Value, json};
use steelyard_import::{CounterRule, SeriesRule};
use steelyard_pricing::schema_of;

const KONG: &str = include_str!("../../../rules/counters.json");

fn check_faults(document: &Value, said: &Expect) {
    said.assert_eq(&SeriesRule::read(&document.to_string()).unwrap_err().to_string());
}

#[test]
fn a_rule_for_counters_names_all_that_is_wrong_with_it() {
    check_faults(&json!({}), &expect!["rule: is missing, and must be given"]);
    check_faults(
        &json!({ "rule": "r", "metric": "c", "provider": "p", "api": "a", "code": "2xx" }),
        &expect![
            "code: is not a field here; the fields are rule, metric, provider, callers, provider_prefix, api, api_name, api_prefix, only, status, methods, from_zero"
        ],
    );
    check_faults(
        &json!({ "rule": "r", "metric": "c", "provider": "p", "status": { "label": "c", "bills": "ok" } }),
        &expect![
            "status.bills: `ok` is neither a status such as 404 nor a class such as 2xx; or give `all`"
        ],
    );
    check_faults(
        &json!({
            "rule": "r", "metric": "1c", "provider": "p:q", "callers": { "": "shop" }, "provider_prefix": "#",
            "api": "a", "api_name": "b", "api_prefix": "*", "only": { "c": [], "": ["x"] },
            "status": { "label": "", "bills": "2xx" }, "methods": { "label": "商", "bills": "GET" },
        }),
        &expect![
            "metric: `1c` is not the name of a metric: letters, digits, `_` and `:`, no digit first; provider: `p:q` is not the name of a label: letters, digits and `_`, no digit first; status.label: `` is not the name of a label: letters, digits and `_`, no digit first; methods.label: `商` is not the name of a label: letters, digits and `_`, no digit first; only: `` is not the name of a label: letters, digits and `_`, no digit first; only: label `c` has no values; api: give either api or api_name; api_prefix: goes with api, not with api_name; callers: there is no caller; provider_prefix: give either callers or provider_prefix; provider_prefix: an id may not hold '#'; api_prefix: an API name may not hold '*'"
        ],
    );
    check_faults(
        &json!({ "rule": "r", "metric": "c", "provider": "p" }),
        &expect!["api: give either api or api_name"],
    );
    let large = json!({ "rule": "r", "metric": "x".repeat(300_000) });
    check_faults(&large, &expect!["the rule has 300024 bytes; 300000 are the most"]);
}

#[test]
fn a_rule_for_counters_is_written_as_it_was_read() {
    let other = r#"{ "rule": "r", "metric": "a:b", "provider": "p", "provider_prefix": "x-", "api_name": "n",
        "only": { "code": ["200", "201"] }, "methods": { "label": "m", "bills": "not:HEAD" }, "from_zero": true }"#;
    for text in [KONG, other] {
        let document = CounterRule::read(text).unwrap();
        SeriesRule::try_from(&document).unwrap();
        let written = serde_json::to_value(&document).unwrap();
        assert_eq!(written, serde_json::from_str::<Value>(text).unwrap());
    }
}

#[test]
fn the_published_schema_is_that_of_the_type_and_accepts_the_rule_that_ships() {
    let schema = schema_of::<CounterRule>();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules/counters.schema.json");
    expect_file![path].assert_eq(&format!("{schema:#}\n"));
    let validator = jsonschema::validator_for(&schema).unwrap();
    assert!(validator.is_valid(&serde_json::from_str(KONG).unwrap()));
    for other in [
        json!({}),
        json!({ "rule": "r", "metric": "c", "provider": "p", "api": "a", "x": 1 }),
        json!({ "rule": "r", "metric": "c", "provider": "p", "api": "a", "status": { "label": "c" } }),
    ] {
        assert!(!validator.is_valid(&other), "{other}");
    }
}
