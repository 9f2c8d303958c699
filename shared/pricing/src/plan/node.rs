//! JSON as it is written, read into types by a deserializer whose errors have paths and are for
//! people.

use std::collections::HashSet;
use std::fmt;

use serde::de::value::StringDeserializer;
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, IntoDeserializer, Visitor};
use serde_json::Number;

/// A piece of a document, with its fields in their order, also those that are given twice.
pub(crate) enum Node {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
}

/// Why a document doesn't have the form that it should have.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// Where.
    pub(crate) path: String,
    /// What is wrong, and what would be right.
    pub(crate) text: String,
}

impl Node {
    fn refuse(&self, expected: &dyn fmt::Display) -> Refusal {
        Refusal::new(match self {
            Node::Null => format!("is null; leave it out, or give {expected}"),
            Node::Bool(_) | Node::Number(_) | Node::Text(_) | Node::List(_) | Node::Object(_) => {
                format!("is {self}; must be {expected}")
            }
        })
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Node::Null => f.write_str("null"),
            Node::Bool(flag) => flag.fmt(f),
            Node::Number(number) => write!(f, "the number {number}"),
            Node::Text(text) => write!(f, "the text \"{text}\""),
            Node::List(_) => f.write_str("a list"),
            Node::Object(_) => f.write_str("an object"),
        }
    }
}

impl Node {
    /// The names of an object's fields.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &str> {
        let fields = match self {
            Node::Object(fields) => fields.as_slice(),
            Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) | Node::List(_) => &[],
        };
        fields.iter().map(|(field, _)| field.as_str())
    }
}

impl Refusal {
    fn new(text: String) -> Refusal {
        Refusal { path: String::new(), text }
    }

    /// As it is seen from a step further outside.
    fn inside(self, step: &str) -> Refusal {
        let joint = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        Refusal { path: format!("{step}{joint}{}", self.path), ..self }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.text)
    }
}

impl std::error::Error for Refusal {}

impl de::Error for Refusal {
    fn custom<T: fmt::Display>(text: T) -> Refusal {
        Refusal::new(text.to_string())
    }

