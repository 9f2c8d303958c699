//! The template as a document, with CloudFormation's short forms written out.

use std::sync::LazyLock;

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value, json};

/// The text of the template.
pub const TEMPLATE: &str = include_str!("../../template.yaml");

/// The template. `!Ref X` is `{"Ref": "X"}`, `!GetAtt X.Arn` is `{"Fn::GetAtt": "X.Arn"}`, and so
/// on.
#[must_use]
pub fn template() -> &'static Value {
    static READ: LazyLock<Value> = LazyLock::new(|| {
        let documents = Yaml::load_from_str(TEMPLATE).unwrap();
        let [template] = &documents[..] else { panic!("the template is not one document") };
        value(template)
    });
    &READ
}

fn value(node: &Yaml<'_>) -> Value {
    match node {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(of)) => json!(of),
        Yaml::Value(Scalar::Integer(of)) => json!(of),
        Yaml::Value(Scalar::FloatingPoint(of)) => json!(of.into_inner()),
        Yaml::Value(Scalar::String(of)) => json!(of),
        Yaml::Sequence(of) => of.iter().map(value).collect(),
        Yaml::Mapping(of) => {
            let member = |(key, of): (&Yaml<'_>, _)| (key.as_str().unwrap().to_owned(), value(of));
            Value::Object(of.iter().map(member).collect::<Map<_, _>>())
        }
        Yaml::Tagged(tag, of) => match tag.suffix.as_str() {
            "Ref" => json!({ "Ref": value(of) }),
            function => json!({ format!("Fn::{function}"): value(of) }),
        },
        Yaml::Representation(..) | Yaml::Alias(_) | Yaml::BadValue => {
            panic!("the template has {node:?}")
        }
    }
}
