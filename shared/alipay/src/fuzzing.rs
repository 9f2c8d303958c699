//! What only the fuzz targets call: without `--cfg fuzzing` it does not exist.

use crate::key::VerifyingKey;
use crate::wire::Answer;

/// The raw text of the node of an answer to a method, if the body is one that is believed.
#[must_use]
pub fn read_answer(body: &[u8], method: &str, alipay: &VerifyingKey) -> Option<String> {
    Answer::read(body, method, alipay).ok().map(Answer::into_node)
}