    fn invalid_type(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Refusal {
        Refusal::invalid_value(found, expected)
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "JSON has no more kinds of values")]
    fn invalid_value(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Refusal {
        let found = match found {
            de::Unexpected::Unsigned(number) => format!("the number {number}"),
            de::Unexpected::Signed(number) => format!("the number {number}"),
            de::Unexpected::Str(text) => format!("the text \"{text}\""),
            de::Unexpected::Bool(flag) => flag.to_string(),
            de::Unexpected::Seq => "a list".to_owned(),
            de::Unexpected::Map => "an object".to_owned(),
            other => other.to_string(),
        };
        Refusal::new(format!("is {found}; must be {expected}"))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Refusal {
        Refusal::new(format!("is \"{variant}\"; must be {}", one_of(expected)))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Refusal {
        let fields = expected.join(", ");
        Refusal::new(format!("is not a field here; the fields are {fields}")).inside(field)
    }

    fn missing_field(field: &'static str) -> Refusal {
        Refusal::new("is missing, and must be given".to_owned()).inside(field)
    }
}

fn one_of(variants: &[&str]) -> String {
    let quoted = variants.iter().map(|variant| format!("\"{variant}\"")).collect::<Vec<_>>();
    format!("one of {}", quoted.join(", "))
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Node, E> {
        Ok(Node::Bool(flag))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Node, E> {
        Ok(Node::Number(number.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Node, E> {
        Ok(Node::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Node, E> {
        Ok(Number::from_f64(number).map_or(Node::Null, Node::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = list.next_element()? {
            nodes.push(node);
        }
        Ok(Node::List(nodes))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut object: A) -> Result<Node, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = object.next_entry()? {
            fields.push(field);
        }
        Ok(Node::Object(fields))
    }
}

impl<'de> Deserializer<'de> for Node {
    type Error = Refusal;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match self {
            // Nothing takes null: a field that is not given is left out.
            Node::Null => Err(self.refuse(&Expected(&visitor))),
            Node::Bool(flag) => visitor.visit_bool(flag),
            Node::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(whole), _) => visitor.visit_u64(whole),
                (None, Some(whole)) => visitor.visit_i64(whole),
                (None, None) => Err(Node::Number(number).refuse(&Expected(&visitor))),
            },
            Node::Text(text) => visitor.visit_string(text),
            Node::List(nodes) => visitor.visit_seq(List { nodes: nodes.into_iter(), index: 0 }),
            Node::Object(fields) => visitor.visit_map(Object::new(fields)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match self {
            Node::Text(text) => visitor.visit_string(text),
            Node::Null | Node::Bool(_) | Node::Number(_) | Node::List(_) | Node::Object(_) => {
                Err(self.refuse(&"a text"))
            }
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match self {
            Node::Bool(flag) => visitor.visit_bool(flag),
            Node::Null | Node::Number(_) | Node::Text(_) | Node::List(_) | Node::Object(_) => {
                Err(self.refuse(&"true or false"))
            }
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match self {
            Node::List(_) => self.deserialize_any(visitor),
            Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) | Node::Object(_) => {
                Err(self.refuse(&"a list"))
            }
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match self {
            Node::Object(_) => self.deserialize_any(visitor),
            Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) | Node::List(_) => {
                Err(self.refuse(&"an object"))
            }
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        match self {
            Node::Text(variant) => visitor.visit_enum(variant.into_deserializer()),
            Node::Null | Node::Bool(_) | Node::Number(_) | Node::List(_) | Node::Object(_) => {
                Err(self.refuse(&one_of(variants)))
            }
        }
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str bytes byte_buf unit unit_struct
        tuple tuple_struct identifier ignored_any
    }
}

/// What a visitor expects, as text.
struct Expected<'a, V>(&'a V);

impl<'de, V: Visitor<'de>> fmt::Display for Expected<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }
}

/// The elements of a list that are left.
struct List {
    nodes: std::vec::IntoIter<Node>,
    index: usize,
}

impl<'de> de::SeqAccess<'de> for List {
    type Error = Refusal;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Refusal> {
        let Some(node) = self.nodes.next() else { return Ok(None) };
        let index = self.index;
        self.index += 1;
        seed.deserialize(node).map(Some).map_err(|error| error.inside(&format!("[{index}]")))
    }
}

/// The fields of an object that are left, and the one whose value is next.
struct Object {
    fields: std::vec::IntoIter<(String, Node)>,
    seen: HashSet<String>,
    last: String,
    value: Option<Node>,
}

impl Object {
    /// A price's model comes first, since the other fields are the model's.
    fn new(mut fields: Vec<(String, Node)>) -> Object {
        fields.sort_by_key(|(field, _)| field != "model");
        let fields = fields.into_iter();
        Object { fields, seen: HashSet::new(), last: String::new(), value: None }
    }
}

impl<'de> de::MapAccess<'de> for Object {
    type Error = Refusal;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Refusal> {
        let Some((field, value)) = self.fields.next() else { return Ok(None) };
        if !self.seen.insert(field.clone()) {
            let text = "is given twice; give it once".to_owned();
            return Err(Refusal::new(text).inside(&field));
        }
        self.value = Some(value);
        self.last.clone_from(&field);
        let name = field.into_deserializer();
        // A field that a type doesn't have has its path already; a key that is none has not.
        let placed = |error: Refusal| {
            if error.path.is_empty() { error.inside(&self.last) } else { error }
        };
        seed.deserialize::<StringDeserializer<Refusal>>(name).map(Some).map_err(placed)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Refusal> {
        let value = self.value.take().unwrap_or(Node::Null);
        seed.deserialize(value).map_err(|error| error.inside(&self.last))
    }
}
