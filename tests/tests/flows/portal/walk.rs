//! A walk over the OpenAPI document: every route that it describes is called by everybody who must
//! not see or change anything by it. A new route is walked without a change here, unless it has a
//! new parameter.

use std::collections::BTreeSet;

use super::programs::{By, FOREIGN, OWN, SECRETS, Sent, World};
use super::*;

/// The fewest operations: those that were there when this was written.
const OPERATIONS_MIN: usize = 16;

/// An operation of the document.
#[derive(Clone, Debug)]
struct Operation {
    id: String,
    method: Method,
    path: String,
    parameters: Vec<Value>,
    /// The examples of the fields of its body.
    body: Value,
    /// The callers that may call it, by the names of the document.
    open_to: BTreeSet<String>,
}

/// The operations of the document that is served.
async fn operations(world: &World) -> Vec<Operation> {
    let document = world.answer(&Sent::get("/v1/openapi.json"), &By::Nobody).await;
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, described) in item.as_object().unwrap() {
            let security = described["security"].as_array().unwrap().iter();
            operations.push(Operation {
                id: described["operationId"].as_str().unwrap().to_owned(),
                method: method.to_uppercase().parse().unwrap(),
                path: path.clone(),
                parameters: described["parameters"].as_array().cloned().unwrap_or_default(),
                body: example(&document, &described["requestBody"]),
                open_to: security.flat_map(|of| of.as_object().unwrap().keys().cloned()).collect(),
            });
        }
    }
    assert!(operations.len() >= OPERATIONS_MIN, "{} operations", operations.len());
    operations
}

/// The fields of a body that have an example.
fn example(document: &Value, body: &Value) -> Value {
    let Some(reference) = body["content"]["application/json"]["schema"]["$ref"].as_str() else {
        // A document all of whose fields may be left out, or no body.
        return if body.is_null() { Value::Null } else { json!({}) };
    };
    let schema = document.pointer(reference.strip_prefix('#').unwrap()).unwrap();
    let fields = schema["properties"].as_object().unwrap().iter();
    let fields = fields.filter(|(_, field)| !field["example"].is_null());
    fields.map(|(name, field)| (name.clone(), field["example"].clone())).collect()
}

impl Operation {
    fn is_public(&self) -> bool {
        self.open_to.is_empty()
    }

    fn changes(&self) -> bool {
        self.method != Method::GET
    }

    fn is_open_to(&self, caller: &str) -> bool {
        self.open_to.contains(caller)
    }

    fn parameters(&self, place: &'static str) -> impl Iterator<Item = &Value> {
        self.parameters.iter().filter(move |parameter| parameter["in"] == place)
    }

    /// The request for a provider, its other parameters by the examples of the document.
    fn of(&self, provider: &str) -> Sent {
        let mut path = self.path.clone();
        for parameter in self.parameters("path") {
            let name = parameter["name"].as_str().unwrap();
            let value =
                if name == "provider" { provider.to_owned() } else { plain(&parameter["example"]) };
            path = path.replace(&format!("{{{name}}}"), &value);
        }
        assert!(!path.contains('{'), "{path}: a parameter is not described");
        let mut body = self.body.clone();
        if !body["provider"].is_null() {
            body["provider"] = json!(provider);
        }
        let key = self.parameters("header").any(|of| of["name"] == "Idempotency-Key");
        let key = key.then_some("walk-1");
        Sent { method: self.method.clone(), target: path, key, body }
    }

    /// The requests for the own account in which one other parameter has a value of the foreign
    /// one: of each parameter all values that may be tried.
    fn with_foreign_values(&self) -> Vec<Vec<Sent>> {
        let mut all = Vec::new();
        for place in ["path", "query"] {
            for parameter in self.parameters(place) {
                let name = parameter["name"].as_str().unwrap();
                if name == "provider" {
                    continue;
                }
                let with = |foreign: &&str| {
                    let mut sent = self.of(OWN);
                    if place == "query" {
                        sent.target = format!("{}?{name}={foreign}", sent.target);
                    } else {
                        let own = format!("/{}", plain(&parameter["example"]));
                        assert!(sent.target.ends_with(&own), "{}", sent.target);
                        sent.target.truncate(sent.target.len() - own.len());
                        sent.target = format!("{}/{foreign}", sent.target);
                    }
                    sent
                };
                all.push(foreign(name).iter().map(with).collect());
            }
        }
        all
    }
}

