//! The reference of the API: an OpenAPI document as pages, for people. One lists the routes. Each
//! route and each schema has one of its own, with the schemas that it names; these name others by
//! links, so that no page grows with the document.

mod fields;
mod texts;

use std::collections::BTreeSet;

use askama::Template;
use serde_json::Value;

use crate::frame::{Common, Frame};
use crate::lang::Lang;
use crate::operator::parts::{Column, Table, all, note};
use crate::show::{Code, Html};
use fields::{SCHEMAS, fields, kind};
use texts::Texts;

/// A page of it. What it takes from the document is in English; its headings are in the language of
/// the frame.
#[derive(Debug, Template)]
#[template(path = "reference.html")]
pub struct ReferencePage<'a> {
    frame: &'a Frame,
    c: Common,
    t: Texts,
    /// The route or the schema, if it is the page of one.
    of: Option<Html>,
    sheets: Vec<Vec<Section>>,
}

/// A section of the page.
#[derive(Debug)]
struct Section {
    id: String,
    heading: Html,
    note: Html,
    body: Html,
}

/// An operation of the document.
struct Operation<'v> {
    id: &'v str,
    method: &'v str,
    path: &'v str,
    described: &'v Value,
}

impl<'a> ReferencePage<'a> {
    /// The page of what holds for all routes of an OpenAPI document, with the list of them. What
    /// has another form than such a document is left out.
    #[must_use]
    pub fn new(frame: &'a Frame, document: &Value) -> ReferencePage<'a> {
        let t = Texts(frame.lang);
        let about = vec![about(t, document), schemes(t, document)];
        let sheets = vec![about, vec![contents(t, &operations(document))]];
        ReferencePage { frame, c: Common(frame.lang), t, of: None, sheets }
    }

    /// The page of a route by its `operationId`, or of a schema by `schema-` and its name; none if
    /// the document has neither.
    #[must_use]
    pub fn of(frame: &'a Frame, document: &Value, id: &str) -> Option<ReferencePage<'a>> {
        let t = Texts(frame.lang);
        let operations = operations(document);
        let schemas = || members(&document["components"]["schemas"]);
        let (described, section) = match operations.iter().find(|operation| operation.id == id) {
            Some(operation) => (operation.described, route(t, operation)),
            None => {
                let (name, schema) = schemas().find(|(name, _)| schema_id(name) == id)?;
                (schema, schema_section(t, name, schema))
            }
        };
        let mut names = BTreeSet::new();
        name_schemas(described, &mut names);
        let named = schemas().filter(|(name, _)| names.contains(name) && schema_id(name) != id);
        let named = named.map(|(name, schema)| schema_section(t, name, schema)).collect();
        let of = Some(section.heading.clone());
        Some(ReferencePage {
            frame,
            c: Common(frame.lang),
            t,
            of,
            sheets: vec![vec![section], named],
        })
    }
}

/// Adds the names of the schemas that a part of a document names.
fn name_schemas<'v>(part: &'v Value, names: &mut BTreeSet<&'v str>) {
    names.extend(part["$ref"].as_str().and_then(|of| of.strip_prefix(SCHEMAS)));
    for inner in members(part).map(|(_, inner)| inner).chain(list(part)) {
        name_schemas(inner, names);
    }
}

fn schema_section(t: Texts, name: &str, schema: &Value) -> Section {
    Section {
        id: schema_id(name),
        heading: code(name),
        note: marked(text(&schema["description"])),
        body: fields(t, schema),
    }
}

fn operations(document: &Value) -> Vec<Operation<'_>> {
    let mut operations = Vec::new();
    for (path, item) in members(&document["paths"]) {
        for (method, described) in members(item) {
            operations.push(Operation {
                id: text(&described["operationId"]),
                method,
                path,
                described,
            });
        }
    }
    operations
}

fn about(t: Texts, document: &Value) -> Section {
    let info = &document["info"];
    let source = Html::link("/v1/openapi.json", &code("/v1/openapi.json"));
    let body = all([paragraphs(text(&info["description"])), note(&t.source(source))]);
    Section {
        id: "about".to_owned(),
        heading: t.about(),
        note: t.version(text(&info["version"])),
        body,
    }
}

fn schemes(t: Texts, document: &Value) -> Section {
    let schemes = members(&document["components"]["securitySchemes"]);
    let rows = schemes.map(|(name, scheme)| {
        let place = scheme["name"].as_str().or(scheme["scheme"].as_str()).unwrap_or_default();
        vec![code(name), code(place), marked(text(&scheme["description"]))]
    });
    let columns = [t.name(), t.sent_as(), t.meaning()].map(Column::words).to_vec();
    let table = Table::new(t.schemes(), columns, rows.collect()).html();
    Section { id: "callers".to_owned(), heading: t.schemes(), note: t.schemes_note(), body: table }
}

