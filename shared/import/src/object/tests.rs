use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::*;
use crate::RuleDocument;

const LINES: u64 = 5;

fn calendar() -> Calendar {
    Calendar::new("Asia/Shanghai", 5).unwrap()
}

fn object(key: &str) -> ObjectName {
    ObjectName::new("logs", key)
}

/// The counted calls by provider, hour's report and API, where the larger count of each part holds.
#[derive(Default)]
struct Counted {
    reports: BTreeMap<(ReportId, ProviderId, BillingDay), CumulativeUsage>,
    bad: u64,
}

impl Counted {
    /// Counts an object from a segment on. Gives how many segments it has in all.
    fn count(&mut self, key: &str, log: &[u8], first: u32, segments: usize) -> u32 {
        let (rule, calendar) = (Rule::default(), calendar());
        let input = Input::new(Cursor::new(log.to_vec()), None).unwrap();
        let name = object(key);
        let all = Segments::of_lines(LINES, input, &name, first, (&rule, &calendar)).unwrap();
        let mut next = first;
        for segment in all.take(segments) {
            let segment = segment.unwrap();
            assert_eq!(segment.number, next);
            next += 1;
            self.bad += u64::try_from(segment.batch.bad.len()).unwrap();
            for HourReport { id, day, shares } in segment.batch.hours {
                for (provider, share) in shares {
                    let known = self.reports.entry((id.clone(), provider, day)).or_default();
                    known.merge(share.usage);
                }
            }
        }
        next
    }

    fn calls(&self) -> BTreeMap<(String, String), u64> {
        let mut calls = BTreeMap::new();
        for ((_, provider, _), usage) in &self.reports {
            for (api, metered) in usage.usage().unwrap().iter() {
                *calls.entry((provider.to_string(), api.to_string())).or_default() +=
                    metered.calls.get();
            }
        }
        calls
    }
}

fn line(host: u8, api: u8, second: u32) -> String {
    let (hour, minute, second) = (second / 3600 % 24, second / 60 % 60, second % 60);
    format!(
        "10.0.0.{host} - - [17/May/2015:{hour:02}:{minute:02}:{second:02} +0000] \"GET /a{api} HTTP/1.1\" 200 5\n"
    )
}

fn log(lines: &[(u8, u8, u32)]) -> Vec<u8> {
    lines.iter().map(|(host, api, second)| line(*host, *api, *second)).collect::<String>().into()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An independent count.
fn expected<'a>(
    lines: impl IntoIterator<Item = &'a (u8, u8, u32)>,
) -> BTreeMap<(String, String), u64> {
    let mut calls = BTreeMap::new();
    for (host, api, _) in lines {
        *calls.entry((format!("10.0.0.{host}"), format!("a{api}"))).or_default() += 1;
    }
    calls
}

fn lines() -> impl Strategy<Value = Vec<(u8, u8, u32)>> {
    // Lines of one second may be equal, and stand in any order.
    prop::collection::vec((0_u8..3, 0_u8..3, 0_u32..9_000), 0..40)
}

proptest! {
    #[test]
    fn objects_that_are_read_in_pieces_and_again_in_any_order_count_each_line_once(
        one in lines(),
        other in lines(),
        readings in prop::collection::vec((any::<bool>(), 0_u32..9, 0_usize..9), 0..9),
    ) {
        let logs = [gzip(&log(&one)), log(&other)];
        let keys = ["one.gz", "other"];
        let mut counted = Counted::default();
        for (of, first, segments) in readings {
            let of = usize::from(of);
            counted.count(keys[of], &logs[of], first, segments);
        }
        for (key, log) in keys.iter().zip(&logs) {
            counted.count(key, log, 0, usize::MAX);
        }
        prop_assert_eq!(counted.calls(), expected(one.iter().chain(&other)));
        prop_assert_eq!(counted.bad, 0);
    }

    #[test]
    fn an_object_that_grew_counts_what_is_new_and_one_that_shrank_takes_nothing_back(
        lines in lines(), cut in 0_usize..40,
    ) {
        let before = lines.iter().take(cut).copied().collect::<Vec<_>>();
        let mut counted = Counted::default();
        for log in [log(&before), log(&lines), log(&before)] {
            counted.count("access.log", &log, 0, usize::MAX);
        }
        prop_assert_eq!(counted.calls(), expected(&lines));
    }
}

