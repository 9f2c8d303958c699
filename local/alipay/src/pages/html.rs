//! The little HTML that the pages are made of.

use std::fmt;

use axum::http::StatusCode;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::response::{Html, IntoResponse, Response};

/// Nothing is loaded, and nothing runs.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:2rem auto;\
padding:0 1rem}dt,label{font-weight:600}dd{margin:0 0 .5rem}label,input{display:block}\
input{margin:0 0 1rem;padding:.4rem;width:100%;box-sizing:border-box}\
button{padding:.5rem 1rem;margin-right:.5rem}";

/// A text inside of HTML, escaped.
pub(super) struct Text<'a>(pub(super) &'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                _ => write!(f, "{c}")?,
            }
        }
        Ok(())
    }
}

/// A page with a title and this HTML under it.
pub(super) fn page(status: StatusCode, title: &str, content: &str) -> Response {
    let title = Text(title);
    let html = format!(
        r#"<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title} - local Alipay</title><style>{STYLE}</style></head>
<body><main><h1>{title}</h1>
{content}</main></body>
</html>
"#
    );
    (status, [(CONTENT_SECURITY_POLICY, POLICY)], Html(html)).into_response()
}

/// A page that says one thing.
pub(super) fn message(status: StatusCode, title: &str, text: &str) -> Response {
    page(status, title, &format!("<p>{}</p>\n", Text(text)))
}

/// A list of what is what.
pub(super) fn list(terms: &[(&str, &str)]) -> String {
    let terms = terms
        .iter()
        .map(|(term, value)| format!("<dt>{}</dt><dd>{}</dd>\n", Text(term), Text(value)));
    format!("<dl>\n{}</dl>\n", terms.collect::<String>())
}

/// A field of a form, with its label.
pub(super) fn field(name: &str, label: &str, value: &str, is_required: bool) -> String {
    let (label, value) = (Text(label), Text(value));
    let required = if is_required { " required" } else { "" };
    format!(
        "<label for=\"{name}\">{label}</label>\n\
         <input id=\"{name}\" name=\"{name}\" value=\"{value}\"{required}>\n"
    )
}

/// A button of a form, which says what its reader wants.
pub(super) fn button(value: &str, label: &str) -> String {
    let label = Text(label);
    let skips = if value == "no" { " formnovalidate" } else { "" };
    format!("<button name=\"answer\" value=\"{value}\"{skips}>{label}</button>\n")
}

/// A form that is posted to an address.
pub(super) fn form(action: &str, content: &str) -> String {
    format!("<form method=\"post\" action=\"{}\">\n{content}</form>\n", Text(action))
}
