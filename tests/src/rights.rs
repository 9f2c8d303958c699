//! The rights that the template gives, and the requests of the stack's functions held to them.
//!
//! IAM is not part of the local stack. So every platform of the tests checks each request of a
//! function against the policies of its role, by action, resource, partition key and attribute. A
//! policy that is too narrow for what the code does fails a test here, and not a debit in AWS.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex};

use serde_json::Value;
use steelyard_local_aws::{Gate, Request};
use steelyard_local_stack::Stack;

use crate::template::template;

/// One right, or the denial of one: an action on a resource under conditions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// The resource of the template that has the right: a role or a managed policy.
    pub holder: String,
    /// `Allow` or `Deny`.
    pub effect: String,
    /// The action, such as `dynamodb:PutItem`.
    pub action: String,
    /// The resource, such as `BillingTable.Arn`.
    pub resource: String,
    /// The conditions, all of which must hold.
    pub conditions: BTreeSet<Condition>,
}

/// A condition of a right.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Condition {
    /// Such as `ForAllValues:StringLike`.
    pub operator: String,
    /// Such as `dynamodb:LeadingKeys`.
    pub key: String,
    /// The values, any of which may match.
    pub values: BTreeSet<String>,
}

/// One access of a request: what IAM knows of it.
#[derive(Debug)]
struct Access {
    action: String,
    resource: String,
    /// The values of each condition key.
    context: BTreeMap<&'static str, BTreeSet<String>>,
}

/// The gate of a platform: notes every access that no right of the caller's role allows.
#[derive(Debug, Default)]
struct Rights {
    violations: Mutex<BTreeSet<String>>,
}

/// Fails the test of a platform when one of its functions went beyond its rights.
pub(crate) struct WatchedRights(Arc<Rights>);

impl WatchedRights {
    /// Holds the functions of a stack to the rights of the template from now on.
    pub(crate) fn of(stack: &Stack) -> WatchedRights {
        let rights = Arc::new(Rights::default());
        for machine in [&stack.transport, &stack.follower] {
            machine.guard(Arc::<Rights>::clone(&rights));
        }
        WatchedRights(rights)
    }

    /// The accesses that were refused since the last call.
    pub(crate) fn take(&self) -> BTreeSet<String> {
        std::mem::take(&mut self.0.violations.lock().unwrap())
    }
}

impl Drop for WatchedRights {
    fn drop(&mut self) {
        let violations = self.take();
        if !violations.is_empty() && !std::thread::panicking() {
            panic!("no right of the template allows:\n{violations:#?}");
        }
    }
}

impl Gate for Rights {
    fn admit(&self, request: &Request) -> Result<(), String> {
        // Tests and the stack itself work as an operator does.
        let Some(caller) = request.caller.as_deref().filter(|caller| *caller != "local") else {
            return Ok(());
        };
        let lacking = lacking(caller, request);
        self.violations.lock().unwrap().extend(lacking.clone());
        lacking.into_iter().next().map_or(Ok(()), Err)
    }
}

/// The accesses of a request that the rights of a function do not allow.
fn lacking(function: &str, request: &Request) -> Vec<String> {
    static RIGHTS: LazyLock<Vec<Right>> = LazyLock::new(|| rights(template()).unwrap());
    let role = format!("{}Role", capitalised(function));
    let lacking =
        accesses(request).into_iter().filter(|access| !is_allowed(&RIGHTS, &role, access));
    lacking.map(|access| format!("{role}: {access}")).collect()
}

/// The name of a function as resources of the template begin with it.
fn capitalised(function: &str) -> String {
    format!("{}{}", function[..1].to_uppercase(), &function[1..])
}

/// Whether one of a role's rights allows an access and none denies it.
fn is_allowed(rights: &[Right], role: &str, access: &Access) -> bool {
    let decides = |effect: &str| {
        let of_role = rights.iter().filter(|right| right.holder == role && right.effect == effect);
        of_role.filter(|right| right.covers(access)).count() > 0
    };
    decides("Allow") && !decides("Deny")
}

impl Right {
    fn covers(&self, access: &Access) -> bool {
        self.action == access.action
            && self.resource == access.resource
            && self.conditions.iter().all(|condition| condition.holds(access))
    }
}

