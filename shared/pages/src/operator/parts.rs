//! The parts of which the operators' pages are made: tables, chips, notices and sums.

use askama::Template;
use askama::filters::HtmlSafe;

use super::form::ActionForm;
use crate::icon::Icon;
use crate::show::Html;

/// A section of a page: its heading in the margin, and its content.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    pub(crate) id: &'static str,
    pub(crate) heading: Html,
    pub(crate) note: Option<Html>,
    pub(crate) body: Html,
}

/// A table whose rows become entries on a phone. The first cell of each row names it.
#[derive(Clone, Debug, Template)]
#[template(path = "operator/table.html")]
pub(crate) struct Table {
    pub(crate) caption: Html,
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<Html>>,
    /// The sums below the rows; empty without any.
    pub(crate) foot: Vec<Html>,
}

/// A column of a table.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) label: Html,
    pub(crate) is_number: bool,
}

/// A state: an icon and a word.
#[derive(Clone, Debug)]
pub(crate) struct Chip {
    pub(crate) kind: ChipKind,
    pub(crate) icon: Icon,
    pub(crate) label: Html,
}

/// How a state is set apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChipKind {
    /// Settled, or on.
    Go,
    /// A person has to act.
    Care,
    /// A neutral fact.
    Plain,
}

/// A fact, its effect, and what can be done about it.
#[derive(Clone, Debug, Template)]
#[template(path = "operator/notice.html")]
pub(crate) struct Notice {
    pub(crate) needs_care: bool,
    pub(crate) icon: Icon,
    pub(crate) heading: Html,
    pub(crate) text: Html,
    pub(crate) form: Option<ActionForm>,
}

/// A sum with what it is of.
#[derive(Clone, Debug)]
pub(crate) struct Figured {
    pub(crate) label: Html,
    pub(crate) figure: Html,
    pub(crate) when: Html,
}

impl HtmlSafe for Table {}
impl HtmlSafe for Notice {}

impl Column {
    /// A column of texts, aligned at the start.
    pub(crate) fn words(label: Html) -> Column {
        Column { label, is_number: false }
    }

    /// A column of numbers, aligned at the end.
    pub(crate) fn figures(label: Html) -> Column {
        Column { label, is_number: true }
    }
}

impl Table {
    pub(crate) fn new(caption: Html, columns: Vec<Column>, rows: Vec<Vec<Html>>) -> Table {
        Table { caption, columns, rows, foot: Vec::new() }
    }

    pub(crate) fn html(&self) -> Html {
        Html(self.to_string())
    }

    fn cells<'a>(&'a self, row: &'a [Html]) -> impl Iterator<Item = (&'a Html, &'a Column)> {
        row.iter().zip(&self.columns)
    }
}

impl Chip {
    pub(crate) fn html(&self) -> Html {
        let class = match self.kind {
            ChipKind::Go => "chip go",
            ChipKind::Care => "chip care",
            ChipKind::Plain => "chip",
        };
        Html(format!("<span class=\"{class}\">{}{}</span>", self.icon, self.label))
    }
}

impl Notice {
    /// Something to know that asks for nothing.
    pub(crate) fn plain(icon: Icon, heading: Html, text: Html) -> Notice {
        Notice { needs_care: false, icon, heading, text, form: None }
    }

    pub(crate) fn html(&self) -> Html {
        Html(self.to_string())
    }
}

/// Parts one after another.
pub(crate) fn all(parts: impl IntoIterator<Item = Html>) -> Html {
    Html(parts.into_iter().map(|part| part.0).collect())
}

/// What stands where nothing is.
pub(crate) fn empty(heading: &Html, text: &Html) -> Html {
    Html(format!("<div class=\"empty\"><h3>{heading}</h3><p class=\"soft\">{text}</p></div>"))
}

/// A paragraph in the second ink.
pub(crate) fn note(text: &Html) -> Html {
    Html(format!("<p class=\"note\">{text}</p>"))
}

/// A cell of several parts, which stay together when the row becomes an entry on a phone.
pub(crate) fn one(cell: &Html) -> Html {
    Html(format!("<span>{cell}</span>"))
}

/// A name with what is said of it below.
pub(crate) fn with_sub(name: &Html, sub: &Html) -> Html {
    Html(format!("{name}<span class=\"sub\">{sub}</span>"))
}

/// Three sums side by side.
pub(crate) fn trio(sums: &[Figured; 3]) -> Html {
    let one = |of: &Figured| {
        let Figured { label, figure, when } = of;
        format!(
            "<div><dt class=\"label\">{label}</dt><dd class=\"fig\">{figure}</dd><dd class=\"when\">{when}</dd></div>"
        )
    };
    Html(format!("<dl class=\"trio\">{}</dl>", sums.iter().map(one).collect::<String>()))
}

/// A text as it stands in a query: everything but unreserved characters is encoded (RFC 3986, 2.3).
pub(crate) fn percent_encoded(text: &str) -> String {
    let encoded = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encoded).collect()
}
