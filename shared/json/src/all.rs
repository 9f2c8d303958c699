//! All that is wrong in the form of a document, and not the first of it alone.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;

use crate::{JsonError, Node};

/// The most times that a document is read to find all that is wrong with it.
const READINGS_MAX: usize = 100;

/// A document that is wrong in parts.
#[derive(Debug)]
pub struct Partial<T> {
    /// The document without the parts that are wrong; none if too little is left.
    pub read: Option<T>,
    /// Everything that is wrong with its form.
    pub wrong: Vec<JsonError>,
    out: Out,
}

/// The parts that were taken out of a document.
#[derive(Debug, Default)]
struct Out {
    paths: BTreeSet<String>,
    /// The places of the elements that were taken out of a list, by its path. Errors come in the
    /// order of a list, so all of them stood before the next error.
    elements: BTreeMap<String, BTreeSet<usize>>,
}

/// A document without what was found to be wrong in it.
struct Rest {
    node: Node,
    found: Vec<JsonError>,
    out: Out,
}

/// The place of an error, as a path in the document before anything was left out of it.
struct Place {
    /// The places of the fields and elements that lead to it, of those that are left.
    steps: Vec<usize>,
    /// The path to that in the document as it was written.
    path: String,
    /// What of the error's path is not there: a field that is missing.
    missing: String,
}

/// Reads a document; if it is refused, reads on without what is wrong.
pub(crate) fn read<T: DeserializeOwned>(node: Node) -> Result<T, Partial<T>> {
    let first = match node.clone().read::<T>() {
        Ok(read) => return Ok(read),
        Err(error) => error,
    };
    let mut rest = Rest { node, found: Vec::new(), out: Out::default() };
    let (mut error, mut read) = (first, None);
    for _ in 0..READINGS_MAX {
        if !rest.take_out(&error) {
            break;
        }
        match rest.node.clone().read::<T>() {
            Ok(left) => {
                read = Some(left);
                break;
            }
            Err(next) => error = next,
        }
    }
    Err(Partial { read, wrong: rest.found, out: rest.out })
}

impl<T> Partial<T> {
    /// The path in the document as it was written, given one in what was [read](Partial::read);
    /// none of the document as a whole, and of what lost a part.
    #[must_use]
    pub fn written(&self, path: &str) -> Option<String> {
        let mut written = String::new();
        for step in path.split('.') {
            let (name, mut left) = step.split_at(step.find('[').unwrap_or(step.len()));
            let joint = if written.is_empty() { "" } else { "." };
            written = format!("{written}{joint}{name}");
            while let Some((index, rest)) = left.strip_prefix('[').and_then(|of| of.split_once(']'))
            {
                let index = self.out.written(&written, index.parse().ok()?);
                written = format!("{written}[{index}]");
                left = rest;
            }
        }
        let is_of = |out: &String| {
            let left = out.strip_prefix(&*written);
            left.is_some_and(|left| left.is_empty() || left.starts_with(['.', '[']))
        };
        let is_whole = !written.is_empty() && !self.out.paths.iter().any(is_of);
        is_whole.then_some(written)
    }
}

impl Out {
    /// The place of an element in its list as it was written, given that in what is left of it.
    fn written(&self, list: &str, index: usize) -> usize {
        let out = self.elements.get(list).into_iter().flatten();
        out.fold(index, |index, out| if *out <= index { index + 1 } else { index })
    }
}

impl Rest {
    /// Notes an error, and takes out what it is about. Whether that left anything.
    fn take_out(&mut self, error: &JsonError) -> bool {
        let place = self.place(&error.path);
        let step = if place.missing.starts_with('[') || place.path.is_empty() { "" } else { "." };
        let joint = if place.missing.is_empty() { "" } else { step };
        let path = format!("{}{joint}{}", place.path, place.missing);
        // That a field is missing which was taken out is no fault of the document.
        let wrong = JsonError { path, text: error.text.clone() };
        if !self.out.paths.contains(&wrong.path) && !self.found.contains(&wrong) {
            self.found.push(wrong);
        }
        self.out.paths.insert(place.path.clone());
        let Some((last, before)) = place.steps.split_last() else { return false };
        let parent = before.iter().try_fold(&mut self.node, |node, step| node.inner_mut(*step));
        match parent {
            Some(Node::Object(fields)) if *last < fields.len() => drop(fields.remove(*last)),
            Some(Node::List(nodes)) if *last < nodes.len() => {
                drop(nodes.remove(*last));
                let list = place.path.rsplit_once('[').map_or("", |(list, _)| list);
                let index = self.out.written(list, *last);
                self.out.elements.entry(list.to_owned()).or_default().insert(index);
            }
            Some(_) | None => return false,
        }
        true
    }

