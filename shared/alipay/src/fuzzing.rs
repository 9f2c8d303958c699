//! Entry points for the fuzz targets, compiled only with `--cfg fuzzing`.

use crate::key::VerifyingKey;
use crate::wire::Answer;

/// The text of the node of an answer to a method, if the body is a trustworthy one.
#[must_use]
pub fn read_answer(
    body: &[u8],
    label: Option<&str>,
    method: &str,
    alipay: &VerifyingKey,
) -> Option<String> {
    Answer::read(body, label, method, alipay).ok().map(Answer::into_node)
}
