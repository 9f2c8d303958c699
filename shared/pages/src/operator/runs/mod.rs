//! The runs: what settlement did last, what runs next, whether debits are made, and what waits in
//! dead-letter queues.

mod page;
mod texts;

use jiff::civil::{Date, Time};
use jiff::tz::{TimeZone, offset};
use jiff::{Timestamp, ToSpan};
use serde::Serialize;
use steelyard_billing::breaker::{Breaker, BreakerState, Trip};
use steelyard_billing::event::Subject;
use steelyard_billing::webhook::{DeadLetter, EndpointRef};
use steelyard_billing::{
    DebitRules, ProviderId, RunFailure, RunScope, RunShard, RunTally, SettlementRun,
};
use steelyard_pricing::{Fen, MoneyError};
use utoipa::ToSchema;

pub(super) use page::unreadable_section;

use super::UnreadableRecord;

/// When settlement begins, by the platform's clocks: the schedule of `template.yaml`.
const SETTLED_AT: Time = Time::constant(0, 30, 0, 0);

/// When reconciliation begins, in Beijing: the schedule of `template.yaml`.
const RECONCILED_AT: Time = Time::constant(10, 30, 0, 0);

/// A settlement run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RunSummary {
    /// The number of the run, from 1.
    pub run: u64,
    /// When it began, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    #[schema(value_type = i64)]
    pub begun_at_s: Timestamp,
    /// When it ended, in seconds of Unix time; none if it has not.
    #[serde(with = "jiff::fmt::serde::timestamp::second::optional")]
    #[schema(value_type = Option<i64>)]
    pub ended_at_s: Option<Timestamp>,
    /// The provider, of a run over a single one.
    #[schema(value_type = Option<String>)]
    pub provider: Option<ProviderId>,
    /// How many shards of the registry it settles.
    pub shards: u64,
    /// Why a person disregards it.
    pub disregarded: Option<String>,
    /// The counts; none while it is under way, if its shards were not read.
    pub tally: Option<RunTallyView>,
}

/// The counts of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RunTallyView {
    /// How many providers it looked at.
    pub providers: u64,
    /// How many statements it made.
    pub statements: u64,
    /// The sum of what they charge.
    #[schema(value_type = i64)]
    pub charged_fen: Fen,
    /// How many providers could not be settled with their shard.
    pub failed: u64,
    /// How many providers cannot be read.
    pub unreadable: u64,
}

/// The run that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RunUnderWay {
    /// The number of the run.
    pub run: u64,
    /// How many of its shards have ended.
    pub shards_ended: u64,
    /// The shards that have not.
    pub shards_behind: Vec<u8>,
}

/// A provider that a run could not settle with its shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct NotSettled {
    /// The provider that is still to be settled.
    #[schema(value_type = String)]
    pub provider: ProviderId,
    /// Why, as it was recorded.
    pub why: String,
    /// When it failed last, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    #[schema(value_type = i64)]
    pub failed_at_s: Timestamp,
    /// When it was settled after all, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::optional")]
    #[schema(value_type = Option<i64>)]
    pub settled_at_s: Option<Timestamp>,
}

/// What runs by itself next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct NextRun {
    /// The scheduled work.
    pub what: Scheduled,
    /// When, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    #[schema(value_type = i64)]
    pub at_s: Timestamp,
}

/// What runs by itself every day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scheduled {
    /// Every provider is settled.
    Settlement,
    /// Debits fall due from now on.
    Debits,
    /// The bill of the day before is compared with the books.
    Reconciliation,
}

/// Whether debits are made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "breaker", rename_all = "snake_case")]
pub enum BreakerView {
    /// Debits are sent.
    Closed {
        /// When a person last let them go on, in seconds of Unix time.
        #[serde(with = "jiff::fmt::serde::timestamp::second::optional")]
        #[schema(value_type = Option<i64>)]
        resumed_at_s: Option<Timestamp>,
        /// Why, in that person's words.
        reason: Option<String>,
    },
    /// No debit is sent, except a probe now and then.
    Open {
        /// Since when, in seconds of Unix time.
        #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
        #[schema(value_type = i64)]
        since_s: Timestamp,
        /// The trouble that stopped them.
        why: StoppedBecause,
        /// When one debit is sent as a probe, in seconds of Unix time; none if only a person lets
        /// debits go on.
        #[serde(with = "jiff::fmt::serde::timestamp::second::optional")]
        #[schema(value_type = Option<i64>)]
        probe_at_s: Option<Timestamp>,
    },
}

/// Why no debit is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "because", rename_all = "snake_case")]
pub enum StoppedBecause {
    /// The platform's own account at Alipay is in trouble.
    OwnAccount {
        /// Alipay's code for the trouble.
        code: String,
    },
    /// Too many debits within five minutes were in doubt, or refused since our request was wrong.
    TooMuchTrouble {
        /// The debits that were sent in that time.
        asked: u32,
        /// How many of them were in trouble.
        troubled: u32,
    },
    /// A person stopped them.
    ByOperator {
        /// Why, in that person's words.
        reason: String,
    },
}

