//! The JSON Schemas of the documents that people write: plans and overrides.
//!
//! They are generated from the types. A schema describes the form; the rules between fields are
//! those of [`Plan::read`](crate::Plan::read), which says more.

use std::borrow::Cow;

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use crate::{ApiPattern, BillingDay, Fen, Name, Override, Percent, PlanDocument, Quantity, Yuan};

/// The schema of a plan document.
#[must_use]
pub fn plan_schema() -> Value {
    schema_of::<PlanDocument>()
}

/// The schema of an override.
#[must_use]
pub fn override_schema() -> Value {
    schema_of::<Override>()
}

/// The schema of a document that people write.
#[must_use]
pub fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with_transform(RecursiveTransform(for_people));
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// A field that may be left out is never null, and a description is a run of text.
fn for_people(schema: &mut Schema) {
    let null = json!({ "type": "null" });
    if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
        choices.retain(|choice| *choice != null);
        if let [Value::Object(only)] = choices.as_mut_slice() {
            let only = std::mem::take(only);
            schema.remove("anyOf");
            schema.ensure_object().extend(only);
        }
    }
    if let Some(Value::String(text)) = schema.get_mut("description") {
        let paragraphs = text.split("\n\n").map(|paragraph| paragraph.replace('\n', " "));
        *text = paragraphs.collect::<Vec<_>>().join("\n\n");
    }
}

/// Describes a type that is written as one JSON value.
macro_rules! written_as {
    ($type:ident, $schema:tt) => {
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

written_as!(Name, {
    "description": "A name: 1 to 64 of a-z, 0-9, - and _.",
    "type": "string",
    "pattern": "^[a-z0-9_-]{1,64}$",
    "examples": ["jushita-2014", "value_added"]
});

written_as!(ApiPattern, {
    "description": "The name of an API, or the beginning of names followed by *; * alone is every API.",
    "type": "string",
    "pattern": r##"^(?:[!$-)+-;=?-\[\]-_a-~]{1,128}|[!$-)+-;=?-\[\]-_a-~]{0,128}\*)$"##,
    "examples": ["taobao.trades.sold.get", "taobao.*", "*"]
});

written_as!(BillingDay, {
    "description": "A day of the calendar in the platform's time zone, from the year 2000 to 9998.",
    "type": "string",
    "format": "date",
    "pattern": "^[2-9][0-9]{3}-[0-9]{2}-[0-9]{2}$",
    "examples": ["2014-04-01"]
});

written_as!(Fen, {
    "description": "An amount in fen, a hundredth of a yuan.",
    "type": "integer"
});

written_as!(Yuan, {
    "description": "Yuan, as a text: a number may have been rounded on its way.",
    "type": "string",
    "pattern": r"^[0-9]+(?:\.[0-9]{1,10}0*)?$",
    "examples": ["0.0001", "5"]
});

/// A minimum or a maximum, as a schema describes it.
pub(crate) struct Cap;

written_as!(Cap, {
    "description": "Yuan from 0 to 10^12, as a text with at most two decimals.",
    "type": "string",
    "pattern": r"^0*(?:[0-9]{1,12}(?:\.[0-9]{1,2}0*)?|1000000000000(?:\.0+)?)$",
    "examples": ["5000", "99.99"]
});

written_as!(Percent, {
    "description": "A percentage from 0 to 100, as a text with at most ten decimals.",
    "type": "string",
    "pattern": r"^0*(?:[0-9]{1,2}(?:\.[0-9]{1,10}0*)?|100(?:\.0+)?)$",
    "examples": ["20", "0.6"]
});

written_as!(Quantity, {
    "description": "A quantity from 0 to 10^15: a whole number, or a text with at most six decimals.",
    "anyOf": [
        { "type": "integer", "minimum": 0, "maximum": 1_000_000_000_000_000_u64 },
        { "type": "string", "pattern": r"^[0-9]+(?:\.[0-9]{1,6}0*)?$" }
    ],
    "examples": [500_000, "100.5"]
});