fn contents(t: Texts, operations: &[Operation<'_>]) -> Section {
    let rows = operations.iter().map(|operation| {
        let route = Html::link(&address(operation.id), &operation.route());
        vec![route, marked(text(&operation.described["summary"]))]
    });
    let columns = [t.route(), t.meaning()].map(Column::words).to_vec();
    let table = Table::new(t.routes(), columns, rows.collect()).html();
    Section { id: "routes".to_owned(), heading: t.routes(), note: Html::default(), body: table }
}

/// The section of an operation: who may call it, what it is sent, and what it answers.
fn route(t: Texts, operation: &Operation<'_>) -> Section {
    let described = operation.described;
    let callers = list(&described["security"]).flat_map(members).map(|(name, _)| code(name));
    let callers = joined(callers);
    let callers = if callers.is_empty() { t.anybody() } else { t.callers(callers) };
    let sent = &described["requestBody"]["content"]["application/json"]["schema"];
    let sent = (!sent.is_null()).then(|| t.body(kind(t, sent)));
    let parts = [
        Some(paragraphs(text(&described["description"]))),
        Some(note(&callers)),
        parameters(t, described),
        sent.map(|sent| Html(format!("<p>{sent}</p>"))),
        Some(answers(t, described)),
    ];
    Section {
        id: operation.section(),
        heading: operation.route(),
        note: marked(text(&described["summary"])),
        body: all(parts.into_iter().flatten()),
    }
}

fn parameters(t: Texts, described: &Value) -> Option<Html> {
    let rows = list(&described["parameters"]).map(|parameter| {
        let place = code(text(&parameter["in"]));
        let needed = if parameter["required"] == true { t.required() } else { t.optional() };
        let example = &parameter["example"];
        let example = match example.as_str() {
            _ if example.is_null() => Html::default(),
            Some(text) => code(text),
            None => code(&example.to_string()),
        };
        let meaning = marked(text(&parameter["description"]));
        vec![code(text(&parameter["name"])), place, needed, meaning, example]
    });
    let rows = rows.collect::<Vec<_>>();
    let columns = [t.name(), t.place(), t.needed(), t.meaning(), t.example()];
    let table = Table::new(t.parameters(), columns.map(Column::words).to_vec(), rows);
    (!table.rows.is_empty()).then(|| table.html())
}

fn answers(t: Texts, described: &Value) -> Html {
    let rows = members(&described["responses"]).map(|(status, answer)| {
        let kinds = members(&answer["content"]).map(|(content, of)| {
            let schema = kind(t, &of["schema"]);
            all([code(content), Html(": ".to_owned()), schema])
        });
        vec![code(status), marked(text(&answer["description"])), joined(kinds)]
    });
    let columns = [t.status(), t.meaning(), t.form()].map(Column::words).to_vec();
    Table::new(t.answers(), columns, rows.collect()).html()
}

impl Operation<'_> {
    fn section(&self) -> String {
        format!("route-{}", self.id)
    }

    fn route(&self) -> Html {
        code(&format!("{} {}", self.method.to_uppercase(), self.path))
    }
}

/// The name of a schema's page, and of its section on other pages.
fn schema_id(name: &str) -> String {
    format!("schema-{name}")
}

/// The address of the page of a route or a schema.
fn address(id: &str) -> String {
    format!("/portal/reference/{id}")
}

/// The members of an object, in order; none of anything else.
fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, member)| (name.as_str(), member))
}

/// The items of a list; none of anything else.
fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn code(text: &str) -> Html {
    Html::show(Code(text), Lang::En)
}

fn joined(parts: impl Iterator<Item = Html>) -> Html {
    together(&parts.map(|part| part.0).collect::<Vec<_>>(), ", ")
}

/// Parts of one text, in one element: on a phone each element of a cell stands beside the others.
fn together(parts: &[String], between: &str) -> Html {
    match parts {
        [] => Html::default(),
        [only] => Html(only.clone()),
        parts => Html(format!("<span>{}</span>", parts.join(between))),
    }
}

/// A text in English whose parts between backticks are code.
fn marked(text: &str) -> Html {
    if text.is_empty() {
        return Html::default();
    }
    let parts = text.split('`').enumerate().map(|(place, part)| match place % 2 {
        0 => Html::show(part, Lang::En),
        _ => code(part),
    });
    Html(format!("<span lang=\"en\">{}</span>", all(parts)))
}

/// Such a text in paragraphs, which empty lines part.
fn paragraphs(text: &str) -> Html {
    let parts = text.split("\n\n").filter(|part| !part.trim().is_empty());
    all(parts.map(|part| Html(format!("<p>{}</p>", marked(part)))))
}
