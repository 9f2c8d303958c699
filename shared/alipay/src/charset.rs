//! The charsets that Alipay writes in: UTF-8, and at times GBK.
//!
//! A signature covers the raw bytes, so bytes are decoded only after it is verified. Bytes under a
//! wrong label are refused: they would decode to another text without an error.

use std::borrow::Cow;
use std::fmt;

use encoding_rs::GBK;
use thiserror::Error;

/// A charset that Alipay writes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// UTF-8, the charset of our own requests.
    Utf8,
    /// GBK, with the four-byte characters of GB 18030.
    Gbk,
}

/// A charset that is not read, by the first letters, digits and hyphens of its name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("charset {0:?} is not read")]
pub struct UnknownCharset(String);

/// The replacement for each byte of a character beyond ASCII where only the structure is read. No
/// name of Alipay has it, and JSON allows it only inside a text, as it allows the character.
const MASK: u8 = 0x7F;

impl Charset {
    /// The charset of a name, in any case.
    ///
    /// # Errors
    ///
    /// [`UnknownCharset`] when it is none of Alipay's.
    pub(crate) fn named(name: &str) -> Result<Charset, UnknownCharset> {
        match name.to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" => Ok(Charset::Utf8),
            "gbk" | "gb2312" | "gb18030" => Ok(Charset::Gbk),
            _ => Err(UnknownCharset::new(name)),
        }
    }

    /// The charset of bytes without a label.
    pub(crate) fn of_unlabelled(bytes: &[u8]) -> Charset {
        if str::from_utf8(bytes).is_ok() { Charset::Utf8 } else { Charset::Gbk }
    }

    /// Whether bytes that are labelled with the charset are in it.
    ///
    /// Most texts in UTF-8 are GBK too, of other characters, and almost no Chinese in GBK is UTF-8.
    /// So bytes beyond ASCII that are UTF-8 are not taken for GBK.
    pub(crate) fn fits(self, bytes: &[u8]) -> bool {
        let is_utf8 = str::from_utf8(bytes).is_ok();
        match self {
            Charset::Utf8 => is_utf8,
            Charset::Gbk => bytes.is_ascii() || (!is_utf8 && self.decode(bytes).is_some()),
        }
    }

    /// The text of bytes; none when they are not in the charset.
    pub(crate) fn decode(self, bytes: &[u8]) -> Option<Cow<'_, str>> {
        match self {
            Charset::Utf8 => str::from_utf8(bytes).ok().map(Cow::Borrowed),
            Charset::Gbk => GBK.decode_without_bom_handling_and_without_replacement(bytes),
        }
    }

    /// The bytes with their ASCII characters in place and a mask over the bytes of all others, so
    /// that a `\` inside a character of GBK is not read as one; none when they are not in the
    /// charset.
    pub(crate) fn structure(self, bytes: &[u8]) -> Option<String> {
        self.decode(bytes)?;
        let mut masked = bytes.to_vec();
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            let length = self.length(byte, bytes.get(at + 1).copied());
            if !byte.is_ascii() {
                masked.iter_mut().skip(at).take(length).for_each(|byte| *byte = MASK);
            }
            at += length;
        }
        String::from_utf8(masked).ok()
    }

    /// How many bytes a character has, by its first two.
    fn length(self, first: u8, second: Option<u8>) -> usize {
        match (self, first, second) {
            (Charset::Utf8, _, _) | (Charset::Gbk, 0..=0x80, _) => 1,
            (Charset::Gbk, _, Some(b'0'..=b'9')) => 4,
            (Charset::Gbk, _, _) => 2,
        }
    }
}

impl fmt::Display for Charset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Charset::Utf8 => "UTF-8",
            Charset::Gbk => "GBK",
        })
    }
}

impl UnknownCharset {
    /// How much of a name is shown, in characters.
    const SHOWN: usize = 20;