/// Values that the foreign provider has for a parameter, and the own one has not. A cursor is a
/// month of one list, and a number of another.
fn foreign(parameter: &str) -> &'static [&'static str] {
    match parameter {
        "bill" | "from" | "to" => &["2015-05-16"],
        "recharge" => &["2"],
        "before" => &["2015-06", "3"],
        "month" => &["2015-05"],
        "only" => &["vas.zebra.only"],
        "by" => &["month"],
        "group" => &["api", "source"],
        "kind" => &["recharges", "debits", "refunds"],
        "version" => &["1.0"],
        other => panic!("the walk knows no value of another provider for `{other}`: add one here"),
    }
}

fn plain(example: &Value) -> String {
    example.as_str().map_or_else(|| example.to_string(), str::to_owned)
}

/// Calls, and checks that nothing of the foreign provider is shown beyond what the request says
/// itself.
async fn call(world: &World, sent: &Sent, by: &By) -> Seen {
    let seen = world.call(sent, by).await;
    let said = format!("{}{}", sent.target, sent.body);
    for secret in SECRETS.iter().filter(|secret| !said.contains(**secret)) {
        assert!(!seen.body.contains(secret), "{sent:?} {by:?} tells {secret}: {}", seen.body);
    }
    seen
}

/// Calls, and checks that it is refused with this status and a problem that reveals nothing.
async fn refused(world: &World, sent: &Sent, by: &By, status: u64) {
    let seen = call(world, sent, by).await;
    assert_eq!(seen.status, status, "{sent:?} {by:?}: {}", seen.body);
    let problem: Value = serde_json::from_str(&seen.body).unwrap();
    assert!(problem["type"].as_str().unwrap().starts_with("tag:steelyard,2026:"), "{problem}");
    for told in ["620000", "charge_fen"] {
        assert!(!seen.body.contains(told), "{sent:?} {by:?}: {}", seen.body);
    }
}

/// Sessions that open nothing: altered, expired and revoked. The last is read-only and open.
async fn sessions(world: &World) -> ([By; 3], By) {
    let asked = json!({ "provider": OWN, "may": ["pay", "mandate"], "expires_in_s": 60 });
    let link = link(&world.platform, &asked).await;
    let expired = ask(&world.platform, Method::GET, &link, "", "").await.cookie;
    world.platform.set("2015-05-18 08:34");
    let revoked = world.session(OWN, &["pay", "mandate"]).await;
    world.platform.books().revoke_sessions(&OWN.parse().unwrap()).await.unwrap();
    let By::Session(open) = world.session(OWN, &["pay", "mandate"]).await else { unreachable!() };
    let mut altered = open.into_bytes();
    let middle = altered.len() / 2;
    altered[middle] = if altered[middle] == b'A' { b'B' } else { b'A' };
    let altered = String::from_utf8(altered).unwrap();
    let closed = [By::Session(altered), By::Session(expired), revoked];
    (closed, world.session(OWN, &[]).await)
}

#[tokio::test]
async fn no_route_tells_or_changes_anything_for_a_session_that_has_no_right_to_it() {
    let world = World::open().await;
    let (closed, read_only) = sessions(&world).await;
    let foreign = world.session(FOREIGN, &["pay", "mandate"]).await;
    let own = world.session(OWN, &["pay", "mandate"]).await;
    let operations = operations(&world).await;
    let before = world.stored().await;
    for operation in operations.iter().filter(|operation| !operation.is_public()) {
        let sent = operation.of(OWN);
        refused(&world, &sent, &By::Nobody, 401).await;
        for session in &closed {
            refused(&world, &sent, session, 401).await;
        }
        // Where sessions are not taken at all, an open one is as good as none.
        let is_taken = operation.is_open_to("session");
        refused(&world, &sent, &foreign, if is_taken { 404 } else { 401 }).await;
        refused(&world, &operation.of(FOREIGN), &own, if is_taken { 404 } else { 401 }).await;
        refused(&world, &operation.of("nobody"), &own, if is_taken { 404 } else { 401 }).await;
        if operation.changes() {
            refused(&world, &sent, &read_only, if is_taken { 403 } else { 401 }).await;
        }
        assert_eq!(world.stored().await, before, "{}", operation.id);
    }
}