/// A dead-letter queue: messages that failed five times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DeadLetters {
    /// The queue that the messages failed in.
    pub queue: DeadLetterQueue,
    /// About how many messages are in it; none if that could not be read.
    pub messages: Option<u64>,
    /// How old its oldest message is, in seconds, if that is known.
    pub oldest_s: Option<u64>,
}

/// The dead-letter queues of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeadLetterQueue {
    /// The queue of usage reports.
    Usage,
    /// Shards and providers of settlement.
    Settle,
    /// Tasks: debits, recharges, refunds, mandates.
    Debit,
    /// Parts of bills.
    Reconcile,
    /// Access logs in S3.
    Logs,
    /// The schedules themselves.
    Schedule,
}

/// The most events that webhook endpoints did not take and that are read.
pub const LETTERS_MAX: u16 = 200;

/// The most of them that are named of one endpoint.
pub const LETTERS_NAMED: usize = 10;

/// The events that a webhook endpoint did not take for three days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct WebhookLetters {
    /// Whose events the endpoint gets; none if it gets the platform's.
    #[schema(value_type = Option<String>)]
    pub provider: Option<ProviderId>,
    /// Its name among the subject's.
    pub endpoint: String,
    /// How many events it did not take.
    pub events: u64,
    /// The numbers of the first [`LETTERS_NAMED`].
    pub sequences: Vec<u64>,
    /// When the last of them was given up, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    #[schema(value_type = i64)]
    pub given_up_at_s: Timestamp,
}

/// What the page of runs is computed from.
#[derive(Clone, Copy, Debug)]
pub struct RunRecords<'a> {
    /// The latest settlement runs, the newest first.
    pub runs: &'a [SettlementRun],
    /// The shards of the newest run; empty if it has ended.
    pub shards: &'a [RunShard],
    /// The providers that the newest run could not settle with their shards.
    pub failures: &'a [RunFailure],
    /// The breaker; none if it could not be read.
    pub breaker: Option<&'a Breaker>,
    /// The dead-letter queues, each with its messages.
    pub queues: &'a [DeadLetters],
    /// What webhook endpoints did not take, [`LETTERS_MAX`] at most; none if it could not be read.
    pub letters: Option<&'a [(EndpointRef, DeadLetter)]>,
}

/// What settlement did last, what runs next, and what waits for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Runs {
    /// The time, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    #[schema(value_type = i64)]
    pub as_of_s: Timestamp,
    /// The latest settlement runs, the newest first.
    pub runs: Vec<RunSummary>,
    /// The run that is under way, if the newest one is.
    pub under_way: Option<RunUnderWay>,
    /// The providers that the newest run could not settle with their shards, [`FAILURES_MAX`] at
    /// most.
    pub failures: Vec<NotSettled>,
    /// What runs by itself next, the soonest first.
    pub next: Vec<NextRun>,
    /// Whether debits are made; none if that could not be read.
    pub breaker: Option<BreakerView>,
    /// The dead-letter queues, each with its messages.
    pub queues: Vec<DeadLetters>,
    /// The webhook endpoints with events that they did not take; none if that could not be read.
    pub webhooks: Option<Vec<WebhookLetters>>,
    /// Whether there are more such events than were read.
    pub has_more_letters: bool,
    /// The records that cannot be read.
    pub unreadable: Vec<UnreadableRecord>,
}

/// How many providers that were not settled are listed. The result of the run has their number.
pub const FAILURES_MAX: usize = 50;

impl Runs {
    /// What the records say.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when the charges of a run have no sum.
    pub fn new(
        records: RunRecords<'_>,
        rules: &DebitRules,
        now: Timestamp,
    ) -> Result<Runs, MoneyError> {
        let RunRecords { runs, shards, failures, breaker, queues, letters } = records;
        let newest = runs.first().map(|run| run.number);
        let summary = |run: &SettlementRun| {
            let of_run = if Some(run.number) == newest { shards } else { &[] };
            RunSummary::of(run, of_run)
        };
        Ok(Runs {
            as_of_s: now,
            runs: runs.iter().map(summary).collect::<Result<_, _>>()?,
            under_way: runs.first().and_then(|run| RunUnderWay::of(run, shards)),
            failures: failures.iter().take(FAILURES_MAX).map(NotSettled::of).collect(),
            next: next(rules, now),
            breaker: breaker.map(BreakerView::of),
            queues: queues.to_vec(),
            webhooks: letters.map(WebhookLetters::all),
            has_more_letters: letters.is_some_and(|all| all.len() >= usize::from(LETTERS_MAX)),
            unreadable: Vec::new(),
        })
    }
}

impl WebhookLetters {
    /// The events that were not taken, by endpoint. The letters of an endpoint stand together.
    fn all(letters: &[(EndpointRef, DeadLetter)]) -> Vec<WebhookLetters> {
        let mut all = Vec::<(&EndpointRef, WebhookLetters)>::new();
        for (of, letter) in letters {
            match all.last_mut().filter(|(last, _)| *last == of) {
                Some((_, endpoint)) => endpoint.add(letter),
                None => all.push((of, WebhookLetters::of(of, letter))),
            }
        }
        all.into_iter().map(|(_, endpoint)| endpoint).collect()
    }

