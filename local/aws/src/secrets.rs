//! Secrets Manager: the one operation that the functions use.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::wire::{Request, Response, unknown_operation, unreadable};

/// Secrets by name.
#[derive(Default)]
pub(super) struct Secrets(BTreeMap<String, String>);

impl Secrets {
    /// Keeps `value` as the secret `name`.
    pub(super) fn put(&mut self, name: String, value: String) {
        self.0.insert(name, value);
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetSecretValue {
    secret_id: String,
}

/// Secrets Manager's answer to `request`.
pub(super) fn handle(secrets: &Secrets, request: &Request) -> Response {
    match request.operation() {
        "GetSecretValue" => get_secret_value(secrets, request),
        _ => unknown_operation(request),
    }
}

fn get_secret_value(secrets: &Secrets, request: &Request) -> Response {
    let name = match request.input::<GetSecretValue>() {
        Ok(input) => input.secret_id,
        Err(error) => return unreadable(request, &error),
    };
    match secrets.0.get(&name) {
        Some(value) => Response::ok(&json!({ "Name": name, "SecretString": value })),
        None => {
            Response::refusal("ResourceNotFoundException", &format!("there is no secret {name:?}"))
        }
    }
}
