//! The amount and the subject of an order, and their limits at Alipay.

use steelyard_billing::DEBIT_MAX;
use steelyard_pricing::Fen;
use thiserror::Error;

/// The least amount that Alipay's trade API accepts: ¥0.01.
///
/// Source: alipay-easysdk `APIDoc.md`, `totalAmount`: yuan, two decimals, [0.01, 100000000].
pub const DEBIT_MIN: Fen = Fen::new(1);

/// Characters that Alipay refuses in a subject. Source: alipay-sdk-java `AlipayTradePayModel`,
/// `subject`.
const NOT_IN_A_SUBJECT: [char; 3] = ['/', '=', '&'];

/// An amount outside the range that Alipay accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("¥{amount} is not an amount from ¥{DEBIT_MIN} to ¥{DEBIT_MAX}")]
pub struct AmountError {
    /// The refused amount.
    pub amount: Fen,
}

/// Why Alipay would refuse a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SubjectError {
    /// Alipay needs a subject of at least one character.
    #[error("the subject is empty")]
    Empty,
    /// It has a character that Alipay refuses.
    #[error("the subject has a {0:?}, which Alipay refuses")]
    Character(char),
}

/// Checks that Alipay accepts an amount.
pub(crate) fn check_amount(amount: Fen) -> Result<(), AmountError> {
    if (DEBIT_MIN..=DEBIT_MAX).contains(&amount) { Ok(()) } else { Err(AmountError { amount }) }
}

/// Checks that Alipay accepts a subject.
pub(crate) fn check_subject(subject: &str) -> Result<(), SubjectError> {
    if subject.trim().is_empty() {
        return Err(SubjectError::Empty);
    }
    match subject.chars().find(|c| NOT_IN_A_SUBJECT.contains(c)) {
        Some(refused) => Err(SubjectError::Character(refused)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_from_a_fen_to_a_hundred_million_yuan() {
        for (fen, taken) in
            [(-1, false), (0, false), (1, true), (10_000_000_000, true), (10_000_000_001, false)]
        {
            let amount = Fen::new(fen);
            let expected = if taken { Ok(()) } else { Err(AmountError { amount }) };
            assert_eq!(check_amount(amount), expected, "{fen}");
        }
    }

    #[test]
    fn a_subject_is_not_empty_and_has_none_of_three_characters() {
        for (subject, expected) in [
            ("API技术服务费 2026-03-01 100% a+b", Ok(())),
            (" ", Err(SubjectError::Empty)),
            ("2026/03", Err(SubjectError::Character('/'))),
            ("a=b", Err(SubjectError::Character('='))),
            ("a&b", Err(SubjectError::Character('&'))),
        ] {
            assert_eq!(check_subject(subject), expected, "{subject}");
        }
    }
}
