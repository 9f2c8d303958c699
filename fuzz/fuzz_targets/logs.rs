//! No bytes make the reader of logs panic. Each line of a log counts, is free, or is refused by
//! name, and a log that grows counts nothing that its longer form does not.
#![no_main]

use std::collections::BTreeMap;
use std::io::{self, Cursor};
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use steelyard_billing::{Calendar, CumulativeUsage, ProviderId, ReportId};
use steelyard_fuzz::choice;
use steelyard_import::{Batch, Batches, Input, Rule};
use steelyard_pricing::BillingDay;

/// The rules that are delivered, and the one that holds unless another is given.
static RULES: LazyLock<[Rule; 6]> = LazyLock::new(|| {
    let read = |text| Rule::read(text).expect("a rule that is delivered is one");
    [
        Rule::default(),
        read(include_str!("../../rules/apigateway.json")),
        read(include_str!("../../rules/apisix.json")),
        read(include_str!("../../rules/cloudfront-json.json")),
        read(include_str!("../../rules/envoy.json")),
        read(include_str!("../../rules/kong.json")),
    ]
});

static CALENDAR: LazyLock<Calendar> =
    LazyLock::new(|| Calendar::new("Asia/Shanghai", 5).expect("a zone and a day"));

/// How far the counts of each hour have come.
type Hours = BTreeMap<(ReportId, BillingDay, ProviderId), CumulativeUsage>;

fuzz_target!(|data: &[u8]| {
    let Some((choice, data)) = choice(data, 6) else { return };
    let rule = &RULES[usize::from(choice)];
    if let Ok(text) = str::from_utf8(data) {
        let _: Result<Rule, _> = Rule::read(text);
    }
    // A post may fail as a whole.
    if let Ok(post) = Batch::of_post(data, rule, &CALENDAR) {
        assert_eq!(reported(&post), calls(&post), "each call of a post is reported");
    }
    let Ok(whole) = batches(data, rule) else { return };
    let steps_back: u64 = whole.iter().map(|batch| batch.edges.steps_back).sum();
    let Some(cut) = data.iter().rposition(|byte| *byte == b'\n') else { return };
    let Ok(grown) = batches(&data[..=cut], rule) else { return };
    if steps_back > 0 || whole.iter().chain(&grown).any(|batch| !batch.bad.is_empty()) {
        return;
    }
    let whole = hours(whole);
    let mut both = hours(grown);
    for (key, usage) in whole.clone() {
        both.entry(key).or_default().merge(usage);
    }
    assert_eq!(both, whole, "a shorter log counts what the longer one does not");
});

/// The batches of a log, in which each line has its place, and no call is reported that no line
/// says.
fn batches(data: &[u8], rule: &Rule) -> io::Result<Vec<Batch>> {
    let input = Input::new(Cursor::new(data.to_vec()), None)?;
    let mut reading = Batches::new(input, rule, &CALENDAR);
    let batches = reading.by_ref().collect::<io::Result<Vec<_>>>()?;
    assert_eq!(batches.iter().map(lines).sum::<u64>(), reading.lines());
    let sum = |of: fn(&Batch) -> u128| batches.iter().map(of).sum::<u128>();
    assert!(sum(reported) <= sum(calls), "calls of no line");
    Ok(batches)
}

fn lines(batch: &Batch) -> u64 {
    let bad = u64::try_from(batch.bad.len()).expect("few lines");
    let free = batch.blank + batch.odd.count + batch.not_billable.count + batch.unmapped.lines;
    free + batch.billable + bad
}

/// The calls that the lines say.
fn calls(batch: &Batch) -> u128 {
    batch.metered.calls.get().into()
}

/// The calls that would be reported.
fn reported(batch: &Batch) -> u128 {
    let identified = batch.identified.iter().map(|line| line.record.count);
    let counts = identified.chain(batch.days.iter().map(|record| record.count));
    let mut reported = counts.map(|count| u128::from(count.get())).sum();
    for share in batch.hours.iter().flat_map(|hour| hour.shares.values()) {
        let usage = share.usage.usage().expect("what was read can be counted");
        reported += usage.iter().map(|(_, metered)| u128::from(metered.calls.get())).sum::<u128>();
    }
    reported
}

fn hours(batches: Vec<Batch>) -> Hours {
    let mut hours = Hours::new();
    for hour in batches.into_iter().flat_map(|batch| batch.hours) {
        for (provider, share) in hour.shares {
            hours.entry((hour.id.clone(), hour.day, provider)).or_default().merge(share.usage);
        }
    }
    hours
}
