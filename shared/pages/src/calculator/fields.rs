//! The fields of a line, as spreadsheets and people write them.

/// A field, trimmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) text: String,
    /// Whether it stood in quotation marks.
    pub(super) is_quoted: bool,
}

/// What parts the fields of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Separator {
    Comma,
    Semicolon,
    Tab,
    Spaces,
}

/// A quotation mark is not closed in its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unclosed;

impl Separator {
    /// Whether people also part the digits of a number so.
    pub(super) fn is_in_numbers(self) -> bool {
        match self {
            Separator::Comma | Separator::Spaces => true,
            Separator::Semicolon | Separator::Tab => false,
        }
    }

    /// That of a line: a tab or a semicolon, since neither is in a number or a name; otherwise what
    /// comes first after its first field.
    fn of(line: &str) -> Separator {
        let (mut is_in_quotes, mut after_spaces, mut first) = (false, false, None);
        for character in line.chars() {
            match character {
                '"' => is_in_quotes = !is_in_quotes,
                _ if is_in_quotes => {}
                '\t' => return Separator::Tab,
                ';' => return Separator::Semicolon,
                ',' => first = first.or(Some(Separator::Comma)),
                ' ' => after_spaces = true,
                _ if after_spaces => first = first.or(Some(Separator::Spaces)),
                _ => {}
            }
        }
        first.unwrap_or(Separator::Spaces)
    }

    fn is(self, character: char) -> bool {
        match self {
            Separator::Comma => character == ',',
            Separator::Semicolon => character == ';',
            Separator::Tab => character == '\t',
            Separator::Spaces => character.is_whitespace(),
        }
    }
}

/// The lines of a text, whichever way they end: as Windows, Unix or old Macs end them.
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = text.find(['\r', '\n']) else {
            rest = None;
            return Some(text);
        };
        let (line, left) = text.split_at(end);
        let left = left.strip_prefix("\r\n").or_else(|| left.get(1..));
        rest = left;
        Some(line)
    })
}

/// A line with the plain characters for the full-width ones that Chinese keyboards type.
pub(super) fn plain(line: &str) -> String {
    let plain = |character: char| match character {
        '\u{ff01}'..='\u{ff5e}' => {
            let code = u32::from(character) - 0xfee0;
            char::from_u32(code).unwrap_or(character)
        }
        '\u{3000}' | '\u{a0}' | '\u{2007}' | '\u{2009}' | '\u{202f}' => ' ',
        '、' => ',',
        '。' => '.',
        '“' | '”' | '„' => '"',
        '￥' => '¥',
        _ => character,
    };
    // A byte order mark inside is of a file that was appended; zero-width characters come with
    // pasted text.
    let is_seen = |character: &char| {
        !matches!(character, '\u{feff}' | '\u{200b}' | '\u{200c}' | '\u{200d}' | '\u{2060}')
    };
    line.chars().filter(is_seen).map(plain).collect()
}

/// The fields of a line, without the empty ones at its end.
pub(super) fn split(line: &str) -> Result<(Vec<Field>, Separator), Unclosed> {
    let separator = Separator::of(line.trim_matches(' '));
    Ok((split_at(line, separator)?, separator))
}

/// The fields of a line between separators of a kind, without the empty ones at its end.
pub(super) fn split_at(line: &str, separator: Separator) -> Result<Vec<Field>, Unclosed> {
    let line = line.trim_matches(' ');
    let (mut fields, mut text, mut is_quoted) = (Vec::new(), String::new(), false);
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        if character == '"' && text.trim().is_empty() && !is_quoted {
            text = quoted(&mut characters)?;
            is_quoted = true;
        } else if separator.is(character) {
            fields.push(Field { text: text.trim().to_owned(), is_quoted });
            (text, is_quoted) = (String::new(), false);
            while separator == Separator::Spaces
                && characters.next_if(|c| c.is_whitespace()).is_some()
            {}
        } else {
            text.push(character);
        }
    }
    fields.push(Field { text: text.trim().to_owned(), is_quoted });
    while fields.len() > 1 && fields.last().is_some_and(|field| field.text.is_empty()) {
        fields.pop();
    }
    Ok(fields)
}

/// What stands up to the closing quotation mark; a doubled one is a mark itself.
fn quoted(characters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<String, Unclosed> {
    let mut text = String::new();
    while let Some(character) = characters.next() {
        if character != '"' {
            text.push(character);
        } else if characters.next_if_eq(&'"').is_some() {
            text.push('"');
        } else {
            return Ok(text);
        }
    }
    Err(Unclosed)
}
