//! Lines that give only a day, and have no id: nothing in them says whether another line is of the
//! same calls. So they are counted as one report of the file, and what is not clear is asked and
//! not guessed.

use std::collections::BTreeMap;
use std::sync::Arc;

use steelyard_billing::{CumulativeUsage, Part, ProviderId, ReportId};
use steelyard_import::{Record, Share, Summary, sum};
use steelyard_pricing::{BillingDay, Metered};

use super::{Counters, ImportAs, ImportError, tell};
use crate::count::{Cumulative, CumulativeShares};

/// The id of the report if none is given.
const REPORT: &str = "lines";

/// Counts the lines of a file that give only a day: all of them, or none.
///
/// Under an id that the operator did not give, nothing of the providers and days may be known:
/// their calls may be the same, or others. Under one that was given, the file has to be the known
/// one, grown.
pub(super) async fn count(
    records: Vec<Record>,
    by: &ImportAs,
    counters: &Counters,
    summary: &mut Summary,
) -> Result<(), ImportError> {
    if records.is_empty() {
        return Ok(());
    }
    let id = by.report.clone();
    let id = id.unwrap_or_else(|| REPORT.parse().expect("letters are an id"));
    let shares = shares(records);
    let failed = |source| ImportError::Count { report: id.clone(), source: Arc::new(source) };
    let keys = shares.keys().cloned().collect::<Vec<_>>();
    let known = counters.usage.cumulative((&by.source, &id), &keys).await.map_err(failed)?;
    if let Some(question) = question(by, &id, &shares, &known) {
        for ((provider, day), (usage, line)) in shares {
            summary.refuse_share(share(&id, provider, day, &usage, line)?, &question);
        }
        return Ok(());
    }
    let report = Cumulative { source: &by.source, id: &id, basis: None };
    let usage = shares.iter().map(|(key, (usage, _))| (key.clone(), usage.clone())).collect();
    let raising = counters.counter().raise(report, usage).await.map_err(failed)?;
    summary.reports += 1;
    for (key, raised) in raising {
        let Some((usage, line)) = shares.get(&key) else { continue };
        tell(summary, share(&id, key.0, key.1, usage, *line)?, raised);
    }
    Ok(())
}

type Shares = BTreeMap<(ProviderId, BillingDay), (CumulativeUsage, u64)>;

fn shares(records: Vec<Record>) -> Shares {
    let mut shares = Shares::new();
    for record in records {
        let metered = record.metered();
        let Record { provider, api, day, line, .. } = record;
        let (usage, first) =
            shares.entry((provider, day)).or_insert((CumulativeUsage::new(), line));
        usage.raise(&api, Part::WHOLE, metered);
        *first = line.min(*first);
    }
    shares
}

fn share<'a>(
    report: &'a ReportId,
    provider: ProviderId,
    day: BillingDay,
    usage: &CumulativeUsage,
    line: u64,
) -> Result<Share<'a>, ImportError> {
    let usage = usage.usage();
    let usage = usage.map_err(|source| ImportError::Sum { report: report.clone(), source })?;
    let metered = usage.iter().fold(Metered::ZERO, |all, (_, metered)| sum(all, metered));
    Ok(Share { report, provider, day, metered, line, usage })
}

/// What the operator has to say before the file can be counted, if it is not clear.
fn question(
    by: &ImportAs,
    id: &ReportId,
    shares: &Shares,
    known: &CumulativeShares,
) -> Option<String> {
    if by.report.is_none() {
        let question = format!(
            "lines without an instant or an id, and a file with such lines was imported before for \
             some of these providers and days: if this file has other calls, give it an id of its own \
             by --report; if it is the same file, mended or grown, give --report {id}"
        );
        return (!known.is_empty()).then_some(question);
    }
    let is_same = known.iter().all(|(key, known)| {
        shares.get(key).is_some_and(|(usage, _)| {
            let mut both = known.clone();
            both.merge(usage.clone());
            both == *usage || both == *known
        })
    });
    let other = format!(
        "lines of another file than the one that was imported as report {id}: that has more calls of \
         some API, and this of another; give this file an id of its own by --report"
    );
    (!is_same).then_some(other)
}
