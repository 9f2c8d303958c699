//! Findings: differences between bills and the books. Each is reported once, and stays open until a
//! person closes it, the books have the money that its row showed, or a bill shows the money that
//! was missing.

use std::collections::BTreeSet;

use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use jiff::civil::Date;
use steelyard_billing::{
    Finding, FindingKind, OpenFinding, OutRequestNo, Reason, Unmatched, bill_day,
};
use steelyard_store::schema::bill_part;

use crate::bill::AT_ONCE;
use crate::change::{Decision, change};
use crate::{BookError, Books};

const REPORT: &str = "report a finding";
const CLOSE: &str = "close a finding";

/// Why a finding is closed whose row showed what the books did not have yet.
const BOOKED_SINCE: &str = "the books have the money since";

/// Why a finding is closed whose money no bill showed in time.
const SHOWN_SINCE: &str = "a later bill shows the money";

/// The new findings of some rows, and those that were first reported by the same day.
#[derive(Debug, Default)]
pub(crate) struct Reported {
    pub(crate) of_the_day: Vec<Finding>,
    pub(crate) new: Vec<Finding>,
}

impl Books {
    /// The findings about the overdue movements of a part that no bill showed. A movement that a
    /// bill showed before the books had it is expected no more, and the finding of its row is
    /// closed.
    pub(crate) async fn never_shown(
        &self,
        part: u8,
        overdue: Vec<Unmatched>,
    ) -> Result<Vec<Finding>, BookError> {
        let left = futures::stream::iter(overdue).map(|unmatched| async move {
            let is_shown = self.close_shown(&unmatched).await?;
            Ok::<_, BookError>((!is_shown).then_some(unmatched))
        });
        let left: Vec<_> = left.buffered(AT_ONCE).try_collect().await?;
        let left: Vec<Unmatched> = left.into_iter().flatten().collect();
        if left.is_empty() {
            return Ok(Vec::new());
        }
        // Another worker may have closed a finding and let go of its movement meanwhile.
        let expected = self.billing.unmatched_of(part).await?.unmatched;
        let expected: BTreeSet<_> = expected.iter().map(Unmatched::numbers).collect();
        let missing = left.iter().filter(|of| expected.contains(&of.numbers()));
        Ok(missing.map(Unmatched::ours_only).collect())
    }

    /// Closes the finding of a row that showed a movement before the books had it. Whether there is
    /// one.
    async fn close_shown(&self, unmatched: &Unmatched) -> Result<bool, BookError> {
        change(&self.billing, CLOSE, move |_| async move {
            let Some(before) = self.shown_before(unmatched).await? else {
                return Ok(Decision::Keep(false));
            };
            let mut writes = self.billing.writes(CLOSE);
            writes.shown(unmatched);
            if before.closed.is_none() {
                let reason = Reason::new(BOOKED_SINCE).expect("it is short");
                let closed = OpenFinding { closed: Some(reason), ..before.clone() };
                writes.finding(Some(&before), &closed)?;
            }
            Ok::<_, BookError>(Decision::Save(writes, true))
        })
        .await
    }

    /// Closes the findings that no bill shows what one shows now. Only what was booked two days ago
    /// can have been reported.
    pub(crate) async fn close_missing(
        &self,
        shown: &[Unmatched],
        now: Timestamp,
    ) -> Result<(), BookError> {
        let yesterday = bill_day(now).yesterday().unwrap_or(Date::MIN);
        futures::stream::iter(shown.iter().filter(|of| of.booked_on < yesterday))
            .map(Ok)
            .try_for_each_concurrent(AT_ONCE, |of| self.close_missing_one(of))
            .await
    }

    async fn close_missing_one(&self, shown: &Unmatched) -> Result<(), BookError> {
        let reason = &Reason::new(SHOWN_SINCE).expect("it is short");
        let (trade, request) = numbers(shown);
        change(&self.billing, CLOSE, move |_| async move {
            let found = self.billing.finding(trade, request).await.map_err(BookError::from);
            let is_missing = match found {
                Ok(found) => found.is_some_and(|of| of.finding.kind == FindingKind::OursOnly),
                Err(error) if error.is_of_one_record() => false,
                Err(error) => return Err(error),
            };
            match is_missing {
                true => Ok(self.closing(trade, request, reason).await?.map(drop)),
                false => Ok::<_, BookError>(Decision::Keep(())),
            }
        })
        .await
    }

