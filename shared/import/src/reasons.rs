//! What was refused, grouped by its reason. Pure.

use std::borrow::Cow;

use serde::Serialize;

/// How many things are shown of each reason.
pub const EXAMPLES_MAX: usize = 3;

/// How many reasons are told apart; more are counted together.
pub const REASONS_MAX: usize = 50;

/// Something that was refused.
pub trait Refused {
    /// Why: the same text for all that are refused for the same reason.
    fn reason(&self) -> Cow<'static, str>;
    /// How many lines or calls it is.
    fn size(&self) -> u64;
}

/// The refusals, by reason: those that came first, first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reasons<T> {
    /// How many lines or calls were refused.
    pub count: u64,
    /// The reasons, [`REASONS_MAX`] at most.
    pub reasons: Vec<Reason<T>>,
    /// How many were refused for further reasons.
    pub others: u64,
}

/// Lines or calls that were refused for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason<T> {
    /// The reason, without what is particular to a line.
    pub reason: Cow<'static, str>,
    /// How many lines or calls were refused for it.
    pub count: u64,
    /// The first of them, [`EXAMPLES_MAX`] at most.
    pub examples: Vec<T>,
}

impl<T: Refused> Reasons<T> {
    pub(super) fn push(&mut self, refused: T) {
        let (reason, size) = (refused.reason(), refused.size());
        self.count += size;
        let known = self.reasons.iter().position(|known| known.reason == reason);
        let Some(reason) = (match known {
            Some(known) => self.reasons.get_mut(known),
            None if self.reasons.len() < REASONS_MAX => {
                self.reasons.push(Reason { reason, count: 0, examples: Vec::new() });
                self.reasons.last_mut()
            }
            None => None,
        }) else {
            self.others += size;
            return;
        };
        reason.count += size;
        if reason.examples.len() < EXAMPLES_MAX {
            reason.examples.push(refused);
        }
    }
}

impl<T> Default for Reasons<T> {
    fn default() -> Reasons<T> {
        Reasons { count: 0, reasons: Vec::new(), others: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Refusal(usize, u64);

    impl Refused for Refusal {
        fn reason(&self) -> Cow<'static, str> {
            self.0.to_string().into()
        }

        fn size(&self) -> u64 {
            self.1
        }
    }

    #[test]
    fn reasons_and_examples_are_bounded_and_everything_is_counted() {
        let mut reasons = Reasons::default();
        for reason in 0..REASONS_MAX + 2 {
            (1..=4).for_each(|size| reasons.push(Refusal(reason, size)));
        }
        assert_eq!((reasons.count, reasons.others), (520, 20));
        assert_eq!(reasons.reasons.len(), REASONS_MAX);
        let first = &reasons.reasons[0];
        assert_eq!((&*first.reason, first.count, first.examples.len()), ("0", 10, EXAMPLES_MAX));
    }
}