impl Condition {
    fn holds(&self, access: &Access) -> bool {
        let Some(found) = access.context.get(self.key.as_str()) else { return false };
        let is_listed = |found: &String| self.values.contains(found);
        let is_matched = |found: &String| self.values.iter().any(|value| is_like(found, value));
        match self.operator.as_str() {
            "ForAllValues:StringEquals" => found.iter().all(is_listed),
            "ForAllValues:StringLike" => found.iter().all(is_matched),
            "ForAnyValue:StringEquals" => found.iter().any(is_listed),
            operator => panic!("the tests do not know the operator {operator}"),
        }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Right { holder, effect, action, resource, .. } = self;
        write!(f, "{holder}: {effect} {action} on {resource}")?;
        self.conditions.iter().try_for_each(|condition| write!(f, " if {condition}"))
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.operator, self.key)?;
        self.values.iter().try_for_each(|value| write!(f, " {value}"))
    }
}

/// Whether a text matches a pattern whose only wildcard is one `*` at its end.
fn is_like(text: &str, pattern: &str) -> bool {
    let is_simple = !pattern.trim_end_matches('*').contains(['*', '?']);
    assert!(is_simple, "the tests do not know the pattern {pattern}");
    pattern.strip_suffix('*').map_or(text == pattern, |prefix| text.starts_with(prefix))
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.action, self.resource)?;
        self.context.iter().try_for_each(|(key, values)| write!(f, ", {key} {values:?}"))
    }
}

/// The rights that a template gives to roles and managed policies.
///
/// # Errors
///
/// When it gives rights in a form that this reader does not know, so that none goes unseen.
pub fn rights(template: &Value) -> Result<Vec<Right>, String> {
    let mut rights = Vec::new();
    for (name, resource) in template["Resources"].as_object().unwrap() {
        let properties = &resource["Properties"];
        match resource["Type"].as_str().unwrap() {
            "AWS::IAM::Role" => {
                only(name, properties, &["AssumeRolePolicyDocument", "Policies"])?;
                rights.extend(rights_of(name, &properties["AssumeRolePolicyDocument"])?);
                for policy in properties["Policies"].as_array().into_iter().flatten() {
                    rights.extend(rights_of(name, &policy["PolicyDocument"])?);
                }
            }
            "AWS::IAM::ManagedPolicy" => {
                only(name, properties, &["Description", "PolicyDocument"])?;
                rights.extend(rights_of(name, &properties["PolicyDocument"])?);
            }
            "AWS::Serverless::Function" => check_function(name, properties)?,
            other if other.starts_with("AWS::IAM::") || other == "AWS::Lambda::Function" => {
                return Err(format!("{name} is a {other}"));
            }
            _ => {}
        }
    }
    Ok(rights)
}

/// A function has its own role, and rights by that role alone.
fn check_function(name: &str, properties: &Value) -> Result<(), String> {
    if !properties["Policies"].is_null() {
        return Err(format!("{name} has policies beside its role"));
    }
    let own = format!("{}Role.Arn", name.trim_end_matches("Function"));
    if properties["Role"]["Fn::GetAtt"] == own.as_str() {
        return Ok(());
    }
    Err(format!("{name} does not have the role of its name"))
}

fn rights_of(holder: &str, document: &Value) -> Result<Vec<Right>, String> {
    let mut rights = Vec::new();
    for statement in document["Statement"].as_array().unwrap() {
        let statement = given(statement)?;
        let known = ["Sid", "Effect", "Action", "Resource", "Principal", "Condition"];
        only(holder, statement, &known)?;
        // The principal that may assume a role stands in place of a resource.
        let principal = &statement["Principal"];
        only(holder, principal, &["Service"])?;
        let resources =
            if principal.is_null() { &statement["Resource"] } else { &principal["Service"] };
        let resources = texts(resources)?;
        let conditions = conditions(&statement["Condition"])?;
        for action in texts(&statement["Action"])? {
            for resource in &resources {
                rights.push(Right {
                    holder: holder.to_owned(),
                    effect: statement["Effect"].as_str().unwrap().to_owned(),
                    action: action.clone(),
                    resource: resource.clone(),
                    conditions: conditions.clone(),
                });
            }
        }
    }
    Ok(rights)
}

