//! A file of corrections: JSON lines, each a report to withdraw or a report to count.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;
use steelyard_billing::{Calendar, ProviderId, ReportId, ReportRef, SourceId};
use steelyard_json::{JsonError, Node};
use steelyard_pricing::BillingDay;
use steelyard_report::{Counts, UsageReport};
use steelyard_runtime::Error;

/// The largest file, in bytes. It is stored with the set, so that the set can be undone.
pub const FILE_BYTES_MAX: usize = 16 << 20;

/// The lines of a file of corrections.
#[derive(Clone, Debug, Default)]
pub struct CorrectionFile {
    /// The reports to withdraw.
    pub void: Vec<WrongReport>,
    /// The right reports, which are counted after the wrong ones are withdrawn.
    pub count: Vec<RightReport>,
}

/// A report that is to be withdrawn.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WrongReport {
    /// The provider that it reports of.
    pub provider: ProviderId,
    /// Its source, and the id that the source gave it.
    pub report: ReportRef,
    /// The billing day of it; all of its days in months that are open unless given.
    pub day: Option<BillingDay>,
}

/// A report that is to be counted.
#[derive(Clone, Debug)]
pub struct RightReport {
    /// The report under the id that it will have.
    pub report: UsageReport,
    /// The JSON of the line, for its digest.
    document: Node,
}

impl CorrectionFile {
    /// Reads a file: each line is `{"void": {"provider", "source", "id", "day"?}}` or `{"count":
    /// REPORT}`, where REPORT is a usage report. Lines without anything are passed over.
    ///
    /// # Errors
    ///
    /// The first fault, with its line.
    pub fn read(content: &[u8]) -> Result<CorrectionFile, Error> {
        if content.len() > FILE_BYTES_MAX {
            let length = content.len();
            return Err(format!("it has {length} bytes; {FILE_BYTES_MAX} are the most").into());
        }
        let mut file = CorrectionFile::default();
        for (number, line) in (1_usize..).zip(content.split(|byte| *byte == b'\n')) {
            if !line.trim_ascii().is_empty() {
                file.add(line).map_err(|why| format!("line {number}: {why}"))?;
            }
        }
        file.check_ids()?;
        Ok(file)
    }

    fn add(&mut self, line: &[u8]) -> Result<(), Error> {
        let mut fields = steelyard_json::parse(line)?.into_fields()?;
        let (void, count) = (fields.take("void"), fields.take("count"));
        fields.end(&["void", "count"])?;
        match (void, count) {
            (Some(void), None) => {
                self.void.push(WrongReport::read(void).map_err(|error| error.inside("void"))?);
            }
            (None, Some(document)) => self.count.push(RightReport::read(document)?),
            (Some(_), Some(_)) | (None, None) => {
                return Err("it is to have either `void` or `count`".into());
            }
        }
        Ok(())
    }

    /// No report is withdrawn or counted twice, and none that is counted is withdrawn too.
    fn check_ids(&self) -> Result<(), Error> {
        let mut voided = BTreeSet::new();
        for wrong in &self.void {
            if !voided.insert(wrong) {
                return Err(format!("{wrong} is withdrawn twice").into());
            }
        }
        let voided = self.void.iter().map(|wrong| &wrong.report).collect::<BTreeSet<_>>();
        let mut counted = BTreeSet::new();
        for RightReport { report, .. } in &self.count {
            let of = ReportRef { source: report.source.clone(), report: report.id.clone() };
            if voided.contains(&of) {
                return Err(format!(
                    "report {}/{} is withdrawn: give the report that counts in its place another id",
                    of.source, of.report
                )
                .into());
            }
            if !counted.insert((report.source.clone(), report.id.clone())) {
                return Err(format!("report {}/{} is counted twice", of.source, of.report).into());
            }
        }
        Ok(())
    }

    /// The file in a form that reads as the same.
    ///
    /// # Errors
    ///
    /// Never in practice: all of it was read from JSON.
    pub fn written(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut written = Vec::new();
        for wrong in &self.void {
            serde_json::to_writer(
                &mut written,
                &Line { void: Some(wrong.written()), count: None },
            )?;
            written.push(b'\n');
        }
        for right in &self.count {
            let count = Some(&right.document);
            serde_json::to_writer(&mut written, &Line { void: None, count })?;
            written.push(b'\n');
        }
        Ok(written)
    }
}

/// A line of a file.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    void: Option<WrittenVoid<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<&'a Node>,
}

/// A report to withdraw, as a line has it.
#[derive(Serialize)]
struct WrittenVoid<'a> {
    provider: &'a ProviderId,
    source: &'a SourceId,
    id: &'a ReportId,
    #[serde(skip_serializing_if = "Option::is_none")]
    day: Option<BillingDay>,
}

impl WrongReport {
    fn read(node: Node) -> Result<WrongReport, JsonError> {
        let mut fields = node.into_fields()?;
        let provider = fields.read_required("provider")?;
        let source: SourceId = fields.read_required("source")?;
        let report: ReportId = fields.read_required("id")?;
        let day = fields.read("day")?;
        fields.end(&["provider", "source", "id", "day"])?;
        Ok(WrongReport { provider, report: ReportRef { source, report }, day })
    }

    fn written(&self) -> WrittenVoid<'_> {
        let WrongReport { provider, report: ReportRef { source, report: id }, day } = self;
        WrittenVoid { provider, source, id, day: *day }
    }
}

impl std::fmt::Display for WrongReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let WrongReport { provider, report: ReportRef { source, report }, day } = self;
        write!(f, "report {source}/{report} of {provider}")?;
        day.map_or(Ok(()), |day| write!(f, " on {day}"))
    }
}

impl RightReport {
    fn read(document: Node) -> Result<RightReport, Error> {
        let report = UsageReport::read(&serde_json::to_vec(&document)?)?;
        if report.counts != Counts::New {
            return Err("a cumulative report cannot take the place of another".into());
        }
        Ok(RightReport { report, document })
    }

    /// The report by each provider and day of its records. Days of closed months are among them.
    ///
    /// # Errors
    ///
    /// When a record names none.
    pub(super) fn days(&self, calendar: &Calendar) -> Result<BTreeSet<WrongReport>, Error> {
        let UsageReport { source, id, records, .. } = &self.report;
        let of = ReportRef { source: source.clone(), report: id.clone() };
        let day_of = |record: &Node| {
            let mut fields = record.clone().into_fields()?;
            let provider = fields.read_required("provider")?;
            let day = match fields.read("day")? {
                Some(day) => day,
                None => calendar.day_of(fields.read_required::<Timestamp>("at")?)?,
            };
            Ok(WrongReport { provider, report: of.clone(), day: Some(day) })
        };
        records.iter().map(day_of).collect()
    }
}
