//! The template and the README say what the code says.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use steelyard_local_aws::Request;
use steelyard_runtime::Environment;
use steelyard_tests::{Platform, template};

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
    for table in ["steelyard-usage", "steelyard-billing", "steelyard-events"] {
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

/// The variables that README's table has for a function, besides Lambda's own.
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
        "events",
        "watch",
        "webhooks",
        "logs",
    ] {
        assert!(!set(function).is_empty(), "{function}");
        assert_eq!(set(function), told(function), "{function}");
    }
}

#[test]
fn variables_of_the_template_are_enough_to_read_the_rules() {
    for function in [
        "settle",
        "debit",
        "offers",
        "portal",
        "actions",
        "notify",
        "reconcile",
        "quote",
        "events",
        "watch",
    ] {
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

/// Whether a route such as `/v1/providers/{proxy+}` takes a path.
fn takes(route: &str, path: &str) -> bool {
    match route.split_once("{proxy+}") {
        Some((begin, _)) => path.starts_with(begin),
        None => route == path,
    }
}

#[test]
fn every_operation_of_the_document_has_a_route_with_the_authorizer_that_it_says() {
    let document: Value = serde_json::from_str(include_str!("../../../docs/openapi.json")).unwrap();
    let resources = &template()["Resources"];
    let events = &resources["PortalFunction"]["Properties"]["Events"];
    let events = events.as_object().unwrap().values().map(|event| &event["Properties"]);
    let program = &resources["ProgramRoute"]["Properties"];
    assert_eq!(program["AuthorizationType"], "JWT");
    let (method_of_programs, of_programs) =
        program["RouteKey"].as_str().unwrap().split_once(' ').unwrap();
    let mut seen = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let method = method.to_uppercase();
            let security = operation["security"].as_array().unwrap().iter();
            let names = security.flat_map(|of| of.as_object().unwrap().keys());
            let names = names.map(String::as_str).collect::<BTreeSet<_>>();
            let is_route = |event: &&Value| {
                event["Method"] == *method && takes(event["Path"].as_str().unwrap(), path)
            };
            let routes = events.clone().filter(is_route).collect::<Vec<_>>();
            let [route] = &routes[..] else { panic!("{method} {path}: {routes:?}") };
            let is_signed = route["Auth"]["Authorizer"] == "AWS_IAM";
            assert_eq!(is_signed, names.contains("iam"), "{method} {path}");
            let is_of_programs = method == method_of_programs && takes(of_programs, path);
            assert_eq!(is_of_programs, names.contains("token"), "{method} {path}");
            seen += 1;
        }
    }
    assert!(seen > 10, "{seen}");
}

/// The sources of everything that logs.
const LOGGING: [&str; 12] = [
    include_str!("../../../functions/settle/src/lib.rs"),
    include_str!("../../../functions/debit/src/breaker.rs"),
    include_str!("../../../functions/debit/src/debit.rs"),
    include_str!("../../../functions/debit/src/mandate.rs"),
    include_str!("../../../functions/debit/src/recharge.rs"),
    include_str!("../../../functions/debit/src/refund.rs"),
    include_str!("../../../functions/ingest/src/http/logs.rs"),
    include_str!("../../../functions/logs/src/lib.rs"),
    include_str!("../../../functions/notify/src/lib.rs"),
    include_str!("../../../functions/reconcile/src/reconciler.rs"),
    include_str!("../../../functions/webhooks/src/delivery.rs"),
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

/// The names of alarms in a text: those of the template's resources, or in the rows of the alarms'
/// tables.
fn alarms<'a>(lines: impl Iterator<Item = &'a str>) -> BTreeSet<&'a str> {
    let words = lines.flat_map(|line| line.split(|c: char| !c.is_ascii_alphanumeric()));
    words.filter(|word| word.len() > "Alarm".len() && word.ends_with("Alarm")).collect()
}

#[test]
fn every_alarm_of_the_template_has_a_row_in_operating_and_no_other_has() {
    let operating = include_str!("../../../docs/operating.md");
    let rows = operating.lines().filter_map(|line| line.strip_prefix("| `"));
    let rows = rows.filter_map(|row| row.split(" |").next());
    let is_resource =
        |line: &&str| line.starts_with("  ") && line[2..].starts_with(char::is_alphabetic);
    let made = alarms(TEMPLATE.lines().filter(is_resource));
    assert!(made.len() > 40, "{made:?}");
    assert_eq!(made, alarms(rows));
}

#[test]
fn every_api_of_the_template_has_an_alarm_for_its_5xx() {
    let apis = ["UsageApi", "NotifyApi", "PortalApi", "ProgramApi"];
    let kinds = ["  Type: AWS::Serverless::HttpApi", "  Type: AWS::ApiGatewayV2::Api\n"];
    let made = kinds.iter().map(|kind| TEMPLATE.matches(kind).count()).sum::<usize>();
    assert_eq!(made, apis.len(), "an API is not named here");
    for api in apis {
        let watched = format!(
            "MetricName: 5xx\n      Dimensions:\n        - {{Name: ApiId, Value: !Ref {api}}}"
        );
        assert!(TEMPLATE.contains(&watched), "{api}");
    }
}
