//! How a text goes out: in UTF-8, in GBK, or in the one under the label of the other.

use encoding_rs::GBK;

/// The bytes of a text and the charset that they are labelled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Charset {
    Utf8,
    Gbk,
    /// UTF-8 under the label of GBK.
    Mislabelled,
    /// GBK without a label.
    UnlabelledGbk,
}

impl Charset {
    /// The bytes of a text.
    pub(super) fn encode(self, text: &str) -> Vec<u8> {
        match self {
            Charset::Utf8 | Charset::Mislabelled => text.as_bytes().to_vec(),
            Charset::Gbk | Charset::UnlabelledGbk => GBK.encode(text).0.into_owned(),
        }
    }

    /// The name of the charset on the label, if there is one.
    pub(super) const fn label(self) -> Option<&'static str> {
        match self {
            Charset::Utf8 => Some("utf-8"),
            Charset::Gbk | Charset::Mislabelled => Some("GBK"),
            Charset::UnlabelledGbk => None,
        }
    }
}
