//! What goes wrong below the SDK, as a script.
//!
//! A script counts requests and nothing else, so that the same run meets the same faults each time.

use std::ops::RangeInclusive;
use std::sync::Mutex;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;

use super::lock;
use super::wire::{Request, Response, is_write};

/// One thing that goes wrong with one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection fails before the service sees the request: no effect.
    LoseRequest,
    /// The service acts, and the client waits for an answer that never comes: a time-out after the
    /// effect.
    LoseAnswer,
    /// The service is too busy: no effect.
    Throttle,
    /// Another transaction holds an item: no effect. For DynamoDB's writes only.
    Conflict,
    /// The power fails before the request is sent. It and all that follow have no effect, until
    /// [`Faults::restore`].
    CutBefore,
    /// The power fails after the service acted, before its answer arrives. All that follow have no
    /// effect, until [`Faults::restore`].
    CutAfter,
}

/// Which requests a rule counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Every request, whatever it does.
    Any,
    /// Every request that changes a table or a queue.
    Writes,
    /// Every request of one operation, such as `TransactWriteItems`.
    Operation(&'static str),
    /// Every request whose document has this text, such as a partition key.
    Naming(&'static str),
}

impl Target {
    fn holds(self, request: &Request) -> bool {
        match self {
            Self::Any => true,
            Self::Writes => is_write(request.operation()),
            Self::Operation(name) => name == request.operation(),
            Self::Naming(text) => String::from_utf8_lossy(&request.body).contains(text),
        }
    }
}

/// The script of one [`Transport`](super::Transport). Empty at first: nothing goes wrong.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Script>);

#[derive(Debug, Default)]
struct Script {
    rules: Vec<Rule>,
    power_is_cut: bool,
}

#[derive(Debug)]
struct Rule {
    target: Target,
    ordinals: RangeInclusive<u64>,
    fault: Fault,
    seen: u64,
}

impl Rule {
    /// Counts the request, and returns the fault that strikes it.
    fn strike(&mut self, request: &Request) -> Option<Fault> {
        if !self.target.holds(request) {
            return None;
        }
        self.seen += 1;
        self.ordinals.contains(&self.seen).then_some(self.fault)
    }
}

impl Faults {
    /// Lets `fault` strike the requests of `target` whose ordinals are in `ordinals`.
    ///
    /// The first request of `target` from now on is number 1. The SDK's retries are requests of
    /// their own. Of several rules that hold for one request, the one added first wins; the others
    /// count it too.
    pub fn strike(&self, target: Target, ordinals: RangeInclusive<u64>, fault: Fault) {
        lock(&self.0).rules.push(Rule { target, ordinals, fault, seen: 0 });
    }

    /// Empties the script, and ends a power cut.
    pub fn restore(&self) {
        *lock(&self.0) = Script::default();
    }

    /// The fault that strikes the next request.
    pub(super) fn next(&self, request: &Request) -> Option<Fault> {
        let mut script = lock(&self.0);
        if script.power_is_cut {
            return Some(Fault::LoseRequest);
        }
        let strikes = script.rules.iter_mut().map(|rule| rule.strike(request)).collect::<Vec<_>>();
        let fault = strikes.into_iter().flatten().next();
        script.power_is_cut = matches!(fault, Some(Fault::CutBefore | Fault::CutAfter));
        fault
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Transaction {
    transact_items: Vec<IgnoredAny>,
}

/// The answer of a service that is too busy for `request`.
pub(super) fn throttle(request: &Request) -> Response {
    if request.service().starts_with("DynamoDB") {
        Response::refusal(
            "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
            "The level of configured provisioned throughput for the table was exceeded.",
        )
    } else {
        Response::refusal("ThrottlingException", "Rate exceeded")
    }
}

/// The answer of DynamoDB when another transaction holds the first item of `request`.
pub(super) fn conflict(request: &Request) -> Response {
    match request.input::<Transaction>() {
        Ok(transaction) => cancelled(transaction.transact_items.len()),
        Err(_) => Response::refusal(
            "com.amazonaws.dynamodb.v20120810#TransactionConflictException",
            "Transaction is ongoing for the item",
        ),
    }
}

/// A cancelled transaction of `items` items, the first of which was in conflict.
fn cancelled(items: usize) -> Response {
    let mut reasons = vec![json!({ "Code": "None" }); items];
    if let Some(first) = reasons.first_mut() {
        *first = json!({
            "Code": "TransactionConflict",
            "Message": "Transaction is ongoing for the item",
        });
    }
    let answer = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": "Transaction cancelled, please refer cancellation reasons for specific reasons [TransactionConflict]",
        "CancellationReasons": reasons,
    });
    Response::json(400, answer.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn check(faults: &Faults, operations: &[&str], expected: &[Option<Fault>]) {
        let request = |operation: &&str| Request::new(format!("DynamoDB.{operation}"), "{}");
        let next = |operation| faults.next(&request(operation));
        let actual = operations.iter().map(next).collect::<Vec<_>>();
        assert_eq!(actual, expected);
    }

    #[test]
    fn empty_script_lets_everything_pass() {
        check(&Faults::default(), &["PutItem", "Query"], &[None, None]);
    }

    #[test]
    fn ordinals_count_the_requests_of_the_target_only() {
        let faults = Faults::default();
        faults.strike(Target::Writes, 2..=3, Fault::Throttle);
        let throttle = Some(Fault::Throttle);
        check(
            &faults,
            &["PutItem", "Query", "SendMessage", "UpdateItem", "PutItem"],
            &[None, None, throttle, throttle, None],
        );
    }

    #[test]
    fn first_of_two_rules_wins_and_the_second_counts_too() {
        let faults = Faults::default();
        faults.strike(Target::Operation("PutItem"), 1..=1, Fault::LoseAnswer);
        faults.strike(Target::Any, 1..=2, Fault::Throttle);
        check(
            &faults,
            &["PutItem", "PutItem", "PutItem"],
            &[Some(Fault::LoseAnswer), Some(Fault::Throttle), None],
        );
    }

    #[test]
    fn only_requests_that_name_a_key_are_struck() {
        let faults = Faults::default();
        faults.strike(Target::Naming("due#07"), 1..=u64::MAX, Fault::Throttle);
        let next = |body: &str| faults.next(&Request::new("DynamoDB.Query", body));
        assert_eq!(next(r#"{":shard":{"S":"due#08"}}"#), None);
        assert_eq!(next(r#"{":shard":{"S":"due#07"}}"#), Some(Fault::Throttle));
    }

    #[test]
    fn conflict_gives_each_item_a_reason() {
        let body = r#"{ "TransactItems": [{}, {}] }"#;
        let request = Request::new("DynamoDB_20120810.TransactWriteItems", body);
        let answer = serde_json::from_slice::<Value>(&conflict(&request).body).unwrap();
        let expected = json!(["TransactionConflict", "None"]);
        let reasons = &answer["CancellationReasons"];
        assert_eq!(json!([reasons[0]["Code"], reasons[1]["Code"]]), expected);
        assert_eq!(reasons.as_array().unwrap().len(), 2);
    }
}
