//! The icons of chips and notices: SVG without a colour of its own, hidden from screen readers.

use std::fmt::{self, Display, Formatter};

use askama::filters::HtmlSafe;

/// An icon beside a text, which carries the meaning alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Icon {
    /// Settled, used up, done.
    Check,
    /// Still going on, or to come.
    Clock,
    /// Not signed, or nothing here yet.
    Dashed,
    /// The reader has to act.
    Care,
    /// Something to know.
    Info,
    /// Closed, or ended.
    Square,
    /// Paused, and can go on.
    Pause,
    /// A change of prices.
    Tag,
    /// About days that are over.
    History,
}

impl HtmlSafe for Icon {}

impl Display for Icon {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let path = match self {
            Icon::Check => "<path d=\"M3 8.5 6.5 12 13 4.5\"/>",
            Icon::Clock => "<circle cx=\"8\" cy=\"8\" r=\"6.5\"/><path d=\"M8 4.2V8l2.6 1.8\"/>",
            Icon::Dashed => "<circle cx=\"8\" cy=\"8\" r=\"5.5\" stroke-dasharray=\"2.6 2.2\"/>",
            Icon::Care => "<path d=\"M8 2.5v7.2M8 12.6v.2\"/>",
            Icon::Info => "<circle cx=\"8\" cy=\"8\" r=\"6.5\"/><path d=\"M8 7.2v4M8 4.6v.2\"/>",
            Icon::Square => "<path d=\"M4 4h8v8H4z\"/>",
            Icon::Pause => "<path d=\"M5.5 3v10M10.5 3v10\"/>",
            Icon::Tag => "<path d=\"M2.5 8.6V2.5h6.1l5 5-6.1 6.1zM5.4 5.4v.1\"/>",
            Icon::History => "<path d=\"M8 3.2V8l3.2 2M2.2 8a5.8 5.8 0 1 0 2-4.4M2.4 1.8v2.6H5\"/>",
        };
        write!(
            f,
            "<svg viewBox=\"0 0 16 16\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.6\" \
             stroke-linecap=\"round\" stroke-linejoin=\"round\" aria-hidden=\"true\">{path}</svg>"
        )
    }
}