/// A statement, also one that is given only under a condition of the template.
fn given(statement: &Value) -> Result<&Value, String> {
    match statement["Fn::If"].as_array().map(Vec::as_slice) {
        None => Ok(statement),
        Some([_, given, otherwise]) if otherwise["Ref"] == "AWS::NoValue" => Ok(given),
        Some(other) => Err(format!("{other:?} is no statement under a condition")),
    }
}

/// Refuses a part of the template with other members than these.
fn only(holder: &str, part: &Value, known: &[&str]) -> Result<(), String> {
    let members = part.as_object().into_iter().flat_map(|part| part.keys());
    match members.into_iter().find(|member| !known.contains(&member.as_str())) {
        Some(unknown) => Err(format!("{holder} has {unknown}, which the tests do not know")),
        None => Ok(()),
    }
}

fn conditions(written: &Value) -> Result<BTreeSet<Condition>, String> {
    let mut conditions = BTreeSet::new();
    for (operator, keys) in written.as_object().into_iter().flatten() {
        for (key, values) in keys.as_object().unwrap() {
            conditions.insert(Condition {
                operator: operator.clone(),
                key: key.clone(),
                values: texts(values)?.into_iter().collect(),
            });
        }
    }
    Ok(conditions)
}

/// One text or several, with references as the names that they are to. A list of a parameter that
/// is put into a text is one text, with the name of its place.
fn texts(written: &Value) -> Result<Vec<String>, String> {
    if let Some([_, joined]) = written["Fn::Split"].as_array().map(Vec::as_slice) {
        return texts(&joined["Fn::Sub"][0]);
    }
    let text = |written: &Value| {
        let reference = written.as_object().and_then(|of| of.values().next());
        let text = reference.unwrap_or(written).as_str();
        let text = text.ok_or_else(|| format!("{written} is no text"))?;
        Ok(text.replace("${", "").replace('}', ""))
    };
    match written.as_array() {
        Some(several) => several.iter().map(text).collect(),
        None => Ok(vec![text(written)?]),
    }
}

/// What IAM checks of a request.
fn accesses(request: &Request) -> Vec<Access> {
    if let Some(function) = &request.function {
        // The event is not read: what it asks for is the callee's to judge.
        return vec![Access {
            action: "lambda:InvokeFunction".to_owned(),
            resource: invoked(function),
            context: BTreeMap::new(),
        }];
    }
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    match (request.service(), request.operation()) {
        ("AmazonSQS", "SendMessage" | "SendMessageBatch") => {
            vec![Access {
                action: "sqs:SendMessage".to_owned(),
                resource: queue(body["QueueUrl"].as_str().unwrap()),
                context: BTreeMap::new(),
            }]
        }
        ("AmazonSQS", "GetQueueAttributes") => {
            vec![Access {
                action: "sqs:GetQueueAttributes".to_owned(),
                resource: queue(body["QueueUrl"].as_str().unwrap()),
                context: BTreeMap::new(),
            }]
        }
        ("AWSEvents", "PutEvents") => {
            let buses = body["Entries"].as_array().unwrap().iter();
            let put = |entry: &Value| Access {
                action: "events:PutEvents".to_owned(),
                resource: bus(entry["EventBusName"].as_str().unwrap()),
                context: BTreeMap::new(),
            };
            buses.map(put).collect()
        }
        (_, "TransactWriteItems") => {
            let items = body["TransactItems"].as_array().unwrap().iter();
            let of = |item: &Value| {
                let (kind, write) = item.as_object().unwrap().iter().next().unwrap();
                item_access(&format!("{kind}Item"), write)
            };
            items.map(of).collect()
        }
        (_, "BatchGetItem") => {
            let tables = body["RequestItems"].as_object().unwrap().iter();
            let of = |(name, read): (&String, &Value)| {
                let keys = read["Keys"].as_array().unwrap().iter();
                let leading = keys.map(|key| text(&key["pk"])).collect();
                Access {
                    action: "dynamodb:BatchGetItem".to_owned(),
                    resource: table(name),
                    context: BTreeMap::from([("dynamodb:LeadingKeys", leading)]),
                }
            };
            tables.map(of).collect()
        }
        (_, "Query") => vec![query_access(&body)],
        (_, operation @ ("PutItem" | "UpdateItem" | "DeleteItem")) => {
            vec![item_access(operation, &body)]
        }
        (service, operation) => panic!("the tests do not know {service}.{operation}"),
    }
}

