//! A piece of a foreign text that is safe to show.

use std::fmt;

/// The beginning of a text from outside, safe to show on one line of a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt(String);

const EXCERPT_CHARACTERS: usize = 120;

impl Excerpt {
    /// The beginning of a text.
    #[must_use]
    pub fn of(text: &str) -> Excerpt {
        let mut characters = text.chars();
        let shown = characters.by_ref().take(EXCERPT_CHARACTERS);
        let mut excerpt = shown.flat_map(escaped_if_invisible).collect::<String>();
        if characters.next().is_some() {
            excerpt.push('…');
        }
        Excerpt(excerpt)
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Terminals act on control characters; quotation marks and backslashes are fine.
fn escaped_if_invisible(c: char) -> impl Iterator<Item = char> {
    let is_plain = matches!(c, '"' | '\'' | '\\');
    let (plain, escaped) = if is_plain { (Some(c), None) } else { (None, Some(c.escape_debug())) };
    plain.into_iter().chain(escaped.into_iter().flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpts_are_short_and_have_no_control_characters() {
        assert_eq!(Excerpt::of("a\"\\b\u{1b}[31m\n").to_string(), r#"a"\b\u{1b}[31m\n"#);
        assert_eq!(Excerpt::of(&"x".repeat(121)).to_string(), "x".repeat(120) + "…");
    }
}
