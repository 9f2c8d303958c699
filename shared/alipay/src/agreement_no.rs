//! Alipay's number of an agreement.

/// Whether a text can be Alipay's number of an agreement: letters and digits.
pub(crate) fn is_agreement_no(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric())
}