fn query_access(body: &Value) -> Access {
    let values = &body["ExpressionAttributeValues"];
    let leading = if values[":pk"].is_null() { &values[":shard"] } else { &values[":pk"] };
    let table = table(body["TableName"].as_str().unwrap());
    let index = body["IndexName"].as_str().map(|index| format!("/index/{index}"));
    Access {
        action: "dynamodb:Query".to_owned(),
        resource: table + &index.unwrap_or_default(),
        context: BTreeMap::from([("dynamodb:LeadingKeys", BTreeSet::from([text(leading)]))]),
    }
}

/// The access to one item by a write.
fn item_access(operation: &str, write: &Value) -> Access {
    let key = if write["Item"].is_null() { &write["Key"] } else { &write["Item"] };
    let own = key.as_object().unwrap().keys().cloned();
    Access {
        action: format!("dynamodb:{operation}"),
        resource: table(write["TableName"].as_str().unwrap()),
        context: BTreeMap::from([
            ("dynamodb:Attributes", own.chain(named(write)).collect()),
            ("dynamodb:LeadingKeys", BTreeSet::from([text(&key["pk"])])),
        ]),
    }
}

/// The attributes that the expressions of a write name. What stands behind a dot is inside of one.
fn named(write: &Value) -> impl Iterator<Item = String> {
    let expressions = ["UpdateExpression", "ConditionExpression"].map(|name| write[name].as_str());
    let text = expressions.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let names = write["ExpressionAttributeNames"].as_object().into_iter().flatten();
    let is_attribute = move |short: &str| {
        let mut places = text.match_indices(short);
        places.any(|(at, _)| !text[..at].ends_with('.'))
    };
    let attributes = names.filter(move |(short, _)| is_attribute(short));
    attributes.map(|(_, name)| name.as_str().unwrap().to_owned())
}

fn text(attribute: &Value) -> String {
    attribute["S"].as_str().unwrap_or_else(|| panic!("{attribute} is no key")).to_owned()
}

fn table(name: &str) -> String {
    match name {
        "steelyard-usage" => "UsageTable.Arn".to_owned(),
        "steelyard-billing" => "BillingTable.Arn".to_owned(),
        "steelyard-events" => "EventsTable.Arn".to_owned(),
        other => other.to_owned(),
    }
}

fn bus(name: &str) -> String {
    match name {
        "default" => {
            "arn:AWS::Partition:events:AWS::Region:AWS::AccountId:event-bus/EventBusName".to_owned()
        }
        other => other.to_owned(),
    }
}

/// The function of the template that has a name such as `steelyard-offers`.
fn invoked(name: &str) -> String {
    match name.strip_prefix("steelyard-") {
        Some(function) => format!("{}Function.Arn", capitalised(function)),
        None => name.to_owned(),
    }
}

fn queue(url: &str) -> String {
    match url.rsplit('/').next() {
        Some("steelyard-settle") => "SettleQueue.Arn".to_owned(),
        Some("steelyard-debit") => "DebitQueue.Arn".to_owned(),
        Some("steelyard-reconcile") => "ReconcileQueue.Arn".to_owned(),
        Some("steelyard-webhooks") => "WebhooksQueue.Arn".to_owned(),
        Some("steelyard-logs") => "LogsQueue.Arn".to_owned(),
        Some("steelyard-usage-dead-letters") => "UsageDeadLetters.Arn".to_owned(),
        Some("steelyard-settle-dead-letters") => "SettleDeadLetters.Arn".to_owned(),
        Some("steelyard-debit-dead-letters") => "DebitDeadLetters.Arn".to_owned(),
        Some("steelyard-logs-dead-letters") => "LogsDeadLetters.Arn".to_owned(),
        Some("steelyard-reconcile-dead-letters") => "ReconcileDeadLetters.Arn".to_owned(),
        _ => url.to_owned(),
    }
}
