//! The path of a request, as the server understood it that answered. Pure.
//!
//! A client can spell one path in many ways. All of them lead to one name here, since a spelling
//! that had a name of its own would have a price of its own:
//!
//! - Percent-encoding is undone once. A `%` that begins no encoding stands for itself.
//! - `%2F` is a slash, as for nginx and for most routers.
//! - What follows a `;` in a segment is a parameter of it, as for servlets, and is left out.
//! - Empty segments and `.` are skipped; `..` takes back the segment before, at most to the root.
//! - Bytes that a name of an API can't hold are percent-encoded again, in one way.

use std::borrow::Cow;
use std::fmt::Write;
use std::ops::Range;

use percent_encoding::percent_decode_str;

/// A path that leads somewhere: its segments are names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path<'a> {
    decoded: Cow<'a, [u8]>,
    segments: Vec<Range<usize>>,
}

/// Whether the case of a path makes a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// It does: `/Trades` is not `/trades`.
    Kept,
    /// It does not: all is written in lower case.
    Ignored,
}

impl<'a> Path<'a> {
    /// The path that a text is, without query and fragment. Without a slash at its beginning it is
    /// the same path.
    #[must_use]
    pub fn of(text: &'a str) -> Path<'a> {
        let decoded = Cow::from(percent_decode_str(text));
        let mut segments = Vec::new();
        let mut begin = 0;
        for segment in decoded.split(|byte| *byte == b'/') {
            let name = segment.iter().position(|byte| *byte == b';').unwrap_or(segment.len());
            match &segment[..name] {
                b"" | b"." => {}
                b".." => {
                    segments.pop();
                }
                _ => segments.push(begin..begin + name),
            }
            begin += segment.len() + 1;
        }
        Path { decoded, segments }
    }

    /// The first segments, with a slash between each two; empty for the root.
    #[must_use]
    pub fn first(&self, segments: usize, case: Case) -> String {
        let mut written = String::new();
        for segment in self.segments.iter().take(segments) {
            if !written.is_empty() {
                written.push('/');
            }
            write_name(&self.decoded[segment.clone()], case, &mut written);
        }
        written
    }

    /// All of it, with a slash before each segment; `/` for the root.
    #[must_use]
    pub fn whole(&self, case: Case) -> String {
        format!("/{}", self.first(usize::MAX, case))
    }
}

fn write_name(segment: &[u8], case: Case, written: &mut String) {
    for byte in segment {
        let byte = match case {
            Case::Kept => *byte,
            Case::Ignored => byte.to_ascii_lowercase(),
        };
        if is_plain(byte) {
            written.push(char::from(byte));
        } else {
            let _ = write!(written, "%{byte:02X}");
        }
    }
}

/// What an API's name may hold, without the `%` that begins an encoding.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"%*#\"\\`<>".contains(&byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use steelyard_pricing::ApiName;

    use super::*;

    #[test]
    fn spellings_of_a_path_are_one_path() {
        for (text, whole) in [
            ("/pay/sms", "/pay/sms"),
            ("//pay///sms/", "/pay/sms"),
            ("/pay/./sms/.", "/pay/sms"),
            ("/pay/x/../sms", "/pay/sms"),
            ("/../../pay/sms", "/pay/sms"),
            ("/p%61y/sm%73", "/pay/sms"),
            ("/pay%2fsms", "/pay/sms"),
            ("/pay/x/%2e%2E/sms", "/pay/sms"),
            ("/pay/x/.%2e/sms", "/pay/sms"),
            ("/x/..%2Fpay%2Fsms", "/pay/sms"),
            ("/%2e/pay/%2e/sms", "/pay/sms"),
            ("/pay;v=1/sms;jsessionid=A1;b", "/pay/sms"),
            ("/pay/sms%3bjsessionid=A1", "/pay/sms"),
            ("/pay/x/..;a=b/sms", "/pay/sms"),
            ("/;x/pay/;/sms", "/pay/sms"),
            // Names that only look like dots.
            ("/pay/.../sms", "/pay/.../sms"),
            ("/pay/.sms", "/pay/.sms"),
            ("/pay/..sms", "/pay/..sms"),
            // Undone once: the second spelling is of another name.
            ("/%252e%252e/sms", "/%252e%252e/sms"),
            ("/%25", "/%25"),
            // Encodings that are none stand for themselves.
            ("/pay%zz", "/pay%25zz"),
            ("/pay%2", "/pay%252"),
            ("/pay%", "/pay%25"),
            // What a name can't hold, and bytes that are no text, in one spelling.
            ("/a%20b", "/a%20b"),
            ("/a b", "/a%20b"),
            ("/%e5%95%86", "/%E5%95%86"),
            ("/商", "/%E5%95%86"),
            ("/%c0%ae%ff", "/%C0%AE%FF"),
            ("/a%00b%0A", "/a%00b%0A"),
            ("/%3f%23%22%5c", "/?%23%22%5C"),
            ("/", "/"),
            ("", "/"),
            ("/..", "/"),
            ("/.;x", "/"),
        ] {
            assert_eq!(Path::of(text).whole(Case::Kept), whole, "{text}");
        }
    }

    #[test]
    fn case_is_kept_or_ignored() {
        let path = Path::of("/Pay/S%4DS/%C0");
        assert_eq!(path.whole(Case::Kept), "/Pay/SMS/%C0");
        assert_eq!(path.whole(Case::Ignored), "/pay/sms/%C0");
    }

    #[test]
    fn first_segments_are_taken_of_those_that_are_left() {
        let path = Path::of("/x/../v1//trades/7");
        for (segments, first) in [(0, ""), (1, "v1"), (2, "v1/trades"), (9, "v1/trades/7")] {
            assert_eq!(path.first(segments, Case::Kept), first);
        }
    }

    proptest! {
        #[test]
        fn every_path_has_a_name_and_its_name_is_a_spelling_of_it(text in any::<String>()) {
            let whole = Path::of(&text).whole(Case::Kept);
            prop_assert_eq!(Path::of(&whole).whole(Case::Kept), whole.clone());
            if whole.len() <= 128 {
                prop_assert!(whole.parse::<ApiName>().is_ok(), "{}", whole);
            }
        }
    }
}
