//! The reconciliation of one bill, in parts: what is stored while it runs.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{BillFile, Finding, Reconciliation};

/// A run over the bill of a day. Another run of the same day takes its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillRun {
    /// What distinguishes it from other runs of its day.
    pub id: BillRunId,
    /// The day of the bill, in Beijing's time.
    pub day: Date,
    /// The raw file.
    pub bill: BillFile,
    /// The parts of the bill that have rows.
    pub parts: BTreeSet<u8>,
    /// The days to reconcile once this one has ended.
    pub then: Vec<Date>,
}

/// What distinguishes a run from others of the same day: when it began, and the hash of its bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BillRunId(String);

/// A part of a run, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillPart {
    /// How often it was written. Each write is conditional on the version before.
    pub version: u64,
    /// The run that the part belongs to.
    pub run: BillRunId,
    /// The number of the part.
    pub part: u8,
    /// How often it was tried since it last got further.
    pub tries: u32,
    /// The row up to which everything is done.
    pub done: BillCursor,
    /// Whether it has ended: all of its rows are done, or it was given up.
    pub has_ended: bool,
    /// The result so far.
    pub tally: BillTally,
}

/// A row of a bill, in the order in which rows are worked on: refunds after everything else, since
/// a refund may be of a payment that the same bill shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BillCursor {
    /// Whether it is a refund.
    pub is_refund: bool,
    /// The line in the file, from 1; 0 before the first.
    pub line: u64,
}

/// The result of rows of a bill.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillTally {
    /// How many rows are about trades.
    pub rows: u32,
    /// How many of them agree with our books, those that were found out by the bill included.
    pub matched: u32,
    /// How many rows could not be read.
    pub unreadable_rows: u32,
    /// What did not simply agree, up to [`Reconciliation::FINDINGS_MAX`].
    pub findings: Vec<Finding>,
    /// How many there are more.
    pub more_findings: u32,
    /// How many rows could not be booked. The day fails, and another run tries again.
    pub failed_rows: u32,
    /// The first of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<RowFailure>,
}

/// A row that could not be booked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowFailure {
    /// The number of its trade.
    pub trade: String,
    /// The error of the booking, with its causes.
    pub why: String,
}

/// Why a day could not be reconciled. It stays until the day is reconciled or skipped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayFailure {
    /// The day of the bill, in Beijing's time.
    pub day: Date,
    /// The error, with its causes.
    pub why: String,
    /// When it was tried last, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub failed_at_s: Timestamp,
}

impl BillRun {
    /// A run over a bill that begins now.
    #[must_use]
    pub fn new(
        day: Date,
        bill: BillFile,
        parts: BTreeSet<u8>,
        then: Vec<Date>,
        now: Timestamp,
    ) -> BillRun {
        let id = BillRunId(format!("{}-{}", now.as_second(), bill.sha256));
        BillRun { id, day, bill, parts, then }
    }

    /// Whether all parts of the run have ended, of the parts that are stored of its day.
    #[must_use]
    pub fn has_ended(&self, stored: &[BillPart]) -> bool {
        let ended = stored.iter().filter(|part| part.run == self.id && part.has_ended);
        let ended: BTreeSet<u8> = ended.map(|part| part.part).collect();
        self.parts.is_subset(&ended)
    }

    /// The result of all parts, of the parts that are stored of its day.
    #[must_use]
    pub fn tally(&self, stored: &[BillPart]) -> BillTally {
        let mut sum = BillTally::default();
        for part in stored.iter().filter(|part| part.run == self.id) {
            sum.add(part.tally.clone());
        }
        sum
    }
}

impl fmt::Display for BillRunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl BillPart {
    /// How often a part is tried without getting further. The last try gives it up, so that the day
    /// ends and the days after it proceed.
    pub const TRIES_MAX: u32 = 5;

    /// A part of a run before its first row.
    #[must_use]
    pub fn new(run: BillRunId, part: u8) -> BillPart {
        BillPart {
            version: 0,
            run,
            part,
            tries: 0,
            done: BillCursor::default(),
            has_ended: false,
            tally: BillTally::default(),
        }
    }

    /// The part as it is tried once more: given up, if it was tried too often.
    #[must_use]
    pub fn tried(mut self) -> BillPart {
        self.tries += 1;
        if self.tries >= BillPart::TRIES_MAX {
            let why = format!("given up after {} tries", self.tries - 1);
            self.tally.fail(RowFailure { trade: format!("part {}", self.part), why });
            self.has_ended = true;
        }
        self
    }

    /// The part after some of its rows, up to one.
    #[must_use]
    pub fn after(mut self, tally: BillTally, done: BillCursor, has_ended: bool) -> BillPart {
        self.tally.add(tally);
        BillPart { tries: 0, done, has_ended, ..self }
    }
}

