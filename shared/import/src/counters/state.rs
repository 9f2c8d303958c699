//! What is kept between scrapes, so that each call counts once. Pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use steelyard_billing::{ProviderId, ReportId, hex};
use steelyard_json::JsonError;
use steelyard_pricing::{Amount, ApiName, BillingDay, Calls};
use thiserror::Error;

use super::series::{SeriesId, SeriesRule};
use crate::batch::Record;

/// The version of the form of a [`CounterState`].
pub const STATE_VERSION: u32 = 1;

/// How far the counters of one target were counted, and the report that is on its way.
///
/// It is stored before its report is sent, and again when that is answered. After a crash the
/// stored report is sent again, under the same id and with the same content. A state that is lost
/// begins anew, under other ids; a state of an earlier time must not be restored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CounterState {
    version: u32,
    /// The address of the counters.
    target: String,
    /// The name of the counter.
    metric: String,
    /// When the state began: no other state of the target has its ids.
    began_at: Timestamp,
    /// Whether the next series that a scrape shows count nothing, since they are the first.
    pub(super) is_baseline_due: bool,
    /// How many reports there were.
    pub(super) sequence: u64,
    /// How far each series was counted.
    pub(super) samples: BTreeMap<SeriesId, u64>,
    /// The series of the first scrape whose values could not be read: what they show next counts
    /// nothing.
    pub(super) unread: BTreeSet<SeriesId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pending: Option<PendingReport>,
}

/// A report that may have been sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PendingReport {
    /// Its id, which no other report has.
    pub id: ReportId,
    /// Its records: one for each provider and API.
    pub records: Vec<PendingRecord>,
    /// Whether it was never sent: so much is known only by the process that made it.
    #[serde(skip)]
    pub(super) is_unsent: bool,
    /// What was refused of it after it may have been sent before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    held: Option<HeldReport>,
}

/// A report that is no longer sent. Part of it was refused, and nothing of that was found to be
/// counted; but a request that nobody waits for may still be on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldReport {
    /// When it was sent last.
    pub since: Timestamp,
    /// The places of the records that were refused.
    pub refused: BTreeSet<usize>,
}

/// How long a request may be on its way: it has a signature that is valid for five minutes.
///
/// Source: AWS, "Signature Version 4": a request must reach AWS within five minutes of its time.
const ON_ITS_WAY_MAX: SignedDuration = SignedDuration::from_mins(6);

impl PendingReport {
    /// A report that was never sent.
    pub(super) fn new(id: ReportId, records: Vec<PendingRecord>) -> PendingReport {
        PendingReport { id, records, is_unsent: true, held: None }
    }

    /// Why it is no longer sent, if so.
    #[must_use]
    pub fn held(&self) -> Option<&HeldReport> {
        self.held.as_ref()
    }

    /// Whether it may have been sent before this process sent it.
    #[must_use]
    pub fn was_sent(&self) -> bool {
        !self.is_unsent
    }
}

impl HeldReport {
    /// Whether by then nothing of the report can be on its way.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        now.duration_since(self.since) >= ON_ITS_WAY_MAX
    }
}

/// A record of a report, with how far it counts each series.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PendingRecord {
    /// The provider that made the calls.
    pub provider: ProviderId,
    /// The API that was called.
    pub api: ApiName,
    /// The billing day of the scrape.
    pub day: BillingDay,
    /// How many calls, from 1.
    pub count: Calls,
    /// The series that are counted up to these values when the record is.
    pub(super) samples: BTreeMap<SeriesId, u64>,
}

/// A state after its report was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    /// The state, which must be stored before the next scrape is prepared.
    pub state: CounterState,
    /// The calls of refused records that the next report has.
    pub waiting: u64,
    /// The calls of refused records that may have been counted when the report was sent before.
    /// They are given up.
    pub given_up: u64,
}

/// Why a text is not the state of a target.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StateError {
    /// The text is not in the form of a state.
    #[error("not the state of a counter: {0}")]
    Form(JsonError),
    /// The state has another version.
    #[error("the state has version {0}; this program reads version {STATE_VERSION}")]
    Version(u64),
    /// The state is of another counter.
    #[error(
        "the state is of {metric} at {target}: give each counter and target a state of its own"
    )]
    Other {
        /// The address of the counters.
        target: String,
        /// The name of the counter.
        metric: String,
    },
}

