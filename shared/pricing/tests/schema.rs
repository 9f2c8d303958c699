//! The JSON Schemas of plans and overrides are published as files, and agree with what is read.
//!
//! `UPDATE_EXPECT=1 cargo test -p steelyard-pricing --test schema` writes the files anew.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use expect_test::expect_file;
use proptest::prelude::*;
use serde_json::{Value, json};
use steelyard_pricing::{Override, Plan, override_schema, plan_schema};

mod documents;

use documents::{ACCEPTED, ACCEPTED_OVERRIDES, FORM, FORM_OVERRIDES, over, plan};

fn plans() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plans")
}

fn pretty(schema: &Value) -> String {
    format!("{schema:#}\n")
}

/// What the schema finds wrong, as `path: text` lines.
fn wrong(schema: &Value, document: &Value) -> Vec<String> {
    let validator = jsonschema::options().should_validate_formats(true).build(schema).unwrap();
    let line =
        |error: jsonschema::ValidationError<'_>| format!("{}: {error}", error.instance_path());
    validator.iter_errors(document).map(line).collect()
}

#[test]
fn the_published_files_are_what_the_types_give() {
    expect_file![plans().join("plan.schema.json")].assert_eq(&pretty(&plan_schema()));
    expect_file![plans().join("override.schema.json")].assert_eq(&pretty(&override_schema()));
}

#[test]
fn the_schemas_are_valid_schemas_of_the_draft_that_they_name() {
    for schema in [plan_schema(), override_schema()] {
        assert_eq!(schema["$schema"], json!("https://json-schema.org/draft/2020-12/schema"));
        assert!(schema["title"].is_string());
        jsonschema::meta::validate(&schema).unwrap();
    }
}

#[test]
fn the_plans_that_ship_are_plans() {
    let schema = plan_schema();
    let mut names = Vec::new();
    for entry in std::fs::read_dir(plans()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.ends_with(".schema.json") || !name.ends_with(".json") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let read = Plan::read(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(read.warnings(), [], "{name}");
        assert!(name.starts_with(read.name().as_str()), "{name} is of {}", read.name());
        let document = serde_json::from_str(&text).unwrap();
        assert_eq!(wrong(&schema, &document), [""; 0], "{name}");
        names.push(name);
    }
    assert!(names.len() >= 2, "{names:?}");
}

#[test]
fn what_is_read_is_valid() {
    let schema = plan_schema();
    for changes in ACCEPTED {
        let text = plan(changes);
        Plan::read(&text).unwrap_or_else(|error| panic!("{changes:?}: {error}"));
        assert_eq!(wrong(&schema, &serde_json::from_str(&text).unwrap()), [""; 0], "{text}");
    }
    for changes in ACCEPTED_OVERRIDES {
        let text = over(changes);
        Override::read(&text).unwrap();
        let document = serde_json::from_str(&text).unwrap();
        assert_eq!(wrong(&override_schema(), &document), [""; 0], "{text}");
    }
}

#[test]
fn what_a_plan_is_written_as_again_is_valid() {
    for changes in ACCEPTED {
        let read = Plan::read(&plan(changes)).unwrap();
        let written = serde_json::to_value(&read).unwrap();
        assert_eq!(wrong(&plan_schema(), &written), [""; 0], "{written}");
        assert_eq!(Plan::read(&written.to_string()), Ok(read), "{written}");
    }
}

#[test]
fn what_has_another_form_is_not_valid() {
    for changes in FORM {
        let document = serde_json::from_str(&plan(changes)).unwrap();
        assert!(!wrong(&plan_schema(), &document).is_empty(), "{changes:?}");
    }
    for changes in FORM_OVERRIDES {
        let document = serde_json::from_str(&over(changes)).unwrap();
        assert!(!wrong(&override_schema(), &document).is_empty(), "{changes:?}");
    }
}

/// Texts of amounts near the borders of a cap, and texts that are none.
fn cap() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "-?0{0,3}[0-9]{1,14}(\\.[0-9]{1,3}0{0,3})?",
        2 => "0{0,30}1000000000000(\\.0{1,30}1?)?",
        1 => "999999999999\\.9{1,3}0{0,30}",
        1 => "-?0{1,3}(\\.0{1,3})?",
        1 => "[0-9.+e_ -]{0,6}",
    ]
}

proptest! {
    #[test]
    fn the_schema_of_a_cap_allows_what_is_accepted(
        cap in cap(), of_plan in any::<bool>(), field in prop::sample::select(vec!["minimum", "maximum"])
    ) {
        let mut document = serde_json::from_str::<Value>(&plan(&[])).unwrap();
        let fields = if of_plan { &mut document } else { &mut document["rates"][0] };
        fields[field] = json!(cap);
        let is_valid = wrong(&plan_schema(), &document).is_empty();
        prop_assert_eq!(is_valid, Plan::read(&document.to_string()).is_ok());
    }
}
