//! Lines that count by an id: each as a report that counts once, or all of a post as one report.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use steelyard_billing::{APIS_PER_DAY_MAX, Allowance, ProviderId, ReportId, SourceId, TooLarge};
use steelyard_import::{IdentifiedLine, Record, Summary};
use steelyard_json::Node;
use steelyard_pricing::{ApiName, BillingDay};
use steelyard_report::{Counts, UsageReport};
use steelyard_store::Counted;

use super::ImportError;
use crate::count::{CONTINUED_MAX, Counter, Counting, continued_id};

/// How many lines with an id of their own are made ready to be counted.
const LINES_HELD: usize = 1_024;

/// Counts lines with an id of their own, each as a report that counts once, for those providers for
/// whom the source may report.
///
/// # Errors
///
/// [`ImportError`] when the table fails; counting the same lines again counts the rest.
pub async fn count_identified(
    mut lines: Vec<IdentifiedLine>,
    source: &SourceId,
    (counter, allowance): (&Counter, &Allowance),
    summary: &mut Summary,
) -> Result<(), ImportError> {
    // Those of a minute together, so that they get one item.
    lines.sort_by(|one, other| {
        let of = |line: &IdentifiedLine| line.combined.map(|minute| (line.record.day, minute));
        let by = of(one).cmp(&of(other));
        by.then_with(|| one.record.provider.cmp(&other.record.provider))
    });
    let mut lines = lines.into_iter().peekable();
    while lines.peek().is_some() {
        // What waits to be counted takes far more memory than a line.
        let some =
            lines.by_ref().take(LINES_HELD).map(|IdentifiedLine { id, record, combined }| {
                let records = vec![record];
                (UsageReport { combined, ..report_of(&records, source, &id) }, records)
            });
        let (reports, records): (Vec<_>, Vec<_>) = some.unzip();
        let counting = counter.count_all(&reports.iter().collect::<Vec<_>>(), allowance).await;
        for ((report, records), counting) in reports.into_iter().zip(records).zip(counting) {
            let id = report.id;
            let counting =
                counting.map_err(|source| ImportError::Count { report: id.clone(), source })?;
            tally(summary, &id, records, &counting);
        }
    }
    Ok(())
}

/// Counts records as one report that counts once. Gives the places of those that were refused.
///
/// # Errors
///
/// [`ImportError`] when the table fails; counting the same report again counts the rest.
pub async fn count_post(
    records: Vec<Record>,
    (source, id): (&SourceId, ReportId),
    (counter, allowance): (&Counter, &Allowance),
    summary: &mut Summary,
) -> Result<BTreeSet<usize>, ImportError> {
    let mut refused = BTreeSet::new();
    for (number, (places, records)) in divided(records).into_iter().enumerate() {
        let Some(id) = continued_id(&id, number) else {
            for (place, record) in places.into_iter().zip(records) {
                summary.refuse(record, TooLarge::TooManyApis.to_string());
                refused.insert(place);
            }
            continue;
        };
        let report = report_of(&records, source, &id);
        let counting = counter.count_allowed(&report, allowance).await;
        let counting =
            counting.map_err(|source| ImportError::Count { report: id.clone(), source })?;
        let of_report = tally(summary, &id, records, &counting);
        refused.extend(of_report.into_iter().filter_map(|place| places.get(place).copied()));
    }
    Ok(refused)
}

/// The ids under which the records of a report may be counted, the report's own first.
pub fn divided_ids(id: &ReportId) -> impl Iterator<Item = ReportId> {
    (0..=CONTINUED_MAX).filter_map(|number| continued_id(id, number))
}

/// Records with their places, in as many reports as their APIs need: one holds so many of a
/// provider and day, and a caller chooses how many there are. The same records are always divided
/// in the same way.
fn divided(records: Vec<Record>) -> Vec<(Vec<usize>, Vec<Record>)> {
    let mut apis = BTreeMap::<(ProviderId, BillingDay), HashMap<ApiName, usize>>::new();
    let mut reports = Vec::<(Vec<usize>, Vec<Record>)>::new();
    for (place, record) in records.into_iter().enumerate() {
        let of_day = apis.entry((record.provider.clone(), record.day)).or_default();
        let count = of_day.len();
        let api = *of_day.entry(record.api.clone()).or_insert(count);
        let number = api / APIS_PER_DAY_MAX;
        while reports.len() <= number {
            reports.push((Vec::new(), Vec::new()));
        }
        reports[number].0.push(place);
        reports[number].1.push(record);
    }
    reports
}

/// Adds to a summary the outcomes of the records of a report that counts once. Gives the places of
/// those that were refused.
fn tally(
    summary: &mut Summary,
    id: &ReportId,
    records: Vec<Record>,
    counting: &Counting,
) -> BTreeSet<usize> {
    summary.reports += 1;
    summary.is_to_be_sent_again |= counting.is_to_be_sent_again;
    let refused = counting.refused.iter().map(|refused| (refused.index, &refused.reason));
    let reasons = refused.collect::<BTreeMap<_, _>>();
    let mut refused = reasons.keys().copied().collect::<BTreeSet<_>>();
    for (index, record) in records.into_iter().enumerate() {
        if let Some(reason) = reasons.get(&index) {
            summary.refuse(record, (*reason).clone());
            continue;
        }
        let (provider, metered) = (&record.provider, record.metered());
        let became = counting.providers.get(provider).and_then(|days| days.get(&record.day));
        match became {
            Some(Counted::Counted) => summary.counted.add(provider, metered),
            Some(Counted::Duplicate) => summary.duplicate.add(provider, metered),
            Some(Counted::Withdrawn) => summary.withdrawn.add(provider, metered),
            Some(Counted::Conflict) => summary.conflict(id, provider, metered),
            // What is neither counted nor refused is a defect: it is reported, and not lost in
            // silence.
            None => {
                summary.refuse(record, "the counter says nothing of it".to_owned());
                refused.insert(index);
            }
        }
    }
    refused
}

fn report_of(records: &[Record], source: &SourceId, id: &ReportId) -> UsageReport {
    let node = |record| serde_json::to_value(record).expect("a record has a JSON");
    UsageReport {
        source: source.clone(),
        id: id.clone(),
        counts: Counts::New,
        records: records.iter().map(node).map(Node::from).collect(),
        combined: None,
    }
}
