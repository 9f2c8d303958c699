//! Requests that may still be on their way to the gateway.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How long a request that nobody answered may take to arrive at the gateway.
const ON_ITS_WAY_MOST: SignedDuration = SignedDuration::from_mins(15);

/// When the requests that nobody has answered were sent, the oldest first, in seconds of Unix time.
///
/// Each of them may still take effect. The answer to one says nothing about another: only time
/// does, since a request arrives within 15 minutes or never.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Unanswered(Vec<i64>);

impl Unanswered {
    /// With a request that is sent now. Those that cannot arrive any more are dropped.
    #[must_use]
    pub(crate) fn sent(&self, now: Timestamp) -> Unanswered {
        let mut sent = self.on_their_way(now).collect::<Vec<_>>();
        sent.push(now.as_second());
        Unanswered(sent)
    }

    /// Without the request that was sent last: it was answered.
    #[must_use]
    pub(crate) fn answered(&self) -> Unanswered {
        let earlier = self.0.split_last().map_or(&[][..], |(_, earlier)| earlier);
        Unanswered(earlier.to_vec())
    }

    /// Whether no request can still be on its way.
    #[must_use]
    pub(crate) fn is_quiet(&self, now: Timestamp) -> bool {
        self.on_their_way(now).next().is_none()
    }

    /// Whether there is none.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn on_their_way(&self, now: Timestamp) -> impl Iterator<Item = i64> {
        let arrived = now.as_second() - ON_ITS_WAY_MOST.as_secs();
        self.0.iter().copied().filter(move |sent| *sent > arrived)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn an_answer_to_the_second_request_does_not_answer_the_first() {
        let both = Unanswered::default().sent(at(0)).sent(at(10));
        let first = both.answered();
        assert!(!first.is_quiet(at(13)));
        assert!(!first.is_quiet(at(899)));
        assert!(first.is_quiet(at(900)));
        assert!(first.answered().is_quiet(at(13)));
    }

    #[test]
    fn requests_that_arrived_or_never_will_are_dropped() {
        let sent = (0..100).fold(Unanswered::default(), |sent, hour| sent.sent(at(hour * 3600)));
        assert_eq!(sent, Unanswered(vec![99 * 3600]));
    }
}