    fn place(&self, path: &str) -> Place {
        let mut place = Place { steps: Vec::new(), path: String::new(), missing: path.to_owned() };
        let mut node = &self.node;
        while let Some((step, name, left)) = node.step_into(&place.missing) {
            let Some(inner) = node.inner(step) else { break };
            place.path = match name {
                Some(name) if place.path.is_empty() => name.to_owned(),
                Some(name) => format!("{}.{name}", place.path),
                None => format!("{}[{}]", place.path, self.out.written(&place.path, step)),
            };
            place.steps.push(step);
            place.missing = left;
            node = inner;
        }
        place
    }
}

impl Node {
    fn inner(&self, step: usize) -> Option<&Node> {
        match self {
            Node::Object(fields) => fields.get(step).map(|(_, node)| node),
            Node::List(nodes) => nodes.get(step),
            Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) => None,
        }
    }

    fn inner_mut(&mut self, step: usize) -> Option<&mut Node> {
        match self {
            Node::Object(fields) => fields.get_mut(step).map(|(_, node)| node),
            Node::List(nodes) => nodes.get_mut(step),
            Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) => None,
        }
    }

    /// The first step of a path: its place, the name of a field, and the path that is left.
    fn step_into(&self, path: &str) -> Option<(usize, Option<&str>, String)> {
        match self {
            Node::Object(fields) => {
                let left = |name: &str| left_after(path, name);
                let fits = |(name, _): &&(String, Node)| left(name).is_some();
                let (name, _) = fields.iter().filter(fits).max_by_key(|(name, _)| name.len())?;
                let is_named = |(other, _): &(String, Node)| other == name;
                // What is given twice is wrong where it stands last.
                let at = match left(name)?.is_empty() {
                    true => fields.iter().rposition(is_named),
                    false => fields.iter().position(is_named),
                };
                Some((at?, Some(name), left(name)?.to_owned()))
            }
            Node::List(_) => {
                let (index, left) = path.strip_prefix('[')?.split_once(']')?;
                let left = left.strip_prefix('.').unwrap_or(left);
                Some((index.parse().ok()?, None, left.to_owned()))
            }
            Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) => None,
        }
    }
}

/// What is left of a path after a field; nothing unless it begins with the field.
fn left_after<'a>(path: &'a str, name: &str) -> Option<&'a str> {
    let left = path.strip_prefix(name)?;
    match left.strip_prefix('.') {
        Some(left) => Some(left),
        None => (left.is_empty() || left.starts_with('[')).then_some(left),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Order {
        #[serde(rename = "count")]
        _count: u8,
        #[serde(default)]
        parts: Vec<Order>,
        #[serde(default)]
        names: Vec<String>,
    }

    fn wrong(document: &str) -> Vec<String> {
        let read = crate::parse(document.as_bytes()).unwrap().read_all::<Order>();
        read.err().unwrap_or_default().into_iter().map(|error| error.path).collect()
    }

    #[test]
    fn all_that_is_wrong_is_found_where_it_was_written() {
        for (document, found) in [
            (r#"{"count": 1}"#, vec![]),
            ("[]", vec![""]),
            (r#"{"names": [1, "a", 2]}"#, vec!["names[0]", "names[2]", "count"]),
            (r#"{"count": 1, "a.b[0]": 1, "a": 1}"#, vec!["a.b[0]", "a"]),
            (r#"{"count": 1, "count": 2, "parts": 5}"#, vec!["count", "parts"]),
            (
                r#"{"count": true, "parts": [{}, {"count": 1}, {"count": 300, "names": [5]}, 7]}"#,
                vec!["count", "parts[0].count", "parts[2].count", "parts[2].names[0]", "parts[3]"],
            ),
        ] {
            assert_eq!(wrong(document), found, "{document}");
        }
    }

    #[test]
    fn what_is_left_is_read_and_its_paths_are_those_of_what_was_written() {
        let document =
            r#"{"count": 1, "names": [1, "a", 2, "b"], "parts": [{}, {"count": 2, "parts": 5}]}"#;
        let partial = crate::parse(document.as_bytes()).unwrap().read_in_parts::<Order>();
        let partial = partial.unwrap_err();
        let left = partial.read.as_ref().unwrap();
        assert_eq!((left.names.as_slice(), left.parts.len()), (&["a".into(), "b".into()][..], 1));
        for (path, written) in [
            ("count", Some("count")),
            ("names[0]", Some("names[1]")),
            ("names[1]", Some("names[3]")),
            ("parts[0].count", Some("parts[1].count")),
            // Each of them lost a part.
            ("names", None),
            ("parts[0].parts", None),
            ("parts[0]", None),
            ("", None),
        ] {
            assert_eq!(partial.written(path).as_deref(), written, "{path}");
        }
    }

    #[test]
    fn a_document_of_nothing_but_errors_is_left_after_a_hundred_readings() {
        let document = format!(r#"{{"count": 1, "names": [{}1]}}"#, "1, ".repeat(5_000));
        let found = wrong(&document);
        assert_eq!(found.len(), super::READINGS_MAX);
        assert!(found.last().unwrap().starts_with("names[99]"), "{found:?}");
    }
}
