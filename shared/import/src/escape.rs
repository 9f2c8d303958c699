//! The escapes by which servers write what a client sent into a log. Pure.
//!
//! Source: Apache's `ap_escape_logitem` (`\"`, `\\`, `\n`, `\xhh`); nginx's `escape=default`
//! (`\xHH`).

use std::borrow::Cow;
use std::fmt::Write;

/// A text with each escaped byte in percent-encoding, as a URL would have it.
pub(super) fn in_percent_encoding(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut written = String::with_capacity(text.len());
    for piece in Pieces(text) {
        match piece {
            Piece::Plain(plain) => written.push_str(plain),
            Piece::Escaped(byte) => {
                let _ = write!(written, "%{byte:02X}");
            }
        }
    }
    Cow::Owned(written)
}

/// A text as the client sent it. It stays as it is logged if the client sent bytes that are no text
/// for people: control characters, or anything but UTF-8.
pub(super) fn as_sent(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut sent = Vec::with_capacity(text.len());
    for piece in Pieces(text) {
        match piece {
            Piece::Plain(plain) => sent.extend_from_slice(plain.as_bytes()),
            Piece::Escaped(byte) => sent.push(byte),
        }
    }
    match String::from_utf8(sent) {
        Ok(sent) if !sent.contains(char::is_control) => Cow::Owned(sent),
        Ok(_) | Err(_) => Cow::Borrowed(text),
    }
}

enum Piece<'a> {
    Plain(&'a str),
    Escaped(u8),
}

struct Pieces<'a>(&'a str);

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        if self.0.is_empty() {
            return None;
        }
        if let Some((byte, rest)) = self.0.strip_prefix('\\').and_then(escaped_byte) {
            self.0 = rest;
            return Some(Piece::Escaped(byte));
        }
        // A backslash that begins no escape stands for itself.
        let next = self.0.char_indices().skip(1).find(|(_, c)| *c == '\\');
        let (plain, rest) = self.0.split_at(next.map_or(self.0.len(), |(at, _)| at));
        self.0 = rest;
        Some(Piece::Plain(plain))
    }
}

/// The byte that an escape stands for, and what follows it. `text` follows the backslash.
fn escaped_byte(text: &str) -> Option<(u8, &str)> {
    let byte = match text.chars().next()? {
        'x' => {
            let digits = text.get(1..3)?;
            if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return None;
            }
            return Some((u8::from_str_radix(digits, 16).ok()?, &text[3..]));
        }
        '"' => b'"',
        '\\' => b'\\',
        'b' => 0x08,
        'f' => 0x0c,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 0x0b,
        _ => return None,
    };
    Some((byte, &text[1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_into_text_or_percent_encoding() {
        for (logged, sent, encoded) in [
            ("car", "car", "car"),
            (r"DOMAIN\x5Calice", r"DOMAIN\alice", "DOMAIN%5Calice"),
            (r#"\"car5941 \""#, "\"car5941 \"", "%22car5941 %22"),
            (r"a\\x2e", r"a\x2e", "a%5Cx2e"),
            (r"\xe5\x95\x86", "商", "%E5%95%86"),
            // Control characters and broken UTF-8 stay as they are logged.
            (r"a\nb", r"a\nb", "a%0Ab"),
            (r"a\x1b[31m", r"a\x1b[31m", "a%1B[31m"),
            (r"a\xff", r"a\xff", "a%FF"),
            // No escapes.
            (r"a\q\xg1\x4", r"a\q\xg1\x4", r"a\q\xg1\x4"),
            (r"a\", r"a\", r"a\"),
            (r"\商", r"\商", r"\商"),
        ] {
            assert_eq!(as_sent(logged), sent, "{logged}");
            assert_eq!(in_percent_encoding(logged), encoded, "{logged}");
        }
    }
}
