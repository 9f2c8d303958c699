//! One run over an index of due records: its shards that may have some, a page each in turn, until
//! nothing is due or as much is sent as the run may send.

use std::collections::{BTreeSet, VecDeque};
use std::num::NonZeroU16;
use std::time::Duration;

use futures::StreamExt;
use futures::future::join_all;
use futures::stream::FuturesUnordered;
use jiff::{SignedDuration, Timestamp};
use steelyard_runtime::{Error, Invocation, Queue, report_unreadable};
use steelyard_store::{Due, DueCursor, DueIndex, DueRecord, StoreError};

/// How many shards are worked on at a time. One that hangs keeps one of these places.
const SHARDS_AT_ONCE: usize = 8;

/// How many records of a page are leased at a time.
const LEASES_AT_ONCE: usize = 10;

/// The most records of a page.
const PAGE_MAX: usize = 100;

/// How many leases of a page may fail before its shard is left. One record that cannot be leased
/// holds up no other; a shard that fails is left alone until the next minute.
const FAILURES_MAX: usize = 3;

/// How many shards after the one before a run begins: the golden section of 64, so that any few
/// runs in a row begin far from each other, and 64 of them with every shard.
const STRIDE: i64 = 39;

/// What must be left of the time to go on; the next run, a minute later, finds the rest.
const TIME_FOR_A_PAGE: Duration = Duration::from_secs(10);

/// Dispatch runs once in so many seconds.
const RUN_EVERY_S: usize = 60;

/// An index of due records, and where it sends them.
#[derive(Clone, Debug)]
pub(crate) struct Feed<R> {
    pub(crate) index: DueIndex<R>,
    pub(crate) queue: Queue,
    /// How long a message may take until it is thought lost. Longer than a minute of work may wait
    /// in the queue.
    pub(crate) lease: SignedDuration,
    /// How many messages are worked off in a second.
    pub(crate) per_second: NonZeroU16,
}

/// One run of dispatch over an index.
pub(crate) struct Run<'d, R> {
    feed: &'d Feed<R>,
    now: Timestamp,
    invocation: Invocation,
    /// How many messages may still be sent.
    budget: usize,
    /// How many records a shard sends in its turn.
    page: usize,
}

/// The counts of sent and unsent tasks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sent {
    pub(crate) messages: usize,
    pub(crate) unreadable: usize,
}

/// A shard that waits for its turn.
struct Turn {
    shard: u8,
    after: Option<DueCursor>,
}

/// A turn that is over.
struct Done {
    shard: u8,
    /// How many messages it was allowed.
    share: usize,
    sent: Sent,
    /// The shard's next turn, if it has more.
    result: Result<Option<Turn>, Error>,
}

impl<R: DueRecord> Feed<R> {
    /// Sends what is due in some shards of the index, of so many.
    pub(crate) async fn run(
        &self,
        shards: BTreeSet<u8>,
        of: u8,
        now: Timestamp,
        invocation: Invocation,
    ) -> Result<Sent, Error> {
        let waiting = self.queue.waiting().await?;
        let most = usize::from(self.per_second.get()) * RUN_EVERY_S;
        let budget = most.saturating_sub(waiting);
        let page = (budget / usize::from(of)).clamp(1, PAGE_MAX);
        let mut run = Run { feed: self, now, invocation, budget, page };
        let (sent, failed) = run.shards(&shards, of).await;
        if run.budget == 0 {
            tracing::info!(
                waiting,
                sent = sent.messages,
                "what else is due waits for the next run"
            );
        }
        failed.map_or(Ok(sent), Err)
    }
}

impl<R: DueRecord> Run<'_, R> {
    /// Sends what is due, and gives the first error. The others are logged.
    ///
    /// A shard that has had its turn waits until every other shard with work has had one. One that
    /// fails has no further turn.
    async fn shards(&mut self, shards: &BTreeSet<u8>, of: u8) -> (Sent, Option<Error>) {
        let (feed, now, invocation) = (self.feed, self.now, self.invocation);
        let mut waiting: VecDeque<Turn> = self.order(shards, of).collect();
        let (mut running, mut sum, mut failed) = (FuturesUnordered::new(), Sent::default(), None);
        loop {
            while running.len() < SHARDS_AT_ONCE
                && self.budget > 0
                && invocation.time_left() > TIME_FOR_A_PAGE
                && let Some(turn) = waiting.pop_front()
            {
                let share = self.page.min(self.budget);
                self.budget -= share;
                // On the heap: the SDK's futures are large.
                running.push(Box::pin(feed.page(turn, share, now)));
            }
            let Some(Done { shard, share, sent, result }) = running.next().await else {
                return (sum, failed);
            };
            self.budget += share - sent.messages;
            sum.messages += sent.messages;
            sum.unreadable += sent.unreadable;
            match result {
                Ok(next) => waiting.extend(next),
                Err(error) if failed.is_none() => failed = Some(error),
                Err(error) => tracing::error!(shard, error, "this shard is not dispatched either"),
            }
        }
    }

    /// The first turns. Each minute begins with another shard, so that the last turns of a run,
    /// which may find the budget spent, fall to another shard each time.
    fn order<'s>(
        &self,
        shards: &'s BTreeSet<u8>,
        of: u8,
    ) -> impl Iterator<Item = Turn> + use<'s, R> {
        let begin = self.now.as_second().div_euclid(60) * STRIDE;
        let first = u8::try_from(begin.rem_euclid(i64::from(of))).unwrap_or_default();
        shards
            .range(first..)
            .chain(shards.range(..first))
            .map(|shard| Turn { shard: *shard, after: None })
    }
}

impl<R: DueRecord> Feed<R> {
    /// Sends a page of what is due in one shard of the index, `share` records at most.
    async fn page(&self, turn: Turn, share: usize, now: Timestamp) -> Done {
        let (shard, mut sent) = (turn.shard, Sent::default());
        let result = self.send_page(turn, share, now, &mut sent).await;
        Done { shard, share, sent, result }
    }

    async fn send_page(
        &self,
        Turn { shard, after }: Turn,
        share: usize,
        now: Timestamp,
        sent: &mut Sent,
    ) -> Result<Option<Turn>, Error> {
        let limit = i32::try_from(share)?;
        let page = self.index.page(shard, now, after.as_ref(), limit).await?;
        sent.unreadable = report_unreadable(&page.unreadable);
        let (messages, failed) = self.leased(&page.due, now).await?;
        // Some may be sent even if SQS fails, so all of them count.
        sent.messages = messages.len();
        self.queue.send(&messages).await?;
        let next = page.next.map(|next| Turn { shard, after: Some(next) });
        failed.map_or(Ok(next), |error| Err(error.into()))
    }

    /// Leases records; gives the messages of those whose lease holds, and an error if a lease
    /// failed. What was leased is sent even then.
    async fn leased(
        &self,
        due: &[Due<R>],
        now: Timestamp,
    ) -> Result<(Vec<String>, Option<StoreError>), Error> {
        let until = now + self.lease;
        let (mut messages, mut failed) = (Vec::new(), Vec::new());
        for some in due.chunks(LEASES_AT_ONCE) {
            let leases = some.iter().map(|due| self.index.lease(due, until));
            for (due, leased) in some.iter().zip(join_all(leases).await) {
                match leased {
                    Ok(true) => messages.push(serde_json::to_string(&due.record)?),
                    Ok(false) => {}
                    Err(error) => failed.push(error),
                }
            }
            if failed.len() > FAILURES_MAX {
                break;
            }
        }
        Ok((messages, failed.pop()))
    }
}
