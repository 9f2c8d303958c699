//! JSON that was written by others: requests, messages, plans. The one reader for all of it.
//!
//! What two readers could take for different things is refused, with its path: a field that is
//! given twice (of `{"count": 1, "count": 1000000}` some take the first and some the last), a list
//! in place of an object, an unknown field, null. A byte order mark before the document is skipped.
//!
//! ```
//! #[derive(serde::Deserialize)]
//! #[serde(deny_unknown_fields)]
//! struct Order { count: u32 }
//!
//! let order: Order = steelyard_json::read(br#"{"count": 1}"#).unwrap();
//! assert_eq!(order.count, 1);
//! let refused = steelyard_json::read::<Order>(br#"{"count": 1, "count": 2}"#).err().unwrap();
//! assert_eq!(refused.to_string(), "count: is given twice; give it once");
//! let refused = steelyard_json::read::<Order>(b"[1]").err().unwrap();
//! assert_eq!(refused.to_string(), "is a list; must be an object");
//! ```

mod all;
mod error;
mod fields;
mod node;

use serde::de::DeserializeOwned;

pub use all::Partial;
pub use error::JsonError;
pub use fields::Fields;
pub use node::Node;

/// What some editors put before a text in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Reads a document. A type whose unknown fields are to be refused denies them itself.
///
/// # Errors
///
/// [`JsonError`] with the line or the path of what is wrong, the first.
pub fn read<T: DeserializeOwned>(document: &[u8]) -> Result<T, JsonError> {
    parse(document)?.read()
}

/// A document as it is written.
///
/// # Errors
///
/// [`JsonError`] when it is not JSON in UTF-8, with the line. JSON may be nested 127 deep.
pub fn parse(document: &[u8]) -> Result<Node, JsonError> {
    let document = document.strip_prefix(BYTE_ORDER_MARK).unwrap_or(document);
    let text = std::str::from_utf8(document).map_err(|error| JsonError::not_utf8(&error))?;
    serde_json::from_str(text).map_err(|error| JsonError::not_json(&error))
}