    fn of(of: &EndpointRef, letter: &DeadLetter) -> WebhookLetters {
        let provider = match &of.subject {
            Subject::Provider(provider) => Some(provider.clone()),
            Subject::Platform => None,
        };
        let (endpoint, sequences) = (of.endpoint.to_string(), vec![letter.sequence]);
        let given_up_at_s = letter.given_up_at_s;
        WebhookLetters { provider, endpoint, events: 1, sequences, given_up_at_s }
    }

    fn add(&mut self, letter: &DeadLetter) {
        self.events += 1;
        self.given_up_at_s = self.given_up_at_s.max(letter.given_up_at_s);
        if self.sequences.len() < LETTERS_NAMED {
            self.sequences.push(letter.sequence);
        }
    }
}

impl RunSummary {
    fn of(run: &SettlementRun, shards: &[RunShard]) -> Result<RunSummary, MoneyError> {
        let tally = match &run.end {
            Some(end) => Some(end.tally),
            None if shards.is_empty() => None,
            None => Some(RunTally::sum(shards)?),
        };
        let (count, provider) = match &run.scope {
            RunScope::Shards(shards) => (shards.len(), None),
            RunScope::Provider(provider) => (0, Some(provider.clone())),
        };
        Ok(RunSummary {
            run: run.number,
            begun_at_s: run.begun_at_s,
            ended_at_s: run.end.as_ref().map(|end| end.ended_at_s),
            provider,
            shards: counted(count),
            disregarded: run.disregarded.as_ref().map(ToString::to_string),
            tally: tally.map(RunTallyView::from),
        })
    }
}

impl From<RunTally> for RunTallyView {
    fn from(tally: RunTally) -> RunTallyView {
        let RunTally { providers, statements, charged_fen, failed, unreadable } = tally;
        RunTallyView { providers, statements, charged_fen, failed, unreadable }
    }
}

impl RunUnderWay {
    fn of(run: &SettlementRun, stored: &[RunShard]) -> Option<RunUnderWay> {
        let RunScope::Shards(shards) = &run.scope else { return None };
        if run.end.is_some() {
            return None;
        }
        let has_ended =
            |shard: u8| stored.iter().any(|stored| stored.shard == shard && stored.has_ended);
        let (ended, behind): (Vec<u8>, Vec<u8>) =
            shards.iter().copied().partition(|shard| has_ended(*shard));
        Some(RunUnderWay {
            run: run.number,
            shards_ended: counted(ended.len()),
            shards_behind: behind,
        })
    }
}

impl NotSettled {
    fn of(failure: &RunFailure) -> NotSettled {
        NotSettled {
            provider: failure.provider.clone(),
            why: failure.why.clone(),
            failed_at_s: failure.failed_at_s,
            settled_at_s: failure.settled_at_s,
        }
    }
}

impl BreakerView {
    /// Whether debits are made, by the breaker.
    #[must_use]
    pub fn of(breaker: &Breaker) -> BreakerView {
        match &breaker.state {
            BreakerState::Closed => BreakerView::Closed {
                resumed_at_s: breaker.resumed.as_ref().map(|resumed| resumed.at_s),
                reason: breaker.resumed.as_ref().map(|resumed| resumed.reason.to_string()),
            },
            BreakerState::Open { since_s, why, probe_at_s, .. } => BreakerView::Open {
                since_s: *since_s,
                why: match why {
                    Trip::OwnAccount(code) => StoppedBecause::OwnAccount { code: code.0.clone() },
                    Trip::TooMuchTrouble { asked, troubled } => {
                        StoppedBecause::TooMuchTrouble { asked: *asked, troubled: *troubled }
                    }
                    Trip::ByOperator { reason } => {
                        StoppedBecause::ByOperator { reason: reason.to_string() }
                    }
                },
                probe_at_s: *probe_at_s,
            },
        }
    }
}

/// What runs by itself next.
fn next(rules: &DebitRules, now: Timestamp) -> Vec<NextRun> {
    let here = |at: Time| soonest(now, rules.today(now), |day| rules.calendar.instant(day, at));
    let beijing = TimeZone::fixed(offset(8));
    let there = beijing.to_datetime(now).date();
    let reconciled = soonest(now, there, |day| {
        let at = day.to_datetime(RECONCILED_AT);
        beijing.to_ambiguous_timestamp(at).compatible().unwrap_or(now)
    });
    let mut next = [
        NextRun { what: Scheduled::Settlement, at_s: here(SETTLED_AT) },
        NextRun { what: Scheduled::Debits, at_s: here(rules.time_of_day) },
        NextRun { what: Scheduled::Reconciliation, at_s: reconciled },
    ];
    next.sort_by_key(|run| run.at_s);
    next.to_vec()
}

/// The time of today if it is to come, or that of tomorrow.
fn soonest(now: Timestamp, today: Date, at: impl Fn(Date) -> Timestamp) -> Timestamp {
    let of_today = at(today);
    if of_today > now { of_today } else { at(today.saturating_add(1.day())) }
}

fn counted(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