    fn new(name: &str) -> UnknownCharset {
        let plain = |c: &char| c.is_ascii_alphanumeric() || ['-', '_'].contains(c);
        UnknownCharset(name.chars().filter(plain).take(UnknownCharset::SHOWN).collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn gbk(text: &str) -> Vec<u8> {
        let (bytes, _, is_lossy) = GBK.encode(text);
        assert!(!is_lossy, "{text}");
        bytes.into_owned()
    }

    #[test]
    fn a_charset_is_named_in_any_case_and_others_are_refused_by_name() {
        for (name, expected) in [
            ("utf-8", Ok(Charset::Utf8)),
            ("UTF8", Ok(Charset::Utf8)),
            ("GBK", Ok(Charset::Gbk)),
            ("gb2312", Ok(Charset::Gbk)),
            ("GB18030", Ok(Charset::Gbk)),
            ("Big5", Err("charset \"Big5\" is not read")),
            ("<b>张三\n", Err("charset \"b\" is not read")),
            (&*"a".repeat(30), Err("charset \"aaaaaaaaaaaaaaaaaaaa\" is not read")),
        ] {
            let charset = Charset::named(name).map_err(|error| error.to_string());
            assert_eq!(charset, expected.map_err(str::to_owned), "{name}");
        }
    }

    #[test]
    fn bytes_under_a_wrong_label_do_not_fit() {
        let (utf8, gbk) = ("支付宝余额不足".as_bytes(), gbk("支付宝余额不足"));
        for (charset, bytes, fits) in [
            (Charset::Utf8, utf8, true),
            (Charset::Utf8, &*gbk, false),
            (Charset::Gbk, &*gbk, true),
            (Charset::Gbk, utf8, false),
            (Charset::Gbk, "你好".as_bytes(), false),
            (Charset::Gbk, b"plain", true),
            (Charset::Utf8, b"plain", true),
            (Charset::Gbk, b"\xD6", false),
            (Charset::Gbk, b"\xD6\"", false),
        ] {
            assert_eq!(charset.fits(bytes), fits, "{charset} {bytes:?}");
        }
        // These bytes are text in both charsets, so the check above is needed.
        assert!(Charset::Gbk.decode("你好".as_bytes()).is_some());
    }

    #[test]
    fn second_bytes_that_look_like_ascii_are_masked() {
        // 乗 is 0x81 0x5C, 亅 is 0x81 0x7C, € is 0x80, and 𠀀 has four bytes with digits in them.
        for (bytes, expected) in [
            (&b"\"\x81\x5C\""[..], "\"\u{7F}\u{7F}\""),
            (b"\x81\x7C\\", "\u{7F}\u{7F}\\"),
            (b"\x80\x5C", "\u{7F}\\"),
            (b"1\x95\x32\x82\x361", "1\u{7F}\u{7F}\u{7F}\u{7F}1"),
        ] {
            assert_eq!(Charset::Gbk.structure(bytes).as_deref(), Some(expected), "{bytes:?}");
        }
        assert_eq!(Charset::Gbk.structure(b"\x81\""), None);
        assert_eq!(
            Charset::Utf8.structure("你\\".as_bytes()).as_deref(),
            Some("\u{7F}\u{7F}\u{7F}\\")
        );
    }

    /// Bytes that are often characters of GBK: pairs, four-byte characters, ASCII, and anything.
    fn pieces() -> impl Strategy<Value = Vec<Vec<u8>>> {
        let lead = 0x81_u8..=0xFE;
        let digit = b'0'..=b'9';
        let piece = prop_oneof![
            4 => (lead.clone(), 0x40_u8..=0xFE).prop_map(|(a, b)| vec![a, b]),
            2 => (0x81_u8..=0x84, digit.clone(), 0x81_u8..=0xFE, digit)
                .prop_map(|(a, b, c, d)| vec![a, b, c, d]),
            4 => (0_u8..0x80).prop_map(|byte| vec![byte]),
            1 => Just("你\\".as_bytes().to_vec()),
            1 => any::<u8>().prop_map(|byte| vec![byte]),
        ];
        prop::collection::vec(piece, 0..8)
    }

    proptest! {
        #[test]
        fn structure_keeps_each_ascii_character_in_its_place(pieces in pieces()) {
            let bytes = pieces.concat();
            for charset in [Charset::Utf8, Charset::Gbk] {
                let structure = charset.structure(&bytes);
                let Some(text) = charset.decode(&bytes) else {
                    prop_assert_eq!(structure, None);
                    continue;
                };
                let structure = structure.unwrap();
                prop_assert_eq!(structure.len(), bytes.len());
                let is_shown = |c: &char| c.is_ascii() && *c != '\u{7F}';
                let ascii: String = text.chars().filter(is_shown).collect();
                prop_assert_eq!(structure.chars().filter(is_shown).collect::<String>(), ascii);
                for (masked, byte) in structure.bytes().zip(&bytes) {
                    prop_assert!(masked == *byte || masked == MASK);
                }
            }
        }

        #[test]
        fn chinese_in_gbk_keeps_its_text(text in "[a-z\\\\\"{}|\u{4e00}-\u{9fa5}]{0,40}") {
            let bytes = gbk(&text);
            let decoded = Charset::Gbk.decode(&bytes).map(Cow::into_owned);
            prop_assert_eq!(decoded, Some(text));
        }
    }
}
