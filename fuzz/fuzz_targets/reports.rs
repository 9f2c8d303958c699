//! No bytes make the readers of reports and events panic. Each record of a report counts or is
//! refused, and what a report is does not depend on the time at which it is read.
#![no_main]

use std::collections::BTreeSet;
use std::sync::LazyLock;

use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::{SignedDuration, Timestamp};
use libfuzzer_sys::fuzz_target;
use steelyard_billing::Calendar;
use steelyard_fuzz::choice;
use steelyard_report::{Accepted, Counts, UsageEvent, UsageReport, of_message};

static CALENDAR: LazyLock<Calendar> =
    LazyLock::new(|| Calendar::new("Asia/Shanghai", 5).expect("a zone and a day"));

fuzz_target!(|data: &[u8]| {
    let Some((choice, data)) = choice(data, 3) else { return };
    match choice {
        0 => UsageReport::read(data).iter().for_each(check),
        1 => of_message(data).iter().for_each(check),
        _ => {
            let (headers, body) = request(data);
            UsageEvent::of_headers(&headers, body).iter().for_each(|event| check(&event.report));
        }
    }
});

/// The header lines of a request, and what follows the empty line after them.
fn request(data: &[u8]) -> (HeaderMap, &[u8]) {
    let end = data.windows(2).position(|two| two == b"\n\n").unwrap_or(data.len());
    let (head, body) = data.split_at(end);
    let lines = head.split(|byte| *byte == b'\n').filter_map(|line| {
        let (name, value) = line.split_at_checked(line.iter().position(|byte| *byte == b':')?)?;
        let value = HeaderValue::from_bytes(value.strip_prefix(b":")?.trim_ascii()).ok()?;
        Some((HeaderName::from_bytes(name).ok()?, value))
    });
    (lines.collect(), body.get(2..).unwrap_or_default())
}

fn check(report: &UsageReport) {
    let now: Timestamp = "2015-05-17T02:00:00Z".parse().expect("an instant");
    let accepted = report.accept(&CALENDAR, now);
    let counted = accepted.shares.values().flat_map(|share| share.records.values().flatten());
    let refused = accepted.refused.iter().map(|refused| &refused.index);
    let places = counted.chain(refused).collect::<Vec<_>>();
    assert_eq!(places.len(), report.records.len(), "a record has one place");
    assert_eq!(
        places.iter().collect::<BTreeSet<_>>().len(),
        places.len(),
        "a record has two places"
    );
    assert!(accepted.refused.iter().all(|refused| !refused.why.to_string().is_empty()));
    check_sums(report, &accepted);
    // A day later less is in the future.
    let later = report.accept(&CALENDAR, now + SignedDuration::from_hours(24));
    for (provider, share) in &accepted.shares {
        // With more records, a day may have too many APIs.
        let Some(again) = later.shares.get(provider) else { continue };
        assert_eq!(again.digest, share.digest, "the time decides what a report is");
    }
}

/// The days of a share add up to its total.
fn check_sums(report: &UsageReport, accepted: &Accepted) {
    if report.counts != Counts::New {
        return;
    }
    for share in accepted.shares.values() {
        let days = share.days.values().map(|usage| usage.total().expect("it was added up"));
        let sum = days.map(|metered| metered.calls.get()).sum::<u64>();
        // A day with too many APIs is refused, and its calls are in the total.
        assert!(sum <= share.total.calls.get());
    }
}
