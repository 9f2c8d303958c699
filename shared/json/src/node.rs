//! JSON as it is written, read into types by a deserializer whose errors have paths and are for
//! people.

use std::collections::HashSet;
use std::fmt;

use serde::de::value::{MapAccessDeserializer, StringDeserializer};
use serde::de::{self, Deserialize, DeserializeOwned, DeserializeSeed, Deserializer};
use serde::de::{IntoDeserializer, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Number, Value};

use crate::error::one_of;
use crate::{Fields, JsonError, Partial, all};

/// A piece of a document, with its fields in their order, also those that are given twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// The literal `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as it is written, with all its digits.
    Number(Number),
    /// A string, its escapes resolved.
    Text(String),
    /// An array, its elements in their order.
    List(Vec<Node>),
    /// An object, its fields in their order.
    Object(Vec<(String, Node)>),
}

impl Node {
    /// What it says, as a type.
    ///
    /// # Errors
    ///
    /// [`JsonError`] with the path of what is wrong, the first.
    pub fn read<T: DeserializeOwned>(self) -> Result<T, JsonError> {
        T::deserialize(self)
    }

    /// What it says, as a type, or all that is wrong.
    ///
    /// # Errors
    ///
    /// Each [`JsonError`] that a person would correct, with its path; of the fields that an object
    /// misses, the first. After a hundred readings the rest is left for the next time.
    pub fn read_all<T: DeserializeOwned>(self) -> Result<T, Vec<JsonError>> {
        all::read(self).map_err(|partial| partial.wrong)
    }

    /// Reads the document as a type. If parts of it are wrong, the error has all of them, as
    /// [`read_all`](Node::read_all) finds them, and what the rest of the document says.
    ///
    /// # Errors
    ///
    /// [`Partial`] where anything is wrong.
    pub fn read_in_parts<T: DeserializeOwned>(self) -> Result<T, Partial<T>> {
        all::read(self)
    }

    /// The fields of an object.
    ///
    /// # Errors
    ///
    /// When it is no object, or a field is given twice.
    pub fn into_fields(self) -> Result<Fields, JsonError> {
        match self {
            Node::Object(fields) => Fields::new(fields),
            Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) | Node::List(_) => {
                Err(self.refuse(&"an object"))
            }
        }
    }

    /// The elements of a list.
    ///
    /// # Errors
    ///
    /// When it is no list.
    pub fn into_list(self) -> Result<Vec<Node>, JsonError> {
        match self {
            Node::List(nodes) => Ok(nodes),
            Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) | Node::Object(_) => {
                Err(self.refuse(&"a list"))
            }
        }
    }

    /// The same as a value that has each field once, nulls included: for events whose form is not
    /// ours.
    ///
    /// # Errors
    ///
    /// When a field is given twice, wherever it is.
    pub fn into_value(self) -> Result<Value, JsonError> {
        match self {
            Node::Null => Ok(Value::Null),
            Node::Bool(flag) => Ok(flag.into()),
            Node::Number(number) => Ok(number.into()),
            Node::Text(text) => Ok(text.into()),
            Node::List(nodes) => {
                let element = |(index, node): (usize, Node)| {
                    node.into_value().map_err(|error| error.inside(&format!("[{index}]")))
                };
                nodes.into_iter().enumerate().map(element).collect()
            }
            Node::Object(fields) => {
                let mut object = serde_json::Map::new();
                for (field, node) in fields {
                    let value = node.into_value().map_err(|error| error.inside(&field))?;
                    if object.insert(field.clone(), value).is_some() {
                        return Err(JsonError::twice(&field));
                    }
                }
                Ok(object.into())
            }
        }
    }

    /// The same with a field before all others, here and in all objects within: for a type that
    /// reads the other fields by it.
    #[must_use]
    pub fn with_first(self, first: &str) -> Node {
        match self {
            Node::List(nodes) => {
                Node::List(nodes.into_iter().map(|node| node.with_first(first)).collect())
            }
            Node::Object(mut fields) => {
                fields.sort_by_key(|(field, _)| field != first);
                let fields = fields.into_iter();
                Node::Object(fields.map(|(field, node)| (field, node.with_first(first))).collect())
            }
            Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) => self,
        }
    }

    /// The names of an object's fields.
    pub fn field_names(&self) -> impl Iterator<Item = &str> {
        let fields = match self {
            Node::Object(fields) => fields.as_slice(),
            Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) | Node::List(_) => &[],
        };
        fields.iter().map(|(field, _)| field.as_str())
    }

    fn refuse(&self, expected: &dyn fmt::Display) -> JsonError {
        JsonError::new(match self {
            Node::Null => format!("is null; leave it out, or give {expected}"),
            Node::Bool(_) | Node::Number(_) | Node::Text(_) | Node::List(_) | Node::Object(_) => {
                format!("is {self}; must be {expected}")
            }
        })
    }
}