impl CounterState {
    /// A target that was not scraped yet. What its first scrape shows counts if the rule, or
    /// `from_zero`, says that the counter was at zero then.
    #[must_use]
    pub fn begin(
        target: &str,
        rule: &SeriesRule,
        began_at: Timestamp,
        from_zero: bool,
    ) -> CounterState {
        CounterState {
            version: STATE_VERSION,
            target: target.to_owned(),
            metric: rule.metric.clone(),
            began_at,
            is_baseline_due: !(rule.from_zero || from_zero),
            sequence: 0,
            samples: BTreeMap::new(),
            unread: BTreeSet::new(),
            pending: None,
        }
    }

    /// Reads a stored state of that target and counter.
    ///
    /// # Errors
    ///
    /// [`StateError`] when it is none, has another version, or is of another target or counter.
    pub fn read(text: &[u8], target: &str, rule: &SeriesRule) -> Result<CounterState, StateError> {
        let mut fields = steelyard_json::parse(text)
            .and_then(steelyard_json::Node::into_fields)
            .map_err(StateError::Form)?;
        let version = fields.read_required::<u64>("version").map_err(StateError::Form)?;
        if version != u64::from(STATE_VERSION) {
            return Err(StateError::Version(version));
        }
        let state: CounterState = steelyard_json::read(text).map_err(StateError::Form)?;
        if (&*state.target, &state.metric) != (target, &rule.metric) {
            return Err(StateError::Other { target: state.target, metric: state.metric });
        }
        Ok(state)
    }

    /// The state as it is stored.
    #[must_use]
    pub fn written(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a state has a JSON")
    }

    /// The name of the counter.
    #[must_use]
    pub fn metric(&self) -> &str {
        &self.metric
    }

    /// The report that is on its way. It is sent until it is answered.
    #[must_use]
    pub fn pending(&self) -> Option<&PendingReport> {
        self.pending.as_ref()
    }

    /// The state after its report was sent and not answered: nobody knows what of it was counted.
    #[must_use]
    pub fn unanswered(mut self) -> CounterState {
        if let Some(pending) = &mut self.pending {
            pending.is_unsent = false;
        }
        self
    }

    /// The state that holds its report, of which the records at those places were refused: see
    /// [`HeldReport`].
    #[must_use]
    pub fn holding(mut self, refused: BTreeSet<usize>, since: Timestamp) -> CounterState {
        if let Some(pending) = &mut self.pending {
            pending.held = Some(HeldReport { since, refused });
        }
        self
    }

    /// The state after its report was answered, and the records at those places were refused.
    ///
    /// The series of a refused record stay where they were if this was the first time that the
    /// report was sent, or if the record is among the `uncounted`, of which nothing is counted: the
    /// next report has their calls. Otherwise they may have been counted before.
    #[must_use]
    pub fn acknowledged(
        mut self,
        refused: &BTreeSet<usize>,
        uncounted: &BTreeSet<usize>,
    ) -> Acknowledged {
        let (mut waiting, mut given_up) = (0_u64, 0_u64);
        let pending = self.pending.take();
        let is_unsent = pending.as_ref().is_some_and(|pending| pending.is_unsent);
        let records = pending.map(|pending| pending.records).unwrap_or_default();
        for (index, record) in records.into_iter().enumerate() {
            match (refused.contains(&index), is_unsent || uncounted.contains(&index)) {
                (true, true) => {
                    waiting = waiting.saturating_add(record.count.get());
                    continue;
                }
                (true, false) => given_up = given_up.saturating_add(record.count.get()),
                (false, _) => {}
            }
            self.samples.extend(record.samples);
        }
        Acknowledged { state: self, waiting, given_up }
    }

    /// The id of the next report.
    pub(super) fn next_id(&mut self) -> ReportId {
        self.sequence += 1;
        let whose = Sha256::digest(format!("{}\n{}", self.metric, self.target));
        let (whose, began) = (hex(&whose, 8), self.began_at.as_microsecond());
        format!("counter-{whose}-{began}-{}", self.sequence).parse().expect("digits are an id")
    }
}

impl From<&PendingRecord> for Record {
    fn from(record: &PendingRecord) -> Record {
        let PendingRecord { provider, api, day, count, .. } = record.clone();
        Record { provider, api, day, count, amount: Amount::ZERO, line: 0 }
    }
}
