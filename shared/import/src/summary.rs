//! What became of an import. Pure.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::{Serialize, Serializer};
use steelyard_billing::{LogOutcome, NotCounted, ProviderId, ReportId, UnknownCaller};
use steelyard_pricing::{Amount, ApiName, BillingDay, Calls, Metered, Usage};

use super::batch::{BadLine, Batch, Record, is_nothing};
use super::billable::NotBillable;
use super::edges::Edges;
use super::kinds::Kinds;
use super::reasons::{Reasons, Refused};
use super::request::Odd;
use super::unmapped::UnmappedCallers;

/// How many conflicts are shown; all are numbered.
pub const SHOWN_MAX: usize = 20;

/// What became of an import.
///
/// `lines` is the sum of `blank`, `odd`, `not_billable`, `unmapped`, `billable` and `bad`.
/// `metered` is the sum of that of `counted`, `duplicate`, `withdrawn`, `conflict` and `refused`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The lines that were read.
    pub lines: u64,
    /// The lines that say nothing.
    pub blank: u64,
    /// The lines that are no calls of an API.
    pub odd: Kinds<Odd>,
    /// The calls that their method or their status makes free.
    pub not_billable: Kinds<NotBillable>,
    /// The lines whose caller is no provider.
    pub unmapped: UnmappedCallers,
    /// The lines with calls to bill.
    pub billable: u64,
    /// The lines that can't be counted, by what is wrong with them.
    pub bad: Reasons<BadLine>,
    /// The reports that were sent to the counter.
    pub reports: u64,
    /// The calls to bill, and what went through them.
    #[serde(flatten, serialize_with = "as_calls")]
    pub metered: Metered,
    /// Of these, what this import counted.
    pub counted: Tally,
    /// The calls that counted before, also by an earlier line of the file; nothing changed.
    pub duplicate: Tally,
    /// What was counted before and then withdrawn: it does not count.
    pub withdrawn: Tally,
    /// What was not counted because the same hour of the log was imported before by other rules for
    /// the names of APIs, the id of a line was used before with other content, or the report was
    /// withdrawn.
    pub conflict: Tally,
    /// The calls that were refused.
    pub refused: Tally,
    /// The reports that conflict, by provider.
    pub conflicts: Shown<Conflict>,
    /// The calls that were refused, by the reason.
    pub refusals: Reasons<Refusal>,
    /// The doubts about where the file may be cut.
    pub edges: Edges,
    /// Whether calls were refused with which nothing is wrong: they can be counted when an operator
    /// has repaired what is stored.
    #[serde(skip)]
    pub is_to_be_sent_again: bool,
}

/// All are counted, the first are shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Shown<T> {
    /// The number of all.
    pub count: u64,
    /// The first of them, [`SHOWN_MAX`] at most.
    pub first: Vec<T>,
}

/// Calls and whose they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// The providers, serialised as their number.
    #[serde(serialize_with = "as_number")]
    pub providers: BTreeSet<ProviderId>,
    /// The calls, and what went through them.
    #[serde(flatten, serialize_with = "as_calls")]
    pub metered: Metered,
}

/// What a report says of a provider, and was not counted because the report's id was used before
/// with other content, or by other rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Conflict {
    /// The id of the report.
    pub report: ReportId,
    /// The provider whose share conflicts.
    pub provider: ProviderId,
    /// Its calls in the report now, and what went through them. Some may be in the counters since
    /// before.
    #[serde(flatten, serialize_with = "as_calls")]
    pub metered: Metered,
}

/// A record that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// The provider whose calls they are.
    pub provider: ProviderId,
    /// The API that was called.
    pub api: ApiName,
    /// The billing day of the calls.
    pub day: BillingDay,
    /// How many, and what went through them.
    #[serde(flatten, serialize_with = "as_calls")]
    pub metered: Metered,
    /// The first line of the file that has them, from 1.
    pub line: u64,
    /// The rule that refuses it, as a text.
    #[serde(skip)]
    pub reason: String,
}

/// What a file says of a provider and day under one report.
#[derive(Clone, Debug)]
pub struct Share<'a> {
    /// The id of the report.
    pub report: &'a ReportId,
    /// The provider whose calls they are.
    pub provider: ProviderId,
    /// The billing day of the calls.
    pub day: BillingDay,
    /// The calls of its lines, and what went through them.
    pub metered: Metered,
    /// The first of the lines, from 1.
    pub line: u64,
    /// The calls that count, by API.
    pub usage: Usage,
}