    /// The finding of a row that showed a movement before the books had it. One that cannot be read
    /// is listed as such, and shows nothing.
    async fn shown_before(&self, unmatched: &Unmatched) -> Result<Option<OpenFinding>, BookError> {
        let (trade, request) = numbers(unmatched);
        // A row of a ledger has no number of its refund.
        for request in BTreeSet::from([request, None]) {
            match self.billing.finding(trade, request).await.map_err(BookError::from) {
                Ok(Some(finding)) if finding.has_shown(unmatched) => return Ok(Some(finding)),
                Ok(_) => {}
                Err(error) if error.is_of_one_record() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// True when a finding is about this movement.
    pub(crate) async fn is_reported(&self, unmatched: &Unmatched) -> Result<bool, BookError> {
        let (trade, request) = numbers(unmatched);
        let is_reported = self.billing.has_finding(trade, request).await?;
        Ok(is_reported || self.shown_before(unmatched).await?.is_some())
    }

    /// Reports differences. Each is stored.
    pub(crate) async fn report(
        &self,
        findings: Vec<Finding>,
        day: Date,
    ) -> Result<Reported, BookError> {
        let told = futures::stream::iter(findings).map(|finding| async move {
            if !finding.kind.is_difference() {
                return Ok((finding, true, true));
            }
            let (is_of_the_day, is_new) = self.report_finding(&finding, day).await?;
            Ok::<_, BookError>((finding, is_of_the_day, is_new))
        });
        let told: Vec<_> = told.buffered(AT_ONCE).try_collect().await?;
        let mut reported = Reported::default();
        for (finding, is_of_the_day, is_new) in told {
            if is_new {
                reported.new.push(finding.clone());
            }
            if is_of_the_day {
                reported.of_the_day.push(finding);
            }
        }
        Ok(reported)
    }

    /// Stores a difference, once for its trade or refund. Another difference of it opens it again
    /// after the first was closed, and replaces the report that no bill shows it. Whether it is as
    /// this day first reported it, and whether it was not reported before.
    ///
    /// # Errors
    ///
    /// [`BookError`] when the table fails.
    pub async fn report_finding(
        &self,
        finding: &Finding,
        day: Date,
    ) -> Result<(bool, bool), BookError> {
        change(&self.billing, REPORT, move |_| async move {
            let Finding { out_trade_no, out_request_no, .. } = finding;
            let before = match self.billing.finding(out_trade_no, out_request_no.as_deref()).await {
                Ok(Some(stored)) if !stored.gives_way_to(finding) => {
                    let is_of_the_day = stored.first_day == day && stored.finding == *finding;
                    return Ok(Decision::Keep((is_of_the_day, false)));
                }
                Ok(before) => before,
                Err(error) => {
                    // One that cannot be read was reported too, and is listed as such.
                    let error = BookError::from(error);
                    let is_of_one = error.is_of_one_record();
                    return if is_of_one { Ok(Decision::Keep((false, false))) } else { Err(error) };
                }
            };
            let open = OpenFinding {
                version: before.as_ref().map_or(0, |before| before.version),
                finding: finding.clone(),
                first_day: day,
                closed: None,
            };
            let mut writes = self.billing.writes(REPORT);
            writes.finding(before.as_ref(), &open)?;
            Ok::<_, BookError>(Decision::Save(writes, (true, true)))
        })
        .await
    }

    /// Closes a finding. What the books expected of a bill by its numbers is
    /// expected no more. None if there is no finding.
    ///
    /// # Errors
    ///
    /// [`BookError`] when the table fails.
    pub async fn close_finding(
        &self,
        trade: &str,
        request: Option<&str>,
        reason: &Reason,
    ) -> Result<Option<OpenFinding>, BookError> {
        change(&self.billing, CLOSE, move |_| self.closing(trade, request, reason)).await
    }

    /// The writes that close a finding: none if it is closed.
    pub(crate) async fn closing(
        &self,
        trade: &str,
        request: Option<&str>,
        reason: &Reason,
    ) -> Result<Decision<Option<OpenFinding>>, BookError> {
        let Some(before) = self.billing.finding(trade, request).await? else {
            return Ok(Decision::Keep(None));
        };
        let closed = OpenFinding { closed: Some(reason.clone()), ..before.clone() };
        if before.closed.is_some() {
            return Ok(Decision::Keep(Some(before)));
        }
        let mut writes = self.billing.writes(CLOSE);
        writes.finding(Some(&before), &closed)?;
        let unshown = self.billing.unmatched_of(bill_part(trade)).await?.unmatched;
        for unmatched in unshown.iter().filter(|unmatched| closed.finding.is_about(unmatched)) {
            writes.shown(unmatched);
        }
        Ok(Decision::Save(writes, Some(closed)))
    }
}

/// The numbers of a movement's trade and refund, as texts.
fn numbers(unmatched: &Unmatched) -> (&str, Option<&str>) {
    let request = unmatched.out_request_no.as_ref().map(OutRequestNo::as_str);
    (unmatched.out_trade_no.as_str(), request)
}
