//! What a schema is made of, as tables of fields.

use serde_json::Value;

use super::texts::Texts;
use super::{address, code, joined, list, marked, members, schema_id, text, together};
use crate::operator::parts::{Column, Table, all};
use crate::show::Html;

/// What schemas are named by in a document.
pub(super) const SCHEMAS: &str = "#/components/schemas/";

/// The kind of a value, in a few words, with links to the schemas that it is made of.
pub(super) fn kind(t: Texts, schema: &Value) -> Html {
    if let Some(name) = schema["$ref"].as_str().and_then(|of| of.strip_prefix(SCHEMAS)) {
        return Html::link(&address(&schema_id(name)), &code(name));
    }
    for several in ["oneOf", "anyOf", "allOf"] {
        if schema[several].is_array() {
            let kinds = list(&schema[several]).map(|of| kind(t, of).0).collect::<Vec<_>>();
            let between = if several == "allOf" { t.and() } else { t.or() };
            return together(&kinds, &between.0);
        }
    }
    if schema["enum"].is_array() {
        let values = list(&schema["enum"]).filter(|value| value.is_string());
        return joined(values.map(|value| code(text(value))));
    }
    let named = |name: &str| match name {
        "array" => t.list_of(kind(t, &schema["items"])),
        "object" if !schema["additionalProperties"].is_null() => {
            t.map_of(kind(t, &schema["additionalProperties"]))
        }
        name => code(name),
    };
    match &schema["type"] {
        Value::String(name) => named(name),
        Value::Array(names) => {
            let kinds = names.iter().map(|name| named(text(name)).0).collect::<Vec<_>>();
            together(&kinds, &t.or().0)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => t.anything(),
    }
}

/// The fields of a schema; of each of its forms, if it has several.
pub(super) fn fields(t: Texts, schema: &Value) -> Html {
    if schema["oneOf"].is_array() {
        return all(list(&schema["oneOf"]).map(|form| {
            let heading = marked(text(&form["description"]));
            let heading = Html(format!("<p>{heading}</p>"));
            let heading =
                if text(&form["description"]).is_empty() { Html::default() } else { heading };
            all([heading, fields(t, form)])
        }));
    }
    let mut rows = Vec::new();
    collect(t, schema, &mut rows);
    if rows.is_empty() {
        return Html(format!("<p>{}</p>", kind(t, schema)));
    }
    let columns = [t.name(), t.form(), t.meaning()].map(Column::words).to_vec();
    Table::new(t.fields(), columns, rows).html()
}

fn collect(t: Texts, schema: &Value, rows: &mut Vec<Vec<Html>>) {
    for part in list(&schema["allOf"]) {
        if part["$ref"].is_string() || part["oneOf"].is_array() {
            rows.push(vec![t.and_all_of(), kind(t, part), marked(text(&part["description"]))]);
        } else {
            collect(t, part, rows);
        }
    }
    for (name, field) in members(&schema["properties"]) {
        let meaning = marked(text(&field["description"]));
        rows.push(vec![code(name), kind(t, field), meaning]);
    }
}
