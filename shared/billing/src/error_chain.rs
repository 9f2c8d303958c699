//! An error with its causes, as a text.

/// An error with all its causes, in one line: `cannot read the plan: no such file`.
///
/// For people who have nothing but the line; a log takes the error itself.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

#[cfg(test)]
mod tests {
    use thiserror::Error;

    use super::*;

    #[derive(Debug, Error)]
    #[error("no such file")]
    struct NoFile;

    #[derive(Debug, Error)]
    #[error("cannot read the plan")]
    struct NoPlan(#[source] NoFile);

    #[derive(Debug, Error)]
    #[error("cannot quote")]
    struct NoQuote(#[source] NoPlan);

    #[test]
    fn every_cause_is_told_once_and_the_last_last() {
        assert_eq!(chain(&NoFile), "no such file");
        assert_eq!(
            chain(&NoQuote(NoPlan(NoFile))),
            "cannot quote: cannot read the plan: no such file"
        );
    }
}