#[test]
fn columns_of_a_cloudfront_log_hold_in_every_segment() {
    let mut log =
        "#Version: 1.0\n#Fields: date time sc-status cs-method cs-uri-stem c-ip x-edge-location\n"
            .to_owned();
    for second in 10..32 {
        log += &format!("2015-05-17\t01:02:{second}\t200\tGET\t/a1\t10.0.0.1\tLAX1\n");
    }
    for first in [0, 1, 3] {
        let mut counted = Counted::default();
        counted.count("cdn", log.as_bytes(), first, usize::MAX);
        let left = 22 - (u64::from(first) * LINES).saturating_sub(2);
        let expected = BTreeMap::from([(("10.0.0.1".to_owned(), "a1".to_owned()), left)]);
        assert_eq!((counted.calls(), counted.bad), (expected, 0), "from segment {first}");
    }
}

#[test]
fn reader_goes_on_behind_the_last_segment_that_was_counted() {
    let lines = (0..12).map(|second| (1, 1, second)).collect::<Vec<_>>();
    let mut counted = Counted::default();
    assert_eq!(counted.count("a", &log(&lines), 0, 1), 1);
    assert_eq!(counted.count("a", &log(&lines), 1, 1), 2);
    assert_eq!(counted.calls(), expected(&lines[..10]));
    assert_eq!(counted.count("a", &log(&lines), 2, usize::MAX), 3);
    assert_eq!(counted.calls(), expected(&lines));
    // Beyond its end there is an empty one, which says so.
    assert_eq!(counted.count("a", &log(&lines), 7, usize::MAX), 8);
    assert_eq!(counted.calls(), expected(&lines));
}

#[test]
fn last_segment_says_so_even_if_it_is_full_or_empty() {
    for (lines, segments) in [(0, 1), (4, 1), (5, 1), (6, 2), (10, 2)] {
        let log = log(&(0..lines).map(|second| (1, 1, second)).collect::<Vec<_>>());
        let (rule, calendar) = (Rule::default(), calendar());
        let input = Input::new(Cursor::new(log), None).unwrap();
        let all = Segments::of_lines(LINES, input, &object("k"), 0, (&rule, &calendar)).unwrap();
        let all = all.map(|segment| segment.unwrap().is_last).collect::<Vec<_>>();
        assert_eq!(all.len(), segments, "{lines} lines");
        assert_eq!(all.iter().filter(|is_last| **is_last).count(), 1);
        assert_eq!(all.last(), Some(&true));
    }
}

#[test]
fn object_that_breaks_off_is_an_error_behind_what_is_whole() {
    let lines = (0..2_000).map(|second| (1, 1, second)).collect::<Vec<_>>();
    let packed = gzip(&log(&lines));
    let cut = packed[..packed.len() / 2].to_vec();
    let (rule, calendar) = (Rule::default(), calendar());
    let input = Input::new(Cursor::new(cut), None).unwrap();
    let all = Segments::of_lines(LINES, input, &object("k"), 0, (&rule, &calendar)).unwrap();
    let all = all.collect::<Vec<_>>();
    assert!(all.len() > 1);
    assert!(all.last().unwrap().is_err());
    assert!(all.iter().rev().skip(1).all(|segment| !segment.as_ref().unwrap().is_last));
}

#[test]
fn reports_of_two_objects_and_of_two_segments_have_different_ids() {
    let lines = (0..12).map(|second| (1, 1, second)).collect::<Vec<_>>();
    let mut counted = Counted::default();
    counted.count("a", &log(&lines), 0, usize::MAX);
    counted.count("b", &log(&lines), 0, usize::MAX);
    let ids = counted.reports.keys().map(|(id, ..)| id.to_string()).collect::<Vec<_>>();
    assert_eq!(ids.len(), 6, "{ids:?}");
    let digest = object("a").digest();
    assert!(ids.contains(&format!("s3-{digest}-2-2015-05-17T00Z")), "{ids:?}");
    assert_ne!(ObjectName::new("a", "b/c").digest(), ObjectName::new("a/b", "c").digest());
}

#[test]
fn rule_names_the_longest_beginning_of_a_key() {
    let rule: RuleDocument = serde_json::from_value(serde_json::json!({
        "rule": "alb", "objects": [
            { "bucket": "logs", "prefix": "alb/" }, { "bucket": "logs", "prefix": "alb/eu/" },
            { "bucket": "all" },
        ],
    }))
    .unwrap();
    for (bucket, key, named) in [
        ("logs", "alb/x", Some(4)),
        ("logs", "alb/eu/x", Some(7)),
        ("logs", "cdn/x", None),
        ("all", "anything", Some(0)),
        ("other", "alb/x", None),
    ] {
        assert_eq!(rule.names(&ObjectName::new(bucket, key)), named, "{bucket} {key}");
    }
}