#[tokio::test]
async fn no_route_tells_or_changes_anything_for_a_server_or_a_program_that_has_no_right_to_it() {
    let world = World::open().await;
    let operations = operations(&world).await;
    world.grant_server().await;
    let before = world.stored().await;
    for operation in operations.iter().filter(|operation| !operation.is_public()) {
        assert!(operation.is_open_to("iam"), "{}: servers do what anybody does", operation.id);
        refused(&world, &operation.of(OWN), &By::Server("stranger"), 403).await;
        refused(&world, &operation.of(FOREIGN), &By::Server("server"), 403).await;
        let is_of_provider = operation.path.contains("{provider}");
        let status = if is_of_provider { 404 } else { 401 };
        refused(&world, &operation.of(OWN), &By::Program(FOREIGN), status).await;
        refused(&world, &operation.of(FOREIGN), &By::Program(OWN), status).await;
        refused(&world, &operation.of(OWN), &By::Program("no provider"), 401).await;
        if !operation.is_open_to("token") {
            let status = if is_of_provider { 403 } else { 401 };
            refused(&world, &operation.of(OWN), &By::Program(OWN), status).await;
        }
        assert_eq!(world.stored().await, before, "{}", operation.id);
    }
}

#[tokio::test]
async fn values_of_another_provider_in_a_parameter_tell_nothing_of_it() {
    let world = World::open().await;
    let own = world.session(OWN, &["pay", "mandate"]).await;
    let (operations, before) = (operations(&world).await, world.stored().await);
    let mut sent_in_paths = 0;
    for operation in operations.iter().filter(|operation| !operation.changes()) {
        for values in operation.with_foreign_values() {
            for by in [&own, &By::Program(OWN), &By::Server("server")] {
                let (mut answered, mut is_query) = (0, false);
                for sent in &values {
                    let seen = call(&world, sent, by).await;
                    is_query = sent.target.contains('?');
                    if is_query {
                        assert!([200, 400].contains(&seen.status), "{sent:?}: {}", seen.status);
                        answered += i32::from(seen.status == 200);
                    } else {
                        assert_eq!(seen.status, 404, "{sent:?}: {}", seen.body);
                        sent_in_paths += 1;
                    }
                }
                assert!(!is_query || answered > 0, "no value was understood: {values:?}");
            }
        }
    }
    assert!(sent_in_paths >= 6, "{sent_in_paths} values were sent in a path");
    assert_eq!(world.stored().await, before);
}

#[tokio::test]
async fn every_route_answers_those_whom_the_document_names_and_only_changes_change() {
    let world = World::open().await;
    let own = world.session(OWN, &["pay", "mandate"]).await;
    let (operations, before) = (operations(&world).await, world.stored().await);
    let mut visited = BTreeSet::new();
    for operation in operations.iter().filter(|operation| !operation.changes()) {
        let callers = [
            ("session", own.clone()),
            ("iam", By::Server("server")),
            ("token", By::Program(OWN)),
            ("anybody", By::Nobody),
        ];
        let is_named =
            |name: &str| operation.is_open_to(name) || name == "anybody" && operation.is_public();
        for (_, by) in callers.iter().filter(|(name, _)| is_named(name)) {
            let seen = call(&world, &operation.of(OWN), by).await;
            assert_eq!(seen.status, 200, "{} {by:?}: {}", operation.id, seen.body);
            assert!(seen.body.len() > 100, "{}: {}", operation.id, seen.body);
            assert_eq!(operation.is_public(), !told_of_money(&seen), "{}", operation.id);
            visited.insert(operation.id.clone());
        }
    }
    assert_eq!(world.stored().await, before, "reading changes nothing");
    // Each on a platform of its own, since the end of withholding leaves no limits to lower.
    for operation in operations.iter().filter(|operation| operation.changes()) {
        let world = World::open().await;
        let before = world.stored().await;
        let seen = call(&world, &operation.of(OWN), &By::Server("server")).await;
        assert!([200, 201].contains(&seen.status), "{}: {}", operation.id, seen.body);
        assert_ne!(world.stored().await, before, "{}", operation.id);
        visited.insert(operation.id.clone());
    }
    assert_eq!(visited.len(), operations.len(), "{visited:?}");
}

/// Whether an answer has an amount of some account: a member of a document, or a cell of a file.
fn told_of_money(seen: &Seen) -> bool {
    let is_amount = |text: &str| text.starts_with(|c: char| c.is_ascii_digit() || c == '-');
    let is_document = seen.body.starts_with('{');
    seen.body.split("_fen\":").skip(1).any(is_amount) || !is_document && seen.body.contains("12.0")
}