impl From<Value> for Node {
    fn from(value: Value) -> Node {
        match value {
            Value::Null => Node::Null,
            Value::Bool(flag) => Node::Bool(flag),
            Value::Number(number) => Node::Number(number),
            Value::String(text) => Node::Text(text),
            Value::Array(values) => Node::List(values.into_iter().map(Node::from).collect()),
            Value::Object(object) => {
                let fields = object.into_iter().map(|(field, value)| (field, Node::from(value)));
                Node::Object(fields.collect())
            }
        }
    }
}

/// For people: what it is, without what is in it.
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

/// Objects are written with their fields by name, so that two which say the same are written alike.
impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Node::Null => serializer.serialize_unit(),
            Node::Bool(flag) => serializer.serialize_bool(*flag),
            Node::Number(number) => number.serialize(serializer),
            Node::Text(text) => serializer.serialize_str(text),
            Node::List(nodes) => serializer.collect_seq(nodes),
            Node::Object(fields) => {
                let mut sorted: Vec<_> = fields.iter().collect();
                sorted.sort_by_key(|(field, _)| field);
                let mut object = serializer.serialize_map(Some(sorted.len()))?;
                for (field, node) in sorted {
                    object.serialize_entry(field, node)?;
                }
                object.end()
            }
        }
    }
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
    type Error = JsonError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
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

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, JsonError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        match self {
            Node::Text(text) => visitor.visit_string(text),
            Node::Null | Node::Bool(_) | Node::Number(_) | Node::List(_) | Node::Object(_) => {
                Err(self.refuse(&"a text"))
            }
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        match self {
            Node::Bool(flag) => visitor.visit_bool(flag),
            Node::Null | Node::Number(_) | Node::Text(_) | Node::List(_) | Node::Object(_) => {
                Err(self.refuse(&"true or false"))
            }
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        match self {
            Node::List(_) => self.deserialize_any(visitor),
            Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) | Node::Object(_) => {
                Err(self.refuse(&"a list"))
            }
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
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
    ) -> Result<V::Value, JsonError> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, JsonError> {
        match self {
            Node::Text(variant) => visitor.visit_enum(variant.into_deserializer()),
            Node::Object(fields) if fields.len() == 1 => {
                visitor.visit_enum(MapAccessDeserializer::new(Object::new(fields)))
            }
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
    type Error = JsonError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, JsonError> {
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
    fn new(fields: Vec<(String, Node)>) -> Object {
        let fields = fields.into_iter();
        Object { fields, seen: HashSet::new(), last: String::new(), value: None }
    }
}

impl<'de> de::MapAccess<'de> for Object {
    type Error = JsonError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, JsonError> {
        let Some((field, value)) = self.fields.next() else { return Ok(None) };
        if !self.seen.insert(field.clone()) {
            return Err(JsonError::twice(&field));
        }
        self.value = Some(value);
        self.last.clone_from(&field);
        let name = field.into_deserializer();
        // A field that a type doesn't have has its path already; a key that is none has not.
        let placed = |error: JsonError| {
            if error.path.is_empty() { error.inside(&self.last) } else { error }
        };
        seed.deserialize::<StringDeserializer<JsonError>>(name).map(Some).map_err(placed)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, JsonError> {
        let value = self.value.take().unwrap_or(Node::Null);
        seed.deserialize(value).map_err(|error| error.inside(&self.last))
    }
}