impl BillTally {
    /// Adds the result of other rows.
    pub fn add(&mut self, other: BillTally) {
        let BillTally {
            rows,
            matched,
            unreadable_rows,
            findings,
            more_findings,
            failed_rows,
            failure,
        } = other;
        self.rows = self.rows.saturating_add(rows);
        self.matched = self.matched.saturating_add(matched);
        self.unreadable_rows = self.unreadable_rows.saturating_add(unreadable_rows);
        self.more_findings = self.more_findings.saturating_add(more_findings);
        self.failed_rows = self.failed_rows.saturating_add(failed_rows);
        if self.failure.is_none() {
            self.failure = failure;
        }
        self.find(findings);
    }

    /// Adds what did not simply agree. What a person must see comes first, should there be too
    /// many.
    pub fn find(&mut self, findings: Vec<Finding>) {
        for finding in findings {
            if self.findings.contains(&finding) {
                continue;
            }
            if self.findings.len() < Reconciliation::FINDINGS_MAX {
                self.findings.push(finding);
                continue;
            }
            self.more_findings = self.more_findings.saturating_add(1);
            let last = self.findings.iter_mut().rfind(|found| !found.kind.is_difference());
            if let Some(last) = last.filter(|_| finding.kind.is_difference()) {
                *last = finding;
            }
        }
        self.findings.sort_by_key(|finding| !finding.kind.is_difference());
    }

    /// Adds a row that could not be booked.
    pub fn fail(&mut self, failure: RowFailure) {
        self.failed_rows = self.failed_rows.saturating_add(1);
        self.failure.get_or_insert(failure);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FindingKind;

    fn run(parts: &[u8]) -> BillRun {
        let (kind, key, sha256) = ("trade".to_owned(), "k".to_owned(), "s".to_owned());
        let (day, bill) = ("2015-05-02".parse().unwrap(), BillFile { kind, key, sha256 });
        let parts = parts.iter().copied().collect();
        BillRun::new(day, bill, parts, Vec::new(), Timestamp::UNIX_EPOCH)
    }

    fn found(number: usize, kind: FindingKind) -> Finding {
        Finding {
            kind,
            out_trade_no: number.to_string(),
            out_request_no: None,
            provider: None,
            theirs_fen: None,
            ours_fen: None,
        }
    }

    fn ended(run: &BillRun, part: u8) -> BillPart {
        let tally = BillTally { rows: 1, matched: 1, ..BillTally::default() };
        BillPart::new(run.id.clone(), part).after(
            tally,
            BillCursor { is_refund: true, line: 9 },
            true,
        )
    }

    #[test]
    fn a_run_ends_when_each_part_of_it_has_ended() {
        let run = run(&[3, 7]);
        let other = BillRun { id: BillRunId("another".to_owned()), ..run.clone() };
        let open = BillPart::new(run.id.clone(), 7);
        for (stored, has_ended, rows) in [
            (vec![], false, 0),
            (vec![ended(&run, 3)], false, 1),
            (vec![ended(&run, 3), open], false, 1),
            (vec![ended(&run, 3), ended(&other, 7)], false, 1),
            (vec![ended(&run, 3), ended(&run, 7)], true, 2),
        ] {
            assert_eq!(run.has_ended(&stored), has_ended, "{stored:?}");
            assert_eq!(run.tally(&stored).rows, rows, "{stored:?}");
        }
    }

    #[test]
    fn a_part_that_gets_no_further_is_given_up_at_its_fifth_try() {
        let run = run(&[3]);
        let mut part = BillPart::new(run.id.clone(), 3);
        for try_number in 1..=4 {
            part = part.tried();
            assert!(!part.has_ended, "{try_number}");
        }
        let further = part.clone().after(BillTally::default(), BillCursor::default(), false);
        assert!(!further.tried().has_ended, "it got further");
        let given_up = part.tried();
        assert!(given_up.has_ended);
        assert_eq!(given_up.tally.failed_rows, 1);
        assert_eq!(given_up.tally.failure.unwrap().why, "given up after 4 tries");
    }

    #[test]
    fn differences_come_first_and_what_is_too_much_is_counted() {
        let mut tally = BillTally::default();
        tally.find((0..500).map(|number| found(number, FindingKind::FoundPayment)).collect());
        tally.find(vec![found(7, FindingKind::FoundPayment), found(7, FindingKind::OursOnly)]);
        let mut sum = BillTally::default();
        sum.add(tally);
        assert_eq!((sum.findings.len(), sum.more_findings), (500, 1));
        assert_eq!(sum.findings[0].kind, FindingKind::OursOnly);
    }
}