impl Summary {
    /// Whether every call to bill is in the counters, and no line was bad or of an unknown caller.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.refused_lines() == 0
            && self.conflict.providers.is_empty()
            && self.refused.providers.is_empty()
    }

    /// How many lines and calls are not counted, though they may have to be: for what they say, for
    /// who calls, as conflicts, or because they were refused.
    #[must_use]
    pub fn not_counted(&self) -> u64 {
        self.refused_lines() + self.refusals.count + self.conflict.metered.calls.get()
    }

    /// The lines that were refused for what they say.
    #[must_use]
    pub fn refused_lines(&self) -> u64 {
        self.bad.count + self.unmapped.lines
    }

    /// The same in short, as it is noted of a log.
    #[must_use]
    pub fn outcome(&self) -> LogOutcome {
        let calls = |tally: &Tally| tally.metered.calls.get();
        let short = |text: &str| text.chars().take(LogOutcome::TEXT_MAX).collect::<String>();
        let bad = self.bad.reasons.iter().map(|of| {
            let line = of.examples.first().map_or(0, |example| example.line);
            NotCounted { reason: short(&of.reason), count: of.count, line }
        });
        let refused = self.refusals.reasons.iter().map(|of| {
            let line = of.examples.first().map_or(0, |example| example.line);
            NotCounted { reason: short(&of.reason), count: of.count, line }
        });
        let (callers, _) = self.unmapped.shown();
        let callers = callers.into_iter().take(LogOutcome::CALLERS_MAX);
        LogOutcome {
            lines: self.lines,
            blank: self.blank,
            odd: self.odd.count,
            not_billable: self.not_billable.count,
            unmapped: self.unmapped.lines,
            billable: self.billable,
            bad: self.bad.count,
            counted: calls(&self.counted),
            duplicate: calls(&self.duplicate),
            withdrawn: calls(&self.withdrawn),
            conflict: calls(&self.conflict),
            refused: calls(&self.refused),
            reasons: bad.chain(refused).take(LogOutcome::REASONS_MAX).collect(),
            callers: callers
                .map(|(caller, calls)| UnknownCaller { caller: short(caller), calls })
                .collect(),
        }
    }

    /// Takes in what the lines of a batch say.
    pub fn read(&mut self, batch: &Batch) {
        self.lines += batch.lines();
        self.blank += batch.blank;
        self.odd.extend(&batch.odd);
        self.not_billable.extend(&batch.not_billable);
        self.unmapped.extend(&batch.unmapped);
        self.billable += batch.billable;
        batch.bad.iter().cloned().for_each(|bad| self.bad.push(bad));
        self.metered = sum(self.metered, batch.metered);
        // Those of the last batch are those of the file.
        self.edges = batch.edges.clone();
    }

    /// Takes in a record that was refused.
    pub fn refuse(&mut self, record: Record, reason: String) {
        let metered = record.metered();
        let Record { provider, api, day, line, .. } = record;
        self.refused.add(&provider, metered);
        self.refusals.push(Refusal { provider, api, day, metered, line, reason });
    }

    /// Takes in what a report says of a provider, and conflicts.
    pub fn conflict(&mut self, report: &ReportId, provider: &ProviderId, metered: Metered) {
        self.conflict.add(provider, metered);
        let (report, provider) = (report.clone(), provider.clone());
        self.conflicts.push(Conflict { report, provider, metered });
    }
}

impl Summary {
    /// Takes in a share of which so much is new; the rest was counted before.
    pub fn count(&mut self, share: &Share<'_>, gained: Metered) {
        let metered = share.metered;
        // More than the share only if others reported at the same time.
        let gained = Metered {
            calls: gained.calls.min(metered.calls),
            amount: gained.amount.min(metered.amount),
        };
        let before = metered.above(gained);
        for (tally, metered) in [(&mut self.counted, gained), (&mut self.duplicate, before)] {
            if !metered.is_zero() {
                tally.add(&share.provider, metered);
            }
        }
    }

    /// Refuses a share, by API. Lines that say the same again are refused with them.
    pub fn refuse_share(&mut self, share: Share<'_>, reason: &str) {
        let Share { provider, day, metered, line, usage, .. } = share;
        let total = usage.iter().fold(Metered::ZERO, |all, (_, metered)| sum(all, metered));
        let mut again = metered.above(total);
        for (api, metered) in usage.iter() {
            let Metered { calls: count, amount } = sum(metered, again);
            again = Metered::ZERO;
            let (provider, api) = (provider.clone(), api.clone());
            let record = Record { provider, api, day, count, amount, line };
            self.refuse(record, reason.to_owned());
        }
    }
}

impl Refused for Refusal {
    fn reason(&self) -> Cow<'static, str> {
        self.reason.clone().into()
    }

    fn size(&self) -> u64 {
        self.metered.calls.get()
    }
}

impl<T> Shown<T> {
    fn push(&mut self, item: T) {
        self.count += 1;
        if self.first.len() < SHOWN_MAX {
            self.first.push(item);
        }
    }
}

impl<T> Default for Shown<T> {
    fn default() -> Shown<T> {
        Shown { count: 0, first: Vec::new() }
    }
}

impl Tally {
    /// Adds calls of a provider.
    pub fn add(&mut self, provider: &ProviderId, metered: Metered) {
        self.metered = sum(self.metered, metered);
        if !self.providers.contains(provider) {
            self.providers.insert(provider.clone());
        }
    }
}

/// The sum of what one import metered: all of it together can be counted, since a line that would
/// exceed that is a bad one.
///
/// # Panics
///
/// When the sum is more than can be counted: never of what [`Batches`](super::Batches) read.
#[must_use]
pub fn sum(left: Metered, right: Metered) -> Metered {
    left.plus(right).expect("the calls of an import are few enough to count")
}

/// Metered usage as two fields, the second only where there is an amount.
#[derive(Serialize)]
struct CallsAndAmount {
    calls: Calls,
    #[serde(skip_serializing_if = "is_nothing")]
    amount: Amount,
}

fn as_calls<S: Serializer>(metered: &Metered, serializer: S) -> Result<S::Ok, S::Error> {
    let Metered { calls, amount } = *metered;
    CallsAndAmount { calls, amount }.serialize(serializer)
}

fn as_number<S: Serializer>(
    providers: &BTreeSet<ProviderId>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    providers.len().serialize(serializer)
}
