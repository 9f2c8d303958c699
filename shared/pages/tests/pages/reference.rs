//! The reference of the API: everything of a document, escaped.

use serde_json::{Value, json};
use steelyard_pages::Lang;
use steelyard_pages::reference::ReferencePage;

use crate::look;
use crate::month::Month;

const HOSTILE: &str = "<script>alert(\"1\")</script>";

fn document() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Steelyard", "version": "1", "description": format!("One `code`.\n\nTwo {HOSTILE}") },
        "paths": { "/v1/things/{thing}": { "get": {
            "operationId": "thing",
            "summary": "A thing",
            "description": HOSTILE,
            "security": [{ "iam": [] }, { "token": [] }],
            "parameters": [{ "name": "thing", "in": "path", "required": true, "description": "Which.", "example": 7 }],
            "requestBody": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Thing" } } } },
            "responses": { "200": { "description": "The thing.", "content": {
                "application/json": { "schema": { "type": "array", "items": { "$ref": "#/components/schemas/Thing" } } },
            } } },
        } }, "/v1/open": { "get": { "operationId": "open", "summary": "Open", "security": [], "responses": {} } } },
        "components": {
            "schemas": {
                "Thing": { "description": "A thing.", "allOf": [
                    { "$ref": "#/components/schemas/Part" },
                    { "type": "object", "properties": { "count": { "type": ["integer", "null"], "description": HOSTILE } } },
                ] },
                "Part": { "oneOf": [
                    { "type": "object", "description": "The one.", "properties": { "kind": { "type": "string", "enum": ["a", "b"] } } },
                    { "type": "string" },
                ] },
            },
            "securitySchemes": { "iam": { "type": "apiKey", "name": "Authorization", "in": "header", "description": "Signed." } },
        },
    })
}

#[test]
fn a_document_is_shown_whole_and_escaped() {
    let month = Month::of_may_2015();
    for lang in Lang::ALL {
        let mut frame = month.frame(lang, "reference");
        frame.provider = None;
        let html = look::page("reference", lang, &ReferencePage::new(&frame, &document()));
        for shown in [
            "GET /v1/things/{thing}",
            "<a href=\"/portal/reference/thing\">",
            "One <code>code</code>.",
            "&#60;script&#62;",
        ] {
            assert!(html.contains(shown), "{shown}: {html}");
        }
        assert!(ReferencePage::of(&frame, &document(), "another").is_none());
        let document = document();
        let route = ReferencePage::of(&frame, &document, "thing").unwrap();
        let html = look::page("reference-route", lang, &route);
        for shown in [
            "GET /v1/things/{thing}",
            "<a href=\"/portal/reference/schema-Thing\"><code>Thing</code></a>",
            "<code>iam</code>, <code>token</code>",
            "<code>integer</code>",
            "<a href=\"/portal/reference/schema-Part\"><code>Part</code></a>",
            "&#60;script&#62;",
        ] {
            assert!(html.contains(shown), "{shown}: {html}");
        }
        assert!(!html.contains("The one."), "only what the route names: {html}");
        let schema = ReferencePage::of(&frame, &document, "schema-Thing").unwrap();
        let html = look::page("reference-schema", lang, &schema);
        for shown in ["<code>integer</code>", "<span lang=\"en\">The one.</span>"] {
            assert_eq!(html.matches(shown).count(), 1, "{shown}: {html}");
        }
    }
}

#[test]
fn another_document_is_no_page_that_fails() {
    let month = Month::of_may_2015();
    let frame = month.frame(Lang::En, "reference");
    for document in
        [json!(null), json!({}), json!({ "paths": [1], "components": { "schemas": 1 } })]
    {
        look::page("reference-none", Lang::En, &ReferencePage::new(&frame, &document));
    }
}
